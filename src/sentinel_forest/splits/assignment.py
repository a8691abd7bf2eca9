"""Units of patches to parts of given sizes, with or without regard to strata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sentinel_forest.config.options import LEAST_TEST_GROUPS, ROLES, InGroups, Solved
from sentinel_forest.errors import InputError
from sentinel_forest.splits import baselines, draws, solver
from sentinel_forest.splits.draws import SCALE
from sentinel_forest.splits.programme import deviation
from sentinel_forest.splits.strata import column_of, dominant, strata_of
from sentinel_forest.verify.units import units

Unmet = tuple[str, str, str]
"""A row of ``infeasible.tsv``: request, found, reason."""


@dataclass(frozen=True)
class Assignment:
    """Part of each unit: `part` int64 (units,); `fits` and `unmet`: rows as in `sentinel_forest.splits.kinds.Draw`."""

    part: np.ndarray
    fits: tuple[tuple[str, float], ...] = ()
    unmet: tuple[Unmet, ...] = ()


def units_of(catalog: pd.DataFrame, options: InGroups, extra: Sequence[pd.Series] = ()) -> np.ndarray:
    """Number of the unit of each patch: what `groups` and `apart` hold together."""
    keys = [column_of(catalog, name, "groups") for name in options.groups]
    keys += [column_of(catalog, name, "apart") for name in options.apart]
    return units([*keys, *extra], len(catalog))


def integer_fractions(fractions: Mapping[str, float]) -> np.ndarray:
    """Fractions of train, validation and test in units of 1 / `SCALE`, adding up to it: int64 (3,)."""
    parts = np.rint([fractions.get(role, 0) * SCALE for role in ROLES[:3]]).astype(np.int64)
    parts[0] += SCALE - parts.sum()
    return parts


def assign_roles(
    catalog: pd.DataFrame, unit: np.ndarray, fractions: np.ndarray, even: Solved | None, seed: int
) -> tuple[Assignment, dict[str, float]]:
    """Give units the roles train, validation and test; the test first gets as many as an interval needs.

    That are `LEAST_TEST_GROUPS`, if no more than half of all; `unmet` says where that changes the sizes, or is not
    possible. Parameters as of `assign`; `fractions` int64 (3,).

    Returns
    -------
    Assignment, dict
        And the fraction of the patches that each role was then to have.
    """
    groups, test = int(unit.max()) + 1, len(fractions) - 1
    least = (fractions > 0).astype(np.int64)
    aimed = fractions
    unmet: tuple[Unmet, ...] = ()
    if fractions[test] and groups >= 2 * LEAST_TEST_GROUPS:
        least[test] = LEAST_TEST_GROUPS
        aimed, unmet = _with_test_groups(fractions, groups)
    found = assign(catalog, unit, aimed, even, seed, least)
    tested = int(np.count_nonzero(found.part == test))
    if fractions[test] and tested < LEAST_TEST_GROUPS:
        reason = f"{groups} groups in all; group k-fold (kind: kfold) tests on each of them"
        unmet = ((f"{LEAST_TEST_GROUPS} groups for test, so that intervals hold", str(tested), reason),)
    asked = dict(zip(ROLES, (aimed / SCALE).tolist(), strict=False))
    return Assignment(found.part, found.fits, (*found.unmet, *unmet)), asked


def _with_test_groups(fractions: np.ndarray, groups: int) -> tuple[np.ndarray, tuple[Unmet, ...]]:
    """Fractions with which the test gets enough groups of the usual size; the other roles share the rest as before.

    With its own fraction it would get the smallest groups, in each trial the same ones.
    """
    test, total = len(fractions) - 1, int(fractions.sum())
    needed = -(-total * LEAST_TEST_GROUPS // groups)
    if fractions[test] >= needed:
        return fractions, ()
    aimed = np.append(fractions[:test] * (total - needed) // (total - fractions[test]), needed)
    aimed[0] += total - aimed.sum()
    reason = f"{LEAST_TEST_GROUPS} of {groups} groups go to the test first, so that intervals hold"
    request = f"{fractions[test] / SCALE:.4g} of the patches for test"
    return aimed, ((request, f"{needed / SCALE:.4g} aimed at", reason),)


def assign(
    catalog: pd.DataFrame,
    unit: np.ndarray,
    fractions: np.ndarray,
    even: Solved | None,
    seed: int,
    least: np.ndarray | None = None,
) -> Assignment:
    """Give units a part each, with or without regard to strata.

    Parameters
    ----------
    catalog : DataFrame
        Its strata are shared out.
    unit : int64 (patches,)
        Number of the unit of each patch.
    fractions : int64 (parts,)
        In units of 1 / `SCALE`; a part with 0 gets nothing.
    even : Solved or None
        How strata are to be shared out evenly, if they are.
    seed : int
        Seed of the draw.
    least : int64 (parts,), optional
        How many units each part has at least (1).

    Raises
    ------
    InputError
        If there are fewer units than parts.
    """
    wanted = np.flatnonzero(fractions)
    sizes = np.bincount(unit)
    if len(sizes) < len(wanted):
        raise InputError(
            "There are fewer groups than parts to be filled.",
            found=f"{len(sizes)} groups",
            expected=f"at least {len(wanted)}",
            remedy="ask for fewer folds or roles (a fraction of 0), or group by a finer key",
        )
    least = (fractions > 0).astype(np.int64) if least is None else least
    if even is None:
        return Assignment(draws.fill(draws.by_group(sizes, fractions, seed), sizes, least))
    strata = strata_of(catalog, even.strata)
    problem = solver.prepare(unit, strata.amounts, fractions[wanted], least[wanted])
    found = _solve(problem, unit, dominant(strata), even, seed)
    return Assignment(wanted[found.part], found.fits, found.unmet)


def _solve(problem: solver.Problem, unit: np.ndarray, label: np.ndarray, options: Solved, seed: int) -> Assignment:
    """Assign groups by the chosen method, and by the others if they are to be compared."""
    added, sizes, fractions, bound = problem.added, problem.sizes, problem.fractions, problem.bound
    method, limit = options.method, options.time_limit
    found: dict[str, np.ndarray] = {}
    unmet: tuple[Unmet, ...] = ()
    if method == "milp":
        fit = solver.solve(problem, seed, limit)
        found["milp"], bound = fit.role, fit.bound
        if not fit.complete:
            unmet = ((f"search within {limit:g} s", "ended early", "another machine may find another split"),)
    if method == "greedy" or options.compare:
        found["greedy"] = draws.fill(baselines.greedy(added, sizes, seed), sizes, problem.least)
    if method == "stratified-group-kfold" or options.compare:
        folded = baselines.group_k_fold(unit, label, fractions, seed)
        if folded is not None:
            found["stratified-group-kfold"] = draws.fill(folded, sizes, problem.least)
    if method not in found:
        raise InputError(
            "There are fewer groups, or patches of a class, than folds.",
            found=f"{len(sizes)} groups",
            where="method",
            remedy="use the method milp, or larger fractions",
        )
    reached = {name: deviation(added, role) for name, role in found.items()}
    # What is reached is a sum in fixed point: where it is the optimum, it can lie a rounding below the bound.
    proven = min(float(np.floor(bound * 1e7) / 1e7), reached[str(method)])
    fits = [("deviation reached", reached[str(method)]), ("lower bound", proven)]
    fits += [(f"method: {name}", value) for name, value in reached.items()] if options.compare else []
    return Assignment(found[str(method)], tuple(fits), unmet)
