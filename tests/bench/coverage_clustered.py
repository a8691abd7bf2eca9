"""Coverage where classes are rare and sit in few groups: python -m bench coverage_clustered"""

from pathlib import Path

import numpy as np

from bench.coverage import DRAWS, RUNS, TABLE_CLUSTERED, tabled_clustered
from bench.measure import Row, clock


def rows(folder: Path) -> list[Row]:
    """Simulate and keep the table; the one line is how long it takes."""

    def work() -> None:
        with np.errstate(all="ignore"):
            table = tabled_clustered(RUNS, DRAWS)
        table.to_csv(TABLE_CLUSTERED, sep="\t", index=False, float_format="%.3f", lineterminator="\n")

    return [Row(f"coverage where classes are clustered, {RUNS:,} runs", "an hour", 1.0, clock(work), 3600.0)]
