"""What groups contribute to a figure: their values, and what the figure becomes when two classifiers swap groups."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sentinel_forest.datasets.metric import Function, weighted_median
from sentinel_forest.evaluation.medians import GroupMedians

Differences = Callable[[np.ndarray], np.ndarray]
"""Swaps (swaps, active groups) to the difference after each, float64 (swaps,)."""
EVERY = slice(None)
BLOCK_BYTES = 4 * 2**20
"""Bytes of the weights of all patches in some draws: what a summary over patches works on at a time."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables of the groups, (groups, classes, answers), and the metric as a function of tables."""

    by_group: np.ndarray
    function: Function

    def of_groups(self) -> np.ndarray:
        """The value of each group."""
        return self.function(self.by_group)

    def swapped(self, other: "Tables", active: np.ndarray | slice = EVERY) -> Differences:
        """The difference to `other` as a function of swaps: float64 (swaps,).

        It takes swaps (swaps, active groups), 1 where the tables of a group are swapped, else 0; `active` is bool
        (groups,), all unless they are given.
        """
        answers = max(self.by_group.shape[2], other.by_group.shape[2])
        one, two = (_with_answers(each.by_group, answers) for each in (self, other))
        change = (two - one)[active]
        sums = one.sum(axis=0), two.sum(axis=0)

        def differ(swaps: np.ndarray) -> np.ndarray:
            moved = (swaps @ change.reshape(len(change), -1)).reshape(-1, *change.shape[1:])
            return np.asarray(self.function(sums[0] + moved) - self.function(sums[1] - moved))

        return differ

    def active(self, other: "Tables") -> np.ndarray:
        """Groups in which the two differ, bool (groups,); to swap others changes nothing."""
        answers = max(self.by_group.shape[2], other.by_group.shape[2])
        one, two = (_with_answers(each.by_group, answers) for each in (self, other))
        return np.asarray((one != two).any(axis=(1, 2)))


def _with_answers(tables: np.ndarray, answers: int) -> np.ndarray:
    """Tables with blank columns behind, up to so many: nobody was without an answer."""
    return np.pad(tables, ((0, 0), (0, 0), (0, answers - tables.shape[2])))


@dataclass(frozen=True, eq=False)
class Summaries:
    """Values of patches (patches,), their weights and groups (`groups` of them), and the summary of them."""

    values: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    groups: int
    summary: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def of_groups(self) -> np.ndarray:
        """The value of each group."""
        return self.summary(self.values, (np.arange(self.groups)[:, None] == self.group) * self.weight)

    def swapped(self, other: "Summaries", active: np.ndarray | slice = EVERY) -> Differences:
        """As `Tables.swapped`."""
        chosen = np.zeros(self.groups, dtype=bool)
        chosen[active] = True
        return (self._swapped_medians if self.summary is weighted_median else self._swapped)(other, chosen)

    def _swapped_medians(self, other: "Summaries", active: np.ndarray) -> Differences:
        values, group = np.concatenate([self.values, other.values]), np.concatenate([self.group, self.group])
        place = np.cumsum(active) - 1
        moving = np.where(active[group], 1.0, 0.0) * np.concatenate([self.weight, self.weight])
        nothing = np.zeros(len(self.weight))
        sides = np.repeat([-1.0, 1.0], len(self.weight))
        bases = np.concatenate([self.weight, nothing]), np.concatenate([nothing, self.weight])
        one, two = (
            GroupMedians(values, sign * sides * moving, place[group] * active[group], int(active.sum()), base)
            for sign, base in zip((1.0, -1.0), bases, strict=True)
        )
        return lambda swaps: one.of(swaps) - two.of(swaps)

    def _swapped(self, other: "Summaries", active: np.ndarray) -> Differences:
        values = np.concatenate([self.values, other.values])

        def differ(swaps: np.ndarray) -> np.ndarray:
            every = np.zeros((len(swaps), self.groups))
            every[:, active] = swaps
            found = []
            some = max(2, BLOCK_BYTES // (8 * max(1, len(values))))
            for first in range(0, len(swaps), some):
                swapped = every[first : first + some, self.group]
                sides = swapped, 1 - swapped
                own, others = (np.hstack([(1 - side) * self.weight, side * self.weight]) for side in sides)
                found.append(self.summary(values, own) - self.summary(values, others))
            return np.concatenate(found)

        return differ

    def active(self, other: "Summaries") -> np.ndarray:
        """As `Tables.active`."""
        same = (self.values == other.values) | (np.isnan(self.values) & np.isnan(other.values))
        return np.asarray(np.bincount(self.group, weights=~same, minlength=self.groups) > 0)
