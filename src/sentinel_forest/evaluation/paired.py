"""Comparisons of two classifiers on the same patches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
import pandera.pandas as pa

from sentinel_forest.evaluation import uncertainty
from sentinel_forest.evaluation.confusion import ROLES, Classifier
from sentinel_forest.evaluation.evaluate import UNWEIGHTED, Sample, Score, evaluate, notes
from sentinel_forest.evaluation.figures import FIGURE, METRIC, PLACE
from sentinel_forest.io.tables import columns, conform

PAIRED = pa.DataFrameSchema(
    {
        **PLACE,
        "task": pa.Column("str"),
        **columns("str", "features_a", "classifier_a", "features_b", "classifier_b"),
        "role": pa.Column("str", pa.Check.isin(ROLES)),
        **METRIC,
        **columns("float64", "difference", "low", "high", "p", "p_holm", nullable=True),
        **columns("int64", "n", "groups"),
        **columns("str", "test", "mark", "note"),
    },
    strict=True,
    ordered=True,
)
"""Differences a - b on the same patches, `n` of them; the values and their definitions are in
`score.METRICS`. There is no interval below eight groups, no `p` below six, and neither where a patch has no
known group; `note` says so.

The family of Holm's correction is the set of pairs with the same task, role, metric, weighting, class and test.
"""

FAMILY = ["task", "role", *FIGURE, "test"]
BOOTSTRAP = "cluster bootstrap over groups"
MCNEMAR = "McNemar, exact, patches taken as independent"
"""Only where each patch is a group of its own: patches of one group are not independent."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A classifier with its rows of the confusion table in a role, and the scores that follow from them."""

    classifier: Classifier
    rows: pd.DataFrame
    scores: list[Score]

    @property
    def patches(self) -> set[str]:
        """Patches with counts."""
        return set(self.rows["patch"])

    def only(self, patches: set[str], sample: Sample) -> "Scored":
        """The same on some of the patches."""
        rows = self.rows[self.rows["patch"].isin(patches)]
        return Scored(self.classifier, rows, evaluate(rows, self.classifier, sample))


def pairs(found: Sequence[Scored]) -> list[tuple[Scored, Scored]]:
    """Forest against reference algorithm, against its trivial company, and set against set."""
    forests = [one for one in found if one.classifier.is_forest]
    others = [one for one in found if not one.classifier.is_forest]
    against = [
        (forest, other)
        for forest in forests
        for other in others
        if _same_task(forest, other) and other.classifier.features in ("", forest.classifier.features)
    ]
    return against + [(a, b) for a, b in combinations(forests, 2) if _same_task(a, b)]


def _same_task(a: Scored, b: Scored) -> bool:
    return a.classifier.task.name == b.classifier.task.name


def compare(a: Scored, b: Scored, sample: Sample, role: str, mark: str) -> Iterator[dict[str, object]]:
    """Rows of `PAIRED` for one pair, without Holm's correction."""
    both, either = a.patches & b.patches, a.patches | b.patches
    about = []
    if both != either:
        a, b = a.only(both, sample), b.only(both, sample)
        about.append(f"{len(both)} of {len(either)} patches in common")
    if not _same_units(a.rows, b.rows):
        about.append("the two leave out different pixels")
    about += [a.classifier.silence(), b.classifier.silence()]
    theirs = {score.key: score for score in b.scores}
    for score in a.scores:
        other = theirs.get(score.key)
        if not score.metric.headline or other is None:
            continue
        why = score.why_empty(a.classifier, role) or other.why_empty(b.classifier, role)
        groups = min(score.groups, other.groups)
        estimate = np.nan if why else score.value - other.value
        low, high, p = uncertainty.difference(estimate, score.replicates - other.replicates, groups)
        row = {
            "classifier_a": a.classifier.name,
            "features_a": a.classifier.features,
            "classifier_b": b.classifier.name,
            "features_b": b.classifier.features,
            "task": a.classifier.task.name,
            "role": role,
            **score.about,
            "difference": estimate,
            "low": low,
            "high": high,
            "p": p,
            "p_holm": np.nan,
            "n": len(both),
            "groups": groups,
            "test": BOOTSTRAP,
            "mark": mark,
            "note": notes(why or _doubts(replace(score, groups=groups)), *about),
        }
        yield row
        if _counts_patches(score, a.classifier) and not why and _are_groups(both, sample):
            few = uncertainty.few_tested(len(both))
            p = np.nan if few else _mcnemar(a.rows, b.rows)
            yield row | {"low": np.nan, "high": np.nan, "p": p, "test": MCNEMAR, "note": notes(few, *about)}


def _doubts(score: Score) -> str:
    """What is to be said about the interval and the p value of a difference."""
    tested = "" if score.reservation else uncertainty.few_tested(score.groups)
    return notes(score.doubts(), tested)


def _are_groups(patches: set[str], sample: Sample) -> bool:
    """Whether each of the patches is a group of its own, as far as groups are known of all."""
    groups = sample.group[sample.patches.isin(patches)]
    return not sample.ungrouped and len(np.unique(groups)) == len(patches)


def _same_units(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether two classifiers have the same counts of true classes in every patch."""
    first, second = (rows.groupby(["patch", "true"])["count"].sum() for rows in (a, b))
    return first.equals(second)


def _counts_patches(score: Score, classifier: Classifier) -> bool:
    """Whether a score is the share of patches that are right: what McNemar's test is about."""
    return score.metric.id == "oa" and score.weighting == UNWEIGHTED and classifier.task.unit == "patch"


def _mcnemar(a: pd.DataFrame, b: pd.DataFrame) -> float:
    right = [set(rows.loc[rows["true"] == rows["predicted"], "patch"]) for rows in (a, b)]
    return uncertainty.mcnemar(len(right[0] - right[1]), len(right[1] - right[0]))


def paired_table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows of `PAIRED` as a table, with Holm's correction."""
    table = conform(pd.DataFrame(list(rows), columns=list(PAIRED.columns)), PAIRED)
    table["p_holm"] = table.groupby(FAMILY, sort=False)["p"].transform(uncertainty.holm)
    return table
