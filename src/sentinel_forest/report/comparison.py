"""The page on other versions that this one was compared with: which scores moved, and why."""

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation import metrics
from sentinel_forest.report import figures
from sentinel_forest.report.inputs import VersionResults
from sentinel_forest.report.model import (
    Cell,
    Item,
    Note,
    Page,
    Plot,
    Section,
    Source,
    Table,
    column,
    number,
    score,
    table,
)
from sentinel_forest.report.scores import definitions, kind, named
from sentinel_forest.versions.compare import is_headline

LEAD = (
    "Every score that differs between two versions, whether it is now outside the interval that it had before, and "
    "which recorded difference can explain it: data, registry, split, code, environment or configuration."
)
MOST = 30
"""Scores in the figure."""


def page(version: VersionResults) -> Page:
    """A section for each version that this one was compared with."""
    sections = [Section(f"Against {name}", _items(version, name)) for name in version.comparisons]
    return Page("comparison", "Comparison of versions", LEAD, tuple(sections), prints_tables=True)


def _items(version: VersionResults, other: str) -> tuple[Item, ...]:
    scores = version.comparisons[other]
    source = Source(paths.place(paths.COMPARISON, against=other), "compare_versions")
    if scores.empty:
        return (Note(f"{version.name} and {other} have the same scores.", links=((source.path, source.path),)),)
    moved = scores[scores["change"] == "moved"]
    first = is_headline(moved)
    items: list[Item] = [_counts(version, scores, other, source)]
    if first.any():
        items += _headline(version, moved[first], other, source)
    return tuple(items)


def _counts(version: VersionResults, scores: pd.DataFrame, other: str, source: Source) -> Table:
    """How many scores differ, by release and by what explains it."""
    keys = ["release", "change", "explained"]
    counts = scores.groupby(keys, sort=False).agg(
        scores=("change", "size"), beyond=("beyond", lambda values: int((values == "yes").sum()))
    )
    frame = counts.reset_index()
    return table(
        f"Scores that differ from {other}",
        frame,
        [source],
        f"Of all roles, classifiers and definitions. Beyond: now outside the 95 % interval of {other}. A "
        f"score that only one version has is “only before” ({other}) or “only now”.",
        version.has_samples,
        {"explained": "can be explained by", "beyond": "beyond their interval"},
    )


def _headline(version: VersionResults, moved: pd.DataFrame, other: str, source: Source) -> list[Item]:
    """The headline scores that moved, as a figure (forests alone) and a table."""
    items: list[Item] = []
    forests = moved[[kind(*pair) == "forest" for pair in zip(moved["classifier"], moved["features"], strict=True)]]
    known = forests[forests["difference"].notna()]
    if len(known):
        drawn = known.reindex(known["difference"].abs().sort_values(ascending=False, kind="stable").index)
        items.append(_drawn(version, drawn.head(MOST), other, source))
    shown = pd.DataFrame(
        {
            "release": moved["release"],
            "scheme": moved["scheme"],
            "trial": moved["trial"],
            "classifier": named(moved),
            "task": moved["task"],
            "definition": _figures(moved),
            f"{other} [95 % interval]": column(_scored(moved, "before")),
            "now [95 % interval]": column(_scored(moved, "now")),
            "difference": column(number(float(value)) for value in moved["difference"]),
            "beyond its interval": moved["beyond"],
            "can be explained by": moved["explained"],
        }
    )
    explained = f"Role test. Difference: now − {other}."
    title = f"Headline scores that moved since {other}"
    return [*items, table(title, shown, [source], explained, version.has_samples)]


def _drawn(version: VersionResults, rows: pd.DataFrame, other: str, source: Source) -> Plot:
    place = rows["release"] + ", " + rows["scheme"] + " " + rows["trial"].astype("str")
    label = place + ", " + named(rows) + ": " + _figures(rows)
    sides = [
        rows.assign(label=label, series=series, value=rows[name], low=rows[f"{name}_low"], high=rows[f"{name}_high"])
        for name, series in (("before", other), ("now", version.name))
    ]
    most = rows.iloc[0]
    return Plot(
        f"Scores of the forests that moved since {other}",
        figures.intervals(pd.concat(sides), "score, test patches"),
        f"The largest change is {most['difference']:+.3f}: {label.iloc[0]}.",
        f"The {len(rows)} headline scores of forests that moved most, each as it was and as it is, with 95 % "
        "intervals over groups.",
        "A score far outside its interval after a change that should matter little. Scores that moved while nothing "
        "recorded explains it: the computation is not reproducible.",
        (source,),
        version.has_samples,
    )


def _figures(rows: pd.DataFrame) -> list[str]:
    return definitions(rows.assign(definition=[metrics.registry()[name].definition for name in rows["metric"]]))


def _scored(rows: pd.DataFrame, name: str) -> list[Cell]:
    columns = [name, f"{name}_low", f"{name}_high"]
    return [score(*values) for values in rows[columns].itertuples(index=False, name=None)]
