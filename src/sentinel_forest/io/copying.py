"""New files put together from rows of other files, in large pieces that do not pass through Python."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sentinel_forest.errors import InputError
from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

STEP = 32 << 20
"""Bytes moved at most before progress is told."""

PAGE = 4096
"""Where places and lengths are whole pages, the kernel copies faster, else it is slower than a buffer."""

BUFFER = 512 << 10
"""Bytes that pass through memory at a time: few writes, and yet they stay in the processor's cache."""

_NOT_OFFERED = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}
"""What the system answers where kernel or file system do not offer to copy or to reserve."""


@dataclass(frozen=True)
class NewFile:
    """A file that is to be written.

    `path` is relative, with ``/``; `size` in bytes, at most; `write` writes the file at the path that
    it is given and yields numbers of bytes as it gets on; `hold` raises if what has been written is not what was
    verified.
    """

    path: str
    size: int
    write: Callable[[Path], Iterator[int]]
    hold: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Piece:
    """`length` bytes of the file `source`, from byte `offset`."""

    source: Path
    offset: int
    length: int


def runs(patches: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Rows that follow each other, joined: (file, first row, number of rows), in the order given.

    Parameters
    ----------
    patches : DataFrame
        Rows of a catalog, in any order: `file` and `row`.
    """
    if patches.empty:
        return []
    row = patches["row"].to_numpy()
    code, names = pd.factorize(patches["file"])
    starts = np.flatnonzero((np.diff(code) != 0) | (np.diff(row) != 1)) + 1
    starts = np.concatenate([[0], starts])
    counts = np.diff(np.append(starts, len(row)))
    firsts = zip(code[starts].tolist(), row[starts].tolist(), counts.tolist(), strict=True)
    return [(str(names[file]), first, count) for file, first, count in firsts]


def append(stream: BinaryIO, pieces: Sequence[Piece]) -> Iterator[int]:
    """Write pieces of other files one after another from a stream's position on; yield bytes done.

    Raises
    ------
    InputError
        If a source ends before its piece does.
    """
    place = reserved = stream.tell()
    end = place + sum(piece.length for piece in pieces)
    with ExitStack() as stack:
        paths = {piece.source for piece in pieces}
        sources = {path: stack.enter_context(open(path, "rb")).fileno() for path in paths}
        for sent in chain([0], _moved(stream, sources, pieces)):
            place += sent
            # Moves are at most a STEP long, so the next one finds its place reserved.
            if place + STEP > reserved < end:
                reserved = _reserve(stream, reserved, min(place + 2 * STEP, end))
            yield sent


def _reserve(stream: BinaryIO, start: int, end: int) -> int:
    """Have the file system allot space ahead, where it can: it then writes faster, and in one stretch."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(stream.fileno(), start, end - start)
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
    return end


def _moved(stream: BinaryIO, sources: Mapping[Path, int], pieces: Sequence[Piece]) -> Iterator[int]:
    """Write pieces by the shortest way; yield bytes done."""
    edges = (edge for piece in pieces for edge in (piece.offset, piece.length))
    if hasattr(os, "copy_file_range") and all(edge % PAGE == 0 for edge in (stream.tell(), *edges)):
        pieces = yield from _by_kernel(stream, sources, pieces)
    yield from _through_memory(stream, sources, pieces)


def _by_kernel(
    stream: BinaryIO, sources: Mapping[Path, int], pieces: Sequence[Piece]
) -> Generator[int, None, Sequence[Piece]]:
    """Have the kernel copy between the files; yield bytes done, return what it has not copied."""
    stream.flush()
    for number, piece in enumerate(pieces):
        done = 0
        while done < piece.length:
            length, offset = min(piece.length - done, STEP), piece.offset + done
            try:
                sent = os.copy_file_range(sources[piece.source], stream.fileno(), length, offset, stream.tell())
            except OSError as error:
                if error.errno not in _NOT_OFFERED:
                    raise
                sent = 0
            if not sent:
                return [Piece(piece.source, offset, piece.length - done), *pieces[number + 1 :]]
            done += sent
            stream.seek(sent, os.SEEK_CUR)
            yield sent
    return []


def _through_memory(stream: BinaryIO, sources: Mapping[Path, int], pieces: Sequence[Piece]) -> Iterator[int]:
    """Read pieces into a buffer and write it whenever it is full; yield bytes done."""
    buffer, filled = memoryview(bytearray(BUFFER)), 0
    for piece in pieces:
        offset, end = piece.offset, piece.offset + piece.length
        while offset < end:
            wanted = buffer[filled : filled + end - offset]
            read = os.preadv(sources[piece.source], [wanted], offset)
            if not read:
                raise InputError(
                    "A file ends early.",
                    where=piece.source,
                    found=f"{offset} B",
                    expected=f"at least {end} B",
                    remedy="verify the release again",
                )
            offset, filled = offset + read, filled + read
            if filled == len(buffer):
                yield stream.write(buffer)
                filled = 0
    yield stream.write(buffer[:filled])
