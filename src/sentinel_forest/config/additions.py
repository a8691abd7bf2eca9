"""What a user adds to the vocabulary of datasets: feature sets, tables of vectors, and other classes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sentinel_forest.config.fields import Each, Line, Name, Once, Section, absent
from sentinel_forest.config.validation import wrong

Text = Annotated[Line, Field(max_length=400)]


class TrainLabels(Section):
    """Labels of another layer, from which the training pixels of a feature set are drawn."""

    layer: Line
    """The layer, e.g. LABEL_manual_sc."""

    classes: Annotated[dict[Text, Each[int]], Field(min_length=1)]
    """Class: the codes of the layer that stand for it. Pixels with other codes do not train."""


class OwnFeatureSet(Section):
    """A feature set of the user's own."""

    dataset: Name
    """The dataset whose bands it uses."""

    task: str = ""
    """The task that it is for; may be left out where the dataset has only one."""

    features: Each[Text]
    """Names of bands, indices, statistics and textures, and expressions of them: B8/B12, (N - R) / (N + R)."""

    layers: dict[str, str] = {}
    """Band: layer that it is taken from, e.g. {B2: L2A_B2}, where the dataset has more than one."""

    train_labels: TrainLabels | None = absent()
    """Other labels to train on, for tasks of pixels. Scores still compare with the task's own labels."""


class ExternalTable(Section):
    """A table of vectors, one for each patch or pixel, that another model has made."""

    release: Name
    """The release whose patches it has vectors for."""

    file: Annotated[str, Field(min_length=1)]
    """Parquet or CSV with a row for each patch; or a NumPy array: (patches, n) for tasks of patches, (patches, rows,
    columns, n) for tasks of pixels."""

    task: str = ""
    """The task that it is for; may be left out where the dataset has only one."""

    key: Annotated[str, Field(min_length=1)] = "patch"
    """The column with the ids of the patches, as in the catalog."""

    keys: str = ""
    """Of a NumPy array: Parquet or CSV with the column `key`, in the order of the array's rows."""

    trained_on: Annotated[Line, Field(max_length=200)] | Literal[""] = ""
    """What the model was trained on; it is shown as declared. Without it scores are marked `unknown: pretraining`."""

    missing: Literal["stop", "leave out"] = "stop"
    """What is done about patches without a vector: stop, or leave them out of training and scores of this set."""


class Classes(Section):
    """Classes of a task that are merged or dropped."""

    merge: dict[Text, Each[str]] = {}
    """Name of a new class: the classes that it is made of."""

    drop: Once[str] = []
    """Classes whose pixels or patches take no part."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.merge and not self.drop:
            raise wrong("Nothing is merged or dropped.", found=self.model_dump(), expected="merge or drop")
        return self
