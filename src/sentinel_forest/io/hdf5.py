"""The one place where HDF5 files are opened: without locks, and for nothing that lies outside the file.

An HDF5 file can name other files: a dataset may keep its values in external storage or be put together from
datasets elsewhere (virtual), and a link may lead into another file. Followed, such a name would make any
file that this user may read part of a release. Soft links stay in the file, but what they lead to is not
what its name says. A published file has none of them, so that a file with one is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from sentinel_forest.errors import InputError

MOST_OBJECTS = 10_000
"""Objects that a file may hold; a published one has three."""


class OutsideError(InputError):
    """An HDF5 file has an object whose content is not simply there under its name.

    Parameters
    ----------
    path : Path
        The file.
    found : str
        Name of the object, and what it is.
    """

    expected = "datasets that the file itself holds: no external storage, no links, no virtual datasets"
    remedy = "fetch the published file; or, if you trust this one, put its content in: h5repack, or h5py"

    def __init__(self, path: Path, found: str) -> None:
        self.found = found
        super().__init__(
            "An HDF5 file refers to something outside its own datasets.",
            where=path,
            found=found,
            expected=self.expected,
            remedy=self.remedy,
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
    if not path.is_file():
        packed = path.with_name(f"{path.name}.gz").is_file()
        raise InputError(
            "A file is missing.",
            where=path,
            found="only its packed form" if packed else None,
            remedy="unpack it" if packed else "fetch it again",
        )
    try:
        with h5py.File(path, "r", locking=False) as handle:
            _check(path, handle)
            yield handle
    except PermissionError as error:
        raise InputError(
            "A file may not be read.",
            where=path,
            found=error.strerror,
            expected="permission to read it",
            remedy="give it to this user: chmod, chown",
        ) from error
    except (OSError, RuntimeError) as error:
        raise InputError("A file cannot be read as HDF5.", where=path, found=error, remedy="fetch it again") from error


def created(path: Path) -> h5py.File:
    """A new HDF5 file to be filled, in the format of the published ones."""
    return h5py.File(path, "w", libver=("earliest", "v110"), locking=False)


def _check(path: Path, handle: h5py.File) -> None:
    """Look at every object of a file once, and at no value.

    Raises
    ------
    OutsideError
        For the first object that is not simply there.
    OSError
        If a description is damaged: h5py has many errors for that.
    """
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
            ", ".join((str(item.shape), str(item.dtype)))
    except (KeyError, TypeError, ValueError) as error:
        raise OSError(f"a damaged description: {error}") from error


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
