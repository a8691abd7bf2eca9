"""Whether a plan is true: processor time of each rule in a run, against what `snakemake plan` says of it.

The larger of the two stands on the left, so that 1 is a perfect guess and 0.67 a factor of 1.5. SENTINEL_FOREST_RUN
names the folder of a checkout in which a run has ended; without it the default run is done in a copy of the project.
Jobs of samples are short: what they show is the start of a step rather than the rates.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.large import times
from bench.measure import Row
from project import Checkout, copy_project
from sentinel_forest.planning import whole
from sentinel_forest.planning.selection import select

CLOSE = 1 / 1.5


def rows(folder: Path) -> Iterator[Row]:
    """Each rule of a run."""
    if finished := os.environ.get("SENTINEL_FOREST_RUN"):
        checkout = Checkout(Path(finished))
    else:
        checkout = copy_project(folder / "project")
        checkout.snakemake("--cores", "2")
    config = yaml.safe_load((checkout.folder / "config" / "config.yaml").read_text(encoding="utf-8"))
    yield from compared(checkout, config)


def compared(checkout: Checkout, config: Mapping[str, Any]) -> Iterator[Row]:
    """Processor time of each rule, planned and measured, all jobs together."""
    planned: dict[str, float] = defaultdict(float)
    for row in whole.all_work(select(config)):
        planned[row.rule] += 3600 * row.core_hours
    for rule, time in sorted(times(checkout).items()):
        if rule in planned and time.processor:
            low, high = sorted((time.processor, planned[rule]))
            what = f"{rule}: {time.processor:.0f} s of processor, planned {planned[rule]:.0f} s"
            yield Row(what, "the plan is within a factor of 1.5", CLOSE, high, low)
