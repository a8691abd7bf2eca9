"""The grouped-stratified scheme as a splitter for scikit-learn."""

import warnings
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseShuffleSplit

from sentinel_forest.datasets.keys import is_known
from sentinel_forest.errors import ArgumentError
from sentinel_forest.io import checksums
from sentinel_forest.splits import solver
from sentinel_forest.splits.draws import SCALE
from sentinel_forest.verify.units import units

ROUNDING = 1e-9
"""Sizes that add up to no more than this above 1 add up to 1."""


class GroupStratifiedSplit(BaseShuffleSplit):  # type: ignore[misc]  # scikit-learn has no types
    """Draw training and test sets of whole groups in which classes have the same fractions.

    Patches of one city, scene or ROI resemble each other. If some of them train and others test, the score
    tells how well a model recalls places that it has seen, not how well it does at new ones [1]_. So groups
    must stay whole. But groups differ in size and in their classes, and groups drawn at random give test sets
    of odd sizes in which rare classes are missing. This splitter searches among the ways to share out whole
    groups for one in which `train_size` and `test_size` hold for the samples of every class as nearly as
    possible.

    It solves the problem of the scheme ``grouped-stratified`` of the workflow: for the seed of a trial, the first
    split is the draw of that trial, if there are fewer than 20 groups. With more, the workflow also gives the test
    at least ten of them, so that intervals hold; this class keeps to the sizes that are asked for.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits. Each is a new draw, so test sets of several splits may overlap.
    train_size, test_size : float, optional
        Fractions of the samples, between 0 and 1. If one is not given, it is what the other leaves; if neither
        is, they are 0.8 and 0.2. Samples that they leave over, if any, are in neither set; they are shared out like a
        third set.
    random_state : int, numpy.random.RandomState or numpy.random.Generator, optional
        Seed. With an int, `split` gives the same sets each time, on every machine.
    time_limit : float, default=120
        Seconds after which the search for a split is given up and the best one so far is taken, with a
        warning. Such a split depends on the machine.

    Attributes
    ----------
    deviations_, bounds_ : list of float
        For each split that the last call of `split` has drawn: the mean relative deviation that it has (see
        Notes), and one that no split of these groups can be better than.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : Folds instead of sizes; every sample is in one test set.
    sklearn.model_selection.GroupShuffleSplit : Groups at random; sizes are fractions of the groups.

    Notes
    -----
    With sizes :math:`s_r`, the mean over sets :math:`r` and classes :math:`c` of
    :math:`|n_{rc} - s_r n_c| / (s_r n_c)` is made small, the number of samples counting as one class more, and what
    the sizes leave over as one set more. A random draw of groups is improved by moves, exchanges, threshold
    accepting and mixed-integer programmes over a part of the groups, so that each seed ends at a good split near
    its own start. What is possible depends on the groups: one that holds half of all samples leaves no way to a
    test set of a fifth.

    References
    ----------
    .. [1] Roberts et al. 2017, Cross-validation strategies for data with temporal, spatial, hierarchical, or
       phylogenetic structure. Ecography 40(8), 913-929, doi 10.1111/ecog.02881.

    Examples
    --------
    Twelve places with 2, 4 or 6 samples each; only every third place has samples of class 1:

    >>> import numpy as np
    >>> from sentinel_forest import GroupStratifiedSplit
    >>> place = np.repeat(np.arange(12), [2, 4, 6] * 4)
    >>> y = np.isin(np.arange(48) % 12, [7, 9]).astype(int)
    >>> X = np.zeros((48, 5))
    >>> splitter = GroupStratifiedSplit(n_splits=2, test_size=0.25, random_state=0)
    >>> for train, test in splitter.split(X, y, groups=place):
    ...     print(np.unique(place[test]), len(train), len(test), y[train].mean().round(3), y[test].mean().round(3))
    [ 0  6  9 11] 36 12 0.167 0.167
    [ 3  6  9 11] 36 12 0.167 0.167

    It can be given to whatever takes a splitter, with the groups beside it:

    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import cross_val_score
    >>> cross_val_score(DummyClassifier(), X, y, groups=place, cv=splitter).round(3)
    array([0.833, 0.833])

    Instead of classes, `y` may hold the fraction of each class in each sample:

    >>> fractions = np.column_stack([1 - y / 2, y / 2])
    >>> train, test = next(splitter.split(X, fractions, groups=place))
    >>> fractions[test].mean(axis=0).round(3)
    array([0.917, 0.083])
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012  # read by scikit-learn's metadata routing

    def __init__(
        self,
        n_splits: int = 5,
        *,
        train_size: float | None = None,
        test_size: float | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        time_limit: float = 120.0,
    ) -> None:
        self.n_splits = n_splits
        self.train_size = train_size
        self.test_size = test_size
        self.random_state = random_state
        self.time_limit = time_limit
        if isinstance(n_splits, bool) or not isinstance(n_splits, int | np.integer) or n_splits < 1:
            raise ArgumentError(
                "A number of splits is not possible.", where="n_splits", found=n_splits, expected="1, 2, ..."
            )
        if not time_limit > 0:
            raise ArgumentError(
                "A time is not possible.", where="time_limit", found=time_limit, expected="seconds above 0"
            )
        _seed(random_state, draw=False)
        self._role_fractions()

    def split(self, X: Any, y: Any, groups: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Draw the splits, one after the other.

        Parameters
        ----------
        X : array-like, shape (n_samples, ...)
            Only its length counts.
        y : array-like, shape (n_samples,) or (n_samples, n_classes)
            The class of each sample (int, bool or text), or the fraction of each class in it (0 to 1).
        groups : array-like, shape (n_samples,)
            The group of each sample. Names that differ in case, blanks, ``_`` or ``-`` alone are one group; so are
            ``7``, ``07`` and ``7.0``.

        Yields
        ------
        train, test : ndarray of int64
            Positions of the samples, rising.

        Raises
        ------
        ValueError
            If `X`, `y` and `groups` differ in length, a class or a group is missing, `y` holds neither classes
            nor fractions, or there are fewer groups than sets to be filled.
        """
        count = _count(X)
        unit = _units(groups, count)
        strata = _strata(y, count)
        fractions = self._role_fractions()
        wanted = np.flatnonzero(fractions)
        if (found := int(unit.max()) + 1) < len(wanted):
            raise ArgumentError(
                "There are fewer groups than sets to be filled.",
                where="groups",
                found=f"{found} of {count} samples",
                expected=f"at least {len(wanted)}: for {', '.join(np.array(PARTS)[wanted])}",
                remedy="group by a finer key"
                + (", or let train_size and test_size add up to 1" if fractions[REST] else ""),
            )
        problem = solver.prepare(unit, strata, fractions[wanted])
        first = _seed(self.random_state)
        self.deviations_: list[float] = []
        self.bounds_: list[float] = []
        for number in range(self.n_splits):
            seed = checksums.seed(first, number) if number else first
            fit = solver.solve(problem, seed, self.time_limit)
            if not fit.complete:
                warnings.warn(
                    f"The search for split {number} was given up after {self.time_limit:g} s: another machine may find"
                    " another split. A longer time_limit, or fewer classes, would help.",
                    stacklevel=2,
                )
            self.deviations_.append(fit.deviation)
            self.bounds_.append(fit.bound)
            part = wanted[fit.role][unit]
            yield np.flatnonzero(part == TRAIN), np.flatnonzero(part == TEST)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits; the arguments are there because scikit-learn gives them."""
        return int(self.n_splits)

    def _role_fractions(self) -> np.ndarray:
        """Fractions for training, for neither, and for the test, in 1 / `SCALE`: int64 (3,)."""
        sizes = {"train_size": self.train_size, "test_size": self.test_size}
        for name, size in sizes.items():
            if size is not None and (isinstance(size, bool) or not isinstance(size, Real) or not 0 < size < 1):
                raise ArgumentError(
                    "A size is not a fraction of the samples.",
                    where=name,
                    found=size,
                    expected="a number between 0 and 1",
                )
        test = (
            self.test_size
            if self.test_size is not None
            else 1 - self.train_size
            if self.train_size is not None
            else 0.2
        )
        train = self.train_size if self.train_size is not None else 1 - test
        if train + test > 1 + ROUNDING:
            raise ArgumentError(
                "The sizes add up to more than all samples.",
                where="train_size and test_size",
                found=f"{train:g} + {test:g}",
                expected="at most 1",
            )
        rest = round((1 - train - test) * SCALE)
        for_test = round(test * SCALE)
        if min(for_test, SCALE - rest - for_test) < 1:
            raise ArgumentError(
                "A size is too small.", where="train_size and test_size", found=f"{train:g} and {test:g}",
                expected=f"at least {1 / SCALE:g} each",
            )  # fmt: skip
        return np.array([SCALE - rest - for_test, rest, for_test], dtype=np.int64)


PARTS = ("train", "neither", "test")
TRAIN, REST, TEST = range(3)


def _count(X: Any) -> int:
    """The number of samples, at least one."""
    count = X.shape[0] if hasattr(X, "shape") and len(X.shape) else len(X)
    if not count:
        raise ArgumentError("There are no samples to split.", where="X", found="0 samples")
    return int(count)


def _check_length(values: Any, name: str, count: int) -> None:
    if len(values) != count:
        raise ArgumentError(
            "Arrays differ in length.", where=name, found=f"{len(values)} samples", expected=f"{count}, as in X"
        )


def _units(groups: Any, count: int) -> np.ndarray:
    """Number of the group of each sample, int64 (samples,), in order of appearance."""
    if groups is None:
        raise ArgumentError(
            "Groups are missing.",
            where="groups",
            found="None",
            expected="the group of each sample, e.g. its city, scene or ROI",
            remedy="split(X, y, groups), or cross_val_score(..., groups=groups, cv=...)",
        )
    values = pd.Series(_one_dimensional(groups, "groups"))
    _check_length(values, "groups", count)
    remedy = "leave these samples out, or find out where they belong: they may be anywhere"
    _check_known(values, is_known(values), "groups", "group", remedy)
    return units([values], count)


def _strata(y: Any, count: int) -> np.ndarray:
    """Amounts of each class in each sample, int64 (classes, samples), in 1 / `SCALE`."""
    if y is None:
        raise ArgumentError(
            "Classes are missing.",
            where="y",
            found="None",
            expected="the class of each sample, or fractions of classes",
            remedy="without classes, use sklearn.model_selection.GroupShuffleSplit",
        )
    if np.ndim(y) == 2:
        return _fractions(y, count)
    values = pd.Series(_one_dimensional(y, "y"))
    _check_length(values, "y", count)
    remedy = "leave these samples out, or give fractions of classes with a row of zeros"
    _check_known(values, (values.notna() & (values != "").fillna(True)).to_numpy(), "y", "class", remedy)
    if pd.api.types.is_float_dtype(values) and (values % 1 != 0).any():
        raise ArgumentError(
            "These values are no classes.",
            where="y",
            found=f"{values[values % 1 != 0].iloc[0]!r}",
            expected="whole numbers, text, or an array (samples, classes) of fractions",
            remedy="put continuous values into bins first, e.g. by pandas.qcut",
        )
    code, classes = pd.factorize(values, sort=True)
    return np.asarray(SCALE * (code == np.arange(len(classes))[:, None]), dtype=np.int64)


def _fractions(y: Any, count: int) -> np.ndarray:
    values = np.asarray(y, dtype=np.float64)
    _check_length(values, "y", count)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        raise ArgumentError(
            "These values are no fractions of classes.",
            where=f"y, sample {np.argwhere(wrong)[0][0]}",
            found=values[wrong][0],
            expected="numbers from 0 to 1, one column a class",
            remedy="give one class a sample as an array of one dimension: y.ravel()",
        )
    return np.rint(values.T * SCALE).astype(np.int64)


def _one_dimensional(values: Any, name: str) -> Any:
    if np.ndim(values) != 1:
        raise ArgumentError(
            "An array has too many dimensions." if np.ndim(values) else "This is no array.",
            where=name,
            found=f"shape {np.shape(values)}",
            expected="one value a sample",
        )
    return values if isinstance(values, pd.Series) else list(values) if isinstance(values, tuple) else values


def _check_known(values: pd.Series, known: np.ndarray, name: str, noun: str, remedy: str) -> None:
    """Raise for values that are not known: unknown is no value of its own. A class may be called ``unknown``."""
    unknown = ~known
    if unknown.any():
        raise ArgumentError(
            f"Samples without a known {noun}.",
            where=f"{name}, sample {int(np.flatnonzero(unknown)[0])}" + (" and others" if unknown.sum() > 1 else ""),
            found=f"{int(unknown.sum())} of {len(values)} are None, NaN, blank or a word for nothing, e.g. "
            f"{values[unknown].iloc[0]!r}",
            expected=f"a {noun} for every sample",
            remedy=remedy,
        )


def _seed(state: Any, draw: bool = True) -> int:
    """The seed of the first split. Generators are asked for a number, if they are to `draw`."""
    if state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(state, np.random.RandomState):
        return int(state.randint(2**31)) if draw else 0
    if isinstance(state, np.random.Generator):
        return int(state.integers(2**32)) if draw else 0
    if isinstance(state, int | np.integer) and not isinstance(state, bool) and state >= 0:
        return int(state)
    raise ArgumentError(
        "A seed is not possible.",
        where="random_state",
        found=state,
        expected="a whole number from 0, a RandomState, a Generator, or None",
    )
