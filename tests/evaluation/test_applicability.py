"""The area of applicability, against a computation by hand."""

import numpy as np
import pytest

from sentinel_forest.datasets.base import IGNORE
from sentinel_forest.errors import ArgumentError
from sentinel_forest.evaluation.applicability import fit_applicability, thin, upper_whisker
from sentinel_forest.mapping.classify import MOST_PERCENT, percent_of_threshold


def by_hand(X, groups, importance, new):
    """Meyer and Pebesma (2021), equations 1 to 4, one pair of samples after the other."""
    mean, std = X.mean(axis=0), X.std(axis=0, ddof=1)
    train = (X - mean) / std * importance
    samples = (new - mean) / std * importance
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(train) for j, b in enumerate(train) if i < j]
    average = sum(pairs) / len(pairs)
    of_training = [
        min(np.linalg.norm(a - b) for b, other in zip(train, groups, strict=True) if other != own) / average
        for a, own in zip(train, groups, strict=True)
    ]
    low, high = np.percentile(of_training, [25, 75])
    inside = [value for value in of_training if value <= high + 1.5 * (high - low)]
    return [min(np.linalg.norm(a - b) for b in train) / average for a in samples], max(inside)


def test_equal_to_a_computation_by_hand() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(90, 4)) * [1, 10, 0.1, 3] + rng.normal(size=(9, 4)).repeat(10, axis=0)
    groups = np.arange(9).repeat(10)
    importance = np.array([0.5, 0.2, 0.25, 0.05])
    new = rng.normal(size=(40, 4)) * [2, 20, 0.5, 3]
    area = fit_applicability(X, groups, importance)
    expected, threshold = by_hand(X, groups, importance, new)
    np.testing.assert_allclose(area.dissimilarity(new), expected, rtol=0, atol=1e-6)
    assert area.threshold == pytest.approx(threshold, abs=1e-6)


def test_training_samples_have_no_dissimilarity_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 5))
    area = fit_applicability(X, np.arange(300) % 7, np.ones(5))
    assert np.allclose(area.dissimilarity(X), 0)
    new = rng.normal(size=(1000, 5))
    np.testing.assert_array_equal(area.dissimilarity(new), area.dissimilarity(new, threads=2))


def test_a_missing_feature_is_never_inside() -> None:
    area = fit_applicability(np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 5, [1, 1])
    assert np.isnan(area.dissimilarity([[np.nan, 0.0]]))[0]
    assert not area.dissimilarity([[np.nan, 0.0]])[0] <= area.threshold


def test_units_of_a_feature_do_not_matter_but_its_importance_does() -> None:
    rng = np.random.default_rng(1)
    X, groups = rng.normal(size=(60, 2)), np.arange(60) % 6
    new = rng.normal(size=(10, 2)) * 3
    plain = fit_applicability(X, groups, [1, 1]).dissimilarity(new)
    scaled = fit_applicability(X * [1, 1000], groups, [1, 1]).dissimilarity(new * [1, 1000])
    np.testing.assert_allclose(plain, scaled)
    alone = fit_applicability(X, groups, [1, 0]).dissimilarity(new)
    np.testing.assert_allclose(alone, fit_applicability(X[:, :1], groups, [1]).dissimilarity(new[:, :1]))


def test_thinning_keeps_small_groups_and_the_order() -> None:
    groups = np.array(["a"] * 1000 + ["b"] * 10 + ["c"] * 300)
    rows = thin(groups, 100, seed=2)
    assert len(rows) == 100
    assert (np.diff(rows) > 0).all()
    kept = {name: int((groups[rows] == name).sum()) for name in "abc"}
    assert kept["b"] == 10
    assert abs(kept["a"] - kept["c"]) <= 1
    np.testing.assert_array_equal(rows, thin(groups, 100, seed=2))


def test_what_cannot_be_computed_is_refused() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ArgumentError, match="two groups"):
        fit_applicability(X, np.zeros(20), [1, 1])
    with pytest.raises(ArgumentError, match="positive importance"):
        fit_applicability(X, np.arange(20) % 4, [0, -1])


def test_whisker_leaves_outliers_out() -> None:
    assert upper_whisker(np.array([1.0, 2, 3, 4, 5, 100])) == 5.0


def test_a_sample_like_one_of_training_lies_inside_even_if_the_threshold_is_0() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    area = fit_applicability(X.repeat(2, axis=0), np.arange(40) % 2, [1, 1])  # each sample in both groups
    assert area.threshold == 0
    found = percent_of_threshold(area, np.vstack([X[:3], X[:1] + 0.01, [[np.nan, 0]]]))
    assert found.tolist() == [0, 0, 0, MOST_PERCENT, IGNORE]
