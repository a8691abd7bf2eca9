"""Memory of a job is that of the blocks it works on, not that of the file: So2Sat files of growing length."""

import sys
import tracemalloc
from pathlib import Path

import pytest

from costs import costs_of, sample_of
from sentinel_forest import datasets
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.features import table

DATASET = datasets.load("so2sat")
MOST_MORE = 96
"""MB that a job may take more for 2.2 GB of pixels more: tables have a row for each patch."""


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


def peaks(folder: Path, count: int) -> dict[str, float]:
    """Most memory (MB) of each step that reads the pixels, of a sample of so many patches of training."""
    checkout = sample_of(folder, "so2sat-sample", training=count)
    checkout.overlay("so2sat.yaml", version="so2sat-v1", releases=["so2sat-sample"], feature_sets=["lcz-s1+s2"])
    costs = costs_of(checkout, "features", "--cores", "1", "--configfile", "so2sat.yaml")
    print({step: round(cost.memory) for step, cost in costs.items()})
    return {step: costs[step].memory for step in ("inspect", "catalog", "feature_table")}


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the memory of steps is read from /proc")
def test_steps_need_no_more_memory_for_sixteen_times_the_rows(tmp_path: Path) -> None:
    few, many = peaks(tmp_path / "few", 1_000), peaks(tmp_path / "many", 16_000)
    assert {step: (few[step], many[step]) for step in few if many[step] - few[step] > MOST_MORE} == {}
    assert max(many.values()) < 2 << 10
