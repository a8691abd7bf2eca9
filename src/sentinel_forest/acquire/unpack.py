"""Unpack the archives and packed files of a release into its folder, and nothing outside it."""

import gzip
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pandas as pd

from sentinel_forest.acquire.archives import MOST_BYTES, MOST_BYTES_OF_FILE, Limits, members
from sentinel_forest.config.releases import FILES, selected
from sentinel_forest.errors import InputError
from sentinel_forest.io import borders, causes, checksums, clutter, hdf5
from sentinel_forest.io.progress import Progress
from sentinel_forest.io.tables import read_tsv, replacing, write_tsv
from sentinel_forest.steps import Output

ENDING = ".tar.gz"
GZIP = ".gz"


def unpack(
    *,
    source: Path,
    target: Path,
    select: list[str] | None = None,
    most_bytes: int = MOST_BYTES,
    most_bytes_of_file: int = MOST_BYTES_OF_FILE,
    output: Output,
) -> None:
    """Unpack all archives of a folder that are not unpacked yet.

    Parameters
    ----------
    source : Path
        Folder with archives ``*.tar.gz``.
    target : Path
        Folder of the unpacked release.
    select : list of str, optional
        Patterns; those that end in ``.tar.gz`` choose archives, the others files in them.
    most_bytes, most_bytes_of_file : int
        Largest unpacked archive, largest file in one.
    output : Path
        Table of the unpacked files, `sentinel_forest.config.releases.FILES`.
    """
    write_tsv(output, unpack_all(source, target, select or [], Limits(most_bytes_of_file, most_bytes)), FILES)


def unpack_all(folder: Path, target: Path, select: Sequence[str] = (), limits: Limits | None = None) -> pd.DataFrame:
    """Unpack the selected archives of a folder.

    An archive that is unpacked already, by the same selection and with all of its files still there, is
    passed over; so a run that was stopped goes on with the archive at which it stopped.

    Parameters
    ----------
    folder : Path
        Folder with archives ``*.tar.gz``.
    target : Path
        Folder to unpack into; it is made.
    select : sequence of str
        Patterns (as in a shell). Those that end in ``.tar.gz`` choose archives, the others files in
        them; where there are none of a kind, all are taken.
    limits : Limits, optional
        What an archive may declare.

    Returns
    -------
    DataFrame
        `path` (below `target`) and `bytes` of all files of these archives, sorted (`FILES`).

    Raises
    ------
    InputError
        If there is no such archive, a pattern matches nothing, or an archive ends early, is
        damaged, declares too much, or holds anything but files that stay below `target`.
    """
    of_archives = [pattern for pattern in select if pattern.endswith(ENDING)]
    of_files = [pattern for pattern in select if not pattern.endswith(ENDING)]
    archives = [path for path in sorted(folder.glob(f"*{ENDING}")) if selected(path.name, of_archives)]
    if not archives:
        raise InputError(
            "There is no archive to unpack.",
            where=folder,
            found=of_archives or None,
            expected=f"*{ENDING}",
            remedy="give the folder with the publisher's archives, and patterns that match some of them",
        )
    tables = [unpack_once(archive, target, of_files, limits or Limits()) for archive in archives]
    files = pd.concat(tables, ignore_index=True).drop_duplicates("path", keep="last")
    if files.empty:
        raise InputError(
            "The selection leaves no file of the archives.",
            where=folder,
            found=of_files,
            expected="patterns such as ROIs1158_spring/s1_*/*",
        )
    return files.sort_values("path", ignore_index=True)


def unpack_once(archive: Path, target: Path, select: Sequence[str], limits: Limits) -> pd.DataFrame:
    """Unpack an archive unless that is done; list its files."""
    work = partial(unpack_archive, archive, target, select, limits)
    return _once(archive.parent, archive.name, target, select, work)


def gunzip_once(folder: Path, path: str, target: Path) -> pd.DataFrame:
    """Unpack a single packed file unless that is done; what `gunzip` returns."""
    return _once(folder, path, target, [], partial(gunzip, folder, path, target))


def _once(
    folder: Path, packed: str, target: Path, select: Sequence[str], work: Callable[[], pd.DataFrame]
) -> pd.DataFrame:
    """Unpack by `work`, unless a marker in ``<target>/.unpacked`` says that it is done; list the files.

    The marker is the list of the files. It is named after length and time of the packed file and the
    selection, and written last.
    """
    causes.check_regular(folder / packed)
    status = (folder / packed).stat()
    key = checksums.checksum_of([packed, status.st_size, status.st_mtime_ns, sorted(select)])[:16]
    marker = target / borders.MARKERS / f"{packed}.{key}.tsv"
    if marker.is_file():
        files = read_tsv(marker, FILES)
        if all(_has(target, path, length) for path, length in zip(files["path"], files["bytes"], strict=True)):
            print(f"{packed}: unpacked already ({len(files)} files)", file=sys.stderr)
            return files
    files = work()
    write_tsv(marker, files, FILES)
    return files


