"""Links between the roles of every split, and the gate that says which of them are tolerated.

For each ordered pair of roles the ledger counts the patches of `role_a` that are linked with a patch
of `role_b`: the same patch, the same pixels, near-duplicates, the same city / scene / ROI / product /
tile, ground footprints that overlap; it counts the pixels of that ground, and gives quantiles of the
distance to the nearest patch. What can be found once for all splits of a release is found once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
import pandera.pandas as pa
from scipy.spatial import cKDTree

from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import read_parquet, read_tsv, write_tsv
from sentinel_forest.splits.links import FOOTPRINT, FOOTPRINT_PIXELS, GROUND_KEYS, NEAR_DUPLICATE, OWN_KEYS
from sentinel_forest.steps import Output, TrialFile
from sentinel_forest.verify import spatial
from sentinel_forest.verify.footprints import footprints

PAIRS = (("validation", "train"), ("test", "train"), ("test", "validation"))
DISTANCES = {"distance_km_min": 0.0, "distance_km_q05": 0.05, "distance_km_q50": 0.5}
"""Rows for the distance in km to the nearest patch of the other role, and the quantiles they hold."""
ACTIONS = ("stop", "mark", "count")
IMPLIED, NOT_PUBLISHED, NOT_LOOKED_AT = "implied", "not published", "not looked at"
LINKED = ("marked", "stops")
STATES = ("clean", "counted", *LINKED, "unknown", "not computed", IMPLIED, NOT_PUBLISHED, NOT_LOOKED_AT)
NO_KEYS: Mapping[str, str] = MappingProxyType({})
UNKNOWN = 1e9
"""Stands for an unknown number in standard deviations; of n patches none is further than sqrt(n) from 0."""

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

`shared_values` is how many values of the key (ROIs, products, ...) occur in both roles. For the key
``footprint-pixels``, `linked` and `total` count pixels of 10 m instead of patches. For the keys
``distance_km_...``, `share` is the distance in km (great circle) and `linked` is empty. `status` is
``clean`` (no link), what the gate makes of a link (``counted``, ``marked``, ``stops``), or, where none was
found and the catalog lacks the value of some of the patches, ``unknown`` (the gate would mark a link; where
it would stop, it stops) or ``not computed`` (links of this kind are only counted). ``not looked at``: one of
the roles has no patches. ``implied`` and ``not published``: see `build`; `linked` is empty.
"""

NO_TRAINING = "unknown: no training patches"
"""The mark of scores of a split without training patches of its own."""

Row = tuple[str, int | None, int, float | None, int | None]
"""key, linked, total, share, shared values; linked None: not computed, unless there is a share."""

Link = Callable[[np.ndarray, np.ndarray], list[Row]]
"""From the patches of two roles (rows of the catalog) to what the ledger says of them."""


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
    links = list(_links(catalog, keys, footprint, signatures, distance or 0.0))
    rows: list[tuple[object, ...]] = []
    for (scheme, trial), split in splits.items():
        role = _roles(catalog, split, scheme, trial)
        rows += [(scheme, trial, *row) for row in count(role, links, actions)]
    return as_table(rows)


def count(
    role: np.ndarray, links: Sequence[Link], actions: Mapping[str, str], pairs: Sequence[tuple[str, str]] = PAIRS
) -> Iterator[tuple[object, ...]]:
    """Rows of the ledger of one split, from the column `key` on.

    Parameters
    ----------
    role : object (patches,)
        Role of each patch.
    links : sequence of Link
        See `by_value` and others.
    actions : mapping
        See `complete_gate`.
    pairs : sequence
        The roles that are compared.
    """
    for role_a, role_b in pairs:
        mine, yours = np.flatnonzero(role == role_a), np.flatnonzero(role == role_b)
        for key, linked, total, share, shared in chain.from_iterable(link(mine, yours) for link in links):
            status = _status(key, linked, share, actions)
            if not (len(mine) and len(yours)) and status not in (IMPLIED, NOT_PUBLISHED):
                linked, share, shared, status = None, None, None, NOT_LOOKED_AT
            yield key, role_a, role_b, linked, total, share, shared, status


