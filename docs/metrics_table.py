"""Write the table of metrics in docs/metrics.md from the registry: python docs/metrics_table.py"""

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "src"))

from sentinel_forest.evaluation import metrics  # noqa: E402

PAGE = ROOT / "docs" / "metrics.md"
COVERAGE = ROOT / "tests" / "bench" / "coverage.tsv"
COVERAGE_BEGIN, COVERAGE_END = "<!-- coverage: begin -->\n", "<!-- coverage: end -->\n"
SIZES = {
    "3 of 60": "3 equal groups",
    "5 of 60": "5 equal groups",
    "5 uneven": "5 groups, 1 to 5 in size",
    "8 of 60": "8 equal groups",
    "10 cities": "10 groups, 1 to 5 in size (as So2Sat's test cities may be)",
    "15 of 60": "15 equal groups",
    "26 scenes": "26 scenes of the hold-out of SEN12MS",
    "195 ROIs of 5": "195 ROIs of CloudSEN12's test split",
}
BEGIN, END = "<!-- table of metrics: begin -->\n", "<!-- table of metrics: end -->\n"


def table() -> str:
    """The table of metrics in Markdown, in the order of the registry."""
    lines = ["| metric | definition | formula | range | empty if | source |", "|---|---|---|---|---|---|"]
    for metric in metrics.registry().values():
        span = f"{metric.low:g} .. {metric.high:g}"
        cells = (metric.id, metric.definition, metric.formula, span, metric.undefined, metric.source)
        lines.append("| " + " | ".join(_plain(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def coverage() -> str:
    """Lowest coverage over the metrics of all classes, and width of OA, by sizes of groups and interval."""
    found = pd.read_csv(COVERAGE, sep="\t").query("kind == 'overall'")
    lowest = found.groupby(["sizes", "method"], sort=False)["coverage"].min().unstack(sort=False)
    width = found[found["metric"] == "oa"].pivot(index="sizes", columns="method", values="width")
    lines = ["| groups | " + " | ".join(lowest) + " |", "|---" * (len(lowest.columns) + 1) + "|"]
    for sizes, words in SIZES.items():
        cells = [f"{100 * lowest.loc[sizes, name]:.1f} % ({width.loc[sizes, name]:.3f})" for name in lowest]
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """The page with its tables renewed."""
    for begin, end, content in ((BEGIN, END, table()), (COVERAGE_BEGIN, COVERAGE_END, coverage())):
        before, rest = text.split(begin)
        text = before + begin + content + end + rest.split(end)[1]
    return text


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in "|*_<>":
        text = text.replace(sign, f"\\{sign}")
    return text


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
