"""Small finished versions, made without running the workflow."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.datasets import load
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.io import tables
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.verify import catalog as catalogs

ROLES = ("train", "test", "train", "unused", "train", "test", "train", "validation", "test")
"""Roles of the nine patches of `write_clouds`: four train, three test, one validates."""


def version_of(
    root: Path,
    dataset: str,
    layout: Mapping[str, object],
    roles: Sequence[str] | None = None,
    release: str = "mine",
    scheme: str = "random",
    version: str = "v1",
) -> Path:
    """A version of one own release, whose files are in ``data/<release>``: trial 1, or the published roles."""
    about, data = load(dataset, dict(layout)), root / "data" / release
    catalog = catalogs.make(about, data, about.list_files(data), no_hashes())
    tables.write_parquet(root / "work" / release / "catalog.parquet", catalog, catalogs.schema(about))
    role = pd.Series(roles or catalog["published_split"].tolist(), dtype="str")
    split = pd.DataFrame({"patch": catalog["patch"], "role": role, "weight": 1.0})
    folder = root / "results" / version
    tables.write_parquet(folder / release / "splits" / scheme / "1.parquet", split, SPLIT)
    own = {release: {"dataset": dataset, "layout": layout}}
    configuration = {"configuration": {"releases": [release], "own_releases": own}}
    tables.write_text(folder / "version.json", json.dumps(configuration))
    return folder


def write_clouds(folder: Path) -> None:
    """CloudSEN12: patch n of the release has B2 = 100 n + row, B3 = 5, and label n % 4."""
    dataset, number = CloudSEN12(side=8), 0
    for split, count in {"train": 4, "val": 2, "test": 3}.items():
        stored = dataset.create(folder, split, count, ["L1C_B2", "L1C_B3", "LABEL_manual_hq"])
        for row in range(count):
            stored["L1C_B2"][row, 1:6, 1:6] = 100 * number + np.arange(5)[:, None]
            stored["L1C_B3"][row, 1:6, 1:6] = 5
            stored["LABEL_manual_hq"][row, 1:6, 1:6] = number % 4
            number += 1
        for array in stored.values():
            array.flush()
