"""Calls of Snakemake that a finished version allows, and those that it stops."""

import json

import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.planning.call import Call
from sentinel_forest.versions import seal
from sentinel_forest.versions.holding import hold_call

NOW = {"configuration": "1" * 64, "registry": {}, "code": "2" * 64}
OTHER = NOW | {"code": "3" * 64}
PLAIN, CHECK, BOTH = Call(), Call(checks=True, only_checks=True), Call(checks=True)
REPORT, IDLE = Call(is_report=True), Call(is_idle=True)


@pytest.fixture
def version(tmp_path):
    """A finished version with one file."""
    folder = tmp_path / "v1"
    folder.mkdir()
    (folder / "headline.tsv").write_text("value\n0.5\n")
    (folder / "version.json").write_text(json.dumps({"identity": NOW | {"data": {}}}))
    (folder / "manifest.sha256").write_text(seal.manifest(folder, [folder / "headline.tsv"]))
    return folder


@pytest.mark.parametrize("call", [PLAIN, CHECK, BOTH, REPORT, IDLE])
def test_a_version_as_it_was_sealed_stops_nothing(version, call):
    hold_call(call, version, NOW, {}, {})


@pytest.mark.parametrize("call", [PLAIN, BOTH])
def test_other_code_stops_what_would_compute(version, call):
    with pytest.raises(InputError, match="code: sealed with 222222222222, now 333333333333"):
        hold_call(call, version, OTHER, {}, {})


@pytest.mark.parametrize("call", [CHECK, REPORT, IDLE])
def test_other_code_does_not_stop_what_computes_nothing_in_its_place(version, call):
    hold_call(call, version, OTHER, {}, {})


@pytest.mark.parametrize("call", [PLAIN, BOTH, REPORT])
def test_a_changed_file_stops_what_would_use_it(version, call):
    (version / "headline.tsv").write_text("value\n0.7\n")
    with pytest.raises(InputError, match=r"headline\.tsv has SHA-256"):
        hold_call(call, version, NOW, {}, {})


@pytest.mark.parametrize("call", [CHECK, IDLE])
def test_a_changed_file_is_told_by_the_check_itself(version, call):
    (version / "headline.tsv").write_text("value\n0.7\n")
    hold_call(call, version, NOW, {}, {})


@pytest.mark.parametrize("call", [CHECK, BOTH])
def test_nothing_is_checked_against_a_version_that_has_not_finished(version, call):
    (version / "manifest.sha256").unlink()
    hold_call(PLAIN, version, OTHER, {}, {})
    with pytest.raises(InputError, match="not sealed"):
        hold_call(call, version, NOW, {}, {})
