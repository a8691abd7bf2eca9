"""Figures of cells: fractions in colours, each with its number."""

from collections.abc import Sequence

import pandas as pd

from sentinel_forest.report.charts import Chart, Spec, field, names_of, ordered, panels
from sentinel_forest.report.palette import INK


def grid(fractions: pd.DataFrame, axis: str) -> Chart:
    """Fractions (0..1, NaN not computed) as a coloured grid with numbers, in the colour of leaks."""
    data = fractions.rename_axis("row").reset_index().melt("row", var_name="column", value_name="fraction")
    data["percent"] = 100 * data.pop("fraction").astype(float)
    where = {
        "y": field("row", **ordered(names_of(data["row"]))),
        "x": field("column", **ordered(names_of(data["column"])), axis=_NAMES_ABOVE),
    }
    longest = max(map(len, names_of(data["column"])), default=0)
    return Chart(_heat(where, [], "oranges", 62, 22) | {"title": {"text": axis}}, data, right=min(190, 6 * longest))


_NAMES_ABOVE: Spec = {"orient": "top", "labelAngle": -30, "labelOverlap": False, "labelLimit": 220}


def confusions(frame: pd.DataFrame, classes: Sequence[str], predicted: Sequence[str], across: int = 3) -> Chart:
    """Confusion matrices side by side, on one scale: fractions of each true class in percent.

    Parameters
    ----------
    frame : DataFrame
        panel, true, predicted (str); percent (float, NaN: no such units).
    classes, predicted : sequence of str
        The order of rows and of columns.
    """
    parts = names_of(frame["panel"])
    many = len(classes) > 10
    where = {
        "y": field("true", **ordered(classes), axis={"title": "true class"}),
        "x": field("predicted", **ordered(predicted), axis={"title": "predicted class", "labelAngle": -45}),
    }
    body = _heat(where, [], "blues", 17 if many else 40, 17 if many else 26, 8 if many else 11)
    inside = {key: body[key] for key in ("width", "height")}
    return Chart(panels("panel", parts, body["layer"], across, **inside), frame)


def _heat(where: Spec, layers: list[Spec], scheme: str, wide: int, high: int, letters: int = 11) -> Spec:
    """Cells in colours that darken from 0 to 100 %, each with its number."""
    known = {"condition": {"test": "!isValid(datum.percent)", "value": "white"}}
    colour: Spec = {"field": "percent", "type": "quantitative", "legend": None}
    colour["scale"] = {"domain": [0, 100], "scheme": scheme}
    text = (
        "!isValid(datum.percent) ? '–' : datum.percent > 0 && datum.percent < 0.5 ? '·' : format(datum.percent, '.0f')"
    )
    dark = {"condition": {"test": "datum.percent > 60", "value": "white"}, "value": INK}
    return {
        "data": {"name": "values"},
        "width": {"step": wide},
        "height": {"step": high},
        "layer": [
            {
                "mark": {"type": "rect", "stroke": "white", "tooltip": {"content": "data"}},
                "encoding": {**where, "color": {**colour, **known}},
            },
            {
                "transform": [{"calculate": text, "as": "shown"}],
                "mark": {"type": "text", "fontSize": letters},
                "encoding": {**where, "text": {"field": "shown"}, "color": dark},
            },
            *layers,
        ],
    }
