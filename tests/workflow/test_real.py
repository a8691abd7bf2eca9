"""The chain on real pixels that nobody here made, in the publishers' layouts."""

import tarfile

import pandas as pd
import pytest
import yaml

from project import copy_project
from sentinel_forest.planning.checking import select

pytestmark = pytest.mark.xdist_group("real")


def own(dataset, folder, **other):
    return {"dataset": dataset, "folder": str(folder)} | other


@pytest.fixture(scope="module")
def run(real, tmp_path_factory):
    """All real mini-releases up to their scores, published splits."""
    checkout = copy_project(tmp_path_factory.mktemp("real") / "project")
    with tarfile.open(real / "cloudsen12.tar.xz") as archive:
        archive.extractall(checkout.folder / "unpacked", filter="data")
    overlay = checkout.overlay(
        "real.yaml",
        version="real-v1",
        releases=["clouds", "ukis", "zones", "tiles", "archives"],
        own_releases={
            "clouds": own("cloudsen12", "unpacked/cloudsen12", shards=2),
            "ukis": own("cloudsen12", real / "cloudsen12-ukis"),
            "zones": own("so2sat", real / "so2sat"),
            "tiles": own("sen12ms", real / "sen12ms"),
            "archives": own("sen12ms", real / "sen12ms-archives"),
        },
        transfer={"ukis": "clouds"},
        schemes=["published"],
        trials=1,
        feature_sets=["l1c", "l1c-6", "lcz-s2", "scene-s2", "pixel-s2"],
        # As the README says for real pixels; the default run keeps its forests small.
        draw={"pixels": 300000},
        forest={"trees": 100},
    )
    checkout.snakemake("baselines", "--configfile", overlay, "--cores", "2")
    return checkout


def score(run, release, features, metric, question=""):
    """A test score of a forest on the published split."""
    path = run.folder / "results" / "real-v1" / release / "baselines" / "published" / "1" / "metrics.tsv"
    table = pd.read_csv(path, sep="\t", keep_default_na=False, na_values={"value": [""]})
    wanted = {
        "classifier": "forest",
        "features": features,
        "role": "test",
        "metric": metric,
        "weighting": "none",
        "class": question,
    }
    (row,) = table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)].itertuples()
    return row.value


def test_thirteen_bands_tell_cloud_from_clear_as_well_as_is_sane(run):
    assert score(run, "clouds", "l1c", "oa.question", "cloud") >= 0.88
    assert score(run, "clouds", "l1c", "boa.question", "cloud") >= 0.85
    assert score(run, "clouds", "l1c", "f1.question", "cloud") >= 0.75


def test_four_classes_are_told_apart_as_well_as_is_sane(run):
    assert score(run, "clouds", "l1c", "oa") >= 0.86
    assert score(run, "clouds", "l1c", "aa.present") >= 0.56
    assert score(run, "clouds", "l1c", "kappa") >= 0.65


def test_six_band_forest_finds_the_clouds_of_another_release(run):
    assert score(run, "ukis", "l1c-6", "oa.question", "cloud") >= 0.81
    assert score(run, "ukis", "l1c-6", "boa.question", "cloud") >= 0.85
    assert score(run, "ukis", "l1c-6", "ua.question", "cloud") >= 0.50


def test_local_climate_zones_are_scored_by_city_halves(run):
    ledger = pd.read_csv(run.folder / "results" / "real-v1" / "zones" / "ledger.tsv", sep="\t")
    city = ledger[ledger["key"] == "city"].set_index(["role_a", "role_b"])["linked"]
    assert city["test", "train"] == 0
    assert city["test", "validation"] == 20
    assert 0 < score(run, "zones", "lcz-s2", "oa") < 1


def test_archives_give_what_folders_give(run):
    catalogs = [pd.read_parquet(run.folder / "work" / release / "catalog.parquet") for release in ("tiles", "archives")]
    pd.testing.assert_frame_equal(*catalogs)
    splits = [
        (run.folder / "results" / "real-v1" / release / "splits" / "published" / "1.parquet").read_bytes()
        for release in ("tiles", "archives")
    ]
    assert splits[0] == splits[1]


def test_sets_and_algorithms_that_lack_a_layer_are_named(run, monkeypatch):
    monkeypatch.chdir(run.folder)
    chosen = select(yaml.safe_load((run.folder / "real.yaml").read_text(encoding="utf-8")))
    skipped = {(row.release, row.name): row.reason for row in chosen.skipped()}
    assert "L1C_B1" in skipped["ukis", "l1c"]
    assert skipped["clouds", "fmask"] == "lacks LABEL_fmask"
    assert ("clouds", "s2cloudless") not in skipped


def test_overlapping_neighbours_are_in_the_ledger_of_tiles(real, tmp_path):
    checkout = copy_project(tmp_path / "project")
    overlay = checkout.overlay(
        "tiles.yaml",
        version="tiles-v1",
        releases=["tiles"],
        own_releases={"tiles": own("sen12ms", real / "sen12ms")},
        own_schemes={"apart": {"kind": "leave-one-group-out", "key": "patch", "groups": [], "validation": 0.0}},
        schemes=["apart"],
        trials=3,
        feature_sets=["scene-s2"],
    )
    checkout.snakemake("splits", "--configfile", overlay, "--cores", "2")
    ledger = pd.read_csv(checkout.folder / "results" / "tiles-v1" / "tiles" / "ledger.tsv", sep="\t")
    overlaps = ledger[(ledger["key"] == "footprint") & (ledger["role_a"] == "test") & (ledger["role_b"] == "train")]
    # p30, p31 and p32 of one scene: each overlaps a neighbour by half, and is then alone in test.
    assert list(overlaps["linked"]) == [1, 1, 1]


def test_leaving_one_site_out_is_as_hard_as_is_sane(real, tmp_path):
    checkout = copy_project(tmp_path / "project")
    overlay = checkout.overlay(
        "sites.yaml",
        version="sites-v1",
        releases=["sites"],
        own_releases={"sites": own("sen12ms", real / "sen12ms-relaid")},
        own_schemes={"one-site-out": {"kind": "leave-one-group-out", "key": "scene", "validation": 0.0}},
        schemes=["one-site-out"],
        trials=5,
        feature_sets=["pixel-s2"],
        forest={"trees": 20},
    )
    checkout.snakemake("baselines", "--configfile", overlay, "--cores", "2")
    folder = checkout.folder / "results" / "sites-v1" / "sites" / "baselines" / "one-site-out"
    counts = pd.concat([pd.read_parquet(folder / str(trial) / "confusion.parquet") for trial in range(1, 6)])
    counts = counts[counts["classifier"] == "forest"]
    right = counts.loc[counts["true"] == counts["predicted"], "count"].sum()
    # Five sites that differ in nearly everything: pooled OA about 0.31; random pixels reach 0.85.
    assert 0.15 <= right / counts["count"].sum() <= 0.6
