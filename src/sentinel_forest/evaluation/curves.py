"""How a forest does on held-out rows: with fewer trees, had it been grown on fewer groups, and how far its
probabilities can be trusted.

Rows are those of the feature tables (`sentinel_forest.features.table`) whose patches are for validation
or test; no image is read. Rows of pixel tasks are drawn, and count by the number of pixels that they stand
for: figures estimate what all pixels of the held-out patches would give, and the scores, which count
every pixel, go before them. Intervals are over groups, as everywhere.

Brier 1950, Monthly Weather Review 78(1), 1-3, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
Niculescu-Mizil and Caruana 2005, doi 10.1145/1102351.1102430 (reliability of forests).
"""

from collections.abc import Iterator, Mapping, Sequence
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
from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.uncertainty import Support
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns
from sentinel_forest.models import forest
from sentinel_forest.models.forest import Training

BINS = 10
"""Bins of equal width that probabilities are sorted into."""

OA, AA, BRIER = "oa", "aa.present", "brier"
"""Ids of metrics; `brier` is known here alone."""

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

RELIABILITY = pa.DataFrameSchema(
    {
        "features": pa.Column("str"),
        "task": pa.Column("str"),
        "event": pa.Column("str"),
        "bin_low": pa.Column("float64"),
        "bin_high": pa.Column("float64"),
        "predicted": pa.Column("float64", nullable=True),
        "observed": pa.Column("float64", nullable=True),
        "low": pa.Column("float64", nullable=True),
        "high": pa.Column("float64", nullable=True),
        "share": pa.Column("float64"),
        "rows": pa.Column("int64"),
        "groups": pa.Column("int64"),
        "note": pa.Column("str"),
    },
    strict=True,
    ordered=True,
    unique=["features", "bin_low"],
)
"""Predicted probability of an event against its observed share, by bins [bin_low, bin_high) of the former
(the last holds 1 as well).

`predicted`: mean probability; `observed`: share of rows where the event is there, `low` and `high` its 95 %
interval over groups; `share`: part of all that falls into the bin. All count rows by their weight.
"""


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


# Rows


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


# Scores


def overall_accuracy(held: HeldOut, hit: np.ndarray) -> np.ndarray:
    """Weighted share of hits (rows,) in each draw: float64 (1 + draws,)."""
    return _ratio(held.drawn(hit), held.drawn(np.ones(len(hit))))


def average_accuracy(held: HeldOut, hit: np.ndarray, classes: int) -> np.ndarray:
    """Mean over the classes that occur of the weighted share of hits, in each draw: float64 (1 + draws,)."""
    right, there = held.drawn_by_class(hit, classes), held.drawn_by_class(np.ones(len(hit)), classes)
    return _ratio(np.nan_to_num(_ratio(right, there)).sum(axis=1), (there > 0).sum(axis=1))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """`above / below`, NaN where `below` is 0."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)


# Curves


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
    return np.minimum(shares[:, positive].sum(axis=1), 1.0)


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


def summary(held: HeldOut, values: np.ndarray) -> tuple[float, float, float, int, int, str]:
    """Value, interval, rows, groups and note of a score (1 + draws,)."""
    low, high = uncertainty.interval(float(values[0]), values[1:], held.support())
    return (float(values[0]), low, high, len(held.truth), held.groups, held.doubts(held.groups))


def reliability(
    held: HeldOut, probability: np.ndarray, happened: np.ndarray, names: tuple[str, str, str]
) -> pd.DataFrame:
    """Predicted probability against observed share, by bins of the former.

    Parameters
    ----------
    held : HeldOut
        The rows.
    probability, happened : ndarray
        float64 (rows,): probability of the event; 1 where it is there, else 0.
    names : tuple of str
        Feature set, task, event.

    Returns
    -------
    DataFrame
        See `RELIABILITY`.
    """
    number = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    total = float(held.weight.sum())
    rows: list[tuple[object, ...]] = []
    for place in range(BINS):
        inside = (number == place).astype(np.float64)
        groups = int((np.unique(held.group[number == place]) < held.groups).sum())
        weight = held.drawn(inside)
        predicted = _ratio(held.drawn(inside * probability), weight)
        observed = _ratio(held.drawn(inside * happened), weight)
        low, high = uncertainty.interval(float(observed[0]), observed[1:], held.support(inside))
        note = held.doubts(groups) if inside.any() else "no held-out row has such a probability"
        rows.append(
            (
                *names,
                place / BINS,
                (place + 1) / BINS,
                float(predicted[0]),
                float(observed[0]),
                low,
                high,
                float(weight[0]) / total,
                int(inside.sum()),
                groups,
                note,
            )
        )
    return pd.DataFrame(rows, columns=list(RELIABILITY.columns))
