"""A dataset knows itself and nothing of the others; nothing else knows a dataset by its name."""

import ast
import re

import pytest

from project import ROOT
from sentinel_forest import datasets

PACKAGE = ROOT / "src" / "sentinel_forest"
BUILT_IN = sorted(path.parent.name for path in (PACKAGE / "datasets").glob("*/__init__.py"))
ABOUT_ONE = ("datasets/", "simulate/", "registry/", "export/tfds")
"""Where one dataset may be named: itself, its miniature releases, its registry files, and the form that TFDS gives
to one of them."""
NAMES = re.compile("|".join((*BUILT_IN, "lcz", "igbp")), re.IGNORECASE)


def modules(below=""):
    """Path below the package and tree of each module."""
    for path in sorted((PACKAGE / below).rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree):
    """Full names of all modules, and members, that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def words(tree):
    """Names and texts of a module that do something: docstrings and comments may give examples."""
    documents = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if node not in documents:
                yield text
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text):
                yield text
            case ast.FunctionDef(name=text) | ast.ClassDef(name=text):
                yield text
    yield from imported(tree)


def test_built_in_datasets_are_folders():
    assert BUILT_IN == ["cloudsen12", "sen12ms", "so2sat"]
    assert set(BUILT_IN) <= set(datasets.names())
    for name in BUILT_IN:
        assert datasets.load(name).name == name


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_dataset_imports_no_other_dataset(name):
    others = tuple(f"sentinel_forest.datasets.{other}" for other in BUILT_IN if other != name)
    for path, tree in modules(f"datasets/{name}"):
        assert not [module for module in imported(tree) if module.startswith(others)], path


def test_what_datasets_share_imports_none_of_them():
    for path in (PACKAGE / "datasets").glob("*.py"):
        found = imported(ast.parse(path.read_text(encoding="utf-8")))
        assert not [module for module in found if NAMES.search(module)], path.name


def test_miniature_releases_import_no_other():
    for name in BUILT_IN:
        tree = ast.parse((PACKAGE / "simulate" / f"{name}.py").read_text(encoding="utf-8"))
        others = [other for other in BUILT_IN if other != name]
        assert not [module for module in imported(tree) if any(other in module for other in others)], name


def test_nothing_else_names_a_dataset():
    for path, tree in modules():
        if not path.startswith(ABOUT_ONE):
            assert not [text for text in words(tree) if NAMES.search(text)], path


def test_no_module_of_a_dataset_is_long():
    for path in (PACKAGE / "datasets").rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 350, path


def test_each_dataset_opens_with_what_a_newcomer_must_know():
    for name in BUILT_IN:
        text = ast.get_docstring(ast.parse((PACKAGE / "datasets" / name / "__init__.py").read_text(encoding="utf-8")))
        for part in ("Task", "Layers", "Splits", "Licence", "Known faults", "doi"):
            assert part in text, (name, part)
