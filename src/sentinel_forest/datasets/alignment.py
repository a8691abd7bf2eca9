"""Whether labels, radar and optical images lie upon each other, told from a few pixels of each image.

Pixels that differ in what they show differ in their labels more often than others do, and in radar as well. The
correlation of the two kinds of differences within an image is that of Mantel (1967, "The detection of disease
clustering and a generalized regression approach", Cancer Research 27).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import isqrt, sqrt

import numpy as np

from sentinel_forest.datasets.band_rules import ALL_IMAGES, pool_verdict
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.values import Pool
from sentinel_forest.sensors import POWER

ENOUGH_IMAGES, TURNED, GAINED = 30, 5.0, 0.03
"""Images whose agreement tells of a turn; the t value from which on it is no chance; and how much must be gained, since
patches that overlap are not independent."""

CLEAR = 2.0
"""The t value by which the agreement as stored must exceed all others for the check to be passed."""

MANY_IMAGES, UNRELATED = 300, 3.0
"""Images whose agreement must exceed that with other images, and the t value below which it does not."""

STRUCTURE = 0.06
"""Agreement of VV and VH from which on radar images show more than speckle: 0.1 to 0.4 over land, 0.03 over sea."""

BRIGHTNESS = ("VV", "VH", "VV_intensity", "VH_intensity")
"""Bands of Sentinel-1 that show how bright the ground is."""

_TURNS = (
    "as stored",
    "turned by 90 degrees",
    "turned by 180 degrees",
    "turned by 270 degrees",
    "mirrored in the main diagonal",
    "mirrored upside down",
    "mirrored in the other diagonal",
    "mirrored left to right",
)
"""What `np.rot90` makes of an image, by 0 to 3 quarters; then of the image with rows and columns exchanged."""


def alignment(pool: Pool) -> Iterator[Finding]:
    """Labels and radar agree with optical images as stored, more than after a turn and more than with other images."""
    optical, radar = pool.of("optical"), [name for band in BRIGHTNESS if (name := pool.named(band))]
    if not (pool.paired and optical):
        return
    others, related = {}, {"labels", "Sentinel-1"}
    if pool.labels is not None:
        others["labels"] = _unlike(pool.labels)
    if radar:
        others["Sentinel-1"] = _distances(pool, radar)
        if not _has_structure(pool, radar):
            related.discard("Sentinel-1")
    images = _distances(pool, optical)
    compared = {name: _Agreement.of(images, differences) for name, differences in others.items()}
    expected = "agreement with Sentinel-2 larger as stored than turned, or with other images"
    faults = [f"{name}: {fault}" for name, each in compared.items() if (fault := each.fault(name in related))]
    told = {name: each for name, each in compared.items() if each.count >= ENOUGH_IMAGES}
    text = "; ".join(f"{name}: {each}" for name, each in told.items())
    if faults or (told and all(each.is_clear() for each in told.values())):
        remedy = "images and labels do not lie upon each other, or are of other rows: fetch the files again"
        yield pool_verdict("alignment", "; ".join(faults), text, expected, remedy)
    elif compared:
        most = max(each.count for each in compared.values())
        few = f"not computed: {most} images that can tell, {ENOUGH_IMAGES} are needed"
        yield Finding(ALL_IMAGES, "content", "alignment", "note", f"cannot be told: {text}" if told else few, expected)


@dataclass(frozen=True)
class _Agreement:
    """How far differences within images go along with others: as stored and turned (8, images), and with other images.

    `other` (images,) compares each image with the differences of the one half of all further on.
    """

    turned: np.ndarray
    other: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray, differences: np.ndarray) -> "_Agreement":
        """Mantel correlations of differences (images, pairs of pixels); images of one value are left out."""
        first, second = _standard(images), _standard(differences)
        telling = np.isfinite(first[:, 0]) & np.isfinite(second[:, 0])
        first, second = first[telling], second[telling]
        turned = [np.einsum("ij,ij->i", first, second[:, order]) for order in _turned_pairs(images.shape[1])]
        return cls(np.stack(turned), np.einsum("ij,ij->i", first, np.roll(second, len(second) // 2, axis=0)))

    @property
    def count(self) -> int:
        """Images that can tell."""
        return len(self.other)

    def fault(self, related: bool) -> str:
        """What is wrong; "" if nothing is, or too few images can tell; `related` if there must be an agreement."""
        if self.count < ENOUGH_IMAGES:
            return ""
        means = self.turned.mean(axis=1)
        best, stored = int(means.argmax()), means[0]
        if means[best] > stored + GAINED and _t(self.turned[best] - self.turned[0]) > TURNED:
            return f"agreement {means[best]:.2f} {_TURNS[best]}, {stored:.2f} as stored ({self.count} images)"
        if related and self.count >= MANY_IMAGES and _t(self.turned[0] - self.other) < UNRELATED:
            return f"agreement {stored:.2f}, and {self.other.mean():.2f} with other images ({self.count} images)"
        return ""

    def is_clear(self) -> bool:
        """Whether the agreement as stored exceeds that of each turn by more than chance."""
        return min(_t(self.turned[0] - turned) for turned in self.turned[1:]) >= CLEAR

    def __str__(self) -> str:
        turned = self.turned[1:].mean(axis=1).max()
        return f"agreement {self.turned[0].mean():.2f} as stored, {turned:.2f} turned ({self.count} images)"


def _has_structure(pool: Pool, radar: Sequence[str]) -> bool:
    """Whether two polarisations agree within images: they do over land, and hardly over the open sea."""
    if len(radar) < 2:
        return True
    return bool(_Agreement.of(*(_distances(pool, [name]) for name in radar[:2])).turned[0].mean() >= STRUCTURE)


def _distances(pool: Pool, names: Sequence[str]) -> np.ndarray:
    """Distance of each two pixels of an image over some layers, in their standard deviations; NaN if one is missing.

    float64 (images, pairs); backscatter in dB.
    """
    layers = [_measured(pool, name) for name in names]
    missing = ~np.isfinite(layers).all(axis=(0, 2)) | ~np.any(layers, axis=0).all(axis=1)
    first, second = np.triu_indices(layers[0].shape[1], 1)
    squares = np.zeros((len(layers[0]), len(first)))
    for values in layers:
        values[missing] = 0  # infinite ones among them
        deviation = values[~missing].std() if not missing.all() else 0.0
        if deviation:
            squares += ((values[:, first] - values[:, second]) / deviation) ** 2
    squares[missing] = np.nan
    return np.sqrt(squares)


def _measured(pool: Pool, name: str) -> np.ndarray:
    """Sampled values (images, pixels) of a layer, float64: NaN where missing, power in dB."""
    layer, values = pool.layers[name], pool.sample[name].astype(np.float64)
    if layer.missing is not None:
        values[pool.sample[name] == np.float32(layer.missing) * np.float32(layer.factor)] = np.nan
    if layer.band is None or layer.band.unit != POWER:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(10 * np.log10(values))


def _unlike(labels: np.ndarray) -> np.ndarray:
    """Whether each two pixels of an image have other labels: float64 (images, pairs)."""
    first, second = np.triu_indices(labels.shape[1], 1)
    return np.asarray(labels[:, first] != labels[:, second], dtype=np.float64)


def _standard(values: np.ndarray) -> np.ndarray:
    """Rows with zero mean and unit length; NaN where all values are the same."""
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", centred, centred))
    return np.asarray(centred / np.where(length > 1e-9, length, np.nan)[:, None])


@cache
def _turned_pairs(pairs: int) -> tuple[np.ndarray, ...]:
    """For each of `_TURNS`, the pairs of pixels of a grid that come to lie in the places of all pairs."""
    pixels = (1 + isqrt(1 + 8 * pairs)) // 2
    grid = np.arange(pixels).reshape(isqrt(pixels), -1)
    first, second = np.triu_indices(pixels, 1)
    pair = np.zeros((pixels, pixels), dtype=np.int64)
    pair[first, second] = pair[second, first] = np.arange(pairs)
    turned = [np.rot90(image, quarters).reshape(-1) for image in (grid, grid.T) for quarters in range(4)]
    return tuple(pair[places[first], places[second]] for places in turned)


def _t(values: np.ndarray) -> float:
    """Mean over its standard error; 0 where there is no deviation."""
    deviation = values.std(ddof=1)
    return float(values.mean() / deviation * sqrt(len(values))) if deviation else 0.0
