"""Which splits of a run get a form of ``tensorflow_datasets``, and what they are called there."""

import re
from pathlib import Path

from sentinel_forest.config import paths
from sentinel_forest.config.releases import Release
from sentinel_forest.errors import InputError
from sentinel_forest.planning.selection import Selection

DATASET = "so2sat"
"""The dataset that has such a form."""
FORMS = (("rgb", "2.1.0"), ("rgb", "2.0.0"), ("all", "2.1.0"))
"""Config and version that are written of each split."""


def splits(selection: Selection) -> dict[tuple[str, str], tuple[str, int]]:
    """Scheme and trial of each split that has such a form, by its release and its name in TFDS."""
    return {
        (name, name_of(release, scheme, trial, scheme == selection.published(name))): (scheme, trial)
        for name, release in selection.releases.items()
        if release.dataset == DATASET
        for scheme, trial in selection.trials(name)
    }


def split_file(selection: Selection, release: str, name: str) -> str:
    """The file of a split, below the folder of the version, by its release and its name in TFDS."""
    scheme, trial = splits(selection)[release, name]
    return paths.place(paths.SPLIT, release=release, scheme=scheme, trial=trial)


def folders(selection: Selection, exports: Path) -> list[str]:
    """All folders that are written in the form of TFDS, below the folder of a version's exports.

    Raises
    ------
    InputError
        If no release has such a form.
    """
    found = [
        (exports / paths.place(paths.TFDS, release=release, name=name, form=form, number=number)).as_posix()
        for release, name in splits(selection)
        for form, number in FORMS
    ]
    if not found:
        raise InputError(
            "No release of So2Sat is selected, and no other has a form in TFDS.",
            where="key 'releases'",
            found=", ".join(selection.releases),
            remedy="add one, e.g. so2sat-v2 or so2sat-sample",
        )
    return found


def name_of(release: Release, scheme: str, trial: int, published: bool) -> str:
    """The name of a split in TFDS, of the `published` one or of another.

    The name that TFDS knows is kept for the split it knows; version 3 and resampled splits have their own.
    """
    if not published:
        name = f"so2sat_{scheme}_{trial}"
    else:
        name = release.name if release.entry.get("version", "").startswith("3") else "so2sat"
    return re.sub(r"\W", "_", name).lower()


def about(release: Release, scheme: str, trial: int, version: str) -> dict[str, str]:
    """What an export says of itself, see `tfds.Target`; what is not known is left out."""
    kind = " It is a built-in sample: no measured pixels." if release.is_sample else ""
    citation = release.entry.get("citation", {})
    texts = {
        "description": f"{release.title} (release {release.name}), split {scheme}, trial {trial}, of version"
        f" {version}.{kind} sample_id counts the rows of a split from 0.",
        "citation": " ".join(str(citation[key]) for key in ("text", "doi") if citation.get(key)),
        "licence": release.licence,
        "home": release.entry.get("home", ""),
    }
    return {key: text for key, text in texts.items() if text}
