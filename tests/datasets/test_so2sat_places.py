"""Geo files of So2Sat that cannot be true end in a finding: never in an error of a library, and never unsaid."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from sentinel_forest import simulate
from sentinel_forest.datasets.base import Finding
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
