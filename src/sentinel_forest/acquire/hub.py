"""Files of a Hugging Face repository: the commit behind a revision, and the digests it has recorded.

Addresses in the registry are ``hf://datasets/<repository>@<revision>/<path>``; the plain web address of
a file on the hub means the same. ``HF_ENDPOINT`` and ``HF_TOKEN`` are those of the hub's own clients.
"""

import json
import os
import re
import urllib.error
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from sentinel_forest.acquire.transfer import REASONS, Access, BrokenOffError, RefusedError, checked_access, open_http
from sentinel_forest.io.borders import quoted, shown, wrong_checksum, wrong_path

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
    """What the hub has recorded of a file: length in bytes and digests by algorithm.

    Large files have ``sha256``; others ``git``, the SHA-1 that git gives to their content.
    """

    size: int
    digests: dict[str, str]


def endpoint() -> str:
    """Base address of the hub."""
    return os.environ.get("HF_ENDPOINT", HUB).rstrip("/")


def access() -> Access:
    """The user's token, if there is one.

    Raises
    ------
    InputError
        If the token cannot be sent; it is not shown.
    """
    return checked_access(Access(token=os.environ.get("HF_TOKEN", "").strip()), "HF_TOKEN")


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
    for _ in range(MOST_PAGES):
        if not following:
            return files
        entries, following = _get(following, timeout)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise RefusedError("the hub's answer is not a list of files")
        files |= dict(_listed(entry) for entry in entries if entry.get("type") == "file")
    raise RefusedError(f"the hub's list of files has more than {MOST_PAGES} pages")


def _listed(entry: dict[str, Any]) -> tuple[str, Listed]:
    """A file of a listing, checked: its path, and what is recorded of it."""
    path, large = entry.get("path"), entry.get("lfs")
    record = (large or entry) if isinstance(large or entry, dict) else {}
    algorithm, oid, size = "sha256" if large else "git", record.get("oid"), record.get("size")
    wrong = wrong_path(path) or wrong_checksum(algorithm, oid)
    if wrong or not isinstance(size, int) or size < 0:
        raise RefusedError(
            f"the hub lists what cannot be a file: path {quoted(path)}, oid {quoted(oid)},"
            f" size {quoted(size)}{': ' if wrong else ''}{wrong}"
        )
    return str(path), Listed(size, {algorithm: str(oid).lower()})


def _get(address: str, timeout: float) -> tuple[Any, str | None]:
    """An answer of the hub's interface, and the address of its next page."""
    try:
        with open_http(address, access(), timeout) as response:
            body = response.read(MOST_BYTES + 1)
            if len(body) > MOST_BYTES:
                raise RefusedError(f"the hub's answer has more than {MOST_BYTES} B")
            content = json.loads(body)
            following = _NEXT.search(response.headers.get("Link", ""))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (408, 429) or error.code >= 500:
            raise BrokenOffError(f"the hub answers {error.code}") from None
        raise RefusedError(REASONS.get(error.code, f"the hub answers {error.code}")) from None
    except (ValueError, RecursionError):
        raise RefusedError(f"the hub's answer is not JSON ({shown(address)})") from None
    except (OSError, HTTPException) as error:
        raise BrokenOffError(f"no answer from {urlsplit(address).hostname} ({type(error).__name__})") from None
    page = following[1] if following else None
    if page and urlsplit(page)[:2] != urlsplit(address)[:2]:
        raise RefusedError("the hub's next page lies on another server")
    return content, page
