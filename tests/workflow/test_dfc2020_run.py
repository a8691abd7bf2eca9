"""DFC2020 as it is distributed, and forests of SEN12MS tested on it, through the whole chain."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from project import ROOT, copy_project

pytestmark = pytest.mark.xdist_group("real")


@pytest.fixture(scope="module")
def contest(real, tmp_path_factory):
    """The folder of five patches: float64, int32, the CRS WGS 84 without a transform."""
    folder = Path(os.environ.get("SENTINEL_FOREST_REPORTED", ROOT.parent / "shared" / "reported"))
    if not folder.is_dir():
        pytest.skip(f"no reported situations at {folder} (set SENTINEL_FOREST_REPORTED to their folder)")
    out = tmp_path_factory.mktemp("reported")
    subprocess.run([sys.executable, folder / "make_inputs.py", out, real], check=True, capture_output=True)
    return out / "m30_dfc2020_as_distributed"


COMMON = {
    "trials": 1,
    "feature_sets": ["pixel-s1+s2"],
    "draw": {"pixels": 3000},
    "forest": {"trees": 5},
    "bootstrap": {"draws": 100},
}


@pytest.fixture(scope="module")
def run(real, contest, tmp_path_factory):
    """Forests of SEN12MS tested on DFC2020, and forests grown on it, with its own labels and with MODIS."""
    checkout = copy_project(tmp_path_factory.mktemp("dfc2020") / "project")
    tested = checkout.overlay(
        "tested.yaml",
        version="tested-v1",
        releases=["tiles", "dfc2020"],
        own_releases={"tiles": {"dataset": "sen12ms", "folder": str(real / "sen12ms")}},
        folders={"dfc2020": str(contest)},
        shards={"dfc2020": 2},
        transfer={"dfc2020": "tiles"},
        schemes=["published"],
        **COMMON,
    )
    grown = checkout.overlay(
        "grown.yaml",
        version="grown-v1",
        releases=["alone", "modis"],
        own_releases={
            "alone": {"dataset": "sen12ms", "folder": str(contest), "layout": {"labels": "dfc"}},
            "modis": {"dataset": "sen12ms", "folder": str(contest)},
        },
        schemes=["drawn"],
        own_schemes={"drawn": {"kind": "pooled-random", "fractions": {"train": 0.6, "test": 0.4}}},
        **COMMON,
    )
    checkout.snakemake("--cores", "2", "--configfile", tested)
    scores = [f"results/grown-v1/{release}/baselines/drawn/1/metrics.tsv" for release in ("alone", "modis")]
    checkout.snakemake(*scores, "--cores", "2", "--configfile", grown)
    return checkout


def table(run, release, name):
    (path,) = run.folder.glob(f"results/*-v1/{release}/{name}")
    return pd.read_csv(path, sep="\t", keep_default_na=False)


@pytest.mark.parametrize("release", ["dfc2020", "alone", "modis"])
def test_nothing_fails_and_the_ground_is_not_computed(run, release):
    path = run.folder / "work" / release / "integrity.tsv"
    findings = pd.read_csv(path, sep="\t", keep_default_na=False)
    assert set(findings["status"]) == {"ok", "note"}
    ground = findings[findings["check"].isin(["crs", "pixel-size", "same-crs", "same-transform"])]
    assert set(ground["status"]) == {"note"}
    assert ground["found"].str.startswith("not computed").all()


def test_no_place_is_invented(run):
    catalog = pd.read_parquet(next(run.folder.glob("**/dfc2020/catalog.parquet")))
    assert catalog[["x", "y", "epsg", "lon", "lat", "side_m"]].isna().all(axis=None)
    assert (catalog["continent"] == "").all()
    ledger = table(run, "dfc2020", "ledger.tsv")
    assert set(ledger.loc[ledger["key"].str.contains("footprint|distance"), "linked"]) == {""}


@pytest.mark.parametrize(("release", "scheme"), [("dfc2020", "published"), ("alone", "drawn"), ("modis", "drawn")])
def test_there_are_scores(run, release, scheme):
    scores = table(run, release, f"baselines/{scheme}/1/metrics.tsv")
    forests = scores[(scores["classifier"] == "forest") & (scores["metric"] == "oa")]
    assert set(forests["features"]) == {"pixel-s1+s2"}
    assert (forests["value"] != "").all()
