"""Findings about many files: names, complete triplets, numbers of patches, tiles on the same ground."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import File, Finding, Inspection, hash_table, unmeasured_finding
from sentinel_forest.datasets.sen12ms.content import PROJECTION, TileInspection
from sentinel_forest.datasets.sen12ms.ground import ground_findings, limited, scene_findings
from sentinel_forest.datasets.sen12ms.layout import (
    ARCHIVE,
    BROKEN,
    DFC_SPLITS,
    DTYPES,
    HOLD_OUT,
    PATCHES,
    SEASONS,
    SENSORS,
    Layout,
    is_tile,
    parse,
    sensors_of,
    tile_path,
)
from sentinel_forest.datasets.sen12ms.lists import without_split
from sentinel_forest.datasets.sen12ms.samples import values_of

WATER_AGREES = 0.9
"""Least fraction of pixels of water in IGBP or LCCS that are water in both: 1 in tiles of MCD12Q1, 0 after a shift."""

ENOUGH_WATER = 1000
"""Pixels of water that this needs."""


def structure(folder: Path, files: Sequence[File]) -> list[Finding]:
    """Names, completeness of the triplets, archives, numbers of patches; opens nothing.

    Checks: ``name``, ``archives``, ``triplets``, ``sensors``, ``patches`` (a row for each season)
    and ``hold-out``.
    """
    paths = [file.path for file in files]
    tiles = parse(filter(is_tile, paths))
    findings = _name_findings(paths, tiles) + _unlike_findings(tiles) + _archive_findings(paths)
    if len(tiles):
        findings += _triplet_findings(tiles) + _count_findings(tiles) + without_split(paths, tiles)
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
    findings = ground_findings(tiles)
    failed = {row.check for seen in tiles.values() for row in seen.findings if row.status == "failed"}
    failed |= {finding.check for finding in findings}
    findings += _summary(tiles, failed)
    findings += _unmeasured_findings(layout, tiles)
    findings += _water_findings(tiles) + scene_findings(tiles)
    table = parse(tiles)
    patches = table.set_index("path")["patch"]
    left_out = {patches[path] for path, seen in tiles.items() if seen.left_out}
    findings += _usable_findings(layout, tiles, table, left_out)
    hashed = [(path, seen) for path, seen in sorted(tiles.items()) if seen.pixels and patches[path] not in left_out]
    hashes = hash_table(
        [path for path, _ in hashed],
        [0] * len(hashed),
        [path.split("/")[1].split("_")[0] for path, _ in hashed],
        [seen.pixels for _, seen in hashed],
        [seen.empty or 0 for _, seen in hashed],
    )
    return Inspection(tuple(findings), hashes, values=values_of(tiles, table))


def _unmeasured_findings(layout: Layout, tiles: Mapping[str, TileInspection]) -> list[Finding]:
    findings = []
    for sensor, kind in (("s2", "optical"), ("s1", "radar")):
        counts = {path: seen.empty for path, seen in tiles.items() if seen.empty is not None and f"_{sensor}_" in path}
        if counts:
            patches = parse(counts).set_index("path")["patch"]
            names, where = [patches[path] for path in counts], f"(all tiles of {sensor})"
            findings.append(unmeasured_finding(where, "measured", list(counts.values()), layout.side**2, names, kind))
    return findings


def _usable_findings(
    layout: Layout, tiles: Mapping[str, TileInspection], table: pd.DataFrame, left_out: Collection[str]
) -> list[Finding]:
    """A failure if no patch would be left, whatever is accepted; nothing if some are."""
    sizes = table["patch"].value_counts()
    complete = set(sizes.index[sizes == len(sensors_of(table))])
    empty = {
        patch
        for path, patch in zip(table["path"], table["patch"], strict=True)
        if "/s2_" in path and tiles[path].empty == layout.side**2
    }
    if complete - BROKEN - empty - set(left_out):
        return []
    remedy = "mend what the other findings name, or fetch the tiles again"
    expected = "a patch with all its tiles whole"
    return [Finding("(all patches)", "structure", "usable", "failed", "no patch would be left", expected, remedy)]


def _water_findings(tiles: Mapping[str, TileInspection]) -> list[Finding]:
    """Whether two bands of ``lc`` agree about water: not if the classes of one are counted from 0."""
    both, either = np.sum([seen.water for seen in tiles.values()], axis=0).tolist()
    if not any("/lc_" in path for path in tiles):
        return []
    expected = f"water in both of IGBP and LCCS for {100 * WATER_AGREES:g} % of the pixels that are water in one"
    if either < ENOUGH_WATER:
        found = f"not computed: {either} pixels of water"
        return [Finding("(all tiles)", "content", "igbp-lccs", "note", found, expected)]
    found = f"{100 * both / either:.4g} % of {either} pixels"
    if both >= WATER_AGREES * either:
        return [Finding("(all tiles)", "content", "igbp-lccs", "ok", found, expected)]
    remedy = "the first band of lc has other codes (from 0 on?), or bands are exchanged: get the publisher's tiles"
    return [Finding("(all tiles)", "content", "igbp-lccs", "failed", found, expected, remedy, "kept")]


_TILE_CHECKS: Mapping[str, Literal["structure", "content"]] = {
    "readable": "structure",
    "shape": "structure",
    "dtype": "structure",
    "scale": "structure",
    "crs": "structure",
    "pixel-size": "structure",
    "same-crs": "structure",
    "same-transform": "structure",
    "nan": "content",
    "nodata": "content",
    "range": "content",
    "classes": "content",
    "constant": "content",
    "hole": "content",
}

_GROUND_CHECKS = frozenset({"crs", "pixel-size", "same-crs", "same-transform"})
"""Those that a tile without a place does not take part in."""


def _name_findings(paths: Sequence[str], tiles: pd.DataFrame) -> list[Finding]:
    known = set(tiles["path"])
    strange = [path for path in paths if is_tile(path) and path not in known]
    return limited(
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


def _unlike_findings(tiles: pd.DataFrame) -> list[Finding]:
    """Tiles that are not found from the name of another one of their patch: other endings, or folders of seasons."""
    if len({(path.rpartition(".")[2], len(path.split("/")[0].split("_"))) for path in tiles["path"]}) < 2:
        return []
    order = tiles["sensor"].map(SENSORS.index)
    first = tiles.iloc[order.argsort(kind="stable")].drop_duplicates("patch").set_index("patch")["path"]
    expected = [tile_path(file, sensor) for file, sensor in zip(first[tiles["patch"]], tiles["sensor"], strict=True)]
    unlike = [(path, wanted) for path, wanted in zip(tiles["path"], expected, strict=True) if path != wanted]
    if not unlike:
        return []
    found, remedy = (
        f"{len(unlike)} tiles, such as {unlike[0][0]}",
        "rename them: the names of a patch's tiles are alike",
    )
    return [Finding("(all tiles)", "structure", "name", "failed", found, f"{unlike[0][1]}, ...", remedy)]


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
    findings = limited(
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
    findings += limited(
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
    most = f"{PATCHES} patches in all at most"
    remedy = "tiles that are not the publisher's lie here: remove them"
    findings = []
    for season, scenes in counts.groupby(level="season"):
        names = scenes.index.get_level_values("scene")
        by_scene = ", ".join(f"{scene}: {count}" for scene, count in zip(names, scenes, strict=True))
        text = f"{scenes.sum()} patches in {len(scenes)} scenes ({by_scene})"
        findings.append(
            Finding(str(season), "structure", "patches", "failed", text, most, remedy, "kept")
            if len(patches) > PATCHES
            else Finding(str(season), "structure", "patches", "ok", text, most)
        )
    present = [
        (f"{season} {scene}: {counts[season, scene]} of {published}", counts[season, scene] - published)
        for season, scenes in HOLD_OUT.items()
        for scene, published in scenes.items()
        if (season, scene) in counts.index
    ]
    other = [text for text, more in present if more < 0]
    excess = [text for text, more in present if more > 0]
    if excess:
        expected = "no more patches than published"
        findings.append(
            Finding("(hold-out scenes)", "structure", "hold-out", "failed", "; ".join(excess), expected, remedy, "kept")
        )
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
