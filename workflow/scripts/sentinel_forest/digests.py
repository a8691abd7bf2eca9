"""Digests of files, of settings and of code; seeds made from names. Standard library only."""

import ast
import hashlib
import io
import json
import tokenize
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
_NO_CODE = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


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


def code_digest(*modules: str) -> str:
    """Digest of modules of this package and of all package modules they import.

    Comments and blank lines do not count. The text is hashed, not its syntax tree or its tokens:
    both differ between versions of Python.

    Parameters
    ----------
    *modules : str
        Dotted names below the package, e.g. ``"catalog"``, ``"datasets.so2sat"``.

    Raises
    ------
    ModuleNotFoundError
        If one of them does not exist.
    """
    closure = sorted(_closure(modules))
    return digest({name: _source_digest(_path(name)) for name in closure})


def _closure(modules: Iterable[str]) -> set[str]:
    """The modules and all package modules they import, directly or not."""
    waiting, met = list(modules), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in met:
            met.add(name)
            waiting += _imports(name)
    return met


def _path(name: str) -> Path:
    """The file of a module of this package."""
    base = PACKAGE.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    raise ModuleNotFoundError(f"no module {name!r} in {PACKAGE.name}")


def _exists(name: str) -> bool:
    base = PACKAGE.joinpath(*name.split("."))
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()


@cache
def _imports(name: str) -> tuple[str, ...]:
    """Package modules that a module imports by a relative import."""
    path = _path(name)
    here = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            target = base + (node.module.split(".") if node.module else [])
            candidates = [".".join([*target, alias.name]) for alias in node.names] + [".".join(target)]
            found += [candidate for candidate in candidates if candidate and _exists(candidate)]
    return tuple(sorted(set(found)))


@cache
def _source_digest(path: Path) -> str:
    """Digest of a source file without its comments and the lines that hold nothing else."""
    with tokenize.open(path) as stream:
        source = stream.read()
    lines = source.splitlines()
    empty = set(range(1, len(lines) + 1))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
        elif token.type not in _NO_CODE:
            empty -= set(range(token.start[0], token.end[0] + 1))
    kept = [line.rstrip() for row, line in enumerate(lines, 1) if row not in empty]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()
