"""Coverage of 95 % intervals of differences of two classifiers, and of summaries over patches, by simulation.

*Differences*: two classifiers answer for the same units. On the logit scale their accuracies have an effect of group
and class in common, and one of their own; each effect has half of the variance that `Model` gives. The second is worse.

*Summaries*: the balanced accuracy of a patch is normal on the logit scale, around a value of its group; of a second,
worse classifier it is correlated in the same way. So summaries of all groups have a closed form.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from bench.coverage_model import FIGURES, FRACTIONS, MODELS, SIZES, Model, answers, effects, uneven
from sentinel_forest import datasets
from sentinel_forest.datasets.metric import PatchMetric
from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.medians import GroupMedians
from sentinel_forest.evaluation.uncertainty import Support

RUNS, BLOCK = 2000, 250
WORSE = 0.3
"""By so much the second classifier is worse, on the logit scale."""
HALF = np.sqrt(0.5)
CHOSEN, SYMMETRIC = "logit t, bootstrap", "t, bootstrap"
"""Intervals of the package: of a figure with a range, and of a difference."""
PAIRED_SIZES = ("5 uneven", "10 cities", "15 uneven", "26 scenes")
PATCH_SIZES = {f"{groups} of 5 patches, uneven": uneven(groups, 5) for groups in (5, 7, 10, 15, 25)}
MIDDLE, SPREAD = 2.0, 1.5
"""Logit of the median over patches, and std between patches of a group."""
LEVELS = {"pa.high": 0.9, "pa.low": 0.1}


class Pair(NamedTuple):
    """What two classifiers have of the same runs."""

    first: np.ndarray
    second: np.ndarray


def tables_of_two(generator: np.random.Generator, sizes: np.ndarray, runs: int, model: Model) -> Pair:
    """Counts of both, (runs, groups, classes, classes)."""
    fractions = generator.dirichlet(model.concentration * FRACTIONS, (runs, len(sizes)))
    truth = generator.multinomial(np.broadcast_to(sizes, (runs, len(sizes))), fractions)
    common = effects(generator, runs, len(sizes), model)
    return Pair(*(_answered(generator, truth, common, shift, model) for shift in (0.0, -WORSE)))


def _answered(
    generator: np.random.Generator, truth: np.ndarray, common: np.ndarray, shift: float, model: Model
) -> np.ndarray:
    own = effects(generator, *truth.shape[:2], model)
    said = answers(shift + HALF * (common + own))
    return generator.multinomial(truth, said / said.sum(axis=-1, keepdims=True)).astype(np.float64)


@cache
def _population(model: Model) -> Pair:
    """Tables of both, of 200,000 groups of 100 units."""
    found = [tables_of_two(np.random.default_rng(seed), np.full(1000, 100), 10, model) for seed in range(20)]
    return Pair(*(np.sum([pair[side].sum(axis=(0, 1)) for pair in found], axis=0) for side in (0, 1)))


def _of_pairs(sizes: np.ndarray, runs: int, draws: int, model: Model, seed: int) -> Iterator[pd.DataFrame]:
    """Rows of kind, metric, groups, inside and width, one of each run and figure that classifiers are compared by."""
    weights = uncertainty.resamples(len(sizes), draws, seed)
    by_group = tables_of_two(np.random.default_rng(seed), sizes, runs, model)
    sums = [np.concatenate([each.sum(axis=1)[:, None], np.tensordot(weights, each, (1, 1)).swapaxes(0, 1)], 1)
            for each in by_group]  # fmt: skip
    for figure in (each for each in FIGURES if each.metric.headline or each.metric.id == "f1"):
        values = figure.of(sums[0]) - figure.of(sums[1])
        both = [figure.supports(each) for each in by_group]
        supports = [Support.least(each.at(run) for each in both) for run in range(runs)]
        truth = float(figure.of(_population(model).first) - figure.of(_population(model).second))
        yield _judged(f"difference, {figure.kind}", figure.metric.id, values, supports, truth, uncertainty.difference)


def _judged(
    kind: str,
    metric: str,
    values: np.ndarray,
    supports: list[Support],
    truth: float,
    interval: Callable[[float, np.ndarray, Support, int], tuple[float, float]],
) -> pd.DataFrame:
    """Rows of runs with an interval; `values` (runs, 1 + draws), those of the sample first."""
    bounds = [interval(float(row[0]), row[1:], support, 2) for row, support in zip(values, supports, strict=True)]
    low, high = np.array(bounds).T
    groups = [support.whole for support in supports]
    found = {"groups": groups, "inside": (low <= truth) & (truth <= high), "width": high - low}
    about = {"kind": kind, "metric": metric, "method": SYMMETRIC if kind.startswith("difference") else CHOSEN}
    return pd.DataFrame(about | found)[~np.isnan(low)]


def patch_values(generator: np.random.Generator, sizes: np.ndarray, model: Model) -> Pair:
    """Values of each patch for both classifiers, (patches,), patches of a group side by side."""

    def normal() -> np.ndarray:
        groups = np.repeat(generator.normal(0, model.of_group, len(sizes)), sizes)
        return np.asarray(groups + generator.normal(0, SPREAD, sizes.sum()))

    common = normal()
    return Pair(*(special.expit(MIDDLE + shift + HALF * (common + normal())) for shift in (0.0, -WORSE)))


def _summaries() -> list[PatchMetric]:
    """The median, the mean and two fractions, as CloudSEN12 has them."""
    wanted = ("boa.median", "pa.mean", *LEVELS)
    metrics = datasets.load("cloudsen12").tasks["cloud"].metrics
    return [each for each in metrics if isinstance(each, PatchMetric) and each.id in wanted]


def true_summary(metric: PatchMetric, model: Model, shift: float = 0.0) -> float:
    """The summary of all groups."""
    spread, middle = float(np.hypot(model.of_group, SPREAD)), MIDDLE + shift
    if metric.id in LEVELS:
        above = stats.norm.sf(special.logit(LEVELS[metric.id]), middle, spread)
        return float(100 * (above if metric.id == "pa.high" else 1 - above))
    if metric.id == "boa.median":
        return float(special.expit(middle))
    return float(stats.norm(middle, spread).expect(special.expit))


def _of_patches(sizes: np.ndarray, runs: int, draws: int, model: Model, seed: int) -> Iterator[pd.DataFrame]:
    """As `_of_pairs`, of summaries over patches, and of the difference of medians."""
    generator, group = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)
    weights = np.vstack([np.ones(len(sizes)), uncertainty.resamples(len(sizes), draws, seed)])
    pairs = [patch_values(generator, sizes, model) for _ in range(runs)]
    units = sizes.astype(np.float64)
    for metric in _summaries():
        first = np.array([_drawn(metric, pair.first, group, weights) for pair in pairs])
        supports = [Support.of(units)] * runs
        if metric.of_bins:
            of_groups = (metric.summary(pair.first, group == np.arange(len(sizes))[:, None]) for pair in pairs)
            supports = [Support.of_bin(units, percent) for percent in of_groups]
        span = metric.low, metric.high
        yield _judged(
            "summary", metric.id, first, supports, true_summary(metric, model),
            lambda value, drawn, support, least, span=span: uncertainty.interval(value, drawn, support, span, least),
        )  # fmt: skip
        if metric.headline:
            second = np.array([_drawn(metric, pair.second, group, weights) for pair in pairs])
            truth = true_summary(metric, model) - true_summary(metric, model, -WORSE)
            yield _judged("difference, summary", metric.id, first - second, supports, truth, uncertainty.difference)


def _drawn(metric: PatchMetric, values: np.ndarray, group: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The summary of the sample and of draws, (1 + draws,), from `weights` (1 + draws, groups)."""
    if metric.id == "boa.median":
        return GroupMedians(values, np.ones(len(values)), group, weights.shape[1]).of(weights)
    return metric.summary(values, weights[:, group])


def simulate(runs: int, draws: int) -> Iterator[pd.DataFrame]:
    """Rows of model, sizes, number (of groups), kind, metric, method, groups (that have all the figure needs), inside
    and width, one of each run; runs come in blocks.
    """
    ways = [(_of_pairs, {sizes: SIZES[sizes] for sizes in PAIRED_SIZES}), (_of_patches, PATCH_SIZES)]
    for name, model in MODELS.items():
        for way, every in ways:
            for sizes, number in every.items():
                about = {"model": name, "sizes": sizes, "number": len(number)}
                for block in range(1, runs // BLOCK + 1):
                    for found in way(number, BLOCK, draws, model, block):
                        yield found.assign(**about)
