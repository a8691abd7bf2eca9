"""Published figures of one paper (or of the files of its authors), with all that is needed to tell which figure of a
version each can be held against.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sentinel_forest.config.fields import Finite, Natural, Section
from sentinel_forest.config.validation import wrong

Aspect = Literal["release", "split", "bands", "classes", "metric", "model"]
"""In what a figure may differ from what is computed here: the data or their labels; the patches trained on or scored;
the bands; classes merged or left out; the definition of the metric; the model.
"""

Differences = dict[Aspect, str]
Confirmed = Literal["confirmed in a primary source", "computed from the authors' files", "second-hand", "unconfirmed"]


class Reference(Section):
    """What to cite."""

    text: str
    """Reference in words."""

    doi: str | None
    """DOI; null if there is none."""


class Column(Section):
    """A figure that a table has of each model."""

    metric: str
    """Id of the metric, as in metrics.tsv, e.g. ``aa.present``."""

    of_class: Annotated[str, Field(alias="class")] = ""
    """The class or question; empty for a figure over all classes."""

    decimals: Natural
    """Decimals that were published, in the unit of metrics.tsv (a fraction, or per cent)."""


class Row(Section):
    """The figures of one model."""

    model: str
    """Name as published; unique in the table."""

    classifier: str = ""
    """The classifier of metrics.tsv that stands beside it; empty if there is none."""

    features: list[str] = []
    """The feature sets of a forest that stand beside it; none for a reference algorithm."""

    differs: Differences = {}
    """In what the model differs, beside what its table says of all."""

    values: list[Finite | None]
    """One value a column, in the unit of metrics.tsv; null: not published."""


class Table(Section):
    """Figures that share a protocol and a source, one row a model."""

    table: str
    """Name of the table; unique in the paper."""

    release: str
    """Release whose patches were scored; one that is not in the registry is never comparable."""

    kind: str = "published"
    """Kind of the scheme whose roles were used, whatever its name in a version."""

    role: Literal["validation", "test"]
    """Role whose patches were scored."""

    task: str
    """Task: cloud, lcz, scene or land-cover."""

    protocol: str
    """How the figures came about: what was trained on what, which bands, which patches count."""

    source: str
    """Where the figures were read: DOI and table, or repository and file."""

    confirmed: Confirmed
    """How far the figures themselves are confirmed; what is unconfirmed is shown and never judged."""

    differs: Differences = {}
    """In what the whole table is known to differ from what is computed here, so that no verdict is given; empty if in
    nothing."""

    note: str = ""
    """What a reader of each figure should know."""

    figures: Annotated[list[Column], Field(min_length=1)]
    """The columns of the table."""

    rows: Annotated[list[Row], Field(min_length=1)]
    """One row a model."""

    @model_validator(mode="after")
    def _has_a_value_in_each_cell(self) -> Self:
        for row in self.rows:
            if len(row.values) != len(self.figures):
                raise wrong(
                    "A model has not one value for each figure.",
                    found=f"model {row.model!r}: {len(row.values)}",
                    expected=f"{len(self.figures)} values, null for one that was not published",
                )
        return self


class PatchValues(Section):
    """A table of the authors with the value of each patch, which a user can have compared with ours."""

    task: str
    """Task: cloud, lcz, scene or land-cover."""

    source: str
    """Where the table is published."""

    keys: dict[str, str]
    """Columns of the catalog, and the columns of the table that hold the same."""

    column: str
    """Name of a column of values, with {classifier}, {question} and {metric}."""

    classifiers: dict[str, str]
    """Reference algorithms of metrics.tsv, and their names in the table."""

    questions: dict[str, str]
    """Two-class questions of the task, and their names in the table."""

    metrics: dict[Literal["pa", "ua", "boa"], str]
    """Metrics of a patch, and their names in the table."""

    only: dict[str, list[str]] = {}
    """Reference algorithms that answer some of the questions alone."""

    models: dict[str, str] = {}
    """Models of the paper's tables, and their names in the table; what has no column for a question does not answer
    it."""

    positives: str = ""
    """Column with the fraction of positives of the first question: some metrics count where it is above 0."""

    def figures(self) -> list[tuple[str, str, str]]:
        """All (classifier, question, metric) that the table has."""
        return [
            (classifier, question, metric)
            for classifier in self.classifiers
            for question in self.only.get(classifier, list(self.questions))
            for metric in self.metrics
        ]

    def column_of(self, classifier: str, question: str, metric: str) -> str:
        """The column of a figure of a reference algorithm or a model."""
        name = self.models.get(classifier) or self.classifiers[classifier]
        names = {"classifier": name, "question": self.questions[question]}
        return self.column.format(**names, metric=self.metrics[metric])  # type: ignore[index]


class Paper(Section):
    """Published figures of one paper."""

    paper: str
    """Short name; equals the name of the file."""

    title: str
    """What the figures are of, for people."""

    citation: Reference
    """What to cite."""

    notes: list[str] = []
    """What a reader should know, above all which figures are left out and why."""

    patch_values: list[PatchValues] = []
    """The authors' values of each patch; a user gives the file (`published_patches`)."""

    tables: Annotated[list[Table], Field(min_length=1)]
    """Figures that share a protocol and a source."""
