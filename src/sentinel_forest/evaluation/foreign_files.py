"""Files with predictions of patches that others made: CSV, Parquet, NumPy and MATLAB; nothing is unpickled.

A file names its patches in a column or variable, or has one row for each patch of the role in the order of the catalog.
It gives a class by name or code, or a number for each class. If it holds the truth as well, that is held against ours.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest.config.validation import nearest
from sentinel_forest.datasets.base import Dataset, Task
from sentinel_forest.errors import InputError
from sentinel_forest.io import causes
from sentinel_forest.io.texts import read_texts
from sentinel_forest.splits.lists import NAME_COLUMNS, further_columns, plain_name

PREDICTED = ("predicted", "prediction", "pred", "y_pred", "predicted_class")
"""Names of columns and variables with predictions."""
EITHER = ("class", "label")
"""Names that mean the predictions where nothing else does, and else the truth."""
TRUE = ("true", "truth", "y_true", "target", "true_class")
SCORE_PREFIXES = ("", "p_", "prob_", "score_")
"""What stands before the index of a class in the name of a column with its probability."""
IDS = tuple(name for name in NAME_COLUMNS if name != "image")
MOST_BYTES = 2 << 30
LONGEST = 120
"""Letters of a list of class names in a message."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a file says, row by row.

    `names` are those of patches (None: rows of the role, in order), `classes` indices into the task's classes, int64;
    `true` the same of the truth, where the file has one; `also` are further columns that may name patches.
    """

    names: tuple[str, ...] | None
    classes: np.ndarray
    true: np.ndarray | None = None
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_answers(
    path: Path, dataset: Dataset, task: Task, first_code: int | None = None, variable: str = ""
) -> Answers:
    """Read the predictions of patches.

    Raises
    ------
    InputError
        If the file has no such form, a value is no class, or it is not plain how codes are counted.
    """
    fields = _fields(path, dataset, task, variable)
    where = str(path)
    names = None if fields["names"] is None else tuple(plain_name(_text(name)) for name in fields["names"])
    classes = as_classes(fields["predicted"], task, first_code, where)
    if names is not None and len(names) != len(classes):
        found = f"{len(names)} names, {len(classes)} predictions"
        raise InputError(
            "Names and predictions differ in number.",
            where=path,
            found=found,
            expected="one of each for each patch",
            remedy="write the file again; of several variables, name that with the predictions: variable: NAME",
        )
    true = None if fields["true"] is None else as_classes(fields["true"], task, first_code, f"{where}, truth")
    if true is not None and len(true) != len(classes):
        found = f"{len(true)} true classes, {len(classes)} predictions"
        raise InputError(
            "Truth and predictions differ in number.",
            where=path,
            found=found,
            expected="one of each for each patch",
            remedy="write the file again, or leave the truth out",
        )
    return Answers(names, classes, true, fields.get("also", {}))


def as_classes(values: np.ndarray, task: Task, first_code: int | None, where: str) -> np.ndarray:
    """Indices of classes, int64, from names, codes, or a number for each class (the largest counts)."""
    if not values.size:
        raise InputError("A file of predictions is empty.", where=where, found="no rows", expected="one for each patch")
    values = _without_axes_of_one(values, len(task.names))
    if values.ndim == 2:
        return _largest(values, task, where)
    texts = pd.Series(values).map(_text).str.strip()
    named = pd.Index(task.names).str.casefold().get_indexer(pd.Index(texts.str.casefold()))
    if (named >= 0).all():
        return np.asarray(named, dtype=np.int64)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    strange = ~np.isfinite(numbers) | (numbers != np.floor(numbers))
    if (named >= 0).any() or strange.all():
        raise _no_name(texts, named < 0, task, where)
    if strange.any():
        raise _no_code(texts, strange, task, where)
    codes = numbers.astype(np.int64)
    first = first_of(codes, len(task.names), first_code, where)
    outside = (codes < first) | (codes >= first + len(task.names))
    if outside.any():
        raise _no_code(texts, outside, task, where, first)
    return codes - first


def _text(value: object) -> str:
    """A name or a class as text; NumPy keeps text as bytes, too."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _without_axes_of_one(values: np.ndarray, classes: int) -> np.ndarray:
    """Values without axes of length one, but with that of the only patch where they are its number for each class."""
    flat = np.atleast_1d(np.squeeze(values))
    is_vector = flat.shape == (classes,) and flat.dtype.kind == "f" and bool((flat != np.floor(flat)).any())
    return flat[None] if is_vector else flat


def first_of(codes: np.ndarray, classes: int, first_code: int | None, where: str) -> int:
    """Code of the first class: as declared, else as the codes themselves leave no doubt.

    Raises
    ------
    InputError
        If both ways to count are possible.
    """
    if first_code is not None:
        return first_code
    low, high = int(codes.min(initial=classes)), int(codes.max(initial=0))
    if low <= 0 or high > classes:  # where these are no classes, the caller says so
        return 0
    if high == classes:
        return 1
    raise InputError(
        "It is not plain whether codes count from 0 or from 1.",
        where=where,
        found=f"codes {low} to {high}, of {classes} classes",
        expected=f"0 to {classes - 1}, or 1 to {classes}",
        remedy="say it: first_code: 0, or first_code: 1",
    )


