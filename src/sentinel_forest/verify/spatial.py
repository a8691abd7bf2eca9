"""Blocks on the globe, and distances between patches."""

import numpy as np

from sentinel_forest.datasets.sphere import RADIUS_KM as RADIUS_KM
from sentinel_forest.datasets.sphere import great_circle_km
from sentinel_forest.datasets.sphere import on_sphere as on_sphere


def nearest_km(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Great-circle distance in km from each point of the unit sphere to the nearest of the others."""
    from scipy.spatial import cKDTree

    # Cut in halves of space, not of points, and with nodes as large as their space, a tree over cities far
    # apart is searched a hundred times faster.
    chord, _ = cKDTree(others, compact_nodes=False, balanced_tree=False).query(points)
    return great_circle_km(chord)


def within_km(points: np.ndarray, others: np.ndarray, distance: float) -> np.ndarray:
    """Whether each point of the unit sphere lies nearer than `distance` km to one of the others."""
    from scipy.spatial import cKDTree

    if not len(points) or not len(others):
        return np.zeros(len(points), dtype=bool)
    limit = 2 * np.sin(min(distance / RADIUS_KM, np.pi) / 2)
    chord, _ = cKDTree(others).query(points, distance_upper_bound=limit)
    return np.asarray(chord < limit)


def clusters(lon: np.ndarray, lat: np.ndarray, apart_km: float) -> np.ndarray:
    """Number the clusters of points, int64 (points,): points nearer than `apart_km`, directly or through others.

    This is single linkage, of the cells of a hundredth of a degree that the points lie in.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    cells, cell = np.unique(np.round(np.column_stack([lon, lat]), 2), axis=0, return_inverse=True)
    reach = 2 * np.sin(min(apart_km / RADIUS_KM, np.pi) / 2)
    pairs = cKDTree(on_sphere(*cells.T)).query_pairs(reach, output_type="ndarray")
    graph = sparse.coo_array((np.ones(len(pairs), np.int8), tuple(pairs.T)), (len(cells), len(cells)))
    return np.asarray(connected_components(graph, directed=False)[1][cell.ravel()], dtype=np.int64)


def blocks(lon: np.ndarray, lat: np.ndarray, side_km: float) -> np.ndarray:
    """Number the block of each point, int64 (points,): rows of one height, in each row blocks of one width.

    A block is at least `side_km` high and, in the middle of its row, at least `side_km` wide (the last row
    before a pole may be a single block); the rows start at the South Pole, the blocks at 180 degrees West.
    """
    row, column, _, columns = _places(lon, lat, side_km)
    return np.asarray(row * columns.max(initial=1) + column)


def block_edges(lon: np.ndarray, lat: np.ndarray, side_km: float) -> np.ndarray:
    """West, east, south and north of the block of each point in degrees: float64 (points, 4); see `blocks`."""
    row, column, rows, columns = _places(lon, lat, side_km)
    wide, high = 360 / columns, 180 / rows
    west, south = column * wide - 180, row * high - 90
    return np.column_stack([west, west + wide, south, south + high])


def _places(lon: np.ndarray, lat: np.ndarray, side_km: float) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
    """Row and column of the block of each point, the number of rows, and of columns in that row."""
    rows = max(1, int(np.pi * RADIUS_KM // side_km))
    row = np.clip(((lat + 90) / 180 * rows).astype(np.int64), 0, rows - 1)
    middle = np.radians((row + 0.5) / rows * 180 - 90)
    columns = np.maximum(1, (2 * np.pi * RADIUS_KM * np.cos(middle) // side_km).astype(np.int64))
    column = ((lon + 180) % 360 / 360 * columns).astype(np.int64) % columns
    return row, column, rows, columns
