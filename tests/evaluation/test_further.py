"""Scores that counts alone do not give: sets of classes as rows, and how they join the scores of a trial."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scenes
from sentinel_forest.cli import main
from sentinel_forest.datasets import load
from sentinel_forest.evaluation import average
from sentinel_forest.evaluation.average import AVERAGES
from sentinel_forest.evaluation.conformal import METHODS, calibrate, probabilities_of, score_sets
from sentinel_forest.evaluation.figures import Place
from sentinel_forest.evaluation.further import FURTHER, joining
from sentinel_forest.evaluation.held_out import HeldOut, held_out_rows, read_roles
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.io.tables import conform, read_parquet, read_tsv, write_tsv
from sentinel_forest.mapping.map import open_forest

TASK = load("cloudsen12", {}).tasks["cloud"]


def places(rng: np.random.Generator, groups: int, first: int) -> tuple[HeldOut, np.ndarray]:
    """Patches in groups that are all easy (100 patches) or all hard (5), with probabilities of four classes."""
    parts = []
    for number in range(groups):
        hard = rng.random() < 0.5
        truth = rng.integers(0, 4, 5 if hard else 100)
        weights = np.exp((0.3 if hard else 3.0) * np.eye(4)[truth] + rng.normal(0, 1, (len(truth), 4)))
        parts.append(
            (np.full(len(truth), f"g{first + number:03}"), truth, weights / weights.sum(axis=1, keepdims=True))
        )
    group, truth, probabilities = (np.concatenate(each) for each in zip(*parts, strict=True))
    patches = pd.DataFrame({"patch": [f"p{n:05}" for n in range(len(truth))], "group": group, "weight": 1.0})
    rows = HeldOut(np.zeros((len(truth), 1)), truth, np.ones(len(truth)), np.arange(len(truth)), patches, 200, 1)
    return rows, probabilities


def sets_of(
    validation: tuple[HeldOut, np.ndarray], test: tuple[HeldOut, np.ndarray], alpha: float = 0.1
) -> pd.DataFrame:
    probabilities = {"validation": validation[1], "test": test[1]}
    return score_sets(validation[0], test[0], probabilities, TASK, "l1c", alpha)


def test_rows_are_coverage_and_size_by_class_worked_out_by_hand() -> None:
    rng = np.random.default_rng(2)
    (validation, held), (test, given) = places(rng, 40, 0), places(rng, 30, 100)
    table = sets_of((validation, held), (test, given)).set_index(["metric", "class"])
    scores = 1 - held[np.arange(len(held)), validation.truth]
    for method, groups in zip(METHODS, (validation.group_names, None), strict=True):
        inside = 1 - given <= calibrate(scores, groups, 0.1)
        hit = inside[np.arange(len(inside)), test.truth]
        assert table.loc[(method.coverage, ""), "value"] == pytest.approx(hit.mean())
        assert table.loc[(method.size, ""), "value"] == pytest.approx(inside.sum(axis=1).mean())
        for code, name in enumerate(TASK.names):
            assert table.loc[(method.coverage, name), "value"] == pytest.approx(hit[test.truth == code].mean())
    row = table.loc[("conformal.coverage", "")]
    assert row["low"] < row["value"] < row["high"]
    assert "90 % sets of classes, calibrated with the group as the unit" in row["definition"]
    assert (row["groups"], row["n"], row["pixels"]) == (30, len(test.patches), "sample")
    assert "calibrated on 40 validation groups; promised for test groups that are drawn as these were" in row["note"]
    small = table.loc[("conformal.ungrouped.size", ""), "value"]
    assert small < table.loc[("conformal.size", ""), "value"]


def test_shared_unknown_and_few_groups_are_told() -> None:
    rng = np.random.default_rng(3)
    validation, held = places(rng, 12, 0)
    blank = validation.patches["group"].mask(validation.patches["group"] == "g003")
    unknown = replace(validation, patches=validation.patches.assign(group=blank))
    note = sets_of((unknown, held), places(rng, 4, 0))["note"].iloc[0]
    assert "3 of 4 test groups are validation groups as well" in note
    assert "validation patches without a known group are left out" in note
    few = sets_of(places(rng, 5, 0), places(rng, 4, 50)).set_index(["metric", "class"])
    assert few.loc[("conformal.coverage", ""), "value"] == 1
    assert few.loc[("conformal.size", ""), "value"] == 4
    assert "every class is in every set" in few.loc[("conformal.coverage", ""), "note"]


def test_without_validation_patches_there_are_no_rows() -> None:
    rng = np.random.default_rng(3)
    rows, given = places(rng, 3, 0)
    none = {name: getattr(rows, name)[:0] for name in ("X", "truth", "weight", "place", "patches")}
    nothing = replace(rows, **none)
    assert sets_of((nothing, given[:0]), (rows, given)).empty


def test_weights_stand_for_repeated_patches() -> None:
    scores, groups, times = np.array([0.1, 0.5, 0.2, 0.7]), np.array(["a", "a", "b", "c"]), np.array([1, 3, 2, 1])
    for alpha in (0.3, 0.45, 0.6):
        repeated = calibrate(np.repeat(scores, times), np.repeat(groups, times), alpha)
        assert calibrate(scores, groups, alpha, times) == repeated


@pytest.fixture(scope="module")
def zones(tmp_path_factory):
    return scenes.zones(tmp_path_factory.mktemp("zones"), "lcz-s2")


def test_the_step_writes_scores_that_join_those_of_counts(zones, tmp_path) -> None:
    root, place = zones.parent.parent, zones / "mine" / "baselines" / "published" / "1" / "lcz-s2"
    catalog, split = root / "work" / "mine" / "catalog.parquet", zones / "mine" / "splits" / "published" / "1.parquet"
    words = ["--scheme", "published", "--trial", 1, "--feature-set", "lcz-s2", "--dataset", "so2sat", "--alpha", 0.1]
    words += ["--catalog", catalog, "--split", split, "--features", root / "work" / "table.parquet", "--seed", 3]
    words += ["--forest", place / "forest.skops", "--fit", place / "fit.json", "--output", tmp_path / "sets.tsv"]
    main(["conformal", *map(str, words)])
    table = read_tsv(tmp_path / "sets.tsv", FURTHER)
    assert set(table["metric"]) == {
        "conformal.coverage",
        "conformal.size",
        "conformal.ungrouped.coverage",
        "conformal.ungrouped.size",
    }
    marks = {"test": "linked: city (100 %)", "validation": "clean"}
    joined = joining([tmp_path / "sets.tsv"], Place("mine", "published", 1), marks, load("so2sat", {}))
    assert set(joined["mark"]) == {"linked: city (100 %)"}
    write_tsv(tmp_path / "metrics.tsv", conform(joined[list(METRICS.columns)], METRICS), METRICS)

    forest = open_forest(zones, "mine", "published", 1, "lcz-s2")
    roles = read_roles(split, catalog)
    tested = roles[roles["role"] == "test"]
    rows = held_out_rows([root / "work" / "table.parquet"], forest.feature_set.features, tested, 0, 1)
    given = probabilities_of(forest.candidate, rows.X)
    proba = forest.candidate.model.predict_proba(pd.DataFrame(rows.X, columns=forest.feature_set.features))
    np.testing.assert_allclose(given[:, forest.candidate.codes], proba)
    assert len(rows.patches) == (read_parquet(split)["role"] == "test").sum()


def test_the_mean_over_trials_of_a_score_without_counts_has_no_interval() -> None:
    about = dict.fromkeys(AVERAGES.columns, "") | {"metric": "conformal.coverage", "class": "", "mark": "clean"}
    rows = [{**about, "value": value, "n": 9, "groups": 8, "note": "same"} for value in (0.8, 0.9)]
    row = average._mean([1, 2], rows, [None, None], "")
    assert row["value"] == pytest.approx(0.85)
    assert np.isnan([row["low"], row["high"]]).all()
    assert row["trial_std"] == pytest.approx(np.std([0.8, 0.9], ddof=1))
    assert row["note"] == f"{average.OF_NO_COUNTS}; same"
