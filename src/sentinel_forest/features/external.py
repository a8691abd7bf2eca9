"""Tables of vectors that another model has made: what they hold, and the vectors of some patches.

A table is Parquet or CSV with a row for each patch and a column with its id, or a NumPy array whose rows follow a table
of ids. Arrays are mapped into memory, and never unpickled. Values that are not finite stop a run, because nobody could
say what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sentinel_forest.datasets.base import External, FeatureSet
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import quoted
from sentinel_forest.io.lazy import lazy
from sentinel_forest.io.texts import NO_COLUMN

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq
else:
    pd = lazy("pandas")
    pq = lazy("pyarrow.parquet")

MANY = 50
"""Rows from which on a column that counts them, or that is the label, is no chance."""

PRETRAINING = "unknown: pretraining"
"""The mark of scores from vectors of which nobody says what their model was trained on."""


Stamp = tuple[int, int]
"""Length and time of the last change of a file: what was read of it is kept as long as both stay."""


def stamps(*files: str) -> list[Stamp]:
    """The stamp of each file that is named."""
    found = (Path(file).stat() for file in files if file)
    return [(each.st_size, each.st_mtime_ns) for each in found]


def head(path: Path) -> list[str]:
    """Names of the columns of Parquet or CSV.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        if path.suffix.lower() == ".parquet":
            names = [name for name in map(str, pq.read_schema(path).names) if not NO_COLUMN.fullmatch(name)]
        else:
            first = pd.read_csv(path, nrows=1, header=None, dtype="str", keep_default_na=False)
            names = list(map(str, first.iloc[0]))
            names = names[1:] if names[0] == "" else names  # the numbers of rows that pandas and R write
    except OSError:
        raise
    except Exception as error:  # whatever a reader makes of bytes that are of another form
        raise _unreadable(path, error) from None
    twice = next((name for name in names if names.count(name) > 1), None)
    between = next((sign for sign in ";\t|" if len(names) == 1 and sign in names[0]), None)
    if twice is not None or between:
        raise InputError(
            "A table of vectors cannot be read.",
            where=path,
            found=f"{quoted(between)} between the names of columns" if between else f"two columns {quoted(str(twice))}",
            expected="commas between columns, and a name for each",
            remedy="write it again",
        )
    if "" in names:
        place = names.index("")
        raise InputError(
            "A column of a table of vectors has no name.",
            where=path,
            found=", ".join(map(quoted, names[max(place - 1, 0) : place + 2])),
            expected="a name for each column",
            remedy="name the column, or leave it out",
        )
    return names


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        "A table of vectors cannot be read.",
        where=path,
        found=f"{type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else 'no more is known'}",
        expected=f"a {path.suffix.removeprefix('.')} file",
        remedy="write it again",
    )


def is_array(file: str) -> bool:
    """Whether a file is a NumPy array, by its name."""
    return file.lower().endswith(".npy")


def array_of(path: Path) -> np.ndarray:
    """A NumPy array, mapped into memory; pickled objects are refused.

    Raises
    ------
    InputError
        If the file is none, or holds no numbers.
    """
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except (ValueError, EOFError) as error:
        raise _unreadable(path, error) from None
    if array.dtype.kind not in "fiu":
        raise InputError("An array does not hold numbers.", where=path, found=str(array.dtype), expected="float32")
    return array


