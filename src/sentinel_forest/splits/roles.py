"""The patches of a split, role by role."""

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import SPLITS
from sentinel_forest.errors import InputError


def roles_of(catalog: pd.DataFrame, split: pd.DataFrame, where: object = None) -> dict[str, pd.DataFrame]:
    """Rows of the catalog in each role that has any, with their `weight`; unused patches are left out.

    Raises
    ------
    InputError
        If the split is one of other patches, or none is used.
    """
    if not np.array_equal(catalog["patch"].to_numpy(), split["patch"].to_numpy()):
        raise InputError(
            "A split and the catalog do not list the same patches.",
            where=where,
            found=f"{len(split)} patches",
            expected=f"the {len(catalog)} of the catalog, in its order",
            remedy="draw the split again from this catalog",
        )
    weighted = catalog.assign(weight=split["weight"].to_numpy())
    roles = {role: weighted[(split["role"] == role).to_numpy()] for role in SPLITS}
    roles = {role: rows for role, rows in roles.items() if len(rows)}
    if not roles:
        raise InputError("A split uses no patch.", where=where, expected="patches for train or test")
    return roles
