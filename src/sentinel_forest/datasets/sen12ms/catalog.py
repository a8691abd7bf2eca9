"""The catalog of SEN12MS and DFC2020."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import rasterio.warp
from rasterio.crs import CRS

from sentinel_forest.datasets.base import SPLITS
from sentinel_forest.datasets.sen12ms.continents import continent
from sentinel_forest.datasets.sen12ms.layout import (
    ARCHIVE,
    BROKEN,
    DFC_SPLITS,
    SEASONS,
    Layout,
    parse,
    sensors_of,
    tile_path,
)
from sentinel_forest.datasets.sen12ms.lists import listed_tiles, published_splits
from sentinel_forest.datasets.sen12ms.reader import QUICK_OPEN, grid_of, measured, open_tile
from sentinel_forest.datasets.sen12ms.vocabulary import (
    BANDS,
    CATEGORIES,
    CODES,
    FILL,
    SCHEMES,
    SIMPLIFIED,
    class_counts,
    simplify,
    single_label,
)
from sentinel_forest.errors import InputError


def catalog(layout: Layout, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
    """One row per complete patch: train, validation, test; then by season, scene and number.

    Where neither tiles nor archives are there yet, the patches are those that lists of files name.

    Left out are the patches of `BROKEN`, incomplete triplets, and, if hashes are given, patches
    of which a tile has none because a check of its pixels failed. Besides the columns of every catalog:
    `season`, `continent` (coarse, see `continent`), `side_m` (side in m of the footprint, a square
    around `x`, `y` in the CRS `epsg`), and the shares of the valid pixels of each class of the four
    schemes of `SCHEMES` (`igbp_<code>`, `land_cover_<code>`, ...). `scene` is ``<season>_<scene>``.

    Raises
    ------
    InputError
        If no patch is complete, a list in ``splits`` names what is not there, or a tile cannot
        be read.
    """
    sensors = sensors_of(parse(files))
    table = _with_hashes(listing(folder, files), hashes, sensors)
    table["unmeasured"] = _unmeasured(table["file"], hashes)
    if layout.pixels and sensors:
        _add_pixels(layout, table, folder, sensors)
    return table


def listing(folder: Path, files: Sequence[str]) -> pd.DataFrame:
    """The catalog as far as names tell it; what only pixels tell is NaN, -1 or ""."""
    tiles = parse(files)
    if tiles.empty and not any(map(ARCHIVE.match, files)):
        tiles = listed_tiles(folder, files)
    table = _complete_patches(tiles)
    table["published_split"] = published_splits(folder, files, table)
    order = pd.DataFrame(
        {
            "split": pd.Categorical(table["published_split"], [*SPLITS, ""]).codes,
            "season": pd.Categorical(table["season"], [*SEASONS, *DFC_SPLITS]).codes,
            "length": table["scene"].str.len(),
            "scene": table["scene"],
            "number": table["number"],
        }
    )
    table = table.iloc[np.lexsort([order[name] for name in reversed(order.columns)])].reset_index(drop=True)
    table["scene"] = table["season"] + "_" + table["scene"]
    listed = table[["patch", "published_split", "file", "scene", "season"]].copy()
    listed.insert(3, "row", np.zeros(len(listed), dtype=np.int64))
    kinds = {**dict.fromkeys(_FLOAT64, "float64"), **dict.fromkeys(_share_columns(), "float32")}
    unknown = {"continent": "", "content_hash": "", "label": -1, "epsg": pd.NA, **dict.fromkeys(kinds, np.nan)}
    kinds |= {"continent": "str", "content_hash": "str", "label": "int16", "epsg": "Int32"}
    blank = pd.DataFrame(unknown, index=listed.index).astype(kinds)
    return pd.concat([listed, blank], axis=1)


def _add_pixels(layout: Layout, table: pd.DataFrame, folder: Path, sensors: Sequence[str]) -> None:
    """Fill in what the tiles tell, in place: place on the ground, classes."""
    wanted = [sensor for sensor in ("lc", "dfc") if sensor in sensors]
    counts, grids = _read_classes(layout, folder, table["file"], wanted)
    for place in np.flatnonzero(table["unmeasured"]).tolist():
        seen = measured(layout, folder, table.iloc[[place]])[0]
        for sensor in wanted:
            counts[sensor][place] = _measured_classes(layout, folder, table["file"][place], sensor, seen)
    _place(table, grids, layout.side)
    if "lc" in wanted:
        _add_scheme_shares(table, counts["lc"])
    if layout.source == "dfc" and "dfc" in wanted:
        _add_classes(table, counts["dfc"], layout.side)
    elif layout.source == "modis" and "lc" in wanted:
        _add_classes(table, simplify(counts["lc"][:, : len(SIMPLIFIED)]), layout.side)


def _read_classes(
    layout: Layout, folder: Path, files: pd.Series, sensors: Sequence[str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Counts of `CODES` by sensor, (patches, codes), and grids, (patches, 7); opens a tile once."""
    side = layout.side

    def read(part: pd.Series) -> list[tuple[dict[str, np.ndarray], tuple[float, ...]]]:
        rows = []
        with rasterio.Env(**QUICK_OPEN):
            for file in part:
                counts, grid = {}, None
                for sensor in sensors:
                    with open_tile(folder, tile_path(file, sensor), side, len(BANDS[sensor])) as tile:
                        tiled = tile.read(range(1, len(BANDS[sensor]) + 1), out_dtype="uint16")
                        counts[sensor], grid = class_counts(tiled, CODES[sensor]), grid_of(tile) or grid
                if grid is None:
                    with open_tile(folder, file, side, 1) as tile:
                        grid = grid_of(tile)
                rows.append((counts, grid or (np.nan,) * 7))
        return rows

    rows = _in_order(read, files)
    counts = {sensor: np.stack([row[0][sensor] for row in rows]) for sensor in sensors}
    return counts, np.array([row[1] for row in rows])


