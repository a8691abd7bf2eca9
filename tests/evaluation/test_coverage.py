"""The constants of few groups against the simulation behind them, and a small part of the simulation itself."""

import numpy as np
import pandas as pd
import pytest

from bench import coverage as simulation
from bench import coverage_further as further
from sentinel_forest.config import groups
from sentinel_forest.evaluation import uncertainty

TABLE = pd.read_csv(simulation.TABLE, sep="\t")
CHOSEN = simulation.CHOSEN
OVERALL = TABLE[(TABLE["kind"] == "overall") & (TABLE["method"] == CHOSEN)]
OF_CLASS = TABLE[(TABLE["sizes"] == simulation.WITH_CLASS) & (TABLE["kind"] == "class")]
IS_CLASS_DIFFERENCE = TABLE["kind"] == "difference, class"
FURTHER = {
    "summary": TABLE[TABLE["kind"] == "summary"],
    "difference": TABLE[
        TABLE["kind"].isin(["difference, overall", "difference, summary"])
        | (IS_CLASS_DIFFERENCE & (TABLE["groups"] >= groups.LEAST_GROUPS_OF_CLASS))
    ],
}
KINDS = [("", OVERALL, groups.LEAST_GROUPS), ("water", OF_CLASS, groups.LEAST_GROUPS_OF_CLASS)]


@pytest.mark.parametrize(("of_class", "table", "least"), KINDS)
def test_notes_state_the_lowest_coverage_of_both_models(of_class, table, least):
    known = table[(table["groups"] >= least) & (table["groups"] < groups.MANY_GROUPS)]
    assert set(known["model"]) == set(simulation.MODELS)
    assert set(known["groups"]) >= {8, 10, 15, 20}
    for row in known.itertuples():
        assert row.coverage >= groups.coverage(row.groups, of_class) - 0.0005, row
    # Each constant is a value of the table, rounded: none is lower than what was found.
    steps = groups.COVERAGE_OF_CLASS if of_class else groups.COVERAGE
    ends = [*sorted(steps)[1:], groups.MANY_GROUPS]
    for (first, value), end in zip(sorted(steps.items()), ends, strict=True):
        lowest = known.loc[known["groups"].between(first, end - 1), "coverage"].min()
        assert value == pytest.approx(lowest, abs=0.0105), first


@pytest.mark.parametrize("kind", list(FURTHER))
def test_notes_of_summaries_and_differences_state_the_lowest_coverage_of_their_own(kind):
    table = FURTHER[kind]
    assert set(table["model"]) == set(simulation.MODELS)
    assert set(table["groups"]) >= {5, 10, 15}
    lowest = table["coverage"].min()
    assert lowest >= 0.92
    for number in (5, 12, 29):
        assert 0 <= lowest - groups.coverage(number, "", kind) < 0.0105
        assert groups.coverage(number, "", kind) == groups.coverage(number + 5, "water", kind)


def test_a_bin_of_patches_rests_on_the_groups_that_have_any():
    """Twelve groups of ten patches; 3 patches below 0.1 lie in two of them, and all of a third."""
    percent = np.array([10.0, 20.0, 100.0, *[0.0] * 9])
    support = uncertainty.Support.of_bin(np.full(12, 10.0), percent)
    assert (support.groups, support.whole) == (12, 3)
    assert support.effective == pytest.approx(13**2 / (1 + 4 + 100))
    none = uncertainty.Support.of_bin(np.full(12, 10.0), np.zeros(12))
    assert (none.groups, none.whole, none.effective) == (12, 0, 0.0)


def test_coverage_is_92_per_cent_wherever_an_interval_is_given():
    for _, table, least in KINDS:
        assert (table.loc[table["groups"] >= least, "coverage"] >= 0.92).all()


@pytest.mark.parametrize(("of_class", "table", "least"), KINDS)
def test_one_group_fewer_says_next_to_nothing(of_class, table, least):
    usual = table[(table["metric"] != "kappa") & (table["model"] == "usual")]
    widest = usual.groupby("groups")["width"].max()
    limit = 0.75 if of_class else 0.5
    assert widest[least] <= limit < widest[least - 1]


