"""Why a file cannot be used: one table of causes, told from what the system answers and from the first bytes.

A library says of a file only that it is not what it reads. The first bytes mostly say what it is instead, and the
number of a system error says what stopped the reading; nothing here is guessed from sizes or names.
"""

import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from sentinel_forest.errors import InputError

HEAD = 512
"""Bytes from which the kind of a file is told."""

BEGINNING = 20
"""Bytes of them that a message shows."""

AGAIN = "fetch it again"


@dataclass(frozen=True)
class Cause:
    """What was found in the place of a good file, and what to do about it."""

    found: str
    remedy: str


_PERMISSION = Cause("permission to use it is missing", "give it to this user: chmod, chown")
_LOCKED = Cause("another process has locked it", "wait until that process has ended; `lsof FILE` names it")
_FULL = "make room, or use a folder on another disk"

BY_ERRNO = {
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EAGAIN: _LOCKED,
    errno.EDEADLK: _LOCKED,
    errno.ENOLCK: Cause("this file system has no locks", "use a folder on a disk that can lock files"),
    errno.ETXTBSY: Cause("another process is using it", "wait until that process has ended"),
    errno.EBUSY: Cause("another process is using it", "wait until that process has ended"),
    errno.ESTALE: Cause(
        "the network file system has lost sight of it (stale handle)", "run it again; if it stays, mount it anew"
    ),
    errno.EMFILE: Cause("this process has too many files open", "allow more: ulimit -n 4096; or use fewer threads"),
    errno.ENFILE: Cause("this machine has too many files open", "end other processes, and run it again"),
    errno.ENOSPC: Cause("the disk is full", _FULL),
    errno.EDQUOT: Cause("the quota of this user is used up", _FULL),
    errno.EROFS: Cause("the disk is mounted read-only", "use a folder on a disk that can be written to"),
    errno.EIO: Cause("the disk gave an error", "run it again; if it stays, the disk is failing: copy what is on it"),
    errno.ENOTCONN: Cause("the network disk is not connected", "mount it again"),
    errno.ETIMEDOUT: Cause("the network disk did not answer in time", "run it again, or mount it anew"),
    errno.ENOENT: Cause("no such file", "fetch it, or correct the folder"),
    errno.EISDIR: Cause("a folder", "put the file in its place"),
    errno.ENOTDIR: Cause("a part of its path is a file, not a folder", "correct the path"),
    errno.ELOOP: Cause("links that lead in a circle", "make the link anew"),
    errno.ENAMETOOLONG: Cause("a name that is too long for this disk", "use a folder with a shorter path"),
    errno.ENOMEM: Cause("the memory is used up", "use fewer threads, or a machine with more memory"),
}
"""What the system answers."""

_POINTER = Cause("a Git LFS pointer, not the file itself", "in the clone: git lfs pull; or download the file itself")
_PAGE = Cause(
    "a web page, not the file itself",
    "a page to log in, or an error, was saved under its name: look at it, then fetch the file from its own address",
)
NUMPY = Cause("a .npy header before the values", "write the values alone: numpy.load(FILE).tofile(FILE)")
HDF5 = Cause("an HDF5 file", "give it the name of an HDF5 file")
_PICKLE = Cause("a Python pickle", "nothing is unpickled here: give the published file, of a list the .txt form")
_OFFICE = Cause("a spreadsheet (.xlsx, .ods, .xls)", "open it, and save it as CSV in UTF-8, with commas")
_APPLE = Cause("what macOS notes about a file (._)", "remove it; the file itself has the same name without ._")

BY_FIRST_BYTES: dict[str, tuple[re.Pattern[bytes], Cause]] = {
    "Git LFS": (re.compile(rb"version https://git-lfs"), _POINTER),
    "HTML": (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head)", re.IGNORECASE), _PAGE),
    "XML": (re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml"), Cause("a server's answer in XML, not the file itself", AGAIN)),
    "npy": (re.compile(rb"\x93NUMPY"), NUMPY),
    "gzip": (re.compile(rb"\x1f\x8b\x08"), Cause("gzip-compressed data", "unpack it: gunzip")),
    "xlsx": (re.compile(rb"PK\x03\x04.{26}(?:\[Content_Types\]|_rels/|docProps/|xl/|mimetype)", re.DOTALL), _OFFICE),
    "xls": (re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), _OFFICE),
    "zip": (re.compile(rb"PK\x03\x04"), Cause("a zip archive", "unpack it: unzip")),
    "xz": (re.compile(rb"\xfd7zXZ\x00"), Cause("xz-compressed data", "unpack it: unxz")),
    "zstd": (re.compile(rb"\x28\xb5\x2f\xfd"), Cause("zstd-compressed data", "unpack it: unzstd")),
    "HDF5": (re.compile(rb"\x89HDF\r\n\x1a\n"), HDF5),
    "Parquet": (re.compile(rb"PAR1(?:[^\t\n\r -~]|\Z)"), Cause("a Parquet file", "give it the name of a Parquet file")),
    "GeoTIFF": (re.compile(rb"II[*+]\x00|MM\x00[*+]"), Cause("a TIFF file", "give it the name of a TIFF file")),
    "pickle": (re.compile(rb"\x80[\x02-\x05][\x8c\x95\]}(cXK]"), _PICKLE),
    "macOS": (re.compile(rb"\x00\x05\x16\x07"), _APPLE),
    "tar": (re.compile(rb".{257}ustar", re.DOTALL), Cause("a tar archive", "unpack it: tar -xf")),
}  # fmt: skip
"""What files begin with, by the kind that they are then of."""

