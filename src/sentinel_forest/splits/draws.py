"""Random draws of patches and of groups that are the same on every machine."""

import numpy as np

SCALE = 1_000_000
"""Fixed-point scale of fractions and of amounts: integers add up to the same total in any order."""


def shuffled(count: int, seed: int) -> np.ndarray:
    """The numbers 0..count-1 in random order, int64 (count,).

    Sorts raw numbers of PCG64: numpy promises that stream for good, but not what its distributions
    make of it (NEP 19).
    """
    return np.argsort(np.random.PCG64(seed).random_raw(count), kind="stable")


def sums(unit: np.ndarray, amounts: np.ndarray, count: int) -> np.ndarray:
    """Add up integer amounts (columns, patches) by unit: int64 (count, columns), exact below 2**53."""
    added = [np.bincount(unit, weights=column, minlength=count) for column in amounts]
    return np.array(added).reshape(len(amounts), count).T.astype(np.int64)


def by_patch(fractions: np.ndarray, stratum: np.ndarray, seed: int) -> np.ndarray:
    """Give every patch a role at random, each stratum in the same proportions.

    Patches are ordered by stratum, at random within. Each role takes from what the roles before it have
    left; its quota up to position n is ``round(n * fraction)`` of that, so each stratum and the whole are within
    two patches of their fraction.

    Parameters
    ----------
    fractions : int64 (roles,)
        In units of 1 / `SCALE`; they add up to `SCALE`.
    stratum : int (patches,)
        Zeros for a plain draw.
    seed : int
        Seed of the draw.

    Returns
    -------
    numpy.ndarray
        int64 (patches,): index of the role.
    """
    random = shuffled(len(stratum), seed)
    left = random[np.argsort(stratum[random], kind="stable")]
    role = np.zeros(len(stratum), dtype=np.int64)
    # Role by role, of what the roles before have left: quotas so rounded are never negative.
    for number, fraction in enumerate(fractions):
        rest = max(int(fractions[number:].sum()), 1)
        _, starts, sizes = np.unique(stratum[left], return_index=True, return_counts=True)
        ends = ((starts + sizes) * fraction + rest // 2) // rest
        quotas = np.diff(ends, prepend=0)
        taken = np.arange(len(left)) - np.repeat(starts, sizes) < np.repeat(quotas, sizes)
        role[left[taken]] = number
        left = left[~taken]
    return fill(role, np.ones_like(role), (fractions > 0).astype(np.int64))


def by_group(sizes: np.ndarray, fractions: np.ndarray, seed: int) -> np.ndarray:
    """Give every group a role at random: along a random row of groups, each role gets its length.

    Parameters
    ----------
    sizes : int64 (groups,)
        Patches of each group.
    fractions, seed
        As in `by_patch`.

    Returns
    -------
    numpy.ndarray
        int64 (groups,): index of the role.
    """
    order = shuffled(len(sizes), seed)
    ends = np.cumsum(sizes[order])
    middles = (2 * ends - sizes[order]) * SCALE
    role = np.empty(len(sizes), dtype=np.int64)
    role[order] = np.searchsorted(2 * np.cumsum(fractions)[:-1] * sizes.sum(), middles, side="right")
    return fill(role, sizes, (fractions > 0).astype(np.int64))


def fill(role: np.ndarray, sizes: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Give each role that has too few groups the smallest groups of the role that has most to spare.

    Parameters
    ----------
    role, sizes : int64 (groups,)
        Role and number of patches of each group.
    least : int64 (roles,)
        How many groups each role is to have; fewer where there are not as many.
    """
    role = role.copy()
    for wanted in np.flatnonzero(least):
        while (counts := np.bincount(role, minlength=len(least)))[wanted] < least[wanted]:
            spare = counts - least
            if spare.max() < 1:
                break
            members = np.flatnonzero(role == spare.argmax())
            role[members[sizes[members].argmin()]] = wanted
    return role
