"""What one imports from the package: it loads late, says what it is, and its examples run."""

import doctest
import importlib
import inspect
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import h5py  # noqa: F401  # the interpreter that writes the versions below has it anyway
import numpy as np
import pytest

import sentinel_forest
from finished import ROLES, version_of, write_clouds
from project import ROOT
from sentinel_forest.datasets import so2sat
from sentinel_forest.errors import InputError
from sentinel_forest.splits.group_stratified import GroupStratifiedSplit
from sentinel_forest.versions import manifest

NAMES = sorted(set(sentinel_forest.__all__) - {"__version__"})
HEAVY = ("cyclopts", "jsonschema", "pandera", "scipy", "skimage", "sklearn", "snakemake", "torch")
LIGHT = ("numpy", "pandas", "pyarrow", "h5py", "rasterio", "pydantic", "yaml")


def loaded(code: str, folder: Path) -> set[str]:
    """Top-level modules that a fresh interpreter has after running some code in a folder."""
    ending = "\nimport sys\nprint(' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code + ending], cwd=folder, text=True, check=True, stdout=subprocess.PIPE
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_else(tmp_path):
    met = loaded("import sentinel_forest", tmp_path)
    assert not met & {*HEAVY, *LIGHT}


def test_public_names_are_those_of_the_modules_and_are_listed():
    assert NAMES == ["GroupStratifiedSplit", "leakage", "open_trial", "scores"]
    assert set(NAMES) <= set(dir(sentinel_forest))
    for name in NAMES:
        member = getattr(sentinel_forest, name)
        assert member.__name__ == name
        assert getattr(importlib.import_module(member.__module__), name) is member
    with pytest.raises(AttributeError, match="open_trail"):
        sentinel_forest.open_trail  # noqa: B018


def test_version_is_that_of_the_installed_package(monkeypatch):
    assert sentinel_forest.__version__ == metadata.version("sentinel-forest")
    monkeypatch.setattr(metadata, "version", lambda name: (_ for _ in ()).throw(metadata.PackageNotFoundError(name)))
    monkeypatch.delattr(sentinel_forest, "__version__")
    assert sentinel_forest.__version__ == "unknown"
    monkeypatch.delattr(sentinel_forest, "__version__")


@pytest.mark.parametrize("dataset", ["cloudsen12", "so2sat", "sen12ms"])
def test_opening_a_trial_loads_little(dataset, tmp_path, request):
    data = tmp_path / "data" / "mine"
    if dataset == "cloudsen12":
        write_clouds(data)
        version_of(tmp_path, dataset, {"side": 8}, ROLES)
    elif dataset == "so2sat":
        for name in ("training", "testing"):
            with so2sat.create(data, name, 2) as file:
                file["label"][:] = np.eye(17)[:2]
        version_of(tmp_path, dataset, {})
    else:
        data.parent.mkdir()
        data.symlink_to(request.getfixturevalue("real") / "sen12ms")
        version_of(tmp_path, dataset, {})
    met = loaded(
        "from sentinel_forest import open_trial\n"
        "trial = open_trial('results/v1', 'mine', 'random', 1, 'train', physical=True)\n"
        "assert len(trial[0]) > 1 and trial[0]['label'] is not None",
        tmp_path,
    )
    assert not met & set(HEAVY)


def test_a_registered_release_is_opened_by_the_entry_that_ships_with_the_package(tmp_path):
    write_clouds(tmp_path / "data" / "cloudsen12-sample")
    version = version_of(tmp_path, "cloudsen12", {"side": 8}, ROLES, release="cloudsen12-sample")
    text = (version / "version.json").read_text()
    own = re.search(r'"own_releases": (\{.*\})\}\}', text)[1]
    (version / "version.json").write_text(text.replace(own, "{}"))
    # Registered with sides of 96 pixels, while these files have 8: the layout is that of the registry.
    with pytest.raises(InputError):
        sentinel_forest.open_trial(version, "cloudsen12-sample", "random", 1, "train")[0]
    met = loaded(
        "from pathlib import Path\nfrom sentinel_forest import registry\n"
        "assert registry.layout_of('cloudsen12-sample', Path('none'))[1] == {'side': 96}",
        tmp_path,
    )
    assert not met & set(HEAVY)
    with pytest.raises(InputError, match="does not know the release"):
        sentinel_forest.registry.layout_of("cloudsen13", Path("none"))
    with pytest.raises(InputError, match="name"):
        sentinel_forest.registry.layout_of("../papers/cloudsen12", Path("none"))


def test_a_split_that_is_not_the_sealed_one_is_not_opened(tmp_path):
    write_clouds(tmp_path / "data" / "mine")
    version = version_of(tmp_path, "cloudsen12", {"side": 8}, ROLES)
    split = version / "mine" / "splits" / "random" / "1.parquet"
    (version / "manifest.sha256").write_text(manifest.manifest(version, [split, version / "version.json"]))
    assert len(sentinel_forest.open_trial(version, "mine", "random", 1, "test")) == 3
    version_of(tmp_path, "cloudsen12", {"side": 8}, ROLES[::-1])
    with pytest.raises(InputError, match=r"1\.parquet has SHA-256"):
        sentinel_forest.open_trial(version, "mine", "random", 1, "test")
    (version / "manifest.sha256").write_text(manifest.manifest(version, [version / "version.json"]))
    with pytest.raises(InputError, match="is not in the manifest"):
        sentinel_forest.open_trial(version, "mine", "random", 1, "test")


@pytest.fixture
def version_of_the_example(tmp_path, monkeypatch):
    """What the example of `open_trial` says is there."""
    write_clouds(tmp_path / "data" / "clouds")
    version_of(tmp_path, "cloudsen12", {"side": 8}, ROLES, "clouds", "grouped", "mine-v1")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("version_of_the_example")
@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name):
    found = doctest.DocTestFinder(recurse=False).find(getattr(sentinel_forest, name), name, globs={})
    assert [len(test.examples) > 3 for test in found] == [True]
    runner = doctest.DocTestRunner()
    for test in found:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_explained(name):
    """In numpydoc: a line of the section Parameters for each, and no line for another."""
    member = getattr(sentinel_forest, name)
    text = inspect.getdoc(member)
    section = re.search(r"Parameters\n-+\n(.*?)(?=\n\n\w[\w ]+\n-+\n)", text, re.S)[1]
    explained = [part for line in re.findall(r"^(\w[\w, ]*) : ", section, re.M) for part in line.split(", ")]
    assert explained == list(inspect.signature(member).parameters)


def test_example_of_the_readme_runs(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(code) == 1
    assert len(code[0].splitlines()) <= 8
    done = subprocess.run([sys.executable, "-c", code[0]], cwd=tmp_path, text=True, check=True, capture_output=True)
    values = [float(value) for value in done.stdout.strip("[]\n ").split()]
    assert len(values) == 5
    assert all(0.5 < value <= 1 for value in values)
    assert done.stderr == ""


def test_class_is_not_loaded_by_the_others(tmp_path):
    met = loaded("from sentinel_forest import leakage, scores", tmp_path)
    assert "sklearn" not in met
    assert GroupStratifiedSplit is sentinel_forest.GroupStratifiedSplit
