"""The publisher's split lists: read, written, and turned into published splits."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.sen12ms.layout import (
    BROKEN,
    DFC_SPLITS,
    HOLD_OUT,
    PATCHES,
    SEASONS,
    SENSORS,
    SPLIT_LISTS,
    file_names,
    list_paths,
    parse,
)
from sentinel_forest.errors import InputError
from sentinel_forest.io import causes
from sentinel_forest.io.borders import quoted
from sentinel_forest.io.tables import write_text

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 64 << 20
"""Bytes of a list; that of all patches has 7 MB."""
LONGEST_LINE = 500

HISTORICAL = frozenset({"val_list.txt", "ValidationScenes.txt"})
"""Lists of scenes that have been training scenes since 2020."""

_LISTED_SCENE = re.compile(r"(ROIs[0-9]{4}_[a-z]+)/(?:s1|s2|lc)_([0-9A-Za-z]+)/?")
_NAMED_SCENE = re.compile(r"(ROIs[0-9]{4}_[a-z]+)_([0-9A-Za-z]+)")
"""A scene as the catalog names it."""
_LISTED_FILE = re.compile(r"(?:.*/)?(ROIs[0-9]{4}_[a-z]+)_(?:s1|s2|lc|dfc)_([0-9A-Za-z]+)_p([0-9]+)(?i:\.tif)?")


def published_splits(folder: Path, files: Sequence[str], patches: pd.DataFrame) -> pd.Series:
    """The publisher's split: from lists (see `list_paths`), else the hold-out scenes; all others are train."""
    splits = patches["season"].map(DFC_SPLITS).fillna("train").astype("str")
    held_out = {f"{season}/{scene}" for season, scenes in HOLD_OUT.items() for scene in scenes}
    lists = list_paths(files)
    partial = len(patches) < PATCHES - len(BROKEN)
    if "train" in lists.values():
        splits = splits.where(patches["season"].isin(DFC_SPLITS), "")
    if "test" not in lists.values():
        splits = splits.mask((patches["season"] + "/" + patches["scene"]).isin(held_out), "test")
    for path, split in lists.items():
        listed = read_split_list(folder / path, patches, partial)
        splits = splits.mask(patches["patch"].isin(listed), split)
    return splits


def read_split_list(path: Path, catalog: pd.DataFrame, partial: bool = False) -> list[str]:
    """Read a list of scenes or of files, as the SEN12MS toolbox has them.

    Lines are scene folders (``ROIs1158_spring/s1_63``) or file names
    (``ROIs1158_spring_s2_124_p100.tif``) of any sensor; line ends may be CRLF or LF, empty lines are
    passed over.

    Parameters
    ----------
    path : Path
        The list.
    catalog : DataFrame
        The column `patch` says which patches there are.
    partial : bool
        Whether the release is a selection: then lines about seasons of SEN12MS that name a scene or
        patch outside the selection are passed over.

    Returns
    -------
    list of str
        Patches, each once, in the order of the lines and, within a scene, of the catalog.

    Raises
    ------
    InputError
        For the first line that matches nothing, and for a list of which nothing is left.
    """
    patches = set(catalog["patch"]) | BROKEN
    scenes: dict[str, list[str]] = {}
    for patch in catalog["patch"]:
        scenes.setdefault(patch.rsplit("/", 1)[0], []).append(patch)
    found: dict[str, None] = {}
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            matched = _listed(line.strip(), patches, scenes)
            if matched is None and not (partial and _is_published_season(line)):
                raise _no_match(path, number, line)
            found.update(zip(matched or (), repeat(None)))
    return [patch for patch in found if patch not in BROKEN]


def _lines(path: Path) -> list[str]:
    """Lines of a list, without blanks around them.

    Raises
    ------
    InputError
        If it is too large, or no text, or has no line ends.
    """
    cause = causes.of_file(path, "text")
    if cause or path.stat().st_size > MOST_BYTES:
        raise InputError(
            "A split list cannot be read.",
            where=path,
            found=cause.found if cause else f"{path.stat().st_size} B",
            expected=f"a line for each scene or file, at most {MOST_BYTES} B",
            remedy=cause.remedy if cause else "give the publisher's .txt list",
        )
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        cause = causes.text_of(path, path.read_bytes()[:2])
        raise InputError(
            "A split list is not text.",
            where=path,
            found=cause.found if cause else "bytes that are no UTF-8",
            expected="a line for each scene or file",
            remedy=cause.remedy if cause else "give the .txt list, not the .pkl twin",
        ) from None
    long = next((number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE), None)
    if long:
        raise InputError(
            "A split list has no line ends: its names run together.",
            where=f"{path}, line {long}",
            found=quoted(lines[long - 1]),
            expected=f"a scene or a file on each line, at most {LONGEST_LINE} characters",
            remedy="put each name on a line of its own, or get the publisher's list",
        )
    return lines


