"""Opening a trial, and tiles, against one file at a time; the catalog of all of SEN12MS from names."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio
from rasterio.transform import Affine

from bench.measure import Row, clock, pair
from sentinel_forest import datasets, simulate
from sentinel_forest.datasets import sen12ms
from sentinel_forest.datasets.base import Dataset, no_hashes
from sentinel_forest.datasets.sen12ms.layout import tile_path
from sentinel_forest.export.loaders import Trial

WORKERS, BATCH = 4, 16
MINUTE = 60.0
SEASONS = {"ROIs1158_spring": 40_883, "ROIs1868_summer": 45_753, "ROIs1970_fall": 62_201, "ROIs2017_winter": 31_825}
"""Seasons of SEN12MS with their patches, 180,662 in all."""
SCENES = 63
"""Scenes of a season, of which there are 252 in all."""


def rows(folder: Path) -> list[Row]:
    """Each part in a folder of its own."""
    return [
        _cloudsen12(folder / "cloudsen12"),
        _so2sat(folder / "so2sat"),
        *_sen12ms(folder / "sen12ms"),
        _listing(folder / "listing"),
    ]


def _cloudsen12(folder: Path) -> Row:
    """Thirteen bands of 512 x 512 pixels, out of one file each."""
    dataset = datasets.load("cloudsen12")
    bands = tuple(name for name in dataset.layer_table if name.startswith("L1C_"))
    count, shape = 64, (64, 512, 512)
    random = np.random.default_rng(1)
    for stored in dataset.create(folder, "train", count, [*bands, "LABEL_manual_hq"]).values():
        stored[:] = random.integers(0, 4, (512, 512))
    trial = _trial(folder, dataset, "cloud", bands)

    def one(row: int) -> list[np.ndarray]:
        files = [(name, "<i2") for name in bands] + [("LABEL_manual_hq", "u1")]
        return [
            np.array(np.memmap(folder / "train" / f"{name}.dat", kind, "r", shape=shape)[row, 1:510, 1:510])
            for name, kind in files
        ]

    return _row("CloudSEN12", "each band's file mapped for each patch", trial, one, list(range(count)), 0.9)


def _so2sat(folder: Path) -> Row:
    """Both sensors of 32 x 32 pixels, out of one file."""
    settings = {"seed": 1, "training": 600, "validation": 17, "testing": 17, "cities": 4}
    simulate.write("so2sat", {}, settings, folder)
    dataset = datasets.load("so2sat")
    layers = tuple(name for name in dataset.layer_table if name.startswith("sen"))
    trial = _trial(folder, dataset, "lcz", layers)

    def one(row: int) -> list[np.ndarray]:
        with h5py.File(folder / "training.h5") as file:
            return [file[name][row] for name in ("sen1", "sen2", "label")]

    return _row("So2Sat LCZ42", "the HDF5 file opened for each patch", trial, one, list(range(600)), 3.0)


def _sen12ms(folder: Path) -> list[Row]:
    """All bands of both images, of which each is a file."""
    dataset = datasets.load("sen12ms")
    random = np.random.default_rng(1)
    images = {
        "s1": random.normal(-12, 4, (2, 256, 256)).astype("float32"),
        "s2": random.integers(0, 9000, (13, 256, 256)).astype("uint16"),
        "lc": np.full((4, 256, 256), 1, dtype="uint16"),
    }
    for patch in range(48):
        place = Affine(10, 0, 500_000 + 1280 * patch, 0, -10, 5_000_000)
        sen12ms.write_patch(folder, "ROIs1158_spring", "1", patch, **images, epsg=32632, transform=place)
    layers = tuple(name for name in dataset.layer_table if name.startswith(("s1:", "s2:")))
    trial = _trial(folder, dataset, "scene", layers)

    def one(file: str) -> list[np.ndarray]:
        found = []
        for sensor in ("s1", "s2"):
            with rasterio.open(folder / tile_path(file, sensor)) as tile:
                found.append(tile.read())
        return found

    files = list(trial.patches["file"])
    alone = pair(lambda: trial[:], lambda: list(map(one, files)))
    against = "a rasterio read for each tile"
    return [Row("tiles of SEN12MS, one core", against, 1.0, *alone), _row("SEN12MS", against, trial, one, files, 1.0)]


def _listing(folder: Path) -> Row:
    """The catalog without pixels of 180,662 patches; the empty files that it lists are not timed."""
    for season, count in SEASONS.items():
        for sensor in ("s1", "s2", "lc"):
            for scene in range(SCENES):
                here = folder / season / f"{sensor}_{scene}"
                here.mkdir(parents=True)
                for patch in range(scene, count, SCENES):
                    os.mknod(here / f"{season}_{sensor}_{scene}_p{patch}.tif")
    dataset = datasets.load("sen12ms", {"pixels": False})
    ours = clock(lambda: dataset.catalog(folder, dataset.list_files(folder), no_hashes()))
    return Row("catalog of 180,662 patches from the folder's listing", "one minute", 1.0, ours, MINUTE)


def _trial(folder: Path, dataset: Dataset, task: str, layers: tuple[str, ...]) -> Trial:
    """The training patches of a release."""
    catalog = dataset.catalog(folder, dataset.list_files(folder), no_hashes())
    train = catalog[catalog["published_split"] == "train"].assign(weight=1.0)
    return Trial(dataset, folder, train, dataset.tasks[task], layers)


def _row(
    name: str, against: str, trial: Trial, one: Callable[[Any], object], patches: Sequence[object], goal: float
) -> Row:
    """Batches of a trial against single patches, both read by the same number of workers."""
    starts = range(0, len(trial), BATCH)
    with ThreadPoolExecutor(WORKERS) as pool:
        times = pair(
            lambda: list(pool.map(lambda start: trial[start : start + BATCH], starts)),
            lambda: list(pool.map(one, patches)),
            repeats=7,
        )
    return Row(f"batches of {name}, {WORKERS} workers", against, goal, *times)
