"""Groups to roles so that each class (or fraction of pixels) is shared out as wanted.

The problem: groups g with amounts ``a[g, c]`` of stratum c; roles r with fractions ``s[r]``; choose one
role per group so that the mean of ``|found[r, c] - s[r] total[c]| / (s[r] total[c])`` is least. It is
a mixed-integer programme of the bin-packing kind.

How it is solved, the same on every machine: a random draw of groups, seeded, is improved by moves,
exchanges and random kicks in integer arithmetic. If that is far from the bound, threshold accepting
(`sentinel_forest.splits.annealing`) goes on from there; where it gains little, a mixed-integer programme
(`scipy.optimize.milp`, HiGHS) over a seeded part of the groups, the others held, is solved again and
again, limited by nodes and not by time. A result is taken only if it is better in integers. So each
trial ends at a good assignment near its own start; the bound tells how far any of them can be from
the best.
"""

import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sentinel_forest.splits.annealing import anneal
from sentinel_forest.splits.draws import SCALE, by_group, fill, shuffled, sums
from sentinel_forest.splits.programme import ONE, bound_by_role, deviation, lower_bound, reassign, surplus

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
FAR = 0.01
"""Mean relative deviation that is not worth more effort, whatever the bound."""
PROOF_NODES = 20_000
"""Limit of branch-and-bound nodes of the proof for one role, up to `WHOLE` groups."""
AGAIN = 4
"""How many more times annealing goes on while the proven bound is far."""
ENOUGH = 1e-4
"""Mean relative deviation at which the search stops."""
NEAR = 1.5
"""Times the bound from which on annealing is worth its time."""
GAIN = 0.95
"""What annealing must at least lower the deviation to. For less, a trial stays near its own start."""


@dataclass(frozen=True)
class Fit:
    """An assignment and how good it is.

    `role` int64 (groups,); `deviation` and `bound` are means over roles and strata of the relative
    deviation (1); `complete` is False if the time limit ended the search, or a proof, on which it depends how long the
    search goes on.
    """

    role: np.ndarray
    deviation: float
    bound: float
    complete: bool


@dataclass(frozen=True)
class Problem:
    """What is to be solved; see `prepare`.

    `added` int64 (groups, roles, strata), from `relative`; `sizes` int64 (groups,), patches of each group, for the
    random start; `fractions` int64 (roles,), in units of 1 / `SCALE`; `bound` from `lower_bound`; `least` int64
    (roles,), the number of groups that each role has at least.
    """

    added: np.ndarray
    sizes: np.ndarray
    fractions: np.ndarray
    bound: float
    least: np.ndarray

    def proven(self, seconds: float) -> tuple[float, bool]:
        """What `bound_by_role` gives, computed once for all trials of a scheme: it does not depend on the seed."""
        return _proven(self.added.tobytes(), self.added.shape, self.least.tobytes(), seconds)


@lru_cache(maxsize=8)
def _proven(added: bytes, shape: tuple[int, ...], least: bytes, seconds: float) -> tuple[float, bool]:
    return bound_by_role(
        np.frombuffer(added, np.int64).reshape(shape), np.frombuffer(least, np.int64), PROOF_NODES, seconds
    )


