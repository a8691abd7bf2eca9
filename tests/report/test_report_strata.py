"""Scores by attributes on the page of baselines: what a made-up table must show."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.evaluation.score import SCORES_BY
from sentinel_forest.io.tables import conform
from sentinel_forest.report import strata
from sentinel_forest.report.model import Plot, Source
from sentinel_forest.report.model import Table as Shown

ROW = {
    "attribute": "city",
    "stratum": "oslo",
    "classifier": "forest",
    "features": "lcz-s2",
    "task": "lcz",
    "role": "test",
    "release": "r",
    "scheme": "published",
    "trial": 1,
    "metric": "oa",
    "definition": "OA",
    "weighting": "none",
    "pixels": "all",
    "class": "",
    "value": 0.5,
    "low": 0.4,
    "high": 0.6,
    "n": 9,
    "groups": 3,
    "mark": "clean",
    "note": "",
}


def items(*rows: dict[str, object]) -> list[Plot | Shown]:
    table = conform(pd.DataFrame([ROW | row for row in rows], columns=list(SCORES_BY.columns)), SCORES_BY)
    release = SimpleNamespace(
        name="r",
        primary=("published", 1),
        is_sample=True,
        dataset=SimpleNamespace(stratum_names={"land_cover": {"50": "built-up"}}),
        from_file=lambda pattern, rule, **of: Source(paths.place(pattern, release="r", **of), rule),
        scores_by=table.assign(scheme="published", trial=1),
    )
    return strata.items(release)


def cells(table: Shown) -> list[list[str]]:
    return [[cell.text.replace("\u00a0", " ") for cell in row] for row in table.rows]


def test_a_line_for_each_stratum_and_classifier_and_a_column_for_each_figure() -> None:
    all_classes = {"metric": "aa.all", "definition": "AA over all classes", "value": 0.25}
    plot, table = items(
        {},
        all_classes | {"low": np.nan, "high": np.nan},
        {"stratum": "rome", "value": 0.75, "groups": 1, "mark": "linked: city"},
        {"stratum": "rome", "classifier": "fmask", "features": "", "value": 0.125},
        {"stratum": "rome", "classifier": "majority"},
        {"stratum": "bonn", "value": np.nan},
        {"stratum": "kyiv", "role": "validation"},
    )
    assert table.columns == ("city", "classifier", "task", "OA", "AA over all classes", "groups", "mark")
    assert cells(table) == [
        ["oslo", "forest lcz-s2", "lcz", "0.500 [0.400, 0.600]", "0.250", "3", "clean"],
        ["rome", "forest lcz-s2", "lcz", "0.750 [0.400, 0.600]", "", "1", "linked: city"],
        ["rome", "fmask", "lcz", "0.125 [0.400, 0.600]", "", "3", "clean"],
    ]
    assert "Lowest: oslo 0.50 (forest lcz-s2); highest: rome 0.75" in plot.alternative
    assert table.sources == (Source("r/baselines/published/1/scores_by.tsv", "score"),)


def test_each_attribute_stands_for_itself_and_nothing_is_shown_of_nothing() -> None:
    titles = [item.title for item in items({}, {"attribute": "cloud_coverage", "stratum": "cloudy"})]
    assert [title for title in titles if title.startswith("Scores")] == [
        "Scores by city on r",
        "Scores by cloud coverage on r",
    ]
    assert items() == []
    assert items({"value": np.nan}) == []


def test_codes_of_strata_are_shown_with_their_names() -> None:
    plot, table = items({"attribute": "land_cover", "stratum": "50"}, {"attribute": "land_cover", "stratum": "0"})
    assert [row[0] for row in cells(table)] == ["50 built-up", "0"]
    assert "50 built-up" in plot.alternative
