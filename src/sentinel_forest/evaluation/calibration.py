"""How far the probabilities of a forest can be trusted, as they are and after calibration.

They are those of the patches for validation or test. Rows of pixel tasks are drawn, and count by the number of
pixels that they stand for. Intervals are over groups, as everywhere.

Niculescu-Mizil and Caruana 2005, doi 10.1145/1102351.1102430 (calibration of forests, isotonic regression).
"""

import numpy as np
import pandas as pd

from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.held_out import HeldOut, class_fractions, event_of, probability_of, ratio
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns
from sentinel_forest.models.candidate import Candidate

BINS = 10
"""Bins of equal width that probabilities are sorted into."""

AS_IT_IS, ISOTONIC = "none", "isotonic"
"""Calibrations of the probabilities of a forest."""

FOLDS = 5
"""Folds of groups by which a calibration is fitted and tried."""

CALIBRATION = pa.DataFrameSchema(
    {
        **columns("str", "features", "task", "event"),
        "calibration": pa.Column("str", pa.Check.isin((AS_IT_IS, ISOTONIC))),
        **columns("float64", "bin_low", "bin_high"),
        **columns("float64", "predicted", "observed", "low", "high", nullable=True),
        **columns("float64", "fraction"),
        **columns("int64", "rows", "groups"),
        **columns("str", "note"),
    },
    strict=True,
    ordered=True,
    unique=["features", "calibration", "bin_low"],
)
"""Predicted probability of an event against its observed fraction, by bins [bin_low, bin_high) of the former
(the last holds 1 as well).

`predicted`: mean probability; `observed`: fraction of rows where the event is there, `low` and `high` its 95 %
interval over groups; `fraction`: part of all that falls into the bin. All count rows by their weight. `calibration`:
``none`` are the probabilities of the forest as it is, ``isotonic`` those after isotonic regression, fitted on four
fifths of the held-out groups and tried on the last fifth, each in turn.
"""


def calibrations(candidate: Candidate, held: HeldOut) -> pd.DataFrame:
    """Calibration of the probabilities of a forest as it is, and after isotonic regression: see `CALIBRATION`."""
    event, positive = event_of(candidate.task, candidate.fit)
    here = np.isin(candidate.task.names, positive)
    probability = probability_of(class_fractions(candidate.model, held.X), here[candidate.codes])
    happened = here[held.truth].astype(np.float64)
    about = candidate.set, candidate.task.name, event
    found = [calibration_bins(held, probability, happened, (*about, AS_IT_IS))]
    after = isotonic(held, probability, happened)
    if after is not None:
        found.append(calibration_bins(held, after, happened, (*about, ISOTONIC)))
    return pd.concat(found, ignore_index=True)


def isotonic(held: HeldOut, probability: np.ndarray, happened: np.ndarray) -> np.ndarray | None:
    """Probabilities after isotonic regression on the other folds of groups; None with fewer than two groups.

    Parameters
    ----------
    probability, happened : ndarray
        float64 (rows,): probability of the event; 1 where it is there, else 0.

    Returns
    -------
    ndarray or None
        float64 (rows,), between 0 and 1.
    """
    from sklearn.isotonic import IsotonicRegression

    count = int(held.group.max()) + 1
    if count < 2:
        return None
    fold = held.group % min(FOLDS, count)
    after = np.empty_like(probability)
    for number in np.unique(fold):
        inside = fold == number
        fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        fitted.fit(probability[~inside], happened[~inside], held.weight[~inside])
        after[inside] = fitted.predict(probability[inside])
    return after


def calibration_bins(
    held: HeldOut, probability: np.ndarray, happened: np.ndarray, names: tuple[str, str, str, str]
) -> pd.DataFrame:
    """Predicted probability against observed fraction, by bins of the former.

    Parameters
    ----------
    held : HeldOut
        The rows.
    probability, happened : ndarray
        float64 (rows,): probability of the event; 1 where it is there, else 0.
    names : tuple of str
        Feature set, task, event, calibration.

    Returns
    -------
    DataFrame
        See `CALIBRATION`.
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
    return pd.DataFrame(rows, columns=list(CALIBRATION.columns))
