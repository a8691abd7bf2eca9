"""Rows that a forest has not seen, with draws over their groups, and the scores that are computed on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import metrics, uncertainty
from sentinel_forest.evaluation.uncertainty import Support, Supports
from sentinel_forest.io import checksums
from sentinel_forest.models import forest

OA, AA, BRIER = "oa", "aa.present", "brier"
"""Ids of metrics; `brier` is known to curves alone."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A forest that is looked into.

    Parameters
    ----------
    features : str
        Name of the feature set.
    task : Task
        What it predicts.
    model : RandomForestClassifier
        The forest.
    codes : ndarray
        For each of its classes the index into the task's classes.
    fit : mapping
        Its ``fit.json``.
    """

    features: str
    task: Task
    model: RandomForestClassifier
    codes: np.ndarray
    fit: Mapping[str, Any]

    @property
    def settings(self) -> ForestSettings:
        """How it was grown."""
        return ForestSettings.model_validate(self.fit["settings"])


def event_of(task: Task, fit: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The event whose probability is looked at, and the classes that make it up.

    The first two-class question of the task; for a task without, the majority class of the training rows.
    """
    if task.questions:
        return task.questions[0].name, task.questions[0].positive
    return str(fit["trivial"]["majority"]), (str(fit["trivial"]["majority"]),)


def class_fractions(model: RandomForestClassifier, X: np.ndarray) -> np.ndarray:
    """Mean class fractions of the leaves that rows reach: float64 (rows, classes of the forest)."""
    votes = np.zeros((len(X), len(model.classes_)))
    for estimator in model.estimators_:
        votes += estimator.tree_.predict(X)
    return np.asarray(votes / len(model.estimators_))


