"""Cities of So2Sat over all geo files of a release: how far one reaches, and whether one has two names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

import numpy as np
import pandas as pd

from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.keys import codes_of, compared
from sentinel_forest.datasets.so2sat.geo import PLACES_APART_KM
from sentinel_forest.datasets.sphere import RADIUS_KM, great_circle_km, on_sphere

CITY_EXTENT_KM = 300.0
"""No city of the dataset is wider; a wrong UTM zone moves patches farther."""

ALIKE = 0.8
"""Similarity (Ratcliff and Obershelp) from which on the names of places that lie near each other are two spellings of
one: Tehran and Teheran have 0.92, the neighbours New York and Newark 0.77."""

AMONG, WITHIN, ENOUGH_PATCHES = 2.0, 0.1, 10
"""Patches of two names lie among each other if, for both names, the median distance to the other is at most so many
times that to the nearest patch of the same name, or at most this fraction of the distance from the middle. Names with
fewer patches are not judged so: they may be a village in a city."""

MOST_NAMES = 200
"""Of more names, no distances are computed: they are no cities."""

ALL_FILES = "(all files)"


@dataclass(frozen=True)
class _City:
    """Patches of one name: as written, the files it is in, points of the unit sphere, median distance to the middle."""

    name: str
    files: str
    points: np.ndarray
    radius_km: float

    def __str__(self) -> str:
        return f"{self.name} ({self.files})"


def city_findings(tables: Mapping[str, pd.DataFrame]) -> Iterator[Finding]:
    """The checks ``city-extent``, one for each file, and ``city-names``, over all files.

    Parameters
    ----------
    tables : mapping
        By path of the geo file, see `sentinel_forest.datasets.so2sat.geo.geo_table`.
    """
    if not tables:
        return
    table = pd.concat([each.assign(file=path, row=range(len(each))) for path, each in tables.items()])
    known = table[(table["city"] != "") & table["lat"].notna()].reset_index(drop=True)
    code = codes_of(known["city"])
    points = on_sphere(known["lon"].to_numpy(np.float64), known["lat"].to_numpy(np.float64))
    middle = _middles(points, code)
    away = pd.Series(_apart_km(points, middle[code]) if len(known) else [], index=known.index, dtype="float64")
    away[~known.groupby(code)["city"].transform("size").gt(1)] = np.nan
    for path in tables:
        yield _extent(path, known[known["file"] == path], away)
    if not known.empty:
        yield from _name_findings(known, code, points, middle, away)


def _middles(points: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Medians of the points of each city; of two halves far apart, the middle lies in one of them."""
    table = pd.DataFrame(points).groupby(code).quantile(0.5, interpolation="lower").to_numpy()
    return np.asarray(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9))


