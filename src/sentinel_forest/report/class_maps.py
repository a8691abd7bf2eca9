"""Maps of classes: labels, answers of forests and of reference algorithms, in the colours of a task."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.datasets.base import IGNORE, Block, Reference, Task
from sentinel_forest.features import bands_of, pixel
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import Candidate, load_candidate
from sentinel_forest.report.inputs import ReleaseResults

NOTHING = (255, 255, 255)
"""Colour of what takes no part."""


def references(release: ReleaseResults, task: Task) -> list[Reference]:
    """The reference algorithms of a task whose layer and truth a release has."""
    truth = set(release.dataset.label_layers(task.name))
    every = release.dataset.references.values()
    return [each for each in every if each.task == task.name and {each.layer, *truth} <= release.layers]


def sets_of(release: ReleaseResults, task: Task) -> list[str]:
    """The feature sets of a task whose forests a version has, and whose features can be computed from layers."""
    known = release.dataset.feature_sets
    return [name for name in release.sets if known[name].task == task.name and known[name].external is None]


def undrawn(release: ReleaseResults) -> list[str]:
    """The feature sets of pixels whose forests cannot be drawn: their vectors are in a file of another model."""
    known, tasks = release.dataset.feature_sets, release.dataset.tasks
    return [name for name in release.sets if known[name].external and tasks[known[name].task].unit == "pixel"]


def predicted(release: ReleaseResults, trial: tuple[str, int], feature_set: str, block: Block) -> np.ndarray:
    """What the forest of a trial says of all pixels of the first patch of a block.

    Parameters
    ----------
    trial : tuple
        Scheme and number.
    feature_set : str
        One of a pixel task.

    Returns
    -------
    ndarray
        uint8 (rows, columns): index into the task's classes.
    """
    candidate = _candidate(release, trial, feature_set)
    values = _values(release, feature_set, block)
    answers = candidate.codes[forest.predict(candidate.model, values.reshape(-1, values.shape[-1]), 1)]
    classes: np.ndarray = answers.reshape(values.shape[:2]).astype(np.uint8)
    return classes


def confidence(release: ReleaseResults, trial: tuple[str, int], feature_set: str, block: Block) -> np.ndarray:
    """The probability, float64 (rows, columns), that a forest gives to its answer; see `predicted`."""
    candidate = _candidate(release, trial, feature_set)
    values = _values(release, feature_set, block)
    named = pd.DataFrame(values.reshape(-1, values.shape[-1]), columns=candidate.model.feature_names_in_)
    probabilities: np.ndarray = candidate.model.predict_proba(named)
    return np.asarray(probabilities.max(axis=1).reshape(values.shape[:2]))


def _values(release: ReleaseResults, feature_set: str, block: Block) -> np.ndarray:
    """Features of the pixels of the first patch of a block, (rows, columns, features)."""
    about = release.dataset.feature_sets[feature_set]
    return np.asarray(pixel.compute(about.features, bands_of(release.dataset, about, block), about.bands)[0])


@cache
def _candidate(release: ReleaseResults, trial: tuple[str, int], feature_set: str) -> Candidate:
    """The forest of a trial; it is read once, which takes longer than drawing what it says."""
    scheme, number = trial
    owner = {"release": release.source, "scheme": scheme, "trial": number, "set": feature_set}
    split = paths.place(paths.SPLIT, release=release.name, scheme=scheme, trial=number)
    model, fit = (release.results / paths.place(pattern, **owner) for pattern in (paths.FOREST, paths.FIT))
    return load_candidate(release.dataset, scheme, number, feature_set, release.results / split, model, fit)


def agreement(answers: np.ndarray, truth: np.ndarray) -> str:
    """How many pixels with a label have the same answer, in words."""
    known = truth != IGNORE
    if not known.any():
        return "no pixel has a label"
    return f"{100 * (answers == truth)[known].mean():.0f} % of the pixels agree with the labels"


def reference_colours(task: Task, reference: Reference) -> list[str]:
    """The colour in which each answer of a reference algorithm is drawn."""
    return [task.categories[_stand_in(task, reference, number)].colour for number in range(len(reference.predicted))]


def _stand_in(task: Task, reference: Reference, answer: int) -> int:
    """Class in whose colour an answer is drawn: of the same name, or that counts alike in a question."""
    name = reference.predicted[answer]
    if name in task.names:
        return task.names.index(name)
    for question in task.questions:
        if name in reference.answers.get(question.name, ()):
            return task.names.index(question.positive[0])
    positive = {each for question in task.questions for each in question.positive}
    return next(number for number, each in enumerate(task.names) if each not in positive)


def coloured(classes: np.ndarray, colours: Sequence[str]) -> np.ndarray:
    """Classes in their colours, uint8 (rows, columns, 3); what takes no part is white."""
    table = np.full((256, 3), NOTHING, np.uint8)
    table[: len(colours)] = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours]
    pixels: np.ndarray = table[classes]
    return pixels
