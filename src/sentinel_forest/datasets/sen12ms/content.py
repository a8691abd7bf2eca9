"""The content of one tile: its header and its pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from sentinel_forest.datasets.base import Accept, File, Finding, Inspection, Inspector, array_hash, is_measured
from sentinel_forest.datasets.sen12ms.headers import Header, Headers, header_of
from sentinel_forest.datasets.sen12ms.layout import BROKEN, DTYPES, PIXEL, Layout, match_tile, parse
from sentinel_forest.datasets.sen12ms.reader import QUICK_OPEN, TIFF_ONLY, shape_text
from sentinel_forest.datasets.sen12ms.vocabulary import BANDS, CODES, FILL, SCHEMES
from sentinel_forest.datasets.values import fold, grid, lowest_above_zero
from sentinel_forest.io import causes

UNCONFIRMED = frozenset({"land_cover", "hydrology"})
"""Schemes whose codes were taken from the guide alone: another code is worth knowing, and no fault."""

CIRRUS = "B10"
"""The band that has one low value wherever the sky is clear."""

S1_RANGE = (-90.0, 50.0)
"""Backscatter in dB that is possible at all."""

S2_LARGEST = 32_767
"""Largest reflectance x 10,000 taken as possible (saturated glint and cloud stay below)."""

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

    Checks ``readable``, ``shape``, ``dtype``, ``crs``, ``pixel-size`` (structure) and ``nan``,
    ``range``, ``classes`` (content); only what is wrong becomes a finding. In a patch of `BROKEN` NaN
    is the note ``known-broken``. A tile that does not say where it lies has neither CRS nor size of pixel
    to check.
    """
    sensor = path.split("/")[1].split("_")[0]
    if not data:
        return _unreadable(path, b"")  # rasterio takes no bytes for a file that is to be written
    try:
        header, pixels = _opened(memoryview(data), DTYPES[sensor], (len(BANDS[sensor]), side, side))
    except RasterioError:
        return _unreadable(path, bytes(data))
    findings = tuple(_header_findings(path, sensor, header, side))
    seen = TileInspection(findings, dtype=header.dtype, placed=header.is_placed, grid=header.grid)
    if pixels is None:
        return seen
    return (
        _with_image(seen, path, sensor, pixels) if sensor in ("s1", "s2") else _with_labels(seen, path, sensor, pixels)
    )


def _opened(data: memoryview, dtypes: Sequence[str], shape: tuple[int, int, int]) -> tuple[Header, np.ndarray | None]:
    """Header and pixels (rows, columns, bands) of a tile; no pixels where it has another dtype or shape.

    In a tile that is stored as published they are taken as they lie in its bytes.

    Raises
    ------
    RasterioError
        If it cannot be read.
    """
    header = _HEADERS.find(data)
    if header:
        return header, _plain_pixels(header, data) if header.dtype in dtypes and header.shape == shape else None
    with rasterio.Env(**QUICK_OPEN), MemoryFile(bytes(data)) as memory, memory.open(**TIFF_ONLY) as tile:
        header = header_of(tile)
        if header.dtype not in dtypes or header.shape != shape:
            return header, None
        if header.start is None or bytes(data[:2]) != b"II" or header.end > len(data):
            return header, np.ascontiguousarray(np.moveaxis(tile.read(), 0, -1))
    _HEADERS.add(data, header)
    return header, _plain_pixels(header, data)


def _plain_pixels(header: Header, data: memoryview) -> np.ndarray:
    bands, *sides = header.shape
    return np.frombuffer(data[header.start : header.end], header.dtype).reshape(*sides, bands)


def _with_image(seen: TileInspection, path: str, sensor: str, pixels: np.ndarray) -> TileInspection:
    """What the pixels (rows, columns, bands) of ``s1`` or ``s2`` show in addition to the header."""
    flat = pixels.reshape(1, -1, pixels.shape[-1])
    low, high = fold(flat, np.minimum), fold(flat, np.maximum)
    measured = (low > 0).any() or (high < 0).any()
    empty = 0 if measured else int((~is_measured(pixels).any(axis=-1)).sum())
    if empty == flat.shape[1] and not np.isnan(low).any():  # NaN is a fault of its own
        return replace(seen, empty=empty, pixels=array_hash(pixels))
    findings = (*seen.findings, *_image_findings(path, sensor, pixels, low[0], high[0]))
    whole = all(finding.accept == "kept" for finding in findings if finding.status == "failed")
    lowest = lowest_above_zero(flat, low) if sensor == "s2" else low
    sample = flat[0, grid(len(pixels), SAMPLED_ACROSS)]
    shown = np.column_stack([lowest[0], sample.T]).astype(np.float32)
    hashed = array_hash(pixels) if whole else ""
    return replace(seen, findings=findings, pixels=hashed, empty=empty, shown=shown)


