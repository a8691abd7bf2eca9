"""Metrics and their definitions: functions of confusion counts, and of nothing else.

The functions stand in `sentinel_forest.datasets.metric`, because datasets have metrics of their own for their
tasks (`Task.metrics`). Here are those that every task has.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Task
from sentinel_forest.datasets.metric import (
    ABSENT,
    NEITHER,
    ONE_CLASS,
    ONE_SIDED,
    UNPREDICTED,
    Metric,
    Parts,
    PatchMetric,
    balanced_accuracy,
    f1,
    iou,
    kappa,
    of_both,
    of_prediction,
    of_second,
    of_truth,
    over_all,
    over_present,
    overall_accuracy,
    positive,
    producers_accuracy,
    union,
    units,
    users_accuracy,
)
from sentinel_forest.errors import ArgumentError

CONGALTON = "Congalton 1991, doi 10.1016/0034-4257(91)90048-B"
COHEN = "Cohen 1960, doi 10.1177/001316446002000104"
JACCARD = "Everingham et al. 2010, doi 10.1007/s11263-009-0275-4"
BRODERSEN = "Brodersen et al. 2010, doi 10.1109/ICPR.2010.764"
RIJSBERGEN = "van Rijsbergen 1979, Information Retrieval, 2nd edition"

CLASSES = Parts(of_truth, is_mean=True)
BOTH, SECOND = Parts(of_both), Parts(of_second)

AVERAGE_ACCURACY = Metric(
    "aa.present",
    "AA",
    "AA over present classes",
    "mean of PA over the classes that occur in the truth",
    CONGALTON,
    over_present(producers_accuracy),
    units,
    headline=True,
    parts=CLASSES,
)

OVERALL = (
    Metric("oa", "OA", "OA", "sum_i n_ii / n", CONGALTON, overall_accuracy, units, headline=True),
    AVERAGE_ACCURACY,
    Metric(
        "aa.all",
        "AA",
        "AA over all classes",
        "mean of PA over all classes of the task, 0 for those that do not occur",
        CONGALTON,
        over_all(producers_accuracy),
        units,
        parts=CLASSES,
    ),
    Metric(
        "kappa",
        "kappa",
        "Cohen's kappa",
        "(p_o - p_e) / (1 - p_e), p_e = sum_i n_i. n_.i / n^2",
        COHEN,
        kappa,
        units,
        ONE_CLASS,
        -1.0,
        headline=True,
    ),
    Metric(
        "f1.present",
        "macro-F1",
        "macro-F1 over present classes",
        "mean of F1 over the classes that occur in the truth",
        RIJSBERGEN,
        over_present(f1),
        units,
        headline=True,
        parts=CLASSES,
    ),
    Metric(
        "iou.present",
        "mIoU",
        "mIoU over present classes",
        "mean of IoU over the classes that occur in the truth",
        JACCARD,
        over_present(iou),
        units,
        headline=True,
        parts=CLASSES,
    ),
    Metric(
        "iou.all",
        "mIoU",
        "mIoU over all classes",
        "mean of IoU over all classes of the task, 0 for those that neither occur nor are predicted",
        JACCARD,
        over_all(iou),
        units,
        parts=CLASSES,
    ),
)

PER_CLASS = (
    Metric("pa", "PA", "PA of a class", "n_ii / n_i.", CONGALTON, producers_accuracy, of_truth, ABSENT),
    Metric(
        "ua", "UA", "UA of a class", "n_ii / n_.i", CONGALTON, users_accuracy, of_prediction, UNPREDICTED, parts=BOTH
    ),
    Metric("f1", "F1", "F1 of a class", "2 n_ii / (n_i. + n_.i)", RIJSBERGEN, f1, union, NEITHER, parts=BOTH),
    Metric("iou", "IoU", "IoU of a class", "n_ii / (n_i. + n_.i - n_ii)", JACCARD, iou, union, NEITHER, parts=BOTH),
)

QUESTION = (
    Metric("oa.question", "OA", "OA of a question, pooled", "(TP + TN) / n", CONGALTON, overall_accuracy, units),
    Metric(
        "boa.question",
        "BOA",
        "BOA of a question, pooled",
        "(TP / (TP + FN) + TN / (TN + FP)) / 2",
        BRODERSEN,
        balanced_accuracy,
        units,
        ONE_SIDED,
        headline=True,
        parts=Parts(of_truth),
    ),
    Metric(
        "pa.question",
        "PA",
        "PA of a question, pooled",
        "TP / (TP + FN)",
        CONGALTON,
        positive(producers_accuracy),
        positive(of_truth),
        ABSENT,
    ),
    Metric(
        "ua.question",
        "UA",
        "UA of a question, pooled",
        "TP / (TP + FP)",
        CONGALTON,
        positive(users_accuracy),
        positive(of_prediction),
        UNPREDICTED,
        parts=SECOND,
    ),
    Metric(
        "f1.question",
        "F1",
        "F1 of a question, pooled",
        "2 TP / (2 TP + FP + FN)",
        RIJSBERGEN,
        positive(f1),
        positive(union),
        NEITHER,
        headline=True,
        parts=SECOND,
    ),
)
"""Of a two-class table: negative first, positive second."""


def overall(task: Task) -> tuple[Metric, ...]:
    """Metrics over all classes of a task: those that every task has, then its own."""
    return (*OVERALL, *(metric for metric in task.metrics if isinstance(metric, Metric)))


def per_patch(task: Task) -> tuple[PatchMetric, ...]:
    """Summaries over patches that a task has for its questions."""
    return tuple(metric for metric in task.metrics if isinstance(metric, PatchMetric))


@cache
def registry() -> Mapping[str, Metric | PatchMetric]:
    """All metrics by their ids, those of all datasets included."""
    tasks = [task for name in datasets.names() for task in datasets.load(name).tasks.values()]
    own = chain.from_iterable(overall(task) for task in tasks)
    summaries = chain.from_iterable(per_patch(task) for task in tasks)
    found: dict[str, Metric | PatchMetric] = {}
    every: Iterable[Metric | PatchMetric] = chain(OVERALL, own, PER_CLASS, QUESTION, summaries)
    for metric in every:
        if found.setdefault(metric.id, metric) != metric:
            raise ArgumentError("Two metrics have the same id.", where=metric.id, remedy="rename one of them")
    return found


def short(name: str) -> str:
    """The short name of a metric for people, e.g. ``AA`` for ``aa.present``; of an unknown one its id."""
    metric = registry().get(name)
    return metric.name if metric else name
