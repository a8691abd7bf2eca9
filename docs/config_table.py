"""Write the table of keys in config/README.md from the schema: python docs/config_table.py"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "src" / "sentinel_forest" / "config" / "config.schema.yaml"
README = ROOT / "config" / "README.md"
BEGIN, END = "<!-- table of keys: begin -->\n", "<!-- table of keys: end -->\n"


def rows(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Key, what it accepts, default, description; of every key at every depth."""
    for key, about in schema.get("properties", {}).items():
        name = f"{prefix}{key}"
        without = "(must be given)" if key in schema.get("required", []) else "(none)"
        yield name, accepts(about), default(about, without), about["description"]
        yield from rows(about, f"{name}.")
        other = about.get("additionalProperties")
        if isinstance(other, dict):
            yield from rows(other, f"{name}.NAME.")


def accepts(about: dict[str, Any]) -> str:
    """The values a key may have, in words."""
    if "enum" in about:
        return ", ".join(f"`{json.dumps(value)}`" for value in about["enum"])
    if "anyOf" in about:
        return " or ".join(accepts(part) for part in about["anyOf"])
    kind = about.get("type", "")
    text = " or ".join(kind) if isinstance(kind, list) else kind
    return f"list of {about['items'].get('type', 'value')}" if kind == "array" else text


def default(about: dict[str, Any], without: str) -> str:
    """The default, as it would be written, or what stands for none."""
    return f"`{json.dumps(about['default'])}`" if "default" in about else without


def table() -> str:
    """The table of keys in Markdown."""
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    lines = ["| key | accepts | default | what it does |", "|---|---|---|---|"]
    lines += [f"| `{key}` | {kind} | {value} | {text} |" for key, kind, value, text in rows(schema)]
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """The manual with its table renewed."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
