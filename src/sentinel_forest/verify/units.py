"""Sets of patches that agree in a key, directly or through others."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sentinel_forest.datasets.keys import codes_of


def units(keys: Sequence[pd.Series], count: int) -> np.ndarray:
    """Number the sets of patches that any of the keys holds together: connected components.

    Parameters
    ----------
    keys : sequence of Series
        One value per patch each; an empty or missing value joins nothing.
    count : int
        Number of patches.

    Returns
    -------
    numpy.ndarray
        int64 (count,): number of the unit of each patch, from 0 in order of appearance.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    patches, values, nodes = [], [], count
    for key in keys:
        codes = codes_of(key)
        known = np.flatnonzero(codes >= 0)
        patches.append(known)
        values.append(codes[known] + nodes)
        nodes += int(codes.max(initial=-1)) + 1
    if not patches:
        return np.arange(count)
    row, column = np.concatenate(patches), np.concatenate(values)
    graph = sparse.coo_array((np.ones(len(row), dtype=np.int8), (row, column)), shape=(nodes, nodes))
    _, component = connected_components(graph, directed=False)
    return np.asarray(pd.factorize(component[:count])[0], dtype=np.int64)
