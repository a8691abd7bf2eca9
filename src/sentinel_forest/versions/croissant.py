"""Croissant metadata of a release and its splits: what machine-learning libraries read a dataset by.

Format: MLCommons Croissant 1.1 (http://mlcommons.org/croissant/1.1), with the terms of GeoCroissant. The
publisher's files are given by their first public address and their SHA-256, files without an address by their path from
the metadata. Each split is a record set that can be read from the table beside the metadata.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config import paths
from sentinel_forest.config.releases import registered_files
from sentinel_forest.datasets.base import Dataset, Task
from sentinel_forest.io.borders import shown
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.io.tables import read_catalog, read_tsv, write_text
from sentinel_forest.steps import Layout, Output, TrialFile
from sentinel_forest.verify.inspect import CHECKSUMS
from sentinel_forest.versions import geocroissant
from sentinel_forest.versions.crate import described, licence_address

VERSION = "http://mlcommons.org/croissant/1.1"
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            "arrayShape",
            "citeAs",
            "column",
            "containedIn",
            "equivalentProperty",
            "extract",
            "field",
            "fileProperty",
            "fileObject",
            "fileSet",
            "format",
            "includes",
            "isArray",
            "isLiveDataset",
            "jsonPath",
            "key",
            "md5",
            "parentField",
            "path",
            "recordSet",
            "references",
            "regex",
            "repeated",
            "replace",
            "samplingRate",
            "separator",
            "source",
            "subField",
            "transform",
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "geocr": geocroissant.PREFIX,
    "name": {"@container": "@language"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
"""The terms of the format, as its specification asks for them."""

FORMATS = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".h5": "application/x-hdf5",
    ".json": "application/json",
    ".parquet": "application/x-parquet",
    ".tif": "image/tiff",
    ".tsv": "text/tab-separated-values",
    ".zip": "application/zip",
}
MOST_FILES = 1000
"""A release of more files is described by sets of files of one format, without their checksums."""
COLUMNS = {
    "patch": ("sc:Text", "stable id of the patch"),
    "role": ("sc:Text", "train, validation, test or unused"),
    "weight": ("sc:Float", "1 / probability of the patch to be drawn"),
}
"""Columns of a split with their type and meaning (schema `split.SPLIT`)."""
Node = dict[str, Any]


def croissant(
    *,
    release: str,
    dataset: str,
    layout: Layout | None = None,
    own: dict[str, Any] | None = None,
    place: str,
    checksums: Path,
    catalog: Path,
    splits: list[TrialFile],
    output: Output,
) -> None:
    """Describe a release and its splits in the terms of Croissant.

    Parameters
    ----------
    release : str
        Its name.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    own : dict, optional
        What the configuration says of a release that is not registered.
    place : str
        Folder of the release, as seen from the output.
    checksums : Path
        Table of its files and their checksums.
    catalog : Path
        Its catalog: where and when its patches were taken.
    splits : list of TrialFile
        Tables of its splits.
    output : Path
        The metadata.
    """
    entry = described(release, own)
    opened = datasets.load(dataset, layout)
    terms = geocroissant.geo_terms(opened, read_catalog(catalog))
    metadata = metadata_of(release, entry, opened, read_tsv(checksums, CHECKSUMS), place, splits, output.parent, terms)
    write_text(output, json.dumps(metadata, indent=2, ensure_ascii=False) + "\n")


def metadata_of(
    release: str,
    entry: Mapping[str, Any],
    dataset: Dataset,
    files: pd.DataFrame,
    place: str,
    splits: Sequence[TrialFile],
    folder: Path,
    terms: Node,
) -> Node:
    """The metadata of a release.

    Parameters
    ----------
    release : str
        Its name.
    entry : mapping
        What is known about it, see `crate.described`.
    dataset : Dataset
        Its dataset; gives the classes.
    files : DataFrame
        Its files (schema `verify.CHECKSUMS`).
    place : str
        Path of the release's folder from `folder`, for files without an address.
    splits : sequence of TrialFile
        Tables below `folder`.
    folder : Path
        Where the metadata will lie.
    terms : mapping
        Terms of GeoCroissant, see `geocroissant.geo_terms`.
    """
    notes = [" ".join(note.split()) for note in entry["notes"]]
    tables = [_table(release, split, folder) for split in splits]
    metadata: Node = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [VERSION, geocroissant.VERSION] if geocroissant.is_complete(terms) else VERSION,
        "name": release,
        "description": ". ".join([entry["title"], *notes]),
        **terms,
        "license": licence_address(entry["licence"]) or entry["licence"],
        "distribution": [*_distribution(entry, files, place), *tables],
        "recordSet": [
            *(_classes(task) for task in dataset.tasks.values()),
            *(_records(split, table["@id"]) for split, table in zip(splits, tables, strict=True)),
        ],
    }
    if entry["version"]:
        metadata["version"] = entry["version"]
    if "home" in entry:
        metadata["url"] = shown(entry["home"])
    if "citation" in entry:
        metadata["citeAs"] = f"{entry['citation']['text'].strip()} doi {entry['citation']['doi']}"
    return metadata


def address_of(template: str, path: str) -> str:
    """Address of a file of a release, without user, password and query; a place on Hugging Face as the
    address it is downloaded from.
    """
    on_web = urlsplit(template).scheme in ("http", "https", "ftp", "hf")
    address = template.replace("{path}", quote(path) if on_web else path)
    hub = re.fullmatch(r"hf://(datasets/[^/]+/[^/@]+)@([^/]+)/(.+)", address)
    return shown(f"https://huggingface.co/{hub[1]}/resolve/{hub[2]}/{hub[3]}" if hub else address)


def _distribution(entry: Mapping[str, Any], files: pd.DataFrame, place: str) -> list[Node]:
    """The publisher's files, or, if they are many, one set of files for each format."""
    if len(files) > MOST_FILES:
        suffixes = sorted({PurePosixPath(path).suffix for path in files["path"]})
        return [_file_set(suffix, place) for suffix in suffixes]
    registered = {file.path: file for file in registered_files(entry)} if entry["files"] else {}
    nodes = []
    for path, size, sha in zip(files["path"], files["bytes"], files["sha256"], strict=True):
        addresses = registered[path].addresses if path in registered else ()
        nodes.append(
            {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path,
                "contentUrl": address_of(addresses[0], path) if addresses else f"{place}/{path}",
                "contentSize": f"{size} B",
                "encodingFormat": _format(path),
                "sha256": sha,
            }
        )
    return nodes


