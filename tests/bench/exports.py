"""Exports against `cp` of the same bytes: both leave them in the page cache, to be written by the kernel."""

import shutil
import statistics
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bench.measure import Row, clock
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import Dataset, no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.export import trial
from sentinel_forest.io import checksums
from sentinel_forest.splits import split
from sentinel_forest.verify.catalog import make

REPEATS = 6
THREADS = 2
"""Files written at a time, as in the workflow."""
LAYERS = ("L1C_B2", "L1C_B3", "L1C_B4", "L1C_B8")


def rows(folder: Path) -> list[Row]:
    """The published split and a pooled-random one, in the layouts of CloudSEN12 and So2Sat LCZ42."""
    releases: list[tuple[str, Dataset, Path]] = [
        ("CloudSEN12", CloudSEN12(), clouds(folder / "clouds")),
        ("So2Sat LCZ42", so2sat.So2Sat(), cities(folder / "cities")),
    ]
    return [
        Row(f"export {name}, {scheme}", "cp", 0.8, *times(dataset, release, scheme, folder))
        for name, dataset, release in releases
        for scheme in ("published", "pooled-random")
    ]


def clouds(folder: Path) -> Path:
    """600 images of 512 x 512 pixels in four layers, 1.3 GB."""
    random = np.random.default_rng(1)
    for name, count in {"train": 510, "val": 30, "test": 60}.items():
        for stored in CloudSEN12().create(folder, name, count, LAYERS).values():
            stored[:] = random.integers(0, 10_000, stored.shape, dtype=np.int16)
            stored.flush()
        lines = "".join(f"{name}{row},P{row}\n" for row in range(count))
        (folder / name / "metadata.csv").write_text("roi_id,s2_id\n" + lines, encoding="utf-8")
    return folder


def cities(folder: Path) -> Path:
    """8,000 patches, 1.2 GB."""
    random = np.random.default_rng(1)
    for name, count in {"training": 7000, "validation": 500, "testing": 500}.items():
        with so2sat.create(folder, name, count) as file:
            for key in ("sen1", "sen2"):
                file[key][:] = random.random(file[key].shape)
            file["label"][:] = np.eye(17)[random.integers(0, 17, count)]
    return folder


def times(dataset: Dataset, release: Path, scheme: str, folder: Path) -> tuple[float, float]:
    """Median seconds of an export and of `cp`, by turns, each to a place that is not there yet."""
    catalog = make(dataset, release, dataset.list_files(release), no_hashes())
    roles = roles_of(catalog, scheme)
    ours, other = folder / "export", folder / "copy"

    def exported() -> None:
        trial.write(trial.plan(dataset, release, roles, [], "publisher"), ours, {}, [], THREADS)

    def copied() -> None:
        subprocess.run(["cp", "-r", release, other], check=True)

    taken = [(timed(exported, ours), timed(copied, other)) for _ in range(REPEATS)][1:]
    return statistics.median(time for time, _ in taken), statistics.median(time for _, time in taken)


def roles_of(catalog: pd.DataFrame, scheme: str) -> dict[str, pd.DataFrame]:
    """Patches of a scheme's first trial by role; all of them have one."""
    seed = partial(checksums.seed, 1, "release", scheme)
    return trial.roles_of(catalog, split.make(catalog, parse_scheme({"kind": scheme}), 1, seed).split)


def timed(work: Callable[[], object], written: Path) -> float:
    """Seconds that one call takes; what it has written is removed."""
    taken = clock(work)
    shutil.rmtree(written)
    return taken
