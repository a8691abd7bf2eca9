"""Figures of cells: fractions in colours, each with its number."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sentinel_forest.report.charts import Chart, Spec, field, names_of, ordered
from sentinel_forest.report.palette import INK

LEAKS, RIGHT = ("#f6f6f4", "#fdae6b", "#8c2d04"), ("#f3f6f9", "#9ecae1", "#08519c")
"""Colours of 0, 40 and 100 %."""


def grid(fractions: pd.DataFrame, axis: str) -> Chart:
    """Fractions (0..1, NaN not computed) as a coloured grid with numbers, in the colour of leaks."""
    data = fractions.rename_axis("row").reset_index().melt("row", var_name="column", value_name="fraction")
    data["percent"] = 100 * data.pop("fraction").astype(float)
    where = {
        "y": field("row", **ordered(names_of(data["row"]))),
        "x": field("column", **ordered(names_of(data["column"])), axis=_NAMES_ABOVE),
    }
    longest = max(map(len, names_of(data["column"])), default=0)
    return Chart(_heat(where, LEAKS, 62, 22) | {"title": {"text": axis}}, data, right=min(190, 6 * longest))


_NAMES_ABOVE: Spec = {"orient": "top", "labelAngle": -30, "labelOverlap": False, "labelLimit": 220}


def confusions(frame: pd.DataFrame, classes: Sequence[str], predicted: Mapping[str, Sequence[str]]) -> Chart:
    """Confusion matrices, three side by side, on one scale: fractions of each true class in percent.

    Parameters
    ----------
    frame : DataFrame
        panel, true, predicted (str); percent (float, NaN: no such units).
    classes : sequence of str
        The order of rows.
    predicted : mapping
        For each panel the order of its columns.
    """
    size = (17, 17, 8) if len(classes) > 10 else (40, 26, 11)
    rows = field("true", **ordered(classes), axis={"title": "true class"})
    names = {
        "title": "predicted class",
        "labelAngle": -45,
        "labelOverlap": False,
        "labelLimit": 150,
        "titlePadding": 16,
    }
    parts: list[Spec] = []
    for part, columns in predicted.items():
        body = _heat({"y": rows, "x": field("predicted", **ordered(columns), axis=names)}, RIGHT, *size, nothing="")
        del body["data"]
        parts.append({"title": part, "transform": [{"filter": {"field": "panel", "equal": part}}], **body})
    return Chart({"data": {"name": "values"}, "concat": parts, "columns": 3}, frame)


def _heat(where: Spec, colours: Sequence[str], wide: int, high: int, letters: int = 11, nothing: str = "0") -> Spec:
    """Cells in colours that darken from 0 to 100 %, each with its number; `nothing` stands for 0."""
    known = {"condition": {"test": "!isValid(datum.percent)", "value": "white"}}
    colour: Spec = {"field": "percent", "type": "quantitative", "legend": None}
    colour["scale"] = {"domain": [0, 40, 100], "range": list(colours)}
    text = (
        f"!isValid(datum.percent) ? '–' : datum.percent == 0 ? '{nothing}' : datum.percent < 0.5 ? '·' : "
        "format(datum.percent, '.0f')"
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
        ],
    }
