"""The table of scores by seed of the forest, and what is said of it beside a score."""

import pandas as pd

from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns

SEEDS = pa.DataFrameSchema(
    {
        **columns("str", "features", "task"),
        "metric": pa.Column("str", pa.Check.isin(("oa", "aa.present"))),
        "seeds": pa.Column("int64", pa.Check.ge(2)),
        **columns("float64", "lowest", "mean", "highest", "seed_std"),
        **columns("int64", "rows", "groups"),
    },
    strict=True,
    ordered=True,
    unique=["features", "metric"],
)
"""Scores of the forests of so many `seeds` on the same held-out rows, that of the version among them.

`seed_std`: their standard deviation (ddof 1). No rows where the configuration asks for one seed alone.
"""


def noted(table: pd.DataFrame, trial: int) -> dict[tuple[str, str, str], str]:
    """What to say beside a score of a forest, by feature set, task and metric.

    Examples
    --------
    >>> row = ("l1c", "cloud", "oa", 3, 0.84, 0.845, 0.85, 0.005, 10_000, 12)
    >>> noted(pd.DataFrame([row], columns=list(SEEDS.columns)), 1)
    {('l1c', 'cloud', 'oa'): 'std between 3 forest seeds 0.005 (trial 1, 10,000 held-out rows)'}
    """
    keys = table[["features", "task", "metric"]].astype("str").itertuples(index=False, name=None)
    said = [
        f"std between {count} forest seeds {std:.3f} (trial {trial}, {rows:,} held-out rows)"
        for count, std, rows in zip(table["seeds"], table["seed_std"], table["rows"], strict=True)
    ]
    return {
        (str(features), str(task), str(metric)): text for (features, task, metric), text in zip(keys, said, strict=True)
    }
