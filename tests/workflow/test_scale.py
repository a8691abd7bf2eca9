"""What grows with the data: not the number of jobs, not memory, and time no faster than the data."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from project import ROOT

pytestmark = pytest.mark.xdist_group("runs")

MOST_JOBS = 500
DATASET = ("--dataset", "cloudsen12", "--layout", json.dumps({"side": 96}))
SET = "l1c+context"


def test_the_full_releases_are_few_jobs(checkout):
    printed = checkout.snakemake("--configfile", "config/full.yaml", "--dry-run", "--quiet", "rules")
    total = re.search(r"^total +(\d+)$", printed, flags=re.MULTILINE)
    assert total, printed
    assert 100 < int(total[1]) < MOST_JOBS


def test_a_run_is_planned_without_the_libraries_that_compute(checkout):
    """They take longer to load than the plan to make, and each job of a cluster plans anew."""
    call = ["--configfile", "config/full.yaml", "--dry-run", "--quiet", "rules"]
    program = f"""
import sys
from snakemake.cli import main
try:
    main({call})
except SystemExit:
    print(*sys.modules)
"""
    loaded = set(checkout.python("-c", program).splitlines()[-1].split())
    assert "sentinel_forest.planning.selection" in loaded
    assert not {"matplotlib", "scipy", "skimage", "sklearn", "skops"} & loaded


class Cost(NamedTuple):
    """What a step took: the largest resident memory in MB, seconds of processor time."""

    memory: float
    seconds: float


def cost(module: str, *arguments: object) -> Cost:
    """Run a step of the package in a process of its own, as a rule does."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"sentinel_forest.{module}", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, module
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(usage.ru_maxrss / unit, usage.ru_utime + usage.ru_stime)


def chain(folder: Path, rois: int) -> dict[str, Cost]:
    """Write a sample of so many ROIs and take it through the steps, each in one shard."""
    data, files, hashes, catalog, features, results = (
        folder / name for name in ("data", "files.tsv", "hashes.parquet", "catalog.parquet", "features", "results")
    )
    split = results / "splits" / "published" / "1.parquet"
    ledger = results / "ledger.tsv"
    baselines = results / "baselines" / "published" / "1"
    forest = baselines / SET
    sample = json.dumps({"seed": 1, "rois": rois, "dates": 5})
    shard = ("--folder", data, "--catalog", catalog, "--shard", 1, "--shards", 1)
    release = ("--release", "sample", *DATASET)
    return {
        "sample": cost("samples", *DATASET, "--sample", sample, "--folder", data, "--files", files),
        "verify": cost(
            "verify",
            *release,
            "--folder",
            data,
            "--files",
            files,
            "--select",
            "[]",
            "--threads",
            1,
            "--integrity",
            folder / "integrity.tsv",
            "--hashes",
            hashes,
            "--digests",
            folder / "digests.tsv",
        ),
        "catalog": cost(
            "catalog", *DATASET, "--folder", data, "--files", files, "--hashes", hashes, "--output", catalog
        ),
        "split": cost(
            "split",
            "--release",
            "sample",
            "--catalog",
            catalog,
            "--scheme",
            "published",
            "--trial",
            1,
            "--definition",
            json.dumps({"kind": "pooled-random", "shares": {"train": 0.5, "test": 0.5}}),
            "--seed",
            1,
            "--output",
            split,
            "--balance",
            folder / "balance.tsv",
            "--infeasible",
            folder / "infeasible.tsv",
        ),
        "ledger": cost(
            "ledger",
            "--catalog",
            catalog,
            "--split",
            f"published:1:{split}",
            "--keys",
            '{"roi": "mark"}',
            "--output",
            ledger,
        ),
        "features": cost(
            "features.table",
            *release,
            *shard,
            "--set",
            SET,
            "--draw",
            json.dumps({"pixels": 20000}),
            "--seed",
            1,
            "--output",
            features / SET / "1.parquet",
        ),
        "fit": cost(
            "forest",
            *release,
            "--catalog",
            catalog,
            "--features",
            features / SET / "1.parquet",
            "--split",
            split,
            "--settings",
            '{"trees": 20}',
            "--seed",
            1,
            "--scheme",
            "published",
            "--trial",
            1,
            "--set",
            SET,
            "--model",
            forest / "forest.skops",
            "--fit",
            forest / "fit.json",
        ),
        "predict": cost(
            "predict",
            *release,
            *shard,
            "--forests",
            json.dumps([["published", 1, SET]]),
            "--results",
            results,
            "--features",
            features,
            "--output",
            folder / "predictions.parquet",
        ),
        "reference": cost(
            "reference",
            *DATASET,
            *shard,
            "--references",
            "sen2cor,s2cloudless",
            "--output",
            folder / "references.parquet",
        ),
        "score": cost(
            "score",
            *release,
            "--catalog",
            catalog,
            "--split",
            split,
            "--ledger",
            ledger,
            "--scheme",
            "published",
            "--trial",
            1,
            "--sets",
            SET,
            "--seed",
            1,
            "--predictions",
            folder / "predictions.parquet",
            "--references",
            folder / "references.parquet",
            "--confusion",
            baselines / "confusion.parquet",
            "--metrics",
            baselines / "metrics.tsv",
            "--scores-by",
            baselines / "scores_by.tsv",
            "--paired",
            baselines / "paired.tsv",
        ),
    }


@pytest.mark.long
def test_sixteen_times_the_data_take_no_more_memory_and_sixteen_times_the_time(tmp_path):
    """Each step in one shard, whatever the size of the sample; the smallest fills a block of every step."""
    costs = {rois: chain(tmp_path / str(rois), rois) for rois in (48, 192, 768)}
    for step in costs[48]:
        found = (f"{rois} ROIs: {of[step].memory:.0f} MB, {of[step].seconds:.1f} s" for rois, of in costs.items())
        print(f"{step:10}", *found)
    for factor in (4, 16):
        small, large = costs[48], costs[48 * factor]
        largest = [max(cost.memory for cost in of.values()) for of in (small, large)]
        assert largest[1] <= 1.1 * largest[0]
        for step, cost_of_large in large.items():
            assert cost_of_large.seconds <= factor**1.1 * small[step].seconds, (step, factor)
