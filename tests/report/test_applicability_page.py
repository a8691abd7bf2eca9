"""The figure of error against dissimilarity."""

import numpy as np
import pandas as pd

from sentinel_forest.report import charts
from sentinel_forest.report.applicability import chart


def test_the_figure_has_a_point_for_each_bin_and_the_threshold() -> None:
    rows = pd.DataFrame(
        {
            "role": ["validation"] * 3 + ["test"] * 3,
            "bin": [1, 2, 3] * 2,
            "threshold": 0.4,
            "index": [0.1, 0.3, 0.9, 0.2, 0.4, 1.2],
            "error": [0.1, 0.2, 0.4, 0.1, 0.3, 0.5],
            "low": [0.05, 0.1, np.nan] * 2,
            "high": [0.2, 0.3, np.nan] * 2,
            "rows": 10,
            "patches": 5,
            "groups": 4,
        }
    )
    drawn = charts.svg(chart(rows).complete())
    assert drawn.count('aria-roledescription="point"') == 6
    assert drawn.count('stroke-dasharray="5,4"') == 1
    assert drawn.count('aria-roledescription="rule mark"') == 5
