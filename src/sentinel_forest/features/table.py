"""The table of features of a shard: drawn pixels of a pixel task, or all patches of a patch task."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import IGNORE, VALID_FRACTION, Block, Dataset, FeatureSet, kinds_of, true_classes
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.errors import InputError
from sentinel_forest.features import bands_of, external, find_set, patch, pixel
from sentinel_forest.features.shards import read_blocks
from sentinel_forest.io import checksums, tables
from sentinel_forest.io import schemas as pa
from sentinel_forest.kept import kept
from sentinel_forest.steps import Output

PIXELS = pa.DataFrameSchema(
    {
        "patch": pa.Column("str"),
        "pixel": pa.Column("int32", pa.Check.ge(0)),
        "label": pa.Column("uint8", pa.Check.ne(IGNORE)),
        "weight": pa.Column("float32", pa.Check.ge(1)),
    },
    strict=True,
    ordered=True,
    unique=["patch", "pixel"],
)
"""Drawn pixels. patch: id; pixel: flat index (row * columns + column) in the valid window; label:
index of the class; weight: 1 / inclusion probability, i.e. pixels of its stratum that it stands for.
Then one float32 column per feature, NaN where a band is missing."""

PATCHES = pa.DataFrameSchema(
    {"patch": pa.Column("str", unique=True), "label": pa.Column("int16", pa.Check.ge(-1))}, strict=True, ordered=True
)
"""All patches. patch: id; label: index of the class, -1 unknown. Then one float32 column per feature."""


BOUNDED = "bounded"
"""The note in a table's file that counts values that were cut to the range of their ratio, as JSON."""


def schema(unit: str, features: Sequence[str]) -> pa.DataFrameSchema:
    """The schema of a table for a task's `unit` (``pixel`` or ``patch``) with these features."""
    base = PIXELS if unit == "pixel" else PATCHES
    return base.add_columns({name: pa.Column("float32", nullable=True) for name in features})


def feature_rows(
    dataset: Dataset,
    feature_set: FeatureSet,
    folder: Path,
    rows: pd.DataFrame,
    per_class: int,
    seed_names: Sequence[object],
) -> pd.DataFrame:
    """Features of some catalog rows.

    Parameters
    ----------
    dataset, feature_set : Dataset, FeatureSet
        What to compute, and what reads it.
    folder : Path
        The release in its publisher's layout.
    rows : DataFrame
        Consecutive rows of the catalog.
    per_class : int
        For pixel tasks: pixels drawn of each class from each patch.
    seed_names : sequence
        What the draw depends on besides the patch, e.g. (seed of the release, purpose). It depends
        neither on shards nor on the feature set.

    Returns
    -------
    DataFrame
        See `PIXELS` and `PATCHES`; memory while it is made does not depend on the number of rows. Its `attrs`
        have `BOUNDED`: how many values of each ratio were cut to its range, of those computed for the table.
    """
    bounded: Counter[str] = Counter()
    unit = dataset.tasks[feature_set.task].unit
    train = feature_set.train_labels
    labelled = dataset.label_layers(feature_set.task) if train is None else (train.layer,)
    layers = tuple(dict.fromkeys((*feature_set.layers.values(), *labelled)))
    parts = [
        _pixel_rows(dataset, feature_set, block, per_class, seed_names, bounded)
        if unit == "pixel"
        else _patch_rows(dataset, feature_set, block, bounded)
        for block in _blocks(dataset, feature_set, folder, rows, layers)
    ]
    about = schema(unit, feature_set.features)
    empty = pd.DataFrame({name: [] for name in about.columns})
    kinds = {name: str(column.dtype) for name, column in about.columns.items()} | {"patch": "str"}
    table = pd.concat(parts or [empty], ignore_index=True).astype(kinds)
    table.attrs[BOUNDED] = dict(sorted(bounded.items()))
    return table


def _blocks(
    dataset: Dataset, feature_set: FeatureSet, folder: Path, rows: pd.DataFrame, layers: Sequence[str]
) -> Iterator[Block]:
    """Blocks of patches with their layers; vectors of whole patches need none, and nothing is read for them."""
    if layers:
        yield from read_blocks(feature_set.name, dataset, folder, rows, layers, kinds_of(dataset, feature_set))
    elif len(rows):
        yield Block(rows, {})


