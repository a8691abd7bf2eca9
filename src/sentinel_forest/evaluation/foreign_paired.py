"""Predictions that a model made elsewhere against the forests and reference algorithms of the same trial."""

from pathlib import Path

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.evaluation.confusion import CONFUSION, classifiers
from sentinel_forest.evaluation.evaluate import Sample, evaluate, sample
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.foreign import classifier, seeds, task_of
from sentinel_forest.evaluation.paired import PAIRED, Scored, compare, paired_table
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import read_parquet, read_tsv, write_tsv
from sentinel_forest.steps import Layout, Output


def compare_all(
    own: Scored, others: pd.DataFrame, dataset: Dataset, patches: Sample, role: str, mark: str, seed: int, place: Place
) -> pd.DataFrame:
    """`PAIRED`: a model against forests and reference algorithms of a trial."""
    rows = []
    for one in classifiers(others, dataset):
        if one.pixels != own.classifier.pixels:
            continue
        if one.task.name == own.classifier.task.name and (one.is_forest or one.is_reference):
            counts = one.rows(others, role)
            scored = Scored(one, counts, evaluate(counts, one, patches))
            rows += [place._asdict() | row for row in compare(own, scored, patches, role, mark, seed)]
    return paired_table(rows)


def foreign_paired(
    *,
    name: str,
    role: str,
    task: str,
    model: str,
    release: str,
    scheme: str,
    trial: int,
    dataset: str,
    layout: Layout | None = None,
    catalog: Path,
    split: Path,
    confusion: Path,
    metrics: Path,
    others: Path,
    seed: int,
    draws: int = 1000,
    paired: Output,
) -> None:
    """Compare predictions that a model made elsewhere with the forests of the trial.

    Parameters
    ----------
    name, role, task, model
        What the configuration says of the predictions, see `sentinel_forest.config.predictions.Prediction`.
    release, scheme, trial
        The trial whose role is scored.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    catalog, split : Path
        Catalog of the release, roles of the trial.
    confusion, metrics : Path
        What the predictions are scored by (`CONFUSION`), and their scores with their mark (`METRICS`).
    others : Path
        Confusion table of the trial, whose forests and reference algorithms are compared.
    seed : int
        Seed of the scheme.
    draws : int
        Number of bootstrap draws.
    paired : Path
        Table to write: `PAIRED`.
    """
    opened = datasets.load(dataset, layout)
    table = read_parquet(confusion, list(CONFUSION.columns))
    patches = read_parquet(split).merge(read_parquet(catalog), on="patch").query("role == @role")
    own_seeds = seeds(seed, name, trial)
    drawn = sample(patches, draws, checksums.seed(*own_seeds, role, "bootstrap"))
    one = classifier(model or name, task_of(opened, task), table)
    own = Scored(one, table, evaluate(table, one, drawn))
    mark = str(read_tsv(metrics, METRICS)["mark"].iloc[0])
    swaps, place = checksums.seed(*own_seeds, role, "swaps"), Place(release, scheme, trial)
    compared = compare_all(own, read_parquet(others, list(CONFUSION.columns)), opened, drawn, role, mark, swaps, place)
    write_tsv(paired, compared, PAIRED)
