"""Predictions and reference algorithms: counted patch by patch as a plain loop would."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_forest import datasets
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.settings import ScoreSettings
from sentinel_forest.datasets.base import IGNORE, Block, Category, FeatureSet, Layer, Question, Reference, Task
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import reference
from sentinel_forest.features import shards
from sentinel_forest.io import tables
from sentinel_forest.models import counts, fit, forest, persistence, predict
from sentinel_forest.models.batches import forest_bytes, in_batches
from sentinel_forest.models.candidate import TablesOf
from sentinel_forest.steps import ForestFile, SetFile, TrialFile

CLASSES = ("clear", "thick cloud", "thin cloud", "cloud shadow")
TASK = Task(
    "cloud",
    "pixel",
    tuple(Category(code, name, "#000000") for code, name in enumerate(CLASSES)),
    (Question("cloud", ("thick cloud", "thin cloud")),),
)
SCENE = Task("scene", "patch", TASK.categories)
SETS = {
    "one": FeatureSet("one", "cloud", ("B2",), {"B2": "L_B2"}),
    "two": FeatureSet("two", "cloud", ("B2", "B3"), {"B2": "L_B2", "B3": "L_B3"}),
    "whole": FeatureSet("whole", "scene", ("B2_mean",), {"B2": "L_B2"}),
}
SIDE, PATCHES = 6, 8


class Memory:
    """A dataset in memory; remembers what was read."""

    name = "memory"
    tasks = {"cloud": TASK, "scene": SCENE}  # noqa: RUF012
    feature_sets = SETS
    layer_table = {name: Layer(name, "int16", 1e-4) for name in ("L_B2", "L_B3")}  # noqa: RUF012
    references = {  # noqa: RUF012
        "mask": Reference("mask", "cloud", "MASK", ("no cloud", "cloud"), {"cloud": ("cloud",)})
    }

    def __init__(self) -> None:
        random = np.random.default_rng(1)
        self.truth = random.integers(0, 3, (PATCHES, SIDE, SIDE)).astype(np.uint8)
        self.truth[:, 0, 0] = IGNORE
        self.truth[5] = IGNORE
        noise = random.integers(-900, 900, (2, PATCHES, SIDE, SIDE))
        self.stored = {
            "L_B2": (self.truth.astype(np.int64) * 1000 + noise[0]).astype(np.int16),
            "L_B3": noise[1].astype(np.int16),
            "TRUTH": self.truth,
            "MASK": random.choice([0, 1, IGNORE], (PATCHES, SIDE, SIDE)).astype(np.uint8),
        }
        self.catalog_table = pd.DataFrame({"patch": [f"p{row}" for row in range(PATCHES)], "row": range(PATCHES)})
        self.read: list[int] = []

    def blocks(self, folder, catalog, layers, patches):
        rows = catalog["row"].to_numpy()
        assert (np.diff(rows) == 1).all()
        for start in range(0, len(rows), patches):
            part = catalog.iloc[start : start + patches]
            self.read += part["row"].tolist()
            yield Block(part, {layer: self.stored[layer][part["row"].to_numpy()] for layer in layers})

    def labels(self, task, block):
        return block.layers["TRUTH"]

    def classes(self, task, block):
        return self.labels(task, block)

    def label_layers(self, task):
        return ("TRUTH",) if task == "cloud" else ()

    def reference(self, name, block):
        return block.layers["MASK"]

    physical = datasets.base.Dataset.physical


ROLES = {
    1: ["train", "train", "train", "test", "test", "validation", "unused", "validation"],
    2: ["train", "test", "train", "train", "unused", "train", "train", "test"],
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A folder with two trials, forests of two feature sets, and a dataset; and the step's function."""
    dataset = Memory()
    monkeypatch.setattr(datasets, "load", lambda name, layout: dataset)
    dataset.catalog_table.to_parquet(tmp_path / "catalog.parquet")
    for trial, roles in ROLES.items():
        path = tmp_path / f"splits/s/{trial}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"patch": dataset.catalog_table["patch"], "role": roles}).to_parquet(path)
        for name in ("one", "two"):
            grow(dataset, roles, name, tmp_path / f"baselines/s/{trial}/{name}")

    def call(forests, shard=1, shards=1, threads=1, memory=2000.0, **more):
        output = tmp_path / f"{shard}of{shards}.parquet"
        predict.predict(
            of=shard_of(tmp_path, shard, shards),
            **files_of(tmp_path, forests),
            features=[SetFile("whole", tmp_path / f"whole/{shard}.parquet")],
            threads=threads,
            memory=memory,
            **more,
            output=output,
        )
        return tables.read_parquet(output)

    return tmp_path, dataset, call


