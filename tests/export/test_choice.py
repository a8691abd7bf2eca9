"""What is exported can be chosen; copies are held against the catalog; torchgeo finds what it looks for."""

import json
import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from project import ROOT
from sentinel_forest import datasets
from sentinel_forest.config.settings import Export
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import array_hash, no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.errors import InputError
from sentinel_forest.export import choice, trial
from sentinel_forest.io import tables
from sentinel_forest.planning.checking import select
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.verify.catalog import make

SIDE = 12
ROLES = ["train", "train", "validation", "test"]


def clouds(folder: Path) -> Path:
    stored = CloudSEN12(side=SIDE).create(folder, "train", 4, ["L1C_B2", "LABEL_manual_hq"])
    stored["L1C_B2"][:] = np.random.default_rng(0).integers(0, 9999, (4, SIDE, SIDE))
    for values in stored.values():
        values.flush()
    return folder


def cities(folder: Path) -> Path:
    with so2sat.create(folder, "training", 4) as file:
        for key in ("sen1", "sen2"):
            file[key][:] = np.random.default_rng(1).random(file[key].shape)
        file["label"][:] = np.eye(17)[[3, 5, 7, 16]]
    return folder


def hashes_of(name: str, folder: Path) -> dict[str, list[str]]:
    """What `inspect` has found."""
    if name == "so2sat":
        with h5py.File(folder / "training.h5") as file:
            return {key: [array_hash(row) for row in values] for key, values in file.items()}
    paths = sorted((folder / "train").glob("*.dat"))
    kinds = {"L1C_B2": "<i2", "LABEL_manual_hq": "u1"}
    stored = {path.stem: np.fromfile(path, kinds[path.stem]).reshape(-1, SIDE, SIDE) for path in paths}
    return {name: [array_hash(row[1:-2, 1:-2]) for row in values] for name, values in stored.items()}


def export(name: str, folder: Path, work: Path, **more: object) -> dict[str, object]:
    """Export a trial of a verified release; what manifest.json says."""
    layout = {"side": SIDE} if name == "cloudsen12" else {}
    dataset = datasets.load(name, layout)
    if not (work / "catalog.parquet").exists():
        catalog = make(dataset, folder, dataset.list_files(folder), no_hashes())
        for array, values in hashes_of(name, folder).items() if name != "sen12ms" else ():
            catalog[f"hash_{array}"] = values
        catalog.to_parquet(work / "catalog.parquet")
        roles = np.resize(ROLES, len(catalog))
        split = pd.DataFrame({"patch": catalog["patch"], "role": roles, "weight": 1.0})
        tables.write_parquet(work / "1.parquet", split.astype({"role": "str"}), SPLIT)
    given = {"roles": [], "layers": [], "form": "publisher"} | more
    places = {"folder": folder, "catalog": work / "catalog.parquet", "split": work / "1.parquet"}
    about = {"release": "mine", "dataset": name, "layout": layout, "scheme": "random", "trial": 1}
    trial.export_trial(**about, **places, **given, target=work / "out")
    return dict(json.loads((work / "out" / "manifest.json").read_text(encoding="utf-8")))


RELEASES = {"cloudsen12": clouds, "so2sat": cities}


@pytest.mark.parametrize(
    ("name", "words"), [("cloudsen12", ["train", "val", "test"]), ("so2sat", ["training", "validation", "testing"])]
)
def test_role_words_are_those_of_the_files(name, words, tmp_path):
    said = export(name, RELEASES[name](tmp_path / "data"), tmp_path)
    assert said["roles"] == dict(zip(words, [2, 1, 1], strict=True))
    written = {path.name.split(".")[0] for path in (tmp_path / "out").iterdir()}
    assert set(words) <= written


def test_chosen_roles_alone_are_written(tmp_path):
    said = export("cloudsen12", clouds(tmp_path / "data"), tmp_path, roles=["test"])
    assert said["roles"] == {"test": 1}
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == ["test"]
    split = tables.read_parquet(tmp_path / "1.parquet").replace("test", "unused")
    tables.write_parquet(tmp_path / "1.parquet", split, SPLIT)
    with pytest.raises(InputError, match=r"no patch of a role(?s:.*)train \| validation"):
        export("cloudsen12", tmp_path / "data", tmp_path, roles=["test"])


