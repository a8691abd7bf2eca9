"""Write the tables of options in docs/schemes.md from the definitions: python docs/schemes_table.py"""

import ast
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src"
sys.path.insert(0, str(PACKAGE))

from sentinel_forest.splits.definitions import DEFINITIONS  # noqa: E402

PAGE = ROOT / "docs" / "schemes.md"
BEGIN, END = "<!-- options: begin -->\n", "<!-- options: end -->\n"


def meanings() -> dict[str, str]:
    """What each option means, from the table at the top of the module that draws splits."""
    source = (PACKAGE / "sentinel_forest" / "splits" / "split.py").read_text(encoding="utf-8")
    rows = (ast.get_docstring(ast.parse(source)) or "").split("\n=")[2].splitlines()[1:]
    joined = re.sub(r"\n {2,}", " ", "\n".join(rows))
    pairs = (re.split(r"  +", line, maxsplit=1) for line in joined.splitlines())
    return {names: text.replace("``", "`") for names, text in pairs}


def tables() -> str:
    """What the options mean, and the options of each kind with their defaults."""
    lines = ["| option | means |", "|---|---|"]
    lines += [f"| {_code(names.split(', '))} | {_plain(text)} |" for names, text in meanings().items()]
    lines += ["", "| kind | options and their defaults |", "|---|---|"]
    for kind, options in DEFINITIONS.items():
        defaults = [f"{name}: {json.dumps(value)}".replace('"', "") for name, value in options.items()]
        lines.append(f"| `{kind}` | {_code(defaults)} |")
    return "\n".join(lines) + "\n"


def with_tables(text: str) -> str:
    """The page with its tables renewed."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + tables() + END + rest.split(END)[1]


def _code(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
