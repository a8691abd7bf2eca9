"""How far held-out patches and mapped pixels lie from the training data of a forest."""

import numpy as np
import pandas as pd
import pytest
import rasterio

import scenes
from sentinel_forest.cli import main
from sentinel_forest.datasets.base import IGNORE
from sentinel_forest.evaluation.applicability import fit_applicability
from sentinel_forest.evaluation.dissimilarity import DISSIMILARITY
from sentinel_forest.evaluation.further import FURTHER
from sentinel_forest.features import pixel
from sentinel_forest.io.tables import read_parquet, read_tsv
from sentinel_forest.mapping.map import map_scene, open_forest
from sentinel_forest.sensors import SENTINEL_2

SET = "l1c-6"
FOREST = {"release": "mine", "scheme": "published", "trial": 1, "set": SET}


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """A version that keeps training samples: the step runs as its rule calls it."""
    root = tmp_path_factory.mktemp("clouds")
    folder = scenes.clouds(root, SET)
    place, catalog = folder / "mine" / "baselines" / "published" / "1" / SET, root / "work" / "mine" / "catalog.parquet"
    table = pd.read_parquet(catalog)
    table.assign(group=[f"roi {number // 2}" for number in range(len(table))]).to_parquet(catalog)
    words = ["--scheme", "published", "--trial", 1, "--feature-set", SET, "--dataset", "cloudsen12", "--samples", 300]
    words += ["--layout.side", scenes.SIDE, "--catalog", catalog, "--features", root / "work" / "table.parquet"]
    words += ["--split", folder / "mine" / "splits" / "published" / "1.parquet", "--seed", 3, "--draws", 100]
    words += ["--forest", place / "forest.skops", "--fit", place / "fit.json"]
    words += ["--kept", place / "applicability.parquet", "--errors", place / "dissimilarity.tsv"]
    main(["applicability", *map(str, words), "--output", str(root / "scores.tsv")])
    return scenes.seal(folder)


def test_scores_and_bins_are_those_of_an_area_fitted_by_hand(version) -> None:
    root, place = version.parent.parent, version / "mine" / "baselines" / "published" / "1" / SET
    kept, table = read_parquet(place / "applicability.parquet"), read_parquet(root / "work" / "table.parquet")
    assert len(kept) == 300
    assert kept["group"].value_counts().to_dict() == {"roi 0": 150, "roi 1": 150}
    forest = open_forest(version, "mine", "published", 1, SET)
    features = list(forest.feature_set.features)
    importance = [forest.candidate.fit["importance"]["features"][name] for name in features]
    area = fit_applicability(kept[features], kept["group"], importance)
    split = read_parquet(version / "mine" / "splits" / "published" / "1.parquet").set_index("patch")["role"]
    test = table[(table["patch"].map(split) == "test") & (table["label"] >= 0)]
    index = area.dissimilarity(test[features])
    right = forest.candidate.codes[forest.candidate.model.predict_proba(test[features]).argmax(axis=1)] == test["label"]
    scores = read_tsv(root / "scores.tsv", FURTHER)
    rows = scores[scores["role"] == "test"].set_index("metric")
    inside = index <= area.threshold
    assert rows.loc["applicability.inside", "value"] == pytest.approx(np.average(inside, weights=test["weight"]))
    mean = np.average(index, weights=test["weight"])
    assert rows.loc["applicability.dissimilarity", "value"] == pytest.approx(mean)
    expected = np.average(right[inside], weights=test["weight"][inside])
    assert rows.loc["applicability.oa.inside", "value"] == pytest.approx(expected)
    assert "from 300 training samples of 2 groups" in rows["note"].iloc[0]
    bins = read_tsv(place / "dissimilarity.tsv", DISSIMILARITY)
    bins = bins[bins["role"] == "test"]
    assert bins["rows"].sum() == len(test)
    assert bins["rows"].max() - bins["rows"].min() <= 2
    first = (index >= bins["index_low"].iloc[0]) & (index < bins["index_high"].iloc[0])
    wrong = np.average(~right[first], weights=test["weight"][first])
    assert bins["error"].iloc[0] == pytest.approx(wrong)


def test_a_layer_tells_how_far_pixels_lie(version, tmp_path) -> None:
    bands, numbers = tuple(SENTINEL_2), scenes.noise(3, (13, 40, 50))
    numbers[:, 20:] *= 3
    numbers[:, :2] = 0
    scene = scenes.write_bands(tmp_path / "scene", bands, numbers)
    about = {"version": version, **FOREST, "scene": scene, "level": "L1C", "offset": 0}
    map_scene(**about, output=tmp_path / "map.tif", applicability=tmp_path / "near.tif", samples=200)
    with rasterio.open(tmp_path / "near.tif") as file:
        layer, tags = file.read(1), file.tags()
    assert (layer == IGNORE).sum() == 2 * 50
    assert np.median(layer[20:]) > np.median(layer[2:20])
    assert tags["applicability_samples"].startswith("200 training samples")

    forest = open_forest(version, "mine", "published", 1, SET)
    kept = read_parquet(version / "mine" / "baselines" / "published" / "1" / SET / "applicability.parquet")
    features = list(forest.feature_set.features)
    importance = [forest.candidate.fit["importance"]["features"][name] for name in features]
    area = fit_applicability(kept[features], kept["group"], importance, seed=0, most=200)
    physical = {band: image * np.float32(1e-4) for band, image in zip(bands, numbers, strict=True)}
    X = pixel.compute(features, {name: image[None] for name, image in physical.items()}, ())[0].reshape(2000, -1)
    inside = (area.dissimilarity(X) <= area.threshold).reshape(40, 50)
    np.testing.assert_array_equal(layer[2:] <= 100, inside[2:])

    map_scene(**about, applicability=tmp_path / "alone.tif", samples=200, threads=2)
    assert (tmp_path / "alone.tif").read_bytes() == (tmp_path / "near.tif").read_bytes()


def test_a_version_that_keeps_no_samples_is_told(tmp_path) -> None:
    version = scenes.clouds(tmp_path, SET)
    scene = scenes.write_bands(tmp_path / "scene", tuple(SENTINEL_2), scenes.noise(3, (13, 40, 50)))
    words = ["--version", version, "--release", "mine", "--scheme", "published", "--trial", 1, "--set", SET]
    words += ["--scene", scene, "--level", "L1C", "--offset", 0]
    with pytest.raises(SystemExit, match="keeps no training samples"):
        main(["map", *map(str, words), "--applicability", str(tmp_path / "near.tif")])
    with pytest.raises(SystemExit, match="No layer is asked for"):
        main(["map", *map(str, words)])
