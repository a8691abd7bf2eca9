"""Whether tiles lie where they can: those of a patch on the same ground, those of a scene near each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Finding
from sentinel_forest.datasets.sen12ms.content import TileInspection
from sentinel_forest.datasets.sen12ms.layout import DFC_SPLITS, SENSORS, parse

MOST_FINDINGS = 20

SCENE_EXTENT = 200_000.0
"""No scene is wider (m): the swath of Sentinel-1 has 250 km, and scenes of SEN12MS are a part of one."""


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
    """Whether all tiles of a scene lie near each other."""
    placed = {path: seen.grid for path, seen in tiles.items() if seen.grid}
    expected = f"tiles of a scene within {SCENE_EXTENT / 1000:.0f} km"
    table = parse(placed)
    scenes = table["season"] + "/" + table["scene"]
    grids = np.array([placed[path] for path in table["path"]]).reshape(-1, 7)
    points = pd.DataFrame({"epsg": grids[:, 0], "x": grids[:, 3], "y": grids[:, 6], "scene": scenes})
    if not len(points) or table["season"].isin(DFC_SPLITS).all():
        found = "not computed: no tile says where it lies" if not len(points) else "not computed: no scenes"
        return [Finding("(all tiles)", "structure", "scene-extent", "note", found, expected)]
    # A scene may lie on the border of two zones: each zone is looked at by itself, and zones must be neighbours.
    extent = points.groupby(["scene", "epsg"])[["x", "y"]].agg(np.ptp).max(axis=1)
    zone = points["epsg"] % 100
    zones = zone.groupby(points["scene"]).agg(np.ptp)
    far = sorted({name for name, _ in extent.index[extent > SCENE_EXTENT]} | set(zones.index[zones.between(2, 58)]))
    if not far:
        found = f"{len(zones)} scenes, at most {extent.max() / 1000:.0f} km"
        return [Finding("(all tiles)", "structure", "scene-extent", "ok", found, expected)]
    remedy = "tiles lie in the folder of another scene, or say a wrong place: get the publisher's"
    found = f"{len(far)} scenes lie apart: {', '.join(far[:5])}"
    return [Finding("(all tiles)", "structure", "scene-extent", "failed", found, expected, remedy, "kept")]
