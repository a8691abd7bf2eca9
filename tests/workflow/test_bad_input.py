"""What a user can get wrong: each mistake ends with the place, what was found, and what would be right."""

import shutil

import numpy as np
import pandas as pd
import pytest

from project import TINY, copy_of

pytestmark = pytest.mark.xdist_group("runs")


@pytest.mark.parametrize(
    ("setting", "texts"),
    [
        ({"schemes": ["publishd"]}, ["'schemes'", "publishd", "did you mean 'published'"]),
        ({"releases": ["cloudsen12-sampel"]}, ["'releases'", "did you mean 'cloudsen12-sample'"]),
        ({"feature_sets": ["l1c-7"]}, ["'feature_sets'", "l1c-7", "did you mean"]),
        (
            {"releases": ["cloudsen12-high"], "select": {"cloudsen12-high": ["*/LABEL_qa60.dat"]}},
            ["nothing to compute", "cloudsen12-high"],
        ),
        ({"releases": ["cloudsen12-high"], "select": {"cloudsen12-sample": ["*"]}}, ["not selected", "'select'"]),
        ({"trails": 1}, ["'trails'", "did you mean 'trials'"]),
        (
            {"own_releases": {"mine": {"dataset": "cloudsen12", "folder": "nowhere"}}, "releases": ["mine"]},
            ["no such folder", "own_releases.mine.folder", "nowhere"],
        ),
        (
            {"own_releases": {"mine": {"dataset": "cloudsen13", "folder": "."}}, "releases": ["mine"]},
            ["cloudsen13", "cloudsen12"],
        ),
        ({"gate": {"rio": "stop"}}, ["'gate'", "rio", "did you mean 'roi'"]),
        ({"own_schemes": {"mine": {"kind": "groped"}}}, ["groped", "did you mean 'grouped'?"]),
        (
            {"own_schemes": {"mine": {"kind": "grouped", "shares": {"train": 0.5, "test": 0.6}}}},
            ["mine", "shares", "add up to 1"],
        ),
        ({"transfer": {"cloudsen12-sample": "so2sat-v2"}}, ["transfer.cloudsen12-sample", "so2sat-v2"]),
        (
            {
                "releases": ["cloudsen12-sample", "cloudsen12-high"],
                "schemes": ["grouped-stratified"],
                "transfer": {"cloudsen12-high": "cloudsen12-sample"},
            },
            ["forests of the published split", "'schemes'", "grouped-stratified"],
        ),
        ({"own_schemes": {"my scheme": {"kind": "grouped"}}}, ["own_schemes", "my scheme"]),
        ({"select": {"cloudsen12-sample": ["test/*"]}}, ["select.cloudsen12-sample", "written whole"]),
        ({"version": "reference"}, ["'version'", "reference"]),
        ({"own_releases": {"a:b": {"dataset": "cloudsen12", "folder": "."}}}, ["own_releases", "a:b"]),
    ],
)
def test_mistake_in_the_configuration_stops_before_anything_runs(checkout, setting, texts):
    overlay = checkout.overlay("bad.yaml", **TINY | setting)
    output = checkout.snakemake("--configfile", overlay, fails=True)
    for text in texts:
        assert text in output, output
    assert "Traceback" not in output
    assert not (checkout.folder / "results" / "tiny-v1").exists()
    assert not (checkout.folder / "work").exists()


def _truncate(folder):
    path = folder / "test" / "L1C_B4.dat"
    path.write_bytes(path.read_bytes()[:-10])


def _unknown_label(folder):
    path = folder / "train" / "LABEL_manual_hq.dat"
    content = bytearray(path.read_bytes())
    content[50 * 96 + 50] = 7
    path.write_bytes(content)


def _nan(folder):
    path = folder / "train" / "S1_VV.dat"
    values = np.fromfile(path, dtype="<f4")
    values[50 * 96 + 50] = np.nan
    values.tofile(path)


def _fewer_patches(folder):
    path = folder / "test" / "L1C_B8.dat"
    path.write_bytes(path.read_bytes()[: -96 * 96 * 2])


def _fewer_rows(folder):
    path = folder / "test" / "metadata.csv"
    pd.read_csv(path).iloc[:-1].to_csv(path, index=False)


def _empty_split(folder):
    for path in (folder / "test").glob("*.dat"):
        path.write_bytes(b"")
    table = pd.read_csv(folder / "test" / "metadata.csv")
    table.iloc[:0].to_csv(folder / "test" / "metadata.csv", index=False)


def test_missing_labels_of_one_split_stop_before_anything_runs(tiny, tmp_path):
    copy = copy_of(tiny, tmp_path / "missing", whole=True)
    folder = copy.folder / "mine"
    shutil.move(copy.folder / "data" / "cloudsen12-sample", folder)
    (folder / "val" / "LABEL_manual_hq.dat").unlink()
    own = {"mine": {"dataset": "cloudsen12", "folder": "mine", "layout": {"side": 96}}}
    settings = TINY | {"version": "mine-v1", "releases": ["mine"], "own_releases": own}
    output = copy.snakemake("--configfile", copy.overlay("mine.yaml", **settings), fails=True)
    for text in ("release mine", "l1c-6 lacks LABEL_manual_hq"):
        assert text in output, output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("fault", "texts"),
    [
        (_truncate, ["test/L1C_B4.dat", "1105910 B"]),
        (_unknown_label, ["train/LABEL_manual_hq.dat", "7"]),
        (_nan, ["train/S1_VV.dat", "NaN"]),
        (_fewer_patches, ["test/L1C_B8.dat"]),
        (_fewer_rows, ["test/metadata.csv"]),
        (_empty_split, ["test"]),
    ],
)
def test_broken_file_stops_at_the_gate_and_leaves_what_is_there(tiny, tmp_path, fault, texts):
    copy = copy_of(tiny, tmp_path / "broken", whole=True)
    folder = copy.folder / "mine"
    shutil.move(copy.folder / "data" / "cloudsen12-sample", folder)
    fault(folder)
    own = {"mine": {"dataset": "cloudsen12", "folder": "mine", "layout": {"side": 96}}}
    overlay = copy.overlay("mine.yaml", **TINY | {"version": "mine-v1", "releases": ["mine"], "own_releases": own})
    before = copy.tree("results")
    output = copy.snakemake("--configfile", overlay, "--cores", "2", fails=True)
    for text in [*texts, "found:", "what to do:", "accept"]:
        assert text in output, output
    assert "Traceback" not in output
    assert copy.tree("results") == before
    assert (copy.folder / "work" / "mine" / "integrity.tsv").is_file()
    assert not (copy.folder / "work" / "mine" / "catalog.parquet").exists()
