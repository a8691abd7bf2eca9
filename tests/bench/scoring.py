"""Scores and their intervals."""

from pathlib import Path

import numpy as np

from bench.measure import Row, seconds
from sentinel_forest import uncertainty


def rows(folder: Path) -> list[Row]:
    """2,000 draws of a cluster bootstrap over 1,000 patches, against one second."""
    counts = np.random.default_rng(1).integers(0, 50, (1000, 4, 4)).astype(np.float64)

    def ours() -> None:
        draws = uncertainty.resamples(1000, 2000, 1)
        tables = (draws @ counts.reshape(1000, -1)).reshape(-1, 4, 4)
        uncertainty.interval(np.trace(tables, axis1=1, axis2=2) / tables.sum((1, 2)), 1000)

    return [Row("bootstrap, 2,000 draws, 1,000 patches", "one second", 1.0, seconds(ours), 1.0)]
