"""Whether the values of a scene can be those of its bands: the rules that a release is held against.

Windows of the scene take the place of the images of a release. Left out are rules that need many places
(`band-order`, `band-images`): in a single scene they fail for sound images, too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sentinel_forest.config.validation import nearest
from sentinel_forest.datasets.base import OPTICAL, Block, Dataset
from sentinel_forest.datasets.findings import Finding
from sentinel_forest.datasets.plausibility import RULES
from sentinel_forest.datasets.unit_rules import DISPROVED_BELOW
from sentinel_forest.datasets.values import SAMPLED_ACROSS, Pool, Values, grid, lowest_above_zero, pool
from sentinel_forest.errors import InputError

SIDE, ACROSS = 32, 12
"""Side of a window in pixels, and windows across a scene."""

REMEDIES: Mapping[str, str] = {
    "reflectance-scale": "write reflectance x 10,000 as integers",
    "offset": "digital numbers of baseline 04.00 or later need --offset -1000",
    "scattered-light": "look at --offset, at --level, and at the names of the bands",
    "one-value": "give the band as the product has it, without filled or clipped values",
    "same-bands": "give each band its own image",
    "radar-unit": "give the backscatter in the unit of the training data",
    "radar-order": "look at the names and the unit of VV and VH",
    "radar-parts": "look at the names and the unit of the radar bands",
}
"""What to do where a check fails; these are the checks of a scene."""

OF_LEVEL_1C = ("reflectance-scale", "one-value")
"""Checks that hold at the top of the atmosphere only: corrected, water may be black, and is cut off at 1."""


@dataclass
class Seen:
    """Windows of a scene that were seen while it was read.

    Attributes
    ----------
    height, width : int
        Rows and columns of the scene.
    low, above, sample : list of ndarray
        Of each window: the lowest values, the lowest ones above 0, and some pixels; float32 (layers,), (layers,) and
        (layers, pixels).
    layers : tuple of str
        Layers of the training data that its bands stand for.
    """

    height: int
    width: int
    low: list[np.ndarray] = field(default_factory=list)
    above: list[np.ndarray] = field(default_factory=list)
    sample: list[np.ndarray] = field(default_factory=list)
    layers: tuple[str, ...] = ()

    def add(self, bands: Mapping[str, np.ndarray], as_block: Callable[[dict[str, np.ndarray]], Block]) -> None:
        """Look at windows of some rows of the scene; those with a pixel that was not measured are passed over.

        So are rows that are fewer than a window has: in a few pixels all may be bright, by chance.

        Parameters
        ----------
        bands : mapping
            Each (rows, columns).
        as_block : callable
            From windows, (1, rows, columns) of each band, to a block of the training data.
        """
        height, width = next(iter(bands.values())).shape
        side, step = min(SIDE, self.height, self.width), max(SIDE, self.width // ACROSS)
        for top in range(0, height - side + 1, step):
            for left in range(0, width - side + 1, step):
                place = slice(top, top + side), slice(left, left + side)
                block = as_block({name: values[place][None] for name, values in bands.items()})
                if all(mask.all() for mask in block.measured.values()):
                    self._look(block, side)

    def _look(self, block: Block, side: int) -> None:
        self.layers = tuple(block.layers)
        pixels = np.stack([values.reshape(-1) for values in block.layers.values()], axis=1).astype(np.float32)
        low = pixels.min(axis=0)
        self.low.append(low)
        self.above.append(lowest_above_zero(pixels[None], low[None])[0])
        self.sample.append(pixels[grid(side, SAMPLED_ACROSS)].T)

    def failed(self, dataset: Dataset) -> list[Finding]:
        """The checks that fail, one finding for each."""
        if not self.low:
            return []
        layers = [dataset.layer_table[name] for name in self.layers]
        optical = [layer.band is not None and layer.band.kind == OPTICAL for layer in layers]
        low = np.where(optical, np.stack(self.above), np.stack(self.low))
        values = Values("scene", self.layers, low, np.stack(self.sample), ("",) * len(low))
        pooled = pool(dataset.layer_table, [values])
        checks = REMEDIES.keys() - (OF_LEVEL_1C if any(layer.level == "L2A" for layer in layers) else ())
        judged = [each for rule in RULES if rule.judge and rule.check in checks for each in rule.judge(pooled)]
        found = {each.check: each for each in judged if each.status == "failed"}
        if _is_dark_somewhere(pooled):
            found.pop("offset", None)
        return [found[check] for check in REMEDIES if check in found]


def _is_dark_somewhere(pooled: Pool) -> bool:
    """Whether a window disproves an offset: a scene has one for all windows, and some may lie within a high cloud."""
    lows = [pooled.low[name] for name in pooled.of(OPTICAL)]
    return bool(lows and np.fmin.reduce(np.concatenate(lows)) < DISPROVED_BELOW)


def check_names(accept: Sequence[str]) -> None:
    """Refuse to accept what is no check of a scene."""
    for name in accept:
        if name not in REMEDIES:
            raise InputError(
                "A scene has no such check.", where="--accept", found=name[:80], expected=nearest(name, REMEDIES)
            )


def hold(seen: Seen, dataset: Dataset, accept: Sequence[str], scene: str) -> list[str]:
    """Refuse a scene whose values cannot be those of its bands.

    Returns
    -------
    list of str
        Checks that failed and are accepted.

    Raises
    ------
    InputError
        If a check fails that is not accepted.
    """
    failed = seen.failed(dataset)
    if stopping := [each for each in failed if each.check not in accept]:
        first, names = stopping[0], " ".join(each.check for each in failed)
        accepted = f"--accept {names}, or the key `accept` of the map"
        raise InputError(
            "The values of the scene cannot be those of its bands.",
            where=f"{scene[-80:]}, check {first.check}",
            found=first.found[:80],
            expected=first.expected[:80],
            remedy=f"{REMEDIES[first.check]}; if the values are right: {accepted}",
        )
    return [each.check for each in failed]
