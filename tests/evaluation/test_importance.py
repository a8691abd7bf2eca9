"""Importance of band families: planted signals come out on top, and idle families at nothing."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance

import held
from sentinel_forest import datasets
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import Category, FeatureSet, Question, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import families, importance, uncertainty
from sentinel_forest.io import tables
from sentinel_forest.models import forest, persistence
from sentinel_forest.models.candidate import Candidate, TrialOf
from sentinel_forest.models.fit import IMPORTANCE_CAVEAT
from sentinel_forest.steps import SetFile

CLASSES = ("clear", "thick cloud", "thin cloud", "cloud shadow")
TASK = Task(
    "cloud",
    "pixel",
    tuple(Category(code, name, "#000000") for code, name in enumerate(CLASSES)),
    (Question("cloud", ("thick cloud", "thin cloud")),),
)
FEATURES = ("B2", "B8", "B8A", "B11", "HOT", "B2_mean_3")
SET = FeatureSet("planted", "cloud", FEATURES, {})


def planted(rows=2000, seed=1, twins=False):
    """Rows whose class is whether B11 > 0, all else noise; with `twins` B8 and B8A say it alike as well."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(rows, len(FEATURES))).astype(np.float32)
    if twins:
        X[:, 1] = X[:, 2] = X[:, 3]
    return X, (X[:, 3] > 0).astype(np.int64)


def candidate(X, y, trees=15):
    model = RandomForestClassifier(trees, random_state=1, max_features=None).fit(X, y)
    forest.name(model, [CLASSES[0], CLASSES[1]], FEATURES, 1)
    fit = {
        "importance": {
            "caveat": IMPORTANCE_CAVEAT,
            "features": dict(zip(FEATURES, model.feature_importances_.tolist(), strict=True)),
        },
        "dummies": {"majority": CLASSES[0]},
        "settings": ForestSettings(trees=trees).model_dump(),
        "seed": 1,
        "out_of_bag": {"accuracy": 0.99, "balanced_accuracy": None},
    }
    return Candidate("s", 1, SET, TASK, model, np.array([0, 1]), fit, frozenset())


def held_rows(X, y, weight=None, groups=20):
    return held.held_rows(y, np.ones(len(y)) if weight is None else weight, np.arange(len(y)) % groups, X, 200)


@pytest.fixture(scope="module")
def table():
    grown = candidate(*planted())
    return importance.importance_of_families(grown, held_rows(*planted(3000, 2)), 3, 1)


# Families


@pytest.mark.parametrize(
    ("name", "unit", "family"),
    [
        ("B4", "pixel", "visible"),
        ("B8A", "pixel", "near infrared"),
        ("B5", "pixel", "red edge"),
        ("cirrus", "pixel", "aerosol, water vapour, cirrus"),
        ("B12", "pixel", "shortwave infrared"),
        ("NDVI", "pixel", "indices"),
        ("HOT", "pixel", "indices"),
        ("B2_mean_3", "pixel", "context"),
        ("NDVI_deviation_15", "pixel", "context"),
        ("B2_sunward_30", "pixel", "context"),
        ("HOT_steps_30", "pixel", "context"),
        ("VV", "pixel", "SAR"),
        ("VH-VV", "pixel", "SAR"),
        ("VV_mean_5", "pixel", "SAR context"),
        ("sun_azimuth", "pixel", "acquisition geometry"),
        ("B4_p90", "patch", "visible"),
        ("NDVI_mean", "patch", "indices"),
        ("B8_contrast", "patch", "texture"),
        ("VH_dB_p50", "patch", "SAR"),
        ("VV_dB_energy", "patch", "SAR texture"),
        ("coherence", "patch", "SAR"),
        ("VH_re_mean", "patch", "SAR"),
        ("VV_looks", "patch", "SAR"),
    ],
)
def test_families_of_features(name, unit, family):
    assert families.family(name, unit) == family


def test_every_feature_of_every_dataset_has_a_family_and_is_in_one_only():
    for name in datasets.names():
        dataset = datasets.load(name)
        for feature_set in dataset.feature_sets.values():
            unit = dataset.tasks[feature_set.task].unit
            found = families.families(feature_set.features, unit, feature_set.bands)
            columns = np.concatenate(list(found.values()))
            assert sorted(columns) == list(range(len(feature_set.features)))


def test_an_unknown_feature_is_named():
    with pytest.raises(InputError, match="B99"):
        families.family("B99", "pixel")


# Donors


