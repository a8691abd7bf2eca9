"""Who holds a project folder: the lock of a killed run is told from one that is still in use.

Snakemake locks the folder that it works in, without noting for whom. A run that is killed leaves its lock
behind. Here the run that took the lock is noted beside it, so that the next one knows whether it is alive.

Snakemake's lock is one of files: it lets runs of other files into the folder, and the first of them that ends takes
the locks of all away. Therefore a run that makes results also holds a lock of its own, as long as its process lives.
"""

import fcntl
import json
import os
import platform
import shutil
from pathlib import Path

from sentinel_forest.errors import InputError

LOCKS = Path(".snakemake") / "locks"
"""Where Snakemake keeps the locks of a project folder; it removes this folder when a run ends."""

HOLDER = "holder.json"

RUN = Path(".snakemake") / "run.lock"
"""The lock of the one run that makes results."""


def hold(path: Path) -> None:
    """Hold a lock until this process ends, however it ends.

    On a file system that has no locks nothing is held.

    Raises
    ------
    InputError
        If another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # never closed: that would give the lock back
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 200).decode(errors="replace")
        os.close(descriptor)
        raise InputError(
            "Another run makes results in this folder.",
            where=path.parent.parent.absolute(),
            found=holder or "a process that is not noted",
            remedy="wait for its end; meanwhile `snakemake plan`, `snakemake check` and `snakemake -n` can run",
        ) from None
    except OSError:
        os.close(descriptor)
        return
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {platform.node()}".encode())


def is_taken(path: Path) -> bool:
    """Whether another process holds the lock of `hold`."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def note(locks: Path) -> None:
    """Note this process as the one that holds the lock."""
    if locks.is_dir():
        holder = {"host": platform.node(), "process": os.getpid()}
        (locks / HOLDER).write_text(json.dumps(holder), encoding="utf-8")


def is_held(locks: Path) -> bool:
    """Whether a run holds the folder, or one that was killed has left its lock."""
    return locks.is_dir() and any(locks.glob("*.lock"))


def settle(locks: Path) -> str:
    """Remove the lock if the process that held it is dead; return a line for people ("" if free).

    A lock stays whose holder is alive, on another machine, or not known.
    """
    if not is_held(locks):
        return ""
    try:
        holder = json.loads((locks / HOLDER).read_text(encoding="utf-8"))
        host, process = str(holder["host"]), int(holder["process"])
    except (OSError, ValueError, TypeError, KeyError):
        return "A run holds this folder; if it was killed, free it with: snakemake --unlock"
    if host != platform.node():
        return f"Process {process} on {host} holds this folder; if it was killed: snakemake --unlock"
    if is_alive(process):
        return f"Process {process} holds this folder; until its end only plan and check can run"
    shutil.rmtree(locks, ignore_errors=True)
    return f"The run before (process {process}) was killed; its lock is removed, what it finished is kept"


def is_alive(process: int) -> bool:
    """Whether a process of this machine has not ended."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it belongs to somebody else
    return True