def test_the_chosen_interval_covers_most_of_six_and_the_table_has_enough_runs():
    assert OVERALL["runs"].min() >= simulation.RUNS - 40
    assert simulation.RUNS == 4000
    assert {"10 cities", "26 scenes", "195 ROIs of 5"} <= set(TABLE["sizes"])
    compared = TABLE[(TABLE["model"] == "usual") & TABLE["sizes"].isin(simulation.COMPARED)]
    worst = compared[compared["kind"] == "overall"].groupby(["sizes", "method"])["coverage"].min().unstack()
    assert (worst[CHOSEN] >= worst.drop(columns=CHOSEN).max(axis=1) - 0.01).all()
    assert worst.loc["10 cities", "percentile"] < 0.88
    assert worst.loc["10 cities", CHOSEN] > 0.92


def test_a_small_simulation_agrees_with_the_table():
    """300 runs of five uneven groups: the percentile interval covers far too little, the chosen one what it should."""
    methods = ["percentile", CHOSEN]
    with np.errstate(all="ignore"):
        sizes, model = simulation.SIZES["5 uneven"], simulation.MODELS["usual"]
        found = pd.concat(simulation.simulate(sizes, 300, 200, methods, model, seed=7))
    keys = ["kind", "metric", "method"]
    own = simulation.summary(found[found["kind"] == "overall"], keys).set_index(keys)["coverage"]
    there = TABLE[(TABLE["sizes"] == "5 uneven") & (TABLE["model"] == "usual")]
    expected = there.set_index(keys)["coverage"].reindex(own.index)
    assert (abs(own - expected) < 4 * np.sqrt(expected * (1 - expected) / 300) + 0.02).all()
    assert (own.xs("percentile", level="method") < 0.90).all()
    assert (own.xs(CHOSEN, level="method") > 0.92).all()


def test_a_small_simulation_of_differences_and_summaries_agrees_with_the_table():
    """250 runs of ten groups."""
    model, sizes = simulation.MODELS["usual"], "10 of 5 patches, uneven"
    with np.errstate(all="ignore"):
        pairs = further._of_pairs(simulation.SIZES["10 cities"], 250, 100, model, 99)
        patches = further._of_patches(further.PATCH_SIZES[sizes], 250, 100, model, 99)
        found = pd.concat(
            [*(each.assign(sizes="10 cities") for each in pairs), *(p.assign(sizes=sizes) for p in patches)]
        )
    keys = ["sizes", "kind", "metric"]
    own = simulation.summary(found[(found["kind"] != "difference, class") & (found["metric"] != "pa.low")], keys)
    own = own.set_index(keys)["coverage"]
    expected = TABLE[TABLE["model"] == "usual"].set_index(keys)["coverage"].loc[own.index]
    assert len(own) == 9
    assert (abs(own - expected) < 4 * np.sqrt(expected * (1 - expected) / 250) + 0.02).all()


def test_true_summaries_are_those_of_many_patches():
    model = simulation.MODELS["clustered"]
    values = further.patch_values(np.random.default_rng(1), np.full(100_000, 3), model)
    for metric in further._summaries():
        for one, shift in zip(values, (0.0, -further.WORSE), strict=True):
            found = float(metric.summary(one, np.ones((1, len(one))))[0])
            assert found == pytest.approx(further.true_summary(metric, model, shift), abs=0.004 * metric.high)


def test_a_rare_class_in_few_of_many_groups():
    """Ten large groups of which about three have the class: the groups that have it count, not those of the units."""
    model, sizes = simulation.MODELS["clustered"], simulation.SIZES["10 cities"]
    with np.errstate(all="ignore"):
        found = pd.concat(simulation.simulate(sizes, 300, 200, [CHOSEN], model, seed=3))
    covered = found[found["groups"] >= groups.LEAST_GROUPS_OF_CLASS].groupby("metric")["inside"].mean()
    assert (covered[["ua", "f1", "iou", "boa.question"]] > 0.93).all()
