"""Whether a plan is true: processor time of each rule in the default run, against what `snakemake plan` says of it.

The larger of the two stands on the left, so that 1 is a perfect guess and 0.67 a factor of 1.5. Jobs of samples are
short: what they show is the start of a step rather than the rates.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.measure import Row
from costs import costs_of
from project import copy_project
from sentinel_forest.acquire.pace import pace
from sentinel_forest.planning import whole
from sentinel_forest.planning.checking import select

CLOSE = 1 / 1.5


def rows(folder: Path) -> Iterator[Row]:
    """Each rule of the default run."""
    checkout, before = copy_project(folder / "project"), pace()
    times = {step: cost.seconds for step, cost in costs_of(checkout, "--cores", "2").items()}
    config = yaml.safe_load((checkout.folder / "config" / "config.yaml").read_text(encoding="utf-8"))
    yield from compared(times, config, (before + pace()) / 2)


def compared(times: Mapping[str, float], config: Mapping[str, Any], here: float) -> Iterator[Row]:
    """Processor time of each rule that is planned, as planned on a machine of a pace and as measured."""
    planned: dict[str, float] = defaultdict(float)
    for row in whole.all_work(select(config)):
        planned[row.rule] += 3600 * here * row.core_hours
    for rule in sorted(planned.keys() & times.keys()):
        low, high = sorted((times[rule], planned[rule]))
        what = f"{rule}: {times[rule]:.0f} s of processor, planned {planned[rule]:.0f} s"
        yield Row(what, "the plan is within a factor of 1.5", CLOSE, high, low)
