"""The content of image files: what the rows of their datasets show."""

import hashlib
from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import OPTICAL, RADAR, File, Finding, hash_table, is_measured, unmeasured_finding
from sentinel_forest.datasets.findings import LONG_RUN
from sentinel_forest.datasets.hashing import row_hashes
from sentinel_forest.datasets.so2sat.checks import note, verdict
from sentinel_forest.datasets.so2sat.layout import SIDE
from sentinel_forest.datasets.so2sat.reader import is_one_hot, row_text
from sentinel_forest.datasets.so2sat.vocabulary import CHANNELS, CLASSES, SAR
from sentinel_forest.datasets.values import SAMPLED_ACROSS, SAMPLED_IMAGES, Values, fold, grid, lowest_above_zero

LARGEST_REFLECTANCE = 6.5535
"""Largest 16-bit digital number / 10,000."""

LARGEST_BACKSCATTER = 1e6
"""Outliers of the published files are below 6,000; no power in linear units is near this."""

KINDS = {"sen1": RADAR, "sen2": OPTICAL}

TOLERANCE = 0.01
"""Difference from a published mean or deviation that passes, in standard deviations (fact `tolerance`)."""


UNPUBLISHED = "not compared: none are published of this file"
"""Stands for what is published in the findings on a file of which nothing is."""

MANY_CONSTANT = 0.1
"""Fraction of patches in which an optical channel of one value is no chance."""

_SAMPLED = grid(SIDE, SAMPLED_ACROSS)
"""Pixels of a patch whose values are kept."""

_BESIDE = 256
"""Pixels that are reduced beside each other: many enough for the processor's vectors, few enough for its caches."""


