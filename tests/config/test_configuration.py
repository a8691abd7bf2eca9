"""The configuration is complete after checking, and an error names key, value and nearest name."""

import pytest
from snakemake.cli import parse_config

from sentinel_forest.config.model import Configuration
from sentinel_forest.config.papers import Table
from sentinel_forest.config.registry import RegistryEntry
from sentinel_forest.config.validation import nearest, parse, read_yaml
from sentinel_forest.errors import InputError


def _complete(**values):
    return _complete_of(values)


def _complete_of(values):
    values = {"version": "v1", "releases": ["cloudsen12-sample"]} | values
    return parse(Configuration.model_validate, values, "test").model_dump()


def test_defaults_are_filled_at_every_depth():
    config = _complete(forest={"trees": 7})
    assert config["forest"] == {
        "engine": "scikit-learn",
        "trees": 7,
        "minimum_leaf": 1,
        "depth": None,
        "features_per_split": "sqrt",
        "class_weight": None,
        "draw_weights": True,
        "tune": None,
    }
    assert config["trials"] == 3


def test_own_release_gets_its_defaults():
    own = _complete(own_releases={"mine": {"dataset": "cloudsen12", "folder": "x"}})["own_releases"]["mine"]
    assert own["shards"] == 1
    assert own["layout"] == {}


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ({"forest": {"trees": 4}}, "{trees: 4}"),
        ({"forest": {"depth": None, "draw_weights": False}}, "{depth: null, draw_weights: false}"),
        ({"forest": {"features_per_split": 0.5}}, "{features_per_split: 0.5}"),
        ({"forest": {"features_per_split": "sqrt"}}, "{features_per_split: sqrt}"),
        ({"forest": {"tune": {"depth": [None, 3], "folds": 2}}}, "{tune: {depth: [null, 3], folds: 2}}"),
        ({"draw": {"pixels": 1000}}, "{pixels: 1000}"),
        ({"near_duplicates": {"distance": 0.001}}, "{distance: 0.001}"),
        ({"shards": {"cloudsen12-sample": 2}}, "{cloudsen12-sample: 2}"),
        ({"own_schemes": {"k": {"kind": "kfold", "folds": 4}}}, "{k: {kind: kfold, folds: 4}}"),
        (
            {"own_schemes": {"k": {"kind": "grouped", "fractions": {"train": 0.5, "test": 0.5}}}},
            "{k: {kind: grouped, fractions: {train: 0.5, test: 0.5}}}",
        ),
        (
            {"own_releases": {"m": {"dataset": "a", "folder": "b", "layout": {"side": 128}}}},
            "{m: {dataset: a, folder: b, layout: {side: 128}}}",
        ),
        ({"against": ""}, ""),
    ],
)
def test_values_of_the_command_line_are_those_of_a_file(typed, text):
    """Snakemake leaves numbers in braces as text: ``--config "forest={trees: 4}"``."""
    (key,) = typed
    given = parse_config([f"{key}={text}"])
    assert _complete(**given)[key] == _complete(**typed)[key]


def test_no_number_becomes_a_name_or_a_truth_value():
    for values in ({"version": 1.10}, {"trials": True}, {"trials": 2.5}, {"forest": {"draw_weights": 1}}):
        with pytest.raises(InputError):
            _complete(**values)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ({"trails": 3}, ["'trails'", "3", "did you mean 'trials'"]),
        ({"forest": {"tres": 5}}, ["'forest.tres'", "5", "did you mean 'trees'"]),
        ({"trials": "three"}, ["'trials'", "three"]),
        ({"trials": 0}, ["'trials'", "found: 0"]),
        ({"forest": {"engine": "sklearn"}}, ["'forest.engine'", "sklearn", "did you mean 'scikit-learn'"]),
        ({"version": "../up"}, ["'version'", "../up"]),
        ({"releases": []}, ["'releases'"]),
        ({"own_releases": {"mine": {"dataset": "so2sat"}}}, ["'own_releases.mine.folder'"]),
        ({"gate": {"roi": "halt"}}, ["'gate.roi'", "halt"]),
        ({"forest": {"features_per_split": 0}}, ["'forest.features_per_split'", "found: 0", "log2, sqrt"]),
        ({"forest": {"tune": {"folds": 3}}}, ["'forest.tune'", "minimum_leaf"]),
        ({"forest": 4}, ["'forest'", "found: 4", "{key: value}"]),
        ({"forest": None}, ["'forest'", "found: None"]),
        ({"releases": "a"}, ["'releases'", "'a'", "a list"]),
        ({"releases": ["a", "a"]}, ["'releases'", "'a'", "twice"]),
        ({"schemes": ["groupd"]}, ["'schemes'", "groupd", "did you mean 'grouped'"]),
        ({"own_schemes": {"x": {"kind": "kfld"}}}, ["'own_schemes.x.kind'", "kfld", "did you mean 'kfold'"]),
        ({"own_schemes": {"x": {}}}, ["'own_schemes.x.kind'", "missing"]),
        ({"own_schemes": {"x": {"kind": "kfold", "fold": 3}}}, ["'own_schemes.x.fold'", "did you mean 'folds'"]),
        ({"own_schemes": {"x": {"kind": "kfold", "folds": 1}}}, ["'own_schemes.x.folds'", "found: 1"]),
        ({"own_schemes": {"x": {"kind": "kfold", "groups": [3]}}}, ["'own_schemes.x.groups.0'", "found: 3", "text"]),
        ({"own_releases": {"a": {"dataset": "x", "folder": "y" * 999, "dir": 1}}}, ["'own_releases.a.dir'"]),
        ({"folders": {"a": "x" * 999, "b": 3}}, ["'folders.b'", "found: 3"]),
        ({3: 4}, ["'3'", "found: 4"]),
    ],
)
def test_error_names_key_value_and_nearest(values, texts):
    with pytest.raises(InputError) as error:
        _complete_of(values)
    for text in texts:
        assert text in str(error.value)
    assert len(str(error.value).splitlines()) <= 5
    assert "pydantic" not in str(error.value)


