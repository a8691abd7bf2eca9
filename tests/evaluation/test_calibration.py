"""Calibration: hand-worked figures, and planted faults."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from held import held_rows
from sentinel_forest.evaluation import calibration

NAMES = ("l1c", "cloud", "cloud", "none")


def test_hand_worked_bins_with_weights():
    held = held_rows([0, 1, 1, 0], [1, 3, 4, 2], [0, 1, 0, 1])
    probability, happened = np.array([0.12, 0.18, 1.0, 0.3]), np.array([0.0, 1, 1, 0])
    table = calibration.calibration_bins(held, probability, happened, NAMES)
    calibration.CALIBRATION.validate(table)
    second, last = table.iloc[1], table.iloc[9]
    assert second["predicted"] == pytest.approx((0.12 + 3 * 0.18) / 4)
    assert (second["observed"], second["fraction"], second["rows"]) == (pytest.approx(0.75), 0.4, 2)
    assert (last["predicted"], last["observed"], last["groups"]) == (1, 1, 1)
    empty = table.iloc[5]
    assert np.isnan(empty["observed"])
    assert empty["note"] == "no held-out row has such a probability"
    assert table["fraction"].sum() == pytest.approx(1)
    assert table["rows"].sum() == 4


def test_true_probabilities_are_told_from_too_sure_ones():
    random = np.random.default_rng(3)
    probability = random.uniform(size=20_000)
    happened = (random.uniform(size=20_000) < probability).astype(float)
    held = held_rows(happened.astype(int), np.ones(20_000), random.integers(0, 40, 20_000), draws=500)
    honest = calibration.calibration_bins(held, probability, happened, NAMES)
    within = (honest["low"] <= honest["predicted"]) & (honest["predicted"] <= honest["high"])
    assert within.sum() >= 8
    sure = calibration.calibration_bins(held, np.where(probability > 0.5, 0.95, 0.05), happened, NAMES)
    known = sure[sure["rows"] > 0]
    assert ((known["predicted"] < known["low"]) | (known["predicted"] > known["high"])).all()


def test_isotonic_calibration_mends_probabilities_that_are_too_sure_and_keeps_true_ones():
    random = np.random.default_rng(4)
    true = random.uniform(size=8_000)
    happened = (random.uniform(size=8_000) < true).astype(float)
    held = held_rows(happened.astype(int), np.ones(8_000), np.arange(8_000) % 20, draws=2)
    sure = true**3 / (true**3 + (1 - true) ** 3)
    after = calibration.isotonic(held, sure, happened)
    assert brier_score_loss(happened, after) < brier_score_loss(happened, sure) - 0.01
    assert np.abs(after - true).mean() < 0.03
    assert np.abs(calibration.isotonic(held, true, happened) - true).mean() < 0.03


def test_a_calibration_never_sees_the_group_that_it_is_tried_on():
    """The truth of a group changes what is said of all other folds, never of its own."""
    random = np.random.default_rng(5)
    probability, happened = random.uniform(size=60), (random.uniform(size=60) < 0.5).astype(float)
    group = np.repeat(np.arange(6), 10)
    held = held_rows(happened.astype(int), np.ones(60), group, draws=2)
    before = calibration.isotonic(held, probability, happened)
    after = calibration.isotonic(held, probability, np.where(group == 0, 1 - happened, happened))
    own = group % calibration.FOLDS == 0
    assert (before[own] == after[own]).all()
    assert (before[~own] != after[~own]).any()


def test_one_group_cannot_be_calibrated():
    held = held_rows([0, 1], [1, 1], [0, 0])
    assert calibration.isotonic(held, np.array([0.2, 0.9]), np.array([0.0, 1])) is None