def list_findings(folder: Path, files: Sequence[str]) -> list[Finding]:
    """Whether the split lists can be read, hold anything, contradict each other, and name patches that are there."""
    findings = []
    read: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for path in list_paths(files):
        try:
            lines = [line for line in _lines(folder / path) if line]
        except InputError as error:
            fault = Finding(
                path, "structure", "list", "failed", str(error.found), str(error.expected), str(error.remedy)
            )
            findings.append(fault)
            continue
        read[path] = lines
        strange = [line for line in lines if not (_LISTED_SCENE.fullmatch(line) or _LISTED_FILE.fullmatch(line))]
        if strange:
            found = f"{len(strange)} lines, the first: {quoted(strange[0])}"
            remedy = "correct them, or get the publisher's current list"
            expected = "scene folders or file names, such as ROIs1158_spring/s1_63"
            findings.append(Finding(path, "structure", "list", "failed", found, expected, remedy))
        if not lines:
            remedy = "fill it, or remove it: without it the published hold-out scenes are the test"
            findings.append(Finding(path, "structure", "list", "failed", "no line", "scenes or files", remedy, "kept"))
        both = {line: first[key] for line in lines if (key := _key(line)) in first and first[key] != path}
        first |= {key: path for line in lines if (key := _key(line)) not in first}
        findings += _in_two_lists(path, both)
    return findings + _absent_findings(read, files)


def _absent_findings(lists: Mapping[str, Sequence[str]], files: Sequence[str]) -> list[Finding]:
    """A note for each list that names patches without any tile; a failure if no list of its role names another one.

    Historical lists of validation never fail: their scenes are training scenes since 2020.
    """
    tiles = parse(files) if lists else None
    if tiles is None or tiles.empty:
        return []
    known = {*tiles["patch"], *(tiles["season"] + "/" + tiles["scene"]), *BROKEN}
    named = {path: {line: name for line in lines if (name := _named(line))} for path, lines in lists.items()}
    absent = {path: [line for line, name in names.items() if name not in known] for path, names in named.items()}
    left = {SPLIT_LISTS[path.rsplit("/", 1)[-1]] for path in lists if len(absent[path]) < len(named[path])}
    return [_absent_finding(path, lines, len(named[path]), left) for path, lines in absent.items() if lines]


def _absent_finding(path: str, absent: Sequence[str], count: int, left: Collection[str]) -> Finding:
    """What is said of a list with absent patches; of the roles in `left` there are others."""
    name = path.rsplit("/", 1)[-1]
    role = SPLIT_LISTS[name]
    found = f"{len(absent)} of {count} lines name what has no tile here, the first: {quoted(absent[0])}"
    expected = "tiles of all that the list names"
    if role not in left and name not in HISTORICAL:
        remedy = f"nothing of the published {role} is here: fetch it, or remove the list"
        return Finding(path, "structure", "listed", "failed", found, expected, remedy, "kept")
    remedy = f"nothing, if this is a chosen part: the role {role} is then a part of the published one; else fetch them"
    return Finding(path, "structure", "listed", "note", found, expected, remedy)


def _named(line: str) -> str | None:
    """The patch, or the scene with its season, that a line names; None if it names neither."""
    if match := _LISTED_SCENE.fullmatch(line):
        return f"{match[1]}/{match[2]}"
    match = _LISTED_FILE.fullmatch(line)
    return _patch_of(match) if match else None


def without_split(files: Sequence[str], patches: pd.DataFrame) -> list[Finding]:
    """A note if nothing says which patches the publisher tests on: no list, and no scene of the hold-out.

    Parameters
    ----------
    files : sequence of str
        Paths of all files of the release.
    patches : DataFrame
        With `season` and `scene`, as from `sentinel_forest.datasets.sen12ms.layout.parse`.
    """
    held_out = {f"{season}/{scene}" for season, scenes in HOLD_OUT.items() for scene in scenes}
    if list_paths(files) or patches["season"].isin(DFC_SPLITS).any():
        return []
    if (patches["season"] + "/" + patches["scene"]).isin(held_out).any():
        return []
    found, expected = "no split list, no scene of the published hold-out", "a test role in the published split"
    remedy = "all patches are training in the scheme published: put the lists into splits/, or use another scheme"
    return [Finding("splits/", "structure", "split", "note", found, expected, remedy)]


def _key(line: str) -> str:
    """What a line of a list names, whatever the sensor."""
    return re.sub(r"_(?:s1|s2|lc|dfc)_|/(?:s1|s2|lc)_", "_", line.rsplit(".", 1)[0].rstrip("/"))


