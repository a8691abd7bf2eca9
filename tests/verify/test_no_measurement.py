"""What was not measured takes no part: pixels that are 0 in all optical bands, padding, empty patches."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
from rasterio.transform import Affine

from project import ROOT
from sentinel_forest import datasets
from sentinel_forest.datasets import sen12ms, so2sat
from sentinel_forest.datasets.base import IGNORE, Dataset, File, Finding, true_classes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import held_out, reference
from sentinel_forest.export import loaders
from sentinel_forest.features import shards, table
from sentinel_forest.io import tables
from sentinel_forest.models import forest
from sentinel_forest.models.samples import cut, patch_samples, pixel_samples
from sentinel_forest.verify import catalog, inspect

SIDE, IMAGE = 20, 17
BANDS = ("L1C_B2", "L1C_B3", "L1C_B4", "L1C_B8", "L1C_B11", "L1C_B12")
LABEL = "LABEL_manual_hq"
Verified = tuple[dict[tuple[str, str], Finding], pd.DataFrame]


def verified(dataset: Dataset, folder: Path) -> Verified:
    """Findings of the content, by file and check, and the catalog of a release."""
    files = [File(path) for path in dataset.list_files(folder)]
    _, inspections = inspect.read_all(dataset, folder, files, 2)
    inspections.append(dataset.conclude({file.path: seen for file, seen in zip(files, inspections, strict=True)}))
    found = {(row.file, row.check): row for seen in inspections for row in seen.findings}
    hashes = inspect.HASHES.validate(inspect._hashes(inspections))
    made = catalog.make(dataset, folder, [file.path for file in files], hashes)
    return found, catalog.schema(dataset).validate(made)


def lost(rows: pd.DataFrame, size: int, kind: str = "optical") -> list[int]:
    """Pixels without a measurement, by patch, from what the catalog says."""
    counts: list[int] = np.rint((1 - rows[f"valid_fraction_{kind}"].to_numpy()) * size).astype(int).tolist()
    return counts


# CloudSEN12


def clouds(folder: Path, *, at: tuple[int, int] = (1, 1), side: int = SIDE, dark: object = None, **counts: int) -> Path:
    """Images of 17 x 17 pixels at a place in patches; pixels of `dark` are 0 in all bands, and clear."""
    dataset = CloudSEN12(side=side, padding={} if side == IMAGE else None)
    random = np.random.default_rng(3)
    for split, count in (counts or {"train": 3, "test": 2}).items():
        layers = dataset.create(folder, split, count, [*BANDS, LABEL, "LABEL_fmask"])
        for layer, array in layers.items():
            top = 4 if layer == LABEL else 5 if layer == "LABEL_fmask" else 3000
            low = 0 if top < 9 else 100
            images = random.integers(low, top, (count, IMAGE, IMAGE))
            if dark is not None and split == "train":
                images[dark] = 0
            array[:, at[0] : at[0] + IMAGE, at[1] : at[1] + IMAGE] = images
            array.flush()
        names = [f"S2A_MSIL1C_2019010{row + 1}T101021_N0207_R022_T32UPU" for row in range(count)]
        about = pd.DataFrame({"roi_id": [f"ROI_{split}_{row}" for row in range(count)], "s2_id": names})
        dataset.write_metadata(folder, split, about)
    return folder


EDGE = np.s_[0, :, :6]
"""A third of the first image lies outside the swath."""


def test_pixels_outside_the_swath_are_counted_and_not_valid(tmp_path: Path) -> None:
    dataset = CloudSEN12(side=SIDE)
    found, rows = verified(dataset, clouds(tmp_path, dark=EDGE))
    finding = found["train/", "measured"]
    assert finding.status == "note"
    assert finding.found == "102 pixels in 1 of 3 patches; no patch is empty, the most are in row 0: 102 of 289"
    assert found["test/", "measured"].status == "ok"
    assert lost(rows, IMAGE**2) == [102, 0, 0, 0, 0]
    assert rows["valid_fraction_radar"].isna().all()
    assert rows["labelled_fraction"].tolist() == pytest.approx([187 / 289, 1, 1, 1, 1])
    labels = np.fromfile(tmp_path / f"train/{LABEL}.dat", "u1").reshape(-1, SIDE, SIDE)[0, 1:18, 7:18]
    for code, name in enumerate(dataset.tasks["cloud"].names):
        assert rows[f"fraction_{name}"][0] == pytest.approx((labels == code).mean())


def test_a_pixel_with_one_band_above_0_is_measured(tmp_path: Path) -> None:
    dataset = CloudSEN12(side=SIDE)
    clouds(tmp_path, dark=EDGE)
    path = tmp_path / "train/L1C_B12.dat"
    band = np.fromfile(path, "<i2").reshape(-1, SIDE, SIDE)
    band[0, 1:18, 1:6] = 7
    band.tofile(path)
    found, rows = verified(dataset, tmp_path)
    assert lost(rows, IMAGE**2)[0] == IMAGE
    assert found["train/", "measured"].found.startswith("17 pixels in 1 of 3 patches")


@pytest.fixture
def swath(tmp_path: Path) -> SimpleNamespace:
    """A release with an image at the edge of the swath, in both roles, and its catalog on disk."""
    dataset = CloudSEN12(side=SIDE)
    folder = clouds(tmp_path / "data", dark=EDGE)
    _, rows = verified(dataset, folder)
    tables.write_parquet(tmp_path / "catalog.parquet", rows, catalog.schema(dataset))
    return SimpleNamespace(dataset=dataset, folder=folder, rows=rows, root=tmp_path)


@pytest.mark.parametrize("name", ["l1c-6"])
def test_no_unmeasured_pixel_is_drawn(swath: SimpleNamespace, name: str) -> None:
    about = swath.dataset.feature_sets[name]
    drawn = table.feature_rows(swath.dataset, about, swath.folder, swath.rows, 10_000, (1, "r"))
    first = drawn[drawn["patch"] == swath.rows["patch"][0]]
    assert (first["pixel"] % IMAGE >= 6).all()
    assert len(first) == 187
    assert (drawn["patch"].value_counts() == 289).sum() == 4


def test_no_unmeasured_pixel_is_predicted_or_held_against_an_algorithm(swath: SimpleNamespace) -> None:
    (block,) = shards.read_blocks("t", swath.dataset, swath.folder, swath.rows.iloc[:1], (*BANDS, LABEL))
    samples = pixel_samples(swath.dataset, "l1c-6", block)
    assert len(samples.truth) == 187
    kept = pixel_samples(swath.dataset, "l1c-6", cut(block, np.array([True])))
    assert len(kept.truth) == 187
    counts, _ = reference.count_references(swath.dataset, swath.folder, swath.rows, ["fmask"])
    assert counts.groupby("patch")["count"].sum().loc[swath.rows["patch"]].tolist() == [187, *[289] * 4]


def test_the_mask_does_not_depend_on_the_bands_of_the_feature_set(swath: SimpleNamespace) -> None:
    (block,) = shards.read_blocks("t", swath.dataset, swath.folder, swath.rows.iloc[:1], (LABEL, "L1C_B2"))
    labels = true_classes(swath.dataset, "cloud", block)
    assert (labels[0, :, :6] == IGNORE).all()
    assert (labels[0, :, 6:] != IGNORE).all()


def test_an_unmeasured_pixel_is_missing_to_those_around_it(swath: SimpleNamespace) -> None:
    about = swath.dataset.feature_sets["l1c-6"]
    more = type(about)("around", about.task, ("B2_mean_7",), {"B2": "L1C_B2"})
    drawn = table.feature_rows(swath.dataset, more, swath.folder, swath.rows.iloc[:1], 10_000, (1, "r"))
    band = np.fromfile(swath.folder / "train/L1C_B2.dat", "<i2").reshape(-1, SIDE, SIDE)[0, 1:18, 1:18] / 1e4
    pixel = drawn[drawn["pixel"] == 8 * IMAGE + 6]
    assert pixel["B2_mean_7"].item() == pytest.approx(band[5:12, 6:10].mean(), rel=1e-5)


def test_whole_patches_are_read_as_before_and_no_optical_band_in_vain(
    swath: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    given = CloudSEN12.measured

    def measured(self: CloudSEN12, folder: Path, rows: pd.DataFrame, kind: str) -> np.ndarray:
        asked.extend(rows["patch"])
        return given(self, folder, rows, kind)

    monkeypatch.setattr(CloudSEN12, "measured", measured)
    for _ in shards.read_blocks("t", swath.dataset, swath.folder, swath.rows, (LABEL,)):
        pass
    assert asked == swath.rows["patch"].tolist()[:1]


def test_loaders_mark_unmeasured_pixels(swath: SimpleNamespace) -> None:
    task = swath.dataset.tasks["cloud"]
    trial = loaders.Trial(swath.dataset, swath.folder, swath.rows, task, ("L1C_B2",))
    assert (trial[0]["label"][:, :6] == IGNORE).all()
    assert (trial[0:2]["label"] != IGNORE).sum() == 187 + 289


def test_an_image_without_any_measurement_has_no_classes(tmp_path: Path) -> None:
    found, rows = verified(CloudSEN12(side=SIDE), clouds(tmp_path, dark=np.s_[1]))
    assert found["train/", "measured"].found.endswith("289 pixels in 1 of 3 patches; empty patches (1): row 1")
    assert rows["labelled_fraction"][1] == 0
    assert rows.filter(regex="^fraction_").loc[1].isna().all()


# CloudSEN12: where the images lie


@pytest.mark.parametrize(
    ("at", "padding"),
    [
        ((0, 3), {"bottom": 3, "left": 3}),
        ((0, 0), {"bottom": 3, "right": 3}),
        ((2, 1), {"top": 2, "bottom": 1, "left": 1, "right": 2}),
        ((3, 3), {"top": 3, "left": 3}),
    ],
)
def test_padding_elsewhere_fails_and_the_layout_can_declare_it(
    tmp_path: Path, at: tuple[int, int], padding: dict[str, int]
) -> None:
    clouds(tmp_path, at=at)
    found, _ = verified(CloudSEN12(side=SIDE), tmp_path)
    for split in ("train/", "test/"):
        finding = found[split, "padding"]
        assert finding.status == "failed"
        rows, columns = (f"{start} to {start + IMAGE - 1}" for start in at)
        assert finding.found == f"images in rows {rows}, columns {columns}"
        assert finding.expected == "images in rows 1 to 17, columns 1 to 17"
        whole = {name: padding.get(name, 0) for name in ("top", "bottom", "left", "right")}
        text = ", ".join(f"{name}: {width}" for name, width in whole.items())
        assert f"layout: {{side: 20, padding: {{{text}}}}}" in finding.remedy
    declared = CloudSEN12(side=SIDE, padding=padding)
    found, rows = verified(declared, tmp_path)
    assert {finding.check for finding in found.values() if finding.status != "ok"} == {"algorithms"}
    (block,) = declared.blocks(tmp_path, rows.iloc[:1], ["L1C_B2"], 1)
    stored = np.fromfile(tmp_path / "train/L1C_B2.dat", "<i2").reshape(-1, SIDE, SIDE)
    expected = stored[:1, at[0] : at[0] + IMAGE, at[1] : at[1] + IMAGE]
    assert np.array_equal(block.layers["L1C_B2"], expected)


def test_whatever_its_value_padding_in_its_place_is_good_and_elsewhere_is_found(tmp_path: Path) -> None:
    for at in ((1, 1), (0, 3)):
        clouds(tmp_path, at=at)
        inside = np.zeros((SIDE, SIDE), bool)
        inside[at[0] : at[0] + IMAGE, at[1] : at[1] + IMAGE] = True
        for path in tmp_path.glob("*/L1C_*.dat"):
            band = np.fromfile(path, "<i2").reshape(-1, SIDE, SIDE)
            band[:, ~inside] = -1
            band.tofile(path)
        found, _ = verified(CloudSEN12(side=SIDE), tmp_path)
        if at == (1, 1):
            assert ("train/", "padding") not in found
        else:
            assert found["train/", "padding"].found == "images in rows 0 to 16, columns 3 to 19"


def test_more_padding_than_declared_fails_but_one_image_at_an_edge_does_not(tmp_path: Path) -> None:
    declared = CloudSEN12(side=SIDE + 2, padding={"top": 1, "bottom": 4, "left": 1, "right": 4})
    clouds(tmp_path / "more", side=SIDE + 2, train=2)
    found, _ = verified(CloudSEN12(side=SIDE + 2), tmp_path / "more")
    assert found["train/", "padding"].status == "failed"
    assert found["train/", "padding"].found == "images in rows 1 to 17, columns 1 to 17"
    found, _ = verified(declared, tmp_path / "more")
    assert ("train/", "padding") not in found
    found, _ = verified(CloudSEN12(side=SIDE), clouds(tmp_path / "one", dark=EDGE, train=1))
    assert ("train/", "padding") not in found
    assert found["train/", "measured"].status == "note"


def test_images_without_padding_are_told_by_their_size_and_by_their_edge(tmp_path: Path) -> None:
    clouds(tmp_path, at=(0, 0), side=IMAGE)
    dataset = CloudSEN12(side=SIDE)
    findings = dataset.structure(tmp_path, [File(path) for path in dataset.list_files(tmp_path)])
    remedies = {row.remedy for row in findings if row.check == "size" and row.status == "failed"}
    declared = "17 x 17 without padding: layout: {side: 17, padding: {top: 0, bottom: 0, left: 0, right: 0}}"
    assert remedies == {f"these are {count} images of {declared}" for count in (2, 3)}
    found, _ = verified(CloudSEN12(side=IMAGE), tmp_path)
    assert found["train/", "padding"].status == "failed"
    assert found["train/", "padding"].found == "images in rows 0 to 16, columns 0 to 16"
    found, rows = verified(CloudSEN12(side=IMAGE, padding={}), tmp_path)
    assert {finding.check for finding in found.values() if finding.status != "ok"} == {"algorithms"}
    assert (rows["side_m"] == IMAGE * 10).all()


def test_a_release_of_labels_alone_shows_misplaced_padding_too(tmp_path: Path) -> None:
    clouds(tmp_path, at=(0, 3))
    for path in tmp_path.glob("*/L1C_*.dat"):
        path.unlink()
    found, _ = verified(CloudSEN12(side=SIDE), tmp_path)
    assert found["train/", "padding"].found == "images in rows 0 to 16, columns 3 to 19"


@pytest.mark.parametrize(
    "padding",
    [{"left": -1}, {"middle": 1}, {"left": 1.0}, {"left": True}, [1, 2, 1, 2], 3, {"left": 3}, {"top": 20, "left": 20}],
)
def test_an_impossible_padding_is_refused_by_its_key(padding: object) -> None:
    with pytest.raises(InputError, match="key 'padding'"):
        datasets.load("cloudsen12", {"side": 20, "padding": padding})


# So2Sat LCZ42


def lcz(folder: Path) -> Path:
    """Six patches in each file; in training, row 2 was not measured and row 3 only in part."""
    for name in ("training", "testing"):
        random = np.random.default_rng(len(name))
        with so2sat.create(folder, name, 6) as file:
            file["sen1"][...] = random.uniform(0.1, 1, file["sen1"].shape)
            pixels = random.uniform(0.1, 1, file["sen2"].shape)
            if name == "training":
                pixels[2], pixels[3, :4] = 0, 0
                pixels[4, 0, 0, :9] = 0
            file["sen2"][...] = pixels
            file["label"][...] = np.eye(17)[[0, 1, 2, 0, 1, 2]]
    return folder


def test_a_local_climate_zone_without_measurement_is_named_and_takes_no_part(tmp_path: Path) -> None:
    dataset = datasets.load("so2sat")
    found, rows = verified(dataset, lcz(tmp_path))
    finding = found["training.h5", "sen2:measured"]
    assert finding.status == "note"
    assert finding.found == "1152 pixels in 2 of 6 patches; empty patches (1): row 2"
    assert found["testing.h5", "sen2:measured"].status == "ok"
    assert lost(rows, 1024) == [0, 0, 1024, 128, *[0] * 8]
    assert lost(rows, 1024, "radar") == [0] * 12
    assert rows["label"].tolist() == [0, 1, -1, 0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert rows["labelled_fraction"][:4].tolist() == [1, 1, 0, 0.875]


@pytest.mark.parametrize("change", ["float32", "chunks"])
def test_the_same_holds_for_a_file_written_anew(tmp_path: Path, change: str) -> None:
    lcz(tmp_path)
    path = tmp_path / "training.h5"
    with h5py.File(path) as file:
        arrays = {key: file[key][...] for key in file}
    with h5py.File(path, "w") as file:
        for key, values in arrays.items():
            kind = "f4" if change == "float32" else "f8"
            file.create_dataset(key, data=values.astype(kind), chunks=True if change == "chunks" else None)
    _, rows = verified(datasets.load("so2sat"), tmp_path)
    assert lost(rows, 1024)[:5] == [0, 0, 1024, 128, 0]


def no_part(dataset: Dataset, folder: Path, rows: pd.DataFrame, name: str, patch: str, where: Path) -> None:
    """A patch without measurement is in no training, no prediction, and none of the further figures."""
    about = dataset.feature_sets[name]
    made = table.feature_rows(dataset, about, folder, rows, 1, (1, "r"))
    path = where / "features.parquet"
    tables.write_parquet(path, made, table.schema("patch", about.features))
    split = pd.DataFrame({"patch": rows["patch"], "role": "train"})
    training = forest.training_rows([path], about.features, split, "here")
    assert patch not in training.patches
    assert len(training.patches) == len(rows) - 1
    assert patch not in patch_samples(made, about.features).patches
    held = held_out.held_out_rows([path], about.features, rows[["patch", "group"]].assign(weight=1.0), 10, 1)
    assert len(held.truth) == len(rows) - 1


@pytest.mark.parametrize("name", ["lcz-s1", "lcz-s2"])
def test_nothing_is_learnt_from_an_empty_zone_nor_is_it_scored(tmp_path: Path, name: str) -> None:
    dataset = datasets.load("so2sat")
    _, rows = verified(dataset, lcz(tmp_path / "release"))
    no_part(dataset, tmp_path / "release", rows, name, "training/000002", tmp_path)


# SEN12MS


def scenes(folder: Path) -> Path:
    """Four patches: the second was not measured, the third only in part."""
    random = np.random.default_rng(4)
    for number in range(4):
        s2 = random.integers(200, 3000, (13, 16, 16)).astype("uint16")
        s2[10] = 0  # cirrus may well be 0
        if number == 1:
            s2[:] = 0
        if number == 2:
            s2[:, :4] = 0
            s2[1] = 0  # one dark band alone says nothing
        lc = np.stack([np.full((16, 16), code, "uint16") for code in (10, 1, 1, 1)])
        lc[0, : 12 if number == 3 else 8] = 17 if number % 2 else 13
        place = Affine(10, 0, 600_000 + 1000 * number, 0, -10, 5_000_000)
        s1 = random.uniform(-20, -5, (2, 16, 16)).astype("float32")
        sen12ms.write_patch(folder, "ROIs1158_spring", "1", number, s1=s1, s2=s2, lc=lc, epsg=32632, transform=place)
    return folder


def test_a_scene_without_measurement_is_named_and_a_part_is_counted(tmp_path: Path) -> None:
    dataset = datasets.load("sen12ms", {"side": 16})
    found, rows = verified(dataset, scenes(tmp_path))
    finding = found["(all tiles of s2)", "measured"]
    assert finding.status == "note"
    assert finding.found == ("320 pixels in 2 of 4 patches; empty patches (1): ROIs1158_spring/1/p1")
    assert lost(rows, 256) == [0, 256, 64, 0]
    assert lost(rows, 256, "radar") == [0] * 4
    assert rows["labelled_fraction"].tolist() == [1, 0, 0.75, 1]
    assert rows["label"][1] == -1
    assert rows["fraction_Urban"].tolist() == pytest.approx([0.5, np.nan, 1 / 3, 0], nan_ok=True)
    assert rows["igbp_13"].tolist() == pytest.approx([0.5, np.nan, 1 / 3, 0], nan_ok=True)


def test_unmeasured_pixels_of_land_cover_take_no_part_not_even_for_radar(tmp_path: Path) -> None:
    dataset = datasets.load("sen12ms", {"side": 16})
    _, rows = verified(dataset, scenes(tmp_path))
    for name in ("pixel-s1", "pixel-s2"):
        about = dataset.feature_sets[name]
        drawn = table.feature_rows(dataset, about, tmp_path, rows, 10_000, (1, "r"))
        counts = drawn["patch"].value_counts().reindex(rows["patch"], fill_value=0)
        assert counts.tolist() == [256, 0, 192, 256], name
        third = drawn[drawn["patch"] == rows["patch"][2]]
        assert (third["pixel"] >= 64).all()


@pytest.mark.parametrize("name", ["scene-s1", "scene-s2"])
def test_nothing_is_learnt_from_an_empty_scene_nor_is_it_scored(tmp_path: Path, name: str) -> None:
    dataset = datasets.load("sen12ms", {"side": 16})
    _, rows = verified(dataset, scenes(tmp_path / "release"))
    no_part(dataset, tmp_path / "release", rows, name, "ROIs1158_spring/1/p1", tmp_path)


# Situations that users have reported


@pytest.fixture(scope="module")
def reported(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their inputs, made of real pixels; skipped where the folder with their script is absent."""
    place = os.environ.get("SENTINEL_FOREST_REPORTED", ROOT.parent / "shared" / "reported")
    script = Path(place) / "make_inputs.py"
    if not script.is_file():
        pytest.skip(f"no reported situations at {script.parent} (set SENTINEL_FOREST_REPORTED to their folder)")
    folder = tmp_path_factory.mktemp("reported")
    subprocess.run([sys.executable, script, folder, real], check=True, capture_output=True)
    return folder


