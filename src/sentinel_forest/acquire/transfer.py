"""Bytes of one file from one address: what the server says of it, and well-kept clients that resume.

Clients are ``rsync`` for rsync, and for http(s) and ftp ``aria2c`` or, where it is not installed,
``curl``. Names, passwords and tokens reach them by standard input or the environment: they are in
no command line, and addresses are shown without them (`shown`).
"""

import base64
import ftplib
import netrc
import os
import re
import shutil
import struct
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from threading import Event
from typing import IO, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import control_character, shown, wrong_address

PACKAGES = {"rsync": "rsync", "aria2c": "aria2", "curl": "curl"}
"""Debian packages of the clients."""

CONTROL = ".aria2"
"""Ending of the file in which aria2c keeps which pieces of a file have arrived."""

REASONS = {
    401: "the server asks for a name and password, or the token is wrong or has expired (401)",
    403: "the server refuses access: no permission, or the token has expired (403)",
    404: "the server has no such file (404)",
    410: "the file has been withdrawn (410)",
}
NOT_RESUMED = {("aria2c", 8), ("curl", 33)}
"""Client and status where a server promises to go on in the middle and then sends another part."""

RSYNC_REASONS = {5: "the server refuses: no such module, or a wrong name or password", 23: "no such file"}


ADVICE = ("aria2 will resume download", "If there are any errors, then see")
"""Beginnings of the lines that aria2c ends with whatever has happened."""

CLIENTS = {"rsync": ["rsync"], "http": ["aria2c", "curl"], "https": ["aria2c", "curl"], "ftp": ["aria2c", "curl"]}
"""Clients for each kind of address, the best first."""
REDIRECTED = ("http", "https")
"""Kinds of address whose servers may send a client on to another server."""

_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]+"')
SURE_AFTER = timedelta(seconds=60)
"""Age from which the date of a change tells two states apart, by the clock of one server. Within one second a
file may change twice. Source: RFC 7232, 2.2.2 (RFC 9110, 8.8.2.2)."""
SURE_AFTER_BY_OTHER_CLOCK = timedelta(days=1)
"""The same where the server does not say what time it is: its clock, or its time zone, may be another."""


class RefusedError(Exception):
    """An address does not give the file, and asking again would not help."""


class BrokenOffError(Exception):
    """A transfer ended early; asking again may help."""


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


@dataclass(frozen=True)
class Patience:
    """How often a transfer that brings nothing new is tried, and how long is waited, in seconds.

    The wait doubles with each vain attempt, up to `longest`; after `timeout` without a byte a
    connection counts as broken.
    """

    attempts: int = 6
    wait: float = 5.0
    longest: float = 300.0
    timeout: int = 60

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the vain attempt of this number (from 1)."""
        return min(self.wait * 2 ** (attempt - 1), self.longest)


class Answer(NamedTuple):
    """What a server says of a file.

    `size` in bytes (None: unknown); `validator` differs when the file has been replaced ("" unknown);
    `ranges`: whether a transfer can go on in the middle; `address` after redirection; `strong`: whether
    an equal validator proves that no byte has changed.
    """

    size: int | None
    validator: str
    ranges: bool
    address: str
    strong: bool = False


def checked_access(access: Access, where: object) -> Access:
    """Access as it can be sent to a server.

    Raises
    ------
    InputError
        If a token, name or password holds what would end a line there, or a token anything else that no token
        has. They are not shown.
    """
    for kind, secret in (("token", access.token), ("user name", access.user), ("password", access.password)):
        wrong = control_character(secret)
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
    """Name and password for a host: those of the user's netrc file, else the public ones.

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
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        own = netrc.netrc(str(path)).authenticators(host) if path.is_file() else None
    except netrc.NetrcParseError as error:
        raise InputError("A netrc file cannot be read.", where=f"{path}, line {error.lineno}") from None
    except UnicodeDecodeError:
        raise InputError("A netrc file cannot be read.", where=path, expected="text in UTF-8") from None
    if own:
        return checked_access(Access(own[0], own[2] or ""), f"{path}, machine {host}")
    known = Access(public.get("user", ""), public.get("password_public", ""))
    return checked_access(known, "`credentials` in the registry")


