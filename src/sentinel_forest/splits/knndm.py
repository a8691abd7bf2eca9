"""Folds that are as far from their training data as the place of prediction is (kNNDM).

Random folds test a forest right beside its training data, folds by block far away from them; neither says how it
will do where it is meant to predict. The k-fold nearest neighbour distance matching of Linnenbrink et al. (2024,
doi 10.5194/gmd-17-5897-2024) chooses folds such that the distances from test samples to the nearest training sample
are distributed as those from the places of prediction are.

As in the paper, candidates are Ward's clusters of the points, in numbers from one for each fold to one for each point,
which are merged to folds: clusters of the size of a fold stay alone, the others are dealt in turn along the first
principal component. This implementation departs from it in three ways. Where there are more than `CELLS` points, the
clusters are those of as many cells of a median cut. Folds of the cells of median cuts themselves, dealt by size, are
candidates as well; of as many cells as points they are random folds, so that no preceding test decides whether the
training data are clustered. Fewer numbers of clusters are tried where there are more than `FEW` points.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sentinel_forest.datasets.sphere import RADIUS_KM, great_circle_km, on_sphere
from sentinel_forest.errors import ArgumentError

Floats = npt.NDArray[np.float64]
Folds = npt.NDArray[np.int64]

COMPARED = 20_000
"""Points by whose distances candidates are compared, drawn at random where there are more; the result is of all."""

CANDIDATES = 12
"""Numbers of clusters that are tried, from one for each fold to one for each point."""

FEW = 5_000
"""Up to so many points, `CANDIDATES_OF_FEW` numbers of clusters are tried."""

CANDIDATES_OF_FEW = 100

CELLS = 2_000
"""Cells that hierarchical clusters are made of, where there are more points."""

LARGEST = 0.5
"""Fraction of the points that a fold of merged clusters holds at most."""


@dataclass(frozen=True)
class MatchedFolds:
    """Folds, and how well they match.

    Attributes
    ----------
    folds : ndarray of int64, shape (points,)
        Fold of each point, from 0.
    clusters : int
        Number of clusters that were dealt to the folds.
    mismatch : float
        Wasserstein distance in km between the two distributions of distances; 0 is a perfect match.
    distances : ndarray, shape (points,)
        Distance in km from each point to the nearest point of another fold.
    target : ndarray, shape (places,)
        Distance in km from each place of prediction to the nearest point.
    """

    folds: Folds
    clusters: int
    mismatch: float
    distances: Floats
    target: Floats


def match_folds(
    lon: npt.ArrayLike, lat: npt.ArrayLike, to_lon: npt.ArrayLike, to_lat: npt.ArrayLike, k: int = 5, seed: int = 0
) -> MatchedFolds:
    """Choose folds whose nearest-neighbour distances match those to the places of prediction.

    Parameters
    ----------
    lon, lat : array_like, shape (points,)
        Places of the patches, in degrees.
    to_lon, to_lat : array_like, shape (places,)
        Places of prediction, in degrees.
    k : int
        Number of folds.
    seed : int
        Seed of the random folds and of ties between clusters of equal size.

    Returns
    -------
    MatchedFolds

    Raises
    ------
    ArgumentError
        If there are fewer distinct points than folds, no places, or a coordinate out of range.

    References
    ----------
    .. [1] J. Linnenbrink, C. Mila, M. Ludwig and H. Meyer (2024), kNNDM CV: k-fold nearest-neighbour distance
       matching cross-validation for map accuracy estimation, Geoscientific Model Development 17, 5897-5912,
       doi 10.5194/gmd-17-5897-2024.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> lon, lat = rng.uniform(10, 12, 300), rng.uniform(50, 52, 300)
    >>> near = match_folds(lon, lat, rng.uniform(10, 12, 100), rng.uniform(50, 52, 100))
    >>> far = match_folds(lon, lat, rng.uniform(14, 16, 100), rng.uniform(50, 52, 100))
    >>> bool(near.distances.mean() < far.distances.mean())
    True
    """
    from scipy.spatial import KDTree
    from scipy.stats import wasserstein_distance

    points, places = _on_sphere(lon, lat), _on_sphere(to_lon, to_lat)
    if not len(places):
        raise ArgumentError("There is no place of prediction.", found=0, expected="at least one point")
    distinct = len(np.unique(points, axis=0))
    if not 2 <= k <= distinct:
        raise ArgumentError("The number of folds does not fit.", found=k, expected=f"2 to {distinct}, the points")
    target = _great_circle(KDTree(points).query(places)[0])
    compared = np.zeros(len(points), dtype=bool)
    compared[np.random.default_rng(seed).permutation(len(points))[:COMPARED]] = True
    candidates = list(_candidates(points, k, seed))
    mismatches = [
        float(wasserstein_distance(distances_between_folds(points, folds, compared), target)) for folds, _ in candidates
    ]
    folds, count = candidates[int(np.argmin(mismatches))]
    distances = distances_between_folds(points, folds)
    return MatchedFolds(folds, count, float(wasserstein_distance(distances, target)), distances, target)


def mismatch_of(
    lon: npt.ArrayLike, lat: npt.ArrayLike, folds: npt.ArrayLike, to_lon: npt.ArrayLike, to_lat: npt.ArrayLike
) -> float:
    """Wasserstein distance in km between the distances of any folds and those to the places of prediction."""
    from scipy.spatial import KDTree
    from scipy.stats import wasserstein_distance

    points, places = _on_sphere(lon, lat), _on_sphere(to_lon, to_lat)
    target = _great_circle(KDTree(points).query(places)[0])
    return float(wasserstein_distance(distances_between_folds(points, np.asarray(folds)), target))


def distances_between_folds(points: Floats, folds: Folds, wanted: npt.NDArray[np.bool_] | None = None) -> Floats:
    """Great-circle distance in km from points (on the sphere, in km) to the nearest point of another fold.

    Parameters
    ----------
    points : ndarray, shape (points, 3)
        All points.
    folds : ndarray, shape (points,)
        Their folds.
    wanted : ndarray of bool, shape (points,), optional
        Points whose distances are wanted; all unless given.
    """
    from scipy.spatial import KDTree

    chosen = np.ones(len(points), dtype=bool) if wanted is None else wanted
    result = np.empty(len(points))
    for fold in np.unique(folds):
        inside = folds == fold
        others = KDTree(points[~inside], compact_nodes=False, balanced_tree=False)
        result[inside & chosen] = others.query(points[inside & chosen])[0]
    return _great_circle(result[chosen])


def _on_sphere(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Floats:
    """Places in degrees as points on the sphere, in km from its centre."""
    degrees = np.column_stack([np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)])
    if not (np.isfinite(degrees).all() and (np.abs(degrees) <= [360, 90]).all()):
        row = int(np.flatnonzero(~(np.isfinite(degrees) & (np.abs(degrees) <= [360, 90])).all(axis=1))[0])
        raise ArgumentError(
            "A place is not on the globe.", where=f"row {row}", found=degrees[row].tolist(), expected="degrees"
        )
    return RADIUS_KM * on_sphere(*degrees.T)


def _great_circle(chord: Floats) -> Floats:
    """Distance along the sphere from the straight one, both in km."""
    return great_circle_km(chord / RADIUS_KM)


def _candidates(points: Floats, k: int, seed: int) -> Iterator[tuple[Folds, int]]:
    """Folds to choose from, and the number of clusters that each is made of."""
    from scipy.cluster.hierarchy import cut_tree, linkage

    counts = _cluster_counts(k, len(points), CANDIDATES_OF_FEW if len(points) <= FEW else CANDIDATES)
    cells = _median_cut(points, min(CELLS, len(points)))
    middles = _middles(points, cells)
    coarse = [count for count in counts if count <= len(middles)]
    for count, clusters in zip(coarse, cut_tree(linkage(middles, "ward"), coarse).T[:, cells], strict=True):
        folds = _merge(points, clusters, k)
        if np.bincount(folds).max() <= LARGEST * len(points):
            yield folds, count
    for count in counts:
        yield _deal(_median_cut(points, count), k, seed), count


def _cluster_counts(k: int, points: int, number: int) -> list[int]:
    """Numbers of clusters to try: evenly spaced in the logarithm, from `k` to one for each point."""
    return sorted({int(count) for count in np.round(np.geomspace(k, points, number))})


def _middles(points: Floats, clusters: Folds) -> Floats:
    """Mean of the points of each cluster."""
    sums = np.stack([np.bincount(clusters, axis) for axis in points.T], axis=1)
    middles: Floats = sums / np.bincount(clusters)[:, None]
    return middles


def _merge(points: Floats, clusters: Folds, k: int) -> Folds:
    """Merge clusters to folds: large ones stay alone, others are dealt in turn along the first principal component."""
    centred = points - points.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    axis *= np.sign(axis[np.argmax(np.abs(axis))])
    order = np.argsort(_middles(points, clusters) @ axis, kind="stable")
    large = np.bincount(clusters)[order] >= len(points) / k
    fold_of = np.empty(len(order), dtype=np.int64)
    fold_of[order[large]] = np.arange(large.sum())
    fold_of[order[~large]] = large.sum() + np.arange((~large).sum()) % max(k - large.sum(), 1)
    return fold_of[clusters]


def _median_cut(points: Floats, count: int) -> Folds:
    """Cut points into `count` clusters of nearly equal size, always across the widest extent of a cluster."""
    clusters = np.zeros(len(points), dtype=np.int64)
    if count >= len(points):
        return np.arange(len(points))
    waiting = [(np.arange(len(points)), count, 0)]
    while waiting:
        rows, parts, first = waiting.pop()
        if parts == 1:
            clusters[rows] = first
            continue
        extent = points[rows].max(axis=0) - points[rows].min(axis=0)
        order = rows[np.argsort(points[rows, int(np.argmax(np.round(extent, 6)))], kind="stable")]
        lower = parts // 2
        cut = round(len(order) * lower / parts)
        waiting += [(order[:cut], lower, first), (order[cut:], parts - lower, first + lower)]
    return clusters


def _deal(clusters: Folds, k: int, seed: int) -> Folds:
    """Deal clusters to folds: the largest first, each to the fold that is smallest; ties are broken by the seed."""
    sizes = np.bincount(clusters)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    if sizes.max() == 1:
        fold_of = np.empty(len(sizes), dtype=np.int64)
        fold_of[order] = np.arange(len(sizes)) % k
        return fold_of[clusters]
    filled, fold_of = [0] * k, np.empty(len(sizes), dtype=np.int64)
    for cluster in order:
        fold = filled.index(min(filled))
        fold_of[cluster] = fold
        filled[fold] += int(sizes[cluster])
    return fold_of[clusters]
