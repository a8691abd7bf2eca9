"""The forest of one trial and feature set, and what is worth knowing about it: ``forest.skops``, ``fit.json``."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import Dataset, Task
from sentinel_forest.errors import InputError
from sentinel_forest.features import find_set
from sentinel_forest.features.table import bounded_values
from sentinel_forest.io import checksums, tables
from sentinel_forest.kept import kept
from sentinel_forest.models import forest as forests
from sentinel_forest.models import persistence
from sentinel_forest.models.candidate import TablesOf
from sentinel_forest.models.dummy import dummies
from sentinel_forest.models.engines import Grown
from sentinel_forest.models.forest import Training
from sentinel_forest.steps import Output

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
    fractions = training.fractions(len(task.names))
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
                name: {"rows": int(count), "fraction": float(fraction)}
                for name, count, fraction in zip(task.names, counts, fractions, strict=True)
            },
            "missing": {name: int(count) for name, count in zip(features, missing, strict=True) if count},
        },
        "trees": {
            "number": len(estimators),
            "nodes": sum(estimator.tree_.node_count for estimator in estimators),
            "deepest": max(int(estimator.tree_.max_depth) for estimator in estimators),
        },
        "out_of_bag": forests.out_of_bag(training, grown.votes),
        "importance": {
            "caveat": IMPORTANCE_CAVEAT,
            "features": dict(zip(features, grown.forest.feature_importances_.tolist(), strict=True)),
        },
        "dummies": dummies(training, task, features),
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


@kept("models.fit")
def fit(
    *, release: str, of: TablesOf, forest: ForestSettings, seed: int, threads: int = 1, model: Output, fit: Output
) -> None:
    """Grow the forest of one trial and feature set.

    Parameters
    ----------
    release
        Name of the release, for its record and for messages.
    of : TablesOf
        The trial, and the tables of the feature set.
    forest : ForestSettings
        How it is grown.
    seed : int
        Seed of the scheme.
    threads : int
        They change no result.
    model, fit : Path
        The forest, and what is worth knowing about it.
    """
    opened = of.opened()
    about = find_set(opened.feature_sets, of.feature_set)
    task, roles = opened.tasks[about.task], tables.read_parquet(of.split, ["patch", "role"])
    where = f"{release}, {of.scheme} trial {of.trial}, {of.feature_set}"
    training = forests.training_rows(of.features, about.features, roles, where)
    own_seed = checksums.seed(seed, of.trial, of.feature_set, "forest")
    print(f"{where}: {len(training.y)} training rows, {len(about.features)} features", file=sys.stderr)
    settings, tuning = _tuned(training, of.catalog, forest, own_seed, threads)
    grown = forests.grow(training, settings, own_seed, threads)
    forests.name(grown.forest, [task.names[place] for place in training.present], about.features, own_seed)
    said = {
        "release": release,
        "scheme": of.scheme,
        "trial": of.trial,
        "set": of.feature_set,
        "task": task.name,
        "seed": own_seed,
        "settings": settings.model_dump(),
        "features": list(about.features),
        "tuning": tuning,
        "bounded": bounded_values(of.features),
        **describe(training, grown, task, about.features, *_counts(of.catalog, opened, task, training)),
    }
    persistence.save(model, grown.forest)
    tables.write_text(fit, json.dumps(said, indent=1, allow_nan=False) + "\n")


def _counts(catalog: Path, dataset: Dataset, task: Task, training: Training) -> tuple[int | None, int | None]:
    """Groups and independent labels that the training rows come from; None where that is unknown.

    See `Dataset.independent_labels`, which is None where each row has a label of its own.
    """
    table = tables.read_parquet(catalog, ["patch", "group", *dataset.ground_columns])
    rows = table.set_index("patch").loc[training.patches]
    return int(rows["group"].nunique()) or None, dataset.independent_labels(task.name, rows, training.pixels)


def _tuned(
    training: Training, catalog: Path, settings: ForestSettings, seed: int, threads: int
) -> tuple[ForestSettings, dict[str, Any] | None]:
    """`forest.tuned`, with the groups of a catalog."""
    if settings.tune is None:
        return settings, None
    group = forests.row_groups(catalog, training.patches)
    if not (group >= 0).any():
        raise InputError(
            "Tuning keeps groups together, and no training patch has a known one.",
            where="forest.tune",
            found=f"{len(group)} training rows without a group",
            remedy="leave out forest.tune",
        )
    # A row of an unknown group may belong with rows of any fold: it is only trained on afterwards.
    return forests.tuned(training.of(group >= 0), group[group >= 0], settings, seed, threads)
