"""The chooser: what the scripts of the page are given, and that it is what the tables of the version say."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.datasets.base import Category, Task
from sentinel_forest.evaluation.average import AVERAGES
from sentinel_forest.report import explore, palette
from sentinel_forest.report.model import Source

CATEGORIES = tuple(Category(code, name, "#000000") for code, name in enumerate(("clear", "cloud")))
KEYS = ["scheme", "trial", "task", "features", "classifier", "role", "true", "predicted", "count"]


def average(scheme, classifier, features, value, mark, role="test", pixels="all"):
    row = dict.fromkeys(AVERAGES.columns, "") | {"trials": 2, "trial_std": 0.01, "n": 90, "groups": 9}
    row |= {"release": "mine", "scheme": scheme, "task": "cloud", "features": features, "classifier": classifier}
    row |= {"role": role, "metric": "oa", "definition": "OA", "weighting": "none", "pixels": pixels, "mark": mark}
    return row | {"value": value, "low": value - 0.04, "high": np.nan}


@pytest.fixture
def release():
    averages = pd.DataFrame(
        [
            average("published", "majority", "l1c", 0.5, "clean"),
            average("published", "forest", "l1c", 0.812345, "clean"),
            average("random", "forest", "l1c", 0.9, "linked: roi (9 %)"),
            average("random", "forest", "l1c", 0.95, "linked: roi (9 %)", role="validation"),
            average("random", "fmask", "", np.nan, "linked: roi (9 %)"),
        ]
    )
    counts = [("clear", "clear", 60), ("clear", "cloud", 20), ("cloud", "cloud", 10)]
    confusion = pd.DataFrame(
        [
            *[("published", 1, "cloud", "l1c", "forest", "test", *row) for row in counts],
            ("published", 2, "cloud", "l1c", "forest", "test", "clear", "clear", 5),
            ("published", 1, "cloud", "l1c", "forest", "validation", "clear", "clear", 99),
        ],
        columns=KEYS,
    )
    return SimpleNamespace(
        name="mine",
        is_sample=True,
        averages=averages,
        confusion=confusion,
        dataset=SimpleNamespace(tasks={"cloud": Task("cloud", "pixel", CATEGORIES)}),
        from_file=Source,
        from_trials=lambda below, rule: (Source(below, rule),),
    )


def given(release):
    """What the script of the page holds."""
    script = explore.item(SimpleNamespace(releases=[release])).script()
    return json.loads(script.removeprefix("sentinel.explorer = ").removesuffix(";\n"))


def test_scores_are_those_of_the_test_role_and_forests_come_first(release):
    data = given(release)
    (shown,) = data["releases"]
    rows = [dict(zip(data["columns"], row, strict=True)) for row in shown["scores"]]
    assert [(row["scheme"], row["classifier"], row["value"]) for row in rows] == [
        ("published", "forest l1c", 0.8123),
        ("random", "forest l1c", 0.9),
        ("published", "majority l1c", 0.5),
    ]
    assert {row["high"] for row in rows} == {None}


def test_schemes_have_the_colours_of_what_their_marks_say(release):
    data = given(release)
    assert data["releases"][0]["meanings"] == {"published": palette.CLEAN_SPLIT, "random": palette.LEAKS}
    assert data["colours"] == dict(palette.SPLITS)


def test_matrices_add_up_the_trials(release):
    (matrix,) = given(release)["releases"][0]["matrices"]
    assert matrix["classes"] == ["clear", "cloud"]
    assert sorted(matrix["counts"]) == [["clear", "clear", 65], ["clear", "cloud", 20], ["cloud", "cloud", 10]]
    assert (matrix["scheme"], matrix["classifier"]) == ("published", "forest l1c")


def test_a_release_without_scores_is_there_and_empty(release):
    release.averages = None
    (shown,) = given(release)["releases"]
    assert (shown["name"], shown["scores"], shown["matrices"]) == ("mine", [], [])
