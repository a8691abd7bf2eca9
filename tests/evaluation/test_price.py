"""The price of a leak, on made-up trials and from a real forest."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Category, FeatureSet, Reference, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import evaluate, price
from sentinel_forest.evaluation.confusion import CONFUSION
from sentinel_forest.io import tables

SCENE = Task("scene", "patch", tuple(Category(code, name, "#000000") for code, name in enumerate("ab")))
DATASET = SimpleNamespace(tasks={"scene": SCENE}, references={}, feature_sets={"s1": FeatureSet("s1", "scene", (), {})})


def trial(scheme: str, number: int, truth: np.ndarray, guess: np.ndarray, group: np.ndarray) -> pd.DataFrame:
    """A confusion table of one patch a row; the training role has 90 patches."""
    table = pd.DataFrame({"true": np.array(["a", "b"])[truth], "predicted": np.array(["a", "b"])[guess]})
    table["patch"] = [f"{k}" for k in range(len(table))]
    table["group"] = group
    about = {"scheme": scheme, "trial": number, "task": "scene", "features": "s1", "classifier": "forest"}
    about |= {"role": "test", "count": 1, "weight": 1.0, "train_patches": 90}
    return tables.conform(table.assign(**about)[list(CONFUSION.columns)], CONFUSION)


def drawn(scheme: str, number: int, accuracy: float, seed: int) -> pd.DataFrame:
    """A trial with 20 groups of 10 patches that are right with this probability."""
    generator = np.random.default_rng((seed, number))
    truth = generator.integers(0, 2, 200)
    guess = np.where(generator.random(200) < accuracy, truth, 1 - truth)
    return trial(scheme, number, truth, guess, np.repeat([f"g{k}" for k in range(20)], 10))


def overall(table: pd.DataFrame) -> pd.Series:
    rows = table[table["metric"] == "oa"]
    assert len(rows) == 1
    return rows.iloc[0]


def test_difference_of_means_by_hand() -> None:
    group = np.array([f"g{k}" for k in range(12)])
    truth = np.arange(12) % 2
    perfect, half = truth, np.zeros(12, dtype=int)
    leaky = [trial("pooled-random", 1, truth, perfect, group), trial("pooled-random", 2, truth, half, group)]
    clean = [trial("grouped-stratified", 1, truth, half, group)]
    table = price.price_of_leak(leaky, clean, DATASET, 50, (1, "r"))
    price.PRICE.validate(table)
    found = overall(table)
    assert (found["leaky"], found["clean"], found["difference"]) == (0.75, 0.5, 0.25)
    assert (found["leaky_trials"], found["clean_trials"], found["groups"]) == (2, 1, 12)
    assert (found["leaky_train_patches"], found["clean_train_patches"]) == (90, 90)
    assert "one trial" in found["note"]


def test_a_gap_is_seen_and_no_gap_is_none() -> None:
    leaky = [drawn("pooled-random", k, 0.9, 1) for k in (1, 2, 3)]
    worse = [drawn("grouped-stratified", k, 0.7, 2) for k in (1, 2, 3)]
    equal = [drawn("grouped-stratified", k, 0.9, 3) for k in (1, 2, 3)]
    gap = overall(price.price_of_leak(leaky, worse, DATASET, 200, (1, "r")))
    assert gap["low"] > 0.05
    assert gap["low"] < 0.2 < gap["high"]
    none = overall(price.price_of_leak(leaky, equal, DATASET, 200, (1, "r")))
    assert none["low"] < 0 < none["high"]


def forest_trial(scheme: str, number: int, leaks: bool) -> pd.DataFrame:
    """Patches whose features tell their group, and whose class is that of the group, by chance.

    Nothing can be learnt about an unseen group: only a split that cuts groups gets more than half right.
    """
    generator = np.random.default_rng(number)
    group = np.repeat(np.arange(40), 10)
    truth = np.repeat(np.tile([0, 1], 20)[generator.permutation(40)], 10)
    features = generator.normal(size=(40, 4))[group] + generator.normal(0, 0.1, (400, 4))
    order = generator.permutation(400)
    held_out = np.isin(np.arange(400), order[:120]) if leaks else group < 12
    forest = RandomForestClassifier(30, random_state=0).fit(features[~held_out], truth[~held_out])
    guess = forest.predict(features[held_out])
    return trial(scheme, number, truth[held_out], guess, np.array([f"g{k}" for k in group[held_out]]))


def test_a_leaky_and_a_leak_free_split_are_told_apart() -> None:
    leaky = [forest_trial("pooled-random", k, True) for k in (1, 2, 3)]
    clean = [forest_trial("grouped-stratified", k, False) for k in (1, 2, 3)]
    found = overall(price.price_of_leak(leaky, clean, DATASET, 300, (1, "r")))
    assert found["leaky"] > 0.9
    assert found["clean"] < 0.75
    assert found["low"] > 0.1
    again = [table.assign(scheme="grouped", trial=table["trial"] + 3) for table in clean]
    same = overall(price.price_of_leak(again, clean, DATASET, 300, (1, "r")))
    assert same["difference"] == 0
    assert same["low"] <= 0 <= same["high"]


def test_groups_are_those_of_the_side_with_fewer() -> None:
    truth, group = np.arange(12) % 2, np.array([f"g{k}" for k in range(12)])
    leaky = trial("pooled-random", 1, truth, truth, group)
    clean = trial("grouped-stratified", 1, truth, truth, np.repeat(group[:6], 2))
    for sides in (([leaky], [clean]), ([clean], [leaky])):
        assert overall(price.price_of_leak(*sides, DATASET, 20, (1,)))["groups"] == 6


def test_the_chance_of_the_trials_is_in_the_interval() -> None:
    """No group differs from another, but one of the leaky trials is right throughout and one is wrong."""
    truth, group = np.arange(24) % 2, np.repeat([f"g{k}" for k in range(12)], 2)
    leaky = [trial("pooled-random", k, truth, guess, group) for k, guess in ((1, truth), (2, 1 - truth))]
    clean = [trial("grouped-stratified", k, truth, truth, group) for k in (1, 2)]
    found = overall(price.price_of_leak(leaky, clean, DATASET, 400, (1,)))
    assert found["difference"] == -0.5
    # Two trials drawn out of two: their mean is 0, 0.5 or 1 with probabilities 1/4, 1/2, 1/4.
    error = np.sqrt(0.125 * 12 / 11)
    assert found["high"] - found["low"] == pytest.approx(2 * stats.t.ppf(0.975, 11) * error, rel=0.1)


def test_a_constant_reference_has_no_price() -> None:
    truth, group = np.arange(12) % 2, np.array([f"g{k}" for k in range(12)])
    mask = Reference("mask", "scene", "MASK", ("a", "b"), {})
    dataset = SimpleNamespace(**vars(DATASET) | {"references": {"mask": mask}})
    for guess, expected in ((truth, {"forest", "mask"}), (np.zeros(12, dtype=int), {"forest"})):
        sides = []
        for scheme in ("pooled-random", "grouped-stratified"):
            forest = trial(scheme, 1, truth, truth, group)
            layer = trial(scheme, 1, truth, guess, group).assign(classifier="mask", features="")
            sides.append([pd.concat([forest, layer], ignore_index=True)])
        assert set(price.price_of_leak(*sides, dataset, 20, (1,))["classifier"]) == expected


def test_a_trial_takes_the_draws_of_its_own_groups() -> None:
    """Draws are over the groups of all trials, so that those of two trials are the same."""
    patches = pd.DataFrame({"patch": list("PQR"), "group": list("cac"), "weight": 1.0})
    sample = evaluate.drawn(patches, ["a", "b", "c"], np.array([[0, 2, 1], [3, 0, 0]]))
    assert sample.draws.tolist() == [[1, 1], [0, 1], [3, 0]]
    assert np.concatenate(list(sample.patch_draws())).tolist() == [[1, 1, 1], [1, 0, 1], [0, 3, 0]]


def test_different_training_sizes_are_noted() -> None:
    leaky, clean = drawn("pooled-random", 1, 0.9, 1), drawn("grouped-stratified", 1, 0.9, 2)
    note = overall(price.price_of_leak([leaky], [clean.assign(train_patches=70)], DATASET, 20, (1,)))["note"]
    assert "training sizes differ by more than 5 %" in note


def test_a_side_needs_one_scheme_and_each_trial_once() -> None:
    one = drawn("pooled-random", 1, 0.9, 1)
    for leaky in ([one, one], [one, drawn("published", 1, 0.9, 1)], [one.iloc[:0]]):
        with pytest.raises(InputError, match="trials of one scheme"):
            price.price_of_leak(leaky, [drawn("grouped-stratified", 1, 0.9, 2)], DATASET, 20, (1,))


def test_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load", lambda name, layout: DATASET)
    for side, scheme in (("leaky", "pooled-random"), ("clean", "grouped-stratified")):
        tables.write_parquet(tmp_path / f"{side}.parquet", drawn(scheme, 1, 0.8, 1), CONFUSION)
    leaky, clean = [tmp_path / "leaky.parquet"], [tmp_path / "clean.parquet"]
    for name in ("one", "two"):
        price.price(dataset="x", leaky=leaky, clean=clean, seed=1, draws=9, output=tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_text().startswith("leaky_scheme\tclean_scheme\t")


def test_an_undefined_metric_is_empty_and_says_why() -> None:
    one_class = np.zeros(12, dtype=int)
    group = np.array([f"g{k}" for k in range(12)])
    sides = [[trial(scheme, 1, one_class, one_class, group)] for scheme in ("pooled-random", "grouped-stratified")]
    table = price.price_of_leak(*sides, DATASET, 20, (1,)).set_index("metric")
    assert table.loc["kappa", ["leaky", "clean", "difference", "low"]].isna().all()
    assert "undefined in all trials of a scheme" in table.loc["kappa", "note"]
    assert table.loc["oa", "difference"] == 0
