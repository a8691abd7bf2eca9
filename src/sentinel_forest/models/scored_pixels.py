"""Which pixels of a held-out patch are scored: all of them, or a seeded sample, stratified by true class."""

from collections.abc import Iterable

import numpy as np

from sentinel_forest.io import checksums

ALL_PIXELS = "all"
"""Of a scored patch, every pixel with known truth counts."""


def sample_of(pixels: int | str) -> str:
    """What tables say of scores from a sample: ``sample of N``, N pixels of a patch."""
    return f"sample of {pixels}"


def allocate(totals: np.ndarray, pixels: int) -> np.ndarray:
    """Number of pixels to draw of each class of each patch: int64 (patches, classes).

    One of each class first; a third of the others is parted equally between the classes that a patch has, the rest
    in proportion to their pixels. So rare classes are known well enough for metrics of a patch, and frequent ones
    for overall accuracy. A class that has less than its part gives all its pixels, and the others give what it
    lacks, in proportion to what they have left; so a patch gives `pixels` pixels, or all that it has. (It gives
    more only where it has more classes.)

    Parameters
    ----------
    totals : ndarray
        int64 (patches, classes): pixels of each class.
    pixels : int
        Pixels of a patch.
    """
    whole = totals.sum(axis=1, keepdims=True)
    present = np.maximum((totals > 0).sum(axis=1, keepdims=True), 1)
    rest = np.maximum(pixels - present, 0)  # one of each class is drawn anyway
    part = 1 + rest / 3 * (1 / present + 2 * totals / np.maximum(whole, 1))
    drawn = np.minimum(totals, part.astype(np.int64))
    drawn += _shared_out(totals - drawn, np.maximum(pixels - drawn.sum(axis=1, keepdims=True), 0))
    return np.where(whole <= pixels, totals, drawn)


def _shared_out(left: np.ndarray, lacking: np.ndarray) -> np.ndarray:
    """`lacking` pixels (patches, 1) out of those that are `left` (patches, classes), in proportion to them."""
    lacking = np.minimum(lacking, left.sum(axis=1, keepdims=True))
    given = left * lacking // np.maximum(left.sum(axis=1, keepdims=True), 1)
    order = np.argsort(given - left, axis=1, kind="stable")  # what rounding leaves over: one each, the largest first
    rank = np.argsort(order, axis=1, kind="stable")
    return np.asarray(given + (rank < lacking - given.sum(axis=1, keepdims=True)))


def count_classes(labels: np.ndarray, classes: int) -> np.ndarray:
    """Pixels of each class: int64 (patches, classes), of `labels`, uint8 (patches, pixels); others do not count."""
    return np.array([np.bincount(row, minlength=256)[:classes] for row in labels], np.int64).reshape(-1, classes)


def draw_pixels(labels: np.ndarray, patches: Iterable[str], totals: np.ndarray, pixels: int, seed: int) -> np.ndarray:
    """Draw pixels without replacement, as many of each class as `allocate` says.

    Each pixel of a patch has a random number of its own, and those with the smallest are drawn. So feature sets and
    reference algorithms that answer for the same pixels are scored on the same sample.

    Parameters
    ----------
    labels : ndarray
        uint8 (patches, pixels): class of each pixel; other codes are not drawn.
    patches : iterable of str
        Ids of the patches: each has a draw of its own, whatever is beside it.
    totals : ndarray
        See `count_classes`.
    pixels, seed : int
        Pixels of a patch; same seed, same sample.

    Returns
    -------
    ndarray
        bool (patches, pixels).
    """
    chosen = np.zeros(labels.shape, dtype=bool)
    for row, (patch, numbers) in enumerate(zip(patches, allocate(totals, pixels), strict=True)):
        generator = np.random.default_rng(checksums.seed(seed, "scored pixels", str(patch)))
        order = np.asarray(generator.random(labels.shape[1]))
        for code, number in enumerate(numbers.tolist()):
            places = np.flatnonzero(labels[row] == code)
            if number < len(places):
                places = places[np.argpartition(order[places], number)[:number]]
            chosen[row, places] = True
    return chosen
