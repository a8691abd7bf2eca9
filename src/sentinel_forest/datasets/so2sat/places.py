"""Whether the places of So2Sat patches can be true: codes, coordinates and cities, and labels of neighbours."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import File, Finding
from sentinel_forest.datasets.keys import codes_of, compared
from sentinel_forest.datasets.so2sat.geo import is_utm, places_of
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5

CITY_RADIUS = 150_000.0
"""No patch lies farther (m) from the middle of its city."""

NEIGHBOUR_M = 110.0
"""Patches this near each other overlap by two thirds, and come from one labelled polygon."""

NEIGHBOURS_AGREE = 0.9
"""Least fraction of neighbours with one label: 0.999 in the published files, about 0.07 after a shuffle."""

CITIES_AGREE = 0.99
"""Least fraction of neighbours with one city: cities may meet, but not everywhere."""

ENOUGH_PAIRS = 100
"""Pairs of neighbours that this needs."""

DEGREE_M = 111_200.0
"""A degree of latitude."""

CORRECTED = "the geo files published before March 2026 have wrong codes: fetch the corrected ones"


def place_findings(file: File, geo: pd.DataFrame) -> Iterator[Finding]:
    """Findings about the rows of one geo file, see `geo.geo_table`."""
    valid = is_utm(geo["epsg"])
    yield _rows_verdict(file, "epsg", ~valid, geo["epsg"], "UTM: 32601-32660 or 32701-32760")
    plausible = geo["x"].between(1e5, 9e5) & geo["y"].between(0, 1e7)
    text = geo["x"].astype("str") + " " + geo["y"].astype("str")
    yield _rows_verdict(file, "coordinates", ~plausible, text, "easting 100-900 km, northing 0-10,000 km")
    side = ((geo["width"] - 10).abs() <= 0.5) & ((geo["height"] - 10).abs() <= 0.5) & (geo["turn"].abs() <= 1e-6)
    text = geo["width"].astype("str") + " x " + geo["height"].astype("str") + ", turned by " + geo["turn"].astype("str")
    yield _rows_verdict(file, "pixel-size", ~side, text, "10 m, within 5 %, not turned", "fetch the published file")
    yield _north_up(file, geo)
    zones = file.facts.get("city_epsg")
    if isinstance(zones, Mapping):
        expected = _compared(geo).map({compared(city): code for city, code in zones.items()})
        wrong = expected.notna() & (expected != geo["epsg"])
        text = geo["city"] + " " + geo["epsg"].astype("str")
        yield _rows_verdict(file, "city-epsg", wrong, text, "the UTM zone of the city")
        yield from _unknown_cities(file, geo, zones)
    yield from _city_place(file, geo)
    yield _city_neighbours(file, geo)
    yield _grid(file, geo)


def _rows_verdict(
    file: File, check: str, wrong: pd.Series, values: pd.Series, expected: str, remedy: str = CORRECTED
) -> Finding:
    if not wrong.any():
        return Finding(file.path, "content", check, "ok", f"{len(wrong)} rows", expected)
    first = int(wrong.to_numpy().argmax())
    found = f"{int(wrong.sum())} rows, the first: row {first}: {values.iloc[first]}"
    return Finding(file.path, "content", check, "failed", found, expected, remedy, "kept")


def _north_up(file: File, geo: pd.DataFrame) -> Finding:
    """The sign of the height of a pixel: below 0 where the place is the upper corner.

    Files with a positive one are about (the authors' script takes the place for the upper corner all the same). Both
    in one file cannot be read: half the patches would lie 320 m off.
    """
    down = geo["downward"]
    expected = "pixels with the north up, in all rows"
    if down.all():
        return Finding(file.path, "content", "north-up", "ok", f"{len(geo)} rows", expected)
    if not down.any():
        found = "the height of a pixel is above 0 in all rows: the place is taken for the upper left corner"
        return Finding(file.path, "content", "north-up", "note", found, expected)
    found = f"the height of a pixel is above 0 in {int((~down).sum())} of {len(geo)} rows"
    remedy = "rows of two files? fetch the published file"
    return Finding(file.path, "content", "north-up", "failed", found, expected, remedy, "kept")


def _unknown_cities(file: File, geo: pd.DataFrame, known: Mapping[str, object]) -> Iterator[Finding]:
    """Names that are none of the cities of the file."""
    given = geo["city"] != ""
    if given.any():
        strange = given & ~_compared(geo).isin([compared(city) for city in known])
        remedy = "the file is another version's, or rows are damaged: fetch the published one"
        yield _rows_verdict(file, "city-name", strange, geo["city"], f"one of {len(known)} cities", remedy)


def _city_place(file: File, geo: pd.DataFrame) -> Iterator[Finding]:
    """Patches against the middle of their city (fact `city_degrees`: longitude and latitude)."""
    middles = file.facts.get("city_degrees")
    if not isinstance(middles, Mapping):
        return
    places = {compared(city): cast("list[float]", place) for city, place in middles.items()}
    names = _compared(geo)
    here = geo[names.isin(places) & geo["lat"].notna()]
    expected = f"patches within {CITY_RADIUS / 1000:.0f} km of their city"
    if here.empty:
        yield Finding(file.path, "content", "city-place", "note", "not computed: no city is known", expected)
        return
    degrees = np.array([places[city] for city in names[here.index]])
    distance = pd.Series(_distance(here, degrees[:, 0], degrees[:, 1]), index=here.index)
    far = (distance > CITY_RADIUS).reindex(geo.index, fill_value=False)
    text = geo["city"] + ", " + (distance / 1000).round().reindex(geo.index).astype("str") + " km away"
    yield _rows_verdict(file, "city-place", far, text, expected)


def _compared(geo: pd.DataFrame) -> pd.Series:
    """Names of cities in the form in which they are compared."""
    return geo["city"].map({city: compared(city) for city in geo["city"].unique()})


def _distance(geo: pd.DataFrame, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Distance in m of patches from points, on a plane: near enough within a city."""
    east = ((geo["lon"] - lon + 180) % 360 - 180) * np.cos(np.deg2rad(lat))
    return np.asarray(np.hypot(east, geo["lat"] - lat) * DEGREE_M)


def _city_neighbours(file: File, geo: pd.DataFrame) -> Finding:
    """Whether patches that overlap are of one city: if not, the names are those of other rows, or of something else."""
    known = geo[geo["city"] != ""]
    remedy = "the names are no cities, or in another order than the places: fetch the published file"
    about = "city-neighbours", "one city", CITIES_AGREE, remedy
    return _neighbours(file, known, codes_of(known["city"]), *about)


def _grid(file: File, geo: pd.DataFrame) -> Finding:
    """Fraction of patches that lie on one 100 m grid with the others of their city and zone.

    The grid's origin is the circular mean of the coordinates modulo 100 m; half a pixel (5 m) passes.
    """
    good = np.ones(len(geo), dtype=bool)
    for axis in ("x", "y"):
        phase = pd.Series(np.exp(2j * np.pi * geo[axis].to_numpy() / 100))
        mean = phase.groupby([geo["city"], geo["epsg"]]).transform("mean")
        good &= np.abs(np.angle(phase * np.conj(mean))) * 100 / (2 * np.pi) <= 5
    fraction = good.mean()
    status = "ok" if fraction == 1 else "note"
    found = f"{100 * fraction:.4g} % of the patches"
    return Finding(file.path, "content", "grid", status, found, "all on one 100 m grid")  # type: ignore[arg-type]


def neighbour_findings(file: File, image: Path, classes: np.ndarray) -> Iterator[Finding]:
    """Whether patches that overlap have one label: if not, the rows of the geo file are those of another order.

    Parameters
    ----------
    file : File
        The image file.
    image : Path
        Where it lies; its geo file lies beside it, if there is one.
    classes : ndarray
        uint8 (patches,): labels, zero-based.
    """
    path = image.with_name(image.name.replace(".h5", "_geo.h5"))
    if not path.is_file():
        return
    try:
        with hdf5.opened(path) as handle:
            geo = places_of(handle)
    except (InputError, KeyError, IndexError, ValueError, TypeError):
        return  # the structure of the geo file says why
    if len(geo) != len(classes):
        return
    remedy = "labels and places are in different orders: fetch the image file and its geo file from one version"
    yield _neighbours(file, geo, classes, "neighbours", "one label", NEIGHBOURS_AGREE, remedy)


def _neighbours(
    file: File, geo: pd.DataFrame, classes: np.ndarray, check: str, what: str, least: float, remedy: str
) -> Finding:
    """Whether the fraction of neighbours of one class is at least that of real places."""
    same, pairs = _agreement(geo, classes)
    expected = f"{what} for {100 * least:g} % of the patches that lie within {NEIGHBOUR_M:g} m"
    found = f"{100 * same / max(pairs, 1):.4g} % of {pairs} pairs"
    if pairs < ENOUGH_PAIRS:
        found = f"not computed: {pairs} pairs, {ENOUGH_PAIRS} are needed"
        return Finding(file.path, "content", check, "note", found, expected)
    if same >= least * pairs:
        return Finding(file.path, "content", check, "ok", found, expected)
    return Finding(file.path, "content", check, "failed", found, expected, remedy, "kept")


def _agreement(geo: pd.DataFrame, classes: np.ndarray) -> tuple[int, int]:
    """Pairs of neighbours with one label, and all pairs of neighbours; patches on no map have none."""
    from scipy.spatial import cKDTree

    same = pairs = 0
    on_map = (geo["x"].between(0, 1e6) & geo["y"].between(-1e7, 1e7)).to_numpy()
    places, codes = geo[["x", "y"]].to_numpy(), geo["epsg"].to_numpy()
    for epsg in np.unique(codes):
        rows = np.flatnonzero(on_map & (codes == epsg))
        near = cKDTree(places[rows]).query_pairs(NEIGHBOUR_M, output_type="ndarray")
        first, second = classes[rows[near[:, 0]]], classes[rows[near[:, 1]]]
        same, pairs = same + int((first == second).sum()), pairs + len(near)
    return same, pairs
