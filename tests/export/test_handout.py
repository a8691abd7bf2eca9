"""What lies beside an export is true of it: its README and load.py are run, with NumPy alone."""

import pickle
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.config.settings import Export
from sentinel_forest.datasets.cloudsen12.handout import handout
from sentinel_forest.datasets.cloudsen12.layout import PUBLISHED_PADDING, Layout
from sentinel_forest.datasets.cloudsen12.vocabulary import LAYERS
from sentinel_forest.datasets.sen12ms import Sen12MS

SIDE, COUNTS = 12, {"train": 3, "test": 2}
DTYPES = {"L1C_B4": np.dtype("<i2"), "S1_VV": np.dtype("<f4"), "LABEL_manual_hq": np.dtype("u1")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export of three layers: stored values count from 0 on in each file."""
    for role, count in COUNTS.items():
        (tmp_path / role).mkdir()
        for layer, dtype in DTYPES.items():
            np.arange(count * SIDE * SIDE).astype(dtype).tofile(tmp_path / role / f"{layer}.dat")
    write(handout(Layout(SIDE, PUBLISHED_PADDING), DTYPES, COUNTS), tmp_path)
    return tmp_path


def write(files, folder: Path) -> None:
    for file in files:
        assert sum(file.write(folder / file.path)) == (folder / file.path).stat().st_size == file.size


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_load_py_shows_every_layer_without_its_padding(folder: Path) -> None:
    lines = run(folder, "load.py").splitlines()
    assert lines[0] == "train L1C_B4 (3, 9, 9) int16"
    assert [line.split()[:2] for line in lines] == [[role, layer] for role in COUNTS for layer in DTYPES]


def test_open_layer_cuts_one_row_before_and_two_behind(folder: Path) -> None:
    opened = runpy.run_path(str(folder / "load.py"))["open_layer"]("test", "S1_VV")
    stored = np.arange(2 * SIDE * SIDE, dtype="<f4").reshape(2, SIDE, SIDE)
    np.testing.assert_array_equal(opened, stored[:, 1:10, 1:10])


def test_load_py_needs_numpy_alone(folder: Path) -> None:
    imported = re.findall(r"^(?:import|from) (\w+)", (folder / "load.py").read_text(encoding="utf-8"), re.M)
    assert set(imported) == {"numpy", "pathlib"}


def test_the_example_of_the_readme_runs_in_the_folder(folder: Path) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    (folder / "example.py").write_text(block, encoding="utf-8")
    assert run(folder, "example.py") == "(3, 9, 9) int16\n"
    assert "| `L1C_B4` | int16 | reflectance | 0.0001 |  |" in readme
    assert "| `S1_VV` | float32 | dB | 1 | -99 |" in readme
    assert "L1C_B04.dat" in readme
    assert "manual_hq.dat" in readme


def test_every_layer_of_the_dataset_has_a_row(tmp_path: Path) -> None:
    dtypes = {layer: np.dtype(known.dtype) for layer, known in LAYERS.items()}
    write(handout(Layout(512, PUBLISHED_PADDING), dtypes, {"val": 5}), tmp_path)
    assert runpy.run_path(str(tmp_path / "load.py"))["LAYERS"] == {name: kind.str for name, kind in dtypes.items()}
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert [layer for layer in LAYERS if f"| `{layer}` |" not in readme] == []


PATCHES = pd.DataFrame({"patch": ["ROIs1158_spring/15/p30", "ROIs2017_winter/102/p7"]})


def lists(layers: list[str], folder: Path) -> dict[str, list[str]]:
    write(Sen12MS().export(folder, {"train": PATCHES, "test": PATCHES[:0]}, layers), folder)
    return {path.name: path.read_text(encoding="utf-8").split() for path in folder.glob("*_list*.txt")}


def test_lists_of_sen12ms_name_sentinel_1_unless_asked_otherwise(tmp_path: Path) -> None:
    s1 = ["ROIs1158_spring_s1_15_p30.tif", "ROIs2017_winter_s1_102_p7.tif"]
    assert lists(Export().layers, tmp_path) == {"train_list.txt": s1}
    s2 = [name.replace("_s1_", "_s2_") for name in s1]
    assert lists(["s2"], tmp_path) == {"train_list.txt": s2}
    assert lists(["s1", "s2"], tmp_path) == {"train_list.txt": s1, "train_list_s2.txt": s2}


def test_the_example_of_the_sen12ms_readme_makes_the_pickle_that_the_toolbox_reads(tmp_path: Path) -> None:
    names = lists(["s2"], tmp_path)["train_list.txt"]
    (block,) = re.findall(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(encoding="utf-8"), re.S)
    run(tmp_path, "-c", block)
    assert pickle.loads((tmp_path / "train_list.pkl").read_bytes()) == names
