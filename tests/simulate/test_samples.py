"""The samples: exact layouts, one seed one release, and a ground that is what it says."""

import os
import shlex
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio

from sentinel_forest import datasets, simulate
from sentinel_forest.errors import InputError
from sentinel_forest.simulate import clouds, cloudsen12, scene, sen12ms, so2sat
from sentinel_forest.steps import flags

SIDE = 64
CLOUDSEN12 = {"seed": 1, "rois": 16, "dates": 5}
SO2SAT = {"seed": 1, "training": 204, "validation": 40, "testing": 40, "cities": 3}
SEN12MS = {"seed": 1, "scenes": 2, "patches": 2}


def contents(folder: Path) -> dict[str, str]:
    """Checksum of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def written(tmp: pytest.TempPathFactory, dataset: str, sample: dict[str, int], **layout: int) -> Path:
    folder = tmp.mktemp("samples") / dataset
    simulate.write(dataset, layout, sample, folder)
    return folder


@pytest.fixture(scope="module")
def cloud_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory, "cloudsen12", CLOUDSEN12, side=SIDE)


@pytest.fixture(scope="module")
def zone_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory, "so2sat", SO2SAT)


@pytest.fixture(scope="module")
def cover_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory, "sen12ms", SEN12MS)


def layer(folder: Path, split: str, name: str) -> np.ndarray:
    dtype = "float32" if name.startswith("S1_") else "int8" if name.startswith("LABEL_") else "int16"
    return np.fromfile(folder / split / f"{name}.dat", dtype=dtype).reshape(-1, SIDE, SIDE)


# ---------------------------------------------------------------------------------------- scene model


def test_smooth_fields_are_standardised_and_smoother_with_a_larger_slope() -> None:
    rough, soft = (scene.smooth(scene.generator(1), 3, 64, slope) for slope in (0.5, 2.0))
    for fields in (rough, soft):
        np.testing.assert_allclose(fields.mean(axis=(1, 2)), 0, atol=1e-12)
        np.testing.assert_allclose(fields.std(axis=(1, 2)), 1)
    assert np.abs(np.diff(soft)).mean() < 0.5 * np.abs(np.diff(rough)).mean()


def test_coarse_by_hand() -> None:
    image = np.array([[0.0, 2, 4], [4, 6, 8], [1, 3, 9]])
    # The last row and column are cells of their own, extended by themselves.
    expected = [[3, 3, 6], [3, 3, 6], [2, 2, 9]]
    np.testing.assert_array_equal(scene.coarse(image, 2), expected)


def test_a_place_stays_itself_without_shift() -> None:
    here = scene.place(scene.generator(2), {"water": 1, "sand": 3}, shift=0)
    np.testing.assert_allclose(here.spectra, scene.SPECTRA)
    assert set(np.flatnonzero(here.fractions)) == {scene.MATERIALS.index("water"), scene.MATERIALS.index("sand")}


def test_correction_undoes_the_atmosphere() -> None:
    boa = scene.generator(3).random((13, 4, 4))
    np.testing.assert_allclose(scene.bottom_of_atmosphere(scene.top_of_atmosphere(boa, 1.3), 1.3), boa, atol=1e-12)


def test_speckle_has_unit_mean_and_the_variance_of_its_looks() -> None:
    drawn = scene.speckle(scene.generator(4), np.ones((2, 300, 300)), looks=4.0)
    assert drawn.mean() == pytest.approx(1, abs=0.01)
    assert drawn.var() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(("azimuth", "expected"), [(180, (-10, 0)), (90, (0, -10)), (0, (10, 0)), (270, (0, 10))])
def test_shadow_falls_away_from_the_sun(azimuth: float, expected: tuple[int, int]) -> None:
    # Sun at 45 degrees: a cloud 100 m high has its shadow 100 m away; sun in the south, shadow to the north.
    assert clouds.shadow_offset(100, azimuth, 45) == expected


@pytest.mark.parametrize("fraction", [0.05, 0.4, 0.9])
def test_clouds_cover_the_share_asked_for(fraction: float) -> None:
    sky = clouds.draw(scene.generator(5), 80, fraction, clouds.Hand(0, 0.55), 150, 40)
    cloud = np.isin(sky.label, (clouds.THICK, clouds.THIN))
    assert cloud.mean() == pytest.approx(fraction, abs=0.001)
    assert sky.hidden[sky.label == clouds.THICK].mean() > sky.hidden[sky.label == clouds.THIN].mean()
    assert (sky.hidden >= 0).all()
    assert (sky.hidden <= 1).all()


def test_sun_at_known_places() -> None:
    # At the equinox on the equator the sun stands 90 - 22.5 degrees high at 10:30, exactly in the east.
    azimuth, elevation = cloudsen12.sun_position(0.0, 81)
    assert elevation == pytest.approx(67.5, abs=0.5)
    assert azimuth == pytest.approx(90, abs=1.5)
    assert cloudsen12.sun_position(80.0, 0)[1] == 15.0


def test_mgrs_tile_of_known_points() -> None:
    # Munich (48.137 N, 11.575 E) and Honolulu (21.309 N, 157.916 W): published squares 32UPU and 4QFJ.
    assert cloudsen12.mgrs_tile(32632, 48.137, 691_600, 5_334_800) == "T32UPU"
    assert cloudsen12.mgrs_tile(32604, 21.309, 612_300, 2_356_800) == "T04QFJ"


def test_lee_filter_keeps_a_constant_and_smooths_speckle() -> None:
    np.testing.assert_allclose(so2sat.lee_filter(np.full((9, 9), 3.0)), 3.0)
    noise = scene.generator(6).exponential(1.0, (64, 64))
    assert so2sat.lee_filter(noise).std() < 0.5 * noise.std()


# ---------------------------------------------------------------------------------------- CloudSEN12


def test_cloudsen12_has_49_layers_with_empty_padding(cloud_release: Path) -> None:
    assert len(cloudsen12.LAYERS) == 49
    for split, rois in {"train": 5, "val": 5, "test": 6}.items():
        assert {path.stem for path in (cloud_release / split).glob("*.dat")} == set(cloudsen12.LAYERS)
        for name in cloudsen12.LAYERS:
            stack = layer(cloud_release, split, name)
            assert stack.shape[0] == 5 * rois
            inside = np.zeros((SIDE, SIDE), bool)
            inside[1 : SIDE - 2, 1 : SIDE - 2] = True
            assert (stack[:, ~inside] == 0).all(), name


def test_cloudsen12_codes(cloud_release: Path) -> None:
    window = (slice(None), slice(1, SIDE - 2), slice(1, SIDE - 2))
    codes = {
        "LABEL_manual_hq": range(4),
        "LABEL_fmask": range(5),
        "LABEL_qa60": [0],
        "LABEL_sen2cor": range(12),
        "LABEL_kappamask_L1C": range(1, 6),
        "LABEL_s2cloudless": range(101),
        "LABEL_cd_fcnn_rgbi": range(101),
        "EXTRA_ocurrence": range(101),
        "L2A_TCI_R": range(256),
    }
    for name, allowed in codes.items():
        assert set(np.unique(layer(cloud_release, "train", name)[window])) <= set(allowed), name
    assert layer(cloud_release, "train", "LABEL_s2cloudless").max() > 90
    assert (layer(cloud_release, "train", "L1C_B4")[window] >= 1).all()


def test_cloudsen12_metadata_agrees_with_pixels(cloud_release: Path) -> None:
    for split in ("train", "val", "test"):
        table = pd.read_csv(cloud_release / split / "metadata.csv")
        label = layer(cloud_release, split, "LABEL_manual_hq")[:, 1 : SIDE - 2, 1 : SIDE - 2]
        fraction = np.isin(label, (1, 2)).mean(axis=(1, 2))
        assert [cloudsen12.cloudiness(value) for value in fraction] == list(table["cloud_coverage"])
        assert (table.groupby("roi_id")["cloud_coverage"].nunique() == 5).all()
        assert table["difficulty"].between(1, 5).all()
        assert table["s2_id"].str.fullmatch(r"S2[AB]_MSIL1C_\d{8}T\d{6}_N\d{4}_R\d{3}_T\d\d[A-Z]{3}_\d{8}T\d{6}").all()


def test_cloudsen12_splits_share_products_but_no_roi(cloud_release: Path) -> None:
    tables = {split: pd.read_csv(cloud_release / split / "metadata.csv") for split in ("train", "val", "test")}
    shared = {
        (a, b): [set(tables[a][key]) & set(tables[b][key]) for key in ("roi_id", "s2_id")]
        for a, b in (("train", "val"), ("train", "test"))
    }
    for rois, products in shared.values():
        assert not rois
        assert len(products) == 1


def test_cloudsen12_dates_show_one_ground(cloud_release: Path) -> None:
    elevation = layer(cloud_release, "train", "EXTRA_elevation").reshape(-1, 5, SIDE, SIDE)
    assert (elevation == elevation[:, :1]).all()
    assert (elevation[0, 0] != elevation[1, 0]).any()


def test_published_proportions() -> None:
    members = cloudsen12.split_rois(1, 2000)
    assert {split: len(rois) for split, rois in members.items()} == {"train": 1698, "val": 107, "test": 195}
    assert sorted(roi for rois in members.values() for roi in rois) == list(range(1, 2001))


def test_growing_keeps_an_roi_as_it_was() -> None:
    assert cloudsen12.locate(1, 7, None, 5) == cloudsen12.locate(1, 7, None, 5)
    assert cloudsen12.locate(1, 7, None, 5) != cloudsen12.locate(2, 7, None, 5)


# ---------------------------------------------------------------------------------------- So2Sat


def test_so2sat_layout_and_size(zone_release: Path) -> None:
    for name, count in {"training": 204, "validation": 40, "testing": 40}.items():
        path = zone_release / f"{name}.h5"
        assert path.stat().st_size == count * 147_592 + 2_048
        with h5py.File(path) as file, h5py.File(zone_release / f"{name}_geo.h5") as geo:
            assert {key: (file[key].shape, str(file[key].dtype)) for key in file} == {
                "label": ((count, 17), "float64"),
                "sen1": ((count, 32, 32, 8), "float64"),
                "sen2": ((count, 32, 32, 10), "float64"),
            }
            assert all(file[key].chunks is None for key in file)
            label = file["label"][:]
            assert (np.sort(label, axis=1) == np.eye(17)[16]).all()
            assert (label.sum(axis=0) > 0).all()
            assert {key: geo[key].shape for key in geo} == {"city": (count, 1), "epsg": (count, 1), "tfw": (count, 6)}
            assert (geo["tfw"][:, :4] == (10, 0, 0, -10)).all()
            assert (geo["tfw"][:, 4:] % 100 == 0).all()


def test_so2sat_cities(zone_release: Path) -> None:
    place: dict[str, Any] = {}
    for name in ("training", "validation", "testing"):
        with h5py.File(zone_release / f"{name}_geo.h5") as geo:
            place[name] = pd.DataFrame({"city": geo["city"][:, 0].astype(str), "x": geo["tfw"][:, 4]})
    assert not set(place["training"]["city"]) & set(place["testing"]["city"])
    assert set(place["validation"]["city"]) == set(place["testing"]["city"])
    west, east = (place[name].groupby("city")["x"] for name in ("validation", "testing"))
    assert (west.max() < east.min()).all()


def test_so2sat_has_exact_duplicates_in_training_only(zone_release: Path) -> None:
    def twins(name: str) -> int:
        with h5py.File(zone_release / f"{name}.h5") as file:
            rows = [patch.tobytes() for patch in file["sen2"][:]]
        return len(rows) - len(set(rows))

    assert twins("training") == 8
    assert twins("validation") == twins("testing") == 0


def test_so2sat_covariance_is_that_of_the_waves(zone_release: Path) -> None:
    with h5py.File(zone_release / "testing.h5") as file:
        sen1 = file["sen1"][:]
    vh, vv = sen1[..., 0] + 1j * sen1[..., 1], sen1[..., 2] + 1j * sen1[..., 3]
    # The middle of a patch: the 5 x 5 window lies inside.
    window = (vh * vv.conj())[:, 10:15, 10:15].mean(axis=(1, 2))
    np.testing.assert_allclose(sen1[:, 12, 12, 6] + 1j * sen1[:, 12, 12, 7], window, atol=1e-5)


# ---------------------------------------------------------------------------------------- SEN12MS


def test_sen12ms_triplets(cover_release: Path) -> None:
    tiles = {sensor: sorted(cover_release.glob(f"ROIs*/{sensor}_*/*.tif")) for sensor in ("s1", "s2", "lc")}
    assert {sensor: len(paths) for sensor, paths in tiles.items()} == {"s1": 16, "s2": 16, "lc": 16}
    for paths in zip(*tiles.values(), strict=True):
        about = []
        for path, (bands, dtype) in zip(paths, ((2, "float32"), (13, "uint16"), (4, "uint16")), strict=True):
            with rasterio.open(path) as tile:
                assert (tile.count, tile.height, tile.width, tile.dtypes[0]) == (bands, 256, 256, dtype)
                about.append((tile.crs, tile.transform))
        assert len(set(about)) == 1
        assert about[0][0].is_epsg_code


def test_sen12ms_neighbours_share_half_of_their_ground(cover_release: Path) -> None:
    folder = cover_release / "ROIs1970_fall" / "s2_101"
    with (
        rasterio.open(folder / "ROIs1970_fall_s2_101_p30.tif") as left,
        rasterio.open(folder / "ROIs1970_fall_s2_101_p31.tif") as right,
    ):
        np.testing.assert_array_equal(left.read()[:, :, 128:], right.read()[:, :, :128])
        assert right.transform.c - left.transform.c == 1280


def test_sen12ms_land_cover_has_known_codes_in_cells(cover_release: Path) -> None:
    for path in cover_release.glob("ROIs*/lc_*/*_p30.tif"):
        with rasterio.open(path) as tile:
            cover = tile.read()
        assert set(np.unique(cover[0])) <= set(sen12ms._LCCS)
        assert (cover[:, :50, :50] == cover[:, :1, :1]).all()
        land_cover = {igbp: codes[0] for igbp, codes in sen12ms._LCCS.items()}
        assert (np.vectorize(land_cover.get)(cover[0]) == cover[1]).all()


def test_sen12ms_broken_patch_and_lists(cover_release: Path) -> None:
    with rasterio.open(cover_release / "ROIs1868_summer/s1_146/ROIs1868_summer_s1_146_p202.tif") as tile:
        assert np.isnan(tile.read()).any()
    held_out = (cover_release / "splits/SEN12MS_holdOutScenes.txt").read_bytes()
    assert b"\r" not in held_out
    assert all((cover_release / line).is_dir() for line in held_out.decode().split())
    lists = {name: (cover_release / f"splits/{name}_list.txt").read_bytes() for name in ("train", "test")}
    assert {name: text.count(b"\r\n") for name, text in lists.items()} == {"train": 7, "test": 8}
    assert b"p202" not in lists["train"]
    assert all(f"_{line.split('s1_')[1]}_p".encode() in lists["test"] for line in held_out.decode().split())


def test_sen12ms_scene_number_in_two_seasons_is_two_places(cover_release: Path) -> None:
    places = []
    for season in ("ROIs1158_spring", "ROIs1970_fall"):
        with rasterio.open(cover_release / season / "s1_101" / f"{season}_s1_101_p30.tif") as tile:
            places.append((tile.crs, tile.transform))
    assert places[0] != places[1]


# ---------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize(
    ("dataset", "layout", "sample"),
    [("cloudsen12", {"side": SIDE}, CLOUDSEN12), ("so2sat", {}, SO2SAT), ("sen12ms", {}, SEN12MS)],
)
def test_same_seed_same_bytes_with_any_number_of_threads(
    dataset: str, layout: dict[str, int], sample: dict[str, int], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fixture = {"cloudsen12": "cloud_release", "so2sat": "zone_release", "sen12ms": "cover_release"}[dataset]
    folder, files = tmp_path / dataset, tmp_path / "files.tsv"
    words = flags(dataset=dataset, layout=layout, settings=sample, folder=folder, output=files)
    command = [sys.executable, "-m", "sentinel_forest.cli", "sample", *shlex.split(words)]
    threads = {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"samples: {dataset}")
    assert contents(folder) == contents(request.getfixturevalue(fixture))
    listed = pd.read_csv(files, sep="\t")
    assert dict(zip(listed["path"], listed["bytes"], strict=True)) == {
        path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()
    }
    assert list(listed["path"]) == sorted(listed["path"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([dataset, "files.tsv"])


def test_another_seed_gives_other_bytes(zone_release: Path, tmp_path: Path) -> None:
    simulate.write("so2sat", {}, SO2SAT | {"seed": 2}, tmp_path / "other")
    ours, other = contents(zone_release), contents(tmp_path / "other")
    assert all(ours[path] != other[path] for path in ours)


def test_an_older_release_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "left over").write_text("old")
    simulate.write("so2sat", {}, SO2SAT | {"training": 102, "validation": 17, "testing": 17}, folder)
    assert not (folder / "left over").exists()


def test_a_failure_leaves_the_older_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "x")

    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "kept").write_text("old")
    monkeypatch.setattr(simulate, "WRITERS", {"so2sat": fail})
    with pytest.raises(OSError, match="No space"):
        simulate.write("so2sat", {}, SO2SAT, folder)
    assert (folder / "kept").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


@pytest.mark.parametrize(
    ("dataset", "sample", "message"),
    [
        ("cloudsen12", {"seed": 1, "rois": 15, "dates": 5}, "'rois'"),
        ("cloudsen12", {"seed": 1, "rois": 16, "dates": 6}, "'dates'"),
        ("cloudsen12", {"seed": 1, "rois": 16}, "dates"),
        ("so2sat", SO2SAT | {"cites": 2}, "cites"),
        ("so2sat", SO2SAT | {"training": 10.5}, "'training'"),
        ("so2sat", SO2SAT | {"seed": True}, "'seed'"),
        ("sen12ms", SEN12MS | {"patches": 37}, "at most 36"),
        ("landsat", {}, "cloudsen12"),
        ("so2sat", [1], "not a mapping"),
    ],
)
def test_bad_settings_are_named(dataset: str, sample: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        simulate.write(dataset, {}, sample, tmp_path / "release")
    assert not list(tmp_path.iterdir())


def test_every_dataset_with_a_sample_exists() -> None:
    assert set(simulate.WRITERS) <= set(datasets.names())
