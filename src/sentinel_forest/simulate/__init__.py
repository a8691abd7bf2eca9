"""Miniature releases in the published layouts, written by a seeded scene model.

Usage: ``python -m sentinel_forest.simulate --dataset D --layout JSON --sample JSON --folder DIR --files OUT``

Settings (``--sample``), all whole numbers:

- cloudsen12: `seed`, `rois` (at least 16), `dates` (1 to 5)
- so2sat: `seed`, `training`, `validation`, `testing` (patches), `cities` (of training)
- sen12ms: `seed`, `scenes` (per season), `patches` (per scene)

The same settings give the same bytes. A release is written place by place, so memory does not grow
with its size.
"""

import argparse
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from sentinel_forest import datasets
from sentinel_forest.errors import InputError
from sentinel_forest.io import tables
from sentinel_forest.simulate import cloudsen12, sen12ms, so2sat

FILES = pa.DataFrameSchema({"path": pa.Column(str, unique=True), "bytes": pa.Column("int64")}, strict=True)
"""Files of a release: path below its folder with ``/``, and length in bytes; sorted by path."""

WRITERS: Mapping[str, Callable[[Path, Mapping[str, Any], Mapping[str, Any]], None]] = {
    "cloudsen12": cloudsen12.write,
    "sen12ms": sen12ms.write,
    "so2sat": so2sat.write,
}


def write(dataset: str, layout: Mapping[str, Any], sample: Mapping[str, Any], folder: Path) -> None:
    """Write a sample into `folder`, whole or not at all; an older one is replaced.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    layout : mapping
        Deviations from the published layout.
    sample : mapping
        Settings of the scene model, see above.
    folder : Path
        The folder of the release.

    Raises
    ------
    InputError
        If there is no such sample, or for bad settings.
    """
    if dataset not in WRITERS:
        raise InputError("There is no sample of this dataset.", found=dataset, expected=" | ".join(sorted(WRITERS)))
    for name, value in (("layout", layout), ("sample", sample)):
        if not isinstance(value, Mapping):
            raise InputError("Settings are not a mapping.", where=name, found=value, expected='like {"seed": 1}')
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        beside.mkdir()
        WRITERS[dataset](beside, layout, sample)
        if folder.exists():
            folder.rename(old)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def list_files(folder: Path) -> pd.DataFrame:
    """Table of all files below a folder, see `FILES`."""
    found = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return pd.DataFrame(
        {"path": [name for name, _ in found], "bytes": [path.stat().st_size for _, path in found]}
    ).astype({"path": "str", "bytes": "int64"})


def main(argv: Sequence[str] | None = None) -> None:
    """Write a sample and the list of its files."""
    parser = argparse.ArgumentParser(prog="samples", description="Write a miniature release.")
    parser.add_argument("--dataset", required=True, choices=datasets.names())
    parser.add_argument("--layout", type=json.loads, default={})
    parser.add_argument("--sample", type=json.loads, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--files", type=Path, required=True)
    arguments = parser.parse_args(argv)
    write(arguments.dataset, arguments.layout, arguments.sample, arguments.folder)
    tables.write_tsv(arguments.files, list_files(arguments.folder), FILES)
