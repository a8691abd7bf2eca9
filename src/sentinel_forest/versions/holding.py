"""What may be done with a finished version: nothing is computed over it, nothing is made from other files."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentinel_forest.acquire.history import Seen
from sentinel_forest.config.paths import CHECKSUMS as CHECKSUMS_FILE
from sentinel_forest.config.paths import MANIFEST, VERSION, Places, place
from sentinel_forest.config.validation import leaves
from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import canonical, checksum_of
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.planning.selection import Selection
from sentinel_forest.verify.inspect import CHECKSUMS
from sentinel_forest.versions.manifest import NAMED, hold_files, is_sealed, read_manifest
from sentinel_forest.versions.seal import identity, settings

WIDTH = 60
"""Characters of a value that a message shows."""


def hold(folder: Path, asked: Mapping[str, Any], configuration: Mapping[str, Any], data: Mapping[str, str]) -> None:
    """Stop if a sealed version has other files than its manifest names, or is asked for with anything else.

    A version that is not sealed is held against nothing.

    Parameters
    ----------
    folder : Path
        Folder of the version.
    asked, configuration : mapping
        `seal.identity` and `seal.settings` of the run that is asked for.
    data : mapping
        `data_checksum` of the releases whose files were read here before.

    Raises
    ------
    InputError
        With the files, or with each key that differs: its sealed value and the one asked for.
    """
    if not is_sealed(folder):
        return
    hold_files(folder)
    now = {"configuration": configuration, "identity": {**asked, "data": data}}
    changes = changed(_description(folder), now)
    if changes:
        shown = changes[:NAMED] + ([f"and {len(changes) - NAMED} more"] if len(changes) > NAMED else [])
        raise InputError(
            f"Version {folder.name!r} is finished and sealed; this run would give it other results.",
            where=folder / VERSION,
            found="\n    " + "\n    ".join(shown),
            remedy="give the run a new name (--config version=NAME; draft while you work on code), "
            f"or compute the sealed version again beside it: sentinel-forest check --version {folder.name}",
        )


def hold_run(selection: Selection, places: Places, seen: Mapping[str, Seen]) -> None:
    """Hold a sealed version against a run that is asked for under its name; see `hold`.

    Parameters
    ----------
    selection : Selection
        What the run consists of.
    places : Places
        Where it lies.
    seen : mapping
        What was read of each release before.
    """
    if not is_sealed(places.results):
        return
    for name in selection.releases:
        _hold_missing(places.data / name, places.work / place(CHECKSUMS_FILE, release=name), seen[name])
    read = {
        name: data_checksum(places.work / place(CHECKSUMS_FILE, release=name), seen[name], selection.paths[name])
        for name in selection.releases
    }
    described = selection.described
    data = {name: checksum for name, checksum in read.items() if checksum}
    hold(places.results, identity(described, selection.releases), settings(described), data)


def _hold_missing(folder: Path, checksums: Path, seen: Seen) -> None:
    """Stop if files in the table of checksums are not there any more: missing data are no other data."""
    read = set(read_tsv(checksums, CHECKSUMS)["path"]) if checksums.is_file() else set()
    missing = [path for path in seen.missing() if path in read]
    if missing:
        raise InputError(
            "Files of a finished version's release are missing.",
            where=folder,
            found=f"{len(missing)} of {len(read)} files are not there, e.g. {missing[0]}",
            expected="the files that the version was made from",
            remedy="put them back (mount the disk, copy them); or write them again under another version's name, with "
            "the same configuration: snakemake fetch --config version=restored --forcerun sample link download",
        )


def hold_jobs(folder: Path, outputs: Iterable[str]) -> None:
    """Stop before jobs write files of a sealed version again.

    Parameters
    ----------
    folder : Path
        Folder of the version.
    outputs : iterable of str
        Paths of the files that the jobs would write.

    Raises
    ------
    InputError
        If a file of a sealed version is among them.
    """
    files = {str(folder / name) for name in read_manifest(folder / MANIFEST)} if is_sealed(folder) else set()
    again = sorted(files & set(outputs))
    if again:
        raise InputError(
            f"Version {folder.name!r} is finished and sealed; this call would write its files again.",
            where=folder,
            found=f"{len(again)} of {len(files)} files, e.g. {again[0]}",
            remedy="after a copy, which gives files new dates, or after a version with another `accept`, `select`, "
            "`draw`, `shards` or feature set of the same name, add --touch to this call once; to compute the version "
            f"again beside itself: sentinel-forest check --version {folder.name}",
        )


def unsealed(places: Places, path: str) -> list[str]:
    """For an input: a file of a version, unless it is sealed; then it is there, and no rule makes it again."""
    return [] if is_sealed(places.results) else [(places.results / path).as_posix()]


def changed(sealed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions of a version, in words: settings, code, papers, registry entries, data.

    Parameters
    ----------
    sealed, now : mapping
        With the keys ``configuration`` and ``identity``, as in ``version.json``.
    """
    of_settings = _changed_settings(sealed["configuration"], now["configuration"])
    return of_settings + _changed_identity(sealed["identity"], now["identity"])


