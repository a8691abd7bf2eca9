"""How the error of forests grows with the distance to their training data, for the page on how forests behave."""

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation.dissimilarity import DISSIMILARITY
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.report.charts import Chart, Spec, coloured, number
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, Plot, Source
from sentinel_forest.report.palette import INK, ROLES

READING = (
    "Held-out rows in bins of their dissimilarity index: the distance to the nearest training sample, divided by the "
    "mean distance between training samples. A point is a bin, its bar the 95 % interval over groups. The area of "
    "applicability is left of the dashed line: there, no row is farther from training than training samples of "
    "different groups are from each other (outliers among them aside)."
)
SUSPICIOUS = (
    "Error that rises to the right: scores hold only for places that resemble the training data. Most points right of "
    "the line: the test patches are unlike anything in training."
)


def items(release: ReleaseResults) -> list[Item]:
    """A figure for each forest of the trial that is shown; none where the version did not ask for it."""
    scheme, trial = release.primary
    found: list[Item] = []
    for feature_set in release.sets:
        forest: dict[str, object] = {"scheme": scheme, "trial": trial, "set": feature_set}
        path = release.path(paths.DISSIMILARITY, **forest)
        if not path.is_file():
            continue
        rows = read_tsv(path, DISSIMILARITY, validated=True)
        source = release.from_file(paths.DISSIMILARITY, "applicability", **forest)
        if rows["error"].notna().any():
            found.append(_plot(release, f"{feature_set}, {scheme} {trial}", rows, source))
    return found


def _plot(release: ReleaseResults, name: str, rows: pd.DataFrame, source: Source) -> Plot:
    test = rows[rows["role"] == rows["role"].iloc[-1]]
    first, last = (test.iloc[place] for place in (0, -1))
    ends = ", ".join(f"{row['error']:.3f} at {row['index']:.3g}" for row in (first, last))
    return Plot(
        f"Error by dissimilarity to training on {release.name}: {name}",
        chart(rows),
        f"Error of the role {test['role'].iloc[0]}: {ends}; the threshold is {rows['threshold'].iloc[0]:.3g}.",
        READING,
        SUSPICIOUS,
        (source,),
        release.is_sample,
    )


def chart(rows: pd.DataFrame) -> Chart:
    """Draw the error (`error`, `low`, `high`) over the index (`index`) by `role`, with the threshold.

    Parameters
    ----------
    rows : DataFrame
        See `DISSIMILARITY`.
    """
    roles = list(dict.fromkeys(rows["role"]))
    colour = coloured("role", {role: ROLES[role] for role in roles})
    across, up = number("index", "dissimilarity index", zero=True), number("error", "error", zero=True)
    encoding = {"x": across, "y": up, "color": colour}
    points: Spec = {"mark": {"type": "point", "filled": True, "size": 55}, "encoding": encoding}
    line: Spec = {"mark": {"type": "line", "strokeWidth": 1.5}, "encoding": encoding}
    bars: Spec = {
        "mark": {"type": "rule", "strokeWidth": 1.2},
        "transform": [{"filter": "isValid(datum.low)"}],
        "encoding": {"x": across, "y": number("low", "error", zero=True), "y2": {"field": "high"}, "color": colour},
    }
    threshold: Spec = {
        "mark": {"type": "rule", "strokeDash": [5, 4], "color": INK},
        "encoding": {"x": {"aggregate": "max", **number("threshold", "dissimilarity index", zero=True)}},
    }
    return Chart(
        {"width": 560, "height": 260, "data": {"name": "values"}, "layer": [threshold, line, bars, points]},
        rows[["role", "bin", "threshold", "index", "error", "low", "high", "rows", "patches", "groups"]],
    )
