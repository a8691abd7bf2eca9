"""Groups to roles so that each class (or fraction of pixels) is shared out as wanted.

The problem: groups g with amounts ``a[g, c]`` of stratum c; roles r with shares ``s[r]``; choose one
role per group so that the mean of ``|found[r, c] - s[r] total[c]| / (s[r] total[c])`` is least. It is
a mixed-integer programme of the bin-packing kind.

How it is solved, the same on every machine: a random draw of groups, seeded, is improved by moves,
exchanges and random kicks in integer arithmetic; then a mixed-integer programme
(`scipy.optimize.milp`, HiGHS) over a seeded part of the groups, the others held, is solved again and
again, limited by nodes and not by time. Its result is taken only if it is better in integers. So each
trial ends at a good assignment near its own start; the bound tells how far any of them can be from
the best.
"""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from sentinel_forest.splits.draws import SCALE, by_group, shuffled, sums

ONE = 1 << 36
"""Fixed-point one of relative amounts; sums over all roles, strata and groups stay below 2**63."""
PAIRS = 1 << 15
"""Exchanges looked at between two roles before the best is made."""
KICKS = 200
"""Most random kicks of the search; and of `KICKED` groups each."""
KICKED = 4
KICKED_GROUPS = 40_000
"""Groups times kicks: the more groups, the dearer a kick and the less it is needed."""
FREE = 24
"""Groups that one mixed-integer programme may move."""
ROUNDS = 8
"""Mixed-integer programmes one after the other."""
NODES = 200
"""Limit of branch-and-bound nodes of each."""
WHOLE, WHOLE_NODES = 64, 50
"""Up to so many groups, the whole programme is opened for so many nodes to prove a bound."""
ENOUGH = 1e-4
"""Mean relative deviation at which the search stops."""
ENUMERATED = 9
"""A stratum in so few groups (for three roles) is bounded by trying all assignments of them."""


@dataclass(frozen=True)
class Fit:
    """An assignment and how good it is.

    `role` int64 (groups,); `deviation` and `bound` are means over roles and strata of the relative
    deviation (1); `complete` is False if the time limit ended the search.
    """

    role: np.ndarray
    deviation: float
    bound: float
    complete: bool


@dataclass(frozen=True)
class Problem:
    """What is to be solved; see `prepare`.

    `added` int64 (groups, roles, strata), from `relative`; `sizes` int64 (groups,), patches of each group, for the
    random start; `shares` int64 (roles,), in units of 1 / `SCALE`; `bound` from `lower_bound`.
    """

    added: np.ndarray
    sizes: np.ndarray
    shares: np.ndarray
    bound: float


