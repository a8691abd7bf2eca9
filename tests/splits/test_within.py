"""Redundancy within a role, and the number of groups that it amounts to."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sentinel_forest.datasets.keys import codes_of
from sentinel_forest.splits import ledger, linking, near_duplicates
from sentinel_forest.verify.footprints import footprints


def ground(x: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"x": x, "y": 0.0, "epsg": 32632, "side_m": 100.0})


def test_shared_ground_within_a_role_by_hand() -> None:
    """Squares of 100 m: two overlap by 40 m, two lie on each other, one lies alone, one is of another role."""
    found = footprints(ground([0, 60, 500, 500, 1000, 1000]))
    assert found is not None
    assert found.shared_within(np.array([0, 1, 2, 3, 4])).tolist() == [40.0, 40.0, 100.0, 100.0, 0.0]


@given(some.lists(some.sampled_from(["", "a", "b", "c", "d"]), min_size=1, max_size=20))
def test_values_within_a_role_are_those_of_a_loop(values: list[str]) -> None:
    rows = np.arange(len(values))
    (row,) = linking.ByValue("key", codes_of(pd.Series(values))).within(rows)
    linked = sum(values.count(value) > 1 for value in values if value)
    if linked:
        repeated = {value for value in values if value and values.count(value) > 1}
        assert (row.linked, row.total, row.shared) == (linked, len(values), len(repeated))
    else:
        assert row.linked == (None if "" in values else 0)


def test_near_duplicates_within_a_role_are_no_exact_ones() -> None:
    """a and b are alike; c and d have the same pixels; e is like nothing."""
    catalog = pd.DataFrame({"content_hash": ["1", "2", "3", "3", "4"]})
    signatures = pd.DataFrame({"patch": list("abcde"), "mean": [0.0, 0.001, 5.0, 5.0, 9.0]})
    (row,) = near_duplicates.NearDuplicates(catalog, signatures, 0.01).within(np.arange(5))
    assert (row.linked, row.total) == (2, 5)


@pytest.mark.parametrize(("sizes", "effective"), [([5, 5, 5, 5], 4.0), ([97, 1, 1, 1], 10_000 / 9412), ([7], 1.0)])
def test_effective_number_of_groups(sizes: list[int], effective: float) -> None:
    groups = pd.Series(np.repeat(np.arange(len(sizes)), sizes).astype(str))
    (row,) = linking.EffectiveGroups(groups).within(np.arange(len(groups)))
    assert (row.fraction, row.shared) == (pytest.approx(effective), len(sizes))


def test_a_group_that_is_unknown_leaves_the_number_unknown() -> None:
    (row,) = linking.EffectiveGroups(pd.Series(["a", None, "b"])).within(np.arange(3))
    assert row.fraction is None


def test_the_ledger_counts_them_and_marks_none() -> None:
    catalog = pd.DataFrame({"patch": list("abcd"), "content_hash": list("wwxy"), "city": list("rrst"), "group": "g"})
    drawn = pd.DataFrame({"patch": list("abcd"), "role": ["test", "test", "train", "validation"]})
    keys = {"city": "mark", "footprint": "not published"}
    found = ledger.build(catalog, {("s", 1): drawn}, keys, {"content": "stop"})
    own = found[(found["role_a"] == "test") & (found["role_b"] == "test")].set_index("key")
    assert own.loc[["content", "city"], "linked"].tolist() == [2, 2]
    assert own.loc[["content", "city"], "status"].tolist() == ["counted", "counted"]
    assert own.loc[linking.GROUPS, ["fraction", "shared_values"]].tolist() == [1.0, 1]
