"""The price of leakage: made-up releases in which relatives are worth nothing, everything, or something known."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_forest import datasets
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.schemes import PooledRandom
from sentinel_forest.datasets.base import Category, FeatureSet, Question, Task
from sentinel_forest.evaluation import price, relatives
from sentinel_forest.io import schemas as pa
from sentinel_forest.io import tables
from sentinel_forest.simulate import scene
from sentinel_forest.steps import SetFile

SCENE = Task("scene", "patch", tuple(Category(code, name, "#000000") for code, name in enumerate("abc")))
CLOUD = Task(
    "cloud",
    "pixel",
    tuple(Category(code, name, "#000000") for code, name in enumerate(("clear", "cloud"))),
    (Question("cloud", ("cloud",)),),
)
FEATURES = ("x", "y")
HALF = PooledRandom(fractions={"train": 0.5, "validation": 0.1, "test": 0.4})
TERMS = price.Terms(ForestSettings(trees=15), 200, 1)


def catalog(groups: int, size: int) -> pd.DataFrame:
    """Groups of equal size, named patches."""
    names = [f"p{at:04}" for at in range(groups * size)]
    return pd.DataFrame({"patch": names, "group": np.repeat([f"g{at:02}" for at in range(groups)], size)})


def rows_of(patches: pd.DataFrame, label: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """A feature table of a patch task."""
    about = {"patch": patches["patch"], "label": label.astype("int16"), "weight": np.float32(1)}
    return pd.DataFrame(about | dict(zip(FEATURES, values.T.astype("float32"), strict=True)))


def priced(patches: pd.DataFrame, rows: pd.DataFrame, task: Task = SCENE, trials: int = 3) -> pd.DataFrame:
    """The table of one feature set."""
    drawn = list(relatives.draw_trials(patches, HALF, trials, 5))
    table = price.price_table(price.price_of_set(rows, FEATURES, "s1", task, drawn, TERMS))
    price.PRICE.validate(table)
    return table


def overall(table: pd.DataFrame) -> pd.Series:
    (row,) = [row for _, row in table.iterrows() if row["metric"] == "oa"]
    return row


def without_group_effect(seed: int, groups: int = 20, size: int = 15) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Classes tell the features, whatever the group: a patch of the same group is like any other."""
    generator, patches = np.random.default_rng(seed), catalog(groups, size)
    label = generator.integers(0, 3, len(patches))
    return patches, rows_of(patches, label, generator.normal(label[:, None], 1.0, (len(patches), 2)))


def with_group_effect(seed: int, groups: int = 24, size: int = 12) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The group tells class and features, by chance: nothing can be learnt about an unseen group."""
    generator, patches = np.random.default_rng(seed), catalog(groups, size)
    group = np.repeat(np.arange(groups), size)
    label = np.tile([0, 1, 2], groups // 3)[generator.permutation(groups)][group]
    centre = generator.normal(size=(groups, 2))[group]
    return patches, rows_of(patches, label, centre + generator.normal(0, 0.05, (len(patches), 2)))


# Known answers


def test_relatives_without_group_effect_cost_nothing():
    """In 30 simulated releases the mean price is 0 within three standard errors, and intervals cover 0 as often."""
    found = pd.DataFrame([overall(priced(*without_group_effect(seed))) for seed in range(30)])
    error = found["difference"].std(ddof=1) / np.sqrt(len(found))
    assert abs(found["difference"].mean()) < 3 * error
    covered = (found["low"] <= 0) & (found["high"] >= 0)
    assert covered.mean() >= 0.85


def test_relatives_that_tell_everything_are_priced():
    """With relatives nearly all is right; without, a third by chance."""
    row = overall(priced(*with_group_effect(1)))
    assert row["with_relatives"] > 0.9
    assert row["without"] < 0.6
    assert row["difference"] == pytest.approx(row["with_relatives"] - row["without"])
    assert row["low"] > 0.1
    assert row["p"] < 0.05
    assert (row["groups"], row["trials"]) == (24, 3)


def test_the_dose_is_that_of_the_pooled_draw_and_is_stated():
    """Half of all patches train, so half of the eleven other patches of a test patch's group do."""
    row = overall(priced(*with_group_effect(2)))
    assert row["dose"] == pytest.approx(0.5, abs=0.06)
    assert row["relatives"] == pytest.approx(11 * row["dose"])
    assert row["pixels"] == "all"


def test_a_patch_is_tested_once_and_by_both():
    patches, rows = with_group_effect(3)
    drawn = list(relatives.draw_trials(patches, HALF, 3, 5))
    tested = pd.concat([trial.test.to_series() for trial in drawn])
    assert tested.is_unique
    assert overall(priced(patches, rows))["n"] == len(tested)


