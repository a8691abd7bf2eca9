"""The catalog of So2Sat LCZ42."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import File, hash_columns, hold_arrays, valid_fraction
from sentinel_forest.datasets.so2sat.checks import geo_structure
from sentinel_forest.datasets.so2sat.geo import geo_table
from sentinel_forest.datasets.so2sat.layout import PUBLISHED, SHAPES, SIDE, geo_path, image_paths, patch_files
from sentinel_forest.datasets.so2sat.reader import dataset_of, is_one_hot, row_text
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5


def catalog(folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
    """One row per patch. `side_m` is the side of its footprint.

    Where no image file is there yet, the geo files give cities and places; labels are unknown.

    Raises
    ------
    InputError
        If a file is missing or damaged, a label is not one-hot, or a geo file does not fit.
    """
    there = bool(image_paths(files))
    places = {path for path in patch_files(files) if geo_path(path) in files}
    tables = [_file_catalog(folder, path, hashes, there, path in places) for path in patch_files(files)]
    return pd.concat(tables, ignore_index=True)


def _labels_of(handle: h5py.File, where: Path, verified: pd.DataFrame) -> np.ndarray:
    """Index of each row's class, int16; -1 where the file has no labels.

    Raises
    ------
    InputError
        If a row is not one-hot, or not the one that was verified.
    """
    if "label" not in handle:
        return np.full(dataset_of(handle, "sen2").shape[0], -1, dtype=np.int16)
    rows = dataset_of(handle, "label")[...]
    hold_arrays(verified, {"label": rows}, lambda file, _: file)
    wrong = ~is_one_hot(rows)
    if wrong.any():
        first = int(wrong.argmax())
        raise InputError(
            "A label is not one-hot.",
            where=f"{where}, key 'label', row {first}",
            found=row_text(rows[first]),
            expected="one 1 and sixteen 0",
            remedy="fetch the file again, or correct the row",
        )
    return np.asarray(rows.argmax(1).astype(np.int16))


def _places_of(folder: Path, image: str, count: int, placed: bool) -> pd.DataFrame:
    """City and coordinates of the rows of an image file, empty where no geo file is among those that were verified."""
    path = folder / geo_path(image)
    if not placed:
        unknown = np.full(count, np.nan)
        empty = pd.Series([""] * count, dtype="str")
        return pd.DataFrame({"city": empty, "epsg": 0} | dict.fromkeys(("x", "y", "width", "lon", "lat"), unknown))
    with hdf5.opened(path) as handle:
        faults = [found for found in geo_structure(File(path.name), handle, count) if found.status == "failed"]
        if faults:
            fault = faults[0]
            raise InputError(
                f"A geo file cannot be used ({fault.check}).",
                where=path,
                found=fault.found,
                expected=fault.expected,
                remedy=fault.remedy,
            )
        return geo_table(handle)


def _verified(hashes: pd.DataFrame, path: str, count: int) -> pd.DataFrame:
    """File, row and hashes of the rows of an image file."""
    rows = pd.DataFrame({"file": pd.Series([path] * count, dtype="str"), "row": np.arange(count, dtype=np.int64)})
    return rows.join(hash_columns(hashes, dict.fromkeys(SHAPES, rows["file"]), rows["row"]))


def _content(hashes: pd.DataFrame) -> pd.Series:
    """Hashes of ``sen2`` and ``sen1`` joined, so that they are equal only if the whole patch is."""
    if "hash_sen2" not in hashes:
        return pd.Series("", index=hashes.index, dtype="str")
    optical, radar = hashes["hash_sen2"], hashes["hash_sen1"]
    return (optical + radar).where((optical != "") & (radar != ""), "")


def _valid_fraction(hashes: pd.DataFrame, path: str, count: int, key: str) -> np.ndarray:
    """Fraction of the pixels of each row that carry a measurement, float32; NaN where nothing is known of them."""
    here = hashes[(hashes["file"] == path) & (hashes["layer"] == key)]
    return valid_fraction(here.set_index("row")["empty"].reindex(range(count), fill_value=-1).to_numpy(), SIDE**2)


def _file_catalog(folder: Path, path: str, hashes: pd.DataFrame, there: bool, placed: bool) -> pd.DataFrame:
    """The catalog of an image file; if it is not there, as far as its geo file tells."""
    source = folder / (path if there else geo_path(path))
    with hdf5.opened(source) as handle:
        if there:
            verified = _verified(hashes, path, dataset_of(handle, "sen2").shape[0])
            labels = _labels_of(handle, source, verified)
        else:
            labels = np.full(handle["epsg"].size if "epsg" in handle else 0, -1, dtype=np.int16)
            verified = _verified(hashes, path, len(labels))
    count = len(labels)
    geo = _places_of(folder, path, count, placed)
    stem = Path(path).stem
    patch = pd.Series([f"{stem}/{row:06d}" for row in range(count)], dtype="str")
    optical, radar = (_valid_fraction(hashes, path, count, key) for key in ("sen2", "sen1"))
    # A patch without any measurement takes no part: there is nothing that its label could be told from.
    labels[optical == 0] = -1
    table = pd.DataFrame(
        {
            "patch": patch,
            "published_split": PUBLISHED[stem],
            "file": path,
            "row": np.arange(count, dtype=np.int64),
            "city": geo["city"],
            "x": geo["x"],
            "y": geo["y"],
            "epsg": geo["epsg"].astype("Int32").where(geo["epsg"] != 0),
            "lon": geo["lon"],
            "lat": geo["lat"],
            "side_m": SIDE * geo["width"],
            "label": labels,
            "valid_fraction_optical": optical,
            "valid_fraction_radar": radar,
            "labelled_fraction": np.where(np.isnan(optical) & there, np.float32(1), optical),
            "content_hash": _content(verified),
        }
    )
    table = table.join(verified.filter(like="hash_"))
    return table.astype({"published_split": "str", "file": "str", "content_hash": "str"})
