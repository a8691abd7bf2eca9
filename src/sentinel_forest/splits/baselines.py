"""Simpler ways to assign groups, which the solver is held against."""

import warnings

import numpy as np

from sentinel_forest.splits.draws import shuffled
from sentinel_forest.splits.programme import ONE


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


def group_k_fold(unit: np.ndarray, label: np.ndarray, fractions: np.ndarray, seed: int) -> np.ndarray | None:
    """Roles from `sklearn.model_selection.StratifiedGroupKFold`, as one would use it for unequal fractions.

    From the last role to the second: cut what is left into ``round(left / fraction)`` folds and take the
    first as the role.

    Parameters
    ----------
    unit, label : int (patches,)
        Group and class of each patch.
    fractions : int64 (roles,)
        In units of 1 / `SCALE`.

    Returns
    -------
    numpy.ndarray or None
        int64 (groups,); None if there are fewer groups, or fewer patches of every class, than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # half a second, and seldom needed

    role = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    rest = np.arange(len(unit))
    for target in range(len(fractions) - 1, 0, -1):
        folds = max(2, int(np.rint(fractions[: target + 1].sum() / fractions[target])))
        most_of_a_class = int(np.unique(label[rest], return_counts=True)[1].max())
        if min(len(np.unique(unit[rest])), most_of_a_class) < folds:
            return None
        cutter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed % 2**32)
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # classes rarer than folds
            kept, taken = next(iter(cutter.split(np.empty(len(rest)), label[rest], unit[rest])))
        role[unit[rest[taken]]] = target
        rest = rest[kept]
    return role
