"""Is a release what its publisher says? Three layers of checks in one pass over the bytes.

*bytes* (length, checksums), *structure* (what the format must be), *content* (what the values must
be). This step only reports; `sentinel_forest.verify.admit` decides whether the run goes on.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sentinel_forest import datasets
from sentinel_forest.acquire.history import Seen, State
from sentinel_forest.config import releases
from sentinel_forest.datasets import plausibility
from sentinel_forest.datasets.base import Dataset, File, Finding, Inspection, no_hashes
from sentinel_forest.datasets.findings import Inspector, joined
from sentinel_forest.io import causes
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.lazy import lazy
from sentinel_forest.io.tables import read_tsv, write_parquet, write_tsv
from sentinel_forest.steps import Layout, Output

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

CHECKSUMS = pa.DataFrameSchema(
    {"path": pa.Column("str", unique=True), "bytes": pa.Column("int64"), "sha256": pa.Column("str")}, strict=True
)
"""What was read: path below the release's folder, length in bytes, SHA-256 (hex)."""

LAYERS, STATUSES = ("bytes", "structure", "content"), ("failed", "note", "ok")

INTEGRITY = pa.DataFrameSchema(
    {
        "file": pa.Column("str"),
        "layer": pa.Column("str", pa.Check.isin(LAYERS)),
        "check": pa.Column("str"),
        "status": pa.Column("str", pa.Check.isin(STATUSES)),
        "found": pa.Column("str"),
        "expected": pa.Column("str"),
        "remedy": pa.Column("str"),
        "accept": pa.Column("str", pa.Check.isin(["", "kept", "left out"])),
    },
    strict=True,
)
"""Findings; one row each (see `datasets.base.Finding`)."""

HASHES = pa.DataFrameSchema(
    {
        "file": pa.Column("str"),
        "row": pa.Column("int64"),
        "layer": pa.Column("str"),
        "hash": pa.Column("str", pa.Check.str_matches(r"^[0-9a-f]{32}$")),
        "empty": pa.Column("int64", pa.Check.ge(0)),
    },
    strict=True,
)
"""By patch and stored layer, labels too: xxh3_128 (hex) of its values; pixels that are 0 in all its optical bands."""

Status = Literal["ok", "note", "failed"]

CHUNK = 8 << 20
MOST_ROWS = 200
"""Rows of one check with one status that are written out; the rest is counted in one more row."""


def inspect(
    *,
    release: str,
    dataset: str,
    layout: Layout | None = None,
    folder: Path,
    files: Path,
    select: list[str],
    threads: int = 1,
    integrity: Output,
    hashes: Output,
    checksums: Output,
) -> None:
    """Read every byte of a release once: checksums, structure, content. Only reports.

    Parameters
    ----------
    release : str
        Its name; the files of a registered release are held against what is published of them.
    dataset, layout
        Name of the dataset, and how the release deviates from its published layout.
    folder : Path
        The release.
    files : Path
        Table of the files found, `sentinel_forest.config.releases.FILES`.
    select : list of str
        Patterns of the files that are used; none for all.
    threads : int
        Files that are read at a time.
    integrity, hashes, checksums : Path
        Tables to write: `INTEGRITY`, `HASHES`, `CHECKSUMS`.
    """
    opened = datasets.load(dataset, layout)
    found = list(read_tsv(files, releases.FILES)["path"])
    expected = expected_files(release, select, found, opened.places_from)
    present = [file for file in expected if (folder / file.path).is_file()]
    findings = presence(expected, folder) + opened.structure(folder, present)
    states, inspections = read_all(opened, folder, present, threads)
    inspections.append(opened.conclude({file.path: row for file, row in zip(present, inspections, strict=True)}))
    findings += plausibility.findings(opened.layer_table, inspections[-1].values)
    findings += _first_sights(Seen(folder.parent, release), present, states)
    findings += [finding for inspection in inspections for finding in inspection.findings]
    findings = joined(findings)
    hashed = _hashes(inspections)
    findings += patch_counts(release, select, hashed)
    write_tsv(integrity, table(findings), INTEGRITY)
    write_parquet(hashes, hashed, HASHES)
    write_tsv(checksums, _checksums(states), CHECKSUMS)
    _say(findings, release)


