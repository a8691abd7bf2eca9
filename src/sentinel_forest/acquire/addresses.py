"""Where the files of a release come from: addresses in full, at fixed revisions, with what a hub has recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

import pandas as pd

from sentinel_forest.acquire import hub
from sentinel_forest.acquire.means import Means
from sentinel_forest.acquire.server import BrokenOffError, RefusedError
from sentinel_forest.config.files import File
from sentinel_forest.errors import InputError
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.borders import quoted
from sentinel_forest.io.tables import read_tsv, write_tsv

REVISIONS = pa.DataFrameSchema(
    {"repository": pa.Column("str"), "revision": pa.Column("str"), "commit": pa.Column("str")}, strict=True
)
"""Commits that revisions of hub repositories stood for when they were first met."""

Found = TypeVar("Found")

Listings = dict[tuple[str, str], dict[str, hub.Listed]]
"""What is known of the files of repositories at commits."""


def needed(files: Sequence[File]) -> tuple[list[File], list[str]]:
    """Files without the archives of which the unpacked file is itself to be had; and notes on these."""
    plain = {file.path for file in files if file.role != "archive" and file.addresses}
    skipped = [file for file in files if file.role == "archive" and file.facts.get("unpacked") in plain]
    names = ", ".join(file.path for file in skipped)
    note = f"not fetched, since the unpacked form is: {names} (to use the packed form, select it alone)"
    return [file for file in files if file not in skipped], [note] if skipped else []


def located(files: Sequence[File], folder: Path, means: Means) -> list[File]:
    """Files with their addresses in full, at fixed revisions of the hub, with the checksums it has recorded.

    The hub is asked only what is not known yet: the commit of a revision is kept in
    ``<folder>.revision``, and a file that is in the store needs no checksum.

    Raises
    ------
    InputError
        If the hub does not answer or refuses, or a file has no address.
    """
    pin_revisions(files, folder, means)
    whole = addressed(files, folder)
    for file in whole:
        if not file.addresses:
            raise InputError("A file has no address.", where=file.path, expected="`sources` in the registry")
    listings: Listings = {}
    return [_with_hub_checksums(file, listings, means) for file in whole]


def _filled(file: File) -> list[str]:
    """The addresses of a file; on the web, its path is quoted."""
    quoted = {"http", "https", "ftp"}
    return [
        address.replace(
            "{path}", quote(file.path) if urlsplit(address).scheme in quoted and not hub.place(address) else file.path
        )
        for address in file.addresses
    ]


def addressed(files: Sequence[File], folder: Path) -> list[File]:
    """Files with their addresses in full; revisions whose commit is known are replaced by it."""
    commits = _commits(folder)
    return [replace(file, addresses=tuple(_pinned(address, commits) for address in _filled(file))) for file in files]


def _pinned(address: str, commits: Mapping[tuple[str, str], str]) -> str:
    place = hub.place(address)
    if place is None:
        return address
    return place._replace(revision=commits.get(place[:2], place.revision)).address


def pin_revisions(files: Sequence[File], folder: Path, means: Means) -> None:
    """Ask the hub for the commits of revisions that may move and are met for the first time."""
    commits = _commits(folder)
    for place in filter(None, (hub.place(address) for file in files for address in _filled(file))):
        if not hub.is_commit(place.revision) and place[:2] not in commits:
            ask_commit = partial(hub.commit, place.repository, place.revision, means.patience.timeout)
            commits[place[:2]] = _of_hub(ask_commit, place, means)
            rows = [(*key, commit) for key, commit in sorted(commits.items())]
            table = pd.DataFrame(rows, columns=list(REVISIONS.columns)).astype("str")
            write_tsv(_revisions(folder), table, REVISIONS)


def _revisions(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.revision")


def _commits(folder: Path) -> dict[tuple[str, str], str]:
    """Known commits by repository and revision."""
    path = _revisions(folder)
    if not path.is_file():
        return {}
    table = read_tsv(path, REVISIONS)
    return dict(zip(zip(table["repository"], table["revision"], strict=True), table["commit"], strict=True))


def _with_hub_checksums(file: File, listings: Listings, means: Means) -> File:
    place = next(filter(None, map(hub.place, file.addresses)), None)
    if place is None or file.checksums or means.store.find(file):
        return file
    key = (place.repository, place.revision)
    if key not in listings:
        listings[key] = _of_hub(partial(hub.listing, *key, means.patience.timeout), place, means)
    if place.path not in listings[key]:
        raise InputError(
            "The hub does not list a file.",
            where=f"{place.repository} at {place.revision}",
            found=quoted(place.path),
            expected="the file of the registry",
            remedy="correct its address there",
        )
    listed = listings[key][place.path]
    if file.size not in (None, listed.size):
        raise InputError(
            "The hub's file has another length than the registered one.",
            where=place.address,
            found=f"{listed.size} B",
            expected=f"{file.size} B",
            remedy="pin the revision in the registry",
        )
    return replace(file, size=listed.size, checksums=listed.checksums)


def _of_hub(question: Callable[[], Found], place: hub.Place, means: Means) -> Found:
    """Ask the hub, patiently."""
    try:
        return means.patiently(question)
    except (RefusedError, BrokenOffError) as error:
        transient = isinstance(error, BrokenOffError)
        raise InputError(
            "The hub does not say which files a repository has.",
            where=f"{place.repository}@{place.revision}",
            found=error,
            remedy="start again later, or look at the network"
            if transient
            else "look at the repository's name, and at the token (HF_TOKEN, or `hf auth login`) if it is not public",
        ) from None


def location(address: str) -> str:
    """The address that a client is given."""
    place = hub.place(address)
    return place.location if place else address
