"""Scores from a sample of each patch's pixels against those from all: how far off, and whether they know it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.measure import Row
from sentinel_forest.datasets.metric import balanced_accuracy, overall_accuracy, weighted_median
from sentinel_forest.evaluation.sampling_error import HALF_WIDTH, SampledCounts, error_of
from sentinel_forest.models.scored_pixels import allocate

PATCHES, CLASSES, PIXELS, DRAWS = 200, 4, 12_288, 2000
POSITIVE = np.array([False, True, True, False])
BLOCK = 50


def rows(folder: Path) -> Iterator[Row]:
    """The largest deviations over all draws, and how often the interval of the sample holds the value of all pixels."""
    full = population()
    truth, found, widths = values(full[None])[0], [], []
    for first in range(0, DRAWS, BLOCK):
        drawn = sampled(full, np.random.default_rng(first), BLOCK)
        weight = full.sum(axis=2) / np.maximum(drawn.sum(axis=3), 1)
        found.append(values(drawn * weight[..., None]))
        widths += [half_widths(counts, full.sum(axis=2), value) for counts, value in zip(drawn, found[-1], strict=True)]
    off = np.abs(np.concatenate(found) - truth)
    inside = (off <= np.array(widths)).mean(axis=0)
    largest = off.max(axis=0)
    what = f"{PIXELS} pixels of each of {PATCHES} images, {DRAWS:,} samples"
    for name, goal, deviation, held in zip(("OA", "median BOA"), (0.001, 0.005), largest, inside, strict=True):
        yield Row(f"{what}: largest deviation of {name}", f"{goal}", 1.0, float(deviation), goal)
        yield Row(f"{what}: fraction whose interval holds {name} of all pixels", "0.94", 1.0, 0.94, float(held))


def population() -> np.ndarray:
    """Counts of all pixels, int64 (patches, classes, answers): classes and mistakes differ between patches."""
    random = np.random.default_rng(1)
    totals = np.floor(random.dirichlet([0.35] * CLASSES, PATCHES) * 509**2).astype(np.int64)
    right = [random.dirichlet(np.where(np.arange(CLASSES) == each, 5, 0.25), PATCHES) for each in range(CLASSES)]
    return random.multinomial(totals, np.stack(right, axis=1))


def sampled(full: np.ndarray, random: np.random.Generator, draws: int) -> np.ndarray:
    """Counts of samples without replacement: int64 (draws, patches, classes, answers)."""
    totals = full.sum(axis=2)
    left, rest = np.broadcast_to(allocate(totals, PIXELS), (draws, *totals.shape)), totals
    drawn = []
    for answer in range(CLASSES):
        rest = rest - full[:, :, answer]
        drawn.append(random.hypergeometric(full[:, :, answer], rest, left))
        left = left - drawn[-1]
    return np.stack(drawn, axis=-1)


def two_class(counts: np.ndarray) -> np.ndarray:
    """Counts (..., classes, answers) of the question, negative first."""
    by_true = np.stack([counts[..., ~POSITIVE, :].sum(axis=-2), counts[..., POSITIVE, :].sum(axis=-2)], axis=-2)
    return np.stack([by_true[..., ~POSITIVE].sum(axis=-1), by_true[..., POSITIVE].sum(axis=-1)], axis=-1)


def medians(tables: np.ndarray) -> np.ndarray:
    """Median BOA of each draw; NaN left out."""
    return np.array([weighted_median(each, np.ones((1, len(each))))[0] for each in balanced_accuracy(tables)])


def values(counts: np.ndarray) -> np.ndarray:
    """OA and median BOA of each draw: float64 (draws, 2)."""
    return np.column_stack([overall_accuracy(counts.sum(axis=1)), medians(two_class(counts))])


def half_widths(counts: np.ndarray, totals: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Half the widths of the two intervals of the sample."""
    sample = SampledCounts(counts.astype(np.float64), totals.astype(np.float64), np.ones(len(counts)))
    drawn = overall_accuracy(sample.tables()), medians(sample.two_class(POSITIVE, POSITIVE))
    return tuple(HALF_WIDTH * error_of(each, noisy) for each, noisy in zip(value, drawn, strict=True))
