"""Scores by attributes of the patches (city, season, ...), for the page on baselines."""

from collections.abc import Mapping

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.report import figures
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, Plot, Source, column, score, table
from sentinel_forest.report.scores import definitions, named, ordered, texts, without_dummies

SHOWN = ("oa", "aa.present", "aa.all", "iou.present", "iou.all", "boa.median")
EXPLAINED = (
    "Each row has the scores on the test patches with one value of {attribute} ({trial}). Present classes are those "
    "that occur among them. Intervals are over their groups, and left out where there are too few. The file also has "
    "other figures, other roles and dummy classifiers."
)


def items(release: ReleaseResults) -> list[Item]:
    """A figure and a table for each attribute, of the trial that stands for the release."""
    scheme, trial = release.primary
    rows = release.scores_by
    rows = rows[(rows["scheme"] == scheme) & (rows["trial"] == trial) & (rows["role"] == "test")]
    rows = ordered(without_dummies(rows[rows["value"].notna()]))
    source = release.from_file(paths.SCORES_BY, "score", scheme=scheme, trial=trial)
    return [
        item
        for attribute, of_attribute in rows.groupby("attribute", sort=False)
        for item in _attribute(
            release,
            str(attribute).replace("_", " "),
            f"{scheme} {trial}",
            _named(of_attribute, release.dataset.stratum_names.get(str(attribute), {})),
            source,
        )
    ]


def _named(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Rows whose strata have a name beside their code."""
    return rows.assign(stratum=[f"{code} {names[code]}" if code in names else code for code in rows["stratum"]])


def _attribute(release: ReleaseResults, attribute: str, trial: str, rows: pd.DataFrame, source: Source) -> list[Item]:
    overall = (rows["metric"] == "oa") & (rows["weighting"] == "none")
    drawn = rows[overall & (rows["features"] != "")]  # dummy classifiers are gone: forests
    plots: list[Item] = [_plot(release, attribute, trial, drawn, source)] if len(drawn) else []
    explained = EXPLAINED.format(attribute=attribute, trial=trial)
    return [
        *plots,
        table(
            f"Scores by {attribute} on {release.name}", _wide(rows, attribute), [source], explained, release.is_sample
        ),
    ]


def _plot(release: ReleaseResults, attribute: str, trial: str, rows: pd.DataFrame, source: Source) -> Plot:
    drawn = rows.sort_values("value", kind="stable").assign(label=rows["stratum"], series=named(rows))
    worst, best = drawn.iloc[0], drawn.iloc[-1]
    return Plot(
        f"OA of the forests by {attribute} on {release.name}",
        figures.intervals(drawn, f"overall accuracy, {trial}, test patches", limits=(-0.02, 1.02)),
        f"Overall accuracy of each forest by {attribute}. Lowest: {worst['label']} {worst['value']:.2f} "
        f"({worst['series']}); highest: {best['label']} {best['value']:.2f} ({best['series']}).",
        f"A row for each value of {attribute}, the lowest accuracy on top; a symbol for each forest, its bar the 95 % "
        "interval over groups, where there are enough of them.",
        "One row far below all others: its labels may be wrong, or training has nothing like it.",
        (source,),
        release.is_sample,
    )


def _wide(rows: pd.DataFrame, attribute: str) -> pd.DataFrame:
    """A line for each stratum and classifier, a column for each figure."""
    shown = rows[rows["metric"].isin(SHOWN)]
    shown = shown.assign(figure=definitions(shown), classifier=named(shown))
    shown["score"] = column([score(row.value, row.low, row.high) for row in shown.itertuples()])
    keys = ["stratum", "classifier", "task"]
    about = shown.groupby(keys, sort=False).agg(groups=("groups", "max"), mark=("mark", texts))
    wide = shown.pivot(index=keys, columns="figure", values="score")[list(shown["figure"].unique())]
    blank = score(None, None, None)
    wide = wide.reindex(about.index).map(lambda cell: blank if isinstance(cell, float) else cell)
    return wide.join(about).reset_index().rename(columns={"stratum": attribute})
