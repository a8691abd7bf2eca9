"""Predictions that were made elsewhere, for the page on baselines."""

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation.paired import PAIRED
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Cell, Item, Source, column, mark, p_value, score, table
from sentinel_forest.report.scores import definitions

SCORES = {paths.FOREIGN_METRICS: "foreign", paths.PATCH_METRICS: "patch_metrics"}
DIFFERENCES = {paths.FOREIGN_PAIRED: "foreign_paired", paths.PATCH_METRICS_PAIRED: "patch_metrics"}
"""Files with scores and with differences, and the rules that write them."""


def items(release: ReleaseResults) -> list[Item]:
    """Scores of models that were trained elsewhere, and what sets them apart; nothing where there is none."""
    scores, sources = _read(release, SCORES, METRICS)
    if scores.empty:
        return []
    differences, others = _read(release, DIFFERENCES, PAIRED)
    found: list[Item] = [_scores(release, scores, sources)]
    return [*found, _differences(release, differences, others)] if len(differences) else found


def _read(release: ReleaseResults, patterns: dict[str, str], schema: object) -> tuple[pd.DataFrame, list[Source]]:
    """All tables of some patterns one below the other."""
    there = [
        (path, rule)
        for path in sorted(release.files)
        for pattern, rule in patterns.items()
        if (read := paths.fields(pattern, path)) and read["release"] == release.name
    ]
    tables = [read_tsv(release.results / path, schema) for path, _ in there]  # type: ignore[arg-type]
    stacked = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return stacked, [Source(path, rule) for path, rule in there]


def _scores(release: ReleaseResults, rows: pd.DataFrame, sources: list[Source]) -> Item:
    shown = rows[["classifier", "task", "role"]].copy()
    shown["definition"] = definitions(rows)
    values = rows[["value", "low", "high"]].itertuples(index=False, name=None)
    shown["score [95 % interval]"] = column([score(*each) for each in values])
    shown[["n", "groups"]] = rows[["n", "groups"]]
    shown["mark"] = column([mark(text) for text in rows["mark"]])
    shown["note"] = column([Cell(text) for text in rows["note"]])
    return table(
        f"Models trained elsewhere on {release.name}",
        shown,
        sources,
        "Scores of predictions, or of metrics of each patch, that were made elsewhere. The mark depends on what the "
        "user declares about their training.",
        release.is_sample,
    )


def _differences(release: ReleaseResults, rows: pd.DataFrame, sources: list[Source]) -> Item:
    shown = pd.DataFrame(
        {"a": rows["classifier_a"], "b": (rows["classifier_b"] + " " + rows["features_b"]).str.strip()}
    )
    shown["definition"] = definitions(rows)
    values = rows[["difference", "low", "high"]].itertuples(index=False, name=None)
    shown["a minus b [95 % interval]"] = column([score(*each) for each in values])
    shown["p"], shown["p (Holm)"] = (column(map(p_value, rows[name])) for name in ("p", "p_holm"))
    shown[["n", "groups"]] = rows[["n", "groups"]]
    return table(
        f"Differences of models trained elsewhere on {release.name}",
        shown,
        sources,
        "On the same patches. p comes from swapping whole groups; p (Holm) is corrected for all tests of the same "
        "family.",
        release.is_sample,
        is_folded=len(rows) > 30,
    )
