"""What a fetch will bring, whether the disks can hold it, and what a run will take: ``snakemake plan``."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentinel_forest.acquire.addresses import addressed, location, needed
from sentinel_forest.acquire.means import Means, means_of
from sentinel_forest.acquire.pace import pace
from sentinel_forest.acquire.room import free_space, shortfall
from sentinel_forest.acquire.server import BrokenOffError, RefusedError, ask
from sentinel_forest.acquire.store import Store, key_of, root_of
from sentinel_forest.acquire.transfer import Patience, arrived
from sentinel_forest.acquire.work import Work
from sentinel_forest.config.releases import read_entry, registered_files
from sentinel_forest.datasets.base import File
from sentinel_forest.io.borders import MARKERS
from sentinel_forest.io.progress import amount
from sentinel_forest.steps import NamedFile

FACTOR = 2.0
"""Bytes that a packed byte becomes where the registry does not say. Tiles of SEN12MS in a ``.tar.gz``
become 1.2 (Sentinel-1) to 1.7 times (Sentinel-2) as large, land cover much more, all three 1.9 times."""

HEADER = ("release", "files", "bytes", "here", "to fetch", "to unpack", "note")
WORK_HEADER = ("release", "rule", "jobs", "core hours", "memory of a job", "at most", "written")


@dataclass(frozen=True)
class Bytes:
    """An amount of data, and how well it is known.

    `exact` is certain, `about` comes in addition and is approximate; of `unknown` files nothing is known, so
    that the amount is a lower bound.
    """

    exact: int = 0
    about: int = 0
    unknown: int = 0

    def __add__(self, other: "Bytes") -> "Bytes":
        """Both together."""
        return Bytes(self.exact + other.exact, self.about + other.about, self.unknown + other.unknown)

    def __sub__(self, there: int) -> "Bytes":
        """What is left if some of it is there."""
        exact = max(self.exact - there, 0)
        return Bytes(exact, max(self.about - max(there - self.exact, 0), 0), self.unknown)

    @property
    def likely(self) -> int:
        """The amount as far as it is known."""
        return self.exact + self.about

    def __str__(self) -> str:
        """The amount for people: never 0 for what is not known."""
        if self.unknown and not self.likely:
            return "unknown"
        least, about = "at least " * bool(self.unknown), "about " * bool(self.about)
        return f"{least}{about}{amount(self.likely)}"


def together(parts: Iterable[Bytes]) -> Bytes:
    """The sum of amounts."""
    return sum(parts, Bytes())


@dataclass(frozen=True)
class Row:
    """A release in the plan.

    `total` of the published files, `here` (bytes) of those that have arrived, `fetch` of those that have not,
    `unpack` of what archives will add.
    """

    release: str
    files: int = 0
    total: Bytes = Bytes()
    here: int = 0
    fetch: Bytes = Bytes()
    unpack: Bytes = Bytes()
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row for people."""
        unknown = self.total.unknown if self.files else 0
        notes = [f"{unknown} file{'s' * (unknown > 1)} of unknown length"] if unknown else []
        notes += [self.note] if self.note else []
        numbers = (str(self.total), amount(self.here), str(self.fetch), str(self.unpack))
        return (self.release, str(self.files), *numbers, "; ".join(notes))


@dataclass(frozen=True)
class Pattern(NamedFile):
    """A pattern of files of a release that are to be fetched; on the command line ``release:pattern``."""

    release: str
    pattern: str


def plan(
    *,
    data: Path,
    samples: list[str],
    folders: list[str],
    downloads: list[str],
    select: list[Pattern],
    work: list[Work],
    timeout: int = 10,
) -> None:
    """Show what would be fetched and unpacked, whether the disks can hold it, and what the jobs take.

    Parameters
    ----------
    data : Path
        Folder of the releases.
    samples, folders, downloads : list of str
        Releases that the scene model writes, that are linked from their folder, that are fetched.
    select : list of Pattern
        Patterns of the files that are fetched; a release without any is fetched whole.
    work : list of Work
        What the jobs take, rule by rule.
    timeout : int
        Seconds to wait for a server's answer.
    """
    store = Store(root_of(data))
    rows = [Row(name, note="written by the scene model") for name in samples]
    rows += [Row(name, note="linked from its folder") for name in folders]
    for name in downloads:
        patterns = [wanted.pattern for wanted in select if wanted.release == name]
        rows.append(row_of(name, patterns, data / name, store, timeout))
    print(text([HEADER, *(row.cells() for row in rows)]), flush=True)
    if work:
        times = pace()
        print("\n" + text([WORK_HEADER, *work_cells(work, times)]), flush=True)
        print(f"Core hours are those of this machine: {times:.1f} times those of the measured rates.\n", flush=True)
    check(rows, store.root, data)


