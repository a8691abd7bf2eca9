"""Schemes of blocks close up: the borders of the blocks, roles of the patches, and what the buffer keeps unused."""

from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.config.schemes import SpatialBlocks
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.report import palette
from sentinel_forest.report.charts import Chart, Spec, coloured, number
from sentinel_forest.report.data import catalog_source
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, Plot
from sentinel_forest.verify.spatial import RADIUS_KM, block_edges, on_sphere

KM = np.pi / 180 * RADIUS_KM
"""Kilometres in a degree of latitude."""
ROLES = ("train", "validation", "test", "unused")
MOST_PATCHES = 1500
SIZE = 340
"""Side of the picture in pixels."""


def items(release: ReleaseResults) -> list[Item]:
    """A picture for each scheme of blocks, of its first trial; nothing where places are not known."""
    catalog = release.catalog
    if catalog is None or not {"lon", "lat"} <= set(catalog):
        return []
    found = []
    for scheme, options in release.schemes.items():
        trial = next((number for name, number in release.trials if name == scheme), None)
        if isinstance(options, SpatialBlocks) and trial is not None:
            split = paths.place(paths.SPLIT, release=release.name, scheme=scheme, trial=trial)
            roles = read_parquet(release.results / split, ["role"])["role"].astype("str")
            found.append(_picture(release, scheme, trial, options, catalog.assign(role=roles.to_numpy())))
    return [item for item in found if item is not None]


def _picture(
    release: ReleaseResults, scheme: str, trial: int, options: SpatialBlocks, catalog: pd.DataFrame
) -> Plot | None:
    known = catalog[catalog["lon"].notna() & catalog["lat"].notna()]
    middle = middle_of(known, options.buffer_km)
    if middle is None:
        return None
    reach = max(options.block_km, 4 * options.buffer_km)
    near = around(known, middle, reach)
    counts = near["role"].value_counts()
    return Plot(
        f"Blocks and buffer of {scheme}, {release.name}",
        Chart(spec(borders(near, middle, options.block_km), reach, options.buffer_km), near),
        f"Within {reach:g} km of patch {middle['patch']}: "
        + ", ".join(f"{counts[role]} {role}" for role in ROLES if role in counts)
        + f". Blocks of {options.block_km:g} km, buffer of {options.buffer_km:g} km.",
        f"The surroundings of a patch in trial {trial}. Lines are the borders of blocks that hold patches, dots are "
        "patches in the colour of their role. A pale disc is the buffer around a test patch: what would train or "
        "validate there is unused.",
        "A blue dot within a pale disc: the buffer does not hold. Two roles in one block, unless groups reach over its "
        "border.",
        (catalog_source(release), release.from_file(paths.SPLIT, "split", scheme=scheme, trial=trial)),
        release.is_sample,
    )


def middle_of(known: pd.DataFrame, buffer_km: float) -> Any:
    """The test patch that has the most unused patches in its buffer, else the most training patches around it.

    Parameters
    ----------
    known : DataFrame
        patch, role, lon, lat (degrees).
    buffer_km : float

    Returns
    -------
    Series or None
        Its row; None without a test patch.
    """
    from scipy.spatial import cKDTree

    test = known[known["role"] == "test"]
    if test.empty:
        return None
    points = on_sphere(test["lon"].to_numpy(), test["lat"].to_numpy())
    counts = []
    for role, reach in (("unused", buffer_km), ("train", 10 * max(buffer_km, 1.0))):
        others = known[known["role"] == role]
        tree = cKDTree(on_sphere(others["lon"].to_numpy(), others["lat"].to_numpy()).reshape(-1, 3))
        counts.append(tree.query_ball_point(points, reach / RADIUS_KM, return_length=True))
    best = np.lexsort((-counts[1], -counts[0]))[0]
    return test.iloc[int(best)]


def around(known: pd.DataFrame, middle: Any, reach: float) -> pd.DataFrame:
    """Patches within a square around a place: patch, role, east and north (km from the middle), lon, lat."""
    north = (known["lat"] - middle["lat"]) * KM
    east = (known["lon"] - middle["lon"]) * KM * np.cos(np.radians(middle["lat"]))
    near = known.assign(east=east.round(3), north=north.round(3))
    near = near[near[["east", "north"]].abs().lt(reach).all(axis=1)]
    return near[["patch", "role", "east", "north", "lon", "lat"]].head(MOST_PATCHES).reset_index(drop=True)


def borders(near: pd.DataFrame, middle: Any, block_km: float) -> list[dict[str, float]]:
    """The blocks that patches lie in, as rows: west, east, south, north in km from the middle."""
    edges = np.unique(block_edges(near["lon"].to_numpy(), near["lat"].to_numpy(), block_km), axis=0)
    wide = KM * np.cos(np.radians(middle["lat"]))
    origin = np.array([middle["lon"], middle["lon"], middle["lat"], middle["lat"]])
    moved = (edges - origin) * [wide, wide, KM, KM]
    return [dict(zip(("west", "east", "south", "north"), map(float, row), strict=True)) for row in moved.round(3)]


def spec(blocks: list[dict[str, float]], reach: float, buffer_km: float) -> Spec:
    """Draw blocks, buffers and patches within `reach` km of the middle."""

    def km(name: str, title: str | None = None) -> Spec:
        return number(name, title, domain=[-reach, reach], nice=False)

    outlines: Spec = {
        "data": {"name": "blocks"},
        "mark": {"type": "rect", "fill": None, "stroke": palette.SOFT, "clip": True},
        "encoding": {"x": km("west", "km"), "x2": {"field": "east"}, "y": km("south", "km"), "y2": {"field": "north"}},
    }
    place = {"x": km("east", "km"), "y": km("north", "km")}
    diameter = 2 * buffer_km / (2 * reach) * SIZE
    buffer: Spec = {
        "transform": [{"filter": "datum.role == 'test'"}],
        "mark": {"type": "circle", "size": np.pi / 4 * diameter**2, "color": palette.ROLES["unused"], "clip": True}
        | {"opacity": 0.6},
        "encoding": place,
    }
    dots: Spec = {
        "mark": {"type": "circle", "size": 24, "opacity": 0.9, "clip": True, "tooltip": {"content": "data"}}
        | {"stroke": palette.SOFT, "strokeWidth": 0.4},
        "encoding": {**place, "color": coloured("role", {role: palette.ROLES[role] for role in ROLES}, legend={})},
    }
    whole: Spec = {"data": {"name": "values"}, "datasets": {"blocks": blocks}, "width": SIZE, "height": SIZE}
    return {**whole, "layer": [buffer, outlines, dots]}
