"""Inspectors of image files: they cut the bytes that pass by into rows of datasets."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import File, Inspection, Inspector, no_hashes
from sentinel_forest.datasets.so2sat.agreement import label_band_findings
from sentinel_forest.datasets.so2sat.checks import unreadable
from sentinel_forest.datasets.so2sat.content import Labels, Pixels
from sentinel_forest.datasets.so2sat.layout import SHAPES, image_paths
from sentinel_forest.datasets.so2sat.places import neighbour_findings
from sentinel_forest.datasets.so2sat.reader import AT_ONCE, holds_rows, places_in_file
from sentinel_forest.datasets.so2sat.vocabulary import CHANNELS
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5

_BLOCK = 1 << 20
"""Bytes that are looked at together: few enough for the processor's second cache, many enough for Python."""


class _Rows:
    """Cuts the bytes of one dataset into its rows, whatever the pieces they come in."""

    def __init__(self, offset: int, count: int, values: int, take: Callable[[np.ndarray], None]) -> None:
        self.offset, self.values, self.take = offset, values, take
        self.end = offset + count * values * 8
        self.carried = bytearray()

    def update(self, piece: memoryview) -> None:
        length = self.values * 8
        if self.carried:
            missing = length - len(self.carried)
            self.carried += piece[:missing]
            piece = piece[missing:]
            if len(self.carried) < length:
                return
            self._pass_on(memoryview(self.carried))
        whole = len(piece) // length * length
        if whole:
            self._pass_on(piece[:whole])
        self.carried = bytearray(piece[whole:])

    def _pass_on(self, rows: memoryview) -> None:
        self.take(np.frombuffer(rows, "<f8").reshape(-1, self.values))


class _ImageInspector(Inspector):
    """Looks at all datasets of one file as its bytes pass by, each byte once."""

    def __init__(self, file: File, path: Path, places: Mapping[str, tuple[int, int]]) -> None:
        self.file, self.path, self.position = file, path, 0
        self.pixels = {key: Pixels(key) for key in CHANNELS}
        self.labels = Labels()
        self.parts: dict[str, Pixels | Labels] = {**self.pixels, "label": self.labels}
        self.regions = [
            _Rows(offset, count, int(np.prod(SHAPES[key])), self.parts[key].take)
            for key, (offset, count) in sorted(places.items(), key=lambda place: place[1])
        ]
        self.block_bytes = self._wanted()

    def _wanted(self) -> int:
        """The next bytes to be given: whole rows of a dataset, or what lies before it."""
        for region in self.regions:
            if self.position < region.offset:
                return region.offset - self.position
            if self.position < region.end:
                size = region.values * 8
                return min(region.end - self.position, max(1, _BLOCK // size) * size)
        return _BLOCK

    def update(self, block: memoryview) -> None:
        for region in self.regions:
            start = max(region.offset - self.position, 0)
            stop = min(region.end - self.position, len(block))
            if start < stop:
                region.update(block[start:stop])
        self.position += len(block)
        self.block_bytes = self._wanted()

    def finish(self) -> Inspection:
        findings = [finding for part in self.pixels.values() for finding in part.findings(self.file)]
        if self.labels.count:
            findings += self.labels.findings(self.file)
            classes = np.frombuffer(self.labels.classes, np.uint8)
            findings += neighbour_findings(self.file, self.path, classes)
            optical = self.pixels["sen2"]
            if optical.count == len(classes):
                findings += label_band_findings(self.file, np.concatenate(optical.sample), classes)
        tables = [part.hash_table(self.file.path) for part in self.parts.values() if part.count]
        values = tuple(part.values(self.file.path) for part in self.pixels.values() if part.count)
        return Inspection(
            tuple(findings), pd.concat(tables, ignore_index=True) if tables else no_hashes(), values=values
        )


class _RepackedInspector(_ImageInspector):
    """The same for a file in chunks, compressed or of other numbers, which only HDF5 can put together."""

    def __init__(self, file: File, path: Path) -> None:
        super().__init__(file, path, {})

    def update(self, block: memoryview) -> None:
        """Nothing can be told from the bytes as they lie."""

    def finish(self) -> Inspection:
        try:
            with hdf5.opened(self.path) as handle:
                for key, part in self.parts.items():
                    for start in range(0, len(handle.get(key, ())), AT_ONCE):
                        stored = handle[key][start : start + AT_ONCE]
                        part.take(stored.astype("<f8").reshape(len(stored), -1), stored)
        except InputError as error:
            return Inspection((unreadable(self.file, error),))
        return super().finish()


def inspector(folder: Path, file: File) -> Inspector | None:
    """Checks every value of an image file.

    A file whose datasets cannot be read as rows of numbers has no inspector: `structure` says why.
    """
    if not image_paths([file.path]):
        return None
    path = folder / file.path
    places = places_in_file(path)
    if places is not None:
        return _ImageInspector(file, path, places)
    return _RepackedInspector(file, path) if holds_rows(path) else None
