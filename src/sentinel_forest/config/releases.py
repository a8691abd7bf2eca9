"""The registry: which releases there are, and which of their files a run uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentinel_forest.config.files import File
from sentinel_forest.config.registry import RegistryEntry
from sentinel_forest.config.validation import nearest, parse, read_yaml
from sentinel_forest.errors import InputError
from sentinel_forest.io import causes
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.borders import (
    checked_name,
    control_character,
    expanded,
    quoted,
    shown,
    wrong_address,
    wrong_checksum,
    wrong_path,
)
from sentinel_forest.io.lazy import lazy
from sentinel_forest.registry import RELEASES

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

FILES = pa.DataFrameSchema({"path": pa.Column("str", unique=True), "bytes": pa.Column("int64")}, strict=True)
"""Files of a release that were found: path below its folder, length in bytes."""

OWN = Path("config") / "releases"
"""A user's own entries, below the working directory: they are looked at before those of the package."""


@dataclass(frozen=True)
class Release:
    """A release as a run uses it.

    `folder` is where the publisher's files already lie (None: they are fetched or, with `sample`
    settings, written by the scene model); `places` is where another version's files of places lie; `files` are
    the registered files that are selected (none for own releases and samples); `entry` is the whole registry
    entry; `vocabulary` is what the configuration adds to the dataset's, see `sentinel_forest.datasets.vocabulary`.
    """

    name: str
    dataset: str
    title: str
    licence: str
    shards: int
    layout: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    places: Path | None = None
    sample: dict[str, Any] | None = None
    files: tuple[File, ...] = ()
    select: tuple[str, ...] = ()
    entry: dict[str, Any] = field(default_factory=dict)
    vocabulary: dict[str, Any] = field(default_factory=dict)

    @property
    def opened(self) -> dict[str, Any]:
        """What the dataset is opened with where features and classes count: its layout, and what is added to it."""
        return {**self.layout, **self.vocabulary}

    def of_set(self, feature_set: str | None) -> Release:
        """The release with one of the feature sets that a configuration adds: what is computed for one depends on no
        other."""
        sets = self.vocabulary.get("feature_sets", {})
        if feature_set is None or not sets:
            return self
        kept = {name: each for name, each in sets.items() if name == feature_set}
        others = {key: value for key, value in self.vocabulary.items() if key != "feature_sets"}
        return replace(self, vocabulary=others | ({"feature_sets": kept} if kept else {}))

    @property
    def is_sample(self) -> bool:
        """Whether its pixels come from the scene model."""
        return self.sample is not None


def registered(own: Path = OWN) -> list[str]:
    """Names of the releases in the registry: a folder of the user's own entries, and the package.

    Raises
    ------
    InputError
        If a file of the user's looks like an entry and would not be read.
    """
    for path in sorted(own.glob("*")):
        if path.is_file() and path.suffix != ".yaml" and path.suffix.lower() in (".yml", ".yaml"):
            raise InputError(
                "An entry of the registry would not be read.",
                where=path,
                found=path.name,
                expected=f"{path.stem}.yaml",
                remedy="rename the file, or move it elsewhere",
            )
    return sorted({path.stem for folder in (own, RELEASES) for path in folder.glob("*.yaml")})


def find_entry(name: str, own: Path = OWN) -> dict[str, Any] | None:
    """The registry entry of a release, see `read_entry`; None for a release that is only configured."""
    known = checked_name(name, "the name of a release") in registered(own)
    return read_entry(name, own) if known else None


def read_entry(name: str, own: Path = OWN) -> dict[str, Any]:
    """The registry entry of a release, checked and completed; an entry of the user's own comes first.

    Raises
    ------
    InputError
        If the name is none or not registered, the file breaks its model, or its `release` is not the file's
        name.
    """
    path = _path_of(checked_name(name, "the name of a release"), own)
    entry = parse(RegistryEntry.model_validate, read_yaml(path), path)
    if entry.release != name:
        raise InputError(
            "A registry file and its release differ in name.", where=path, found=entry.release, expected=name
        )
    return entry.model_dump()


def _path_of(name: str, own: Path) -> Path:
    """The file of a registry entry."""
    for folder in (own, RELEASES):
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise InputError(
        "No such release is registered.",
        where=f"{own} and the package's registry",
        found=name,
        expected=nearest(name, registered(own)),
        remedy=f"correct the name, or describe the release in {own / f'{name}.yaml'}",
    )


def registered_files(entry: Mapping[str, Any], select: Sequence[str] = ()) -> tuple[File, ...]:
    """The files of a registry entry that are selected.

    Where all of them are archives, patterns of the files in them are left to those who unpack.

    Raises
    ------
    InputError
        If a pattern matches no file, or a path, a checksum or an address is none.
    """
    files = tuple(
        File(
            path=item["path"],
            size=item["bytes"],
            checksums=item["checksums"] or {},
            addresses=tuple(item["addresses"]) or tuple(entry["sources"]),
            role=item["role"],
            facts=item["facts"],
            about=item.get("about_bytes"),
            about_unpacked=item.get("about_unpacked_bytes"),
        )
        for item in entry["files"]
    )
    for file in files:
        _check_file(file, entry["release"])
    of_archives = all(is_archive(file.path) for file in files)
    about = [pattern for pattern in select if is_archive(pattern) or not of_archives]
    check_patterns(about, [file.path for file in files], entry["release"])
    return tuple(file for file in files if _matches(file.path, about))


