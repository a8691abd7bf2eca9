"""How a forest does on held-out rows: with fewer trees, and had it been grown on fewer groups.

Brier 1950, Monthly Weather Review 78(1), 1-3, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import Task
from sentinel_forest.evaluation.calibration import reliability
from sentinel_forest.evaluation.holdout import AA, BRIER, OA, HeldOut, average_accuracy, overall_accuracy, summary
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns
from sentinel_forest.models import forest
from sentinel_forest.models.forest import Training

TREES, GROUPS = "trees", "groups"

CURVES = pa.DataFrameSchema(
    {
        **columns("str", "features", "task"),
        "curve": pa.Column("str", pa.Check.isin((TREES, GROUPS))),
        "trees": pa.Column("int64", pa.Check.ge(1)),
        "training_groups": pa.Column("int64", pa.Check.ge(1)),
        "training_rows": pa.Column("int64", pa.Check.ge(1)),
        "metric": pa.Column("str", pa.Check.isin((OA, AA, BRIER))),
        "event": pa.Column("str"),
        **columns("float64", "value", "low", "high", nullable=True),
        **columns("int64", "rows", "groups"),
        "note": pa.Column("str"),
    },
    strict=True,
    ordered=True,
    unique=["features", "curve", "trees", "training_groups", "metric"],
)
"""Scores on held-out rows, with 95 % intervals over their `groups`.

`curve` says what changes. ``trees``: the forest as it is, its first `trees` trees. ``groups``: forests of all
trees, grown on `training_groups` of the training groups (with `training_rows` rows): an eighth, a quarter and
half of them, each a part of the next, and all, which is the forest as it is. Values of all but the last are
of one draw of groups. `event`: what the Brier score is of: the first two-class question of the task, else the
majority class of the training rows. The Brier score is the mean of (probability - 0 or 1)^2: 0 is best. A
value is empty where a part of the groups has rows of one class only.
"""

PARTS = (8, 4, 2)
"""The learning curve has forests of one part in so many of the training groups, and of all."""


def event_of(task: Task, fit: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The event whose probability is looked at, and the classes that make it up.

    The first two-class question of the task; for a task without, the majority class of the training rows.
    """
    if task.questions:
        return task.questions[0].name, task.questions[0].positive
    return str(fit["trivial"]["majority"]), (str(fit["trivial"]["majority"]),)


def steps(trees: int) -> list[int]:
    """Numbers of trees to look at: 1, 2, 5, 10, 20, 50, ... and all."""
    series = [digit * 10**power for power in range(len(str(trees))) for digit in (1, 2, 5)]
    return [*(number for number in series if number < trees), trees]


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


def by_trees(subject: Subject, held: HeldOut, groups: int, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores by number of trees, and the reliability of the whole forest.

    Parameters
    ----------
    subject : Subject
        The forest, grown on `groups` groups with `rows` rows.
    held : HeldOut
        Rows that it has not seen.

    Returns
    -------
    tuple of DataFrame
        Rows of `CURVES` with the curve ``trees``, and `RELIABILITY`.
    """
    wanted, found = frozenset(steps(len(subject.model.estimators_))), list[tuple[object, ...]]()
    votes = np.zeros((len(held.truth), len(subject.codes)))
    for number, estimator in enumerate(subject.model.estimators_, 1):
        votes += estimator.tree_.predict(held.X)
        if number in wanted:
            found += _rows(subject, held, TREES, number, groups, rows, votes / number, subject.codes)
    event, positive = event_of(subject.task, subject.fit)
    here = np.isin(subject.task.names, positive)
    bins = reliability(
        held,
        _probability(votes / len(subject.model.estimators_), here[subject.codes]),
        here[held.truth].astype(np.float64),
        (subject.features, subject.task.name, event),
    )
    return pd.DataFrame(found, columns=list(CURVES.columns)), bins


def by_groups(
    subject: Subject, held: HeldOut, training: Training, group: np.ndarray, seed: int, threads: int
) -> pd.DataFrame:
    """Scores by number of training groups.

    Parameters
    ----------
    subject : Subject
        The forest of all groups.
    held : HeldOut
        Rows that no forest has seen.
    training : Training
        The rows that `subject` was grown on.
    group : ndarray
        Integers (training rows,): number of the group, all of 0..groups-1.
    seed : int
        Same seed, same order of groups.

    Returns
    -------
    DataFrame
        Rows of `CURVES` with the curve ``groups``.
    """
    count = int(group.max()) + 1
    place = np.random.default_rng(seed).permutation(count)[group]
    settings, forest_seed = subject.settings, subject.fit["seed"]
    trees, found = len(subject.model.estimators_), list[tuple[object, ...]]()
    for number in group_steps(count):
        part = training.of(place < number)
        shares = None
        if len(part.present) > 1:
            shares = _shares(forest.grow_all(part, settings, forest_seed, threads).forest, held.X)
        found += _rows(subject, held, GROUPS, trees, number, len(part.y), shares, part.present)
    whole = _shares(subject.model, held.X)
    found += _rows(subject, held, GROUPS, trees, count, len(training.y), whole, subject.codes)
    return pd.DataFrame(found, columns=list(CURVES.columns))


def group_steps(count: int) -> list[int]:
    """Numbers of groups below `count` to grow forests on, rising."""
    return sorted({-(-count // part) for part in PARTS} - {count})


def _shares(model: RandomForestClassifier, X: np.ndarray) -> np.ndarray:
    """Mean class shares of the leaves that rows reach: float64 (rows, classes of the forest)."""
    votes = np.zeros((len(X), len(model.classes_)))
    for estimator in model.estimators_:
        votes += estimator.tree_.predict(X)
    return votes / len(model.estimators_)


def _probability(shares: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Probability of some classes together; shares of many leaves may add up to a little more than 1."""
    return np.asarray(np.minimum(shares[:, positive].sum(axis=1), 1.0))


def _rows(
    subject: Subject,
    held: HeldOut,
    curve: str,
    trees: int,
    groups: int,
    rows: int,
    shares: np.ndarray | None,
    codes: np.ndarray,
) -> Iterator[tuple[object, ...]]:
    """Rows of `CURVES` for one forest; without `shares` (rows, classes with `codes`) there is none."""
    task = subject.task
    event, positive = event_of(task, subject.fit)
    about = subject.features, task.name, curve, trees, groups, rows
    if shares is None:
        nothing = np.nan, np.nan, np.nan, len(held.truth), held.groups, "training rows of one class only"
        yield from ((*about, metric, of, *nothing) for metric, of in ((OA, ""), (AA, ""), (BRIER, event)))
        return
    here = np.isin(task.names, positive)
    hit = codes[shares.argmax(axis=1)] == held.truth
    error = np.square(_probability(shares, here[codes]) - here[held.truth])
    yield (*about, OA, "", *summary(held, overall_accuracy(held, hit)))
    yield (*about, AA, "", *summary(held, average_accuracy(held, hit, len(task.names))))
    yield (*about, BRIER, event, *summary(held, overall_accuracy(held, error)))
