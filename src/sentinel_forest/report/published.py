"""What papers report for the figure of the first page: the best published score of a trained model, in a sentence."""

from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from sentinel_forest.registry import PAPERS
from sentinel_forest.report.inputs import VersionResults
from sentinel_forest.report.model import interval_text
from sentinel_forest.report.scores import FOREST
from sentinel_forest.versions.papers import Figure, read_papers
from sentinel_forest.versions.reproduction import UNCONFIRMED

if TYPE_CHECKING:
    from sentinel_forest.report.findings import Summary

PUBLISHED = "published"
"""The kind of the split that papers report on."""


def sentence(version: VersionResults, found: "Summary") -> str:
    """The best published score in the figure of a summary, beside that of the forest on the same split.

    Only scores on the published split, of the same classes and bands, count; the model may be another one. Nothing is
    said where the version's sheet of published figures has none.
    """
    figure = _best(version, found)
    if figure is None:
        return ""
    model = f"another model ({figure.model}, {figure.differs['model']})" if figure.differs else figure.model
    value = f"{figure.value:.{figure.decimals}f} ({found.what})"
    text = f"Published: {model} reaches {value} on the published split of {figure.release}"
    if found.release.is_sample:
        return f"{text}, which this sample only imitates."
    scheme = next((name for name, kind in found.release.kinds.items() if kind == PUBLISHED), "")
    ours = found.best(scheme, FOREST)
    return f"{text}." if ours is None else f"{text}; the forest here reaches {_score(ours)} on that split."


def _best(version: VersionResults, found: "Summary") -> Figure | None:
    """The highest figure that differs from ours in the model at most."""
    sheet, first = version.reproduction, found.rows.iloc[0]
    if sheet is None or sheet.empty:
        return None
    keys = ["task", "metric", "class"]
    rows = sheet[(sheet[keys] == first[keys]).all(axis=1) & (sheet["release"] == found.release.name)]
    rows = rows[(rows["classifier"] == FOREST) & (rows["role"] == "test") & (rows["confirmed"] != UNCONFIRMED)]
    for row in rows.sort_values("published", ascending=False, kind="stable").itertuples():
        figure = _figures().get((str(row.paper), str(row.figure), str(row.metric), str(first["class"])))
        is_of_release = figure is not None and (found.release.is_sample or figure.release == found.release.name)
        if figure is not None and is_of_release and figure.differs.keys() <= {"model"}:
            return figure
    return None


@cache
def _figures() -> dict[tuple[str, str, str, str], Figure]:
    """Figures of the papers in the registry, by paper, name, metric and class."""
    return {(each.paper, each.name, each.metric, each.of_class): each for each in read_papers(PAPERS)}


def _score(row: pd.Series) -> str:
    return interval_text(row["value"], row["low"], row["high"])
