"""Predictions of pixels that others made: an array of all patches of a role, or a raster for each patch."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import IGNORE, NO_ANSWER, Dataset, Task, true_classes
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.foreign_files import first_of
from sentinel_forest.evaluation.foreign_patches import doubt, order_note, roles_of
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.io import causes
from sentinel_forest.models.counts import confusion, counts_table
from sentinel_forest.splits.entries import rows_by_name

RASTERS = (".tif", ".tiff", ".npy")
SILENT = (255, -1)
"""Codes of pixels without an answer."""
Reader = Callable[[np.ndarray], np.ndarray]
"""Takes places in the role (int64) to codes (patches, rows, columns)."""


def check_form(file: Path, dataset: Dataset) -> None:
    """Check what the head of a file tells without the patches of a role.

    Raises
    ------
    InputError
        If it is no array of whole numbers of patches of this size, or a folder without any raster.
    """
    if not file.is_dir():
        _check_size(_array(file, dataset).shape, _window(dataset), dataset, file)
    elif not _rasters(file):
        raise InputError(
            "A folder of predictions has no raster.",
            where=file,
            found="no file that ends in " + " | ".join(RASTERS),
            expected="a raster for each patch of the role",
        )


def count_pixels(
    file: Path,
    dataset: Dataset,
    task: Task,
    catalog: pd.DataFrame,
    role: np.ndarray,
    first_code: int | None,
    folder: Path,
) -> tuple[pd.DataFrame, str]:
    """Count true and predicted classes of the pixels of a role that carry a measurement and a label.

    Parameters
    ----------
    file : Path
        ``.npy`` or ``.dat`` (uint8) of (patches, rows, columns) in the order of the catalog, or a folder with a raster
        for each patch; of whole patches as stored, or of their valid window.
    dataset, task
        What is predicted.
    catalog : DataFrame
        All patches of the release.
    role : int64 (patches,)
        Rows of the catalog that are scored.
    first_code : int, optional
        Code of the first class.
    folder : Path
        The release.

    Returns
    -------
    counts : DataFrame
        patch, true, predicted, count.
    about : str
        What is to be said about it.

    Raises
    ------
    InputError
        If a patch has no raster, or a shape or a code is none of the task.
    """
    patches = catalog.iloc[role]
    read, about = _reader(file, dataset, catalog, role)
    parts, done = [], 0
    first: int | None = first_code
    for block in read_blocks("predictions", dataset, folder, patches, dataset.label_layers(task.name)):
        labels = true_classes(dataset, task.name, block)
        codes = _fitting(read(np.arange(done, done + len(labels))), labels.shape, dataset, file)
        answered = ~np.isin(codes, SILENT)
        if first is None and answered.any():
            # The code of the first class, as the first patches with an answer have it, holds for all.
            first = first_of(codes[answered], len(task.names), None, str(file))
        said = _classes(codes, task, first or 0, file)
        parts.append(_counts(labels, said, block.patches["patch"].to_numpy(), task))
        done += len(labels)
    counts = pd.concat(parts, ignore_index=True)
    return counts, notes(about, "" if file.is_dir() else doubt(counts, task))


def _counts(labels: np.ndarray, said: np.ndarray, patches: np.ndarray, task: Task) -> pd.DataFrame:
    valid = labels != IGNORE
    place = np.nonzero(valid)[0]
    counts = confusion(labels[valid], said[valid], place, len(patches), len(task.names), len(task.names) + 1)
    return counts_table(counts, patches, task.names, (*task.names, NO_ANSWER))


def _classes(codes: np.ndarray, task: Task, first: int, file: Path) -> np.ndarray:
    """Indices of classes; the number of classes where there is no answer."""
    silent = np.isin(codes, SILENT)
    said = codes.astype(np.int64) - first
    wrong = ~silent & ((said < 0) | (said >= len(task.names)))
    if wrong.any():
        raise InputError(
            "A pixel has a code that is no class.",
            where=file,
            found=int(codes[wrong][0]),
            expected=f"{first} to {first + len(task.names) - 1}, or 255 for no answer",
            remedy="give the classes of the task; codes count from 0 or 1 (first_code)",
        )
    return np.where(silent, len(task.names), said)


def _fitting(codes: np.ndarray, shape: tuple[int, ...], dataset: Dataset, file: Path) -> np.ndarray:
    """Codes of the valid window of each patch."""
    _check_size(codes.shape, shape[1:], dataset, file)
    return codes if codes.shape == shape else dataset.valid_window(codes)


def _check_size(shape: tuple[int, ...], window: tuple[int, ...], dataset: Dataset, file: Path) -> None:
    """Refuse arrays that are neither of whole patches nor of their valid window."""
    if shape[1:] not in (window, (dataset.side, dataset.side)):
        raise InputError(
            "Predictions of pixels have another size.",
            where=file,
            found=f"{shape[1]} x {shape[2]} pixels" if len(shape) == 3 else f"shape {shape}",
            expected=f"{window[0]} x {window[1]}, or {dataset.side} x {dataset.side} with padding",
        )


def _window(dataset: Dataset) -> tuple[int, ...]:
    """Rows and columns of the valid window of a patch."""
    return dataset.valid_window(np.empty((1, dataset.side, dataset.side), np.uint8)).shape[1:]


def _reader(file: Path, dataset: Dataset, catalog: pd.DataFrame, role: np.ndarray) -> tuple[Reader, str]:
    if file.is_dir():
        return _of_folder(file, dataset, catalog, role)
    array = _array(file, dataset)
    if len(array) != len(role):
        raise _no_array(array, str(len(role)), file)
    return lambda places: np.asarray(array[places[0] : places[-1] + 1]), order_note(dataset, catalog, role)


def _array(file: Path, dataset: Dataset) -> np.ndarray:
    """Whole numbers (patches, rows, columns), mapped into memory."""
    causes.check_regular(file)
    if file.suffix.lower() not in (".npy", ".dat"):
        raise InputError(
            "Predictions of pixels have a form that is not read.",
            where=file,
            found=file.suffix or "no ending",
            expected=".npy | .dat (one byte for each pixel), or a folder with a raster for each patch",
            remedy="write them in one of these forms",
        )
    array = _mapped(file, dataset)
    if array.ndim != 3 or array.dtype.kind not in "iu":
        raise _no_array(array, "patches", file)
    return array


def _no_array(array: np.ndarray, patches: str, file: Path) -> InputError:
    return InputError(
        "Predictions of pixels are no array of the role.",
        where=file,
        found=f"{array.dtype}, shape {array.shape}",
        expected=f"whole numbers ({patches}, rows, columns)",
        remedy="give all patches of the role in the order of the catalog, or a folder with a raster for each",
    )


def _mapped(file: Path, dataset: Dataset) -> np.ndarray:
    """The array of a file, mapped into memory."""
    if file.suffix.lower() == ".npy":
        try:
            return np.asanyarray(np.load(file, mmap_mode="r", allow_pickle=False))
        except (ValueError, EOFError) as error:
            raise InputError(
                "An array cannot be read.",
                where=file,
                found=str(error)[:80],
                expected="whole numbers in .npy; nothing is unpickled",
                remedy="save it again",
            ) from None
    size = file.stat().st_size
    if not size or size % dataset.side**2:
        raise InputError(
            "A file of raw values is of no whole number of patches.",
            where=file,
            found=f"{size} B",
            expected=f"patches x {dataset.side} x {dataset.side} values of one byte",
            remedy="write whole patches, or an array of their valid window as .npy",
        )
    return np.memmap(file, dtype=np.uint8, mode="r").reshape(-1, dataset.side, dataset.side)


def _of_folder(folder: Path, dataset: Dataset, catalog: pd.DataFrame, role: np.ndarray) -> tuple[Reader, str]:
    """Rasters by the names of their files, and what is to be said about them."""
    paths = _rasters(folder)
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    found = rows_by_name(names, dataset, catalog)
    short = rows_by_name([path.stem.replace("__", "/") for path in paths], dataset, catalog)
    places = [rows or other for rows, other in zip(found, short, strict=True)]
    by_row = {rows[0]: path for rows, path in zip(places, paths, strict=True) if len(rows) == 1}
    absent = [row for row in role.tolist() if row not in by_row]
    others = f", of {roles_of(np.array(list(by_row)), catalog)}" if by_row and len(absent) == len(role) else ""
    if absent or len(by_row) < sum(bool(rows) for rows in places):
        raise InputError(
            "A patch of the role has no raster." if absent else "A patch has two rasters.",
            where=folder,
            found=f"{len(role) - len(absent)} of {len(role)} patches in {len(paths)} files{others}",
            expected=f"{catalog['patch'].iloc[absent[0] if absent else role[0]].replace('/', '__')}.tif, or .npy",
        )
    left = len(paths) - len(role)
    about = f"{left} rasters of other patches, or of none, left out" if left else ""
    return lambda wanted: np.stack([_raster(by_row[int(row)], dataset) for row in role[wanted]]), about


def _rasters(folder: Path) -> list[Path]:
    """Rasters of a folder and of those in it."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in RASTERS)


def _raster(path: Path, dataset: Dataset) -> np.ndarray:
    """The only band of a raster, or the array of a file: whole numbers."""
    import rasterio

    if path.suffix.lower() == ".npy":
        bands, codes = 1, np.asarray(_mapped(path, dataset))
    else:
        try:
            with rasterio.open(path) as source:
                bands, codes = source.count, np.asarray(source.read(1))
        except rasterio.errors.RasterioIOError as error:
            raise causes.unusable(path, "GeoTIFF", error) from None
    if bands > 1 or (codes != np.rint(codes)).any():
        raise InputError(
            "A raster does not hold the codes of classes.",
            where=path,
            found=f"{bands} bands of {codes.dtype}" if bands > 1 else f"{codes[codes != np.rint(codes)][0]:g}",
            expected="one band of whole numbers",
            remedy="write the class of each pixel: the number of the band with the largest probability",
        )
    return codes
