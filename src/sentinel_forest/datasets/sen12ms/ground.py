"""Whether tiles lie where they can: those of a patch on the same ground, those of a scene near each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import rasterio.warp
from rasterio.crs import CRS

from sentinel_forest.datasets.base import Finding
from sentinel_forest.datasets.sen12ms.content import TileInspection
from sentinel_forest.datasets.sen12ms.layout import DFC_SPLITS, SENSORS, parse
from sentinel_forest.datasets.sphere import RADIUS_KM, on_sphere, unit_vectors

MOST_FINDINGS = 20

SCENE_EXTENT = 200_000.0
"""No scene is wider (m): the swath of Sentinel-1 has 250 km, and scenes of SEN12MS are a part of one."""

EXPECTED = f"tiles of a scene within {SCENE_EXTENT / 1000:.0f} km"

UTM_LATITUDES = (-80.0, 84.0)
"""Between these latitudes (degrees) UTM has zones."""

QUARTER = 1e7
"""Northing (m) of the equator in zones of the south, and about the distance from there to a pole."""

FARTHEST = 1e8
"""Coordinates (m or degrees) of no place on Earth in any projection."""


def limited(findings: Sequence[Finding]) -> list[Finding]:
    """The first findings of one check, and the number of the others in one more row."""
    if len(findings) <= MOST_FINDINGS:
        return list(findings)
    first, rest = findings[0], len(findings) - MOST_FINDINGS
    more = replace(first, file="(more)", found=f"{rest} more of these", expected="", remedy="")
    return [*findings[:MOST_FINDINGS], more]


def ground_findings(tiles: Mapping[str, TileInspection]) -> list[Finding]:
    """Tiles of a patch whose CRS or transform differs from that of most of its tiles."""
    placed = {path: seen.grid for path, seen in tiles.items() if seen.grid}
    if not placed:
        return []
    table = parse(placed)
    table["rank"] = pd.Categorical(table["sensor"], SENSORS).codes
    grids = np.array([placed[path] for path in table["path"]])
    order = np.lexsort([table["rank"], table["patch"]])
    table, grids = table.iloc[order].reset_index(drop=True), grids[order]
    reference = _references(table["patch"], grids)
    crs = grids[:, 0] != grids[reference, 0]
    moved = ~crs & _apart(grids, grids[reference])
    texts = (("same-crs", crs, _crs_text), ("same-transform", moved, _corner_text))
    return [
        finding
        for check, wrong, text in texts
        for finding in limited(
            [
                Finding(
                    table["path"][place],
                    "structure",
                    check,
                    "failed",
                    text(grids[place]),
                    f"{text(grids[reference[place]])} as in {table['path'][reference[place]]}",
                    "the tiles of a patch must lie on the same ground: unpack or fetch both again",
                    "kept",
                )
                for place in np.flatnonzero(wrong)
            ]
        )
    ]


def _apart(grids: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether grids (..., 7) differ; by more than a thousandth, since some writers round coordinates."""
    return np.asarray((np.abs(grids - others) > 1e-3).any(axis=-1))


def _references(patches: pd.Series, grids: np.ndarray) -> np.ndarray:
    """For each tile the place of the tile of its patch with whose grid most of the others agree.

    Tiles of a patch stand together; of equal ones the first is taken.
    """
    first = np.flatnonzero(~patches.duplicated())
    bounds = np.append(first, len(patches))
    reference = np.repeat(first, np.diff(bounds))
    differing = np.logical_or.reduceat(_apart(grids, grids[reference]), first)
    for patch in np.flatnonzero(differing):
        tiles = slice(bounds[patch], bounds[patch + 1])
        agreeing = ~_apart(grids[tiles, None], grids[tiles])
        reference[tiles] = bounds[patch] + agreeing.sum(axis=1).argmax()
    return reference


def _crs_text(grid: np.ndarray) -> str:
    return f"EPSG:{grid[0]:.0f}"


def _corner_text(grid: np.ndarray) -> str:
    return f"upper left corner at {grid[3]:.3f}, {grid[6]:.3f} m"


