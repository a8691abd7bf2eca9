"""Split lists of other benchmarks: text, CSV, Parquet, JSON and NumPy files that name patches, role by role.

The role stands in a column, in the keys of a JSON or .npz file, or in the name of the file. Patches are named by ids,
names of files or scenes, or row numbers; which patch a name stands for is the dataset's knowledge
(`sentinel_forest.datasets.base.Dataset.listed_name`).
"""

import csv
import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.io import causes
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.io.texts import read_texts

MOST_BYTES = 64 << 20
"""Bytes of a list; that of all patches of SEN12MS has 7 MB."""
MOST_LISTS = 40
FORMS = (".txt", ".lst", ".csv", ".parquet", ".json", ".npy", ".npz")
ROLE_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "hold", "holdout"), "test"),
}
"""Words that say a role in names of files, columns and keys."""
ROLE_COLUMNS = ("role", "split", "subset", "set", "partition")
NAME_COLUMNS = ("patch", "name", "id", "file", "filename", "file_name", "path", "image", "sample_id", "row", "index")
CLASS_COLUMNS = ("class", "label")
ALSO = "also "
"""What the names of further columns begin with, in a table of entries."""
HOLD_OUT = "hold"
"""A list whose name begins or goes on with this says what is held out: all that it leaves out trains."""
CELLS = re.compile(r"[,;|\t]")
"""What parts the cells of a line."""
MOST_CELLS = 3
"""Cells of the only line of a list; more are names that should stand on lines of their own."""


