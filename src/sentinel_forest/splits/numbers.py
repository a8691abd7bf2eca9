"""Row numbers in lists and predictions of others: what they count, and the patches that they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.splits.lists import NUMBER

BY_FILE, BY_RELEASE = "split", "release"
"""What row numbers count: the rows of the file (or the lines of the list) that the publisher gives the role, or of the
whole release."""


@dataclass(frozen=True)
class Counted:
    """What row numbers count: `BY_FILE` of a role, `BY_RELEASE`, or the name of a file; `where` is the file with the
    numbers, for messages."""

    role: str
    numbers: str
    where: str


def counts_from_1(names: Sequence[str], unknown: Sequence[str]) -> bool:
    """Whether row numbers seem to count from 1: none is 0, and none is too large but the last, by one."""
    numbers = {_number(name) for name in names}
    last = max(numbers, default=-1)
    return min(numbers, default=-1) > 0 and [_number(name) for name in unknown] == [last] and last - 1 in numbers


def _number(name: str) -> int:
    match = NUMBER.fullmatch(name)
    return int(match[1]) if match else -1


def rows_by_number(names: Sequence[str], dataset: Dataset, catalog: pd.DataFrame, counted: Counted) -> list[list[int]]:
    """Rows of the catalog for each row number; none for one that stands for no patch.

    Raises
    ------
    InputError
        If the release has no such file, or nothing in it says what the numbers count.
    """
    if counted.numbers in (BY_FILE, BY_RELEASE):
        places = dataset.published_places(catalog, counted.role if counted.numbers == BY_FILE else None)
        if places is None:
            raise _nothing_counted(names, counted)
    else:
        places = _places_in_file(catalog, counted.numbers)
    known = np.flatnonzero(places.notna())
    rows = dict(zip(places.iloc[known].tolist(), known.tolist(), strict=True))
    return [[row] if (row := rows.get(_number(name))) is not None else [] for name in names]


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


def _nothing_counted(names: Sequence[str], counted: Counted) -> InputError:
    """Numbers of a dataset whose files have no rows of patches, and whose list was not read."""
    of_list = counted.numbers == BY_FILE
    what = "rows of the whole release"
    if of_list:
        what = f"lines of the list of {counted.role}" if counted.role else "of a role that is none of the publisher's"
    return InputError(
        "Row numbers stand for no patch: nothing that was read says what they count.",
        where=counted.where,
        found=f"{', '.join(names[:3])}: {what}",
        expected="names of patches"
        + (", or the publisher's list of this role in the folder of the release" if of_list else ""),
        remedy="name the patches, in a column `patch` or by their files",
    )