def scene_findings(tiles: Mapping[str, TileInspection]) -> list[Finding]:
    """Whether all tiles of a scene lie near each other, whatever their zones, and where UTM has zones at all."""
    placed = {path: seen.grid for path, seen in tiles.items() if seen.grid}
    table = parse(placed)
    grids = np.array([placed[path] for path in table["path"]]).reshape(-1, 7)
    lon, lat = degrees_of(grids[:, 0], grids[:, 3], grids[:, 6])
    beyond = _is_beyond_utm(grids[:, 0], grids[:, 6], lat)
    known = np.isfinite(lat) & ~beyond
    scenes = (table["season"] + "/" + table["scene"])[known]
    if not len(scenes) or table["season"].isin(DFC_SPLITS).all():
        found = "not computed: no tile says where it lies" if not known.any() else "not computed: no scenes"
        extents = Finding("(all tiles)", "structure", "scene-extent", "note", found, EXPECTED)
    else:
        extents = _extent_finding(scene_extents(scenes, lon[known], lat[known]))
    return [*_beyond_findings(table["path"][beyond], grids[beyond]), extents]


def _extent_finding(extents: pd.Series) -> Finding:
    far = sorted(extents.index[extents > SCENE_EXTENT])
    if not far:
        found = f"{len(extents)} scenes, at most {extents.max() / 1000:.0f} km"
        return Finding("(all tiles)", "structure", "scene-extent", "ok", found, EXPECTED)
    found = f"{len(far)} scenes lie apart, up to {extents.max() / 1000:.0f} km: {', '.join(far[:5])}"
    remedy = "tiles lie in the folder of another scene, or say a wrong place, zone or hemisphere: get the publisher's"
    return Finding("(all tiles)", "structure", "scene-extent", "failed", found, EXPECTED, remedy, "kept")


def _beyond_findings(paths: pd.Series, grids: np.ndarray) -> list[Finding]:
    """Tiles whose northing is none in the zone that they name."""
    expected = f"a place between {-UTM_LATITUDES[0]:g} S and {UTM_LATITUDES[1]:g} N, where UTM has zones"
    remedy = "the zone, its hemisphere or the northing is wrong: get the publisher's tile"
    texts = [f"northing {grid[6]:.0f} m in {_crs_text(grid)}" for grid in grids]
    rows = zip(paths, texts, strict=True)
    return limited(
        [Finding(path, "structure", "scene-extent", "failed", text, expected, remedy, "kept") for path, text in rows]
    )


def _is_beyond_utm(codes: np.ndarray, northing: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Which northings are of no place that has a UTM zone; codes that are not those of zones have none.

    A northing of more than `QUARTER` would be across the pole, where PROJ finds a latitude again.
    """
    zone, south = codes % 100, codes // 100 == 327
    utm = (south | (codes // 100 == 326)) & (zone >= 1) & (zone <= 60)
    inside = (lat >= UTM_LATITUDES[0]) & (lat <= UTM_LATITUDES[1])
    return np.asarray(utm & ~(inside & (np.abs(northing - QUARTER * south) <= QUARTER)))


def degrees_of(codes: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude (WGS 84) of points, each in the projection of its EPSG code; NaN where it is no place."""
    lon, lat = np.full(len(codes), np.nan), np.full(len(codes), np.nan)
    # Beyond any projection PROJ has no answer but an error; a place that is not known is missing.
    known = np.isfinite(codes) & (np.abs(x) < FARTHEST) & (np.abs(y) < FARTHEST)
    for epsg in np.unique(codes[known]):
        rows = known & (codes == epsg)
        lon[rows], lat[rows] = rasterio.warp.transform(CRS.from_epsg(int(epsg)), "EPSG:4326", x[rows], y[rows])
    on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    return np.where(on_earth, lon, np.nan), np.where(on_earth, lat, np.nan)


def scene_extents(scenes: pd.Series, lon: np.ndarray, lat: np.ndarray) -> pd.Series:
    """Longest side (m) of the box around the points of each scene, on a sphere, whatever zones they are stored in.

    Sides run to the east, to the north and upwards at the mean of the points, so that neither the antimeridian nor the
    poles matter; far from it they are chords.
    """
    points = on_sphere(lon, lat)
    codes, names = pd.factorize(scenes)
    x, y, z = pd.DataFrame(points).groupby(codes).mean().to_numpy().T
    longitude, latitude = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))
    east = np.column_stack([-np.sin(longitude), np.cos(longitude), np.zeros(len(names))])
    north, up = unit_vectors(longitude, latitude + np.pi / 2), unit_vectors(longitude, latitude)
    axes = np.stack([east, north, up], axis=1)
    local = pd.DataFrame(np.einsum("pc,pac->pa", points, axes[codes])).groupby(codes)
    return pd.Series((local.max() - local.min()).max(axis=1).to_numpy() * (1000 * RADIUS_KM), index=names)
