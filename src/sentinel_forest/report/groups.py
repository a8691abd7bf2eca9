"""How many test groups are enough, for the page on baselines."""

from pathlib import Path

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation.confusion import CONFUSION
from sentinel_forest.evaluation.groups_needed import FEWEST, needed
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, column, number, table
from sentinel_forest.report.scores import FOREST, kinds, named

SHOWN = (10, 20, 30, 50, 100, 200)
"""Numbers of test groups that the table has, beside the observed one."""
WANTED = 0.05
"""Half width of an interval for which the fewest groups are given."""
WHAT = {"oa": "overall accuracy", "pa": "producer's accuracy, rarest class"}


def items(release: ReleaseResults) -> list[Item]:
    """Half widths of intervals to expect of the forests of one trial; nothing where a test patch has no group."""
    scheme, trial = release.primary
    file = release.path(paths.CONFUSION, scheme=scheme, trial=trial)
    counts = _forests(file) if file.is_file() else pd.DataFrame()
    if counts.empty or counts["group"].isna().any() or (counts["group"] == "").any() or counts["group"].nunique() < 2:
        return []
    rows = needed(counts, WANTED, SHOWN)
    return [
        table(
            f"How many test groups are enough on {release.name}",
            _wide(rows),
            [release.from_file(paths.CONFUSION, "score", scheme=scheme, trial=trial)],
            f"Half width to expect of the 95 % interval with 10, 20, ... test groups that resemble those of {scheme}, "
            f"trial {trial}. Empty: too few groups for an interval. Enough: the fewest groups that give a half width "
            f"of {WANTED:g}.",
            release.is_sample,
        )
    ]


def _forests(confusion: Path) -> pd.DataFrame:
    """Counts of the forests on the test patches of a trial."""
    counts = read_parquet(confusion, list(CONFUSION.columns))
    counts = counts[counts["role"] == "test"]
    return counts[kinds(counts) == FOREST] if len(counts) else counts


def _unreached(notes: pd.Series) -> str:
    """What stands for a number of groups that cannot be given."""
    return "more than 100,000" if notes.str.startswith("more than").any() else "cannot be told"


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each forest and score, a column for each number of groups."""
    keys = ["task", "features", "classifier", "metric", "class"]
    shown = []
    for _, part in rows.groupby(keys, sort=False):
        widths = part[part["note"] == ""].set_index("groups")["half_width"]
        enough = part.loc[part["note"].str.startswith(FEWEST), "groups"]
        first = part.iloc[0]
        shown.append(
            {
                "classifier": named(part.head(1)).iloc[0],
                "score": f"{WHAT[first['metric']]} ({first['class']})" if first["class"] else WHAT[first["metric"]],
                "groups": int(first["observed_groups"]),
                **{f"{count} groups": widths.get(count) for count in SHOWN},
                "enough": str(enough.iloc[0]) if len(enough) else _unreached(part["note"]),
            }
        )
    frame = pd.DataFrame(shown)
    for name in [f"{count} groups" for count in SHOWN]:
        frame[name] = column([number(value) for value in frame[name]])
    return frame
