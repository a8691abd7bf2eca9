"""Whether a plan is true: processor time of each rule in the default run, against what `snakemake plan` says of it.

The larger of the two stands on the left, so that 1 is a perfect guess and 0.67 a factor of 1.5. Jobs of samples are
short: what they show is the start of a step rather than the rates. Steps tell their time themselves when they end:
Snakemake's benchmarks look at a job every half minute, and miss what a short one does after the last look.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.measure import Row
from project import Checkout, copy_project
from sentinel_forest.planning import whole
from sentinel_forest.planning.checking import select

CLOSE = 1 / 1.5
HOOK = """
import atexit, os, resource, sys

def tell():
    if sys.argv[0].endswith("sentinel-forest"):
        each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(usage.ru_utime + usage.ru_stime for usage in each)
        with open(os.environ["STEP_TIMES"], "a") as file:
            file.write(f"{sys.argv[1]}\\t{seconds}\\n")

atexit.register(tell)
"""
"""Each interpreter that finds this as `sitecustomize` runs it when it starts."""


def rows(folder: Path) -> Iterator[Row]:
    """Each rule of the default run."""
    checkout = copy_project(folder / "project")
    times = steps(checkout)
    config = yaml.safe_load((checkout.folder / "config" / "config.yaml").read_text(encoding="utf-8"))
    yield from compared(times, config)


def steps(checkout: Checkout) -> dict[str, float]:
    """Processor time of the steps of the default run, in seconds, all jobs of a step together."""
    hook, told = checkout.folder / "hook", checkout.folder / "steps.tsv"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    checkout.snakemake("--cores", "2", PYTHONPATH=f"{checkout.folder / 'src'}:{hook}", STEP_TIMES=str(told))
    times: dict[str, float] = defaultdict(float)
    for line in told.read_text(encoding="utf-8").splitlines():
        step, seconds = line.split("\t")
        times[step.replace("-", "_")] += float(seconds)
    return times


def compared(times: Mapping[str, float], config: Mapping[str, Any]) -> Iterator[Row]:
    """Processor time of each rule that is planned, as planned and as measured."""
    planned: dict[str, float] = defaultdict(float)
    for row in whole.all_work(select(config)):
        planned[row.rule] += 3600 * row.core_hours
    for rule in sorted(planned.keys() & times.keys()):
        low, high = sorted((times[rule], planned[rule]))
        what = f"{rule}: {times[rule]:.0f} s of processor, planned {planned[rule]:.0f} s"
        yield Row(what, "the plan is within a factor of 1.5", CLOSE, high, low)
