"""What forests rest on, and how they do on held-out rows: one pass over the baselines of a trial.

Permutation importance is the loss of accuracy on held-out rows when the features of one band family are
taken from other rows. Families are moved as a whole, because bands of a family say much the same: any of
them could go alone without loss. What another family tells as well does not show up either, so that small
figures do not mean that a family is useless.

The curves and the reliability (`sentinel_forest.evaluation.curves`) and the engines side by side
(`sentinel_forest.evaluation.engine_comparison`) come from the same rows and forests, which are read once.

Breiman 2001, doi 10.1023/A:1010933404324 (permutation); Strobl et al. 2008, doi 10.1186/1471-2105-9-307
(correlated features; impurity importance).
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest import datasets, sensors
from sentinel_forest.datasets.base import Dataset, FeatureSet, Task
from sentinel_forest.errors import InputError, run
from sentinel_forest.evaluation import curves, engine_comparison, uncertainty
from sentinel_forest.evaluation.curves import AA, OA, HeldOut, Subject
from sentinel_forest.features import Own, find_set, indices, patch, pixel
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import conform, read_parquet, write_tsv
from sentinel_forest.models import forest, predict
from sentinel_forest.models.forest import Training
from sentinel_forest.models.predict import Candidate

IMPORTANCE = pa.DataFrameSchema(
    {
        "features": pa.Column("str"),
        "task": pa.Column("str"),
        "family": pa.Column("str"),
        "members": pa.Column("int64", pa.Check.ge(1)),
        "metric": pa.Column("str", pa.Check.isin((OA, AA))),
        "baseline": pa.Column("float64", nullable=True),
        "drop": pa.Column("float64", nullable=True),
        "low": pa.Column("float64", nullable=True),
        "high": pa.Column("float64", nullable=True),
        "impurity": pa.Column("float64"),
        "rows": pa.Column("int64"),
        "groups": pa.Column("int64"),
        "note": pa.Column("str"),
        "impurity_caveat": pa.Column("str"),
    },
    strict=True,
    ordered=True,
    unique=["features", "family", "metric"],
)
"""Importance of band families.

`members`: number of features of the family; `baseline`: the score of the forest on the held-out rows;
`drop`: how much of it is lost when the family is permuted (mean of several permutations), `low` and `high`
its 95 % interval over groups. `impurity`: mean decrease of Gini impurity in training, added up over the
family; all families together have 1. Sorted by `drop` of OA, largest first.
"""


# Families


def family(name: str, unit: str, own: Own = ()) -> str:
    """The band family of a feature of a task's `unit` (``pixel`` or ``patch``).

    A feature belongs to the family of its band (`Band.family`); features of several bands are ``indices`` (or
    SAR), those of a pixel's surroundings ``context``, grey-level co-occurrences ``texture``. Context and texture of
    SAR are families of their own. `own`: bands that only this dataset has.

    Raises
    ------
    InputError
        If there is no such feature.
    """
    feature = (pixel if unit == "pixel" else patch).resolve(name, own)
    known = {band.name: band.family for band in own} | {band.name: band.family for band in sensors.BANDS.values()}
    bands = [band for band in feature.bands if band != sensors.SUN_AZIMUTH.name] or list(feature.bands)
    kind = _kind(name, unit, own)
    if {known[band] for band in bands} == {sensors.SAR}:
        return f"{sensors.SAR} {kind}".strip()
    if kind:
        return kind
    return known[bands[0]] if len(bands) == 1 else "indices"


def _kind(name: str, unit: str, own: Own) -> str:
    """``context`` or ``texture``; nothing for what is of the pixel, or of the patch as a whole."""
    if unit == "pixel":
        return "" if name in indices.names(own) else "context"
    return "texture" if name.rpartition("_")[2] in patch.TEXTURES else ""


def families(names: Sequence[str], unit: str, own: Own = ()) -> dict[str, np.ndarray]:
    """Columns of each family, families in the order of their first feature."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(family(name, unit, own), []).append(place)
    return {name: np.array(places) for name, places in found.items()}


# Importance


