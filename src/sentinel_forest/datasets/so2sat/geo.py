"""Geo files: city, EPSG code and place of each patch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.datasets.keys import key_values
from sentinel_forest.datasets.so2sat.layout import PATTERN, SIDE
from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import h5py
    import pandas as pd
else:
    pd = lazy("pandas")

PLACES_APART_KM = 20.0
"""Patches of a city leave no gap so wide."""


def tfw_order(tfw: np.ndarray) -> str | None:
    """Order of the six numbers of each row of ``tfw``: both orders are in circulation.

    Eastings in UTM exceed 100,000 m and pixel sizes do not, so that the first and the fifth number
    tell them apart.

    Parameters
    ----------
    tfw : ndarray of float64, shape (N, 6)

    Returns
    -------
    str or None
        ``"world file"`` (A, D, B, E, C, F), ``"GDAL"`` (C, A, B, F, D, E), or None for neither.
    """
    if tfw.ndim != 2 or tfw.shape[1] != 6 or not np.isfinite(tfw).all():
        return None
    first, fifth = np.abs(tfw[:, 0]), np.abs(tfw[:, 4])
    if ((first < 1000) & (fifth >= 1000)).all():
        return "world file"
    if ((first >= 1000) & (fifth < 1000)).all():
        return "GDAL"
    return None


def geo_table(handle: h5py.File) -> pd.DataFrame:
    """Centres of patches as `places_of`, and lon, lat (degrees)."""
    geo = places_of(handle)
    return geo.assign(**_degrees(geo))


def places_of(handle: h5py.File) -> pd.DataFrame:
    """Centres of patches: city, epsg, x, y (m), width, height (of a pixel, m).

    Beside them `downward` (whether rows go from north to south) and `turn` (the larger term of rotation). The place in
    the file is taken for the upper left corner, whatever the sign of the height, as the authors' script does.
    """
    tfw = handle["tfw"][...]
    world = tfw_order(tfw) == "world file"
    columns = (0, 3, 4, 5) if world else (1, 5, 0, 3)
    width, height, left, top = (tfw[:, column] for column in columns)
    turn = np.abs(tfw[:, (1, 2) if world else (2, 4)]).max(axis=1, initial=0)
    codes = handle["epsg"][...].ravel().astype("float64")
    codes = np.where(np.isfinite(codes) & (codes == np.rint(codes)), codes, 0)  # what is no whole number is no code
    names = cities_of(handle)
    names = np.full(len(tfw), b"") if names is None else names
    city = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names]
    return pd.DataFrame(
        {
            "city": key_values(pd.Series(city, dtype="str")).fillna(""),
            "epsg": codes.astype("int64"),
            "x": left + SIDE / 2 * np.abs(width),
            "y": top - SIDE / 2 * np.abs(height),
            "width": np.abs(width),
            "height": np.abs(height),
            "downward": (width > 0) & (height < 0),
            "turn": turn,
        }
    )


def cities_of(handle: h5py.File) -> np.ndarray | None:
    """Names of the cities as stored, one a row; the first geo files had none."""
    for key in ("city", "cityList"):
        if key in handle:
            return np.ravel(handle[key][...])
    return None


def _degrees(geo: pd.DataFrame) -> dict[str, np.ndarray]:
    """Longitude and latitude (WGS 84), NaN where the EPSG code is no UTM zone, or a coordinate is on no map of one.

    Rounded to a millionth of a degree (0.1 m), below which versions of PROJ need not agree.
    """
    from rasterio.crs import CRS
    from rasterio.warp import transform

    lon, lat = np.full(len(geo), np.nan), np.full(len(geo), np.nan)
    on_map = geo["x"].between(0, 1e6) & geo["y"].between(-1e7, 1e7)
    utm = (is_utm(geo["epsg"]) & on_map).to_numpy()
    for epsg in np.unique(geo["epsg"][utm]):
        here = utm & (geo["epsg"] == epsg).to_numpy()
        x, y = geo["x"][here].tolist(), geo["y"][here].tolist()
        place = transform(CRS.from_epsg(int(epsg)), CRS.from_epsg(4326), x, y)
        lon[here], lat[here] = np.round(place[0], 6), np.round(place[1], 6)
    return {"lon": lon, "lat": lat}


def is_utm(epsg: pd.Series) -> pd.Series:
    """Which EPSG codes are those of UTM zones (WGS 84)."""
    return epsg.between(32601, 32660) | epsg.between(32701, 32760)


def unknown_columns(folder: Path | None, paths: Iterable[str]) -> dict[str, str]:
    """Cities and places, where there is no geo file; those that name no city give places all the same."""
    geo = [path for path in paths if (match := PATTERN.fullmatch(path)) and match[2]]
    if not geo:
        reason = "it has no *_geo.h5 files, which give city and place (release so2sat-v4)"
        return dict.fromkeys(("group", "city", "x", "y", "lon", "lat"), reason)
    return {}
