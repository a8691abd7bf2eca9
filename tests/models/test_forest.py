"""Forests: grown alike on any number of threads, stored alike, and loaded with care."""

import io
import json
import sys
import zipfile
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.ensemble._forest import ForestClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from sentinel_forest.config.forest import Engine, ForestSettings
from sentinel_forest.config.validation import parse
from sentinel_forest.datasets.base import Category, FeatureSet, Question, Task
from sentinel_forest.errors import InputError
from sentinel_forest.models import dummy, engines, fit, forest, persistence
from sentinel_forest.models.candidate import TablesOf

CLASSES = ("clear", "thick cloud", "thin cloud", "cloud shadow")
TASK = Task(
    "cloud",
    "pixel",
    tuple(Category(code, name, "#000000") for code, name in enumerate(CLASSES)),
    (Question("cloud", ("thick cloud", "thin cloud")),),
)
FEATURES = ("B2", "B3", "B10")
SETTINGS = ForestSettings(trees=12, minimum_leaf=2)


def rows(count: int = 400, classes: int = 3, seed: int = 0) -> forest.Training:
    """Rows whose classes differ in the first feature, with noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    X = random.normal(size=(count, len(FEATURES))).astype(np.float32)
    X[:, 0] += labels
    weight = random.uniform(1, 20, count).astype(np.float32).astype(np.float64)
    return forest.Training(X, labels, weight, np.array([f"p{row // 10}" for row in range(count)]))


def grown(training: forest.Training, options: dict, seed: int = 5, threads: int = 1) -> engines.Grown:
    """A whole forest with its names."""
    whole = forest.grow(training, options, seed, threads)
    forest.name(whole.forest, [CLASSES[place] for place in training.present], FEATURES, seed)
    return whole


@pytest.fixture(scope="module")
def small() -> engines.Grown:
    """A small forest of three classes."""
    return grown(rows(), SETTINGS)


# ------------------------------------------------------------------------------------------- growing


@pytest.mark.parametrize("class_weight", [None, "balanced", "balanced_subsample"])
def test_threads_do_not_matter(tmp_path, class_weight):
    options = SETTINGS.model_copy(update={"class_weight": class_weight})
    for threads in (1, 2):
        whole = grown(rows(), options, threads=threads)
        persistence.save(tmp_path / f"{threads}.skops", whole.forest)
        np.save(tmp_path / f"{threads}.npy", whole.votes)
    assert (tmp_path / "1.skops").read_bytes() == (tmp_path / "2.skops").read_bytes()
    assert (tmp_path / "1.npy").read_bytes() == (tmp_path / "2.npy").read_bytes()


def test_seed_matters(small):
    other = grown(rows(), SETTINGS, seed=6)
    assert not np.array_equal(small.votes, other.votes)


def test_is_what_scikit_learn_grows(small):
    training = rows()
    plain = RandomForestClassifier(
        12, min_samples_leaf=2, random_state=forest.checksums.seed(5, 1), oob_score=True
    ).fit(training.X, training.y, training.weight)
    assert np.array_equal(
        small.forest.predict_proba(pd.DataFrame(training.X, columns=list(FEATURES))), plain.predict_proba(training.X)
    )
    asked = small.votes.sum(axis=1) > 0
    fractions = small.votes[asked] / small.votes[asked].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fractions, plain.oob_decision_function_[asked], rtol=1e-12)


def test_draw_weights_change_the_forest(small):
    assert not np.array_equal(small.votes, grown(rows(), SETTINGS.model_copy(update={"draw_weights": False})).votes)


def test_a_planted_rule_is_found():
    X = np.array([[0.1, 5, 0], [0.2, 4, 0], [0.8, 5, 0], [0.9, 4, 0]] * 20, dtype=np.float32)
    training = forest.Training(X, np.array([0, 0, 1, 1] * 20), np.ones(80), np.array(["p"] * 80))
    whole = grown(training, SETTINGS)
    assert forest.predict(whole.forest, X[:4]).tolist() == [0, 0, 1, 1]
    assert forest.out_of_bag(training, whole.votes)["accuracy"] == 1


def test_missing_features_are_learnt_from():
    training = rows()
    training.X[::7, 1] = np.nan
    training.X[:, 2] = np.nan
    whole = grown(training, SETTINGS)
    about = fit.describe(training, whole, TASK, FEATURES, 3)
    assert about["training"]["missing"] == {"B3": 58, "B10": 400}
    assert any("'B10' is missing in all" in note for note in about["notes"])
    assert about["out_of_bag"]["accuracy"] > 0.5


def test_engine_that_is_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearnex.ensemble", None)
    with pytest.raises(InputError, match="use the other engine, scikit-learn"):
        grown(rows(), SETTINGS.model_copy(update={"engine": "scikit-learn-intelex"}))


@pytest.fixture
def intelex(monkeypatch):
    """The fast engine, where it is installed; it may not leave the work to scikit-learn."""
    pytest.importorskip("sklearnex", reason="scikit-learn-intelex is not installed")
    plain = RandomForestClassifier.fit

    def refuse(self, *rest, **more):
        assert type(self) is RandomForestClassifier, "scikit-learn grows the fast engine's trees"
        return plain(self, *rest, **more)

    monkeypatch.setattr(ForestClassifier, "fit", refuse)
    return SETTINGS.model_copy(update={"trees": 50, "engine": "scikit-learn-intelex"})


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_fast_engine_does_as_well(intelex, class_weight):
    training, test = rows(2000), rows(2000, seed=1)
    found = {}
    for engine in engines.ENGINES:
        whole = grown(training, intelex.model_copy(update={"engine": engine, "class_weight": class_weight}))
        probability = whole.forest.predict_proba(pd.DataFrame(test.X, columns=list(FEATURES)))
        brier = np.mean(np.square(probability[:, 0] - (test.y == 0)))
        fraction = np.mean(forest.predict(whole.forest, test.X) == test.y)
        out = forest.out_of_bag(training, whole.votes)
        found[engine] = [fraction, out["accuracy"], out["balanced_accuracy"], brier]
        importance = whole.forest.feature_importances_
        assert importance.argmax() == 0
        assert importance.sum() == pytest.approx(1)
    np.testing.assert_allclose(*found.values(), atol=0.025)


def test_fast_engine_is_equal_for_any_threads_and_stored_as_any_forest(intelex, tmp_path):
    paths = [tmp_path / f"{threads}.skops" for threads in (1, 2)]
    votes = []
    for threads, path in enumerate(paths, 1):
        whole = grown(rows(), intelex, threads=threads)
        persistence.save(path, whole.forest)
        votes.append(whole.votes)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert np.array_equal(*votes)
    X = rows(seed=4).X
    assert np.array_equal(
        persistence.load(paths[0]).predict_proba(X), whole.forest.predict_proba(pd.DataFrame(X, columns=list(FEATURES)))
    )


def test_leaves_of_the_fast_engine_have_the_shares_of_the_drawn_rows(intelex):
    training = rows()
    options = intelex.model_copy(update={"trees": engines.TREES_OF_A_DRAW + 2, "minimum_leaf": 20})
    whole = grown(training, options).forest
    assert len(whole.estimators_) == len(
        {estimator.tree_.apply(training.X).tobytes() for estimator in whole.estimators_}
    )
    for number, estimator in enumerate(whole.estimators_):
        first = number - number % engines.TREES_OF_A_DRAW
        tree, own_seed = estimator.tree_, forest.checksums.seed(forest.checksums.seed(5, 1), first)
        times = engines.bootstrap(training.weight / training.weight.sum(), own_seed)
        leaf = tree.apply(training.X)
        for place in np.unique(leaf[times > 0]):
            counts = np.bincount(training.y[leaf == place], times[leaf == place], 3)
            np.testing.assert_allclose(tree.value[place, 0], counts / counts.sum())
            assert tree.weighted_n_node_samples[place] == counts.sum()
            assert tree.impurity[place] == pytest.approx(1 - np.square(counts / counts.sum()).sum())
        np.testing.assert_allclose(tree.value[0, 0], np.bincount(training.y, times) / times.sum())


def test_out_of_bag_votes_of_the_fast_engine_are_of_trees_that_have_not_seen_the_row(intelex):
    training = rows(300)
    whole = grown(training, intelex.model_copy(update={"trees": engines.TREES_OF_A_DRAW + 2}))
    expected = np.zeros_like(whole.votes)
    for number, estimator in enumerate(whole.forest.estimators_):
        first = number - number % engines.TREES_OF_A_DRAW
        own_seed = forest.checksums.seed(forest.checksums.seed(5, 1), first)
        unseen = engines.bootstrap(training.weight / training.weight.sum(), own_seed) == 0
        expected[unseen] += estimator.tree_.predict(training.X[unseen])
    np.testing.assert_allclose(whole.votes, expected)


def test_fast_engine_knows_classes_that_a_bootstrap_misses(intelex):
    """One row of a class: about a third of the bootstraps have none of it."""
    training = rows(300)
    labels = np.where(np.arange(300) == 7, 3, training.y % 2)
    rare = forest.Training(training.X, labels, training.weight, training.patches)
    whole = grown(rare, intelex)
    assert whole.votes.shape == (300, 3)
    assert {estimator.tree_.value.shape[2] for estimator in whole.forest.estimators_} == {3}
    np.testing.assert_allclose(
        whole.forest.predict_proba(pd.DataFrame(training.X, columns=list(FEATURES))).sum(axis=1), 1
    )


def test_bootstraps_are_drawn_in_proportion():
    fractions = np.array([0, 1, 2, 3, 4, 0]) / 10
    drawn = np.array([engines.bootstrap(fractions, seed) for seed in range(20_000)])
    assert (drawn.sum(axis=1) == 6).all()
    assert (drawn[:, [0, 5]] == 0).all()
    # Mean and covariance of the multinomial distribution.
    np.testing.assert_allclose(drawn.mean(axis=0), 6 * fractions, atol=0.04)
    expected = 6 * (np.diag(fractions) - np.outer(fractions, fractions))
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.06)


def test_fast_engine_learns_from_missing_values(intelex):
    """Of one class the first feature is missing, of the next the second; one is missing throughout."""
    training = rows(900)
    training.X[training.y == 0, 0] = np.nan
    training.X[training.y == 1, 1] = np.nan
    training.X[:, 2] = np.nan
    whole = grown(training, intelex.model_copy(update={"trees": 10}))
    told = forest.predict(whole.forest, training.X)
    assert np.array_equal(told, training.y)
    assert forest.out_of_bag(training, whole.votes)["accuracy"] > 0.99


def test_thresholds_of_the_fast_engine_are_values_of_its_rows(intelex):
    training = rows()
    training.X[:, 1] = np.round(training.X[:, 1], 1)
    for estimator in grown(training, intelex.model_copy(update={"trees": 3})).forest.estimators_:
        tree = estimator.tree_
        inner = tree.children_left >= 0
        for column in range(3):
            split = tree.threshold[inner & (tree.feature == column)]
            assert np.isin(split, training.X[:, column].astype(np.float64)).all()


def test_what_the_fast_engine_cannot_do_is_named(intelex):
    with pytest.raises(InputError, match=r"each bootstrap(.|\n)*use the other engine, scikit-learn"):
        grown(rows(), intelex.model_copy(update={"class_weight": "balanced_subsample"}))


# ------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("engine", "lightgbm"),
        ("trees", 0),
        ("trees", True),
        ("minimum_leaf", 1.5),
        ("depth", 0),
        ("features_per_split", 1.5),
        ("class_weight", "even"),
        ("draw_weights", 1),
        ("parts", 1),
        ("leaves", 3),
    ],
)
def test_impossible_settings_are_named(key, value):
    with pytest.raises(InputError, match=f"where: forest, key '{key}'"):
        parse(ForestSettings.model_validate, {key: value}, "forest")


def test_every_engine_of_the_settings_is_there():
    assert set(get_args(Engine)) == set(engines.ENGINES)


# ----------------------------------------------------------------------------------------- predicting


@settings(max_examples=15, deadline=None)
@given(trees=st.integers(1, 45), classes=st.integers(2, 4), seed=st.integers(0, 99))
def test_predicts_what_scikit_learn_predicts(trees, classes, seed):
    training = rows(300, classes, seed)
    model = RandomForestClassifier(trees, min_samples_leaf=3, random_state=seed).fit(training.X, training.y)
    X = np.random.default_rng(seed).normal(1, 2, (500, len(FEATURES))).astype(np.float32)
    assert np.array_equal(forest.predict(model, X), model.predict(X))


def test_blocks_and_threads_do_not_matter(small, monkeypatch):
    X = rows(5000, seed=3).X
    expected = forest.predict(small.forest, X)
    monkeypatch.setattr(engines, "BLOCK_ROWS", 700)
    assert np.array_equal(forest.predict(small.forest, X, threads=2), expected)


def test_nothing_to_predict(small):
    assert len(forest.predict(small.forest, np.empty((0, 3), dtype=np.float32))) == 0


# -------------------------------------------------------------------------------------------- storing


def test_stored_forest_says_the_same(small, tmp_path):
    path = tmp_path / "forest.skops"
    persistence.save(path, small.forest)
    loaded = persistence.load(path)
    X = rows(seed=9).X
    assert np.array_equal(loaded.predict_proba(X), small.forest.predict_proba(X))
    assert loaded.feature_names_in_.tolist() == list(FEATURES)
    assert loaded.classes_.tolist() == list(CLASSES[:3])
    named = skops.io.load(path, trusted=["sklearn.tree._tree.Tree"]).predict(pd.DataFrame(X, columns=list(FEATURES)))
    assert np.array_equal(named, np.array(CLASSES)[forest.predict(loaded, X)])
    persistence.save(tmp_path / "again.skops", loaded)
    assert (tmp_path / "again.skops").read_bytes() == path.read_bytes()


def test_file_holds_neither_time_nor_address(small, tmp_path):
    persistence.save(tmp_path / "forest.skops", small.forest)
    with zipfile.ZipFile(tmp_path / "forest.skops") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_BZIP2}
        assert "__id__" not in archive.read("schema.json").decode()
        names = archive.namelist()
    assert names == [*(f"{place}.npy" for place in range(len(names) - 1)), "schema.json"]


def test_nothing_but_forests_is_loaded(small, tmp_path):
    path = tmp_path / "model.skops"
    skops.io.dump(ExtraTreesClassifier(3).fit([[0], [1]], [0, 1]), path)
    with pytest.raises(InputError, match="ExtraTreesClassifier"):
        persistence.load(path)
    path.write_bytes(b"no archive")
    with pytest.raises(InputError, match="BadZipFile"):
        persistence.load(path)
    persistence.save(path, small.forest)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match="not loaded"):
        persistence.load(path)


def test_foreign_types_are_refused_before_they_are_made(small, tmp_path):
    path = tmp_path / "hostile.skops"
    persistence.save(path, small.forest)

    def call_a_function(schema):
        function = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {}}
        function["content"] = {"module_path": "os", "function": "system"}
        schema["content"]["content"]["criterion"] = function

    tamper(path, schema=call_a_function)
    with pytest.raises(InputError, match=r"not loaded(.|\n)*system"):
        persistence.load(path)


@pytest.mark.parametrize(
    ("field", "value"), [("left_child", 10**6), ("right_child", 0), ("feature", 99), ("feature", -7)]
)
def test_trees_that_point_outside_are_refused(small, tmp_path, field, value):
    path = tmp_path / "hostile.skops"
    persistence.save(path, small.forest)

    def point_outside(nodes):
        nodes[field][0] = value

    tamper(path, nodes=point_outside)
    with pytest.raises(InputError, match="points outside itself"):
        persistence.load(path)


def tamper(path, schema=None, nodes=None):
    """Change the schema, or the nodes of the first tree, in a stored forest."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    if schema:
        value = json.loads(entries["schema.json"])
        schema(value)
        entries["schema.json"] = json.dumps(value).encode()
    for name, content in entries.items():
        if nodes and name.endswith(".npy"):
            array = np.load(io.BytesIO(content))
            if array.dtype.names:
                nodes(array)
                buffer = io.BytesIO()
                np.save(buffer, array)
                entries[name] = buffer.getvalue()
                break
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