def _measured_classes(layout: Layout, folder: Path, file: str, sensor: str, measured: np.ndarray) -> np.ndarray:
    """Counts of `CODES` of the pixels of a tile that carry a measurement: int32 (codes,)."""
    with (
        rasterio.Env(**QUICK_OPEN),
        open_tile(folder, tile_path(file, sensor), layout.side, len(BANDS[sensor])) as tile,
    ):
        return class_counts(np.where(measured, tile.read(), FILL), CODES[sensor])


def _in_order(function: Callable[[pd.Series], list], items: pd.Series, pieces: int = 64) -> list:
    """Results of a function of pieces of a series, joined in order; pieces run in parallel."""
    parts = [items.iloc[start : start + pieces] for start in range(0, len(items), pieces)]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return [result for results in pool.map(function, parts) for result in results]


_FLOAT64 = ("x", "y", "side_m", "lon", "lat")


def _share_columns() -> list[str]:
    fractions = [f"fraction_{category.name}" for category in CATEGORIES]
    return ["valid_share", *fractions, *(f"{name}_{code}" for name, codes in SCHEMES.items() for code in codes)]


def _complete_patches(tiles: pd.DataFrame) -> pd.DataFrame:
    """Patches with a tile of each sensor of the release, without the known broken ones."""
    sensors = sensors_of(tiles)
    sizes = tiles["patch"].value_counts()
    complete = sizes.index[sizes == len(sensors)]
    first = tiles[tiles["sensor"] == sensors[0]] if sensors else tiles
    patches = first[first["patch"].isin(complete) & ~first["patch"].isin(BROKEN)]
    if patches.empty:
        raise InputError(
            "No patch is complete.",
            found=f"{len(tiles)} tiles",
            expected="tiles of s1, s2 and lc of one patch",
            remedy="unpack the archives, or widen the selection",
        )
    return patches.rename(columns={"path": "file"}).drop(columns="sensor").reset_index(drop=True)


