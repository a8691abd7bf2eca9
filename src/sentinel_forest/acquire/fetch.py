"""Fetch files from their addresses into the store: whole, the published ones, or not at all."""

import hashlib
import json
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar
from urllib.parse import quote, urlsplit

import pandas as pd
import pandera.pandas as pa

from sentinel_forest.acquire import hub
from sentinel_forest.acquire.history import Seen
from sentinel_forest.acquire.store import VARIABLE, Digesting, StoppedError, Store, key_of, measure
from sentinel_forest.acquire.transfer import (
    Access,
    Answer,
    BrokenOffError,
    Patience,
    RefusedError,
    arrived,
    ask,
    control_of,
    login,
    transfer,
)
from sentinel_forest.datasets.base import File
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import quoted, shown
from sentinel_forest.io.progress import Progress, amount, tell
from sentinel_forest.io.tables import read_tsv, write_text, write_tsv

REVISIONS = pa.DataFrameSchema(
    {"repository": pa.Column("str"), "revision": pa.Column("str"), "commit": pa.Column("str")}, strict=True
)
"""Commits that revisions of hub repositories stood for when they were first met."""

MOST_FILES = 3
"""Files that are fetched at a time."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Means:
    """What all transfers of a run share.

    `public` holds the registry's user name and password, which are told to `hosts` only.
    """

    store: Store
    patience: Patience = field(default_factory=Patience)
    public: Mapping[str, str] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    stop: threading.Event = field(default_factory=threading.Event)
    streams: tuple[TextIO, ...] = field(default_factory=lambda: (sys.stderr,))

    def say(self, line: str) -> None:
        """Write a line to the terminal and the log."""
        tell(self.streams, line)

    def access(self, address: str) -> Access:
        """What the server of an address is told to let one in."""
        if hub.place(address):
            return hub.access()
        host = urlsplit(address).hostname or ""
        return login(host, self.public if host in self.hosts else {})


def means_of(entry: Mapping[str, Any], store: Store, patience: Patience) -> Means:
    """What the transfers of a release share; its user name is told to the servers of its sources only."""
    hosts = {urlsplit(source).hostname or "" for source in entry["sources"] if not hub.place(source)}
    return Means(store, patience, entry["credentials"], frozenset(hosts))


def needed(files: Sequence[File]) -> tuple[list[File], list[str]]:
    """Files without the archives of which the unpacked file is itself to be had; and notes on these."""
    plain = {file.path for file in files if file.role != "archive" and file.addresses}
    skipped = [file for file in files if file.role == "archive" and file.facts.get("unpacked") in plain]
    names = ", ".join(file.path for file in skipped)
    note = f"not fetched, since the unpacked form is: {names} (to use the packed form, select it alone)"
    return [file for file in files if file not in skipped], [note] if skipped else []


def prepare_folder(folder: Path) -> None:
    """Make a real folder of a release; a link to a folder elsewhere is taken away, not what it leads to."""
    if folder.is_symlink():
        Seen(folder.parent, folder.name).forget()
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)


def located(files: Sequence[File], folder: Path, means: Means) -> list[File]:
    """Files with their addresses in full, at fixed revisions of the hub, with the digests it has recorded.

    The hub is asked only what is not known yet: the commit of a revision is kept in
    ``<folder>.revision``, and a file that is in the store needs no digest.

    Raises
    ------
    InputError
        If the hub does not answer or refuses, or a file has no address.
    """
    pin_revisions(files, folder, means)
    whole = addressed(files, folder)
    for file in whole:
        if not file.addresses:
            raise InputError("A file has no address.", where=file.path, expected="`sources` in the registry")
    listings: dict[tuple[str, str], dict[str, hub.Listed]] = {}
    return [_with_hub_digests(file, listings, means) for file in whole]


def _filled(file: File) -> list[str]:
    """The addresses of a file; on the web, its path is quoted."""
    quoted = {"http", "https", "ftp"}
    return [
        address.replace(
            "{path}", quote(file.path) if urlsplit(address).scheme in quoted and not hub.place(address) else file.path
        )
        for address in file.addresses
    ]


def addressed(files: Sequence[File], folder: Path) -> list[File]:
    """Files with their addresses in full; revisions whose commit is known are replaced by it."""
    commits = _commits(folder)
    return [replace(file, addresses=tuple(_pinned(address, commits) for address in _filled(file))) for file in files]


def _pinned(address: str, commits: Mapping[tuple[str, str], str]) -> str:
    place = hub.place(address)
    if place is None:
        return address
    return place._replace(revision=commits.get(place[:2], place.revision)).address


def pin_revisions(files: Sequence[File], folder: Path, means: Means) -> None:
    """Ask the hub for the commits of revisions that may move and are met for the first time."""
    commits = _commits(folder)
    for place in filter(None, (hub.place(address) for file in files for address in _filled(file))):
        if not hub.is_commit(place.revision) and place[:2] not in commits:
            ask_commit = partial(hub.commit, place.repository, place.revision, means.patience.timeout)
            commits[place[:2]] = _of_hub(ask_commit, place, means)
            rows = [(*key, commit) for key, commit in sorted(commits.items())]
            table = pd.DataFrame(rows, columns=list(REVISIONS.columns)).astype("str")
            write_tsv(_revisions(folder), table, REVISIONS)


def _revisions(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.revision")


def _commits(folder: Path) -> dict[tuple[str, str], str]:
    """Known commits by repository and revision."""
    path = _revisions(folder)
    if not path.is_file():
        return {}
    table = read_tsv(path, REVISIONS)
    return dict(zip(zip(table["repository"], table["revision"], strict=True), table["commit"], strict=True))


def _with_hub_digests(file: File, listings: dict[tuple[str, str], dict[str, hub.Listed]], means: Means) -> File:
    place = next(filter(None, map(hub.place, file.addresses)), None)
    if place is None or file.digests or means.store.find(file):
        return file
    key = (place.repository, place.revision)
    if key not in listings:
        listings[key] = _of_hub(partial(hub.listing, *key, means.patience.timeout), place, means)
    if place.path not in listings[key]:
        raise InputError(
            "The hub does not list a file.",
            where=f"{place.repository} at {place.revision}",
            found=quoted(place.path),
            expected="the file of the registry",
            remedy="correct its address there",
        )
    listed = listings[key][place.path]
    if file.size not in (None, listed.size):
        raise InputError(
            "The hub's file has another length than the registered one.",
            where=place.address,
            found=f"{listed.size} B",
            expected=f"{file.size} B",
            remedy="pin the revision in the registry",
        )
    return replace(file, size=listed.size, digests=listed.digests)


def _of_hub(question: Callable[[], Found], place: hub.Place, means: Means) -> Found:
    """Ask the hub, patiently."""
    reason = ""
    for attempt in range(1, means.patience.attempts + 1):
        try:
            return question()
        except RefusedError as error:
            reason = str(error)
            break
        except BrokenOffError as error:
            reason = str(error)
            _wait(means, means.patience.pause(attempt))
    raise InputError(
        "The hub does not say which files a repository has.",
        where=f"{place.repository}@{place.revision}",
        found=reason,
        remedy="look at the network, and at the token in HF_TOKEN if the repository is not public",
    )


def _wait(means: Means, seconds: float) -> None:
    if means.stop.wait(seconds):
        raise StoppedError


def obtain_all(
    files: Sequence[File], folder: Path, means: Means, parallel: int = MOST_FILES, recheck: bool = False
) -> dict[str, str]:
    """SHA-256 of each file, by path; those that are not in the store are fetched, some at a time.

    Raises
    ------
    InputError
        If a file cannot be fetched (the others are fetched first), or the disk cannot hold them.
    StoppedError
        If `means.stop` is set.
    """
    stored = {file.path: means.store.find(file) for file in files}
    if recheck:
        stored = {path: _rechecked(name, means) if name else None for path, name in stored.items()}
    missing = [file for file in files if not stored[file.path]]
    check_space(missing, means.store)
    sizes = [file.size for file in files]
    total = None if None in sizes else sum(size for size in sizes if size is not None)

    def there() -> int:
        return sum(_bytes_there(file, stored[file.path], means.store) for file in files)

    def fetch(file: File) -> None:
        stored[file.path] = obtain(file, folder / file.path, means)
        means.say(f"{file.path}: complete")

    if missing:
        with Progress(folder.name, there, total, means.streams), ThreadPoolExecutor(parallel) as pool:
            waiting = [pool.submit(fetch, file) for file in missing]
            errors = [error for error in (future.exception() for future in waiting) if error]
        for error in sorted(errors, key=lambda error: isinstance(error, StoppedError)):
            raise error
    return {path: name for path, name in stored.items() if name}


def _bytes_there(file: File, stored: str | None, store: Store) -> int:
    return store.path(stored).stat().st_size if stored else arrived(store.partial(key_of(file)))


def _rechecked(sha256: str, means: Means) -> str | None:
    """The digest of a stored file if its bytes still have it; else the file is set aside."""
    path = means.store.path(sha256)
    if measure(path)["sha256"] == sha256:
        return sha256
    aside = means.store.root / "damaged" / sha256
    aside.parent.mkdir(exist_ok=True)
    path.rename(aside)
    means.say(f"{path} is damaged; it is now {aside}")
    return None


def check_space(files: Sequence[File], store: Store) -> None:
    """Refuse to begin what the disk of the store cannot hold.

    Raises
    ------
    InputError
        Says how many bytes are lacking; files of unknown length are not counted.
    """
    needs = sum(max((file.size or 0) - arrived(store.partial(key_of(file))), 0) for file in files)
    free = free_space(store.root)
    if needs > free:
        raise shortfall(store.root, needs, free)


def free_space(path: Path) -> int:
    """Free bytes on the disk of a path, which need not exist yet."""
    return shutil.disk_usage(
        next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    ).free


def shortfall(place: Path, needs: int, free: int) -> InputError:
    """The error that says how many bytes are lacking."""
    return InputError(
        "The disk is too small.",
        where=place,
        found=f"{amount(free)} free",
        expected=f"{amount(needs)}: {amount(needs - free)} ({needs - free} B) are lacking",
        remedy=f"free some, select fewer files, or name a folder on another disk in {VARIABLE}; "
        "what has arrived is kept",
    )


def obtain(file: File, target: Path, means: Means) -> str:
    """SHA-256 of a file, which is in the store afterwards.

    A file that is already at `target` and has the published digests is taken, not fetched.

    Raises
    ------
    InputError
        If no address gives it.
    StoppedError
        If `means.stop` is set.
    """
    with means.store.locked(key_of(file), means.stop) as lock:
        return means.store.find(file) or _taken(file, target, means) or _fetched(file, lock, means)


def _taken(file: File, target: Path, means: Means) -> str | None:
    if not file.digests or not target.is_file() or file.size not in (None, target.stat().st_size):
        return None
    digests = measure(target, file.digests)
    return None if mismatch(file, digests) else means.store.adopt(target, digests, file.addresses)


def _fetched(file: File, lock: int, means: Means) -> str:
    """Try the addresses in turn, again and again, as long as something arrives now and then."""
    reasons: dict[str, str] = {}
    waiting = list(file.addresses)
    attempt = 0
    while waiting and attempt < means.patience.attempts:
        attempt += 1
        for address in list(waiting):
            before = arrived(means.store.partial(key_of(file)))
            try:
                return _from(file, address, lock, means)
            except RefusedError as error:
                waiting.remove(address)
                reasons[address] = str(error)
            except BrokenOffError as error:
                reasons[address] = str(error)
                if arrived(means.store.partial(key_of(file))) > before:
                    attempt = 0
            means.say(f"{file.path}: {shown(address)}: {reasons[address]}")
            if means.stop.is_set():
                raise StoppedError
        if waiting and attempt < means.patience.attempts:
            _wait(means, means.patience.pause(max(attempt, 1)))
    raise InputError(
        "A file cannot be fetched.",
        where=file.path,
        found="".join(f"\n    {shown(address)}: {reason}" for address, reason in reasons.items()),
        remedy="start again later (what has arrived is kept), or get the file by hand and name its folder in `folders`",
    )


def _from(file: File, address: str, lock: int, means: Means) -> str:
    """Fetch a file from one address, check it and store it; SHA-256.

    Bytes that came in several parts and are not the published ones are fetched anew once, since the
    file may have been replaced between two parts, or a part may come from another address.
    """
    key = key_of(file)
    for last in (False, True):
        with Digesting(means.store.partial(key), file.digests) as digesting:
            answer, in_parts = _transferred(file, address, lock, means, digesting)
            digests = _digests(file, digesting)
        problem = mismatch(file, digests)
        replaced = _replaced(address, answer, means) if problem or not file.digests else ""
        problem = problem or replaced
        if not problem:
            return means.store.admit(key, digests, file.addresses)
        means.store.drop_partial(key)
        if last or not (in_parts or replaced):
            break
        means.say(f"{file.path}: {problem}; it may be a mixture, so it is fetched anew")
    raise RefusedError(problem)


def _digests(file: File, digesting: Digesting) -> dict[str, str]:
    """Digests of a file that is whole now.

    Those computed while it came are believed where they agree with the published ones; else all of it is
    read again.
    """
    if _is_followed(file) and not mismatch(file, digests := digesting.finish()):
        return digests
    return measure(digesting.path, file.digests)


def _is_followed(file: File) -> bool:
    """Whether digests are computed while a file comes; git's needs its length first."""
    return bool(file.digests) and "git" not in file.digests