def _in_two_lists(path: str, both: Mapping[str, str]) -> list[Finding]:
    """A failure where lines stand in another list too; only the validation lists repeat what trains since 2020."""
    if not both:
        return []
    line, other = next(iter(both.items()))
    historical = {path.rsplit("/", 1)[-1], other.rsplit("/", 1)[-1]} & HISTORICAL
    same_split = SPLIT_LISTS[path.rsplit("/", 1)[-1]] == SPLIT_LISTS[other.rsplit("/", 1)[-1]]
    status: Literal["note", "failed"] = "note" if historical or same_split else "failed"
    found = f"{len(both)} lines that {other} has too, the first: {quoted(line)}"
    remedy = f"remove them from one of the two; until then they count for {path}"
    return [Finding(path, "structure", "lists", status, found, "each patch in one list", remedy, "kept")]


def listed_tiles(folder: Path, files: Sequence[str]) -> pd.DataFrame:
    """Tiles of Sentinel-2 of the files that the lists in ``splits`` name (see `parse`), each once."""
    patches = list(dict.fromkeys(patch for path in list_paths(files) for _, patch in listed_patches(folder / path)))
    if not patches:
        raise InputError(
            "Neither tiles nor lists of files are there.",
            where=folder,
            found=", ".join(sorted(files)[:8]),
            expected="tiles, or lists like splits/train_list.txt",
            remedy="unpack the archives, or fetch the publisher's lists of files",
        )
    scenes = [patch.split("/")[:2] for patch in patches]
    names = zip(scenes, file_names(patches, "s2"), strict=True)
    return parse(f"{season}/s2_{scene}/{name}" for (season, scene), name in names)


def listed_patches(path: Path) -> list[tuple[int, str]]:
    """Lines of a list that name a file: their numbers, counted from 0, and the patches."""
    matches = ((number, _LISTED_FILE.fullmatch(line)) for number, line in enumerate(_lines(path)))
    return [(number, _patch_of(match)) for number, match in matches if match]


def _patch_of(match: re.Match[str]) -> str:
    """Id of the patch of a listed file."""
    scene = "validation" if match[1] == "ROIs0000_validation" else match[2]
    return f"{match[1]}/{scene}/p{int(match[3])}"


def _listed(line: str, patches: set[str], scenes: Mapping[str, list[str]]) -> list[str] | None:
    """Patches of one line, or None."""
    if match := _LISTED_SCENE.fullmatch(line):
        return scenes.get(f"{match[1]}/{match[2]}")
    if match := _LISTED_FILE.fullmatch(line):
        patch = _patch_of(match)
        return [patch] if patch in patches else None
    return None


def listed_name(name: str) -> tuple[str, str] | None:
    """A file of any sensor as its patch; a folder of a scene, or its name in the catalog, as the scene."""
    if match := _LISTED_SCENE.fullmatch(name) or _NAMED_SCENE.fullmatch(name):
        return "scene", f"{match[1]}_{match[2]}"
    if match := _LISTED_FILE.fullmatch(name):
        return "patch", _patch_of(match)
    return None


def named_keys(patch: str) -> dict[str, str]:
    """Scene and season of a patch, from its id."""
    season, _, rest = patch.partition("/")
    return {"scene": f"{season}_{rest.split('/')[0]}", "season": season} if rest else {}


def _is_published_season(line: str) -> bool:
    """Whether a line has the form of a list and names a season of SEN12MS."""
    match = _LISTED_SCENE.fullmatch(line.strip()) or _LISTED_FILE.fullmatch(line.strip())
    return match is not None and match[1] in SEASONS


def _no_match(path: Path, number: int, line: str) -> InputError:
    remedy = "correct the line, or get the publisher's current list"
    if "ROIs1017_winter" in line:
        remedy = (
            "this is the list as it was before 2020-02-11, with ROIs1017_winter for ROIs2017_winter; "
            "the winter scenes would stay in training: get the publisher's current list"
        )
    return InputError(
        "A line of a split list matches no patch.",
        where=f"{path}, line {number}",
        found=quoted(line),
        expected="a scene folder or a file name of the release, such as ROIs1158_spring/s1_63",
        remedy=remedy,
    )


def write_split_list(path: Path, patches: Iterable[str], sensor: str = "s2") -> None:
    """Write patches as a list of file names of one sensor, one a line, as the SEN12MS toolbox reads it.

    Raises
    ------
    InputError
        If there is no such sensor.
    """
    if sensor not in SENSORS:
        raise InputError("Unknown sensor.", found=sensor, expected=" | ".join(SENSORS))
    write_text(path, "".join(f"{name}\n" for name in file_names(patches, sensor)))
