"""CloudSEN12: names, sizes, content, catalog, pixels, the reference algorithms."""

import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import convolve
from skimage.morphology import dilation, disk

from sentinel_forest import datasets
from sentinel_forest.config import releases
from sentinel_forest.datasets.base import IGNORE, Block, File, Finding, Inspection, no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.datasets.cloudsen12.facts import COVERAGES, against_labels, products_of
from sentinel_forest.datasets.cloudsen12.layout import layer_of
from sentinel_forest.datasets.cloudsen12.metadata import centre, places
from sentinel_forest.datasets.cloudsen12.reader import s2cloudless_mask
from sentinel_forest.datasets.cloudsen12.tiles import outside, tile_findings
from sentinel_forest.errors import InputError
from sentinel_forest.features import pixel
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.verify.groups import groups

SIDE = 16
REGISTRY = RELEASE_FILES


@pytest.fixture
def dataset() -> CloudSEN12:
    return CloudSEN12(side=SIDE)


@pytest.fixture(scope="session")
def mini(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real mini-release, unpacked."""
    target = tmp_path_factory.mktemp("real")
    with tarfile.open(real / "cloudsen12.tar.xz") as archive:
        archive.extractall(target, filter="data")
    return target / "cloudsen12"


def write(dataset: CloudSEN12, folder: Path, split: str = "train", count: int = 3, **more: object) -> None:
    """A small split: two bands, labels, Sentinel-1; pixels from a fixed seed."""
    random = np.random.default_rng(7)
    layers = ["L1C_B2", "L1C_B4", "S1_VV", "LABEL_manual_hq", "LABEL_fmask", "LABEL_s2cloudless"]
    arrays = dataset.create(folder, split, count, layers)
    inside = np.s_[:, 1 : SIDE - 2, 1 : SIDE - 2]
    for layer, array in arrays.items():
        top = {"LABEL_manual_hq": 4, "LABEL_fmask": 5, "LABEL_s2cloudless": 101}.get(layer, 3000)
        array[inside] = random.integers(0, top, array[inside].shape)
        array.flush()
    table = {
        "roi_id": [f"ROI_{row // 2:04d}" for row in range(count)],
        "s2_id": [f"20190116T14275{row}_20190116T143701_T19GDN" for row in range(count)],
    }
    dataset.write_metadata(folder, split, pd.DataFrame(table | more))


def rewrite(path: Path, change: object) -> None:
    """Change a layer in place by a function of its array."""
    kind = {"L1C": "<i2", "S1_": "<f4", "LAB": "u1"}[path.name[:3]]
    array = np.fromfile(path, kind).reshape(-1, SIDE, SIDE)
    change(array)  # type: ignore[operator]
    array.tofile(path)


def files(dataset: CloudSEN12, folder: Path) -> list[File]:
    return [File(path) for path in dataset.list_files(folder)]


def structure(dataset: CloudSEN12, folder: Path, status: str = "failed") -> list[Finding]:
    return [row for row in dataset.structure(folder, files(dataset, folder)) if row.status == status]


def inspect(dataset: CloudSEN12, folder: Path, path: str) -> Inspection:
    inspector = dataset.inspector(folder, File(path))
    assert inspector is not None
    data = (folder / path).read_bytes()
    for start in range(0, len(data), inspector.block_bytes):
        inspector.update(memoryview(data)[start : start + inspector.block_bytes])
    return inspector.finish()


def content(dataset: CloudSEN12, folder: Path, path: str, check: str) -> Finding | None:
    return next((row for row in inspect(dataset, folder, path).findings if row.check == check), None)


# ------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        ("train/L1C_B4.dat", "L1C_B4"),
        ("train/L1C_B04.dat", "L1C_B4"),
        ("train/train_B04.dat", "L1C_B4"),
        ("val/B04.dat", "L1C_B4"),
        ("val/val_B08.dat", "L1C_B8"),
        ("train/train_B8A.dat", "L1C_B8A"),
        ("train/L2A_B08A.dat", "L2A_B8A"),
        ("test/L1C_B12.dat", "L1C_B12"),
        ("test/manual_hq.dat", "LABEL_manual_hq"),
        ("test/LABEL_manual_hq.dat", "LABEL_manual_hq"),
        ("test/LABEL_QA60.dat", "LABEL_qa60"),
        ("test/EXTRA_LC100.dat", "EXTRA_lc100"),
        ("test/EXTRA_occurrence.dat", "EXTRA_ocurrence"),
        ("test/VV.dat", "S1_VV"),
        ("test/kappamask_l1c.dat", "LABEL_kappamask_L1C"),
        ("test/metadata.csv", None),
        ("test/L1C_B13.dat", None),
        ("test/L2A_B10.dat", None),
        ("test/notes.dat", None),
    ],
)
def test_layer_names(path: str, layer: str | None) -> None:
    assert layer_of(path) == layer


def test_all_published_names_are_their_own() -> None:
    entry = releases.read_entry("cloudsen12-high")
    stems = {Path(file["path"]).stem for file in entry["files"] if file["role"] == "data"}
    assert stems == set(CloudSEN12.layer_table)
    assert len(stems) == 49
    assert all(layer_of(f"train/{stem}.dat") == stem for stem in stems)


def test_variants_are_named_and_twins_fail(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    (tmp_path / "train/L1C_B4.dat").rename(tmp_path / "train/train_B04.dat")
    (note,) = structure(dataset, tmp_path, "note")
    assert (note.check, note.found, note.expected) == ("name", "train/train_B04.dat", "train/L1C_B4.dat")
    (tmp_path / "train/L1C_B4.dat").write_bytes((tmp_path / "train/train_B04.dat").read_bytes())
    (failed,) = structure(dataset, tmp_path)
    assert (failed.check, failed.file) == ("twin", "train/train_B04.dat")


def test_layers_are_those_of_every_split(dataset: CloudSEN12) -> None:
    paths = ["train/L1C_B2.dat", "train/L1C_B3.dat", "test/B02.dat", "test/metadata.csv", "val/metadata.csv"]
    assert dataset.layers(paths) == {"L1C_B2"}
    assert dataset.layers([]) == frozenset()


def test_a_folder_without_the_layout_is_refused(dataset: CloudSEN12, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no files of CloudSEN12"):
        dataset.list_files(tmp_path)


# --------------------------------------------------------------------------------------- structure


def test_a_good_release_has_no_complaint(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    assert {row.status for row in dataset.structure(tmp_path, files(dataset, tmp_path))} == {"ok"}


def test_size_that_fits_nothing(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    path = tmp_path / "train/L1C_B4.dat"
    path.write_bytes(path.read_bytes()[:-1])
    (failed,) = structure(dataset, tmp_path)
    assert failed.file == "train/L1C_B4.dat"
    assert failed.found == f"{2 * 3 * SIDE**2 - 1} B"
    assert f"{2 * 3 * SIDE**2} B (3 patches of int16)" in failed.expected
    assert dataset.inspector(tmp_path, File("train/L1C_B4.dat")) is None


def test_layer_of_another_count(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    path = tmp_path / "train/S1_VV.dat"
    path.write_bytes(path.read_bytes()[: 4 * 2 * SIDE**2])
    (failed,) = structure(dataset, tmp_path)
    assert (failed.check, failed.file) == ("size", "train/S1_VV.dat")
    assert "2 patches of float32" in failed.found


@pytest.mark.parametrize("metadata", [True, False])
def test_labels_in_16_bits(dataset: CloudSEN12, tmp_path: Path, metadata: bool) -> None:
    write(dataset, tmp_path)
    before = dataset.catalog(tmp_path, dataset.list_files(tmp_path), no_hashes())
    path = tmp_path / "train/LABEL_manual_hq.dat"
    np.fromfile(path, "u1").astype("<i2").tofile(path)
    if not metadata:
        (tmp_path / "train/metadata.csv").unlink()
    assert structure(dataset, tmp_path) == []
    assert "dtype" in {row.check for row in structure(dataset, tmp_path, "note")}
    after = dataset.catalog(tmp_path, dataset.list_files(tmp_path), no_hashes())
    pd.testing.assert_series_equal(after["fraction_clear"], before["fraction_clear"])


def test_only_labels_in_16_bits_are_settled_by_metadata(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    for path in tmp_path.glob("train/*.dat"):
        if path.name.startswith("LABEL"):
            np.fromfile(path, "u1").astype("<i2").tofile(path)
        else:
            path.unlink()
    assert structure(dataset, tmp_path) == []


def test_metadata_of_another_length(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    dataset.write_metadata(tmp_path, "train", pd.DataFrame({"roi_id": ["a"], "s2_id": ["b"]}))
    (failed,) = structure(dataset, tmp_path)
    assert (failed.check, failed.found) == ("rows", "1 rows")
    with pytest.raises(InputError, match="differ in their number"):
        dataset.catalog(tmp_path, dataset.list_files(tmp_path), no_hashes())


def test_empty_split_and_missing_metadata(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    (tmp_path / "val").mkdir()
    (tmp_path / "val/L1C_B2.dat").touch()
    failed, told = structure(dataset, tmp_path)
    assert (failed.file, failed.check, failed.found) == ("val/", "patches", "no patch")
    assert (told.file, told.check, told.found) == ("val/L1C_B2.dat", "readable", "an empty file")
    (tmp_path / "val/L1C_B2.dat").unlink()
    (tmp_path / "train/metadata.csv").unlink()
    assert {row.check for row in structure(dataset, tmp_path, "note")} == {"metadata"}
    catalog = dataset.catalog(tmp_path, dataset.list_files(tmp_path), no_hashes())
    assert catalog["patch"].tolist() == ["train/00000", "train/00001", "train/00002"]
    assert groups(dataset, catalog).isna().all()


def test_metadata_that_is_no_table(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    (tmp_path / "train/metadata.csv").write_bytes(b"\xff\xfe\x00broken")
    (failed,) = structure(dataset, tmp_path)
    assert failed.check == "metadata"


def test_metadata_with_rows_longer_than_the_header(dataset: CloudSEN12, tmp_path: Path) -> None:
    """As of a polygon that lost its quotation marks: what follows would stand in other columns."""
    write(dataset, tmp_path)
    path = tmp_path / "train/metadata.csv"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *(f"POLYGON((1 2, 3 4,{row}" for row in rows)]) + "\n")
    (failed,) = structure(dataset, tmp_path)
    assert failed.check == "metadata"


# ----------------------------------------------------------------------------------------- content


def test_hash_is_of_the_valid_window(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    path = tmp_path / "train/L1C_B2.dat"
    array = np.fromfile(path, "<i2").reshape(-1, SIDE, SIDE)
    expected = [xxhash.xxh3_128_hexdigest(image[1:-2, 1:-2].tobytes()) for image in array]
    assert inspect(dataset, tmp_path, "train/L1C_B2.dat").hashes["hash"].tolist() == expected

    def pad(array: np.ndarray) -> None:
        array[:, 0], array[1, :, -1] = 255, -99

    rewrite(path, pad)
    seen = inspect(dataset, tmp_path, "train/L1C_B2.dat")
    assert seen.hashes["hash"].tolist() == expected
    padding = next(row for row in seen.findings if row.check == "padding")
    assert (padding.status, padding.found) == ("note", "-99, 0, 255")


@pytest.mark.parametrize(("code", "failed"), [(3, False), (4, True), (255, True)])
def test_label_codes(dataset: CloudSEN12, tmp_path: Path, code: int, failed: bool) -> None:
    write(dataset, tmp_path)
    rewrite(tmp_path / "train/LABEL_manual_hq.dat", lambda array: array.__setitem__((2, 5, 7), code))
    row = content(dataset, tmp_path, "train/LABEL_manual_hq.dat", "codes")
    assert row is not None
    assert (row.status == "failed") == failed
    if failed:
        assert row.found == f"1 pixels, the first: {code} in patch 2, pixel (5, 7)"


def test_padding_may_hold_any_code_and_fmask_has_a_fill_value(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    rewrite(tmp_path / "train/LABEL_manual_hq.dat", lambda array: array.__setitem__((0, 0), 255))
    rewrite(tmp_path / "train/LABEL_fmask.dat", lambda array: array.__setitem__((0, 3, 3), 255))
    for layer in ("LABEL_manual_hq", "LABEL_fmask"):
        row = content(dataset, tmp_path, f"train/{layer}.dat", "codes")
        assert row is not None
        assert row.status == "ok"


def test_percentages_above_100_and_gaps_fail(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    rewrite(tmp_path / "train/LABEL_s2cloudless.dat", lambda array: array.__setitem__((1, 2, 3), 101))
    rewrite(tmp_path / "train/S1_VV.dat", lambda array: array.__setitem__((2, 4), np.nan))
    codes = content(dataset, tmp_path, "train/LABEL_s2cloudless.dat", "codes")
    finite = content(dataset, tmp_path, "train/S1_VV.dat", "finite")
    assert codes is not None
    assert "101 in patch 1, pixel (2, 3)" in codes.found
    assert finite is not None
    assert (finite.status, finite.found) == ("failed", f"{SIDE - 3} pixels, the first: patch 2, pixel (4, 1)")


@pytest.mark.parametrize(("layer", "status"), [("L1C_B2", "failed"), ("S1_VV", "failed"), ("LABEL_fmask", "note")])
def test_constant_layer_says_nothing(dataset: CloudSEN12, tmp_path: Path, layer: str, status: str) -> None:
    write(dataset, tmp_path)
    assert content(dataset, tmp_path, f"train/{layer}.dat", "constant") is None
    rewrite(tmp_path / f"train/{layer}.dat", lambda array: array.fill(2))
    row = content(dataset, tmp_path, f"train/{layer}.dat", "constant")
    assert row is not None
    assert (row.status, row.found) == (status, "2 everywhere")


# ------------------------------------------------------------------------------------- algorithms


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(np.uint8, (2, 7, 6), elements=st.integers(0, 100)))
def test_s2cloudless_is_its_package(percent: np.ndarray) -> None:
    """Against the operations of s2cloudless 1.5.0 (`get_mask_from_prob`); ties are left to integers."""
    kernel = disk(1)
    means = np.stack([convolve(image / 100, kernel / kernel.sum()) for image in percent])
    sums = np.stack([convolve(image.astype(int), kernel.astype(int)) for image in percent])
    core = np.where(sums == 200, False, means > 0.4)
    expected = np.stack([dilation(image.astype(np.uint8), kernel) for image in core])
    np.testing.assert_array_equal(s2cloudless_mask(percent), expected.astype(bool))


def test_s2cloudless_by_hand() -> None:
    percent = np.zeros((1, 5, 5), np.uint8)
    percent[0, 2, 1:3] = 100  # both pixels have a mean of exactly 0.4: no cloud
    assert not s2cloudless_mask(percent).any()
    percent[0, 2, 3] = 1  # the middle one has 2.01 / 5: a cloud, grown to a cross
    cross = np.zeros((5, 5), bool)
    cross[2, 1:4] = cross[1:4, 2] = True
    np.testing.assert_array_equal(s2cloudless_mask(percent)[0], cross)


@pytest.mark.parametrize(
    ("name", "codes", "cloud", "shadow", "ignored"),
    [
        ("fmask", range(5), {4}, {2}, {5, 255}),
        ("sen2cor", range(12), {8, 9, 10}, {3}, {0, 12, 255}),
        ("kappamask_L1C", range(6), {3, 4}, {2}, {0, 6}),
        ("kappamask_L2A", range(6), {3, 4}, {2}, {0, 6}),
        ("cd_fcnn_rgbi", range(101), set(range(51, 101)), set(), {101, 255}),
        ("cd_fcnn_rgbi_swir", range(101), set(range(51, 101)), set(), {101, 255}),
        ("qa60", range(3), {1, 2}, set(), set()),
    ],
)
@pytest.mark.parametrize("dtype", ["u1", "<i2"])
def test_class_rules(
    dataset: CloudSEN12, name: str, codes: range, cloud: set[int], shadow: set[int], ignored: set[int], dtype: str
) -> None:
    stored = np.array(sorted({*codes, *ignored}), dtype=dtype)
    about = dataset.references[name]
    block = Block(pd.DataFrame(), {about.layer: stored.reshape(1, 1, -1)})
    index = dataset.reference(name, block).ravel()
    for question, positive in {"cloud": cloud, "shadow": shadow}.items():
        wanted = {about.predicted.index(answer) for answer in about.answers.get(question, ())}
        assert set(stored[np.isin(index, list(wanted))].tolist()) == positive
    assert set(stored[index == IGNORE].tolist()) == ignored


def test_labels_in_both_dtypes(dataset: CloudSEN12) -> None:
    wide = np.array([[[0, 1, 2, 3, 4, -1, 300, 255, 256]]], "<i2")
    block = Block(pd.DataFrame(), {"LABEL_manual_hq": wide})
    assert dataset.labels("cloud", block).ravel().tolist() == [0, 1, 2, 3] + 5 * [IGNORE]


def test_missing_values_and_scale(dataset: CloudSEN12) -> None:
    reflectance = dataset.physical("L1C_B2", np.array([0, 2500, -99], "<i2"))
    np.testing.assert_allclose(reflectance, [0, 0.25, -0.0099], rtol=1e-6)
    assert np.isnan(dataset.physical("S1_VV", np.array([-99, -12.5], "<f4"))).tolist() == [True, False]


def test_feature_sets_can_be_computed() -> None:
    for feature_set in CloudSEN12.feature_sets.values():
        of_catalog = {"sun_azimuth"}
        assert set(pixel.needed_bands(feature_set.features, feature_set.bands)) - of_catalog == set(feature_set.layers)
        assert set(feature_set.layers.values()) <= set(CloudSEN12.layer_table)
        assert len(set(feature_set.features)) == len(feature_set.features)


# ----------------------------------------------------------------------------------------- catalog


def test_catalog(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path, "test", 2, s2_date=["2019-01-16T14:27:51", ""])
    write(
        dataset,
        tmp_path,
        "train",
        3,
        proj_epsg=["32719"] * 3,
        proj_shape=["13"] * 3,
        proj_transform=["[10.0, 0.0, 499935.0, 0.0, -10.0, 6000065.0]"] * 2 + ["os.abort()"],
        proj_centroid=["", "POINT (-69.0 -36.15)", ""],
    )
    paths = dataset.list_files(tmp_path)
    hashes = pd.concat([inspect(dataset, tmp_path, path).hashes for path in paths if "L1C" in path], ignore_index=True)
    catalog = dataset.catalog(tmp_path, paths, hashes)
    assert catalog["published_split"].tolist() == ["train"] * 3 + ["test"] * 2
    assert catalog["row"].tolist() == [0, 1, 2, 0, 1]
    # Rows 0 and 1 of train occur in test too: their names cannot be those of ROI and product.
    assert catalog["patch"].tolist()[:2] == ["train/00000", "train/00001"]
    assert catalog["patch"][2] == "ROI_0001/20190116T142752_20190116T143701_T19GDN"
    assert catalog["roi"].tolist() == ["ROI_0000", "ROI_0000", "ROI_0001", "ROI_0000", "ROI_0000"]
    assert set(catalog["tile"]) == {"T19GDN"}
    assert set(catalog["date"]) == {"2019-01-16"}
    # 13 pixels of 10 m: the centre lies 65 m from the corner, on the central meridian of zone 19.
    assert (catalog["x"][0], catalog["y"][0], catalog["epsg"][0]) == (500000.0, 6000000.0, 32719)
    assert catalog["lon"][0] == pytest.approx(-69.0, abs=1e-6)
    assert catalog["lat"][0] == pytest.approx(-36.147, abs=0.01)
    assert catalog["lat"][1] == -36.15
    assert np.isnan(catalog["lon"][2])
    labels = np.fromfile(tmp_path / "train/LABEL_manual_hq.dat", "u1").reshape(-1, SIDE, SIDE)[:, 1:-2, 1:-2]
    np.testing.assert_allclose(catalog["fraction_thin cloud"][:3], (labels == 2).mean(axis=(1, 2)), rtol=1e-6)
    assert (catalog["labelled_fraction"] == 1).all()
    b2, b4 = (hashes[(hashes["file"] == f"train/L1C_{band}.dat")]["hash"].tolist() for band in ("B2", "B4"))
    assert catalog["content_hash"][0] == xxhash.xxh3_128_hexdigest((b2[0] + b4[0]).encode())


def test_places_from_the_transform_alone(dataset: CloudSEN12, tmp_path: Path) -> None:
    """In two zones that take turns; codes that cannot be, and R's word for nothing, are none."""
    write(
        dataset,
        tmp_path,
        "train",
        4,
        proj_epsg=["32719", "32601", "32719", "99999999999"],
        proj_transform=["[10.0, 0.0, 499935.0, 0.0, -10.0, 6000065.0]"] * 2
        + ["[499935.0, 10.0, 0.0, 6000065.0, 0.0, -10.0]"] * 2,  # as GDAL orders them
        roi_id=["NA", "R1", "R1", "R2"],
        proj_centroid=[""] * 4,
        proj_geometry=[""] * 4,
    )
    found = dataset.catalog(tmp_path, dataset.list_files(tmp_path), no_hashes())
    np.testing.assert_allclose(found["lon"][:3], [-69, -177, -69], atol=0.001)
    assert found["lat"][:3].between(-90, 90).all()
    assert found["lon"].isna().tolist() == [False, False, False, True]
    assert found["roi"].tolist() == ["", "R1", "R1", "R2"]


def test_catalog_from_metadata_alone(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    full = dataset.catalog(tmp_path, dataset.list_files(tmp_path), no_hashes())
    for path in tmp_path.glob("train/*.dat"):
        path.unlink()
    early = dataset.catalog(tmp_path, dataset.list_files(tmp_path), no_hashes())
    assert early["patch"].tolist() == full["patch"].tolist()
    assert early["labelled_fraction"].isna().all()
    assert (early["content_hash"] == "").all()
    assert early.dtypes.equals(full.dtypes)


def test_ids_do_not_depend_on_order(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path / "a")
    write(dataset, tmp_path / "b")
    table = pd.read_csv(tmp_path / "b/train/metadata.csv")
    dataset.write_metadata(tmp_path / "b", "test", table[::-1])
    (tmp_path / "b/train/metadata.csv").rename(tmp_path / "b/metadata.csv")
    ids = [
        set(dataset.catalog(tmp_path / name, [f"{split}/metadata.csv"], no_hashes())["patch"])
        for name, split in (("a", "train"), ("b", "test"))
    ]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("POINT (1.5 -2)", (1.5, -2.0)),
        ("POLYGON ((0 0, 4 0, 4 2, 0 2, 0 0))", (2.0, 1.0)),
        ("{'type': 'Polygon', 'coordinates': [[[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]]}", (2.0, 1.0)),
        ("[1e1, 2]", (10.0, 2.0)),
        ("__import__('os').abort()", (np.nan, np.nan)),
        ("", (np.nan, np.nan)),
    ],
)
def test_centre(text: str, place: tuple[float, float]) -> None:
    np.testing.assert_equal(centre(text), place)


