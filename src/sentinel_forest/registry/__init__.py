"""The releases and papers that ship with the package: YAML files, read by `sentinel_forest.config.releases`."""

from pathlib import Path
from typing import Any

import yaml

from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import checked_name

RELEASES = Path(__file__).with_name("releases")
"""One file for each release."""

PAPERS = Path(__file__).with_name("papers")
"""Published figures, one file for each dataset."""


def layout_of(release: str, own: Path) -> tuple[str, dict[str, Any]]:
    """Return the dataset of a registered release and its deviations from the published layout; see `entry_of`."""
    entry = entry_of(release, own)
    return entry["dataset"], entry.get("layout") or {}


def entry_of(release: str, own: Path) -> dict[str, Any]:
    """Return the entry of a registered release.

    Whoever opens a release needs no more than this. Entries are checked by
    `sentinel_forest.config.releases`, which takes longer.

    Parameters
    ----------
    release : str
        Its name.
    own : Path
        Folder of the user's own entries, which come before those of the package.

    Raises
    ------
    InputError
        If no such release is registered.
    """
    name = f"{checked_name(release, 'the name of a release')}.yaml"
    path = next((folder / name for folder in (own, RELEASES) if (folder / name).is_file()), None)
    if path is None:
        raise InputError(
            "This version of the package does not know the release.",
            where=RELEASES,
            found=release,
            expected=" | ".join(sorted(entry.stem for entry in RELEASES.glob("*.yaml"))),
            remedy="install the version of sentinel-forest that made the results",
        )
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
