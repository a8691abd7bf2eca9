"""The Croissant metadata of every registered release are accepted and read by the real mlcroissant."""

import json

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.config import releases
from sentinel_forest.io.tables import write_parquet
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.steps import TrialFile
from sentinel_forest.versions import croissant

REGISTRY = RELEASE_FILES
RELEASES = [releases.read_entry(path.stem) for path in sorted(REGISTRY.glob("*.yaml"))]
PATCHES = pd.DataFrame({"patch": ["p1", "p2", "p3"], "role": ["train", "test", "unused"], "weight": [1.0, 1.5, 2.0]})

pytestmark = pytest.mark.xdist_group("interop")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Metadata of each release with its registered files, or with one file without an address."""
    folder = tmp_path_factory.mktemp("croissant")
    return {entry["release"]: write(folder / entry["release"], entry) for entry in RELEASES}


@pytest.fixture(scope="module")
def read(call, written):
    """What mlcroissant says of each release."""
    seen = json.loads(call("read_croissant.py", *written.values()).splitlines()[-1])
    return {release: seen[str(path)] for release, path in written.items()}


def write(folder, entry):
    split = folder / "splits" / "published" / "1.parquet"
    write_parquet(split, PATCHES.astype({"patch": "str", "role": "str"}), SPLIT)
    places = {"epsg": [32632] * 3, "lon": [9.5] * 3, "lat": [48.0] * 3}
    PATCHES.assign(**places).astype({"patch": "str", "epsg": "Int32"}).to_parquet(folder / "catalog.parquet")
    paths = [file["path"] for file in entry["files"]] or ["made/by-hand.dat"]
    checksums = folder / "checksums.tsv"
    checksums.write_text("path\tbytes\tsha256\n" + "".join(f"{path}\t5\t{'0' * 64}\n" for path in paths))
    output = folder / "croissant.json"
    croissant.croissant(
        release=entry["release"],
        dataset=entry["dataset"],
        layout=entry["layout"],
        checksums=checksums,
        catalog=folder / "catalog.parquet",
        place=f"../data/{entry['release']}",
        splits=[TrialFile("published", 1, split)],
        output=output,
    )
    return output


@pytest.mark.parametrize("release", [entry["release"] for entry in RELEASES])
def test_metadata_are_valid(read, release):
    assert read[release]["errors"] == []


@pytest.mark.parametrize("release", [entry["release"] for entry in RELEASES])
def test_split_and_classes_are_read(read, release):
    records = read[release]["records"]
    split = pd.DataFrame(records.pop("published-1")).rename(columns=lambda name: name.split("/")[1])
    pd.testing.assert_frame_equal(split, PATCHES, check_dtype=False)
    assert records
    (entry,) = [entry for entry in RELEASES if entry["release"] == release]
    for name, task in datasets.load(entry["dataset"], entry["layout"]).tasks.items():
        classes = records.pop(f"classes-{name}")
        assert [row[f"classes-{name}/name"] for row in classes] == list(task.names)
        np.testing.assert_array_equal(
            [row[f"classes-{name}/code"] for row in classes], [category.code for category in task.categories]
        )
    assert not records
