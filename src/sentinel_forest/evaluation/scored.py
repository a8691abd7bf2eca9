"""A score: its value and replicates, what it is of, and what is to be said about it."""

from dataclasses import dataclass

import numpy as np

from sentinel_forest.config.groups import Kind, least_groups
from sentinel_forest.datasets.metric import ABSENT, NOTHING, Metric, PatchMetric
from sentinel_forest.evaluation import sampling_error, uncertainty
from sentinel_forest.evaluation.confusion import Classifier
from sentinel_forest.evaluation.parts import Summaries, Tables
from sentinel_forest.evaluation.uncertainty import Support
from sentinel_forest.models.scored_pixels import ALL_PIXELS

SAME_PATCHES = "drew the same"
"""Of trials, in a note: their spread is that of their forests, not of draws of the split."""


@dataclass(frozen=True, eq=False)
class Score:
    """A value and its bootstrap replicates.

    `support` tells the groups that it rests on, `undefined` why the value is NaN, `reservation` why all replicates
    are; `parts` are what the groups contribute. `pixels` says which of a patch are scored, `sampling` is the standard
    error that comes from drawing them.
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
    pixels: str = ALL_PIXELS
    sampling: float = 0.0

    @property
    def groups(self) -> int:
        """Number of known groups that it rests on."""
        return self.support.groups

    @property
    def kind(self) -> Kind:
        """What its interval is of."""
        return "summary" if isinstance(self.metric, PatchMetric) else "score"

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
            "pixels": self.pixels,
            "class": self.of_class,
        }

    def why_empty(self, classifier: Classifier, role: str) -> str:
        """Why the value is empty, or nothing."""
        if classifier.constant:
            return f"the layer of {classifier.name} is constant: it predicts nothing but {classifier.constant}"
        if not self.undefined:
            return ""
        text = NOTHING if self.undefined == ABSENT and not self.of_class else self.undefined
        return text.format_map({"role": role, "class": self.of_class})

    def doubts(self) -> str:
        """What is to be said about the interval; without one, the value of each group."""
        return notes(self._doubts_of_groups(), sampling_error.told(self.sampling))

    def _doubts_of_groups(self) -> str:
        if self.reservation:
            return self.reservation
        few = uncertainty.few_groups(self.groups, self.of_class, self.support.lacking, self.kind)
        if self.support.whole < least_groups(self.of_class):
            return notes(few, self._of_each())
        undefined = int(np.isnan(self.replicates).sum())
        if not (np.nanstd(self.replicates) if undefined else self.replicates.std()) > 0:
            return uncertainty.ALIKE
        return notes(few, f"undefined in {undefined} of {len(self.replicates)} draws" if undefined else "")

    def _of_each(self) -> str:
        """The values of the groups that the figure rests on, in the order of their names."""
        values = self.parts.of_groups()
        return "each group: " + ", ".join(f"{value:.3g}" for value in values[~np.isnan(values)])


def notes(*texts: str) -> str:
    """Those texts that say something, as one."""
    return "; ".join(text for text in texts if text)
