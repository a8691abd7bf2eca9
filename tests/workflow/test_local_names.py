"""The same data under another name, in folders and in archives, give the same numbers."""

import pytest

from project import copy_project

pytestmark = pytest.mark.xdist_group("real")


def test_folders_and_archives_give_the_same_splits_and_scores(real, tmp_path):
    checkout = copy_project(tmp_path / "project")
    half = {"kind": "pooled-random", "shares": {"train": 0.5, "test": 0.5}}
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
    written = [
        {path.relative_to(results / release): path.read_bytes() for path in (results / release).rglob("*.*")}
        for release in ("tiles", "archives")
    ]
    compared = [path for path in written[0] if path.name != "fit.json"]
    assert {path.name for path in compared} >= {"1.parquet", "metrics.tsv", "confusion.parquet"}
    assert set(written[0]) == set(written[1])
    assert [path for path in compared if written[0][path] != written[1][path]] == []
