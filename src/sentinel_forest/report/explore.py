"""The chooser: any scores and confusion matrices of a version side by side, drawn in the page by its reader."""

from typing import Any

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.report import charts, palette
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Explorer
from sentinel_forest.report.scores import definitions, named, ordered

EXPLAINED = (
    "Choose a dataset and what to show: one metric of all classifiers in all schemes, all classes of one classifier, "
    "or two confusion matrices side by side, with their difference. Scores are means over the trials, on test patches."
)
COLUMNS = ("task", "scheme", "classifier", "metric", "class", "value", "low", "high", "groups")
"""What the scripts know of a score."""


def item(version: VersionResults) -> Explorer:
    """All scores and matrices of a version on the role test."""
    data = {
        "colours": dict(palette.SPLITS),
        "shapes": list(palette.SHAPES),
        "config": charts.CONFIG,
        "columns": list(COLUMNS),
        "releases": [_release(release) for release in version.releases],
    }
    sources = [
        source
        for release in version.releases
        for source in (release.from_file(paths.AVERAGES, "average"), *release.from_trials(paths.CONFUSION, "score"))
    ]
    return Explorer("Scores and confusion, as you choose", EXPLAINED, data, tuple(sources))


def _release(release: ReleaseResults) -> dict[str, Any]:
    rows = release.averages if release.averages is not None else pd.DataFrame(columns=["role"])
    rows = rows[rows["role"] == "test"]
    if rows.empty:
        return {
            "name": release.name,
            "sample": release.is_sample,
            "meanings": {},
            "words": {},
            "scores": [],
            "matrices": [],
        }
    rows = ordered(rows[rows["value"].notna()])
    first = rows.drop_duplicates("scheme")
    meanings = dict(zip(first["scheme"], first["mark"].map(palette.meaning), strict=True))
    told = dict(zip(first["scheme"], first["mark"].map(palette.in_words), strict=True))
    words = rows.assign(**{"class": ""})
    shown = rows.assign(classifier=named(rows), metric=definitions(words))
    shown[["value", "low", "high"]] = shown[["value", "low", "high"]].round(4).astype(object)
    shown = shown.where(shown.notna(), None)
    return {
        "name": release.name,
        "sample": release.is_sample,
        "meanings": meanings,
        "words": told,
        "scores": shown[list(COLUMNS)].to_numpy().tolist(),
        "matrices": _matrices(release),
    }


def _matrices(release: ReleaseResults) -> list[dict[str, Any]]:
    counts = release.confusion
    counts = ordered(counts[counts["role"] == "test"])
    counts = counts.assign(name=named(counts))
    return [
        {
            "task": task,
            "scheme": scheme,
            "classifier": name,
            "classes": list(release.dataset.tasks[str(task)].names),
            "counts": part.groupby(["true", "predicted"], sort=False)["count"].sum().reset_index().to_numpy().tolist(),
        }
        for (task, scheme, name), part in counts.groupby(["task", "scheme", "name"], sort=False)
    ]