def row_of(name: str, select: Sequence[str], folder: Path, store: Store, timeout: int) -> Row:
    """The plan of one release to be fetched; servers are asked for lengths that the registry does not have."""
    entry = read_entry(name)
    if not entry["files"]:
        note = "no file is registered: get them by hand, and name their folder under `folders`"
        return Row(name, total=Bytes(unknown=1), fetch=Bytes(unknown=1), note=note)
    wanted, notes = needed(registered_files(entry, select))
    means = means_of(entry, store, Patience(timeout=timeout))
    files = addressed(wanted, folder)
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda file: length(file, means), files))
    here = [there(file, folder, store) for file in files]
    return Row(
        name,
        len(files),
        together(sizes),
        sum(here),
        together(size - now for size, now in zip(sizes, here, strict=True)),
        together(to_unpack(file, size, entry, folder) for file, size in zip(files, sizes, strict=True)),
        "; ".join(notes),
    )


def length(file: File, means: Means) -> Bytes:
    """Length of a file: as registered, as stored, as the first server that answers says, or about that."""
    if file.size is not None:
        return Bytes(file.size)
    if stored := means.store.find(file):
        return Bytes(means.store.path(stored).stat().st_size)
    for address in file.addresses:
        try:
            size = ask(location(address), means.access(address), means.patience.timeout).size
        except (RefusedError, BrokenOffError):
            continue
        if size is not None:
            return Bytes(size)
    return Bytes(unknown=1) if file.about is None else Bytes(about=file.about)


def there(file: File, folder: Path, store: Store) -> int:
    """Bytes of a file that need not be fetched: stored, on their way, or in the data folder."""
    if stored := store.find(file):
        return store.path(stored).stat().st_size
    target = folder / file.path
    if file.checksums and target.is_file() and target.stat().st_size == file.size:
        return target.stat().st_size
    return arrived(store.partial(key_of(file))) if file.addresses else 0


def to_unpack(file: File, size: Bytes, entry: dict[str, Any], folder: Path) -> Bytes:
    """What an archive will add; nothing if it has been unpacked."""
    if file.role != "archive" or any((folder / MARKERS).glob(f"{file.path}.*")):
        return Bytes()
    for item in entry["files"]:
        if item["path"] == file.facts.get("unpacked") and item["bytes"]:
            return Bytes(int(item["bytes"]))
    if file.about_unpacked is not None:
        return Bytes(about=file.about_unpacked)
    return Bytes(about=round(FACTOR * size.likely), unknown=size.unknown)


def work_cells(work: Sequence[Work], times: float = 1) -> list[tuple[str, ...]]:
    """What a run takes, for people: a line for each rule of each release, and one for all.

    Core hours are `times` those of the measured rates. It is marked where the number of patches is a guess.
    """
    total = Work(
        release="all",
        rule="",
        jobs=sum(row.jobs for row in work),
        core_hours=sum(row.core_hours for row in work),
        memory=max(row.memory for row in work),
        minutes=max(row.minutes for row in work),
        written=sum(row.written for row in work),
        guessed=any(row.guessed for row in work),
    )
    return [_work_cells(row._replace(core_hours=times * row.core_hours)) for row in (*work, total)]


def _work_cells(row: Work) -> tuple[str, ...]:
    guess = "guess: " * row.guessed
    return (
        row.release,
        row.rule,
        str(row.jobs),
        f"{guess}{row.core_hours:.1f}",
        f"{guess}{amount(row.memory * 10**6)}",
        f"{guess}{row.minutes} min",
        f"{guess}{amount(round(row.written * 10**6))}",
    )


def text(table: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() for cells in table
    )


def check(rows: Sequence[Row], store: Path, data: Path) -> None:
    """Say what is free on the disks of the store and of the data, and refuse what they cannot hold.

    Raises
    ------
    InputError
        With the bytes that are lacking.
    """
    fetch, unpack = together(row.fetch for row in rows), together(row.unpack for row in rows)
    one_disk = _device(store) == _device(data)
    disks = (
        [("store and data", store, fetch + unpack)] if one_disk else [("store", store, fetch), ("data", data, unpack)]
    )
    free = {place: free_space(place) for _, place, _ in disks}
    for name, place, needs in disks:
        print(f"{name}: {needs} needed, {amount(free[place])} free ({place})", flush=True)
    for _, place, needs in disks:
        if needs.likely > free[place]:
            raise shortfall(place, needs.likely, free[place])


def _device(path: Path) -> int:
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists()).stat().st_dev
