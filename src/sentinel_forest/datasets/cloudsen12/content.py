"""The content of layers, looked at while their bytes pass by."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import File, Finding, Inspection, Inspector, array_hash, hash_table, is_measured
from sentinel_forest.datasets.cloudsen12.layout import Layout, Padding, layer_of, split_at
from sentinel_forest.datasets.cloudsen12.reader import eight_bits
from sentinel_forest.datasets.cloudsen12.vocabulary import (
    CATEGORIES,
    CODES,
    CORRECTED_LAYERS,
    IMAGE_LAYERS,
    LABEL,
    LAYERS,
    LIMITS,
    NO_DATA,
    RADAR_LAYERS,
    REFERENCES,
    SCRIBBLES,
)
from sentinel_forest.datasets.findings import empty_run
from sentinel_forest.datasets.values import SAMPLED_ACROSS, SAMPLED_IMAGES, grid, lowest_above_zero


@dataclass(frozen=True)
class LayerInspection(Inspection):
    """What one layer of a split has shown, for `CloudSEN12.conclude`.

    Parameters
    ----------
    folder : Path
        Of the release.
    layer : str
        The layer.
    count : int
        Its patches.
    constant : bool
        Whether all pixels have one value.
    misplaced : bool
        Whether there is more than one value where the padding should be.
    blank : tuple of bool
        Whether the outermost row or column of the image is 0 in all patches: above, below, left, right.
    data : tuple of (int, int)
        First and last + 1 of the rows, and of the columns, that have more than one value.
    low : ndarray
        float32 (patches,): the lowest value of each image that is one, of optical bands the lowest above 0.
    sample : ndarray
        (patches or fewer, pixels): values of some pixels, of images and labels.
    fractions : ndarray
        float32 (patches, classes): of the label, estimated from one pixel in 16.
    dense : ndarray
        (patches or fewer, pixels): of labels and scribbles, values of more pixels, since few have a scribble.
    """

    folder: Path = Path()
    layer: str = ""
    count: int = 0
    constant: bool = False
    misplaced: bool = False
    blank: tuple[bool, ...] = ()
    data: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    low: np.ndarray | None = field(default=None, compare=False)
    sample: np.ndarray | None = field(default=None, compare=False)
    fractions: np.ndarray | None = field(default=None, compare=False)
    dense: np.ndarray | None = field(default=None, compare=False)


SAMPLED = frozenset(
    {*IMAGE_LAYERS, *RADAR_LAYERS, *CORRECTED_LAYERS, LABEL, SCRIBBLES, *(one.layer for one in REFERENCES.values())}
)
"""Layers of which some pixels are kept."""

DENSE_ACROSS = 16
"""Pixels across an image whose values are kept where few say anything."""

MANY_PATCHES = 20
"""Patches of which one value everywhere cannot be chance, in whatever layer."""

KNOWN_CONSTANT = frozenset({"LABEL_qa60"})
"""Layers that were published with nothing but 0 (QA60: 1024 and 2048 do not fit 8 bits)."""


class _Extent:
    """Where the patches of a layer have data: rows and columns with more than one value.

    Most files show in their first patches that they have data up to the edge of the image and none
    beyond; only where they do not, all patches are looked through.
    """

    def __init__(self, side: int, padding: Padding) -> None:
        self.side, self.padding = side, padding
        self.blank = np.ones(4, dtype=bool)
        self.low, self.high = np.full((2, side), np.inf), np.full((2, side), -np.inf)

    def update(self, patches: np.ndarray, misplaced: bool) -> None:
        window = patches[:, *self.padding.window(self.side)]
        if self.blank.any():
            edges = (window[:, 0], window[:, -1], window[:, :, 0], window[:, :, -1])
            self.blank &= [not edge.any() for edge in edges]
        if misplaced or self.blank.any():
            for place, axes in enumerate(((0, 2), (0, 1))):
                np.minimum(self.low[place], patches.min(axis=axes), out=self.low[place])
                np.maximum(self.high[place], patches.max(axis=axes), out=self.high[place])

    def data(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First and last + 1 of the rows and columns that hold data, at least as far as was looked."""
        (rows, columns) = (np.flatnonzero(low < high) for low, high in zip(self.low, self.high, strict=True))
        declared = self.padding.window(self.side)
        if not (len(rows) and len(columns)):
            return (declared[0].start, declared[0].stop), (declared[1].start, declared[1].stop)
        return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