# -------------------------------------------------------------------------------------- what is said


def test_out_of_bag_scores_are_those_of_scikit_learn(small):
    training = rows()
    about = forest.out_of_bag(training, small.votes)
    asked = small.votes.sum(axis=1) > 0
    given_ = (training.y[asked], small.votes[asked].argmax(axis=1))
    weight = training.weight[asked]
    assert about["accuracy"] == pytest.approx(accuracy_score(*given_, sample_weight=weight), abs=1e-12)
    expected = balanced_accuracy_score(*given_, sample_weight=weight)
    assert about["balanced_accuracy"] == pytest.approx(expected, abs=1e-12)


def test_best_threshold_by_hand():
    X = np.array([[0, 1], [0, 2], [0, 3], [0, 4]], dtype=np.float32)
    training = forest.Training(X, np.array([1, 1, 0, 1]), np.array([2.0, 1, 4, 1]), np.array(["p"] * 4))
    # Values below 2.5 are positive: 3 of 4 positive rows by weight are told, and every negative one.
    assert dummy.best_threshold(training, np.array([False, True])) == (1, 2.5, False, 0.875)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
@example(seed=1739)  # the missing values of a column are on one side
def test_best_threshold_is_the_best_of_all(seed):
    random = np.random.default_rng(seed)
    X = random.integers(0, 6, (30, 2)).astype(np.float32)
    X[random.random(X.shape) < 0.1] = np.nan
    labels = np.arange(30) % 2
    training = forest.Training(X, labels, random.uniform(1, 3, 30), np.array(["p"] * 30))
    feature, threshold, above, score = dummy.best_threshold(training, np.array([False, True]))

    def balanced(column, value, up):
        told = X[:, column] > value if up else X[:, column] < value
        return balanced_accuracy_score(labels == 1, told, sample_weight=training.weight)

    # Thresholds lie between two values that are there.
    inside = [(c, v + 0.5) for c in (0, 1) for v in range(int(np.nanmin(X[:, c])), int(np.nanmax(X[:, c])))]
    tried = [balanced(c, value, up) for c, value in inside for up in (True, False)]
    assert score == pytest.approx(max(tried))
    assert balanced(feature, threshold, above) == pytest.approx(score)


