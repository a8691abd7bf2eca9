"""Units, offsets and the order of bands, told from values: one table of rules, and what it says of a release.

`RULES` is the table; the page ``docs/checks.md`` is made from it. Values are pooled over a release: a single image
may be a desert, a sheet of ice or a cloud.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sentinel_forest.datasets.band_rules import (
    ALIKE,
    ALIKE_IMAGES,
    ALL_IMAGES,
    ENOUGH_VALUES,
    ORDER_BANDS,
    ORDER_GAIN,
    ORDER_IMAGES,
    REPEATED,
    band_order,
    pool_verdict,
    repeated,
    same_bands,
)
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.terms import Layer
from sentinel_forest.datasets.values import Pool, Values, pool
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


@dataclass(frozen=True)
class Rule:
    """A row of the table.

    Parameters
    ----------
    check : str
        Name of the check, by which it can be accepted.
    computed, bands, threshold, source, trips : str
        For people: what is computed, on which bands, from where on it fails, why, and what trips it.
    judge : callable, optional
        What a pool of values says; without, the module `judged_in` applies the rule where it reads.
    judged_in : str
        Which.
    """

    check: str
    computed: str
    bands: str
    threshold: str
    source: str
    trips: str
    judge: Callable[[Pool], Iterator[Finding]] | None = None
    judged_in: str = ""


def findings(layers: Mapping[str, Layer], values: Sequence[Values]) -> list[Finding]:
    """What the rules say about the values of a release.

    Parameters
    ----------
    layers : mapping
        The table of layers of the dataset.
    values : sequence of Values
        Of all its images.
    """
    pooled = pool(layers, values)
    return [finding for rule in RULES if rule.judge for finding in rule.judge(pooled)]


def _radar_unit(pool: Pool) -> Iterator[Finding]:
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


def _radar_order(pool: Pool) -> Iterator[Finding]:
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


def _reflectance_scale(pool: Pool) -> Iterator[Finding]:
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


def _offset(pool: Pool) -> Iterator[Finding]:
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


RULES: tuple[Rule, ...] = (
    Rule(
        "radar-unit",
        "lowest value of each image; for complex parts the fraction of values above 0",
        "Sentinel-1: VV, VH in dB; intensities; real and imaginary parts",
        "dB: an image without a value below 0; intensity: a value below 0; parts: under "
        f"{100 * ONE_SIDED:g} % or over {100 - 100 * ONE_SIDED:g} % above 0",
        "of real tiles in dB 0.06 % of the values at most are above 0; power is a square; speckle has a random phase",
        "So2Sat intensities in dB; SEN12MS in linear power; amplitudes in place of complex parts",
        _radar_unit,
    ),
    Rule(
        "radar-order",
        f"medians of sampled pixels, {ENOUGH_VALUES} at least",
        "Sentinel-1: VH against VV",
        "median of VH above that of VV",
        "cross-polarised backscatter is weaker in C band over land and sea: by 2 dB and more in all real tiles",
        "VV and VH exchanged",
        _radar_order,
    ),
    Rule(
        "reflectance-scale",
        "mean of sampled pixels of the brightest band, in the unit of the layout",
        "Sentinel-2: all bands",
        f"below {REFLECTANCE[0]:g} or above {REFLECTANCE[1]:g}",
        "eight bits give 0.0255 at most; scattered light alone makes 0.08 in B1 and B2; snow stays below 1.5",
        "reflectance x 10,000 in So2Sat; percent or 8 bits in SEN12MS and CloudSEN12",
        _reflectance_scale,
    ),
    Rule(
        "offset",
        "lowest value above 0, by product where its name says baseline 04.00 (or its date is 2022-01-25 or later), "
        "else over the release",
        f"Sentinel-2: {', '.join(DARK_BANDS)}",
        f"no value below {DISPROVED_BELOW:g} in a product so named, or in {ENOUGH_IMAGES} images or more; fewer images "
        "without one are a note",
        "ESA, Sentinel-2 Processing Baseline: 1000 is added to digital numbers from 04.00 on. Real images have 0.0007 "
        "to 0.016 without it, and not below 0.1007 with it; a desert or a full cloud has no dark pixel",
        "1000 added to the digital numbers, or 0.1 to the reflectance",
        _offset,
    ),
    Rule(
        "band-order",
        "correlation between neighbours in wavelength, against the best order in which one band is moved or two are "
        "exchanged",
        "Sentinel-2 without B1, B9, B10",
        f"another order gains more than {ORDER_GAIN:g} in the sum of correlations; {ORDER_BANDS} bands of "
        f"{ORDER_IMAGES} images at least",
        "four real sets gain 0.12 at most, exchanged bands that are no neighbours mostly 0.2 to 3; a reversed order, "
        "and neighbours such as B8 and B8A, cannot be told",
        "B2 and B12 exchanged; B8A behind B12",
        band_order,
    ),
    Rule(
        "same-bands",
        "sampled values of each image in two bands",
        "Sentinel-1 and Sentinel-2: all bands",
        f"the same in {100 * ALIKE:g} % of the images, {ALIKE_IMAGES} at least",
        "two bands are never equal in all sampled pixels of an image that has more than one value",
        "B3 written in the place of B4",
        same_bands,
    ),
    Rule(
        "repeated",
        "sampled values of all bands of a sensor, against those of the other images",
        "Sentinel-1 and Sentinel-2: all bands",
        f"{100 * REPEATED:g} % of the images, {ALIKE_IMAGES} at least, have those of another one",
        "two images are never equal; a few published ones are there twice, which the ledger of a split counts",
        "one image written into all rows; a block of rows written twice",
        repeated,
    ),
    Rule(
        "range",
        "lowest and highest value of a tile, or of a layer",
        "SEN12MS: s1, s2; CloudSEN12: images, S1_VV, S1_VH, S1_angle, EXTRA and TCI layers; So2Sat: sen1, sen2",
        "outside of what the unit allows: -90 to 50 dB, 0 to 32767 (So2Sat: 0 to 6.5535, sen1 below 1e6), "
        "angles of 15 to 60 degrees, 0 to 100 %",
        "16 bits; Sentinel-1 looks at 29 to 46 degrees in wide swath",
        "dB x 100 in int16; angles in radians; negative reflectance",
        judged_in="content of each dataset",
    ),
    Rule(
        "numbers",
        "each number of metadata.csv",
        "CloudSEN12: azimuth and elevation of the sun, off-nadir angle, difficulty, land cover, side",
        "no number, or outside of 0 to 360, 0 to 90 and 0 to 15 degrees, 1 to 5, 0 to 200, 1 to 10980",
        "what the columns are, by the authors' table",
        "an infinite azimuth; a decimal comma",
        judged_in="cloudsen12.facts",
    ),
    Rule(
        "codes",
        "codes of all pixels of a label",
        "CloudSEN12: LABEL layers",
        "a code that is not documented",
        "documents of the algorithms; published encodings",
        "a label of 4 in manual_hq",
        judged_in="cloudsen12.content",
    ),
    Rule(
        "classes",
        "codes of all pixels of a label",
        "SEN12MS: lc, dfc",
        "a code that is not documented; of two schemes whose lists are not confirmed it is a note",
        "MCD12Q1 Collection 6 user guide; DFC2020 baseline",
        "an IGBP class of 18",
        judged_in="sen12ms.content",
    ),
    Rule(
        "one-hot",
        "each row of the label",
        "So2Sat: label",
        "not one 1 and sixteen 0",
        "published layout",
        "a row of zeros",
        judged_in="so2sat.content",
    ),
    Rule(
        "igbp-lccs",
        "pixels that are water in both of two bands, among those that are water in one of them",
        "SEN12MS: lc, IGBP 17 and LCCS 3",
        "less than 90 %, from 1000 pixels on",
        "both are made from the same observations: 100 % agree in tiles, none after a shift of the classes",
        "IGBP classes written from 0 on",
        judged_in="sen12ms.checks",
    ),
)
"""The table of rules."""
