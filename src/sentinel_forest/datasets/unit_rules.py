"""The units of values, and offsets: whether values can be what the layout says of them."""

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from sentinel_forest.datasets.band_rules import ALL_IMAGES, ENOUGH_VALUES, pool_verdict
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.values import Pool
from sentinel_forest.sensors import AMPLITUDE, DECIBEL, SENTINEL_1

REFLECTANCE = (0.026, 1.5)
"""Mean reflectance of the brightest band: above what eight bits times 1e-4 can give; below what snow gives."""

DARK_BANDS = ("B8", "B11", "B12")
"""Water, shadow and wet ground are darker in them than the offset in most images, but not in deserts."""

OFFSET = 0.1
"""Added to reflectance from processing baseline 04.00 on: 1000 digital numbers."""

CIRRUS = "B10"
"""Darker than the offset somewhere in deserts and under most clouds; the highest clouds are bright in it."""

RAISED_BELOW = OFFSET + 0.05
"""What the darkest pixel of a raised image stays below: without the offset it has 0.04 at most in real images."""

FEW_RAISED, RAISED_FRACTION = 5, 0.005
"""Images, and the fraction of all, whose darkest pixel in these bands and `CIRRUS` may lie just above the offset by
chance."""

DISPROVED_BELOW = 0.9 * OFFSET
"""Reflectance that no raised image has, noise included."""

OFFSET_SINCE = "20220125"
"""First day of baseline 04.00 (ESA, Sentinel-2 Processing Baseline)."""

ENOUGH_IMAGES = 30
"""Images of which one should show a dark pixel, if nothing was added, where `CIRRUS` is missing."""

SCATTERED = 0.05
"""Reflectance of the darkest pixel in B1 and B2: scattered light alone makes 0.07 and more at the top of the
atmosphere; there is none after its correction (level 2A)."""

BLUEST = ("B1", "B2", "B3", "B4")
"""Bands in which there is less and less scattered light, so that an image's darkest pixel is darker and darker."""

LEAST_ORDERED, ORDERED_IMAGES, DARK = 0.5, 10, 0.05
"""Fraction of images in which that must be so: 0.8 and more of real ones. Images that tell, because their darkest pixel
in `DARK_BANDS` is below `DARK`: in deserts the ground itself is bright, and brighter in the red."""

POLARISATIONS_DB = (1.0, 20.0)
"""By how many dB the median of VV exceeds that of VH: 2 to 7 in real tiles of land, more over the sea."""

PARTS = (0.3, 2.0)
"""Median of the squared parts of complex backscatter over that of the intensity: 0.7 (speckle) to 1."""

ONE_SIDED = 0.05
"""Least fraction of values of either sign in the parts of complex backscatter."""

_BASELINE = re.compile(r"_N(\d{4})_")
_DATE = re.compile(r"(?:^|_)(\d{8})T\d{6}")


def radar_unit(pool: Pool) -> Iterator[Finding]:
    """Backscatter in dB is below 0 somewhere in every image; power never is; complex parts take both signs."""
    faults, looked = [], 0
    for name in pool.of("radar"):
        band, low = pool.layers[name].band, pool.low[name]
        assert band is not None
        looked += 1
        if band.unit == DECIBEL and (linear := int((low >= 0).sum())):
            faults.append(f"{name}: no value below 0 dB in {linear} of {len(low)} images")
        if band in _INTENSITIES and (negative := int((low < 0).sum())):
            faults.append(f"{name}: negative power in {negative} of {len(low)} images, the lowest {np.nanmin(low):.4g}")
        if band.unit == AMPLITUDE and (text := _one_sided(pool.sample[name])):
            faults.append(f"{name}: {text}")
    if looked:
        remedy = "the backscatter is in another unit (dB, linear power, amplitude); convert it, or get the publisher's"
        expected = "dB, power or complex parts, as published"
        yield pool_verdict("radar-unit", "; ".join(faults), f"{looked} layers", expected, remedy)


_POWERS = ("VH_intensity", "VV_intensity")
_INTENSITIES = tuple(SENTINEL_1[name] for name in _POWERS)


def _one_sided(sample: np.ndarray) -> str:
    values = sample[np.isfinite(sample) & (sample != 0)]
    if len(values) < ENOUGH_VALUES:
        return ""
    positive = float((values > 0).mean())
    return "" if ONE_SIDED <= positive <= 1 - ONE_SIDED else f"{100 * positive:.3g} % of the values are above 0"


