"""Exports are opened by the real tensorflow_datasets, and what its own builder writes is read."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from sentinel_forest import datasets, simulate
from sentinel_forest.datasets.base import SPLITS, no_hashes
from sentinel_forest.export import tfds, tfds_import
from sentinel_forest.verify import catalog

SAMPLE = {"seed": 5, "training": 102, "validation": 20, "testing": 20, "cities": 6}
EXTREMES = (-0.02, 0.0, 254.999 / 892.5, 255 / 892.5, 2.8, 6.5)
"""Reflectances around what the images are clipped to."""
FILES = {"train": "training", "validation": "validation", "test": "testing"}
ABOUT = {"description": "So2Sat LCZ42, a test.", "citation": "Zhu et al. 2020", "licence": "CC-BY-4.0"}
RESAMPLED = "so2sat_pooled_random_1"

pytestmark = pytest.mark.xdist_group("interop")


@pytest.fixture(scope="session")
def read(call, tmp_path_factory):
    """Read a folder with tensorflow_datasets: what the builder says, and the arrays of each split."""

    def of(way: str, folder: Path, name: str = ""):
        output = tmp_path_factory.mktemp("read") / "arrays.npz"
        seen = json.loads(call("read.py", way, folder, output, *([name] if name else [])).splitlines()[-1])
        with np.load(output) as stored:
            return seen, dict(stored)

    return of


@pytest.fixture(scope="session")
def release(tmp_path_factory):
    """Folder, catalog and published split of a small sample, some of whose pixels are extreme."""
    folder = tmp_path_factory.mktemp("release")
    simulate.write("so2sat", {}, SAMPLE, folder)
    with h5py.File(folder / "training.h5", "r+") as file:
        file["sen2"][7, 3, : len(EXTREMES), :] = np.array(EXTREMES)[:, None]
    dataset = datasets.load("so2sat")
    patches = catalog.make(dataset, folder, dataset.list_files(folder), no_hashes())
    return folder, patches, split_of(patches, patches["published_split"])


@pytest.fixture(scope="session")
def exports(release, tmp_path_factory):
    """A data_dir with the published split in each config and version, and a resampled one."""
    folder, patches, published = release
    data_dir = tmp_path_factory.mktemp("data_dir")
    roles = np.random.default_rng(1).permutation(np.repeat(["train", "test", "unused"], [72, 50, 20]))
    wanted = [
        ("so2sat", "rgb", "2.1.0", published),
        ("so2sat", "rgb", "2.0.0", published),
        ("so2sat", "all", "2.1.0", published),
        (RESAMPLED, "all", "2.1.0", split_of(patches, roles)),
    ]
    with pytest.MonkeyPatch.context() as patch:
        for name, config, version, split in wanted:
            # Shards of 25 patches, so that there are several.
            patch.setattr(tfds, "SHARD_BYTES", 25 * 1024 * (3 if config == "rgb" else 72))
            target = tfds.Target(name, config, version, about=ABOUT)
            tfds.export(folder, patches, split, target, data_dir / name / config / version)
    return data_dir, roles


@pytest.fixture(scope="session")
def built(call, release, tmp_path_factory):
    """What the builder in tensorflow_datasets writes from the same files: config, format -> folder."""
    made = {}

    def of(config: str, form: str) -> Path:
        if (config, form) not in made:
            data_dir = tmp_path_factory.mktemp("built")
            call("build.py", release[0], data_dir, config, form)
            made[config, form] = data_dir / "so2sat" / config / "2.1.0"
        return made[config, form]

    return of


def split_of(patches: pd.DataFrame, roles) -> pd.DataFrame:
    return pd.DataFrame({"patch": patches["patch"], "role": np.asarray(roles, dtype=str), "weight": 1.0})


def stored(folder: Path, split: str) -> dict[str, np.ndarray]:
    """The arrays of an HDF5 file."""
    with h5py.File(folder / f"{FILES[split]}.h5") as file:
        return {key: file[key][...] for key in file}


def in_order(arrays: dict[str, np.ndarray], split: str) -> dict[str, np.ndarray]:
    """The arrays of a split by their `sample_id`."""
    order = np.argsort(arrays[f"{split}/sample_id"])
    return {key.split("/")[1]: values[order] for key, values in arrays.items() if key.startswith(f"{split}/")}


def check_rgb(arrays, folder, scale):
    for split in SPLITS:
        rows = stored(folder, split)
        count = len(rows["label"])
        expected = np.clip(scale(rows["sen2"][..., [2, 1, 0]]), 0, 255).astype(np.uint8)
        assert arrays[f"{split}/image"].dtype == np.uint8
        np.testing.assert_array_equal(arrays[f"{split}/image"], expected)
        np.testing.assert_array_equal(arrays[f"{split}/label"], rows["label"].argmax(1))
        np.testing.assert_array_equal(arrays[f"{split}/sample_id"], np.arange(count))
        assert arrays[f"{split}/sample_id"].dtype == np.int64


def check_all(arrays, folder):
    for split in SPLITS:
        rows = stored(folder, split)
        for feature, key in (("sentinel1", "sen1"), ("sentinel2", "sen2")):
            assert arrays[f"{split}/{feature}"].dtype == np.float32
            np.testing.assert_array_equal(arrays[f"{split}/{feature}"], rows[key].astype(np.float32))
        np.testing.assert_array_equal(arrays[f"{split}/label"], rows["label"].argmax(1))
        np.testing.assert_array_equal(arrays[f"{split}/sample_id"], np.arange(len(rows["label"])))


def test_rgb_is_a_tf_dataset(read, exports, release):
    seen, arrays = read("as_dataset", exports[0] / "so2sat" / "rgb" / "2.1.0")
    check_rgb(arrays, release[0], lambda bands: bands * 892.5)
    assert seen["tensorflow"]
    assert seen["name"] == "so2sat/rgb/2.1.0"
    assert seen["supervised"] == ["image", "label"]
    assert seen["classes"] == list(datasets.load("so2sat").tasks["lcz"].names)
    assert {split: count for split, (count, _) in seen["splits"].items()} == {
        "train": 102,
        "validation": 20,
        "test": 20,
    }
    assert seen["shards"] == {"train": 5, "validation": 1, "test": 1}
    assert all(size > 0 for _, size in seen["splits"].values())
    assert seen["description"] == ABOUT["description"]
    assert seen["citation"] == ABOUT["citation"]
    assert "892.5" in seen["config"]


def test_rgb_of_the_older_version_has_the_older_factor(read, exports, release):
    seen, arrays = read("as_data_source", exports[0] / "so2sat" / "rgb" / "2.0.0")
    check_rgb(arrays, release[0], lambda bands: bands / 2.8 * 255.0)
    assert seen["name"] == "so2sat/rgb/2.0.0"
    assert "2.8" in seen["config"]
    assert set(seen["release_notes"]) == {"2.0.0", "2.1.0"}


def test_all_is_a_tf_dataset(read, exports, release):
    seen, arrays = read("as_dataset", exports[0] / "so2sat" / "all" / "2.1.0")
    check_all(arrays, release[0])
    assert seen["supervised"] is None


def test_data_sources_need_no_tensorflow(read, exports, release):
    seen, arrays = read("as_data_source", exports[0] / "so2sat" / "rgb" / "2.1.0")
    assert not seen["tensorflow"]
    check_rgb(arrays, release[0], lambda bands: bands * 892.5)
    seen, arrays = read("as_data_source", exports[0], "so2sat/all:2.1.0")
    assert not seen["tensorflow"]
    check_all(arrays, release[0])


def test_a_resampled_split_is_found_by_its_name(read, exports, release):
    data_dir, roles = exports
    folder, patches, _ = release
    seen, arrays = read("as_dataset", data_dir, f"{RESAMPLED}/all")
    assert seen["name"] == f"{RESAMPLED}/all/2.1.0"
    assert set(seen["splits"]) == {"train", "test"}
    for split in ("train", "test"):
        chosen = patches[roles == split]
        images = np.stack([stored(folder, row.published_split)["sen2"][row.row] for row in chosen.itertuples()])
        np.testing.assert_array_equal(arrays[f"{split}/sentinel2"], images.astype(np.float32))
        np.testing.assert_array_equal(arrays[f"{split}/label"], chosen["label"])


@pytest.mark.parametrize("config", ["rgb", "all"])
def test_the_published_builder_agrees(read, exports, built, config):
    theirs, their_arrays = read("as_dataset", built(config, "tfrecord"))
    ours, our_arrays = read("as_dataset", exports[0] / "so2sat" / config / "2.1.0")
    assert ours["features"] == theirs["features"]
    assert ours["supervised"] == theirs["supervised"]
    assert ours["classes"] == theirs["classes"]
    for split in ("train", "validation"):
        expected, found = in_order(their_arrays, split), in_order(our_arrays, split)
        assert expected.keys() == found.keys()
        for feature in expected:
            np.testing.assert_array_equal(found[feature], expected[feature])
        if config == "all":
            assert ours["splits"][split] == theirs["splits"][split]


@pytest.mark.parametrize("form", ["tfrecord", "array_record"])
def test_what_the_published_builder_writes_becomes_a_release(built, release, tmp_path, form):
    written = tfds_import.import_release(built("all", form), tmp_path)
    assert [path.name for path in written] == ["training.h5", "validation.h5"]
    dataset = datasets.load("so2sat")
    files = [datasets.base.File(path.name) for path in written]
    assert not [found for found in dataset.structure(tmp_path, files) if found.status == "failed"]
    for split in ("train", "validation"):
        found, expected = stored(tmp_path, split), stored(release[0], split)
        np.testing.assert_array_equal(found["label"], expected["label"])
        for key in ("sen1", "sen2"):
            assert found[key].dtype == np.float64
            np.testing.assert_array_equal(found[key], expected[key].astype(np.float32).astype(np.float64))
