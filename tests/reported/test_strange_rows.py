"""Rows that cannot be meant: names of ROIs that break lines and pages, lines of lists that name nothing."""

from pathlib import Path

import pandas as pd
import pytest

from sentinel_forest.datasets.cloudsen12.facts import contradictions
from sentinel_forest.datasets.sen12ms.lists import list_findings


@pytest.mark.parametrize("roi", ["ROI\n_1", "ROI\x1b[2J", "R" * 101])
def test_an_roi_that_is_no_name_fails(roi: str) -> None:
    table = pd.DataFrame({"roi_id": ["ROI_1", roi], "s2_id": ["a", "b"]}).astype("str")
    (row,) = [row for row in contradictions("metadata.csv", table) if row.check == "ids"]
    assert row.status == "failed"
    assert "row 1" in row.found
    assert row.found.isprintable()


@pytest.mark.parametrize("day", ["22/01/2018", "2018-02-30", "20180122"])
def test_a_date_that_cannot_be_read_is_noted(day: str) -> None:
    table = pd.DataFrame({"roi_id": ["ROI_1", "ROI_2"], "s2_id": ["a", "b"], "s2_date": ["2018-01-22", day]})
    (row,) = [row for row in contradictions("metadata.csv", table.astype("str")) if row.check == "dates"]
    assert (row.status, row.found.split(",")[0]) == ("note", "1 rows")
    assert day in row.found


@pytest.mark.parametrize("line", ["../../etc/passwd", "ROIs1158_spring", '["ROIs1158_spring_s2_1_p30.tif"]', "=1+1"])
def test_a_line_that_has_no_form_of_a_list_fails_at_the_verification(tmp_path: Path, line: str) -> None:
    (tmp_path / "train_list.txt").write_text(f"ROIs1158_spring_s2_1_p30.tif\n{line}\n", encoding="utf-8")
    failed = [row for row in list_findings(tmp_path, ["train_list.txt"]) if row.status == "failed"]
    assert [row.check for row in failed] == ["list"]
    assert "1 lines, the first" in failed[0].found
    assert failed[0].accept == ""


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "test_list.txt").write_bytes(bytes(range(128, 256)))
    (row,) = list_findings(tmp_path, ["test_list.txt"])
    assert (row.status, row.found) == ("failed", "bytes that are no UTF-8")
