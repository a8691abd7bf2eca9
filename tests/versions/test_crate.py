"""The crate of a hand-made version, read back with the `rocrate` library."""

import hashlib
import json

import pytest
from rocrate.rocrate import ROCrate

from project import ROOT
from sentinel_forest.config.paths import CRATE
from sentinel_forest.errors import InputError
from sentinel_forest.versions import crate
from sentinel_forest.versions import manifest as manifests

FILES = {"headline.tsv": "a\tb\n", "cloudsen12-high/baselines/published/1/l1c/fit.json": "{}"}
RELEASES = ["cloudsen12-high", "so2sat-v4", "mine"]


def _write(folder, **changes):
    """A finished version of two registered releases and an own one."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    about = {
        "configuration": {
            "releases": RELEASES,
            "forest": {"trees": 5, "depth": None},
            "seed": 1,
            "schemes": ["published"],
            "own_releases": {"mine": {"dataset": "so2sat", "licence": "not stated"}},
            "gate": {},
        },
        "identity": {
            "configuration": "1" * 64,
            "code": "2" * 64,
            "data": dict.fromkeys(RELEASES, "3" * 64),
            "registry": dict.fromkeys(RELEASES, "4" * 64),
        },
        "environment": {"numpy": "2.4.6", "python": "3.11.7", "snakemake": "9.27.1"},
        "commit": "5" * 40,
        "accepted": {"mine": ["finite"]},
        "skipped": [],
    } | changes
    (folder / "version.json").write_text(json.dumps(about))
    (folder / "manifest.sha256").write_text(manifests.manifest(folder, [folder / name for name in FILES]))
    crate.crate(results=folder, workflow=ROOT / "Snakefile")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A version with its crate."""
    return _write(tmp_path_factory.mktemp("results") / "v1")


@pytest.fixture(scope="module")
def read(folder):
    """The crate as the library reads it."""
    return ROCrate(folder)


def test_library_reads_the_workflow_and_its_files(read, folder):
    assert read.mainEntity.id == "Snakefile"
    assert {"File", "ComputationalWorkflow"} <= set(read.mainEntity.type)
    assert read.mainEntity["programmingLanguage"]["name"] == "Snakemake"
    assert read.mainEntity["version"] == "5" * 40
    parts = {entity.id for entity in read.root_dataset["hasPart"]}
    assert parts == {"Snakefile", *FILES}
    assert all((folder / part).is_file() for part in parts)


def test_files_have_checksum_and_length(read):
    for name, text in FILES.items():
        file = read.get(name)
        assert file["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        assert file["contentSize"] == str(len(text))


def test_run_has_releases_and_parameters_and_made_the_files(read):
    run = read.get("#run")
    assert run.type == "CreateAction"
    assert run["instrument"].id == "Snakefile"
    assert {entity.id for entity in run["result"]} == set(FILES)
    values = {entity["name"]: entity["value"] for entity in run["object"] if entity.type == "PropertyValue"}
    assert values["forest.trees"] == 5
    assert values["forest.depth"] == "null"
    assert values["schemes"] == '["published"]'
    assert values["gate"] == "{}"
    assert [entity["name"] for entity in run["object"] if entity.type == "Dataset"] == [
        "CloudSEN12, high-quality labels",
        "So2Sat LCZ42, version 4 (with geolocation)",
        "mine",
    ]


def test_parameters_are_declared(read):
    declared = {entity.id for entity in read.mainEntity["input"]}
    used = {entity["exampleOfWork"].id for entity in read.get("#run")["object"] if "exampleOfWork" in entity}
    assert declared == used
    assert read.get("#parameter/seed")["additionalType"] == "Integer"


def test_releases_have_licence_citation_and_checksums(read):
    release = read.get("#release/cloudsen12-high")
    assert release["license"].id == "https://spdx.org/licenses/CC-BY-NC-4.0"
    assert release["citation"].id == "https://doi.org/10.1038/s41597-022-01878-2"
    assert "Aybar" in release["citation"]["name"]
    assert [entity["value"] for entity in release["identifier"]] == ["3" * 64, "4" * 64]
    own = read.get("#release/mine")
    assert own["license"] == "not stated"
    assert own["description"] == ["Failed check taken on the user's word: finite"]


def test_packages_and_warnings(read):
    assert read.get("#package/numpy")["softwareVersion"] == "2.4.6"
    conditions = read.root_dataset["conditionsOfAccess"]
    assert "cloudsen12-high forbids commercial use" in conditions
    assert "No licence is stated for mine" in conditions


def test_every_reference_leads_somewhere(folder):
    graph = json.loads((folder / CRATE).read_text())["@graph"]
    names = [entity["@id"] for entity in graph]
    assert len(names) == len(set(names))
    outside = {name for name in _references(graph) if name not in names}
    assert outside == {
        "https://w3id.org/ro/crate/1.1",
        "http://schema.org/CompletedActionStatus",
        "https://snakemake.readthedocs.io",
        "https://huggingface.co/datasets/csaybar/CloudSEN12-high",
        "https://mediatum.ub.tum.de/1836598",
    }


def _references(value):
    """All ``{"@id": ...}`` inside a JSON value."""
    if isinstance(value, list):
        for part in value:
            yield from _references(part)
    elif isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for part in value.values():
            yield from _references(part)


def test_same_bytes_in_another_place_and_no_trace_of_the_place(folder, tmp_path):
    again = _write(tmp_path / "elsewhere" / "v1") / CRATE
    text = (folder / CRATE).read_bytes()
    assert again.read_bytes() == text
    assert str(folder.parent).encode() not in text
    assert b"date" not in text.lower().replace(b"validated", b"").replace(b"updated", b"")


def test_without_a_commit_there_is_no_version(tmp_path):
    assert "version" not in ROCrate(_write(tmp_path / "v1", commit=None)).mainEntity


def test_folder_without_a_version(tmp_path):
    with pytest.raises(InputError, match="no finished version"):
        crate.entities(tmp_path)


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"a": "MIT"}, []),
        ({"a": "CC-BY-4.0", "b": "CC-BY-4.0"}, []),
        ({"a": "CC-BY-NC-4.0"}, ["of a forbids commercial use"]),
        ({"a": "CC-BY-NC-4.0", "b": "CC-BY-4.0"}, ["of a forbids commercial use", "joins results"]),
        ({"a": "for non-commercial use"}, ["of a forbids commercial use"]),
        ({"a": "CC-BY-SA-4.0", "b": "MIT"}, []),
        ({"a": "CC-BY-SA-4.0", "b": "CC-BY-SA-3.0"}, ["a, b ask for derived work"]),
        (
            {"a": "CC-BY-SA-4.0", "b": "CC-BY-NC-SA-4.0", "c": "CC-BY-SA-4.0"},
            ["of b forbids", "joins results", "a, b, c ask for", "a, c ask for derived work that anybody may"],
        ),
        ({"a": "not stated"}, ["No licence is stated for a"]),
        ({"a": "NCSA"}, []),
    ],
)
def test_warnings_about_licences(given, texts):
    warnings = crate.licences(given)
    assert len(warnings) == len(texts)
    for warning, text in zip(warnings, texts, strict=True):
        assert text in warning


@pytest.mark.parametrize(
    ("licence", "address"),
    [
        ("CC-BY-4.0", "https://spdx.org/licenses/CC-BY-4.0"),
        ("GPL-2.0+", "https://spdx.org/licenses/GPL-2.0+"),
        ("not stated", None),
        ("unknown", None),
        ("", None),
        ("see the home page", None),
    ],
)
def test_address_of_a_licence(licence, address):
    assert crate.licence_address(licence) == address
