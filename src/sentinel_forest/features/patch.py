"""Features of patches: statistics and texture of bands and indices, and what SAR channels tell."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from sentinel_forest.errors import InputError
from sentinel_forest.features import Feature, Own, check_bands, indices, unknown, value
from sentinel_forest.features.bounds import BOUNDS
from sentinel_forest.features.expressions import is_name
from sentinel_forest.sensors import SENTINEL_2

TEXTURES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")
"""Texture properties, see `cooccurrence`."""

LEVELS = 32
"""Grey levels of the co-occurrence."""

RANGES = {"reflectance": (0.0, 0.64), "dB": (-30.0, 10.0), "index": (-1.0, 1.0)}
"""What the grey levels span: fixed, so that a texture depends on its patch alone. Steps are 0.02 in
reflectance (land surfaces lie below 0.64 but for clouds and snow), 1.25 dB, 1/16."""

DIRECTIONS = ((0, 1), (-1, 1), (-1, 0), (-1, -1))
"""Rows and columns to the neighbour at 0, 45, 90 and 135 degrees, distance 1."""

HARALICK = "doi:10.1109/TSMC.1973.4309314"
_SHARED = ("sorted", "cooccurrence")
"""What several features of a base share, by the word behind its name."""

_FORM = re.compile(rf"(?P<base>.+)_(?P<kind>mean|deviation|minimum|maximum|p[1-9][0-9]?|{'|'.join(TEXTURES)})")
FORMS = ("<feature>_mean", "<feature>_p<1..99>", "<feature>_<deviation|minimum|maximum>", "<feature>_<texture>")


@cache
def resolve(name: str, own: Own = ()) -> Feature:
    """The patch feature with a name.

    Names are ``<feature>_<statistic>`` (``mean``, ``deviation``, ``minimum``, ``maximum``, ``p1`` to ``p99``) and
    ``<feature>_<texture>`` (`TEXTURES`), where the feature is a band, or one of the dataset's `own`, or an index of
    `sentinel_forest.features.indices`, or an expression in brackets (``(B8/B12)_p90``), and those of `SAR`. An
    expression of such names is one, too: ``B8_mean / B12_mean``.

    Raises
    ------
    InputError
        If nothing has this name.
    """
    if name in SAR:
        return SAR[name]
    if any(band.name == name and band.kind == "external" for band in own):
        return indices.resolve(name, own)
    form = _FORM.fullmatch(name)
    if form is None or not indices.is_of_pixel(form["base"], own):
        known = (*SAR, *(f"{base}_mean" for base in indices.names(own)))
        if is_name(name) or not name or name in indices.names(own):
            raise unknown(name, known, FORMS)
        return indices.of_expression(name, name, partial(resolve, own=own), known)
    base, kind = indices.of_pixel(form["base"], own), form["kind"]
    return _texture(name, base, kind, own) if kind in TEXTURES else _statistic(name, base, kind)


def needed_bands(features: Sequence[str], own: Own = ()) -> tuple[str, ...]:
    """Bands that features need, each once, in the order of first use."""
    return tuple(dict.fromkeys(band for name in features for band in resolve(name, own).bands))


def compute(
    features: Sequence[str], bands: Mapping[str, np.ndarray], own: Own = (), bounded: Counter[str] | None = None
) -> np.ndarray:
    """Features of patches.

    Parameters
    ----------
    features : sequence of str
        Names, see `resolve`.
    bands : mapping
        Band name to float32 (patches, rows, columns), in physical units; NaN is missing.
    own : tuple of Band
        Bands that only this dataset has.
    bounded : Counter, optional
        Takes up how many values of each ratio, of pixels and of patches, were cut to its range.

    Returns
    -------
    ndarray
        float32 (patches, features). Statistics are of the pixels that are there, NaN if there is
        none; texture is NaN where any pixel is missing.

    Raises
    ------
    InputError
        If a name is unknown or a band is not given.
    """
    check_bands(needed_bands(features, own), bands)
    known = dict(bands)
    resolved = partial(_step, own=own)
    return np.column_stack([value(name, known, resolved, bounded) for name in features]).astype(np.float32)


@cache
def _step(name: str, own: Own) -> Feature:
    """A patch feature, or what several of them share: sorted pixels, co-occurrences, pixel features."""
    if indices.is_of_pixel(name, own):
        return indices.of_pixel(name, own)
    base, _, step = name.rpartition(" ")
    if step not in _SHARED:
        return resolve(name, own)
    about = indices.of_pixel(base, own)
    function = partial(cooccurrence, span=_span(about, own)) if step == "cooccurrence" else sorted_pixels
    return Feature(name, name, about.unit, about.bands, about.source, (base,), function)


def _statistic(name: str, base: Feature, kind: str) -> Feature:
    formula = f"{kind} of {base.name} over the pixels of the patch"
    if kind in STATISTICS:
        inputs, function = (base.name,), STATISTICS[kind]
    else:
        inputs, function = (f"{base.name} sorted",), partial(quantile, fraction=int(kind[1:]) / 100)
    return Feature(name, formula, base.unit, base.bands, base.source, inputs, function)


def _texture(name: str, base: Feature, kind: str, own: Own) -> Feature:
    low, high = _span(base, own)
    formula = (
        f"{kind} of the grey-level co-occurrence of {base.name}, {LEVELS} levels over {low}..{high}, "
        "distance 1, mean of 0, 45, 90 and 135 degrees"
    )
    inputs = (f"{base.name} cooccurrence",)
    return Feature(name, formula, "1", base.bands, HARALICK, inputs, partial(texture, kind=kind))


def _span(base: Feature, own: Own) -> tuple[float, float]:
    declared = next((band.grey_levels for band in own if band.name == base.name), None)
    if declared is not None:
        return declared
    if base.unit == "dB":
        return RANGES["dB"]
    if base.unit != "1":
        raise InputError(
            "Texture has no range of grey levels for this band.",
            found=f"{base.name} in {base.unit}",
            expected="a reflectance, an index or a band in dB; or a band that declares its `grey_levels`",
        )
    return RANGES["reflectance" if base.name in SENTINEL_2 else "index"]


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _reduce(values: np.ndarray, reduction: Callable[..., Any]) -> np.ndarray:
    """A statistic of the pixels of each patch that are there; `reduction` works on the last axis."""
    pixels = _flat(values)
    result = reduction(pixels)
    for patch in np.flatnonzero(np.isnan(result)):
        there = pixels[patch][~np.isnan(pixels[patch])]
        if there.size:
            result[patch] = reduction(there)
    return np.asarray(result)


def mean(values: np.ndarray) -> np.ndarray:
    """Mean of the pixels of each patch that are there: float64 (patches,), summed in float64."""
    return _reduce(values, partial(np.mean, axis=-1, dtype=np.float64))


def minimum(values: np.ndarray) -> np.ndarray:
    """Least of the pixels of each patch that are there: float32 (patches,)."""
    return _reduce(values, partial(np.min, axis=-1))


def maximum(values: np.ndarray) -> np.ndarray:
    """Largest of the pixels of each patch that are there: float32 (patches,)."""
    return _reduce(values, partial(np.max, axis=-1))


def deviation(values: np.ndarray) -> np.ndarray:
    """Standard deviation (divisor n) of the pixels of each patch that are there: float64 (patches,)."""
    centred = _flat(values) - mean(values).astype(np.float32)[:, None]
    return np.asarray(np.sqrt(mean(np.square(centred, out=centred))))


STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": mean,
    "deviation": deviation,
    "minimum": minimum,
    "maximum": maximum,
}
"""Statistics that need no order of the pixels."""


def sorted_pixels(values: np.ndarray) -> np.ndarray:
    """Pixels of each patch in ascending order, missing ones last: float32 (patches, pixels)."""
    return np.sort(_flat(values), axis=1)


def quantile(ascending: np.ndarray, fraction: float) -> np.ndarray:
    """Quantile of what `sorted_pixels` gives, between two pixels by linear interpolation.

    Returns float64 (patches,): 0 is the minimum and 1 the maximum of the pixels that are there.
    """
    last = np.full(len(ascending), ascending.shape[1] - 1)
    gaps = np.isnan(ascending[:, -1])
    last[gaps] -= np.isnan(ascending[gaps]).sum(axis=1)
    place = fraction * np.maximum(last, 0)
    below = place.astype(np.int64)
    rows = np.arange(len(ascending))
    low = ascending[rows, below].astype(np.float64)
    high = ascending[rows, np.minimum(below + 1, np.maximum(last, 0))]
    return np.asarray(low + (high - low) * (place - below))


def cooccurrence(values: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Grey-level co-occurrence of each patch in four directions at distance 1.

    Values are cut to `span` and quantised in `LEVELS` equal steps. Pairs count in both orders
    (symmetric), as in `HARALICK`.

    Returns
    -------
    ndarray
        float64 (directions, patches, LEVELS, LEVELS), summing to 1 over the last two axes; NaN for
        patches with a missing pixel.
    """
    low, high = span
    gaps = np.isnan(values).any(axis=(1, 2))
    scaled = (np.nan_to_num(values) - np.float32(low)) * np.float32(LEVELS / (high - low))
    levels = np.clip(scaled, 0, LEVELS - 1).astype(np.intp)
    fractions = np.empty((len(DIRECTIONS), len(values), LEVELS, LEVELS))
    for place, (down, right) in enumerate(DIRECTIONS):
        counts = _pairs(levels, down, right)
        np.add(counts, counts.swapaxes(1, 2), out=fractions[place])
        fractions[place] /= 2 * (values.shape[1] + down) * (values.shape[2] - abs(right))
    fractions[:, gaps] = np.nan
    return fractions


