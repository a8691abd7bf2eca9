"""Tables come back as they were written, or are not written at all."""

import os
import subprocess

import numpy as np
import pandas as pd
import pandera.errors
import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.io import causes, tables
from sentinel_forest.io import schemas as pa

SCHEMA = pa.DataFrameSchema(
    {
        "name": pa.Column("str"),
        "note": pa.Column("str"),
        "count": pa.Column("int64"),
        "value": pa.Column("float64", nullable=True),
        "maybe": pa.Column("Int64", nullable=True),
    },
    strict=True,
)


def _table():
    return pd.DataFrame(
        {
            "name": ["a", "NA", "0"],
            "note": ["", "", ""],
            "count": [1, 2, 3],
            "value": [0.1, np.nan, 1 / 3],
            "maybe": pd.array([1, None, 3], dtype="Int64"),
        }
    ).astype({"name": "str", "note": "str"})


def test_tsv_comes_back(tmp_path):
    tables.write_tsv(tmp_path / "t.tsv", _table(), SCHEMA)
    back = tables.read_tsv(tmp_path / "t.tsv", SCHEMA)
    pd.testing.assert_frame_equal(back, _table(), check_exact=False, rtol=1e-9)


def test_empty_tsv_comes_back(tmp_path):
    tables.write_tsv(tmp_path / "t.tsv", _table().iloc[:0], SCHEMA)
    assert len(tables.read_tsv(tmp_path / "t.tsv", SCHEMA)) == 0


def test_parquet_comes_back_and_has_the_same_bytes_again(tmp_path):
    for name in "ab":
        tables.write_parquet(tmp_path / name, _table(), SCHEMA)
    pd.testing.assert_frame_equal(tables.read_parquet(tmp_path / "a"), _table(), check_dtype=False)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_some_rows_and_columns_of_parquet(tmp_path):
    tables.write_parquet(tmp_path / "t", _table(), SCHEMA)
    some = tables.read_parquet(tmp_path / "t", ["count", "name"], [("name", "==", "NA")], categories=True)
    assert isinstance(some["name"].dtype, pd.CategoricalDtype)
    assert some.astype({"name": "str"}).to_dict("list") == {"count": [2], "name": ["NA"]}
    with pytest.raises(InputError, match="lacks columns"):
        tables.read_parquet(tmp_path / "t", ["count", "number"])


def test_stacked_categories_stay_categories():
    """Whatever categories the parts have, and in which order; a column that is one in no part is none."""
    parts = [
        pd.DataFrame({"name": pd.Categorical(names), "count": range(len(names))})
        for names in (["b", "a", "b"], ["c", "a"], [])
    ]
    found = tables.stack(parts)
    assert found["name"].cat.categories.to_list() == ["a", "b", "c"]
    assert found.to_dict("list") == {"name": ["b", "a", "b", "c", "a"], "count": [0, 1, 2, 0, 1]}
    plain = [part.astype({"name": "str"}) for part in parts]
    assert tables.stack(plain).to_dict("list") == found.to_dict("list")


def test_missing_column_is_named(tmp_path):
    (tmp_path / "t.tsv").write_text("name\tcount\na\t1\n")
    with pytest.raises(InputError, match="note"):
        tables.read_tsv(tmp_path / "t.tsv", SCHEMA)


def test_table_that_breaks_its_schema_leaves_the_old_file(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("old")
    with pytest.raises(pandera.errors.SchemaError):
        tables.write_tsv(path, _table().drop(columns="note"), SCHEMA)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.tsv"]


def test_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        tables.write_text(path, "half \ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.txt"]


def test_leftovers_of_dead_writers_of_the_same_file_are_removed(tmp_path):
    with tables.replacing(tmp_path / "a") as beside:
        beside.write_text("")
        stem = beside.name.removesuffix(str(os.getpid()))
    ended = subprocess.Popen(["true"])
    ended.wait()
    dead, living = tmp_path / f"{stem}{ended.pid}", tmp_path / f"{stem}{os.getppid()}"
    others = [living, tmp_path / f".b{stem.removeprefix('.a')}{ended.pid}", tmp_path / f"{stem}note"]
    for path in (dead, *others):
        path.write_text("")
    tables.write_text(tmp_path / "a", "new")
    assert {path.name for path in tmp_path.iterdir()} == {"a", *(path.name for path in others)}


FORMULAS = ("=1+1", "+x", "-x", "@SUM(A1)", "'=1", "''-", "-", "'", "a=b", "")


def test_no_cell_of_text_is_a_formula_for_a_spreadsheet(tmp_path):
    schema = pa.DataFrameSchema({"name": pa.Column("str"), "value": pa.Column("float64")})
    table = pd.DataFrame({"name": FORMULAS, "value": -1.5}).astype({"name": "str"})
    tables.write_tsv(tmp_path / "t.tsv", table, schema)
    cells = [line.split("\t") for line in (tmp_path / "t.tsv").read_text().splitlines()[1:]]
    assert not [name for name, _ in cells if name.startswith(("=", "+", "-", "@"))]
    assert {value for _, value in cells} == {"-1.5"}, "numbers stay numbers"
    assert tables.read_tsv(tmp_path / "t.tsv", schema)["name"].tolist() == list(FORMULAS)


def test_what_is_no_parquet_is_named_by_its_first_bytes(tmp_path):
    (tmp_path / "page.parquet").write_text("<!DOCTYPE html><html></html>")
    (tmp_path / "table.tsv").write_text("patch\tlabel\n")
    for name, found in (("page.parquet", "web page|HTML"), ("table.tsv", r"not a Parquet file: .* 'patch\\tlabel")):
        with pytest.raises(InputError, match=found):
            tables.read_parquet(tmp_path / name)
    with pytest.raises(InputError, match="expected: a whole Parquet file with the columns patch, role\n"):
        tables.read_parquet(tmp_path / "table.tsv", ["patch", "role"])


def test_a_parquet_file_that_was_cut_short_is_told_from_another_file(tmp_path):
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    pd.DataFrame({"value": range(100)}).to_parquet(whole)
    for length in (4, 5, 100):
        cut.write_bytes(whole.read_bytes()[:length])
        with pytest.raises(InputError, match=f"found: {length} B, damaged or cut short\n"):
            tables.read_parquet(cut)
    assert causes.of_file(whole, "Parquet") is None
    assert causes.of_bytes(b"PAR1_scene,PAR2_scene\n", "CSV") is None, "text may begin so"
