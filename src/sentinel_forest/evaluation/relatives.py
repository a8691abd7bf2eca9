"""Two training sets for the same test patches: one with relatives of theirs, one without.

Relatives are patches of the same group. The first set is what a pooled random draw trains on. The second has no
patch of any test group: other patches of other groups stand in place of the relatives, so that both sets have
the same number of rows of each class.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from sentinel_forest.config.schemes import PooledRandom
from sentinel_forest.io import checksums
from sentinel_forest.splits import draws, split

RELATED, DRAWN, OTHER, TEST = range(4)
"""What a patch is in a trial: a relative that the pooled draw trains on; a patch of another group that it trains on;
a patch of another group that it holds out; a test patch."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial of the experiment: `kind` and `group` (number) of each patch, by its id."""

    number: int
    kind: pd.Series
    group: pd.Series

    @property
    def test(self) -> pd.Index:
        """The test patches."""
        return self.kind.index[self.kind == TEST]


def known_groups(catalog: pd.DataFrame) -> pd.DataFrame:
    """Rows of the catalog whose group is known, by patch id: draws do not depend on the order of files."""
    known = catalog["group"].notna() & (catalog["group"] != "")
    return catalog[known].sort_values("patch", kind="stable", ignore_index=True)


def draw_trials(catalog: pd.DataFrame, pooled: PooledRandom, trials: int, seed: int) -> Iterator[Trial]:
    """Part the groups at random; each trial tests in one of the parts.

    Parameters
    ----------
    catalog : DataFrame
        `patch`, `group` (known) and the columns that `pooled` looks at.
    pooled : PooledRandom
        Options of the pooled draw: they say how many relatives a test patch has in training.
    trials : int
        Number of parts; fewer where there are fewer groups.
    seed : int
        What the draws derive from.

    Yields
    ------
    Trial
        Each group is tested in one trial; none is yielded for fewer than two groups.
    """
    group, names = pd.factorize(catalog["group"], sort=True)
    parts = min(trials, len(names))
    if parts < 2:
        return
    fractions = np.diff(np.arange(parts + 1) * draws.SCALE // parts)
    part = draws.by_group(np.bincount(group), fractions, checksums.seed(seed, "parts"))[group]
    patches = pd.Index(catalog["patch"])
    for number in range(1, parts + 1):
        roles = split.make(catalog, pooled, number, partial(checksums.seed, seed, "pooled"), "price").split["role"]
        trains, tested = (roles == "train").to_numpy(), part == number - 1
        kind = np.select([tested & trains, tested, trains], [RELATED, TEST, DRAWN], OTHER)
        yield Trial(number, pd.Series(kind, patches), pd.Series(group, patches))


def training_sets(trial: Trial, patches: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the rows of both training sets, as many of each class in the one as in the other.

    Parameters
    ----------
    trial : Trial
        One of `draw_trials`.
    patches, labels : ndarray, shape (rows,)
        Patch and class of each row of a feature table.
    seed : int
        Seed of the order in which patches are taken.

    Returns
    -------
    with_relatives, without : ndarray of int64
        Rows, rising. Both sets share the patches of other groups as far as they can; where one has too many rows
        of a class, relatives are the last to be left out.
    """
    kind = trial.kind.loc[patches].to_numpy()
    order = pd.Series(draws.shuffled(len(trial.kind), seed), trial.kind.index).loc[patches].to_numpy()
    chosen = [_by_class(kind, order, labels, wanted) for wanted in ((RELATED, DRAWN), (DRAWN, OTHER))]
    counts = [rows.groupby("label").size() for rows in chosen]
    least = pd.concat(counts, axis=1).fillna(0).min(axis=1)
    kept = [rows[rows.groupby("label").cumcount() < rows["label"].map(least)] for rows in chosen]
    first, second = (np.sort(rows.index.to_numpy()) for rows in kept)
    return first, second


def _by_class(kind: np.ndarray, order: np.ndarray, labels: np.ndarray, wanted: tuple[int, int]) -> pd.DataFrame:
    """Rows of two kinds, class by class, those of the first kind before the others."""
    rows = pd.DataFrame({"label": labels, "kind": kind, "order": order})
    rows = rows[rows["kind"].isin(wanted)]
    return rows.sort_values(["label", "kind", "order"], kind="stable")


def dose(trial: Trial, trained: np.ndarray) -> tuple[float, float]:
    """How many relatives of a test patch are trained on.

    Parameters
    ----------
    trial : Trial
        One of `draw_trials`.
    trained : ndarray
        Patches of the first training set, each once or oftener.

    Returns
    -------
    fraction, relatives : float
        Means over the test patches: fraction of the other patches of their group that is trained on (patches that
        are alone in their group left out; NaN if all are), and how many these are.
    """
    sizes = trial.group.value_counts()
    counts = trial.group.loc[np.unique(trained)].value_counts()
    groups = trial.group.loc[trial.test]
    others = groups.map(sizes).to_numpy(np.float64) - 1
    relatives = groups.map(counts).fillna(0).to_numpy(np.float64)
    some = others > 0
    fraction = float(np.mean(relatives[some] / others[some])) if some.any() else np.nan
    return fraction, float(relatives.mean()) if len(relatives) else np.nan
