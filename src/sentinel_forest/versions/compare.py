"""Two versions held against each other: which scores moved, how far, and what explains it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.config.paths import MANIFEST
from sentinel_forest.config.validation import leaves
from sentinel_forest.evaluation.figures import FIGURE, PLACE, WHO
from sentinel_forest.evaluation.score import METRICS
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.checksums import canonical
from sentinel_forest.io.tables import read_tsv, write_tsv
from sentinel_forest.steps import Output
from sentinel_forest.versions.headline import SHOWN
from sentinel_forest.versions.manifest import read_manifest, read_version, version_folder

KEYS = [*PLACE, *WHO, *FIGURE]
CHANGES = ("moved", "only before", "only now")
SELECTING = {"releases", "schemes", "trials", "feature_sets"}
"""Keys of the configuration that say which scores there are; they change none."""

COMPARISON = pa.DataFrameSchema(
    {
        **{key: pa.Column("int64" if key == "trial" else "str") for key in KEYS},
        "change": pa.Column("str", pa.Check.isin(CHANGES)),
        "before": pa.Column("float64", nullable=True),
        "before_low": pa.Column("float64", nullable=True),
        "before_high": pa.Column("float64", nullable=True),
        "now": pa.Column("float64", nullable=True),
        "now_low": pa.Column("float64", nullable=True),
        "now_high": pa.Column("float64", nullable=True),
        "difference": pa.Column("float64", nullable=True),
        "beyond": pa.Column("str", pa.Check.isin(["yes", "no", ""])),
        "explained": pa.Column("str"),
    },
    strict=True,
    ordered=True,
)
"""Scores of two versions that differ. before: value (and 95 % interval) in the version held against; now:
in this one; difference: now - before, empty if either is undefined; beyond: whether now lies outside the
interval of before, empty without an interval; explained: what of data, registry, split, code, environment
and configuration differs, empty for a score that only one of them has."""


class Side(NamedTuple):
    """One of the two versions: its scores, its description, the SHA-256 of its files."""

    scores: pd.DataFrame
    description: Mapping[str, Any]
    files: Mapping[str, str]


def compare_versions(*, results: Path, against: Path, output: Output) -> None:
    """Say which scores moved against another version, how far, and what explains it.

    Parameters
    ----------
    results : Path
        Folder of the version, or its name below ``results``.
    against : Path
        The same of the version to hold it against.
    output : Path
        The table `COMPARISON`.
    """
    now = read(version_folder(results))
    before = renamed(read(version_folder(against)), now)
    table = comparison(before, now)
    write_tsv(output, table, COMPARISON)
    print(text(table, against.name, results.name))


def read(folder: Path) -> Side:
    """Read a finished version.

    Raises
    ------
    InputError
        If the folder holds none, or files of it are not those that its manifest names.
    """
    description = read_version(folder)
    files = read_manifest(folder / MANIFEST)
    scored = (paths.METRICS, paths.FOREIGN_METRICS)
    tables = [read_tsv(folder / path, METRICS) for path in files if any(paths.fields(each, path) for each in scored)]
    columns = [*KEYS, "value", "low", "high"]
    scores = pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
    return Side(scores, description, files)


def renamed(side: Side, other: Side) -> Side:
    """The side with its releases under the names that the other gives to the same data.

    A release is known by the checksum of its data, not by its local name. Of data that the other does not have,
    or has under several names, the name is kept, unless the other uses it for something else that is matched.
    """
    old, new = side.description["identity"]["data"], other.description["identity"]["data"]
    unique = {data: [name for name in new if new[name] == data] for data in old.values()}
    names = {
        name: unique[data][0]
        for name, data in old.items()
        if new.get(name) != data and len(unique[data]) == 1 and list(old.values()).count(data) == 1
    }
    names |= {name: f"{name} (before)" for name in old if name not in names and name in names.values()}
    if not names:
        return side
    identity = side.description["identity"]
    by_name = {
        kind: {names.get(name, name): value for name, value in identity[kind].items()} for kind in ("data", "registry")
    }
    files = {
        "/".join([names.get(first, first), *rest]): sha
        for path, sha in side.files.items()
        for first, *rest in [path.split("/")]
    }
    return Side(
        side.scores.assign(release=side.scores["release"].replace(names)),
        {
            **side.description,
            "identity": {**identity, **by_name},
            "configuration": _under(side.description["configuration"], names),
        },
        files,
    )


def _under(configuration: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A configuration whose settings by release stand under other names of the releases."""
    return {
        key: {names.get(name, name): of_release for name, of_release in value.items()}
        if isinstance(value, Mapping)
        else value
        for key, value in configuration.items()
    }


