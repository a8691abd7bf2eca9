"""The feature table: which pixels are drawn, what stands beside them, and that shards do not matter."""

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sentinel_forest import datasets, simulate
from sentinel_forest.datasets.base import IGNORE, Category, Dataset, FeatureSet, Layer, Task, no_hashes
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.errors import InputError
from sentinel_forest.features import pixel, shards, table
from sentinel_forest.io import tables
from sentinel_forest.planning.checking import select
from sentinel_forest.registry import RELEASES as RELEASE_FILES

SIDE, PATCHES = 24, 7
BARE = tuple(Category(code, name, "#000000") for code, name in enumerate(("rock", "sand", "salt")))


BANDS = {"B4": "L_B4", "B8": "L_B8"}
SETS = (
    FeatureSet("plain", "ground", ("B4", "B8"), BANDS),
    FeatureSet("context", "ground", ("NDVI_mean_5", "B4"), BANDS),
    FeatureSet("statistics", "scene", ("B4_mean", "NDVI_p50"), BANDS),
)


class Desert(Dataset):
    """Patches in memory: two bands as integers, labels, some of them without meaning."""

    def __init__(self):
        self.tasks = {"ground": Task("ground", "pixel", BARE), "scene": Task("scene", "patch", BARE)}
        layers = [Layer("L_B4", "int16", 1e-4, missing=-99), Layer("L_B8", "int16", 1e-4), Layer("map", "uint8")]
        self.layer_table = {layer.name: layer for layer in layers}
        self.feature_sets = {about.name: about for about in SETS}
        random = np.random.default_rng(5)
        shape = (PATCHES, SIDE, SIDE)
        self.stored = {name: random.integers(1, 9000, shape).astype(np.int16) for name in ("L_B4", "L_B8")}
        self.stored["L_B4"][0, :4] = -99
        self.stored["map"] = random.choice([0, 0, 0, 0, 1, 1, 2, 77], shape).astype(np.uint8)
        self.stored["map"][3] = 77
        self.stored["map"][4] = 1
        self.largest = 0

    def read(self, folder, patches, arrays, at_once):
        for first in range(0, len(patches), at_once):
            rows = patches.iloc[first : first + at_once]
            self.largest = max(self.largest, len(rows))
            yield rows, {name: self.stored[name][rows["row"]] for name in arrays}

    def labels(self, task, block):
        stored = block.layers["map"]
        return np.where(stored < len(BARE), stored, IGNORE).astype(np.uint8)

    def label_layers(self, task):
        return ("map",) if task == "ground" else ()

    def list_files(self, folder): ...

    def layers(self, paths): ...

    def structure(self, folder, files): ...

    def inspector(self, folder, file): ...

    def catalog(self, folder, files, hashes):
        return pd.DataFrame(
            {
                "patch": [f"p{number}" for number in range(PATCHES)],
                "row": np.arange(PATCHES),
                "label": np.array([0, 1, 2, -1, 0, 1, 2], dtype=np.int16),
            }
        )


@pytest.fixture(scope="module")
def desert():
    return Desert()


@pytest.fixture(scope="module")
def catalog(desert):
    return desert.catalog(None, [], None)


def make(desert, rows, name="plain", per_class=5, seed=1):
    return table.feature_rows(desert, desert.feature_sets[name], None, rows, per_class, (seed, "pixels"))


# The draw


def test_a_draw_by_hand():
    labels = np.array([[0, 0, 0, 1], [IGNORE, 1, 0, IGNORE]], dtype=np.uint8)
    pixels, weights = table.draw_pixels(labels, None, 3, seed=0)
    assert pixels.tolist() == sorted(set(pixels.tolist()))
    drawn = labels.reshape(-1)[pixels]
    assert Counter(drawn.tolist()) == {0: 3, 1: 2}
    np.testing.assert_allclose(weights[drawn == 0], 4 / 3)
    np.testing.assert_allclose(weights[drawn == 1], 1)


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, 254, IGNORE])),
    st.none() | arrays(np.int64, (6, 7), elements=st.integers(-3, 3)),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
)
def test_weights_give_back_the_classes(labels, units, per_class, seed):
    pixels, weights = table.draw_pixels(labels, units, per_class, seed)
    drawn = labels.reshape(-1)[pixels]
    assert len(set(pixels.tolist())) == len(pixels)
    assert (drawn != IGNORE).all()
    for label in set(labels.reshape(-1).tolist()) - {IGNORE}:
        total = (labels == label).sum()
        assert weights[drawn == label].sum() == pytest.approx(total, rel=1e-5)
        if units is None:
            assert (drawn == label).sum() == min(per_class, total)


