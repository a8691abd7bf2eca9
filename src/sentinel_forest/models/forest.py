"""Random forests: grown on the training rows of a trial, saved, and asked for classes.

A forest is grown in `parts`, each from a seed of its own, which may be separate jobs:

    python -m sentinel_forest.models.forest ... --model forest.skops --fit fit.json           all at once
    python -m sentinel_forest.models.forest ... --part 1 --model 1.skops                      one part
    python -m sentinel_forest.models.forest ... --grown 1.skops 2.skops --model ... --fit ... put together

The first gives the same bytes as the others together.

Rows of pixel tasks are drawn stratified by class and patch, so that rare classes are learnt, and carry
the number of pixels that they stand for. With `draw_weights` (the default) the trees' bootstraps draw
rows in these proportions, and the forest sees the classes as often as they are in the training patches:
it is scored on all pixels. Without, it sees them as drawn, finds more of the rare classes, and is wrong
more often. On real pixels (10 training images, 400 pixels a class and image) the overall accuracy was
0.87 with and 0.76 without, the mean accuracy of the classes 0.53 and 0.60.

Breiman 2001, Machine Learning 45, 5-32, doi 10.1023/A:1010933404324.
"""

import argparse
import copy
import json
import sys
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from sentinel_forest import datasets
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.validation import parse
from sentinel_forest.datasets.base import Dataset, Question, Task
from sentinel_forest.errors import InputError, run
from sentinel_forest.features import find_set
from sentinel_forest.io import checksums, tables
from sentinel_forest.models import persistence, tuning
from sentinel_forest.models.engines import ENGINES, Grown, each_block

_CHECK_TREES = 10
_ROUNDING = 1e-6


class Training:
    """The rows to learn from.

    Attributes
    ----------
    X : ndarray
        float32 (rows, features); NaN is missing.
    y : ndarray
        int64 (rows,): index into `present`.
    present : ndarray
        Indices into the task's classes, of those that have rows; rising.
    weight : ndarray
        float64 (rows,): pixels (or patches) that a row stands for.
    patches : ndarray
        str (rows,): the patch of each row.
    pixels : ndarray or None
        int32 (rows,): for pixel tasks the flat index of each row's pixel in its patch.
    """

    def __init__(
        self,
        X: np.ndarray,
        labels: np.ndarray,
        weight: np.ndarray,
        patches: np.ndarray,
        pixels: np.ndarray | None = None,
    ) -> None:
        self.X, self.weight, self.patches, self.pixels = X, weight, patches, pixels
        self.present, self.y = np.unique(labels, return_inverse=True)

    def shares(self, classes: int) -> np.ndarray:
        """Share of each of the task's classes, by weight; float64 (classes,)."""
        sums = np.zeros(classes)
        sums[self.present] = np.bincount(self.y, self.weight)
        return sums / sums.sum()

    def of(self, rows: np.ndarray) -> "Training":
        """Some of the rows: places, or bool (rows,)."""
        pixels = None if self.pixels is None else self.pixels[rows]
        labels = self.present[self.y[rows]]
        return Training(self.X[rows], labels, self.weight[rows], self.patches[rows], pixels)


def training_rows(files: Sequence[Path], features: Sequence[str], split: pd.DataFrame, where: str) -> Training:
    """The rows of the training patches, in the order of the files.

    Parameters
    ----------
    files : sequence of Path
        The feature tables of all shards of a release, see `sentinel_forest.features.table`.
    features : sequence of str
        Columns to learn from.
    split : DataFrame
        A trial: patch, role.
    where : str
        What the trial is called, for messages.

    Raises
    ------
    InputError
        If there is no training row, only one class, or an infinite feature.
    """
    chosen = set(split.loc[split["role"] == "train", "patch"])
    parts = [labelled_rows(file, features, chosen) for file in files]
    table = pd.concat(parts, ignore_index=True)
    training = Training(
        np.ascontiguousarray(table[list(features)].to_numpy(np.float32)),
        table["label"].to_numpy(np.int64),
        table["weight"].to_numpy(np.float64),
        table["patch"].to_numpy(),
        table["pixel"].to_numpy() if "pixel" in table else None,
    )
    _check_rows(training, features, where, len(chosen))
    return training


