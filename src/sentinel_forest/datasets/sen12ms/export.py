"""Writing split lists and tiles as the publisher does."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import rasterio.warp
from rasterio.transform import Affine

from sentinel_forest.datasets.sen12ms.layout import ROLE_WORDS, SEASONS, SENSORS, file_names, scene_in_name
from sentinel_forest.datasets.sen12ms.lists import write_split_list
from sentinel_forest.errors import InputError
from sentinel_forest.io.copying import NewFile
from sentinel_forest.io.tables import replacing

README = """\
# A split of SEN12MS as lists of file names

A line of a list is a tile. The lists have the form of `splits/` in the SEN12MS toolbox, in text: `train_list.txt`,
`val_list.txt`, `test_list.txt`. By the toolbox's text a list names the tiles of Sentinel-1, and `_s1_` is replaced by
`_s2_` or `_lc_` after reading. Its class in `classification/dataset.py` expects `_s2_` names, in pickles. Ask for them
with `export: {layers: [s2]}`. No pickles are written here; this makes one of a list:

```python
import pickle
from pathlib import Path

names = Path("train_list.txt").read_text().split()
Path("train_list.pkl").write_bytes(pickle.dumps(names))
```

Where several sensors were asked for, the lists of the first are named as above, and those of another one
`train_list_lc.txt`, ... `manifest.json` says which release, scheme and trial this is.
"""


def export(roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
    """``train_list.txt``, ``val_list.txt`` and ``test_list.txt`` in the form of the SEN12MS toolbox, and a README.

    `layers` are sensors (none: ``s1``, as the toolbox's text has it). The lists of the first have these names, those
    of another one are named like ``train_list_lc.txt``.
    """
    unknown = [sensor for sensor in layers if sensor not in SENSORS]
    if unknown:
        raise InputError("Unknown sensor.", found=unknown[0], expected=" | ".join(SENSORS))
    sensors = list(dict.fromkeys(layers or ("s1",)))
    lists = [
        _list_export(f"{name}_list{'' if sensor == sensors[0] else f'_{sensor}'}.txt", roles[role], sensor)
        for role, name in ROLE_WORDS.items()
        if role in roles and len(roles[role])
        for sensor in sensors
    ]
    return [*lists, NewFile("README.md", len(README.encode()), _write_readme)] if lists else []


def export_torchgeo(folder: Path, roles: Mapping[str, pd.DataFrame]) -> list[NewFile]:
    """Lists and links to seasons in the places where the class `SEN12MS` of torchgeo looks for them.

    It wants the lists of train and test and the folders of all four seasons to be there, whether they are used or
    not: a list may be empty, and so may be the folder of a season that the release lacks.

    Raises
    ------
    InputError
        If tiles lie in folders of another form than the publisher's, or a patch is of DFC2020.
    """
    patches = pd.concat(roles.values())
    elsewhere = ~patches["file"].str.match(rf"({'|'.join(SEASONS)})/s2_")
    if elsewhere.any():
        raise InputError(
            "torchgeo does not find these tiles.",
            where=folder,
            found=patches["file"][elsewhere].iloc[0],
            expected=f"tiles of SEN12MS, as {SEASONS[0]}/s2_1/{SEASONS[0]}_s2_1_p30.tif",
            remedy="unpack the publisher's archives; or export the index",
        )
    nobody = patches.head(0)
    lists = [
        _list_export(f"{name}_list.txt", roles.get(role, nobody), "s2")
        for role, name in ROLE_WORDS.items()
        if role in roles or role != "validation"
    ]
    return [*lists, *(NewFile(season, 0, partial(_link, (folder / season).resolve())) for season in SEASONS)]


def _link(source: Path, path: Path) -> Iterator[int]:
    """A link to the folder of a season; a season without one is a link to nothing but the export itself."""
    path.symlink_to(source if source.is_dir() else Path("."), target_is_directory=True)
    yield 0


def _write_readme(path: Path) -> Iterator[int]:
    yield path.write_bytes(README.encode())


def write_patch(
    folder: Path,
    season: str,
    scene: str,
    patch: int,
    *,
    s1: np.ndarray,
    s2: np.ndarray,
    lc: np.ndarray,
    dfc: np.ndarray | None = None,
    epsg: int,
    transform: Affine,
) -> None:
    """Write a patch in the publisher's layout.

    Parameters
    ----------
    folder : Path
        Folder of the release.
    season, scene, patch : str, str, int
        E.g. ``"ROIs1158_spring"``, ``"101"``, ``30``.
    s1 : ndarray
        float32 (2, rows, columns): VV, VH in dB.
    s2 : ndarray
        uint16 (13, rows, columns): reflectance x 10,000.
    lc : ndarray
        uint16 (4, rows, columns): codes of `SCHEMES`.
    dfc : ndarray, optional
        uint8 (rows, columns): codes of `CATEGORIES`.
    epsg : int
        EPSG code of the CRS.
    transform : Affine
        From pixel to CRS.
    """
    tiles = {"s1": (s1, "float32"), "s2": (s2, "uint16"), "lc": (lc, "uint16")}
    if dfc is not None:
        tiles["dfc"] = (dfc[None], "uint8")
    for sensor, (pixels, dtype) in tiles.items():
        name = f"{season}_{sensor}_{scene_in_name(season, scene)}_p{patch}.tif"
        path = folder / season / f"{sensor}_{scene}" / name
        _write_tile(path, pixels.astype(dtype, copy=False), epsg, transform)


def _write_tile(path: Path, pixels: np.ndarray, epsg: int, transform: Affine) -> None:
    """Write a GeoTIFF as published: uncompressed, bands interleaved by pixel; same input, same bytes."""
    count, height, width = pixels.shape
    with (
        replacing(path) as beside,
        rasterio.open(
            beside,
            "w",
            driver="GTiff",
            count=count,
            height=height,
            width=width,
            dtype=pixels.dtype.name,
            crs=f"EPSG:{epsg}",
            transform=transform,
            interleave="pixel",
        ) as tile,
    ):
        tile.write(pixels)


def _list_export(path: str, rows: pd.DataFrame, sensor: str) -> NewFile:
    """A split list of chosen patches."""

    def write(path: Path) -> Iterator[int]:
        write_split_list(path, rows["patch"], sensor)
        yield path.stat().st_size

    return NewFile(path, sum(len(name) + 1 for name in file_names(rows["patch"], sensor)), write)
