"""Confusion counts of one classifier as a matrix: a row for each patch, a column for each pair of classes."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from sentinel_forest.evaluation.confusion import Classifier, counted_units
from sentinel_forest.evaluation.sampling_error import SampledCounts
from sentinel_forest.models.scored_pixels import ALL_PIXELS


class Cells(NamedTuple):
    """Counts of a classifier, (patches, true x predicted): `counts` of scored units, `cells` of all that they stand
    for. They are the same unless a sample of pixels is scored."""

    counts: sparse.csr_array
    cells: sparse.csr_array

    def of(self, places: np.ndarray) -> "Cells":
        """Those of some patches, by their places."""
        cells = self.cells[places]
        return Cells(cells if self.counts is self.cells else self.counts[places], cells)


def cells_of(rows: pd.DataFrame, classifier: Classifier, patches: pd.Index) -> Cells:
    """Counts of some patches, from rows of the confusion table of a classifier in a role."""
    rows = rows[rows["patch"].isin(patches)]
    counts = _cells(rows, classifier, patches, rows["count"])
    whole = classifier.pixels == ALL_PIXELS
    return Cells(counts, counts if whole else _cells(rows, classifier, patches, counted_units(rows)))


def _cells(rows: pd.DataFrame, classifier: Classifier, patches: pd.Index, count: pd.Series) -> sparse.csr_array:
    """Counts (patches, true x predicted)."""
    true = pd.Index(classifier.task.names).get_indexer(pd.Index(rows["true"]))
    predicted = pd.Index(classifier.predicted).get_indexer(pd.Index(rows["predicted"]))
    place = patches.get_indexer(pd.Index(rows["patch"]))
    shape = len(patches), len(classifier.task.names) * len(classifier.predicted)
    places = place, true * len(classifier.predicted) + predicted
    return sparse.csr_array((count.to_numpy(np.float64), places), shape=shape)


class Counts(NamedTuple):
    """`Cells`, and how often each patch counts: `weight` (patches,)."""

    counts: sparse.csr_array
    cells: sparse.csr_array
    weight: np.ndarray

    @property
    def is_sample(self) -> bool:
        """Whether counts are of a sample of the pixels of each patch."""
        return self.counts is not self.cells

    def sampled(self, shape: tuple[int, int]) -> SampledCounts:
        """The sample, for its error; `shape` is (classes, answers)."""
        counts, cells = (each.toarray().reshape(-1, *shape) for each in (self.counts, self.cells))
        return SampledCounts(counts, cells.sum(axis=2), self.weight)
