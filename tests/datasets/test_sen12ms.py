"""SEN12MS: names, findings, catalog, split lists, pixels; on tiny tiles, planted faults and real tiles."""

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import rasterio.warp
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

from sentinel_forest import datasets, simulate
from sentinel_forest.acquire import download
from sentinel_forest.config import releases
from sentinel_forest.datasets import continents, sen12ms
from sentinel_forest.datasets.base import IGNORE, Block, File, Finding, Inspection, no_hashes
from sentinel_forest.datasets.sen12ms import ground
from sentinel_forest.errors import InputError
from sentinel_forest.features import patch as patch_features
from sentinel_forest.features import pixel as pixel_features
from sentinel_forest.verify.groups import groups

SIDE = 16
SPRING, SUMMER, WINTER = "ROIs1158_spring", "ROIs1868_summer", "ROIs2017_winter"


@pytest.fixture(scope="module")
def lists() -> Path:
    """The folder with the publisher's lists; tests that need it are skipped where it is absent."""
    shared = Path(__file__).parents[3] / "shared" / "facts" / "data" / "sen12ms"
    folder = Path(os.environ.get("SENTINEL_FOREST_SEN12MS_LISTS", shared))
    if not folder.is_dir():
        pytest.skip(f"no lists of SEN12MS at {folder} (set SENTINEL_FOREST_SEN12MS_LISTS to their folder)")
    return folder


@pytest.fixture
def dataset() -> sen12ms.Sen12MS:
    return sen12ms.Sen12MS(side=SIDE)


