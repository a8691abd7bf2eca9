"""Reading So2Sat LCZ42: datasets of HDF5 files and where they lie, rows, labels."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Arrays, Reader
from sentinel_forest.datasets.so2sat.layout import SHAPES
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5

NUMBERS = "iuf"
"""Kinds of stored numbers that are read, in either byte order: whole ones and floats."""

AT_ONCE = 64
"""Rows that are read at a time where the bytes of a file are not its rows."""


def read(
    folder: Path, patches: pd.DataFrame, arrays: Sequence[str], at_once: int
) -> Iterator[tuple[pd.DataFrame, Arrays]]:
    """Read whole rows of the datasets of image files, see `Reading.read`.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    for path, rows in patches.groupby("file", sort=False):
        with hdf5.opened(folder / str(path)) as handle:
            datasets = {key: dataset_of(handle, key) for key in arrays}
            for start in range(0, len(rows), at_once):
                part = rows.iloc[start : start + at_once]
                wanted = part["row"].to_numpy()
                yield part, {key: _read_rows(dataset, wanted) for key, dataset in datasets.items()}


def reader(folder: Path, file: str, arrays: Sequence[str]) -> Reader:
    """A function from rows of an image file to rows of its datasets; the file is mapped into memory."""
    with hdf5.opened(folder / file) as handle:
        datasets = {key: dataset_of(handle, key) for key in arrays}
        if not all(is_contiguous(dataset) and dataset.dtype.kind in NUMBERS for dataset in datasets.values()):
            raise _not_contiguous(folder / file, "contiguous datasets of numbers")
        mapped = {
            key: np.memmap(folder / file, dataset.dtype, "r", dataset.id.get_offset(), dataset.shape)
            for key, dataset in datasets.items()
        }

    def read_rows(rows: np.ndarray) -> Arrays:
        return {key: array[rows] for key, array in mapped.items()}

    return read_rows


def is_one_hot(rows: np.ndarray) -> np.ndarray:
    """Which rows have one 1, and 0 elsewhere."""
    return np.asarray(((rows == 1).sum(1) == 1) & ((rows == 0).sum(1) == rows.shape[1] - 1))


def row_text(row: np.ndarray) -> str:
    """A row of labels in words."""
    return " ".join(f"{value:g}" for value in row)


def dataset_of(handle: h5py.File, key: str) -> h5py.Dataset:
    """A dataset of the published shape."""
    dataset = handle.get(key)
    expected = SHAPES[key]
    if not isinstance(dataset, h5py.Dataset) or dataset.shape[1:] != expected:
        raise InputError(
            "A dataset is missing or has another shape.",
            where=f"{handle.filename}, key {key!r}",
            found=None if dataset is None else getattr(dataset, "shape", "a group"),
            expected=f"(N, {', '.join(map(str, expected))})",
            remedy="fetch the published file",
        )
    return dataset


def hold_row(file: Path | str, key: str, row: int, count: int) -> None:
    """Raise if a dataset of `count` rows lacks a row of the catalog."""
    if row >= count:
        raise InputError(
            "A patch of the catalog is not in the file.",
            where=f"{file}, key {key!r}",
            found=f"row {row}",
            expected=f"rows 0 to {count - 1}",
            remedy="fetch the published file, and make the catalog again",
        )


def _read_rows(dataset: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Rows of a dataset in the order given; those that follow each other are read in one piece."""
    hold_row(dataset.file.filename, dataset.name[1:], int(rows.max()), dataset.shape[0])
    values = np.empty((len(rows), *dataset.shape[1:]), dataset.dtype)
    position = 0
    for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
        source, target = np.s_[run[0] : run[-1] + 1], np.s_[position : position + len(run)]
        dataset.read_direct(values, source, target)
        position += len(run)
    return values


def places_in_file(path: Path) -> dict[str, tuple[int, int]] | None:
    """Offset and rows of each dataset, in file order; None where the layout is not the published one."""
    try:
        with hdf5.opened(path) as handle:
            return places_of_datasets(handle)
    except InputError:
        return None


def places_of_datasets(handle: h5py.File) -> dict[str, tuple[int, int]] | None:
    """Offset and rows of each dataset; None where the layout is not the published one."""
    datasets = {key: handle[key] for key in SHAPES if isinstance(handle.get(key), h5py.Dataset)}
    if any(_deviates(dataset, key) for key, dataset in datasets.items()):
        return None
    return {key: (dataset.id.get_offset() or 0, dataset.shape[0]) for key, dataset in datasets.items()}


def holds_rows(path: Path) -> bool:
    """Whether the datasets of a file have the published shapes and hold numbers, in whatever layout."""
    try:
        with hdf5.opened(path) as handle:
            datasets = {key: handle[key] for key in SHAPES if isinstance(handle.get(key), h5py.Dataset)}
            return all(
                dataset.shape[1:] == SHAPES[key] and dataset.dtype.kind in NUMBERS for key, dataset in datasets.items()
            )
    except InputError:
        return False


def _deviates(dataset: h5py.Dataset, key: str) -> bool:
    return dataset.shape[1:] != SHAPES[key] or dataset.dtype != np.dtype("<f8") or not is_contiguous(dataset)


def is_contiguous(dataset: h5py.Dataset) -> bool:
    """Whether a dataset lies in one piece."""
    return dataset.chunks is None and (dataset.size == 0 or dataset.id.get_offset() is not None)


def contiguous_places(path: Path) -> dict[str, tuple[int, int]]:
    """Offset and rows of the datasets of a file in the published layout."""
    with hdf5.opened(path) as handle:
        places = places_of_datasets(handle)
    if places is None:
        raise _not_contiguous(path, "contiguous float64 datasets")
    return places


def _not_contiguous(path: Path, expected: str) -> InputError:
    return InputError(
        "A file is not in the published layout.",
        where=path,
        expected=expected,
        remedy="fetch the published file, or write it anew: h5repack -l CONTI",
    )