def _file_set(suffix: str, place: str) -> Node:
    return {
        "@type": "cr:FileSet",
        "@id": f"files{suffix}",
        "name": f"files{suffix}",
        "includes": f"{place}/**/*{suffix}",
        "encodingFormat": _format(f"file{suffix}"),
    }


def _table(release: str, split: TrialFile, folder: Path) -> Node:
    """The table of a split as a file."""
    name = paths.place(paths.SPLIT, release=release, scheme=split.scheme, trial=split.trial).removeprefix(f"{release}/")
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "description": f"Trial {split.trial} of the scheme {split.scheme} on {release}",
        "contentUrl": Path(os.path.relpath(split.path, folder)).as_posix(),
        "contentSize": f"{split.path.stat().st_size} B",
        "encodingFormat": FORMATS[".parquet"],
        "sha256": file_checksum(split.path),
    }


def _records(split: TrialFile, table: str) -> Node:
    """The role of every patch in a split."""
    name = f"{split.scheme}-{split.trial}"
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"Role of every patch in trial {split.trial} of the scheme {split.scheme}",
        "key": {"@id": f"{name}/patch"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column}",
                "name": column,
                "description": meaning,
                "dataType": kind,
                "source": {"fileObject": {"@id": table}, "extract": {"column": column}},
            }
            for column, (kind, meaning) in COLUMNS.items()
        ],
    }


def _classes(task: Task) -> Node:
    """The classes of a task with their stored code and published colour."""
    name = f"classes-{task.name}"
    kinds = {"code": "sc:Integer", "name": "sc:Text", "colour": "sc:Text"}
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"Classes of the {task.unit} task {task.name}",
        "key": {"@id": f"{name}/code"},
        "field": [
            {"@type": "cr:Field", "@id": f"{name}/{key}", "name": key, "dataType": kind} for key, kind in kinds.items()
        ],
        "data": [{f"{name}/{key}": getattr(category, key) for key in kinds} for category in task.categories],
    }


def _format(path: str) -> str:
    return FORMATS.get(PurePosixPath(path).suffix, "application/octet-stream")
