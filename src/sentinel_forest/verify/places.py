"""Places without a name: told apart by their distance, where a dataset says how far places lie apart."""

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import Columns, Dataset
from sentinel_forest.verify.spatial import clusters


def with_places(dataset: Dataset, catalog: pd.DataFrame) -> pd.DataFrame:
    """A catalog with names for places that have coordinates only, and the column `group_source`.

    Patches nearer than `Dataset.places_apart_km`, directly or through others, are of one place. It has the name that
    a patch of it has (the first in the alphabet), else its own: latitude and longitude of its middle.

    Parameters
    ----------
    dataset : Dataset
        Says in which column places are named.
    catalog : DataFrame
        See `sentinel_forest.verify.catalog`, without `group`.

    Returns
    -------
    DataFrame
        `group_source` is missing where the place is not known.
    """
    declared = dataset.marking_keys.get("place")
    if not isinstance(declared, Columns):
        return catalog.assign(group_source=pd.Series(pd.NA, index=catalog.index, dtype="str"))
    column = declared.names[0]
    names = catalog[column].astype("str").fillna("")
    source = pd.Series(dataset.place_source, index=catalog.index, dtype="str").where(names != "")
    placed = np.isfinite(catalog[["lon", "lat"]].to_numpy(np.float64)).all(axis=1)
    nameless = placed & (names == "").to_numpy()
    if dataset.places_apart_km is None or not nameless.any():
        return catalog.assign(group_source=source)
    found = pd.Series(_names(catalog[placed], names[placed], dataset.places_apart_km), index=catalog.index[placed])
    rule = f"published coordinates: patches nearer than {dataset.places_apart_km:g} km, directly or through others"
    names, source = names.mask(nameless, found), source.mask(nameless, rule)
    return catalog.assign(**{column: names.astype("str")}, group_source=source.astype("str"))


def _names(placed: pd.DataFrame, names: pd.Series, apart_km: float) -> np.ndarray:
    """The name of the cluster of each patch."""
    number = clusters(placed["lon"].to_numpy(), placed["lat"].to_numpy(), apart_km)
    known = names.where(names != "").groupby(number).min()
    first = placed["lon"].groupby(number).transform("first")  # from there, so that none lies around the globe
    turned = first + (placed["lon"] - first + 180) % 360 - 180
    middle = placed[["lat"]].assign(lon=turned).groupby(number).mean()
    middle["lon"] = (middle["lon"] + 180) % 360 - 180
    own = [
        f"{abs(lat):.2f}{'N' if lat >= 0 else 'S'} {abs(lon):.2f}{'E' if lon >= 0 else 'W'}"
        for lat, lon in middle.itertuples(index=False)
    ]
    return np.asarray(known.where(known.notna(), pd.Series(own, index=known.index)).to_numpy(dtype=object)[number])