def _with_hashes(table: pd.DataFrame, hashes: pd.DataFrame, sensors: Sequence[str]) -> pd.DataFrame:
    """Add the hash of the first image sensor; leave out patches of which an image has none."""
    if hashes.empty:
        return table
    for sensor in (name for name in ("s1", "s2") if name in sensors):
        chosen = hashes[hashes["layer"] == sensor]
        known = dict(zip(chosen["file"], chosen["hash"], strict=True))
        hashed = [known.get(tile_path(file, sensor), "") for file in table["file"]]
        table = table.assign(content_hash=pd.Series(hashed, index=table.index, dtype="str"))
        table = table[table["content_hash"] != ""].reset_index(drop=True)
    if table.empty:
        raise InputError(
            "No patch has passed its checks.",
            remedy="see the findings of the verification; restore the tiles they name",
        )
    return table


def _unmeasured(files: pd.Series, hashes: pd.DataFrame) -> pd.Series:
    """Pixels of each patch that carry no measurement, int32; 0 where nothing is known of them."""
    some = hashes[(hashes["layer"] == "s2") & (hashes["empty"] > 0)]
    known = dict(zip(some["file"], some["empty"], strict=True))
    counts = [known.get(tile_path(file, "s2"), 0) if known else 0 for file in files]
    return pd.Series(counts, index=files.index, dtype="int32")


def _place(table: pd.DataFrame, grids: np.ndarray, side: int) -> None:
    """Fill in centre, footprint and continent from EPSG code and transform, in place.

    What is not known stays missing: all of it for tiles that do not say where they lie, the centre in m
    for those in degrees, the side for those that are no squares with the north up.
    """
    codes, a, b, _, d, e, _ = grids.T
    x, y = grids[:, 3] + side / 2 * (a + b), grids[:, 6] + side / 2 * (d + e)
    projected = np.zeros(len(table), dtype=bool)
    lon, lat = np.full(len(table), np.nan), np.full(len(table), np.nan)
    for epsg in np.unique(codes[np.isfinite(codes)]):
        rows, crs = codes == epsg, CRS.from_epsg(int(epsg))
        projected[rows] = crs.is_projected
        lon[rows], lat[rows] = rasterio.warp.transform(crs, "EPSG:4326", x[rows], y[rows])
    on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    table["lon"], table["lat"] = np.where(on_earth, (lon, lat), np.nan)
    projected &= on_earth
    square = projected & (b == 0) & (d == 0) & (a > 0) & (a == -e)
    table["x"], table["y"] = np.where(projected, (x, y), np.nan)
    table["side_m"] = np.where(square, side * a, np.nan)
    table["epsg"] = pd.Series(np.where(projected, codes, np.nan), index=table.index).astype("Int32")
    places = continent(table["lon"].to_numpy(), table["lat"].to_numpy())
    table["continent"] = pd.Series(places, index=table.index, dtype="str")


def _add_scheme_shares(table: pd.DataFrame, counts: np.ndarray) -> None:
    """Fill in shares of the codes of each scheme in its valid pixels, in place."""
    start = 0
    for scheme, codes in SCHEMES.items():
        shares, _ = _shares(counts[:, start : start + len(codes)])
        for place, code in enumerate(codes):
            table[f"{scheme}_{code}"] = shares[:, place].astype(np.float32)
        start += len(codes)


def _add_classes(table: pd.DataFrame, simple: np.ndarray, side: int) -> None:
    """Fill in shares of the simplified classes, the scene's label and the valid share, in place."""
    shares, valid = _shares(simple)
    for place, category in enumerate(CATEGORIES):
        table[f"fraction_{category.name}"] = shares[:, place].astype(np.float32)
    table["label"] = single_label(simple)
    table["valid_share"] = (valid / side**2).astype(np.float32)


def _shares(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts (patches, classes) as shares of their sum (NaN where it is 0), and the sums."""
    totals = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return counts / totals[:, None], totals
