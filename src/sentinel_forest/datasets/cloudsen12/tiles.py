"""Whether images lie where the tile of their product does: what exchanged coordinates cannot satisfy."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sentinel_forest.datasets.cloudsen12.metadata import beyond_globe, described, place_choices
from sentinel_forest.datasets.findings import Finding

BANDS = "CDEFGHJKLMNPQRSTUVWX"
"""Latitude bands of MGRS, of 8 degrees each from 80 degrees south on; X reaches from 72 to 84 degrees north."""

OVERLAP = 1.5
"""Degrees of a great circle by which an image may lie outside of zone and band: tiles of 110 km overlap their edges."""

WIDER = {"V": 3.0, "X": 6.0}
"""Degrees by which zones are wider in some bands: around Norway (V) and Svalbard (X)."""


def tile_findings(path: str, table: pd.DataFrame) -> Iterator[Finding]:
    """The check ``tile-place``: places against the UTM zone and the latitude band of the tile in the product's name.

    Parameters
    ----------
    path : str
        Of the table, for the finding.
    table : DataFrame
        As `read_metadata` gives it.
    """
    product = next((name for name in ("s2_id", "s2_id_gee") if name in table), "")
    tiles = described(table, product)["tile"] if product else pd.Series("", index=table.index)
    choices, _ = place_choices(table)
    points = np.select([np.isfinite(choice) for choice in choices], choices, np.nan)
    lost = beyond_globe(table)
    away = outside(points, tiles)
    faults = [
        f"row {row}: "
        + (f"tile {tiles.iloc[row]} at {_degrees(points[row])}" if away[row] > OVERLAP else _beyond(lost[row]))
        for row in np.flatnonzero(np.isfinite(lost).all(axis=1) | (away > OVERLAP)).tolist()
    ]
    expected = f"places in the UTM zone and latitude band of the product's tile, or within {OVERLAP:g} degrees of them"
    looked = int(np.isfinite(away).sum())
    if faults:
        found = "; ".join(faults[:3]) + (f" and {len(faults) - 3} more" if len(faults) > 3 else "")
        remedy = (
            "longitude and latitude are exchanged, longitudes count to 360, or columns belong to other rows: "
            "correct or fetch the table"
        )
        yield Finding(path, "content", "tile-place", "failed", found, expected, remedy, "kept")
    elif looked:
        yield Finding(path, "content", "tile-place", "ok", f"{looked} rows", expected)
    else:
        yield Finding(path, "content", "tile-place", "note", "not computed: no row has a place and a tile", expected)


def outside(points: np.ndarray, tiles: pd.Series) -> np.ndarray:
    """How far places lie outside of the zone and band of a tile, in degrees of a great circle; NaN where unknown.

    Parameters
    ----------
    points : ndarray
        float64 (rows, 2): longitude and latitude in degrees.
    tiles : Series of str
        Names of tiles such as T42QZH, blank if unknown.

    Examples
    --------
    >>> outside(np.array([[72.0, 20.4], [20.5, 71.9]]), pd.Series(["T42QZH", "T42QZH"])).round(1).tolist()
    [0.0, 47.9]
    """
    named = tiles.str.extract(r"T(\d{2})([C-X])[A-Z]{2}")
    zone = pd.to_numeric(named[0]).to_numpy(np.float64)
    band = named[1].map(lambda letter: BANDS.find(letter), na_action="ignore").to_numpy(np.float64)
    south = np.where(band >= 0, 8 * band - 80, np.nan)
    north = south + np.where(named[1] == "X", 12, 8)
    half = 3 + named[1].map(WIDER).fillna(0).to_numpy(np.float64)
    lon, lat = points.T
    east = np.abs((lon - (6 * zone - 183) + 180) % 360 - 180) - half
    beside = np.maximum(east, 0) * np.cos(np.deg2rad(lat))
    return np.asarray(np.maximum(beside, np.maximum(np.maximum(south - lat, lat - north), 0)))


def _beyond(point: np.ndarray) -> str:
    """Which number of a point is none of a place: ``latitude 114.4``."""
    lon, lat = point.tolist()
    return f"latitude {lat:.6g}" if abs(lat) > 90 else f"longitude {lon:.6g}"


def _degrees(point: np.ndarray) -> str:
    """A place in words: ``20.5 E 71.9 N``."""
    lon, lat = point.tolist()
    return f"{abs(lon):.1f} {'E' if lon >= 0 else 'W'} {abs(lat):.1f} {'N' if lat >= 0 else 'S'}"
