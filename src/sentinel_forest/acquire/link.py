"""A folder that is already on disk as the folder of a release: nothing is copied, packed files are unpacked."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.acquire.fetch import mismatch, prepare_folder
from sentinel_forest.acquire.history import Seen
from sentinel_forest.acquire.places import link_places, place_files
from sentinel_forest.acquire.store import measure
from sentinel_forest.acquire.unpack import ENDING, GZIP, gunzip_once, unpack_all
from sentinel_forest.config.releases import FILES, check_patterns, file_table, find_entry, registered_files, selected
from sentinel_forest.datasets.base import Dataset, File
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import MARKERS
from sentinel_forest.io.tables import replacing, write_tsv
from sentinel_forest.steps import Layout, Output


def link(
    *,
    release: str,
    dataset: str,
    layout: Layout | None = None,
    source: Path,
    select: list[str],
    places: Path | None = None,
    folder: Path,
    output: Output,
) -> None:
    """Use a folder that is already on disk as the folder of a release; nothing is copied.

    Parameters
    ----------
    release : str
        Its name; archives of a registered release are held against their published checksums.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    source : Path
        Folder with the publisher's files.
    select : list of str
        Patterns of the files that are used; none for all.
    places : Path, optional
        Folder of another version of the same rows, whose files of places are linked beside those of the source.
    folder : Path
        Folder of the release, to be made.
    output : Path
        Table of its files, `sentinel_forest.config.releases.FILES`.
    """
    if archives := packed(source, select):
        if entry := find_entry(release):
            check_checksums(source, archives, registered_files(entry))
        if folder.is_symlink():
            folder.unlink()
        files = unpack_all(source, folder, select)
    else:
        opened = datasets.load(dataset, layout)
        paths = _chosen(opened, source, select, release)
        entry = find_entry(release) or {}
        unpacked = [path.removesuffix(GZIP) for path in paths]
        lacking = place_files(opened, entry, unpacked, places) if places else {}
        files = link_files(source, folder, paths, bool(lacking))
        files = pd.concat([files, link_places(lacking, folder)]).sort_values("path", ignore_index=True)
    write_tsv(output, files, FILES)


def _chosen(dataset: Dataset, source: Path, select: Sequence[str], release: str) -> list[str]:
    """Paths of the selected files of a folder; a packed file may be selected by the name of what is in it."""
    listed = dataset.list_files(source)
    plain = [path.removesuffix(GZIP) for path in listed]
    check_patterns(select, [*listed, *plain], release)
    return [
        path
        for path, unpacked in zip(listed, plain, strict=True)
        if selected(path, select) or selected(unpacked, select)
    ]


def link_files(source: Path, folder: Path, paths: Sequence[str], one_by_one: bool = False) -> pd.DataFrame:
    """Make `folder` a link to `source`, or, where some of its files are packed or more are to lie beside them, see
    `link_unpacked`; its files."""
    if one_by_one or any(path.endswith(GZIP) for path in paths):
        return link_unpacked(source, folder, paths)
    link_folder(source, folder)
    return file_table(folder, paths)


def packed(source: Path, select: Sequence[str]) -> list[str]:
    """Names of the selected archives of tiles in a folder."""
    archives = sorted(path.name for path in source.glob(f"*{ENDING}"))
    chosen = [pattern for pattern in select if pattern.endswith(ENDING)]
    return [name for name in archives if selected(name, chosen)]


def check_checksums(source: Path, names: Sequence[str], files: Sequence[File]) -> None:
    """Hold archives against their published checksums, before anything is unpacked from them.

    Raises
    ------
    InputError
        At the first that differs.
    """
    registered = {file.path: file for file in files}
    for name in names:
        if name in registered and (wrong := mismatch(registered[name], measure(source / name, ["md5"]))):
            raise InputError(
                "An archive is not the published one.",
                where=source / name,
                found=wrong,
                expected="the publisher's bytes",
                remedy="fetch the archive again",
            )


def link_folder(source: Path, folder: Path) -> None:
    """Make `folder` a symbolic link to `source`; a link from an earlier run is replaced.

    Raises
    ------
    InputError
        If `folder` is a real folder: it holds files that are not to be lost.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir() and not folder.is_symlink():
        raise _holds_files(folder, source)
    if folder.is_symlink() and folder.resolve() != source.resolve():
        Seen(folder.parent, folder.name).forget()
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    beside.symlink_to(source.resolve(), target_is_directory=True)
    os.replace(beside, folder)


def _holds_files(folder: Path, source: Path) -> InputError:
    return InputError(
        "The release's folder already holds fetched files.",
        where=folder,
        expected=f"no folder, so that it can link to {source}",
        remedy="move it away, or take the release out of `folders`",
    )


def link_unpacked(source: Path, folder: Path, paths: Sequence[str]) -> pd.DataFrame:
    """Make `folder` a real folder with the packed files of `source` unpacked, and links to its other files.

    Returns
    -------
    DataFrame
        The files (schema `releases.FILES`).

    Raises
    ------
    InputError
        If `folder` holds files that were not unpacked here, or a packed file is damaged.
    """
    if folder.is_dir() and not (folder.is_symlink() or (folder / MARKERS).is_dir()):
        raise _holds_files(folder, source)
    prepare_folder(folder)
    (folder / MARKERS).mkdir(exist_ok=True)
    plain = [path for path in paths if not path.endswith(GZIP)]
    for path in plain:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(folder / path) as beside:
            beside.symlink_to((source / path).resolve())
    tables = [gunzip_once(source, path, folder) for path in paths if path not in plain]
    return pd.concat([file_table(folder, plain), *tables]).sort_values("path", ignore_index=True)
