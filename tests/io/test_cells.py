"""No cell of a table for people begins as a formula does, whoever named what stands in it."""

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from sentinel_forest import report
from sentinel_forest.io import schemas as pa
from sentinel_forest.io import tables

HOSTILE = ("=1+1", "+x", "-x", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "\uff1d1+1", "\uff20x", "a\t=1+1", "a\r\n=1")
BEGINS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def cells_of(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t") for cell in row]


def test_a_table_for_people_has_no_formula_and_comes_back(tmp_path: Path) -> None:
    schema = pa.DataFrameSchema({"name": pa.Column("str")})
    table = pd.DataFrame({"name": list(HOSTILE)}).astype("str")
    tables.write_tsv(tmp_path / "t.tsv", table, schema)
    cells = cells_of((tmp_path / "t.tsv").read_bytes().decode())
    assert len(cells) == len(HOSTILE) + 1
    assert not [cell for cell in cells if cell.startswith(BEGINS)]
    assert tables.read_tsv(tmp_path / "t.tsv", schema)["name"].tolist() == list(HOSTILE)


def test_the_data_of_a_figure_have_none_and_numbers_stay_numbers() -> None:
    table = pd.DataFrame({"=name": list(HOSTILE), "value": [-0.5] * len(HOSTILE)})
    cells = cells_of(tables.tsv_text(table, "%.6g"))
    assert [cell for cell in cells if cell.startswith(BEGINS)] == ["-0.5"] * len(HOSTILE)


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript outside of a browser")
def test_what_the_report_saves_has_none() -> None:
    script = (Path(report.__file__).parent / "templates" / "report.js").read_text(encoding="utf-8")
    function = re.search(r"^function cellOf.*?^}\n", script, re.MULTILINE | re.DOTALL)[0]
    program = f"{function}\nprocess.stdout.write(JSON.parse(process.argv[1]).map(cellOf).join('|'))"
    texts = pd.Series([*HOSTILE, "-0.5", "-", "+3", "a"]).to_json(orient="values")
    said = subprocess.run(["node", "-e", program, texts], capture_output=True, text=True, check=True).stdout.split("|")
    assert said[-4:] == ["-0.5", "-", "+3", "a"]
    assert len(said) == len(HOSTILE) + 4
    assert not [cell for cell in said[:-4] if cell.startswith(BEGINS) or set("\t\r\n") & set(cell)]
