"""A scene from top to bottom, in strips that fit into memory and parts that threads share.

Pixels are classified in tiles with what surrounds them, patches in a sliding window. The parts are the same for any
number of threads, and each is computed alone, so that the map is the same as well. At the edge of the scene the edge
pixels are repeated outwards, as at the edge of a patch.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sentinel_forest.datasets.base import FeatureSet
from sentinel_forest.features import pixel
from sentinel_forest.mapping.classify import LAYERS, Answers, Bands, Mapper, Window
from sentinel_forest.mapping.plausible import Seen
from sentinel_forest.mapping.scene import Grid, Scene

TILE = 512
"""Rows and columns of a tile of pixels."""

STRIP = 1024
"""Lines that are read at a time: a row of blocks of a JPEG 2000 image of a product."""

BATCH = 256
"""Windows whose features are computed together."""

Part = Callable[[Bands], tuple[Window, Answers]]
"""From the bands of a strip to answers, and their place in the rows of the map."""


@dataclass(frozen=True)
class Strip:
    """Rows of a map that are made from one window of the scene.

    Attributes
    ----------
    first : int
        First row in the map.
    shape : (int, int)
        Rows and columns.
    rows : slice
        Rows of the scene that are read for it.
    parts : tuple of callable
        What makes the parts.
    """

    first: int
    shape: tuple[int, int]
    rows: slice
    parts: tuple[Part, ...]


def map_grid(mapper: Mapper, scene: Grid, stride: int) -> Grid:
    """The grid of a map: that of the scene; for patches one pixel in the middle of each window."""
    if not mapper.of_patches:
        return scene
    side, shift = mapper.dataset.side, (mapper.dataset.side - stride) / 2 * scene.pixel
    height, width = (max(0, (length - side) // stride + 1) for length in (scene.height, scene.width))
    return Grid(scene.crs, scene.left + shift, scene.top - shift, scene.pixel * stride, height, width)


def classified(mapper: Mapper, scene: Scene, stride: int, threads: int, seen: Seen) -> Iterator[tuple[int, Answers]]:
    """Classify a scene; while one strip is classified, the one before is put together, and then the next one read.
    `seen` takes up windows of all that is read.

    Yields
    ------
    first : int
        First row of the map that the answers are of.
    answers : Answers
        Of shape (rows, columns of the map).
    """
    strips = _window_strips(mapper, scene.grid, stride) if mapper.of_patches else _tile_strips(mapper, scene.grid)
    columns = slice(0, scene.grid.width)
    before: list[Future[tuple[Window, Answers]]] = []
    with ThreadPoolExecutor(threads) as workers, ThreadPoolExecutor(1) as reader:
        try:
            reading = reader.submit(scene.read, strips[0].rows, columns)
            for number, strip in enumerate(strips):
                bands = reading.result()
                running = [workers.submit(part, bands) for part in strip.parts]
                seen.add(bands, mapper.block)
                if before:
                    yield strips[number - 1].first, _joined(before, strips[number - 1].shape)
                if number + 1 < len(strips):  # not earlier: no more than two strips are in memory
                    reading = reader.submit(scene.read, strips[number + 1].rows, columns)
                before = running
            yield strips[-1].first, _joined(before, strips[-1].shape)
        finally:
            workers.shutdown(cancel_futures=True)


def _joined(parts: list[Future[tuple[Window, Answers]]], shape: tuple[int, int]) -> Answers:
    """Parts of some rows of a map put together, as soon as they are there."""
    known = {name for name in LAYERS if getattr(parts[0].result()[1], name) is not None}
    whole = {name: np.empty(shape, np.uint8) for name in LAYERS if name in known}
    for place, answers in (part.result() for part in parts):
        for name, values in whole.items():
            values[place] = getattr(answers, name)
    return Answers(**whole)


# ------------------------------------------------------------------------------------------------ pixels


def reach(feature_set: FeatureSet) -> int:
    """Pixels around a pixel that its features look at, in each direction.

    Examples
    --------
    >>> reach(FeatureSet("context", "cloud", ("B2", "B2_mean_15", "HOT_sunward_60"), {}))
    60
    """
    return max((pixel.reach(name, feature_set.bands) for name in feature_set.features), default=0)


def _tile_strips(mapper: Mapper, grid: Grid) -> list[Strip]:
    halo = reach(mapper.feature_set)
    strips = []
    for first in range(0, grid.height, STRIP):
        last = min(first + STRIP, grid.height)
        rows = _wider(slice(first, last), halo, grid.height)
        inner = [
            (slice(top, min(top + TILE, last)), slice(left, min(left + TILE, grid.width)))
            for top in range(first, last, TILE)
            for left in range(0, grid.width, TILE)
        ]
        outer = [(_wider(tops, halo, grid.height), _wider(lefts, halo, grid.width)) for tops, lefts in inner]
        parts = [
            partial(
                _classify_tile,
                mapper,
                _relative(around, rows.start, 0),
                _relative(tile, around[0].start, around[1].start),
                _relative(tile, first, 0),
            )
            for tile, around in zip(inner, outer, strict=True)
        ]
        strips.append(Strip(first, (last - first, grid.width), rows, tuple(parts)))
    return strips


def _classify_tile(mapper: Mapper, around: Window, core: Window, place: Window, bands: Bands) -> tuple[Window, Answers]:
    return place, mapper.pixels({name: values[around] for name, values in bands.items()}, core)


def _wider(part: slice, by: int, length: int) -> slice:
    return slice(max(part.start - by, 0), min(part.stop + by, length))


def _relative(window: Window, top: int, left: int) -> Window:
    rows, columns = window
    return slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)


# ----------------------------------------------------------------------------------------------- windows


def _window_strips(mapper: Mapper, scene: Grid, stride: int) -> list[Strip]:
    grid, side = map_grid(mapper, scene, stride), mapper.dataset.side
    at_once = max(1, STRIP // stride)
    strips = []
    for first in range(0, grid.height, at_once):
        count = min(at_once, grid.height - first)
        rows = slice(first * stride, (first + count - 1) * stride + side)
        parts = tuple(partial(_classify_windows, mapper, number, stride) for number in range(count))
        strips.append(Strip(first, (count, grid.width), rows, parts))
    return strips


def _classify_windows(mapper: Mapper, number: int, stride: int, bands: Bands) -> tuple[Window, Answers]:
    """Classify one row of windows."""
    side, top = mapper.dataset.side, number * stride
    views = {
        name: sliding_window_view(values[top : top + side], side, axis=1)[:, ::stride].transpose(1, 0, 2)
        for name, values in bands.items()
    }
    total = len(next(iter(views.values())))
    found = [
        mapper.patches({name: np.ascontiguousarray(view[start : start + BATCH]) for name, view in views.items()})
        for start in range(0, total, BATCH)
    ]
    row = {
        name: np.concatenate([getattr(each, name) for each in found])[None]
        for name in LAYERS
        if getattr(found[0], name) is not None
    }
    return (slice(number, number + 1), slice(0, total)), Answers(**row)
