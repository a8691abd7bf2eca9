"""A second computation held against a sealed version: exact first, then a table of differences."""

import itertools
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import file_digest
from sentinel_forest.io.tables import read_parquet, write_tsv
from sentinel_forest.steps import Output
from sentinel_forest.versions.manifest import read_manifest

RESULTS, WORK, LAST, TABLE = "results", "work", "last", "differences.tsv"
"""What lies in the folder of a check: the computation under way (results and intermediates), the last one
that differed, and the table of what differed."""

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


def check(*, sealed: Path, computed: Path, folder: Output) -> None:
    """Hold a new computation of a sealed version against its files.

    Parameters
    ----------
    sealed, computed : Path
        Manifests of the sealed version and of the new computation, beside their files.
    folder : Path
        Folder of the check; takes the table `DIFFERENCES`.

    Raises
    ------
    InputError
        If files differ.
    """
    rows = list(differences(sealed, computed))
    table = pd.DataFrame(rows, columns=list(DIFFERENCES.columns))
    kinds = {name: str(column.dtype) for name, column in DIFFERENCES.columns.items()}
    write_tsv(folder / TABLE, table.astype(kinds), DIFFERENCES)
    end(folder, keep=bool(rows))
    if not rows:
        print(f"all {len(read_manifest(sealed))} files are equal, byte for byte")
        return
    print(text(rows), file=sys.stderr)
    raise InputError(
        f"{table['file'].nunique()} files differ from the sealed version.",
        where=sealed,
        found=f"{len(rows)} differences, listed above and in {folder / TABLE}",
        expected="the same bytes",
        remedy="put back sealed files that are not what their manifest says; for the others look at "
        f"version.json there and in {folder / LAST / RESULTS} for the digest that explains "
        "them: data, code, configuration or environment",
    )


def end(folder: Path, keep: bool) -> None:
    """Clear the way for the next check, which computes everything anew.

    Parameters
    ----------
    folder : Path
        Folder of the check.
    keep : bool
        Whether the computation is to be kept for a closer look, in the place of the last one.
    """
    last = folder / LAST
    shutil.rmtree(last, ignore_errors=True)
    for name in (RESULTS, WORK):
        if not keep:
            shutil.rmtree(folder / name, ignore_errors=True)
        elif (folder / name).exists():
            last.mkdir(exist_ok=True)
            (folder / name).rename(last / name)


def text(rows: Iterable[tuple]) -> str:
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


def differences(sealed: Path, computed: Path) -> Iterator[tuple]:
    """Rows of `DIFFERENCES` for two versions, from their manifests and the files beside these."""
    before, after = read_manifest(sealed), read_manifest(computed)
    for name in sorted({*before, *after}):
        if name not in after:
            yield (name, "", "file is missing", 0, "", before[name][:12], "", np.nan)
        elif name not in before:
            yield (name, "", "file is new", 0, "", "", after[name][:12], np.nan)
        else:
            now = _digest(computed.parent / name)
            if now != before[name]:
                yield from _file_differences(name, sealed.parent / name, computed.parent / name, before[name], now)
        if name in before:
            now = _digest(sealed.parent / name)
            if now != before[name]:
                what = "the sealed file is not what its manifest says"
                yield (name, "", what, 0, "", before[name][:12], now[:12], np.nan)


def _digest(path: Path) -> str:
    """SHA-256 (hex) of a file; "" if there is none."""
    return file_digest(path) if path.is_file() else ""


def _file_differences(name: str, sealed: Path, computed: Path, before: str, after: str) -> Iterator[tuple]:
    if name.endswith((".tsv", ".parquet")) and sealed.is_file() and computed.is_file():
        try:
            rows = list(_table_differences(name, _read(sealed), _read(computed)))
        except (OSError, ValueError):  # one of them is no table any more
            rows = []
        if rows:
            yield from rows
            return
    yield (name, "", "bytes differ", 0, "", before[:12], after[:12], np.nan)


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return read_parquet(path)
    return pd.read_csv(path, sep="\t", encoding="utf-8")


def _table_differences(name: str, sealed: pd.DataFrame, computed: pd.DataFrame) -> Iterator[tuple]:
    """Differences of two tables, column by column."""
    if list(sealed.columns) != list(computed.columns) or len(sealed) != len(computed):
        shapes = [f"{len(table)} rows x {len(table.columns)} columns" for table in (sealed, computed)]
        yield (name, "", "tables have other rows or columns", 0, "", *shapes, np.nan)
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
