"""Ranges of ratios: near a denominator of 0 a quotient says nothing, and one such pixel would rule a mean."""

from collections import Counter

import numpy as np

Bounds = tuple[float, float]

UNIT: Bounds = (-1.0, 1.0)
PLAIN: Bounds = (-10.0, 10.0)
"""Of ratios that have no range of their own."""

BOUNDS: dict[str, Bounds] = {
    **dict.fromkeys(("NDVI", "GNDVI", "NDREI", "RENDVI", "NDYI", "NDMI"), UNIT),
    **dict.fromkeys(("NDWI", "MNDWI", "NDTI", "NDSI", "NDSII", "S3", "SWI"), UNIT),
    **dict.fromkeys(("NDBI", "UI", "BI", "NBR", "NBR2", "SAVI"), UNIT),
    "DBSI": (-2.0, 2.0),
    **dict.fromkeys(("EVI", "EVI2"), (-1.25, 1.25)),
    **dict.fromkeys(("IRECI", "PSRI", "B8/B11"), PLAIN),
    "whiteness": (0.0, 4.0),
    "coherence": (0.0, 1.0),
    **dict.fromkeys(("VH_looks", "VV_looks"), (0.0, 100.0)),
}
"""Least and largest value of each ratio. A value beyond takes the nearer of the two, in training and in prediction.

Normalised differences, S3, SWI, SAVI and whiteness: the range that they have for all reflectances of 0 or more (SAVI:
from 0 to 1); DBSI is the difference of two such. EVI and EVI2: the largest value for reflectances from 0 to 1 is 1.25
(near infrared 1, red and blue 0), as long as blue does not bring the denominator of EVI near 0: over bright cloud and
snow it does. Coherence: its range by definition. Looks: more is a patch of one value, for which they mean nothing."""


def bound(name: str, values: np.ndarray, bounds: Bounds, counts: Counter[str] | None = None) -> np.ndarray:
    """Cut values to the range of a feature.

    Parameters
    ----------
    name : str
        The feature, for `counts`.
    values : ndarray
        Floats of any shape; NaN stays.
    bounds : (float, float)
        Least and largest value.
    counts : Counter, optional
        Takes up how many values were cut.

    Returns
    -------
    ndarray
        `values` themselves if none lies beyond.
    """
    beyond = int(np.count_nonzero(values < bounds[0])) + int(np.count_nonzero(values > bounds[1]))
    if not beyond:
        return values
    if counts is not None:
        counts[name] += beyond
    return np.asarray(np.clip(values, *bounds))
