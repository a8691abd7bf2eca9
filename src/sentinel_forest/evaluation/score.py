"""Confusion counts -> metrics with their definitions, intervals and comparisons.

Nothing but the confusion table is scored; the catalog says by which attributes of the patches (city,
season, ...) scores are reported too.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError, run
from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.confusion import CONFUSION, ROLES, Classifier, classifiers, confusion
from sentinel_forest.evaluation.evaluate import Score, evaluate, known_groups, notes, sample
from sentinel_forest.evaluation.paired import PAIRED, Scored, compare, paired_table, pairs
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import columns, conform, read_parquet, read_tsv, stack, write_parquet, write_tsv
from sentinel_forest.splits import ledger

_FIGURE = ("metric", "definition", "class")
_WHO = ("classifier", "features", "task", "role")

METRICS = pa.DataFrameSchema(
    {
        **columns("str", "classifier", "features", "task"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        **columns("str", *_FIGURE),
        **columns("float64", "value", "low", "high", nullable=True),
        **columns("int64", "n", "groups"),
        **columns("str", "mark", "note"),
    },
    strict=True,
    ordered=True,
    unique=[*_WHO, *_FIGURE],
)
"""Scores. `class` is the class or the two-class question, empty for a figure over all classes.

`low`, `high`: 95 % interval over groups; empty below eight groups, or where a patch of the role has no known
group, and `note` says so. `n`: units (patches or pixels; patches for a summary over
patches) that the value rests on, `groups`: the groups they come from. Shares are in 0..1, definitions
with ``%`` in 0..100. An undefined value is empty and `note` says why.
"""

SCORES_BY = pa.DataFrameSchema(
    {**columns("str", "attribute", "stratum"), **METRICS.columns},
    strict=True,
    ordered=True,
    unique=["attribute", "stratum", *_WHO, *_FIGURE],
)
"""Scores on the patches with one value (`stratum`) of an `attribute` of the catalog, e.g. one city;
other columns as in `METRICS`. Present classes are those of the stratum, and intervals rest on its groups
alone. Figures of single classes are left out, of two-class questions all but those classifiers are
compared by.
"""

UNKNOWN = "unknown"
"""The stratum of the patches whose attribute is blank."""


def score(
    table: pd.DataFrame,
    dataset: Dataset,
    split: pd.DataFrame,
    marks: Mapping[str, str],
    draws: int,
    seed: Sequence[object],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics and comparisons of a trial.

    Parameters
    ----------
    table : DataFrame
        The confusion table (`CONFUSION`).
    dataset : Dataset
        The vocabulary.
    split : DataFrame
        patch, group, role, weight: all patches of the roles that are scored.
    marks : mapping
        The mark of each role, from the ledger.
    draws : int
        Number of bootstrap draws.
    seed : sequence
        Names that the seed derives from.

    Returns
    -------
    tuple of DataFrame
        See `METRICS` and `PAIRED`.
    """
    found = classifiers(table, dataset)
    scored: list[dict[str, object]] = []
    compared: list[dict[str, object]] = []
    for role in ROLES:
        patches = split[split["role"] == role]
        if patches.empty:
            continue
        print(f"score: role {role}, {len(patches)} patches, {len(found)} classifiers", file=sys.stderr)
        drawn = sample(patches, draws, checksums.seed(*seed, role, "bootstrap"))
        of_role = []
        for one in found:
            rows = one.rows(table, role)
            of_role.append(Scored(one, rows, evaluate(rows, one, drawn)))
            shared = _shared_labels(dataset, one, patches)
            scored += metric_rows(one, role, of_role[-1].scores, marks[role], shared)
        for a, b in pairs(of_role):
            compared += compare(a, b, drawn, role, marks[role])
    return _table(scored, METRICS), paired_table(compared)


def score_by(
    table: pd.DataFrame,
    dataset: Dataset,
    split: pd.DataFrame,
    marks: Mapping[str, str],
    draws: int,
    seed: Sequence[object],
) -> pd.DataFrame:
    """Scores by each of the dataset's `strata_keys`; parameters as of `score`, `split` with these columns.

    An attribute that is blank for all patches has no rows.

    Returns
    -------
    DataFrame
        See `SCORES_BY`.
    """
    found = classifiers(table, dataset)
    scored: list[dict[str, object]] = []
    for attribute in dataset.strata_keys:
        for role, stratum, patches in _strata(split, attribute):
            here = {"attribute": attribute, "stratum": stratum}
            inside = table[table["patch"].isin(patches["patch"])]
            # Too few groups have no interval to draw for.
            wanted = draws if len(known_groups(patches)) >= uncertainty.LEAST_GROUPS else 0
            drawn = sample(patches, wanted, checksums.seed(*seed, role, attribute, stratum, "bootstrap"))
            for one in found:
                scores = evaluate(one.rows(inside, role), one, drawn)
                shown = [each for each in scores if each.headline or not each.of_class]
                shared = _shared_labels(dataset, one, patches)
                rows = metric_rows(one, role, shown, marks[role], shared, stratum)
                scored += [here | row for row in rows]
    return _table(scored, SCORES_BY)