@given(st.integers(1, 200), st.floats(0.01, 1e5), st.integers(0, 99))
def test_equal_weights_give_a_permutation(count, weight, seed):
    taken = importance.donors(np.full(count, weight), np.random.default_rng(seed))
    assert sorted(taken) == list(range(count))


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=60), st.integers(0, 99))
def test_rows_are_taken_as_often_as_their_weight_says(weights, seed):
    weight = np.array(weights)
    taken = np.bincount(importance.donors(weight, np.random.default_rng(seed)), minlength=len(weight))
    expected = weight / weight.sum() * len(weight)
    assert (np.abs(taken - expected) < 1 + 1e-6).all()


# Importance


def test_the_family_that_alone_decides_comes_first_and_costs_half(table):
    importance.IMPORTANCE.validate(table)
    first = table.iloc[0]
    assert (first["family"], first["metric"]) == ("shortwave infrared", "oa")
    # Two classes of equal size, told by one band: without it, half are right by chance.
    assert first["baseline"] > 0.99
    assert first["drop"] == pytest.approx(0.5, abs=0.03)
    assert first["low"] < first["drop"] < first["high"]
    assert first["impurity"] > 0.95
    others = table[table["family"] != "shortwave infrared"]
    assert (others["drop"].abs() < 0.01).all()


def test_families_are_whole_and_impurity_adds_up_to_one(table):
    members = table.drop_duplicates("family").set_index("family")["members"].to_dict()
    assert members == {"visible": 1, "near infrared": 2, "shortwave infrared": 1, "indices": 1, "context": 1}
    assert table.loc[table["metric"] == "oa", "impurity"].sum() == pytest.approx(1)
    assert set(table["impurity_caveat"]) == {IMPORTANCE_CAVEAT}


def test_twins_in_one_family_are_moved_together():
    """Alone, neither of two equal bands would be missed much; their family is."""
    X, y = planted(twins=True)
    X[:, 3] = np.random.default_rng(5).normal(size=len(y))
    grown = candidate(X, y)
    Z, z = planted(3000, 2, twins=True)
    Z[:, 3] = np.random.default_rng(6).normal(size=len(z))
    found = importance.importance_of_families(grown, held_rows(Z, z), 3, 1)
    assert found.iloc[0]["family"] == "near infrared"
    assert found.iloc[0]["drop"] == pytest.approx(0.5, abs=0.03)


def test_drop_agrees_with_scikit_learn_on_a_family_of_one_feature(table):
    X, y = planted()
    model = RandomForestClassifier(15, random_state=1, max_features=None).fit(X, y)
    Z, z = planted(3000, 2)
    theirs = permutation_importance(model, Z, z, scoring="accuracy", n_repeats=3, random_state=1)
    ours = table[(table["family"] == "shortwave infrared") & (table["metric"] == "oa")]["drop"].iloc[0]
    assert ours == pytest.approx(theirs.importances_mean[3], abs=0.03)


def test_rows_count_by_their_weight():
    """Hits and the values that are drawn both count by weight."""
    X, y = planted(3000, 2)
    weight = np.where(y == 1, 9.0, 1.0)
    found = importance.importance_of_families(candidate(*planted()), held_rows(X, y, weight), 3, 1)
    # Classes 9 : 1 in rows and in drawn values: 0.9^2 + 0.1^2 = 0.82 are right by chance.
    first = found[(found["family"] == "shortwave infrared") & (found["metric"] == "oa")].iloc[0]
    assert first["drop"] == pytest.approx(1 - 0.82, abs=0.03)


def test_same_seed_same_table(table):
    again = importance.importance_of_families(candidate(*planted()), held_rows(*planted(3000, 2)), 3, 1)
    pd.testing.assert_frame_equal(table, again)
    other = importance.importance_of_families(candidate(*planted()), held_rows(*planted(3000, 2)), 3, 2)
    assert not table["drop"].equals(other["drop"])


# Step


class Planted:
    """A dataset with nothing but its vocabulary."""

    tasks = {"cloud": TASK}  # noqa: RUF012
    feature_sets = {"planted": SET}  # noqa: RUF012


