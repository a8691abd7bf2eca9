"""Tables: written whole or not at all, held to a schema, the same bytes everywhere."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import islice
from pathlib import Path
from textwrap import shorten
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from sentinel_forest.errors import FormError, InputError
from sentinel_forest.io import causes
from sentinel_forest.io.lazy import lazy
from sentinel_forest.io.schemas import Column, DataFrameSchema

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")


@cache
def _arrow() -> ModuleType:
    """The library pyarrow, with its Parquet part.

    The pool that it comes with keeps what it has read: 20 MB after a table of 0.3 MB.
    """
    import pyarrow
    import pyarrow.parquet

    library: ModuleType = pyarrow
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    return library


MOST_ENTRIES = 256
"""As many entries of a folder are looked at for what killed processes have left."""


_BEGINS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What a spreadsheet may take for the beginning of a formula; of the signs the wide forms as well."""
_FIRST = ("'", *_BEGINS)
"""First characters of texts that are guarded, or may have to be."""
_FORMULA = re.compile(rf"\A'*(?=[{re.escape(_BEGINS)}])")
_GUARDED = re.compile(rf"\A'(?='*[{re.escape(_BEGINS)}])")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; rename it to `path` once the block ends well.

    The name carries machine and process, because the jobs of a killed run may still be writing. What
    dead processes of this machine have left of the same file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    stem = f".{path.name}.{platform.node()}."
    _remove_leftovers(path.parent, stem)
    beside = path.with_name(f"{stem}{os.getpid()}")
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # pyarrow names none
        raise
    finally:
        if beside.is_dir():
            raise IsADirectoryError(f"{beside} is a folder; only files are replaced")
        beside.unlink(missing_ok=True)


