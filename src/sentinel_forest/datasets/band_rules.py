"""Whether bands are what they are called, told from their values: the order of bands, and bands that are the same."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.values import Pool, alike, better_order
from sentinel_forest.sensors import ATMOSPHERE

ALL_IMAGES = "(all images)"

ENOUGH_VALUES = 100
"""Sampled values that a rule needs."""

ORDER_IMAGES, ORDER_BANDS, ORDER_GAIN = 10, 8, 0.15
"""Images and bands that the order is judged by, and the sum of correlations that another order may gain."""

ALIKE, ALIKE_IMAGES = 0.1, 10
"""Fraction of images, and their least number, in which two bands cannot have the same sampled values by chance."""

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


def same_bands(pool: Pool) -> Iterator[Finding]:
    """No two bands hold the same values; told only if some do."""
    faults = []
    for one, other in combinations([*pool.of("optical"), *pool.of("radar")], 2):
        if pool.sample[one].shape == pool.sample[other].shape:
            same, images = alike(pool.sample[one], pool.sample[other])
            if same >= max(ALIKE_IMAGES, ALIKE * images):
                faults.append(f"{one} and {other} in {same} of {images} images")
    if faults:
        more = f"; and {len(faults) - 3} more pairs" if len(faults) > 3 else ""
        remedy = "a band was written in the place of another: fetch it again"
        yield pool_verdict("same-bands", "; ".join(faults[:3]) + more, "", "other values in each band", remedy)


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