class _Places:
    """How many channels of patches show something, and which were the first; nothing more is kept."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.channels, self.count = channels, 0
        self.by_channel = [0] * len(channels)
        self.first: list[str] = []

    def add(self, row: int, channel: int) -> None:
        self.count += 1
        self.by_channel[channel] += 1
        if self.count <= 5:
            self.first.append(f"row {row} {self.channels[channel]}")

    def text(self) -> str:
        """Blank if there was none."""
        more = ", ..." if self.count > len(self.first) else ""
        return f"{self.count} patch channels: {', '.join(self.first)}{more}" if self.count else ""


class Pixels:
    """What the rows of ``sen1`` or ``sen2`` show, channel by channel, accumulated in float64."""

    def __init__(self, key: str) -> None:
        self.key, self.channels = key, CHANNELS[key]
        self.count = self.used = 0
        self.lowest: list[np.ndarray] = []
        self.sample: list[np.ndarray] = []
        width = _BESIDE * len(self.channels)
        self.low, self.high = np.full(len(self.channels), np.inf), np.full(width, -np.inf)
        self.total, self.squares = np.zeros((2, width))
        self.hashes = bytearray()
        self.empty: list[int] = []
        self.not_finite, self.constant = _Places(self.channels), _Places(self.channels)

    def take(self, rows: np.ndarray, stored: np.ndarray | None = None) -> None:
        """Look at rows, float64; `stored` are the same in the dtype of the file, if that is another."""
        self.hashes += row_hashes(rows if stored is None else stored)
        pixels = rows.reshape(len(rows), SIDE * SIDE, len(self.channels))
        low, high = _extremes(pixels)
        self._look_for_constants(pixels)
        self.empty += self._count_empty(pixels, low)
        self.lowest.append(lowest_above_zero(pixels, low) if self.key == "sen2" else low.astype(np.float32))
        if self.count < SAMPLED_IMAGES:
            self.sample.append(pixels[:, _SAMPLED].swapaxes(1, 2).astype(np.float32))
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            pixels = self._without_gaps(pixels)
            low, high = _extremes(pixels) if len(pixels) else (low, high)
        self.count += len(rows)
        self.used += len(pixels)
        if not len(pixels):
            return
        np.minimum(self.low, low.min(0), out=self.low)
        np.maximum(self.high, high, out=self.high)
        parts = _beside(pixels)
        self.total += parts.sum(0)
        self.squares += np.einsum("ij,ij->j", parts, parts)

    def _without_gaps(self, pixels: np.ndarray) -> np.ndarray:
        """Note NaN and Inf; give the images that have none, so that the statistics still say something."""
        finite = np.isfinite(pixels).all(axis=1)
        for row, channel in np.argwhere(~finite):
            self.not_finite.add(self.count + row, channel)
        whole: np.ndarray = pixels[finite.all(axis=1)]
        return whole

    def _look_for_constants(self, pixels: np.ndarray) -> None:
        # Three pixels tell nearly all patches apart; only the others are looked through.
        same = (pixels[:, 0] == pixels[:, -1]) & (pixels[:, 0] == pixels[:, SIDE * SIDE // 2 + SIDE // 2])
        for row, channel in np.argwhere(same) if same.any() else ():
            if (pixels[row, :, channel] == pixels[row, 0, channel]).all():
                self.constant.add(self.count + row, channel)

    def _count_empty(self, pixels: np.ndarray, low: np.ndarray) -> list[int]:
        """Pixels of each image that are 0 or missing in all channels: none where one is above 0 throughout."""
        clear = (low > 0).any(axis=1)
        if clear.all():
            return [0] * len(pixels)
        counts: list[int] = np.where(clear, 0, (~is_measured(pixels).any(axis=2)).sum(axis=1)).tolist()
        return counts

    def findings(self, file: File) -> list[Finding]:
        gaps = self.not_finite.text()
        remedy = "leave these rows out, or fetch the file again"
        found = [verdict(file, "content", f"{self.key}:finite", not gaps, gaps or "all", "no NaN, no Inf", remedy)]
        found.append(self._constants(file))
        if self.count:
            names = [f"row {row}" for row in range(self.count)]
            check = f"{self.key}:measured"
            found.append(unmeasured_finding(file.path, check, self.empty, SIDE * SIDE, names, KINDS[self.key]))
        return found + (self._value_findings(file) if self.used else [])

    def _constants(self, file: File) -> Finding:
        """A note for patches of one value; a failure for an optical channel that is so in many that are not empty.

        Intensities are so in a fifth of some real patches: a channel of radar fails where it is so in all.
        """
        check, text, counts = f"{self.key}:constant", self.constant.text(), self.constant.by_channel
        empty = sum(size == SIDE * SIDE for size in self.empty)
        many = max(min(LONG_RUN, self.count), MANY_CONSTANT * self.count) if self.key == "sen2" else self.count
        dead = [channel for channel, count in zip(self.channels, counts, strict=True) if count - empty >= many > 1]
        if not dead:
            return note(file, check, not text, text or "none", "no constant patch")
        worst = max(counts) - empty
        found = f"{', '.join(dead)} in {'all' if worst == self.count else worst} patches"
        remedy = "the channel says nothing about these patches: fetch the file again"
        return verdict(file, "content", check, False, found, "several values", remedy)

    def _value_findings(self, file: File) -> list[Finding]:
        shape = (_BESIDE, len(self.channels))
        number = self.used * SIDE * SIDE
        mean = self.total.reshape(shape).sum(0) / number
        with np.errstate(over="ignore", invalid="ignore"):  # `_range` tells of values that are too large for squares
            deviation = np.sqrt(np.maximum(self.squares.reshape(shape).sum(0) / number - mean**2, 0))
        low, high = self.low, self.high.reshape(shape).max(0)
        start = list(CHANNELS).index(self.key) * len(SAR)
        found = []
        for channel, band in enumerate(self.channels):
            text = (
                f"min {low[channel]:.6g}, max {high[channel]:.6g}, "
                f"mean {mean[channel]:.8g}, deviation {deviation[channel]:.8g}"
            )
            at = start + channel
            found.append(_values(file, f"{self.key}:{band}", text, float(mean[channel]), float(deviation[channel]), at))
        return [*found, *self._range(file, low, high)]

    def _range(self, file: File, low: np.ndarray, high: np.ndarray) -> list[Finding]:
        """Whether all values can be reflectance, or backscatter; their scale and offset are judged over the release."""
        text = f"{low.min():.6g} .. {high.max():.6g}"
        if self.key == "sen1":
            expected, remedy = f"below {LARGEST_BACKSCATTER:g} in size", "values are damaged: fetch the file again"
            good = max(-low.min(), high.max()) < LARGEST_BACKSCATTER
            return [] if good else [verdict(file, "content", "sen1:range", False, text, expected, remedy)]
        good = bool(low.min() >= 0 and high.max() <= LARGEST_REFLECTANCE)
        remedy = "digital numbers are divided by 10,000, and negative ones are none: fetch the file again"
        return [verdict(file, "content", "sen2:range", good, text, f"0 .. {LARGEST_REFLECTANCE}", remedy)]

    def values(self, path: str) -> Values:
        """What `sentinel_forest.datasets.plausibility` judges of the file at `path`."""
        layers = tuple(f"{self.key}:{channel}" for channel in self.channels)
        return Values(path, layers, np.concatenate(self.lowest), np.concatenate(self.sample))

    def hash_table(self, path: str) -> pd.DataFrame:
        """Hash of each row, see `base.hash_table`."""
        return _hash_table(path, self.key, self.hashes, self.empty)


class Labels:
    """What the rows of ``label`` show."""

    def __init__(self) -> None:
        self.count = 0
        self.classes = bytearray()
        self.hashes = bytearray()
        self.wrong, self.first_wrong = 0, ""

    def take(self, rows: np.ndarray, stored: np.ndarray | None = None) -> None:
        """Look at rows, as `Pixels.take`."""
        self.hashes += row_hashes(rows if stored is None else stored)
        wrong = ~is_one_hot(rows)
        if not self.wrong and wrong.any():
            first = int(wrong.argmax())
            self.first_wrong = f"row {self.count + first}: {row_text(rows[first])}"
        self.wrong += int(wrong.sum())
        self.count += len(rows)
        self.classes += rows.argmax(1).astype(np.uint8).tobytes()

    def findings(self, file: File) -> list[Finding]:
        found = f"{self.wrong} rows, the first: {self.first_wrong}" if self.wrong else "all rows"
        remedy = "fetch the file again, or correct the row"
        findings = [verdict(file, "content", "one-hot", not self.wrong, found, "one 1 and sixteen 0", remedy, "")]
        counts = np.bincount(np.frombuffer(self.classes, np.uint8), minlength=len(CLASSES)).tolist()
        order = hashlib.sha256(self.classes).hexdigest()
        for check, value in (("class_counts", counts), ("label_order_sha256", order)):
            published = file.facts.get(check)
            if published is None:
                findings.append(note(file, check, False, str(value), UNPUBLISHED))
                continue
            remedy = "the labels or their order are not the published ones: fetch the file again"
            findings.append(verdict(file, "content", check, value == published, str(value), str(published), remedy))
        return findings

    def hash_table(self, path: str) -> pd.DataFrame:
        """Hash of each row, see `base.hash_table`."""
        return _hash_table(path, "label", self.hashes)


def _extremes(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest value of each image and channel, and the highest ones of pixels `_beside` each other; NaN where one is."""
    with np.errstate(invalid="ignore"):
        return fold(pixels, np.minimum), _beside(pixels).max(0)