def shard_of(folder, shard, shards):
    """A shard of what `Memory` holds."""
    return ShardOf(dataset="memory", folder=folder, catalog=folder / "catalog.parquet", shard=shard, shards=shards)


def files_of(folder, forests):
    """What the step is given of forests (scheme, trial, set)."""
    found = {"splits": [], "forests": [], "fits": []}
    for scheme, trial, name in forests:
        found["splits"].append(TrialFile(scheme, trial, folder / f"splits/{scheme}/{trial}.parquet"))
        for key, file in (("forests", "forest.skops"), ("fits", "fit.json")):
            path = folder / f"baselines/{scheme}/{trial}/{name}/{file}"
            found[key].append(ForestFile(scheme, trial, name, path))
    return found


def values(dataset, name, patch):
    """Features of all pixels of a patch, straight from what is stored."""
    layers = SETS[name].layers.values()
    return np.stack([dataset.stored[layer][patch].ravel() * np.float32(1e-4) for layer in layers], axis=1)


def grow(dataset, roles, name, folder):
    """Train on all pixels of the training patches and store it."""
    chosen = [row for row, role in enumerate(roles) if role == "train"]
    X = np.concatenate([values(dataset, name, row) for row in chosen])
    y = np.concatenate([dataset.truth[row].ravel() for row in chosen])
    valid = y != IGNORE
    training = forest.Training(X[valid], y[valid].astype(int), np.ones(valid.sum()), np.full(valid.sum(), "p"))
    features = SETS[name].features
    whole = forest.grow(training, ForestSettings(trees=25), 3, 1)
    forest.name(whole.forest, [CLASSES[place] for place in training.present], features, 3)
    persistence.save(folder / "forest.skops", whole.forest)
    about = {"seed": 3, **fit.describe(training, whole, TASK, features, 1)}
    tables.write_text(folder / "fit.json", json.dumps(about))


ALL = [["s", trial, name] for trial in (1, 2) for name in ("one", "two")]


def test_forest_counts_are_those_of_scikit_learn(run):
    folder, dataset, call = run
    found = call(ALL)
    for _, trial, name in ALL:
        model = persistence.load(folder / f"baselines/s/{trial}/{name}/forest.skops")
        for row, role in enumerate(ROLES[trial]):
            truth = dataset.truth[row].ravel()
            valid = truth != IGNORE
            chosen = found[
                (found["trial"] == trial)
                & (found["set"] == name)
                & (found["patch"] == f"p{row}")
                & (found["classifier"] == "forest")
            ]
            given = {(entry.true, entry.predicted): entry.count for entry in chosen.itertuples(name="Row")}
            if role not in ("validation", "test") or not valid.any():
                assert not given
                continue
            frame = pd.DataFrame(values(dataset, name, row)[valid], columns=list(SETS[name].features))
            expected = pd.Series(
                list(zip(np.array(CLASSES)[truth[valid]], model.predict(frame), strict=True))
            ).value_counts()
            assert {key: int(value) for key, value in given.items()} == expected.to_dict()


def test_dummy_classifiers_count_the_same_pixels(run):
    _, _, call = run
    found = call(ALL)
    assert set(found["classifier"]) == {"forest", "majority", "class fractions", "best threshold"}
    keys = ["trial", "set", "patch", "true"]
    totals = found.groupby([*keys, "classifier"])["count"].sum().unstack()
    assert totals.notna().all(axis=None)
    assert (totals.nunique(axis=1) == 1).all()
    assert set(found.loc[found["classifier"] == "best threshold", "predicted"]) <= set(CLASSES)
    assert found.loc[found["classifier"] == "majority"].groupby(["trial", "set"])["predicted"].nunique().max() == 1


