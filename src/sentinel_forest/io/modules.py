"""Where the source of a module lies: modules of this package, and users' own datasets in packages of theirs.

Nothing is imported. Standard library only.
"""

import importlib.util
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

PACKAGE = Path(__file__).parents[1]

DATASETS = "sentinel_forest.datasets"
"""Entry-point group of users' own datasets: name of the dataset to the module that defines `DATASET`."""


@cache
def own_datasets() -> dict[str, tuple[EntryPoint, ...]]:
    """Entry points of users' own datasets by name; more than one where packages claim the same name."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in sorted(entry_points(group=DATASETS), key=lambda point: (point.name, point.value)):
        found[point.name] = tuple(dict.fromkeys((*found.get(point.name, ()), point)))
    return found


@cache
def path_of(name: str) -> Path | None:
    """The file of a module of this package by its dotted name below it, if there is such a module."""
    return _module_in(PACKAGE, name.split("."))


@cache
def foreign_path(name: str) -> Path | None:
    """The file of a module of another package by its full name, if it can be found."""
    top, *below = name.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin and Path(spec.origin).suffix == ".py" else None
    folders = spec.submodule_search_locations or ()
    return next((path for folder in folders if (path := _module_in(Path(folder), below))), None)


def _module_in(folder: Path, parts: list[str]) -> Path | None:
    base = folder.joinpath(*parts)
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
