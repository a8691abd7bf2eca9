"""Windows of a scene classified with a forest: every pixel, or patch by patch.

Pixels and patches go through the functions that made the features in training, and the forest is asked as
`sentinel_forest.models.predict` asks it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from sentinel_forest.datasets.base import IGNORE, OPTICAL, Block, Dataset, FeatureSet, kinds_of
from sentinel_forest.evaluation.applicability import Applicability
from sentinel_forest.features import bands_of, patch, pixel
from sentinel_forest.mapping.products import QUANTIFICATION
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import Candidate
from sentinel_forest.models.engines import BLOCK_ROWS

Bytes = npt.NDArray[np.uint8]
Bands = dict[str, np.ndarray]
"""Bands of a window as `Scene.read` gives them."""
Window = tuple[slice, slice]

LAYERS = ("codes", "probability", "margin", "applicability")

MOST_PERCENT = 250
"""Dissimilarity, in percent of the threshold, that a map tells apart; what is larger has this value."""


@dataclass(frozen=True)
class Answers:
    """What a forest says of some pixels or patches.

    Attributes
    ----------
    codes : ndarray
        uint8: index of the class in its task, `IGNORE` where nothing was measured.
    probability, margin : ndarray or None
        uint8, in percent: fraction of the trees' votes for that class, and by how much it exceeds that of the next
        class; `IGNORE` where nothing was measured. None if not asked for.
    applicability : ndarray or None
        uint8, dissimilarity to the training data in percent of the threshold, rounded up, so that up to 100 lies
        inside the area of applicability; at most `MOST_PERCENT`, `IGNORE` where a feature is missing.
    """

    codes: Bytes
    probability: Bytes | None = None
    margin: Bytes | None = None
    applicability: Bytes | None = None


@dataclass(frozen=True)
class Mapper:
    """A forest with what it needs to classify windows of a scene.

    Attributes
    ----------
    dataset : Dataset
        The dataset that the forest was trained on.
    feature_set : FeatureSet
        Its features.
    candidate : Candidate
        The forest.
    votes : bool
        Whether probability and margin are asked for.
    area : Applicability or None
        The area of applicability, where that layer is asked for.
    classes : bool
        Whether classes are asked for; without, the code is 0 wherever there was a measurement.
    """

    dataset: Dataset
    feature_set: FeatureSet
    candidate: Candidate
    votes: bool = False
    area: Applicability | None = None
    classes: bool = True

    @property
    def of_patches(self) -> bool:
        """Whether the forest classifies patches."""
        return self.dataset.tasks[self.feature_set.task].unit == "patch"

    def pixels(self, bands: Bands, core: Window) -> Answers:
        """Classify the pixels of a window.

        Parameters
        ----------
        bands : dict
            Each (rows, columns).
        core : (slice, slice)
            The part of the window that is wanted; the rest is what surrounds it.
        """
        block = self.block({name: values[None] for name, values in bands.items()})
        wanted = _seen(block)[0][core]
        if not wanted.any():
            return self._answers(wanted, self._no_rows())
        physical = bands_of(self.dataset, self.feature_set, block)
        values = pixel.compute(self.feature_set.features, physical, self.feature_set.bands)
        return self._answers(wanted, np.ascontiguousarray(values[0][core][wanted]))

    def patches(self, bands: Bands) -> Answers:
        """Classify patches; `bands` are (patches, rows, columns). A patch needs a measured pixel of each sensor."""
        block = self.block(bands)
        masks = [block.measured[kind].any(axis=(1, 2)) for kind in kinds_of(self.dataset, self.feature_set)]
        wanted: npt.NDArray[np.bool_] = np.logical_and.reduce(masks)
        if not wanted.any():
            return self._answers(wanted, self._no_rows())
        physical = bands_of(self.dataset, self.feature_set, block)
        values = patch.compute(self.feature_set.features, physical, self.feature_set.bands)
        return self._answers(wanted, np.ascontiguousarray(values[wanted]))

    def block(self, bands: Bands) -> Block:
        """Bands as the dataset would have read them, with the pixels that each kind of sensor has measured."""
        layers: dict[str, np.ndarray] = {}
        masks: dict[str, np.ndarray] = {}
        for name, layer in self.feature_set.layers.items():
            about, values = self.dataset.layer_table[layer], bands[name]
            kind = about.band.kind if about.band is not None else OPTICAL
            seen = values != 0 if kind == OPTICAL else (values != 0) & ~np.isnan(values)
            masks[kind] = masks[kind] | seen if kind in masks else seen
            layers[layer] = as_stored(values, about.dtype, about.factor) if kind == OPTICAL else values
        return Block(pd.DataFrame(index=range(len(next(iter(layers.values()))))), layers, masks)

    def _no_rows(self) -> npt.NDArray[np.float32]:
        return np.empty((0, len(self.feature_set.features)), np.float32)

    def _answers(self, wanted: npt.NDArray[np.bool_], X: np.ndarray) -> Answers:
        """Ask the forest of rows, and put what it says where they are wanted."""
        model, codes = self.candidate.model, self.candidate.codes.astype(np.uint8)
        near = None if self.area is None else _placed(wanted, percent_of_threshold(self.area, X))
        if not self.classes and not self.votes:
            return Answers(_placed(wanted, np.zeros(len(X), np.uint8)), applicability=near)
        if not self.votes:
            return Answers(_placed(wanted, codes[forest.predict(model, X)]), applicability=near)
        fractions = vote_fractions(model, X)
        ordered = np.sort(fractions, axis=1)
        return Answers(
            _placed(wanted, codes[fractions.argmax(axis=1)]),
            _placed(wanted, _percent(ordered[:, -1])),
            _placed(wanted, _percent(ordered[:, -1] - ordered[:, -2])),
            near,
        )


def vote_fractions(model: RandomForestClassifier, X: np.ndarray) -> npt.NDArray[np.float64]:
    """Mean of the trees' class fractions, (rows, classes); its largest is the class that `forest.predict` gives.

    Rows that are alike go through the trees together, which is faster.
    """
    trees = [estimator.tree_ for estimator in model.estimators_]
    result = np.empty((len(X), len(model.classes_)))
    order, _ = forest.alike(trees, X)
    for start in range(0, len(X), BLOCK_ROWS):
        rows = order[start : start + BLOCK_ROWS]
        block = X[rows]
        votes = np.zeros((len(rows), result.shape[1]))
        for tree in trees:
            votes += tree.predict(block)
        result[rows] = votes / len(trees)
    return result


def percent_of_threshold(area: Applicability, X: np.ndarray) -> Bytes:
    """Dissimilarity of samples in percent of the threshold; see `Answers.applicability`."""
    index = area.dissimilarity(X)
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.where(index == 0, 0, np.ceil(100 * index / area.threshold))  # a threshold may be 0
    result: Bytes = np.where(np.isnan(percent), IGNORE, np.minimum(percent, MOST_PERCENT)).astype(np.uint8)
    return result


def as_stored(numbers: np.ndarray, dtype: str, factor: float) -> np.ndarray:
    """Digital numbers (reflectance x 10,000) as a layer of a dataset stores them: with another factor, or as a float.

    Examples
    --------
    >>> as_stored(np.array([1234], np.uint16), "float64", 1.0), as_stored(np.array([1234], np.uint16), "int16", 1e-4)
    (array([0.1234]), array([1234], dtype=int16))
    """
    kind, scale = np.dtype(dtype), QUANTIFICATION * factor
    scaled = numbers if scale == 1 else numbers / scale
    if kind.kind == "f":
        return scaled.astype(kind)
    whole = scaled if scaled.dtype.kind in "iu" else np.rint(scaled)
    return np.minimum(whole, np.iinfo(kind).max).astype(kind)


def _seen(block: Block) -> npt.NDArray[np.bool_]:
    """Pixels that every kind of sensor has measured."""
    seen: npt.NDArray[np.bool_] = np.logical_and.reduce(list(block.measured.values()))
    return seen


def _percent(fraction: np.ndarray) -> Bytes:
    percent: Bytes = np.rint(100 * fraction).astype(np.uint8)
    return percent


def _placed(wanted: npt.NDArray[np.bool_], values: np.ndarray) -> Bytes:
    result = np.full(wanted.shape, IGNORE, dtype=np.uint8)
    result[wanted] = values
    return result
