"""Confusion counts -> metrics with their definitions, intervals and comparisons.

Every figure follows from the confusion table (counts by patch, true class, predicted class); nothing
else is read. Intervals come from a bootstrap over groups (`sentinel_forest.uncertainty`), in which all
classifiers of a role see the same draws, so that their differences are paired.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pandera.pandas as pa
from scipy import sparse

from . import datasets, digests, ledger, metrics, uncertainty
from .datasets.base import Dataset, Reference, Task
from .errors import InputError, run
from .tables import read_parquet, read_tsv, write_parquet, write_tsv

ROLES = ("validation", "test")
FOREST = "forest"
NO_ANSWER = "no answer"
"""What a reference algorithm "predicts" where it says nothing. It counts as negative, as in the paper on
CloudSEN12: whatever is not said to be cloud is not cloud. So all classifiers are judged on the same
pixels; the rows say how many pixels it is."""
Known = TypeVar("Known")

CONFUSION = pa.DataFrameSchema(
    {
        "scheme": pa.Column("str"),
        "trial": pa.Column("int64", pa.Check.ge(1)),
        "task": pa.Column("str"),
        "features": pa.Column("str"),
        "classifier": pa.Column("str"),
        "patch": pa.Column("str"),
        "group": pa.Column("str"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        "true": pa.Column("str"),
        "predicted": pa.Column("str"),
        "count": pa.Column("int64", pa.Check.gt(0)),
        "weight": pa.Column("float64", pa.Check.gt(0)),
        "train_patches": pa.Column("int64", pa.Check.ge(0)),
    },
    strict=True,
    ordered=True,
)
"""Counts (patches, or pixels) by patch, true class and predicted class.

`features` is the feature set, empty for a reference algorithm; `weight` is 1 / probability of the patch
to be drawn; `train_patches` is the number of patches of role train.
"""

METRICS = pa.DataFrameSchema(
    {
        "classifier": pa.Column("str"),
        "features": pa.Column("str"),
        "task": pa.Column("str"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        "metric": pa.Column("str"),
        "definition": pa.Column("str"),
        "class": pa.Column("str"),
        "value": pa.Column("float64", nullable=True),
        "low": pa.Column("float64", nullable=True),
        "high": pa.Column("float64", nullable=True),
        "n": pa.Column("int64"),
        "groups": pa.Column("int64"),
        "mark": pa.Column("str"),
        "note": pa.Column("str"),
    },
    strict=True,
    ordered=True,
    unique=["classifier", "features", "task", "role", "metric", "definition", "class"],
)
"""Scores. `class` is the class or the two-class question, empty for a figure over all classes.

`low`, `high`: 95 % interval over groups. `n`: units (patches or pixels; patches for a summary over
patches) that the value rests on, `groups`: the groups they come from. Shares are in 0..1, definitions
with ``%`` in 0..100. An undefined value is empty and `note` says why.
"""

PAIRED = pa.DataFrameSchema(
    {
        "classifier_a": pa.Column("str"),
        "features_a": pa.Column("str"),
        "classifier_b": pa.Column("str"),
        "features_b": pa.Column("str"),
        "task": pa.Column("str"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        "metric": pa.Column("str"),
        "definition": pa.Column("str"),
        "class": pa.Column("str"),
        "difference": pa.Column("float64", nullable=True),
        "low": pa.Column("float64", nullable=True),
        "high": pa.Column("float64", nullable=True),
        "p": pa.Column("float64", nullable=True),
        "p_holm": pa.Column("float64", nullable=True),
        "n": pa.Column("int64"),
        "groups": pa.Column("int64"),
        "test": pa.Column("str"),
        "mark": pa.Column("str"),
        "note": pa.Column("str"),
    },
    strict=True,
    ordered=True,
)
"""Differences a - b on the same patches, `n` of them; the values and their definitions are in `METRICS`.

