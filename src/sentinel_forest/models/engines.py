"""Libraries that grow the trees of a forest, behind one interface.

Whatever grows it, the result is a plain scikit-learn forest: it is stored, read and used in one way,
and using it needs no other library.
"""

from __future__ import annotations

import copy
import importlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.errors import InputError
from sentinel_forest.io import checksums

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

TREES_OF_A_DRAW = 4
"""Trees that scikit-learn-intelex grows from one bootstrap. Over six seeds of forests of 40 trees, held-out balanced
accuracy is 0.7478 (std 0.0011) with four, 0.7476 (0.0026) with one; 60,000 x 13 rows of simulated pixels."""

BLOCK_ROWS = 16_384
"""Rows that one thread takes at a time: their votes stay in the cache of a core."""


@dataclass(frozen=True)
class Grown:
    """Some trees, and how to count what they say about training rows that they did not see."""

    forest: RandomForestClassifier
    count: Callable[[], np.ndarray]

    @cached_property
    def votes(self) -> np.ndarray:
        """Class fractions in the leaves of all trees that left a row out of their bootstrap, added up.

        float64 (rows, classes); a row that no tree left out has zeros.
        """
        return self.count()


Engine = Callable[[np.ndarray, np.ndarray, np.ndarray | None, ForestSettings, int, int], Grown]


def scikit_learn(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, settings: ForestSettings, seed: int, threads: int
) -> Grown:
    """Grow trees with `sklearn.ensemble.RandomForestClassifier`; equal for any number of threads.

    Parameters
    ----------
    X : ndarray
        float32 (rows, features); NaN is missing, and sent to the side of a split that suits it best.
    y : ndarray
        Integers (rows,), all of 0..classes-1.
    weight : ndarray or None
        (rows,): rows are drawn into a bootstrap with probabilities in these proportions.
    settings : ForestSettings
        How many trees are grown, and how.
    seed, threads : int
        From which seed, on how many threads.
    """
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(n_jobs=threads, **_parameters(settings, seed))
    forest.fit(X, y, sample_weight=weight)
    drawing = copy.copy(forest)
    # They are the training rows' and would be stored with the forest.
    vars(forest).pop("_sample_weight", None)
    return Grown(forest.set_params(n_jobs=None), lambda: _votes_out_of_bag(drawing, X, threads))


def scikit_learn_intelex(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, settings: ForestSettings, seed: int, threads: int
) -> Grown:
    """Grow trees with scikit-learn-intelex (oneDAL), as `scikit_learn`; x86-64 only.

    Bootstraps are drawn here, tree by tree, in proportion to the weights as scikit-learn draws them: the
    library would leave weighted bootstraps to scikit-learn, at its speed. Splits are the library's own,
    between at most 255 bins of each feature: another forest of the same kind. Missing values count as
    larger than all others.

    The library takes neither rows that were drawn nor features that are binned: each call sorts its rows into bins
    again, which takes longer than a tree does. So `TREES_OF_A_DRAW` trees are grown in one call, on one bootstrap; they
    differ by the features that their splits may choose from.

    Raises
    ------
    InputError
        If the library is not installed, or the settings are beyond what it can do.
    """
    library = _intelex()
    _check_for_intelex(settings)
    fractions = _draw_fractions(y, weight, settings.class_weight)
    edges = [_bin_edges(column) for column in X.T]
    bins = np.column_stack([edge.searchsorted(column) for edge, column in zip(edges, X.T, strict=True)])
    bins = bins.astype(np.float32)
    classes, trees = int(y.max()) + 1, settings.trees

    def one_draw(first: int) -> tuple[list[DecisionTreeClassifier], np.ndarray, np.ndarray]:
        """Trees from one bootstrap, the rows that they have not seen, and their votes on these."""
        own_seed = checksums.seed(seed, first)
        times = bootstrap(fractions, own_seed)
        drawn, unseen = np.flatnonzero(times), np.flatnonzero(times == 0)
        parameters = _parameters(settings.model_copy(update={"trees": min(TREES_OF_A_DRAW, trees - first)}), own_seed)
        few = library.RandomForestClassifier(n_jobs=1, **{**parameters, "class_weight": None, "bootstrap": False})
        few.fit(bins[drawn], y[drawn], sample_weight=times[drawn].astype(np.float64))
        told, grown = np.zeros((len(unseen), classes)), few.estimators_
        for tree in grown:
            leaf = tree.tree_.apply(bins)
            _finish(tree, edges, leaf[drawn], y[drawn], times[drawn], classes)
            told += tree.tree_.value[leaf[unseen], 0]
        return grown, unseen, told

    estimators, votes = [], np.zeros((len(y), classes))
    draws, at_once = range(0, trees, TREES_OF_A_DRAW), 2 * threads
    with _one_thread_each(threads) as each:
        for start in range(0, len(draws), at_once):
            for few, unseen, told in each(one_draw, draws[start : start + at_once]):
                votes[unseen] += told
                estimators += few
    return Grown(_assembled(estimators, X.shape[1], _parameters(settings, seed)), lambda: votes)


