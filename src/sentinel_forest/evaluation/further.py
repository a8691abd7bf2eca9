"""Scores that need more than confusion counts, in the form in which they join the others.

Values are taken patch by patch and then averaged over patches, so that intervals are those of all other scores: over
the groups of the patches.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from sentinel_forest.datasets.base import Dataset, Task
from sentinel_forest.datasets.metric import PatchMetric
from sentinel_forest.evaluation.confusion import FOREST
from sentinel_forest.evaluation.evaluate import Sample, summarise
from sentinel_forest.evaluation.figures import FIGURE, WHICH, WHO, Place
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.features import external
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, read_tsv
from sentinel_forest.models.scored_pixels import ALL_PIXELS
from sentinel_forest.splits.marks import combine

Floats = npt.NDArray[np.float64]

FURTHER = pa.DataFrameSchema(
    {
        **WHICH,
        **columns("float64", "value", "low", "high", nullable=True),
        **columns("int64", "n", "groups"),
        **columns("str", "note"),
    },
    strict=True,
    ordered=True,
    unique=[*WHO, *FIGURE],
)
"""Scores of a trial without release, trial and mark, which they get when they join the others (`METRICS`)."""

SAMPLE = "sample"
"""`pixels` of scores that rest on drawn pixels."""


def further_rows(
    values: Mapping[PatchMetric, Mapping[str, Floats]], sample: Sample, task: Task, features: str, role: str, note: str
) -> Iterator[dict[str, object]]:
    """Rows of `FURTHER`.

    Parameters
    ----------
    values : mapping
        For each metric and class (blank: all) a value of each patch of the sample, NaN where undefined.
    sample : Sample
        The patches of the role, with draws over their groups.
    task, features, role
        What the rows are about.
    note : str
        What is to be said beside each of them.
    """
    for metric, by_class in values.items():
        for of_class, of_patches in by_class.items():
            [score] = summarise({metric: of_patches}, of_class, sample, np.ones(len(of_patches)))
            empty = score.undefined.format_map({"role": role, "class": of_class})
            low, high = (np.nan, np.nan) if empty else score.interval()
            yield {
                "task": task.name,
                "features": features,
                "classifier": FOREST,
                "role": role,
                **score.about,
                "pixels": SAMPLE if task.unit == "pixel" else ALL_PIXELS,
                "value": score.value,
                "low": low,
                "high": high,
                "n": score.n,
                "groups": score.groups,
                "note": notes(empty, note) if empty else notes(score.doubts(), note),
            }


def given(values: np.ndarray) -> np.ndarray:
    """Values of patches that are known already: `PatchMetric.value` of a metric that has no table of counts."""
    return values


def joining(files: Sequence[Path], place: Place, marks: Mapping[str, str], dataset: Dataset) -> pd.DataFrame:
    """Rows of `FURTHER` with their trial and mark, as they join the scores of a trial.

    Parameters
    ----------
    files : sequence of Path
        Tables `FURTHER` of the trial, one at least.
    place : Place
        The trial.
    marks : mapping
        The mark of each role.
    dataset : Dataset
        Its vocabulary, for what is declared of vectors that another model has made.
    """
    table = pd.concat([read_tsv(file, FURTHER) for file in files], ignore_index=True)
    told = [external.declared(dataset.feature_sets.get(name)) for name in table["features"]]
    return table.assign(
        **place._asdict(),
        mark=[
            combine([marks[role], own]) if own else marks[role]
            for role, (own, _) in zip(table["role"], told, strict=True)
        ],
        note=[notes(own, more) for own, (_, more) in zip(table["note"], told, strict=True)],
    )
