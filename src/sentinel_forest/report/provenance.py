"""The last page: what a version was computed from, and under which licences."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.io.borders import shown
from sentinel_forest.io.checksums import file_checksum
from sentinel_forest.report.inputs import VersionResults
from sentinel_forest.report.model import Cell, Item, Listing, Note, Page, Section, Source, table
from sentinel_forest.versions import crate

VERSION = Source(paths.VERSION, "seal")
ENVIRONMENT = Source(paths.ENVIRONMENT, "seal")
LEAD = (
    "The same configuration, data and code give the same manifest on any number of cores, and on any machine with the "
    "same packages, unless a split met its time limit. To check the result files of this version, run sha256sum -c "
    "manifest.sha256 in its folder; pages and figures are made from them."
)


def page(version: VersionResults) -> Page:
    """Checksums, configuration, environment, licences and citations."""
    sections = (
        Section("Checksums", _checksums(version)),
        Section("Licences and citations", licences(version)),
        Section("Environment", (_environment(version.description["environment"]),)),
        Section("Configuration", (_configuration(version),)),
    )
    return Page("provenance", "Provenance", LEAD, sections, prints_tables=True)


def _checksums(version: VersionResults) -> tuple[Item, ...]:
    identity = version.description["identity"]
    rows = [("configuration", "", identity["configuration"]), ("code", "", identity["code"])]
    rows += [
        (kind, name, value) for kind in ("registry", "data") for name, value in sorted(identity.get(kind, {}).items())
    ]
    if (version.folder / paths.MANIFEST).is_file():
        rows.append(("manifest", "", file_checksum(version.folder / paths.MANIFEST)))
    frame = pd.DataFrame(rows, columns=["what", "release", "SHA-256"])
    commit = version.description["commit"]
    names = [paths.CRATE, *(release.file(paths.CROISSANT) for release in version.releases)]
    found = tuple((name, name) for name in names if (version.folder / name).is_file())
    machines = (Note("For machines (RO-Crate, Croissant):", links=found),) if found else ()
    return (
        table(
            "What determines this version",
            frame,
            [VERSION, Source(paths.MANIFEST, "seal")],
            "Two versions with the same checksums have the same results.",
        ),
        Note(
            f"Commit of the checkout: {commit}."
            if commit
            else "The code was not run from a repository: no commit is known."
        ),
        *machines,
    )


def licences(version: VersionResults) -> tuple[Item, ...]:
    """Licence and citation of every release, and what does not go together."""
    rows = [
        (
            release.name,
            str(release.entry["licence"]),
            release.entry.get("citation", {}).get("text", "not registered: an own release"),
            _doi(release.entry.get("citation", {}).get("doi", "")),
            _home(shown(release.entry.get("home", ""))),
        )
        for release in version.releases
    ]
    frame = pd.DataFrame(rows, columns=["release", "licence", "cite", "DOI", "home"])
    notes = [Note(text, "warning") for text in crate.licences({row[0]: row[1] for row in rows})]
    return (
        *notes,
        table("Licences and citations of the releases", frame, [VERSION], "From the registry entries of the releases."),
    )


def _doi(doi: str) -> Cell:
    return Cell("", doi, links=((doi, f"https://doi.org/{doi}"),)) if doi else Cell("")


def _home(address: str) -> Cell:
    return Cell("", address, links=((address.split("//")[-1], address),)) if address else Cell("")


def _environment(environment: Mapping[str, str]) -> Item:
    frame = pd.DataFrame(sorted(environment.items()), columns=["package", "version"])
    return table("Versions of Python and packages", frame, [ENVIRONMENT])


def _configuration(version: VersionResults) -> Listing:
    text: Any = json.dumps(version.configuration, indent=2, sort_keys=True)
    return Listing("Configuration of this version, with all defaults", text, (VERSION,))
