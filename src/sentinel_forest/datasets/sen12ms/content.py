"""The content of one tile: its header and its pixels."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import rasterio
import rasterio.warp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile

from sentinel_forest.datasets.base import Accept, File, Finding, Inspection, Inspector, array_hash, is_measured
from sentinel_forest.datasets.scaling import scaling_finding, scaling_text
from sentinel_forest.datasets.sen12ms.layout import DTYPES, PIXEL, Layout, match_tile
from sentinel_forest.datasets.sen12ms.pixels import value_findings
from sentinel_forest.datasets.sen12ms.reader import (
    QUICK_OPEN,
    TIFF_ONLY,
    declared_numbers,
    dtype_of,
    epsg_of,
    grid_of,
    is_placed,
    shape_text,
    start_of_plain_pixels,
)
from sentinel_forest.datasets.sen12ms.vocabulary import BANDS
from sentinel_forest.datasets.values import fold, grid, lowest_above_zero
from sentinel_forest.io import causes

PROJECTION = "a projected CRS (UTM) with an EPSG code"
LARGEST_TILE = 16 << 20

SAMPLED_ACROSS = 2
"""Pixels across a tile whose values are kept for `sentinel_forest.datasets.plausibility`."""

IGBP_WATER, LCCS_WATER = 17, 3
"""Codes of water bodies in the first two bands of ``lc``."""


@dataclass(frozen=True)
class TileInspection(Inspection):
    """What one tile has shown, for `Sen12MS.conclude`: its place on the ground, the hash of its pixels.

    `dtype` is its kind of numbers ("" if it cannot be read); `placed` whether it says where it lies at all;
    `grid` is EPSG code and the six terms of the transform, or None; `pixels` is the xxh3_128 (hex) of the
    pixels as published (rows, columns, bands; little-endian), or "" for an image with a fault; `empty` counts
    the pixels of a tile of ``s2`` that are 0 in all bands (None: another tile, or not read). `shown` is float32
    (bands, 1 + pixels), for images: the lowest value of each band, then some pixels. `water` are pixels of ``lc``
    that are water by IGBP and by LCCS, and by either of them.
    """

    dtype: str = ""
    placed: bool = True
    grid: tuple[float, ...] | None = None
    pixels: str = ""
    empty: int | None = None
    shown: np.ndarray | None = field(default=None, compare=False)
    water: tuple[int, int] = (0, 0)

    @property
    def left_out(self) -> bool:
        """Whether a check failed after which the patch cannot be used, accepted or not."""
        return any(finding.accept == "left out" for finding in self.findings)


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

    Checks ``readable``, ``shape``, ``dtype``, ``scale``, ``crs``, ``pixel-size`` (structure) and ``nan``,
    ``nodata``, ``range``, ``constant``, ``classes`` (content); only what is wrong becomes a finding. In a patch
    of `BROKEN` NaN is the note ``known-broken``. A tile that does not say where it lies has neither CRS nor size
    of pixel to check. Where the numbers are accepted as they are, their values are looked at all the same.
    """
    sensor = path.split("/")[1].split("_")[0]
    if not data:
        return _unreadable(path, data)  # rasterio takes no bytes for a file that is to be written
    try:
        with rasterio.Env(**QUICK_OPEN), MemoryFile(data) as memory, memory.open(**TIFF_ONLY) as tile:
            findings = _header_findings(path, sensor, tile, side)
            seen = TileInspection((), dtype=dtype_of(tile), placed=is_placed(tile), grid=grid_of(tile))
            legible = all(finding.accept == "kept" for finding in findings)
            pixels, nodata = (_published_pixels(tile, data) if legible else None), tile.nodata
    except RasterioError:
        return _unreadable(path, data)
    if pixels is None:
        return replace(seen, findings=tuple(findings))
    empty = int((~_measured(sensor, pixels)).sum()) if sensor in ("s1", "s2") else None
    nothing = empty == side**2 and bool(np.isfinite(pixels).all())  # NaN is a fault of its own
    shown = _shown(sensor, pixels) if sensor in ("s1", "s2") and not nothing else None
    findings += [] if nothing else value_findings(path, sensor, pixels, nodata)
    whole = all(finding.accept == "kept" for finding in findings if finding.status == "failed")
    hashed = array_hash(pixels) if whole or sensor not in ("s1", "s2") else ""
    water = _water(pixels) if sensor == "lc" else (0, 0)
    return replace(seen, findings=tuple(findings), pixels=hashed, empty=empty, shown=shown, water=water)


def _shown(sensor: str, pixels: np.ndarray) -> np.ndarray:
    """The lowest value of each band (of ``s2`` the lowest above 0), then those of some pixels: (bands, 1 + pixels)."""
    flat = pixels.reshape(1, -1, pixels.shape[-1])
    low = fold(flat, np.minimum)
    lowest = lowest_above_zero(flat, low) if sensor == "s2" else low
    return np.column_stack([lowest[0], flat[0, grid(len(pixels), SAMPLED_ACROSS)].T]).astype(np.float32)


