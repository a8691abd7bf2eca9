"""Folds of a catalog that match the places where a forest will predict, held against simpler folds."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sentinel_forest.config.schemes import NearestNeighbour
from sentinel_forest.datasets.continents import continent
from sentinel_forest.errors import InputError
from sentinel_forest.splits import draws
from sentinel_forest.splits.knndm import match_folds, mismatch_of
from sentinel_forest.verify import spatial

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

POINTS = 1_000
"""Points of prediction that an area is taken for."""

GLOBE = 100_000
"""Points of the globe of which those of a continent are taken: one for each 5,100 square km."""

GOLDEN = (1 + 5**0.5) / 2


def match_units(
    lon: Floats, lat: Floats, unit: Numbers, options: NearestNeighbour, seed: int, group: Numbers | None = None
) -> tuple[Numbers, tuple[tuple[str, float], ...]]:
    """Match folds of units to the places of prediction.

    Parameters
    ----------
    lon, lat : ndarray
        float64 (patches,), in degrees.
    unit : ndarray
        int64 (patches,): units that stay in one fold; each counts as one point, the middle of its patches.
    options : NearestNeighbour
        Places of prediction and number of folds.
    seed : int
        Of random folds and ties.
    group : ndarray, optional
        int64 (patches,): group of each patch, -1 unknown, for the folds of groups that these are held against.

    Returns
    -------
    fold : ndarray
        int64 (patches,), from 0.
    fits : tuple of (str, float)
        Mismatch (Wasserstein distance in km, over patches) of these folds, and of folds of random patches, of random
        groups and of blocks, as far as there are at least two folds of them.

    Raises
    ------
    InputError
        If there are fewer distinct places than folds.
    """
    groups = None if group is None else group.astype(np.int64).tobytes()
    columns = (lon.tobytes(), lat.tobytes(), unit.astype(np.int64).tobytes(), groups)
    return _matched(*columns, options.model_dump_json(), seed)


@lru_cache(maxsize=1)
def _matched(
    lon_bytes: bytes, lat_bytes: bytes, unit_bytes: bytes, group_bytes: bytes | None, settings: str, seed: int
) -> tuple[Numbers, tuple[tuple[str, float], ...]]:
    """`match_units`; the trials of a scheme have the same folds, and one process that draws them all computes once."""
    lon, lat = (np.frombuffer(each, np.float64) for each in (lon_bytes, lat_bytes))
    unit = np.frombuffer(unit_bytes, np.int64)
    group = None if group_bytes is None else np.frombuffer(group_bytes, np.int64)
    options = NearestNeighbour.model_validate_json(settings)
    places = prediction_points(options)
    middle = _middles(lon, lat, unit)
    distinct = len(np.unique(np.column_stack(middle), axis=0))
    if distinct < options.folds:
        raise InputError(
            "There are fewer places than folds.",
            where="kind knndm",
            found=f"{distinct} places of patches or units",
            expected=f"at least {options.folds}, the number of folds",
            remedy="ask for fewer folds, or for smaller groups",
        )
    fold = match_folds(*middle, *places, k=options.folds, seed=seed).folds[unit]
    others = {
        "random patches": np.arange(len(lon)),
        "random groups": group if group is not None and (group >= 0).all() else None,
        f"blocks of {options.block_km:g} km": np.unique(
            spatial.blocks(lon, lat, options.block_km), return_inverse=True
        )[1].reshape(-1),
    }
    drawn = {name: _random_folds(each, options.folds, seed) for name, each in others.items() if each is not None}
    fits = {"these folds": fold} | {name: each for name, each in drawn.items() if len(np.unique(each)) > 1}
    return fold, tuple((f"mismatch in km: {name}", mismatch_of(lon, lat, each, *places)) for name, each in fits.items())


def prediction_points(options: NearestNeighbour) -> tuple[Floats, Floats]:
    """Longitudes and latitudes where the forest will predict: places, and `POINTS` points of each area or continent.

    Points lie in a Fibonacci lattice, of which each has the same ground on the sphere.
    """
    places = [np.array(options.places, dtype=np.float64).reshape(-1, 2)]
    places += [_lattice(west, south, east, north, POINTS) for west, south, east, north in options.areas]
    if options.continents:
        globe = _lattice(-180, -90, 180, 90, GLOBE)
        names = continent(*globe.T)
        places += [_thinned(globe[names == name]) for name in options.continents]
    lon, lat = np.concatenate(places).T
    return lon, lat


def _lattice(west: float, south: float, east: float, north: float, count: int) -> Floats:
    """Points [lon, lat] in a box, in degrees: float64 (count, 2)."""
    step = (np.arange(count) + 0.5) / count
    low, high = np.sin(np.radians([south, north]))
    turn = (np.arange(count) / GOLDEN) % 1
    return np.column_stack([west + (east - west) * turn, np.degrees(np.arcsin(low + (high - low) * step))])


def _thinned(points: Floats) -> Floats:
    """`POINTS` of some points, or all of fewer, evenly spaced from the first to the last."""
    rows = np.unique(np.linspace(0, len(points) - 1, min(len(points), POINTS)).round().astype(int))
    thinned: Floats = points[rows]
    return thinned


def _middles(lon: Floats, lat: Floats, unit: Numbers) -> tuple[Floats, Floats]:
    """Longitude and latitude of the middle of each unit."""
    sums = np.stack([np.bincount(unit, axis) for axis in spatial.on_sphere(lon, lat).T])
    east, north, up = sums / np.maximum(np.linalg.norm(sums, axis=0), np.finfo(float).tiny)
    return np.degrees(np.arctan2(north, east)), np.degrees(np.arcsin(np.clip(up, -1, 1)))


def _random_folds(unit: Numbers, folds: int, seed: int) -> Numbers:
    """Units dealt to folds in random order."""
    count = int(unit.max()) + 1
    rank = np.empty(count, dtype=np.int64)
    rank[draws.shuffled(count, seed)] = np.arange(count)
    dealt: Numbers = (rank % folds)[unit]
    return dealt
