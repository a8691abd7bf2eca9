"""Who holds a project folder: the lock of a killed run is told from one that is still in use.

Snakemake locks the folder that it works in, without noting for whom. A run that is killed leaves its lock
behind. Here the run that took the lock is noted beside it, so that the next one knows whether it is alive.
"""

import json
import os
import platform
import shutil
from pathlib import Path

LOCKS = Path(".snakemake") / "locks"
"""Where Snakemake keeps the locks of a project folder; it removes this folder when a run ends."""

HOLDER = "holder.json"


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
        return f"Process {process} holds this folder; wait for its end"
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
