"""The files of CloudSEN12: their names and sizes, the number of patches, the padding around images."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np

from sentinel_forest.datasets.cloudsen12.metadata import METADATA, METADATA_PARQUET, count_rows, metadata_path
from sentinel_forest.datasets.cloudsen12.quality import INDICES
from sentinel_forest.datasets.cloudsen12.vocabulary import LABEL, LAYERS
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.unused import PICKLES, first_misplaced, unused_findings
from sentinel_forest.errors import InputError
from sentinel_forest.sensors import SENTINEL_2

SCRIBBLES = "scribble"
"""Folder of images whose only labels are scribbles, from the release of its own: for training alone."""
FOLDERS = {"train": "train", "val": "validation", "validation": "validation", "test": "test", SCRIBBLES: "train"}
"""Folder of each split, and the split's name in the catalog; the published ones are `PUBLISHED_FOLDERS`."""
PUBLISHED_FOLDERS = ("train", "val", "test")
ROLE_WORDS = {FOLDERS[name]: name for name in PUBLISHED_FOLDERS}


@dataclass(frozen=True)
class Padding:
    """Rows and columns of a stored patch around its image."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def window(self, side: int) -> tuple[slice, slice]:
        """Rows and columns of the image in a patch of `side` x `side`."""
        return slice(self.top, side - self.bottom), slice(self.left, side - self.right)

    def strips(self, patches: np.ndarray) -> tuple[np.ndarray, ...]:
        """The padding of patches (patches, rows, columns): above, below, left, right."""
        rows, columns = self.window(patches.shape[1])
        return (
            patches[:, : rows.start],
            patches[:, rows.stop :],
            patches[:, :, : columns.start],
            patches[:, :, columns.stop :],
        )

    def layout(self, side: int) -> str:
        """The keys of the layout that declare it."""
        sides = ", ".join(f"{name}: {width}" for name, width in asdict(self).items())
        return f"layout: {{side: {side}, padding: {{{sides}}}}}"


PUBLISHED_PADDING = Padding(top=1, bottom=2, left=1, right=2)
"""As the authors' code pads and crops: the image is ``[1:510, 1:510]``."""


