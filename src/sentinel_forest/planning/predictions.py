"""Predictions made elsewhere, checked before anything runs: all but which patches of the release they are of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel_forest.config.papers import Paper
from sentinel_forest.config.predictions import Prediction
from sentinel_forest.config.validation import nearest, parse, read_yaml
from sentinel_forest.datasets.base import Dataset, Task
from sentinel_forest.errors import InputError
from sentinel_forest.io.lazy import parts_of
from sentinel_forest.planning.selection import Selection
from sentinel_forest.registry import PAPERS

if TYPE_CHECKING:
    from sentinel_forest.evaluation import foreign_files, foreign_patches, foreign_pixels
else:
    foreign_files, foreign_patches, foreign_pixels = parts_of(
        "sentinel_forest.evaluation", "foreign_files", "foreign_patches", "foreign_pixels"
    )


def check_predictions(selection: Selection) -> None:
    """Check all predictions made elsewhere.

    Raises
    ------
    InputError
        If one is of no selected release, task or model, or its files are missing or of another form.
    """
    for name, prediction in selection.configuration.predictions.items():
        key = f"key 'predictions.{name}"
        if prediction.release not in selection.releases:
            expected = nearest(prediction.release, selection.releases)
            raise InputError("Unknown release.", where=f"{key}.release'", found=prediction.release, expected=expected)
        dataset = selection.datasets[prediction.release]
        task = _task(prediction, dataset, f"{key}.task'")
        for part in ("file", "truth"):
            path = getattr(prediction, part)
            if path and not Path(path).exists():
                raise InputError("There is no such file.", where=f"{key}.{part}'", found=path)
        if prediction.model:
            _check_model(prediction.model, task.name, f"{key}.model'")
        selection.predicted(name)
        _check_files(prediction, dataset, task, key)


def _task(prediction: Prediction, dataset: Dataset, where: str) -> Task:
    """The task that is named, or the only one."""
    name = prediction.task or (next(iter(dataset.tasks)) if len(dataset.tasks) == 1 else "")
    if name not in dataset.tasks:
        expected = nearest(name, dataset.tasks)
        raise InputError("Which task is predicted?", where=where, found=name or "nothing", expected=expected)
    return dataset.tasks[name]


def _check_files(prediction: Prediction, dataset: Dataset, task: Task, key: str) -> None:
    """Check each value of a file where patches have classes; where pixels have them, only what its head tells."""
    file = Path(prediction.file)
    with _of_key(f"{key}.file'"):
        if task.unit == "pixel":
            foreign_pixels.check_form(file, dataset)
        else:
            foreign_files.read_answers(file, dataset, task, prediction.first_code, prediction.variable)
    if prediction.truth:
        with _of_key(f"{key}.truth'"):
            foreign_patches.read_truth(Path(prediction.truth), dataset, task)


@contextmanager
def _of_key(key: str) -> Iterator[None]:
    """Name the key of the configuration beside the place in a file."""
    try:
        yield
    except InputError as error:
        raise InputError(
            error.problem,
            where=f"{key}, {error.where}",
            found=error.found,
            expected=error.expected,
            remedy=error.remedy,
        ) from None


def _check_model(model: str, task: str, where: str) -> None:
    """A model of no paper would get no verdict, and nobody would say why."""
    papers = [parse(Paper.model_validate, read_yaml(path), path) for path in sorted(PAPERS.glob("*.yaml"))]
    known = {row.model for paper in papers for table in paper.tables if table.task == task for row in table.rows}
    if model not in known:
        raise InputError(
            "No paper of the registry has figures of this model.",
            where=where,
            found=model,
            expected=nearest(model, known),
            remedy="leave the key out: the predictions are scored all the same",
        )
