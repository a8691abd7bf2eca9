"""So2Sat without cities takes them from the geo files of another version, where the rows are known to be the same."""

import shutil
from pathlib import Path

import h5py
import pandas as pd
import pytest

from sentinel_forest import datasets, simulate
from sentinel_forest.acquire.link import link
from sentinel_forest.acquire.places import place_files
from sentinel_forest.config import releases
from sentinel_forest.config.releases import FILES, read_entry
from sentinel_forest.errors import InputError
from sentinel_forest.io import tables
from sentinel_forest.planning.checking import select
from sentinel_forest.verify import catalog, inspect

SIZE = {"seed": 1, "training": 204, "validation": 34, "testing": 34, "cities": 2}
LAYOUT = {"geo": "so2sat-v4"}
IMAGES = ("training.h5", "validation.h5", "testing.h5")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with image and geo files."""
    folder = tmp_path_factory.mktemp("v4")
    simulate.write("so2sat", {}, SIZE, folder)
    return folder


@pytest.fixture
def images(places: Path, tmp_path: Path) -> Path:
    """A folder with the same image files alone."""
    folder = tmp_path / "v2"
    folder.mkdir()
    for name in IMAGES:
        shutil.copy(places / name, folder)
    return folder


def linked(source: Path, work: Path, places: Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Findings about a release that takes places from elsewhere, and its catalog."""
    at = {name: work / name for name in ("files.tsv", "integrity.tsv", "hashes.parquet", "checksums.tsv", "catalog")}
    folder, about = work / "data" / "mine", {"dataset": "so2sat", "layout": LAYOUT}
    link(release="mine", **about, source=source, select=[], places=places, folder=folder, output=at["files.tsv"])
    inspect.inspect(
        release="mine",
        **about,
        folder=folder,
        files=at["files.tsv"],
        select=[],
        integrity=at["integrity.tsv"],
        hashes=at["hashes.parquet"],
        checksums=at["checksums.tsv"],
    )
    findings = tables.read_tsv(at["integrity.tsv"], inspect.INTEGRITY)
    catalog.catalog(**about, folder=folder, files=at["files.tsv"], hashes=at["hashes.parquet"], output=at["catalog"])
    assert set(tables.read_tsv(at["checksums.tsv"], inspect.CHECKSUMS)["path"]) == set(
        tables.read_tsv(at["files.tsv"], FILES)["path"]
    )
    return findings, tables.read_catalog(at["catalog"])


def test_cities_come_from_the_other_folder_and_the_catalog_says_so(images: Path, places: Path, tmp_path: Path) -> None:
    findings, table = linked(images, tmp_path, places)
    assert set(findings.loc[findings["check"] == "same-rows", "status"]) == {"ok"}
    assert set(table["group_source"]) == {"names of so2sat-v4, which has the same rows"}
    expected = catalog.make(datasets.load("so2sat"), places, [*IMAGES, *(f"{n[:-3]}_geo.h5" for n in IMAGES)], NONE)
    pd.testing.assert_series_equal(table["group"], expected["group"])
    assert not list(images.glob("*_geo.h5")), "the user's folder is never changed"


NONE = pd.DataFrame({"file": [], "row": [], "layer": [], "hash": [], "empty": []})


def test_without_them_no_patch_has_a_group(images: Path, tmp_path: Path) -> None:
    _, table = linked(images, tmp_path, None)
    assert table["group"].isna().all()
    assert table["group_source"].isna().all()


def test_rows_in_another_order_fail(images: Path, places: Path, tmp_path: Path) -> None:
    with h5py.File(images / "training.h5", "r+") as handle:
        for key in ("label", "sen1", "sen2"):
            handle[key][...] = handle[key][...][::-1]
    findings, _ = linked(images, tmp_path, places)
    failed = findings[(findings["check"] == "same-rows") & (findings["status"] == "failed")]
    assert failed["file"].tolist() == ["training_geo.h5"]
    assert "rows have another label" in failed["found"].iloc[0]


def test_geo_files_that_nobody_selected_are_not_read(places: Path, tmp_path: Path) -> None:
    paths = list(IMAGES)
    table = catalog.make(datasets.load("so2sat"), places, paths, NONE)
    assert table["group"].isna().all()


def geo_folder(folder: Path) -> Path:
    for name in IMAGES:
        (folder / f"{name[:-3]}_geo.h5").touch()
    return folder


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("so2sat-v2", ["training_geo.h5", "validation_geo.h5", "testing_geo.h5"]),
        ("so2sat-v1", ["training_geo.h5", "validation_geo.h5"]),
        ("so2sat-v3-culture10", ["culture_10/training_geo.h5"]),
    ],
)
def test_files_of_equal_checksums_take_them(tmp_path: Path, release: str, expected: list[str]) -> None:
    entry = read_entry(release)
    opened = datasets.load("so2sat", entry["layout"])
    paths = [file.path for file in releases.registered_files(entry)]
    assert sorted(place_files(opened, entry, paths, geo_folder(tmp_path))) == sorted(expected)


@pytest.mark.parametrize("release", ["so2sat-v3-random", "so2sat-v3-block", "so2sat-v4"])
def test_a_release_with_other_rows_takes_none(tmp_path: Path, release: str) -> None:
    entry = read_entry(release)
    with pytest.raises(InputError, match="Nothing says that another version has the same rows"):
        place_files(datasets.load("so2sat", entry["layout"]), entry, ["training.h5"], geo_folder(tmp_path))


def test_a_folder_without_them_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No file of places") as caught:
        place_files(datasets.load("so2sat", LAYOUT), {}, ["training.h5"], tmp_path)
    assert "training_geo.h5" in str(caught.value)


def test_a_run_plans_grouped_schemes_with_them(tmp_path: Path) -> None:
    config = {"releases": ["so2sat-v2"], "feature_sets": ["lcz-s1+s2"], "schemes": ["published", "grouped-stratified"]}
    alone, placed = select(config), select(config | {"places": {"so2sat-v2": str(geo_folder(tmp_path))}})
    assert list(alone.definitions("so2sat-v2")) == ["published"]
    assert list(placed.definitions("so2sat-v2")) == ["published", "grouped-stratified"]