# ------------------------------------------------------------------------------------------ blocks


@settings(deadline=None, max_examples=25)
@given(rows=st.sets(st.integers(0, 8)), patches=st.integers(1, 5))
def test_blocks_give_any_rows_in_order(tmp_path_factory: pytest.TempPathFactory, rows: set[int], patches: int) -> None:
    dataset, folder = CloudSEN12(side=SIDE), tmp_path_factory.getbasetemp() / "blocks"
    if not folder.exists():
        write(dataset, folder, "train", 6)
        write(dataset, folder, "test", 3)
    catalog = dataset.catalog(folder, dataset.list_files(folder), no_hashes()).iloc[sorted(rows)]
    stored = [np.fromfile(folder / split / "L1C_B4.dat", "<i2").reshape(-1, SIDE, SIDE) for split in ("train", "test")]
    expected = np.concatenate(stored)[sorted(rows), 1:-2, 1:-2]
    blocks = list(dataset.blocks(folder, catalog, ["L1C_B4", "LABEL_fmask"], patches))
    assert [name for block in blocks for name in block.patches["patch"]] == catalog["patch"].tolist()
    assert all(1 <= len(block.patches) <= patches for block in blocks)
    if blocks:
        pixels = np.concatenate([block.layers["L1C_B4"] for block in blocks])
        assert pixels.dtype == np.dtype("<i2")
        np.testing.assert_array_equal(pixels, expected)


