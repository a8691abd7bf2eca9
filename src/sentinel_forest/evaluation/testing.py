"""Tests over groups: two classifiers trade places in whole groups.

If two classifiers are equally good, it makes no difference which of them did which group. So the tables of a group
are swapped or not, all metrics are computed again from the sums, and the observed difference is held against those
of all swaps. This holds for metrics that are no means of groups (kappa, F1, medians) as well.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from sentinel_forest.config.groups import LEAST_TESTED
from sentinel_forest.evaluation.uncertainty import counted

MOST_EXACT = 16
"""Up to this number of groups all swaps are looked at, above it `SWAPS` that are drawn."""
SWAPS = 4_999
BLOCK = 2048
"""Swaps at a time."""


def few_tested(groups: int) -> str:
    """What is to be said about a test over so few groups, or nothing."""
    return f"{counted(groups)}: no p value below {LEAST_TESTED}" if groups < LEAST_TESTED else ""


@lru_cache(maxsize=4)
def swaps(groups: int, seed: int) -> np.ndarray:
    """Which groups are swapped: all possibilities, or `SWAPS` drawn ones.

    Swapping all other groups gives the same difference with the other sign. So in the exact test the first group
    stays where it is.

    Parameters
    ----------
    groups : int
        Number of groups, at least 1.
    seed : int
        Of the drawn ones; same seed, same swaps.

    Returns
    -------
    ndarray of float64, shape (swaps, groups)
        1 where a group is swapped, else 0; read-only. With all possibilities, the first row swaps none.
    """
    if groups <= MOST_EXACT:
        numbers = np.arange(2 ** (groups - 1))[:, None]
        every = (numbers >> np.arange(groups)[::-1] & 1).astype(np.float64)
    else:
        every = np.random.Generator(np.random.PCG64(seed)).integers(0, 2, (SWAPS, groups)).astype(np.float64)
    every.flags.writeable = False
    return every


def swap_test(observed: float, differ: Callable[[np.ndarray], np.ndarray], groups: int, seed: int) -> float:
    """Two-sided p value of a difference, from swaps of whole groups.

    Parameters
    ----------
    observed : float
        The difference.
    differ : callable
        Swaps (some, groups) to the difference after each; NaN where it is undefined, which counts as large.
    groups : int
        Number of groups in which the two differ: to swap others changes nothing.
    seed : int
        Of drawn swaps.

    Returns
    -------
    float
        Fraction of all swaps with a difference at least as large; of drawn ones (b + 1) / (B + 1), so that it is
        never 0. NaN for an undefined difference; 1 without a group that could be swapped.

    Notes
    -----
    Phipson and Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9(1), 39,
    doi 10.2202/1544-6115.1585 (drawn swaps). Fisher 1935, The Design of Experiments (all of them).
    """
    if np.isnan(observed):
        return np.nan
    if not groups:
        return 1.0
    every = swaps(groups, seed)
    parts = [differ(every[first : first + BLOCK]) for first in range(0, len(every), BLOCK)]
    # What is equal on paper may differ in the last digits.
    large = int((~(np.abs(np.concatenate(parts)) < abs(observed) - 1e-12)).sum())
    return large / len(every) if groups <= MOST_EXACT else (large + 1) / (len(every) + 1)


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p value of McNemar's test; it takes the units as independent.

    Parameters
    ----------
    only_a, only_b : int
        Number of units that only the one, and only the other, gets right.

    Notes
    -----
    McNemar 1947, Psychometrika 12(2), 153-157, doi 10.1007/BF02295996; binomial form.
    """
    from scipy import stats

    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)
