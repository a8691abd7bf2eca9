"""What a metric is, and the functions of confusion counts that metrics are made of.

Counts are arrays (..., true classes, predicted classes); a function reduces the last two axes and
works on any number of tables at once. What is undefined (0 / 0) is NaN, never zero, unless the
definition counts an absent class as zero.

Producer's accuracy (PA) is recall, user's accuracy (UA) is precision. A class is *present* if it
occurs in the truth. The metrics of every task stand in `sentinel_forest.evaluation.metrics`, those of one
task with its dataset.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]

NOTHING = "no scored patch of role {role}"
ABSENT = "no patch of role {role} has class {class}"
UNPREDICTED = "class {class} is never predicted in role {role}"
NEITHER = "class {class} neither occurs nor is predicted in role {role}"
ONE_SIDED = "role {role} does not have both {class} and its contrary"
ONE_CLASS = "role {role} has one class only, and it is always predicted"


@dataclass(frozen=True)
class Parts:
    """What a metric is put together from, where groups may have units of one part and none of another.

    User's accuracy needs the class in the truth and among the predictions, a mean over classes each class. Few
    groups may hold one of them, and then the value rests on few groups, whatever the number of its units.

    Parameters
    ----------
    units : callable
        Counts to the units of each part: the shape of `Metric.function`, and one axis more.
    is_mean : bool
        Whether the metric is a mean over its parts; else it needs all of them.
    """

    units: Function
    is_mean: bool = False


@dataclass(frozen=True)
class Metric:
    """A metric of a confusion table.

    Parameters
    ----------
    id : str
        Stable name, e.g. ``aa.present``: tables and files of papers name the metric by it.
    name : str
        Short name for people, e.g. ``AA``.
    definition : str
        Which figure it is, in words that stand alone, e.g. ``AA over present classes``.
    formula, source : str
        How it is computed, and who defined it.
    function : callable
        Counts (..., C, C) to values (...), or (..., C) for a metric of each class.
    support : callable
        Counts to the number of units that the value rests on, in the same shape.
    undefined : str
        Why the value is NaN, with the places ``{role}`` and ``{class}``.
    low, high : float
        Range of the values.
    headline : bool
        Whether classifiers are compared by it.
    parts : Parts, optional
        What it is put together from, if that is more than the units of `support`.
    """

    id: str
    name: str
    definition: str
    formula: str
    source: str
    function: Function
    support: Function
    undefined: str = NOTHING
    low: float = 0.0
    high: float = 1.0
    headline: bool = False
    parts: Parts | None = None


@dataclass(frozen=True)
class PatchMetric:
    """A summary, over patches, of a metric of each patch's own two-class table.

    `value` takes the counts (patches, 2, 2) to a value of each patch, NaN where it is undefined;
    `summary` takes the values (patches) and the weights (draws, patches) to one value of each draw.
    `with_positives` restricts it to patches with positives of the task's first question; `of_bins` says that it counts
    patches in bins of values.
    """

    id: str
    name: str
    definition: str
    formula: str
    source: str
    value: Function
    summary: Callable[[np.ndarray, np.ndarray], np.ndarray]
    with_positives: bool
    undefined: str
    low: float = 0.0
    high: float = 1.0
    headline: bool = False
    of_bins: bool = False


# Counts


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, NaN where `below` is 0."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    shape = np.broadcast(above, below).shape
    return np.asarray(np.divide(above, below, out=np.full(shape, np.nan), where=below != 0))


def hits(counts: np.ndarray) -> np.ndarray:
    """Units on the diagonal, by class."""
    return np.diagonal(counts, axis1=-2, axis2=-1)


def of_truth(counts: np.ndarray) -> np.ndarray:
    """Units by their true class."""
    return np.asarray(counts.sum(axis=-1))


def of_prediction(counts: np.ndarray) -> np.ndarray:
    """Units by their predicted class."""
    # A last column without a row: units without an answer, which are wrong and of no class.
    return np.asarray(counts.sum(axis=-2)[..., : counts.shape[-2]])


def union(counts: np.ndarray) -> np.ndarray:
    """Units that are of a class or predicted as it, by class."""
    return np.asarray(of_truth(counts) + of_prediction(counts) - hits(counts))


def of_both(counts: np.ndarray) -> np.ndarray:
    """Units by their true and by their predicted class, (..., classes, 2)."""
    return np.stack([of_truth(counts), of_prediction(counts)], axis=-1)


def of_second(counts: np.ndarray) -> np.ndarray:
    """Units that are, and that are predicted as, the second of two classes, (..., 2)."""
    return of_both(counts)[..., 1, :]


def units(counts: np.ndarray) -> np.ndarray:
    """Number of units."""
    return np.asarray(counts.sum(axis=(-2, -1)))


def over_present(function: Function) -> Function:
    """Mean of a class metric over the classes that occur in the truth."""

    def mean(counts: np.ndarray) -> np.ndarray:
        present = of_truth(counts) > 0
        return ratio(np.where(present, function(counts), 0.0).sum(axis=-1), present.sum(axis=-1))

    return mean


def over_all(function: Function) -> Function:
    """Mean of a class metric over all classes; where it is undefined it counts as 0."""

    def mean(counts: np.ndarray) -> np.ndarray:
        values = np.nan_to_num(function(counts)).mean(axis=-1)
        return np.where(units(counts) > 0, values, np.nan)

    return mean


def positive(function: Function) -> Function:
    """A class metric of the second of two classes."""
    return partial(_second, function)


def _second(function: Function, counts: np.ndarray) -> np.ndarray:
    """A class metric of the second class; a function of its own, so that tasks can be sent to other processes."""
    return function(counts)[..., 1]


# Values


def overall_accuracy(counts: np.ndarray) -> np.ndarray:
    """Fraction of units on the diagonal."""
    return ratio(hits(counts).sum(axis=-1), units(counts))


def kappa(counts: np.ndarray) -> np.ndarray:
    """Cohen's kappa."""
    total = units(counts)
    observed = ratio(hits(counts).sum(axis=-1), total)
    expected = ratio((of_truth(counts) * of_prediction(counts)).sum(axis=-1), total**2)
    return ratio(observed - expected, 1.0 - expected)