def test_each_patch_is_read_once_and_only_if_held_out(run, monkeypatch):
    _, dataset, call = run
    monkeypatch.setattr(shards, "READ_BYTES", 1)
    monkeypatch.setattr(shards, "WORK_BYTES", 1)
    call(ALL)
    probe, read = dataset.read[0], dataset.read[1:]
    assert probe == read[0]
    assert read == [1, 3, 4, 5, 7]


def test_forests_that_do_not_fit_together_come_in_batches(run, monkeypatch):
    """Two batches read the patches that they hold out, once each, and say the same."""
    folder, dataset, call = run
    whole = call(ALL)
    fits = [json.loads((folder / f"baselines/s/{trial}/{name}/fit.json").read_text()) for _, trial, name in ALL]
    sizes = [forest_bytes(fit) for fit in fits]
    assert sizes[0] == fits[0]["trees"]["nodes"] * (64 + 4 * 8)
    two = max(sizes[0] + sizes[1], sizes[2] + sizes[3])
    monkeypatch.setattr(shards, "READ_BYTES", 1)
    monkeypatch.setattr(shards, "WORK_BYTES", 1)
    dataset.read.clear()
    pd.testing.assert_frame_equal(call(ALL, memory=two / 1e6), whole)
    assert dataset.read == [3, 3, 4, 5, 7, 1, 1, 7]
    pd.testing.assert_frame_equal(call(ALL, memory=0), whole)


@pytest.mark.parametrize(
    ("sizes", "most", "batches"),
    [
        ([], 10, [[]]),
        ([4, 6, 1], 10, [[4, 6], [1]]),
        ([4, 7, 3, 1], 10, [[4], [7, 3], [1]]),
        ([20, 1, 30], 10, [[20], [1], [30]]),
        ([5, 5], 100, [[5, 5]]),
    ],
)
def test_batches(sizes, most, batches):
    assert [sizes[batch] for batch in in_batches(sizes, most)] == batches


def test_neither_shards_nor_blocks_nor_threads_matter(run, monkeypatch):
    _, _, call = run
    whole = call(ALL)
    order = ["scheme", "trial", "set", "classifier", "patch", "true", "predicted"]
    parts = pd.concat([call(ALL, shard, 3, threads=2) for shard in (1, 2, 3)])
    monkeypatch.setattr(shards, "READ_BYTES", 1)
    monkeypatch.setattr(shards, "WORK_BYTES", 1)
    single = call(ALL)
    pd.testing.assert_frame_equal(single, whole)
    pd.testing.assert_frame_equal(
        parts.sort_values(order, ignore_index=True), whole.sort_values(order, ignore_index=True)
    )


def test_nothing_held_out_gives_an_empty_table(run):
    folder, _, call = run
    split = pd.read_parquet(folder / "splits/s/1.parquet").assign(role="train")
    split.to_parquet(folder / "splits/s/1.parquet")
    assert call([["s", 1, "one"]]).empty
    assert call([]).empty


def test_forest_of_other_features_is_refused(run):
    folder, _, call = run
    for name in ("forest.skops", "fit.json"):
        (folder / f"baselines/s/1/two/{name}").write_bytes((folder / f"baselines/s/1/one/{name}").read_bytes())
    with pytest.raises(InputError, match="does not fit its feature set"):
        call([["s", 1, "two"]])


