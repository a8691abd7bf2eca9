"""How fast this machine is, compared with the rates of a plan."""

import json
import time
from statistics import median

import numpy as np

ROUNDS = 15
"""Times that the work is done. The median counts, as a machine's pace may change within seconds."""
UNIT_SECONDS = 0.009
"""Processor time of the work where the rates of `sentinel_forest.planning.resources` hold as they stand: 0.0145 s on
a machine (2 x Intel Xeon) whose steps took 1.6 times as long as these rates say."""


def pace() -> float:
    """How many times as long this machine takes for a piece of work as the rates of a plan say.

    The work is of the two kinds that steps consist of, Python's own and NumPy's. It takes a fifth of a second.
    """
    return median(_seconds() for _ in range(ROUNDS)) / UNIT_SECONDS


def _seconds() -> float:
    start = time.process_time()
    _work()
    return time.process_time() - start


def _work() -> None:
    rows = [{"name": f"patch{number}", "value": number / 7} for number in range(3_000)]
    sorted(json.loads(json.dumps(rows)), key=lambda row: row["name"])
    values = np.random.default_rng(0).random(120_000)
    np.cumsum(values[np.argsort(values)])
