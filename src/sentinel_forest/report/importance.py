"""The page on features: what they are, and which ones the forests used."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation.metrics import short
from sentinel_forest.features import Feature, patch, pixel
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.report import figures
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Item, Note, Page, Plot, Section, Source, column, percent, score, table
from sentinel_forest.report.scores import scheme_colours

LEAD = (
    "Which features the forests use. The mean decrease of impurity says how much a feature was used in training, not "
    "whether it was needed. The permutation importance says how much of the score is lost on held-out patches when the "
    "values of a family of bands are shuffled."
)
MOST = 25
"""Features in the figure of importance."""
LOST, USED = "lost of the score", "fraction of the decrease of impurity"
SPREAD = 6
"""Features in the figure by class."""
QUANTILES = (0.1, 0.5, 0.9)


def page(version: VersionResults) -> Page:
    """Importance of features, of all releases that have forests of their own."""
    sections = [Section(release.title, _items(release), release.is_sample) for release in version.releases]
    return Page("features", "Features", LEAD, tuple(sections))


def _items(release: ReleaseResults) -> tuple[Item, ...]:
    if release.source != release.name:
        return (Note(f"The forests tested on {release.name} are those of {release.source}: see there."),)
    items: list[Item] = []
    for feature_set in release.sets:
        items += _families(release, feature_set)
        items += _of_set(release, feature_set)
    return tuple(items) or (Note("No forest was grown on this release."),)


def _families(release: ReleaseResults, feature_set: str) -> list[Item]:
    """Permutation importance of band families beside their decrease of impurity."""
    rows = release.families[release.families["features"] == feature_set]
    rows = rows.assign(metric=rows["metric"].map(short))
    if rows.empty:
        return []
    sources = release.from_trials(paths.IMPORTANCE, "importance")
    first = rows.iloc[0]
    trial = f"{first['scheme']} {first['trial']}"
    lost = rows.assign(label=rows["family"], series=rows["metric"], value=rows["drop"], panel=LOST)
    used = rows[rows["metric"] == first["metric"]].assign(
        label=rows["family"], series="impurity", value=rows["impurity"], low=np.nan, high=np.nan, panel=USED
    )
    shown = rows[["family", "members", "metric"]].copy()
    shown["score of the forest"] = rows["baseline"]
    shown["lost [95 % interval]"] = column(
        [score(*row) for row in rows[["drop", "low", "high"]].itertuples(index=False, name=None)]
    )
    shown["fraction of impurity"] = column(map(percent, rows["impurity"]))
    shown[["rows", "groups", "note"]] = rows[["rows", "groups", "note"]]
    return [
        Plot(
            f"Importance of band families in {release.name}, {feature_set}",
            figures.intervals(pd.concat([lost, used]), "", zero=True),
            "Lost when the family is permuted: "
            + ", ".join(f"{row.family} {row.metric} {row.drop:.3f}" for row in rows.head(6).itertuples())
            + ".",
            f"Left: how much of a score on held-out rows of {trial} is lost when the values of all features of a "
            "family are shuffled between rows (bar: 95 % interval over groups). Right: the family's fraction of the "
            f"decrease of impurity in training. Caveat: {first['impurity_caveat']}.",
            "A family that was used much in training (right) while nothing is lost without it (left, near 0): it was "
            "memorised, or another family has the same information. A small loss does not mean that a family is "
            "useless.",
            sources,
            release.is_sample,
        ),
        table(
            f"Band families in {release.name}, {feature_set}",
            shown,
            sources,
            "Members: features of the family. Lost: mean over several permutations.",
            release.is_sample,
        ),
    ]


def importance(release: ReleaseResults, feature_set: str) -> pd.DataFrame:
    """Importance of the features of a set: scheme, trial, feature, importance."""
    rows = [
        (scheme, trial, feature, value)
        for scheme, trial in release.trials
        if (fit := release.fit(scheme, trial, feature_set)) is not None
        for feature, value in fit["importance"]["features"].items()
    ]
    return pd.DataFrame(rows, columns=["scheme", "trial", "feature", "importance"])


def _of_set(release: ReleaseResults, feature_set: str) -> list[Item]:
    values = importance(release, feature_set)
    if values.empty:
        return []
    sources = release.from_trials(paths.FIT, "fit", set=feature_set)
    summary = values.groupby("feature", sort=False)["importance"].agg(["mean", "min", "max"])
    summary = summary.sort_values("mean", ascending=False, kind="stable")
    top = summary.head(MOST).index
    drawn = values[values["feature"].isin(top)].sort_values(
        "feature", key=lambda names: names.map(top.get_loc), kind="stable"
    )
    drawn = drawn.assign(
        label=drawn["feature"],
        series=drawn["scheme"],
        panel=f"{len(top)} of {len(summary)} features",
        value=drawn["importance"],
    )
    fit = release.fit(*release.primary, feature_set) or {}
    caveat = fit.get("importance", {}).get("caveat", "")
    plot = Plot(
        f"Importance in {release.name}, {feature_set}",
        figures.points(
            drawn,
            "importance (fraction of the decrease of impurity)",
            zero=False,
            colours=scheme_colours(release.metrics),
        ),
        "Features by importance: " + ", ".join(f"{name} {summary.loc[name, 'mean']:.3f}" for name in top[:6]) + ", ...",
        f"The features that were used most, at the top; a mark for each trial. Caveat: {caveat}.",
        "One feature far above all others: it may contain the label. Trials that disagree: too few groups. A band on "
        "top that should say nothing about the classes.",
        sources,
        release.is_sample,
    )
    about = [_resolve(release, feature_set, name) for name in summary.index]
    frame = pd.DataFrame(
        {
            "feature": summary.index.astype(str),
            "importance": summary["mean"].to_numpy(),
            "least": summary["min"].to_numpy(),
            "most": summary["max"].to_numpy(),
            "formula": [each.formula for each in about],
            "unit": [each.unit for each in about],
            "source": [each.source for each in about],
        }
    )
    plots = [plot, *_spread(release, feature_set, list(summary.index[:SPREAD]))]
    notes: list[Item] = [Note(text) for text in fit.get("notes", [])]
    explained = f"Importance: mean, least and most over {values.groupby(['scheme', 'trial']).ngroups} forests."
    return [
        *plots,
        *notes,
        table(f"Features of {feature_set} in {release.name}", frame, sources, explained, release.is_sample),
    ]


def _spread(release: ReleaseResults, feature_set: str, features: list[str]) -> list[Item]:
    """How the features that were used most differ between classes, from the first shard of their table."""
    path = release.work_path(paths.FEATURES, set=feature_set, shard=1)
    if not path.is_file():
        return []
    task = release.dataset.tasks[release.dataset.feature_sets[feature_set].task]
    extra = ["weight"] if task.unit == "pixel" else []
    rows = read_parquet(path, ["label", *extra, *features])
    rows = rows[rows["label"].between(0, len(task.names) - 1)]
    weight = rows["weight"] if extra else pd.Series(1.0, index=rows.index)
    frame = pd.DataFrame(
        [
            (name, task.names[int(label)], *_quantiles(part[name], weight[part.index]))
            for name in features
            for label in sorted(rows["label"].unique())
            for part in [rows[rows["label"] == label]]
        ],
        columns=["panel", "label", "low", "median", "high"],
    )
    if frame.empty:
        return []
    source = Source(Path(os.path.relpath(path, release.results)).as_posix(), "feature_table")
    medians = frame[frame["panel"] == features[0]]
    return [
        Plot(
            f"Features by class in {release.name}, {feature_set}",
            figures.spread(frame, {each.name: each.colour for each in task.categories}),
            f"Medians of {features[0]} by class: "
            + ", ".join(f"{row.label} {row.median:.3g}" for row in medians.itertuples())
            + ".",
            f"The {len(features)} features that were used most. For each class: the median (point) and the range from "
            "the 10 % to the 90 % quantile (bar), over the rows of the first part of the release.",
            "A class far from all others in one feature: the feature may contain the label, or how the data were "
            "collected. Classes that overlap in all features: the forest cannot tell them apart.",
            (source,),
            release.is_sample,
        )
    ]


def _quantiles(values: pd.Series, weight: pd.Series) -> tuple[float, float, float]:
    """The 10 %, 50 % and 90 % quantiles of weighted values; missing ones do not count."""
    known = values.notna()
    ordered = values[known].sort_values(kind="stable")
    if ordered.empty:
        return float("nan"), float("nan"), float("nan")
    reached = weight[ordered.index].cumsum() / weight[known].sum()
    places = np.minimum(np.searchsorted(reached.to_numpy(), QUANTILES), len(ordered) - 1)
    low, median, high = ordered.to_numpy(np.float64)[places]
    return float(low), float(median), float(high)


def _resolve(release: ReleaseResults, feature_set: str, name: str) -> Feature:
    about = release.dataset.feature_sets[feature_set]
    kind = pixel if release.dataset.tasks[about.task].unit == "pixel" else patch
    feature: Feature = kind.resolve(name, about.bands)
    return feature
