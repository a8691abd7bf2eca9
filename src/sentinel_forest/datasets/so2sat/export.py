"""Writing files in the layout of So2Sat LCZ42."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from sentinel_forest.datasets.hashing import hold_arrays
from sentinel_forest.datasets.so2sat.geo import cities_of, tfw_order
from sentinel_forest.datasets.so2sat.layout import OVERHEAD_BYTES, PUBLISHED, SHAPES, geo_path
from sentinel_forest.datasets.so2sat.reader import contiguous_places, hold_row
from sentinel_forest.errors import InputError
from sentinel_forest.io import hdf5
from sentinel_forest.io.copying import NewFile, Piece, append, runs
from sentinel_forest.io.tables import replacing

AT_ONCE = 256
"""Patches that are read at a time to be held against the catalog."""


def export(folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
    """``training.h5``, ``validation.h5`` and ``testing.h5``; geo files where all sources have one.

    `layers` are datasets: ``sen1``, ``sen2``, ``label`` (none: those that all sources have).
    """
    unknown = [key for key in layers if key not in SHAPES]
    if unknown:
        raise InputError("Unknown dataset of So2Sat LCZ42.", found=unknown[0], expected=", ".join(SHAPES))
    last_rows = pd.concat(roles.values()).groupby("file")["row"].max()
    places = {str(name): contiguous_places(folder / str(name)) for name in last_rows.index}
    there = set(SHAPES).intersection(*places.values())
    keys = [key for key in SHAPES if key in (layers or there)]
    for name, at in places.items():
        _check_source(folder / name, at, keys, int(last_rows[name]))
    files = []
    for stem, role in PUBLISHED.items():
        rows = roles.get(role, pd.DataFrame())
        if len(rows):
            files.append(_image_export(folder, f"{stem}.h5", rows, keys, places))
            files += _geo_export(folder, f"{stem}_geo.h5", rows)
    return files


@contextmanager
def create(folder: Path, name: str, count: int) -> Iterator[h5py.File]:
    """Open ``folder/<name>.h5`` for `count` patches in the published layout, to be filled by the caller.

    The file appears when the block ends well; its size is ``count * ROW_BYTES + OVERHEAD_BYTES``.

    Parameters
    ----------
    folder : Path
        The folder of the release.
    name : str
        ``training``, ``validation`` or ``testing``.
    count : int
        Number of patches, at least 1.

    Yields
    ------
    h5py.File
        With ``sen1`` (count, 32, 32, 8), ``sen2`` (count, 32, 32, 10) and ``label`` (count, 17), float64;
        rows may be written in any order.
    """
    with replacing(folder / f"{name}.h5") as beside, _laid_out(beside, count, SHAPES) as file:
        yield file


def _laid_out(path: Path, count: int, keys: Iterable[str]) -> h5py.File:
    """A new file with empty datasets for `count` patches."""
    file = hdf5.created(path)
    for key in keys:
        space = h5py.h5s.create_simple((count, *SHAPES[key]))
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        # Places are given at once, so that the layout does not depend on the order of writing.
        settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        settings.set_obj_track_times(False)
        h5py.h5d.create(file.id, key.encode(), h5py.h5t.IEEE_F64LE, space, settings)
    return file


def write_geo(folder: Path, name: str, epsg: np.ndarray, tfw: np.ndarray, city: Sequence[str] | np.ndarray) -> None:
    """Write ``folder/<name>_geo.h5`` in the layout of version 4.

    Parameters
    ----------
    folder : Path
        The folder of the release.
    name : str
        ``training``, ``validation`` or ``testing``.
    epsg : ndarray of int, shape (N,)
        Code of the UTM zone of each patch.
    tfw : ndarray of float64, shape (N, 6)
        World-file order A, D, B, E, C, F; (C, F) is the upper left corner of the patch in metres.
    city : sequence of str, length N
        ASCII names of at most 20 characters.
    """
    tables = {
        "city": np.array(city, dtype="S20")[:, None],
        "epsg": np.asarray(epsg, dtype="int32")[:, None],
        "tfw": np.asarray(tfw, dtype="float64"),
    }
    with replacing(folder / f"{name}_geo.h5") as beside:
        _write_tables(beside, tables)


def _write_tables(path: Path, tables: Mapping[str, np.ndarray]) -> None:
    with hdf5.created(path) as file:
        for key, table in tables.items():
            file.create_dataset(key, data=table, track_times=False)


def _check_source(path: Path, places: Mapping[str, tuple[int, int]], keys: Sequence[str], last: int) -> None:
    """Raise if a file lacks a dataset, or the last row that is wanted of it."""
    missing = [key for key in keys if key not in places]
    if missing:
        raise InputError(
            "A dataset is missing.",
            where=path,
            found=", ".join(places),
            expected=", ".join(keys),
            remedy="leave it out of the layers",
        )
    for key in keys:
        hold_row(path, key, last, places[key][1])


def _image_export(
    folder: Path,
    path: str,
    rows: pd.DataFrame,
    keys: Sequence[str],
    places: Mapping[str, Mapping[str, tuple[int, int]]],
) -> NewFile:
    """An image file with the bytes of chosen rows."""
    joined = runs(rows)
    lengths = {key: 8 * int(np.prod(SHAPES[key])) for key in keys}
    sources = {name: folder / name for name in places}

    def write(path: Path) -> Iterator[int]:
        with _laid_out(path, len(rows), keys) as file:
            offsets = {key: file[key].id.get_offset() for key in keys}
        with open(path, "r+b") as stream:
            for key, length in lengths.items():
                stream.seek(offsets[key])
                pieces = [
                    Piece(sources[name], places[name][key][0] + first * length, count * length)
                    for name, first, count in joined
                ]
                yield from append(stream, pieces)

    size = len(rows) * sum(lengths.values()) + OVERHEAD_BYTES
    return NewFile(path, size, write, partial(_hold, rows, tuple(keys)))


def _hold(rows: pd.DataFrame, keys: Sequence[str], path: Path) -> None:
    """Compare the rows of a written image file with the hashes of the catalog."""
    with hdf5.opened(path) as handle:
        for first in range(0, len(rows), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            hold_arrays(rows[part], {key: handle[key][part] for key in keys}, lambda file, key: file)


def _geo_export(folder: Path, path: str, rows: pd.DataFrame) -> list[NewFile]:
    """The geo file of chosen rows, in world-file order; none if a source has none."""
    sources = {str(name): folder / geo_path(str(name)) for name in rows["file"].unique()}
    if not all(source.is_file() for source in sources.values()):
        return []

    def write(path: Path) -> Iterator[int]:
        tables = {name: _geo_columns(source) for name, source in sources.items()}
        keys = set.intersection(*(set(table) for table in tables.values()))
        _write_tables(
            path,
            {
                key: np.concatenate([tables[name][key][first : first + n] for name, first, n in runs(rows)])
                for key in sorted(keys)
            },
        )
        yield path.stat().st_size

    return [NewFile(path, sum(source.stat().st_size for source in sources.values()), write)]


def _geo_columns(path: Path) -> dict[str, np.ndarray]:
    """``epsg``, ``tfw`` in world-file order, and ``city`` if it is there, each (N, columns)."""
    with hdf5.opened(path) as handle:
        tfw = handle["tfw"][...]
        if tfw_order(tfw) == "GDAL":
            tfw = tfw[:, [1, 4, 2, 5, 0, 3]]
        columns = {"epsg": handle["epsg"][...].reshape(-1, 1), "tfw": tfw}
        cities = cities_of(handle)
    return columns if cities is None else columns | {"city": cities.astype("S20")[:, None]}
