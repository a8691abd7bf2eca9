"""Kinds of schemes and their options: what can be said of them without a catalog.

What the options mean is told at the top of `sentinel_forest.splits.split`. This module is read whenever a run
is planned; it imports nothing that takes long.
"""

import difflib
import json
from collections.abc import Callable, Mapping, Sequence

from sentinel_forest.errors import InputError

ROLES = ("train", "validation", "test", "unused")
METHODS = ("milp", "greedy", "stratified-group-kfold")
BASES = ("published", "pooled-random", "grouped", "grouped-stratified")

Options = Mapping[str, object]

_SHARES = {"train": 0.8490, "validation": 0.0535, "test": 0.0975}
_ANY = {"strict": False}
_SHARED = {"shares": _SHARES, "tolerance": 0.1}
_GROUPED = {"groups": ["group"], "apart": []}
_SOLVED = {"strata": [], "method": "milp", "compare": True, "time_limit": 120}
_EVEN = {"stratified": False, "strata": [], "method": "milp", "compare": False, "time_limit": 120}

DEFINITIONS: dict[str, dict[str, object]] = {
    "published": {**_ANY},
    "pooled-random": {**_SHARED, "stratified": False, "strata": [], **_ANY},
    "grouped": {**_SHARED, **_GROUPED, **_ANY},
    "grouped-stratified": {**_SHARED, **_GROUPED, **_SOLVED, **_ANY},
    "kfold": {"folds": 5, "repeats": 1, "validation_folds": 1, "tolerance": 0.1, **_GROUPED, **_EVEN, **_ANY},
    "leave-one-group-out": {"key": "group", "values": [], "validation": 0.1, **_GROUPED, **_ANY},
    "spatial-blocks": {**_SHARED, "block_km": 50.0, "buffer_km": 5.0, **_GROUPED, "groups": [], **_EVEN, **_ANY},
    "balanced": {"base": "grouped", "per_class": 0, **_SHARED, **_GROUPED, **_SOLVED, "compare": False, **_ANY},
    "learning-curve": {
        "fractions": [0.1, 0.2, 0.5, 1.0],
        "repeats": 1,
        "base": "grouped",
        **_SHARED,
        **_GROUPED,
        **_SOLVED,
        "compare": False,
        **_ANY,
    },
}
"""The options of each kind of scheme, with their defaults."""


def complete(definition: Options, where: str = "") -> dict[str, object]:
    """A definition with every option of its kind, checked as far as it can be without a catalog.

    Parameters
    ----------
    definition : mapping
        ``kind`` and any of its options.
    where : str
        Name of the scheme, for messages.

    Raises
    ------
    InputError
        If the kind or an option is unknown, or a value is not possible.
    """
    kind = definition.get("kind")
    if kind not in DEFINITIONS:
        raise InputError(
            "Unknown kind of scheme.",
            where=where,
            found=kind,
            expected=" | ".join(DEFINITIONS),
            remedy=hint(str(kind), list(DEFINITIONS)),
        )
    defaults = DEFINITIONS[str(kind)]
    for option in definition:
        if option not in defaults and option != "kind":
            raise InputError(
                f"Unknown option of a {kind} scheme.",
                where=where,
                found=option,
                expected=" | ".join(defaults),
                remedy=hint(option, list(defaults)),
            )
    options = {"kind": kind, **defaults, **definition}
    for option, check in _CHECKS.items():
        if option in options and not check[0](options[option]):
            raise InputError(
                "A value is not possible.",
                where=f"scheme {where}, {option}".replace("  ", " "),
                found=json.dumps(options[option]),
                expected=check[1],
            )
    _check_folds(options, where)
    return options


def trials_of(definition: Options, trials: int) -> int:
    """Number of trials of a scheme, where `trials` are configured; known without the catalog."""
    options = complete(definition)
    match options["kind"]:
        case "published":
            return 1
        case "kfold":
            return options["folds"] * options["repeats"]  # type: ignore[operator]
        case "learning-curve":
            return len(options["fractions"]) * options["repeats"]  # type: ignore[operator,arg-type]
        case "leave-one-group-out":
            return len(options["values"]) or trials  # type: ignore[arg-type]
    return trials


def needed_columns(options: Options) -> list[tuple[str, ...]]:
    """Columns of the catalog without which a scheme cannot tell where a patch belongs.

    Parameters
    ----------
    options : mapping
        Complete, see `complete`.

    Returns
    -------
    list of tuple of str
        Of each tuple a patch must have a value in one column at least.
    """
    kind = options["kind"]
    if kind == "spatial-blocks":
        return [("lon",), ("lat",)]
    needs: list[tuple[str, ...]] = [(str(options["key"]),)] if "key" in options else []
    by_patch = kind == "balanced" and options["base"] not in ("grouped", "grouped-stratified")
    groups: list[str] = options.get("groups", [])  # type: ignore[assignment]
    return needs if by_patch or not groups else [*needs, tuple(groups)]


def hint(word: str, words: Sequence[str]) -> str | None:
    """A hint at the word that was probably meant."""
    close = difflib.get_close_matches(word, words, 1)
    return f"did you mean {close[0]}?" if close else None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _good_shares(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) <= set(ROLES[:3])
        and all(_number(share) and share >= 0 for share in value.values())
        and abs(sum(value.values()) - 1) < 1e-9
        and value.get("train", 0) > 0
    )


def _good_fractions(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(_number(part) and 0 < part <= 1 for part in value)
        and value == sorted(set(value))
    )


_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "shares": (_good_shares, "shares for train (more than 0), validation, test that add up to 1"),
    "groups": (_texts, "a list of catalog columns"),
    "apart": (_texts, "a list of catalog columns"),
    "strata": (_texts, "a list of catalog columns"),
    "values": (_texts, "a list of values of the key, as text"),
    "key": (lambda value: isinstance(value, str), "a catalog column"),
    "method": (lambda value: value in METHODS, " | ".join(METHODS)),
    "base": (lambda value: value in BASES, " | ".join(BASES)),
    "stratified": (lambda value: isinstance(value, bool), "true | false"),
    "compare": (lambda value: isinstance(value, bool), "true | false"),
    "strict": (lambda value: isinstance(value, bool), "true | false"),
    "time_limit": (lambda value: _number(value) and value > 0, "seconds, more than 0"),  # type: ignore[operator]
    "tolerance": (lambda value: _number(value) and value >= 0, "a number, 0 or more"),  # type: ignore[operator]
    "validation": (lambda value: _number(value) and 0 <= value < 1, "a number from 0 to below 1"),  # type: ignore[operator]
    "block_km": (lambda value: _number(value) and value > 0, "km, more than 0"),  # type: ignore[operator]
    "buffer_km": (lambda value: _number(value) and value >= 0, "km, 0 or more"),  # type: ignore[operator]
    "folds": (lambda value: _whole(value, 2), "a whole number, 2 or more"),
    "repeats": (lambda value: _whole(value, 1), "a whole number, 1 or more"),
    "validation_folds": (lambda value: _whole(value, 0), "a whole number, 0 or more"),
    "per_class": (lambda value: _whole(value, 0), "a whole number, 0 or more"),
    "fractions": (_good_fractions, "rising numbers above 0, up to 1"),
}


def _check_folds(options: Options, where: str) -> None:
    """Raise if the folds for validation and test leave none to train on."""
    if options["kind"] == "kfold" and options["validation_folds"] > options["folds"] - 2:  # type: ignore[operator]
        raise InputError(
            "No fold is left for training.",
            where=where,
            found=f"{options['folds']} folds, {options['validation_folds']} for validation, one for test",
            expected="folds of at least validation_folds + 2",
        )
