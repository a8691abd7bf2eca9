"""Inputs and parameters of rules, as functions of wildcards."""

import re
from types import SimpleNamespace

import pytest

from sentinel_forest.config import paths
from sentinel_forest.errors import InputError
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.wiring import Wiring, listing, told
from sentinel_forest.steps import SetFile, TrialFile


class Wildcards(SimpleNamespace):
    """What Snakemake hands over."""

    def get(self, name, default):
        return getattr(self, name, default)


@pytest.fixture(scope="module")
def wiring():
    """Two releases, one in two shards; one scheme of one trial and one of two."""
    config = {
        "releases": ["cloudsen12-sample", "so2sat-sample"],
        "schemes": ["published", "mixed"],
        "own_schemes": {"mixed": {"kind": "pooled-random"}},
        "trials": 2,
        "feature_sets": ["l1c-6", "lcz-s1+s2"],
        "shards": {"cloudsen12-sample": 2, "so2sat-sample": 1},
    }
    return Wiring(select(config))


CLOUDS = Wildcards(release="cloudsen12-sample")


def test_files_of_trials_and_shards_are_in_the_order_of_the_selection(wiring):
    splits = wiring.of_trials(paths.SPLIT)(CLOUDS)
    assert splits == [
        "<results>/cloudsen12-sample/splits/published/1.parquet",
        "<results>/cloudsen12-sample/splits/mixed/1.parquet",
        "<results>/cloudsen12-sample/splits/mixed/2.parquet",
    ]
    assert len(wiring.trial_files(paths.SPLIT)) == 2 * len(splits)
    assert wiring.of_shards(paths.PREDICTIONS)(CLOUDS) == [
        "<run>/cloudsen12-sample/predictions/1.parquet",
        "<run>/cloudsen12-sample/predictions/2.parquet",
    ]
    assert wiring.of_shards(paths.PREDICTIONS, lambda release: [])(CLOUDS) == []


def test_tables_of_features(wiring):
    assert wiring.feature_files("cloudsen12-sample") == [
        "<work>/cloudsen12-sample/features/l1c-6/1.parquet",
        "<work>/cloudsen12-sample/features/l1c-6/2.parquet",
    ]
    of_patches = Wildcards(release="so2sat-sample", shard="1")
    assert wiring.patch_tables(of_patches) == ["<work>/so2sat-sample/features/lcz-s1+s2/1.parquet"]
    assert wiring.patch_tables(Wildcards(release="cloudsen12-sample", shard="1")) == []


def test_named_inputs_say_what_they_are_of(wiring):
    text = wiring.named_inputs(TrialFile, wiring.selection.trials, "splits")(CLOUDS, {"splits": ["a", "b", "c"]})
    assert text == "--splits published:1:a mixed:1:b mixed:2:c"
    of_sets = wiring.named_inputs(SetFile, lambda release: [("l1c-6",)], "forests", "fits")
    assert of_sets(CLOUDS, {"forests": ["a"], "fits": ["b"]}) == "--forests l1c-6:a --fits l1c-6:b"
    with pytest.raises(ValueError, match="zip"):
        of_sets(CLOUDS, {"forests": ["a", "b"], "fits": ["b"]})


def test_forests_come_from_the_release_that_trains_them():
    config = {
        "releases": ["sen12ms-sample", "so2sat-sample"],
        "schemes": ["official"],
        "own_schemes": {"official": {"kind": "published"}},
        "feature_sets": ["lcz-s1+s2", "scene-s1+s2"],
    }
    files = Wiring(select(config)).forest_files(paths.FIT)(Wildcards(release="so2sat-sample"))
    assert files == ["<results>/so2sat-sample/baselines/official/1/lcz-s1+s2/fit.json"]


def test_a_job_that_is_tried_again_asks_for_more(wiring):
    memory, runtime = wiring.memory_of("split"), wiring.runtime_of("split")
    assert memory(CLOUDS, 2) == 2 * memory(CLOUDS, 1) > 0
    assert runtime(CLOUDS, 1, 2) == 2 * runtime(CLOUDS, 1, 1) > 0


def test_code_of_a_step_that_opens_files_has_the_dataset_in_it(wiring):
    plain, of_dataset = wiring.code_of("split"), wiring.code_of("catalog", dataset=True)
    assert len(plain) == 64
    assert of_dataset(CLOUDS) != of_dataset(Wildcards(release="so2sat-sample"))


def test_a_mistake_of_the_user_is_told_alone():
    def mistaken(value):
        raise InputError("Wrong.", where="here", found=value)

    with pytest.raises(SystemExit) as stop:
        told(mistaken)("x")
    assert str(stop.value).startswith("error: Wrong.\n  where: here")
    assert told(len)("ab") == 2


def test_a_wildcard_is_one_of_the_names_and_nothing_else():
    pattern = listing(["v1.0", "a+b"])
    assert re.fullmatch(pattern, "a+b")
    assert not re.fullmatch(pattern, "v1x0")
    assert not re.fullmatch(listing([]), "")
