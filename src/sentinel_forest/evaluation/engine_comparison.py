"""Engines side by side: forests of other libraries, on the training and held-out rows of a forest.

The rows are those of `sentinel_forest.evaluation.curves`. Differences are paired: both forests see the same rows, and
the same draws over their groups. Where each row is a patch and a group of its own, McNemar's test stands
beside the bootstrap: patches of one group are not independent.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest.evaluation import curves, uncertainty
from sentinel_forest.evaluation.curves import AA, OA, HeldOut, Subject
from sentinel_forest.evaluation.evaluate import notes
from sentinel_forest.evaluation.paired import BOOTSTRAP, MCNEMAR
from sentinel_forest.io.tables import columns, conform
from sentinel_forest.models import forest
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


def engines(subject: Subject, held: HeldOut, training: Training, beside: Sequence[str], threads: int) -> pd.DataFrame:
    """The engine of a forest and others beside it.

    Parameters
    ----------
    subject : Subject
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
    settings, task = subject.settings, subject.task
    configured = settings.engine
    hit = subject.codes[forest.predict(subject.model, held.X, threads)] == held.truth
    rows = list(_rows(subject, held, configured, hit, subject.fit["out_of_bag"], "", None))
    for engine in beside:
        if engine == configured:
            continue
        print(f"{subject.features}: growing a forest with {engine}", file=sys.stderr)
        grown = forest.grow_all(training, settings.model_copy(update={"engine": engine}), subject.fit["seed"], threads)
        other = training.present[forest.predict(grown.forest, held.X, threads)] == held.truth
        about = forest.out_of_bag(training, grown.votes)
        rows += _rows(subject, held, engine, other, about, configured, hit)
        if task.unit == "patch" and held.groups == len(held.truth) and not held.reservation:
            rows.append(_mcnemar(rows[-2], other, hit))
    return conform(pd.DataFrame(rows, columns=list(ENGINES.columns)), ENGINES)


def corrected(table: pd.DataFrame) -> pd.DataFrame:
    """The table with Holm's correction over all rows of the same task, metric and test."""
    p_holm = table.groupby(FAMILY, sort=False)["p"].transform(uncertainty.holm)
    return table.assign(p_holm=p_holm.astype("float64"))


def _rows(
    subject: Subject,
    held: HeldOut,
    engine: str,
    hit: np.ndarray,
    out_of_bag: dict[str, Any],
    against: str,
    others: np.ndarray | None,
) -> Iterator[dict[str, object]]:
    """Rows of `ENGINES` for one engine; `others` are the hits of the engine it is held against."""
    before = None if others is None else _scores(held, others, len(subject.task.names))
    for metric, values in _scores(held, hit, len(subject.task.names)).items():
        value, low, high, rows, groups, note = curves.summary(held, values)
        outside = out_of_bag[_OUT_OF_BAG[metric]]
        row = {
            "features": subject.features,
            "task": subject.task.name,
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
            found = uncertainty.difference(float(drawn[0]), drawn[1:], groups)
            names = "difference_low", "difference_high", "p"
            row |= {"difference": float(drawn[0]), "test": BOOTSTRAP, **dict(zip(names, found, strict=True))}
            tested = "" if held.reservation else uncertainty.few_tested(groups)
            row["note"] = notes(note, tested)
        yield row


def _scores(held: HeldOut, hit: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    return {OA: curves.overall_accuracy(held, hit), AA: curves.average_accuracy(held, hit, classes)}


def _mcnemar(row: dict[str, object], hit: np.ndarray, others: np.ndarray) -> dict[str, object]:
    """The row of the overall accuracy again, with McNemar's test."""
    p = uncertainty.mcnemar(int((hit & ~others).sum()), int((others & ~hit).sum()))
    nothing = {"difference_low": np.nan, "difference_high": np.nan}
    return {**row, **nothing, "p": p, "test": MCNEMAR, "note": ""}
