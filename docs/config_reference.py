"""Write what follows from the models of the configuration: python docs/config_reference.py

That is config/schema.json (for editors), the table of keys in config/README.md, and the tables of options in
docs/schemes.md.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "src"))

from sentinel_forest.config.model import Configuration  # noqa: E402
from sentinel_forest.config.schemes import KINDS  # noqa: E402

SCHEMA = ROOT / "config" / "schema.json"
README = ROOT / "config" / "README.md"
SCHEMES = ROOT / "docs" / "schemes.md"
TYPES = {"object": "keys and values", "string": "text", "integer": "whole number", "boolean": "true or false"}
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "at least {} entry",
}


def schema_of(model: Any) -> dict[str, Any]:
    """The JSON schema of a model, without the titles that repeat names; texts are in one line."""
    return _tidy(model.model_json_schema())


def _tidy(part: Any) -> Any:
    if isinstance(part, list):
        return [_tidy(each) for each in part]
    if not isinstance(part, dict):
        return " ".join(part.split()) if isinstance(part, str) else part
    return {key: _tidy(value) for key, value in part.items() if not (key == "title" and isinstance(value, str))}


def schema_json() -> str:
    """The schema for editors; an overlay need not say everything, so no key of the root is required."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema_of(Configuration)}
    return json.dumps({key: value for key, value in schema.items() if key != "required"}, indent=1) + "\n"


def _resolved(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """A part of a schema with what it refers to."""
    name = part.get("$ref", "").rpartition("/")[2]
    return {**root["$defs"][name], **part} if name else part


def _branches(part: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of which a value must match one."""
    part = _resolved(part, root)
    return [each for one in part["anyOf"] for each in _branches(one, root)] if "anyOf" in part else [part]


def type_of(part: dict[str, Any], root: dict[str, Any]) -> str:
    """What a value may be, in words."""
    texts = list(dict.fromkeys(_type(branch, root) for branch in _branches(part, root)))
    return " or ".join(text for text in texts if text != "null" or not texts[0].startswith("list"))


def _type(part: dict[str, Any], root: dict[str, Any]) -> str:
    if "enum" in part or "const" in part:
        return ", ".join(f"`{_plain(value)}`" for value in part.get("enum", [part.get("const")]))
    if part.get("type") == "array":
        entry = type_of(part["items"], root)
        return f"list of ({entry})" if " or " in entry else f"list of {entry}"
    if (value := _value(part)) and not {"properties", "oneOf"} & _resolved(value, root).keys():
        return f"name: {type_of(value, root)}"
    return TYPES.get(part.get("type", ""), part.get("type", ""))


def _value(part: dict[str, Any]) -> dict[str, Any]:
    """What the values of a mapping with free keys are."""
    free = [part.get("additionalProperties"), *part.get("patternProperties", {}).values()]
    return next((value for value in free if isinstance(value, dict)), {})


def limits_of(part: dict[str, Any], root: dict[str, Any]) -> str:
    """The limits of a value (of the entries of a list), in words."""
    texts = []
    for branch in _branches(part, root):
        found = [text.format(branch[key]) for key, text in LIMITS.items() if key in branch]
        found += ["no entry twice"] * branch.get("uniqueItems", False)
        found += [
            f"each {limits_of(entry, root)}" for entry in [branch.get("items")] if entry and limits_of(entry, root)
        ]
        texts.append(", ".join(found))
    return " or ".join(text for text in dict.fromkeys(texts) if text)


def rows(schema: dict[str, Any], root: dict[str, Any], prefix: str = "") -> Iterator[list[str]]:
    """Key, type, default, limits and description of every key at every depth."""
    for key, part in schema.get("properties", {}).items():
        inner = _branches(part, root)[0]
        if "properties" in inner:
            default = "" if part.get("default") is not None else "`null`"
        else:
            default = f"`{_plain(part['default'])}`" if "default" in part else "(must be given)"
        yield [
            f"`{prefix}{key}`",
            type_of(part, root),
            default,
            limits_of(part, root),
            _resolved(part, root)["description"],
        ]
        yield from rows(inner, root, f"{prefix}{key}.")
        yield from rows(_resolved(_value(inner), root), root, f"{prefix}{key}.NAME.")


def keys() -> str:
    """The table of keys."""
    root = schema_of(Configuration)
    return _table(["key", "type", "default", "limits", "what it does"], rows(root, root))


def options() -> str:
    """What the options of schemes mean, and the options of each kind with their defaults."""
    meanings: dict[str, list[str]] = {}
    kinds = []
    for kind, model in KINDS.items():
        schema = schema_of(model)
        parts = {name: part for name, part in schema["properties"].items() if name != "kind"}
        for name, part in parts.items():
            text = part["description"]
            meanings.setdefault(name, [f"`{name}`", type_of(part, schema), limits_of(part, schema), text])
        defaults = ", ".join(f"`{name}: {_plain(part['default'])}`" for name, part in parts.items())
        kinds.append([f"`{kind}`", schema["description"], defaults])
    first = _table(["option", "type", "limits", "what it does"], meanings.values())
    return first + "\n" + _table(["kind", "what it does", "options and their defaults"], kinds)


def _plain(value: object) -> str:
    """A value as it is written in YAML."""
    return json.dumps(value).replace('"', "") if value != "" else '""'


def _table(head: list[str], lines: Iterable[list[str]]) -> str:
    cells = [head, *([cell.replace("|", "\\|") for cell in line] for line in lines)]
    first, *rest = [f"| {' | '.join(line)} |\n" for line in cells]
    return "".join([first, f"|{'---|' * len(head)}\n", *rest])


def with_part(text: str, name: str, part: str) -> str:
    """A page with a part of it renewed."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, rest = text.split(begin)
    return before + begin + part + end + rest.split(end)[1]


FILES: dict[Path, Callable[[str], str]] = {
    SCHEMA: lambda _: schema_json(),
    README: lambda text: with_part(text, "table of keys", keys()),
    SCHEMES: lambda text: with_part(text, "options", options()),
}
"""What each file becomes."""

if __name__ == "__main__":
    for path, renewed in FILES.items():
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(renewed(before), encoding="utf-8")
