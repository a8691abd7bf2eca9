"""What forests and dummy classifiers say about held-out patches, counted patch by patch.

Only held-out patches of the roles that are scored are predicted: each is read once, for all forests that need it. If
the forests do not fit into `memory` together, they come in batches, and each batch reads once.

Beside the forest stand classifiers that know next to nothing, from the same training rows:

===============  ======================================================================================
majority         says the most frequent class
class fractions     draws each answer at random by the fractions of the classes in training; seeded by patch
best threshold   for pixel tasks with a two-class question: compares one feature with one threshold. It
                 knows two answers only, the most frequent class of either kind (``thick cloud`` and
                 ``clear``): read it by its question
===============  ======================================================================================
"""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest.config.settings import ScoreSettings
from sentinel_forest.datasets.base import Dataset, kinds_of
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.io import checksums, tables
from sentinel_forest.io import schemas as pa
from sentinel_forest.models import forest
from sentinel_forest.models.batches import forest_bytes, in_batches
from sentinel_forest.models.candidate import Candidate, incomplete, load_candidate, read_fit
from sentinel_forest.models.counts import confusion, counts_table
from sentinel_forest.models.earlier import Earlier
from sentinel_forest.models.samples import Samples, cut, patch_samples, pixel_samples
from sentinel_forest.models.scored_pixels import ALL_PIXELS, sample_of
from sentinel_forest.steps import ForestFile, Output, SetFile, TrialFile

PREDICTIONS = pa.DataFrameSchema(
    {
        "scheme": pa.Column("str"),
        "trial": pa.Column("int32", pa.Check.ge(1)),
        **tables.columns("str", "set", "classifier"),
        "patch": pa.Column("str"),
        "true": pa.Column("str"),
        "predicted": pa.Column("str"),
        "count": pa.Column("int64", pa.Check.ge(1)),
        "pixels": pa.Column("str"),
        "pixel_weight": pa.Column("float64", pa.Check.ge(1)),
    },
    strict=True,
    ordered=True,
)
"""Confusion by patch. scheme, trial, set: the forest; classifier: ``forest`` or a dummy classifier;
pixels: ``all``, or ``sample of N``; true, predicted: names of classes; count: scored pixels, or 1 for the patch of a
patch task; pixel_weight: pixels that each of them stands for, 1 where all are scored. Counts of 0 have no row."""


# ------------------------------------------------------------------------------------------- counting


def answers(candidate: Candidate, samples: Samples, names: Sequence[str], threads: int) -> dict[str, np.ndarray]:
    """What the forest and the dummy classifiers say: for each classifier counts int64 (patches, classes, classes)."""
    classes = len(names)
    size = (len(samples.patches), classes, classes)
    predicted = candidate.codes[forest.predict(candidate.model, samples.X, threads)]
    dummies = candidate.fit["dummies"]
    given = confusion(samples.truth, predicted, samples.place, *size)
    found = {
        "forest": given,
        "majority": _always(given.sum(axis=2), names.index(dummies["majority"])),
        "class fractions": _draw(given.sum(axis=2), candidate.fit, samples.patches, names),
    }
    rule = dummies["best threshold"]
    if rule is not None:
        found["best threshold"] = confusion(
            samples.truth, _apply(rule, candidate, samples.X, names), samples.place, *size
        )
    return found


def _always(true: np.ndarray, answer: int) -> np.ndarray:
    """Counts of a classifier with one answer; `true`: int64 (patches, classes)."""
    counts = np.zeros((*true.shape, true.shape[1]), dtype=np.int64)
    counts[:, :, answer] = true
    return counts


