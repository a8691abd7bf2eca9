"""The first page: what was found on each release, in sentences and a figure; then scores, then what was run."""

import json

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.config.schemes import KINDS
from sentinel_forest.report import figures, palette
from sentinel_forest.report.findings import Summary, findings, summary
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
    number,
    score,
    table,
)
from sentinel_forest.report.scores import DUMMY, REFERENCE, definitions, mark_colours, marked, named, ordered

HEADLINE = Source(paths.HEADLINE, "headline")
VERSION = Source(paths.VERSION, "seal")
DEFINITIONS = (
    "OA: fraction of all units (patches, or pixels) that get their true class. AA over present classes: mean of the "
    "producer's accuracies (recall) of the classes that occur among the test units. BOA, median over patches: for a "
    "two-class question, the median over the test patches of the mean of both classes' producer's accuracies. Each "
    "score is the mean over the trials of a scheme on test patches, with the 95 % interval of that mean over groups; "
    "± trials is the standard deviation between trials. A note gives the standard deviation between forest seeds, "
    "where it was computed. n and groups: the units and groups of the trial that has the fewest. The mark says what "
    "links test patches with training patches. The numbers of the trials lead to files with all their scores."
)
LEAD = (
    "What random forests reach on test patches that share nothing known with training (blue), what leakage changes "
    "(orange), and what limits these scores. Brackets: 95 % confidence intervals over groups, that is places or images "
    "whose patches belong together. n: test patches or pixels. OA, overall accuracy: the fraction of them that get "
    "their true class. BOA, balanced overall accuracy: the mean of that fraction over the two classes of a question, "
    "such as cloud or not; for images, the median over them is given. A scheme is a way to split the patches: "
)
SCHEMES = {
    "published": "by the publisher",
    "pooled-random": "patches at random",
    "grouped": "whole groups at random",
    "grouped-stratified": "whole groups at random, fractions of each class as equal as the groups allow",
}
"""Frequent kinds of schemes in words; others are told by their models."""
READING = (
    "A row for each classifier: forests first, then the reference algorithms that ship with the release, then dummy "
    "classifiers, the best of each kind on top. A large symbol is the mean over the trials of a scheme with its 95 % "
    "interval over groups, a dot is one trial. Blue: no leak was found; orange: training and test are linked."
)
SUSPICIOUS = (
    "A forest no better than the best dummy classifier. An orange symbol far to the right of the blue one: leakage may "
    "explain it. Dots far apart: too few groups."
)


def page(version: VersionResults) -> Page:
    """What was found, all headline scores, and what was run."""
    found = {release.name: summary(version, release) for release in version.releases}
    sections = [
        Section(release.title, (findings(version, each), _plot(each)), release.is_sample)
        for release in version.releases
        if (each := found[release.name]) is not None
    ]
    if not version.headline.empty:
        sections.append(Section("All headline scores", _scores(version)))
    sections.append(Section("What was run", _run(version)))
    return Page("report", "Overview", f"{LEAD}{_schemes_told(version)}.", tuple(sections), prints_tables=True)


def _schemes_told(version: VersionResults) -> str:
    """Each scheme of a version, with its kind in words."""
    kinds = {name: kind for release in version.releases for name, kind in release.kinds.items()}
    models = {kind: str(KINDS[kind].__doc__).splitlines()[0].rstrip(".") for kind in kinds.values()}
    told = {kind: SCHEMES.get(kind, f"{text[0].lower()}{text[1:]}") for kind, text in models.items()}
    return "; ".join(f"{name}, {told[kind]}" for name, kind in kinds.items())


def _plot(found: Summary) -> Plot:
    """All classifiers of a release, in all schemes, with a dot for each trial."""
    rank = {name: place for place, name in enumerate(palette.SPLITS)}
    rows = found.rows.assign(label=_labels(found.rows), series=marked(found.rows))
    rows["best"] = -rows.groupby("label")["value"].transform("max")
    rows = ordered(rows.sort_values(["best", "label"], kind="stable"))
    labels = list(dict.fromkeys(rows["label"]))
    drawn = rows.assign(rank=rows["meaning"].map(rank)).sort_values(["rank", "scheme"], kind="stable")
    trials = _trials(found, dict(zip(rows["scheme"], rows["series"], strict=True)))
    return Plot(
        f"All classifiers on {found.release.name}",
        figures.intervals(
            drawn, f"{found.what}, test patches", colours=mark_colours(found.rows), trials=trials, labels=labels
        ),
        f"{found.what} of "
        + "; ".join(
            f"{row.label}, {row.series}: {interval_text(row.value, row.low, row.high)}"
            for row in rows.head(6).itertuples()
        )
        + ". All values are in the table of headline scores.",
        READING,
        SUSPICIOUS,
        (HEADLINE, *found.release.from_trials(paths.METRICS, "score")),
        found.release.is_sample,
        is_folded=True,
    )


