"""Findings about many files: names, complete triplets, numbers of patches, tiles on the same ground."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import File, Finding, Inspection, hash_table, unmeasured_finding, unmeasured_text
from sentinel_forest.datasets.sen12ms.content import PROJECTION, TileInspection
from sentinel_forest.datasets.sen12ms.layout import (
    ARCHIVE,
    DFC_SPLITS,
    DTYPES,
    HOLD_OUT,
    SEASONS,
    SENSORS,
    Layout,
    parse,
    sensors_of,
)

MOST_FINDINGS = 20


def structure(folder: Path, files: Sequence[File]) -> list[Finding]:
    """Names, completeness of the triplets, archives, numbers of patches; opens nothing.

    Checks: ``name``, ``archives``, ``triplets``, ``sensors``, ``patches`` (a row for each season)
    and ``hold-out``.
    """
    paths = [file.path for file in files]
    tiles = parse(path for path in paths if path.endswith(".tif"))
    findings = _name_findings(paths, tiles) + _archive_findings(paths)
    if len(tiles):
        findings += _triplet_findings(tiles) + _count_findings(tiles)
    return findings


def conclude(layout: Layout, inspections: Mapping[str, Inspection]) -> Inspection:
    """What inspected files show together.

    Parameters
    ----------
    inspections : mapping
        Path to what `inspector` has returned for it.

    Returns
    -------
    Inspection
        Findings about tiles of a patch that do not lie on the same ground (``same-crs``,
        ``same-transform``), one ok row for each check that nothing failed, the note ``place`` if
        tiles do not say where they lie (checks of the ground are then not computed), and the hashes of
        all tiles, by their sensor; patches of which a tile cannot be used have none of their images.
    """
    tiles = {path: seen for path, seen in inspections.items() if isinstance(seen, TileInspection)}
    if not tiles:
        return Inspection(())
    findings = _ground_findings(tiles)
    failed = {row.check for seen in tiles.values() for row in seen.findings if row.status == "failed"}
    failed |= {finding.check for finding in findings}
    findings += _summary(tiles, failed)
    findings += _unmeasured_findings(layout, tiles)
    patches = parse(tiles).set_index("path")["patch"]
    left_out = {patches[path] for path, seen in tiles.items() if seen.left_out}
    hashed = [(path, seen) for path, seen in sorted(tiles.items()) if seen.pixels and patches[path] not in left_out]
    hashes = hash_table(
        [path for path, _ in hashed],
        [0] * len(hashed),
        [path.split("/")[1].split("_")[0] for path, _ in hashed],
        [seen.pixels for _, seen in hashed],
        [seen.empty or 0 for _, seen in hashed],
    )
    return Inspection(tuple(findings), hashes)


def _unmeasured_findings(layout: Layout, tiles: Mapping[str, TileInspection]) -> list[Finding]:
    counts = {path: seen.empty for path, seen in tiles.items() if seen.empty is not None}
    if not counts:
        return []
    patches = parse(counts).set_index("path")["patch"]
    text = unmeasured_text(list(counts.values()), layout.side**2, [patches[path] for path in counts])
    return [unmeasured_finding("(all tiles of s2)", "measured", text, len(counts))]


def _limited(findings: Sequence[Finding]) -> list[Finding]:
    """The first findings of one check, and the number of the others in one more row."""
    if len(findings) <= MOST_FINDINGS:
        return list(findings)
    first, rest = findings[0], len(findings) - MOST_FINDINGS
    more = replace(first, file="(more)", found=f"{rest} more of these", expected="", remedy="")
    return [*findings[:MOST_FINDINGS], more]


_TILE_CHECKS: Mapping[str, Literal["structure", "content"]] = {
    "readable": "structure",
    "shape": "structure",
    "dtype": "structure",
    "crs": "structure",
    "pixel-size": "structure",
    "same-crs": "structure",
    "same-transform": "structure",
    "nan": "content",
    "range": "content",
    "classes": "content",
}

_GROUND_CHECKS = frozenset({"crs", "pixel-size", "same-crs", "same-transform"})
"""Those that a tile without a place does not take part in."""


def _name_findings(paths: Sequence[str], tiles: pd.DataFrame) -> list[Finding]:
    known = set(tiles["path"])
    strange = [path for path in paths if path.endswith(".tif") and path not in known]
    return _limited(
        [
            Finding(
                path,
                "structure",
                "name",
                "failed",
                path.rsplit("/", 1)[-1],
                f"<season>_<sensor>_<scene>_p<number>.tif in <season>/<sensor>_<scene>, season one of "
                f"{', '.join((*SEASONS, *DFC_SPLITS))}",
                "rename it, or move it out of the release's folder",
                "left out",
            )
            for path in strange
        ]
    )


def _archive_findings(paths: Sequence[str]) -> list[Finding]:
    """Which sensors of a season are there as archives."""
    found: dict[str, set[str]] = {}
    for match in filter(None, map(ARCHIVE.match, paths)):
        found.setdefault(match[1], set()).add(match[2])
    return [
        Finding(
            season,
            "structure",
            "archives",
            "ok" if sensors >= {"s1", "s2", "lc"} else "note",
            ", ".join(sorted(sensors)),
            "lc, s1, s2",
        )
        for season, sensors in sorted(found.items())
    ]


def _triplet_findings(tiles: pd.DataFrame) -> list[Finding]:
    """Patches without a tile of a sensor that the release has; sensors that it has not at all."""
    sensors = sensors_of(tiles)
    have = pd.crosstab(tiles["patch"], tiles["sensor"]).reindex(columns=sensors, fill_value=0)
    incomplete = have.index[(have == 0).any(axis=1)]
    findings = _limited(
        [
            Finding(
                patch,
                "structure",
                "triplets",
                "failed",
                f"no tile of {', '.join(sensor for sensor in sensors if have.at[patch, sensor] == 0)}",
                f"a tile of each of {', '.join(sensors)}",
                "unpack or fetch the missing tile",
                "left out",
            )
            for patch in incomplete
        ]
    )
    findings += _limited(
        [
            Finding(
                patch,
                "structure",
                "triplets",
                "failed",
                f"{int(have.loc[patch, sensor])} tiles of {sensor}",
                "one",
                "remove the one that is not the publisher's",
                "left out",
            )
            for sensor in sensors
            for patch in have.index[have[sensor] > 1]
        ]
    )
    if not findings:
        findings = [Finding("(all patches)", "structure", "triplets", "ok", f"{len(have)} complete")]
    absent = sorted({"s1", "s2", "lc"} - set(sensors))
    if absent:
        text = f"no tile of {', '.join(absent)}"
        findings.append(Finding("(all patches)", "structure", "sensors", "note", text, "lc, s1, s2"))
    return findings


def _count_findings(tiles: pd.DataFrame) -> list[Finding]:
    """Patches by season and scene, and those of hold-out scenes against the published numbers."""
    patches = tiles.drop_duplicates("patch")
    counts = patches.groupby(["season", "scene"]).size()
    findings = []
    for season, scenes in counts.groupby(level="season"):
        names = scenes.index.get_level_values("scene")
        by_scene = ", ".join(f"{scene}: {count}" for scene, count in zip(names, scenes, strict=True))
        text = f"{scenes.sum()} patches in {len(scenes)} scenes ({by_scene})"
        findings.append(Finding(str(season), "structure", "patches", "ok", text))
    other = [
        f"{season} {scene}: {counts[season, scene]} of {published}"
        for season, scenes in HOLD_OUT.items()
        for scene, published in scenes.items()
        if counts.get((season, scene), published) != published
    ]
    if other:
        findings.append(
            Finding(
                "(hold-out scenes)",
                "structure",
                "hold-out",
                "note",
                "; ".join(other),
                "as many patches as published",
                "results on hold-out scenes are on a part of them",
            )
        )
    return findings


def _summary(tiles: Mapping[str, TileInspection], failed: set[str]) -> list[Finding]:
    """A row for each check of tiles that none has failed, and what they have in common."""
    unplaced = [path for path, seen in tiles.items() if seen.dtype and not seen.placed]
    placed = len(tiles) - len(unplaced)
    findings = []
    for check, layer in _TILE_CHECKS.items():
        count = placed if check in _GROUND_CHECKS else len(tiles)
        if check not in failed:
            met = _unusual_dtypes(tiles) if check == "dtype" else ""
            text = f"{count} tiles{met}" if count else "not computed: no tile says where it lies"
            findings.append(Finding("(all tiles)", layer, check, "ok" if count else "note", text))
    if unplaced:
        by_sensor = Counter(path.split("/")[1].split("_")[0] for path in unplaced)
        text = ", ".join(f"{sensor}: {by_sensor[sensor]}" for sensor in SENSORS if by_sensor[sensor])
        findings.append(
            Finding(
                "(all tiles)",
                "structure",
                "place",
                "note",
                f"{len(unplaced)} of {len(tiles)} tiles do not say where they lie ({text})",
                f"{PROJECTION}, and a transform",
                "nothing if they came so, as DFC2020 does: places and overlaps are then unknown; "
                "tiles of SEN12MS do say it, get the publisher's",
            )
        )
    return findings


def _unusual_dtypes(tiles: Mapping[str, TileInspection]) -> str:
    """Kinds of numbers other than the first of `DTYPES`, by sensor, as the end of a text."""
    met = {(path.split("/")[1].split("_")[0], seen.dtype) for path, seen in tiles.items() if seen.dtype}
    unusual = [f"{sensor} {dtype}" for sensor, dtype in sorted(met) if dtype != DTYPES[sensor][0]]
    return f"; {', '.join(unusual)}" if unusual else ""


def _ground_findings(tiles: Mapping[str, TileInspection]) -> list[Finding]:
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
        for finding in _limited(
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
    return (np.abs(grids - others) > 1e-3).any(axis=-1)


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
