"""What the checks of a dataset find, and what passing bytes have shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from sentinel_forest.datasets.values import Values
from sentinel_forest.io.lazy import lazy

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = lazy("pandas")

MOST_NAMES = 20
"""Empty patches that a finding names; the catalog has all (`valid_fraction_<kind>`)."""


FEW = 2
"""Files that a fault is told of one by one; where more have the very same one, a single finding says so."""

Part = Literal["bytes", "structure", "content"]
"""What a check looks at."""

Accept = Literal["", "kept", "left out"]
"""What follows where a failed check is accepted: what was found stays as it is, or what is concerned (a patch,
a file) is left out. Blank: it cannot be accepted, because reading cannot go on."""


LONG_RUN = 5
"""Empty patches one after another that are no chance: what an interrupted copy, or a part of a download, left empty."""

HOLE = 0.01
"""Fraction of an image that one band of Sentinel-1 cannot lack by chance where the other has all: both are measured
at once. (Bands of Sentinel-2 end apart from each other at the edge of what was seen, and may be 0 over dark water.)"""

MOST_WORST = 3
"""Patches with the most pixels without a measurement that a finding names, where none is empty."""


@dataclass(frozen=True)
class Finding:
    """One row of ``integrity.tsv``.

    `layer` is ``bytes``, ``structure`` or ``content``; `status` is ``ok``, ``note`` (worth knowing,
    stops nothing), or ``failed``; `check` is a short fixed name that ``accept:`` can refer to; `accept` says
    what that would mean, see `Accept`.
    """

    file: str
    layer: Part
    check: str
    status: Literal["ok", "note", "failed"]
    found: str
    expected: str = ""
    remedy: str = ""
    accept: Accept = ""


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with one in the place of many failures that differ in nothing but the file.

    Examples
    --------
    >>> found = [Finding(f"{number}.tif", "structure", "side", "failed", "64 px") for number in range(24)]
    >>> [finding.file for finding in joined(found)]
    ['24 files, the first: 0.tif']
    """
    alike: dict[Finding, list[Finding]] = {}
    for finding in findings:
        key = replace(finding, file="") if finding.status == "failed" else finding
        alike.setdefault(key, []).append(finding)
    result: list[Finding] = []
    for group in alike.values():
        files = list(dict.fromkeys(finding.file for finding in group))
        if len(files) > FEW:
            result.append(replace(group[0], file=f"{len(files)} files, the first: {files[0]}"))
        else:
            result += group
    return result


def hash_table(
    files: Sequence[str],
    rows: Sequence[int],
    layers: Sequence[str],
    hashes: Sequence[str],
    empty: Sequence[int] | np.ndarray | None = None,
) -> pd.DataFrame:
    """Hashes of patches: file (str), row (int64), layer (str), hash (str, 32 hex digits), empty (int64).

    `empty` counts the pixels of an optical layer that are 0 in all bands that the layer holds.
    """
    return pd.DataFrame(
        {
            "file": pd.array(list(files), dtype="str"),
            "row": np.array(rows, dtype=np.int64),
            "layer": pd.array(list(layers), dtype="str"),
            "hash": pd.array(list(hashes), dtype="str"),
            "empty": np.zeros(len(files), dtype=np.int64) if empty is None else np.array(empty, dtype=np.int64),
        }
    )


@cache
def no_hashes() -> pd.DataFrame:
    """The empty table of patch hashes, see `hash_table`."""
    return hash_table([], [], [], [])


@dataclass(frozen=True)
class Inspection:
    """What the passing bytes of one file have shown.

    `hashes` has a row for each patch of each stored layer, see `hash_table` and `sentinel_forest.datasets.hashing`.
    `values` are what `sentinel_forest.datasets.plausibility` judges; those of all files come from `Dataset.conclude`.
    """

    findings: tuple[Finding, ...]
    hashes: pd.DataFrame = field(default_factory=no_hashes)
    values: tuple[Values, ...] = field(default=(), kw_only=True)


class Inspector(ABC):
    """Checks the content of one file while its bytes pass by for the checksum.

    `block_bytes` is the length of the next piece it wants (the last may be shorter); a file is never
    held whole unless it is small.
    """

    block_bytes: int

    @abstractmethod
    def update(self, block: memoryview) -> None:
        """Take the next bytes of the file, in order. The block stays as it is until more are read, or `finish` ends."""

    @abstractmethod
    def finish(self) -> Inspection:
        """Say what was seen."""


