"""What a forge reads: jobs call the commands of the project, forms are whole, hooks call tools of `make lint`."""

import re

import pytest
import yaml

from project import ROOT

FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def read(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def commands(workflow: dict) -> list[str]:
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("name", ["ci", "docs"])
def test_jobs_call_targets_that_exist(name: str) -> None:
    called = commands(read(f".github/workflows/{name}.yml"))
    targets = re.findall(r"make (\S+)", " ".join(called))
    assert targets
    assert all(re.search(rf"^{target}:", MAKEFILE, re.M) for target in targets)
    assert [word for line in called for word in re.findall(r"\.ci/\S+", line) if not (ROOT / word).is_file()] == []


def test_every_supported_python_is_tested() -> None:
    tested = read(".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    supported = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert supported
    assert tested == [f"3.{minor}" for minor in range(int(supported[1]), int(supported[2]))]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"Python {', '.join(tested[:-1])} or {tested[-1]}" in readme


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_are_whole(path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form.keys() == {"name", "description", "labels", "body"}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_hooks_call_tools_of_the_lock() -> None:
    lock = (ROOT / "envs" / "tests.lock").read_text(encoding="utf-8")
    for hook in read(".pre-commit-config.yaml")["repos"][0]["hooks"]:
        tool, *arguments = hook["entry"].removeprefix(".venv/bin/").split()
        if tool == "python":
            assert (ROOT / arguments[0]).is_file()
        else:
            assert re.search(rf"^{tool}==", lock, re.M)
            assert f"$(BIN)/{tool}" in MAKEFILE
