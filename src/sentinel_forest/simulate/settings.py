"""What the writers of all samples share: checked settings and lines of progress."""

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from sentinel_forest.datasets.base import Dataset
from sentinel_forest.errors import InputError


def integers(values: Mapping[str, Any], limits: Mapping[str, tuple[int, int | None]]) -> list[int]:
    """The settings named in `limits`, in that order: whole numbers between the limits (None: no upper one).

    Raises
    ------
    InputError
        For a setting that is missing, unknown, not a whole number, or out of its limits.
    """
    unknown, missing = sorted(set(values) - set(limits)), [name for name in limits if name not in values]
    if unknown or missing:
        raise InputError(
            "The settings of a sample are not the ones its writer knows.",
            where="sample settings",
            found=sorted(values),
            expected=sorted(limits),
            remedy="add what is missing, remove what is unknown",
        )
    for name, (low, high) in limits.items():
        value = values[name]
        if type(value) is not int or value < low or (high is not None and value > high):
            raise InputError(
                "A setting of a sample is out of its range.",
                where=f"sample setting {name!r}",
                found=value,
                expected=f"a whole number, at least {low}" + ("" if high is None else f", at most {high}"),
            )
    return [values[name] for name in limits]


def module(dataset: Dataset) -> ModuleType:
    """The module of a dataset, which holds the functions that write its files."""
    return sys.modules[type(dataset).__module__]


def progress(text: str) -> None:
    """A line of progress to stderr."""
    print(f"samples: {text}", file=sys.stderr, flush=True)
