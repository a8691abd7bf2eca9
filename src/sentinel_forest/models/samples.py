"""Pixels and patches with their truth, as forests are asked about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import IGNORE, Block, Dataset, kinds_of, true_classes
from sentinel_forest.features import bands_of, pixel
from sentinel_forest.models.scored_pixels import count_classes, draw_pixels


@dataclass(frozen=True)
class Samples:
    """Pixels or patches with their truth.

    Parameters
    ----------
    X : ndarray
        float32 (samples, features).
    truth : ndarray
        Integers (samples,): index of the class.
    place : ndarray
        int64 (samples,): index into `patches`; rising.
    patches : ndarray
        str: ids.
    totals : ndarray or None
        int64 (patches, classes): pixels that the samples were drawn from; None where they are all there are.
    """

    X: np.ndarray
    truth: np.ndarray
    place: np.ndarray
    patches: np.ndarray
    totals: np.ndarray | None = None

    def of(self, chosen: frozenset[str]) -> "Samples":
        """The samples of some patches."""
        kept = np.array([patch in chosen for patch in self.patches], dtype=bool)
        if kept.all():
            return self
        rows = kept[self.place]
        number = np.cumsum(kept) - 1
        totals = None if self.totals is None else self.totals[kept]
        return Samples(self.X[rows], self.truth[rows], number[self.place[rows]], self.patches[kept], totals)


def pixel_samples(dataset: Dataset, set_name: str, block: Block, pixels: int | None = None, seed: int = 0) -> Samples:
    """Valid pixels of a block with the features of a set: all, or a sample of so many `pixels` of each patch."""
    feature_set = dataset.feature_sets[set_name]
    labels = true_classes(dataset, feature_set.task, block, kinds_of(dataset, feature_set)).reshape(
        len(block.patches), -1
    )
    values = pixel.compute(feature_set.features, bands_of(dataset, feature_set, block), feature_set.bands)
    valid, totals = labels != IGNORE, None
    patches = block.patches["patch"].to_numpy()
    if pixels is not None:
        totals = count_classes(labels, len(dataset.tasks[feature_set.task].names))
        valid = draw_pixels(labels, patches, totals, pixels, seed)
    return Samples(values.reshape(*labels.shape, -1)[valid], labels[valid], np.nonzero(valid)[0], patches, totals)


def patch_samples(table: pd.DataFrame, features: Sequence[str]) -> Samples:
    """The labelled patches of a feature table."""
    known = table[table["label"] >= 0]
    return Samples(
        np.ascontiguousarray(known[list(features)].to_numpy(np.float32)),
        known["label"].to_numpy(np.int64),
        np.arange(len(known)),
        known["patch"].to_numpy(),
    )


def cut(block: Block, chosen: np.ndarray) -> Block:
    """Some patches of a block."""
    if chosen.all():
        return block
    layers = {layer: values[chosen] for layer, values in block.layers.items()}
    return Block(block.patches[chosen], layers, {kind: mask[chosen] for kind, mask in block.measured.items()})
