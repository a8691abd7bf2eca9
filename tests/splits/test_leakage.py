"""What roles share, for any table: the ledger's own answers, and unknown where values are missing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sentinel_forest import leakage
from sentinel_forest.splits import ledger


def table_of(roles: str, **keys: list[object]) -> pd.DataFrame:
    names = {"t": "train", "v": "validation", "e": "test", "u": "unused", " ": None}
    return pd.DataFrame({"role": [names[letter] for letter in roles], **keys})


def row(table: pd.DataFrame, key: str, role_a: str = "test", role_b: str = "train") -> pd.Series:
    return table.set_index(["key", "role_a", "role_b"]).loc[(key, role_a, role_b)]


def test_rows_are_those_of_the_ledger():
    random = np.random.default_rng(1)
    table = pd.DataFrame(
        {"patch": [f"p{place}" for place in range(60)], "role": random.choice([*ledger.PAIRS[1], "validation"], 60)}
    )
    table["city"] = random.choice([*"abcdefghijklmnop", ""], 60)
    table["scene"] = random.choice([*"abcdefghijklmnopqrstuvwxyz"], 60)
    table["tile"] = ""
    built = ledger.build(table, {("", 1): table}, dict.fromkeys(["city", "scene", "tile"], "mark"))
    built = built[built["key"].isin(["city", "scene", "tile"]) & (built["role_a"] != built["role_b"])]
    built = built.reset_index(drop=True)
    own = leakage(table, keys=["city", "scene", "tile"])
    pd.testing.assert_frame_equal(own, built)
    assert list(ledger.LEDGER.validate(own)) == list(own)
    assert set(own["status"]) == {"marked", ledger.AT_LEAST, "unknown"}


@given(
    roles=some.lists(some.sampled_from("tveu "), min_size=2, max_size=30),
    values=some.lists(some.sampled_from(["a", "b", "c", None, ""]), min_size=30, max_size=30),
)
def test_counts_are_those_of_a_loop(roles, values):
    table = table_of("".join(roles), key=values[: len(roles)])
    if len(set(roles) & set("tve")) < 2:
        with pytest.raises(ValueError, match="no two roles"):
            leakage(table, keys=["key"])
        return
    result = leakage(table, keys=["key"])
    for pair in ledger.PAIRS:
        mine, yours = (table.loc[table["role"] == role, "key"].fillna("").tolist() for role in pair)
        linked = sum(bool(value) and value in yours for value in mine)
        met = row(result, "key", *pair)
        if not mine or not yours:
            expected = "not looked at"
        elif linked:
            expected = "marked" if all([*mine, *yours]) else "marked, some unknown"
        else:
            expected = "clean" if all([*mine, *yours]) else "unknown"
        assert met["status"] == expected
        assert met["total"] == len(mine)
        assert pd.isna(met["linked"]) if expected in ("unknown", "not looked at") else met["linked"] == linked


def test_numbers_and_other_names_of_roles_and_columns():
    table = pd.DataFrame({"fold": ["fit", "fit", "dev", "dev"], "city": [1, 2, 2, 3]})
    result = leakage(table, role="fold", keys=["city"], roles=["fit", "dev"])
    assert result[["role_a", "role_b", "linked", "total", "status"]].to_numpy().tolist() == [
        ["dev", "fit", 1, 2, "marked"]
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"role": "split"}, ["role", "found: split", "role | city"]),
        ({"keys": ["town"]}, ["keys", "found: town", "role | city"]),
        ({"keys": "city"}, ["keys", "list"]),
        ({"keys": []}, ["keys", "list"]),
        ({"keys": ["city", "city"]}, ["keys", "different"]),
        ({"roles": ["train"]}, ["not to be compared", "test", "roles=[...]"]),
        ({"role": "city"}, ["not to be compared", "a, b"]),
        ({"role": ["role"]}, ["no such column", "found: ['role']"]),
        ({"keys": None}, ["keys", "list"]),
        ({"keys": [["city"]]}, ["keys", "list"]),
        ({"roles": ["1", 1.0, 2]}, ["roles", "different"]),
    ],
)
def test_arguments_that_do_not_suit_the_table(change, words):
    table = table_of("tee", city=["a", "b", "a"])
    with pytest.raises(ValueError, match="where") as met:
        leakage(table, **({"keys": ["city"]} | change))
    assert all(word in str(met.value) for word in words), met.value


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"role": ["train", "test"], "city": ["a", "b"]}, ["no table", "found: dict", "DataFrame"]),
        (pd.DataFrame([["train", "a", "b"]], columns=["role", "city", "city"]), ["several", "keys", "2 columns city"]),
        (pd.DataFrame([["train", "test", "b"]], columns=["role", "role", "city"]), ["several", "2 columns role"]),
        (pd.DataFrame({"role": ["train", "test"], "city": [["a"], ["b", "c"]]}), ["column city", "found: ['a']"]),
        (pd.DataFrame({"role": [["train"], "test"], "city": ["a", "b"]}), ["column role", "found: ['train']"]),
    ],
)
def test_tables_that_are_none_and_columns_that_hold_no_single_values(table, words):
    with pytest.raises(ValueError, match="where") as met:
        leakage(table, keys=["city"])
    assert all(word in str(met.value) for word in words), met.value


@pytest.mark.parametrize("dtype", ["float64", "float32", "Int64", "object", "Float64", "category"])
@pytest.mark.parametrize("roles", [[0, 1], [0.0, 1.0], ["0", "1"]])
def test_folds_beside_missing_ones_are_the_same_in_every_type(dtype, roles):
    table = pd.DataFrame({"fold": pd.Series([0, 0, 1, 1, None], dtype="float64").astype(dtype), "k": list("abacc")})
    found = leakage(table, role="fold", keys=["k"], roles=roles)
    assert found[["role_a", "role_b", "linked", "total", "status"]].to_numpy().tolist() == [["1", "0", 1, 2, "marked"]]


def test_folds_are_roles_too():
    folds = pd.DataFrame({"fold": [0, 0, 1, 1, None], "city": ["a", "b", "b", "c", "a"]}).astype({"fold": "Int64"})
    found = leakage(folds, role="fold", keys=["city"], roles=[0, 1])
    assert found[["role_a", "role_b", "linked", "total"]].to_numpy().tolist() == [["1", "0", 1, 2]]
    with pytest.raises(ValueError, match="roles that are not to be compared"):
        leakage(folds, role="fold", keys=["city"], roles=[0, 2])
