"""How many groups are enough: the width that is foretold is the width that is found."""

import numpy as np
import pandas as pd
import pytest

from project import ROOT
from sentinel_forest import cli
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import groups_needed, uncertainty
from sentinel_forest.evaluation.confusion import CONFUSION, WHOLE
from sentinel_forest.evaluation.groups_needed import Spread
from sentinel_forest.io import tables


def drawn(random: np.random.Generator, groups: int, presence: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Hits and units of groups of unequal size, each with an accuracy of its own around 0.7."""
    units = random.integers(10, 60, groups) * (random.uniform(size=groups) < presence)
    return random.binomial(units, random.beta(7, 3, groups)).astype(float), units.astype(float)


def found_width(hits: np.ndarray, units: np.ndarray, seed: int, of_class: str) -> float:
    """Half width of the interval that the project gives for these groups."""
    draws = uncertainty.resamples(len(units), 400, seed)
    value = hits.sum() / units.sum()
    support = uncertainty.Support.of(units)
    least = groups_needed.least_groups(of_class)
    with np.errstate(invalid="ignore"):
        replicates = (draws @ hits) / (draws @ units)
    low, high = uncertainty.interval(value, replicates, support, least=least)
    return (high - low) / 2


@pytest.mark.parametrize("groups", [10, 20, 50])
@pytest.mark.parametrize(("of_class", "presence"), [("", 1.0), ("rare", 0.8)])
def test_the_width_that_is_foretold_is_found(groups, of_class, presence):
    """From 400 groups once; against the mean width over 150 samples of few groups, with the project's own interval."""
    random = np.random.default_rng(groups)
    told = Spread.of(*drawn(random, 400, presence)).half_width(groups, of_class)
    widths = [found_width(*drawn(random, groups, presence), seed, of_class) for seed in range(150)]
    assert told == pytest.approx(np.nanmean(widths), rel=0.15)


def test_the_variance_of_equal_groups_is_that_of_their_means():
    """With equal groups the ratio is the mean of the groups' accuracies."""
    hits, units = np.array([5.0, 8.0, 6.0, 9.0, 7.0]), np.full(5, 10.0)
    spread = Spread.of(hits, units)
    assert spread.value == pytest.approx(0.7)
    assert spread.deviation == pytest.approx(np.std(hits / 10, ddof=1))
    assert (spread.equal, spread.presence, spread.groups) == (1.0, 1.0, 5)


def test_more_groups_are_never_wider_and_too_few_have_none():
    spread = Spread.of(*drawn(np.random.default_rng(3), 60))
    widths = [spread.half_width(groups) for groups in (5, 10, 20, 100, 1000)]
    assert widths == sorted(widths, reverse=True)
    assert np.isnan(spread.half_width(4))
    fewest = spread.groups_for(0.05)
    assert spread.half_width(fewest) <= 0.05 < spread.half_width(fewest - 1)
    assert spread.groups_for(1e-9) is None


def confusion_table(groups: int) -> pd.DataFrame:
    random = np.random.default_rng(5)
    rows = []
    for group in range(groups):
        for true, size in (("Water", 40), ("Sand", 4)):
            right = int(random.binomial(size, random.beta(7, 3)))
            counts = ((true, right), ("Water" if true == "Sand" else "Sand", size - right))
            rows += [(f"p{group}", f"g{group:02d}", true, said, count) for said, count in counts if count]
    table = pd.DataFrame(rows, columns=["patch", "group", "true", "predicted", "count"])
    who = {"scheme": "published", "trial": 1, "task": "lcz", "features": "lcz-s2", "classifier": "forest"}
    table = table.assign(**who, role="test", weight=1.0, train_patches=9, **WHOLE)
    return tables.conform(table[list(CONFUSION.columns)], CONFUSION)


def test_the_command_of_the_page(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "groups-needed.md").read_text(encoding="utf-8").replace("\\\n", "")
    words = next(line for line in page.splitlines() if line.startswith("sentinel-forest groups-needed")).split()[1:]
    place = tmp_path / words[words.index("--confusion") + 1]
    tables.write_parquet(place, confusion_table(20), CONFUSION)
    monkeypatch.chdir(tmp_path)
    cli.main(words)
    table = tables.read_tsv(tmp_path / words[words.index("--output") + 1], groups_needed.NEEDED)
    assert set(zip(table["metric"], table["class"], strict=True)) == {("oa", ""), ("pa", "Sand")}
    assert set(table["observed_groups"]) == {20}
    asked = table[table["note"] != ""]
    assert (asked["half_width"] <= 0.03).all()


def test_a_width_that_no_number_of_groups_gives_is_said(tmp_path):
    table = confusion_table(20)
    beyond = groups_needed.needed(table, 1e-6).query("note != ''")
    assert beyond["note"].tolist() == ["more than 100000 groups for a half width of 1e-06"] * 2
    alike = groups_needed.needed(table.assign(predicted=table["true"]), 0.03).query("note != ''")
    assert alike["half_width"].isna().all()
    assert alike["note"].str.startswith("no width can be told").all()


def test_groups_that_are_not_known_are_answered(tmp_path):
    for table, found in (
        (confusion_table(20).assign(group=""), "counts without a group"),
        (confusion_table(1), "1 groups"),
        (confusion_table(20).assign(role="validation"), "0 groups"),
    ):
        tables.write_parquet(tmp_path / "c.parquet", table, CONFUSION)
        with pytest.raises(InputError, match="cannot be told") as caught:
            groups_needed.groups_needed(confusion=tmp_path / "c.parquet", output=tmp_path / "out.tsv")
        assert found in str(caught.value)
