"""Row numbers in lists and predictions of others: what they count, and the patches that they stand for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError

BY_FILE, BY_RELEASE = "split", "release"
"""What row numbers count: the rows of the file (or the lines of the list) that the publisher gives the role, or of the
whole release."""

NUMBER = re.compile(r"(?:id_)?(\d{1,18})")
"""A row number, plain or as GEO-Bench writes it."""
FLOAT = re.compile(r"\d+(?:\.\d*)?(?:e[+-]?\d+)?", re.IGNORECASE)
"""A number as tables write a column of floats, which numbers become beside missing ones."""


@dataclass(frozen=True)
class Counted:
    """What row numbers count: `BY_FILE` of a role, `BY_RELEASE`, or the name of a file; `where` is the file with the
    numbers, for messages."""

    role: str
    numbers: str
    where: str


def number_of(entry: str) -> int | None:
    """The row number that an entry is, or None.

    Examples
    --------
    >>> [number_of(entry) for entry in ("7", "id_0007", "7.0", "7.000e+00", "7.5", "-1", "x", "")]
    [7, 7, 7, 7, None, None, None, None]
    """
    if match := NUMBER.fullmatch(entry):
        return int(match[1])
    value = float(entry) if FLOAT.fullmatch(entry) else np.nan
    return int(value) if value.is_integer() else None


def counts_from_1(names: Sequence[str], unknown: Sequence[str]) -> bool:
    """Whether row numbers seem to count from 1: none is 0, and none is too large but the last, by one."""
    numbers, too_large = (
        [number for name in entries if (number := number_of(name)) is not None] for entries in (names, unknown)
    )
    last = max(numbers, default=-1)
    return min(numbers, default=-1) > 0 and too_large == [last] and last - 1 in numbers


def rows_by_number(names: Sequence[str], dataset: Dataset, catalog: pd.DataFrame, counted: Counted) -> list[list[int]]:
    """Rows of the catalog for each row number; none for one that stands for no patch, or for no number.

    Raises
    ------
    InputError
        If the release has no such file, or nothing in it says what the numbers count.
    """
    places = counted_places(dataset, catalog, counted)
    known = np.flatnonzero(places.notna())
    rows = dict(zip(places.iloc[known].tolist(), known.tolist(), strict=True))
    return [[row] if (row := rows.get(number_of(name))) is not None else [] for name in names]


def counted_places(dataset: Dataset, catalog: pd.DataFrame, counted: Counted) -> pd.Series:
    """Place of each patch among what is counted, from 0: Int64, missing for patches that are not; errors as above."""
    if counted.numbers not in (BY_FILE, BY_RELEASE):
        return _places_in_file(catalog, counted.numbers)
    places = dataset.published_places(catalog, counted.role if counted.numbers == BY_FILE else None)
    if places is None:
        raise _nothing_counted(counted)
    return places


def _places_in_file(catalog: pd.DataFrame, file: str) -> pd.Series:
    """Place of each patch among those of a file of the release, from 0; missing for those of other files."""
    held = catalog["file"] == file
    if not held.any():
        raise InputError(
            "Row numbers cannot count the rows of this file: the release has none of this name.",
            where="--numbers",
            found=file,
            expected=" | ".join([BY_FILE, BY_RELEASE, *catalog["file"].unique()[:6]]),
        )
    return (held.cumsum() - 1).where(held).astype("Int64")


def _nothing_counted(counted: Counted) -> InputError:
    """Numbers of a dataset whose files have no rows of patches, and whose list was not read."""
    of_list = counted.numbers == BY_FILE
    what = "rows of the whole release"
    if of_list:
        what = f"lines of the list of {counted.role}" if counted.role else "of a role that is none of the publisher's"
    return InputError(
        "Row numbers stand for no patch: nothing that was read says what they count.",
        where=counted.where,
        found=what,
        expected="names of patches"
        + (", or the publisher's list of this role in the folder of the release" if of_list else ""),
        remedy="name the patches, in a column `patch` or by their files",
    )