The family of Holm's correction is the set of pairs with the same task, role, metric, definition, class
and test.
"""

FAMILY = ["task", "role", "metric", "definition", "class", "test"]
BOOTSTRAP = "cluster bootstrap over groups"
MCNEMAR = "McNemar, exact, patches taken as independent"


@dataclass(frozen=True, eq=False)
class Classifier:
    """Something that predicts: a forest, its trivial company, or a reference algorithm.

    `predicted` are the names it can predict; `positive` gives, for each question of the task that it
    answers, which of them count as positive. `constant` is set to the only name that a reference
    algorithm predicts where its layer holds nothing else; `unanswered` is the share of units for which
    it has no answer.
    """

    name: str
    features: str
    task: Task
    predicted: tuple[str, ...]
    positive: Mapping[str, tuple[str, ...]]
    constant: str = ""
    unanswered: float = 0.0

    @property
    def is_reference(self) -> bool:
        """Whether it ships with the release."""
        return not self.features


@dataclass(frozen=True, eq=False)
class Sample:
    """The patches of a role and the draws over their groups.

    `group` (patches,) is the index of each patch's group; `weight` (patches,) its design weight;
    `draws` (1 + draws, groups) how often a group counts, the first row being the sample itself.
    """

    patches: pd.Index
    group: np.ndarray
    weight: np.ndarray
    draws: np.ndarray

    @property
    def is_weighted(self) -> bool:
        """Whether patches were drawn with unequal probabilities."""
        return bool((self.weight != 1).any())

    @cached_property
    def patch_draws(self) -> np.ndarray:
        """How often each patch counts, (1 + draws, patches)."""
        return self.draws[:, self.group]


@dataclass(frozen=True, eq=False)
class Score:
    """A value and its bootstrap replicates; `undefined` says why the value is NaN."""

    metric: str
    definition: str
    of_class: str
    headline: bool
    value: float
    replicates: np.ndarray
    n: int
    groups: int
    undefined: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes scores of two classifiers comparable."""
        return self.metric, self.definition, self.of_class


# Confusion


def confusion(
    dataset: Dataset,
    catalog: pd.DataFrame,
    split: pd.DataFrame,
    predictions: pd.DataFrame,
    references: pd.DataFrame,
    scheme: str,
    trial: int,
    sets: Sequence[str],
) -> pd.DataFrame:
    """The confusion table of a trial.

    Parameters
    ----------
    dataset : Dataset
        The vocabulary.
    catalog, split : DataFrame
        With the columns patch and group; patch, role and weight.
    predictions : DataFrame
        scheme, trial, set, classifier, patch, true, predicted, count.
    references : DataFrame
        classifier, patch, true, predicted, count.
    scheme, trial, sets
        What is to be taken from `predictions`.

    Returns
    -------
    DataFrame
        See `CONFUSION`; sorted by task, features, classifier and the order of the catalog.

    Raises
    ------
    InputError
        If a feature set or a reference algorithm is unknown, a patch is not in the split, a pair of
        classes is counted twice, or a feature set has no prediction.
    """
    mine = predictions[(predictions["scheme"] == scheme) & (predictions["trial"] == trial)]
    mine = mine[mine["set"].isin(sets)].rename(columns={"set": "features"})
    absent = [name for name in sets if name not in set(mine["features"])]
    if absent:
        raise InputError(
            "A feature set has no predictions.", where=f"{scheme}, trial {trial}", found="none",
            expected=", ".join(absent), remedy="predict it, or leave it out of --sets",
        )  # fmt: skip
    tasks = {name: _known(name, dataset.feature_sets, "feature set").task for name in sets}
    forests = mine.assign(task=mine["features"].map(tasks))
    names = references["classifier"].unique()
    tasks = {name: _known(name, dataset.references, "reference algorithm").task for name in names}
    others = references.assign(task=references["classifier"].map(tasks), features="")
    columns = ["task", "features", "classifier", "patch", "true", "predicted", "count"]
    counts = pd.concat([forests[columns], others[columns]], ignore_index=True)
    twice = counts[counts.duplicated(columns[:-1])]
    if len(twice):
        raise InputError(
            "Counts are given twice.", where=", ".join(twice.iloc[0][columns[:-1]]),
            found=f"{len(twice)} rows too many",
            expected="one row for a classifier, patch, true and predicted class",
            remedy="give each table of a shard once",
        )  # fmt: skip
    table = _with_roles(counts, catalog, split)
    table["scheme"], table["trial"] = scheme, trial
    table["train_patches"] = int((split["role"] == "train").sum())
    return conform(table[list(CONFUSION.columns)], CONFUSION)


