"""The units of values, and offsets: whether values can be what the layout says of them."""

import re
from collections.abc import Iterator

import numpy as np

from sentinel_forest.datasets.band_rules import ALL_IMAGES, ENOUGH_VALUES, pool_verdict
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.values import Pool
from sentinel_forest.sensors import AMPLITUDE, DECIBEL, SENTINEL_1

REFLECTANCE = (0.026, 1.5)
"""Mean reflectance of the brightest band: above what eight bits times 1e-4 can give; below what snow gives."""

DARK_BANDS = ("B8", "B11", "B12")
"""Water, shadow and wet ground are darker in them than the offset in nearly every image."""

OFFSET = 0.1
"""Added to reflectance from processing baseline 04.00 on: 1000 digital numbers."""

DISPROVED_BELOW = 0.9 * OFFSET
"""Reflectance that no raised image has, noise included."""

OFFSET_SINCE = "20220125"
"""First day of baseline 04.00 (ESA, Sentinel-2 Processing Baseline)."""

ENOUGH_IMAGES = 30
"""Images of which one should show a dark pixel, if nothing was added."""

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


_INTENSITIES = (SENTINEL_1["VH_intensity"], SENTINEL_1["VV_intensity"])


def _one_sided(sample: np.ndarray) -> str:
    values = sample[np.isfinite(sample) & (sample != 0)]
    if len(values) < ENOUGH_VALUES:
        return ""
    positive = float((values > 0).mean())
    return "" if ONE_SIDED <= positive <= 1 - ONE_SIDED else f"{100 * positive:.3g} % of the values are above 0"


def radar_order(pool: Pool) -> Iterator[Finding]:
    """Cross-polarised backscatter (VH) is weaker than co-polarised (VV)."""
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
        remedy = "the two polarisations are exchanged: put them into the published order"
        yield pool_verdict("radar-order", "" if weak < strong else text, text, f"{cross} below {co}", remedy)


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
    others = dark[~raised & np.isfinite(dark)]
    if not others.size:
        return
    text = f"lowest value {others.min():.4g} in {len(others)} images"
    if others.min() >= DISPROVED_BELOW and len(others) < ENOUGH_IMAGES:
        what = f"cannot be told: {text}, too few to say"
        yield Finding(ALL_IMAGES, "content", "offset", "note", what, expected, "look at the baseline of the products")
    else:
        yield pool_verdict("offset", text if others.min() >= DISPROVED_BELOW else "", text, expected, remedy)


def _is_raised(product: str) -> bool:
    """Whether a product is of baseline 04.00 or later, by its name: the baseline, or else the date."""
    baseline, date = _BASELINE.search(product), _DATE.search(product)
    if baseline:
        return baseline[1] >= "0400"
    return bool(date and date[1] >= OFFSET_SINCE)
