"""Confusion counts -> metrics with their definitions, intervals and comparisons.

Nothing but the confusion table is scored; the catalog says by which attributes of the patches (city,
season, ...) scores are reported too.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config.groups import LEAST_GROUPS, LEAST_GROUPS_OF_CLASS
from sentinel_forest.config.settings import ScoreSettings
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation.cells import cells_of
from sentinel_forest.evaluation.confusion import CONFUSION, ROLES, Classifier, classifiers
from sentinel_forest.evaluation.confusion import confusion as count_confusion
from sentinel_forest.evaluation.evaluate import Sample, evaluate, evaluate_cells, known_groups, sample
from sentinel_forest.evaluation.figures import FIGURE, PLACE, WHICH, WHO, Place
from sentinel_forest.evaluation.further import joining
from sentinel_forest.evaluation.paired import PAIRED, Scored, compare, paired_table, pairs
from sentinel_forest.evaluation.scored import Score, notes
from sentinel_forest.features import external
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_parquet, read_tsv, stack, write_parquet, write_tsv
from sentinel_forest.splits.ledger import LEDGER
from sentinel_forest.splits.marks import combine, mark, note
from sentinel_forest.steps import ForestFile, Layout, Output

METRICS = pa.DataFrameSchema(
    {
        **PLACE,
        **WHICH,
        **columns("float64", "value", "low", "high", nullable=True),
        **columns("int64", "n", "groups"),
        **columns("str", "mark", "note"),
    },
    strict=True,
    ordered=True,
    unique=["release", "scheme", "trial", *WHO, *FIGURE],
)
"""Scores. `metric` is the stable id of a metric, `definition` says it in words. `weighting`: ``none``, or ``design``
where each patch counts 1 / its probability to be drawn. `pixels`: ``all``, or ``sample of N`` a patch. `class` is the
class or the two-class question, empty for a figure over all classes.

`low`, `high`: 95 % interval over groups; empty where there are fewer than it needs (`config.groups`), or where a patch
of the role has no known group, and `note` says so. `n`: units (patches or pixels; patches for a summary over patches)
that the value rests on, `groups`: the groups they come from. Fractions are in 0..1, definitions with ``%`` in 0..100.
An undefined value is empty and `note` says why.
"""

SCORES_BY = pa.DataFrameSchema(
    {**PLACE, **columns("str", "attribute", "stratum"), **METRICS.columns},
    strict=True,
    ordered=True,
    unique=["release", "scheme", "trial", "attribute", "stratum", *WHO, *FIGURE],
)
"""Scores on the patches with one value (`stratum`) of an `attribute` of the catalog, e.g. one city;
other columns as in `METRICS`. Present classes are those of the stratum, and intervals rest on its groups
alone. Figures of single classes are left out, of two-class questions all but those classifiers are
compared by.
"""

UNKNOWN = "unknown"
"""The stratum of the patches whose attribute is blank."""


@dataclass(frozen=True, eq=False)
class TrialCounts:
    """The confusions of a trial, with all that its scores depend on.

    Attributes
    ----------
    table : DataFrame
        The confusion table (`CONFUSION`).
    dataset : Dataset
        The vocabulary.
    split : DataFrame
        patch, group, role, weight, and the dataset's `strata_keys`: all patches of the roles that are scored.
    marks : mapping
        The mark of each role, from the ledger.
    draws : int
        Number of bootstrap draws.
    seed : sequence
        Names that the seed derives from.
    place : Place
        Which trial it is.
    """

    table: pd.DataFrame
    dataset: Dataset
    split: pd.DataFrame
    marks: Mapping[str, str]
    draws: int
    seed: Sequence[object]
    place: Place

    def sample(self, patches: pd.DataFrame, draws: int, *purpose: str) -> Sample:
        """Some of the patches, with draws over their groups."""
        return sample(patches, draws, checksums.seed(*self.seed, *purpose, "bootstrap"))


def score_trial(trial: TrialCounts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics and comparisons of a trial.

    Returns
    -------
    tuple of DataFrame
        See `METRICS` and `PAIRED`.
    """
    dataset, place = trial.dataset, trial.place
    found = classifiers(trial.table, dataset)
    scored: list[dict[str, object]] = []
    compared: list[dict[str, object]] = []
    for role in ROLES:
        patches = trial.split[trial.split["role"] == role]
        if patches.empty:
            continue
        print(f"score: role {role}, {len(patches)} patches, {len(found)} classifiers", file=sys.stderr)
        drawn = trial.sample(patches, trial.draws, role)
        of_role = []
        for one in found:
            rows = one.rows(trial.table, role)
            of_role.append(Scored(one, rows, evaluate(rows, one, drawn)))
            shared = _shared_labels(dataset, one, patches)
            own_mark, told = _declared(dataset, trial.marks[role], one)
            scored += metric_rows(place, one, role, of_role[-1].scores, own_mark, notes(shared, told))
        swaps = checksums.seed(*trial.seed, role, "swaps")
        for a, b in pairs(of_role):
            both, _ = _declared(dataset, trial.marks[role], a.classifier, b.classifier)
            rows_of_pair = compare(a, b, drawn, role, both, swaps, dataset.independent_patches)
            compared += [place._asdict() | row for row in rows_of_pair]
    return _table(scored, METRICS), paired_table(compared)


