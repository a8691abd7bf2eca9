"""The datasets, one folder each: the only code that knows a file format.

A dataset is a package in this folder, or a module of a user's own installed package that its metadata name in the
entry-point group ``sentinel_forest.datasets``. Either defines a class `DATASET`, see `sentinel_forest.datasets.base`.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from sentinel_forest.datasets import vocabulary
from sentinel_forest.datasets.base import MARKING_KEYS, Band, Dataset
from sentinel_forest.datasets.regrouped import regrouped
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import checked_name
from sentinel_forest.io.modules import DATASETS, own_datasets
from sentinel_forest.sensors import BANDS


def names() -> list[str]:
    """Names of the datasets: the folders beside this module, and users' own."""
    return sorted({*_built_in(), *own_datasets()})


def _built_in() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]


def load(name: str, layout: Mapping[str, object] | None = None) -> Dataset:
    """Open the module of a dataset and set it up for a layout.

    The import is made by name, so that the checksum of a step's code follows one dataset only.

    Parameters
    ----------
    name : str
        One of `names()`.
    layout : dict
        Deviations from the published layout, e.g. ``{"side": 128}`` for the samples; and what a configuration adds
        to the vocabulary, see `sentinel_forest.datasets.vocabulary`.

    Raises
    ------
    InputError
        If there is no such dataset, it does not know a key of the layout, or it contradicts itself.
    """
    module = _module(name)
    deviations: dict[str, Any] = dict(layout or {})
    added: dict[str, Mapping[str, Any]] = {
        key: deviations.pop(key, None) or {} for key in (vocabulary.FEATURE_SETS, vocabulary.CLASSES)
    }
    try:
        dataset: Dataset = module.DATASET(**deviations)
    except TypeError as error:
        raise InputError("Unknown key in a layout.", where=f"dataset {name}", found=layout) from error
    _check_keys(name, dataset)
    _add_feature_sets(name, dataset, added[vocabulary.FEATURE_SETS])
    _regroup(name, dataset, added[vocabulary.CLASSES])
    _check_bands(name, dataset)
    return dataset


def _add_feature_sets(name: str, dataset: Dataset, sets: Mapping[str, Mapping[str, Any]]) -> None:
    """Add feature sets of a configuration to those of a dataset."""
    for own, definition in sets.items():
        if own in dataset.feature_sets:
            raise InputError(
                "An own feature set has the name of a built-in one.",
                where=f"dataset {name}",
                found=own,
                expected="another name",
            )
        if definition["task"] not in dataset.tasks:
            raise InputError(
                "Unknown task of a feature set.",
                where=f"dataset {name}, feature set {own}",
                found=definition["task"],
                expected=" | ".join(dataset.tasks),
            )
    added = {own: vocabulary.feature_set(own, each, dataset.layer_table) for own, each in sets.items()}
    dataset.feature_sets = {**dataset.feature_sets, **added}


def _regroup(name: str, dataset: Dataset, classes: Mapping[str, Mapping[str, Any]]) -> None:
    """Merge and drop classes of tasks, with the questions and reference algorithms that depend on them."""
    dataset.published_tasks = dataset.tasks
    for task, each in classes.items():
        if task not in dataset.tasks:
            raise InputError(
                "Unknown task.", where=f"key 'classes.{name}'", found=task, expected=" | ".join(dataset.tasks)
            )
        where = f"key 'classes.{name}.{task}'"
        found, lookup = regrouped(dataset.tasks[task], each.get("merge") or {}, each.get("drop") or (), where)
        dataset.tasks = {**dataset.tasks, task: found}
        dataset.regrouped = {**dataset.regrouped, task: lookup}
        answering = {
            key: vocabulary.answering(reference, found) if reference.task == task else reference
            for key, reference in dataset.references.items()
        }
        dataset.references = {key: reference for key, reference in answering.items() if reference.answers}


def _module(name: str) -> ModuleType:
    """The module of a dataset."""
    if name in _built_in():
        if name in own_datasets():
            raise InputError(
                "A package has a dataset with the name of a built-in one.",
                where=_where(name),
                found=name,
                expected=f"a name other than {', '.join(_built_in())}",
                remedy="rename the entry point, or remove the package",
            )
        return importlib.import_module(f".{name}", __package__)
    checked_name(name, "the name of a dataset")
    if name not in own_datasets():
        raise InputError("Unknown dataset.", found=name, expected=" | ".join(names()))
    point, *others = own_datasets()[name]
    if others:
        raise InputError(
            "Two packages have a dataset of one name.",
            where=f"entry points {DATASETS}",
            found=f"{name} = {', '.join(each.value for each in (point, *others))}",
            expected="one",
            remedy="remove one of the packages, or rename its entry point",
        )
    try:
        module = importlib.import_module(point.module)
    except Exception as error:  # whatever a user's module raises when it is imported
        raise InputError(
            "The module of a dataset cannot be imported.",
            where=_where(name),
            found=f"{type(error).__name__}: {error}",
            expected=f"a module {point.module} that defines DATASET",
            remedy="correct the module, or the entry point in the metadata of its package",
        ) from error
    if not (isinstance(kind := getattr(module, "DATASET", None), type) and issubclass(kind, Dataset)):
        raise InputError(
            "A module defines no dataset.",
            where=_where(name),
            found="no DATASET" if kind is None else repr(kind),
            expected="DATASET, a subclass of sentinel_forest.datasets.base.Dataset",
        )
    return module


def _where(name: str) -> str:
    """Where users find what they have declared."""
    return f"entry point {name} = {own_datasets()[name][0].value} of group {DATASETS}"


def _check_keys(name: str, dataset: Dataset) -> None:
    declared = tuple(getattr(dataset, "marking_keys", ()))
    if missing := sorted(set(MARKING_KEYS) - set(declared)):
        raise InputError(
            "A dataset does not say where a marking key is to be seen.",
            where=f"{name}, marking_keys",
            found=", ".join(declared) or "none",
            expected=", ".join(MARKING_KEYS),
            remedy=f"add {', '.join(missing)}: Columns, Implied or NotPublished (datasets/base.py)",
        )


def _check_bands(name: str, dataset: Dataset) -> None:
    """Whether features know each band of a feature set, and get it in the unit that they expect."""
    for feature_set in dataset.feature_sets.values():
        checked_name(feature_set.name, f"a feature set of dataset {name}")
        own = {band.name: band for band in feature_set.bands}
        if twice := sorted(set(own) & set(BANDS)):
            raise InputError(
                "A dataset declares a band that all datasets have.",
                where=f"{name}, feature set {feature_set.name}",
                found=twice[0],
                remedy="take it from sentinel_forest.sensors, or give the band another name",
            )
        for band, layer in feature_set.layers.items():
            _check_band(f"{name}, feature set {feature_set.name}, band {band}", band, layer, {**own, **BANDS}, dataset)


def _check_band(where: str, band: str, layer: str, known: dict[str, Band], dataset: Dataset) -> None:
    if band not in known:
        raise InputError(
            "A feature set uses a band that nobody declares.",
            where=where,
            found=band,
            expected=f"one of {', '.join(known)}",
            remedy="declare it: bands=(Band(name, family, unit), ...) of the feature set (sentinel_forest.sensors)",
        )
    stored, expected = dataset.layer_table[layer].unit, known[band].unit
    if stored != expected and {stored, expected} != {"1", "reflectance"}:
        raise InputError(
            "A layer has another unit than the band that it holds.",
            where=where,
            found=f"layer {layer} in {stored}",
            expected=expected,
            remedy="give the layer a factor that leads to this unit, or declare a band of another name",
        )
