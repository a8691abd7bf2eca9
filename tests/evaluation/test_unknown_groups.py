"""Patches whose group is unknown, and too few groups: values, and no claim about their uncertainty."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.datasets.base import Category, FeatureSet, Question, Task
from sentinel_forest.evaluation import calibration, evaluate, held_out, score
from sentinel_forest.evaluation.confusion import CONFUSION, WHOLE, confusion
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.paired import PAIRED, SWAPPED
from sentinel_forest.io import schemas as pa
from sentinel_forest.io import tables

CLEAR, THICK = "clear", "thick cloud"
CLOUD = Task(
    "cloud",
    "pixel",
    tuple(Category(code, name, "#000000") for code, name in enumerate((CLEAR, THICK))),
    (Question("cloud", (THICK,)),),
)
SCENE = Task("scene", "patch", tuple(Category(code, name, "#000000") for code, name in enumerate("ab")))
DATASET = SimpleNamespace(
    tasks={"cloud": CLOUD, "scene": SCENE},
    references={},
    strata_keys=("city",),
    ground_columns=(),
    feature_sets={
        name: FeatureSet(name, task, (), {}) for name, task in {"l1c": "cloud", "s1": "scene", "s2": "scene"}.items()
    },
    independent_labels=lambda task, patches: None,
    independent_patches=False,
)
MARKS = {"validation": "clean", "test": "clean"}
SAID = "{} of {} patches have no known group: no interval, no p value"


def catalog(groups):
    names = [f"p{k:02}" for k in range(len(groups))]
    return pd.DataFrame({"patch": names, "group": pd.Series(groups, dtype="str")})


def scored(groups, sets=("s1", "s2"), weight=None, city=None):
    """Confusion table, metrics, comparisons, scores by city; each third patch is wrong in the first set."""
    patches = catalog(groups)
    rows = []
    for place, name in enumerate(sets):
        for k, patch in enumerate(patches["patch"]):
            wrong = k % 3 == 0 if place == 0 else k % 7 == 0
            if name == "l1c":
                rows += [(name, patch, CLEAR, CLEAR, 5), (name, patch, THICK, CLEAR if wrong else THICK, 4)]
            else:
                true = "ab"[k % 2]
                rows.append((name, patch, true, "ba"[k % 2] if wrong else true, 1))
    counted = pd.DataFrame(rows, columns=["set", *score.REFERENCES[1:5]])
    counted = counted.assign(scheme="published", trial=1, classifier="forest", **WHOLE)[score.PREDICTIONS]
    nothing = pd.DataFrame(columns=score.REFERENCES).astype(score.NUMBERS)
    split = pd.DataFrame({"patch": patches["patch"], "role": "test", "weight": 1.0 if weight is None else weight})
    table = confusion(DATASET, patches, split, counted, nothing, "published", 1, list(sets))
    CONFUSION.validate(table)
    about = split.merge(patches, on="patch").assign(city=city if city is not None else "")
    counts = score.TrialCounts(table, DATASET, about, MARKS, 100, (1, "r"), Place("r", "published", 1))
    found, paired = score.score_trial(counts)
    by = score.score_by(counts)
    return table, score.METRICS.validate(found), PAIRED.validate(paired), score.SCORES_BY.validate(by)


@pytest.mark.parametrize("blank", [None, ""])
@pytest.mark.parametrize("sets", [("s1", "s2"), ("l1c",)])
@pytest.mark.parametrize("unknown", [1, 12, 24])
def test_values_stay_and_intervals_go(blank, sets, unknown):
    groups = [f"g{k:02}" for k in range(24)]
    _, expected, _, _ = scored(groups, sets)
    _, found, paired, _ = scored([blank] * unknown + groups[unknown:], sets)
    columns = ["classifier", "features", "metric", "class", "value", "n"]
    pd.testing.assert_frame_equal(found[columns], expected[columns])
    assert found[["low", "high"]].isna().all(axis=None)
    assert (found.loc[found["value"].notna(), "note"] == SAID.format(unknown, 24)).all()
    assert (found["groups"] <= 24 - unknown).all()
    assert found.loc[found["metric"] == "oa", "groups"].iloc[0] == 24 - unknown
    if len(sets) > 1:
        assert set(paired["test"]) == {SWAPPED}
        assert paired[["low", "high", "p", "p_holm"]].isna().all(axis=None)
        assert paired["difference"].notna().any()
        assert paired["note"].str.contains(SAID.format(unknown, 24)).all()


def test_values_with_design_weights_stay_too():
    weight = np.arange(24) / 4 + 1
    groups = [f"g{k // 2:02}" for k in range(24)]
    _, expected, _, _ = scored(groups, ("l1c",), weight)
    _, found, _, _ = scored([None, *groups[1:]], ("l1c",), weight)
    np.testing.assert_allclose(found["value"], expected["value"], rtol=1e-12)


def test_a_stratum_without_unknown_groups_keeps_its_interval():
    groups = [f"g{k:02}" for k in range(20)] + [None] * 4
    city = ["rome"] * 20 + [None] * 4
    *_, by = scored(groups, city=city)
    overall = by[(by["metric"] == "oa") & (by["features"] == "s1")].set_index("stratum")
    assert overall.index.tolist() == ["rome", "unknown"]
    assert not np.isnan(overall.loc["rome", "low"])
    assert np.isnan(overall.loc["unknown", "low"])
    assert overall.loc["unknown", "note"] == SAID.format(4, 4)


def test_the_groups_of_a_confusion_table_survive_being_written(tmp_path):
    table, *_ = scored([None, "", *(f"g{k:02}" for k in range(10))])
    tables.write_parquet(tmp_path / "confusion.parquet", table, CONFUSION)
    again = tables.read_parquet(tmp_path / "confusion.parquet")
    assert again["group"].isna().sum() == table["group"].isna().sum() == 2
    assert evaluate.known_groups(again) == [f"g{k:02}" for k in range(10)]


def test_held_out_rows_of_unknown_groups_have_no_draws(tmp_path):
    names = [f"p{k:02}" for k in range(20)]
    table = pd.DataFrame({"patch": names, "label": np.int16(0), "weight": 1.0, "a": np.float32(1)})
    tables.write_parquet(tmp_path / "1.parquet", table, pa.DataFrameSchema({}))
    groups = [None, "", *(f"g{k:02}" for k in range(18))]
    known = pd.DataFrame({"patch": names, "group": pd.Series(groups, dtype="str"), "weight": 1.0})
    held = held_out.held_out_rows([tmp_path / "1.parquet"], ["a"], known, 50, 1)
    assert (held.groups, held.sample.draws.shape) == (18, (1, 19))
    hit = np.arange(20) % 2
    assert held.sample.reservation == SAID.format(2, 20)
    value, low, high, rows, count, note = held_out.summary(held, held_out.overall_accuracy(held, hit))
    assert (value, rows, count, note) == (0.5, 20, 18, SAID.format(2, 20))
    assert np.isnan([low, high]).all()
    bins = calibration.calibration_bins(held, hit / 2, hit, ("l1c", "cloud", "cloud", "none"))
    assert bins["low"].isna().all()
    assert set(bins["note"]) == {SAID.format(2, 20), "no held-out row has such a probability"}


# Few groups


@pytest.mark.parametrize(("groups", "interval", "p"), [(4, False, False), (5, True, False), (6, True, True)])
def test_no_interval_below_five_groups_and_no_p_value_below_six(groups, interval, p):
    _, found, paired, _ = scored([f"g{k % groups}" for k in range(24)])
    rows = found[(found["metric"] == "oa") & (found["features"] == "s1")]
    assert (rows["groups"] == groups).all()
    assert rows["low"].notna().all() == interval
    assert rows["note"].str.contains(f"{groups} groups: no interval below 5; each group: 0.").all() != interval
    overall = paired[paired["metric"] == "oa"]
    assert overall["p"].notna().all() == p
    assert overall["note"].str.contains(f"{groups} groups: no p value below 6").all() != p
    assert overall["difference"].notna().all()
