"""Files of another version that say where the same patches lie: links to them beside the files of a release."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentinel_forest.config import releases
from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import replacing

if TYPE_CHECKING:
    import pandas as pd


def place_files(dataset: Dataset, entry: Mapping[str, Any], paths: Sequence[str], places: Path) -> dict[str, Path]:
    """Files of places that a release lacks, and where they lie in a folder of another version.

    Parameters
    ----------
    dataset : Dataset
        Knows which file belongs to which (`Dataset.place_files`), and the version that has the same rows.
    entry : mapping
        Registry entry of the release; empty for one that is not registered. Of a registered release only those image
        files are taken that have the published checksum of the other version's.
    paths : sequence of str
        Files of the release.
    places : Path
        Folder of the other version, or one with its files of places alone.

    Returns
    -------
    dict
        Path below the release's folder, to the file; what lies beside the images already is not among them.

    Raises
    ------
    InputError
        If nothing says which version has the same rows, or the folder has none of the files.
    """
    if not dataset.places_from:
        raise InputError(
            "Nothing says that another version has the same rows.",
            where=f"key 'places', folder {places}",
            expected="a release whose layout names that version",
            remedy="leave the key out, or, if you know it: layout: {geo: RELEASE}",
        )
    wanted = dataset.place_files(paths)
    same = _of_equal_checksum(entry, dataset.places_from)
    lacking = {
        place: image
        for image, place in wanted.items()
        if place not in paths and (not entry or image.rsplit("/", 1)[-1] in same)
    }
    found = {place: source for place in lacking if (source := _lying(places, place))}
    if wanted and not found and not set(wanted.values()) & set(paths):
        raise InputError(
            "No file of places is there for any image file.",
            where=places,
            expected=" or ".join(dict.fromkeys(place.rsplit("/", 1)[-1] for place in lacking))
            or f"an image file of the same checksum as one of {dataset.places_from}",
            remedy=f"fetch them: they are files of {dataset.places_from}",
        )
    return found


def _lying(places: Path, name: str) -> Path | None:
    """Where a file lies in a folder, or one folder down; two of one name are none."""
    there = [places / name] if (places / name).is_file() else sorted(places.glob(f"**/{name.rsplit('/', 1)[-1]}"))
    return there[0].absolute() if len(there) == 1 else None


def _of_equal_checksum(entry: Mapping[str, Any], other: str) -> set[str]:
    """Names of the files of a release that have a published checksum of the other's file of the same name."""
    published = {item["path"].rsplit("/", 1)[-1]: item["checksums"] or {} for item in entry.get("files", ())}
    others = {item["path"]: item["checksums"] or {} for item in (releases.find_entry(other) or {}).get("files", ())}
    return {
        name
        for name, checksums in published.items()
        if (known := others.get(name)) and any(value and known.get(kind) == value for kind, value in checksums.items())
    }


def link_places(found: Mapping[str, Path], folder: Path) -> "pd.DataFrame":
    """Link files of places into the folder of a release; their table (schema `releases.FILES`)."""
    for place, source in found.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        with replacing(folder / place) as beside:
            os.symlink(source, beside)
        print(f"{place}: links to {source}", file=sys.stderr)
    return releases.file_table(folder, list(found))
