"""What the bytes of a release were when they were read, and every change of them since.

Two small tables lie beside the data: the last state of each file, and a log of changes that is only
ever added to. Times of files are kept there and in no result.
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sentinel_forest.config import paths
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.io.tables import write_text

MOST_FILES = 10_000
"""Releases of more files are not looked through at each start; ``snakemake -R inspect`` reads them."""


MISSING = "missing"
"""In the place of the checksum of a file that is not there any more."""

GONE = (0, -1)
"""Length and date of a file that is not there; no file has this date."""


class State(NamedTuple):
    """State of one file: length in bytes, time of change in ns, SHA-256 (hex)."""

    bytes: int
    modified: int
    sha256: str


class Change(NamedTuple):
    """A file whose bytes were `before` (SHA-256) and were then found to be `after`."""

    path: str
    before: str
    after: str


class Seen:
    """The record of one release, kept in `paths.SEEN` and `paths.CHANGES` below the folder of all releases."""

    def __init__(self, folder: Path, release: str) -> None:
        self.states_path = folder / paths.place(paths.SEEN, release=release)
        self.changes_path = folder / paths.place(paths.CHANGES, release=release)

    def states(self) -> dict[str, State]:
        """The last state of each file by its path; nothing if none was read yet."""
        return {
            row["path"]: State(int(row["bytes"]), int(row["modified"]), row["sha256"])
            for row in _rows(self.states_path)
        }

    def changes(self) -> list[Change]:
        """All changes met so far, oldest first."""
        return [Change(row["path"], row["before"], row["after"]) for row in _rows(self.changes_path)]

    def record(self, now: Mapping[str, State]) -> None:
        """Take the state of files as read now; bytes that differ from the last ones are logged."""
        before = self.states()
        new = [
            Change(path, before[path].sha256, state.sha256)
            for path, state in sorted(now.items())
            if path in before and before[path].sha256 != state.sha256
        ]
        if new:
            _write(self.changes_path, Change._fields, self.changes() + new)
        states = [(path, *state) for path, state in sorted((before | dict(now)).items())]
        _write(self.states_path, ("path", *State._fields), states)

    def missing(self) -> list[str]:
        """Paths of files that were read before and are not there any more, as `refresh` has found."""
        return [path for path, state in self.states().items() if state.sha256 == MISSING]

    def first_checksums(self) -> dict[str, str]:
        """SHA-256 of each file when it was first read."""
        first = {path: state.sha256 for path, state in self.states().items()}
        return first | {change.path: change.before for change in reversed(self.changes())}

    def forget(self) -> None:
        """Drop the record, because the release is replaced on purpose."""
        self.states_path.unlink(missing_ok=True)
        self.changes_path.unlink(missing_ok=True)

    def refresh(self, folder: Path) -> None:
        """Read again those files of `folder` whose length or date differ from the record."""
        states = self.states()
        if len(states) > MOST_FILES:
            return
        now = {path: _length_and_date(folder / path) for path in states}
        changed = [path for path, state in states.items() if now[path] != state[:2]]
        if there := [path for path in changed if now[path] != GONE]:
            more = f" and {len(there) - 1} more" * (len(there) > 1)
            print(f"reading {there[0]}{more} again: size or date has changed", file=sys.stderr)
        if changed:
            self.record(states | {path: state_of(folder, path, states[path]) for path in changed})


def state_of(folder: Path, path: str, known: State | None = None) -> State:
    """The state of a file; its bytes are read unless length and date are those of `known`."""
    now = _length_and_date(folder / path)
    if now == GONE:
        return State(*GONE, MISSING)
    return known if known is not None and known[:2] == now else State(*now, file_checksum(folder / path))


def _length_and_date(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return GONE
    return status.st_size, status.st_mtime_ns


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def _write(path: Path, header: tuple[str, ...], rows: Sequence[Sequence[object]]) -> None:
    lines = ["\t".join(str(cell) for cell in row) + "\n" for row in (header, *rows)]
    write_text(path, "".join(lines))
