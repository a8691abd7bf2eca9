"""Squares of ground that patches cover: which of them overlap, and on how many pixels."""

from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
import pandas as pd

from sentinel_forest.sensors import FINEST_M
from sentinel_forest.verify import spatial

CELLS = 1 << 24
"""Cells of ground looked at together, so that memory does not depend on the release."""
SLACK = 1.01
"""Distances on the sphere, on the ellipsoid and in a projection differ by less than this."""


@dataclass(frozen=True)
class Footprints:
    """The footprints of a catalog and their overlaps: found once, used for every split.

    Patches of the same place and size (dates of an ROI) share a footprint.

    Attributes
    ----------
    of : int64 (patches,)
        Number of the patch's footprint; -1 where it is not known.
    seen : bool (patches,)
        Whether all that overlaps it was found: it is known, and comparable with those of other projections.
    area : float64 (footprints,)
        In pixels of `FINEST_M`, whatever the dataset: ground is counted alike everywhere.
    one, other : int64 (pairs,)
        Footprints that overlap; each pair in both orders, sorted by `one`.
    overlap : float64 (pairs, 4)
        West, east, south and north end of what they share (m, in the projection of `one`).
    """

    of: np.ndarray
    seen: np.ndarray
    area: np.ndarray
    one: np.ndarray
    other: np.ndarray
    overlap: np.ndarray

    def shared(self, mine: np.ndarray, yours: np.ndarray) -> np.ndarray:
        """How much of each patch's ground the patches of another role cover together.

        Parameters
        ----------
        mine, yours : int64
            Rows of the catalog.

        Returns
        -------
        numpy.ndarray
            float64 (mine,): pixels; 0 where footprints are not known.
        """
        there = self._times(yours) > 0
        return self._covered(mine, whole=there, by=there)

    def shared_within(self, rows: np.ndarray) -> np.ndarray:
        """How much of each patch's ground other patches of the same rows cover: float64 (rows,), pixels."""
        times = self._times(rows)
        return self._covered(rows, whole=times > 1, by=times > 0)

    def _covered(self, rows: np.ndarray, whole: np.ndarray, by: np.ndarray) -> np.ndarray:
        """Pixels of rows that lie in footprints that are covered as a `whole`, or overlap with those of `by`."""
        covered = np.where(whole, self.area, 0.0)
        partly = ((self._times(rows) > 0) & ~whole)[self.one] & by[self.other]
        if partly.any():
            footprints, areas = union_areas(self.one[partly], self.overlap[partly])
            covered[footprints] = areas / FINEST_M**2
        return np.where(self.of[rows] >= 0, covered[self.of[rows]], 0.0)

    def pixels(self, rows: np.ndarray) -> float:
        """Pixels of all patches of some rows, overlaps counted as often as they occur."""
        return float(self.area[self.of[rows][self.of[rows] >= 0]].sum())

    def stretches(self) -> np.ndarray:
        """Number the stretches of ground that footprints make up by overlapping: int64 (footprints,)."""
        from scipy import sparse
        from scipy.sparse.csgraph import connected_components

        count = len(self.area)
        graph = sparse.coo_array((np.ones(len(self.one), np.int8), (self.one, self.other)), (count, count))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)

    def _times(self, rows: np.ndarray) -> np.ndarray:
        """How many of some rows have each footprint: int64 (footprints,)."""
        return np.bincount(self.of[rows][self.of[rows] >= 0], minlength=len(self.area))


def footprints(catalog: pd.DataFrame, side: float | None = None) -> Footprints | None:
    """Find all overlaps; None if the catalog has no footprints.

    A square of another map projection is taken to lie square in this one, with its centre carried over.

    Parameters
    ----------
    catalog : DataFrame
        `x`, `y` (centre, m) and `epsg`, and `side_m` unless `side` is given.
    side : float
        Side of every patch in m.
    """
    if not {"x", "y", "epsg"} <= set(catalog) or (side is None and "side_m" not in catalog):
        return None
    squares = pd.DataFrame(
        {
            "zone": catalog["epsg"].astype("float64"),
            "x": catalog["x"],
            "y": catalog["y"],
            "side": catalog["side_m"] if side is None else side,
        }
    ).reset_index(drop=True)
    known = np.isfinite(squares.to_numpy(np.float64)).all(axis=1)
    if not known.any():
        return None
    of = np.full(len(catalog), -1)
    of[known] = squares[known].groupby(list(squares), sort=False).ngroup()
    distinct = squares[known].drop_duplicates().reset_index(drop=True)
    pairs = np.concatenate([_near(square) for _, square in distinct.groupby("zone")])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    centres = distinct[["x", "y"]].to_numpy(np.float64)[pairs[:, 1]]
    points = _on_globe(distinct)
    across, carried = _across(distinct, points)
    pairs, centres = np.concatenate([pairs, across]), np.concatenate([centres, carried])
    overlap = _overlaps(distinct.to_numpy(np.float64)[:, 1:], pairs, centres)
    real = (overlap[:, 0] < overlap[:, 1]) & (overlap[:, 2] < overlap[:, 3])
    order = np.flatnonzero(real)[np.argsort(pairs[real, 0], kind="stable")]
    area = (distinct["side"].to_numpy() / FINEST_M) ** 2
    seen = (of >= 0) & ~np.isnan(points).any(axis=1)[of]
    return Footprints(of, seen, area, pairs[order, 0], pairs[order, 1], overlap[order])


