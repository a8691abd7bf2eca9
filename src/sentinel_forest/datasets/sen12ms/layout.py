"""The files of SEN12MS and DFC2020: names of tiles, seasons and scenes, the published hold-out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.sen12ms.vocabulary import LAYERS, TASKS
from sentinel_forest.datasets.unused import PICKLES, first_misplaced, is_folder, unused_findings
from sentinel_forest.errors import InputError
from sentinel_forest.io.clutter import is_clutter
from sentinel_forest.io.lazy import lazy
from sentinel_forest.sensors import FINEST_M

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

SEASONS = ("ROIs1158_spring", "ROIs1868_summer", "ROIs1970_fall", "ROIs2017_winter")
DFC_SPLITS = {"ROIs0000_validation": "validation", "ROIs0000_test": "test"}

ROLE_WORDS = {"train": "train", "validation": "val", "test": "test"}
"""What the names of lists begin with."""
GROUND_COLUMNS = ("x", "y", "epsg")
"""Columns of the catalog that `Dataset.independent_labels` looks at."""
SENSORS = ("s2", "s1", "lc", "dfc")
"""Sensors of a patch; the first that a release has gives the catalog's `file`."""

PATCHES = 180_662
"""Patches of the whole of SEN12MS; a release with fewer is a selection."""

BROKEN = frozenset({"ROIs1868_summer/146/p202"})
"""Patches known to be broken (NaN in ``s1``); the publisher's training list leaves them out too."""

HOLD_OUT: Mapping[str, Mapping[str, int]] = {
    "ROIs1158_spring": {"63": 784, "146": 557, "97": 687, "124": 695, "15": 763, "17": 756},
    "ROIs1868_summer": {"43": 819, "131": 760, "19": 599, "104": 205, "72": 789, "15": 663, "79": 694},
    "ROIs1970_fall": {"120": 747, "39": 772, "144": 690, "35": 690, "61": 783, "47": 784, "30": 779, "141": 744},
    "ROIs2017_winter": {"64": 784, "146": 612, "32": 696, "107": 775, "135": 479},
}
"""The published hold-out scenes with their numbers of patches (splits/SEN12MS_holdOutScenes.txt and
test_list.txt of github.com/schmitt-muc/SEN12MS)."""

SPLIT_LISTS = {
    "train_list.txt": "train",
    "val_list.txt": "validation",
    "ValidationScenes.txt": "validation",
    "test_list.txt": "test",
    "SEN12MS_holdOutScenes.txt": "test",
}
"""List files that are read where they are there: from the release's folder ``splits``, else from the release's folder
itself, where torchgeo keeps them. The validation lists are historical: their scenes were merged into the training
scenes in 2020."""

DTYPES: Mapping[str, tuple[str, ...]] = {
    "s1": ("float32", "float64", "int16"),
    "s2": ("uint16",),
    "lc": ("uint16", "uint8", "int16", "uint32", "int32"),
    "dfc": ("uint8", "uint16", "int16", "uint32", "int32"),
}
"""Kinds of numbers of each sensor's tiles; first the one that `Sen12MS.layer_table` gives and `write_patch`
writes. The documents do not fix them, and copies differ (DFC2020 comes with float64 and int32). The values
are those of the first kind; dB in int16 that were multiplied by something are out of range.
"""

PIXEL = FINEST_M
"""Side of a pixel in m."""

CELL = 50
"""Side in pixels of the areas from which training pixels are drawn (`Sen12MS.draw_units`)."""

BLOCK = CELL * PIXEL
"""The same in m."""

_NAME = re.compile(
    rf"({'|'.join((*SEASONS, *DFC_SPLITS))})(?:_(?:{'|'.join(SENSORS)}))?/({'|'.join(SENSORS)})_([0-9A-Za-z]+)"
    r"/\1_\2_([0-9A-Za-z]+)_p([0-9]+)\.(?i:tif)"
)
"""The copy on Kaggle has a folder for each sensor of a season: ``ROIs2017_winter_s1/s1_21/...``."""

_FILE = re.compile(
    rf"({'|'.join((*SEASONS, *DFC_SPLITS))})_({'|'.join(SENSORS)})_([0-9A-Za-z]+)_p([0-9]+)\.tiff?", re.IGNORECASE
)
"""The name of a tile, in whatever case."""

