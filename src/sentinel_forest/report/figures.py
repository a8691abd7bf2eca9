"""The kinds of figures of the report, each from a table. Colours follow `palette`: by meaning, never by order."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sentinel_forest.report import palette
from sentinel_forest.report.charts import Chart, Spec, coloured, field, names_of, number, ordered, panels
from sentinel_forest.report.palette import INK

FREE: Spec = {"scale": {"x": "independent"}}


def look_of(names: Sequence[str], colours: Mapping[str, str] | None) -> Spec:
    """Colour and shape of series; one legend for both, none for one series."""
    legend = {"columns": 3 if max(map(len, names)) < 25 else 1} if len(names) > 1 else None
    place = {name: number for number, name in enumerate(sorted(names))}  # the same in every figure of a release
    shapes = [palette.SHAPES[place[name] % len(palette.SHAPES)] for name in names]
    drawn = dict(zip(names, palette.of_series(names, colours), strict=True))
    return {
        "color": coloured("series", drawn, legend=legend),
        "shape": field("series", scale={"domain": list(names), "range": shapes}, legend=legend),
    }


def intervals(
    frame: pd.DataFrame,
    axis: str,
    zero: bool = False,
    limits: tuple[float, float] | None = None,
    colours: Mapping[str, str] | None = None,
    trials: pd.DataFrame | None = None,
    labels: Sequence[str] = (),
    offset: bool = True,
) -> Chart:
    """Points with 95 % intervals: a row for each `label`, a mark for each `series`.

    Parameters
    ----------
    frame : DataFrame
        label, series (str); value, low, high (float, NaN: no interval); panel (str, may be missing):
        what the values of a panel are, each with an axis of its own.
    axis : str
        What the values are.
    zero : bool
        Whether 0 is drawn as a line of reference.
    limits : tuple
        Range of the axis.
    colours : mapping
        Colours of series that mean something.
    trials : DataFrame
        label, series, value: what single trials gave, drawn as dots.
    labels : sequence of str
        The order of the rows; that of the table where it is not given.
    offset : bool
        Whether the series of a label lie below each other.
    """
    frame = frame if "panel" in frame else frame.assign(panel=axis)
    labels = labels or names_of(frame["label"])
    names, across = names_of(frame["series"]), names_of(frame["panel"])
    data = frame[["panel", "label", "series", "value", "low", "high"]].assign(of="score")
    if trials is not None:
        data = pd.concat([data, trials.assign(of="trial", panel=across[0])], ignore_index=True)[list(data.columns)]
    where = {"y": field("label", **ordered(labels))}
    if offset:
        where["yOffset"] = field("series", **ordered(names))
    scale = {"domain": list(limits)} if limits else {}
    title = None if len(across) > 1 else axis
    layers: list[Spec] = [
        {
            "transform": [{"filter": "datum.of == 'trial'"}],
            "mark": {"type": "circle", "size": 22, "opacity": 0.55},
            "encoding": {**where, "x": number("value", title, **scale), **_only_colour(names, colours)},
        },
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {**where, "x": number("low", title, **scale), "x2": {"field": "high"}}
            | _only_colour(names, colours),
        },
        {
            "transform": [{"filter": "datum.of == 'score' && isValid(datum.value)"}],
            "mark": {"type": "point", "filled": True, "size": 62, "opacity": 1, "tooltip": {"content": "data"}},
            "encoding": {**where, "x": number("value", title, **scale), **look_of(names, colours)},
        },
    ]
    if zero:
        layers.insert(0, {"mark": {"type": "rule", "color": INK}, "encoding": {"x": {"datum": 0}}})
    step = {"step": max(19, 9 * len(names) * offset), "for": "position"}
    width = 380 if len(across) == 1 else 250
    return Chart(panels("panel", across, layers, width=width, height=step, resolve=FREE), data)


def _only_colour(names: Sequence[str], colours: Mapping[str, str] | None) -> Spec:
    return {"color": look_of(names, colours)["color"]}


def lines(frame: pd.DataFrame, draws: pd.DataFrame, across: str) -> Chart:
    """Values that change with a number, each with its 95 % interval as a band; a panel for each `panel`.

    Parameters
    ----------
    frame : DataFrame
        panel, series (str); at (int, drawn on a logarithmic axis); value, low, high (float, NaN: no interval).
    draws : DataFrame
        panel, series, at, value: single draws behind a value, as small points.
    across : str
        What `at` counts.
    """
    names, parts = names_of(frame["series"]), names_of(frame["panel"])
    look = look_of(names, None)
    steps = sorted(int(step) for step in frame["at"].unique())
    x = {"field": "at", "type": "quantitative", "title": across, "scale": {"type": "log", "nice": False}}
    x["axis"] = {"values": steps, "format": "d"}
    mean: Spec = {"transform": [{"filter": "datum.of == 'mean'"}]}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule" if len(draws) else "area", "opacity": 1 if len(draws) else 0.18},
            "encoding": {"y": number("low"), "y2": {"field": "high"}},
        },
        {**mean, "mark": {"type": "line", "strokeWidth": 2}, "encoding": {"y": number("value")}},
        {
            "transform": [{"filter": "datum.of == 'draw'"}],
            "mark": {"type": "circle", "size": 26, "opacity": 0.7, "tooltip": {"content": "data"}},
            "encoding": {"y": number("value")},
        },
        {
            **mean,
            "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1, "tooltip": {"content": "data"}},
            "encoding": {"y": number("value"), "shape": look["shape"]},
        },
    ]
    layers = [{**each, "encoding": {"x": x, "color": look["color"], **each["encoding"]}} for each in layers]
    spec = panels("panel", parts, layers, width=290, height=190, resolve={"scale": {"y": "independent"}})
    data = pd.concat([frame.assign(of="mean"), draws.assign(of="draw")], ignore_index=True)
    return Chart(spec, data[["panel", "series", "at", "of", "value", "low", "high"]])


def calibration(frame: pd.DataFrame) -> Chart:
    """Observed against predicted probabilities, and how much falls into each bin below.

    Parameters
    ----------
    frame : DataFrame
        predicted, observed, low, high (float, NaN: empty bin); bin_low, bin_high, fraction (float); series (str):
        the forest as it is, and other calibrations of it.
    """
    names = names_of(frame["series"])
    look = look_of(names, None)
    x = number("predicted", None, domain=[0, 1])
    diagonal = {
        "data": {"values": [{"at": 0}, {"at": 1}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "color": palette.SOFT},
        "encoding": {"x": number("at", None, domain=[0, 1]), "y": number("at", "observed fraction", domain=[0, 1])},
    }
    y = number("observed", "observed fraction", domain=[0, 1])
    observed = [
        {"mark": {"type": "rule"}, "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}},
        {"mark": {"type": "line"}, "encoding": {"x": x, "y": y}},
        {
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1, "tooltip": {"content": "data"}},
            "encoding": {"x": x, "y": y, "shape": look["shape"]},
        },
    ]
    known: Spec = {"transform": [{"filter": "isValid(datum.observed)"}], "layer": observed}
    known["encoding"] = {"color": look["color"]}
    bars = {
        "mark": {"type": "bar", "stroke": "white", "opacity": 0.7},
        "encoding": {
            "x": {**number("bin_low", "predicted probability", domain=[0, 1]), "bin": {"binned": True}},
            "x2": {"field": "bin_high"},
            "y": {**number("fraction", "fraction"), "stack": None},
            "color": look["color"],
        },
    }
    spec = {
        "data": {"name": "values"},
        "vconcat": [{"width": 300, "height": 260, "layer": [diagonal, known]}, {"width": 300, "height": 60, **bars}],
    }
    return Chart(spec, frame)


def class_fractions(fractions: pd.DataFrame, colours: Mapping[str, str]) -> Chart:
    """Bars of class fractions: `fractions` has a row for each class and a column for each split."""
    data = fractions.rename_axis("class").reset_index().melt("class", var_name="panel", value_name="fraction")
    data["percent"] = 100 * data.pop("fraction").astype(float)
    data["class"], data["panel"] = data["class"].astype(str), data["panel"].astype(str)
    bar: Spec = {
        "mark": {"type": "bar", "stroke": INK, "strokeWidth": 0.5, "tooltip": {"content": "data"}},
        "encoding": {
            "y": field("class", **ordered(names_of(data["class"]))),
            "x": number("percent", "%", zero=True),
            "color": coloured("class", {name: colours[name] for name in names_of(data["class"])}, legend=None),
        },
    }
    parts = names_of(data["panel"])
    width = max(90, 560 // len(parts))
    return Chart(panels("panel", parts, [bar], width=width, height={"step": 17}), data)


def spread(frame: pd.DataFrame, colours: Mapping[str, str]) -> Chart:
    """Values of each class, a panel for each `panel`: median as a point, bars from `low` to `high`.

    Parameters
    ----------
    frame : DataFrame
        panel, label (str); median, low, high (float).
    colours : mapping
        Colour of each label.
    """
    labels, parts = names_of(frame["label"]), names_of(frame["panel"])
    y = field("label", **ordered(labels))
    bars: Spec = {
        "mark": {"type": "bar", "stroke": INK, "strokeWidth": 0.5, "tooltip": {"content": "data"}},
        "encoding": {"y": y, "x": number("low"), "x2": {"field": "high"}}
        | {"color": coloured("label", {name: colours[name] for name in labels}, legend=None)},
    }
    middle: Spec = {
        "mark": {"type": "point", "filled": True, "fill": "white", "stroke": INK, "opacity": 1, "size": 34},
        "encoding": {"y": y, "x": number("median")},
    }
    spec = panels("panel", parts, [bars, middle], 3, width=190, height={"step": 15}, resolve=FREE)
    return Chart(spec, frame)


def points(frame: pd.DataFrame, axis: str, zero: bool = True, colours: Mapping[str, str] | None = None) -> Chart:
    """All values as points: a row for each `label`, a mark for each `series`, a panel for each `panel`.

    Parameters
    ----------
    frame : DataFrame
        label, series, panel (str); value (float).
    """
    labels, parts, names = names_of(frame["label"]), names_of(frame["panel"]), names_of(frame["series"])
    line: list[Spec] = [{"mark": {"type": "rule", "color": INK}, "encoding": {"x": {"datum": 0}}}] if zero else []
    mark: Spec = {
        "mark": {"type": "point", "filled": True, "opacity": 0.8, "size": 46, "tooltip": {"content": "data"}},
        "encoding": {
            "y": field("label", **ordered(labels)),
            "yOffset": field("series", **ordered(names)),
            "x": number("value", _axis(axis, parts)),
            **look_of(names, colours),
        },
    }
    width = max(170, 600 // len(parts)) if len(parts) > 1 else 420
    spec = panels("panel", parts, [*line, mark], width=width, height={"step": 19, "for": "position"})
    return Chart(_headed(spec, axis, parts), frame[["panel", "label", "series", "value"]])


def _axis(title: str, parts: Sequence[str]) -> str | None:
    """The title of an axis of each panel; of several panels, `_headed` says it once."""
    return title if len(parts) < 2 else None


def _headed(spec: Spec, title: str, parts: Sequence[str]) -> Spec:
    return spec if len(parts) < 2 else {**spec, "title": {"text": title}}


def pairs(frame: pd.DataFrame, axis: str) -> Chart:
    """Two values of each label, joined by a line: ``without relatives`` and ``with relatives`` in training.

    Parameters
    ----------
    frame : DataFrame
        label, side (str); value (float).
    """
    colours = {
        "without relatives": palette.SPLITS[palette.CLEAN_SPLIT],
        "with relatives": palette.SPLITS[palette.LEAKS],
    }
    y = field("label", **ordered(names_of(frame["label"])))
    line: Spec = {
        "mark": {"type": "line", "color": palette.SOFT, "strokeWidth": 2},
        "encoding": {"y": y, "x": number("value", axis), "detail": {"field": "label"}},
    }
    ends: Spec = {
        "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1, "tooltip": {"content": "data"}},
        "encoding": {"y": y, "x": number("value", axis), "color": coloured("side", colours)},
    }
    spec = {"data": {"name": "values"}, "layer": [line, ends], "width": 380, "height": {"step": 24}}
    return Chart(spec, frame[["label", "side", "value"]])


def bars(frame: pd.DataFrame, axis: str, colours: Mapping[str, str]) -> Chart:
    """Two lengths beside each other for each `label`: `whole` (pale) and `part` of it, a panel for each `panel`.

    Parameters
    ----------
    frame : DataFrame
        panel, label (str, a key of `colours`); whole, part (float).
    """
    y, parts = field("label", **ordered(names_of(frame["label"]))), names_of(frame["panel"])
    look = {"color": coloured("label", {name: colours[name] for name in names_of(frame["label"])}, legend=None)}
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "opacity": opacity, "tooltip": {"content": "data"}},
            "encoding": {"y": y, "x": number(name, _axis(axis, parts), zero=True), **look},
        }
        for name, opacity in (("whole", 0.35), ("part", 1))
    ]
    return Chart(_headed(panels("panel", parts, layers, 3, width=190, height={"step": 18}), axis, parts), frame)


def scatter(frame: pd.DataFrame, across: str | None, up: str) -> Chart:
    """A dot for each patch: `x` (number) against `y` (number), a panel for each `panel`, and means of tenths of `x`.

    Parameters
    ----------
    frame : DataFrame
        panel, patch (str); x, y (float).
    """
    parts = names_of(frame["panel"])
    x = number("x", across if len(parts) > 1 else parts[0])
    x["axis"] = {"tickCount": 4}
    dots: Spec = {
        "mark": {"type": "circle", "size": 26, "opacity": 0.4, "color": palette.SOFT, "tooltip": {"content": "data"}},
        "encoding": {"x": x, "y": number("y", up, domain=[0, 1])},
    }
    trend: Spec = {
        "transform": [{"loess": "y", "on": "x", "bandwidth": 0.6, "groupby": ["panel"]}],
        "mark": {"type": "line", "color": palette.SPLITS[palette.CLEAN_SPLIT], "strokeWidth": 2.5, "clip": True},
        "encoding": {"x": x, "y": number("y", up, domain=[0, 1])},
    }
    return Chart(panels("panel", parts, [dots, trend], 3, width=210, height=150, resolve=FREE), frame)
