"""What makes a version, when it is held, its manifest; and a computation held against a sealed one."""

import copy
import hashlib
import subprocess

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.config.model import Configuration
from sentinel_forest.config.releases import resolve
from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import code_modules
from sentinel_forest.io.modules import PACKAGE
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.steps import STEPS
from sentinel_forest.versions import check, differences, seal
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


NOT_IN_A_VERSION = {
    *("evaluation.groups_needed", "evaluation.relabelled", "evaluation.scores"),  # commands, and for Python
    *("splits.group_stratified", "splits.leakage", "splits.roles"),  # for Python, and exports
    *("features.listing", "features.own", "features.external_sets"),  # a command; definitions become settings
}


def test_code_counts_wherever_it_can_change_a_result():
    folders = ("verify", "splits", "features", "models", "evaluation")
    files = (path for folder in folders for path in (PACKAGE / folder).rglob("*.py"))
    names = {".".join(file.with_suffix("").relative_to(PACKAGE).parts).removesuffix(".__init__") for file in files}
    assert names - code_modules(seal.result_modules()) == NOT_IN_A_VERSION


def test_steps_that_count_for_nothing_are_steps():
    assert set(seal.WITHOUT_RESULTS) < set(STEPS)


def test_identity_has_the_code_of_the_datasets_in_use():
    assert _identity(releases=["so2sat-sample"])["code"] != _identity()["code"]


def test_defaults_written_out_are_the_same_identity():
    assert _identity(trials=3, forest={"depth": None}) == _identity(trials=3)


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
    assert list(differences.differences(sealed, computed)) == []
    check.hold_against(sealed, computed, tmp_path)
    assert "all 1 files are equal" in capsys.readouterr().out
    output = tmp_path / "differences.tsv"
    assert output.read_text().count("\n") == 1


def test_values_that_differ_are_named_with_row_column_and_distance(tmp_path):
    sealed = _version(tmp_path / "a")
    computed = _version(tmp_path / "b", _changed("value", [0.75, 0.5]))
    [row] = differences.differences(sealed, computed)
    assert row == ("metrics.tsv", "value", "values differ", 2, "forest", "0.5", "0.75", 0.25)


def test_texts_that_differ_have_no_distance(tmp_path):
    sealed = _version(tmp_path / "a")
    computed = _version(tmp_path / "b", _changed("note", ["", "y"]))
    [row] = differences.differences(sealed, computed)
    assert row[:4] == ("metrics.tsv", "note", "values differ", 1)
    assert row[5:7] == ("x", "y")
    assert pd.isna(row[7])


def test_files_and_rows_that_are_missing_or_new(tmp_path):
    sealed = _version(tmp_path / "a", gone="1", bytes="1")
    shorter = {name: values[:1] for name, values in TABLE.items()}
    computed = _version(tmp_path / "b", shorter, new="1", bytes="2")
    found = [(row[0], row[2]) for row in differences.differences(sealed, computed)]
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
        check.hold_against(sealed, computed, tmp_path)
    assert pd.read_csv(tmp_path / "differences.tsv", sep="\t")["greatest"].tolist() == [0.25]
    assert capsys.readouterr().err.startswith("metrics.tsv\n    value, rows that differ: 1")


def test_differences_are_listed_file_by_file():
    rows = [
        ("a/metrics.tsv", "value", "values differ", 2, "forest | OA", "0.5", "0.75", 0.25),
        ("a/metrics.tsv", "note", "values differ", 1, "", "few", "", np.nan),
        ("b.skops", "", "bytes differ", 0, "", "0123", "4567", np.nan),
        ("c.tsv", "", "file is missing", 0, "", "89ab", "", np.nan),
    ]
    assert differences.text(rows).splitlines() == [
        "a/metrics.tsv",
        "    value, rows that differ: 2, by at most 0.25; the first, forest | OA: sealed 0.5, computed 0.75",
        "    note, rows that differ: 1: sealed few, computed nothing",
        "b.skops",
        "    bytes differ: sealed 0123, computed 4567",
        "c.tsv",
        "    file is missing: sealed 89ab, computed nothing",
    ]


def test_check_names_a_sealed_file_that_is_another_before_it_computes(tmp_path):
    sealed = _version(tmp_path / "a")
    name = manifests.read_manifest(sealed).popitem()[0]
    (sealed.parent / name).unlink()
    with pytest.raises(InputError, match="not those that its manifest names"):
        check.sealed_folder(sealed.parent)