def _pairs(levels: np.ndarray, down: int, right: int) -> np.ndarray:
    """Counts of (level, level of the neighbour): (patches, LEVELS, LEVELS). `down` is 0 or -1."""
    patches, rows, columns = levels.shape
    here = levels[:, -down:, max(-right, 0) : columns - max(right, 0)]
    there = levels[:, : rows + down, max(right, 0) : columns - max(-right, 0)]
    codes = here * LEVELS
    codes += there
    codes += (np.arange(patches) * LEVELS**2)[:, None, None]
    counts = np.bincount(codes.reshape(-1), minlength=patches * LEVELS**2)
    return counts.reshape(patches, LEVELS, LEVELS)


def texture(fractions: np.ndarray, kind: str) -> np.ndarray:
    """A property of `cooccurrence`, mean of the directions: float64 (patches,).

    With p the fraction of the pair of levels (i, j): contrast sum p (i - j)^2, dissimilarity
    sum p |i - j|, homogeneity sum p / (1 + (i - j)^2), energy sqrt(sum p^2), correlation
    sum p (i - m)(j - m) / v with m and v mean and variance of a level (1 where v is 0).
    """
    if kind == "energy":
        properties = np.sqrt(np.einsum("dpij,dpij->dp", fractions, fractions))
    elif kind == "correlation":
        properties = _correlation(fractions)
    else:
        properties = np.einsum("dpij,ij->dp", fractions, _weights(kind))
    return np.asarray(properties.mean(axis=0))


