"""Reading tiles: header, bands, labels, and the areas that share one label."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import rasterio
import rasterio.warp
from rasterio.crs import CRS
from rasterio.enums import Interleaving
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.io import DatasetReader

from sentinel_forest.datasets.base import Arrays, Block, Stored
from sentinel_forest.datasets.sen12ms.layout import BLOCK, CELL, GROUND_COLUMNS, PIXEL, Layout, label_layers, tile_path
from sentinel_forest.datasets.sen12ms.vocabulary import (
    BANDS,
    FILL,
    FROM_DFC,
    FROM_IGBP,
    LAYERS,
    NO_SAVANNA,
    TASKS,
    WITHOUT_SAVANNA,
)
from sentinel_forest.errors import InputError
from sentinel_forest.io import causes

TILES_AT_ONCE = 16
"""Tiles of a sensor that are read before bands are cut out of them: a tile of ``s2`` has 1.7 MB."""
TIFF_ONLY = {"driver": "GTiff"}

QUICK_OPEN = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GTIFF_SRS_SOURCE": "GEOKEYS"}
"""GDAL would list the folder of every tile that it opens, and hold its CRS against the EPSG registry."""

# `Sen12MS.conclude` tells of such tiles, once for all of them.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


def dtype_of(tile: DatasetReader) -> str:
    """The dtype of a tile; all of them where bands differ."""
    return "|".join(sorted(set(tile.dtypes)))


def declared_numbers(tile: DatasetReader) -> Iterator[tuple[str, object]]:
    """What a tile declares of its numbers: scale and offset of its bands, and tags (all are in TIFF tag 42112)."""
    yield "scale", tile.scales
    yield "offset", tile.offsets
    yield from tile.tags().items()
    for band in tile.indexes:
        yield from tile.tags(band).items()


def shape_text(shape: tuple[int, int, int]) -> str:
    """Bands, rows and columns in words."""
    return f"{shape[0]} bands, {shape[1]} x {shape[2]} px"


@cache
def _epsg_of(crs: CRS) -> int | None:
    """EPSG code of a CRS; remembered, because the look-up takes longer than reading a tile."""
    return cast(int | None, crs.to_epsg())


def epsg_of(tile: DatasetReader) -> int | None:
    """EPSG code of a tile, or None."""
    return _epsg_of(tile.crs) if tile.crs else None


@contextmanager
def open_tile(folder: Path, path: str, side: int, count: int) -> Iterator[DatasetReader]:
    """Open a tile to read from it; do so within `rasterio.Env`.

    Parameters
    ----------
    folder : Path
        Folder of the release.
    path : str
        Path of the tile in it.
    side, count : int
        Rows and columns that it must have, and bands that it must have at least.

    Raises
    ------
    InputError
        If it is missing, damaged (also while it is read), or of another shape.
    """
    remedy = "verify the release; unpack or fetch the tile again"
    try:
        with rasterio.open(folder / path, **TIFF_ONLY) as tile:
            shape = (tile.count, tile.height, tile.width)
            if shape[1:] != (side, side) or shape[0] < count:
                raise InputError(
                    "A tile has another shape.",
                    where=path,
                    found=shape_text(shape),
                    expected=shape_text((count, side, side)),
                    remedy=remedy,
                )
            yield tile
    except RasterioError:
        cause = causes.of_either(folder / path, "GeoTIFF")
        raise InputError(
            "A tile cannot be read.", where=path, found=cause.found, expected="a whole GeoTIFF", remedy=cause.remedy
        ) from None


def read_tile(tile: DatasetReader) -> np.ndarray:
    """Read all pixels of an open tile in the published order: (rows, columns, bands), in the stored dtype.

    Tiles are published uncompressed with bands interleaved by pixel. Such bytes are taken as they
    lie in the file, which is faster than GDAL's way band by band.
    """
    with open(tile.name, "rb") as stream:
        little_endian = stream.read(2) == b"II"
    start = start_of_plain_pixels(tile) if little_endian else None
    if start is None:
        return np.ascontiguousarray(np.moveaxis(tile.read(), 0, -1))
    shape = (tile.height, tile.width, tile.count)
    stored = np.fromfile(tile.name, tile.dtypes[0], math.prod(shape), offset=start)
    if len(stored) < math.prod(shape):
        raise RasterioIOError("the file ends early")
    return stored.reshape(shape)


def start_of_plain_pixels(tile: DatasetReader) -> int | None:
    """Where the pixels start in a file that holds them in one piece, uncompressed and by pixel; or None."""
    rows, columns = tile.block_shapes[0]
    plain = tile.compression is None and tile.interleaving is Interleaving.pixel and columns == tile.width
    packed = tile.get_tag_item("NBITS", "IMAGE_STRUCTURE", bidx=1) is not None  # such as 12 bits of 16
    if not plain or packed or tile.height % rows:
        return None
    last = tile.height // rows - 1
    offsets = [tile.get_tag_item(f"BLOCK_OFFSET_0_{block}", "TIFF", bidx=1) for block in (0, last)]
    length = last * rows * columns * tile.count * np.dtype(tile.dtypes[0]).itemsize
    if None in offsets or int(offsets[1]) - int(offsets[0]) != length:
        return None
    return int(offsets[0])


def simplified(igbp: np.ndarray) -> np.ndarray:
    """Simplified classes of codes of IGBP."""
    return classes_of(igbp, FROM_IGBP)


def classes_of(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Classes by a table of 256 codes; all larger codes are those of fill."""
    return np.asarray(table[np.minimum(codes, FILL)])