@dataclass(frozen=True, eq=False)
class SplitList:
    """The patches that a file gives one role.

    `names` are as written, `classes` beside them (blank where the file has none); `also` are further columns that may
    name patches; `unread` says why a file was left out; `rest_trains`: whatever the list leaves out trains; `masks` are
    the numbers of values of the arrays of booleans that its row numbers come from.
    """

    file: str
    role: str
    names: tuple[str, ...]
    sha256: str
    classes: tuple[str, ...] = ()
    unread: str = ""
    rest_trains: bool = False
    is_one_of_several: bool = False
    masks: tuple[int, ...] = ()
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What the list is called in tables: its file, and its role where the file has several."""
        return f"{self.file}:{self.role}" if self.is_one_of_several else self.file


def role_of(text: str) -> str:
    """The role that a word or the name of a file says; blank if none, or more than one.

    Examples
    --------
    >>> [role_of(text) for text in ("val_list.txt", "SEN12MS_holdOutScenes", "valid", "geotiffs", "train_test")]
    ['validation', 'test', 'validation', '', '']
    """
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())
    roles = {ROLE_WORDS[word] for word in words if word in ROLE_WORDS}
    return roles.pop() if len(roles) == 1 else ""


def plain_name(name: str) -> str:
    """A name without blanks and quotes around it, with slashes for the backslashes of Windows."""
    return name.strip(" \t\r\n\"'").replace("\\", "/")


def read_lists(folder: Path, dataset: Dataset) -> list[SplitList]:
    """Read the lists in a folder (or one file), in the order of their names.

    Raises
    ------
    InputError
        If there is no list, there are more than `MOST_LISTS`, or a file in the form of a list cannot be read.
    """
    if not folder.exists():
        raise InputError("There is no such folder or file.", where="--lists", found=folder, remedy="correct the name")
    paths = [folder] if folder.is_file() else sorted(path for path in folder.glob("*") if path.is_file())
    paths = [path for path in paths if not path.name.startswith(".")]
    found = [each for path in paths for each in read_list(path, dataset)]
    inner = sorted(path for path in folder.glob("*/") if not path.name.startswith("."))
    found += [SplitList(f"{path.name}/", "", (), "", unread="a folder: give it by itself") for path in inner]
    used = [each for each in found if not each.unread]
    if not used or len(used) > MOST_LISTS:
        raise InputError(
            "There is no split list." if not used else "There are too many split lists.",
            where=folder,
            found=len(used) or ", ".join(f"{each.file}: {each.unread}" for each in found[:3]) or "an empty folder",
            expected=f"1 to {MOST_LISTS} files such as train.txt, split.csv, partition.json, test.npy",
            remedy="say the role in the name of the file, in a column `role`, or in the keys",
        )
    return found


def read_list(path: Path, dataset: Dataset) -> list[SplitList]:
    """The lists of one file, one for each role; or one that says why it is no list."""
    if path.suffix.lower() not in FORMS:
        return [SplitList(path.name, "", (), "", unread="no form of a list (" + " ".join(FORMS) + ")")]
    if path.stat().st_size > MOST_BYTES:
        raise InputError("A split list is too large.", where=path, expected=f"at most {MOST_BYTES} B")
    checksum = file_checksum(path)
    try:
        table = _entries(path, dataset)
    except _NoListError as error:
        return [SplitList(path.name, "", (), checksum, unread=str(error))]
    of_file = role_of(path.stem)
    blank = table["role"] == ""
    if blank.any() and not of_file:
        return [SplitList(path.name, "", (), checksum, unread="neither its name, columns nor keys say a role")]
    table["role"] = table["role"].mask(blank, of_file)
    table["name"] = table["name"].map(plain_name)
    parts = table.groupby("role", sort=True)
    holds = re.search(rf"(?:^|[^a-z]){HOLD_OUT}", path.stem.lower()) is not None
    return [
        SplitList(
            path.name,
            str(role),
            tuple(rows["name"]),
            checksum,
            tuple(rows["class"]),
            rest_trains=holds and role == "test" and len(parts) == 1,
            is_one_of_several=len(parts) > 1,
            masks=tuple(sorted(set(rows["mask"]) - {0})),
            also={str(each).removeprefix(ALSO): tuple(rows[each].map(plain_name)) for each in table.filter(like=ALSO)},
        )
        for role, rows in parts
    ]


class _NoListError(Exception):
    """Why a file is none."""


def _entries(path: Path, dataset: Dataset) -> pd.DataFrame:
    """A row for each entry of a file: role (blank where only the file's name can say it), name, class, mask.

    The latter is the number of values of the array of booleans that the entry comes from, else 0. Further columns that
    may name patches begin with `ALSO`.
    """
    kind = path.suffix.lower()
    if kind == ".json":
        return _of_json(_read_json(path), path, dataset)
    if kind in (".npy", ".npz"):
        return _of_keys(_read_numpy(path), path)
    if kind == ".parquet" or (kind == ".csv" and _has_header(path, dataset)):
        return _of_table(read_texts(path), path, dataset)
    return _as_table([("", name, "") for name in _names_of_lines(path, dataset)])


def _as_table(rows: Sequence[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["role", "name", "class"], dtype="str").assign(mask=0)


def _names_of_lines(path: Path, dataset: Dataset) -> list[str]:
    """The name on each line that has something on it."""
    if cause := causes.of_file(path, "text") or causes.text_of(path, path.read_bytes()[:2]):
        raise InputError("A split list cannot be read.", where=path, found=cause.found, remedy=cause.remedy)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("A split list is not text.", where=path, expected="UTF-8, a patch on each line") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and len(cells := CELLS.split(lines[0])) > MOST_CELLS:
        raise _NoListError(f"{len(cells)} entries on one line: write each on a line of its own")
    return [_name_of_line(plain_name(line), dataset) for line in lines]


def _name_of_line(line: str, dataset: Dataset) -> str:
    """The name on a line: all of it, its first cell, or the first two where these name a patch (ROI and product)."""
    cells = [plain_name(cell) for cell in CELLS.split(line)]
    is_blank = len(cells) == 1
    cells = line.split() if is_blank else cells
    pair = "/".join(cells[:2])
    if not _names_patch(cells[0], dataset) and _names_patch(pair, dataset):
        return pair
    is_first = dataset.listed_name(cells[0]) or all(re.fullmatch(r"[\d.+-]+", cell) for cell in cells[1:])
    return cells[0] if is_first or not is_blank else line


def _names_patch(name: str, dataset: Dataset) -> bool:
    named = dataset.listed_name(name)
    return named is not None and named[0] == "patch"


def _has_header(path: Path, dataset: Dataset) -> bool:
    """Whether the first line of a CSV file names columns that a list can have."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as stream:
        first = next(csv.reader([stream.readline(64 << 10)]), [])
    if len(first) == 1:  # other signs between columns: the table is refused where it is read
        first = re.split(r"[;\t|]", first[0])
    names = {name.strip().lower() for name in first}
    known = {*NAME_COLUMNS, *ROLE_COLUMNS, *(name for names_ in dataset.name_columns for name in names_)}
    return bool(names & known) or (len(first) > 1 and not any(re.search(r"\d", name) for name in first))


def _of_table(table: pd.DataFrame, path: Path, dataset: Dataset) -> pd.DataFrame:
    """Entries of a table: patches named by the columns of the dataset's metadata, else by one of `NAME_COLUMNS`."""
    table.columns = [name.strip().lower() for name in table.columns]
    several = next((names for names in dataset.name_columns if set(names) <= set(table)), None)
    one = next((name for name in NAME_COLUMNS if name in table), None)
    if several is None and one is None:
        raise _NoListError(f"no column names patches: {', '.join(table.columns[:6])}")
    names = table[list(several)].agg("/".join, axis=1) if several else table[one].str.strip()
    role = next((name for name in ROLE_COLUMNS if name in table), None)
    roles = table[role].map(role_of) if role else _coded_roles(table)
    if role and (wrong := table[role][roles == ""]).size:
        raise InputError(
            "A split list has a role that is none.",
            where=f"{path}, column {role}, row {int(wrong.index[0]) + 1}",
            found=str(wrong.iloc[0])[:80],
            expected="train | validation | test",
        )
    label = next((name for name in CLASS_COLUMNS if name in table), None)
    classes = table[label] if label else pd.Series("", index=table.index)
    also = {f"{ALSO}{each}": table[each] for each in further_columns(table, one if several is None else None)}
    return pd.DataFrame({"role": roles, "name": names, "class": classes, **also}).astype("str").assign(mask=0)


def further_columns(columns: Container[str], used: str | None) -> list[str]:
    """Columns that may name patches, too."""
    return [name for name in NAME_COLUMNS if name in columns and name != used]


def _coded_roles(table: pd.DataFrame) -> pd.Series:
    """Roles from the column ``test`` of CloudSEN12's metadata: 0, 1, 2, or 0 and 1 in its first edition."""
    codes = table.get("test")
    if codes is not None and (others := [name for name in table if name != "test" and role_of(str(name))]):
        raise _NoListError(f"a column for each role: {', '.join(map(str, others))}, test; write one column, role")
    if codes is None or not set(codes) <= {"0", "1", "2"}:
        return pd.Series("", index=table.index)
    names = {"0": "train", "1": "validation", "2": "test"} if "2" in set(codes) else {"0": "train", "1": "test"}
    return codes.map(names)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            "A split list is no JSON.",
            where=path,
            found=str(error)[:80],
            expected='{"train": [...], "test": [...]}, or a list of names',
            remedy="fetch or write it again",
        ) from None


