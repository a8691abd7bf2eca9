"""The price of leakage: what a forest gains by relatives of the test patches among its training patches.

One experiment for each release, with trials of its own, whatever schemes the version has. In each trial the same
test patches are scored by a forest that was trained with patches of their groups, as many as a pooled random draw
leaves in training, and by one that was trained without. Both training sets have the same number of rows, of each
class as many, with the same weights (`sentinel_forest.evaluation.relatives`); both forests grow from one seed. What
is left is what relatives are worth.

Test patches, or the drawn pixels of them that stand for all (pixel tasks), come from the feature tables.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.schemes import PooledRandom
from sentinel_forest.datasets.base import Dataset, Task
from sentinel_forest.evaluation import relatives
from sentinel_forest.evaluation.confusion import FOREST, Classifier
from sentinel_forest.evaluation.evaluate import evaluate, sample
from sentinel_forest.evaluation.figures import METRIC
from sentinel_forest.evaluation.paired import FAMILY, Scored, compare
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.evaluation.uncertainty import holm
from sentinel_forest.features import external, find_set
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_parquet, write_tsv
from sentinel_forest.models import forest as forests
from sentinel_forest.models.forest import Training
from sentinel_forest.steps import Layout, Output, SetFile

METRIC_OR_NONE = METRIC | columns("str", "weighting")
"""A feature set without a price names no metric."""

PRICE = pa.DataFrameSchema(
    {
        **columns("str", "task", "features"),
        **METRIC_OR_NONE,
        **columns("float64", "with_relatives", "without", "difference", "low", "high", "p", "p_holm", nullable=True),
        **columns("int64", "n", "groups", "trials"),
        **columns("float64", "train_rows", "dose", "relatives", nullable=True),
        **columns("str", "test", "note"),
    },
    strict=True,
    ordered=True,
)
"""Scores of forests trained with and without relatives of the test patches, and the difference: the price.

`n`: test patches, `groups`: groups of theirs, each tested in one of the `trials`. `train_rows`: mean number of rows of
a training set, the same with and without. `dose`: mean fraction of the other patches of a test patch's group that the
first forest was trained on; `relatives`: their mean number. `pixels`: all of a test patch, or a sample of drawn ones
that stand for them. `low`, `high`, `p`, `p_holm`, `test`: of the difference, paired by group, given these
forests, as in `paired.PAIRED`. A feature set without a price has one row, whose `note` says why.
"""

SIDES = ("with_relatives", "without")
PIXELS = {"pixel": "sample", "patch": "all"}
"""Which pixels of a test patch count, by the unit of a task."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A trial: what each side's forest says of the test patches (patch, true, predicted, count), and on what terms."""

    counts: tuple[pd.DataFrame, pd.DataFrame]
    train_rows: int
    dose: float
    relatives: float


@dataclass(frozen=True)
class Terms:
    """How forests are grown, and by which draws of groups they are compared."""

    forest: ForestSettings
    draws: int
    seed: int
    threads: int = 1


def price_of_set(
    rows: pd.DataFrame, features: Sequence[str], name: str, task: Task, trials: Sequence[relatives.Trial], terms: Terms
) -> list[dict[str, object]]:
    """Rows of `PRICE` of one feature set, without Holm's correction.

    Parameters
    ----------
    rows : DataFrame
        Labelled rows of the feature tables: `patch`, `label`, `weight` and the features.
    features : sequence of str
        Columns to learn from.
    name : str
        The feature set.
    task : Task
        What is learnt.
    trials : sequence of Trial
        See `relatives.draw_trials`.
    terms : Terms
        How forests are grown and compared.
    """
    if not trials:
        return [_no_price(name, task, "fewer than two groups are known: nothing could be trained on without relatives")]
    run = [each for each in (run_trial(rows, features, name, trial, task, terms) for trial in trials) if each]
    if not run:
        return [_no_price(name, task, "no trial has two classes to train on and a patch to test")]
    outcomes = [each for each in run if each.relatives > 0]
    if not outcomes:
        return [_no_price(name, task, "no test patch has a relative to train on")]
    doubt = notes(
        _left_out(len(trials) - len(run), "fewer than two classes in both training sets"),
        _left_out(len(run) - len(outcomes), "no test patch has a relative to train on"),
    )
    about = {"features": name, "pixels": PIXELS[task.unit], **_terms_of(outcomes)}
    group = pd.concat([trial.group[trial.test] for trial in trials])
    return [
        row | about | {"note": notes(str(row["note"]), doubt)} for row in _compared(outcomes, group, name, task, terms)
    ]


