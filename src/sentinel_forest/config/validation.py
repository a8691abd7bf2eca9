"""The configuration: checked against its schema, completed with defaults, errors that name the key."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import quoted, shown


def read_yaml(path: Path) -> Any:
    """Read a YAML file; keys and scalars only, no tags that make objects.

    Raises
    ------
    InputError
        If the file is missing or not YAML; with the line.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            return yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError as error:
        raise InputError("A file is missing.", where=path) from error
    except yaml.YAMLError as error:
        raise InputError("A file is not valid YAML.", where=path, found=str(error)) from error


def complete(values: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Values with the defaults of the schema filled in.

    Raises
    ------
    InputError
        If they break the schema; names the key, the value, and the nearest valid key or value.
    """
    filled = _fill(values, schema)
    error = next(iter(sorted(Draft202012Validator(schema).iter_errors(filled), key=_depth)), None)
    if error is not None:
        raise _explain(error, where)
    return filled


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Keys of a configuration at every depth (``bootstrap.draws``) with their values; sorted."""
    for key, value in sorted(values.items()):
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def nearest(name: object, valid: Iterable[str]) -> str:
    """What to write instead of an unknown name: the nearest valid one, and all of them."""
    names = sorted(valid)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}valid: {', '.join(names) if names else '(none)'}"


def _depth(error: ValidationError) -> tuple[int, str]:
    return len(error.absolute_path), str(list(error.absolute_path))


def _fill(values: Any, schema: Mapping[str, Any]) -> Any:
    """A copy with defaults, at every depth."""
    if isinstance(values, Mapping):
        known = schema.get("properties", {})
        other = schema.get("additionalProperties")
        rest = other if isinstance(other, Mapping) else {}
        filled = {key: _fill(value, known.get(key, rest)) for key, value in values.items()}
        missing = {key: about["default"] for key, about in known.items() if "default" in about}
        return filled | {key: _fill(value, known[key]) for key, value in missing.items() if key not in filled}
    if isinstance(values, list):
        return [_fill(value, schema.get("items", {})) for value in values]
    return values


def _explain(error: Any, where: str) -> InputError:
    """The first error of a validation in words."""
    key = ".".join(str(part) for part in error.absolute_path)
    remedy = None
    schema, value = error.schema, error.validator_value
    if error.validator == "additionalProperties":
        known = schema["properties"]
        unknown = sorted(set(error.instance) - set(known))[0]
        key = f"{key}.{unknown}" if key else unknown
        return InputError(
            "Unknown key.",
            where=f"{where}, key {key!r}",
            found=error.instance[unknown],
            expected=nearest(unknown, known),
        )
    if error.validator == "enum":
        remedy = nearest(error.instance, [str(valid) for valid in value])
    if error.validator == "required":
        key = f"{key}.{error.message.split(chr(39))[1]}" if key else error.message.split(chr(39))[1]
        return InputError("A key is missing.", where=f"{where}, key {key!r}", expected="a value for it")
    about = schema.get("description") if isinstance(schema, Mapping) else None
    if error.validator == "pattern":
        found = shown(error.instance) if "://" in error.instance else error.instance
        return InputError("Not valid.", where=f"{where}, key {key!r}", found=quoted(found), expected=about or value)
    return InputError(
        f"Not valid: {error.message}.",
        where=f"{where}, key {key!r}",
        found=error.instance,
        expected=about,
        remedy=remedy,
    )