def valid_fraction(unmeasured: Sequence[int] | np.ndarray, size: int) -> np.ndarray:
    """Fraction of pixels that carry a measurement, float32, from counts of those without; NaN for counts below 0."""
    counts = np.asarray(unmeasured, dtype=np.float64)
    return np.where(counts < 0, np.nan, 1 - counts / size).astype(np.float32)


def unmeasured_finding(
    file: str,
    check: str,
    pixels: Sequence[int] | np.ndarray,
    size: int,
    names: Sequence[str],
    kind: str = "optical",
    at_end: bool = False,
) -> Finding:
    """The finding for pixels without a measurement: a note, and a failure where patches have nothing else.

    Parameters
    ----------
    file, check : str
        What the finding is of.
    pixels : sequence of int
        Pixels without a measurement, by patch.
    size : int
        Pixels of a patch.
    names : sequence of str
        Names of the patches.
    kind : str
        Kind of sensor.
    at_end : bool
        Whether all patches of a place may lack this sensor, so that only empty ones at the end are a fault.
    """
    counts, expected = np.asarray(pixels, dtype=np.int64), f"not 0 or missing in all {kind} bands"
    if not counts.any():
        return Finding(file, "content", check, "ok", f"all pixels of {len(counts)} patches", expected)
    found = _unmeasured_text(counts, size, names)
    if (counts == size).all():
        remedy = f"the {kind} bands say nothing about any patch: fetch them again"
        return Finding(file, "content", check, "failed", found, expected, remedy, "left out")
    if run := empty_run(counts, size, at_end):
        remedy = f"{len(run)} patches one after another are empty: was a copy interrupted? fetch the files again"
        return Finding(file, "content", check, "failed", found, expected, remedy, "left out")
    remedy = "nothing: pixels without a measurement, and empty patches, are neither learnt from nor scored"
    return Finding(file, "content", check, "note", found, expected, remedy)


def empty_run(pixels: Sequence[int] | np.ndarray, size: int, at_end: bool = False) -> range:
    """Empty patches that follow each other, from the pixels of each without a measurement: the longest run.

    Only `LONG_RUN` or more are one; with `at_end` only if they are the last.

    Examples
    --------
    >>> empty_run([4, 0, 4, 4, 4, 4, 4, 0], 4), empty_run([4, 0, 4, 4], 4)
    (range(2, 7), range(0, 0))
    """
    ends = np.concatenate([[-1], np.flatnonzero(np.asarray(pixels) != size), [len(pixels)]])
    lengths = np.diff(ends) - 1
    at = len(lengths) - 1 if at_end else int(lengths.argmax())
    return range(int(ends[at]) + 1, int(ends[at + 1])) if lengths[at] >= LONG_RUN else range(0)


def hole_findings(
    file: str, missing: Mapping[str, np.ndarray], size: int, names: Sequence[str] = ()
) -> Iterator[Finding]:
    """The failed check ``hole`` where one band of a sensor lacks pixels in images that another has whole.

    Parameters
    ----------
    file : str
        What the finding is of.
    missing : mapping
        By band, the pixels without a measurement: int64 (images,).
    size : int
        Pixels of an image.
    names : sequence of str
        Names of the images, if there are several.
    """
    whole = np.min(list(missing.values()), axis=0) == 0
    for band, counts in missing.items():
        holes: list[int] = np.flatnonzero(whole & (counts > HOLE * size)).tolist()
        if holes:
            others = ", ".join(other for other in missing if other != band)
            where = f" in {len(holes)} patches, the first {names[holes[0]]}," if names else ""
            found = f"{band} is 0 or missing{where} at {counts[holes[0]]} pixels that {others} has"
            remedy = "a part of the band was lost: fetch the file again; accepted, these pixels are used as stored"
            yield Finding(file, "content", "hole", "failed", found, f"{band} wherever {others} is", remedy, "kept")


def _unmeasured_text(counts: np.ndarray, size: int, names: Sequence[str]) -> str:
    """Pixels without a measurement in words, and the patches that are nothing else, or the worst."""
    affected: list[int] = np.flatnonzero(counts).tolist()
    empty = [names[place] for place in affected if counts[place] == size]
    text = f"{counts.sum()} pixels in {len(affected)} of {len(counts)} patches"
    if empty:
        more = ", ..." if len(empty) > MOST_NAMES else ""
        return f"{text}; empty patches ({len(empty)}): {', '.join(empty[:MOST_NAMES])}{more}"
    worst = sorted(affected, key=lambda place: -counts[place])[:MOST_WORST]
    told = ", ".join(f"{names[place]}: {counts[place]} of {size}" for place in worst)
    return f"{text}; no patch is empty, the most are in {told}"
