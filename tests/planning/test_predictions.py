"""Predictions made elsewhere are checked when a run is planned: no forest is grown for a file that is of no use."""

from pathlib import Path

import numpy as np
import pytest

from sentinel_forest import datasets
from sentinel_forest.errors import InputError
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.selection import Selection

ZONES = datasets.load("so2sat").tasks["lcz"].names
GOOD = "patch,class\ntesting/000000,Water\n"


def planned(release: str, **said: object) -> Selection:
    sets = ["lcz-bands"] if release == "so2sat-sample" else ["l1c"]
    prediction = {"release": release, **{key: str(value) for key, value in said.items()}}
    return select({"releases": [release], "feature_sets": sets, "predictions": {"net": prediction}})


def answer(release: str, **said: object) -> str:
    """What the user is told."""
    with pytest.raises(InputError) as caught:
        planned(release, **said)
    assert len(str(caught.value).splitlines()) <= 5
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        (GOOD + "testing/000001,Watr\n", ["is no class", "net.csv, row 2", "Watr", "did you mean 'Water'"]),
        ("patch,class\n0,1\n1,15\n", ["count from 0 or from 1", "first_code: 0"]),
        ("patch,class\n0,99\n", ["is no class", "99", "0 to 16"]),
        ("patch,verdict\n0,1\n", ["no column of predictions", "verdict"]),
        ("patch;class\n0;1\n", ["cannot be read", "between the names of columns"]),
        ("patch,class\n", ["is empty"]),
    ],
)
def test_a_table_of_patches_is_read_whole(tmp_path: Path, text: str, texts: list[str]) -> None:
    (tmp_path / "net.csv").write_text(text)
    told = answer("so2sat-sample", file=tmp_path / "net.csv")
    for part in ["key 'predictions.net.file'", *texts]:
        assert part in told


@pytest.mark.parametrize(
    ("name", "shape", "problem"),
    [("net.npy", (20, 16), "not one number for each class"), ("net.tif", (20, 17), "a form that is not read")],
)
def test_an_array_of_patches_has_a_number_for_each_class(
    tmp_path: Path, name: str, shape: tuple[int, int], problem: str
) -> None:
    with open(tmp_path / name, "wb") as stream:
        np.save(stream, np.random.default_rng(1).random(shape))
    assert problem in answer("so2sat-sample", file=tmp_path / name)


def test_good_files_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text(GOOD)
    assert planned("so2sat-sample", file=tmp_path / "net.csv", truth=tmp_path / "net.csv").config["predictions"]
    np.save(tmp_path / "net.npy", np.random.default_rng(1).random((20, len(ZONES))))
    assert planned("so2sat-sample", file=tmp_path / "net.npy").config["predictions"]


def test_the_truth_names_its_patches(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text(GOOD)
    (tmp_path / "truth.csv").write_text("class\nWater\n")
    told = answer("so2sat-sample", file=tmp_path / "net.csv", truth=tmp_path / "truth.csv")
    assert "names no patch" in told
    assert "key 'predictions.net.truth'" in told


def test_files_that_are_not_there_or_folders_are_named(tmp_path: Path) -> None:
    assert "no such file" in answer("so2sat-sample", file=tmp_path / "none.csv")
    assert "a folder" in answer("so2sat-sample", file=tmp_path)


def test_of_pixels_the_head_is_checked(tmp_path: Path) -> None:
    """How many patches the role has is not known yet."""
    release = "cloudsen12-sample"
    dataset = planned_dataset(release)
    window = dataset.valid_window(np.zeros((3, dataset.side, dataset.side), np.uint8))
    for codes in (window, np.zeros((3, dataset.side, dataset.side), np.int16)):
        np.save(tmp_path / "net.npy", codes)
        assert planned(release, file=tmp_path / "net.npy").config["predictions"]
    for codes, problem in (
        (window[:, :-1], "another size"),
        (window[0], "no array of the role"),
        (window.astype("float32"), "no array of the role"),
    ):
        np.save(tmp_path / "net.npy", codes)
        assert problem in answer(release, file=tmp_path / "net.npy")


def planned_dataset(release: str) -> datasets.Dataset:
    return select({"releases": [release], "feature_sets": ["l1c"]}).datasets[release]


@pytest.mark.parametrize("size", [0, 1000])
def test_raw_values_are_of_whole_patches(tmp_path: Path, size: int) -> None:
    (tmp_path / "net.dat").write_bytes(bytes(size))
    assert "no whole number of patches" in answer("cloudsen12-sample", file=tmp_path / "net.dat")


def test_a_folder_has_rasters(tmp_path: Path) -> None:
    assert "has no raster" in answer("cloudsen12-sample", file=tmp_path)
    (tmp_path / "one.tif").write_bytes(b"")
    assert planned("cloudsen12-sample", file=tmp_path).config["predictions"]
