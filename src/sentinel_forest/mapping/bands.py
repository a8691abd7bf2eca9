"""Which file, and which band of it, holds a band of a scene: candidates by name, and the one that fits."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from sentinel_forest.datasets.scaling import scaling_text
from sentinel_forest.errors import InputError
from sentinel_forest.mapping.products import QUANTIFICATION, band_of
from sentinel_forest.sensors import FINEST_M, SENTINEL_2

CLOSE_M = 0.01
"""Lengths that differ by less, in m, are the same."""

_IMAGES = (".tif", ".tiff", ".jp2", ".vrt")

_MERCATOR = re.compile(r'"(Mercator_|Popular_Visualisation)')
"""Projections whose metres grow towards the poles, in well-known text."""

Candidate = tuple[Any, int]
"""An opened file, and the number of a band in it."""


def _open(stack: ExitStack, name: str | Path) -> Any:
    try:
        return stack.enter_context(rasterio.open(name))
    except RasterioError as error:
        raise unreadable(str(name), error) from None


def _open_band(stack: ExitStack, name: str | Path) -> Candidate:
    """An image of one band, opened."""
    file = _open(stack, name)
    if file.count != 1:
        raise InputError(
            "An image that is named by one band holds several.",
            where=str(name)[-80:],
            found=f"{file.count} bands",
            expected="one",
            remedy="write each band to a file of its own: gdal_translate -b 1",
        )
    return file, 1


def unreadable(name: str, error: Exception) -> InputError:
    """The error for an image that GDAL cannot read; its words say why, where it tells them."""
    cause = error
    while isinstance(cause.__cause__, Exception):
        cause = cause.__cause__
    found = " ".join(str(cause).split())[:80]
    return InputError("An image cannot be read.", where=name[-80:], found=found, remedy="fetch or write it again")


def candidates_of(
    stack: ExitStack, path: Path, files: Mapping[str, tuple[str, ...]], bands: Sequence[str]
) -> dict[str, list[Candidate]]:
    """Files of each band; of a single file its bands by their descriptions."""
    if path.is_file() and not files:
        opened = _open(stack, path)
        found: dict[str, list[Candidate]] = {}
        for place, text in enumerate(opened.descriptions, start=1):
            name = (text or "").strip()
            found.setdefault(name if name in bands else band_of(name) or "", []).append((opened, place))
        return found
    return {name: [_open_band(stack, each) for each in paths] for name, paths in files.items()}


def radar_candidates(stack: ExitStack, path: Path | None, bands: Sequence[str]) -> dict[str, list[Candidate]]:
    """Images of each radar band by their names, in a folder or in one file."""
    if not bands:
        return {}
    if path is None:
        raise InputError(
            "The forest uses radar, and the scene has none.",
            expected=", ".join(bands),
            remedy=f"give Sentinel-1 on the same grid: --radar FOLDER with a GeoTIFF for each band, as {bands[0]}.tif",
        )
    if not path.exists():
        raise InputError("There is no such folder of radar bands.", where=path, expected=", ".join(bands))
    if path.is_file():
        return candidates_of(stack, path, {}, bands)
    files = [each for each in sorted(path.iterdir()) if each.suffix.lower() in _IMAGES]
    named = {name: [each for each in files if each.stem == name or each.stem.endswith(f"_{name}")] for name in bands}
    return {name: [_open_band(stack, each) for each in paths] for name, paths in named.items()}


def pixel_of(file: Any) -> float:
    """Side of a pixel in m."""
    return float(file.transform.a)


def not_on_grid(band: str, found: str, expected: str) -> InputError:
    """The error for a band whose pixels are not those of a scene."""
    return InputError(
        "A band does not lie on a grid of 10, 20 or 60 m.",
        where=band,
        found=found,
        expected=expected,
        remedy="give the band as the product has it, or warp it onto the grid of the 10 m bands",
    )


def hold_projection(band: str, file: Any) -> None:
    """Refuse a band that is not in a projection whose metres are those of the ground, north up, in square pixels."""
    crs, transform = file.crs, file.transform
    if crs is None or not crs.is_projected:
        name = crs.to_string()[:30] if crs else "no CRS"
        raise not_on_grid(band, name, "a projected CRS in metres, such as UTM")
    if abs(crs.linear_units_factor[1] - 1) > 1e-9 or _MERCATOR.search(crs.to_wkt()):
        found = f"{crs.to_string()[:30]}, in {crs.linear_units}"
        raise not_on_grid(band, found, "a CRS whose metres are those of the ground, such as UTM")
    if abs(transform.a + transform.e) > 1e-6 or transform.a <= 0 or transform.b or transform.d:
        raise not_on_grid(band, f"steps of {transform.a:g} and {transform.e:g} m", "square pixels, north up")


def declared_offset(where: str, file: Any, index: int) -> float | None:
    """Offset in digital numbers that the tags of an image declare (GDAL's scale and offset of a band).

    Returns
    -------
    float or None
        None where they declare none.

    Raises
    ------
    InputError
        If they are not those of digital numbers.
    """
    scale, offset = file.scales[index - 1], file.offsets[index - 1]
    if (scale, offset) == (1, 0):
        return None
    number = round(float(offset) * QUANTIFICATION, 6)
    if abs(scale * QUANTIFICATION - 1) > 1e-6 or not -QUANTIFICATION <= number <= 0:
        raise InputError(
            "A band declares a scale that is not that of digital numbers.",
            where=where,
            found=f"scale {scale:g}, offset {offset:g}",
            expected=f"scale {1 / QUANTIFICATION:g} with offset 0 or -0.1, or none",
            remedy="write reflectance x 10,000; or, if it is that, remove the scale: gdal_edit.py -scale 1 -offset 0",
        )
    return number


def radar_band(path: Path | None, band: str, candidates: Sequence[Candidate]) -> Candidate:
    """The one image of a radar band, whose values are meant as they are stored."""
    file, index = only_one(path, band, candidates)
    if declared := scaling_text([("scale", file.scales[index - 1]), ("offset", file.offsets[index - 1])]):
        raise InputError(
            "A radar band declares that its numbers are not the measurement.",
            where=f"{path}, {band}",
            found=declared,
            expected="no scale, no offset",
            remedy="apply them: gdal_translate -unscale; or remove them: gdal_edit.py -scale 1 -offset 0",
        )
    return file, index


def _whole(path: Path, band: str, candidate: Candidate) -> Candidate:
    """A candidate whose values are digital numbers."""
    kind = candidate[0].dtypes[candidate[1] - 1]
    if np.dtype(kind).kind not in "iu" or np.dtype(kind).itemsize < 2:
        raise InputError(
            "A band does not hold digital numbers.",
            where=f"{path}, {band}",
            found=kind,
            expected="integers of at least 16 bits: reflectance x 10,000",
            remedy="give the band as the product has it",
        )
    return candidate


def native_band(path: Path, band: str, candidates: Sequence[Candidate]) -> Candidate:
    """The file of a band in the resolution that the sensor measured it in, or resampled to 10 m."""
    for file, _ in candidates:
        hold_projection(f"{path}, {band}", file)
    native = SENTINEL_2[band].resolution or FINEST_M
    fitting = [each for each in candidates if abs(pixel_of(each[0]) - native) < CLOSE_M]
    fitting = fitting or [each for each in candidates if abs(pixel_of(each[0]) - FINEST_M) < CLOSE_M]
    if candidates and not fitting:
        raise InputError(
            "A band has pixels of another size than the training data.",
            where=f"{path}, {band}",
            found=f"{pixel_of(candidates[0][0]):g} m",
            expected=f"{native:g} m, as measured",
            remedy="give the band in its own resolution",
        )
    return _whole(path, band, only_one(path, band, fitting))


def only_one(path: Path | None, band: str, candidates: Sequence[Candidate]) -> Candidate:
    """The one candidate for a band; raises `InputError` where there is none, or more."""
    if len(candidates) == 1:
        return candidates[0]
    raise InputError(
        "A band is missing." if not candidates else "A band is there more than once.",
        where=path,
        found=", ".join(Path(each[0].name).name for each in candidates)[:80] or f"nothing for {band}",
        expected=f"one image of {band}",
        remedy="name files by band, e.g. B04.tif, or describe the bands of a file" if not candidates else None,
    )
