"""Forests in files: skops, the same bytes for the same forest, and nothing but forests on the way back.

`skops.io` writes memory addresses, the time of day, and what lies in memory between the fields of a
tree's nodes; `save` replaces them by numbers in order of appearance, a fixed date, and zeros. It packs
with bzip2, of which there is one implementation: what deflate makes of the same bytes depends on the zlib
that Python was built with (zlib, zlib-ng, ...). The files are a quarter smaller for it. The result is an
ordinary skops file: ``skops.io.load(path, trusted=["sklearn.tree._tree.Tree"])`` gives a
scikit-learn forest.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from skops.io.exceptions import UntrustedTypesFoundException

from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import replacing

TRUSTED = ("sklearn.tree._tree.Tree",)
"""Types that a file may hold besides those that skops trusts by itself. A `Tree` from outside may hold
indices that point out of its arrays, which would end the process: `load` looks at them."""

_DATE = (1980, 1, 1, 0, 0, 0)
_SCHEMA = "schema.json"
_BROKEN = (
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
)
"""What skops and zipfile raise at a file that is not what it should be."""


def save(path: Path, forest: RandomForestClassifier) -> None:
    """Write a forest; equal forests give equal bytes."""
    with replacing(path) as beside:
        _write_canonical(skops.io.dumps(forest), beside)


def load(path: Path) -> RandomForestClassifier:
    """Read a forest that `save` has written.

    Raises
    ------
    InputError
        If the file is no skops file, holds anything but a forest of decision trees, or a tree that
        points outside itself. Nothing of a type that is not trusted is constructed.
    """
    return _checked(_read(path), path)


def _write_canonical(data: bytes, path: Path) -> None:
    """Write a skops archive again without anything that differs between two runs."""
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(path, "w") as target:
        schema = json.loads(source.read(_SCHEMA))
        names: dict[bytes, str] = {}
        for node in _nodes(schema):
            node.pop("__id__", None)
            if "file" in node:
                content = _without_padding(source.read(node["file"]))
                if content not in names:
                    names[content] = f"{len(names)}.npy"
                    _add(target, names[content], content)
                node["file"] = names[content]
        _add(target, _SCHEMA, json.dumps(schema, indent=1).encode("ascii"))


def _without_padding(content: bytes) -> bytes:
    """A stored array (npy) with zeros between the fields of its entries, where memory left anything."""
    stream = io.BytesIO(content)
    np.lib.format.read_magic(stream)
    _, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.fields is None:
        return content
    used = np.zeros(dtype.itemsize, dtype=bool)
    for kind, offset, *_ in dtype.fields.values():
        used[offset : offset + kind.itemsize] = True
    entries = np.frombuffer(content, dtype=np.uint8, offset=stream.tell()).reshape(-1, dtype.itemsize)
    return content[: stream.tell()] + np.where(used, entries, 0).astype(np.uint8).tobytes()


def _nodes(value: object) -> list[dict[str, Any]]:
    """All mappings of a JSON value, each before what lies in it, in stored order."""
    found: list[dict[str, Any]] = []
    waiting = [value]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict):
            found.append(entry)
            waiting += reversed(list(entry.values()))
        elif isinstance(entry, list):
            waiting += reversed(entry)
    return found


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    archive.writestr(entry, content, zipfile.ZIP_BZIP2, compresslevel=9)


def _read(path: Path) -> Any:
    """What a file holds; skops looks at all its types before it constructs anything."""
    try:
        return skops.io.load(path, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise _refusal(path, str(error).partition("\n")[0], f"nothing but {', '.join(TRUSTED)}") from error
    except _BROKEN as error:
        raise _refusal(path, f"{type(error).__name__}: {error}", "a skops file") from error


def _checked(forest: Any, path: Path) -> RandomForestClassifier:
    """The forest, if it is one that can be used without harm."""
    if type(forest) is not RandomForestClassifier:
        raise _refusal(path, type(forest).__name__, "RandomForestClassifier")
    try:
        if not (len(forest.estimators_) and all(_sound(tree, forest) for tree in forest.estimators_)):
            raise _refusal(path, "a tree that points outside itself", "trees within their arrays")
        if len(forest.feature_names_in_) != forest.n_features_in_:
            raise _refusal(path, "names for another number of features", forest.n_features_in_)
    except (AttributeError, TypeError, ValueError) as error:
        raise _refusal(path, f"{type(error).__name__}: {error}", "a fitted forest") from error
    return forest


def _sound(estimator: Any, forest: RandomForestClassifier) -> bool:
    """Whether a tree can be walked: children lie behind their parent, features and classes exist."""
    if type(estimator) is not DecisionTreeClassifier:
        return False
    tree = estimator.tree_
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = left != -1
    place = np.arange(tree.node_count)
    return bool(
        tree.node_count > 0
        and tree.n_features == forest.n_features_in_
        and tree.value.shape == (tree.node_count, 1, len(forest.classes_))
        and np.array_equal(inner, right != -1)
        and all(((child > place) & (child < tree.node_count))[inner].all() for child in (left, right))
        and ((feature >= 0) & (feature < tree.n_features))[inner].all()
    )


def _refusal(path: Path, found: object, expected: object) -> InputError:
    return InputError(
        "A model was not loaded.",
        where=path,
        found=found,
        expected=expected,
        remedy="delete the file; the run grows the forest again",
    )
