"""Confusion counts -> scores with their bootstrap replicates.

Intervals come from a bootstrap over groups (`sentinel_forest.evaluation.uncertainty`), in which all classifiers of a
role see the same draws, so that their differences are paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd
from scipy import sparse

from sentinel_forest.config.groups import least_groups
from sentinel_forest.datasets.base import NO_ANSWER
from sentinel_forest.datasets.metric import NOTHING, Function, Metric, PatchMetric
from sentinel_forest.evaluation import metrics, uncertainty
from sentinel_forest.evaluation.confusion import Classifier
from sentinel_forest.evaluation.parts import BLOCK_BYTES, Summaries, Tables
from sentinel_forest.evaluation.uncertainty import Support

UNWEIGHTED, DESIGN = "none", "design"
"""Weighting of a score: each patch counts once, or 1 / its probability to be drawn."""
WEIGHTINGS = (UNWEIGHTED, DESIGN)
ALL_PIXELS = "all"
"""Of a scored patch, every pixel with known truth counts."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The patches of a role and the draws over their groups.

    `group` (patches,) is the index of each patch's group; `weight` (patches,) its design weight;
    `draws` (1 + draws, groups) how often a group counts, the first row being the sample itself.

    Where the group of `ungrouped` patches is unknown, nothing says which patches belong together: there is
    the sample itself and no draw (`undrawn` are left out), and these patches stand last, as if one group.
    """

    patches: pd.Index
    group: np.ndarray
    weight: np.ndarray
    draws: np.ndarray
    ungrouped: int = 0
    undrawn: int = 0

    @property
    def groups(self) -> int:
        """Number of known groups."""
        return int(self.draws.shape[1]) - (self.ungrouped > 0)

    @property
    def reservation(self) -> str:
        """Why there are no draws, or nothing."""
        return uncertainty.ungrouped(self.ungrouped, len(self.patches))

    @property
    def is_weighted(self) -> bool:
        """Whether patches were drawn with unequal probabilities."""
        return bool((self.weight != 1).any())

    def patch_draws(self) -> Iterator[np.ndarray]:
        """How often each patch counts, (some, patches): the rows of `draws` in blocks of `BLOCK_BYTES`."""
        some = max(2, BLOCK_BYTES // (self.draws.itemsize * max(1, len(self.group))))
        for first in range(0, len(self.draws), some):
            yield self.draws[first : first + some, self.group]

    @cached_property
    def membership(self) -> sparse.csr_array:
        """1 where a patch is of a group, (groups, patches)."""
        patches, groups = len(self.group), self.draws.shape[1]
        places = self.group, np.arange(patches)
        return sparse.csr_array((np.ones(patches), places), shape=(groups, patches))


@dataclass(frozen=True, eq=False)
class Score:
    """A value and its bootstrap replicates.

    `support` tells the groups that it rests on, `undefined` why the value is NaN, `reservation` why all replicates
    are; `parts` are what the groups contribute.
    """

    metric: Metric | PatchMetric
    of_class: str
    weighting: str
    value: float
    replicates: np.ndarray
    n: int
    support: Support
    parts: Tables | Summaries
    undefined: str = ""
    reservation: str = ""

    @property
    def groups(self) -> int:
        """Number of known groups that it rests on."""
        return self.support.groups

    @property
    def span(self) -> tuple[float, float]:
        """Range of the values of the metric."""
        return self.metric.low, self.metric.high

    def interval(self) -> tuple[float, float]:
        """95 % interval of the value; NaN where there is none."""
        least = least_groups(self.of_class)
        return uncertainty.interval(self.value, self.replicates, self.support, self.span, least)

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes scores of two classifiers comparable."""
        return self.metric.id, self.weighting, self.of_class

    @property
    def about(self) -> dict[str, str]:
        """The entries of a row that say which figure it is."""
        return {
            "metric": self.metric.id,
            "definition": self.metric.definition,
            "weighting": self.weighting,
            "pixels": ALL_PIXELS,
            "class": self.of_class,
        }

    def why_empty(self, classifier: Classifier, role: str) -> str:
        """Why the value is empty, or nothing."""
        if classifier.constant:
            return f"the layer of {classifier.name} is constant: it predicts nothing but {classifier.constant}"
        if not self.undefined:
            return ""
        if not self.n and not self.of_class:
            return NOTHING.format(role=role)
        return self.undefined.format_map({"role": role, "class": self.of_class})

    def doubts(self) -> str:
        """What is to be said about the interval; without one, the value of each group."""
        if self.reservation:
            return self.reservation
        few = uncertainty.few_groups(self.groups, self.of_class)
        if self.groups < least_groups(self.of_class):
            return notes(few, self._of_each())
        if not np.nanstd(self.replicates) > 0:
            return uncertainty.ALIKE
        undefined = int(np.isnan(self.replicates).sum())
        return notes(few, f"undefined in {undefined} of {len(self.replicates)} draws" if undefined else "")

    def _of_each(self) -> str:
        """The values of the groups that the figure rests on, in the order of their names."""
        values = self.parts.of_groups()
        return "each group: " + ", ".join(f"{value:.3g}" for value in values[~np.isnan(values)])