def _on_globe(squares: pd.DataFrame) -> np.ndarray:
    """Centres on the unit sphere, float64 (squares, 3); NaN where PROJ knows no place for them.

    Zeros where all are of one zone: then nobody asks.
    """
    points = np.zeros((len(squares), 3))
    for _, part in squares.groupby("zone") if squares["zone"].nunique() > 1 else ():
        lon, lat = _carried(part, float(part["zone"].iloc[0]), 4326).T
        points[part.index] = spatial.on_sphere(lon, lat)
    return points


def _carried(squares: pd.DataFrame, zone: float, target: float) -> np.ndarray:
    """Centres of squares of one projection in another, float64 (squares, 2); NaN where PROJ knows none."""
    from rasterio.errors import CRSError  # PROJ takes long to load, and many releases lie in one zone
    from rasterio.warp import transform

    try:
        x, y = transform(f"EPSG:{zone:.0f}", f"EPSG:{target:.0f}", squares["x"].tolist(), squares["y"].tolist())
    except CRSError:
        return np.full((len(squares), 2), np.nan)
    found = np.column_stack([x, y])
    return np.where(np.isfinite(found).all(axis=1, keepdims=True), found, np.nan)


def _across(squares: pd.DataFrame, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of squares of two zones that may overlap, in both orders: int64 (pairs, 2), from the index.

    With them the centre of the other in the projection of the one, float64 (pairs, 2), to the millimetre.
    """
    from scipy.spatial import cKDTree

    pairs, centres = [np.empty((0, 2), np.int64)], [np.empty((0, 2))]
    placed = squares[~np.isnan(points).any(axis=1)]
    zones = dict(iter(placed.groupby("zone")))
    trees = {zone: cKDTree(points[part.index]) for zone, part in zones.items()} if len(zones) > 1 else {}
    for one, other in combinations(trees, 2):
        reach = SLACK * (zones[one]["side"].max() + zones[other]["side"].max()) / np.sqrt(2)
        near = trees[one].sparse_distance_matrix(
            trees[other], reach / (1000 * spatial.RADIUS_KM), output_type="ndarray"
        )
        sides = (one, zones[one].iloc[near["i"]]), (other, zones[other].iloc[near["j"]])
        for (here, mine), (there, theirs) in permutations(sides) if len(near) else ():
            pairs.append(np.column_stack([mine.index, theirs.index]))
            centres.append(np.round(_carried(theirs, there, here), 3))
    return np.concatenate(pairs), np.concatenate(centres)


def _near(squares: pd.DataFrame) -> np.ndarray:
    """Pairs of squares of a zone that may overlap: int64 (pairs, 2), numbers from the index."""
    from scipy.spatial import cKDTree

    tree = cKDTree(squares[["x", "y"]].to_numpy())
    found = tree.query_pairs(float(squares["side"].max()), p=np.inf, output_type="ndarray")
    return np.asarray(squares.index.to_numpy()[found])


def _overlaps(squares: np.ndarray, pairs: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """West, east, south, north of what pairs of squares (x, y, side) share; crossed where nothing is.

    `centres` (pairs, 2) are those of the second squares in the projection of the first ones.
    """
    one, other = pairs.T
    half, theirs = squares[one, 2] / 2, squares[other, 2] / 2
    ends = []
    for axis in (0, 1):
        here, there = squares[one, axis], centres[:, axis]
        ends += [np.maximum(here - half, there - theirs), np.minimum(here + half, there + theirs)]
    return np.column_stack(ends)


def union_areas(owner: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas that the boxes of each owner cover together.

    The ends of an owner's boxes cut the plane into cells; a cell counts if a box covers it.

    Parameters
    ----------
    owner : int64 (boxes,)
        Sorted.
    boxes : float64 (boxes, 4)
        West, east, south, north.

    Returns
    -------
    owners, areas
        int64 and float64 (owners,).
    """
    owners, first, counts = np.unique(owner, return_index=True, return_counts=True)
    most = int(counts.max())
    place = np.arange(len(owner)) - np.repeat(first, counts)
    table = np.zeros((len(owners), most, 4))  # boxes without extent where an owner has fewer
    table[np.repeat(np.arange(len(owners)), counts), place] = boxes
    step = max(1, CELLS // (2 * most) ** 2)
    areas = [_union(table[start : start + step]) for start in range(0, len(owners), step)]
    return owners, np.concatenate(areas)


def _union(boxes: np.ndarray) -> np.ndarray:
    """Areas of the unions of boxes (owners, boxes, 4)."""
    across = np.sort(boxes[:, :, :2].reshape(len(boxes), -1))
    along = np.sort(boxes[:, :, 2:].reshape(len(boxes), -1))
    covered = np.zeros((len(boxes), across.shape[1] - 1, along.shape[1] - 1), dtype=bool)
    for west, east, south, north in boxes.transpose(1, 2, 0)[:, :, :, None]:
        columns = (west <= across[:, :-1]) & (across[:, 1:] <= east)
        rows = (south <= along[:, :-1]) & (along[:, 1:] <= north)
        covered |= columns[:, :, None] & rows[:, None, :]
    return np.asarray(np.einsum("oc,ocr,or->o", np.diff(across), covered, np.diff(along)))
