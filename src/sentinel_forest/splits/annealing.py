"""A search that also takes steps for the worse, ever smaller ones: it leaves the valleys in which moves alone end.

Threshold accepting (Dueck and Scheuer 1990, Journal of Computational Physics 90(1), 161-175, doi
10.1016/0021-9991(90)90201-B) in integers: a fixed number of steps, no clock and no exponential, so that it ends at the
same assignment on every machine.
"""

import numpy as np

from sentinel_forest.splits.programme import ONE, surplus

CHAINS = 64
"""Assignments that are changed side by side."""
STEPS, STEPS_A_GROUP = 20_000, 400
"""Most changes tried in each, and for each group."""
FIRST = 3 * ONE // 10
"""How much worse, summed over roles and strata, a first step may make an assignment."""


def anneal(added: np.ndarray, role: np.ndarray, least: np.ndarray, seed: int) -> np.ndarray:
    """Search from an assignment by random moves and exchanges; return the best one met.

    Parameters
    ----------
    added : int64 (groups, roles, strata)
        From `sentinel_forest.splits.solver.relative`.
    role : int64 (groups,)
        Where all chains begin.
    least : int64 (roles,)
        The number of groups that each role keeps at least (1).
    seed : int
        Seed of the steps.

    Returns
    -------
    numpy.ndarray
        int64 (groups,): never worse than `role`.
    """
    chains = _Chains(added, role, least)
    random = np.random.PCG64(seed)
    best, reached = role.copy(), int(chains.cost[0])
    steps = min(STEPS, STEPS_A_GROUP * len(role))
    for left in range(steps, 0, -1):
        chains.step(random.random_raw(CHAINS), FIRST * left**3 // steps**3)
        first = int(chains.cost.argmin())
        if chains.cost[first] < reached:
            best, reached = chains.role[first].copy(), int(chains.cost[first])
    return best


class _Chains:
    """Assignments side by side: `role` (chains, groups), `over` (chains, roles, strata), and what they cost."""

    def __init__(self, added: np.ndarray, role: np.ndarray, least: np.ndarray) -> None:
        over = surplus(added, role)
        self.added, self.least, self.every = added, least, np.arange(CHAINS)
        self.role = np.tile(role, (CHAINS, 1))
        self.over = np.tile(over, (CHAINS, 1, 1))
        self.members = np.tile(np.bincount(role, minlength=len(over)), (CHAINS, 1))
        self.cost = np.full(CHAINS, np.abs(over).sum())

    def step(self, raw: np.ndarray, threshold: int) -> None:
        """Try one change in each chain: a group moves to another role, or changes places with another group."""
        every, (groups, roles, _) = self.every, self.added.shape
        rest, one = np.divmod((raw >> np.uint64(1)).astype(np.int64), groups)
        rest, other = np.divmod(rest, groups)
        rest, kind = np.divmod(rest, 2)
        exchanged = kind == 1
        source = self.role[every, one]
        target = np.where(exchanged, self.role[every, other], (source + 1 + rest % max(roles - 1, 1)) % roles)
        returned = exchanged[:, None]
        left = self.over[every, source] - self.added[one, source]
        left += np.where(returned, self.added[other, source], 0)
        filled = self.over[every, target] + self.added[one, target]
        filled -= np.where(returned, self.added[other, target], 0)
        before = np.abs(self.over[every, source]) + np.abs(self.over[every, target])
        change = (np.abs(left) + np.abs(filled) - before).sum(axis=1)
        possible = exchanged | (self.members[every, source] > self.least[source])
        taken = np.flatnonzero((source != target) & possible & (change <= threshold))
        self.over[taken, source[taken]], self.over[taken, target[taken]] = left[taken], filled[taken]
        self.cost[taken] += change[taken]
        self.role[taken, one[taken]] = target[taken]
        back, moved = taken[exchanged[taken]], taken[~exchanged[taken]]
        self.role[back, other[back]] = source[back]
        self.members[moved, source[moved]] -= 1
        self.members[moved, target[moved]] += 1
