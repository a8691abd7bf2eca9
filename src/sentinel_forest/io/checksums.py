"""Checksums of files, of settings and of code; seeds made from names. Standard library only."""

import ast
import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import resolve_name
from pathlib import Path

from sentinel_forest.io import modules

PACKAGES = ("numpy", "pandas", "scipy", "scikit-learn", "scikit-learn-intelex", "daal", "pyarrow")
"""Packages whose versions can change the bytes of a result; two of them are the fast engine, where it is installed."""

_FOREIGN = ":"
"""Begins the name of a module of another package."""
_LINES, _LINE = r"(?:\\.|[^\\])*?", r"(?:\\.|[^\\\n])*?"
_QUOTED = (('"""', _LINES), ("'''", _LINES), ('"', _LINE), ("'", _LINE))
_TEXT = "|".join(f"{quote}{inside}{quote}" for quote, inside in _QUOTED)
_TEXT_OR_COMMENT = re.compile(rf"(?P<text>{_TEXT})|#[^\n]*", re.DOTALL)
_FILE_NAME = re.compile(r"""["']([\w-]+\.\w+)["']""")
_IMPORT = re.compile(r"^\s*from sentinel_forest(?:\.([\w.]+))? import (\([^)]*\)|[^\n]+)", re.MULTILINE)


def canonical(value: object) -> str:
    """One JSON text for one value: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def checksum_of(value: object) -> str:
    """SHA-256 (hex) of the canonical JSON text of a value."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def file_checksum(path: Path) -> str:
    """SHA-256 (hex) of the bytes of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seed(*names: object) -> int:
    """A 32-bit seed derived from names, e.g. (version seed, release, scheme, trial)."""
    return int.from_bytes(hashlib.sha256(canonical(list(names)).encode("ascii")).digest()[:4], "big")


@cache
def code_checksum(*names: str) -> str:
    """Checksum of modules of this package, of all package modules they import, and of the data files beside
    a module that it names.

    Comments and blank lines do not count. The text is hashed, not its syntax tree or its tokens:
    both differ between versions of Python, and take seconds for the whole package.

    A user's own dataset is followed into its package: all modules there that it imports, and those of this one.

    Parameters
    ----------
    *names : str
        Dotted names below the package, e.g. ``"verify.catalog"``, or ``"datasets."`` and the name of a dataset.

    Raises
    ------
    ModuleNotFoundError
        If one of them does not exist.
    """
    return checksum_of({name: _of_module(name) for name in sorted(code_modules(names))})


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of installed packages; a package that is not installed is left out."""
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def code_modules(names: Iterable[str]) -> set[str]:
    """The modules whose text `code_checksum` takes: those named and all package modules they import."""
    waiting, met = [_source(name) for name in names], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in met:
            met.add(name)
            waiting += _foreign_imports(name) if name.startswith(_FOREIGN) else _imports(name)
    return met


def _source(name: str) -> str:
    """The module that has a name, or that defines a user's own dataset of this name."""
    group, _, dataset = name.partition(".")
    if group == "datasets" and modules.path_of(name) is None and dataset in modules.own_datasets():
        return _FOREIGN + modules.own_datasets()[dataset][0].module
    return name


def _path(name: str) -> Path | None:
    """The file of a module, if there is such a module."""
    return modules.foreign_path(name[1:]) if name.startswith(_FOREIGN) else modules.path_of(name)


@cache
def _statements(name: str) -> str:
    """Source of a module without comments and blank lines; texts of several lines are joined to one."""
    path = _path(name)
    if path is None:
        package = "any installed package" if name.startswith(_FOREIGN) else modules.PACKAGE.name
        raise ModuleNotFoundError(f"no module {name.removeprefix(_FOREIGN)!r} in {package}")
    source = path.read_text(encoding="utf-8")
    joined = _TEXT_OR_COMMENT.sub(lambda found: (found["text"] or "").replace("\n", "\0"), source)
    return "\n".join(line.rstrip() for line in joined.split("\n") if line.strip())


@cache
def _of_module(name: str) -> str:
    """Checksum of the source of a module and of its data."""
    return checksum_of([_statements(name), _data(name)])


@cache
def _data(name: str) -> dict[str, str]:
    """Checksums of the files beside a module whose names stand in it as a text, Python's own left out."""
    module = _path(name) or modules.PACKAGE
    named = {module.with_name(file) for file in _FILE_NAME.findall(_statements(name))}
    paths = [path for path in sorted(named) if path.suffix != ".py" and path.is_file()]
    return {path.name: file_checksum(path) for path in paths}


@cache
def _imports(name: str) -> tuple[str, ...]:
    """Package modules that a module imports."""
    found = set[str]()
    for module, names in _IMPORT.findall(_statements(name)):
        members = [member.split(" as ")[0].strip() for member in names.strip("() \n").split(",")]
        found |= {".".join(part for part in (module, member) if part) for member in members if member} | {module}
    return tuple(sorted(candidate for candidate in found if candidate and _path(candidate)))


@cache
def _foreign_imports(name: str) -> tuple[str, ...]:
    """Modules of its own package and of this one that a module of another package imports, in any form.

    Its tree is read for that, since others need not write their imports as this package does.
    """
    path, module = _path(name), name[1:]
    if path is None:
        return ()
    parents = [module.rsplit(".", count)[0] for count in range(1, module.count(".") + 1)]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set(parents)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=base, names=names, level=level):
                whole = resolve_name("." * level + (base or ""), package) if level else str(base)
                found |= {whole, *(f"{whole}.{alias.name}" for alias in names)}
    own, top = "sentinel_forest", module.partition(".")[0]
    here = {each.removeprefix(f"{own}.") for each in found if each.startswith(f"{own}.")}
    there = {_FOREIGN + each for each in found if each == top or each.startswith(f"{top}.")}
    return tuple(sorted(each for each in here | there if _path(each)))