def _weights(kind: str) -> np.ndarray:
    difference = np.abs(np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS))).astype(np.float64)
    if kind == "contrast":
        return np.square(difference)
    return difference if kind == "dissimilarity" else 1 / (1 + np.square(difference))


def _correlation(fractions: np.ndarray) -> np.ndarray:
    """1 - contrast / (2 variance), which is the correlation because the pairs are symmetric."""
    level = np.arange(LEVELS, dtype=np.float64)
    marginal = fractions.sum(axis=3)
    means = marginal @ level
    variance = np.einsum("dpi,dpi->dp", marginal, np.square(level - means[..., None]))
    contrast = np.einsum("dpij,ij->dp", fractions, _weights("contrast"))
    flat = variance < 1e-12
    return np.where(flat, 1.0, 1 - contrast / np.where(flat, 1.0, 2 * variance))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotient; 0 where the divisor is 0."""
    return np.asarray(np.divide(above, below, out=np.where(np.isnan(below), np.nan, 0.0), where=(below > 0)))


def coherence(C_re: np.ndarray, C_im: np.ndarray, VH_intensity: np.ndarray, VV_intensity: np.ndarray) -> np.ndarray:
    """|<C>| / sqrt(<VH><VV>), means over the patch: float64 (patches,)."""
    power = np.sqrt(np.maximum(mean(VH_intensity) * mean(VV_intensity), 0))
    return _ratio(np.hypot(mean(C_re), mean(C_im)), power)


def phase_cosine(C_re: np.ndarray, C_im: np.ndarray) -> np.ndarray:
    """Cosine of the phase of <C>: float64 (patches,); 0 where <C> is 0."""
    return _ratio(mean(C_re), np.hypot(mean(C_re), mean(C_im)))


def phase_sine(C_re: np.ndarray, C_im: np.ndarray) -> np.ndarray:
    """Sine of the phase of <C>: float64 (patches,); 0 where <C> is 0."""
    return _ratio(mean(C_im), np.hypot(mean(C_re), mean(C_im)))


def coefficient_of_variation(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Standard deviation / mean of the intensity of a complex channel: float64 (patches,)."""
    intensity = np.square(real) + np.square(imaginary)
    return _ratio(deviation(intensity), mean(intensity))


