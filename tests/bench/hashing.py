"""What it costs to hold the pixels that are read against the hashes of the catalog."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from bench.measure import Row, pair
from sentinel_forest import datasets, simulate
from sentinel_forest.datasets.base import Dataset, File
from sentinel_forest.features import table
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.models.samples import pixel_samples
from sentinel_forest.verify import catalog, inspect

SO2SAT = {"seed": 1, "training": 600, "validation": 17, "testing": 17, "cities": 4}
CLOUDSEN12 = {"seed": 1, "rois": 16, "dates": 1}
GOAL = 0.97


def rows(folder: Path) -> list[Row]:
    """Features of So2Sat, and predictions of CloudSEN12, with the hashes of the catalog and without."""
    zones = released("so2sat", {}, SO2SAT, folder / "zones")
    clouds = released("cloudsen12", {"side": 256}, CLOUDSEN12, folder / "clouds")
    forest = grown(*clouds, "l1c")
    return [
        Row(
            "features of So2Sat, pixels held against the catalog",
            "the same without hashes",
            GOAL,
            *pair(lambda: features(*zones, "lcz-s1+s2"), lambda: features(*without(zones), "lcz-s1+s2")),
        ),
        Row(
            "predictions of CloudSEN12 by 20 trees, pixels held against the catalog",
            "the same without hashes",
            GOAL,
            *pair(lambda: predictions(forest, *clouds, "l1c"), lambda: predictions(forest, *without(clouds), "l1c")),
        ),
    ]


Release = tuple[Dataset, Path, pd.DataFrame]


def released(name: str, layout: Mapping[str, Any], sample: Mapping[str, Any], folder: Path) -> Release:
    """A sample with its catalog, hashes included."""
    simulate.write(name, layout, sample, folder)
    dataset = datasets.load(name, layout)
    paths = dataset.list_files(folder)
    files = [File(path) for path in paths]
    _, seen = inspect.read_all(dataset, folder, files, 1)
    seen.append(dataset.conclude({file.path: row for file, row in zip(files, seen, strict=True)}))
    hashes = pd.concat([row.hashes for row in seen], ignore_index=True)
    return dataset, folder, catalog.make(dataset, folder, paths, hashes)


def without(release: Release) -> Release:
    """The same, its catalog without hashes."""
    dataset, folder, patches = release
    return dataset, folder, patches.drop(columns=[name for name in patches if name.startswith("hash_")])


def features(dataset: Dataset, folder: Path, patches: pd.DataFrame, name: str) -> pd.DataFrame:
    """A feature table."""
    return table.feature_rows(dataset, dataset.feature_sets[name], folder, patches, 200, (1, "bench"))


def grown(dataset: Dataset, folder: Path, patches: pd.DataFrame, name: str) -> RandomForestClassifier:
    """A forest of 20 trees."""
    drawn = features(dataset, folder, patches, name)
    inputs = drawn[list(dataset.feature_sets[name].features)].to_numpy()
    return RandomForestClassifier(20, n_jobs=1, random_state=1).fit(inputs, drawn["label"])


def predictions(
    forest: RandomForestClassifier, dataset: Dataset, folder: Path, patches: pd.DataFrame, name: str
) -> list[np.ndarray]:
    """Classes of all pixels of the first patches."""
    about = dataset.feature_sets[name]
    layers = (*about.layers.values(), *dataset.label_layers(about.task))
    blocks = read_blocks("predicted", dataset, folder, patches.iloc[:6], layers)
    return [forest.predict(pixel_samples(dataset, name, block).X) for block in blocks]
