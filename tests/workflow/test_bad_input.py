"""What a user can get wrong: each mistake ends with the place, what was found, and what would be right."""

import re
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
        ({"version": "reference"}, ["'version'", "reference"]),
    ],
)
def test_mistake_in_the_configuration_stops_before_anything_runs(checkout, setting, texts):
    """Two for the way to the user; tests/planning/test_settings_mistakes.py has all kinds."""
    overlay = checkout.overlay("bad.yaml", **TINY | setting)
    output = checkout.snakemake("--configfile", overlay, fails=True)
    for text in texts:
        assert text in output, output
    assert "Traceback" not in output
    assert not (checkout.folder / "results" / "tiny-v1").exists()
    assert not (checkout.folder / "work").exists()


def test_predictions_are_checked_before_forests_are_grown(checkout):
    """What the file tells stops the plan; what needs the split, a job that waits for no forest."""
    net = {"release": "cloudsen12-sample", "file": "net.npy"}
    overlay = checkout.overlay("net.yaml", **TINY | {"predictions": {"net": net}})
    np.save(checkout.folder / "net.npy", np.zeros((3, 96, 96), "float32"))
    output = checkout.snakemake("-n", "--configfile", overlay, fails=True)
    for text in ("no array of the role", "key 'predictions.net.file', net.npy", "float32"):
        assert text in output, output
    np.save(checkout.folder / "net.npy", np.zeros((3, 96, 96), "uint8"))
    folder = f"results/{TINY['version']}/cloudsen12-sample/foreign/net"
    plans = [
        checkout.snakemake("-n", f"{folder}/{name}.tsv", "--configfile", overlay) for name in ("metrics", "paired")
    ]
    rules = [set(re.findall(r"^(?:fit|foreign)\w*(?= )", plan, re.M)) for plan in plans]
    assert rules == [{"foreign"}, {"foreign", "foreign_paired", "fit_all"}]


def _truncate(folder):
    path = folder / "test" / "L1C_B4.dat"
    path.write_bytes(path.read_bytes()[:-10])


def _unknown_label(folder):
    path = folder / "train" / "LABEL_manual_hq.dat"
    content = bytearray(path.read_bytes())
    content[50 * 96 + 50] = 7
    path.write_bytes(content)


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
        (_empty_split, ["test"]),
    ],
)
def test_broken_file_stops_at_the_gate_and_leaves_what_is_there(tiny, tmp_path, fault, texts):
    """Three for the way to the user; tests/verify/test_every_check_can_fail.py has all checks."""
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
