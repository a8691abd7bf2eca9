"""A key that is written in other forms in other splits is found, and named."""

from pathlib import Path

import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.config.files import File
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.datasets.keys import forms_of


@pytest.mark.parametrize(("test", "is_named"), [("7", False), ("7.0", True), (" 7", True), ("ROI_7", True)])
def test_forms_of_the_roi_in_two_splits(tmp_path: Path, test: str, is_named: bool) -> None:
    dataset = datasets.load("cloudsen12")
    for split, roi in (("train", "12"), ("test", test)):
        (tmp_path / split).mkdir()
        (tmp_path / split / "metadata.csv").write_text(f"roi_id,s2_id\n{roi},product\n")
    paths = ["test/metadata.csv", "train/metadata.csv"]
    notes = {row.check: row for row in dataset.structure(tmp_path, [File(path) for path in paths])}
    assert ("roi_id:form" in notes) == is_named
    if is_named:
        assert notes["roi_id:form"].status == "note"
        assert "train: whole numbers" in notes["roi_id:form"].found


def test_the_same_roi_in_other_forms_is_one_roi_of_the_catalog(tmp_path: Path) -> None:
    dataset = datasets.load("cloudsen12")
    for split, roi in (("train", "7"), ("val", "7.0"), ("test", " 7")):
        (tmp_path / split).mkdir()
        (tmp_path / split / "metadata.csv").write_text(f"roi_id,s2_id\n{roi},{split}\n")
    paths = [f"{split}/metadata.csv" for split in ("train", "val", "test")]
    assert dataset.catalog(tmp_path, paths, no_hashes())["roi"].tolist() == ["7", "7", "7"]


def test_forms_in_words() -> None:
    assert forms_of(pd.Series(["", None])) == ""
    assert forms_of(pd.Series(["1", "2"])) == "whole numbers"
    assert forms_of(pd.Series(["1.0", "a "])) == "blanks around, decimal numbers, text"