def _beside(pixels: np.ndarray) -> np.ndarray:
    """Images (images, pixels, channels) as (parts of images, values), to be reduced along the parts."""
    return pixels.reshape(-1, _BESIDE * pixels.shape[2])


def _hash_table(path: str, key: str, hashes: bytearray, empty: Sequence[int] | None = None) -> pd.DataFrame:
    """Hashes of 16 bytes, one after another, as a table."""
    text = hashes.hex()
    rows = [text[start : start + 32] for start in range(0, len(text), 32)]
    return hash_table([path] * len(rows), range(len(rows)), [key] * len(rows), rows, empty)


def _values(file: File, layer: str, text: str, mean: float, deviation: float, at: int) -> Finding:
    """Mean and deviation of a channel against the published ones (facts `means`, `deviations`).

    Another mean is a failure. Another deviation is only worth a note: outliers of Sentinel-1 rule it,
    and how the published ones were computed is not known.
    """
    published = {"means": _fact(file, "means", at), "deviations": _fact(file, "deviations", at)}
    margin = float(cast(float, file.facts.get("tolerance", TOLERANCE))) * deviation
    near = {
        name: expected is None or abs(found - expected) <= margin
        for (name, expected), found in zip(published.items(), (mean, deviation), strict=True)
    }
    labels = {"means": "mean", "deviations": "deviation"}
    expected = ", ".join(f"{labels[name]} {value:.8g}" for name, value in published.items() if value is not None)
    if not expected:
        return note(file, f"{layer}:values", False, text, UNPUBLISHED)
    if near["means"] and not near["deviations"]:
        return note(file, f"{layer}:values", False, text, expected)
    remedy = "the values are not the published ones: fetch the file again"
    return verdict(file, "content", f"{layer}:values", near["means"], text, expected, remedy)


def _fact(file: File, name: str, at: int) -> float | None:
    values = file.facts.get(name)
    return values[at] if isinstance(values, Sequence) else None
