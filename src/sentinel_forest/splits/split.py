"""Schemes -> trials: which patch is used for what.

Every patch of a release gets a role (train, validation, test, unused) by the rule of a scheme. The kinds of
schemes and their options are the models of `sentinel_forest.config.schemes`.

Trials are numbered from 1. In ``kfold`` the trial is the number of the test fold (then of the
repeats), in ``leave-one-group-out`` that of the value, in ``learning-curve`` that of the fraction
(then of the repeats). In all other kinds it is a new draw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest.config.schemes import (
    ROLES,
    AnyScheme,
    Balanced,
    Grouped,
    GroupedStratified,
    InGroups,
    KFold,
    LearningCurve,
    LeaveOneGroupOut,
    PooledRandom,
    Published,
    Scheme,
    Solved,
    SpatialBlocks,
)
from sentinel_forest.config.validation import nearest
from sentinel_forest.errors import InputError
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import read_parquet, write_parquet, write_tsv
from sentinel_forest.splits import draws, solver
from sentinel_forest.splits.draws import SCALE
from sentinel_forest.steps import Output
from sentinel_forest.verify import spatial
from sentinel_forest.verify.units import units

TRAIN, VALIDATION, TEST, UNUSED = range(4)

SPLIT = pa.DataFrameSchema(
    {
        "patch": pa.Column("str", unique=True),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        "weight": pa.Column("float64", pa.Check.ge(1)),
    },
    strict=True,
    ordered=True,
)
"""A split, in the order of the catalog: `weight` is 1 / probability of the patch to be drawn (1)."""

BALANCE = pa.DataFrameSchema(
    {
        "quantity": pa.Column("str"),
        "role": pa.Column("str"),
        "class": pa.Column("str"),
        "patches": pa.Column("float64"),
        "share": pa.Column("float64", nullable=True),
        "whole_share": pa.Column("float64", nullable=True),
        "deviation": pa.Column("float64", nullable=True),
    },
    strict=True,
    ordered=True,
)
"""How a split resembles the whole.

