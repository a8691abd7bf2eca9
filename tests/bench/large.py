"""Where the time goes on a large release: python -m bench large (20 GB of disk, an hour of two cores).

SENTINEL_FOREST_GIGABYTES asks for another size. Not part of `make bench` unless it is named.
"""

import csv
import math
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from bench.measure import Row, clock
from project import Checkout, copy_project

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


def rows(folder: Path) -> list[Row]:
    """For each rule the processor time of its jobs, against reading the whole release once. No goals."""
    checkout = copy_project(folder / "project")
    write(checkout, folder / "large", max(16, math.ceil(GIGABYTES / IMAGE_GIGABYTES / DATES)))
    own = {"large": {"dataset": "cloudsen12", "folder": str(folder / "large"), "shards": 4}}
    checkout.overlay("large.yaml", **OVERLAY, own_releases=own)
    snakemake = Path(sys.executable).parent / "snakemake"
    subprocess.run(
        [snakemake, "--cores", "2", "--configfile", "large.yaml"], cwd=checkout.folder, check=True,
        stdout=sys.stderr,
    )  # fmt: skip
    reading = clock(lambda: read(folder / "large"))
    return [
        Row(f"{rule} of {GIGABYTES:g} GB, {len(times)} jobs", "reading it once", 0.0, sum(times), reading)
        for rule, times in sorted(processor_times(checkout).items(), key=lambda item: -sum(item[1]))
    ]


def write(checkout: Checkout, folder: Path, rois: int) -> None:
    """A release of the scene model in the layout of CloudSEN12, in images of the published size."""
    checkout.python(
        "-m", "sentinel_forest.samples", "--dataset", "cloudsen12", "--layout", "{}",
        "--sample", f'{{"seed": 1, "rois": {rois}, "dates": {DATES}}}',
        "--folder", str(folder), "--files", str(folder.with_suffix(".tsv")),
    )  # fmt: skip


def read(folder: Path) -> None:
    """Read every byte once, in blocks."""
    block = bytearray(2**24)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.readinto(block):
                    pass


def processor_times(checkout: Checkout) -> dict[str, list[float]]:
    """Seconds of processor time of each job, by rule."""
    found = defaultdict(list)
    benchmarks = checkout.folder / "benchmarks"
    for path in benchmarks.rglob("*.tsv"):
        rule = path.relative_to(benchmarks).parts[0]
        with path.open(encoding="utf-8") as file:
            found[rule] += [float(row["cpu_time"]) for row in csv.DictReader(file, delimiter="\t")]
    return found
