"""The files of a release from its addresses, by way of the store; what is packed is unpacked."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.acquire.addresses import located, needed
from sentinel_forest.acquire.fetch import MOST_FILES, obtain_all, prepare_folder
from sentinel_forest.acquire.means import Means, means_of
from sentinel_forest.acquire.places import link_places, place_files
from sentinel_forest.acquire.store import StoppedError, Store, root_of
from sentinel_forest.acquire.transfer import Patience
from sentinel_forest.acquire.unpack import ENDING, gunzip_once, unpack_all
from sentinel_forest.config.releases import FILES, file_table, read_entry, registered_files
from sentinel_forest.datasets.base import File
from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import write_tsv
from sentinel_forest.steps import Layout, Output


def download(
    *,
    release: str,
    dataset: str,
    layout: Layout | None = None,
    select: list[str],
    places: Path | None = None,
    folder: Path,
    output: Output,
    log: Output = Path(os.devnull),
    parallel: int = MOST_FILES,
    attempts: int = Patience.attempts,
    wait: float = Patience.wait,
    timeout: int = Patience.timeout,
    recheck: bool = False,
) -> None:
    """Fetch the files of a release into the store; those that are there are only linked.

    Parameters
    ----------
    release : str
        Its name in the registry.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    select : list of str
        Patterns of the files that are used; none for all.
    places : Path, optional
        Folder of another version of the same rows, whose files of places are linked beside those of the release.
    folder : Path
        Folder of the release, to be made; the store lies beside it unless SENTINEL_FOREST_STORE names another.
    output : Path
        Table of its files, `sentinel_forest.config.releases.FILES`.
    log : Path
        What the terminal shows, as plain lines.
    parallel : int
        Files at a time.
    attempts : int
        Vain attempts in a row before giving up.
    wait : float
        Seconds after the first vain attempt; longer after the next ones.
    timeout : int
        Seconds without a byte.
    recheck : bool
        Read stored files again, and set damaged ones aside.
    """
    patience = Patience(attempts, wait, timeout=timeout)
    with open(log, "w", encoding="utf-8") as lines:
        try:
            entry = read_entry(release)
            means = replace(means_of(entry, Store(root_of(folder.parent)), patience), streams=(sys.stderr, lines))
            files = registered_files(entry, select)
            opened = datasets.load(dataset, layout)
            table = fetched(files, folder, select, means, parallel, recheck)
            lacking = place_files(opened, entry, list(table["path"]), places) if places else {}
            table = pd.concat([table, link_places(lacking, folder)]).sort_values("path", ignore_index=True)
            write_tsv(output, table, FILES)
        except InputError as error:
            lines.write(f"error: {error}\n")
            raise


def fetched(
    files: Sequence[File], folder: Path, select: Sequence[str], means: Means, parallel: int, recheck: bool
) -> pd.DataFrame:
    """Bring files into a folder and unpack them; all files that are there then (schema `releases.FILES`).

    A signal to end stops the transfers, which keep what has arrived.

    Raises
    ------
    InputError
        If a file cannot be had, the disk is too small, or the transfers were stopped.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: means.stop.set())
    files, notes = needed(files)
    for note in notes:
        means.say(note)
    try:
        files = located(files, folder, means)
        prepare_folder(folder)
        stored = obtain_all(files, folder, means, parallel, recheck)
    except StoppedError:
        raise InputError("Stopped.", where=folder, remedy="start again: what has arrived is kept") from None
    for file in files:
        means.store.hand_out(stored[file.path], folder / file.path)
    return unpacked(files, folder, select)


def unpacked(files: Sequence[File], folder: Path, select: Sequence[str] = ()) -> pd.DataFrame:
    """Unpack the archives among the files; all files of the release (schema `releases.FILES`).

    Where there are archives alone, the patterns of `select` choose files in them, see `unpack_all`.
    """
    archives = [file.path for file in files if file.role == "archive"]
    table = file_table(folder, [file.path for file in files if file.role != "archive"])
    of_tiles = [path for path in archives if path.endswith(ENDING)]
    inside = [pattern for pattern in select if not pattern.endswith(ENDING)] if table.empty else []
    tables = [table, unpack_all(folder, folder, [*of_tiles, *inside])] if of_tiles else [table]
    tables += [gunzip_once(folder, path, folder) for path in archives if path not in of_tiles]
    return pd.concat(tables, ignore_index=True).sort_values("path", ignore_index=True)