def test_reported_c01_plus_geometry(reported: Path) -> None:
    folder = reported / "c01_plus_geometry"
    found, _ = verified(CloudSEN12(side=96), folder)
    for split in ("train/", "val/", "test/"):
        assert found[split, "padding"].status == "failed"
        assert found[split, "padding"].found == "images in rows 0 to 92, columns 3 to 95"
        assert "padding: {top: 0, bottom: 3, left: 3, right: 0}" in found[split, "padding"].remedy
    found, rows = verified(CloudSEN12(side=96, padding={"bottom": 3, "left": 3}), folder)
    assert {row.status for row in found.values() if not row.found.startswith("not computed")} == {"ok"}
    assert (rows["valid_fraction_optical"] == 1).all()


def test_reported_c10_swath_edge(reported: Path) -> None:
    folder, dataset = reported / "c10_swath_edge", CloudSEN12(side=96)
    found, rows = verified(dataset, folder)
    assert found["train/", "measured"].found.startswith("2883 pixels in 1 of 9 patches")
    assert rows["labelled_fraction"][0] == pytest.approx(62 / 93)
    about = dataset.feature_sets["l1c-6"]
    drawn = table.feature_rows(dataset, about, folder, rows, 2000, (1, "r"))
    assert (drawn.loc[drawn["patch"] == rows["patch"][0], "pixel"] % 93 >= 31).all()
    assert (drawn[["B2", "B3", "B4", "B8", "B11", "B12"]] > 0).any(axis=1).all()


def test_reported_s13_empty_patch(reported: Path, tmp_path: Path) -> None:
    folder, dataset = reported / "s13_empty_patch", datasets.load("so2sat")
    found, rows = verified(dataset, folder)
    assert found["training.h5", "sen2:measured"].found == "1024 pixels in 1 of 60 patches; empty patches (1): row 5"
    no_part(dataset, folder, rows, "lcz-s1+s2", "training/000005", tmp_path)