def _left_out(trials: int, why: str) -> str:
    """What is to be said of trials that price nothing, or nothing."""
    return f"{trials} trials left out: {why}" if trials else ""


def _terms_of(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """How many trials there are, and what their training sets have in the mean."""
    return {
        "trials": len(outcomes),
        "train_rows": float(np.mean([each.train_rows for each in outcomes])),
        "dose": float(np.mean([each.dose for each in outcomes])),
        "relatives": float(np.mean([each.relatives for each in outcomes])),
    }


def _compared(
    outcomes: Sequence[Outcome], group: pd.Series, name: str, task: Task, terms: Terms
) -> Iterator[dict[str, object]]:
    """Rows of `paired.PAIRED` over the test patches of all trials, with the values of both sides."""
    tables = [pd.concat([each.counts[side] for each in outcomes], ignore_index=True) for side in (0, 1)]
    tested = pd.Index(tables[0]["patch"].unique())
    patches = pd.DataFrame({"patch": tested, "group": group.loc[tested].astype(str).to_numpy(), "weight": 1.0})
    drawn = sample(patches, terms.draws, checksums.seed(terms.seed, name, "groups"))
    positive = {question.name: question.positive for question in task.questions}
    classifier = Classifier(FOREST, name, task, task.names, positive)
    first, second = (Scored(classifier, table, evaluate(table, classifier, drawn)) for table in tables)
    values = [{score.key: score.value for score in side.scores} for side in (first, second)]
    for row in compare(first, second, drawn, "test", "", checksums.seed(terms.seed, name, "swaps")):
        key = str(row["metric"]), str(row["weighting"]), str(row["class"])
        yield row | dict(zip(SIDES, (side[key] for side in values), strict=True))


def run_trial(
    rows: pd.DataFrame, features: Sequence[str], name: str, trial: relatives.Trial, task: Task, terms: Terms
) -> Outcome | None:
    """Train both forests of a trial and ask them; None where fewer than two classes are in both training sets."""
    patches, labels = rows["patch"].to_numpy(), rows["label"].to_numpy(np.int64)
    chosen = relatives.training_sets(trial, patches, labels, checksums.seed(terms.seed, trial.number, "order"))
    tested = rows[rows["patch"].isin(trial.test)]
    if len(np.unique(labels[chosen[0]])) < 2 or tested.empty:
        return None
    X = rows[list(features)].to_numpy(np.float32)
    weights = _equal_weights(labels, rows["weight"].to_numpy(np.float64), chosen)
    seed = checksums.seed(terms.seed, trial.number, name, "forest")
    settings = terms.forest.model_copy(update={"tune": None})
    asked = np.ascontiguousarray(tested[list(features)].to_numpy(np.float32))
    counts = []
    for side, weight in zip(chosen, weights, strict=True):
        training = Training(np.ascontiguousarray(X[side]), labels[side], weight, patches[side])
        grown = forests.grow(training, settings, seed, terms.threads)
        said = training.present[forests.predict(grown.forest, asked, terms.threads)]
        counts.append(_count(tested, said, task.names))
    fraction, number = relatives.dose(trial, patches[chosen[0]])
    print(f"price, {name}, trial {trial.number}: {len(chosen[0])} training rows each", file=sys.stderr)
    return Outcome((counts[0], counts[1]), len(chosen[0]), fraction, number)


def _equal_weights(
    labels: np.ndarray, weight: np.ndarray, chosen: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the rows of both sets, scaled so that a class weighs the same in both (as much as on average)."""
    classes = int(labels.max()) + 1
    sums = [np.bincount(labels[side], weight[side], minlength=classes) for side in chosen]
    goal = (sums[0] + sums[1]) / 2
    factors = [np.divide(goal, total, out=np.ones(classes), where=total > 0) for total in sums]
    first, second = (weight[side] * factor[labels[side]] for side, factor in zip(chosen, factors, strict=True))
    return first, second


def _count(tested: pd.DataFrame, said: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """Patches, or pixels that the rows stand for, by patch, true and predicted class."""
    true, told = (np.asarray(names, dtype=object)[place] for place in (tested["label"].to_numpy(), said))
    table = pd.DataFrame({"patch": tested["patch"].to_numpy(), "true": true, "predicted": told})
    table["count"] = tested["weight"].to_numpy(np.float64)
    return table.groupby(["patch", "true", "predicted"], sort=True)["count"].sum().reset_index()


def _no_price(name: str, task: Task, why: str) -> dict[str, object]:
    """The row of a feature set that has no price."""
    texts: dict[str, object] = dict.fromkeys(("metric", "definition", "weighting", "class", "test"), "")
    empty = {"n": 0, "groups": 0, "trials": 0, "pixels": PIXELS[task.unit], "role": "test", "note": f"no price: {why}"}
    return texts | {"features": name, "task": task.name} | empty


def price_table(found: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Rows of all feature sets as a table, with Holm's correction over the feature sets of a task."""
    table = pd.DataFrame(list(found))
    table["p_holm"] = table.groupby(FAMILY, sort=False)["p"].transform(holm) if "p" in table else np.nan
    return conform(table.reindex(columns=list(PRICE.columns)), PRICE)


def price(
    *,
    dataset: str,
    layout: Layout | None = None,
    catalog: Path,
    features: list[SetFile],
    pooled: PooledRandom,
    trials: int,
    forest: ForestSettings,
    seed: int,
    draws: int = 1000,
    threads: int = 1,
    output: Output,
) -> None:
    """Score the same test patches with forests that were trained with and without patches of their groups.

    Parameters
    ----------
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    catalog : Path
        Its catalog, for the groups.
    features : list of SetFile
        Feature tables of all sets and shards.
    pooled : PooledRandom
        Options of the pooled draw, which say how many relatives are trained on.
    trials : int
        Number of parts of the groups, each tested in one trial.
    forest : ForestSettings
        How forests are grown; nothing is tuned.
    seed : int
        Seed of the release.
    draws : int
        Number of bootstrap draws.
    threads : int
        They change no result.
    output : Path
        The table `PRICE`.
    """
    opened = datasets.load(dataset, layout)
    terms = Terms(forest, draws, checksums.seed(seed, "price"), threads)
    known = relatives.known_groups(read_parquet(catalog))
    parts = list(relatives.draw_trials(known, pooled, trials, terms.seed))
    found = [
        row
        for name in dict.fromkeys(file.set for file in features)
        for row in _price_of_files(opened, name, features, set(known["patch"]), parts, terms)
    ]
    write_tsv(output, price_table(found), PRICE)


def _price_of_files(
    dataset: Dataset,
    name: str,
    files: Sequence[SetFile],
    known: set[str],
    trials: Sequence[relatives.Trial],
    terms: Terms,
) -> Iterator[dict[str, object]]:
    """Rows of a feature set, from its tables."""
    about = find_set(dataset.feature_sets, name)
    parts = [forests.labelled_rows(file.path, about.features, known) for file in files if file.set == name]
    rows = pd.concat(parts).sort_values("patch", kind="stable", ignore_index=True)
    told = notes(*external.declared(about))
    for row in price_of_set(rows, about.features, name, dataset.tasks[about.task], trials, terms):
        yield row | {"note": notes(str(row["note"]), told)}
