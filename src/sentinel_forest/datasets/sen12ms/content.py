"""The content of one tile: its header and its pixels."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from sentinel_forest.datasets.base import Accept, File, Finding, Inspection, Inspector, array_hash, is_measured
from sentinel_forest.datasets.scaling import scaling_finding
from sentinel_forest.datasets.sen12ms.headers import Header, Headers, header_of
from sentinel_forest.datasets.sen12ms.layout import DTYPES, PIXEL, Layout, match_tile
from sentinel_forest.datasets.sen12ms.pixels import image_findings, label_findings
from sentinel_forest.datasets.sen12ms.reader import QUICK_OPEN, TIFF_ONLY, shape_text
from sentinel_forest.datasets.sen12ms.vocabulary import BANDS
from sentinel_forest.datasets.values import SAMPLED_ACROSS, fold, grid, lowest_above_zero
from sentinel_forest.io import causes

PROJECTION = "a projected CRS (UTM) with an EPSG code"
LARGEST_TILE = 16 << 20

IGBP_WATER, LCCS_WATER = 17, 3
"""Codes of water bodies in the first two bands of ``lc``."""


@dataclass(frozen=True)
class TileInspection(Inspection):
    """What one tile has shown, for `Sen12MS.conclude`: its place on the ground, the hash of its pixels.

    `dtype` is its kind of numbers ("" if it cannot be read); `placed` whether it says where it lies at all;
    `grid` is EPSG code and the six terms of the transform, or None; `pixels` is the xxh3_128 (hex) of the
    pixels as published (rows, columns, bands; little-endian), or "" for an image with a fault; `empty` counts
    the pixels of a tile of ``s2`` that are 0 in all bands (None: another tile, or not read). `low` is float32
    (bands,), for images: the lowest value of each band; `sample` (pixels, bands) are the values of some pixels, of
    labels those of the first band. `water` are pixels of ``lc`` that are water by IGBP and by LCCS, and by either of
    them.
    """

    dtype: str = ""
    placed: bool = True
    grid: tuple[float, ...] | None = None
    pixels: str = ""
    empty: int | None = None
    low: np.ndarray | None = field(default=None, compare=False)
    sample: np.ndarray | None = field(default=None, compare=False)
    water: tuple[int, int] = (0, 0)

    @property
    def left_out(self) -> bool:
        """Whether a check failed after which the patch cannot be used, accepted or not."""
        return any(finding.accept == "left out" for finding in self.findings)


class TileInspector(Inspector):
    """Takes the bytes of a tile and looks at it once it is whole."""

    def __init__(self, path: str, size: int, side: int) -> None:
        self.block_bytes = max(1, min(size, LARGEST_TILE))
        self._path, self._size, self._side = path, size, side
        self._data = memoryview(b"")

    def update(self, block: memoryview) -> None:
        """Take the next bytes: mostly all of them, and these are not copied. No more is kept than any tile has."""
        if len(block) == self._size:
            self._data = block
        elif len(self._data) <= LARGEST_TILE:
            self._data = memoryview(b"".join((self._data, block)))

    def finish(self) -> TileInspection:
        """Check header and pixels."""
        return inspect_tile(self._path, self._data, self._side)


_HEADERS = Headers()


def inspect_tile(path: str, data: bytes | memoryview, side: int) -> TileInspection:
    """Check the bytes of one tile.

    Checks ``readable``, ``shape``, ``dtype``, ``scale``, ``crs``, ``pixel-size`` (structure) and ``nan``,
    ``nodata``, ``range``, ``constant``, ``classes`` (content); only what is wrong becomes a finding. In a patch
    of `BROKEN` NaN is the note ``known-broken``. A tile that does not say where it lies has neither CRS nor size
    of pixel to check. Where the numbers are of another kind their values are looked at all the same.
    """
    sensor = path.split("/")[1].split("_")[0]
    if not data:
        return _unreadable(path, b"")  # rasterio takes no bytes for a file that is to be written
    try:
        header, pixels = _opened(memoryview(data), (len(BANDS[sensor]), side, side))
    except RasterioError:
        return _unreadable(path, bytes(data))
    findings = tuple(_header_findings(path, sensor, header, side)) + _mask_findings(path, header.masked)
    seen = TileInspection(findings, dtype=header.dtype, placed=header.is_placed, grid=header.grid)
    if pixels is None:
        return seen
    see = _with_image if sensor in ("s1", "s2") else _with_labels
    return see(seen, path, sensor, pixels, header.nodata)


def _opened(data: memoryview, shape: tuple[int, int, int]) -> tuple[Header, np.ndarray | None]:
    """Header and pixels (rows, columns, bands) of a tile; no pixels where it has another shape, or complex numbers.

    In a tile that is stored as published they are taken as they lie in its bytes.

    Raises
    ------
    RasterioError
        If it cannot be read.
    """
    header = _HEADERS.find(data)
    if header:
        return header, _plain_pixels(header, data) if header.shape == shape else None
    with rasterio.Env(**QUICK_OPEN), MemoryFile(bytes(data)) as memory, memory.open(**TIFF_ONLY) as tile:
        header = header_of(tile)
        if header.shape != shape or header.dtype.startswith("complex"):
            return header, None
        if header.start is None or bytes(data[:2]) != b"II" or header.end > len(data):
            return header, np.ascontiguousarray(np.moveaxis(tile.read(), 0, -1))
    _HEADERS.add(data, header)
    return header, _plain_pixels(header, data)


def _plain_pixels(header: Header, data: memoryview) -> np.ndarray:
    bands, *sides = header.shape
    return np.frombuffer(data[header.start : header.end], header.dtype).reshape(*sides, bands)


def _with_image(
    seen: TileInspection, path: str, sensor: str, pixels: np.ndarray, nodata: float | None
) -> TileInspection:
    """What the pixels (rows, columns, bands) of ``s1`` or ``s2`` show in addition to the header."""
    flat = pixels.reshape(1, -1, pixels.shape[-1])
    low, high = fold(flat, np.minimum), fold(flat, np.maximum)
    measured = (low > 0).any() or (high < 0).any()
    empty = 0 if measured else int((~is_measured(pixels).any(axis=-1)).sum())
    if empty == flat.shape[1] and not np.isnan(low).any():  # NaN is a fault of its own
        return replace(seen, empty=empty, pixels=array_hash(pixels))
    findings = (*seen.findings, *image_findings(path, sensor, pixels, low[0], high[0], nodata))
    whole = all(finding.accept == "kept" for finding in findings if finding.status == "failed")
    lowest = lowest_above_zero(flat, low) if sensor == "s2" else low
    sample = flat[0, grid(len(pixels), SAMPLED_ACROSS)]
    hashed = array_hash(pixels) if whole else ""
    low = lowest[0].astype(np.float32)
    return replace(seen, findings=findings, pixels=hashed, empty=empty, low=low, sample=sample)


def _with_labels(
    seen: TileInspection, path: str, sensor: str, pixels: np.ndarray, nodata: float | None
) -> TileInspection:
    """What the pixels (rows, columns, bands) of labels show in addition to the header."""
    flat = pixels.reshape(-1, pixels.shape[-1])
    runs, lengths = _runs(flat)
    sample = flat[grid(len(pixels), SAMPLED_ACROSS), :1]
    findings = (*seen.findings, *label_findings(path, sensor, runs, lengths, nodata))
    water = _water(runs, lengths) if sensor == "lc" else (0, 0)
    return replace(seen, findings=findings, pixels=array_hash(pixels), sample=sample, water=water)


def _runs(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (pixels, bands) without those that equal the one before them, and for how many each stands."""
    size = pixels.shape[1] * pixels.itemsize
    whole = np.ascontiguousarray(pixels).view(f"u{size}")[:, 0] if size in (1, 2, 4, 8) else np.arange(len(pixels))
    begins = np.ones(len(whole), dtype=bool)
    np.not_equal(whole[1:], whole[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    return pixels[starts], np.diff(starts, append=len(pixels))


def _water(runs: np.ndarray, lengths: np.ndarray) -> tuple[int, int]:
    """Pixels of ``lc`` that are water by IGBP and by LCCS land cover, and by either of them."""
    igbp, lccs = runs[:, 0] == IGBP_WATER, runs[:, 1] == LCCS_WATER
    return int(lengths[igbp & lccs].sum()), int(lengths[igbp | lccs].sum())


def _unreadable(path: str, data: bytes) -> TileInspection:
    # GDAL's own message is left out: it names a random place in memory.
    cut = causes.Cause(f"{len(data)} B, damaged or cut short", "unpack or fetch it again")
    cause = causes.of_bytes(data[: causes.HEAD], "GeoTIFF") or cut
    fault = Finding(path, "structure", "readable", "failed", cause.found, "a whole GeoTIFF", cause.remedy, "left out")
    return TileInspection((fault,))


def _header_findings(path: str, sensor: str, header: Header, side: int) -> list[Finding]:
    """Shape, dtype, CRS and size of pixel of a tile."""
    again = "another product in this place? unpack or fetch the tile again"
    shape, columns = header.shape, header.shape[2]
    expected = (len(BANDS[sensor]), side, side)
    dtype, kinds = header.dtype, DTYPES[sensor]
    if dtype.startswith("complex"):
        remedy = "write its real part, in the published unit: gdal_translate -ot"
        return [Finding(path, "structure", "readable", "failed", dtype, " or ".join(kinds), remedy, "left out")]
    checks: list[tuple[str, bool, str, str]] = [("dtype", dtype in kinds, dtype, " or ".join(kinds))]
    if shape == (expected[0], columns, columns) != expected:
        again = f"if all tiles are so, declare it: layout: {{side: {columns}}}"
        checks.append(("shape", False, f"{columns} x {columns} px", f"{side} x {side} px"))
    else:
        checks.append(("shape", shape == expected, shape_text(shape), shape_text(expected)))
    if header.is_placed:
        terms = header.transform
        published = all(
            abs(terms[place] - wanted) <= 1e-5 for place, wanted in ((0, PIXEL), (1, 0), (3, 0), (4, -PIXEL))
        )
        unit = "m" if header.is_projected else "degrees"
        sizes = f"{terms[0]:.10g} x {terms[4]:.10g} {unit}", f"{PIXEL:.10g} x {-PIXEL:.10g} m, north up"
        checks += [("crs", *_projection(header), PROJECTION), ("pixel-size", published, *sizes)]
    return [
        Finding(path, "structure", check, "failed", found, wanted, again, _accept(check))
        for check, good, found, wanted in checks
        if not good
    ] + ([scaling_finding(path, "structure", "scale", header.scaling)] if header.scaling else [])


def _mask_findings(path: str, masked: int) -> tuple[Finding, ...]:
    """A mask beside the pixels: it is not read, so that what it hides would be taken for measured."""
    if not masked:
        return ()
    found, expected = f"a mask says that {masked} pixels are missing", "a value in every pixel, 0 if missing"
    return (Finding(path, "content", "nodata", "failed", found, expected, "write 0 in these pixels", "left out"),)


def _accept(check: str) -> Accept:
    """Pixels of another shape are not those of a patch; other numbers, and places, can be read as they are."""
    return "left out" if check == "shape" else "kept"


def _projection(header: Header) -> tuple[bool, str]:
    """Whether a tile has a projected CRS with an EPSG code, and what it has."""
    if header.epsg is None:
        return False, "no EPSG code"
    return header.is_projected, f"EPSG:{header.epsg}"


def inspector(layout: Layout, folder: Path, file: File) -> Inspector | None:
    """An inspector for a tile; what the tiles show together is said by `conclude`."""
    if not match_tile(file.path):
        return None
    return TileInspector(file.path, os.stat(f"{folder}/{file.path}").st_size, layout.side)
