"""Values of keys, and sets of patches that agree in a key, directly or through others."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

_DECIMAL = re.compile(r"([+-]?\d+)\.0*")


def value_of(text: str) -> str:
    """The value of a key that a text stands for: ``" 7"``, ``"7.0"`` and ``"7"`` are one ROI."""
    stripped = text.strip()
    decimal = _DECIMAL.fullmatch(stripped)
    return decimal[1] if decimal else stripped


def key_values(column: pd.Series) -> pd.Series:
    """A key as text that is equal where its values are; missing where it is missing or blank."""
    codes, texts = pd.factorize(column)
    values = np.array([value_of(str(text)) for text in texts] + [""], dtype=object)[codes]
    return pd.Series(values, index=column.index, dtype="str").where(values != "")


def codes_of(column: pd.Series) -> np.ndarray:
    """A number for each value of a key, int64 from 0; -1 where it is missing or blank."""
    return np.asarray(pd.factorize(key_values(column))[0], dtype=np.int64)


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