def client_of(address: str, access: Access | None = None) -> str:
    """The client for an address.

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
    for client in clients:
        if shutil.which(client):
            return client
    packages = " or ".join(PACKAGES[client] for client in clients)
    raise InputError(
        f"No program to fetch a file with{' that keeps a password or token to itself' if secret else ''}.",
        where=shown(address),
        expected=" or ".join(clients),
        remedy=f"install the package {packages}, for example with `apt-get install {packages.split(' ')[0]}`",
    )


# What the server says


def ask(address: str, access: Access, timeout: float) -> Answer:
    """Ask a server for length, state and abilities; transfers one byte.

    Raises
    ------
    RefusedError
        If it has no such file or lets us not have it, or gives a page instead.
    BrokenOffError
        If it cannot be reached or has troubles of its own.
    """
    scheme = urlsplit(address).scheme
    if scheme == "rsync":
        return Answer(None, "", True, address, strong=True)  # it compares both files, block by block
    try:
        return _ask_ftp(address, access, timeout) if scheme == "ftp" else _ask_http(address, access, timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (408, 425, 429) or error.code >= 500:
            raise BrokenOffError(f"the server answers {error.code}") from None
        raise RefusedError(REASONS.get(error.code, f"the server answers {error.code}")) from None
    except ftplib.error_perm as error:
        code = str(error)[:3]
        raise RefusedError(
            {"530": "the name or password is wrong (530)", "550": "the server has no such file (550)"}.get(
                code, f"the server answers {code}"
            )
        ) from None
    except (OSError, HTTPException, ftplib.Error, EOFError) as error:
        raise BrokenOffError(f"no answer ({_cause(error)})") from None
    except ValueError:
        raise RefusedError("the address, or one that the server sends us on to, is not valid") from None


def _cause(error: BaseException) -> str:
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or type(reason).__name__


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Follow redirections; `Authorization` goes on to the same server only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        header = req.unredirected_hdrs.get("Authorization")
        if request is not None and header and _same_server(req.full_url, newurl):
            request.add_unredirected_header("Authorization", header)
        return request


def _same_server(one: str, other: str) -> bool:
    return urlsplit(one)[:2] == urlsplit(other)[:2]


def open_http(
    address: str, access: Access, timeout: float, headers: Mapping[str, str] | None = None
) -> AbstractContextManager[Any]:
    """Open an http(s) address for reading."""
    request = urllib.request.Request(address, headers={"Accept-Encoding": "identity", **(headers or {})})
    if access.header:
        request.add_unredirected_header("Authorization", access.header)
    response: AbstractContextManager[Any] = urllib.request.build_opener(_Redirect).open(request, timeout=timeout)
    return response


def _ask_http(address: str, access: Access, timeout: float) -> Answer:
    try:
        with open_http(address, access, timeout, {"Range": "bytes=0-0"}) as response:
            ranges = response.status == 206
            headers, final = response.headers, response.geturl()
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        error.close()
        return Answer(0, "", False, address)  # a file without a byte has no first byte
    if headers.get_content_type() == "text/html" and not urlsplit(address).path.endswith((".html", ".htm")):
        raise RefusedError("the server gives a page (text/html) in place of the file")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedError(f"the server gives the file in another encoding ({headers['Content-Encoding']})")
    length = headers.get("Content-Range", "").rpartition("/")[2] if ranges else headers.get("Content-Length", "")
    size = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None
    validator, strong = _state(headers)
    return Answer(size, validator, ranges, final, strong)


def _state(headers: Mapping[str, str]) -> tuple[str, bool]:
    """The validator of a file, and whether it is a strong one (RFC 9110, 8.8)."""
    if tag := headers.get("ETag"):
        return tag, bool(_STRONG_TAG.fullmatch(tag))
    modified = headers.get("Last-Modified") or ""
    try:
        age = parsedate_to_datetime(headers.get("Date") or "") - parsedate_to_datetime(modified)
    except (TypeError, ValueError):  # a date that is missing or none
        return modified, False
    return modified, age >= SURE_AFTER


def _ask_ftp(address: str, access: Access, timeout: float) -> Answer:
    parts = urlsplit(address)
    path = unquote(parts.path).lstrip("/")
    with ftplib.FTP(timeout=timeout) as server:
        server.connect(parts.hostname or "", parts.port or 21)
        server.login(access.user or "anonymous", access.password)
        server.voidcmd("TYPE I")
        size = server.size(path)
        try:
            modified = server.sendcmd(f"MDTM {path}")
        except ftplib.Error:
            modified = ""
    return Answer(size, f"{modified} {size}" if modified else "", True, address, _is_old(modified))


def _is_old(modified: str) -> bool:
    """Whether the answer to ``MDTM`` gives a date that surely tells two states of a file apart."""
    try:
        date = datetime.strptime(modified, "213 %Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    return datetime.now(UTC) - date >= SURE_AFTER_BY_OTHER_CLOCK


# The transfer


def arrived(partial: Path) -> int:
    """Bytes of a partial file that have arrived; pieces of it may be holes still."""
    try:
        status = partial.stat()
    except FileNotFoundError:
        return 0
    return min(status.st_size, status.st_blocks * 512) if control_of(partial).exists() else status.st_size


def control_of(partial: Path) -> Path:
    """Where aria2c keeps which pieces of a partial file have arrived."""
    return partial.with_name(partial.name + CONTROL)


def in_order(partial: Path, client: str) -> int:
    """Bytes from the start of a file on its way that have arrived without a gap, as far as is known."""
    if not partial.exists():
        return 0
    if client == "aria2c":
        return _pieces_in_order(control_of(partial))
    return partial.stat().st_size if client == "curl" else 0


def _pieces_in_order(control: Path) -> int:
    """The same by aria2c's control file, which it writes each second.

    Source: aria2 manual, technical notes, "Control file (*.aria2) format".
    """
    try:
        data = control.read_bytes()
    except FileNotFoundError:
        return 0
    if not data.startswith(b"\0\1"):
        return 0
    start = 10 + int.from_bytes(data[6:10])
    piece, total, _, length = struct.unpack_from(">IQQI", data, start)
    bits = "".join(f"{byte:08b}" for byte in data[start + 24 : start + 24 + length])
    return min((len(bits) - len(bits.lstrip("1"))) * piece, total)


def transfer(
    answer: Answer,
    access: Access,
    partial: Path,
    lock: int,
    timeout: int,
    stop: Event,
    meanwhile: Callable[[int], bool] = lambda length: False,
) -> None:
    """Fetch a file, or the rest of it, into `partial`; one run of a client.

    Parameters
    ----------
    answer : Answer
        What `ask` said; without `ranges` the transfer starts over, and takes one connection.
    access : Access
        Given to the server that was asked, not to one that it redirected to.
    partial : Path
        The file to write; what is there already is kept and continued.
    lock : int
        Descriptor of a lock; the client holds it too, so that it is held as long as somebody writes.
    timeout : int
        Seconds without a byte after which a connection is broken.
    stop : Event
        Ends the client when set.
    meanwhile : callable
        Called again and again while the client runs, with the bytes from the start that have arrived
        without a gap. It does a little work with them, and says whether there was some.

    Raises
    ------
    BrokenOffError
        If the file is not whole afterwards.
    RefusedError
        If the server says no.
    """
    if wrong := wrong_address(answer.address):
        raise RefusedError(f"the server sends us on to an address that is none: {wrong}")
    client = client_of(answer.address, access)
    holes = control_of(partial).exists()  # curl would take the length of the file for what has arrived
    if not answer.ranges or (holes and client == "curl"):
        partial.unlink(missing_ok=True)
        control_of(partial).unlink(missing_ok=True)
    command, words, environment = {"aria2c": _aria2c, "curl": _curl, "rsync": _rsync}[client](
        answer, access, partial, timeout
    )

    def work() -> bool:
        length = in_order(partial, client)
        return length > 0 and meanwhile(length)

    code, message = _run(command, words, environment, lock, stop, work)
    if code == 0:
        control_of(partial).unlink(missing_ok=True)  # rsync has filled the holes that aria2c noted
        return
    if client == "rsync" and code in RSYNC_REASONS and "max connections" not in message:
        raise RefusedError(RSYNC_REASONS[code])
    if (client, code) in NOT_RESUMED and partial.exists():
        partial.unlink()
        control_of(partial).unlink(missing_ok=True)
        raise BrokenOffError("the server does not go on in the middle, as it says: the file starts over")
    raise BrokenOffError(f"{client} ended with status {code}{_clean(message, access)}")


Call = tuple[list[str], str, dict[str, str]]
"""Command line, words for standard input, additions to the environment."""


def _aria2c(answer: Answer, access: Access, partial: Path, timeout: int) -> Call:
    options = {"dir": str(partial.parent), "out": partial.name}
    # It would give a password or token to a server that it is sent on to: `client_of` sees to it that curl
    # takes those to http. Servers of ftp send nobody on.
    if access.user and urlsplit(answer.address).scheme == "ftp":
        options |= {"ftp-user": access.user, "ftp-passwd": access.password}
    # Pieces that have arrived are noted each second: what was not noted is lost when aria2c itself is
    # killed. It does not try again by itself, because the file may have been replaced in the meantime.
    # Without HEAD it would begin with a request for the whole file and break it off, at a cost of some
    # megabytes each time; a signed address (with a query) may allow nothing but GET. Connections take
    # large parts in their order, so that digests can be computed meanwhile; at the end of a part some
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
    return command, _lines([answer.address, *(f"  {key}={value}" for key, value in options.items())]), {}


def _curl(answer: Answer, access: Access, partial: Path, timeout: int) -> Call:
    options = [("url", answer.address), ("output", str(partial))]
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
    return command, _lines(f"{key} = {_quoted(value)}" for key, value in options), {}


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
    return command, "", secret


def _run(
    command: Sequence[str],
    words: str,
    environment: Mapping[str, str],
    lock: int,
    stop: Event,
    meanwhile: Callable[[], bool],
) -> tuple[int, str]:
    """Run a client to its end; it ends too when this process is killed. Status and what it printed."""
    guard = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*guard, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=(lock,),
            env={**os.environ, "LC_ALL": "C", **environment},
        )
        assert process.stdin is not None
        try:
            with process.stdin as stream:
                stream.write(words.encode())
        except BrokenPipeError:
            pass
        while process.poll() is None:
            if stop.wait(0 if meanwhile() else 0.05):
                process.terminate()
                process.wait()
        output.seek(0)
        return process.returncode, output.read().decode(errors="replace")


def _clean(message: str, access: Access) -> str:
    """What a client printed as the reason of its end, without addresses and secrets."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(ADVICE)]
    if not lines:
        return ""
    reason = re.sub(r".*errorCode=\d+ ", "", lines[-1])
    line = re.sub(r"\w+://\S+", lambda match: shown(match[0]), reason)
    for secret in (access.token, access.password):
        line = line.replace(secret, "***") if secret else line
    return f": {line[:200]}"
