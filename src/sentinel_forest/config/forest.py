"""Settings of a random forest."""

from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le
from pydantic import Field, Strict, model_validator

from sentinel_forest.config.fields import FROM_TEXT, Count, Flag, Section, absent
from sentinel_forest.config.validation import wrong

Engine = Literal["scikit-learn", "scikit-learn-intelex"]
Depth = Annotated[Count | None, FROM_TEXT]
ClassWeight = Annotated[Literal["balanced", "balanced_subsample"] | None, FROM_TEXT]
FeaturesPerSplit = Annotated[
    Literal["sqrt", "log2"] | Annotated[int, Strict(), Ge(1)] | Annotated[float, Strict(), Gt(0), Le(1)], FROM_TEXT
]


class Tuning(Section):
    """Lists of values to choose from by folds of the training groups."""

    folds: Annotated[int, Strict(), Ge(2), FROM_TEXT] = 3
    """Folds of the training groups; a group is in one fold only."""

    score: Literal["accuracy", "balanced_accuracy"] = "accuracy"
    """What the chosen values have the highest mean of over the folds: the fraction of rows predicted right, by weight,
    or the mean of that of each class."""

    minimum_leaf: Annotated[list[Count], Field(min_length=1)] | None = absent()
    """Values of minimum_leaf to try."""

    depth: Annotated[list[Depth], Field(min_length=1)] | None = absent()
    """Values of depth to try."""

    features_per_split: Annotated[list[FeaturesPerSplit], Field(min_length=1)] | None = absent()
    """Values of features_per_split to try."""

    class_weight: Annotated[list[ClassWeight], Field(min_length=1)] | None = absent()
    """Values of class_weight to try."""

    @model_validator(mode="after")
    def _tries_something(self) -> Self:
        if not self.tried:
            raise wrong("Nothing is tuned.", found=self.model_dump(), expected=f"values of {' or '.join(TUNABLE)}")
        return self

    @property
    def tried(self) -> dict[str, list[object]]:
        """The lists of values, by setting, in the order of `TUNABLE`."""
        return {name: getattr(self, name) for name in TUNABLE if getattr(self, name) is not None}


TUNABLE = tuple(name for name in Tuning.model_fields if name not in ("folds", "score"))
"""Settings that may be tuned, in the order in which their values are tried."""


class ForestSettings(Section):
    """The random forest."""

    engine: Engine = "scikit-learn"
    """Library that grows the trees; scikit-learn-intelex is faster, and for Linux on x86-64 only. The engine is part of
    the version."""

    trees: Count = 100
    """Number of trees."""

    minimum_leaf: Count = 1
    """Training rows that a leaf holds at least."""

    depth: Depth = None
    """Greatest depth of a tree; null sets no limit."""

    features_per_split: FeaturesPerSplit = "sqrt"
    """Features tried at each split; a rule, a number, or a fraction (0 to 1)."""

    class_weight: ClassWeight = None
    """Weights of the classes; null takes them as they are, balanced draws all of them equally often (a balanced
    bootstrap), balanced_subsample weights the rows of each bootstrap so that the classes are equal."""

    draw_weights: Flag = True
    """Whether a drawn pixel counts as often as the pixels that it stands for (pixel tasks)."""

    tune: Annotated[Tuning | None, FROM_TEXT] = None
    """Lists of values to choose from by folds of the training groups, e.g. {minimum_leaf: [1, 5, 20]}; null tunes
    nothing. Validation and test patches take no part. The scores of the folds are in fit.json."""
