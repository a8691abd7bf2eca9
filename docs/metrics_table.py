"""Write the tables of metrics and of coverage in the pages of the documentation: python docs/metrics_table.py"""

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "src"))

from sentinel_forest.evaluation import metrics  # noqa: E402

PAGE = ROOT / "docs" / "metrics.md"
COVERAGE = ROOT / "tests" / "bench" / "coverage.tsv"
COVERAGE_BEGIN, COVERAGE_END = "<!-- coverage: begin -->\n", "<!-- coverage: end -->\n"
INTERVALS = ROOT / "docs" / "intervals.md"
CLUSTERED = ROOT / "tests" / "bench" / "coverage_clustered.tsv"
CLUSTERED_BEGIN, CLUSTERED_END = "<!-- clustered: begin -->\n", "<!-- clustered: end -->\n"
FIGURES = {
    ("overall", "oa"): "OA",
    ("overall", "aa.present"): "AA",
    ("overall", "f1.present"): "macro-F1",
    ("class", "pa"): "producer's accuracy, rare class",
    ("class", "ua"): "user's accuracy, rare class",
    ("class", "f1"): "F1, rare class",
}
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


def clustered() -> str:
    """Coverage of the package's interval where classes sit in few groups; "-" where hardly a run has an interval."""
    found = pd.read_csv(CLUSTERED, sep="\t").query("method == 'logit t, bootstrap'")
    rows = found.set_index(["sizes", "kind", "metric"])
    lines = ["| groups | " + " | ".join(FIGURES.values()) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    names = SIZES | {"15 uneven": "15 groups, 1 to 5 in size", "30 uneven": "30 groups, 1 to 5 in size"}
    for sizes in found["sizes"].unique():
        told = [rows.loc[(sizes, *figure)] for figure in FIGURES]
        cells = [f"{100 * row['coverage']:.0f} %" if row["given"] >= 0.1 else "-" for row in told]
        lines.append(f"| {names[sizes]} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def with_clustered(text: str) -> str:
    """The page on intervals with its table renewed."""
    before, rest = text.split(CLUSTERED_BEGIN)
    return before + CLUSTERED_BEGIN + clustered() + CLUSTERED_END + rest.split(CLUSTERED_END)[1]


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
    INTERVALS.write_text(with_clustered(INTERVALS.read_text(encoding="utf-8")), encoding="utf-8")
