"""Near-duplicates: patches that a few numbers describe alike, although their pixels differ."""

import numpy as np
import pandas as pd

from sentinel_forest.datasets.keys import codes_as_written
from sentinel_forest.splits.linking import Linking, Row, repeated_codes, row_of, shared_codes
from sentinel_forest.splits.links import NEAR_DUPLICATE

UNKNOWN = 1e9
"""Stands for an unknown number in standard deviations; of n patches none is further than sqrt(n) from 0."""


class NearDuplicates(Linking):
    """Links by numbers that hardly differ: the largest difference of any number counts.

    Parameters
    ----------
    catalog : DataFrame
        Its `content_hash`: exact duplicates are counted by their content alone.
    signatures : DataFrame
        patch, and numbers that describe it; in the order of the catalog.
    distance : float
        The largest difference, in standard deviations of the number over the release.
    """

    def __init__(self, catalog: pd.DataFrame, signatures: pd.DataFrame, distance: float) -> None:
        values = signatures.drop(columns="patch").to_numpy(np.float64)
        self.known = np.isfinite(values).any(axis=1)
        self.values, self.distance = standardized(values), distance
        self.content = codes_as_written(catalog.get("content_hash", pd.Series("", index=catalog.index)))

    def between(self, own: np.ndarray, other: np.ndarray) -> list[Row]:
        """Patches that resemble one of the other role."""
        close = self._close(own, other[self.known[other]], 1) & ~shared_codes(self.content, own, other)
        return self._rows(close, own, other)

    def within(self, own: np.ndarray) -> list[Row]:
        """Patches that resemble another one of their role."""
        close = self._close(own, own[self.known[own]], 2) & ~repeated_codes(self.content, own)
        return self._rows(close, own, own)

    def _rows(self, close: np.ndarray, own: np.ndarray, other: np.ndarray) -> list[Row]:
        return [row_of(NEAR_DUPLICATE, close, self.known, own, other)]

    def _close(self, own: np.ndarray, other: np.ndarray, neighbours: int) -> np.ndarray:
        """Whether so many patches of `other` differ from each of `own` by at most `distance` in every column."""
        from scipy.spatial import cKDTree

        close = np.zeros(len(own), dtype=bool)
        at = np.flatnonzero(self.known[own])
        if len(at) and len(other) >= neighbours:
            limit = np.nextafter(self.distance, np.inf)
            tree = cKDTree(self.values[other])
            apart, _ = tree.query(self.values[own[at]], k=[neighbours], p=np.inf, distance_upper_bound=limit)
            close[at] = apart[:, 0] <= self.distance
        return close


def standardized(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and standard deviation 1 (or 0).

    What is unknown becomes a number far from all others: it is near to what is unknown, too, and to
    nothing else. A column that is unknown throughout, or constant, tells nothing apart.
    """
    table = pd.DataFrame(values).where(np.isfinite(values))
    deviation = table.std(ddof=0).replace(0, 1)
    return np.asarray(((table - table.mean()) / deviation).fillna(UNKNOWN))
