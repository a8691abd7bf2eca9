"""A scene whose values cannot be those of its bands makes no map, unless the failed check is accepted."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

import scenes
from sentinel_forest.datasets import load
from sentinel_forest.datasets.base import OPTICAL, RADAR, Block
from sentinel_forest.errors import InputError
from sentinel_forest.mapping.map import map_scene
from sentinel_forest.mapping.plausible import Seen
from sentinel_forest.sensors import SENTINEL_2

SIX = ("B2", "B3", "B4", "B8", "B11", "B12")
FOREST = {"release": "mine", "scheme": "published", "trial": 1, "set": "l1c-6"}
DARKEST = dict(zip(SIX, (800, 550, 330, 300, 200, 100), strict=True))
"""Digital numbers of the darkest pixels of real images at the top of the atmosphere."""


def sound() -> np.ndarray:
    """Six bands of land as a sensor sees them: what they share, and scattered light that is strongest in the blue."""
    random = np.random.default_rng(5)
    ground = random.gamma(2, 400, (200, 200))
    bands = [low + ground * gain for low, gain in zip(DARKEST.values(), (0.6, 0.8, 1, 2.5, 2, 1.5), strict=True)]
    return np.rint(bands + random.uniform(0, 40, (6, 200, 200))).astype(np.uint16)


@pytest.fixture(scope="module")
def version(tmp_path_factory) -> Path:
    return scenes.clouds(tmp_path_factory.mktemp("plain"), "l1c-6")


def mapped(version: Path, folder: Path, numbers: np.ndarray, **more: object) -> Path:
    scene = scenes.write_bands(folder / "scene", SIX, numbers)
    output = folder / "map.tif"
    map_scene(version=version, **FOREST, scene=scene, output=output, **{"level": "L1C", "offset": 0, **more})
    return output


def test_a_sound_scene_is_mapped_and_says_that_nothing_was_accepted(version: Path, tmp_path: Path) -> None:
    with rasterio.open(mapped(version, tmp_path, sound())) as file:
        assert (file.tags()["accepted"], file.tags()["windows_checked"]) == ("nothing", "36")


FAULTS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "reflectance-scale": (lambda numbers: (numbers / 40).astype(np.uint16), 0),
    "offset": (lambda numbers: numbers + np.uint16(1000), 0),
    "scattered-light": (lambda numbers: numbers, -1000),
    "one-value": (lambda numbers: np.where(np.arange(6)[:, None, None] == 3, 900, numbers).astype(np.uint16), 0),
    "same-bands": (lambda numbers: numbers[[0, 1, 2, 3, 4, 4]], 0),
}


@pytest.mark.parametrize("check", FAULTS)
def test_numbers_that_cannot_be_stop_the_map(version: Path, tmp_path: Path, check: str) -> None:
    change, offset = FAULTS[check]
    with pytest.raises(InputError, match=rf"check {check}(.|\n)*--accept .*{check}"):
        mapped(version, tmp_path, change(sound()), offset=offset)
    assert not (tmp_path / "map.tif").exists()


def test_an_accepted_check_is_told_in_the_tags(version: Path, tmp_path: Path) -> None:
    change, offset = FAULTS["offset"]
    with rasterio.open(mapped(version, tmp_path, change(sound()), offset=offset, accept=["offset"])) as file:
        assert file.tags()["accepted"] == "offset"


def test_a_misspelt_check_is_refused(version: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such check(.|\n)*offset"):
        mapped(version, tmp_path, sound(), accept=["ofset"])


def failed(kind: str, height: int, width: int, *strips: dict[str, np.ndarray]) -> list[str]:
    """Checks that fail for strips of a scene; their bands have the names of layers of CloudSEN12."""

    def as_block(bands: dict[str, np.ndarray]) -> Block:
        return Block(pd.DataFrame(index=[0]), bands, {kind: np.ones((1, 1, 1), bool)})

    seen = Seen(height, width)
    for strip in strips:
        seen.add(strip, as_block)
    return [each.check for each in seen.failed(load("cloudsen12"))]


def backscatter(height: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    medians = {"S1_VV": -10, "S1_VH": -16}
    return {name: random.normal(median, 4, (height, 384)).astype(np.float32) for name, median in medians.items()}


def test_a_bright_roof_in_the_last_row_of_a_scene_does_not_tell_of_another_unit() -> None:
    last = backscatter(1)
    last["S1_VV"][:] = 3
    assert failed(RADAR, 1025, 384, backscatter(1024), last) == []
    everywhere = {name: values + 40 for name, values in backscatter(1024).items()}
    assert failed(RADAR, 1025, 384, everywhere, last) == ["radar-unit"]


@pytest.mark.parametrize("cloud", [0, 150])
def test_high_clouds_over_a_part_of_a_scene_are_no_offset(cloud: int) -> None:
    """Windows within them have no dark pixel, not even in B10, and in B10 they are hardly above the offset."""
    bands = {f"L1C_{name}": values for name, values in zip(SIX, sound(), strict=True)}
    bands["L1C_B10"] = np.random.default_rng(6).integers(5, 60, (200, 200)).astype(np.uint16)
    for name, values in bands.items():
        values[:, :cloud] = (1150 if name == "L1C_B10" else 4000) + values[:, :cloud] % 61
    assert failed(OPTICAL, 200, 200, bands) == []
    assert failed(OPTICAL, 200, 200, {name: values + np.uint16(1000) for name, values in bands.items()}) == ["offset"]


def test_black_water_is_sound_after_the_correction_of_the_atmosphere_alone() -> None:
    """Values that fell below the offset are 1: in most pixels of a clear sea, in the infrared."""
    random = np.random.default_rng(8)
    bands = {name: random.integers(1, 60 - 8 * place, (200, 200)) for place, name in enumerate(SIX)}
    bands |= {name: np.where(random.random((200, 200)) < 0.6, 1, bands[name]) for name in ("B11", "B12")}
    stored = {name: values.astype(np.uint16) for name, values in bands.items()}
    assert failed(OPTICAL, 200, 200, {f"L2A_{name}": values for name, values in stored.items()}) == []
    found = failed(OPTICAL, 200, 200, {f"L1C_{name}": values for name, values in stored.items()})
    assert {"reflectance-scale", "one-value"} <= set(found)


def test_a_pixel_without_a_value_in_one_band_hides_no_window() -> None:
    bands = {f"L1C_{name}": values for name, values in zip(SIX, sound(), strict=True)}
    bands["L1C_B12"][::16, ::16] = 0
    assert failed(OPTICAL, 200, 200, bands) == []
    raised = {name: values + np.uint16(1000) * (values > 0) for name, values in bands.items()}
    assert failed(OPTICAL, 200, 200, raised) == ["offset"]


def test_real_images_raise_no_alarm_and_a_forgotten_offset_is_found(real: Path, tmp_path: Path) -> None:
    """Each image is a scene of its own."""
    with tarfile.open(real / "cloudsen12.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    names = [f"L1C_{band}" for band in SENTINEL_2]
    scenes_seen = 0
    for folder in sorted({path.parent for path in tmp_path.rglob("L1C_B2.dat")}):
        stored = [np.fromfile(folder / f"{name}.dat", np.int16).reshape(-1, 512, 512) for name in names]
        for images in zip(*(each[:, 1:-2, 1:-2].astype(np.uint16) for each in stored), strict=True):
            bands = dict(zip(names, images, strict=True))
            assert failed(OPTICAL, 509, 509, bands) == []
            raised = {name: values + np.uint16(1000) * (values > 0) for name, values in bands.items()}
            assert "offset" in failed(OPTICAL, 509, 509, raised)
            scenes_seen += 1
    assert scenes_seen == 17
