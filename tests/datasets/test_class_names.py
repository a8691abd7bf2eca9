"""Tables about a split name the classes as the dataset does."""

import re

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.io import tables
from sentinel_forest.splits import balance, split

EVEN = {"train": 0.5, "validation": 0.25, "test": 0.25}


def catalog(labels: list[int], **columns: object) -> pd.DataFrame:
    """Two patches of each of many groups; class 9 is in one of them alone."""
    count = len(labels)
    return pd.DataFrame(
        {
            "patch": [f"p{row}" for row in range(count)],
            "published_split": (["train", "test", "validation"] * count)[:count],
            "group": [f"g{row // 2}" for row in range(count)],
            "label": np.array(labels, dtype=np.int16),
            **columns,
        }
    )


def drawn(folder, dataset, table, **definition) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Balance and unmet requests of a trial, drawn by the command that the rule gives."""
    table.to_parquet(folder / "catalog.parquet")
    split.split(
        catalog=folder / "catalog.parquet",
        scheme="s",
        trial=1,
        definition=parse_scheme(definition),
        classes=datasets.load(dataset).label_names,
        seed=1,
        output=folder / "1.parquet",
        balance=folder / "balance.tsv",
        infeasible=folder / "infeasible.tsv",
    )
    return (
        tables.read_tsv(folder / "balance.tsv", balance.BALANCE),
        tables.read_tsv(folder / "infeasible.tsv", balance.INFEASIBLE),
    )


@pytest.mark.parametrize("kind", ["published", "pooled-random", "grouped-stratified", "balanced"])
def test_labels_have_the_names_of_the_dataset(tmp_path, kind) -> None:
    labels = [0, 5] * 30 + [9, 9]
    fractions = {} if kind == "published" else {"fractions": EVEN}
    per_class = {"per_class": 20} if kind == "balanced" else {}
    balance, unmet = drawn(tmp_path, "so2sat", catalog(labels), kind=kind, **fractions, **per_class)
    names = {"Compact high-rise", "Open low-rise", "Heavy industry"}
    assert set(balance.loc[balance["quantity"] == "class", "class"]) == names
    assert not unmet["request"].str.contains("label").any()
    if kind in ("grouped-stratified", "balanced"):
        assert unmet["request"].str.contains("Heavy industry").any()


def test_a_label_is_told_from_the_fraction_of_the_same_name(tmp_path) -> None:
    """Both are strata; what is counted of one is not counted of the other."""
    water = np.array([0.5, 0.25] * 20, dtype=np.float32)
    table = catalog([9, 0] * 20, fraction_Water=water, fraction_Forest=1 - water)
    balance, unmet = drawn(tmp_path, "sen12ms", table, kind="grouped-stratified", fractions=EVEN, tolerance=1e-9)
    classes = balance[balance["quantity"] == "class"]
    totals = classes.groupby("class")["patches"].sum().to_dict()
    assert totals == pytest.approx({"Forest (scene)": 20, "Water (scene)": 20, "Water": 15, "Forest": 25})
    assert not classes.duplicated(["role", "class"]).any()
    reasons = dict(zip(unmet["request"], unmet["reason"], strict=True))
    for request, reason in reasons.items():
        found = re.search(r" of (.+) for ", request)
        if found and found[1] in totals:
            assert reason.startswith(f"{totals[found[1]]:.6g} patches of it"), request


def test_a_number_that_the_dataset_does_not_know_stays_a_number(tmp_path) -> None:
    balance, _ = drawn(tmp_path, "so2sat", catalog([0, 40] * 20), kind="pooled-random", fractions=EVEN)
    assert {"Compact high-rise", "label 40"} == set(balance.loc[balance["quantity"] == "class", "class"])


def test_a_dataset_without_a_task_for_patches_has_no_names_of_labels() -> None:
    assert datasets.load("cloudsen12").label_names == ()


def test_names_are_those_of_the_task_of_patches() -> None:
    assert datasets.load("so2sat").label_names[5] == "Open low-rise"
    names = datasets.load("sen12ms").label_names
    assert names[9] == "Water (scene)"
    assert len(set(names)) == len(names)
