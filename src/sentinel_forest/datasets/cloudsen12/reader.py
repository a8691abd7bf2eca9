"""Reading CloudSEN12: windows of layers, labels, and what reference algorithms say."""

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import IGNORE, Arrays, Block, Reader, any_measured, hold_arrays
from sentinel_forest.datasets.cloudsen12.layout import SCRIBBLES, Layout, Split, size_text, split_at
from sentinel_forest.datasets.cloudsen12.vocabulary import CATEGORIES, FIRST_CODE, LABEL, LAYERS, REFERENCES
from sentinel_forest.errors import InputError

NO_CODE = 254
"""Stands for a label that does not fit 8 bits."""

S2CLOUDLESS_THRESHOLD = 40

CD_FCNN_THRESHOLD = 50
"""Probabilities in percent above which the authors speak of cloud."""


def let_go(stored: np.ndarray) -> None:
    """Give the pages back that reading has mapped, or a job is charged for all of its shard's bytes."""
    mapped = getattr(stored, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def eight_bits(stored: np.ndarray) -> np.ndarray:
    """Label codes as uint8: -1 is 255, anything else that does not fit is `NO_CODE`."""
    if stored.dtype == np.uint8:
        return stored
    codes = stored.astype(np.uint8)
    codes[(stored < -1) | (stored > 255)] = NO_CODE
    return codes


def s2cloudless_mask(percent: np.ndarray) -> np.ndarray:
    """Cloud mask from cloud probabilities, as s2cloudless 1.5.0 makes it by default.

    The probability is averaged over a disk of radius 1 (the pixel and its four neighbours; the image is
    mirrored at its edge), held against the threshold of 0.4, and the mask is grown by the same disk.
    Whole percentages are added as integers: a mean of exactly 0.4 is no cloud.

    Parameters
    ----------
    percent : ndarray
        uint8 (patches, rows, columns), probabilities in percent.

    Returns
    -------
    ndarray
        bool, as `percent`.
    """
    edged = np.pad(percent.astype(np.uint16), ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    total = edged[:, 1:-1, 1:-1].copy()
    for neighbour in (edged[:, :-2, 1:-1], edged[:, 2:, 1:-1], edged[:, 1:-1, :-2], edged[:, 1:-1, 2:]):
        total += neighbour
    core = total > 5 * S2CLOUDLESS_THRESHOLD
    mask = core.copy()
    mask[:, 1:] |= core[:, :-1]
    mask[:, :-1] |= core[:, 1:]
    mask[:, :, 1:] |= core[:, :, :-1]
    mask[:, :, :-1] |= core[:, :, 1:]
    return mask


def _predicted(layer: str, codes: np.ndarray, classes: int) -> np.ndarray:
    """Index of the predicted class from the codes of a reference layer, or `IGNORE`."""
    if layer == "LABEL_s2cloudless":
        known = codes <= 100
        return np.where(known, s2cloudless_mask(np.where(known, codes, 0)), IGNORE).astype(np.uint8)
    table = np.full(256, IGNORE, dtype=np.uint8)
    if layer.startswith("LABEL_cd_fcnn"):
        table[:101] = np.arange(101) > CD_FCNN_THRESHOLD
    elif layer == "LABEL_qa60":
        table[:] = np.arange(256) > 0
    else:
        first = FIRST_CODE.get(layer, 0)
        table[first : first + classes] = np.arange(classes)
    return np.asarray(table[codes])


def check_rows(folder: Path, split: Split, rows: np.ndarray) -> None:
    """Raise if a row of the catalog lies beyond the files."""
    if rows.max(initial=-1) >= split.count:
        raise InputError(
            "A patch of the catalog is not in the files.",
            where=folder / split.name,
            found=f"row {rows.max()}",
            expected=f"rows 0 to {split.count - 1}",
            remedy="make the catalog again",
        )


def sensor_layers(layout: Layout, folder: Path, file: str, kind: str) -> tuple[str, ...]:
    """Layers of a split that show what a sensor measured: bands of level 1C (without any, of level 2A), or radar."""
    split = split_at(layout, folder, file)
    there = [layer for layer in split.files if split.dtype(layer) is not None]
    for products in (("L1C_",), ("L2A_",)) if kind == "optical" else (("S1_",),):
        bands = [name for name in there if name.startswith(products) and is_of_kind(name, kind)]
        if bands:
            return tuple(bands)
    return ()


def is_of_kind(layer: str, kind: str) -> bool:
    """Whether a layer holds a band of a kind of sensor."""
    band = LAYERS[layer].band
    return band is not None and band.kind == kind


def read(
    layout: Layout, folder: Path, patches: pd.DataFrame, arrays: Sequence[str], at_once: int
) -> Iterator[tuple[pd.DataFrame, Arrays]]:
    """Read windows of layers in the order of rows; rows that follow each other are read as one slice."""
    place = patches["file"].to_numpy()
    starts = np.flatnonzero(place[1:] != place[:-1]) + 1
    for run in np.split(np.arange(len(patches)), starts) if len(patches) else []:
        read_rows = reader(layout, folder, str(place[run[0]]), arrays)
        for first in range(0, len(run), at_once):
            rows = patches.iloc[run[first : first + at_once]]
            yield rows, read_rows(rows["row"].to_numpy())


def verified_arrays(
    layout: Layout, folder: Path, patches: pd.DataFrame, arrays: Sequence[str]
) -> Iterator[tuple[pd.DataFrame, Arrays]]:
    """`read`, patch by patch, held against the hashes that `patches` has of these layers."""
    patches = patches.filter(["file", "row", *(f"hash_{name}" for name in arrays)])
    for rows, stored in read(layout, folder, patches, arrays, 1):
        hold_arrays(rows, stored, lambda file, layer: f"{file}/{layer}.dat")
        yield rows, stored


def measured(layout: Layout, folder: Path, patches: pd.DataFrame, kind: str) -> np.ndarray:
    """Pixels of patches of one split that are not 0 or missing in all bands of a kind of sensor."""
    bands = sensor_layers(layout, folder, str(patches["file"].iloc[0]), kind)
    masks = [
        any_measured((np.asarray(values[0]), LAYERS[layer].missing) for layer, values in stored.items())
        for _, stored in verified_arrays(layout, folder, patches, bands)
    ]
    return np.stack(masks)


def count_unmeasured(
    layout: Layout, folder: Path, patches: pd.DataFrame, hashes: pd.DataFrame, kind: str
) -> np.ndarray:
    """Pixels of the patches of a split that carry no measurement, int32; -1 where nothing is known.

    Only patches with such a pixel in each band are read for it.
    """
    name = str(patches["file"].iloc[0])
    layers = sensor_layers(layout, folder, name, kind)
    here = hashes[hashes["layer"].isin(layers) & (hashes["file"].str.split("/").str[0] == name)]
    if not layers or here["layer"].nunique() < len(layers):
        return np.full(len(patches), -1, dtype=np.int32)
    result = np.zeros(len(patches), dtype=np.int32)
    bands = here[here["empty"] > 0].groupby("row").size()
    for row in bands.index[bands == len(layers)]:
        result[row] = (~measured(layout, folder, patches.iloc[[row]], kind)).sum()
    return result


def read_windows(layout: Layout, stored: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The valid windows of some rows, in the stored dtype."""
    values = np.empty((len(rows), layout.image, layout.image), stored.dtype)
    done = 0
    for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
        values[done : done + len(run)] = stored[run[0] : run[-1] + 1, *layout.window]
        done += len(run)
    let_go(stored)
    return values


def open_layer(layout: Layout, folder: Path, split: Split, layer: str) -> np.ndarray:
    """A layer of a split, mapped into memory; labels of high quality say nothing where there are scribbles alone."""
    shape = (split.count, layout.side, layout.side)
    if layer == LABEL and split.name == SCRIBBLES:
        return np.broadcast_to(np.uint8(IGNORE), shape)
    if layer not in split.files:
        raise InputError(
            "A layer is missing.",
            where=folder / split.name,
            found=", ".join(split.files),
            expected=layer,
            remedy="fetch it, or leave out what needs it",
        )
    kind = split.dtype(layer)
    if kind is None:
        raise InputError(
            "A file has a size that fits no dtype.",
            where=folder / split.files[layer],
            found=size_text(split.sizes[layer], layer, layout.side),
            expected=split.fitting(layer),
            remedy="fetch it again",
        )
    return np.memmap(folder / split.files[layer], kind, mode="r", shape=shape)


def reader(layout: Layout, folder: Path, file: str, arrays: Sequence[str]) -> Reader:
    """A function from rows of a split to their valid windows; the files are mapped into memory."""
    split = split_at(layout, folder, file)
    stored = {layer: open_layer(layout, folder, split, layer) for layer in arrays}

    def read_rows(rows: np.ndarray) -> Arrays:
        check_rows(folder, split, rows)
        return {layer: read_windows(layout, array, rows) for layer, array in stored.items()}

    return read_rows


def labels(block: Block) -> np.ndarray:
    """Classes of the labels drawn by hand: index into `CATEGORIES`, or `IGNORE`."""
    table = np.full(256, IGNORE, dtype=np.uint8)
    table[[category.code for category in CATEGORIES]] = np.arange(len(CATEGORIES))
    return np.asarray(table[eight_bits(block.layers[LABEL])])


def reference(name: str, block: Block) -> np.ndarray:
    """What a reference algorithm says: index into its `predicted`, or `IGNORE`."""
    about = REFERENCES[name]
    return _predicted(about.layer, eight_bits(block.layers[about.layer]), len(about.predicted))
