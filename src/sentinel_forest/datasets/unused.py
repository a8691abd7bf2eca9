"""Files beside those of a release: what looks as if it were meant is named, with the name under which it is read."""

import os
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path

from sentinel_forest.datasets.findings import Finding
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import MARKERS
from sentinel_forest.io.clutter import is_clutter

MOST_ENTRIES = 2_000_000
"""Entries of folders that are looked at; SEN12MS has 540,000 tiles."""
DEEPEST = 3
"""Folders below each other that are looked into."""
MOST_NAMED = 20

PICKLES = (".pkl", ".pickle", ".npy", ".npz", ".pt", ".pth", ".mat", ".zip", ".rar", ".7z")
"""Forms that are never opened."""


def unused_findings(
    folder: Path, list_files: Callable[[Path], Collection[str]], suggest: Callable[[str], str]
) -> list[Finding]:
    """Notes on the files of a folder that are not read.

    Parameters
    ----------
    folder : Path
        Of the release.
    list_files : function of Path
        Relative paths of the files of a folder that are read.
    suggest : function of str
        What would have to be done to have a file (a relative path) read; "" for one that nobody can have meant.

    Returns
    -------
    list of Finding
        ``unused``, one for each file that looks meant (the first `MOST_NAMED`), and one ``clutter`` for all that
        systems have left. None of a folder in which nothing is read.
    """
    try:
        known = set(list_files(folder))
    except InputError:
        return []
    clutter, meant = [], []
    for path in islice(_files(folder, "", DEEPEST), MOST_ENTRIES):
        if path in known:
            continue
        if is_clutter(path):
            clutter.append(path)
        elif advice := suggest(path):
            meant.append((path, advice))
    findings = [Finding(path, "structure", "unused", "note", "not read", advice) for path, advice in sorted(meant)]
    if len(findings) > MOST_NAMED:
        rest = len(findings) - MOST_NAMED
        findings = [*findings[:MOST_NAMED], Finding("(more)", "structure", "unused", "note", f"{rest} more of these")]
    if clutter:
        found = f"{len(clutter)} files, such as {min(clutter)}"
        findings.append(Finding("(folder)", "structure", "clutter", "note", found, "", "nothing: they are ignored"))
    return findings


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


def is_file_or_lost(path: Path) -> bool:
    """Whether a path is a file, or a link that leads nowhere: it stands for a file that is missing."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder; a link that leads nowhere, or round in a circle, is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False
