"""True classes of pixels, and which of them carry a measurement: what was not seen takes no part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.datasets.reading import Block
from sentinel_forest.datasets.terms import IGNORE, OPTICAL, RADAR, VALID_FRACTION, FeatureSet
from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

if TYPE_CHECKING:
    from sentinel_forest.datasets.base import Dataset


def kinds_of(dataset: Dataset, feature_set: FeatureSet) -> tuple[str, ...]:
    """Kinds of sensors without whose measurement a pixel takes no part in a feature set.

    Always the optical ones, because what was not seen could not be labelled; and radar where it is read.
    """
    bands = (dataset.layer_table[layer].band for layer in feature_set.layers.values())
    return (OPTICAL, RADAR) if any(band is not None and band.kind == RADAR for band in bands) else (OPTICAL,)


def with_measured(dataset: Dataset, folder: Path, block: Block, kinds: Iterable[str] = (OPTICAL,)) -> Block:
    """A block that knows which pixels carry a measurement; bands are read only for patches that lack one somewhere."""
    masks: dict[str, np.ndarray] = {}
    for kind in kinds:
        some = (block.patches.get(f"{VALID_FRACTION}{kind}", pd.Series(1.0, block.patches.index)) < 1).to_numpy()
        if some.any():
            parts = dataset.measured(folder, block.patches[some], kind)
            masks[kind] = np.ones((len(some), *parts.shape[1:]), dtype=bool)
            masks[kind][some] = parts
    return replace(block, measured=masks) if masks else block


def true_classes(dataset: Dataset, task: str, block: Block, kinds: Iterable[str] = (OPTICAL,)) -> np.ndarray:
    """`Dataset.classes`, with `IGNORE` also for pixels without a measurement of some sensors: they take no part."""
    labels = dataset.classes(task, block)
    for kind in kinds:
        if kind in block.measured:
            labels = np.where(block.measured[kind], labels, np.uint8(IGNORE))
    return labels