def _with_labels(seen: TileInspection, path: str, sensor: str, pixels: np.ndarray) -> TileInspection:
    """What the pixels (rows, columns, bands) of labels show in addition to the header."""
    runs, lengths = _runs(pixels.reshape(-1, pixels.shape[-1]))
    if sensor == "dfc":
        # 0 is the baseline's code of an unlabelled pixel.
        findings, water = _class_findings(path, "dfc", runs[:, 0], (0, *CODES["dfc"][0])), (0, 0)
    else:
        schemes = enumerate(SCHEMES.items())
        found = [_class_findings(path, scheme, runs[:, band], codes) for band, (scheme, codes) in schemes]
        findings, water = [finding for each in found for finding in each], _water(runs, lengths)
    return replace(seen, findings=(*seen.findings, *findings), pixels=array_hash(pixels), water=water)


def _runs(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (pixels, bands) without those that equal the one before them, and for how many each stands."""
    size = pixels.shape[1] * pixels.itemsize
    whole = np.ascontiguousarray(pixels).view(f"u{size}")[:, 0] if size in (1, 2, 4, 8) else np.arange(len(pixels))
    starts = np.flatnonzero(np.concatenate([[True], whole[1:] != whole[:-1]]))
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
    ]


def _accept(check: str) -> Accept:
    """Where a tile lies does not change its pixels; without the right shape and numbers it has none."""
    return "kept" if check in ("crs", "pixel-size") else "left out"


def _projection(header: Header) -> tuple[bool, str]:
    """Whether a tile has a projected CRS with an EPSG code, and what it has."""
    if header.epsg is None:
        return False, "no EPSG code"
    return header.is_projected, f"EPSG:{header.epsg}"


def _image_findings(path: str, sensor: str, pixels: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[Finding]:
    """What is wrong, or strange, with the pixels (rows, columns, bands) of an image and the extremes of its bands."""
    if np.isnan(low).any():
        return [_missing_finding(path, int(np.isnan(pixels).sum()))]
    limits = (0, S2_LARGEST, "reflectance x 10000") if sensor == "s2" else (*S1_RANGE, "dB")
    return _range_finding(path, float(low.min()), float(high.max()), *limits) or _constant_bands(
        path, sensor, low, high
    )


def _constant_bands(path: str, sensor: str, low: np.ndarray, high: np.ndarray) -> list[Finding]:
    """Bands of an image with one value throughout: nothing was measured, or it stands for nothing."""
    bands = zip(BANDS[sensor], low, high, strict=True)
    flat = [f"{band}: {least:g}" for band, least, most in bands if least == most and band != CIRRUS]
    if not flat:
        return []
    return [
        Finding(
            path,
            "content",
            "constant",
            "failed",
            f"{', '.join(flat)} everywhere",
            "several values",
            "the band says nothing about any pixel: restore the tile",
            "kept",
        )
    ]


def _missing_finding(path: str, missing: int) -> Finding:
    """Values of a tile of ``s1`` that are NaN."""
    found = f"{missing} values are NaN"
    if parse([path])["patch"].isin(BROKEN).any():
        remedy = "nothing: the patch is left out of the catalog"
        return Finding(path, "content", "known-broken", "note", found, "published so", remedy)
    return Finding(path, "content", "nan", "failed", found, "a value in every pixel", "restore the tile", "left out")


def _range_finding(path: str, lowest: float, highest: float, low: float, high: float, unit: str) -> list[Finding]:
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
            "are these other units, or is the tile damaged? restore it",
            "left out",
        )
    ]


def _class_findings(path: str, scheme: str, band: np.ndarray, codes: Sequence[int]) -> list[Finding]:
    known = np.zeros(FILL + 2, dtype=bool)  # the last stands for all that is larger
    known[[*codes, FILL]] = True
    if known.take(band, mode="clip").all() and band.min() >= 0:
        return []
    strange = np.setdiff1d(band, (*codes, FILL))
    text = ", ".join(map(str, strange[:10])) + (", ..." if len(strange) > 10 else "")
    expected = f"{', '.join(map(str, codes))} or {FILL} (fill)"
    if scheme in UNCONFIRMED and strange[0] >= 0 and strange[-1] < FILL:
        remedy = "nothing, if the tile is the publisher's: such pixels count as fill in fractions of the scheme"
        return [Finding(path, "content", "classes", "note", f"{scheme}: {text}", expected, remedy)]
    return [
        Finding(
            path,
            "content",
            "classes",
            "failed",
            f"{scheme}: {text}",
            expected,
            "restore the tile; if this is accepted, such pixels count as fill",
            "kept",
        )
    ]


def inspector(layout: Layout, folder: Path, file: File) -> Inspector | None:
    """An inspector for a tile; what the tiles show together is said by `conclude`."""
    if not match_tile(file.path):
        return None
    return TileInspector(file.path, (folder / file.path).stat().st_size, layout.side)
