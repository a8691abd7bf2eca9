"""Findings about the files of So2Sat LCZ42: keys, shapes, dtypes and sizes."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Accept, File, Finding
from sentinel_forest.datasets.scaling import scaling_finding, scaling_text
from sentinel_forest.datasets.so2sat.cities import city_findings
from sentinel_forest.datasets.so2sat.geo import cities_of, geo_table, tfw_order
from sentinel_forest.datasets.so2sat.layout import DTYPES, OVERHEAD_BYTES, ROW_BYTES, SHAPES, image_paths
from sentinel_forest.datasets.so2sat.places import place_findings
from sentinel_forest.datasets.so2sat.reader import NUMBERS, is_contiguous, places_in_file
from sentinel_forest.datasets.so2sat.vocabulary import CHANNELS
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5

Part = Literal["bytes", "structure", "content"]


def structure(folder: Path, files: Sequence[File], dtype: str = DTYPES[0]) -> list[Finding]:
    """Keys, shapes, dtypes, layout and length of image files; geo files against their image files."""
    seen = {file.path: _file_structure(folder, file, dtype) for file in files}
    tables = {path: geo for path, (_, geo) in seen.items() if geo is not None}
    return [finding for findings, _ in seen.values() for finding in findings] + list(city_findings(tables))


def verdict(
    file: File,
    layer: Part,
    check: str,
    good: bool,
    found: str,
    expected: str = "",
    remedy: str = "",
    accept: Accept | None = None,
) -> Finding:
    """``ok`` or ``failed``; the remedy is only given where one is needed. Content can be accepted as it is."""
    if good:
        return Finding(file.path, layer, check, "ok", found, expected)
    accept = accept if accept is not None else "kept" if layer == "content" else ""
    return Finding(file.path, layer, check, "failed", found, expected, remedy, accept)


def note(file: File, check: str, good: bool, found: str, expected: str) -> Finding:
    """``ok`` or ``note``, about content."""
    return Finding(file.path, "content", check, "ok" if good else "note", found, expected)


def _image_structure(file: File, handle: h5py.File, size: int, dtype: str) -> Iterator[Finding]:
    """Findings about one image file, and none about what depends on a dataset that is not there."""
    there = {key: handle[key] for key in SHAPES if isinstance(handle.get(key), h5py.Dataset)}
    missing = [key for key in CHANNELS if key not in there]
    yield verdict(
        file,
        "structure",
        "keys",
        not missing,
        ", ".join(handle),
        ", ".join(CHANNELS),
        f"without {' and '.join(missing)} the file cannot be used: fetch the published one",
    )
    yield _label_structure(file, "label" in there)
    if scaling := scaling_text(handle.attrs.items()):
        yield scaling_finding(file.path, "structure", "scale", scaling)
    kinds = {_kind(dataset) for dataset in there.values()}
    alike = len(there) == len(SHAPES) and len(kinds) == 1 and kinds != {dtype}
    if alike:
        yield _other_dtype(file, kinds.pop(), dtype)
    rows = {key: dataset.shape[0] if dataset.shape else 0 for key, dataset in there.items()}
    if not missing and not any(rows.values()):
        yield verdict(file, "structure", "rows", False, "no rows", "rows of patches", "fetch the published file")
        return
    for key, dataset in there.items():
        yield from _dataset_structure(file, dataset, key, _kind(dataset) if alike else dtype)
    if missing:
        return
    yield verdict(
        file,
        "structure",
        "rows",
        len(set(rows.values())) == 1,
        ", ".join(f"{key} {count}" for key, count in rows.items()),
        "as many in each dataset",
        "the datasets do not belong together: fetch the published file",
    )
    row_bytes = ROW_BYTES * np.dtype(dtype).itemsize // 8
    if "label" in there and not alike and all(is_contiguous(dataset) for dataset in there.values()):
        length = rows["sen2"] * row_bytes + OVERHEAD_BYTES
        yield verdict(
            file,
            "structure",
            "size",
            size == length,
            f"{size} B",
            f"{length} B ({rows['sen2']} x {row_bytes} + {OVERHEAD_BYTES})",
            "the file was written anew or changed: fetch the published one",
            "kept",
        )


def _label_structure(file: File, there: bool) -> Finding:
    """Whether there are labels; the fact ``labels: false`` says that a release has none in this file."""
    if not there and not file.facts.get("labels", True):
        return Finding(file.path, "structure", "labels", "note", "none", "none in this version")
    remedy = "fetch the published file: patches without a label cannot be scored"
    return verdict(file, "structure", "labels", there, "label" if there else "none", "label", remedy, "kept")


def _other_dtype(file: File, kind: str, expected: str) -> Finding:
    """A failure for a file that is of one other kind of numbers throughout."""
    accept: Accept = "kept" if np.dtype(kind).kind in NUMBERS else ""
    remedy = "the values were converted: fetch the published file"
    if kind in DTYPES:
        remedy = f"if all files are so, declare it: layout: {{dtype: {kind}}}"
    return Finding(file.path, "structure", "dtype", "failed", f"{kind} throughout", expected, remedy, accept)


def _dataset_structure(file: File, dataset: h5py.Dataset, key: str, dtype: str) -> Iterator[Finding]:
    shape, expected = dataset.shape, SHAPES[key]
    turned = sorted(shape[1:]) == sorted(expected) and shape[1:] != expected
    yield verdict(
        file,
        "structure",
        f"{key}:shape",
        shape[1:] == expected,
        f"({', '.join(map(str, shape))})",
        f"(N, {', '.join(map(str, expected))})",
        "the axes are turned: channels come last" if turned else "fetch the published file",
    )
    if shape[1:] != expected:
        return
    yield verdict(
        file,
        "structure",
        f"{key}:dtype",
        _kind(dataset) == dtype,
        str(dataset.dtype),
        dtype,
        "the values were converted: fetch the published file",
        "kept" if dataset.dtype.kind in NUMBERS else "",
    )
    if scaling := scaling_text(dataset.attrs.items()):
        yield scaling_finding(file.path, "structure", f"{key}:scale", scaling)
    contiguous = is_contiguous(dataset)
    kind = "contiguous" if contiguous else f"chunks {dataset.chunks}, compression {dataset.compression}"
    status: Literal["ok", "note"] = "ok" if contiguous else "note"  # written anew, and read all the same
    yield Finding(file.path, "structure", f"{key}:layout", status, kind, "contiguous, uncompressed")


def _kind(dataset: h5py.Dataset) -> str:
    """Name of the numbers of a dataset; their byte order makes no difference to what is read."""
    return str(dataset.dtype.newbyteorder("="))


def geo_structure(file: File, handle: h5py.File, rows: int | None) -> Iterator[Finding]:
    """Findings about one geo file; `rows` is the number of rows of its image file (None: unknown)."""
    missing = [key for key in ("epsg", "tfw") if not isinstance(handle.get(key), h5py.Dataset)]
    yield verdict(
        file, "structure", "keys", not missing, ", ".join(handle), "city, epsg, tfw", "fetch the published file"
    )
    if missing:
        return
    dtypes = {key: handle[key].dtype for key in ("epsg", "tfw")}
    numeric = all(dtype.kind in "iuf" for dtype in dtypes.values())
    yield verdict(
        file,
        "structure",
        "dtype",
        numeric,
        ", ".join(f"{key} {dtype}" for key, dtype in dtypes.items()),
        "numbers",
        "fetch the published file",
    )
    if not numeric:
        return
    tfw = handle["tfw"][...]
    counts = {"epsg": handle["epsg"].size, "tfw": tfw.shape[0] if tfw.shape else 0}
    cities = cities_of(handle)
    if cities is None:
        yield Finding(file.path, "structure", "city", "note", "none", "cities, as in the later geo files")
    else:
        counts["city"] = cities.size
    wanted = rows if rows is not None else counts["epsg"]
    yield verdict(
        file,
        "structure",
        "rows",
        set(counts.values()) == {wanted},
        ", ".join(f"{key} {count}" for key, count in counts.items()),
        f"{wanted}, as in the image file" if rows is not None else "as many in each dataset",
        "this geo file belongs to another image file: fetch both from the same version",
    )
    order = tfw_order(tfw)
    yield verdict(
        file,
        "structure",
        "tfw",
        order is not None,
        order or "in no known order",
        "world file (A, D, B, E, C, F) or GDAL (C, A, B, F, D, E)",
        "fetch the published file",
    )


def unreadable(file: File, error: InputError) -> Finding:
    """A file that HDF5 does not open, or that is not let in."""
    check = "inside" if isinstance(error, hdf5.OutsideError) else "readable"
    return Finding(file.path, "structure", check, "failed", str(error.found), str(error.expected), str(error.remedy))


def _file_structure(folder: Path, file: File, dtype: str) -> tuple[list[Finding], pd.DataFrame | None]:
    """Findings about a file, and the table of a geo file that can be used."""
    path = folder / file.path
    image = image_paths([file.path])
    try:
        with hdf5.opened(path) as handle:
            if image:
                return list(_image_structure(file, handle, path.stat().st_size, dtype)), None
            findings = [*_image_of(file, path), *geo_structure(file, handle, _row_count(path)), *_same_rows(file, path)]
            if any(finding.status == "failed" for finding in findings):
                return findings, None
            geo = geo_table(handle)
            return [*findings, *place_findings(file, geo)], geo
    except InputError as error:
        return [unreadable(file, error)], None


def _image_of(file: File, path: Path) -> Iterator[Finding]:
    """A geo file without its image file, where there are others: its rows take no part."""
    image = path.with_name(path.name.replace("_geo.h5", ".h5"))
    others = [other for other in path.parent.glob("*.h5") if image_paths([other.name])]
    if others and not image.is_file():
        found = f"no {image.name}: these places are not used"
        yield Finding(file.path, "structure", "image", "note", found, f"{image.name} beside it")


def _same_rows(file: File, path: Path) -> Iterator[Finding]:
    """Of a geo file that is linked from another version's folder: whether the labels there are these, row by row.

    Where that folder has no image file, published checksums (`acquire.places`) and the labels of neighbours speak.
    """
    if not path.is_symlink():
        return
    name = path.name.replace("_geo.h5", ".h5")
    image, other = path.with_name(name), Path(os.readlink(path)).with_name(name)
    if not (image.is_file() and other.is_file()) or image.samefile(other):
        return
    labels = [_stored_labels(each) for each in (image, other)]
    expected = f"the labels of {name} beside the geo file, in the same order"
    remedy = "the rows are not the same, so that the places are of other patches: take the key `places` out"
    if labels[0].shape != labels[1].shape:
        found = " and ".join(str(len(each)) for each in labels) + " rows with labels"
        yield verdict(file, "content", "same-rows", False, found, expected, remedy, "")
        return
    differing = (labels[0] != labels[1]).any(axis=1)
    found = f"{len(differing)} rows have the same label"
    if differing.any():
        count, first = int(differing.sum()), int(differing.argmax())
        found = f"{count} of {len(differing)} rows have another label, the first: row {first}"
    yield verdict(file, "content", "same-rows", not differing.any(), found, expected, remedy)


def _stored_labels(image: Path) -> np.ndarray:
    """Labels as stored, float (rows, 17); none where a file has no such dataset."""
    with hdf5.opened(image) as handle:
        dataset = handle.get("label")
        usable = isinstance(dataset, h5py.Dataset) and dataset.shape[1:] == SHAPES["label"]
        return np.asarray(dataset[...], np.float64) if usable else np.empty((0, *SHAPES["label"]))


def _row_count(geo: Path) -> int | None:
    """Rows of the image file beside a geo file, None where it cannot be told."""
    places = places_in_file(geo.with_name(geo.name.replace("_geo.h5", ".h5")))
    return (places["sen2"][1] or None) if places and "sen2" in places else None
