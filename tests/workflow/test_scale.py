"""What grows with the data: not the number of jobs, not memory, and time no faster than the data."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from project import ROOT

pytestmark = pytest.mark.xdist_group("runs")

MOST_JOBS = 500
DATASET = ("--dataset", "cloudsen12", "--layout", json.dumps({"side": 96}))


def test_the_full_releases_are_few_jobs(checkout):
    start = time.perf_counter()
    printed = checkout.snakemake("--configfile", "config/full.yaml", "--dry-run", "--quiet", "rules")
    print(f"dry run of config/full.yaml: {time.perf_counter() - start:.1f} s")
    total = re.search(r"^total +(\d+)$", printed, flags=re.MULTILINE)
    assert total, printed
    assert 100 < int(total[1]) < MOST_JOBS


class Cost(NamedTuple):
    """What a step took: the largest resident memory in MB, seconds of processor time."""

    memory: float
    seconds: float


def cost(module: str, *arguments: object) -> Cost:
    """Run a step of the package in a process of its own, as a rule does."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"sentinel_forest.{module}", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")},
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, module
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(usage.ru_maxrss / unit, usage.ru_utime + usage.ru_stime)


def chain(folder: Path, rois: int) -> dict[str, Cost]:
    """Write a sample of so many ROIs; verify and catalog it; compute features in one shard."""
    data, files, hashes, catalog = (
        folder / name for name in ("data", "files.tsv", "hashes.parquet", "catalog.parquet")
    )
    sample = json.dumps({"seed": 1, "rois": rois, "dates": 5})
    cost("samples", *DATASET, "--sample", sample, "--folder", data, "--files", files)
    verify = cost(
        "verify", "--release", "sample", *DATASET, "--folder", data, "--files", files,
        "--select", "[]", "--threads", 1, "--integrity", folder / "integrity.tsv",
        "--hashes", hashes, "--digests", folder / "digests.tsv",
    )  # fmt: skip
    cost("catalog", *DATASET, "--folder", data, "--files", files, "--hashes", hashes, "--output", catalog)
    features = cost(
        "features.table", "--release", "sample", *DATASET, "--folder", data, "--catalog", catalog,
        "--set", "l1c+context", "--shard", 1, "--shards", 1, "--draw", json.dumps({"pixels": 20000}),
        "--seed", 1, "--output", folder / "features.parquet",
    )  # fmt: skip
    return {"verify": verify, "features": features}


@pytest.mark.long
def test_four_times_the_data_take_no_more_memory_and_four_times_the_time(tmp_path):
    small, large = (chain(tmp_path / str(rois), rois) for rois in (24, 96))
    for step, cost_of_small in small.items():
        print(f"{step}: {cost_of_small} -> {large[step]}")
        assert large[step].memory <= 1.1 * cost_of_small.memory, step
        assert large[step].seconds <= 4**1.1 * cost_of_small.seconds, step
