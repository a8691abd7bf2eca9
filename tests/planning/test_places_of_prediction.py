"""Places of prediction that a configuration names by a file."""

import numpy as np
import pytest

import scenes
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.datasets.continents import continent
from sentinel_forest.errors import InputError
from sentinel_forest.planning.places import MOST_POINTS, resolved
from sentinel_forest.splits.matching import POINTS, prediction_points


def configured(**options: object) -> Configuration:
    own = {"map": {"kind": "knndm", **options}}
    return Configuration.model_validate({"releases": ["so2sat-sample"], "schemes": ["map"], "own_schemes": own})


def test_a_table_becomes_its_points(tmp_path) -> None:
    (tmp_path / "points.csv").write_text("name,lat,lon\na,50.123456,7\nb,-3.5,170.25\n")
    scheme = resolved(configured(points=str(tmp_path / "points.csv"), places=[[1, 2]], folds=3)).own_schemes["map"]
    assert scheme.places == [[1, 2], [7, 50.1235], [170.25, -3.5]]
    assert scheme.points is None
    assert scheme.folds == 3
    assert "points" not in scheme.model_dump()


def test_of_a_long_table_points_are_taken_evenly(tmp_path) -> None:
    lines = [f"{number / 100},{number / 200}" for number in range(6001)]
    (tmp_path / "points.csv").write_text("lon,lat\n" + "\n".join(lines) + "\n")
    places = np.array(resolved(configured(points=str(tmp_path / "points.csv"))).own_schemes["map"].places)
    assert len(places) == MOST_POINTS
    assert np.ptp(np.diff(places[:, 0])) < 0.03
    assert places[[0, -1], 0].tolist() == [0, 60]


@pytest.mark.parametrize("form", ["folder", "image", "SAFE"])
def test_a_scene_becomes_the_box_around_it(tmp_path, form) -> None:
    values = scenes.noise(1, (60, 100))
    if form == "SAFE":
        scene = scenes.write_safe(tmp_path, {"B2": values, "B4": values})
    else:
        scene = scenes.write_bands(tmp_path / "scene", ["B2"], values[None])
        scene = scene / "B2.tif" if form == "image" else scene
    [[west, south, east, north]] = resolved(configured(scene=str(scene))).own_schemes["map"].areas
    assert (west, north) == pytest.approx((10.477, 52.34), abs=0.01)  # zone 32, 600 km east, 5,800 km north
    assert (east - west) * 111.3 * np.cos(np.radians(north)) == pytest.approx(1.0, abs=0.02)
    assert (north - south) * 111.3 == pytest.approx(0.6, abs=0.04)


def test_a_continent_is_many_places_on_it() -> None:
    lon, lat = prediction_points(parse_scheme({"kind": "knndm", "continents": ["Africa", "Europe"]}, "map"))
    names = continent(lon, lat)
    assert len(lon) == 2 * POINTS
    assert set(names[:POINTS]) == {"Africa"}
    assert set(names[POINTS:]) == {"Europe"}
    assert np.ptp(lat[:POINTS]) > 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lon,lat\n", "empty"),
        ("lon,y\n1,2\n", "column is missing"),
        ("lon,lat\n1,2\n1,91\n", "row 3"),
        ("lon,lat\n1,2\nx,3\n", "no place on the globe"),
    ],
)
def test_bad_tables_are_answered(tmp_path, text, message) -> None:
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        resolved(configured(points=str(tmp_path / "points.csv")))


def test_files_that_are_not_there_or_no_scenes_are_named(tmp_path) -> None:
    with pytest.raises(InputError, match=r"own_schemes\.map\.points"):
        resolved(configured(points=str(tmp_path / "none.csv")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no image"):
        resolved(configured(scene=str(tmp_path / "empty")))
    (tmp_path / "b.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match="archive cannot be read"):
        resolved(configured(scene=str(tmp_path / "b.zip")))


def test_other_configurations_stay_as_they_are() -> None:
    configuration = configured(areas=[[0, 0, 1, 1]])
    assert resolved(configuration) is configuration
