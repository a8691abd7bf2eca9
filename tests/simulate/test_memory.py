"""Memory of a job is that of the blocks it works on, not that of the file: So2Sat files of growing length."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from sentinel_forest import datasets
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.features import table

DATASET = datasets.load("so2sat")
PEAK = """
import importlib, sys
importlib.import_module(sys.argv[1]).main(sys.argv[2:])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
MOST_MORE = 96 << 10
"""kB that a job may take more for 2.2 GB of pixels more: tables have a row for each patch."""


def write(folder: Path, count: int) -> Path:
    """A file of water, of which the pixels take no place on the disk."""
    with so2sat.create(folder, "training", count) as file:
        file["label"][:, 16] = 1
    return folder


def traced(folder: Path) -> int:
    """Most bytes held at a time while features are computed, without those of the table of features."""
    catalog = DATASET.catalog(folder, ["training.h5"], no_hashes())
    tracemalloc.start()
    try:
        features = table.feature_rows(DATASET, DATASET.feature_sets["lcz-bands"], folder, catalog, 0, ())
        return tracemalloc.get_traced_memory()[1] - int(features.memory_usage().sum())
    finally:
        tracemalloc.stop()


def test_features_of_more_rows_need_no_more_memory(tmp_path: Path) -> None:
    few, many = (traced(write(tmp_path / str(count), count)) for count in (1_000, 4_000))
    assert many < 1.05 * few


def peak(module: str, *arguments: object) -> int:
    """Most memory (kB) of a step in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, f"sentinel_forest.{module}", *map(str, arguments)],
        check=True,
        text=True,
        capture_output=True,
    )
    return int(done.stdout.split()[-1])


def peaks(folder: Path, count: int) -> dict[str, int]:
    """Most memory (kB) of each step that reads the pixels."""
    data = write(folder / "data" / "water", count)
    files = folder / "files.tsv"
    files.write_text(f"path\tbytes\ntraining.h5\t{(data / 'training.h5').stat().st_size}\n")
    release = ("--dataset", "so2sat", "--folder", data)
    hashes, catalog = folder / "hashes.parquet", folder / "catalog.parquet"
    found = {
        "verify": peak(
            "verify",
            *release,
            "--release",
            "water",
            "--files",
            files,
            "--hashes",
            hashes,
            "--integrity",
            folder / "integrity.tsv",
            "--checksums",
            folder / "checksums.tsv",
        ),
        "catalog": peak("catalog", *release, "--files", files, "--hashes", hashes, "--output", catalog),
    }
    for name in ("lcz-bands", "lcz-s1+s2"):
        found[name] = peak(
            "features.table",
            *release,
            "--release",
            "water",
            "--catalog",
            catalog,
            "--set",
            name,
            "--shard",
            1,
            "--shards",
            1,
            "--draw",
            '{"pixels": 1}',
            "--seed",
            1,
            "--output",
            folder / "features.parquet",
        )
    return found


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_steps_need_no_more_memory_for_sixteen_times_the_rows(tmp_path: Path) -> None:
    few, many = peaks(tmp_path / "few", 1_000), peaks(tmp_path / "many", 16_000)
    assert {step: (few[step], many[step]) for step in few if many[step] - few[step] > MOST_MORE} == {}
    assert max(many.values()) < 2 << 20
