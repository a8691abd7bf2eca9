"""What the models share: their base, and the types of fields.

Snakemake reads what stands in braces after ``--config`` as text, numbers too; types that are not text take
such text for what it would be in a YAML file.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Gt, Le, Lt
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    model_validator,
)

from sentinel_forest.config.validation import load_yaml, nearest, wrong
from sentinel_forest.io import borders

T = TypeVar("T")
CLOSE = 0.8
"""How much of a key two names share before one is taken for the other (`difflib`)."""


class Section(BaseModel):
    """A part of what a user writes: unknown keys are errors, and the text below a field describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _know_all_keys(cls, values: Any) -> Any:
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for key in values if isinstance(values, Mapping) else ():
            if key not in known:
                below = "" if get_close_matches(str(key), known, cutoff=CLOSE) else cls._below(str(key))
                raise wrong("Unknown key.", key=str(key), found=values[key], expected=below or nearest(key, known))
        return values

    @classmethod
    def _below(cls, key: str) -> str:
        """What to write instead of a key that stands, or nearly so, in a section below; nothing if there is none."""
        for name, field in cls.model_fields.items():
            inner = field.annotation
            fields = inner.model_fields if isinstance(inner, type) and issubclass(inner, Section) else {}
            if close := get_close_matches(key, fields, n=1, cutoff=CLOSE):
                return f"did you mean '{name}: {{{close[0]}: ...}}'?"
        return ""


def _from_text(value: Any) -> Any:
    """The number, the truth value or the null that a text stands for, also inside; anything else as it is."""
    if isinstance(value, list):
        return [_from_text(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _from_text(each) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    try:
        read = load_yaml(value)
    except ValueError:
        return value
    return read if read is None or isinstance(read, bool | int | float) else value


def _held(check: Callable[[Any], str]) -> AfterValidator:
    """A validator made of a check of `borders`, which gives what is wrong in words."""

    def hold(value: T) -> T:
        if problem := check(value):
            raise wrong("The value is not valid.", found=value, expected=problem)
        return value

    return AfterValidator(hold)


def _each_once(values: list[T]) -> list[T]:
    twice = [value for place, value in enumerate(values) if value in values[:place]]
    if twice:
        raise wrong("An entry stands in a list twice.", found=twice[0], expected="each entry once")
    return values


def absent() -> Any:
    """The default of a key that may be left out, and is then left out of the completed values as well."""
    return Field(None, exclude_if=lambda value: value is None)


FROM_TEXT = BeforeValidator(_from_text)
AS_GIVEN = PlainSerializer(lambda model: model.model_dump(exclude_unset=True))
"""Leaves the defaults of a section out of the completed values."""

Count = Annotated[int, Strict(), Ge(1), FROM_TEXT]
Jobs = Annotated[int, Strict(), Ge(1), Le(10_000), FROM_TEXT]
"""A number of shards: each is one job of several rules."""

MOST_TRIALS = 1_000
MOST_SEEDS = 100
Seeds = Annotated[int, Strict(), Ge(1), Le(MOST_SEEDS), FROM_TEXT]
Trials = Annotated[int, Strict(), Ge(1), Le(MOST_TRIALS), FROM_TEXT]
"""A number of trials: each takes a job of several rules, for each feature set."""

Natural = Annotated[int, Strict(), Ge(0), FROM_TEXT]
Flag = Annotated[bool, Strict(), FROM_TEXT]
Finite = Annotated[float, Strict(), Field(allow_inf_nan=False), FROM_TEXT]
NotNegative = Annotated[float, Strict(), Ge(0), Field(allow_inf_nan=False), FROM_TEXT]
Positive = Annotated[float, Strict(), Gt(0), Field(allow_inf_nan=False), FROM_TEXT]
Below1 = Annotated[float, Strict(), Ge(0), Lt(1), FROM_TEXT]
Once = Annotated[list[T], AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True})]
"""A list that has no entry twice."""

Each = Annotated[Once[T], Field(min_length=1)]
"""The same, with an entry at least."""

Name = Annotated[str, _held(borders.wrong_name), Field(json_schema_extra={"pattern": f"^{borders.NAME}$"})]
"""A name that may become a folder and a word of a command."""

Line = Annotated[str, Field(min_length=1), _held(borders.control_character)]
Address = Annotated[str, _held(borders.wrong_address)]
RelativePath = Annotated[str, _held(borders.wrong_path)]


def checksum(algorithm: str) -> AfterValidator:
    """A validator of checksums of an algorithm."""
    return _held(lambda value: borders.wrong_checksum(algorithm, value))
