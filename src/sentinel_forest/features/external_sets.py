"""Feature sets of external tables: whether a table fits its task, told from the heads of its files."""

from functools import cache
from pathlib import Path
from typing import Any

from sentinel_forest.config.additions import ExternalTable
from sentinel_forest.datasets.base import Dataset, External, Task
from sentinel_forest.errors import InputError
from sentinel_forest.features import indices
from sentinel_forest.features.external import Stamp, array_of, head, is_array, stamps
from sentinel_forest.features.own import own_bands, task_of
from sentinel_forest.io.checksums import file_checksum

MOST_COLUMNS = 8192
"""Most numbers of one vector."""
IN_TABLES = ("patch", "pixel", "label", "weight")
"""Columns that tables of features have besides features."""
SUFFIXES = (".parquet", ".csv", ".npy")


def completed(name: str, table: ExternalTable, dataset: Dataset) -> dict[str, Any]:
    """The definition of a feature set of a table, as `sentinel_forest.datasets.vocabulary.feature_set` reads it.

    Only heads of files are read, and the file once for its checksum.

    Raises
    ------
    InputError
        If a file is missing, of another form, or does not fit the task.
    """
    where = f"key 'external.{name}'"
    task = task_of(table.task, dataset, where)
    if task.unit == "pixel" and table.missing != "stop":
        raise InputError(
            "Vectors of pixels must cover the release.",
            where=f"{where[:-1]}.missing'",
            found=table.missing,
            expected="stop, because only whole patches can be left out of a task of patches",
        )
    about = External(table.file, table.key, table.keys, "", table.trained_on, table.missing)
    columns = _columns(name, about, task, where)
    if taken := sorted(set(columns) & {*indices.names(own_bands(dataset)), *IN_TABLES}):
        raise InputError(
            "A column has the name of a band, of an index, or of what tables of features hold besides.",
            where=f"{where}, {table.file}",
            found=taken[0],
            expected="names such as e0, e1",
            remedy="rename the column",
        )
    given = {
        "file": table.file,
        "key": table.key,
        "checksum": _checksums(table.file, table.keys, *stamps(table.file, table.keys)),
    }
    more = {"keys": table.keys, "trained_on": table.trained_on, "missing": table.missing}
    return {"task": task.name, "features": list(columns), "external": given | {k: v for k, v in more.items() if v}}


@cache
def _checksums(file: str, keys: str, *stamp: Stamp) -> str:
    """SHA-256 of the file, and of its table of keys behind it."""
    return "+".join(file_checksum(Path(each)) for each in (file, keys) if each)


def _columns(name: str, about: External, task: Task, where: str) -> tuple[str, ...]:
    """Names of the numbers of a vector, from the head of a file."""
    path = Path(about.file)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            "A table of vectors has no form that can be read.",
            where=where,
            found=path.name,
            expected=" | ".join(SUFFIXES),
        )
    _check_keys(about, where)
    columns = (
        _columns_of_array(name, path, task, where) if is_array(about.file) else _of_table(path, about.key, task, where)
    )
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise InputError(
            "A table has no vectors that can be used.",
            where=f"{where}, {path}",
            found=f"{len(columns)} numbers for each patch",
            expected=f"1 to {MOST_COLUMNS}",
        )
    return columns


def _check_keys(about: External, where: str) -> None:
    """A NumPy array comes with a table of keys, all other files without."""
    array = is_array(about.file)
    if array and not about.keys:
        raise InputError(
            "A NumPy array does not say whose vectors it has.",
            where=where,
            found="no key keys",
            expected="keys: a Parquet or CSV file with the ids of the patches, in the order of the array's rows",
        )
    if about.keys and not array:
        raise InputError(
            "Only NumPy arrays have a table of keys beside them.",
            where=f"{where[:-1]}.keys'",
            found=about.keys,
            expected=f"no such key; the column {about.key} of {about.file} has the ids",
        )


def _columns_of_array(name: str, path: Path, task: Task, where: str) -> tuple[str, ...]:
    shape = array_of(path).shape
    form = "(patches, n)" if task.unit == "patch" else "(patches, rows, columns, n)"
    if len(shape) != (2 if task.unit == "patch" else 4):
        raise InputError(
            "An array has another shape than its task needs.",
            where=f"{where}, {path}",
            found=f"{shape}",
            expected=f"{form}, because task {task.name} is of a {task.unit}",
        )
    return tuple(f"{name}_{place}" for place in range(shape[-1]))


def _of_table(path: Path, key: str, task: Task, where: str) -> tuple[str, ...]:
    if task.unit != "patch":
        raise InputError(
            "A table has one vector for each patch, and this task is of pixels.",
            where=where,
            found=f"task {task.name}, {path.name}",
            expected="a NumPy array (patches, rows, columns, n), or a task of patches",
        )
    names = head(path)
    if key not in names:
        raise InputError(
            "A table has no column with the ids of its patches.",
            where=f"{where}, {path}",
            found=", ".join(names)[:200],
            expected=key,
            remedy="name the column: key",
        )
    return tuple(column for column in names if column != key)
