"""The bootstrap over groups, its coverage, and the tests that rest on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sentinel_forest.datasets import metric
from sentinel_forest.evaluation import uncertainty

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


def test_interval_of_known_replicates() -> None:
    replicates = np.linspace(0, 1, 10_001)
    low, high = uncertainty.interval(replicates, 10**9)
    assert (low, high) == pytest.approx((0.025, 0.975), abs=1e-6)
    wider = uncertainty.interval(replicates, 10)
    # sqrt(10 / 9) * t(0.975; 9) = 2.3846, whose normal tail is 0.008550
    assert wider == pytest.approx((0.008550, 0.991450), abs=2e-5)


def test_interval_leaves_out_undefined_draws_and_needs_eight_groups() -> None:
    replicates = np.array([np.nan, 0.5, 0.5, np.nan])
    assert uncertainty.interval(replicates, 12) == (0.5, 0.5)
    assert uncertainty.interval(replicates, 8) == (0.5, 0.5)
    assert np.isnan([uncertainty.interval(replicates, groups) for groups in range(8)]).all()
    assert np.isnan(uncertainty.interval(np.full(3, np.nan), 12)).all()


def simulated(generator: np.random.Generator, groups: int) -> np.ndarray:
    """Two-class counts (groups, 2, 2) of groups that differ in size, prevalence and accuracy."""
    size = generator.integers(20, 200, groups)
    positive = generator.binomial(size, generator.beta(2, 3, groups))
    hits = generator.binomial(positive, generator.beta(6, 2, groups))
    rejections = generator.binomial(size - positive, generator.beta(8, 1.5, groups))
    table = [[rejections, size - positive - rejections], [positive - hits, hits]]
    return np.moveaxis(np.array(table, dtype=np.float64), -1, 0)


def test_coverage_with_30_groups() -> None:
    figures = {
        "OA": metric.overall_accuracy,
        "BOA": metric.balanced_accuracy,
        "kappa": metric.kappa,
        "F1": lambda counts: metric.f1(counts)[..., 1],
        "mIoU": lambda counts: metric.iou(counts).mean(axis=-1),
    }
    generator = np.random.default_rng(2024)
    population = simulated(generator, 400_000).sum(axis=0)
    inside = dict.fromkeys(figures, 0)
    for repeat in range(600):
        drawn = uncertainty.resamples(30, 400, repeat) @ simulated(generator, 30).reshape(30, 4)
        for name, figure in figures.items():
            low, high = uncertainty.interval(figure(drawn.reshape(-1, 2, 2)), 30)
            inside[name] += low <= figure(population) <= high
    assert all(0.90 <= count / 600 <= 0.98 for count in inside.values()), inside


def test_coverage_of_the_median_over_patches_with_30_groups() -> None:
    generator = np.random.default_rng(7)
    inside = []
    for repeat in range(500):
        values = stats.norm.cdf(0.8 + np.repeat(generator.normal(0, 0.5, 30), 5) + generator.normal(0, 0.5, 150))
        weights = uncertainty.resamples(30, 300, repeat)[:, np.repeat(np.arange(30), 5)]
        low, high = uncertainty.interval(metric.weighted_median(values, weights), 30)
        inside.append(low <= stats.norm.cdf(0.8) <= high)
    assert 0.90 <= np.mean(inside) <= 0.98


def test_coverage_and_size_of_the_paired_difference() -> None:
    """Two equally good classifiers: the interval holds 0 and p is below 0.05 in about 5 % of samples."""
    generator = np.random.default_rng(5)
    rejected = []
    for repeat in range(600):
        quality = generator.normal(0, 1, 30)
        a, b = (quality + generator.normal(0, 0.3, 30) for _ in range(2))
        replicates = uncertainty.resamples(30, 300, repeat) @ (a - b) / 30
        low, high, p = uncertainty.difference(float((a - b).mean()), replicates, 30)
        assert (low <= 0 <= high) == (p >= 0.05)
        rejected.append(p < 0.05)
    assert 0.02 <= np.mean(rejected) <= 0.10


def test_difference_is_a_paired_t_test_for_means_of_groups() -> None:
    generator = np.random.default_rng(1)
    values = generator.normal(0.4, 1, 40)
    replicates = uncertainty.resamples(40, 50_000, 1) @ values / 40
    low, high, p = uncertainty.difference(float(values.mean()), replicates, 40)
    expected = stats.ttest_1samp(values, 0)
    assert p == pytest.approx(expected.pvalue, rel=0.05)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval()), abs=0.01)


def test_differences_that_cannot_be_tested() -> None:
    nothing = np.zeros(10)
    assert uncertainty.difference(0.0, nothing, 12) == (0.0, 0.0, 1.0)
    low, high, p = uncertainty.difference(0.1, nothing + 0.1, 12)
    assert (low, high) == (0.1, 0.1)
    assert np.isnan(p)
    assert np.isnan(uncertainty.difference(0.1, np.arange(5.0), 1)).all()
    assert np.isnan(uncertainty.difference(np.nan, np.arange(5.0), 9)).all()


def test_mcnemar_by_hand() -> None:
    # 1 against 5: two tails of (1 + 6) / 2^6
    assert uncertainty.mcnemar(1, 5) == pytest.approx(14 / 64)
    assert uncertainty.mcnemar(5, 1) == uncertainty.mcnemar(1, 5)
    assert uncertainty.mcnemar(4, 4) == 1.0
    assert uncertainty.mcnemar(0, 0) == 1.0


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
