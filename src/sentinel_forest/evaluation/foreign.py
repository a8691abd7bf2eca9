"""Predictions that a model made elsewhere, scored as those of forests are.

They are held against the catalog (coverage, order, codes, repeated and unknown patches), counted into a confusion
table, and get the same metrics, intervals and scores by stratum. No forest is needed for that, so that faults of a file
show before any is grown; `foreign_paired` has the tests against forests and reference algorithms.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.datasets.base import NO_ANSWER, Dataset, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.confusion import CONFUSION, WHOLE, Classifier
from sentinel_forest.evaluation.evaluate import evaluate
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.foreign_files import read_answers
from sentinel_forest.evaluation.foreign_patches import Said, align, check_agreed, check_known, count_patches, read_truth
from sentinel_forest.evaluation.foreign_pixels import count_pixels
from sentinel_forest.evaluation.patch_metrics import UNDECLARED
from sentinel_forest.evaluation.score import METRICS, SCORES_BY, TrialCounts, metric_rows, score_by
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import conform, read_parquet, read_tsv, write_parquet, write_tsv
from sentinel_forest.splits.entries import rows_by_name
from sentinel_forest.splits.ledger import LEDGER
from sentinel_forest.splits.marks import CLEAN, mark, note
from sentinel_forest.steps import Layout, Output


def task_of(dataset: Dataset, name: str) -> Task:
    """The task of that name, or the only one.

    Raises
    ------
    InputError
        If there is no such task, or several and none is named.
    """
    if not name and len(dataset.tasks) == 1:
        return next(iter(dataset.tasks.values()))
    if name not in dataset.tasks:
        expected = " | ".join(dataset.tasks)
        raise InputError(
            "Which task is predicted?", found=name or "none named", expected=expected, remedy="name it: task"
        )
    return dataset.tasks[name]


def confusion_of(said: Said, name: str, task: Task, patches: pd.DataFrame, place: Place, train: int) -> pd.DataFrame:
    """The confusion table (`CONFUSION`) of a model."""
    table = said.counts.merge(patches[["patch", "group", "role", "weight"]], on="patch", how="inner", validate="m:1")
    who: dict[str, Any] = {
        "scheme": place.scheme,
        "trial": place.trial,
        "task": task.name,
        "features": "",
        "classifier": name,
    }
    table = table.assign(**who, **WHOLE)
    return conform(table.assign(train_patches=train)[list(CONFUSION.columns)], CONFUSION)


def declared(links: pd.DataFrame, place: Place, role: str, trained_on: str, accepted: Sequence[str]) -> tuple[str, str]:
    """The mark of a model's scores, and the note that says on whose word."""
    own = mark(links, place.scheme, place.trial, role) if trained_on == place.scheme else UNDECLARED
    parts = [
        *([own] if own != CLEAN else []),
        *([f"failed checks accepted: {', '.join(accepted)}"] if accepted else []),
    ]
    word = f"trained on {trained_on}, as declared" if trained_on else "not declared what it was trained on"
    return "; ".join(parts) or CLEAN, notes("predictions made elsewhere", word, note(links))


