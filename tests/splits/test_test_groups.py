"""Sizes of roles where nobody asks for any, and a test that has enough groups before anything else."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.config.options import LEAST_TEST_GROUPS
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.io import checksums
from sentinel_forest.splits import split

GROUPED = ["grouped", "grouped-stratified"]


def cities(sizes: list[int], published: tuple[int, int, int] = (0, 0, 0)) -> pd.DataFrame:
    """A catalog of cities of these sizes, of which the first patches have a published split."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    count = len(group)
    roles = np.repeat(["train", "validation", "test", ""], [*published, count - sum(published)])
    return pd.DataFrame(
        {
            "patch": [f"p{row:05d}" for row in range(count)],
            "published_split": roles,
            "group": [f"city {number:02d}" for number in group],
            "label": (np.arange(count) % 4).astype(np.int16),
        }
    )


def drawn(catalog: pd.DataFrame, kind: str, **options: object) -> split.Result:
    definition = parse_scheme({"kind": kind, "compare": False} | options if kind in GROUPED[1:] else {"kind": kind})
    return split.make(catalog, definition, 1, lambda *names: checksums.seed(1, *names))


def test_sizes_are_those_of_the_published_split_if_it_has_all_roles() -> None:
    whole = cities([10] * 100, (879, 60, 61))
    sizes = drawn(whole, "pooled-random").split["role"].value_counts().to_dict()
    assert sizes == {"train": 879, "validation": 60, "test": 61}
    without = cities([10] * 100, (939, 0, 61))
    sizes = drawn(without, "pooled-random").split["role"].value_counts().to_dict()
    assert sizes == {"train": 700, "validation": 100, "test": 200}


@pytest.mark.parametrize("kind", GROUPED)
def test_fifty_two_cities_of_unequal_size_give_the_test_enough_of_them(kind: str) -> None:
    """As in So2Sat LCZ42, whose published sizes would leave the test one to three cities."""
    random = np.random.default_rng(2)
    sizes = random.integers(300, 1500, 52).tolist()
    total = sum(sizes)
    published = (total - 2 * round(0.06 * total), round(0.06 * total), round(0.06 * total))
    catalog = cities(sizes, published)
    result = drawn(catalog, kind)
    groups = catalog.groupby(result.split["role"])["group"].nunique()
    assert groups["test"] >= LEAST_TEST_GROUPS
    assert catalog.groupby("group")["patch"].count().sum() == total
    assert result.split.groupby(catalog["group"])["role"].nunique().max() == 1
    assert not result.infeasible["request"].str.contains("groups for test").any()


@pytest.mark.parametrize("kind", GROUPED)
def test_too_few_groups_are_named_with_the_way_out(kind: str) -> None:
    result = drawn(cities([10] * 12), kind)
    (row,) = result.infeasible[result.infeasible["request"].str.contains("groups for test")].itertuples()
    assert row.request.startswith(f"{LEAST_TEST_GROUPS} groups for test")
    assert int(row.found) < LEAST_TEST_GROUPS
    assert row.reason == "12 groups in all; group k-fold (kind: kfold) tests on each of them"


def test_the_other_roles_share_the_rest_and_trials_differ() -> None:
    """25 cities of one size: 10 for the test, the other 15 in the ratio 0.7 to 0.1."""
    catalog = cities([8] * 25)
    tested = []
    for trial in (1, 2, 3):
        definition = parse_scheme({"kind": "grouped-stratified", "compare": False})
        result = split.make(catalog, definition, trial, lambda *names: checksums.seed(1, *names))
        groups = catalog.groupby(result.split["role"])["group"].nunique().to_dict()
        assert groups == {"test": 10, "train": 13, "validation": 2}
        tested.append(frozenset(catalog["group"][result.split["role"] == "test"]))
        (row,) = result.infeasible[result.infeasible["request"] == "0.2 of the patches for test"].itertuples()
        assert (row.found, row.reason[:18]) == ("0.4 aimed at", "10 of 25 groups go")
    assert len(set(tested)) == 3


def test_a_release_with_twice_as_many_has_enough() -> None:
    catalog = cities([10] * (2 * LEAST_TEST_GROUPS))
    result = drawn(catalog, "grouped-stratified")
    assert catalog["group"][result.split["role"] == "test"].nunique() >= LEAST_TEST_GROUPS
