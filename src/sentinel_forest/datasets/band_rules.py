"""Whether bands are what they are called, told from their values: the order of bands, and bands that are the same."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.values import Pool, alike, better_order
from sentinel_forest.sensors import ATMOSPHERE, DECIBEL

ALL_IMAGES = "(all images)"

ENOUGH_VALUES, MANY_VALUES = 100, 480
"""Sampled values that a rule needs: for a median, and for the fraction of one value."""

ORDER_IMAGES, ORDER_BANDS, ORDER_GAIN = 10, 8, 0.35
"""Images and bands that the order is judged by, and the sum of correlations that another order may gain: 0.33 in real
images of a single place."""

ALIKE, ALIKE_IMAGES = 0.1, 10
"""Fraction of images, and their least number, in which two bands cannot have the same sampled values by chance."""

NEIGHBOURS = (
    ("B1", "B2"),
    ("B2", "B3"),
    ("B3", "B4"),
    ("B4", "B5"),
    ("B6", "B7"),
    ("B7", "B8"),
    ("B8", "B8A"),
    ("B8A", "B9"),
    ("B11", "B12"),
)
"""Bands that resemble each other within every image, in real ones by 0.83 and more in the median. Those on both sides
of the red edge do less; B10 shows no ground, and mostly no contrast at all."""

LEAST_ALIKE, BELIEVED, BLOCK = 0.2, 4.0, 30
"""Median correlation of neighbours within images, by blocks of so many images: 0.66 and more in real ones of a single
place, 0.2 and less with bands of other images, or mirrored ones. A mean that is positive by so many standard errors is
believed all the same."""

CONTRAST = 0.002
"""Standard deviation of reflectance within an image above which a band shows more than noise; calm water shows none."""

ONE_VALUE = 0.2
"""Fraction of pixels that one value can have: 0.11 in real tiles of open sea."""

REPEATED = 0.2
"""Fraction of images that cannot be there twice; a few may."""


def band_order(pool: Pool) -> Iterator[Finding]:
    """Neighbours in wavelength resemble each other more than they would after one band is moved."""
    bands = [
        (band.wavelength, band.name, name)
        for name in pool.of("optical")
        if (band := pool.layers[name].band) and band.wavelength and band.family != ATMOSPHERE
    ]
    names = [name for _, _, name in sorted(bands)]
    counts = {pool.sample[name].shape for name in names}
    images = next(iter(counts))[0] if len(counts) == 1 else 0
    expected = "bands in the published order: neighbours in wavelength resemble each other most"
    if not names or len(counts) > 1:
        return
    if images < ORDER_IMAGES or len(names) < ORDER_BANDS:
        text = f"not computed: {len(names)} bands of {images} images, {ORDER_BANDS} of {ORDER_IMAGES} are needed"
        yield Finding(ALL_IMAGES, "content", "band-order", "note", text, expected)
        return
    table = np.stack([pool.sample[name].reshape(-1) for name in names]).astype(np.float64)
    table = table[:, np.isfinite(table).all(axis=0) & (table != 0).all(axis=0)]
    if table.shape[1] < ENOUGH_VALUES or (table.std(axis=1) == 0).any():
        return
    gain, better = better_order(np.asarray(np.corrcoef(table)))
    text = f"another order gains {gain:.3f} in correlation: {', '.join(names[place] for place in better)}"
    remedy = "the bands are not in the order of the layout: get the publisher's, or put them into it"
    yield pool_verdict("band-order", text if gain > ORDER_GAIN else "", f"{images} images", expected, remedy)


def band_images(pool: Pool) -> Iterator[Finding]:
    """All bands of an image are of the same image: neighbours in wavelength go along with each other within it."""
    names = [(one, other) for pair in NEIGHBOURS if (one := pool.named(pair[0])) and (other := pool.named(pair[1]))]
    names = [pair for pair in names if pool.sample[pair[0]].shape == pool.sample[pair[1]].shape]
    if not names:
        return
    expected = f"correlation of neighbouring bands within images of {LEAST_ALIKE:g} or more (median of {BLOCK})"
    told = {
        f"{one} and {other} {median:.2f} in images {images}": (median, believed)
        for one, other in names
        for images, median, believed in blocks(correlations(pool.sample[one], pool.sample[other]))
    }
    if not told:
        text = f"not computed: no {ORDER_IMAGES} images of {BLOCK} that can tell"
        yield Finding(ALL_IMAGES, "content", "band-images", "note", text, expected)
        return
    faults = [text for text, (median, believed) in told.items() if median < LEAST_ALIKE and not believed]
    found = f"{min(median for median, _ in told.values()):.2f} at least"
    remedy = "a band has the rows of other images, or is turned or mirrored: fetch the files again"
    yield pool_verdict("band-images", _first(faults), found, expected, remedy)


def blocks(correlations: np.ndarray) -> Iterator[tuple[str, float, bool]]:
    """Blocks of images that can tell: which, their median correlation, and whether it is certainly positive."""
    for start in range(0, len(correlations), BLOCK):
        block = correlations[start : start + BLOCK]
        known = block[np.isfinite(block)]
        if len(known) >= ORDER_IMAGES:
            error = float(known.std(ddof=1)) / np.sqrt(len(known))
            believed = bool(known.mean() >= BELIEVED * error)
            yield f"{start} to {start + len(block) - 1}", float(np.median(known)), believed


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of two bands within each image (images, pixels); NaN where one of them shows no contrast."""
    first, second = (values.astype(np.float64) for values in (first, second))
    deviations = [values.std(axis=1) for values in (first, second)]
    deviation = np.where(np.minimum(*deviations) > CONTRAST, np.multiply(*deviations), np.nan)
    return np.asarray(((first * second).mean(axis=1) - first.mean(axis=1) * second.mean(axis=1)) / deviation)


