"""Curves over trees and training groups: scikit-learn's figures, and rows that must never be seen."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss

from held import held_rows
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import Category, FeatureSet, Question, Task
from sentinel_forest.evaluation import calibration, curves, held_out, uncertainty
from sentinel_forest.models import forest as forests
from sentinel_forest.models.candidate import Candidate
from sentinel_forest.models.forest import Training

CLASSES = ("clear", "thick cloud", "thin cloud")
CATEGORIES = tuple(Category(code, name, "#000000") for code, name in enumerate(CLASSES))
CLOUD = Task("cloud", "pixel", CATEGORIES, (Question("cloud", ("thick cloud", "thin cloud")),))
SCENE = Task("scene", "patch", CATEGORIES)
FIT = {"dummies": {"majority": "thick cloud"}}


def subject(model, codes, task=CLOUD, **fit):
    return Candidate("s", 1, FeatureSet("l1c", task.name, (), {}), task, model, codes, FIT | fit, frozenset())


def table(rows):
    frame = pd.DataFrame(list(rows), columns=list(curves.CURVES.columns))
    curves.CURVES.validate(frame)
    return frame


@pytest.fixture(scope="module")
def forest():
    """A forest of two of three classes, and rows of 20 groups that it has not seen."""
    random = np.random.default_rng(1)
    X = random.normal(size=(600, 3)).astype(np.float32)
    y = (X[:, 0] + 0.7 * random.normal(size=600) > 0).astype(int)
    model = RandomForestClassifier(12, random_state=1, max_depth=4).fit(X[:300], y[:300])
    codes = np.array([0, 2])
    held = held_rows(codes[y[300:]], random.uniform(1, 9, 300), random.integers(0, 20, 300), X[300:])
    training = Training(X[:300], codes[y[:300]], np.ones(300), np.full(300, "p"))
    return model, codes, curves.Material(training, np.arange(300) % 7, held)


def test_steps_end_with_all_trees():
    assert curves.steps(1) == [1]
    assert curves.steps(40) == [1, 2, 5, 10, 20, 40]
    assert curves.steps(50) == [1, 2, 5, 10, 20, 50]


def test_the_curve_is_that_of_smaller_forests_and_brier_is_that_of_scikit_learn(forest):
    model, codes, material = forest
    held = material.held
    found = table(curves.by_trees(subject(model, codes), material, model))
    assert found["trees"].unique().tolist() == [1, 2, 5, 10, 12]
    assert set(found["curve"]) == {"trees"}
    assert set(zip(found["training_groups"], found["training_rows"], strict=True)) == {(7, 300)}
    for trees, rows in found.groupby("trees"):
        fractions = np.mean([tree.predict_proba(held.X) for tree in model.estimators_[:trees]], axis=0)
        predicted = codes[fractions.argmax(axis=1)]
        values = rows.set_index("metric")["value"]
        weight = {"sample_weight": held.weight}
        assert values["oa"] == pytest.approx(accuracy_score(held.truth, predicted, **weight))
        assert values["aa.present"] == pytest.approx(balanced_accuracy_score(held.truth, predicted, **weight))
        assert values["brier"] == pytest.approx(brier_score_loss(held.truth == 2, fractions[:, 1], **weight), abs=1e-12)
    whole = found[(found["trees"] == 12) & (found["metric"] == "oa")].iloc[0]
    assert whole["low"] < whole["value"] < whole["high"]
    assert (whole["rows"], whole["groups"], whole["note"]) == (300, 20, uncertainty.few_groups(20))


def test_a_task_without_question_looks_at_the_majority_class(forest):
    assert held_out.event_of(CLOUD, FIT) == ("cloud", ("thick cloud", "thin cloud"))
    assert held_out.event_of(SCENE, FIT) == ("thick cloud", ("thick cloud",))
    model, codes, material = forest
    found = table(curves.by_trees(subject(model, codes, SCENE), material, model))
    # The forest does not know the class, and no row has it: a probability of 0, and right.
    assert (found.loc[found["metric"] == "brier", "value"] == 0).all()
    bins = calibration.calibrations(subject(model, codes, SCENE), material.held)
    assert bins["rows"].tolist() == ([300] + [0] * 9) * 2


@pytest.fixture(scope="module")
def learning():
    """Rows of 20 groups of eight kinds, each kind with a rule of its own."""
    random = np.random.default_rng(2)
    group = np.arange(2000) % 20
    X = random.normal(size=(2000, 2)).astype(np.float32)
    X[:, 1] = group % 8
    labels = 2 * ((X[:, 0] > 0) ^ (X[:, 1] % 2 == 1))
    training = Training(X, labels, np.ones(2000), np.array([f"p{number}" for number in group]))
    settings = ForestSettings(trees=6, minimum_leaf=5)
    about = subject(None, np.array([0, 2]), settings=settings.model_dump(), seed=3)
    return about, training, group


def aside(training, group, most=10_000, seed=1):
    return curves.set_aside(training, group, most, 50, (seed,))


def test_a_fifth_of_the_groups_is_set_aside_whole_and_never_grown_on(learning, monkeypatch):
    about, training, group = learning
    material = aside(training, group)
    kept = set(material.training.patches)
    assert len(kept) == material.groups == 16
    assert material.held.groups == 4
    assert len(material.held.truth) + len(material.training.y) == 2000
    assert not kept & {f"p{number}" for number in group[~np.isin(training.patches, list(kept))]}
    met = []
    grow = forests.grow
    monkeypatch.setattr(forests, "grow", lambda part, *rest: met.append(part) or grow(part, *rest))
    curves.both(about, material, 1, 1)
    patches = [set(part.patches) for part in met]
    assert all(part <= kept for part in patches)
    assert patches[0] == kept
    assert len(patches) == 1 + 3 * curves.DRAWS
    for first in (1, 4, 7):
        assert patches[first] < patches[first + 1] < patches[first + 2]
    assert patches[1] != patches[4]


def test_rows_of_unknown_groups_are_neither_grown_on_nor_set_aside(learning):
    _, training, group = learning
    material = aside(training, np.where(group < 5, -1, group))
    assert (material.groups, material.held.groups) == (12, 3)
    assert not set(material.training.patches) & {f"p{number}" for number in range(5)}


def test_too_many_rows_are_drawn_the_same_way_every_time(learning):
    _, training, group = learning
    some = [aside(training, group, most=50).held.X.tolist() for _ in range(2)]
    assert len(some[0]) == 50
    assert some[0] == some[1]
    assert some[0] != aside(training, group, most=50, seed=2).held.X.tolist()


def test_one_group_or_one_class_has_no_curves(learning):
    _, training, _ = learning
    assert aside(training, np.zeros(2000, int)) is None
    assert aside(training, np.where(training.y == 0, 0, -1)) is None


def test_group_steps_are_an_eighth_a_quarter_and_half():
    assert curves.group_steps(80) == [10, 20, 40]
    assert curves.group_steps(5) == [1, 2, 3]
    assert curves.group_steps(2) == [1]
    assert curves.group_steps(1) == []


def test_the_learning_curve_rises_with_groups_and_ends_with_the_last_point_of_the_trees(learning):
    about, training, group = learning
    found = curves.both(about, aside(training, group), 1, 1)
    curves.CURVES.validate(found)
    overall = found[(found["metric"] == "oa") & (found["curve"] == "groups")]
    assert overall["training_groups"].tolist() == [2, 4, 8] * 3 + [16]
    assert overall["draw"].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 1]
    assert set(overall["trees"]) == {6}
    means = overall.groupby("training_groups")["value"].mean()
    # Two groups tell of two kinds of eight at most, all groups of every kind.
    assert means[2] < 0.85 < means[16]
    keys = ["metric", "value", "low", "high", "training_groups", "training_rows", "trees"]
    whole = found[found["trees"].eq(6) & found["training_groups"].eq(16)]
    of_trees, of_groups = (
        whole.loc[whole["curve"] == curve, keys].reset_index(drop=True) for curve in ("trees", "groups")
    )
    pd.testing.assert_frame_equal(of_trees, of_groups)


def test_a_part_with_one_class_has_no_value_and_says_why(learning):
    about, training, _ = learning
    rows = np.arange(400)
    part = training.of(rows)
    kinds = np.where(rows < 100, 2, part.y)
    material = curves.Material(part, kinds, held_rows(part.present[part.y], np.ones(400), rows % 4, part.X))
    alone = table(curves.by_groups(about, material, curves.grown(about, part, 1), 1, 1))
    none = alone[alone["value"].isna()]
    assert set(none["note"]) == {"training rows of one class only"}
    assert set(none["training_groups"]) <= {1, 2}
    assert alone.loc[alone["training_groups"] == 3, "value"].notna().all()
