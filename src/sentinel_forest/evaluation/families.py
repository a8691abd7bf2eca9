"""Families of bands, and the family that a feature belongs to."""

from collections.abc import Sequence

import numpy as np

from sentinel_forest import sensors
from sentinel_forest.features import Own, indices, patch, pixel


def family(name: str, unit: str, own: Own = ()) -> str:
    """The band family of a feature of a task's `unit` (``pixel`` or ``patch``).

    A feature belongs to the family of its band (`Band.family`); features of several bands are ``indices`` (or
    SAR), those of a pixel's surroundings ``context``, grey-level co-occurrences ``texture``. Context and texture of
    SAR are families of their own. `own`: bands that only this dataset has.

    Raises
    ------
    InputError
        If there is no such feature.
    """
    feature = (pixel if unit == "pixel" else patch).resolve(name, own)
    known = {band.name: band.family for band in own} | {band.name: band.family for band in sensors.BANDS.values()}
    bands = [band for band in feature.bands if band != sensors.SUN_AZIMUTH.name] or list(feature.bands)
    kind = _kind(name, unit, own)
    if {known[band] for band in bands} == {sensors.SAR}:
        return f"{sensors.SAR} {kind}".strip()
    if kind:
        return kind
    return known[bands[0]] if len(bands) == 1 else "indices"


def _kind(name: str, unit: str, own: Own) -> str:
    """``context`` or ``texture``; nothing for what is of the pixel, or of the patch as a whole."""
    if unit == "pixel":
        return "" if name in indices.names(own) else "context"
    return "texture" if name.rpartition("_")[2] in patch.TEXTURES else ""


def families(names: Sequence[str], unit: str, own: Own = ()) -> dict[str, np.ndarray]:
    """Columns of each family, families in the order of their first feature."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(family(name, unit, own), []).append(place)
    return {name: np.array(places) for name, places in found.items()}