def producers_accuracy(counts: np.ndarray) -> np.ndarray:
    """Recall of each class."""
    return ratio(hits(counts), of_truth(counts))


def users_accuracy(counts: np.ndarray) -> np.ndarray:
    """Precision of each class."""
    return ratio(hits(counts), of_prediction(counts))


def f1(counts: np.ndarray) -> np.ndarray:
    """Harmonic mean of PA and UA of each class."""
    return ratio(2.0 * hits(counts), of_truth(counts) + of_prediction(counts))


def iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class."""
    return ratio(hits(counts), union(counts))


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean of PA of two classes; NaN if either is absent."""
    return np.asarray(producers_accuracy(counts).mean(axis=-1))


# Summaries over patches


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Median of `values` (N,) with each row of `weights` (draws, N); NaN values are dropped.

    With whole weights it is the median of the values repeated that often: the mean of the two middle
    ones if their number is even.

    Returns
    -------
    ndarray of float64, shape (draws,)
        NaN where all weights are 0.
    """
    order = np.argsort(values, kind="stable")
    order = order[: np.count_nonzero(~np.isnan(values))]
    if not len(order):
        return np.full(len(weights), np.nan)
    ordered = values[order]
    below = np.cumsum(weights[:, order], axis=1)
    total = below[:, -1:]
    slack = 1e-9 * total  # sums of weights that are no whole numbers are rounded
    lower = np.argmax(below >= total / 2 - slack, axis=1)
    upper = np.argmax(below > total / 2 + slack, axis=1)
    return np.where(total[:, 0] > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of `values` (N,) with each row of `weights` (draws, N); NaN values are dropped."""
    known = ~np.isnan(values)
    used = weights[:, known]
    return ratio((used * values[known]).sum(axis=1), used.sum(axis=1))


def percent(low: float, high: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Per cent of the defined values in [low, high]."""
    return partial(_percent_inside, low, high)


def _percent_inside(low: float, high: float, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    inside = np.where(np.isnan(values), np.nan, 100.0 * ((values >= low) & (values <= high)))
    return weighted_mean(inside, weights)
