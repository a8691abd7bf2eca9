"""Metrics and their definitions: functions of confusion counts, and of nothing else.

Counts are arrays (..., true classes, predicted classes); a function reduces the last two axes and
works on any number of tables at once. What is undefined (0 / 0) is NaN, never zero, unless the
definition counts an absent class as zero.

Producer's accuracy (PA) is recall, user's accuracy (UA) is precision. A class is *present* if it
occurs in the truth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

Function = Callable[[np.ndarray], np.ndarray]

CONGALTON = "Congalton 1991, doi 10.1016/0034-4257(91)90048-B"
COHEN = "Cohen 1960, doi 10.1177/001316446002000104"
JACCARD = "Everingham et al. 2010, doi 10.1007/s11263-009-0275-4"
BRODERSEN = "Brodersen et al. 2010, doi 10.1109/ICPR.2010.764"
RIJSBERGEN = "van Rijsbergen 1979, Information Retrieval, 2nd edition"
BECHTEL = "Bechtel, Demuzere and Stewart 2020, doi 10.3390/rs12111769"
CLOUDSEN12 = "Aybar et al. 2022, doi 10.1038/s41597-022-01878-2, and the authors' code for their table"

NOTHING = "no scored patch of role {role}"
ABSENT = "no patch of role {role} has class {class}"
UNPREDICTED = "class {class} is never predicted in role {role}"
NEITHER = "class {class} neither occurs nor is predicted in role {role}"
ONE_SIDED = "role {role} does not have both {class} and its contrary"
ONE_CLASS = "role {role} has one class only, and it is always predicted"


@dataclass(frozen=True)
class Metric:
    """A metric of a confusion table.

    Parameters
    ----------
    name, definition : str
        Together they say which figure it is, e.g. ``AA``, ``AA over present classes``.
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
    """

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


@dataclass(frozen=True)
class PatchMetric:
    """A summary, over patches, of a metric of each patch's own two-class table.

    `value` takes the counts (patches, 2, 2) to a value of each patch, NaN where it is undefined;
    `summary` takes the values (patches) and the weights (draws, patches) to one value of each draw.
    `cloudy` restricts it to patches with positives of the task's first question.
    """

    name: str
    definition: str
    formula: str
    source: str
    value: Function
    summary: Callable[[np.ndarray, np.ndarray], np.ndarray]
    cloudy: bool
    undefined: str
    low: float = 0.0
    high: float = 1.0
    headline: bool = False


# Counts


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, NaN where `below` is 0."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    shape = np.broadcast_shapes(above.shape, below.shape)
    return np.divide(above, below, out=np.full(shape, np.nan), where=below != 0)


def _hits(counts: np.ndarray) -> np.ndarray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _true(counts: np.ndarray) -> np.ndarray:
    return counts.sum(axis=-1)


def _predicted(counts: np.ndarray) -> np.ndarray:
    # A last column without a row: units without an answer, which are wrong and of no class.
    return counts.sum(axis=-2)[..., : counts.shape[-2]]


def _union(counts: np.ndarray) -> np.ndarray:
    return _true(counts) + _predicted(counts) - _hits(counts)


def _total(counts: np.ndarray) -> np.ndarray:
    return counts.sum(axis=(-2, -1))


def _over_present(function: Function) -> Function:
    """Mean of a class metric over the classes that occur in the truth."""

    def mean(counts: np.ndarray) -> np.ndarray:
        present = _true(counts) > 0
        return _ratio(np.where(present, function(counts), 0.0).sum(axis=-1), present.sum(axis=-1))

    return mean


def _over_all(function: Function) -> Function:
    """Mean of a class metric over all classes; where it is undefined it counts as 0."""

    def mean(counts: np.ndarray) -> np.ndarray:
        values = np.nan_to_num(function(counts)).mean(axis=-1)
        return np.where(_total(counts) > 0, values, np.nan)

    return mean


def _positive(function: Function) -> Function:
    """A class metric of the second of two classes."""
    return lambda counts: function(counts)[..., 1]


# Values


def overall_accuracy(counts: np.ndarray) -> np.ndarray:
    """Share of units on the diagonal."""
    return _ratio(_hits(counts).sum(axis=-1), _total(counts))


def kappa(counts: np.ndarray) -> np.ndarray:
    """Cohen's kappa."""
    total = _total(counts)
    observed = _ratio(_hits(counts).sum(axis=-1), total)
    expected = _ratio((_true(counts) * _predicted(counts)).sum(axis=-1), total**2)
    return _ratio(observed - expected, 1.0 - expected)


