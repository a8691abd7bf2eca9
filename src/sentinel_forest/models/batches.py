"""Forests that fit into memory together."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

NODE_BYTES = 64
"""Bytes of a node of a tree of scikit-learn, to which 8 come for each class."""


def in_batches(sizes: Sequence[int], most: float) -> list[slice]:
    """Cut a list of forests into batches: as many neighbours as fit, at least one, in their order.

    Parameters
    ----------
    sizes : sequence of int
        Bytes of each forest.
    most : float
        Bytes of a batch.
    """
    ends: list[int] = []
    held = 0
    for place, size in enumerate(sizes):
        if place and held + size > most:
            ends.append(place)
            held = 0
        held += size
    return [slice(first, last) for first, last in pairwise([0, *ends, len(sizes)])]


def forest_bytes(fit: Mapping[str, Any]) -> int:
    """Bytes that a forest takes in memory, by its ``fit.json``."""
    return int(fit["trees"]["nodes"] * (NODE_BYTES + 8 * len(fit["training"]["classes"])))