def _no_name(texts: pd.Series, unknown: np.ndarray, task: Task, where: str) -> InputError:
    """A value is no name of a class, and the file does not hold codes."""
    names = nearest(texts.iloc[int(unknown.argmax())], task.names)
    expected = textwrap.shorten(names, LONGEST, placeholder=" ...")
    return _no_class(texts, unknown, where, expected, "write the names of this task, or codes in all rows")


def _no_code(texts: pd.Series, unknown: np.ndarray, task: Task, where: str, first: int = 0) -> InputError:
    """A value is no code of a class."""
    expected = f"{first} to {first + len(task.names) - 1}, or names: {', '.join(task.names[:3])}, ..."
    remedy = "give the classes of this task; codes count from 0 or 1 (first_code)"
    return _no_class(texts, unknown, where, expected, remedy)


def _no_class(texts: pd.Series, unknown: np.ndarray, where: str, expected: str, remedy: str) -> InputError:
    """The first value that is no class, and how many there are."""
    row = int(unknown.argmax())
    return InputError(
        "A prediction is no class.",
        where=f"{where}, row {row + 1}",
        found=f"{texts.iloc[row][:60] or 'nothing'} ({int(unknown.sum())} of {len(texts)} rows)",
        expected=expected,
        remedy=remedy,
    )


def _largest(values: np.ndarray, task: Task, where: str) -> np.ndarray:
    """The class with the largest number in each row."""
    if values.shape[1] != len(task.names) or values.dtype.kind not in "iuf":
        raise InputError(
            "Predictions have not one number for each class.",
            where=where,
            found=f"{values.dtype}, shape {values.shape}",
            expected=f"(patches, {len(task.names)}), or one class for each patch",
            remedy="write the array again, patches first; of a file with several arrays, name it: variable: NAME",
        )
    missing = ~np.isfinite(values.astype(np.float64)).all(axis=1)
    if missing.any():
        row = int(missing.argmax())
        raise InputError(
            "A vector of probabilities has no number.",
            where=f"{where}, row {row + 1}",
            found=f"NaN or infinite ({int(missing.sum())} of {len(values)} rows)",
            expected="a number for each class",
            remedy="predict these patches too; a role that is not covered is not scored",
        )
    level = (values == values[:, :1]).all(axis=1) if values.shape[1] > 1 else np.zeros(len(values), bool)
    if level.any():
        row = int(level.argmax())
        raise InputError(
            "A row has the same number for each class, and so no prediction.",
            where=f"{where}, row {row + 1}",
            found=f"{values[row, 0]:g} ({int(level.sum())} of {len(values)} rows)",
            expected="the largest number for the class that is predicted",
            remedy="predict these patches too, or leave out those that are not of the role",
        )
    return np.asarray(values.argmax(axis=1).astype(np.int64))


def _fields(path: Path, dataset: Dataset, task: Task, variable: str) -> dict[str, Any]:
    """``names``, ``predicted`` and ``true`` of a file, as arrays or None."""
    causes.check_regular(path)
    if path.stat().st_size > MOST_BYTES:
        raise InputError("A file of predictions is too large.", where=path, expected=f"at most {MOST_BYTES} B")
    kind = path.suffix.lower()
    if kind in (".csv", ".parquet"):
        return _of_table(read_texts(path), path, dataset, task)
    if kind in (".npy", ".npz"):
        return _of_variables(_read_numpy(path), path, task, variable)
    if kind == ".mat":
        return _of_variables(_read_matlab(path), path, task, variable)
    raise InputError(
        "Predictions have a form that is not read.",
        where=path,
        found=kind or "no ending",
        expected=".csv | .parquet | .npy | .npz | .mat",
        remedy="write them in one of these forms",
    )


def _of_table(table: pd.DataFrame, path: Path, dataset: Dataset, task: Task) -> dict[str, Any]:
    lower = {name.strip().lower(): name for name in table.columns}
    several = next((names for names in dataset.name_columns if set(names) <= set(lower)), None)
    one = next((lower[name] for name in IDS if name in lower), None)
    names = table[[lower[name] for name in several]].agg("/".join, axis=1) if several else table[one] if one else None
    scores = None if lower.keys() & set(PREDICTED) else _score_columns(lower, task, path)
    order = PREDICTED if scores else (*PREDICTED, *EITHER)
    predicted = next((lower[name] for name in order if name in lower), None)
    if predicted is None and scores is None:
        raise _without_predictions(lower, task, path)
    values = table[predicted].to_numpy(object) if predicted else _numbers(table[scores or []], path)
    true = next((lower[name] for name in (*TRUE, *EITHER) if name in lower and lower[name] != predicted), None)
    found = {"names": names, "predicted": values, "true": table[true].to_numpy(object) if true else None}
    used = None if several else next((name for name in IDS if name in lower), None)
    also = {name: tuple(table[lower[name]].map(plain_name)) for name in further_columns(lower, used)}
    return {key: None if value is None else np.asarray(value) for key, value in found.items()} | {"also": also}


