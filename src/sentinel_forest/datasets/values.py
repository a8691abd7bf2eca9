"""What images show of their values while their bytes pass by: the lowest ones, and a few pixels of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations

import numpy as np

from sentinel_forest.datasets.terms import Layer

SAMPLED_IMAGES = 4096
"""Images of a part that are sampled at most: of a file the first, since files are shuffled."""

SAMPLED_ACROSS = 4
"""Pixels across an image whose values are kept."""


@dataclass(frozen=True, eq=False)
class Values:
    """What some images show in some layers.

    Values of one part that come from different sensors are of the same images, in the same order.

    Parameters
    ----------
    part : str
        File or folder of the release that the images are in.
    layers : tuple of str
        Layers of the dataset.
    low : ndarray
        float32 (images, layers): the lowest stored value; of optical layers the lowest above 0. NaN if there is none.
    sample : ndarray
        float32 (images or fewer, layers, pixels): stored values of some pixels, the same in all layers.
    products : tuple of str
        Product of each image; none where products are not published.
    labels : ndarray, optional
        (images or fewer, pixels): codes of the labels of the sampled pixels, where each pixel has one.
    """

    part: str
    layers: tuple[str, ...]
    low: np.ndarray
    sample: np.ndarray
    products: tuple[str, ...] = ()
    labels: np.ndarray | None = None


@dataclass(frozen=True)
class Pool:
    """Values of a release in physical units, by layer.

    `low` (images,) and `sample` (images, pixels) of each layer; `products` is that of each image, "" unknown.
    Layers of one sensor have as many images as `products` has, or other sensors their own number. `labels`
    (images, pixels) are codes; `paired` says whether the samples of all sensors, and the labels, are of the same
    images.
    """

    layers: Mapping[str, Layer]
    low: Mapping[str, np.ndarray]
    sample: Mapping[str, np.ndarray]
    products: tuple[str, ...]
    labels: np.ndarray | None
    paired: bool

    def of(self, kind: str, unit: str | None = None) -> list[str]:
        """Layers of a kind of band, in the order of the table of layers."""
        return [
            name
            for name in self.low
            if (band := self.layers[name].band) and band.kind == kind and (unit is None or band.unit == unit)
        ]

    def named(self, band: str) -> str | None:
        """The layer that holds a band."""
        return next((name for name in self.low if (held := self.layers[name].band) and held.name == band), None)


def pool(layers: Mapping[str, Layer], values: Sequence[Values]) -> Pool:
    """Values as physical quantities; those of the same layers are joined."""
    low: dict[str, list[np.ndarray]] = {}
    sample: dict[str, list[np.ndarray]] = {}
    products: list[str] = []
    labels = [part.labels for part in values if part.labels is not None]
    for part in values:
        for place, name in enumerate(part.layers):
            factor = np.float32(layers[name].factor)
            low.setdefault(name, []).append(part.low[:, place] * factor)
            sample.setdefault(name, []).append(part.sample[:, place] * factor)
        if any((band := layers[name].band) and band.kind == "optical" for name in part.layers):
            products += part.products or [""] * len(part.low)
    order = [name for name in layers if name in low]
    lows = {name: np.concatenate(low[name]) for name in order}
    samples = {name: np.concatenate(sample[name]) for name in order}
    codes = np.concatenate(labels) if labels and len(labels) == len(by_part(values)) else None
    return Pool(layers, lows, samples, tuple(products), codes, _are_paired(values))


def by_part(values: Sequence[Values]) -> dict[str, list[Values]]:
    """The values of each part."""
    parts: dict[str, list[Values]] = {}
    for each in values:
        parts.setdefault(each.part, []).append(each)
    return parts


def _are_paired(values: Sequence[Values]) -> bool:
    """Whether all parts have the same layers, and of all layers, and labels, the same number of images."""
    parts = by_part(values).values()
    layers = {frozenset(name for each in part for name in each.layers) for part in parts}
    counts = [{len(seen) for each in part for seen in (each.sample, each.labels) if seen is not None} for part in parts]
    return len(layers) == 1 and all(len(numbers) == 1 for numbers in counts)


FITTING = 12 << 10
"""Bytes of partial results that stay in the processor's first cache."""


