"""Units, offsets and the order of bands, told from values: one table of rules, and what it says of a release.

`RULES` is the table; the page ``docs/checks.md`` is made from it. Values are pooled over a release, because a single
image may be a desert, a sheet of ice or a cloud; then over each file, split or season of `ENOUGH_IMAGES` or more, whose
fault the others would hide.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sentinel_forest.datasets.alignment import ENOUGH_IMAGES as ENOUGH_PAIRS
from sentinel_forest.datasets.alignment import GAINED, MANY_IMAGES, TURNED, UNRELATED, alignment
from sentinel_forest.datasets.band_rules import (
    ALIKE,
    ALIKE_IMAGES,
    BLOCK,
    ENOUGH_VALUES,
    LEAST_ALIKE,
    MANY_VALUES,
    NEIGHBOURS,
    ONE_VALUE,
    ORDER_BANDS,
    ORDER_GAIN,
    ORDER_IMAGES,
    REPEATED,
    band_images,
    band_order,
    one_value,
    repeated,
    same_bands,
)
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.terms import Layer
from sentinel_forest.datasets.unit_rules import (
    BLUEST,
    CIRRUS,
    DARK,
    DARK_BANDS,
    DISPROVED_BELOW,
    ENOUGH_IMAGES,
    FEW_RAISED,
    LEAST_ORDERED,
    ONE_SIDED,
    ORDERED_IMAGES,
    PARTS,
    POLARISATIONS_DB,
    RAISED_BELOW,
    RAISED_FRACTION,
    REFLECTANCE,
    SCATTERED,
    offset,
    radar_order,
    radar_parts,
    radar_unit,
    reflectance_scale,
    scattered_light,
)
from sentinel_forest.datasets.values import Pool, Values, by_part, pool


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
    """What the rules say about the values of a release; and of each of its parts, where that fails alone.

    Parameters
    ----------
    layers : mapping
        The table of layers of the dataset.
    values : sequence of Values
        Of all its images.
    """
    told = _judged(pool(layers, values))
    failed = {finding.check for finding in told if finding.status == "failed"}
    parts = by_part(values)
    for name, of_part in parts.items() if len(parts) > 1 else ():
        if min(len(value.low) for value in of_part) >= ENOUGH_IMAGES:
            told += [
                replace(finding, file=name)
                for finding in _judged(pool(layers, of_part))
                if finding.status == "failed" and finding.check not in failed
            ]
    return told


def _judged(pooled: Pool) -> list[Finding]:
    told = [finding for rule in RULES if rule.judge for finding in rule.judge(pooled)]
    if any(finding.check == "reflectance-scale" and finding.status == "failed" for finding in told):
        return [finding for finding in told if finding.check != "offset"]  # of another scale, numbers tell of none
    return told


RULES: tuple[Rule, ...] = (
    Rule(
        "radar-unit",
        "lowest value of each image; for complex parts the fraction of values above 0",
        "Sentinel-1: VV, VH in dB; intensities; real and imaginary parts",
        "dB: an image without a value below 0; intensity: a value below 0; parts: under "
        f"{100 * ONE_SIDED:g} % or over {100 - 100 * ONE_SIDED:g} % above 0",
        "of real tiles in dB 0.06 % of the values at most are above 0; power is a square; speckle has a random phase",
        "So2Sat intensities in dB; SEN12MS in linear power; amplitudes in place of complex parts",
        radar_unit,
    ),
    Rule(
        "radar-order",
        f"medians of sampled pixels, {ENOUGH_VALUES} at least",
        "Sentinel-1: VH against VV",
        f"median of VV not {POLARISATIONS_DB[0]:g} to {POLARISATIONS_DB[1]:g} dB above that of VH",
        "cross-polarised backscatter is weaker in C band over land and sea: by 2 to 7 dB in all real tiles of land",
        "VV and VH exchanged; natural logarithms",
        radar_order,
    ),
    Rule(
        "reflectance-scale",
        "mean of sampled pixels of the brightest band, in the unit of the layout",
        "Sentinel-2: all bands",
        f"below {REFLECTANCE[0]:g} or above {REFLECTANCE[1]:g}",
        "eight bits give 0.0255 at most; scattered light alone makes 0.08 in B1 and B2; snow stays below 1.5",
        "reflectance x 10,000 in So2Sat; percent or 8 bits in SEN12MS and CloudSEN12",
        reflectance_scale,
    ),
    Rule(
        "offset",
        "lowest value above 0, by product where its name says baseline 04.00 (or its date is 2022-01-25 or later), "
        f"then by image; without {CIRRUS} over the release",
        f"Sentinel-2: {', '.join((*DARK_BANDS, CIRRUS))}",
        f"no value below {DISPROVED_BELOW:g} in a product so named, or in {FEW_RAISED} images or more (and "
        f"{100 * RAISED_FRACTION:g} %) whose lowest is below {RAISED_BELOW:g}; without "
        f"{CIRRUS} in any band of {ENOUGH_IMAGES} images or more. Fewer images without one are a note",
        "ESA, Sentinel-2 Processing Baseline: 1000 is added to digital numbers from 04.00 on. Real images have 0.0007 "
        "to 0.041 without it, and not below 0.1007 with it; deserts and most full clouds are dark in B10 alone",
        "1000 added to the digital numbers, or 0.1 to the reflectance",
        offset,
    ),
    Rule(
        "band-order",
        "correlation between neighbours in wavelength, against the best order in which one band is moved or two are "
        "exchanged",
        "Sentinel-2 without B1, B9, B10",
        f"another order gains more than {ORDER_GAIN:g} in the sum of correlations; {ORDER_BANDS} bands of "
        f"{ORDER_IMAGES} images at least",
        "real sets of several places gain 0.12 at most and of one place 0.33, exchanged bands that are no neighbours "
        "mostly 0.2 to 3; a reversed order, and neighbours such as B8 and B8A, cannot be told",
        "B2 and B12 exchanged; B8A behind B12",
        band_order,
    ),
    Rule(
        "scattered-light",
        "lowest value above 0 of each image",
        f"Sentinel-2, level 1C: {', '.join(BLUEST)}",
        f"median below {SCATTERED:g} in B1 or B2; or a band above the next one in under {100 * LEAST_ORDERED:g} % of "
        f"the images that are below {DARK:g} somewhere in {', '.join(DARK_BANDS)}; {ORDERED_IMAGES} images at least",
        "scattered light is strongest in the blue: real images of level 1C have 0.07 and more in B2, and the order in "
        "80 % to all images. Its correction (level 2A) takes it away",
        "level 2A in place of 1C; reflectance / 2 and less, or one band of another scale; RGB for BGR",
        scattered_light,
    ),
    Rule(
        "band-images",
        "correlation of neighbouring bands within each image",
        f"Sentinel-2: {', '.join('-'.join(pair) for pair in NEIGHBOURS)}",
        f"median below {LEAST_ALIKE:g} in {BLOCK} images one after another",
        "real images have 0.83 and more in the median, those of a single place 0.66; bands of other images or mirrored "
        "ones 0.2 and less",
        "a band whose rows are moved by one; a row lost in one file; a mirrored band",
        band_images,
    ),
    Rule(
        "one-value",
        "most frequent of the sampled values of a band, pixels that are 0 in all bands apart",
        "Sentinel-2 without B10; Sentinel-1 in dB",
        f"more than {100 * ONE_VALUE:g} % of the pixels, {MANY_VALUES} at least",
        "11 % in real tiles of open sea, 4 % elsewhere",
        "reflectance clipped at 0.3; one band without its lower half",
        one_value,
    ),
    Rule(
        "radar-parts",
        "medians of the squared parts and of the intensity",
        "So2Sat: sen1",
        f"squares not {PARTS[0]:g} to {PARTS[1]:g} times the intensity",
        "the intensity is the filtered square of the amplitude: 0.7 times as large with speckle alone",
        "amplitude in place of intensity; parts in another order",
        radar_parts,
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
        "alignment",
        "how far pixels that differ in one also differ in the other (Mantel correlation within each image, 16 pixels), "
        "as stored, with one turned or mirrored, and with that of another image",
        "labels of pixels, and Sentinel-1, against Sentinel-2",
        f"turned or mirrored it is larger by {GAINED:g} (t above {TURNED:g}, {ENOUGH_PAIRS} images or more); or "
        f"that of other images is as large (t below {UNRELATED:g}, {MANY_IMAGES} images or more)",
        "Mantel 1967; in 88 real patches Sentinel-1 and 2 have 0.17 as stored and 0.06 at most turned",
        "all images mirrored; labels in another order than the images",
        alignment,
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
