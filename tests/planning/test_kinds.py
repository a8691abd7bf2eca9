"""What a scheme gets, it gets by its kind: an own name makes no difference."""

import pytest

from sentinel_forest.config import paths
from sentinel_forest.config.schemes import KINDS, kind_of
from sentinel_forest.export import tfds_plan
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.wiring import Wiring

BUILT_IN = ["published", "pooled-random", "grouped-stratified"]
OWN = {"official": "published", "mixed": "pooled-random", "apart": "grouped-stratified"}


def selected(own: bool, **values):
    schemes = {"schemes": list(OWN), "own_schemes": {name: {"kind": kind} for name, kind in OWN.items()}}
    config = {"releases": ["so2sat-sample"], "feature_sets": ["lcz-s1+s2"], **(schemes if own else {}), **values}
    return select(config if own else {"schemes": BUILT_IN} | config)


def renamed(names):
    """Own names as those of their kinds."""
    return [OWN.get(name, name) for name in names]


def test_own_names_get_the_files_of_their_kinds():
    plain, own = (Wiring(selected(own)) for own in (False, True))
    for pattern in (paths.SPLIT, paths.METRICS, paths.CONFUSION):
        parts = [path.split("/") for path in own.trial_files(pattern)]
        assert ["/".join(renamed(part)) for part in parts] == plain.trial_files(pattern)


def test_own_names_are_looked_into_and_priced_as_their_kinds_are():
    plain, own = selected(False), selected(True)
    (scheme, trial), expected = own.inspected("so2sat-sample"), plain.inspected("so2sat-sample")
    assert (OWN[scheme], trial) == expected == ("grouped-stratified", 1)
    assert own.priced == plain.priced == ["so2sat-sample"]
    assert own.pooled("so2sat-sample") == plain.pooled("so2sat-sample")


def test_own_names_have_the_seeds_of_their_kinds():
    plain, own = selected(False), selected(True)
    for name, kind in OWN.items():
        assert own.seed("so2sat-sample", name) == plain.seed("so2sat-sample", kind)


def test_the_published_split_keeps_its_name_in_tfds():
    assert ("so2sat-sample", "so2sat") in tfds_plan.splits(selected(False))
    assert tfds_plan.splits(selected(True))["so2sat-sample", "so2sat"] == ("official", 1)


def test_a_transfer_takes_the_published_split_whatever_its_name():
    both = {"releases": ["so2sat-sample", "so2sat-v2"], "transfer": {"so2sat-v2": "so2sat-sample"}}
    assert selected(True, **both).trials("so2sat-v2") == [("official", 1)]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_kind_is_the_name_of_a_scheme_that_has_no_other(kind):
    assert kind_of(kind, {}) == kind
    assert kind_of("mine", {"mine": {"kind": kind}}) == kind
