"""Medians over patches whose weights change by whole groups: of many draws or swaps at once, by matrix products."""

from functools import cached_property

import numpy as np


class GroupMedians:
    """Weighted medians of the same values, where each group counts with a factor of its own.

    The weight up to a value is a sum over groups, so that of all draws together it is the product of the factors with
    the weights of the groups. It is looked up at some of the values first, and then between two of these.

    Parameters
    ----------
    values : ndarray
        float64 (n,); NaN is left out.
    weight : ndarray
        float64 (n,): what a value weighs for each unit of the factor of its group; may be negative, see `base`.
    group : ndarray
        Integers (n,): the group of each value.
    groups : int
        Number of groups.
    base : ndarray, optional
        float64 (n,): what a value weighs whatever the factors are. No weight may come out negative.
    """

    def __init__(
        self, values: np.ndarray, weight: np.ndarray, group: np.ndarray, groups: int, base: np.ndarray | None = None
    ) -> None:
        known = ~np.isnan(values)
        self._values, self._rank = np.unique(values[known], return_inverse=True)
        self._weight, self._group, self._groups = weight[known], group[known], groups
        fixed = np.zeros(len(self._rank)) if base is None else base[known]
        self._base = np.bincount(self._rank, fixed, len(self._values))
        self._step = max(1, int(np.sqrt(len(self._values))))
        self._bins: dict[int, np.ndarray] = {}

    def of(self, factors: np.ndarray) -> np.ndarray:
        """Medians, float64 (draws,), with `factors` (draws, groups); NaN where all weights are 0.

        As `sentinel_forest.datasets.metric.weighted_median`: where half of the weight lies below a value and half
        above it, the mean of this value and the next.
        """
        if not len(self._values):
            return np.full(len(factors), np.nan)
        below = self._coarse[0] + factors @ self._coarse[1]
        total = below[:, -1]
        slack = 1e-9 * total  # sums of weights that are no whole numbers are rounded
        lower = self._first(factors, below, total / 2 - slack, strict=False)
        upper = self._first(factors, below, total / 2 + slack, strict=True)
        return np.where(total > 0, (self._values[lower] + self._values[upper]) / 2, np.nan)

    @cached_property
    def _coarse(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights up to the end of each bin of values: of the base (bins,), and of the groups (groups, bins)."""
        ends = np.r_[np.arange(self._step - 1, len(self._values) - 1, self._step), len(self._values) - 1]
        own = self._by_group(self._rank // self._step, np.ones(len(self._rank), dtype=bool), len(ends))
        return np.cumsum(self._base)[ends], own

    def _by_group(self, place: np.ndarray, some: np.ndarray, places: int) -> np.ndarray:
        """Weights of some values added up by group and to the right: (groups, places)."""
        flat = self._group[some] * places + place[some]
        sums = np.bincount(flat, self._weight[some], self._groups * places)[: self._groups * places]
        return np.cumsum(sums.reshape(self._groups, places), axis=1)

    def _fine(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The same for the values of one bin, counted from its beginning."""
        first, last = number * self._step, min((number + 1) * self._step, len(self._values))
        if number not in self._bins:
            inside = (self._rank >= first) & (self._rank < last)
            self._bins[number] = self._by_group(self._rank - first, inside, last - first)
        return np.cumsum(self._base[first:last]), self._bins[number]

    def _first(self, factors: np.ndarray, below: np.ndarray, least: np.ndarray, strict: bool) -> np.ndarray:
        """Index of the first value up to which the weight reaches `least` (draws,), or (`strict`) exceeds it."""
        exceeds = np.greater if strict else np.greater_equal
        chosen = np.argmax(exceeds(below, least[:, None]), axis=1)
        found = np.zeros(len(factors), dtype=np.int64)
        for number in np.unique(chosen):
            rows = np.flatnonzero(chosen == number)
            before = below[rows, number - 1] if number else np.zeros(len(rows))
            base, own = self._fine(int(number))
            inside = before[:, None] + base + factors[rows] @ own
            found[rows] = number * self._step + np.argmax(exceeds(inside, least[rows, None]), axis=1)
        return found


def row_medians(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted medians of each row of `values` (draws, n) with the same `weight` (n,); NaN is left out: (draws,)."""
    order = np.argsort(values, axis=1, kind="stable")  # NaN comes last
    ordered = np.take_along_axis(values, order, axis=1)
    below = np.cumsum(np.where(np.isnan(ordered), 0.0, weight[order]), axis=1)
    total = below[:, -1:]
    slack = 1e-9 * total
    ends = (np.argmax(below >= total / 2 - slack, axis=1), np.argmax(below > total / 2 + slack, axis=1))
    lower, upper = (np.take_along_axis(ordered, end[:, None], axis=1)[:, 0] for end in ends)
    return np.where(total[:, 0] > 0, (lower + upper) / 2, np.nan)
