"""What forests rest on, and how they do on held-out rows: one pass over the baselines of a trial.

Permutation importance is the loss of accuracy on held-out rows when the features of one band family are
taken from other rows. Families are moved as a whole, because bands of a family say much the same: any of
them could go alone without loss. What another family tells as well does not show up either, so that small
figures do not mean that a family is useless.

The calibration (`sentinel_forest.evaluation.calibration`) and the engines side by side
(`sentinel_forest.evaluation.engine_comparison`) come from the same held-out rows. Curves
(`sentinel_forest.evaluation.curves`) come from training rows alone. Rows and forests are read once.

Breiman 2001, doi 10.1023/A:1010933404324 (permutation); Strobl et al. 2008, doi 10.1186/1471-2105-9-307
(correlated features; impurity importance).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Dataset, FeatureSet, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import calibration, curves, engine_comparison, held_out, seeds, uncertainty
from sentinel_forest.evaluation.families import families
from sentinel_forest.evaluation.held_out import AA, OA, HeldOut, Subject
from sentinel_forest.evaluation.seed_notes import SEEDS
from sentinel_forest.features import find_set
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import conform, read_parquet, write_tsv
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import Candidate, load_candidate
from sentinel_forest.models.forest import Training
from sentinel_forest.steps import Layout, Output, SetFile

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


def donors(weight: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """For each row another one whose values it takes, drawn in proportion to the weights.

    Systematic: a row is taken as often as its fraction of the weight says, to the whole number below or
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


