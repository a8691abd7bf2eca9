"""Fetch files from their addresses into the store: whole, the published ones, or not at all."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sentinel_forest.acquire.addresses import location
from sentinel_forest.acquire.credentials import Access
from sentinel_forest.acquire.history import Seen
from sentinel_forest.acquire.means import Means, Pace
from sentinel_forest.acquire.room import check_space, free_space, shortfall
from sentinel_forest.acquire.server import Answer, BrokenOffError, RefusedError, ask, is_same_server
from sentinel_forest.acquire.store import Hashing, StoppedError, Store, key_of, measure
from sentinel_forest.acquire.transfer import arrived, control_of, transfer
from sentinel_forest.config.files import File
from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import shown
from sentinel_forest.io.progress import Progress
from sentinel_forest.io.tables import write_text

MOST_FILES = 3
"""Files that are fetched at a time."""

MOST_OF_UNKNOWN_SIZE = 4 << 30
"""Bytes of a file of which neither its server nor the registry says how large it is."""


def prepare_folder(folder: Path) -> None:
    """Make a real folder of a release; a link to a folder elsewhere is taken away, not what it leads to."""
    if folder.is_symlink():
        Seen(folder.parent, folder.name).forget()
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)


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
    """The checksum of a stored file if its bytes still have it; else the file is set aside."""
    path = means.store.path(sha256)
    if measure(path)["sha256"] == sha256:
        return sha256
    aside = means.store.root / "damaged" / sha256
    aside.parent.mkdir(exist_ok=True)
    path.rename(aside)
    means.say(f"{path} is damaged; it is now {aside}")
    return None


def obtain(file: File, target: Path, means: Means) -> str:
    """SHA-256 of a file, which is in the store afterwards.

    A file that is already at `target` and has the published checksums is taken, not fetched.

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
    if not file.checksums or not target.is_file() or file.size not in (None, target.stat().st_size):
        return None
    checksums = measure(target, file.checksums)
    return None if mismatch(file, checksums) else means.store.adopt(target, checksums, file.addresses)


def _fetched(file: File, lock: int, means: Means) -> str:
    """Try the addresses in turn, again and again, as long as enough arrives now and then."""
    errors: dict[str, Exception] = {}
    part, attempt = means.store.partial(key_of(file)), 0
    pace = Pace(part, means)
    while attempt < means.patience.attempts:
        attempt += 1
        for address in file.addresses:
            if isinstance(errors.get(address), RefusedError):
                continue
            try:
                return _from(file, address, lock, means)
            except (RefusedError, BrokenOffError) as error:
                errors[address] = error
            means.say(f"{file.path}: {shown(address)}: {errors[address]}")
            if means.stop.is_set():
                raise StoppedError
        transient = [error for error in errors.values() if isinstance(error, BrokenOffError)]
        if not transient:
            break
        attempt = 0 if pace.is_kept() else attempt
        if attempt < means.patience.attempts:
            means.wait(min(means.patience.pause(max(attempt, 1), error) for error in transient))
    raise _not_fetched(file, errors)


def _not_fetched(file: File, errors: Mapping[str, Exception]) -> InputError:
    """The error that says what each address answered, and what can be done about it."""
    remedy = "get the file by hand and name its folder in `folders`"
    if any(isinstance(error, BrokenOffError) and error.limited for error in errors.values()):
        remedy = f"start again in some minutes, when the server takes requests (what has arrived is kept), or {remedy}"
    elif any(isinstance(error, BrokenOffError) for error in errors.values()):
        remedy = f"start again later (what has arrived is kept), or {remedy}"
    found = "".join(f"\n    {shown(address)}: {error}" for address, error in errors.items())
    return InputError("A file cannot be fetched.", where=file.path, found=found, remedy=remedy)


def _from(file: File, address: str, lock: int, means: Means) -> str:
    """Fetch a file from one address, check it and store it; SHA-256.

    Bytes that came in several parts and are not the published ones are fetched anew once, since the
    file may have been replaced between two parts, or a part may come from another address.
    """
    key = key_of(file)
    for last in (False, True):
        with Hashing(means.store.partial(key), file.checksums) as hashing:
            answer, in_parts = _transferred(file, address, lock, means, hashing)
            checksums = _checksums(file, hashing)
        problem = mismatch(file, checksums)
        replaced = _replaced(address, answer, means) if problem or not file.checksums else ""
        problem = problem or replaced
        if not problem:
            return means.store.admit(key, checksums, file.addresses)
        means.store.drop_partial(key)
        if last or not (in_parts or replaced):
            break
        means.say(f"{file.path}: {problem}; it may be a mixture, so it is fetched anew")
    raise RefusedError(problem)


