"""The catalog of CloudSEN12."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xxhash

from sentinel_forest.datasets.base import OPTICAL, RADAR, TRAIN_ONLY, hash_columns, valid_fraction
from sentinel_forest.datasets.cloudsen12 import quality
from sentinel_forest.datasets.cloudsen12.layout import FOLDERS, SCRIBBLES, Layout, Split, common_layers, splits_of
from sentinel_forest.datasets.cloudsen12.metadata import described, metadata_path, places, read_metadata
from sentinel_forest.datasets.cloudsen12.reader import count_unmeasured, measured, verified_arrays
from sentinel_forest.datasets.cloudsen12.vocabulary import CATEGORIES, IMAGE_LAYERS, LABEL, TASK
from sentinel_forest.errors import InputError


def catalog(layout: Layout, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
    """One row per patch in file order.

    Further columns: date (ISO), difficulty (1-5), land_cover (code of CGLS-LC100), cloud_coverage,
    sun_azimuth and sun_elevation (degrees), side_m (side of the footprint), trust, hardness, label_trust and
    label_quality (see `quality`). Where only metadata.csv
    is there yet, fractions are NaN and hashes blank.
    """
    splits = [split for split in splits_of(folder, files, layout.side) if split.count]
    if not splits:
        raise InputError("A release has no patches.", where=folder, expected="layers or metadata.csv with rows")
    tables = [_metadata(folder, split) for split in splits]
    beside = quality.indices(folder) if quality.INDICES in files else None
    # One column for all splits: the two ways to write a product would never be found equal.
    product = next((name for name in ("s2_id", "s2_id_gee") if all(name in table for table in tables)), "")
    images = [layer for layer in IMAGE_LAYERS if layer in common_layers(files)]
    parts = []
    for split, table in zip(splits, tables, strict=True):
        about = {
            **({TRAIN_ONLY: split.name == SCRIBBLES} if SCRIBBLES in (each.name for each in splits) else {}),
            "published_split": FOLDERS[split.name],
            "file": split.name,
            "row": np.arange(split.count, dtype=np.int64),
        }
        told = described(table, product)
        quality_of = quality.described(table, told["roi"], beside)
        part = pd.concat([pd.DataFrame(about), told, quality_of, places(table, layout.image)], axis=1)
        paths = {layer: [path] * split.count for layer, path in split.files.items()}
        verified = part[["file", "row"]].join(hash_columns(hashes, paths, part["row"]))
        unmeasured, radar = (count_unmeasured(layout, folder, verified, hashes, kind) for kind in (OPTICAL, RADAR))
        parts.append(part.assign(label=np.int16(-1), **_fractions(layout, folder, split, verified, unmeasured)))
        parts[-1]["content_hash"] = _combined_hashes(verified, images)
        parts[-1]["valid_fraction_optical"] = valid_fraction(unmeasured, layout.image**2)
        parts[-1]["valid_fraction_radar"] = valid_fraction(radar, layout.image**2)
        parts[-1] = parts[-1].join(verified.filter(like="hash_"))
    catalog = pd.concat(parts, ignore_index=True)
    catalog = catalog.fillna(dict.fromkeys(catalog.filter(like="hash_"), ""))
    catalog.insert(0, "patch", _patch_names(catalog))
    texts = ("patch", "published_split", "file", "content_hash")
    return catalog.astype(dict.fromkeys(texts, "str") | {"label": "int16"})


def _metadata(folder: Path, split: Split) -> pd.DataFrame:
    """The metadata of a split, or a table without columns if there are none."""
    path = metadata_path(folder / split.name)
    if path is None:
        return pd.DataFrame(index=range(split.count))
    table = read_metadata(path)
    if len(table) != split.count:
        raise InputError(
            "Metadata and layers differ in their number of patches.",
            where=path,
            found=f"{len(table)} rows",
            expected=f"{split.count}, as in the layers",
            remedy="fetch both again",
        )
    return table


def _fractions(
    layout: Layout, folder: Path, split: Split, verified: pd.DataFrame, unmeasured: np.ndarray
) -> dict[str, np.ndarray]:
    """Fraction of each class among the valid pixels, and fraction of valid pixels, float32; NaN if unknown.

    `verified`: file, row and hashes of each patch; `unmeasured`: the pixels that carry no measurement, and
    are not valid.
    """
    names = [f"fraction_{name}" for name in TASK.names]
    if LABEL not in split.files:
        return {name: np.full(split.count, np.nan, np.float32) for name in (*names, "labelled_fraction")}
    counts = np.zeros((split.count, len(names)), dtype=np.int64)
    for place, (_, arrays) in enumerate(verified_arrays(layout, folder, verified, [LABEL])):
        codes = np.asarray(arrays[LABEL][0])
        if unmeasured[place] > 0:
            codes = codes[measured(layout, folder, verified.iloc[[place]], OPTICAL)[0]]
        counts[place] = [np.count_nonzero(codes == category.code) for category in CATEGORIES]
    valid = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        fractions = (counts / valid[:, None]).astype(np.float32)
    fractions = {name: fractions[:, place] for place, name in enumerate(names)}
    return fractions | {"labelled_fraction": (valid / layout.image**2).astype(np.float32)}


def _patch_names(catalog: pd.DataFrame) -> pd.Series:
    """``<roi>/<product>`` where both are known and no other patch has them, else ``<split>/<row>``."""
    name = catalog["roi"] + "/" + catalog["product"]
    unique = (catalog["roi"] != "") & (catalog["product"] != "") & ~name.duplicated(keep=False)
    place = (
        catalog["published_split"].where(catalog["file"] != SCRIBBLES, SCRIBBLES)
        + "/"
        + catalog["row"].map("{:05d}".format)
    )
    return name.where(unique, place).astype("str")


def _combined_hashes(hashes: pd.DataFrame, layers: Sequence[str]) -> list[str]:
    """Hash of the hashes of a patch's layers, in their order; blank where one is missing."""
    if not layers or hashes.filter(like="hash_").empty:
        return [""] * len(hashes)
    rows = zip(*(hashes[f"hash_{layer}"] for layer in layers), strict=True)
    return [xxhash.xxh3_128_hexdigest("".join(row).encode("ascii")) if all(row) else "" for row in rows]
