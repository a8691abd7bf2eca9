"""What a configuration adds to the vocabulary of each release, ready for `sentinel_forest.datasets.load`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentinel_forest import datasets
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.releases import Release
from sentinel_forest.config.validation import nearest
from sentinel_forest.datasets import vocabulary
from sentinel_forest.errors import InputError
from sentinel_forest.features import external_sets, own

PLACES = ("file", "keys")
"""What says where a table of vectors lies; what it holds is known by its checksum."""


def added(configuration: Configuration, release: Release) -> dict[str, Any]:
    """Feature sets and classes that a configuration adds to the dataset of a release.

    Raises
    ------
    InputError
        If one of them does not fit the dataset.
    """
    sets = {**_own(configuration, release), **_external(configuration, release)}
    classes = {task: each.model_dump() for task, each in configuration.classes.get(release.dataset, {}).items()}
    found = {vocabulary.FEATURE_SETS: sets, vocabulary.CLASSES: classes}
    return {key: value for key, value in found.items() if value}


def _own(configuration: Configuration, release: Release) -> dict[str, Any]:
    mine = {name: each for name, each in configuration.own_feature_sets.items() if each.dataset == release.dataset}
    if not mine:
        return {}
    dataset = datasets.load(release.dataset, release.layout)
    done = {name: own.completed(name, each, dataset) for name, each in mine.items()}
    return {name: each for name, each in done.items() if name in configuration.feature_sets}


def _external(configuration: Configuration, release: Release) -> dict[str, Any]:
    mine = {
        name: each
        for name, each in configuration.external.items()
        if each.release == release.name and name in configuration.feature_sets
    }
    for name, each in mine.items():
        for file in filter(None, (each.file, each.keys)):
            if not Path(file).is_file():
                raise InputError(
                    "There is no such file.",
                    where=f"key 'external.{name}'",
                    found=file,
                    remedy=f"make it (docs/external-features.md); until then take {name} out of feature_sets",
                )
    dataset = datasets.load(release.dataset, release.layout) if mine else None
    return {name: external_sets.completed(name, each, dataset) for name, each in mine.items() if dataset is not None}


def without_places(added: Mapping[str, Any]) -> dict[str, Any]:
    """What is added, without the places of files: these change no result."""
    sets = {
        name: {key: _placeless(value) if key == "external" else value for key, value in each.items()}
        for name, each in added.get(vocabulary.FEATURE_SETS, {}).items()
    }
    return {**added, vocabulary.FEATURE_SETS: sets} if sets else dict(added)


def _placeless(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in PLACES}


def check_names(configuration: Configuration) -> None:
    """Raise `InputError` for an addition to a dataset or a release that there is not."""
    known = datasets.names()
    named = {f"own_feature_sets.{name}.dataset": each.dataset for name, each in configuration.own_feature_sets.items()}
    for key, name in {**named, **{f"classes.{name}": name for name in configuration.classes}}.items():
        if name not in known:
            raise InputError("Unknown dataset.", where=f"key '{key}'", found=name, expected=nearest(name, known))
    for name, each in configuration.external.items():
        if name in configuration.feature_sets and each.release not in configuration.releases:
            raise InputError(
                "Vectors are of a release that is not selected.",
                where=f"key 'external.{name}.release'",
                found=each.release,
                expected=nearest(each.release, configuration.releases),
            )
