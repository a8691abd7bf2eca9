"""Patches of a shard, block by block."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import OPTICAL, Block, Dataset, with_measured

READ_BYTES = 64 * 2**20
"""Bytes read at a time: long enough for a disk or a network file system."""

WORK_BYTES = 16 * 2**20
"""Bytes worked on at a time: short enough for a processor's cache."""


def read_blocks(
    title: str,
    dataset: Dataset,
    folder: Path,
    rows: pd.DataFrame,
    layers: Sequence[str],
    kinds: Sequence[str] = (OPTICAL,),
) -> Iterator[Block]:
    """Patches with some layers, in blocks of about `WORK_BYTES` as stored and as float32 together.

    Parameters
    ----------
    title : str
        Begins the lines that say, each tenth of the way, how many patches are done.
    rows : DataFrame
        Rows of the catalog, in its order; the index is their place in it.
    kinds : sequence of str
        Kinds of sensors of which blocks say where they measured.
    """
    if rows.empty:
        return
    size = _bytes_of(next(iter(dataset.blocks(folder, rows.iloc[:1], layers, 1))))
    done = 0
    for block in _gathered(_read(dataset, folder, rows, layers, size), max(1, WORK_BYTES // size)):
        yield with_measured(dataset, folder, block, kinds)
        tenth = done * 10 // len(rows)
        done += len(block.patches)
        if done * 10 // len(rows) > tenth:
            print(f"{title}: {done} of {len(rows)} patches", file=sys.stderr)


def _read(dataset: Dataset, folder: Path, rows: pd.DataFrame, layers: Sequence[str], size: int) -> Iterator[Block]:
    """Neighbours in the catalog are read together, as many as are `READ_BYTES`."""
    gaps = np.flatnonzero(np.diff(rows.index.to_numpy()) > 1) + 1
    for first, last in zip([0, *gaps], [*gaps, len(rows)], strict=True):
        yield from dataset.blocks(folder, rows.iloc[first:last], layers, max(1, READ_BYTES // size))


def _gathered(blocks: Iterator[Block], patches: int) -> Iterator[Block]:
    """The same patches in blocks of at most `patches`; only blocks that are joined are copied."""
    waiting: list[Block] = []
    for block in blocks:
        for part in _split(block, patches):
            if sum(len(each.patches) for each in waiting) + len(part.patches) > patches:
                yield _joined(waiting)
                waiting = []
            waiting.append(part)
    yield _joined(waiting)


def _split(block: Block, patches: int) -> Iterator[Block]:
    for first in range(0, len(block.patches), patches):
        some = slice(first, first + patches)
        layers = {name: values[some] for name, values in block.layers.items()}
        yield Block(block.patches.iloc[some], layers)


def _joined(blocks: Sequence[Block]) -> Block:
    """Blocks one behind the other."""
    if len(blocks) == 1:
        return blocks[0]
    layers = {layer: np.concatenate([block.layers[layer] for block in blocks]) for layer in blocks[0].layers}
    return Block(pd.concat([block.patches for block in blocks]), layers)


def _bytes_of(block: Block) -> int:
    """Bytes of a block's layers, of what they are views of, and of their float32 copies."""
    owners = {id(owner): owner.nbytes for owner in map(_owner, block.layers.values())}
    return sum(owners.values()) + sum(4 * values.size for values in block.layers.values())


def _owner(values: np.ndarray) -> np.ndarray:
    """The array that holds the values of a view."""
    return values.base if isinstance(values.base, np.ndarray) else values
