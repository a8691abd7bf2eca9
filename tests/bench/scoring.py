"""Scores and their intervals."""

from pathlib import Path

import numpy as np
import pandas as pd

from bench.measure import Row, seconds
from sentinel_forest import datasets
from sentinel_forest.evaluation import score
from sentinel_forest.evaluation.confusion import Classifier
from sentinel_forest.evaluation.evaluate import evaluate, sample
from sentinel_forest.evaluation.figures import Place

PATCHES, DRAWS = 1000, 2000


def rows(folder: Path) -> list[Row]:
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
    return [Row(what, "one second", 1.0, seconds(ours), 1.0)]
