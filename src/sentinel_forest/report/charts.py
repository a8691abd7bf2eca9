"""Figures as Vega-Lite: one description gives the drawing in the page, on paper, and the one that can be explored."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import vl_convert

from sentinel_forest import kept
from sentinel_forest.io.checksums import checksum_of, code_checksum
from sentinel_forest.io.tables import tsv_text, write_text
from sentinel_forest.report.palette import INK, LINE

Spec = dict[str, Any]
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
LABELS = ("label", "row", "true", "class")
"""Columns whose texts stand left of a figure."""
SAMPLE = "Sample data: simulated pixels"
CONFIG: Spec = {
    "background": "white",
    "font": FONT,
    "view": {"stroke": None},
    "axisQuantitative": {"tickCount": 5, "labelOverlap": "parity", "labelSeparation": 8},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "tickColor": LINE,
        "domainColor": LINE,
        "gridColor": LINE,
        "gridOpacity": 0.7,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 330,
        "titleLimit": 700,
        "labelOverlap": True,
        "titlePadding": 8,
    },
    "legend": {
        "labelFontSize": 12,
        "labelLimit": 420,
        "orient": "top",
        "title": None,
        "symbolSize": 70,
        "columnPadding": 28,
        "symbolOpacity": 1,
        "columns": 3,
    },
    "header": {"labelFontSize": 12, "labelFontWeight": "bold", "labelColor": INK, "title": None, "labelLimit": 330},
    "title": {
        "fontSize": 12,
        "anchor": "start",
        "fontWeight": "normal",
        "color": INK,
        "subtitleFontSize": 11,
        "subtitleColor": "#5b3c00",
    },
}


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure: its Vega-Lite description, which names the data ``values``, and these data.

    `right` is the room in pixels that names need which reach over its right edge.
    """

    spec: Spec
    data: pd.DataFrame
    right: int = 8

    def complete(self, is_sample: bool = False) -> Spec:
        """The description with its data; a sample says so wherever the figure is taken to."""
        spec = {**self.spec, "config": CONFIG, "datasets": {**self.spec.get("datasets", {}), "values": self.values}}
        # Where a browser lacks the font, it takes a wider one.
        texts = (self.data[name].astype("str").str.len().max() for name in LABELS if name in self.data)
        spec["padding"] = {"left": 5 + int(0.9 * max(texts, default=0)), "right": self.right, "top": 5, "bottom": 5}
        if is_sample:
            spec["title"] = {"text": SAMPLE, "fontSize": 11, "color": "#5b3c00"}
            if "title" in self.spec:
                spec["title"] = {**self.spec["title"], "subtitle": SAMPLE}
        return spec

    @property
    def values(self) -> list[dict[str, Any]]:
        """The data as Vega-Lite takes them, missing numbers as null."""
        return list(json.loads(self.data.to_json(orient="records", double_precision=6)))

    def tsv(self) -> str:
        """The data as a table for people."""
        return tsv_text(self.data, "%.6g")


def svg(spec: Spec | str) -> str:
    """Draw a complete description; the same one gives the same text, whatever was drawn before."""
    drawn = str(vl_convert.vegalite_to_svg(spec))
    numbers = {name: place for place, name in enumerate(dict.fromkeys(re.findall(r'(?<=id=")[a-z_]+\d+(?=")', drawn)))}
    return re.sub(r'((?<=id=")|(?<=url\(#))[a-z_]+\d+', lambda found: f"part{numbers[found[0]]}", drawn)


def write_svg(path: Path, text: str, store: Path) -> str:
    """Write the drawing of a complete description, given as JSON, and return it.

    Drawings are half of the work on a report, and most are the same in the next one: they are kept in the folder
    `store`.
    """
    about = _about("figure", {"description": checksum_of(text)})
    kept.reuse(store, about, {"drawing": path}, lambda: write_text(path, svg(text)), quiet=True)
    return path.read_text(encoding="utf-8")


def size(drawn: str) -> tuple[int, int]:
    """Width and height of a drawing in pixels."""
    width, height = re.findall(r'(?:width|height)="([\d.]+)"', drawn[:600])[:2]
    return round(float(width)), round(float(height))


def write_scripts(path: Path, store: Path) -> None:
    """Write Vega, Vega-Lite and Vega-Embed as one script, which needs no network.

    Putting it together takes longer than many a page, so that it is kept in the folder `store`.
    """
    kept.reuse(store, _about("vega", {}), {"script": path}, lambda: write_text(path, _scripts()))


def _about(step: str, given: Mapping[str, str]) -> dict[str, Any]:
    """What the library has made something from, see `sentinel_forest.kept`."""
    packages = {"vl-convert-python": version("vl-convert-python")}
    return {"step": step, "given": given, "code": code_checksum("report.charts"), "packages": packages}


def _scripts() -> str:
    return str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # its types lack the defaults


def field(name: str, kind: str = "nominal", **more: Any) -> Spec:
    """A channel that shows a column; no title unless one is given."""
    return {"field": name, "type": kind, "title": None, **more}


def number(name: str, title: str | None = None, **scale: Any) -> Spec:
    """A channel that shows numbers; `scale` may set zero, domain or type."""
    return {"field": name, "type": "quantitative", "title": title, "scale": {"zero": False, **scale}}


def ordered(names: Sequence[str], **more: Any) -> Spec:
    """Keep an order of names on an axis, in facets or in a legend."""
    return {"sort": list(names), **more}


def coloured(name: str, colours: Mapping[str, str], **more: Any) -> Spec:
    """A channel of colours, by the names of a column."""
    return field(name, scale={"domain": list(colours), "range": list(colours.values())}, **more)


def panels(name: str, names: Sequence[str], layers: list[Spec], across: int = 0, **more: Any) -> Spec:
    """Layers, once for each panel; without a frame where there is one panel only."""
    if len(names) < 2:
        return {"data": {"name": "values"}, "layer": layers, **{k: v for k, v in more.items() if k != "resolve"}}
    inside = {key: more.pop(key) for key in ("width", "height") if key in more}
    facet = field(name, **ordered(names))
    wrapped = {"facet": facet, "columns": across} if across else {"facet": {"column": facet}}
    return {"data": {"name": "values"}, **wrapped, "spec": {"layer": layers, **inside}, **more}


def names_of(values: pd.Series) -> list[str]:
    """Different texts in the order in which they come."""
    return [str(value) for value in dict.fromkeys(values)]
