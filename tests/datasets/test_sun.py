"""The season of an image: the height of the sun against date and latitude."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.datasets.cloudsen12.sun import height_of_sun, sun_findings

REAL = [("2020-06-04", 30.464, 73.788), ("2020-08-23", 30.464, 65.35)]
"""Date, latitude and height of the sun of two real products over one place (S2B, T43RCP)."""


def status(heights: list[float], dates: list[str], latitude: list[float]) -> tuple[str, str]:
    (row,) = sun_findings("m.csv", pd.Series(dates), np.array(latitude), np.array(heights))
    return row.status, row.found


def test_equinox_and_solstice_by_hand() -> None:
    # At the equator on an equinox the sun is 1.5 h before noon: 90 - 22.5.
    assert height_of_sun(np.array([81.0]), np.array([0.0]))[0] == pytest.approx(67.5, abs=0.05)
    # cos(zenith) = sin(60) sin(-23.45) + cos(60) cos(-23.45) cos(22.5) = 0.0792
    assert height_of_sun(np.array([355.0]), np.array([60.0]))[0] == pytest.approx(4.54, abs=0.1)


def test_real_products_pass_and_their_dates_half_a_year_later_do_not() -> None:
    dates, latitude, heights = ([row[place] for row in REAL] for place in range(3))
    assert status(heights, dates, latitude) == ("ok", "2 rows")
    assert status(heights, ["2020-12-04", "2021-02-23"], latitude)[0] == "failed"


def test_a_row_of_the_other_hemisphere_is_named() -> None:
    days = [f"2020-{month:02d}-15" for month in range(1, 13)]
    latitude = [45.0] * 12
    heights = height_of_sun(pd.to_datetime(days).day_of_year.to_numpy(float), np.array(latitude)).tolist()
    verdict, found = status(heights, days, [*latitude[:6], -45.0, *latitude[7:]])
    assert verdict == "failed"
    assert found.startswith("1 of 12 rows, row 6: ")


def test_zenith_angles_are_said_and_unknown_is_not_computed() -> None:
    days = [f"2020-{month:02d}-15" for month in range(1, 13)]
    heights = height_of_sun(pd.to_datetime(days).day_of_year.to_numpy(float), np.full(12, 60.0))
    assert status((90 - heights).tolist(), days, [60.0] * 12)[0] == "note"
    assert status([np.nan], [""], [np.nan]) == ("note", "not computed: the table does not tell")
