"""How far scores differ between seeds of the forest: against values worked out by hand, and in the headline."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from held import held_rows
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.evaluation import seeds
from sentinel_forest.io import checksums
from sentinel_forest.models import forest
from sentinel_forest.models.forest import Training
from sentinel_forest.steps import ReleaseFile
from sentinel_forest.versions import headline

SETTINGS = ForestSettings(trees=7)


def rows(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes that overlap, so that forests differ."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, count)
    return (random.normal(size=(count, 3)) + y[:, None]).astype(np.float32), y


@pytest.fixture(scope="module")
def found() -> tuple[pd.DataFrame, list[float]]:
    """The table for three seeds, and the accuracies of these forests by scikit-learn's own `predict`."""
    (X, y), (X_test, y_test) = rows(1, 300), rows(2, 500)
    training = Training(X, y, np.ones(300), np.array([f"p{number}" for number in range(300)]))
    held = held_rows(y_test, np.ones(500), np.arange(500) % 10, X_test, draws=0)
    own = 17
    others = [checksums.seed(own, "another seed", number) for number in (2, 3)]
    model = forest.grow(training, SETTINGS, own, 1).forest
    subject = SimpleNamespace(
        set="set",
        task=SimpleNamespace(name="task", names=("a", "b")),
        model=model,
        codes=np.array([0, 1]),
        fit={"seed": own},
        settings=SETTINGS,
    )
    accuracies = [
        float((forest.grow(training, SETTINGS, seed, 1).forest.predict(X_test) == y_test).mean())
        for seed in (own, *others)
    ]
    return seeds.by_seeds(subject, held, training, 3, 1), accuracies


def test_values_are_those_of_the_forests(found: tuple[pd.DataFrame, list[float]]) -> None:
    table, accuracies = found
    row = table.set_index("metric").loc["oa"]
    assert len(set(accuracies)) > 1, "forests of other seeds differ"
    assert (row["seeds"], row["rows"], row["groups"]) == (3, 500, 10)
    assert [row["lowest"], row["mean"], row["highest"]] == pytest.approx(
        [min(accuracies), sum(accuracies) / 3, max(accuracies)]
    )
    mean = sum(accuracies) / 3
    assert row["seed_std"] == pytest.approx((sum((value - mean) ** 2 for value in accuracies) / 2) ** 0.5)


def test_of_one_seed_nothing_is_said() -> None:
    assert seeds.by_seeds(SimpleNamespace(), SimpleNamespace(), SimpleNamespace(), 1, 1).empty


def averages(**other: object) -> dict[str, object]:
    row = dict.fromkeys(headline.HEADLINE.columns, "") | {"release": "r", "scheme": "s", "trials": 2}
    row |= {"classifier": "forest", "features": "set", "task": "task", "role": "test", "metric": "oa"}
    row |= {"weighting": "none", "value": 0.5, "low": 0.4, "high": 0.6, "trial_std": 0.01, "n": 9, "groups": 12}
    return row | other


def test_the_headline_tells_it_beside_the_score_of_that_scheme_alone(found: tuple[pd.DataFrame, list[float]]) -> None:
    rows = [averages(note="few"), averages(scheme="t"), averages(classifier="majority"), averages(weighting="design")]
    table = headline.headline_of([pd.DataFrame(rows)])
    noted = headline.with_seeds(table, found[0], ReleaseFile("r", "s", 1, Path("seeds.tsv")))
    said = noted.set_index(["scheme", "classifier", "weighting"])["note"].to_dict()
    assert said.pop(("s", "forest", "none")).startswith("few; std between 3 forest seeds 0.0")
    assert set(said.values()) == {""}