def notes(*texts: str) -> str:
    """Those texts that say something, as one."""
    return "; ".join(text for text in texts if text)


def sample(patches: pd.DataFrame, draws: int, seed: int) -> Sample:
    """The patches (patch, group, weight) of a role, with `draws` draws over their groups."""
    names = known_groups(patches)
    return drawn(patches, names, uncertainty.resamples(len(names), draws, seed))


def known_groups(*tables: pd.DataFrame) -> list[str]:
    """The groups of some patches, sorted; a blank one is unknown."""
    return sorted({name for table in tables for name in _named(table["group"]).dropna().unique()})


def _named(groups: pd.Series) -> pd.Series:
    """Groups, missing where they are unknown."""
    return groups.where(groups.notna() & (groups != ""))


def drawn(patches: pd.DataFrame, names: Sequence[str], counts: np.ndarray) -> Sample:
    """The patches (patch, group, weight) with draws over more groups than theirs may be.

    `counts` (draws, groups) tells how often each of the groups `names` counts in a draw.
    """
    group, present = pd.factorize(_named(patches["group"]), sort=True)
    about = pd.Index(patches["patch"]), group, patches["weight"].to_numpy(np.float64)
    if ungrouped := int((group < 0).sum()):
        group[group < 0] = len(present)
        return Sample(*about, np.ones((1, len(present) + 1)), ungrouped, len(counts))
    mine = counts[:, pd.Index(names).get_indexer(pd.Index(present))]
    return Sample(*about, np.vstack([np.ones((1, len(present))), mine]))


def evaluate(rows: pd.DataFrame, classifier: Classifier, patches: Sample) -> list[Score]:
    """All scores of a classifier in a role, without weights and, where that differs, with those of the design.

    Parameters
    ----------
    rows : DataFrame
        Rows of the confusion table of this classifier and role.
    classifier : Classifier
        What it predicts and answers.
    patches : Sample
        The role; patches without rows (nothing valid in them) take no part.
    """
    cells = _cells(rows, classifier, patches)
    plain = list(_scores(cells, classifier, patches, np.ones(len(patches.patches))))
    if not patches.is_weighted:
        return plain
    weighted = _scores(cells, classifier, patches, patches.weight)
    return [*plain, *(replace(score, weighting=DESIGN) for score in weighted)]


def _cells(rows: pd.DataFrame, classifier: Classifier, patches: Sample) -> sparse.csr_array:
    """Counts (patches, true x predicted)."""
    true = pd.Index(classifier.task.names).get_indexer(pd.Index(rows["true"]))
    predicted = pd.Index(classifier.predicted).get_indexer(pd.Index(rows["predicted"]))
    place = patches.patches.get_indexer(pd.Index(rows["patch"]))
    shape = len(patches.patches), len(classifier.task.names) * len(classifier.predicted)
    count = rows["count"].to_numpy(np.float64)
    return sparse.csr_array((count, (place, true * len(classifier.predicted) + predicted)), shape=shape)