def test_a_trial_that_was_not_drawn_is_named_with_those_that_were(tmp_path):
    given = {"folder": tmp_path, "catalog": tmp_path / "catalog.parquet", "scheme": "random", "trial": 3}
    asked = given | {"release": "mine", "dataset": "so2sat", "form": "index", "roles": [], "layers": []}
    asked |= {"split": tmp_path / "random" / "3.parquet", "target": tmp_path / "out"}
    with pytest.raises(InputError, match=r"(?s)trial 3 of mine, random.*there is none"):
        trial.export_trial(**asked)
    (tmp_path / "random").mkdir()
    for name in ("1.parquet", "2.parquet", "10.parquet", "balance.tsv"):
        (tmp_path / "random" / name).touch()
    with pytest.raises(InputError, match=r"(?s)trial 3 of mine, random.*the trials 1, 2, 10\n"):
        trial.export_trial(**asked)


@pytest.mark.parametrize("name", list(RELEASES))
def test_rotten_pixels_are_not_exported(name, tmp_path):
    folder = RELEASES[name](tmp_path / "data")
    export(name, folder, tmp_path)
    if name == "so2sat":
        with h5py.File(folder / "training.h5", "r+") as file:
            file["sen2"][2, 5, 5, 0] += 1e-6
    else:
        stored = np.memmap(folder / "train" / "L1C_B2.dat", "<i2", mode="r+", shape=(4, SIDE, SIDE))
        stored[2, 5, 5] += 1
        stored.flush()
    before = sorted(path.stat().st_ino for path in (tmp_path / "out").rglob("*"))
    with pytest.raises(InputError, match="not the ones that were verified") as stop:
        export(name, folder, tmp_path)
    assert "row 2" in str(stop.value)
    assert sorted(path.stat().st_ino for path in (tmp_path / "out").rglob("*")) == before, "the good export stays"


def chosen(**export: object):
    config = {"releases": ["so2sat-sample", "cloudsen12-sample"], "feature_sets": ["l1c", "lcz-s2"], "trials": 2}
    selection = select(config | {"schemes": ["published", "pooled-random"], "export": export})
    return [path.removeprefix("exports/").removesuffix("/manifest.json") for path in _manifests(selection)]


def _manifests(selection):
    return choice.manifests(selection, Path("exports"))


def test_one_trial_can_be_chosen():
    assert len(chosen()) == 6
    assert chosen(releases=["so2sat-sample"], schemes=["pooled-random"], trials=[2]) == [
        "so2sat-sample/pooled-random/2"
    ]
    assert chosen(schemes=["published"]) == ["so2sat-sample/published/1", "cloudsen12-sample/published/1"]
    assert chosen(releases=["so2sat-sample"], form="torchgeo")[0] == "so2sat-sample/published/1"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"schemes": ["pooled_random"]}, "did you mean 'pooled-random'"),
        ({"releases": ["so2sat"]}, "so2sat-sample"),
        ({"trials": [3]}, "export.trials"),
        ({"schemes": ["published"], "trials": [2]}, "No trial is chosen"),
        ({"form": "torchgeo"}, r"releases: \[so2sat-sample\]"),
    ],
)
def test_what_a_run_does_not_have_is_answered(wrong, words):
    with pytest.raises(InputError, match=words):
        chosen(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"trials": [0]},
        {"roles": ["val"]},
        {"form": "torchgeo", "layers": ["sen2"]},
        {"form": "index", "layers": ["sen2"]},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        Export.model_validate(wrong)


# torchgeo itself brings PyTorch, several GB as published: it is in no lock. What its classes look for is held here
# against their documented files and shapes; with SENTINEL_FOREST_TORCHGEO=PYTHON they open the exports themselves
# (pip install torchgeo==0.8.1 requests: it imports requests and does not name it).

