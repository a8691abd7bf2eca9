"""Scenes: bands on one grid of 10 m, read window by window in the units of digital numbers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError

from sentinel_forest.errors import InputError
from sentinel_forest.mapping.bands import (
    CLOSE_M,
    Candidate,
    candidates_of,
    declared_offset,
    hold_projection,
    native_band,
    not_on_grid,
    pixel_of,
    radar_band,
    radar_candidates,
    unreadable,
)
from sentinel_forest.mapping.products import QUANTIFICATION, Product, find_product, leveled
from sentinel_forest.sensors import FINEST_M, SENTINEL_2

CACHE_MB = 64
"""Decoded blocks that GDAL keeps."""

KEPT_LINES = 128
"""Blocks of at least so many lines are kept from one strip to the next."""
LEAST_NUMBER = -1000
"""Digital numbers below stand for nothing: ESA adds 1000 at most, so that an image without an offset has none."""


@dataclass(frozen=True)
class Grid:
    """A grid of square pixels, north up.

    Attributes
    ----------
    crs : rasterio.crs.CRS
        A projected system in metres.
    left, top : float
        Corner in m.
    pixel : float
        Side of a pixel in m.
    height, width : int
        Rows and columns.
    """

    crs: Any
    left: float
    top: float
    pixel: float
    height: int
    width: int


@dataclass(frozen=True)
class Source:
    """One band as it is stored: an opened file, the number of the band in it, and how its values are meant.

    `is_masked` says that the file has a mask beside its values; what it hides is read as 0. `repeat` is how many
    pixels of the grid a stored pixel covers in each direction. `kept` are rows of blocks that were read last, by
    their number: GDAL decodes a block of JPEG 2000 anew each time, and strips of a map share them.
    """

    file: Any
    index: int
    repeat: int
    nodata: float | None
    is_masked: bool = False
    kept: dict[int, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Values in a window of the grid; a coarser pixel is repeated (nearest neighbour)."""
        first, left = rows.start // self.repeat, columns.start // self.repeat
        stored = self._stored(slice(first, -(-rows.stop // self.repeat)), slice(left, -(-columns.stop // self.repeat)))
        if self.repeat == 1:
            return stored
        spread = stored.repeat(self.repeat, axis=0).repeat(self.repeat, axis=1)
        top, edge = rows.start - first * self.repeat, columns.start - left * self.repeat
        return spread[top : top + rows.stop - rows.start, edge : edge + columns.stop - columns.start]

    def _stored(self, rows: slice, columns: slice) -> np.ndarray:
        """Values in a window of the file."""
        lines = self.file.block_shapes[self.index - 1][0]
        if lines < KEPT_LINES or (columns.start, columns.stop) != (0, self.file.width):
            return self._window(rows, columns)
        numbers = range(rows.start // lines, -(-rows.stop // lines))
        for number in [each for each in self.kept if each not in numbers]:
            del self.kept[number]
        for number in numbers:
            if number not in self.kept:
                block = slice(number * lines, min((number + 1) * lines, self.file.height))
                self.kept[number] = self._window(block, columns)
        whole = np.concatenate([self.kept[number] for number in numbers])
        return whole[rows.start - numbers.start * lines : rows.stop - numbers.start * lines]

    def _window(self, rows: slice, columns: slice) -> np.ndarray:
        window = ((rows.start, rows.stop), (columns.start, columns.stop))
        try:
            values: np.ndarray = self.file.read(self.index, window=window)
            if self.is_masked:
                values[self.file.read_masks(self.index, window=window) == 0] = 0
        except RasterioError as error:
            raise unreadable(self.file.name, error) from None
        return values


@dataclass
class Scene:
    """An opened scene.

    Attributes
    ----------
    product : Product
        What is known of it.
    grid : Grid
        Its pixels of 10 m.
    optical, radar : mapping
        Sources of the bands that were asked for.
    offsets : mapping
        What is added to the digital numbers of each optical band.
    resampled : list of str
        Bands coarser than 10 m whose files have pixels of 10 m: somebody has resampled them before.
    threads : int
        Threads that decode.
    """

    product: Product
    grid: Grid
    optical: Mapping[str, Source]
    radar: Mapping[str, Source]
    offsets: Mapping[str, float]
    resampled: list[str] = field(default_factory=list)
    threads: int = 1

    def read(self, rows: slice, columns: slice) -> dict[str, np.ndarray]:
        """All bands in a window of the grid.

        Returns
        -------
        dict
            Optical bands as uint16 digital numbers without an offset, 0 where nothing was measured; radar bands as
            float32, NaN where nothing was measured.
        """
        with rasterio.Env(GDAL_NUM_THREADS=str(self.threads)):  # settings of GDAL belong to a thread
            found: dict[str, np.ndarray] = {name: self._optical(name, rows, columns) for name in self.optical}
            return found | {name: self._radar(name, rows, columns) for name in self.radar}

    def _optical(self, name: str, rows: slice, columns: slice) -> npt.NDArray[np.uint16]:
        source, offset = self.optical[name], self.offsets[name]
        stored = source.read(rows, columns)
        empty = (stored == 0) | (stored == source.nodata) | (stored < LEAST_NUMBER)
        if not offset and stored.dtype == np.uint16 and source.nodata in (None, 0):
            return stored
        # What is measured is at least 1, as products of older baselines have it.
        numbers = np.clip(stored.astype(np.float32) + np.float32(offset), 1, np.iinfo(np.uint16).max)
        return np.where(empty, 0, numbers).astype(np.uint16)

    def _radar(self, name: str, rows: slice, columns: slice) -> npt.NDArray[np.float32]:
        source = self.radar[name]
        values = source.read(rows, columns).astype(np.float32)
        if source.nodata is not None:
            values[values == np.float32(source.nodata)] = np.nan
        values[np.isinf(values)] = np.nan  # the logarithm of 0
        return values


@contextmanager
def open_scene(
    path: Path,
    optical: Sequence[str],
    radar: Sequence[str] = (),
    radar_path: Path | None = None,
    level: str | None = None,
    offset: float | None = None,
    threads: int = 1,
    trained: Collection[str] | None = None,
) -> Iterator[Scene]:
    """Open the bands of a scene that are needed, and check that they belong together.

    Parameters
    ----------
    path : Path
        A SAFE folder or zip, a folder with a file for each band, or one file whose bands are described by name.
    optical, radar : sequence of str
        Bands that are needed.
    radar_path : Path, optional
        A folder, or file, with the radar bands on the same grid, in the unit of the training data.
    level : {"L1C", "L2A"}, optional
        Processing level, where no metadata tell it.
    offset : float, optional
        What has to be added to digital numbers, where no metadata tell it.
    threads : int
        Threads that decode.
    trained : collection of str, optional
        Processing levels of the training data; the scene must have them.

    Yields
    ------
    Scene

    Raises
    ------
    InputError
        If a band is missing, bands do not lie on one grid, level or offset are unknown or contradict the metadata, or
        the level is not that of the training data.
    """
    product = leveled(find_product(path), level, trained, path)
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_MB))
        candidates = candidates_of(stack, path, product.files, tuple(SENTINEL_2))
        chosen = {name: native_band(path, name, candidates.get(name, [])) for name in optical}
        beside = radar_candidates(stack, radar_path, radar)
        chosen_radar = {name: radar_band(radar_path, name, beside.get(name, [])) for name in radar}
        grid = _grid_of({**chosen, **chosen_radar})
        yield Scene(
            product,
            grid,
            {name: _source(each, grid) for name, each in chosen.items()},
            {name: _source(each, grid) for name, each in chosen_radar.items()},
            _offsets(product, chosen, offset, path),
            [name for name, each in chosen.items() if pixel_of(each[0]) < (SENTINEL_2[name].resolution or FINEST_M)],
            threads,
        )


def _grid_of(chosen: Mapping[str, Candidate]) -> Grid:
    """The grid of 10 m that all bands cover."""
    grids = {name: _own_grid(name, file) for name, (file, _) in chosen.items()}
    first_name, first = next(iter(grids.items()))
    for name, grid in grids.items():
        near = abs(grid.left - first.left) < CLOSE_M and abs(grid.top - first.top) < CLOSE_M
        if not (near and grid.crs == first.crs and (grid.height, grid.width) == (first.height, first.width)):
            raise InputError(
                "Bands do not lie on one grid.",
                where=f"{name} and {first_name}",
                found=_grid_text(grid),
                expected=_grid_text(first),
                remedy="give bands of one tile, cut along the same lines",
            )
    return first


def _grid_text(grid: Grid) -> str:
    name = f"EPSG:{grid.crs.to_epsg()}" if grid.crs.to_epsg() else grid.crs.to_string()[:30]
    return f"{name}, corner {grid.left:.0f} {grid.top:.0f}, {grid.height} x {grid.width} pixels of 10 m"


def _own_grid(name: str, file: Any) -> Grid:
    hold_projection(name, file)
    transform, repeat = file.transform, round(pixel_of(file) / FINEST_M)
    if repeat < 1 or abs(pixel_of(file) - repeat * FINEST_M) > 1e-6:
        raise not_on_grid(name, f"pixels of {pixel_of(file):g} m", "10, 20 or 60 m")
    return Grid(file.crs, transform.c, transform.f, FINEST_M, file.height * repeat, file.width * repeat)


def _source(candidate: Candidate, grid: Grid) -> Source:
    file, index = candidate
    flags = file.mask_flag_enums[index - 1]
    nodata = file.nodatavals[index - 1] if MaskFlags.nodata in flags else None
    return Source(file, index, round(pixel_of(file) / grid.pixel), nodata, MaskFlags.per_dataset in flags)


def _offsets(
    product: Product, chosen: Mapping[str, Candidate], offset: float | None, path: Path
) -> Mapping[str, float]:
    """What to add to the numbers of each band: from metadata, from the images, or as the user says."""
    if offset is not None and not (-QUANTIFICATION <= offset <= 0):
        raise InputError(
            "An offset is added to digital numbers.", where="--offset", found=offset, expected="0 or -1000"
        )
    sources = {
        "--offset": dict.fromkeys(chosen, offset),
        "the metadata": product.offsets or {},
        "tags of the image": {name: declared_offset(f"{path}, {name}", *each) for name, each in chosen.items()},
    }
    return {
        name: _agreed({text: told.get(name) for text, told in sources.items()}, f"{path}, {name}") for name in chosen
    }


def _agreed(told: Mapping[str, float | None], where: str) -> float:
    """The offset of a band, on which all sources that name one must agree."""
    known = {text: value for text, value in told.items() if value is not None}
    if not known:
        raise InputError(
            "The offset of the digital numbers is not declared.",
            where=where,
            expected="0 before processing baseline 04.00, and -1000 since, unless it was added already",
            remedy="say which holds: --offset 0 or --offset -1000",
        )
    if len(set(known.values())) > 1:
        raise InputError(
            "One source declares another offset than the other.",
            where=where,
            found=", ".join(f"{value:g} by {text}" for text, value in known.items()),
            expected="one offset",
            remedy="omit --offset; or remove what the image declares: gdal_edit.py -scale 1 -offset 0",
        )
    return next(iter(known.values()))