def vectors(feature_set: FeatureSet, patches: Sequence[str], shape: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    """The vectors of some patches, number by number.

    Parameters
    ----------
    feature_set : FeatureSet
        An external one.
    patches : sequence of str
        Their ids.
    shape : tuple of int
        Rows and columns of a patch, for pixels.

    Returns
    -------
    dict
        Name of the feature to float32, (patches,) or (patches, rows, columns). All are NaN for a patch without a
        vector, where these are to be left out.

    Raises
    ------
    InputError
        If a patch has no vector or two, or a value is not finite or no number.
    """
    about = feature_set.external
    assert about is not None
    index = _index(about, *stamps(about.file, about.keys))
    places = index.get_indexer(pd.Index(patches))
    if (places < 0).any() and about.missing == "stop":
        raise _lacking(about, [patch for patch, place in zip(patches, places, strict=True) if place < 0], len(patches))
    found = _rows(about, feature_set.features, places)
    if found.shape[1:-1] != shape:
        raise InputError(
            "Vectors of pixels have another number of rows or columns than the patches.",
            where=about.file,
            found=f"{found.shape[1:-1]}",
            expected=f"{shape}, the valid window of a patch",
        )
    _check_finite(about, found, [patch for patch, place in zip(patches, places, strict=True) if place >= 0])
    values = np.full((len(patches), *shape, len(feature_set.features)), np.nan, np.float32)
    values[places >= 0] = found
    return {name: values[..., place] for place, name in enumerate(feature_set.features)}


def _lacking(about: External, patches: Sequence[str], asked: int) -> InputError:
    ids = _index(about, *stamps(about.file, about.keys))
    return InputError(
        "A table of vectors does not cover the release.",
        where=f"{about.file}, column {about.key}",
        found=f"no vector for {len(patches)} of {asked} patches, e.g. {quoted(patches[0])}"
        + (f"; ids such as {quoted(str(ids[0]))}" if len(ids) else ""),
        expected="one for each patch of the catalog, with its id from the column `patch`",
        remedy="make the vectors that are missing, or set missing: leave out",
    )


def _rows(about: External, features: Sequence[str], places: np.ndarray) -> np.ndarray:
    """Vectors at some places of a file, float32; places below 0 are passed over."""
    known = places[places >= 0]
    if is_array(about.file):
        return np.asarray(array_of(Path(about.file))[known], dtype=np.float32)
    numbers = _numbers(about, tuple(features), *stamps(about.file))
    return numbers.iloc[known].to_numpy(np.float32)


@cache
def _numbers(about: External, features: tuple[str, ...], stamp: Stamp) -> pd.DataFrame:
    """The columns of a table that are numbers of vectors."""
    table = _table(about.file, stamp)[list(features)]
    texts = [name for name in features if table[name].dtype.kind not in "fiub"]
    if texts:
        raise InputError(
            "A column of a table of vectors does not hold numbers.",
            where=f"{about.file}, column {texts[0]}",
            found=quoted(table[texts[0]].iloc[0]),
            expected="numbers, with a point and no comma",
            remedy="leave the column out of the file, or write its numbers again",
        )
    if len(table) >= MANY and (counts := [name for name in features if _counts_rows(table[name])]):
        raise InputError(
            "A column of a table of vectors numbers its rows.",
            where=f"{about.file}, column {counts[0]}",
            found=f"{table[counts[0]].iloc[0]}, and 1 more in each row",
            expected="numbers of a vector: the order of rows may tell the class",
            remedy="leave the column out of the file, e.g. with to_csv(index=False)",
        )
    return table


def _counts_rows(column: pd.Series) -> bool:
    """Whether each number is one more than that before; a missing one is not."""
    numbers = column.to_numpy(np.float64, na_value=np.nan)
    return bool((np.diff(numbers) == 1).all())


def refuse_labels(feature_set: FeatureSet, table: pd.DataFrame) -> None:
    """Stop where a number of vectors is the label: each of its values stands for one class, and each class for one.

    Parameters
    ----------
    feature_set : FeatureSet
        An external one.
    table : DataFrame
        Its features with the column ``label``, negative where unknown.

    Raises
    ------
    InputError
        For the first such number. Two classes, or less than `MANY` rows, may be told apart by honest numbers.
    """
    about, known = feature_set.external, table[table["label"] >= 0]
    classes = known["label"].nunique()
    if about is None or len(known) < MANY or classes <= 2:
        return
    for name in feature_set.features:
        if known[name].nunique() == classes == len(known[[name, "label"]].drop_duplicates()):
            raise InputError(
                "A number of the vectors is the label.",
                where=f"{about.file}, {name}",
                found=f"{classes} values, one for each of {classes} classes, in {len(known)} rows",
                expected="nothing that is known from the labels",
                remedy="leave it out of the file",
            )


def _check_finite(about: External, values: np.ndarray, patches: Sequence[str]) -> None:
    wrong = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if wrong.any():
        raise InputError(
            "A vector has a value that is not finite.",
            where=f"{about.file}, patch {quoted(patches[int(wrong.argmax())])}",
            found=f"NaN or infinity in {int(wrong.sum())} of {len(wrong)} vectors",
            expected="finite numbers that float32 can hold",
            remedy="leave such patches out of the table and set missing: leave out, or make them again",
        )


@cache
def _table(file: str, stamp: Stamp) -> pd.DataFrame:
    path = Path(file)
    try:
        return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path, dtype_backend="numpy_nullable")
    except OSError:
        raise
    except Exception as error:  # as for `_head`
        raise _unreadable(path, error) from None


@cache
def _index(about: External, *stamp: Stamp) -> pd.Index:
    """Ids of the patches by row of a file, each once."""
    file = about.keys or about.file
    if about.key not in (table := _keys(file, about.key, *stamps(file))):
        raise InputError(
            "A table has no column with the ids of its patches.",
            where=file,
            found=", ".join(map(str, table.columns))[:200],
            expected=about.key,
        )
    index = pd.Index(table[about.key].astype("str"))
    if index.has_duplicates:
        twice = index[index.duplicated()]
        raise InputError(
            "A patch has two vectors.",
            where=f"{file}, column {about.key}",
            found=f"{quoted(str(twice[0]))}, and {len(twice) - 1} more",
            expected="one row for each patch",
        )
    if about.keys and len(index) != (rows := len(array_of(Path(about.file)))):
        raise InputError(
            "An array and its table of keys differ in length.",
            where=about.keys,
            found=f"{len(index)} keys",
            expected=f"{rows}, the rows of {about.file}",
        )
    return index


@cache
def _keys(file: str, key: str, stamp: Stamp) -> pd.DataFrame:
    """The column with the ids of the patches, as text: CSV would take ids of digits for numbers."""
    path = Path(file)
    try:
        if path.suffix.lower() == ".parquet":
            return _parquet(path)
        return _csv(path, dtype={key: "str"}, keep_default_na=False)
    except OSError:
        raise
    except Exception as error:  # as for `_head`
        raise _unreadable(path, error) from None


def _csv(path: Path, **form: Any) -> pd.DataFrame:
    """A table whose rows have as many cells as its head: of others pandas takes the first cells for names of rows.

    Raises
    ------
    ValueError
        If a row has more.
    """
    table: pd.DataFrame = pd.read_csv(path, **form)
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError("rows have more cells than the head (a comma at the end, or in a number?)")
    return table


def _parquet(path: Path) -> pd.DataFrame:
    """A table with all of its columns, those too that pandas would make its index."""
    table: pd.DataFrame = pq.read_table(path).to_pandas(ignore_metadata=True)
    return table


def declared(feature_set: FeatureSet | None) -> tuple[str, str]:
    """Mark and note that scores of a feature set carry for what its vectors were trained on; blank for others."""
    if feature_set is None or feature_set.external is None:
        return "", ""
    told = feature_set.external.trained_on
    return ("", f"vectors of a model trained, as declared, on {told}") if told else (PRETRAINING, "")


def used(sets: Mapping[str, FeatureSet]) -> dict[str, External]:
    """External tables by feature set."""
    return {name: each.external for name, each in sets.items() if each.external is not None}