def _read_numpy(path: Path) -> Any:
    """Arrays of a NumPy file; nothing is unpickled."""
    try:
        with open(path, "rb") as stream:
            read = np.load(stream, allow_pickle=False)
            return {key: read[key] for key in read.files} if isinstance(read, np.lib.npyio.NpzFile) else read
    except (ValueError, OSError, EOFError) as error:
        raise InputError(
            "A split list is no NumPy file that can be read.",
            where=path,
            found=str(error)[:80],
            expected="numbers, booleans or text in .npy or .npz; nothing is unpickled",
            remedy="save it again: numpy.save(FILE, numpy.asarray(names, dtype=str))",
        ) from None


def _of_json(content: Any, path: Path, dataset: Dataset) -> pd.DataFrame:
    """Entries of a list of records, of a mapping of names to roles, or as `_of_keys` reads them."""
    if isinstance(content, list) and content and all(isinstance(each, dict) for each in content):
        return _of_table(pd.DataFrame(content).fillna("").astype("str"), path, dataset)
    if isinstance(content, dict) and content and all(isinstance(each, str) for each in content.values()):
        roles = {name: role_of(word) for name, word in content.items()}
        if all(roles.values()):
            return _as_table([(role, name, "") for name, role in roles.items()])
    return _of_keys(content, path)


def _of_keys(content: Any, path: Path) -> pd.DataFrame:
    """Entries of a list, or of a mapping of roles to lists (GEO-Bench: a partition)."""
    if not isinstance(content, dict):
        return _of_array("", content, path)
    found = {key: role_of(str(key)) for key in content}
    if not any(found.values()):
        raise _NoListError(f"no key says a role: {', '.join(map(str, list(content)[:6]))}")
    return pd.concat([_of_array(role, content[key], path) for key, role in found.items() if role], ignore_index=True)


def _of_array(role: str, values: Any, path: Path) -> pd.DataFrame:
    """Entries of a list or array for a role."""
    array = np.asarray(values)
    table = _as_table([(role, name, "") for name in _names(array, path)])
    return table.assign(mask=len(array)) if array.dtype.kind == "b" else table


def _names(array: np.ndarray, path: Path) -> Iterator[str]:
    """Names in an array; True in an array of booleans stands for its place."""
    if array.ndim != 1 or array.dtype.kind not in "iufbUS":
        raise InputError(
            "A split list is no list of names or numbers.",
            where=path,
            found=f"{array.dtype}, shape {array.shape}",
            expected="one name or number for each patch",
        )
    if array.dtype.kind == "b":
        array = np.flatnonzero(array)
    if array.dtype.kind == "f":
        if not np.equal(np.mod(array, 1), 0).all():
            raise InputError(
                "Row numbers are not whole.",
                where=path,
                found=str(array[:3]),
                expected="whole numbers from 0 on, or names of patches",
                remedy="write the list again from the names or row numbers of its patches",
            )
        array = array.astype(np.int64)
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in array.tolist())