def foreign(
    *,
    name: str,
    file: Path,
    role: str,
    trained_on: str,
    task: str,
    model: str,
    first_code: int | None = None,
    variable: str,
    truth: Path | None = None,
    release: str,
    scheme: str,
    trial: int,
    dataset: str,
    layout: Layout | None = None,
    folder: Path,
    catalog: Path,
    split: Path,
    ledger: Path,
    verified: Path,
    seed: int,
    draws: int = 1000,
    confusion: Output,
    metrics: Output,
    scores_by: Output,
) -> None:
    """Score predictions that a model made elsewhere.

    Parameters
    ----------
    name, file, role, trained_on, task, model, first_code, variable, truth
        What the configuration says of the predictions, see `sentinel_forest.config.predictions.Prediction`.
    release, scheme, trial
        The trial whose role is scored.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    folder : Path
        The release; read only for tasks of pixels.
    catalog, split, ledger, verified : Path
        Catalog of the release, roles of the trial, links of all trials, what was accepted.
    seed : int
        Seed of the scheme.
    draws : int
        Number of bootstrap draws.
    confusion, metrics, scores_by : Path
        Tables to write: `CONFUSION`, `METRICS`, `SCORES_BY`.
    """
    opened = datasets.load(dataset, layout)
    wanted = task_of(opened, task)
    known, roles = read_parquet(catalog), read_parquet(split)
    about = roles.merge(known.drop(columns="label").assign(label=_labels(known, truth, opened, wanted)), on="patch")
    rows = np.flatnonzero(about["role"] == role)
    if not len(rows):
        raise InputError(
            "The role has no patches.", where=f"{release}, {scheme}", found=role, remedy="name another role"
        )
    patches = about.iloc[rows]
    said = _said(file, opened, wanted, about, rows, first_code, variable, folder)
    place, who = Place(release, scheme, trial), model or name
    table = confusion_of(said, who, wanted, patches, place, int((roles["role"] == "train").sum()))
    links, accepted = read_tsv(ledger, LEDGER), json.loads(verified.read_text(encoding="utf-8"))["accepted"]
    told, word = declared(links, place, role, trained_on, accepted)
    one = classifier(who, wanted, table)
    counts = TrialCounts(table, opened, patches, {role: told}, draws, seeds(seed, name, trial), place)
    scores = evaluate(table, one, counts.sample(patches, draws, role))
    scored = pd.DataFrame(metric_rows(place, one, role, scores, told, notes(word, said.about)))
    write_parquet(confusion, table, CONFUSION)
    write_tsv(metrics, conform(scored[list(METRICS.columns)], METRICS), METRICS)
    write_tsv(scores_by, score_by(counts, [one]), SCORES_BY)


def seeds(seed: int, name: str, trial: int) -> tuple[int, int]:
    """What draws and swaps for predictions of a name are seeded with, from the seed of the scheme."""
    return checksums.seed(seed, "predictions", name), trial


def classifier(name: str, task: Task, table: pd.DataFrame) -> Classifier:
    """The model, which may have no answer for some pixels: these count as wrong, or negative."""
    positive: Mapping[str, tuple[str, ...]] = {question.name: question.positive for question in task.questions}
    silent = table["predicted"] == NO_ANSWER
    predicted = (*task.names, NO_ANSWER) if silent.any() else task.names
    unanswered = float(table.loc[silent, "count"].sum() / table["count"].sum())
    return Classifier(name, "", task, predicted, positive, unanswered=unanswered)


def _labels(catalog: pd.DataFrame, truth: Path | None, dataset: Dataset, task: Task) -> np.ndarray:
    """Index of the true class of each patch of the catalog, int64; -1 where unknown."""
    if truth is None:
        return catalog["label"].to_numpy(np.int64)
    answers = read_truth(truth, dataset, task)
    names = answers.names or ()
    labels = np.full(len(catalog), -1, dtype=np.int64)
    places = rows_by_name(names, dataset, catalog)
    check_known(places, names, catalog, truth)
    check_agreed(places, answers, dataset, catalog, truth)
    at = np.array([rows[0] for rows in places], dtype=np.int64)
    twice = pd.Index(at).duplicated()
    if twice.any():
        first = int(twice.argmax())
        raise InputError(
            "A patch has two true classes.",
            where=f"{truth}, row {first + 1}",
            found=names[first][:80],
            expected="each patch once",
            remedy="remove all but one of its rows",
        )
    labels[at] = answers.classes
    return labels


def _said(
    file: Path, dataset: Dataset, task: Task, about: pd.DataFrame, rows: np.ndarray, first_code: int | None,
    variable: str, folder: Path,
) -> Said:  # fmt: skip
    """Counts of a task of patches or of pixels."""
    if task.unit == "pixel":
        return Said(*count_pixels(file, dataset, task, about, rows, first_code, folder))
    answers = read_answers(file, dataset, task, first_code, variable)
    order, told = align(answers, dataset, about, rows, file)
    return count_patches(answers, order, about.iloc[rows], task, file, told)
