"""Write what README.md, CONTRIBUTING.md and docs/checks.md take from elsewhere: python docs/generated.py [PART ...]"""

import ast
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "sentinel_forest"
STAGES = ROOT / "docs" / "images" / "stages.svg"
sys.path[:0] = [str(PACKAGE.parent), str(ROOT / "docs")]

import stages  # noqa: E402

from sentinel_forest.datasets import plausibility  # noqa: E402
from sentinel_forest.evaluation import metrics  # noqa: E402
from sentinel_forest.io.tables import read_tsv  # noqa: E402
from sentinel_forest.versions import headline  # noqa: E402
from snakemake_logger_plugin_sentinel_forest.stages import common_name  # noqa: E402

HEADLINE = ROOT / "results" / "reference" / "headline.tsv"
FIGURES = (("oa", ""), ("aa.present", ""), ("boa.median", "cloud"))
"""Metric and class of the columns of the table."""


def rules() -> list[tuple[str, str]]:
    """The rules of the default run: each pair is a rule and one that takes its files."""
    with tempfile.TemporaryDirectory() as folder:
        command: list[str | Path] = [
            *(Path(sys.executable).parent / "snakemake", "--snakefile", ROOT / "Snakefile"),
            *("--configfile", ROOT / "config" / "config.yaml", "--config", "version=draft"),
            *("--directory", folder, "--rulegraph", "mermaid-js"),
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    names = {node: common_name(rule) for node, rule in re.findall(r"^\s*(id\d+)\[(\w+)\]$", done.stdout, re.M)}
    arrows = re.findall(r"^\s*(id\d+) --> (id\d+)$", done.stdout, re.M)
    return [(names[first], names[then]) for first, then in arrows if names[then] != "all"]


def stages_picture() -> str:
    """The stages of a run and what follows from what, as SVG."""
    return stages.svg(stages.arrows(rules()))


def headline_table() -> str:
    """The forests of the reference run in Markdown: a row for each release, scheme and feature set."""
    table = read_tsv(HEADLINE, headline.HEADLINE)
    rows = headline.as_figures(table[(table["classifier"] == "forest") & (table["features"] != "")])
    rows = rows[pd.MultiIndex.from_frame(rows[["metric", "class"]]).isin(FIGURES)]
    order = [f"{metrics.short(metric)} {name}".strip() for metric, name in FIGURES]
    rows = rows.sort_values("figure", key=lambda names: names.map(order.index), kind="stable")
    wide = headline.wide(rows, ["release", "scheme", "features"]).replace("-", "")
    for column in ("± trials", "n", "groups"):
        wide[column] = [_by_figure(row[column], [name for name in order if row[name]]) for _, row in wide.iterrows()]
    lines = ["| " + " | ".join(map(str, wide.columns)) + " |", "|---" * len(wide.columns) + "|"]
    lines += ["| " + " | ".join(cells) + " |" for cells in wide.to_numpy().tolist()]
    return "\n".join(lines) + "\n"


def _by_figure(text: str, figures: list[str]) -> str:
    """The numbers of several figures, each once and with the figures that have it: ``1,500 (OA, AA), 20 (BOA)``."""
    numbers = [f"{int(number):,}" if number.isdigit() else number for number in text.split("/")]
    if len(numbers) == 1:
        return numbers[0]
    having = {
        number: [f.split()[0] for f, n in zip(figures, numbers, strict=True) if n == number] for number in numbers
    }
    return ", ".join(f"{number} ({', '.join(names)})" for number, names in having.items())


def pages() -> str:
    """The pages of the site, in the order of its navigation."""
    lines = []
    for entry in yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]:
        ((title, inner),) = entry.items()
        if isinstance(inner, list):
            links = (f"[{name}]({_source(page)})" for part in inner for name, page in part.items())
            text = f"- *{title}*: {', '.join(links)}"
            lines += textwrap.wrap(text, 118, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def _source(page: str) -> str:
    """Where a page of the site lies in the project."""
    return ELSEWHERE.get(page, f"docs/{page}")


def modules() -> str:
    """The modules of the package in Markdown, each with the first sentence that it says of itself."""
    lines = ["| module | what it is for |", "|---|---|"]
    for path in sorted(PACKAGE.rglob("*.py")):
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        name = path.relative_to(PACKAGE).as_posix().removesuffix("__init__.py")
        if name and path.name != "__main__.py" and about:
            sentence = re.split(r"(?<=\w)\.(?:\s|$)|\n\n", about)[0]
            lines.append(f"| `{name}` | {' '.join(sentence.split()).rstrip('.')} |")
    return "\n".join(lines) + "\n"


def plausibility_rules() -> str:
    """The rules that tell units, offsets and codes from values, in Markdown."""
    lines = ["| check | what is computed | on what | fails if | why | tripped by |", "|" + "---|" * 6]
    for rule in plausibility.RULES:
        cells = (f"`{rule.check}`", rule.computed, rule.bands, rule.threshold, rule.source, rule.trips)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


ELSEWHERE = {
    "changes.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "configuration.md": "config/README.md",
    **{f"notebooks/{path.stem}.md": f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")},
}
"""Pages of the site that lie outside of docs/."""

PARTS = {
    "pages": ("README.md", pages),
    "headline table": ("README.md", headline_table),
    "modules": ("CONTRIBUTING.md", modules),
    "plausibility": ("docs/checks.md", plausibility_rules),
}
"""Page and content of each part."""


def with_part(text: str, name: str) -> str:
    """A page with one of its `PARTS` renewed."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, rest = text.split(begin)
    return before + begin + PARTS[name][1]() + end + rest.split(end)[1]


def main(names: list[str]) -> None:
    """Renew the picture of the stages, and the `PARTS` that are named (none: all)."""
    STAGES.write_text(stages_picture(), encoding="utf-8")
    for name in names or PARTS:
        page = PARTS[name][0]
        text = (ROOT / page).read_text(encoding="utf-8")
        (ROOT / page).write_text(with_part(text, name), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
