"""How a drawn split resembles what was asked for, and what could not be met."""

import numpy as np
import pandas as pd

from sentinel_forest.config.options import ROLES
from sentinel_forest.config.schemes import AnyScheme
from sentinel_forest.io import schemas as pa
from sentinel_forest.splits import draws
from sentinel_forest.splits.draws import SCALE
from sentinel_forest.splits.kinds import Draw
from sentinel_forest.splits.strata import Strata

BALANCE = pa.DataFrameSchema(
    {
        "quantity": pa.Column("str"),
        "role": pa.Column("str"),
        "class": pa.Column("str"),
        "patches": pa.Column("float64"),
        "fraction": pa.Column("float64", nullable=True),
        "whole_fraction": pa.Column("float64", nullable=True),
        "deviation": pa.Column("float64", nullable=True),
    },
    strict=True,
    ordered=True,
)
"""How a split resembles the whole.

``quantity`` is ``size`` (fraction of the patches that the scheme can use, for ``unused`` of all patches;
`whole_fraction` is what was asked for), ``class`` (fraction
of a class within the role, against its fraction in all patches; for fractions of pixels `patches` is
their sum), ``deviation reached``, ``lower bound`` or ``method: <name>``: mean over roles and strata,
size among them, of the relative deviation of an amount from what was asked for.
"""

INFEASIBLE = pa.DataFrameSchema(
    {"request": pa.Column("str"), "found": pa.Column("str"), "reason": pa.Column("str")}, strict=True, ordered=True
)
"""What was asked for and could not be met."""


def balance_of(draw: Draw, strata: Strata) -> pd.DataFrame:
    """The table of balance, see `BALANCE`."""
    rows: list[tuple[str, str, str, float, float, float]] = []
    counts = np.bincount(draw.role, minlength=len(ROLES))
    amounts = draws.sums(draw.role, strata.amounts, len(ROLES)) / SCALE
    whole = amounts.sum(axis=0) / counts.sum()
    for code, role in enumerate(ROLES):
        asked = draw.asked.get(role, np.nan)
        rows.append(("size", role, "", float(counts[code]), counts[code] / counts.sum(), asked))
        fractions = amounts[code] / counts[code] if counts[code] else np.full(len(whole), np.nan)
        rows += [
            ("class", role, name, float(amounts[code, number]), fractions[number], whole[number])
            for number, name in enumerate(strata.names)
        ]
    table = pd.DataFrame(rows, columns=["quantity", "role", "class", "patches", "fraction", "whole_fraction"])
    table["deviation"] = table["fraction"] - table["whole_fraction"]
    fits = pd.DataFrame(draw.fits, columns=["quantity", "deviation"]).assign(
        role="", patches=float(counts.sum()), fraction=np.nan, whole_fraction=np.nan, **{"class": ""}
    )
    table = pd.concat([table, fits[table.columns]], ignore_index=True) if draw.fits else table
    return table.astype({"quantity": "str", "role": "str", "class": "str"})


def unmet_of(balance: pd.DataFrame, draw: Draw, options: AnyScheme) -> list[tuple[str, str, str]]:
    """Sizes, and strata if they were to be even, that miss their target by more than the tolerance."""
    rows = []
    limit = getattr(options, "tolerance", np.inf)
    sizes = balance[(balance["quantity"] == "size") & (balance["whole_fraction"] > 0)]
    for _, row in sizes.iterrows():
        if abs(row["deviation"]) > limit * row["whole_fraction"]:
            request = f"{row['whole_fraction']:.4g} of the patches for {row['role']}"
            rows.append((request, f"{row['fraction']:.4g}", "groups (or patches) are not divisible as asked"))
    if not draw.fits:
        return rows
    classes = balance[(balance["quantity"] == "class") & balance["role"].isin(draw.asked)]
    totals = classes.groupby("class", sort=False)["patches"].sum()
    for _, row in classes.iterrows():
        fraction, total = draw.asked[row["role"]], totals[row["class"]]
        if total > 0 and fraction > 0 and abs(row["patches"] / total - fraction) > limit * fraction:
            request = f"{fraction:.4g} of {row['class']} for {row['role']}"
            reason = f"{total:.6g} patches of it, in groups that cannot be divided"
            rows.append((request, f"{row['patches'] / total:.4g}", reason))
    return rows
