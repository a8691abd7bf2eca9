"""Tables of others that would be read as something else: they are refused with what is wrong."""

import os
from pathlib import Path

import pandas as pd
import pytest

from sentinel_forest.datasets.unused import unused_findings
from sentinel_forest.errors import InputError
from sentinel_forest.io.texts import read_texts


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"roi_id;s2_id\nROI_1;a\n", "';' between the names"),
        (b"roi_id\ts2_id\nROI_1\ta\n", "between the names"),
        (b"roi_id|s2_id\nROI_1|a\n", "'|' between the names"),
        (b"roi_id,s2_id,roi_id\nROI_1,a,ROI_2\n", "'roi_id' names 2 columns"),
        (b'\xef\xbb\xbfroi_id,"a,b","a,b"\nROI_1,a,b\n', "'a,b' names 2 columns"),
        (b"roi_id,s2_id\nROI\0_1,a\n", "a byte of 0"),
    ],
)
def test_a_table_of_another_form_is_refused(tmp_path: Path, data: bytes, found: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(data)
    with pytest.raises(InputError, match="A table cannot be read") as caught:
        read_texts(tmp_path / "metadata.csv")
    assert found in str(caught.value.found)


@pytest.mark.parametrize("data", [b"roi_id,s2_id\nROI_1,a;b|c\n", b"patch\nROI_1;a\n", b'\xef\xbb\xbf"a;b",c\n1,2\n'])
def test_such_signs_in_cells_are_text(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "metadata.csv").write_bytes(data)
    assert len(read_texts(tmp_path / "metadata.csv")) == 1


def test_whole_numbers_of_parquet_stay_whole_where_some_are_missing(tmp_path: Path) -> None:
    numbers = pd.DataFrame({"patch": ["a", "b"], "row": pd.array([7, None], dtype="Int64"), "share": [0.5, None]})
    numbers.to_parquet(tmp_path / "table.parquet")
    assert read_texts(tmp_path / "table.parquet").to_numpy().tolist() == [["a", "7", "0.5"], ["b", "", ""]]


def test_links_that_lead_round_or_nowhere_are_files_that_are_not_read(tmp_path: Path) -> None:
    os.symlink("round.csv", tmp_path / "round.csv")
    os.symlink("nowhere", tmp_path / "lost.csv")
    found = unused_findings(tmp_path, lambda folder: [], lambda path: "tables are read elsewhere", lambda path: "")
    assert [finding.file for finding in found] == ["lost.csv", "round.csv"]
