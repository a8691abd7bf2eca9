"""Attacks by servers and hubs: their answers, and how they break off."""

import hashlib
import json
import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

from fuzz.harness import WrongError
from sentinel_forest.acquire.addresses import located
from sentinel_forest.acquire.fetch import obtain_all
from sentinel_forest.acquire.means import Means
from sentinel_forest.acquire.store import Store
from sentinel_forest.acquire.transfer import Patience
from sentinel_forest.config.files import File

SIZE = 40_000
BODY, OTHER = random.Random(1).randbytes(SIZE), random.Random(2).randbytes(SIZE)
COMMIT = "c" * 40
MOST_FLIPS = 20
"""Bytes that the server itself may have changed on the way, one in an answer; a mixture differs in thousands."""
PATIENCE = Patience(attempts=2, wait=0.01, timeout=1)


@contextmanager
def _server(answer: Any) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            with suppress(OSError):
                answer(self)

        def do_HEAD(self) -> None:
            self.do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def nothing(folder: Path) -> None:
    """Nothing has to be there."""


PLACES = ("http://[", "file:///etc/passwd", "http://127.0.0.1:1/", "/")


class Unsound:
    """A server of one file, each of whose answers may be wrong in some way; the file may be replaced meanwhile."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.body, self.state = chance, BODY, 0
        self.faults = chance.choice((0.2, 0.5, 0.9))
        self.tag = chance.choice(("strong", "weak", "none"))

    def __call__(self, request: Any) -> None:
        chance = self.chance
        if chance.random() < 0.15:
            self.body, self.state = (OTHER if self.body is BODY else BODY), self.state + 1
        first, last = self._part(request.headers.get("Range", ""))
        held = request.headers.get("If-Range")
        if held and held != self._tag():
            first, last = 0, SIZE - 1
        whole = (first, last) == (0, SIZE - 1)
        status, body = (200 if whole else 206), self.body[first : last + 1]
        headers = {"Content-Length": str(len(body)), "ETag": self._tag()}
        if status == 206:
            headers["Content-Range"] = f"bytes {first}-{last}/{SIZE}"
        if chance.random() < self.faults:
            status, headers, body = self._fault(status, headers, body)
        request.send_response_only(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)

    def _tag(self) -> str:
        return {"strong": f'"{self.state}"', "weak": f'W/"{self.state}"', "none": ""}[self.tag]

    @staticmethod
    def _part(header: str) -> tuple[int, int]:
        first, _, last = header.removeprefix("bytes=").partition("-")
        return int(first or 0), min(int(last or SIZE - 1), SIZE - 1)

    def _fault(self, status: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        chance = self.chance
        match chance.randrange(9):
            case 0:
                return chance.choice((403, 404, 416, 429, 500, 503)), {"Retry-After": "0"}, b"no"
            case 1:
                return status, headers, body[: chance.randrange(len(body) + 1)]
            case 2:
                return status, headers | {"Content-Length": chance.choice(("-1", "x", "9" * 30, "0"))}, body
            case 3:
                return status, headers | {"Content-Range": chance.choice(("bytes */*", "x", "bytes 5-1/2"))}, body
            case 4:
                return (
                    302,
                    {"Location": chance.choice(("http://[", "file:///etc/passwd", "http://127.0.0.1:1/", "/"))},
                    b"",
                )
            case 5:
                return status, {}, body
            case 6:
                return 200, {"Content-Type": "text/html"}, b"<html>"
            case 7:
                flipped = bytearray(body)
                flipped[chance.randrange(len(body))] ^= 1
                return status, headers, bytes(flipped)
            case _:
                return status, headers | {"ETag": chance.choice(("\xff", "x" * 60_000, '"'))}, body


def _fetched(files: list[File], folder: Path) -> list[bytes]:
    """Bytes of files, as they stand in the store afterwards."""
    means = Means(Store(folder / "store"), PATIENCE, streams=(StringIO(),))
    stored = obtain_all(located(files, folder / "toy", means), folder / "toy", means)
    return [means.store.path(stored[file.path]).read_bytes() for file in files]


def attack_by_a_server(chance: random.Random, folder: Path, _: None) -> None:
    """With a checksum the right bytes come, or a message; without one, never a mixture of two states."""
    known = chance.random() < 0.6
    server = Unsound(chance)
    with _server(server) as url:
        checksums = {"sha256": hashlib.sha256(BODY).hexdigest()} if known else {}
        [found] = _fetched([File("a.dat", checksums=checksums, addresses=(f"{url}/a.dat",))], folder)
    if known and found != BODY:
        raise WrongError("other bytes than the published ones")
    if not known and min(_differences(found, BODY), _differences(found, OTHER)) > MOST_FLIPS:
        raise WrongError("a mixture of two states of a file")


def _differences(one: bytes, other: bytes) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


ANSWERS: tuple[Any, ...] = (None, True, 5, -1, 1e300, "", "x", "../../x", "/etc/passwd", "a\nb", [], {}, [[]], "٠" * 64)


def attack_by_a_hub(chance: random.Random, folder: Path, _: None) -> None:
    """Answers of other types, with paths in place of checksums, or that are no JSON."""
    sha = hashlib.sha256(BODY).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": "a.dat", "size": SIZE, "oid": "0" * 40}
    entry["lfs"] = {"oid": sha, "size": SIZE}
    answers: dict[str, Any] = {"revision": {"sha": COMMIT}, "tree": [entry]}
    inside: Any = chance.choice((answers, answers["revision"], entry, entry, entry["lfs"], entry["lfs"]))
    inside[chance.choice(list(inside))] = chance.choice(ANSWERS)

    def answer(request: Any) -> None:
        kind = next((kind for kind in answers if f"/{kind}/" in request.path), "")
        body = json.dumps(answers[kind]).encode() if kind else BODY
        if kind and chance.random() < 0.2:
            body = chance.choice((body[:-1], b"\xff" + body, b"[" * 100_000, b"9" * 6000, b""))
        request.send_response_only(200)
        request.send_header("Content-Length", str(len(body)))
        if kind and chance.random() < 0.2:
            request.send_header("Link", chance.choice(('<x>; rel="next"', '<http://[>; rel="next"', '<>; rel="next"')))
        request.end_headers()
        request.wfile.write(body)

    with _server(answer) as url:
        os.environ["HF_ENDPOINT"] = url
        [found] = _fetched([File("a.dat", addresses=("hf://datasets/us/toy@main/a.dat",))], folder)
    if found != BODY:
        raise WrongError("other bytes than those of the hub's checksum")
