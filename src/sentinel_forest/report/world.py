"""Places on a map of the world."""

import json
from collections.abc import Sequence

import pandas as pd

from sentinel_forest.report import palette
from sentinel_forest.report.charts import Chart, Spec, field, names_of, number
from sentinel_forest.report.figures import look_of
from sentinel_forest.report.palette import COAST, LAND


def world(places: pd.DataFrame, land: list[Spec], lakes: list[Spec], x: Sequence[float], y: Sequence[float]) -> Chart:
    """Places on a plain cylindrical map with coastlines.

    Parameters
    ----------
    places : DataFrame
        lon, lat (degrees), series (str): a mark for each row.
    land, lakes : list
        Points of closed outlines: part, at (order), lon, lat (degrees).
    x, y : sequence of float
        Ends of the map in degrees.
    """
    counts = places["series"].value_counts(sort=False)
    data = places[["lon", "lat"]].assign(series=places["series"].map(lambda name: f"{name} ({counts[name]})"))
    colours = {f"{name} ({counts[name]})": palette.ROLES[name] for name in counts.index if name in palette.ROLES}
    lon = number("lon", None, domain=list(x), nice=False) | {"axis": _degrees("E", "W")}
    lat = number("lat", None, domain=list(y), nice=False) | {"axis": _degrees("N", "S")}
    shore = {"x": lon, "y": lat, "detail": {"field": "part"}, "order": {"field": "at"}}
    layers: list[Spec] = [
        {
            "data": {"name": name},
            "mark": {"type": "line", "clip": True, "interpolate": "linear-closed", "fill": fill}
            | {"stroke": COAST, "strokeWidth": 0.5},
            "encoding": shore,
        }
        for name, fill in (("land", LAND), ("lakes", "white"))
    ]
    names = names_of(data["series"])
    data = data.sort_values("series", key=lambda series: series.map(names.index), kind="stable")
    # At one place, what lies below shows a rim.
    sizes = f"180 - {140 / max(1, len(names) - 1):.0f} * indexof({json.dumps(names)}, datum.series)"
    size = field("size", "quantitative", scale=None)
    mark = {"type": "point", "filled": True, "opacity": 0.85, "tooltip": {"content": "data"}}
    layers.append(
        {
            "transform": [{"calculate": sizes, "as": "size"}],
            "mark": mark,
            "encoding": {"x": lon, "y": lat, "size": size, **look_of(names, colours)},
        }
    )
    height = min(400, round(640 * (y[1] - y[0]) / (x[1] - x[0])))
    spec = {"data": {"name": "values"}, "datasets": {"land": land, "lakes": lakes}}
    return Chart({**spec, "width": 640, "height": height, "layer": layers}, data)


def _degrees(positive: str, negative: str) -> Spec:
    expression = f"abs(datum.value) + '°' + (datum.value > 0 ? '{positive}' : datum.value < 0 ? '{negative}' : '')"
    return {"labelExpr": expression, "tickCount": 6}
