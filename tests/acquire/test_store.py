"""The store: whole files by checksum, found again by every name they have, never changed."""

import hashlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest.acquire.store import VARIABLE, Hashing, StoppedError, Store, key_of, measure, root_of
from sentinel_forest.datasets.base import File

BODY = b"some bytes"
SHA, MD5 = hashlib.sha256(BODY).hexdigest(), hashlib.md5(BODY).hexdigest()
ADDRESS = "https://there/a"
KEY, OTHER = "0" * 64, "1" * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one file that came from `ADDRESS`."""
    store = Store(tmp_path / "store")
    with store.locked(KEY, threading.Event()):
        store.partial(KEY).write_bytes(BODY)
        store.admit(KEY, measure(store.partial(KEY), ["md5"]), [ADDRESS])
    return store


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (File("a", checksums={"sha256": SHA}), True),
        (File("a", checksums={"sha256": SHA.upper()}), True),
        (File("a", checksums={"md5": MD5}), True),
        (File("a", checksums={"sha256": "0" * 64, "md5": MD5}), True),
        (File("a", addresses=("https://elsewhere/a", ADDRESS)), True),
        (File("a", checksums={"md5": "0" * 32}, addresses=(ADDRESS,)), False),
        (File("a", addresses=("https://elsewhere/a",)), False),
    ],
)
def test_found_by_every_name(store: Store, file: File, found: bool) -> None:
    assert store.find(file) == (SHA if found else None)


def test_whole_files_are_read_only_and_nothing_else_is_left(store: Store) -> None:
    assert store.path(SHA).stat().st_mode & 0o777 == 0o444
    assert [path.name for path in (store.root / "partial").iterdir()] == [f"{KEY}.lock"]


def test_a_second_copy_does_not_replace_the_first(store: Store) -> None:
    before = store.path(SHA).stat().st_ino
    with store.locked(OTHER, threading.Event()):
        store.partial(OTHER).write_bytes(BODY)
        assert store.admit(OTHER, measure(store.partial(OTHER)), []) == SHA
    assert store.path(SHA).stat().st_ino == before


def test_handed_out_as_a_link(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "data" / "x" / "a"
    store.hand_out(SHA, target)
    assert target.samefile(store.path(SHA))
    target.unlink()
    target.write_bytes(b"mine")
    store.hand_out(SHA, target)
    assert target.read_bytes() == BODY
    assert target.with_name("a.before").read_bytes() == b"mine"


def test_handed_out_across_disks(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    store.hand_out(SHA, tmp_path / "a")
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_lock_is_waited_for(store: Store) -> None:
    stop, order = threading.Event(), []

    def second() -> None:
        with store.locked(KEY, stop):
            order.append("second")

    with store.locked(KEY, stop):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.4)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_waiting_for_a_lock_can_be_stopped(store: Store) -> None:
    stop = threading.Event()
    stop.set()
    with store.locked(KEY, threading.Event()), pytest.raises(StoppedError), store.locked(KEY, stop):
        pass


@given(st.binary(max_size=3000))
def test_checksums(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    path = tmp_path_factory.mktemp("checksums") / "a"
    path.write_bytes(body)
    # git hash-object: SHA-1 of "blob <length>", a zero byte and the content
    git = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
    assert measure(path, {"git", "sha1", "md5"}) == {
        "sha256": hashlib.sha256(body).hexdigest(),
        "md5": hashlib.md5(body).hexdigest(),
        "sha1": hashlib.sha1(body).hexdigest(),
        "git": git,
    }


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(0, 400))
def test_checksums_of_a_file_that_comes(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], gap: int
) -> None:
    path = tmp_path_factory.mktemp("checksums") / "a"
    path.touch()
    with Hashing(path, ["md5"]) as hashing:
        for piece in pieces:
            with open(path, "ab") as stream:
                stream.write(piece)
            hashing.read_on(max(path.stat().st_size - gap, 0))
        found = hashing.finish()
    assert found == measure(path, ["md5"])
    assert found["sha256"] == hashlib.sha256(b"".join(pieces)).hexdigest()


@pytest.mark.parametrize("how", ["replaced", "cut"])
def test_checksums_begin_anew_with_another_file(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a part of the old file")
    with Hashing(path) as hashing:
        assert hashing.read_on(6)
        if how == "replaced":
            path.rename(tmp_path / "old")
        path.write_bytes(b"new")
        assert hashing.finish() == {"sha256": hashlib.sha256(b"new").hexdigest()}


def test_git_checksum_of_a_known_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello world\n")
    # `printf 'hello world\n' | git hash-object --stdin`
    assert measure(tmp_path / "a", ["git"])["git"] == "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"


def test_equal_files_share_a_key() -> None:
    assert key_of(File("a", checksums={"md5": MD5})) == key_of(File("b", checksums={"md5": MD5, "sha256": SHA}))
    assert key_of(File("a", addresses=("x",))) != key_of(File("a", addresses=("y",)))


def test_place_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert root_of(tmp_path) == tmp_path / ".store"
    monkeypatch.setenv(VARIABLE, "/shared/store")
    assert root_of(tmp_path) == Path("/shared/store")
