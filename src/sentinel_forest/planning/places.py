"""Places of prediction that a configuration names by a file become numbers, before anything runs.

So a version holds the places themselves, and computing it again needs no file.
"""

import zipfile
from itertools import islice
from pathlib import Path
from typing import Any

from sentinel_forest.config.model import Configuration
from sentinel_forest.config.schemes import NearestNeighbour
from sentinel_forest.errors import InputError
from sentinel_forest.io.causes import of_error

MOST_POINTS = 300
"""Points that are taken of a table: of more, evenly spaced ones in its order. They stand in commands and versions."""

MOST_BYTES = 50 * 2**20
"""Largest table that is read."""

IMAGES = (".jp2", ".tif", ".tiff")


def resolved(configuration: Configuration) -> Configuration:
    """A configuration whose schemes of the kind knndm have their places in numbers.

    Raises
    ------
    InputError
        If a file is not there, or tells no places.
    """
    schemes = {
        name: _resolved(scheme, f"own_schemes.{name}") if isinstance(scheme, NearestNeighbour) else scheme
        for name, scheme in configuration.own_schemes.items()
    }
    if schemes == configuration.own_schemes:
        return configuration
    return configuration.model_copy(update={"own_schemes": schemes})


def _resolved(scheme: NearestNeighbour, where: str) -> NearestNeighbour:
    if scheme.points is None and scheme.scene is None:
        return scheme
    values: dict[str, Any] = scheme.model_dump(exclude_unset=True, exclude={"points", "scene"})
    if scheme.points is not None:
        values["places"] = [*scheme.places, *read_points(_there(scheme.points, f"key '{where}.points'"))]
    if scheme.scene is not None:
        values["areas"] = [*scheme.areas, bounds_of(_there(scheme.scene, f"key '{where}.scene'"))]
    return NearestNeighbour(**values)


def _there(text: str, where: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise InputError("There is no such file or folder.", where=where, found=text)
    return path


def read_points(path: Path) -> list[list[float]]:
    """Longitude and latitude, in degrees, of at most `MOST_POINTS` rows of a CSV with columns `lon` and `lat`.

    Raises
    ------
    InputError
        If it is no such table, is empty, or a row has no place on the globe.
    """
    import numpy as np
    import pandas as pd

    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise InputError("This is no table of places.", where=path, expected=f"a CSV of at most {MOST_BYTES} bytes")
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError("This is no CSV table.", where=path, found=str(error)[:80]) from None
    if missing := [name for name in ("lon", "lat") if name not in table]:
        columns = ", ".join(map(str, table.columns))[:80]
        raise InputError("A column is missing.", where=path, found=columns, expected=missing[0])
    values = np.column_stack([pd.to_numeric(table[name], errors="coerce") for name in ("lon", "lat")]).astype(float)
    if not len(values):
        raise InputError("The table of places is empty.", where=path, expected="a row for each place of prediction")
    bad = np.flatnonzero(~(np.isfinite(values) & (np.abs(values) <= [180, 90])).all(axis=1))
    if len(bad):
        where, found = f"{path}, row {bad[0] + 2}", table[["lon", "lat"]].iloc[bad[0]].tolist()
        raise InputError("A row is no place on the globe.", where=where, found=found, expected="degrees")
    rows = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).round().astype(int))
    places: list[list[float]] = values[rows].round(4).tolist()
    return places


def bounds_of(path: Path) -> list[float]:
    """Box [west, south, east, north] in degrees around a scene: a SAFE folder or zip, a folder of bands, or an image.

    Raises
    ------
    InputError
        If it has no image, or none with a place; or it lies across the 180th meridian.
    """
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.warp import transform_bounds

    image = _image_of(path)
    try:
        with rasterio.open(image) as file:
            if file.crs is None:
                raise InputError("The scene has no CRS, so that nothing tells where it lies.", where=image[-80:])
            box = transform_bounds(file.crs, "EPSG:4326", *file.bounds)
    except RasterioError as error:
        raise InputError("An image cannot be read.", where=image[-80:], found=str(error)[:80]) from None
    west, south, east, north = (round(float(value), 5) for value in box)
    if west > east:
        remedy = "give it as two areas: [[west, south, 180, north], [-180, south, east, north]]"
        raise InputError("The scene lies across the 180th meridian.", where=path, found=[west, east], remedy=remedy)
    return [west, south, east, north]


def _image_of(path: Path) -> str:
    """The first image of a scene by name, as GDAL opens it; those of bands before previews."""
    if path.is_dir():
        names = sorted(each.as_posix() for each in islice(path.rglob("*"), 100_000) if each.suffix.lower() in IMAGES)
    elif path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                inside = sorted(name for name in archive.namelist() if name.lower().endswith(IMAGES))
        except (zipfile.BadZipFile, OSError) as error:
            told = of_error(error) if isinstance(error, OSError) else None
            remedy = told.remedy if told else "fetch the product again"
            raise InputError("This archive cannot be read.", where=path, found=str(error)[:80], remedy=remedy) from None
        names = [f"/vsizip/{{{path.absolute()}}}/{name}" for name in inside]
    else:
        names = [str(path)]
    bands = [name for name in names if "/IMG_DATA/" in name] or names
    if not bands:
        raise InputError("The scene has no image.", where=path, expected="GeoTIFF or JPEG 2000")
    return bands[0]
