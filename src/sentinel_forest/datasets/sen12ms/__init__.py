"""SEN12MS and DFC2020: triplets of Sentinel-1, Sentinel-2 and MODIS land cover as small GeoTIFFs.

A patch is a triplet ``<season>/<sensor>_<scene>/<season>_<sensor>_<scene>_p<number>.tif`` with the
sensors ``s1``, ``s2`` and ``lc``; DFC2020 adds ``dfc``, land cover at 10 m. Scene numbers are not
places: the same number in two seasons is two places, so that a scene is always named with its season.

Sources: doi:10.5194/isprs-annals-IV-2-W7-153-2019 (SEN12MS), doi:10.21227/rha7-m332 (DFC2020),
doi:10.5194/isprs-annals-V-2-2021-101-2021 (scene labels).
"""

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd
import rasterio
import rasterio.warp
import xxhash
from rasterio.crs import CRS
from rasterio.enums import Interleaving
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.transform import Affine

from sentinel_forest.datasets.base import (
    GROUND,
    IGNORE,
    SPLITS,
    Block,
    Category,
    Columns,
    Dataset,
    FeatureSet,
    File,
    Finding,
    Implied,
    Inspection,
    Inspector,
    Layer,
    NotPublished,
    Reference,
    Task,
    hash_table,
    unmeasured_finding,
    unmeasured_text,
)
from sentinel_forest.errors import InputError
from sentinel_forest.io.copying import NewFile
from sentinel_forest.io.tables import replacing, write_text

SEASONS = ("ROIs1158_spring", "ROIs1868_summer", "ROIs1970_fall", "ROIs2017_winter")
DFC_SPLITS = {"ROIs0000_validation": "validation", "ROIs0000_test": "test"}
SENSORS = ("s2", "s1", "lc", "dfc")
"""Sensors of a patch; the first that a release has gives the catalog's `file`."""
PATCHES = 180_662
"""Patches of the whole of SEN12MS; a release with fewer is a selection."""

BROKEN = frozenset({"ROIs1868_summer/146/p202"})
"""Patches known to be broken (NaN in ``s1``); the publisher's training list leaves them out too."""

HOLD_OUT: Mapping[str, Mapping[str, int]] = {
    "ROIs1158_spring": {"63": 784, "146": 557, "97": 687, "124": 695, "15": 763, "17": 756},
    "ROIs1868_summer": {"43": 819, "131": 760, "19": 599, "104": 205, "72": 789, "15": 663, "79": 694},
    "ROIs1970_fall": {"120": 747, "39": 772, "144": 690, "35": 690, "61": 783, "47": 784, "30": 779, "141": 744},
    "ROIs2017_winter": {"64": 784, "146": 612, "32": 696, "107": 775, "135": 479},
}
"""The published hold-out scenes with their numbers of patches (splits/SEN12MS_holdOutScenes.txt and
test_list.txt of github.com/schmitt-muc/SEN12MS)."""

SPLIT_LISTS = {
    "train_list.txt": "train",
    "val_list.txt": "validation",
    "ValidationScenes.txt": "validation",
    "test_list.txt": "test",
    "SEN12MS_holdOutScenes.txt": "test",
}
"""List files that are read from the release's folder ``splits`` where they are there. The validation
lists are historical: their scenes were merged into the training scenes in 2020."""

IGBP = (
    Category(1, "evergreen needleleaf forest", "#05450a"),
    Category(2, "evergreen broadleaf forest", "#086a10"),
    Category(3, "deciduous needleleaf forest", "#54a708"),
    Category(4, "deciduous broadleaf forest", "#78d203"),
    Category(5, "mixed forest", "#009900"),
    Category(6, "closed shrubland", "#c6b044"),
    Category(7, "open shrubland", "#dcd159"),
    Category(8, "woody savanna", "#dade48"),
    Category(9, "savanna", "#fbff13"),
    Category(10, "grassland", "#b6ff05"),
    Category(11, "permanent wetland", "#27ff87"),
    Category(12, "cropland", "#c24f44"),
    Category(13, "urban", "#a5a5a5"),
    Category(14, "cropland/natural mosaic", "#ff6d4c"),
    Category(15, "snow and ice", "#69fff8"),
    Category(16, "barren", "#f9ffa4"),
    Category(17, "water", "#1c0dff"),
)
"""IGBP classes with the colours of MCD12Q1 (catalog of Google Earth Engine); DFC2020 has some of them."""

CATEGORIES = (
    Category(1, "Forest", "#009900"),
    Category(2, "Shrubland", "#c6b044"),
    Category(3, "Savanna", "#fbff13"),
    Category(4, "Grassland", "#b6ff05"),
    Category(5, "Wetlands", "#27ff87"),
    Category(6, "Croplands", "#c24f44"),
    Category(7, "Urban", "#a5a5a5"),
    Category(8, "Snow/ice", "#69fff8"),
    Category(9, "Barren", "#f9ffa4"),
    Category(10, "Water", "#1c0dff"),
)
"""The simplified IGBP classes with codes and colours of DFC2020 (github.com/lukasliebel/dfc2020_baseline)."""

SIMPLIFIED = np.array([1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 6, 8, 9, 10]) - 1
"""Index into `CATEGORIES` of IGBP classes 1 to 17."""

NO_SAVANNA = tuple(category for category in CATEGORIES if category.name != "Savanna")
"""Classes of the "no savanna" mode of the published baseline: pixels of savanna take no part, so that a
forest never says savanna, which DFC2020 does not have."""

FILL = 255
SCHEMES: Mapping[str, tuple[int, ...]] = {
    "igbp": tuple(category.code for category in IGBP),
    "land_cover": (1, 2, 3, 11, 12, 13, 14, 15, 16, 21, 22, 31, 32, 41, 42, 43),
    "land_use": (1, 2, 3, 9, 10, 20, 25, 30, 35, 36, 40),
    "hydrology": (1, 2, 3, 10, 20, 27, 30, 40, 50, 51),
}
"""Codes of the bands of ``lc``: IGBP and the three LCCS schemes (MCD12Q1 Collection 6 user guide)."""

CODES: Mapping[str, tuple[Sequence[int], ...]] = {
    "lc": tuple(SCHEMES.values()),
    "dfc": (tuple(category.code for category in CATEGORIES),),
}
"""Codes of the classes in each band of the label tiles."""

UNCONFIRMED = frozenset({"land_cover", "hydrology"})
"""Schemes whose codes were taken from the guide alone: another code is worth knowing, and no fault."""

CIRRUS = "B10"
"""The band that has one low value wherever the sky is clear."""
S1_RANGE = (-90.0, 50.0)
"""Backscatter in dB that is possible at all."""
S2_LARGEST = 32_767
"""Largest reflectance x 10,000 taken as possible (saturated glint and cloud stay below)."""

WAVELENGTHS = {
    "B1": 442.7,
    "B2": 492.4,
    "B3": 559.8,
    "B4": 664.6,
    "B5": 704.1,
    "B6": 740.5,
    "B7": 782.8,
    "B8": 832.8,
    "B8A": 864.7,
    "B9": 945.1,
    "B10": 1373.5,
    "B11": 1613.7,
    "B12": 2202.4,
}
"""Central wavelengths of Sentinel-2A in nm (ESA, Sentinel-2 spectral responses), in file order."""

BANDS: Mapping[str, tuple[str, ...]] = {
    "s1": ("VV", "VH"),
    "s2": tuple(WAVELENGTHS),
    "lc": tuple(SCHEMES),
    "dfc": ("label",),
}
DTYPES: Mapping[str, tuple[str, ...]] = {
    "s1": ("float32", "float64", "int16"),
    "s2": ("uint16",),
    "lc": ("uint16", "uint8", "int16", "uint32", "int32"),
    "dfc": ("uint8", "uint16", "int16", "uint32", "int32"),
}
"""Kinds of numbers of each sensor's tiles; first the one that `Sen12MS.layer_table` gives and `write_patch`
writes. The documents do not fix them, and copies differ (DFC2020 comes with float64 and int32). The values
are those of the first kind; dB in int16 that were multiplied by something are out of range.
"""

PIXEL = 10.0
"""Side of a pixel in m."""
CELL = 50
"""Side in pixels of the areas from which training pixels are drawn (`Sen12MS.draw_units`)."""
BLOCK = CELL * PIXEL
"""The same in m."""

PROJECTION = "a projected CRS (UTM) with an EPSG code"

MOST_FINDINGS = 20
LARGEST_TILE = 16 << 20
TIFF_ONLY = {"driver": "GTiff"}
QUICK_OPEN = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GTIFF_SRS_SOURCE": "GEOKEYS"}
"""GDAL would list the folder of every tile that it opens, and hold its CRS against the EPSG registry."""

# `Sen12MS.conclude` tells of such tiles, once for all of them.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)