def conform(table: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """A table with the dtypes of its schema, also where it has no rows."""
    dtypes = {name: str(column.dtype) for name, column in schema.columns.items()}
    return table.astype({name: "str" if "str" in dtype else dtype for name, dtype in dtypes.items()})


def _known(name: str, known: Mapping[str, Known], what: str) -> Known:
    if name not in known:
        raise InputError(f"Unknown {what}.", found=name, expected=" | ".join(known) or "none")
    return known[name]


def _with_roles(counts: pd.DataFrame, catalog: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """Counts above 0 of the patches of role validation or test, with group, role and weight."""
    place = pd.Series(np.arange(len(catalog)), index=catalog["patch"])
    about = split.merge(catalog[["patch", "group"]], on="patch", how="inner", validate="1:1")
    unknown = ~counts["patch"].isin(about["patch"])
    if unknown.any():
        raise InputError(
            "A patch is not in the split.", where=counts.loc[unknown, "patch"].iloc[0],
            found=f"{int(unknown.sum())} rows of such patches", expected="patches of catalog and split",
            remedy="predict again with the tables that were given here",
        )  # fmt: skip
    about = about[about["role"].isin(ROLES)]
    table = counts[counts["count"] > 0].merge(about, on="patch", how="inner", validate="m:1")
    order = table["patch"].map(place)
    keys = ["task", "features", "classifier", "place", "true", "predicted"]
    return table.assign(place=order).sort_values(keys, kind="stable", ignore_index=True)


def classifiers(table: pd.DataFrame, dataset: Dataset) -> list[Classifier]:
    """The classifiers of a confusion table, feature sets first, in sorted order.

    Raises
    ------
    InputError
        If a class is not in the vocabulary of the task or of the reference algorithm.
    """
    found = []
    for key, rows in table.groupby(["task", "features", "classifier"], sort=True):
        task, features, name = map(str, key)
        about = dataset.tasks[task]
        if features:
            positive = {question.name: question.positive for question in about.questions}
            one = Classifier(name, features, about, about.names, positive)
        else:
            one = _reference(dataset.references[name], about, rows)
        for column, known in (("true", about.names), ("predicted", one.predicted)):
            unknown = sorted(set(rows[column]) - set(known))
            if unknown:
                raise InputError(
                    f"Unknown {column} class.", where=f"{name} {features}".strip(), found=", ".join(unknown),
                    expected=" | ".join(known), remedy="check the class table of the layer",
                )  # fmt: skip
        found.append(one)
    return sorted(found, key=lambda classifier: classifier.is_reference)


def _reference(reference: Reference, task: Task, rows: pd.DataFrame) -> Classifier:
    """A reference algorithm, and what its counts show about its layer."""
    silent = rows["predicted"] == NO_ANSWER
    said = sorted(set(rows.loc[~silent, "predicted"]))
    constant = (said or [NO_ANSWER])[0] if len(said) < 2 and rows["true"].nunique() > 1 else ""
    predicted = (*reference.predicted, NO_ANSWER) if silent.any() else reference.predicted
    unanswered = float(rows.loc[silent, "count"].sum() / rows["count"].sum())
    return Classifier(reference.name, "", task, predicted, dict(reference.answers), constant, unanswered)


# Scores


def sample(patches: pd.DataFrame, draws: int, seed: int) -> Sample:
    """The patches (patch, group, weight) of a role, with `draws` draws over their groups."""
    group, names = pd.factorize(patches["group"], sort=True)
    counts = uncertainty.resamples(len(names), draws, seed)
    counts = np.vstack([np.ones((1, len(names))), counts])
    return Sample(pd.Index(patches["patch"]), group, patches["weight"].to_numpy(np.float64), counts)


def evaluate(rows: pd.DataFrame, classifier: Classifier, patches: Sample) -> list[Score]:
    """All scores of a classifier in a role, as sampled and, where that differs, design-weighted.

    Parameters
    ----------
    rows : DataFrame
        Rows of the confusion table of this classifier and role.
    classifier : Classifier
        What it predicts and answers.
    patches : Sample
        The role; patches without rows (nothing valid in them) take no part.
    """
    cells = _cells(rows, classifier, patches)
    plain = _evaluate(cells, cells, classifier, patches, np.ones(len(patches.patches)))
    if not patches.is_weighted:
        return plain
    by_design = sparse.diags_array(patches.weight).tocsr() @ cells
    weighted = _evaluate(cells, by_design, classifier, patches, patches.weight)
    return [
        replace(score, definition=score.definition + ending)
        for scores, ending in ((plain, metrics.AS_SAMPLED), (weighted, metrics.DESIGN_WEIGHTED))
        for score in scores
    ]


def _cells(rows: pd.DataFrame, classifier: Classifier, patches: Sample) -> sparse.csr_array:
    """Counts (patches, true x predicted)."""
    true = pd.Index(classifier.task.names).get_indexer(pd.Index(rows["true"]))
    predicted = pd.Index(classifier.predicted).get_indexer(pd.Index(rows["predicted"]))
    place = patches.patches.get_indexer(pd.Index(rows["patch"]))
    shape = len(patches.patches), len(classifier.task.names) * len(classifier.predicted)
    count = rows["count"].to_numpy(np.float64)
    return sparse.csr_array((count, (place, true * len(classifier.predicted) + predicted)), shape=shape)


def _evaluate(
    cells: sparse.csr_array,
    weighted: sparse.csr_array,
    classifier: Classifier,
    patches: Sample,
    weight: np.ndarray,
) -> list[Score]:
    """Scores of `weighted` counts; how much they rest on is counted in `cells`."""
    shape = len(classifier.task.names), len(classifier.predicted)
    groups = patches.draws.shape[1]
    places = patches.group, np.arange(len(patches.group))
    membership = sparse.csr_array((np.ones(len(patches.group)), places), shape=(groups, len(patches.group)))
    # Sparse products add up in one fixed order, dense ones in an order that depends on the cores.
    by_group = (membership @ cells).toarray().reshape(groups, *shape)
    drawn = ((membership @ weighted).T @ patches.draws.T).T.reshape(len(patches.draws), *shape)
    scores = []
    if set(classifier.predicted) == set(classifier.task.names):
        order = [classifier.predicted.index(name) for name in classifier.task.names]
        square, by_group_square = drawn[..., order], by_group[..., order]
        overall = (*metrics.OVERALL, *metrics.OF_TASK.get(classifier.task.name, ()))
        for metric in overall:
            scores.append(_score(metric, "", square, by_group_square))
        for metric in metrics.PER_CLASS:
            scores += _class_scores(metric, classifier.task.names, square, by_group_square)
    first = None
    for question in classifier.task.questions:
        positive = np.isin(classifier.task.names, question.positive)
        first = positive if first is None else first
        if question.name not in classifier.positive:
            continue
        sides = positive, np.isin(classifier.predicted, classifier.positive[question.name])
        two, by_group_two = _two_class(drawn, *sides), _two_class(by_group, *sides)
        scores += [_score(metric, question.name, two, by_group_two) for metric in metrics.QUESTION]
        if classifier.task.unit == "pixel":
            each = cells.toarray().reshape(-1, *shape)
            cloudy = each[:, first].sum(axis=(1, 2)) > 0
            scores += _patch_scores(question.name, _two_class(each, *sides), cloudy, patches, weight)
    return scores


def _two_class(counts: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts (..., true, predicted) added up to (..., 2, 2), negative first."""
    by_true = np.stack([counts[..., ~true, :].sum(axis=-2), counts[..., true, :].sum(axis=-2)], axis=-2)
    return np.stack([by_true[..., ~predicted].sum(axis=-1), by_true[..., predicted].sum(axis=-1)], axis=-1)


def _score(metric: metrics.Metric, of_class: str, drawn: np.ndarray, by_group: np.ndarray) -> Score:
    return _finished(metric, of_class, metric.function(drawn), metric.support(by_group))


def _class_scores(
    metric: metrics.Metric, names: Sequence[str], drawn: np.ndarray, by_group: np.ndarray
) -> list[Score]:
    values, support = metric.function(drawn), metric.support(by_group)
    return [_finished(metric, name, values[:, at], support[:, at]) for at, name in enumerate(names)]


def _patch_scores(
    question: str, counts: np.ndarray, cloudy: np.ndarray, patches: Sample, weight: np.ndarray
) -> list[Score]:
    """Summaries over patches of a question."""
    scores = []
    weights = patches.patch_draws * weight
    groups = patches.draws.shape[1]
    for metric in metrics.PER_PATCH:
        values = metric.value(counts)
        values = np.where(cloudy, values, np.nan) if metric.cloudy else values
        support = np.bincount(patches.group, weights=~np.isnan(values), minlength=groups)
        scores.append(_finished(metric, question, metric.summary(values, weights), support))
    return scores


def _finished(
    metric: metrics.Metric | metrics.PatchMetric, of_class: str, values: np.ndarray, support: np.ndarray
) -> Score:
    """`values` (1 + draws,), the sample itself first; `support` (groups,)."""
    return Score(
        metric.name, metric.definition, of_class, metric.headline, float(values[0]), values[1:],
        int(support.sum()), int((support > 0).sum()), metric.undefined if np.isnan(values[0]) else "",
    )  # fmt: skip


def metric_rows(
    classifier: Classifier, role: str, scores: Iterable[Score], mark: str
) -> list[tuple[object, ...]]:
    """Rows of `METRICS`."""
    rows: list[tuple[object, ...]] = []
    for score in scores:
        why = _why(score, classifier, role)
        value = np.nan if why else score.value
        low, high = (np.nan, np.nan) if why else uncertainty.interval(score.replicates, score.groups)
        note = why or _said(_few_groups(score), _unanswered(classifier))
        about = classifier.name, classifier.features, classifier.task.name, role
        rows.append((*about, *score.key, value, low, high, score.n, score.groups, mark, note))
    return rows


def _why(score: Score, classifier: Classifier, role: str) -> str:
    """Why a value is empty, or nothing."""
    if classifier.constant:
        return f"the layer of {classifier.name} is constant: it predicts nothing but {classifier.constant}"
    if not score.undefined:
        return ""
    if not score.n and not score.of_class:
        return metrics.NOTHING.format(role=role)
    return score.undefined.format_map({"role": role, "class": score.of_class})


def _said(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _unanswered(classifier: Classifier) -> str:
    share = classifier.unanswered
    return f"no answer for {100 * share:.3g} % of all units: counted as negative" if share else ""


def _few_groups(score: Score) -> str:
    """What is to be said about the interval of a score."""
    notes = []
    if score.groups == 1:
        notes.append("one group: no interval")
    elif score.groups < uncertainty.FEW_GROUPS:
        notes.append(f"fewer than ten groups ({score.groups}): interval not to be trusted")
    undefined = int(np.isnan(score.replicates).sum())
    if score.groups > 1 and undefined:
        notes.append(f"undefined in {undefined} of {len(score.replicates)} draws")
    return "; ".join(notes)


# Comparisons


def pairs(found: Sequence[Classifier]) -> list[tuple[Classifier, Classifier]]:
    """Forest against reference algorithm, against its trivial company, and set against set."""
    forests = [classifier for classifier in found if classifier.name == FOREST and classifier.features]
    others = [classifier for classifier in found if classifier not in forests]
    against = [
        (forest, other)
        for forest in forests
        for other in others
        if other.task.name == forest.task.name and other.features in ("", forest.features)
    ]
    return against + [(a, b) for a, b in combinations(forests, 2) if a.task.name == b.task.name]


def compare(
    a: Classifier,
    b: Classifier,
    rows: Mapping[Classifier, pd.DataFrame],
    scores: Mapping[Classifier, list[Score]],
    patches: Sample,
    role: str,
    mark: str,
) -> list[tuple[object, ...]]:
    """Rows of `PAIRED` for one pair, without Holm's correction."""
    of_a, of_b = set(rows[a]["patch"]), set(rows[b]["patch"])
    common, mine = of_a & of_b, {a: scores[a], b: scores[b]}
    notes = []
    if of_a != of_b:
        notes.append(f"{len(common)} of {len(of_a | of_b)} patches in common")
    shared = {one: rows[one][rows[one]["patch"].isin(common)] for one in (a, b)}
    if of_a != of_b:
        mine = {one: evaluate(shared[one], one, patches) for one in (a, b)}
    if not _same_units(shared[a], shared[b]):
        notes.append("the two leave out different pixels")
    notes += [_unanswered(one) for one in (a, b)]
    theirs = {score.key: score for score in mine[b]}
    about = a.name, a.features, b.name, b.features, a.task.name, role
    table: list[tuple[object, ...]] = []
    for score in mine[a]:
        other = theirs.get(score.key)
        if not score.headline or other is None:
            continue
        why = _why(score, a, role) or _why(other, b, role)
        groups = min(score.groups, other.groups)
        estimate = np.nan if why else score.value - other.value
        low, high, p = uncertainty.difference(estimate, score.replicates - other.replicates, groups)
        note = _said(why or _few_groups(replace(score, groups=groups)), *notes)
        table.append(
            (*about, *score.key, estimate, low, high, p, np.nan, len(common), groups, BOOTSTRAP, mark, note)
        )
        as_sampled = score.definition.removesuffix(metrics.AS_SAMPLED) == metrics.OVERALL[0].definition
        if as_sampled and not score.of_class and a.task.unit == "patch" and not why:
            p = _mcnemar(shared[a], shared[b])
            note = _said(*notes)
            table.append(
                (
                    *about,
                    *score.key,
                    estimate,
                    np.nan,
                    np.nan,
                    p,
                    np.nan,
                    len(common),
                    groups,
                    MCNEMAR,
                    mark,
                    note,
                )
            )
    return table


def _same_units(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether two classifiers have the same counts of true classes in every patch."""
    first, second = (rows.groupby(["patch", "true"])["count"].sum() for rows in (a, b))
    return first.equals(second)


def _mcnemar(a: pd.DataFrame, b: pd.DataFrame) -> float:
    right = [set(rows.loc[rows["true"] == rows["predicted"], "patch"]) for rows in (a, b)]
    return uncertainty.mcnemar(len(right[0] - right[1]), len(right[1] - right[0]))


def paired_table(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """Rows of `PAIRED` as a table, with Holm's correction."""
    table = _table(rows, PAIRED)
    table["p_holm"] = table.groupby(FAMILY, sort=False)["p"].transform(uncertainty.holm)
    return table


def _table(rows: Sequence[tuple[object, ...]], schema: pa.DataFrameSchema) -> pd.DataFrame:
    return conform(pd.DataFrame(list(rows), columns=list(schema.columns)), schema)


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
    scored: list[tuple[object, ...]] = []
    compared: list[tuple[object, ...]] = []
    for role in ROLES:
        in_role = split[split["role"] == role]
        if in_role.empty:
            continue
        print(f"score: role {role}, {len(in_role)} patches, {len(found)} classifiers", file=sys.stderr)
        patches = sample(in_role, draws, digests.seed(*seed, role, "bootstrap"))
        rows = {one: _rows(table, one, role) for one in found}
        scores = {one: evaluate(rows[one], one, patches) for one in found}
        for one in found:
            scored += metric_rows(one, role, scores[one], marks[role])
        for a, b in pairs(found):
            compared += compare(a, b, rows, scores, patches, role, marks[role])
    return _table(scored, METRICS), paired_table(compared)


def _rows(table: pd.DataFrame, classifier: Classifier, role: str) -> pd.DataFrame:
    """Rows of the confusion table of a classifier in a role."""
    mine = (table["classifier"] == classifier.name) & (table["features"] == classifier.features)
    return table[mine & (table["task"] == classifier.task.name) & (table["role"] == role)]


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
    parser.add_argument("--scheme", required=True)
    parser.add_argument("--trial", type=int, required=True)
    parser.add_argument("--sets", required=True, help="feature sets, separated by commas")
    parser.add_argument("--predictions", type=Path, nargs="*", default=[])
    parser.add_argument("--references", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, required=True, help="seed of the version")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument(
        "--confusion", action="append", default=[], help="PATH for all feature sets, or SET=PATH for one"
    )
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--paired", type=Path, required=True)
    given = parser.parse_args(argv)
    dataset = datasets.load(given.dataset, given.layout)
    sets = [name for name in given.sets.split(",") if name]
    targets = [_target(text, sets) for text in given.confusion]
    catalog = read_parquet(given.catalog, ["patch", "group"])
    split = read_parquet(given.split)
    marks = _marks(given.ledger, given.scheme, given.trial, given.verified)
    predictions = _stack(given.predictions, PREDICTIONS, given.scheme, given.trial)
    references = _stack(given.references, REFERENCES)
    table = confusion(dataset, catalog, split, predictions, references, given.scheme, given.trial, sets)
    about = split.merge(catalog, on="patch", how="inner")
    seed = given.seed, given.release, given.scheme, given.trial
    scored, compared = score(table, dataset, about, marks, given.draws, seed)
    for name, path in targets:
        mine = table if name is None else _of_set(table, name, dataset)
        write_parquet(path, mine.reset_index(drop=True), CONFUSION)
    write_tsv(given.metrics, scored, METRICS)
    write_tsv(given.paired, compared, PAIRED)


def _target(text: str, sets: Sequence[str]) -> tuple[str | None, Path]:
    """A feature set (None: all) and the file that its confusion table is written to."""
    name, equals, path = text.partition("=")
    return (name, Path(path)) if equals and name in sets else (None, Path(text))


def _of_set(table: pd.DataFrame, name: str, dataset: Dataset) -> pd.DataFrame:
    """The rows of a feature set, and of the reference algorithms of its task."""
    task = dataset.feature_sets[name].task
    return table[(table["task"] == task) & table["features"].isin([name, ""])]


def _stack(
    paths: Sequence[Path], columns: list[str], scheme: str | None = None, trial: int | None = None
) -> pd.DataFrame:
    """The tables of all shards, cut to one trial if there is one."""
    parts = [pd.DataFrame({name: pd.Series(dtype="str") for name in columns}).astype({"count": "int64"})]
    for path in paths:
        part = read_parquet(path)
        missing = [name for name in columns if name not in part]
        if missing:
            raise InputError("A table lacks columns.", where=path, found=list(part.columns), expected=missing)
        if scheme is not None:
            part = part[(part["scheme"] == scheme) & (part["trial"] == trial)]
        parts.append(part[columns])
    return pd.concat(parts, ignore_index=True)


def _marks(path: Path, scheme: str, trial: int, verified: Path | None) -> dict[str, str]:
    """The mark of each role: what the ledger says, and failed checks that the user accepted."""
    table = read_tsv(path, ledger.LEDGER)
    if not ((table["scheme"] == scheme) & (table["trial"] == trial)).any():
        raise InputError(
            "The ledger does not know this trial.", where=path, expected=f"{scheme}, trial {trial}",
            remedy="compute the ledger again with all splits of the release",
        )  # fmt: skip
    marks = {role: ledger.mark(table, scheme, trial, role) for role in ROLES}
    accepted = json.loads(verified.read_text(encoding="utf-8"))["accepted"] if verified else []
    if accepted:
        failed = f"failed checks accepted: {', '.join(accepted)}"
        marks = {role: failed if mark == "clean" else f"{mark}; {failed}" for role, mark in marks.items()}
    return marks


if __name__ == "__main__":
    run(main)