def test_blocks_name_what_is_missing(dataset: CloudSEN12, tmp_path: Path) -> None:
    write(dataset, tmp_path)
    catalog = dataset.catalog(tmp_path, dataset.list_files(tmp_path), no_hashes())
    with pytest.raises(InputError, match="L1C_B3"):
        next(dataset.blocks(tmp_path, catalog, ["L1C_B3"], 1))
    with pytest.raises(InputError, match="row 9"):
        next(dataset.blocks(tmp_path, catalog.assign(row=9), ["L1C_B2"], 1))
    (tmp_path / "train/L1C_B2.dat").write_bytes(b"0" * 7)
    with pytest.raises(InputError, match="fits no dtype"):
        next(dataset.blocks(tmp_path, catalog, ["L1C_B2"], 1))


# ------------------------------------------------------------------------------ registry, real files


def test_registry_sizes_and_zero_checksums() -> None:
    entry = releases.read_entry("cloudsen12-high")
    counts = {"train": 8490, "val": 535, "test": 975}
    total = 0
    for file in entry["files"]:
        split, stem = file["path"].split("/")[0], Path(file["path"]).stem
        if file["role"] == "data":
            width = np.dtype(CloudSEN12.layer_table[stem].dtype).itemsize
            assert file["bytes"] == counts[split] * 512 * 512 * width
            total += file["bytes"]
    assert total == 246_415_360_000
    (val,) = [file for file in entry["files"] if file["path"] == "val/LABEL_qa60.dat"]
    assert val["checksums"] == {"sha256": hashlib.sha256(bytes(val["bytes"])).hexdigest()}


