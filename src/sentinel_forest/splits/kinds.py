"""Kinds of schemes: how each of them draws one trial."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from sentinel_forest.config.options import ROLES
from sentinel_forest.config.schemes import (
    AnyScheme,
    Balanced,
    Filtered,
    Grouped,
    GroupedStratified,
    KFold,
    LearningCurve,
    LeaveOneGroupOut,
    NearestNeighbour,
    PooledRandom,
    Published,
    SpatialBlocks,
)
from sentinel_forest.errors import InputError
from sentinel_forest.splits import draws
from sentinel_forest.splits.assignment import Unmet, assign, assign_roles, integer_fractions, units_of
from sentinel_forest.splits.draws import SCALE
from sentinel_forest.splits.matching import match_units
from sentinel_forest.splits.strata import column_of, dominant, is_deciding, strata_of
from sentinel_forest.verify import spatial

TRAIN, VALIDATION, TEST, UNUSED = range(4)

Seed = Callable[..., int]
"""Gives a 32-bit seed for names; see `sentinel_forest.io.checksums.seed`."""


@dataclass(frozen=True)
class Draw:
    """One trial: role int64 (patches,), weight float64 (patches,), and what there is to say about it.

    `asked` holds the fraction of the patches that each role was to have (empty: nothing was asked for);
    `fits` the rows of ``balance.tsv`` about the assignment; `unmet` those of ``infeasible.tsv``.
    """

    role: np.ndarray
    weight: np.ndarray
    asked: Mapping[str, float]
    fits: tuple[tuple[str, float], ...] = ()
    unmet: tuple[Unmet, ...] = ()


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
    unmet = tuple((f"patches for {name}", "none", "the published split of these files has none") for name in empty)
    return Draw(known, np.ones(len(catalog)), {}, unmet=unmet)


def _pooled_random(catalog: pd.DataFrame, options: PooledRandom, seed: Seed, trial: int) -> Draw:
    """All patches thrown together and drawn at random."""
    stratum = np.zeros(len(catalog), dtype=np.int64)
    if options.stratified:
        stratum = dominant(strata_of(catalog, options.strata))
    role = draws.by_patch(integer_fractions(options.role_fractions()), stratum, seed(trial))
    return Draw(role, np.ones(len(catalog)), options.role_fractions())


def _grouped(catalog: pd.DataFrame, options: Grouped | GroupedStratified, seed: Seed, trial: int) -> Draw:
    """Whole units drawn at random, or assigned so that strata are shared out evenly."""
    fractions = integer_fractions(options.role_fractions())
    even = options if isinstance(options, GroupedStratified) else None
    unit = units_of(catalog, options)
    found, asked = assign_roles(catalog, unit, fractions, even, seed(trial))
    return Draw(found.part[unit], np.ones(len(catalog)), asked, found.fits, found.unmet)


def _kfold(catalog: pd.DataFrame, options: KFold, seed: Seed, trial: int) -> Draw:
    """Fold `trial` is test, the folds after it validation, the others train."""
    folds = options.folds
    repeat, fold = divmod(trial - 1, folds)
    fractions = np.diff(np.arange(folds + 1) * SCALE // folds)
    even = options if options.stratified else None
    unit = units_of(catalog, options)
    found = assign(catalog, unit, fractions, even, seed("repeat", repeat))
    after = (found.part[unit] - fold) % folds
    validation = options.validation_folds
    role = np.where(after == 0, TEST, np.where(after <= validation, VALIDATION, TRAIN))
    asked = {"train": (folds - 1 - validation) / folds, "validation": validation / folds, "test": 1 / folds}
    return Draw(role, np.ones(len(catalog)), asked, found.fits, found.unmet)


def _leave_one_group_out(catalog: pd.DataFrame, options: LeaveOneGroupOut, seed: Seed, trial: int) -> Draw:
    """All patches with one value of the key are test; units with other patches of theirs are unused."""
    held = column_of(catalog, options.key, "key").astype("str").fillna("")
    there = sorted(held[held != ""].unique())
    values = options.values or there
    if trial > len(values) or not (held == values[trial - 1]).any():
        raise InputError(
            "No patch has this value.",
            where=f"option key, {options.key}",
            found=values[trial - 1] if trial <= len(values) else f"{len(values)} values",
            expected=", ".join(there[:20]),
            remedy="list the values, or configure no more trials than there are values",
        )
    test = (held == values[trial - 1]).to_numpy()
    unit = units_of(catalog, options)
    linked = np.isin(unit, unit[test])
    role = np.where(test, TEST, UNUSED)
    rest = ~linked
    fraction = options.validation
    fractions = integer_fractions({"train": 1 - fraction, "validation": fraction})
    renumbered = pd.factorize(unit[rest])[0]
    role[rest] = assign(catalog[rest], renumbered, fractions, None, seed(trial)).part[renumbered]
    return Draw(role, np.ones(len(catalog)), {})


def _spatial_blocks(catalog: pd.DataFrame, options: SpatialBlocks, seed: Seed, trial: int) -> Draw:
    """Blocks on the globe are the units; what lies within the buffer of a later role is unused."""
    lon, lat = column_of(catalog, "lon", "kind"), column_of(catalog, "lat", "kind")
    block = pd.Series(spatial.blocks(lon.to_numpy(), lat.to_numpy(), options.block_km))
    unit = units_of(catalog.reset_index(drop=True), options, [block])
    fractions = integer_fractions(options.role_fractions())
    even = options if options.stratified else None
    found, asked = assign_roles(catalog, unit, fractions, even, seed(trial))
    role = found.part[unit]
    points = spatial.on_sphere(lon.to_numpy(), lat.to_numpy())
    buffer = options.buffer_km
    for early, later in ((VALIDATION, (TEST,)), (TRAIN, (VALIDATION, TEST))):
        mine = np.flatnonzero(role == early)
        near = spatial.within_km(points[mine], points[np.isin(role, later)], buffer)
        role[mine[near]] = UNUSED
    return Draw(role, np.ones(len(catalog)), asked, found.fits, found.unmet)


def _nearest_neighbour(catalog: pd.DataFrame, options: NearestNeighbour, seed: Seed, trial: int) -> Draw:
    """Fold `trial` is test, the fold after it validation, the others train; how well folds match stands in the balance.

    Beside it are the mismatches of folds of random patches, of random groups, and of blocks on the globe.
    """
    lon, lat = (column_of(catalog, name, "kind").to_numpy(np.float64) for name in ("lon", "lat"))
    fold, fits = match_units(
        lon,
        lat,
        units_of(catalog, options) if options.groups or options.apart else np.arange(len(catalog)),
        options,
        seed("folds"),
        pd.factorize(catalog["group"])[0] if "group" in catalog else None,
    )
    after = (fold - (trial - 1)) % options.folds
    role = np.where(after == 0, TEST, np.where(after == 1, VALIDATION, TRAIN))
    return Draw(role, np.ones(len(catalog)), {}, fits)


def _balanced(catalog: pd.DataFrame, options: Balanced, seed: Seed, trial: int, classes: Sequence[str]) -> Draw:
    """From every role of a base split the same number of patches of each class.

    The class of a patch is the stratum that it has most of (see `is_deciding`). Its weight is how many of its class and
    role stood there for each that was drawn.
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
    base = draw_trial(catalog, options.base_scheme(), seed, trial)
    label = dominant(strata)
    asked = is_deciding(strata, label)
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
            if asked[number] and len(members) and count < wanted:
                request = f"{wanted} patches of {strata.names[number]} for {ROLES[code]}"
                unmet.append((request, str(count), "the base split has no more there"))
    return Draw(role, weight, {}, base.fits, tuple(unmet))


