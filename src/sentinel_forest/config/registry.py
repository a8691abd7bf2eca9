"""Entries of the registry: one published version of a dataset, as `registry/releases` describes it."""

from typing import Annotated, Any, Literal

from sentinel_forest.config.fields import (
    AS_GIVEN,
    Address,
    Count,
    Jobs,
    Line,
    Name,
    Natural,
    RelativePath,
    Section,
    absent,
    checksum,
)
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.settings import DrawSettings


class Citation(Section):
    """What to cite."""

    text: str
    """Reference in words."""

    doi: str
    """DOI of the paper."""


class Credentials(Section):
    """Publicly documented user name and password of a server."""

    user: Line | None = absent()
    """User name."""

    password_public: Line | None = absent()
    """Password."""


class Checksums(Section):
    """Published checksums, in hexadecimal digits; in quotes if there are only figures."""

    md5: Annotated[str, checksum("md5")] | None = absent()
    """32 hexadecimal digits."""

    sha1: Annotated[str, checksum("sha1")] | None = absent()
    """40 hexadecimal digits."""

    sha256: Annotated[str, checksum("sha256")] | None = absent()
    """64 hexadecimal digits."""

    sha512: Annotated[str, checksum("sha512")] | None = absent()
    """128 hexadecimal digits."""


class RegisteredFile(Section):
    """One file of a release."""

    path: RelativePath
    """Path below the release's folder, with /; no part is empty, '.' or '..', and there are no backslashes and no
    control characters."""

    bytes: Natural | None = None
    """Length in bytes; null if not published."""

    checksums: Checksums | None = None
    """Checksum by algorithm; null if not published."""

    addresses: list[Address] = []
    """Addresses of this file instead of the sources."""

    about_bytes: Count | None = None
    """Approximate length in bytes, for plans, where the exact one is not published; null if nothing is known."""

    about_unpacked_bytes: Count | None = None
    """Approximate bytes that an archive becomes; null if nothing is known."""

    role: Literal["data", "metadata", "archive"] = "data"
    """What the file is."""

    facts: dict[str, Any] = {}
    """Published properties that the content is held against."""


class Suggestions(Section):
    """What stands in place of the configuration's defaults where a configuration gives none."""

    draw: Annotated[DrawSettings, AS_GIVEN] | None = absent()
    """See the configuration."""

    forest: Annotated[ForestSettings, AS_GIVEN] | None = absent()
    """See the configuration."""


class RegistryEntry(Section):
    """One published version of a dataset."""

    release: Name
    """Name of the release, which equals the name of the file."""

    dataset: Name
    """The dataset module that knows the layout."""

    title: str
    """Full name for people."""

    version: str
    """The publisher's version."""

    licence: str
    """SPDX identifier of the licence, or the publisher's wording."""

    citation: Citation
    """What to cite."""

    home: str | None = absent()
    """Landing page."""

    layout: dict[str, Any] = {}
    """Deviations from the dataset's published layout."""

    shards: Jobs
    """Number of row ranges that the catalog is cut into; each is one job."""

    patches: dict[str, Natural | None] = {}
    """Published number of patches by split (null where unknown)."""

    sources: list[Address] = []
    """Base addresses in order of preference, with {path}."""

    revision: str | None = absent()
    """Revision of the hub repository."""

    credentials: Credentials = Credentials()
    """Publicly documented user name and password of a server."""

    sample: dict[str, Any] | None = absent()
    """Settings of the built-in scene model that writes this release."""

    settings: Suggestions = Suggestions()
    """What stands in place of the configuration's defaults of draw and forest where a configuration gives none."""

    notes: list[str] = []
    """What a user should know before use."""

    files: list[RegisteredFile] = []
    """The files of the release."""
