"""Scores, their intervals, and tests between classifiers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bench.measure import Row, pair, seconds
from sentinel_forest import datasets
from sentinel_forest.datasets.metric import weighted_median
from sentinel_forest.evaluation import score, testing
from sentinel_forest.evaluation.confusion import Classifier
from sentinel_forest.evaluation.evaluate import evaluate, sample
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.parts import Summaries

PATCHES, DRAWS = 1000, 2000


def rows(folder: Path) -> Iterator[Row]:
    """All that is measured here."""
    yield intervals()
    yield swaps()


def intervals() -> Row:
    """All metrics of a classifier on a task of pixels with their intervals, against one second."""
    task = datasets.load("cloudsen12").tasks["cloud"]
    names = [f"{patch:04d}" for patch in range(PATCHES)]
    counts = pd.MultiIndex.from_product([names, task.names, task.names], names=["patch", "true", "predicted"])
    table = counts.to_frame(index=False)
    table["count"] = np.random.default_rng(1).integers(1, 500, len(table))
    patches = pd.DataFrame({"patch": names, "group": [name[:3] for name in names], "weight": 1.0})
    questions = {question.name: question.positive for question in task.questions}
    forest = Classifier("forest", "l1c", task, task.names, questions)

    def ours() -> None:
        scores = evaluate(table, forest, sample(patches, DRAWS, 1))
        list(score.metric_rows(Place("r", "published", 1), forest, "test", scores, "clean"))

    what = f"bootstrap of all metrics, {DRAWS:,} draws, {PATCHES:,} patches"
    return Row(what, "one second", 1.0, seconds(ours), 1.0)


def swaps() -> Row:
    """The swap test of a median over patches by products of matrices, against the median of each swap by itself."""
    random, groups, dates = np.random.default_rng(1), 195, 5
    group = np.repeat(np.arange(groups), dates)
    one, two = (
        Summaries(random.beta(8, 2, len(group)), np.ones(len(group)), group, groups, weighted_median) for _ in range(2)
    )
    active = one.active(two)
    every = testing.swaps(int(active.sum()), 1)
    times = pair(lambda: one.swapped(two, active)(every), lambda: one._swapped(two, active)(every))
    what = f"swap test of a median, {len(every):,} swaps, {groups} groups, {len(group)} patches"
    return Row(what, "each swap by itself", 5.0, *times)
