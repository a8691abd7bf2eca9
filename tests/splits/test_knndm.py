"""Folds by nearest neighbour distance matching."""

import numpy as np
import pytest

from sentinel_forest.datasets.sphere import RADIUS_KM
from sentinel_forest.errors import ArgumentError
from sentinel_forest.splits.knndm import match_folds, mismatch_of


def by_hand(lon, lat, folds):
    """Great-circle distance of each point to the nearest one of another fold, by the haversine formula."""
    east, north = np.radians(lon), np.radians(lat)
    half = np.sin((north[:, None] - north) / 2) ** 2
    half += np.cos(north[:, None]) * np.cos(north) * np.sin((east[:, None] - east) / 2) ** 2
    distances = 2 * RADIUS_KM * np.arcsin(np.sqrt(half))
    return np.where(folds[:, None] == folds, np.inf, distances).min(axis=1)


def clustered(rng, clusters=25, each=16):
    """Training points in clusters of 0.2 degrees, as benchmark scenes are."""
    centres = rng.uniform([0, 40], [20, 55], (clusters, 2))
    points = (centres[:, None] + rng.normal(0, 0.2, (clusters, each, 2))).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def test_distances_are_great_circles() -> None:
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(-180, 180, 200), rng.uniform(-85, 85, 200)
    matched = match_folds(lon, lat, rng.uniform(-180, 180, 50), rng.uniform(-85, 85, 50), k=4)
    np.testing.assert_allclose(matched.distances, by_hand(lon, lat, matched.folds), rtol=1e-9)
    sizes = np.bincount(matched.folds)
    assert len(sizes) == 4
    assert sizes.min() > 0


def test_folds_follow_the_place_of_prediction() -> None:
    """Points to predict among the clusters want random folds; those spread over the area want far ones."""
    rng = np.random.default_rng(1)
    lon, lat = clustered(rng)
    random_folds = rng.integers(0, 5, len(lon))
    spread = rng.uniform([0, 40], [20, 55], (500, 2))
    matched = match_folds(lon, lat, *spread.T)
    assert matched.mismatch < 0.5 * mismatch_of(lon, lat, random_folds, *spread.T)
    assert matched.clusters < len(lon)
    rows = rng.integers(0, len(lon), 500)
    beside = np.column_stack([lon[rows], lat[rows]]) + rng.normal(0, 0.02, (500, 2))
    near = match_folds(lon, lat, *beside.T)
    assert near.distances.mean() < 0.2 * matched.distances.mean()
    assert near.mismatch == pytest.approx(mismatch_of(lon, lat, near.folds, *beside.T))


def test_the_order_of_places_and_a_repeated_call_change_nothing() -> None:
    rng = np.random.default_rng(2)
    lon, lat = clustered(rng, 10, 20)
    places = rng.uniform([0, 40], [20, 55], (100, 2))
    first = match_folds(lon, lat, *places.T, seed=4)
    again = match_folds(lon, lat, *places[::-1].T, seed=4)
    np.testing.assert_array_equal(first.folds, again.folds)
    assert first.mismatch == pytest.approx(again.mismatch)


def test_mismatch_is_zero_where_each_place_is_a_point_of_another_fold() -> None:
    """Pairs of points 1 km apart, and places 1 km from their nearest point: random folds can match that closely."""
    lon = np.repeat(np.arange(0, 60, 2.0), 2)
    lat = np.tile([0.0, 1 / 111.195], 30)
    matched = match_folds(lon, lat, np.arange(0, 60, 2.0), np.full(30, -1 / 111.195), k=2, seed=1)
    assert matched.target == pytest.approx(np.ones(30), rel=1e-3)
    assert matched.mismatch < mismatch_of(lon, lat, np.arange(60) // 30, np.arange(0, 60, 2.0), np.full(30, -0.009))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lon": [0, 1, 2], "lat": [0, 0, 0], "to_lon": [], "to_lat": []}, "no place of prediction"),
        ({"lon": [0, 0, 0], "lat": [1, 1, 1], "to_lon": [1], "to_lat": [1]}, "number of folds"),
        ({"lon": [0, 1, np.nan], "lat": [0, 0, 0], "to_lon": [1], "to_lat": [1]}, "not on the globe"),
        ({"lon": [0, 1, 2], "lat": [0, 0, 91], "to_lon": [1], "to_lat": [1]}, "not on the globe"),
    ],
)
def test_bad_input_is_answered(arguments, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        match_folds(**arguments, k=2)


def test_the_mismatch_is_the_area_between_the_two_distribution_functions() -> None:
    """Linnenbrink et al. 2024, section 2.2: W is the integral over distance of the difference of the two functions."""
    rng = np.random.default_rng(6)
    lon, lat = clustered(rng, 6, 12)
    places = rng.uniform([0, 40], [20, 55], (40, 2))
    folds = rng.integers(0, 4, len(lon))
    between = by_hand(lon, lat, folds)
    target = [
        by_hand(np.append(lon, place[0]), np.append(lat, place[1]), np.append(np.zeros(len(lon)), 1))[-1]
        for place in places
    ]
    edges = np.sort(np.concatenate([between, target]))
    first = np.array([(between <= edge).mean() for edge in edges[:-1]])
    second = np.array([(np.array(target) <= edge).mean() for edge in edges[:-1]])
    expected = np.sum(np.abs(first - second) * np.diff(edges))
    assert mismatch_of(lon, lat, folds, *places.T) == pytest.approx(expected, rel=1e-9)


def test_points_that_already_fit_the_place_of_prediction_are_mixed() -> None:
    """As CAST's `knndm`: training data that are spread as the place of prediction is are not kept together."""
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform([0, 40], [20, 55], (400, 2)).T
    places = rng.uniform([0, 40], [20, 55], (400, 2))
    matched = match_folds(lon, lat, *places.T)
    assert matched.clusters > 0.5 * len(lon)
    assert matched.mismatch < 0.3 * matched.target.mean()


def test_many_points_are_clustered_by_cells() -> None:
    """More points than cells and than few: clusters are found all the same, and a repeated call gives the same."""
    rng = np.random.default_rng(8)
    lon, lat = clustered(rng, 12, 600)
    places = rng.uniform([0, 40], [20, 55], (300, 2))
    matched = match_folds(lon, lat, *places.T)
    random_folds = rng.integers(0, 5, len(lon))
    assert matched.mismatch < 0.3 * mismatch_of(lon, lat, random_folds, *places.T)
    np.testing.assert_array_equal(matched.folds, match_folds(lon, lat, *places.T).folds)
