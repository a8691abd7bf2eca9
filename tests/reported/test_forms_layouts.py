"""The forms in which people hold these datasets are read; what is not read is named, never silently ignored."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.transform import Affine

from sentinel_forest import datasets
from sentinel_forest.datasets.base import Dataset, File, Finding, no_hashes
from sentinel_forest.errors import InputError
from sentinel_forest.io import texts
from sentinel_forest.verify import catalog, inspect

SPRING = "ROIs1158_spring"


def verify(dataset: Dataset, folder: Path) -> tuple[list[Finding], pd.DataFrame]:
    """Findings of a folder, and its catalog."""
    files = [File(path) for path in dataset.list_files(folder)]
    states, seen = inspect.read_all(dataset, folder, files, 1)
    assert len(states) == len(files)
    seen.append(dataset.conclude({file.path: row for file, row in zip(files, seen, strict=True)}))
    findings = [*dataset.structure(folder, files), *(finding for row in seen for finding in row.findings)]
    hashes = [row.hashes for row in seen if len(row.hashes)]
    table = catalog.make(dataset, folder, [file.path for file in files], pd.concat(hashes) if hashes else no_hashes())
    return findings, table


def failed(findings: Iterable[Finding]) -> list[str]:
    return [finding.check for finding in findings if finding.status == "failed"]


# SEN12MS


@pytest.fixture
def tiles(real: Path, tmp_path: Path) -> Path:
    shutil.copytree(real / "sen12ms", tmp_path / "sen12ms", copy_function=shutil.copyfile)
    return tmp_path / "sen12ms"


SEN12MS = datasets.load("sen12ms")
NAMES = [f"{SPRING}_s2_101_p{number}.tif" for number in (30, 31, 32)]


def patches(table: pd.DataFrame, split: str) -> set[str]:
    return set(table.loc[table["published_split"] == split, "patch"])


@pytest.mark.parametrize("place", ["", "splits/"])
def test_lists_lie_at_the_top_or_in_splits(tiles: Path, place: str) -> None:
    """Reported: torchgeo keeps the lists at the top; there they were ignored, and other scenes became the test."""
    (tiles / "splits").mkdir()
    (tiles / f"{place}train_list.txt").write_text("\n".join(NAMES[1:]), encoding="utf-8")
    (tiles / f"{place}test_list.txt").write_text(f"{NAMES[0]}\n", encoding="utf-8")
    findings, table = verify(SEN12MS, tiles)
    assert failed(findings) == []
    assert patches(table, "test") == {f"{SPRING}/101/p30"}
    assert patches(table, "train") == {f"{SPRING}/101/p31", f"{SPRING}/101/p32"}


def test_folders_by_sensor_as_on_kaggle(tiles: Path) -> None:
    """Reported: ``ROIs2017_winter_s1/s1_21/...`` was refused whole."""
    expected = verify(SEN12MS, tiles)[1]
    for season in list(tiles.glob("ROIs*")):
        for folder in list(season.iterdir()):
            (tiles / f"{season.name}_{folder.name.split('_')[0]}").mkdir(exist_ok=True)
            folder.rename(tiles / f"{season.name}_{folder.name.split('_')[0]}" / folder.name)
        season.rmdir()
    findings, table = verify(SEN12MS, tiles)
    assert failed(findings) == []
    pd.testing.assert_frame_equal(table.drop(columns="file"), expected.drop(columns="file"))
    layers = ["s1:VV", "s2:B2", "lc:igbp"]
    assert len(next(SEN12MS.blocks(tiles, table, layers, 2)).layers) == 3


def test_a_tile_in_the_folder_of_another_sensor_is_a_finding(tiles: Path) -> None:
    (tiles / f"{SPRING}_s1").mkdir()
    (tiles / SPRING / "s2_101").rename(tiles / f"{SPRING}_s1" / "s2_101")
    assert "name" in failed(SEN12MS.structure(tiles, [File(path) for path in SEN12MS.list_files(tiles)]))


@pytest.mark.parametrize("ending", [".TIF", ".Tif"])
def test_endings_in_capitals(tiles: Path, ending: str) -> None:
    for path in list(tiles.rglob("*.tif")):
        path.rename(path.with_suffix(ending))
    findings, table = verify(SEN12MS, tiles)
    assert (failed(findings), len(table)) == ([], 6)
    assert len(next(SEN12MS.blocks(tiles, table, ["s1:VV", "s2:B2"], 2)).patches) == 2


NAMED = {
    "my_train_split.txt": "splits/train_list.txt",
    "splits/holdout.csv": "splits/test_list.txt",
    "train_list.pkl": "splits/train_list.txt",
    "IGBP_probability_labels.pkl": "nothing is unpickled",
    "labels.parquet": "tables are not read",
    f"{SPRING}_s3.tar": "publisher's name",
    f"spring/s2_101/{NAMES[0]}": f"{SPRING}/s2_1",
    f"{SPRING}/s2_101/{NAMES[0]}f": "ending in .tif",
}


@pytest.mark.parametrize("path", NAMED)
def test_what_looks_meant_is_named_with_the_name_under_which_it_is_read(tiles: Path, path: str) -> None:
    (tiles / path).parent.mkdir(parents=True, exist_ok=True)
    (tiles / path).write_bytes(b"x")
    (finding,) = [row for row in SEN12MS.structure(tiles, []) if row.check == "unused"]
    assert (finding.file, finding.status) == (path, "note")
    assert NAMED[path] in finding.expected


def test_what_systems_leave_is_ignored_with_one_note(tiles: Path) -> None:
    """Reported: macOS' ``._*`` in the folders of tiles were failures."""
    for path in (f"{SPRING}/s2_101/._{NAMES[0]}", f"{SPRING}/s1_101/Thumbs.db", f"{SPRING}/x.aux.xml", ".DS_Store"):
        (tiles / path).write_bytes(b"x")
    findings, table = verify(SEN12MS, tiles)
    (note,) = [row for row in findings if row.check in ("clutter", "unused")]
    assert (note.check, note.status, note.found) == ("clutter", "note", "4 files, such as .DS_Store")
    assert (failed(findings), len(table)) == ([], 6)


