"""A forest of a trial, with what is known of it and the patches that it is tested on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import Dataset, FeatureSet, Task
from sentinel_forest.datasets.given import ReleaseOf
from sentinel_forest.errors import FormError, InputError
from sentinel_forest.features import find_set
from sentinel_forest.io import tables
from sentinel_forest.io.lazy import lazy
from sentinel_forest.steps import NamedFile

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

    from sentinel_forest.models import persistence
else:
    persistence = lazy("sentinel_forest.models.persistence")

HELD_OUT = ("validation", "test")


@dataclass(frozen=True, kw_only=True)
class TrialOf(ReleaseOf):
    """A trial of a release, as steps are told of it.

    Parameters
    ----------
    scheme, trial
        The trial, for messages; its number counts for seeds.
    split : Path
        Roles of the trial.
    """

    scheme: str
    trial: int
    split: Path


@dataclass(frozen=True, kw_only=True)
class TablesOf(TrialOf):
    """A feature set of a trial, with its tables.

    Parameters
    ----------
    feature_set
        Feature set of the forest.
    features : list of Path
        Tables of the feature set, of all shards.
    """

    feature_set: str
    features: list[Path]


@dataclass(frozen=True, kw_only=True)
class ForestOf(TablesOf):
    """A forest of a trial, with its tables.

    Parameters
    ----------
    forest, fit : Path
        The forest, and what is known about it.
    """

    forest: Path
    fit: Path

    def load(self) -> Candidate:
        """Read the forest; see `load_candidate`."""
        trial = self.scheme, self.trial, self.feature_set
        return load_candidate(self.opened(), *trial, self.split, self.forest, self.fit)


@dataclass(frozen=True)
class Candidate:
    """A forest to be tested.

    Parameters
    ----------
    scheme, trial : str, int
        Which trial it is of.
    feature_set : FeatureSet
        Its features.
    task : Task
        What it predicts.
    model : RandomForestClassifier
        The forest.
    codes : ndarray
        int64: for each class of the forest its index in the task.
    fit : mapping
        Its ``fit.json``.
    held_out : frozenset of str
        The patches it is tested on.
    """

    scheme: str
    trial: int
    feature_set: FeatureSet
    task: Task
    model: RandomForestClassifier
    codes: np.ndarray
    fit: Mapping[str, Any]
    held_out: frozenset[str]

    @property
    def set(self) -> str:
        """Name of the feature set."""
        return self.feature_set.name

    @property
    def settings(self) -> ForestSettings:
        """How it was grown."""
        return ForestSettings.model_validate(self.fit["settings"])

    @property
    def importance(self) -> np.ndarray:
        """Mean decrease of Gini impurity by each feature, float64 (features,)."""
        return np.array([self.fit["importance"]["features"][name] for name in self.feature_set.features])


def load_candidate(
    dataset: Dataset, scheme: str, trial: int, set_name: str, split: Path, model: Path, fit: Path,
    tested: Sequence[str] = HELD_OUT,
) -> Candidate:  # fmt: skip
    """Read a forest, what it was fitted on, and which patches it is tested on.

    Parameters
    ----------
    dataset : Dataset
        The dataset of the release to predict.
    scheme, trial, set_name : str, int, str
        Which forest it is.
    split : Path
        Roles of the trial.
    model, fit : Path
        Its ``forest.skops`` and ``fit.json``.
    tested : sequence of str
        Roles of the patches that it is tested on.

    Raises
    ------
    InputError
        If there is no such feature set, the forest was not loaded, or it knows other features or classes.
    """
    feature_set = find_set(dataset.feature_sets, set_name)
    task = dataset.tasks[feature_set.task]
    roles = tables.read_parquet(split, ["patch", "role"])
    loaded = persistence.load(model)
    found = (list(loaded.feature_names_in_), [str(entry) for entry in loaded.classes_])
    if found[0] != list(feature_set.features) or not set(found[1]) <= set(task.names):
        raise FormError(
            "A forest does not fit its feature set.",
            where=model,
            found=f"{found[0]}, {found[1]}",
            expected=f"{list(feature_set.features)}, classes of {list(task.names)}",
            remedy="delete the file; the run grows the forest again",
        )
    return Candidate(
        scheme,
        trial,
        feature_set,
        task,
        loaded,
        np.array([task.names.index(entry) for entry in found[1]]),
        read_fit(fit),
        frozenset(roles.loc[roles["role"].isin(tested), "patch"]),
    )


def incomplete(entry: NamedFile, lacking: str) -> InputError:
    """The error for a forest that is given without what belongs to it."""
    return InputError(
        "A forest is given without what belongs to it.",
        where=str(entry),
        expected=f"a file of it among {lacking}",
        remedy=f"name one: --{lacking}",
    )


def read_fit(path: Path) -> dict[str, Any]:
    """What is known of a forest without loading it."""
    fit: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return fit
