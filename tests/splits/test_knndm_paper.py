"""Folds by kNNDM beside the algorithm of Linnenbrink et al. (2024), written out plainly and slowly."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import ks_2samp

from sentinel_forest.datasets.sphere import RADIUS_KM
from sentinel_forest.splits.knndm import match_folds

K = 5


def great_circles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance in km of each place [lon, lat] of `a` to each of `b`, by the haversine formula."""
    (east_a, north_a), (east_b, north_b) = np.radians(a).T[:, :, None], np.radians(b).T[:, None]
    half = np.sin((north_a - north_b) / 2) ** 2
    half += np.cos(north_a) * np.cos(north_b) * np.sin((east_a - east_b) / 2) ** 2
    return 2 * RADIUS_KM * np.arcsin(np.sqrt(half))


def between_folds(distances: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """G*_j: distance of each point to the nearest one of another fold."""
    return np.where(folds[:, None] == folds, np.inf, distances).min(axis=1)


def wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    """W: the area between the two empirical distribution functions."""
    edges = np.sort(np.concatenate([a, b]))
    functions = [np.array([(values <= edge).mean() for edge in edges[:-1]]) for values in (a, b)]
    return float(np.sum(np.abs(functions[0] - functions[1]) * np.diff(edges)))


def merged(points: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Clusters merged to K folds: large ones stay alone, the others are dealt in turn along the first component."""
    axis = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0]
    names = sorted(set(clusters), key=lambda name: float(points[clusters == name].mean(axis=0) @ axis))
    large = [name for name in names if (clusters == name).sum() >= len(points) / K]
    fold_of = {name: fold for fold, name in enumerate(large)}
    rest = [fold for fold in range(K) if fold >= len(large)]
    fold_of |= {name: rest[n % len(rest)] for n, name in enumerate(name for name in names if name not in large)}
    return np.array([fold_of[name] for name in clusters])


def knndm_of_the_paper(points: np.ndarray, places: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Section 2.2 of the paper, with the choices of its authors' package CAST: Ward's clusters, 100 numbers of them."""
    distances, target = great_circles(points, points), great_circles(places, points).min(axis=1)
    alone = np.where(np.eye(len(points), dtype=bool), np.inf, distances).min(axis=1)
    if ks_2samp(alone, target, alternative="greater").pvalue >= 0.05:
        folds = np.random.default_rng(seed).permutation(len(points)) % K
        return folds, wasserstein(between_folds(distances, folds), target)
    tree = linkage(squareform(distances, checks=False), "ward")
    found = []
    for count in sorted({round(number) for number in np.geomspace(K, len(points) - 2, 100)}):
        folds = merged(points, fcluster(tree, count, "maxclust"))
        if np.bincount(folds).max() <= 0.5 * len(points):
            found.append((wasserstein(between_folds(distances, folds), target), folds))
    best = min(found, key=lambda each: each[0])
    return best[1], best[0]


def scattered(kind: str, seed: int, count: int = 180) -> tuple[np.ndarray, np.ndarray]:
    """Training points [lon, lat], and places of prediction."""
    rng = np.random.default_rng(seed)
    places = rng.uniform([0, 40], [20, 55], (count, 2))
    if kind == "alike":
        return rng.uniform([0, 40], [20, 55], (count, 2)), places
    if kind == "elsewhere":
        return rng.uniform([-12, 40], [-2, 55], (count, 2)), places
    clusters, spread = {"few clusters": (6, 0.1), "clusters": (12, 0.3), "loose clusters": (30, 1.0)}[kind]
    centres = rng.uniform([0, 40], [20, 55], (clusters, 1, 2))
    return (centres + rng.normal(0, spread, (clusters, count // clusters, 2))).reshape(-1, 2), places


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", ["few clusters", "clusters", "loose clusters", "elsewhere", "alike"])
def test_folds_match_as_well_as_those_of_the_paper(kind: str, seed: int) -> None:
    points, places = scattered(kind, seed)
    _, expected = knndm_of_the_paper(points, places, seed)
    matched = match_folds(*points.T, *places.T, k=K, seed=seed)
    distances, target = great_circles(points, points), great_circles(places, points).min(axis=1)
    assert matched.mismatch == pytest.approx(wasserstein(between_folds(distances, matched.folds), target), rel=1e-9)
    assert matched.mismatch <= 1.02 * expected
    assert np.bincount(matched.folds, minlength=K).min() > 0
