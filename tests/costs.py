"""What the steps of a run take. They tell it themselves when they end: Snakemake's benchmarks look at a job every half
minute, and miss what a short one does after the last look.
"""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import yaml

from project import Checkout, copy_project

HOOK = """
import atexit, os, resource, sys

def tell():
    if sys.argv[0].endswith("sentinel-forest"):
        each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(usage.ru_utime + usage.ru_stime for usage in each)
        with open("/proc/self/status") as status:
            memory = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        with open(os.environ["STEP_COSTS"], "a") as file:
            file.write(f"{sys.argv[1]}\\t{memory}\\t{seconds}\\n")

atexit.register(tell)
"""
"""Each interpreter that finds this as `sitecustomize` runs it when it starts; only Linux tells the memory."""


class Cost(NamedTuple):
    """The largest memory (MB) of the jobs of a step, and the processor time (seconds) of all of them together."""

    memory: float
    seconds: float


def sample_of(folder: Path, release: str, **settings: int) -> Checkout:
    """A copy of the project whose built-in sample has another size; what its registry entry says of it is left out."""
    checkout = copy_project(folder)
    path = checkout.folder / "src" / "sentinel_forest" / "registry" / "releases" / f"{release}.yaml"
    entry = yaml.safe_load(path.read_text(encoding="utf-8"))
    del entry["patches"]
    entry["sample"] |= settings
    path.write_text(yaml.safe_dump(entry), encoding="utf-8")
    return checkout


def costs_of(checkout: Checkout, *arguments: str) -> dict[str, Cost]:
    """Call Snakemake; return what each step took."""
    hook, told = checkout.folder / "hook", checkout.folder / "steps.tsv"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
    checkout.snakemake(*arguments, PYTHONPATH=f"{checkout.folder / 'src'}:{hook}", STEP_COSTS=str(told))
    costs: dict[str, Cost] = defaultdict(lambda: Cost(0, 0))
    for line in told.read_text(encoding="utf-8").splitlines():
        step, memory, seconds = line.split("\t")
        before = costs[step.replace("-", "_")]
        costs[step.replace("-", "_")] = Cost(max(before.memory, int(memory) / 1024), before.seconds + float(seconds))
    return dict(costs)