def _checksums(file: File, hashing: Hashing) -> dict[str, str]:
    """Checksums of a file that is whole now.

    Those computed while it came are believed where they agree with the published ones; else all of it is
    read again.
    """
    if _is_followed(file) and not mismatch(file, checksums := hashing.finish()):
        return checksums
    return measure(hashing.path, file.checksums)


def _is_followed(file: File) -> bool:
    """Whether checksums are computed while a file comes; git's needs its length first."""
    return bool(file.checksums) and "git" not in file.checksums


def mismatch(file: File, checksums: Mapping[str, str]) -> str:
    """What is wrong with the bytes of a file, or nothing.

    One published checksum that agrees is enough here: where publishers contradict each other, the
    verification says so, and the user decides.
    """
    if not file.checksums or any(checksums[name] == value.lower() for name, value in file.checksums.items()):
        return ""
    name = min(file.checksums)
    return f"the checksum does not match the published one ({name} {checksums[name]}, not {file.checksums[name]})"


def _replaced(address: str, before: Answer, means: Means) -> str:
    """Whether a file of which no checksum is known was replaced while it came."""
    after = ask(location(address), means.access(address), means.patience.timeout)
    same = (after.validator, after.size) == (before.validator, before.size)
    return "" if same else "the file was replaced while it was fetched"


def _transferred(file: File, address: str, lock: int, means: Means, hashing: Hashing) -> tuple[Answer, bool]:
    """Bring the partial file to its full size; what the server said of it, and if it came in parts.

    `hashing` reads what has arrived while the rest is on its way.

    Raises
    ------
    BrokenOffError
        If a whole run of the client brought next to nothing (with what goes before, again and again).
    """
    part = means.store.partial(key_of(file))
    in_parts = False
    pace = Pace(part, means)
    while True:
        answer, size = _agreed(file, address, means)
        in_parts |= arrived(part) > 0
        _check_room(part, size, means)
        if _is_whole(part, size):
            return answer, in_parts
        try:
            _run(file, address, answer, size, lock, means, hashing)
            return answer, in_parts
        except BrokenOffError as error:
            if means.stop.is_set():
                raise StoppedError from None
            _check_room(part, size, means)
            if not answer.ranges or not pace.is_kept():
                raise
            means.say(f"{file.path}: {shown(address)}: {error}; going on at {arrived(part)} B")
            means.wait(means.patience.pause(1, error))


def _agreed(file: File, address: str, means: Means) -> tuple[Answer, int | None]:
    """What the server says of a file now, and its size; what has arrived and is of another file is dropped."""
    url, part = location(address), means.store.partial(key_of(file))
    answer = ask(url, means.access(address), means.patience.timeout)
    size = _agreed_size(file, answer)
    if size is None and not file.checksums and urlsplit(url).scheme != "rsync":
        raise RefusedError(
            "neither the server nor the registry says how long the file is, and no checksum is known: "
            "a part of it could not be told from the whole"
        )
    kept = arrived(part)
    _start_over_unless_same(file, address, answer, means.store)
    if kept and not arrived(part):
        means.say(f"{file.path}: {shown(address)}: nothing proves it the same file, so it starts over")
    if not file.checksums and not answer.strong:
        answer = answer._replace(ranges=False)  # parts of it could belong to different files
    return answer, size


def _run(file: File, address: str, answer: Answer, size: int | None, lock: int, means: Means, hashing: Hashing) -> None:
    """Run a client once; the file is whole afterwards."""
    part = means.store.partial(key_of(file))
    try:
        transfer(
            answer,
            means.access(address) if is_same_server(answer.address, location(address)) else Access(),
            part,
            lock=lock,
            timeout=means.patience.timeout,
            most=2 * (file.about or MOST_OF_UNKNOWN_SIZE // 2) if size is None else size,
            stop=means.stop,
            meanwhile=hashing.read_on if _is_followed(file) else lambda length: False,
            is_held=not file.checksums,
        )
    finally:
        if size is not None and part.exists() and part.stat().st_size > size:
            means.store.drop_partial(key_of(file))
    if size is not None and not _is_whole(part, size):
        raise BrokenOffError(f"the file ended after {arrived(part)} B, not {size} B")


def _agreed_size(file: File, answer: Answer) -> int | None:
    """Size of the file; the server is not even tried if it has another than the published one."""
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
    unproven = not file.checksums and not (answer.strong and note == now)
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
