"""What ``metadata.csv`` tells of patches: ROI, product, date, place, sun."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.datasets.cloudsen12 import quality
from sentinel_forest.datasets.cloudsen12.vocabulary import PIXEL_M
from sentinel_forest.datasets.keys import key_values
from sentinel_forest.errors import InputError
from sentinel_forest.io.lazy import lazy
from sentinel_forest.io.texts import first_line, read_texts

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

METADATA = "metadata.csv"
METADATA_PARQUET = "metadata.parquet"
KEY_COLUMNS = ("roi_id", "s2_id", "s2_id_gee")
"""Columns by which patches are linked."""
_TILE = re.compile(r"(?:^|_)(T\d{2}[C-X][A-Z]{2})(?:_|$)")
_DATE = re.compile(r"(?:^|_)(\d{4})(\d{2})(\d{2})T\d{6}")
UTM = r"(?:EPSG:)?(32[67](?:0[1-9]|[1-5]\d|60))(?:\.0)?"

_FORESTS = (
    "evergreen needle leaf",
    "evergreen broad leaf",
    "deciduous needle leaf",
    "deciduous broad leaf",
    "mixed",
    "unknown type",
)
BLANK = ("", "nan", "NaN", "None", "NA", "null", "<NA>")
"""Texts that stand for nothing."""

NUMBERS: Mapping[str, tuple[float, float]] = {
    "s2_view_sun_azimuth": (0, 360),
    "s2_view_sun_elevation": (0, 90),
    "s2_view_off_nadir": (0, 15),
    "land_cover": (0, 200),
    "difficulty": (1, 5),
    "proj_shape": (1, 10_980),
}
"""Columns that hold numbers, and the range in which they can be true: degrees, codes of CGLS-LC100, pixels."""

LAND_COVER: Mapping[str, str] = {
    "0": "unknown",
    "20": "shrubs",
    "30": "herbaceous vegetation",
    "40": "cropland",
    "50": "urban or built-up",
    "60": "bare or sparse vegetation",
    "70": "snow and ice",
    "80": "permanent water bodies",
    "90": "herbaceous wetland",
    "100": "moss and lichen",
    **{str(110 + code): f"closed forest, {kind}" for code, kind in enumerate(_FORESTS, 1)},
    **{str(120 + code): f"open forest, {kind}" for code, kind in enumerate(_FORESTS, 1)},
    "200": "ocean or sea",
}
"""Classes of CGLS-LC100 (Buchhorn et al. 2020, doi 10.3390/rs12061044), by code. Names are those of the
band `discrete_classification` in Google Earth Engine (COPERNICUS/Landcover/100m/Proba-V-C3/Global), as others quote
its table."""

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


def metadata_path(split: Path) -> Path | None:
    """The table of the patches of a split: metadata.csv, else metadata.parquet; None if there is neither.

    A link that leads nowhere is taken for the table that it stands for, never the other one.
    """
    return next((path for name in (METADATA, METADATA_PARQUET) if os.path.lexists(path := split / name)), None)


def count_rows(path: Path) -> int | None:
    """Rows of the metadata; None if they cannot be read."""
    try:
        return len(read_metadata(path))
    except InputError:
        return None


def read_metadata(path: Path) -> pd.DataFrame:
    """The metadata, all columns as text without blanks around, blank where there is nothing."""
    texts: pd.DataFrame = read_texts(path).apply(lambda column: column.str.strip())
    return texts


def known_metadata(split: Path) -> pd.DataFrame:
    """The metadata of a split; no columns where there are none, or none that can be read: checks of structure tell."""
    path = metadata_path(split)
    try:
        return read_metadata(path) if path else pd.DataFrame()
    except (InputError, OSError):
        return pd.DataFrame()


def names_rois(path: Path) -> bool:
    """Whether a table of metadata has a column for the ROI; only the first line of text is looked at."""
    return path.suffix != ".csv" or "roi_id" in first_line(path)


def _texts(table: pd.DataFrame, *names: str) -> pd.Series:
    """The first of some columns that is there, as text; blank if none is."""
    for name in names:
        if name in table:
            return table[name].replace(dict.fromkeys(BLANK, ""))
    return pd.Series("", index=table.index, dtype="str")


def _numbers(table: pd.DataFrame, name: str) -> pd.Series:
    """A column as float64, NaN where it holds no number within its range (`NUMBERS`)."""
    numbers = pd.to_numeric(_texts(table, name), errors="coerce").astype("float64")
    return numbers.where(numbers.between(*NUMBERS[name]))


def acquisition_days(products: pd.Series) -> pd.Series:
    """Day of acquisition (ISO) by the names of products, "" where they do not tell."""
    parts = products.str.extract(_DATE).fillna("")
    return (parts[0] + "-" + parts[1] + "-" + parts[2]).where(parts[0] != "", "").astype("str")


def described(table: pd.DataFrame, product: str) -> pd.DataFrame:
    """The columns of the catalog that follow from metadata.csv alone."""
    products = _texts(table, product)
    acquired = acquisition_days(products)
    dates = _texts(table, "s2_date").str.slice(0, 10)
    return pd.DataFrame(
        {
            "roi": key_values(_texts(table, "roi_id")).fillna(""),
            "product": products,
            "tile": products.str.extract(_TILE)[0].fillna(""),
            "date": dates.where(dates != "", acquired),
            "difficulty": _numbers(table, "difficulty").astype("float32"),
            "land_cover": _texts(table, "land_cover").str.replace(r"\.0$", "", regex=True),
            "cloud_coverage": _texts(table, "cloud_coverage"),
            "sun_azimuth": _numbers(table, "s2_view_sun_azimuth").astype("float32"),
            "sun_elevation": _numbers(table, "s2_view_sun_elevation").astype("float32"),
        }
    ).astype(dict.fromkeys(("roi", "product", "tile", "date", "land_cover", "cloud_coverage"), "str"))


NAME_COLUMNS = (("roi_id", "s2_id"), ("roi_id", "s2_id_gee"))
"""Columns that name an image, as `listed_name` knows it."""
_LISTED = re.compile(r"(?:.*/)?(ROI_\d+)(?:/|__)((?:S2[A-D]_(?:MSIL(?:1C|2A)_)?)?[0-9]{8}T[0-9A-Za-z_]+)(?:\.[a-z]+)?")
_LISTED_ROI = re.compile(r"(?:.*/)?(ROI_\d+)/?")


def listed_name(name: str) -> tuple[str, str] | None:
    """An image by its ROI and product, with a slash (metadata) or two low lines (CloudSEN12+) between them; an ROI."""
    if match := _LISTED.fullmatch(name):
        return "patch", f"{match[1]}/{match[2]}"
    if match := _LISTED_ROI.fullmatch(name):
        return "roi", match[1]
    return None


def named_keys(patch: str) -> dict[str, str]:
    """ROI, product and tile of an image, from its id."""
    roi, _, product = patch.partition("/")
    tile = _TILE.search(product)
    return {"roi": roi, "product": product, "tile": tile[1] if tile else ""} if product else {}


def _coordinates(text: str) -> list[float]:
    """The numbers after the first bracket of WKT, GeoJSON or a list; nothing is evaluated."""
    start = re.search(r"[(\[]", text)
    return [float(number) for number in _NUMBER.findall(text[start.start() :])] if start else []


def centre(text: str) -> tuple[float, float]:
    """Mean of the vertices of a point or polygon in WKT or GeoJSON; NaN if the text holds none.

    The last vertex of a ring repeats the first one and is left out.
    """
    numbers = _coordinates(text)
    points = np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2)
    if len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    return (float(points[:, 0].mean()), float(points[:, 1].mean())) if len(points) else (np.nan, np.nan)


LARGEST_PIXEL_M = 1000
"""Whatever is larger is a coordinate."""


def _affine_centre(text: str, side: float) -> tuple[float, float]:
    """Centre of a square image from its transform (a, b, c, d, e, f) and its side in pixels.

    In GDAL's order (c, a, b, f, d, e) the first number is no size of a pixel.
    """
    numbers = _coordinates(text)
    if len(numbers) < 6:
        return np.nan, np.nan
    a, b, c, d, e, f = numbers[:6]
    if abs(a) > LARGEST_PIXEL_M:
        c, a, b, f, d, e = numbers[:6]
    return c + (a + b) * side / 2, f + (d + e) * side / 2


def places(table: pd.DataFrame, image: int) -> pd.DataFrame:
    """Centres x, y (m), epsg, lon, lat (degrees), and side_m, as far as ``proj_*`` columns tell.

    Centres in degrees give lon and lat alone. Degrees are rounded to a millionth (0.1 m), below which
    versions of PROJ need not agree. `image` is the side of an image in pixels where no column gives it.
    """
    sides, codes = _sides(table, image), _codes(table)
    metres, degrees = np.full((len(table), 2), np.nan), np.full((len(table), 2), np.nan)
    for points in _possible_centres(table, sides):
        angular = _angular(points)
        degrees = np.where(np.isnan(degrees) & angular[:, None], points, degrees)
        metres = np.where(np.isnan(metres) & ~angular[:, None], points, metres)
    places = pd.DataFrame(
        {
            "x": metres[:, 0],
            "y": metres[:, 1],
            "epsg": codes.to_numpy(),
            "lon": degrees[:, 0],
            "lat": degrees[:, 1],
            "side_m": sides.to_numpy(np.float64) * PIXEL_M,
        }
    )
    return _with_degrees(places.astype({"epsg": "Int32"}))


def place_choices(table: pd.DataFrame, image: int = 509) -> tuple[list[np.ndarray], np.ndarray]:
    """Centres by ``proj_transform``, ``proj_centroid`` and ``proj_geometry``: longitude and latitude (n, 2), NaN
    where unknown; and the sides of the images in m."""
    sides, codes = _sides(table, image), _codes(table)
    choices = []
    for points in _possible_centres(table, sides):
        angular = _angular(points)
        columns = {"x": points[:, 0], "y": points[:, 1], "epsg": codes.array, "lon": np.nan, "lat": np.nan}
        degrees = _with_degrees(pd.DataFrame(columns))[["lon", "lat"]].to_numpy()
        choices.append(np.where(angular[:, None], points, np.where(np.isfinite(degrees), degrees, np.nan)))
    return choices, sides.to_numpy(np.float64) * PIXEL_M


def _sides(table: pd.DataFrame, image: int) -> pd.Series:
    """Sides of the images in pixels."""
    sides = pd.to_numeric(_texts(table, "proj_shape").str.extract(r"(-?\d+)")[0])
    return sides.where(sides.between(*NUMBERS["proj_shape"])).fillna(image)


def _codes(table: pd.DataFrame) -> pd.Series:
    """EPSG codes, Int32; missing where it is none of a UTM zone."""
    codes = _texts(table, "proj_epsg").str.extract(f"(?i)^{UTM}$")[0]
    return pd.to_numeric(codes).astype("Int32")


def _centres(table: pd.DataFrame, sides: pd.Series) -> list[np.ndarray]:
    """Centres as each of three columns gives them, in m or in degrees: float64 (n, 2), NaN where unknown."""
    corner = zip(_texts(table, "proj_transform"), sides, strict=True)
    choices = [
        [_affine_centre(text, float(width)) for text, width in corner],
        [centre(text) for text in _texts(table, "proj_centroid")],
        [centre(text) for text in _texts(table, "proj_geometry")],
    ]
    return [np.array(choice, dtype=np.float64).reshape(-1, 2) for choice in choices]


def _possible_centres(table: pd.DataFrame, sides: pd.Series) -> list[np.ndarray]:
    """`_centres`, NaN where they are in degrees that no place has."""
    return [np.where(_beyond(points)[:, None], np.nan, points) for points in _centres(table, sides)]


def _angular(points: np.ndarray) -> np.ndarray:
    """Which points are in degrees."""
    return np.asarray((np.abs(points[:, 0]) <= 180) & (np.abs(points[:, 1]) <= 90))


def _beyond(points: np.ndarray) -> np.ndarray:
    """Which points are in degrees that no place has: no coordinates in metres are as small."""
    return np.asarray((np.abs(points) <= 360).all(axis=1) & ~_angular(points))


def beyond_globe(table: pd.DataFrame) -> np.ndarray:
    """Degrees of centroids and outlines that no place has, float64 (n, 2), NaN in rows without any.

    A transform may be in pixels.
    """
    beyond = np.full((len(table), 2), np.nan)
    for points in _centres(table, _sides(table, 509))[1:]:
        beyond = np.where(_beyond(points)[:, None], points, beyond)
    return beyond


def _with_degrees(places: pd.DataFrame) -> pd.DataFrame:
    """Longitude and latitude from projected centres, where they are not known otherwise."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError
    from rasterio.warp import transform

    known, lon, lat = (
        places["x"].notna() & places["lon"].isna(),
        places["lon"].to_numpy(copy=True),
        places["lat"].to_numpy(copy=True),
    )
    for epsg in places["epsg"][known].dropna().unique():
        here = (known & (places["epsg"] == epsg).fillna(False)).to_numpy(dtype=bool)
        x, y = (places.loc[here, axis].to_list() for axis in "xy")
        try:
            where = transform(CRS.from_epsg(int(epsg)), CRS.from_epsg(4326), x, y)
        except CRSError:
            continue
        lon[here], lat[here] = where[0], where[1]
    return places.assign(epsg=places["epsg"].where(places["x"].notna()), lon=np.round(lon, 6), lat=np.round(lat, 6))


def unknown_columns(folder: Path | None, paths: Iterable[str]) -> dict[str, str]:
    """All that the metadata tell, where there are none; the ROI and the label quality, where nothing names them."""
    paths = list(paths)
    tables = [path for path in paths if Path(path).stem == Path(METADATA).stem]
    if not tables:
        unknown = ("group", "roi", "product", "tile", "x", "y", "lon", "lat", *quality.TEXTS)
        return dict.fromkeys(unknown, f"it has no {METADATA}")
    if folder is None:
        return {}
    without = {}
    if not any(names_rois(folder / path) for path in tables):
        without = dict.fromkeys(("group", "roi"), f"{', '.join(tables)} have no column roi_id")
    if quality.INDICES not in paths and not any(quality.is_told(folder / path) for path in tables):
        reason = (
            f"no columns {' and '.join(quality.COLUMNS)} in its metadata, and no {quality.INDICES} beside its splits"
        )
        without |= dict.fromkeys(quality.TEXTS, reason)
    return without
