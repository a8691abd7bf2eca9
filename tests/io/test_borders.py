"""Text from outside: what may become a name, a path, a checksum or an address, wherever it comes in."""

import ftplib
import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from sentinel_forest import datasets
from sentinel_forest.acquire import clients, server, transfer
from sentinel_forest.acquire.credentials import Access
from sentinel_forest.acquire.server import Answer, ask
from sentinel_forest.acquire.store import Store, key_of
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.registry import Checksums, RegisteredFile
from sentinel_forest.config.releases import file_table, read_entry, registered, registered_files, resolve
from sentinel_forest.config.validation import read_yaml
from sentinel_forest.datasets.base import File
from sentinel_forest.errors import InputError
from sentinel_forest.io import borders
from sentinel_forest.planning.checking import select
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.versions import crate, croissant

REGISTRY = RELEASE_FILES
BAD_NAMES = ("a`touch PWNED`b", "a b", "$(x)", "../up", "..", "a\n", "a\nb", "a;b", "-a", "a/b", "é", "a" * 101)
BAD_KEYS = ("../../../home/.bashrc", "/etc/passwd", "", "0" * 63, "0" * 65, "0" * 63 + "g", "0" * 64 + "\n", "٠" * 64)
SHA, MD5 = "a" * 64, "b" * 32


def _texts(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet, max_size=8) | st.text(max_size=8)


# The models go by the checks


def _takes(model: Any, values: dict[str, Any]) -> bool:
    try:
        model.model_validate(values)
    except ValidationError:
        return False
    return True


@given(_texts("a./\\ \n\0-é"))
@example("")
@example("a\n")
@example(".unpacked/a")
@example(".unpackedish/a")
@example("...")
def test_a_registered_file_has_a_safe_path(path: str) -> None:
    assert _takes(RegisteredFile, {"path": path}) is not bool(borders.wrong_path(path))


@given(_texts("aA0._- \n`/"))
@example("a\n")
@example("a" * 100)
@example("a" * 101)
def test_names_in_a_configuration_can_be_folders(name: str) -> None:
    good = not borders.wrong_name(name)
    own = {"dataset": "so2sat", "folder": "x"}
    for values in (
        {"releases": [name]},
        {"releases": ["a"], "version": name},
        {"releases": ["a"], "own_releases": {name: own}},
        {"releases": ["a"], "own_schemes": {name: {"kind": "published"}}},
    ):
        assert _takes(Configuration, values) is (good and (values.get("version") != "reference"))
    assert _takes(Configuration, {"releases": ["a"], "against": name}) is (good or name == "")


def test_models_and_checks_have_the_same_checksums() -> None:
    assert set(Checksums.model_fields) == set(borders.CHECKSUMS)
    for name, digits in borders.CHECKSUMS.items():
        assert len(hashlib.new(name).hexdigest()) == digits
        for value in ("0" * digits, "F" * digits, "0" * (digits - 1), "0" * digits + "\n", "g" * digits, ""):
            assert _takes(Checksums, {name: value}) is not bool(borders.wrong_checksum(name, value))


@given(_texts("ahtps:/. \n\t"))
@example("https://there/a\n  out=x")
@example("https://there/a")
@example(" https://there/a")
def test_a_registered_file_has_addresses(address: str) -> None:
    assert _takes(RegisteredFile, {"path": "a", "addresses": [address]}) is not bool(borders.wrong_address(address))


@given(st.text(max_size=12))
@example("a/../../b")
def test_a_path_that_is_taken_stays_below_its_folder(path: str) -> None:
    if not borders.wrong_path(path):
        folder = Path("/data/toy")
        assert folder in Path(f"/data/toy/{path}").resolve().parents
        assert str(folder / path) == f"/data/toy/{path}", "one file has two names"


def test_what_is_registered_is_taken() -> None:
    for name in registered(REGISTRY):
        assert registered_files(read_entry(name)) is not None


def test_shown_text_is_one_short_line() -> None:
    for text in ("a\nb", "a\u2028b", "x" * 1000, "\x1b[2J"):
        shown = borders.quoted(text)
        assert len(shown) <= 80
        assert not borders.control_character(shown)


