"""Prediction sets: coverage in groups that are new."""

import numpy as np
import pytest

from sentinel_forest.errors import ArgumentError
from sentinel_forest.evaluation.conformal import calibrate, prediction_sets


def place(rng):
    """One group: probabilities of three classes and true classes. Hard places have few patches, as in benchmarks."""
    hard = rng.random() < 0.5
    truth = rng.integers(0, 3, 5 if hard else 100)
    weights = np.exp((0.3 if hard else 3.0) * np.eye(3)[truth] + rng.normal(0, 1, (len(truth), 3)))
    return weights / weights.sum(axis=1, keepdims=True), truth


def coverage(by_group, alpha=0.1, runs=500, groups=20):
    """Fraction of the patches of a new group whose set holds the true class, over many draws of groups."""
    rng = np.random.default_rng(7)
    held = []
    for _ in range(runs):
        drawn = [place(rng) for _ in range(groups)]
        scores = [1 - probabilities[np.arange(len(truth)), truth] for probabilities, truth in drawn]
        names = [np.full(len(values), group) for group, values in enumerate(scores)]
        values = np.concatenate(scores)
        threshold = calibrate(values, np.concatenate(names) if by_group else np.arange(len(values)), alpha)
        probabilities, truth = place(rng)
        held.append(prediction_sets(probabilities, threshold)[np.arange(len(truth)), truth].mean())
    return float(np.mean(held))


def test_new_groups_are_covered_only_if_the_group_is_the_unit() -> None:
    assert coverage(by_group=True) >= 0.89
    assert coverage(by_group=False) < 0.8


def test_groups_of_one_patch_give_the_usual_quantile() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(99)
    assert calibrate(scores, np.arange(99), 0.1) == np.sort(scores)[90 - 1]


def test_large_groups_do_not_outweigh_small_ones() -> None:
    scores = np.r_[np.full(1000, 0.1), 0.2, 0.3, 0.4]
    groups = np.r_[np.zeros(1000), 1, 2, 3]
    assert calibrate(scores, groups, 0.4) == 0.3
    assert calibrate(scores, groups, 0.21) == 0.4


def test_too_few_groups_put_every_class_into_the_set() -> None:
    threshold = calibrate(np.zeros(100), np.arange(100) % 8, 0.1)
    assert threshold == np.inf
    assert prediction_sets([[1.0, 0.0, 0.0]], threshold).all()
    assert np.isfinite(calibrate(np.zeros(100), np.arange(100) % 9, 0.1))


@pytest.mark.parametrize(("scores", "alpha"), [([], 0.1), ([0.1], 0.0), ([0.1], 1.0)])
def test_bad_input_is_answered(scores, alpha) -> None:
    with pytest.raises(ArgumentError):
        calibrate(scores, np.arange(len(scores)), alpha)


@pytest.mark.parametrize("unknown", [None, float("nan"), "", "NA"])
def test_patches_of_unknown_groups_are_no_group(unknown: object) -> None:
    with pytest.raises(ArgumentError, match="without a known group"):
        calibrate([0.1, 0.2, 0.3], ["a", unknown, "b"], 0.5)
