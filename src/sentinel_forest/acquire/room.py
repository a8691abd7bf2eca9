"""Room on a disk: what is free, and what is lacking."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sentinel_forest.acquire.store import VARIABLE, Store, key_of
from sentinel_forest.acquire.transfer import arrived
from sentinel_forest.config.files import File
from sentinel_forest.errors import InputError
from sentinel_forest.io.progress import amount


def check_space(files: Sequence[File], store: Store) -> None:
    """Refuse to begin what the disk of the store cannot hold.

    Raises
    ------
    InputError
        Says how many bytes are lacking; files of unknown length are not counted.
    """
    needs = sum(max((file.size or 0) - arrived(store.partial(key_of(file))), 0) for file in files)
    free = free_space(store.root)
    if needs > free:
        raise shortfall(store.root, needs, free)


def free_space(path: Path) -> int:
    """Free bytes on the disk of a path, which need not exist yet."""
    return shutil.disk_usage(
        next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    ).free


def shortfall(place: Path, needs: int, free: int) -> InputError:
    """The error that says how many bytes are lacking."""
    return InputError(
        "The disk is too small.",
        where=place,
        found=f"{amount(free)} free",
        expected=f"{amount(needs)}: {amount(needs - free)} ({needs - free} B) are lacking",
        remedy=f"free some, select fewer files, or name a folder on another disk in {VARIABLE}; "
        "what has arrived is kept",
    )
