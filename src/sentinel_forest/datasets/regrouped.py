"""Classes of a task merged and dropped: the catalog and the splits keep the published ones."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sentinel_forest.config.validation import nearest
from sentinel_forest.datasets.metric import Metric
from sentinel_forest.datasets.reading import Block
from sentinel_forest.datasets.terms import IGNORE, NO_ANSWER, Category, Question, Task
from sentinel_forest.errors import InputError


class Regrouped(ABC):
    """What a dataset knows of classes that a configuration has made of the published ones."""

    regrouped: Mapping[str, np.ndarray] = {}
    """For each task whose classes a configuration has merged or dropped: index of the new class by that of the
    published one, see `regrouped`. The catalog keeps the published classes."""
    published_tasks: Mapping[str, Task] = {}
    """The tasks with the published classes, where a configuration has others."""

    @abstractmethod
    def labels(self, task: str, block: Block) -> np.ndarray:
        """True classes of a pixel task, as published."""

    def classes(self, task: str, block: Block) -> np.ndarray:
        """`labels`, in the classes that a configuration has made of the published ones."""
        labels = self.labels(task, block)
        return self.regrouped[task][labels] if task in self.regrouped else labels

    def patch_classes(self, task: str, labels: np.ndarray) -> np.ndarray:
        """Labels of the catalog (-1: unknown) in those classes: int16; -1 also for classes that take no part."""
        if task not in self.regrouped:
            return labels.astype(np.int16)
        found = self.regrouped[task][np.where(labels < 0, IGNORE, labels)].astype(np.int16)
        return np.where(found == IGNORE, np.int16(-1), found)


def regrouped(
    task: Task, merge: Mapping[str, Sequence[str]], drop: Sequence[str] = (), where: str = ""
) -> tuple[Task, np.ndarray]:
    """A task with classes merged or dropped, and where its published classes went.

    Parameters
    ----------
    task : Task
        As published.
    merge : mapping
        Name of a new class: names of the classes that it is made of. It stands where the first of them stood, and has
        its colour.
    drop : sequence of str
        Classes whose pixels or patches take no part.
    where : str
        The key of the configuration, for messages.

    Returns
    -------
    task : Task
        Questions that the classes can no longer answer are left out, and so are metrics of the published classes.
    lookup : ndarray
        uint8 (256,): index of the new class for each index of a published one; `IGNORE` for classes that take no part.

    Raises
    ------
    InputError
        If a class is unknown or named twice, a name is taken, or fewer than two classes are left.
    """
    where = where or f"task {task.name}"
    _check_classes(task, merge, drop, where)
    target = {old: new for new, members in merge.items() for old in members}
    target |= {name: name for name in task.names if name not in target and name not in drop}
    categories: dict[str, Category] = {}
    for category in task.categories:
        if category.name in target:
            categories.setdefault(target[category.name], replace(category, name=target[category.name]))
    if len(categories) < 2:
        raise InputError(
            "Fewer than two classes are left.",
            where=where,
            found=", ".join(categories) or "none",
            expected="two or more",
        )
    names = list(categories)
    lookup = np.full(256, IGNORE, dtype=np.uint8)
    for place, name in enumerate(task.names):
        if name in target:
            lookup[place] = names.index(target[name])
    questions = (_question(each, target, names) for each in task.questions)
    asked = tuple(each for each in questions if each is not None)
    # Summaries over patches ask the first question which patches count.
    same = bool(asked) and asked[0].name == task.questions[0].name
    kept = tuple(metric for metric in task.metrics if same and not isinstance(metric, Metric))
    told = f"{len(names)} classes, made of the {len(task.names)} published ones"
    told += f" without {', '.join(drop)}" if drop else ""
    made = replace(task, categories=tuple(categories.values()), questions=asked, metrics=kept, regrouped=told)
    return made, lookup


def _check_classes(task: Task, merge: Mapping[str, Sequence[str]], drop: Sequence[str], where: str) -> None:
    named = [*(name for members in merge.values() for name in members), *drop]
    for place, name in enumerate(named):
        if name not in task.names:
            raise InputError("Unknown class.", where=where, found=name, expected=nearest(name, task.names))
        if name in named[:place]:
            raise InputError(
                "A class is merged or dropped twice.", where=where, found=name, expected="each class in one place"
            )
    for name, members in merge.items():
        if name == NO_ANSWER:
            raise InputError(
                "A merged class has a name that stands for something else.",
                where=where,
                found=name,
                expected="another name: tables write this where a model gives no answer",
            )
        if name in task.names and name not in members:
            raise InputError(
                "A merged class has the name of another class.",
                where=where,
                found=name,
                expected="a name of its own, or that of one of its classes",
            )


def _question(question: Question, target: Mapping[str, str], names: Sequence[str]) -> Question | None:
    """A question of merged classes; None where one of them is on both sides of it, or a side is empty."""
    inside = {target[name] for name in question.positive if name in target}
    outside = {new for old, new in target.items() if old not in question.positive}
    if inside & outside or not inside or not outside:
        return None
    return Question(question.name, tuple(name for name in names if name in inside))
