"""The manifest of a version: which files it has, and whether they are still the same."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sentinel_forest.config.paths import ENVIRONMENT, MANIFEST, VERSION, Places
from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import file_checksum

DRAFT = "draft"
"""Name of the version that is never sealed."""
NAMED = 5
"""Files that a message names at most."""
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def manifest(folder: Path, files: Sequence[Path]) -> str:
    """SHA-256 of files below a folder, sorted by path, in the form that ``sha256sum -c`` reads."""
    lines = [f"{file_checksum(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    return "".join(sorted(lines, key=lambda line: line[66:]))


def read_manifest(path: Path) -> dict[str, str]:
    """SHA-256 (hex) of each file of a manifest, by its path below the folder of the manifest.

    Raises
    ------
    InputError
        If a line is not of the form that `manifest` writes, names a file elsewhere, or one that was named
        before; or if there is no line at all.
    """
    files: dict[str, str] = {}
    lines = path.read_bytes().decode("utf-8", "replace").removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        parts = PurePosixPath(match[2]).parts if match else ()
        if match is None or ".." in parts or parts[0] == "/" or match[2] in files:
            raise InputError(
                "This manifest is damaged.",
                where=f"{path}, line {number}",
                found=repr(line[:80]),
                expected="a SHA-256 in hex, two blanks, and a path below this folder, each path once",
                remedy="put the manifest back from a copy of the version",
            )
        files[match[2]] = match[1]
    return files


def is_sealed(folder: Path) -> bool:
    """Whether a version is finished and must not change."""
    return folder.name != DRAFT and (folder / MANIFEST).is_file()


def version_folder(version: Path) -> Path:
    """Find the folder of a version that a command names: by its path, or by its name below ``results``.

    Examples
    --------
    >>> version_folder(Path("mine-v1")).as_posix(), version_folder(Path("results/mine-v1")).as_posix()
    ('results/mine-v1', 'results/mine-v1')
    """
    below = Places.versions / version
    is_folder = (version / VERSION).is_file() or (version.is_dir() and not below.is_dir())
    return version if is_folder or len(version.parts) != 1 else below


def read_version(folder: Path) -> dict[str, Any]:
    """Hold all files of a finished version against its manifest, then read its description.

    Whoever makes something from a finished version (report, crate, comparison) starts here.

    Parameters
    ----------
    folder : Path
        Folder of the version.

    Returns
    -------
    dict
        Contents of ``version.json`` and of ``environment.json``: the keys ``configuration``, ``identity``,
        ``skipped`` and ``accepted``, and ``commit`` with its date ``committed`` (None if unknown) and ``environment``
        (empty if unknown).

    Raises
    ------
    InputError
        If the folder holds no finished version, or files are missing or differ from the manifest.
    """
    if not (folder / VERSION).is_file() or not (folder / MANIFEST).is_file():
        raise InputError(
            "This folder holds no finished version.",
            where=folder,
            expected=f"{VERSION} and {MANIFEST}",
            remedy="run the workflow to its end, or name one of the folders under results/",
        )
    hold_files(folder)
    unknown: dict[str, Any] = {"commit": None, "committed": None, "environment": {}}
    machine = folder / ENVIRONMENT
    written = json.loads(machine.read_text(encoding="utf-8")) if machine.is_file() else {}
    return unknown | written | dict(json.loads((folder / VERSION).read_text(encoding="utf-8")))


def damages(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with files of a version, by their path; nothing if they are what the manifest says.

    Parameters
    ----------
    folder : Path
        Folder of the version.
    files : mapping
        See `read_manifest`.
    """
    found = {}
    for name, sealed in files.items():
        try:
            now = file_checksum(folder / name)
        except (FileNotFoundError, NotADirectoryError):
            found[name] = "is missing"
        except OSError as error:
            found[name] = f"cannot be read ({error.strerror})"
        else:
            if now != sealed:
                found[name] = f"has SHA-256 {now[:12]}, in the manifest {sealed[:12]}"
    return found


def hold_files(folder: Path, only: Sequence[str] = ()) -> None:
    """Stop if a file of a finished version is not what its manifest says.

    Parameters
    ----------
    folder : Path
        Folder of the version.
    only : sequence of str
        Paths below the folder, where not all files are looked at.

    Raises
    ------
    InputError
        With the files that are missing, others, or (of `only`) not in the manifest.
    """
    files = read_manifest(folder / MANIFEST)
    wanted = {name: files[name] for name in only or files if name in files}
    found = damages(folder, wanted) | {name: "is not in the manifest" for name in only if name not in files}
    if found:
        rows = [f"{name} {what}" for name, what in list(found.items())[:NAMED]]
        rows += [f"and {len(found) - NAMED} more"] if len(found) > NAMED else []
        raise InputError(
            f"Files of version {folder.name!r} are not those that its manifest names.",
            where=folder / MANIFEST,
            found=f"{len(found)} of {len(only or files)} files\n    " + "\n    ".join(rows),
            remedy="put them back from a copy of the version; or, to compute it again, remove "
            f"{folder / MANIFEST} with these files and call snakemake as for the first time",
        )