def write(
    folder: Path,
    season: str,
    scene: str,
    number: int,
    *,
    igbp: object = 12,
    dfc: object = None,
    s1: np.ndarray | None = None,
    left: float = 500_000.0,
    top: float = 5_000_000.0,
    epsg: int = 32633,
    side: int = SIDE,
) -> None:
    """A small patch; classes are broadcast over it."""
    random = np.random.default_rng(number)
    lc = np.empty((4, side, side), dtype=np.uint16)
    lc[:] = np.array([12, 31, 36, 30])[:, None, None]
    lc[0] = igbp
    sen12ms.write_patch(
        folder,
        season,
        scene,
        number,
        s1=random.normal(-12, 2, (2, side, side)) if s1 is None else s1,
        s2=random.integers(1, 4000, (13, side, side)),
        lc=lc,
        dfc=None if dfc is None else np.broadcast_to(np.asarray(dfc), (side, side)),
        epsg=epsg,
        transform=Affine(10, 0, left, 0, -10, top),
    )


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two patches of a training scene, one of a hold-out scene of the same number in another season."""
    folder = tmp_path / "release"
    write(folder, SPRING, "43", 2)
    write(folder, SPRING, "43", 10, left=500_000 + 10 * SIDE / 2)
    write(folder, SUMMER, "43", 1, igbp=17, epsg=32734)
    return folder


def tile(folder: Path, sensor: str, season: str = SPRING, scene: str = "43", number: int = 2) -> Path:
    return folder / season / f"{sensor}_{scene}" / f"{season}_{sensor}_{scene}_p{number}.tif"


def verify(dataset: sen12ms.Sen12MS, folder: Path) -> tuple[list[Finding], pd.DataFrame]:
    """All findings and the hashes of a release, as the step of the workflow gets them."""
    files = [File(path) for path in dataset.list_files(folder)]
    inspections: dict[str, Inspection] = {}
    for file in files:
        inspector = dataset.inspector(folder, file)
        if inspector is not None:
            data = memoryview((folder / file.path).read_bytes())
            for start in range(0, len(data), inspector.block_bytes):
                inspector.update(data[start : start + inspector.block_bytes])
            inspections[file.path] = inspector.finish()
    end = dataset.conclude(inspections)
    findings = dataset.structure(folder, files)
    for inspection in inspections.values():
        findings += inspection.findings
    return [*findings, *end.findings], end.hashes


def failures(dataset: sen12ms.Sen12MS, folder: Path) -> list[Finding]:
    return [finding for finding in verify(dataset, folder)[0] if finding.status == "failed"]


def catalog(dataset: sen12ms.Sen12MS, folder: Path, hashes: pd.DataFrame | None = None) -> pd.DataFrame:
    return dataset.catalog(folder, dataset.list_files(folder), no_hashes() if hashes is None else hashes)


# Names


def test_listing_finds_tiles_archives_and_lists_only(dataset: sen12ms.Sen12MS, release: Path) -> None:
    (release / "notes.txt").write_text("")
    (release / "ROIs1158_spring_s1.tar.gz").write_bytes(b"")
    (release / "splits").mkdir()
    (release / "splits" / "test_list.txt").write_text("")
    (release / "splits" / "test_list.pkl").write_text("")
    found = dataset.list_files(release)
    assert len(found) == 9 + 2
    assert found == sorted(found)
    assert {"ROIs1158_spring_s1.tar.gz", "splits/test_list.txt"} < set(found)


def test_an_empty_folder_is_the_users_mistake(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file of SEN12MS"):
        dataset.list_files(tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "ROIs1158_spring/s2_1/ROIs1158_spring_s2_2_p1.tif",
        "ROIs1158_spring/s2_1/ROIs1158_spring_s1_1_p1.tif",
        "ROIs1158_spring/s2_1/ROIs1868_summer_s2_1_p1.tif",
        "ROIs1017_winter/s2_1/ROIs1017_winter_s2_1_p1.tif",
    ],
)
def test_a_tile_out_of_place_is_named(dataset: sen12ms.Sen12MS, release: Path, path: str) -> None:
    (release / path).parent.mkdir(parents=True, exist_ok=True)
    (release / path).write_bytes(b"")
    (finding,) = failures(dataset, release)
    assert (finding.file, finding.check) == (path, "name")


def test_dfc2020_names_the_scene_0_in_files(tmp_path: Path) -> None:
    write(tmp_path, "ROIs0000_validation", "validation", 7, dfc=7)
    path = "ROIs0000_validation/dfc_validation/ROIs0000_validation_dfc_0_p7.tif"
    assert (tmp_path / path).is_file()
    assert sen12ms.layout.parse([path])["patch"].tolist() == ["ROIs0000_validation/validation/p7"]
    assert sen12ms.layout.tile_path(path, "s1") == "ROIs0000_validation/s1_validation/ROIs0000_validation_s1_0_p7.tif"


def test_same_input_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, SPRING, "1", 3)
    for sensor in ("s1", "s2", "lc"):
        first, second = (tile(tmp_path / name, sensor, scene="1", number=3) for name in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


# Verification


def test_a_good_release_has_one_ok_row_for_each_check(dataset: sen12ms.Sen12MS, release: Path) -> None:
    findings, hashes = verify(dataset, release)
    assert {finding.status for finding in findings} <= {"ok", "note"}
    checks = [finding.check for finding in findings]
    assert set(sen12ms.checks._TILE_CHECKS) | {"triplets"} <= set(checks)
    assert checks.count("patches") == 2
    with rasterio.open(tile(release, "s2")) as source:
        expected = xxhash.xxh3_128_hexdigest(np.moveaxis(source.read(), 0, -1).tobytes())
    name = str(tile(release, "s2").relative_to(release))
    assert hashes.loc[hashes["file"] == name, "hash"].tolist() == [expected]
    assert hashes["layer"].value_counts().to_dict() == {"lc": 3, "s1": 3, "s2": 3}


def test_findings_do_not_grow_with_the_number_of_patches(dataset: sen12ms.Sen12MS) -> None:
    paths = [
        f"{SPRING}/{sensor}_{scene}/{SPRING}_{sensor}_{scene}_p{number}.tif"
        for sensor in ("s1", "s2", "lc")
        for scene in (1, 2)
        for number in range(300)
    ]
    assert len(dataset.structure(Path("."), [File(path) for path in paths])) == 3
    rows = dataset.structure(Path("."), [File(path) for path in paths if "_s1_2" not in path])
    failed = [row for row in rows if row.status == "failed"]
    assert len(failed) == sen12ms.ground.MOST_FINDINGS + 1
    assert failed[-1].found == "280 more of these"


def rewrite(path: Path, change: Callable[[dict, np.ndarray], tuple[dict, np.ndarray]]) -> None:
    """Write a tile again with another profile or other pixels."""
    with rasterio.open(path) as source:
        profile, pixels = dict(source.profile), source.read()
    profile, pixels = change(profile, pixels)
    profile |= {"count": pixels.shape[0], "height": pixels.shape[1], "width": pixels.shape[2]}
    profile |= {"dtype": pixels.dtype.name}
    path.unlink()
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels)


def put(pixels: np.ndarray, value: float) -> np.ndarray:
    pixels[0, 3, 4] = value
    return pixels


FAULTS = {
    "shape-bands": ("s2", "shape", "10 bands", lambda p, x: (p, x[:10])),
    "shape-size": ("s2", "shape", "16 x 8 px", lambda p, x: (p, x[:, :, :8])),
    "dtype": ("s1", "dtype", "uint8", lambda p, x: (p, x.astype(np.uint8))),
    "no-code": ("lc", "crs", "no EPSG code", lambda p, x: (p | {"crs": "+proj=tmerc +R=6370000"}, x)),
    "degrees": ("lc", "crs", "EPSG:4326", lambda p, x: (p | {"crs": "EPSG:4326"}, x)),
    "other-crs": ("lc", "same-crs", "EPSG:32634", lambda p, x: (p | {"crs": "EPSG:32634"}, x)),
    "other-crs-of-the-first": ("s2", "same-crs", "EPSG:32634", lambda p, x: (p | {"crs": "EPSG:32634"}, x)),
    "shifted": (
        "s1",
        "same-transform",
        "500010.000",
        lambda p, x: (p | {"transform": p["transform"] @ Affine.translation(1, 0)}, x),
    ),
    "pixel": ("s2", "pixel-size", "20 x -20 m", lambda p, x: (p | {"transform": Affine(20, 0, 5e5, 0, -20, 5e6)}, x)),
    "nan": ("s1", "nan", "1 values are NaN", lambda p, x: (p, put(x, np.nan))),
    "not-dB": ("s1", "range", "to 60", lambda p, x: (p, put(x, 60))),
    "infinite": ("s1", "nan", "1 values are NaN or infinite", lambda p, x: (p, put(x, -np.inf))),
    "too-bright": ("s2", "range", "to 40000", lambda p, x: (p, put(x, 40_000))),
    "class": ("lc", "classes", "igbp: 18", lambda p, x: (p, put(x, 18))),
    "large-class": ("lc", "classes", "igbp: 300", lambda p, x: (p, put(x, 300))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_in_its_file(dataset: sen12ms.Sen12MS, release: Path, fault: str) -> None:
    sensor, check, found, change = FAULTS[fault]
    rewrite(tile(release, sensor), change)
    (finding,) = [row for row in failures(dataset, release) if row.check == check]
    assert tile(release, sensor).name in finding.file
    assert found in finding.found
    assert finding.expected
    assert finding.remedy


@pytest.mark.parametrize("other", [{"compress": "deflate"}, {"interleave": "band"}, {"endianness": "big"}])
def test_a_hash_is_of_the_pixels_however_they_are_stored(
    dataset: sen12ms.Sen12MS, release: Path, other: dict[str, str]
) -> None:
    before = verify(dataset, release)[1]
    bytes_before = tile(release, "s2").read_bytes()
    rewrite(tile(release, "s2"), lambda profile, pixels: (profile | other, pixels))
    assert tile(release, "s2").read_bytes() != bytes_before
    pd.testing.assert_frame_equal(verify(dataset, release)[1], before)


@pytest.mark.parametrize("kept", [0, 3, 100, 2000, -1])
def test_a_truncated_tile_is_a_finding_and_stops_the_reader(dataset: sen12ms.Sen12MS, release: Path, kept: int) -> None:
    whole = catalog(dataset, release)
    path = tile(release, "s2")
    path.write_bytes(path.read_bytes()[:kept])
    found = failures(dataset, release)
    assert [(row.check, row.file) for row in found] == [("readable", str(path.relative_to(release)))]
    assert "vsimem" not in found[0].found
    with pytest.raises(InputError, match="cannot be read"):
        list(dataset.blocks(release, whole, ["s2:B12"], 2))


def test_a_tile_that_is_no_tiff_is_not_opened_by_another_driver(dataset: sen12ms.Sen12MS, release: Path) -> None:
    text = f'<VRTDataset rasterXSize="{SIDE}" rasterYSize="{SIDE}"></VRTDataset>'
    tile(release, "s2").write_text(text)
    assert [row.check for row in failures(dataset, release)] == ["readable"]


def scene_extent(dataset: sen12ms.Sen12MS, folder: Path) -> list[Finding]:
    return [row for row in verify(dataset, folder)[0] if row.check == "scene-extent"]


@pytest.mark.parametrize("epsg", [32733, 32634], ids=["hemisphere", "zone"])
def test_tiles_of_a_scene_are_near_each_other_whatever_their_zones(
    dataset: sen12ms.Sen12MS, tmp_path: Path, epsg: int
) -> None:
    """The extent was that within each zone: a tile 45 degrees south of the equator, or six degrees east, was ok."""
    write(tmp_path, SPRING, "1", 1)
    write(tmp_path, SPRING, "1", 2, epsg=epsg)
    (finding,) = scene_extent(dataset, tmp_path)
    assert (finding.status, finding.accept) == ("failed", "kept")
    assert finding.found.startswith("1 scenes lie apart")
    assert finding.found.endswith(f"{SPRING}/1")


def test_a_scene_may_lie_across_the_border_of_two_zones(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    east, west = rasterio.warp.transform("EPSG:4326", "EPSG:32634", [18.001, 18.03], [45.15, 45.15])[0]
    write(tmp_path, SPRING, "1", 1, left=735_000)
    write(tmp_path, SPRING, "1", 2, left=east, epsg=32634)
    write(tmp_path, SPRING, "1", 3, left=west, epsg=32634)
    (finding,) = scene_extent(dataset, tmp_path)
    assert (finding.status, finding.found) == ("ok", "1 scenes, at most 3 km")


@pytest.mark.parametrize("northing", [9_400_000.0, 2e7], ids=["85 N", "beyond the pole"])
def test_a_northing_outside_utm_fails(dataset: sen12ms.Sen12MS, tmp_path: Path, northing: float) -> None:
    write(tmp_path, SPRING, "1", 1, top=northing)
    failed, rest = scene_extent(dataset, tmp_path)[0], scene_extent(dataset, tmp_path)[-1]
    assert (failed.status, failed.accept) == ("failed", "kept")
    assert failed.found == f"northing {northing:.0f} m in EPSG:32633"
    assert failed.expected.startswith("a place between 80 S and 84 N")
    assert (rest.status, rest.found) == ("note", "not computed: no tile says where it lies")


@given(st.floats(-179, 179), st.floats(-79, 83), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_the_extent_of_a_scene_is_a_side_of_its_box(lon: float, lat: float, east: float, north: float) -> None:
    """Of two points: between their distance (haversine), and that divided by the root of two."""
    lon, lat = np.array([lon, lon + east]), np.array([lat, lat + north])
    extent = ground.scene_extents(pd.Series(["a", "a"]), lon, lat)["a"]
    one, two = np.radians(lat)
    half = np.sin((two - one) / 2) ** 2 + np.cos(one) * np.cos(two) * np.sin(np.radians(east) / 2) ** 2
    distance = 2 * 6_371_008.8 * np.arcsin(np.sqrt(half))
    assert distance / np.sqrt(2) - 1 <= extent <= distance + 1


def test_a_missing_sensor_names_the_patch(dataset: sen12ms.Sen12MS, release: Path) -> None:
    tile(release, "s1").unlink()
    (finding,) = failures(dataset, release)
    assert (finding.file, finding.check) == (f"{SPRING}/43/p2", "triplets")
    assert "s1" in finding.found
    assert f"{SPRING}/43/p2" not in set(catalog(dataset, release)["patch"])


def test_two_tiles_of_one_sensor_name_the_patch(dataset: sen12ms.Sen12MS, release: Path) -> None:
    path = tile(release, "s1")
    shutil.copy(path, path.with_name(path.name.replace("_p2.", "_p002.")))
    (finding,) = failures(dataset, release)
    assert (finding.file, finding.check, finding.found) == (f"{SPRING}/43/p2", "triplets", "2 tiles of s1")


def test_a_band_without_a_measurement_fails_and_can_be_accepted(dataset: sen12ms.Sen12MS, release: Path) -> None:
    def fill(profile, pixels):
        pixels[3] = 0
        return profile, pixels

    rewrite(tile(release, "s2"), fill)
    findings, hashes = verify(dataset, release)
    (failed,) = [row for row in findings if row.check == "constant"]
    assert (failed.status, failed.found) == ("failed", "B4: 0 everywhere")
    assert f"{SPRING}/43/p2" in set(catalog(dataset, release, hashes)["patch"])
    assert (hashes["hash"] != "").all()


def test_a_selection_of_sensors_is_enough(dataset: sen12ms.Sen12MS, release: Path) -> None:
    files = [path for path in dataset.list_files(release) if "/s2_" not in path]
    findings = dataset.structure(release, [File(path) for path in files])
    assert [row.check for row in findings if row.status == "note"] == ["sensors", "hold-out"]
    table = dataset.catalog(release, files, no_hashes())
    assert table["file"].str.contains("_s1_").all()
    assert dataset.layers(files) == {name for name in dataset.layer_table if name.startswith(("s1:", "lc:"))}
    (block,) = dataset.blocks(release, table, ["s1:VV", "lc:igbp"], 10)
    assert block.layers["s1:VV"].shape == (3, SIDE, SIDE)


def test_the_known_broken_patch_is_a_note_and_left_out(dataset: sen12ms.Sen12MS, release: Path) -> None:
    broken = np.full((2, SIDE, SIDE), np.nan)
    write(release, SUMMER, "146", 202, s1=broken)
    findings, hashes = verify(dataset, release)
    (note,) = [row for row in findings if row.check == "known-broken"]
    assert (note.status, note.file) == ("note", f"{SUMMER}/s1_146/{SUMMER}_s1_146_p202.tif")
    assert not [row for row in findings if row.status == "failed"]
    for given_hashes in (hashes, None):
        assert f"{SUMMER}/146/p202" not in set(catalog(dataset, release, given_hashes)["patch"])


def test_a_patch_with_an_accepted_fault_is_left_out(dataset: sen12ms.Sen12MS, release: Path) -> None:
    rewrite(tile(release, "s1"), lambda p, x: (p, put(x, np.nan)))
    table = catalog(dataset, release, verify(dataset, release)[1])
    assert set(table["patch"]) == {f"{SPRING}/43/p10", f"{SUMMER}/43/p1"}


# Catalog


def test_catalog_by_hand(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    igbp = np.full((SIDE, SIDE), 12)
    igbp[:4] = 14  # with 12: croplands
    igbp[4:6] = 17
    igbp[6, :8] = 255
    write(tmp_path, SPRING, "1", 5, igbp=igbp, left=499_920)
    (row,) = catalog(dataset, tmp_path, verify(dataset, tmp_path)[1]).to_dict("records")
    pixels, valid = SIDE**2, SIDE**2 - 8
    assert row["scene"] == f"{SPRING}_1"
    assert (row["season"], row["published_split"], row["row"]) == (SPRING, "train", 0)
    assert (row["x"], row["y"], row["epsg"]) == (500_000, 4_999_920, 32633)
    assert row["side_m"] == 160
    assert row["lon"] == pytest.approx(15, abs=1e-9)  # the central meridian of zone 33
    assert row["lat"] == pytest.approx(45.15, abs=0.01)
    assert row["continent"] == "Europe"
    assert row["labelled_fraction"] == pytest.approx(valid / pixels)
    assert row["fraction_Water"] == pytest.approx(32 / valid)
    assert row["fraction_Croplands"] == pytest.approx((valid - 32) / valid)
    assert row["igbp_14"] == pytest.approx(64 / valid)
    assert (row["land_cover_31"], row["land_use_36"], row["hydrology_30"]) == (1, 1, 1)
    assert row["label"] == 5
    assert len(row["content_hash"]) == 32


def test_one_number_in_two_seasons_is_two_groups(dataset: sen12ms.Sen12MS, release: Path) -> None:
    table = catalog(dataset, release)
    assert table["patch"].tolist() == [f"{SPRING}/43/p2", f"{SPRING}/43/p10", f"{SUMMER}/43/p1"]
    assert table["published_split"].tolist() == ["train", "train", "test"]
    assert groups(dataset, table).nunique() == 2
    assert table["x"][1] - table["x"][0] == table["side_m"][0] / 2


def test_a_patch_of_fill_has_no_label(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    write(tmp_path, SPRING, "1", 1, igbp=255)
    table = catalog(dataset, tmp_path)
    assert table.loc[0, "label"] == -1
    assert table.loc[0, "labelled_fraction"] == 0
    assert table.filter(regex="^fraction_").isna().all(axis=None)


def test_names_alone_give_the_same_groups(release: Path) -> None:
    full, names = (sen12ms.Sen12MS(SIDE, pixels=pixels) for pixels in (True, False))
    whole, short = catalog(full, release), catalog(names, release)
    assert list(whole.columns) == list(short.columns)
    assert whole.dtypes.equals(short.dtypes)
    same = ["patch", "published_split", "file", "row", "scene", "season"]
    pd.testing.assert_frame_equal(whole[same], short[same])
    assert (short["label"] == -1).all()


def test_dfc2020(tmp_path: Path) -> None:
    write(tmp_path, "ROIs0000_test", "0", 1, igbp=9, dfc=np.where(np.arange(SIDE) < 12, 6, 0))
    write(tmp_path, "ROIs0000_validation", "validation", 1, igbp=17, dfc=10)
    dataset = datasets.load("sen12ms", {"side": SIDE, "labels": "dfc"})
    assert isinstance(dataset, sen12ms.Sen12MS)
    assert not failures(dataset, tmp_path)
    table = catalog(dataset, tmp_path)
    assert table["published_split"].tolist() == ["validation", "test"]
    assert table["label"].tolist() == [9, 5]
    assert table["labelled_fraction"].tolist() == [1, 0.75]
    (block,) = dataset.blocks(tmp_path, table, ["dfc:label", "lc:igbp"], 9)
    labels = dataset.labels("land-cover", block)
    assert np.bincount(labels[1].reshape(-1), minlength=256)[[5, IGNORE]].tolist() == [12 * SIDE, 4 * SIDE]
    assert (dataset.reference("MODIS", block)[1] == 2).all()  # savanna


@pytest.mark.parametrize(
    ("name", "lon", "lat"),
    [
        ("Europe", 11.6, 48.1),
        ("Europe", -9.1, 38.7),
        ("Europe", 37.6, 55.8),
        ("Europe", -21.9, 64.1),
        ("Europe", 23.7, 38.0),
        ("Asia", 32.9, 39.9),
        ("Asia", 139.7, 35.7),
        ("Asia", 77.2, 28.6),
        ("Asia", 106.8, -6.2),
        ("Asia", 39.2, 21.5),
        ("Asia", 45.0, 12.9),
        ("Asia", -173, 65),
        ("Africa", 31.2, 30.0),
        ("Africa", 18.4, -33.9),
        ("Africa", 3.1, 36.7),
        ("Africa", 10.2, 36.8),
        ("Africa", 47.5, -18.9),
        ("North America", -99.1, 19.4),
        ("North America", -79.5, 9.0),
        ("North America", -150, 61.2),
        ("North America", -51.7, 64.2),
        ("South America", -74.1, 4.7),
        ("South America", -66.9, 10.5),
        ("South America", -70.7, -33.4),
        ("Oceania", 151.2, -33.9),
        ("Oceania", 115.9, -31.9),
        ("Oceania", 174.8, -36.8),
        ("Oceania", 147.2, -9.4),
        ("Oceania", -157.9, 21.3),
        ("Antarctica", 0, -75),
    ],
)
def test_continents_of_well_known_towns(name: str, lon: float, lat: float) -> None:
    assert continents.continent(np.array([lon]), np.array([lat])).tolist() == [name]


# Land cover


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 65_536), min_size=17, max_size=17).filter(any))
def test_simplified_shares_follow_the_toolbox(counts: list[int]) -> None:
    fractions = np.array([counts]) / sum(counts)
    # Zero-based columns as the toolbox adds them.
    columns = [range(5), (5, 6), (7, 8), (9,), (10,), (11, 13), (12,), (14,), (15,), (16,)]
    expected = [sum(fractions[0, place] for place in group) for group in columns]
    simple = sen12ms.vocabulary.simplify(fractions)
    np.testing.assert_allclose(simple[0], expected)
    assert simple.sum() == pytest.approx(1)
    assert sen12ms.single_label(simple)[0] == int(np.argmax(simple[0]))
    assert sen12ms.multi_label(simple)[0].tolist() == [bool(fraction > 0.1) for fraction in simple[0]]


def test_a_share_of_exactly_a_tenth_is_no_label() -> None:
    fractions = np.zeros((1, 10))
    fractions[0, :3] = 0.1, 0.9, np.nan
    assert sen12ms.multi_label(fractions).tolist() == [[False, True, *[False] * 8]]


@pytest.mark.parametrize("function", [sen12ms.multi_label, sen12ms.single_label])
def test_columns_that_are_no_classes_are_refused(function: Callable) -> None:
    """A loose choice of columns takes valid_fraction_optical and valid_fraction_radar along."""
    with pytest.raises(ValueError, match=r"not \(4, 12\)"):
        function(np.zeros((4, 12)))


def test_pixel_classes_follow_the_published_list(dataset: sen12ms.Sen12MS) -> None:
    published = [0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 6, 8, 9, 10]  # by IGBP 0..17, from 1; 0 is none
    codes = np.array([[[*range(18), 18, 255, 300, 65_535]]], dtype=np.uint16)
    block = Block(pd.DataFrame(index=range(1)), {"lc:igbp": codes})
    expected = [code - 1 if code else IGNORE for code in published] + [IGNORE] * 4
    assert dataset.labels("land-cover", block)[0, 0].tolist() == expected


def test_without_savanna_its_pixels_take_no_part_and_later_classes_move_up(dataset: sen12ms.Sen12MS) -> None:
    codes = np.array([[[*range(18), 255]]], dtype=np.uint16)
    block = Block(pd.DataFrame(index=range(1)), {"lc:igbp": codes, "dfc:label": codes})
    none = IGNORE
    from_igbp = [none, 0, 0, 0, 0, 0, 1, 1, none, none, 2, 3, 4, 5, 4, 6, 7, 8, none]
    assert dataset.labels("land-cover-no-savanna", block)[0, 0].tolist() == from_igbp
    from_dfc = [none, 0, 1, none, 2, 3, 4, 5, 6, 7, 8] + [none] * 8
    dfc = sen12ms.Sen12MS(SIDE, labels="dfc")
    assert dfc.labels("land-cover-no-savanna", block)[0, 0].tolist() == from_dfc
    names = sen12ms.Sen12MS.tasks["land-cover-no-savanna"].names
    assert [names[place] for place in (2, 5, 8)] == ["Grassland", "Urban", "Water"]


def test_independent_labels_are_blocks_of_the_ground() -> None:
    """A patch covers 2.56 km; one 1.28 km further east shares half of its ground, and of its blocks."""
    dataset = sen12ms.Sen12MS()
    patches = pd.DataFrame({"x": [501_280.0, 502_560.0], "y": 4_998_720.0, "epsg": 32633})
    assert dataset.independent_labels("land-cover", patches.iloc[:1]) == 6 * 6
    assert dataset.independent_labels("land-cover", patches) == 6 * 8
    assert dataset.independent_labels("land-cover", patches.assign(epsg=[32633, 32634])) == 2 * 6 * 6
    assert dataset.independent_labels("scene", patches) is None
    assert sen12ms.Sen12MS(labels="dfc").independent_labels("land-cover", patches) is None


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_independent_labels_of_whole_patches_are_those_of_all_their_pixels(east: int, north: int) -> None:
    dataset = sen12ms.Sen12MS()
    patches = pd.DataFrame({"x": [500_000.0 + east], "y": [5_000_000.0 + north], "epsg": 32633})
    pixels = np.arange(256 * 256)
    each = dataset.independent_labels("land-cover", patches.loc[[0] * len(pixels)], pixels)
    assert dataset.independent_labels("land-cover", patches) == each


def test_draw_units_are_500_m_blocks() -> None:
    dataset = sen12ms.Sen12MS()
    units = dataset.draw_units("land-cover", Block(pd.DataFrame(index=range(2)), {}))
    assert units.shape == (2, 256, 256)
    assert len(np.unique(units)) == 36
    assert (units[0, :50, :50] == 0).all()
    assert len({units[0, 49, 49], units[0, 49, 50], units[0, 50, 49], units[0, 50, 50]}) == 4


# Pixels


def test_blocks_equal_a_plain_loop(dataset: sen12ms.Sen12MS, release: Path) -> None:
    table = catalog(dataset, release)
    layers = ["s2:B4", "s1:VH", "s2:B2", "lc:hydrology"]
    blocks = list(dataset.blocks(release, table, layers, 2))
    assert [len(block.patches) for block in blocks] == [2, 1]
    assert list(blocks[0].layers) == layers
    for layer, sensor, band in (("s2:B4", "s2", 4), ("s1:VH", "s1", 2), ("s2:B2", "s2", 2), ("lc:hydrology", "lc", 4)):
        values = np.concatenate([block.layers[layer] for block in blocks])
        for place, file in enumerate(table["file"]):
            with rasterio.open(release / file.replace("s2_", f"{sensor}_")) as source:
                np.testing.assert_array_equal(values[place], source.read(band))


@pytest.mark.parametrize(
    "storage",
    [
        {"compress": "deflate", "interleave": "band"},
        {"compress": "lzw", "predictor": 2},
        {"interleave": "band"},
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
        {"blockysize": 5},
        {"endianness": "big"},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("bands", [["s2:B12"], ["s2:B9", "s2:B1"]], ids=str)
def test_storage_does_not_matter(
    dataset: sen12ms.Sen12MS, release: Path, storage: dict[str, object], bands: list[str]
) -> None:
    table = catalog(dataset, release)
    (before,) = dataset.blocks(release, table, bands, 9)
    rewrite(tile(release, "s2"), lambda p, x: ({**p, "tiled": False, "blockysize": 16, **storage}, x))
    (after,) = dataset.blocks(release, table, bands, 9)
    for band in bands:
        np.testing.assert_array_equal(before.layers[band], after.layers[band])


def test_a_tile_of_another_size_stops_the_reader(dataset: sen12ms.Sen12MS, release: Path) -> None:
    table = catalog(dataset, release)
    rewrite(tile(release, "s2"), lambda p, x: (p, x[:10]))
    with pytest.raises(InputError, match="10 bands"):
        list(dataset.blocks(release, table, ["s2:B12"], 9))


def test_features_are_known_and_have_their_layers() -> None:
    for feature_set in sen12ms.Sen12MS.feature_sets.values():
        unit = sen12ms.Sen12MS.tasks[feature_set.task].unit
        module = patch_features if unit == "patch" else pixel_features
        bands = {band for name in feature_set.features for band in module.resolve(name).bands}
        assert bands == set(feature_set.layers)
        assert set(feature_set.layers.values()) <= set(sen12ms.Sen12MS.layer_table)


# The publisher's lists


def official(scenes: dict[str, dict[str, int]]) -> pd.DataFrame:
    patches = [f"{season}/{scene}/p{n}" for season, some in scenes.items() for scene in some for n in (1, 2)]
    return pd.DataFrame({"patch": patches})


def test_the_hold_out_file_is_the_built_in_list(lists: Path) -> None:
    table = official(dict(sen12ms.layout.HOLD_OUT))
    listed = sen12ms.read_split_list(lists / "SEN12MS_holdOutScenes.txt", table)
    assert listed == table["patch"].tolist()
    counts = pd.read_csv(lists / "holdout_patches_per_scene.csv", dtype={"scene": str})
    assert len(counts) == 26
    for row in counts.itertuples():
        assert sen12ms.layout.HOLD_OUT[row.season][row.scene] == row.patches


def test_the_older_hold_out_file_is_caught_and_named(lists: Path) -> None:
    path = lists / "SEN12MS_holdOutScenes.before_2020-02-11_fix.txt"
    for partial in (False, True):
        with pytest.raises(InputError, match=r"line 22\n.*ROIs1017_winter/s1_64'\n(.|\n)*before 2020-02-11"):
            sen12ms.read_split_list(path, official(dict(sen12ms.layout.HOLD_OUT)), partial)


def test_file_and_scene_lists_agree_and_come_back(lists: Path, tmp_path: Path) -> None:
    text = (lists / "test_list.txt").read_bytes()
    names = text.decode().split()
    patches = [f"{a}_{b}/{scene}/{number[:-4]}" for a, b, _, scene, number in (name.split("_") for name in names)]
    table = pd.DataFrame({"patch": patches})
    assert sen12ms.read_split_list(lists / "test_list.txt", table) == patches
    assert set(sen12ms.read_split_list(lists / "SEN12MS_holdOutScenes.txt", table)) == set(patches)
    for sensor in ("s1", "s2", "lc"):
        sen12ms.write_split_list(tmp_path / sensor, patches, sensor)
        assert sen12ms.read_split_list(tmp_path / sensor, table) == patches
    assert (tmp_path / "s2").read_bytes() == text.replace(b"\r\n", b"\n")


def test_the_historical_validation_list(lists: Path) -> None:
    names = (lists / "val_list.txt").read_text().split()
    parts = [name[:-4].split("_") for name in names]
    table = pd.DataFrame({"patch": [f"{a}_{b}/{scene}/{number}" for a, b, _, scene, number in parts]})
    by_file = sen12ms.read_split_list(lists / "val_list.txt", table)
    by_scene = sen12ms.read_split_list(lists / "ValidationScenes.txt", table)
    assert len(by_file) == 18_550
    assert set(by_file) == set(by_scene)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("sensor", ["s1", "s2", "lc"])
def test_any_sensor_and_line_end(tmp_path: Path, ending: str, sensor: str) -> None:
    path = tmp_path / "list.txt"
    table = pd.DataFrame({"patch": [f"{SPRING}/1/p1", f"{SPRING}/1/p2", f"{WINTER}/1/p1"]})
    lines = [f"{WINTER}/{sensor}_1", f"{SPRING}_{sensor}_1_p2.tif", "", f"{SPRING}_{sensor}_1_p2.tif", ""]
    path.write_bytes(ending.join(lines).encode())
    assert sen12ms.read_split_list(path, table) == [f"{WINTER}/1/p1", f"{SPRING}/1/p2"]


@pytest.mark.parametrize(
    "line", [f"{SPRING}/s1_2", f"{SPRING}_s2_1_p9.tif", f"{SPRING}/dem_1", "anything", f"{SPRING}_s2_1_p1.tiff"]
)
def test_a_line_that_matches_nothing_is_shown(tmp_path: Path, line: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"{SPRING}/s1_1\n{line}\n")
    with pytest.raises(InputError) as caught:
        sen12ms.read_split_list(path, pd.DataFrame({"patch": [f"{SPRING}/1/p1"]}))
    assert f"{path}, line 2" in str(caught.value)
    assert line in str(caught.value)


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "test_list.pkl"
    path.write_bytes(b"\x80\x03]q\x00.\xff")
    with pytest.raises(InputError, match=r"a Python pickle(.|\n)*\.txt"):
        sen12ms.read_split_list(path, pd.DataFrame({"patch": ["a/b/p1"]}))


def test_lists_in_the_folder_make_the_published_split(dataset: sen12ms.Sen12MS, release: Path) -> None:
    (release / "splits").mkdir()
    (release / "splits" / "val_list.txt").write_text(f"{SPRING}_s2_43_p10.tif\n{WINTER}_s2_1_p1.tif\n")
    table = catalog(dataset, release).set_index("patch")
    assert table["published_split"].to_dict() == {
        f"{SPRING}/43/p2": "train",
        f"{SPRING}/43/p10": "validation",
        f"{SUMMER}/43/p1": "test",
    }
    (release / "splits" / "train_list.txt").write_text(f"{SPRING}_s2_43_p10.tif\n")
    (release / "splits" / "val_list.txt").unlink()
    table = catalog(dataset, release).set_index("patch")
    assert table.loc[f"{SPRING}/43/p2", "published_split"] == ""


def test_listed_patches_without_tiles_are_counted(dataset: sen12ms.Sen12MS, release: Path) -> None:
    """Half of the listed test patches could be missing, without a word; if all are, there is no test."""
    (release / "splits").mkdir()
    there, away = [f"{SPRING}_s2_43_p10.tif", f"{SUMMER}_s1_43_p1.tif"], [f"{WINTER}_s2_{n}_p1.tif" for n in (1, 2, 3)]

    def found(**lines: list[str]) -> list[Finding]:
        for path in (release / "splits").iterdir():
            path.unlink()
        for name, names in lines.items():
            (release / "splits" / f"{name}.txt").write_text("\n".join(names))
        return [row for row in verify(dataset, release)[0] if row.check == "listed"]

    assert found(test_list=there, SEN12MS_holdOutScenes=[f"{SUMMER}/s1_43"]) == []
    (part,) = found(test_list=[*there, *away])
    assert (part.status, part.file) == ("note", "splits/test_list.txt")
    assert part.found.startswith(f"3 of 5 lines name what has no tile here, the first: '{away[0]}'")
    (scene,) = found(SEN12MS_holdOutScenes=[f"{SUMMER}/s1_43", f"{WINTER}/s1_1"])
    assert (scene.status, scene.found.split(" name")[0]) == ("note", "1 of 2 lines")
    (none,) = found(test_list=away, train_list=there)
    assert (none.status, none.accept, none.found.split(" name")[0]) == ("failed", "kept", "3 of 3 lines")
    (old,) = found(test_list=there, val_list=away)
    assert old.status == "note"  # scenes of the historical list are training scenes


def test_the_catalog_has_the_lines_of_the_lists(dataset: sen12ms.Sen12MS, release: Path) -> None:
    """A patch may stand in two lists: the validation scenes have been training scenes since 2020."""
    (release / "splits").mkdir()
    train = f"{WINTER}_s2_1_p1.tif\n{SPRING}_s2_43_p10.tif\n\n{SPRING}_s1_43_p2.tif\n"
    (release / "splits" / "train_list.txt").write_text(train)
    (release / "splits" / "val_list.txt").write_text(f"{SPRING}_s2_43_p10.tif\n")
    (release / "splits" / "SEN12MS_holdOutScenes.txt").write_text(f"{SUMMER}/s1_43\n")
    table = catalog(dataset, release).set_index("patch")
    lines = table.loc[[f"{SPRING}/43/p2", f"{SPRING}/43/p10", f"{SUMMER}/43/p1"]].filter(like="_line")
    assert lines.astype("object").where(lines.notna(), None).to_dict("list") == {
        "train_line": [3, 1, None],
        "validation_line": [None, 0, None],
        "test_line": [None, None, None],
    }


def test_the_registry_has_the_published_checksums(lists: Path) -> None:
    entry = releases.read_entry("sen12ms")
    published = pd.read_csv(lists / "checksums_md5.csv").set_index("file")["md5"]
    found = {file.path: file.checksums["md5"] for file in releases.registered_files(entry)}
    assert found == published[published.index.str.endswith(".tar.gz")].to_dict()
    assert sum(entry["patches"].values()) == sen12ms.layout.PATCHES
    assert entry["patches"]["test"] == sum(sum(scenes.values()) for scenes in sen12ms.layout.HOLD_OUT.values())
    contest = releases.read_entry("dfc2020")
    assert datasets.load(contest["dataset"], contest["layout"]).references


# Real tiles


@pytest.mark.parametrize("name", ["sen12ms", "sen12ms-relaid"])
def test_real_tiles(real: Path, name: str) -> None:
    dataset, folder = sen12ms.Sen12MS(), real / name
    findings, hashes = verify(dataset, folder)
    assert not [row for row in findings if row.status == "failed"]
    table = catalog(dataset, folder, hashes)
    assert len(table) == {"sen12ms": 6, "sen12ms-relaid": 5}[name]
    assert (table["content_hash"].str.len() == 32).all()
    np.testing.assert_allclose(table.filter(regex="^fraction_").sum(axis=1), 1, atol=1e-6)


def test_real_places_and_overlaps(real: Path) -> None:
    relaid = catalog(sen12ms.Sen12MS(), real / "sen12ms-relaid").set_index("scene")
    expected = {f"{SPRING}_901": (-48.11, -25.32), f"{SUMMER}_902": (34.07, -3.40), f"{WINTER}_904": (9.85, 57.23)}
    for scene, place in expected.items():
        assert relaid.loc[scene, ["lon", "lat"]].tolist() == pytest.approx(place, abs=0.02)
    overlapping = catalog(sen12ms.Sen12MS(), real / "sen12ms").set_index("patch")["x"]
    first, second, third = (overlapping[f"{SPRING}/101/p{number}"] for number in (30, 31, 32))
    assert second - first == third - second == 1280


def test_archives_promise_the_layers_of_their_sensor():
    there = datasets.load("sen12ms").layers(["ROIs1158_spring_s1.tar.gz", "ROIs1158_spring_lc.tar.gz"])
    assert {layer.split(":")[0] for layer in there} == {"s1", "lc"}


@pytest.mark.parametrize(
    ("patterns", "archives", "tiles"),
    [
        ([], 12, 4),
        (["ROIs1868_summer_*.tar.gz"], 3, 4),
        (["*_s2.tar.gz"], 4, 4),
        (["ROIs1868_summer/*"], 12, 2),
        (["*s2_146*"], 12, 2),  # as in a shell: 1460 begins with 146
        (["ROIs1868_summer_*.tar.gz", "*/lc_*/*", "*/s2_146/*"], 3, 2),
    ],
)
def test_patterns_choose_archives_or_tiles(patterns: list[str], archives: int, tiles: int) -> None:
    entry = releases.read_entry("sen12ms")
    paths = [
        f"{season}/{sensor}_{scene}/{season}_{sensor}_{scene}_p1.tif"
        for season, sensor, scene in (
            (SUMMER, "s2", "146"),
            (SUMMER, "lc", "146"),
            (SPRING, "s1", "146"),
            (SPRING, "s2", "1460"),
        )
    ]
    assert len(releases.registered_files(entry, patterns)) == archives
    assert sum(releases.selected(path, patterns) for path in paths) == tiles


def test_a_pattern_of_archives_that_matches_none_stops() -> None:
    entry = releases.read_entry("sen12ms")
    with pytest.raises(InputError, match=r"ROIs1868_sumer_\*\.tar\.gz"):
        releases.registered_files(entry, ["ROIs1868_sumer_*.tar.gz", "ROIs1868_summer/*"])


def test_the_sample_can_have_smaller_patches_that_share_half_of_their_ground(tmp_path: Path) -> None:
    settings_ = {"seed": 1, "scenes": 2, "patches": 2}
    simulate.write("sen12ms", {"side": 64}, settings_, tmp_path / "sample")
    small = sen12ms.Sen12MS(side=64)
    catalog = small.catalog(tmp_path / "sample", small.list_files(tmp_path / "sample"), no_hashes())
    assert catalog["published_split"].value_counts().to_dict() == {"test": 8, "train": 7}  # one is broken
    pair = catalog[catalog["scene"] == "ROIs1970_fall_101"]
    assert np.diff(pair["x"]).tolist() == [320]
    block = next(small.blocks(tmp_path / "sample", pair, ["s2:B8"], 2)).layers["s2:B8"]
    np.testing.assert_array_equal(block[0, :, 32:], block[1, :, :32])


def test_patterns_of_tiles_choose_from_fetched_archives(release: Path, tmp_path: Path) -> None:
    names = [f"{season}_{sensor}.tar.gz" for season in (SPRING, SUMMER) for sensor in ("s1", "s2", "lc")]
    for name in names:
        season, sensor = name.removesuffix(".tar.gz").rsplit("_", 1)
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            for path in sorted((release / season).glob(f"{sensor}_*")):
                archive.add(path, f"{season}/{path.name}")
    files = [File(name, role="archive") for name in names]
    found = download.unpacked(files, tmp_path, ["*.tar.gz", "*/s?_43/*_p2.tif"])
    assert found["path"].tolist() == [f"{SPRING}/{sensor}_43/{SPRING}_{sensor}_43_p2.tif" for sensor in ("s1", "s2")]
