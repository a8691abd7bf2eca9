"""The same data under another name, in folders and in archives, give the same numbers."""

import pytest

from project import copy_project

pytestmark = pytest.mark.xdist_group("real")


def test_folders_and_archives_give_the_same_splits_and_scores(real, tmp_path):
    checkout = copy_project(tmp_path / "project")
    half = {"kind": "pooled-random", "fractions": {"train": 0.5, "test": 0.5}}
    overlay = checkout.overlay(
        "names.yaml",
        version="names-v1",
        releases=["tiles", "archives"],
        own_releases={
            "tiles": {"dataset": "sen12ms", "folder": str(real / "sen12ms")},
            "archives": {"dataset": "sen12ms", "folder": str(real / "sen12ms-archives")},
        },
        own_schemes={"half": half},
        schemes=["half"],
        trials=1,
        seed=4,  # with it, both halves have water and land
        feature_sets=["pixel-s2"],
    )
    checkout.snakemake("baselines", "--configfile", overlay, "--cores", "2")
    results = checkout.folder / "results" / "names-v1"
    tiles, archives = (files_of(results / release) for release in ("tiles", "archives"))
    assert {path.name for path in tiles} >= {"1.parquet", "metrics.tsv", "confusion.parquet", "forest.skops"}
    assert set(tiles) == set(archives)
    assert [path for path in tiles if tiles[path] != archives[path]] == []


def files_of(folder):
    """The bytes of all files below a folder, with its name left out where a table or record has it."""
    name = folder.name.encode()
    found = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
    return {path: data.replace(name + b"\t", b"\t").replace(b'"' + name + b'"', b'""') for path, data in found.items()}
