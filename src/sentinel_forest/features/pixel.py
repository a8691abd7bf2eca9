"""Features of pixels: bands, indices, and what surrounds the pixel."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial

import numpy as np

from sentinel_forest.errors import InputError
from sentinel_forest.features import Feature, Own, check_bands, indices, unknown, value
from sentinel_forest.features.expressions import is_name
from sentinel_forest.sensors import SUN_AZIMUTH

FORMS = ("<feature>_mean_<n>", "<feature>_deviation_<n>", "<feature>_sunward_<n>", "<feature>_steps_<n>")
_CHUNK = 4096  # pixels whose features fit in a processor's cache while they are put side by side
_FORM = re.compile(r"(?P<base>.+)_(?P<kind>mean|deviation|sunward|steps)_(?P<size>[0-9]{1,9})")


@cache
def resolve(name: str, own: Own = ()) -> Feature:
    """The pixel feature with a name.

    Names are those of bands (``"B8A"``, ``"VV"``, or one of the dataset's `own`) and of the indices of
    `sentinel_forest.features.indices`, and, for each of them,

    - ``<feature>_mean_<n>``, ``<feature>_deviation_<n>``: mean and standard deviation in the n x n
      pixels around the pixel (n odd; the edge pixels of the patch are repeated outwards),
    - ``<feature>_sunward_<n>``: the largest value met on the way of n pixels towards the sun.
      What shades a pixel lies there, so that a dark pixel with a bright cloud sunward is told from
      water (doi:10.1016/j.rse.2011.10.028); needs the band ``sun_azimuth``,
    - ``<feature>_steps_<n>``: pixels on the way towards the sun to the first where the feature is
      above 0 (0: the pixel itself), n + 1 if there is none. ``HOT_steps_200`` is the distance to what
      may be the cloud that shades the pixel: haze and cloud have HOT > 0.

    Raises
    ------
    InputError
        If nothing has this name.
    """
    if name in indices.names(own):
        return indices.resolve(name, own)
    form = _form(name, own)
    if form is None:
        if is_name(name) or not name:
            raise unknown(name, indices.names(own), FORMS)
        return indices.of_expression(name, name, partial(resolve, own=own), indices.names(own))
    make = _sunward if form["kind"] in _WAYS else _window
    return make(name, resolve(form["base"], own), form["kind"], int(form["size"]))


def _form(name: str, own: Own) -> re.Match[str] | None:
    """The parts of a name that stands for the surroundings of a feature; None for an expression."""
    form = _FORM.fullmatch(name)
    if form is None:
        return None
    base = form["base"]
    whole = is_name(base) or indices.is_of_pixel(base, own) or _form(base, own)
    return form if whole else None


def is_alone(name: str, own: Own = ()) -> bool:
    """Whether a feature needs nothing but the pixel itself."""
    if name in indices.names(own):
        return True
    return _form(name, own) is None and all(is_alone(entry, own) for entry in resolve(name, own).inputs)


@cache
def reach(name: str, own: Own = ()) -> int:
    """Pixels around a pixel that a feature looks at, in each direction.

    Examples
    --------
    >>> reach("HOT"), reach("B8 - B2_mean_15"), reach("HOT_sunward_60"), reach("B2_mean_15_deviation_3")
    (0, 7, 60, 8)
    """
    if is_alone(name, own):
        return 0
    form = _form(name, own)
    if form is None:
        return max(reach(entry, own) for entry in resolve(name, own).inputs)
    size = int(form["size"])
    return reach(form["base"], own) + (size if form["kind"] in _WAYS else size // 2)


def parted(features: Sequence[str], own: Own = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Features that need nothing but the pixel itself, and those of what surrounds it."""
    alone = tuple(name for name in features if is_alone(name, own))
    return alone, tuple(name for name in features if name not in alone)


def needed_bands(features: Sequence[str], own: Own = ()) -> tuple[str, ...]:
    """Bands that features need, each once, in the order of first use."""
    return tuple(dict.fromkeys(band for name in features for band in resolve(name, own).bands))


def compute(
    features: Sequence[str], bands: Mapping[str, np.ndarray], own: Own = (), bounded: Counter[str] | None = None
) -> np.ndarray:
    """Features of all pixels.

    Parameters
    ----------
    features : sequence of str
        Names, see `resolve`.
    bands : mapping
        Band name to float32 (patches, rows, columns), in physical units; NaN is missing.
    own : tuple of Band
        Bands that only this dataset has.
    bounded : Counter, optional
        Takes up how many values of each ratio were cut to its range.

    Returns
    -------
    ndarray
        float32 (patches, rows, columns, features). NaN where a band that the feature uses is
        missing; division by zero gives 0, and ratios keep to their range
        (`sentinel_forest.features.bounds`). A window leaves out missing pixels and is NaN only
        where it holds no other.

    Raises
    ------
    InputError
        If a name is unknown or a band is not given.
    """
    layers = [values.reshape(-1) for values in each(features, bands, own, bounded)]
    shape = next(iter(bands.values())).shape
    result = np.empty((math.prod(shape), len(features)), dtype=np.float32)
    for first in range(0, len(result), _CHUNK):
        rows = slice(first, first + _CHUNK)
        for place, values in enumerate(layers):
            result[rows, place] = values[rows]
    return result.reshape(*shape, len(features))


def each(
    features: Sequence[str], bands: Mapping[str, np.ndarray], own: Own = (), bounded: Counter[str] | None = None
) -> Iterator[np.ndarray]:
    """The features of `compute` one after another, each float32 (patches, rows, columns).

    What several features share is computed once; what no later one can need is let go.
    """
    check_bands(needed_bands(features, own), bands)
    shared = {entry for name in features for entry in resolve(name, own).inputs}
    known = dict(bands)
    for name in features:
        yield value(name, known, partial(resolve, own=own), bounded)
        if name not in shared:
            known.pop(name, None)


def _window(name: str, base: Feature, kind: str, size: int) -> Feature:
    if size % 2 == 0 or size < 3:
        raise InputError(
            "The window of a feature must have a pixel in its middle.", found=name, expected="an odd n from 3 on"
        )
    function = {"mean": window_mean, "deviation": window_deviation}[kind]
    formula = f"{kind} of {base.name} in {size} x {size} pixels"
    return Feature(name, formula, base.unit, base.bands, base.source, (base.name,), partial(function, size=size))


def _sunward(name: str, base: Feature, kind: str, size: int) -> Feature:
    if size < 1:
        raise InputError("The way towards the sun has no pixel.", found=name, expected="n from 1 on")
    bands = tuple(dict.fromkeys((*base.bands, SUN_AZIMUTH.name)))
    function, formula, unit = _WAYS[kind]
    source = f"{base.source}; cloud and shadow matched along the sun's azimuth as in {indices.FMASK}"
    return Feature(
        name,
        formula.format(base=base.name, size=size),
        unit or base.unit,
        bands,
        source,
        (base.name, SUN_AZIMUTH.name),
        partial(function, pixels=size),
    )


def window_mean(values: np.ndarray, size: int) -> np.ndarray:
    """Mean of the size x size pixels around each pixel.

    Parameters
    ----------
    values : ndarray
        float32 (patches, rows, columns). Missing pixels (NaN) do not take part.
    size : int
        Side of the window, odd. Edge pixels of the patch are repeated outwards.

    Returns
    -------
    ndarray
        float32, as `values`; NaN where no pixel of the window is there.
    """
    (mean,) = _window_moments(values, size, 1)
    return mean.astype(np.float32)


def window_deviation(values: np.ndarray, size: int) -> np.ndarray:
    """Standard deviation (divisor n) of the size x size pixels around each pixel, as `window_mean`."""
    mean, squares = _window_moments(values, size, 2)
    return np.asarray(np.sqrt(np.maximum(squares - np.square(mean), 0)).astype(np.float32))


def _window_moments(values: np.ndarray, size: int, count: int) -> list[np.ndarray]:
    """Window means of the first `count` powers, float64: differences of large squares stay exact."""
    present = ~np.isnan(values)
    complete = bool(present.all())
    powers = [np.where(present, values, 0) if not complete else values]
    powers += [np.square(powers[0], dtype=np.float64) for _ in range(count - 1)]
    moments = [_box_mean(power, size) for power in powers]
    if not complete:
        fraction = _box_mean(present.astype(np.float32), size)
        # Running sums leave a trace of rounding; the smallest true fraction is that of one pixel.
        fraction[fraction < 0.5 / size**2] = np.nan
        moments = [moment / fraction for moment in moments]
    return moments


def _box_mean(values: np.ndarray, size: int) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(values, size=(1, size, size), output=np.float64, mode="nearest"))


