"""Held-out rows for tests."""

import numpy as np
import pandas as pd

from sentinel_forest.evaluation.held_out import HeldOut


def held_rows(truth, weight, group, X=None, draws=50):
    """Held-out rows, each of a patch of its own, with a few draws over their groups."""
    truth = np.array(truth)
    patches = pd.DataFrame({"patch": [f"p{row:06}" for row in range(len(truth))], "group": group, "weight": 1.0})
    X = np.zeros((len(truth), 1), np.float32) if X is None else X.astype(np.float32)
    return HeldOut(X, truth, np.array(weight, np.float64), np.arange(len(truth)), patches, draws, seed=1)