def mismatch(file: File, digests: Mapping[str, str]) -> str:
    """What is wrong with the bytes of a file, or nothing.

    One published digest that agrees is enough here: where publishers contradict each other, the
    verification says so, and the user decides.
    """
    if not file.digests or any(digests[name] == value.lower() for name, value in file.digests.items()):
        return ""
    name = min(file.digests)
    return f"its bytes are others than the published ones ({name} {digests[name]}, not {file.digests[name]})"


def _replaced(address: str, before: Answer, means: Means) -> str:
    """Whether a file of which no digest is known was replaced while it came."""
    after = ask(location(address), means.access(address), means.patience.timeout)
    same = (after.validator, after.size) == (before.validator, before.size)
    return "" if same else "the file was replaced while it was fetched"


def _transferred(file: File, address: str, lock: int, means: Means, digesting: Digesting) -> tuple[Answer, bool]:
    """Bring the partial file to its full length; what the server said of it, and if it came in parts.

    `digesting` reads what has arrived while the rest is on its way.

    Raises
    ------
    BrokenOffError
        If a whole run of the client brought nothing (with what goes before, again and again).
    """
    key, url = key_of(file), location(address)
    part = means.store.partial(key)
    access = means.access(address)
    in_parts = False
    while True:
        answer = ask(url, access, means.patience.timeout)
        size = _agreed_size(file, answer)
        if size is None and not file.digests and urlsplit(url).scheme != "rsync":
            raise RefusedError(
                "neither the server nor the registry says how long the file is, and no digest is known: "
                "a part of it could not be told from the whole"
            )
        kept = arrived(part)
        _start_over_unless_same(file, address, answer, means.store)
        if kept and not arrived(part):
            means.say(f"{file.path}: {shown(address)}: nothing proves it the same file, so it starts over")
        if not file.digests and not answer.strong:
            answer = answer._replace(ranges=False)  # parts of it could belong to different files
        before = arrived(part)
        in_parts |= before > 0
        _check_room(part, size, means)
        if _is_whole(part, size):
            return answer, in_parts
        own = access if urlsplit(answer.address)[:2] == urlsplit(url)[:2] else Access()
        try:
            follow = digesting.read_on if _is_followed(file) else lambda length: False
            transfer(answer, own, part, lock, means.patience.timeout, means.stop, follow)
            if size is None or _is_whole(part, size):
                return answer, in_parts
            raise BrokenOffError(f"the file ended after {arrived(part)} B, not {size} B")
        except BrokenOffError as error:
            if means.stop.is_set():
                raise StoppedError from None
            _check_room(part, size, means)
            if size is not None and part.exists() and part.stat().st_size > size:
                means.store.drop_partial(key)
            if not answer.ranges or arrived(part) <= before:
                raise
            means.say(f"{file.path}: {shown(address)}: {error}; going on at {arrived(part)} B")
            _wait(means, means.patience.pause(1))


