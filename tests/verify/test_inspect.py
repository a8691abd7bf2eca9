"""Three layers of findings from one pass, and the gate that they feed."""

import hashlib

import pandas as pd
import pytest

from sentinel_forest.datasets.base import File, Finding, Inspection, Inspector
from sentinel_forest.errors import InputError
from sentinel_forest.verify import admit, inspect


class Collector(Inspector):
    """An inspector that keeps what passes by."""

    block_bytes = 4

    def __init__(self):
        self.blocks = []

    def update(self, block):
        self.blocks.append(bytes(block))

    def finish(self):
        return Inspection((Finding("a", "content", "blocks", "note", str(self.blocks)),))


class Toy:
    """As much of a dataset as `read_one` uses."""

    def __init__(self, inspector=None):
        self._inspector = inspector

    def inspector(self, folder, file):
        return self._inspector


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    return tmp_path


def test_inspector_gets_every_byte_once_in_its_own_pieces(folder):
    collector = Collector()
    state, inspection = inspect.read_one(Toy(collector), folder, File("a"), bytearray(8))
    assert collector.blocks == [b"0123", b"4567", b"89"]
    assert state.bytes == 10
    assert state.sha256 == hashlib.sha256(b"0123456789").hexdigest()
    assert [finding.check for finding in inspection.findings] == ["blocks"]


def test_length_and_every_published_checksum_are_checked(folder):
    checksums = {"md5": hashlib.md5(b"0123456789").hexdigest().upper(), "sha256": "0" * 64}
    _, inspection = inspect.read_one(Toy(), folder, File("a", size=11, checksums=checksums), bytearray(3))
    assert {row.check: row.status for row in inspection.findings} == {
        "length": "failed",
        "md5": "ok",
        "sha256": "failed",
    }


def test_files_are_read_alike_on_any_number_of_threads(folder):
    for name in "bcdef":
        (folder / name).write_bytes(name.encode() * 1000)
    files = [File(name) for name in "abcdef"]
    one, four = (inspect.read_all(Toy(), folder, files, threads) for threads in (1, 4))
    assert one[0] == four[0]
    assert [row.findings for row in one[1]] == [row.findings for row in four[1]]


def test_missing_file_is_a_finding(folder):
    (finding,) = inspect.presence([File("a"), File("z")], folder)
    assert (finding.file, finding.status) == ("z", "failed")


def test_long_lists_are_cut_and_counted():
    rows = [Finding(f"{number:04d}", "content", "nan", "failed", "x") for number in range(inspect.MOST_ROWS + 5)]
    table = inspect.table([*rows, Finding("a", "bytes", "length", "ok", "1 B")])
    assert len(table) == inspect.MOST_ROWS + 2
    assert "5 more of these" in set(table["found"])
    assert table["status"].iloc[-1] == "ok"


def _table(*rows):
    return inspect.table(rows)


FAILED = Finding("x.dat", "content", "nan", "failed", "3 NaN from row 7", "no NaN", "fetch it again", "kept")


def test_gate_stops_with_file_found_expected_and_remedy(tmp_path):
    with pytest.raises(InputError) as error:
        admit.judge(_table(FAILED), [], "mine", tmp_path / "integrity.tsv")
    for text in ("mine", "x.dat", "3 NaN from row 7", "no NaN", "fetch it again", "accept: {mine: [nan]}"):
        assert text in str(error.value)


def test_gate_lets_an_accepted_check_pass_and_says_so(tmp_path):
    assert admit.judge(_table(FAILED), ["nan"], "mine", tmp_path) == ["nan"]


def test_gate_is_not_opened_by_another_checks_name(tmp_path):
    with pytest.raises(InputError):
        admit.judge(_table(FAILED), ["length"], "mine", tmp_path)


def test_notes_pass(tmp_path):
    note = Finding("x", "content", "constant", "note", "all 0")
    assert admit.judge(_table(note), [], "mine", tmp_path) == []


def test_empty_table_has_its_columns():
    assert list(inspect.table([]).columns) == list(inspect.INTEGRITY.columns)
    assert isinstance(inspect.table([]), pd.DataFrame)
