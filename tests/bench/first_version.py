"""The default run and its report against version 0.1, in processor time: python -m bench first_version

`SENTINEL_FOREST_FIRST` names a checkout of version 0.1 (commit fc44af1) with its environment in ``.venv``: its lock has
other versions of the libraries. Not part of `make bench` unless it is named. Measured in an environment as users have
it (`make .venv/installed`): pandera imports hypothesis, which only tests need, wherever it finds it.
"""

import os
import sys
from pathlib import Path

from bench.measure import Row
from bench.own_script import cost
from project import copy_project

PAGES = ("--until", "pages")


def rows(folder: Path) -> list[Row]:
    """Version 0.1 first, then a copy of this checkout."""
    given = Path(os.environ["SENTINEL_FOREST_FIRST"])
    first = times(given, given / ".venv" / "bin" / "snakemake", given / "workflow" / "scripts")
    checkout = copy_project(folder / "project").folder
    ours = times(checkout, Path(sys.executable).parent / "snakemake", checkout / "src")
    return [
        Row("default run, processor time", "the default run of version 0.1", 1 / 0.55, ours[0], first[0]),
        Row("report of the default run, processor time", "that of version 0.1", 1 / 0.4, ours[1], first[1]),
    ]


def times(folder: Path, snakemake: Path, source: Path) -> tuple[float, float]:
    """Processor time of the default run, and of making its pages again, without what Snakemake takes to find out."""
    call = [snakemake, "--cores", "2"]
    whole, again, nothing = (
        cost([*call, *words], folder, source).processor for words in ((), (*PAGES, "--forcerun", "pages"), PAGES)
    )
    return whole, again - nothing
