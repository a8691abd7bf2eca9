"""Ways in which patches are linked, one class each: what two roles share, and what a role shares within itself.

What can be found once for all splits of a release is found when an object is made.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sentinel_forest.datasets.keys import codes_as_written, codes_of
from sentinel_forest.splits.links import FOOTPRINT, FOOTPRINT_PIXELS, GROUND_KEYS
from sentinel_forest.verify import spatial
from sentinel_forest.verify.footprints import footprints

DISTANCES = {"distance_km_min": 0.0, "distance_km_q05": 0.05, "distance_km_q50": 0.5}
"""Keys for the distance in km to the nearest patch of the other role, and the quantiles they hold."""
GROUPS = "effective-groups"
"""The key of the effective number of groups of a role."""


class Row(NamedTuple):
    """What is found by a key: `linked` of `total` patches; `linked` is None where nobody can tell.

    `shared` is the number of values that occur on both sides. Where `linked` is None, `fraction` is a measure of
    another kind (km, a number of groups), or None. `complete`: the key of all patches of both sides is known; else
    there may be more links than were found.
    """

    key: str
    linked: int | None
    total: int
    fraction: float | None = None
    shared: int | None = None
    complete: bool = True


class Linking(ABC):
    """A way to be linked."""

    @abstractmethod
    def between(self, own: np.ndarray, other: np.ndarray) -> list[Row]:
        """Links of the patches `own` with patches of another role; both int64, rows of the catalog."""

    def within(self, own: np.ndarray) -> list[Row]:
        """Links of patches with others of the same role."""
        return []


class NotComputed(Linking):
    """Links that the catalog does not allow to look for."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys

    def between(self, own: np.ndarray, other: np.ndarray) -> list[Row]:
        """Nothing is known."""
        return [Row(key, None, len(own)) for key in self.keys]


class ByValue(Linking):
    """Links by equal values of a column: int64 `codes` (patches,), -1 where the value is unknown."""

    def __init__(self, key: str, codes: np.ndarray) -> None:
        self.key, self.codes = key, codes

    def between(self, own: np.ndarray, other: np.ndarray) -> list[Row]:
        """Patches whose value occurs in the other role."""
        linked = shared_codes(self.codes, own, other)
        return [self._row(linked, own, other)]

    def within(self, own: np.ndarray) -> list[Row]:
        """Patches whose value occurs more than once."""
        linked = repeated_codes(self.codes, own)
        return [self._row(linked, own, own)]

    def _row(self, linked: np.ndarray, own: np.ndarray, other: np.ndarray) -> Row:
        return row_of(self.key, linked, self.codes >= 0, own, other, len(np.unique(self.codes[own][linked])))


class ByFootprint(Linking):
    """Links by squares on the ground that overlap, and the pixels of that ground."""

    def __init__(self, catalog: pd.DataFrame, side: float | None) -> None:
        self.ground = footprints(catalog, side)

    def between(self, own: np.ndarray, other: np.ndarray) -> list[Row]:
        """Patches that share ground with the other role."""
        if self.ground is None:
            return NotComputed(GROUND_KEYS).between(own, other)
        return self._rows(self.ground.shared(own, other), own, other)

    def within(self, own: np.ndarray) -> list[Row]:
        """Patches that share ground with another one of their role."""
        if self.ground is None:
            return NotComputed(GROUND_KEYS).between(own, own)
        return self._rows(self.ground.shared_within(own), own, own)

    def _rows(self, shared: np.ndarray, own: np.ndarray, other: np.ndarray) -> list[Row]:
        assert self.ground is not None
        found = row_of(FOOTPRINT, shared > 0, self.ground.seen, own, other)
        if found.linked is None:
            return [found, found._replace(key=FOOTPRINT_PIXELS)]
        total = self.ground.pixels(own)
        fraction = float(shared.sum() / total) if total else None
        pixels = Row(FOOTPRINT_PIXELS, round(shared.sum()), round(total), fraction, complete=found.complete)
        return [found, pixels]


