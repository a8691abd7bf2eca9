"""Odd releases that people really have: what is meant is read, or named with what to do; nothing is left out unseen."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from sentinel_forest import datasets
from sentinel_forest.datasets.base import File, Finding
from sentinel_forest.datasets.findings import empty_run, unmeasured_finding
from sentinel_forest.datasets.sen12ms.content import inspect_tile
from sentinel_forest.datasets.so2sat.content import Pixels
from sentinel_forest.datasets.values import alike, fold
from sentinel_forest.errors import InputError
from sentinel_forest.io import texts

SPRING = "ROIs1158_spring"
TILE = f"{SPRING}_s2_1_p30.tif"

READ = {
    "sen12ms": "ROIs1868_summer/s2_1/ROIs1868_summer_s2_1_p30.tif",
    "cloudsen12": "train/L1C_B2.dat",
    "so2sat": "validation.h5",
}
"""A file that is read, beside those that are planted."""

MISPLACED = {
    f"rois1158_spring/s2_1/{TILE}": ("sen12ms", f"{SPRING}/s2_1/{TILE}"),
    f"ROIS1158_SPRING/S2_1/{TILE.upper()}": ("sen12ms", f"{SPRING}/s2_1/{TILE}"),
    f"{SPRING}/{SPRING}/s2_1/{TILE}": ("sen12ms", f"{SPRING}/s2_1/{TILE}"),
    f"data/SEN12MS/{SPRING}/s2_1/{TILE}": ("sen12ms", f"{SPRING}/s2_1/{TILE}"),
    f"{SPRING}/{TILE}": ("sen12ms", f"{SPRING}/s2_1/{TILE}"),
    f"{SPRING}/s2_1/{TILE}f": ("sen12ms", f"{SPRING}/s2_1/{TILE}"),
    "Val/L1C_B2.dat": ("cloudsen12", "val/L1C_B2.dat"),
    "cloudsen12/val/L1C_B2.dat": ("cloudsen12", "val/L1C_B2.dat"),
    "testing/test_B02.dat": ("cloudsen12", "test/L1C_B2.dat"),
    "Training.h5": ("so2sat", "training.h5"),
    "training.hdf5": ("so2sat", "training.h5"),
    "train.h5": ("so2sat", "training.h5"),
    "a/b/training.h5": ("so2sat", "training.h5"),
    "Training_Geo.h5": ("so2sat", "training_geo.h5"),
}


def put(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")


def not_read(name: str, folder: Path) -> list[Finding]:
    """What is said of files that are not read."""
    return [row for row in datasets.load(name).structure(folder, []) if row.check in ("folder", "unused")]


@pytest.mark.parametrize("path", MISPLACED)
def test_data_that_nothing_reads_are_a_failure(tmp_path: Path, path: str) -> None:
    """Reported: a season in lower case, or nested once more, gave notes alone, and was not read."""
    name, home = MISPLACED[path]
    put(tmp_path, READ[name], path)
    (finding,) = not_read(name, tmp_path)
    assert (finding.check, finding.status, finding.accept) == ("folder", "failed", "left out")
    assert (finding.found, finding.expected) == (f"1 files not read, such as {path}", home)
    assert "move or rename" in finding.remedy


def test_a_season_that_is_not_read_is_one_line(tmp_path: Path) -> None:
    put(tmp_path, READ["sen12ms"])
    put(tmp_path, *(f"rois1158_spring/{s}_1/{SPRING}_{s}_1_p{number}.tif" for s in ("s1", "s2") for number in range(9)))
    (finding,) = not_read("sen12ms", tmp_path)
    assert (finding.file, finding.found[:17]) == ("rois1158_spring/", "18 files not read")


@pytest.mark.parametrize("name", READ)
def test_a_copy_of_what_is_read_is_a_note(tmp_path: Path, name: str) -> None:
    put(tmp_path, READ[name], f"old/copy/{READ[name]}")
    (finding,) = not_read(name, tmp_path)
    assert (finding.check, finding.status) == ("unused", "note")


@pytest.mark.parametrize("path", MISPLACED)
def test_a_folder_in_which_nothing_is_read_shows_what_is_there(tmp_path: Path, path: str) -> None:
    name, _ = MISPLACED[path]
    put(tmp_path, path)
    with pytest.raises(InputError) as caught:
        datasets.load(name).list_files(tmp_path)
    assert path in str(caught.value)


@pytest.mark.parametrize("path", [TILE.replace(".tif", ".TIF"), TILE.replace(".tif", ".Tif")])
def test_a_tile_whose_name_does_not_lead_to_those_of_its_patch_fails(path: str) -> None:
    """The reader finds the tiles of a patch by one name: another ending ended in a file that is missing."""
    dataset = datasets.load("sen12ms")
    paths = [f"{SPRING}/s2_1/{TILE}", *(f"{SPRING}/{s}_1/{path.replace('s2', s)}" for s in ("s1", "lc"))]
    (finding,) = [row for row in dataset.structure(Path(), [File(each) for each in paths]) if row.check == "name"]
    assert (finding.found, finding.accept) == (f"2 tiles, such as {paths[1]}", "")
    assert finding.expected == f"{paths[1][:-3]}tif, ..."


@pytest.mark.parametrize(("dead", "status"), [(4, "note"), (6, "failed"), (40, "failed")])
def test_a_channel_of_one_value_in_many_patches_fails(dead: int, status: str) -> None:
    """Half of the patches had no B5, and that was a note."""
    rows = np.random.default_rng(1).uniform(0.1, 1, (40, 32, 32, 10))
    rows[:dead, ..., 3] = 0
    seen = Pixels("sen2")
    seen.take(rows.reshape(40, -1))
    (finding,) = [row for row in seen.findings(File("training.h5")) if row.check == "sen2:constant"]
    assert (finding.status, "B5" in finding.found) == (status, True)


def test_a_mask_that_hides_pixels_is_told() -> None:
    """It is not read, so that what it hides was learnt from; a mask that hides nothing is nobody's fault."""
    profile = {"driver": "GTiff", "dtype": "uint16", "count": 13, "width": 64, "height": 64, "crs": "EPSG:32632"}
    pixels = np.random.default_rng(1).integers(1, 9000, (13, 64, 64)).astype("u2")
    for hidden in (0, 7):
        shown = np.ones((64, 64), dtype=bool)
        shown[0, :hidden] = False
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), MemoryFile() as memory:
            with memory.open(**profile, transform=Affine(10, 0, 667_100, 0, -10, 5_256_600)) as target:
                target.write(pixels)
                target.write_mask(shown)
            seen = inspect_tile(f"{SPRING}/s2_1/{TILE}", bytes(memory.read()), 64)
        found = [(row.check, row.found) for row in seen.findings if row.status == "failed"]
        assert found == ([("nodata", "a mask says that 7 pixels are missing")] if hidden else [])
        assert seen.left_out == bool(hidden)


