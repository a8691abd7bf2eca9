"""Results of steps that later versions take instead of computing them again: the same bytes, found by their key.

The key of a result is the checksum of all that its bytes depend on: the content of the files that the step was given,
its settings, its code, and the packages it calculates with. An entry of the store is a folder ``<step>/<key>`` with the
outputs of the step and ``about.json``, which has the checksums of inputs and outputs. Entries are copies, and a copy
that is not what its checksum says is not taken. Where no pixel hash of a release is known, nothing that reads pixels is
kept: its inputs could have changed unseen.
"""

import functools
import inspect
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow.parquet as pq
from pydantic import BaseModel

from sentinel_forest.io.checksums import (
    PACKAGES,
    canonical,
    checksum_of,
    code_checksum,
    file_checksum,
    package_versions,
)
from sentinel_forest.io.tables import write_text
from sentinel_forest.steps import NamedFile, Output, one_by_one

STORE = "store"
"""Folder of the store below ``work/``."""
ABOUT = "about.json"
HEAD = "Parameters\n----------\n"
TOLD = "store : Path, optional\n    Folder of kept results: what is there is taken, the rest is computed and added.\n"
"""What the text of a step says of the argument `store`."""
LEFT_OUT = ("threads", "memory", "store")
"""Arguments that change no result."""

Described = Mapping[str, Any]


def kept(module: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a step so that it takes its outputs from a store, if they are there, and else adds them.

    The step gets the argument `store`: the folder of the store; without it the step is computed.

    Parameters
    ----------
    module : str
        Module of the step below the package: what the checksum of its code starts from.
    """

    def of(step: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(step, include_extras=True)
        outputs = [name for name, hint in hints.items() if hint == Output]

        @functools.wraps(step)
        def call(*, store: Path | None = None, **arguments: Any) -> None:
            if store is None or not keepable(one_by_one(arguments)):
                step(**arguments)
                return
            about = described(step.__name__, module, arguments, outputs)
            reuse(store, about, {name: arguments[name] for name in outputs}, lambda: step(**arguments))

        parameters = inspect.signature(step).parameters
        last = inspect.Parameter("store", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Path | None)
        call.__signature__ = inspect.Signature([*parameters.values(), last])  # type: ignore[attr-defined]
        call.__annotations__ = {**step.__annotations__, "store": Path | None}
        call.__doc__ = inspect.cleandoc(step.__doc__ or "").replace(HEAD, f"{HEAD}{TOLD}", 1)
        return call

    return of


def keepable(arguments: Described) -> bool:
    """Whether all pixels that a step reads are known by the hashes of its catalog."""
    if "folder" not in arguments:
        return True
    table = pq.read_schema(arguments["catalog"]).names
    columns = [name for name in table if name.startswith("hash_")]
    hashes = pq.read_table(arguments["catalog"], columns=columns)
    return bool(columns) and not any("" in hashes[name].unique().to_pylist() for name in columns)


def described(step: str, module: str, arguments: Described, outputs: list[str]) -> dict[str, Any]:
    """All that the outputs of a step depend on; `checksum_of` it is the key.

    The folder of a release does not count: its pixels are those of the catalog, or reading them stops.
    """
    arguments = one_by_one(arguments)
    given = {
        name: _content(value)
        for name, value in arguments.items()
        if name not in (*outputs, *LEFT_OUT, "folder") and value is not None
    }
    code = [module, *([f"datasets.{arguments['dataset']}"] if "dataset" in arguments else [])]
    packages = package_versions(PACKAGES)
    return {"step": step, "given": given, "code": code_checksum(*code), "packages": {**packages, "python": _python()}}


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _content(value: object) -> Any:
    """A value as it counts for a key: files by their content."""
    match value:
        case Path():
            return {"sha256": file_checksum(value)}
        case NamedFile():
            return {"of": [str(part) for part in value.owner], "sha256": file_checksum(value.path)}  # type: ignore[attr-defined]
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return {str(name): _content(each) for name, each in value.items()}
        case list() | tuple():
            return [_content(each) for each in value]
        case _:
            return value


def reuse(
    store: Path, about: Described, outputs: Mapping[str, Path], compute: Callable[[], None], quiet: bool = False
) -> bool:
    """Take outputs from the store, or compute them and add them.

    Parameters
    ----------
    store : Path
        Folder of the store.
    about : mapping
        What the outputs depend on, see `described`.
    outputs : mapping
        Where each output goes.
    compute : callable
        Writes them.
    quiet : bool
        Not to tell that they were taken.

    Returns
    -------
    bool
        Whether they were taken.
    """
    entry = store / str(about["step"]) / checksum_of(about)
    if take(entry, outputs):
        if not quiet:
            print(f"{about['step']}: taken from {entry}", file=sys.stderr)
        return True
    compute()
    try:
        put(entry, about, outputs)
    except OSError as error:  # a store of others that is only read, a full disk: the outputs themselves are there
        print(f"{about['step']}: not kept in {store}: {error.strerror or error}", file=sys.stderr)
    return False


def take(entry: Path, outputs: Mapping[str, Path]) -> bool:
    """Copy the outputs of an entry to their places; False if it is not there, or is not what it says."""
    try:
        files = json.loads((entry / ABOUT).read_text(encoding="utf-8"))["files"]
        if set(files) != set(outputs) or any(file_checksum(entry / name) != files[name] for name in outputs):
            raise ValueError("damaged")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError, KeyError, TypeError):
        print(f"{entry} is damaged: it is not used", file=sys.stderr)
        shutil.rmtree(entry, ignore_errors=True)
        return False
    for name, place in outputs.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.{platform.node()}.{os.getpid()}")
        shutil.copyfile(entry / name, beside)
        os.replace(beside, place)
    return True


def put(entry: Path, about: Described, outputs: Mapping[str, Path]) -> None:
    """Add an entry; one that is there already stays."""
    building = entry.with_name(f".{entry.name}.{platform.node()}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    files = {}
    for name, place in outputs.items():
        shutil.copyfile(place, building / name)
        files[name] = file_checksum(building / name)
    write_text(building / ABOUT, canonical({**about, "files": files}) + "\n")
    try:
        os.rename(building, entry)
    except OSError:
        shutil.rmtree(building)