def lists(folder: Path, **named: str) -> list[Finding]:
    (folder / "splits").mkdir(exist_ok=True)
    for name, text in named.items():
        (folder / "splits" / f"{name}.txt").write_text(text, encoding="utf-8")
    findings = SEN12MS.structure(folder, [File(path) for path in SEN12MS.list_files(folder)])
    return [row for row in findings if row.check in ("list", "lists")]


def test_a_list_without_line_ends_is_named_in_80_characters(tiles: Path) -> None:
    """Reported: a message of 549 kB."""
    (finding,) = lists(tiles, test_list="".join(NAMES) * 3000)
    assert (finding.status, finding.accept) == ("failed", "")
    assert len(finding.found) <= 80
    with pytest.raises(InputError, match="run together") as caught:
        verify(SEN12MS, tiles)
    assert max(map(len, str(caught.value).splitlines())) < 300


def test_a_line_that_names_no_patch_is_shown_in_80_characters(tiles: Path) -> None:
    lists(tiles, test_list="x" * 400)
    with pytest.raises(InputError, match="matches no patch") as caught:
        verify(SEN12MS, tiles)
    assert max(len(line) for line in str(caught.value).splitlines() if "found" in line) <= 90


def test_a_line_in_both_lists_is_a_failure_whatever_its_sensor(tiles: Path) -> None:
    other = NAMES[0].replace("_s2_", "_s1_")
    (finding,) = lists(tiles, train_list="\n".join(NAMES), test_list=f"{other}\n")
    assert (finding.file, finding.check, finding.status, finding.accept) == (
        "splits/test_list.txt",
        "lists",
        "failed",
        "kept",
    )
    assert finding.found.startswith("1 lines that splits/train_list.txt has too")


def test_validation_scenes_that_train_since_2020_are_a_note(tiles: Path) -> None:
    (finding,) = lists(tiles, train_list="\n".join(NAMES), val_list=NAMES[0])
    assert (finding.check, finding.status) == ("lists", "note")


def test_an_empty_list_is_a_finding(tiles: Path) -> None:
    (finding,) = lists(tiles, test_list="\n\n")
    assert (finding.check, finding.found, finding.accept) == ("list", "no line", "kept")


