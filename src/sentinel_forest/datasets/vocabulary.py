"""What a configuration adds to the vocabulary of a dataset: feature sets of its own, and classes merged or dropped.

Both travel with the layout of a release, under the keys `FEATURE_SETS` and `CLASSES`, to every step that computes
with them. Nothing of it reaches the catalog or the splits: they keep the published classes, so that versions with other
classes have the same splits.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sentinel_forest.datasets.terms import External, FeatureSet, Layer, Reference, Task, TrainLabels
from sentinel_forest.sensors import BANDS, Band

FEATURE_SETS, CLASSES = "feature_sets", "classes"
EXTERNAL_FAMILY = "external vectors"


def feature_set(name: str, definition: Mapping[str, Any], layer_table: Mapping[str, Layer]) -> FeatureSet:
    """The feature set of a definition: `task`, `features`, `layers` by band, and `external` for a table of vectors."""
    features, layers = tuple(definition["features"]), dict(definition.get("layers") or {})
    if given := definition.get("external"):
        bands = tuple(Band(each, EXTERNAL_FAMILY, kind="external") for each in features)
        return FeatureSet(name, definition["task"], features, {}, bands, External(**given))
    held = (layer_table[layer].band for layer in layers.values())
    own = tuple(dict.fromkeys(band for band in held if band is not None and band.name not in BANDS))
    labels = definition.get("train_labels")
    train = TrainLabels(labels["layer"], tuple((code, label) for code, label in labels["codes"])) if labels else None
    return FeatureSet(name, definition["task"], features, layers, own, train_labels=train)


def answering(reference: Reference, task: Task) -> Reference:
    """A reference algorithm with those of its answers for which a task still has the question."""
    known = {question.name for question in task.questions}
    return replace(reference, answers={name: told for name, told in reference.answers.items() if name in known})