def equivalent_looks(real: np.ndarray, imaginary: np.ndarray) -> np.ndarray:
    """Squared mean / variance of the intensity of a complex channel: float64 (patches,)."""
    return _ratio(np.ones(len(real)), np.square(coefficient_of_variation(real, imaginary)))


_COHERENCE = "doi:10.1364/AO.46.000544"
_LOOKS = "doi:10.1109/LGRS.2010.2102335"
_C, _POWERS = ("C_re", "C_im"), ("VH_intensity", "VV_intensity")
_VH, _VV = ("VH_re", "VH_im"), ("VV_re", "VV_im")

SAR = {
    name: Feature(name, formula, "1", inputs, source, inputs, function, BOUNDS.get(name))
    for name, formula, source, inputs, function in (
        ("coherence", "|<C>| / sqrt(<VH_intensity> <VV_intensity>)", _COHERENCE, (*_C, *_POWERS), coherence),
        ("phase_cosine", "Re <C> / |<C>|", _COHERENCE, _C, phase_cosine),
        ("phase_sine", "Im <C> / |<C>|", _COHERENCE, _C, phase_sine),
        ("VH_variation", "deviation / mean of |VH|^2, unfiltered", _LOOKS, _VH, coefficient_of_variation),
        ("VV_variation", "deviation / mean of |VV|^2, unfiltered", _LOOKS, _VV, coefficient_of_variation),
        ("VH_looks", "mean^2 / variance of |VH|^2, unfiltered", _LOOKS, _VH, equivalent_looks),
        ("VV_looks", "mean^2 / variance of |VV|^2, unfiltered", _LOOKS, _VV, equivalent_looks),
    )
}
"""What the complex and covariance channels of Sentinel-1 tell of a patch; <> is the mean over it.
Phase is given by cosine and sine, because trees know no circle. ``looks`` is the equivalent number of
looks, ``variation`` the coefficient of variation: 1 for fully developed speckle, more for texture."""
