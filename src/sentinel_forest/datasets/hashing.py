"""Verified bytes are used bytes: hashes of stored arrays, and their comparison with the catalog."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from sentinel_forest.errors import InputError
from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

COLUMN = "hash_"
"""Begins the columns of the catalog that hold hashes; the name of the array follows."""

_LITTLE = "<|=" if sys.byteorder == "little" else "<|"
"""Marks of dtypes that are little endian, or of single bytes."""

Stored = np.ndarray | Sequence[np.ndarray]
"""What is stored of some patches: one array with patches as first axis, or an array for each patch."""

Arrays = Mapping[str, Stored]
"""By name, what is stored of some patches."""


def array_hash(values: np.ndarray) -> str:
    """Hash what is stored of a patch.

    Parameters
    ----------
    values : ndarray
        In the stored dtype.

    Returns
    -------
    str
        xxh3_128 of the values in C order, little endian: 32 hex digits.
    """
    if values.dtype.byteorder not in _LITTLE:
        values = values.astype(values.dtype.newbyteorder("<"))
    return xxhash.xxh3_128_hexdigest(np.ascontiguousarray(values).data)


def row_hashes(rows: np.ndarray) -> bytes:
    """`array_hash` of each row of an array, 16 bytes each, one after another."""
    if rows.dtype.byteorder not in _LITTLE:
        rows = rows.astype(rows.dtype.newbyteorder("<"))
    return b"".join([xxhash.xxh3_128_digest(row) for row in np.ascontiguousarray(rows)])


def hash_columns(hashes: pd.DataFrame, files: Mapping[str, Sequence[str] | pd.Series], rows: pd.Series) -> pd.DataFrame:
    """Columns of hashes for a catalog.

    Parameters
    ----------
    hashes : DataFrame
        See `sentinel_forest.datasets.findings.hash_table`.
    files : mapping
        For each array that may have hashes, the file in which it lies, for each patch.
    rows : Series
        The row in this file, for each patch.

    Returns
    -------
    DataFrame
        ``hash_<array>`` (str), blank where the hash is unknown; with the index of `rows`. No column if no
        hash is known at all: the pixels are not there yet.
    """
    if hashes.empty or not files:
        return pd.DataFrame(index=rows.index)
    keys = ["layer", "file", "row"]
    wanted = pd.MultiIndex.from_arrays(
        [
            np.repeat(list(files), len(rows)),
            [path for paths in files.values() for path in paths],
            np.tile(rows.to_numpy(), len(files)),
        ],
        names=keys,
    )
    found = hashes.set_index(keys)["hash"].reindex(wanted).fillna("").to_numpy()
    names = [f"{COLUMN}{name}" for name in files]
    return pd.DataFrame(found.reshape(len(files), -1).T, rows.index, names, dtype="str")


def hold_arrays(patches: pd.DataFrame, arrays: Arrays, file_of: Callable[[str, str], str]) -> None:
    """Compare what was read with what was verified; a hash that the catalog does not know is not compared.

    Parameters
    ----------
    patches : DataFrame
        Rows of the catalog.
    arrays : mapping
        What was read of them, in the same order.
    file_of : callable
        From the column `file` and the name of an array to the path of the file that holds it.

    Raises
    ------
    InputError
        For the first patch whose values are others.
    """
    for name, values in arrays.items():
        column = f"{COLUMN}{name}"
        if column not in patches:
            continue
        for place, (expected, stored) in enumerate(zip(patches[column], values, strict=True)):
            if expected and (found := array_hash(stored)) != expected:
                raise _changed(patches.iloc[place], name, found, expected, file_of)


def _changed(patch: pd.Series, name: str, found: str, expected: str, file_of: Callable[[str, str], str]) -> InputError:
    return InputError(
        "The stored values are not the ones that were verified.",
        where=f"{file_of(str(patch['file']), name)}, row {patch['row']}, layer {name}",
        found=f"hash {found}",
        expected=f"{expected}, as in the catalog",
        remedy="restore the file; or, if you changed it, verify the release again: snakemake --forcerun inspect",
    )
