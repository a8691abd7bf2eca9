"""Feature sets of a configuration: which layers they need, and whether they can be computed at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel_forest.config.additions import OwnFeatureSet, TrainLabels
from sentinel_forest.config.validation import nearest
from sentinel_forest.datasets.base import Dataset, Task
from sentinel_forest.errors import InputError
from sentinel_forest.features import Feature, Own, patch, pixel
from sentinel_forest.sensors import BANDS, SUN_AZIMUTH

FARTHEST = 4
"""Sides of a patch that a feature may look at: sets of large patches can be tried on samples of small ones."""


def completed(name: str, own: OwnFeatureSet, dataset: Dataset) -> dict[str, Any]:
    """The definition of a feature set, as `sentinel_forest.datasets.vocabulary.feature_set` reads it.

    Parameters
    ----------
    name : str
        Its name.
    own : OwnFeatureSet
        As it is configured.
    dataset : Dataset
        The dataset that it is for.

    Raises
    ------
    InputError
        If a feature is unknown or written twice, or the dataset has no layer for a band that one needs.
    """
    where = f"key 'own_feature_sets.{name}'"
    task = task_of(own.task, dataset, where)
    features = tuple("".join(text.split()) for text in own.features)
    if twice := [each for place, each in enumerate(features) if each in features[:place]]:
        raise InputError("A feature stands in a set twice.", where=where, found=twice[0], expected="each one once")
    held = layers_of_bands(dataset) | _chosen(own.layers, dataset, where)
    bands = own_bands(dataset)
    needed = dict.fromkeys(band for each in features for band in resolved(each, task, bands, where).bands)
    if task.unit == "pixel":
        _check_reach(features, bands, dataset.side, where)
    layers = {band: _layer(band, held, dataset, where) for band in needed if band != SUN_AZIMUTH.name}
    labels = {} if own.train_labels is None else {"train_labels": _train_labels(own.train_labels, task, dataset, where)}
    return {"task": task.name, "features": list(features), "layers": layers, **labels}


def _check_reach(features: Sequence[str], bands: Own, side: int, where: str) -> None:
    """Refuse what looks far beyond the patch: there is nothing but its edge, repeated."""
    for each in features:
        if (pixels := pixel.reach(each, bands)) > FARTHEST * side:
            raise InputError(
                "A feature looks far beyond the patch.",
                where=f"{where}, {each}"[:80],
                found=f"{pixels} pixels in each direction",
                expected=f"at most {FARTHEST * side}, {FARTHEST} times the side of a patch",
                remedy="give it a smaller window, or a shorter way",
            )


def _train_labels(given: TrainLabels, task: Task, dataset: Dataset, where: str) -> dict[str, Any]:
    """The layer, and pairs of its codes and the codes of the task's labels."""
    where = f"{where[:-1]}.train_labels'"
    own, known = dataset.label_layers(task.name), {each.name: each.code for each in task.categories}
    classes = [name for name, each in dataset.layer_table.items() if each.unit == "class" and each.dtype == "uint8"]
    others = [name for name in classes if name not in own]
    if task.unit != "pixel" or len(own) != 1 or given.layer not in others:
        able = task.unit == "pixel" and len(own) == 1
        raise InputError(
            "Training labels cannot come from this layer.",
            where=where,
            found=f"{given.layer}, task {task.name} of a {task.unit}",
            expected=nearest(given.layer, others) if able else "a task of pixels whose labels are one layer",
        )
    for name in given.classes:
        if name not in known:
            raise InputError("Unknown class.", where=where, found=name, expected=nearest(name, known))
    pairs = [(code, known[name]) for name, codes in given.classes.items() for code in codes]
    if len({code for code, _ in pairs}) < len(pairs):
        raise InputError("A code stands for two classes.", where=where, found=given.classes, expected="each code once")
    return {"layer": given.layer, "codes": sorted(pairs)}


def task_of(name: str, dataset: Dataset, where: str) -> Task:
    """The task with a name, or the only one of a dataset."""
    if not name and len(dataset.tasks) == 1:
        return next(iter(dataset.tasks.values()))
    if name not in dataset.tasks:
        raise InputError(
            "Unknown task of a feature set." if name else "A feature set does not say which task it is for.",
            where=where,
            found=name or "no key task",
            expected=nearest(name, dataset.tasks),
        )
    return dataset.tasks[name]


def layers_of_bands(dataset: Dataset) -> dict[str, str]:
    """For each band the layer that the dataset's own feature sets take it from, else the first that holds it."""
    held = {
        layer.band.name: name for name, layer in reversed(list(dataset.layer_table.items())) if layer.band is not None
    }
    for each in dataset.feature_sets.values():
        held |= each.layers
    return held


def own_bands(dataset: Dataset) -> Own:
    """Bands of a dataset that `sentinel_forest.sensors` does not have."""
    bands = (layer.band for layer in dataset.layer_table.values())
    return tuple(dict.fromkeys(band for band in bands if band is not None and band.name not in BANDS))


def resolved(name: str, task: Task, bands: Own, where: str = "") -> Feature:
    """A feature of a task's unit, see `pixel.resolve` and `patch.resolve`."""
    try:
        return pixel.resolve(name, bands) if task.unit == "pixel" else patch.resolve(name, bands)
    except InputError as error:
        place = f"{where}, {name}" if where else name
        raise InputError(
            error.problem, where=place, found=error.found, expected=error.expected, remedy=error.remedy
        ) from None


def _chosen(layers: Mapping[str, str], dataset: Dataset, where: str) -> dict[str, str]:
    """Layers that a user has chosen for bands."""
    for band, layer in layers.items():
        about = dataset.layer_table.get(layer)
        if about is None or about.band is None or about.band.name != band:
            holding = [name for name, each in dataset.layer_table.items() if each.band and each.band.name == band]
            raise InputError(
                "A layer does not hold this band.",
                where=f"{where[:-1]}.layers'",
                found=f"{band}: {layer}",
                expected=" | ".join(holding) or f"a band of {dataset.name}: {', '.join(layers_of_bands(dataset))}",
            )
    return dict(layers)


def _layer(band: str, held: Mapping[str, str], dataset: Dataset, where: str) -> str:
    if band not in held:
        raise InputError(
            "A feature needs a band that the dataset does not have.",
            where=where,
            found=band,
            expected=f"bands of {dataset.name}: {', '.join(held)}",
        )
    return held[band]
