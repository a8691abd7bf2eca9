"""Sets of classes that hold the true one with a stated probability, calibrated with the group as the unit.

Patches of one place resemble one another, so that a set calibrated as if they were independent covers too little in
a place that is new. Hierarchical conformal prediction (Lee, Barber and Willett 2023, arXiv 2306.06342) gives each
calibration group the same weight, whatever its number of patches, and counts one more group: the coming one, whose
scores are unknown and therefore taken as infinite. The promise is for a patch of a new group that is drawn as the
calibration groups were; where the test groups differ in kind (another continent, another season), it does not hold.
Beside it stands what sets cover that were calibrated as if there were no groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from sentinel_forest.datasets.base import Task
from sentinel_forest.datasets.keys import codes_of
from sentinel_forest.datasets.metric import ABSENT, PatchMetric, weighted_mean
from sentinel_forest.errors import ArgumentError
from sentinel_forest.evaluation.further import FURTHER, further_rows, given
from sentinel_forest.evaluation.held_out import HeldOut, OpenForest, class_fractions
from sentinel_forest.evaluation.scored import notes
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import conform, write_tsv
from sentinel_forest.models.candidate import Candidate, ForestOf
from sentinel_forest.steps import Output

Floats = npt.NDArray[np.float64]
Sets = npt.NDArray[np.bool_]


def calibrate(
    scores: npt.ArrayLike, groups: npt.ArrayLike | None = None, alpha: float = 0.1, weight: npt.ArrayLike | None = None
) -> float:
    """Find the largest score that a class may have to be in the set.

    Parameters
    ----------
    scores : array_like, shape (patches,)
        Score of the true class of each calibration patch: 1 minus the probability that the forest gives it.
    groups : array_like, shape (patches,), optional
        Group of each patch. Without, patches count as independent.
    alpha : float
        Probability that the set may miss the true class.
    weight : array_like, shape (patches,), optional
        How many patches (or pixels) each stands for; 1 unless given. Groups have the same weight all the same.

    Returns
    -------
    float
        The threshold; infinite where there are too few groups: then every class is in the set. That is so with
        fewer than ``1 / alpha - 1`` groups (9 for 0.1).

    Raises
    ------
    ArgumentError
        If there are no patches, `alpha` does not lie between 0 and 1, or a group is not known.

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
    values = np.asarray(scores, dtype=float)
    if not len(values) or not 0 < alpha < 1:
        raise ArgumentError(
            "Nothing to calibrate with, or a probability out of range.",
            found=f"{len(values)} patches, alpha {alpha}",
            expected="patches, and alpha between 0 and 1",
        )
    own = np.ones(len(values)) if weight is None else np.asarray(weight, dtype=float)
    if groups is None:
        weights = own / (own.sum() + own.mean())
    else:
        codes = codes_of(pd.Series(np.asarray(groups)))
        if (codes < 0).any():
            raise ArgumentError(
                "Patches without a known group cannot be calibrated by group.",
                found=f"{int((codes < 0).sum())} of {len(codes)} are None, NaN, blank or a word for nothing",
                expected="a group for each patch",
                remedy="leave these patches out, or give no groups",
            )
        totals = np.bincount(codes, own)
        weights = own / totals[codes] / (len(totals) + 1)
    order = np.argsort(values, kind="stable")
    reached = np.flatnonzero(np.cumsum(weights[order]) >= 1 - alpha - 1e-12)
    return float(values[order][reached[0]]) if len(reached) else float("inf")


def prediction_sets(probabilities: npt.ArrayLike, threshold: float) -> Sets:
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
    inside: Sets = 1 - np.asarray(probabilities, dtype=float) <= threshold
    return inside


# Scores of sets


@dataclass(frozen=True)
class Method:
    """One way to calibrate, with the ids of its metrics.

    Attributes
    ----------
    coverage, size : str
        Ids of the metrics.
    text : str
        How it was calibrated, for definitions.
    grouped : bool
        Whether the group is the unit.
    """

    coverage: str
    size: str
    text: str
    grouped: bool


METHODS = (
    Method("conformal.coverage", "conformal.size", "calibrated with the group as the unit", True),
    Method("conformal.ungrouped.coverage", "conformal.ungrouped.size", "calibrated as if there were no groups", False),
)

SOURCE = "Lee et al. 2023, arXiv 2306.06342; Sadinle et al. 2019, doi 10.1080/01621459.2017.1395341"


def metrics_of(method: Method, alpha: float) -> tuple[PatchMetric, PatchMetric]:
    """Coverage and size of the sets of a method, as metrics: means over the patches of a role."""
    sets = f"{100 * (1 - alpha):g} % sets of classes, {method.text}"
    held = "patches (mean over patches of the fraction of pixels) whose set holds the true class"
    many = "mean number of classes in a set"
    return (
        _metric(method.coverage, "coverage", f"coverage of {sets}", held, 1.0),
        _metric(method.size, "size", f"size of {sets}", many, np.inf),
    )