ENGINES: Mapping[str, Engine] = {"scikit-learn": scikit_learn, "scikit-learn-intelex": scikit_learn_intelex}


def bootstrap(fractions: np.ndarray, seed: int) -> np.ndarray:
    """How often each row is drawn when as many are drawn as there are: int64 (rows,).

    The number of random points, in rising order, that fall into the stretch of each row; points in rising
    order are sums of exponential steps (Devroye 1986, Non-Uniform Random Variate Generation, V.2).

    Parameters
    ----------
    fractions : ndarray
        float64 (rows,): probability of each row; they add up to 1.
    """
    points = np.cumsum(np.random.default_rng(seed).standard_exponential(len(fractions) + 1))
    stretches = np.cumsum(fractions)[:-1] * points[-1]
    below = points[:-1].searchsorted(stretches)
    return np.diff(below, prepend=0, append=len(fractions))


def each_block(work: Callable[[slice], np.ndarray], rows: int, threads: int) -> list[np.ndarray]:
    """Results of `work` on slices of `BLOCK_ROWS` rows, in order: the same for any number of threads."""
    slices = [slice(start, min(start + BLOCK_ROWS, rows)) for start in range(0, rows, BLOCK_ROWS)]
    if threads == 1 or len(slices) < 2:
        return [work(place) for place in slices]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, slices))


def _parameters(settings: ForestSettings, seed: int) -> dict[str, Any]:
    return {
        "n_estimators": settings.trees,
        "min_samples_leaf": settings.minimum_leaf,
        "max_depth": settings.depth,
        "max_features": settings.features_per_split,
        "class_weight": settings.class_weight,
        "random_state": seed,
    }


def _votes_out_of_bag(forest: RandomForestClassifier, X: np.ndarray, threads: int) -> np.ndarray:
    """See `Grown.votes`; the forest still knows the weights that its bootstraps were drawn by."""
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


def _intelex() -> ModuleType:
    try:
        return importlib.import_module("sklearnex.ensemble")
    except ImportError as error:
        raise InputError(
            "The engine scikit-learn-intelex is not there.",
            where="forest.engine",
            found=error,
            expected="the package scikit-learn-intelex (Linux on x86-64 only)",
            remedy="use the other engine, scikit-learn; or install what envs/requirements.in names",
        ) from error


