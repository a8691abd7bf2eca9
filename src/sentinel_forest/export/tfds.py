"""So2Sat LCZ42 in the form of ``tensorflow_datasets``; TensorFlow is not needed for it.

`tfds_export` writes a folder that ``tfds.builder_from_directory`` opens: as TFRecord for
``as_dataset``, and as ArrayRecord for ``as_data_source``. By name, give the version, too:
``tfds.data_source("so2sat/rgb:2.1.0", data_dir=...)``; without it TFDS takes its own builder of this
name, which sees the first format only.

The rows of a split keep the order of the catalog; `sample_id` counts them from 0, so that for the
published split it is the row in the file of the split, as it is in the catalogue of TFDS.

Sources: `so2sat` in tensorflow_datasets 3.0.0 (version 2.0.0) and 4.9.10 (version 2.1.0).
"""

import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from PIL import Image

from sentinel_forest import datasets
from sentinel_forest.datasets.base import SPLITS, Block, Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.export import records
from sentinel_forest.io import tables
from sentinel_forest.io.borders import shown
from sentinel_forest.steps import Output

DATASET = "so2sat"
TASK = "lcz"
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


def tfds_export(
    *,
    folder: Path,
    catalog: Path,
    split: Path,
    name: str,
    config: Literal["rgb", "all"],
    version: Literal["2.0.0", "2.1.0"],
    about: dict[str, str],
    output: Output,
) -> None:
    """Write a split in a config and version of the TFDS dataset so2sat.

    Parameters
    ----------
    folder : Path
        The release.
    catalog, split : Path
        Its catalog, and the roles of its patches.
    name, config, version : str
        Which data set it is to be.
    about : dict
        See `Target`.
    output : Path
        The folder ``<name>/<config>/<version>``.
    """
    target = Target(name, config, version, about=about)
    export(folder, tables.read_parquet(catalog), tables.read_parquet(split), target, output)


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
            form: output / file_name(TEMPLATE, target.name, role, form, number, len(lengths)) for form in target.formats
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
    return np.asarray(np.clip(scale(bands), 0, 255).astype(np.uint8))


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


def file_name(template: str, name: str, split: str, form: str, number: int, shards: int) -> str:
    """Name of a shard; its placeholders are those of TFDS."""
    return template.format(
        DATASET=name,
        SPLIT=split,
        FILEFORMAT=form,
        SHARD_INDEX=f"{number:05d}",
        NUM_SHARDS=f"{shards:05d}",
        SHARD_X_OF_Y=f"{number:05d}-of-{shards:05d}",
    )
