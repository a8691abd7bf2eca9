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

from sentinel_forest.evaluation import calibration, curves, engine_comparison, seeds, uncertainty
from sentinel_forest.evaluation.families import families
from sentinel_forest.evaluation.held_out import AA, OA, HeldOut, OpenForest, scores_of
from sentinel_forest.evaluation.seed_notes import SEEDS
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, write_tsv
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import HELD_OUT, Candidate, ForestOf, TrialOf, incomplete
from sentinel_forest.models.forest import Training
from sentinel_forest.steps import Output, SetFile

IMPORTANCE = pa.DataFrameSchema(
    {
        **columns("str", "features", "task", "family"),
        "members": pa.Column("int64", pa.Check.ge(1)),
        "metric": pa.Column("str", pa.Check.isin((OA, AA))),
        **columns("float64", "baseline", "drop", "low", "high", nullable=True),
        **columns("float64", "impurity"),
        **columns("int64", "rows", "groups"),
        **columns("str", "note", "impurity_caveat"),
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


def importance_of_families(candidate: Candidate, held: HeldOut, repeats: int, seed: int) -> pd.DataFrame:
    """Importance of the band families of a forest (schema `IMPORTANCE`).

    Parameters
    ----------
    candidate : Candidate
        The forest and what is known of its training.
    held : HeldOut
        Rows that it has not seen.
    repeats : int
        Permutations of each family.
    seed : int
        Same seed, same permutations.
    """
    feature_set, task, impurity = candidate.feature_set, candidate.task, candidate.importance
    generator = np.random.default_rng(seed)
    sources = [donors(held.weight, generator) for _ in range(repeats)]
    before = scores_of(held, _hits(candidate, held.X, held.truth), len(task.names))
    rows: list[tuple[object, ...]] = []
    for name, members in families(feature_set.features, task.unit, feature_set.bands).items():
        hit = np.mean([_permuted(candidate, held, members, source) for source in sources], axis=0)
        after = scores_of(held, hit, len(task.names))
        for metric in (OA, AA):
            drop = before[metric] - after[metric]
            interval = uncertainty.difference(float(drop[0]), drop[1:], held.support_of(metric))
            about = feature_set.name, task.name, name, len(members), metric
            values = float(before[metric][0]), float(drop[0]), *interval, float(impurity[members].sum())
            basis = len(held.truth), held.groups, held.doubts(held.groups), candidate.fit["importance"]["caveat"]
            rows.append((*about, *values, *basis))
    table = pd.DataFrame(rows, columns=list(IMPORTANCE.columns))
    leading = table.groupby("family")["drop"].transform("first")
    order = np.lexsort((np.arange(len(table)), -leading.to_numpy()))
    return table.iloc[order].reset_index(drop=True)


def _hits(candidate: Candidate, X: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """1 where the forest is right, else 0: float64 (rows,)."""
    return np.asarray(candidate.codes[forest.predict(candidate.model, X)] == truth, dtype=np.float64)


def _permuted(candidate: Candidate, held: HeldOut, members: np.ndarray, source: np.ndarray) -> np.ndarray:
    """`_hits` where some features come from other rows."""
    X = held.X.copy()
    X[:, members] = held.X[source][:, members]
    return _hits(candidate, X, held.truth)


# Step

ROWS = 10_000
"""Held-out rows that are looked at, at most."""

REPEATS = 2
"""Permutations of each family."""

SCHEMAS = {
    "importance": IMPORTANCE,
    "curves": curves.CURVES,
    "calibration": calibration.CALIBRATION,
    "engines": engine_comparison.ENGINES,
    "seeds": SEEDS,
}
"""The tables of the step, by the argument that names their file, in this order."""


@dataclass(frozen=True)
class Terms:
    """How the forests of a trial are looked into.

    Attributes
    ----------
    engines : sequence of str
        Engines to put beside that of the forests.
    forest_seeds : int
        Seeds that each forest is grown from, its own among them.
    draws : int
        Draws over the groups.
    seed : tuple
        Names that all seeds derive from.
    threads : int
        They change no result.
    """

    engines: Sequence[str]
    forest_seeds: int
    draws: int
    seed: tuple[object, ...]
    threads: int


def inspect(
    candidate: Candidate, held: HeldOut, training: Training, group: np.ndarray, terms: Terms
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
    terms : Terms
        What is asked of it.
    """
    task, threads = candidate.task.name, terms.threads
    print(f"{candidate.set}: {len(held.truth)} held-out rows, {held.groups} groups", file=sys.stderr)
    permutations = checksums.seed(*terms.seed, candidate.set, "permutations")
    material = curves.set_aside(training, group, ROWS, terms.draws, (*terms.seed, task))
    curve = pd.DataFrame(columns=list(curves.CURVES.columns))
    if material is not None:
        curve = curves.both(candidate, material, checksums.seed(*terms.seed, task, "groups"), threads)
    return {
        "importance": importance_of_families(candidate, held, REPEATS, permutations),
        "curves": curve,
        "calibration": calibration.calibrations(candidate, held),
        "engines": engine_comparison.engines(candidate, held, training, terms.engines, threads),
        "seeds": seeds.by_seeds(candidate, held, training, terms.forest_seeds, threads),
    }


def importance(
    *,
    of: TrialOf,
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
    calibration: Output,
    engines: Output,
    seeds: Output,
) -> None:
    """Examine the forests of a trial: which features they rest on, and how they do with fewer trees, groups and so on.

    Parameters
    ----------
    of : TrialOf
        The trial.
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
    importance, curves, calibration, engines, seeds : Path
        Tables to write, see `SCHEMAS`.
    """
    terms = Terms(engines_beside, forest_seeds, draws, (seed, of.trial), threads)
    known, found = {fit.set: fit.path for fit in fits}, list[dict[str, pd.DataFrame]]()
    for entry in forests:
        files = [table.path for table in features if table.set == entry.set]
        if entry.set not in known or not files:
            raise incomplete(entry, "features" if entry.set in known else "fits")
        own = ForestOf(**vars(of), feature_set=entry.set, features=files, forest=entry.path, fit=known[entry.set])
        found.append(_tables(own, terms))
    for name, output in zip(SCHEMAS, (importance, curves, calibration, engines, seeds), strict=True):
        _write(name, output, [tables[name] for tables in found if tables])


def _write(name: str, path: Path, parts: Sequence[pd.DataFrame]) -> None:
    """Write a table of all forests; see `SCHEMAS`."""
    schema = SCHEMAS[name]
    table = conform(pd.concat([pd.DataFrame(columns=list(schema.columns)), *parts], ignore_index=True), schema)
    write_tsv(path, engine_comparison.corrected(table) if name == "engines" else table, schema)


def _tables(of: ForestOf, terms: Terms) -> dict[str, pd.DataFrame]:
    """The tables of a forest; none if no held-out row is labelled."""
    opened = OpenForest.of(of)
    candidate, names = opened.candidate, (*terms.seed, opened.candidate.task.name, "held out")
    held = opened.held_out(HELD_OUT, terms.draws, checksums.seed(*names, "bootstrap"))
    if not len(held.truth):
        print(f"{candidate.set}: no labelled row is held out", file=sys.stderr)
        return {}
    training = opened.training()
    group = forest.row_groups(of.catalog, training.patches)
    return inspect(candidate, held.at_most(ROWS, checksums.seed(*names, "rows")), training, group, terms)
