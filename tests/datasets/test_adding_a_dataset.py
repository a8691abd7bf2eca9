"""The page docs/adding-a-dataset.md, taken at its word: its files in a copy of the project, and its run."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from project import ROOT, copy_project

PAGE = ROOT / "docs" / "adding-a-dataset.md"


def blocks():
    """Text of each block of the page that names its file, by that name."""
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"```(?:python|yaml)\n# file: (\S+)\n(.*?)```", text, re.S))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the project with the files of the page, its data made."""
    copy = copy_project(tmp_path_factory.mktemp("fields") / "project")
    for name, text in blocks().items():
        (copy.folder / name).write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "make_fields.py"], cwd=copy.folder, check=True)
    return copy


def test_page_has_two_files_of_the_dataset_and_those_of_the_run():
    assert set(blocks()) == {
        "src/sentinel_forest/datasets/fields.py",
        "src/sentinel_forest/registry/releases/fields.yaml",
        "make_fields.py",
        "fields.yaml",
    }


@pytest.mark.long
def test_run_of_the_page(checkout):
    checkout.snakemake("--configfile", "fields.yaml", "--cores", "1")
    results = checkout.folder / "results" / "fields-v1"
    findings = pd.read_csv(results / "fields" / "integrity.tsv", sep="\t")
    assert set(findings["status"]) <= {"ok", "note"}
    headline = pd.read_csv(results / "headline.tsv", sep="\t", na_filter=False)
    forest = headline[(headline["classifier"] == "forest") & (headline["metric"] == "OA")]
    assert set(forest["scheme"]) == {"published", "grouped-stratified"}
    assert forest["value"].astype(float).min() > 0.9, "the crops differ in B8 by far more than their noise"


def test_fault_in_its_files_is_found(checkout, tmp_path):
    copy = copy_project(tmp_path / "project")
    for name, text in blocks().items():
        (copy.folder / name).write_text(text, encoding="utf-8")
    images = np.load(checkout.folder / "fields" / "images.npy")
    (copy.folder / "fields").mkdir()
    np.save(copy.folder / "fields" / "images.npy", images[:-1])
    table = (checkout.folder / "fields" / "patches.csv").read_text()
    (copy.folder / "fields" / "patches.csv").write_text(table)
    printed = copy.snakemake("verify", "--configfile", "fields.yaml", "--cores", "1", fails=True)
    assert "uint16 (95, 8, 8, 4)" in printed