def probability_of(fractions: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Probability of some classes together; fractions of many leaves may add up to a little more than 1."""
    return np.asarray(np.minimum(fractions[:, positive].sum(axis=1), 1.0))


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out rows with their truth, and the draws over their groups.

    Parameters
    ----------
    X : ndarray
        float32 (rows, features).
    truth : ndarray
        int64 (rows,): index into the task's classes.
    weight : ndarray
        float64 (rows,): pixels (or patches) that a row stands for.
    group : ndarray
        int64 (rows,): number of the group, all of 0..groups-1.
    draws : ndarray
        float64 (1 + draws, groups): how often a group counts, the first row being the sample itself.
    reservation : str
        Why there are no draws, or nothing: patches whose group is unknown, which stand last as if one group.
    """

    X: np.ndarray
    truth: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    draws: np.ndarray
    reservation: str = ""

    @property
    def groups(self) -> int:
        """Number of known groups."""
        return int(self.draws.shape[1]) - bool(self.reservation)

    def doubts(self, groups: int) -> str:
        """What is to be said about an interval over so many of the groups, or nothing."""
        return self.reservation or uncertainty.few_groups(groups)

    def support(self, counted: np.ndarray | None = None) -> Support:
        """The known groups of the rows that are `counted` (rows,), 1 or 0; by default of all."""
        weight = self.weight if counted is None else self.weight * counted
        return Support.of(np.bincount(self.group, weight, self.draws.shape[1])[: self.groups])

    def support_of(self, metric: str) -> Support:
        """The known groups that a metric of all rows rests on: a mean over classes, on those of its classes."""
        if metric != AA:
            return self.support()
        classes = int(self.truth.max(initial=0)) + 1
        units = np.bincount(self.group * classes + self.truth, self.weight, self.draws.shape[1] * classes)
        counts = units.reshape(-1, classes, 1)[: self.groups] * np.eye(classes)
        return Supports.of(metrics.AVERAGE_ACCURACY, counts).at()

    @cached_property
    def _by_group(self) -> np.ndarray:
        return np.ascontiguousarray(self.draws.T)

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """Weighted sum of values (rows,) in each draw: float64 (1 + draws,)."""
        sums = np.bincount(self.group, self.weight * values, self.draws.shape[1])
        return self._add(sums[:, None])[:, 0]

    def drawn_by_class(self, values: np.ndarray, classes: int) -> np.ndarray:
        """Weighted sum of values (rows,) by true class in each draw: float64 (1 + draws, classes)."""
        place = self.group * classes + self.truth
        sums = np.bincount(place, self.weight * values, self.draws.shape[1] * classes)
        return self._add(sums.reshape(-1, classes))

    def _add(self, by_group: np.ndarray) -> np.ndarray:
        # Sparse products add up in one fixed order, dense ones in an order that depends on the cores.
        total = sparse.csr_array(by_group.T) @ self._by_group
        return np.asarray(total.T, dtype=np.float64)


def held_out_rows(
    files: Sequence[Path],
    features: Sequence[str],
    held_out: frozenset[str],
    catalog: pd.DataFrame,
    most: int,
    draws: int,
    seed: Sequence[object],
) -> HeldOut | None:
    """Labelled rows of held-out patches, at most `most` of them, drawn at random.

    Parameters
    ----------
    files : sequence of Path
        The feature tables of all shards of a release.
    features : sequence of str
        Columns that the forest was grown on, in its order.
    held_out : frozenset of str
        Patches for validation or test.
    catalog : DataFrame
        patch, group.
    most, draws : int
        Rows that are kept, and draws over the groups.
    seed : sequence
        Names that both derive from.

    Returns
    -------
    HeldOut or None
        None if there is no such row.

    Raises
    ------
    InputError
        If a table lacks a column, or a patch is not in the catalog.
    """
    parts = [forest.labelled_rows(file, features, held_out) for file in files]
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return None
    if len(table) > most:
        generator = np.random.default_rng(checksums.seed(*seed, "rows"))
        table = table.iloc[np.sort(generator.choice(len(table), most, replace=False))]
    absent = ~table["patch"].isin(catalog["patch"])
    if absent.any():
        raise InputError(
            "A patch is not in the catalog.",
            where=table.loc[absent, "patch"].iloc[0],
            remedy="give the catalog that the feature tables were computed with",
        )
    names = table["patch"].map(catalog.set_index("patch")["group"])
    group, known = pd.factorize(names.where(names != ""), sort=True)
    unknown, reservation = group < 0, ""
    counts = uncertainty.resamples(len(known), draws, checksums.seed(*seed, "bootstrap"))
    every = np.vstack([np.ones((1, len(known))), counts])
    if unknown.any():
        alone = table.loc[unknown, "patch"].nunique()
        reservation = uncertainty.ungrouped(alone, table["patch"].nunique())
        group, every = np.where(unknown, len(known), group), np.ones((1, len(known) + 1))
    return HeldOut(
        np.ascontiguousarray(table[list(features)].to_numpy(np.float32)),
        table["label"].to_numpy(np.int64),
        table["weight"].to_numpy(np.float64),
        group.astype(np.int64),
        every,
        reservation,
    )


def overall_accuracy(held: HeldOut, hit: np.ndarray) -> np.ndarray:
    """Weighted fraction of hits (rows,) in each draw: float64 (1 + draws,)."""
    return ratio(held.drawn(hit), held.drawn(np.ones(len(hit))))


def average_accuracy(held: HeldOut, hit: np.ndarray, classes: int) -> np.ndarray:
    """Mean over the classes that occur of the weighted fraction of hits, in each draw: float64 (1 + draws,)."""
    right, there = held.drawn_by_class(hit, classes), held.drawn_by_class(np.ones(len(hit)), classes)
    return ratio(np.nan_to_num(ratio(right, there)).sum(axis=1), (there > 0).sum(axis=1))


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, NaN where `below` is 0."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0))


def summary(held: HeldOut, values: np.ndarray, metric: str = OA) -> tuple[float, float, float, int, int, str]:
    """Value, interval, rows, groups and note of the values (1 + draws,) of a metric."""
    low, high = uncertainty.interval(float(values[0]), values[1:], held.support_of(metric))
    return (float(values[0]), low, high, len(held.truth), held.groups, held.doubts(held.groups))
