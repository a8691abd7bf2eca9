"""Settings of a forest, chosen by folds of the training rows that keep groups together.

Nothing but training rows takes part: what is held out for validation and test stays unseen.
"""

import sys
from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeVar

import numpy as np

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.errors import InputError

Fold = tuple[np.ndarray, np.ndarray]
C = TypeVar("C")


def grid(settings: ForestSettings) -> list[ForestSettings]:
    """All settings that ``tune`` asks to try, the last key changing first."""
    tried = settings.tune.tried if settings.tune else {}
    return [
        settings.model_copy(update={"tune": None, **dict(zip(tried, values, strict=True))})
        for values in product(*tried.values())
    ]


def folds(y: np.ndarray, group: np.ndarray, number: int, seed: int) -> list[Fold]:
    """Rows to grow on and rows to score in each fold; a group is on one side only.

    Parameters
    ----------
    y, group : ndarray
        Integers (rows,): class and group.
    number : int
        Number of folds; the fractions of the classes are as alike as the groups allow.
    seed : int
        Same seed, same folds.

    Raises
    ------
    InputError
        If there are fewer groups than folds, or a fold would leave one class to grow on.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups = len(np.unique(group))
    if groups < number:
        raise InputError(
            "There are fewer training groups than folds to tune with.",
            where="forest.tune.folds",
            found=f"{number} folds, {groups} groups",
            expected=f"at most {groups} folds",
            remedy="ask for fewer folds, or leave out forest.tune",
        )
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    found = list(splitter.split(np.zeros((len(y), 1)), y, group))
    for kept, _ in found:
        if len(np.unique(y[kept])) < 2:
            raise InputError(
                "A fold of the tuning leaves rows of one class only to grow on.",
                where="forest.tune.folds",
                found=f"{number} folds, {groups} groups",
                remedy="leave out forest.tune",
            )
    return found


def choose(candidates: Sequence[C], parts: Sequence[Fold], score: Callable[[C, Fold], float]) -> tuple[int, np.ndarray]:
    """The candidate with the highest mean score over the folds, and all scores.

    Returns
    -------
    chosen : int
        Place among the candidates; the first of those that are equal.
    scores : ndarray
        float64 (candidates, folds).
    """
    scores = np.empty((len(candidates), len(parts)))
    for place, candidate in enumerate(candidates):
        scores[place] = [score(candidate, part) for part in parts]
        print(f"tuning: {place + 1} of {len(candidates)} settings", file=sys.stderr)
    return int(np.argmax(scores.mean(axis=1))), scores
