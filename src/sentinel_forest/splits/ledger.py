"""The leakage ledger: what the roles of every split of a release share.

For each pair of roles the ledger counts the patches of `role_a` that are linked with a patch of `role_b`: the same
patch, the same pixels, near-duplicates, the same city / scene / ROI / product / tile, ground footprints that overlap;
it counts the pixels of that ground, and gives quantiles of the distance to the nearest patch. Rows of a role with
itself tell how redundant it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from sentinel_forest.errors import InputError
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, read_parquet, write_tsv
from sentinel_forest.splits import linking
from sentinel_forest.splits.linking import Linking, NotComputed, Row
from sentinel_forest.splits.links import FOOTPRINT, GROUND_KEYS, IMPLIED, NEAR_DUPLICATE, NOT_PUBLISHED, complete_gate
from sentinel_forest.splits.near_duplicates import NearDuplicates
from sentinel_forest.steps import Output, TrialFile

ROLES = ("train", "validation", "test")
PAIRS = (("validation", "train"), ("test", "train"), ("test", "validation"))
WITHIN = tuple((role, role) for role in ROLES)
NOT_LOOKED_AT = "not looked at"
AT_LEAST = "marked, some unknown"
"""Links were found, and there may be more: the key of some patches is unknown."""
LINKED = ("marked", AT_LEAST, "stops")
STATES = ("clean", "counted", *LINKED, "unknown", "not computed", IMPLIED, NOT_PUBLISHED, NOT_LOOKED_AT)
NO_KEYS: Mapping[str, str] = MappingProxyType({})

COUNTED = {
    "linked": pa.Column("Int64", nullable=True),
    "total": pa.Column("Int64"),
    "fraction": pa.Column("float64", nullable=True),
    "shared_values": pa.Column("Int64", nullable=True),
    "status": pa.Column("str", pa.Check.isin(STATES)),
}
"""Columns that count links; see `LEDGER`."""

LEDGER = pa.DataFrameSchema(
    {**columns("str", "scheme"), **columns("int64", "trial"), **columns("str", "key", "role_a", "role_b"), **COUNTED},
    strict=True,
    ordered=True,
    coerce=True,
)
"""The ledger: `linked` of `total` patches of `role_a` are linked with `role_b` by `key` (`fraction` of them).

`shared_values` is how many values of the key (ROIs, products, ...) occur in both roles. For the key
``footprint-pixels``, `linked` and `total` count pixels of 10 m instead of patches. For the keys
``distance_km_...``, `fraction` is the distance in km (great circle) and `linked` is empty. `status` is
``clean`` (no link), what the gate makes of a link (``counted``, ``marked``, ``stops``; ``marked, some unknown`` where
the catalog lacks the value of some of the patches, so that there may be more), or, where none was
found and the catalog lacks the value of some of the patches, ``unknown`` (the gate would mark a link; where
it would stop, it stops) or ``not computed`` (links of this kind are only counted). ``not looked at``: one of
the roles has no patches. ``implied`` and ``not published``: see `build`; `linked` is empty.

