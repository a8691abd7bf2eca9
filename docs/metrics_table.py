"""Write the tables of metrics and of coverage in the pages of the documentation: python docs/metrics_table.py"""

import re
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
CLUSTERED_BEGIN, CLUSTERED_END = "<!-- clustered: begin -->\n", "<!-- clustered: end -->\n"
CLASS_BEGIN, CLASS_END = "<!-- of a class: begin -->\n", "<!-- of a class: end -->\n"
CHOSEN = "logit t, bootstrap"
FURTHER_BEGIN, FURTHER_END = "<!-- further: begin -->\n", "<!-- further: end -->\n"
FURTHER = {
    "summary": "median, mean and percentages over patches",
    "difference, overall": "difference of two classifiers, score over all classes",
    "difference, class": "difference, score of the rare class",
    "difference, summary": "difference of medians over patches",
}
LEAST = {"difference, class": 7}
"""Groups below which nothing of a kind has an interval, if not 5."""
WITH_CLASS = (7, 10, 15, 20, 25)
"""Numbers of groups with the class that are shown."""
SIZES = {
    "3 of 60": "3 equal groups",
    "5 of 60": "5 equal groups",
    "5 uneven": "5 groups, 1 to 5 in size",
    "8 of 60": "8 equal groups",
    "10 cities": "10 groups, 1 to 5 in size (as So2Sat's test cities may be)",
    "15 uneven": "15 groups, 1 to 5 in size",
    "26 scenes": "26 scenes of the hold-out of SEN12MS",
    "195 ROIs of 5": "195 ROIs of CloudSEN12's test split",
}
STRAINED = {
    "8 of 60": SIZES["8 of 60"],
    "10 cities": SIZES["10 cities"],
    "15 cities": "15 such groups",
    "20 cities": "20 such groups",
    "26 scenes": SIZES["26 scenes"],
    "195 ROIs of 5": SIZES["195 ROIs of 5"],
}
FIELD = re.compile(r"(?:\b(?:role|class) )?\{(role|class)\}")
"""What a reason leaves open, with the word before it: MkDocs would take the braces for attributes of a cell."""
BEGIN, END = "<!-- table of metrics: begin -->\n", "<!-- table of metrics: end -->\n"


def table() -> str:
    """The table of metrics in Markdown, in the order of the registry."""
    lines = ["| metric | definition | formula | range | empty if | source |", "|---|---|---|---|---|---|"]
    for metric in metrics.registry().values():
        span = f"{metric.low:g} .. {metric.high:g}"
        empty = FIELD.sub("the \\1", metric.undefined)
        cells = (metric.id, metric.definition, metric.formula, span, empty, metric.source)
        lines.append("| " + " | ".join(_plain(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def coverage() -> str:
    """Lowest coverage over the metrics of all classes, and width of OA, by sizes of groups and interval."""
    found = pd.read_csv(COVERAGE, sep="\t").query("model == 'usual' and kind == 'overall' and sizes in @SIZES")
    lowest = found.groupby(["sizes", "method"], sort=False)["coverage"].min().unstack(sort=False)
    width = found[found["metric"] == "oa"].pivot(index="sizes", columns="method", values="width")
    lines = ["| groups | " + " | ".join(lowest) + " |", "|---" * (len(lowest.columns) + 1) + "|"]
    for sizes, words in SIZES.items():
        cells = [f"{100 * lowest.loc[sizes, name]:.1f} % ({width.loc[sizes, name]:.3f})" for name in lowest]
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def clustered() -> str:
    """Coverage of the package's interval of metrics over all classes, where classes sit in few groups."""
    found = pd.read_csv(COVERAGE, sep="\t").query("model == 'clustered' and kind == 'overall'")
    rows = found.pivot(index="sizes", columns="metric", values="coverage").rename(columns=metrics.short)
    lines = ["| groups | " + " | ".join(rows) + " |", "|---" * (len(rows.columns) + 1) + "|"]
    lines += [f"| {words} | " + _per_cent(rows.loc[sizes]) for sizes, words in STRAINED.items()]
    return "\n".join(lines) + "\n"


def of_class() -> str:
    """Coverage of the package's interval of a rare class, by the groups that have it, in both models."""
    found = pd.read_csv(COVERAGE, sep="\t").query("sizes == 'groups with the class' and kind == 'class'")
    rows = found.pivot(index=["model", "groups"], columns="metric", values="coverage").rename(columns=metrics.short)
    lines = ["| model | groups with the class | " + " | ".join(rows) + " |", "|---" * (len(rows.columns) + 2) + "|"]
    for model in ("usual", "clustered"):
        shown = [groups for groups in WITH_CLASS if (model, groups) in rows.index]
        lines += [f"| {model} | {groups} | " + _per_cent(rows.loc[model, groups]) for groups in shown]
    return "\n".join(lines) + "\n"


def further() -> str:
    """Lowest and highest coverage of intervals of summaries over patches and of differences."""
    found = pd.read_csv(COVERAGE, sep="\t").query("groups < 30")
    lines = ["| interval of | lowest coverage | highest |", "|---|---|---|"]
    for kind, words in FURTHER.items():
        # A percentage that nearly no run has an interval for tells nothing.
        rows = found[(found["kind"] == kind) & (found["groups"] >= LEAST.get(kind, 5)) & (found["runs"] >= 500)]
        lines.append(f"| {words} | " + _per_cent(rows["coverage"].agg(["min", "max"])))
    return "\n".join(lines) + "\n"


def _per_cent(row: pd.Series) -> str:
    return " | ".join("-" if pd.isna(value) else f"{100 * value:.0f} %" for value in row) + " |"


def with_clustered(text: str) -> str:
    """The page on intervals with its tables renewed."""
    tables = {CLUSTERED_BEGIN: clustered(), CLASS_BEGIN: of_class(), FURTHER_BEGIN: further()}
    ends = CLUSTERED_END, CLASS_END, FURTHER_END
    return _renewed(text, *((begin, end, table) for (begin, table), end in zip(tables.items(), ends, strict=True)))


def with_table(text: str) -> str:
    """The page with its tables renewed."""
    return _renewed(text, (BEGIN, END, table()), (COVERAGE_BEGIN, COVERAGE_END, coverage()))


def _renewed(text: str, *parts: tuple[str, str, str]) -> str:
    for begin, end, content in parts:
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