def test_dummy_classifiers_count_by_weight():
    labels, weight = np.array([0, 0, 1, 2]), np.array([1.0, 1, 3, 5])
    X = np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0], [2, 0, 0]], dtype=np.float32)
    about = dummy.dummies(forest.Training(X, labels, weight, np.array(["p"] * 4)), TASK, FEATURES)
    assert about["majority"] == "thin cloud"
    assert about["class fractions"] == {"clear": 0.2, "thick cloud": 0.3, "thin cloud": 0.5, "cloud shadow": 0.0}
    rule = about["best threshold"]
    assert (rule["feature"], rule["threshold"], rule["above"]) == ("B2", 0.5, True)
    assert (rule["positive"], rule["negative"], rule["balanced_accuracy"]) == ("thin cloud", "clear", 1.0)


def test_absent_class_and_single_group_are_noted(small):
    notes = fit.describe(rows(), small, TASK, FEATURES, 1)["notes"]
    assert notes == [
        "class 'cloud shadow' has no training row and is never predicted",
        "all training rows come from one group; nothing is known of other groups",
    ]


# ------------------------------------------------------------------------------------------- the step


class FakeDataset:
    """A dataset as far as growing needs one."""

    tasks = {"cloud": TASK}  # noqa: RUF012
    feature_sets = {"l1c": FeatureSet("l1c", "cloud", FEATURES, {})}  # noqa: RUF012
    ground_columns = ()

    def independent_labels(self, task, rows, pixels):
        return None


