"""What is said and stopped where a sealed version is asked for, and where its files are others."""

import hashlib
import json
from types import SimpleNamespace

import pytest

from sentinel_forest.acquire.history import Seen, State
from sentinel_forest.config.paths import Places
from sentinel_forest.errors import InputError
from sentinel_forest.versions import holding, manifest

NOW = {"configuration": "c" * 64, "code": "d" * 64, "papers": "p" * 64, "registry": {"r": "e" * 64}}
SETTINGS = {"seed": 1, "forest": {"r": {"trees": 100, "depth": None}}, "schemes": ["published"], "gate": {}}
DATA = {"r": "f" * 64}


@pytest.fixture
def version(tmp_path):
    """A finished version with one table."""
    folder = tmp_path / "v1"
    folder.mkdir()
    (folder / "headline.tsv").write_text("value\n0.5\n")
    about = {"configuration": SETTINGS, "identity": NOW | {"data": DATA}}
    (folder / "version.json").write_text(json.dumps(about))
    files = [folder / name for name in ("headline.tsv", "version.json")]
    (folder / "manifest.sha256").write_text(manifest.manifest(folder, files))
    return folder


def told(version, now=NOW, settings=SETTINGS, data=DATA):
    with pytest.raises(InputError) as error:
        holding.hold(version, now, settings, data)
    return str(error.value)


def test_the_same_run_passes(version):
    holding.hold(version, NOW, SETTINGS, DATA)
    holding.hold(version, NOW, SETTINGS, {})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"seed": 2}, "seed: sealed with 1, now 2"),
        ({"forest": {"r": {"trees": 7, "depth": None}}}, "forest.r.trees: sealed with 100, now 7"),
        ({"forest": {"r": {"trees": 100, "depth": 5}}}, "forest.r.depth: sealed with null, now 5"),
        ({"schemes": ["published", "grouped"]}, 'schemes: sealed with ["published"], now ["published","grouped"]'),
        ({"gate": {"tile": "stop"}}, 'gate.tile: sealed with nothing, now "stop"'),
        ({"trials": 3}, "trials: sealed with nothing, now 3"),
    ],
)
def test_the_key_that_changed_is_named_with_both_values(version, settings, text):
    said = told(version, settings=SETTINGS | settings)
    assert text in said
    assert "'v1' is finished and sealed" in said
    assert "sentinel-forest check --version v1" in said


@pytest.mark.parametrize(
    ("now", "data", "text"),
    [
        ({"code": "0" * 64}, DATA, "code: sealed with dddddddddddd, now 000000000000"),
        ({"papers": "0" * 64}, DATA, "papers: sealed with pppppppppppp, now 000000000000"),
        ({"registry": {"r": "0" * 64}}, DATA, "registry of r: sealed with eeeeeeeeeeee, now 000000000000"),
        ({"registry": {}}, DATA, "registry of r: sealed with eeeeeeeeeeee, now none"),
        ({}, {"r": "0" * 64}, "data of r: sealed with ffffffffffff, now 000000000000"),
    ],
)
def test_what_else_differs_is_named_alone(version, now, data, text):
    said = told(version, NOW | now, data=data)
    assert text in said
    assert said.count("sealed with") == 1


def test_of_many_differences_few_are_named(version):
    said = told(version, settings={f"key_{number}": number for number in range(20)})
    assert said.count("sealed with") == manifest.NAMED
    assert f"and {20 + 5 - manifest.NAMED} more" in said


@pytest.mark.parametrize("name", ["headline.tsv", "version.json"])
def test_an_edited_or_deleted_file_stops_before_anything_is_compared(version, name):
    with open(version / name, "a", encoding="utf-8") as stream:
        stream.write(" ")
    assert f"{name} has SHA-256" in told(version, NOW | {"code": "0" * 64})
    (version / name).unlink()
    assert f"{name} is missing" in told(version)


def test_what_is_not_sealed_is_held_against_nothing(version):
    (version / "headline.tsv").write_text("")
    draft = version.rename(version.with_name("draft"))
    holding.hold(draft, NOW, SETTINGS, DATA)
    (draft / "manifest.sha256").unlink()
    other = draft.rename(draft.with_name("v2"))
    holding.hold(other, {}, {}, {})


