"""Changes of bytes are seen, changes of dates are not."""

import os

import pytest

from sentinel_forest.acquire.history import Change, Seen, state_of


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "data" / "release"
    folder.mkdir(parents=True)
    (folder / "a.dat").write_bytes(b"one")
    (folder / "b.dat").write_bytes(b"two")
    seen = Seen(tmp_path / "data", "release")
    seen.record({name: state_of(folder, name) for name in ("a.dat", "b.dat")})
    return folder, seen


def test_nothing_is_recorded_before_the_first_reading(tmp_path):
    seen = Seen(tmp_path, "release")
    seen.refresh(tmp_path / "release")
    assert seen.states() == {}
    assert seen.changes() == []


def test_touched_file_has_not_changed(release):
    folder, seen = release
    os.utime(folder / "a.dat", (0, 0))
    seen.refresh(folder)
    assert seen.changes() == []
    assert seen.states()["a.dat"].modified == 0


def test_files_that_are_read_again_are_told_in_one_line(release, capsys):
    folder, seen = release
    for name in ("a.dat", "b.dat"):
        os.utime(folder / name, (0, 0))
    seen.refresh(folder)
    seen.refresh(folder)
    assert capsys.readouterr().err == "reading a.dat and 1 more again: size or date has changed\n"


def test_a_file_that_is_gone_is_not_said_to_be_read(release, capsys):
    folder, seen = release
    (folder / "a.dat").unlink()
    seen.refresh(folder)
    assert seen.missing() == ["a.dat"]
    assert capsys.readouterr().err == ""


def test_other_bytes_of_equal_length_are_logged_once(release):
    folder, seen = release
    first = seen.states()["a.dat"].sha256
    (folder / "a.dat").write_bytes(b"ONE")
    os.utime(folder / "a.dat", (1, 1))
    seen.refresh(folder)
    seen.refresh(folder)
    (change,) = seen.changes()
    assert change == Change("a.dat", first, seen.states()["a.dat"].sha256)
    assert seen.first_checksums()["a.dat"] == first


def test_restored_file_is_as_first_seen_and_both_changes_stay(release):
    folder, seen = release
    first = seen.states()["a.dat"].sha256
    for time, content in enumerate([b"ONE", b"one"], 1):
        (folder / "a.dat").write_bytes(content)
        os.utime(folder / "a.dat", (time, time))
        seen.refresh(folder)
    assert len(seen.changes()) == 2
    assert seen.states()["a.dat"].sha256 == seen.first_checksums()["a.dat"] == first


def test_missing_file_counts_as_changed(release):
    folder, seen = release
    (folder / "b.dat").unlink()
    seen.refresh(folder)
    assert [change.path for change in seen.changes()] == ["b.dat"]


def test_forgotten_release_starts_anew(release):
    _, seen = release
    seen.forget()
    assert seen.states() == {}