def read(
    layout: Layout, folder: Path, patches: pd.DataFrame, arrays: Sequence[str], at_once: int
) -> Iterator[tuple[pd.DataFrame, Arrays]]:
    """Read tiles of the sensors that are needed, each (rows, columns, bands); few are held at a time."""
    few = min(at_once, TILES_AT_ONCE)
    for start in range(0, len(patches), few):
        rows = patches.iloc[start : start + few]
        yield rows, {sensor: [_tile_of(layout, folder, file, sensor) for file in rows["file"]] for sensor in arrays}


def _tile_of(layout: Layout, folder: Path, file: str, sensor: str) -> np.ndarray:
    path = tile_path(file, sensor)
    with rasterio.Env(**QUICK_OPEN), open_tile(folder, path, layout.side, len(BANDS[sensor])) as tile:
        return read_tile(tile)


def layer_from(layer: str, tiles: Stored) -> np.ndarray:
    """One band of tiles, in the dtype of the layer: tiles may be stored in others."""
    sensor, band = layer.split(":")
    place, dtype = BANDS[sensor].index(band), np.dtype(LAYERS[layer].dtype)
    bands = np.empty((len(tiles), *tiles[0].shape[:2]), dtype)
    for values, tile in zip(bands, tiles, strict=True):
        stored = tile[..., place]
        values[:] = as_codes(stored).astype(dtype) if LAYERS[layer].unit == "class" else as_dtype(stored, dtype)
    return bands


def as_dtype(stored: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Stored values in another dtype, as GDAL gives them: real, rounded, and integers cut to their range."""
    if stored.dtype == dtype:
        return stored
    values = stored.real
    if dtype.kind == "u":
        rounded = np.rint(np.nan_to_num(values)) if values.dtype.kind == "f" else values
        values = np.clip(rounded, 0, np.iinfo(dtype).max)
    return values.astype(dtype)


def as_codes(stored: np.ndarray) -> np.ndarray:
    """Stored codes of classes as uint16; what is no whole number counts as fill."""
    if stored.dtype.kind in "fc":
        stored = np.where(stored.real == np.rint(stored.real), stored.real, FILL)
    return as_dtype(stored, np.dtype("uint16"))


def labels(layout: Layout, task: str, block: Block) -> np.ndarray:
    """Simplified classes of pixels; fill, unknown codes and savanna where it is left out are `IGNORE`."""
    (layer,) = label_layers(layout, task)
    classes = classes_of(block.layers[layer], FROM_DFC if layout.source == "dfc" else FROM_IGBP)
    return WITHOUT_SAVANNA[classes] if TASKS[task].categories == NO_SAVANNA else classes


def draw_units(layout: Layout, block: Block) -> np.ndarray:
    """Areas that share one label: the pixels of such an area are no independent samples.

    A MODIS label is a cell of 463 m of the sinusoidal grid, upsampled to 10 m. The cells are
    approximated by blocks of 50 x 50 pixels (500 m) aligned with the patch's upper left corner:
    their true outlines are not published, and a block is never smaller than a cell.

    Returns
    -------
    ndarray
        int32 (patches, rows, columns), read-only: number of the block within the patch, from 0.
    """
    rows = np.arange(layout.side) // CELL
    units = rows[:, None] * (rows[-1] + 1) + rows
    shape = (len(block.patches), layout.side, layout.side)
    return np.broadcast_to(units.astype(np.int32), shape)


def independent_labels(
    layout: Layout, task: str, patches: pd.DataFrame, pixels: np.ndarray | None = None
) -> int | None:
    """How many blocks of 500 m pixels lie in, where labels are MODIS cells (see `draw_units`).

    Here the blocks are those of the UTM grid, so that patches that overlap share theirs; blocks that
    patches only touch count too. What a patch of unknown place shares with others is unknown as well:
    its blocks are those of `draw_units`, and its own.
    """
    if layout.source == "dfc" or TASKS[task].unit == "patch":
        return None
    if pixels is None:
        edges = np.unique([*range(0, layout.side, CELL), layout.side - 1])
        pixels = (edges[:, None] * layout.side + edges).reshape(-1)
        patches = patches.loc[patches.index.repeat(len(pixels))]
        pixels = np.tile(pixels, len(patches) // len(pixels))
    rows, columns = np.divmod(pixels, layout.side)
    middle = PIXEL * layout.side / 2
    known = patches[list(GROUND_COLUMNS)].notna().all(axis=1).to_numpy()
    x, y = (np.where(known, patches[name], start) for name, start in (("x", middle), ("y", -middle)))
    blocks = pd.DataFrame(
        {
            "patch": np.where(known, -1, pd.factorize(patches.index)[0]),
            "epsg": patches["epsg"].to_numpy(),
            "east": np.floor_divide(x + PIXEL * (columns + 0.5) - middle, BLOCK),
            "north": np.floor_divide(y - PIXEL * (rows + 0.5) + middle, BLOCK),
        }
    )
    return len(blocks.drop_duplicates())