# Configurations and registries


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("key", ["version", "against", "releases", "own_releases", "schemes", "own_schemes"])
def test_no_such_name_gets_into_a_run(key: str, name: str, tmp_path: Path) -> None:
    value: Any = {
        "version": name,
        "against": name,
        "releases": [name],
        "schemes": [name],
        "own_releases": {name: {"dataset": "so2sat", "folder": str(tmp_path)}},
        "own_schemes": {name: {"kind": "published"}},
    }[key]
    config = {"version": "v1", "releases": ["so2sat-sample"]} | {key: value}
    with pytest.raises(InputError) as error:
        select(config, REGISTRY)
    assert f"key '{key}" in str(error.value)
    assert "letters, digits" in str(error.value) or key in ("version", "against")
    assert all(len(line) < 250 for line in str(error.value).splitlines())


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_such_name_is_looked_up_in_the_registry(name: str, tmp_path: Path) -> None:
    entry = read_yaml(REGISTRY / "so2sat-sample.yaml") | {"release": name}
    if "/" not in name and len(name) < 100:
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(entry, allow_unicode=True))
    with pytest.raises(InputError, match="A name that cannot be used"):
        read_entry(name, tmp_path)
    config = Configuration(releases=["x"]).model_dump()
    with pytest.raises(InputError, match="A name that cannot be used"):
        resolve(config | {"releases": [name]}, tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"path": "../a"}, {"checksums": {"md5": "../a"}}, {"checksums": {"sha3": "0"}}, {"addresses": ["https://a\nb"]}],
    ids=str,
)
def test_files_of_an_unchecked_entry_are_checked(change: dict[str, Any]) -> None:
    item = {"path": "a", "bytes": None, "checksums": None, "addresses": [], "role": "data", "facts": {}}
    with pytest.raises(InputError, match="A file of the registry has a wrong"):
        registered_files({"release": "toy", "sources": [], "files": [item | change]})


def test_a_checksum_of_figures_alone_is_asked_for_in_quotes(tmp_path: Path) -> None:
    entry = read_yaml(REGISTRY / "so2sat-sample.yaml") | {"release": "toy"}
    text = yaml.safe_dump(entry) + f"files: [{{path: a, checksums: {{md5: {'1' * 32}}}}}]\n"
    (tmp_path / "toy.yaml").write_text(text)
    with pytest.raises(InputError, match="in quotes"):
        read_entry("toy", tmp_path)


def test_an_error_shows_no_password_of_an_address(tmp_path: Path) -> None:
    entry = read_yaml(REGISTRY / "so2sat-sample.yaml") | {"release": "toy"}
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(entry | {"sources": ["https://me:secret@there/\n{path}"]}))
    with pytest.raises(InputError) as error:
        read_entry("toy", tmp_path)
    assert "secret" not in str(error.value)
    assert "'sources.0'" in str(error.value)


def test_names_of_files_that_cannot_stand_in_a_table_are_told(tmp_path: Path) -> None:
    (tmp_path / "a\tb.dat").touch()
    with pytest.raises(InputError, match="rename the file"):
        file_table(tmp_path, ["a\tb.dat"])


# The store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "a" / "b" / "store")
    for folder in ("sha256", "partial", "by-md5", "by-address"):
        (store.root / folder).mkdir(parents=True)
    return store


@pytest.mark.parametrize("key", BAD_KEYS)
def test_only_a_checksum_is_a_key_of_the_store(store: Store, key: str, tmp_path: Path) -> None:
    victim = tmp_path / "home" / ".bashrc"
    victim.parent.mkdir()
    victim.write_text("mine")
    for question in (store.path, store.partial, store.origin, store.drop_partial):
        with pytest.raises(InputError, match="A checksum that is none"):
            question(key)
    with pytest.raises(InputError, match="A checksum that is none"), store.locked(key, threading.Event()):
        pass
    for checksums in ({"sha256": key}, {"md5": key, "sha256": SHA}):
        with pytest.raises(InputError, match="A checksum that is none"):
            store.find(File("a", checksums=checksums))
        with pytest.raises(InputError, match="A checksum that is none"):
            store.note({"md5": MD5} | checksums, []) if "md5" in checksums else store.hand_out(key, tmp_path / "x")
    with pytest.raises(InputError, match="A checksum that is none"):
        store.partial(key_of(File("a", checksums={"sha256": key}, addresses=("https://there/a",))))
    assert victim.read_text() == "mine"
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path != victim]


