"""What a user can get wrong in the configuration: the message has the key, what was found, and what would be right."""

import pytest

from project import TINY
from sentinel_forest.config.paths import Places
from sentinel_forest.errors import InputError
from sentinel_forest.planning.checking import select


@pytest.mark.parametrize(
    ("setting", "texts"),
    [
        ({"schemes": ["publishd"]}, ["'schemes'", "publishd", "did you mean 'published'"]),
        ({"releases": ["cloudsen12-sampel"]}, ["'releases'", "did you mean 'cloudsen12-sample'"]),
        ({"feature_sets": ["l1c-7"]}, ["'feature_sets'", "l1c-7", "did you mean"]),
        (
            {"releases": ["cloudsen12-high"], "select": {"cloudsen12-high": ["*/LABEL_qa60.dat"]}},
            ["nothing to compute", "cloudsen12-high"],
        ),
        ({"releases": ["cloudsen12-high"], "select": {"cloudsen12-sample": ["*"]}}, ["not selected", "'select'"]),
        ({"trails": 1}, ["'trails'", "did you mean 'trials'"]),
        (
            {"own_releases": {"mine": {"dataset": "cloudsen12", "folder": "nowhere"}}, "releases": ["mine"]},
            ["no such folder", "own_releases.mine.folder", "nowhere"],
        ),
        (
            {"own_releases": {"mine": {"dataset": "cloudsen13", "folder": "."}}, "releases": ["mine"]},
            ["cloudsen13", "cloudsen12"],
        ),
        ({"gate": {"rio": "stop"}}, ["'gate'", "rio", "did you mean 'roi'"]),
        ({"own_schemes": {"mine": {"kind": "groped"}}}, ["groped", "did you mean 'grouped'?"]),
        (
            {"own_schemes": {"mine": {"kind": "grouped", "fractions": {"train": 0.5, "test": 0.6}}}},
            ["mine", "fractions", "add up to 1"],
        ),
        (
            {"own_schemes": {"mine": {"kind": "grouped", "shares": {"train": 0.5, "test": 0.5}}}},
            ["mine.shares", "did you mean 'fractions'"],
        ),
        (
            {"own_schemes": {"mine": {"kind": "learning-curve", "fractions": [0.5, 1]}}},
            ["fractions", "train_fractions"],
        ),
        ({"transfer": {"cloudsen12-sample": "so2sat-v2"}}, ["transfer.cloudsen12-sample", "so2sat-v2"]),
        (
            {
                "releases": ["cloudsen12-sample", "cloudsen12-high"],
                "schemes": ["grouped-stratified"],
                "transfer": {"cloudsen12-high": "cloudsen12-sample"},
            },
            ["forests of the published split", "'schemes'", "grouped-stratified"],
        ),
        ({"own_schemes": {"my scheme": {"kind": "grouped"}}}, ["own_schemes", "my scheme"]),
        ({"select": {"cloudsen12-sample": ["test/*"]}}, ["select.cloudsen12-sample", "written whole"]),
        ({"version": "reference"}, ["'version'", "reference"]),
        ({"own_releases": {"a:b": {"dataset": "cloudsen12", "folder": "."}}}, ["own_releases", "a:b"]),
    ],
)
def test_mistake_in_the_configuration_is_named(setting, texts):
    with pytest.raises(InputError) as caught:
        Places.of(select(TINY | setting).config)
    for text in texts:
        assert text in str(caught.value)