def _strata(split: pd.DataFrame, attribute: str) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Role, stratum and its patches, sorted."""
    known = split[attribute].fillna("")
    if (known == "").all():
        return
    named = split.assign(stratum=known.replace("", UNKNOWN))
    for role in ROLES:
        for stratum, patches in named[named["role"] == role].groupby("stratum", sort=True):
            yield role, str(stratum), patches


def _shared_labels(dataset: Dataset, classifier: Classifier, patches: pd.DataFrame) -> str:
    """What is to be said where pixels share labels, so that `n` of them are not as many cases."""
    labels = dataset.independent_labels(classifier.task.name, patches)
    return "" if labels is None else f"pixels share {labels} independent labels"


def metric_rows(
    classifier: Classifier, role: str, scores: Iterable[Score], mark: str, shared: str = "", stratum: str = ""
) -> Iterator[dict[str, object]]:
    """Rows of `METRICS`; `shared` is added to all notes, which name the stratum if there is one."""
    for score in scores:
        why = score.why_empty(classifier, f"{role} ({stratum})" if stratum else role)
        low, high = (np.nan, np.nan) if why else uncertainty.interval(score.replicates, score.groups)
        yield {
            "classifier": classifier.name,
            "features": classifier.features,
            "task": classifier.task.name,
            "role": role,
            "metric": score.metric,
            "definition": score.definition,
            "class": score.of_class,
            "value": np.nan if why else score.value,
            "low": low,
            "high": high,
            "n": score.n,
            "groups": score.groups,
            "mark": mark,
            "note": why or notes(score.doubts(), classifier.silence(), shared),
        }


def _table(rows: Sequence[Mapping[str, object]], schema: pa.DataFrameSchema) -> pd.DataFrame:
    return conform(pd.DataFrame(list(rows), columns=list(schema.columns)), schema)


# Step

PREDICTIONS = ["scheme", "trial", "set", "classifier", "patch", "true", "predicted", "count"]
REFERENCES = PREDICTIONS[3:]


def main(argv: Sequence[str] | None = None) -> None:
    """Write the confusion tables, the metrics and the comparisons of one trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--layout", type=json.loads, default={})
    parser.add_argument("--release", required=True)
    parser.add_argument("--catalog", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--verified", type=Path, help="the gate of the release")
    parser.add_argument("--source", help="release that the forests come from, where it is another one")
    parser.add_argument("--scheme", required=True)
    parser.add_argument("--trial", type=int, required=True)
    parser.add_argument("--sets", required=True, help="feature sets, separated by commas")
    parser.add_argument("--predictions", type=Path, nargs="*", default=[])
    parser.add_argument("--references", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, required=True, help="seed of the version")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--confusion", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--scores-by", type=Path, required=True)
    parser.add_argument("--paired", type=Path, required=True)
    given = parser.parse_args(argv)
    dataset = datasets.load(given.dataset, given.layout)
    sets = [name for name in given.sets.split(",") if name]
    known = dict.fromkeys(["group", *dataset.strata_keys, *dataset.ground_columns])
    catalog = read_parquet(given.catalog, ["patch", *known])
    split = read_parquet(given.split)
    links = read_tsv(given.ledger, ledger.LEDGER)
    marks = _marks(links, given.ledger, given.scheme, given.trial, given.verified, not given.source)
    if given.source:
        unknown = f"not checked: links with the training patches of {given.source}"
        marks = {role: unknown if mark == "clean" else f"{mark}; {unknown}" for role, mark in marks.items()}
    predictions = _stack(given.predictions, PREDICTIONS, given.scheme, given.trial)
    references = _stack(given.references, REFERENCES)
    table = confusion(dataset, catalog, split, predictions, references, given.scheme, given.trial, sets)
    about = split.merge(catalog, on="patch", how="inner")
    seed = given.seed, given.release, given.scheme, given.trial
    scored, compared = score(table, dataset, about, marks, given.draws, seed)
    write_parquet(given.confusion, table, CONFUSION)
    strata = score_by(table, dataset, about, marks, given.draws, seed)
    write_tsv(given.metrics, _with_note(scored, ledger.note(links)), METRICS)
    write_tsv(given.scores_by, _with_note(strata, ledger.note(links)), SCORES_BY)
    write_tsv(given.paired, compared, PAIRED)


def _with_note(table: pd.DataFrame, text: str) -> pd.DataFrame:
    """A table of scores with something to be said about all of them."""
    return table.assign(note=pd.Series([notes(note, text) for note in table["note"]], table.index, "str"))


def _stack(
    paths: Sequence[Path], columns: list[str], scheme: str | None = None, trial: int | None = None
) -> pd.DataFrame:
    """The tables of all shards, cut to one trial if there is one."""
    of_trial = [("scheme", "==", scheme), ("trial", "==", trial)] if scheme is not None else None
    if not paths:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns}).astype({"count": "int64"})
    return stack([read_parquet(path, columns, of_trial, categories=True) for path in paths])


def _marks(
    table: pd.DataFrame, path: Path, scheme: str, trial: int, verified: Path | None, trained_here: bool
) -> dict[str, str]:
    """The mark of each role: what the ledger says, and failed checks that the user accepted."""
    if not ((table["scheme"] == scheme) & (table["trial"] == trial)).any():
        raise InputError(
            "The ledger does not know this trial.",
            where=path,
            expected=f"{scheme}, trial {trial}",
            remedy="compute the ledger again with all splits of the release",
        )
    marks = {role: ledger.mark(table, scheme, trial, role, trained_here) for role in ROLES}
    accepted = json.loads(verified.read_text(encoding="utf-8"))["accepted"] if verified else []
    if accepted:
        failed = f"failed checks accepted: {', '.join(accepted)}"
        marks = {role: failed if mark == "clean" else f"{mark}; {failed}" for role, mark in marks.items()}
    return marks


if __name__ == "__main__":
    run(main)
