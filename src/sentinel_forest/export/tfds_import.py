"""The HDF5 files of So2Sat LCZ42 from a folder of ``tensorflow_datasets`` with the config ``all``, whoever made it."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sentinel_forest import datasets
from sentinel_forest.errors import InputError
from sentinel_forest.export import records
from sentinel_forest.export.tfds import DATASET, SENSORS, TASK, TEMPLATE, Example, file_name
from sentinel_forest.steps import Output

FILES = {"train": "training", "validation": "validation", "test": "testing"}
"""Split and the name of its HDF5 file."""


def tfds_import(*, source: Path, folder: Output) -> None:
    """Write the HDF5 files of a release from a folder of tensorflow_datasets.

    Parameters
    ----------
    source : Path
        Folder with ``dataset_info.json`` of the config ``all``.
    folder : Path
        Where the HDF5 files go.
    """
    import_release(source, folder)


def import_release(source: Path, folder: Path) -> list[Path]:
    """Write the HDF5 files of a release from a TFDS folder; rows are in the order of `sample_id`.

    The values are those of float32, so the files differ from the published ones in their checksums:
    use them as an own release.

    Parameters
    ----------
    source : Path
        Folder with ``dataset_info.json`` and the shards of the config ``all``, TFRecord or ArrayRecord.
    folder : Path
        Where ``training.h5``, ``validation.h5`` and ``testing.h5`` go; each appears whole or not at all.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        If the folder is of another config or form, a shard is missing or damaged, the classes have
        another order, or the `sample_id` of a split are not 0 to N - 1.
    """
    dataset = datasets.load(DATASET)
    info = _read_info(source)
    _check_classes(source, dataset.tasks[TASK].names)
    create = sys.modules[type(dataset).__module__].create
    there = [path for name in FILES.values() if (path := folder / f"{name}.h5").exists()]
    if there:
        raise InputError(
            "There is a release already.",
            where=folder,
            found=", ".join(path.name for path in there),
            remedy="give another --folder, or move the files away",
        )
    written = []
    for split in info["splits"]:
        name, count = FILES[split["name"]], sum(split["shardLengths"])
        with create(folder, name, count) as file:
            _fill(file, _read_split(source, info, split), count, f"{source}, split {split['name']}")
        print(f"tfds: {name}.h5, {count} patches", file=sys.stderr, flush=True)
        written.append(folder / f"{name}.h5")
    return written


def _read_info(source: Path) -> dict[str, Any]:
    """``dataset_info.json``, as far as it is used: name, fileFormat, splits with whole shardLengths."""
    path = source / "dataset_info.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        info = {"name": str(raw["name"]), "fileFormat": raw.get("fileFormat", records.FORMATS[0])}
        info["splits"] = [
            {
                "name": str(split["name"]),
                "shardLengths": [int(length) for length in split["shardLengths"]],
                "filepathTemplate": str(split.get("filepathTemplate") or TEMPLATE),
            }
            for split in raw["splits"]
        ]
        for split in info["splits"]:
            file_name(split["filepathTemplate"], info["name"], split["name"], info["fileFormat"], 0, 1)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "A folder is not one of tensorflow_datasets.",
            where=path,
            found=f"{type(error).__name__}: {error}",
            expected="dataset_info.json with name and splits",
            remedy="give the folder of a config and version, e.g. so2sat/all/2.1.0",
        ) from error
    if info["fileFormat"] not in records.FORMATS:
        raise InputError(
            "A TFDS folder has a format that is not read.",
            where=path,
            found=info["fileFormat"],
            expected=" | ".join(records.FORMATS),
            remedy="convert it with tfds convert_format",
        )
    strange = [split["name"] for split in info["splits"] if split["name"] not in FILES]
    if strange or not info["splits"]:
        raise InputError(
            "A TFDS folder has other splits.",
            where=path,
            found=", ".join(strange) or "none",
            expected=", ".join(FILES),
            remedy="give the folder of so2sat",
        )
    return info


def _check_classes(source: Path, names: tuple[str, ...]) -> None:
    path = source / "label.labels.txt"
    found = path.read_text(encoding="utf-8").split("\n") if path.is_file() else list(names)
    if [name for name in found if name] != list(names):
        raise InputError(
            "The classes of a TFDS folder are not those of So2Sat LCZ42, or in another order.",
            where=path,
            found=", ".join(found),
            expected=", ".join(names),
            remedy="give the folder of so2sat",
        )


def _read_split(source: Path, info: Mapping[str, Any], split: Mapping[str, Any]) -> Iterator[Example]:
    """The records of all shards of a split."""
    lengths, form = split["shardLengths"], info["fileFormat"]
    for number, length in enumerate(lengths):
        name = file_name(split["filepathTemplate"], info["name"], split["name"], form, number, len(lengths))
        path, count = source / Path(name).name, 0
        for example in records.read(path, form):
            count += 1
            yield example
        if count != length:
            raise InputError(
                "A shard has another number of records than dataset_info.json says.",
                where=path,
                found=count,
                expected=length,
                remedy="fetch the whole data set again",
            )


def _fill(file: h5py.File, examples: Iterator[Example], count: int, where: str) -> None:
    """Put each record into the row that its `sample_id` names."""
    filled = np.zeros(count, dtype=bool)
    for number, example in enumerate(examples):
        row, label, pixels = _unpacked(example, file, f"{where}, record {number}")
        if not 0 <= row < count or filled[row]:
            raise InputError(
                "A sample_id is out of range or comes twice.",
                where=f"{where}, record {number}",
                found=row,
                expected=f"each number from 0 to {count - 1} once",
                remedy="fetch the whole data set again",
            )
        filled[row] = True
        for key, values in pixels.items():
            file[key][row] = values
        file["label"][row] = np.eye(1, file["label"].shape[1], label)[0]
    if not filled.all():
        raise InputError(
            "A sample_id is missing.",
            where=where,
            found=f"no record with sample_id {int(filled.argmin())}",
            expected=f"each number from 0 to {count - 1} once",
            remedy="fetch the whole data set again",
        )


def _unpacked(example: Example, file: h5py.File, where: str) -> tuple[int, int, dict[str, np.ndarray]]:
    """Row, class and the pixels of a record by the key of their HDF5 dataset."""
    pixels = {}
    for sensor, key in SENSORS.items():
        shape = file[key].shape[1:]
        pixels[key] = _array(example, sensor, np.float32, int(np.prod(shape)), where).reshape(shape)
    row, label = (int(_array(example, name, np.int64, 1, where)[0]) for name in ("sample_id", "label"))
    classes = file["label"].shape[1]
    if not 0 <= label < classes:
        raise InputError(
            "A record has no class of So2Sat LCZ42.", where=where, found=label, expected=f"0 to {classes - 1}"
        )
    return row, label, pixels


def _array(example: Example, name: str, dtype: type, length: int, where: str) -> np.ndarray:
    value = example.get(name)
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.size != length:
        found = f"{value.size} values of {value.dtype}" if isinstance(value, np.ndarray) else None
        held = ", ".join(sorted(example))
        raise InputError(
            f"A record lacks {name!r}, or has it in another form.",
            where=where,
            found=found or f"bytes, or nothing; the record holds {held}",
            expected=f"{length} values of {np.dtype(dtype)}",
            remedy="give the config 'all'; 'rgb' holds images only, from which nothing can be restored",
        )
    return value
