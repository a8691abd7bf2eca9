"""The constants of few groups against the simulation behind them, and a small part of the simulation itself."""

import numpy as np
import pandas as pd
import pytest

from bench import coverage as simulation
from sentinel_forest.config import groups

TABLE = pd.read_csv(simulation.TABLE, sep="\t")
CHOSEN = "logit t, bootstrap"
OVERALL = TABLE[(TABLE["kind"] == "overall") & (TABLE["method"] == CHOSEN)]
OF_CLASS = TABLE[TABLE["sizes"] == "groups with the class"]
KINDS = [("", OVERALL, groups.LEAST_GROUPS, 0.5), ("water", OF_CLASS, groups.LEAST_GROUPS_OF_CLASS, 0.75)]


@pytest.mark.parametrize(("of_class", "table", "least", "width"), KINDS)
def test_coverage_is_at_least_what_notes_state_and_never_below_92_per_cent(of_class, table, least, width):
    known = table[(table["groups"] >= least) & (table["groups"] < groups.MANY_GROUPS)]
    assert set(known["groups"]) >= {8, 10, 12, 15}
    for row in known.itertuples():
        assert row.coverage >= 0.92, row
        assert row.coverage >= groups.coverage(row.groups, of_class) - 0.0005, row
        assert row.coverage <= groups.coverage(row.groups, of_class) + 0.08, row


@pytest.mark.parametrize(("of_class", "table", "least", "width"), KINDS)
def test_one_group_fewer_says_next_to_nothing(of_class, table, least, width):
    widest = table[table["metric"] != "kappa"].groupby("groups")["width"].max()
    assert widest[least] <= width < widest[least - 1]


def test_the_chosen_interval_covers_most_of_six_and_the_table_has_enough_runs():
    assert TABLE.loc[TABLE["sizes"] != "groups with the class", "runs"].max() == simulation.RUNS == 4000
    assert {"10 cities", "26 scenes", "195 ROIs of 5"} <= set(TABLE["sizes"])
    worst = TABLE[TABLE["kind"] == "overall"].groupby(["sizes", "method"])["coverage"].min().unstack()
    assert (worst[CHOSEN] >= worst.drop(columns=CHOSEN).max(axis=1) - 0.01).all()
    assert worst.loc["10 cities", "percentile"] < 0.88
    assert worst.loc["10 cities", CHOSEN] > 0.92


def test_a_small_simulation_agrees_with_the_table():
    """300 runs of five uneven groups: the percentile interval covers far too little, the chosen one what it should."""
    methods = {name: simulation.METHODS[name] for name in ("percentile", CHOSEN)}
    with np.errstate(all="ignore"):
        found = pd.concat(simulation.simulate(simulation.SIZES["5 uneven"], 300, 200, methods, seed=7))
    keys = ["kind", "metric", "method"]
    own = simulation.summary(found, keys).set_index(keys)["coverage"]
    expected = TABLE[TABLE["sizes"] == "5 uneven"].set_index(keys)["coverage"].reindex(own.index)
    assert (abs(own - expected) < 4 * np.sqrt(expected * (1 - expected) / 300) + 0.02).all()
    assert (own.xs("percentile", level="method") < 0.90).all()
    assert (own.xs(CHOSEN, level="method") > 0.92).all()
