"""Where the time goes on a large release: python -m bench large (20 GB of disk, half an hour of two cores).

SENTINEL_FOREST_GIGABYTES asks for another size; SENTINEL_FOREST_LARGE names the folder of a release that was
written before. Not part of `make bench` unless it is named.
"""

import csv
import math
import os
import shlex
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from bench.measure import Row, clock
from project import Checkout, copy_project
from sentinel_forest.steps import flags

GIGABYTES = float(os.environ.get("SENTINEL_FOREST_GIGABYTES", "20"))
IMAGE_GIGABYTES = 0.0246
DATES = 5
OVERLAY = {
    "version": "large-v1",
    "releases": ["large"],
    "schemes": ["published", "grouped-stratified"],
    "trials": 1,
    "feature_sets": ["l1c"],
    "draw": {"pixels": 300000},
    "forest": {"trees": 50, "minimum_leaf": 20},
}


def prepared(folder: Path) -> tuple[Checkout, Path, dict[str, dict[str, object]]]:
    """A copy of the project, the folder of a large release, and its entry for `own_releases`."""
    checkout = copy_project(folder / "project")
    release = Path(os.environ.get("SENTINEL_FOREST_LARGE", folder / "large"))
    if not release.exists():
        write(checkout, release, max(16, math.ceil(GIGABYTES / IMAGE_GIGABYTES / DATES)))
    return checkout, release, {"large": {"dataset": "cloudsen12", "folder": str(release), "shards": 4}}


def rows(folder: Path) -> list[Row]:
    """For each rule the time of its jobs, against reading the whole release once. No goals."""
    checkout, release, own = prepared(folder)
    checkout.overlay("large.yaml", **OVERLAY, own_releases=own)
    snakemake = Path(sys.executable).parent / "snakemake"
    subprocess.run(
        [snakemake, "--cores", "2", "--configfile", "large.yaml"], cwd=checkout.folder, check=True, stdout=sys.stderr
    )
    gigabytes = sum(path.stat().st_size for path in release.rglob("*")) / 1e9
    reading = clock(lambda: read(release))
    return [
        Row(
            f"{rule} of {gigabytes:.0f} GB, {time.jobs} jobs, {time.processor:.0f} s of processor",
            "reading it once",
            0.0,
            time.seconds,
            reading,
        )
        for rule, time in sorted(times(checkout).items(), key=lambda item: -item[1].seconds)
    ]


def write(checkout: Checkout, folder: Path, rois: int) -> None:
    """A release of the scene model in the layout of CloudSEN12, in images of the published size."""
    sample = flags(settings={"seed": 1, "rois": rois, "dates": DATES}, folder=folder, output=folder.with_suffix(".tsv"))
    words = ["sample", "--dataset", "cloudsen12", *shlex.split(sample)]
    checkout.python("-m", "sentinel_forest.cli", *words)


def read(folder: Path) -> None:
    """Read every byte once, in blocks."""
    block = bytearray(2**24)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.readinto(block):
                    pass


class Time(NamedTuple):
    """Jobs of a rule: their number, how long they ran and for how long they had a processor, in seconds."""

    jobs: int
    seconds: float
    processor: float


def times(checkout: Checkout) -> dict[str, Time]:
    """Times of each rule that is measured, all jobs together."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    benchmarks = checkout.folder / "benchmarks"
    for path in benchmarks.rglob("*.tsv"):
        with path.open(encoding="utf-8") as file:
            found[path.relative_to(benchmarks).parts[0]] += csv.DictReader(file, delimiter="\t")
    return {
        rule: Time(len(jobs), sum(float(job["s"]) for job in jobs), sum(float(job["cpu_time"]) for job in jobs))
        for rule, jobs in found.items()
    }
