"""What a server says of a file: size, state and abilities, within bounds of time and with one form of error."""

import ftplib
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage, InvalidURL
from threading import Thread
from typing import IO, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from sentinel_forest.acquire.credentials import Access
from sentinel_forest.errors import InputError

T = TypeVar("T")

REASONS = {
    401: "the server asks for a name and password, or the token is wrong or has expired (401)",
    403: "the server refuses access: no permission, or the token has expired (403)",
    404: "the server has no such file (404)",
    410: "the file has been withdrawn (410)",
}
LIMITING = (429, 503)
"""Statuses with which a server says that it is asked too often, or has too much to do."""

LONGEST_WAIT = 900.0
"""Seconds that a server may ask to wait; the longest window of the hub's limits is 300 s."""

SLOWEST_ANSWER = 2.0
"""An answer without a file may take this many times the seconds without a byte after which a connection is broken."""

SURE_AFTER = timedelta(seconds=60)
"""Age from which the date of a change tells two states apart, by the clock of one server. Within one second a
file may change twice. Source: RFC 7232, 2.2.2 (RFC 9110, 8.8.2.2)."""
SURE_AFTER_BY_OTHER_CLOCK = timedelta(days=1)
"""The same where the server does not say what time it is: its clock, or its time zone, may be another."""

_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]+"')


class RefusedError(Exception):
    """An address does not give the file, and asking again would not help."""


class BrokenOffError(Exception):
    """A transfer ended early; asking again may help.

    Parameters
    ----------
    reason : str
    wait : float
        Seconds that the server asks to wait first.
    limited : bool
        Whether the server says that it is asked too often.
    """

    def __init__(self, reason: str, wait: float = 0.0, limited: bool = False) -> None:
        super().__init__(reason)
        self.wait, self.limited = wait, limited


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


def ask(address: str, access: Access, timeout: float) -> Answer:
    """Ask a server for size, state and abilities; transfers one byte.

    Raises
    ------
    RefusedError
        If it has no such file or lets us not have it, or gives a page instead.
    BrokenOffError
        If it cannot be reached, is too slow or has troubles of its own.
    """
    scheme = urlsplit(address).scheme
    if scheme == "rsync":
        return Answer(None, "", True, address, strong=True)  # it compares both files, block by block
    asked = _ask_ftp if scheme == "ftp" else _ask_http
    return within(SLOWEST_ANSWER * timeout, lambda: asked(address, access, timeout))


def within(seconds: float, question: Callable[[], T], who: str = "the server") -> T:
    """Ask a question that must be answered in time; a server that sends a byte now and then is not waited for.

    Raises
    ------
    RefusedError, BrokenOffError
        In place of whatever the libraries raise.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            with border(who):
                answer.set_result(question())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise BrokenOffError(f"{who} gave no whole answer within {seconds:.0f} s") from None


@contextmanager
def border(who: str = "the server") -> Iterator[None]:
    """Turn whatever a library raises about a server's answer into one of two errors."""
    try:
        yield
    except (RefusedError, BrokenOffError, InputError):
        raise
    except urllib.error.HTTPError as error:
        with error:
            raise _of_status(error, who) from None
    except ftplib.error_perm as error:
        code = str(error)[:3]
        reasons = {"530": "the name or password is wrong (530)", "550": "the server has no such file (550)"}
        raise RefusedError(reasons.get(code, f"{who} answers {code!a}")) from None
    except InvalidURL:
        raise RefusedError("the address, or one that the server sends us on to, is not valid") from None
    except (OSError, HTTPException, ftplib.Error, EOFError) as error:
        raise _no_answer(error) from None
    except ValueError:
        raise RefusedError("the address, or one that the server sends us on to, is not valid") from None
    except Exception as error:  # a library may break in ways of its own on what a server sends
        raise RefusedError(f"{who} sends what cannot be read ({type(error).__name__})") from None


def _of_status(error: urllib.error.HTTPError, who: str) -> RefusedError | BrokenOffError:
    if error.code in LIMITING:
        wait = wait_of(error.headers)
        asks = f", and asks to wait {wait:.0f} s" if wait else ""
        kind = "limits requests" if error.code == 429 else "has too much to do"
        return BrokenOffError(f"{who} {kind} ({error.code}){asks}", wait, limited=error.code == 429)
    if error.code in (408, 425) or error.code >= 500:
        return BrokenOffError(f"{who} answers {error.code}")
    return RefusedError(REASONS.get(error.code, f"{who} answers {error.code}"))


def _no_answer(error: BaseException) -> RefusedError | BrokenOffError:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return RefusedError(f"the certificate of the server is not valid: {reason.verify_message}")
    return BrokenOffError(f"no answer ({getattr(reason, 'strerror', None) or type(reason).__name__})")


def wait_of(headers: Mapping[str, str] | Message) -> float:
    """Return the seconds that a server asks to wait: a number, or a date by its own clock; at most `LONGEST_WAIT`.

    Where it has no ``Retry-After``, the rest of its window as the hub tells it (``RateLimit: "api";r=0;t=55``).
    """
    text = headers.get("Retry-After") or ""
    window = re.search(r";\s*t=([0-9]{1,9})\b", headers.get("RateLimit") or "")
    if re.fullmatch(r"[0-9]{1,9}", text):
        seconds = float(text)
    elif text:
        seconds = _until(text, headers.get("Date") or "")
    else:
        seconds = float(window[1]) if window else 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _until(date: str, now: str) -> float:
    """Seconds from `now`, else from this moment, until a date; 0 where it is none."""
    try:
        return (parsedate_to_datetime(date) - _date(now)).total_seconds()
    except (TypeError, ValueError, OverflowError):  # a date that is none, or has no zone
        return 0.0


def _date(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return datetime.now(UTC)


# http


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Follow redirections; `Authorization` goes on to the same server only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        header = req.unredirected_hdrs.get("Authorization")
        if request is not None and header and is_same_server(req.full_url, newurl):
            request.add_unredirected_header("Authorization", header)
        return request


def is_same_server(one: str, other: str) -> bool:
    """Whether two addresses are of one server, by kind, host and port."""
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
            return _answer(address, response)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        error.close()
    # A file without a byte has no first byte; other servers refuse all ranges.
    with open_http(address, access, timeout) as response:
        return _answer(address, response)


def _answer(address: str, response: Any) -> Answer:
    """What the head of a response says of a file."""
    headers, ranges = response.headers, response.status == 206
    if headers.get_content_type() == "text/html" and not urlsplit(address).path.endswith((".html", ".htm")):
        raise RefusedError("the server gives a page (text/html) in place of the file")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedError(f"the server gives the file in another encoding ({headers['Content-Encoding'][:40]!a})")
    size = headers.get("Content-Range", "").rpartition("/")[2] if ranges else headers.get("Content-Length", "")
    validator, strong = _state(headers)
    return Answer(
        int(size) if re.fullmatch(r"[0-9]{1,18}", size) else None, validator, ranges, response.geturl(), strong
    )


def _state(headers: Mapping[str, str]) -> tuple[str, bool]:
    """The validator of a file, and whether it is a strong one (RFC 9110, 8.8)."""
    if tag := headers.get("ETag"):
        return tag, bool(_STRONG_TAG.fullmatch(tag))
    modified = headers.get("Last-Modified") or ""
    try:
        age = parsedate_to_datetime(headers.get("Date") or "") - parsedate_to_datetime(modified)
    except (TypeError, ValueError, OverflowError):  # a date that is missing or none
        return modified, False
    return modified, age >= SURE_AFTER


# ftp


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