def donors(weight: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """For each row another one whose values it takes, drawn in proportion to the weights.

    Systematic: a row is taken as often as its share of the weight says, to the whole number below or
    above. Equal weights give a permutation.

    Returns
    -------
    ndarray of int64, shape (rows,)
    """
    count = len(weight)
    edges = np.cumsum(weight) * (count / weight.sum())
    points = np.arange(count) + generator.uniform()
    taken = np.minimum(np.searchsorted(edges, points, side="right"), count - 1)
    return generator.permutation(taken)


def importance(
    candidate: Candidate, held: HeldOut, feature_set: FeatureSet, task: Task, repeats: int, seed: int
) -> pd.DataFrame:
    """Importance of the band families of a forest (schema `IMPORTANCE`).

    Parameters
    ----------
    candidate : Candidate
        The forest and what is known of its training.
    held : HeldOut
        Rows that it has not seen.
    feature_set, task : FeatureSet, Task
        Its features, and what it predicts.
    repeats : int
        Permutations of each family.
    seed : int
        Same seed, same permutations.
    """
    generator = np.random.default_rng(seed)
    sources = [donors(held.weight, generator) for _ in range(repeats)]
    before = _scores(held, _hits(candidate, held.X, held.truth), len(task.names))
    impurity = np.array([candidate.fit["importance"]["features"][name] for name in feature_set.features])
    rows: list[tuple[object, ...]] = []
    for name, columns in families(feature_set.features, task.unit, feature_set.bands).items():
        hit = np.mean([_permuted(candidate, held, columns, source) for source in sources], axis=0)
        after = _scores(held, hit, len(task.names))
        for metric in (OA, AA):
            drop = before[metric] - after[metric]
            low, high = uncertainty.interval(drop[1:], held.groups)
            rows.append(
                (
                    feature_set.name,
                    task.name,
                    name,
                    len(columns),
                    metric,
                    float(before[metric][0]),
                    float(drop[0]),
                    low,
                    high,
                    float(impurity[columns].sum()),
                    len(held.truth),
                    held.groups,
                    held.doubts(held.groups),
                    candidate.fit["importance"]["caveat"],
                )
            )
    table = pd.DataFrame(rows, columns=list(IMPORTANCE.columns))
    leading = table.groupby("family")["drop"].transform("first")
    order = np.lexsort((np.arange(len(table)), -leading.to_numpy()))
    return table.iloc[order].reset_index(drop=True)


def _hits(candidate: Candidate, X: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """1 where the forest is right, else 0: float64 (rows,)."""
    return (candidate.codes[forest.predict(candidate.model, X)] == truth).astype(np.float64)


def _permuted(candidate: Candidate, held: HeldOut, columns: np.ndarray, source: np.ndarray) -> np.ndarray:
    """`_hits` where some columns come from other rows."""
    X = held.X.copy()
    X[:, columns] = held.X[source][:, columns]
    return _hits(candidate, X, held.truth)


def _scores(held: HeldOut, hit: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    """Scores of hits in each draw."""
    return {OA: curves.overall_accuracy(held, hit), AA: curves.average_accuracy(held, hit, classes)}


# Step

SCHEMAS = {
    "importance": IMPORTANCE,
    "curves": curves.CURVES,
    "reliability": curves.RELIABILITY,
    "engines": engine_comparison.ENGINES,
}
"""The tables of the step, by the argument that names their file."""


def inspect(
    candidate: Candidate,
    feature_set: FeatureSet,
    task: Task,
    held: HeldOut,
    training: Training,
    group: np.ndarray,
    engines: Sequence[str],
    repeats: int,
    seed: Sequence[object],
    threads: int,
) -> dict[str, pd.DataFrame]:
    """The tables of one forest, see `SCHEMAS`.

    Parameters
    ----------
    candidate : Candidate
        The forest.
    held, training : HeldOut, Training
        Rows that it has not seen, and those that it was grown on.
    group : ndarray
        (training rows,): number of the group.
    engines : sequence of str
        Engines to put beside its own.
    repeats : int
        Permutations of each family.
    """
    subject = Subject(feature_set.name, task, candidate.model, candidate.codes, candidate.fit)
    print(f"{candidate.set}: {len(held.truth)} held-out rows, {held.groups} groups", file=sys.stderr)
    permutations = checksums.seed(*seed, candidate.set, "permutations")
    curve, bins = curves.by_trees(subject, held, int(group.max()) + 1, len(training.y))
    learning = curves.by_groups(subject, held, training, group, checksums.seed(*seed, task.name, "groups"), threads)
    return {
        "importance": importance(candidate, held, feature_set, task, repeats, permutations),
        "curves": pd.concat([curve, learning], ignore_index=True),
        "reliability": bins,
        "engines": engine_comparison.engines(subject, held, training, engines, threads),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sentinel_forest.evaluation.importance", description=__doc__)
    parser.add_argument("--release", required=True, help="name of the release")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--layout", type=json.loads, default={}, help="deviations from the layout, JSON")
    parser.add_argument("--catalog", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True, help="folder of the feature tables")
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--results", type=Path, required=True, help="has splits/ and baselines/")
    parser.add_argument("--scheme", required=True)
    parser.add_argument("--trial", type=int, required=True)
    parser.add_argument("--sets", required=True, help="feature sets, separated by commas")
    parser.add_argument("--seed", type=int, required=True, help="seed of the version")
    parser.add_argument("--draws", type=int, default=1000, help="draws over the groups")
    parser.add_argument("--rows", type=int, default=10_000, help="held-out rows that are looked at")
    parser.add_argument("--repeats", type=int, default=2, help="permutations of each family")
    parser.add_argument("--engines-beside", nargs="*", default=[], help="engines to put beside the forests'")
    parser.add_argument("--threads", type=int, default=1)
    for name in SCHEMAS:
        parser.add_argument(f"--{name}", type=Path, required=True, help="table to write")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Write importance, curves, reliability and engines of all forests of one trial."""
    given = _parser().parse_args(argv)
    for name in ("rows", "repeats", "shards"):
        if getattr(given, name) < 1:
            raise InputError(
                "A number is too small.", where=f"--{name}", found=getattr(given, name), expected="1 or more"
            )
    dataset = datasets.load(given.dataset, given.layout)
    sets = [find_set(dataset.feature_sets, name) for name in filter(None, given.sets.split(","))]
    found = [tables for feature_set in sets if (tables := _of_set(given, dataset, feature_set))]
    for name, schema in SCHEMAS.items():
        parts = [pd.DataFrame(columns=list(schema.columns)), *(tables[name] for tables in found)]
        table = conform(pd.concat(parts, ignore_index=True), schema)
        write_tsv(getattr(given, name), engine_comparison.corrected(table) if name == "engines" else table, schema)


def _of_set(given: argparse.Namespace, dataset: Dataset, feature_set: FeatureSet) -> dict[str, pd.DataFrame]:
    """The tables of the forest of a feature set; none if no held-out row is labelled."""
    splits, baselines = given.results / "splits", given.results / "baselines"
    files = [given.features / feature_set.name / f"{shard}.parquet" for shard in range(1, given.shards + 1)]
    task = dataset.tasks[feature_set.task]
    seed = given.seed, given.release, given.scheme, given.trial
    candidate = predict.load_candidate(dataset, splits, baselines, given.scheme, given.trial, feature_set.name)
    held = curves.held_out_rows(
        files,
        feature_set.features,
        candidate.held_out,
        read_parquet(given.catalog, ["patch", "group"]),
        given.rows,
        given.draws,
        (*seed, task.name, "held out"),
    )
    if held is None:
        print(f"{candidate.set}: no labelled row is held out", file=sys.stderr)
        return {}
    split = read_parquet(splits / given.scheme / f"{given.trial}.parquet", ["patch", "role"])
    training = forest.training_rows(files, feature_set.features, split, f"{given.scheme} {given.trial}")
    group = forest.row_groups(given.catalog, training.patches)
    return inspect(
        candidate, feature_set, task, held, training, group, given.engines_beside, given.repeats, seed, given.threads
    )


if __name__ == "__main__":
    run(main)