@dataclass(frozen=True)
class Layout:
    """Rows (and columns) of a stored patch, and the padding around its image."""

    side: int
    padding: Padding

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image."""
        return self.padding.window(self.side)

    @property
    def image(self) -> int:
        """Rows, and columns, of an image."""
        return self.side - self.padding.top - self.padding.bottom


def read_layout(side: int, padding: Mapping[str, int] | None) -> Layout:
    """The layout that the keys of a release declare.

    Raises
    ------
    InputError
        If it cannot be.
    """
    if type(side) is not int or side < 4:
        raise InputError(
            "A layout has an impossible side.", where="layout, key 'side'", found=side, expected="4 or more"
        )
    return Layout(side, read_padding(padding, side))


def read_padding(given: Mapping[str, int] | None, side: int) -> Padding:
    """The padding that a layout declares."""
    if given is None:
        return PUBLISHED_PADDING
    names = [field.name for field in fields(Padding)]
    if not isinstance(given, Mapping) or not (
        set(given) <= set(names) and all(type(width) is int and width >= 0 for width in given.values())
    ):
        raise InputError(
            "A layout has an impossible padding.",
            where="layout, key 'padding'",
            found=given,
            expected=f"rows and columns on each side: {', '.join(names)}; e.g. {{bottom: 3, left: 3}}",
        )
    padding = Padding(**given)
    height, width = (part.stop - part.start for part in padding.window(side))
    if height != width or height < 1:
        raise InputError(
            "A layout leaves no square image inside its padding.",
            where="layout, key 'padding'",
            found=f"{height} rows x {width} columns of {side}",
            expected="as many rows as columns, 1 or more",
        )
    return padding


def _aliases() -> dict[str, str]:
    """Lower-case names under which a layer occurs in older uploads and in tutorials."""
    known: dict[str, str] = {}
    for name in LAYERS:
        product, rest = name.lower().split("_", 1)
        padded = re.sub(r"^b(\d)(a?)$", r"b0\1\2", rest)
        known |= {f"{product}_{rest}": name, f"{product}_{padded}": name}
        if product != "l2a" or rest not in {band.lower() for band in SENTINEL_2}:
            known |= {rest: name, padded: name}
    return known | {"extra_occurrence": "EXTRA_ocurrence", "occurrence": "EXTRA_ocurrence"}


ALIASES = _aliases()
_NAME = re.compile(r"(?:(?:train|validation|val|test)_)?(?P<name>.+)\.dat", re.IGNORECASE)


_SPLIT = re.compile(f"{SCRIBBLES}|train|val|test")


@cache
def layer_of(path: str) -> str | None:
    """The layer that a file holds, by its name; None if it holds none.

    Understood are the published names and those of older uploads and tutorials, in any case:
    ``L1C_B04.dat``, ``train_B04.dat``, ``manual_hq.dat``, ``EXTRA_LC100.dat``.
    """
    match = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    return ALIASES.get(match["name"].lower()) if match else None


def labels_nothing(path: str) -> bool:
    """Whether a file holds labels of high quality where there are none: zeros, which would mean clear sky."""
    return path.startswith(f"{SCRIBBLES}/") and layer_of(path) == LABEL


def published_path(path: str) -> str:
    """The published path of the layer in a file (which must hold one)."""
    return f"{path.rsplit('/', 1)[0]}/{layer_of(path)}.dat"


def dtypes(layer: str) -> tuple[str, ...]:
    """Dtypes in which a layer is published, the usual one first; release 1.1 has labels in 16 bits."""
    usual = LAYERS[layer].dtype
    return (usual, "<i2") if usual == "uint8" else ({"int16": "<i2", "float32": "<f4"}[usual],)


@dataclass(frozen=True)
class Split:
    """The files of a split.

    `files` gives the file of each layer; `twins` are further files of the same layers; `count` is the
    number of patches.
    """

    name: str
    files: Mapping[str, str]
    twins: tuple[str, ...]
    sizes: Mapping[str, int]
    count: int
    side: int

    def dtype(self, layer: str) -> np.dtype | None:
        """The dtype that a layer is stored in, or None if its size fits none."""
        size = self.sizes[layer]
        for kind in dtypes(layer):
            if size and size == self.count * self.side**2 * np.dtype(kind).itemsize:
                return np.dtype(kind)
        return None

    def fitting(self, layer: str) -> str:
        """The sizes that would fit, in words."""
        sizes = {np.dtype(kind).name: self.count * self.side**2 * np.dtype(kind).itemsize for kind in dtypes(layer)}
        return " or ".join(f"{size} B ({self.count} patches of {kind})" for kind, size in sizes.items())


def split_of(folder: Path, name: str, paths: Iterable[str], side: int) -> Split:
    """What the files of a split say about the number of its patches.

    That number is the one on which most layers agree; where several are as good, the one with a row of
    metadata.csv for each patch, then the one that takes most layers for their usual dtype.
    """
    files: dict[str, str] = {}
    twins = []
    # The published name comes first, so that it wins over its variants.
    for path in sorted(paths, key=lambda path: (layer_of(path) is None or path != published_path(path), path)):
        layer = layer_of(path)
        if layer is not None and path.startswith(f"{name}/") and not labels_nothing(path):
            if layer in files:
                twins.append(path)
            files.setdefault(layer, path)
    sizes = {layer: os.stat(f"{folder}/{path}").st_size for layer, path in files.items()}
    count = _patch_count(sizes, metadata_path(folder / name), side)
    return Split(name, files, tuple(twins), sizes, count, side)


def _patch_count(sizes: Mapping[str, int], metadata: Path | None, side: int) -> int:
    """Number of patches (see `split_of`); the metadata are read only where sizes alone do not tell it."""
    votes: Counter[int] = Counter()
    usual: Counter[int] = Counter()
    for layer, size in sizes.items():
        for place, kind in enumerate(dtypes(layer)):
            count, rest = divmod(size, side**2 * np.dtype(kind).itemsize)
            if count and not rest:
                votes[count] += 1
                usual[count] += place == 0
    best = [count for count in votes if votes[count] == max(votes.values())]
    if len(best) == 1:
        return best[0]
    rows = count_rows(metadata) if metadata else None
    return max(best, key=lambda count: (count == rows, usual[count], count), default=rows or 0)


def splits_of(folder: Path, paths: Sequence[str], side: int) -> list[Split]:
    """The splits that some paths are of, in the order of `FOLDERS`."""
    there = {path.split("/", 1)[0] for path in paths}
    return [split_of(folder, name, paths, side) for name in FOLDERS if name in there]


def size_text(size: int, layer: str, side: int) -> str:
    """A size, and what it would be as patches."""
    for kind in dtypes(layer):
        patch = side**2 * np.dtype(kind).itemsize
        if size and size % patch == 0:
            return f"{size} B ({size // patch} patches of {np.dtype(kind).name})"
    return f"{size} B"


def list_files(folder: Path) -> list[str]:
    """Paths of layers and of the metadata in the folders of the splits, and of the table of label quality; sorted.

    What is no file, such as a link that leads nowhere, is listed as well: it stands for one that is missing.

    Raises
    ------
    InputError
        If there is none, or one split has two folders.
    """
    found = [
        f"{split}/{path.name}"
        for split in FOLDERS
        if (folder / split).is_dir()
        for path in (folder / split).iterdir()
        if (path == metadata_path(folder / split) or layer_of(path.name) is not None)
        and not labels_nothing(f"{split}/{path.name}")
    ]
    if not found:
        there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["no folder"]
        raise InputError(
            "The folder holds no files of CloudSEN12.",
            where=folder,
            found=first_misplaced(folder, _home) or ", ".join(there[:8]),
            expected="train/, val/ or test/ with files such as L1C_B2.dat and LABEL_manual_hq.dat",
            remedy="give the folder that holds these folders",
        )
    found += [name for name in (INDICES,) if os.path.lexists(folder / name)]
    folders = {path.split("/")[0] for path in found}
    if {"val", "validation"} <= folders:
        raise InputError(
            "A split of CloudSEN12 has two folders.",
            where=folder,
            found="val/ and validation/",
            expected="one of them",
            remedy="move one of the two out of the release's folder",
        )
    return sorted(found)


def unused(folder: Path) -> list[Finding]:
    """Files of a folder that are not read, see `unused_findings`."""
    return unused_findings(folder, list_files, _suggest, _home)


def _home(path: str) -> str:
    """Where a file would be read that has the name of a layer, below a folder named as a split; see `unused.Home`."""
    *folders, name = path.split("/")
    layer = layer_of(name)
    words = [_SPLIT.match(folder.lower()) for folder in folders]
    split = next((f"{word[0]}" for word in reversed(words) if word), "")
    return f"{split}/{layer}.dat" if layer and split and not labels_nothing(path) else ""


def _suggest(path: str) -> str:
    """How a file would be read, as far as its name tells what it is meant to be."""
    place, _, name = path.rpartition("/")
    stem, ending = name.lower().rsplit(".", 1) if "." in name else (name.lower(), "")
    folders = ", ".join(f"{split}/" for split in PUBLISHED_FOLDERS)
    if labels_nothing(path):
        return f"images in {SCRIBBLES}/ have no labels of high quality; they are trained on by their scribbles"
    if place not in FOLDERS and (layer_of(name) or stem == "metadata"):
        return f"read in {folders}"
    if ending == "dat":
        return "read under a published name, such as L1C_B2.dat or LABEL_manual_hq.dat"
    if stem.split(".")[0] in ("metadata", "meta") or (ending in ("csv", "parquet") and place in FOLDERS):
        return f"a table of patches is read as {METADATA} or {METADATA_PARQUET}, the first before the second"
    if f".{ending}" in PICKLES:
        return "nothing is unpickled or unpacked from such files: layers are raw values, such as L1C_B2.dat"
    return f"layers are raw values, read as {folders}L1C_B2.dat and the like" * (
        ending in ("tif", "tiff", "h5", "mlstac")
    )


def common_layers(paths: Iterable[str]) -> frozenset[str]:
    """Layers that every split with data has; scribbles stand in for labels of high quality."""
    by_split: dict[str, set[str]] = {}
    for path in paths:
        layer = layer_of(path)
        if layer is not None:
            by_split.setdefault(path.split("/", 1)[0], set()).add(layer)
    if SCRIBBLES in by_split:
        by_split[SCRIBBLES].add(LABEL)
    return frozenset(set.intersection(*by_split.values())) if by_split else frozenset()


def split_at(layout: Layout, folder: Path, name: str) -> Split:
    """A split with all files in its folder."""
    with os.scandir(folder / name) as entries:
        paths = sorted(f"{name}/{entry.name}" for entry in entries if Path(entry.path).is_file())
    return split_of(folder, name, paths, layout.side)