@pytest.mark.parametrize("first", ["[Content_Types].xml", "docProps/app.xml", "xl/workbook.xml"])
def test_a_spreadsheet_in_the_place_of_a_table_is_called_so(tmp_path: Path, first: str) -> None:
    """Reported: "a zip archive: unpack it"."""
    with zipfile.ZipFile(tmp_path / "metadata.csv", "w") as archive:
        archive.writestr(first, "<x/>")
    with pytest.raises(InputError, match="spreadsheet") as caught:
        texts.read_texts(tmp_path / "metadata.csv")
    assert "save it as CSV" in str(caught.value)


@pytest.mark.parametrize(
    ("counts", "at_end", "run"),
    [
        ([0] * 9 + [4] * 5, False, (9, 14)),
        ([0] * 3 + [4] * 5 + [0], False, (3, 8)),
        ([0] * 3 + [4] * 5 + [0], True, None),
        ([4] * 6, True, (0, 6)),
        ([4, 4, 4, 4, 0, 4, 4, 4, 4], False, None),
        ([4] * 5 + [0] + [4] * 7, False, (6, 13)),
        ([], False, None),
    ],
)
def test_a_hole_in_the_middle_is_found_as_one_at_the_end(
    counts: Sequence[int], at_end: bool, run: tuple[int, int] | None
) -> None:
    """A download in several parts leaves its hole anywhere."""
    assert list(empty_run(counts, 4, at_end)) == (list(range(*run)) if run else [])


def test_two_bands_with_the_same_values_are_told() -> None:
    """A layer that was copied over another one passed; its correlation with the neighbours is better than the true."""
    random = np.random.default_rng(1)
    first, second = random.integers(0, 9000, (2, 20, 4)).astype("f4")
    assert alike(first, second) == (0, 20)
    second[:7] = first[:7]
    first[0], second[0] = 5, 5
    assert alike(first, second) == (6, 19)


def test_a_hole_stops_a_release_and_names_its_patches() -> None:
    pixels = np.zeros(40, np.int64)
    pixels[10:16] = 100
    finding = unmeasured_finding("a.h5", "measured", pixels, 100, [f"row {row}" for row in range(40)])
    assert (finding.status, finding.accept) == ("failed", "left out")
    assert "row 10, row 11" in finding.found
    finding = unmeasured_finding("a.h5", "measured", pixels, 100, [""] * 40, "radar", at_end=True)
    assert finding.status == "note"


@pytest.mark.parametrize("shape", [(3, 32 * 32, 8), (2, 255 * 255, 13), (1, 256 * 256, 2), (4, 7, 3), (0, 1024, 10)])
@pytest.mark.parametrize("kind", ["float64", "uint16"])
def test_images_are_reduced_in_parts_as_at_once(shape: tuple[int, ...], kind: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 60_000, shape).astype(kind)
    for ufunc in (np.minimum, np.maximum):
        np.testing.assert_array_equal(fold(pixels, ufunc), ufunc.reduce(pixels, axis=1))
