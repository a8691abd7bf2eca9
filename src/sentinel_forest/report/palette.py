"""Colours by meaning, the same in every figure: what a mark says of a split, what a role is, what a classifier is.

From Okabe and Ito 2008, Color universal design; each colour is told from the others with any kind of colour vision,
and a shape or a label always says the same.
"""

import re
from collections.abc import Iterable, Mapping

from sentinel_forest.splits.marks import BETWEEN, CLEAN

INK, SOFT, LINE = "#1b1f23", "#5b6670", "#c8ccd0"
LAND, COAST = "#eceae4", "#b5b9bd"

CLEAN_SPLIT, LEAKS, BETWEEN_ONLY, UNKNOWN = "no leak found", "leaks", "test linked with validation", "unknown"
SPLITS: Mapping[str, str] = {CLEAN_SPLIT: "#0072b2", LEAKS: "#d55e00", BETWEEN_ONLY: "#8a6d00", UNKNOWN: "#5b6670"}
"""What the mark of a split says, and its colour."""

ROLES: Mapping[str, str] = {
    "all": SOFT,
    "train": "#56b4e9",
    "validation": "#aa5c9f",
    "test": INK,
    "unused": "#d5d9dd",
    "no split": SOFT,
}
"""Colours of roles, and of the published splits of the same names."""

SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross")
SERIES = (INK, "#009e73", "#8a6d00", "#cc79a7", SOFT, "#56b4e9")
"""For series that have no meaning of their own (metrics, say)."""


def meaning(mark: str) -> str:
    """What a mark says in a word: a key of `SPLITS`.

    Examples
    --------
    >>> meaning("linked: roi (3 %); linked (validation-test): roi (1 %)")
    'leaks'
    >>> [meaning(mark) for mark in ("clean", "linked (validation-test): city (100 %)", "unknown: product")]
    ['no leak found', 'test linked with validation', 'unknown']
    """
    kinds = {part.split(": ", 1)[0] for part in mark.split("; ")}
    if "linked" in kinds:
        return LEAKS
    if f"linked {BETWEEN}" in kinds:
        return BETWEEN_ONLY
    return CLEAN_SPLIT if kinds == {CLEAN} else UNKNOWN


def in_words(mark: str) -> str:
    """The `meaning` of a mark, and for a leak the fraction of the test patches that the strongest link concerns.

    Examples
    --------
    >>> in_words("linked: footprint (95 %), product (1.7 %); linked (validation-test): roi (3 %)")
    'leaks (95 %)'
    >>> in_words("clean")
    'no leak found'
    """
    of_training = next((part for part in mark.split("; ") if part.startswith("linked: ")), "")
    fractions = re.findall(r"\(((?:at least )?[<>]?([\d.]+)) %\)", of_training)
    return f"{meaning(mark)} ({max(fractions, key=_number)[0]} %)" if fractions else meaning(mark)


def _number(fraction: tuple[str, str]) -> float:
    """The number of a fraction in a mark, given with its text."""
    return float(fraction[1])


def of_series(names: Iterable[str], known: Mapping[str, str] | None = None) -> list[str]:
    """A colour for each series: what it means, where that is known (or it is a role), else one after the other."""
    meanings = {**ROLES, **(known or {})}
    free = iter(SERIES * 9)
    return [meanings[name] if name in meanings else next(free) for name in names]
