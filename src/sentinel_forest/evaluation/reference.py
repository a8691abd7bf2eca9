"""The algorithms whose results ship with a release, held against its truth patch by patch.

A pixel counts if its truth is known and it carries a measurement. Where the algorithm gives none of its
answers (fill, a code that nothing explains), the pixel is counted as `NO_ANSWER`: it is not left out, so that
it stays visible on how many pixels an algorithm was judged, and the scores decide what to do with it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.config.settings import ScoreSettings
from sentinel_forest.datasets.base import IGNORE, NO_ANSWER, OPTICAL, Block, Dataset, true_classes
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.confusion import SCORED
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.io import schemas as pa
from sentinel_forest.io import tables
from sentinel_forest.models.counts import confusion, counts_table
from sentinel_forest.models.scored_pixels import ALL_PIXELS, count_classes, draw_pixels, sample_of
from sentinel_forest.steps import Output

REFERENCES = pa.DataFrameSchema(
    {
        **tables.columns("str", "classifier", "patch", "true", "predicted"),
        "count": pa.Column("int64", pa.Check.ge(1)),
        **SCORED,
    },
    strict=True,
    ordered=True,
)
"""Confusion by patch. classifier: the algorithm; pixels: ``all``, and beside it ``sample of N`` where forests are
scored on a sample; true: name of the class; predicted: one of the algorithm's answers (`Reference.predicted`), or
`NO_ANSWER`; count: scored pixels with known truth; pixel_weight: pixels that each of them stands for. Counts of 0 have
no row."""


def reference_counts(
    dataset: Dataset, name: str, block: Block, labels: np.ndarray, sample: int | None = None, seed: int = 0
) -> pd.DataFrame:
    """What one algorithm says about the patches of a block where `labels` are known; see `REFERENCES`.

    With `sample`, of so many pixels of each patch: those that forests are scored on.
    """
    about = dataset.references[name]
    classes = dataset.tasks[about.task].names
    patches = len(block.patches)
    labels = labels.reshape(patches, -1)
    predicted = dataset.reference(name, block).reshape(patches, -1)
    predicted = np.where(predicted == IGNORE, len(about.predicted), predicted)
    valid, totals, names = labels != IGNORE, None, block.patches["patch"].to_numpy()
    if sample is not None:
        totals = count_classes(labels, len(classes))
        valid = draw_pixels(labels, names, totals, sample, seed)
    counts = confusion(
        labels[valid], predicted[valid], np.nonzero(valid)[0], patches, len(classes), len(about.predicted) + 1
    )
    table = counts_table(counts, names, classes, (*about.predicted, NO_ANSWER), totals)
    return table.assign(classifier=name, pixels=ALL_PIXELS if sample is None else sample_of(sample))


def count_references(
    dataset: Dataset,
    folder: Path,
    rows: pd.DataFrame,
    references: Sequence[str],
    sample: int | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What algorithms say about consecutive catalog rows: algorithms as given, patches in file order.

    Returns
    -------
    measured, unmeasured : DataFrame
        See `REFERENCES`: of pixels that carry a measurement, which the project scores (all, and the `sample` of each
        patch if there is one), and of the others, which some papers count too.

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
            labels = true_classes(dataset, task, block)
            measured[name].append(reference_counts(dataset, name, block, labels))
            if sample is not None:
                measured[name].append(reference_counts(dataset, name, block, labels, sample, seed))
            if (measures := block.measured.get(OPTICAL)) is not None:
                rest = np.where(measures, np.uint8(IGNORE), dataset.classes(task, block))
                unmeasured[name].append(reference_counts(dataset, name, block, rest))
    return _stacked(measured), _stacked(unmeasured)


def _stacked(parts: Mapping[str, list[pd.DataFrame]]) -> pd.DataFrame:
    """Counts of all algorithms and blocks as one table."""
    empty = pd.DataFrame({name: [] for name in REFERENCES.columns})
    counts = [table for found in parts.values() for table in found]
    return tables.conform(pd.concat(counts or [empty], ignore_index=True)[list(empty)], REFERENCES)


def _layers(dataset: Dataset, references: Sequence[str]) -> tuple[str, ...]:
    """Layers of the algorithms and of the truth they are held against, each once."""
    found: list[str] = []
    for name in references:
        about = dataset.references[name]
        found += [about.layer, *dataset.label_layers(about.task)]
    return tuple(dict.fromkeys(found))


def reference(
    *,
    of: ShardOf,
    references: list[str],
    scoring: ScoreSettings = ScoreSettings(),  # noqa: B008 (it is frozen)
    seed: int = 0,
    counts: Output,
    unmeasured: Output,
) -> None:
    """Compare the reference algorithms that ship with a release with its labels.

    Parameters
    ----------
    of : ShardOf
        The shard.
    references : list of str
        Names of the algorithms.
    scoring : ScoreSettings
        Which pixels of a patch forests are scored on.
    seed : int
        Seed of the release, for samples of pixels.
    counts, unmeasured : Path
        Tables `REFERENCES`: of pixels that carry a measurement, and of the others.
    """
    found = count_references(of.opened(), of.folder, of.rows(), references, scoring.sample, seed)
    for path, table in zip((counts, unmeasured), found, strict=True):
        tables.write_parquet(path, table, REFERENCES)
