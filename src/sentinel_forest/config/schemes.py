"""Kinds of schemes: one model for each, with its options, and what can be said of them without a catalog.

This module is read whenever a run is planned; it imports nothing that takes long.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from annotated_types import Ge, Gt, Le
from pydantic import AfterValidator, Field, Strict, TypeAdapter, model_validator

from sentinel_forest.config.fields import (
    FROM_TEXT,
    Below1,
    Finite,
    Flag,
    Natural,
    NotNegative,
    Positive,
    Trials,
    absent,
)
from sentinel_forest.config.options import InGroups, Options, Sized, Solved, Stratified
from sentinel_forest.config.validation import parse, wrong
from sentinel_forest.io import checksums

Base = Literal["published", "pooled-random", "grouped", "grouped-stratified"]
LeftOut = Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)]


def _rising(fractions: list[float]) -> list[float]:
    if fractions != sorted(set(fractions)):
        raise wrong("These fractions do not rise.", found=fractions, expected="rising numbers above 0, up to 1")
    return fractions


Fraction = Annotated[float, Strict(), Gt(0), Le(1), FROM_TEXT]


class Published(Options):
    """The publisher's own split."""

    kind: Literal["published"] = "published"

    def trials(self, configured: int) -> int:
        """One: nothing is drawn."""
        return 1


class PooledRandom(Sized):
    """All patches thrown together and drawn at random."""

    kind: Literal["pooled-random"] = "pooled-random"

    stratified: Flag = False
    """Share the strata out evenly, too."""

    strata: list[str] = []
    """Columns to be shared out evenly: `label`, `fraction_<class>`, or any other column, taken by its values (default:
    label and all fractions)."""


class Grouped(Sized, InGroups):
    """Whole groups drawn at random."""

    kind: Literal["grouped"] = "grouped"


class GroupedStratified(Sized, InGroups, Solved):
    """Whole groups, assigned so that strata are shared out evenly."""

    kind: Literal["grouped-stratified"] = "grouped-stratified"

    compare: Flag = True
    """Write beside the split how well each of the methods does."""


class KFold(InGroups, Stratified):
    """Folds of whole groups, each of them test in one trial."""

    kind: Literal["kfold"] = "kfold"

    folds: Annotated[Trials, Ge(2)] = 5
    """Number of folds, each of them test in one trial."""

    repeats: Trials = 1
    """How many times the folds (kfold) or the order of the training units (learning-curve) are drawn."""

    validation_folds: Natural = 1
    """How many folds after the test fold are for validation."""

    tolerance: NotNegative = 0.1
    """A size or a stratum that misses its target by more than this part of the target is named in `infeasible.tsv`."""

    @model_validator(mode="after")
    def _leaves_folds_to_train_on(self) -> Self:
        if self.validation_folds > self.folds - 2:
            raise wrong(
                "No fold is left for training.",
                found=f"{self.folds} folds, {self.validation_folds} for validation, one for test",
                expected="folds of at least validation_folds + 2",
            )
        return self

    def trials(self, configured: int) -> int:
        """One for each fold of each repeat."""
        return self.folds * self.repeats


class LeaveOneGroupOut(InGroups):
    """All patches with one value of a column are test."""

    kind: Literal["leave-one-group-out"] = "leave-one-group-out"

    key: str = "group"
    """The column whose values are test, one in each trial."""

    values: list[str] = []
    """Values of the key, each of them test in one trial (none: as many trials as configured, over the sorted
    values)."""

    validation: Below1 = 0.1
    """Fraction of the rest for validation, by `groups`."""

    def trials(self, configured: int) -> int:
        """One for each value that is listed."""
        return len(self.values) or configured

    def needed_columns(self) -> list[tuple[str, ...]]:
        """The key as well."""
        return [(self.key,), *super().needed_columns()]


class SpatialBlocks(Sized, InGroups, Stratified):
    """Blocks on the globe are the units; what lies within the buffer of a later role is unused."""

    kind: Literal["spatial-blocks"] = "spatial-blocks"

    groups: list[str] = []
    """Catalog columns; patches that agree in any of them, directly or through others, form a unit and stay in one role
    (an empty value joins nothing; a patch without any is unused)."""

    block_km: Positive = 50.0
    """Side of a block in km."""

    buffer_km: NotNegative = 5.0
    """What lies nearer than this to the role after it (train before validation before test) is unused."""

    def needed_columns(self) -> list[tuple[str, ...]]:
        """Coordinates."""
        return [("lon",), ("lat",)]


def _on_globe(places: list[list[float]]) -> list[list[float]]:
    for place in places:
        west, south, east, north = place if len(place) == 4 else (*place, *place)
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            expected = "degrees: [lon, lat], or [west, south, east, north] with west below east and south below north"
            raise wrong("This is no place on the globe.", found=place, expected=expected)
    return places


Box = Annotated[list[Finite], Field(min_length=4, max_length=4)]
Continent = Literal["Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America"]
Point = Annotated[list[Finite], Field(min_length=2, max_length=2)]


