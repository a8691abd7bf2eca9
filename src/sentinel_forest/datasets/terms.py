"""The terms in which a dataset describes itself: classes, bands, layers, keys, features, files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sentinel_forest.datasets.metric import Metric, PatchMetric
from sentinel_forest.sensors import Band

IGNORE = 255
"""Label of a pixel that takes no part (fill, unknown code)."""

NO_ANSWER = "no answer"
"""What a reference algorithm "predicts" of a pixel of known truth where it gives none of its answers."""

OPTICAL, RADAR = "optical", "radar"
"""Kinds of sensors (`Band.kind`) whose measurements are told apart."""

VALID_FRACTION = "valid_fraction_"
"""Begins the columns of the catalog with the fraction of pixels that carry a measurement; the kind follows."""

TRAIN_ONLY = "train_only"
"""The column of the catalog that marks patches without a label to be scored by (bool); absent where all have one."""

SPLITS = ("train", "validation", "test")

MARKING_KEYS = ("place", "acquisition", "footprint")
"""Ways to be linked that could make a score optimistic, beside the same patch and the same pixels. A dataset
declares for each of them where it is to be seen."""


@dataclass(frozen=True)
class Columns:
    """A marking key that the catalog has, in columns that are blank (or NaN) where it is unknown."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Implied:
    """A marking key that needs no look of its own: patches that share it share the key `by`, too."""

    by: str
    reason: str


@dataclass(frozen=True)
class NotPublished:
    """A marking key that no file of the publisher tells."""


GROUND = Columns(("x", "y", "epsg", "side_m"))
"""The footprint of a patch: a square around its centre."""


@dataclass(frozen=True)
class Category:
    """A class of a task: its stored code, its published name and colour (``#rrggbb``)."""

    code: int
    name: str
    colour: str


@dataclass(frozen=True)
class Question:
    """A two-class question asked of a task: the names of the classes that count as positive."""

    name: str
    positive: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """What is to be predicted, for a patch as a whole or for each of its pixels.

    `metrics` are those that it has beside the metrics of all tasks: of its whole confusion table (`Metric`), and
    summaries over patches for each of its questions (`PatchMetric`). `regrouped` says, beside each score, that a
    configuration has made its classes of the published ones.
    """

    name: str
    unit: Literal["patch", "pixel"]
    categories: tuple[Category, ...]
    questions: tuple[Question, ...] = ()
    metrics: tuple[Metric | PatchMetric, ...] = ()
    regrouped: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their index."""
        return tuple(category.name for category in self.categories)


@dataclass(frozen=True)
class Layer:
    """A stored layer (band, index, label): how it is stored and what it means.

    ``physical = stored * factor``; the value `missing` (as stored) is NaN. `band` is the band that it holds: one
    of `sentinel_forest.sensors`, or one that the dataset declares; None for labels, masks and the like. `level` is the
    processing level of an optical band, L1C or L2A, to which a map holds the scenes it is given; blank if unknown.
    """

    name: str
    dtype: str
    factor: float = 1.0
    unit: str = "1"
    missing: float | None = None
    band: Band | None = None
    level: str = ""

    @property
    def is_optical(self) -> bool:
        """Whether it is part of the optical image: a pixel of 0 in all such layers was not measured."""
        return self.band is not None and self.band.kind == "optical"

    @property
    def is_image(self) -> bool:
        """Whether it is part of the optical or of the radar image (no index, angle, mask or label)."""
        return self.band is not None and self.band.kind != "ancillary"


@dataclass(frozen=True)
class Reference:
    """The result of an algorithm that ships with a release.

    Parameters
    ----------
    name : str
        The algorithm's name.
    task : str
        The task whose true classes it is held against.
    layer : str
        The layer it is stored in.
    predicted : tuple of str
        Names of what it can predict, in the order of the index that `Dataset.reference` returns.
    answers : mapping
        For each question it answers: which of `predicted` count as positive.
    """

    name: str
    task: str
    layer: str
    predicted: tuple[str, ...]
    answers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class External:
    """A table of vectors that another model has made, one for each patch or each pixel.

    Parameters
    ----------
    file : str
        Parquet or CSV with a row for each patch, or a NumPy array: (patches, n), or (patches, rows, columns, n).
    key : str
        The column with the ids of the patches.
    keys : str
        Of a NumPy array: the table (Parquet or CSV) with the column `key`, in the order of its rows.
    checksum : str
        SHA-256 of the file.
    trained_on : str
        What the model was trained on, as its user declares; blank where nothing is declared.
    missing : {"stop", "leave out"}
        What is done about patches without a vector.
    """

    file: str = ""
    key: str = "patch"
    keys: str = ""
    checksum: str = ""
    trained_on: str = ""
    missing: str = "stop"


@dataclass(frozen=True)
class TrainLabels:
    """Labels of another layer than the task's, to train on: `codes` are pairs of a code of the layer and of the task's.

    Other codes of the layer are no label.
    """

    layer: str
    codes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class FeatureSet:
    """A named list of features (see `sentinel_forest.features`) for one task.

    `layers` gives for each band that the features use (``"B8A"``, ``"VV"``) the layer that holds it. A band that
    `sentinel_forest.sensors` does not have is declared by its layer (`Layer.band`), and listed in `bands`. The
    features of an `external` set are the columns of a table: they have no layers, and each is a band of its own.
    """

    name: str
    task: str
    features: tuple[str, ...]
    layers: Mapping[str, str]
    bands: tuple[Band, ...] = ()
    external: External | None = None
    train_labels: TrainLabels | None = None
