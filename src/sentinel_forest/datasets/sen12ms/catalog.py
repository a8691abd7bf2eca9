"""The catalog of SEN12MS and DFC2020."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import rasterio
from rasterio.crs import CRS

from sentinel_forest.datasets.base import SPLITS, Stored, any_measured, hash_columns, hold_arrays, valid_fraction
from sentinel_forest.datasets.continents import continent
from sentinel_forest.datasets.sen12ms.ground import degrees_of
from sentinel_forest.datasets.sen12ms.headers import header_of
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
from sentinel_forest.datasets.sen12ms.lines import line_columns
from sentinel_forest.datasets.sen12ms.lists import listed_tiles, published_splits
from sentinel_forest.datasets.sen12ms.reader import QUICK_OPEN, as_codes, open_tile, read, read_tile
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

T = TypeVar("T")


def catalog(layout: Layout, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
    """One row per complete patch: train, validation, test; then by season, scene and number.

    Where neither tiles nor archives are there yet, the patches are those that lists of files name.

    Left out are the patches of `BROKEN`, incomplete triplets, and, if hashes are given, patches
    of which a tile has none because a check of its pixels failed. Besides the columns of every catalog:
    `season`, `continent` (coarse, see `continent`), `side_m` (side in m of the footprint, a square
    around `x`, `y` in the CRS `epsg`), and the fractions of the valid pixels of each class of the four
    schemes of `SCHEMES` (`igbp_<code>`, `land_cover_<code>`, ...), and the lines of the publisher's lists
    (`train_line`, ..., see `line_columns`). `scene` is ``<season>_<scene>``.

    Raises
    ------
    InputError
        If no patch is complete, a list in ``splits`` names what is not there, or a tile cannot
        be read.
    """
    sensors = sensors_of(parse(files))
    table = _with_hashes(listing(folder, files), hashes, sensors)
    for sensor, kind in (("s2", "optical"), ("s1", "radar")):
        table[f"valid_fraction_{kind}"] = _valid_fraction(layout, table["file"], hashes, sensor)
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
    kinds = {**dict.fromkeys(_FLOAT64, "float64"), **dict.fromkeys(_fraction_columns(), "float32")}
    unknown = {"continent": "", "content_hash": "", "label": -1, "epsg": pd.NA, **dict.fromkeys(kinds, np.nan)}
    kinds |= {"continent": "str", "content_hash": "str", "label": "int16", "epsg": "Int32"}
    blank = pd.DataFrame(unknown, index=listed.index).astype(kinds)
    return pd.concat([listed, blank, line_columns(folder, files, listed["patch"])], axis=1)


def _add_pixels(layout: Layout, table: pd.DataFrame, folder: Path, sensors: Sequence[str]) -> None:
    """Fill in what the tiles tell, in place: place on the ground, classes."""
    wanted = [sensor for sensor in ("lc", "dfc") if sensor in sensors]
    counts, grids = _read_classes(layout, folder, table, wanted)
    for place in np.flatnonzero(table["valid_fraction_optical"] < 1).tolist():
        patch = table.iloc[[place]]
        seen = _measured(layout, folder, patch)
        for sensor in wanted:
            (tile,) = _tiles(layout, folder, patch, sensor)
            counts[sensor][place] = class_counts(np.where(seen, _codes(tile, sensor), FILL), CODES[sensor])
    _place(table, grids, layout.side)
    if "lc" in wanted:
        _add_scheme_fractions(table, counts["lc"])
    if layout.source == "dfc" and "dfc" in wanted:
        _add_classes(table, counts["dfc"], layout.side)
    elif layout.source == "modis" and "lc" in wanted:
        _add_classes(table, simplify(counts["lc"][:, : len(SIMPLIFIED)]), layout.side)


def _read_classes(
    layout: Layout, folder: Path, patches: pd.DataFrame, sensors: Sequence[str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Counts of `CODES` by sensor, (patches, codes), and grids, (patches, 7); opens a tile once."""
    known = patches[["file", "row", *patches.filter(like="hash_")]]

    def read(part: pd.DataFrame) -> list[tuple[dict[str, np.ndarray], tuple[float, ...]]]:
        with rasterio.Env(**QUICK_OPEN):
            return [_classes_and_grid(layout, folder, part.iloc[[place]], sensors) for place in range(len(part))]

    rows = _in_order(read, known)
    counts = {sensor: np.stack([row[0][sensor] for row in rows]) for sensor in sensors}
    return counts, np.array([row[1] for row in rows])


def _classes_and_grid(
    layout: Layout, folder: Path, patch: pd.DataFrame, sensors: Sequence[str]
) -> tuple[dict[str, np.ndarray], tuple[float, ...]]:
    """Counts of `CODES` of one patch by sensor, (codes,), and its grid."""
    counts, grid, file = {}, None, str(patch["file"].iloc[0])
    for sensor in sensors:
        with open_tile(folder, tile_path(file, sensor), layout.side, len(BANDS[sensor])) as tile:
            pixels, grid = read_tile(tile), header_of(tile).grid or grid
        hold_arrays(patch, {sensor: [pixels]}, tile_path)
        counts[sensor] = class_counts(_codes(pixels, sensor), CODES[sensor])
    if grid is None:
        with open_tile(folder, file, layout.side, 1) as tile:
            grid = header_of(tile).grid
    return counts, grid or (np.nan,) * 7