def test_units_share_the_pixels_of_a_class():
    labels = np.zeros((8, 8), dtype=np.uint8)
    labels[:, 4:] = 1
    units = np.add.outer(np.arange(8) // 4 * 10, np.arange(8) // 2)  # 2 rows x 4 columns, 8 pixels each
    pixels, weights = table.draw_pixels(labels, units, 6, seed=3)
    per_unit = Counter(units.reshape(-1)[pixels].tolist())
    assert per_unit == dict.fromkeys(np.unique(units).tolist(), 2)  # 4 units of each class, 6 / 4 rounded up
    np.testing.assert_allclose(weights, 4)


def test_all_pixels_have_the_same_chance():
    labels = np.zeros((4, 5), dtype=np.uint8)
    labels[0] = 1
    drawn = np.concatenate([table.draw_pixels(labels, None, 2, seed)[0] for seed in range(3000)])
    counts = np.bincount(drawn, minlength=20)
    np.testing.assert_allclose(counts[:5], 3000 * 2 / 5, rtol=0.12)
    np.testing.assert_allclose(counts[5:], 3000 * 2 / 15, rtol=0.2)


# The table


def test_pixels_and_their_features(desert, catalog):
    found = make(desert, catalog, "context")
    assert found.columns.tolist() == ["patch", "pixel", "label", "weight", "NDVI_mean_5", "B4"]
    kinds = [str(kind) for kind in found.dtypes]
    assert kinds == ["str", "int32", "uint8", "float32", "float32", "float32"]
    bands = {name: desert.physical(layer, desert.stored[layer]) for name, layer in BANDS.items()}
    whole = pixel.compute(["NDVI_mean_5", "B4"], bands)
    for row in found.itertuples():
        patch, (y, x) = int(row.patch[1:]), divmod(row.pixel, SIDE)
        np.testing.assert_array_equal([row[5], row[6]], whole[patch, y, x])
        assert row.label == desert.stored["map"][patch, y, x]
    assert found["B4"].isna().any()  # missing stays missing
    assert set(found["patch"]) == {f"p{number}" for number in range(PATCHES) if number != 3}
    assert Counter(found.loc[found["patch"] == "p4", "label"]) == {1: 5}


def test_weights_sum_to_the_pixels_of_each_class(desert, catalog):
    found = make(desert, catalog)
    totals = found.groupby(["patch", "label"])["weight"].sum()
    for (patch, label), total in totals.items():
        assert total == pytest.approx((desert.stored["map"][int(patch[1:])] == label).sum(), rel=1e-5)


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
@pytest.mark.parametrize("name", ["context", "statistics"])
def test_shards_together_are_the_whole(desert, catalog, shards, name):
    parts = [make(desert, tables.shard(catalog, number, shards), name) for number in range(1, shards + 1)]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), make(desert, catalog, name))


def test_the_draw_depends_on_its_seed_and_on_no_set(desert, catalog):
    drawn = make(desert, catalog)[["patch", "pixel"]]
    assert drawn.equals(make(desert, catalog, "context")[["patch", "pixel"]])
    assert not drawn.equals(make(desert, catalog, seed=2)[["patch", "pixel"]])
    other = table.feature_rows(desert, desert.feature_sets["plain"], None, catalog, 5, (1, "other purpose"))
    assert not drawn.equals(other[["patch", "pixel"]])


def test_blocks_are_as_small_as_memory_asks(desert, catalog, monkeypatch):
    whole = make(desert, catalog, "context")
    desert.largest = 0
    patch_bytes = SIDE * SIDE * (2 * (2 + 4) + 1 + 4)
    monkeypatch.setattr(shards, "READ_BYTES", 2 * patch_bytes)
    monkeypatch.setattr(shards, "WORK_BYTES", patch_bytes)
    pd.testing.assert_frame_equal(make(desert, catalog, "context"), whole)
    assert desert.largest == 2


def test_every_patch_has_a_row_in_a_patch_task(desert, catalog):
    found = make(desert, catalog, "statistics")
    assert found["patch"].tolist() == catalog["patch"].tolist()
    assert found["label"].tolist() == catalog["label"].tolist()
    assert [str(kind) for kind in found.dtypes] == ["str", "int16", "float32", "float32"]
    stored = desert.stored["L_B4"][1].astype(np.float64)
    assert found["B4_mean"][1] == pytest.approx(stored.mean() * 1e-4, rel=1e-6)


@pytest.mark.parametrize("name", ["plain", "statistics"])
@pytest.mark.parametrize("rows", [slice(0, 0), slice(3, 4)])
def test_a_table_without_rows_keeps_its_columns(desert, catalog, name, rows, tmp_path):
    found = make(desert, catalog.iloc[rows], name)
    about = desert.feature_sets[name]
    path = tmp_path / "empty.parquet"
    tables.write_parquet(path, found, table.schema(desert.tasks[about.task].unit, about.features))
    back = tables.read_parquet(path)
    assert back.columns.tolist()[-2:] == list(about.features)
    assert [str(kind) for kind in back.dtypes] == [str(kind) for kind in make(desert, catalog, name).dtypes]
    assert len(back) == (name == "statistics" and rows.stop == 4)


