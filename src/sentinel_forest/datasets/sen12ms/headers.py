"""Headers of tiles: what GDAL says of one holds for all whose bytes differ in their pixels and their place alone."""

import struct
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from sentinel_forest.datasets.scaling import scaling_text
from sentinel_forest.datasets.sen12ms.layout import DTYPES
from sentinel_forest.datasets.sen12ms.reader import declared_numbers, dtype_of, epsg_of, start_of_plain_pixels

_TIE_POINT = struct.Struct("<6d")
"""Where a tile lies, as GeoTIFF stores it: column, row and height 0 of a pixel, then easting, northing, height."""

_KINDS = frozenset(kind for kinds in DTYPES.values() for kind in kinds)

MOST_KNOWN = 1000
"""Headers that are remembered, of 2 kB each."""


@dataclass(frozen=True)
class Header:
    """What a tile says of itself.

    `shape` counts bands, rows and columns; `transform` has the six terms of the affine transform; `start` is where
    the pixels lie in one piece as they are published, or None; `scaling` are scales and offsets that it declares
    (`scaling_text`), `nodata` is the number for missing values, `masked` counts pixels that a mask says are missing.
    """

    shape: tuple[int, int, int]
    dtype: str
    has_crs: bool
    epsg: int | None
    is_projected: bool
    transform: tuple[float, ...]
    start: int | None
    scaling: str
    nodata: float | None
    masked: int = 0

    @property
    def end(self) -> int:
        """Where pixels that lie in one piece end."""
        return (self.start or 0) + prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def is_placed(self) -> bool:
        """Whether the tile says where it lies: a CRS, and a transform that is not that of bare pixels.

        DFC2020 comes with the CRS WGS 84 and no transform, which reads as one degree a pixel.
        """
        across, shear, left, turn, down, top = self.transform
        bare = (across, abs(down), left) == (1, 1, 0) and top in (0, self.shape[1]) and not (shear or turn)
        return self.has_crs and not bare

    @property
    def grid(self) -> tuple[float, ...] | None:
        """EPSG code and transform; None where the tile does not say where it lies."""
        return (self.epsg, *self.transform) if self.is_placed and self.epsg is not None else None


def header_of(tile: DatasetReader) -> Header:
    """What GDAL says of an open tile."""
    return Header(
        (tile.count, tile.height, tile.width),
        dtype_of(tile),
        bool(tile.crs),
        epsg_of(tile),
        bool(tile.crs) and tile.crs.is_projected,
        tuple(tile.transform)[:6],
        start_of_plain_pixels(tile) if dtype_of(tile) in _KINDS else None,
        scaling_text(declared_numbers(tile)),
        tile.nodata,
        int((tile.dataset_mask() == 0).sum())
        if any(MaskFlags.per_dataset in each for each in tile.mask_flag_enums)
        else 0,
    )


@dataclass(frozen=True)
class _Form:
    """Sizes and places that tiles of one kind share: of the file, of its pixels, and of the tie point before them."""

    size: int
    start: int
    end: int
    tie: int

    def around(self, data: memoryview) -> bytes:
        """All bytes but the pixels and the tie point."""
        return b"".join((data[: self.tie], data[self.tie + _TIE_POINT.size : self.start], data[self.end :]))


class Headers:
    """Headers that were met: to open a tile takes GDAL half as long as all checks of its pixels."""

    def __init__(self) -> None:
        self._known: dict[_Form, dict[bytes, Header]] = {}

    def find(self, data: memoryview) -> Header | None:
        """The header of a tile, if one was met that differs in nothing but the place."""
        for form, known in tuple(self._known.items()):
            if form.size == len(data) and (header := known.get(form.around(data))):
                *zeros, left, top, height = _TIE_POINT.unpack_from(data, form.tie)
                across, shear, _, turn, down, _ = header.transform
                moved = replace(header, transform=(across, shear, left, turn, down, top))
                return None if any((*zeros, height)) else moved
        return None

    def add(self, data: memoryview, header: Header) -> None:
        """Remember a header whose pixels lie in one piece, and whose place stands before them exactly once."""
        if header.start is None or sum(map(len, self._known.values())) >= MOST_KNOWN:
            return
        before = bytes(data[: header.start])
        place = _TIE_POINT.pack(0, 0, 0, header.transform[2], header.transform[5], 0)
        if before.count(place) == 1:
            form = _Form(len(data), header.start, header.end, before.index(place))
            self._known.setdefault(form, {})[form.around(data)] = header
