"""Images that have scribbles alone are trained on, beside images with labels of high quality that scores rest on."""

import numpy as np
import pandas as pd
import pytest

from finished import version_of
from sentinel_forest import datasets
from sentinel_forest.config.additions import OwnFeatureSet
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.datasets.base import File
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.errors import InputError
from sentinel_forest.features import own
from sentinel_forest.features.table import feature_rows
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.splits import split

LAYOUT = {"side": 8}
CODES = {"clear": [0], "thick cloud": [1, 2], "thin cloud": [3, 4], "cloud shadow": [5, 6]}
IMAGES = {"train": 6, "val": 3, "test": 6, "scribble": 4}


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Bright pixels are thick cloud, in all images; the images with scribbles have a line of them, and zeros else."""
    root = tmp_path_factory.mktemp("scribbles")
    folder, dataset = root / "data" / "mine", CloudSEN12(side=8)
    for number, (name, count) in enumerate(IMAGES.items()):
        stored = dataset.create(folder, name, count, ["L1C_B2", "LABEL_manual_hq", "LABEL_manual_sc"])
        random = np.random.default_rng(number)
        cloudy = random.random((count, 5, 5)) < 0.4
        stored["L1C_B2"][:, 1:6, 1:6] = np.where(cloudy, 5000, 500) + random.integers(0, 50, cloudy.shape)
        stored["LABEL_manual_sc"][:] = 99
        if name == "scribble":
            stored["LABEL_manual_sc"][:, 3, 1:6] = cloudy[:, 2]
        else:
            stored["LABEL_manual_hq"][:, 1:6, 1:6] = cloudy
        for array in stored.values():
            array.flush()
        rois = [f"ROI_{number}{row:03d}" for row in range(count)]
        products = [f"20200{row + 1}01T100031_20200{row + 1}01T100030_T3{number}UPU" for row in range(count)]
        dataset.write_metadata(folder, name, pd.DataFrame({"roi_id": rois, "s2_id_gee": products}))
    version_of(root, "cloudsen12", LAYOUT)
    return folder, read_parquet(root / "work" / "mine" / "catalog.parquet")


def rows_of(release, labels):
    """Training rows of a set of one band, on all pixels or on scribbles, and those that it is tested on."""
    folder, catalog = release
    about = OwnFeatureSet(dataset="cloudsen12", features=["B2"], **labels)
    opened = datasets.load("cloudsen12")
    sets = {"mine": own.completed("mine", about, opened)}
    dataset = datasets.load("cloudsen12", LAYOUT | {"feature_sets": sets})
    return feature_rows(dataset, dataset.feature_sets["mine"], folder, catalog, 1000, (1,))


def test_they_are_training_images_without_labels_of_their_own(release):
    _, catalog = release
    scribbled = catalog["file"] == "scribble"
    assert scribbled.sum() == IMAGES["scribble"]
    assert (catalog["train_only"] == scribbled).all()
    assert set(catalog.loc[scribbled, "published_split"]) == {"train"}
    assert catalog.loc[scribbled].filter(like="fraction_").isna().all(axis=None)
    assert catalog.loc[~scribbled, "fraction_clear"].notna().all()


def test_zeros_in_the_place_of_labels_are_not_clear_sky_and_the_file_is_named(release):
    folder, catalog = release
    dataset = CloudSEN12(side=8)
    scribbled = catalog[catalog["file"] == "scribble"]
    (block,) = dataset.blocks(folder, scribbled, dataset.label_layers("cloud"), 10)
    assert set(dataset.classes("cloud", block).ravel()) == {255}
    files = [File(path=path) for path in dataset.list_files(folder)]
    (told,) = [each for each in dataset.structure(folder, files) if each.check == "unused"]
    assert told.file == "scribble/LABEL_manual_hq.dat"
    assert "no labels of high quality" in told.expected
    assert "LABEL_manual_hq" in dataset.layers(file.path for file in files)


def test_a_forest_on_scribbles_and_one_on_all_pixels_are_tested_on_the_same_pixels(release):
    _, catalog = release
    every = rows_of(release, {})
    scribbled = rows_of(release, {"train_labels": {"layer": "LABEL_manual_sc", "classes": CODES}})
    of = catalog.set_index("patch")["file"]
    assert set(every["patch"].map(of)) == {"train", "val", "test"}
    assert set(scribbled["patch"].map(of)) == {"scribble"}
    assert scribbled.groupby("patch").size().tolist() == [5] * IMAGES["scribble"]
    # One threshold between the means of the classes, learnt on each, answers all pixels of the test rightly.
    test = every[every["patch"].map(of) == "test"]
    assert len(test) == IMAGES["test"] * 25
    for training in (every[every["patch"].map(of) == "train"], scribbled):
        threshold = training.groupby("label")["B2"].mean().mean()
        assert ((test["B2"] > threshold) == (test["label"] == 1)).all()


def drawn(catalog, **definition):
    return split.make(catalog, parse_scheme(definition), 1, lambda *names: checksums.seed(1, *names))


def test_they_never_take_part_in_a_test(release):
    _, catalog = release
    scribbled = (catalog["file"] == "scribble").to_numpy()
    published = drawn(catalog, kind="published")
    assert set(published.split["role"][scribbled]) == {"train"}
    grouped = drawn(catalog, kind="grouped", fractions={"train": 0.5, "validation": 0.2, "test": 0.3})
    assert set(grouped.split["role"][scribbled]) == {"unused"}
    assert set(grouped.split["role"][~scribbled]) == {"train", "validation", "test"}
    assert "no label to be scored by" in grouped.infeasible["reason"].iloc[-1]
    alone = drawn(catalog, kind="filtered", base="published", leave_out={"file": ["train"]})
    assert set(catalog["file"][alone.split["role"] == "train"]) == {"scribble"}


def test_an_export_does_not_put_them_beside_labels(release):
    folder, catalog = release
    dataset, roles = CloudSEN12(side=8), {"train": catalog[catalog["published_split"] == "train"]}
    with pytest.raises(InputError, match="scribbles alone") as refused:
        dataset.export(folder, roles, ())
    assert "leave_out: {file: [scribble]}" in str(refused.value)
    assert dataset.export(folder, roles, ("L1C_B2", "LABEL_manual_sc"))