``quantity`` is ``size`` (share of the patches that the scheme can use, for ``unused`` of all patches;
`whole_share` is what was asked for), ``class`` (share
of a class within the role, against its share in all patches; for fractions of pixels `patches` is
their sum), ``deviation reached``, ``lower bound`` or ``method: <name>``: mean over roles and strata,
size among them, of the relative deviation of an amount from what was asked for.
"""

INFEASIBLE = pa.DataFrameSchema(
    {"request": pa.Column("str"), "found": pa.Column("str"), "reason": pa.Column("str")}, strict=True, ordered=True
)
"""What was asked for and could not be met."""

Seed = Callable[..., int]


@dataclass(frozen=True)
class Strata:
    """What is to be shared out evenly: names, and amounts int64 (strata, patches) in 1 / `SCALE`."""

    names: tuple[str, ...]
    amounts: np.ndarray


@dataclass(frozen=True)
class Draw:
    """One trial: role int64 (patches,), weight float64 (patches,), and what there is to say about it.

    `asked` holds the share of the patches that each role was to have (empty: nothing was asked for);
    `fits` the rows of ``balance.tsv`` about the assignment; `unmet` those of ``infeasible.tsv``.
    """

    role: np.ndarray
    weight: np.ndarray
    asked: Mapping[str, float]
    fits: tuple[tuple[str, float], ...] = ()
    unmet: tuple[tuple[str, str, str], ...] = ()


# -------------------------------------------------------------------------- what the catalog gives


def strata_of(catalog: pd.DataFrame, columns: Sequence[str], names: Sequence[str] = ()) -> Strata:
    """The strata of a catalog.

    Parameters
    ----------
    catalog : DataFrame
        See `sentinel_forest.verify.catalog`.
    columns : sequence of str
        ``fraction_<class>`` columns count by their value, all others by each of their values. None:
        the label where it is known, and all fractions.
    names : sequence of str
        Names of the classes of ``label``.

    Raises
    ------
    InputError
        If a column is not in the catalog.
    """
    columns = list(columns) or _usual_strata(catalog)
    titles: list[str] = []
    amounts: list[np.ndarray] = []
    for column in columns:
        values = _column(catalog, column, "strata")
        if column.startswith("fraction_"):
            titles.append(column.removeprefix("fraction_"))
            amounts.append(np.rint(values.fillna(0).to_numpy(np.float64) * SCALE).astype(np.int64))
            continue
        known = values.notna() & ~values.astype("str").isin(["", "-1"])
        for value in sorted(values[known].unique()):
            named = column == "label" and int(value) < len(names)
            titles.append(names[int(value)] if named else f"{column} {value}")
            amounts.append(SCALE * (values == value).fillna(False).to_numpy(np.int64))
    return Strata(tuple(titles), np.array(amounts, dtype=np.int64).reshape(len(titles), len(catalog)))


def _usual_strata(catalog: pd.DataFrame) -> list[str]:
    """The label if any is known, and all fractions of classes."""
    labelled = "label" in catalog and bool((catalog["label"] >= 0).any())
    return ["label"] * labelled + [name for name in map(str, catalog.columns) if name.startswith("fraction_")]


def dominant(strata: Strata) -> np.ndarray:
    """The stratum that a patch has most of, int64 (patches,); -1 where it has none."""
    if not strata.names:
        return np.full(strata.amounts.shape[1], -1)
    return np.where(strata.amounts.max(axis=0) > 0, strata.amounts.argmax(axis=0), -1)


def _column(catalog: pd.DataFrame, name: str, option: str) -> pd.Series:
    """A column of the catalog, or a message that names those there are."""
    if name not in catalog:
        raise InputError(
            "The catalog has no such column.",
            where=f"option {option}",
            found=name,
            expected=nearest(name, map(str, catalog.columns)),
        )
    return catalog[name]


def _units(catalog: pd.DataFrame, options: InGroups, extra: Sequence[pd.Series] = ()) -> np.ndarray:
    """Number of the unit of each patch: what `groups` and `apart` hold together."""
    keys = [_column(catalog, name, "groups") for name in options.groups]
    keys += [_column(catalog, name, "apart") for name in options.apart]
    return units([*keys, *extra], len(catalog))


def _integer_shares(shares: Mapping[str, float]) -> np.ndarray:
    """Shares of train, validation and test in units of 1 / `SCALE`, adding up to it: int64 (3,)."""
    parts = np.rint([shares.get(role, 0) * SCALE for role in ROLES[:3]]).astype(np.int64)
    parts[TRAIN] += SCALE - parts.sum()
    return parts


# ------------------------------------------------------------------------------------ assignment


def _assign(
    catalog: pd.DataFrame, unit: np.ndarray, shares: np.ndarray, even: Solved | None, seed: int
) -> tuple[np.ndarray, tuple[tuple[str, float], ...], tuple[tuple[str, str, str], ...]]:
    """Give units a part each, with or without regard to strata.

    Parameters
    ----------
    unit : int64 (patches,)
        Number of the unit of each patch.
    shares : int64 (parts,)
        In units of 1 / `SCALE`; a part with 0 gets nothing.
    even : Solved or None
        How strata are to be shared out evenly, if they are.

    Returns
    -------
    part, fits, unmet
        int64 (patches,), and rows as in `Draw`.
    """
    wanted = np.flatnonzero(shares)
    sizes = np.bincount(unit)
    if len(sizes) < len(wanted):
        raise InputError(
            "There are fewer groups than parts to be filled.",
            found=f"{len(sizes)} groups",
            expected=f"at least {len(wanted)}",
            remedy="ask for fewer folds or roles (a share of 0), or group by a finer key",
        )
    if even is None:
        return draws.by_group(sizes, shares, seed)[unit], (), ()
    strata = strata_of(catalog, even.strata)
    problem = solver.prepare(unit, strata.amounts, shares[wanted])
    part, fits, unmet = _solve(problem, unit, dominant(strata), even, seed)
    return wanted[part][unit], fits, unmet


def _solve(
    problem: solver.Problem, unit: np.ndarray, label: np.ndarray, options: Solved, seed: int
) -> tuple[np.ndarray, tuple[tuple[str, float], ...], tuple[tuple[str, str, str], ...]]:
    """Assign groups by the chosen method: role (groups,), and rows as in `Draw`."""
    added, sizes, shares, bound = problem.added, problem.sizes, problem.shares, problem.bound
    method, limit = options.method, options.time_limit
    found: dict[str, np.ndarray] = {}
    unmet: tuple[tuple[str, str, str], ...] = ()
    if method == "milp":
        fit = solver.solve(problem, seed, limit)
        found["milp"], bound = fit.role, fit.bound
        if not fit.complete:
            unmet = ((f"search within {limit:g} s", "ended early", "another machine may find another split"),)
    if method == "greedy" or options.compare:
        found["greedy"] = draws.fill(solver.greedy(added, sizes, seed), sizes, shares)
    if method == "stratified-group-kfold" or options.compare:
        folded = solver.group_k_fold(unit, label, shares, seed)
        if folded is not None:
            found["stratified-group-kfold"] = folded
    if method not in found:
        raise InputError(
            "There are fewer groups, or patches of a class, than folds.",
            found=f"{len(sizes)} groups",
            where="method",
            remedy="use the method milp, or larger shares",
        )
    reached = {name: solver.deviation(added, role) for name, role in found.items()}
    fits = [("deviation reached", reached[str(method)]), ("lower bound", np.floor(bound * 1e7) / 1e7)]
    fits += [(f"method: {name}", value) for name, value in reached.items()] if options.compare else []
    return found[str(method)], tuple(fits), unmet


# ----------------------------------------------------------------------------------------- kinds


def _published(catalog: pd.DataFrame, options: Published, seed: Seed, trial: int) -> Draw:
    """The publisher's split; patches without one are unused."""
    role = catalog["published_split"].map({name: code for code, name in enumerate(ROLES)})
    known = role.fillna(UNUSED).to_numpy(np.int64)
    if (known == UNUSED).all():
        raise InputError(
            "The release has no published split.",
            where="catalog, published_split",
            remedy="choose another scheme, e.g. grouped-stratified",
        )
    empty = [name for code, name in enumerate(ROLES[:3]) if not (known == code).any()]
    unmet = tuple((f"patches for {name}", "none", "the publisher's split has none") for name in empty)
    return Draw(known, np.ones(len(catalog)), {}, unmet=unmet)


