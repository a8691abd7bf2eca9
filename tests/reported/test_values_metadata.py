"""Numbers of metadata.csv that are none gave "0 failed": infinite azimuth, EPSG 99999, decimal comma, ROI "nan"."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.datasets.cloudsen12.facts import contradictions
from sentinel_forest.datasets.cloudsen12.metadata import described, places

GOOD = {
    "roi_id": "ROI_0001",
    "s2_id": "S2A_MSIL1C_20190116T142751_N0207_R053_T19GDN_20190116T161008",
    "s2_date": "2019-01-16",
    "s2_view_sun_azimuth": "54.2",
    "s2_view_sun_elevation": "51.9",
    "difficulty": "2",
    "proj_epsg": "32719",
    "proj_transform": "[10, 0, 500000, 0, -10, 5000000]",
    "proj_centroid": "POINT (-68.97 -45.16)",
}


def failed(**changes: str) -> list[str]:
    table = pd.DataFrame([GOOD | changes])
    return [row.check for row in contradictions("train/metadata.csv", table) if row.status == "failed"]


def test_right_rows_fail_nothing() -> None:
    assert failed() == []


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [
        ("s2_view_sun_azimuth", "inf", "numbers"),
        ("s2_view_sun_azimuth", "54,2", "numbers"),
        ("s2_view_sun_elevation", "-1e99", "numbers"),
        ("difficulty", "6", "numbers"),
        ("proj_epsg", "99999", "epsg"),
        ("roi_id", "nan", "ids"),
        ("s2_date", "2019-01-17", "product"),
        ("proj_epsg", "32619", "product"),
        ("proj_centroid", "POINT (-58.97 -45.16)", "places"),
    ],
)
def test_what_cannot_be_true_fails(column: str, value: str, check: str) -> None:
    assert check in failed(**{column: value})


def test_accepted_such_values_are_missing() -> None:
    table = pd.DataFrame([GOOD | {"s2_view_sun_azimuth": "inf", "proj_epsg": "99999", "roi_id": "nan"}])
    row = described(table, "s2_id").iloc[0]
    assert np.isnan(row["sun_azimuth"])
    assert row["roi"] == ""
    assert places(table, 509)["epsg"].isna().all()
