"""Intervals over groups, and a family of tests corrected: patches of a group are not independent, nor counted as if.

The cluster bootstrap draws whole groups with replacement. A draw is a count for each group, so that
every replicate of every metric follows from weighted sums of the groups' confusion counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from sentinel_forest.config.groups import LEAST_GROUPS, MANY_GROUPS, Kind, coverage, least_groups
from sentinel_forest.datasets.metric import Metric, ratio

LEVEL = 0.95
Span = tuple[float, float]


@dataclass(frozen=True)
class Support:
    """The groups that a figure rests on.

    Parameters
    ----------
    groups : int
        Groups with units.
    effective : float
        Number of groups of equal size that would tell as much; see `effective`.
    lacking : int
        Of the groups with units, those without a part that the figure needs (`sentinel_forest.datasets.metric.Parts`).
    """

    groups: int
    effective: float
    lacking: int = 0

    @property
    def whole(self) -> int:
        """Groups with units of all that the figure needs."""
        return self.groups - self.lacking

    @classmethod
    def of(cls, units: np.ndarray) -> "Support":
        """From the units of each group, float64 (groups,)."""
        return cls(int((units > 0).sum()), float(effective(units)))

    @classmethod
    def of_bin(cls, units: np.ndarray, percent: np.ndarray) -> "Support":
        """Of the percentage of units that lie in a bin, from that of each group, float64 (groups,).

        It needs units inside and units outside, as few groups may hold all of one kind.
        """
        inside = np.nan_to_num(percent) * units / 100
        sides = np.round(np.stack([inside, units - inside], axis=-1), 6)
        groups, whole = int((units > 0).sum()), int((sides > 0).sum(axis=0).min())
        return cls(groups, float(min(effective(units), effective(sides).min())), groups - whole)

    @classmethod
    def least(cls, supports: Iterable["Support"]) -> "Support":
        """What figures of the same groups have in common: the least of each number."""
        every = list(supports)
        groups, whole = min(each.groups for each in every), min(each.whole for each in every)
        return cls(groups, min(each.effective for each in every), groups - min(groups, whole))


class Supports(NamedTuple):
    """`Support` of many values of a metric, arrays (...)."""

    groups: np.ndarray
    effective: np.ndarray
    lacking: np.ndarray

    @classmethod
    def of(cls, metric: Metric, counts: np.ndarray) -> "Supports":
        """From the counts of each group, (groups, ..., true, predicted); shapes as from `metric.function` of a group.

        The effective number of groups of a metric that needs several parts is that of the part with the lowest, of a
        mean over parts it is their mean; parts without units do not count. `tests/bench/coverage.py` holds intervals
        by this rule against a simulation.
        """
        units = metric.support(counts)
        groups, number = (units > 0).sum(axis=0), effective(units)
        if metric.parts is None:
            return cls(groups, number, np.zeros_like(groups))
        parts = metric.parts.units(counts)
        of_parts, known = effective(parts), parts.any(axis=0)
        if metric.parts.is_mean:
            return cls(groups, np.minimum(number, _of_mean(of_parts)), np.zeros_like(groups))
        lowest = np.where(known, of_parts, np.inf).min(axis=-1)
        lacking = (units > 0) & ((parts == 0) & known).any(axis=-1)
        return cls(groups, np.minimum(number, lowest), lacking.sum(axis=0))

    def at(self, *place: int) -> Support:
        """That of one value."""
        return Support(int(self.groups[place]), float(self.effective[place]), int(self.lacking[place]))


def effective(units: np.ndarray) -> np.ndarray:
    """Number of groups of equal size that would tell as much: (sum of units)^2 / sum of units^2.

    Parameters
    ----------
    units : ndarray of float64, shape (groups, ...)
        Units of each group.

    Returns
    -------
    ndarray of float64, shape (...)
        0 where no group has units.

    Notes
    -----
    Kish 1965, Survey Sampling.
    """
    squares = np.square(units).sum(axis=0)
    return np.asarray(np.divide(units.sum(axis=0) ** 2, squares, out=np.zeros_like(squares), where=squares != 0))


def _of_mean(parts: np.ndarray) -> np.ndarray:
    """Effective number of groups of a mean over parts (..., parts), from that of each part; 0: no units.

    One more than the degrees of freedom of the sum of independent estimates, each with an error variance taken as
    inverse to its number of groups (Satterthwaite 1946, Biometrics Bulletin 2(6), doi 10.2307/3002019).
    """
    variance = ratio(np.ones_like(parts), parts)
    freedom = np.maximum(parts - 1, 1)
    whole, squares = np.nansum(variance, axis=-1), np.nansum(variance**2 / freedom, axis=-1)
    return np.asarray(1 + np.nan_to_num(ratio(whole**2, squares)))


def counted(groups: int) -> str:
    """A number of groups in words."""
    return "1 group" if groups == 1 else f"{groups} groups"


def few_groups(groups: int, of_class: str = "", lacking: int = 0, kind: Kind = "score") -> str:
    """What is to be said about an interval over so few groups, of which some lack a part, or nothing."""
    whole, least = groups - lacking, least_groups(of_class)
    said = f"{whole} of {groups} groups have all it needs" if lacking else counted(groups)
    if whole < least:
        return f"{said}: no interval below {least}"
    of_kind = f" of {kind}s" if kind == "difference" else ""
    held = f"95 % intervals{of_kind} held at least {100 * coverage(whole, of_class, kind):.0f} % in simulation"
    return f"{said}: {held}" if whole < MANY_GROUPS else ""


ALIKE = "all groups score alike: no interval"


def ungrouped(unknown: int, patches: int) -> str:
    """Why patches of which `unknown` have no known group have neither interval nor test, or nothing."""
    if not unknown:
        return ""
    return f"{unknown} of {patches} patches have no known group: no interval, no p value"


def resamples(groups: int, draws: int, seed: int) -> np.ndarray:
    """How often each group is in each draw of a cluster bootstrap.

    Parameters
    ----------
    groups, draws : int
        Number of groups (may be 0) and of draws.
    seed : int
        Same seed, same draws.

    Returns
    -------
    ndarray of float64, shape (draws, groups)
        Whole numbers; each row adds up to `groups`.
    """
    if not groups:
        return np.zeros((draws, 0))
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.multinomial(groups, np.full(groups, 1.0 / groups), size=draws).astype(np.float64)


def interval(
    value: float, replicates: np.ndarray, support: Support, span: Span = (0.0, 1.0), least: int = LEAST_GROUPS
) -> Span:
    """Student's t interval on the logit scale, with the standard error of the cluster bootstrap.

    The error is the standard deviation of the replicates times sqrt(n / (n - 1)) of n groups, carried to the logit
    of the value's place in its range; degrees of freedom are those of the effective number of groups. So the interval
    stays in the range, and widens where few groups hold most of the units. Percentiles of replicates are too short
    for few groups; ``tests/bench/coverage.py`` compares six intervals, and docs/metrics.md has the result.

    Parameters
    ----------
    value : float
        The figure.
    replicates : ndarray, shape (draws,)
        The figure in each draw; NaN (undefined) is left out.
    support : Support
        The groups that it rests on.
    span : tuple of float
        Range of the figure; infinite for one that has none, whose interval is symmetric.
    least : int
        Groups that it needs.

    Returns
    -------
    tuple of float
        (NaN, NaN) below `least` groups, for an undefined value, or where the replicates do not differ.

    Notes
    -----
    Cameron, Gelbach and Miller 2008, Review of Economics and Statistics 90(3), 414-427, doi 10.1162/rest.90.3.414
    (cluster bootstrap, standard error).
    """
    error = standard_error(replicates, support.groups)
    if support.whole < max(least, 2) or np.isnan(value) or not error > 0:
        return np.nan, np.nan
    reach = error * float(special.stdtrit(max(support.effective - 1.0, 1.0), (1 + LEVEL) / 2))
    low, high = span
    place = (value - low) / (high - low) if np.isfinite(high - low) else np.nan
    if not 0 < place < 1:
        return max(low, value - reach), min(high, value + reach)
    step = reach / (high - low) / (place * (1 - place))
    bounds = special.expit(special.logit(place) + np.array([-step, step]))
    return float(low + (high - low) * bounds[0]), float(low + (high - low) * bounds[1])


def standard_error(replicates: np.ndarray, groups: int) -> float:
    """Standard error from the replicates of a bootstrap over groups; NaN for less than two of either."""
    known = replicates[~np.isnan(replicates)]
    if groups < 2 or len(known) < 2:
        return np.nan
    spread = float(known.std(ddof=1))
    # Sums in another order differ in the last digits: that is no spread.
    return spread * float(np.sqrt(groups / (groups - 1))) if spread > 1e-12 * (1 + abs(float(known[0]))) else 0.0


def difference(estimate: float, replicates: np.ndarray, support: Support, least: int = LEAST_GROUPS) -> Span:
    """Interval of a difference of two figures of the same groups: `interval` without a range.

    Parameters
    ----------
    estimate : float
        The difference.
    replicates : ndarray, shape (draws,)
        The difference in each draw, both figures with the same groups; NaN is left out.
    support, least
        As in `interval`.
    """
    return interval(estimate, replicates, support, (-np.inf, np.inf), least)


def holm(p_values: Sequence[float] | np.ndarray | pd.Series) -> np.ndarray:
    """Holm's correction of a family of p values; NaN stays NaN and does not count.

    Notes
    -----
    Holm 1979, Scandinavian Journal of Statistics 6(2), 65-70.
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    corrected = np.full(len(p), np.nan)
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0) if len(order) else []
    return corrected
