"""The catalog of a release: one row per patch, in file order."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.acquire.history import Seen, state_of
from sentinel_forest.config.releases import FILES
from sentinel_forest.datasets.base import SPLITS, Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.io import schemas as pa
from sentinel_forest.io import tables
from sentinel_forest.steps import Layout, Output
from sentinel_forest.verify.groups import groups
from sentinel_forest.verify.places import with_places

_FRACTION = pa.Check.between(0, 1)

CATALOG = pa.DataFrameSchema(
    {
        "patch": pa.Column("str", unique=True),
        "published_split": pa.Column("str", pa.Check.isin([*SPLITS, ""])),
        "file": pa.Column("str"),
        "row": pa.Column("int64", pa.Check.ge(0)),
        "group": pa.Column("str", pa.Check.ne(""), nullable=True),
        "group_source": pa.Column("str", nullable=True),
        "x": pa.Column("float64", nullable=True),
        "y": pa.Column("float64", nullable=True),
        "epsg": pa.Column("Int32", nullable=True),
        "lon": pa.Column("float64", pa.Check.between(-180, 180), nullable=True),
        "lat": pa.Column("float64", pa.Check.between(-90, 90), nullable=True),
        "label": pa.Column("int16", pa.Check.ge(-1)),
        "fraction_.+": pa.Column("float32", _FRACTION, nullable=True, regex=True, required=False),
        "valid_fraction_.+": pa.Column("float32", _FRACTION, nullable=True, regex=True, required=False),
        "labelled_fraction": pa.Column("float32", _FRACTION, nullable=True),
        "train_only": pa.Column("bool", required=False),
        "content_hash": pa.Column("str", pa.Check.str_matches(r"^[0-9a-f]*$")),
        "hash_.+": pa.Column("str", pa.Check.str_matches(r"^([0-9a-f]{32})?$"), regex=True, required=False),
    }
)
"""One row per patch, in file order (train, validation, test).

patch: stable id; published_split: train, validation, test or blank; file, row: where it lies; group: what
it may not be parted from by default, missing where that is unknown (see `sentinel_forest.verify.groups`);
group_source: what tells the place that the group rests on (see `sentinel_forest.verify.places`); x, y:
centre (m) in the projection epsg; lon, lat: centre (degrees);
label: index of the class, -1 if unknown, not a patch task, or of a patch without any measurement; fraction_<class>:
fraction of the class among the labelled pixels; valid_fraction_optical, valid_fraction_radar: fraction of the pixels
that carry a measurement, which are neither 0 nor missing in all bands of the sensor, NaN if unknown;
labelled_fraction: fraction of the pixels that have a label and an optical measurement; train_only (if there are any
such patches): whether a patch has no label to be scored by, see `sentinel_forest.splits.split`; content_hash: hash of
the pixels (hex), blank if unknown; hash_<array>: hash (hex) of what is stored of the patch in a layer, or in an array
or tile that holds several of them, blank if unknown (see `sentinel_forest.datasets.hashing`). Then the dataset's group
keys (text, blank if unknown) and what else it tells about a patch.
"""


def catalog(
    *, dataset: str, layout: Layout | None = None, folder: Path, files: Path, hashes: Path, output: Output
) -> None:
    """List the patches of a verified release with their place, split, groups and classes.

    Parameters
    ----------
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    folder : Path
        The release.
    files : Path
        Table of its files, `sentinel_forest.config.releases.FILES`.
    hashes : Path
        Table of the hashes of its patches, `sentinel_forest.verify.inspect.HASHES`.
    output : Path
        The catalog, `schema`.
    """
    opened = datasets.load(dataset, layout)
    paths = tables.read_tsv(files, FILES)["path"].tolist()
    table = make(opened, folder, paths, tables.read_parquet(hashes))
    hold_verified(folder, paths)
    tables.write_parquet(output, table, schema(opened))


def hold_verified(folder: Path, paths: Sequence[str]) -> None:
    """See that files are as they were when they were verified; to be called after they were read.

    Raises
    ------
    InputError
        If one has changed.
    """
    states = Seen(folder.parent, folder.name).states()
    for path in paths:
        if path in states and (now := state_of(folder, path, states[path])).sha256 != states[path].sha256:
            raise InputError(
                "A file has changed since it was verified.",
                where=folder / path,
                found=now.sha256,
                expected=states[path].sha256,
                remedy="call snakemake again: it verifies the release anew",
            )


def schema(dataset: Dataset) -> pa.DataFrameSchema:
    """`CATALOG` with the group keys of a dataset."""
    return CATALOG.add_columns({key: pa.Column("str") for key in dataset.group_keys})


def make(dataset: Dataset, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
    """The catalog of the release in `folder`.

    Raises
    ------
    InputError
        If there is no patch, or two have the same id.
    """
    table = dataset.catalog(folder, files, hashes)
    if table.empty:
        raise InputError("A release has no patches.", where=folder, expected="at least one patch")
    twice = table[table["patch"].duplicated(keep=False)].sort_values("patch", kind="stable")
    if len(twice):
        places = twice["patch"] + " (" + twice["file"] + ", row " + twice["row"].astype("str") + ")"
        raise InputError(
            "Patches share an id.",
            where=folder,
            found=", ".join(places.head(6)),
            expected=f"{len(table)} different ids, not {table['patch'].nunique()}",
            remedy="remove the files that are there twice",
        )
    placed = with_places(dataset, table.drop(columns="group", errors="ignore"))
    source = placed.pop("group_source")
    first = list(placed).index("row") + 1
    group = groups(dataset, placed)
    placed.insert(first, "group_source", source.where(group.notna()))
    placed.insert(first, "group", group)
    return placed
