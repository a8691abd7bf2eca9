"""A release that a command names: one of the registry, or one of the user's own, given by its dataset."""

from collections.abc import Mapping
from typing import Any

from sentinel_forest.config.releases import OWN, find_entry, registered
from sentinel_forest.config.validation import nearest
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import checked_name


def named_entry(
    name: str, dataset: str | None = None, layout: Mapping[str, Any] | None = None, advice: str = ""
) -> dict[str, Any]:
    """Return what is known of a release: its dataset, layout and title, or its whole registry entry.

    Parameters
    ----------
    name : str
        The release.
    dataset : str, optional
        Dataset of a release of the user's own; without it, the release must be registered.
    layout : mapping, optional
        How such a release deviates from the published layout.
    advice : str
        What else to do about a release that is not registered.

    Raises
    ------
    InputError
        If the name cannot be used, or the release is not registered and no dataset is named.
    """
    if dataset is not None:
        return {"dataset": dataset, "layout": dict(layout or {}), "title": checked_name(name, "--release")}
    entry = find_entry(name)
    if entry is not None:
        return entry
    raise InputError(
        "No such release is registered.",
        where=f"{OWN} and the package's registry",
        found=name,
        expected=nearest(name, registered()),
        remedy=f"correct the name, or name the dataset of a release of your own: --dataset NAME{advice}",
    )
