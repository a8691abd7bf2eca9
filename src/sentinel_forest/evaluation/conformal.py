"""Sets of classes that hold the true one with a stated probability, calibrated with the group as the unit.

Patches of one place resemble one another, so that a set calibrated as if they were independent covers too little in
a place that is new. Hierarchical conformal prediction (Lee, Barber and Willett 2023, arXiv 2306.06342) gives each
calibration group the same weight, whatever its number of patches, and counts one more group: the coming one, whose
scores are unknown and therefore taken as infinite. The promise is for a patch of a new group that is drawn as the
calibration groups were; where the test groups differ in kind (another continent, another season), it does not hold.
"""

import numpy as np
import numpy.typing as npt

from sentinel_forest.errors import ArgumentError

Floats = npt.NDArray[np.float64]


def calibrate(scores: npt.ArrayLike, groups: npt.ArrayLike, alpha: float = 0.1) -> float:
    """Find the largest score that a class may have to be in the set.

    Parameters
    ----------
    scores : array_like, shape (patches,)
        Score of the true class of each calibration patch: 1 minus the probability that the forest gives it.
    groups : array_like, shape (patches,)
        Group of each patch.
    alpha : float
        Probability that the set may miss the true class.

    Returns
    -------
    float
        The threshold; infinite where there are too few groups: then every class is in the set. That is so with
        fewer than ``1 / alpha - 1`` groups (9 for 0.1).

    Raises
    ------
    ArgumentError
        If there are no patches, or `alpha` does not lie between 0 and 1.

    References
    ----------
    .. [1] Y. Lee, R. F. Barber and R. Willett (2023), Distribution-free inference with hierarchical data,
       arXiv 2306.06342, section 3 (HCP).
    .. [2] M. Sadinle, J. Lei and L. Wasserman (2019), Least ambiguous set-valued classifiers with bounded error
       levels, Journal of the American Statistical Association 114, 223-234, doi 10.1080/01621459.2017.1395341
       (the score).

    Examples
    --------
    >>> calibrate([0.1, 0.2, 0.3, 0.9], groups=["a", "a", "b", "c"], alpha=0.5)
    0.3
    """
    values, names = np.asarray(scores, dtype=float), np.asarray(groups)
    if not len(values) or not 0 < alpha < 1:
        raise ArgumentError(
            "Nothing to calibrate with, or a probability out of range.",
            found=f"{len(values)} patches, alpha {alpha}",
            expected="patches, and alpha between 0 and 1",
        )
    _, codes, sizes = np.unique(names, return_inverse=True, return_counts=True)
    weights = 1 / (sizes[codes] * (len(sizes) + 1))
    order = np.argsort(values, kind="stable")
    reached = np.flatnonzero(np.cumsum(weights[order]) >= 1 - alpha - 1e-12)
    return float(values[order][reached[0]]) if len(reached) else float("inf")


def prediction_sets(probabilities: npt.ArrayLike, threshold: float) -> npt.NDArray[np.bool_]:
    """Return the classes that belong to the set of each patch.

    Parameters
    ----------
    probabilities : array_like, shape (patches, classes)
        Probability that the forest gives each class.
    threshold : float
        From `calibrate`.

    Returns
    -------
    ndarray of bool, shape (patches, classes)
        A set may be empty where no class is likely enough.
    """
    inside: npt.NDArray[np.bool_] = 1 - np.asarray(probabilities, dtype=float) <= threshold
    return inside
