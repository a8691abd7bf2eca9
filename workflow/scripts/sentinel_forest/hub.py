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

from .transfer import REASONS, Access, BrokenOffError, RefusedError, open_http, shown

HUB = "https://huggingface.co"
_ADDRESS = re.compile(
    r"(?:hf://|https://huggingface\.co/)datasets/(?P<repository>[^/@]+/[^/@]+)"
    r"(?:@|/resolve/)(?P<revision>[^/]+)/(?P<path>.+)"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


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
    """The user's token, if there is one."""
    return Access(token=os.environ.get("HF_TOKEN", "").strip())


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
    if not is_commit(str(found.get("sha"))):
        raise RefusedError("the hub names no commit for the revision")
    return str(found["sha"])


def listing(repository: str, revision: str, timeout: float) -> dict[str, Listed]:
    """All files of a repository at a commit, by path.

    Raises
    ------
    RefusedError, BrokenOffError
        See `transfer.ask`.
    """
    files: dict[str, Listed] = {}
    page: str | None = f"{endpoint()}/api/datasets/{repository}/tree/{revision}?recursive=true"
    while page:
        entries, page = _get(page, timeout)
        for entry in entries:
            if entry.get("type") == "file":
                large = entry.get("lfs")
                digests = {"sha256": large["oid"]} if large else {"git": entry["oid"]}
                files[entry["path"]] = Listed(int((large or entry)["size"]), digests)
    return files


def _get(address: str, timeout: float) -> tuple[Any, str | None]:
    """An answer of the hub's interface, and the address of its next page."""
    try:
        with open_http(address, access(), timeout) as response:
            content = json.loads(response.read())
            following = _NEXT.search(response.headers.get("Link", ""))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (408, 429) or error.code >= 500:
            raise BrokenOffError(f"the hub answers {error.code}") from None
        raise RefusedError(REASONS.get(error.code, f"the hub answers {error.code}")) from None
    except ValueError:
        raise RefusedError(f"the hub's answer is not JSON ({shown(address)})") from None
    except (OSError, HTTPException) as error:
        raise BrokenOffError(
            f"no answer from {urlsplit(address).hostname} ({type(error).__name__})"
        ) from None
    page = following[1] if following else None
    if page and urlsplit(page)[:2] != urlsplit(address)[:2]:
        raise RefusedError("the hub's next page lies on another server")
    return content, page
