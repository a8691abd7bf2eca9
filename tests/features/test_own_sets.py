"""Feature sets of a configuration: layers, tasks, real pixels, and mistakes."""

import json

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import cli, datasets
from sentinel_forest.config.additions import OwnFeatureSet
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.validation import parse
from sentinel_forest.datasets.base import Block
from sentinel_forest.errors import InputError
from sentinel_forest.features import bands_of, own, patch, pixel
from sentinel_forest.planning.checking import select
from sentinel_forest.steps import flags
from sentinel_forest.versions.check import asked


def made(dataset, features, **more):
    about = OwnFeatureSet(dataset=dataset, features=features, **more)
    return own.completed("mine", about, datasets.load(dataset))


def test_layers_are_those_of_built_in_sets_unless_others_are_chosen():
    found = made("cloudsen12", ["NDVI", "B11", "B8 / B12", "HOT_sunward_15", "CDI"])
    assert found["task"] == "cloud"
    assert found["features"] == ["NDVI", "B11", "B8/B12", "HOT_sunward_15", "CDI"]
    of_bands = {"B2": "L1C_B2", "B4": "L1C_B4", "B8": "L1C_B8", "B11": "L1C_B11", "B12": "L1C_B12", "CDI": "EXTRA_CDI"}
    assert found["layers"] == of_bands  # the sun's azimuth is a column of the catalog
    assert made("cloudsen12", ["B8"], layers={"B8": "L2A_B8"})["layers"] == {"B8": "L2A_B8"}
    opened = datasets.load("cloudsen12", {"feature_sets": {"mine": found}})
    assert [band.name for band in opened.feature_sets["mine"].bands] == ["CDI"]


MISTAKES = [
    ("so2sat", ["B1_mean"], {}, "a band that the dataset does not have"),
    ("so2sat", ["B8"], {}, "Unknown feature"),  # a band is no feature of a whole patch
    ("cloudsen12", ["B8_p90"], {}, "Unknown feature"),  # a percentile is none of a pixel
    ("cloudsen12", ["NIR/RED"], {}, "no band and no feature"),
    ("cloudsen12", ["B8/B4", "B8 / B4"], {}, "twice"),
    ("cloudsen12", ["B8"], {"task": "clouds"}, "Unknown task"),
    ("sen12ms", ["B8"], {}, "does not say which task"),
    ("cloudsen12", ["B8"], {"layers": {"B8": "L1C_B4"}}, "does not hold this band"),
    ("cloudsen12", ["B8"], {"layers": {"B8": "L3A_B8"}}, "does not hold this band"),
    ("cloudsen12", ["B8 - B8_mean_9999"], {}, "far beyond the patch"),
    ("cloudsen12", ["B8", "HOT_sunward_999999999"], {}, "far beyond the patch"),
    ("cloudsen12", ["B8_mean_" + "9" * 50], {}, "Unknown feature"),
    ("so2sat", ["sun_azimuth_contrast"], {}, "no range of grey levels"),
]


@pytest.mark.parametrize(("dataset", "features", "more", "problem"), MISTAKES)
def test_a_mistake_names_the_key_and_what_is_expected(dataset, features, more, problem):
    with pytest.raises(InputError, match=problem) as refused:
        made(dataset, features, **more)
    assert "own_feature_sets.mine" in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 5


def configured(**more):
    return {"releases": ["cloudsen12-sample"], "schemes": ["published"], **more}


def test_a_set_reaches_the_command_line_and_its_dataset_and_no_other_set_depends_on_it():
    mine = {"ndvi-2": {"dataset": "cloudsen12", "task": "cloud", "features": ["NDVI", "B11", "B12", "B8/B11"]}}
    selection = select(configured(feature_sets=["l1c-6", "ndvi-2"], own_feature_sets=mine))
    assert selection.sets("cloudsen12-sample") == ["l1c-6", "ndvi-2"]
    release = selection.releases["cloudsen12-sample"]
    assert release.of_set("l1c-6").opened == release.layout
    assert "feature_sets" not in release.layout
    text = flags(layout=release.of_set("ndvi-2").opened)
    assert "--layout.feature_sets.ndvi-2.layers.B8 L1C_B8" in text
    assert selection.described["vocabulary"]["cloudsen12-sample"]["feature_sets"].keys() == {"ndvi-2"}
    assert "vocabulary" not in select(configured()).described


