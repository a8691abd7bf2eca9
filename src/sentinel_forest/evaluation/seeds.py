"""How much of a score is the luck of the forest's seed: one trial, grown again with other seeds.

Trees draw rows and features at random. The forests here have the training rows and settings of one that the version
holds and differ in their seed alone, so that the standard deviation of their scores on the same held-out rows is what
the seed does. It says nothing of other training patches; that is the variation between trials.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sentinel_forest.evaluation.engine_comparison import scores_of
from sentinel_forest.evaluation.held_out import AA, OA, HeldOut, Subject
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform
from sentinel_forest.models import forest
from sentinel_forest.models.forest import Training

SEEDS = pa.DataFrameSchema(
    {
        **columns("str", "features", "task"),
        "metric": pa.Column("str", pa.Check.isin((OA, AA))),
        "seeds": pa.Column("int64", pa.Check.ge(2)),
        **columns("float64", "lowest", "mean", "highest", "seed_std"),
        **columns("int64", "rows", "groups"),
    },
    strict=True,
    ordered=True,
    unique=["features", "metric"],
)
"""Scores of the forests of so many `seeds` on the same held-out rows, that of the version among them.

`seed_std`: their standard deviation (ddof 1). No rows where the configuration asks for one seed alone.
"""


def by_seeds(subject: Subject, held: HeldOut, training: Training, count: int, threads: int) -> pd.DataFrame:
    """Scores of a forest and of others that differ from it in their seed.

    Parameters
    ----------
    subject : Subject
        The forest.
    held : HeldOut
        Rows that it has not seen.
    training : Training
        The rows that it was grown on.
    count : int
        Number of seeds, its own among them; of one, nothing can be said.

    Returns
    -------
    DataFrame
        See `SEEDS`.
    """
    if count < 2:
        return conform(pd.DataFrame(columns=list(SEEDS.columns)), SEEDS)
    print(f"{subject.features}: growing {count - 1} forests with other seeds", file=sys.stderr)
    found = list(_scores(subject, held, training, count, threads))
    rows = []
    for metric in (OA, AA):
        values = np.array([scores[metric][0] for scores in found])
        spread = float(values.min()), float(values.mean()), float(values.max()), float(values.std(ddof=1))
        rows.append((subject.features, subject.task.name, metric, count, *spread, len(held.truth), held.groups))
    return conform(pd.DataFrame(rows, columns=list(SEEDS.columns)), SEEDS)


def _scores(
    subject: Subject, held: HeldOut, training: Training, count: int, threads: int
) -> Iterator[dict[str, np.ndarray]]:
    """Scores of the forest as it is, then of those with other seeds."""
    classes = len(subject.task.names)
    yield scores_of(held, subject.codes[forest.predict(subject.model, held.X, threads)] == held.truth, classes)
    for number in range(2, count + 1):
        seed = checksums.seed(subject.fit["seed"], "another seed", number)
        grown = forest.grow_all(training, subject.settings, seed, threads).forest
        yield scores_of(held, training.present[forest.predict(grown, held.X, threads)] == held.truth, classes)


def noted(table: pd.DataFrame, trial: int) -> dict[tuple[str, str, str], str]:
    """What to say beside a score of a forest, by feature set, task and metric.

    Examples
    --------
    >>> row = ("l1c", "cloud", "oa", 3, 0.84, 0.845, 0.85, 0.005, 10_000, 12)
    >>> noted(pd.DataFrame([row], columns=list(SEEDS.columns)), 1)
    {('l1c', 'cloud', 'oa'): 'std between 3 forest seeds 0.005 (trial 1)'}
    """
    keys = table[["features", "task", "metric"]].astype("str").itertuples(index=False, name=None)
    spreads = zip(table["seeds"], table["seed_std"], strict=True)
    said = [f"std between {count} forest seeds {std:.3f} (trial {trial})" for count, std in spreads]
    return {
        (str(features), str(task), str(metric)): text for (features, task, metric), text in zip(keys, said, strict=True)
    }