def producers_accuracy(counts: np.ndarray) -> np.ndarray:
    """Recall of each class."""
    return _ratio(_hits(counts), _true(counts))


def users_accuracy(counts: np.ndarray) -> np.ndarray:
    """Precision of each class."""
    return _ratio(_hits(counts), _predicted(counts))


def f1(counts: np.ndarray) -> np.ndarray:
    """Harmonic mean of PA and UA of each class."""
    return _ratio(2.0 * _hits(counts), _true(counts) + _predicted(counts))


def iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class."""
    return _ratio(_hits(counts), _union(counts))


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean of PA of two classes; NaN if either is absent."""
    return producers_accuracy(counts).mean(axis=-1)


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
    return _ratio((used * values[known]).sum(axis=1), used.sum(axis=1))


def _percent(low: float, high: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Per cent of the defined values in [low, high]."""

    def share(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        inside = np.where(np.isnan(values), np.nan, 100.0 * ((values >= low) & (values <= high)))
        return weighted_mean(inside, weights)

    return share


# Registry

OVERALL = (
    Metric("OA", "OA", "sum_i n_ii / n", CONGALTON, overall_accuracy, _total, headline=True),
    Metric(
        "AA",
        "AA over present classes",
        "mean of PA over the classes that occur in the truth",
        CONGALTON,
        _over_present(producers_accuracy),
        _total,
        headline=True,
    ),
    Metric(
        "AA",
        "AA over all classes",
        "mean of PA over all classes of the task, 0 for those that do not occur",
        CONGALTON,
        _over_all(producers_accuracy),
        _total,
    ),
    Metric(
        "kappa",
        "Cohen's kappa",
        "(p_o - p_e) / (1 - p_e), p_e = sum_i n_i. n_.i / n^2",
        COHEN,
        kappa,
        _total,
        ONE_CLASS,
        -1.0,
        headline=True,
    ),
    Metric(
        "macro-F1",
        "macro-F1 over present classes",
        "mean of F1 over the classes that occur in the truth",
        RIJSBERGEN,
        _over_present(f1),
        _total,
        headline=True,
    ),
    Metric(
        "mIoU",
        "mIoU over present classes",
        "mean of IoU over the classes that occur in the truth",
        JACCARD,
        _over_present(iou),
        _total,
        headline=True,
    ),
    Metric(
        "mIoU",
        "mIoU over all classes",
        "mean of IoU over all classes of the task, 0 for those that neither occur nor are predicted",
        JACCARD,
        _over_all(iou),
        _total,
    ),
)

PER_CLASS = (
    Metric("PA", "per class", "n_ii / n_i.", CONGALTON, producers_accuracy, _true, ABSENT),
    Metric("UA", "per class", "n_ii / n_.i", CONGALTON, users_accuracy, _predicted, UNPREDICTED),
    Metric("F1", "per class", "2 n_ii / (n_i. + n_.i)", RIJSBERGEN, f1, _union, NEITHER),
    Metric("IoU", "per class", "n_ii / (n_i. + n_.i - n_ii)", JACCARD, iou, _union, NEITHER),
)

QUESTION = (
    Metric("OA", "question, pooled", "(TP + TN) / n", CONGALTON, overall_accuracy, _total),
    Metric(
        "BOA",
        "question, pooled",
        "(TP / (TP + FN) + TN / (TN + FP)) / 2",
        BRODERSEN,
        balanced_accuracy,
        _total,
        ONE_SIDED,
        headline=True,
    ),
    Metric(
        "PA", "question, pooled", "TP / (TP + FN)", CONGALTON, _positive(producers_accuracy), _positive(_true), ABSENT
    ),
    Metric(
        "UA",
        "question, pooled",
        "TP / (TP + FP)",
        CONGALTON,
        _positive(users_accuracy),
        _positive(_predicted),
        UNPREDICTED,
    ),
    Metric(
        "F1",
        "question, pooled",
        "2 TP / (2 TP + FP + FN)",
        RIJSBERGEN,
        _positive(f1),
        _positive(_union),
        NEITHER,
        headline=True,
    ),
)
"""Of a two-class table: negative first, positive second."""


def _patch_metrics() -> tuple[PatchMetric, ...]:
    below, above = np.nextafter(0.1, 0.0), np.nextafter(0.9, 1.0)
    summaries = (
        ("mean over cloudy patches", "mean", weighted_mean, 1.0),
        ("% of cloudy patches below 0.1", "% < 0.1", _percent(0.0, below), 100.0),
        ("% of cloudy patches from 0.1 to 0.9", "% in [0.1, 0.9]", _percent(0.1, 0.9), 100.0),
        ("% of cloudy patches above 0.9", "% > 0.9", _percent(above, 1.0), 100.0),
    )
    median = PatchMetric(
        "BOA",
        "median over patches",
        "median of (TPR + TNR) / 2 over the patches that have both classes",
        CLOUDSEN12,
        balanced_accuracy,
        weighted_median,
        False,
        "no patch of role {role} has both {class} and its contrary",
        headline=True,
    )
    kinds = (
        ("PA", "TP / (TP + FN)", producers_accuracy, "no cloudy patch of role {role} has {class}"),
        ("UA", "TP / (TP + FP)", users_accuracy, "{class} is predicted in no cloudy patch of role {role}"),
    )
    return (
        median,
        *(
            PatchMetric(
                name,
                definition,
                f"{short} of {formula} over the patches where it is defined and the first question of the"
                " task (cloud) has positives",
                CLOUDSEN12,
                _positive(function),
                summary,
                True,
                undefined,
                high=high,
            )
            for name, formula, function, undefined in kinds
            for definition, short, summary, high in summaries
        ),
    )


PER_PATCH = _patch_metrics()
"""The summaries of the authors of CloudSEN12, for pixel tasks."""


def lcz_similarity() -> pd.DataFrame:
    """Similarity of local climate zones, rows and columns 1-10 and A-G, in 0..1 (source: in the file)."""
    path = Path(__file__).with_name("lcz_similarity.tsv")
    return pd.read_csv(path, sep="\t", comment="#", index_col=0, dtype={"LCZ": "str"})


def _lcz_metrics() -> tuple[Metric, ...]:
    similarity = lcz_similarity().to_numpy()
    built = np.arange(len(similarity)) < 10

    def weighted(counts: np.ndarray) -> np.ndarray:
        return _ratio((counts * similarity).sum(axis=(-2, -1)), _total(counts))

    def urban(counts: np.ndarray) -> np.ndarray:
        return counts[..., :10, :10]

    def urban_truth(counts: np.ndarray) -> np.ndarray:
        return _total(counts[..., :10, :])

    def same_side(counts: np.ndarray) -> np.ndarray:
        return _ratio((counts * (built[:, None] == built)).sum(axis=(-2, -1)), _total(counts))

    no_urban = "role {role} has no patch of LCZ 1-10"
    return (
        Metric(
            "WA",
            "weighted accuracy, LCZ similarity of Bechtel et al. 2020",
            "sum_ij s_ij n_ij / n",
            BECHTEL,
            weighted,
            _total,
            headline=True,
        ),
        Metric(
            "OAu",
            "OA urban, true class LCZ 1-10",
            "sum_(i<=10) n_ii / sum_(i<=10) n_i.",
            BECHTEL,
            lambda counts: _ratio(_hits(urban(counts)).sum(axis=-1), urban_truth(counts)),
            urban_truth,
            no_urban,
        ),
        Metric(
            "OAu",
            "OA urban, true and predicted class LCZ 1-10",
            "sum_(i<=10) n_ii / sum_(i,j<=10) n_ij",
            BECHTEL,
            lambda counts: overall_accuracy(urban(counts)),
            lambda counts: _total(urban(counts)),
            no_urban,
        ),
        Metric(
            "OAbu",
            "OA built / natural",
            "share with true and predicted both in LCZ 1-10 or both in A-G",
            BECHTEL,
            same_side,
            _total,
        ),
    )


LCZ = _lcz_metrics()
OF_TASK: Mapping[str, tuple[Metric, ...]] = {"lcz": LCZ}
"""Metrics that apply to one task only, by its name."""

AS_SAMPLED, DESIGN_WEIGHTED = ", as sampled", ", design-weighted"
"""What a definition ends with where patches were drawn with unequal probabilities."""


def registry() -> tuple[Metric | PatchMetric, ...]:
    """All metrics; name and definition together are unique."""
    return (*OVERALL, *LCZ, *PER_CLASS, *QUESTION, *PER_PATCH)


def find(name: str, definition: str) -> Metric | PatchMetric | None:
    """The metric with this name and definition (with or without a note on weights), or None."""
    plain = definition.removesuffix(AS_SAMPLED).removesuffix(DESIGN_WEIGHTED)
    for metric in registry():
        if (metric.name, metric.definition) == (name, plain):
            return replace(metric, definition=definition)
    return None
