"""Files of a Hugging Face repository: the commit behind a revision, and the checksums it has recorded.

Addresses in the registry are ``hf://datasets/<repository>@<revision>/<path>``; the plain web address of
a file on the hub means the same. ``HF_ENDPOINT`` and ``HF_TOKEN`` are those of the hub's own clients.
"""

import json
import os
import re
import time
from typing import Any, NamedTuple
from urllib.parse import quote

from sentinel_forest.acquire.credentials import hub_access
from sentinel_forest.acquire.server import (
    SLOWEST_ANSWER,
    BrokenOffError,
    RefusedError,
    is_same_server,
    open_http,
    within,
)
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import quoted, shown, wrong_address, wrong_checksum, wrong_path

HUB = "https://huggingface.co"
_ADDRESS = re.compile(
    r"(?:hf://|https://huggingface\.co/)datasets/(?P<repository>[^/@]+/[^/@]+)"
    r"(?:@|/resolve/)(?P<revision>[^/]+)/(?P<path>.+)"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')
MOST_BYTES = 32 << 20
"""Bytes of one answer of the hub; a page of a listing has some hundred kB."""
MOST_PAGES = 10_000
"""Pages of one listing; each has up to a thousand files."""
MOST_FILES = 1_000_000
"""Files of one listing."""
MOST_SIZE = 1 << 60
"""Bytes of one file."""
MOST_SECONDS = 600.0
"""Seconds that one listing may take."""


class Place(NamedTuple):
    """A file on the hub."""

    repository: str
    revision: str
    path: str

    @property
    def address(self) -> str:
        """Its address as the registry writes it."""
        return f"hf://datasets/{self.repository}@{self.revision}/{self.path}"

    @property
    def location(self) -> str:
        """Its address on the web."""
        return f"{endpoint()}/datasets/{self.repository}/resolve/{self.revision}/{quote(self.path)}"


class Listed(NamedTuple):
    """What the hub has recorded of a file: length in bytes and checksums by algorithm.

    Large files have ``sha256``; others ``git``, the SHA-1 that git gives to their content.
    """

    size: int
    checksums: dict[str, str]


def endpoint() -> str:
    """Return the base address of the hub.

    Raises
    ------
    InputError
        If ``HF_ENDPOINT`` is no address of the web.
    """
    address = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    wrong = wrong_address(address) or ("" if address.startswith(("https://", "http://")) else "https://...")
    if wrong:
        raise InputError(
            "The address of the hub cannot be used.", where="HF_ENDPOINT", found=quoted(shown(address)), expected=wrong
        )
    return address


def place(address: str) -> Place | None:
    """The place that an address means, or None if it is not on the hub."""
    match = _ADDRESS.fullmatch(address)
    return Place(match["repository"], match["revision"], match["path"]) if match else None


def is_commit(revision: str) -> bool:
    """Whether a revision names a commit, and so can never move."""
    return bool(_COMMIT.fullmatch(revision))


def commit(repository: str, revision: str, timeout: float) -> str:
    """The commit that a revision stands for now.

    Raises
    ------
    RefusedError, BrokenOffError
        See `transfer.ask`.
    """
    if is_commit(revision):
        return revision
    found, _ = _get(f"{endpoint()}/api/datasets/{repository}/revision/{quote(revision, safe='')}", timeout)
    sha = found.get("sha") if isinstance(found, dict) else None
    if not isinstance(sha, str) or not is_commit(sha):
        raise RefusedError("the hub names no commit for the revision")
    return sha


def listing(repository: str, revision: str, timeout: float) -> dict[str, Listed]:
    """All files of a repository at a commit, by path.

    Raises
    ------
    RefusedError, BrokenOffError
        See `transfer.ask`; also if the listing holds a path, a checksum or a length that is none.
    """
    files: dict[str, Listed] = {}
    following: str | None = f"{endpoint()}/api/datasets/{repository}/tree/{revision}?recursive=true"
    seen, end = set[str](), time.monotonic() + MOST_SECONDS
    while following:
        seen.add(following)
        entries, following = _get(following, timeout)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise RefusedError("the hub's answer is not a list of files")
        files |= dict(_listed(entry) for entry in entries if entry.get("type") == "file")
        if following and (following in seen or len(seen) >= MOST_PAGES or len(files) > MOST_FILES):
            raise RefusedError(f"the hub's list of files does not end (page {len(seen)}, {len(files)} files)")
        if time.monotonic() > end:
            raise BrokenOffError(f"the hub's list of files was not complete within {MOST_SECONDS:.0f} s")
    return files


def _listed(entry: dict[str, Any]) -> tuple[str, Listed]:
    """A file of a listing, checked: its path, and what is recorded of it."""
    path, large = entry.get("path"), entry.get("lfs")
    record = (large or entry) if isinstance(large or entry, dict) else {}
    algorithm, oid, size = "sha256" if large else "git", record.get("oid"), record.get("size")
    wrong = wrong_path(path) or wrong_checksum(algorithm, oid)
    if wrong or type(size) is not int or not 0 <= size < MOST_SIZE:
        raise RefusedError(
            f"the hub lists what cannot be a file: path {quoted(path)}, oid {quoted(oid)},"
            f" size {quoted(size)}{': ' if wrong else ''}{wrong}"
        )
    return str(path), Listed(size, {algorithm: str(oid).lower()})


def _get(address: str, timeout: float) -> tuple[Any, str | None]:
    """An answer of the hub's interface, and the address of its next page."""
    body, link = within(SLOWEST_ANSWER * timeout, lambda: _body(address, timeout), "the hub")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(f"the hub's answer is not JSON ({shown(address)})") from None
    following = _NEXT.search(link)
    page = following[1] if following else None
    if page and (wrong_address(page) or not is_same_server(page, address)):
        raise RefusedError("the hub's next page lies on another server")
    return content, page


def _body(address: str, timeout: float) -> tuple[bytes, str]:
    """The bytes of an answer, and its header ``Link``."""
    with open_http(address, hub_access(), timeout) as response:
        body = response.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise RefusedError(f"the hub's answer has more than {MOST_BYTES} B")
        return body, response.headers.get("Link", "")
