"""Findings about the files of So2Sat LCZ42: keys, shapes, dtypes and sizes; whether places can be true."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Accept, File, Finding
from sentinel_forest.datasets.so2sat.geo import cities_of, geo_table, is_utm, tfw_order
from sentinel_forest.datasets.so2sat.layout import OVERHEAD_BYTES, ROW_BYTES, SHAPES, image_paths
from sentinel_forest.datasets.so2sat.reader import is_contiguous, places_in_file
from sentinel_forest.datasets.so2sat.vocabulary import CHANNELS
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5

CITY_EXTENT = 300_000.0
"""No city of the dataset is wider (m); a wrong UTM zone moves patches farther."""

Part = Literal["bytes", "structure", "content"]


def structure(folder: Path, files: Sequence[File]) -> list[Finding]:
    """Keys, shapes, dtypes, layout and length of image files; geo files against their image files."""
    return [finding for file in files for finding in _file_structure(folder, file)]


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


def _image_structure(file: File, handle: h5py.File, size: int) -> Iterator[Finding]:
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
    for key, dataset in there.items():
        yield from _dataset_structure(file, dataset, key)
    if missing:
        return
    rows = {key: dataset.shape[0] if dataset.shape else 0 for key, dataset in there.items()}
    yield verdict(
        file,
        "structure",
        "rows",
        len(set(rows.values())) == 1,
        ", ".join(f"{key} {count}" for key, count in rows.items()),
        "as many in each dataset",
        "the datasets do not belong together: fetch the published file",
    )
    if "label" in there and all(is_contiguous(dataset) for dataset in there.values()):
        length = rows["sen2"] * ROW_BYTES + OVERHEAD_BYTES
        yield verdict(
            file,
            "structure",
            "size",
            size == length,
            f"{size} B",
            f"{length} B ({rows['sen2']} x {ROW_BYTES} + {OVERHEAD_BYTES})",
            "the file was written anew or changed: fetch the published one",
            "kept",
        )


def _label_structure(file: File, there: bool) -> Finding:
    """Whether there are labels; the fact ``labels: false`` says that a release has none in this file."""
    if not there and not file.facts.get("labels", True):
        return Finding(file.path, "structure", "labels", "note", "none", "none in this version")
    remedy = "fetch the published file: patches without a label cannot be scored"
    return verdict(file, "structure", "labels", there, "label" if there else "none", "label", remedy, "kept")


def _dataset_structure(file: File, dataset: h5py.Dataset, key: str) -> Iterator[Finding]:
    shape, expected = dataset.shape, SHAPES[key]
    turned = sorted(shape[1:]) == sorted(expected) and shape[1:] != expected
    yield verdict(
        file,
        "structure",
        f"{key}:shape",
        shape[1:] == expected and shape[0] > 0,
        _shape_text(shape),
        f"(N, {', '.join(map(str, expected))})",
        "the axes are turned: channels come last" if turned else "fetch the published file",
    )
    yield verdict(
        file,
        "structure",
        f"{key}:dtype",
        dataset.dtype == np.dtype("<f8"),
        str(dataset.dtype),
        "float64",
        "the values were converted: fetch the published file",
        "kept" if dataset.dtype.kind == "f" else "",
    )
    contiguous = is_contiguous(dataset)
    kind = "contiguous" if contiguous else f"chunks {dataset.chunks}, compression {dataset.compression}"
    status: Literal["ok", "note"] = "ok" if contiguous else "note"  # written anew, and read all the same
    yield Finding(file.path, "structure", f"{key}:layout", status, kind, "contiguous, uncompressed")


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


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


def _place_findings(file: File, geo: pd.DataFrame) -> Iterator[Finding]:
    """Whether codes, coordinates and cities can be true together."""
    valid = is_utm(geo["epsg"])
    yield _rows_verdict(file, "epsg", ~valid, geo["epsg"], "UTM: 32601-32660 or 32701-32760")
    plausible = geo["x"].between(1e5, 9e5) & geo["y"].between(0, 1e7)
    text = geo["x"].astype("str") + " " + geo["y"].astype("str")
    yield _rows_verdict(file, "coordinates", ~plausible, text, "easting 100-900 km, northing 0-10,000 km")
    side = ((geo["width"] - 10).abs() <= 0.5) & ((geo["height"] - 10).abs() <= 0.5)
    text = geo["width"].astype("str") + " x " + geo["height"].astype("str")
    yield _rows_verdict(file, "pixel-size", ~side, text, "10 m, within 5 %")
    zones = file.facts.get("city_epsg")
    if isinstance(zones, Mapping):
        expected = geo["city"].str.lower().map(zones)
        wrong = expected.notna() & (expected != geo["epsg"])
        yield _rows_verdict(
            file, "city-epsg", wrong, geo["city"] + " " + geo["epsg"].astype("str"), "the UTM zone of the city"
        )
    yield _city_extent(file, geo)
    yield _grid(file, geo)


def _rows_verdict(file: File, check: str, wrong: pd.Series, values: pd.Series, expected: str) -> Finding:
    if not wrong.any():
        return verdict(file, "content", check, True, f"{len(wrong)} rows", expected)
    first = int(wrong.to_numpy().argmax())
    found = f"{int(wrong.sum())} rows, the first: row {first}: {values.iloc[first]}"
    remedy = "the geo files published before March 2026 have wrong codes: fetch the corrected ones"
    return verdict(file, "content", check, False, found, expected, remedy)


def _city_extent(file: File, geo: pd.DataFrame) -> Finding:
    """The farthest patch of a city from its median place, along a degree of 111.2 km."""
    known = geo[(geo["city"] != "") & geo["lat"].notna()]
    middle = known.groupby("city")[["lon", "lat"]].transform("median")
    east = (known["lon"] - middle["lon"]) * np.cos(np.deg2rad(middle["lat"]))
    distance = np.hypot(east, known["lat"] - middle["lat"]) * 111_200.0
    far = distance > CITY_EXTENT
    remedy = "some EPSG codes are wrong: fetch the corrected geo file"
    if not far.any():
        extent = 0.0 if distance.empty else float(distance.max()) / 1000
        return verdict(file, "content", "city-extent", True, f"at most {extent:.0f} km", "at most 300 km")
    first = far.idxmax()
    found = (
        f"{int(far.sum())} rows, the first: row {first}: {known['city'][first]} "
        f"EPSG:{known['epsg'][first]}, {distance[first] / 1000:.0f} km away"
    )
    return verdict(file, "content", "city-extent", False, found, "patches of a city within 300 km", remedy)


def _grid(file: File, geo: pd.DataFrame) -> Finding:
    """Share of patches that lie on one 100 m grid with the others of their city and zone.

    The grid's origin is the circular mean of the coordinates modulo 100 m; half a pixel (5 m) passes.
    """
    good = np.ones(len(geo), dtype=bool)
    for axis in ("x", "y"):
        phase = pd.Series(np.exp(2j * np.pi * geo[axis].to_numpy() / 100))
        mean = phase.groupby([geo["city"], geo["epsg"]]).transform("mean")
        good &= np.abs(np.angle(phase * np.conj(mean))) * 100 / (2 * np.pi) <= 5
    share = good.mean()
    return note(file, "grid", bool(share == 1), f"{100 * share:.4g} % of the patches", "all on one 100 m grid")


def unreadable(file: File, error: InputError) -> Finding:
    """A file that HDF5 does not open, or that is not let in."""
    check = "inside" if isinstance(error, hdf5.OutsideError) else "readable"
    return Finding(file.path, "structure", check, "failed", str(error.found), str(error.expected), str(error.remedy))


def _file_structure(folder: Path, file: File) -> list[Finding]:
    path = folder / file.path
    image = image_paths([file.path])
    try:
        with hdf5.opened(path) as handle:
            if image:
                return list(_image_structure(file, handle, path.stat().st_size))
            findings = list(geo_structure(file, handle, _row_count(path)))
            usable = all(finding.status != "failed" for finding in findings)
            return findings + (list(_place_findings(file, geo_table(handle))) if usable else [])
    except InputError as error:
        return [unreadable(file, error)]


def _row_count(geo: Path) -> int | None:
    """Rows of the image file beside a geo file, None where it cannot be told."""
    places = places_in_file(geo.with_name(geo.name.replace("_geo.h5", ".h5")))
    return places["sen2"][1] if places and "sen2" in places else None
