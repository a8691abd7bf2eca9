"""Whether the labels of a file belong to its images: classes differ in what the bands show."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import File, Finding
from sentinel_forest.datasets.so2sat.vocabulary import OPTICAL

ENOUGH_ROWS, ROWS_OF_CLASS = 100, 5
"""Rows that the check needs, and rows of a class that counts."""

DEVIATIONS = 6.0
"""Standard deviations by which the explained variance of ranks exceeds that of labels in another order: 30 and more in
simulated files of 200 rows."""


def label_band_findings(file: File, sample: np.ndarray, classes: np.ndarray) -> Iterator[Finding]:
    """The check ``label:bands``: whether classes explain the vegetation index (B8, B4) or B12 of patches.

    Parameters
    ----------
    file : File
        The image file.
    sample : ndarray
        float32 (rows or fewer, bands, pixels): reflectance of some pixels of ``sen2``.
    classes : ndarray
        uint8 (rows,): labels, zero-based.
    """
    bands = dict(zip(OPTICAL, np.moveaxis(sample.astype(np.float64).mean(axis=2), 1, 0), strict=True))
    labels = pd.Series(classes[: len(sample)])
    total = bands["B8"] + bands["B4"]
    index = (bands["B8"] - bands["B4"]) / np.where(total > 0, total, np.nan)
    known = np.isfinite(index) & np.isfinite(bands["B12"]) & (labels.map(labels.value_counts()) >= ROWS_OF_CLASS)
    labels = labels[known]
    expected = f"classes explain more of the bands than labels in another order, by {DEVIATIONS:g} standard deviations"
    if len(labels) < ENOUGH_ROWS or labels.nunique() < 2:
        found = f"not computed: {len(labels)} rows of {labels.nunique()} classes, {ENOUGH_ROWS} of two are needed"
        yield Finding(file.path, "content", "label:bands", "note", found, expected)
        return
    excess = max(_excess(pd.Series(values)[known], labels) for values in (index, bands["B12"]))
    found = f"{excess:.3g} standard deviations in {len(labels)} rows"
    if excess >= DEVIATIONS:
        yield Finding(file.path, "content", "label:bands", "ok", found, expected)
        return
    remedy = "labels and images are of other rows: fetch the file again"
    yield Finding(file.path, "content", "label:bands", "failed", found, expected, remedy, "kept")


def _excess(values: pd.Series, labels: pd.Series) -> float:
    """Variance of ranks that classes explain, over what they do by chance, in standard deviations of the latter.

    By chance the fraction is (k - 1) / (n - 1) in the mean for n rows of k classes, with a variance of about
    2 (k - 1) / (n - 1)^2 (Kruskal and Wallis 1952: n - 1 times the fraction is about chi squared).
    """
    ranks = values.rank()
    explained = ranks.groupby(labels).transform("mean").var(ddof=0) / ranks.var(ddof=0) if ranks.nunique() > 1 else 0.0
    rows, freedom = len(ranks) - 1, labels.nunique() - 1
    return float((explained * rows - freedom) / np.sqrt(2 * freedom))