@pytest.fixture
def step(tmp_path, monkeypatch):
    """A trial with one forest; and the step's function, which returns its tables."""
    monkeypatch.setattr(datasets, "load", lambda name, layout: Planted)
    X, y = planted(1200)
    patches = np.repeat([f"p{number:02d}" for number in range(24)], 50)
    table = pd.DataFrame({"patch": patches, "label": y, "weight": np.float32(1)})
    table = pd.concat([table, pd.DataFrame(X, columns=list(FEATURES))], axis=1)
    (tmp_path / "features/planted").mkdir(parents=True)
    table.iloc[:600].to_parquet(tmp_path / "features/planted/1.parquet")
    table.iloc[600:].to_parquet(tmp_path / "features/planted/2.parquet")
    names = [f"p{number:02d}" for number in range(24)]
    groups = [f"g{number // 2:02d}" for number in range(24)]
    pd.DataFrame({"patch": names, "group": groups}).to_parquet(tmp_path / "catalog.parquet")
    grown = candidate(X[:400], y[:400], trees=5)
    folder = tmp_path / "baselines/s/1/planted"
    persistence.save(folder / "forest.skops", grown.model)
    (folder / "fit.json").write_text(json.dumps(grown.fit), encoding="utf-8")

    def call(name="planted", roles=("train",) * 8 + ("validation",) * 8 + ("test",) * 8):
        path = tmp_path / "splits/s/1.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"patch": names, "role": roles, "weight": 1.0}).to_parquet(path)
        outputs = {table: tmp_path / f"{table}.tsv" for table in importance.SCHEMAS}
        files = [SetFile(name, tmp_path / f"features/planted/{shard}.parquet") for shard in (1, 2)]
        importance.importance(
            of=TrialOf(scheme="s", trial=1, dataset="planted", catalog=tmp_path / "catalog.parquet", split=path),
            features=files,
            forests=[SetFile(name, folder / "forest.skops")],
            fits=[SetFile(name, folder / "fit.json")],
            engines_beside=[],
            forest_seeds=3,
            seed=1,
            draws=50,
            **outputs,
        )
        return [tables.read_tsv(outputs[table], schema) for table, schema in importance.SCHEMAS.items()]

    return call


def test_the_step_looks_at_held_out_rows_only(step):
    ranked, curve, bins, engines, seeds = step()
    assert ranked.iloc[0]["family"] == "shortwave infrared"
    assert set(ranked["rows"]) == {800}
    assert set(ranked["groups"]) == {8}
    assert set(ranked["note"]) == {uncertainty.few_groups(8)}
    assert curve.loc[curve["curve"] == "trees", "trees"].unique().tolist() == [1, 2, 5]
    assert curve.loc[curve["curve"] == "groups", "training_groups"].unique().tolist() == [1, 2, 3]
    assert curve.loc[curve["curve"] == "groups", "training_rows"].unique().tolist() == [100, 200, 300]
    assert set(curve["rows"]) == {100}
    assert (engines["engine"] == "scikit-learn").all()
    assert len(engines) == 2
    about = seeds[["metric", "seeds", "rows", "groups"]].to_numpy().tolist()
    assert about == [["oa", 3, 800, 8], ["aa.present", 3, 800, 8]]
    assert bins.groupby("calibration")["rows"].sum().tolist() == [800, 800]
    # The importance starts from the score of the whole forest.
    whole = engines.loc[engines["metric"] == "oa", "value"].iloc[0]
    assert ranked.loc[ranked["metric"] == "oa", "baseline"].iloc[0] == pytest.approx(whole)


def test_curves_are_the_same_whoever_tests_and_validates(step):
    others = ("train",) * 8 + ("test",) * 8 + ("validation",) * 4 + ("unused",) * 4
    pd.testing.assert_frame_equal(step()[1], step(roles=others)[1])


def test_the_step_can_look_at_fewer_rows(step, monkeypatch):
    monkeypatch.setattr(importance, "ROWS", 100)
    ranked, *_ = step()
    assert set(ranked["rows"]) == {100}


def test_without_held_out_patches_the_tables_are_empty(step):
    assert [len(table) for table in step(roles=("train",) * 24)] == [0, 0, 0, 0, 0]


def test_an_unknown_set_is_named(step):
    with pytest.raises(InputError, match="Unknown feature set"):
        step("other")


def test_a_forest_without_its_tables_is_named(step, tmp_path):
    lone = SetFile("planted", tmp_path / "forest.skops")
    with pytest.raises(InputError, match="given without what belongs to it"):
        importance.importance(
            of=TrialOf(scheme="s", trial=1, dataset="planted", catalog=tmp_path, split=tmp_path),
            features=[],
            forests=[lone],
            fits=[lone],
            engines_beside=[],
            forest_seeds=3,
            seed=1,
            **{table: tmp_path / table for table in importance.SCHEMAS},
        )
