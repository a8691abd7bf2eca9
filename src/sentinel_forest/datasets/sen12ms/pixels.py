"""The pixels of one tile: what cannot be a measurement, or a class."""

from collections.abc import Sequence

import numpy as np

from sentinel_forest.datasets.base import Finding
from sentinel_forest.datasets.findings import HOLE, hole_findings
from sentinel_forest.datasets.sen12ms.layout import BROKEN, parse
from sentinel_forest.datasets.sen12ms.vocabulary import BANDS, CODES, FILL, SCHEMES

UNCONFIRMED = frozenset({"land_cover", "hydrology"})
"""Schemes whose codes were taken from the guide alone: another code is worth knowing, and no fault."""

CIRRUS = "B10"
"""The band that has one low value wherever the sky is clear."""

NEAR_DB = 3.0
"""Bright targets have values this near 0 dB, and are few; where they are clipped at 0, others are as bright."""

RANGES = {"s1": (-90.0, 50.0, "dB"), "s2": (0, 32_767, "reflectance x 10000")}
"""Values that are possible at all, and their unit; saturated glint and cloud stay below the highest reflectance."""


def image_findings(
    path: str, sensor: str, pixels: np.ndarray, low: np.ndarray, high: np.ndarray, nodata: float | None
) -> list[Finding]:
    """What is wrong, or strange, with the pixels of an image.

    Parameters
    ----------
    path, sensor : str
        The tile.
    pixels : ndarray
        (rows, columns, bands), as stored.
    low, high : ndarray
        (bands,): their extremes.
    nodata : float, optional
        The number that the tile declares for missing values.
    """
    missing = 0 if nodata in (None, 0) else int(np.count_nonzero(pixels == nodata))
    found = _nodata(path, missing, nodata)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return [*found, _gaps(path, pixels)]
    found += _range(path, float(low.min()), float(high.max()), *RANGES[sensor])
    found = found or _constant_bands(path, sensor, low, high)
    return found or (_holes(path, pixels, low, high) if sensor == "s1" else [])


def label_findings(
    path: str, sensor: str, runs: np.ndarray, lengths: np.ndarray, nodata: float | None
) -> list[Finding]:
    """What is wrong, or strange, with labels.

    Parameters
    ----------
    path, sensor : str
        The tile.
    runs, lengths : ndarray
        Different pixels (runs, bands), and for how many each stands.
    nodata : float, optional
        The number that the tile declares for missing values.
    """
    missing = 0 if nodata in (None, 0, FILL) else int(lengths[(runs == nodata).any(axis=1)].sum())
    found = _nodata(path, missing, nodata)
    # 0 is the baseline's code of an unlabelled pixel.
    schemes = SCHEMES if sensor == "lc" else {"dfc": (0, *CODES["dfc"][0])}
    for band, (scheme, codes) in enumerate(schemes.items()):
        found += _class_findings(path, scheme, runs[:, band], codes)
    return found


def _nodata(path: str, count: int, nodata: float | None) -> list[Finding]:
    """Values that a tile declares as missing; 0, and the fill of labels, are known as such without."""
    if not count:
        return []
    found, expected = f"{count} values are {nodata:g}, declared as missing", "a value in every pixel, 0 if missing"
    return [Finding(path, "content", "nodata", "failed", found, expected, "write 0 in these pixels", "left out")]


def _gaps(path: str, pixels: np.ndarray) -> Finding:
    """NaN and infinite values."""
    missing, nan = int((~np.isfinite(pixels)).sum()), int(np.isnan(pixels).sum())
    found = f"{missing} values are NaN" + (" or infinite" if missing > nan else "")
    if nan and parse([path])["patch"].isin(BROKEN).any():
        remedy = "nothing: the patch is left out of the catalog"
        return Finding(path, "content", "known-broken", "note", found, "published so", remedy)
    return Finding(path, "content", "nan", "failed", found, "a value in every pixel", "restore the tile", "left out")


def _range(path: str, lowest: float, highest: float, low: float, high: float, unit: str) -> list[Finding]:
    if low <= lowest and highest <= high:
        return []
    found, expected = f"{lowest:.6g} to {highest:.6g}", f"{low:.6g} to {high:.6g} {unit}"
    remedy = "are these other units, or is the tile damaged? restore it"
    return [Finding(path, "content", "range", "failed", found, expected, remedy, "kept")]


def _constant_bands(path: str, sensor: str, low: np.ndarray, high: np.ndarray) -> list[Finding]:
    """Bands of an image with one value throughout: nothing was measured, or it stands for nothing."""
    bands = zip(BANDS[sensor], low, high, strict=True)
    flat = [f"{band}: {least:g}" for band, least, most in bands if least == most and band != CIRRUS]
    if not flat:
        return []
    found, remedy = f"{', '.join(flat)} everywhere", "the band says nothing about any pixel: restore the tile"
    return [Finding(path, "content", "constant", "failed", found, "several values", remedy, "kept")]


def _count_zeros(band: np.ndarray) -> int:
    """Pixels of 0 dB that are a gap: none if others are near it, as where values end at 0 because they were clipped."""
    zeros = int(np.count_nonzero(band == 0))
    if zeros <= HOLE * band.size or np.count_nonzero(np.abs(band) < NEAR_DB) > 1.1 * zeros:
        return 0
    return zeros


def _holes(path: str, pixels: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[Finding]:
    """One polarisation that is 0 where the other is not; extremes of one sign tell that it is not."""
    zeros = {
        name: np.array([_count_zeros(pixels[..., band]) if low[band] <= 0 <= high[band] else 0])
        for band, name in enumerate(BANDS["s1"])
    }
    return list(hole_findings(path, zeros, pixels[..., 0].size))


def _class_findings(path: str, scheme: str, band: np.ndarray, codes: Sequence[int]) -> list[Finding]:
    if _all_known(band, (*codes, FILL)):
        return []
    strange = np.setdiff1d(band, (*codes, FILL))
    text = ", ".join(map(str, strange[:10].tolist())) + (", ..." if len(strange) > 10 else "")
    expected = f"{', '.join(map(str, codes))} or {FILL} (fill)"
    if scheme in UNCONFIRMED and band.dtype.kind != "f" and strange[0] >= 0 and strange[-1] < FILL:
        remedy = "nothing, if the tile is the publisher's: such pixels count as fill in fractions of the scheme"
        return [Finding(path, "content", "classes", "note", f"{scheme}: {text}", expected, remedy)]
    remedy = "restore the tile; if this is accepted, such pixels count as fill"
    return [Finding(path, "content", "classes", "failed", f"{scheme}: {text}", expected, remedy, "kept")]


def _all_known(band: np.ndarray, codes: Sequence[int]) -> bool:
    """Whether a band holds nothing but some codes."""
    if band.dtype.kind == "f":
        return bool(np.isin(band, codes).all())
    known = np.zeros(FILL + 2, dtype=bool)  # the last stands for all that is larger
    known[list(codes)] = True
    return bool(known.take(band, mode="clip").all() and band.min() >= 0)
