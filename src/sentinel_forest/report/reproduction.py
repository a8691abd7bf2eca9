"""The page that holds published figures against those of the version."""

from typing import Any

import pandas as pd

from sentinel_forest.evaluation import metrics
from sentinel_forest.report import figures
from sentinel_forest.report.inputs import VersionResults
from sentinel_forest.report.model import Cell, Item, Note, Page, Plot, Section, Source, Table, column, score, table
from sentinel_forest.report.scores import definitions, named

LEAD = (
    "Published figures beside ours, with the same data, split and definition or none at all: where one of "
    "them differs, the sheet says “not comparable” and why. Ours is the score of the trial that is "
    "named, with its 95 % interval over groups."
)
SHEET = Source("reproduction.tsv", "reproduction")
TONES = {
    "inside": "good",
    "outside": "bad",
    "equal to the printed decimals": "good",
    "differs": "bad",
    "not comparable": "caution",
}


def page(version: VersionResults) -> Page:
    """The verdicts, then the sheet, paper by paper."""
    sheet = version.reproduction
    if sheet is None or sheet.empty:
        nothing: tuple[Item, ...] = (Note("No published figure belongs to the releases of this version."),)
        return Page("reproduction", "Reproduction", LEAD, (Section("Verdicts", nothing),))
    sections = [Section("Verdicts", (_verdicts(version, sheet),))]
    sections += [
        Section(f"Paper: {paper}", _paper(version, str(paper), rows))
        for paper, rows in sheet.groupby("paper", sort=False)
    ]
    return Page("reproduction", "Reproduction", LEAD, tuple(sections))


def kind(verdict: str) -> str:
    """``inside``, ``outside``, ``equal to the printed decimals``, ``differs`` or ``not comparable``."""
    return next(name for name in TONES if verdict.startswith(name))


def _verdicts(version: VersionResults, sheet: pd.DataFrame) -> Table:
    reasons = sheet["verdict"].where(sheet["verdict"].str.startswith("not comparable"), sheet["verdict"].map(kind))
    counts = sheet.assign(verdict=reasons).groupby(["paper", "release", "verdict"], sort=False).size()
    frame = counts.rename("figures").reset_index()
    return table(
        "Verdicts by paper",
        frame.assign(verdict=_cells(frame["verdict"])),
        [SHEET],
        "Inside: the published figure lies in our 95 % interval, widened by half a unit of its last decimal. "
        "Outside: it does not. Equal, or differs: a reference algorithm leaves nothing to chance: its score "
        "on the same images is the published one. Not comparable: the two are not of the same thing, and no "
        "verdict is given.",
        version.has_samples,
    )


def _paper(version: VersionResults, paper: str, rows: pd.DataFrame) -> tuple[Item, ...]:
    items: list[Item] = []
    compared = rows[~rows["verdict"].str.startswith("not comparable")]
    if len(compared):
        items.append(_drawn(version, paper, compared))
    shown = rows[["figure", "release", "scheme", "trial", "role"]].copy()
    shown["classifier"] = named(rows)
    shown["definition"] = _figures(rows)
    shown["pixels"] = rows["pixels"]
    shown["published"] = column(Cell(f"{value:g}", repr(value), "number") for value in rows["published"])
    shown["ours [95 % interval]"] = column(
        [score(*row) for row in rows[["ours", "low", "high"]].itertuples(index=False, name=None)]
    )
    shown["verdict"], shown["note"] = _cells(rows["verdict"]), rows["note"]
    shown["published figure is"], shown["protocol"] = rows["confirmed"], rows["protocol"]
    shown["read in"] = rows["source"]
    items.append(
        table(
            f"Published figures and ours: {paper}",
            shown,
            [SHEET],
            "An empty figure of ours: this version has no such score. Outside by: from the published figure "
            "to the nearer end of our interval, + where ours is higher. Differs by: ours minus the published "
            "figure.",
            any(version.is_sample(name) for name in rows["release"]),
        )
    )
    return tuple(items)


def _drawn(version: VersionResults, paper: str, rows: pd.DataFrame) -> Plot:
    """Published figures beside ours, percentages as shares."""
    scale = [_unit(metric) for metric in rows["metric"]]
    ours = rows.assign(series="ours: " + named(rows), value=rows["ours"])
    theirs = rows.assign(series="published", value=rows["published"], low=float("nan"), high=float("nan"))
    label = rows["figure"] + ": " + _figures(rows)
    drawn = pd.concat(
        [each.assign(label=label, **each[["value", "low", "high"]].div(scale, axis=0)) for each in (ours, theirs)]
    )
    verdicts = rows["verdict"].map(kind).value_counts()
    return Plot(
        f"Published figures against ours: {paper}",
        figures.intervals(drawn, "score (percentages as shares)"),
        ", ".join(f"{count} {name}" for name, count in verdicts.items()) + ". All values are in the table below.",
        "A row for each published figure that can be compared: the published one, and ours with its 95 % "
        "interval over groups.",
        "Published figures that all lie on one side of ours: a difference in data, split or definition that "
        "nobody has named. Intervals so wide that anything lies inside.",
        (SHEET,),
        any(version.is_sample(name) for name in rows["release"]),
    )


def _figures(rows: pd.DataFrame) -> list[str]:
    return definitions(rows.assign(weighting="none"))


def _unit(metric: str) -> float:
    """100 for a percentage, 1 for all others."""
    return 100.0 if metrics.registry()[metric].high == 100 else 1.0


def _cells(verdicts: pd.Series) -> Any:
    return column(Cell(text, text, "mark", TONES[kind(text)]) for text in verdicts)
