"""Coverage of 95 % intervals over groups, by simulation: python -m bench coverage

The generating model is *Dirichlet fractions, logistic-normal accuracies*. Each group draws class fractions from a
Dirichlet distribution (mean `FRACTIONS`, concentration `CONCENTRATION`), and the accuracy of each class on the logit
scale: that of `ACCURACY`, plus an effect of the group (std 0.6), plus one of the group and class (std 0.4). Units of
a group are then multinomial; errors fall on other classes by their frequency. The fourth class is rare. What an
interval should hold is the metric of the expected counts. Sizes of groups are the real ones where they are published.

A second model, `CLUSTERED`, is there to strain the interval: a class sits in few groups (concentration 1: half of the
groups have next to nothing of the rare class), and groups differ twice as much. python -m bench coverage_clustered
"""

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special, stats

from bench.measure import Row, clock
from sentinel_forest.config.groups import LEAST_GROUPS, LEAST_GROUPS_OF_CLASS
from sentinel_forest.datasets import metric
from sentinel_forest.evaluation import uncertainty

FRACTIONS, ACCURACY = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.9, 0.8, 0.65, 0.55])


class Model(NamedTuple):
    """Concentration of class fractions in groups; std of the effects on accuracy of a group, and of group and class.

    Both on the logit scale.
    """

    concentration: float
    of_group: float
    of_class: float


USUAL, CLUSTERED = Model(8.0, 0.6, 0.4), Model(1.0, 1.2, 0.8)
CLASSES, RARE = len(FRACTIONS), 3
TABLE = Path(__file__).with_name("coverage.tsv")
TABLE_CLUSTERED = Path(__file__).with_name("coverage_clustered.tsv")
RUNS, DRAWS, BLOCK = 4000, 400, 250
SCENES = (205, 479, 557, 599, 612, 663, 687, 690, 690, 694, 695, 696, 744, 747, 756, 760, 763, 772, 775, 779, 783, 784)
SCENES = (*SCENES, 784, 784, 789, 819)
"""Patches of the 26 scenes of the hold-out of SEN12MS."""
LARGEST = 5.0
"""Sizes of So2Sat's ten test cities are not published: 24,119 patches, the largest city with 5 times the smallest."""


def uneven(groups: int, total: int) -> np.ndarray:
    """Sizes in geometric steps, the largest `LARGEST` times the smallest."""
    steps = LARGEST ** np.linspace(0, 1, groups)
    return np.round(total * steps / steps.sum()).astype(int)


SIZES: dict[str, np.ndarray] = {
    **{f"{groups} of 60": np.full(groups, 60) for groups in (3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30)},
    **{f"{groups} uneven": uneven(groups, 60 * groups) for groups in (3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30)},
    "10 cities": uneven(10, 24_119),
    "26 scenes": np.array(SCENES),
    "195 ROIs of 5": np.full(195, 5),
}

Figure = Callable[[np.ndarray], np.ndarray]
OVERALL: dict[str, Figure] = {
    "oa": metric.overall_accuracy,
    "aa.present": metric.over_present(metric.producers_accuracy),
    "kappa": metric.kappa,
    "f1.present": metric.over_present(metric.f1),
}
RARE_CLASS: dict[str, tuple[Figure, Figure]] = {
    "pa": (metric.producers_accuracy, metric.of_truth),
    "ua": (metric.users_accuracy, metric.of_prediction),
    "f1": (metric.f1, metric.union),
}


def expected(generator: np.random.Generator, runs: int, groups: int, model: Model = USUAL) -> np.ndarray:
    """Probabilities of the cells of each group's table, (runs, groups, classes, classes)."""
    fractions = generator.dirichlet(model.concentration * FRACTIONS, (runs, groups))
    effect = generator.normal(0, model.of_group, (runs, groups, 1))
    effect = effect + generator.normal(0, model.of_class, (runs, groups, CLASSES))
    right = special.expit(special.logit(ACCURACY) + effect)[..., None]
    wrong = np.broadcast_to(FRACTIONS, (CLASSES, CLASSES)) * (1 - np.eye(CLASSES))
    cells = np.eye(CLASSES) * right + (1 - right) * wrong / wrong.sum(axis=1, keepdims=True)
    found = fractions[..., None] * cells
    return found / found.sum(axis=(-2, -1), keepdims=True)