def test_a_dataset_may_give_units(desert, catalog, monkeypatch):
    def quarters(self, task, block):
        assert task == "ground"
        half = np.arange(SIDE) // (SIDE // 2)
        return np.broadcast_to(np.add.outer(2 * half, half), (len(block.patches), SIDE, SIDE))

    monkeypatch.setattr(Desert, "draw_units", quarters, raising=False)
    found = make(desert, catalog, per_class=8)
    row, column = np.divmod(found["pixel"].to_numpy(), SIDE)
    found["unit"] = 2 * (row >= SIDE // 2) + (column >= SIDE // 2)
    assert (found.groupby(["patch", "label", "unit"]).size() == 2).all()
    assert found["unit"].nunique() == 4


def test_the_sun_of_the_catalog_is_a_band(desert, catalog):
    about = FeatureSet("sun", "ground", ("B8_sunward_3",), BANDS)
    rows = catalog.assign(sun_azimuth=[np.nan, *[180.0] * (PATCHES - 1)])
    found = table.feature_rows(desert, about, None, rows, 5, (1, "pixels"))
    assert found.loc[found["patch"] == "p0", "B8_sunward_3"].isna().all()
    lit = found[found["patch"] != "p0"]
    for patch, place, value in zip(lit["patch"], lit["pixel"], lit["B8_sunward_3"], strict=True):
        row, column = divmod(place, SIDE)
        way = desert.stored["L_B8"][int(patch[1:]), row : row + 4, column]
        assert value == np.float32(way.max()) * np.float32(1e-4)
    with pytest.raises(InputError, match="expected: sun_azimuth"):
        table.feature_rows(desert, about, None, catalog, 5, (1, "pixels"))


def test_a_release_without_the_layer_skips_the_set_by_name():
    sets = ["l1c", "l1c+shadow"]
    config = {"version": "v1", "releases": ["cloudsen12-high"], "feature_sets": sets}
    assert select(config, RELEASE_FILES).sets("cloudsen12-high") == sets
    config["select"] = {"cloudsen12-high": ["*/L1C_*.dat", "*/LABEL_manual_hq.dat", "*/metadata.csv"]}
    without = select(config, RELEASE_FILES)
    assert without.sets("cloudsen12-high") == ["l1c"]
    assert ("cloudsen12-high", "feature set", "l1c+shadow", "lacks EXTRA_CDI") in without.skipped()


def test_ways_towards_the_sun_agree_with_each_other_on_a_sample(tmp_path):
    simulate.write("cloudsen12", {"side": 96}, {"seed": 1, "rois": 16, "dates": 5}, tmp_path)
    clouds = datasets.load("cloudsen12", {"side": 96})
    rows = clouds.catalog(tmp_path, clouds.list_files(tmp_path), no_hashes())
    about = clouds.feature_sets["l1c+shadow"]
    found = table.feature_rows(clouds, about, tmp_path, rows.iloc[:20], 200, (1, "r"))
    assert found["CDI"].between(-1, 1).all()
    ways = found[["HOT", "HOT_sunward_15", "HOT_sunward_60", "HOT_sunward_150"]].to_numpy()
    assert (np.diff(ways, axis=1) >= 0).all()
    steps = found["HOT_steps_200"].to_numpy()
    assert ((steps == 0) == (ways[:, 0] > 0)).all()
    assert ((steps <= 60) == (ways[:, 2] > 0)).all()
    assert (steps[ways[:, 3] <= 0] == 201).all()  # no image is longer than 150 pixels


# The command


@pytest.fixture
def command(desert, catalog, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "load", lambda name, layout: desert)
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(catalog, preserve_index=False), tmp_path / "catalog.parquet")

    pixels = 5 * len(catalog) * len(desert.tasks["ground"].categories)

    def call(shard=2, **changes):
        catalog_file = tmp_path / "catalog.parquet"
        given = {
            "of": ShardOf(dataset="desert", folder=tmp_path, catalog=catalog_file, shard=shard, shards=3),
            "feature_set": "plain",
            "draw": {"pixels": pixels},
            "seed": 1,
            "output": tmp_path / "out" / "2.parquet",
        } | changes
        table.feature_table(**given)
        return given["output"]

    return call


def test_the_command_writes_its_shard(command, desert, catalog):
    path = command()
    expected = make(desert, catalog.iloc[2:4])
    pd.testing.assert_frame_equal(tables.read_parquet(path), expected)
    first = path.read_bytes()
    assert command().read_bytes() == first


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"feature_set": "plein"}, "Unknown feature set"),
        ({"shard": 4}, "no such shard"),
        ({"shard": 0}, "no such shard"),
        ({"draw": {}}, "no rule for drawing"),
        ({"draw": {"pixels": 0}}, "no rule for drawing"),
        ({"draw": {"pixels": True}}, "no rule for drawing"),
        ({"draw": {"pixels": 5, "more": 1}}, "no rule for drawing"),
        ({"draw": [5]}, "no rule for drawing"),
    ],
)
def test_what_a_user_gets_wrong_is_said(command, tmp_path, changes, says):
    with pytest.raises(InputError, match=says):
        command(**changes)
    assert not (tmp_path / "out").exists()