_NAME = re.compile(
    rf"^({'|'.join((*SEASONS, *DFC_SPLITS))})/({'|'.join(SENSORS)})_([0-9A-Za-z]+)"
    r"/\1_\2_([0-9A-Za-z]+)_p([0-9]+)\.tif$"
)
_ARCHIVE = re.compile(r"^(ROIs[0-9]{4}_[a-z]+)_(s1|s2|lc|dfc)\.tar\.gz$")
_LISTED_SCENE = re.compile(r"(ROIs[0-9]{4}_[a-z]+)/(?:s1|s2|lc)_([0-9A-Za-z]+)/?")
_LISTED_FILE = re.compile(r"(?:.*/)?(ROIs[0-9]{4}_[a-z]+)_(?:s1|s2|lc|dfc)_([0-9A-Za-z]+)_p([0-9]+)(?:\.tif)?")


# --- Names -----------------------------------------------------------------------------------------


def parse(paths: Iterable[str]) -> pd.DataFrame:
    """What the names of tiles say.

    Returns
    -------
    DataFrame
        `path`, `season`, `sensor`, `scene`, `number` (int64) and `patch`
        (``<season>/<scene>/p<number>``); paths that are not those of tiles are left out.
    """
    matches = [match for match in map(_match, paths) if match]
    rows = [(match[0], match[1], match[2], match[3], int(match[5])) for match in matches]
    table = pd.DataFrame(rows, columns=["path", "season", "sensor", "scene", "number"])
    table = table.astype({"number": "int64", **dict.fromkeys(("path", "season", "sensor", "scene"), "str")})
    table["patch"] = table["season"] + "/" + table["scene"] + "/p" + table["number"].astype("str")
    return table


def _match(path: str) -> re.Match[str] | None:
    """Parts of a tile's path: season, sensor, scene, scene as the file says it, number."""
    match = _NAME.match(path)
    # In DFC2020 the folder says validation and the file says 0; elsewhere both say the scene.
    return match if match and (match[3] == match[4] or match[1] in DFC_SPLITS) else None


def tile_path(file: str, sensor: str) -> str:
    """Path of another sensor's tile of the same patch."""
    given = file.split("/")[1].split("_")[0]
    return file.replace(f"/{given}_", f"/{sensor}_", 1).replace(f"_{given}_", f"_{sensor}_", 1)


def file_names(patches: Iterable[str], sensor: str) -> list[str]:
    """File names of patches (``<season>/<scene>/p<number>``) for one sensor."""
    names = []
    for patch in patches:
        season, scene, number = patch.split("/")
        names.append(f"{season}_{sensor}_{_scene_in_name(season, scene)}_{number}.tif")
    return names


def _scene_in_name(season: str, scene: str) -> str:
    return "0" if season in DFC_SPLITS else scene


# --- Land cover ------------------------------------------------------------------------------------


def simplify(shares: np.ndarray) -> np.ndarray:
    """Shares (or counts) of the simplified classes, (patches, 10), from IGBP 1 to 17, (patches, 17)."""
    return np.stack([shares[:, index == SIMPLIFIED].sum(axis=1) for index in range(len(CATEGORIES))], axis=1)


def single_label(shares: np.ndarray) -> np.ndarray:
    """Index of the largest share (the first, of equal ones), int16 (patches,); -1 where all are 0 or NaN."""
    filled = np.nan_to_num(shares)
    return np.where(filled.max(axis=1) > 0, filled.argmax(axis=1), -1).astype(np.int16)


def multi_label(shares: np.ndarray, threshold: float = 0.1) -> np.ndarray:
    """Classes with a share above a threshold, bool (patches, classes).

    The rule of doi:10.5194/isprs-annals-V-2-2021-101-2021, for shares of IGBP classes or those of `simplify`.
    (The toolbox has "at least"; no share of 65,536 pixels is exactly a tenth.)
    """
    return np.nan_to_num(shares) > threshold


def class_counts(tile: np.ndarray, schemes: Iterable[Sequence[int]]) -> np.ndarray:
    """Pixels of each code of each band's scheme, int32, the bands one after another."""
    return np.concatenate(
        [
            np.bincount(np.clip(band, 0, FILL).reshape(-1), minlength=256)[list(codes)]
            for band, codes in zip(tile, schemes, strict=True)
        ]
    ).astype(np.int32)


def _lookup(codes: Sequence[int], classes: Iterable[int]) -> np.ndarray:
    """Table from code (0..255) to class, `IGNORE` for all other codes."""
    table = np.full(256, IGNORE, dtype=np.uint8)
    table[list(codes)] = list(classes)
    return table


FROM_IGBP = _lookup(SCHEMES["igbp"], SIMPLIFIED)
FROM_DFC = _lookup(CODES["dfc"][0], range(len(CATEGORIES)))
WITHOUT_SAVANNA = _lookup([CATEGORIES.index(category) for category in NO_SAVANNA], range(len(NO_SAVANNA)))
"""Index into `NO_SAVANNA` of an index into `CATEGORIES`."""


# --- Continents ------------------------------------------------------------------------------------

_CONTINENTS: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = (
    ("Antarctica", ((-180, -90), (180, -90), (180, -60), (-180, -60))),
    ("Oceania", ((112, -60), (180, -60), (180, 25), (140, 25), (132, 2), (130, -9), (118, -12), (112, -20))),
    ("Oceania", ((-180, -60), (-110, -60), (-110, 0), (-150, 30), (-180, 30))),
    (
        "Europe",
        (
            (-28, 35.5),
            (-5.6, 35.9),
            (3, 38),
            (11.5, 37.2),
            (15, 35),
            (28, 34),
            (26, 39.5),
            (29.1, 41.1),
            (41, 43),
            (48, 42),
            (51, 47),
            (60, 51),
            (60, 65),
            (66, 69),
            (66, 84),
            (-28, 84),
        ),
    ),
    (
        "Africa",
        (
            (-28, 38),
            (11.5, 37.2),
            (15, 35),
            (28, 34),
            (32.4, 31.3),
            (32.6, 29.8),
            (38, 20),
            (42.6, 13.5),
            (43.4, 12.5),
            (52, 13),
            (65, -5),
            (65, -40),
            (-28, -40),
        ),
    ),
    ("South America", ((-110, -60), (-20, -60), (-20, 12.6), (-72, 12.6), (-77.4, 8.6), (-82, 5), (-110, 0))),
    (
        "North America",
        (
            (-110, 0),
            (-82, 5),
            (-77.4, 8.6),
            (-72, 12.6),
            (-28, 12.6),
            (-10, 84),
            (-169, 84),
            (-169, 66),
            (-180, 50),
            (-180, 30),
            (-150, 30),
        ),
    ),
    ("Asia", ((26, 0), (180, 0), (180, 84), (26, 84))),
    ("Asia", ((-180, 50), (-169, 66), (-169, 84), (-180, 84))),
    ("Asia", ((65, -20), (132, -12), (141, 0), (65, 0))),
)
"""Outlines (longitude, latitude) that follow coasts and the usual borders coarsely (Urals, Caucasus,
Bosporus, Suez, Darien, Wallacea); the first outline that holds a point gives its continent. Good to
about 200 km, so that a point near such a border may fall on the wrong side."""


