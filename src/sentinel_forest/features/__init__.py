"""Named features of pixels and of patches: each with its formula, unit, bands and source."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from sentinel_forest.datasets.base import Block, Dataset, FeatureSet
from sentinel_forest.errors import InputError
from sentinel_forest.features import external
from sentinel_forest.features.bounds import Bounds, bound
from sentinel_forest.features.expressions import CATALOGUE_BANDS
from sentinel_forest.sensors import SUN_AZIMUTH, Band

Own = tuple[Band, ...]
"""Bands of a dataset that `sentinel_forest.sensors` does not have (`FeatureSet.bands`)."""


@dataclass(frozen=True)
class Feature:
    """One named feature.

    Parameters
    ----------
    name : str
        The name in feature sets, and of the column in tables.
    formula : str
        What is computed, in terms of `inputs`.
    unit : str
        ``"1"`` for ratios and reflectances, ``"dB"``, ``"m"``, ...
    bands : tuple of str
        All bands that must be given, directly or for its inputs.
    source : str
        The paper (DOI) or catalogue that defines it.
    inputs : tuple of str
        Names of the bands and features that `function` takes, in this order.
    function : callable
        From float32 arrays of one shape to the feature.
    bounds : (float, float), optional
        Least and largest value; what lies beyond is cut to them, see `sentinel_forest.features.bounds`.
    """

    name: str
    formula: str
    unit: str
    bands: tuple[str, ...]
    source: str
    inputs: tuple[str, ...]
    function: Callable[..., np.ndarray]
    bounds: Bounds | None = None


def find_set(sets: Mapping[str, FeatureSet], name: str) -> FeatureSet:
    """The feature set with a name; `InputError` if there is none."""
    if name not in sets:
        raise InputError("Unknown feature set.", where="--set", found=name, expected=" | ".join(sets))
    return sets[name]


def bands_of(dataset: Dataset, feature_set: FeatureSet, block: Block) -> dict[str, np.ndarray]:
    """Bands that a feature set uses, in physical units.

    Where the catalog knows the direction to the sun (a column ``sun_azimuth``, degrees clockwise
    from north) it is given as a band, constant in each patch, unless a layer holds it. Bands of a sensor are
    missing where a pixel carries no measurement, so that it does not count as dark for those around it. Of an
    external set each number of its vectors is a band; vectors of whole patches have one value for each patch.

    Returns
    -------
    dict
        Band name to float32 (patches, rows, columns); missing values are NaN.
    """
    if feature_set.external is not None:
        shape = next((values.shape[1:] for values in block.layers.values()), ())
        return external.vectors(feature_set, block.patches["patch"].tolist(), shape)
    bands = {band: dataset.physical(layer, block.layers[layer]) for band, layer in feature_set.layers.items()}
    for name, layer in feature_set.layers.items():
        band = dataset.layer_table[layer].band
        if band is not None and band.kind in block.measured:
            bands[name] = np.where(block.measured[band.kind], bands[name], np.float32(np.nan))
    if SUN_AZIMUTH.name in block.patches:
        azimuth = block.patches[SUN_AZIMUTH.name].to_numpy(np.float32)[:, None, None]
        bands.setdefault(SUN_AZIMUTH.name, np.broadcast_to(azimuth, next(iter(bands.values())).shape))
    return bands


def check_bands(needed: Iterable[str], bands: Mapping[str, np.ndarray]) -> None:
    """Raise `InputError` if a needed band is not given."""
    missing = [band for band in needed if band not in bands]
    if missing:
        raise InputError(
            "Features need bands that are not there.",
            found=", ".join(bands),
            expected=", ".join(missing),
            remedy="add the bands to the layers of the feature set, or leave out the features that use them",
        )


def unknown(name: str, known: Iterable[str], forms: Iterable[str]) -> InputError:
    """The error for a feature name that nothing explains, with the nearest names that exist."""
    known = list(known)
    near = [each for each in known if each.casefold() == name.casefold() or each == CATALOGUE_BANDS.get(name)]
    near = near or difflib.get_close_matches(name, known, n=5, cutoff=0.4)
    return InputError(
        "Unknown feature.",
        found=name,
        expected=f"a band, an index, or {' | '.join(forms)}",
        remedy=(f"did you mean {' | '.join(near)}? " if near else "") + "sentinel-forest features lists all names",
    )


def value(
    name: str, known: dict[str, np.ndarray], resolve: Callable[[str], Feature], bounded: Counter[str] | None = None
) -> np.ndarray:
    """A feature from what is known; all that had to be computed for it is known afterwards.

    `bounded` takes up how many values of each feature lay beyond its bounds.
    """
    if name not in known:
        feature = resolve(name)
        values = feature.function(*(value(entry, known, resolve, bounded) for entry in feature.inputs))
        known[name] = bound(name, values, feature.bounds, bounded) if feature.bounds else values
    return known[name]
