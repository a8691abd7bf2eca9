"""Trials opened as arrays: every patch is the one that the files hold."""

import importlib.machinery
import json
import pickle
import re
import sys
import types
from contextlib import nullcontext
from pathlib import Path

import h5py
import numpy as np
import pytest

from finished import ROLES, version_of, write_clouds
from sentinel_forest.datasets import so2sat
from sentinel_forest.errors import InputError
from sentinel_forest.export import loaders
from sentinel_forest.versions.manifest import manifest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    """CloudSEN12: patch n of the release has B2 = 100 n + row, B3 = 5, and label n % 4."""
    write_clouds(tmp_path / "data" / "mine")
    return version_of(tmp_path, "cloudsen12", {"side": 8}, ROLES)


def test_patches_of_a_trial_by_index_and_slice(clouds: Path) -> None:
    trial = loaders.open_trial(clouds, "mine", "random", 1, "train")
    assert len(trial) == 4
    assert trial.layers == ("L1C_B2", "L1C_B3")
    for place, number in enumerate([0, 2, 4, 6]):
        item = trial[place]
        np.testing.assert_array_equal(item["L1C_B2"], 100 * number + np.arange(5)[:, None] + np.zeros((5, 5)))
        assert item["L1C_B2"].dtype == np.int16
        assert (item["label"] == number % 4).all()
        assert item["label"].shape == (5, 5)
    np.testing.assert_array_equal(trial[1:]["L1C_B2"][:, 0, 0], [200, 400, 600])
    np.testing.assert_array_equal(trial[::-2]["L1C_B2"][:, 0, 0], [600, 200])
    np.testing.assert_array_equal(trial[-1]["L1C_B2"], trial[3]["L1C_B2"])
    assert len(trial[9:]["label"]) == 0
    assert len(list(trial)) == 4  # a loop ends
    with pytest.raises(IndexError):
        trial[4]


def test_batches_are_slices(clouds: Path) -> None:
    trial = loaders.open_trial(clouds, "mine", "random", 1, "train", layers=["L1C_B3"])
    batches = list(trial.batches(3))
    assert [batch["L1C_B3"].shape for batch in batches] == [(3, 5, 5), (1, 5, 5)]
    assert list(batches[0]) == ["L1C_B3", "label"]
    whole = np.concatenate([batch["label"] for batch in batches])
    np.testing.assert_array_equal(whole, trial[:]["label"])
    with pytest.raises(InputError, match="batch"):
        trial.batches(0)


def test_physical_units(clouds: Path) -> None:
    trial = loaders.open_trial(clouds, "mine", "random", 1, "test", physical=True)
    item = trial[1]
    assert item["L1C_B2"].dtype == np.float32
    np.testing.assert_allclose(item["L1C_B2"][:, 0], 0.05 + np.arange(5) * 1e-4, rtol=1e-6)


def test_files_are_mapped_and_opened_once(clouds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = loaders.open_trial(clouds, "mine", "random", 1, "train")
    trial[:]
    monkeypatch.setattr(np, "memmap", None)
    trial[0]  # would fail if a file were opened again


def test_a_trial_can_be_sent_to_another_process(clouds: Path) -> None:
    trial = loaders.open_trial(clouds, "mine", "random", 1, "train")
    expected = trial[2]["L1C_B2"]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(trial))[2]["L1C_B2"], expected)