def expected_files(release: str, select: Sequence[str], found: Sequence[str], places_from: str = "") -> list[File]:
    """The files that must be there: the registered ones that are selected, and all others found.

    Archives are checked when they are fetched, and need not be there: the files found beside the other
    registered ones stand for them. Files of places are held against what is known of those of the release
    `places_from`, which has the same rows.
    """
    entry = releases.find_entry(release)
    if entry is None or not entry["files"]:
        return [File(path) for path in found]
    plain = [file for file in releases.registered_files(entry, select) if file.role != "archive"]
    known = {file.path: file for file in releases.registered_files(entry)}
    other = releases.find_entry(places_from) if places_from else None
    places = {file.path: file for file in releases.registered_files(other) if file.role == "metadata"} if other else {}
    paths = {file.path for file in plain}
    return plain + [
        known.get(path) or replace(places.get(path.rsplit("/", 1)[-1], File(path)), path=path)
        for path in found
        if path not in paths
    ]


def presence(files: Sequence[File], folder: Path) -> list[Finding]:
    """A finding for each file that is missing, and what lies in its place, if anything does."""
    absent = {file.path: folder / file.path for file in files if not (folder / file.path).is_file()}
    causes_of = {path: causes.of_place(place) for path, place in absent.items()}
    return [
        Finding(path, "bytes", "present", "failed", cause.found, "the file", cause.remedy)
        for path, cause in causes_of.items()
    ]


def read_all(
    dataset: Dataset, folder: Path, files: Sequence[File], threads: int
) -> tuple[dict[str, State], list[Inspection]]:
    """Read every file once: its state and what its bytes showed; files in parallel, the largest first.

    (A large one that comes last would be read while other threads have nothing left to do.)
    """
    buffers = [bytearray(CHUNK) for _ in range(threads)]  # fresh memory for each file would cost much

    def read(file: File) -> tuple[State, Inspection]:
        buffer = buffers.pop()
        try:
            return read_one(dataset, folder, file, buffer)
        finally:
            buffers.append(buffer)

    ordered = sorted(files, key=lambda file: -os.stat(f"{folder}/{file.path}").st_size)
    with ThreadPoolExecutor(threads) as pool:
        results = dict(zip([file.path for file in ordered], pool.map(read, ordered), strict=True))
    return {file.path: results[file.path][0] for file in files}, [results[file.path][1] for file in files]


def read_one(dataset: Dataset, folder: Path, file: File, buffer: bytearray) -> tuple[State, Inspection]:
    """Read one file once, by way of `buffer`; feed the checksums and the dataset's inspector with its bytes."""
    path = folder / file.path
    inspector = dataset.inspector(folder, file)
    hashers = {name: hashlib.new(name) for name in {"sha256", *file.checksums}}
    with open(path, "rb") as stream:
        for block in _blocks(stream, memoryview(buffer), inspector):
            for hasher in hashers.values():
                hasher.update(block)
            if inspector:
                inspector.update(block)
        status = os.fstat(stream.fileno())
    inspection = inspector.finish() if inspector else Inspection(())
    checksums = {name: hasher.hexdigest() for name, hasher in hashers.items()}
    findings = (*byte_findings(file, status.st_size, checksums), *inspection.findings)
    return State(status.st_size, status.st_mtime_ns, checksums["sha256"]), replace(inspection, findings=findings)


def _blocks(stream: BufferedReader, memory: memoryview, inspector: Inspector | None) -> Iterator[memoryview]:
    """The bytes of a file in the pieces that the inspector wants, each in the place of the one before."""
    while True:
        wanted = inspector.block_bytes if inspector else len(memory)
        if wanted > len(memory):
            memory = memoryview(bytearray(wanted))
        length = stream.readinto(memory[:wanted])
        if not length:
            return
        yield memory[:length]