READ = """
import json, sys
from torchgeo.datasets import SEN12MS, So2Sat
kind = {"sen12ms": SEN12MS, "so2sat": So2Sat}[sys.argv[1]]
for split in sys.argv[3:]:
    opened = kind(sys.argv[2], split=split)
    for place in range(len(opened)):
        item = opened[place]
        label = item.get("label", item.get("mask"))
        print(json.dumps([split, list(item["image"].shape), float(item["image"].double().sum()), int(label.sum())]))
"""


def torchgeo(name: str, folder: Path, *splits: str) -> list[list[object]] | None:
    """What torchgeo reads: split, shape, sum of the image and of the label; None where it is not installed."""
    python = os.environ.get("SENTINEL_FOREST_TORCHGEO")
    if python is None:
        return None
    command = [python, "-c", READ, name, str(folder), *splits]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_so2sat_for_torchgeo_has_all_that_it_reads(tmp_path):
    folder = cities(tmp_path / "data")
    export("so2sat", folder, tmp_path, form="torchgeo")
    with h5py.File(folder / "training.h5") as source:
        expected = {
            role: [source[key][np.resize(ROLES, 4) == role] for key in ("sen1", "sen2", "label")] for role in set(ROLES)
        }
    names = {"train": "training.h5", "validation": "validation.h5", "test": "testing.h5"}
    for role, name in names.items():
        with h5py.File(tmp_path / "out" / name) as file:
            assert {key: values.shape[1:] for key, values in file.items()} == so2sat.layout.SHAPES
            for key, values in zip(("sen1", "sen2", "label"), expected[role], strict=True):
                np.testing.assert_array_equal(file[key][:], values)
    read = torchgeo("so2sat", tmp_path / "out", *names)
    for split, shape, total, label in read or ():
        sen1, sen2, labels = expected[split]
        rows = np.flatnonzero(labels.argmax(axis=1) == label)
        assert shape == [18, 32, 32]
        assert total == pytest.approx(sen1[rows].sum() + sen2[rows].sum(), rel=1e-5)
    assert read is None or len(read) == 4


def test_sen12ms_for_torchgeo_lies_where_it_looks(real, tmp_path):
    folder = real / "sen12ms"
    said = export("sen12ms", folder, tmp_path, form="torchgeo")
    out = tmp_path / "out"
    seasons = ("ROIs1158_spring", "ROIs1868_summer", "ROIs1970_fall", "ROIs2017_winter")
    assert all((out / name).exists() for name in (*seasons, "train_list.txt", "test_list.txt"))
    assert said["roles"] == {"train": 4, "val": 1, "test": 1}
    lines = {role: (out / f"{role}_list.txt").read_text(encoding="utf-8").splitlines() for role in ("train", "test")}
    for line in (line for names in lines.values() for line in names):
        parts = line.split("_")
        for sensor in ("s1", "s2", "lc"):
            parts[2] = sensor
            path = out / "_".join(parts[:2]) / "_".join(parts[2:4]) / "_".join(parts)
            assert path.read_bytes() == next(folder.rglob(path.name)).read_bytes()
    listed = (out / "exported.tsv").read_text(encoding="utf-8")
    assert "ROIs1158_spring\t" not in listed, "links are no copies"
    read = torchgeo("sen12ms", out, "train", "test")
    assert read is None or [(split, shape) for split, shape, _, _ in read] == [
        (role, [15, 256, 256]) for role in lines for _ in lines[role]
    ]


def test_tiles_that_torchgeo_does_not_find_are_named(tmp_path):
    rows = pd.DataFrame({"patch": ["ROIs0000_test/1/p1"], "file": ["ROIs0000_test/s2_1/x.tif"], "row": [0]})
    with pytest.raises(InputError, match="does not find"):
        datasets.load("sen12ms").export_torchgeo(tmp_path, {"test": rows})
    with pytest.raises(InputError, match="no class"):
        datasets.load("cloudsen12").export_torchgeo(tmp_path, {"test": rows})