def _pooled_random(catalog: pd.DataFrame, options: PooledRandom, seed: Seed, trial: int) -> Draw:
    """All patches thrown together and drawn at random."""
    stratum = np.zeros(len(catalog), dtype=np.int64)
    if options.stratified:
        stratum = dominant(strata_of(catalog, options.strata))
    role = draws.by_patch(_integer_shares(options.shares), stratum, seed(trial))
    return Draw(role, np.ones(len(catalog)), options.shares)


def _grouped(catalog: pd.DataFrame, options: Grouped | GroupedStratified, seed: Seed, trial: int) -> Draw:
    """Whole units drawn at random, or assigned so that strata are shared out evenly."""
    shares = _integer_shares(options.shares)
    even = options if isinstance(options, GroupedStratified) else None
    role, fits, unmet = _assign(catalog, _units(catalog, options), shares, even, seed(trial))
    return Draw(role, np.ones(len(catalog)), options.shares, fits, unmet)


def _kfold(catalog: pd.DataFrame, options: KFold, seed: Seed, trial: int) -> Draw:
    """Fold `trial` is test, the folds after it validation, the others train."""
    folds = options.folds
    repeat, fold = divmod(trial - 1, folds)
    shares = np.diff(np.arange(folds + 1) * SCALE // folds)
    even = options if options.stratified else None
    part, fits, unmet = _assign(catalog, _units(catalog, options), shares, even, seed("repeat", repeat))
    after = (part - fold) % folds
    validation = options.validation_folds
    role = np.where(after == 0, TEST, np.where(after <= validation, VALIDATION, TRAIN))
    asked = {"train": (folds - 1 - validation) / folds, "validation": validation / folds, "test": 1 / folds}
    return Draw(role, np.ones(len(catalog)), asked, fits, unmet)


def _leave_one_group_out(catalog: pd.DataFrame, options: LeaveOneGroupOut, seed: Seed, trial: int) -> Draw:
    """All patches with one value of the key are test; units with other patches of theirs are unused."""
    held = _column(catalog, options.key, "key").astype("str").fillna("")
    there = sorted(held[held != ""].unique())
    values = options.values or there
    if trial > len(values) or not (held == values[trial - 1]).any():
        raise InputError(
            "No patch has this value.",
            where=f"leave-one-group-out, {options.key}, trial {trial}",
            found=values[trial - 1] if trial <= len(values) else f"{len(values)} values",
            expected=", ".join(there[:20]),
            remedy="list the values, or configure no more trials than there are values",
        )
    test = (held == values[trial - 1]).to_numpy()
    unit = _units(catalog, options)
    linked = np.isin(unit, unit[test])
    role = np.where(test, TEST, UNUSED)
    rest = ~linked
    share = options.validation
    shares = _integer_shares({"train": 1 - share, "validation": share})
    renumbered = pd.factorize(unit[rest])[0]
    role[rest] = _assign(catalog[rest], renumbered, shares, None, seed(trial))[0]
    return Draw(role, np.ones(len(catalog)), {})


def _spatial_blocks(catalog: pd.DataFrame, options: SpatialBlocks, seed: Seed, trial: int) -> Draw:
    """Blocks on the globe are the units; what lies within the buffer of a later role is unused."""
    lon, lat = _column(catalog, "lon", "kind"), _column(catalog, "lat", "kind")
    block = pd.Series(spatial.blocks(lon.to_numpy(), lat.to_numpy(), options.block_km))
    unit = _units(catalog.reset_index(drop=True), options, [block])
    shares = _integer_shares(options.shares)
    even = options if options.stratified else None
    role, fits, unmet = _assign(catalog, unit, shares, even, seed(trial))
    points = spatial.on_sphere(lon.to_numpy(), lat.to_numpy())
    buffer = options.buffer_km
    for early, later in ((VALIDATION, (TEST,)), (TRAIN, (VALIDATION, TEST))):
        mine = np.flatnonzero(role == early)
        near = spatial.within_km(points[mine], points[np.isin(role, later)], buffer)
        role[mine[near]] = UNUSED
    return Draw(role, np.ones(len(catalog)), options.shares, fits, unmet)


def _balanced(catalog: pd.DataFrame, options: Balanced, seed: Seed, trial: int, classes: Sequence[str] = ()) -> Draw:
    """From every role of a base split the same number of patches of each class.

    A patch's weight is how many of its class and role stood there for each that was drawn.
    """
    strata = strata_of(catalog, options.strata, classes)
    if not strata.names:
        raise InputError(
            "There are no classes to balance.",
            where="option strata",
            found="no label is known",
            expected="labels, fractions of classes, or strata",
            remedy="name a column, e.g. strata: [group]",
        )
    base = _draw(catalog, options.base_scheme(), seed, trial)
    label = dominant(strata)
    random = draws.shuffled(len(catalog), seed("balanced", trial))
    role, weight = np.full(len(catalog), UNUSED), np.ones(len(catalog))
    unmet = list(base.unmet)
    for code in (TRAIN, VALIDATION, TEST):
        members = random[(base.role[random] == code) & (label[random] >= 0)]
        counts = np.bincount(label[members], minlength=len(strata.names))
        wanted = options.per_class or int(counts[counts > 0].min(initial=len(catalog)))
        for number, count in enumerate(counts):
            taken = members[label[members] == number][:wanted]
            role[taken], weight[taken] = code, count / max(len(taken), 1)
            if len(members) and count < wanted:
                request = f"{wanted} patches of {strata.names[number]} for {ROLES[code]}"
                unmet.append((request, str(count), "the base split has no more there"))
    return Draw(role, weight, {}, base.fits, tuple(unmet))


def _learning_curve(catalog: pd.DataFrame, options: LearningCurve, seed: Seed, trial: int) -> Draw:
    """The first units of a random row of training units; the other roles stay whole."""
    fractions = options.fractions
    repeat, step = divmod(trial - 1, len(fractions))
    base = _draw(catalog, options.base_scheme(), partial(seed, "repeat"), repeat + 1)
    unit = _units(catalog, options)
    training = np.unique(unit[base.role == TRAIN])
    row = training[draws.shuffled(len(training), seed("row", repeat))]
    kept = row[: max(1, int(np.rint(fractions[step] * len(row))))]
    left = (base.role == TRAIN) & ~np.isin(unit, kept)
    weight = np.where(base.role == TRAIN, len(row) / max(len(kept), 1), 1.0)
    role = np.where(left, UNUSED, base.role)
    return Draw(role, np.where(left, 1.0, weight), {}, base.fits, base.unmet)


def _draw(catalog: pd.DataFrame, options: AnyScheme, seed: Seed, trial: int) -> Draw:
    """Draw one trial by the rule of the kind."""
    return KINDS[options.kind](catalog, options, seed, trial)


KINDS: dict[str, Callable[..., Draw]] = {
    "published": _published,
    "pooled-random": _pooled_random,
    "grouped": _grouped,
    "grouped-stratified": _grouped,
    "kfold": _kfold,
    "leave-one-group-out": _leave_one_group_out,
    "spatial-blocks": _spatial_blocks,
    "balanced": _balanced,
    "learning-curve": _learning_curve,
}


# ----------------------------------------------------------------------------------------- result


@dataclass(frozen=True)
class Result:
    """One trial as it is written: tables `SPLIT`, `BALANCE`, `INFEASIBLE`."""

    split: pd.DataFrame
    balance: pd.DataFrame
    infeasible: pd.DataFrame


def make(
    catalog: pd.DataFrame, options: AnyScheme, trial: int, seed: Seed, scheme: str = "", classes: Sequence[str] = ()
) -> Result:
    """Draw one trial of a scheme.

    Parameters
    ----------
    catalog : DataFrame
        See `sentinel_forest.verify.catalog`.
    options : AnyScheme
        Kind and options, see `sentinel_forest.config.schemes`.
    trial : int
        From 1.
    seed : callable
        Gives a 32-bit seed for names; see `sentinel_forest.io.checksums.seed`.
    scheme : str
        Name of the scheme, for messages.
    classes : sequence of str
        Names of the classes of ``label``, for the tables of balance and of what could not be met.

    Raises
    ------
    InputError
        If the scheme does not suit the catalog, or leaves a role empty; with
        ``strict`` also if a request could not be met.
    """
    if catalog.empty:
        raise InputError("The catalog is empty: there is nothing to split.", where=f"scheme {scheme}")
    known = _placeable(catalog, options, scheme)
    # Draws run over patch ids in sorted order, whatever the order of files.
    rows = np.flatnonzero(known)[np.argsort(catalog["patch"].to_numpy(dtype=object)[known], kind="stable")]
    drawn = catalog.iloc[rows].reset_index(drop=True)
    names = {"classes": classes} if isinstance(options, Balanced) else {}
    draw = KINDS[options.kind](drawn, options, seed, trial, **names)
    _check_roles(draw, options, scheme, trial)
    balance = _balance(draw, strata_of(drawn, getattr(options, "strata", ()), classes))
    unmet = [*draw.unmet, *_unmet(balance, draw, options)]
    role, weight = np.full(len(catalog), UNUSED), np.ones(len(catalog))
    role[rows], weight[rows] = draw.role, draw.weight
    if not known.all():
        unused = (balance["quantity"] == "size") & (balance["role"] == "unused")
        balance.loc[unused, ["patches", "share"]] = (role == UNUSED).sum(), (role == UNUSED).mean()
        unmet.append(_unplaced(known, options))
    infeasible = pd.DataFrame(unmet, columns=list(INFEASIBLE.columns), dtype="str")
    if options.strict and unmet:
        raise InputError(
            "A request cannot be met.",
            where=f"scheme {scheme}, trial {trial}",
            found="; ".join(f"{request}: {found} ({reason})" for request, found, reason in unmet),
            remedy="ask for other shares, groups or strata, or set strict: false",
        )
    split = pd.DataFrame(
        {
            "patch": catalog["patch"].astype("str").reset_index(drop=True),
            "role": pd.Series(np.array(ROLES, dtype=object)[role], dtype="str"),
            "weight": weight,
        }
    )
    return Result(split, balance, infeasible)


def _placeable(catalog: pd.DataFrame, options: AnyScheme, scheme: str) -> np.ndarray:
    """Whether a scheme can tell where each patch belongs: bool (patches,).

    Raises
    ------
    InputError
        If it can for none.
    """
    known = np.ones(len(catalog), dtype=bool)
    for names in options.needed_columns():
        columns = [_column(catalog, name, "groups") for name in names]
        known &= np.logical_or.reduce([column.notna() & (column != "") for column in columns])
    if not known.any():
        raise InputError(
            "No patch has a group, so this scheme can use none.",
            where=f"scheme {scheme}",
            found=f"{len(catalog)} patches without a known {_needs(options)}",
            expected="patches of which it is known",
            remedy="get the file that tells it, name other columns (groups: [...]), or leave the scheme out",
        )
    return known


def _unplaced(known: np.ndarray, options: AnyScheme) -> tuple[str, str, str]:
    """The row of ``infeasible.tsv`` about patches that a scheme cannot use."""
    unknown = f"{len(known) - np.count_nonzero(known)} of {len(known)} are unused"
    return "a role for every patch", unknown, f"their {_needs(options)} is not known"


def _needs(options: AnyScheme) -> str:
    return ", ".join(" or ".join(names) for names in options.needed_columns())


def _check_roles(draw: Draw, options: AnyScheme, scheme: str, trial: int) -> None:
    """Raise if a role that was asked for, or training or test, is empty."""
    if options.kind == "published":
        return
    counts = np.bincount(draw.role, minlength=len(ROLES))
    wanted = [role for role, share in draw.asked.items() if share > 0] or ["train", "test"]
    empty = [role for role in wanted if counts[ROLES.index(role)] == 0]
    if empty:
        raise InputError(
            "A role is empty.",
            where=f"scheme {scheme}, trial {trial}",
            found=", ".join(f"{role} {count}" for role, count in zip(ROLES, counts, strict=True)),
            expected=f"patches for {', '.join(empty)}",
            remedy="larger shares, smaller groups or a narrower buffer; a share of 0 leaves a role out",
        )


def _balance(draw: Draw, strata: Strata) -> pd.DataFrame:
    """The table of balance, see `BALANCE`."""
    rows: list[tuple[str, str, str, float, float, float]] = []
    counts = np.bincount(draw.role, minlength=len(ROLES))
    amounts = draws.sums(draw.role, strata.amounts, len(ROLES)) / SCALE
    whole = amounts.sum(axis=0) / counts.sum()
    for code, role in enumerate(ROLES):
        asked = draw.asked.get(role, np.nan)
        rows.append(("size", role, "", float(counts[code]), counts[code] / counts.sum(), asked))
        shares = amounts[code] / counts[code] if counts[code] else np.full(len(whole), np.nan)
        rows += [
            ("class", role, name, float(amounts[code, number]), shares[number], whole[number])
            for number, name in enumerate(strata.names)
        ]
    table = pd.DataFrame(rows, columns=["quantity", "role", "class", "patches", "share", "whole_share"])
    table["deviation"] = table["share"] - table["whole_share"]
    fits = pd.DataFrame(draw.fits, columns=["quantity", "deviation"]).assign(
        role="", patches=float(counts.sum()), share=np.nan, whole_share=np.nan, **{"class": ""}
    )
    table = pd.concat([table, fits[table.columns]], ignore_index=True) if draw.fits else table
    return table.astype({"quantity": "str", "role": "str", "class": "str"})


def _unmet(balance: pd.DataFrame, draw: Draw, options: AnyScheme) -> list[tuple[str, str, str]]:
    """Sizes, and strata if they were to be even, that miss their target by more than the tolerance."""
    rows = []
    limit = getattr(options, "tolerance", np.inf)
    sizes = balance[(balance["quantity"] == "size") & (balance["whole_share"] > 0)]
    for _, row in sizes.iterrows():
        if abs(row["deviation"]) > limit * row["whole_share"]:
            request = f"{row['whole_share']:.4g} of the patches for {row['role']}"
            rows.append((request, f"{row['share']:.4g}", "groups (or patches) are not divisible as asked"))
    if not draw.fits:
        return rows
    classes = balance[(balance["quantity"] == "class") & balance["role"].isin(draw.asked)]
    totals = classes.groupby("class", sort=False)["patches"].sum()
    for _, row in classes.iterrows():
        share, total = draw.asked[row["role"]], totals[row["class"]]
        if total > 0 and share > 0 and abs(row["patches"] / total - share) > limit * share:
            request = f"{share:.4g} of {row['class']} for {row['role']}"
            reason = f"{total:.6g} patches of it, in groups that cannot be divided"
            rows.append((request, f"{row['patches'] / total:.4g}", reason))
    return rows


def split(
    *,
    catalog: Path,
    scheme: str,
    trial: int,
    definition: Scheme,
    classes: Sequence[str],
    seed: int,
    output: Output,
    balance: Output,
    infeasible: Output,
) -> None:
    """Assign every patch a role in one trial of a scheme.

    Parameters
    ----------
    catalog : Path
        Catalog of the release.
    scheme : str
        Its name, for messages.
    trial : int
        From 1.
    definition : dict
        Kind of the scheme and its options.
    classes : sequence of str
        Names of the classes of ``label``.
    seed : int
        Seed of the scheme.
    output, balance, infeasible : Path
        Tables to write: `SPLIT`, `BALANCE`, `INFEASIBLE`.
    """
    seeds = partial(checksums.seed, seed)
    result = make(read_parquet(catalog), definition, trial, seeds, scheme, classes)
    write_parquet(output, result.split, SPLIT)
    write_tsv(balance, result.balance, BALANCE)
    write_tsv(infeasible, result.infeasible, INFEASIBLE)