def _pixel_rows(
    dataset: Dataset,
    feature_set: FeatureSet,
    block: Block,
    per_class: int,
    seed_names: Sequence[object],
    bounded: Counter[str],
) -> pd.DataFrame:
    """Drawn pixels of a block with their features."""
    block = _with_train_labels(dataset, feature_set, block)
    labels = true_classes(dataset, feature_set.task, block, kinds_of(dataset, feature_set))
    units = dataset.draw_units(feature_set.task, block)
    names = block.patches["patch"].to_numpy()
    drawn = [
        draw_pixels(
            labels[place], None if units is None else units[place], per_class, checksums.seed(*seed_names, str(name))
        )
        for place, name in enumerate(names)
    ]
    patches = np.repeat(np.arange(len(names)), [len(pixels) for pixels, _ in drawn])
    pixels = np.concatenate([pixels for pixels, _ in drawn])
    flat = patches * labels[0].size + pixels
    columns: dict[str, np.ndarray] = {
        "patch": names[patches],
        "pixel": pixels.astype(np.int32),
        "label": labels.reshape(-1)[flat],
        "weight": np.concatenate([weights for _, weights in drawn]),
    }
    first = list(columns)
    own = feature_set.bands
    alone, around = pixel.parted(feature_set.features, own)
    if feature_set.external is not None:
        alone, around = (), feature_set.features
    if alone:
        bands = bands_of(dataset, feature_set, _dots(block, patches, flat))
        columns |= zip(alone, (layer[:, 0, 0] for layer in pixel.each(alone, bands, own, bounded)), strict=True)
    if around:
        needed = pixel.needed_bands(around, own)
        layers = {band: feature_set.layers[band] for band in needed if band in feature_set.layers}
        bands = bands_of(dataset, replace(feature_set, layers=layers), block)
        columns |= zip(
            around, (layer.reshape(-1)[flat] for layer in pixel.each(around, bands, own, bounded)), strict=True
        )
    return pd.DataFrame(columns)[[*first, *feature_set.features]]


def _with_train_labels(dataset: Dataset, feature_set: FeatureSet, block: Block) -> Block:
    """A block in which the labels to train on stand in the place of the task's, if a set has any."""
    train = feature_set.train_labels
    if train is None:
        return block
    (own,) = dataset.label_layers(feature_set.task)
    stored = block.layers[train.layer]
    translated = np.full(stored.shape, IGNORE, dtype=np.uint8)
    for code, label in train.codes:
        translated[stored == code] = label
    return replace(block, layers={**block.layers, own: translated})


def _dots(block: Block, patches: np.ndarray, flat: np.ndarray) -> Block:
    """Some pixels of a block, by patch and by place in its layers, each as a patch of one pixel."""
    layers = {name: values.reshape(-1)[flat][:, None, None] for name, values in block.layers.items()}
    return Block(block.patches.filter(["sun_azimuth"]).iloc[patches], layers)


def _patch_rows(dataset: Dataset, feature_set: FeatureSet, block: Block, bounded: Counter[str]) -> pd.DataFrame:
    """All patches of a block with their features."""
    values = patch.compute(feature_set.features, bands_of(dataset, feature_set, block), feature_set.bands, bounded)
    table = pd.DataFrame(values, columns=list(feature_set.features))
    table.insert(0, "patch", block.patches["patch"].to_numpy())
    labels = dataset.patch_classes(feature_set.task, block.patches["label"].to_numpy())
    empty = _empty(dataset, feature_set, block)
    if feature_set.external is not None:
        empty = empty | table[list(feature_set.features)].isna().all(axis=1).to_numpy()
    table.insert(1, "label", np.where(empty, -1, labels).astype(np.int16))
    return table


def _empty(dataset: Dataset, feature_set: FeatureSet, block: Block) -> np.ndarray:
    """Which patches have no measurement at all of a sensor that a feature set needs: they take no part."""
    columns = [f"{VALID_FRACTION}{kind}" for kind in kinds_of(dataset, feature_set)]
    return (block.patches.filter(columns) == 0).any(axis=1).to_numpy()