def relative(amounts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """What each group adds to each role's target, int64 (groups, roles, strata), in units of 1 / `ONE`.

    Parameters
    ----------
    amounts : int64 (groups, strata)
        Strata without any amount are left out.
    shares : int64 (roles,)
        In units of 1 / `SCALE`, all positive.
    """
    totals = amounts.sum(axis=0)
    kept = amounts[:, totals > 0].astype(np.float64)
    target = (shares / SCALE)[:, None] * totals[totals > 0]
    return np.rint(kept[:, None, :] * (ONE / target)).astype(np.int64)


def prepare(unit: np.ndarray, strata: np.ndarray, shares: np.ndarray) -> Problem:
    """Put the problem of sharing out groups evenly.

    Parameters
    ----------
    unit : int64 (patches,)
        Number of the group of each patch.
    strata : int64 (strata, patches)
        In units of 1 / `SCALE`; the number of patches is added as one more.
    shares : int64 (roles,)
        In units of 1 / `SCALE`, all positive.
    """
    sizes = np.bincount(unit)
    amounts = np.column_stack([sums(unit, strata, len(sizes)), sizes * SCALE])
    added = relative(amounts, shares)
    return Problem(added, sizes, shares, lower_bound(added, amounts, shares))


def surplus(added: np.ndarray, role: np.ndarray) -> np.ndarray:
    """Found minus target, int64 (roles, strata), in units of 1 / `ONE`."""
    result = np.full(added.shape[1:], -ONE, dtype=np.int64)
    np.add.at(result, role, added[np.arange(len(role)), role])
    return result


def deviation(added: np.ndarray, role: np.ndarray) -> float:
    """Mean over roles and strata of the relative deviation from the target."""
    over = surplus(added, role)
    return int(np.abs(over).sum()) / ONE / max(over.size, 1)


def solve(problem: Problem, seed: int, time_limit: float) -> Fit:
    """Find a good assignment.

    Parameters
    ----------
    problem : Problem
        From `prepare`.
    seed : int
        Seed of the start and of the order of the search.
    time_limit : float
        Seconds after which the search ends early: a safety net that a result must not depend on.

    Returns
    -------
    Fit
        Every role has a group if there are as many groups as roles.
    """
    added, bound = problem.added, problem.bound
    deadline = time.monotonic() + time_limit
    role = _kicked(added, exchange(added, by_group(problem.sizes, problem.shares, seed), seed), seed)
    everything = np.arange(len(role))
    if len(role) <= WHOLE:
        bound = max(bound, _programme(added, role, everything, WHOLE_NODES, time_limit)[1])
    for turn in range(1, ROUNDS + 1):
        reached = deviation(added, role)
        if reached <= max(bound + 1e-9, ENOUGH):
            break
        left = deadline - time.monotonic()
        if left <= 0:
            return Fit(role, reached, bound, complete=False)
        free = np.sort(shuffled(len(role), seed + turn)[:FREE])
        found, _ = _programme(added, role, free, NODES, left)
        if deviation(added, found) < reached:
            role = exchange(added, found, seed + turn)
    return Fit(role, deviation(added, role), bound, complete=time.monotonic() < deadline)


def _kicked(added: np.ndarray, role: np.ndarray, seed: int) -> np.ndarray:
    """Give a few random groups random roles, improve, and keep what is no worse; again and again."""
    groups, roles, _ = added.shape
    stream = np.random.PCG64(seed)
    reached = deviation(added, role)
    for kick in range(min(KICKS, KICKED_GROUPS // groups)):
        drawn = (stream.random_raw(2 * KICKED) >> np.uint64(1)).astype(np.int64)
        tried = role.copy()
        tried[drawn[:KICKED] % groups] = drawn[KICKED:] % roles
        if len(np.unique(tried)) < roles:
            continue
        tried = exchange(added, tried, seed + kick)
        if deviation(added, tried) <= reached:
            role, reached = tried, deviation(added, tried)
    return role


def exchange(added: np.ndarray, role: np.ndarray, seed: int) -> np.ndarray:
    """Move single groups and exchange pairs, the best first, until nothing gets better."""
    role = role.copy()
    over = surplus(added, role)
    random = np.random.Generator(np.random.PCG64(seed))
    while True:
        gain, changes = _best_move(added, role, over)
        if gain >= 0:
            gain, changes = _best_exchange(added, role, over, random)
        if gain >= 0:
            return role
        for group, target in changes:
            over[role[group]] -= added[group, role[group]]
            over[target] += added[group, target]
            role[group] = target


def _best_move(added: np.ndarray, role: np.ndarray, over: np.ndarray) -> tuple[int, list[tuple[int, int]]]:
    """The move of one group that lowers the deviation most: change and (group, new role)."""
    groups = np.arange(len(role))
    now = np.abs(over).sum(axis=1)
    leave = np.abs(over[role] - added[groups, role]).sum(axis=1) - now[role]
    leave[np.bincount(role, minlength=len(over))[role] == 1] = np.iinfo(np.int64).max // 2  # never empty a role
    change = leave[:, None] + np.abs(over + added).sum(axis=2) - now
    change[groups, role] = 0
    best = int(change.argmin())
    group, target = divmod(best, len(over))
    return int(change.flat[best]), [(group, target)]


def _best_exchange(
    added: np.ndarray, role: np.ndarray, over: np.ndarray, random: np.random.Generator
) -> tuple[int, list[tuple[int, int]]]:
    """The best exchange of two groups between two roles, among at most `PAIRS` of each pair of roles."""
    best: tuple[int, list[tuple[int, int]]] = (0, [])
    members = [np.flatnonzero(role == target) for target in range(len(over))]
    for one in range(len(over)):
        for other in range(one + 1, len(over)):
            mine, yours = _pairs(members[one], members[other], random)
            if len(mine) == 0:
                continue
            change = np.abs(over[one] - added[mine, one] + added[yours, one]).sum(axis=1)
            change += np.abs(over[other] - added[yours, other] + added[mine, other]).sum(axis=1)
            change -= np.abs(over[[one, other]]).sum()
            at = int(change.argmin())
            if change[at] < best[0]:
                best = int(change[at]), [(int(mine[at]), other), (int(yours[at]), one)]
    return best


def _pairs(mine: np.ndarray, yours: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of two sets of groups, or `PAIRS` random ones if there are more."""
    number = len(mine) * len(yours)
    if number <= PAIRS:
        return np.repeat(mine, len(yours)), np.tile(yours, len(mine))
    drawn = (random.bit_generator.random_raw(PAIRS) >> np.uint64(1)).astype(np.int64) % number
    return mine[drawn // len(yours)], yours[drawn % len(yours)]


def _programme(
    added: np.ndarray, role: np.ndarray, free: np.ndarray, nodes: int, seconds: float
) -> tuple[np.ndarray, float]:
    """Reassign the free groups by a mixed-integer programme, the others held.

    Variables: ``x[g, r]`` binary (group g in role r), then ``d[r, c] >= |surplus|``.

    Returns
    -------
    role, bound
        The new assignment (the old one if none was found) and the proven least mean deviation.
    """
    groups, (roles, strata) = len(free), added.shape[1:]
    held = surplus(added, role)
    np.add.at(held, role[free], -added[free, role[free]])
    held_kept = held.ravel() / ONE
    cells = roles * strata
    spread = np.zeros((groups, roles, roles, strata))
    spread[:, np.arange(roles), np.arange(roles)] = added[free] / ONE
    gives = spread.reshape(groups * roles, cells).T
    once = np.kron(np.eye(groups), np.ones(roles))
    staying = np.bincount(np.delete(role, free), minlength=roles)
    member = np.tile(np.eye(roles), groups)
    none = np.zeros((groups + roles, cells))
    constraints = [
        LinearConstraint(np.hstack([gives, -np.eye(cells)]), -np.inf, -held_kept),
        LinearConstraint(np.hstack([gives, np.eye(cells)]), -held_kept, np.inf),
        LinearConstraint(np.hstack([once, none[:groups]]), 1, 1),
        LinearConstraint(np.hstack([member, none[groups:]]), np.minimum(1, staying == 0).astype(float), np.inf),
    ]
    kinds = np.concatenate([np.ones(groups * roles), np.zeros(cells)])
    solved = milp(
        np.concatenate([np.zeros(groups * roles), np.ones(cells)]),
        integrality=kinds,
        bounds=Bounds(0, np.where(kinds == 1, 1, np.inf)),
        constraints=constraints,
        options={"node_limit": nodes, "time_limit": seconds},
    )
    bound = getattr(solved, "mip_dual_bound", None) or 0.0
    if solved.x is None:
        return role, bound / cells
    found = role.copy()
    found[free] = solved.x[: groups * roles].reshape(groups, roles).argmax(axis=1)
    return found, bound / cells


def lower_bound(added: np.ndarray, amounts: np.ndarray, shares: np.ndarray) -> float:
    """A mean deviation that no assignment can be better than: each stratum taken by itself.

    A stratum that lives in few groups is bounded by trying every assignment of those groups, any other
    by the amounts being whole multiples of their common divisor (a patch). A linear relaxation would
    not do: it cuts groups and always gives zero.

    Parameters
    ----------
    added : int64 (groups, roles, strata)
        From `relative`.
    amounts : int64 (groups, strata)
        What `added` was made of.
    shares : int64 (roles,)
        In units of 1 / `SCALE`, all positive.
    """
    _, roles, strata = added.shape
    total = 0.0
    for stratum, column in enumerate(amounts[:, amounts.sum(axis=0) > 0].T):
        living = np.flatnonzero(column)
        few = roles ** len(living) <= 3**ENUMERATED
        total += _least(added[living, :, stratum]) / ONE if few else _rounding(column, shares)
    return total / max(roles * strata, 1)


def _rounding(column: np.ndarray, shares: np.ndarray) -> float:
    """The least sum over roles of the relative deviation if amounts are multiples of their divisor."""
    pieces = int(column.sum()) // int(np.gcd.reduce(column))
    target = shares * (pieces / SCALE)
    return float((np.abs(np.rint(target) - target) / target).sum())


def _least(living: np.ndarray) -> int:
    """The least sum over roles of ``|surplus|`` over all assignments of a few groups (groups, roles)."""
    groups, roles = living.shape
    choices = np.indices((roles,) * groups).reshape(groups, -1)
    over = np.full((choices.shape[1], roles), -ONE, dtype=np.int64)
    for group, choice in enumerate(choices):
        over[np.arange(len(choice)), choice] += living[group, choice]
    return int(np.abs(over).sum(axis=1).min())


def greedy(added: np.ndarray, sizes: np.ndarray, seed: int) -> np.ndarray:
    """Place groups one after the other, the largest first, each where the deviation is then least."""
    order = shuffled(len(sizes), seed)
    order = order[np.argsort(-sizes[order], kind="stable")]
    role = np.zeros(len(sizes), dtype=np.int64)
    over = np.full(added.shape[1:], -ONE, dtype=np.int64)
    now = np.abs(over).sum(axis=1)
    for group in order:
        then = np.abs(over + added[group]).sum(axis=1)
        target = int((then - now).argmin())
        role[group], now[target] = target, then[target]
        over[target] += added[group, target]
    return role


def group_k_fold(unit: np.ndarray, label: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray | None:
    """Roles from `sklearn.model_selection.StratifiedGroupKFold`, as one would use it for unequal shares.

    From the last role to the second: cut what is left into ``round(left / share)`` folds and take the
    first as the role.

    Parameters
    ----------
    unit, label : int (patches,)
        Group and class of each patch.
    shares : int64 (roles,)
        In units of 1 / `SCALE`.

    Returns
    -------
    numpy.ndarray or None
        int64 (groups,); None if there are fewer groups, or fewer patches of every class, than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # half a second, and seldom needed

    role = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    rest = np.arange(len(unit))
    for target in range(len(shares) - 1, 0, -1):
        folds = max(2, int(np.rint(shares[: target + 1].sum() / shares[target])))
        most_of_a_class = int(np.unique(label[rest], return_counts=True)[1].max())
        if min(len(np.unique(unit[rest])), most_of_a_class) < folds:
            return None
        cutter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed % 2**32)
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # classes rarer than folds
            kept, taken = next(iter(cutter.split(np.empty(len(rest)), label[rest], unit[rest])))
        role[unit[rest[taken]]] = target
        rest = rest[kept]
    return role
