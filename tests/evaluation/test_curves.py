"""Curves and reliability: hand-worked figures, scikit-learn's where it has them, and planted faults."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import Category, Question, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import calibration, curves, holdout, uncertainty
from sentinel_forest.models import forest as forests
from sentinel_forest.models.forest import Training

CLASSES = ("clear", "thick cloud", "thin cloud")
CATEGORIES = tuple(Category(code, name, "#000000") for code, name in enumerate(CLASSES))
CLOUD = Task("cloud", "pixel", CATEGORIES, (Question("cloud", ("thick cloud", "thin cloud")),))
SCENE = Task("scene", "patch", CATEGORIES)
FIT = {"trivial": {"majority": "thick cloud"}}


def subject(model, codes, task=CLOUD, **fit):
    return curves.Subject("l1c", task, model, codes, FIT | fit)


def held_out(truth, weight, group, X=None, draws=50):
    """Held-out rows with a few draws over their groups."""
    truth, group = np.array(truth), np.array(group)
    groups = int(group.max()) + 1
    counts = np.vstack([np.ones((1, groups)), uncertainty.resamples(groups, draws, 1)])
    X = np.zeros((len(truth), 1), np.float32) if X is None else X.astype(np.float32)
    return holdout.HeldOut(X, truth, np.array(weight, np.float64), group, counts)


@pytest.fixture(scope="module")
def forest():
    """A forest of two of three classes, rows that it has not seen, and what scikit-learn says of them."""
    random = np.random.default_rng(1)
    X = random.normal(size=(600, 3)).astype(np.float32)
    y = (X[:, 0] + 0.7 * random.normal(size=600) > 0).astype(int)
    model = RandomForestClassifier(12, random_state=1, max_depth=4).fit(X[:300], y[:300])
    codes = np.array([0, 2])
    truth = codes[y[300:]]
    held = held_out(truth, random.uniform(1, 9, 300), random.integers(0, 20, 300), X[300:])
    return model, codes, held


# Scores


def test_hand_worked_accuracies_with_weights_in_every_draw():
    held = held_out([0, 0, 1, 1], [1, 3, 2, 2], [0, 1, 0, 1])
    hit = np.array([1.0, 0, 1, 0])
    assert holdout.overall_accuracy(held, hit)[0] == pytest.approx(3 / 8)
    assert holdout.average_accuracy(held, hit, 3)[0] == pytest.approx((1 / 4 + 2 / 4) / 2)
    for draw, value in zip(held.draws, holdout.overall_accuracy(held, hit), strict=True):
        assert value == pytest.approx(3 * draw[0] / (3 * draw[0] + 5 * draw[1]))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.floats(0.5, 9), st.integers(0, 4)), min_size=1))
def test_scores_equal_those_of_scikit_learn_on_repeated_rows(rows):
    """A draw is the sample with each group as often as it was drawn."""
    truth, hit, weight, group = (np.array(column) for column in zip(*rows, strict=True))
    held = held_out(truth, weight, group, draws=3)
    predicted = np.where(hit, truth, 3)
    for place, draw in enumerate(held.draws):
        of_row = draw[group] * weight
        if not of_row.sum():
            continue
        kept = of_row > 0
        given_ = {"sample_weight": of_row[kept]}
        assert holdout.overall_accuracy(held, hit.astype(float))[place] == pytest.approx(
            accuracy_score(truth[kept], predicted[kept], **given_)
        )
        recalls = [of_row[kept & (truth == c) & hit].sum() / of_row[truth == c].sum() for c in np.unique(truth[kept])]
        assert holdout.average_accuracy(held, hit.astype(float), 3)[place] == pytest.approx(np.mean(recalls))


# Curves


def test_steps_end_with_all_trees():
    assert curves.steps(1) == [1]
    assert curves.steps(40) == [1, 2, 5, 10, 20, 40]
    assert curves.steps(50) == [1, 2, 5, 10, 20, 50]


def test_the_curve_is_that_of_smaller_forests_and_brier_is_that_of_scikit_learn(forest):
    model, codes, held = forest
    table, _ = curves.by_trees(subject(model, codes), held, 7, 300)
    curves.CURVES.validate(table)
    assert table["trees"].unique().tolist() == [1, 2, 5, 10, 12]
    assert set(table["curve"]) == {"trees"}
    assert set(zip(table["training_groups"], table["training_rows"], strict=True)) == {(7, 300)}
    for trees, rows in table.groupby("trees"):
        shares = np.mean([tree.predict_proba(held.X) for tree in model.estimators_[:trees]], axis=0)
        predicted = codes[shares.argmax(axis=1)]
        values = rows.set_index("metric")["value"]
        weight = {"sample_weight": held.weight}
        assert values["oa"] == pytest.approx(accuracy_score(held.truth, predicted, **weight))
        assert values["aa.present"] == pytest.approx(balanced_accuracy_score(held.truth, predicted, **weight))
        assert values["brier"] == pytest.approx(brier_score_loss(held.truth == 2, shares[:, 1], **weight), abs=1e-12)
    whole = table[(table["trees"] == 12) & (table["metric"] == "oa")].iloc[0]
    assert whole["low"] < whole["value"] < whole["high"]
    assert (whole["rows"], whole["groups"], whole["note"]) == (300, 20, uncertainty.few_groups(20))


def test_a_task_without_question_looks_at_the_majority_class(forest):
    assert curves.event_of(CLOUD, FIT) == ("cloud", ("thick cloud", "thin cloud"))
    assert curves.event_of(SCENE, FIT) == ("thick cloud", ("thick cloud",))
    model, codes, held = forest
    table, bins = curves.by_trees(subject(model, codes, SCENE), held, 7, 300)
    # The forest does not know the class, and no row has it: a probability of 0, and right.
    assert (table.loc[table["metric"] == "brier", "value"] == 0).all()
    assert bins["rows"].tolist() == [300] + [0] * 9


def test_one_group_has_values_and_no_interval(forest):
    model, codes, held = forest
    alone = held_out(held.truth, held.weight, np.zeros(300, int), held.X)
    table, _ = curves.by_trees(subject(model, codes), alone, 7, 300)
    assert table["value"].notna().all()
    assert table[["low", "high"]].isna().all(axis=None)
    assert set(table["note"]) == {"1 group: no interval below 5"}


# Learning curve


@pytest.fixture(scope="module")
def learning():
    """Rows of 16 groups of eight kinds, each kind with a rule of its own; and rows of 16 other groups."""
    random = np.random.default_rng(2)
    group = np.arange(3200) % 32
    X = random.normal(size=(3200, 2)).astype(np.float32)
    X[:, 1] = group % 8
    y = ((X[:, 0] > 0) ^ (X[:, 1] % 2 == 1)).astype(int)
    inside = group < 16
    patches = np.array([f"p{number}" for number in group])
    training = Training(X[inside], 2 * y[inside], np.ones(1600), patches[inside])
    settings = ForestSettings(trees=8, minimum_leaf=5, parts=2)
    grown = forests.grow_all(training, settings, 3, 1)
    held = held_out(2 * y[~inside], np.ones(1600), group[~inside] - 16, X[~inside])
    about = subject(grown.forest, np.array([0, 2]), settings=settings.model_dump(), seed=3)
    return about, held, training, group[inside]


def test_group_steps_are_an_eighth_a_quarter_and_half():
    assert curves.group_steps(80) == [10, 20, 40]
    assert curves.group_steps(5) == [1, 2, 3]
    assert curves.group_steps(2) == [1]
    assert curves.group_steps(1) == []


def test_the_learning_curve_rises_with_groups_and_ends_with_the_forest_as_it_is(learning):
    about, held, training, group = learning
    table = curves.by_groups(about, held, training, group, 1, 1)
    curves.CURVES.validate(table)
    overall = table[table["metric"] == "oa"]
    assert overall["training_groups"].tolist() == [2, 4, 8, 16]
    assert overall["training_rows"].tolist() == [200, 400, 800, 1600]
    assert set(table["trees"]) == {8}
    # Two groups tell of two kinds of eight at most, all groups of every kind.
    assert overall["value"].iloc[0] < 0.8
    assert overall["value"].iloc[-1] > 0.95
    last = curves.by_trees(about, held, 16, 1600)[0].iloc[-3:].drop(columns="curve")
    pd.testing.assert_frame_equal(
        table.iloc[-3:].drop(columns="curve").reset_index(drop=True), last.reset_index(drop=True)
    )


def test_parts_of_the_groups_are_nested_and_whole(learning, monkeypatch):
    about, held, training, group = learning
    met = []

    def remember(part, *rest):
        met.append(part)
        return grow_all(part, *rest)

    grow_all = forests.grow_all
    monkeypatch.setattr(forests, "grow_all", remember)
    curves.by_groups(about, held, training, group, 1, 1)
    patches = [set(part.patches) for part in met]
    assert patches[0] < patches[1] < patches[2] < set(training.patches)
    for part in met:
        assert len(part.y) == np.isin(training.patches, part.patches).sum()
    met.clear()
    curves.by_groups(about, held, training, group, 2, 1)
    assert patches != [set(part.patches) for part in met]


def test_a_part_with_one_class_has_no_value_and_says_why(learning):
    about, held, training, _ = learning
    alone = curves.by_groups(about, held, training, training.y, 1, 1)
    assert alone["training_groups"].tolist() == [1, 1, 1, 2, 2, 2]
    assert alone["value"].isna().tolist() == [True] * 3 + [False] * 3
    assert set(alone["note"].iloc[:3]) == {"training rows of one class only"}


# Reliability


def test_hand_worked_bins_with_weights():
    held = held_out([0, 1, 1, 0], [1, 3, 4, 2], [0, 1, 0, 1])
    probability, happened = np.array([0.12, 0.18, 1.0, 0.3]), np.array([0.0, 1, 1, 0])
    table = calibration.reliability(held, probability, happened, ("l1c", "cloud", "cloud"))
    calibration.RELIABILITY.validate(table)
    second, last = table.iloc[1], table.iloc[9]
    assert second["predicted"] == pytest.approx((0.12 + 3 * 0.18) / 4)
    assert (second["observed"], second["share"], second["rows"]) == (pytest.approx(0.75), 0.4, 2)
    assert (last["predicted"], last["observed"], last["groups"]) == (1, 1, 1)
    empty = table.iloc[5]
    assert np.isnan(empty["observed"])
    assert empty["note"] == "no held-out row has such a probability"
    assert table["share"].sum() == pytest.approx(1)
    assert table["rows"].sum() == 4


def test_true_probabilities_are_told_from_too_sure_ones():
    random = np.random.default_rng(3)
    probability = random.uniform(size=20_000)
    happened = (random.uniform(size=20_000) < probability).astype(float)
    held = held_out(happened.astype(int), np.ones(20_000), random.integers(0, 40, 20_000), draws=500)
    names = "l1c", "cloud", "cloud"
    honest = calibration.reliability(held, probability, happened, names)
    within = (honest["low"] <= honest["predicted"]) & (honest["predicted"] <= honest["high"])
    assert within.sum() >= 8
    sure = calibration.reliability(held, np.where(probability > 0.5, 0.95, 0.05), happened, names)
    known = sure[sure["rows"] > 0]
    assert ((known["predicted"] < known["low"]) | (known["predicted"] > known["high"])).all()


# Rows


@pytest.fixture
def shards(tmp_path):
    """Two feature tables with drawn pixels of four patches, and their catalog."""
    table = pd.DataFrame(
        {
            "patch": ["a", "a", "b", "c", "c", "d"],
            "pixel": range(6),
            "label": [0, 1, 2, 0, 1, 2],
            "weight": np.arange(1, 7, dtype=np.float32),
            "B2": np.arange(6, dtype=np.float32),
            "B3": np.arange(6, dtype=np.float32) + 10,
        }
    )
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    table.iloc[:3].to_parquet(paths[0])
    table.iloc[3:].to_parquet(paths[1])
    return paths, pd.DataFrame({"patch": list("dcba"), "group": ["y", "x", "x", "x"]})


def rows(shards, held_out="bcd", features=("B3", "B2"), most=100):
    paths, catalog = shards
    return holdout.held_out_rows(paths, features, frozenset(held_out), catalog, most, 10, (1, "r"))


def test_rows_are_those_of_held_out_patches_in_the_order_of_the_features(shards):
    held = rows(shards)
    assert held.X.tolist() == [[12, 2], [13, 3], [14, 4], [15, 5]]
    assert held.truth.tolist() == [2, 0, 1, 2]
    assert held.weight.tolist() == [3, 4, 5, 6]
    assert held.group.tolist() == [0, 0, 0, 1]
    assert held.draws.shape == (11, 2)


def test_no_held_out_row_is_nothing_and_too_many_are_drawn_the_same_way_every_time(shards):
    assert rows(shards, held_out="z") is None
    some = [rows(shards, most=2).X.tolist() for _ in range(2)]
    assert len(some[0]) == 2
    assert some[0] == some[1]


def test_a_missing_feature_and_an_unknown_patch_are_named(shards):
    with pytest.raises(InputError, match="B4"):
        rows(shards, features=("B4",))
    paths, catalog = shards
    with pytest.raises(InputError, match=r"not in the catalog"):
        holdout.held_out_rows(paths, ["B2"], frozenset("d"), catalog.iloc[1:], 9, 9, (1,))


def test_patches_count_as_one_each_and_those_without_class_do_not_count(tmp_path):
    table = pd.DataFrame({"patch": ["a", "b"], "label": [1, -1], "B2_mean": np.float32([1, 2])})
    table.to_parquet(tmp_path / "1.parquet")
    catalog = pd.DataFrame({"patch": ["a", "b"], "group": ["x", "y"]})
    held = rows(([tmp_path / "1.parquet"], catalog), "ab", ["B2_mean"])
    assert (held.weight.tolist(), held.truth.tolist(), held.groups) == ([1], [1], 1)
