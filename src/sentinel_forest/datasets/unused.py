"""Files beside those of a release: what looks as if it were meant is named, with the name under which it is read."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

from sentinel_forest.datasets.findings import Finding
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import MARKERS
from sentinel_forest.io.clutter import is_clutter

MOST_ENTRIES = 2_000_000
"""Entries of folders that are looked at; SEN12MS has 540,000 tiles."""
DEEPEST = 4
"""Folders below each other that are looked into."""
MOST_NAMED = 20

PICKLES = (".pkl", ".pickle", ".npy", ".npz", ".pt", ".pth", ".mat", ".zip", ".rar", ".7z")
"""Forms that are never opened."""


Home = Callable[[str], str]
"""From the path of a file to the one under which it would be read; "" if its name is none of the dataset's."""


def unused_findings(
    folder: Path,
    list_files: Callable[[Path], Collection[str]],
    suggest: Callable[[str], str],
    home: Home = lambda path: "",
) -> list[Finding]:
    """What is said of the files of a folder that are not read.

    Parameters
    ----------
    folder : Path
        Of the release.
    list_files : function of Path
        Relative paths of the files of a folder that are read.
    suggest : function of str
        What would have to be done to have a file (a relative path) read; "" for one that nobody can have meant.
    home : function of str
        See `Home`.

    Returns
    -------
    list of Finding
        ``folder``, a failure for each folder at the top with data that would be read under another path, where nothing
        is; ``unused``, a note on each other file that looks meant (the first `MOST_NAMED`); and one ``clutter`` for
        all that systems have left. None of a folder in which nothing is read.
    """
    try:
        known = set(list_files(folder))
    except InputError:
        return []
    clutter, meant, homeless = [], [], []
    for path in islice(_files(folder, "", DEEPEST), MOST_ENTRIES):
        if path in known:
            continue
        if is_clutter(path):
            clutter.append(path)
        elif home(path):
            homeless.append(path)
        elif advice := suggest(path):
            meant.append((path, advice))
    lost = _without_stand_in(homeless, known, home)
    meant += [(path, advice) for path in homeless if path not in lost and (advice := suggest(path))]
    findings = _misplaced(lost, home)
    notes = [Finding(path, "structure", "unused", "note", "not read", advice) for path, advice in sorted(meant)]
    if len(notes) > MOST_NAMED:
        rest = len(notes) - MOST_NAMED
        notes = [*notes[:MOST_NAMED], Finding("(more)", "structure", "unused", "note", f"{rest} more of these")]
    if clutter:
        found = f"{len(clutter)} files, such as {min(clutter)}"
        notes.append(Finding("(folder)", "structure", "clutter", "note", found, "", "nothing: they are ignored"))
    return findings + notes


def _without_stand_in(paths: Sequence[str], known: Collection[str], home: Home) -> set[str]:
    """Of files that are not read those that are no copy, by name, of one that is."""
    standing = {home(path) for path in known} if paths else set()
    return {path for path in paths if home(path) not in standing}


def _misplaced(paths: Collection[str], home: Home) -> list[Finding]:
    """Failures for data that are not read, and that nothing stands for."""
    tops: dict[str, list[str]] = {}
    for path in sorted(paths):
        tops.setdefault(path.split("/")[0] + "/" if "/" in path else "(folder)", []).append(path)
    remedy = "move or rename them so; if they are not meant, move them out of the release's folder"
    return [
        Finding(
            top,
            "structure",
            "folder",
            "failed",
            f"{len(there)} files not read, such as {there[0]}",
            home(there[0]),
            remedy,
            "left out",
        )
        for top, there in tops.items()
    ]


def first_misplaced(folder: Path, home: Home) -> str | None:
    """A file with a name of the dataset's in a folder in which nothing is read."""
    paths = islice(_files(folder, "", DEEPEST), MOST_ENTRIES) if folder.is_dir() else iter(())
    return next((path for path in paths if not is_clutter(path) and home(path)), None)


def _files(folder: Path, below: str, depth: int) -> Iterator[str]:
    """Relative paths of the files below a folder."""
    with os.scandir(folder / below) as entries:
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if is_folder(entry):
                if depth and path != MARKERS:
                    yield from _files(folder, path, depth - 1)
            else:
                yield path


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder; a link that leads nowhere, or round in a circle, is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False
