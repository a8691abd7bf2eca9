"""Footprints of catalogs as a static STAC catalog (SpatioTemporal Asset Catalog 1.1.0): a collection for each release.

The items of a release lie in one file, ``items.geojson``, as a feature collection: each patch with a known place, or,
of a release with more than `MOST_ITEMS` patches, each group with the ground of its patches.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rasterio.crs import CRS
from rasterio.warp import transform

from sentinel_forest.config import paths
from sentinel_forest.io.borders import shown
from sentinel_forest.versions.crate import licence_address
from sentinel_forest.versions.publish.about import About

VERSION = "1.1.0"
CATALOG, COLLECTION, ITEMS = (Path(path).name for path in (paths.STAC, paths.STAC_COLLECTION, paths.STAC_ITEMS))
MOST_ITEMS = 20_000
FIRST_PICTURE = "2014-04-03T00:00:00Z"
"""Launch of Sentinel-1A: no picture of these datasets can be older. Where the date of a picture is not published, the
item spans all the time from here to the publication."""
DECIMALS = 6
"""Of degrees: about 0.1 m."""
CORNERS = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
"""Of a square of side 1 around its centre, counterclockwise."""
Node = dict[str, Any]


def root(about: About, collections: Sequence[str]) -> Node:
    """The catalog of a version, with a collection for each release that has footprints."""
    return {
        "type": "Catalog",
        "stac_version": VERSION,
        "id": about.name,
        "title": about.title,
        "description": about.summary,
        "links": [
            _link("root", f"./{CATALOG}", "application/json"),
            *(_link("child", f"./{name}/{COLLECTION}", "application/json") for name in collections),
        ],
    }


def rings(catalog: pd.DataFrame) -> np.ndarray:
    """Corners of the footprints of a catalog.

    Parameters
    ----------
    catalog : DataFrame
        `x`, `y` (centre, m), `epsg` and `side_m`.

    Returns
    -------
    numpy.ndarray
        float64 (patches, 4, 2): longitude and latitude in degrees (WGS 84), counterclockwise; NaN where the place is
        not known.
    """
    found = np.full((len(catalog), 4, 2), np.nan)
    if not {"x", "y", "epsg", "side_m"} <= set(catalog):
        return found
    numbers = catalog[["x", "y", "epsg", "side_m"]].astype("float64").to_numpy()
    known = np.isfinite(numbers).all(axis=1)
    for epsg in np.unique(numbers[known, 2]):
        rows = np.flatnonzero(known & (numbers[:, 2] == epsg))
        corners = numbers[rows, None, :2] + numbers[rows, 3][:, None, None] * np.array(CORNERS)
        flat = corners.reshape(-1, 2)
        lon, lat = transform(CRS.from_epsg(int(epsg)), CRS.from_epsg(4326), flat[:, 0], flat[:, 1])
        found[rows] = np.stack([lon, lat], axis=-1).reshape(corners.shape)
    return np.round(found, DECIMALS)


def items(about: About, release: str, catalog: pd.DataFrame) -> list[Node]:
    """The items of a release; none if no place is known."""
    corners = rings(catalog)
    placed = np.isfinite(corners).all(axis=(1, 2))
    table, corners = catalog[placed].reset_index(drop=True), corners[placed]
    if len(table) > MOST_ITEMS:
        return [
            _item(about, release, str(name), box(corners[rows]), None, {"patches": len(rows)})
            for name, rows in sorted(table.groupby("group").indices.items())
        ]
    return list(_patches(about, release, table, corners))


def collection(about: About, release: str, found: Sequence[Node]) -> Node:
    """The collection of a release with some items."""
    entry = about.releases[release]
    licence = str(entry["licence"])
    times = [item["properties"] for item in found]
    west, south = (min(item["bbox"][axis] for item in found) for axis in (0, 1))
    east, north = (max(item["bbox"][axis] for item in found) for axis in (2, 3))
    wraps = any(item["bbox"][0] > item["bbox"][2] for item in found)
    node = {
        "type": "Collection",
        "stac_version": VERSION,
        "id": release,
        "title": entry["title"],
        "description": f"Footprints of {entry['title']}, as the catalog of version {about.name} has them.",
        "license": licence if licence_address(licence) else "other",
        "extent": {
            "spatial": {"bbox": [[-180.0, south, 180.0, north] if wraps else [west, south, east, north]]},
            "temporal": {
                "interval": [
                    [min(time["start_datetime"] for time in times), max(time["end_datetime"] for time in times)]
                ]
            },
        },
        "links": [
            _link("root", f"../{CATALOG}", "application/json"),
            _link("parent", f"../{CATALOG}", "application/json"),
            _link("items", f"./{ITEMS}", "application/geo+json"),
        ],
        "assets": {"items": {"href": f"./{ITEMS}", "type": "application/geo+json", "roles": ["metadata"]}},
    }
    if address := licence_address(licence):
        node["links"].append(_link("license", address, "text/html"))
    if "home" in entry:
        node["links"].append(_link("via", shown(entry["home"]), "text/html"))
    return node


def box(corners: np.ndarray) -> list[float]:
    """West, south, east and north end of some footprints (degrees); west > east across the antimeridian.

    Parameters
    ----------
    corners : float64 (footprints, 4, 2)
        See `rings`.
    """
    lon, lat = corners[..., 0], corners[..., 1]
    if np.ptp(lon) > 180 and np.ptp(np.where(lon < 0, lon + 360, lon)) < np.ptp(lon):
        lon = np.where(lon < 0, lon + 360, lon)
    west, east = float(lon.min()), float(lon.max())
    east = round(east - 360, DECIMALS) if east > 180 else east
    west = round(west - 360, DECIMALS) if west > 180 else west
    return [west, float(lat.min()), east, float(lat.max())]


def _patches(about: About, release: str, table: pd.DataFrame, corners: np.ndarray) -> Iterator[Node]:
    """An item for each patch."""
    dates = table["date"].fillna("") if "date" in table else [""] * len(table)
    groups = table["group"].astype(object).where(table["group"].notna(), None)
    columns = zip(table["patch"], table["published_split"], groups, dates, corners, strict=True)
    for patch, split, group, date, ring in columns:
        told = {"published_split": split or None, "group": group}
        bounds = box(ring[None])
        item = _item(about, release, patch, bounds, date or None, told)
        if bounds[0] <= bounds[2]:
            item["geometry"] = _polygon(ring.tolist())
        yield item


def _item(
    about: About, release: str, name: str, bounds: list[float], date: str | None, told: Mapping[str, object]
) -> Node:
    """An item whose geometry is its box."""
    start, end = (f"{date}T00:00:00Z", f"{date}T23:59:59Z") if date else (FIRST_PICTURE, f"{about.date}T23:59:59Z")
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "id": name,
        "collection": release,
        "geometry": _ground(bounds),
        "bbox": bounds,
        "properties": {
            "datetime": None,
            "start_datetime": start,
            "end_datetime": end,
            **{f"sentinel_forest:{key}": value for key, value in told.items() if value is not None},
        },
        "links": [_link("collection", f"./{COLLECTION}", "application/json")],
        "assets": {},
    }


def _ground(bounds: list[float]) -> Node:
    """A box as a geometry, cut at the antimeridian."""
    west, south, east, north = bounds
    if west <= east:
        return _polygon([[west, south], [east, south], [east, north], [west, north]])
    halves = [_ground([west, south, 180.0, north]), _ground([-180.0, south, east, north])]
    return {"type": "MultiPolygon", "coordinates": [half["coordinates"] for half in halves]}


def _polygon(ring: list[list[float]]) -> Node:
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _link(relation: str, address: str, kind: str) -> Node:
    return {"rel": relation, "href": address, "type": kind}
