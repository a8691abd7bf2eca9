"""So2Sat LCZ42 in the form of ``tensorflow_datasets``, and back; TensorFlow is not needed for it.

``export`` writes a folder that ``tfds.builder_from_directory`` opens: as TFRecord for
``as_dataset``, and as ArrayRecord for ``as_data_source``. By name, give the version, too:
``tfds.data_source("so2sat/rgb:2.1.0", data_dir=...)``; without it TFDS takes its own builder of this
name, which sees the first format only.

The rows of a split keep the order of the catalog; `sample_id` counts them from 0, so that for the
published split it is the row in the file of the split, as it is in the catalogue of TFDS.

``import`` writes the HDF5 files of a release from the config ``all`` of such a folder, whoever made it.

Sources: `so2sat` in tensorflow_datasets 3.0.0 (version 2.0.0) and 4.9.10 (version 2.1.0).
"""

import argparse
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from PIL import Image

from sentinel_forest import datasets
from sentinel_forest.datasets.base import SPLITS, Block, Dataset
from sentinel_forest.errors import InputError, run
from sentinel_forest.export import records
from sentinel_forest.io import tables
from sentinel_forest.io.borders import shown

DATASET = "so2sat"
TASK = "lcz"
FILES = {"train": "training", "validation": "validation", "test": "testing"}
"""Split and the name of its HDF5 file."""

SIDE = 32
SENSORS = {"sentinel1": "sen1", "sentinel2": "sen2"}
"""Feature of the config ``all`` and the layers it is made of, in stored order."""
RGB = ("sen2:B4", "sen2:B3", "sen2:B2")

FACTORS: Mapping[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "2.0.0": (lambda bands: bands / 2.8 * 255.0, "reflectance / 2.8 x 255 (the factor of TFDS up to 3.0.0)"),
    "2.1.0": (lambda bands: bands * 892.5, "reflectance x 892.5 (3.5 x 255, the factor of TFDS since 3.1.0)"),
}
"""Versions, each with its scale of the config ``rgb``. The order of the operations counts: the
result is truncated."""
CONFIGS = {
    "rgb": "Sentinel-2 RGB channels: B4, B3, B2, {scale}, clipped to 0..255 and truncated to uint8",
    "all": "8 Sentinel-1 and 10 Sentinel-2 channels, float32, otherwise as published",
}

SHARD_BYTES = 256 << 20
"""Bytes of pixels in a shard, at most."""
AT_ONCE = 256
"""Patches that are held at a time."""
TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_FEATURES = "tensorflow_datasets.core.features."

Example = dict[str, records.Value]


