"""Medians of many draws and swaps at once: the values of the plain median of each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest.datasets.metric import weighted_median
from sentinel_forest.evaluation.medians import GroupMedians, row_medians
from sentinel_forest.evaluation.parts import Summaries

GROUPS = 5


@st.composite
def patches(draw, sides: int = 1):
    """Values (some equal, some NaN) of each side, groups and weights of patches."""
    count = draw(st.integers(0, 40))
    value = st.sampled_from([np.nan, *np.linspace(0, 1, 9)])
    values = [np.array(draw(st.lists(value, min_size=count, max_size=count))) for _ in range(sides)]
    group = np.array(draw(st.lists(st.integers(0, GROUPS - 1), min_size=count, max_size=count)), np.int64)
    weight = np.array(draw(st.lists(st.sampled_from([1.0, 0.3, 2.7]), min_size=count, max_size=count)))
    return (*values, group, weight)


@given(patches(), st.integers(0, 10))
def test_of_draws_over_groups(found, seed):
    values, group, weight = found
    draws = np.random.default_rng(seed).integers(0, 3, (20, GROUPS)).astype(float)
    expected = weighted_median(values, draws[:, group] * weight)
    np.testing.assert_array_equal(GroupMedians(values, weight, group, GROUPS).of(draws), expected)


@given(patches(sides=2), st.integers(0, 10))
def test_of_swaps_of_groups(found, seed):
    first, second, group, weight = found
    one, two = (Summaries(values, weight, group, GROUPS, weighted_median) for values in (first, second))
    active = one.active(two)
    swaps = np.random.default_rng(seed).integers(0, 2, (20, int(active.sum()))).astype(float)
    every = np.zeros((20, GROUPS))
    every[:, active] = swaps
    side = every[:, group] == 1
    expected = [
        weighted_median(np.where(row, second, first), weight[None])[0]
        - weighted_median(np.where(row, first, second), weight[None])[0]
        for row in side
    ]
    np.testing.assert_array_equal(one.swapped(two, active)(swaps), np.array(expected))


def test_summaries_of_other_kinds_are_swapped_as_well():
    group = np.array([0, 0, 1, 2])
    one, two = (
        Summaries(np.array(values), np.ones(4), group, 3, lambda values, weights: (values * weights).sum(axis=1))
        for values in ([1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 5.0, 4.0])
    )
    active = one.active(two)
    assert active.tolist() == [True, True, False]
    assert one.swapped(two, active)(np.array([[0, 0], [1, 0], [0, 1.0]])).tolist() == pytest.approx([-1, -3, 3])


@given(patches(), st.integers(0, 10))
def test_of_rows_with_the_same_weights(found, seed):
    values, _, weight = found
    if not len(values):
        return
    random = np.random.default_rng(seed)
    rows = np.array([random.permutation(values) for _ in range(5)])
    expected = [weighted_median(row, weight[None])[0] for row in rows]
    np.testing.assert_array_equal(row_medians(rows, weight), expected)
