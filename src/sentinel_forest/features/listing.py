"""The command that lists feature sets and features: formula, unit, source, and the layers that each needs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from sentinel_forest import datasets
from sentinel_forest.config.additions import OwnFeatureSet
from sentinel_forest.config.validation import nearest, parse, read_yaml
from sentinel_forest.datasets import vocabulary
from sentinel_forest.datasets.base import Dataset, FeatureSet
from sentinel_forest.errors import InputError
from sentinel_forest.features import Feature, indices, own, patch, pixel
from sentinel_forest.sensors import SUN_AZIMUTH

OWN_SETS = TypeAdapter(dict[str, OwnFeatureSet])


class Listed(NamedTuple):
    """A feature for people: what it is, and the layers of a dataset that it needs."""

    name: str
    formula: str
    unit: str
    source: str
    layers: str


def listed(feature: Feature, layers: Mapping[str, str]) -> Listed:
    """A feature, with the layers that hold its bands."""
    needed = (layers.get(band, "the catalog" if band == SUN_AZIMUTH.name else "") for band in feature.bands)
    return Listed(
        feature.name, feature.formula, feature.unit or "not known", feature.source, ", ".join(filter(None, needed))
    )


def of_dataset(dataset: Dataset) -> Iterator[Listed]:
    """Bands and indices for which a dataset has all layers; statistics and textures are made of them."""
    held, bands = own.layers_of_bands(dataset), own.own_bands(dataset)
    for name in indices.names(bands):
        feature = indices.resolve(name, bands)
        if all(band in held or band == SUN_AZIMUTH.name for band in feature.bands):
            yield listed(feature, held)
    if any(task.unit == "patch" for task in dataset.tasks.values()):
        yield from (listed(each, held) for each in patch.SAR.values() if all(band in held for band in each.bands))


def of_set(dataset: Dataset, feature_set: FeatureSet) -> list[Listed]:
    """The features of a set."""
    task = dataset.tasks[feature_set.task]
    features = (own.resolved(name, task, feature_set.bands) for name in feature_set.features)
    return [listed(feature, feature_set.layers) for feature in features]


def features(
    *,
    dataset: str | None = None,
    feature_set: str | None = None,
    configuration: Path | None = None,
    names: bool = False,
) -> None:
    """List feature sets, or the features of one: formula, unit, source, layers.

    Parameters
    ----------
    dataset : str
        Only of this dataset.
    feature_set : str
        The features of this set, one by one.
    configuration : Path
        A configuration whose `own_feature_sets` are listed too, and checked.
    names : bool
        All bands and indices that a dataset has; statistics and textures are made of them.
    """
    known = datasets.names()
    if dataset is not None and dataset not in known:
        raise InputError("Unknown dataset.", where="--dataset", found=dataset, expected=nearest(dataset, known))
    opened = [_opened(name, configuration) for name in known if dataset in (None, name)]
    if feature_set is not None:
        _print_set(opened, feature_set)
    elif names:
        for each in opened:
            _print_features(f"{each.name}: bands and indices", list(of_dataset(each)))
        print(f"and of each of them, for pixels: {', '.join(pixel.FORMS)}; for patches: {', '.join(patch.FORMS)}")
    else:
        for each in opened:
            _print_sets(each)


def _opened(name: str, configuration: Path | None) -> Dataset:
    """A dataset with the feature sets that a configuration adds to it."""
    dataset = datasets.load(name)
    if configuration is None:
        return dataset
    content = read_yaml(configuration)
    given = content.get("own_feature_sets", {}) if isinstance(content, Mapping) else {}
    sets = parse(OWN_SETS.validate_python, given, f"{configuration}, key 'own_feature_sets'")
    done = {key: own.completed(key, each, dataset) for key, each in sets.items() if each.dataset == name}
    return datasets.load(name, {vocabulary.FEATURE_SETS: done})


def _print_sets(dataset: Dataset) -> None:
    print(f"{dataset.name}")
    for name, each in dataset.feature_sets.items():
        task = dataset.tasks[each.task]
        print(f"  {name}: {len(each.features)} features for task {each.task} (of a {task.unit})")


def _print_set(opened: list[Dataset], name: str) -> None:
    found = [dataset for dataset in opened if name in dataset.feature_sets]
    if not found:
        known = sorted({each for dataset in opened for each in dataset.feature_sets})
        raise InputError("Unknown feature set.", where="--feature-set", found=name, expected=nearest(name, known))
    for dataset in found:
        _print_features(f"{name} of {dataset.name}", of_set(dataset, dataset.feature_sets[name]))


def _print_features(title: str, rows: list[Listed]) -> None:
    print(title)
    for row in rows:
        print(f"  {row.name} = {row.formula} [{row.unit}]\n    layers: {row.layers}\n    source: {row.source}")
