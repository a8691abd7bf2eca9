"""Scales and offsets that the images of a scene declare: read where they say what is needed, never ignored."""

from pathlib import Path

import pytest
import rasterio

import scenes
from sentinel_forest.errors import InputError
from sentinel_forest.mapping.scene import open_scene


def declare(folder: Path, band: str, scale: float, offset: float) -> None:
    """Let the image of a band declare how its numbers are to be changed."""
    with rasterio.open(folder / f"{band}.tif", "r+") as file:
        file.scales, file.offsets = [scale], [offset]


def offsets(folder: Path, offset: float | None) -> dict[str, float]:
    """What is added to the numbers of each band."""
    with open_scene(folder, ("B2", "B3"), level="L1C", offset=offset) as scene:
        return dict(scene.offsets)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return scenes.write_bands(tmp_path / "scene", ("B2", "B3"), scenes.noise(3, (2, 20, 20)))


def test_a_scale_of_digital_numbers_says_the_offset(folder: Path) -> None:
    for band in ("B2", "B3"):
        declare(folder, band, 1e-4, -0.1)
    assert offsets(folder, None) == offsets(folder, -1000) == {"B2": -1000, "B3": -1000}
    with pytest.raises(InputError, match="declares another offset"):
        offsets(folder, 0)


@pytest.mark.parametrize("offset", [None, 0])
@pytest.mark.parametrize(("scale", "added"), [(0.01, 0), (1, -1000)])
def test_another_scale_is_refused_whatever_is_said(
    folder: Path, scale: float, added: float, offset: float | None
) -> None:
    declare(folder, "B3", scale, added)
    with pytest.raises(InputError, match=r"B3(.|\n)*gdal_edit"):
        offsets(folder, offset)


@pytest.mark.parametrize(("scale", "added"), [(0.01, 0), (1, -10)])
def test_a_scale_of_radar_is_refused(tmp_path: Path, folder: Path, scale: float, added: float) -> None:
    radar = scenes.write_bands(tmp_path / "radar", ("VV", "VH"), -scenes.noise(4, (2, 20, 20)).astype("float32"))
    with open_scene(folder, ("B2", "B3"), ("VV", "VH"), radar, "L1C", 0) as scene:
        assert list(scene.radar) == ["VV", "VH"]
    declare(radar, "VH", scale, added)
    with (
        pytest.raises(InputError, match=r"VH(.|\n)*gdal_translate -unscale"),
        open_scene(folder, ("B2", "B3"), ("VV", "VH"), radar, "L1C", 0),
    ):
        pass
