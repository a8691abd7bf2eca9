"""What the default run says about its splits."""

import re

import pandas as pd
import pytest

from sentinel_forest import datasets

pytestmark = pytest.mark.xdist_group("runs")


@pytest.mark.parametrize("release", ["so2sat-sample", "sen12ms-sample"])
def test_classes_have_their_names(demo, release):
    checkout, _ = demo
    folder = checkout.folder / "results" / "sample-v1" / release / "splits"
    names = set(datasets.load(release.split("-")[0]).label_names)
    balances = [pd.read_csv(path, sep="\t", na_filter=False) for path in folder.rglob("*.balance.tsv")]
    classes = set(pd.concat(balances)["class"]) - {""}
    assert len(classes & names) >= 10
    assert not {name for name in classes if name.startswith("label ")}
    unmet = pd.concat([pd.read_csv(path, sep="\t") for path in folder.rglob("*.infeasible.tsv")])
    assert unmet["request"].str.contains("|".join(map(re.escape, names))).any()
    assert not unmet["request"].str.contains("label ").any()