def test_tiles_of_another_side_are_one_finding_and_the_key_reads_them(tiles: Path) -> None:
    """Reported: 24 times "another product in this place?"."""
    for path in tiles.rglob("*.tif"):
        with rasterio.open(path) as tile:
            pixels, profile = tile.read()[:, :64, :64], tile.profile
        for key in ("blockxsize", "blockysize"):
            profile.pop(key, None)
        path.unlink()
        with rasterio.open(path, "w", **(profile | {"width": 64, "height": 64})) as tile:
            tile.write(pixels)
    files = [File(path) for path in SEN12MS.list_files(tiles)]
    seen = inspect.read_all(SEN12MS, tiles, files, 1)[1]
    faults = [row for inspection in seen for row in inspection.findings if row.status == "failed"]
    assert {(row.check, row.found, row.accept) for row in faults} == {("shape", "64 x 64 px", "left out")}
    assert {row.remedy for row in faults} == {"if all tiles are so, declare it: layout: {side: 64}"}
    assert failed(verify(datasets.load("sen12ms", {"side": 64}), tiles)[0]) == []


@pytest.mark.parametrize("origin", [1e20, -1e300, float("inf"), float("nan")])
def test_a_place_that_is_none_ends_in_a_finding_and_no_traceback(tiles: Path, origin: float) -> None:
    """Reported: one flipped bit made an affine of 1e20, and that a traceback."""
    path = tiles / SPRING / "lc_101" / NAMES[0].replace("_s2_", "_lc_")
    with rasterio.open(path, "r+") as tile:
        tile.transform = Affine(10, 0, origin, 0, -10, 5e6)
    try:
        findings, table = verify(SEN12MS, tiles)
    except InputError as error:
        assert "what to do" in str(error)  # noqa: PT017
    else:
        assert failed(findings)
        assert len(table)


# CloudSEN12


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    dataset = datasets.load("cloudsen12", {"side": 96})
    random = np.random.default_rng(0)
    for name, count in (("train", 4), ("val", 2), ("test", 2)):
        layers = dataset.create(tmp_path, name, count, ["L1C_B2", "L1C_B3", "LABEL_manual_hq"])  # type: ignore[attr-defined]
        for layer, values in layers.items():
            values[:, 1:94, 1:94] = random.integers(*((0, 4) if "LABEL" in layer else (1, 3000)), (count, 93, 93))
            values.flush()
        table = pd.DataFrame({"roi_id": [f"ROI_{name}{row}" for row in range(count)], "difficulty": [1] * count})
        dataset.write_metadata(tmp_path, name, table)  # type: ignore[attr-defined]
    return tmp_path


CLOUDS = datasets.load("cloudsen12", {"side": 96})


def test_a_folder_validation_is_the_split_val(clouds: Path) -> None:
    """Reported: the split was dropped without a word."""
    expected = verify(CLOUDS, clouds)[1]
    (clouds / "val").rename(clouds / "validation")
    findings, table = verify(CLOUDS, clouds)
    assert failed(findings) == []
    pd.testing.assert_frame_equal(table.drop(columns="file"), expected.drop(columns="file"))
    assert len(next(CLOUDS.blocks(clouds, table[4:], ["L1C_B2"], 2)).patches) == 2
    shutil.copytree(clouds / "validation", clouds / "val")
    with pytest.raises(InputError, match="two folders"):
        CLOUDS.list_files(clouds)


def test_metadata_as_parquet_are_those_of_the_csv(clouds: Path) -> None:
    """Reported: "metadata missing", and every patch a group of its own."""
    expected = verify(CLOUDS, clouds)[1]
    for path in list(clouds.rglob("metadata.csv")):
        pd.read_csv(path).to_parquet(path.with_suffix(".parquet"))
        path.unlink()
    findings, table = verify(CLOUDS, clouds)
    assert failed(findings) == []
    assert not [row for row in findings if row.check == "metadata"]
    pd.testing.assert_frame_equal(table, expected)


@pytest.mark.parametrize(
    "path",
    [
        "train/metadata.parquet",
        "train/metadata.csv.gz",
        "metadata.csv",
        "train/labels.pkl",
        "train/B99.dat",
        "val2/L1C_B2.dat",
        "x.mlstac",
    ],
)
def test_files_of_clouds_that_look_meant_are_named(clouds: Path, path: str) -> None:
    (clouds / path).parent.mkdir(exist_ok=True)
    (clouds / path).write_bytes(b"x")
    (finding,) = [row for row in CLOUDS.structure(clouds, []) if row.check == "unused"]
    assert (finding.file, finding.status) == (path, "note")


