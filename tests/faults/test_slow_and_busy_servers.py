"""Servers that limit, stall, drip or never end: each has a bound, the next mirror its turn, and a user a reason."""

import datetime
import hashlib
import itertools
import json
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from email.utils import format_datetime, formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from servers import COMMIT, give, give_range, odd_server, program
from toys import Toy, content

from sentinel_forest.acquire import fetch, hub, server, transfer
from sentinel_forest.acquire.credentials import Access
from sentinel_forest.acquire.server import LONGEST_WAIT, BrokenOffError, wait_of
from sentinel_forest.acquire.transfer import Patience

pytestmark = pytest.mark.xdist_group("faults")

BODY = content(300_000)
SHA = {"sha256": hashlib.sha256(BODY).hexdigest()}


def part_of(body: bytes, part: tuple[int, int | None] | None) -> tuple[bytes, int, dict[str, str]]:
    """Bytes, status and headers of the answer of a sound server."""
    first, last = part or (0, None)
    last = len(body) - 1 if last is None else last
    found = {"Content_Range": f"bytes {first}-{last}/{len(body)}"} if part else {}
    return body[first : last + 1], 206 if part else 200, {"Content_Length": str(last + 1 - first), **found}


# Servers that limit requests


def test_what_a_server_asks_to_wait() -> None:
    now = formatdate(1_700_000_000, usegmt=True)
    later = formatdate(1_700_000_120, usegmt=True)
    assert wait_of({"Retry-After": "7"}) == 7
    assert wait_of({"Retry-After": later, "Date": now}) == 120
    assert wait_of({"Retry-After": now, "Date": later}) == 0
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    assert 50 < wait_of({"Retry-After": format_datetime(soon, usegmt=True)}) <= 60
    assert wait_of({"RateLimit": '"api";r=0;t=55'}) == 55
    for bound in ("999999999", "Fri, 31 Dec 9999 23:59:59 GMT"):
        assert wait_of({"Retry-After": bound}) == LONGEST_WAIT
    for nothing in ("", "-5", "1e9", "soon", "٣", "Mon, 99 Foo 2020", "9" * 5000):
        assert wait_of({"Retry-After": nothing}) == 0


def test_a_limit_without_a_time_is_left_alone_for_a_minute() -> None:
    limited = BrokenOffError("", limited=True)
    assert [Patience().pause(attempt, limited) for attempt in (1, 6)] == [60, 160]
    assert Patience().pause(1, BrokenOffError("", wait=200)) == 200
    assert sum(Patience().pause(attempt, limited) for attempt in range(1, Patience().attempts)) >= 300


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_is_left_alone_for_as_long_as_it_asks(toy: Toy, status: int, form: str) -> None:
    asked: list[float] = []

    def answer(request: Any, part: Any) -> None:
        asked.append(time.monotonic())
        if len(asked) == 1:
            later = {"seconds": "1", "date": formatdate(time.time() + 2, usegmt=True)}[form]
            give(request, b"", status, Retry_After=later, Date=formatdate(time.time(), usegmt=True))
        else:
            give_range(request, BODY, part)

    with odd_server(answer) as url:
        toy.file("a.dat", len(BODY), SHA, [url])
        toy.fetch()
    assert asked[1] - asked[0] >= 0.99
    assert f"({status}), and asks to wait" in toy.said


def test_a_server_that_limits_for_good_is_named_and_nothing_is_waited_for_at_the_end(toy: Toy) -> None:
    asked: list[float] = []

    def answer(request: Any, part: Any) -> None:
        asked.append(time.monotonic())
        give(request, b"", 429, Retry_After="1")

    with odd_server(answer) as url:
        toy.file("a.dat", len(BODY), SHA, [url])
        said = toy.fails(attempts=2)
        ended = time.monotonic()
    assert len(asked) == 2
    assert ended - asked[-1] < 0.9, "it waits although nothing is tried afterwards"
    assert "limits requests (429)" in said
    assert "when the server takes requests" in said