def test_patch_task_from_its_table(run):
    folder, dataset, call = run
    labels = np.array([0, 1, 0, 1, 0, 1, 0, -1])
    table = pd.DataFrame(
        {"patch": dataset.catalog_table["patch"], "label": labels.astype(np.int16), "B2_mean": labels * 0.1}
    ).astype({"B2_mean": "float32"})
    (folder / "whole").mkdir()
    table.to_parquet(folder / "whole/1.parquet")
    chosen = labels[np.array(ROLES[1]) == "train"]
    X = (chosen * np.float32(0.1))[:, None].astype(np.float32)
    training = forest.Training(X, chosen, np.ones(3), np.array(["p0", "p1", "p2"]))
    grown = forest.grow(training, ForestSettings(minimum_leaf=1, draw_weights=False), 1, 1)
    forest.name(grown.forest, ["clear", "thick cloud"], ["B2_mean"], 1)
    persistence.save(folder / "baselines/s/1/whole/forest.skops", grown.forest)
    about = {"seed": 1, **fit.describe(training, grown, SCENE, ["B2_mean"], 1)}
    tables.write_text(folder / "baselines/s/1/whole/fit.json", json.dumps(about))
    found = call([["s", 1, "whole"]])
    forest_rows = found[found["classifier"] == "forest"]
    assert forest_rows["patch"].tolist() == ["p3", "p4", "p5"]
    assert forest_rows["predicted"].tolist() == ["thick cloud", "clear", "thick cloud"]
    assert (found["count"] == 1).all()
    assert set(found["classifier"]) == {"forest", "majority", "class fractions"}


def test_class_shares_are_drawn_in_proportion():
    fit = {"seed": 4, "dummies": {"class fractions": dict(zip(CLASSES, (0.5, 0.3, 0.2, 0), strict=True))}}
    true = np.array([[60_000, 0, 40_000, 0], [0, 7, 0, 0]])
    counts = predict._draw(true, fit, np.array(["a", "b"]), CLASSES)
    assert np.array_equal(counts.sum(axis=2), true)
    np.testing.assert_allclose(counts[0, 0] / 60_000, (0.5, 0.3, 0.2, 0), atol=0.01)
    again = predict._draw(true[1:], fit, np.array(["b"]), CLASSES)
    assert np.array_equal(again[0], counts[1])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), samples=st.integers(0, 40))
def test_confusion_counts_as_a_loop_does(seed, samples):
    random = np.random.default_rng(seed)
    truth, predicted, place = (random.integers(0, top, samples) for top in (3, 4, 2))
    expected = np.zeros((2, 3, 4), dtype=np.int64)
    for entry in zip(place, truth, predicted, strict=True):
        expected[entry] += 1
    found = counts.confusion(truth, predicted, place, 2, 3, 4)
    assert np.array_equal(found, expected)
    table = counts.counts_table(found, np.array(["a", "b"]), CLASSES[:3], CLASSES)
    assert table["count"].sum() == samples
    assert (table["count"] > 0).all()


def test_reference_counts_by_hand(tmp_path, monkeypatch):
    dataset = Memory()
    monkeypatch.setattr(datasets, "load", lambda name, layout: dataset)
    dataset.catalog_table.to_parquet(tmp_path / "catalog.parquet")
    reference.reference(
        of=shard_of(tmp_path, 1, 2),
        references=["mask"],
        counts=tmp_path / "r.parquet",
        unmeasured=tmp_path / "unmeasured.parquet",
    )
    assert tables.read_parquet(tmp_path / "unmeasured.parquet").empty
    found = tables.read_parquet(tmp_path / "r.parquet")
    assert found["patch"].unique().tolist() == ["p0", "p1", "p2", "p3"]
    for patch in range(4):
        for true, true_name in enumerate(CLASSES):
            for code, answer in ((0, "no cloud"), (1, "cloud"), (IGNORE, reference.NO_ANSWER)):
                expected = ((dataset.truth[patch] == true) & (dataset.stored["MASK"][patch] == code)).sum()
                rows = found[
                    (found["patch"] == f"p{patch}") & (found["true"] == true_name) & (found["predicted"] == answer)
                ]
                assert rows["count"].sum() == expected


def test_no_reference_and_an_unknown_one():
    dataset = Memory()
    assert reference.count_references(dataset, None, dataset.catalog_table, [])[0].empty
    assert not dataset.read
    with pytest.raises(InputError, match="Unknown reference algorithm"):
        reference.count_references(dataset, None, dataset.catalog_table, ["s2cloudles"])


@pytest.mark.parametrize("lacking", ["splits", "fits"])
def test_forest_without_what_belongs_to_it_is_named(run, lacking):
    folder, _, _ = run
    given = files_of(folder, ALL) | {lacking: []}
    with pytest.raises(InputError, match=f"--{lacking}"):
        predict.predict(of=shard_of(folder, 1, 1), **given, features=[], output=folder / "p.parquet")


