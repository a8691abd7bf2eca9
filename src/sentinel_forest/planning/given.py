"""Files of a user's that the configuration names: a version is made of what they hold, wherever they lie."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import checksum_of, file_checksum

SECTIONS = {
    "external": ("file", "keys"),
    "predictions": ("file", "truth"),
    "audits": ("lists",),
    "published_patches": (),
}
"""Sections of the configuration with files of each entry; no keys: the entry is a file itself."""
Stamp = tuple[str, int, int]


def files(config: Mapping[str, Any]) -> dict[str, str]:
    """Where the files lie, by the key that names them.

    >>> files({"predictions": {"net": {"file": "net.csv", "truth": ""}}, "published_patches": {"mine": "table.csv"}})
    {'predictions.net.file': 'net.csv', 'published_patches.mine': 'table.csv'}
    """
    found: dict[str, str] = {}
    for section, parts in SECTIONS.items():
        for name, entry in config.get(section, {}).items():
            named: dict[str, str] = {f"{section}.{name}.{part}": entry.get(part) for part in parts}
            found |= named or {f"{section}.{name}": entry}
    return {key: path for key, path in found.items() if path}


def with_files(config: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """A configuration with other values in the places of files, by the keys of `files`."""
    changed = dict(config)
    for section, parts in SECTIONS.items():
        entries = {}
        for name, entry in config.get(section, {}).items():
            key = f"{section}.{name}"
            given = {part: values[f"{key}.{part}"] for part in parts if f"{key}.{part}" in values}
            entries[name] = {**entry, **given} if parts else values.get(key, entry)
        if section in config:
            changed[section] = entries
    return changed


def by_checksum(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with the checksum of each file in the place of its path; tables of no used set are left out."""
    used = {name: each for name, each in config["external"].items() if name in config["feature_sets"]}
    kept = {**config, "external": used}
    return with_files(kept, {key: f"sha256:{checksum(Path(path))}" for key, path in files(kept).items()})


def checksum(path: Path) -> str:
    """SHA-256 (hex) of a file, or of the names and checksums of all files of a folder."""
    if not path.is_dir():
        return _checksum(str(path), _stamp(path))
    return checksum_of(
        {each.relative_to(path).as_posix(): checksum(each) for each in path.rglob("*") if each.is_file()}
    )


@cache
def _checksum(path: str, stamp: Stamp) -> str:
    return file_checksum(Path(path))


def _stamp(path: Path) -> Stamp:
    """What tells within one process whether a file is still the same."""
    state = path.stat()
    return str(path.resolve()), state.st_size, state.st_mtime_ns


def found_again(config: Mapping[str, Any], told: list[str]) -> dict[str, Any]:
    """A sealed configuration, with the paths of its files instead of their checksums.

    Parameters
    ----------
    config : mapping
        What `by_checksum` made.
    told : list of str
        Where the files lie now: ``KEY=PATH``, with the keys of `files`. Others are ignored.

    Raises
    ------
    InputError
        If nobody says where a file lies, or it is not the one that the version was made of.
    """
    lying = dict(text.partition("=")[::2] for text in told)
    for key, sealed in files(config).items():
        path = Path(lying.get(key, ""))
        now = f"sha256:{checksum(path)}" if key in lying and path.exists() else ""
        if now != sealed:
            raise InputError(
                "A file that the version was made of is needed.",
                where=f"key '{key}'",
                found=f"{path} with {now[:23]}..." if now else f"no {path}" if key in lying else "nobody says where",
                expected=f"the file with {sealed[:23]}...",
                remedy=f"name it: --files {key}=FILE",
            )
    return with_files(config, lying)
