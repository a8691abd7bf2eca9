"""Values from outside become models here: errors name the key, what was found and the nearest valid name."""

import difflib
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from sentinel_forest.errors import InputError
from sentinel_forest.io.borders import quoted, shown

T = TypeVar("T")

MOST_CHARACTERS, MOST_DEPTH, MOST_VALUES = 16 << 20, 50, 1_000_000
"""Bounds of a YAML file; the registry's largest has 10,000 characters."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_LOADER):  # type: ignore[misc,valid-type]  # of two classes, one is known when it runs
    """Refuses a key that stands twice: YAML forbids it, and the library takes the last one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    problem = f"the key {key.value[:80]!r} stands twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


_EXPECTED = {
    "string_type": "text (in quotes if it looks like a number)",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list, e.g. [a, b]",
    "dict_type": "keys and values, e.g. {key: value}",
    "model_type": "keys and values, e.g. {key: value}",
    "model_attributes_type": "keys and values, e.g. {key: value}",
    "too_short": "at least one entry",
}
"""What the commonest errors of pydantic expect, in words of YAML."""


def read_yaml(path: Path) -> Any:
    """Read a YAML file; keys and scalars only, no tags that make objects.

    Raises
    ------
    InputError
        If the file is missing, too large, or not YAML; with the line where that is known.
    """
    if path.exists() and not path.is_file():
        raise InputError("This is not a plain file.", where=path, expected="a file with keys and values (YAML)")
    try:
        with open(path, encoding="utf-8") as stream:
            return load_yaml(stream.read(MOST_CHARACTERS + 1))
    except FileNotFoundError as error:
        raise InputError("A file is missing.", where=path) from error
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} is no part of a character"
        raise InputError("A file is not valid YAML.", where=path, found=found, expected="text in UTF-8") from error
    except ValueError as error:
        raise InputError("A file is not valid YAML.", where=path, found=error) from error


def load_yaml(text: str) -> Any:
    """Read YAML text within bounds: its length, how deep it is nested, and how many values it stands for.

    Raises
    ------
    ValueError
        If it is not YAML, or beyond a bound; says where, in a line or two.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has more than {MOST_CHARACTERS} characters")
    try:
        _hold_depth(text)  # the reader below would end the whole process on text that is nested too deep
        values = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        place = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{error.problem or error.context}{place}") from None
    except ValueError:
        raise
    except Exception as error:  # the library breaks in several ways on values that are not of their type
        raise ValueError(f"a value is not of its type ({type(error).__name__}: {str(error)[:80]})") from None
    if _weight(values, {}) > MOST_VALUES:
        raise ValueError(f"it stands for more than {MOST_VALUES} values")
    return values


def _hold_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} levels deep")


def _weight(value: Any, known: dict[int, int | None]) -> int:
    """Number of values, where those that stand for others (``*name``) count as often as they are named."""
    if not isinstance(value, Mapping | list):
        return 1
    if id(value) not in known:
        known[id(value)] = None
        parts = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
        known[id(value)] = 1 + sum(_weight(part, known) for part in parts)
    if (weight := known[id(value)]) is None:
        raise ValueError("a value holds itself")
    return weight


def parse(validate: Callable[[Any], T], values: object, where: object) -> T:
    """Make a model of values.

    Parameters
    ----------
    validate : callable
        ``Model.model_validate``, or the ``validate_python`` of a type adapter.
    values : object
        What was read.
    where : object
        What they were read from, for messages.

    Raises
    ------
    InputError
        If they break the model; names the key, the value, and the nearest valid key or value.
    """
    try:
        return validate(values)
    except ValidationError as error:
        raise _explained(error, values, where) from None


def _explained(error: ValidationError, values: object, where: object) -> InputError:
    """`explain`, also where the library cannot show a key or a value because it has half a character."""
    try:
        return explain(error, values, where)
    except UnicodeEncodeError as half:
        return InputError(
            "The value is not valid.", where=where, found=quoted(half.object), expected="text of whole characters"
        )


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Keys of a configuration at every depth (``bootstrap.draws``) with their values; sorted."""
    for key, value in sorted(values.items()):
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


LONGEST = 80
"""Letters of a list of names beside the nearest one."""


FORMER = {"shares": "fractions", "digests": "checksums"}
"""What keys were called before version 0.2, and what they are called now."""


def nearest(name: object, valid: Iterable[str]) -> str:
    """What to write instead of an unknown name: the nearest valid one, and all of them where they are not many."""
    names = sorted(valid)
    now = FORMER.get(str(name))
    close = [now] if now in names else difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
    hint = f"did you mean {close[0]!r}? " if close else ""
    listed = ", ".join(names) if names else "(none)"
    if close and len(listed) > LONGEST:
        listed = textwrap.shorten(listed, LONGEST, placeholder=" ...")
    return f"{hint}valid: {listed}"


def wrong(problem: str, *, found: object, expected: str, key: str = "") -> PydanticCustomError:
    """The error of a validator that knows more than that a value is not valid.

    Parameters
    ----------
    problem, found, expected
        As of `InputError`.
    key : str
        The key below the value that is validated.
    """
    return PydanticCustomError(
        "wrong", "{problem}", {"problem": problem, "found": found, "expected": expected, "key": key}
    )


def explain(error: ValidationError, values: object, where: object) -> InputError:
    """Tell in words the error that lies nearest to the root; of several about one key, what each expects."""
    keys = [(_key(details, values), details) for details in error.errors(include_url=False)]
    key, first = min(keys, key=lambda each: (len(each[0]), each[0]))
    context = first.get("ctx", {})
    place = f"{where}, key {quoted('.'.join(key))}" if key else where
    if first["type"] == "wrong":
        found = _quoted(context["found"])
        return InputError(context["problem"], where=place, found=found, expected=context["expected"])
    if first["type"] in ("missing", "union_tag_not_found"):
        return InputError("A key is missing.", where=place, expected="a value for it")
    if first["type"] == "union_tag_invalid":
        names = context["expected_tags"].replace("'", "").split(", ")
        return InputError(
            "Unknown kind.", where=place, found=_quoted(context["tag"]), expected=nearest(context["tag"], names)
        )
    expected = dict.fromkeys(_expected(details) for other, details in keys if other == key)
    problem = (
        "Unknown key."
        if first["loc"][-1:] == ("[key]",) and first["type"] == "literal_error"
        else "The value is not valid."
    )
    return InputError(problem, where=place, found=_quoted(first["input"]), expected=" or ".join(expected))


def _key(details: ErrorDetails, values: object) -> tuple[str, ...]:
    """The keys that lead to an error; what pydantic puts between them (kinds, branches of unions) left out."""
    context = details.get("ctx", {})
    keys = list[str]()
    value: Any = values
    for part in details["loc"]:
        inside = value if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
        if part in inside:
            value = value[part]
        elif details["type"] != "missing" or part != details["loc"][-1]:
            continue
        keys.append(str(part))
    if details["type"].startswith("union_tag"):
        keys.append(context["discriminator"].strip("'"))
    return (*keys, context["key"]) if context.get("key") else tuple(keys)


def _expected(details: ErrorDetails) -> str:
    """What an error expects."""
    context = details.get("ctx", {})
    if details["type"] == "literal_error":
        names = re.findall(r"'(.*?)'(?=$|, '| or ')", context["expected"])
        return nearest(details["input"], names)
    text = _EXPECTED.get(details["type"], details["msg"])
    return text.removeprefix("Input should be ").removeprefix("Value error, ")


def _quoted(value: object) -> str:
    return quoted(shown(value) if isinstance(value, str) and "://" in value else value)
