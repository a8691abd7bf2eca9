"""How far test patches lie from the training data of a forest, and how its error grows with that.

The training rows are thinned to `samples`: of each group the same number, chosen at random by a seed, or all where it
has fewer. Rows of an unknown group are left out, as the threshold rests on distances between groups. Features weigh
as much as their mean decrease of Gini impurity in training. The rows that are kept go into the version, so that a map
can tell of its pixels how far they lie from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from sentinel_forest.datasets.base import Task
from sentinel_forest.datasets.metric import PatchMetric, weighted_mean
from sentinel_forest.errors import ArgumentError
from sentinel_forest.evaluation.applicability import Applicability, fit_applicability, thin
from sentinel_forest.evaluation.confusion import ROLES
from sentinel_forest.evaluation.further import FURTHER, further_rows, given
from sentinel_forest.evaluation.held_out import HeldOut, OpenForest
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_parquet, write_parquet, write_tsv
from sentinel_forest.models.candidate import Candidate, ForestOf
from sentinel_forest.models.forest import Training, predict
from sentinel_forest.steps import Output

Floats = npt.NDArray[np.float64]

BINS = 10
"""Bins of the dissimilarity index, with the same number of rows each."""

DISSIMILARITY = pa.DataFrameSchema(
    {
        **columns("str", "features", "task", "role"),
        **columns("int64", "bin"),
        **columns("float64", "threshold", "index_low", "index_high", "index"),
        **columns("float64", "error", "low", "high", nullable=True),
        **columns("int64", "rows", "patches", "groups"),
        **columns("str", "note"),
    },
    strict=True,
    ordered=True,
    unique=["features", "role", "bin"],
)
"""Error of a forest by bins of the dissimilarity index [`index_low`, `index_high`), as many rows in each (the last
holds its upper end).

`index`: mean of the bin; `threshold`: up to it samples lie inside the area of applicability. `error`: fraction of
wrong answers, a mean over patches, with its 95 % interval over groups. Distances are in mean distances between
training samples.
"""

SOURCE = "Meyer and Pebesma 2021, doi 10.1111/2041-210X.13650"


def _metric(name: str, definition: str, formula: str, undefined: str, high: float = 1.0) -> PatchMetric:
    return PatchMetric(
        f"applicability.{name}", name, definition, formula, SOURCE, given, weighted_mean, False, undefined, high=high
    )


def _accuracy(where: str) -> PatchMetric:
    text, lacking = f"OA {where} the area of applicability", f"no sample of role {{role}} lies {where} the area"
    return _metric(f"oa.{where}", text, f"right / all, of samples {where}", f"{lacking} of applicability")


NO_INDEX = "no sample of role {role} has an index"
INDEX = _metric(
    "dissimilarity", "dissimilarity to training data", "distance / mean distance in training", NO_INDEX, np.inf
)
INSIDE = _metric("inside", "fraction inside the area of applicability", "index up to the threshold", NO_INDEX)
OA_INSIDE, OA_OUTSIDE = _accuracy("inside"), _accuracy("outside")


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows of a role with their dissimilarity index.

    Attributes
    ----------
    rows : HeldOut
        The rows.
    index : ndarray
        float64 (rows,): NaN where a feature is missing.
    right : ndarray
        bool (rows,): whether the forest is right.
    """

    rows: HeldOut
    index: Floats
    right: npt.NDArray[np.bool_]


def values_of(judged: Judged, threshold: float) -> dict[PatchMetric, dict[str, Floats]]:
    """Index, fraction inside, and accuracy inside and outside, of each patch; what lacks a feature is outside."""
    rows, known = judged.rows, np.isfinite(judged.index)
    if np.isnan(threshold):
        nothing = np.full(len(rows.patches), np.nan)
        return {metric: {"": nothing} for metric in (INDEX, INSIDE, OA_INSIDE, OA_OUTSIDE)}
    inside = np.where(known, judged.index, np.inf) <= threshold
    return {
        INDEX: {"": rows.by_patch(np.where(known, judged.index, 0), known)},
        INSIDE: {"": rows.by_patch(inside)},
        OA_INSIDE: {"": rows.by_patch(judged.right, inside)},
        OA_OUTSIDE: {"": rows.by_patch(judged.right, ~inside)},
    }


