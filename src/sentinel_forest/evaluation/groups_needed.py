"""How many test groups an interval of a wanted width takes, from how much groups differ in a version.

The variance between the groups of a confusion table tells how far a score over more, or fewer, groups like these would
move. Overall accuracy and producer's accuracy are ratios of sums over groups, so that their variance over m groups is
that of the residuals, divided by m.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from sentinel_forest.config.groups import least_groups
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.confusion import CONFUSION, counted_units, on_the_same_pixels
from sentinel_forest.evaluation.uncertainty import LEVEL, Support
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_parquet, write_tsv
from sentinel_forest.steps import Output

GRID = (5, 7, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500)
"""Numbers of test groups for which half widths are given."""
MOST = 100_000
"""Above this number of groups nobody looks."""
FEWEST = "fewest"
"""Begins the note of the row with the groups that a wanted width takes."""

NEEDED = pa.DataFrameSchema(
    {
        **columns("str", "task", "features", "classifier", "metric", "class"),
        **columns("float64", "value"),
        **columns("int64", "observed_groups", "groups"),
        **columns("float64", "half_width", nullable=True),
        **columns("str", "note"),
    },
    strict=True,
    ordered=True,
)
"""Half width of the 95 % interval to expect of a score over so many test `groups`, from the `observed_groups` of a
version. Empty where so few groups have no interval. The row with a `note` gives the groups that a wanted width takes,
or says that no number of them does.
"""


@dataclass(frozen=True)
class Spread:
    """How much groups differ in a ratio of sums, such as a fraction of patches that are right.

    Parameters
    ----------
    value : float
        The ratio over all groups.
    groups : int
        Groups with units.
    deviation : float
        Standard error that a single group would have: standard deviation of the residuals over mean units.
    equal : float
        Effective number of groups by the number of groups, in (0, 1].
    presence : float
        Fraction of all groups that have units, in (0, 1].
    """

    value: float
    groups: int
    deviation: float
    equal: float
    presence: float

    @classmethod
    def of(cls, hits: np.ndarray, units: np.ndarray) -> "Spread":
        """From hits and units of each group, float64 (groups,).

        Notes
        -----
        Variance of a ratio: Cochran 1977, Sampling Techniques, 3rd edition, section 2.11; groups of unequal size:
        Kish 1965, Survey Sampling.
        """
        there = units > 0
        hits, size = hits[there], units[there]
        value = float(hits.sum() / size.sum()) if there.any() else np.nan
        count = len(size)
        residuals = hits - value * size
        spread = np.sqrt(np.square(residuals).sum() / (count - 1)) / size.mean() if count > 1 else np.nan
        equal = Support.of(size).effective / count if count else np.nan
        return cls(value, count, float(spread), equal, count / len(units) if len(units) else np.nan)

    def half_width(self, groups: int, of_class: str = "") -> float:
        """Half width of the 95 % interval over so many groups, of which only some may have units.

        It is that of `sentinel_forest.evaluation.uncertainty.interval`: Student's t on the logit scale, with the
        effective number of groups. NaN where there is none.
        """
        having = groups * self.presence
        if having < least_groups(of_class) or not self.deviation > 0 or not 0 < self.value < 1:
            return np.nan
        error = self.deviation / np.sqrt(having)
        freedom = max(having * self.equal - 1.0, 1.0)
        step = error * special.stdtrit(freedom, (1 + LEVEL) / 2) / (self.value * (1 - self.value))
        low, high = special.expit(special.logit(self.value) + np.array([-step, step]))
        return float(high - low) / 2

    def groups_for(self, half_width: float, of_class: str = "") -> int | None:
        """Fewest groups whose interval is no wider; None above `MOST`."""
        low, high = 1, MOST
        if not self.half_width(high, of_class) <= half_width:
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.half_width(middle, of_class) <= half_width else (middle + 1, high)
        return low


def by_group(table: pd.DataFrame, of_class: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Hits and units of each group of a confusion table, of all classes or of the truth of one: float64 (groups,)."""
    names = sorted(table["group"].unique())
    rows = table[table["true"] == of_class] if of_class else table
    units = counted_units(rows)
    right = units.where(rows["true"] == rows["predicted"], 0)
    hits, every = (each.groupby(rows["group"]).sum().reindex(names, fill_value=0) for each in (right, units))
    return hits.to_numpy(np.float64), every.to_numpy(np.float64)


