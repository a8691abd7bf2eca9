"""The page on mistakes: which patches are the worst, and what accuracy is held against."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.datasets.base import Category, Question, Task
from sentinel_forest.report import figures, mistakes
from sentinel_forest.verify.spatial import RADIUS_KM

CLASSES = ("clear", "cloud", "shadow")
CATEGORIES = tuple(Category(code, name, "#000000") for code, name in enumerate(CLASSES))
PIXELS = Task("cloud", "pixel", CATEGORIES, (Question("cloud", ("cloud",)),))
PATCHES = Task("scene", "patch", CATEGORIES)


def counts(*rows):
    return pd.DataFrame(rows, columns=["patch", "true", "predicted", "count"])


def test_the_worst_patch_of_each_class_by_recall_the_worst_class_first():
    found = counts(
        ("a", "clear", "clear", 90),
        ("a", "clear", "cloud", 10),
        ("b", "clear", "clear", 50),
        ("b", "clear", "cloud", 50),
        ("b", "cloud", "cloud", 20),
        ("c", "cloud", "clear", 60),
        ("c", "cloud", "cloud", 40),
    )
    worst = mistakes.worst(found, CLASSES)
    assert worst.to_numpy().tolist() == [["cloud", "c", 0.4], ["clear", "b", 0.5]]


def test_a_patch_with_next_to_nothing_of_a_class_is_not_the_worst_at_it():
    found = counts(
        ("a", "clear", "clear", 960),
        ("a", "cloud", "clear", 40),
        ("b", "cloud", "cloud", 60),
        ("b", "cloud", "clear", 40),
    )
    worst = mistakes.worst(found, CLASSES).set_index("class")
    assert worst.loc["cloud", "patch"] == "b"
    assert mistakes.worst(found, ("shadow",)).empty


@pytest.fixture
def catalog():
    frame = pd.DataFrame({"patch": list("abcd"), "group": ["g", "h", "h", "h"]})
    frame["lon"], frame["lat"] = [0.0, 1.0, 2.0, np.nan], [0.0, 0.0, 0.0, np.nan]
    for name in CLASSES:
        frame[f"fraction_{name}"] = [0.1, 0.2, 0.3, 0.4]
    return frame


@pytest.fixture
def roles(monkeypatch):
    given = pd.Series(["train", "test", "test", "test"])
    monkeypatch.setattr(mistakes, "_roles", lambda _: given)


def test_accuracy_stands_beside_distance_size_and_cloud(catalog, roles):
    found = counts(
        ("b", "clear", "clear", 3), ("b", "clear", "cloud", 1), ("c", "cloud", "cloud", 2), ("d", "cloud", "clear", 5)
    )
    frame = mistakes.explained(None, PIXELS, found, catalog)
    assert frame["accuracy"].to_dict() == {"b": 0.75, "c": 1.0, "d": 0.0}
    degree = np.pi / 180 * RADIUS_KM
    assert frame.loc[["b", "c"], "distance"].tolist() == pytest.approx([degree, 2 * degree])
    assert np.isnan(frame.loc["d", "distance"])
    assert frame["size"].tolist() == [3, 3, 3]
    assert frame["positive"].tolist() == [0, 1, 1]


def test_classes_that_a_configuration_has_merged_are_in_no_catalog(catalog, roles):
    found = counts(("b", "clear", "clear", 3), ("b", "cloud", "clear", 1), ("c", "cloud", "cloud", 2))
    published = catalog.drop(columns=[f"fraction_{name}" for name in CLASSES])
    assert mistakes.explained(None, PIXELS, found, published)["positive"].to_dict() == {"b": 0.25, "c": 1.0}


def test_labels_of_whole_patches_are_counted_by_group(catalog, roles):
    found = counts(("b", "clear", "clear", 1), ("c", "cloud", "clear", 1))
    frame = mistakes.explained(None, PATCHES, found, catalog)
    assert frame["accuracy"].to_dict() == {"h": 0.5}


def test_without_training_places_the_distance_is_unknown(catalog):
    nowhere = catalog.assign(lon=np.nan, lat=np.nan)
    assert np.isnan(mistakes._distance(catalog, nowhere)).all()


def test_only_what_differs_between_patches_is_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "scatter", lambda data, *_: drawn.append(data))
    monkeypatch.setattr(mistakes, "catalog_source", lambda _: None)
    release = SimpleNamespace(primary=("published", 1), name="mine", is_sample=False, from_file=lambda *_, **__: None)
    frame = pd.DataFrame({"accuracy": np.linspace(0, 1, 20), "size": 3, "distance": np.arange(20.0)[::-1]})
    (plot,) = mistakes._against(release, PIXELS, "l1c", frame)
    assert set(drawn[0]["panel"]) == {"km to the nearest training patch"}
    assert "km to the nearest training patch: -1.00" in plot.alternative
    (note,) = mistakes._against(release, PIXELS, "l1c", frame.head(4))
    assert "Too few test patches differ" in note.text