def data_checksum(checksums: Path, seen: Seen, selected: Sequence[str] = ()) -> str | None:
    """Checksum of the files in a table of checksums, as they were last read.

    None if there is no table, or if it is of more or of fewer files than those `selected` now: another
    version has read another part of the release.
    """
    if not checksums.is_file():
        return None
    states = seen.states()
    table = read_tsv(checksums, CHECKSUMS)
    read, wanted = set(table["path"]), set(selected)
    if wanted and (read < wanted or wanted < read):
        return None
    now = [
        [path, states[path].sha256 if path in states else sha]
        for path, sha in zip(table["path"], table["sha256"], strict=True)
    ]
    return checksum_of(now)


def _description(folder: Path) -> dict[str, Any]:
    """What a finished version says of itself; versions that were sealed before its file was in the manifest, too."""
    path = folder / VERSION
    try:
        description = dict(json.loads(path.read_bytes()))
        identity = description["identity"]
        if all(
            isinstance(part, dict) for part in (description["configuration"], identity["registry"], identity["data"])
        ):
            return description
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass
    raise InputError(
        f"Version {folder.name!r} is finished and sealed, but does not say any more what made it.",
        where=path,
        found="a damaged file" if path.is_file() else "no such file",
        expected="the description that was written with the manifest",
        remedy="put it back from a copy of the version, or give the run a new name (--config version=NAME)",
    )


def _changed_settings(sealed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Each key of the configuration whose value differs, with both values."""
    before, after = dict(leaves(sealed)), dict(leaves(now))
    absent = object()
    return [
        f"{key}: sealed with {_shown(before.get(key, absent), absent)}, now {_shown(after.get(key, absent), absent)}"
        for key in sorted({*before, *after})
        if key not in before or key not in after or canonical(before[key]) != canonical(after[key])
    ]


def _shown(value: object, absent: object) -> str:
    """A value of the configuration for a message."""
    text = "nothing" if value is absent else canonical(value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."


def _changed_identity(sealed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Which checksums of code, papers, registry entries and data differ; data that were not read again do not count."""
    rows = []
    for key in ("code", "papers"):
        if key in sealed and sealed[key] != now[key]:  # versions before 'papers' have no checksum of them
            rows.append(f"{key}: sealed with {sealed[key][:12]}, now {now[key][:12]}")
    for key in ("registry", "data"):
        for name in sorted({*sealed[key], *now[key]}):
            before, after = sealed[key].get(name), now[key].get(name)
            if before != after and not (key == "data" and after is None):
                rows.append(f"{key} of {name}: sealed with {(before or 'none')[:12]}, now {(after or 'none')[:12]}")
    return rows