def one_value(pool: Pool) -> Iterator[Finding]:
    """No value stands in many pixels: it would be a fill, or the end of a clipped scale; told only if one does."""
    cirrus = pool.named("B10")
    faults = []
    for names in ([name for name in pool.of("optical") if name != cirrus], pool.of("radar", DECIBEL)):
        if len({pool.sample[name].shape for name in names}) == 1:
            seen = np.any([pool.sample[name] != 0 for name in names], axis=0)
            faults += [text for name in names if (text := _frequent(pool, name, seen))]
    if faults:
        remedy = "values are filled or clipped: fetch the files again"
        yield pool_verdict("one-value", _first(faults), "", "many different values", remedy)


def _frequent(pool: Pool, name: str, seen: np.ndarray) -> str:
    """The value that stands in too many of the pixels that were `seen`; "" if none does."""
    layer, values = pool.layers[name], pool.sample[name][seen]
    values = values[np.isfinite(values)]
    if layer.missing is not None:
        values = values[values != np.float32(layer.missing) * np.float32(layer.factor)]
    if len(values) < MANY_VALUES:
        return ""
    different, counts = np.unique(values, return_counts=True)
    fraction = counts.max() / len(values)
    value = different[counts.argmax()]
    return f"{name} is {value:.4g} at {100 * fraction:.3g} % of the pixels" if fraction > ONE_VALUE else ""


def _first(faults: list[str]) -> str:
    """The first three faults, and how many more there are."""
    return "; ".join(faults[:3]) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")


def same_bands(pool: Pool) -> Iterator[Finding]:
    """No two bands hold the same values; told only if some do."""
    faults = []
    for one, other in combinations([*pool.of("optical"), *pool.of("radar")], 2):
        if pool.sample[one].shape == pool.sample[other].shape:
            same, images = alike(pool.sample[one], pool.sample[other])
            if same >= max(ALIKE_IMAGES, ALIKE * images):
                faults.append(f"{one} and {other} in {same} of {images} images")
    if faults:
        remedy = "a band was written in the place of another: fetch it again"
        yield pool_verdict("same-bands", _first(faults), "", "other values in each band", remedy)


def repeated(pool: Pool) -> Iterator[Finding]:
    """Few images have all sampled values of another one: more were written twice; told only if there are."""
    faults = []
    for kind in ("optical", "radar"):
        names = pool.of(kind)
        if not names or len({pool.sample[name].shape for name in names}) > 1:
            continue
        values = np.concatenate([pool.sample[name] for name in names], axis=1)
        telling = values[np.isfinite(values).all(axis=1) & (values != values[:, :1]).any(axis=1)]
        _, counts = np.unique(telling, axis=0, return_counts=True)
        if (copies := int(counts[counts > 1].sum())) >= max(ALIKE_IMAGES, REPEATED * len(telling)):
            faults.append(f"{copies} of {len(telling)} {kind} images have the values of another one")
    if faults:
        remedy = "images were written more than once, or in the place of others: fetch the files again"
        yield pool_verdict("repeated", "; ".join(faults), "", "images that differ", remedy)


def pool_verdict(check: str, fault: str, found: str, expected: str, remedy: str) -> Finding:
    """What a rule says of all images: the fault, if there is one, else what was found."""
    if not fault:
        return Finding(ALL_IMAGES, "content", check, "ok", found, expected)
    return Finding(ALL_IMAGES, "content", check, "failed", fault, expected, remedy, "kept")