def continent(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Continents of points in degrees, str (points,); empty where unknown. See `_CONTINENTS`."""
    result = np.full(len(lon), "", dtype=object)
    for name, outline in _CONTINENTS:
        result[(result == "") & _inside(np.array(outline), lon, lat)] = name
    return result


def _inside(outline: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether points lie in a polygon, by the parity of the edges met on the way east."""
    odd = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return odd


# --- Tiles -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TileInspection(Inspection):
    """What one tile has shown, for `Sen12MS.conclude`: its place on the ground, the hash of its pixels.

    `dtype` is its kind of numbers ("" if it cannot be read); `placed` whether it says where it lies at all;
    `grid` is EPSG code and the six terms of the transform, or None; `pixels` is the xxh3_128 (hex) of the
    pixels as published (rows, columns, bands; little-endian), or "" for a tile with a fault; `empty` counts
    the pixels of a tile of ``s2`` that are 0 in all bands (None: another tile, or not read).
    """

    dtype: str = ""
    placed: bool = True
    grid: tuple[float, ...] | None = None
    pixels: str = ""
    empty: int | None = None


class TileInspector(Inspector):
    """Collects the bytes of a tile and looks at it once it is whole."""

    def __init__(self, path: str, size: int, side: int) -> None:
        self.block_bytes = max(1, min(size, LARGEST_TILE))
        self._path, self._side = path, side
        self._blocks: list[bytes] = []

    def update(self, block: memoryview) -> None:
        """Take the next bytes (mostly all of them); what is larger than any tile is not kept."""
        if sum(map(len, self._blocks)) <= LARGEST_TILE:
            self._blocks.append(bytes(block))

    def finish(self) -> TileInspection:
        """Check header and pixels."""
        return inspect_tile(self._path, b"".join(self._blocks), self._side)


def inspect_tile(path: str, data: bytes, side: int) -> TileInspection:
    """Check the bytes of one tile.

    Checks ``readable``, ``shape``, ``dtype``, ``crs``, ``pixel-size`` (structure) and ``nan``,
    ``range``, ``classes`` (content); only what is wrong becomes a finding. In a patch of `BROKEN` NaN
    is the note ``known-broken``. A tile that does not say where it lies has neither CRS nor size of pixel
    to check.
    """
    sensor = path.split("/")[1].split("_")[0]
    if not data:
        return _unreadable(path, data)  # rasterio takes no bytes for a file that is to be written
    try:
        with rasterio.Env(**QUICK_OPEN), MemoryFile(data) as memory, memory.open(**TIFF_ONLY) as tile:
            findings = _header_findings(path, sensor, tile, side)
            seen = TileInspection((), dtype=_dtype(tile), placed=_is_placed(tile), grid=_grid(tile))
            pixels = _published_pixels(tile, data) if not findings else None
    except RasterioError:
        return _unreadable(path, data)
    if pixels is None:
        return replace(seen, findings=tuple(findings))
    empty = int((~_measured(pixels)).sum()) if sensor == "s2" else None
    findings = [] if empty == side**2 else _value_findings(path, sensor, pixels)
    whole = not any(finding.check != "constant" for finding in findings)
    hashed = xxhash.xxh3_128_hexdigest(pixels.data) if whole and sensor in ("s1", "s2") else ""
    return replace(seen, findings=tuple(findings), pixels=hashed, empty=empty)


def _measured(pixels: np.ndarray) -> np.ndarray:
    """Which pixels (rows, columns, bands) are not 0 in all bands: bool (rows, columns)."""
    measured = pixels[..., BANDS["s2"].index("B2")] != 0
    if not measured.all():  # few are 0 in one band, so that the others are hardly looked at
        measured[~measured] = pixels[~measured].any(axis=-1)
    return measured


def _published_pixels(tile: DatasetReader, data: bytes) -> np.ndarray:
    """All pixels of an open tile in the published order (rows, columns, bands).

    In a tile that is stored as published they are taken as they lie in its bytes.
    """
    shape, kind = (tile.height, tile.width, tile.count), np.dtype(tile.dtypes[0])
    start = _start_of_plain_pixels(tile) if data.startswith(b"II") else None
    if start is None or start + int(np.prod(shape)) * kind.itemsize > len(data):
        return np.ascontiguousarray(np.moveaxis(tile.read(), 0, -1))
    return np.frombuffer(data, kind, int(np.prod(shape)), start).reshape(shape)


def _unreadable(path: str, data: bytes) -> TileInspection:
    # GDAL's own message is left out: it names a random place in memory.
    fault = Finding(
        path,
        "structure",
        "readable",
        "failed",
        f"GDAL cannot read these {len(data)} B",
        "a whole GeoTIFF",
        "the file is cut short or damaged: unpack or fetch it again",
    )
    return TileInspection((fault,))


def _header_findings(path: str, sensor: str, tile: DatasetReader, side: int) -> list[Finding]:
    """Shape, dtype, CRS and size of pixel of an open tile."""
    again = "another product in this place? unpack or fetch the tile again"
    shape = (tile.count, tile.height, tile.width)
    expected = (len(BANDS[sensor]), side, side)
    dtype, kinds = _dtype(tile), DTYPES[sensor]
    checks: list[tuple[str, bool, str, str]] = [
        ("shape", shape == expected, _shape_text(shape), _shape_text(expected)),
        ("dtype", dtype in kinds, dtype, " or ".join(kinds)),
    ]
    if _is_placed(tile):
        terms = tuple(tile.transform)[:6]
        published = all(
            abs(terms[place] - wanted) <= 1e-5 for place, wanted in ((0, PIXEL), (1, 0), (3, 0), (4, -PIXEL))
        )
        unit = "m" if tile.crs.is_projected else "degrees"
        sizes = f"{terms[0]:.10g} x {terms[4]:.10g} {unit}", f"{PIXEL:.10g} x {-PIXEL:.10g} m, north up"
        checks += [("crs", *_projection(tile), PROJECTION), ("pixel-size", published, *sizes)]
    return [
        Finding(path, "structure", check, "failed", found, wanted, again)
        for check, good, found, wanted in checks
        if not good
    ]


def _dtype(tile: DatasetReader) -> str:
    return "|".join(sorted(set(tile.dtypes)))


def _projection(tile: DatasetReader) -> tuple[bool, str]:
    """Whether a tile has a projected CRS with an EPSG code, and what it has."""
    epsg = _epsg(tile)
    if epsg is None:
        return False, "no EPSG code"
    return tile.crs.is_projected, f"EPSG:{epsg}"


def _shape_text(shape: tuple[int, int, int]) -> str:
    return f"{shape[0]} bands, {shape[1]} x {shape[2]} px"


def _value_findings(path: str, sensor: str, pixels: np.ndarray) -> list[Finding]:
    """What is wrong, or strange, with the pixels (rows, columns, bands) of a tile."""
    see = {"s1": _backscatter, "s2": _reflectance, "lc": _land_cover, "dfc": _dfc_label}[sensor]
    return see(path, pixels) or _constant_bands(path, sensor, pixels)


def _constant_bands(path: str, sensor: str, pixels: np.ndarray) -> list[Finding]:
    """Bands of an image with one value throughout: nothing was measured, or it stands for nothing."""
    corner = dict(zip(BANDS[sensor], pixels[0, 0], strict=True))
    flat = [
        f"{band}: {corner[band]:g}"
        for place, band in enumerate(corner)
        if sensor in ("s1", "s2") and band != CIRRUS and (pixels[-1, -1, place] == corner[band])
        if (pixels[..., place] == corner[band]).all()
    ]
    if not flat:
        return []
    return [
        Finding(
            path,
            "content",
            "constant",
            "note",
            f"{', '.join(flat)} everywhere",
            "several values",
            "the band says nothing about any pixel; leave the patch out with a split of your own",
        )
    ]


def _backscatter(path: str, pixels: np.ndarray) -> list[Finding]:
    missing = int(np.isnan(pixels).sum()) if np.isnan(pixels.max()) else 0
    if missing and parse([path])["patch"].isin(BROKEN).any():
        return [
            Finding(
                path,
                "content",
                "known-broken",
                "note",
                f"{missing} values are NaN",
                "published so",
                "nothing: the patch is left out of the catalog",
            )
        ]
    if missing:
        return [
            Finding(
                path,
                "content",
                "nan",
                "failed",
                f"{missing} values are NaN",
                "a value in every pixel",
                "restore the tile, or accept 'nan': the patch is then left out of the catalog",
            )
        ]
    return _range_finding(path, pixels, *S1_RANGE, unit="dB")


def _reflectance(path: str, pixels: np.ndarray) -> list[Finding]:
    return _range_finding(path, pixels, 0, S2_LARGEST, unit="reflectance x 10000")


def _range_finding(path: str, pixels: np.ndarray, low: float, high: float, unit: str) -> list[Finding]:
    lowest, highest = float(pixels.min()), float(pixels.max())
    if low <= lowest and highest <= high:
        return []
    return [
        Finding(
            path,
            "content",
            "range",
            "failed",
            f"{lowest:.6g} to {highest:.6g}",
            f"{low:.6g} to {high:.6g} {unit}",
            "are these other units, or is the tile damaged? restore it, or accept 'range': "
            "the patch is then left out of the catalog",
        )
    ]


def _land_cover(path: str, pixels: np.ndarray) -> list[Finding]:
    findings = []
    for band, (scheme, codes) in enumerate(SCHEMES.items()):
        findings += _class_findings(path, scheme, pixels[..., band], codes)
    return findings


def _dfc_label(path: str, pixels: np.ndarray) -> list[Finding]:
    # 0 is the baseline's code of an unlabelled pixel.
    return _class_findings(path, "dfc", pixels[..., 0], (0, *CODES["dfc"][0]))


def _class_findings(path: str, scheme: str, band: np.ndarray, codes: Sequence[int]) -> list[Finding]:
    known = np.zeros(FILL + 2, dtype=bool)  # the last stands for all that is larger
    known[[*codes, FILL]] = True
    if known.take(band, mode="clip").all() and band.min() >= 0:
        return []
    strange = np.setdiff1d(band, (*codes, FILL))
    text = ", ".join(map(str, strange[:10])) + (", ..." if len(strange) > 10 else "")
    expected = f"{', '.join(map(str, codes))} or {FILL} (fill)"
    if scheme in UNCONFIRMED and strange[0] >= 0 and strange[-1] < FILL:
        remedy = "nothing, if the tile is the publisher's: such pixels count as fill in shares of the scheme"
        return [Finding(path, "content", "classes", "note", f"{scheme}: {text}", expected, remedy)]
    return [
        Finding(
            path,
            "content",
            "classes",
            "failed",
            f"{scheme}: {text}",
            expected,
            "restore the tile, or accept 'classes': such pixels then count as fill",
        )
    ]


@cache
def _epsg_of(crs: CRS) -> int | None:
    """EPSG code of a CRS; remembered, because the look-up takes longer than reading a tile."""
    return cast(int | None, crs.to_epsg())


def _epsg(tile: DatasetReader) -> int | None:
    return _epsg_of(tile.crs) if tile.crs else None


def _is_placed(tile: DatasetReader) -> bool:
    """Whether a tile says where it lies: a CRS, and a transform that is not that of bare pixels.

    DFC2020 comes with the CRS WGS 84 and no transform, which reads as one degree a pixel.
    """
    across, *shear, left = tuple(tile.transform)[:3]
    down, top = tuple(tile.transform)[4:6]
    bare = (across, abs(down), left) == (1, 1, 0) and top in (0, tile.height) and not any(shear)
    return bool(tile.crs) and not bare


def _grid(tile: DatasetReader) -> tuple[float, ...] | None:
    epsg = _epsg(tile) if _is_placed(tile) else None
    return None if epsg is None else (epsg, *tuple(tile.transform)[:6])


@contextmanager
def open_tile(folder: Path, path: str, side: int, count: int) -> Iterator[DatasetReader]:
    """Open a tile to read from it; do so within `rasterio.Env`.

    Parameters
    ----------
    folder : Path
        Folder of the release.
    path : str
        Path of the tile in it.
    side, count : int
        Rows and columns that it must have, and bands that it must have at least.

    Raises
    ------
    InputError
        If it is missing, damaged (also while it is read), or of another shape.
    """
    remedy = "verify the release; unpack or fetch the tile again"
    try:
        with rasterio.open(folder / path, **TIFF_ONLY) as tile:
            shape = (tile.count, tile.height, tile.width)
            if shape[1:] != (side, side) or shape[0] < count:
                raise InputError(
                    "A tile has another shape.",
                    where=path,
                    found=_shape_text(shape),
                    expected=_shape_text((count, side, side)),
                    remedy=remedy,
                )
            yield tile
    except RasterioError:
        found = f"{(folder / path).stat().st_size} B" if (folder / path).is_file() else "no such file"
        raise InputError(
            "A tile cannot be read.", where=path, found=found, expected="a whole GeoTIFF", remedy=remedy
        ) from None


def _read_bands(tile: DatasetReader, bands: Sequence[int], pixels: np.ndarray) -> None:
    """Read bands (from 1) of an open tile into an array (bands, rows, columns).

    Tiles are published uncompressed with bands interleaved by pixel. Such bytes are taken as they
    lie in the file, which is faster than GDAL's way band by band.
    """
    with open(tile.name, "rb") as stream:
        little_endian = stream.read(2) == b"II"
    start = _start_of_plain_pixels(tile) if little_endian else None
    if start is None or tile.dtypes[0] != pixels.dtype.name:
        tile.read(bands, out=pixels)
        return
    size = tile.height * tile.width * tile.count
    stored = np.fromfile(tile.name, pixels.dtype, size, offset=start)
    if len(stored) < size:
        raise RasterioIOError("the file ends early")
    stored = stored.reshape(tile.height, tile.width, tile.count)
    for values, band in zip(pixels, bands, strict=True):
        values[:] = stored[:, :, band - 1]


def _start_of_plain_pixels(tile: DatasetReader) -> int | None:
    """Where the pixels start in a file that holds them in one piece, uncompressed and by pixel; or None."""
    rows, columns = tile.block_shapes[0]
    plain = tile.compression is None and tile.interleaving is Interleaving.pixel and columns == tile.width
    if not plain or tile.height % rows:
        return None
    last = tile.height // rows - 1
    offsets = [tile.get_tag_item(f"BLOCK_OFFSET_0_{block}", "TIFF", bidx=1) for block in (0, last)]
    length = last * rows * columns * tile.count * np.dtype(tile.dtypes[0]).itemsize
    if None in offsets or int(offsets[1]) - int(offsets[0]) != length:
        return None
    return int(offsets[0])


def _write_tile(path: Path, pixels: np.ndarray, epsg: int, transform: Affine) -> None:
    """Write a GeoTIFF as published: uncompressed, bands interleaved by pixel; same input, same bytes."""
    count, height, width = pixels.shape
    with (
        replacing(path) as beside,
        rasterio.open(
            beside,
            "w",
            driver="GTiff",
            count=count,
            height=height,
            width=width,
            dtype=pixels.dtype.name,
            crs=f"EPSG:{epsg}",
            transform=transform,
            interleave="pixel",
        ) as tile,
    ):
        tile.write(pixels)


def _limited(findings: Sequence[Finding]) -> list[Finding]:
    """The first findings of one check, and the number of the others in one more row."""
    if len(findings) <= MOST_FINDINGS:
        return list(findings)
    first, rest = findings[0], len(findings) - MOST_FINDINGS
    more = Finding("(more)", first.layer, first.check, first.status, f"{rest} more of these")
    return [*findings[:MOST_FINDINGS], more]


def _in_order(function: Callable[[pd.Series], list], items: pd.Series, pieces: int = 64) -> list:
    """Results of a function of pieces of a series, joined in order; pieces run in parallel."""
    parts = [items.iloc[start : start + pieces] for start in range(0, len(items), pieces)]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return [result for results in pool.map(function, parts) for result in results]


# --- The dataset -----------------------------------------------------------------------------------

_SPECTRAL = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
_INDICES = ("NDVI", "NDWI", "NDBI", "MNDWI", "BSI")
_STATISTICS = ("mean", "deviation", "p10", "p50", "p90")
_LAYERS_S1 = {band: f"s1:{band}" for band in BANDS["s1"]}
_LAYERS_S2 = {band: f"s2:{band}" for band in _SPECTRAL}
_SCENE_S1 = tuple(f"{band}_{statistic}" for band in (*BANDS["s1"], "VH-VV") for statistic in _STATISTICS)
_SCENE_S2 = (
    *(f"{band}_{statistic}" for band in _SPECTRAL for statistic in _STATISTICS),
    *(f"{index}_mean" for index in _INDICES),
)
_PIXEL_S1 = ("VV", "VH", "VH-VV", "VV_mean_5", "VH_mean_5", "VV_mean_15", "VH_mean_15")
_PIXEL_S2 = (*_SPECTRAL, *_INDICES, "NDVI_mean_5", "NDWI_mean_5", "NDBI_mean_5", "B8_mean_5", "B11_mean_5")


class Sen12MS(Dataset):
    """SEN12MS and DFC2020.

    Parameters
    ----------
    side : int
        Rows and columns of a patch.
    labels : {"modis", "dfc"}
        Where labels come from: the MODIS land cover (``lc``), or the 10 m land cover of DFC2020
        (``dfc``); then MODIS is a reference that is held against it.
    pixels : bool
        Whether the catalog opens tiles. Without, it is made of names alone, within seconds: groups
        and published splits are known, places, labels and shares are not.
    """

    name = "sen12ms"
    tasks: Mapping[str, Task] = {
        "scene": Task("scene", "patch", CATEGORIES),
        "land-cover": Task("land-cover", "pixel", CATEGORIES),
        "land-cover-no-savanna": Task("land-cover-no-savanna", "pixel", NO_SAVANNA),
    }
    layer_table: Mapping[str, Layer] = {
        **{f"s1:{band}": Layer(f"s1:{band}", "float32", unit="dB") for band in BANDS["s1"]},
        **{
            f"s2:{band}": Layer(f"s2:{band}", "uint16", 1e-4, wavelength=wavelength)
            for band, wavelength in WAVELENGTHS.items()
        },
        **{f"lc:{scheme}": Layer(f"lc:{scheme}", "uint16", unit="class") for scheme in SCHEMES},
        "dfc:label": Layer("dfc:label", "uint8", unit="class"),
    }
    feature_sets: Mapping[str, FeatureSet] = {
        feature_set.name: feature_set
        for feature_set in (
            FeatureSet("scene-s1", "scene", _SCENE_S1, _LAYERS_S1),
            FeatureSet("scene-s2", "scene", _SCENE_S2, _LAYERS_S2),
            FeatureSet("scene-s1+s2", "scene", (*_SCENE_S1, *_SCENE_S2), {**_LAYERS_S1, **_LAYERS_S2}),
            *(
                FeatureSet(f"{name}{ending}", f"land-cover{ending}", features, layers)
                for ending in ("", "-no-savanna")
                for name, features, layers in (
                    ("pixel-s1", _PIXEL_S1, _LAYERS_S1),
                    ("pixel-s2", _PIXEL_S2, _LAYERS_S2),
                    ("pixel-s1+s2", (*_PIXEL_S1, *_PIXEL_S2), {**_LAYERS_S1, **_LAYERS_S2}),
                )
            ),
        )
    }
    group_keys = ("scene", "season", "continent")
    marking_keys: Mapping[str, Columns | Implied | NotPublished] = {
        "place": Columns(("scene",)),
        "acquisition": NotPublished(),
        "footprint": GROUND,
    }
    strata_keys = ("season", "continent")
    ground_columns = ("x", "y", "epsg")
    class_schemes: Mapping[str, tuple[Category, ...]] = {"igbp": IGBP}

    def __init__(self, side: int = 256, labels: Literal["modis", "dfc"] = "modis", pixels: bool = True) -> None:
        if labels not in ("modis", "dfc"):
            raise InputError("Unknown labels.", where="layout", found=labels, expected="modis | dfc")
        self.side, self.source, self.pixels = side, labels, pixels
        names = self.tasks["land-cover"].names
        modis = Reference("MODIS", "land-cover", "lc:igbp", names, {})
        self.references = {"MODIS": modis} if labels == "dfc" else {}

    # Files

    def list_files(self, folder: Path) -> list[str]:
        """Tiles, archives and split lists in a folder; one look at each folder, none at the files.

        Lists alone will do for a catalog without pixels.
        """
        found = []
        for season in sorted(folder.glob("ROIs*")):
            if season.is_dir():
                found += [f"{season.name}/{path}" for path in _tiles_below(season)]
            elif _ARCHIVE.match(season.name):
                found.append(season.name)
        found += [f"splits/{name}" for name in SPLIT_LISTS if (folder / "splits" / name).is_file()]
        if not found:
            raise InputError(
                "There is no file of SEN12MS in the folder.",
                where=folder,
                expected="folders like ROIs1158_spring/s2_1, or archives like ROIs1158_spring_s2.tar.gz; "
                "lists like splits/train_list.txt are enough for splits",
                remedy="give the folder that holds the season folders",
            )
        return sorted(found)

    def layers(self, paths: Iterable[str]) -> frozenset[str]:
        """Layers of the sensors that have a tile, or an archive of tiles."""
        sensors = {match[2] for path in paths if (match := _match(path) or _ARCHIVE.match(path))}
        return frozenset(layer for layer in self.layer_table if layer.split(":")[0] in sensors)

    def structure(self, folder: Path, files: Sequence[File]) -> list[Finding]:
        """Names, completeness of the triplets, archives, numbers of patches; opens nothing.

        Checks: ``name``, ``archives``, ``triplets``, ``sensors``, ``patches`` (a row for each season)
        and ``hold-out``.
        """
        paths = [file.path for file in files]
        tiles = parse(path for path in paths if path.endswith(".tif"))
        findings = _name_findings(paths, tiles) + _archive_findings(paths)
        if len(tiles):
            findings += _triplet_findings(tiles) + _count_findings(tiles)
        return findings

    def inspector(self, folder: Path, file: File) -> Inspector | None:
        """An inspector for a tile; what the tiles show together is said by `conclude`."""
        if not _match(file.path):
            return None
        return TileInspector(file.path, (folder / file.path).stat().st_size, self.side)

    def conclude(self, inspections: Mapping[str, Inspection]) -> Inspection:
        """What inspected files show together.

        Parameters
        ----------
        inspections : mapping
            Path to what `inspector` has returned for it.

        Returns
        -------
        Inspection
            Findings about tiles of a patch that do not lie on the same ground (``same-crs``,
            ``same-transform``), one ok row for each check that nothing failed, the note ``place`` if
            tiles do not say where they lie (checks of the ground are then not computed), and the hashes of
            all patches (layers ``s1`` and ``s2``).
        """
        tiles = {path: seen for path, seen in inspections.items() if isinstance(seen, TileInspection)}
        if not tiles:
            return Inspection(())
        findings = _ground_findings(tiles)
        failed = {row.check for seen in tiles.values() for row in seen.findings if row.status == "failed"}
        failed |= {finding.check for finding in findings}
        findings += _summary(tiles, failed)
        findings += self._unmeasured_findings(tiles)
        hashed = [(path, seen) for path, seen in sorted(tiles.items()) if seen.pixels]
        hashes = hash_table(
            [path for path, _ in hashed],
            [0] * len(hashed),
            [path.split("/")[1].split("_")[0] for path, _ in hashed],
            [seen.pixels for _, seen in hashed],
            [seen.empty or 0 for _, seen in hashed],
        )
        return Inspection(tuple(findings), hashes)

    def _unmeasured_findings(self, tiles: Mapping[str, TileInspection]) -> list[Finding]:
        counts = {path: seen.empty for path, seen in tiles.items() if seen.empty is not None}
        if not counts:
            return []
        patches = parse(counts).set_index("path")["patch"]
        text = unmeasured_text(list(counts.values()), self.side**2, [patches[path] for path in counts])
        return [unmeasured_finding("(all tiles of s2)", "measured", text, len(counts))]

    # Catalog

    def catalog(self, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
        """One row per complete patch: train, validation, test; then by season, scene and number.

        Where neither tiles nor archives are there yet, the patches are those that lists of files name.

        Left out are the patches of `BROKEN`, incomplete triplets, and, if hashes are given, patches
        of which a tile has none because a check of its pixels failed. Besides the columns of every catalog:
        `season`, `continent` (coarse, see `continent`), `side_m` (side in m of the footprint, a square
        around `x`, `y` in the CRS `epsg`), and the shares of the valid pixels of each class of the four
        schemes of `SCHEMES` (`igbp_<code>`, `land_cover_<code>`, ...). `scene` is ``<season>_<scene>``.

        Raises
        ------
        InputError
            If no patch is complete, a list in ``splits`` names what is not there, or a tile cannot
            be read.
        """
        sensors = _sensors(parse(files))
        table = _with_hashes(self.listing(folder, files), hashes, sensors)
        table["unmeasured"] = _unmeasured(table["file"], hashes)
        if self.pixels and sensors:
            self._add_pixels(table, folder, sensors)
        return table

    def listing(self, folder: Path, files: Sequence[str]) -> pd.DataFrame:
        """The catalog as far as names tell it; what only pixels tell is NaN, -1 or ""."""
        tiles = parse(files)
        if tiles.empty and not any(map(_ARCHIVE.match, files)):
            tiles = _listed_tiles(folder, files)
        table = _complete_patches(tiles)
        table["published_split"] = _published_splits(folder, files, table)
        order = pd.DataFrame(
            {
                "split": pd.Categorical(table["published_split"], [*SPLITS, ""]).codes,
                "season": pd.Categorical(table["season"], [*SEASONS, *DFC_SPLITS]).codes,
                "length": table["scene"].str.len(),
                "scene": table["scene"],
                "number": table["number"],
            }
        )
        table = table.iloc[np.lexsort([order[name] for name in reversed(order.columns)])].reset_index(drop=True)
        table["scene"] = table["season"] + "_" + table["scene"]
        listed = table[["patch", "published_split", "file", "scene", "season"]].copy()
        listed.insert(3, "row", np.zeros(len(listed), dtype=np.int64))
        kinds = {**dict.fromkeys(_FLOAT64, "float64"), **dict.fromkeys(_share_columns(), "float32")}
        unknown = {"continent": "", "content_hash": "", "label": -1, "epsg": pd.NA, **dict.fromkeys(kinds, np.nan)}
        kinds |= {"continent": "str", "content_hash": "str", "label": "int16", "epsg": "Int32"}
        blank = pd.DataFrame(unknown, index=listed.index).astype(kinds)
        return pd.concat([listed, blank], axis=1)

    def _add_pixels(self, table: pd.DataFrame, folder: Path, sensors: Sequence[str]) -> None:
        """Fill in what the tiles tell, in place: place on the ground, classes."""
        wanted = [sensor for sensor in ("lc", "dfc") if sensor in sensors]
        counts, grids = self._read_classes(folder, table["file"], wanted)
        for place in np.flatnonzero(table["unmeasured"]).tolist():
            measured = self.measured(folder, table.iloc[[place]])[0]
            for sensor in wanted:
                counts[sensor][place] = self._measured_classes(folder, table["file"][place], sensor, measured)
        _place(table, grids, self.side)
        if "lc" in wanted:
            _add_scheme_shares(table, counts["lc"])
        if self.source == "dfc" and "dfc" in wanted:
            _add_classes(table, counts["dfc"], self.side)
        elif self.source == "modis" and "lc" in wanted:
            _add_classes(table, simplify(counts["lc"][:, : len(SIMPLIFIED)]), self.side)

    def _read_classes(
        self, folder: Path, files: pd.Series, sensors: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Counts of `CODES` by sensor, (patches, codes), and grids, (patches, 7); opens a tile once."""
        side = self.side

        def read(part: pd.Series) -> list[tuple[dict[str, np.ndarray], tuple[float, ...]]]:
            rows = []
            with rasterio.Env(**QUICK_OPEN):
                for file in part:
                    counts, grid = {}, None
                    for sensor in sensors:
                        with open_tile(folder, tile_path(file, sensor), side, len(BANDS[sensor])) as tile:
                            tiled = tile.read(range(1, len(BANDS[sensor]) + 1), out_dtype="uint16")
                            counts[sensor], grid = class_counts(tiled, CODES[sensor]), _grid(tile) or grid
                    if grid is None:
                        with open_tile(folder, file, side, 1) as tile:
                            grid = _grid(tile)
                    rows.append((counts, grid or (np.nan,) * 7))
            return rows

        rows = _in_order(read, files)
        counts = {sensor: np.stack([row[0][sensor] for row in rows]) for sensor in sensors}
        return counts, np.array([row[1] for row in rows])

    def _measured_classes(self, folder: Path, file: str, sensor: str, measured: np.ndarray) -> np.ndarray:
        """Counts of `CODES` of the pixels of a tile that carry a measurement: int32 (codes,)."""
        with (
            rasterio.Env(**QUICK_OPEN),
            open_tile(folder, tile_path(file, sensor), self.side, len(BANDS[sensor])) as tile,
        ):
            return class_counts(np.where(measured, tile.read(), FILL), CODES[sensor])

    # Pixels

    def measured(self, folder: Path, patches: pd.DataFrame) -> np.ndarray:
        layers = [f"s2:{band}" for band in BANDS["s2"]]
        stored = self._read_sensor(folder, patches["file"], "s2", layers)
        return np.any([stored[layer] for layer in layers], axis=0)

    def blocks(self, folder: Path, catalog: pd.DataFrame, layers: Sequence[str], patches: int) -> Iterator[Block]:
        """Read layers of consecutive catalog rows; of each patch only the sensors that are needed."""
        wanted: dict[str, list[str]] = {}
        for layer in layers:
            wanted.setdefault(layer.split(":")[0], []).append(layer)
        for start in range(0, len(catalog), patches):
            rows = catalog.iloc[start : start + patches]
            values: dict[str, np.ndarray] = {}
            for sensor, names in wanted.items():
                values |= self._read_sensor(folder, rows["file"], sensor, names)
            yield Block(rows, {layer: values[layer] for layer in layers})

    def _read_sensor(self, folder: Path, files: pd.Series, sensor: str, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Layers of one sensor, each (patches, rows, columns)."""
        bands = [BANDS[sensor].index(layer.split(":")[1]) + 1 for layer in layers]
        dtype = self.layer_table[layers[0]].dtype
        stack = np.empty((len(files), len(bands), self.side, self.side), dtype=dtype)
        with rasterio.Env(**QUICK_OPEN):
            for pixels, file in zip(stack, files, strict=True):
                with open_tile(folder, tile_path(file, sensor), self.side, max(bands)) as tile:
                    _read_bands(tile, bands, pixels)
        return {layer: stack[:, place] for place, layer in enumerate(layers)}

    def label_layers(self, task: str) -> tuple[str, ...]:
        """The layer of the labels."""
        if self.tasks[task].unit == "patch":
            return ()
        return ("dfc:label",) if self.source == "dfc" else ("lc:igbp",)

    def labels(self, task: str, block: Block) -> np.ndarray:
        """Simplified classes of pixels; fill, unknown codes and savanna where it is left out are `IGNORE`."""
        (layer,) = self.label_layers(task)
        classes = _classes(block.layers[layer], FROM_DFC if self.source == "dfc" else FROM_IGBP)
        return WITHOUT_SAVANNA[classes] if self.tasks[task].categories == NO_SAVANNA else classes

    def reference(self, reference: str, block: Block) -> np.ndarray:
        """Simplified classes of the MODIS land cover."""
        return _classes(block.layers[self.references[reference].layer], FROM_IGBP)

    def draw_units(self, task: str, block: Block) -> np.ndarray:
        """Areas that share one label: the pixels of such an area are no independent samples.

        A MODIS label is a cell of 463 m of the sinusoidal grid, upsampled to 10 m. The cells are
        approximated by blocks of 50 x 50 pixels (500 m) aligned with the patch's upper left corner:
        their true outlines are not published, and a block is never smaller than a cell.

        Returns
        -------
        ndarray
            int32 (patches, rows, columns), read-only: number of the block within the patch, from 0.
        """
        rows = np.arange(self.side) // CELL
        units = rows[:, None] * (rows[-1] + 1) + rows
        shape = (len(block.patches), self.side, self.side)
        return np.broadcast_to(units.astype(np.int32), shape)

    def independent_labels(self, task: str, patches: pd.DataFrame, pixels: np.ndarray | None = None) -> int | None:
        """How many blocks of 500 m pixels lie in, where labels are MODIS cells (see `draw_units`).

        Here the blocks are those of the UTM grid, so that patches that overlap share theirs; blocks that
        patches only touch count too. What a patch of unknown place shares with others is unknown as well:
        its blocks are those of `draw_units`, and its own.
        """
        if self.source == "dfc" or self.tasks[task].unit == "patch":
            return None
        if pixels is None:
            edges = np.unique([*range(0, self.side, CELL), self.side - 1])
            pixels = (edges[:, None] * self.side + edges).reshape(-1)
            patches = patches.loc[patches.index.repeat(len(pixels))]
            pixels = np.tile(pixels, len(patches) // len(pixels))
        rows, columns = np.divmod(pixels, self.side)
        middle = PIXEL * self.side / 2
        known = patches[list(self.ground_columns)].notna().all(axis=1).to_numpy()
        x, y = (np.where(known, patches[name], start) for name, start in (("x", middle), ("y", -middle)))
        blocks = pd.DataFrame(
            {
                "patch": np.where(known, -1, pd.factorize(patches.index)[0]),
                "epsg": patches["epsg"].to_numpy(),
                "east": np.floor_divide(x + PIXEL * (columns + 0.5) - middle, BLOCK),
                "north": np.floor_divide(y - PIXEL * (rows + 0.5) + middle, BLOCK),
            }
        )
        return len(blocks.drop_duplicates())

    # The publisher's lists

    def export(self, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
        """``train_list.txt``, ``val_list.txt`` and ``test_list.txt`` as the SEN12MS toolbox reads them.

        `layers` are sensors (none: ``s2``); the lists of another one are named like ``train_list_s1.txt``.
        """
        unknown = [sensor for sensor in layers if sensor not in SENSORS]
        if unknown:
            raise InputError("Unknown sensor.", found=unknown[0], expected=" | ".join(SENSORS))
        return [
            _list_export(f"{name}_list{'' if sensor == 's2' else f'_{sensor}'}.txt", roles[role], sensor)
            for name, role in (("train", "train"), ("val", "validation"), ("test", "test"))
            if role in roles and len(roles[role])
            for sensor in layers or ("s2",)
        ]

    def read_split_list(self, path: Path, catalog: pd.DataFrame, partial: bool = False) -> list[str]:
        """Patches that a list of the publisher names, in its order; see the function of this name."""
        return read_split_list(path, catalog, partial)

    def write_split_list(self, path: Path, patches: Iterable[str], sensor: str = "s2") -> None:
        """Write patches as the publisher's lists do; see the function of this name."""
        write_split_list(path, patches, sensor)

    def write_patch(
        self,
        folder: Path,
        season: str,
        scene: str,
        patch: int,
        *,
        s1: np.ndarray,
        s2: np.ndarray,
        lc: np.ndarray,
        dfc: np.ndarray | None = None,
        epsg: int,
        transform: Affine,
    ) -> None:
        """Write a patch in the publisher's layout.

        Parameters
        ----------
        folder : Path
            Folder of the release.
        season, scene, patch : str, str, int
            E.g. ``"ROIs1158_spring"``, ``"101"``, ``30``.
        s1 : ndarray
            float32 (2, rows, columns): VV, VH in dB.
        s2 : ndarray
            uint16 (13, rows, columns): reflectance x 10,000.
        lc : ndarray
            uint16 (4, rows, columns): codes of `SCHEMES`.
        dfc : ndarray, optional
            uint8 (rows, columns): codes of `CATEGORIES`.
        epsg : int
            EPSG code of the CRS.
        transform : Affine
            From pixel to CRS.
        """
        tiles = {"s1": (s1, "float32"), "s2": (s2, "uint16"), "lc": (lc, "uint16")}
        if dfc is not None:
            tiles["dfc"] = (dfc[None], "uint8")
        for sensor, (pixels, dtype) in tiles.items():
            name = f"{season}_{sensor}_{_scene_in_name(season, scene)}_p{patch}.tif"
            path = folder / season / f"{sensor}_{scene}" / name
            _write_tile(path, pixels.astype(dtype, copy=False), epsg, transform)


DATASET = Sen12MS


def _list_export(path: str, rows: pd.DataFrame, sensor: str) -> NewFile:
    """A split list of chosen patches."""

    def write(path: Path) -> Iterator[int]:
        write_split_list(path, rows["patch"], sensor)
        yield path.stat().st_size

    return NewFile(path, sum(len(name) + 1 for name in file_names(rows["patch"], sensor)), write)


def _classes(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    return table[np.minimum(codes, FILL)]


def _tiles_below(season: Path) -> Iterator[str]:
    """Tiles in the folders of a season."""
    with os.scandir(season) as folders:
        for folder in folders:
            if folder.is_dir():
                with os.scandir(folder.path) as tiles:
                    yield from (f"{folder.name}/{tile.name}" for tile in tiles if tile.name.endswith(".tif"))


# --- Findings about many files ---------------------------------------------------------------------

_TILE_CHECKS: Mapping[str, Literal["structure", "content"]] = {
    "readable": "structure",
    "shape": "structure",
    "dtype": "structure",
    "crs": "structure",
    "pixel-size": "structure",
    "same-crs": "structure",
    "same-transform": "structure",
    "nan": "content",
    "range": "content",
    "classes": "content",
}


_GROUND_CHECKS = frozenset({"crs", "pixel-size", "same-crs", "same-transform"})
"""Those that a tile without a place does not take part in."""


def _name_findings(paths: Sequence[str], tiles: pd.DataFrame) -> list[Finding]:
    known = set(tiles["path"])
    strange = [path for path in paths if path.endswith(".tif") and path not in known]
    return _limited(
        [
            Finding(
                path,
                "structure",
                "name",
                "failed",
                path.rsplit("/", 1)[-1],
                f"<season>_<sensor>_<scene>_p<number>.tif in <season>/<sensor>_<scene>, season one of "
                f"{', '.join((*SEASONS, *DFC_SPLITS))}",
                "rename it, or move it out of the release's folder",
            )
            for path in strange
        ]
    )


def _archive_findings(paths: Sequence[str]) -> list[Finding]:
    """Which sensors of a season are there as archives."""
    found: dict[str, set[str]] = {}
    for match in filter(None, map(_ARCHIVE.match, paths)):
        found.setdefault(match[1], set()).add(match[2])
    return [
        Finding(
            season,
            "structure",
            "archives",
            "ok" if sensors >= {"s1", "s2", "lc"} else "note",
            ", ".join(sorted(sensors)),
            "lc, s1, s2",
        )
        for season, sensors in sorted(found.items())
    ]


def _triplet_findings(tiles: pd.DataFrame) -> list[Finding]:
    """Patches without a tile of a sensor that the release has; sensors that it has not at all."""
    sensors = _sensors(tiles)
    have = pd.crosstab(tiles["patch"], tiles["sensor"]).reindex(columns=sensors, fill_value=0)
    incomplete = have.index[(have == 0).any(axis=1)]
    findings = _limited(
        [
            Finding(
                patch,
                "structure",
                "triplets",
                "failed",
                f"no tile of {', '.join(sensor for sensor in sensors if have.at[patch, sensor] == 0)}",
                f"a tile of each of {', '.join(sensors)}",
                "unpack or fetch the missing tile, or accept 'triplets': the patch is then left out",
            )
            for patch in incomplete
        ]
    )
    findings += _limited(
        [
            Finding(
                patch,
                "structure",
                "triplets",
                "failed",
                f"{int(have.loc[patch, sensor])} tiles of {sensor}",
                "one",
                "remove the one that is not the publisher's, or accept 'triplets': the patch is then left out",
            )
            for sensor in sensors
            for patch in have.index[have[sensor] > 1]
        ]
    )
    if not findings:
        findings = [Finding("(all patches)", "structure", "triplets", "ok", f"{len(have)} complete")]
    absent = sorted({"s1", "s2", "lc"} - set(sensors))
    if absent:
        text = f"no tile of {', '.join(absent)}"
        findings.append(Finding("(all patches)", "structure", "sensors", "note", text, "lc, s1, s2"))
    return findings


def _sensors(tiles: pd.DataFrame) -> list[str]:
    return [sensor for sensor in SENSORS if (tiles["sensor"] == sensor).any()]


def _count_findings(tiles: pd.DataFrame) -> list[Finding]:
    """Patches by season and scene, and those of hold-out scenes against the published numbers."""
    patches = tiles.drop_duplicates("patch")
    counts = patches.groupby(["season", "scene"]).size()
    findings = []
    for season, scenes in counts.groupby(level="season"):
        names = scenes.index.get_level_values("scene")
        by_scene = ", ".join(f"{scene}: {count}" for scene, count in zip(names, scenes, strict=True))
        text = f"{scenes.sum()} patches in {len(scenes)} scenes ({by_scene})"
        findings.append(Finding(str(season), "structure", "patches", "ok", text))
    other = [
        f"{season} {scene}: {counts[season, scene]} of {published}"
        for season, scenes in HOLD_OUT.items()
        for scene, published in scenes.items()
        if counts.get((season, scene), published) != published
    ]
    if other:
        findings.append(
            Finding(
                "(hold-out scenes)",
                "structure",
                "hold-out",
                "note",
                "; ".join(other),
                "as many patches as published",
                "results on hold-out scenes are on a part of them",
            )
        )
    return findings


def _summary(tiles: Mapping[str, TileInspection], failed: set[str]) -> list[Finding]:
    """A row for each check of tiles that none has failed, and what they have in common."""
    unplaced = [path for path, seen in tiles.items() if seen.dtype and not seen.placed]
    placed = len(tiles) - len(unplaced)
    findings = []
    for check, layer in _TILE_CHECKS.items():
        count = placed if check in _GROUND_CHECKS else len(tiles)
        if check not in failed:
            met = _unusual_dtypes(tiles) if check == "dtype" else ""
            text = f"{count} tiles{met}" if count else "not computed: no tile says where it lies"
            findings.append(Finding("(all tiles)", layer, check, "ok" if count else "note", text))
    if unplaced:
        by_sensor = Counter(path.split("/")[1].split("_")[0] for path in unplaced)
        text = ", ".join(f"{sensor}: {by_sensor[sensor]}" for sensor in SENSORS if by_sensor[sensor])
        findings.append(
            Finding(
                "(all tiles)",
                "structure",
                "place",
                "note",
                f"{len(unplaced)} of {len(tiles)} tiles do not say where they lie ({text})",
                f"{PROJECTION}, and a transform",
                "nothing if they came so, as DFC2020 does: places and overlaps are then unknown; "
                "tiles of SEN12MS do say it, get the publisher's",
            )
        )
    return findings


def _unusual_dtypes(tiles: Mapping[str, TileInspection]) -> str:
    """Kinds of numbers other than the first of `DTYPES`, by sensor, as the end of a text."""
    met = {(path.split("/")[1].split("_")[0], seen.dtype) for path, seen in tiles.items() if seen.dtype}
    unusual = [f"{sensor} {dtype}" for sensor, dtype in sorted(met) if dtype != DTYPES[sensor][0]]
    return f"; {', '.join(unusual)}" if unusual else ""


def _ground_findings(tiles: Mapping[str, TileInspection]) -> list[Finding]:
    """Tiles of a patch whose CRS or transform differs from that of most of its tiles."""
    placed = {path: seen.grid for path, seen in tiles.items() if seen.grid}
    if not placed:
        return []
    table = parse(placed)
    table["rank"] = pd.Categorical(table["sensor"], SENSORS).codes
    grids = np.array([placed[path] for path in table["path"]])
    order = np.lexsort([table["rank"], table["patch"]])
    table, grids = table.iloc[order].reset_index(drop=True), grids[order]
    reference = _references(table["patch"], grids)
    crs = grids[:, 0] != grids[reference, 0]
    moved = ~crs & _apart(grids, grids[reference])
    texts = (("same-crs", crs, _crs_text), ("same-transform", moved, _corner_text))
    return [
        finding
        for check, wrong, text in texts
        for finding in _limited(
            [
                Finding(
                    table["path"][place],
                    "structure",
                    check,
                    "failed",
                    text(grids[place]),
                    f"{text(grids[reference[place]])} as in {table['path'][reference[place]]}",
                    "the tiles of a patch must lie on the same ground: unpack or fetch both again",
                )
                for place in np.flatnonzero(wrong)
            ]
        )
    ]


def _apart(grids: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether grids (..., 7) differ; by more than a thousandth, since some writers round coordinates."""
    return (np.abs(grids - others) > 1e-3).any(axis=-1)


def _references(patches: pd.Series, grids: np.ndarray) -> np.ndarray:
    """For each tile the place of the tile of its patch with whose grid most of the others agree.

    Tiles of a patch stand together; of equal ones the first is taken.
    """
    first = np.flatnonzero(~patches.duplicated())
    bounds = np.append(first, len(patches))
    reference = np.repeat(first, np.diff(bounds))
    differing = np.logical_or.reduceat(_apart(grids, grids[reference]), first)
    for patch in np.flatnonzero(differing):
        tiles = slice(bounds[patch], bounds[patch + 1])
        agreeing = ~_apart(grids[tiles, None], grids[tiles])
        reference[tiles] = bounds[patch] + agreeing.sum(axis=1).argmax()
    return reference


def _crs_text(grid: np.ndarray) -> str:
    return f"EPSG:{grid[0]:.0f}"


def _corner_text(grid: np.ndarray) -> str:
    return f"upper left corner at {grid[3]:.3f}, {grid[6]:.3f} m"


# --- Columns of the catalog ------------------------------------------------------------------------

_FLOAT64 = ("x", "y", "side_m", "lon", "lat")


def _share_columns() -> list[str]:
    fractions = [f"fraction_{category.name}" for category in CATEGORIES]
    return ["valid_share", *fractions, *(f"{name}_{code}" for name, codes in SCHEMES.items() for code in codes)]


def _complete_patches(tiles: pd.DataFrame) -> pd.DataFrame:
    """Patches with a tile of each sensor of the release, without the known broken ones."""
    sensors = _sensors(tiles)
    sizes = tiles["patch"].value_counts()
    complete = sizes.index[sizes == len(sensors)]
    first = tiles[tiles["sensor"] == sensors[0]] if sensors else tiles
    patches = first[first["patch"].isin(complete) & ~first["patch"].isin(BROKEN)]
    if patches.empty:
        raise InputError(
            "No patch is complete.",
            found=f"{len(tiles)} tiles",
            expected="tiles of s1, s2 and lc of one patch",
            remedy="unpack the archives, or widen the selection",
        )
    return patches.rename(columns={"path": "file"}).drop(columns="sensor").reset_index(drop=True)


def _with_hashes(table: pd.DataFrame, hashes: pd.DataFrame, sensors: Sequence[str]) -> pd.DataFrame:
    """Add the hash of the first image sensor; leave out patches of which an image has none."""
    if hashes.empty:
        return table
    for sensor in (name for name in ("s1", "s2") if name in sensors):
        chosen = hashes[hashes["layer"] == sensor]
        known = dict(zip(chosen["file"], chosen["hash"], strict=True))
        hashed = [known.get(tile_path(file, sensor), "") for file in table["file"]]
        table = table.assign(content_hash=pd.Series(hashed, index=table.index, dtype="str"))
        table = table[table["content_hash"] != ""].reset_index(drop=True)
    if table.empty:
        raise InputError(
            "No patch has passed its checks.",
            remedy="see the findings of the verification; restore the tiles they name",
        )
    return table


def _unmeasured(files: pd.Series, hashes: pd.DataFrame) -> pd.Series:
    """Pixels of each patch that carry no measurement, int32; 0 where nothing is known of them."""
    some = hashes[(hashes["layer"] == "s2") & (hashes["empty"] > 0)]
    known = dict(zip(some["file"], some["empty"], strict=True))
    counts = [known.get(tile_path(file, "s2"), 0) if known else 0 for file in files]
    return pd.Series(counts, index=files.index, dtype="int32")


def _published_splits(folder: Path, files: Sequence[str], patches: pd.DataFrame) -> pd.Series:
    """The publisher's split: from lists in ``splits``, else the hold-out scenes; all others are train."""
    splits = patches["season"].map(DFC_SPLITS).fillna("train").astype("str")
    held_out = {f"{season}/{scene}" for season, scenes in HOLD_OUT.items() for scene in scenes}
    lists = {name: split for name, split in SPLIT_LISTS.items() if f"splits/{name}" in set(files)}
    partial = len(patches) < PATCHES - len(BROKEN)
    if "train" in lists.values():
        splits = splits.where(patches["season"].isin(DFC_SPLITS), "")
    if "test" not in lists.values():
        splits = splits.mask((patches["season"] + "/" + patches["scene"]).isin(held_out), "test")
    for name, split in lists.items():
        listed = read_split_list(folder / "splits" / name, patches, partial)
        splits = splits.mask(patches["patch"].isin(listed), split)
    return splits


def _place(table: pd.DataFrame, grids: np.ndarray, side: int) -> None:
    """Fill in centre, footprint and continent from EPSG code and transform, in place.

    What is not known stays missing: all of it for tiles that do not say where they lie, the centre in m
    for those in degrees, the side for those that are no squares with the north up.
    """
    codes, a, b, _, d, e, _ = grids.T
    x, y = grids[:, 3] + side / 2 * (a + b), grids[:, 6] + side / 2 * (d + e)
    projected = np.zeros(len(table), dtype=bool)
    lon, lat = np.full(len(table), np.nan), np.full(len(table), np.nan)
    for epsg in np.unique(codes[np.isfinite(codes)]):
        rows, crs = codes == epsg, CRS.from_epsg(int(epsg))
        projected[rows] = crs.is_projected
        lon[rows], lat[rows] = rasterio.warp.transform(crs, "EPSG:4326", x[rows], y[rows])
    on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    table["lon"], table["lat"] = np.where(on_earth, (lon, lat), np.nan)
    projected &= on_earth
    square = projected & (b == 0) & (d == 0) & (a > 0) & (a == -e)
    table["x"], table["y"] = np.where(projected, (x, y), np.nan)
    table["side_m"] = np.where(square, side * a, np.nan)
    table["epsg"] = pd.Series(np.where(projected, codes, np.nan), index=table.index).astype("Int32")
    places = continent(table["lon"].to_numpy(), table["lat"].to_numpy())
    table["continent"] = pd.Series(places, index=table.index, dtype="str")


def _add_scheme_shares(table: pd.DataFrame, counts: np.ndarray) -> None:
    """Fill in shares of the codes of each scheme in its valid pixels, in place."""
    start = 0
    for scheme, codes in SCHEMES.items():
        shares, _ = _shares(counts[:, start : start + len(codes)])
        for place, code in enumerate(codes):
            table[f"{scheme}_{code}"] = shares[:, place].astype(np.float32)
        start += len(codes)


def _add_classes(table: pd.DataFrame, simple: np.ndarray, side: int) -> None:
    """Fill in shares of the simplified classes, the scene's label and the valid share, in place."""
    shares, valid = _shares(simple)
    for place, category in enumerate(CATEGORIES):
        table[f"fraction_{category.name}"] = shares[:, place].astype(np.float32)
    table["label"] = single_label(simple)
    table["valid_share"] = (valid / side**2).astype(np.float32)


def _shares(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts (patches, classes) as shares of their sum (NaN where it is 0), and the sums."""
    totals = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return counts / totals[:, None], totals


# --- The publisher's split lists -------------------------------------------------------------------


def read_split_list(path: Path, catalog: pd.DataFrame, partial: bool = False) -> list[str]:
    """Read a list of scenes or of files, as the SEN12MS toolbox has them.

    Lines are scene folders (``ROIs1158_spring/s1_63``) or file names
    (``ROIs1158_spring_s2_124_p100.tif``) of any sensor; line ends may be CRLF or LF, empty lines are
    passed over.

    Parameters
    ----------
    path : Path
        The list.
    catalog : DataFrame
        The column `patch` says which patches there are.
    partial : bool
        Whether the release is a selection: then lines about seasons of SEN12MS that name a scene or
        patch outside the selection are passed over.

    Returns
    -------
    list of str
        Patches, each once, in the order of the lines and, within a scene, of the catalog.

    Raises
    ------
    InputError
        For the first line that matches nothing, and for a list of which nothing is left.
    """
    patches = set(catalog["patch"]) | BROKEN
    scenes: dict[str, list[str]] = {}
    for patch in catalog["patch"]:
        scenes.setdefault(patch.rsplit("/", 1)[0], []).append(patch)
    found: dict[str, None] = {}
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            matched = _listed(line.strip(), patches, scenes)
            if matched is None and not (partial and _is_published_season(line)):
                raise _no_match(path, number, line)
            found.update(zip(matched or (), repeat(None)))
    return [patch for patch in found if patch not in BROKEN]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(
            "A split list is not text.",
            where=path,
            expected="a line for each scene or file",
            remedy="give the .txt list, not the .pkl twin",
        ) from None


def _listed_tiles(folder: Path, files: Sequence[str]) -> pd.DataFrame:
    """Tiles of Sentinel-2 of the files that the lists in ``splits`` name (see `parse`), each once."""
    lists = [folder / "splits" / name for name in SPLIT_LISTS if f"splits/{name}" in files]
    matches = (_LISTED_FILE.fullmatch(line.strip()) for path in lists for line in _lines(path))
    patches = list(dict.fromkeys(_patch_of(match) for match in matches if match))
    if not patches:
        raise InputError(
            "Neither tiles nor lists of files are there.",
            where=folder,
            found=", ".join(sorted(files)[:8]),
            expected="tiles, or lists like splits/train_list.txt",
            remedy="unpack the archives, or fetch the publisher's lists of files",
        )
    scenes = [patch.split("/")[:2] for patch in patches]
    names = zip(scenes, file_names(patches, "s2"), strict=True)
    return parse(f"{season}/s2_{scene}/{name}" for (season, scene), name in names)


def _patch_of(match: re.Match[str]) -> str:
    """Id of the patch of a listed file."""
    scene = "validation" if match[1] == "ROIs0000_validation" else match[2]
    return f"{match[1]}/{scene}/p{int(match[3])}"


def _listed(line: str, patches: set[str], scenes: Mapping[str, list[str]]) -> list[str] | None:
    """Patches of one line, or None."""
    if match := _LISTED_SCENE.fullmatch(line):
        return scenes.get(f"{match[1]}/{match[2]}")
    if match := _LISTED_FILE.fullmatch(line):
        patch = _patch_of(match)
        return [patch] if patch in patches else None
    return None


def _is_published_season(line: str) -> bool:
    """Whether a line has the form of a list and names a season of SEN12MS."""
    match = _LISTED_SCENE.fullmatch(line.strip()) or _LISTED_FILE.fullmatch(line.strip())
    return match is not None and match[1] in SEASONS


def _no_match(path: Path, number: int, line: str) -> InputError:
    remedy = "correct the line, or get the publisher's current list"
    if "ROIs1017_winter" in line:
        remedy = (
            "this is the list as it was before 2020-02-11, with ROIs1017_winter for ROIs2017_winter; "
            "the winter scenes would stay in training: get the publisher's current list"
        )
    return InputError(
        "A line of a split list matches no patch.",
        where=f"{path}, line {number}",
        found=line.strip(),
        expected="a scene folder or a file name of the release, such as ROIs1158_spring/s1_63",
        remedy=remedy,
    )


def write_split_list(path: Path, patches: Iterable[str], sensor: str = "s2") -> None:
    """Write patches as a list of file names of one sensor, one a line, as the SEN12MS toolbox reads it.

    Raises
    ------
    InputError
        If there is no such sensor.
    """
    if sensor not in SENSORS:
        raise InputError("Unknown sensor.", found=sensor, expected=" | ".join(SENSORS))
    write_text(path, "".join(f"{name}\n" for name in file_names(patches, sensor)))