def _scores(cells: sparse.csr_array, classifier: Classifier, patches: Sample, weight: np.ndarray) -> Iterator[Score]:
    """Scores of counts times `weight` (patches,); how much they rest on is counted without it."""
    shape = len(classifier.task.names), len(classifier.predicted)
    weighted = sparse.diags_array(weight).tocsr() @ cells
    by_group = (patches.membership @ cells).toarray().reshape(-1, *shape)
    of_group = (patches.membership @ weighted).toarray().reshape(-1, *shape)
    # Sparse products add up in one fixed order, dense ones in an order that depends on the cores.
    tables = ((patches.membership @ weighted).T @ patches.draws.T).T.reshape(-1, *shape)
    silent = [name for name in classifier.predicted if name == NO_ANSWER]
    if set(classifier.predicted) == {*classifier.task.names, *silent}:
        order = [classifier.predicted.index(name) for name in (*classifier.task.names, *silent)]
        yield from _class_scores(classifier, tables[..., order], by_group[..., order], of_group[..., order], patches)
    for question in classifier.task.questions:
        if question.name in classifier.positive:
            sides = (
                np.isin(classifier.task.names, question.positive),
                np.isin(classifier.predicted, classifier.positive[question.name]),
            )
            two, support, own = (_two_class(each, *sides) for each in (tables, by_group, of_group))
            for metric in metrics.QUESTION:
                parts = Tables(own, metric.function)
                yield _score(metric, question.name, metric.function(two), metric.support(support), parts, patches)
            if summaries := metrics.per_patch(classifier.task):
                each = cells.toarray().reshape(-1, *shape)
                first = np.isin(classifier.task.names, classifier.task.questions[0].positive)
                some = each[:, first].sum(axis=(1, 2)) > 0
                two = _two_class(each, *sides)
                yield from _patch_scores(summaries, question.name, two, some, patches, weight)


def _class_scores(
    classifier: Classifier, tables: np.ndarray, by_group: np.ndarray, of_group: np.ndarray, patches: Sample
) -> Iterator[Score]:
    """Scores over all classes and of each class; `tables` (1 + draws, C, C), `by_group` (groups, C, C), and the same
    with weights."""
    for metric in metrics.overall(classifier.task):
        parts = Tables(of_group, metric.function)
        yield _score(metric, "", metric.function(tables), metric.support(by_group), parts, patches)
    for metric in metrics.PER_CLASS:
        values, support = metric.function(tables), metric.support(by_group)
        for place, name in enumerate(classifier.task.names):
            parts = Tables(of_group, partial(_of_class, metric.function, place))
            yield _score(metric, name, values[:, place], support[:, place], parts, patches)


def _of_class(function: Function, place: int, tables: np.ndarray) -> np.ndarray:
    """The value of one class."""
    return function(tables)[..., place]


def _patch_scores(
    metrics_of_task: Sequence[PatchMetric],
    question: str,
    counts: np.ndarray,
    some: np.ndarray,
    patches: Sample,
    weight: np.ndarray,
) -> Iterator[Score]:
    """Summaries over patches of a question; `counts` (patches, 2, 2).

    `some` (patches,), bool, tells the patches that have positives of the task's first question.
    """
    values = {
        metric: np.where(some | (not metric.with_positives), metric.value(counts), np.nan) for metric in metrics_of_task
    }
    yield from summarise(values, question, patches, weight)


def summarise(
    values: Mapping[PatchMetric, np.ndarray], question: str, patches: Sample, weight: np.ndarray
) -> Iterator[Score]:
    """Summaries of values of each patch (float64 (patches,), NaN where undefined), with `weight` (patches,)."""
    summaries: dict[PatchMetric, list[np.ndarray]] = {metric: [] for metric in values}
    for draws in patches.patch_draws():
        weights = draws * weight
        for metric, found in summaries.items():
            found.append(metric.summary(values[metric], weights))
    for metric, found in summaries.items():
        known = ~np.isnan(values[metric])
        support = np.bincount(patches.group, weights=known, minlength=patches.draws.shape[1])
        parts = Summaries(values[metric], weight, patches.group, patches.draws.shape[1], metric.summary)
        yield _score(metric, question, np.concatenate(found), support, parts, patches)


def _two_class(counts: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts (..., true, predicted) added up to (..., 2, 2), negative first."""
    by_true = np.stack([counts[..., ~true, :].sum(axis=-2), counts[..., true, :].sum(axis=-2)], axis=-2)
    return np.stack([by_true[..., ~predicted].sum(axis=-1), by_true[..., predicted].sum(axis=-1)], axis=-1)


def _score(
    metric: Metric | PatchMetric,
    of_class: str,
    values: np.ndarray,
    support: np.ndarray,
    parts: Tables | Summaries,
    patches: Sample,
) -> Score:
    """`values` (1 + draws,), the sample itself first; `support` (groups,)."""
    replicates = np.concatenate([values[1:], np.full(patches.undrawn, np.nan)])
    return Score(
        metric,
        of_class,
        UNWEIGHTED,
        float(values[0]),
        replicates,
        int(support.sum()),
        Support.of(support[: patches.groups]),
        parts,
        metric.undefined if np.isnan(values[0]) else "",
        patches.reservation,
    )