class NearestNeighbour(InGroups):
    """Folds as far from their training patches as the places of prediction are from all patches (kNNDM)."""

    kind: Literal["knndm"] = "knndm"

    groups: list[str] = []
    """Catalog columns; patches that agree in any of them, directly or through others, form a unit and stay in one role
    (an empty value joins nothing; a patch without any is unused)."""

    areas: Annotated[list[Box], AfterValidator(_on_globe)] = []
    """Where the forest will predict (knndm): boxes [west, south, east, north] in degrees, such as the bounds of a scene
    or boxes that make up a continent."""

    places: Annotated[list[Point], AfterValidator(_on_globe)] = []
    """Where the forest will predict (knndm): points [lon, lat] in degrees."""

    points: str | None = absent()
    """Where the forest will predict (knndm): a CSV with columns lon and lat in degrees; of more than 300 rows, 300
    evenly spaced ones are taken. The version holds the points, not the name of the file."""

    scene: str | None = absent()
    """Where the forest will predict (knndm): a Sentinel-2 product or image, of which the box around it is taken."""

    continents: Annotated[list[Continent], Field(json_schema_extra={"uniqueItems": True})] = []
    """Where the forest will predict (knndm): continents, by outlines that follow coasts coarsely."""

    folds: Annotated[Trials, Ge(3)] = 5
    """Number of folds, each of them test in one trial, and the fold after it validation."""

    block_km: Positive = 50.0
    """Side of a block in km."""

    @model_validator(mode="after")
    def _has_a_place_of_prediction(self) -> Self:
        if not (self.areas or self.places or self.points or self.scene or self.continents):
            expected = "areas: [[west, south, east, north]], places, points, scene or continents"
            raise wrong("A scheme of the kind knndm has no place of prediction.", found="none", expected=expected)
        return self

    def trials(self, configured: int) -> int:
        """One for each fold."""
        return self.folds

    def needed_columns(self) -> list[tuple[str, ...]]:
        """Coordinates, and the groups if there are any."""
        return [("lon",), ("lat",), *super().needed_columns()]


class Derived(Sized, InGroups, Solved):
    """Kinds that draw from a split of another kind."""

    base: Base = "grouped"
    """The kind of split that is drawn from."""

    def base_scheme(self) -> "Published | PooledRandom | Grouped | GroupedStratified":
        """The scheme of the kind `base`, with the options that it has of these."""
        model: type[Published | PooledRandom | Grouped | GroupedStratified] = KINDS[self.base]
        shared = {name: getattr(self, name) for name in type(self).model_fields if name in model.model_fields}
        return model(**{**shared, "kind": self.base})


class Balanced(Derived):
    """From every role of a base split the same number of patches of each class."""

    kind: Literal["balanced"] = "balanced"

    per_class: Natural = 0
    """Patches of each class and role (0: as many as the rarest class has)."""

    def needed_columns(self) -> list[tuple[str, ...]]:
        """Those of the base."""
        return super().needed_columns() if self.base in ("grouped", "grouped-stratified") else []


class LearningCurve(Derived):
    """Growing parts of the training units; the other roles stay whole."""

    kind: Literal["learning-curve"] = "learning-curve"

    train_fractions: Annotated[list[Fraction], Field(min_length=1), AfterValidator(_rising)] = [0.1, 0.2, 0.5, 1.0]
    """Parts of the training units, rising; each subset lies inside the next."""

    repeats: Trials = 1
    """How many times the folds (kfold) or the order of the training units (learning-curve) are drawn."""

    def trials(self, configured: int) -> int:
        """One for each fraction of each repeat."""
        return len(self.train_fractions) * self.repeats


class Filtered(Derived):
    """A base split whose training leaves out patches with some values of a column; the other roles stay whole."""

    kind: Literal["filtered"] = "filtered"

    base: Base = "published"
    """The kind of split that is drawn from."""

    leave_out: LeftOut = Field(default={"label_trust": ["suspect"]})
    """Catalog column: values of the patches that are not trained on."""

    def trials(self, configured: int) -> int:
        """As many as the base."""
        return self.base_scheme().trials(configured)

    def needed_columns(self) -> list[tuple[str, ...]]:
        """Those of the base, and those that tell what is left out."""
        return [*self.base_scheme().needed_columns(), *((column,) for column in self.leave_out)]


AnyScheme = (
    Published
    | PooledRandom
    | Grouped
    | GroupedStratified
    | KFold
    | LeaveOneGroupOut
    | SpatialBlocks
    | NearestNeighbour
    | Balanced
    | LearningCurve
    | Filtered
)
Scheme = Annotated[AnyScheme, Field(discriminator="kind")]

KINDS: dict[str, Any] = {model.model_fields["kind"].default: model for model in get_args(AnyScheme)}
"""The model of each kind of scheme."""


def kind_of(name: str, own_schemes: Mapping[str, Mapping[str, Any]]) -> str:
    """The kind of a scheme of a configuration: that of its definition, or its name."""
    return str(own_schemes[name]["kind"]) if name in own_schemes else name


_ADAPTER: TypeAdapter[AnyScheme] = TypeAdapter(Scheme)


def parse_scheme(definition: Mapping[str, Any], name: str = "") -> AnyScheme:
    """The scheme of a definition: its kind, and any of the options of the kind.

    Raises
    ------
    InputError
        If the kind or an option is unknown, or a value is not possible.
    """
    return parse(_ADAPTER.validate_python, definition, f"scheme {name}".rstrip())


def seed_of(version_seed: int, dataset: str, scheme: AnyScheme | None = None) -> int:
    """The seed that all draws of a scheme derive from; without one, those of a release that no scheme decides.

    It depends on neither the local name of the release nor the name of the scheme. Steps make a seed for each trial
    and purpose of it: ``checksums.seed(seed, trial, "bootstrap", role)``.

    Parameters
    ----------
    version_seed : int
        The key `seed` of the configuration.
    dataset : str
        Name of the dataset.
    scheme : AnyScheme, optional
        Kind and options. Options with their default values do not count, so that a new option changes no draw.
    """
    if scheme is None:
        return checksums.seed(version_seed, dataset)
    if isinstance(scheme, Filtered):  # the draw of the base, so that the forests of both differ in nothing else
        scheme = scheme.base_scheme()
    return checksums.seed(version_seed, dataset, scheme.kind, scheme.drawn_by())
