"""What training rows promise and what held-out ones keep, for each forest, and engines side by side."""

from typing import Any

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation.held_out import AA, OA
from sentinel_forest.evaluation.metrics import short
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, column, mark, number, p_value, score, table

OUT_OF_BAG = {OA: "accuracy", AA: "balanced_accuracy"}
"""The same score by its name in what is known about a forest."""
ABOUT = ("scheme", "trial", "features", "task", "definition")
GAP = (
    "Out-of-bag: each training row is predicted by the trees that did not see it. Gap: out-of-bag minus test. Those "
    "trees saw other rows of the same patches and groups, so the out-of-bag score is too high if patches of one place "
    "are alike. A wide gap means that what was learned does not carry over to other groups. A narrow gap in a scheme "
    "that leaks means that both scores can be too high. A test score far above the out-of-bag score would be "
    "suspicious: are test patches among the training patches? In pixel tasks, out-of-bag scores count the drawn "
    "pixels, test scores all pixels, or a sample of them."
)
SIDE_BY_SIDE = (
    "The configured engine, and those that the key engines_beside names: grown on the same rows with the same settings "
    "and seed, scored on the same held-out rows. Gap: out-of-bag minus value. Difference: this engine minus the "
    "configured one; p (Holm) is corrected for all rows of the same task, metric and test. Rows and groups are those "
    "held out. A difference whose interval excludes 0 would be suspicious: one of the engines does not do what its "
    "settings say."
)


def items(release: ReleaseResults) -> list[Item]:
    """Out-of-bag scores beside the test scores, then engines, as far as the files are there."""
    return [*_out_of_bag(release), *_engines(release)]


def _out_of_bag(release: ReleaseResults) -> list[Item]:
    """A row for each forest that was grown on this release, and each of its scores."""
    metrics = release.metrics
    tested = metrics[
        (metrics["classifier"] == "forest")
        & (metrics["role"] == "test")
        & (metrics["class"] == "")
        & (metrics["weighting"] == "none")
        & metrics["metric"].isin(list(OUT_OF_BAG))
    ]
    rows, sources = [], []
    for row in tested.to_dict("records"):
        fit = release.fit(row["scheme"], row["trial"], row["features"]) or {}
        inside = fit.get("out_of_bag", {}).get(OUT_OF_BAG[row["metric"]])
        if inside is None:
            continue
        figures = {
            "out-of-bag": number(inside),
            "test [95 % interval]": score(row["value"], row["low"], row["high"]),
            "gap": number(inside - row["value"]),
            "mark": mark(row["mark"]),
        }
        rows.append({name: row[name] for name in ABOUT} | figures)
        forest = {"scheme": row["scheme"], "trial": row["trial"], "set": row["features"]}
        sources.append(release.from_file(paths.FIT, "fit", **forest))
    if not rows:
        return []
    return [
        table(
            f"Out-of-bag and test scores on {release.name}",
            pd.DataFrame(rows),
            [*release.from_trials(paths.METRICS, "score"), *sources],
            GAP,
            release.is_sample,
        )
    ]


def _engines(release: ReleaseResults) -> list[Item]:
    """The configured engine and those beside it, if there are any, in the trial that was looked into."""
    rows = release.engines
    if not rows["against"].any():
        return []
    shown = pd.DataFrame(
        {
            "forest": rows["features"] + ", " + rows["scheme"] + " " + rows["trial"].astype("str"),
            "engine": rows["engine"],
            "metric": rows["metric"].map(short),
            "value [95 % interval]": _intervals(rows, ["value", "low", "high"]),
            "out-of-bag": column(map(number, rows["out_of_bag"])),
            "gap": column(map(number, rows["gap"])),
        }
    )
    shown["against"] = rows["against"]
    shown["difference [95 % interval]"] = _intervals(rows, ["difference", "difference_low", "difference_high"])
    shown["p"] = column(map(p_value, rows["p"]))
    shown["p (Holm)"] = column(map(p_value, rows["p_holm"]))
    shown["test"] = rows["test"]
    shown[["rows", "groups", "note"]] = rows[["rows", "groups", "note"]]
    return [
        table(
            f"Engines side by side on {release.name}",
            shown,
            release.from_trials(paths.ENGINES, "importance"),
            SIDE_BY_SIDE,
            release.is_sample,
        )
    ]


def _intervals(rows: pd.DataFrame, names: list[str]) -> Any:
    return [score(*values) for values in rows[names].itertuples(index=False, name=None)]
