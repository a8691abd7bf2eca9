"""The one place where HDF5 files are opened: without locks, and for nothing that lies outside the file.

An HDF5 file can name other files: a dataset may keep its values in external storage or be put together from
datasets elsewhere (virtual), and a link may lead into another file. Followed, such a name would make any
file that this user may read part of a release. Soft links stay in the file, but what they lead to is not
what its name says. A published file has none of them, so that a file with one is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel_forest.errors import InputError
from sentinel_forest.io import causes
from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import h5py
else:
    h5py = lazy("h5py")

MOST_OBJECTS = 10_000
"""Objects that a file may hold; a published one has three."""


MOST_BYTES_OF_CHUNK = 256 << 20
"""Bytes of a chunk: to read one value of it, all of it is unpacked in memory."""

MOST_EXPANSION = 2000
"""Bytes that a dataset may declare for each byte of its file: gzip packs zeros 1,032 to 1."""


class OutsideError(InputError):
    """An HDF5 file has an object whose content is not simply there under its name.

    Parameters
    ----------
    path : Path
        The file.
    found : str
        Name of the object, and what it is.
    """

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(
            "An HDF5 file refers to something outside its own datasets.",
            where=path,
            found=found,
            expected="datasets that the file itself holds: no external storage, no links, no virtual datasets",
            remedy="fetch the published file; or, if you trust this one, put its content in: h5repack, or h5py",
        )


class DamagedError(InputError):
    """An HDF5 file declares what it does not hold.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Of the dataset.
    found, expected : str
        What is there, and what should be.
    """

    def __init__(self, path: Path, name: str, found: str, expected: str) -> None:
        super().__init__(
            "An HDF5 file is damaged or was not written to its end.",
            where=f"{path}, dataset {_text(name)!r}",
            found=f"{_text(name)}: {found}",
            expected=expected,
            remedy="fetch it again",
        )


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file to read, without a lock: a release is only read, and not every file system has locks.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    h5py.File
        With nothing but groups and datasets that it holds itself.

    Raises
    ------
    OutsideError
        If it refers to other files, or has soft links.
    InputError
        If it is missing, or cannot be read.
    """
    if not path.exists():
        packed = path.with_name(f"{path.name}.gz").is_file()
        raise InputError(
            "A file is missing.",
            where=path,
            found="only its packed form" if packed else None,
            remedy="unpack it" if packed else "fetch it again",
        )
    causes.check_regular(path)
    try:
        with h5py.File(path, "r", locking=False) as handle:
            _check(path, handle)
            yield handle
    except (OSError, RuntimeError) as error:
        if getattr(error, "filename", None) not in (None, str(path)):
            raise  # of another file, on which somebody works meanwhile
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    """Why HDF5 does not open a file: the system, its first bytes, or what its own header says."""
    cause = causes.of_error(error) or causes.of_file(path, "HDF5")
    size, expected = path.stat().st_size, "an HDF5 file"
    if promised := re.search(r"stored_eof = (\d+)", str(error)):
        cause = cause or causes.Cause(f"{size} B: it was cut short", causes.AGAIN)
        expected = f"{promised[1]} B, as its own header says"
    elif "already open for write" in str(error):
        cause = causes.Cause(
            "another process is writing it, or ended while it did",
            "wait for its end; then, if it stays: h5clear -s FILE",
        )
    cause = cause or causes.Cause(f"{size} B: {_text(str(error))}", causes.AGAIN)
    return InputError(
        "A file cannot be read as HDF5.", where=path, found=cause.found, expected=expected, remedy=cause.remedy
    )


def created(path: Path) -> h5py.File:
    """A new HDF5 file to be filled, in the format of the published ones."""
    return h5py.File(path, "w", libver=("earliest", "v110"), locking=False)


