"""Counts, by patch, of what is true and what is predicted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def confusion(
    truth: np.ndarray, predicted: np.ndarray, place: np.ndarray, patches: int, classes: int, answers: int
) -> np.ndarray:
    """Counts by patch, true class and answer: int64 (patches, classes, answers).

    Parameters
    ----------
    truth, predicted, place : ndarray
        Integers (samples,): class, answer, patch.
    patches, classes, answers : int
        How many there are of each.
    """
    flat = (place.astype(np.int64) * classes + truth) * answers + predicted
    return np.bincount(flat, minlength=patches * classes * answers).reshape(patches, classes, answers)


def counts_table(
    counts: np.ndarray,
    patches: np.ndarray,
    classes: Sequence[str],
    answers: Sequence[str],
    totals: np.ndarray | None = None,
) -> pd.DataFrame:
    """Counts above 0 of `confusion` as a table: patch, true, predicted, count, pixel_weight.

    Where the counts are of a sample, `totals` (patches, classes) tells the pixels that it was drawn from, and
    `pixel_weight` how many of them each counted one stands for; else it is 1.
    """
    patch, true, predicted = np.nonzero(counts)
    weight = np.ones(counts.shape[:2]) if totals is None else totals / np.maximum(counts.sum(axis=2), 1)
    return pd.DataFrame(
        {
            "patch": patches[patch],
            "true": np.asarray(classes, dtype=object)[true],
            "predicted": np.asarray(answers, dtype=object)[predicted],
            "count": counts[patch, true, predicted].astype(np.int64),
            "pixel_weight": weight[patch, true],
        }
    ).astype({"patch": "str", "true": "str", "predicted": "str"})
