"""What makes a version, when it is held, its manifest; and a computation held against a sealed one."""

import copy
import hashlib
import json
import subprocess
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.config.model import Configuration
from sentinel_forest.config.releases import resolve
from sentinel_forest.errors import InputError
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.versions import check, seal
from sentinel_forest.versions import manifest as manifests

REGISTRY = RELEASE_FILES


def _identity(**values):
    config = Configuration.model_validate({"version": "v1", "releases": ["cloudsen12-sample"]} | values).model_dump()
    return seal.identity(config, resolve(config, REGISTRY))


def _own(folder):
    folder.mkdir()
    own = {"mine": {"dataset": "cloudsen12", "folder": str(folder)}}
    return _identity(releases=["mine"], own_releases=own)


def test_identity_ignores_the_name_of_the_version_and_where_files_lie(tmp_path):
    assert _identity(version="v2") == _identity()
    assert _own(tmp_path / "here") == _own(tmp_path / "there")
    places = [tmp_path / name for name in ("here", "there")]
    high = [_identity(releases=["cloudsen12-high"], folders={"cloudsen12-high": str(folder)}) for folder in places]
    assert high[0] == high[1]


@pytest.mark.parametrize(
    "values", [{"seed": 2}, {"trials": 5}, {"forest": {"trees": 7}}, {"accept": {"cloudsen12-sample": ["x"]}}]
)
def test_identity_follows_every_other_setting(values):
    now, before = _identity(**values), _identity()
    assert now["configuration"] != before["configuration"]
    assert now["code"] == before["code"]


def test_identity_has_the_code_of_the_datasets_in_use():
    assert _identity(releases=["so2sat-sample"])["code"] != _identity()["code"]


def test_defaults_written_out_are_the_same_identity():
    assert _identity(trials=3, forest={"depth": None}) == _identity(trials=3)


IDENTITY = {"configuration": "c" * 64, "code": "d" * 64, "registry": {"r": "e" * 64}}


@pytest.fixture
def sealed(tmp_path):
    """A finished version, as far as `hold` looks at it."""
    folder = tmp_path / "v1"
    folder.mkdir()
    about = {"identity": IDENTITY | {"data": {"r": "f" * 64}}}
    (folder / "version.json").write_text(json.dumps(about))
    (folder / "manifest.sha256").write_text("")
    return folder


def test_hold_lets_the_same_run_pass(sealed):
    seal.hold(sealed, IDENTITY, {"r": "f" * 64})
    seal.hold(sealed, IDENTITY, {})


@pytest.mark.parametrize(
    ("now", "data", "text"),
    [
        ({"code": "0" * 64}, {}, "code: sealed with dddddddddddd, now 000000000000"),
        ({"configuration": "0" * 64}, {}, "configuration: sealed with cccccccccccc, now 000000000000"),
        ({"registry": {"r": "0" * 64}}, {}, "registry of r: sealed with eeeeeeeeeeee, now 000000000000"),
        ({"registry": {}}, {}, "registry of r: sealed with eeeeeeeeeeee, now none"),
        ({}, {"r": "0" * 64}, "data of r: sealed with ffffffffffff, now 000000000000"),
    ],
)
def test_hold_stops_and_names_what_differs(sealed, now, data, text):
    with pytest.raises(InputError) as error:
        seal.hold(sealed, IDENTITY | now, data)
    assert text in str(error.value)
    assert str(error.value).count("sealed with") == 1
    assert "snakemake check, with the arguments of this call" in str(error.value)


def test_hold_names_all_differences(sealed):
    with pytest.raises(InputError) as error:
        seal.hold(sealed, IDENTITY | {"code": "0" * 64, "configuration": "1" * 64}, {"r": "2" * 64})
    assert str(error.value).count("sealed with") == 3


def test_what_is_sealed(sealed, tmp_path):
    (sealed / "version.json").unlink()
    assert seal.is_sealed(sealed)
    (sealed / "manifest.sha256").unlink()
    assert not seal.is_sealed(sealed)
    draft = tmp_path / "draft"
    draft.mkdir()
    for name in ("manifest.sha256", "version.json"):
        (draft / name).write_text("{}")
    assert not seal.is_sealed(draft)


def test_manifest_is_sorted_by_path_and_passes_sha256sum(tmp_path):
    names = ["b/2.tsv", "a.tsv", "b/10.tsv", "B.tsv", "ä.tsv"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    text = manifests.manifest(tmp_path, [tmp_path / name for name in names])
    assert [line[66:] for line in text.splitlines()] == sorted(names)
    assert text.splitlines()[1] == f"{hashlib.sha256(b'a.tsv').hexdigest()}  a.tsv"
    (tmp_path / "manifest.sha256").write_text(text)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "manifest.sha256"], cwd=tmp_path, check=True)


def _table_of_digests(path):
    path.write_text(f"path\tbytes\tsha256\na.dat\t1\t{'a' * 64}\nb.dat\t1\t{'b' * 64}\n")
    return path


def _seen(**digests):
    states = {f"{name}.dat": SimpleNamespace(sha256=sha) for name, sha in digests.items()}
    return SimpleNamespace(states=lambda: states)


