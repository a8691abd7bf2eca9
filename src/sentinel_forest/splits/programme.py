"""Sharing out groups as a mixed-integer programme: its terms, its solution by HiGHS, and bounds of it."""

import time
from functools import lru_cache
from typing import Any

import numpy as np

from sentinel_forest.splits.draws import SCALE

ONE = 1 << 36
"""Fixed-point one of relative amounts; sums over all roles, strata and groups stay below 2**63."""
ENUMERATED = 9
"""Strata in so few groups (for three roles) are bounded by trying all assignments of them."""


def surplus(added: np.ndarray, role: np.ndarray) -> np.ndarray:
    """Found minus target, int64 (roles, strata), in units of 1 / `ONE`."""
    result = np.full(added.shape[1:], -ONE, dtype=np.int64)
    np.add.at(result, role, added[np.arange(len(role)), role])
    return result


def deviation(added: np.ndarray, role: np.ndarray) -> float:
    """Mean over roles and strata of the relative deviation from the target."""
    over = surplus(added, role)
    return int(np.abs(over).sum()) / ONE / max(over.size, 1)


def reassign(
    added: np.ndarray, role: np.ndarray, free: np.ndarray, least: np.ndarray, nodes: int, seconds: float
) -> tuple[np.ndarray, float, bool]:
    """Reassign the free groups by a mixed-integer programme, the others held.

    The same programme, as all rounds and trials have it where every group is free, is solved once.

    Returns
    -------
    role, bound, complete
        The new assignment (the old one if none was found), the proven least mean deviation, and whether neither depends
        on `seconds`.
    """
    roles, strata = added.shape[1:]
    held = surplus(added, role)
    np.add.at(held, role[free], -added[free, role[free]])
    staying = np.bincount(np.delete(role, free), minlength=roles)
    programme = added[free].tobytes(), held.tobytes(), np.maximum(least - staying, 0).tobytes()
    parts, bound, complete = _solved(*programme, (len(free), roles, strata), nodes, seconds)
    found = role.copy()
    if parts is not None:
        found[free] = parts
    return found, bound, complete


@lru_cache(maxsize=64)
def _solved(
    given: bytes, held: bytes, least: bytes, shape: tuple[int, int, int], nodes: int, seconds: float
) -> tuple[np.ndarray | None, float, bool]:
    """The part of each group, or none that was found, the proven least mean deviation, and whether time sufficed.

    Variables: ``x[g, r]`` binary (group g in role r), then ``d[r, c] >= |surplus|``; `held` is the surplus without
    the groups, `least` the number of them that each role has at least.
    """
    from scipy.optimize import Bounds, LinearConstraint

    groups, roles, strata = shape
    held_kept = np.frombuffer(held, np.int64) / ONE
    cells = roles * strata
    spread = np.zeros((groups, roles, roles, strata))
    spread[:, np.arange(roles), np.arange(roles)] = np.frombuffer(given, np.int64).reshape(shape) / ONE
    gives = spread.reshape(groups * roles, cells).T
    once = np.kron(np.eye(groups), np.ones(roles))
    member = np.tile(np.eye(roles), groups)
    none = np.zeros((groups + roles, cells))
    constraints = [
        LinearConstraint(np.hstack([gives, -np.eye(cells)]), -np.inf, -held_kept),
        LinearConstraint(np.hstack([gives, np.eye(cells)]), -held_kept, np.inf),
        LinearConstraint(np.hstack([once, none[:groups]]), 1, 1),
        LinearConstraint(np.hstack([member, none[groups:]]), np.frombuffer(least, np.int64), np.inf),
    ]
    kinds = np.concatenate([np.ones(groups * roles), np.zeros(cells)])
    cost = np.concatenate([np.zeros(groups * roles), np.ones(cells)])
    ends = Bounds(0, np.where(kinds == 1, 1, np.inf))
    found, least_cost, complete = _milp(cost, kinds, ends, constraints, nodes, seconds)
    parts = None if found is None else found[: groups * roles].reshape(groups, roles).argmax(axis=1)
    return parts, least_cost / cells, complete


def _milp(
    cost: np.ndarray, integrality: np.ndarray, bounds: Any, constraints: list[Any], nodes: int, seconds: float
) -> tuple[np.ndarray | None, float, bool]:
    """What HiGHS finds, the least cost that it has proven, and whether it ended by itself or by its limit of nodes."""
    from scipy.optimize import milp

    start = time.monotonic()
    options = {"node_limit": nodes, "time_limit": seconds}
    solved = milp(cost, integrality=integrality, bounds=bounds, constraints=constraints, options=options)
    least = float(getattr(solved, "mip_dual_bound", None) or 0.0)
    return solved.x, least, time.monotonic() - start < seconds


TOLERANCE = 1e-6
"""By how much HiGHS may miss a constraint, or a bound the truth."""


