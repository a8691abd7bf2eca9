"""One file of a release, as the registry and the datasets speak of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class File:
    """One file of a release, as registered or as found.

    `path` is relative to the release's folder, with ``/``; `size` in bytes (None: not published);
    `checksums` maps an algorithm to a hex checksum; `facts` are further published properties that the
    dataset checks (e.g. class counts); `role` is ``data``, ``metadata`` or ``archive``; `about` is an
    approximate length in bytes where the exact one is not published, `about_unpacked` what an archive
    becomes.
    """

    path: str
    size: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    role: str = "data"
    facts: Mapping[str, object] = field(default_factory=dict)
    about: int | None = None
    about_unpacked: int | None = None