@pytest.fixture
def step(tmp_path, monkeypatch):
    """Call the step on rows in two shards; gives the folder and the function."""
    monkeypatch.setattr("sentinel_forest.datasets.load", lambda name, layout: FakeDataset())
    training = rows()
    table = pd.DataFrame(training.X, columns=list(FEATURES))
    table.insert(0, "patch", training.patches)
    table.insert(1, "label", training.y.astype(np.uint8))
    table.insert(2, "weight", training.weight.astype(np.float32))
    table.iloc[:150].to_parquet(tmp_path / "1.parquet")
    table.iloc[150:].to_parquet(tmp_path / "2.parquet")
    patches = table["patch"].unique()
    role = np.where(np.arange(len(patches)) % 4, "train", "test")
    pd.DataFrame({"patch": patches, "role": role}).to_parquet(tmp_path / "split.parquet")
    pd.DataFrame({"patch": patches, "group": "g"}).to_parquet(tmp_path / "catalog.parquet")

    def call(out: str, options: dict | None = None, threads: int = 1) -> None:
        fit.fit(
            release="r",
            of=TablesOf(
                scheme="s",
                trial=1,
                feature_set="l1c",
                dataset="d",
                catalog=tmp_path / "catalog.parquet",
                split=tmp_path / "split.parquet",
                features=[tmp_path / "1.parquet", tmp_path / "2.parquet"],
            ),
            forest=ForestSettings.model_validate(options or {"trees": 7}),
            seed=1,
            threads=threads,
            model=tmp_path / f"{out}.skops",
            fit=tmp_path / f"{out}.json",
        )

    return tmp_path, call