def labelled_rows(file: Path, features: Sequence[str], patches: Set[str]) -> pd.DataFrame:
    """Labelled rows of a feature table that belong to some patches; patches count as one each.

    Raises
    ------
    InputError
        If there is no such table, or it lacks columns.
    """
    table = tables.read_parquet(file)
    missing = [name for name in ("patch", "label", *features) if name not in table]
    if missing:
        raise InputError(
            "A feature table lacks columns.",
            where=file,
            found=list(table),
            expected=missing,
            remedy="delete it; the run computes it again",
        )
    table = table[table["patch"].isin(patches) & (table["label"] >= 0)]
    return table if "weight" in table else table.assign(weight=np.float32(1))


def _check_rows(training: Training, features: Sequence[str], where: str, patches: int) -> None:
    remedy = "choose another scheme or seed, or shares that leave more for training"
    if not len(training.y):
        raise InputError(
            "There is nothing to train a forest on.",
            where=where,
            found=f"{patches} training patches, none with a labelled row",
            remedy=remedy,
        )
    if len(training.present) == 1:
        raise InputError(
            "A forest needs two classes at least.",
            where=where,
            found=f"class {training.present[0]} only, in {len(training.y)} training rows",
            remedy=remedy,
        )
    infinite = np.isinf(training.X)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise InputError(
            "A feature is infinite.",
            where=f"{where}, patch {training.patches[row]}",
            found=f"{features[column]} = {training.X[row, column]}",
            expected="finite values, or NaN for missing",
        )


# ------------------------------------------------------------------------------------------- growing


