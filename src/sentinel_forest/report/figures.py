"""Figures as SVG: the same bytes for the same figures, colours that the colour-blind can tell apart."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation, Transform

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#000000")
"""Okabe and Ito 2008, Color universal design (the orange darkened for its contrast on white)."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, LINE = "#1b1f23", "#c8ccd0"
LAND, COAST = "#eceae4", "#8d9299"
STYLE: dict[str, object] = {
    "svg.hashsalt": "sentinel-forest",
    "svg.fonttype": "path",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
_ROW, _MARGIN, _WIDTH, _LETTER = 0.27, 0.9, 7.4, 0.07  # inches
_LETTERS = 35  # labels up to this length fit beside the panels


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib's own settings and ours, whatever the user's are."""
    defaults: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if "backend" not in key}
    with matplotlib.rc_context(defaults | STYLE):
        yield


def svg(figure: Figure) -> bytes:
    """The file of a figure, without date."""
    stream = io.BytesIO()
    with _style():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def intervals(frame: pd.DataFrame, axis: str, zero: bool = False, limits: tuple[float, float] | None = None) -> bytes:
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
    """
    frame = frame if "panel" in frame else frame.assign(panel=axis)
    labels, names = list(dict.fromkeys(frame["label"])), list(dict.fromkeys(frame["series"]))
    panels = list(dict.fromkeys(frame["panel"]))
    spread = min(0.8 / max(len(names), 1), 0.22)
    height = _MARGIN + len(labels) * max(_ROW, 0.13 * len(names)) + 0.2 * len(names)
    longest = max(map(len, labels))
    with _style():
        figure = Figure((_WIDTH + _LETTER * max(0, longest - _LETTERS), height))
        drawn = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, panel in zip(drawn, panels, strict=True):
            for number, name in enumerate(names):
                rows = frame[(frame["panel"] == panel) & (frame["series"] == name)]
                place = rows["label"].map(labels.index).to_numpy()
                _bars(axes, rows, place + spread * (number - (len(names) - 1) / 2), number)
            if zero:
                axes.axvline(0, color=INK, lw=1)
            axes.set_xlabel(panel)
            axes.grid(axis="x")
            if limits:
                axes.set_xlim(*limits)
        drawn[0].set_yticks(range(len(labels)), labels)
        drawn[0].set_ylim(len(labels) - 0.5, -0.5)
        _legend(figure, names, max(map(len, names)))
    return svg(figure)


def _bars(axes: Axes, rows: pd.DataFrame, place: np.ndarray, number: int) -> None:
    """Values with their intervals, in the mark and colour of a series."""
    value = rows["value"].to_numpy(np.float64)
    reach = np.abs(rows[["low", "high"]].to_numpy(np.float64).T - value)
    axes.errorbar(
        value,
        place,
        xerr=np.nan_to_num(reach),
        fmt=MARKERS[number % 7],
        ms=4.5,
        capsize=2,
        lw=1.2,
        color=SERIES[number % 7],
    )


def _legend(figure: Figure, names: Sequence[str], longest: int) -> None:
    """Marks and colours of the series above the panels; three in a row if their names are short."""
    handles = [
        Line2D([], [], marker=MARKERS[number % 7], color=SERIES[number % 7], lw=1.2, ms=4.5, label=name)
        for number, name in enumerate(names)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3 if longest < 25 else 1)


def lines(frame: pd.DataFrame, across: str) -> bytes:
    """Values that change with a number, each with its 95 % interval as a band; a panel for each `panel`.

    Parameters
    ----------
    frame : DataFrame
        panel, series (str); at (int, drawn on a logarithmic axis); value, low, high (float).
    across : str
        What `at` counts.
    """
    panels, names = list(dict.fromkeys(frame["panel"])), list(dict.fromkeys(frame["series"]))
    with _style():
        figure = Figure((_WIDTH, 3.1))
        drawn = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(drawn, panels, strict=True):
            part = frame[frame["panel"] == panel]
            for number, name in enumerate(names):
                rows = part[part["series"] == name].sort_values("at")
                colour = SERIES[number % 7]
                axes.fill_between(rows["at"], rows["low"], rows["high"], color=colour, alpha=0.18, lw=0)
                axes.plot(rows["at"], rows["value"], f"{MARKERS[number % 7]}-", ms=4.5, lw=1.2, color=colour)
            steps = sorted(part["at"].unique())
            axes.set_xscale("log")
            axes.set_xticks(steps, [f"{step:g}" for step in steps])
            axes.minorticks_off()
            axes.set_xlabel(across)
            axes.set_title(panel)
            axes.grid()
        _legend(figure, names, max(map(len, names)))
    return svg(figure)


def reliability(frame: pd.DataFrame) -> bytes:
    """Observed against predicted probabilities, and how much falls into each bin below.

    Parameters
    ----------
    frame : DataFrame
        predicted, observed, low, high (float, NaN: empty bin); bin_low, bin_high, share (float).
    """
    known = frame[frame["observed"].notna()]
    reach = np.abs(known[["low", "high"]].to_numpy(np.float64).T - known["observed"].to_numpy(np.float64))
    with _style():
        figure = Figure((4.6, 5.2))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        above.plot([0, 1], [0, 1], color=INK, lw=1, ls="--", label="observed as predicted")
        above.errorbar(
            known["predicted"],
            known["observed"],
            yerr=np.nan_to_num(reach),
            fmt="o-",
            ms=4.5,
            capsize=2,
            lw=1.2,
            color=SERIES[0],
            label="forest",
        )
        above.set_ylabel("observed share")
        above.set_ylim(-0.02, 1.02)
        above.legend(loc="upper left")
        below.bar(
            frame["bin_low"],
            100 * frame["share"],
            frame["bin_high"] - frame["bin_low"],
            align="edge",
            color=SERIES[0],
            edgecolor="white",
        )
        below.set_ylabel("share (%)")
        below.set_xlabel("predicted probability")
        below.set_xlim(-0.02, 1.02)
        for axes in (above, below):
            axes.grid()
    return svg(figure)


def class_shares(shares: pd.DataFrame, colours: Mapping[str, str]) -> bytes:
    """Bars of class shares: `shares` has a row for each class and a column for each split."""
    with _style():
        figure = Figure((_WIDTH, _MARGIN + _ROW * len(shares)))
        panels = figure.subplots(1, shares.shape[1], sharey=True, sharex=True, squeeze=False)[0]
        for axes, split in zip(panels, shares.columns, strict=True):
            values = 100 * shares[split].to_numpy(np.float64)
            axes.barh(shares.index, values, color=[colours[name] for name in shares.index], edgecolor=INK, lw=0.6)
            axes.set_title(split)
            axes.set_xlabel("share (%)")
            axes.grid(axis="x")
        panels[0].invert_yaxis()
    return svg(figure)


def world(places: pd.DataFrame, land: Sequence[np.ndarray], lakes: Sequence[np.ndarray]) -> bytes:
    """Places on a plain cylindrical map with coastlines.

    Parameters
    ----------
    places : DataFrame
        lon, lat (degrees), series (str): a mark for each row.
    land, lakes : sequence of ndarray
        Closed outlines (points, 2): longitude and latitude in degrees.
    """
    with _style():
        figure = Figure((_WIDTH, 4.3))
        axes = figure.subplots()
        for outlines, colour in ((land, LAND), (lakes, "white")):
            axes.add_collection(PolyCollection(outlines, facecolor=colour, edgecolor=COAST, lw=0.4, zorder=0))
        for number, (name, rows) in enumerate(places.groupby("series", sort=False)):
            axes.scatter(
                rows["lon"],
                rows["lat"],
                s=18,
                marker=MARKERS[number % 7],
                color=SERIES[number % 7],
                alpha=0.75,
                lw=0,
                label=f"{name} ({len(rows)})",
            )
        axes.set_xlim(-180, 180)
        axes.set_ylim(-90, 90)
        axes.set_aspect("equal")
        axes.set_xticks(range(-180, 181, 60), [_degrees(value, "W", "E") for value in range(-180, 181, 60)])
        axes.set_yticks(range(-90, 91, 30), [_degrees(value, "S", "N") for value in range(-90, 91, 30)])
        axes.grid()
        axes.axhline(0, color=COAST, lw=0.8)
        figure.legend(loc="outside upper left", ncols=4 if places["series"].str.len().max() < 12 else 2)
    return svg(figure)


def _degrees(value: int, negative: str, positive: str) -> str:
    return f"{abs(value)}°{negative if value < 0 else positive if value > 0 else ''}"


def grid(shares: pd.DataFrame, axis: str) -> bytes:
    """Shares (0..1, NaN not computed) as a coloured grid with numbers; rows and columns by their names."""
    values = shares.to_numpy(np.float64)
    with _style():
        figure = Figure((_WIDTH, 1.0 + _ROW * 1.15 * len(shares)))
        axes = figure.subplots()
        _heat(axes, values, [["–" if np.isnan(v) else f"{100 * v:.0f}" for v in row] for row in values])
        axes.set_xticks(range(shares.shape[1]), [re.sub(r": |(?<=-)", "\n", name) for name in shares.columns])
        axes.set_yticks(range(len(shares)), list(shares.index))
        axes.set_xlabel(axis)
    return svg(figure)


def confusion(counts: pd.DataFrame, colours: Mapping[str, str]) -> bytes:
    """Confusion: shares of each true class in percent; rows are true, columns predicted classes."""
    values = counts.to_numpy(np.float64)
    totals = values.sum(axis=1, keepdims=True)
    shares = np.divide(values, totals, out=np.full_like(values, np.nan), where=totals > 0)
    texts = [["–" if np.isnan(v) else f"{100 * v:.0f}" for v in row] for row in shares]
    labels = 0.075 * max(len(name) for name in [*counts.index, *counts.columns])
    with _style():
        figure = Figure((1.1 + labels + 0.42 * values.shape[1], 1.0 + 0.8 * labels + 0.3 * len(counts)))
        axes = figure.subplots()
        _heat(axes, shares, texts)
        axes.set_xticks(range(counts.shape[1]), list(counts.columns), rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(counts)), list(counts.index))
        axes.tick_params(axis="y", length=0, pad=14)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        for row, name in enumerate(counts.index):
            axes.plot(0, row, "s", ms=9, color=colours[name], mec=INK, mew=0.6, clip_on=False, transform=_left_of(axes))
    return svg(figure)