def test_a_hub_that_limits_is_asked_again_in_time(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def answer(request: Any, part: Any) -> None:
        asked.append(time.monotonic())
        give(request, b"", 429, RateLimit='"api";r=0;t=1')

    with odd_server(answer) as url:
        monkeypatch.setenv("HF_ENDPOINT", url.removesuffix("/{path}"))
        toy.entry["sources"] = ["hf://datasets/us/toy@main/{path}"]
        toy.file("a.dat", None, None, [])
        said = toy.fails(attempts=2)
        ended = time.monotonic()
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 0.99
    assert ended - asked[1] < 0.9
    assert "the hub limits requests (429)" in said


# Servers that refuse ranges


@pytest.mark.parametrize("size", [len(BODY), 0])
def test_a_range_that_is_not_satisfiable_is_no_empty_file(toy: Toy, size: int) -> None:
    body = BODY[:size]

    def answer(request: Any, part: Any) -> None:
        if part:
            give(request, b"no", 416, Content_Length="2")
        else:
            give(request, body, Content_Length=str(size))

    with odd_server(answer) as url:
        toy.file("a.dat", None, {"sha256": hashlib.sha256(body).hexdigest()}, [url])
        toy.fetch()
    assert (toy.data / "a.dat").read_bytes() == body


# Servers without end


def drip(request: Any, body: bytes, seconds: float = 0.05) -> None:
    for byte in body:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(seconds)


def test_a_server_that_drips_makes_room_for_the_next(toy: Toy, client: str) -> None:
    def slow(request: Any, part: Any) -> None:
        if part == (0, 0) or request.command == "HEAD":
            return give_range(request, BODY, part)
        body, status, headers = part_of(BODY, part)
        give(request, b"", status, **headers)
        return drip(request, body)

    with odd_server(slow) as first, odd_server(lambda request, part: give_range(request, BODY, part)) as second:
        toy.file("a.dat", len(BODY), SHA, [first, second])
        toy.fetch(timeout=1)
    assert (toy.data / "a.dat").read_bytes() == BODY
    assert "sends less than 1000 B/s" in toy.said


def test_a_server_that_breaks_each_connection_after_a_few_bytes_is_given_up(toy: Toy, client: str) -> None:
    asked = itertools.count()

    def answer(request: Any, part: Any) -> None:
        next(asked)
        body, status, headers = part_of(BODY, part)
        give(request, body if part == (0, 0) else body[:1], status, **headers)

    with odd_server(answer) as url:
        toy.file("a.dat", len(BODY), SHA, [url])
        assert "cannot be fetched" in toy.fails()
    assert next(asked) < 40


def test_a_server_that_names_another_state_each_time_is_given_up(toy: Toy, client: str) -> None:
    """Without a checksum each new state starts the file over; that must not go on for ever."""
    states = itertools.count()

    def answer(request: Any, part: Any) -> None:
        body, status, headers = part_of(BODY, part)
        sent = body if part == (0, 0) else body[:100_000]
        give(request, sent, status, **headers, ETag=f'"{next(states)}"')

    with odd_server(answer) as url:
        toy.file("a.dat", None, None, [url])
        assert "cannot be fetched" in toy.fails()
    assert next(states) < 60
    assert not (toy.data / "a.dat").exists()


@pytest.mark.parametrize("known", ["size", "about", "nothing"])
def test_a_body_without_end_is_cut(toy: Toy, client: str, known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MOST_OF_UNKNOWN_SIZE", 400_000)
    sent = [0]

    def answer(request: Any, part: Any) -> None:
        give(request, b"")
        while request.command == "GET" and sent[0] < 400_000_000:
            request.wfile.write(bytes(65536))
            sent[0] += 65536

    with odd_server(answer) as url:
        more = {"about_bytes": 200_000} if known == "about" else {}
        toy.file("a.dat", 400_000 if known == "size" else None, SHA, [url], **more)
        assert "more than 400000 B" in toy.fails()
    assert sent[0] < 400_000_000
    assert not toy.partials() or max(path.stat().st_size for path in toy.partials()) < 400_000_000


def test_an_answer_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: Any, part: Any) -> None:
        drip(request, b"HTTP/1.0 200 OK\r\nX: " + b"x" * 60_000)

    with odd_server(answer) as url:
        began = time.monotonic()
        with pytest.raises(BrokenOffError, match="no whole answer within 1 s"):
            server.ask(url.replace("{path}", "a"), Access(), 0.5)
        assert time.monotonic() - began < 3


LISTING = [{"type": "file", "path": f"{n}.dat", "size": 1, "oid": "0" * 40} for n in range(3)]


@pytest.mark.parametrize(
    ("bound", "words"),
    [("same page", "does not end"), ("MOST_FILES", "does not end"), ("MOST_SECONDS", "was not complete within")],
)
def test_a_listing_has_bounds(toy: Toy, bound: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if bound != "same page":
        monkeypatch.setattr(hub, bound, {"MOST_FILES": 2, "MOST_SECONDS": 0.1}[bound])
    pages = itertools.count()

    def answer(request: Any, part: Any) -> None:
        time.sleep(0.03)
        page = 0 if bound == "same page" else next(pages)
        link = f'<http://{request.headers["Host"]}/api?cursor={page}>; rel="next"'
        give(request, json.dumps(LISTING).encode(), Link=link)

    with odd_server(answer) as url:
        monkeypatch.setenv("HF_ENDPOINT", url.removesuffix("/{path}"))
        toy.entry["sources"] = [f"hf://datasets/us/toy@{COMMIT}/{{path}}"]
        toy.file("a.dat", None, None, [])
        assert words in toy.fails(attempts=1)
    assert next(pages) < 20


# Certificates, and the end of a run


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[str]:
    """A server whose certificate nobody has signed but itself."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    made = subprocess.run([program("openssl"), *words, "-keyout", key, "-out", certificate], capture_output=True)
    assert made.returncode == 0, made.stderr

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            give(self, BODY)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.socket = context.wrap_socket(served.socket, server_side=True)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{served.server_port}/{{path}}"
    served.shutdown()
    served.server_close()


def test_a_bad_certificate_is_named(toy: Toy, encrypted: str) -> None:
    toy.file("a.dat", len(BODY), SHA, [encrypted])
    said = toy.fails()
    assert "the certificate of the server is not valid: self-signed certificate" in said.replace(
        "self signed", "self-signed"
    )
    assert "later" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fetch_ends_without_a_stack(toy: Toy, number: signal.Signals) -> None:
    with odd_server(lambda request, part: drip(request, b"x" * 1000, 1)) as url:
        toy.file("a.dat", len(BODY), SHA, [url])
        process = toy.start(timeout=1, attempts=100, wait=5)
        while process.poll() is None and not list((toy.store / "partial").glob("*.lock")):
            time.sleep(0.05)
        process.send_signal(number)
        errors = process.communicate(timeout=30)[1]
    assert process.returncode != 0
    assert "Traceback" not in errors
    assert "Stopped." in errors


# A file of the very state that was asked for


@pytest.mark.parametrize("tag", ['"a"', 'W/"a"'])
def test_parts_are_asked_for_under_a_strong_validator(toy: Toy, client: str, tag: str) -> None:
    heard: list[str | None] = []
    broken: list[int] = []

    def answer(request: Any, part: Any) -> None:
        body, status, headers = part_of(BODY, part)
        if part != (0, 0) and request.command == "GET":
            heard.append(request.headers.get("If-Range"))
            if not broken:
                broken.append(1)
                body = body[:100_000]
        give(request, body, status, **headers, ETag=tag)

    with odd_server(answer) as url:
        toy.file("a.dat", None, None, [url])
        toy.fetch()
    assert (toy.data / "a.dat").read_bytes() == BODY
    assert len(heard) >= 2
    assert set(heard) == ({tag} if tag == '"a"' else {None})


def test_less_than_a_note_is_no_note(tmp_path: Path) -> None:
    partial = tmp_path / "a"
    partial.write_bytes(b"x")
    for length in range(60):
        transfer.control_of(partial).write_bytes((b"\0\1" + bytes(100))[:length])
        assert transfer.in_order(partial, "aria2c") == 0