# So2Sat


def so2sat(folder: Path, dtype: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for name in ("training", "validation", "testing"):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["sen1"] = random.uniform(0.1, 1, (3, 32, 32, 8)).astype(dtype)
            file["sen2"] = random.uniform(0.1, 1, (3, 32, 32, 10)).astype(dtype)
            file["label"] = np.eye(17)[:3].astype(dtype)
    return folder


def test_float32_is_one_kind_of_finding_and_a_key_of_the_layout(tmp_path: Path) -> None:
    """Reported: 12 failures for what TFDS and most private copies are; accepted, they switched the checks off."""
    folder = so2sat(tmp_path, "float32")
    findings, _ = verify(datasets.load("so2sat"), folder)
    assert failed(findings) == ["dtype"] * 3
    assert {row.accept for row in findings if row.status == "failed"} == {"kept"}
    content = {row.check for row in findings if row.layer == "content"}
    assert {"sen1:finite", "sen2:range", "one-hot"} <= content
    declared = datasets.load("so2sat", {"dtype": "float32"})
    findings, table = verify(declared, folder)
    assert failed(findings) == []
    assert {row.check for row in findings if row.layer == "content"} == content
    assert (table["content_hash"] != "").all()
    block = next(declared.blocks(folder, table, ["sen2:B2"], 9))
    with h5py.File(folder / "training.h5") as file:
        np.testing.assert_array_equal(block.layers["sen2:B2"][:3], file["sen2"][..., 0])
    mapped = declared.reader(folder, "training.h5", ["sen2"])(np.array([2, 0]))["sen2"]  # type: ignore[attr-defined]
    assert mapped.dtype == np.float32


def test_a_declared_dtype_holds(tmp_path: Path) -> None:
    findings, _ = verify(datasets.load("so2sat", {"dtype": "float32"}), so2sat(tmp_path, "float64"))
    assert set(failed(findings)) == {"dtype"}
    with pytest.raises(InputError, match="float64 or float32"):
        datasets.load("so2sat", {"dtype": "int8"})


@pytest.mark.parametrize("path", ["train.h5", "training_geo.csv", "culture/deep/training.h5", "labels.pkl"])
def test_files_of_so2sat_that_look_meant_are_named(tmp_path: Path, path: str) -> None:
    folder = so2sat(tmp_path, "float64")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(b"x")
    notes = [row for row in datasets.load("so2sat").structure(folder, []) if row.check == "unused"]
    assert [row.file for row in notes] == [path]


# Tables from outside


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"," * 300_000, "without end"),
        (b"," * 50_000 + b"\n1\n", "50001 columns"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<html><body>log in</body></html>", "a web page"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"roi_id\n\xff\xfe\n", "utf-8"),
        (b"", "empty"),
    ],
)
def test_a_table_that_is_none_ends_in_a_message_at_once(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(InputError, match=words):
        texts.read_texts(tmp_path / "metadata.csv")


def test_a_parquet_table_that_is_none_ends_in_a_message(tmp_path: Path) -> None:
    (tmp_path / "metadata.parquet").write_bytes(b"PAR1" + bytes(200))
    with pytest.raises(InputError, match="A table cannot be read"):
        texts.read_texts(tmp_path / "metadata.parquet")


@pytest.mark.parametrize("name", ["proj_centroid", "proj_transform", "proj_geometry"])
def test_a_coordinate_without_bounds_is_no_place(clouds: Path, name: str) -> None:
    """Reported: a centroid of 1e400 was a traceback."""
    path = clouds / "train" / "metadata.csv"
    table = pd.read_csv(path)
    table[name] = "[1e400, 1e400, 1e400, 0, -1e400, 1e400]"
    table.to_csv(path, index=False)
    assert verify(CLOUDS, clouds)[1]["lon"].isna().all()


@pytest.mark.parametrize(("name", "layout"), [("sen12ms", {}), ("sen12ms-relaid", {}), ("so2sat", {})])
def test_real_mini_releases_pass(real: Path, name: str, layout: dict[str, object]) -> None:
    findings, table = verify(datasets.load(name.split("-")[0], layout), real / name)
    assert failed(findings) == []
    assert len(table)