def location(address: str) -> str:
    """The address that a client is given."""
    place = hub.place(address)
    return place.location if place else address


def _agreed_size(file: File, answer: Answer) -> int | None:
    """Length of the file; the server is not even tried if it has another than the published one."""
    if None not in (file.size, answer.size) and file.size != answer.size:
        raise RefusedError(f"the server's file has {answer.size} B, not {file.size} B")
    return answer.size if file.size is None else file.size


def _is_whole(part: Path, size: int | None) -> bool:
    return part.is_file() and part.stat().st_size == size and not control_of(part).exists()


def _start_over_unless_same(file: File, address: str, answer: Answer, store: Store) -> None:
    """Drop what has arrived if it cannot be continued from here; note where the rest comes from.

    Parts of files of different lengths are never put together. With a checksum to hold the whole against,
    other parts are tried: servers of one address may differ in how they name a state. Without one, a part is
    continued only where the same server proves, by a strong validator, that it still is the same file.
    """
    key = key_of(file)
    note = _origin(store, key)
    now = {
        "from": shown(address),
        "address": hashlib.sha256(address.encode()).hexdigest(),  # itself it may hold a password
        "at": shown(answer.address),
        "validator": answer.validator,
        "size": answer.size,
    }
    other_length = len({note.get("size"), answer.size} - {None}) > 1
    unproven = not file.digests and not (answer.strong and note == now)
    if other_length or unproven:
        store.drop_partial(key)
    if note != now or other_length or unproven:
        write_text(store.origin(key), json.dumps(now))


def _origin(store: Store, key: str) -> dict[str, Any]:
    """What is noted of the origin of a partial file; nothing where that cannot be read."""
    try:
        note = json.loads(store.origin(key).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _check_room(part: Path, size: int | None, means: Means) -> None:
    free = free_space(part.parent)
    needs = 1 << 20 if size is None else size - arrived(part)
    if needs > free:
        raise shortfall(means.store.root, needs, free)
