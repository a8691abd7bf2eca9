"""Options that several kinds of schemes share: sizes of roles, groups that stay together, strata."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from sentinel_forest.config.fields import Flag, NotNegative, Positive, Section
from sentinel_forest.config.validation import nearest, wrong

ROLES = ("train", "validation", "test", "unused")

USUAL_FRACTIONS: Mapping[str, float] = MappingProxyType({"train": 0.7, "validation": 0.1, "test": 0.2})
"""Fractions of the roles where neither the user nor the publisher gives any."""

LEAST_TEST_GROUPS = 10
"""Groups that a grouped scheme gives the test before anything else: from so many on, intervals hold."""

Method = Literal["milp", "greedy", "stratified-group-kfold"]


def _of_all(fractions: dict[str, float]) -> dict[str, float]:
    for role in fractions:
        if role not in ROLES[:3]:
            raise wrong("Unknown role.", key=role, found=role, expected=nearest(role, ROLES[:3]))
    if abs(sum(fractions.values()) - 1) >= 1e-9 or not fractions.get("train"):
        expected = "fractions for train (more than 0), validation and test that add up to 1"
        raise wrong("These fractions are not possible.", found=fractions, expected=expected)
    return fractions


def _not_of_training(fractions: Any) -> Any:
    if isinstance(fractions, list):  # what learning curves called so before version 0.2
        expected = "sizes of roles, e.g. {train: 0.8, test: 0.2}; parts of the training are train_fractions"
        raise wrong("These are no sizes of roles.", found=fractions, expected=expected)
    return fractions


Fractions = Annotated[dict[str, NotNegative], BeforeValidator(_not_of_training), AfterValidator(_of_all)]

NOT_DRAWN_BY = frozenset({"kind", "strict", "tolerance", "compare", "time_limit"})
"""Options that say what is reported, or when to stop, and that no draw depends on."""


class Options(Section):
    """Options of all kinds."""

    strict: Flag = False
    """Stop if anything is named in `infeasible.tsv`."""

    def trials(self, configured: int) -> int:
        """Number of trials where so many are configured; known without the catalog."""
        return configured

    def drawn_by(self) -> dict[str, Any]:
        """The options that a draw depends on, as far as they are not the defaults."""
        return self.model_dump(mode="json", exclude=set(NOT_DRAWN_BY), exclude_defaults=True)

    def needed_columns(self) -> list[tuple[str, ...]]:
        """Columns of the catalog without which a scheme cannot tell where a patch belongs: of each tuple a
        patch must have a value in one column at least.
        """
        groups: list[str] = getattr(self, "groups", [])
        return [tuple(groups)] if groups else []


class Sized(Options):
    """Options of kinds that draw roles of given sizes."""

    fractions: Fractions | None = None
    """Fraction of the patches for train, validation and test; they add up to 1, 0 leaves a role out (null: those of the
    release's published split if it has all three roles, else 0.7, 0.1 and 0.2). Kinds that keep groups together first
    give the test as many groups as an interval needs."""

    tolerance: NotNegative = 0.1
    """A size or a stratum that misses its target by more than this part of the target is named in `infeasible.tsv`."""

    def role_fractions(self) -> Mapping[str, float]:
        """What is asked for, else the usual fractions."""
        return USUAL_FRACTIONS if self.fractions is None else self.fractions


class InGroups(Options):
    """Options of kinds that keep groups together."""

    groups: list[str] = ["group"]
    """Catalog columns; patches that agree in any of them, directly or through others, form a unit and stay in one role
    (an empty value joins nothing; a patch without any is unused)."""

    apart: list[str] = []
    """Further catalog columns that no two roles may share: joined to `groups`."""


class Solved(Options):
    """Options of kinds that assign groups so that strata are shared out evenly."""

    strata: list[str] = []
    """Columns to be shared out evenly: `label`, `fraction_<class>`, or any other column, taken by its values (default:
    label and all fractions)."""

    method: Method = "milp"
    """How the stratified kinds assign groups."""

    compare: Flag = False
    """Write beside the split how well each of the methods does."""

    time_limit: Positive = 120
    """Seconds after which the search of `milp` is given up; if it strikes, the result depends on the machine, and
    `infeasible.tsv` says so."""


class Stratified(Solved):
    """Options of kinds that do so if asked to."""

    stratified: Flag = False
    """Share the strata out evenly, too."""
