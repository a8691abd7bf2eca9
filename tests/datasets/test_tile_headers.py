"""Headers of tiles that are taken from others: equal to what GDAL says of each tile by itself."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from sentinel_forest.datasets.sen12ms.headers import Header, Headers, header_of

PROFILE = {
    "driver": "GTiff",
    "dtype": "uint16",
    "count": 4,
    "width": 16,
    "height": 16,
    "interleave": "pixel",
    "crs": "EPSG:32632",
    "transform": Affine(10, 0, 667_100, 0, -10, 5_256_600),
}
MOVED = Affine(10, 0, 123_456.25, 0, -10, 987.5)


def tile(**changes: object) -> memoryview:
    """The bytes of a tile, other than `PROFILE` in some respects."""
    profile = {**PROFILE, **changes}
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(np.arange(target.count * 256, dtype="uint16").reshape(-1, 16, 16).astype(profile["dtype"]))
        return memoryview(bytes(memory.read()))


def opened(data: memoryview) -> Header:
    """What GDAL says of a tile."""
    with MemoryFile(bytes(data)) as memory, memory.open() as open_tile:
        return header_of(open_tile)


@pytest.fixture
def headers() -> Headers:
    """Headers of which one was met, that of `PROFILE`."""
    known = Headers()
    known.add(tile(), opened(tile()))
    return known


@pytest.mark.parametrize("transform", [PROFILE["transform"], MOVED, Affine(10, 0, 0, 0, -10, 0)])
def test_a_tile_elsewhere_has_the_header_that_gdal_reads(headers, transform):
    data = tile(transform=transform)
    assert headers.find(data) == opened(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"crs": "EPSG:32633"},
        {"crs": None},
        {"transform": Affine(20, 0, 667_100, 0, -20, 5_256_600)},
        {"transform": Affine(10, 1, 667_100, 1, -10, 5_256_600)},
        {"dtype": "int16"},
        {"count": 2},
        {"width": 32, "height": 8},
        {"compress": "lzw"},
        {"interleave": "band"},
        {"nodata": 0},
    ],
    ids=str,
)
def test_another_tile_is_left_to_gdal(headers, changes):
    assert headers.find(tile(**changes)) is None


def test_a_tie_point_of_another_pixel_is_left_to_gdal(headers):
    data = bytearray(tile())
    place = data.index(np.array([0, 0, 0, 667_100, 5_256_600, 0], "<f8").tobytes())
    data[place : place + 8] = np.float64(3).tobytes()
    assert opened(memoryview(data)).transform[2] == 667_070
    assert headers.find(memoryview(data)) is None


def test_a_tile_whose_pixels_gdal_puts_together_is_not_remembered():
    data, known = tile(compress="lzw"), Headers()
    known.add(data, opened(data))
    assert known.find(data) is None


def test_scale_and_area_are_part_of_the_header(headers, tmp_path: Path):
    path = tmp_path / "tile.tif"
    path.write_bytes(tile())
    with rasterio.open(path, "r+") as target:
        target.scales = (0.5,) * 4
    assert headers.find(memoryview(path.read_bytes())) is None
