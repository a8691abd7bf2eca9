"""The schema for editors and the tables of keys follow from the models, and say what the models say."""

import json
import runpy

import jsonschema
import pytest
import yaml

from project import ROOT
from sentinel_forest.config.fields import Section
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.papers import Paper
from sentinel_forest.config.registry import RegistryEntry
from sentinel_forest.config.schemes import KINDS
from sentinel_forest.config.validation import read_yaml

REFERENCE = runpy.run_path(str(ROOT / "docs" / "config_reference.py"))
SCHEMA = json.loads(REFERENCE["SCHEMA"].read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", list(REFERENCE["FILES"]), ids=lambda path: path.name)
def test_files_are_in_step(path):
    text = path.read_text(encoding="utf-8")
    assert REFERENCE["FILES"][path](text) == text, "run: python docs/config_reference.py"


@pytest.mark.parametrize("model", [Configuration, RegistryEntry, Paper, *KINDS.values()])
def test_every_key_is_described_and_no_section_takes_unknown_ones(model):
    schema = model.model_json_schema()
    for name, section in {model.__name__: schema, **schema.get("$defs", {})}.items():
        assert section["additionalProperties"] is False, name
        for key, part in section["properties"].items():
            assert key == "kind" or part.get("description") or "$ref" in part, (name, key)


@pytest.mark.parametrize("name", ["config", "full", "reproduce"])
def test_editors_find_the_schema_of_a_configuration_and_no_fault(name):
    path = ROOT / "config" / f"{name}.yaml"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schema.json"
    jsonschema.validate(read_yaml(path), SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "trails: 3",
        "trials: 0",
        "forest: {engine: sklearn}",
        "forest: {tres: 5}",
        "releases: []",
        "releases: [a, a]",
        "own_schemes: {x: {kind: kfold, fold: 3}}",
        "own_releases: {x: {dataset: so2sat}}",
        "gate: {roi: halt}",
        "version: ../up",
    ],
)
def test_the_schema_refuses_what_the_models_refuse(text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), SCHEMA)


def test_a_description_follows_from_the_text_below_a_field():
    assert ForestSettings.model_fields["trees"].description == "Number of trees."
    assert Section.model_config["extra"] == "forbid"
