"""A fault of one split, file or season alone: the others would hide it from checks that pool all images."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from verify.planted import assign, by, layer, rows, tiles, verified, write_samples


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small samples of all three datasets."""
    return write_samples(tmp_path_factory.mktemp("samples"))


def bands_of(split: str, change: Callable[[np.ndarray], object]) -> Callable[[Path], None]:
    """Change all layers of level 1C in one split."""

    def plant(folder: Path) -> None:
        for path in sorted((folder / split).glob("L1C_*.dat")):
            layer(path.stem, change, split)(folder)

    return plant


def exchanged(folder: Path) -> None:
    """VV and VH of one split are exchanged."""
    one, two = (folder / f"train/S1_{name}.dat" for name in ("VV", "VH"))
    held = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(held)


def of_training(key: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Change a dataset of ``training.h5``."""
    return rows(lambda handle: handle[key].__setitem__(..., change(handle[key][...])))


FAULTS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "offset of a split": ("cloudsen12", "train/", bands_of("train", by(lambda images: images + 1000))),
    "scale of a split": ("cloudsen12", "train/", bands_of("train", by(lambda images: images // 100))),
    "polarisations of a split": ("cloudsen12", "train/", exchanged),
    "labels of a split": (
        "cloudsen12",
        "train/",
        layer("LABEL_manual_hq", by(lambda images: images.swapaxes(1, 2).copy())),
    ),
    "offset of a file": ("so2sat", "training.h5", of_training("sen2", lambda values: values + 0.1)),
    "images of a file": ("so2sat", "training.h5", of_training("sen1", lambda values: values[:, ::-1])),
}
"""What is wrong: dataset, the part that is named, and how it comes about."""

CHECKS = {
    "offset": "offset",
    "scale": "reflectance-scale",
    "polarisations": "radar-order",
    "labels": "alignment",
    "images": "alignment",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_one_part_fails(samples: dict[str, Path], tmp_path: Path, fault: str) -> None:
    name, part, plant = FAULTS[fault]
    plant(shutil.copytree(samples[name], tmp_path / "planted"))
    failed = [row for row in verified(name, tmp_path / "planted") if row.status == "failed"]
    check = CHECKS[fault.split()[0]]
    assert check in {row.check for row in failed}
    assert {row.file for row in failed if row.check == check} <= {part, "(all images)"}


def test_an_offset_of_a_few_tiles_is_told_by_their_cirrus_band(samples: dict[str, Path], tmp_path: Path) -> None:
    tiles("s2", lambda pixels: pixels + np.uint16(1000), 6)(shutil.copytree(samples["sen12ms"], tmp_path / "planted"))
    (failed,) = [row for row in verified("sen12ms", tmp_path / "planted") if row.status == "failed"]
    assert (failed.check, failed.found[:13]) == ("offset", "none in 6 of ")


def test_the_highest_clouds_are_no_offset(samples: dict[str, Path], tmp_path: Path) -> None:
    """Their tops are bright in all bands, B10 among them: such images are a note, however many."""
    folder = shutil.copytree(samples["sen12ms"], tmp_path / "planted")
    tiles("s2", lambda pixels: np.maximum(pixels, 2000) + (pixels % 500).astype("uint16"), 6)(folder)
    (found,) = [row for row in verified("sen12ms", folder) if row.check == "offset"]
    assert (found.status, found.found[:13]) == ("note", "none in 6 of ")


def test_a_hole_in_both_polarisations_is_none_in_one(samples: dict[str, Path], tmp_path: Path) -> None:
    """What neither has was not measured, which is a note; a few pixels in one are chance."""
    folder = shutil.copytree(samples["cloudsen12"], tmp_path / "planted")
    for name in ("S1_VV", "S1_VH"):
        layer(name, assign(np.s_[3, :9, :9], 0))(folder)
    layer("S1_VV", assign(np.s_[4, 0, :8], 0))(folder)
    assert not [row for row in verified("cloudsen12", folder) if row.check == "hole" or row.status == "failed"]


def test_few_clear_labels_of_cloudy_images_are_a_note(samples: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(samples["cloudsen12"], tmp_path / "planted")
    layer("LABEL_manual_hq", assign(np.s_[:5], 0))(folder)
    (found,) = [row for row in verified("cloudsen12", folder) if row.check == "labels-clear"]
    assert found.status == "note"
    assert found.found.startswith("2 of ")
