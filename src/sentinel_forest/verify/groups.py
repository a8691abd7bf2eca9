"""Groups: patches that a grouped scheme keeps on one side, as far as is known."""

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Columns, Dataset
from sentinel_forest.datasets.keys import is_known
from sentinel_forest.verify import spatial
from sentinel_forest.verify.footprints import SLACK, footprints
from sentinel_forest.verify.units import units

MOST_BOXES = 5000
"""Of more places than this, no boxes are compared."""


def groups(dataset: Dataset, catalog: pd.DataFrame) -> pd.Series:
    """The group of each patch, named after the first of its places; missing where the place is unknown.

    Patches are of one group if they agree in place or acquisition, if their footprints overlap, or if they
    agree in a column of `Dataset.joined_by`, directly or through others. A blank value joins nothing. A patch
    of unknown place may belong anywhere: it has no group and joins none. Equal pixels join nothing: groups
    are the same before the images are there, and one empty image is like any other.

    Parameters
    ----------
    dataset : Dataset
        Says where its keys are to be seen.
    catalog : DataFrame
        See `sentinel_forest.verify.catalog`, without `group`.

    Returns
    -------
    Series of str
        In the order of the catalog.
    """
    names = pd.Series(pd.NA, index=catalog.index, dtype="str")
    sources = dataset.marking_keys.items()
    columns = {key: source.names for key, source in sources if isinstance(source, Columns)}
    known = [is_known(catalog[name]) for name in columns.get("place", ())]
    inside = np.logical_and.reduce(known) if known else np.zeros(len(catalog), dtype=bool)
    if not inside.any():
        return names
    here = catalog[inside].reset_index(drop=True)
    place = here[columns["place"][0]]
    keys = [here[name] for name in (*columns["place"], *columns.get("acquisition", ()), *dataset.joined_by)]
    if "footprint" in columns:
        keys.append(_stretches(here, place))
    unit = units(keys, len(here))
    names[inside] = place.groupby(unit).transform("min").to_numpy()
    return names


def _stretches(catalog: pd.DataFrame, place: pd.Series) -> pd.Series:
    """Number of the stretch of overlapping footprints that each patch lies in; missing where unknown."""
    number = pd.Series(np.nan, index=catalog.index)
    near = _near_other_places(catalog, place)
    ground = footprints(catalog[near]) if near.any() else None
    if ground is not None:
        number[near] = np.where(ground.of >= 0, ground.stretches()[ground.of], np.nan)
    return number


def _near_other_places(catalog: pd.DataFrame, place: pd.Series) -> np.ndarray:
    """Whether the place of a patch reaches near another one: those of distant cities need no comparison.

    Each place is boxed in; a patch of which it is not known where on the globe it lies counts as near.
    """
    reach = SLACK * np.sqrt(2) * catalog.get("side_m", pd.Series(np.nan)).max() / (1000 * spatial.RADIUS_KM)
    points = spatial.on_sphere(catalog["lon"].to_numpy(np.float64), catalog["lat"].to_numpy(np.float64))
    lost = np.isnan(points).any(axis=1)
    number, names = pd.factorize(place)
    if len(names) > MOST_BOXES or np.isnan(reach):
        return np.ones(len(catalog), dtype=bool)
    low, high = np.full((len(names), 3), np.inf), np.full((len(names), 3), -np.inf)
    np.minimum.at(low, number[~lost], points[~lost])
    np.maximum.at(high, number[~lost], points[~lost])
    meet = np.logical_and.reduce([low[:, None, axis] <= high[None, :, axis] + reach for axis in range(3)])
    return np.asarray((np.count_nonzero(meet & meet.T, axis=1) > 1)[number] | lost)
