"""The default run and its report against version 0.1, in processor time: python -m bench first_version

`SENTINEL_FOREST_FIRST` names a checkout of version 0.1 (commit fc44af1) with its environment in ``.venv``: its lock has
other versions of the libraries. Not part of `make bench` unless it is named. Measured in an environment as users have
it (`make .venv/installed`). A report is made twice: with all figures drawn anew, as the first one is, and with those
taken from the last that are the same. Version 0.1 draws all of them each time.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from bench.measure import Row
from bench.own_script import cost
from project import copy_project
from sentinel_forest import kept

PAGES = ("--until", "pages")


class Times(NamedTuple):
    """Seconds of processor: the default run, its report, and the same report once more."""

    whole: float
    report: float
    again: float


def rows(folder: Path) -> list[Row]:
    """Version 0.1 first, then a copy of this checkout."""
    given = Path(os.environ["SENTINEL_FOREST_FIRST"])
    first = times(given, given / ".venv" / "bin" / "snakemake", given / "workflow" / "scripts")
    checkout = copy_project(folder / "project").folder
    ours = times(checkout, Path(sys.executable).parent / "snakemake", checkout / "src")
    return [
        Row("default run, processor time", "the default run of version 0.1", 1 / 0.55, ours.whole, first.whole),
        Row("report of the default run, processor time", "that of version 0.1", 1 / 0.4, ours.report, first.report),
        Row("the same report once more", "that of version 0.1", 1 / 0.4, ours.again, first.again),
    ]


def times(folder: Path, snakemake: Path, source: Path) -> Times:
    """What a checkout takes; of the report without what Snakemake takes to find out that it is to be made."""

    def processor(*words: str) -> float:
        return cost([snakemake, "--cores", "2", *words], folder, source).processor

    whole, nothing = processor(), processor(*PAGES)
    shutil.rmtree(folder / "work" / kept.STORE / "figure", ignore_errors=True)
    report, again = (processor(*PAGES, "--forcerun", "pages") - nothing for _ in range(2))
    return Times(whole, report, again)