def bound_by_role(added: np.ndarray, least: np.ndarray, nodes: int, seconds: float) -> tuple[float, bool]:
    """A mean deviation that no assignment can be better than: that of the best set of groups for each role by itself.

    Which groups the other roles take is left out, so that each role is a small mixed-integer programme, and their least
    deviations add up to a bound of all.

    Parameters
    ----------
    added : int64 (groups, roles, strata)
        From `relative`.
    least : int64 (roles,)
        The number of groups that each role has at least.
    nodes : int
        Limit of branch-and-bound nodes for each role; what is proven by then counts.
    seconds : float
        Limit of time for each role: a safety net.

    Returns
    -------
    (float, bool)
        The bound, and whether time sufficed: if not, a slower machine proves less.
    """
    from scipy.optimize import Bounds, LinearConstraint

    groups, roles, strata = added.shape
    is_group, missed = np.repeat([1.0, 0.0], [groups, strata]), np.eye(strata)
    ends = Bounds(0, np.where(is_group == 1, 1, np.inf))
    proven, complete = 0.0, True
    for role in range(roles):
        gives = added[:, role].T / ONE
        constraints = [
            LinearConstraint(np.hstack([gives, -missed]), -np.inf, 1),
            LinearConstraint(np.hstack([gives, missed]), 1, np.inf),
            LinearConstraint(is_group[None], least[role], np.inf),
        ]
        _, cost, in_time = _milp(1 - is_group, is_group, ends, constraints, nodes, seconds)
        proven, complete = proven + max(cost - TOLERANCE, 0.0), complete and in_time
    return float(proven / max(roles * strata, 1)), complete


def lower_bound(added: np.ndarray, amounts: np.ndarray, fractions: np.ndarray) -> float:
    """A mean deviation that no assignment can be better than.

    Strata that live in few groups are taken together, as long as every assignment of these groups can be
    tried; any other stratum is bounded by its amounts being whole multiples of their common divisor (a
    patch). A linear relaxation would not do: it cuts groups and always gives zero.

    Parameters
    ----------
    added : int64 (groups, roles, strata)
        From `relative`.
    amounts : int64 (groups, strata)
        What `added` was made of.
    fractions : int64 (roles,)
        In units of 1 / `SCALE`, all positive.
    """
    _, roles, strata = added.shape
    columns = amounts[:, amounts.sum(axis=0) > 0].T
    blocks = _blocks(columns > 0, int(roles))
    total = sum(_least(added[living][:, :, members]) / ONE for living, members in blocks)
    joined = {stratum for _, members in blocks for stratum in members}
    total += sum(_rounding(column, fractions) for stratum, column in enumerate(columns) if stratum not in joined)
    return float(total) / max(int(roles) * int(strata), 1)


def _blocks(living: np.ndarray, roles: int) -> list[tuple[np.ndarray, list[int]]]:
    """Strata that live together in few enough groups: of each block its groups, and its strata.

    Each stratum, the one in the fewest groups first, joins the block to which it adds the fewest groups.
    """
    blocks: list[tuple[np.ndarray, list[int]]] = []
    for stratum in np.argsort(living.sum(axis=1), kind="stable"):
        unions = [held | living[stratum] for held, _ in blocks]
        added = [int(union.sum() - held.sum()) for union, (held, _) in zip(unions, blocks, strict=True)]
        fitting = [at for at, union in enumerate(unions) if _few(union, roles)]
        if fitting:
            at = min(fitting, key=added.__getitem__)
            blocks[at] = unions[at], [*blocks[at][1], int(stratum)]
        elif _few(living[stratum], roles):
            blocks.append((living[stratum], [int(stratum)]))
    return [(np.flatnonzero(held), members) for held, members in blocks]


def _few(groups: np.ndarray, roles: int) -> bool:
    """Whether every assignment of the marked groups can be tried."""
    return bool(roles ** int(groups.sum()) <= 3**ENUMERATED)


def _rounding(column: np.ndarray, fractions: np.ndarray) -> float:
    """The least sum over roles of the relative deviation if amounts are multiples of their divisor."""
    pieces = int(column.sum()) // int(np.gcd.reduce(column))
    target = fractions * (pieces / SCALE)
    return float((np.abs(np.rint(target) - target) / target).sum())


def _least(living: np.ndarray) -> int:
    """The least sum over roles and strata of ``|surplus|`` over all assignments of a few groups.

    `living` is int64 (groups, roles, strata).
    """
    groups, roles, _ = living.shape
    choices = np.indices((roles,) * groups).reshape(groups, -1)
    least = np.zeros(choices.shape[1], dtype=np.int64)
    for stratum in range(living.shape[2]):
        over = np.full((choices.shape[1], roles), -ONE, dtype=np.int64)
        for group, choice in enumerate(choices):
            over[np.arange(len(choice)), choice] += living[group, choice, stratum]
        least += np.abs(over).sum(axis=1)
    return int(least.min())
