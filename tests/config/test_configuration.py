"""The configuration is complete after checking, and an error names key, value and nearest name."""

import jsonschema
import pytest

from project import ROOT
from sentinel_forest.config.validation import complete, nearest, read_yaml
from sentinel_forest.errors import InputError

SCHEMAS = ROOT / "src" / "sentinel_forest" / "config"
SCHEMA = read_yaml(SCHEMAS / "config.schema.yaml")


def _complete(**values):
    return complete({"version": "v1", "releases": ["cloudsen12-sample"]} | values, SCHEMA, "test")


@pytest.mark.parametrize("name", ["config", "release"])
def test_schema_is_valid_and_every_key_is_described(name):
    schema = read_yaml(SCHEMAS / f"{name}.schema.yaml")
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(_undescribed(schema, name)) == []


def _undescribed(schema, where):
    """Keys of a schema that lack a description, or allow unknown keys without saying what they hold."""
    if "properties" in schema:
        if schema.get("additionalProperties") is not False and "kind" not in schema["properties"]:
            yield f"{where}: additionalProperties"
        for key, about in schema["properties"].items():
            if "description" not in about:
                yield f"{where}.{key}: description"
            yield from _undescribed(about, f"{where}.{key}")
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from _undescribed(schema[part], f"{where}.{part}")


def test_every_optional_key_has_a_default():
    for key, about in SCHEMA["properties"].items():
        assert "default" in about, key


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
        "parts": 1,
        "tune": None,
    }
    assert config["trials"] == 3


def test_own_release_gets_its_defaults():
    own = _complete(own_releases={"mine": {"dataset": "cloudsen12", "folder": "x"}})["own_releases"]["mine"]
    assert own["shards"] == 1
    assert own["layout"] == {}


def test_input_is_not_changed():
    values = {"version": "v1", "releases": ["a"], "forest": {}}
    complete(values, SCHEMA, "test")
    assert values == {"version": "v1", "releases": ["a"], "forest": {}}


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
    ],
)
def test_error_names_key_value_and_nearest(values, texts):
    with pytest.raises(InputError) as error:
        _complete(**values)
    for text in texts:
        assert text in str(error.value)


def test_nearest_of_nothing():
    assert nearest("x", []) == "valid: (none)"


def test_yaml_makes_no_objects(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(InputError, match="not valid YAML"):
        read_yaml(path)
