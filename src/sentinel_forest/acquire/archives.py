"""A tar archive, member by member: only files that stay below the target, whole, and no more than it may declare."""

import gzip
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Self

from sentinel_forest.errors import InputError
from sentinel_forest.io import borders

MOST_BYTES_OF_FILE = 64 << 20
"""Bytes that one file may declare; a tile of SEN12MS has 1.7 MB."""

MOST_BYTES = 256 << 30
"""Bytes that one archive may unpack to; the largest of SEN12MS has about 100 GB."""


BLOCK = 512

MOST_FILES = 2_000_000
"""Files of one archive; the largest of SEN12MS has 50,000."""

MOST_OF_HEADERS = 4 << 20
"""Bytes of headers before a file; usual ones have 512."""


@dataclass(frozen=True)
class Limits:
    """What an archive may declare, in bytes: for one file, and for all of its files."""

    file: int = MOST_BYTES_OF_FILE
    archive: int = MOST_BYTES


class Stream:
    """The bytes of a tar archive as they pass; knows how many there were, and the last of them.

    It ends at `most` bytes: a header may declare that it goes on for gigabytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.length, self.most = 0, MOST_OF_HEADERS
        self.tail = b""

    def read(self, length: int = -1) -> bytes:
        """Read on."""
        data = self._stream.read(length)
        self.length += len(data)
        if self.length > self.most:
            raise tarfile.ReadError("headers without an end")
        self.tail = (self.tail + data[-BLOCK:])[-BLOCK:]
        return data


class Member(tarfile.TarInfo):
    """A member of an archive; a damaged header is an error, and not the end of the archive."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        """Read the next header."""
        try:
            return super().fromtarfile(tar)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from None


def members(archive: Path, target: Path, limits: Limits) -> Iterator[tuple[tarfile.TarInfo, BinaryIO]]:
    """The files of an archive, each checked before it is given, in one pass; the whole is checked last."""
    target.mkdir(parents=True, exist_ok=True)
    total, end = 0, 0
    with gzip.open(archive) as compressed:
        stream = Stream(compressed)  # type: ignore[arg-type]
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=Member) as tar:  # type: ignore[call-overload]
            for number, member in enumerate(tar):
                total += member.size
                _check(archive, target, member, total, limits)
                if number == MOST_FILES:
                    raise _refused(archive, member, f"more than {number} files", f"at most {MOST_FILES}")
                stream.most = stream.length + member.size + MOST_OF_HEADERS
                end = member.offset_data + -(-member.size // BLOCK) * BLOCK
                if member.isfile():
                    yield member, tar.extractfile(member)
                tar.members.clear()
        stream.most = sys.maxsize
        _check_end(archive, stream, end)


def _check(archive: Path, target: Path, member: tarfile.TarInfo, total: int, limits: Limits) -> None:
    """Refuse a member that is no plain file or folder below the target, or too large."""
    parts = PurePosixPath(member.name).parts
    kind = "sparse file" if member.sparse is not None else _kind(member)
    if kind not in ("file", "folder"):
        raise _refused(archive, member, f"a {kind}", "files and folders only")
    if member.name.startswith("/") or ".." in parts or any(mark in member.name for mark in "\\:\0"):
        raise _refused(archive, member, member.name, "a path below the folder of the release")
    if wrong := borders.control_character(member.name):
        raise _refused(archive, member, borders.quoted(member.name), f"no control characters; {wrong}")
    if parts and parts[0] == borders.MARKERS:
        raise _refused(archive, member, member.name, f"no file in {borders.MARKERS}, which belongs to this workflow")
    try:
        tarfile.data_filter(member, str(target))
    except tarfile.FilterError:
        raise _refused(archive, member, member.name, "a path that stays below the folder") from None
    if not 0 <= member.size <= limits.file:
        raise _refused(archive, member, f"{member.size} B", f"at most {limits.file} B for a file")
    if total > limits.archive:
        raise _refused(archive, member, f"{total} B so far", f"at most {limits.archive} B for an archive")


def _kind(member: tarfile.TarInfo) -> str:
    kinds = {
        "file": member.isreg(),
        "folder": member.isdir(),
        "symbolic link": member.issym(),
        "hard link": member.islnk(),
        "device": member.isdev(),
    }
    return next((kind for kind, true in kinds.items() if true), "member of unknown kind")


def _refused(archive: Path, member: tarfile.TarInfo, found: str, expected: str) -> InputError:
    return InputError(
        "An archive holds what is not unpacked.",
        where=f"{archive}, member {borders.quoted(member.name)}",
        found=found,
        expected=expected,
        remedy="this is not the publisher's archive: fetch it again and compare its checksum",
    )


def _check_end(archive: Path, stream: Stream, end: int) -> None:
    """Read what is left (which checks the compression's own sum); an archive ends with empty blocks."""
    while stream.read(1 << 20):
        if stream.length > end + MOST_BYTES_OF_FILE:
            break
    if stream.length < end + 2 * BLOCK or stream.tail != bytes(BLOCK):
        raise _ends_early(archive)


def _ends_early(archive: Path) -> InputError:
    return InputError(
        "An archive ends early or is damaged.",
        where=archive,
        found=f"{archive.stat().st_size} B",
        expected="a whole .tar.gz",
        remedy="fetch it again; what was unpacked of it is kept and completed then",
    )
