"""Datasets in packages of users' own, and users' own registry entries."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from project import ROOT
from sentinel_forest.config import releases
from sentinel_forest.errors import InputError
from sentinel_forest.registry import RELEASES

PAGE = (ROOT / "docs" / "adding-a-dataset.md").read_text(encoding="utf-8")
(MODULE,) = re.findall(r"```python\n# file: src/\S+/fields/__init__\.py\n(.*?)```", PAGE, re.S)


def installed(folder, points="fields = farms.fields\n", module=MODULE):
    """A package `farms` as an installer leaves it: modules, and metadata with entry points."""
    for name, text in {
        "farms/__init__.py": "",
        "farms/prices.py": "WHEAT = 1.0\n",
        "farms/other.py": "UNUSED = 1\n",
        "farms/fields/__init__.py": module + "\nfrom ..prices import WHEAT  # noqa\nfrom . import words\n",
        "farms/fields/words.py": "import farms.fields.more as more\n",
        "farms/fields/more.py": "from sentinel_forest.io import hdf5\nTABLE = 'table.tsv'\n",
        "farms/fields/table.tsv": "1\n",
        "farms-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: farms\nVersion: 1.0\n",
        "farms-1.0.dist-info/entry_points.txt": f"[sentinel_forest.datasets]\n{points}",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def answer(folder, code, head="from sentinel_forest import datasets\n"):
    """What Python prints where the packages of a folder are installed; errors of users as their text."""
    head += "from sentinel_forest.errors import InputError\n"
    body = "\n".join(f"    {line}" for line in code.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", f"{head}try:\n{body}\nexcept InputError as error:\n    print(error)"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(folder)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dataset_of_an_installed_package_is_found_by_its_entry_point(tmp_path):
    code = """
print(datasets.names())
dataset = datasets.load("fields")
print(type(dataset).__module__, dataset.ledger_keys()["cooperative"])
from sentinel_forest.evaluation import metrics
print(metrics.registry()["pwa"].source)
"""
    assert answer(installed(tmp_path), code).splitlines() == [
        "['cloudsen12', 'fields', 'sen12ms', 'so2sat']",
        "farms.fields count",
        "a page of the documentation",
    ]


def test_nothing_is_imported_to_list_the_datasets(tmp_path):
    code = "import sys; print(datasets.names(), any('farms' in name for name in sys.modules))"
    assert answer(installed(tmp_path), code).endswith("False\n")


@pytest.mark.parametrize(
    ("points", "module", "told"),
    [
        ("so2sat = farms.fields\n", MODULE, "the name of a built-in one"),
        ("fields = farms.nowhere\n", MODULE, "No module named 'farms.nowhere'"),
        ("fields = farms.fields\n", "raise OSError('no table')\n", "OSError: no table"),
        ("fields = farms.prices\n", MODULE, "A module defines no dataset"),
        ("a b;c = farms.fields\n", MODULE, "A name that cannot be used"),
    ],
)
def test_faults_of_a_package_are_told_without_a_traceback(tmp_path, points, module, told):
    name = points.partition(" = ")[0]
    found = answer(installed(tmp_path, points, module), f"datasets.load({name!r})")
    assert told in found
    assert "Traceback" not in found


def test_two_packages_with_one_name_are_told(tmp_path):
    installed(tmp_path)
    (tmp_path / "woods-1.0.dist-info").mkdir()
    (tmp_path / "woods-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: woods\nVersion: 1.0\n")
    points = "[sentinel_forest.datasets]\nfields = woods.fields\n"
    (tmp_path / "woods-1.0.dist-info" / "entry_points.txt").write_text(points)
    found = answer(tmp_path, "datasets.load('fields')")
    assert "farms.fields" in found
    assert "woods.fields" in found


def checksum_of(folder, name="datasets.fields"):
    return answer(folder, f"print(code_checksum({name!r}))", "from sentinel_forest.io.checksums import code_checksum\n")


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("farms/fields/__init__.py", True),
        ("farms/prices.py", True),
        ("farms/fields/words.py", True),
        ("farms/fields/more.py", True),
        ("farms/fields/table.tsv", True),
        ("farms/__init__.py", True),
        ("farms/other.py", False),
    ],
)
def test_checksum_of_the_code_follows_the_package(tmp_path, name, counts):
    before = checksum_of(installed(tmp_path))
    with open(tmp_path / name, "a", encoding="utf-8") as stream:
        stream.write("\nX = 1\n")
    assert (checksum_of(tmp_path) != before) == counts


def test_checksum_of_the_code_follows_what_the_package_imports_of_this_one(tmp_path):
    code = """
from sentinel_forest.io import checksums
found = checksums.code_modules(["datasets.fields"])
print(sorted(found & {"io.hdf5", "datasets.base", "sensors", ":farms.fields.more", ":farms.prices", ":farms.other"}))
"""
    expected = [":farms.fields.more", ":farms.prices", "datasets.base", "io.hdf5", "sensors"]
    assert answer(installed(tmp_path), code) == f"{expected}\n"


def test_checksum_does_not_depend_on_where_the_package_lies(tmp_path):
    assert checksum_of(installed(tmp_path / "one")) == checksum_of(installed(tmp_path / "other"))


def test_unknown_code_is_an_error(tmp_path):
    with pytest.raises(AssertionError, match="ModuleNotFoundError"):
        checksum_of(tmp_path, "datasets.nowhere")


# Registry entries


def own_entry(folder, name, **changes):
    path = folder / "config" / "releases" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = yaml.safe_load((RELEASES / "so2sat-sample.yaml").read_text(encoding="utf-8"))
    path.write_text(json.dumps(entry | {"release": name} | changes), encoding="utf-8")
    return path


def test_own_entries_lie_in_the_folder_of_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = releases.registered()
    assert "mine" not in shipped
    own_entry(tmp_path, "mine", title="My own")
    assert releases.registered() == sorted([*shipped, "mine"])
    assert releases.read_entry("mine")["title"] == "My own"
    assert releases.read_entry("so2sat-v4")["dataset"] == "so2sat"


def test_own_entry_comes_before_the_one_that_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_entry(tmp_path, "so2sat-sample", title="Corrected")
    assert releases.read_entry("so2sat-sample")["title"] == "Corrected"


def test_error_in_an_own_entry_names_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_entry(tmp_path, "mine", release="other")
    with pytest.raises(InputError, match=re.escape("config/releases/mine.yaml")):
        releases.read_entry("mine")


def test_file_that_would_not_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = own_entry(tmp_path, "mine")
    path.rename(path.with_suffix(".yml"))
    with pytest.raises(InputError, match=r"mine\.yml"):
        releases.registered()
