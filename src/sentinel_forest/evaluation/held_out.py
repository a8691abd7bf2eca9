"""Labelled rows that a forest has not seen, with draws over their groups, and the scores that are computed on them.

A row of a patch task is a patch; rows of pixel tasks are a sample of the pixels, drawn by class and patch, and count
by the number of pixels that they stand for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from sentinel_forest.datasets.base import Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import evaluate, metrics, uncertainty
from sentinel_forest.evaluation.evaluate import Sample
from sentinel_forest.evaluation.uncertainty import Support, Supports
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import Candidate, ForestOf
from sentinel_forest.models.forest import Training

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

Floats = npt.NDArray[np.float64]

OA, AA, BRIER = "oa", "aa.present", "brier"
"""Ids of metrics; `brier` is known to curves alone."""

BLOCK_ROWS = 16_384
"""Rows that go through the trees together."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out rows with their truth, their patches, and draws over the groups of these.

    Attributes
    ----------
    X : ndarray
        float32 (rows, features).
    truth : ndarray
        int64 (rows,): index into the task's classes.
    weight : ndarray
        float64 (rows,): pixels (or patches) that a row stands for.
    place : ndarray
        int64 (rows,): index into `patches`.
    patches : DataFrame
        patch, group (missing or blank where unknown), weight (of the design); each has a row.
    draws, seed : int
        Draws over the groups. There are none where the group of a patch is unknown.
    """

    X: np.ndarray
    truth: npt.NDArray[np.int64]
    weight: Floats
    place: npt.NDArray[np.int64]
    patches: pd.DataFrame
    draws: int
    seed: int

    def at_most(self, count: int, seed: int) -> HeldOut:
        """Rows drawn at random, in their order, where there are more than `count`."""
        if len(self.truth) <= count:
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self.truth), count, replace=False))
        left, place = np.unique(self.place[rows], return_inverse=True)
        patches = self.patches.iloc[left].reset_index(drop=True)
        return replace(
            self, X=self.X[rows], truth=self.truth[rows], weight=self.weight[rows], place=place, patches=patches
        )

    @cached_property
    def sample(self) -> Sample:
        """The patches, with draws over their groups."""
        return evaluate.sample(self.patches, self.draws, self.seed)

    @cached_property
    def group(self) -> npt.NDArray[np.int64]:
        """Number of the group of each row, int64 (rows,); rows without a known one stand last, as if one group."""
        return np.asarray(self.sample.group[self.place], dtype=np.int64)

    @property
    def group_names(self) -> npt.NDArray[np.str_]:
        """Group of each row; blank where it is unknown."""
        names: npt.NDArray[np.str_] = self.patches["group"].fillna("").to_numpy(dtype=np.str_)[self.place]
        return names

    @property
    def groups(self) -> int:
        """Number of known groups."""
        return self.sample.groups

    def doubts(self, groups: int) -> str:
        """What is to be said about an interval over so many of the groups, or nothing."""
        return self.sample.reservation or uncertainty.few_groups(groups)

    def support(self, counted: np.ndarray | None = None) -> Support:
        """The known groups of the rows that are `counted` (rows,), 1 or 0; by default of all."""
        weight = self.weight if counted is None else self.weight * counted
        return Support.of(np.bincount(self.group, weight, self._all_groups)[: self.groups])

    def support_of(self, metric: str) -> Support:
        """The known groups that a metric of all rows rests on: a mean over classes, on those of its classes."""
        if metric != AA:
            return self.support()
        classes = int(self.truth.max(initial=0)) + 1
        units = np.bincount(self.group * classes + self.truth, self.weight, self._all_groups * classes)
        counts = units.reshape(-1, classes, 1)[: self.groups] * np.eye(classes)
        return Supports.of(metrics.AVERAGE_ACCURACY, counts).at()

    def by_patch(self, values: npt.ArrayLike, chosen: npt.NDArray[np.bool_] | None = None) -> Floats:
        """Mean of values (rows,) over the rows of each patch by weight, of chosen rows alone; NaN where there is none.

        Examples
        --------
        >>> table = pd.DataFrame({"patch": ["a", "b"]})
        >>> numbers = np.array([0, 0, 1])
        >>> rows = HeldOut(np.zeros((3, 1)), numbers, np.array([1.0, 3, 1]), numbers, table, draws=0, seed=1)
        >>> rows.by_patch([0, 1, 1]), rows.by_patch([0, 1, 1], rows.truth == 1)
        (array([0.75, 1.  ]), array([nan,  1.]))
        """
        weight = self.weight if chosen is None else self.weight * chosen
        size = len(self.patches)
        summed = np.bincount(self.place, weight * np.asarray(values, dtype=float), size)
        return ratio(summed, np.bincount(self.place, weight, size))

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """Weighted sum of values (rows,) in each draw: float64 (1 + draws,)."""
        sums = np.bincount(self.group, self.weight * values, self._all_groups)
        return self._add(sums[:, None])[:, 0]

    def drawn_by_class(self, values: np.ndarray, classes: int) -> np.ndarray:
        """Weighted sum of values (rows,) by true class in each draw: float64 (1 + draws, classes)."""
        place = self.group * classes + self.truth
        sums = np.bincount(place, self.weight * values, self._all_groups * classes)
        return self._add(sums.reshape(-1, classes))

    @property
    def _all_groups(self) -> int:
        return int(self.sample.draws.shape[1])

    @cached_property
    def _by_group(self) -> np.ndarray:
        return np.ascontiguousarray(self.sample.draws.T)

    def _add(self, by_group: np.ndarray) -> np.ndarray:
        # Sparse products add up in one fixed order, dense ones in an order that depends on the cores.
        total = sparse.csr_array(by_group.T) @ self._by_group
        return np.asarray(total.T, dtype=np.float64)


def read_roles(split: Path, catalog: Path) -> pd.DataFrame:
    """Patches of a trial with their roles, weights and groups: patch, role, weight, group.

    Raises
    ------
    InputError
        If a patch is not in the catalog.
    """
    roles, known = read_parquet(split, ["patch", "role", "weight"]), read_parquet(catalog, ["patch", "group"])
    if (absent := ~roles["patch"].isin(known["patch"])).any():
        raise InputError(
            "A patch is not in the catalog.",
            where=split,
            found=roles.loc[absent, "patch"].iloc[0],
            remedy="give the catalog that the split was drawn from",
        )
    return roles.merge(known, on="patch", how="left")


def held_out_rows(
    files: Sequence[Path], features: Sequence[str], patches: pd.DataFrame, draws: int, seed: int
) -> HeldOut:
    """Labelled rows of some patches, in the order of the files.

    Parameters
    ----------
    files : sequence of Path
        The feature tables of all shards of a release.
    features : sequence of str
        Columns that the forest was grown on, in its order.
    patches : DataFrame
        patch, group, weight; see `read_roles`.
    draws, seed : int
        Draws over the groups.

    Raises
    ------
    InputError
        If a table lacks a column.
    """
    parts = [forest.labelled_rows(file, features, set(patches["patch"])) for file in files]
    table = pd.concat(parts, ignore_index=True)
    labelled = patches[patches["patch"].isin(table["patch"])].sort_values("patch", ignore_index=True)
    return HeldOut(
        np.ascontiguousarray(table[list(features)].to_numpy(np.float32)),
        table["label"].to_numpy(np.int64),
        table["weight"].to_numpy(np.float64),
        pd.Index(labelled["patch"]).get_indexer(pd.Index(table["patch"])).astype(np.int64),
        labelled[["patch", "group", "weight"]],
        draws,
        seed,
    )


@dataclass(frozen=True, eq=False)
class OpenForest:
    """A forest of a trial, and where its rows are.

    Attributes
    ----------
    candidate : Candidate
        The forest.
    files : sequence of Path
        Tables of its feature set, of all shards.
    roles : DataFrame
        See `read_roles`.
    """

    candidate: Candidate
    files: Sequence[Path]
    roles: pd.DataFrame

    @classmethod
    def of(cls, given: ForestOf) -> OpenForest:
        """Read a forest and the roles of its trial."""
        return cls(given.load(), given.features, read_roles(given.split, given.catalog))

    def held_out(self, roles: Sequence[str], draws: int, seed: int) -> HeldOut:
        """`held_out_rows` of the patches of some roles."""
        patches = self.roles[self.roles["role"].isin(roles)]
        return held_out_rows(self.files, self.candidate.feature_set.features, patches, draws, seed)

    def training(self) -> Training:
        """The rows that it was grown on."""
        one = self.candidate
        return forest.training_rows(self.files, one.feature_set.features, self.roles, f"{one.scheme} {one.trial}")


def event_of(task: Task, fit: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The event whose probability is looked at, and the classes that make it up.

    The first two-class question of the task; for a task without, the majority class of the training rows.
    """
    if task.questions:
        return task.questions[0].name, task.questions[0].positive
    return str(fit["dummies"]["majority"]), (str(fit["dummies"]["majority"]),)


