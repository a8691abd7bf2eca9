"""Locks of runs that live, died, or cannot be asked."""

import json
import platform
import subprocess
import sys

import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.io import lock


@pytest.fixture
def locks(tmp_path):
    """A lock as Snakemake leaves it."""
    folder = tmp_path / "locks"
    folder.mkdir()
    (folder / "0.output.lock").write_text("work/one\n")
    return folder


def ended() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_a_folder_without_a_lock_is_free(tmp_path):
    assert lock.settle(tmp_path / "locks") == ""
    lock.note(tmp_path / "locks")
    assert not (tmp_path / "locks").exists()


def test_the_lock_of_a_dead_process_goes(locks):
    (locks / lock.HOLDER).write_text(json.dumps({"host": platform.node(), "process": ended()}))
    assert "was killed" in lock.settle(locks)
    assert not locks.exists()
    assert lock.settle(locks) == ""


def test_the_lock_of_a_living_process_stays(locks):
    lock.note(locks)
    assert "until its end only plan and check can run" in lock.settle(locks)
    assert (locks / "0.output.lock").is_file()


@pytest.mark.parametrize(
    "holder", [{"host": "elsewhere", "process": 1}, {"process": 1}, [], None], ids=lambda holder: str(holder)
)
def test_a_lock_that_cannot_be_judged_stays(locks, holder):
    (locks / lock.HOLDER).write_text(json.dumps(holder))
    line = lock.settle(locks)
    assert line.endswith("snakemake --unlock")
    assert "\n" not in line
    assert (locks / "0.output.lock").is_file()


def test_a_lock_that_nobody_noted_stays(locks):
    assert lock.settle(locks).endswith("snakemake --unlock")
    assert (locks / "0.output.lock").is_file()


def test_one_process_holds_a_folder_until_it_ends(tmp_path):
    path = tmp_path / ".snakemake" / lock.RUN.name
    held = "lock.hold(pathlib.Path(sys.argv[1])); print(1, flush=True); input()"
    script = f"import sys, pathlib; from sentinel_forest.io import lock; {held}"
    with subprocess.Popen([sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert lock.is_taken(path)
        with pytest.raises(InputError, match=f"process {other.pid} on "):
            lock.hold(path)
        other.kill()
    assert not lock.is_taken(path)
    lock.hold(path)
    assert lock.is_taken(path)
