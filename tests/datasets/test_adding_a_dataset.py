"""The page docs/adding-a-dataset.md, taken at its word: its files in a copy of the project, and its run."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from project import ROOT, copy_project

PAGE = ROOT / "docs" / "adding-a-dataset.md"
MODULE = "src/sentinel_forest/datasets/fields/__init__.py"


def blocks():
    """Text of each block of the page that names its file, by that name."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"```(?:python|yaml)\n# file: (\S+)\n(.*?)```", text, re.S))


def with_page(folder):
    """A copy of the project with the files of the page."""
    copy = copy_project(folder)
    for name, text in blocks().items():
        path = copy.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the project with the files of the page, its data made."""
    copy = with_page(tmp_path_factory.mktemp("fields") / "project")
    subprocess.run([sys.executable, "make_fields.py"], cwd=copy.folder, check=True)
    return copy


def test_page_has_two_files_of_the_dataset_and_those_of_the_run():
    assert set(blocks()) == {MODULE, "config/releases/fields.yaml", "make_fields.py", "fields.yaml"}


def test_page_has_what_no_built_in_dataset_has(checkout):
    """A band, a unit, a key and a metric: all steps take them from the dataset."""
    code = """
from sentinel_forest import datasets
own = datasets.load("fields")
others = [datasets.load(name) for name in datasets.names() if name != "fields"]
bands = lambda about: {layer.band.name for layer in about.layer_table.values() if layer.band}
kinds = lambda about: {layer.unit for layer in about.layer_table.values()}
metrics = lambda about: {each.name for task in about.tasks.values() for each in task.metrics}
keys = lambda about: set(about.group_keys)
for of in (bands, kinds, metrics, keys):
    print(*sorted(of(own).difference(*map(of, others))))
"""
    assert checkout.python("-c", code).splitlines() == ["TIR", "K", "PWA", "cooperative farm"]


@pytest.mark.long
def test_run_of_the_page(checkout):
    checkout.snakemake("--configfile", "fields.yaml", "--cores", "1")
    results = checkout.folder / "results" / "fields-v1"
    findings = pd.read_csv(results / "fields" / "integrity.tsv", sep="\t")
    assert set(findings["status"]) <= {"ok", "note"}
    headline = pd.read_csv(results / "headline.tsv", sep="\t", na_filter=False)
    forest = headline[(headline["classifier"] == "forest") & (headline["metric"] == "oa")]
    assert set(forest["scheme"]) == {"published", "grouped-stratified"}
    assert forest["value"].astype(float).min() > 0.9, "the crops differ in B8 by far more than their noise"
    trial = results / "fields" / "baselines" / "published" / "1"
    scores = pd.read_csv(trial / "metrics.tsv", sep="\t", na_filter=False)
    priced = scores[(scores["metric"] == "pwa") & (scores["classifier"] == "majority") & (scores["role"] == "test")]
    confusion = pd.read_parquet(trial / "confusion.parquet")
    of_role = confusion[(confusion["classifier"] == "majority") & (confusion["role"] == "test")]
    worth = of_role["count"] * of_role["true"].map({"wheat": 1.0, "maize": 0.6})
    right = worth[of_role["true"] == of_role["predicted"]].sum() / worth.sum()
    assert priced["value"].astype(float).tolist() == pytest.approx([right])
    ledger = pd.read_csv(results / "fields" / "ledger.tsv", sep="\t")
    assert {"farm", "cooperative"} <= set(ledger["key"])
    (inspected,) = (results / "fields").glob("baselines/grouped-stratified/1/importance.tsv")
    assert "thermal infrared" in set(pd.read_csv(inspected, sep="\t")["family"])


def test_fault_in_its_files_is_found(checkout, tmp_path):
    copy = with_page(tmp_path / "project")
    images = np.load(checkout.folder / "fields" / "images.npy")
    (copy.folder / "fields").mkdir()
    np.save(copy.folder / "fields" / "images.npy", images[:-1])
    table = (checkout.folder / "fields" / "patches.csv").read_text()
    (copy.folder / "fields" / "patches.csv").write_text(table)
    printed = copy.snakemake("verify", "--configfile", "fields.yaml", "--cores", "1", fails=True)
    assert "uint16 (95, 8, 8, 5)" in printed
