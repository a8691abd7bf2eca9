"""What a fetch will bring, whether the disks can hold it, and what a run will take: ``snakemake plan``."""

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .datasets.base import File
from .errors import run
from .fetch import Means, addressed, free_space, location, means_of, needed, shortfall
from .progress import amount
from .releases import read_entry, registered_files
from .store import Store, key_of, root_of
from .transfer import BrokenOffError, Patience, RefusedError, arrived, ask
from .unpack import MARKERS

FACTOR = 2.0
"""Bytes that a packed byte becomes where the registry does not say. Tiles of SEN12MS in a ``.tar.gz``
become 1.2 (Sentinel-1) to 1.7 times (Sentinel-2) as large, land cover much more, all three 1.9 times."""

HEADER = ("release", "files", "bytes", "here", "to fetch", "to unpack", "note")
WORK_HEADER = ("release", "rule", "jobs", "core hours", "memory of a job", "at most", "written")


@dataclass(frozen=True)
class Row:
    """A release in the plan; amounts in bytes.

    `total` of the published files, `here` of those that have arrived, `fetch` of those that have not,
    `unpack` of what archives will add; `unknown` counts the files of which no length is known.
    """

    release: str
    files: int
    total: int
    here: int
    fetch: int
    unpack: int
    unknown: int = 0
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row for people."""
        least = "at least " if self.unknown else ""
        notes = [f"{self.unknown} file{'s' * (self.unknown > 1)} of unknown length"] if self.unknown else []
        notes += [self.note] if self.note else []
        numbers = (f"{least}{amount(self.total)}", amount(self.here), f"{least}{amount(self.fetch)}")
        return (self.release, str(self.files), *numbers, amount(self.unpack), "; ".join(notes))


def main(argv: Sequence[str] | None = None) -> None:
    """Show the plan; end with an error if a disk cannot hold it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registry", type=Path, required=True, help="folder of the registry")
    parser.add_argument("--data", type=Path, required=True, help="folder of the releases")
    parser.add_argument(
        "--releases", type=json.loads, required=True,
        help='JSON: {name: {"way": "download" | "sample" | "folder", "select": [patterns]}}',
    )  # fmt: skip
    parser.add_argument(
        "--work", type=Path, help="JSON file: [fields of a `sentinel_forest.resources.Work`, ...]"
    )
    parser.add_argument("--timeout", type=int, default=10, help="seconds to wait for a server's answer")
    arguments = parser.parse_args(argv)
    store = Store(root_of(arguments.data))
    rows = [
        plan(name, about, arguments.registry, arguments.data, store, arguments.timeout)
        for name, about in arguments.releases.items()
    ]
    print(text([HEADER, *(row.cells() for row in rows)]), flush=True)
    if arguments.work:
        work = json.loads(arguments.work.read_text(encoding="utf-8"))
        print("\n" + text([WORK_HEADER, *work_cells(work)]) + "\n", flush=True)
    check(rows, store.root, arguments.data)


def plan(name: str, about: dict[str, Any], registry: Path, data: Path, store: Store, timeout: int) -> Row:
    """The plan of one release; servers are asked for lengths that the registry does not have."""
    if about["way"] != "download":
        note = {"sample": "written by the scene model", "folder": "linked from its folder"}[about["way"]]
        return Row(name, 0, 0, 0, 0, 0, note=note)
    entry = read_entry(registry, name)
    wanted, notes = needed(registered_files(entry, about["select"]))
    means = means_of(entry, store, Patience(timeout=timeout))
    files = addressed(wanted, data / name)
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda file: length(file, data / name, means), files))
    here = [there(file, data / name, store) for file in files]
    return Row(
        name, len(files), sum(size or 0 for size in sizes), sum(here),
        sum(max((size or 0) - now, 0) for size, now in zip(sizes, here, strict=True)),
        sum(to_unpack(file, size, entry, data / name) for file, size in zip(files, sizes, strict=True)),
        sizes.count(None), "; ".join(notes),
    )  # fmt: skip


def length(file: File, folder: Path, means: Means) -> int | None:
    """Length of a file in bytes: as registered, as stored, or as the first server that answers says."""
    if file.size is not None:
        return file.size
    if stored := means.store.find(file):
        return means.store.path(stored).stat().st_size
    for address in file.addresses:
        try:
            size = ask(location(address), means.access(address), means.patience.timeout).size
        except (RefusedError, BrokenOffError):
            continue
        if size is not None:
            return size
    return None


def there(file: File, folder: Path, store: Store) -> int:
    """Bytes of a file that need not be fetched: stored, on their way, or in the data folder."""
    if stored := store.find(file):
        return store.path(stored).stat().st_size
    target = folder / file.path
    if file.digests and target.is_file() and target.stat().st_size == file.size:
        return target.stat().st_size
    return arrived(store.partial(key_of(file))) if file.addresses else 0


def to_unpack(file: File, size: int | None, entry: dict[str, Any], folder: Path) -> int:
    """Bytes that an archive will add; none if it has been unpacked."""
    if file.role != "archive" or any((folder / MARKERS).glob(f"{file.path}.*")):
        return 0
    for item in entry["files"]:
        if item["path"] == file.facts.get("unpacked") and item["bytes"]:
            return int(item["bytes"])
    return round(FACTOR * (size or 0))


def work_cells(work: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """What a run takes, for people: a line for each rule of each release, and one for all."""
    lines = [
        (
            row["release"], row["rule"], str(row["jobs"]), f"{row['core_hours']:.1f}",
            amount(row["memory"] * 10**6), f"{row['minutes']} min", amount(round(row["written"] * 10**6)),
        )
        for row in work
    ]  # fmt: skip
    jobs, hours = sum(row["jobs"] for row in work), sum(row["core_hours"] for row in work)
    memory, minutes = max(row["memory"] for row in work), max(row["minutes"] for row in work)
    written = amount(round(sum(row["written"] for row in work) * 10**6))
    return [
        *lines,
        ("all", "", str(jobs), f"{hours:.1f}", amount(memory * 10**6), f"{minutes} min", written),
    ]


def text(table: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in table
    )


def check(rows: Sequence[Row], store: Path, data: Path) -> None:
    """Say what is free on the disks of the store and of the data, and refuse what they cannot hold.

    Raises
    ------
    InputError
        With the bytes that are lacking.
    """
    fetch, unpack = sum(row.fetch for row in rows), sum(row.unpack for row in rows)
    together = _device(store) == _device(data)
    for name, place, needs in (
        [("store and data", store, fetch + unpack)]
        if together
        else [("store", store, fetch), ("data", data, unpack)]
    ):
        free = free_space(place)
        print(f"{name}: {amount(needs)} needed, {amount(free)} free ({place})", flush=True)
        if needs > free:
            raise shortfall(place, needs, free)


def _device(path: Path) -> int:
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists()).stat().st_dev


if __name__ == "__main__":
    run(main)
