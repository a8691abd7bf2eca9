"""The workflow as a whole: the default run from nothing to its report, and the plan of the full releases."""

from pathlib import Path

from bench.measure import Row, clock, seconds
from project import copy_project


def rows(folder: Path) -> list[Row]:
    """A fresh copy of the project: its plan of the full releases, and its default run on two cores."""
    checkout = copy_project(folder / "project")
    plan = ("--configfile", "config/full.yaml", "--dry-run", "--quiet", "rules")
    return [
        Row(
            "plan of the full releases, start to end",
            "three seconds",
            1.0,
            seconds(lambda: checkout.snakemake(*plan)),
            3.0,
        ),
        Row(
            "default run, two cores, no data to report",
            "three minutes",
            1.0,
            clock(lambda: checkout.snakemake("--cores", "2")),
            180.0,
        ),
    ]