@pytest.mark.parametrize("text", ["/etc/passwd", "../../../../home/.bashrc", "", "x" * 10_000, "\xff" * 64, None])
def test_a_note_of_the_store_is_no_path(store: Store, text: str | None, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".bashrc").write_text("mine")
    address = "https://there/a"
    for note in (store.root / "by-md5" / MD5, store._by_address(address)):
        if text is None:
            note.mkdir()
        else:
            note.write_text(text, encoding="latin-1")
    assert store.find(File("a", checksums={"md5": MD5})) is None
    assert store.find(File("a", addresses=(address,))) is None


def test_a_sound_note_is_believed(store: Store) -> None:
    store.path(SHA).write_bytes(b"x")
    (store.root / "by-md5" / MD5).write_text(f"{SHA.upper()}\n")
    assert store.find(File("a", checksums={"md5": MD5.upper()})) == SHA


# Lines for clients


@pytest.mark.parametrize("call", [clients._aria2c, clients._curl])
@pytest.mark.parametrize(
    ("address", "access"),
    [
        ("https://there/a\n  out=x", Access()),
        ("ftp://there/a", Access("me", "x\n  out=y")),
        ("ftp://there/a", Access("me\r", "x")),
    ],
)
def test_a_line_for_a_client_stays_one_line(call: Any, address: str, access: Access, tmp_path: Path) -> None:
    with pytest.raises(server.RefusedError, match="control character"):
        call(Answer(1, "", True, address), access, tmp_path / "a", 5, [])


def test_a_server_sends_on_to_addresses_only(tmp_path: Path) -> None:
    for address in ("https://there/a\n  out=x", "there/a", "", "-o/etc/passwd"):
        with pytest.raises(server.RefusedError, match="an address that is none"):
            transfer.transfer(
                Answer(1, "", True, address),
                Access(),
                tmp_path / "a",
                lock=0,
                timeout=1,
                most=1,
                stop=threading.Event(),
            )


@pytest.mark.parametrize(
    ("scheme", "access", "client"),
    [
        ("https", Access(), "aria2c"),
        ("https", Access(token="x"), "curl"),
        ("http", Access("me", "x"), "curl"),
        ("ftp", Access("me", "x"), "aria2c"),
        ("rsync", Access("me", "x"), "rsync"),
    ],
)
def test_secrets_go_to_clients_that_keep_them(
    scheme: str, access: Access, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients.shutil, "which", lambda name: name)
    assert clients.client_of(f"{scheme}://there/a", access) == client


def test_parts_of_a_file_without_ranges_come_by_one_connection(tmp_path: Path) -> None:
    for ranges, count in ((True, "4"), (False, "1")):
        command, _, _ = clients._aria2c(Answer(1, "", ranges, "https://there/a"), Access(), tmp_path / "a", 5, [])
        assert {f"--split={count}", f"--max-connection-per-server={count}"} <= set(command)


# States of a file on a server


