"""The kind knndm: folds of a catalog that match the place of prediction, and what they are held against."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.config.model import Configuration
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.config.validation import parse
from sentinel_forest.errors import InputError
from sentinel_forest.io import checksums
from sentinel_forest.splits.knndm import mismatch_of
from sentinel_forest.splits.matching import match_units, prediction_points
from sentinel_forest.splits.split import make

EUROPE = [-10.0, 36.0, 30.0, 60.0]


def catalog(scenes: int = 30, each: int = 20) -> pd.DataFrame:
    """Patches in scenes of about 0.2 degrees all over Europe."""
    rng = np.random.default_rng(3)
    centres = rng.uniform(EUROPE[:2], EUROPE[2:], (scenes, 2))
    points = (centres[:, None] + rng.normal(0, 0.1, (scenes, each, 2))).reshape(-1, 2)
    names = [f"{scene}/{number}" for scene in range(scenes) for number in range(each)]
    group = np.repeat([f"scene {scene:02}" for scene in range(scenes)], each)
    return pd.DataFrame({"patch": names, "group": group, "lon": points[:, 0], "lat": points[:, 1], "label": 0})


def drawn(table: pd.DataFrame, trial: int = 1, **options: object):
    scheme = parse_scheme({"kind": "knndm", "areas": [EUROPE], **options}, "near")
    return make(table, scheme, trial, lambda *names: checksums.seed(7, *names), "near")


def test_every_patch_is_test_once_and_validation_once() -> None:
    table = catalog()
    roles = pd.concat([drawn(table, trial).split["role"] for trial in range(1, 6)], axis=1)
    counts = roles.apply(pd.Series.value_counts, axis=1)
    assert (counts[["test", "validation", "train"]].to_numpy() == [1, 1, 3]).all()


def test_the_balance_has_the_mismatch_of_these_and_of_simpler_folds() -> None:
    table = catalog()
    balance = drawn(table).balance.set_index("quantity")["deviation"]
    reached = balance["mismatch in km: these folds"]
    assert reached < 0.5 * balance["mismatch in km: random patches"]
    assert reached <= balance["mismatch in km: blocks of 50 km"]
    assert "mismatch in km: random groups" in balance
    scheme = parse_scheme({"kind": "knndm", "areas": [EUROPE]}, "near")
    lon, lat = table["lon"].to_numpy(), table["lat"].to_numpy()
    fold, fits = match_units(lon, lat, np.arange(len(table)), scheme, checksums.seed(7, "folds"))
    again = mismatch_of(lon, lat, fold, *prediction_points(scheme))
    assert dict(fits)["mismatch in km: these folds"] == pytest.approx(again, rel=1e-12)
    assert reached == pytest.approx(again, rel=1e-9)


def test_prediction_beside_the_patches_gives_folds_that_are_near() -> None:
    table = catalog()
    beside = table[["lon", "lat"]].iloc[::7].to_numpy() + 0.003
    near = drawn(table, areas=[], places=beside.tolist())
    role = near.split["role"]
    torn = table.assign(role=role).groupby("group")["role"].nunique()
    assert (torn == 3).mean() > 0.9
    far = drawn(table, groups=["group"])
    assert (table.assign(role=far.split["role"]).groupby("group")["role"].nunique() == 1).all()


def test_points_of_an_area_have_the_same_ground_each() -> None:
    lon, lat = prediction_points(parse_scheme({"kind": "knndm", "areas": [[0, 0, 10, 60]]}, "near"))
    assert (lon.min() >= 0, lon.max() <= 10, lat.min() >= 0, lat.max() <= 60) == (True,) * 4
    expected = np.sin(np.radians(30)) / np.sin(np.radians(60))
    assert (lat < 30).mean() == pytest.approx(expected, abs=0.002)
    assert (lon < 5).mean() == pytest.approx(0.5, abs=0.01)


def test_patches_without_coordinates_take_no_part() -> None:
    table = catalog()
    table.loc[:9, ["lon", "lat"]] = np.nan
    result = drawn(table)
    assert (result.split["role"].iloc[:10] == "unused").all()
    assert (result.split["role"].iloc[10:] != "unused").all()
    assert "10 of 600 are unused" in result.infeasible["found"].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"areas": []}, "has no place of prediction"),
        ({"areas": [[30, 36, -10, 60]]}, "no place on the globe"),
        ({"areas": [], "places": [[200, 0]]}, "no place on the globe"),
        ({"groups": ["country"]}, "fewer places than folds"),
    ],
)
def test_what_is_not_possible_is_refused(options, message) -> None:
    with pytest.raises(InputError, match=message):
        drawn(catalog().assign(country="one"), **options)


def test_the_same_seed_gives_the_same_folds() -> None:
    table = catalog()
    first = drawn(table, groups=["group"]).split
    assert first.equals(drawn(table, groups=["group"]).split)


def test_the_kind_alone_is_refused_with_an_example() -> None:
    with pytest.raises(InputError, match="without a place of prediction"):
        parse(Configuration.model_validate, {"releases": ["so2sat-sample"], "schemes": ["knndm"]}, "configuration")
