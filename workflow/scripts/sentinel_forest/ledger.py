"""Links between the roles of every split, and the gate that says which of them are tolerated.

For each ordered pair of roles the ledger counts the patches of `role_a` that are linked with a patch
of `role_b`: the same patch, the same pixels, near-duplicates, the same city / scene / ROI / product /
tile, ground footprints that overlap; and it gives quantiles of the distance to the nearest patch.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from scipy.spatial import cKDTree

from .errors import InputError, run
from .schemes import spatial
from .tables import read_parquet, read_tsv, write_tsv

PAIRS = (("validation", "train"), ("test", "train"), ("test", "validation"))
STATES = ("clean", "counted", "marked", "stops", "not computed")
DISTANCES = {"distance_km_min": 0.0, "distance_km_q05": 0.05, "distance_km_q50": 0.5}
"""Rows for the distance in km to the nearest patch of the other role, and the quantiles they hold."""
NEAR_DUPLICATE, FOOTPRINT = "near-duplicate", "footprint"
OWN_KEYS = ("patch", "content", NEAR_DUPLICATE, FOOTPRINT)
"""Keys of every ledger; the group keys of the dataset come in addition."""
ACTIONS = ("stop", "mark", "count")

LEDGER = pa.DataFrameSchema(
    {
        "scheme": pa.Column("str"),
        "trial": pa.Column("int64"),
        "key": pa.Column("str"),
        "role_a": pa.Column("str"),
        "role_b": pa.Column("str"),
        "linked": pa.Column("Int64", nullable=True),
        "total": pa.Column("Int64"),
        "share": pa.Column("float64", nullable=True),
        "shared_values": pa.Column("Int64", nullable=True),
        "status": pa.Column("str", pa.Check.isin(STATES)),
    },
    strict=True,
    ordered=True,
    coerce=True,
)
"""The ledger: `linked` of `total` patches of `role_a` are linked with `role_b` by `key` (`share` of them).

