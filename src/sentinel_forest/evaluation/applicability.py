"""Where a forest may be trusted: the area of applicability of Meyer and Pebesma (2021).

The dissimilarity index of a sample is its distance to the nearest training sample, in the space of the features
scaled by their training standard deviations and weighted by their importance, divided by the mean distance between
training samples. It is compared with a threshold: the largest value, outliers left out, that training samples have
with respect to the training samples of *other* groups. What lies above it is unlike anything whose error was
estimated by the grouped split.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from sentinel_forest.errors import ArgumentError

Floats = npt.NDArray[np.float64]

MOST_POINTS = 5_000
"""Training samples that are kept; more are thinned, see `thin`."""

BLOCK = 512
"""Rows of a block of distances: 512 x 5,000 of them take 20 MB."""


@dataclass(frozen=True)
class Applicability:
    """Training samples in the weighted feature space, and the threshold that follows from them.

    Attributes
    ----------
    mean, std, weights : ndarray, shape (features,)
        Training mean and standard deviation of each feature; its weight.
    points : ndarray, shape (samples, features)
        Training samples, scaled and weighted.
    mean_distance : float
        Mean distance between two training samples.
    threshold : float
        Largest dissimilarity index inside the area of applicability.
    """

    mean: Floats
    std: Floats
    weights: Floats
    points: Floats
    mean_distance: float
    threshold: float

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.points)

    def dissimilarity(self, X: npt.ArrayLike, threads: int = 1) -> Floats:
        """Dissimilarity index of samples.

        Parameters
        ----------
        X : array_like, shape (samples, features)
            Features in the units of training. A sample with a missing value has a missing index.
        threads : int
            Threads of the search; the result does not depend on it.

        Returns
        -------
        ndarray, shape (samples,)
            Distance to the nearest training sample divided by the mean distance between training samples.
        """
        scaled = (np.asarray(X, dtype=float) - self.mean) / self.std * self.weights
        known = np.isfinite(scaled).all(axis=1)
        result = np.full(len(scaled), np.nan)
        if known.any():
            result[known] = self._tree.query(scaled[known], workers=threads)[0] / self.mean_distance
        return result


def fit_applicability(
    X: npt.ArrayLike, groups: npt.ArrayLike, importance: npt.ArrayLike, seed: int = 0, most: int = MOST_POINTS
) -> Applicability:
    """Learn the area of applicability of a forest from its training samples.

    Parameters
    ----------
    X : array_like, shape (samples, features)
        Features of the training samples.
    groups : array_like, shape (samples,)
        Group of each sample; the threshold rests on distances between groups.
    importance : array_like, shape (features,)
        Importance of each feature; what is negative counts as 0.
    seed, most : int
        Seed and largest number of samples of thinning.

    Returns
    -------
    Applicability

    Raises
    ------
    ArgumentError
        If there are fewer than two groups, or no feature that varies has a positive importance.

    References
    ----------
    .. [1] H. Meyer and E. Pebesma (2021), Predicting into unknown space? Estimating the area of applicability of
       spatial prediction models, Methods in Ecology and Evolution 12, 1620-1633, doi 10.1111/2041-210X.13650.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> area = fit_applicability(X, groups=np.arange(200) % 10, importance=[1.0, 1.0])
    >>> (area.dissimilarity([[0.0, 0.0], [20.0, 20.0]]) <= area.threshold).tolist()
    [True, False]
    """
    table, names = np.asarray(X, dtype=float), np.asarray(groups)
    known = np.isfinite(table).all(axis=1)
    rows = np.flatnonzero(known)[thin(names[known], most, seed)]
    table, names = table[rows], names[rows]
    if len(np.unique(names)) < 2:
        raise ArgumentError(
            "The area of applicability needs training samples of at least two groups.", found=len(np.unique(names))
        )
    mean, std = table.mean(axis=0), table.std(axis=0, ddof=1)
    weights = np.where(std > 0, np.maximum(np.asarray(importance, dtype=float), 0.0), 0.0)
    if not weights.any():
        raise ArgumentError("No feature that varies in training has a positive importance.", found=weights.tolist()[:5])
    std = np.where(std > 0, std, 1.0)
    points = (table - mean) / std * weights
    mean_distance, to_others = _distances(points, names)
    return Applicability(mean, std, weights, points, mean_distance, upper_whisker(to_others / mean_distance))


def thin(groups: npt.NDArray[np.generic], most: int, seed: int) -> npt.NDArray[np.int64]:
    """Choose at most `most` samples: of each group the same number, or all where it has fewer; seeded, in order."""
    if len(groups) <= most:
        return np.arange(len(groups))
    order = np.random.default_rng(seed).permutation(len(groups))
    _, codes = np.unique(groups, return_inverse=True)
    rank = np.empty(len(groups), dtype=np.int64)
    by_group = order[np.argsort(codes[order], kind="stable")]
    sizes = np.bincount(codes)
    rank[by_group] = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    position = np.empty(len(groups), dtype=np.int64)
    position[order] = np.arange(len(groups))
    chosen = np.lexsort((position, rank))[:most]
    return np.sort(chosen)


def upper_whisker(values: Floats) -> float:
    """Return the largest value that is no outlier: at most 1.5 interquartile ranges above the upper quartile."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(values[values <= high + 1.5 * (high - low)].max())


def _distances(points: Floats, groups: npt.NDArray[np.generic]) -> tuple[float, Floats]:
    """Mean distance between two samples, and the distance of each to the nearest sample of another group."""
    squares = (points**2).sum(axis=1)
    total, nearest = 0.0, np.empty(len(points))
    for start in range(0, len(points), BLOCK):
        block = slice(start, start + BLOCK)
        squared = squares[block, None] + squares[None, :] - 2 * points[block] @ points.T
        distances = np.sqrt(np.maximum(squared, 0.0))
        distances[np.arange(len(distances)), np.arange(start, start + len(distances))] = 0.0
        total += float(distances.sum())
        nearest[block] = np.where(groups[block, None] == groups[None, :], np.inf, distances).min(axis=1)
    return total / (len(points) * (len(points) - 1)), nearest