def _water(pixels: np.ndarray) -> tuple[int, int]:
    """Pixels of ``lc`` that are water by IGBP and by LCCS land cover, and by either of them."""
    igbp, lccs = pixels[..., 0] == IGBP_WATER, pixels[..., 1] == LCCS_WATER
    return int(np.count_nonzero(igbp & lccs)), int(np.count_nonzero(igbp | lccs))


def _measured(sensor: str, pixels: np.ndarray) -> np.ndarray:
    """Which pixels (rows, columns, bands) are not 0 or missing in all bands: bool (rows, columns)."""
    measured = is_measured(pixels[..., BANDS[sensor].index("B2" if sensor == "s2" else "VV")])
    if not measured.all():  # few are 0 in one band, so that the others are hardly looked at
        measured[~measured] = is_measured(pixels[~measured]).any(axis=-1)
    return measured


def _published_pixels(tile: DatasetReader, data: bytes) -> np.ndarray:
    """All pixels of an open tile in the published order (rows, columns, bands).

    In a tile that is stored as published they are taken as they lie in its bytes.
    """
    shape, kind = (tile.height, tile.width, tile.count), np.dtype(tile.dtypes[0])
    start = start_of_plain_pixels(tile) if data.startswith(b"II") else None
    if start is None or start + int(np.prod(shape)) * kind.itemsize > len(data):
        return np.ascontiguousarray(np.moveaxis(tile.read(), 0, -1))
    return np.frombuffer(data, kind, int(np.prod(shape)), start).reshape(shape)


def _unreadable(path: str, data: bytes) -> TileInspection:
    # GDAL's own message is left out: it names a random place in memory.
    cut = causes.Cause(f"{len(data)} B, damaged or cut short", "unpack or fetch it again")
    cause = causes.of_bytes(data[: causes.HEAD], "GeoTIFF") or cut
    fault = Finding(path, "structure", "readable", "failed", cause.found, "a whole GeoTIFF", cause.remedy, "left out")
    return TileInspection((fault,))


def _header_findings(path: str, sensor: str, tile: DatasetReader, side: int) -> list[Finding]:
    """Shape, dtype, CRS and size of pixel of an open tile."""
    again = "another product in this place? unpack or fetch the tile again"
    shape = (tile.count, tile.height, tile.width)
    expected = (len(BANDS[sensor]), side, side)
    dtype, kinds = dtype_of(tile), DTYPES[sensor]
    if np.dtype(tile.dtypes[0]).kind == "c":
        remedy = "write its real part, in the published unit: gdal_translate -ot"
        return [Finding(path, "structure", "readable", "failed", dtype, " or ".join(kinds), remedy, "left out")]
    checks: list[tuple[str, bool, str, str]] = [("dtype", dtype in kinds, dtype, " or ".join(kinds))]
    if shape == (expected[0], tile.width, tile.width) != expected:
        again = f"if all tiles are so, declare it: layout: {{side: {tile.width}}}"
        checks.append(("shape", False, f"{tile.width} x {tile.width} px", f"{side} x {side} px"))
    else:
        checks.append(("shape", shape == expected, shape_text(shape), shape_text(expected)))
    if is_placed(tile):
        terms = tuple(tile.transform)[:6]
        published = all(
            abs(terms[place] - wanted) <= 1e-5 for place, wanted in ((0, PIXEL), (1, 0), (3, 0), (4, -PIXEL))
        )
        unit = "m" if tile.crs.is_projected else "degrees"
        sizes = f"{terms[0]:.10g} x {terms[4]:.10g} {unit}", f"{PIXEL:.10g} x {-PIXEL:.10g} m, north up"
        checks += [("crs", *_projection(tile), PROJECTION), ("pixel-size", published, *sizes)]
    scaling = scaling_text(declared_numbers(tile))
    return [
        Finding(path, "structure", check, "failed", found, wanted, again, _accept(check))
        for check, good, found, wanted in checks
        if not good
    ] + ([scaling_finding(path, "structure", "scale", scaling)] if scaling else [])


def _accept(check: str) -> Accept:
    """Pixels of another shape are not those of a patch; other numbers, and places, can be read as they are."""
    return "left out" if check == "shape" else "kept"


def _projection(tile: DatasetReader) -> tuple[bool, str]:
    """Whether a tile has a projected CRS with an EPSG code, and what it has."""
    epsg = epsg_of(tile)
    if epsg is None:
        return False, "no EPSG code"
    return tile.crs.is_projected, f"EPSG:{epsg}"


def inspector(layout: Layout, folder: Path, file: File) -> Inspector | None:
    """An inspector for a tile; what the tiles show together is said by `conclude`."""
    if not match_tile(file.path):
        return None
    return TileInspector(file.path, (folder / file.path).stat().st_size, layout.side)
