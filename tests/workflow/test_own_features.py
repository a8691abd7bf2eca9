"""Own feature sets, vectors of another model and merged classes go through a whole run on real pixels."""

import json

import numpy as np
import pandas as pd
import pytest

from project import copy_project

pytestmark = [pytest.mark.xdist_group("runs"), pytest.mark.long]

BUILT = ["Large low-rise", "Heavy industry"]
FIRST = {
    "version": "first-v1",
    "releases": ["mine"],
    "schemes": ["published"],
    "price": {"trials": 0},
    "forest": {"trees": 10},
    "bootstrap": {"draws": 100},
    "feature_sets": ["lcz-bands"],
}
SECOND = FIRST | {
    "version": "second-v1",
    "feature_sets": ["lcz-bands", "ratios", "conv"],
    "own_feature_sets": {
        "ratios": {"dataset": "so2sat", "features": ["(B8/B12)_p90", "B8_mean / B4_mean", "((N - R) / (N + R))_mean"]}
    },
    "external": {"conv": {"release": "mine", "file": "vectors.csv"}},
    "classes": {"so2sat": {"lcz": {"merge": {"built up": BUILT}, "drop": ["Water"]}}},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, real):
    """A version with built-in features, and one with all additions, on 100 real patches."""
    checkout = copy_project(tmp_path_factory.mktemp("own") / "project")
    own = {"own_releases": {"mine": {"dataset": "so2sat", "folder": str(real / "so2sat"), "licence": "CC-BY-4.0"}}}
    checkout.overlay("first.yaml", **FIRST | own)
    checkout.overlay("second.yaml", **SECOND | own)
    checkout.snakemake("--cores", "2", "--configfile", "first.yaml")
    patches = pd.read_parquet(checkout.folder / "work" / "mine" / "catalog.parquet")["patch"]
    values = np.random.default_rng(4).normal(size=(len(patches), 3))
    table = pd.DataFrame(values, columns=["e0", "e1", "e2"]).assign(patch=patches)
    table.iloc[:50].to_csv(checkout.folder / "vectors.csv", index=False)
    half = checkout.snakemake("--cores", "2", "--configfile", "second.yaml", fails=True)
    table.iloc[::-1].to_csv(checkout.folder / "vectors.csv", index=False)
    checkout.snakemake("--cores", "2", "--configfile", "second.yaml")
    return checkout.folder, half


def metrics(folder, version):
    path = folder / "results" / version / "mine" / "baselines" / "published" / "1" / "metrics.tsv"
    return pd.read_csv(path, sep="\t", keep_default_na=False)


def test_a_table_of_half_of_the_patches_stops_the_run_in_words(runs):
    _, half = runs
    assert "A table of vectors does not cover the release." in half
    assert "no vector for 50 of 100 patches" in half
    assert "Traceback" not in half


def test_all_sets_are_scored_and_compared_on_the_same_patches(runs):
    folder, _ = runs
    scores = metrics(folder, "second-v1").query("metric == 'oa' and role == 'test' and classifier == 'forest'")
    assert set(scores["features"]) == {"lcz-bands", "ratios", "conv"}
    assert scores["n"].nunique() == 1
    paired = pd.read_csv(
        folder / "results" / "second-v1" / "mine" / "baselines" / "published" / "1" / "paired.tsv", sep="\t"
    )
    pairs = {frozenset(row) for row in paired.filter(regex="^features").itertuples(index=False, name=None)}
    assert frozenset({"ratios", "conv"}) in pairs


def test_vectors_of_an_undeclared_model_are_marked_and_no_other_score_is(runs):
    folder, _ = runs
    scores = metrics(folder, "second-v1")
    marked = scores["mark"].str.contains("pretraining")
    assert set(scores.loc[marked, "features"]) == {"conv"}
    assert not scores.loc[~marked, "features"].eq("conv").any()


def test_dropped_classes_are_not_counted_and_merged_ones_have_a_name(runs):
    folder, _ = runs
    base = folder / "results" / "second-v1" / "mine" / "baselines" / "published" / "1"
    true = set(pd.read_parquet(base / "confusion.parquet")["true"])
    assert "Water" not in true
    assert not true & set(BUILT)
    fit = json.loads((base / "conv" / "fit.json").read_text(encoding="utf-8"))
    assert fit["training"]["classes"]["built up"]["rows"] > 0
    assert not {"wa", "oau.true"} & set(metrics(folder, "second-v1")["metric"])
    assert {"wa", "oau.true"} <= set(metrics(folder, "first-v1")["metric"])


def test_splits_are_the_same_bytes_as_without_additions(runs):
    folder, _ = runs
    names = [f"results/{version}/mine/splits/published/1.parquet" for version in ("first-v1", "second-v1")]
    first, second = ((folder / name).read_bytes() for name in names)
    assert first == second


def test_the_version_says_what_the_vectors_are_and_no_place(runs):
    folder, _ = runs
    about = json.loads((folder / "results" / "second-v1" / "version.json").read_text(encoding="utf-8"))
    table = about["configuration"]["vocabulary"]["mine"]["feature_sets"]["conv"]["external"]
    assert len(table["checksum"]) == 64
    assert set(table) == {"key", "checksum", "missing"}  # where the file lies is no part of it


def test_the_report_shows_own_features_and_new_classes(runs):
    folder, _ = runs
    pages = "".join(path.read_text(encoding="utf-8") for path in (folder / "results" / "second-v1").rglob("*.html"))
    assert "(B8/B12)_p90" in pages
    assert "built up" in pages
    assert "expression in the configuration" in pages


def test_the_notebook_runs_end_to_end(runs, tmp_path, monkeypatch):
    from test_notebooks import ROOT, run

    folder, _ = runs
    given = {"SENTINEL_FOREST_VERSION": str(folder / "results" / "first-v1"), "SENTINEL_FOREST_RELEASE": "mine"}
    (folder / "config" / "config.yaml").write_text(
        (folder / "first.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    text = run(ROOT / "notebooks" / "features-of-another-model.ipynb", tmp_path, monkeypatch, **given)
    assert "100 patches, 32 numbers each" in text
    assert "finished" in text
    assert "random-conv: OA 0." in text
    assert "as declared, on nothing: random weights" in text
