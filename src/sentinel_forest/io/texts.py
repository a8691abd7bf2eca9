"""Tables that others wrote, CSV or Parquet: read as text, within bounds, and with one form of message."""

from __future__ import annotations

import csv
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel_forest.errors import InputError
from sentinel_forest.io import borders, causes
from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import pandas as pd
    from pyarrow import parquet
else:
    parquet = lazy("pyarrow.parquet")
    pd = lazy("pandas")

MOST_BYTES = 256 << 20
"""Bytes of a table; that of the 10,000 images of CloudSEN12 has 10 MB."""
MOST_COLUMNS = 1000
MOST_OF_HEADER = 64 << 10
"""Bytes of the first line."""

NO_COLUMN = re.compile(r"__index_level_\d+__")
"""What pandas calls an index without a name when it writes Parquet; one with a name is a column like any other."""

PROBLEM = "A table cannot be read."


def read_texts(path: Path) -> pd.DataFrame:
    """A table with all columns as the text that stands there, "" where there is nothing.

    Parameters
    ----------
    path : Path
        Comma-separated text in UTF-8, or Parquet where its name ends so; both give the same.

    Raises
    ------
    InputError
        If it is no such table, larger than `MOST_BYTES`, or has more than `MOST_COLUMNS`.
    """
    causes.check_regular(path)
    packed = path.suffix.lower() == ".parquet"
    if cause := causes.of_file(path, "Parquet" if packed else "CSV"):
        raise InputError(PROBLEM, where=path, found=cause.found, expected=_expected(packed), remedy=cause.remedy)
    with borders.guarded(path, "Parquet" if packed else "CSV", PROBLEM):
        _check_length(path, path.stat().st_size)
        table = _of_csv(path, io.StringIO(_parquet_as_csv(path))) if packed else _of_csv(path, path)
    return table


def first_line(path: Path) -> str:
    """The names of the columns as they stand in a table of text; at most `MOST_OF_HEADER` bytes are read."""
    causes.check_regular(path)
    with open(path, "rb") as stream:
        return stream.readline(MOST_OF_HEADER).decode("utf-8", "replace")


def _of_csv(path: Path, source: Path | io.StringIO) -> pd.DataFrame:
    if isinstance(source, Path):
        _check_bytes(path)
        _check_header(path)
    try:
        with warnings.catch_warnings():
            # Rows that are longer than the header are cut off with a warning only.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(source, dtype="str", keep_default_na=False, encoding="utf-8", index_col=False)
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(PROBLEM, where=path, found=error, expected=_expected(False), remedy=causes.AGAIN) from error
    return table.fillna("")  # short rows have no text


def _check_header(path: Path) -> None:
    header = first_line(path)
    names = next(csv.reader([header.strip("\ufeff\r\n")]), [])
    twice = sorted({name.strip() for name in names if name.strip() and names.count(name) > 1})
    if twice:
        raise InputError(
            PROBLEM,
            where=path,
            found=f"{borders.quoted(twice[0])} names {names.count(twice[0])} columns",
            expected="a name for each column",
            remedy="remove or rename all but one of them",
        )
    if len(names) == 1 and (between := next((sign for sign in ";\t|" if sign in names[0]), "")):
        raise InputError(
            PROBLEM,
            where=path,
            found=f"{borders.quoted(between)} between the names of columns",
            expected=_expected(False),
            remedy="save it with commas, or fetch the published table",
        )
    if not header.endswith("\n") and len(header) >= MOST_OF_HEADER // 4:
        raise _too_large(path, "a first line without end", f"names of at most {MOST_COLUMNS} columns")
    if header.count(",") >= MOST_COLUMNS:
        raise _too_large(path, f"{header.count(',') + 1} columns", f"at most {MOST_COLUMNS} columns")


def _check_bytes(path: Path) -> None:
    """A byte of 0 ends a cell for some readers and not for others."""
    with open(path, "rb") as stream:
        if cause := causes.text_of(path, stream.read(2)):
            raise InputError(PROBLEM, where=path, found=cause.found, expected=_expected(False), remedy=cause.remedy)
        stream.seek(0)
        number = next((number for number, line in enumerate(stream, 1) if b"\0" in line), 0)
    if number:
        raise InputError(
            PROBLEM, where=f"{path}, line {number}", found="a byte of 0", expected=_expected(False), remedy=causes.AGAIN
        )


def _check_length(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise _too_large(path, f"{size} B", f"at most {MOST_BYTES} B")


def _parquet_as_csv(path: Path) -> str:
    """A Parquet table as the text of a CSV table, so that both are read in one way."""
    with parquet.ParquetFile(path) as file:
        about = file.metadata
        _check_length(path, sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups)))
        if about.num_columns > MOST_COLUMNS:
            raise _too_large(path, f"{about.num_columns} columns", f"at most {MOST_COLUMNS} columns")
        table = file.read()
        named = [name for name in table.column_names if not NO_COLUMN.fullmatch(name)]
        text: str = table.select(named).to_pandas(ignore_metadata=True, integer_object_nulls=True).to_csv(index=False)
    return text


def _expected(packed: bool) -> str:
    return "a Parquet table" if packed else "comma-separated text in UTF-8"


def _too_large(path: Path, found: str, expected: str) -> InputError:
    return InputError(PROBLEM, where=path, found=found, expected=expected, remedy="fetch the published table")
