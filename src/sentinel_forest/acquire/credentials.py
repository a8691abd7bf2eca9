"""Names, passwords and tokens: where a user keeps them, and what can be sent to a server at all."""

import base64
import netrc
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import control_character, expanded

MOST_BYTES = 1 << 20
"""Bytes that are read of a token file; a token has about 40."""


@dataclass(frozen=True)
class Access:
    """What a server is told to let one in; empty where it asks for nothing."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def header(self) -> str:
        """Value of the header ``Authorization``."""
        if self.token:
            return f"Bearer {self.token}"
        if not self.user:
            return ""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


def checked_access(access: Access, where: object) -> Access:
    """Return access that can be sent to a server.

    Raises
    ------
    InputError
        If a token, name or password holds what would end a line there, or a token anything else that no token
        has. They are not shown.
    """
    for kind, secret in (("token", access.token), ("user name", access.user), ("password", access.password)):
        wrong = "a control character is in it" if control_character(secret) else ""
        if kind == "token" and not wrong and not re.fullmatch(r"[\x21-\x7e]*", secret):
            wrong = "it has a blank, or a character that is not of ASCII"
        if wrong:
            raise InputError(
                f"A {kind} cannot be sent to a server.",
                where=where,
                found=wrong,
                expected="one line" + (" without blanks" if kind == "token" else ""),
                remedy="set it again; a line break is often copied along with it",
            )
    return access


def login(host: str, public: Mapping[str, str]) -> Access:
    """Return name and password for a host: those of the user's netrc file, else the public ones.

    Parameters
    ----------
    host : str
    public : mapping
        `user` and `password_public` of the registry, or nothing.

    Raises
    ------
    InputError
        If the netrc file (``$NETRC`` or ``~/.netrc``) cannot be read, or what it or the registry has for
        the host cannot be sent; neither is shown.
    """
    own, path = _of_netrc(host)
    if own:
        return checked_access(Access(own[0], own[2] or ""), f"{path}, machine {host}")
    known = Access(public.get("user", ""), public.get("password_public", ""))
    return checked_access(known, "`credentials` in the registry")


def _of_netrc(host: str) -> tuple[tuple[str, str | None, str | None] | None, Path]:
    """What the netrc file has for a host, and where the file is."""
    path = expanded(os.environ.get("NETRC") or "~/.netrc", "NETRC")
    try:
        return (netrc.netrc(str(path)).authenticators(host) if path.is_file() else None), path
    except netrc.NetrcParseError as error:
        raise InputError("A netrc file cannot be read.", where=f"{path}, line {error.lineno}") from None
    except UnicodeDecodeError:
        raise InputError("A netrc file cannot be read.", where=path, expected="text in UTF-8") from None
    except OSError as error:
        raise InputError("A netrc file cannot be read.", where=path, found=error.strerror) from None


def hub_access() -> Access:
    """Return the user's token for the hub, found where the hub's own client finds it, or nothing.

    The environment (``HF_TOKEN``, ``HUGGING_FACE_HUB_TOKEN``) comes before the file that ``hf auth login``
    writes (``HF_TOKEN_PATH``, else ``token`` in ``HF_HOME``, else in ``huggingface`` of the user's cache folder).

    Raises
    ------
    InputError
        If the token cannot be read or sent; it is not shown.
    """
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if token := os.environ.get(name, "").strip():
            return checked_access(Access(token=token), name)
    path = _token_file()
    try:
        with open(path, "rb") as stream:
            token = stream.read(MOST_BYTES).decode().strip()
    except (FileNotFoundError, NotADirectoryError):
        return Access()
    except UnicodeDecodeError:
        raise InputError("A token file cannot be read.", where=path, expected="text in UTF-8") from None
    except OSError as error:
        raise InputError("A token file cannot be read.", where=path, found=error.strerror) from None
    return checked_access(Access(token=token), path)


def _token_file() -> Path:
    """Source: ``huggingface_hub.constants``, which expands variables and the home folder in this order."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{cache}/huggingface"
    return expanded(os.path.expandvars(os.environ.get("HF_TOKEN_PATH") or f"{home}/token"), "HF_TOKEN_PATH or HF_HOME")
