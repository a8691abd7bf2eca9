"""Write the table of metrics in docs/metrics.md from the registry: python docs/metrics_table.py"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "src"))

from sentinel_forest.evaluation import metrics  # noqa: E402

PAGE = ROOT / "docs" / "metrics.md"
BEGIN, END = "<!-- table of metrics: begin -->\n", "<!-- table of metrics: end -->\n"


def table() -> str:
    """The table of metrics in Markdown, in the order of the registry."""
    lines = ["| metric | definition | formula | range | empty if | source |", "|---|---|---|---|---|---|"]
    for metric in metrics.registry().values():
        span = f"{metric.low:g} .. {metric.high:g}"
        cells = (metric.id, metric.definition, metric.formula, span, metric.undefined, metric.source)
        lines.append("| " + " | ".join(_plain(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """The page with its table renewed."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in "|*_<>":
        text = text.replace(sign, f"\\{sign}")
    return text


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