def relative(amounts: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """What each group adds to each role's target, int64 (groups, roles, strata), in units of 1 / `ONE`.

    Parameters
    ----------
    amounts : int64 (groups, strata)
        Strata without any amount are left out.
    fractions : int64 (roles,)
        In units of 1 / `SCALE`, all positive.
    """
    totals = amounts.sum(axis=0)
    kept = amounts[:, totals > 0].astype(np.float64)
    target = (fractions / SCALE)[:, None] * totals[totals > 0]
    return np.asarray(np.rint(kept[:, None, :] * (ONE / target)), dtype=np.int64)


def prepare(unit: np.ndarray, strata: np.ndarray, fractions: np.ndarray, least: np.ndarray | None = None) -> Problem:
    """Put the problem of sharing out groups evenly.

    Parameters
    ----------
    unit : int64 (patches,)
        Number of the group of each patch.
    strata : int64 (strata, patches)
        In units of 1 / `SCALE`; the number of patches is added as one more.
    fractions : int64 (roles,)
        In units of 1 / `SCALE`, all positive.
    least : int64 (roles,), optional
        The number of groups that each role has at least (1); no more than there are.
    """
    sizes = np.bincount(unit)
    amounts = np.column_stack([sums(unit, strata, len(sizes)), sizes * SCALE])
    added = relative(amounts, fractions)
    least = np.ones(len(fractions), dtype=np.int64) if least is None else least
    return Problem(added, sizes, fractions, lower_bound(added, amounts, fractions), least)


def solve(problem: Problem, seed: int, time_limit: float) -> Fit:
    """Find a good assignment.

    Parameters
    ----------
    problem : Problem
        From `prepare`.
    seed : int
        Seed of the start and of the order of the search.
    time_limit : float
        Seconds after which the search ends early: a safety net that a result must not depend on. Each programme has
        as many, so that the same one is solved once.

    Returns
    -------
    Fit
        Every role has its least number of groups if there are enough.
    """
    added, least = problem.added, problem.least
    deadline = time.monotonic() + time_limit
    start = fill(by_group(problem.sizes, problem.fractions, seed), problem.sizes, least)
    role, bound, complete = _searched(problem, start, seed, time_limit, deadline)
    if len(role) <= WHOLE and deviation(added, role) > max(NEAR * bound, FAR):
        proven, in_time = problem.proven(time_limit)
        bound = max(bound, proven)
        deadline = max(deadline, time.monotonic() + time_limit) if complete else deadline  # proofs are not the search
        complete &= in_time
        for turn in range(seed + 1, seed + 1 + AGAIN):
            if deviation(added, role) > NEAR * bound and time.monotonic() < deadline:
                role = exchange(added, anneal(added, role, least, turn), least, turn)
    return Fit(role, deviation(added, role), bound, complete and time.monotonic() < deadline)


def _searched(
    problem: Problem, start: np.ndarray, seed: int, seconds: float, deadline: float
) -> tuple[np.ndarray, float, bool]:
    """The assignment that the search reaches from a start, the bound it has proven, and whether time sufficed."""
    added, bound, least = problem.added, problem.bound, problem.least
    role = _kicked(added, exchange(added, start, least, seed), least, seed)
    everything, in_time = np.arange(len(role)), True
    if len(role) <= WHOLE:
        _, proven, in_time = reassign(added, role, everything, least, WHOLE_NODES, seconds)
        bound = max(bound, proven)
    annealed = role
    if deviation(added, role) > max(NEAR * bound, ENOUGH) and time.monotonic() < deadline:
        annealed = exchange(added, anneal(added, role, least, seed), least, seed)
    if deviation(added, annealed) < GAIN * deviation(added, role):
        return annealed, bound, in_time
    role, complete = _programmes(problem, role, bound, seed, seconds, deadline)
    return role, bound, complete and in_time


def _programmes(
    problem: Problem, role: np.ndarray, bound: float, seed: int, seconds: float, deadline: float
) -> tuple[np.ndarray, bool]:
    """Reassign parts of the groups by mixed-integer programmes, one after the other; and whether time sufficed."""
    added, least = problem.added, problem.least
    for turn in range(1, ROUNDS + 1):
        reached = deviation(added, role)
        if reached <= max(bound + 1e-9, ENOUGH):
            break
        if time.monotonic() >= deadline:
            return role, False
        free = np.sort(shuffled(len(role), seed + turn)[:FREE])
        found, _, in_time = reassign(added, role, free, least, NODES, seconds)
        if deviation(added, found) < reached:
            role = exchange(added, found, least, seed + turn)
        if not in_time:
            return role, False
    return role, time.monotonic() < deadline


def _kicked(added: np.ndarray, role: np.ndarray, least: np.ndarray, seed: int) -> np.ndarray:
    """Give a few random groups random roles, improve, and keep what is no worse; again and again."""
    groups, roles, _ = added.shape
    stream = np.random.PCG64(seed)
    reached = deviation(added, role)
    for kick in range(min(KICKS, KICKED_GROUPS // groups)):
        drawn = (stream.random_raw(2 * KICKED) >> np.uint64(1)).astype(np.int64)
        tried = role.copy()
        tried[drawn[:KICKED] % groups] = drawn[KICKED:] % roles
        if (np.bincount(tried, minlength=roles) < least).any():
            continue
        tried = exchange(added, tried, least, seed + kick)
        if deviation(added, tried) <= reached:
            role, reached = tried, deviation(added, tried)
    return role


def exchange(added: np.ndarray, role: np.ndarray, least: np.ndarray, seed: int) -> np.ndarray:
    """Move single groups and exchange pairs, the best first, until nothing gets better."""
    role = role.copy()
    over = surplus(added, role)
    random = np.random.Generator(np.random.PCG64(seed))
    while True:
        gain, changes = _best_move(added, role, over, least)
        if gain >= 0:
            gain, changes = _best_exchange(added, role, over, random)
        if gain >= 0:
            return role
        for group, target in changes:
            over[role[group]] -= added[group, role[group]]
            over[target] += added[group, target]
            role[group] = target


def _best_move(
    added: np.ndarray, role: np.ndarray, over: np.ndarray, least: np.ndarray
) -> tuple[int, list[tuple[int, int]]]:
    """The move of one group that lowers the deviation most: change and (group, new role)."""
    groups = np.arange(len(role))
    now = np.abs(over).sum(axis=1)
    leave = np.abs(over[role] - added[groups, role]).sum(axis=1) - now[role]
    scarce = np.bincount(role, minlength=len(over)) <= least
    leave[scarce[role]] = np.iinfo(np.int64).max // 2
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