def test_sample_registry_loads() -> None:
    entry = releases.read_entry("cloudsen12-sample")
    assert isinstance(datasets.load(entry["dataset"], entry["layout"]), CloudSEN12)
    assert sum(entry["patches"].values()) == entry["sample"]["rois"] * entry["sample"]["dates"]


def test_real_release(mini: Path) -> None:
    dataset = CloudSEN12()
    paths = dataset.list_files(mini)
    assert structure(dataset, mini) == []
    catalog = dataset.catalog(mini, paths, no_hashes())
    assert catalog["published_split"].value_counts().to_dict() == {"train": 10, "test": 4, "validation": 3}
    assert catalog["roi"].nunique() == 14
    assert catalog["patch"].is_unique
    inside = catalog[catalog["roi"] == "ROI_90021"]
    assert inside["tile"].tolist() == ["T43RCP"] * 2
    for name in ("test/L1C_B10.dat", "val/LABEL_s2cloudless.dat"):
        assert {row.status for row in inspect(dataset, mini, name).findings} == {"ok"}
    provenance = pd.read_csv(mini / "provenance.csv")
    assert len(provenance) == len(catalog)


def test_real_stand_in_label_is_the_s2cloudless_mask_in_the_main(mini: Path) -> None:
    """Class 1 was made by the published post-processing of the stored (rounded) probabilities."""
    dataset = CloudSEN12()
    catalog = dataset.catalog(mini, dataset.list_files(mini), no_hashes())
    for block in dataset.blocks(mini, catalog.iloc[:4], ["LABEL_manual_hq", "LABEL_s2cloudless"], 4):
        thick = dataset.labels("cloud", block) == 1
        assert (thick == (dataset.reference("s2cloudless", block) == 1)).mean() > 0.99


