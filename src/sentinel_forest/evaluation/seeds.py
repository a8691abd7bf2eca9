"""How much of a score is the luck of the forest's seed: one trial, grown again with other seeds.

Trees draw rows and features at random. The forests here have the training rows and settings of one that the version
holds and differ in their seed alone, so that the standard deviation of their scores on the same held-out rows is what
the seed does. It says nothing of other training patches; that is the variation between trials.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sentinel_forest.evaluation.held_out import AA, OA, HeldOut, scores_of
from sentinel_forest.evaluation.seed_notes import SEEDS
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import conform
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import Candidate
from sentinel_forest.models.forest import Training


def by_seeds(candidate: Candidate, held: HeldOut, training: Training, count: int, threads: int) -> pd.DataFrame:
    """Scores of a forest and of others that differ from it in their seed.

    Parameters
    ----------
    candidate : Candidate
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
    print(f"{candidate.set}: growing {count - 1} forests with other seeds", file=sys.stderr)
    found = list(_scores(candidate, held, training, count, threads))
    rows = []
    for metric in (OA, AA):
        values = np.array([scores[metric][0] for scores in found])
        spread = float(values.min()), float(values.mean()), float(values.max()), float(values.std(ddof=1))
        rows.append((candidate.set, candidate.task.name, metric, count, *spread, len(held.truth), held.groups))
    return conform(pd.DataFrame(rows, columns=list(SEEDS.columns)), SEEDS)


def _scores(
    candidate: Candidate, held: HeldOut, training: Training, count: int, threads: int
) -> Iterator[dict[str, np.ndarray]]:
    """Scores of the forest as it is, then of those with other seeds."""
    classes = len(candidate.task.names)
    yield scores_of(held, candidate.codes[forest.predict(candidate.model, held.X, threads)] == held.truth, classes)
    for number in range(2, count + 1):
        seed = checksums.seed(candidate.fit["seed"], "another seed", number)
        grown = forest.grow(training, candidate.settings, seed, threads).forest
        yield scores_of(held, training.present[forest.predict(grown, held.X, threads)] == held.truth, classes)