def _left_of(axes: Axes) -> Transform:
    """Coordinates of a mark left of the axes (points are fixed, rows are data)."""
    place: Transform = axes.get_yaxis_transform() + ScaledTranslation(-9 / 72, 0, axes.figure.dpi_scale_trans)
    return place


def spread(frame: pd.DataFrame, colours: Mapping[str, str]) -> bytes:
    """Values of each class, a panel for each `panel`: median as a point, bars from `low` to `high`.

    Parameters
    ----------
    frame : DataFrame
        panel, label (str); median, low, high (float).
    colours : mapping
        Colour of each label.
    """
    labels, panels = list(dict.fromkeys(frame["label"])), list(dict.fromkeys(frame["panel"]))
    rows = -(-len(panels) // 3)
    with _style():
        figure = Figure((_WIDTH, rows * (0.75 + 0.2 * len(labels))))
        drawn = figure.subplots(rows, 3, sharey=True, squeeze=False).ravel()
        for axes, panel in zip(drawn, panels, strict=False):
            part = frame[frame["panel"] == panel]
            place = part["label"].map(labels.index).to_numpy()
            axes.barh(
                place,
                part["high"] - part["low"],
                left=part["low"],
                height=0.62,
                edgecolor=INK,
                lw=0.6,
                color=[colours[name] for name in part["label"]],
            )
            axes.plot(part["median"], place, "o", ms=4.5, color="white", mec=INK)
            axes.set_title(panel)
            axes.grid(axis="x")
        for axes in drawn[len(panels) :]:
            axes.set_visible(False)
        drawn[0].set_yticks(range(len(labels)), labels)
        drawn[0].set_ylim(len(labels) - 0.5, -0.5)
    return svg(figure)


def _heat(axes: Axes, values: np.ndarray, texts: Sequence[Sequence[str]]) -> None:
    """Values 0..1 in colours that darken, each with its text."""
    axes.imshow(np.ma.masked_invalid(values), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    small = 7 if values.shape[1] > 12 else 8.5
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.55 else INK
        axes.text(column, row, texts[row][column], ha="center", va="center", color=colour, fontsize=small)
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(values.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=1.5)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)


def points(frame: pd.DataFrame, axis: str, zero: bool = True) -> bytes:
    """All values as points: a row for each `label`, a mark for each `series`, a panel for each `panel`.

    Parameters
    ----------
    frame : DataFrame
        label, series, panel (str); value (float).
    """
    labels = list(dict.fromkeys(frame["label"]))
    panels, names = list(dict.fromkeys(frame["panel"])), list(dict.fromkeys(frame["series"]))
    with _style():
        figure = Figure((_WIDTH, _MARGIN + 0.4 + _ROW * len(labels)))
        drawn = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for axes, panel in zip(drawn, panels, strict=True):
            for number, name in enumerate(names):
                rows = frame[(frame["panel"] == panel) & (frame["series"] == name)]
                place = rows["label"].map(labels.index).to_numpy() + 0.18 * (number - (len(names) - 1) / 2)
                axes.plot(
                    rows["value"],
                    place,
                    MARKERS[number % 7],
                    ms=5,
                    alpha=0.75,
                    color=SERIES[number % 7],
                    label=name if axes is drawn[0] else None,
                )
            if zero:
                axes.axvline(0, color=INK, lw=1)
            axes.set_title(panel)
            axes.grid(axis="x")
        figure.supxlabel(axis, fontsize=STYLE["font.size"])
        drawn[0].set_yticks(range(len(labels)), labels)
        drawn[0].set_ylim(len(labels) - 0.5, -0.5)
        figure.legend(loc="outside upper left", ncols=4)
    return svg(figure)
