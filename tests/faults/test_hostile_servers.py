"""What servers and registries say never becomes a path, a command, a secret told to others, or a mixture."""

import hashlib
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from servers import COMMIT, Hub, give, give_range, odd_server, open_folder
from toys import Toy, content

pytestmark = pytest.mark.xdist_group("faults")

MB = 1_000_000
BODY = content(3 * MB)
SHA = {"sha256": hashlib.sha256(BODY).hexdigest()}
SECRET = "opensesame"
VICTIM = "mine, and to be left alone\n"


@pytest.fixture
def victim(toy: Toy) -> Path:
    """A file of the user's, beside the folders that are written to."""
    path = toy.folder / "home" / ".bashrc"
    path.parent.mkdir()
    path.write_text(VICTIM)
    return path


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files below a folder but the store's locks, the registry and the logs."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".revision") and path.name != "log"
    }


# The hub


class Hostile(Hub):
    """A hub whose listing says of each file what `change` makes of it."""

    change: Callable[[dict[str, Any]], object] = staticmethod(lambda entry: entry)

    def list(self, request: Any, start: int) -> None:
        body = (self.root / "a.dat").read_bytes()
        oid = hashlib.sha256(body).hexdigest()
        entry = {
            "type": "file",
            "path": "a.dat",
            "size": len(body),
            "oid": "0" * 40,
            "lfs": {"oid": oid, "size": len(body)},
        }
        self.give(request, 200, [self.change(entry)])


def _oid(value: object) -> Callable[[dict[str, Any]], object]:
    return lambda entry: entry | {"lfs": entry["lfs"] | {"oid": value}}


LISTINGS = {
    "upwards": lambda victim: _oid(f"../../../home/{victim.name}"),
    "absolute": lambda victim: _oid(str(victim)),
    "empty": lambda victim: _oid(""),
    "line break": lambda victim: _oid("0" * 64 + "\n"),
    "too short": lambda victim: _oid("0" * 63),
    "letters of another alphabet": lambda victim: _oid("٠" * 64),
    "a number": lambda victim: _oid(5),
    "nothing": lambda victim: _oid(None),
    "git, upwards": lambda victim: lambda entry: entry | {"lfs": None, "oid": "../../x"},
    "lfs is no object": lambda victim: lambda entry: entry | {"lfs": "x"},
    "length is text": lambda victim: lambda entry: entry | {"lfs": entry["lfs"] | {"size": "1"}},
    "length below 0": lambda victim: lambda entry: entry | {"lfs": entry["lfs"] | {"size": -1}},
    "path upwards": lambda victim: lambda entry: entry | {"path": "../a.dat"},
    "path absolute": lambda victim: lambda entry: entry | {"path": str(victim)},
    "path of several lines": lambda victim: lambda entry: entry | {"path": "a\nb"},
    "no path": lambda victim: lambda entry: {"type": "file"},
    "no object": lambda victim: lambda entry: "file",
}


