"""Metrics of any confusion matrix, with their definitions."""

from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest.config.groups import least_groups
from sentinel_forest.datasets.keys import codes_of
from sentinel_forest.datasets.metric import Metric
from sentinel_forest.errors import ArgumentError
from sentinel_forest.evaluation import metrics, uncertainty


def scores(
    confusion: Any,
    *,
    classes: Sequence[object] | None = None,
    groups: Any = None,
    draws: int = 1000,
    random_state: int = 0,
) -> pd.DataFrame:
    """Compute the metrics of a confusion matrix, each with its definition.

    Papers report "AA" or "mIoU" and mean different numbers: over the classes that occur, or over all of them.
    So each value stands beside the definition that it follows; see the page on metrics for formulas and sources.

    Parameters
    ----------
    confusion : array-like, shape (n_classes, n_classes) or (n_patches, n_classes, n_classes), or DataFrame
        Counts of samples by true class (rows) and predicted class (columns). A DataFrame is matched by its labels,
        as `pandas.crosstab` gives it: a class that is missing in rows or columns has no counts there.
    classes : sequence, optional
        Names of the classes of an array. By default 0, 1, ...
    groups : array-like, shape (n_patches,), optional
        The group of each patch, for counts by patch. Adds intervals: patches of a group are not independent, so
        whole groups are drawn. Names that differ in case, blanks, ``_`` or ``-`` alone are one group; so are ``7``,
        ``07`` and ``7.0``.
    draws : int, default=1000
        Number of bootstrap draws.
    random_state : int, default=0
        Seed of the draws.

    Returns
    -------
    DataFrame
        `metric` (a stable id), `definition`, `class` (blank for a figure over all classes) and `value`, which is NaN
        where it is undefined (0 / 0). With `groups` also `low` and `high`, the 95 % interval of the value, `groups`,
        the number of groups that it rests on, and `note`, which says why there is no interval (too few groups,
        or patches without a known group), or for fewer than 30 groups which coverage it had in simulation.

    Raises
    ------
    ValueError
        If the counts are not those of a confusion matrix, or lengths do not agree.

    References
    ----------
    Congalton 1991, doi 10.1016/0034-4257(91)90048-B. Cameron, Gelbach and Miller 2008, doi 10.1162/rest.90.3.414
    (bootstrap over groups); see `sentinel_forest.evaluation.uncertainty.interval`.

    Examples
    --------
    >>> from sentinel_forest import scores
    >>> table = scores([[8, 2, 0], [1, 9, 0], [0, 0, 0]], classes=["water", "urban", "forest"])
    >>> table[table["class"] == ""].drop(columns="class").round(3)
            metric                     definition  value
    0           oa                             OA  0.850
    1   aa.present        AA over present classes  0.850
    2       aa.all            AA over all classes  0.567
    3        kappa                  Cohen's kappa  0.700
    4   f1.present  macro-F1 over present classes  0.850
    5  iou.present      mIoU over present classes  0.739
    6      iou.all          mIoU over all classes  0.492
    >>> table[table["metric"] == "pa"]
      metric     definition   class  value
    7     pa  PA of a class   water    0.8
    8     pa  PA of a class   urban    0.9
    9     pa  PA of a class  forest    NaN

    With counts of 20 patches in 10 cities:

    >>> import numpy as np
    >>> city = np.repeat(np.arange(10), 2)
    >>> patches = np.random.default_rng(0).poisson([[8, 2], [1, 9]], (20, 2, 2))
    >>> table = scores(patches, groups=city)
    >>> table.loc[table["metric"] == "oa", ["value", "low", "high", "groups"]].round(2)
       value   low  high  groups
    0   0.82  0.76  0.87      10
    """
    counts, names = _counts(confusion, classes)
    if not isinstance(draws, Integral) or draws < 2:
        raise ArgumentError("An interval takes draws.", where="draws", found=draws, expected="a whole number from 2")
    if groups is None:
        total = counts.reshape(-1, len(names), len(names)).sum(axis=0)
        rows: list[tuple[object, ...]] = [
            (*who, float(metric.function(total)[place])) for metric, who, place in _figures(names)
        ]
        return pd.DataFrame(rows, columns=_COLUMNS)
    sums, known, reservation = _by_group(counts, groups)
    drawn = uncertainty.resamples(known, draws, random_state) if not reservation else np.empty((0, len(sums)))
    tables = np.tensordot(np.vstack([np.ones((1, len(sums))), drawn]), sums, axes=1)
    rows = []
    for metric, who, place in _figures(names):
        values = metric.function(tables)[(..., *place)]
        support = uncertainty.Supports.of(metric, sums[:known]).at(*place)
        value, span, of_class = float(values[0]), (metric.low, metric.high), who[2]
        low, high = uncertainty.interval(value, values[1:], support, span, least_groups(of_class))
        note = reservation or uncertainty.few_groups(support.groups, of_class, support.lacking)
        if np.isnan(low) and not np.isnan(value) and "no interval" not in note:
            note = uncertainty.ALIKE
        rows.append((*who, value, low, high, support.groups, note))
    return pd.DataFrame(rows, columns=[*_COLUMNS, "low", "high", "groups", "note"])


