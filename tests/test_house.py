"""The house is in order: lint, types, format, environments and documents agree with one another."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from project import ROOT, project_files
from sentinel_forest.config import paths
from sentinel_forest.config.schemes import KINDS

BIN = Path(sys.executable).parent
SCRIPTS = ROOT / "src" / "sentinel_forest"


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["snakefmt", "--check", "Snakefile", "workflow"],
        ["python", "tests/lint_workflow.py"],
        ["python", "tests/lint_workflow.py", "workflow/Snakefile"],
    ],
    ids=" ".join,
)
def test_lint(command):
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout


def pins(path):
    """Package and version of each line of a requirements file."""
    lines = re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;\\\n]+)", path.read_text(encoding="utf-8"), re.M)
    return dict(lines)


@pytest.mark.parametrize("name", ["envs/requirements", "envs/tests", "tests/interop/requirements"])
def test_lock_holds_every_requirement_with_hashes_and_no_address(name):
    text = (ROOT / f"{name}.lock").read_text(encoding="utf-8")
    wanted, locked = pins(ROOT / f"{name}.in"), pins(ROOT / f"{name}.lock")
    assert wanted
    assert {name: locked.get(name) for name in wanted} == wanted
    assert "://" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)


def test_both_locks_have_the_same_versions():
    run, tests = pins(ROOT / "envs" / "requirements.lock"), pins(ROOT / "envs" / "tests.lock")
    assert run == {name: tests[name] for name in run}


def test_conda_environment_has_the_versions_of_the_requirements():
    wanted = pins(ROOT / "envs" / "requirements.in")
    other_names = {"pandera-pandas": "pandera", "python-xxhash": "xxhash"}
    for line in yaml.safe_load((ROOT / "envs" / "workflow.yaml").read_text())["dependencies"]:
        if isinstance(line, str) and not line.startswith("python "):
            name, version = re.fullmatch(r"([a-z0-9-]+) =(.+)", line).groups()
            assert wanted[other_names.get(name, name)] == version, line


def test_pythons_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    conda = yaml.safe_load((ROOT / "envs" / "workflow.yaml").read_text())["dependencies"]
    assert f"python {project['requires-python']}" in conda


def test_versions_of_the_project_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
    rules = (ROOT / "workflow" / "rules" / "common.smk").read_text(encoding="utf-8")
    assert f'WRITTEN_FOR = "{project["version"]}"\n' in rules
    assert f"## {project['version']}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_rule_that_computes_names_its_code_and_log():
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"^rule ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            name = rule.split(":")[0]
            for directive in ("log:", "message:", "shell:"):
                assert directive in rule, (path.name, name, directive)
            if "sentinel-forest" in rule and re.search(r"^    output:", rule, re.M):
                assert "code=WIRING.code_of" in rule, (path.name, name)
            assert "run:" not in rule
            assert "script:" not in rule


def test_no_file_is_large_and_none_names_a_machine_or_an_index():
    for name in project_files():
        content = (ROOT / name).read_bytes()
        assert len(content) <= 1_000_000, name
        if name != "tests/test_house.py":
            assert not re.search(rb"""(^|[\s"'=(:])/(work|root|home)/[a-z]""", content), name
            assert not re.search(rb"index-url|find-links", content), name


WINGS = (
    *("errors", "io", "registry", "sensors", "config", "steps", "cli", "kept", "datasets", "acquire", "simulate"),
    *("verify", "splits", "features", "models", "evaluation", "planning", "versions", "mapping", "report", "export"),
)
"""The wings of the package, and modules beside them: each imports only what stands before it."""


def sides(node):
    """What a node compares: both sides of a comparison, a subject and its cases, a mapping and what is looked up."""
    match node:
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.Match():
            return [node.subject, *(case.pattern for case in node.cases)]
        case ast.Call(func=ast.Attribute(attr="startswith" | "endswith" | "get", value=value)):
            return [value, *node.args]
        case ast.Subscript() if re.search("scheme|split|trial", ast.unparse(node.value)):
            return [node.value, node.slice]
    return []


OTHERWISE_NAMED = ("kind", ".base", "class_weight")
"""What may have the text of a kind: kinds, and scikit-learn's word for weights."""


def compares_kind_with_text(node):
    """Whether something that is not a kind is compared with the text of a kind of scheme."""
    compared = sides(node)
    texts = {text.value for side in compared for text in ast.walk(side) if isinstance(text, ast.Constant)}
    names = [ast.unparse(side) for side in compared if not isinstance(side, ast.Constant | ast.pattern)]
    return bool(texts & set(KINDS)) and not any(word in name for name in names for word in OTHERWISE_NAMED)


def test_no_code_compares_names_of_schemes():
    for path in (ROOT / "src" / "sentinel_forest").rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found = [ast.unparse(node) for node in nodes if compares_kind_with_text(node)]
        assert not found, (path.name, found)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    "code",
    ["place.scheme == {!r}", "scheme in ({!r}, 'mine')", "scheme.startswith({!r})", "splits.get({!r})", "splits[{!r}]"],
)
def test_a_comparison_with_the_name_of_a_scheme_is_found(kind, code):
    assert compares_kind_with_text(ast.parse(code.format(kind), mode="eval").body)


def test_cases_of_a_name_are_found_and_those_of_a_kind_are_not():
    cases = "match {}:\n    case 'published': pass"
    assert compares_kind_with_text(ast.parse(cases.format("scheme")).body[0])
    assert not compares_kind_with_text(ast.parse(cases.format("options.kind")).body[0])


def test_no_module_names_a_file_of_the_layout_itself():
    """`config/paths.py` says where files lie; a module that writes a name again would not follow a change of it."""
    patterns = [value for name, value in vars(paths).items() if name.isupper() and isinstance(value, str)]
    names = {name for name in (Path(pattern).name for pattern in patterns) if "{" not in name and "." in name}
    assert "metrics.tsv" in names
    for path in SCRIPTS.rglob("*.py"):
        if path != SCRIPTS / "config" / "paths.py":
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
            assert not {Path(text).name for text in texts if "\n" not in text} & names, path.name


LINES = 350
"""Lines of a module: what does more than one thing is two modules."""


def test_no_module_is_long():
    modules = list(SCRIPTS.rglob("*.py"))
    lines = {str(path.relative_to(SCRIPTS)): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert lines
    assert {name: count for name, count in lines.items() if count > LINES} == {}


def test_no_two_test_files_have_one_name():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})


def imports(path):
    """Wings that a module of the package imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sentinel_forest":
            inner = node.module.split(".")[1:]
            yield from inner[:1] or (alias.name for alias in node.names)


def test_wings_import_only_what_stands_before_them():
    package = ROOT / "src" / "sentinel_forest"
    modules = [path for path in package.rglob("*.py") if path != package / "__init__.py"]
    assert modules
    for path in modules:
        wing = path.relative_to(package).parts[0].removesuffix(".py")
        for other in imports(path):
            assert WINGS.index(other) <= WINGS.index(wing), f"{path.relative_to(package)} imports {other}"
