"""Features of patches against the loops that people write."""

from pathlib import Path

import h5py
import numpy as np

from bench.measure import Row, pair
from sentinel_forest import datasets, samples, verify
from sentinel_forest.features import bands_of, patch


def rows(folder: Path) -> list[Row]:
    """Plain band statistics of So2Sat rows, and a loop that opens the file for each row."""
    samples.write(
        "so2sat", {}, {"seed": 1, "training": 600, "validation": 17, "testing": 17, "cities": 4}, folder
    )
    dataset = datasets.load("so2sat")
    feature_set = dataset.feature_sets["lcz-bands"]
    catalog = dataset.catalog(folder, dataset.list_files(folder), verify.no_hashes())
    of_training = catalog[catalog["file"].str.contains("training")].iloc[:500]
    layers = sorted(set(feature_set.layers.values()))

    def ours() -> None:
        for block in dataset.blocks(folder, of_training, layers, 64):
            patch.compute(feature_set.features, bands_of(dataset, feature_set, block))

    def other() -> None:
        for row in of_training["row"]:
            with h5py.File(folder / "training.h5") as file:
                values = np.concatenate([file["sen1"][row], file["sen2"][row]], axis=-1)
            np.stack([values.mean((0, 1)), values.std((0, 1)), values.min((0, 1)), values.max((0, 1))])

    return [
        Row("band statistics of So2Sat, one core", "opening the file for each row", 3.0, *pair(ours, other))
    ]
