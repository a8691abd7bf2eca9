"""How far probabilities of a forest can be trusted: predicted against observed, on held-out rows.

Niculescu-Mizil and Caruana 2005, doi 10.1145/1102351.1102430 (reliability of forests).
"""

import numpy as np
import pandas as pd

from sentinel_forest.datasets.metric import ratio
from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.holdout import HeldOut
from sentinel_forest.io import schemas as pa

BINS = 10
"""Bins of equal width that probabilities are sorted into."""

RELIABILITY = pa.DataFrameSchema(
    {
        "features": pa.Column("str"),
        "task": pa.Column("str"),
        "event": pa.Column("str"),
        "bin_low": pa.Column("float64"),
        "bin_high": pa.Column("float64"),
        "predicted": pa.Column("float64", nullable=True),
        "observed": pa.Column("float64", nullable=True),
        "low": pa.Column("float64", nullable=True),
        "high": pa.Column("float64", nullable=True),
        "share": pa.Column("float64"),
        "rows": pa.Column("int64"),
        "groups": pa.Column("int64"),
        "note": pa.Column("str"),
    },
    strict=True,
    ordered=True,
    unique=["features", "bin_low"],
)
"""Predicted probability of an event against its observed share, by bins [bin_low, bin_high) of the former
(the last holds 1 as well).

`predicted`: mean probability; `observed`: share of rows where the event is there, `low` and `high` its 95 %
interval over groups; `share`: part of all that falls into the bin. All count rows by their weight.
"""


def reliability(
    held: HeldOut, probability: np.ndarray, happened: np.ndarray, names: tuple[str, str, str]
) -> pd.DataFrame:
    """Predicted probability against observed share, by bins of the former.

    Parameters
    ----------
    held : HeldOut
        The rows.
    probability, happened : ndarray
        float64 (rows,): probability of the event; 1 where it is there, else 0.
    names : tuple of str
        Feature set, task, event.

    Returns
    -------
    DataFrame
        See `RELIABILITY`.
    """
    number = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    total = float(held.weight.sum())
    rows: list[tuple[object, ...]] = []
    for place in range(BINS):
        inside = (number == place).astype(np.float64)
        groups = int((np.unique(held.group[number == place]) < held.groups).sum())
        weight = held.drawn(inside)
        predicted = ratio(held.drawn(inside * probability), weight)
        observed = ratio(held.drawn(inside * happened), weight)
        low, high = uncertainty.interval(float(observed[0]), observed[1:], held.support(inside))
        note = held.doubts(groups) if inside.any() else "no held-out row has such a probability"
        rows.append(
            (
                *names,
                place / BINS,
                (place + 1) / BINS,
                float(predicted[0]),
                float(observed[0]),
                low,
                high,
                float(weight[0]) / total,
                int(inside.sum()),
                groups,
                note,
            )
        )
    return pd.DataFrame(rows, columns=list(RELIABILITY.columns))