@pytest.mark.parametrize(
    ("headers", "strong"),
    [
        ({"ETag": '"x"'}, True),
        ({"ETag": 'W/"x"'}, False),
        ({"ETag": 'w/"x"'}, False),
        ({"ETag": "x"}, False),
        ({"ETag": '""'}, False),
        ({"ETag": '"x", "y"'}, False),
        ({"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "Date": "Mon, 01 Jan 2024 00:01:00 GMT"}, True),
        ({"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "Date": "Mon, 01 Jan 2024 00:00:59 GMT"}, False),
        ({"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "Date": "Sun, 31 Dec 2023 00:00:00 GMT"}, False),
        ({"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}, False),
        ({"Last-Modified": "Mon, 01 Jan 2024 00:00:00 -0000", "Date": "Mon, 01 Jan 2025 00:00:00 GMT"}, False),
        ({"Last-Modified": "", "Date": "Mon, 01 Jan 2024 00:01:00 GMT"}, False),
        (
            {
                "ETag": 'W/"x"',
                "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT",
                "Date": "Mon, 01 Jan 2025 00:00:00 GMT",
            },
            False,
        ),
        ({}, False),
    ],
)
def test_strong_validators(headers: dict[str, str], strong: bool) -> None:
    assert server._state(headers)[1] is strong


def test_a_date_of_ftp_is_strong_once_no_clock_can_be_the_reason() -> None:
    now = datetime.now(UTC)
    for age, old in ((timedelta(days=2), True), (timedelta(hours=23), False), (timedelta(days=-1), False)):
        assert server._is_old(f"213 {now - age:%Y%m%d%H%M%S}") is old
    assert not server._is_old("")
    assert not server._is_old("213 yesterday")


def test_a_file_of_ftp_has_its_date_as_state(monkeypatch: pytest.MonkeyPatch) -> None:
    class Server(SimpleNamespace):
        def __enter__(self) -> "Server":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def quiet(*_: object) -> None:
        pass

    server = Server(connect=quiet, login=quiet, voidcmd=quiet, size=lambda path: 7)
    server.sendcmd = lambda words: "213 20200101000000"
    monkeypatch.setattr(ftplib, "FTP", lambda timeout: server)
    answer = ask("ftp://there/a", Access(), 1)
    assert (answer.size, answer.strong) == (7, True)
    assert "20200101000000" in answer.validator

    def refuse(words: str) -> None:
        raise ftplib.error_perm("500 no")

    server.sendcmd = refuse
    assert ask("ftp://there/a", Access(), 1)[1:] == ("", True, "ftp://there/a", False)


# What is published


@pytest.mark.parametrize(
    ("template", "path", "address"),
    [
        ("https://me:secret@there/{path}?token=secret#x", "a.dat", "https://there/a.dat"),
        ("rsync://me@there/m/{path}", "a b.dat", "rsync://there/m/a b.dat"),
        ("ftp://me:secret@there/{path}", "a.dat", "ftp://there/a.dat"),
        ("https://there/{path}", "a #1?.dat", "https://there/a%20%231%3F.dat"),
        ("hf://datasets/us/toy@main/{path}", "v4/a.h5", "https://huggingface.co/datasets/us/toy/resolve/main/v4/a.h5"),
    ],
)
def test_published_addresses_hold_no_secret(template: str, path: str, address: str) -> None:
    assert croissant.address_of(template, path) == address


def test_croissant_holds_no_secret(monkeypatch, tmp_path: Path) -> None:
    entry = read_yaml(REGISTRY / "so2sat-v2.yaml") | {
        "release": "toy",
        "home": "https://me:s3cret@there/home?key=s3cret",
        "sources": ["https://me:s3cret@there/{path}?key=s3cret"],
        "credentials": {"user": "me", "password_public": "s3cret"},
    }
    (tmp_path / "config" / "releases").mkdir(parents=True)
    (tmp_path / "config" / "releases" / "toy.yaml").write_text(yaml.safe_dump(entry))
    files = pd.DataFrame({"path": ["training.h5"], "bytes": [5], "sha256": [SHA]})
    monkeypatch.chdir(tmp_path)
    entry = crate.described("toy", None)
    text = json.dumps(
        croissant.metadata_of("toy", entry, datasets.load("so2sat"), files, "../data/toy", [], tmp_path, {})
    )
    assert "s3cret" not in text
    assert json.loads(text)["url"] == "https://there/home"
    assert '"https://there/training.h5"' in text


def test_an_address_that_is_none_is_not_shown(tmp_path: Path) -> None:
    assert borders.shown("https://[me:secret@there/a") == "(an address that is not valid)"
    entry = read_yaml(REGISTRY / "so2sat-sample.yaml") | {"release": "toy", "sources": ["https://[x:secret/{path}"]}
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(entry))
    with pytest.raises(InputError, match="not valid") as error:
        read_entry("toy", tmp_path)
    assert "secret" not in str(error.value)
