"""Geo files of So2Sat that cannot be true end in a finding: never in an error of a library, and never unsaid."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from sentinel_forest import simulate
from sentinel_forest.datasets.base import Finding
from sentinel_forest.datasets.so2sat.cities import city_findings
from sentinel_forest.datasets.so2sat.geo import geo_table
from verify.planted import GEO, again, put, rows, verified

SIZE = {"seed": 1, "training": 204, "validation": 34, "testing": 34, "cities": 2}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("places")
    simulate.write("so2sat", {}, SIZE, folder)
    return folder


def findings(sample: Path, change: Callable[[h5py.File], object]) -> list[Finding]:
    """What is found after a change of the geo file of training, which is taken back."""
    kept = (sample / GEO).read_bytes()
    try:
        rows(change, GEO)(sample)
        return [row for row in verified("so2sat", sample) if row.file == GEO and row.status == "failed"]
    finally:
        (sample / GEO).write_bytes(kept)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (put("tfw", (0, 0), np.nan), "tfw"),
        (put("tfw", (0, 4), np.inf), "tfw"),
        (put("tfw", (0, 4), 1e20), "coordinates"),
        (put("tfw", (0, 5), -1e300), "coordinates"),
        (again("epsg", lambda codes: codes.astype("f8") + 0.5), "epsg"),
        (again("epsg", lambda codes: np.full(codes.shape, np.nan)), "epsg"),
        (again("city", lambda names: np.arange(len(names)).reshape(names.shape)), "city-neighbours"),
    ],
)
def test_values_that_cannot_be_true_fail(sample: Path, change: Callable, check: str) -> None:
    assert check in {row.check for row in findings(sample, change)}


def test_a_city_for_each_patch_has_no_extent(sample: Path) -> None:
    """Every patch is the middle of its own city: a distance of 0 km says nothing."""
    kept = (sample / GEO).read_bytes()
    rows(again("city", lambda names: np.arange(len(names)).reshape(names.shape)), GEO)(sample)
    (row,) = [row for row in verified("so2sat", sample) if (row.file, row.check) == (GEO, "city-extent")]
    (sample / GEO).write_bytes(kept)
    assert (row.status, row.found) == ("note", "not computed: each city has one patch")


def test_places_beyond_any_map_have_no_degrees(tmp_path: Path) -> None:
    with h5py.File(tmp_path / GEO, "w") as handle:
        handle["epsg"] = [[32632], [32632]]
        handle["tfw"] = [[10, 0, 0, -10, 1e20, 5e6], [10, 0, 0, -10, 5e5, 5e6]]
        table = geo_table(handle)
    assert np.isfinite(table["lon"]).tolist() == [False, True]
    assert table["lon"][1] == pytest.approx(9.0, abs=0.01)


def town(
    name: str, lon: float, count: int = 30, lat: float = 48.0, spread: float = 0.05, seed: int = 1
) -> pd.DataFrame:
    """Patches around a place; `spread` in degrees."""
    random = np.random.default_rng(seed)
    places = {"lon": lon + random.uniform(-spread, spread, count), "lat": lat + random.uniform(-spread, spread, count)}
    return pd.DataFrame({"city": name, "epsg": 32632, **places})


def told(*towns: pd.DataFrame) -> list[tuple[str, str]]:
    """What is said of the names of towns, one file each."""
    tables = {f"{place}_geo.h5": table for place, table in enumerate(towns)}
    return [(row.status, row.found) for row in city_findings(tables) if row.check == "city-names"]


def test_spellings_of_a_name_are_one_city() -> None:
    assert told(town("city17", 9.0), town("City 17", 9.1)) == [("note", "one city: city17 = City 17")]


def test_alike_names_of_one_place_fail_and_far_ones_do_not() -> None:
    ((status, found),) = told(town("tehran", 9.0), town("teheran", 9.12))
    assert status == "failed"
    assert found.startswith("tehran (0_geo.h5) and teheran (1_geo.h5), 2.1 km apart")
    assert found.endswith("km apart: the names are alike")
    assert told(town("tehran", 9.0), town("teheran", 19.0)) == [("ok", "2 cities")]


def test_neighbouring_cities_are_a_note() -> None:
    """New York and Newark, 16 km apart; two halves of a city; a village in a city; numbered neighbours."""
    for pair in (
        (town("new york", 9.0), town("newark", 9.2)),
        (town("west", 9.0), town("east side", 9.11)),
        (town("rome", 9.0, 200), town("vatican", 9.01, 30, spread=0.002)),
        (town("city1", 9.0), town("city2", 9.12)),
    ):
        ((status, found),) = told(*pair)
        assert status == "note"
        assert "km apart" in found


def test_one_place_under_two_unlike_names_fails() -> None:
    ((status, found),) = told(town("munich", 9.0), town("bavaria", 9.0, seed=2))
    assert status == "failed"
    assert found.endswith("their patches lie among each other")


def test_a_city_in_two_hemispheres_fails_whatever_the_file() -> None:
    one, other = town("a", 9.0), town("A", 9.0, lat=-42.0)
    status = {row.file: row.status for row in city_findings({"v": one, "t": other}) if row.check == "city-extent"}
    assert "failed" in status.values()
    across = city_findings({"v": town("a", 179.95), "t": town("a", -179.95)})  # the antimeridian parts nothing
    assert {row.status for row in across} == {"ok"}


def test_many_names_are_not_compared() -> None:
    names = pd.concat([town(f"n{number}", 9.0, 1) for number in range(201)], ignore_index=True)
    assert told(names) == [("note", "not computed: 201 names, 200 at most are compared")]