class LayerInspector(Inspector):
    """Looks at the patches of a layer: padding, values, and a hash of each image."""

    def __init__(self, folder: Path, path: str, layer: str, dtype: np.dtype, side: int, padding: Padding) -> None:
        self.folder, self.path, self.layer, self.dtype, self.side = folder, path, layer, dtype, side
        self.place, self.extent = padding, _Extent(side, padding)
        self.codes, self.is_image = CODES.get(layer), layer in IMAGE_LAYERS
        patch = side**2 * dtype.itemsize
        self.block_bytes = patch * max(1, (1 << 20) // patch)  # few enough for the cache, many enough for Python
        self.count = 0
        self.window: np.ndarray | None = None
        self.hashes: list[str] = []
        self.empty: list[int] = []
        self.padding: set[str] = set()
        self.constant: np.generic | None = None
        self.low, self.high = np.inf, -np.inf
        self.wrong, self.first_wrong = 0, ""
        self.missing, self.first_missing = 0, ""
        self.lowest: list[np.ndarray] = []
        self.sample: list[np.ndarray] = []
        self.fractions: list[np.ndarray] = []
        self.judged = self.is_image or layer in RADAR_LAYERS
        self.dense: list[np.ndarray] = []
        self.pixels, self.many = (grid(side - padding.top - padding.bottom, n) for n in (SAMPLED_ACROSS, DENSE_ACROSS))

    def update(self, block: memoryview) -> None:
        whole = len(block) // (self.side**2 * self.dtype.itemsize)
        values = np.frombuffer(block, self.dtype, whole * self.side**2)
        patches = values.reshape(whole, self.side, self.side)
        if not whole:
            return
        window = self._window_of(patches)
        low, high = window.min(axis=(1, 2)), window.max(axis=(1, 2))  # NaN, if there is one
        if self.count == 0:
            self.constant = window[0, 0, 0]
        self._see_padding(patches)
        self.hashes += [array_hash(image) for image in window]
        if LAYERS[self.layer].is_image:
            self.empty += self._count_empty(window, low, high)
        if self.is_image:
            self._see_image(window, low, high)
        else:
            self._see_values(window, low, high)
        if self.layer in SAMPLED and self.count < SAMPLED_IMAGES:
            self.sample.append(window[:, *np.divmod(self.pixels, window.shape[2])])
            if self.layer in (LABEL, SCRIBBLES):
                self.dense.append(window[:, *np.divmod(self.many, window.shape[2])])
        if self.layer == LABEL:
            few = window[:, ::4, ::4].reshape(whole, -1)
            self.fractions.append(np.stack([(few == kind.code).mean(axis=1) for kind in CATEGORIES], axis=1))
        self.count += whole

    def _window_of(self, patches: np.ndarray) -> np.ndarray:
        """The images of patches in one piece, in memory that is used again for the next ones."""
        window = patches[:, *self.place.window(self.side)]
        if self.window is None or len(self.window) < len(window):
            self.window = np.empty(window.shape, self.dtype)
        images = self.window[: len(window)]
        np.copyto(images, window)
        return images

    def _see_padding(self, patches: np.ndarray) -> None:
        strips = [strip for strip in self.place.strips(patches) if strip.size]
        if strips and not any(strip.any() for strip in strips):
            self.padding.add("0")
        elif len(self.padding) <= 4:  # enough to say that it is not one value
            self.padding |= {f"{value:g}" for strip in strips for value in np.unique(strip)[:4]}
        if self.is_image or self.layer == LABEL:
            self.extent.update(patches, len(self.padding) > 1)

    def _count_empty(self, images: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[int]:
        """Pixels without a measurement, by image; extremes mostly tell that there are none."""
        missing = LAYERS[self.layer].missing
        clear = (low > 0) | (high < 0)
        if missing is not None:
            clear &= (low > missing) | (high < missing)
        return [
            0 if known else image.size - np.count_nonzero(is_measured(image, missing))
            for known, image in zip(clear.tolist(), images, strict=True)
        ]

    def _see_image(self, images: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        self.low, self.high = min(self.low, float(low.min())), max(self.high, float(high.max()))
        self.lowest.append(lowest_above_zero(images.reshape(len(images), -1, 1), low[:, None])[:, 0])
        if self.constant is not None and not (low.min() == self.constant == high.max()):
            self.constant = None

    def _see_values(self, window: np.ndarray, lows: np.ndarray, highs: np.ndarray) -> None:
        if self.judged:
            self._see_backscatter(window, lows)
        low, high = lows.min(), highs.max()
        if self.dtype.kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
            window, low, high = self._see_gaps(window)
        self.low, self.high = min(self.low, float(low)), max(self.high, float(high))
        if self.codes is not None and not (low >= 0 and set(range(int(high) + 1)) <= self.codes):
            self._see_codes(window)

    def _see_backscatter(self, window: np.ndarray, low: np.ndarray) -> None:
        """Keep the lowest value of each image; fill values are left out, and 0, which is no measurement either."""
        if not (low.min() > NO_DATA and not any(self.empty[self.count :])):
            known = np.where((window > NO_DATA) & (window != 0), window, np.inf)
            low = known.min(axis=(1, 2))
        low = low.astype(np.float32)
        self.lowest.append(np.where(np.isfinite(low), low, np.nan))

    def _see_gaps(self, window: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Count NaN and infinite values; what is left, and its extremes."""
        finite = np.isfinite(window)
        self.missing += int((~finite).sum())
        self.first_missing = self.first_missing or self._place(~finite)
        rest = window[finite]
        return rest, rest.min(initial=np.inf), rest.max(initial=-np.inf)

    def _see_codes(self, window: np.ndarray) -> None:
        codes = np.array(sorted(self.codes or ()), dtype=np.uint8)
        wrong = ~np.isin(eight_bits(window), codes)
        if wrong.any():
            self.wrong += int(wrong.sum())
            self.first_wrong = self.first_wrong or f"{window[wrong][0]} in {self._place(wrong)}"

    def _place(self, mask: np.ndarray) -> str:
        """The first patch and pixel of a mask of the valid window, by row and column of the file."""
        patch, row, column = np.unravel_index(int(mask.argmax()), mask.shape)
        return f"patch {self.count + patch}, pixel ({row + self.place.top}, {column + self.place.left})"

    def finish(self) -> Inspection:
        if not self.count:
            return Inspection(())
        return LayerInspection(
            tuple(self._findings()),
            self._hash_table(),
            self.folder,
            self.layer,
            self.count,
            self.is_image and self.constant is not None,
            len(self.padding) > 1,
            tuple(self.extent.blank.tolist()),
            self.extent.data(),
            np.concatenate(self.lowest) if self.lowest else None,
            np.concatenate(self.sample) if self.sample else None,
            np.concatenate(self.fractions).astype(np.float32) if self.fractions else None,
            np.concatenate(self.dense) if self.dense else None,
        )

    def _findings(self) -> Iterator[Finding]:
        value = ", ".join(sorted(self.padding)[:4]) + (", ..." if len(self.padding) > 4 else "")
        good = value in ("0", "")
        yield Finding(self.path, "content", "padding", "ok" if good else "note", value or "none", "0")
        constant = self.low if self.low == self.high else self.constant if self.is_image else None
        image = (self.side - self.place.top - self.place.bottom) ** 2
        run = empty_run(self.empty, image, at_end=not LAYERS[self.layer].is_optical)
        if constant is not None:
            yield self._constant_finding(float(constant))
        elif run:
            found = f"0 everywhere in patches {run[0]} to {run[-1]}"
            remedy = "was a copy or a download interrupted? fetch it again"
            yield Finding(self.path, "content", "constant", "failed", found, "several values", remedy, "kept")
        if self.layer in LIMITS and self.low <= self.high:
            yield self._range_finding(*LIMITS[self.layer])
        if self.codes is not None:
            yield self._verdict(
                "codes",
                self.wrong,
                self.first_wrong,
                f"{_ranges(self.codes)}",
                "fetch the file again; if this is accepted, these pixels take no part",
            )
        if self.dtype.kind == "f":
            yield self._verdict(
                "finite",
                self.missing,
                self.first_missing,
                "no NaN, no infinite value",
                "fetch the file again; if this is accepted, these pixels count as missing",
            )

    def _constant_finding(self, value: float) -> Finding:
        """A failure where an image, or any layer of many patches, says nothing; the published QA60 is known to."""
        found, expected = f"{value:g} everywhere", "several values"
        if self.layer in KNOWN_CONSTANT and value == 0:
            remedy = "nothing: it was published so, and scores of this algorithm mean nothing"
            return Finding(self.path, "content", "known-constant", "note", found, "published so", remedy)
        remedy = "the layer says nothing about any pixel, nor does what is computed from it: fetch it again"
        failed = self.judged or self.count >= MANY_PATCHES
        if not failed:
            return Finding(self.path, "content", "constant", "note", found, expected, remedy)
        return Finding(self.path, "content", "constant", "failed", found, expected, remedy, "kept")

    def _range_finding(self, low: float, high: float) -> Finding:
        found, expected = f"{self.low:g} .. {self.high:g}", f"{low:g} .. {high:g}"
        missing = LAYERS[self.layer].missing
        lowest = self.low if missing is None or self.low != missing else low
        if missing is not None:
            expected += f", or {missing:g} (missing)"
        if low <= lowest and (self.high == missing or low <= self.high <= high):
            return Finding(self.path, "content", "range", "ok", found, expected)
        remedy = "the layer is in another unit, or damaged: fetch it again"
        return Finding(self.path, "content", "range", "failed", found, expected, remedy, "kept")

    def _verdict(self, check: str, count: int, first: str, expected: str, remedy: str) -> Finding:
        if not count:
            return Finding(self.path, "content", check, "ok", "all pixels", expected)
        found = f"{count} pixels, the first: {first}"
        return Finding(self.path, "content", check, "failed", found, expected, remedy, "kept")

    def _hash_table(self) -> pd.DataFrame:
        count = len(self.hashes)
        return hash_table([self.path] * count, range(count), [self.layer] * count, self.hashes, self.empty or None)


def _ranges(codes: frozenset[int]) -> str:
    """Codes in words: ``0-4, 255``."""
    ordered = np.array(sorted(codes))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) != 1) + 1)
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def inspector(layout: Layout, folder: Path, file: File) -> Inspector | None:
    """Check the content of a layer; None for other files, twins, and sizes that fit no dtype."""
    layer = layer_of(file.path)
    if layer is None:
        return None
    split = split_at(layout, folder, file.path.split("/", 1)[0])
    twin = split.files.get(layer) != file.path
    kind = None if twin else split.dtype(layer)
    if kind is None:
        return None
    return LayerInspector(folder, file.path, layer, kind, layout.side, layout.padding)
