"""Attacks, one at a time, in a process that may die of them; and the table of what became of them.

Each kind of attack prepares sound inputs once and then changes something at random, again and again, from one seed.
An attack is

- *stopped* if it ends in a message for users (`InputError`, or the error of a file that cannot be read),
- *harmless* if the result is that of the sound inputs, or that of the changed ones where nobody has published what
  they should be: then their checksums stand beside the result,
- *wrong* if it ends well with any other result, in a traceback, not at all, in the death of the process, or if a file
  outside of the folders that are written to is touched.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentinel_forest.errors import InputError

SEED = 1
SECONDS = 30
"""Seconds after which an attack counts as one without end."""
MOST_LINES = 16
"""Lines of a message; one that lists what each of several addresses or files has is longer than five."""
OUTCOMES = ("stopped", "harmless", "wrong")


class WrongError(Exception):
    """An attack had its way; says how."""


class EndlessError(BaseException):
    """An attack takes too long. No border may take it for an error of its own."""


Attack = Callable[[random.Random, Path, Any], None]
"""Changes something, and uses it in an empty folder. Ends well if the result is harmless; else `InputError` or
`WrongError`.
"""


@dataclass(frozen=True)
class Kind:
    """One kind of attack: a row of the table.

    Parameters
    ----------
    words : str
        What is changed, for the table.
    prepare : callable
        Sound inputs in a folder, and what the attack needs to know of them.
    attack : callable
        See `Attack`.
    cases : int
        Attacks of a short run.
    """

    words: str
    prepare: Callable[[Path], Any]
    attack: Attack
    cases: int


@dataclass
class Tally:
    """What became of the attacks of one kind."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, number: int, outcome: str, reason: str) -> None:
        """Count an attack."""
        self.counts[outcome] += 1
        if outcome == "wrong":
            self.wrong.append(f"case {number}: {reason}")

    @property
    def tried(self) -> int:
        """How many there were."""
        return self.counts.total()


def snapshot(folder: Path) -> dict[str, str]:
    """Kind and content of everything below a folder, by path."""
    return {str(path.relative_to(folder)): _state(path) for path in sorted(folder.rglob("*"))}


def _state(path: Path) -> str:
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"


def outcome(kind: Kind, number: int, root: Path, prepared: Any) -> tuple[str, str]:
    """Make one attack; what became of it, and why."""
    outside = snapshot(root / "home"), snapshot(root / "sound")
    folder = root / "work" / str(number)
    folder.mkdir(parents=True)
    chance = random.Random(f"{SEED}:{kind.words}:{number}")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        result = _ended(lambda: kind.attack(chance, folder, prepared))
    shutil.rmtree(folder, ignore_errors=True)
    if (snapshot(root / "home"), snapshot(root / "sound")) != outside:
        return "wrong", "a file outside was touched"
    if left := sorted(path.name for path in (root / "work").iterdir()):
        return "wrong", f"something was written beside the folder: {left}"
    return result


def _ended(attack: Callable[[], None]) -> tuple[str, str]:
    def stop(*_: object) -> None:
        raise EndlessError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        attack()
    except InputError as error:
        many = len(str(error).splitlines()) > MOST_LINES
        return ("wrong", f"a message of many lines: {str(error)[:200]}") if many else ("stopped", "")
    except OSError as error:  # told by `cli.main`, as long as it says which file
        return ("stopped", "") if error.filename is not None else ("wrong", _last(error))
    except WrongError as error:
        return "wrong", str(error)
    except EndlessError:
        return "wrong", f"no end within {SECONDS} s"
    except BaseException as error:
        return "wrong", _last(error)
    finally:
        signal.alarm(0)
    return "harmless", ""


def _last(error: BaseException) -> str:
    """Where an error that nobody expected came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "sentinel_forest" in f.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside of the package"
    return f"{type(error).__name__} at {place}: {str(error)[:160]}"


# In the process that may die


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What libraries in C print goes nowhere."""
    nowhere, kept = os.open(os.devnull, os.O_WRONLY), os.dup(2)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def attacks(kind: Kind, first: int, last: int) -> None:
    """Make the attacks of these numbers; a line of JSON when one begins, and one when it ends."""
    root = Path(tempfile.mkdtemp(prefix="sentinel-forest-fuzz-"))
    try:
        for name in ("home", "sound", "work"):
            (root / name).mkdir()
        (root / "home" / ".bashrc").write_text("mine, and to be left alone\n")
        os.environ |= {"HOME": str(root / "home"), "no_proxy": "127.0.0.1"}
        for name in ("SENTINEL_FOREST_STORE", "HF_TOKEN", "HF_ENDPOINT", "HF_HOME", "NETRC"):
            os.environ.pop(name, None)
        with contextlib.redirect_stdout(io.StringIO()):
            prepared = kind.prepare(root / "sound")
        for number in range(first, last):
            print(json.dumps({"begins": number}), flush=True)
            with _quiet():
                ended = outcome(kind, number, root, prepared)
            print(json.dumps({"number": number, "ended": ended}), flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)


# In the process that watches


def tally(name: str, cases: int) -> Tally:
    """Make attacks of a kind in processes of their own, a new one after each death."""
    result, first = Tally(), 0
    while first < cases:
        command = [sys.executable, "-m", "fuzz", "attack", name, str(first), str(cases)]
        done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
        begun = first - 1
        for line in map(json.loads, done.stdout.splitlines()):
            begun = line.get("begins", begun)
            if "ended" in line:
                result.add(line["number"], *line["ended"])
                first = line["number"] + 1
        if done.returncode and begun < first:
            raise RuntimeError(f"no attack could be made: {done.stderr[-2000:]}")
        if begun >= first:
            result.add(begun, "wrong", f"the process died with status {done.returncode}")
            first = begun + 1
    return result


def table(tallies: Mapping[str, Tally], words: Mapping[str, str]) -> str:
    """The table of the documentation."""
    lines = ["| what is changed | tried | stopped | harmless | wrong |", "|---|---:|---:|---:|---:|"]
    for name, result in tallies.items():
        cells = [words[name], result.tried, *(result.counts[outcome] for outcome in OUTCOMES)]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"
