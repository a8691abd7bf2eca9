"""Writing files in the layout of CloudSEN12."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.cloudsen12.handout import handout
from sentinel_forest.datasets.cloudsen12.layout import (
    FOLDERS,
    PUBLISHED_FOLDERS,
    SCRIBBLES,
    Layout,
    Split,
    dtypes,
    split_at,
)
from sentinel_forest.datasets.cloudsen12.metadata import METADATA, metadata_path
from sentinel_forest.datasets.cloudsen12.reader import check_rows, let_go, open_layer
from sentinel_forest.datasets.cloudsen12.vocabulary import LABEL, LAYERS
from sentinel_forest.datasets.hashing import hold_arrays
from sentinel_forest.errors import InputError
from sentinel_forest.io.copying import NewFile, Piece, append, runs
from sentinel_forest.io.tables import replacing
from sentinel_forest.io.texts import read_texts

AT_ONCE = 64
"""Patches between which memory is given back while an export is held against the catalog."""


def create(layout: Layout, folder: Path, split: str, count: int, layers: Sequence[str]) -> dict[str, np.memmap]:
    """Make files of zeros in the published layout, to be filled by the caller.

    Parameters
    ----------
    folder : Path
        The folder of the release.
    split : str
        ``train``, ``val`` or ``test``.
    count : int
        Number of patches, at least 1.
    layers : sequence of str
        Names of `layer_table`.

    Returns
    -------
    dict
        Layer to a writable array (count, side, side) in its published dtype.
    """
    (folder / split).mkdir(parents=True, exist_ok=True)
    shape = (count, layout.side, layout.side)
    return {
        layer: np.memmap(folder / split / f"{layer}.dat", dtypes(layer)[0], mode="w+", shape=shape) for layer in layers
    }


def write_metadata(folder: Path, split: str, table: pd.DataFrame) -> None:
    """Write ``metadata.csv`` of a split: one row per patch, in the order of the layers."""
    with replacing(folder / split / METADATA) as beside:
        table.to_csv(beside, index=False, lineterminator="\n", encoding="utf-8")


def export(layout: Layout, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
    """Layers and metadata.csv of each role, in ``train``, ``val`` and ``test``; ``README.md`` and ``load.py``.

    Whole patches are taken over byte by byte, padding included; without `layers`, those that all
    splits have. The rows of metadata.csv follow the patches, their text is left as it is.
    """
    names = sorted({str(name) for rows in roles.values() for name in rows["file"]})
    splits = {name: split_at(layout, folder, name) for name in names}
    for name, split in splits.items():
        numbers = [rows.loc[rows["file"] == name, "row"].to_numpy() for rows in roles.values()]
        check_rows(folder, split, np.concatenate(numbers))
    kinds = _export_dtypes(layout, folder, splits, layers)
    if SCRIBBLES in splits and (not layers or LABEL in layers):
        raise InputError(
            "Images with scribbles alone cannot stand beside labels of high quality in an export.",
            where=folder / SCRIBBLES,
            found=f"{sum((rows['file'] == SCRIBBLES).sum() for rows in roles.values())} images",
            expected=f"images with {LABEL}",
            remedy=f"take a scheme without them (kind: filtered, leave_out: {{file: [{SCRIBBLES}]}}), or other layers",
        )
    wanted = {name: roles[FOLDERS[name]] for name in PUBLISHED_FOLDERS if FOLDERS[name] in roles}
    joined = {name: runs(rows) for name, rows in wanted.items()}
    files = []
    for layer, kind in kinds.items():
        length = layout.side**2 * kind.itemsize
        sources = {source: folder / split.files[layer] for source, split in splits.items()}
        # All roles from one layer before the next: what they share of a file is read from disk once.
        for name, rows in wanted.items():
            pieces = [Piece(sources[file], first * length, n * length) for file, first, n in joined[name]]
            write, hold = partial(_write_pieces, pieces), partial(_hold, layout, rows, layer, kind)
            files.append(NewFile(f"{name}/{layer}.dat", len(rows) * length, write, hold))
    for name, rows in wanted.items():
        files += _export_metadata(folder, f"{name}/{METADATA}", rows)
    return files + handout(layout, kinds, {name: len(rows) for name, rows in wanted.items()})


def _export_dtypes(
    layout: Layout, folder: Path, splits: Mapping[str, Split], layers: Sequence[str]
) -> dict[str, np.dtype]:
    """The layers to be exported, in their published order, with the dtype they are stored in."""
    unknown = [layer for layer in layers if layer not in LAYERS]
    if unknown:
        raise InputError("Unknown layer of CloudSEN12.", found=unknown[0], expected=", ".join(LAYERS))
    there = set.intersection(*(set(split.files) for split in splits.values()))
    kinds = {}
    for layer in (layer for layer in LAYERS if layer in (layers or there)):
        found = {name: open_layer(layout, folder, split, layer).dtype for name, split in splits.items()}
        if len(set(found.values())) > 1:
            raise InputError(
                "Splits that are to be joined store a layer in different dtypes.",
                where=f"{folder}, {layer}",
                found=", ".join(f"{name} {kind}" for name, kind in found.items()),
                expected="one dtype",
                remedy="fetch all splits from the same release, or leave the layer out",
            )
        kinds[layer] = next(iter(found.values()))
    return kinds


def _write_pieces(pieces: Sequence[Piece], path: Path) -> Iterator[int]:
    with open(path, "wb") as stream:
        yield from append(stream, pieces)


def _hold(layout: Layout, rows: pd.DataFrame, layer: str, kind: np.dtype, path: Path) -> None:
    """Compare the images of a written layer with the hashes of the catalog."""
    stored = np.memmap(path, kind, mode="r", shape=(len(rows), layout.side, layout.side))
    for first in range(0, len(rows), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        hold_arrays(rows[part], {layer: stored[part, *layout.window]}, lambda file, name: f"{file}/{name}.dat")
        let_go(stored)


def _export_metadata(folder: Path, path: str, rows: pd.DataFrame) -> list[NewFile]:
    """metadata.csv of some patches: text as published; a split without the file has blank rows."""
    sources = [source for name in rows["file"].unique() if (source := metadata_path(folder / str(name)))]
    if not sources:
        return []

    def write(path: Path) -> Iterator[int]:
        table = pd.concat({source.parent.name: _verbatim(source) for source in sources})
        chosen = table.reindex(pd.MultiIndex.from_frame(rows[["file", "row"]]))
        chosen.to_csv(path, index=False, na_rep="", lineterminator="\n", encoding="utf-8")
        yield path.stat().st_size

    return [NewFile(path, sum(source.stat().st_size for source in sources), write)]


def _verbatim(path: Path) -> pd.DataFrame:
    """A table as text; a CSV table with its header as it stands."""
    if path.suffix != ".csv":
        return read_texts(path)
    table = pd.read_csv(path, header=None, dtype="str", keep_default_na=False, encoding="utf-8")
    return table[1:].set_axis(table.iloc[0], axis=1).reset_index(drop=True)