def main(argv: Sequence[str] | None = None) -> None:
    """Write a TFDS folder, or the HDF5 files of one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True)
    out = commands.add_parser("export", help="a split of a release in the form of tensorflow_datasets")
    out.add_argument("--folder", type=Path, required=True, help="folder of the release")
    out.add_argument("--catalog", type=Path, required=True)
    out.add_argument("--split", type=Path, required=True, help="table of the roles of the patches")
    out.add_argument("--name", default=DATASET, help="name of the data set (%(default)s)")
    out.add_argument("--config", choices=CONFIGS, required=True)
    out.add_argument("--version", choices=FACTORS, default=max(FACTORS), help="%(default)s")
    out.add_argument("--formats", nargs="+", choices=records.FORMATS, default=list(records.FORMATS))
    out.add_argument("--about", type=json.loads, default={}, help="JSON: description, citation, licence, home (texts)")
    out.add_argument("--output", type=Path, required=True, help="folder, <name>/<config>/<version>")
    out.set_defaults(call=_export)
    back = commands.add_parser("import", help="the HDF5 files of a TFDS folder")
    back.add_argument("--source", type=Path, required=True, help="folder with dataset_info.json, config all")
    back.add_argument("--folder", type=Path, required=True, help="where the HDF5 files go")
    back.set_defaults(call=_import)
    arguments = parser.parse_args(argv)
    arguments.call(arguments)


def _export(arguments: argparse.Namespace) -> None:
    target = Target(arguments.name, arguments.config, arguments.version, tuple(arguments.formats), arguments.about)
    catalog, split = tables.read_parquet(arguments.catalog), tables.read_parquet(arguments.split)
    export(arguments.folder, catalog, split, target, arguments.output)


def _import(arguments: argparse.Namespace) -> None:
    import_release(arguments.source, arguments.folder)


# Writing


@dataclass(frozen=True)
class Target:
    """What is written: name, config (``rgb``, ``all``), version, formats, texts about the release.

    The first format is the one that TFDS takes unless another is asked for. `about` may hold
    `description`, `citation`, `licence` and `home`.
    """

    name: str
    config: str
    version: str = max(FACTORS)
    formats: tuple[str, ...] = records.FORMATS
    about: Mapping[str, str] = field(default_factory=dict)


def export(folder: Path, catalog: pd.DataFrame, split: pd.DataFrame, target: Target, output: Path) -> None:
    """Write a split of a release as a TFDS folder; the folder appears whole or not at all.

    Parameters
    ----------
    folder : Path
        The release.
    catalog, split : DataFrame
        Its catalog, and the role of each of its patches; a role without patches is left out.
    target : Target
        Name, config, version, formats and texts.
    output : Path
        The folder to write. An earlier export there is replaced.

    Raises
    ------
    InputError
        If the split is of another catalog, `output` holds something else, or a file is damaged.
    """
    dataset = datasets.load(DATASET)
    if not catalog["patch"].equals(split["patch"]):
        raise InputError(
            "A split is not one of this catalog.",
            found=f"{len(split)} patches",
            expected=f"the {len(catalog)} patches of the catalog, in its order",
            remedy="make the split again",
        )
    roles = {role: catalog[(split["role"] == role).to_numpy()] for role in SPLITS}
    with _replacing_folder(output) as beside:
        splits = [
            _write_split(dataset, folder, role, rows, target, beside) for role, rows in roles.items() if len(rows)
        ]
        _write_json(beside / "features.json", _features(target.config, dataset))
        _write_text(beside / "label.labels.txt", "\n".join(dataset.tasks[TASK].names) + "\n")
        _write_json(beside / "dataset_info.json", _description(target, splits))


@contextmanager
def _replacing_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside `path` to write to; it takes the place of `path` once the block ends well."""
    if path.exists() and not (path / "dataset_info.json").is_file() and any(path.iterdir()):
        raise InputError(
            "A folder holds something else than an export.",
            where=path,
            expected="a folder of its own",
            remedy="give another folder, or move what is there",
        )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.mkdir(parents=True)
    try:
        yield beside
        if path.exists():
            shutil.rmtree(path)
        beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write_split(
    dataset: Dataset, folder: Path, role: str, rows: pd.DataFrame, target: Target, output: Path
) -> dict[str, Any]:
    """Write the shards of a split; return its entry in ``dataset_info.json``."""
    per_shard = max(SHARD_BYTES // _row_bytes(target.config), 1)
    lengths = [min(per_shard, len(rows) - start) for start in range(0, len(rows), per_shard)]
    total = 0
    for number, length in enumerate(lengths):
        start = number * per_shard
        paths = {
            form: output / _file_name(TEMPLATE, target.name, role, form, number, len(lengths))
            for form in target.formats
        }
        part = rows.iloc[start : start + length]
        total += _write_shard(paths, _examples(dataset, folder, part, start, target))
        print(f"tfds: {role}, {start + length} of {len(rows)} patches", file=sys.stderr, flush=True)
    return {
        "filepathTemplate": TEMPLATE,
        "name": role,
        "numBytes": str(total),
        "shardLengths": [str(length) for length in lengths],
    }


def _row_bytes(config: str) -> int:
    return SIDE * SIDE * (3 if config == "rgb" else 18 * 4)


def _write_shard(paths: Mapping[str, Path], examples: Iterator[Example]) -> int:
    """Write the same records in each format; return their bytes, which TFDS counts without any frame."""
    total = 0
    with ExitStack() as stack:
        files = [stack.enter_context(closing(records.writer(path, form))) for form, path in paths.items()]
        for example in examples:
            record = records.encode(example)
            total += len(record)
            for file in files:
                file.write(record)
    return total


def _examples(dataset: Dataset, folder: Path, rows: pd.DataFrame, first: int, target: Target) -> Iterator[Example]:
    """The records of some patches, the first of which has the `sample_id` `first`."""
    layers = RGB if target.config == "rgb" else [layer for key in SENSORS for layer in _layers(dataset, key)]
    for block in dataset.blocks(folder, rows, layers, AT_ONCE):
        pixels = _images(block, target) if target.config == "rgb" else _channels(dataset, block)
        labels = block.patches["label"].to_numpy(np.int64)
        for place, label in enumerate(labels):
            values = {name: column[place] for name, column in pixels.items()}
            yield values | {"label": label[None], "sample_id": np.array([first + place])}
        first += len(labels)


def _layers(dataset: Dataset, sensor: str) -> list[str]:
    return [layer for layer in dataset.layer_table if layer.startswith(f"{SENSORS[sensor]}:")]


def _images(block: Block, target: Target) -> dict[str, Sequence[bytes] | np.ndarray]:
    bands = np.stack([block.layers[layer] for layer in RGB], axis=-1)
    return {"image": [_png(image) for image in rgb(bands, target.version)]}


def _channels(dataset: Dataset, block: Block) -> dict[str, Sequence[bytes] | np.ndarray]:
    return {
        sensor: np.stack([block.layers[layer].astype(np.float32) for layer in _layers(dataset, sensor)], axis=-1)
        for sensor in SENSORS
    }


def rgb(bands: np.ndarray, version: str) -> np.ndarray:
    """Images as the config ``rgb`` has them.

    Parameters
    ----------
    bands : ndarray of float64, shape (..., 3)
        Reflectance of B4, B3, B2.
    version : str
        A key of `FACTORS`.

    Returns
    -------
    ndarray of uint8, same shape
        Scaled in float64, clipped to 0..255, truncated.
    """
    scale, _ = FACTORS[version]
    return np.clip(scale(bands), 0, 255).astype(np.uint8)


def _png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


# Metadata


def _features(config: str, dataset: Dataset) -> dict[str, Any]:
    """``features.json``, as the feature connectors of TFDS write it."""
    if config == "rgb":
        pixels: dict[str, Any] = {
            "image": {
                "pythonClassName": _FEATURES + "image_feature.Image",
                "image": {"dtype": "uint8", "shape": _shape(SIDE, SIDE, 3)},
            }
        }
    else:
        pixels = {sensor: _tensor("float32", _shape(SIDE, SIDE, len(_layers(dataset, sensor)))) for sensor in SENSORS}
    label = {
        "pythonClassName": _FEATURES + "class_label_feature.ClassLabel",
        "classLabel": {"numClasses": str(len(dataset.tasks[TASK].names))},
    }
    features = pixels | {"label": label, "sample_id": _tensor("int64", {})}
    return {"pythonClassName": _FEATURES + "features_dict.FeaturesDict", "featuresDict": {"features": features}}


def _tensor(dtype: str, shape: dict[str, Any]) -> dict[str, Any]:
    return {
        "pythonClassName": _FEATURES + "tensor_feature.Tensor",
        "tensor": {"dtype": dtype, "encoding": "none", "shape": shape},
    }


def _shape(*sides: int) -> dict[str, Any]:
    return {"dimensions": [str(side) for side in sides]}


def _description(target: Target, splits: list[dict[str, Any]]) -> dict[str, Any]:
    """``dataset_info.json``: the JSON form of the protocol buffer `DatasetInfo` of TFDS."""
    scales = {version: scale for version, (_, scale) in FACTORS.items()}
    about = target.about
    info = {
        "name": target.name,
        "version": target.version,
        "configName": target.config,
        "configDescription": CONFIGS[target.config].format(scale=scales[target.version]),
        "description": about.get("description", "So2Sat LCZ42."),
        "releaseNotes": {version: f"rgb: {scale}" for version, scale in scales.items()},
        "fileFormat": target.formats[0],
        # The rows stand in the order of the catalog, and TFDS is to read them so.
        "disableShuffling": True,
        "splits": splits,
    }
    if target.formats[1:]:
        info["alternativeFileFormats"] = list(target.formats[1:])
    if target.config == "rgb":
        info["supervisedKeys"] = {"tuple": {"items": [{"featureKey": "image"}, {"featureKey": "label"}]}}
    if "citation" in about:
        info["citation"] = about["citation"]
    if "licence" in about:
        info["redistributionInfo"] = {"license": about["licence"]}
    if "home" in about:
        info["location"] = {"urls": [shown(about["home"])]}
    return info


def _write_json(path: Path, value: object) -> None:
    _write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _file_name(template: str, name: str, split: str, form: str, number: int, shards: int) -> str:
    """Name of a shard; its placeholders are those of TFDS."""
    return template.format(
        DATASET=name,
        SPLIT=split,
        FILEFORMAT=form,
        SHARD_INDEX=f"{number:05d}",
        NUM_SHARDS=f"{shards:05d}",
        SHARD_X_OF_Y=f"{number:05d}-of-{shards:05d}",
    )


# Reading


def import_release(source: Path, folder: Path) -> list[Path]:
    """Write the HDF5 files of a release from a TFDS folder; rows are in the order of `sample_id`.

    The values are those of float32, so the files differ from the published ones in their digests:
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
            _file_name(split["filepathTemplate"], info["name"], split["name"], info["fileFormat"], 0, 1)
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
        name = _file_name(split["filepathTemplate"], info["name"], split["name"], form, number, len(lengths))
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


if __name__ == "__main__":
    run(main)