def sunward_maximum(values: np.ndarray, sun_azimuth: np.ndarray, pixels: int) -> np.ndarray:
    """Largest value on the way from each pixel towards the sun, the pixel itself included.

    The way has one step for each pixel of its length; it ends at the edge of the patch. Rows run
    southwards and columns eastwards, as in every release. Within a patch the azimuth is taken as
    constant (its median).

    Parameters
    ----------
    values : ndarray
        float32 (patches, rows, columns); missing pixels (NaN) on the way do not take part.
    sun_azimuth : ndarray
        Direction to the sun in degrees clockwise from north, float32, as `values`.
    pixels : int
        Length of the way.

    Returns
    -------
    ndarray
        float32, as `values`; NaN in patches without any azimuth.
    """
    return _each_patch(_maximum_of_shifted, values, sun_azimuth, pixels)


def sunward_steps(values: np.ndarray, sun_azimuth: np.ndarray, pixels: int) -> np.ndarray:
    """Pixels from each pixel towards the sun to the first whose value is above 0; `pixels` + 1 if none is.

    Parameters and result as of `sunward_maximum`; missing pixels are not above 0.
    """
    return _each_patch(_first_of_shifted, values, sun_azimuth, pixels)


_WAYS: dict[str, tuple[Callable[..., np.ndarray], str, str]] = {
    "sunward": (sunward_maximum, "maximum of {base} over 0..{size} pixels towards sun_azimuth", ""),
    "steps": (sunward_steps, "pixels towards sun_azimuth to the first of {base} > 0, {size} + 1 if none", "pixel"),
}
"""What a way towards the sun gives: function, formula, and unit where it is not that of the feature."""