def _numbers(table: pd.DataFrame, path: Path) -> np.ndarray:
    numbers: np.ndarray = table.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    if np.isnan(numbers).any():
        row, column = np.argwhere(np.isnan(numbers))[0].tolist()
        place = f"{path}, column {table.columns[column]}, row {row + 1}"
        raise InputError(
            "A probability is no number.",
            where=place,
            found=str(table.iat[row, column])[:80],
            expected="a number for each class, with a point and no comma",
            remedy="predict these patches too; a role that is not covered is not scored",
        )
    return numbers


def _score_columns(lower: Mapping[str, str], task: Task, path: Path) -> list[str] | None:
    """Columns with a number for each class, by name, or by index from 0 or from 1."""
    fitting = [names for names in _score_names(task) if all(name in lower for name in names)]
    if len(fitting) > 1 and set(fitting[0]) & set(fitting[1]):
        raise InputError(
            "A table has more numbers for each patch than there are classes.",
            where=path,
            found=f"columns {fitting[0][0]} to {fitting[1][-1]}",
            expected=f"{fitting[0][0]} to {fitting[0][-1]}, or {fitting[1][0]} to {fitting[1][-1]}",
            remedy="remove the column that stands for no class (background, no data)",
        )
    return [lower[name] for name in fitting[0]] if fitting else None


def _score_names(task: Task) -> Iterator[list[str]]:
    """How columns with a number for each class may be called."""
    count = len(task.names)
    for prefix in SCORE_PREFIXES:
        for names in (map(str.lower, task.names), map(str, range(count)), map(str, range(1, count + 1))):
            yield [prefix + name for name in names]


def _without_predictions(lower: Mapping[str, str], task: Task, path: Path) -> InputError:
    """What a table lacks: the column of predictions, or some of the columns with a number for each class."""
    lacking = min(([name for name in names if name not in lower] for names in _score_names(task)), key=len)
    some = len(lacking) < len(task.names)
    return InputError(
        "A table has no number for some classes." if some else "A table has no column of predictions.",
        where=path,
        found=f"no column {', '.join(lacking[:3])}" if some else ", ".join(list(lower.values())[:6]),
        expected=f"{' | '.join(PREDICTED[:2])}, or a column for each class: {', '.join(task.names[:2])}, ...",
        remedy="name the columns so; a class that is never predicted has 0 in all rows"
        if some
        else "rename the column",
    )


def _of_variables(arrays: Mapping[str, np.ndarray], path: Path, task: Task, variable: str) -> dict[str, Any]:
    """Fields from named arrays; the predictions are the variable that is named, or the only one that can be."""
    lower = {name.lower(): name for name in arrays}
    names = next((lower[name] for one in IDS for name in (one, f"{one}s", f"{one}es") if name in lower), None)
    true = next((lower[name] for name in TRUE if name in lower), None)
    others = [name for name in arrays if name not in (names, true)]
    named = [lower[name] for name in (*PREDICTED, *EITHER) if name in lower and lower[name] in others]
    chosen = variable or (named[0] if named else others[0] if len(others) == 1 else "")
    if chosen not in arrays:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:6])
        raise InputError(
            "It is not plain which variable holds the predictions.",
            where=path,
            found=f"{variable or 'none named'}; there are {shapes}",
            remedy="name it: variable: NAME",
        )
    found = {"names": names, "predicted": chosen, "true": true}
    return {key: None if name is None else np.squeeze(arrays[name]) for key, name in found.items()}


def _read_numpy(path: Path) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as stream:
            read = np.load(stream, allow_pickle=False)
            return {key: read[key] for key in read.files} if isinstance(read, np.lib.npyio.NpzFile) else {"": read}
    except (ValueError, OSError, EOFError) as error:
        raise _unreadable(path, "numbers or text in .npy or .npz; nothing is unpickled", error) from None


def _read_matlab(path: Path) -> dict[str, np.ndarray]:
    """Numbers and texts of a MATLAB file up to version 7."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        read = loadmat(path, squeeze_me=True, chars_as_strings=True)
    except (NotImplementedError, MatReadError, ValueError, TypeError, OSError, EOFError) as error:
        raise _unreadable(path, "a MATLAB file of version 5 to 7 (save -v7)", error) from None
    arrays = {name: _of_cells(np.asarray(value)) for name, value in read.items() if not name.startswith("__")}
    return {name: array for name, array in arrays.items() if array.dtype.kind in "iufbU" and array.ndim in (1, 2)}


def _of_cells(array: np.ndarray) -> np.ndarray:
    """A cell array of texts as an array of text; any other as it is."""
    is_text = array.dtype.kind == "O" and all(isinstance(each, str) for each in array.ravel())
    return array.astype("U") if is_text else array


def _unreadable(path: Path, expected: str, error: Exception) -> InputError:
    found = f"{type(error).__name__}: {' '.join(str(error).split())}"[:80]
    remedy = "save it again as an array of numbers or of text, or as CSV"
    return InputError(
        "A file of predictions cannot be read.", where=path, found=found, expected=expected, remedy=remedy
    )