class ByDistance(Linking):
    """Quantiles of the distance in km from a patch to the nearest one of the other role."""

    def __init__(self, catalog: pd.DataFrame) -> None:
        places = catalog[["lon", "lat"]].to_numpy(np.float64)
        known = np.isfinite(places).all(axis=1)
        # Dates of an ROI lie in one place: only places are searched.
        distinct, place = np.unique(places[known], axis=0, return_inverse=True)
        self.place = np.full(len(catalog), -1)
        self.place[known] = place.ravel()
        self.points = spatial.on_sphere(*distinct.T)

    def between(self, own: np.ndarray, other: np.ndarray) -> list[Row]:
        """The quantiles over those patches whose place is known."""
        here, back = np.unique(self.place[own][self.place[own] >= 0], return_inverse=True)
        there = np.unique(self.place[other][self.place[other] >= 0])
        if not len(here) or not len(there):
            return NotComputed(list(DISTANCES)).between(own, other)
        nearest = spatial.nearest_km(self.points[here], self.points[there])[back]
        found = np.quantile(nearest, list(DISTANCES.values())).tolist()
        return [Row(key, None, len(own), value) for key, value in zip(DISTANCES, found, strict=True)]


class EffectiveGroups(Linking):
    """How many groups of equal size a role amounts to: (sum of sizes)^2 / sum of squared sizes.

    It says how far `n` patches are from `n` independent ones. Source: Kish 1965, Survey Sampling (the effective
    sample size of weights), applied to sizes of groups.
    """

    def __init__(self, groups: pd.Series) -> None:
        self.codes = codes_of(groups)

    def between(self, own: np.ndarray, other: np.ndarray) -> list[Row]:
        """Nothing: it is of one role."""
        return []

    def within(self, own: np.ndarray) -> list[Row]:
        """The effective number as `fraction`, the number of groups as `shared`; none if a group is unknown."""
        codes = self.codes[own]
        if not len(codes) or (codes < 0).any():
            return [Row(GROUPS, None, len(own))]
        sizes = np.unique(codes, return_counts=True)[1].astype(np.float64)
        return [Row(GROUPS, None, len(own), float(sizes.sum() ** 2 / np.square(sizes).sum()), len(sizes))]


def by_value(key: str, values: pd.Series | None, as_written: bool = False) -> Linking:
    """Links by equal values of a column, as far as it has any; a missing or blank value is unknown."""
    if values is None:
        return NotComputed([key])
    codes = codes_as_written(values) if as_written else codes_of(values)
    return ByValue(key, codes) if (codes >= 0).any() else NotComputed([key])


def by_footprint(catalog: pd.DataFrame, side: float | None) -> Linking:
    """Links by shared ground, as far as the catalog has any."""
    linking = ByFootprint(catalog, side)
    return NotComputed(GROUND_KEYS) if linking.ground is None else linking


def by_distance(catalog: pd.DataFrame) -> Linking:
    """Distances, as far as the catalog has places."""
    return ByDistance(catalog) if {"lon", "lat"} <= set(catalog.columns) else NotComputed(list(DISTANCES))


def shared_codes(codes: np.ndarray, own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether the code of each patch of `own` occurs in `other`: bool (own,); -1 is no code."""
    there = np.zeros(codes.max(initial=-1) + 2, dtype=bool)
    there[codes[other]] = True
    there[-1] = False
    return np.asarray(there[codes[own]])


def repeated_codes(codes: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Whether the code of each patch of `own` occurs there more than once: bool (own,); -1 is no code."""
    counts = np.bincount(codes[own] + 1, minlength=codes.max(initial=-1) + 2)
    counts[0] = 0
    return np.asarray(counts[codes[own] + 1] > 1)


def row_of(
    key: str, linked: np.ndarray, known: np.ndarray, own: np.ndarray, other: np.ndarray, shared: int | None = None
) -> Row:
    """A row from the marks of the linked patches; `known` (patches,) says of which patches the key is known.

    Nobody can tell where no link was found, but one may be between patches of which the key is not known.
    """
    complete = bool(known[own].all()) and bool(known[other].all())
    if not complete and not linked.any():
        return Row(key, None, len(own))
    return Row(key, int(linked.sum()), len(linked), float(linked.mean()) if len(linked) else None, shared, complete)
