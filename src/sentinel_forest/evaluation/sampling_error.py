"""The error of a score that comes from scoring a sample of each patch's pixels instead of all, and from nothing else.

Pixels are drawn without replacement from each class of each patch (`sentinel_forest.models.scored_pixels`). So how many
of a class get which answer is known up to a variance with a closed form, and draws with these variances tell how far a
score may be from its value on all pixels. The interval over groups holds this error already: it is between patches.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sentinel_forest.datasets.metric import PatchMetric, ratio, weighted_mean, weighted_median
from sentinel_forest.evaluation.medians import row_medians

DRAWS = 400
"""Draws from which the error of a score is told: it is known to a thirtieth of itself."""
HALF_WIDTH = 1.966
"""Half the width of a 95 % interval in standard errors from `DRAWS` draws (Student's t)."""


@dataclass(frozen=True, eq=False)
class SampledCounts:
    """Counts of sampled pixels of each patch.

    Parameters
    ----------
    counts : ndarray
        float64 (patches, classes, answers): sampled pixels.
    totals : ndarray
        float64 (patches, classes): pixels that they were drawn from.
    weight : ndarray
        float64 (patches,): how often a patch counts.
    """

    counts: np.ndarray
    totals: np.ndarray
    weight: np.ndarray

    @cached_property
    def fractions(self) -> np.ndarray:
        """Fraction of each answer among the sampled pixels of a class: (patches, classes, answers)."""
        return np.asarray(self.counts / np.maximum(self.counts.sum(axis=2, keepdims=True), 1))

    @cached_property
    def scale(self) -> np.ndarray:
        """N^2 (1 - n / N) / (n - 1) of n of N pixels: (patches, classes); times p (1 - p) it is the variance of N p.

        Cochran 1977, Sampling Techniques, 3rd edition, theorem 3.2.
        """
        drawn = self.counts.sum(axis=2)
        left_out = 1 - drawn / np.maximum(self.totals, 1)
        return np.asarray(self.totals**2 * left_out / np.maximum(drawn - 1, 1))

    def tables(self, seed: int = 0) -> np.ndarray:
        """Draws of the table of all patches together: float64 (`DRAWS`, classes, answers)."""
        fractions, scale = self.fractions, self.scale * self.weight[:, None] ** 2
        table = np.einsum("k,kc,kca->ca", self.weight, self.totals, fractions)
        spread = -np.einsum("kc,kca,kcb->cab", scale, fractions, fractions, optimize=True)
        answers = np.arange(table.shape[1])
        spread[:, answers, answers] += np.einsum("kc,kca->ca", scale, fractions)
        generator = np.random.default_rng(seed)
        rows = [
            generator.multivariate_normal(mean, cov, DRAWS, method="eigh", check_valid="ignore")
            for mean, cov in zip(table, spread, strict=True)
        ]
        return np.maximum(np.stack(rows, axis=1), 0)

    def two_class(self, true: np.ndarray, predicted: np.ndarray, seed: int = 0) -> np.ndarray:
        """Draws of the two-class table of each patch, negative first: float64 (`DRAWS`, patches, 2, 2).

        `true` (classes,) and `predicted` (answers,), bool, tell what is positive.
        """
        positive = self.fractions[:, :, predicted].sum(axis=2)
        spread = self.scale * positive * (1 - positive)
        generator = np.random.default_rng(seed)
        drawn = []
        for side in (~true, true):
            whole = self.totals[:, side].sum(axis=1)
            mean = (self.totals * positive)[:, side].sum(axis=1)
            error = np.sqrt(np.maximum(spread[:, side].sum(axis=1), 0))
            said = np.clip(generator.normal(mean, error, (DRAWS, len(mean))), 0, whole)
            drawn.append(np.stack([whole - said, said], axis=-1))
        return np.stack(drawn, axis=-2)

    def error_of_summary(self, value: float, metric: PatchMetric, some: np.ndarray, tables: np.ndarray) -> float:
        """Error of a summary over patches; `tables` of `two_class`, `some` (patches,) as for the summary."""
        kept = some | (not metric.with_positives)
        values = np.where(kept, metric.value(tables), np.nan)
        return error_of(value, self._summaries(metric, values))

    def _summaries(self, metric: PatchMetric, values: np.ndarray) -> np.ndarray:
        """Summaries of each draw of values (draws, patches)."""
        if metric.summary is weighted_median:
            return row_medians(values, self.weight)
        if metric.summary is weighted_mean:
            known = ~np.isnan(values)
            return ratio(np.where(known, values, 0.0) @ self.weight, known @ self.weight)
        return np.array([metric.summary(each, self.weight[None, :])[0] for each in values])


def error_of(value: float, drawn: np.ndarray) -> float:
    """Root mean square of what draws (draws,) differ from the value of a score; 0 where none is defined.

    Around the value and not around their mean, so that it holds the bias of medians, too.
    """
    known = drawn[~np.isnan(drawn)]
    return float(np.sqrt(np.mean(np.square(known - value)))) if len(known) else 0.0


def told(error: float) -> str:
    """What a note says of the error of a score."""
    return f"from a sample of pixels: +- {HALF_WIDTH * error:.2g} (95 %) by that alone" if error > 0 else ""