def _check_file(file: File, release: str) -> None:
    """Raise `InputError` for a file whose path, checksums or addresses are none."""
    values = [
        ("path", file.path, wrong_path(file.path)),
        *((name, value, wrong_checksum(name, value)) for name, value in file.checksums.items()),
        *(("address", shown(address), wrong_address(address)) for address in file.addresses),
    ]
    for kind, value, wrong in values:
        if wrong:
            raise InputError(
                f"A file of the registry has a wrong {kind}.",
                where=f"release {release}, file {quoted(file.path)}",
                found=quoted(value),
                expected=wrong,
                remedy="correct the registry entry",
            )


def selected(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path is wanted: it matches one of the patterns, or there are none.

    Patterns that end in ``.tar.gz`` are about archives, the others about all other files.
    """
    return _matches(path, [pattern for pattern in patterns if is_archive(pattern) == is_archive(path)])


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(path, pattern) for pattern in patterns)


def is_archive(path: str) -> bool:
    """Whether a path, or a pattern of paths, is that of an archive of files."""
    return path.endswith(".tar.gz")


def file_table(folder: Path, paths: Sequence[str]) -> pd.DataFrame:
    """Paths below a folder with their lengths in bytes, sorted (schema `FILES`).

    Raises
    ------
    InputError
        If the name of a file cannot stand in one line of a table, or there is no file of that name.
    """
    for path in paths:
        if wrong := control_character(path):
            raise InputError(
                "The name of a file cannot be written down.",
                where=folder,
                found=quoted(path),
                expected=f"no control characters; {wrong}",
                remedy="rename the file",
            )
    rows = [(path, causes.length_of(folder / path)) for path in sorted(paths)]
    return pd.DataFrame(rows, columns=list(FILES.columns)).astype({"path": "str", "bytes": "int64"})


def resolve(config: Mapping[str, Any], own_entries: Path = OWN) -> dict[str, Release]:
    """The releases that a configuration names, in its order.

    Raises
    ------
    InputError
        For a name that is neither registered nor an own release, and for settings
        (`folders`, `select`, `shards`, ...) of releases that are not selected.
    """
    _check_names(config, own_entries)
    return {name: _release(name, config, own_entries) for name in config["releases"]}


def _check_names(config: Mapping[str, Any], own_entries: Path) -> None:
    for key in ("releases", "own_releases"):
        for name in config[key]:
            checked_name(name, f"key {key!r}")
    known = registered(own_entries)
    own = set(config["own_releases"])
    both = sorted(own & set(known))
    if both:
        raise InputError(
            "An own release has the name of a registered one.",
            where=f"own_releases.{both[0]}",
            found=both[0],
            remedy="rename it, or point `folders` at the files of the registered release",
        )
    for name in config["releases"]:
        if name not in own and name not in known:
            raise InputError(
                "Unknown release.", where="key 'releases'", found=name, expected=nearest(name, own | set(known))
            )
    for key in ("folders", "places", "select", "shards", "accept", "transfer"):
        for name in config[key]:
            if name not in config["releases"]:
                raise InputError(
                    "A setting names a release that is not selected.",
                    where=f"key {key!r}",
                    found=name,
                    expected=nearest(name, config["releases"]),
                )


def _release(name: str, config: Mapping[str, Any], own_entries: Path) -> Release:
    select = tuple(config["select"].get(name, ()))
    places = config["places"].get(name)
    beside = _existing(places, f"places.{name}").absolute() if places else None
    if name in config["own_releases"]:
        own = config["own_releases"][name]
        return Release(
            name=name,
            dataset=own["dataset"],
            title=name,
            licence=own["licence"],
            layout=own["layout"],
            shards=config["shards"].get(name, own["shards"]),
            select=select,
            folder=_existing(own["folder"], f"own_releases.{name}.folder"),
            places=beside,
        )
    entry = read_entry(name, own_entries)
    folder = config["folders"].get(name)
    for key, found in (("select", ", ".join(select)), ("places", places)):
        if found and entry.get("sample") and not folder:
            raise InputError(
                "A built-in sample is written whole: no part of it can be selected, and nothing be laid beside it.",
                where=f"key '{key}.{name}'",
                found=found,
                remedy="leave the key out",
            )
    return Release(
        name=name,
        dataset=entry["dataset"],
        title=entry["title"],
        licence=entry["licence"],
        layout=entry["layout"],
        shards=config["shards"].get(name, entry["shards"]),
        folder=_existing(folder, f"folders.{name}") if folder else None,
        places=beside,
        sample=entry.get("sample") if not folder else None,
        files=registered_files(entry, select),
        select=select,
        entry=entry,
    )


def _existing(folder: str, key: str) -> Path:
    path = expanded(folder, f"key {key!r}")
    if not path.is_dir():
        raise InputError(
            "There is no such folder.",
            where=f"key {key!r}",
            found=folder,
            remedy="give the folder that holds the files in the publisher's layout",
        )
    return path


def check_patterns(patterns: Sequence[str], paths: Sequence[str], release: str) -> None:
    """Raise `InputError` for a pattern of a release that matches none of the paths."""
    for pattern in patterns:
        if not any(fnmatchcase(path, pattern) for path in paths):
            raise InputError(
                "A pattern selects no file.",
                where=f"key 'select.{release}'",
                found=pattern,
                expected=f"a pattern like {paths[0]!r}" if paths else "a release with registered files",
            )
