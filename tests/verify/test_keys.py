"""Keys are compared as values: how a file writes a number is not what it says."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import leakage
from sentinel_forest.datasets.keys import codes_of, key_values
from sentinel_forest.verify.units import units


@pytest.mark.parametrize(
    "column",
    [
        ["7", "7.0", " 7", "7 ", "7."],
        [7, 7.0, "7", np.int64(7), "7.00"],
        ["K\u00f6ln", "Ko\u0308ln", " K\u00f6ln"],
        ["ROI_0007", " ROI_0007", "ROI_0007 ", "ROI_0007\t", "ROI_0007"],
    ],
)
def test_one_value_in_several_forms(column: list[object]) -> None:
    assert len(set(key_values(pd.Series(column, dtype="object")))) == 1
    assert units([pd.Series(column, dtype="object")], len(column)).max() == 0


def test_other_values_stay_apart_and_blanks_are_unknown() -> None:
    column = pd.Series(["7.5", "7", "07", "v7.0", "", " ", None, np.nan], dtype="object")
    assert codes_of(column).tolist() == [0, 1, 1, 2, -1, -1, -1, -1]


def test_blanks_and_hyphens_part_numbers_and_no_words() -> None:
    one = pd.Series(["San Francisco", "san_francisco", "SAN-FRANCISCO", "SanFrancisco"])
    assert codes_of(one).tolist() == [0, 0, 0, 0]
    assert codes_of(pd.Series(["City 17", "city17", "city_17", "CITY-17", "city 1 7"])).tolist() == [0, 0, 0, 0, 1]
    others = ["1-2", "12", "1_2", "-12", "ROI_0001", "ROI_001", "roi 1_2", "roi 12", "x-1_y2", "x1_y2", "x-12", "x-1_2"]
    assert codes_of(pd.Series(others)).tolist() == list(range(len(others)))
    assert key_values(one).tolist() == one.tolist()  # names are shown as they are written


def test_an_roi_in_two_splits_is_found_whatever_the_form() -> None:
    table = pd.DataFrame({"role": ["train", "validation", "test"], "roi": ["7", "7.0", " 7"]})
    found = leakage(table, keys=["roi"])
    assert found["linked"].tolist() == [1, 1, 1]