def declared_size(head: bytes) -> int | None:
    """Bytes of an HDF5 file by its superblock (versions 0 to 3), None where these are not the first of one.

    Parameters
    ----------
    head : bytes
        The first bytes, 48 or more. See the HDF5 File Format Specification, version 3.0, section II.A.
    """
    if len(head) < 48 or not head.startswith(b"\x89HDF\r\n\x1a\n") or head[8] > 3:
        return None
    start = {0: 40, 1: 44}.get(head[8], 28)
    width = head[13] if head[8] < 2 else head[9]
    return int.from_bytes(head[start : start + 8], "little") if width == 8 else None


def _check(path: Path, handle: h5py.File) -> None:
    """Look at every object of a file once, and at no value.

    Raises
    ------
    OutsideError
        For the first object that is not simply there.
    DamagedError
        For the first dataset that declares more than the file holds.
    OSError
        If a description is damaged: h5py has many errors for that.
    """
    size = path.stat().st_size
    try:
        for name in _links(path, handle):
            item = handle[name]
            if not isinstance(item, h5py.Dataset):
                continue
            stored = item.id.get_create_plist()
            if stored.get_layout() == h5py.h5d.VIRTUAL:
                raise OutsideError(path, f"{_text(name)}: virtual dataset")
            if stored.get_external_count():
                other = stored.get_external(0)[0].decode("utf-8", "replace")
                raise OutsideError(path, f"{_text(name)}: external storage in {_text(other)}")
            _check_extent(path, name, item, size)
    except (AttributeError, KeyError, MemoryError, OverflowError, TypeError, ValueError) as error:
        raise OSError(f"a damaged description: {error}") from error


def _check_extent(path: Path, name: str, item: h5py.Dataset, size: int) -> None:
    """Hold the rows that a dataset declares against the bytes that the file has for them."""
    if item.shape is None:
        raise DamagedError(path, name, "no values (null dataspace)", "rows of values")
    declared, stored = item.size * item.dtype.itemsize, item.id.get_storage_size()
    if item.chunks is None:
        if stored < declared or declared > size:
            raise DamagedError(
                path, name, f"{min(stored, size)} B", f"{declared} B, as its shape {item.shape} declares"
            )
        return
    chunk = math.prod(item.chunks) * item.dtype.itemsize
    if chunk > MOST_BYTES_OF_CHUNK:
        raise DamagedError(path, name, f"chunks of {chunk} B", f"at most {MOST_BYTES_OF_CHUNK} B")
    wanted = math.prod(-(-length // part) for length, part in zip(item.shape, item.chunks, strict=True))
    held = item.id.get_num_chunks() if declared <= size * MOST_EXPANSION else 0
    if held < wanted:
        raise DamagedError(path, name, f"{held} chunks in {size} B", f"{wanted}, as its shape {item.shape} declares")


def _links(path: Path, handle: h5py.File) -> list[str]:
    """Names of all objects of a file; no link is followed before its kind is known."""
    names: list[str] = []
    refused: list[str] = []

    def look(name: bytes, link: h5py.h5l.LinkInfo) -> bool | None:
        text = name.decode("utf-8", "surrogateescape")
        if link.type != h5py.h5l.TYPE_HARD:
            kinds = {h5py.h5l.TYPE_SOFT: "soft link", h5py.h5l.TYPE_EXTERNAL: "external link"}
            kind = kinds.get(link.type, "user-defined link")
            refused.append(f"{_text(text)}: {kind}{_target(handle, name)}")
        elif len(names) == MOST_OBJECTS:
            refused.append(f"more than {MOST_OBJECTS} objects")
        else:
            names.append(text)
            return None
        return True  # which ends the visit

    handle.id.links.visit(look, info=True)
    if refused:
        raise OutsideError(path, refused[0])
    return names


def _target(handle: h5py.File, name: bytes) -> str:
    """Where a link leads, as far as it says."""
    try:
        value = handle.id.links.get_val(name)
    except (OSError, RuntimeError, TypeError, ValueError):
        return ""
    parts = value if isinstance(value, tuple) else (value,)
    return " to " + _text(":".join(part.decode("utf-8", "replace") for part in parts))


def _text(name: str) -> str:
    """A name out of a file, fit to be printed."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in name)
    return printable if len(printable) <= 80 else f"{printable[:77]}..."
