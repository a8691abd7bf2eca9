"""Well-kept clients for the bytes of a file: which one for an address, and the words it is called with.

Clients are ``rsync`` for rsync, and for http(s) and ftp ``aria2c`` or, where it is not installed,
``curl``. Names, passwords and tokens reach them by standard input or the environment: they are in
no command line, and addresses are shown without them (`shown`).
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from sentinel_forest.acquire.credentials import Access
from sentinel_forest.acquire.server import Answer, RefusedError
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import control_character, shown

PACKAGES = {"rsync": "rsync", "aria2c": "aria2", "curl": "curl"}
"""Debian packages of the clients."""

ADVICE = ("aria2 will resume download", "If there are any errors, then see")
"""Beginnings of the lines that aria2c ends with whatever has happened."""

CLIENTS = {"rsync": ["rsync"], "http": ["aria2c", "curl"], "https": ["aria2c", "curl"], "ftp": ["aria2c", "curl"]}
"""Clients for each kind of address, the best first."""

REDIRECTED = ("http", "https")
"""Kinds of address whose servers may send a client on to another server."""


def client_of(address: str, access: Access | None = None, ranges: bool = True) -> str:
    """Choose the client for an address.

    Without `ranges` that is curl where it is installed: aria2c asks for the range of all bytes even then.

    Where a token or password is needed and the server may send the client on to another one, that is never
    aria2c, which would give them to the other server too.

    Raises
    ------
    InputError
        If none is installed; names the Debian package.
    """
    scheme = urlsplit(address).scheme
    if scheme not in CLIENTS:
        raise InputError("An address of unknown kind.", found=shown(address), expected=", ".join(CLIENTS))
    secret = access is not None and access.header and scheme in REDIRECTED
    clients = [client for client in CLIENTS[scheme] if not (secret and client == "aria2c")]
    for client in clients if ranges else reversed(clients):
        if shutil.which(client):
            return client
    packages = " or ".join(PACKAGES[client] for client in clients)
    raise InputError(
        f"No program to fetch a file with{' that keeps a password or token to itself' if secret else ''}.",
        where=shown(address),
        expected=" or ".join(clients),
        remedy=f"install the package {packages}, for example with `apt-get install {packages.split(' ')[0]}`",
    )


class Call(NamedTuple):
    """How a client is called: command line, words for standard input, additions to the environment."""

    command: list[str]
    words: str = ""
    environment: Mapping[str, str] = {}


def call(client: str, answer: Answer, access: Access, partial: Path, timeout: int, is_held: bool = False) -> Call:
    """Say how a client is called; parameters as of `sentinel_forest.acquire.transfer.transfer`.

    Raises
    ------
    RefusedError
        If an address, a name or a folder would become more than one line.
    """
    if client == "rsync":
        return _rsync(answer, access, partial, timeout)
    held = is_held and answer.strong and answer.ranges and urlsplit(answer.address).scheme in REDIRECTED
    headers = [f"If-Range: {answer.validator}"] if held else []
    return (_aria2c if client == "aria2c" else _curl)(answer, access, partial, timeout, headers)


def _aria2c(answer: Answer, access: Access, partial: Path, timeout: int, headers: Sequence[str]) -> Call:
    options = {"dir": str(partial.parent), "out": partial.name}
    # It would give a password or token to a server that it is sent on to: `client_of` sees to it that curl
    # takes those to http. Servers of ftp send nobody on.
    if access.user and urlsplit(answer.address).scheme == "ftp":
        options |= {"ftp-user": access.user, "ftp-passwd": access.password}
    # Pieces that have arrived are noted each second: what was not noted is lost when aria2c itself is
    # killed. It does not try again by itself, because the file may have been replaced in the meantime.
    # Without HEAD it would begin with a request for the whole file and break it off, at a cost of some
    # megabytes each time; a signed address (with a query) may allow nothing but GET. Connections take
    # large parts in their order, so that checksums can be computed meanwhile; at the end of a part some
    # megabytes are under way in vain, which would be a few percent of small ones.
    # What a file holds, or its server says that it is, never makes it fetch other files.
    head = "false" if urlsplit(answer.address).query else "true"
    connections = 4 if answer.ranges else 1
    command = [
        "aria2c",
        "--no-conf",
        "--no-netrc",
        "--continue",
        f"--split={connections}",
        f"--max-connection-per-server={connections}",
        "--follow-torrent=false",
        "--follow-metalink=false",
        "--min-split-size=1024M",
        "--stream-piece-selector=inorder",
        "--file-allocation=none",
        "--disk-cache=0",
        "--auto-save-interval=1",
        "--auto-file-renaming=false",
        "--allow-overwrite=true",
        "--max-tries=1",
        f"--use-head={head}",
        f"--timeout={timeout}",
        f"--connect-timeout={timeout}",
        "--check-certificate=true",
        "--console-log-level=error",
        "--show-console-readout=false",
        "--summary-interval=0",
        "--download-result=hide",
        "--input-file=-",
    ]
    words = [*options.items(), *(("header", header) for header in headers)]
    return Call(command, _lines([answer.address, *(f"  {key}={value}" for key, value in words)]))


def _curl(answer: Answer, access: Access, partial: Path, timeout: int, headers: Sequence[str]) -> Call:
    options = [("url", answer.address), ("output", str(partial)), *(("header", header) for header in headers)]
    if access.token:
        options.append(("header", f"Authorization: {access.header}"))
    elif access.user:
        options.append(("user", f"{access.user}:{access.password}"))
    # `ask` has been sent on already: a server that does it now as well is asked again, without our password.
    most = "0" if access.header else "20"
    command = [
        "curl",
        "--disable",
        "--fail",
        "--location",
        "--max-redirs",
        most,
        "--globoff",
        "--silent",
        "--show-error",
        "--continue-at",
        "-",
        "--connect-timeout",
        str(timeout),
        "--speed-limit",
        "1",
        "--speed-time",
        str(timeout),
        "--config",
        "-",
    ]
    return Call(command, _lines(f"{key} = {_quoted(value)}" for key, value in options))


def _lines(lines: Iterable[str]) -> str:
    """Lines for the standard input of a client; none of them can become two."""
    whole = list(lines)
    if any(control_character(line) for line in whole):
        raise RefusedError("an address, a name or a folder has a control character in it")
    return "\n".join(whole) + "\n"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rsync(answer: Answer, access: Access, partial: Path, timeout: int) -> Call:
    # The server is told the name of the user from the environment, where the address has none.
    secret = {"USER": access.user, "RSYNC_PASSWORD": access.password} if access.user else {}
    command = [
        "rsync",
        "--times",
        "--partial",
        "--inplace",
        "--ignore-times",
        "--no-motd",
        f"--timeout={timeout}",
        f"--contimeout={timeout}",
        answer.address,
        str(partial),
    ]
    return Call(command, environment=secret)


def reason_of(message: str, access: Access) -> str:
    """Return what a client printed as the reason of its end, without addresses and secrets."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(ADVICE)]
    if not lines:
        return ""
    reason = re.sub(r".*errorCode=\d+ ", "", lines[-1])
    line = re.sub(r"\w+://\S+", lambda match: shown(match[0]), reason)
    for secret in (access.token, access.password):
        line = line.replace(secret, "***") if secret else line
    return f": {line[:200]}"
