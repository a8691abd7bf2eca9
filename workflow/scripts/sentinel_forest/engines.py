"""Libraries that grow the trees of a forest, behind one interface.

Whatever grows it, the result is a plain scikit-learn forest: it is stored, read and used in one way,
and using it needs no other library.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from .errors import InputError

BLOCK_ROWS = 16_384
"""Rows that one thread takes at a time: their votes stay in the cache of a core."""


@dataclass(frozen=True)
class Grown:
    """Some trees and what they say about training rows that they did not see.

    `votes` is float64 (rows, classes): class shares in the leaves of all trees that left the row
    out of their bootstrap, added up; a row that no tree left out has zeros.
    """

    forest: RandomForestClassifier
    votes: np.ndarray


Engine = Callable[[np.ndarray, np.ndarray, np.ndarray | None, Mapping[str, Any], int, int, int], Grown]


def scikit_learn(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, settings: Mapping[str, Any],
    trees: int, seed: int, threads: int,
) -> Grown:  # fmt: skip
    """Grow trees with `sklearn.ensemble.RandomForestClassifier`; equal for any number of threads.

    Parameters
    ----------
    X : ndarray
        float32 (rows, features); NaN is missing, and sent to the side of a split that suits it best.
    y : ndarray
        Integers (rows,), all of 0..classes-1.
    weight : ndarray or None
        (rows,): rows are drawn into a bootstrap with probabilities in these proportions.
    settings : mapping
        See `sentinel_forest.forest.SETTINGS`.
    trees, seed, threads : int
        How many trees, from which seed, on how many threads.
    """
    forest = RandomForestClassifier(n_jobs=threads, **_parameters(settings, trees, seed))
    forest.fit(X, y, sample_weight=weight)
    votes = _votes_out_of_bag(forest, X, threads)
    # They are the training rows' and would be stored with the forest.
    vars(forest).pop("_sample_weight", None)
    return Grown(forest.set_params(n_jobs=None), votes)


def scikit_learn_intelex(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, settings: Mapping[str, Any],
    trees: int, seed: int, threads: int,
) -> Grown:  # fmt: skip
    """Grow trees with scikit-learn-intelex (oneDAL), as `scikit_learn`; x86-64 only.

    Bootstraps, splits and the way weights count are the library's own: another forest of the same kind.

    Raises
    ------
    InputError
        If the library is not installed, or the rows or settings are beyond what it can do.
    """
    if importlib.util.find_spec("sklearnex") is None:
        raise InputError(
            "The engine scikit-learn-intelex is not installed.", where="forest.engine",
            found="no module sklearnex", expected="the package scikit-learn-intelex (x86-64 only)",
            remedy="use the other engine, scikit-learn, or install scikit-learn-intelex",
        )  # fmt: skip
    _check_for_intelex(X, settings)
    library = importlib.import_module("sklearnex")
    parameters = _parameters(settings, trees, seed)
    fast = importlib.import_module("sklearnex.ensemble").RandomForestClassifier(
        oob_score=True, n_jobs=threads, **parameters
    )
    with library.config_context(allow_sklearn_after_onedal=False):
        fast.fit(X, y, sample_weight=weight)
    votes = np.nan_to_num(np.asarray(fast.oob_decision_function_, dtype=np.float64)) * trees
    forest = RandomForestClassifier(**parameters)
    forest.estimators_ = list(fast.estimators_)
    forest.estimator_ = forest.estimators_[0].__class__()
    forest.n_features_in_ = X.shape[1]
    forest.n_outputs_ = 1
    forest.classes_ = np.unique(y)
    forest.n_classes_ = len(forest.classes_)
    return Grown(forest, votes)


ENGINES: Mapping[str, Engine] = {
    "scikit-learn": scikit_learn,
    "scikit-learn-intelex": scikit_learn_intelex,
}


def each_block(work: Callable[[slice], np.ndarray], rows: int, threads: int) -> list[np.ndarray]:
    """Results of `work` on slices of `BLOCK_ROWS` rows, in order: the same for any number of threads."""
    slices = [slice(start, min(start + BLOCK_ROWS, rows)) for start in range(0, rows, BLOCK_ROWS)]
    if threads == 1 or len(slices) < 2:
        return [work(place) for place in slices]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, slices))


def _parameters(settings: Mapping[str, Any], trees: int, seed: int) -> dict[str, Any]:
    return {
        "n_estimators": trees,
        "min_samples_leaf": settings["minimum_leaf"],
        "max_depth": settings["depth"],
        "max_features": settings["features_per_split"],
        "class_weight": settings["class_weight"],
        "random_state": seed,
    }


def _votes_out_of_bag(forest: RandomForestClassifier, X: np.ndarray, threads: int) -> np.ndarray:
    """See `Grown.votes`."""
    left_out = np.ones((len(forest.estimators_), len(X)), dtype=bool)
    for row, drawn in zip(left_out, forest.estimators_samples_, strict=True):
        row[drawn] = False

    def count(place: slice) -> np.ndarray:
        here = X[place]
        votes = np.zeros((len(here), forest.n_classes_))
        for tree, mask in zip(forest.estimators_, left_out[:, place], strict=True):
            votes[mask] += tree.tree_.predict(here[mask])
        return votes

    return np.concatenate(each_block(count, len(X), threads))


def _check_for_intelex(X: np.ndarray, settings: Mapping[str, Any]) -> None:
    if np.isnan(X).any():
        raise InputError(
            "The engine scikit-learn-intelex takes no missing values.", where="forest.engine",
            found=f"{int(np.isnan(X).any(axis=1).sum())} training rows with NaN features",
            remedy="use the other engine, scikit-learn, or a feature set without missing layers",
        )  # fmt: skip
    if settings["class_weight"] == "balanced_subsample":
        raise InputError(
            "The engine scikit-learn-intelex cannot weigh the classes of each bootstrap.",
            where="forest.class_weight", found="balanced_subsample", expected="null | balanced",
            remedy="use the other engine, scikit-learn, or another class_weight",
        )  # fmt: skip
