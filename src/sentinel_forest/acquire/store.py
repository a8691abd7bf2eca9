"""A store of files by their checksum, which the users of one machine or cluster can share.

``sha256/<checksum>`` holds whole, checked, read-only files; nothing there is ever changed or deleted.
``by-md5/`` and ``by-address/`` say which of them has an MD5 or came from an address. ``partial/`` holds
what is on its way, each file under a lock that the fetching client holds too, so that two processes
never write to one file, even when the one that started the client was killed.
"""

import fcntl
import hashlib
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import BinaryIO

from sentinel_forest.acquire.transfer import control_of
from sentinel_forest.config.files import File
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import checked_key, expanded, wrong_checksum
from sentinel_forest.io.tables import replacing, write_text

VARIABLE = "SENTINEL_FOREST_STORE"
CHUNK = 8 << 20
MOST_OF_NOTE = 80
"""Bytes that are read of a note: a SHA-256 and a line end."""


class StoppedError(Exception):
    """The run is ending; what has arrived is kept."""


def root_of(data: Path) -> Path:
    """Folder of the store: the one that ``SENTINEL_FOREST_STORE`` names, else ``.store`` in `data`."""
    named = os.environ.get(VARIABLE)
    return expanded(named, VARIABLE) if named else data / ".store"


class Store:
    """The store in a folder, which is made when the first file comes in."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def path(self, sha256: str) -> Path:
        """Where the file with this checksum is, or would be.

        Raises
        ------
        InputError
            If it is no SHA-256: such text is never a path here.
        """
        return self.root / "sha256" / checked_key("sha256", sha256, self.root)

    def partial(self, key: str) -> Path:
        """Where a file is while it is on its way; `key` as `key_of` gives it.

        Raises
        ------
        InputError
            If it is no MD5 and no SHA-256.
        """
        algorithm = "sha256" if wrong_checksum("md5", key) else "md5"
        return self.root / "partial" / checked_key(algorithm, key, self.root)

    def find(self, file: File) -> str | None:
        """SHA-256 of the stored file that is the wanted one, or None.

        Known by any of its published checksums; where none is published, by where it came from.
        """
        names = []
        if "sha256" in file.checksums:
            names.append(checked_key("sha256", file.checksums["sha256"], self.root))
        if "md5" in file.checksums:
            names.append(_noted(self._by_md5(file.checksums["md5"])))
        if not {"sha256", "md5"} & file.checksums.keys():
            names += [_noted(self._by_address(address)) for address in file.addresses]
        return next((name for name in names if name and self.path(name).is_file()), None)

    def _by_md5(self, md5: str) -> Path:
        return self.root / "by-md5" / checked_key("md5", md5, self.root)

    def _by_address(self, address: str) -> Path:
        return self.root / "by-address" / hashlib.sha256(address.encode()).hexdigest()

    @contextmanager
    def locked(self, key: str, stop: Event) -> Iterator[int]:
        """Hold the lock of a file on its way; gives its descriptor, for the client to hold as well.

        Raises
        ------
        InputError
            If nothing can be written to the store.
        StoppedError
            If `stop` is set while another process holds the lock.
        """
        path = _beside(self.partial(key), ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise InputError(
                "The store lacks a file and cannot be written to.",
                where=self.root,
                found=error.strerror,
                remedy=f"have its owner fetch the release, or name another folder in {VARIABLE}",
            ) from None
        try:
            while not _try_lock(descriptor, path):
                if stop.wait(0.2):
                    raise StoppedError
            yield descriptor
        finally:
            os.close(descriptor)

    def drop_partial(self, key: str) -> None:
        """Forget what has arrived of a file (only under its lock)."""
        partial = self.partial(key)
        for path in (control_of(partial), partial, self.origin(key)):
            path.unlink(missing_ok=True)

    def origin(self, key: str) -> Path:
        """Where the origin of a partial file is noted."""
        return _beside(self.partial(key), ".from")

    def admit(self, key: str, checksums: Mapping[str, str], addresses: Iterable[str]) -> str:
        """Move a checked file from the partial ones to the whole ones; its SHA-256.

        Parameters
        ----------
        key : str
            Under which it was partial; its lock is held.
        checksums : mapping
            Its checksums, with ``sha256``.
        addresses : iterable of str
            Where it came from.
        """
        partial, whole = self.partial(key), self.path(checksums["sha256"])
        whole.parent.mkdir(exist_ok=True)
        with open(partial, "rb") as stream:
            os.fsync(stream.fileno())
        partial.chmod(0o444)
        if whole.is_file():
            partial.unlink()
        else:
            partial.rename(whole)
        self.drop_partial(key)
        self.note(checksums, addresses)
        return checksums["sha256"]

    def note(self, checksums: Mapping[str, str], addresses: Iterable[str]) -> None:
        """Note under which other names a stored file is known."""
        if "md5" in checksums:
            write_text(self._by_md5(checksums["md5"]), checksums["sha256"] + "\n")
        for address in addresses:
            write_text(self._by_address(address), checksums["sha256"] + "\n")

    def hand_out(self, sha256: str, target: Path) -> None:
        """Make `target` the stored file: a hard link, or where that cannot be, a symbolic one.

        A file in its place that nobody else has is kept beside it as ``<name>.before``.

        Raises
        ------
        InputError
            If a folder is in its place.
        """
        whole = self.path(sha256)
        if target.exists() and target.samefile(whole):
            return
        if target.is_dir() and not target.is_symlink():
            raise InputError(
                "A folder is in the place of a file.",
                where=target,
                expected="a file, or nothing",
                remedy="move the folder away",
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file() and not target.is_symlink() and target.stat().st_nlink == 1:
            target.rename(target.with_name(f"{target.name}.before"))
        with replacing(target) as beside:
            try:
                os.link(whole, beside)
            except OSError:
                beside.symlink_to(whole)

    def adopt(self, path: Path, checksums: Mapping[str, str], addresses: Iterable[str]) -> str:
        """Take a checked file that lies elsewhere into the store, by a hard link or a copy; its SHA-256."""
        whole = self.path(checksums["sha256"])
        if not whole.exists():
            with replacing(whole) as beside:
                try:
                    os.link(path, beside)
                except OSError:
                    shutil.copyfile(path, beside)
                beside.chmod(0o444)
        self.note(checksums, addresses)
        return checksums["sha256"]


def key_of(file: File) -> str:
    """Name of a file while it is on its way: the same for files that must be the same.

    Where no checksum is published, it is the SHA-256 of the first address.
    """
    for algorithm in ("md5", "sha256"):
        if algorithm in file.checksums:
            return file.checksums[algorithm].lower()
    return hashlib.sha256(file.addresses[0].encode()).hexdigest()


class Hashing:
    """Checksums of a file, block by block, while it may still be on its way.

    Parameters
    ----------
    path : Path
    algorithms : iterable of str
        Besides ``sha256``; ``git`` is git's own, for files that are whole.
    """

    def __init__(self, path: Path, algorithms: Iterable[str] = ()) -> None:
        self.path, self.algorithms = path, {"sha256", *algorithms}
        self._buffer = memoryview(bytearray(CHUNK))
        self._stream: BinaryIO | None = None

    def __enter__(self) -> "Hashing":
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream:
            self._stream.close()

    def _begin(self) -> BinaryIO:
        self.__exit__()
        self._stream = open(self.path, "rb")  # noqa: SIM115
        self._hashers = {name: hashlib.new(name) for name in self.algorithms - {"git"}}
        if "git" in self.algorithms:
            self._hashers["git"] = hashlib.sha1(f"blob {self.path.stat().st_size}\0".encode())
        return self._stream

    def read_on(self, length: float = math.inf) -> bool:
        """Read a block of what lies before `length` bytes; whether there was something left to read.

        A file that has been replaced, or cut, is begun anew.
        """
        stream = self._stream
        if stream is None or not self._goes_on(stream):
            stream = self._begin()
        most = min(CHUNK, max(length - stream.tell(), 0))
        count = stream.readinto(self._buffer[: int(most)])  # type: ignore[attr-defined]
        for hasher in self._hashers.values():
            hasher.update(self._buffer[:count])
        return bool(count)

    def _goes_on(self, stream: BinaryIO) -> bool:
        opened, now = os.fstat(stream.fileno()), self.path.stat()
        return os.path.samestat(opened, now) and now.st_size >= stream.tell()

    def finish(self) -> dict[str, str]:
        """Read the rest; all checksums (hex)."""
        while self.read_on():
            pass
        return {name: hasher.hexdigest() for name, hasher in self._hashers.items()}


def measure(path: Path, algorithms: Iterable[str] = ()) -> dict[str, str]:
    """Checksums (hex) of a whole file in one pass, see `Hashing`."""
    with Hashing(path, algorithms) as hashing:
        return hashing.finish()


def _try_lock(descriptor: int, path: Path) -> bool:
    # No lock file in its place: one that a killed process leaves behind cannot be told from one that another machine
    # still holds, and two writers of one file give a mixture.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise InputError(
            "The disk of the store cannot lock files.",
            where=path,
            found=error.strerror,
            expected="a disk on which two processes can be kept from writing to one file",
            remedy=f"name a folder on another disk in {VARIABLE}",
        ) from None
    return True


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _noted(path: Path) -> str:
    """The SHA-256 that a note of the store holds; nothing where there is none, or no plain file is in its place."""
    try:
        if not path.is_file():
            return ""
        with open(path, "rb") as stream:
            text = stream.read(MOST_OF_NOTE).decode("ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""
    return "" if wrong_checksum("sha256", text) else text.lower()
