"""Forests can be trained on other labels than those that they are tested on, such as scribbles."""

import pytest

from finished import version_of
from sentinel_forest import datasets
from sentinel_forest.config.additions import OwnFeatureSet
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.errors import InputError
from sentinel_forest.features import own
from sentinel_forest.features.table import feature_rows
from sentinel_forest.io.tables import read_parquet

SCRIBBLES = {"clear": [0], "thick cloud": [1, 2], "thin cloud": [3, 4], "cloud shadow": [5]}
LAYOUT = {"side": 8}


def made(dataset: str = "cloudsen12", features: str = "B2", **labels: object) -> dict[str, object]:
    given = {"layer": "LABEL_manual_sc", "classes": SCRIBBLES, **labels}
    about = OwnFeatureSet(dataset=dataset, features=[features], task="", train_labels=given)
    return own.completed("scribbled", about, datasets.load(dataset))


@pytest.fixture
def release(tmp_path):
    """Three images whose pixels are all thick cloud; scribbles are in the first row, and none are in the last image."""
    for split, count in {"train": 2, "test": 1}.items():
        stored = CloudSEN12(side=8).create(
            tmp_path / "data" / "mine", split, count, ["L1C_B2", "LABEL_manual_hq", "LABEL_manual_sc"]
        )
        stored["L1C_B2"][:] = 7
        stored["LABEL_manual_hq"][:, 1:6, 1:6] = 1
        stored["LABEL_manual_sc"][:] = 99
        if split == "train":
            stored["LABEL_manual_sc"][:, 1, 1:6] = [0, 2, 4, 5, 6]
        for array in stored.values():
            array.flush()
    version_of(tmp_path, "cloudsen12", LAYOUT)
    return tmp_path / "data" / "mine", read_parquet(tmp_path / "work" / "mine" / "catalog.parquet")


def test_pixels_are_drawn_where_there_are_scribbles_and_the_truth_stays(release):
    folder, catalog = release
    dataset = datasets.load("cloudsen12", LAYOUT | {"feature_sets": {"scribbled": made()}})
    table = feature_rows(dataset, dataset.feature_sets["scribbled"], folder, catalog, 100, (1,))
    assert table.groupby("patch").size().tolist() == [4, 4]  # code 6 stands for no class here
    assert table["pixel"].tolist() == [0, 1, 2, 3] * 2
    assert table["label"].tolist() == [0, 1, 2, 3] * 2
    (block,) = dataset.blocks(folder, catalog.iloc[:2], dataset.label_layers("cloud"), 2)
    assert set(dataset.classes("cloud", block).ravel()) == {1}


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ({"layer": "L1C_B2"}, "cannot come from this layer"),
        ({"layer": "LABEL_manual_hq"}, "cannot come from this layer"),
        ({"layer": "LABEL_manual_s"}, "did you mean 'LABEL_manual_sc'"),
        ({"classes": {"cloud": [1]}}, "Unknown class"),
        ({"classes": {"clear": [0], "thick cloud": [0, 1]}}, "two classes"),
        ({"dataset": "so2sat", "features": "B8_mean"}, "of a patch"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, problem):
    with pytest.raises(InputError, match=problem) as refused:
        made(**labels)
    assert "own_feature_sets.scribbled.train_labels" in str(refused.value)
