"""Coverage of 95 % intervals over groups, by simulation: python -m bench coverage

Two models generate the data. Each group draws class fractions from a Dirichlet distribution with mean `FRACTIONS`, and
the accuracy of each class on the logit scale: that of `ACCURACY`, plus an effect of the group, plus one of the group
and class. Units of a group are then multinomial; errors fall on other classes by their frequency. The fourth class is
rare. What an interval should hold is the metric of the expected counts. `Model` says how much groups differ: in the
model *clustered*, which is there to strain the intervals, half of the groups have next to nothing of the rare class.

Sizes of groups are the real ones where they are published. Metrics and intervals are those of the package.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from bench.measure import Row
from sentinel_forest.datasets.metric import Metric
from sentinel_forest.evaluation import metrics, uncertainty
from sentinel_forest.evaluation.uncertainty import Support, Supports

FRACTIONS, ACCURACY = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.9, 0.8, 0.65, 0.55])


class Model(NamedTuple):
    """Concentration of class fractions in groups, and std of the effects on accuracy of a group, and of group and
    class, both on the logit scale.
    """

    concentration: float
    of_group: float
    of_class: float


MODELS = {"usual": Model(8.0, 0.6, 0.4), "clustered": Model(1.0, 1.2, 0.8)}
CLASSES, RARE = len(FRACTIONS), 3
TABLE = Path(__file__).with_name("coverage.tsv")
RUNS, DRAWS, BLOCK = 4000, 400, 250
SCENES = (205, 479, 557, 599, 612, 663, 687, 690, 690, 694, 695, 696, 744, 747, 756, 760, 763, 772, 775, 779, 783, 784)
SCENES = (*SCENES, 784, 784, 789, 819)
"""Patches of the 26 scenes of the hold-out of SEN12MS."""
LARGEST = 5.0
"""Sizes of So2Sat's ten test cities are not published: 24,119 patches, the largest city with 5 times the smallest."""


def uneven(groups: int, each: int) -> np.ndarray:
    """Sizes in geometric steps, the largest `LARGEST` times the smallest, `each` on average."""
    steps = LARGEST ** np.linspace(0, 1, groups)
    return np.round(groups * each * steps / steps.sum()).astype(int)


SIZES: dict[str, np.ndarray] = {
    **{f"{groups} of 60": np.full(groups, 60) for groups in (3, 4, 5, 6, 8, 10, 12, 15, 20)},
    **{f"{groups} uneven": uneven(groups, 60) for groups in (4, 5, 7, 10, 15, 25)},
    **{f"{groups} cities": uneven(groups, 2412) for groups in (5, 7, 10, 15, 20, 29)},
    "26 scenes": np.array(SCENES),
    "195 ROIs of 5": np.full(195, 5),
}
COMPARED = ("3 of 60", "5 of 60", "5 uneven", "8 of 60", "15 uneven", "10 cities", "26 scenes", "195 ROIs of 5")
"""Sizes on which all methods are compared, on the first model; elsewhere there is the interval of the package alone."""


def _of_rare(metric: Metric) -> Callable[[np.ndarray], np.ndarray]:
    return lambda tables: metric.function(tables)[..., RARE]


def _rare_or_not(tables: np.ndarray) -> np.ndarray:
    """Two-class tables of the rare class and all others."""
    rare = np.eye(2)[(np.arange(CLASSES) == RARE).astype(int)]
    return np.einsum("...ij,ia,jb->...ab", tables, rare, rare, optimize=True)


class Figure(NamedTuple):
    """A figure of the simulation: its metric, and where it is found among the metric's values."""

    metric: Metric
    kind: str

    @property
    def tables(self) -> Callable[[np.ndarray], np.ndarray]:
        """What is done to tables before."""
        return _rare_or_not if self.metric in metrics.QUESTION else np.asarray

    def pick(self, values: np.ndarray) -> np.ndarray:
        """The values of the rare class, if the metric has one for each class."""
        return values[..., RARE] if self.metric in metrics.PER_CLASS else values

    def of(self, tables: np.ndarray) -> np.ndarray:
        """Values of tables (..., classes, classes)."""
        return self.pick(self.metric.function(self.tables(tables)))

    def supports(self, tables: np.ndarray) -> Supports:
        """The groups that values of runs rest on; tables (runs, groups, classes, classes)."""
        counts = np.moveaxis(self.tables(tables), 1, 0)
        return Supports(*(self.pick(each) for each in Supports.of(self.metric, counts)))


FIGURES = [
    *(Figure(each, "overall") for each in metrics.OVERALL if not each.id.endswith(".all")),
    *(Figure(each, "class") for each in metrics.PER_CLASS),
    *(Figure(each, "class") for each in metrics.QUESTION if each.id == "boa.question"),
]


def expected(generator: np.random.Generator, runs: int, groups: int, model: Model) -> np.ndarray:
    """Probabilities of the cells of each group's table, (runs, groups, classes, classes)."""
    fractions = generator.dirichlet(model.concentration * FRACTIONS, (runs, groups))
    effect = generator.normal(0, model.of_group, (runs, groups, 1))
    effect = effect + generator.normal(0, model.of_class, (runs, groups, CLASSES))
    right = special.expit(special.logit(ACCURACY) + effect)[..., None]
    wrong = np.broadcast_to(FRACTIONS, (CLASSES, CLASSES)) * (1 - np.eye(CLASSES))
    cells = np.eye(CLASSES) * right + (1 - right) * wrong / wrong.sum(axis=1, keepdims=True)
    found = fractions[..., None] * cells
    return found / found.sum(axis=(-2, -1), keepdims=True)


@cache
def _population(model: Model) -> np.ndarray:
    """The table of 400,000 groups."""
    return np.asarray(expected(np.random.default_rng(0), 1, 400_000, model)[0].sum(axis=0))


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


CHOSEN = "logit t, bootstrap"
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
        yield from _blocks(*(each.reshape(some, -1, CLASSES, CLASSES) for each in every), _population(model), methods)


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
    by_groups = summary(pd.concat(of_class).assign(sizes=WITH_CLASS), [*KEYS, "groups"])
    by_groups = by_groups[by_groups["runs"] >= LEAST_RUNS].sort_values(["model", "groups", "metric"])
    columns = ["model", "sizes", "groups", "kind", "metric", "method", "runs", "coverage", "width"]
    return pd.concat([*parts, by_groups], ignore_index=True)[columns]


def _write(path: Path) -> None:
    with np.errstate(all="ignore"):
        table = tabled(RUNS, DRAWS)
    table.to_csv(path, sep="\t", index=False, float_format="%.3f", lineterminator="\n")


def rows(folder: Path) -> list[Row]:
    """Simulate and keep the table of coverage; the one line is how much of a processor's time it takes."""
    start = time.process_time()
    _write(TABLE)
    return [Row(f"coverage of intervals, {RUNS:,} runs", "six minutes", 1.0, time.process_time() - start, 360.0)]
