"""What is to be shared out evenly: classes, fractions of classes, and other columns of a catalog."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sentinel_forest.config.validation import nearest
from sentinel_forest.errors import InputError
from sentinel_forest.splits.draws import SCALE

FRACTIONS = "fraction_"
"""What the names of the columns with fractions of classes begin with."""


@dataclass(frozen=True)
class Strata:
    """What is to be shared out evenly: names, and amounts int64 (strata, patches) in 1 / `SCALE`.

    `columns` says where each comes from; all fractions count as one column, `FRACTIONS`.
    """

    names: tuple[str, ...]
    amounts: np.ndarray
    columns: tuple[str, ...]


def strata_of(catalog: pd.DataFrame, columns: Sequence[str], names: Sequence[str] = ()) -> Strata:
    """The strata of a catalog.

    Parameters
    ----------
    catalog : DataFrame
        See `sentinel_forest.verify.catalog`.
    columns : sequence of str
        ``fraction_<class>`` columns count by their value, all others by each of their values. None:
        the label where it is known, and all fractions.
    names : sequence of str
        Names of the classes of ``label``.

    Raises
    ------
    InputError
        If a column is not in the catalog.
    """
    columns = list(columns) or _usual_strata(catalog)
    titles: list[str] = []
    sources: list[str] = []
    amounts: list[np.ndarray] = []
    for column in columns:
        values = column_of(catalog, column, "strata")
        if column.startswith(FRACTIONS):
            sources.append(FRACTIONS)
            titles.append(column.removeprefix(FRACTIONS))
            amounts.append(np.rint(values.fillna(0).to_numpy(np.float64) * SCALE).astype(np.int64))
            continue
        known = values.notna() & (values >= 0 if column == "label" else values.astype("str") != "")
        for value in sorted(values[known].unique()):
            named = column == "label" and int(value) < len(names)
            sources.append(column)
            titles.append(names[int(value)] if named else f"{column} {value}")
            amounts.append(SCALE * (values == value).fillna(False).to_numpy(np.int64))
    shape = len(titles), len(catalog)
    return Strata(tuple(titles), np.array(amounts, dtype=np.int64).reshape(shape), tuple(sources))


def _usual_strata(catalog: pd.DataFrame) -> list[str]:
    """The label if any is known, and all fractions of classes."""
    labelled = "label" in catalog and bool((catalog["label"] >= 0).any())
    return ["label"] * labelled + [name for name in map(str, catalog.columns) if name.startswith(FRACTIONS)]


def dominant(strata: Strata) -> np.ndarray:
    """The stratum that a patch has most of, int64 (patches,); -1 where it has none."""
    if not strata.names:
        return np.full(strata.amounts.shape[1], -1)
    return np.where(strata.amounts.max(axis=0) > 0, strata.amounts.argmax(axis=0), -1)


def is_deciding(strata: Strata, label: np.ndarray) -> np.ndarray:
    """Whether each stratum comes from a column by which patches got a `label` (see `dominant`): bool (strata,).

    A scene class counts as the whole patch: where every patch has one, fractions of pixels decide nothing.
    """
    deciding = {strata.columns[number] for number in np.unique(label[label >= 0])}
    return np.array([column in deciding for column in strata.columns], dtype=bool)


def column_of(catalog: pd.DataFrame, name: str, option: str) -> pd.Series:
    """A column of the catalog, or a message that names those there are."""
    if name not in catalog:
        raise InputError(
            "The catalog has no such column.",
            where=f"option {option}",
            found=name,
            expected=nearest(name, map(str, catalog.columns)),
        )
    return catalog[name]
