"""The page that holds published figures against those of the version."""

from typing import Any

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.config.validation import read_yaml
from sentinel_forest.evaluation import metrics
from sentinel_forest.registry import PAPERS
from sentinel_forest.report import figures, palette
from sentinel_forest.report.inputs import VersionResults
from sentinel_forest.report.model import Cell, Item, Note, Page, Plot, Section, Source, Table, column, score, table
from sentinel_forest.report.scores import definitions, named

LEAD = (
    "Published scores beside ours, paper by paper. A verdict is given only where both have the same data, split and "
    "definition; otherwise the page says why not. Ours is the score of one trial, with its 95 % interval over groups."
)
SHEET = Source(paths.REPRODUCTION, "reproduction")
AGREES, DIFFERS, NOT_COMPARABLE = "agrees", "differs", "not comparable"
KINDS = {
    "inside": AGREES,
    "equal to the printed decimals": AGREES,
    "outside": DIFFERS,
    "differs": DIFFERS,
    "not comparable": NOT_COMPARABLE,
}
"""What verdicts of the sheet, by their first words, come to."""
TONES = {AGREES: "good", DIFFERS: "bad", NOT_COMPARABLE: "caution"}
COLOURS = {"published": palette.INK, f"ours, {AGREES}": palette.SERIES[1], f"ours, {DIFFERS}": "#c1272d"}
MOST = 40
"""Published figures in one drawing."""
EXPLAINED = (
    "Inside: the published score lies in our 95 % interval, widened by half a unit of its last decimal. Outside by: "
    "the distance from the published score to the nearer end of our interval, + where ours is higher. Reference "
    "algorithms leave nothing to chance, so their scores are either equal to the printed decimals or differ by ours "
    "minus the published one. Where ours is empty, this version has no such score."
)


def page(version: VersionResults) -> Page:
    """A section for each paper: the verdict in words, a drawing of what can be compared, and all figures."""
    sheet = version.reproduction
    if sheet is None or sheet.empty:
        nothing: tuple[Item, ...] = (Note("No paper in the registry has scores on the releases of this version."),)
        return Page("reproduction", "Reproduction", LEAD, (Section("Verdicts", nothing),))
    sheet = sheet.assign(kind=sheet["verdict"].map(kind))
    sections = [
        Section(_title(str(paper)), _paper(version, str(paper), rows.reset_index(drop=True)))
        for paper, rows in sheet.groupby("paper", sort=False)
    ]
    return Page("reproduction", "Reproduction", LEAD, tuple(sections), prints_tables=True)


def _title(paper: str) -> str:
    """What the figures of a paper are of, by its file in the registry, if it is still there."""
    path = PAPERS / f"{paper}.yaml"
    return f"Papers on {read_yaml(path)['title']}" if path.is_file() else f"Paper: {paper}"


def kind(verdict: str) -> str:
    """`AGREES`, `DIFFERS` or `NOT_COMPARABLE`."""
    return next(each for words, each in KINDS.items() if verdict.startswith(words))


def _paper(version: VersionResults, paper: str, rows: pd.DataFrame) -> tuple[Item, ...]:
    compared = rows[rows["kind"] != NOT_COMPARABLE]
    items: list[Item] = [Note(_in_words(rows)), Note(f"Published in: {_list(rows['source'])}.")]
    if len(compared):
        items.append(_drawn(version, paper, compared))
        items.append(_table(version, f"Published scores and ours: {paper}", compared))
    others = rows[rows["kind"] == NOT_COMPARABLE]
    if len(others):
        items.append(_table(version, f"Published scores that cannot be compared: {paper}", others, is_folded=True))
    return tuple(items)


