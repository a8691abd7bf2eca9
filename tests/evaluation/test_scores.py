"""Metrics of any confusion matrix: those of scikit-learn by other code, and those of a version."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as other

from sentinel_forest import scores
from sentinel_forest.datasets.base import Category, Task
from sentinel_forest.evaluation import evaluate, metrics
from sentinel_forest.evaluation.confusion import Classifier

NAMES = ("water", "urban", "forest")


def samples(count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    true = random.integers(0, 3, count)
    return true, np.where(random.random(count) < 0.6, true, random.integers(0, 3, count))


def value(table: pd.DataFrame, metric: str, of_class: str = "") -> float:
    return table[(table["metric"] == metric) & (table["class"] == of_class)]["value"].item()


def test_values_are_those_of_scikit_learn():
    true, predicted = samples()
    table = scores(other.confusion_matrix(true, predicted), classes=NAMES)
    assert value(table, "oa") == pytest.approx(other.accuracy_score(true, predicted))
    assert value(table, "aa.present") == pytest.approx(other.balanced_accuracy_score(true, predicted))
    assert value(table, "kappa") == pytest.approx(other.cohen_kappa_score(true, predicted))
    assert value(table, "f1.present") == pytest.approx(other.f1_score(true, predicted, average="macro"))
    for number, name in enumerate(NAMES):
        of_one = {"labels": [number], "average": None}
        assert value(table, "pa", of_class=name) == pytest.approx(other.recall_score(true, predicted, **of_one)[0])
        assert value(table, "ua", of_class=name) == pytest.approx(other.precision_score(true, predicted, **of_one)[0])
        assert value(table, "iou", of_class=name) == pytest.approx(other.jaccard_score(true, predicted, **of_one)[0])


def test_every_value_has_a_definition_of_the_page_on_metrics():
    table = scores(np.eye(3))
    assert list(table) == ["metric", "definition", "class", "value"]
    assert (table["definition"] == [metrics.registry()[name].definition for name in table["metric"]]).all()
    assert not table.duplicated(["metric", "class"]).any()
    assert set(table["class"]) == {"", "0", "1", "2"}


def test_undefined_is_missing_and_not_zero():
    table = scores([[0, 0], [0, 0]])
    assert table["value"].isna().all()
    absent = scores([[5, 0], [0, 0]])
    assert np.isnan(value(absent, "pa", of_class="1"))
    assert np.isnan(value(absent, "kappa"))
    assert value(absent, "aa.all") == 0.5


def test_tables_are_matched_by_their_labels():
    true, predicted = samples()
    words = np.array(NAMES)
    predicted = np.where(predicted == 2, 0, predicted)  # forest is never predicted
    table = pd.crosstab(words[true], words[predicted])
    assert table.shape == (3, 2)
    expected = scores(other.confusion_matrix(words[true], words[predicted], labels=NAMES), classes=NAMES)
    key = ["metric", "class"]
    own = scores(table[table.columns[::-1]]).merge(expected, on=key, validate="1:1")
    assert len(own) == len(expected)
    np.testing.assert_allclose(own["value_x"], own["value_y"])


def by_patch(groups: int, each: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(groups)
    accuracy = random.uniform(1, 9, groups)
    rates = np.where(np.eye(3), accuracy[:, None, None], 1.0)
    return random.poisson(np.repeat(rates, each, axis=0)), np.repeat([f"g{one:02}" for one in range(groups)], each)


def test_intervals_are_those_of_a_version():
    counts, groups = by_patch(12)
    table = scores(counts, groups=groups, draws=200, random_state=5)
    task = Task("any", "patch", tuple(Category(place, name, "#000000") for place, name in enumerate("012")))
    classifier = Classifier("forest", "set", task, task.names, {})
    place = np.argwhere(counts)
    rows = pd.DataFrame({"patch": place[:, 0], "true": place[:, 1].astype(str), "predicted": place[:, 2].astype(str)})
    patches = pd.DataFrame({"patch": np.arange(len(counts)), "group": groups, "weight": 1.0})
    drawn = evaluate.sample(patches, 200, 5)
    found = evaluate.evaluate(rows.assign(count=counts[counts > 0]), classifier, drawn)
    assert len(found) == len(table)
    for score, (_, row) in zip(found, table.iterrows(), strict=True):
        assert (score.metric.id, score.of_class) == (row["metric"], row["class"])
        assert row["value"] == pytest.approx(score.value)
        low, high = score.interval()
        assert (row["low"], row["high"], row["groups"]) == pytest.approx((low, high, score.groups), nan_ok=True)
        assert row["low"] < row["value"] < row["high"]
        assert row["note"] == score.doubts() == evaluate.uncertainty.few_groups(12, row["class"])


def test_interval_is_wider_where_groups_differ_than_where_patches_are_taken_as_independent():
    counts, groups = by_patch(12)
    together, apart = (scores(counts, groups=key).iloc[0] for key in (groups, np.arange(len(counts))))
    assert together["value"] == apart["value"] == scores(counts)["value"].iloc[0]
    assert together["high"] - together["low"] > 1.2 * (apart["high"] - apart["low"])


def test_a_perfect_classifier_has_no_interval_and_says_why():
    table = scores(np.tile(np.diag([5, 3]), (40, 1, 1)), groups=np.arange(40)).iloc[0]
    assert np.isnan(table["low"])
    assert table["note"] == "all groups score alike: no interval"


def test_no_interval_where_it_would_not_hold():
    counts, groups = by_patch(4)
    few = scores(counts, groups=groups).iloc[0]
    assert few["note"] == "4 groups: no interval below 5"
    assert np.isnan(few["low"])
    counts, groups = by_patch(12)
    for missing in (None, np.nan, ""):
        unknown = scores(counts, groups=[missing, *groups[1:]]).iloc[0]
        assert unknown["note"] == "1 of 36 patches have no known group: no interval, no p value"
        assert np.isnan(unknown["high"])
        assert unknown["value"] == pytest.approx(scores(counts)["value"].iloc[0])
        assert unknown["groups"] == 12


@pytest.mark.parametrize(
    ("confusion", "more", "words"),
    [
        ([[1, 2, 3], [4, 5, 6]], {}, ["no confusion matrix", "(2, 3)"]),
        ([1, 2], {}, ["no confusion matrix"]),
        (np.zeros((0, 0)), {}, ["no confusion matrix"]),
        ([[1, -1], [0, 1]], {}, ["no counts", "negative"]),
        ([[1, np.nan], [0, 1]], {}, ["no counts"]),
        (np.eye(2), {"classes": ["a"]}, ["names", "expected: 2"]),
        (np.eye(2), {"classes": ["a", "a"]}, ["names", "1 different"]),
        (np.eye(2), {"groups": ["a", "b"]}, ["groups", "counts by patch"]),
        (np.zeros((3, 2, 2)), {"groups": ["a", "b"]}, ["groups", "(2,)"]),
        (pd.DataFrame(np.eye(2), index=["a", "a"], columns=["a", "b"]), {}, ["twice"]),
        (pd.DataFrame(np.eye(2)), {"classes": ["a", "b"]}, ["names already"]),
        (pd.DataFrame(), {}, ["no confusion matrix"]),
        (pd.crosstab(*samples(), margins=True), {}, ["sums of the others", "margins"]),
        (np.zeros((3, 2, 2)), {"groups": [1, 2, 3], "draws": 1}, ["draws", "from 2"]),
    ],
)
def test_what_is_no_confusion_matrix(confusion, more, words):
    with pytest.raises(ValueError, match="where") as met:
        scores(confusion, **more)
    assert all(word in str(met.value) for word in words), met.value


def test_two_classes_at_chance_are_no_class_and_its_sums():
    assert scores(pd.crosstab(np.array(list("aabb")), np.array(list("abab"))))["value"].iloc[0] == 0.5


@pytest.mark.parametrize("word", ["nan", "NA", "None", " ", None])
def test_a_word_for_nothing_is_no_group_and_forms_of_a_number_are_one(word):
    counts = np.random.default_rng(1).poisson([[8, 2], [1, 9]], (24, 2, 2))
    names = [f"{number % 12}" for number in range(24)]
    forms = [name if at < 12 else f"0{name}" for at, name in enumerate(names)]
    plain, other = (scores(counts, groups=each) for each in (names, forms))
    pd.testing.assert_frame_equal(plain, other)
    unknown = scores(counts, groups=[word, *names[1:]])
    assert unknown["low"].isna().all()
    assert unknown["note"].iloc[0].startswith("1 of 24 patches have no known group")
