"""Held-out rows for tests."""

import numpy as np

from sentinel_forest.evaluation import held_out, uncertainty


def held_rows(truth, weight, group, X=None, draws=50):
    """Held-out rows with a few draws over their groups."""
    truth, group = np.array(truth), np.array(group)
    groups = int(group.max()) + 1
    counts = np.vstack([np.ones((1, groups)), uncertainty.resamples(groups, draws, 1)])
    X = np.zeros((len(truth), 1), np.float32) if X is None else X.astype(np.float32)
    return held_out.HeldOut(X, truth, np.array(weight, np.float64), group, counts)
