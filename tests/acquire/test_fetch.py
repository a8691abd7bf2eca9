"""Fetching, as far as it needs no server: what is fetched, from where, and what nobody may see."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest.acquire import addresses, clients, fetch, hub, link, means, room, server, transfer
from sentinel_forest.acquire.credentials import Access
from sentinel_forest.acquire.server import Answer
from sentinel_forest.acquire.store import Store
from sentinel_forest.acquire.transfer import Patience
from sentinel_forest.config.releases import FILES, read_entry, registered, registered_files
from sentinel_forest.datasets.base import File
from sentinel_forest.errors import InputError
from sentinel_forest.io.progress import Progress, amount, duration
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.verify import inspect

REGISTRY = RELEASE_FILES
SECRET = "open-sesame"


# What is fetched


def test_one_form_of_a_file_is_enough() -> None:
    files = registered_files(read_entry("so2sat-v4"))
    kept, notes = addresses.needed(files)
    assert sorted(file.path for file in kept) == sorted(
        f"{split}{ending}" for split in ("training", "validation", "testing") for ending in (".h5", "_geo.h5")
    )
    assert len(notes) == 1
    assert "training.h5.gz" in notes[0]
    packed = registered_files(read_entry("so2sat-v4"), ["training.h5.gz"])
    assert addresses.needed(packed) == (list(packed), [])


def test_addresses_of_the_registry_are_of_a_known_kind(tmp_path: Path) -> None:
    for release in registered(REGISTRY):
        files = registered_files(read_entry(release))
        for file in addresses.addressed(files, tmp_path / release):
            assert file.addresses
            for address in file.addresses:
                assert "{path}" not in address
                assert address.startswith(("https://", "ftp://", "rsync://", "hf://datasets/"))
                assert addresses.location(address).startswith(("https://", "ftp://", "rsync://"))


def test_a_file_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    same = hub.Place("us/toy", "main", "v4/a b.h5")
    assert hub.place("hf://datasets/us/toy@main/v4/a b.h5") == same
    assert hub.place("https://huggingface.co/datasets/us/toy/resolve/main/v4/a b.h5") == same
    assert hub.place("https://elsewhere/datasets/us/toy/resolve/main/a") is None
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror/")
    assert same.location == "https://mirror/datasets/us/toy/resolve/main/v4/a%20b.h5"


def test_a_commit_once_met_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def commit(repository: str, revision: str, timeout: float) -> str:
        asked.append((repository, revision))
        return "c" * 40

    monkeypatch.setattr(hub, "commit", commit)
    shared = means.Means(Store(tmp_path / "store"))
    files = [File("a", checksums={"md5": "0" * 32}, addresses=("hf://datasets/us/toy@main/{path}",))]
    for _ in range(2):
        located = addresses.located(files, tmp_path / "toy", shared)
        assert located[0].addresses == (f"hf://datasets/us/toy@{'c' * 40}/a",)
    assert asked == [("us/toy", "main")]


@pytest.mark.parametrize(
    ("checksums", "fits"),
    [({}, True), ({"md5": "AB"}, True), ({"md5": "ab", "sha256": "zz"}, True), ({"sha256": "zz"}, False)],
)
def test_one_published_checksum_that_agrees_is_enough(checksums: dict[str, str], fits: bool) -> None:
    assert (fetch.mismatch(File("a", checksums=checksums), {"md5": "ab", "sha256": "cd"}) == "") is fits


def test_the_disk_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_space", lambda path: 1_000)
    store = Store(tmp_path)
    file = File("a", size=1_500, addresses=("https://there/a",))
    with pytest.raises(InputError, match="500 B"):
        room.check_space([file], store)
    room.check_space([File("a", size=1_000, addresses=("x",)), File("b", addresses=("y",))], store)


def test_a_link_elsewhere_is_taken_away_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("a")
    link.link_folder(tmp_path / "mine", tmp_path / "data" / "toy")
    fetch.prepare_folder(tmp_path / "data" / "toy")
    assert not (tmp_path / "data" / "toy").is_symlink()
    assert (tmp_path / "mine" / "a").read_text() == "a"


def test_a_fetched_folder_is_never_replaced_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    with pytest.raises(InputError, match="already holds fetched files"):
        link.link_folder(tmp_path, tmp_path / "toy")


def test_linking_lists_the_files(real: Path, tmp_path: Path) -> None:
    source = next(path for path in sorted(real.glob("cloudsen12*")) if path.is_dir())
    files = tmp_path / "files.tsv"
    link.link(release="x", dataset="cloudsen12", source=source, select=[], folder=tmp_path / "data" / "x", output=files)
    table = read_tsv(tmp_path / "files.tsv", FILES)
    assert len(table)
    for path, length in zip(table["path"], table["bytes"], strict=True):
        assert (source / path).stat().st_size == length


def test_a_file_replaced_within_one_transfer_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states, bodies = iter(["old", "new", "new", "new"]), iter([b"oldnew", b"newnew"])

    def write(answer: Answer, access: Access, partial: Path, **_: object) -> None:
        partial.write_bytes(next(bodies))

    monkeypatch.setattr(fetch, "ask", lambda address, *_: Answer(6, next(states), True, address))
    monkeypatch.setattr(fetch, "transfer", write)
    shared = means.Means(Store(tmp_path / "store"), streams=())
    stored = fetch.obtain(File("a", addresses=("https://there/a",)), tmp_path / "a", shared)
    assert shared.store.path(stored).read_bytes() == b"newnew"


# What the verification expects then


@pytest.mark.parametrize(
    ("release", "select", "found", "expected"),
    [
        ("sen12ms", [], ["s/a.tif", "s/b.tif"], ["s/a.tif", "s/b.tif"]),
        ("sen12ms", ["ROIs1158_spring_*"], ["s/a.tif"], ["s/a.tif"]),
        ("so2sat-v4", ["training.h5.gz"], ["training.h5"], ["training.h5"]),
        ("so2sat-v2", ["testing.h5"], [], ["testing.h5"]),
    ],
)
def test_unpacked_files_stand_for_archives(
    release: str, select: list[str], found: list[str], expected: list[str]
) -> None:
    files = inspect.expected_files(release, select, found)
    assert [file.path for file in files] == expected
    if release == "so2sat-v4":
        assert files[0].checksums, "an unpacked file that is registered has its checksum"


# What nobody may see


@pytest.mark.parametrize("client", ["aria2c", "curl", "rsync"])
@pytest.mark.parametrize("access", [Access("reader", SECRET), Access(token=SECRET)])
@pytest.mark.parametrize("scheme", ["https", "ftp"])
def test_no_secret_in_a_command(client: str, access: Access, scheme: str, tmp_path: Path) -> None:
    answer = Answer(1, "", True, f"{scheme}://there/a")
    command, words, environment = clients.call(client, answer, access, tmp_path / "a", 5)
    assert SECRET not in " ".join(command)
    assert "reader" not in " ".join(command)
    assert SECRET not in repr(access)
    if client == "curl" or (client == "aria2c" and scheme == "ftp" and access.user):
        assert SECRET in words
    else:
        assert SECRET not in words
    if client != "rsync":
        assert not environment


def test_no_secret_in_a_message() -> None:
    said = clients.reason_of(
        f"x\nfailed: https://me:{SECRET}@there/a?Signature={SECRET} {SECRET}\n", Access("me", SECRET)
    )
    assert said == ": failed: https://there/a ***"


@given(st.text('a \\"', min_size=1))
def test_words_for_curl_are_quoted(text: str) -> None:
    quoted = clients._quoted(text)
    assert quoted[1:-1].replace('\\"', "").replace("\\\\", "").count('"') == 0
    assert quoted[1:-1].replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\") == text


def test_a_public_user_name_is_told_to_its_own_servers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    shared = means.means_of(read_entry("so2sat-v4"), Store(tmp_path), Patience())
    assert shared.access("ftp://dataserv.ub.tum.de/a").user == "m1836598"
    assert shared.access("https://elsewhere/a") == Access()
    assert shared.access("https://huggingface.co/datasets/us/toy/resolve/main/a") == Access()
    (tmp_path / ".netrc").write_text(f"machine dataserv.ub.tum.de login me password {SECRET}\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert shared.access("ftp://dataserv.ub.tum.de/a") == Access("me", SECRET)
    (tmp_path / ".netrc").write_text(f"machine x {SECRET}\n")
    with pytest.raises(InputError) as error:
        shared.access("ftp://dataserv.ub.tum.de/a")
    assert SECRET not in str(error.value)


def test_authorization_does_not_follow_to_another_server() -> None:
    import urllib.request

    request = urllib.request.Request("https://hub/a")
    request.add_unredirected_header("Authorization", "Bearer x")
    for target, kept in (("https://hub/b", True), ("https://storage/b", False), ("http://hub/b", False)):
        following = server._Redirect().redirect_request(request, io.BytesIO(), 302, "", {}, target)  # type: ignore[arg-type]
        assert (following.get_header("Authorization") == "Bearer x") is kept


# What is shown


def test_missing_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for address, package in (("rsync://x/a", "rsync"), ("https://x/a", "aria2 or curl")):
        with pytest.raises(InputError, match=package):
            clients.client_of(address)
    with pytest.raises(InputError, match="unknown kind"):
        clients.client_of("gopher://x/a")


def test_pauses_double() -> None:
    patience = Patience(wait=5, longest=60)
    assert [patience.pause(attempt) for attempt in range(1, 7)] == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (52_006_404_720, "52.0 GB"), (5.1e14, "510.0 TB")]
)
def test_amounts(count: float, text: str) -> None:
    assert amount(count) == text


def test_durations() -> None:
    assert [duration(seconds) for seconds in (8, 200, 7500)] == ["8 s", "3 min 20 s", "2 h 05 min"]


def test_progress_line(monkeypatch: pytest.MonkeyPatch) -> None:
    times, bytes_there = iter([0.0, 10.0]), iter([0, 250_000])
    monkeypatch.setattr("sentinel_forest.io.progress.time.monotonic", lambda: next(times))
    progress = Progress("toy", lambda: next(bytes_there), 1_000_000, [io.StringIO()])
    progress._note()
    progress._note()
    assert progress.text() == "toy: 250.0 kB of 1.0 MB (25.0 %), 25.0 kB/s, 30 s left"


def test_a_log_has_plain_lines() -> None:
    log = io.StringIO()
    with Progress("toy", lambda: 5, None, [log]):
        pass
    assert log.getvalue() == "toy: 5 B, 0 B/s\n"


@pytest.mark.parametrize(
    ("bits", "length"),
    [(b"\x00\x00", 0), (b"\xff\x7f", 800), (b"\xf7\xff", 400), (b"\xff\xc0", 1000), (b"\xff\xff", 1550)],
)
def test_bytes_that_have_arrived_without_a_gap(tmp_path: Path, bits: bytes, length: int) -> None:
    """A control file as the manual of aria2 describes it: 16 pieces of 100 B, the last one of 50 B."""
    partial = tmp_path / "a"
    partial.write_bytes(bytes(1550))
    control = b"\0\1" + bytes(4) + (3).to_bytes(4) + b"abc" + (100).to_bytes(4) + (1550).to_bytes(8)
    transfer.control_of(partial).write_bytes(control + bytes(8) + len(bits).to_bytes(4) + bits + bytes(4))
    assert transfer.in_order(partial, "aria2c") == length
    assert transfer.in_order(partial, "curl") == 1550
    assert transfer.in_order(partial, "rsync") == 0
    assert transfer.in_order(tmp_path / "b", "curl") == 0