def places(seed: int, shift: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Patches of 24 places of the scene model of the samples; their look differs from place to place by `shift`.

    A class is a mixture of two materials. The features are the red and the near infrared reflectance of a patch.
    """
    generator, patches = np.random.default_rng(seed), catalog(24, 15)
    label = generator.integers(0, 3, len(patches))
    pairs = np.array([[scene.MATERIALS.index(name) for name in pair] for pair in MIXTURES])
    looks = [scene.place(np.random.default_rng((seed, at)), {"soil": 1.0}, shift).spectra for at in range(24)]
    spectra = np.stack(looks)[np.repeat(np.arange(24), 15)]
    part = generator.uniform(0.35, 0.65, (len(patches), 1))
    first, second = (spectra[np.arange(len(patches)), pairs[label, side]] for side in (0, 1))
    return patches, rows_of(patches, label, (part * first + (1 - part) * second)[:, [3, 7]])


MIXTURES = (("grass", "soil"), ("shrub", "soil"), ("wetland", "stubble"))


def test_the_price_follows_from_the_strength_with_which_places_differ():
    """Without a look of its own a place costs nothing; with that of the samples it does, and more if it is stronger."""
    none, usual, strong = (overall(priced(*places(1, shift))) for shift in (0.0, 0.75, 1.5))
    assert none["difference"] == 0 or none["low"] <= 0 <= none["high"]
    assert abs(none["difference"]) < 0.03
    assert usual["low"] > 0
    assert strong["low"] > 0
    assert strong["difference"] > usual["difference"] > none["difference"]


# The two training sets


@settings(max_examples=60)
@given(
    groups=st.lists(st.integers(0, 8), min_size=12, max_size=80),
    labels=st.integers(0, 2**32 - 1),
    trials=st.integers(2, 5),
)
def test_both_sets_are_equal_in_classes_and_one_is_without_relatives(groups, labels, trials):
    patches = pd.DataFrame({"patch": [f"p{at:03}" for at in range(len(groups))], "group": [f"g{k}" for k in groups]})
    label = np.random.default_rng(labels).integers(0, 3, len(groups))
    names, group = patches["patch"].to_numpy(), patches["group"].to_numpy()
    drawn = list(relatives.draw_trials(patches, HALF, trials, labels))
    assert len(drawn) == (min(trials, len(set(groups))) if len(set(groups)) > 1 else 0)
    for trial in drawn:
        first, second = relatives.training_sets(trial, names, label, 7)
        assert np.bincount(label[first]).tolist() == np.bincount(label[second]).tolist()
        test = np.isin(names, trial.test)
        assert not test[first].any()
        assert not set(group[second]) & set(group[test])
        assert not set(group[second]) & set(group[(trial.kind == relatives.RELATED).to_numpy()])


def test_relatives_are_the_last_to_be_left_out():
    """Class 0 lies in the tested groups alone but for one row: of ten relatives one stays, and no other patch."""
    patches = catalog(4, 10)
    kind = np.repeat([relatives.RELATED, relatives.TEST, relatives.DRAWN, relatives.OTHER], 10)
    group = np.repeat([0, 0, 1, 2], 10)
    trial = relatives.Trial(1, pd.Series(kind, patches["patch"]), pd.Series(group, patches["patch"]))
    label = np.where(kind < relatives.DRAWN, 0, 1)
    label[-1] = 0
    first, second = relatives.training_sets(trial, patches["patch"].to_numpy(), label, 1)
    counts = [np.bincount(kind[side][label[side] == 0], minlength=4).tolist() for side in (first, second)]
    assert counts == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert relatives.dose(trial, patches["patch"].to_numpy()[first]) == (pytest.approx(1 / 19), 1.0)


def test_classes_weigh_the_same_in_both_sets():
    labels, weight = np.array([0, 0, 1, 0, 0, 1]), np.array([1.0, 3.0, 5.0, 2.0, 6.0, 9.0])
    first, second = price._equal_weights(labels, weight, (np.array([0, 1, 2]), np.array([3, 4, 5])))
    assert first.tolist() == [1.5, 4.5, 7.0]
    assert second.tolist() == [1.5, 4.5, 7.0]


# Pixels, doubts, the step


def test_drawn_pixels_stand_for_all():
    """Three pixels of clear that stand for 30, one of cloud that stands for 10: counts are 30 and 10."""
    tested = pd.DataFrame({"patch": "p", "label": [0, 0, 0, 1], "weight": [10.0, 10.0, 10.0, 10.0]})
    table = price._count(tested, np.array([0, 0, 1, 1]), CLOUD.names)
    assert table.to_numpy().tolist() == [
        ["p", "clear", "clear", 20.0],
        ["p", "clear", "cloud", 10.0],
        ["p", "cloud", "cloud", 10.0],
    ]


def test_a_pixel_task_says_that_pixels_were_drawn():
    patches, rows = without_group_effect(4)
    pixels = pd.concat([rows, rows.assign(x=rows["x"] + np.float32(0.1))], ignore_index=True)
    pixels["label"] = pixels["label"].clip(upper=1)
    table = priced(patches, pixels.assign(weight=np.float32(7)), CLOUD)
    assert set(table["pixels"]) == {"sample"}
    assert "oa" in set(table["metric"])
    assert overall(table)["n"] == len(
        pd.concat([t.test.to_series() for t in relatives.draw_trials(patches, HALF, 3, 5)])
    )


def test_what_cannot_be_priced_says_why():
    one = catalog(1, 20)
    rows = rows_of(one, np.arange(20) % 3, np.zeros((20, 2)))
    (row,) = priced(one, rows).to_dict("records")
    assert row["note"].startswith("no price: fewer than two groups are known")
    patches = catalog(10, 4)
    (row,) = priced(patches, rows_of(patches, np.zeros(40), np.zeros((40, 2)))).to_dict("records")
    assert row["note"] == "no price: no trial has two classes to train on and a patch to test"
    assert np.isnan(row["difference"])


def test_patches_without_relatives_have_no_price():
    """Each patch is a group of its own: both forests are trained without relatives, and what they differ by is luck."""
    alone = catalog(60, 1)
    generator = np.random.default_rng(1)
    label = generator.integers(0, 3, 60)
    (row,) = priced(alone, rows_of(alone, label, generator.normal(label[:, None], 1.0, (60, 2)))).to_dict("records")
    assert row["note"] == "no price: no test patch has a relative to train on"
    assert np.isnan([row["difference"], row["dose"], row["relatives"]]).all()


def test_trials_without_relatives_are_left_out_and_told():
    """Two groups of many patches and 40 patches alone, in six parts: some parts have patches alone, and none else."""
    sizes = [40, 40, *[1] * 40]
    names = np.repeat([f"g{number:02}" for number in range(42)], sizes)
    patches = pd.DataFrame({"patch": [f"p{at:04}" for at in range(120)], "group": names})
    generator = np.random.default_rng(1)
    label = generator.integers(0, 3, 120)
    rows = rows_of(patches, label, generator.normal(label[:, None], 1.0, (120, 2)))
    row = overall(priced(patches, rows, trials=6))
    assert row["trials"] < 6
    assert f"{6 - row['trials']} trials left out: no test patch has a relative to train on" in row["note"]
    assert row["relatives"] > 0


def test_the_price_of_a_known_effect():
    """The class of a group is drawn by chance, and its features are its own: with relatives nearly all is right;
    without, guesses are right by chance, the sum of the squares of the classes' fractions."""
    found = []
    for seed in range(3):
        generator, patches = np.random.default_rng(seed), catalog(40, 10)
        group = np.repeat(np.arange(40), 10)
        label = generator.choice(3, 40, p=(0.5, 0.3, 0.2))[group]
        centre = 100 * generator.normal(size=(40, 2))[group]
        row = overall(priced(patches, rows_of(patches, label, centre + generator.normal(0, 0.01, (400, 2)))))
        assert row["with_relatives"] > 0.9
        assert row["low"] > 0
        assert row["p"] < 0.01
        found.append(row["without"] - np.square(np.bincount(label) / 400).sum())
    assert abs(np.mean(found)) < 0.1


def test_few_groups_have_a_price_without_interval():
    row = overall(priced(*without_group_effect(1, groups=4)))
    assert np.isfinite(row["difference"])
    assert np.isnan([row["low"], row["high"], row["p"]]).all()
    assert "groups" in row["note"]


def test_the_step_leaves_out_unknown_groups_and_writes_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sets = {name: FeatureSet(name, "scene", FEATURES, {}) for name in ("s1", "s2")}
    monkeypatch.setattr(datasets, "load", lambda *_: SimpleNamespace(tasks={"scene": SCENE}, feature_sets=sets))
    patches, rows = with_group_effect(1)
    patches.loc[:11, "group"] = None
    tables.write_parquet(tmp_path / "catalog.parquet", patches, pa.DataFrameSchema({}))
    files = []
    for name in sets:
        tables.write_parquet(tmp_path / f"{name}.parquet", rows.drop(columns="weight"), pa.DataFrameSchema({}))
        files.append(SetFile(name, tmp_path / f"{name}.parquet"))
    for threads in (1, 2):
        price.price(
            dataset="x", catalog=tmp_path / "catalog.parquet", features=files, pooled=HALF, trials=3,
            forest=ForestSettings(trees=5), seed=1, draws=50, threads=threads, output=tmp_path / str(threads),
        )  # fmt: skip
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    found = tables.read_tsv(tmp_path / "1", price.PRICE)
    scores = found[found["metric"] == "oa"]
    assert scores["features"].tolist() == ["s1", "s2"]
    assert scores["groups"].tolist() == [23, 23]
    assert (scores["p_holm"] >= scores["p"]).all()