def _metric(metric: str, name: str, definition: str, formula: str, high: float) -> PatchMetric:
    return PatchMetric(
        metric,
        name,
        definition,
        formula,
        SOURCE,
        given,
        weighted_mean,
        with_positives=False,
        undefined=ABSENT,
        high=high,
    )


def set_values(
    rows: HeldOut, probabilities: Floats, threshold: float, names: Sequence[str], of: tuple[PatchMetric, PatchMetric]
) -> dict[PatchMetric, dict[str, Floats]]:
    """Coverage and size by patch, over all classes (blank) and for each true class."""
    inside = prediction_sets(probabilities, threshold)
    parts = {"": np.ones(len(rows.truth), dtype=bool)}
    parts |= {name: rows.truth == code for code, name in enumerate(names)}
    values = (inside[np.arange(len(inside)), rows.truth], inside.sum(axis=1))
    return {
        metric: {name: rows.by_patch(each, chosen) for name, chosen in parts.items()}
        for metric, each in zip(of, values, strict=True)
    }


def probabilities_of(candidate: Candidate, X: np.ndarray) -> Floats:
    """What a forest gives each class of its task, float64 (rows, classes); 0 for what it does not know."""
    result = np.zeros((len(X), len(candidate.task.names)))
    result[:, candidate.codes] = class_fractions(candidate.model, X)
    return result


def score_sets(
    validation: HeldOut, test: HeldOut, probabilities: Mapping[str, Floats], task: Task, features: str, alpha: float
) -> pd.DataFrame:
    """Calibrate sets on the patches of validation, and score them on those of test.

    Parameters
    ----------
    validation, test : HeldOut
        Labelled rows of the two roles; intervals are over the test groups.
    probabilities : mapping
        For either role float64 (rows, classes): what the forest gives each class.
    task, features
        What the forest predicts, and from which feature set.
    alpha : float
        Probability that a set may miss the true class.

    Returns
    -------
    DataFrame
        See `FURTHER`; no rows without labelled patches of both roles.
    """
    if not len(validation.truth) or not len(test.truth):
        return conform(pd.DataFrame(columns=list(FURTHER.columns)), FURTHER)
    scores = 1 - probabilities["validation"][np.arange(len(validation.truth)), validation.truth]
    names = validation.group_names
    known = names != ""
    found: list[dict[str, object]] = []
    for method in METHODS:
        chosen = known if method.grouped else np.ones(len(scores), dtype=bool)
        groups = names[known] if method.grouped else None
        threshold = calibrate(scores[chosen], groups, alpha, validation.weight[chosen]) if chosen.any() else np.inf
        values = set_values(test, probabilities["test"], threshold, task.names, metrics_of(method, alpha))
        note = _caveats(validation, test, threshold) if method.grouped else _all_classes(threshold)
        found += further_rows(values, test.sample, task, features, "test", note)
    return conform(pd.DataFrame(found, columns=list(FURTHER.columns)), FURTHER)


def _caveats(validation: HeldOut, test: HeldOut, threshold: float) -> str:
    """What the promise of sets calibrated by group rests on."""
    groups, tested = (set(rows.group_names) - {""} for rows in (validation, test))
    unknown = int((validation.patches["group"].fillna("") == "").sum())
    return notes(
        f"calibrated on {len(groups)} validation groups; promised for test groups that are drawn as these were",
        f"{len(groups & tested)} of {len(tested)} test groups are validation groups as well" if groups & tested else "",
        f"{unknown} validation patches without a known group are left out" if unknown else "",
        _all_classes(threshold),
    )


def _all_classes(threshold: float) -> str:
    return "too few to calibrate on: every class is in every set" if np.isinf(threshold) else ""


def conformal(*, of: ForestOf, alpha: float, seed: int, draws: int = 1000, output: Output) -> None:
    """Calibrate sets of classes on validation patches, and score them on test patches.

    Parameters
    ----------
    of : ForestOf
        The forest and its tables.
    alpha : float
        Probability that a set may miss the true class.
    seed : int
        Seed of the scheme.
    draws : int
        Draws over the groups.
    output : Path
        The table `FURTHER`.
    """
    opened, drawn_by = OpenForest.of(of), checksums.seed(seed, of.trial, of.feature_set, "conformal")
    candidate = opened.candidate
    validation, test = (opened.held_out([role], draws, drawn_by) for role in ("validation", "test"))
    given_to = {"validation": probabilities_of(candidate, validation.X), "test": probabilities_of(candidate, test.X)}
    write_tsv(output, score_sets(validation, test, given_to, candidate.task, of.feature_set, alpha), FURTHER)
