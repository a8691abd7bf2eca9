"""Nothing that is unknown counts as zero in a plan: it is approximate, at least so much, or unknown."""

from pathlib import Path

import pytest
import yaml

from sentinel_forest.acquire import plan
from sentinel_forest.config import releases
from sentinel_forest.errors import InputError
from sentinel_forest.registry import RELEASES as RELEASE_FILES

REGISTRY = RELEASE_FILES


def entry(name: str, *files: dict) -> dict:
    return {
        "release": name,
        "dataset": "sen12ms",
        "title": name,
        "version": "1",
        "licence": "CC0-1.0",
        "citation": {"text": "none", "doi": "none"},
        "shards": 1,
        "files": list(files),
    }


def show(folder: Path, capsys: pytest.CaptureFixture[str], *entries: dict) -> list[str]:
    """Lines of the plan of releases that nobody serves, with single spaces."""
    (folder / "config" / "releases").mkdir(parents=True, exist_ok=True)
    for each in entries:
        (folder / "config" / "releases" / f"{each['release']}.yaml").write_text(yaml.safe_dump(each))
    names = [each["release"] for each in entries]
    try:
        plan.plan(data=folder / "data", samples=[], folders=[], downloads=names, select=[], work=[], timeout=1)
    finally:
        out = capsys.readouterr().out
    return [" ".join(line.split()) for line in out.splitlines()]


@pytest.fixture(autouse=True)
def _no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SENTINEL_FOREST_STORE", raising=False)


def test_approximate_lengths_say_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"path": "a.dat", "about_bytes": 2000}, {"path": "b.dat", "bytes": 500}
    lines = show(tmp_path, capsys, entry("near", *files))
    assert lines[1] == "near 2 about 2.5 kB 0 B about 2.5 kB 0 B"
    assert lines[2].startswith("store and data: about 2.5 kB needed")


def test_an_archive_becomes_what_is_known_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    about = {"path": "a.tar.gz", "role": "archive", "about_bytes": 3000, "about_unpacked_bytes": 4000}
    lines = show(tmp_path, capsys, entry("known", about))
    assert lines[1] == "known 1 about 3.0 kB 0 B about 3.0 kB about 4.0 kB"


def test_what_is_wholly_unknown_is_not_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dark = entry("dark", {"path": "a.tar.gz", "role": "archive"}, {"path": "b.tar.gz", "role": "archive"})
    lines = show(tmp_path, capsys, dark, entry("clear", {"path": "c.dat", "bytes": 700}))
    assert lines[1] == "dark 2 unknown 0 B unknown unknown 2 files of unknown length"
    assert lines[2] == "clear 1 700 B 0 B 700 B 0 B"
    assert lines[3].startswith("store and data: at least 700 B needed")


def test_a_release_that_is_got_by_hand_is_not_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(tmp_path, capsys, entry("by-hand"))
    assert lines[1].startswith("by-hand 0 unknown 0 B unknown 0 B no file is registered")
    assert "`folders`" in lines[1]
    assert lines[2].startswith("store and data: unknown needed")


def test_a_disk_that_cannot_hold_about_so_much(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "free_space", lambda path: 1_500)
    with pytest.raises(InputError, match=r"500 B \(500 B\) are lacking"):
        show(tmp_path, capsys, entry("near", {"path": "a.dat", "about_bytes": 2000}))


def test_what_is_there_is_taken_off() -> None:
    assert plan.Bytes(1000, 500, 1) - 300 == plan.Bytes(700, 500, 1)
    assert plan.Bytes(1000, 500) - 1200 == plan.Bytes(0, 300)
    assert plan.Bytes(about=500) - 800 == plan.Bytes()


def test_sen12ms_is_about_510_gb() -> None:
    files = releases.registered_files(releases.read_entry("sen12ms"))
    assert sum(file.about or 0 for file in files) == pytest.approx(510e9, rel=0.01)
    side, pixel_bytes = 256, 2 * 4 + 13 * 2 + 4 * 2
    assert sum(file.about_unpacked or 0 for file in files) == pytest.approx(180_662 * side**2 * pixel_bytes, rel=0.01)


@pytest.mark.parametrize("name", releases.registered(REGISTRY))
def test_an_approximate_length_stands_only_where_there_is_no_exact_one(name: str) -> None:
    files = releases.registered_files(releases.read_entry(name))
    assert not [file.path for file in files if file.size is not None and file.about is not None]
    assert not [file.path for file in files if file.role != "archive" and file.about_unpacked is not None]
