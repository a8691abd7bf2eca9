"""Scenes as people hold them: what images and metadata declare is used together, and what contradicts is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

import scenes
from sentinel_forest.errors import InputError
from sentinel_forest.mapping.scene import Scene, open_scene

BANDS = ("B2", "B4")
NUMBERS = scenes.noise(3, (2, 12, 18)) + np.uint16(1000)


def read(path: Path, offset: float | None = None, level: str | None = "L1C") -> tuple[Scene, np.ndarray]:
    with open_scene(path, BANDS, level=level, offset=offset, trained={"L1C"}) as scene:
        bands = scene.read(slice(0, scene.grid.height), slice(0, scene.grid.width))
        return scene, np.stack([bands[name] for name in BANDS])


@pytest.mark.parametrize("offset", [500, float("nan"), -20_000])
def test_an_offset_that_no_product_has_is_refused(tmp_path, offset) -> None:
    with pytest.raises(InputError, match="An offset is added"):
        read(scenes.write_bands(tmp_path / "scene", BANDS, NUMBERS), offset)


def test_what_no_product_stores_is_no_measurement(tmp_path) -> None:
    """Signed numbers without a declared value for missing ones, as programs export them."""
    numbers = NUMBERS.astype(np.int16)
    numbers[:, :2, :3], numbers[:, 4, 4] = -9999, -20
    _, found = read(scenes.write_bands(tmp_path / "scene", BANDS, numbers), offset=0)
    assert (found[:, :2, :3] == 0).all()
    assert (found[:, 4, 4] == 1).all()
    np.testing.assert_array_equal(found[:, 5:], NUMBERS[:, 5:])


@pytest.mark.parametrize("inside", [True, False])
def test_what_a_mask_hides_is_no_measurement(tmp_path, inside) -> None:
    """Of an image from which a region was cut, the mask may lie in the file, or beside it."""
    folder = scenes.write_bands(tmp_path / "scene", BANDS, NUMBERS)
    for path in folder.glob("*.tif"):
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside), rasterio.open(path, "r+") as file:
            file.write_mask(np.arange(12 * 18).reshape(12, 18) >= 50)
    for offset in (0, -1000):
        _, found = read(folder, offset)
        assert np.array_equal(np.flatnonzero((found == 0).all(axis=0)), np.arange(50))


def test_the_logarithm_of_no_backscatter_is_no_measurement(tmp_path) -> None:
    values = np.full((1, 12, 18), -12.5, np.float32)
    values[0, 3, 4], values[0, 5, 6] = -np.inf, np.nan
    folder = scenes.write_bands(tmp_path / "scene", BANDS, NUMBERS)
    radar = scenes.write_bands(tmp_path / "radar", ["VV"], values)
    with open_scene(folder, BANDS, ["VV"], radar, "L1C", 0, trained={"L1C"}) as scene:
        found = scene.read(slice(0, 12), slice(0, 18))["VV"]
    assert np.argwhere(np.isnan(found)).tolist() == [[3, 4], [5, 6]]


def test_a_part_of_a_product_keeps_the_metadata_of_the_product(tmp_path) -> None:
    product = scenes.write_safe(tmp_path, dict(zip(BANDS, NUMBERS, strict=True)), -1000, "05.09")
    images = next(product.rglob("IMG_DATA"))
    for part in (product, product / "MTD_MSIL1C.xml", images.parent, images):
        scene, numbers = read(part, level=None)
        assert (scene.product.level, scene.product.baseline, scene.product.name) == ("L1C", "05.09", scenes.NAME)
        np.testing.assert_array_equal(numbers, NUMBERS - 1000)
    with pytest.raises(InputError, match="another offset"):
        read(images, 0)
    other = shutil.copytree(images.parent, images.parent.parent / "another")
    with pytest.raises(InputError, match="several tiles"):
        read(product)
    np.testing.assert_array_equal(read(other)[1], NUMBERS - 1000)


def test_a_product_of_level_2a_is_told_by_its_level_not_by_its_bands(tmp_path) -> None:
    product = scenes.write_safe(tmp_path, {"B2": NUMBERS[0]}, -1000, "05.09", "2A")
    with pytest.raises(InputError, match="another processing level than the training data"):
        read(product, level=None)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:3857", Affine(10, 0, 6e5, 0, -10, 6e6)),
        ("EPSG:3395", Affine(10, 0, 6e5, 0, -10, 6e6)),
        ("EPSG:2263", Affine(10, 0, 6e5, 0, -10, 6e6)),
        ("EPSG:4326", Affine(1e-4, 0, 9, 0, -1e-4, 50)),
        ("EPSG:32632", Affine(10, 0, 6e5, 0, 10, 6e6)),
        ("EPSG:32632", Affine(10, 1, 6e5, 0, -10, 6e6)),
        (None, Affine(10, 0, 6e5, 0, -10, 6e6)),
    ],
    ids=["web mercator", "mercator", "feet", "degrees", "south up", "turned", "no CRS"],
)
def test_pixels_that_are_not_10_m_of_ground_north_up_are_refused(tmp_path, crs, transform) -> None:
    folder = scenes.write_bands(tmp_path / "scene", BANDS, NUMBERS)
    scenes.write_band(folder / "B4.tif", NUMBERS[1], crs=crs, transform=transform)
    with pytest.raises(InputError, match="does not lie on a grid of 10, 20 or 60 m"):
        read(folder, 0)


def test_numbers_of_8_bits_are_no_digital_numbers(tmp_path) -> None:
    with pytest.raises(InputError, match="does not hold digital numbers"):
        read(scenes.write_bands(tmp_path / "scene", BANDS, (NUMBERS // 30).astype(np.uint8)), 0)


@pytest.mark.parametrize("driver", ["GTiff", "JP2OpenJPEG"])
def test_an_image_that_ends_early_is_no_scene(tmp_path, driver) -> None:
    folder, values = tmp_path / "scene", scenes.noise(4, (2, 200, 200))
    more = {"QUALITY": "100", "REVERSIBLE": "YES"} if driver == "JP2OpenJPEG" else {}
    for band, image in zip(BANDS, values, strict=True):
        scenes.write_band(folder / f"{band}.jp2", image, driver=driver, **more)
    np.testing.assert_array_equal(read(folder, 0)[1], values)
    whole = (folder / "B4.jp2").read_bytes()
    (folder / "B4.jp2").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"An image cannot be read(.|\n)*B4\.jp2") as refused:
        read(folder, 0)
    assert len(str(refused.value).splitlines()) == 4


def test_an_image_of_several_bands_is_not_one_band(tmp_path) -> None:
    folder = scenes.write_bands(tmp_path / "scene", BANDS, NUMBERS)
    about = {"driver": "GTiff", "dtype": "uint16", "count": 3, "height": 12, "width": 18, "crs": "EPSG:32632"}
    with rasterio.open(folder / "B4.tif", "w", transform=Affine(10, 0, 6e5, 0, -10, 6e6), **about) as file:
        file.write(NUMBERS[[0, 1, 1]])
    with pytest.raises(InputError, match=r"holds several(.|\n)*3 bands"):
        read(folder, 0)
