"""Feature tables of pixel tasks with expressions, vectors of pixels, and classes merged or dropped."""

import numpy as np
import pandas as pd
import pytest
from test_feature_table import PATCHES, SIDE, Desert

from sentinel_forest.datasets.base import External, FeatureSet
from sentinel_forest.datasets.regrouped import regrouped
from sentinel_forest.datasets.vocabulary import feature_set
from sentinel_forest.features.table import feature_rows
from sentinel_forest.models.samples import pixel_samples

DRAWN = ("plain", 6, 3)
"""Seed names and pixels of a class: the same draw for every set."""


@pytest.fixture
def desert():
    return Desert()


def rows_of(desert, name):
    rows = desert.catalog(None, [], None)
    return feature_rows(desert, desert.feature_sets[name], None, rows, 4, DRAWN)


def test_an_expression_has_the_values_of_its_bands_at_the_same_pixels(desert):
    layers = {"B4": "L_B4", "B8": "L_B8"}
    features = ("B8/B4", "B8-B8_mean_3", "B4")
    desert.feature_sets["own"] = FeatureSet("own", "ground", features, layers)
    plain, own = rows_of(desert, "plain"), rows_of(desert, "own")
    pd.testing.assert_frame_equal(own[["patch", "pixel", "label"]], plain[["patch", "pixel", "label"]])
    with np.errstate(invalid="ignore"):
        expected = np.clip(plain["B8"] / plain["B4"], -10, 10)
    np.testing.assert_allclose(own["B8/B4"], expected, rtol=1e-6)
    assert own["B8/B4"].isna().equals(plain["B4"].isna())  # a missing band gives a missing value
    assert own["B8-B8_mean_3"].abs().max() > 0


@pytest.fixture
def vectors(desert, tmp_path):
    values = np.random.default_rng(2).normal(size=(PATCHES, SIDE, SIDE, 2)).astype(np.float32)
    np.save(tmp_path / "pixels.npy", values)
    names = [f"p{number}" for number in range(PATCHES)]
    pd.DataFrame({"patch": names[::-1]}).to_csv(tmp_path / "keys.csv", index=False)
    external = {"file": str(tmp_path / "pixels.npy"), "keys": str(tmp_path / "keys.csv")}
    definition = {"task": "ground", "features": ["conv_0", "conv_1"], "external": external}
    desert.feature_sets["conv"] = feature_set("conv", definition, desert.layer_table)
    return values[::-1]


def test_vectors_of_pixels_stand_beside_the_pixels_that_other_sets_draw(desert, vectors):
    plain, conv = rows_of(desert, "plain"), rows_of(desert, "conv")
    pd.testing.assert_frame_equal(conv[["patch", "pixel", "label"]], plain[["patch", "pixel", "label"]])
    place = conv["patch"].str.removeprefix("p").astype(int).to_numpy()
    expected = vectors.reshape(PATCHES, -1, 2)[place, conv["pixel"]]
    np.testing.assert_array_equal(conv[["conv_0", "conv_1"]].to_numpy(), expected)


def test_all_pixels_of_a_patch_are_predicted_from_their_vectors(desert, vectors):
    rows = desert.catalog(None, [], None).iloc[1:3]
    (block,) = desert.blocks(None, rows, ("map",), 5)
    samples = pixel_samples(desert, "conv", block)
    valid = desert.labels("ground", block) != 255
    np.testing.assert_array_equal(samples.X, vectors[1:3][valid])
    assert isinstance(desert.feature_sets["conv"].external, External)


def test_pixels_of_dropped_classes_are_not_drawn_and_merged_ones_are_drawn_as_one(desert):
    task, lookup = regrouped(desert.tasks["ground"], {"loose": ["rock", "sand"]}, [])
    desert.tasks["ground"], desert.regrouped = task, {"ground": lookup}
    merged = rows_of(desert, "plain")
    assert set(merged["label"]) == {0, 1}
    most = merged.groupby(["patch", "label"]).size().max()
    assert most == 4  # as many pixels of a merged class as of any other
    task, lookup = regrouped(Desert().tasks["ground"], {}, ["rock"])
    desert.tasks["ground"], desert.regrouped = task, {"ground": lookup}
    dropped = rows_of(desert, "plain")
    stored = desert.stored["map"].reshape(PATCHES, -1)
    place = dropped["patch"].str.removeprefix("p").astype(int).to_numpy()
    np.testing.assert_array_equal(stored[place, dropped["pixel"]] - 1, dropped["label"])


def test_labels_of_patches_follow_too(desert):
    task, lookup = regrouped(desert.tasks["scene"], {"loose": ["sand", "salt"]})
    desert.tasks["scene"], desert.regrouped = task, {"scene": lookup}
    assert rows_of(desert, "statistics")["label"].tolist() == [0, 1, 1, -1, 0, 1, 1]
