"""The splitter for scikit-learn: the scheme's own draws, whole groups, anybody's data, plain errors."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, GroupShuffleSplit, check_cv, cross_val_score

from sentinel_forest import GroupStratifiedSplit
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.io import checksums
from sentinel_forest.splits import split

SEED = partial(checksums.seed, 7, "release", "scheme")
CLASSES, GROUPS = 3, 14


def catalog_of(kind: str) -> pd.DataFrame:
    """A catalog of a few groups that differ in size and classes: with labels, with fractions, or with both."""
    random = np.random.RandomState(3)
    group = np.repeat(np.arange(GROUPS), random.randint(1, 30, GROUPS))
    group = group[random.permutation(len(group))]
    leaning = random.dirichlet(np.full(CLASSES, 0.5), GROUPS)[group]
    label = np.array([random.choice(CLASSES, p=weights) for weights in leaning], dtype=np.int16)
    table = pd.DataFrame({"patch": [f"p{row}" for row in range(len(group))], "group": [f"g{one}" for one in group]})
    table["label"] = label if kind != "fractions" else np.int16(-1)
    if kind != "labels":
        for number in range(CLASSES):
            table[f"fraction_c{number}"] = leaning[:, number].astype(np.float32)
    return table


def target_of(catalog: pd.DataFrame, kind: str) -> np.ndarray:
    fractions = catalog.filter(regex="^fraction_").to_numpy()
    if kind == "labels":
        return catalog["label"].to_numpy()
    one_hot = np.eye(CLASSES)[catalog["label"]] if kind == "both" else fractions[:, :0]
    return np.hstack([one_hot, fractions])


@pytest.mark.parametrize("kind", ["labels", "fractions", "both"])
@pytest.mark.parametrize("fractions", [(0.8, 0.0, 0.2), (0.7, 0.1, 0.2)])
def test_first_split_is_the_trial_of_the_scheme(kind, fractions):
    """Of a scheme with validation patches, the splitter leaves those out."""
    catalog = catalog_of(kind)
    train, validation, test = fractions
    options = {"kind": "grouped-stratified", "fractions": {"train": train, "validation": validation, "test": test}}
    drawn = split.make(catalog, parse_scheme(options), 2, SEED).split["role"].to_numpy()
    splitter = GroupStratifiedSplit(1, train_size=train, test_size=test, random_state=SEED(2))
    (own,) = splitter.split(catalog, target_of(catalog, kind), catalog["group"])
    np.testing.assert_array_equal(own[0], np.flatnonzero(drawn == "train"))
    np.testing.assert_array_equal(own[1], np.flatnonzero(drawn == "test"))


@settings(max_examples=15)
@given(
    groups=some.lists(some.integers(0, 12), min_size=3, max_size=80),
    seed=some.integers(0, 2**32 - 1),
    sizes=some.sampled_from([(None, None), (0.5, None), (None, 0.3), (0.6, 0.2), (0.3, 0.7)]),
    two=some.booleans(),
)
def test_groups_are_never_cut(groups, seed, sizes, two):
    group = np.array(groups)
    y = np.random.RandomState(seed).randint(0, 3, len(group))
    if len(np.unique(group)) < 3:
        return
    splitter = GroupStratifiedSplit(2, train_size=sizes[0], test_size=sizes[1], random_state=seed)
    splits = list(splitter.split(group, np.eye(3)[y] if two else y, group))
    assert len(splits) == splitter.get_n_splits() == 2
    for train, test in splits:
        assert len(train)
        assert len(test)
        assert not set(group[train]) & set(group[test])
        assert (np.diff(train) > 0).all()
        assert (np.diff(test) > 0).all()
        covered = len(train) + len(test)
        assert covered < len(group) if sizes == (0.6, 0.2) else covered == len(group)


def test_sizes_and_classes_are_nearer_to_what_is_asked_than_at_random():
    catalog = catalog_of("labels")
    y, group = catalog["label"].to_numpy(), catalog["group"].to_numpy()
    asked = 0.2 * np.bincount(y)

    def off(splitter) -> float:
        found = [np.bincount(y[test], minlength=CLASSES) for _, test in splitter.split(y, y, group)]
        return float(np.mean([np.abs(counts - asked) / asked for counts in found]))

    even = off(GroupStratifiedSplit(3, test_size=0.2, random_state=0))
    assert even < 0.15
    assert even < 0.5 * off(GroupShuffleSplit(30, test_size=0.2, random_state=0))


def test_order_of_names_of_classes_and_kind_of_array_do_not_matter():
    catalog = catalog_of("labels")
    y, group = catalog["label"], catalog["group"]
    first = [test.tolist() for _, test in GroupStratifiedSplit(2, random_state=5).split(y, y, group)]
    words = pd.Series(list("abc"))[y].reset_index(drop=True)
    targets = [y.tolist(), y.astype("Int64"), y.astype(float), words, words.astype("category"), words.tolist()]
    names = [
        group.tolist(),
        group.to_numpy(object),
        pd.factorize(group)[0],
        tuple(group),
        group.astype("category"),
        group,
    ]
    for target, groups in zip(targets, names, strict=True):
        again = GroupStratifiedSplit(2, random_state=5).split(np.zeros((len(y), 2)), target, groups)
        assert [test.tolist() for _, test in again] == first


def test_index_of_a_table_does_not_matter():
    catalog = catalog_of("labels").set_index("patch")[::-1]
    plain = catalog.reset_index(drop=True)
    one, other = (
        next(GroupStratifiedSplit(random_state=1).split(table, table["label"], table["group"]))
        for table in (catalog, plain)
    )
    np.testing.assert_array_equal(one[1], other[1])


def test_draws_differ_and_can_be_repeated():
    """By the seeds alone: which split a seed leads to is held above."""
    X, y, groups = data()

    def tests(state, times: int = 1) -> list[tuple[int, ...]]:
        splitter = GroupStratifiedSplit(3, random_state=state)
        return [tuple(test) for _ in range(times) for _, test in splitter.split(X, y, groups)]

    assert len(set(tests(0))) == 3
    assert tests(0) == tests(np.int64(0)) != tests(1)
    assert tests(np.random.RandomState(0)) == tests(np.random.RandomState(0))
    generator = np.random.default_rng(0)
    assert tests(generator) != tests(generator)  # it goes on, as in scikit-learn
    assert tests(None) != tests(None)


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, y = make_classification(200, random_state=0)
    return X, y, np.arange(200) // 8


def test_scikit_learn_takes_it():
    X, y, groups = data()
    splitter = GroupStratifiedSplit(n_splits=3, random_state=0)
    assert check_cv(splitter) is splitter
    forest = RandomForestClassifier(10, random_state=0)
    assert (cross_val_score(forest, X, y, groups=groups, cv=splitter) > 0.5).all()
    search = GridSearchCV(forest, {"max_depth": [1, 3]}, cv=splitter).fit(X, y, groups=groups)
    assert search.n_splits_ == 3
    assert clone(search).cv.random_state == 0
    assert repr(splitter).startswith("GroupStratifiedSplit(n_splits=3, random_state=0, test_size=None")
    again = pickle.loads(pickle.dumps(splitter))
    np.testing.assert_array_equal(next(again.split(X, y, groups))[1], next(splitter.split(X, y, groups))[1])


def test_groups_are_passed_on_where_metadata_are_routed():
    X, y, groups = data()
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(DummyClassifier(), {"strategy": ["prior"]}, cv=GroupStratifiedSplit(2, random_state=0))
        assert search.fit(X, y, groups=groups).n_splits_ == 2


Y, G = np.arange(20) % 2, np.repeat(np.arange(5), 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_splits": 0}, ["n_splits", "found: 0"]),
        ({"n_splits": 2.0}, ["n_splits"]),
        ({"test_size": 0}, ["test_size", "between 0 and 1"]),
        ({"test_size": 1.0}, ["test_size", "between 0 and 1"]),
        ({"train_size": 5}, ["train_size", "fraction", "found: 5"]),
        ({"train_size": "half"}, ["train_size", "half"]),
        ({"test_size": float("nan")}, ["test_size"]),
        ({"train_size": 0.8, "test_size": 0.3}, ["0.8 + 0.3", "at most 1"]),
        ({"random_state": -1}, ["random_state", "-1"]),
        ({"random_state": "seed"}, ["random_state"]),
        ({"time_limit": 0}, ["time_limit"]),
    ],
)
def test_settings_that_are_not_possible(arguments, words):
    with pytest.raises(ValueError, match="where") as met:
        GroupStratifiedSplit(**arguments)
    assert all(word in str(met.value) for word in words)


@pytest.mark.parametrize(
    ("y", "groups", "words"),
    [
        (Y, None, ["Groups are missing", "groups=groups"]),
        (Y, [*G[:-2], None, None], ["2 of 20 are None, NaN, blank", "sample 18 and others"]),
        (Y, np.where(G == 2, np.nan, G), ["4 of 20", "sample 8"]),
        (Y, pd.Series(G, dtype="Int64").mask(G == 0), ["4 of 20", "sample 0"]),
        (Y, ["", *map(str, G[1:])], ["1 of 20"]),
        (Y, np.array(["NA", "DE", "FR", "IT", "ES"])[G], ["4 of 20", "'NA'"]),
        (Y, G[:-1], ["groups", "19 samples", "20, as in X"]),
        (Y[:-1], G, ["where: y", "19 samples"]),
        (Y, G[:, None], ["groups", "(20, 1)"]),
        (Y, np.zeros(20), ["fewer groups", "1 of 20 samples", "at least 2: for train, test"]),
        (None, G, ["Classes are missing", "GroupShuffleSplit"]),
        (np.where(G == 1, np.nan, Y), G, ["4 of 20", "y, sample 4"]),
        (np.linspace(0, 1, 20), G, ["no classes", "0.05", "qcut"]),
        (Y[:, None] + 1, G, ["fractions", "sample 1", "2.0", "ravel"]),
        (np.full((20, 2), np.nan), G, ["fractions", "sample 0", "nan"]),
        (np.full((20, 2), -0.1), G, ["fractions", "-0.1"]),
        (np.zeros((20, 2, 2)), G, ["y", "(20, 2, 2)"]),
    ],
)
def test_data_that_cannot_be_split(y, groups, words):
    with pytest.raises(ValueError, match="where") as met:
        next(GroupStratifiedSplit().split(np.zeros(20), y, groups))
    assert all(word in str(met.value) for word in words), met.value


def test_a_rest_needs_a_group_too():
    with pytest.raises(ValueError, match="at least 3: for train, neither, test"):
        next(GroupStratifiedSplit(train_size=0.5, test_size=0.2).split(Y, Y, G > 1))


def test_no_samples():
    with pytest.raises(ValueError, match="no samples"):
        next(GroupStratifiedSplit().split([], [], []))


def test_a_search_that_ends_early_is_said_so():
    catalog = catalog_of("labels")
    with pytest.warns(UserWarning, match="given up"):
        next(GroupStratifiedSplit(time_limit=1e-9, random_state=0).split(catalog, catalog["label"], catalog["group"]))


def test_each_split_tells_how_far_it_is_from_what_could_be_reached():
    """Two groups in three hold class 1: a quarter of them is no whole number, so there is a bound above 0."""
    groups, y = np.repeat(np.arange(6), 4), np.repeat([0, 1, 1, 0, 1, 1], 4)
    splitter = GroupStratifiedSplit(n_splits=3, test_size=0.25, random_state=0)
    for train, test in splitter.split(np.zeros(24), y, groups):
        found = [[(y[part] == one).sum() for one in (0, 1)] + [len(part)] for part in (train, test)]
        wanted = np.outer([0.75, 0.25], [8, 16, 24])
        assert splitter.deviations_[-1] == pytest.approx(np.mean(np.abs(found - wanted) / wanted))
    assert len(splitter.deviations_) == len(splitter.bounds_) == 3
    for bound, far in zip(splitter.bounds_, splitter.deviations_, strict=True):
        assert 0 < bound <= far + 1e-9


def test_what_the_sizes_leave_over_counts_as_a_third_set():
    groups, y = np.repeat(np.arange(20), 5), np.random.default_rng(0).integers(0, 3, 100)
    splitter = GroupStratifiedSplit(1, train_size=0.5, test_size=0.2, random_state=0)
    ((train, test),) = splitter.split(np.zeros(100), y, groups)
    rest = np.setdiff1d(np.arange(100), np.concatenate([train, test]))
    found = [[*np.bincount(y[part], minlength=3), len(part)] for part in (train, test, rest)]
    wanted = np.outer([0.5, 0.2, 0.3], [*np.bincount(y, minlength=3), 100])
    assert splitter.deviations_ == pytest.approx([np.mean(np.abs(found - wanted) / wanted)])


def test_a_class_may_be_called_as_what_is_no_group():
    words = np.where(Y == 0, "unknown", "NA")
    splits = (GroupStratifiedSplit(n_splits=1, random_state=0).split(np.zeros(20), y, G) for y in (Y, words))
    (plain,), (named,) = (list(each) for each in splits)
    assert all(np.array_equal(one, other) for one, other in zip(plain, named, strict=True))
