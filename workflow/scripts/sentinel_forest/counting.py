"""Blocks of chosen patches, and counts by patch of what is true and what is predicted."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .datasets.base import Block, Dataset

BLOCK_BYTES = 64 * 2**20
"""Bytes of a block as stored and as float32 together."""


def confusion(
    truth: np.ndarray, predicted: np.ndarray, place: np.ndarray, patches: int, classes: int, answers: int
) -> np.ndarray:
    """Counts by patch, true class and answer: int64 (patches, classes, answers).

    Parameters
    ----------
    truth, predicted, place : ndarray
        Integers (samples,): class, answer, patch.
    patches, classes, answers : int
        How many there are of each.
    """
    flat = (place.astype(np.int64) * classes + truth) * answers + predicted
    return np.bincount(flat, minlength=patches * classes * answers).reshape(patches, classes, answers)


def counts_table(
    counts: np.ndarray, patches: np.ndarray, classes: Sequence[str], answers: Sequence[str]
) -> pd.DataFrame:
    """Counts above 0 of `confusion` as a table: patch, true, predicted, count."""
    patch, true, predicted = np.nonzero(counts)
    return pd.DataFrame(
        {
            "patch": patches[patch],
            "true": np.asarray(classes, dtype=object)[true],
            "predicted": np.asarray(answers, dtype=object)[predicted],
            "count": counts[patch, true, predicted].astype(np.int64),
        }
    ).astype({"patch": "str", "true": "str", "predicted": "str"})


def read_blocks(
    dataset: Dataset, folder: Path, rows: pd.DataFrame, chosen: np.ndarray, layers: Sequence[str]
) -> Iterator[Block]:
    """The chosen catalog rows with some layers, in blocks of about `BLOCK_BYTES`.

    Parameters
    ----------
    rows : DataFrame
        Consecutive catalog rows.
    chosen : ndarray
        bool (rows,): only these are read.
    """
    places = np.flatnonzero(chosen)
    if not len(places):
        return
    first = next(iter(dataset.blocks(folder, rows.iloc[places[:1]], layers, 1)))
    patches = max(1, BLOCK_BYTES // sum(values.nbytes + 4 * values.size for values in first.layers.values()))
    waiting: list[Block] = []
    for run_of_rows in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        for block in dataset.blocks(folder, rows.iloc[run_of_rows], layers, patches):
            if waiting and sum(len(part.patches) for part in waiting) + len(block.patches) > patches:
                yield _joined(waiting)
                waiting = []
            waiting.append(block)
    yield _joined(waiting)


def _joined(blocks: Sequence[Block]) -> Block:
    """Blocks one behind the other."""
    if len(blocks) == 1:
        return blocks[0]
    layers = {layer: np.concatenate([block.layers[layer] for block in blocks]) for layer in blocks[0].layers}
    return Block(pd.concat([block.patches for block in blocks]), layers)