def class_fractions(model: RandomForestClassifier, X: np.ndarray) -> Floats:
    """Mean class fractions of the leaves that rows reach: float64 (rows, classes of the forest)."""
    votes = np.zeros((len(X), len(model.classes_)))
    for start in range(0, len(X), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        for estimator in model.estimators_:
            votes[block] += estimator.tree_.predict(X[block])
    return np.asarray(votes / len(model.estimators_))


def probability_of(fractions: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Probability of some classes together; fractions of many leaves may add up to a little more than 1."""
    return np.asarray(np.minimum(fractions[:, positive].sum(axis=1), 1.0))


def overall_accuracy(held: HeldOut, hit: np.ndarray) -> np.ndarray:
    """Weighted fraction of hits (rows,) in each draw: float64 (1 + draws,)."""
    return ratio(held.drawn(hit), held.drawn(np.ones(len(hit))))


def average_accuracy(held: HeldOut, hit: np.ndarray, classes: int) -> np.ndarray:
    """Mean over the classes that occur of the weighted fraction of hits, in each draw: float64 (1 + draws,)."""
    right, there = held.drawn_by_class(hit, classes), held.drawn_by_class(np.ones(len(hit)), classes)
    return ratio(np.nan_to_num(ratio(right, there)).sum(axis=1), (there > 0).sum(axis=1))


def scores_of(held: HeldOut, hit: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    """Scores of hits (rows,) in each draw: float64 (1 + draws,), by metric."""
    return {OA: overall_accuracy(held, hit), AA: average_accuracy(held, hit, classes)}


def ratio(above: np.ndarray, below: np.ndarray) -> Floats:
    """`above / below`, NaN where `below` is 0."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0))


def summary(held: HeldOut, values: np.ndarray, metric: str = OA) -> tuple[float, float, float, int, int, str]:
    """Value, interval, rows, groups and note of the values (1 + draws,) of a metric."""
    low, high = uncertainty.interval(float(values[0]), values[1:], held.support_of(metric))
    return (float(values[0]), low, high, len(held.truth), held.groups, held.doubts(held.groups))
