"""A release is known by its data: two versions may call it by different names."""

import pandas as pd

from sentinel_forest.versions import compare


def side(scores, data, files=(), **configuration):
    """One of two versions, with a score for each release."""
    rows = pd.DataFrame(
        [(release, "s", 1, value) for release, value in scores.items()], columns=["release", "scheme", "trial", "value"]
    )
    identity = {"data": data, "registry": dict.fromkeys(data, "same"), "code": "c"}
    description = {"identity": identity, "configuration": configuration, "environment": {}}
    return compare.Side(rows, description, {f"{name}/splits/s/1.parquet": sha for name, sha in dict(files).items()})


def test_the_same_data_under_another_name_are_compared():
    before = side({"mine": 0.5}, {"mine": "1"}, {"mine": "split"}, select={"mine": ["test*"]})
    now = side({"so2sat-v2": 0.7}, {"so2sat-v2": "1"}, {"so2sat-v2": "split"}, select={"so2sat-v2": ["test*"]})
    matched = compare.renamed(before, now)
    assert matched.scores["release"].tolist() == ["so2sat-v2"]
    assert matched.files == now.files
    assert matched.description == now.description
    reason = compare.explanation(matched, now, "so2sat-v2", "s", 1)
    assert reason == "nothing that is recorded: the computation is not reproducible"


def test_names_that_were_swapped_are_told_apart():
    before = side({"a": 0.1, "b": 0.2}, {"a": "1", "b": "2"})
    matched = compare.renamed(before, side({"a": 0.2, "b": 0.1}, {"a": "2", "b": "1"}))
    assert dict(zip(matched.scores["release"], matched.scores["value"], strict=True)) == {"b": 0.1, "a": 0.2}


def test_other_data_under_the_same_name_keep_it_and_are_told_as_the_reason():
    before, now = side({"a": 0.1}, {"a": "1"}), side({"a": 0.2}, {"a": "2"})
    assert compare.renamed(before, now) is before
    assert compare.explanation(before, now, "a", "s", 1) == "data"


def test_a_name_that_now_stands_for_other_data_is_not_held_against_them():
    before = side({"a": 0.1, "b": 0.2}, {"a": "1", "b": "2"})
    matched = compare.renamed(before, side({"b": 0.1}, {"b": "1"}))
    assert matched.scores["release"].tolist() == ["b", "b (before)"]