`shared_values` is how many values of the key (ROIs, products, ...) occur in both roles. For the keys
``distance_km_...``, `share` is the distance in km (great circle) and `linked` is empty. `status` is
``clean`` (no link), what the gate makes of a link (``counted``, ``marked``, ``stops``), or
``not computed`` (the catalog lacks what it takes).
"""

Row = tuple[str, int | None, float | None, int | None]
"""key, linked, share, shared values; linked None: not computed, unless there is a share."""


def build(
    catalog: pd.DataFrame,
    splits: Mapping[tuple[str, int], pd.DataFrame],
    keys: Sequence[str] = (),
    gate: Mapping[str, str] | None = None,
    footprint: float | None = None,
    near: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """The ledger of some splits of one release.

    Parameters
    ----------
    catalog : DataFrame
        See `sentinel_forest.catalog`.
    splits : mapping
        (scheme, trial) to a table with patch and role, in the order of the catalog.
    keys : sequence of str
        Catalog columns by which patches are linked; an empty value links nothing.
    gate : mapping
        For a key: ``stop``, ``mark`` or ``count``; see `complete_gate`.
    footprint : float
        Side of a patch on the ground in metres (None: the catalog's column ``side_m``, if any).
    near : mapping
        ``columns`` (numeric catalog columns) and ``distance``: patches no further apart than this in
        any of the columns are near-duplicates. None: not computed.

    Returns
    -------
    DataFrame
        See `LEDGER`.
    """
    actions = complete_gate(gate or {}, keys)
    links = list(_links(catalog, keys, footprint, near))
    points = _points(catalog)
    rows: list[tuple[object, ...]] = []
    for (scheme, trial), split in splits.items():
        role = _roles(catalog, split, scheme, trial)
        for role_a, role_b in PAIRS:
            mine, yours = np.flatnonzero(role == role_a), np.flatnonzero(role == role_b)
            found = [link(mine, yours) for link in links] + _distances(points, mine, yours)
            for key, linked, share, shared in found:
                status = _status(key, linked, share, actions)
                rows.append((scheme, trial, key, role_a, role_b, linked, len(mine), share, shared, status))
    table = pd.DataFrame(rows, columns=list(LEDGER.columns))
    return table.astype({name: str(column.dtype) for name, column in LEDGER.columns.items()})


def complete_gate(gate: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    """What to do about a link by each key; unless given, mark the same patch, content and first key.

    One gate serves all datasets: keys that this one does not have are left out.

    Raises
    ------
    InputError
        If an action is unknown.
    """
    for key, action in gate.items():
        if action not in ACTIONS:
            raise InputError(
                "The gate does not know this action.", where=f"gate, {key}", found=action,
                expected=" | ".join(ACTIONS),
            )  # fmt: skip
    known = [*OWN_KEYS, *keys]
    usual = dict.fromkeys(known, "count") | dict.fromkeys(["patch", "content", *keys[:1]], "mark")
    return {key: gate.get(key, action) for key, action in usual.items()}


def mark(ledger: pd.DataFrame, scheme: str, trial: int, role: str) -> str:
    """The mark that every score of a role carries.

    Returns
    -------
    str
        ``clean``, or ``linked: <keys>``: the keys, among those that the gate marks or stops, by which
        patches of the role are linked with train; a key by which validation and test are linked is
        given as ``<key> (validation-test)``.
    """
    mine = ledger[(ledger["scheme"] == scheme) & (ledger["trial"] == trial)]
    mine = mine[mine["status"].isin(["marked", "stops"])]
    train = mine[(mine["role_a"] == role) & (mine["role_b"] == "train")]["key"]
    between = mine[(mine["role_a"] == "test") & (mine["role_b"] == "validation")]["key"]
    keys = [*train, *(f"{key} (validation-test)" for key in between)]
    return f"linked: {', '.join(keys)}" if keys else "clean"


def check_gate(ledger: pd.DataFrame, where: object = None) -> None:
    """Raise if the gate stops the run.

    Raises
    ------
    InputError
        If a link has the status ``stops``.
    """
    stops = ledger[ledger["status"] == "stops"]
    if len(stops):
        lines = [
            f"{row.scheme} {row.trial}: {row.linked} of {row.total} {row.role_a} patches share"
            f" their {row.key} with {row.role_b}"
            for row in stops.itertuples()
        ]
        raise InputError(
            "The gate stops the run: roles are linked.", where=where, found="; ".join(lines),
            expected="no link by a key that the gate sets to stop",
            remedy="group the scheme by that key, or set the gate of the key to mark or count",
        )  # fmt: skip


# ------------------------------------------------------------------------------------------ links


def _links(
    catalog: pd.DataFrame, keys: Sequence[str], footprint: float | None, near: Mapping[str, object] | None
) -> Iterator[Callable[[np.ndarray, np.ndarray], Row]]:
    """A function for each key: from the patches of two roles (positions) to a row."""
    for key, column in {"patch": "patch", "content": "content_hash", **{key: key for key in keys}}.items():
        if column not in catalog and key in keys:
            raise InputError(
                "The catalog has no such column.", where="keys of the ledger", found=key,
                expected=" | ".join(catalog.columns),
            )  # fmt: skip
        yield _by_value(key, catalog.get(column))
    yield _by_signature(catalog, near)
    yield _by_footprint(catalog, footprint)


def _by_value(key: str, values: pd.Series | None) -> Callable[[np.ndarray, np.ndarray], Row]:
    """Links by equal values of a column."""
    if values is None:
        return _not_computed(key)
    codes, uniques = pd.factorize(values.where(values.notna() & (values.astype("str") != "")))
    if not len(uniques):
        return _not_computed(key)

    def link(mine: np.ndarray, yours: np.ndarray) -> Row:
        there = np.zeros(len(uniques) + 1, dtype=bool)
        there[codes[yours]] = True
        there[-1] = False
        linked = there[codes[mine]]
        return _row(key, linked, len(np.unique(codes[mine][linked])))

    return link


def _by_signature(
    catalog: pd.DataFrame, near: Mapping[str, object] | None
) -> Callable[[np.ndarray, np.ndarray], Row]:
    """Links by numbers that describe a patch and hardly differ (largest difference of any column)."""
    columns: list[str] = list((near or {}).get("columns", []))  # type: ignore[call-overload]
    if not near or not columns or any(column not in catalog for column in columns):
        return _not_computed(NEAR_DUPLICATE)
    values = catalog[columns].to_numpy(np.float64)
    known = np.isfinite(values).all(axis=1)
    distance = float(near["distance"])  # type: ignore[arg-type]

    def link(mine: np.ndarray, yours: np.ndarray) -> Row:
        return _row(NEAR_DUPLICATE, _close(values, mine, yours[known[yours]], distance, known), None)

    return link


def _by_footprint(catalog: pd.DataFrame, side: float | None) -> Callable[[np.ndarray, np.ndarray], Row]:
    """Links by squares on the ground that overlap, within one map projection."""
    if (side is None and "side_m" not in catalog) or not {"x", "y", "epsg"} <= set(catalog.columns):
        return _not_computed(FOOTPRINT)
    sides = np.full(len(catalog), side, dtype=np.float64) if side else catalog["side_m"].to_numpy(np.float64)
    values = catalog[["x", "y"]].to_numpy(np.float64)
    zone = catalog["epsg"].fillna(-1).to_numpy(np.int64)
    known = np.isfinite(values).all(axis=1) & np.isfinite(sides) & (zone >= 0)
    if not known.any():
        return _not_computed(FOOTPRINT)
    kinds = pd.factorize(pd.Series(list(zip(zone.tolist(), sides.tolist(), strict=True))))[0]

    def link(mine: np.ndarray, yours: np.ndarray) -> Row:
        linked = np.zeros(len(mine), dtype=bool)
        for one in np.unique(kinds[mine]):
            at = np.flatnonzero((kinds[mine] == one) & known[mine])
            for other in np.unique(kinds[yours]):
                others = yours[(kinds[yours] == other) & known[yours]]
                if len(at) and len(others) and zone[mine[at[0]]] == zone[others[0]]:
                    reach = (sides[mine[at[0]]] + sides[others[0]]) / 2
                    linked[at] |= _close(values, mine[at], others, np.nextafter(reach, 0), known)
        return _row(FOOTPRINT, linked, None)

    return link


def _close(
    values: np.ndarray, mine: np.ndarray, yours: np.ndarray, distance: float, known: np.ndarray
) -> np.ndarray:
    """Whether a patch of `yours` differs from each of `mine` by at most `distance` in every column."""
    close = np.zeros(len(mine), dtype=bool)
    at = np.flatnonzero(known[mine])
    if len(at) and len(yours):
        tree = cKDTree(values[yours])
        apart, _ = tree.query(values[mine[at]], p=np.inf, distance_upper_bound=np.nextafter(distance, np.inf))
        close[at] = apart <= distance
    return close


def _points(catalog: pd.DataFrame) -> np.ndarray | None:
    """Points of the unit sphere, NaN where unknown; None if the catalog has no coordinates."""
    if not {"lon", "lat"} <= set(catalog.columns):
        return None
    return spatial.on_sphere(catalog["lon"].to_numpy(np.float64), catalog["lat"].to_numpy(np.float64))


def _distances(points: np.ndarray | None, mine: np.ndarray, yours: np.ndarray) -> list[Row]:
    """Quantiles of the distance in km to the nearest patch of the other role."""
    if points is not None:
        mine = mine[np.isfinite(points[mine]).all(axis=1)]
        yours = yours[np.isfinite(points[yours]).all(axis=1)]
    if points is None or not len(mine) or not len(yours):
        return [(key, None, None, None) for key in DISTANCES]
    nearest = spatial.nearest_km(points[mine], points[yours])
    return [
        (key, None, float(value), None)
        for key, value in zip(DISTANCES, np.quantile(nearest, list(DISTANCES.values())), strict=True)
    ]


def _not_computed(key: str) -> Callable[[np.ndarray, np.ndarray], Row]:
    """A link that the catalog does not allow to look for."""
    return lambda mine, yours: (key, None, None, None)


def _row(key: str, linked: np.ndarray, shared: int | None) -> Row:
    """A row from the marks of the linked patches."""
    return key, int(linked.sum()), float(linked.mean()) if len(linked) else None, shared


def _status(key: str, linked: int | None, share: float | None, actions: Mapping[str, str]) -> str:
    """The word for a row."""
    if linked is None:
        return "not computed" if share is None else "counted"
    return {"stop": "stops", "mark": "marked", "count": "counted"}[actions[key]] if linked else "clean"


def _roles(catalog: pd.DataFrame, split: pd.DataFrame, scheme: str, trial: int) -> np.ndarray:
    """Role of each patch of the catalog.

    Raises
    ------
    InputError
        If the split is one of other patches.
    """
    if not np.array_equal(catalog["patch"].to_numpy(), split["patch"].to_numpy()):
        raise InputError(
            "A split and the catalog do not list the same patches.", where=f"{scheme}, trial {trial}",
            found=f"{len(split)} patches", expected=f"the {len(catalog)} of the catalog, in its order",
            remedy="draw the split again from this catalog",
        )  # fmt: skip
    return split["role"].to_numpy()


# ------------------------------------------------------------------------------------- command line


def _named_split(text: str) -> tuple[tuple[str, int], Path]:
    """``scheme:trial:path``."""
    scheme, trial, path = text.split(":", 2)
    return (scheme, int(trial)), Path(path)


def _write(argv: Sequence[str]) -> None:
    """Write the ledger of all splits of a release."""
    parser = argparse.ArgumentParser(description=_write.__doc__)
    parser.add_argument("--catalog", type=Path, required=True)
    parser.add_argument(
        "--split", type=_named_split, action="append", required=True, help="scheme:trial:path"
    )
    parser.add_argument("--keys", default="", help="catalog columns, separated by commas")
    parser.add_argument("--gate", type=json.loads, default={}, help='{"roi": "stop"}')
    parser.add_argument("--footprint", type=float, help="side of a patch in metres")
    parser.add_argument("--near", type=json.loads, help='{"columns": [...], "distance": 0.001}')
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(argv)
    splits = {name: read_parquet(path, ["patch", "role"]) for name, path in given.split}
    keys = [key for key in given.keys.split(",") if key]
    ledger = build(read_parquet(given.catalog), splits, keys, given.gate, given.footprint, given.near)
    write_tsv(given.output, ledger, LEDGER)


def _gate(argv: Sequence[str]) -> None:
    """End with an error if the gate stops the run."""
    parser = argparse.ArgumentParser(description=_gate.__doc__)
    parser.add_argument("--ledger", type=Path, required=True)
    given = parser.parse_args(argv)
    check_gate(read_tsv(given.ledger, LEDGER), given.ledger)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the ledger, or (``gate --ledger FILE``) judge one that was written."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["gate"]:
        _gate(arguments[1:])
    else:
        _write(arguments)


if __name__ == "__main__":
    run(main)