def _codes(tile: np.ndarray, sensor: str) -> np.ndarray:
    """Codes of a label tile: uint16 (bands, rows, columns)."""
    return as_codes(np.moveaxis(tile[..., : len(BANDS[sensor])], -1, 0))


def _tiles(layout: Layout, folder: Path, patches: pd.DataFrame, sensor: str) -> Stored:
    """The tiles of a sensor, each (rows, columns, bands), held against their hashes."""
    ((_, arrays),) = read(layout, folder, patches, [sensor], len(patches))
    hold_arrays(patches, arrays, tile_path)
    return arrays[sensor]


def _measured(layout: Layout, folder: Path, patch: pd.DataFrame) -> np.ndarray:
    """Pixels of a patch that are not 0 in all bands of Sentinel-2: bool (rows, columns)."""
    (tile,) = _tiles(layout, folder, patch, "s2")
    return any_measured((band, None) for band in np.moveaxis(tile, -1, 0))


def _in_order(function: Callable[[pd.DataFrame], list[T]], items: pd.DataFrame, pieces: int = 64) -> list[T]:
    """Results of a function of pieces of a table, joined in order; pieces run in parallel."""
    parts = [items.iloc[start : start + pieces] for start in range(0, len(items), pieces)]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return [result for results in pool.map(function, parts) for result in results]


_FLOAT64 = ("x", "y", "side_m", "lon", "lat")


def _fraction_columns() -> list[str]:
    fractions = [f"fraction_{category.name}" for category in CATEGORIES]
    return ["labelled_fraction", *fractions, *(f"{name}_{code}" for name, codes in SCHEMES.items() for code in codes)]


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
    """Add the hashes of all tiles; leave out patches of which an image has none."""
    files = {sensor: [tile_path(file, sensor) for file in table["file"]] for sensor in sensors}
    table = table.join(hash_columns(hashes, files, table["row"]))
    if hashes.empty:
        return table
    for sensor in (name for name in ("s1", "s2") if name in sensors):
        table = table.assign(content_hash=table[f"hash_{sensor}"])
        table = table[table["content_hash"] != ""].reset_index(drop=True)
    if table.empty:
        raise InputError(
            "No patch has passed its checks.",
            remedy="see the findings of the verification; restore the tiles they name",
        )
    return table


def _valid_fraction(layout: Layout, files: pd.Series, hashes: pd.DataFrame, sensor: str) -> np.ndarray:
    """Fraction of the pixels of each patch that carry a measurement, float32; NaN where nothing is known of them."""
    here = hashes[hashes["layer"] == sensor]
    known = dict(zip(here["file"], here["empty"], strict=True))
    return valid_fraction([known.get(tile_path(file, sensor), -1) if known else -1 for file in files], layout.side**2)


def _place(table: pd.DataFrame, grids: np.ndarray, side: int) -> None:
    """Fill in centre, footprint and continent from EPSG code and transform, in place.

    What is not known stays missing: all of it for tiles that do not say where they lie, the centre in m
    for those in degrees, the side for those that are no squares with the north up.
    """
    codes, a, b, _, d, e, _ = grids.T
    x, y = grids[:, 3] + side / 2 * (a + b), grids[:, 6] + side / 2 * (d + e)
    table["lon"], table["lat"] = degrees_of(codes, x, y)
    in_metres = [epsg for epsg in np.unique(codes[np.isfinite(codes)]) if CRS.from_epsg(int(epsg)).is_projected]
    projected = np.isin(codes, in_metres) & table["lon"].notna().to_numpy()
    square = projected & (b == 0) & (d == 0) & (a > 0) & (a == -e)
    table["x"], table["y"] = np.where(projected, (x, y), np.nan)
    table["side_m"] = np.where(square, side * a, np.nan)
    table["epsg"] = pd.Series(np.where(projected, codes, np.nan), index=table.index).astype("Int32")
    places = continent(table["lon"].to_numpy(), table["lat"].to_numpy())
    table["continent"] = pd.Series(places, index=table.index, dtype="str")


def _add_scheme_fractions(table: pd.DataFrame, counts: np.ndarray) -> None:
    """Fill in fractions of the codes of each scheme in its valid pixels, in place."""
    start = 0
    for scheme, codes in SCHEMES.items():
        fractions, _ = _fractions(counts[:, start : start + len(codes)])
        for place, code in enumerate(codes):
            table[f"{scheme}_{code}"] = fractions[:, place].astype(np.float32)
        start += len(codes)


def _add_classes(table: pd.DataFrame, simple: np.ndarray, side: int) -> None:
    """Fill in fractions of the simplified classes, the scene's label and the valid fraction, in place."""
    fractions, valid = _fractions(simple)
    for place, category in enumerate(CATEGORIES):
        table[f"fraction_{category.name}"] = fractions[:, place].astype(np.float32)
    table["label"] = single_label(simple)
    table["labelled_fraction"] = (valid / side**2).astype(np.float32)


def _fractions(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts (patches, classes) as fractions of their sum (NaN where it is 0), and the sums."""
    totals = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return counts / totals[:, None], totals