def error_by_bin(judged: Judged, threshold: float, task: Task, features: str, role: str) -> list[dict[str, object]]:
    """Rows of `DISSIMILARITY`."""
    known = np.flatnonzero(np.isfinite(judged.index))
    edges = np.unique(np.quantile(judged.index[known], np.linspace(0, 1, BINS + 1))) if len(known) else np.empty(0)
    edges = np.repeat(edges, 2) if len(edges) == 1 else edges
    error = _metric("error", "error", "wrong / all", NO_INDEX)
    found = []
    for number in range(len(edges) - 1):
        last = number == len(edges) - 2
        above, below = judged.index >= edges[number], judged.index < edges[number + 1]
        chosen = above & (below | (last & (judged.index <= edges[number + 1])))
        values = {error: {"": judged.rows.by_patch(~judged.right, chosen)}}
        [row] = further_rows(values, judged.rows.sample, task, features, role, "")
        found.append(
            {
                **{name: row[name] for name in ("features", "task", "role", "low", "high", "groups", "note")},
                "bin": number + 1,
                "threshold": threshold,
                "index_low": edges[number],
                "index_high": edges[number + 1],
                "index": float(np.average(judged.index[chosen], weights=judged.rows.weight[chosen])),
                "error": row["value"],
                "rows": int(chosen.sum()),
                "patches": row["n"],
            }
        )
    return found


def kept_schema(features: Sequence[str]) -> pa.DataFrameSchema:
    """Schema of the training rows that a version keeps: group and features of each."""
    return pa.DataFrameSchema({**columns("str", "group"), **columns("float32", *features)}, strict=True, ordered=True)


def thinned(
    training: Training, groups: npt.NDArray[np.str_], features: Sequence[str], samples: int, seed: int
) -> pd.DataFrame:
    """Training rows that are kept: of known groups (blank: unknown), without a missing feature, thinned by group."""
    usable = np.flatnonzero((groups != "") & np.isfinite(training.X).all(axis=1))
    chosen = usable[thin(groups[usable], samples, seed)]
    table = pd.DataFrame(training.X[chosen], columns=list(features))
    table.insert(0, "group", pd.Series(groups[chosen], dtype="str"))
    return conform(table, kept_schema(features))


def area_of(kept: pd.DataFrame, candidate: Candidate, most: int | None = None) -> Applicability:
    """The area of applicability of a forest from the training rows that a version keeps, thinned to `most`."""
    features = list(kept.columns[1:])
    rows = kept.iloc[thin(kept["group"].to_numpy(), most or len(kept), 0)]
    return fit_applicability(rows[features].to_numpy(), rows["group"].to_numpy(), candidate.importance, most=len(kept))


def read_area(path: Path, candidate: Candidate, most: int) -> Applicability:
    """The same from the file of a version."""
    return area_of(read_parquet(path), candidate, most)


def applicability(
    *,
    of: ForestOf,
    samples: int,
    seed: int,
    draws: int = 1000,
    threads: int = 1,
    kept: Output,
    errors: Output,
    output: Output,
) -> None:
    """Measure how far held-out patches lie from the training data of a forest, and how its error grows with that.

    Parameters
    ----------
    of : ForestOf
        The forest and its tables.
    samples : int
        Training rows that are kept.
    seed : int
        Seed of the scheme.
    draws : int
        Draws over the groups.
    threads : int
        They change no result.
    kept, errors, output : Path
        Training rows that are kept (`kept_schema`), error by dissimilarity (`DISSIMILARITY`), scores (`FURTHER`).
    """
    opened, seeds = OpenForest.of(of), checksums.seed(seed, of.trial, of.feature_set, "applicability")
    candidate, learnt = opened.candidate, opened.training()
    names, task = candidate.feature_set.features, candidate.task
    groups = opened.roles.set_index("patch")["group"].fillna("").loc[learnt.patches].to_numpy(np.str_)
    training = thinned(learnt, groups, names, samples, seeds)
    area, note = _area(training, candidate)
    found: list[dict[str, object]] = []
    bins: list[dict[str, object]] = []
    for role in ROLES:
        rows = opened.held_out([role], draws, checksums.seed(seeds, role))
        if not len(rows.truth):
            continue
        index = area.dissimilarity(rows.X, threads) if area else np.full(len(rows.truth), np.nan)
        right = candidate.codes[predict(candidate.model, rows.X, threads)] == rows.truth
        judged, threshold = Judged(rows, index, right), area.threshold if area else np.nan
        found += further_rows(values_of(judged, threshold), rows.sample, task, of.feature_set, role, note)
        bins += error_by_bin(judged, threshold, task, of.feature_set, role)
    write_parquet(kept, training, kept_schema(names))
    write_tsv(errors, conform(pd.DataFrame(bins, columns=list(DISSIMILARITY.columns)), DISSIMILARITY), DISSIMILARITY)
    write_tsv(output, conform(pd.DataFrame(found, columns=list(FURTHER.columns)), FURTHER), FURTHER)


def _area(training: pd.DataFrame, candidate: Candidate) -> tuple[Applicability | None, str]:
    """The area, and what is to be said of it; None, and why, where there is none."""
    try:
        area = area_of(training, candidate)
    except ArgumentError as error:
        return None, f"no area of applicability: {error.problem}"
    groups = training["group"].nunique()
    return area, f"threshold {area.threshold:.4g}, from {len(training)} training samples of {groups} groups"
