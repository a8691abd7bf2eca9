"""Engines side by side: the same rows, paired differences, and engines that are worse, alike or not there."""

import sys

import numpy as np
import pytest

from held import held_rows
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import Category, FeatureSet, Task
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import engine_comparison
from sentinel_forest.models import engines, forest
from sentinel_forest.models.candidate import Candidate

CATEGORIES = tuple(Category(code, name, "#000000") for code, name in enumerate(("clear", "thin", "thick")))
SETTINGS = ForestSettings(trees=10, minimum_leaf=2)


def rows(count, seed):
    """Rows of two of three classes, told by the first feature with some noise."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(count, 2)).astype(np.float32)
    return X, np.where(X[:, 0] + 0.5 * random.normal(size=count) > 0, 2, 0)


@pytest.fixture(params=["pixel", "patch"])
def case(request):
    """A forest, the rows that it was grown on, and rows that it has not seen: pixels of 20 groups, or patches
    of which each is a group."""
    X, labels = rows(900, 1)
    training = forest.Training(X, labels, np.ones(900), np.array(["p"] * 900))
    grown = forest.grow(training, SETTINGS, 4, 1)
    fit = {"settings": SETTINGS.model_dump(), "seed": 4, "out_of_bag": forest.out_of_bag(training, grown.votes)}
    task = Task("cloud", request.param, CATEGORIES)
    about = FeatureSet("l1c", task.name, (), {})
    subject = Candidate("s", 1, about, task, grown.forest, training.present, fit, frozenset())
    Z, truth = rows(600, 2)
    groups = 20 if request.param == "pixel" else 600
    weight = np.random.default_rng(3).uniform(1, 9, 600)
    return subject, held_rows(truth, weight, np.arange(600) % groups, Z, 300), training


def blind(X, y, weight, settings, seed, threads):
    """An engine that sees nothing but noise."""
    noise = np.random.default_rng(seed).normal(size=X.shape)
    return engines.scikit_learn(noise.astype(np.float32), y, weight, settings, seed, threads)


def table(case, *others):
    subject, held, training = case
    found = engine_comparison.corrected(engine_comparison.engines(subject, held, training, others, 1))
    return engine_comparison.ENGINES.validate(found)


def test_alone_the_configured_engine_has_nothing_against(case):
    for others in ((), ("scikit-learn",)):
        found = table(case, *others)
        assert found["metric"].tolist() == ["oa", "aa.present"]
        assert found["against"].tolist() == ["", ""]
        assert found[["difference", "p", "p_holm"]].isna().all(axis=None)
    subject, held, _ = case
    hit = subject.codes[subject.model.predict(held.X)] == held.truth
    assert found["value"].iloc[0] == pytest.approx(np.average(hit, weights=held.weight))
    assert found["out_of_bag"].iloc[0] == subject.fit["out_of_bag"]["accuracy"]
    np.testing.assert_allclose(found["gap"], found["out_of_bag"] - found["value"])


def test_the_same_engine_by_another_name_makes_no_difference(case, monkeypatch):
    monkeypatch.setattr(forest, "ENGINES", {**forest.ENGINES, "twin": engines.scikit_learn})
    found = table(case, "twin")
    other = found[found["engine"] == "twin"]
    assert (other["difference"] == 0).all()
    assert (other["p"] == 1).all()
    assert (other["against"] == "scikit-learn").all()
    assert other["out_of_bag"].iloc[:2].tolist() == found["out_of_bag"].iloc[:2].tolist()


def test_a_blind_engine_is_found_out_on_the_same_rows(case, monkeypatch):
    monkeypatch.setattr(forest, "ENGINES", {**forest.ENGINES, "blind": blind})
    found = table(case, "blind")
    assert found["test"].tolist() == ["", "", *[engine_comparison.SWAPPED] * 2]
    known = found.set_index(["engine", "metric", "test"])
    for metric in ("oa", "aa.present"):
        row = known.loc["blind", metric, engine_comparison.SWAPPED]
        assert row["difference"] == pytest.approx(row["value"] - known.loc["scikit-learn", metric, ""]["value"])
        assert row["difference_low"] < row["difference"] < row["difference_high"] < 0
        assert row["p"] < 0.001
        assert row["p_holm"] == row["p"]


def test_holm_corrects_over_all_rows_of_a_test(case, monkeypatch):
    monkeypatch.setattr(forest, "ENGINES", {**forest.ENGINES, "blind": blind, "twin": engines.scikit_learn})
    found = table(case, "blind", "twin")
    boot = found[(found["test"] == engine_comparison.SWAPPED) & (found["metric"] == "oa")].set_index("engine")
    assert boot.loc["blind", "p_holm"] == pytest.approx(2 * boot.loc["blind", "p"])
    assert boot.loc["twin", "p_holm"] == 1


def test_an_engine_that_is_not_there_is_named_with_the_other(case, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearnex.ensemble", None)
    with pytest.raises(InputError, match="use the other engine, scikit-learn"):
        table(case, "scikit-learn-intelex")


def test_the_fast_engine_is_as_good(case):
    pytest.importorskip("sklearnex", reason="scikit-learn-intelex is not installed")
    other = table(case, "scikit-learn-intelex").iloc[2:]
    assert (other["difference"].abs() < 0.05).all()
    assert (other["p_holm"] > 0.01).all()
    assert (other["gap"].abs() < 0.06).all()
