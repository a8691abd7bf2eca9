"""Swaps of whole groups: exact ones are all there are, drawn ones agree with them, and groups are respected."""

import itertools

import numpy as np
import pytest
from scipy import stats

from sentinel_forest.datasets import metric
from sentinel_forest.evaluation import testing
from sentinel_forest.evaluation.parts import Summaries, Tables


def tables(groups: int, seed: int, better: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Tables (groups, 3, 3) of two classifiers on the same units."""
    generator = np.random.default_rng(seed)
    one, two = generator.integers(1, 9, (2, groups, 3, 3)).astype(float)
    return one + better * np.eye(3), two


def by_brute_force(one: np.ndarray, two: np.ndarray, function) -> float:
    """All 2^n ways to swap, each as a loop over groups."""
    observed = abs(function(one.sum(axis=0)) - function(two.sum(axis=0)))
    large = 0
    for swapped in itertools.product([False, True], repeat=len(one)):
        pairs = [(b, a) if swap else (a, b) for swap, a, b in zip(swapped, one, two, strict=True)]
        first, second = (sum(pair[side] for pair in pairs) for side in (0, 1))
        large += abs(function(first) - function(second)) >= observed - 1e-12
    return large / 2 ** len(one)


@pytest.mark.parametrize("function", [metric.overall_accuracy, metric.kappa, metric.over_present(metric.f1)])
@pytest.mark.parametrize("groups", [6, 7, 10])
def test_all_swaps_are_those_of_brute_force(groups, function):
    one, two = tables(groups, groups, better=2)
    first, second = Tables(one, function), Tables(two, function)
    observed = float(function(one.sum(axis=0)) - function(two.sum(axis=0)))
    found = testing.swap_test(observed, first.swapped(second), groups, 1)
    assert found == by_brute_force(one, two, function)


def test_all_swaps_of_a_median_over_patches_by_brute_force():
    generator = np.random.default_rng(3)
    one, two = generator.random((2, 21))
    group = np.repeat(np.arange(7), 3)
    sides = [Summaries(values, np.ones(21), group, 7, metric.weighted_median) for values in (one, two)]
    observed = float(np.median(one) - np.median(two))
    found = testing.swap_test(observed, sides[0].swapped(sides[1]), 7, 1)
    differences = []
    for swapped in itertools.product([False, True], repeat=7):
        there = np.array(swapped)[group]
        differences.append(np.median(np.where(there, two, one)) - np.median(np.where(there, one, two)))
    assert found == np.mean(np.abs(differences) >= abs(observed) - 1e-12)


def test_six_groups_that_all_agree_have_two_sixty_fourths():
    """The test of signs: 2 / 2^6; scipy's binomial test says the same."""
    one = np.tile([[9.0, 1.0], [1.0, 9.0]], (6, 1, 1))
    two = np.tile([[6.0, 4.0], [4.0, 6.0]], (6, 1, 1))
    first, second = Tables(one, metric.overall_accuracy), Tables(two, metric.overall_accuracy)
    found = testing.swap_test(0.3, first.swapped(second), 6, 1)
    assert found == 2 / 64 == pytest.approx(stats.binomtest(6, 6).pvalue)


def test_equal_tables_have_a_p_value_of_one():
    one, _ = tables(8, 1)
    same = Tables(one, metric.kappa)
    assert testing.swap_test(0.0, same.swapped(same), 8, 1) == 1.0
    assert not same.active(same).any()
    assert testing.swap_test(0.0, same.swapped(same), 0, 1) == 1.0


def test_undefined_differences_have_no_p_value():
    assert np.isnan(testing.swap_test(np.nan, lambda swaps: swaps[:, 0], 8, 1))


def test_drawn_swaps_agree_with_all_of_them_and_are_never_zero(monkeypatch):
    one, two = tables(14, 5, better=0.8)
    first, second = Tables(one, metric.overall_accuracy), Tables(two, metric.overall_accuracy)
    observed = float(metric.overall_accuracy(one.sum(axis=0)) - metric.overall_accuracy(two.sum(axis=0)))

    def p_value(seed):
        return testing.swap_test(observed, first.swapped(second), 14, seed)

    every = p_value(1)
    monkeypatch.setattr(testing, "MOST_EXACT", 5)
    assert p_value(1) == pytest.approx(every, abs=4 * np.sqrt(every * (1 - every) / testing.SWAPS))
    assert p_value(1) == p_value(1) != p_value(2)
    # No drawn swap is as large: (0 + 1) / (B + 1).
    assert testing.swap_test(1.0, lambda swaps: np.zeros(len(swaps)), 40, 1) == 1 / (testing.SWAPS + 1)


def test_a_reference_with_units_without_an_answer_is_swapped_too():
    """It has one column more: units that are of no class."""
    one = np.zeros((6, 2, 3))
    one[:, 0, 0], one[:, 1, 2] = 5, 5
    two = np.tile([[5.0, 0.0], [0.0, 5.0]], (6, 1, 1))
    silent, other = Tables(one, metric.overall_accuracy), Tables(two, metric.overall_accuracy)
    assert silent.swapped(other)(np.zeros((1, 6))) == pytest.approx([-0.5])
    assert silent.swapped(other)(np.ones((1, 6))) == pytest.approx([0.5])
    assert silent.active(other).all()


def test_size_of_the_test_where_groups_matter():
    """Two equally good classifiers whose groups differ: 5 % of samples are below 0.05, as patches alone are not."""
    generator = np.random.default_rng(11)
    below, independent = [], []
    for _ in range(400):
        size = 30
        shared = generator.normal(0, 1, (2, 10))
        right = generator.binomial(size, 1 / (1 + np.exp(-shared)))
        one, two = (np.stack([np.stack([hits, size - hits], -1)] * 2, 1).astype(float) for hits in right)
        one[:, 1], two[:, 1] = 0, 0
        first, second = Tables(one, metric.overall_accuracy), Tables(two, metric.overall_accuracy)
        observed = float((right[0].sum() - right[1].sum()) / (10 * size))
        p = testing.swap_test(observed, first.swapped(second), 10, 1)
        below.append(p < 0.05)
        independent.append(testing.mcnemar(*np.round(right.sum(axis=1)).astype(int)) < 0.05)
    assert 0.02 <= np.mean(below) <= 0.08
    assert np.mean(independent) > 0.25


def test_mcnemar_by_hand():
    # 1 against 5: two tails of (1 + 6) / 2^6
    assert testing.mcnemar(1, 5) == pytest.approx(14 / 64)
    assert testing.mcnemar(5, 1) == testing.mcnemar(1, 5)
    assert testing.mcnemar(4, 4) == 1.0
    assert testing.mcnemar(0, 0) == 1.0
