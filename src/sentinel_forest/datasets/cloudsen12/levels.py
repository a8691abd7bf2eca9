"""Level 2A against level 1C of the same rows, and scribbles against labels drawn by hand."""

from collections.abc import Iterator, Mapping

import numpy as np

from sentinel_forest.datasets.band_rules import ENOUGH_VALUES, ORDER_IMAGES, blocks, correlations
from sentinel_forest.datasets.cloudsen12.vocabulary import LABEL, LAYERS, SCRIBBLES
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.sensors import SENTINEL_2

LEAST_SAME = 0.5
"""Median correlation, within images, of a band in both levels: the correction hardly changes with the place."""

GAINED = 0.1
"""By how much another band may go along better: neighbours do nearly as well as the band itself."""

BRIGHT, RATIOS = 0.3, (0.2, 5.0)
"""Reflectance above which pixels are compared by their ratio, and the medians that a correction can give: it takes
scattered light away (a tenth in the blue at most), and makes up for what water vapour took (B9)."""

DARK, RAISED = 0.1, 0.05
"""Reflectance below which pixels are compared by their difference, and the median from which on level 2A is raised:
of dark pixels, the correction takes light away."""

ABSORBED = "B9"
"""The band that water vapour darkens: its correction may add any amount."""

SHIFTS, DRAWN, STANDING_OUT = 30, 200, 5.0
"""Rows by which scribbles are moved to look for their labels; sampled pixels with a scribble that this needs; and the
standard deviations by which the agreement of one shift stands out from that of the others."""


def level_findings(split: str, samples: Mapping[str, np.ndarray]) -> Iterator[Finding]:
    """The check ``level-2a``: whether bands of level 2A are those of level 1C, of the same rows and in the same unit.

    Parameters
    ----------
    split : str
        Name of the split, for the finding.
    samples : mapping
        By layer, stored values of the same pixels of all images: (images, pixels).
    """
    levels: dict[str, dict[str, np.ndarray]] = {"L1C": {}, "L2A": {}}
    for layer, values in samples.items():
        band, level = LAYERS[layer].band, layer[:3]
        if band and level in levels:
            levels[level][band.name] = values * LAYERS[layer].factor
    pairs = [name for name in SENTINEL_2 if all(name in bands for bands in levels.values())]
    pairs = [name for name in pairs if levels["L2A"][name].shape == levels["L1C"][name].shape]
    if not pairs:
        return
    expected = f"bands as in level 1C: correlation of {LEAST_SAME:g} or more within images, no other scale or offset"
    told = {name: fault for name in pairs if (fault := _fault(name, levels["L2A"][name], levels["L1C"])) is not None}
    faults = [f"L2A_{name} {fault}" for name, fault in told.items() if fault]
    if faults:
        found = "; ".join(faults[:3]) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")
        remedy = "level 2A is of other rows, bands or units: fetch these layers again"
        yield Finding(f"{split}/", "content", "level-2a", "failed", found, expected, remedy, "kept")
    elif told:
        yield Finding(f"{split}/", "content", "level-2a", "ok", f"compared: {', '.join(told)}", expected)
    else:
        few = f"not computed: no band with {ORDER_IMAGES} images that can tell"
        yield Finding(f"{split}/", "content", "level-2a", "note", few, expected)


def _fault(name: str, corrected: np.ndarray, bands: Mapping[str, np.ndarray]) -> str | None:
    """What is wrong with a band of level 2A, "" if nothing; None where too few images can tell."""
    own = correlations(corrected, bands[name])
    told = list(blocks(own))
    for images, median, _ in told:
        if median < LEAST_SAME:
            return f"has a correlation of {median:.2f} with L1C_{name} in images {images}"
    if unit := _unit_fault(name, corrected, bands[name]):
        return unit
    for other, values in bands.items():
        gains = correlations(corrected, values) - own if values.shape == corrected.shape else np.array([])
        gains = gains[np.isfinite(gains)]
        if len(gains) >= ORDER_IMAGES and np.median(gains) > GAINED:
            return f"goes along with L1C_{other} better than with L1C_{name}, by {np.median(gains):.2f}"
    return "" if told else None