ARCHIVE = re.compile(r"^(ROIs[0-9]{4}_[a-z]+)_(s1|s2|lc|dfc)\.tar\.gz$")


@dataclass(frozen=True)
class Layout:
    """Rows (and columns) of a patch, where its labels come from, and whether the catalog opens tiles."""

    side: int
    source: Literal["modis", "dfc"]
    pixels: bool


def read_layout(side: int, labels: Literal["modis", "dfc"], pixels: bool) -> Layout:
    """The layout that the keys of a release declare; `InputError` for unknown labels."""
    if labels not in ("modis", "dfc"):
        raise InputError("Unknown labels.", where="layout", found=labels, expected="modis | dfc")
    return Layout(side, labels, pixels)


def label_layers(layout: Layout, task: str) -> tuple[str, ...]:
    """The layer of the labels."""
    if TASKS[task].unit == "patch":
        return ()
    return ("dfc:label",) if layout.source == "dfc" else ("lc:igbp",)


def parse(paths: Iterable[str]) -> pd.DataFrame:
    """What the names of tiles say.

    Returns
    -------
    DataFrame
        `path`, `season`, `sensor`, `scene`, `number` (int64) and `patch`
        (``<season>/<scene>/p<number>``); paths that are not those of tiles are left out.
    """
    matches = [match for match in map(match_tile, paths) if match]
    rows = [(match[0], match[1], match[2], match[3], int(match[5])) for match in matches]
    table = pd.DataFrame(rows, columns=["path", "season", "sensor", "scene", "number"])
    table = table.astype({"number": "int64", **dict.fromkeys(("path", "season", "sensor", "scene"), "str")})
    table["patch"] = table["season"] + "/" + table["scene"] + "/p" + table["number"].astype("str")
    return table


def match_tile(path: str) -> re.Match[str] | None:
    """Parts of a tile's path: season, sensor, scene, scene as the file says it, number."""
    match = _NAME.fullmatch(path)
    if not match or path.split("/")[0] not in (match[1], f"{match[1]}_{match[2]}"):
        return None
    # In DFC2020 the folder says validation and the file says 0; elsewhere both say the scene.
    return match if match[3] == match[4] or match[1] in DFC_SPLITS else None


def is_tile(path: str) -> bool:
    """Whether a path ends as that of a tile."""
    return path.lower().endswith(".tif")


def tile_path(file: str, sensor: str) -> str:
    """Path of another sensor's tile of the same patch."""
    season, scene, name = file.split("/")
    given, number = scene.split("_", 1)
    return f"{_of_sensor(season, given, sensor)}/{sensor}_{number}/{name.replace(f'_{given}_', f'_{sensor}_', 1)}"


def _of_sensor(season: str, given: str, sensor: str) -> str:
    """The folder of a season, which may be one for each sensor."""
    return f"{season.removesuffix(given)}{sensor}" if season.endswith(f"_{given}") else season


def list_paths(files: Iterable[str]) -> dict[str, str]:
    """Paths of the split lists among some files, and the split of each; those in ``splits`` go first."""
    known = set(files)
    places = {name: (f"splits/{name}", name) for name in SPLIT_LISTS}
    return {
        path: SPLIT_LISTS[name]
        for name, paths in places.items()
        if (path := next((path for path in paths if path in known), None))
    }


def file_names(patches: Iterable[str], sensor: str) -> list[str]:
    """File names of patches (``<season>/<scene>/p<number>``) for one sensor."""
    names = []
    for patch in patches:
        season, scene, number = patch.split("/")
        names.append(f"{season}_{sensor}_{scene_in_name(season, scene)}_{number}.tif")
    return names


def scene_in_name(season: str, scene: str) -> str:
    """The scene as file names say it: in DFC2020 it is 0 everywhere."""
    return "0" if season in DFC_SPLITS else scene


def tiles_below(season: Path) -> Iterator[str]:
    """Tiles in the folders of a season."""
    with os.scandir(season) as folders:
        for folder in folders:
            if is_folder(folder):
                with os.scandir(folder.path) as tiles:
                    yield from (
                        f"{folder.name}/{tile.name}"
                        for tile in tiles
                        if is_tile(tile.name) and not is_clutter(tile.name)
                    )


