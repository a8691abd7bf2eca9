"""What grows with the data: not the number of jobs, not memory, and time no faster than the data."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from project import ROOT
from sentinel_forest.steps import ForestFile, TrialFile, flags

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
    assert not {"scipy", "skimage", "sklearn", "skops"} & loaded


class Cost(NamedTuple):
    """What a step took: the largest resident memory in MB, seconds of processor time."""

    memory: float
    seconds: float


def cost(step: str, *arguments: object) -> Cost:
    """Run a step in a process of its own, as a rule does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sentinel_forest.cli", step, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, step
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Cost(usage.ru_maxrss / unit, usage.ru_utime + usage.ru_stime)


def words(**arguments: object) -> list[str]:
    """Arguments of a step as words of the command line."""
    return shlex.split(flags(**arguments))


def chain(folder: Path, rois: int) -> dict[str, Cost]:
    """Write a sample of so many ROIs and take it through the steps, each in one shard."""
    data, files, hashes, catalog, split, ledger, features, model, fit, predictions, references, verified = (
        folder / name
        for name in (
            "data",
            "files.tsv",
            "hashes.parquet",
            "catalog.parquet",
            "split.parquet",
            "ledger.tsv",
            "features.parquet",
            "forest.skops",
            "fit.json",
            "predictions.parquet",
            "references.parquet",
            "verified.json",
        )
    )
    folder.mkdir(parents=True, exist_ok=True)
    verified.write_text('{"accepted":[]}', encoding="utf-8")
    sample = json.dumps({"seed": 1, "rois": rois, "dates": 5})
    release = ("--release", "sample", *DATASET)
    about = {
        "dataset": "cloudsen12",
        "layout": {"side": 96},
        "release": "sample",
        "folder": data,
        "catalog": catalog,
        "shard": 1,
        "shards": 1,
        "scheme": "published",
        "trial": 1,
        "feature_set": SET,
        "seed": 1,
    }

    def own(*names: str) -> list[str]:
        return words(**{name: about[name] for name in names})

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
            "--checksums",
            folder / "checksums.tsv",
        ),
        "catalog": cost(
            "catalog", *DATASET, "--folder", data, "--files", files, "--hashes", hashes, "--output", catalog
        ),
        "split": cost(
            "split",
            *own("catalog", "release", "scheme", "trial", "seed"),
            *words(
                definition={"kind": "pooled-random", "fractions": {"train": 0.5, "test": 0.5}},
                classes=["clear", "thick cloud", "thin cloud", "cloud shadow"],
                output=split,
                balance=folder / "balance.tsv",
                infeasible=folder / "infeasible.tsv",
            ),
        ),
        "ledger": cost(
            "ledger",
            *own("catalog"),
            *words(splits=[TrialFile("published", 1, split)], keys={"roi": "mark"}, signatures=[], output=ledger),
        ),
        "features": cost(
            "feature-table",
            *own("dataset", "layout", "release", "catalog", "folder", "shard", "shards", "feature_set", "seed"),
            *words(draw={"pixels": 20000}, output=features),
        ),
        "fit": cost(
            "fit",
            *own("dataset", "layout", "release", "catalog", "scheme", "trial", "feature_set", "seed"),
            *words(split=split, features=[features], forest={"trees": 20}, model=model, fit=fit),
        ),
        "predict": cost(
            "predict",
            *own("dataset", "layout", "catalog", "folder", "shard", "shards"),
            *words(
                splits=[TrialFile("published", 1, split)],
                forests=[ForestFile("published", 1, SET, model)],
                fits=[ForestFile("published", 1, SET, fit)],
                features=[],
                output=predictions,
            ),
        ),
        "reference": cost(
            "reference",
            *own("dataset", "layout", "catalog", "folder", "shard", "shards"),
            *words(references=["sen2cor", "s2cloudless"], output=references),
        ),
        "score": cost(
            "score",
            *own("dataset", "layout", "release", "catalog", "scheme", "trial", "seed"),
            *words(
                split=split,
                ledger=ledger,
                verified=verified,
                feature_sets=[SET],
                predictions=[predictions],
                references=[references],
                further=[],
                **{name: folder / name for name in ("confusion", "metrics", "scores_by", "paired")},
            ),
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
