"""No attack has its way, and the documentation shows the table of all kinds."""

import os
from pathlib import Path

import pytest

from fuzz import harness
from fuzz.__main__ import BEGIN, END, PAGE
from fuzz.harness import Kind, WrongError
from fuzz.kinds import KINDS

LONG = bool(os.environ.get("SENTINEL_FOREST_LONG"))


@pytest.mark.parametrize("name", KINDS)
def test_no_attack_has_its_way(name: str) -> None:
    result = harness.tally(name, 10 * KINDS[name].cases if LONG else KINDS[name].cases)
    assert result.wrong == []
    assert result.tried == (10 * KINDS[name].cases if LONG else KINDS[name].cases)
    assert result.counts["stopped"], "no attack was noticed: the harness does not reach its border"


def test_the_documentation_shows_all_kinds_and_nothing_wrong() -> None:
    table = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    header, rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert header == ["what is changed", "tried", "stopped", "harmless", "wrong"]
    assert set(rule[1:]) == {"---:"}
    assert [row[0] for row in rows] == [kind.words for kind in KINDS.values()]
    for row, kind in zip(rows, KINDS.values(), strict=True):
        tried, stopped, harmless, wrong = map(int, row[1:])
        assert tried == stopped + harmless >= kind.cases
        assert wrong == 0


# The harness itself notices what it is there for


def _kind(attack: harness.Attack) -> Kind:
    return Kind("toy", lambda folder: None, attack, 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("home", "sound", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "home" / "mine").write_text("mine")
    return tmp_path


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (lambda chance, folder, _: _raise(WrongError("another result")), "another result"),
        (lambda chance, folder, _: _raise(KeyError("x")), "KeyError"),
        (lambda chance, folder, _: _raise(OSError("of no file")), "OSError"),
        (lambda chance, folder, _: (folder.parents[1] / "home" / "mine").write_text("theirs"), "outside"),
        (lambda chance, folder, _: (folder.parent / "beside").write_text("x"), "beside"),
        (lambda chance, folder, _: [None for _ in iter(int, 1)], "no end"),
    ],
)
def test_the_harness_notices(attack: harness.Attack, words: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "SECONDS", 1)
    kind, reason = harness.outcome(_kind(attack), 0, root, None)
    assert kind == "wrong"
    assert words in reason


def test_the_harness_survives_the_death_of_a_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "fuzz").mkdir()
    (tmp_path / "fuzz" / "__init__.py").write_text("")
    (tmp_path / "fuzz" / "__main__.py").write_text(
        "import json, os, sys\n"
        "for number in range(int(sys.argv[3]), int(sys.argv[4])):\n"
        "    print(json.dumps({'begins': number}), flush=True)\n"
        "    if number == 1: os.abort()\n"
        "    print(json.dumps({'number': number, 'ended': ['stopped', '']}), flush=True)\n"
    )
    monkeypatch.setattr(harness, "__file__", str(tmp_path / "fuzz" / "harness.py"))
    result = harness.tally("toy", 4)
    assert result.tried == 4
    assert result.counts["stopped"] == 3
    assert result.wrong == ["case 1: the process died with status -6"]
