"""The content of one tile: its header and its pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import rasterio
import rasterio.warp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile

from sentinel_forest.datasets.base import Accept, File, Finding, Inspection, Inspector, array_hash, is_measured
from sentinel_forest.datasets.sen12ms.layout import BROKEN, DTYPES, PIXEL, Layout, match_tile, parse
from sentinel_forest.datasets.sen12ms.reader import (
    QUICK_OPEN,
    TIFF_ONLY,
    dtype_of,
    epsg_of,
    grid_of,
    is_placed,
    shape_text,
    start_of_plain_pixels,
)
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
            seen = TileInspection((), dtype=dtype_of(tile), placed=is_placed(tile), grid=grid_of(tile))
            legible = all(finding.accept == "kept" for finding in findings)
            pixels = _published_pixels(tile, data) if legible else None
    except RasterioError:
        return _unreadable(path, data)
    if pixels is None:
        return replace(seen, findings=tuple(findings))
    empty = int((~_measured(sensor, pixels)).sum()) if sensor in ("s1", "s2") else None
    nothing = empty == side**2 and not np.isnan(pixels).any()  # NaN is a fault of its own
    shown = _shown(sensor, pixels) if sensor in ("s1", "s2") and not nothing else None
    findings += [] if nothing else _value_findings(path, sensor, pixels)
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
    return [
        Finding(path, "structure", check, "failed", found, wanted, again, _accept(check))
        for check, good, found, wanted in checks
        if not good
    ]


def _accept(check: str) -> Accept:
    """Where a tile lies does not change its pixels; without the right shape and numbers it has none."""
    return "kept" if check in ("crs", "pixel-size") else "left out"


def _projection(tile: DatasetReader) -> tuple[bool, str]:
    """Whether a tile has a projected CRS with an EPSG code, and what it has."""
    epsg = epsg_of(tile)
    if epsg is None:
        return False, "no EPSG code"
    return tile.crs.is_projected, f"EPSG:{epsg}"


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
            "failed",
            f"{', '.join(flat)} everywhere",
            "several values",
            "the band says nothing about any pixel: restore the tile",
            "kept",
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
                "restore the tile",
                "left out",
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
            "are these other units, or is the tile damaged? restore it",
            "left out",
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