def part_trees(settings: ForestSettings, part: int) -> int:
    """Number of trees in a part (from 1)."""
    trees, parts = settings.trees, settings.parts
    return int(part * trees // parts - (part - 1) * trees // parts)


def grow(training: Training, settings: ForestSettings, part: int, seed: int, threads: int) -> Grown:
    """Grow one part of a forest (from 1); `seed` is that of the whole forest."""
    weight = training.weight if settings.draw_weights else None
    engine = ENGINES[settings.engine]
    trees = part_trees(settings, part)
    return engine(training.X, training.y, weight, settings, trees, checksums.seed(seed, part), threads)


def grow_all(training: Training, settings: ForestSettings, seed: int, threads: int) -> Grown:
    """Grow all parts of a forest and put them together."""
    return merge([grow(training, settings, part, seed, threads) for part in range(1, settings.parts + 1)])


def tuned(
    training: Training, group: np.ndarray, settings: ForestSettings, seed: int, threads: int
) -> tuple[ForestSettings, dict[str, Any] | None]:
    """Settings chosen by folds of the training rows, and what the folds say; see `tuning`.

    Parameters
    ----------
    training : Training
        All rows that may be looked at.
    group : ndarray
        (rows,): the group of each.
    settings : ForestSettings
        With ``tune``; without, they are given back as they are.

    Returns
    -------
    settings : ForestSettings
        As given, with the chosen values.
    tuning : dict or None
        ``score``, ``groups``, ``chosen`` and ``tried``: the values with the scores of their ``folds``.
    """
    tune = settings.tune
    if tune is None:
        return settings, None
    candidates = tuning.grid(settings)

    def score(candidate: ForestSettings, fold: tuning.Fold) -> float:
        kept, rest = training.of(fold[0]), fold[1]
        grown = grow_all(kept, candidate, checksums.seed(seed, "tuning"), threads)
        told = training.present.searchsorted(kept.present)[predict(grown.forest, training.X[rest], threads)]
        truth, weight = training.y[rest], training.weight[rest]
        return _accuracies(truth, told, weight)[tune.score]

    parts = tuning.folds(training.y, group, tune.folds, checksums.seed(seed, "folds"))
    place, scores = tuning.choose(candidates, parts, score)
    values = [{name: getattr(each, name) for name in tune.tried} for each in candidates]
    about = {
        "score": tune.score,
        "groups": len(np.unique(group)),
        "chosen": values[place],
        "tried": [
            {**value, "folds": row.tolist(), "mean": float(row.mean())}
            for value, row in zip(values, scores, strict=True)
        ],
    }
    return settings.model_copy(update=values[place]), about


def _accuracies(truth: np.ndarray, told: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Share of rows told right, by weight, over all rows and as the mean of the classes that are there."""
    hit, totals = np.bincount(truth, weight * (truth == told)), np.bincount(truth, weight)
    there = totals > 0
    return {
        "accuracy": float(hit.sum() / totals.sum()),
        "balanced_accuracy": float(np.mean(hit[there] / totals[there])),
    }


def merge(parts: Sequence[Grown]) -> Grown:
    """One forest of the trees of all parts, in their order."""
    forest = copy.copy(parts[0].forest)
    forest.estimators_ = [tree for part in parts for tree in part.forest.estimators_]
    forest.set_params(n_estimators=len(forest.estimators_))
    return Grown(forest, np.sum([part.votes for part in parts], axis=0))


def name(forest: RandomForestClassifier, classes: Sequence[str], features: Sequence[str], seed: int) -> None:
    """Give a forest the names of its classes and features, so that its file explains itself."""
    forest.classes_ = np.array(classes)
    forest.feature_names_in_ = np.array(features, dtype=object)
    forest.set_params(random_state=seed)


# ---------------------------------------------------------------------------------------- predicting


def predict(forest: RandomForestClassifier, X: np.ndarray, threads: int = 1) -> np.ndarray:
    """The class that the trees give the largest share to, together; the same for any `threads`.

    What ``forest.predict`` gives, faster: rows that are alike go through the trees one after another, so
    that the nodes on their way are at hand, and a row is left out of the remaining trees as soon as they
    cannot change its class any more.

    Parameters
    ----------
    forest : RandomForestClassifier
        See `sentinel_forest.models.persistence.load`.
    X : ndarray
        float32 (rows, features), C order.

    Returns
    -------
    ndarray
        int64 (rows,): index into ``forest.classes_``.
    """
    trees = [estimator.tree_ for estimator in forest.estimators_]
    classes = len(forest.classes_)
    nothing = np.empty(0, dtype=np.int64)
    leaves = each_block(lambda place: trees[0].apply(X[place]), len(X), threads)
    order = np.argsort(np.concatenate([nothing, *leaves]), kind="stable")
    blocks = each_block(lambda place: _predict_block(trees, classes, X[order[place]]), len(X), threads)
    result = np.empty(len(X), dtype=np.int64)
    result[order] = np.concatenate([nothing, *blocks])
    return result


def _predict_block(trees: Sequence[Any], classes: int, X: np.ndarray) -> np.ndarray:
    """`predict` for some rows on one thread."""
    result = np.empty(len(X), dtype=np.int64)
    rows = np.arange(len(X))
    votes = np.zeros((len(X), classes))
    for done, tree in enumerate(trees, 1):
        votes += tree.predict(X)
        rest = len(trees) - done
        if done % _CHECK_TREES == 0 and done >= rest:
            second, first = np.partition(votes, classes - 2, axis=1)[:, -2:].T
            decided = first - second > rest + _ROUNDING
            result[rows[decided]] = votes[decided].argmax(axis=1)
            open_ = ~decided
            rows, votes, X = rows[open_], votes[open_], X[open_]
            if not len(rows):
                break
    result[rows] = votes.argmax(axis=1)
    return result


# ------------------------------------------------------------------------------------ trivial company


def best_threshold(training: Training, positive: np.ndarray) -> tuple[int, float, bool, float]:
    """The feature and threshold that separate two kinds of classes best.

    Parameters
    ----------
    training : Training
        Rows count by their weight.
    positive : ndarray
        bool (classes present,): which count as positive.

    Returns
    -------
    feature : int
        Column of `Training.X`.
    threshold : float
        Halfway between two neighbouring values.
    above : bool
        Whether larger values are positive. Missing values are negative either way.
    balanced_accuracy : float
        Mean of the shares of positive and of negative rows that are told right. On a tie the first
        feature and the lowest threshold win, and `above` before below.
    """
    is_positive = positive[training.y]
    found = [_threshold(column, is_positive, training.weight) for column in training.X.T]
    feature = int(np.argmax([score for _, _, score in found]))
    threshold, above, score = found[feature]
    return feature, threshold, above, score


def _threshold(values: np.ndarray, positive: np.ndarray, weight: np.ndarray) -> tuple[float, bool, float]:
    """`best_threshold` of one feature: all thresholds at once, over the sorted values."""
    order = np.argsort(values, kind="stable")
    order = order[: np.isfinite(values).sum()]
    ordered = values[order].astype(np.float64)
    ends = np.flatnonzero(ordered[1:] > ordered[:-1])
    if not len(ends):
        return 0.0, True, 0.0
    right = np.cumsum(np.where(positive[order], weight[order], 0)) / weight[positive].sum()
    wrong = np.cumsum(np.where(positive[order], 0, weight[order])) / weight[~positive].sum()
    # Share of all positive (negative) rows above or below; those that are missing are negative.
    above = (right[-1] - right[ends] + 1 - (wrong[-1] - wrong[ends])) / 2
    below = (right[ends] + 1 - wrong[ends]) / 2
    best_above, best_below = int(np.argmax(above)), int(np.argmax(below))
    is_above = bool(above[best_above] >= below[best_below])
    place = best_above if is_above else best_below
    threshold = (ordered[ends[place]] + ordered[ends[place] + 1]) / 2
    return float(threshold), is_above, float(max(above[best_above], below[best_below]))


def trivial(training: Training, task: Task, features: Sequence[str]) -> dict[str, Any]:
    """What classifiers that know next to nothing would say.

    Returns
    -------
    dict
        ``majority``: the most frequent class; ``class shares``: share of each class by weight;
        ``best threshold``: None, or for pixel tasks the answer of a single feature to the first
        question of the task: ``feature``, ``threshold``, ``above``, ``question``, its
        ``balanced_accuracy`` in training, and the class names it gives: ``positive`` and
        ``negative``, the most frequent class of either kind.
    """
    shares = training.shares(len(task.names))
    return {
        "majority": task.names[int(shares.argmax())],
        "class shares": dict(zip(task.names, shares.tolist(), strict=True)),
        "best threshold": _threshold_rule(training, task, features, shares),
    }


def _threshold_rule(
    training: Training, task: Task, features: Sequence[str], shares: np.ndarray
) -> dict[str, Any] | None:
    if task.unit != "pixel" or not task.questions:
        return None
    question: Question = task.questions[0]
    positive = np.isin(task.names, question.positive)
    if positive[training.present].all() or not positive[training.present].any():
        return None
    feature, threshold, above, score = best_threshold(training, positive[training.present])
    return {
        "question": question.name,
        "feature": features[feature],
        "threshold": threshold,
        "above": above,
        "positive": task.names[int(np.where(positive, shares, -1).argmax())],
        "negative": task.names[int(np.where(positive, -1, shares).argmax())],
        "balanced_accuracy": score,
    }


# ---------------------------------------------------------------------------------------- what to say


def out_of_bag(training: Training, votes: np.ndarray) -> dict[str, Any]:
    """Accuracy on training rows by the trees that did not see them; rows count by their weight."""
    asked = votes.sum(axis=1) > 0
    if not asked.any():
        return {"rows": 0, "accuracy": None, "balanced_accuracy": None, "caveat": OUT_OF_BAG_CAVEAT}
    told = votes[asked].argmax(axis=1)
    return {
        "rows": int(asked.sum()),
        **_accuracies(training.y[asked], told, training.weight[asked]),
        "caveat": OUT_OF_BAG_CAVEAT,
    }


OUT_OF_BAG_CAVEAT = (
    "rows of one patch and of one group are alike, and a tree has seen some of them: "
    "compare with the score on held-out groups"
)
IMPORTANCE_CAVEAT = (
    "mean decrease of Gini impurity in training; it favours features with many values and shares "
    "itself out among features that say the same"
)


def describe(
    training: Training,
    grown: Grown,
    task: Task,
    features: Sequence[str],
    groups: int | None,
    independent_labels: int | None = None,
) -> dict[str, Any]:
    """What is worth knowing about a forest and the rows it was grown on; see ``fit.json``."""
    shares = training.shares(len(task.names))
    counts = np.zeros(len(task.names), dtype=np.int64)
    counts[training.present] = np.bincount(training.y)
    missing = np.isnan(training.X).sum(axis=0)
    estimators = grown.forest.estimators_
    return {
        "training": {
            "rows": len(training.y),
            "patches": len(np.unique(training.patches)),
            "groups": groups,
            "independent_labels": independent_labels,
            "classes": {
                name: {"rows": int(count), "share": float(share)}
                for name, count, share in zip(task.names, counts, shares, strict=True)
            },
            "missing": {name: int(count) for name, count in zip(features, missing, strict=True) if count},
        },
        "trees": {
            "number": len(estimators),
            "nodes": sum(estimator.tree_.node_count for estimator in estimators),
            "deepest": max(int(estimator.tree_.max_depth) for estimator in estimators),
        },
        "out_of_bag": out_of_bag(training, grown.votes),
        "importance": {
            "caveat": IMPORTANCE_CAVEAT,
            "features": dict(zip(features, grown.forest.feature_importances_.tolist(), strict=True)),
        },
        "trivial": trivial(training, task, features),
        "notes": _notes(training, task, features, counts, missing, groups, independent_labels),
    }


def _notes(
    training: Training,
    task: Task,
    features: Sequence[str],
    counts: np.ndarray,
    missing: np.ndarray,
    groups: int | None,
    independent_labels: int | None,
) -> list[str]:
    """What a reader of the scores must know."""
    notes = [
        f"class {name!r} has no training row and is never predicted"
        for name, count in zip(task.names, counts, strict=True)
        if count == 0
    ]
    notes += [
        f"feature {name!r} is missing in all training rows"
        for name, count in zip(features, missing, strict=True)
        if count == len(training.y)
    ]
    if missing.any():
        notes.append("training rows with missing features take part; each split sends them all to one of its sides")
    if independent_labels is not None:
        notes.append(
            f"labels are of areas larger than a pixel: the {len(training.y)} training rows have "
            f"{independent_labels} independent labels"
        )
    if groups == 1:
        notes.append("all training rows come from one group; nothing is known of other groups")
    return notes


# ------------------------------------------------------------------------------------------- the step


def _counts(catalog: Path | None, dataset: Dataset, task: Task, training: Training) -> tuple[int | None, int | None]:
    """Groups and independent labels that the training rows come from; None where that is unknown.

    See `Dataset.independent_labels`, which is None where each row has a label of its own.
    """
    if catalog is None:
        return None, None
    table = tables.read_parquet(catalog, ["patch", "group", *dataset.ground_columns])
    rows = table.set_index("patch").loc[training.patches]
    return int(rows["group"].nunique()) or None, dataset.independent_labels(task.name, rows, training.pixels)


def _read_parts(training: Training, settings: ForestSettings, given: Sequence[Path]) -> Grown:
    """The forest that parts make up."""
    parts = [Grown(*persistence.load_grown(path)) for path in given]
    expected = [part_trees(settings, part) for part in range(1, settings.parts + 1)]
    found = [len(part.forest.estimators_) for part in parts]
    if found != expected or any(part.votes.shape != (len(training.y), len(training.present)) for part in parts):
        raise InputError(
            "These parts do not make up the forest.",
            where=", ".join(map(str, given)),
            found=f"{found} trees",
            expected=f"{expected} trees, grown on {len(training.y)} training rows",
            remedy="give all parts in their order, grown with the same settings",
        )
    return merge(parts)


def _tuned(
    training: Training, catalog: Path | None, settings: ForestSettings, seed: int, threads: int
) -> tuple[ForestSettings, dict[str, Any] | None]:
    """`tuned`, with the groups of a catalog."""
    if settings.tune is None:
        return settings, None
    if catalog is None:
        raise InputError("Tuning needs the groups of the training patches.", remedy="give --catalog")
    group = row_groups(catalog, training.patches)
    if not (group >= 0).any():
        raise InputError(
            "Tuning keeps groups together, and no training patch has a known one.",
            where="forest.tune",
            found=f"{len(group)} training rows without a group",
            remedy="leave out forest.tune",
        )
    # A row of an unknown group may belong with rows of any fold: it is only trained on afterwards.
    return tuned(training.of(group >= 0), group[group >= 0], settings, seed, threads)


def row_groups(catalog: Path, patches: np.ndarray) -> np.ndarray:
    """Number of the group of each row's patch, in the order of their names: int64 (rows,); -1 unknown."""
    table = tables.read_parquet(catalog, ["patch", "group"]).set_index("patch")
    return pd.factorize(table["group"].loc[patches], sort=True)[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sentinel_forest.models.forest", description=__doc__)
    parser.add_argument("--release", required=True, help="name of the release")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--layout", type=json.loads, default={}, help="deviations from the layout, JSON")
    parser.add_argument("--catalog", type=Path, help="for the groups: to count them, to tune")
    parser.add_argument("--features", type=Path, nargs="+", required=True, help="tables of all shards")
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON, see config.forest")
    parser.add_argument("--seed", type=int, required=True, help="seed of the version")
    parser.add_argument("--scheme", required=True)
    parser.add_argument("--trial", type=int, required=True)
    parser.add_argument("--set", required=True, help="name of a feature set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--part", type=int, help="grow this part (from 1) only")
    parser.add_argument("--grown", type=Path, nargs="+", default=[], help="parts that are grown, in order")
    parser.add_argument("--model", type=Path, required=True, help="forest.skops, or a part of it")
    parser.add_argument("--fit", type=Path, help="fit.json; not with --part")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Grow a forest, or a part of one, or put parts together."""
    given = _parser().parse_args(argv)
    settings = parse(ForestSettings.model_validate, given.settings, "the settings of the forest")
    if (given.part is None) == (given.fit is None):
        raise InputError("Give either --part or --fit.", remedy="a part has no fit.json; a whole forest has")
    if given.part is not None and not 1 <= given.part <= settings.parts:
        raise InputError("There is no such part.", found=given.part, expected=f"1..{settings.parts}")
    dataset = datasets.load(given.dataset, given.layout)
    feature_set = find_set(dataset.feature_sets, given.set)
    task, features = dataset.tasks[feature_set.task], feature_set.features
    where = f"{given.release}, {given.scheme} trial {given.trial}, {given.set}"
    split = tables.read_parquet(given.split, ["patch", "role"])
    training = training_rows(given.features, features, split, where)
    seed = checksums.seed(given.seed, given.release, given.scheme, given.trial, given.set, "forest")
    classes = [task.names[place] for place in training.present]
    print(f"{where}: {len(training.y)} training rows, {len(features)} features", file=sys.stderr)
    settings, tuning_table = _tuned(training, given.catalog, settings, seed, given.threads)
    if given.part is not None:
        part = grow(training, settings, given.part, seed, given.threads)
        name(part.forest, classes, features, seed)
        persistence.save(given.model, {"forest": part.forest, "votes": part.votes})
        return
    if given.grown:
        grown = _read_parts(training, settings, given.grown)
    else:
        grown = grow_all(training, settings, seed, given.threads)
    name(grown.forest, classes, features, seed)
    about = {
        "release": given.release,
        "scheme": given.scheme,
        "trial": given.trial,
        "set": given.set,
        "task": task.name,
        "seed": seed,
        "settings": settings.model_dump(),
        "features": list(features),
        "tuning": tuning_table,
        **describe(training, grown, task, features, *_counts(given.catalog, dataset, task, training)),
    }
    persistence.save(given.model, grown.forest)
    tables.write_text(given.fit, json.dumps(about, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    run(main)