def _remove_leftovers(folder: Path, stem: str) -> None:
    """Remove files named `stem` and the number of a process that has ended; large folders are left as is."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, MOST_ENTRIES)]
    for name in names:
        process = name.removeprefix(stem)
        if name.startswith(stem) and process.isdecimal() and not _is_running(int(process)):
            (folder / name).unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with line feeds, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_parquet(
    path: Path, table: pd.DataFrame, schema: DataFrameSchema, notes: Mapping[str, str] | None = None
) -> None:
    """Write a table as Parquet, after checking it; index and pandas' own notes are left out.

    `notes` go into the head of the file, see `read_note`.

    Raises
    ------
    pandera.errors.SchemaError
        If the table breaks its schema: a fault of the program, not of the user.
    """
    checked = schema.validate(table)
    arrow = (
        _arrow()
        .Table.from_pandas(checked, preserve_index=False)
        .replace_schema_metadata(dict(notes) if notes else None)
    )
    with replacing(path) as beside:
        _arrow().parquet.write_table(arrow, beside, compression="zstd", version="2.6")


def read_parquet(
    path: Path,
    columns: Sequence[str] | None = None,
    rows: Sequence[tuple[str, str, object]] | None = None,
    categories: bool = False,
) -> pd.DataFrame:
    """Read a Parquet table: all columns or those named, all rows or those with ``(column, "==", value)``.

    With `categories`, texts come as such, which takes a tenth of the memory where few are different.

    Raises
    ------
    InputError
        If there is no such file, or it has not these columns.
    """
    if not path.is_file():
        raise InputError("A table is missing.", where=path, remedy="run the rule that writes it")
    try:
        about = _arrow().parquet.read_schema(path)
    except _arrow().ArrowInvalid as error:
        raise causes.unusable(path, "Parquet", error, _kind_of(columns)) from None
    missing = [name for name in columns or () if name not in about.names]
    if missing:
        raise _lacking(path, about.names, missing)
    texts = [field.name for field in about if categories and _arrow().types.is_large_string(field.type)]
    read = partial(_arrow().parquet.read_table, columns=columns and list(columns), read_dictionary=texts)
    table: pd.DataFrame = read(path, filters=rows and list(rows)).to_pandas()
    return table


def _kind_of(columns: Sequence[str] | None) -> str:
    """What a Parquet file should be."""
    named = shorten(", ".join(columns or ()), 40, placeholder=" ...")
    return f"a whole Parquet file{' with the columns ' if named else ''}{named}"


def _lacking(path: Path, there: Sequence[str], missing: Sequence[str]) -> FormError:
    """The error for a table without columns that are read."""
    found, expected = (", ".join(names) for names in (there, missing))
    return FormError("A table lacks columns.", where=path, found=found[:80], expected=expected[:80])


def read_note(path: Path, name: str) -> str:
    """Read what `write_parquet` has noted in a table; "" if nothing."""
    metadata = _arrow().parquet.read_schema(path).metadata or {}
    return str(metadata.get(name.encode(), b"").decode())


def read_catalog(path: Path) -> pd.DataFrame:
    """Read the catalog of a release, see `sentinel_forest.verify.catalog`."""
    return read_parquet(path).astype({"epsg": "Int32"})


def write_tsv(path: Path, table: pd.DataFrame, schema: DataFrameSchema) -> None:
    """Write a small table for people: tab-separated, floats in 10 significant digits, NaN empty.

    Text that a spreadsheet would take for a formula (it begins with ``=``, ``+``, ``-`` or ``@``) stands behind
    an apostrophe, which `read_tsv` takes away.
    """
    checked = _each_text(schema.validate(table), schema, _FORMULA, r"'\g<0>")
    write_text(path, _tsv(checked, "%.10g"))


def tsv_text(table: pd.DataFrame, float_format: str) -> str:
    """A table without a schema as text for people, guarded as `write_tsv` guards it; its headings too."""
    guarded = table.rename(columns=lambda name: _FORMULA.sub(r"'\g<0>", str(name)))
    for name, cells in guarded.select_dtypes(exclude="number").items():
        if any(isinstance(cell, str) and cell.startswith(_FIRST) for cell in cells):
            guarded[name] = cells.map(lambda cell: _FORMULA.sub(r"'\g<0>", cell) if isinstance(cell, str) else cell)
    return _tsv(guarded, float_format)


def _tsv(table: pd.DataFrame, float_format: str) -> str:
    """A table as tab-separated text. Of cells with a carriage return alone the library quotes none."""
    texts = table.select_dtypes(exclude="number")
    returns = any(texts[name].astype("str").str.contains("\r", regex=False).any() for name in texts)
    quoting: Literal[0, 1] = 1 if returns else 0  # of the module csv: QUOTE_ALL, QUOTE_MINIMAL
    return str(table.to_csv(sep="\t", index=False, float_format=float_format, lineterminator="\n", quoting=quoting))


def read_tsv(path: Path, schema: DataFrameSchema, validated: bool = False) -> pd.DataFrame:
    """Read a table written by `write_tsv`; columns get the dtypes of the schema.

    Parameters
    ----------
    validated : bool
        Whether the bytes are known to be those of a table that was held to the schema when it was written
        (a manifest says so); it is not held to it once more.

    Raises
    ------
    InputError
        If a column of the schema is not there.
    """
    table = pd.read_csv(path, sep="\t", dtype="str", na_filter=False, encoding="utf-8")
    missing = [name for name in schema.columns if name not in table.columns]
    if missing:
        raise _lacking(path, list(table.columns), missing)
    table = _each_text(table, schema, _GUARDED, "")
    for name, column in schema.columns.items():
        if not str(column.dtype).startswith("str"):
            table[name] = table[name].mask(table[name] == "", None).astype(pd.api.types.pandas_dtype(column.dtype))
    return table[list(schema.columns)] if validated else schema.validate(table)


def _each_text(table: pd.DataFrame, schema: DataFrameSchema, pattern: re.Pattern[str], by: str) -> pd.DataFrame:
    """A table with a pattern replaced in its columns of text."""
    named = [name for name, column in schema.columns.items() if str(column.dtype).startswith("str")]
    texts = {name: table[name].str for name in named if name in table.columns}
    # Few texts begin so: looking for them in all takes much less time than a pattern.
    found = [name for name, text in texts.items() if text.startswith(_FIRST).any()]
    return table.assign(**{name: texts[name].replace(pattern, by, regex=True) for name in found})


def columns(dtype: str, *names: str, nullable: bool = False) -> dict[str, Column]:
    """Columns of one dtype, for a schema."""
    return {name: Column(dtype, nullable=nullable) for name in names}


def conform(table: pd.DataFrame, schema: DataFrameSchema) -> pd.DataFrame:
    """A table with the dtypes of its schema, also where it has no rows."""
    dtypes = {name: str(column.dtype) for name, column in schema.columns.items()}
    return table.astype({name: "str" if "str" in dtype else dtype for name, dtype in dtypes.items()})


def stack(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables with the same columns one below the other; texts that are categories stay so, in the order of
    the alphabet.
    """
    stacked = pd.concat([part.select_dtypes(exclude="category") for part in parts], ignore_index=True)
    for name in parts[0].select_dtypes("category"):
        columns_ = [part[name].cat for part in parts]
        texts = [column.set_categories(column.categories.astype("str")) for column in columns_]
        stacked[name] = pd.api.types.union_categoricals(texts, sort_categories=True)
    return stacked[list(parts[0])]


def shard(catalog: pd.DataFrame, shard: int, shards: int) -> pd.DataFrame:
    """Rows of shard `shard` (from 1) of `shards`: consecutive, together all, in size equal to one row.

    Raises
    ------
    InputError
        If there is no such shard.
    """
    if not 1 <= shard <= shards:
        raise InputError("There is no such shard.", found=shard, expected=f"1 to {shards}")
    return catalog.iloc[(shard - 1) * len(catalog) // shards : shard * len(catalog) // shards]


def read_shard(path: Path, number: int, shards: int) -> pd.DataFrame:
    """Rows of one shard of a catalog file, see `shard`."""
    return shard(read_parquet(path), number, shards)
