"""Labelled rows of the feature tables by role, and what a forest gives each class there.

A row of a patch task is a patch; rows of pixel tasks are a sample of the pixels, drawn by class and patch, and count
by the number of pixels that they stand for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from sentinel_forest.io.tables import read_parquet
from sentinel_forest.models import forest

Floats = npt.NDArray[np.float64]

BLOCK_ROWS = 16_384
"""Rows that go through the trees together."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Labelled rows of the patches of a role.

    Attributes
    ----------
    X : ndarray
        float32 (rows, features).
    truth : ndarray
        int64 (rows,): index into the task's classes.
    weight : ndarray
        float64 (rows,): pixels (or patches) that a row stands for.
    place : ndarray
        int64 (rows,): index into `patches`.
    patches : DataFrame
        patch, group (missing where unknown), weight (of the design), sorted by patch.
    """

    X: np.ndarray
    truth: npt.NDArray[np.int64]
    weight: Floats
    place: npt.NDArray[np.int64]
    patches: pd.DataFrame

    @property
    def group(self) -> npt.NDArray[np.str_]:
        """Group of each row; blank where it is unknown."""
        names: npt.NDArray[np.str_] = self.patches["group"].fillna("").to_numpy(dtype=np.str_)[self.place]
        return names

    def by_patch(self, values: npt.ArrayLike, chosen: npt.NDArray[np.bool_] | None = None) -> Floats:
        """Mean of values (rows,) over the rows of each patch by weight, of chosen rows alone; NaN where there is none.

        Examples
        --------
        >>> table = pd.DataFrame({"patch": ["a", "b"]})
        >>> rows = Rows(np.zeros((3, 1)), np.array([0, 0, 1]), np.array([1.0, 3.0, 1.0]), np.array([0, 0, 1]), table)
        >>> rows.by_patch([0, 1, 1]), rows.by_patch([0, 1, 1], rows.truth == 1)
        (array([0.75, 1.  ]), array([nan,  1.]))
        """
        weight = self.weight if chosen is None else self.weight * chosen
        size = len(self.patches)
        total = np.bincount(self.place, weight, size)
        summed = np.bincount(self.place, weight * np.asarray(values, dtype=float), size)
        mean: Floats = np.divide(summed, total, out=np.full(size, np.nan), where=total > 0)
        return mean


def rows_of(
    files: Sequence[Path], features: Sequence[str], split: pd.DataFrame, catalog: pd.DataFrame, role: str
) -> Rows:
    """Labelled rows of the patches of a role.

    Parameters
    ----------
    files : sequence of Path
        The feature tables of all shards of a release.
    features : sequence of str
        Columns that the forest was grown on, in its order.
    split, catalog : DataFrame
        patch, role, weight of a trial; patch and group.
    role : str
        The role.
    """
    own = split[split["role"] == role].merge(catalog[["patch", "group"]], on="patch", how="left")
    parts = [forest.labelled_rows(file, features, set(own["patch"])) for file in files]
    table = pd.concat(parts, ignore_index=True)
    patches = own[own["patch"].isin(table["patch"])].sort_values("patch", ignore_index=True)
    return Rows(
        np.ascontiguousarray(table[list(features)].to_numpy(np.float32)),
        table["label"].to_numpy(np.int64),
        table["weight"].to_numpy(np.float64),
        pd.Index(patches["patch"]).get_indexer(pd.Index(table["patch"])).astype(np.int64),
        patches[["patch", "group", "weight"]],
    )


def fractions(model: RandomForestClassifier, codes: npt.NDArray[np.int64], X: np.ndarray, classes: int) -> Floats:
    """Mean of the trees' class fractions, float64 (rows, classes of the task); 0 for what the forest does not know."""
    result = np.zeros((len(X), classes))
    for start in range(0, len(X), BLOCK_ROWS):
        block = X[start : start + BLOCK_ROWS]
        votes = np.zeros((len(block), len(codes)))
        for estimator in model.estimators_:
            votes += estimator.tree_.predict(block)
        result[start : start + len(block), codes] = votes / len(model.estimators_)
    return result


def read_roles(split: Path, catalog: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Roles of a trial, and the groups of the catalog."""
    return read_parquet(split, ["patch", "role", "weight"]), read_parquet(catalog, ["patch", "group"])
