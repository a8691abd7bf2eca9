"""The few figures of a version that one looks at first, each with its definition and mark."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from .errors import run
from .score import FOREST, METRICS
from .tables import read_tsv, write_tsv

SHOWN = (("OA", "OA"), ("AA", "AA over present classes"), ("BOA", "median over patches"))
"""Metric and definition of the headline figures."""

HEADLINE = pa.DataFrameSchema(
    {
        "release": pa.Column("str"),
        "scheme": pa.Column("str"),
        "trials": pa.Column("int64"),
        "classifier": pa.Column("str"),
        "features": pa.Column("str"),
        "task": pa.Column("str"),
        "metric": pa.Column("str"),
        "definition": pa.Column("str"),
        "class": pa.Column("str"),
        "value": pa.Column("float64", nullable=True),
        "low": pa.Column("float64", nullable=True),
        "high": pa.Column("float64", nullable=True),
        "mark": pa.Column("str"),
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


def labelled(argument: str) -> pd.DataFrame:
    """A table of metrics with the release, scheme and trial that the argument names."""
    release, scheme, trial, path = argument.split(":", 3)
    return read_tsv(Path(path), METRICS).assign(release=release, scheme=scheme, trial=int(trial))


def headline(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The headline table (schema `HEADLINE`) from tables of metrics with release, scheme and trial."""
    rows = pd.concat(tables, ignore_index=True)
    shown = pd.MultiIndex.from_frame(rows[["metric", "definition"]]).isin(SHOWN)
    rows = rows[shown & (rows["role"] == "test")]
    summary = rows.groupby(KEYS, sort=True).agg(
        trials=("trial", "nunique"), value=("value", "mean"), low=("low", _least), high=("high", _greatest),
        mark=("mark", _marks),
    )  # fmt: skip
    return summary.reset_index()[list(HEADLINE.columns)]


def text(table: pd.DataFrame) -> str:
    """The table for a terminal: one line a release, scheme and classifier, one column a metric.

    The trivial company of the forests stays in the file.
    """
    table = table[(table["classifier"] == FOREST) | (table["features"] == "")]
    if table.empty:
        return "no scores"
    figures = table.assign(
        score=[_figure(*row) for row in zip(table["value"], table["low"], table["high"], strict=True)],
        column=[_title(*row) for row in zip(table["metric"], table["class"], strict=True)],
    )
    index = ["release", "scheme", "classifier", "features", "mark"]
    wide = figures.pivot_table(index=index, columns="column", values="score", aggfunc="first", sort=False)
    return str(wide.fillna("").reset_index().rename_axis(columns=None).to_string(index=False))


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


def _title(metric: str, question: str) -> str:
    return f"{metric} {question}".strip()


def _figure(value: float, low: float, high: float) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.3f}" if pd.isna(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    run(main)
