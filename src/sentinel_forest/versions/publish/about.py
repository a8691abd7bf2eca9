"""What a publication says of itself: version, releases, licences, people, date."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sentinel_forest.config.settings import CREATOR
from sentinel_forest.errors import InputError
from sentinel_forest.versions.crate import described, licence_address, licences
from sentinel_forest.versions.manifest import is_sealed, read_version


@dataclass(frozen=True)
class Creator:
    """Somebody who made a version: ``Family, Given``, and the ORCID iD if it is told."""

    name: str
    orcid: str | None


@dataclass(frozen=True)
class About:
    """A version that is published.

    Attributes
    ----------
    name : str
        Name of the version.
    date : str
        Date of its publication, ``YYYY-MM-DD``.
    creators : tuple of Creator
        Who made it.
    description : mapping
        See `manifest.read_version`.
    releases : mapping
        What is known about each release, see `crate.described`; with the key ``dataset``.
    """

    name: str
    date: str
    creators: tuple[Creator, ...]
    description: Mapping[str, Any]
    releases: Mapping[str, Mapping[str, Any]]

    @property
    def title(self) -> str:
        return f"Sentinel Forest: version {self.name}"

    @property
    def summary(self) -> str:
        titles = "; ".join(str(entry["title"]) for entry in self.releases.values())
        return f"Verified data, splits and random-forest baselines of: {titles}."

    @property
    def licences(self) -> dict[str, str]:
        """The licence of each release."""
        return {name: str(entry["licence"]) for name, entry in self.releases.items()}

    @property
    def conditions(self) -> list[str]:
        """What licences forbid, in sentences."""
        return licences(self.licences)

    @property
    def common_licence(self) -> str | None:
        """The SPDX identifier that all releases share; None if they differ or one has none."""
        given = set(self.licences.values())
        only = given.pop() if len(given) == 1 else ""
        return only if licence_address(only) else None


def about(results: Path, published: str | None, creators: Sequence[str]) -> About:
    """Hold a sealed version against its manifest, and gather what its publication says.

    Parameters
    ----------
    results : Path
        Folder of the version.
    published : str or None
        Date of publication; without one, that of the commit that computed the version.
    creators : sequence of str
        ``Family, Given``, with the ORCID iD in brackets if it is known.

    Raises
    ------
    InputError
        If the version is not sealed or its files are others, nobody has made it, or no date is known.
    """
    folder = results.resolve()
    description = read_version(folder)
    if not is_sealed(folder):
        raise InputError(
            "This version is not sealed, and can change.",
            where=results,
            found=folder.name,
            expected="a version with a name of its own",
            remedy="compute it under another name: --config version=NAME",
        )
    if not creators:
        raise InputError(
            "Nobody is named who made this version.",
            where="key publish.creators",
            found="no name",
            expected='one or more, e.g. "Doe, Jane (0000-0002-1825-0097)"',
            remedy="name them in the configuration; archives ask for it",
        )
    own = description["configuration"]["own_releases"]
    releases = {
        name: {"dataset": own.get(name, {}).get("dataset")} | described(name, own.get(name))
        for name in description["configuration"]["releases"]
    }
    people = tuple(_creator(text) for text in creators)
    return About(folder.name, _date(results, published, description), people, description, releases)


def _creator(text: str) -> Creator:
    found = re.fullmatch(CREATOR, text)
    if found is None:
        raise InputError("This is no creator.", found=text, expected="Family, Given (ORCID iD)")
    return Creator(found["name"], found["orcid"])


def _date(results: Path, published: str | None, description: Mapping[str, Any]) -> str:
    """The date that was told, or that of the commit; never today's."""
    known = published or description["committed"]
    if not known:
        raise InputError(
            "No date of publication is known.",
            where=results,
            found="a version that was computed outside a git repository, or before dates of commits were kept",
            expected="key publish.date, YYYY-MM-DD",
            remedy="give it: --config 'publish={date: 2026-01-31, ...}'",
        )
    try:
        return date.fromisoformat(known).isoformat()
    except ValueError:
        raise InputError("This is no date of publication.", found=known, expected="YYYY-MM-DD") from None