def importance_of_families(
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
            low, high = uncertainty.difference(float(drop[0]), drop[1:], held.support_of(metric))
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
    return np.asarray(candidate.codes[forest.predict(candidate.model, X)] == truth, dtype=np.float64)


def _permuted(candidate: Candidate, held: HeldOut, columns: np.ndarray, source: np.ndarray) -> np.ndarray:
    """`_hits` where some columns come from other rows."""
    X = held.X.copy()
    X[:, columns] = held.X[source][:, columns]
    return _hits(candidate, X, held.truth)


def _scores(held: HeldOut, hit: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    """Scores of hits in each draw."""
    return {OA: held_out.overall_accuracy(held, hit), AA: held_out.average_accuracy(held, hit, classes)}


# Step

ROWS = 10_000
"""Held-out rows that are looked at, at most."""

REPEATS = 2
"""Permutations of each family."""

SCHEMAS = {
    "importance": IMPORTANCE,
    "curves": curves.CURVES,
    "reliability": calibration.RELIABILITY,
    "engines": engine_comparison.ENGINES,
    "seeds": SEEDS,
}
"""The tables of the step, by the argument that names their file, in this order."""


def inspect(
    candidate: Candidate,
    feature_set: FeatureSet,
    task: Task,
    held: HeldOut,
    training: Training,
    group: np.ndarray,
    engines: Sequence[str],
    forest_seeds: int,
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
    forest_seeds : int
        Seeds to grow it from, its own among them.
    repeats : int
        Permutations of each family.
    """
    subject = Subject(feature_set.name, task, candidate.model, candidate.codes, candidate.fit)
    print(f"{candidate.set}: {len(held.truth)} held-out rows, {held.groups} groups", file=sys.stderr)
    permutations = checksums.seed(*seed, candidate.set, "permutations")
    material = curves.set_aside(training, group, ROWS, len(held.draws) - 1, (*seed, task.name))
    curve = pd.DataFrame(columns=list(curves.CURVES.columns))
    if material is not None:
        curve = curves.both(subject, material, checksums.seed(*seed, task.name, "groups"), threads)
    return {
        "importance": importance_of_families(candidate, held, feature_set, task, repeats, permutations),
        "curves": curve,
        "reliability": calibration.calibrations(subject, held),
        "engines": engine_comparison.engines(subject, held, training, engines, threads),
        "seeds": seeds.by_seeds(subject, held, training, forest_seeds, threads),
    }


def importance(
    *,
    scheme: str,
    trial: int,
    dataset: str,
    layout: Layout | None = None,
    catalog: Path,
    split: Path,
    features: list[SetFile],
    forests: list[SetFile],
    fits: list[SetFile],
    engines_beside: list[str],
    forest_seeds: int,
    seed: int,
    draws: int = 1000,
    threads: int = 1,
    importance: Output,
    curves: Output,
    reliability: Output,
    engines: Output,
    seeds: Output,
) -> None:
    """Look into the forests of a trial: what they rest on, and how they fare otherwise.

    Parameters
    ----------
    scheme, trial
        The trial, for messages; its number counts for seeds.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    catalog, split : Path
        Catalog of the release, roles of the trial.
    features : list of SetFile
        Feature tables, of all shards.
    forests, fits : list of SetFile
        The forest of each feature set, and what is known about it.
    engines_beside : list of str
        Engines to put beside that of the forests.
    forest_seeds : int
        Seeds that each forest is grown from, that of the version among them; 1 grows no other.
    seed : int
        Seed of the scheme.
    draws : int
        Draws over the groups.
    threads : int
        They change no result.
    importance, curves, reliability, engines, seeds : Path
        Tables to write, see `SCHEMAS`.
    """
    about = Trial(datasets.load(dataset, layout), scheme, trial, catalog, split, seed, forest_seeds, draws, threads)
    known = {fit.set: fit.path for fit in fits}
    found = []
    for entry in forests:
        name, model = entry.set, entry.path
        files = [table.path for table in features if table.set == name]
        if name not in known or not files:
            raise InputError(
                "A forest is given without what belongs to it.",
                where=str(model),
                expected=f"files of {name} among fits and features",
            )
        found.append(_of_set(about, name, files, model, known[name], engines_beside))
    for name, output in zip(SCHEMAS, (importance, curves, reliability, engines, seeds), strict=True):
        _write(name, output, [tables[name] for tables in found if tables])


@dataclass(frozen=True)
class Trial:
    """The trial that is looked into; see `importance`."""

    dataset: Dataset
    scheme: str
    trial: int
    catalog: Path
    split: Path
    seed: int
    forest_seeds: int
    draws: int
    threads: int

    @property
    def seed_names(self) -> tuple[object, ...]:
        """What all of its seeds derive from."""
        return self.seed, self.trial


def _write(name: str, path: Path, parts: Sequence[pd.DataFrame]) -> None:
    """Write a table of all forests; see `SCHEMAS`."""
    schema = SCHEMAS[name]
    table = conform(pd.concat([pd.DataFrame(columns=list(schema.columns)), *parts], ignore_index=True), schema)
    write_tsv(path, engine_comparison.corrected(table) if name == "engines" else table, schema)


def _of_set(
    trial: Trial, name: str, files: Sequence[Path], model: Path, fit: Path, engines: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """The tables of the forest of a feature set; none if no held-out row is labelled."""
    feature_set = find_set(trial.dataset.feature_sets, name)
    task = trial.dataset.tasks[feature_set.task]
    candidate = load_candidate(trial.dataset, trial.scheme, trial.trial, name, trial.split, model, fit)
    held = held_out.held_out_rows(
        files,
        feature_set.features,
        candidate.held_out,
        read_parquet(trial.catalog, ["patch", "group"]),
        ROWS,
        trial.draws,
        (*trial.seed_names, task.name, "held out"),
    )
    if held is None:
        print(f"{name}: no labelled row is held out", file=sys.stderr)
        return {}
    split = read_parquet(trial.split, ["patch", "role"])
    training = forest.training_rows(files, feature_set.features, split, f"{trial.scheme} {trial.trial}")
    group = forest.row_groups(trial.catalog, training.patches)
    return inspect(
        candidate,
        feature_set,
        task,
        held,
        training,
        group,
        engines,
        trial.forest_seeds,
        REPEATS,
        trial.seed_names,
        trial.threads,
    )