def test_the_configuration_of_a_sealed_version_leads_to_itself():
    mine = {"ndvi-2": {"dataset": "cloudsen12", "features": ["NDVI", "B8/B11"]}}
    selection = select(configured(feature_sets=["l1c-6", "ndvi-2"], own_feature_sets=mine))
    again = select(asked(json.loads(json.dumps(selection.described))))
    assert again.described == selection.described


@pytest.mark.parametrize(
    ("mine", "problem"),
    [
        ({"l1c": {"dataset": "cloudsen12", "features": ["B8"]}}, "name of a built-in one"),
        ({"a": {"dataset": "cloudsen", "features": ["B8"]}}, "Unknown dataset"),
        ({"a": {"dataset": "cloudsen12", "features": []}}, "at least one"),
        ({"a": {"dataset": "cloudsen12", "feature": ["B8"]}}, "Unknown key"),
        ({"a": {"features": ["B8"]}}, "A key is missing"),
    ],
)
def test_a_wrong_set_stops_before_anything_runs(mine, problem):
    with pytest.raises(InputError, match=problem):
        select(configured(feature_sets=list(dict.fromkeys(["l1c", *mine])), own_feature_sets=mine))


def test_own_and_external_sets_share_no_name():
    both = {"own_feature_sets": {"a": {"dataset": "so2sat", "features": ["B8_mean"]}}}
    both["external"] = {"a": {"release": "so2sat-sample", "file": "a.csv"}}
    with pytest.raises(InputError, match="two feature sets"):
        parse(Configuration.model_validate, configured(**both), "the configuration")


def test_expressions_of_real_pixels(real):
    dataset = datasets.load("so2sat", {"feature_sets": {"mine": made("so2sat", ["(B8/B12)_mean", "B8_mean/B12_mean"])}})
    rows = pd.DataFrame({"file": ["testing.h5"] * 3, "row": [0, 5, 9], "patch": list("abc")})
    layers = ["sen2:B8", "sen2:B12"]
    picked = dataset.pick(real / "so2sat", rows, layers, {})
    about = dataset.feature_sets["mine"]
    found = patch.compute(about.features, bands_of(dataset, about, Block(rows, picked)))
    near, short = (picked[layer].astype(np.float64) for layer in layers)
    assert near.mean() > 0.01
    assert (near / short).max() > 10  # over water: what the stated range is for
    np.testing.assert_allclose(found[:, 0], np.minimum(near / short, 10).mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(found[:, 1], near.mean(axis=(1, 2)) / short.mean(axis=(1, 2)), rtol=1e-4)
    assert pixel.compute(["B8/B12"], {"B8": near.astype("float32"), "B12": short.astype("float32")}).max() <= 10


def test_the_command_lists_sets_features_and_own_sets(capsys, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        'own_feature_sets: {ndvi-2: {dataset: cloudsen12, features: [NDVI, "B8/B12"]}}\n', encoding="utf-8"
    )
    cli.main(["features", "--dataset", "cloudsen12", "--configuration", str(tmp_path / "mine.yaml")])
    assert "ndvi-2: 2 features for task cloud (of a pixel)" in capsys.readouterr().out
    cli.main(["features", "--feature-set", "ndvi-2", "--configuration", str(tmp_path / "mine.yaml")])
    text = capsys.readouterr().out
    assert "B8/B12 = B8/B12 [1]\n    layers: L1C_B8, L1C_B12\n    source: expression in the configuration" in text
    cli.main(["features", "--dataset", "so2sat", "--names"])
    text = capsys.readouterr().out
    assert "NDVI = (B8 - B4) / (B8 + B4) [1]\n    layers: sen2:B8, sen2:B4" in text
    assert "B10 =" not in text
    with pytest.raises(SystemExit, match="Unknown feature set"):
        cli.main(["features", "--feature-set", "l1d"])
