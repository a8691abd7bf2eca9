"""New files put together from rows of other files, in large pieces that do not pass through Python."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from .errors import InputError

STEP = 32 << 20
"""Bytes moved at most before progress is told."""

PAGE = 4096
"""Where two places differ by whole pages, the kernel copies faster, else it is slower than a buffer."""

BUFFER = 256 << 10
"""Bytes that pass through memory at a time: few enough to stay in the processor's cache."""

_NOT_OFFERED = {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}
"""What ``copy_file_range`` answers where kernel or file system do not offer it."""


@dataclass(frozen=True)
class NewFile:
    """A file that is to be written.

    `path` is relative, with ``/``; `size` in bytes, at most; `write` writes the file at the path that
    it is given and yields numbers of bytes as it gets on.
    """

    path: str
    size: int
    write: Callable[[Path], Iterator[int]]


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


def append(stream: BinaryIO, pieces: Iterable[Piece]) -> Iterator[int]:
    """Write pieces of other files one after another from a stream's position on; yield bytes done.

    Raises
    ------
    InputError
        If a source ends before its piece does.
    """
    stream.flush()
    target, place = stream.fileno(), stream.tell()
    buffer = memoryview(bytearray(BUFFER))
    with ExitStack() as stack:
        sources: dict[Path, int] = {}
        for piece in pieces:
            if piece.source not in sources:
                sources[piece.source] = stack.enter_context(open(piece.source, "rb")).fileno()
            offset, end = piece.offset, piece.offset + piece.length
            while offset < end:
                sent = _send(sources[piece.source], offset, target, place, min(end - offset, STEP), buffer)
                if not sent:
                    raise InputError(
                        "A file ends early.", where=piece.source, found=f"{offset} B",
                        expected=f"at least {end} B", remedy="verify the release again",
                    )  # fmt: skip
                offset, place = offset + sent, place + sent
                yield sent
    stream.seek(place)


def _send(source: int, offset: int, target: int, place: int, length: int, buffer: memoryview) -> int:
    """Copy bytes between open files; how many. Whole pages are left to the kernel, where it offers that."""
    offered = getattr(os, "copy_file_range", None)
    if offered is not None and (offset - place) % PAGE == 0:
        try:
            sent = int(offered(source, target, length, offset, place))
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
        else:
            if sent:
                return sent
    read = os.preadv(source, [buffer[:length]], offset)
    return os.pwrite(target, buffer[:read], place)