def test_so2sat_patches_and_labels(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for name, count in {"training": 5, "testing": 3}.items():
        with so2sat.create(tmp_path / "data" / "mine", name, count) as file:
            for key in ("sen1", "sen2"):
                file[key][:] = generator.random(file[key].shape)
            file["label"][:] = np.eye(17)[generator.integers(0, 17, count)]
    roles = ["train", "test", "train", "train", "unused", "train", "test", "train"]
    version = version_of(tmp_path, "so2sat", {}, roles)
    trial = loaders.open_trial(version, "mine", "random", 1, "train")
    assert len(trial.layers) == 18
    batch = trial[:]
    places = [("training", 0), ("training", 2), ("training", 3), ("testing", 0), ("testing", 2)]
    for number, (name, row) in enumerate(places):
        with h5py.File(tmp_path / "data" / "mine" / f"{name}.h5") as file:
            np.testing.assert_array_equal(batch["sen2:B8A"][number], file["sen2"][row, :, :, 7])
            np.testing.assert_array_equal(trial[number]["sen1:VV_intensity"], file["sen1"][row, :, :, 5])
            assert batch["label"][number] == file["label"][row].argmax()
    assert trial[0]["label"].shape == ()


def test_labels_of_merged_classes_are_those_of_the_task(tmp_path: Path) -> None:
    zones = [0, 3, 9, 11, 16]
    for name, count in {"training": 5, "testing": 0}.items():
        with so2sat.create(tmp_path / "data" / "mine", name, count) as file:
            file["label"][:] = np.eye(17)[zones[:count]]
    merged = {"merge": {"built": ["Compact high-rise", "Open high-rise"]}, "drop": ["Water"]}
    version = version_of(tmp_path, "so2sat", {"classes": {"lcz": merged}}, ["train"] * 5)
    trial = loaders.open_trial(version, "mine", "random", 1, "train", layers=())
    names = [trial.task.names[label] if label >= 0 else "none" for label in trial[:]["label"]]
    assert names == ["built", "built", "Heavy industry", "Scattered trees", "none"]


def test_a_finished_version_is_not_opened_with_other_data(clouds: Path) -> None:
    split, verified = clouds / "mine" / "splits" / "random" / "1.parquet", clouds.parents[1] / "work" / "mine"
    description = json.loads((clouds / "version.json").read_text())
    description["identity"] = {"data": {"mine": "a" * 64}}
    (clouds / "version.json").write_text(json.dumps(description))
    (clouds / "manifest.sha256").write_text(manifest(clouds, [split, clouds / "version.json"]))
    loaders.open_trial(clouds, "mine", "random", 1, "train")  # nothing says what was verified last
    for data, fits in (("a" * 64, True), ("b" * 64, False)):
        (verified / "verified.json").write_text(json.dumps({"data": data}))
        with nullcontext() if fits else pytest.raises(InputError, match="not those that the version was made from"):
            loaders.open_trial(clouds, "mine", "random", 1, "train")


def test_sen12ms_patches_of_both_tasks(real: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine").symlink_to(real / "sen12ms")
    version = version_of(tmp_path, "sen12ms", {})
    rasterio = pytest.importorskip("rasterio")
    trial = loaders.open_trial(version, "mine", "random", 1, "train", task="land-cover", layers=["s1:VV"])
    item = trial[1]
    path = trial.patches["file"].iloc[1].replace("s2_", "s1_")
    with rasterio.open(real / "sen12ms" / path) as tile:
        np.testing.assert_array_equal(item["s1:VV"], tile.read(1))
    assert list(item) == ["s1:VV", "label"]
    assert item["label"].shape == (256, 256)
    scenes = loaders.open_trial(version, "mine", "random", 1, "train", layers=[])
    assert scenes[:]["label"].tolist() == trial.patches["label"].tolist()


def test_a_trial_is_shown_in_a_line(clouds: Path) -> None:
    trial = loaders.open_trial(clouds, "mine", "random", 1, "train", layers=["L1C_B2"])
    assert repr(trial).startswith(f"<Trial: {len(trial)} patches of cloudsen12 in ")
    assert repr(trial).endswith("mine, L1C_B2, task cloud>")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"release": "yours"}, "no such release"),
        ({"trial": 2}, "no such trial"),
        ({"scheme": "grouped"}, r"(?s)no such scheme.*found: grouped.*expected: random"),
        ({"role": "dev"}, "Unknown role"),
        ({"layers": ["L1C_B9"]}, "no such layer"),
        ({"task": "scene"}, "Unknown task"),
        ({"data": "nowhere"}, "no folder"),
        ({"catalog": "nowhere"}, "no catalog"),
    ],
)
def test_what_is_not_there_is_named(clouds: Path, change: dict[str, object], word: str) -> None:
    given = {"version": clouds, "release": "mine", "scheme": "random", "trial": 1, "role": "train"} | change
    with pytest.raises(InputError, match=word):
        loaders.open_trial(**given)  # type: ignore[arg-type]


def test_torch_is_asked_for_by_name(clouds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = loaders.open_trial(clouds, "mine", "random", 1, "train")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="PyTorch is not installed"):
        trial.as_torch()


def test_torch_dataset_gives_pairs(clouds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With PyTorch where it is installed, else with a stand-in for the two functions that are used."""
    trial = loaders.open_trial(clouds, "mine", "random", 1, "train")
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        stand_in = types.ModuleType("torch")
        stand_in.__spec__ = importlib.machinery.ModuleSpec("torch", None)
        stand_in.from_numpy = stand_in.as_tensor = lambda array: array  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "torch", stand_in)
    patches = trial.as_torch()
    image, label = patches[1]
    assert len(patches) == 4
    assert image.shape == (2, 5, 5)
    assert "float32" in str(image.dtype)
    assert "int64" in str(label.dtype)
    np.testing.assert_array_equal(np.asarray(image)[0, :, 0], 200 + np.arange(5))
    assert (np.asarray(label) == 2).all()
    again, _ = pickle.loads(pickle.dumps(patches))[1]
    np.testing.assert_array_equal(np.asarray(again), np.asarray(image))


def test_the_documented_example_runs(clouds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "loaders.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    monkeypatch.chdir(clouds.parents[1])
    changes = {"results/sample-v1": "results/v1", '"cloudsen12-sample"': '"mine"', '"grouped-stratified"': '"random"'}
    for old, new in changes.items():
        assert old in code[0]
        code[0] = code[0].replace(old, new)
    names: dict[str, object] = {}
    exec(code[0], names)
    assert len(names["trial"]) == 4  # type: ignore[arg-type]
