"""Maps of the resampled splits: where roles lie in each scheme and trial, and a place close up where leaks are seen."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.report import maps, palette
from sentinel_forest.report.charts import Chart, Spec, coloured, field, number
from sentinel_forest.report.data import catalog_source
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, Note, Plot

MOST_TRIALS = 2
"""Trials of a scheme that are drawn."""
MOST_PANELS = 6
REACH = 6
"""How far a close-up reaches from its middle, in sides of a patch."""
MOST_PATCHES = 400
ROLES = ("train", "validation", "test", "unused")
SIZES = {"train": 110, "validation": 55, "test": 16, "unused": 12}
"""Sizes of marks: those of test lie within those of training, so that a group in both is seen."""


def items(release: ReleaseResults) -> list[Item]:
    """A map of each scheme and trial, and a close-up of one place in all of them."""
    catalog = release.catalog
    if catalog is None or not catalog["lon"].notna().any():
        return [Note(f"Where the patches of {release.name} lie is not known: there are no maps of its splits.")]
    chosen = _chosen(release)
    roles = {f"{scheme} {trial}": _roles(release, scheme, trial) for scheme, trial in chosen}
    return [_world(release, catalog, roles), *_close_up(release, catalog, roles)]


def _chosen(release: ReleaseResults) -> list[tuple[str, int]]:
    """The first trials of each scheme, every scheme at least once."""
    seen: dict[str, int] = {}
    ranked = []
    for scheme, trial in release.trials:
        seen[scheme] = seen.get(scheme, 0) + 1
        if seen[scheme] <= MOST_TRIALS:
            ranked.append((seen[scheme], scheme, trial))
    first = sorted(ranked, key=lambda each: each[0])[:MOST_PANELS]
    kept = {(scheme, trial) for _, scheme, trial in first}
    return [pair for pair in release.trials if pair in kept]


def _roles(release: ReleaseResults, scheme: str, trial: int) -> pd.Series:
    """The role of each patch, in the order of the catalog."""
    return read_parquet(release.path(paths.SPLIT, scheme=scheme, trial=trial), ["role"])["role"].astype("str")


def _world(release: ReleaseResults, catalog: pd.DataFrame, roles: Mapping[str, pd.Series]) -> Plot:
    known = catalog["lon"].notna() & catalog["lat"].notna()
    places = catalog.loc[known, ["lon", "lat"]].assign(group=catalog["group"].fillna(catalog["patch"]))
    parts = [
        places.assign(role=of[known].to_numpy(), panel=panel)
        .groupby(["panel", "group", "role"], sort=False, observed=True)
        .agg(lon=("lon", "mean"), lat=("lat", "mean"), patches=("role", "size"))
        .reset_index()
        for panel, of in roles.items()
    ]
    data = pd.concat(parts, ignore_index=True)
    x, y = maps.window(data["lon"], data["lat"])
    mixed = data.groupby(["panel", "group"])["role"].agg(lambda found: {"train", "test"} <= set(found))
    counts = mixed.groupby(level="panel", sort=False).sum()
    return Plot(
        f"Roles on the map, {release.name}",
        Chart(_panels(list(roles), x, y), data),
        "Groups that both train and test: " + ", ".join(f"{name} {count}" for name, count in counts.items()) + ".",
        "A panel for each scheme and trial, a mark for each group and role at the mean place of its patches. A black "
        "dot inside a blue disc is a group with both training and test patches.",
        "Black dots inside blue discs in a scheme that should keep groups together. Test groups in only one part of "
        "the world.",
        (catalog_source(release), *release.from_trials(paths.SPLIT, "split")),
        release.is_sample,
    )


def _panels(names: Sequence[str], x: Sequence[float], y: Sequence[float]) -> Spec:
    width = 300
    height = round(min(260, max(110, width * (y[1] - y[0]) / (x[1] - x[0]))))
    lon = number("lon", None, domain=x, nice=False) | {"axis": None}
    lat = number("lat", None, domain=y, nice=False) | {"axis": None}
    land: Spec = {
        "data": {"name": "land"},
        "mark": {"type": "line", "clip": True, "interpolate": "linear-closed", "fill": palette.LAND}
        | {"stroke": palette.COAST, "strokeWidth": 0.4},
        "encoding": {"x": lon, "y": lat, "detail": {"field": "part"}, "order": {"field": "at"}},
    }
    sizes = {"domain": list(ROLES), "range": [SIZES[role] for role in ROLES]}
    marks: Spec = {
        "mark": {"type": "circle", "opacity": 0.9, "tooltip": {"content": "data"}},
        "encoding": {"x": lon, "y": lat, "size": field("role", scale=sizes, legend=None), "color": _by_role()},
    }
    panels = [
        {
            "title": name,
            "width": width,
            "height": height,
            "layer": [land, {**marks, "transform": [{"filter": {"field": "panel", "equal": name}}]}],
        }
        for name in names
    ]
    pixel = (x[1] - x[0]) / width
    datasets = {"land": maps.points(maps.outlines(maps.LAND, max(maps.STEP, pixel)), x, y)}
    return {"data": {"name": "values"}, "datasets": datasets, "concat": panels, "columns": 3}


def _by_role() -> Spec:
    return coloured("role", {role: palette.ROLES[role] for role in ROLES}, legend={"columns": 4})


def _close_up(release: ReleaseResults, catalog: pd.DataFrame, roles: Mapping[str, pd.Series]) -> list[Item]:
    """Footprints around the test patch that has the most training patches beside it in any scheme."""
    columns = ["x", "y", "epsg", "side_m"]
    if not set(columns) <= set(catalog) or not catalog[columns].notna().all(axis=1).any():
        return [Note(f"The footprints of {release.name} are not known: there is no close-up of its splits.")]
    middle = _middle(catalog, roles)
    if middle is None:
        return [Note(f"No two patches of {release.name} lie near each other in different roles.")]
    row = catalog.loc[middle]
    reach = REACH * float(row["side_m"])
    near = _near(catalog, row, reach)
    away = catalog.loc[near, ["x", "y"]].sub(row[["x", "y"]].astype(float)).abs().to_numpy().max()
    reach = float(away) + float(row["side_m"])
    data = pd.concat([_squares(catalog[near], row, panel, of[near]) for panel, of in roles.items()], ignore_index=True)
    beside = {str(name): set(part["role"]) for name, part in data.groupby("panel", sort=False)}
    mixed = [name for name, found in beside.items() if {"train", "test"} <= found]
    return [
        Plot(
            f"Close up: footprints around one patch, {release.name}",
            Chart(_squares_spec(list(roles), reach / 1000), data),
            f"Footprints within {reach / 1000:.1f} km of patch {row['patch']} (group {row['group']}). Training and "
            f"test side by side in: {', '.join(mixed) or 'no scheme'}.",
            f"The same ground in each scheme and trial: {int(near.sum())} patches around {row['patch']}. A square is "
            "the footprint of a patch in the colour of its role; footprints of the same place are drawn inside each "
            "other. Where black (test) touches or overlaps blue (train), the forest is tested on ground that it was "
            "trained on, or next to.",
            "Black and blue in one panel of a scheme that should keep groups together.",
            (catalog_source(release), *release.from_trials(paths.SPLIT, "split")),
            release.is_sample,
        )
    ]


def _near(catalog: pd.DataFrame, row: Any, reach: float) -> pd.Series:
    """Patches within a square around a patch, in its projection."""
    inside = (catalog["x"] - row["x"]).abs().lt(reach) & (catalog["y"] - row["y"]).abs().lt(reach)
    same = catalog["epsg"].eq(row["epsg"]).fillna(False).astype(bool)
    return pd.Series(inside & same)


def _middle(catalog: pd.DataFrame, roles: Mapping[str, pd.Series]) -> Any:
    """Index of the test patch that has the most training patches within reach in any split; None if there is none."""
    reach = REACH * catalog["side_m"].median()
    cells = catalog["epsg"].astype("str")
    for name in ("x", "y"):
        cells = cells + " " + (catalog[name] // reach).astype("str")
    best, found = 0, None
    for of in roles.values():
        training = cells[of == "train"].value_counts()
        counts = cells[(of == "test") & catalog["x"].notna()].map(training).fillna(0)
        if len(counts) and counts.max() > best:
            best, found = counts.max(), counts.index[int(counts.to_numpy().argmax())]
    return found


def _squares(near: pd.DataFrame, row: Any, panel: str, roles: pd.Series) -> pd.DataFrame:
    """Footprints in km from the middle; those of one place shrink, so that each is seen."""
    order = near.assign(role=roles, rank=roles.map({"train": 0, "validation": 1, "unused": 0}).fillna(2))
    order = order.sort_values("rank", kind="stable").head(MOST_PATCHES)
    same = order.groupby(["x", "y"])["x"]
    place, count = same.cumcount(), same.transform("size")
    half = order["side_m"] / 2000 * (1 - 0.8 * place / count.clip(lower=1))
    x, y = ((order[name] - row[name]) / 1000 for name in ("x", "y"))
    edges = {"west": x - half, "east": x + half, "south": y - half, "north": y + half}
    return pd.DataFrame({"panel": panel, "patch": order["patch"], "role": order["role"], **edges}).round(4)


def _squares_spec(names: Sequence[str], reach: float) -> Spec:
    def across(name: str) -> Spec:
        return number(name, "km", domain=[-reach, reach], nice=False) | {"axis": {"tickCount": 3}}

    encoding = {"x": across("west"), "x2": {"field": "east"}, "y": across("south"), "y2": {"field": "north"}}
    mark: Spec = {"type": "rect", "clip": True, "stroke": "white", "strokeWidth": 0.8, "tooltip": {"content": "data"}}
    panels = [
        {
            "title": name,
            "width": 190,
            "height": 190,
            "transform": [{"filter": {"field": "panel", "equal": name}}],
            "mark": mark,
            "encoding": {**encoding, "color": _by_role()},
        }
        for name in names
    ]
    return {"data": {"name": "values"}, "concat": panels, "columns": 3}
