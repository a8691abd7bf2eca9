"""The algorithms whose results ship with a release, held against its truth patch by patch.

A pixel counts if its truth is known and it carries a measurement. Where the algorithm gives none of its
answers (fill, a code that nothing explains), the pixel is counted as `NO_ANSWER`: it is not left out, so that
it stays visible on how many pixels an algorithm was judged, and the scores decide what to do with it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.datasets.base import IGNORE, NO_ANSWER, OPTICAL, Block, Dataset, true_classes
from sentinel_forest.errors import InputError
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.io import schemas as pa
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


def reference_counts(dataset: Dataset, name: str, block: Block, labels: np.ndarray) -> pd.DataFrame:
    """What one algorithm says about the patches of a block where `labels` are known; see `REFERENCES`."""
    about = dataset.references[name]
    classes = dataset.tasks[about.task].names
    patches = len(block.patches)
    labels = labels.reshape(patches, -1)
    predicted = dataset.reference(name, block).reshape(patches, -1)
    predicted = np.where(predicted == IGNORE, len(about.predicted), predicted)
    valid = labels != IGNORE
    counts = confusion(
        labels[valid], predicted[valid], np.nonzero(valid)[0], patches, len(classes), len(about.predicted) + 1
    )
    table = counts_table(counts, block.patches["patch"].to_numpy(), classes, (*about.predicted, NO_ANSWER))
    table.insert(0, "classifier", name)
    return table


def _unmeasured_classes(dataset: Dataset, task: str, block: Block, measured: np.ndarray) -> np.ndarray:
    """True classes of pixels that carry no measurement; `IGNORE` for all others."""
    return np.where(measured, np.uint8(IGNORE), dataset.classes(task, block))


def reference_table(dataset: Dataset, folder: Path, rows: pd.DataFrame, references: Sequence[str]) -> pd.DataFrame:
    """What algorithms say about consecutive catalog rows; the first table of `count_references`."""
    return count_references(dataset, folder, rows, references)[0]


def count_references(
    dataset: Dataset, folder: Path, rows: pd.DataFrame, references: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What algorithms say about consecutive catalog rows: algorithms as given, patches in file order.

    Returns
    -------
    measured, unmeasured : DataFrame
        See `REFERENCES`: of pixels that carry a measurement, which the project scores, and of the others, which some
        papers count too.

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
    measured: dict[str, list[pd.DataFrame]] = {name: [] for name in references}
    unmeasured: dict[str, list[pd.DataFrame]] = {name: [] for name in references}
    wanted = rows if references else rows.iloc[:0]
    for block in read_blocks("references", dataset, folder, wanted, _layers(dataset, references)):
        for name in references:
            task = dataset.references[name].task
            measured[name].append(reference_counts(dataset, name, block, true_classes(dataset, task, block)))
            if (measures := block.measured.get(OPTICAL)) is not None:
                rest = _unmeasured_classes(dataset, task, block, measures)
                unmeasured[name].append(reference_counts(dataset, name, block, rest))
    return _stacked(measured), _stacked(unmeasured)


def _stacked(parts: Mapping[str, list[pd.DataFrame]]) -> pd.DataFrame:
    """Counts of all algorithms and blocks as one table."""
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
    counts: Output,
    unmeasured: Output,
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
    counts, unmeasured : Path
        Tables `REFERENCES`: of pixels that carry a measurement, and of the others.
    """
    rows = tables.read_shard(catalog, shard, shards)
    found = count_references(datasets.load(dataset, layout), folder, rows, references)
    for path, table in zip((counts, unmeasured), found, strict=True):
        tables.write_parquet(path, table, REFERENCES)