def test_nearest_of_nothing():
    assert nearest("x", []) == "valid: (none)"


def test_yaml_makes_no_objects(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(InputError, match="not valid YAML"):
        read_yaml(path)


ENTRY = {
    "release": "toy",
    "dataset": "so2sat",
    "title": "t",
    "version": "1",
    "licence": "CC0-1.0",
    "citation": {"text": "t", "doi": "d"},
    "shards": 1,
}
TABLE = {
    **dict.fromkeys(("table", "release", "task", "protocol", "source"), "x"),
    "role": "test",
    "confirmed": "second-hand",
    "figures": [{"metric": "oa", "decimals": 2}],
    "rows": [{"model": "m", "values": [0.5]}],
}


@pytest.mark.parametrize(
    ("model", "values", "texts"),
    [
        (Configuration, None, ["found: None", "{key: value}"]),
        (Configuration, [1], ["found: [1]"]),
        (RegistryEntry, ENTRY | {"files": [{"path": "../x"}]}, ["'files.0.path'", "a part of it is '..'"]),
        (RegistryEntry, ENTRY | {"files": [{"path": "a", "checksums": {"md5": "x"}}]}, ["checksums.md5'", "32 hex"]),
        (RegistryEntry, ENTRY | {"files": [3]}, ["'files.0'", "found: 3"]),
        (RegistryEntry, ENTRY | {"settings": {"forest": {"tree": 3}}}, ["'settings.forest.tree'", "'trees'"]),
        (Table, TABLE | {"confirmed": "surely"}, ["'confirmed'", "surely", "computed from the authors' files"]),
        (Table, TABLE | {"differs": {"band": "x"}}, ["Unknown key", "'differs.band'", "did you mean 'bands'"]),
        (Table, TABLE | {"rows": [{"model": "m", "values": []}]}, ["not one value for each figure", "'m': 0"]),
    ],
)
def test_errors_of_every_model_name_key_and_value(model, values, texts):
    with pytest.raises(InputError) as error:
        parse(model.model_validate, values, "test")
    for text in texts:
        assert text in str(error.value)


def test_an_entry_is_completed_and_keeps_what_it_was_given():
    given = {"files": [{"path": "a"}], "settings": {"forest": {"trees": 7}}}
    completed = RegistryEntry.model_validate(ENTRY | given).model_dump()
    assert {key: completed[key] for key in ENTRY} == ENTRY
    assert completed["settings"] == given["settings"]
    assert "sample" not in completed
    assert completed["files"][0] == {
        "path": "a",
        "bytes": None,
        "checksums": None,
        "addresses": [],
        "about_bytes": None,
        "about_unpacked_bytes": None,
        "role": "data",
        "facts": {},
    }


def test_defaults_of_own_schemes_stay_out_of_the_completed_configuration():
    """They would change the identity of a version whenever a kind gets a further option."""
    own = {"k": {"kind": "kfold", "folds": 4}}
    assert _complete(own_schemes=own)["own_schemes"] == own


def test_a_long_list_of_names_is_cut_where_one_is_near():
    names = [f"name-{number:03}" for number in range(60)]
    near, far = nearest("name-01", names), nearest("zzz", names)
    assert near.startswith("did you mean 'name-0")
    assert near.endswith(" ...")
    assert len(near) < 120
    assert far.endswith("name-059")
