"""Scores of several trials as one line, and their order on a page."""

from collections.abc import Sequence

import pandas as pd

from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Cell, column, links, mark, number, score

METRICS = "baselines/{scheme}/{trial}/metrics.tsv"
TRIVIAL = ("majority", "class shares", "best threshold")


def texts(values: pd.Series) -> str:
    """All different texts of a column, without blanks."""
    return "; ".join(sorted(set(values) - {""}))


def kind(classifier: object, features: object) -> str:
    """``forest``, ``reference`` (it ships with the release) or ``trivial``."""
    if not features:
        return "reference"
    return "trivial" if classifier in TRIVIAL else "forest"


def ordered(scores: pd.DataFrame) -> pd.DataFrame:
    """Forests before reference algorithms before trivial classifiers; otherwise as given."""
    rank = [
        ("forest", "reference", "trivial").index(kind(*pair))
        for pair in zip(scores["classifier"], scores["features"], strict=True)
    ]
    return scores.assign(rank=rank).sort_values("rank", kind="stable", ignore_index=True).drop(columns="rank")


def without_trivial(scores: pd.DataFrame) -> pd.DataFrame:
    """Forests and reference algorithms alone."""
    return scores[~scores["classifier"].isin(TRIVIAL)]


def named(scores: pd.DataFrame) -> pd.Series:
    """Classifiers with their features, e.g. ``forest l1c``."""
    return (scores["classifier"] + " " + scores["features"]).str.strip()


WEIGHTED = {"none": "", "design": ", design-weighted"}
"""What is said of a weighting."""


def defined(definition: object, weighting: object, of_class: object) -> str:
    """A score in words: definition, weighting, class, e.g. ``BOA, median over patches: cloud``."""
    text = f"{definition}{WEIGHTED[str(weighting)]}"
    return f"{text}: {of_class}" if of_class else text


def definitions(scores: pd.DataFrame) -> list[str]:
    """`defined` for each row."""
    return [defined(*row) for row in scores[["definition", "weighting", "class"]].itertuples(index=False, name=None)]


def marked(scores: pd.DataFrame) -> pd.Series:
    """Schemes with the mark of their scores, e.g. ``pooled-random (linked: roi)``."""
    return scores["scheme"] + " (" + scores["mark"] + ")"


def columns(release: ReleaseResults, scores: pd.DataFrame, first: Sequence[str]) -> pd.DataFrame:
    """The columns `first` of averages, then score, n, groups, mark, note and files, as cells."""
    shown = scores[list(first)].copy()
    if "definition" in first:
        shown["definition"] = scores["definition"] + scores["weighting"].map(WEIGHTED)
    shown["score [95 % interval]"] = column([score(row.value, row.low, row.high) for row in scores.itertuples()])
    shown["± trials"] = column([number(value) for value in scores["trial_std"]])
    shown["n"], shown["groups"] = scores["n"], scores["groups"]
    shown["mark"] = column([mark(text) for text in scores["mark"]])
    if scores["note"].any():
        shown["note"] = column([Cell(str(text)) for text in scores["note"]])
    shown["trials"] = column([links(release.trial_links(scheme, METRICS)) for scheme in scores["scheme"]])
    return shown
