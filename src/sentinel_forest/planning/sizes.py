"""How much of a release there is, as far as it can be known before its files are here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentinel_forest.config.releases import Release
from sentinel_forest.datasets.base import Dataset

UNKNOWN_PATCHES = 100_000
"""Patches of a release of which nobody has published the number, and that is not here yet."""
MOST_FILES = 1000
"""Files of a folder whose lengths are looked at."""


@dataclass(frozen=True)
class Size:
    """How much of a release there is: its patches, those of one shard, the side of a patch in pixels, and
    the bytes that a pixel has in all layers together; `guessed` if the number of patches is not published,
    or not of all splits, and does not follow from files.
    """

    patches: int
    shard: int
    side: int
    pixel_bytes: int
    guessed: bool = False

    @property
    def gigabytes(self) -> float:
        """Bytes of the release in 10^9."""
        return self.patches * self.side**2 * self.pixel_bytes / 1e9

    @property
    def pixels(self) -> int:
        """Pixels of a shard."""
        return self.shard * self.side**2


def size_of(release: Release, dataset: Dataset, layers: frozenset[str], paths: Sequence[str] = ()) -> Size:
    """The size of a release: by the published number of its patches, else by the bytes of its files, those
    in the folder or the registered ones.

    Parameters
    ----------
    release, dataset : Release, Dataset
        A release and what reads it.
    layers : frozenset of str
        The layers that it has.
    paths : sequence of str
        Its files, where they lie in a folder already.
    """
    pixel_bytes = sum(np.dtype(dataset.layer_table[layer].dtype).itemsize for layer in layers)
    published = list(release.entry.get("patches", {}).values())
    known = sum(count or 0 for count in published)
    patches = 0 if None in published else known
    if not patches and pixel_bytes:
        there = _registered(release) if release.folder is None else _bytes_of(release.folder, paths)
        patches = math.ceil(there / (dataset.side**2 * pixel_bytes))
    guessed = not patches
    patches = patches or known or UNKNOWN_PATCHES
    return Size(patches, -(-patches // release.shards), dataset.side, pixel_bytes, guessed)


def _registered(release: Release) -> int:
    """Bytes of the registered files that hold data, about; 0 if the length of one is not known."""
    sizes = [file.size or file.about for file in release.files if file.role == "data"]
    return 0 if None in sizes else sum(size or 0 for size in sizes)


def _bytes_of(folder: Path, paths: Sequence[str]) -> int:
    """Bytes of files; of many, every so many are looked at."""
    step = len(paths) // MOST_FILES + 1
    there = (folder / path for path in paths[::step])
    return step * sum(path.stat().st_size for path in there if path.is_file())
