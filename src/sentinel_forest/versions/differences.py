"""Where two computations of a version differ: exact first, then table by table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.config.paths import VERSION
from sentinel_forest.errors import InputError
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.io.lazy import lazy
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.versions.manifest import read_manifest

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

Row = tuple[str, str, str, int, str, str, str, float]

DIFFERENCES = pa.DataFrameSchema(
    {
        "file": pa.Column("str"),
        "column": pa.Column("str"),
        "difference": pa.Column("str"),
        "rows": pa.Column("int64"),
        "first": pa.Column("str"),
        "sealed": pa.Column("str"),
        "computed": pa.Column("str"),
        "greatest": pa.Column("float64", nullable=True),
    },
    strict=True,
)
"""Where two versions differ. rows: rows that differ; first: the first of them by its texts; sealed and
computed: its values; greatest: greatest absolute difference of a numeric column."""


def text(rows: Iterable[Row]) -> str:
    """Rows of `DIFFERENCES` for a terminal: each file, then a line for each of its columns that differs."""
    lines = []
    for name, of_file in itertools.groupby(rows, lambda row: row[0]):
        lines.append(name)
        for _, column, difference, count, first, before, now, greatest in of_file:
            what = f"{column}, rows that differ: {count}" if column else difference
            far = "" if np.isnan(greatest) else f", by at most {greatest:.3g}"
            which = f"; the first, {first}" if first else ""
            lines.append(f"    {what}{far}{which}: sealed {before or 'nothing'}, computed {now or 'nothing'}")
    return "\n".join(lines)


def differences(sealed: Path, computed: Path) -> Iterator[Row]:
    """Rows of `DIFFERENCES` for two versions, from their manifests and the files beside these.

    What two versions say of themselves (`VERSION`) explains differences, and is none. That the files of the sealed
    version are those of its manifest is held before (`manifest.hold_files`).
    """
    before, after = read_manifest(sealed), read_manifest(computed)
    for name in sorted({*before, *after}):
        if name not in after:
            yield (name, "", "file is missing", 0, "", before[name][:12], "", np.nan)
        elif name not in before:
            yield (name, "", "file is new", 0, "", "", after[name][:12], np.nan)
        else:
            now = _checksum(computed.parent / name)
            if now != before[name] and name != VERSION:
                yield from _file_differences(name, sealed.parent / name, computed.parent / name, before[name], now)


def _checksum(path: Path) -> str:
    """SHA-256 (hex) of a file; "" if there is none."""
    return file_checksum(path) if path.is_file() else ""


def _file_differences(name: str, sealed: Path, computed: Path, before: str, after: str) -> Iterator[Row]:
    if name.endswith((".tsv", ".parquet")) and sealed.is_file() and computed.is_file():
        try:
            rows = list(_table_differences(name, _read(sealed), _read(computed)))
        except (InputError, OSError, ValueError):  # one of them is no table any more
            rows = []
        if rows:
            yield from rows
            return
    yield (name, "", "bytes differ", 0, "", before[:12], after[:12], np.nan)


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return read_parquet(path)
    return pd.read_csv(path, sep="\t", encoding="utf-8")


def _table_differences(name: str, sealed: pd.DataFrame, computed: pd.DataFrame) -> Iterator[Row]:
    """Differences of two tables, column by column."""
    if list(sealed.columns) != list(computed.columns) or len(sealed) != len(computed):
        before, after = (f"{len(table)} rows x {len(table.columns)} columns" for table in (sealed, computed))
        yield (name, "", "tables have other rows or columns", 0, "", before, after, np.nan)
        return
    for column in sealed.columns:
        a, b = sealed[column], computed[column]
        differ = ~((a == b) | (a.isna() & b.isna()))
        if differ.any():
            row = int(np.flatnonzero(differ)[0])
            texts = [str(value) for value in sealed.iloc[row] if isinstance(value, str)]
            numeric = all(pd.api.types.is_numeric_dtype(values) for values in (a, b))
            greatest = float((a[differ] - b[differ]).abs().max()) if numeric else np.nan
            yield (
                name,
                column,
                "values differ",
                int(differ.sum()),
                " | ".join(texts),
                str(a.iloc[row]),
                str(b.iloc[row]),
                greatest,
            )
