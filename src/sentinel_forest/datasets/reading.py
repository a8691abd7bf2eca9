"""The one way from the files of a release to the pixels of its patches: what is read is held against the catalog."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.datasets.hashing import Arrays, Stored, hold_arrays
from sentinel_forest.datasets.terms import OPTICAL, Layer

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Block:
    """Some patches in file order, with their valid pixels.

    `patches` are rows of the catalog; `layers` maps a layer to an array of shape
    (patches, rows, columns) in the stored dtype, cut to the valid window; `measured`, bool of the
    same shape, says by kind of sensor which pixels carry a measurement (without an entry: all), see
    `Dataset.measured`.
    """

    patches: pd.DataFrame
    layers: dict[str, np.ndarray]
    measured: Mapping[str, np.ndarray] = field(default_factory=dict)


Reader = Callable[[np.ndarray], Arrays]
"""From rows of a file to what is stored of them."""


class Reading(ABC):
    """What a dataset knows of reading its files, and what is made of it for all others.

    A dataset defines `read`, and `reader` where its files can stay open; everyone else calls `blocks` or `pick`.
    """

    layer_table: Mapping[str, Layer]

    def array_of(self, layer: str) -> str:
        """Name of the stored array that holds a layer: it is read, and hashed, as a whole."""
        return layer

    def file_of(self, file: str, array: str) -> str:
        """Path of the file that holds an array of a patch, by the column `file` of the catalog."""
        return file

    @abstractmethod
    def read(
        self, folder: Path, patches: pd.DataFrame, arrays: Sequence[str], at_once: int
    ) -> Iterator[tuple[pd.DataFrame, Arrays]]:
        """Read arrays of consecutive catalog rows as they are stored, at most `at_once` patches at a time.

        Only `blocks` and `pick` call it: they compare what it gives with the catalog.
        """

    def reader(self, folder: Path, file: str, arrays: Sequence[str]) -> Reader:
        """A function that reads rows of a file which stays open; a dataset that has none reads by `read` alone."""
        raise NotImplementedError

    def layer_from(self, layer: str, stored: Stored) -> np.ndarray:
        """A layer, (patches, rows, columns), cut out of the array that holds it."""
        return np.asarray(stored)

    def blocks(self, folder: Path, catalog: pd.DataFrame, layers: Sequence[str], patches: int) -> Iterator[Block]:
        """Read layers of consecutive catalog rows, at most `patches` at a time, in file order.

        Raises
        ------
        InputError
            If stored values are not the ones that were verified, by the hashes of the catalog.
        """
        for rows, stored in self.read(folder, catalog, self._arrays_of(layers), patches):
            yield Block(rows, self._verified(rows, stored, layers))

    def pick(
        self, folder: Path, patches: pd.DataFrame, layers: Sequence[str], opened: dict[str, Reader]
    ) -> dict[str, np.ndarray]:
        """Read layers of a few patches of anywhere, like `blocks`; files stay open in `opened`."""
        if type(self).reader is Reading.reader:
            pieces = [block.layers for block in self.blocks(folder, patches, layers, len(patches))]
        else:
            files = patches.groupby("file", sort=False)
            pieces = [self._picked(folder, str(file), rows, layers, opened) for file, rows in files]
        if len(pieces) == 1:
            return pieces[0]
        return {layer: np.concatenate([piece[layer] for piece in pieces]) for layer in layers}

    def _picked(
        self, folder: Path, file: str, rows: pd.DataFrame, layers: Sequence[str], opened: dict[str, Reader]
    ) -> dict[str, np.ndarray]:
        if file not in opened:
            opened[file] = self.reader(folder, file, self._arrays_of(layers))
        return self._verified(rows, opened[file](rows["row"].to_numpy()), layers)

    def _arrays_of(self, layers: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.array_of(layer) for layer in layers))

    def _verified(self, rows: pd.DataFrame, stored: Arrays, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Layers out of arrays that were compared with the catalog."""
        hold_arrays(rows, stored, self.file_of)
        return {layer: self.layer_from(layer, stored[self.array_of(layer)]) for layer in layers}

    def sensor_layers(self, folder: Path, file: str, kind: str) -> tuple[str, ...]:
        """Layers with the bands of a kind of sensor (`Band.kind`) that patches of a file have."""
        return tuple(name for name, about in self.layer_table.items() if about.band and about.band.kind == kind)

    def measured(self, folder: Path, patches: pd.DataFrame, kind: str = OPTICAL) -> np.ndarray:
        """Which pixels carry a measurement of a kind of sensor: one that is neither 0 nor missing, in any band.

        Asked only of patches that have pixels without one, by the catalog.

        Returns
        -------
        ndarray
            bool (patches, rows, columns).
        """
        files = patches["file"].to_numpy()
        runs = np.split(np.arange(len(files)), np.flatnonzero(files[1:] != files[:-1]) + 1)
        masks = [
            self._measured(block)
            for run in runs
            for block in self.blocks(
                folder, patches.iloc[run], self.sensor_layers(folder, str(files[run[0]]), kind), 16
            )
        ]
        return np.concatenate(masks)

    def _measured(self, block: Block) -> np.ndarray:
        return any_measured((values, self.layer_table[layer].missing) for layer, values in block.layers.items())

    def valid_window(self, stored: np.ndarray) -> np.ndarray:
        """What belongs to the image of whole patches as stored, (patches, side, side): all, unless they are padded."""
        return stored

    def physical(self, layer: str, stored: np.ndarray) -> np.ndarray:
        """Stored values in physical units, float32; missing and infinite values are NaN."""
        about = self.layer_table[layer]
        values = stored.astype(np.float32) * np.float32(about.factor)
        if about.missing is not None:
            values[stored == about.missing] = np.nan
        if stored.dtype.kind == "f":
            values[np.isinf(values)] = np.nan
        return values


def any_measured(bands: Iterable[tuple[np.ndarray, float | None]]) -> np.ndarray:
    """Which pixels carry a measurement in any of some bands.

    Parameters
    ----------
    bands : iterable
        Stored values of each band, all of one shape, and the value that stands for a missing one, if any does.

    Returns
    -------
    ndarray
        bool, of that shape: some value is neither 0, nor the missing one, nor NaN.
    """
    masks = (is_measured(values, missing) for values, missing in bands)
    return functools.reduce(np.logical_or, masks)


def is_measured(values: np.ndarray, missing: float | None = None) -> np.ndarray:
    """Which stored values are neither 0, nor the one that stands for a missing value, nor NaN."""
    mask: np.ndarray = values != 0
    if missing is not None:
        mask &= values != missing
    if values.dtype.kind == "f":
        mask &= ~np.isnan(values)
    return mask
