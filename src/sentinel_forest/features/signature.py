"""A few numbers that tell patches apart: mean and standard deviation of each band, for near-duplicates."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Block, Dataset
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.io import schemas as pa
from sentinel_forest.io import tables
from sentinel_forest.steps import Output


def schema(layers: Sequence[str]) -> pa.DataFrameSchema:
    """One row per patch in file order: patch, then float32 ``<layer>_mean`` and ``<layer>_deviation``.

    Both are of the valid pixels, in the unit of the layer; NaN where a patch has none.
    """
    values = [f"{layer}_{name}" for layer in layers for name in ("mean", "deviation")]
    return pa.DataFrameSchema(
        {"patch": pa.Column("str", unique=True), **tables.columns("float32", *values, nullable=True)},
        strict=True,
        ordered=True,
    )


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (of all pixels, not of a sample) of each patch.

    Parameters
    ----------
    values : ndarray
        float32 (patches, rows, columns); what is not finite does not count.

    Returns
    -------
    mean, deviation : ndarray
        float64 (patches,), accumulated in float64; NaN without a valid pixel.
    """
    pixels = values.reshape(len(values), -1)
    valid = np.isfinite(pixels)
    with np.errstate(invalid="ignore"):
        count = valid.sum(axis=1)
        mean = pixels.sum(axis=1, dtype=np.float64, where=valid) / count
        apart = pixels - mean[:, None]
        variance = np.square(apart, out=apart).sum(axis=1, where=valid) / count
    return mean, np.sqrt(variance)


def signatures(dataset: Dataset, folder: Path, rows: pd.DataFrame, layers: Sequence[str]) -> pd.DataFrame:
    """The signatures of consecutive catalog rows; see `schema`. Each patch is read once."""
    about = schema(layers)
    parts = [pd.DataFrame({name: [] for name in about.columns})] if rows.empty else []
    for block in read_blocks("signatures", dataset, folder, rows, layers):
        parts.append(_of_block(dataset, block, layers))
    return tables.conform(pd.concat(parts, ignore_index=True), about)


def _of_block(dataset: Dataset, block: Block, layers: Sequence[str]) -> pd.DataFrame:
    columns = {"patch": block.patches["patch"].to_numpy()}
    for layer in layers:
        mean, deviation = moments(dataset.physical(layer, block.layers[layer]))
        columns |= {f"{layer}_mean": mean, f"{layer}_deviation": deviation}
    return pd.DataFrame(columns)


def signature(*, of: ShardOf, layers: list[str], output: Output) -> None:
    """Describe each patch of a shard by a few numbers, for near-duplicates.

    Parameters
    ----------
    of : ShardOf
        The shard.
    layers : list of str
        Bands of the image.
    output : Path
        The table `schema`.
    """
    table = signatures(of.opened(), of.folder, of.rows(), layers)
    tables.write_parquet(output, table, schema(layers))
