"""Rows of a catalog that the entries of a split list stand for, by name or by number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.splits.lists import SplitList
from sentinel_forest.splits.numbers import BY_FILE, BY_RELEASE, Counted, counted_places, number_of, rows_by_number


def rows_of(source: SplitList, dataset: Dataset, catalog: pd.DataFrame, numbers: str | None) -> list[list[int]]:
    """Rows of the catalog for each entry of a list; none for an entry that is of no patch.

    Parameters
    ----------
    source : SplitList
        The list.
    dataset : Dataset
        Knows names.
    catalog : DataFrame
        The patches.
    numbers : str or None
        What entries count that are whole numbers and no patch: `BY_FILE`, `BY_RELEASE`, or the name of a file of the
        release. With None, such entries are of no patch.

    Raises
    ------
    InputError
        If at least half of the entries are row numbers, and nothing says what they count, or the release has nothing
        that they can count; if a mask is of other rows.
    """
    patches: set[str] = set() if source.masks else set(catalog["patch"])
    is_number = [number_of(name) is not None and name not in patches for name in source.names]
    if numbers is None and any(is_number) and 2 * sum(is_number) >= len(is_number):
        raise InputError(
            "A split list holds row numbers, and nothing says what they count.",
            where=source.file,
            found=", ".join(source.names[:3])[:80],
            expected=f"--numbers {BY_FILE} (rows of the publisher's file of the role, as TFDS and torchgeo count), "
            f"--numbers {BY_RELEASE} (rows of all files, one after another), or --numbers FILE",
        )
    named = rows_by_name(source.names, dataset, catalog)
    if numbers is None or not any(is_number):
        return named
    counted = Counted(source.role, numbers, source.file)
    if source.masks:
        _check_masks(source, counted_places(dataset, catalog, counted), numbers)
    numbered = rows_by_number(source.names, dataset, catalog, counted)
    return [numbered[place] if counts else named[place] for place, counts in enumerate(is_number)]


def _check_masks(source: SplitList, places: pd.Series, numbers: str) -> None:
    """Raise if a mask has not a value for each of the rows that numbers count."""
    known = places.dropna()
    rows = int(known.max()) + 1 if len(known) else 0  # a list may have more lines, of patches that are not here
    whole = len(known) == rows
    if wrong := [size for size in source.masks if size < rows or (whole and size > rows)]:
        raise InputError(
            "A mask has not as many values as there are rows.",
            where=f"{source.file}, {source.role}",
            found=f"{wrong[0]} values of True and False",
            expected=f"{rows}: one for each row that --numbers {numbers} counts",
            remedy="name other rows by --numbers, or write the patches that are meant in place of the mask",
        )


def rows_by_name(names: Sequence[str], dataset: Dataset, catalog: pd.DataFrame) -> list[list[int]]:
    """Rows of the catalog for each name; none for a name that is of no patch."""
    by = {"patch": _places(catalog["patch"])}
    stems = catalog["file"].str.extract(r"([^/]+?)(?:\.\w+)?$")[0]
    files = _places(stems) if stems.is_unique else {}
    found = []
    for name in names:
        rows = by["patch"].get(name) or files.get(name.rsplit("/", 1)[-1].rsplit(".", 1)[0])
        if rows is None and (named := dataset.listed_name(name)) and named[0] in catalog:
            if named[0] not in by:
                by[named[0]] = _places(catalog[named[0]])
            rows = by[named[0]].get(named[1])
        found.append(rows or [])
    return found


@dataclass(frozen=True)
class Contradiction:
    """A column that names other patches than the one that is used: its first such row, and how many there are."""

    column: str
    row: int
    name: str
    rows: int


def contradiction(
    places: Sequence[Sequence[int]], also: Mapping[str, Sequence[str]], dataset: Dataset, catalog: pd.DataFrame
) -> Contradiction | None:
    """The first column that names other patches than those at `places`; numbers and unknown names say nothing."""
    for column, names in also.items():
        others = rows_by_name(["" if number_of(name) is not None else name for name in names], dataset, catalog)
        rows = [
            row for row, (own, other) in enumerate(zip(places, others, strict=True))
            if own and other and not set(own) & set(other)
        ]  # fmt: skip
        if rows:
            return Contradiction(column, rows[0], names[rows[0]], len(rows))
    return None


def _places(values: pd.Series) -> dict[str, list[int]]:
    """Rows by value."""
    found: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        found.setdefault(str(value), []).append(row)
    return found