def _has(target: Path, path: str, length: int) -> bool:
    try:
        return (target / path).stat().st_size == length
    except FileNotFoundError:
        return False


def unpack_archive(
    archive: Path, target: Path, select: Sequence[str] = (), limits: Limits | None = None
) -> pd.DataFrame:
    """Unpack the selected files of one archive, each whole or not at all; see `unpack_all`."""
    rows: list[tuple[str, int]] = []
    ignored = 0
    with borders.guarded(archive, "gzip", "An archive ends early or is damaged."):
        for member, content in members(archive, target, limits or Limits()):
            path = PurePosixPath(member.name).as_posix()  # without ./
            if clutter.is_clutter(path):
                ignored += 1
            elif selected(path, select):
                _write(target / path, content)
                rows.append((path, member.size))
                if len(rows) % 5000 == 0:
                    print(f"{archive.name}: {len(rows)} files", file=sys.stderr)
    note = f"; ignored: {ignored} that a system has left" if ignored else ""
    print(f"{archive.name}: {len(rows)} files unpacked{note}", file=sys.stderr)
    return _table(rows).drop_duplicates("path", keep="last").sort_values("path", ignore_index=True)


def gunzip(folder: Path, path: str, target: Path) -> pd.DataFrame:
    """Unpack a single packed file, whole or not at all.

    Parameters
    ----------
    folder : Path
        The folder with the packed file.
    path : str
        Its path there, ending in ``.gz``.
    target : Path
        The folder to unpack into; the path below it is kept, without ``.gz``.

    Returns
    -------
    DataFrame
        `path` (below `target`) and `bytes` of the unpacked file (`FILES`).

    Raises
    ------
    InputError
        If the file is no gzip file, is damaged or ends early, or if more is in it than its own header says.
    """
    packed, unpacked = folder / path, path.removesuffix(GZIP)
    problem = "A packed file ends early or is damaged."
    if (cause := causes.of_file(packed, "gzip")) and cause == causes.HDF5:
        cause = causes.Cause("an HDF5 file that is unpacked already", f"rename it: {unpacked}")
    if cause:
        raise InputError(problem, where=packed, found=cause.found, expected="a whole gzip file", remedy=cause.remedy)
    with (
        replacing(target / unpacked) as beside,
        open(packed, "rb") as source,
        gzip.open(source) as content,
        open(beside, "wb") as output,
        Progress(f"{path}, unpacked from", source.tell, packed.stat().st_size, [sys.stderr]),
    ):
        with borders.guarded(packed, "gzip", problem):
            most = _most_bytes(packed, content.peek(causes.HEAD), target)
            while piece := content.read(1 << 20):
                if output.write(piece) and output.tell() > most:
                    raise _too_much(packed, output.tell(), most)
            if not output.tell():
                raise EOFError("nothing is in it")
        length = output.tell()
    return _table([(unpacked, length)])


def _most_bytes(packed: Path, head: bytes, target: Path) -> int:
    """Bytes that a packed file may unpack to: as the HDF5 file in it says, but never more than the disk has free."""
    most, free = hdf5.declared_size(head) or MOST_BYTES, shutil.disk_usage(target).free
    if most > MOST_BYTES:
        raise _too_much(packed, most, MOST_BYTES)
    if most > free and hdf5.declared_size(head):
        raise InputError(
            "The disk has no room to unpack a file.",
            where=packed,
            found=f"{free} B free",
            expected=f"{most} B",
            remedy="make room, or use a folder on another disk",
        )
    return min(most, free)


def _too_much(packed: Path, size: int, most: int) -> InputError:
    return InputError(
        "A packed file unpacks to more than it should.",
        where=packed,
        found=f"{size} B or more",
        expected=f"at most {most} B",
        remedy="this is not the publisher's file: fetch it again",
    )


def _table(rows: Sequence[tuple[str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(FILES.columns)).astype({"path": "str", "bytes": "int64"})


def _write(path: Path, content: BinaryIO) -> None:
    """Write one file, whole or not at all."""
    with replacing(path) as beside, open(beside, "wb") as stream:
        shutil.copyfileobj(content, stream, 1 << 20)
