"""The first page: what was run, and the figures one looks at first."""

import json

import pandas as pd

from sentinel_forest.config.schemes import kind_of
from sentinel_forest.report import figures
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import (
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
from sentinel_forest.report.scores import METRICS, defined, definitions, kind, marked, named, ordered
from sentinel_forest.versions.headline import SHOWN, support

HEADLINE = Source("headline.tsv", "headline")
VERSION = Source("version.json", "seal")
GLANCE = ["release", "scheme", "features", "task"]
DEFINITIONS = (
    "OA: share of all units (patches, or pixels) that get their true class. AA over present classes: "
    "mean of the producer's accuracies (recall) of the classes that occur among the test units. BOA "
    "median over patches: for a two-class question, the median over the test patches of the mean of "
    "both classes' producer's accuracies. Scores are means over the trials of a scheme, with the 95 % "
    "interval of that mean, from a bootstrap over groups whose draws are the same for all trials. n and "
    "groups: the units and groups that a score rests on, in the trial that has the fewest; of each figure in "
    "their order where they differ. The mark says what links test patches with training patches, the note "
    "why there is no interval. Each trial leads to the file of all its scores, by rule score."
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
    rows = [
        (
            version.cell(release.name),
            release.title,
            "simulated pixels" if release.is_sample else "files as given",
            version.description["identity"]["data"][release.name][:12],
            len(release.catalog) if release.catalog is not None else float("nan"),
            ", ".join(_trials(release)),
            ", ".join(release.sets),
            release.entry["licence"],
            mark(f"accepted: {', '.join(checks)}") if (checks := _accepted(version, release)) else Cell("none"),
        )
        for release in version.releases
    ]
    columns = [
        "release",
        "title",
        "data",
        "SHA-256 of the data",
        "patches",
        "schemes (trials)",
        "feature sets",
        "licence",
        "failed checks",
    ]
    items: list[Item] = [
        table("Releases", pd.DataFrame(rows, columns=columns), [VERSION], is_sample=version.has_samples),
        _settings(version),
    ]
    items += [
        Note(f"Not computed on {row['release']}: {row['kind']} {row['name']} ({row['reason']}).")
        for row in version.description["skipped"]
    ]
    return tuple(items)


def _settings(version: VersionResults) -> Item:
    """What determines the forests of each release, and the randomness of all."""
    settings = version.configuration
    trained = [release.name for release in version.releases if release.source == release.name]
    rows = [
        {"release": version.cell(name)}
        | {key.replace("_", " "): _said(value) for key, value in settings["forest"][name].items()}
        | {f"{key} drawn": _said(value) for key, value in settings["draw"][name].items()}
        for name in trained
    ]
    return table(
        "Settings of the forests",
        pd.DataFrame(rows).fillna(""),
        [VERSION],
        f"Seed {settings['seed']}; {settings['bootstrap']['draws']} bootstrap draws over groups.",
        version.has_samples,
    )


def _said(value: object) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _accepted(version: VersionResults, release: ReleaseResults) -> list[str]:
    return list(version.description.get("accepted", {}).get(release.name, []))


def _trials(release: ReleaseResults) -> list[str]:
    counts = pd.Series([scheme for scheme, _ in release.trials]).value_counts(sort=False)
    return [f"{scheme} ({count})" for scheme, count in counts.items()]


def _glance(version: VersionResults) -> tuple[Item, ...]:
    """The forests alone: a row for each release, scheme and feature set, a column for each figure."""
    headline = version.headline.rename(columns={"class": "of_class"})
    is_forest = [kind(*pair) == "forest" for pair in zip(headline["classifier"], headline["features"], strict=True)]
    rows = headline[is_forest]
    if rows.empty:
        return (Note("No forest was scored."),)
    rows = rows.sort_values("metric", key=lambda names: names.map(SHOWN.index), kind="stable")
    by_name = {release.name: release for release in version.releases}
    wide: dict[tuple[str, ...], dict[str, object]] = {
        key: {} for key in headline.loc[is_forest, GLANCE].itertuples(index=False, name=None)
    }
    rows = rows.assign(
        figure=[defined(*row) for row in zip(rows["definition"], rows["weighting"], rows["of_class"], strict=True)]
    )
    for row in rows.itertuples():
        key = tuple(str(getattr(row, name)) for name in GLANCE)
        line = wide[key]
        if not line:
            line |= dict(zip(GLANCE, key, strict=True)) | {"release": version.cell(key[0])}
            line["trials"] = links(by_name[key[0]].trial_links(key[1], METRICS))
            told = support(rows[(rows[GLANCE] == list(key)).all(axis=1)])
            line |= told | {"mark": mark(told["mark"])}
        line[str(row.figure)] = score(row.value, row.low, row.high)
    frame = pd.DataFrame(list(wide.values()))
    frame = frame.map(lambda value: value if isinstance(value, (str, Cell)) else Cell("", "", "number"))
    return (
        table(
            "Headline scores of the forests on test patches",
            frame,
            [HEADLINE],
            f"{_example(rows.iloc[0], version)} {DEFINITIONS}",
            version.has_samples,
        ),
    )


def _example(row: pd.Series, version: VersionResults) -> str:
    """How to read the first score of the table, in words."""
    kind = kind_of(row["scheme"], version.configuration["own_schemes"])
    trained = "published split" if kind == "published" else f"scheme {row['scheme']}"
    trials = f"{row['trials']} trial{'s' if row['trials'] > 1 else ''}"
    figure = defined(row["definition"], row["weighting"], row["of_class"])
    return (
        f"Read it like this: forests on the features {row['features']} of {row['release']}, trained on "
        f"the training patches of the {trained} ({trials}) and tested on its test patches, have the "
        f"{figure} {interval_text(row['value'], row['low'], row['high'])}, from {row['n']} units of "
        f"{row['groups']} groups; mark: {row['mark']}."
    )


def _release(version: VersionResults, release: ReleaseResults) -> tuple[Item, ...]:
    rows = ordered(version.headline[version.headline["release"] == release.name])
    overall = rows[(rows["metric"] == "oa") & (rows["weighting"] == "none")].assign(
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
    shown = rows[["scheme", "classifier", "features", "task"]].copy()
    shown["definition"] = definitions(rows)
    shown["score [95 % interval]"] = column([score(row.value, row.low, row.high) for row in rows.itertuples()])
    shown["n"], shown["groups"], shown["mark"] = rows["n"], rows["groups"], rows["mark"]
    if rows["note"].any():
        shown["note"] = rows["note"]
    shown["trials"] = column([links(release.trial_links(scheme, METRICS)) for scheme in rows["scheme"]])
    explained = "Role test; definitions as above, under “Forests at a glance”. Each trial leads to its file."
    items.append(table(f"Headline scores on {release.name}", shown, [HEADLINE], explained, release.is_sample))
    return tuple(items)
