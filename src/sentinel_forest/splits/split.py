"""Schemes -> trials: which patch is used for what.

Every patch of a release gets a role (train, validation, test, unused) by the rule of a scheme. The kinds of
schemes and their options are the models of `sentinel_forest.config.schemes`.

Trials are numbered from 1. In ``kfold`` and ``knndm`` the trial is the number of the test fold (then of the
repeats), in ``leave-one-group-out`` that of the value, in ``learning-curve`` that of the fraction
(then of the repeats). In all other kinds it is a new draw.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.config.options import ROLES, USUAL_FRACTIONS, Sized
from sentinel_forest.config.schemes import AnyScheme, Scheme
from sentinel_forest.datasets.keys import is_known
from sentinel_forest.datasets.terms import TRAIN_ONLY
from sentinel_forest.errors import InputError
from sentinel_forest.io import checksums
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import read_parquet, write_parquet, write_tsv
from sentinel_forest.kept import kept
from sentinel_forest.splits.assignment import Unmet
from sentinel_forest.splits.balance import BALANCE, INFEASIBLE, balance_of, unmet_of
from sentinel_forest.splits.kinds import UNUSED, Draw, Seed, draw_trial
from sentinel_forest.splits.strata import column_of, strata_of
from sentinel_forest.steps import Output

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


MOST_NAMES = 5
"""Patches without any measurement that ``infeasible.tsv`` names."""


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
    with _named(scheme, trial):
        return _make(catalog, options, trial, seed, classes)


@contextmanager
def _named(scheme: str, trial: int) -> Iterator[None]:
    """Say in an error which scheme and trial it is of."""
    try:
        yield
    except InputError as error:
        place = f"scheme {scheme}, trial {trial}"
        raise InputError(
            error.problem,
            where=place if error.where is None else f"{place}, {error.where}",
            found=error.found,
            expected=error.expected,
            remedy=error.remedy,
        ) from None


def _make(catalog: pd.DataFrame, options: AnyScheme, trial: int, seed: Seed, classes: Sequence[str]) -> Result:
    """See `make`."""
    if catalog.empty:
        raise InputError("The catalog is empty: there is nothing to split.")
    options = with_fractions(options, catalog)
    placed, empty = _placeable(catalog, options), _empty(catalog)
    kept_out = _kept_out(catalog, options)
    known = placed & ~empty & ~kept_out
    # Draws run over patch ids in sorted order, whatever the order of files.
    rows = np.flatnonzero(known)[np.argsort(catalog["patch"].to_numpy(dtype=object)[known], kind="stable")]
    drawn = catalog.iloc[rows].reset_index(drop=True)
    draw = draw_trial(drawn, options, seed, trial, classes)
    _check_roles(draw, options)
    balance = balance_of(draw, strata_of(drawn, getattr(options, "strata", ()), classes))
    unmet = [*draw.unmet, *unmet_of(balance, draw, options)]
    role, weight = np.full(len(catalog), UNUSED), np.ones(len(catalog))
    role[rows], weight[rows] = draw.role, draw.weight
    if not known.all():
        unused = (balance["quantity"] == "size") & (balance["role"] == "unused")
        balance.loc[unused, ["patches", "fraction"]] = (role == UNUSED).sum(), (role == UNUSED).mean()
    if not placed.all():
        unmet.append(_unplaced(placed, options))
    if options.strict:
        _check_met(unmet)
    # A patch of which nothing was measured is no fault of the scheme: it is told after `strict` was asked.
    unmet += [*_unmeasured(catalog, empty), *_without_label(kept_out)]
    infeasible = pd.DataFrame(unmet, columns=list(INFEASIBLE.columns), dtype="str")
    return Result(_split_table(catalog["patch"], role, weight), balance, infeasible)


def with_fractions(options: AnyScheme, catalog: pd.DataFrame) -> AnyScheme:
    """A scheme with its fractions: unless the user gives some, those of a published split with all three roles."""
    if not isinstance(options, Sized) or options.fractions is not None:
        return options
    counts = catalog.get("published_split", pd.Series(dtype="str")).value_counts()
    published = {role: int(counts.get(role, 0)) for role in ROLES[:3]}
    total = sum(published.values())
    fractions = (
        {role: count / total for role, count in published.items()} if all(published.values()) else USUAL_FRACTIONS
    )
    return options.model_copy(update={"fractions": fractions})


def _check_met(unmet: Sequence[Unmet]) -> None:
    """Raise if anything could not be met."""
    if unmet:
        raise InputError(
            "A request cannot be met.",
            found="; ".join(f"{request}: {found} ({reason})" for request, found, reason in unmet),
            remedy="ask for other fractions, groups or strata, or set strict: false",
        )


def _split_table(patches: pd.Series, role: np.ndarray, weight: np.ndarray) -> pd.DataFrame:
    """The table `SPLIT`."""
    named = pd.Series(np.array(ROLES, dtype=object)[role], dtype="str")
    return pd.DataFrame({"patch": patches.astype("str").reset_index(drop=True), "role": named, "weight": weight})


def _placeable(catalog: pd.DataFrame, options: AnyScheme) -> np.ndarray:
    """Whether a scheme can tell where each patch belongs: bool (patches,).

    Raises
    ------
    InputError
        If it can for none.
    """
    known = np.ones(len(catalog), dtype=bool)
    for names in options.needed_columns():
        columns = [column_of(catalog, name, _option_of(options, name)) for name in names]
        known &= np.logical_or.reduce([is_known(column) for column in columns])
    if not known.any():
        raise InputError(
            "No patch has what this scheme needs, so it can use none.",
            found=f"{len(catalog)} patches without a known {_needs(options)}",
            expected="patches of which it is known",
            remedy="get the file that tells it, name other columns (groups: [...]), or leave the scheme out",
        )
    return known


def _option_of(options: AnyScheme, column: str) -> str:
    """The option that names a column of the catalog; the kind of the scheme where none does."""
    named = options.model_dump().items()
    return next((option for option, value in named if value == column or column in _collected(value)), "kind")


def _collected(value: object) -> Collection[object]:
    return value if isinstance(value, list | tuple | dict) else ()


def _empty(catalog: pd.DataFrame) -> np.ndarray:
    """Which patches carry no optical measurement at all, so that they take no part: bool (patches,).

    Raises
    ------
    InputError
        If none carries any.
    """
    fraction = catalog.get("valid_fraction_optical", pd.Series(np.nan, index=catalog.index))
    empty: np.ndarray = (fraction == 0).to_numpy()
    if empty.all():
        raise InputError(
            "No patch carries a measurement.",
            found=f"{len(catalog)} patches that are 0 or missing in all optical bands",
            remedy="see the findings of the verification; fetch the files again",
        )
    return empty


def _kept_out(catalog: pd.DataFrame, options: AnyScheme) -> np.ndarray:
    """Which patches a scheme that is not based on the published split cannot use: those for training alone."""
    published = "published" in (options.kind, getattr(options, "base", ""))
    if TRAIN_ONLY not in catalog or published:
        return np.zeros(len(catalog), dtype=bool)
    return catalog[TRAIN_ONLY].to_numpy(bool)


def _unmeasured(catalog: pd.DataFrame, empty: np.ndarray) -> list[Unmet]:
    """The row of ``infeasible.tsv`` about patches without any measurement, if there are any."""
    if not empty.any():
        return []
    names = ", ".join(catalog["patch"][empty].head(MOST_NAMES)) + (", ..." if empty.sum() > MOST_NAMES else "")
    found = f"{empty.sum()} of {len(empty)} are unused: {names}"
    return [("a role for every patch", found, "they carry no measurement in any optical band")]


def _without_label(kept_out: np.ndarray) -> list[Unmet]:
    """The row of ``infeasible.tsv`` about patches for training alone, if a scheme cannot use them."""
    found = f"{kept_out.sum()} of {len(kept_out)} are unused"
    reason = "they have no label to be scored by, and are training patches of the published split alone"
    return [("a role for every patch", found, reason)] if kept_out.any() else []


def _unplaced(known: np.ndarray, options: AnyScheme) -> Unmet:
    """The row of ``infeasible.tsv`` about patches that a scheme cannot use."""
    unknown = f"{len(known) - np.count_nonzero(known)} of {len(known)} are unused"
    return "a role for every patch", unknown, f"their {_needs(options)} is not known"


def _needs(options: AnyScheme) -> str:
    return ", ".join(" or ".join(names) for names in options.needed_columns())


def _check_roles(draw: Draw, options: AnyScheme) -> None:
    """Raise if a role that was asked for, or training or test, is empty."""
    if options.kind == "published":
        return
    counts = np.bincount(draw.role, minlength=len(ROLES))
    wanted = [role for role, fraction in draw.asked.items() if fraction > 0] or ["train", "test"]
    empty = [role for role in wanted if counts[ROLES.index(role)] == 0]
    if empty:
        raise InputError(
            "A role is empty.",
            found=", ".join(f"{role} {count}" for role, count in zip(ROLES, counts, strict=True)),
            expected=f"patches for {', '.join(empty)}",
            remedy="larger fractions, smaller groups or a narrower buffer; a fraction of 0 leaves a role out",
        )


@kept("splits.split")
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
