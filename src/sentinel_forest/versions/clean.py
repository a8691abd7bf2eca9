"""Kept results of steps that no version needs any more: listed, and removed when asked."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel_forest.config.paths import DRAWINGS, MANIFEST, SCRIPTS
from sentinel_forest.errors import InputError
from sentinel_forest.io import lock
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.io.progress import amount
from sentinel_forest.kept import ABOUT, STORE
from sentinel_forest.versions.manifest import read_manifest

SHOWN = 20
"""Lines that a list has at most."""
PARTS = ("*.parquet", "*.skops", "*.json")
"""Files of an unfinished version that a kept result could be."""


@dataclass(frozen=True)
class Entry:
    """A kept result: its folder, the checksums of its outputs, and of the files that it was made from."""

    folder: Path
    step: str
    outputs: frozenset[str]
    inputs: frozenset[str]
    size: int


def clean(
    *, work: Path = Path("work"), results: Path = Path("results"), locks: Path = lock.LOCKS, yes: bool = False
) -> None:
    """List the kept results in the store that no version needs; with ``--yes``, also remove them.

    A result is needed if it is a file of a version below `results`, finished or not, or if a needed one was made from
    it. Predictions are needed while their forest is. Nothing outside ``<work>/store`` is looked at for removal.

    Parameters
    ----------
    work : Path
        Folder of the working files.
    results : Path
        Folder of all versions.
    locks : Path
        Where Snakemake keeps its locks: while a run is going on nothing is removed.
    yes : bool
        Remove what is listed.

    Raises
    ------
    InputError
        If a run holds the folder, or the store is a link that leads elsewhere.
    """
    store = work / STORE
    if store.is_symlink():
        raise InputError("The store is a link: it is not cleaned.", where=store, expected="a folder below work")
    if yes and (lock.is_held(locks) or lock.is_taken(locks.parent / lock.RUN.name)):
        raise InputError("A run holds this folder.", where=locks, remedy="wait for its end; then clean")
    entries = read_entries(store)
    gone = unneeded(entries, version_checksums(results))
    leftovers = [path for path in store.glob("*/.*") if path.is_dir() and not path.is_symlink()]
    _tell(store, entries, gone, leftovers, yes)
    for folder in [*(entry.folder for entry in gone), *leftovers] if yes else []:
        shutil.rmtree(folder)


def _tell(store: Path, entries: list[Entry], gone: list[Entry], leftovers: list[Path], yes: bool) -> None:
    for entry in gone[:SHOWN]:
        print(f"{entry.folder}  {amount(entry.size)}")
    if len(gone) > SHOWN:
        print(f"and {len(gone) - SHOWN} more")
    for path in leftovers:
        print(f"{path}  left by a killed job")
    verb = "removed" if yes else "would go"
    total = amount(sum(entry.size for entry in gone))
    print(f"{store}: {len(gone)} of {len(entries)} results {verb}, {total}; the others are needed by a version")
    if gone and not yes:
        print("to remove them: sentinel-forest clean --yes")


def read_entries(store: Path) -> list[Entry]:
    """All entries of a store, sorted by step and key; one that cannot be read has no outputs."""
    folders = (path for path in sorted(store.glob("*/[0-9a-f]*")) if path.is_dir() and not path.is_symlink())
    return [_entry(folder) for folder in folders]


def _entry(folder: Path) -> Entry:
    size = sum(path.stat().st_size for path in folder.iterdir())
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        return Entry(
            folder, about["step"], frozenset(about["files"].values()), frozenset(_checksums(about["given"])), size
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Entry(folder, "", frozenset(), frozenset(), size)


def _checksums(given: object) -> Iterable[str]:
    """Checksums of files anywhere in what an entry was made from."""
    if isinstance(given, Mapping):
        if isinstance(given.get("sha256"), str):
            yield given["sha256"]
        given = list(given.values())
    for each in given if isinstance(given, list) else ():
        yield from _checksums(each)


def version_checksums(results: Path) -> frozenset[str]:
    """Checksums of the files of all versions: by the manifest, or, of an unfinished one, of the files themselves.

    Scripts and drawings of reports, which no manifest has, are among them.
    """
    found: set[str] = {file_checksum(path) for part in (SCRIPTS, DRAWINGS) for path in results.glob(f"*/{part}")}
    for version in sorted(path for path in results.glob("*") if path.is_dir()):
        if (version / MANIFEST).is_file():
            found |= set(read_manifest(version / MANIFEST).values())
        else:
            found |= {file_checksum(path) for pattern in PARTS for path in version.rglob(pattern) if path.is_file()}
    return frozenset(found)


def unneeded(entries: Iterable[Entry], checksums: frozenset[str]) -> list[Entry]:
    """Entries that no file with one of these checksums is, or was made from."""
    every = list(entries)
    needed = [entry for entry in every if entry.outputs & checksums]
    known, waiting = set(map(_key, needed)), list(needed)
    forests = {output for entry in needed if entry.step == "fit" for output in entry.outputs}
    more = [entry for entry in every if entry.step == "predict" and entry.inputs & (forests | checksums)]
    waiting += more
    known |= set(map(_key, more))
    while waiting:
        inputs = waiting.pop().inputs
        made_from = [entry for entry in every if entry.outputs & inputs and _key(entry) not in known]
        known |= set(map(_key, made_from))
        waiting += made_from
    return [entry for entry in every if _key(entry) not in known]


def _key(entry: Entry) -> Any:
    return entry.folder