def radar_order(pool: Pool) -> Iterator[Finding]:
    """Cross-polarised backscatter (VH) is weaker than co-polarised (VV), by some dB."""
    for cross, co in (("VH", "VV"), ("VH_intensity", "VV_intensity")):
        names = pool.named(cross), pool.named(co)
        if names[0] is None or names[1] is None:
            continue
        samples = [pool.sample[name][np.isfinite(pool.sample[name])] for name in names if name]
        if min(map(len, samples)) < ENOUGH_VALUES:
            text = f"not computed: {min(map(len, samples))} values, {ENOUGH_VALUES} are needed"
            yield Finding(ALL_IMAGES, "content", "radar-order", "note", text, f"{cross} below {co}")
            continue
        weak, strong = (float(np.median(sample)) for sample in samples)
        text = f"median {cross} {weak:.4g}, {co} {strong:.4g}"
        if co in _POWERS and weak <= 0:
            continue  # no power: `radar_unit` tells of it
        if co in _POWERS:
            weak, strong = (10 * np.log10(max(value, np.finfo(np.float64).tiny)) for value in (weak, strong))
        low, high = POLARISATIONS_DB
        expected = f"{cross} {low:g} to {high:g} dB below {co}"
        remedy = "the two polarisations are exchanged, or in another unit (decibels are 10 log10): get the publisher's"
        yield pool_verdict("radar-order", "" if low <= strong - weak <= high else text, text, expected, remedy)


def reflectance_scale(pool: Pool) -> Iterator[Finding]:
    """The mean of the brightest optical band can be a reflectance."""
    means = {}
    for name in pool.of("optical"):
        values = pool.sample[name][np.isfinite(pool.sample[name]) & (pool.sample[name] != 0)]
        if values.size:
            means[name] = float(values.mean(dtype=np.float64))
    if not means:
        return
    brightest = max(means, key=lambda name: means[name])
    text = f"mean reflectance of {brightest} {means[brightest]:.4g}"
    good = REFLECTANCE[0] <= means[brightest] <= REFLECTANCE[1]
    expected = f"{REFLECTANCE[0]:g} to {REFLECTANCE[1]:g} in the brightest band"
    remedy = "the reflectance is on another scale (0 to 1, 0 to 10,000, percent, 8 bits): convert it"
    yield pool_verdict("reflectance-scale", "" if good else text, text, expected, remedy)


def offset(pool: Pool) -> Iterator[Finding]:
    """Whether 1000 digital numbers were added: by the names of products, else by the darkest pixels of all images."""
    bands = [name for name in map(pool.named, DARK_BANDS) if name]
    if not bands:
        return
    counts = {len(pool.low[name]) for name in bands} | {len(pool.products)}
    if len(counts) > 1:
        bands = [name for name in bands if len(pool.low[name]) == len(pool.products)]
    if not bands:
        return
    lows = np.stack([pool.low[name] for name in bands])
    dark = np.nanmin(np.where(np.isfinite(lows), lows, np.inf), axis=0)
    raised = np.array([_is_raised(product) for product in pool.products])
    names = np.array(pool.products)
    cirrus = pool.named(CIRRUS)
    told = sorted({product for product in names[raised] if dark[names == product].min() >= DISPROVED_BELOW})
    remedy = "subtract 1000 from the digital numbers (0.1 from the reflectance) of these images"
    expected = f"a value below {DISPROVED_BELOW:g} in {', '.join(DARK_BANDS)}"
    if told:
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        text = (
            f"{len(told)} products of baseline 04.00 without a dark pixel, the lowest "
            f"{min(dark[names == product].min() for product in told):.4g}: {', '.join(told[:3])}{more}"
        )
        yield pool_verdict("offset", text, "", expected, remedy)
        return
    if cirrus and len(pool.low[cirrus]) == len(dark):
        yield _image_offsets(np.fmin(dark, pool.low[cirrus]), remedy)
        return
    others = _darkest_of_all(pool, dark)[~raised & np.isfinite(dark)]
    if not others.size:
        return
    text = f"lowest value {others.min():.4g} in {len(others)} images"
    if others.min() >= DISPROVED_BELOW and len(others) < ENOUGH_IMAGES:
        what = f"cannot be told: {text}, too few to say"
        yield Finding(ALL_IMAGES, "content", "offset", "note", what, expected, "look at the baseline of the products")
    else:
        yield pool_verdict("offset", text if others.min() >= DISPROVED_BELOW else "", text, expected, remedy)


def _darkest_of_all(pool: Pool, dark: np.ndarray) -> np.ndarray:
    """The darkest value of each image in any optical band: a low one in the visible disproves the offset as well."""
    lows = [pool.low[name] for name in pool.of("optical") if len(pool.low[name]) == len(dark)]
    return np.asarray(np.fmin.reduce([dark, *lows]))


