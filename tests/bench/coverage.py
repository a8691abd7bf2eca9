"""Coverage of 95 % intervals over groups, by simulation: python -m bench coverage

Two models generate the data (`bench.coverage_model`). What an interval should hold is the metric of the expected
counts. Metrics and intervals are those of the package. Intervals of differences of two classifiers, and of summaries
over patches, have simulations of their own (`bench.coverage_further`).
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from bench import coverage_further
from bench.coverage_further import CHOSEN
from bench.coverage_model import CLASSES, FIGURES, MODELS, SIZES, Model, expected, population
from bench.measure import Row
from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.uncertainty import Support, Supports

TABLE = Path(__file__).with_name("coverage.tsv")
RUNS, DRAWS, BLOCK = 4000, 400, 250
COMPARED = ("3 of 60", "5 of 60", "5 uneven", "8 of 60", "15 uneven", "10 cities", "26 scenes", "195 ROIs of 5")
"""Sizes on which all methods are compared, on the first model; elsewhere there is the interval of the package alone."""


class Runs(NamedTuple):
    """What an interval is made of: values (runs,), replicates (runs, draws) in order, those without one group
    (runs, groups), the groups that they rest on (runs,), and the range of the metric.
    """

    value: np.ndarray
    drawn: np.ndarray
    without: np.ndarray
    supports: Supports
    span: tuple[float, float]

    @property
    def groups(self) -> np.ndarray:
        """Groups with units."""
        return np.maximum(self.supports.groups, 2)

    def quantile(self, level: np.ndarray) -> np.ndarray:
        """Quantile of the replicates of each run at its own level."""
        last = np.maximum((~np.isnan(self.drawn)).sum(axis=1) - 1, 0)
        place = np.clip(np.nan_to_num(level), 0, 1) * last
        below = np.floor(place).astype(int)
        above, row, part = np.minimum(below + 1, last), np.arange(len(last)), place - below
        return self.drawn[row, below] * (1 - part) + self.drawn[row, above] * part


Bounds = tuple[np.ndarray, np.ndarray]


def percentile(runs: Runs) -> Bounds:
    """The 2.5 and 97.5 % quantiles of the replicates."""
    return runs.quantile(np.full(len(runs.value), 0.025)), runs.quantile(np.full(len(runs.value), 0.975))


def expanded(runs: Runs) -> Bounds:
    """Quantiles moved outwards by sqrt(n / (n - 1)) and Student's t (Hesterberg 2015)."""
    groups = runs.groups
    tail = stats.norm.cdf(-np.sqrt(groups / (groups - 1)) * stats.t.ppf(0.975, groups - 1))
    return runs.quantile(tail), runs.quantile(1 - tail)


def bca(runs: Runs) -> Bounds:
    """Bias-corrected and accelerated quantiles (Efron 1987), the acceleration from the jackknife over groups."""
    draws = runs.drawn.shape[1]
    below = below_value(runs)
    shift = stats.norm.ppf(np.clip(below, 1 / draws, 1 - 1 / draws))
    off = np.nanmean(runs.without, axis=1, keepdims=True) - runs.without
    speed = np.nansum(off**3, axis=1) / (6 * np.maximum(np.nansum(off**2, axis=1), 1e-30) ** 1.5)
    low, high = (stats.norm.cdf(shift + (shift + z) / (1 - speed * (shift + z))) for z in (-1.96, 1.96))
    return runs.quantile(low), runs.quantile(high)


def below_value(runs: Runs) -> np.ndarray:
    """Fraction of the replicates below the value."""
    known = (~np.isnan(runs.drawn)).sum(axis=1)
    return np.asarray((runs.drawn < runs.value[:, None]).sum(axis=1) / np.maximum(known, 1))


def jackknife(runs: Runs) -> Bounds:
    """Student's t with the error of the jackknife over groups."""
    off = runs.without - np.nanmean(runs.without, axis=1, keepdims=True)
    known = (~np.isnan(runs.without)).sum(axis=1)
    error = np.sqrt((known - 1) / known * np.nansum(off**2, axis=1))
    reach = stats.t.ppf(0.975, runs.groups - 1) * error
    return runs.value - reach, runs.value + reach


def student(runs: Runs) -> Bounds:
    """Student's t with the error of the bootstrap over groups."""
    groups = runs.groups
    error = np.sqrt(groups / (groups - 1)) * np.nanstd(runs.drawn, axis=1, ddof=1)
    reach = stats.t.ppf(0.975, groups - 1) * error
    return runs.value - reach, runs.value + reach


def chosen(runs: Runs) -> Bounds:
    """The interval of the package, whatever the number of groups."""
    bounds = np.full((2, len(runs.value)), np.nan)
    for run, (value, drawn) in enumerate(zip(runs.value, runs.drawn, strict=True)):
        support = runs.supports.at(run)
        bounds[:, run] = uncertainty.interval(value, drawn, Support(support.groups, support.effective), runs.span, 2)
    return bounds[0], bounds[1]