def rarest(table: pd.DataFrame) -> str:
    """The class with the fewest units among those that occur in the truth; ties by name."""
    return str(counted_units(table).groupby(table["true"], sort=True).sum().idxmin())


def needed(table: pd.DataFrame, half_width: float, grid: Sequence[int] = GRID) -> pd.DataFrame:
    """Half widths by number of groups, for overall accuracy and the PA of the rarest class of each classifier.

    Parameters
    ----------
    table : DataFrame
        Rows of `CONFUSION` of one role, all groups known.
    half_width : float
        The half width that is wanted.
    grid : sequence of int
        Numbers of groups.

    Returns
    -------
    DataFrame
        See `NEEDED`.
    """
    rows = [
        {"task": task, "features": features, "classifier": classifier, **row}
        for (task, features, classifier), part in table.groupby(["task", "features", "classifier"], sort=True)
        for row in _rows(part, half_width, grid)
    ]
    return conform(pd.DataFrame(rows, columns=list(NEEDED.columns)), NEEDED)


def _rows(table: pd.DataFrame, half_width: float, grid: Sequence[int]) -> Iterator[dict[str, object]]:
    observed = table["group"].nunique()
    for metric, of_class in (("oa", ""), ("pa", rarest(table))):
        spread = Spread.of(*by_group(table, of_class))
        about = {"metric": metric, "class": of_class, "value": spread.value, "observed_groups": observed}
        for groups in sorted({*grid, observed}):
            yield about | {"groups": groups, "half_width": spread.half_width(groups, of_class), "note": ""}
        found = spread.groups_for(half_width, of_class)
        few = f"; only {spread.groups} groups tell it" if spread.groups < least_groups(of_class) else ""
        widest = spread.half_width(MOST, of_class)
        note = f"{FEWEST if found else f'more than {MOST}'} groups for a half width of {half_width:g}{few}"
        if np.isnan(widest):
            note = "no width can be told: all groups that have it score alike, or there are too few"
        yield about | {"groups": found or MOST, "half_width": spread.half_width(found or MOST, of_class), "note": note}


def groups_needed(*, confusion: Path, role: str = "test", half_width: float = 0.05, output: Output) -> None:
    """Predict how wide intervals are over other numbers of test groups, from the groups of a finished version.

    Parameters
    ----------
    confusion : Path
        Confusion table of a trial, results/VERSION/RELEASE/baselines/SCHEME/TRIAL/confusion.parquet.
    role : str
        Role whose patches are looked at.
    half_width : float
        The half width that is wanted: the table has the fewest groups that give it.
    output : Path
        The table `NEEDED`.
    """
    table = read_parquet(confusion, list(CONFUSION.columns))
    table = on_the_same_pixels(table[table["role"] == role])
    known = table["group"].notna() & (table["group"] != "")
    if table.empty or not known.all() or table["group"].nunique() < 2:
        raise InputError(
            "How groups differ cannot be told.",
            where=f"{confusion}, role {role}",
            found=f"{table['group'].nunique()} groups, {int((~known).sum())} counts without a group",
            expected="patches of at least two known groups",
            remedy="take a scheme whose test patches have groups, or another role",
        )
    if not 0 < half_width < 0.5:
        raise InputError(
            "A half width is impossible.", where="--half-width", found=half_width, expected="above 0 and below 0.5"
        )
    write_tsv(output, needed(table, half_width), NEEDED)
