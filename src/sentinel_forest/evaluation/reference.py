"""The algorithms whose results ship with a release, held against its truth patch by patch.

A pixel counts if its truth is known and it carries a measurement. Where the algorithm gives none of its
answers (fill, a code that nothing explains), the pixel is counted as `NO_ANSWER`: it is not left out, so that
it stays visible on how many pixels an algorithm was judged, and the scores decide what to do with it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest import datasets
from sentinel_forest.datasets.base import IGNORE, NO_ANSWER, Block, Dataset, true_classes
from sentinel_forest.errors import InputError
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.io import tables
from sentinel_forest.models.counts import confusion, counts_table
from sentinel_forest.steps import Layout, Output

REFERENCES = pa.DataFrameSchema(
    {**tables.columns("str", "classifier", "patch", "true", "predicted"), "count": pa.Column("int64", pa.Check.ge(1))},
    strict=True,
    ordered=True,
)
"""Confusion by patch. classifier: the algorithm; true: name of the class; predicted: one of the
algorithm's answers (`Reference.predicted`), or `NO_ANSWER`; count: pixels with known truth. Counts of
0 have no row."""


def reference_counts(dataset: Dataset, name: str, block: Block) -> pd.DataFrame:
    """What one algorithm says about the patches of a block; see `REFERENCES`."""
    about = dataset.references[name]
    classes = dataset.tasks[about.task].names
    patches = len(block.patches)
    labels = true_classes(dataset, about.task, block).reshape(patches, -1)
    predicted = dataset.reference(name, block).reshape(patches, -1)
    predicted = np.where(predicted == IGNORE, len(about.predicted), predicted)
    valid = labels != IGNORE
    counts = confusion(
        labels[valid], predicted[valid], np.nonzero(valid)[0], patches, len(classes), len(about.predicted) + 1
    )
    table = counts_table(counts, block.patches["patch"].to_numpy(), classes, (*about.predicted, NO_ANSWER))
    table.insert(0, "classifier", name)
    return table


def reference_table(dataset: Dataset, folder: Path, rows: pd.DataFrame, references: Sequence[str]) -> pd.DataFrame:
    """What algorithms say about consecutive catalog rows: algorithms as given, patches in file order.

    Raises
    ------
    InputError
        If the dataset does not know an algorithm.
    """
    for name in references:
        if name not in dataset.references:
            raise InputError(
                "Unknown reference algorithm.",
                where="references",
                found=name,
                expected=" | ".join(dataset.references) or "none: this dataset has none",
            )
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in references}
    wanted = rows if references else rows.iloc[:0]
    for block in read_blocks("references", dataset, folder, wanted, _layers(dataset, references)):
        for name, found in parts.items():
            found.append(reference_counts(dataset, name, block))
    empty = pd.DataFrame({name: [] for name in REFERENCES.columns})
    counts = [table for found in parts.values() for table in found]
    return tables.conform(pd.concat(counts or [empty], ignore_index=True), REFERENCES)


def _layers(dataset: Dataset, references: Sequence[str]) -> tuple[str, ...]:
    """Layers of the algorithms and of the truth they are held against, each once."""
    found: list[str] = []
    for name in references:
        about = dataset.references[name]
        found += [about.layer, *dataset.label_layers(about.task)]
    return tuple(dict.fromkeys(found))


def reference(
    *,
    dataset: str,
    layout: Layout | None = None,
    folder: Path,
    catalog: Path,
    shard: int,
    shards: int,
    references: list[str],
    output: Output,
) -> None:
    """Hold the reference algorithms that ship with a release against its truth.

    Parameters
    ----------
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    folder : Path
        The release.
    catalog : Path
        Its catalog.
    shard, shards : int
        Which of how many row ranges of the catalog, from 1.
    references : list of str
        Names of the algorithms.
    output : Path
        The table `REFERENCES`.
    """
    rows = tables.read_shard(catalog, shard, shards)
    found = reference_table(datasets.load(dataset, layout), folder, rows, references)
    tables.write_parquet(output, found, REFERENCES)
