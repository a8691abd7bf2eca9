"""Engines side by side: forests of other libraries, on the training and held-out rows of a forest.

The rows are those of `sentinel_forest.evaluation.held_out`. Differences are paired: both forests see the same rows, and
the same draws over their groups; tests swap their hits in whole groups.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest.config.groups import LEAST_TESTED
from sentinel_forest.evaluation import testing, uncertainty
from sentinel_forest.evaluation.held_out import AA, OA, HeldOut, scores_of, summary
from sentinel_forest.evaluation.paired import SWAPPED
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import Candidate
from sentinel_forest.models.forest import Training

ENGINES = pa.DataFrameSchema(
    {
        **columns("str", "features", "task", "engine"),
        "metric": pa.Column("str", pa.Check.isin((OA, AA))),
        **columns("float64", "value", "low", "high", "out_of_bag", "gap", nullable=True),
        "against": pa.Column("str"),
        **columns("float64", "difference", "difference_low", "difference_high", "p", "p_holm", nullable=True),
        "test": pa.Column("str"),
        **columns("int64", "rows", "groups"),
        "note": pa.Column("str"),
    },
    strict=True,
    ordered=True,
    unique=["features", "engine", "metric", "test"],
)
"""Scores of the forest of each engine on held-out rows, with 95 % intervals over their `groups`.

The first engine of a feature set is the configured one; it has nothing `against`. ``aa.present``
is also known as balanced accuracy. `out_of_bag`: the same score of the training rows by the trees
that did not see them; `gap`: how much higher it is than `value`, as it is where rows of a group are alike.
`difference`: the engine minus the one it is held `against`, with its 95 % interval and p; `p_holm` is
corrected for all rows of the same task, metric and test.
"""

FAMILY = ["task", "metric", "test"]
_OUT_OF_BAG = {OA: "accuracy", AA: "balanced_accuracy"}


def engines(
    candidate: Candidate, held: HeldOut, training: Training, beside: Sequence[str], threads: int
) -> pd.DataFrame:
    """The engine of a forest and others beside it.

    Parameters
    ----------
    candidate : Candidate
        The forest.
    held : HeldOut
        Rows that it has not seen.
    training : Training
        The rows that it was grown on.
    beside : sequence of str
        Engines to grow a forest with, from the same rows, settings and seed.

    Returns
    -------
    DataFrame
        See `ENGINES`; `p_holm` is left to `corrected`.

    Raises
    ------
    InputError
        If an engine is not installed, or cannot do what the settings or the rows ask for.
    """
    settings = candidate.settings
    configured = settings.engine
    hit = candidate.codes[forest.predict(candidate.model, held.X, threads)] == held.truth
    rows = list(_rows(candidate, held, configured, hit, candidate.fit["out_of_bag"], "", None))
    for engine in beside:
        if engine == configured:
            continue
        print(f"{candidate.set}: growing a forest with {engine}", file=sys.stderr)
        grown = forest.grow(training, settings.model_copy(update={"engine": engine}), candidate.fit["seed"], threads)
        other = training.present[forest.predict(grown.forest, held.X, threads)] == held.truth
        about = forest.out_of_bag(training, grown.votes)
        rows += _rows(candidate, held, engine, other, about, configured, hit)
    return conform(pd.DataFrame(rows, columns=list(ENGINES.columns)), ENGINES)


def corrected(table: pd.DataFrame) -> pd.DataFrame:
    """The table with Holm's correction over all rows of the same task, metric and test."""
    p_holm = table.groupby(FAMILY, sort=False)["p"].transform(uncertainty.holm)
    return table.assign(p_holm=p_holm.astype("float64"))


def _rows(
    candidate: Candidate,
    held: HeldOut,
    engine: str,
    hit: np.ndarray,
    out_of_bag: dict[str, Any],
    against: str,
    others: np.ndarray | None,
) -> Iterator[dict[str, object]]:
    """Rows of `ENGINES` for one engine; `others` are the hits of the engine it is held against."""
    before = None if others is None else scores_of(held, others, len(candidate.task.names))
    for metric, values in scores_of(held, hit, len(candidate.task.names)).items():
        value, low, high, rows, groups, note = summary(held, values, metric)
        outside = out_of_bag[_OUT_OF_BAG[metric]]
        row = {
            "features": candidate.set,
            "task": candidate.task.name,
            "engine": engine,
            "metric": metric,
            "value": value,
            "low": low,
            "high": high,
            "out_of_bag": np.nan if outside is None else outside,
            "gap": np.nan if outside is None else outside - value,
            "against": against,
            "test": "",
            "rows": rows,
            "groups": groups,
            "note": note,
        }
        if before is not None:
            drawn = values - before[metric]
            low, high = uncertainty.difference(float(drawn[0]), drawn[1:], held.support_of(metric))
            row |= {"difference": float(drawn[0]), "difference_low": low, "difference_high": high, "test": SWAPPED}
            row["p"] = _p_value(held, hit, others, metric, len(candidate.task.names), candidate.fit["seed"])
            row["note"] = notes(note, "" if held.sample.reservation else testing.few_tested(groups))
        yield row


def _p_value(held: HeldOut, hit: np.ndarray, others: np.ndarray | None, metric: str, classes: int, seed: int) -> float:
    """p value of a difference, from swaps of hits in whole groups."""
    if held.sample.reservation or held.groups < LEAST_TESTED or others is None:
        return np.nan
    one, two, there = (_sums(held, each, classes) for each in (hit, others, np.ones(len(hit))))
    total = there.sum(axis=0)

    def score(right: np.ndarray) -> np.ndarray:
        if metric == OA:
            return np.asarray(right.sum(axis=-1) / total.sum())
        return np.asarray((right / np.where(total > 0, total, 1.0)).sum(axis=-1) / (total > 0).sum())

    active = (one != two).any(axis=1)
    moved = (two - one)[active]
    observed = float(score(one.sum(axis=0)) - score(two.sum(axis=0)))
    return testing.swap_test(
        observed,
        lambda swaps: score(one.sum(axis=0) + swaps @ moved) - score(two.sum(axis=0) - swaps @ moved),
        int(active.sum()),
        seed,
    )


def _sums(held: HeldOut, values: np.ndarray, classes: int) -> np.ndarray:
    """Weighted sum of values (rows,) by group and true class, float64 (groups, classes)."""
    place = held.group * classes + held.truth
    return np.bincount(place, held.weight * values, held.groups * classes).reshape(-1, classes)