_COLUMNS = ["metric", "definition", "class", "value"]


def _figures(names: Sequence[str]) -> Iterator[tuple[Metric, tuple[str, str, str], Any]]:
    """The metrics; what a row says of them; and the place of its number among their values."""
    for metric in metrics.OVERALL:
        yield metric, (metric.id, metric.definition, ""), ()
    for metric in metrics.PER_CLASS:
        for place, name in enumerate(names):
            yield metric, (metric.id, metric.definition, name), (place,)


def _counts(confusion: Any, classes: Sequence[object] | None) -> tuple[np.ndarray, list[str]]:
    """Counts, float64 (..., classes, classes), and the names of the classes."""
    if isinstance(confusion, pd.DataFrame):
        if classes is not None:
            raise ArgumentError("A table has names already.", where="classes", found=classes, expected="none")
        if confusion.index.has_duplicates or confusion.columns.has_duplicates:
            raise ArgumentError(
                "A class is there twice.", where="confusion", expected="each class once in rows and columns"
            )
        if not confusion.empty:
            _hold_sums(confusion)
        labels = [*confusion.index, *(name for name in confusion.columns if name not in confusion.index)]
        confusion, classes = confusion.reindex(index=labels, columns=labels, fill_value=0), labels
    counts = np.asarray(confusion, dtype=np.float64)
    if counts.ndim not in (2, 3) or counts.shape[-1] != counts.shape[-2] or not counts.size:
        raise ArgumentError(
            "This is no confusion matrix.",
            where="confusion",
            found=f"shape {counts.shape}",
            expected="as many rows (true classes) as columns (predicted classes), or a stack of such",
        )
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise ArgumentError(
            "These are no counts.", where="confusion", found="negative or undefined numbers", expected="0 or more"
        )
    names = [str(name) for name in (range(counts.shape[-1]) if classes is None else classes)]
    if len(names) != counts.shape[-1] or len(set(names)) != len(names):
        raise ArgumentError(
            "The names are not those of the classes.",
            where="classes",
            found=f"{len(set(names))} different names",
            expected=f"{counts.shape[-1]}",
        )
    return counts, names


def _hold_sums(table: pd.DataFrame) -> None:
    """Refuse a table with sums in its last row and column, as `pandas.crosstab` adds them with ``margins=True``."""
    if len(table) < 3:  # any table of two classes could be one class and its sums
        return
    counts = table.to_numpy(np.float64)
    inner = counts[:-1, :-1]
    sums = np.array_equal(counts[-1, :-1], inner.sum(axis=0)) and np.array_equal(counts[:-1, -1], inner.sum(axis=1))
    if table.index[-1] == table.columns[-1] and inner.any() and sums and counts[-1, -1] == inner.sum():
        raise ArgumentError(
            "The last row and column are sums of the others.",
            where="confusion",
            found=f"{table.index[-1]!r}",
            expected="classes alone: pandas.crosstab without margins=True",
        )


def _by_group(counts: np.ndarray, groups: Any) -> tuple[np.ndarray, int, str]:
    """Counts added up by group, those of unknown groups last; the number of known groups; and why not to draw."""
    if counts.ndim != 3 or np.ndim(groups) != 1 or len(groups) != len(counts):
        raise ArgumentError(
            "Groups are not those of the counts.",
            where="groups",
            found=f"shape {np.shape(groups)}, of confusion {counts.shape}",
            expected="a group for each patch, and counts by patch (n_patches, n_classes, n_classes)",
        )
    code = codes_of(pd.Series(groups))
    unknown, known = code < 0, int(code.max(initial=-1)) + 1
    sums = np.zeros((known + bool(unknown.any()), *counts.shape[1:]))
    np.add.at(sums, np.where(unknown, known, code), counts)
    return sums, known, uncertainty.ungrouped(int(unknown.sum()), len(code))
