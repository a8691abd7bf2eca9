"""A trial written back: in the publisher's own layout, as torchgeo reads it, or as indices into the release.

What is copied is held against the hashes of the catalog before it takes its place.

The folder that is written holds, besides the data, ``manifest.json`` (which trial of which release it
is) and ``exported.tsv`` (its files). It is built beside its place, under a hidden name, and renamed once
it is whole. What an interrupted export has finished is kept there and used again by the next one of the
same trial, files and form.

The ``index`` form copies nothing. For each role there is ``<role>.npy``, int64 (patches, 2): line of
``files.txt`` (from 0), and row in that file; ``<role>_weight.npy``, float64, 1 / probability of the patch
to be drawn; and, where patches have a class, ``<role>_label.npy``, int16.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config.paths import EXPORT
from sentinel_forest.config.releases import FILES
from sentinel_forest.config.settings import Form, Role
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import checksum_of, file_checksum
from sentinel_forest.io.copying import NewFile
from sentinel_forest.io.progress import Progress, amount
from sentinel_forest.io.tables import read_parquet, read_tsv, replacing, write_text, write_tsv
from sentinel_forest.splits.roles import roles_of
from sentinel_forest.steps import Layout, Output

MANIFEST, LISTING = Path(EXPORT).name, "exported.tsv"
KEY = ".key"
"""Name of the file by which an unfinished export knows what it is an export of."""
RESERVE = 64 << 20
"""Bytes that stay free on the disk."""


def export_trial(
    *,
    release: str,
    dataset: str,
    layout: Layout | None = None,
    folder: Path,
    catalog: Path,
    split: Path,
    scheme: str,
    trial: int,
    roles: list[Role],
    layers: list[str],
    form: Form,
    threads: int = 1,
    target: Output,
) -> None:
    """Write a trial in the publisher's layout: the same files, with another split.

    Parameters
    ----------
    release : str
        Its name.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    folder : Path
        The release.
    catalog, split : Path
        Its catalog, and the roles of its patches.
    scheme, trial
        Which split it is.
    roles : list of str
        Which of ``train``, ``validation`` and ``test``; nothing stands for all that the trial has.
    layers : list of str
        What is written; nothing stands for all that there is.
    form : str
        ``publisher``, ``index`` or ``torchgeo``.
    threads : int
        Files that are written at a time.
    target : Path
        Folder to be made.
    """
    _check_drawn(split, f"trial {trial} of {release}, {scheme}")
    given, opened = roles_of(read_parquet(catalog), read_parquet(split), split), datasets.load(dataset, layout)
    chosen = _chosen(given, roles, split)
    files = plan(opened, folder, chosen, layers, form)
    words = opened.role_words if form != "index" else {role: role for role in chosen}
    about = {
        "release": release,
        "dataset": dataset,
        "layout": dict(layout or {}),
        "scheme": scheme,
        "trial": trial,
        "form": form,
        "layers": layers,
        "roles": {words[role]: len(rows) for role, rows in chosen.items()},
        "split_sha256": file_checksum(split),
    }
    check_target(target, folder)
    write(files, target, about, sources(folder, chosen), threads)


def _check_drawn(split: Path, trial: str) -> None:
    """Stop if a version does not have a trial; the message has those that it has."""
    if split.is_file():
        return
    drawn = sorted((path.stem for path in split.parent.glob(f"*{split.suffix}")), key=lambda name: (len(name), name))
    raise InputError(
        "There is no such trial to export.",
        where=split,
        found=trial,
        expected=f"one of the trials {', '.join(drawn[:20])}" if drawn else "a trial that was drawn; there is none",
        remedy="take one that the version has, or make a version with more trials",
    )


def _chosen(given: Mapping[str, pd.DataFrame], roles: Sequence[str], split: Path) -> dict[str, pd.DataFrame]:
    """The roles that are asked for."""
    missing = [role for role in roles if role not in given]
    if missing:
        raise InputError(
            "The trial has no patch of a role that is to be exported.",
            where=split,
            found=missing[0],
            expected=" | ".join(given),
            remedy="leave it out of export: {roles: ...}",
        )
    return {role: rows for role, rows in given.items() if not roles or role in roles}


def plan(
    dataset: Dataset, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str], form: Form
) -> list[NewFile]:
    """The files of an export; nothing is written yet.

    Raises
    ------
    InputError
        If a layer is unknown or missing, files cannot be joined, or nothing is left to be written.
    """
    if form == "torchgeo":
        files = dataset.export_torchgeo(folder, roles)
    else:
        files = dataset.export(folder, roles, layers) if form == "publisher" else list(_index(roles))
    if not files:
        raise InputError(
            "There is nothing to export yet.",
            where=folder,
            found="no data",
            remedy="fetch the release, or export the index",
        )
    return files


def _index(roles: Mapping[str, pd.DataFrame]) -> Iterator[NewFile]:
    """The files of the index form."""
    code, names = pd.factorize(pd.concat([rows["file"] for rows in roles.values()]))
    text = "".join(f"{name}\n" for name in names).encode()
    yield NewFile("files.txt", len(text), partial(_write_bytes, text))
    done = 0
    for role, rows in roles.items():
        places = np.column_stack([code[done : done + len(rows)], rows["row"]]).astype(np.int64)
        done += len(rows)
        arrays = {role: places, f"{role}_weight": rows["weight"].to_numpy(np.float64)}
        if (rows["label"] >= 0).any():
            arrays[f"{role}_label"] = rows["label"].to_numpy(np.int16)
        for name, array in arrays.items():
            yield NewFile(f"{name}.npy", array.nbytes + 128, partial(_write_array, array))


def _write_bytes(content: bytes, path: Path) -> Iterator[int]:
    path.write_bytes(content)
    yield len(content)


def _write_array(array: np.ndarray, path: Path) -> Iterator[int]:
    with open(path, "wb") as stream:
        np.save(stream, array, allow_pickle=False)
    yield array.nbytes


# --------------------------------------------------------------------------------------- the target


def sources(folder: Path, roles: Mapping[str, pd.DataFrame]) -> list[tuple[str, int, int]]:
    """Path, length and time of change of the files that patches are taken from."""
    names = sorted({str(name) for rows in roles.values() for name in rows["file"].unique()})
    paths = [path for name in names for path in _files_at(folder / name)]
    states = ((path, path.stat()) for path in paths)
    return [(str(path), state.st_size, state.st_mtime_ns) for path, state in states]


def _files_at(path: Path) -> list[Path]:
    return (
        sorted(entry for entry in path.rglob("*") if entry.is_file())
        if path.is_dir()
        else ([path] if path.is_file() else [])
    )


def check_target(target: Path, folder: Path) -> None:
    """Refuse a target that lies in the release's folder, or holds anything but an earlier export.

    Raises
    ------
    InputError
        With the first things that are in the way.
    """
    place, data = target.resolve(), folder.resolve()
    if place == data or data in place.parents or place in data.parents:
        raise InputError(
            "An export would be written over the release it is made from.",
            where=target,
            found=f"the release is in {folder}",
            remedy="give a folder outside of it",
        )
    if target.is_file():
        raise InputError("The target is a file.", where=target, expected="a folder, or nothing")
    there = {path.relative_to(target).as_posix() for path in _files_at(target)}
    listing = target / LISTING
    ours = {MANIFEST, LISTING, *(read_tsv(listing, FILES)["path"] if listing.is_file() else ())}
    other = sorted(there - ours if LISTING in there else there)
    if other:
        raise InputError(
            "The target holds something else than an earlier export.",
            where=target,
            found=", ".join(other[:8]) + (", ..." if len(other) > 8 else ""),
            expected="an empty folder, or none",
            remedy="give another folder, or move this away",
        )


def write(
    files: Sequence[NewFile], target: Path, about: Mapping[str, object], state: Sequence[object], threads: int = 1
) -> None:
    """Write the files of an export beside `target`, and put them in its place once all are there.

    Parameters
    ----------
    files : sequence of NewFile
        See `plan`.
    target : Path
        Passed by `check_target`.
    about : mapping
        What ``manifest.json`` says.
    state : sequence
        Whatever tells the sources apart; an unfinished export of others is thrown away.
    threads : int
        Files that are written at a time.

    Raises
    ------
    InputError
        If the disk has no room for what is still to be written.
    """
    target = target.absolute()
    building = _building(target, checksum_of([dict(about), list(state), [file.path for file in files]]))
    missing = [file for file in files if not (building / file.path).is_file()]
    check_space(building, sum(file.size for file in missing))
    written = dict.fromkeys((file.path for file in missing), 0)
    total = sum(file.size for file in missing)

    def write_one(file: NewFile) -> None:
        with replacing(building / file.path) as beside:
            for done in file.write(beside):
                written[file.path] += done
            if file.hold is not None:
                file.hold(beside)

    with Progress("export", lambda: sum(written.values()), total, [sys.stderr]), ThreadPoolExecutor(threads) as pool:
        list(pool.map(write_one, missing))
    _finish(building, [file.path for file in files], about)
    _put_in_place(building, target)


def check_space(folder: Path, wanted: int) -> None:
    """Stop before anything is written if the disk is too small.

    Raises
    ------
    InputError
        With what is missing.
    """
    free = shutil.disk_usage(folder).free - RESERVE
    if wanted > free:
        raise InputError(
            "The disk has no room for the export.",
            where=folder.parent,
            found=f"{amount(max(free, 0))} free",
            expected=amount(wanted),
            remedy=f"free {amount(wanted - free)}, choose fewer layers, or export the index",
        )


def _building(target: Path, key: str) -> Path:
    """The folder in which an export is built; emptied unless it holds a part of this very export."""
    building = target.with_name(f".{target.name}.partial")
    note = building / KEY
    if building.is_dir() and (not note.is_file() or note.read_text(encoding="ascii") != key):
        shutil.rmtree(building)
    building.mkdir(parents=True, exist_ok=True)
    write_text(note, key)
    return building


def _finish(building: Path, paths: Sequence[str], about: Mapping[str, object]) -> None:
    """Write the manifest and the list of files; remove all else, such as pieces of a killed run."""
    (building / KEY).unlink()
    for stray in {path.relative_to(building).as_posix() for path in _files_at(building)} - set(paths):
        (building / stray).unlink()
    files = [path for path in sorted(paths) if not (building / path).is_symlink()]
    rows = [(path, (building / path).stat().st_size) for path in files]
    table = pd.DataFrame(rows, columns=list(FILES.columns)).astype({"path": "str", "bytes": "int64"})
    write_tsv(building / LISTING, table, FILES)
    write_text(building / MANIFEST, json.dumps(about, indent=2, sort_keys=True) + "\n")


def _put_in_place(building: Path, target: Path) -> None:
    """Rename; an earlier export is removed only after its successor has taken its place."""
    old = target.with_name(f".{target.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    if target.is_dir():
        os.rename(target, old)
    os.rename(building, target)
    shutil.rmtree(old, ignore_errors=True)