Where `role_a` is `role_b`, `linked` patches share the key with another one of their role, `shared_values` are the
values that occur more than once, and links are counted, whatever the gate says. The key ``effective-groups`` has the
number of groups of the role as `shared_values` and the effective number as `fraction`; see
`sentinel_forest.splits.linking.EffectiveGroups`.
"""


def build(
    catalog: pd.DataFrame,
    splits: Mapping[tuple[str, int], pd.DataFrame],
    keys: Mapping[str, str] = NO_KEYS,
    gate: Mapping[str, str] | None = None,
    footprint: float | None = None,
    signatures: pd.DataFrame | None = None,
    distance: float | None = None,
) -> pd.DataFrame:
    """The ledger of some splits of one release.

    Parameters
    ----------
    catalog : DataFrame
        See `sentinel_forest.verify.catalog`.
    splits : mapping
        (scheme, trial) to a table with patch and role, in the order of the catalog.
    keys : mapping
        The dataset's keys. For a catalog column by which patches are linked (an empty value links nothing)
        what a link does unless the gate says else: ``mark`` or ``count``. For a key that is not looked at
        why: ``implied`` (whoever shares it shares another key, too) or ``not published``.
    gate : mapping
        For a key: ``stop``, ``mark`` or ``count``; see `complete_gate`.
    footprint : float
        Side of a patch on the ground in metres (None: the catalog's column ``side_m``, if any).
    signatures : DataFrame
        The patches of the catalog, in its order, and numbers that describe them; see
        `sentinel_forest.features.signature`. None: near-duplicates are not computed.
    distance : float
        Patches are near-duplicates if none of these numbers differs by more than this, in standard
        deviations of the number over the release. Exact duplicates are counted by their content alone.
        None: nobody asks for near-duplicates, unless there are signatures (then it is 0).

    Returns
    -------
    DataFrame
        See `LEDGER`.
    """
    asked = signatures is not None or distance is not None
    actions = complete_gate(gate or {}, keys, asked)
    ways = list(linkings(catalog, keys, footprint, signatures, distance or 0.0))
    rows: list[tuple[object, ...]] = []
    for (scheme, trial), split in splits.items():
        role = _roles(catalog, split, scheme, trial)
        rows += [(scheme, trial, *row) for row in count(role, ways, actions)]
    return as_table(rows)


def count(
    role: np.ndarray,
    ways: Sequence[Linking],
    actions: Mapping[str, str],
    pairs: Sequence[tuple[str, str]] = (*PAIRS, *WITHIN),
) -> Iterator[tuple[object, ...]]:
    """Rows of the ledger of one split, from the column `key` on.

    Parameters
    ----------
    role : object (patches,)
        Role of each patch.
    ways : sequence of Linking
        Ways to be linked.
    actions : mapping
        See `complete_gate`.
    pairs : sequence
        The roles that are compared; a role with itself, too.
    """
    for role_a, role_b in pairs:
        own, other = np.flatnonzero(role == role_a), np.flatnonzero(role == role_b)
        within = role_a == role_b
        for way in ways:
            for row in way.within(own) if within else way.between(own, other):
                status = status_of(row, actions.get(row.key, "count"), within)
                found = row
                if not (len(own) and len(other)) and status not in (IMPLIED, NOT_PUBLISHED):
                    found, status = Row(row.key, None, row.total), NOT_LOOKED_AT
                yield row.key, role_a, role_b, found.linked, found.total, found.fraction, found.shared, status


def as_table(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """Rows as a table with the dtypes of `LEDGER`."""
    table = pd.DataFrame(rows, columns=list(LEDGER.columns))
    return table.astype({name: str(column.dtype) for name, column in LEDGER.columns.items()})


def linkings(
    catalog: pd.DataFrame,
    keys: Mapping[str, str],
    footprint: float | None,
    signatures: pd.DataFrame | None,
    distance: float,
) -> Iterator[Linking]:
    """Every way to be linked; parameters as of `build`."""
    hidden = [key for key, action in keys.items() if action in (IMPLIED, NOT_PUBLISHED)]
    yield linking.by_value("patch", catalog.get("patch"), as_written=True)
    yield linking.by_value("content", catalog.get("content_hash"), as_written=True)
    for key in keys:
        if key in (FOOTPRINT, *hidden):
            continue
        if key not in catalog:
            raise InputError(
                "The catalog has no such column.",
                where="keys of the ledger",
                found=key,
                expected=" | ".join(catalog.columns),
            )
        yield linking.by_value(key, catalog[key])
    yield NotComputed([key for key in hidden if key != FOOTPRINT])
    if signatures is None:
        yield NotComputed([NEAR_DUPLICATE])
    else:
        _check_patches(catalog, signatures, "the signatures", "compute them again from this catalog")
        yield NearDuplicates(catalog, signatures, distance)
    yield NotComputed(GROUND_KEYS) if FOOTPRINT in hidden else linking.by_footprint(catalog, footprint)
    yield linking.by_distance(catalog)
    if "group" in catalog:
        yield linking.EffectiveGroups(catalog["group"])


def status_of(row: Row, action: str, within: bool = False) -> str:
    """The word of `STATES` for a row; links within a role make no score too good, and are counted."""
    if row.linked is None and row.fraction is not None:
        return "counted"
    if within and action in ("stop", "mark"):
        action = "count"
    if row.linked is None:
        return {"stop": "stops", "mark": "unknown", "count": "not computed"}.get(action, action)
    marked = "marked" if row.complete else AT_LEAST
    return {"stop": "stops", "mark": marked, "count": "counted"}[action] if row.linked else "clean"


def _roles(catalog: pd.DataFrame, split: pd.DataFrame, scheme: str, trial: int) -> np.ndarray:
    """Role of each patch of the catalog.

    Raises
    ------
    InputError
        If the split is one of other patches.
    """
    _check_patches(catalog, split, f"{scheme}, trial {trial}", "draw the split again from this catalog")
    return split["role"].to_numpy()


def _check_patches(catalog: pd.DataFrame, table: pd.DataFrame, where: str, remedy: str) -> None:
    """Raise if a table is not one of the patches of the catalog, in its order."""
    if not np.array_equal(catalog["patch"].to_numpy(), table["patch"].to_numpy()):
        raise InputError(
            "A table and the catalog do not list the same patches.",
            where=where,
            found=f"{len(table)} patches",
            expected=f"the {len(catalog)} of the catalog, in its order",
            remedy=remedy,
        )


def ledger(
    *,
    catalog: Path,
    splits: list[TrialFile],
    keys: dict[str, str],
    gate: dict[str, Literal["stop", "mark", "count"]] | None = None,
    signatures: list[Path],
    distance: float | None = None,
    output: Output,
) -> None:
    """Count what the roles of every split share: patches, pixels, groups, ground.

    Parameters
    ----------
    catalog : Path
        Catalog of the release.
    splits : list of TrialFile
        The split of each trial.
    keys : dict
        What each key of the dataset does unless the gate says otherwise: ``{"roi": "mark"}``.
    gate : dict, optional
        What the configuration says of keys.
    signatures : list of Path
        Signatures of all shards; none where near-duplicates are not looked for.
    distance : float, optional
        Between near-duplicates; None looks for none.
    output : Path
        The table `LEDGER`.
    """
    roles = {(row.scheme, row.trial): read_parquet(row.path, ["patch", "role"]) for row in splits}
    table = pd.concat([read_parquet(path) for path in signatures], ignore_index=True) if signatures else None
    write_tsv(output, build(read_parquet(catalog), roles, keys, gate or {}, None, table, distance), LEDGER)