def _image_offsets(dark: np.ndarray, remedy: str) -> Finding:
    """What the darkest values of images say, of which each should have a dark pixel."""
    known = dark[np.isfinite(dark)]
    lacking = known[known >= DISPROVED_BELOW]
    raised = np.count_nonzero(lacking < RAISED_BELOW)
    expected = f"a value below {DISPROVED_BELOW:g} in {', '.join((*DARK_BANDS, CIRRUS))} of each image"
    if not len(lacking):
        return pool_verdict("offset", "", f"{len(known)} images with such a value", expected, remedy)
    text = f"none in {len(lacking)} of {len(known)} images, the lowest there is {lacking.min():.4g}"
    if raised >= max(FEW_RAISED, RAISED_FRACTION * len(known)):
        return pool_verdict("offset", text, "", expected, remedy)
    return Finding(ALL_IMAGES, "content", "offset", "note", text, expected, "look at the baseline of the products")


def scattered_light(pool: Pool) -> Iterator[Finding]:
    """Scattered light is there, in B1 and B2 most: not after its correction, on another scale, in other bands."""
    lows = {band: pool.low[name] for band in BLUEST if (name := pool.named(band)) and pool.layers[name].level == "L1C"}
    counts = {len(low) for low in lows.values()}
    if not lows or len(counts) > 1:
        return
    typical = {band: float(np.nanmedian(low)) for band, low in lows.items() if np.isfinite(low).any()}
    found = "darkest pixel, median: " + ", ".join(f"{band} {value:.3g}" for band, value in typical.items())
    expected = f"{SCATTERED:g} or more in B1 and B2, and less from each of {', '.join(lows)} to the next"
    if min(counts) < ORDERED_IMAGES:
        few = f"not computed: {min(counts)} images, {ORDERED_IMAGES} are needed"
        yield Finding(ALL_IMAGES, "content", "scattered-light", "note", few, expected)
        return
    faults = [f"too dark in {band}" for band in BLUEST[:2] if typical.get(band, 1) < SCATTERED]
    telling = _with_dark_pixels(pool, min(counts))
    for bluer, redder in pairwise(typical) if telling.sum() >= ORDERED_IMAGES else ():
        ordered = float((lows[bluer] > lows[redder])[telling].mean())
        if ordered < LEAST_ORDERED:
            faults.append(f"{bluer} above {redder} in {100 * ordered:.3g} % of {telling.sum()} images")
    fault = f"{'; '.join(faults)} ({found})" if faults else ""
    remedy = "bands are exchanged, on another scale, or corrected for the atmosphere (level 2A): get the publisher's"
    yield pool_verdict("scattered-light", fault, found, expected, remedy)


def _with_dark_pixels(pool: Pool, count: int) -> np.ndarray:
    """Which of so many images are dark somewhere, bool; all where no band tells."""
    lows = [pool.low[name] for name in map(pool.named, DARK_BANDS) if name and len(pool.low[name]) == count]
    return np.any([low < DARK for low in lows], axis=0) if lows else np.ones(count, dtype=bool)


def radar_parts(pool: Pool) -> Iterator[Finding]:
    """Squares of real and imaginary part make the intensity, but for its filter."""
    faults, told = [], []
    for polarisation in ("VH", "VV"):
        names = [pool.named(f"{polarisation}_{part}") for part in ("re", "im", "intensity")]
        if None in names:
            continue
        real, imaginary, intensity = (pool.sample[name].astype(np.float64) for name in names if name)
        known = np.isfinite(real) & np.isfinite(imaginary) & (intensity > 0)
        if known.sum() < ENOUGH_VALUES:
            continue
        ratio = float(np.median((real**2 + imaginary**2)[known]) / np.median(intensity[known]))
        told.append(f"{polarisation} {ratio:.2g}")
        if not PARTS[0] <= ratio <= PARTS[1]:
            faults.append(told[-1])
    if told:
        expected = f"squared parts of {PARTS[0]:g} to {PARTS[1]:g} times the intensity (medians)"
        remedy = "channels are exchanged, or in another unit (amplitude for intensity): get the publisher's"
        yield pool_verdict("radar-parts", ", ".join(faults), ", ".join(told), expected, remedy)


def _is_raised(product: str) -> bool:
    """Whether a product is of baseline 04.00 or later, by its name: the baseline, or else the date."""
    baseline, date = _BASELINE.search(product), _DATE.search(product)
    if baseline:
        return baseline[1] >= "0400"
    return bool(date and date[1] >= OFFSET_SINCE)