def as_table(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """Rows as a table with the dtypes of `LEDGER`."""
    table = pd.DataFrame(rows, columns=list(LEDGER.columns))
    return table.astype({name: str(column.dtype) for name, column in LEDGER.columns.items()})


def complete_gate(gate: Mapping[str, str], keys: Mapping[str, str], near_duplicates: bool = False) -> dict[str, str]:
    """What to do about a link by each key, or why it is not looked at (``implied``, ``not published``).

    Unless the gate says else, the same patch, content, footprint and, if asked for, near-duplicates mark, and
    what the dataset says of its `keys` (see `build`) holds. One gate serves all datasets: keys that this one
    does not have are left out. A key that is not published can only be told to stop, an implied one follows
    the key that implies it.

    Raises
    ------
    InputError
        If an action is unknown.
    """
    for key, action in gate.items():
        if action not in ACTIONS:
            raise InputError(
                "The gate does not know this action.", where=f"gate, {key}", found=action, expected=" | ".join(ACTIONS)
            )
    usual = dict.fromkeys(OWN_KEYS, "count") | dict.fromkeys(["patch", "content", FOOTPRINT], "mark")
    usual |= {NEAR_DUPLICATE: "mark" if near_duplicates else "count", **keys}
    stopping = {key for key, action in usual.items() if action == NOT_PUBLISHED and gate.get(key) == "stop"}
    return {
        key: gate.get(key, action) if action in ACTIONS or key in stopping else action for key, action in usual.items()
    }


def mark(ledger: pd.DataFrame, scheme: str, trial: int, role: str, trained_here: bool = True) -> str:
    """The mark that every score of a role carries.

    Parameters
    ----------
    ledger : DataFrame
        See `LEDGER`.
    scheme, trial, role
        Whose mark.
    trained_here : bool
        Whether forests were grown on the split's own training patches.

    Returns
    -------
    str
        ``clean``, or ``linked: <keys>``: the keys, among those that the gate marks or stops, by which
        patches of the role are linked with train; a key by which validation and test are linked is
        given as ``<key> (validation-test)``. Keys of which it is not known follow as ``unknown: <keys>``.
        `NO_TRAINING` where no training patch was looked at.
    """
    mine = ledger[(ledger["scheme"] == scheme) & (ledger["trial"] == trial)]
    training = mine[(mine["role_a"] == role) & (mine["role_b"] == "train")]
    said = []
    for word, states in (("linked", list(LINKED)), ("unknown", ["unknown"])):
        rows = mine[mine["status"].isin(states)]
        train = rows[(rows["role_a"] == role) & (rows["role_b"] == "train")]["key"]
        between = rows[(rows["role_a"] == "test") & (rows["role_b"] == "validation")]["key"]
        keys = [*train, *(f"{key} (validation-test)" for key in between)]
        said += [f"{word}: {', '.join(keys)}"] if keys else []
    looked = training[~training["status"].isin([IMPLIED, NOT_PUBLISHED, NOT_LOOKED_AT])]
    if trained_here and looked.empty:
        said.append(NO_TRAINING)
    return "; ".join(said) or "clean"


def note(ledger: pd.DataFrame) -> str:
    """What is to be said beside every mark: the keys that nobody can look at, or nothing."""
    keys = ledger.loc[ledger["status"] == NOT_PUBLISHED, "key"].unique()
    return f"{NOT_PUBLISHED}: {', '.join(keys)}" if len(keys) else ""


def check_gate(ledger: pd.DataFrame, where: object = None) -> None:
    """Raise if the gate stops the run.

    Raises
    ------
    InputError
        If a link has the status ``stops``.
    """
    stops = ledger[ledger["status"] == "stops"]
    if len(stops):
        numbers = stops["linked"].astype("object").fillna("?")
        lines = [
            f"{row.scheme} {row.trial}: {number} of {row.total} {row.role_a}"
            f" {'pixels' if row.key == FOOTPRINT_PIXELS else 'patches'} share their {row.key}"
            f" with {row.role_b}"
            for row, number in zip(stops.itertuples(), numbers, strict=True)
        ]
        raise InputError(
            "The gate stops the run: roles are linked, or it cannot be seen whether they are (?).",
            where=where,
            found="; ".join(lines),
            expected="no link by a key that the gate sets to stop",
            remedy="group the scheme by that key, or set the gate of the key to mark or count",
        )


# ------------------------------------------------------------------------------------------ links


def _links(
    catalog: pd.DataFrame,
    keys: Mapping[str, str],
    footprint: float | None,
    signatures: pd.DataFrame | None,
    distance: float,
) -> Iterator[Link]:
    """A function for each way to be linked."""
    hidden = [key for key, action in keys.items() if action in (IMPLIED, NOT_PUBLISHED)]
    columns = {key: key for key in keys if key not in (FOOTPRINT, *hidden)}
    for key, column in {"patch": "patch", "content": "content_hash", **columns}.items():
        if column not in catalog and key in keys:
            raise InputError(
                "The catalog has no such column.",
                where="keys of the ledger",
                found=key,
                expected=" | ".join(catalog.columns),
            )
        yield by_value(key, catalog.get(column))
    yield _not_computed(*(key for key in hidden if key != FOOTPRINT))
    yield _by_signature(catalog, signatures, distance)
    yield _by_footprint(catalog, footprint) if FOOTPRINT not in hidden else _not_computed(*GROUND_KEYS)
    yield _by_distance(catalog)


def by_value(key: str, values: pd.Series | None) -> Link:
    """Links by equal values of a column."""
    if values is None:
        return _not_computed(key)
    codes = _codes(values)
    if not (codes >= 0).any():
        return _not_computed(key)

    def link(mine: np.ndarray, yours: np.ndarray) -> list[Row]:
        linked = _shared(codes, mine, yours)
        if _unseen(linked, codes >= 0, mine, yours):
            return [(key, None, len(mine), None, None)]
        return [_row(key, linked, len(np.unique(codes[mine][linked])))]

    return link


def _codes(values: pd.Series) -> np.ndarray:
    """A number for each value of a column, from 0; -1 where it is empty."""
    return pd.factorize(values.where(values.notna() & (values != "")))[0]


def _unseen(linked: np.ndarray, known: np.ndarray, mine: np.ndarray, yours: np.ndarray) -> bool:
    """Whether no link was found, but one may be between patches of which the key is not known."""
    return not linked.any() and not (known[mine].all() and known[yours].all())


def _shared(codes: np.ndarray, mine: np.ndarray, yours: np.ndarray) -> np.ndarray:
    """Whether the code of each patch of `mine` occurs in `yours`."""
    there = np.zeros(codes.max(initial=-1) + 2, dtype=bool)
    there[codes[yours]] = True
    there[-1] = False
    return there[codes[mine]]


def _by_signature(catalog: pd.DataFrame, signatures: pd.DataFrame | None, distance: float) -> Link:
    """Links by numbers that describe a patch and hardly differ (largest difference of any number)."""
    if signatures is None:
        return _not_computed(NEAR_DUPLICATE)
    _check_patches(catalog, signatures, "the signatures", "compute them again from this catalog")
    values = signatures.drop(columns="patch").to_numpy(np.float64)
    known = np.isfinite(values).any(axis=1)
    values = _standardized(values)
    content = _codes(catalog.get("content_hash", pd.Series("", index=catalog.index)))

    def link(mine: np.ndarray, yours: np.ndarray) -> list[Row]:
        close = _close(values, mine, yours[known[yours]], distance, known) & ~_shared(content, mine, yours)
        if _unseen(close, known, mine, yours):
            return [(NEAR_DUPLICATE, None, len(mine), None, None)]
        return [_row(NEAR_DUPLICATE, close)]

    return link


def _standardized(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and standard deviation 1 (or 0).

    What is unknown becomes a number far from all others: it is near to what is unknown, too, and to
    nothing else. A column that is unknown throughout, or constant, tells nothing apart.
    """
    table = pd.DataFrame(values).where(np.isfinite(values))
    deviation = table.std(ddof=0).replace(0, 1)
    return ((table - table.mean()) / deviation).fillna(UNKNOWN).to_numpy()


def _by_footprint(catalog: pd.DataFrame, side: float | None) -> Link:
    """Links by squares on the ground that overlap; and the pixels of it."""
    ground = footprints(catalog, side)
    if ground is None:
        return _not_computed(*GROUND_KEYS)

    def link(mine: np.ndarray, yours: np.ndarray) -> list[Row]:
        shared, total = ground.shared(mine, yours), ground.pixels(mine)
        if _unseen(shared, ground.seen, mine, yours):
            return [(key, None, len(mine), None, None) for key in GROUND_KEYS]
        share = float(shared.sum() / total) if total else None
        pixels = (FOOTPRINT_PIXELS, round(shared.sum()), round(total), share, None)
        return [_row(FOOTPRINT, shared > 0), pixels]

    return link


def _close(values: np.ndarray, mine: np.ndarray, yours: np.ndarray, distance: float, known: np.ndarray) -> np.ndarray:
    """Whether a patch of `yours` differs from each of `mine` by at most `distance` in every column."""
    close = np.zeros(len(mine), dtype=bool)
    at = np.flatnonzero(known[mine])
    if len(at) and len(yours):
        tree = cKDTree(values[yours])
        apart, _ = tree.query(values[mine[at]], p=np.inf, distance_upper_bound=np.nextafter(distance, np.inf))
        close[at] = apart <= distance
    return close


def _by_distance(catalog: pd.DataFrame) -> Link:
    """Quantiles of the distance in km from a patch to the nearest one of the other role."""
    if not {"lon", "lat"} <= set(catalog.columns):
        return _not_computed(*DISTANCES)
    places = catalog[["lon", "lat"]].to_numpy(np.float64)
    known = np.isfinite(places).all(axis=1)
    # Dates of an ROI lie in one place: only places are searched.
    distinct, place = np.unique(places[known], axis=0, return_inverse=True)
    of = np.full(len(catalog), -1)
    of[known] = place.ravel()
    points = spatial.on_sphere(*distinct.T)

    def link(mine: np.ndarray, yours: np.ndarray) -> list[Row]:
        here, back = np.unique(of[mine][of[mine] >= 0], return_inverse=True)
        there = np.unique(of[yours][of[yours] >= 0])
        if not len(here) or not len(there):
            return [(key, None, len(mine), None, None) for key in DISTANCES]
        nearest = spatial.nearest_km(points[here], points[there])[back]
        found = np.quantile(nearest, list(DISTANCES.values())).tolist()
        return [(key, None, len(mine), value, None) for key, value in zip(DISTANCES, found, strict=True)]

    return link


def _not_computed(*keys: str) -> Link:
    """Links that the catalog does not allow to look for."""
    return lambda mine, yours: [(key, None, len(mine), None, None) for key in keys]


def _row(key: str, linked: np.ndarray, shared: int | None = None) -> Row:
    """A row from the marks of the linked patches."""
    share = float(linked.mean()) if len(linked) else None
    return key, int(linked.sum()), len(linked), share, shared


def _status(key: str, linked: int | None, share: float | None, actions: Mapping[str, str]) -> str:
    """The word for a row."""
    if linked is None and share is not None:
        return "counted"
    action = actions.get(key, "count")
    if linked is None:
        return {"stop": "stops", "mark": "unknown", "count": "not computed"}.get(action, action)
    return {"stop": "stops", "mark": "marked", "count": "counted"}[action] if linked else "clean"


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


def hold_links(*, ledger: Path) -> None:
    """Stop if the ledger has a link that the configuration does not tolerate."""
    check_gate(read_tsv(ledger, LEDGER), ledger)