def figures(tables: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """The metrics of tables (..., classes, classes), by kind and id."""
    found = {("overall", name): figure(tables) for name, figure in OVERALL.items()}
    return found | {("class", name): figure(tables)[..., RARE] for name, (figure, _) in RARE_CLASS.items()}


def supports(tables: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Units of each group that the metrics rest on, (..., groups)."""
    found = {("overall", name): metric.units(tables) for name in OVERALL}
    return found | {("class", name): support(tables)[..., RARE] for name, (_, support) in RARE_CLASS.items()}


Bounds = tuple[np.ndarray, np.ndarray]
Method = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[float, float]], Bounds]
"""Values (runs), replicates (runs, draws), those without one group (runs, groups), support (runs, groups), range."""


def percentile(value: np.ndarray, drawn: np.ndarray, without: np.ndarray, support: np.ndarray, span: object) -> Bounds:
    """The 2.5 and 97.5 % quantiles of the replicates."""
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=1)
    return low, high


def expanded(value: np.ndarray, drawn: np.ndarray, without: np.ndarray, support: np.ndarray, span: object) -> Bounds:
    """Quantiles moved outwards by sqrt(n / (n - 1)) and Student's t (Hesterberg 2015)."""
    groups = (support > 0).sum(axis=1)
    tail = stats.norm.cdf(-np.sqrt(groups / (groups - 1)) * stats.t.ppf(0.975, groups - 1))
    return _quantile(drawn, tail), _quantile(drawn, 1 - tail)


def bca(value: np.ndarray, drawn: np.ndarray, without: np.ndarray, support: np.ndarray, span: object) -> Bounds:
    """Bias-corrected and accelerated quantiles (Efron 1987), the acceleration from the jackknife over groups."""
    below = np.nanmean(np.where(np.isnan(drawn), np.nan, drawn < value[:, None]), axis=1)
    shift = stats.norm.ppf(np.clip(below, 1 / drawn.shape[1], 1 - 1 / drawn.shape[1]))
    off = np.nanmean(without, axis=1, keepdims=True) - without
    speed = np.nansum(off**3, axis=1) / (6 * np.maximum(np.nansum(off**2, axis=1), 1e-30) ** 1.5)
    ends = [stats.norm.cdf(shift + (shift + z) / (1 - speed * (shift + z))) for z in (-1.96, 1.96)]
    return _quantile(drawn, ends[0]), _quantile(drawn, ends[1])


def jackknife(value: np.ndarray, drawn: np.ndarray, without: np.ndarray, support: np.ndarray, span: object) -> Bounds:
    """Student's t with the error of the jackknife over groups."""
    groups = (support > 0).sum(axis=1)
    off = without - np.nanmean(without, axis=1, keepdims=True)
    known = (~np.isnan(without)).sum(axis=1)
    reach = stats.t.ppf(0.975, groups - 1) * np.sqrt((known - 1) / known * np.nansum(off**2, axis=1))
    return value - reach, value + reach


def student(value: np.ndarray, drawn: np.ndarray, without: np.ndarray, support: np.ndarray, span: object) -> Bounds:
    """Student's t with the error of the bootstrap over groups."""
    groups = (support > 0).sum(axis=1)
    error = np.sqrt(groups / (groups - 1)) * np.nanstd(drawn, axis=1, ddof=1)
    reach = stats.t.ppf(0.975, groups - 1) * error
    return value - reach, value + reach


def chosen(
    value: np.ndarray, drawn: np.ndarray, without: np.ndarray, support: np.ndarray, span: tuple[float, float]
) -> Bounds:
    """The interval of the package."""
    found = [
        uncertainty.interval(one, replicates, uncertainty.Support.of(units), span, least=2)
        for one, replicates, units in zip(value, drawn, support, strict=True)
    ]
    low, high = np.array(found).T
    return low, high


METHODS: dict[str, Method] = {
    "percentile": percentile,
    "expanded percentile": expanded,
    "BCa": bca,
    "t, jackknife": jackknife,
    "t, bootstrap": student,
    "logit t, bootstrap": chosen,
}


def _quantile(drawn: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Quantile of each row at its own level; NaN is left out."""
    ordered = np.sort(drawn, axis=1)
    last = np.maximum((~np.isnan(ordered)).sum(axis=1) - 1, 0)
    place = np.clip(np.nan_to_num(level), 0, 1) * last
    below = np.floor(place).astype(int)
    above, row = np.minimum(below + 1, last), np.arange(len(ordered))
    part = place - below
    return ordered[row, below] * (1 - part) + ordered[row, above] * part


def simulate(
    sizes: np.ndarray, runs: int, draws: int, methods: dict[str, Method], seed: int = 1, model: Model = USUAL
) -> Iterator[pd.DataFrame]:
    """Rows of kind, metric, method, groups (with support), inside and width, one of each run."""
    generator, groups = np.random.default_rng(seed), len(sizes)
    population = expected(np.random.default_rng(0), 1, 400_000, model)[0].sum(axis=0)
    truths = figures(population)
    weights = uncertainty.resamples(groups, draws, seed)
    for first in range(0, runs, BLOCK):
        some = min(BLOCK, runs - first)
        cells = expected(generator, some, groups, model).reshape(some, groups, -1)
        counts = generator.multinomial(np.broadcast_to(sizes, (some, groups)), cells).astype(np.float64)
        shape = (some, -1, CLASSES, CLASSES)
        total = counts.sum(axis=1, keepdims=True)
        drawn, without = (figures(each.reshape(shape)) for each in (weights @ counts, total - counts))
        values, rests = figures(total.reshape(some, CLASSES, CLASSES)), supports(counts.reshape(shape))
        for (key, truth), (name, method) in itertools.product(truths.items(), methods.items()):
            span = (-1.0, 1.0) if key[1] == "kappa" else (0.0, 1.0)
            known = (rests[key] > 0).sum(axis=1) >= 2
            arguments = values[key][known], drawn[key][known], without[key][known], rests[key][known], span
            low, high = (np.clip(end, *span) for end in method(*arguments))
            yield pd.DataFrame(
                {
                    "kind": key[0],
                    "metric": key[1],
                    "method": name,
                    "groups": (rests[key][known] > 0).sum(axis=1),
                    "known": ~np.isnan(low),
                    "inside": (low <= truth) & (truth <= high),
                    "width": high - low,
                }
            )


def summary(found: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Fraction of runs with an interval, its coverage and its mean width."""
    there, every = found[found["known"]].groupby(keys, sort=False), found.groupby(keys, sort=False)
    figures_of = {"given": every["known"].mean(), "coverage": there["inside"].mean(), "width": there["width"].mean()}
    return pd.DataFrame({"runs": every.size(), **figures_of}).reset_index()


def tabled(runs: int, draws: int) -> pd.DataFrame:
    """Coverage by sizes, metric and method; that of the package's interval of a class by the groups that have it."""
    parts, of_class = [], []
    for name, sizes in SIZES.items():
        found = pd.concat(simulate(sizes, runs, draws, METHODS), ignore_index=True)
        few = found[(found["kind"] == "class") & (found["method"] == "logit t, bootstrap")]
        of_class.append(few[few["groups"] <= 30] if len(sizes) <= 30 and sizes.sum() <= 60 * len(sizes) else few[:0])
        parts.append(summary(found, ["kind", "metric", "method"]).assign(sizes=name, groups=len(sizes)))
        print(parts[-1].round(3).to_string(), file=sys.stderr, flush=True)
    by_groups = summary(pd.concat(of_class), ["kind", "metric", "method", "groups"]).assign(
        sizes="groups with the class"
    )
    by_groups = by_groups[by_groups["runs"] >= 500].sort_values(["groups", "metric"])
    columns = ["sizes", "groups", "kind", "metric", "method", "runs", "given", "coverage", "width"]
    return pd.concat([*parts, by_groups], ignore_index=True)[columns]


def rows(folder: Path) -> list[Row]:
    """Simulate, print and keep the table of coverage; the one line is how long it takes."""

    def work() -> None:
        with np.errstate(all="ignore"):
            table = tabled(RUNS, DRAWS)
        table.to_csv(TABLE, sep="\t", index=False, float_format="%.3f", lineterminator="\n")

    return [Row(f"coverage of intervals, {RUNS:,} runs", "an hour", 1.0, clock(work), 3600.0)]


STRAINED = ("8 of 60", "10 cities", "15 uneven", "26 scenes", "30 uneven", "195 ROIs of 5")
"""Sizes that the model of clustered classes is tried on."""


def tabled_clustered(runs: int, draws: int) -> pd.DataFrame:
    """Coverage of the package's interval, and of the percentiles, where classes sit in few groups."""
    methods = {name: METHODS[name] for name in ("percentile", "logit t, bootstrap")}
    parts = []
    for name in STRAINED:
        found = pd.concat(simulate(SIZES[name], runs, draws, methods, model=CLUSTERED), ignore_index=True)
        least = np.where(found["kind"] == "class", LEAST_GROUPS_OF_CLASS, LEAST_GROUPS)
        shown = found.assign(known=found["known"] & (found["groups"] >= least))
        parts.append(summary(shown, ["kind", "metric", "method"]).assign(sizes=name, groups=len(SIZES[name])))
    columns = ["sizes", "groups", "kind", "metric", "method", "runs", "given", "coverage", "width"]
    return pd.concat(parts, ignore_index=True)[columns]
