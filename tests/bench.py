"""Speeds as ratios, each pair measured in one run on the same bytes: make bench

A ratio above 1 means that this project is faster than what it is held against.
"""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from sentinel_forest import datasets, samples, uncertainty, verify
from sentinel_forest.datasets.base import File
from sentinel_forest.features import bands_of, patch

REPEATS = 3


def seconds(work: Callable[[], object]) -> float:
    """Median time of some calls, the first left out."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def verification(folder: Path) -> tuple[float, float]:
    """Verification of a CloudSEN12 sample on one core, and sha256sum over the same files."""
    dataset = datasets.load("cloudsen12", {"side": 96})
    files = [File(path) for path in dataset.list_files(folder)]
    paths = [str(folder / file.path) for file in files]
    ours = seconds(lambda: verify.read_all(dataset, folder, files, 1))
    other = seconds(lambda: subprocess.run(["sha256sum", *paths], check=True, stdout=subprocess.DEVNULL))
    return ours, other


def statistics_of_patches(folder: Path) -> tuple[float, float]:
    """Plain band statistics of So2Sat rows, and a loop that opens the file for each row."""
    dataset = datasets.load("so2sat")
    feature_set = dataset.feature_sets["lcz-bands"]
    catalog = dataset.catalog(folder, dataset.list_files(folder), verify.no_hashes())
    rows = catalog[catalog["file"].str.contains("training")].iloc[:500]
    layers = sorted(set(feature_set.layers.values()))

    def ours() -> None:
        for block in dataset.blocks(folder, rows, layers, 64):
            patch.compute(feature_set.features, bands_of(dataset, feature_set, block))

    def other() -> None:
        for row in rows["row"]:
            with h5py.File(folder / "training.h5") as file:
                values = np.concatenate([file["sen1"][row], file["sen2"][row]], axis=-1)
            np.stack([values.mean((0, 1)), values.std((0, 1)), values.min((0, 1)), values.max((0, 1))])

    return seconds(ours), seconds(other)


def bootstrap() -> tuple[float, float]:
    """2,000 draws of a cluster bootstrap over 1,000 patches, against one second."""
    counts = np.random.default_rng(1).integers(0, 50, (1000, 4, 4)).astype(np.float64)

    def ours() -> None:
        draws = uncertainty.resamples(1000, 2000, 1)
        tables = (draws @ counts.reshape(1000, -1)).reshape(-1, 4, 4)
        uncertainty.interval(np.trace(tables, axis1=1, axis2=2) / tables.sum((1, 2)), 1000)

    return seconds(ours), 1.0


def main() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as name:
        clouds, zones = Path(name) / "clouds", Path(name) / "zones"
        samples.write("cloudsen12", {"side": 96}, {"seed": 1, "rois": 48, "dates": 5}, clouds)
        samples.write(
            "so2sat", {}, {"seed": 1, "training": 600, "validation": 17, "testing": 17, "cities": 4}, zones
        )
        rows = [
            ("verify, one core", "sha256sum", 0.9, *verification(clouds)),
            (
                "band statistics of So2Sat, one core",
                "opening the file for each row",
                3.0,
                *statistics_of_patches(zones),
            ),
            ("bootstrap, 2,000 draws, 1,000 patches", "one second", 1.0, *bootstrap()),
        ]

    print("what\tagainst\tours s\tother s\tratio\tgoal\tmet")
    for what, against, goal, ours, other in rows:
        ratio = other / ours
        met = "yes" if ratio >= goal else "no"
        print(f"{what}\t{against}\t{ours:.2f}\t{other:.2f}\t{ratio:.2f}\t{goal:g}\t{met}")


if __name__ == "__main__":
    main()