def test_threads_do_not_change_the_forest(step):
    folder, call = step
    call("one")
    call("two", threads=2)
    assert (folder / "one.skops").read_bytes() == (folder / "two.skops").read_bytes()
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()
    about = json.loads((folder / "one.json").read_text())
    assert about["trees"]["number"] == 7
    assert about["training"]["patches"] == 30
    assert about["training"]["rows"] == 300


def test_tuning_sees_training_rows_only(step):
    folder, call = step
    patches = pd.read_parquet(folder / "catalog.parquet")["patch"]
    groups = pd.DataFrame({"patch": patches, "group": [f"g{place % 6}" for place in range(len(patches))]})
    groups.to_parquet(folder / "catalog.parquet")
    options = {"trees": 6, "tune": {"minimum_leaf": [1, 25], "folds": 2}}
    call("whole", options)
    about = json.loads((folder / "whole.json").read_text())
    assert about["settings"]["minimum_leaf"] == about["tuning"]["chosen"]["minimum_leaf"]
    assert [len(one["folds"]) for one in about["tuning"]["tried"]] == [2, 2]
    split = pd.read_parquet(folder / "split.parquet")
    held_out = set(split.loc[split["role"] != "train", "patch"])
    for name in ("1.parquet", "2.parquet"):
        table = pd.read_parquet(folder / name)
        table.loc[table["patch"].isin(held_out), ["label", "B2", "B3"]] = [3, -99, -99]
        table.to_parquet(folder / name)
    call("x", options)
    assert (folder / "x.json").read_bytes() == (folder / "whole.json").read_bytes()
    assert (folder / "x.skops").read_bytes() == (folder / "whole.skops").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.assign(label=0), "two classes"),
        (lambda table: table.assign(B3=np.inf), "infinite"),
        (lambda table: table.assign(patch="other"), "nothing to train"),
        (lambda table: table.drop(columns="B10"), "lacks columns"),
    ],
)
def test_bad_rows_are_named(step, change, message):
    folder, call = step
    for name in ("1.parquet", "2.parquet"):
        change(pd.read_parquet(folder / name)).to_parquet(folder / name)
    with pytest.raises(InputError, match=message):
        call("x")
    assert not list(folder.glob("x.*"))
