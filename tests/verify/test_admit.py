"""What a failed check that is accepted means: the finding says so, and it is offered only where that is true."""

import json
from pathlib import Path

import pandas as pd
import pytest

from sentinel_forest.datasets.findings import Finding, joined
from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import write_tsv
from sentinel_forest.verify import admit, inspect

KEPT = Finding("x.dat", "content", "codes", "failed", "7", "0 to 3", "fetch it again", "kept")
LEFT_OUT = Finding("y.tif", "content", "nan", "failed", "3 NaN", "none", "restore the tile", "left out")
FINAL = Finding("z.h5", "structure", "readable", "failed", "0 B", "an HDF5 file", "fetch it again")


def message(*findings: Finding, accept: list[str] | None = None) -> str:
    with pytest.raises(InputError) as error:
        admit.judge(inspect.table(findings), accept or [], "mine", Path("integrity.tsv"))
    return str(error.value)


def test_the_offer_says_what_follows() -> None:
    assert "accept: {mine: [codes]} (what was found is taken as it is)" in message(KEPT)
    assert "accept: {mine: [nan]} (the patches or files concerned are left out)" in message(LEFT_OUT)
    both = message(KEPT, LEFT_OUT)
    assert "accept: {mine: [codes, nan]}" in both
    assert "codes: what was found is taken as it is; nan: the patches or files concerned are left out" in both


def test_what_stops_reading_is_not_offered_and_cannot_be_accepted() -> None:
    for accept in ([], ["readable"], ["readable", "codes"]):
        text = message(FINAL, KEPT, accept=accept)
        assert "accept:" not in text
        assert "readable cannot be accepted" in text


def test_an_accepted_name_under_which_nothing_was_found_is_told() -> None:
    idle = "; nothing was found under code, sizes, which you accept (did you mean codes?)"
    assert message(KEPT, accept=["sizes", "code"]).endswith(idle)
    assert "nothing was found" not in message(KEPT, LEFT_OUT, accept=["codes"])


def test_a_name_of_no_check_is_told_where_no_check_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passed = inspect.table([Finding("x.dat", "content", "offset", "ok", "all images")])
    write_tsv(tmp_path / "integrity.tsv", passed, inspect.INTEGRITY)
    files = pd.DataFrame({"path": ["x.dat"], "bytes": [1], "sha256": ["0" * 64]})
    write_tsv(tmp_path / "checksums.tsv", files, inspect.CHECKSUMS)
    places = {"integrity": tmp_path / "integrity.tsv", "checksums": tmp_path / "checksums.tsv"}
    admit.admit(release="mine", accept=["ofset"], output=tmp_path / "verified.json", **places)
    assert "nothing was found under ofset, which you accept (did you mean offset?)" in capsys.readouterr().err
    assert json.loads((tmp_path / "verified.json").read_text(encoding="utf-8"))["accepted"] == []


def test_what_is_accepted_is_named_once() -> None:
    assert admit.judge(inspect.table([KEPT, LEFT_OUT, KEPT]), ["codes", "nan"], "mine", Path()) == ["codes", "nan"]


def test_the_table_says_what_follows_for_failures_alone() -> None:
    passed = Finding("x.dat", "content", "codes", "ok", "all pixels", accept="kept")
    assert inspect.table([KEPT, passed])["accept"].tolist() == ["kept", ""]


def test_one_fault_of_many_files_is_one_finding() -> None:
    many = [Finding(f"{number:02d}.tif", "structure", "shape", "failed", "64 x 64 px") for number in range(50)]
    few = [Finding(name, "structure", "dtype", "failed", "int8") for name in ("a.tif", "b.tif")]
    notes = [Finding(f"{number}.tif", "content", "constant", "note", "B1: 0") for number in range(9)]
    result = joined([*many, *few, *notes])
    assert [row.file for row in result] == [
        "50 files, the first: 00.tif",
        "a.tif",
        "b.tif",
        *(row.file for row in notes),
    ]


def test_a_cut_list_can_be_accepted_as_its_rows_can() -> None:
    rows = [Finding(f"{number:04d}", "content", "nan", "failed", str(number), accept="kept") for number in range(250)]
    assert set(inspect.table(rows)["accept"]) == {"kept"}
