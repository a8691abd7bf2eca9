"""Entries of the registry are found by the name of the release: a user's own first, then the package's."""

from pathlib import Path

import pytest
import yaml

from sentinel_forest.config import releases
from sentinel_forest.config.validation import read_yaml
from sentinel_forest.errors import InputError
from sentinel_forest.registry import RELEASES


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user's own entries in a working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "config" / "releases"
    folder.mkdir(parents=True)
    return folder


def write(own: Path, name: str, **changes: object) -> None:
    entry = read_yaml(RELEASES / "so2sat-sample.yaml") | {"release": name} | changes
    (own / f"{name}.yaml").write_text(yaml.safe_dump(entry), encoding="utf-8")


def test_without_entries_of_ones_own_the_package_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert releases.read_entry("so2sat-v4")["release"] == "so2sat-v4"
    assert releases.registered() == sorted(path.stem for path in RELEASES.glob("*.yaml"))


def test_an_entry_of_ones_own_is_found_in_the_working_directory(own: Path) -> None:
    write(own, "toy", title="Mine")
    assert releases.read_entry("toy")["title"] == "Mine"
    assert {"toy", "so2sat-v4"} <= set(releases.registered())


def test_an_entry_of_ones_own_comes_first(own: Path) -> None:
    write(own, "so2sat-sample", title="Mine")
    assert releases.read_entry("so2sat-sample")["title"] == "Mine"
    assert releases.registered().count("so2sat-sample") == 1


def test_a_name_that_is_not_registered_has_no_entry(own: Path) -> None:
    assert releases.find_entry("mine") is None
    with pytest.raises(InputError) as error:
        releases.read_entry("so2sat-v9")
    for words in ("so2sat-v9", "did you mean 'so2sat-v4'?", str(Path("config") / "releases" / "so2sat-v9.yaml")):
        assert words in str(error.value)


@pytest.mark.parametrize("name", ["../toy", "a b", ""])
def test_no_other_file_is_looked_for(own: Path, name: str) -> None:
    write(own.parent, "toy")
    for find in (releases.find_entry, releases.read_entry):
        with pytest.raises(InputError, match="A name that cannot be used"):
            find(name)


def test_a_run_selects_a_release_of_ones_own(own: Path) -> None:
    write(own, "toy", sample={"seed": 1})
    nothing: dict = {key: {} for key in ("own_releases", "folders", "places", "select", "shards", "accept", "transfer")}
    resolved = releases.resolve(nothing | {"releases": ["toy"]})
    assert resolved["toy"].sample == {"seed": 1}
