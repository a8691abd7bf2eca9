"""How a forest would do with fewer trees or with fewer training groups.

Curves are there to choose by, so that they must not see a test patch: a part of the training groups is set aside, and
forests are grown on the others. Intervals are over the groups that are set aside.

Brier 1950, Monthly Weather Review 78(1), 1-3, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sentinel_forest.evaluation.held_out import (
    AA,
    BRIER,
    OA,
    HeldOut,
    average_accuracy,
    class_fractions,
    event_of,
    overall_accuracy,
    probability_of,
    summary,
)
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import Candidate
from sentinel_forest.models.forest import Training

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

TREES, GROUPS = "trees", "groups"
"""What curves run over, in the order of the table."""

CURVES = pa.DataFrameSchema(
    {
        **columns("str", "features", "task"),
        "curve": pa.Column("str", pa.Check.isin((TREES, GROUPS))),
        "draw": pa.Column("int64", pa.Check.ge(1)),
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
    unique=["features", "curve", "draw", "trees", "training_groups", "metric"],
)
"""Scores on training groups that are set aside, with 95 % intervals over these `groups`.

A fifth of the training groups is set aside, and forests are grown on the others with the settings of the forest that
is looked into. `curve` says what changes. ``trees``: the first `trees` trees of a forest of all other groups.
``groups``: forests of all trees, grown on `training_groups` of them (with `training_rows` rows): an eighth, a quarter
and half, each a part of the next, once for each `draw` of groups; and all, of which there is one draw. `event`: what
the Brier score is of: the first two-class question of the task, else the majority class of the training rows. The
Brier score is the mean of (probability - 0 or 1)^2: 0 is best. A value is empty where a part of the groups has rows of
one class only.
"""

PARTS = (8, 4, 2)
"""The learning curve has forests of one part in so many of the training groups, and of all."""

DRAWS = 3
"""Draws of the groups of each part of the learning curve."""

ASIDE = 5
"""One training group in so many is set aside for the curves."""


def steps(trees: int) -> list[int]:
    """Numbers of trees to look at: 1, 2, 5, 10, 20, 50, ... and all."""
    series = [digit * 10**power for power in range(len(str(trees))) for digit in (1, 2, 5)]
    return [*(number for number in series if number < trees), trees]


@dataclass(frozen=True, eq=False)
class Material:
    """Training rows that curves are made from, and those that are set aside to score them.

    Parameters
    ----------
    training : Training
        Rows to grow forests on.
    group : ndarray
        Integers (training rows,): number of the group, all of 0..groups-1.
    held : HeldOut
        The rows of the groups that are set aside.
    """

    training: Training
    group: np.ndarray
    held: HeldOut

    @property
    def groups(self) -> int:
        """Number of groups to grow forests on."""
        return int(self.group.max()) + 1


def set_aside(training: Training, group: np.ndarray, most: int, draws: int, seed: Sequence[object]) -> Material | None:
    """Set a part of the training groups aside; None if there is one group only, or one class among the others.

    Parameters
    ----------
    training : Training
        The rows that the forest was grown on.
    group : ndarray
        Integers (training rows,): number of the group; -1: unknown, such rows are left out.
    most, draws : int
        Rows that are set aside at most, and draws over their groups.
    seed : sequence
        Names that all draws derive from.
    """
    training, group = training.of(group >= 0), group[group >= 0]
    names, number = np.unique(group, return_inverse=True)
    if len(names) < 2:
        return None
    generator = np.random.default_rng(checksums.seed(*seed, "set aside"))
    is_aside = (generator.permutation(len(names)) < -(-len(names) // ASIDE))[number]
    kept, rows = np.flatnonzero(~is_aside), np.flatnonzero(is_aside)
    if len(rows) > most:
        rows = np.sort(generator.choice(rows, most, replace=False))
    rest = training.of(kept)
    if len(rest.present) < 2:
        return None
    patch, first, place = np.unique(training.patches[rows], return_index=True, return_inverse=True)
    patches = pd.DataFrame({"patch": patch, "group": number[rows[first]], "weight": 1.0})
    labels, drawn_by = training.present[training.y[rows]], checksums.seed(*seed, "set aside, bootstrap")
    held = HeldOut(training.X[rows], labels, training.weight[rows], place, patches, draws, drawn_by)
    return Material(rest, np.unique(number[kept], return_inverse=True)[1], held)


def both(candidate: Candidate, material: Material, seed: int, threads: int) -> pd.DataFrame:
    """Scores by number of trees and of training groups: rows of `CURVES`.

    Parameters
    ----------
    candidate : Candidate
        The forest whose settings the others are grown with.
    material : Material
        Rows of its training.
    seed : int
        Same seed, same draws of groups.
    """
    whole = grown(candidate, material.training, threads)
    rows = [*by_trees(candidate, material, whole), *by_groups(candidate, material, whole, seed, threads)]
    return pd.DataFrame(rows, columns=list(CURVES.columns))


def grown(candidate: Candidate, training: Training, threads: int) -> RandomForestClassifier:
    """Grow a forest with the settings and the seed of another one."""
    return forest.grow(training, candidate.settings, candidate.fit["seed"], threads).forest


def by_trees(candidate: Candidate, material: Material, model: RandomForestClassifier) -> Iterator[tuple[object, ...]]:
    """Rows of `CURVES` with the curve ``trees``, of a forest that was grown on the material."""
    held, training = material.held, material.training
    wanted = frozenset(steps(len(model.estimators_)))
    votes = np.zeros((len(held.truth), len(training.present)))
    for number, estimator in enumerate(model.estimators_, 1):
        votes += estimator.tree_.predict(held.X)
        if number in wanted:
            about = TREES, 1, number, material.groups, len(training.y)
            yield from _rows(candidate, held, about, votes / number, training.present)


def by_groups(
    candidate: Candidate, material: Material, model: RandomForestClassifier, seed: int, threads: int
) -> Iterator[tuple[object, ...]]:
    """Rows of `CURVES` with the curve ``groups``; `model` was grown on all of the material."""
    held, training, trees = material.held, material.training, len(model.estimators_)
    generator = np.random.default_rng(seed)
    for draw in range(1, DRAWS + 1):
        place = generator.permutation(material.groups)[material.group]
        for number in group_steps(material.groups):
            part = training.of(place < number)
            fractions = class_fractions(grown(candidate, part, threads), held.X) if len(part.present) > 1 else None
            yield from _rows(candidate, held, (GROUPS, draw, trees, number, len(part.y)), fractions, part.present)
    about = GROUPS, 1, trees, material.groups, len(training.y)
    yield from _rows(candidate, held, about, class_fractions(model, held.X), training.present)


def group_steps(count: int) -> list[int]:
    """Numbers of groups below `count` to grow forests on, rising."""
    return sorted({-(-count // part) for part in PARTS} - {count})


def _rows(
    candidate: Candidate,
    held: HeldOut,
    forest: tuple[str, int, int, int, int],
    fractions: np.ndarray | None,
    codes: np.ndarray,
) -> Iterator[tuple[object, ...]]:
    """Rows of `CURVES` for one forest (curve, draw, trees, groups, rows); without `fractions` there is no value.

    `fractions` has a column for each of `codes`, the classes of the forest.
    """
    task = candidate.task
    event, positive = event_of(task, candidate.fit)
    about = candidate.set, task.name, *forest
    if fractions is None:
        nothing = np.nan, np.nan, np.nan, len(held.truth), held.groups, "training rows of one class only"
        yield from ((*about, metric, of, *nothing) for metric, of in ((OA, ""), (AA, ""), (BRIER, event)))
        return
    here = np.isin(task.names, positive)
    hit = codes[fractions.argmax(axis=1)] == held.truth
    error = np.square(probability_of(fractions, here[codes]) - here[held.truth])
    yield (*about, OA, "", *summary(held, overall_accuracy(held, hit), OA))
    yield (*about, AA, "", *summary(held, average_accuracy(held, hit, len(task.names)), AA))
    yield (*about, BRIER, event, *summary(held, overall_accuracy(held, error), BRIER))