def byte_findings(file: File, size: int, checksums: dict[str, str]) -> list[Finding]:
    """Length and checksums of a file against what is published."""
    findings: list[Finding] = []
    status: Status
    if file.size is not None:
        status = "ok" if size == file.size else "failed"
        remedy = "" if status == "ok" else "the download is incomplete or another file: fetch it again"
        findings.append(Finding(file.path, "bytes", "length", status, f"{size} B", f"{file.size} B", remedy, "kept"))
    for name, expected in sorted(file.checksums.items()):
        status = "ok" if checksums[name] == expected.lower() else "failed"
        remedy = "" if status == "ok" else "the bytes are not the published ones: fetch the file again"
        findings.append(Finding(file.path, "bytes", name, status, checksums[name], expected.lower(), remedy, "kept"))
    return findings


def patch_counts(release: str, select: Sequence[str], hashes: pd.DataFrame) -> list[Finding]:
    """Patches with an image against the number that the registry has of a whole release."""
    entry = releases.find_entry(release)
    counts = (entry or {}).get("patches", {}).values()
    if not any(counts) or None in counts or select or hashes.empty:
        return []
    published = sum(counts)
    found = int(hashes.groupby("layer").size().max())
    texts = (f"{found} patches", f"{published}, as registered")
    if found > published:
        remedy = "files that are not the publisher's lie here, or of another version: remove them"
        return [Finding("(all files)", "structure", "registered", "failed", *texts, remedy, "kept")]
    return [Finding("(all files)", "structure", "registered", "ok" if found == published else "note", *texts)]


def _first_sights(seen: Seen, files: Sequence[File], states: dict[str, State]) -> list[Finding]:
    """Note the states of files, and hold them against the checksums that were met first."""
    seen.record(states)
    first = seen.first_checksums()
    return [finding for file in files for finding in _first_sight(file, states[file.path], first)]


def _first_sight(file: File, state: State, first: dict[str, str]) -> list[Finding]:
    """Where no checksum is published, the first one met is held."""
    if file.checksums:
        return []
    if state.sha256 == first[file.path]:
        return [Finding(file.path, "bytes", "first-sight", "ok", state.sha256, "no checksum is published")]
    return [
        Finding(
            file.path,
            "bytes",
            "first-sight",
            "failed",
            state.sha256,
            first[file.path],
            "the file has changed since it was first read: restore it, or, if you changed it, accept this",
            "kept",
        )
    ]


def table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Findings as a table, failures first, what lies deeper last; long lists of one check are cut and counted."""
    order = {name: place for names in (STATUSES, LAYERS) for place, name in enumerate(names)}
    rows = sorted(findings, key=lambda row: (order[row.status], order[row.layer], row.check, row.file, row.found))
    counts = Counter((row.status, row.layer, row.check, row.accept) for row in rows)
    written: Counter[tuple[str, str, str, str]] = Counter()
    kept = []
    for row in rows:
        kind = (row.status, row.layer, row.check, row.accept)
        written[kind] += 1
        if written[kind] <= MOST_ROWS:
            kept.append(row)
        elif written[kind] == MOST_ROWS + 1:
            rest = counts[kind] - MOST_ROWS
            kept.append(replace(row, file="(more)", found=f"{rest} more of these", expected="", remedy=""))
    written_out = [asdict(row if row.status == "failed" else replace(row, accept="")) for row in kept]
    return pd.DataFrame(written_out, columns=list(INTEGRITY.columns)).astype("str")


def _hashes(inspections: Sequence[Inspection]) -> pd.DataFrame:
    tables = [inspection.hashes for inspection in inspections if len(inspection.hashes)]
    return pd.concat(tables, ignore_index=True) if tables else no_hashes()


def _checksums(states: dict[str, State]) -> pd.DataFrame:
    rows = [(path, state.bytes, state.sha256) for path, state in sorted(states.items())]
    return pd.DataFrame(rows, columns=list(CHECKSUMS.columns)).astype(
        {"path": "str", "bytes": "int64", "sha256": "str"}
    )


def _say(findings: Sequence[Finding], release: str) -> None:
    counts = Counter(finding.status for finding in findings)
    print(f"{release}: {counts['failed']} failed, {counts['note']} notes, {counts['ok']} ok", file=sys.stderr)
