"""The files of a release into the data folder: here, a link to a folder that is already on disk."""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from . import datasets
from .errors import InputError, run
from .releases import FILES, file_table, selected
from .seen import Seen
from .tables import write_tsv


def main(argv: Sequence[str] | None = None) -> None:
    """Link a folder with the publisher's files as the release's folder; list its files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--layout", type=json.loads, default={})
    parser.add_argument("--source", type=Path, required=True, help="folder with the publisher's files")
    parser.add_argument("--select", type=json.loads, default=[], help="JSON list of patterns")
    parser.add_argument("--folder", type=Path, required=True, help="folder of the release, to be made")
    parser.add_argument("--files", type=Path, required=True)
    arguments = parser.parse_args(argv)
    link(arguments.source, arguments.folder)
    dataset = datasets.load(arguments.dataset, arguments.layout)
    paths = [path for path in dataset.list_files(arguments.folder) if selected(path, arguments.select)]
    if not paths:
        raise InputError(
            "The selection leaves no file.", where=arguments.source, found=arguments.select,
            expected=f"patterns of files of dataset {arguments.dataset}",
        )  # fmt: skip
    write_tsv(arguments.files, file_table(arguments.folder, paths), FILES)


def link(source: Path, folder: Path) -> None:
    """Make `folder` a symbolic link to `source`; a link from an earlier run is replaced.

    Raises
    ------
    InputError
        If `folder` is a real folder: it holds files that are not to be lost.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir() and not folder.is_symlink():
        raise InputError(
            "The release's folder already holds fetched files.", where=folder,
            expected=f"no folder, so that it can link to {source}",
            remedy="move it away, or take the release out of `folders`",
        )  # fmt: skip
    if folder.is_symlink() and folder.resolve() != source.resolve():
        Seen(folder.parent, folder.name).forget()
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    beside.symlink_to(source.resolve(), target_is_directory=True)
    os.replace(beside, folder)


if __name__ == "__main__":
    run(main)
