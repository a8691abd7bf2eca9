"""A key that is written in other forms in other splits is found, and named."""

from pathlib import Path

import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.config.files import File
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.datasets.keys import codes_as_written, codes_of, forms_of, key_values, value_of


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


@pytest.mark.parametrize("text", ["7", "7.0", " 7", "07", "+7", "7.", "7\u00a0", "\ufeff7"])
def test_a_number_is_its_value_however_it_is_written(text: str) -> None:
    assert value_of(text) == "7"


WORDS = [
    "nan",
    "NaN",
    "None",
    "NONE",
    "null",
    "NULL",
    "NA",
    "n/a",
    "N/A",
    "#N/A",
    "<NA>",
    "unknown",
    "Unknown",
    " ",
    "",
]


@pytest.mark.parametrize("text", WORDS)
def test_a_word_for_nothing_is_no_place_in_common(text: str) -> None:
    column = pd.Series([text, "a", text])
    assert key_values(column).isna().tolist() == [True, False, True]
    assert codes_of(column).tolist() == [-1, 0, -1]


@pytest.mark.parametrize("name", ["Nan", "Na", "Null", "Nana", "Nonesuch", "Unknown Bay"])
def test_a_place_whose_name_is_a_word_for_nothing_is_a_place(name: str) -> None:
    """Nan is a town of Thailand; whoever does not know writes ``nan``, ``NaN`` or ``NA``."""
    column = pd.Series([name, "nan", name, "NA"])
    assert key_values(column).tolist()[::2] == [name, name]
    assert key_values(column).isna().tolist() == [False, True, False, True]
    assert codes_of(column).tolist() == [0, -1, 0, -1]


@pytest.mark.parametrize(
    "other",
    [
        "S2B_MSIL1C_20190401T103021_N0207_R001_T42QZH_20190401T124510.SAFE",
        "S2B_MSIL1C_20190401T103021_N0500_R001_T42QZH_20230615T081500",
        "S2B_MSIL2A_20190401T103021_N0213_R001_T42QZH_20190401T160000",
        "20190401T103021_20190401T103024_T42QZH",
    ],
)
def test_a_product_is_its_acquisition_and_tile(other: str) -> None:
    one = "S2B_MSIL1C_20190401T103021_N0207_R001_T42QZH_20190401T124510"
    assert value_of(one) == value_of(other) == "20190401T103021_T42QZH"
    assert codes_of(pd.Series([one, other, one.replace("T42QZH", "T42QYH")])).tolist() == [0, 0, 1]


def test_case_makes_no_difference_and_other_numbers_do() -> None:
    assert codes_of(pd.Series(["Berlin", "berlin", " BERLIN ", "Bern"])).tolist() == [0, 0, 0, 1]
    assert codes_of(pd.Series(["10", "1", "-1", "1e1", "0", "-0"])).tolist() == [0, 1, 2, 3, 4, 5]
    assert value_of("9" * 5000) == "9" * 5000


def test_names_and_hashes_are_equal_only_if_they_are_written_alike() -> None:
    """A hash may consist of digits alone, and a patch may be called "7" beside "07": neither is a number."""
    column = pd.Series(["7", "07", "7.0", "P7", "p7", "", None, "7"], dtype="str")
    assert codes_as_written(column).tolist() == [0, 1, 2, 3, 4, -1, -1, 0]
    digits = pd.Series([f"{number:032d}" for number in (12, 120, 12)])
    assert codes_as_written(digits).tolist() == [0, 1, 0]
