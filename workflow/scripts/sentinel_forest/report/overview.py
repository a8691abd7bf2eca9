"""The first page: what was run, and the figures one looks at first."""

import json

import pandas as pd

from ..headline import SHOWN
from . import figures
from .inputs import ReleaseResults, VersionResults
from .model import (
    Cell,
    Item,
    Note,
    Page,
    Plot,
    Section,
    Source,
    column,
    interval_text,
    links,
    mark,
    score,
    table,
)
from .scores import METRICS, kind, marked, named, ordered

HEADLINE = Source("headline.tsv", "headline")
GLANCE = ["release", "scheme", "features", "task"]
DEFINITIONS = (
    "OA: share of all units (patches, or pixels) that get their true class. AA over present classes: "
    "mean of the producer's accuracies (recall) of the classes that occur among the test units. BOA "
    "median over patches: for a two-class question, the median over the test patches of the mean of "
    "both classes' producer's accuracies. Scores are means over the trials of a scheme; an interval "
    "reaches from the lowest lower to the highest upper bound of the trials' 95 % intervals, each from "
    "a bootstrap over groups. The mark says what links test patches with training patches."
)


def page(version: VersionResults) -> Page:
    """What was run, the headline figures, and where to go from there."""
    sections = [Section("What was run", _run(version)), Section("Forests at a glance", _glance(version))]
    sections += [
        Section(f"{release.title}: all classifiers", _release(version, release), release.is_sample)
        for release in version.releases
        if (version.headline["release"] == release.name).any()
    ]
    lead = (
        "Which data, which split and which definition each number belongs to: every table names the "
        "files it was made from, and every score carries its definition, its interval and a mark."
    )
    return Page("report", "Overview", lead, tuple(sections))


def _run(version: VersionResults) -> tuple[Item, ...]:
    settings = version.configuration
    rows = [
        (
            release.name,
            release.title,
            "sample" if release.is_sample else "files as given",
            len(release.catalog) if release.catalog is not None else float("nan"),
            ", ".join(_trials(release)),
            ", ".join(release.sets),
            release.entry["licence"],
            mark(f"accepted: {', '.join(checks)}")
            if (checks := _accepted(version, release))
            else Cell("none"),
        )
        for release in version.releases
    ]
    columns = [
        "release",
        "title",
        "data",
        "patches",
        "schemes (trials)",
        "feature sets",
        "licence",
        "failed checks",
    ]
    items: list[Item] = [
        table(
            "Releases",
            pd.DataFrame(rows, columns=columns),
            [Source("version.json", "seal")],
            is_sample=version.has_samples,
        )
    ]
    for release, forest in settings["forest"].items():
        words = ", ".join(f"{key.replace('_', ' ')}: {json.dumps(value)}" for key, value in forest.items())
        items.append(Note(f"Forests of {release}: {words}.", links=(("version.json", "version.json"),)))
    items.append(
        Note(
            f"Seed {settings['seed']}; {settings['bootstrap']['draws']} bootstrap draws over groups.",
            links=(("version.json", "version.json"),),
        )
    )
    for row in version.description["skipped"]:
        items.append(
            Note(f"Not computed on {row['release']}: {row['kind']} {row['name']} ({row['reason']}).")
        )
    return tuple(items)


def _accepted(version: VersionResults, release: ReleaseResults) -> list[str]:
    return list(version.description.get("accepted", {}).get(release.name, []))


def _trials(release: ReleaseResults) -> list[str]:
    counts = pd.Series([scheme for scheme, _ in release.trials]).value_counts(sort=False)
    return [f"{scheme} ({count})" for scheme, count in counts.items()]


def _glance(version: VersionResults) -> tuple[Item, ...]:
    """The forests alone: a row for each release, scheme and feature set, a column for each figure."""
    headline = version.headline.rename(columns={"class": "of_class"})
    is_forest = [
        kind(*pair) == "forest" for pair in zip(headline["classifier"], headline["features"], strict=True)
    ]
    rows = headline[is_forest]
    if rows.empty:
        return (Note("No forest was scored."),)
    order = [metric for metric, _ in SHOWN]
    rows = rows.sort_values("metric", key=lambda names: names.map(order.index), kind="stable")
    wide: dict[tuple[str, ...], dict[str, object]] = {
        key: {} for key in headline.loc[is_forest, GLANCE].itertuples(index=False, name=None)
    }
    for row in rows.itertuples():
        key = tuple(str(getattr(row, name)) for name in GLANCE)
        line = wide[key]
        line |= dict(zip(GLANCE, key, strict=True))
        line["mark"] = mark(row.mark)
        line[_heading(row.metric, row.definition, row.of_class)] = score(row.value, row.low, row.high)
    frame = pd.DataFrame(list(wide.values()))
    frame = frame.map(lambda value: value if isinstance(value, (str, Cell)) else Cell("", "", "number"))
    return (
        table(
            "Headline scores of the forests on test patches",
            frame,
            [HEADLINE],
            DEFINITIONS,
            version.has_samples,
        ),
    )


def _heading(metric: object, definition: object, of_class: object) -> str:
    name = metric if definition == metric else f"{metric}, {definition}"
    return f"{name}: {of_class}" if of_class else str(name)


def _release(version: VersionResults, release: ReleaseResults) -> tuple[Item, ...]:
    rows = ordered(version.headline[version.headline["release"] == release.name])
    overall = rows[rows["metric"] == "OA"].assign(
        series=marked(rows), label=named(rows) + " (" + rows["task"] + ")"
    )
    items: list[Item] = []
    if overall["value"].notna().any():
        items.append(
            Plot(
                f"Overall accuracy on {release.name}",
                figures.intervals(overall, "overall accuracy (OA), role test"),
                "Overall accuracy with intervals of "
                + "; ".join(
                    f"{row.label}, {row.series}: {interval_text(row.value, row.low, row.high)}"
                    for row in overall[overall["value"].notna()].head(6).itertuples()
                )
                + ". All values are in the table below.",
                "A row for each classifier, a symbol for each scheme (with the mark of its scores), "
                "the bar its 95 % interval over groups.",
                "A forest no better than “majority”; a scheme that draws patches at random "
                "(pooled-random) far above one that keeps groups together: the difference is what a "
                "leak adds. Classes are rarely equally frequent: a high OA alone says little, see AA.",
                (HEADLINE,),
                release.is_sample,
            )
        )
    shown = rows[["scheme", "classifier", "features", "task", "metric", "definition", "class"]].copy()
    shown["score [95 % interval]"] = column(
        [score(row.value, row.low, row.high) for row in rows.itertuples()]
    )
    shown["trials"], shown["mark"] = rows["trials"], rows["mark"]
    shown["files (by trial)"] = column(
        [links(release.trial_links(scheme, METRICS)) for scheme in rows["scheme"]]
    )
    items.append(
        table(f"Headline scores on {release.name}", shown, [HEADLINE], DEFINITIONS, release.is_sample)
    )
    return tuple(items)
