"""Maps as Cloud-Optimized GeoTIFFs: classes with names and colours, percentages, and what they were made from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import escape

import rasterio
import rasterio.shutil
from rasterio.transform import Affine
from rasterio.windows import Window

from sentinel_forest.datasets.base import IGNORE, Category
from sentinel_forest.io.tables import replacing, write_text
from sentinel_forest.mapping.classify import Bytes
from sentinel_forest.mapping.scene import Grid

BLOCK = 512
"""Side of the blocks of a map in pixels."""


@contextmanager
def written(path: Path, grid: Grid, tags: Mapping[str, str], categories: Sequence[Category] = ()) -> Iterator["Raster"]:
    """Write a map row by row; it gets its name when all of it is there, and is the same for the same rows.

    Parameters
    ----------
    path : Path
        The GeoTIFF. Beside it, names of classes go to ``<path>.aux.xml``, where GDAL and QGIS look for them.
    grid : Grid
        Its pixels.
    tags : mapping
        What it was made from. More may be added to `Raster.tags` until the end.
    categories : sequence of Category
        Classes with code, name and colour; without, values are percentages.

    Yields
    ------
    Raster
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        plain = Path(folder) / "plain.tif"
        profile: dict[str, Any] = {
            "driver": "GTiff",
            "dtype": "uint8",
            "count": 1,
            "height": grid.height,
            "width": grid.width,
            "crs": grid.crs,
            "transform": Affine(grid.pixel, 0, grid.left, 0, -grid.pixel, grid.top),
            "nodata": IGNORE,
            "tiled": True,
            "blockxsize": BLOCK,
            "blockysize": BLOCK,
            "compress": "LZW",
        }
        with rasterio.open(plain, "w", **profile) as file:
            raster = Raster(file, dict(tags))
            yield raster
            if categories:
                file.write_colormap(1, {each.code: _colour(each.colour) for each in categories})
            file.update_tags(**raster.tags, **{f"class_{each.code}": each.name for each in categories})
        with replacing(path) as beside:
            rasterio.shutil.copy(
                plain, beside, driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=BLOCK, OVERVIEW_RESAMPLING="NEAREST",
            )  # fmt: skip
    if categories:
        write_text(path.with_name(f"{path.name}.aux.xml"), class_table(categories))


class Raster:
    """A map that is being written.

    Attributes
    ----------
    tags : dict
        Its tags.
    """

    def __init__(self, file: Any, tags: dict[str, str]) -> None:
        self._file, self.tags = file, tags

    def write(self, first: int, rows: Bytes) -> None:
        """Write rows from the row `first` on."""
        self._file.write(rows, 1, window=Window(0, first, rows.shape[1], len(rows)))


def class_table(categories: Sequence[Category]) -> str:
    """Names and colours of classes as GDAL's auxiliary metadata, which QGIS shows as legend."""
    names = {each.code: each.name for each in categories}
    listed = [f"      <Category>{escape(names.get(code, ''))}</Category>" for code in range(max(names) + 1)]
    fields = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))
    head = [
        f'      <FieldDefn index="{place}"><Name>{name}</Name><Type>{kind}</Type><Usage>{usage}</Usage></FieldDefn>'
        for place, (name, kind, usage) in enumerate(fields)
    ]
    rows = []
    for place, each in enumerate(categories):
        cells = [str(each.code), escape(each.name), *map(str, _colour(each.colour)[:3])]
        rows.append(f'      <Row index="{place}">' + "".join(f"<F>{cell}</F>" for cell in cells) + "</Row>")
    return "\n".join(
        [
            "<PAMDataset>",
            '  <PAMRasterBand band="1">',
            *("    <CategoryNames>", *listed, "    </CategoryNames>"),
            *('    <GDALRasterAttributeTable tableType="thematic">', *head, *rows, "    </GDALRasterAttributeTable>"),
            *("  </PAMRasterBand>", "</PAMDataset>", ""),
        ]
    )


def _colour(text: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(text[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue, 255
