"""Dummy classifiers, made from the rows that a forest is grown on; `predict` applies them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sentinel_forest.datasets.base import Question, Task
from sentinel_forest.models.forest import Training


def best_threshold(training: Training, positive: np.ndarray) -> tuple[int, float, bool, float]:
    """The feature and threshold that separate two kinds of classes best.

    Parameters
    ----------
    training : Training
        Rows count by their weight.
    positive : ndarray
        bool (classes present,): which count as positive.

    Returns
    -------
    feature : int
        Column of `Training.X`.
    threshold : float
        Halfway between two neighbouring values.
    above : bool
        Whether larger values are positive. Missing values are negative either way.
    balanced_accuracy : float
        Mean of the fractions of positive and of negative rows that are told right. On a tie the first
        feature and the lowest threshold win, and `above` before below.
    """
    is_positive = positive[training.y]
    found = [_threshold(column, is_positive, training.weight) for column in training.X.T]
    feature = int(np.argmax([score for _, _, score in found]))
    threshold, above, score = found[feature]
    return feature, threshold, above, score


def _threshold(values: np.ndarray, positive: np.ndarray, weight: np.ndarray) -> tuple[float, bool, float]:
    """`best_threshold` of one feature: all thresholds at once, over the sorted values."""
    order = np.argsort(values, kind="stable")
    order = order[: np.isfinite(values).sum()]
    ordered = values[order].astype(np.float64)
    ends = np.flatnonzero(ordered[1:] > ordered[:-1])
    if not len(ends):
        return 0.0, True, 0.0
    right = np.cumsum(np.where(positive[order], weight[order], 0)) / weight[positive].sum()
    wrong = np.cumsum(np.where(positive[order], 0, weight[order])) / weight[~positive].sum()
    # Fraction of all positive (negative) rows above or below; those that are missing are negative.
    above = (right[-1] - right[ends] + 1 - (wrong[-1] - wrong[ends])) / 2
    below = (right[ends] + 1 - wrong[ends]) / 2
    best_above, best_below = int(np.argmax(above)), int(np.argmax(below))
    is_above = bool(above[best_above] >= below[best_below])
    place = best_above if is_above else best_below
    threshold = (ordered[ends[place]] + ordered[ends[place] + 1]) / 2
    return float(threshold), is_above, float(max(above[best_above], below[best_below]))


def dummies(training: Training, task: Task, features: Sequence[str]) -> dict[str, Any]:
    """Make the dummy classifiers of a forest: what they need to answer.

    Returns
    -------
    dict
        ``majority``: the most frequent class; ``class fractions``: fraction of each class by weight;
        ``best threshold``: None, or for pixel tasks the answer of a single feature to the first
        question of the task: ``feature``, ``threshold``, ``above``, ``question``, its
        ``balanced_accuracy`` in training, and the class names it gives: ``positive`` and
        ``negative``, the most frequent class of either kind.
    """
    fractions = training.fractions(len(task.names))
    return {
        "majority": task.names[int(fractions.argmax())],
        "class fractions": dict(zip(task.names, fractions.tolist(), strict=True)),
        "best threshold": _threshold_rule(training, task, features, fractions),
    }


def _threshold_rule(
    training: Training, task: Task, features: Sequence[str], fractions: np.ndarray
) -> dict[str, Any] | None:
    if task.unit != "pixel" or not task.questions:
        return None
    question: Question = task.questions[0]
    positive = np.isin(task.names, question.positive)
    if positive[training.present].all() or not positive[training.present].any():
        return None
    feature, threshold, above, score = best_threshold(training, positive[training.present])
    return {
        "question": question.name,
        "feature": features[feature],
        "threshold": threshold,
        "above": above,
        "positive": task.names[int(np.where(positive, fractions, -1).argmax())],
        "negative": task.names[int(np.where(positive, -1, fractions).argmax())],
        "balanced_accuracy": score,
    }