@pytest.mark.parametrize("kind", LISTINGS)
def test_what_a_hub_lists_is_never_a_path(toy: Toy, victim: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_folder() as folder:
        (folder / "a.dat").write_bytes(BODY)
        server = Hostile(folder, elsewhere="http://127.0.0.1:1")
        server.change = LISTINGS[kind](victim)
        try:
            monkeypatch.setenv("HF_ENDPOINT", server.address)
            toy.entry["sources"] = ["hf://datasets/us/toy@main/{path}"]
            toy.file("a.dat", None, None, [])
            before = snapshot(toy.folder)
            said = toy.fails()
        finally:
            server.server.shutdown()
            server.server.server_close()
        assert not [path for path in server.asked if "/resolve/" in path]
    assert "hub" in said
    assert victim.read_text() == VICTIM
    assert snapshot(toy.folder) == before
    assert not (toy.data / "a.dat").exists()


@pytest.mark.parametrize(
    "answer", ["[]", '{"sha": "../../x"}', f'{{"sha": "{COMMIT}\\n"}}', '{"sha": 5}', "[" * 99_999]
)
def test_a_revision_becomes_a_commit_or_an_error(toy: Toy, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with odd_server(lambda request, part: give(request, answer.encode())) as url:
        monkeypatch.setenv("HF_ENDPOINT", url.removesuffix("/{path}"))
        toy.entry["sources"] = ["hf://datasets/us/toy@main/{path}"]
        toy.file("a.dat", None, None, [])
        assert "The hub does not say" in toy.fails()
    assert not toy.data.with_name("toy.revision").exists()


def test_a_listing_without_end_ends(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel_forest.acquire.hub.MOST_PAGES", 20)
    asked = []

    def answer(request: Any, part: object) -> None:
        asked.append(request.path)
        here = f"http://{request.headers['Host']}{request.path}"
        give(request, b"[]", Link=f'<{here}?cursor={len(asked)}>; rel="next"')

    with odd_server(answer) as url:
        monkeypatch.setenv("HF_ENDPOINT", url.removesuffix("/{path}"))
        toy.entry["sources"] = [f"hf://datasets/us/toy@{COMMIT}/{{path}}"]
        toy.file("a.dat", None, None, [])
        assert "does not end (page 20, 0 files)" in toy.fails()
    assert len(asked) == 20


def test_an_answer_without_end_is_refused(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel_forest.acquire.hub.MOST_BYTES", 1000)
    with odd_server(lambda request, part: give(request, b" " * 2000)) as url:
        monkeypatch.setenv("HF_ENDPOINT", url.removesuffix("/{path}"))
        toy.entry["sources"] = [f"hf://datasets/us/toy@{COMMIT}/{{path}}"]
        toy.file("a.dat", None, None, [])
        assert "more than 1000 B" in toy.fails()


# A registry that somebody else wrote


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../../home/.bashrc"},
        {"path": "sub/../../../home/.bashrc"},
        {"path": "{victim}"},
        {"path": "..\\home"},
        {"path": "a//b"},
        {"path": "a/"},
        {"path": "./a"},
        {"path": "a\nb"},
        {"path": ""},
        {"path": ".unpacked/a.dat.tsv"},
        {"checksums": {"sha256": "../../../home/.bashrc"}},
        {"checksums": {"md5": "{victim}"}},
        {"checksums": {"md5": "0" * 31}},
        {"checksums": {"md5": "0" * 32 + "\n"}},
        {"checksums": {"crc32": "0" * 8}},
        {"addresses": ["{url}\n  dir={home}\n  out=.bashrc"]},
        {"addresses": ['{url}"\noutput = "{victim}']},
        {"addresses": [" dir={home}"]},
    ],
    ids=repr,
)
def test_what_a_registry_says_stays_in_its_folder(toy: Toy, victim: Path, change: dict[str, Any]) -> None:
    asked = []
    with odd_server(lambda request, part: (asked.append(request.path), give_range(request, BODY, part))) as url:
        told = {"victim": str(victim), "home": str(victim.parent), "url": url.replace("{path}", "a.dat")}

        def fill(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: fill(part) for key, part in value.items()}
            if isinstance(value, list):
                return [fill(part) for part in value]
            for key, text in told.items():
                value = value.replace(f"{{{key}}}", text)
            return value

        toy.entry["sources"] = [url]
        toy.entry["files"] = [{"path": "a.dat", "bytes": len(BODY), "checksums": SHA} | fill(change)]
        toy.write()
        before = snapshot(toy.folder)
        said = toy.fails()
    assert "toy.yaml, key 'files.0" in said
    assert asked == []
    assert victim.read_text() == VICTIM
    assert snapshot(toy.folder) == before


@pytest.mark.parametrize("name", ["a`touch PWNED`b", "a b", "$(x)", "../toy", "a\n", "a;b", "", "é"])
def test_a_release_of_such_a_name_is_not_opened(toy: Toy, name: str) -> None:
    toy.file("a.dat", 1, SHA, ["http://127.0.0.1:1/{path}"])
    arguments = toy.arguments()
    arguments[arguments.index("toy")] = name
    toy.arguments = lambda **more: arguments  # type: ignore[method-assign]
    assert "A name that cannot be used" in toy.fails()


# Secrets


@pytest.mark.parametrize("token", [f"{SECRET}\nX-Evil: yes", f"{SECRET}\r", f"a {SECRET}", f"{SECRET}é"])
def test_a_token_that_cannot_be_sent_is_a_message(toy: Toy, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", f"hf_{token}x")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    toy.entry["sources"] = ["hf://datasets/us/toy@main/{path}"]
    toy.file("a.dat", None, None, [])
    process = toy.start()
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "A token cannot be sent to a server." in errors
    assert "HF_TOKEN" in errors
    assert "Traceback" not in errors
    assert SECRET not in errors + (toy.folder / "log").read_text()


@pytest.mark.parametrize("quoted", ['"{}\nurl = http://127.0.0.1:1/"', '"a\r{}"'])
def test_a_password_of_several_lines_is_a_message(toy: Toy, quoted: str) -> None:
    (toy.folder / ".netrc").write_text(f"machine 127.0.0.1 login reader password {quoted.format(SECRET)}\n", newline="")
    (toy.folder / ".netrc").chmod(0o600)
    toy.file("a.dat", None, SHA, ["http://127.0.0.1:1/{path}"])
    said = toy.fails()
    assert "netrc" in said
    assert SECRET not in said


@pytest.mark.parametrize("kind", ["password", "token"])
def test_no_secret_follows_to_another_server(toy: Toy, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server sends the client on only when the transfer begins, after it was asked."""
    heard: list[str] = []

    def stranger(request: Any, part: Any) -> None:
        heard.append(str(request.headers.get("Authorization")))
        give_range(request, BODY, part)

    with odd_server(stranger) as other:
        sent_on = []

        def answer(request: Any, part: Any) -> None:
            if "Authorization" not in request.headers:
                give(request, b"", 401)
            elif part == (0, 0) or len(sent_on) > 3:
                give_range(request, BODY, part)
            else:
                sent_on.append(request.path)
                give(request, b"", 302, Location=other.replace("{path}", "a.dat"), Content_Length="0")

        with odd_server(answer) as url:
            if kind == "password":
                toy.entry["credentials"] = {"user": "reader", "password_public": SECRET}
                toy.entry["sources"] = [url]
            else:
                monkeypatch.setenv("HF_TOKEN", SECRET)
                monkeypatch.setenv("HF_ENDPOINT", url.removesuffix("/{path}"))
                toy.entry["sources"] = [f"hf://datasets/us/toy@{COMMIT}/{{path}}"]
            toy.file("a.dat", len(BODY), SHA, [])
            said = toy.fails()
    assert sent_on, "nothing was tried"
    assert "curl" in said
    assert [words for words in heard if words != "None"] == []
    assert SECRET not in toy.said


def test_a_file_does_not_make_a_client_fetch_others(toy: Toy, client: str) -> None:
    asked = []

    def answer(request: Any, part: Any) -> None:
        asked.append(request.path)
        if request.path == "/a.dat":
            other = f"http://{request.headers['Host']}/planted"
            links = (
                '<?xml version="1.0"?><metalink xmlns="urn:ietf:params:xml:ns:metalink">'
                f'<file name="planted"><size>4</size><url>{other}</url></file></metalink>'
            ).encode()
            first, last = (0, len(links) - 1) if part is None else (part[0], part[1] or len(links) - 1)
            found = f"bytes {first}-{last}/{len(links)}"
            give(
                request,
                links[first : last + 1],
                206 if part else 200,
                Content_Range=found,
                Content_Type="application/metalink4+xml",
                Content_Length=str(last + 1 - first),
            )
        else:
            give(request, b"evil", Content_Length="4")

    with odd_server(answer) as url:
        toy.file("a.dat", None, None, [url])
        toy.fetch()
    assert set(asked) == {"/a.dat"}
    assert not list(toy.folder.rglob("planted*"))


# Parts of a file, without a checksum

NOW, LONG_AGO = formatdate(time.time() + 3600, usegmt=True), formatdate(1_000_000_000, usegmt=True)
STATES = {
    "strong tag": ({"ETag": '"a"'}, True),
    "weak tag": ({"ETag": 'W/"a"'}, False),
    "tag without quotes": ({"ETag": "a"}, False),
    "old date": ({"Last_Modified": LONG_AGO}, True),
    "date of just now": ({"Last_Modified": NOW}, False),
    "no date": ({"Last_Modified": "yesterday"}, False),
    "weak tag, old date": ({"ETag": 'W/"a"', "Last_Modified": LONG_AGO}, False),
    "nothing": ({}, False),
}


class Breaking:
    """A server that breaks the first transfer in the middle; what it says of the file's state never changes.

    Where that proves nothing, the file is then another one of the same length.
    """

    def __init__(self, headers: dict[str, str], replaced: bool) -> None:
        self.headers, self.replaced = headers, replaced
        self.body = content(len(BODY), seed=9) if replaced else BODY
        self.parts: list[int] = []

    def __call__(self, request: Any, part: tuple[int, int | None] | None) -> None:
        first, last = part or (0, None)
        last = len(self.body) - 1 if last is None else last
        found = {"Content_Range": f"bytes {first}-{last}/{len(self.body)}"} if part else {}
        give_now = self.body[first : last + 1]
        if request.command == "GET" and part != (0, 0):
            self.parts.append(first)
            if len(self.parts) == 1:
                give_now, self.body = give_now[:MB], BODY
        give(request, give_now, 206 if part else 200, Content_Length=str(last + 1 - first), **found, **self.headers)


@pytest.mark.parametrize("kind", STATES)
def test_a_part_is_continued_only_where_the_file_is_proven_the_same(toy: Toy, client: str, kind: str) -> None:
    headers, proven = STATES[kind]
    server = Breaking(headers, replaced=not proven)
    with odd_server(server) as url:
        toy.file("a.dat", None, None, [url])
        toy.fetch()
    assert (toy.data / "a.dat").read_bytes() == BODY
    assert any(server.parts[1:]) is proven, server.parts


@pytest.mark.parametrize("note", [None, "{", "[]", '{"address": 5}', "another server", "another state"])
def test_a_part_of_unknown_origin_is_not_continued(toy: Toy, client: str, note: str | None) -> None:
    server = Breaking({"ETag": '"a"'}, replaced=False)
    server.parts.append(0)
    with odd_server(server) as url:
        toy.file("a.dat", None, None, [url])
        address = url.replace("{path}", "a.dat")
        key = hashlib.sha256(address.encode()).hexdigest()
        partial = toy.store / "partial" / key
        partial.parent.mkdir(parents=True)
        partial.write_bytes(content(MB, seed=4))
        known = {"from": address, "address": key, "at": address, "validator": '"a"', "size": len(BODY)}
        if note == "another server":
            note = json.dumps(known | {"at": "http://elsewhere/a.dat"})
        if note == "another state":
            note = json.dumps(known | {"validator": '"b"'})
        if note is not None:
            partial.with_name(f"{key}.from").write_text(note)
        toy.fetch()
        assert "nothing proves it the same file" in toy.said
    assert (toy.data / "a.dat").read_bytes() == BODY
    assert server.parts == [0, 0]


def test_a_part_of_known_origin_is_continued(toy: Toy, client: str) -> None:
    server = Breaking({"ETag": '"a"'}, replaced=False)
    with odd_server(server) as url:
        toy.file("a.dat", None, None, [url])
        toy.fails(attempts=0)
        key = hashlib.sha256(url.replace("{path}", "a.dat").encode()).hexdigest()
        partial = toy.store / "partial" / key
        partial.write_bytes(BODY[:MB])
        address = url.replace("{path}", "a.dat")
        note = {"from": address, "address": key, "at": address, "validator": '"a"', "size": len(BODY)}
        partial.with_name(f"{key}.from").write_text(json.dumps(note))
        server.parts.append(0)
        toy.fetch()
    assert (toy.data / "a.dat").read_bytes() == BODY
    first, second = server.parts
    assert first == 0
    assert 0.9 * MB < second <= MB  # aria2c fetches whole blocks


def test_the_note_of_an_origin_holds_no_secret(toy: Toy) -> None:
    with odd_server(lambda request, part: give_range(request, BODY, part)) as url:
        toy.file("a.dat", len(BODY), {"sha256": "0" * 64}, [f"{url}?token={SECRET}"])
        toy.fails()
    texts = [path.read_bytes() for path in toy.store.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in text for text in texts)
    assert SECRET not in toy.said
