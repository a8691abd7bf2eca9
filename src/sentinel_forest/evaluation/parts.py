"""What groups contribute to a figure: their values, and what the figure becomes when two classifiers swap groups."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sentinel_forest.datasets.metric import Function

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

    def swapped(self, other: "Tables", swaps: np.ndarray) -> np.ndarray:
        """The difference to `other` after the tables of some groups have been swapped, float64 (swaps,).

        `swaps` (swaps, groups) is 1 where a group is swapped, else 0.
        """
        answers = max(self.by_group.shape[2], other.by_group.shape[2])
        one, two = (_with_answers(each.by_group, answers) for each in (self, other))
        moved = np.tensordot(swaps, two - one, axes=1)
        return np.asarray(self.function(one.sum(axis=0) + moved) - self.function(two.sum(axis=0) - moved))

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

    def swapped(self, other: "Summaries", swaps: np.ndarray) -> np.ndarray:
        """As `Tables.swapped`."""
        values = np.concatenate([self.values, other.values])
        some = max(2, BLOCK_BYTES // (8 * max(1, len(values))))
        found = []
        for first in range(0, len(swaps), some):
            swapped = swaps[first : first + some, self.group]
            sides = swapped, 1 - swapped
            own, others = (np.hstack([(1 - side) * self.weight, side * self.weight]) for side in sides)
            found.append(self.summary(values, own) - self.summary(values, others))
        return np.concatenate(found)

    def active(self, other: "Summaries") -> np.ndarray:
        """As `Tables.active`."""
        same = (self.values == other.values) | (np.isnan(self.values) & np.isnan(other.values))
        return np.asarray(np.bincount(self.group, weights=~same, minlength=self.groups) > 0)
