"""Tuning: folds that keep groups together, the better setting found, and nothing but training rows seen."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.validation import parse
from sentinel_forest.errors import InputError
from sentinel_forest.models import forest, tuning
from sentinel_forest.models.forest import Training


def noisy(groups=9, each=60, seed=1):
    """Labels of which a third are wrong at random: single rows are not to be trusted, many are."""
    random = np.random.default_rng(seed)
    count = groups * each
    X = random.normal(size=(count, 1)).astype(np.float32)
    y = ((X[:, 0] > 0) ^ (random.random(count) < 0.33)).astype(int)
    group = np.arange(count) % groups
    patches = np.array([f"p{row}" for row in range(count)])
    return Training(X, y, random.uniform(1, 3, count), patches), group


def tune(**about):
    return parse(ForestSettings.model_validate, {"trees": 15, "tune": about}, "forest")


# Folds


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2)), min_size=40, max_size=120),
    st.integers(2, 4),
    st.integers(0, 99),
)
def test_no_group_is_on_both_sides_and_every_row_is_scored_once(rows, number, seed):
    group, y = np.array(rows).T
    try:
        found = tuning.folds(y, group, number, seed)
    except InputError:
        return
    assert len(found) == number
    for kept, scored in found:
        assert not set(group[kept]) & set(group[scored])
        assert len(kept) + len(scored) == len(y)
    assert sorted(np.concatenate([scored for _, scored in found])) == list(range(len(y)))


def test_too_few_groups_and_one_class_are_named():
    y, group = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    with pytest.raises(InputError, match="fewer training groups"):
        tuning.folds(y, group, 3, 1)
    with pytest.raises(InputError, match="one class only"):
        tuning.folds(np.array([0, 0, 1, 1]), group, 2, 1)


# Choice


def test_all_combinations_are_tried_in_order():
    asked = tune(features_per_split=["sqrt", 1.0], minimum_leaf=[1, 9])
    found = [(one.minimum_leaf, one.features_per_split) for one in tuning.grid(asked)]
    assert found == [(1, "sqrt"), (1, 1.0), (9, "sqrt"), (9, 1.0)]
    assert all(one.tune is None for one in tuning.grid(asked))


def test_the_highest_mean_wins_and_of_equals_the_first():
    scores = {("a", 0): 0.5, ("a", 1): 0.7, ("b", 0): 0.9, ("b", 1): 0.4, ("c", 0): 0.4, ("c", 1): 0.9}
    candidates = [{"name": name} for name in "abc"]
    parts = [(np.array([0]), np.array([1])), (np.array([1]), np.array([0]))]
    place, table = tuning.choose(candidates, parts, lambda candidate, part: scores[candidate["name"], int(part[0][0])])
    assert place == 1
    assert table.tolist() == [[0.5, 0.7], [0.9, 0.4], [0.4, 0.9]]


def test_tuning_finds_the_larger_leaf_where_labels_are_noisy():
    training, group = noisy()
    for values in ([1, 40], [40, 1]):
        chosen, about = forest.tuned(training, group, tune(minimum_leaf=values), 1, 1)
        assert chosen.minimum_leaf == 40
        assert about["chosen"] == {"minimum_leaf": 40}
        by_leaf = {one["minimum_leaf"]: one for one in about["tried"]}
        assert by_leaf[40]["mean"] > by_leaf[1]["mean"] + 0.03
        assert by_leaf[1]["mean"] == pytest.approx(np.mean(by_leaf[1]["folds"]))
        assert (about["groups"], len(by_leaf[1]["folds"])) == (9, 3)
    # The other way round: a rule in small steps is lost in large leaves.
    X = np.tile(np.arange(36, dtype=np.float32), 20)[:, None]
    stairs = Training(X, (X[:, 0] // 3 % 2).astype(int), np.ones(720), np.array(["p"] * 720))
    chosen, _ = forest.tuned(stairs, np.arange(720) % 9, tune(minimum_leaf=[1, 200]), 1, 1)
    assert chosen.minimum_leaf == 1


def test_what_score_is_highest_can_be_chosen():
    """One class in ten: the most frequent class alone is right in 90 of 100 rows."""
    random = np.random.default_rng(5)
    y = (np.arange(1500) % 10 == 0).astype(int)
    X = (random.normal(size=(1500, 1)) + y[:, None]).astype(np.float32)
    training = Training(X, y, np.ones(1500), np.array(["p"] * 1500))
    group = np.arange(1500) // 10 % 5
    for score, best in (("accuracy", None), ("balanced_accuracy", "balanced")):
        asked = tune(class_weight=[None, "balanced"], minimum_leaf=[60], score=score)
        assert forest.tuned(training, group, asked, 1, 1)[0].class_weight == best


def test_same_seed_same_table_for_any_number_of_threads():
    training, group = noisy(6, 40)
    asked = tune(minimum_leaf=[1, 10], folds=2)
    first = forest.tuned(training, group, asked, 1, 1)
    assert first == forest.tuned(training, group, asked, 1, 2)
    assert first[1] != forest.tuned(training, group, asked, 2, 1)[1]
    json.dumps(first[1], allow_nan=False)


@pytest.mark.parametrize(
    ("about", "where"),
    [
        ({}, "forest, key 'tune'"),
        ({"folds": 3}, "forest, key 'tune'"),
        ({"trees": [1, 2]}, "forest, key 'tune.trees'"),
        ({"minimum_leaf": 5}, "forest, key 'tune.minimum_leaf'"),
        ({"minimum_leaf": []}, "forest, key 'tune.minimum_leaf'"),
        ({"minimum_leaf": [0]}, "forest, key 'tune.minimum_leaf.0'"),
        ({"depth": [5], "folds": 1}, "forest, key 'tune.folds'"),
        ({"depth": [5], "score": "kappa"}, "forest, key 'tune.score'"),
    ],
)
def test_impossible_wishes_are_named(about, where):
    with pytest.raises(InputError, match=f"where: {where}"):
        tune(**about)
