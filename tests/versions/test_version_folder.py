"""Commands take a version by its name or by its path."""

from pathlib import Path

import pytest

from sentinel_forest import cli
from sentinel_forest.versions.manifest import version_folder

COMMANDS = {
    "check": "--version {version}",
    "map": "--version {version} --release r --scheme s --trial 1 --set l1c --scene scene --output map.tif",
    "show": "--version {version} --release r --patch p --output patch.png",
    "compare-versions": "--results {version} --against {version} --output moved.tsv",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the version ``mine-v1``, which has no manifest yet."""
    (tmp_path / "results" / "mine-v1").mkdir(parents=True)
    (tmp_path / "results" / "mine-v1" / "version.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_and_a_path_lead_to_the_same_folder(command: str, project: Path) -> None:
    for version, where in (
        ("mine-v1", "results/mine-v1"),
        ("results/mine-v1", "results/mine-v1"),
        ("results/mine-v1/", "results/mine-v1"),
        (project / "results" / "mine-v1", project / "results" / "mine-v1"),
    ):
        with pytest.raises(SystemExit) as stop:
            cli.main([command, *COMMANDS[command].format(version=version).split()])
        assert f"\n  where: {where}\n" in str(stop.value)


def test_a_name_is_looked_for_below_results_unless_a_folder_of_this_name_is_the_version(project: Path) -> None:
    (project / "mine-v1").mkdir()
    assert version_folder(Path("mine-v1")) == Path("results/mine-v1")
    (project / "mine-v1" / "version.json").write_text("{}")
    assert version_folder(Path("mine-v1")) == Path("mine-v1")


def test_a_folder_elsewhere_is_a_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "copy").mkdir()
    assert version_folder(Path("copy")) == Path("copy")
    monkeypatch.chdir("results")
    assert version_folder(Path("mine-v1")) == Path("mine-v1")
    monkeypatch.chdir("mine-v1")
    assert version_folder(Path(".")) == Path(".")


def test_a_version_that_does_not_exist_is_told_where_it_would_be() -> None:
    assert version_folder(Path("none-v1")) == Path("results/none-v1")
    assert version_folder(Path("elsewhere/none-v1")) == Path("elsewhere/none-v1")