def sensors_of(tiles: pd.DataFrame) -> list[str]:
    """The sensors that some tiles are of, in the order of `SENSORS`."""
    return [sensor for sensor in SENSORS if (tiles["sensor"] == sensor).any()]


def list_files(folder: Path) -> list[str]:
    """Tiles, archives and split lists in a folder; one look at each folder, none at the files.

    Lists alone will do for a catalog without pixels. What stands in the place of a list, or of their folder, and is
    none is listed as well: without it another test set would be taken.
    """
    found = []
    for season in sorted(folder.glob("ROIs*")):
        if season.is_dir():
            found += [f"{season.name}/{path}" for path in tiles_below(season)]
        elif ARCHIVE.match(season.name):
            found.append(season.name)
    lists = [f"{place}{name}" for place in ("splits/", "") for name in SPLIT_LISTS]
    found += list_paths(path for path in lists if os.path.lexists(folder / path))
    if os.path.lexists(folder / "splits") and not (folder / "splits").is_dir():
        found.append("splits")
    if not found:
        raise InputError(
            "There is no file of SEN12MS in the folder.",
            where=folder,
            found=first_misplaced(folder, _home),
            expected="folders like ROIs1158_spring/s2_1, or archives like ROIs1158_spring_s2.tar.gz; "
            "lists like splits/train_list.txt are enough for splits",
            remedy="give the folder that holds the season folders",
        )
    return sorted(found)


def unused(folder: Path) -> list[Finding]:
    """Files of a folder that are not read, see `unused_findings`."""
    return unused_findings(folder, list_files, _suggest, _home)


def _home(path: str) -> str:
    """Where a file would be read whose name is that of a tile, in whatever case; see `unused.Home`."""
    match = _FILE.fullmatch(path.rsplit("/", 1)[-1])
    if not match:
        return ""
    season = next(name for name in (*SEASONS, *DFC_SPLITS) if name.lower() == match[1].lower())
    sensor, scene = match[2].lower(), DFC_SPLITS.get(season, match[3])
    return f"{season}/{sensor}_{scene}/{season}_{sensor}_{match[3]}_p{match[4]}.tif"


def _suggest(path: str) -> str:
    """How a file would be read, as far as its name tells what it is meant to be."""
    name = path.rsplit("/", 1)[-1].lower()
    if is_tile(name) or name.endswith(".tiff"):
        return f"read in folders like {SEASONS[0]}/s2_1 or {SEASONS[0]}_s2/s2_1, under names ending in .tif"
    if name.endswith((".tar", ".tgz", ".tar.gz")):
        return f"read under the publisher's name, such as {SEASONS[0]}_s2.tar.gz, and then alone in its folder"
    words = {"train": "train", "val": "val", "test": "test", "hold": "test"}
    split = next((split for word, split in words.items() if word in name), None)
    if split and name.endswith((".txt", ".csv", ".lst", ".json", *PICKLES)):
        return f"a list of patches or scenes, one a line, is read as splits/{split}_list.txt"
    if name.endswith(PICKLES):
        return "nothing is unpickled or unpacked from such files: give the .txt lists and the tiles"
    return "tables are not read: classes come from the tiles, splits from splits/train_list.txt and the like" * (
        name.endswith((".csv", ".parquet", ".geojson", ".json", ".xlsx"))
    )


def layers_of(paths: Iterable[str]) -> frozenset[str]:
    """Layers of the sensors that have a tile, or an archive of tiles."""
    sensors = {match[2] for path in paths if (match := match_tile(path) or ARCHIVE.match(path))}
    return frozenset(layer for layer in LAYERS if layer.split(":")[0] in sensors)


def published_roles(paths: Iterable[str]) -> frozenset[str] | None:
    """Roles of tiles and archives of DFC2020; None if there are others, or none."""
    matches = (match_tile(path) or ARCHIVE.match(path) for path in paths)
    roles = {DFC_SPLITS.get(match[1], "") for match in matches if match}
    return None if "" in roles or not roles else frozenset(roles)
