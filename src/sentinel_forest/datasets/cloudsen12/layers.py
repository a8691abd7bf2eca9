"""Layers of a split against each other: algorithms against labels drawn by hand, and images that are twice there."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sentinel_forest.datasets.cloudsen12.vocabulary import CATEGORIES, CODES, FIRST_CODE, LABEL, REFERENCES, TASK
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.terms import Reference

PERCENT = 40
"""Probability in percent from which on a pixel counts as cloud here."""

LEAST_AGREEMENT, BLOCK, MIXED = 0.1, 200, 20
"""Correlation of the clouds of an algorithm with those of the labels within images, by blocks of so many images, of
which so many have both cloud and none. Masks of other images, mirrored ones and reversed codes have about 0 or less."""

COPIED = 0.999
"""Fraction of sampled pixels in which no algorithm agrees with people."""

SAME_IMAGES = 10
"""Images that two bands cannot share by chance."""


def algorithm_findings(split: str, samples: Mapping[str, np.ndarray]) -> Iterator[Finding]:
    """The check ``algorithms``: whether masks of algorithms go along with the labels.

    Parameters
    ----------
    split : str
        Name of the split, for the findings.
    samples : mapping
        By layer, stored values of the same pixels of all images: (images, pixels).
    """
    if LABEL not in samples:
        return
    manual = np.isin(samples[LABEL], [kind.code for kind in CATEGORIES if kind.name in TASK.questions[0].positive])
    expected = f"clouds that go along with those of {LABEL} within images, and are not the same"
    compared = dict(_compared(samples, manual))
    for layer, fault in compared.items():
        if fault:
            remedy = "the layer is of other rows, mirrored, of other codes, or a copy: fetch it again"
            yield Finding(f"{split}/{layer}.dat", "content", "algorithms", "failed", fault, expected, remedy, "kept")
    path = f"{split}/{LABEL}.dat"
    if not compared:
        few = f"not computed: no algorithm with {MIXED} images in which both it and the labels have cloud and none"
        yield Finding(path, "content", "algorithms", "note", few, expected)
    elif not any(compared.values()):
        yield Finding(path, "content", "algorithms", "ok", f"compared: {', '.join(compared)}", expected)


def _compared(samples: Mapping[str, np.ndarray], manual: np.ndarray) -> Iterator[tuple[str, str]]:
    """Layer of each mask that could be compared with the labels, and what is wrong with it, "" if nothing."""
    for reference in REFERENCES.values():
        codes = samples.get(reference.layer)
        if codes is None or codes.shape != manual.shape or codes.min() == codes.max():
            continue
        fault = _fault(codes, _clouds(reference, codes), manual, _is_percent(reference))
        if fault is not None:
            yield reference.layer, fault


def _is_percent(reference: Reference) -> bool:
    """Whether an algorithm gives probabilities in percent."""
    return max(CODES.get(reference.layer, (0,))) == 100


def _clouds(reference: Reference, codes: np.ndarray) -> np.ndarray:
    """Where an algorithm sees clouds; without the smoothing that its scores have."""
    if _is_percent(reference):
        return np.asarray(codes > PERCENT)
    first = FIRST_CODE.get(reference.layer, 0)
    cloudy = [first + place for place, kind in enumerate(reference.predicted) if kind in reference.answers["cloud"]]
    return np.isin(codes, cloudy)


def _fault(codes: np.ndarray, clouds: np.ndarray, manual: np.ndarray, percent: bool) -> str | None:
    """What is wrong with a mask, "" if nothing; None where too few images can tell."""
    both = _is_mixed(manual)
    if percent and codes.max() <= 1 and both.sum() >= MIXED:
        return "no value above 1 where percent are expected"
    if both.sum() >= MIXED and (clouds == manual)[both].mean() >= COPIED:
        return f"the same clouds as the labels, in {both.sum()} images"
    compared = False
    for start in range(0, len(manual), BLOCK):
        here = slice(start, start + BLOCK)
        told = _is_mixed(manual[here]) & _is_mixed(clouds[here])
        if told.sum() >= MIXED:
            compared = True
            agreement = _agreement(clouds[here][told], manual[here][told])
            if agreement < LEAST_AGREEMENT:
                return f"correlation {agreement:.2f} in rows {start} to {min(start + BLOCK, len(manual)) - 1}"
    return "" if compared else None


def _is_mixed(clouds: np.ndarray) -> np.ndarray:
    """Which images (images, pixels) have both cloud and none."""
    return np.asarray(clouds.any(axis=1) & ~clouds.all(axis=1))


def _agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of two masks, both centred in each image."""
    one, other = (mask - mask.mean(axis=1, keepdims=True) for mask in (first, second))
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


def same_layer_findings(split: str, hashes: pd.DataFrame) -> Iterator[Finding]:
    """The check ``same-layers``: whether bands share images, as where one was written in the place of another.

    Parameters
    ----------
    split : str
        Name of the split, for the finding.
    hashes : DataFrame
        Of the split, see `sentinel_forest.datasets.findings.hash_table`.
    """
    bands = hashes[hashes["layer"].str.match("(?:L1C|L2A)_B") & (hashes["empty"] == 0)]
    again = bands[bands.duplicated(["row", "hash"], keep=False)]
    pairs = again.merge(again, on=["row", "hash"]).query("layer_x < layer_y")
    pairs = pairs[pairs["layer_x"].str.startswith("L1C")]  # where level 2A is missing, its bands may have one fill
    counts = pairs.groupby(["layer_x", "layer_y"]).size()
    for one, other, count in counts[counts >= SAME_IMAGES].reset_index().itertuples(index=False):
        remedy = "one layer was written in the place of the other: fetch both again"
        found, expected = f"{one} and {other} are the same in {count} images", "other values in each layer"
        yield Finding(f"{split}/", "content", "same-layers", "failed", found, expected, remedy, "kept")
