"""Speeds as ratios, each pair measured in one run on the same bytes: make bench

Each module here has `rows(folder)`, which measures in an empty folder and returns its lines of the table.
Names of modules as arguments measure only those.
"""

import importlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

from bench.measure import Row

PARTS = (
    "verification",
    "transfers",
    "patches",
    "hashing",
    "splits",
    "forests",
    "scoring",
    "sampling",
    "coverage",
    "exports",
    "loading",
    "demo",
    "rates",
)


def main(parts: Sequence[str]) -> None:
    """Measure and print the table, line by line."""
    print("what\tagainst\tours s\tother s\tratio\tgoal\tmet\tdate\tmachine", flush=True)
    for part in parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            for row in importlib.import_module(f"bench.{part}").rows(Path(folder)):
                print(line(row), flush=True)


def line(row: Row) -> str:
    """A line of the table, columns parted by tabs."""
    met = "yes" if row.ratio >= row.goal else "no"
    where = f"{date.today()}\t{machine()}"
    return f"{row.what}\t{row.against}\t{row.ours:.3f}\t{row.other:.3f}\t{row.ratio:.2f}\t{row.goal:g}\t{met}\t{where}"


@cache
def machine() -> str:
    """Number and kind of processors, and whether others use them: SENTINEL_FOREST_MACHINE adds words."""
    cpus = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", cpus.read_text(encoding="utf-8")) if cpus.is_file() else []
    words = [f"{os.cpu_count()} x {names[0] if names else platform.processor()}"]
    return ", ".join([*words, *filter(None, [os.environ.get("SENTINEL_FOREST_MACHINE")])])


if __name__ == "__main__":
    main(sys.argv[1:])
