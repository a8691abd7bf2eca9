"""Near-duplicates from pixels: the numbers of a patch, a planted near-copy, and who is looked for at all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sentinel_forest import datasets
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.features import signature
from sentinel_forest.io import tables
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.selection import Selection
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.splits import ledger
from sentinel_forest.verify import catalog

BANDS = ["L1C_B2", "L1C_B3", "S1_VV"]
COUNTS = {"train": 5, "val": 2, "test": 3}
"""Patches of each split; side 40, so that 37 x 37 pixels of each are valid."""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Noise around a level for each patch. test/1 is train/2 with up to one digital number of noise, test/2
    is an exact copy of train/0, val/0 has no radar image, and is in the optical bands a copy of train/3.
    """
    random, dataset = np.random.default_rng(1), CloudSEN12(side=40)
    stored = {split: dataset.create(tmp_path, split, count, BANDS) for split, count in COUNTS.items()}
    for split, arrays in stored.items():
        for layer, array in arrays.items():
            low, high, contrast = (-25, -5, 3) if layer == "S1_VV" else (500, 6000, 800)
            levels = random.uniform(low, high, (COUNTS[split], 1, 1))
            contrasts = random.uniform(0.1, 1, levels.shape) * contrast
            array[:] = random.normal(levels, contrasts, array.shape)
    for layer in BANDS:
        train, test = stored["train"][layer], stored["test"][layer]
        noise = random.integers(-1, 2, train[2].shape)
        test[1] = train[2] + (noise * 1e-3 if layer == "S1_VV" else noise)
        test[2] = train[0]
        stored["val"][layer][0] = -99 if layer == "S1_VV" else train[3]
    for arrays in stored.values():
        for array in arrays.values():
            array.flush()
    return tmp_path


def catalog_of(release: Path) -> pd.DataFrame:
    dataset = CloudSEN12(side=40)
    made = catalog.make(dataset, release, dataset.list_files(release), no_hashes())
    return made.assign(content_hash=["e0", *(f"{at:02x}" for at in range(1, 9)), "e0"])


def row(found: pd.DataFrame, role_a: str, role_b: str) -> tuple[int, int]:
    chosen = found[(found["role_a"] == role_a) & (found["role_b"] == role_b) & (found["key"] == "near-duplicate")]
    return int(chosen["linked"].iloc[0]), int(chosen["total"].iloc[0])


@given(values=some.lists(some.sampled_from([0.0, 1.0, 2.5, -3.0, np.nan, np.inf]), min_size=8, max_size=8))
def test_moments_are_those_of_the_valid_pixels(values: list[float]) -> None:
    patches = np.array(values, dtype=np.float32).reshape(2, 2, 2)
    for patch, mean, deviation in zip(patches, *signature.moments(patches), strict=True):
        valid = patch[np.isfinite(patch)]
        expected = (valid.mean(), valid.std()) if valid.size else (np.nan, np.nan)
        assert (mean, deviation) == pytest.approx(expected, nan_ok=True, abs=1e-6)


def test_signatures_are_in_physical_units_and_the_same_in_any_number_of_shards(release: Path, tmp_path: Path) -> None:
    made = catalog_of(release)
    tables.write_parquet(tmp_path / "catalog.parquet", made, catalog.schema(CloudSEN12(side=40)))

    about = {"dataset": "cloudsen12", "layout": {"side": 40}, "folder": release}
    about["catalog"] = tmp_path / "catalog.parquet"

    def written(shards: int) -> pd.DataFrame:
        parts = []
        for shard in range(1, shards + 1):
            output = tmp_path / f"{shard}.parquet"
            signature.signature(of=ShardOf(**about, shard=shard, shards=shards), layers=list(BANDS), output=output)
            parts.append(tables.read_parquet(output))
        return pd.concat(parts, ignore_index=True)

    whole = written(1)
    pd.testing.assert_frame_equal(written(4), whole, check_exact=True)
    assert len(written(20)) == len(made)  # some of these shards are empty
    dtypes = whole.dtypes.drop("patch").astype("str").unique().tolist()
    assert (whole["patch"].tolist(), dtypes) == (made["patch"].tolist(), ["float32"])
    band = np.memmap(release / "train" / "L1C_B3.dat", "int16", "r", shape=(5, 40, 40))[4, 1:38, 1:38]
    assert whole["L1C_B3_mean"][4] == pytest.approx(band.mean() * 1e-4)
    assert whole["L1C_B3_deviation"][4] == pytest.approx(band.std() * 1e-4)
    assert whole["S1_VV_mean"].isna().tolist() == [at == 5 for at in range(10)]


def test_a_planted_near_copy_is_found_across_roles_and_nothing_else(release: Path) -> None:
    made = catalog_of(release)
    numbers = signature.signatures(CloudSEN12(side=40), release, made, BANDS)
    published = pd.DataFrame({"patch": made["patch"], "role": made["published_split"]})
    together = published.assign(role=["test", "train", "test", *["train"] * 4, *["test"] * 3])
    found = ledger.build(made, {("s", 1): published}, signatures=numbers, distance=0.001)
    assert row(found, "test", "train") == (1, 3)  # not the exact copy
    assert row(found, "validation", "train") == (0, 2)  # not the copy that lacks the radar image
    assert row(found, "test", "validation") == (0, 3)
    found = ledger.build(made, {("s", 1): together}, signatures=numbers, distance=0.001)
    assert row(found, "test", "train") == (0, 5)
    optical = numbers.drop(columns=["S1_VV_mean", "S1_VV_deviation"])
    found = ledger.build(made, {("s", 1): published}, signatures=optical, distance=0.001)
    assert row(found, "validation", "train") == (1, 2)


def configured(**keys: object) -> Selection:
    values = {"version": "v1", "releases": ["cloudsen12-sample", "sen12ms-sample", "so2sat-sample"]}
    values["feature_sets"] = ["l1c", "lcz-s1+s2", "scene-s1+s2"]
    return select(values | keys, RELEASE_FILES)


def test_bands_of_the_images_and_nothing_else_are_looked_at() -> None:
    asked = configured(near_duplicates={"distance": 0.001})
    layers = {name: asked.signature_layers(name) for name in asked.releases}
    assert {name: len(found) for name, found in layers.items()} == {
        "cloudsen12-sample": 13 + 12 + 2,
        "sen12ms-sample": 2 + 13,
        "so2sat-sample": 8 + 10,
    }
    assert {"L1C_B10", "L2A_B12", "S1_VH"} < set(layers["cloudsen12-sample"])
    names = " ".join(name for found in layers.values() for name in found)
    assert not any(word in names for word in ("LABEL", "EXTRA", "angle", "TCI", "lc:", "label"))
    for name, found in layers.items():
        assert set(found) <= set(datasets.load(asked.releases[name].dataset).layer_table)


def test_nothing_is_looked_at_unless_it_is_asked_for() -> None:
    usual = configured()
    assert usual.config["near_duplicates"] == {}
    assert all(usual.signature_layers(name) == [] for name in usual.releases)
    assert usual.skipped() == []


def test_a_release_without_images_is_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "metadata.csv").write_text("roi_id\n", encoding="utf-8")
    own = {"mine": {"dataset": "cloudsen12", "folder": str(tmp_path)}}
    asked = configured(releases=["mine"], own_releases=own, near_duplicates={"distance": 0.001})
    assert asked.signature_layers("mine") == []
    assert ("mine", "link", "near-duplicate", "lacks images") in asked.skipped()
