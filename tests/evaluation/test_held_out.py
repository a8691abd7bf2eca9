"""Held-out rows and their scores: hand-worked figures, and scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from held import held_rows
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import held_out


def test_hand_worked_accuracies_with_weights_in_every_draw():
    held = held_rows([0, 0, 1, 1], [1, 3, 2, 2], [0, 1, 0, 1])
    hit = np.array([1.0, 0, 1, 0])
    assert held_out.overall_accuracy(held, hit)[0] == pytest.approx(3 / 8)
    assert held_out.average_accuracy(held, hit, 3)[0] == pytest.approx((1 / 4 + 2 / 4) / 2)
    for draw, value in zip(held.sample.draws, held_out.overall_accuracy(held, hit), strict=True):
        assert value == pytest.approx(3 * draw[0] / (3 * draw[0] + 5 * draw[1]))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.floats(0.5, 9), st.integers(0, 4)), min_size=1))
def test_scores_equal_those_of_scikit_learn_on_repeated_rows(rows):
    """A draw is the sample with each group as often as it was drawn."""
    truth, hit, weight, group = (np.array(column) for column in zip(*rows, strict=True))
    held = held_rows(truth, weight, group, draws=3)
    predicted = np.where(hit, truth, 3)
    for place, draw in enumerate(held.sample.draws):
        of_row = draw[held.group] * weight
        if not of_row.sum():
            continue
        kept = of_row > 0
        given_ = {"sample_weight": of_row[kept]}
        assert held_out.overall_accuracy(held, hit.astype(float))[place] == pytest.approx(
            accuracy_score(truth[kept], predicted[kept], **given_)
        )
        recalls = [of_row[kept & (truth == c) & hit].sum() / of_row[truth == c].sum() for c in np.unique(truth[kept])]
        assert held_out.average_accuracy(held, hit.astype(float), 3)[place] == pytest.approx(np.mean(recalls))


@pytest.fixture
def shards(tmp_path):
    """Two feature tables with drawn pixels of four patches, and their catalog."""
    table = pd.DataFrame(
        {
            "patch": ["a", "a", "b", "c", "c", "d"],
            "pixel": range(6),
            "label": [0, 1, 2, 0, 1, 2],
            "weight": np.arange(1, 7, dtype=np.float32),
            "B2": np.arange(6, dtype=np.float32),
            "B3": np.arange(6, dtype=np.float32) + 10,
        }
    )
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    table.iloc[:3].to_parquet(paths[0])
    table.iloc[3:].to_parquet(paths[1])
    return paths, pd.DataFrame({"patch": list("dcba"), "group": ["y", "x", "x", "x"], "weight": 1.0})


def rows(shards, patches="bcd", features=("B3", "B2")):
    paths, known = shards
    return held_out.held_out_rows(paths, features, known[known["patch"].isin(list(patches))], 10, seed=1)


def test_rows_are_those_of_held_out_patches_in_the_order_of_the_features(shards):
    held = rows(shards)
    assert held.X.tolist() == [[12, 2], [13, 3], [14, 4], [15, 5]]
    assert held.truth.tolist() == [2, 0, 1, 2]
    assert held.weight.tolist() == [3, 4, 5, 6]
    assert held.group.tolist() == [0, 0, 0, 1]
    assert held.sample.draws.shape == (11, 2)
    assert held.patches["patch"].tolist() == ["b", "c", "d"]
    assert held.place.tolist() == [0, 1, 1, 2]


def test_no_held_out_row_is_nothing_and_too_many_are_drawn_the_same_way_every_time(shards):
    assert len(rows(shards, patches="z").truth) == 0
    one, two = (rows(shards).at_most(2, seed=1) for _ in range(2))
    assert len(one.X) == 2
    assert one.X.tolist() == two.X.tolist()
    assert one.patches["patch"].iloc[one.place].tolist() == ["?bccd"[int(row[1]) - 1] for row in one.X]
    assert rows(shards).at_most(4, seed=1).X.tolist() == rows(shards).X.tolist()


def test_a_missing_feature_and_an_unknown_patch_are_named(shards, tmp_path):
    with pytest.raises(InputError, match="B4"):
        rows(shards, features=("B4",))
    _, known = shards
    known.assign(role="test").to_parquet(tmp_path / "split.parquet")
    known.iloc[1:].to_parquet(tmp_path / "catalog.parquet")
    with pytest.raises(InputError, match=r"not in the catalog"):
        held_out.read_roles(tmp_path / "split.parquet", tmp_path / "catalog.parquet")


def test_patches_count_as_one_each_and_those_without_class_do_not_count(tmp_path):
    table = pd.DataFrame({"patch": ["a", "b"], "label": [1, -1], "B2_mean": np.float32([1, 2])})
    table.to_parquet(tmp_path / "1.parquet")
    known = pd.DataFrame({"patch": ["a", "b"], "group": ["x", "y"], "weight": 1.0})
    held = rows(([tmp_path / "1.parquet"], known), "ab", ["B2_mean"])
    assert (held.weight.tolist(), held.truth.tolist(), held.groups) == ([1], [1], 1)
