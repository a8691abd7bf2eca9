"""Miniature releases in the published layouts, written by a seeded scene model.

Settings of the scene model, all whole numbers:

- cloudsen12: `seed`, `rois` (at least 16), `dates` (1 to 5)
- so2sat: `seed`, `training`, `validation`, `testing` (patches), `cities` (of training)
- sen12ms: `seed`, `scenes` (per season), `patches` (per scene)

The same settings give the same bytes. A release is written place by place, so memory does not grow
with its size.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sentinel_forest.config.releases import FILES, file_table
from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import write_tsv
from sentinel_forest.simulate import cloudsen12, sen12ms, so2sat
from sentinel_forest.steps import Layout, Output

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


def sample(
    *, dataset: str, layout: Layout | None = None, settings: dict[str, Any], folder: Path, output: Output
) -> None:
    """Write the built-in sample of a release in the publisher's layout.

    Parameters
    ----------
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    settings : dict
        Settings of the scene model.
    folder : Path
        Folder of the release, to be made.
    output : Path
        Table of its files, `sentinel_forest.config.releases.FILES`.
    """
    write(dataset, layout or {}, settings, folder)
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    write_tsv(output, file_table(folder, paths), FILES)