def draw_pixels(
    labels: np.ndarray, units: np.ndarray | None, per_class: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw pixels of one patch at random, without replacement, stratified by class.

    Parameters
    ----------
    labels : ndarray
        uint8 (rows, columns): class, or `IGNORE`, which is never drawn.
    units : ndarray or None
        Integers (rows, columns). If given, strata are (class, unit), and the pixels of a class are
        spread over its units: as many of each, rounded up.
    per_class : int
        Pixels drawn of each class, or all where there are fewer.
    seed : int
        Same seed, same draw.

    Returns
    -------
    pixels : ndarray
        int64, flat indices, sorted.
    weights : ndarray
        float32, pixels of the stratum / pixels drawn of it. They sum, for each class, to the number
        of its pixels.
    """
    strata, units_of_stratum = _strata(labels.reshape(-1), units)
    valid = np.flatnonzero(labels.reshape(-1) != IGNORE)
    sizes = np.bincount(strata[valid], minlength=len(units_of_stratum))
    wanted = np.minimum(sizes, -(-per_class // np.maximum(units_of_stratum, 1)))
    order = valid[np.argsort(strata[valid], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    random = np.random.default_rng(seed)
    places = [
        starts[stratum] + random.choice(sizes[stratum], wanted[stratum], replace=False, shuffle=False)
        for stratum in np.flatnonzero(wanted)
    ]
    pixels = order[np.concatenate([np.empty(0, dtype=np.int64), *places])]
    weights = np.repeat(sizes / np.maximum(wanted, 1), wanted).astype(np.float32)
    rank = np.argsort(pixels)
    return pixels[rank], weights[rank]


def _strata(labels: np.ndarray, units: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Number of the stratum of each pixel, and for each stratum the units that its class has."""
    if units is None:
        return labels, np.ones(IGNORE + 1, dtype=np.int64)
    known, unit = np.unique(units.reshape(-1), return_inverse=True)
    count = (IGNORE + 1) * len(known)
    strata = (labels.astype(np.int64) * len(known) + unit).astype(np.min_scalar_type(count))
    present = np.bincount(strata, minlength=count).reshape(-1, len(known)) > 0
    return strata, np.repeat(present.sum(axis=1), len(known))


def pixels_per_class(draw: object, patches: int, classes: int) -> int:
    """How many pixels of each class to draw from each patch.

    Parameters
    ----------
    draw : object
        ``{"pixels": 300000}``: pixels to be drawn from the whole release. Every patch and class has an
        equal part, so that a small release is drawn densely and a large one thinly.
    patches, classes : int
        Patches of the release, classes of the task.

    Raises
    ------
    InputError
        If `draw` is anything else, or not a whole number from 1 on.
    """
    number = draw.get("pixels") if isinstance(draw, dict) and len(draw) == 1 else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise InputError(
            "This is no rule for drawing pixels.",
            where="draw",
            found=json.dumps(draw),
            expected='{"pixels": 300000}, any whole number from 1 on',
        )
    return -(-number // max(patches * classes, 1))


@kept("features.table")
def feature_table(*, of: ShardOf, feature_set: str, draw: dict[str, Any], seed: int, output: Output) -> None:
    """Compute a feature set for the rows of one shard.

    Parameters
    ----------
    of : ShardOf
        The shard.
    feature_set : str
        What to compute.
    draw : dict
        How pixels are drawn; see `pixels_per_class`.
    seed : int
        Seed of the release.
    output : Path
        The table; see `PIXELS` and `PATCHES`.
    """
    opened = of.opened()
    about = find_set(opened.feature_sets, feature_set)
    task = opened.tasks[about.task]
    whole = tables.read_parquet(of.catalog)
    per_class = pixels_per_class(draw, len(whole), len(task.categories))
    rows = tables.shard(whole, of.shard, of.shards)
    table = feature_rows(opened, about, of.folder, rows, per_class, (seed, "pixels"))
    external.refuse_labels(about, table)
    counts = table.attrs[BOUNDED]
    if counts:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        print(f"{feature_set}: values cut to the range of their ratio: {told}", file=sys.stderr)
    tables.write_parquet(output, table, schema(task.unit, about.features), {BOUNDED: json.dumps(counts)})


def bounded_values(paths: Sequence[Path]) -> dict[str, int]:
    """How many values of each ratio were cut to its range while some feature tables were made."""
    counts: Counter[str] = Counter()
    for path in paths:
        counts.update(json.loads(tables.read_note(path, BOUNDED) or "{}"))
    return dict(sorted(counts.items()))