METHODS: dict[str, Callable[[Runs], Bounds]] = {
    "percentile": percentile,
    "expanded percentile": expanded,
    "BCa": bca,
    "t, jackknife": jackknife,
    "t, bootstrap": student,
    CHOSEN: chosen,
}


def simulate(
    sizes: np.ndarray, runs: int, draws: int, methods: list[str], model: Model, seed: int = 1
) -> Iterator[pd.DataFrame]:
    """Rows of kind, metric, method, groups (that have all the figure needs), inside and width, one of each run."""
    generator, groups = np.random.default_rng(seed), len(sizes)
    weights = uncertainty.resamples(groups, draws, seed)
    for first in range(0, runs, BLOCK):
        some = min(BLOCK, runs - first)
        cells = expected(generator, some, groups, model).reshape(some, groups, -1)
        counts = generator.multinomial(np.broadcast_to(sizes, (some, groups)), cells).astype(np.float64)
        total = counts.sum(axis=1, keepdims=True)
        every = counts, total, weights @ counts, total - counts
        yield from _blocks(*(each.reshape(some, -1, CLASSES, CLASSES) for each in every), population(model), methods)


def _blocks(
    by_group: np.ndarray,
    total: np.ndarray,
    drawn: np.ndarray,
    without: np.ndarray,
    truth: np.ndarray,
    methods: list[str],
) -> Iterator[pd.DataFrame]:
    for figure in FIGURES:
        span = figure.metric.low, figure.metric.high
        supports, true = figure.supports(by_group), figure.of(truth)
        rest = figure.of(without) if len(methods) > 1 else np.empty((len(total), 0))
        runs = Runs(figure.of(total)[:, 0], np.sort(figure.of(drawn), axis=1), rest, supports, span)
        rests_on = supports.groups - supports.lacking
        for method in methods:
            low, high = (np.clip(end, *span) for end in METHODS[method](runs))
            found = {"groups": rests_on, "inside": (low <= true) & (true <= high), "width": high - low}
            about = {"kind": figure.kind, "metric": figure.metric.id, "method": method}
            yield pd.DataFrame(about | found)[(supports.groups > 1) & ~np.isnan(low)]


def summary(found: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Runs with an interval, its coverage and its mean width."""
    by = found.groupby(keys, sort=False)
    table = {"runs": by.size(), "coverage": by["inside"].mean(), "width": by["width"].mean()}
    return pd.DataFrame(table).reset_index()


KEYS = ["model", "sizes", "kind", "metric", "method"]
WITH_CLASS = "groups with the class"
COLUMNS = ["model", "sizes", "groups", "kind", "metric", "method", "runs", "coverage", "width"]
LEAST_RUNS = 500
"""Runs of a row of the table by groups with the class."""


def tabled(runs: int, draws: int) -> pd.DataFrame:
    """Coverage by model, sizes, metric and method; that of a class by the groups that have all it needs, over all
    sizes together. `groups` is the number of groups, or of those.
    """
    parts, of_class = [], []
    for (name, model), (sizes, number) in ((a, b) for a in MODELS.items() for b in SIZES.items()):
        compared = name == "usual" and sizes in COMPARED
        methods = list(METHODS) if compared else [CHOSEN]
        found = pd.concat(simulate(number, runs, draws, methods, model)).assign(model=name, sizes=sizes)
        of_class.append(found[(found["kind"] == "class") & (found["method"] == CHOSEN) & (found["groups"] < 30)])
        parts.append(summary(found[found["kind"] == "overall"], KEYS).assign(groups=len(number)))
    return pd.concat([*parts, by_groups(pd.concat(of_class))], ignore_index=True)[COLUMNS]


def by_groups(found: pd.DataFrame) -> pd.DataFrame:
    """Coverage of a class by the groups that have all it needs, over all sizes together."""
    table = summary(found.assign(sizes=WITH_CLASS), [*KEYS, "groups"])
    return table[table["runs"] >= LEAST_RUNS].sort_values(["model", "groups", "metric"])


def tabled_further(runs: int, draws: int) -> pd.DataFrame:
    """The same of differences of two classifiers, and of summaries over patches."""
    found = pd.concat(coverage_further.simulate(runs, draws), ignore_index=True)
    is_class = found["kind"] == "difference, class"
    by_sizes = summary(found[~is_class], [*KEYS, "number"]).rename(columns={"number": "groups"})
    few = found[is_class & (found["groups"] < 30)]
    return pd.concat([by_sizes, by_groups(few)], ignore_index=True)[COLUMNS]


def _write(path: Path) -> None:
    with np.errstate(all="ignore"):
        parts = [tabled(RUNS, DRAWS), tabled_further(coverage_further.RUNS, DRAWS)]
    table = pd.concat(parts, ignore_index=True)
    table.to_csv(path, sep="\t", index=False, float_format="%.3f", lineterminator="\n")


def rows(folder: Path) -> list[Row]:
    """Simulate and keep the table of coverage; the one line is how much of a processor's time it takes."""
    start = time.process_time()
    _write(TABLE)
    return [Row(f"coverage of intervals, {RUNS:,} runs", "six minutes", 1.0, time.process_time() - start, 360.0)]