def test_a_version_sealed_before_its_description_was_in_the_manifest(version):
    (version / "manifest.sha256").write_text(manifest.manifest(version, [version / "headline.tsv"]))
    holding.hold(version, NOW, SETTINGS, DATA)
    for damage in (lambda path: path.write_text("{}"), lambda path: path.unlink()):
        damage(version / "version.json")
        assert "does not say any more what made it" in told(version)


def test_jobs_that_write_a_sealed_file_again_are_stopped(version):
    holding.hold_jobs(version, [str(version / "report.html"), "work/r/catalog.parquet"])
    with pytest.raises(InputError, match=r"1 of 2 files, e\.g\. .*headline\.tsv"):
        holding.hold_jobs(version, [str(version / "headline.tsv"), str(version / "report.html")])
    (version / "manifest.sha256").unlink()
    holding.hold_jobs(version, [str(version / "headline.tsv")])


def test_a_run_is_held_where_it_would_write(version, monkeypatch):
    """Data that were read for another version of the same release count as well."""
    monkeypatch.chdir(version.parent)
    places = Places("v1", results=version)
    (version.parent / "work" / "r").mkdir(parents=True)
    _table_of_checksums(version.parent / "work" / "r" / "checksums.tsv")
    selection = SimpleNamespace(releases={}, paths={}, described={"own_releases": {}, **SETTINGS})
    with pytest.raises(InputError, match=r"code: sealed with dddddddddddd"):
        holding.hold_run(selection, places, {})
    holding.hold_run(selection, Places("v1", results=version / "elsewhere"), {})


def _table_of_checksums(path):
    path.write_text(f"path\tbytes\tsha256\na.dat\t1\t{'a' * 64}\nb.dat\t1\t{'b' * 64}\n")
    return path


def _seen(**checksums):
    states = {f"{name}.dat": SimpleNamespace(sha256=sha) for name, sha in checksums.items()}
    return SimpleNamespace(states=lambda: states)


def test_files_that_are_gone_are_missing_and_no_other_data(tmp_path):
    """A disk that is not mounted, a folder that was deleted: the version was said to be asked with other data."""
    (tmp_path / "mine").mkdir()
    seen = Seen(tmp_path, "mine")
    table = _table_of_checksums(tmp_path / "checksums.tsv")
    seen.record({path: State(1, 1, "0" * 64) for path in ("a.dat", "b.dat", "never-used.dat")})
    holding._hold_missing(tmp_path / "mine", table, seen)
    (tmp_path / "mine" / "a.dat").write_bytes(b"1")
    (tmp_path / "mine" / "b.dat").write_bytes(b"1")
    seen.refresh(tmp_path / "mine")
    holding._hold_missing(tmp_path / "mine", table, seen)  # what the version was not made from may be gone
    assert seen.missing() == ["never-used.dat"]
    (tmp_path / "mine" / "a.dat").unlink()
    seen.refresh(tmp_path / "mine")
    with pytest.raises(InputError, match=r"1 of 2 files are not there, e\.g\. a\.dat") as told:
        holding._hold_missing(tmp_path / "mine", table, seen)
    assert "snakemake fetch" in str(told.value)


def test_data_checksum(tmp_path):
    table = _table_of_checksums(tmp_path / "checksums.tsv")
    text = json.dumps([["a.dat", "a" * 64], ["b.dat", "b" * 64]], separators=(",", ":"))
    assert holding.data_checksum(table, _seen()) == hashlib.sha256(text.encode()).hexdigest()
    assert holding.data_checksum(table, _seen(a="a" * 64)) == holding.data_checksum(table, _seen())
    assert holding.data_checksum(table, _seen(a="0" * 64)) != holding.data_checksum(table, _seen())
    assert holding.data_checksum(table, _seen(other="0" * 64)) == holding.data_checksum(table, _seen())
    assert holding.data_checksum(tmp_path / "none.tsv", _seen()) is None
    as_read = holding.data_checksum(table, _seen())
    assert holding.data_checksum(table, _seen(), ["b.dat", "a.dat"]) == as_read
    for another_part in (["a.dat"], ["a.dat", "b.dat", "c.dat"]):
        assert holding.data_checksum(table, _seen(), another_part) is None