def fold(pixels: np.ndarray, ufunc: np.ufunc) -> np.ndarray:
    """Reduce images (images, pixels, bands) to (images, bands): parts of an image upon each other, which is fast."""
    images, count, bands = pixels.shape
    for parts in _parts(count, bands * pixels.itemsize):
        count //= parts
        pixels = ufunc.reduce(pixels.reshape(images, parts, count * bands), axis=1)
    return pixels.reshape(images, bands)


@cache
def _parts(count: int, size: int) -> tuple[int, ...]:
    """Into how many parts the pixels of an image, of `size` bytes each, are cut at a time, until one is left."""
    first = next(parts for parts in range(1, count + 1) if count % parts == 0 and count // parts * size <= FITTING)
    rest = count // first
    return (first, rest // 8, 8) if rest % 8 == 0 else (first, rest)


def lowest_above_zero(pixels: np.ndarray, low: np.ndarray) -> np.ndarray:
    """The lowest value above 0 of each image and band.

    Parameters
    ----------
    pixels : ndarray
        (images, pixels, bands).
    low : ndarray
        (images, bands): the lowest values, 0 or less where the pixels need a look.

    Returns
    -------
    ndarray
        float32 (images, bands), NaN where no value is above 0.
    """
    lowest = low.astype(np.float32)
    unclear = ~(low > 0)
    for image, band in np.argwhere(unclear) if unclear.any() else ():
        values = pixels[image, :, band]
        above = values[values > 0]
        lowest[image, band] = above.min() if above.size else np.nan
    return lowest


@cache
def grid(side: int, across: int) -> np.ndarray:
    """Flat indices of a grid of pixels in an image of `side` x `side`: int64 (across * across,), to be read.

    The grid is the same in a turned or mirrored image.

    Examples
    --------
    >>> grid(8, 2).tolist()
    [18, 21, 42, 45]
    """
    lines = (2 * np.arange(across) + 1) * side // (2 * across)
    lines[across - across // 2 :] = (side - 1 - lines[: across // 2])[::-1]
    return (lines[:, None] * side + lines).reshape(-1)


def spread(count: int, most: int) -> np.ndarray:
    """Indices of at most `most` of `count` images, evenly spread: int64.

    Examples
    --------
    >>> spread(10, 4).tolist()
    [0, 2, 5, 7]
    """
    return np.arange(count) if count <= most else np.arange(most) * count // most


def stacked(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays (images, pixels) of single layers as one (images, layers, pixels), float32."""
    return np.stack([part.astype(np.float32) for part in parts], axis=1)


def alike(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    """In how many images two layers have the same sampled values, and how many images can tell.

    An image of one value, and values that are missing, tell nothing.

    Parameters
    ----------
    first, second : ndarray
        (images, pixels).
    """
    telling = np.isfinite(first).all(axis=1) & (first != first[:, :1]).any(axis=1)
    return int((first[telling] == second[telling]).all(axis=1).sum()), int(telling.sum())


def better_order(correlation: np.ndarray) -> tuple[float, list[int]]:
    """The order with the largest sum of correlations between neighbours that moving or swapping bands gives.

    Parameters
    ----------
    correlation : ndarray
        float64 (bands, bands), in the order in which the bands are said to be.

    Returns
    -------
    (float, list of int)
        What it gains over the given order, and the order.
    """
    count = len(correlation)
    given = list(range(count))

    def smooth(order: list[int]) -> float:
        return float(correlation[order[:-1], order[1:]].sum())

    orders = []
    for first, second in combinations(range(count), 2):
        swapped = given.copy()
        swapped[first], swapped[second] = second, first
        orders.append(swapped)
    for source, target in permutations(range(count), 2):
        moved = given.copy()
        moved.insert(target, moved.pop(source))
        orders.append(moved)
    best = max(orders, key=smooth)
    return smooth(best) - smooth(given), best