def _labels(rows: pd.DataFrame) -> pd.Series:
    """Classifiers by name; of dummy and reference classifiers it is said what they are."""
    words = rows["kind"].map({REFERENCE: "", DUMMY: " (dummy)"}).fillna("")
    return named(rows).where(rows["kind"] != DUMMY, rows["classifier"]) + words


def _trials(found: Summary, series: dict[str, str]) -> pd.DataFrame:
    """The same figure of each trial: label, series, value."""
    first = found.rows.iloc[0]
    rows = found.release.metrics
    keys = ["task", "metric", "class", "weighting", "pixels", "role"]
    rows = rows[(rows[keys] == first[keys]).all(axis=1) & rows["value"].notna()]
    known = found.rows[["classifier", "features", "kind"]].drop_duplicates()
    rows = rows.merge(known, on=["classifier", "features"])
    counts = rows.groupby(["scheme", "classifier", "features"])["trial"].transform("size")
    rows = rows[(counts > 1) & rows["scheme"].isin(list(series))]
    return pd.DataFrame({"label": _labels(rows), "series": rows["scheme"].map(series), "value": rows["value"]})


def _scores(version: VersionResults) -> tuple[Item, ...]:
    rows = ordered(version.headline)
    by_name = {release.name: release for release in version.releases}
    shown = rows[["release", "scheme", "classifier", "features"]].copy()
    shown["definition"] = definitions(rows)
    shown["score [95 % interval]"] = column([score(row.value, row.low, row.high) for row in rows.itertuples()])
    shown["± trials"] = column([number(value) for value in rows["trial_std"]])
    shown["n"], shown["groups"] = rows["n"], rows["groups"]
    shown["mark"], shown["note"] = column([mark(text) for text in rows["mark"]]), rows["note"]
    shown["trials"] = column(
        [
            links(by_name[release].trial_links(scheme, paths.METRICS))
            for release, scheme in zip(rows["release"], rows["scheme"], strict=True)
        ]
    )
    return (table("Headline scores on test patches", shown, [HEADLINE], DEFINITIONS, version.has_samples),)


def _run(version: VersionResults) -> tuple[Item, ...]:
    rows = [
        (
            release.name,
            "simulated pixels" if release.is_sample else "files as given",
            version.description["identity"]["data"][release.name][:12],
            len(release.catalog) if release.catalog is not None else float("nan"),
            ", ".join(_schemes(release)),
            ", ".join(release.sets),
            release.entry["licence"],
            _accepted(version, release),
        )
        for release in version.releases
    ]
    columns = ["release", "data", "SHA-256 of the data", "patches", "schemes (trials)", "feature sets"]
    frame = pd.DataFrame(rows, columns=[*columns, "licence", "failed checks"])
    items: list[Item] = [table("Releases", frame, [VERSION], is_sample=version.has_samples), _settings(version)]
    skipped = pd.DataFrame(version.description["skipped"])
    if len(skipped):
        items.append(table("What was not computed", skipped[["release", "kind", "name", "reason"]], [VERSION]))
    else:
        items.append(
            Note(
                "Everything that the configuration asks for was computed. The page on splits says where groups did not "
                "allow the sizes that were asked for."
            )
        )
    return tuple(items)


def _settings(version: VersionResults) -> Item:
    """What determines the forests of each release, and the randomness of all."""
    settings = version.configuration
    trained = [release.name for release in version.releases if release.source == release.name]
    rows = [
        {"release": name}
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


def _accepted(version: VersionResults, release: ReleaseResults) -> Cell:
    checks = list(version.description.get("accepted", {}).get(release.name, []))
    text = f"accepted: {', '.join(checks)}"
    return Cell(text, text, "mark", "bad") if checks else Cell("none")


def _schemes(release: ReleaseResults) -> list[str]:
    counts = pd.Series([scheme for scheme, _ in release.trials]).value_counts(sort=False)
    return [f"{scheme} ({count})" for scheme, count in counts.items()]