def _unit_fault(name: str, corrected: np.ndarray, original: np.ndarray) -> str:
    """Another scale, told from bright pixels, or an offset, told from dark ones; "" if there is none."""
    measured = (original > 0) & (corrected > 0)
    bright, dark = measured & (original > BRIGHT), measured & (original < DARK)
    if bright.sum() >= ENOUGH_VALUES:
        ratio = float(np.median(corrected[bright] / original[bright]))
        if not RATIOS[0] <= ratio <= RATIOS[1]:
            return f"is {ratio:.3g} times L1C_{name} in bright pixels"
    if dark.sum() >= ENOUGH_VALUES and name != ABSORBED:
        raised = float(np.median(corrected[dark] - original[dark]))
        if raised > RAISED:
            return f"is {raised:.3f} above L1C_{name} in dark pixels"
    return ""


def scribble_findings(split: str, samples: Mapping[str, np.ndarray]) -> Iterator[Finding]:
    """The check ``scribbles``: whether those of ``manual_sc`` go along with the labels of the same rows.

    Their codes are not documented: whatever each stands for, it stands for it everywhere. So they fail only where they
    go along with the labels of other rows.

    Parameters
    ----------
    split : str
        Name of the split, for the finding.
    samples : mapping
        By layer, stored values of the same pixels of all images: (images, pixels), many of each.
    """
    if SCRIBBLES not in samples or LABEL not in samples or samples[SCRIBBLES].shape != samples[LABEL].shape:
        return
    path, expected = f"{split}/{SCRIBBLES}.dat", f"scribbles that go along with {LABEL} of the same rows"
    codes = np.unique(samples[SCRIBBLES], return_inverse=True)[1].reshape(samples[SCRIBBLES].shape)
    drawn = codes != np.bincount(codes.reshape(-1)).argmax()
    labels = samples[LABEL].astype(np.int64) & 255
    least = f"{DRAWN} of two codes in {2 * SHIFTS + 1}"
    kinds = min(len(np.unique(values)) for values in (codes[drawn], labels))
    if drawn.sum() < DRAWN or kinds < 2 or len(labels) <= 2 * SHIFTS:
        few = f"not computed: {int(drawn.sum())} pixels in {len(labels)} images, {least} are needed"
        yield Finding(path, "content", "scribbles", "note", few, expected)
        return
    shifts = np.arange(-SHIFTS, SHIFTS + 1)
    agreement = np.array([_association(codes[drawn], np.roll(labels, -shift, axis=0)[drawn]) for shift in shifts])
    best = int(agreement.argmax())
    others = np.delete(agreement, best)
    own = float(agreement[SHIFTS])
    text = f"association {own:.2f}, with labels of other rows {others.mean():.2f}"
    if agreement[best] - others.mean() <= STANDING_OUT * others.std():
        text += ": it cannot be told whether they are of the same rows"
        yield Finding(path, "content", "scribbles", "note", text, expected)
    elif best != SHIFTS:
        found = f"association {own:.2f}, and {agreement[best]:.2f} with the labels {shifts[best]:+d} rows away"
        remedy = "the scribbles are of other rows than the labels: fetch both again"
        yield Finding(path, "content", "scribbles", "failed", found, expected, remedy, "kept")
    else:
        yield Finding(path, "content", "scribbles", "ok", text, expected)


def _association(codes: np.ndarray, labels: np.ndarray) -> float:
    """How far one code tells the other: Cramer's V, from 0 (nothing) to 1."""
    table = np.zeros((codes.max() + 1, labels.max() + 1))
    np.add.at(table, (codes, labels), 1)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    if min(table.shape) < 2:
        return 0.0
    chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(np.sqrt(((table - chance) ** 2 / chance).sum() / table.sum() / (min(table.shape) - 1)))