def test_real_release_with_six_bands(real: Path) -> None:
    dataset, folder = CloudSEN12(), real / "cloudsen12-ukis"
    layers = dataset.layers(dataset.list_files(folder))
    fitting = [name for name, some in dataset.feature_sets.items() if set(some.layers.values()) <= layers]
    assert fitting == ["l1c-6"]
    assert not any(reference.layer in layers for reference in dataset.references.values())
    (block,) = dataset.blocks(
        folder, dataset.catalog(folder, dataset.list_files(folder), no_hashes()), ["LABEL_manual_hq"], 9
    )
    assert set(np.unique(dataset.labels("cloud", block))) == {0, 1, 3}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_metadata_of_either_form_are_held_against_the_labels(tmp_path: Path, kind: str) -> None:
    cover = np.linspace(0, 1, 40).astype(np.float32)
    fractions = np.column_stack([1 - cover, cover, 0 * cover, 0 * cover])
    levels = np.minimum((cover * len(COVERAGES)).astype(int), len(COVERAGES) - 1)
    product = "S2B_MSIL1C_20190401T103021_N0400_R001_T42QZH_20190401T124510"
    table = pd.DataFrame({"s2_id": product, "cloud_coverage": [COVERAGES[level] for level in levels]})
    for name, rows in {"train": table, "test": table.iloc[::-1]}.items():
        (tmp_path / name).mkdir()
        write = rows.to_csv if kind == "csv" else rows.to_parquet
        write(tmp_path / name / f"metadata.{kind}", index=False)
        (finding,) = [each for each in against_labels(tmp_path, name, fractions) if each.check == "cloud-coverage"]
        assert finding.status == ("ok" if name == "train" else "failed")
        assert finding.file == f"{name}/metadata.{kind}"
        assert products_of(tmp_path / name, 40) == (product,) * 40


