"""Verification against reading the same bytes."""

import subprocess
from pathlib import Path

from bench.measure import Row, pair
from sentinel_forest import datasets, samples, verify
from sentinel_forest.datasets.base import File


def rows(folder: Path) -> list[Row]:
    """Verification of a CloudSEN12 sample on one core, and sha256sum over the same files."""
    samples.write("cloudsen12", {"side": 96}, {"seed": 1, "rois": 48, "dates": 5}, folder)
    dataset = datasets.load("cloudsen12", {"side": 96})
    files = [File(path) for path in dataset.list_files(folder)]
    paths = [str(folder / file.path) for file in files]
    times = pair(
        lambda: verify.read_all(dataset, folder, files, 1),
        lambda: subprocess.run(["sha256sum", *paths], check=True, stdout=subprocess.DEVNULL),
    )
    return [Row("verify a CloudSEN12 sample, one core", "sha256sum", 0.9, *times)]