@contextmanager
def _one_thread_each(threads: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """A `map` on some threads, with oneDAL on one thread within each.

    oneDAL gains little from more threads in one tree. It takes their number for the whole process, and
    warns in threads that it does not take it from ``n_jobs``.
    """
    if threads == 1:
        yield map
        return
    library = importlib.import_module("daal4py")
    before = library.num_threads()
    library.daalinit(1)
    try:
        with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
            warnings.filterwarnings("ignore", message="'Threading' parallel backend")
            yield pool.map
    finally:
        library.daalinit(before)


def _check_for_intelex(settings: ForestSettings) -> None:
    if settings.class_weight == "balanced_subsample":
        raise InputError(
            "The engine scikit-learn-intelex cannot weigh the classes of each bootstrap.",
            where="forest.class_weight",
            found="balanced_subsample",
            expected="null | balanced",
            remedy="use the other engine, scikit-learn, or another class_weight",
        )


def _draw_fractions(y: np.ndarray, weight: np.ndarray | None, class_weight: str | None) -> np.ndarray:
    """Probability of each row to be drawn: float64 (rows,)."""
    weight = np.ones(len(y)) if weight is None else weight
    if class_weight == "balanced":
        weight = weight / np.bincount(y, weight)[y]
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _bin_edges(values: np.ndarray) -> np.ndarray:
    """Upper edges of at most 255 bins with as many of the values (rows,) each; missing ones left out."""
    known = np.sort(values[~np.isnan(values)])
    return np.unique(known[np.arange(1, 256) * len(known) // 255 - 1]) if len(known) else known


def _finish(
    estimator: DecisionTreeClassifier,
    edges: list[np.ndarray],
    leaf: np.ndarray,
    y: np.ndarray,
    times: np.ndarray,
    classes: int,
) -> None:
    """Give a tree of oneDAL thresholds in the unit of the features, and the class fractions of its rows.

    As the library hands a tree over, a leaf votes for one class alone, and the tree knows only classes
    that are among its rows. A few rows reach another leaf than the one that they were counted in while
    the tree grew; a leaf that none reaches has the fractions of its parent.

    Parameters
    ----------
    estimator : DecisionTreeClassifier
        Is changed.
    edges : list of ndarray
        For each feature the upper edges of its bins.
    leaf, y, times : ndarray
        Of the rows that it was grown on, the leaf that they reach, their classes, and how often each was drawn.
    classes : int
        Number of classes of the forest.
    """
    build, (features, _, *rest), state = estimator.tree_.__reduce__()
    nodes = state["nodes"]
    left, right = nodes["left_child"], nodes["right_child"]
    inner = np.flatnonzero(left >= 0)
    in_leaf = np.bincount(leaf * classes + y, times, len(nodes) * classes).reshape(-1, classes)
    drawn = _below(in_leaf, left, right)
    total = drawn.sum(axis=1)
    fractions = drawn / np.maximum(total, 1)[:, None]
    parent = np.zeros(len(nodes), dtype=np.int64)
    parent[left[inner]] = parent[right[inner]] = inner
    for node in np.flatnonzero(total == 0):  # rising: parents before their children
        fractions[node] = fractions[parent[node]]
    for feature, edge in enumerate(edges):
        at = inner[nodes["feature"][inner] == feature]
        nodes["threshold"][at] = edge[nodes["threshold"][at].astype(np.int64)]
    nodes["missing_go_to_left"] = 0
    nodes["weighted_n_node_samples"] = total
    nodes["n_node_samples"] = _below(np.bincount(leaf, minlength=len(nodes))[:, None], left, right)[:, 0]
    nodes["impurity"] = 1 - np.square(fractions).sum(axis=1)
    estimator.tree_ = build(features, np.array([classes], dtype=np.intp), *rest)
    estimator.tree_.__setstate__({**state, "nodes": nodes, "values": fractions[:, None, :]})
    estimator.n_classes_, estimator.classes_ = classes, np.arange(classes)


def _below(in_leaf: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sums over the leaves below each node, of values (nodes, columns) that are 0 at inner nodes."""
    ends, rights = list(range(1, len(left) + 1)), right.tolist()
    for node in np.flatnonzero(left >= 0)[::-1].tolist():
        ends[node] = ends[rights[node]]
    # Trees are stored depth first: what lies below a node follows it without a gap.
    sums = np.concatenate([np.zeros_like(in_leaf[:1]), np.cumsum(in_leaf, axis=0)])
    return np.asarray(sums[ends] - sums[:-1])


def _assembled(
    estimators: list[DecisionTreeClassifier], features: int, parameters: Mapping[str, Any]
) -> RandomForestClassifier:
    """A scikit-learn forest of trees that are grown."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    forest = RandomForestClassifier(**parameters)
    forest.estimators_ = estimators
    forest.estimator_ = DecisionTreeClassifier()
    forest.n_features_in_, forest.n_outputs_ = features, 1
    forest.n_classes_ = estimators[0].n_classes_
    forest.classes_ = np.arange(forest.n_classes_)
    return forest