def _draw(true: np.ndarray, fit: Mapping[str, Any], patches: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Counts of a classifier that draws its answers by the fractions of the classes in training."""
    fractions = np.array([fit["dummies"]["class fractions"][entry] for entry in names])
    fractions = fractions / fractions.sum()
    return np.array(
        [
            np.random.default_rng(checksums.seed(fit["seed"], "class fractions", str(patch))).multinomial(
                row, fractions
            )
            for patch, row in zip(patches, true, strict=True)
        ],
        dtype=np.int64,
    ).reshape(*true.shape, len(names))


def _apply(rule: Mapping[str, Any], candidate: Candidate, X: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Answers of the best threshold; a missing value is negative."""
    values = X[:, list(candidate.model.feature_names_in_).index(rule["feature"])].astype(np.float64)
    positive = values > rule["threshold"] if rule["above"] else values < rule["threshold"]
    return np.where(positive, names.index(rule["positive"]), names.index(rule["negative"]))


# ------------------------------------------------------------------------------------------- the step


class Predictions:
    """Gathers the rows of the table, candidate by candidate."""

    def __init__(
        self, dataset: Dataset, candidates: Sequence[Candidate], threads: int, sample: int | None = None
    ) -> None:
        self._dataset, self._threads, self._sample = dataset, threads, sample
        self._candidates = candidates
        self._rows: list[dict[str, list[pd.DataFrame]]] = [{} for _ in candidates]

    def add(self, set_name: str, samples: Samples) -> None:
        """Predict samples with all candidates of a feature set that hold them out."""
        names = self._dataset.tasks[self._dataset.feature_sets[set_name].task].names
        for rows, candidate in zip(self._rows, self._candidates, strict=True):
            if candidate.set != set_name:
                continue
            own = samples.of(candidate.held_out)
            if not len(own.truth):
                continue
            pixels = ALL_PIXELS if own.totals is None or self._sample is None else sample_of(self._sample)
            for classifier, counts in answers(candidate, own, names, self._threads).items():
                table = counts_table(counts, own.patches, names, names, own.totals)
                rows.setdefault(classifier, []).append(table.assign(classifier=classifier, pixels=pixels))

    def table(self) -> pd.DataFrame:
        """See `PREDICTIONS`: forests as given, then classifiers, then patches in file order."""
        parts = [
            pd.concat(tables_).assign(scheme=candidate.scheme, trial=candidate.trial, set=candidate.set)
            for rows, candidate in zip(self._rows, self._candidates, strict=True)
            for tables_ in rows.values()
        ]
        kinds = {name: str(column.dtype) for name, column in PREDICTIONS.columns.items()}
        empty = pd.DataFrame({name: [] for name in kinds})
        return pd.concat(parts or [empty], ignore_index=True)[list(kinds)].astype(kinds)


def predict_batch(
    dataset: Dataset,
    folder: Path,
    rows: pd.DataFrame,
    features: Mapping[str, Path],
    candidates: Sequence[Candidate],
    threads: int,
    sample: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """What some forests say of the rows of a shard; see `PREDICTIONS`.

    Parameters
    ----------
    folder : Path
        The release, which forests of pixel tasks are asked about.
    features : mapping
        For each feature set of a patch task its table of the shard.
    sample, seed : int
        Pixels of a patch that are scored (None: all), and where their draw starts from.
    """
    units = {name: dataset.tasks[about.task].unit for name, about in dataset.feature_sets.items()}
    of_pixels = [entry for entry in candidates if units[entry.set] == "pixel"]
    of_patches = [entry for entry in candidates if units[entry.set] == "patch"]
    result = Predictions(dataset, candidates, threads, sample)
    predict_pixels(dataset, folder, rows, of_pixels, result, sample, seed)
    predict_patches(dataset, features, of_patches, result)
    return result.table()


def predict_pixels(
    dataset: Dataset, folder: Path, rows: pd.DataFrame, candidates: Sequence[Candidate], result: Predictions,
    sample: int | None, seed: int,
) -> None:  # fmt: skip
    """Predict held-out patches for all candidates of pixel tasks; each patch is read once."""
    sets = {candidate.set: dataset.feature_sets[candidate.set] for candidate in candidates}
    if not sets:
        return
    held_out = {
        name: frozenset().union(*(entry.held_out for entry in candidates if entry.set == name)) for name in sets
    }
    labels = [layer for entry in sets.values() for layer in dataset.label_layers(entry.task)]
    layers = tuple(dict.fromkeys([*(layer for entry in sets.values() for layer in entry.layers.values()), *labels]))
    chosen = rows[rows["patch"].isin(frozenset().union(*held_out.values()))]
    kinds = tuple(dict.fromkeys(kind for entry in sets.values() for kind in kinds_of(dataset, entry)))
    for block in read_blocks("predicted", dataset, folder, chosen, layers, kinds):
        for name in sets:
            wanted = block.patches["patch"].isin(held_out[name]).to_numpy()
            if wanted.any():
                result.add(name, pixel_samples(dataset, name, cut(block, wanted), sample, seed))


def predict_patches(
    dataset: Dataset, features: Mapping[str, Path], candidates: Sequence[Candidate], result: Predictions
) -> None:
    """Predict held-out patches for all candidates of patch tasks, from their feature tables."""
    for name in dict.fromkeys(candidate.set for candidate in candidates):
        result.add(name, patch_samples(tables.read_parquet(features[name]), dataset.feature_sets[name].features))


def predict(
    *,
    of: ShardOf,
    splits: list[TrialFile],
    forests: list[ForestFile],
    fits: list[ForestFile],
    features: list[SetFile],
    scoring: ScoreSettings = ScoreSettings(),  # noqa: B008 (it is frozen)
    seed: int = 0,
    memory: float = 2000,
    threads: int = 1,
    store: Path | None = None,
    output: Output,
) -> None:
    """Predict the held-out patches of a shard with every forest.

    Parameters
    ----------
    of : ShardOf
        The shard.
    splits : list of TrialFile
        The split of each trial.
    forests, fits : list of ForestFile
        The forests, and what is known about each.
    features : list of SetFile
        Tables of the shard, of the feature sets of patch tasks.
    scoring : ScoreSettings
        Which roles, and which pixels of a patch, are predicted.
    seed : int
        Seed of the release, for samples of pixels.
    memory : float
        MB of forests that are held together.
    threads : int
        They change no result.
    store : Path
        Folder of earlier results: forests whose predictions it has are not asked again, and the shard is read once
        for all others. See `sentinel_forest.kept`.
    output : Path
        The table `PREDICTIONS`.
    """
    opened, rows = of.opened(), of.rows()
    of_set = {entry.set: entry.path for entry in features}
    about = {entry.owner: entry.path for entry in fits}
    roles = {entry.owner: entry.path for entry in splits}
    _check_given(forests, roles, about)

    def load(entry: ForestFile) -> Candidate:
        split, fit = roles[entry.scheme, entry.trial], about[entry.owner]
        return load_candidate(opened, entry.scheme, entry.trial, entry.set, split, entry.path, fit, scoring.roles)

    drawn = {"scoring": scoring, **({"seed": seed} if scoring.sample else {})}
    earlier = Earlier(store, {**vars(of), **drawn}, PREDICTIONS)
    known = {
        entry.owner: earlier.about(entry, about[entry.owner], roles[entry.scheme, entry.trial], of_set.get(entry.set))
        for entry in forests
    }
    tables_of = {entry.owner: table for entry in forests if (table := earlier.take(known[entry.owner])) is not None}
    missing = [entry for entry in forests if entry.owner not in tables_of]
    sizes = [forest_bytes(read_fit(about[entry.owner])) for entry in missing]
    for batch in in_batches(sizes, memory * 10**6) if missing else ():
        loaded = [load(entry) for entry in missing[batch]]
        table = predict_batch(opened, of.folder, rows, of_set, loaded, threads, scoring.sample, seed)
        for entry in missing[batch]:
            own = (table[["scheme", "trial", "set"]] == list(entry.owner)).all(axis=1)
            tables_of[entry.owner] = table[own]
            earlier.put(known[entry.owner], table[own])
    parts = [tables_of[entry.owner] for entry in forests] or [Predictions(opened, (), threads).table()]
    tables.write_parquet(output, pd.concat(parts, ignore_index=True), PREDICTIONS)


def _check_given(forests: Sequence[ForestFile], splits: Container[object], fits: Container[object]) -> None:
    """Each forest must have come with the split of its trial, and with what is known about it."""
    for entry in forests:
        lacking = "fits" if entry.owner not in fits else ""
        lacking = "splits" if (entry.scheme, entry.trial) not in splits else lacking
        if lacking:
            raise incomplete(entry, lacking)