@pytest.mark.parametrize(
    ("tile", "lon", "lat", "degrees"),
    [
        ("T42QZH", 72.04, 20.39, 0.0),  # in the zone of 66 to 72 degrees E, seen from its overlap
        ("T32VKM", 5.3, 60.4, 0.0),  # Bergen: zone 32 is wider there
        ("T33XWG", 15.6, 78.2, 0.0),  # Svalbard
        ("T01KAB", 179.9, -17.0, 0.1),  # across the antimeridian
        ("T42QZH", 20.39, 72.04, 48.04),  # longitude and latitude exchanged
        ("T43RCP", 75.0, -27.0, 51.0),  # the other hemisphere
        ("", 0.0, 0.0, np.nan),
    ],
)
def test_places_against_zone_and_band_of_the_tile(tile: str, lon: float, lat: float, degrees: float) -> None:
    away = outside(np.array([[lon, lat]]), pd.Series([tile]))
    assert away.tolist() == pytest.approx([degrees], abs=0.06, nan_ok=True)


def test_degrees_that_no_place_has_fail() -> None:
    products = ["S2A_MSIL1C_20180101T053121_N0206_R105_T43RCP_20180101T084523", ""]
    table = pd.DataFrame({"s2_id": products, "proj_centroid": ["POINT (27.1 75.2)", "POINT (-34.2 114.4)"]})
    (found,) = tile_findings("m.csv", table)
    assert found.status == "failed"
    assert found.found == "row 0: tile T43RCP at 27.1 E 75.2 N; row 1: latitude 114.4"
    for right in ("POINT (75.2 27.1)", "POINT (500000 5000000)"):
        assert not [row for row in tile_findings("m.csv", table.assign(proj_centroid=right)) if row.remedy]


def test_longitudes_of_0_to_360_degrees_fail_and_are_no_metres() -> None:
    """They were taken for metres in the zone of the product: a place in another part of it, or none."""
    table = pd.DataFrame({"proj_epsg": "EPSG:32643", "proj_centroid": ["POINT (285.2 27.1)", "POINT (75.2 27.1)"]})
    (found,) = tile_findings("m.csv", table)
    assert (found.status, found.found) == ("failed", "row 0: longitude 285.2")
    assert places(table, 509)[["x", "y", "lon", "lat"]].isna().all(axis=1).tolist() == [True, False]
