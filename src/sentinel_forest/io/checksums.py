"""Digests of files, of settings and of code; seeds made from names. Standard library only."""

import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_LINES, _LINE = r"(?:\\.|[^\\])*?", r"(?:\\.|[^\\\n])*?"
_QUOTED = (('"""', _LINES), ("'''", _LINES), ('"', _LINE), ("'", _LINE))
_TEXT = "|".join(f"{quote}{inside}{quote}" for quote, inside in _QUOTED)
_TEXT_OR_COMMENT = re.compile(rf"(?P<text>{_TEXT})|#[^\n]*", re.DOTALL)
_FILE_NAME = re.compile(r"""["']([\w-]+\.\w+)["']""")
_IMPORT = re.compile(r"^\s*from sentinel_forest(?:\.([\w.]+))? import (\([^)]*\)|[^\n]+)", re.MULTILINE)


def canonical(value: object) -> str:
    """One JSON text for one value: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 (hex) of the canonical JSON text of a value."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Digest (hex) of the bytes of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def seed(*names: object) -> int:
    """A 32-bit seed derived from names, e.g. (version seed, release, scheme, trial)."""
    return int.from_bytes(hashlib.sha256(canonical(list(names)).encode("ascii")).digest()[:4], "big")


@cache
def code_digest(*modules: str) -> str:
    """Digest of modules of this package, of all package modules they import, and of the data files beside
    a module that it names.

    Comments and blank lines do not count. The text is hashed, not its syntax tree or its tokens:
    both differ between versions of Python, and take seconds for the whole package.

    Parameters
    ----------
    *modules : str
        Dotted names below the package, e.g. ``"catalog"``, ``"datasets.so2sat"``.

    Raises
    ------
    ModuleNotFoundError
        If one of them does not exist.
    """
    return digest({name: digest([_statements(name), _data(name)]) for name in sorted(_closure(modules))})


def _closure(modules: Iterable[str]) -> set[str]:
    """The modules and all package modules they import, directly or not."""
    waiting, met = list(modules), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in met:
            met.add(name)
            waiting += _imports(name)
    return met


def _path(name: str) -> Path | None:
    """The file of a module of this package, if there is such a module."""
    base = PACKAGE.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def _statements(name: str) -> str:
    """Source of a module without comments and blank lines; texts of several lines are joined to one."""
    path = _path(name)
    if path is None:
        raise ModuleNotFoundError(f"no module {name!r} in {PACKAGE.name}")
    source = path.read_text(encoding="utf-8")
    joined = _TEXT_OR_COMMENT.sub(lambda found: (found["text"] or "").replace("\n", "\0"), source)
    return "\n".join(line.rstrip() for line in joined.split("\n") if line.strip())


@cache
def _data(name: str) -> dict[str, str]:
    """Digests of the files beside a module whose names stand in it as a text, Python's own left out."""
    module = _path(name) or PACKAGE
    named = {module.with_name(file) for file in _FILE_NAME.findall(_statements(name))}
    paths = [path for path in sorted(named) if path.suffix != ".py" and path.is_file()]
    return {path.name: file_digest(path) for path in paths}


@cache
def _imports(name: str) -> tuple[str, ...]:
    """Package modules that a module imports."""
    modules = set[str]()
    for module, names in _IMPORT.findall(_statements(name)):
        members = [member.split(" as ")[0].strip() for member in names.strip("() \n").split(",")]
        modules |= {".".join(part for part in (module, member) if part) for member in members if member} | {module}
    return tuple(sorted(candidate for candidate in modules if candidate and _path(candidate)))