def _apart_km(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Great-circle distance of points of the unit sphere."""
    return great_circle_km(np.linalg.norm(points - others, axis=-1))


def _extent(path: str, known: pd.DataFrame, away: pd.Series) -> Finding:
    """The farthest patch of a file from the middle of its city, wherever the others of that city are stored."""
    expected = f"patches of a city within {CITY_EXTENT_KM:.0f} km, over all files"
    distance = away[known.index].dropna()
    if distance.empty:
        found = "not computed: no city is known" if known.empty else "not computed: each city has one patch"
        return Finding(path, "content", "city-extent", "note", found, expected)
    far = distance[distance > CITY_EXTENT_KM]
    if far.empty:
        return Finding(path, "content", "city-extent", "ok", f"at most {distance.max():.0f} km", expected)
    first = known.loc[far.index[0]]
    found = (
        f"{len(far)} rows, the first: row {first['row']}: {first['city']} EPSG:{first['epsg']}, {far.iloc[0]:.0f} km"
    )
    remedy = "some EPSG codes are wrong, in this file or in another: fetch the corrected geo files"
    return Finding(path, "content", "city-extent", "failed", f"{found} from its middle", expected, remedy, "kept")


def _name_findings(
    known: pd.DataFrame, code: np.ndarray, points: np.ndarray, middle: np.ndarray, away: pd.Series
) -> Iterator[Finding]:
    """Two names for one place fail; names that lie near each other, and spellings of one name, are noted."""
    expected = f"one name for each city, and {PLACES_APART_KM:g} km between two"
    if len(middle) > MOST_NAMES:
        found = f"not computed: {len(middle)} names, {MOST_NAMES} at most are compared"
        yield Finding(ALL_FILES, "content", "city-names", "note", found, expected)
        return
    radius = away.groupby(code).median().fillna(0).to_numpy()
    cities = []
    for number in range(len(middle)):
        rows = known[code == number]
        names = rows["city"].iloc[0], ", ".join(rows["file"].unique())
        cities.append(_City(*names, points[rows.index], float(radius[number])))
    faults: list[str] = []
    notes = [f"one city: {text}" for text in _spellings(known, code)]
    for one, other in combinations(cities, 2):
        apart = _nearest(one, other)
        if apart.min(initial=np.inf) < PLACES_APART_KM:
            text = f"{one} and {other}, {apart.min():.2g} km apart"
            reason = _is_one(one, other, apart)
            (faults if reason else notes).append(text + reason)
    if faults:
        remedy = "correct the names, so that patches of one city have one group; accepted, they are two cities"
        yield Finding(ALL_FILES, "content", "city-names", "failed", _first(faults), expected, remedy, "kept")
    if notes:
        remedy = "if two of them are one place, its patches are in two groups: give them one name"
        yield Finding(ALL_FILES, "content", "city-names", "note", _first(notes), expected, remedy)
    if not (faults or notes):
        yield Finding(ALL_FILES, "content", "city-names", "ok", f"{len(cities)} cities", expected)


def _first(texts: list[str]) -> str:
    return "; ".join(texts[:3]) + (f"; and {len(texts) - 3} more" if len(texts) > 3 else "")


def _spellings(known: pd.DataFrame, code: np.ndarray) -> Iterator[str]:
    """Names that are written in more than one way, which are compared as one."""
    for _, names in known["city"].groupby(code):
        if len(different := names.unique()) > 1:
            yield " = ".join(different[:4])


def _nearest(one: _City, other: _City) -> np.ndarray:
    """Distance in km from each patch of one city to the nearest of the other; none if they are far apart."""
    from scipy.spatial import cKDTree

    low, high = other.points.min(axis=0), other.points.max(axis=0)
    box = np.maximum(np.maximum(low - one.points, one.points - high), 0)
    if (np.linalg.norm(box, axis=1) > PLACES_APART_KM / RADIUS_KM).all():
        return np.array([])
    return great_circle_km(cKDTree(other.points).query(one.points)[0])


def _is_one(one: _City, other: _City, apart: np.ndarray) -> str:
    """Why two names are those of one place; "" if they may be two."""
    if _alike(one.name, other.name):
        return ": the names are alike"
    if min(len(one.points), len(other.points)) < ENOUGH_PATCHES:
        return ""
    both = [(one, apart), (other, _nearest(other, one))]
    return ": their patches lie among each other" if all(_is_among(*each) for each in both) else ""


def _is_among(city: _City, apart: np.ndarray) -> bool:
    """Whether patches of another name lie as near as those of the same."""
    from scipy.spatial import cKDTree

    own = great_circle_km(cKDTree(city.points).query(city.points, k=2)[0][:, 1])
    return bool(np.median(apart) <= max(AMONG * float(np.median(own)), WITHIN * city.radius_km))


def _alike(one: str, other: str) -> bool:
    """Whether two names may be two spellings of one: City 1 and City 2 are not."""
    first, second = compared(one), compared(other)
    if re.findall(r"\d+", first) != re.findall(r"\d+", second):
        return False
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= ALIKE
