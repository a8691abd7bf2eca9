"""The dataset of a release of a version, with the layout, feature sets and classes that the version gave it."""

import json
from pathlib import Path
from typing import Any

from sentinel_forest import datasets, registry
from sentinel_forest.config.paths import VERSION
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError


def dataset_of(version: Path, release: str, own_entries: Path) -> Dataset:
    """Open the dataset of a release of a version.

    Parameters
    ----------
    version : Path
        Folder of the version, with its ``version.json``.
    release : str
        Name of the release in the version.
    own_entries : Path
        Folder of the user's own entries of the registry.

    Raises
    ------
    InputError
        If the version has no such release, or nothing is registered for it.
    """
    configuration = _configuration(version)
    if release not in configuration["releases"]:
        raise InputError(
            "The version has no such release.",
            where=version,
            found=release,
            expected=" | ".join(configuration["releases"]),
        )
    own = configuration["own_releases"].get(release)
    name, layout = (own["dataset"], own["layout"]) if own else registry.layout_of(release, own_entries)
    return datasets.load(name, {**layout, **configuration.get("vocabulary", {}).get(release, {})})


def is_sample(version: Path, release: str, own_entries: Path) -> bool:
    """Whether a release of a version has pixels of the scene model; arguments as of `dataset_of`."""
    return release not in _configuration(version)["own_releases"] and "sample" in registry.entry_of(
        release, own_entries
    )


def hold_data(version: Path, release: str, verified: Path) -> None:
    """Compare the data that lie beside a finished version with those that it was made from.

    Parameters
    ----------
    version, release : Path, str
        Folder of the version, and name of the release in it.
    verified : Path
        What was verified last (``verified.json`` beside the catalog); without such a file nothing is compared.

    Raises
    ------
    InputError
        If these are other data.
    """
    if not verified.is_file():
        return
    sealed = json.loads((version / VERSION).read_text(encoding="utf-8"))["identity"]["data"].get(release)
    found = json.loads(verified.read_text(encoding="utf-8"))["data"]
    if found != sealed:
        raise InputError(
            "The data are not those that the version was made from.",
            where=f"{release}, {verified}",
            found=f"checksum {found}",
            expected=f"{sealed}, as in {version / VERSION}",
            remedy="restore the files and run `snakemake catalogs`, or open a version that was made from these",
        )


def _configuration(version: Path) -> dict[str, Any]:
    return dict(json.loads((version / VERSION).read_text(encoding="utf-8"))["configuration"])
