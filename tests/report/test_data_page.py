"""Maps and class distributions of the report: known places on land, classes where they belong."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from skimage.measure import points_in_poly

from sentinel_forest import datasets
from sentinel_forest.config import paths
from sentinel_forest.report import data, maps, model, training

SEN12MS = datasets.load("sen12ms")
SOURCE = model.Source("catalog.parquet", "catalog")
RELEASE = SimpleNamespace(
    name="mine",
    dataset=SEN12MS,
    is_sample=False,
    results=Path("results/v1"),
    work_path=lambda _: Path("work/mine/catalog.parquet"),
)


def catalog(**columns: object) -> pd.DataFrame:
    """Six patches: two scenes of summer, and one of winter with the number of one of summer."""
    groups = ["ROIs1868_summer_1", "ROIs1868_summer_2", "ROIs2017_winter_1"]
    table = pd.DataFrame({"group": np.repeat(groups, 2), "label": np.int16(-1)})
    table["season"] = table["group"].str.rsplit("_", n=1).str[0]
    table["split"] = ["train", "train", "test", "test", "train", "train"]
    return table.assign(**columns)


@pytest.mark.parametrize(
    ("lon", "lat", "is_land", "is_lake"),
    [
        (2.3, 48.9, True, False),  # Paris
        (36.8, -1.3, True, False),  # Nairobi
        (134, -25, True, False),  # the middle of Australia
        (175.5, -39, True, False),  # North Island of New Zealand
        (178, 67, True, False),  # Chukotka, on both sides of 180 degrees
        (-175, 66.5, True, False),
        (30, -85, True, False),  # Antarctica
        (51, 42, True, True),  # Caspian Sea
        (-30, 40, False, False),  # North Atlantic
        (-140, 0, False, False),  # Pacific
    ],
)
def test_known_places_lie_on_land_or_in_water(lon: float, lat: float, is_land: bool, is_lake: bool) -> None:
    for kinds, expected in ((maps.LAND, is_land), (maps.LAKE, is_lake)):
        assert any(points_in_poly([(lon, lat)], each)[0] for each in maps.outlines(kinds)) == expected


def test_outlines_are_closed_and_within_the_map() -> None:
    for outline in maps.outlines(maps.LAND + maps.LAKE):
        np.testing.assert_array_equal(outline[0], outline[-1])
        assert (np.abs(outline) <= [180.001, 90.001]).all()


def test_scenes_of_one_number_in_two_seasons_are_two_places() -> None:
    table = catalog(lon=[10, 11, 20, 20, -50, -50.0], lat=[0, 2, 40, 40, 5, 5.0])
    by_split, by_season = maps.of_release(RELEASE, table, SOURCE)
    assert "3 groups from 1 to 40 degrees latitude and -50 to 20 degrees longitude" in by_split.alternative
    assert "train 2, test 1" in by_split.alternative
    assert "ROIs1868_summer 2, ROIs2017_winter 1" in by_season.alternative


def test_a_map_has_a_mark_for_each_group() -> None:
    table = catalog(lon=[10, 11, 20, 20, -50, -50.0], lat=[0, 2, 40, 40, 5, 5.0])
    by_split, _ = maps.of_release(RELEASE, table, SOURCE)
    assert by_split.chart.data["series"].value_counts().to_dict() == {"train (2)": 2, "test (1)": 1}


def test_without_coordinates_there_is_no_map() -> None:
    (note,) = maps.of_release(RELEASE, catalog(lon=np.nan, lat=np.nan), SOURCE)
    assert "there is no map" in note.text


def test_each_class_is_shown_under_its_own_name() -> None:
    """The publisher's notebook shifts all classes by one, and adds the last two."""
    codes = {f"igbp_{code}": np.float32(code) / sum(range(1, 18)) for code in range(1, 18)}
    (igbp,) = data.distributions(SEN12MS, catalog(**codes))
    fractions = igbp.fractions(pd.Series("all", range(6)))["all"]
    assert igbp.name == "scheme igbp"
    np.testing.assert_allclose(fractions, np.arange(1, 18) / 153, rtol=1e-6)
    assert fractions.index[[0, 15, 16]].tolist() == ["evergreen needleleaf forest", "barren", "water"]


def test_shares_by_season_and_split_are_those_of_their_patches() -> None:
    forest = np.array([1, 1, 0, 0, 0.5, 0.5], dtype=np.float32)
    fractions = {f"fraction_{name}": np.float32(0) for name in SEN12MS.tasks["land-cover"].names}
    fractions |= {"fraction_Forest": forest, "fraction_Water": 1 - forest}
    table = catalog(**fractions, label=np.array([0, 0, 9, 9, 9, -1], dtype=np.int16))
    scene, pixels = data.distributions(SEN12MS, table)  # the task without savanna shows nothing else
    assert pixels.fractions(table["season"]).loc["Forest"].to_dict() == {"ROIs1868_summer": 0.5, "ROIs2017_winter": 0.5}
    assert pixels.fractions(table["split"]).loc["Forest"].to_dict() == {"train": 0.75, "test": 0.0}
    assert scene.fractions(table["split"]).loc["Water"].to_dict() == pytest.approx({"train": 1 / 3, "test": 1})


def test_training_rows_stand_beside_the_independent_labels_that_they_have() -> None:
    classes = {"Forest": {"rows": 900, "fraction": 1.0}, "Savanna": {"rows": 0, "fraction": 0.0}}
    fits = {
        "pixels": {"rows": 900, "patches": 4, "groups": 2, "independent_labels": 36, "classes": classes},
        "scenes": {"rows": 4, "patches": 4, "groups": 2, "independent_labels": None, "classes": classes},
    }
    release = SimpleNamespace(
        name="mine",
        dataset=SEN12MS,
        is_sample=False,
        trials=(("published", 1),),
        sets=("elsewhere", "pixels", "scenes"),
        fit=lambda scheme, trial, features: {"training": fits[features]} if features in fits else None,
        from_file=lambda pattern, rule, **of: model.Source(paths.place(pattern, release="mine", **of), rule),
    )
    (shown,) = training.items(release)
    texts = [[cell.text for cell in row] for row in shown.rows]
    assert shown.columns[3:] == ("rows", "patches", "groups", "independent labels", "absent classes")
    assert [row[3:] for row in texts] == [["900", "4", "2", "36", "Savanna"], ["4", "4", "2", "", "Savanna"]]
    assert len(shown.sources) == 2
    assert "an area larger than a pixel (here: 500 m)" in shown.explained


def test_groups_are_listed_with_place_and_most_frequent_class() -> None:
    table = catalog(lon=[10, 11, 20, 20, -50, -50.0], lat=0.0, label=np.array([0, 0, 9, 9, 9, 3], np.int16))
    (shown,) = data.groups(RELEASE, table)
    texts = [[cell.text for cell in row] for row in shown.rows]
    assert texts[0] == ["ROIs1868_summer_1", "train", "2", "10.500", "0", "Forest", "100 %"]
    assert texts[2][-2:] == ["Grassland", "50 %"]