def test_data_digest(tmp_path):
    table = _table_of_digests(tmp_path / "digests.tsv")
    text = json.dumps([["a.dat", "a" * 64], ["b.dat", "b" * 64]], separators=(",", ":"))
    assert seal.data_digest(table, _seen()) == hashlib.sha256(text.encode()).hexdigest()
    assert seal.data_digest(table, _seen(a="a" * 64)) == seal.data_digest(table, _seen())
    assert seal.data_digest(table, _seen(a="0" * 64)) != seal.data_digest(table, _seen())
    assert seal.data_digest(table, _seen(other="0" * 64)) == seal.data_digest(table, _seen())
    assert seal.data_digest(tmp_path / "none.tsv", _seen()) is None
    as_read = seal.data_digest(table, _seen())
    assert seal.data_digest(table, _seen(), ["b.dat", "a.dat"]) == as_read
    for another_part in (["a.dat"], ["a.dat", "b.dat", "c.dat"]):
        assert seal.data_digest(table, _seen(), another_part) is None


# A second computation held against a sealed version


TABLE = {"classifier": ["forest", "Fmask"], "value": [0.5, 0.75], "note": ["", "x"]}


def _version(folder, table=TABLE, **files):
    """A hand-made version: one table, and other files."""
    folder.mkdir()
    pd.DataFrame(table).to_csv(folder / "metrics.tsv", sep="\t", index=False)
    for name, text in files.items():
        (folder / name).write_text(text)
    paths = [path for path in folder.iterdir() if path.name != "manifest.sha256"]
    (folder / "manifest.sha256").write_text(manifests.manifest(folder, paths))
    return folder / "manifest.sha256"


def _changed(column, values):
    table = copy.deepcopy(TABLE)
    table[column] = values
    return table


def test_equal_versions_do_not_differ(tmp_path, capsys):
    sealed, computed = _version(tmp_path / "a"), _version(tmp_path / "b")
    assert list(check.differences(sealed, computed)) == []
    check.check(sealed=sealed, computed=computed, folder=tmp_path)
    assert "all 1 files are equal" in capsys.readouterr().out
    output = tmp_path / "differences.tsv"
    assert output.read_text().count("\n") == 1


def test_values_that_differ_are_named_with_row_column_and_distance(tmp_path):
    sealed = _version(tmp_path / "a")
    computed = _version(tmp_path / "b", _changed("value", [0.75, 0.5]))
    [row] = check.differences(sealed, computed)
    assert row == ("metrics.tsv", "value", "values differ", 2, "forest", "0.5", "0.75", 0.25)


def test_texts_that_differ_have_no_distance(tmp_path):
    sealed = _version(tmp_path / "a")
    computed = _version(tmp_path / "b", _changed("note", ["", "y"]))
    [row] = check.differences(sealed, computed)
    assert row[:4] == ("metrics.tsv", "note", "values differ", 1)
    assert row[5:7] == ("x", "y")
    assert pd.isna(row[7])


def test_files_and_rows_that_are_missing_or_new(tmp_path):
    sealed = _version(tmp_path / "a", gone="1", bytes="1")
    shorter = {name: values[:1] for name, values in TABLE.items()}
    computed = _version(tmp_path / "b", shorter, new="1", bytes="2")
    found = [(row[0], row[2]) for row in check.differences(sealed, computed)]
    assert found == [
        ("bytes", "bytes differ"),
        ("gone", "file is missing"),
        ("metrics.tsv", "tables have other rows or columns"),
        ("new", "file is new"),
    ]


def test_check_writes_the_table_and_stops(tmp_path, capsys):
    sealed = _version(tmp_path / "a")
    computed = _version(tmp_path / "b", _changed("value", [0.5, 0.5]))
    with pytest.raises(InputError, match="1 files differ"):
        check.check(sealed=sealed, computed=computed, folder=tmp_path)
    assert pd.read_csv(tmp_path / "differences.tsv", sep="\t")["greatest"].tolist() == [0.25]
    assert capsys.readouterr().err.startswith("metrics.tsv\n    value, rows that differ: 1")


def test_differences_are_listed_file_by_file():
    rows = [
        ("a/metrics.tsv", "value", "values differ", 2, "forest | OA", "0.5", "0.75", 0.25),
        ("a/metrics.tsv", "note", "values differ", 1, "", "few", "", np.nan),
        ("b.skops", "", "bytes differ", 0, "", "0123", "4567", np.nan),
        ("c.tsv", "", "file is missing", 0, "", "89ab", "", np.nan),
    ]
    assert check.text(rows).splitlines() == [
        "a/metrics.tsv",
        "    value, rows that differ: 2, by at most 0.25; the first, forest | OA: sealed 0.5, computed 0.75",
        "    note, rows that differ: 1: sealed few, computed nothing",
        "b.skops",
        "    bytes differ: sealed 0123, computed 4567",
        "c.tsv",
        "    file is missing: sealed 89ab, computed nothing",
    ]


def test_check_finds_that_a_sealed_file_is_another(tmp_path):
    """Even where both computations agree."""
    sealed, computed = _version(tmp_path / "a"), _version(tmp_path / "b")
    name = check.read_manifest(sealed).popitem()[0]
    (sealed.parent / name).unlink()
    rows = list(check.differences(sealed, computed))
    assert [(row[0], row[2]) for row in rows] == [(name, "the sealed file is not what its manifest says")]
