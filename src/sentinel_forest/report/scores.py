"""Scores of several trials as one line, and their order on a page."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.report import palette
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Cell, column, links, mark, number, score

FOREST, REFERENCE, DUMMY = "forest", "reference", "dummy"
"""Kinds of classifiers, in the order in which they are shown."""


def texts(values: pd.Series) -> str:
    """All different texts of a column, without blanks."""
    return "; ".join(sorted(set(values) - {""}))


def kind(classifier: object, features: object) -> str:
    """`FOREST`, `REFERENCE` (it ships with the release) or `DUMMY` (it knows next to nothing)."""
    if not features:
        return REFERENCE
    return FOREST if classifier == FOREST else DUMMY


def kinds(scores: pd.DataFrame) -> np.ndarray:
    """`kind` of the classifier of each row: object (rows,)."""
    pairs = zip(scores["classifier"], scores["features"], strict=True)
    return np.array([kind(*pair) for pair in pairs], dtype=object)


def ordered(scores: pd.DataFrame) -> pd.DataFrame:
    """Forests before reference algorithms before dummy classifiers; otherwise as given."""
    rank = [(FOREST, REFERENCE, DUMMY).index(each) for each in kinds(scores)]
    return scores.assign(rank=rank).sort_values("rank", kind="stable", ignore_index=True).drop(columns="rank")


def without_dummies(scores: pd.DataFrame) -> pd.DataFrame:
    """Forests and reference algorithms alone."""
    kept: pd.DataFrame = scores[kinds(scores) != DUMMY]
    return kept


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
    """Schemes with what the mark of their scores says, e.g. ``pooled-random: leaks (95 %)``."""
    return scores["scheme"] + ": " + scores["mark"].map(palette.in_words)


def mark_colours(scores: pd.DataFrame) -> dict[str, str]:
    """The colour of each text of `marked`."""
    colours = scores["mark"].map(palette.meaning).map(palette.SPLITS)
    return dict(zip(marked(scores), colours, strict=True))


def scheme_colours(scores: pd.DataFrame) -> dict[str, str]:
    """The colour of each scheme: that of the mark of its forests on test patches."""
    rows = scores[(scores["role"] == "test") & (kinds(scores) == FOREST)].drop_duplicates("scheme")
    return dict(zip(rows["scheme"], rows["mark"].map(palette.meaning).map(palette.SPLITS), strict=True))


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
    shown["trials"] = column([links(release.trial_links(scheme, paths.METRICS)) for scheme in scores["scheme"]])
    return shown
