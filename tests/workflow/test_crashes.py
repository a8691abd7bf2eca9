"""Runs that are killed, lose their disk or may not write: the next plain call ends as if nothing had been."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from project import TINY, Checkout, copy_project

pytestmark = pytest.mark.xdist_group("runs")
CALL = ("--cores", "2", "--configfile", "tiny.yaml")
KILLS = 20 if os.environ.get("SENTINEL_FOREST_LONG") else 3
"""Kills of a test; many when SENTINEL_FOREST_LONG is set."""
TROUBLE = ("Directory cannot be locked", "IncompleteFilesException", "Traceback")
"""What no call may answer with, whatever happened to the one before."""


def small(folder: Path) -> Checkout:
    """A project in which the small run has not begun."""
    checkout = copy_project(folder)
    checkout.overlay("tiny.yaml", **TINY)
    return checkout


@pytest.fixture
def groups() -> Iterator[list[int]]:
    """Process groups whose last members, orphans of killed runs, end with the test."""
    numbers: list[int] = []
    yield numbers
    for number in numbers:
        end(number)


def end(group: int) -> None:
    """Kill what is left of a process group."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def steps(group: int) -> list[int]:
    """The processes of a group that compute a step (``python -m ...``)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may have ended meanwhile
            number, command = int(folder.name), (folder / "cmdline").read_bytes().split(b"\0")
            if command[1:2] == [b"-m"] and os.getpgid(number) == group:
                found.append(number)
    return sorted(found)


def started(process: subprocess.Popen[str], jobs: int) -> str:
    """What a call prints until it has started so many jobs, or until its end."""
    assert process.stdout is not None
    printed = ""
    while jobs > 0 and (line := process.stdout.readline()):
        printed += line
        jobs -= line.startswith("Job ")
    return printed


def called(checkout: Checkout) -> subprocess.Popen[str]:
    """A call of Snakemake, under way in a process group of its own."""
    return subprocess.Popen(
        [Path(sys.executable).parent / "snakemake", "--logger-sentinel-forest-everything", *CALL],
        cwd=checkout.folder,
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONPATH": str(checkout.folder / "src")},
    )


def disturb(checkout: Checkout, moment: random.Random, groups: list[int]) -> tuple[str, str]:
    """Call Snakemake and kill at a random moment its main process, all its processes, or one job.

    Returns what was killed ("" if the run ended before that) and what was printed.
    """
    with called(checkout) as process:
        groups.append(process.pid)
        printed = started(process, moment.randint(1, 3))
        time.sleep(moment.uniform(0, 2))
        victim = moment.choice(["main", "all", "job"])
        if process.poll() is not None:
            return "", printed
        if victim == "main":  # its jobs live on, beside those of the next call
            process.kill()
            return victim, printed
        if victim == "all":
            end(process.pid)
            return victim, printed
        jobs = steps(process.pid)[:1]
        for job in jobs:
            with suppress(ProcessLookupError):
                os.kill(job, signal.SIGKILL)
        rest, _ = process.communicate(timeout=600)
        return victim if jobs and process.returncode else "", printed + rest


def whole(checkout: Checkout) -> dict[str, str]:
    """Checksums of what was computed; leftovers of killed jobs have names of their own."""
    computed = checkout.tree("work") | checkout.tree("results")
    return {path: checksum for path, checksum in computed.items() if not Path(path).name.startswith(".")}


def test_killed_at_random_moments(tiny, tmp_path, groups):
    moment = random.Random(20)
    killed: list[str] = []
    projects = 0
    while len(killed) < KILLS:
        projects += 1
        checkout = small(tmp_path / str(projects))
        left = ""
        while len(killed) < KILLS:
            victim, printed = disturb(checkout, moment, groups)
            assert not [text for text in TROUBLE if text in printed], printed
            assert ("was killed; its lock is removed" in printed) == (left in ("main", "all")), printed
            left = victim
            if not victim:
                break
            killed.append(victim)
        printed = checkout.snakemake(*CALL)
        assert checkout.manifest("tiny-v1") == tiny.manifest("tiny-v1"), printed
        assert whole(checkout) == whole(tiny)
    print(f"killed {len(killed)} times in {projects} projects: {', '.join(killed)}")


def test_the_lock_of_a_living_run_is_respected(tmp_path, groups):
    checkout = small(tmp_path / "project")
    with called(checkout) as process:
        groups.append(process.pid)
        started(process, 1)
        printed = checkout.snakemake(*CALL, fails=True)
        assert f"Process {process.pid} holds this folder; until its end only plan and check can run" in printed
        assert "Directory cannot be locked" in printed
        assert "Traceback" not in printed
        checkout.snakemake("plan", *CALL)  # takes Snakemake's locks away, those of the living run as well
        printed = checkout.snakemake(*CALL, fails=True)
        assert "Another run makes results in this folder." in printed
        assert f"process {process.pid} on " in printed
        assert "Traceback" not in printed
        assert process.poll() is None
        end(process.pid)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory at a folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    folder.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_named_and_loses_nothing(tiny, tmp_path):
    checkout = small(tmp_path / "project")
    with mounted(checkout.folder / "work", "size=800k"):
        printed = checkout.snakemake(*CALL, fails=True)
        assert "No space left on device" in printed
        assert "where: work/cloudsen12-sample/features/l1c-6" in printed
        assert "Traceback" not in printed
        subprocess.run(["mount", "-o", "remount,size=40m", checkout.folder / "work"], check=True, capture_output=True)
        printed = checkout.snakemake(*CALL)
        assert "Verify cloudsen12-sample" not in printed
        assert checkout.manifest("tiny-v1") == tiny.manifest("tiny-v1")
        assert whole(checkout) == whole(tiny)


def test_results_that_cannot_be_written_are_named_and_lose_nothing(tiny, tmp_path):
    checkout = small(tmp_path / "project")
    results = checkout.folder / "results" / "tiny-v1"
    with mounted(results, "ro"):
        printed = checkout.snakemake(*CALL, fails=True)
        assert "Read-only file system: 'results/tiny-v1/cloudsen12-sample'" in printed
        assert "Traceback" not in printed
    printed = checkout.snakemake(*CALL)
    assert "Verify cloudsen12-sample" not in printed
    assert checkout.manifest("tiny-v1") == tiny.manifest("tiny-v1")
