"""Comparisons of two classifiers on the same patches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from sentinel_forest.config.groups import LEAST_TESTED, least_groups
from sentinel_forest.evaluation import testing, uncertainty
from sentinel_forest.evaluation.confusion import ROLES, Classifier, counted_units
from sentinel_forest.evaluation.evaluate import UNWEIGHTED, Sample, evaluate
from sentinel_forest.evaluation.figures import FIGURE, METRIC, PLACE
from sentinel_forest.evaluation.scored import Score, notes
from sentinel_forest.evaluation.uncertainty import Support
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform

PAIRED = pa.DataFrameSchema(
    {
        **PLACE,
        "task": pa.Column("str"),
        **columns("str", "features_a", "classifier_a", "features_b", "classifier_b"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        **METRIC,
        **columns("float64", "difference", "low", "high", "p", "p_holm", nullable=True),
        **columns("str", "test", "family"),
        **columns("int64", "n", "groups"),
        **columns("str", "mark", "note"),
    },
    strict=True,
    ordered=True,
)
"""Differences a - b on the same patches, `n` of them; the values and their definitions are in
`score.METRICS`. Where there are too few groups for an interval or a test, or a patch has no known group, `note`
says so. `p` is that of the one test, `p_holm` after Holm's correction for all tests of its `family`: the pairs with
the same task, role, metric, weighting, class and test.
"""

FAMILY = ["task", "role", *FIGURE, "test"]
SWAPPED = "swaps of whole groups"
MCNEMAR = "McNemar, exact, patches independent"
"""Only of a dataset that declares its patches independent (`Dataset.independent_patches`)."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A classifier with its rows of the confusion table in a role, and the scores that follow from them."""

    classifier: Classifier
    rows: pd.DataFrame
    scores: list[Score]

    @property
    def patches(self) -> set[str]:
        """Patches with counts."""
        return set(self.rows["patch"].unique())

    def only(self, patches: set[str], sample: Sample) -> "Scored":
        """The same on some of the patches."""
        rows = self.rows[self.rows["patch"].isin(patches)]
        return Scored(self.classifier, rows, evaluate(rows, self.classifier, sample))


def pairs(found: Sequence[Scored]) -> list[tuple[Scored, Scored]]:
    """Forest against reference algorithm, against dummy classifiers, and set against set."""
    forests = [one for one in found if one.classifier.is_forest]
    others = [one for one in found if not one.classifier.is_forest]
    against = [
        (forest, other)
        for forest in forests
        for other in others
        if _alike(forest, other) and other.classifier.features in ("", forest.classifier.features)
    ]
    return against + [(a, b) for a, b in combinations(forests, 2) if _alike(a, b)]


def _alike(a: Scored, b: Scored) -> bool:
    """Whether two are of the same task, scored on all pixels or on the same sample."""
    return a.classifier.task.name == b.classifier.task.name and a.classifier.pixels == b.classifier.pixels


def compare(
    a: Scored, b: Scored, sample: Sample, role: str, mark: str, seed: int, independent: bool = False
) -> Iterator[dict[str, object]]:
    """Rows of `PAIRED` for one pair, without Holm's correction.

    Parameters
    ----------
    a, b : Scored
        The classifiers.
    sample : Sample
        The patches of the role.
    role, mark : str
        The role and its mark.
    seed : int
        Of the swaps that are drawn where there are many groups.
    independent : bool
        Whether the dataset declares its patches independent, so that McNemar's test is due.
    """
    both, either = a.patches & b.patches, a.patches | b.patches
    about = []
    if both != either:
        a, b = a.only(both, sample), b.only(both, sample)
        about.append(f"{len(both)} of {len(either)} patches in common")
    if not _same_units(a.rows, b.rows):
        a, b, both = _on_the_same_pixels(a, b, both, sample, about)
    about += [a.classifier.silence(), b.classifier.silence()]
    theirs = {score.key: score for score in b.scores}
    for score in a.scores:
        other = theirs.get(score.key)
        if not score.metric.headline or other is None:
            continue
        row = difference(score, other, (a.classifier, b.classifier), role, mark, seed, len(both), about)
        yield row
        if independent and _counts_patches(score, a.classifier) and not np.isnan(score.value - other.value):
            p = _mcnemar(a.rows, b.rows)
            yield row | {"low": np.nan, "high": np.nan, "p": p, "test": MCNEMAR, "note": notes(*about)}