def comparison(before: Side, now: Side) -> pd.DataFrame:
    """The scores that differ between two versions (schema `COMPARISON`), in the order of the keys."""
    both = before.scores.merge(
        now.scores, on=KEYS, how="outer", suffixes=("_before", "_now"), indicator=True, validate="1:1"
    )
    change = both["_merge"].astype("str").map({"both": "moved", "left_only": "only before", "right_only": "only now"})
    pairs = [(both[f"{name}_before"], both[f"{name}_now"]) for name in ("value", "low", "high")]
    same = np.logical_and.reduce([(a == b) | (a.isna() & b.isna()) for a, b in pairs])
    (value, new_value), (low, new_low), (high, new_high) = pairs
    outside = np.where((new_value < low) | (new_value > high), "yes", "no")
    known = value.notna() & new_value.notna() & low.notna() & high.notna()
    table = both[KEYS].assign(
        change=change,
        before=value,
        before_low=low,
        before_high=high,
        now=new_value,
        now_low=new_low,
        now_high=new_high,
        difference=new_value - value,
        beyond=np.where(known, outside, ""),
    )
    table = table[~(same & (change == "moved"))].sort_values(KEYS, kind="stable", ignore_index=True)
    reasons = [
        explanation(before, now, *place) if what == "moved" else ""
        for *place, what in table[["release", "scheme", "trial", "change"]].itertuples(index=False)
    ]
    kinds = {name: str(column.dtype) for name, column in COMPARISON.columns.items()}
    compared: pd.DataFrame = table.assign(explained=reasons).astype(kinds)
    return compared


def explanation(before: Side, now: Side, release: str, scheme: str, trial: int) -> str:
    """What differs between two versions that can move a score of a trial, in words."""
    old, new = before.description, now.description
    reasons = [
        kind
        for kind in ("data", "registry")
        if old["identity"][kind].get(release) != new["identity"][kind].get(release)
    ]
    split = paths.place(paths.SPLIT, release=release, scheme=scheme, trial=trial)
    if before.files.get(split) != now.files.get(split):
        reasons.append("split")
    if old["identity"]["code"] != new["identity"]["code"]:
        reasons.append("code")
    packages = _differing(old["environment"], new["environment"])
    if packages:
        reasons.append("environment: " + ", ".join(packages))
    keys = [key for key in _differing(_flat(old["configuration"]), _flat(new["configuration"])) if key not in SELECTING]
    if keys:
        reasons.append("configuration: " + ", ".join(keys))
    return "; ".join(reasons) or "nothing that is recorded: the computation is not reproducible"


def text(table: pd.DataFrame, before: str, now: str) -> str:
    """The comparison for a terminal: how many scores differ, and the headline scores on test patches."""
    if table.empty:
        return f"{now} and {before} have the same scores"
    differing = table[table["change"] == "moved"]
    moved = differing[differing["difference"] != 0]
    alone = len(differing) - len(moved)
    counts = table["change"].value_counts()
    lines = [
        f"{now} held against {before}: {len(moved)} scores moved, {(moved['beyond'] == 'yes').sum()} of them "
        f"beyond their interval, {(moved['beyond'] == '').sum()} without one; of {alone} only the interval moved; "
        f"{counts.get('only before', 0)} only in {before}, {counts.get('only now', 0)} only in {now}"
    ]
    lines += [f"explained by: {reason}" for reason in sorted(set(differing["explained"]))]
    shown = moved[is_headline(moved)]
    if len(shown):
        columns = [
            *PLACE,
            *WHO[:3],
            "metric",
            "weighting",
            "class",
            "before",
            "before_low",
            "before_high",
            "now",
            "difference",
            "beyond",
        ]
        lines.append(shown[columns].to_string(index=False, float_format="%.4f", na_rep=""))
    return "\n".join(lines)


def is_headline(scores: pd.DataFrame) -> pd.Series:
    """Which scores are those that one looks at first: headline figures on test patches."""
    return (scores["role"] == "test") & scores["metric"].isin(SHOWN)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Keys of two mappings whose values differ, sorted."""
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _flat(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Values as JSON, by key (see `configuration.leaves`), without empty sections."""
    return {key: canonical(value) for key, value in leaves(configuration) if value != {}}
