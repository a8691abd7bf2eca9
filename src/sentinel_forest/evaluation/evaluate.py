"""Confusion counts -> scores with their bootstrap replicates.

Intervals come from a bootstrap over groups (`sentinel_forest.evaluation.uncertainty`), in which all classifiers of a
role see the same draws, so that their differences are paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from sentinel_forest.datasets.base import NO_ANSWER
from sentinel_forest.datasets.metric import Function, Metric, PatchMetric, weighted_median
from sentinel_forest.evaluation import metrics, sampling_error, uncertainty
from sentinel_forest.evaluation.cells import Cells, Counts, cells_of
from sentinel_forest.evaluation.confusion import Classifier
from sentinel_forest.evaluation.medians import GroupMedians
from sentinel_forest.evaluation.parts import BLOCK_BYTES, Summaries, Tables
from sentinel_forest.evaluation.scored import Score
from sentinel_forest.evaluation.uncertainty import Support, Supports
from sentinel_forest.models.scored_pixels import ALL_PIXELS

UNWEIGHTED, DESIGN = "none", "design"
"""Weighting of a score: each patch counts once, or 1 / its probability to be drawn."""
WEIGHTINGS = (UNWEIGHTED, DESIGN)


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
    return evaluate_cells(cells_of(rows, classifier, patches.patches), classifier, patches)


def evaluate_cells(cells: Cells, classifier: Classifier, patches: Sample, brief: bool = False) -> list[Score]:
    """As `evaluate`, from counts; `brief` leaves out classes, and of questions all but the headline."""
    plain = list(_scores(Counts(*cells, np.ones(len(patches.patches))), classifier, patches, brief))
    if not patches.is_weighted:
        return plain
    weighted = _scores(Counts(*cells, patches.weight), classifier, patches, brief)
    return [*plain, *(replace(score, weighting=DESIGN) for score in weighted)]


class Pooled(NamedTuple):
    """Counts of groups and draws, (..., classes, answers).

    `tables` (1 + draws, ...) with weights, the sample itself first; `by_group` without; `of_group` with weights;
    `units`, of `by_group`, those that were scored; `noisy` draws of what the sampling of pixels adds, or nothing.
    """

    tables: np.ndarray
    by_group: np.ndarray
    of_group: np.ndarray
    units: np.ndarray
    noisy: np.ndarray | None

    def map(self, function: Function) -> "Pooled":
        """The same after a function of the last two axes; without weights, most of them are one array."""
        made = {id(each): function(each) for each in {id(each): each for each in self if each is not None}.values()}
        return Pooled(*(None if each is None else made[id(each)] for each in self))  # type: ignore[arg-type]


def _pooled(counts: Counts, patches: Sample, shape: tuple[int, int]) -> Pooled:
    """`Pooled` of all classes and answers."""
    plain = patches.membership @ counts.cells
    weighted = plain
    if (counts.weight != 1).any():
        weighted = patches.membership @ (sparse.diags_array(counts.weight).tocsr() @ counts.cells)
    by_group = of_group = units = plain.toarray().reshape(-1, *shape)
    if weighted is not plain:
        of_group = weighted.toarray().reshape(-1, *shape)
    if counts.is_sample:
        units = (patches.membership @ counts.counts).toarray().reshape(-1, *shape)
    # Sparse products add up in one fixed order, dense ones in an order that depends on the cores.
    tables = (weighted.T @ patches.draws.T).T.reshape(-1, *shape)
    noisy = counts.sampled(shape).tables() if counts.is_sample else None
    return Pooled(tables, by_group, of_group, units, noisy)


def _scores(counts: Counts, classifier: Classifier, patches: Sample, brief: bool) -> Iterator[Score]:
    """Scores of counts; how much they rest on is counted without weights."""
    shape = len(classifier.task.names), len(classifier.predicted)
    pooled = _pooled(counts, patches, shape)
    for score in _all_scores(counts, pooled, classifier, patches, brief):
        yield score if classifier.pixels == ALL_PIXELS else replace(score, pixels=classifier.pixels)


def _all_scores(
    counts: Counts, pooled: Pooled, classifier: Classifier, patches: Sample, brief: bool
) -> Iterator[Score]:
    silent = [name for name in classifier.predicted if name == NO_ANSWER]
    if set(classifier.predicted) == {*classifier.task.names, *silent}:
        order = [classifier.predicted.index(name) for name in (*classifier.task.names, *silent)]
        yield from _class_scores(classifier, pooled.map(lambda each: each[..., order]), patches, brief)
    for question in classifier.task.questions:
        if question.name in classifier.positive:
            sides = (
                np.isin(classifier.task.names, question.positive),
                np.isin(classifier.predicted, classifier.positive[question.name]),
            )
            two = pooled.map(partial(_two_class, true=sides[0], predicted=sides[1]))
            for metric in metrics.QUESTION:
                if brief and not metric.headline:
                    continue
                parts = Tables(two.of_group, metric.function)
                yield _pooled_score(metric, question.name, _values(metric, two, patches.groups), parts, patches)
            yield from _patch_scores(counts, classifier, question.name, sides, patches, brief)


class Values(NamedTuple):
    """What a metric makes of `Pooled`: values of draws, scored units, the groups they are of, values with noise.

    All values, or those of the class at `place`.
    """

    drawn: np.ndarray
    units: np.ndarray
    supports: Supports
    noisy: np.ndarray | None
    place: tuple[int, ...] = ()

    @property
    def support(self) -> Support:
        """The groups that they rest on."""
        return self.supports.at(*self.place)

    def of_class(self, place: int) -> "Values":
        """Those of one class."""
        noisy = None if self.noisy is None else self.noisy[..., place]
        return Values(self.drawn[..., place], self.units[..., place], self.supports, noisy, (place,))


def _values(metric: Metric, pooled: Pooled, groups: int) -> Values:
    units = metric.support(pooled.by_group if pooled.noisy is None else pooled.units)
    noisy = None if pooled.noisy is None else metric.function(pooled.noisy)
    return Values(metric.function(pooled.tables), units, Supports.of(metric, pooled.by_group[:groups]), noisy)


def _pooled_score(metric: Metric, of_class: str, values: Values, parts: Tables, patches: Sample) -> Score:
    score = _score(metric, of_class, values.drawn, int(values.units.sum()), values.support, parts, patches)
    if values.noisy is None:
        return score
    return replace(score, sampling=sampling_error.error_of(score.value, values.noisy))


def _class_scores(classifier: Classifier, pooled: Pooled, patches: Sample, brief: bool) -> Iterator[Score]:
    """Scores over all classes and, unless `brief`, of each class."""
    for metric in metrics.overall(classifier.task):
        parts = Tables(pooled.of_group, metric.function)
        yield _pooled_score(metric, "", _values(metric, pooled, patches.groups), parts, patches)
    for metric in () if brief else metrics.PER_CLASS:
        values = _values(metric, pooled, patches.groups)
        for place, name in enumerate(classifier.task.names):
            parts = Tables(pooled.of_group, partial(_of_class, metric.function, place))
            yield _pooled_score(metric, name, values.of_class(place), parts, patches)


def _of_class(function: Function, place: int, tables: np.ndarray) -> np.ndarray:
    """The value of one class."""
    return function(tables)[..., place]


def _patch_scores(
    counts: Counts,
    classifier: Classifier,
    question: str,
    sides: tuple[np.ndarray, np.ndarray],
    patches: Sample,
    brief: bool,
) -> Iterator[Score]:
    """Summaries over patches of a question; `sides` tell which classes and answers are positive.

    Those that count patches in bins are not given for a sample of pixels: noise moves patches from bin to bin.
    """
    shown = [each for each in metrics.per_patch(classifier.task) if each.headline or not brief]
    of_task = [each for each in shown if not (counts.is_sample and each.of_bins)]
    if not of_task:
        return
    shape = len(classifier.task.names), len(classifier.predicted)
    each = counts.cells.toarray().reshape(-1, *shape)
    first = np.isin(classifier.task.names, classifier.task.questions[0].positive)
    some = each[:, first].sum(axis=(1, 2)) > 0
    two = _two_class(each, *sides)
    values = {metric: np.where(some | (not metric.with_positives), metric.value(two), np.nan) for metric in of_task}
    sampled = counts.sampled(shape) if counts.is_sample else None
    noisy = sampled.two_class(*sides) if sampled else None
    for score in summarise(values, question, patches, counts.weight):
        if sampled is None or noisy is None or not isinstance(score.metric, PatchMetric):
            yield score
        else:
            yield replace(score, sampling=sampled.error_of_summary(score.value, score.metric, some, noisy))


def summarise(
    values: Mapping[PatchMetric, np.ndarray], question: str, patches: Sample, weight: np.ndarray
) -> Iterator[Score]:
    """Summaries of values of each patch (float64 (patches,), NaN where undefined), with `weight` (patches,)."""
    medians = [metric for metric in values if metric.summary is weighted_median]
    summaries: dict[PatchMetric, list[np.ndarray]] = {metric: [] for metric in values if metric not in medians}
    for draws in patches.patch_draws() if summaries else ():
        weights = draws * weight
        for metric, found in summaries.items():
            found.append(metric.summary(values[metric], weights))
    for metric in medians:
        over_groups = GroupMedians(values[metric], weight, patches.group, patches.draws.shape[1])
        summaries[metric] = [over_groups.of(patches.draws)]
    for metric in values:
        found = summaries[metric]
        known = ~np.isnan(values[metric])
        units = np.bincount(patches.group, weights=known, minlength=patches.draws.shape[1])
        parts = Summaries(values[metric], weight, patches.group, patches.draws.shape[1], metric.summary)
        support = _support(metric, units, parts, patches.groups)
        yield _score(metric, question, np.concatenate(found), int(known.sum()), support, parts, patches)


def _support(metric: PatchMetric, units: np.ndarray, parts: Summaries, groups: int) -> Support:
    """The known groups that a summary rests on; `units` (groups,): patches with a value."""
    if metric.of_bins:
        return Support.of_bin(units[:groups], parts.of_groups()[:groups])
    return Support.of(units[:groups])


def _two_class(counts: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts (..., true, predicted) added up to (..., 2, 2), negative first."""
    by_true = np.stack([counts[..., ~true, :].sum(axis=-2), counts[..., true, :].sum(axis=-2)], axis=-2)
    return np.stack([by_true[..., ~predicted].sum(axis=-1), by_true[..., predicted].sum(axis=-1)], axis=-1)


def _score(
    metric: Metric | PatchMetric,
    of_class: str,
    values: np.ndarray,
    n: int,
    support: Support,
    parts: Tables | Summaries,
    patches: Sample,
) -> Score:
    """`values` (1 + draws,), the sample itself first."""
    replicates = np.concatenate([values[1:], np.full(patches.undrawn, np.nan)])
    return Score(
        metric,
        of_class,
        UNWEIGHTED,
        float(values[0]),
        replicates,
        n,
        support,
        parts,
        metric.undefined if np.isnan(values[0]) else "",
        patches.reservation,
    )