def score_by(trial: TrialCounts, of: Sequence[Classifier] | None = None) -> pd.DataFrame:
    """Scores by each of the dataset's `strata_keys`.

    `of` are the classifiers of the table, where they are none of the dataset's.

    An attribute that is blank for all patches has no rows.

    Returns
    -------
    DataFrame
        See `SCORES_BY`.
    """
    dataset, table = trial.dataset, trial.table
    found = classifiers(table, dataset) if of is None else of
    held = {role: pd.Index(trial.split.loc[trial.split["role"] == role, "patch"]) for role in ROLES}
    cells = {(role, one): cells_of(one.rows(table, role), one, held[role]) for role in ROLES for one in found}
    scored: list[dict[str, object]] = []
    for attribute in dataset.strata_keys:
        for role, stratum, patches in _strata(trial.split, attribute):
            here = {"attribute": attribute, "stratum": stratum}
            places = held[role].get_indexer(pd.Index(patches["patch"]))
            # Too few groups have no interval to draw for.
            wanted = trial.draws if len(known_groups(patches)) >= min(LEAST_GROUPS, LEAST_GROUPS_OF_CLASS) else 0
            drawn = trial.sample(patches, wanted, role, attribute, stratum)
            for one in found:
                shown = evaluate_cells(cells[role, one].of(places), one, drawn, brief=True)
                shared = _shared_labels(dataset, one, patches)
                own_mark, told = _declared(dataset, trial.marks[role], one)
                rows = metric_rows(trial.place, one, role, shown, own_mark, notes(shared, told), stratum)
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


def _declared(dataset: Dataset, mark: str, *of: Classifier) -> tuple[str, str]:
    """The mark of a role for classifiers, and what is declared about vectors that another model has made for them."""
    told = [external.declared(dataset.feature_sets.get(one.features)) for one in of]
    unknown = [own for own, _ in told if own]
    return combine([mark, *unknown]) if unknown else mark, notes(*(note for _, note in told))


def metric_rows(
    place: Place,
    classifier: Classifier,
    role: str,
    scores: Iterable[Score],
    mark: str,
    shared: str = "",
    stratum: str = "",
) -> Iterator[dict[str, object]]:
    """Rows of `METRICS`; `shared` is added to all notes, which name the stratum if there is one."""
    for score in scores:
        why = score.why_empty(classifier, f"{role} ({stratum})" if stratum else role)
        low, high = (np.nan, np.nan) if why else score.interval()
        yield {
            **place._asdict(),
            "task": classifier.task.name,
            "features": classifier.features,
            "classifier": classifier.name,
            "role": role,
            **score.about,
            "value": np.nan if why else score.value,
            "low": low,
            "high": high,
            "n": score.n,
            "groups": score.groups,
            "mark": mark,
            "note": why or notes(classifier.task.regrouped, score.doubts(), classifier.silence(), shared),
        }


def _table(rows: Sequence[Mapping[str, object]], schema: pa.DataFrameSchema) -> pd.DataFrame:
    return conform(pd.DataFrame(list(rows), columns=list(schema.columns)), schema)


# Step

REFERENCES = ["classifier", "patch", "true", "predicted", "count", "pixels", "pixel_weight"]
PREDICTIONS = ["scheme", "trial", "set", *REFERENCES]
NUMBERS = {"count": "int64", "pixel_weight": "float64"}


