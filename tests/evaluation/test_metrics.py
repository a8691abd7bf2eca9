"""Metrics against tables worked out by hand and against scikit-learn."""

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as reference

from sentinel_forest.datasets import cloudsen12, so2sat
from sentinel_forest.datasets import metric as metric_functions
from sentinel_forest.datasets.metric import Metric, PatchMetric
from sentinel_forest.evaluation import metrics
from sentinel_forest.evaluation.scored import Score

HAND = np.array([[6, 2, 0, 0], [1, 3, 0, 1], [0, 0, 0, 0], [0, 5, 0, 2]])
"""Class 2 neither occurs nor is predicted. 20 units, 11 right."""

TABLES = hnp.arrays(np.int64, (4, 4), elements=st.integers(0, 9))


def value(name: str, counts: np.ndarray) -> np.ndarray:
    metric = metrics.registry()[name]
    assert isinstance(metric, Metric)
    return metric.function(counts)


def units(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted class of each unit."""
    true, predicted = np.indices(counts.shape)
    return np.repeat(true, counts.ravel()), np.repeat(predicted, counts.ravel())


def test_figures_over_all_classes_by_hand() -> None:
    assert value("oa", HAND) == pytest.approx(11 / 20)
    assert value("aa.present", HAND) == pytest.approx((6 / 8 + 3 / 5 + 2 / 7) / 3)
    assert value("aa.all", HAND) == pytest.approx((6 / 8 + 3 / 5 + 2 / 7) / 4)
    # p_e = (8 * 7 + 5 * 10 + 7 * 3) / 400
    assert value("kappa", HAND) == pytest.approx((11 / 20 - 127 / 400) / (1 - 127 / 400))
    f1 = [12 / 15, 6 / 15, 4 / 10]
    assert value("f1.present", HAND) == pytest.approx(sum(f1) / 3)
    iou = [6 / 9, 3 / 12, 2 / 8]
    assert value("iou.present", HAND) == pytest.approx(sum(iou) / 3)
    assert value("iou.all", HAND) == pytest.approx(sum(iou) / 4)


def test_class_metrics_by_hand() -> None:
    nan = np.nan
    expected = {
        "pa": [6 / 8, 3 / 5, nan, 2 / 7],
        "ua": [6 / 7, 3 / 10, nan, 2 / 3],
        "f1": [12 / 15, 6 / 15, nan, 4 / 10],
        "iou": [6 / 9, 3 / 12, nan, 2 / 8],
    }
    for name, values in expected.items():
        assert value(name, HAND) == pytest.approx(values, nan_ok=True)


def test_a_class_that_is_predicted_and_absent() -> None:
    counts = np.array([[4, 1], [0, 0]])
    assert value("pa", counts) == pytest.approx([0.8, np.nan], nan_ok=True)
    assert value("ua", counts) == pytest.approx([1.0, 0.0])
    assert value("aa.present", counts) == pytest.approx(0.8)
    assert value("aa.all", counts) == pytest.approx(0.4)
    assert value("iou.present", counts) == pytest.approx(0.8)
    assert value("iou.all", counts) == pytest.approx(0.4)


def test_questions_by_hand() -> None:
    counts = np.array([[50, 10], [5, 15]])
    expected = {"oa": 65 / 80, "boa": (50 / 60 + 15 / 20) / 2, "pa": 15 / 20, "ua": 15 / 25, "f1": 30 / 45}
    for name, figure in expected.items():
        assert value(f"{name}.question", counts) == pytest.approx(figure)
    assert np.isnan(value("boa.question", np.array([[5, 1], [0, 0]])))


@pytest.mark.parametrize("metric", metrics.registry().values(), ids=list(metrics.registry()))
def test_nothing_is_undefined_and_never_zero(metric: Metric | PatchMetric) -> None:
    if isinstance(metric, PatchMetric):
        assert np.isnan(metric.summary(np.full(3, np.nan), np.ones((2, 3)))).all()
    else:
        side = 17 if metric in so2sat.metrics.METRICS else 2
        assert np.isnan(metric.function(np.zeros((3, side, side)))).all()


def test_ids_are_plain_words_and_definitions_stand_alone() -> None:
    known = metrics.registry()
    assert all(name == metric.id and re.fullmatch(r"[a-z0-9]+(\.[a-z]+)?", name) for name, metric in known.items())
    assert len({metric.definition for metric in known.values()}) == len(known)
    assert all(metric.formula and metric.source for metric in known.values())
    assert (metrics.short("aa.present"), metrics.short("aa.some")) == ("AA", "aa.some")


@given(TABLES.filter(lambda counts: counts.sum() > 0))
def test_equal_to_scikit_learn(counts: np.ndarray) -> None:
    true, predicted = units(counts)
    labels, present = range(4), np.unique(true)
    occurring = counts.sum(axis=0) + counts.sum(axis=1) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "oa": reference.accuracy_score(true, predicted),
            "aa.present": reference.balanced_accuracy_score(true, predicted),
            "aa.all": reference.recall_score(true, predicted, labels=labels, average="macro", zero_division=0),
            "kappa": reference.cohen_kappa_score(true, predicted) if occurring.sum() > 1 else np.nan,
            "f1.present": reference.f1_score(true, predicted, labels=present, average="macro"),
            "iou.present": reference.jaccard_score(true, predicted, labels=present, average="macro"),
            "iou.all": reference.jaccard_score(true, predicted, labels=labels, average="macro", zero_division=0),
        }
        per_class = {"pa": reference.recall_score, "ua": reference.precision_score, "f1": reference.f1_score}
        for name, function in per_class.items():
            expected[name] = function(true, predicted, labels=labels, average=None, zero_division=np.nan)
        iou = reference.jaccard_score(true, predicted, labels=labels, average=None, zero_division=0)
    expected["iou"] = np.where(occurring, iou, np.nan)
    for about, figure in expected.items():
        assert value(about, counts) == pytest.approx(figure, rel=0, abs=1e-12, nan_ok=True), about


@given(hnp.arrays(np.int64, (2, 2), elements=st.integers(0, 9)).filter(lambda counts: counts.sum(axis=1).all()))
def test_questions_equal_to_scikit_learn(counts: np.ndarray) -> None:
    true, predicted = units(counts)
    expected = {
        "oa": reference.accuracy_score(true, predicted),
        "boa": reference.balanced_accuracy_score(true, predicted),
        "pa": reference.recall_score(true, predicted),
        "ua": reference.precision_score(true, predicted, zero_division=np.nan),
        "f1": reference.f1_score(true, predicted),
    }
    for name, figure in expected.items():
        assert value(f"{name}.question", counts) == pytest.approx(figure, rel=0, abs=1e-12, nan_ok=True)


@given(hnp.arrays(np.int64, (3, 4, 4), elements=st.integers(0, 9)))
def test_many_tables_at_once_and_ranges(counts: np.ndarray) -> None:
    for metric in (*metrics.OVERALL, *metrics.PER_CLASS):
        together = metric.function(counts)
        assert together == pytest.approx(np.stack([metric.function(one) for one in counts]), nan_ok=True)
        known = together[~np.isnan(together)]
        assert ((known >= metric.low - 1e-12) & (known <= metric.high + 1e-12)).all()


@given(
    hnp.arrays(np.float64, 7, elements=st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0, np.nan])),
    hnp.arrays(np.int64, (3, 7), elements=st.integers(0, 3)),
)
def test_median_and_mean_are_those_of_repeated_values(values: np.ndarray, weights: np.ndarray) -> None:
    medians, means = metric_functions.weighted_median(values, weights), metric_functions.weighted_mean(values, weights)
    for row, median, mean in zip(weights, medians, means, strict=True):
        repeated = np.repeat(values, row)
        repeated = repeated[~np.isnan(repeated)]
        assert median == pytest.approx(np.median(repeated) if len(repeated) else np.nan, nan_ok=True)
        assert mean == pytest.approx(np.mean(repeated) if len(repeated) else np.nan, nan_ok=True)


@pytest.mark.parametrize("weight", [1 / 3, 7 / 3, 0.1])
def test_equal_weights_that_are_no_whole_numbers_give_the_plain_median(weight: float) -> None:
    """Their running sums are rounded, and half of the sum may be missed by a hair."""
    random = np.random.default_rng(1)
    for count in range(1, 60):
        values = random.integers(0, 10, count).astype(np.float64)
        found = metric_functions.weighted_median(values, np.full((1, count), weight))
        assert found == np.median(values), count


def test_bins_of_patches_are_closed_in_the_middle() -> None:
    values = np.array([0.0, 0.0999, 0.1, 0.5, 0.9, 0.9001, 1.0, np.nan])
    fractions = [
        metric.summary(values, np.ones((1, 8)))[0]
        for metric in cloudsen12.metrics.METRICS
        if metric.id in ("pa.low", "pa.middle", "pa.high")
    ]
    assert fractions == pytest.approx([200 / 7, 300 / 7, 200 / 7])


def test_similarity_of_local_climate_zones_is_a_sound_transcription() -> None:
    table = so2sat.metrics.similarity()
    similarity = table.to_numpy()
    assert list(table.index) == list(table.columns) == [*map(str, range(1, 11)), *"ABCDEFG"]
    assert (similarity == similarity.T).all()
    assert (np.diag(similarity) == 1).all()
    assert abs(similarity - np.round(similarity * 12) / 12).max() <= 0.005
    assert ((similarity >= 0) & (similarity <= 1)).all()


def test_lcz_metrics_by_hand() -> None:
    counts = np.zeros((17, 17))
    counts[0, 0], counts[0, 1], counts[0, 10] = 5, 3, 2
    counts[13, 13], counts[13, 16], counts[13, 0] = 6, 3, 1
    # similarity: 1-2 0.92, 1-A 0.33, D-G 0.92, D-1 0.00
    assert value("wa", counts) == pytest.approx((11 + 6 * 0.92 + 2 * 0.33) / 20)
    assert value("oau.true", counts) == pytest.approx(5 / 10)
    assert value("oau.both", counts) == pytest.approx(5 / 8)
    assert value("oabu", counts) == pytest.approx(17 / 20)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("oau.true", "role test has no patch of LCZ 1-10"),
        ("oau.both", "no patch of role test of LCZ 1-10 is predicted as one of them"),
        ("oa", "no scored patch of role test"),
        ("pa", "no scored patch of role test"),  # over all classes no class can be named
    ],
)
def test_a_score_that_is_undefined_says_what_is_lacking(metric: str, reason: str) -> None:
    of = SimpleNamespace(undefined=metrics.registry()[metric].undefined, of_class="", n=0)
    assert Score.why_empty(of, SimpleNamespace(constant=""), "test") == reason