def _learning_curve(catalog: pd.DataFrame, options: LearningCurve, seed: Seed, trial: int) -> Draw:
    """The first units of a random row of training units; the other roles stay whole."""
    fractions = options.train_fractions
    repeat, step = divmod(trial - 1, len(fractions))
    base = draw_trial(catalog, options.base_scheme(), partial(seed, "repeat"), repeat + 1)
    unit = units_of(catalog, options)
    training = np.unique(unit[base.role == TRAIN])
    row = training[draws.shuffled(len(training), seed("row", repeat))]
    kept = row[: max(1, int(np.rint(fractions[step] * len(row))))]
    left = (base.role == TRAIN) & ~np.isin(unit, kept)
    weight = np.where(base.role == TRAIN, len(row) / max(len(kept), 1), 1.0)
    role = np.where(left, UNUSED, base.role)
    return Draw(role, np.where(left, 1.0, weight), {}, base.fits, base.unmet)


def _filtered(catalog: pd.DataFrame, options: Filtered, seed: Seed, trial: int) -> Draw:
    """The base split, without some of its training patches."""
    base = draw_trial(catalog, options.base_scheme(), seed, trial)
    out = np.zeros(len(catalog), dtype=bool)
    for column, values in options.leave_out.items():
        texts = column_of(catalog, column, "leave_out").astype("str").fillna("")
        if not texts.isin(values).any():
            raise InputError(
                "No patch has a value that is to be left out.",
                where=f"option leave_out, {column}",
                found=", ".join(values)[:200],
                expected=", ".join(sorted(set(texts) - {""}))[:200] or f"a release with a known {column}",
                remedy="correct the value, or get the file that tells it",
            )
        out |= texts.isin(values).to_numpy()
    left = out & (base.role == TRAIN)
    return replace(base, role=np.where(left, UNUSED, base.role), asked={})


def draw_trial(catalog: pd.DataFrame, options: AnyScheme, seed: Seed, trial: int, classes: Sequence[str] = ()) -> Draw:
    """Draw one trial by the rule of the kind; `classes` are the names of the classes of ``label``."""
    if isinstance(options, Balanced):
        return _balanced(catalog, options, seed, trial, classes)
    return _DRAWS[type(options)](catalog, options, seed, trial)


_DRAWS: Mapping[type[AnyScheme], Callable[..., Draw]] = {
    Published: _published,
    PooledRandom: _pooled_random,
    Grouped: _grouped,
    GroupedStratified: _grouped,
    KFold: _kfold,
    LeaveOneGroupOut: _leave_one_group_out,
    SpatialBlocks: _spatial_blocks,
    NearestNeighbour: _nearest_neighbour,
    LearningCurve: _learning_curve,
    Filtered: _filtered,
}