def score(
    *,
    release: str,
    source: str | None = None,
    dataset: str,
    layout: Layout | None = None,
    catalog: Path,
    split: Path,
    ledger: Path,
    verified: Path,
    scheme: str,
    trial: int,
    feature_sets: list[str],
    predictions: list[Path],
    references: list[Path],
    further: list[ForestFile],
    scoring: ScoreSettings = ScoreSettings(),  # noqa: B008 (it is frozen)
    seed: int,
    draws: int = 1000,
    confusion: Output,
    metrics: Output,
    scores_by: Output,
    paired: Output,
) -> None:
    """Count the confusions of one trial, and compute every metric that follows from them.

    Parameters
    ----------
    release : str
        Its name.
    source : str, optional
        Release that the forests come from, where it is another one.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    catalog, split, ledger, verified : Path
        Catalog of the release, roles of the trial, links of all trials, what the gate accepted.
    scheme, trial
        The trial.
    feature_sets : list of str
        Feature sets of its forests.
    predictions, references : list of Path
        Answers of forests and of reference algorithms, of all shards.
    further : list of ForestFile
        Scores that counts alone do not give, see `sentinel_forest.evaluation.further`; those of the trial join.
    scoring : ScoreSettings
        Which roles are scored.
    seed : int
        Seed of the scheme.
    draws : int
        Number of bootstrap draws.
    confusion, metrics, scores_by, paired : Path
        Tables to write: `CONFUSION`, `METRICS`, `SCORES_BY`, `PAIRED`.
    """
    opened = datasets.load(dataset, layout)
    known = dict.fromkeys(["group", *opened.strata_keys, *opened.ground_columns])
    patches, roles = read_parquet(catalog, ["patch", *known]), read_parquet(split)
    roles["role"] = roles["role"].where(roles["role"].isin(["train", *scoring.roles]), "unused")
    links = read_tsv(ledger, LEDGER)
    marks = _marks(links, ledger, scheme, trial, verified, source)
    said = (_stack(predictions, PREDICTIONS, scheme, trial), _stack(references, REFERENCES))
    table = count_confusion(opened, patches, roles, *said, scheme, trial, feature_sets)
    about = roles.merge(patches, on="patch", how="inner")
    place = Place(release, scheme, trial)
    counts = TrialCounts(table, opened, about, marks, draws, (seed, trial), place)
    scored, compared = score_trial(counts)
    if files := [each.path for each in further if each.owner[:2] == (scheme, trial)]:
        more = joining(files, place, marks, opened)[list(METRICS.columns)]
        scored = conform(pd.concat([scored, more], ignore_index=True), METRICS)
    write_parquet(confusion, table, CONFUSION)
    strata = score_by(counts)
    write_tsv(metrics, _with_note(scored, note(links)), METRICS)
    write_tsv(scores_by, _with_note(strata, note(links)), SCORES_BY)
    write_tsv(paired, compared, PAIRED)


def _with_note(table: pd.DataFrame, text: str) -> pd.DataFrame:
    """A table of scores with something to be said about all of them."""
    return table.assign(note=pd.Series([notes(own, text) for own in table["note"]], table.index, "str"))


def _stack(
    paths: Sequence[Path], columns: list[str], scheme: str | None = None, trial: int | None = None
) -> pd.DataFrame:
    """The tables of all shards, cut to one trial if there is one."""
    of_trial = [("scheme", "==", scheme), ("trial", "==", trial)] if scheme is not None else None
    if not paths:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns}).astype(NUMBERS)
    return stack([read_parquet(path, columns, of_trial, categories=True) for path in paths])


def _marks(
    table: pd.DataFrame, path: Path, scheme: str, trial: int, verified: Path, source: str | None
) -> dict[str, str]:
    """The mark of each role: what the ledger says, failed checks that the user accepted, and links that
    nobody looked for, with training patches of another release.
    """
    if not ((table["scheme"] == scheme) & (table["trial"] == trial)).any():
        raise InputError(
            "The ledger does not know this trial.",
            where=path,
            expected=f"{scheme}, trial {trial}",
            remedy="compute the ledger again with all splits of the release",
        )
    accepted = json.loads(verified.read_text(encoding="utf-8"))["accepted"]
    more = [f"failed checks accepted: {', '.join(accepted)}"] if accepted else []
    more += [f"not checked: links with the training patches of {source}"] if source else []
    found = {role: mark(table, scheme, trial, role, not source) for role in ROLES}
    return {role: "; ".join([*([own] if own != "clean" else []), *more]) or "clean" for role, own in found.items()}
