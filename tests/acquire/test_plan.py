"""The plan: what will be fetched and unpacked, and whether it fits."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from sentinel_forest.acquire import pace, plan
from sentinel_forest.acquire.work import Work
from sentinel_forest.errors import InputError

BODY = b"b" * 300
ENTRY = {
    "release": "toy",
    "dataset": "sen12ms",
    "title": "Toy",
    "version": "1",
    "licence": "CC0-1.0",
    "citation": {"text": "none", "doi": "none"},
    "shards": 1,
    "sources": ["http://127.0.0.1:1/{path}"],
    "files": [
        {"path": "a.dat", "bytes": 1000, "checksums": {"md5": "0" * 32}},
        {"path": "b.dat", "bytes": 300, "checksums": {"sha256": hashlib.sha256(BODY).hexdigest()}},
        {"path": "c.tar.gz", "bytes": 400, "role": "archive"},
        {"path": "d.dat"},
    ],
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with the release, one of whose files is stored and one in part."""
    monkeypatch.delenv("SENTINEL_FOREST_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config" / "releases").mkdir(parents=True)
    (tmp_path / "config" / "releases" / "toy.yaml").write_text(yaml.safe_dump(ENTRY))
    store = tmp_path / "data" / ".store"
    (store / "sha256").mkdir(parents=True)
    (store / "sha256" / hashlib.sha256(BODY).hexdigest()).write_bytes(BODY)
    (store / "partial").mkdir()
    (store / "partial" / ("0" * 32)).write_bytes(b"a" * 100)
    return tmp_path


def run(project: Path, downloads: list[str], select: Sequence[str] = (), **more: list) -> None:
    given = {"samples": [], "folders": [], "work": []} | more
    patterns = [plan.Pattern("toy", pattern) for pattern in select]
    plan.plan(data=project / "data", downloads=downloads, select=patterns, timeout=1, **given)


def cells(out: str, name: str) -> str:
    return next(" ".join(line.split()) for line in out.splitlines() if line.startswith(name))


def test_amounts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(project, ["toy"], folders=["mine"])
    out = capsys.readouterr().out
    # 1000 + 300 + 400; here 100 + 300; left 900 + 400; the archive becomes 2 x 400
    expected = "toy 4 at least 1.7 kB 400 B at least 1.3 kB about 800 B 1 file of unknown length"
    assert cells(out, "toy") == expected
    assert cells(out, "mine").endswith("linked from its folder")
    assert "at least about 2.1 kB needed" in out


def test_selection(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(project, ["toy"], ["[ab].dat"])
    assert cells(capsys.readouterr().out, "toy") == "toy 2 1.3 kB 400 B 900 B 0 B"


def test_too_small_a_disk(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "free_space", lambda path: 2_000)
    with pytest.raises(InputError, match=r"100 B \(100 B\) are lacking"):
        run(project, ["toy"])
    assert cells(capsys.readouterr().out, "toy"), "the plan is shown all the same"


def test_nothing_is_left_to_unpack(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    markers = project / "data" / "toy" / ".unpacked"
    markers.mkdir(parents=True)
    (markers / "c.tar.gz.0123.tsv").write_text("")
    run(project, ["toy"], ["c*"])
    assert cells(capsys.readouterr().out, "toy") == "toy 1 400 B 0 B 400 B 0 B"


@pytest.mark.parametrize("guessed", [False, True])
def test_work_of_the_jobs(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, guessed: bool
) -> None:
    monkeypatch.setattr(plan, "pace", lambda: 2.0)
    work = [Work("toy", "fit", 3, 1.5, 2000, 30, 0.5), Work("toy", "score", 2, 0.25, 4000, 15, 2.0, guessed)]
    run(project, [], folders=["toy"], work=[Work.parse(str(row)) for row in work])
    out = capsys.readouterr().out
    assert cells(out, "toy      fit") == "toy fit 3 3.0 2.0 GB 30 min 500.0 kB"
    guess = "guess: " * guessed
    assert cells(out, "all") == f"all 5 {guess}3.5 {guess}4.0 GB {guess}30 min {guess}2.5 MB"
    assert "Core hours are those of this machine: 2.0 times those of the measured rates." in out


def test_the_pace_of_a_machine_is_that_of_most_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the time something else runs beside, at the start the machine is colder."""
    times = iter([0.5, *[3 * pace.UNIT_SECONDS] * 7, *[9 * pace.UNIT_SECONDS] * 5, *[pace.UNIT_SECONDS] * 2])
    monkeypatch.setattr(pace, "_seconds", lambda: next(times))
    assert pace.pace() == pytest.approx(3)


def test_a_piece_of_work_takes_time() -> None:
    assert 0.01 < pace.pace() < 100


def test_the_plan_changes_nothing(project: Path) -> None:
    before = sorted(project.rglob("*"))
    run(project, ["toy"])
    assert sorted(project.rglob("*")) == before