Shift = tuple[int, int]


def _each_patch(
    function: Callable[[np.ndarray, list[Shift]], np.ndarray], values: np.ndarray, sun_azimuth: np.ndarray, pixels: int
) -> np.ndarray:
    """A function of each patch and the steps (rows down, columns right) of its way towards the sun."""
    result = np.full_like(values, np.nan)
    for patch in np.flatnonzero(~np.isnan(sun_azimuth).all(axis=(1, 2))):
        azimuth = np.deg2rad(float(np.nanmedian(sun_azimuth[patch])))
        steps = np.arange(1, pixels + 1)
        down = np.rint(-steps * np.cos(azimuth)).astype(int)
        right = np.rint(steps * np.sin(azimuth)).astype(int)
        result[patch] = function(values[patch], list(zip(down.tolist(), right.tolist(), strict=True)))
    return result


def _shifted(shape: tuple[int, ...], shift: Shift) -> tuple[tuple[slice, ...], tuple[slice, ...]] | None:
    """Where an image has pixels with another one at a shift, and where those lie; None if it has none."""
    (rows, columns), (down, right) = shape, shift
    if abs(down) >= rows or abs(right) >= columns:
        return None
    here = slice(max(-down, 0), rows - max(down, 0)), slice(max(-right, 0), columns - max(right, 0))
    there = slice(max(down, 0), rows + min(down, 0)), slice(max(right, 0), columns + min(right, 0))
    return here, there


def _maximum_of_shifted(values: np.ndarray, shifts: list[Shift]) -> np.ndarray:
    """Maximum of an image and its copies shifted by whole pixels; NaN only where all are missing."""
    result = values.copy()
    for shift in shifts:
        if (places := _shifted(values.shape, shift)) is None:
            break
        here, there = places
        np.fmax(result[here], values[there], out=result[here])
    return result


def _first_of_shifted(values: np.ndarray, shifts: list[Shift]) -> np.ndarray:
    """Number of the first of an image and its shifted copies that is above 0, or how many there are."""
    hit = values > 0
    result = np.full(values.shape, len(shifts) + 1, dtype=values.dtype)
    for number in range(len(shifts), 0, -1):
        if (places := _shifted(values.shape, shifts[number - 1])) is not None:
            here, there = places
            np.copyto(result[here], number, where=hit[there])
    result[hit] = 0
    return result
