"""The bootstrap over groups and its intervals; Holm's correction."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sentinel_forest.config.groups import LEAST_GROUPS
from sentinel_forest.datasets import metric
from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.uncertainty import Support

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_a_draw_takes_as_many_groups_as_there_are() -> None:
    counts = uncertainty.resamples(30, 500, 1)
    assert counts.shape == (500, 30)
    assert (counts.sum(axis=1) == 30).all()
    assert abs(counts.mean(axis=0) - 1).max() < 0.25
    # The probability of a group to be left out is (1 - 1/30) ^ 30.
    assert (counts == 0).mean() == pytest.approx((29 / 30) ** 30, abs=0.01)


def test_the_seed_settles_the_draws() -> None:
    assert (uncertainty.resamples(9, 20, 3) == uncertainty.resamples(9, 20, 3)).all()
    assert (uncertainty.resamples(9, 20, 3) != uncertainty.resamples(9, 20, 4)).any()
    assert uncertainty.resamples(0, 5, 1).shape == (5, 0)


EVEN = Support(12, 12.0)


def test_effective_groups_are_those_of_equal_size_that_tell_as_much() -> None:
    assert Support.of(np.array([5.0, 5.0, 0.0, 5.0])) == Support(3, 3.0)
    # (8 + 1 + 1)^2 / (64 + 1 + 1)
    assert Support.of(np.array([8.0, 1.0, 1.0])).effective == pytest.approx(100 / 66)
    assert Support.of(np.zeros(3)) == Support(0, 0.0)


def test_interval_by_hand() -> None:
    """Replicates with standard deviation 0.04 about 0.8, of 12 groups that are worth 8: t(0.975; 7) = 2.364624."""
    replicates = 0.8 + 0.04 * np.array([-1.0, 1.0] * 5000)
    error = replicates.std(ddof=1) * np.sqrt(12 / 11)
    step = 2.364624 * error / (0.8 * 0.2)
    logit = np.log(0.8 / 0.2)
    expected = [1 / (1 + np.exp(-(logit + side * step))) for side in (-1, 1)]
    found = uncertainty.interval(0.8, replicates, Support(12, 8.0))
    assert found == pytest.approx(expected, abs=1e-6)
    per_cent = uncertainty.interval(80.0, 100 * replicates, Support(12, 8.0), (0.0, 100.0))
    assert np.array(per_cent) == pytest.approx(100 * np.array(found))
    plain = uncertainty.difference(0.8, replicates, Support(12, 8.0))
    assert plain == pytest.approx((0.8 - 2.364624 * error, 0.8 + 2.364624 * error), abs=1e-6)


@given(st.floats(-1, 1), st.floats(0.001, 2), st.floats(1, 30))
def test_interval_holds_its_value_and_stays_in_the_range(value: float, spread: float, effective: float) -> None:
    replicates = value + spread * np.random.default_rng(1).normal(size=200)
    low, high = uncertainty.interval(value, replicates, Support(30, effective), (-1.0, 1.0))
    assert -1 <= low <= value <= high <= 1


def test_interval_needs_groups_that_differ() -> None:
    replicates = np.array([np.nan, 0.4, 0.6, np.nan])
    assert not np.isnan(uncertainty.interval(0.5, replicates, EVEN)).any()
    few = [uncertainty.interval(0.5, replicates, Support(groups, groups)) for groups in range(LEAST_GROUPS + 1)]
    assert [bool(np.isnan(pair).all()) for pair in few] == [True] * LEAST_GROUPS + [False]
    assert np.isnan(uncertainty.interval(0.5, np.full(9, 0.5), EVEN)).all()
    assert np.isnan(uncertainty.interval(0.3, 0.1 + np.full(9, 0.2) + np.arange(9) * 1e-17, EVEN)).all()
    assert np.isnan(uncertainty.interval(0.5, np.full(3, np.nan), EVEN)).all()
    assert np.isnan(uncertainty.interval(np.nan, replicates, EVEN)).all()


def test_what_is_said_of_few_groups() -> None:
    assert uncertainty.few_groups(4) == "4 groups: no interval below 5"
    assert uncertainty.few_groups(5, "water") == "5 groups: no interval below 7"
    assert re.fullmatch(r"10 groups: 95 % intervals held at least 9\d % in simulation", uncertainty.few_groups(10))
    assert uncertainty.few_groups(30) == ""


def test_difference_is_a_paired_t_interval_for_means_of_groups() -> None:
    generator = np.random.default_rng(1)
    values = generator.normal(0.4, 1, 40)
    replicates = uncertainty.resamples(40, 50_000, 1) @ values / 40
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    found = uncertainty.difference(float(values.mean()), replicates, Support(40, 40.0))
    assert found == pytest.approx(tuple(expected), abs=0.01)


def test_coverage_of_the_median_over_patches_with_30_groups() -> None:
    generator = np.random.default_rng(7)
    inside = []
    for repeat in range(500):
        values = stats.norm.cdf(0.8 + np.repeat(generator.normal(0, 0.5, 30), 5) + generator.normal(0, 0.5, 150))
        weights = uncertainty.resamples(30, 300, repeat)[:, np.repeat(np.arange(30), 5)]
        (value,) = metric.weighted_median(values, np.ones((1, 150)))
        low, high = uncertainty.interval(value, metric.weighted_median(values, weights), Support(30, 30.0))
        inside.append(low <= stats.norm.cdf(0.8) <= high)
    assert 0.90 <= np.mean(inside) <= 0.99


def test_holm_by_hand() -> None:
    assert uncertainty.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert uncertainty.holm([0.9, np.nan, 0.6])[[0, 2]] == pytest.approx([1.0, 1.0])
    assert np.isnan(uncertainty.holm([0.9, np.nan, 0.6])[1])
    assert len(uncertainty.holm([])) == 0


@given(PROBABILITIES)
def test_holm_against_its_definition(p: list[float]) -> None:
    """The largest, over all smaller p values, of p times the number of p values not smaller before it."""
    corrected = uncertainty.holm(p)
    ranked = sorted(p)
    for value, found in zip(p, corrected, strict=True):
        expected = max((len(p) - rank) * ranked[rank] for rank in range(len(p)) if ranked[rank] <= value)
        assert found == pytest.approx(min(1.0, expected))
