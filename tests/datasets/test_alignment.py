"""Whether labels, radar and optical images lie upon each other: turned, mirrored and exchanged ones are found."""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from sentinel_forest.datasets import alignment, load, plausibility
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.values import Values, pool
from verify.planted import verified

LAYERS = load("cloudsen12", {}).layer_table
OPTICAL, RADAR = ("L1C_B2", "L1C_B11"), ("S1_VV", "S1_VH")
SYMMETRIES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda grid: np.rot90(grid, axes=(-2, -1)),
    lambda grid: grid[..., ::-1, ::-1],
    lambda grid: np.rot90(grid, 3, axes=(-2, -1)),
    lambda grid: grid.swapaxes(-2, -1),
    lambda grid: grid[..., ::-1, :],
    lambda grid: grid[..., ::-1, ::-1].swapaxes(-2, -1),
    lambda grid: grid[..., ::-1],
)
"""Turns and mirrors of (images, 4, 4), written as another would."""


def images(count: int, part: str = "train/", seed: int = 0) -> tuple[Values, Values]:
    """Optical images of bright clouds and their labels, and radar that goes along with the ground."""
    random = np.random.default_rng(seed)
    ground = random.standard_normal((count, 16))
    cloud = (random.random((count, 16)) < 0.4).astype(np.uint8)
    optical = np.stack([2000 + 300 * ground + 1500.0 * cloud, 1500 + 400 * ground + 900.0 * cloud], axis=1)
    radar = np.stack([-10 + 2 * ground, -17 + 2 * ground], axis=1) + random.standard_normal((count, 2, 16))
    shown = [sample.astype(np.float32) for sample in (optical, radar)]
    return (
        Values(part, OPTICAL, shown[0].min(axis=2), shown[0], labels=cloud),
        Values(part, RADAR, shown[1].min(axis=2), shown[1]),
    )


def changed(values: Values, change: Callable[[np.ndarray], np.ndarray], labels: bool = False) -> Values:
    """Values whose samples, or labels, are changed as (images, 4, 4)."""
    if labels:
        assert values.labels is not None
        codes = change(values.labels.reshape(-1, 4, 4)).reshape(-1, 16)
        return Values(values.part, values.layers, values.low, values.sample, labels=codes)
    sample = values.sample
    turned = change(sample.reshape(*sample.shape[:2], 4, 4)).reshape(sample.shape)
    return Values(values.part, values.layers, values.low, turned, labels=values.labels)


def judged(*values: Values) -> Finding:
    """What the check says."""
    (finding,) = alignment.alignment(pool(LAYERS, values))
    return finding


def test_images_that_lie_upon_each_other_pass() -> None:
    found = judged(*images(100))
    assert found.status == "ok"
    assert found.found.startswith("labels: agreement 0.")
    assert "Sentinel-1: agreement 0." in found.found


@pytest.mark.parametrize("place", range(7))
def test_each_turn_of_labels_is_found_and_named(place: int) -> None:
    """The labels were turned: it is the inverse turn that makes them fit, or as well the same turn of the images."""
    optical, radar = images(60)
    found = judged(changed(optical, SYMMETRIES[place], labels=True), radar)
    assert found.status == "failed"
    inverse = {0: 2, 2: 0}.get(place, place)
    assert alignment._TURNS[1 + inverse] in found.found
    assert "Sentinel-1" not in found.found


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_turned_radar_is_found(symmetry: Callable) -> None:
    optical, radar = images(100)
    found = judged(optical, changed(radar, symmetry))
    assert (found.status, found.found.split(":")[0]) == ("failed", "Sentinel-1")


def test_labels_of_other_images_are_found() -> None:
    optical, radar = images(400)
    found = judged(changed(optical, lambda labels: labels[np.random.default_rng(1).permutation(400)], True), radar)
    assert found.status == "failed"
    assert "with other images" in found.found


def test_chance_alone_is_no_turn() -> None:
    """Of 200 sets of labels without any relation to the images, none looks turned: too few to say they do not fit."""
    for seed in range(200):
        optical, radar = images(100, seed=seed)
        random = np.random.default_rng(seed + 1000)
        anything = changed(optical, lambda labels, random=random: random.permuted(labels, axis=0), labels=True)
        found = judged(anything, radar)
        assert found.status == "note"
        assert found.found.startswith("cannot be told: labels: agreement ")


def test_few_images_and_images_of_one_value_say_nothing() -> None:
    found = judged(*images(29))
    assert (found.status, found.found) == ("note", "not computed: 29 images that can tell, 30 are needed")
    optical, radar = images(60)
    flat = changed(changed(optical, lambda labels: labels * 0, labels=True), lambda sample: sample * 0 + 1)
    assert judged(flat, radar).found == "not computed: 0 images that can tell, 30 are needed"


def test_missing_pixels_are_no_agreement() -> None:
    """0 in both sensors at the same pixels, as beyond the edge of what was seen: such images are not judged."""
    optical, radar = images(60)
    for values in (optical, radar):
        values.sample[:20, :, :4] = 0
    assert "(40 images)" in judged(optical, radar).found.split(";")[1]


def test_sensors_of_different_images_are_not_compared() -> None:
    (optical, _), (_, radar) = images(50, "train/"), images(50, "val/")
    assert list(alignment.alignment(pool(LAYERS, [optical, radar]))) == []


def test_a_fault_of_one_part_is_told_of_that_part() -> None:
    """The others would hide it; where all have the fault it is told once."""
    optical, radar = images(40, "val/", seed=2)
    turned = changed(optical, SYMMETRIES[1], labels=True)
    whole = images(200)
    failed = {row.file for row in plausibility.findings(LAYERS, [*whole, turned, radar]) if row.status == "failed"}
    assert failed == {"val/"}
    everywhere = [changed(whole[0], SYMMETRIES[1], labels=True), whole[1], turned, radar]
    rows = [row for row in plausibility.findings(LAYERS, everywhere) if row.check == "alignment"]
    assert [(row.file, row.status) for row in rows] == [("(all images)", "failed")]


@pytest.mark.parametrize("key", ["sen1", "sen2"])
def test_real_images_that_were_mirrored_are_found(real: Path, tmp_path: Path, key: str) -> None:
    folder = shutil.copytree(real / "so2sat", tmp_path / "so2sat")
    for path in folder.glob("*[ng].h5"):
        with h5py.File(path, "r+") as handle:
            handle[key][...] = handle[key][...][:, :, ::-1]
    failed = [row for row in verified("so2sat", folder) if row.status == "failed"]
    assert [row.check for row in failed] == ["alignment"]
    assert "mirrored left to right" in failed[0].found