def difference(
    a: Score,
    b: Score,
    who: tuple[Classifier, Classifier],
    role: str,
    mark: str,
    seed: int,
    n: int,
    about: Sequence[str] = (),
) -> dict[str, object]:
    """A row of `PAIRED` for two scores of the same patches, `n` of them; other parameters as of `compare`."""
    why = a.why_empty(who[0], role) or b.why_empty(who[1], role)
    active = a.parts.active(b.parts)  # type: ignore[arg-type]
    support = _support(a, b, int(active.sum()))
    estimate = np.nan if why else a.value - b.value
    low, high = uncertainty.difference(estimate, a.replicates - b.replicates, support, least_groups(a.of_class))
    untested = bool(a.reservation) or support.groups < LEAST_TESTED
    p = np.nan if untested else _swap_test(estimate, a, b, active, seed)
    return {
        "classifier_a": who[0].name,
        "features_a": who[0].features,
        "classifier_b": who[1].name,
        "features_b": who[1].features,
        "task": who[0].task.name,
        "role": role,
        **a.about,
        "difference": estimate,
        "low": low,
        "high": high,
        "p": p,
        "p_holm": np.nan,
        "test": SWAPPED,
        "family": "",
        "n": n,
        "groups": support.groups,
        "mark": mark,
        "note": notes(why or _doubts(a, support, low), *about),
    }


def _support(a: Score, b: Score, differing: int) -> Support:
    """What a difference rests on; groups in which the two are alike tell little of it, where they differ in few."""
    least = Support.least([a.support, b.support])
    return replace(least, effective=min(least.effective, differing))


def _swap_test(estimate: float, a: Score, b: Score, active: np.ndarray, seed: int) -> float:
    """p value of a difference from swaps of whole groups; those in which the two are alike need none."""
    if np.isnan(estimate):
        return np.nan
    differ = a.parts.swapped(b.parts, active)  # type: ignore[arg-type]
    return testing.swap_test(estimate, differ, int(active.sum()), seed)


def _doubts(score: Score, support: Support, low: float) -> str:
    """What is to be said about the interval and the p value of a difference."""
    if score.reservation:
        return score.reservation
    few = uncertainty.few_groups(support.groups, score.of_class, support.lacking, "difference")
    alike = "" if support.whole < least_groups(score.of_class) or not np.isnan(low) else uncertainty.ALIKE
    return notes(alike or few, testing.few_tested(support.groups))


def _same_units(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether two classifiers have the same counts of true classes in every patch."""
    first, second = (_units(rows) for rows in (a, b))
    return first.equals(second)


def _units(rows: pd.DataFrame) -> pd.Series:
    """Units of each true class of each patch; of a sample, those that it was drawn from."""
    return counted_units(rows).groupby([rows["patch"], rows["true"]]).sum().round()


def _on_the_same_pixels(
    a: Scored, b: Scored, both: set[str], sample: Sample, about: list[str]
) -> tuple[Scored, Scored, set[str]]:
    """Two classifiers on the patches where they answer for the same pixels, as told by their counts of true classes.

    A feature set leaves out pixels that a sensor of its own did not measure, so that two may differ in some patches.
    """
    first, second = (_units(one.rows).unstack(fill_value=0) for one in (a, b))
    equal = (first == second.reindex_like(first).fillna(0)).all(axis=1) & (first.sum(axis=1) == second.sum(axis=1))
    same = set(equal.index[equal]) & both
    if not same:
        about.append("the two leave out different pixels")
        return a, b, both
    about.append(f"{len(same)} of {len(both)} patches, where both answer for the same pixels")
    return a.only(same, sample), b.only(same, sample), same


def _counts_patches(score: Score, classifier: Classifier) -> bool:
    """Whether a score is the fraction of patches that are right: what McNemar's test is about."""
    return score.metric.id == "oa" and score.weighting == UNWEIGHTED and classifier.task.unit == "patch"


def _mcnemar(a: pd.DataFrame, b: pd.DataFrame) -> float:
    right = [set(rows.loc[rows["true"] == rows["predicted"], "patch"]) for rows in (a, b)]
    return testing.mcnemar(len(right[0] - right[1]), len(right[1] - right[0]))


def paired_table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows of `PAIRED` as a table, with Holm's correction."""
    table = conform(pd.DataFrame(list(rows), columns=list(PAIRED.columns)), PAIRED)
    families = table.groupby(FAMILY, sort=False)
    tests = families["p"].transform("count").astype("int64").astype("str")
    words = table["metric"] + (" of " + table["class"]).where(table["class"] != "", "")
    table["p_holm"] = families["p"].transform(uncertainty.holm)
    table["family"] = tests + " tests: " + words + ", role " + table["role"] + ", task " + table["task"]
    return table