def test_shard_that_does_not_exist(run):
    _, _, call = run
    with pytest.raises(InputError, match="no such shard"):
        call(ALL, 3, 2)


def test_real_pixels_give_sane_scores(real, tmp_path):
    """So2Sat patches of one training place predict those of another better than the majority class."""
    from sentinel_forest.datasets.base import no_hashes
    from sentinel_forest.features import table

    dataset = datasets.load("so2sat")
    folder = real / "so2sat"
    catalog = dataset.catalog(folder, dataset.list_files(folder), no_hashes())
    catalog.assign(group=catalog["city"]).to_parquet(tmp_path / "catalog.parquet")
    (tmp_path / "splits/published").mkdir(parents=True)
    split = pd.DataFrame({"patch": catalog["patch"], "role": catalog["published_split"]})
    split.to_parquet(tmp_path / "splits/published/1.parquet")
    catalog_file = tmp_path / "catalog.parquet"
    shard = ShardOf(dataset="so2sat", folder=folder, catalog=catalog_file, shard=1, shards=1)
    features = tmp_path / "features.parquet"
    table.feature_table(of=shard, feature_set="lcz-s2", draw={"pixels": 1000}, seed=1, output=features)
    given = files_of(tmp_path, [("published", 1, "lcz-s2")])
    fit.fit(
        release="r",
        of=TablesOf(
            scheme="published",
            trial=1,
            feature_set="lcz-s2",
            dataset="so2sat",
            catalog=tmp_path / "catalog.parquet",
            split=given["splits"][0].path,
            features=[features],
        ),
        forest=ForestSettings(minimum_leaf=1),
        seed=1,
        model=given["forests"][0].path,
        fit=given["fits"][0].path,
    )
    output = tmp_path / "p.parquet"
    predict.predict(of=shard, **given, features=[SetFile("lcz-s2", features)], output=output)
    found = tables.read_parquet(tmp_path / "p.parquet")
    validation = set(split.loc[split["role"] == "validation", "patch"])
    chosen = found[found["patch"].isin(validation) & (found["classifier"] == "forest")]
    assert len(chosen) == 20
    assert (chosen["true"] == chosen["predicted"]).mean() >= 0.6


def test_a_sample_is_of_the_same_pixels_for_all_classifiers(run):
    _, dataset, call = run
    found = call(ALL, scoring=ScoreSettings(pixels=12), seed=5)
    assert set(found["pixels"]) == {"sample of 12"}
    of_reference, _ = reference.count_references(dataset, None, dataset.catalog_table, ["mask"], 12, 5)
    assert set(of_reference["pixels"]) == {"all", "sample of 12"}
    of_reference = of_reference[of_reference["pixels"] != "all"]
    keys = ["patch", "true"]
    drawn = of_reference.groupby(keys)["count"].sum()
    weights = of_reference.groupby(keys)["pixel_weight"].first()
    for _, rows in found.groupby(["trial", "set", "classifier"]):
        counted = rows.groupby(keys)["count"].sum()
        assert counted.equals(drawn[counted.index])
        assert rows.groupby(keys)["pixel_weight"].first().equals(weights[counted.index])
    totals = pd.Series(dataset.truth[3][dataset.truth[3] != IGNORE]).map(dict(enumerate(CLASSES))).value_counts()
    assert (drawn["p3"] * weights["p3"]).to_dict() == pytest.approx(totals.to_dict())


def test_validation_patches_are_left_out_where_nobody_scores_them(run):
    _, _, call = run
    every, tested = call(ALL), call(ALL, scoring=ScoreSettings(validation=False))
    roles = {(trial, f"p{row}"): role for trial, of in ROLES.items() for row, role in enumerate(of)}
    role = [roles[key] for key in zip(every["trial"], every["patch"], strict=True)]
    assert set(role) == {"validation", "test"}
    expected = every[np.array(role) == "test"].reset_index(drop=True)
    pd.testing.assert_frame_equal(tested, expected)
