"""Distances on the sphere, against the haversine formula and known ones."""

import numpy as np
import pytest

from sentinel_forest.datasets.sphere import RADIUS_KM, great_circle_km, on_sphere


def apart_km(lon, lat, to_lon, to_lat):
    points, others = (on_sphere(np.atleast_1d(x), np.atleast_1d(y)) for x, y in ((lon, lat), (to_lon, to_lat)))
    return great_circle_km(np.linalg.norm(points - others, axis=1))


@pytest.mark.parametrize(
    ("place", "other", "degrees"),
    [((0, 0), (0, 90), 90), ((10, 0), (-170, 0), 180), ((179.5, 0), (-179.5, 0), 1), ((0, 90), (77, 90), 0)],
)
def test_arcs_of_great_circles_are_known(place, other, degrees):
    assert apart_km(*place, *other) == pytest.approx(degrees / 180 * np.pi * RADIUS_KM, abs=1e-3)


def test_the_haversine_formula_gives_the_same():
    random = np.random.default_rng(0)
    lon, to_lon = random.uniform(-180, 180, (2, 1000))
    lat, to_lat = random.uniform(-90, 90, (2, 1000))
    rise, turn = np.radians(to_lat - lat), np.radians(to_lon - lon)
    squared = np.sin(rise / 2) ** 2 + np.cos(np.radians(lat)) * np.cos(np.radians(to_lat)) * np.sin(turn / 2) ** 2
    np.testing.assert_allclose(apart_km(lon, lat, to_lon, to_lat), 2 * RADIUS_KM * np.arcsin(np.sqrt(squared)), 1e-7)