_ZEROS = Cause("zeros where the file begins", "an interrupted download has left its place empty: fetch it again")
_EMPTY = Cause("an empty file", AGAIN)


def of_bytes(head: bytes, wanted: str) -> Cause | None:
    """What a file is, by its first bytes; None if it is as `wanted`, or of no kind that is known.

    Parameters
    ----------
    head : bytes
        The first bytes, `HEAD` of them or all.
    wanted : str
        What it should be: a key of `BY_FIRST_BYTES`, or ``raw`` for values without any header.

    Examples
    --------
    >>> of_bytes(b"version https://git-lfs.github.com/spec/v1", "HDF5").found
    'a Git LFS pointer, not the file itself'
    """
    if not head:
        return _EMPTY
    for kind, (pattern, cause) in BY_FIRST_BYTES.items():
        if pattern.match(head):
            return None if kind == wanted else cause
    return _ZEROS if wanted != "raw" and len(head) >= 64 and not any(head) else None


def of_file(path: Path, wanted: str) -> Cause | None:
    """What is in the place of a file, see `of_bytes`; what stops it from being read is a cause as well."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return Cause(_kind(path), "put the file in its place")
        with open(path, "rb") as stream:
            return of_bytes(stream.read(HEAD), wanted)
    except OSError as error:
        return of_place(path) if _leads_nowhere(path) else of_error(error)


def of_place(path: Path) -> Cause:
    """Why there is no file in a place: nothing, a link that leads nowhere, or something else than a file."""
    if not os.path.lexists(path):
        return Cause("missing", "fetch it again, or leave it out with `select`")
    try:
        return Cause(_kind(path), "put the file in its place")
    except FileNotFoundError:
        return Cause(
            f"a link to {os.readlink(path)[:80]}, where nothing is",
            "mount that disk, fetch what the link stands for (git annex get, dvc pull), or make the link anew",
        )
    except OSError as error:
        return of_error(error) or Cause(str(error.strerror), AGAIN)


def of_error(error: BaseException | None) -> Cause | None:
    """The cause behind an error of the system, or behind what a library made of one."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in BY_ERRNO:
            return BY_ERRNO[error.errno]
        error = error.__cause__
    return None


def of_either(path: Path, wanted: str, error: BaseException | None = None) -> Cause:
    """The cause by the error, else by the first bytes; else that the file is damaged, and how many bytes it has."""
    cause = of_error(error) or of_file(path, wanted) or _other_beginning(path, wanted)
    return cause or Cause(f"{path.stat().st_size} B, damaged or cut short", AGAIN)


def _other_beginning(path: Path, wanted: str) -> Cause | None:
    """That a file begins otherwise than all files of the kind that is wanted; None if it does not."""
    if wanted not in BY_FIRST_BYTES:
        return None
    with open(path, "rb") as stream:
        head = stream.read(HEAD)
    if BY_FIRST_BYTES[wanted][0].match(head):
        return None
    begins = head[:BEGINNING].decode("utf-8", "backslashreplace")
    return Cause(f"not a {wanted} file: it begins with {begins!r}", f"name a {wanted} file; if this was one, {AGAIN}")


def text_of(path: Path, head: bytes) -> Cause | None:
    """What text that is no UTF-8 is instead, by its first bytes; None if it is of no kind that is known."""
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return Cause("text in UTF-16", f"write it as UTF-8: iconv -f UTF-16 -t UTF-8 {path.name}") if wide else None


def unusable(path: Path, wanted: str, error: BaseException | None = None, expected: str = "a whole file") -> InputError:
    """The error to raise for a file that cannot be read as `wanted`; `expected` says more of it."""
    cause = of_either(path, wanted, error)
    return InputError(
        f"A file cannot be read as {wanted}.", where=path, found=cause.found, expected=expected, remedy=cause.remedy
    )


def check_regular(path: Path) -> None:
    """Refuse what is no file: opening a FIFO would wait for ever.

    Raises
    ------
    InputError
        If it is missing, or anything but a file (or a link to one).
    """
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except OSError as error:
        if not _leads_nowhere(path):
            raise unusable(path, "a file", error) from None
        regular = False
    if not regular:
        cause = of_place(path)
        raise InputError("This is no file.", where=path, found=cause.found, expected="a file", remedy=cause.remedy)


def length_of(path: Path) -> int:
    """Length in bytes of a file, or of what is in its place.

    Raises
    ------
    InputError
        If nothing is there, or a link that leads nowhere.
    """
    try:
        return path.stat().st_size
    except OSError:
        cause = of_place(path)
        raise InputError(
            "A file of the release is not there.",
            where=path,
            found=cause.found,
            expected="the file, or a link to it",
            remedy=cause.remedy,
        ) from None


def _leads_nowhere(path: Path) -> bool:
    """Whether a path is a link to nothing."""
    return os.path.islink(path) and not os.path.exists(path)


def _kind(path: Path) -> str:
    """What is in the place of a file."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(os.stat(path).st_mode), "something that is no file")
