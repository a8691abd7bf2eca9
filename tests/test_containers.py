"""What can be held of the container files where no image can be built."""

import re
import tomllib

import pytest

from project import ROOT

DOCKER, APPTAINER = ROOT / "envs" / "Dockerfile", ROOT / "envs" / "apptainer.def"


def copied() -> dict[str, set[str]]:
    """Paths of the checkout that each file copies into its image."""
    docker = re.findall(r"^COPY (.+) \S+$", DOCKER.read_text(), re.M)
    files = APPTAINER.read_text().partition("%files\n")[2].partition("\n%")[0]
    apptainer = [line.split() for line in files.splitlines() if line.strip()]
    assert all(target == f"/opt/sentinel-forest/{source}" for source, target in apptainer)
    return {
        "docker": {name for names in docker for name in names.split()},
        "apptainer": {each[0] for each in apptainer},
    }


def installs(text: str) -> list[str]:
    return re.findall(r"python -m pip install .+", text)


def test_both_copy_the_same_files_and_each_is_in_the_checkout():
    found = copied()
    assert found["docker"] == found["apptainer"]
    assert [name for name in found["docker"] if not (ROOT / name).exists()] == []


def test_all_that_the_build_and_the_rules_read_is_copied():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"pyproject.toml", project["readme"], "src", "Snakefile", "workflow", "config"} <= copied()["docker"]
    assert re.search(r'include: "workflow/Snakefile"', (ROOT / "Snakefile").read_text())


def test_both_install_the_lock_and_then_the_package_as_make_does():
    commands = installs(DOCKER.read_text())
    assert commands == installs(APPTAINER.read_text())
    assert "--require-hashes -r envs/requirements.lock" in commands[0]
    assert "--no-deps --no-build-isolation ." in commands[1]
    assert "hatchling==" in (ROOT / "envs" / "requirements.lock").read_text()


@pytest.mark.parametrize("file", [DOCKER, APPTAINER], ids=lambda file: file.name)
def test_python_is_one_that_the_package_supports(file):
    (minor,) = re.findall(r"^(?:FROM|From:) python:3\.(\d+)-slim-bookworm$", file.read_text(), re.M)
    assert 11 <= int(minor) <= 13