def _in_words(rows: pd.DataFrame) -> str:
    """The verdict on a paper in a sentence."""
    counts = rows["kind"].value_counts()
    parts = [f"{counts[name]} {words}" for name, words in _WORDS.items() if name in counts]
    text = f"Of {len(rows)} published scores, {', '.join(parts)}."
    if set(counts.index) == {NOT_COMPARABLE}:
        text = f"None of the {len(rows)} published scores can be compared with ours."
    far = rows[rows["kind"] == DIFFERS]
    if len(far):
        named_far = far["figure"] + " (" + far["verdict"] + ")"
        text += f" Those that differ: {_list(named_far)}."
    reasons = rows.loc[rows["kind"] == NOT_COMPARABLE, "verdict"].str.partition(": ")[2]
    if len(reasons):
        text += f" Reasons: {', '.join(f'{why} ({n})' for why, n in reasons.value_counts().head(5).items())}."
    return text


_WORDS = {AGREES: "agree with ours", DIFFERS: "differ from ours", NOT_COMPARABLE: "cannot be compared"}


def _list(values: pd.Series) -> str:
    """The first few different texts."""
    texts = list(dict.fromkeys(values))
    return "; ".join(texts[:4]) + (f"; and {len(texts) - 4} more" if len(texts) > 4 else "")


def _table(version: VersionResults, title: str, rows: pd.DataFrame, is_folded: bool = False) -> Table:
    shown = rows[["figure"]].copy()
    shown["definition"] = _figures(rows)
    shown["published"] = column(Cell(f"{value:g}", repr(value), "number") for value in rows["published"])
    figures_of_ours = rows[["ours", "low", "high"]].itertuples(index=False, name=None)
    shown["ours [95 % interval]"] = column([score(*row) for row in figures_of_ours])
    shown["verdict"] = _cells(rows)
    shown["classifier"] = named(rows)
    shown["on"] = rows["release"] + ", " + rows["scheme"] + " " + rows["trial"].astype("str") + ", " + rows["role"]
    shown["pixels"] = rows["pixels"]
    notes = [rows[name].where(rows[name] == "", f"{words}" + rows[name]) for name, words in _NOTES.items()]
    shown["note"] = ["; ".join(filter(None, each)) for each in zip(*notes, strict=True)]
    is_sample = any(version.is_sample(name) for name in rows["release"])
    return table(title, shown, [SHEET], EXPLAINED, is_sample, is_folded=is_folded)


_NOTES = {"note": "", "confirmed": "published figure: ", "protocol": "protocol: "}


def _drawn(version: VersionResults, paper: str, rows: pd.DataFrame) -> Plot:
    """Published figures beside ours on one axis, percentages as fractions; those that differ first."""
    verdicts = rows["kind"].value_counts()
    rows = rows.sort_values("kind", key=lambda kinds: kinds != DIFFERS, kind="stable").head(MOST)
    scale = [_unit(metric) for metric in rows["metric"]]
    ours = rows.assign(series="ours, " + rows["kind"], value=rows["ours"])
    theirs = rows.assign(series="published", value=rows["published"], low=float("nan"), high=float("nan"))
    label = rows["figure"] + ": " + _figures(rows)
    drawn = pd.concat(
        [each.assign(label=label, **each[["value", "low", "high"]].div(scale, axis=0)) for each in (ours, theirs)]
    )
    return Plot(
        f"Published scores against ours: {paper}",
        figures.intervals(drawn, "score (percentages as fractions)", colours=COLOURS, offset=False),
        ", ".join(f"{count} {name}" for name, count in verdicts.items()) + ". All values are in the table below.",
        "A row for each published score that can be compared. Black: published. Green: ours, where they agree; red: "
        f"ours, where they differ; bars: 95 % intervals over groups. At most {MOST} rows, those that differ first.",
        "Published scores that all lie on one side of ours: data, split or definition may differ in a way that the "
        "paper does not say. Intervals so wide that any score lies inside.",
        (SHEET,),
        any(version.is_sample(name) for name in rows["release"]),
    )


def _figures(rows: pd.DataFrame) -> list[str]:
    return definitions(rows.assign(weighting="none"))


def _unit(metric: str) -> float:
    """100 for a percentage, 1 for all others."""
    return 100.0 if metrics.registry()[metric].high == 100 else 1.0


def _cells(rows: pd.DataFrame) -> Any:
    return column(
        Cell(text, text, "mark", TONES[kind]) for text, kind in zip(rows["verdict"], rows["kind"], strict=True)
    )
