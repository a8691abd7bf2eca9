"""The few figures of a version that one looks at first, each with its definition and mark."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from .confusion import FOREST
from .errors import run
from .metrics import AS_SAMPLED, DESIGN_WEIGHTED
from .score import METRICS
from .tables import columns, read_tsv, write_tsv

SHOWN = (("OA", "OA"), ("AA", "AA over present classes"), ("BOA", "median over patches"))
"""Metric and definition of the headline figures; of unequally drawn patches as sampled and weighted."""

HEADLINE = pa.DataFrameSchema(
    {
        **columns("str", "release", "scheme"),
        **columns("int64", "trials"),
        **columns("str", "classifier", "features", "task", "metric", "definition", "class"),
        **columns("float64", "value", "low", "high", nullable=True),
        **columns("str", "mark"),
    },
    strict=True,
)
"""Scores on the role test. value: mean of the trials; low, high: the lowest lower and the highest upper
bound of the trials' 95 % intervals, empty if a trial has none; mark: what links the test patches of any
trial with training."""

KEYS = ["release", "scheme", "classifier", "features", "task", "metric", "definition", "class"]


def main(argv: Sequence[str] | None = None) -> None:
    """Write the headline table of a version, or show it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", nargs="*", default=[], help="release:scheme:trial:path of each table")
    parser.add_argument("--output", type=Path, help="table to write")
    parser.add_argument("--show", type=Path, help="table to print")
    arguments = parser.parse_args(argv)
    if arguments.output:
        write_tsv(arguments.output, headline([labelled(text) for text in arguments.metrics]), HEADLINE)
    if arguments.show:
        print(text(read_tsv(arguments.show, HEADLINE)))
        print(f"\nMeans over trials on test patches [95 % interval over groups]. In full: {arguments.show}")


def labelled(argument: str) -> pd.DataFrame:
    """A table of metrics with the release, scheme and trial that the argument names."""
    release, scheme, trial, path = argument.split(":", 3)
    return read_tsv(Path(path), METRICS).assign(release=release, scheme=scheme, trial=int(trial))


def headline(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The headline table (schema `HEADLINE`) from tables of metrics with release, scheme and trial."""
    rows = pd.concat(tables, ignore_index=True)
    plain = rows["definition"].str.removesuffix(AS_SAMPLED).str.removesuffix(DESIGN_WEIGHTED)
    shown = pd.MultiIndex.from_arrays([rows["metric"], plain]).isin(SHOWN)
    rows = rows[shown & (rows["role"] == "test")]
    summary = rows.groupby(KEYS, sort=True).agg(
        trials=("trial", "nunique"), value=("value", "mean"), low=("low", _least), high=("high", _greatest),
        mark=("mark", _marks),
    )  # fmt: skip
    return summary.reset_index()[list(HEADLINE.columns)]


def text(table: pd.DataFrame) -> str:
    """The table for a terminal: forests, one line a scheme and feature set; then reference algorithms.

    Of the two-class questions it shows the one that most classifiers answer; the others, design-weighted
    scores, full marks and the trivial company of the forests are in the file.
    """
    named = table[~table["definition"].str.endswith(DESIGN_WEIGHTED)]
    named = named.assign(
        figure=(named["metric"] + " " + named["class"]).str.strip(), mark=named["mark"].map(_kinds)
    )
    releases = [(str(name), _few(rows)) for name, rows in named.groupby("release", sort=False)]
    blocks = [
        f"{release}: {title}\n{_aligned(part)}"
        for parts in (_forests, _references)
        for release, rows in releases
        for title, part in parts(rows)
    ]
    return "\n\n".join(blocks) or "no scores"


def _few(rows: pd.DataFrame) -> pd.DataFrame:
    """Figures over all classes and of the question that most classifiers answer, in the order of `SHOWN`."""
    questions = rows.loc[rows["class"] != "", "class"].value_counts()
    metrics = [metric for metric, _ in SHOWN]
    few = rows[rows["class"].isin(["", *questions.index[:1]])]
    return few.sort_values("metric", key=lambda names: names.map(metrics.index), kind="stable")


def _forests(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """One line a scheme and feature set, one column a figure."""
    forests = rows[(rows["classifier"] == FOREST) & (rows["features"] != "")]
    if len(forests):
        figures = zip(forests["value"], forests["low"], forests["high"], strict=True)
        scored = forests.assign(score=[_figure(*row) for row in figures])
        wide = _wide(scored, ["scheme", "features", "mark"], "figure")
        yield "forests", wide[[name for name in wide if name != "mark"] + ["mark"]]


def _references(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """For each figure that any of them has: one line a scheme, one column an algorithm."""
    for figure, of_figure in rows[rows["features"] == ""].groupby("figure", sort=False):
        scored = of_figure.assign(score=[_figure(value, np.nan, np.nan) for value in of_figure["value"]])
        yield f"reference algorithms, {figure}", _wide(scored, ["scheme"], "classifier")


def _wide(rows: pd.DataFrame, index: list[str], across: str) -> pd.DataFrame:
    """Scores side by side."""
    wide = rows.pivot_table(index=index, columns=across, values="score", aggfunc="first", sort=False)
    return wide.fillna("-").reset_index().sort_values(index, ignore_index=True)


def _aligned(table: pd.DataFrame) -> str:
    """A table of texts, cells to the left."""
    lines = [list(table.columns), *table.to_numpy().tolist()]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _least(bounds: pd.Series) -> float:
    return float(bounds.min(skipna=False))


def _greatest(bounds: pd.Series) -> float:
    return float(bounds.max(skipna=False))


def _marks(marks: pd.Series) -> str:
    """One mark for several trials: whatever links any of them, and what was accepted."""
    found: dict[str, set[str]] = {}
    for part in {part for mark in marks for part in mark.split("; ") if part != "clean"}:
        kind, keys = part.split(": ", 1)
        found.setdefault(kind, set()).update(keys.split(", "))
    return "; ".join(f"{kind}: {', '.join(sorted(keys))}" for kind, keys in sorted(found.items())) or "clean"


def _kinds(mark: str) -> str:
    """A mark without the keys: ``linked: city, roi`` is ``linked``."""
    return ", ".join(part.split(": ", 1)[0] for part in mark.split("; "))


def _figure(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.3f}" if pd.isna(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    run(main)
