"""The documentation is in step with what it documents."""

import re
import runpy

import pytest
import yaml

from project import ROOT
from sentinel_forest.config.model import Configuration
from sentinel_forest.config.schemes import KINDS, parse_scheme
from sentinel_forest.config.validation import parse

DOCS = ROOT / "docs"
ELSEWHERE = ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "config/README.md")
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ELSEWHERE)])
WRITTEN = [page for page in PAGES if "docs/reference_pages.py" not in page.read_text(encoding="utf-8")[:300]]
"""Pages that people write."""
OF_SNAKEMAKE = ("LockException", "marked for report but does not exist")


def _named(page):
    return str(page.relative_to(ROOT))


def test_table_of_metrics_is_in_step():
    page = ROOT / "docs" / "metrics.md"
    with_table = runpy.run_path(str(ROOT / "docs" / "metrics_table.py"))["with_table"]
    text = page.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python docs/metrics_table.py"


def test_the_page_on_intervals_has_the_table_of_the_second_simulation():
    with_clustered = runpy.run_path(str(ROOT / "docs" / "metrics_table.py"))["with_clustered"]
    text = (ROOT / "docs" / "intervals.md").read_text(encoding="utf-8")
    assert with_clustered(text) == text, "run: python docs/metrics_table.py"


GENERATED = runpy.run_path(str(ROOT / "docs" / "generated.py"))


@pytest.mark.parametrize("part", list(GENERATED["PARTS"]))
def test_generated_parts_are_in_step(part):
    text = (ROOT / GENERATED["PARTS"][part][0]).read_text(encoding="utf-8")
    assert GENERATED["with_part"](text, part) == text, "run: python docs/generated.py"


def test_schemes_in_examples_are_possible():
    text = (ROOT / "docs" / "schemes.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    examples = {name: scheme for block in blocks for name, scheme in block.get("own_schemes", {}).items()}
    assert all(parse_scheme(scheme, name) for name, scheme in examples.items())
    assert len(examples) == 8


def test_glossary_has_every_kind_of_scheme():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    section = text.split("## Kinds of schemes")[1].split("## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([a-z-]+)`", " ".join(cells))) == set(KINDS)


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).is_file(), target


def test_messages_that_can_be_looked_up_are_those_of_the_code():
    """Quotes in the first column of the table; dots stand for what differs."""
    text = (ROOT / "docs" / "what-can-go-wrong.md").read_text(encoding="utf-8")
    quotes = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    parts = [part.strip() for quote in quotes for part in quote.strip(" `").split("...") if part.strip()]
    folders = (ROOT / "src" / "sentinel_forest", ROOT / "workflow" / "rules")
    files = [path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".py", ".smk")]
    source = " ".join(re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8")) for path in files)
    assert len(parts) > 10
    assert [part for part in parts if part not in source and part not in OF_SNAKEMAKE] == []


@pytest.mark.parametrize("page", WRITTEN, ids=_named)
def test_lines_are_short_outside_tables(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_configurations_have_known_keys(page):
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        values = yaml.safe_load(block)
        if "dataset" not in values:
            assert parse(Configuration.model_validate, {"releases": ["a"]} | values, page)


@pytest.mark.parametrize("page", WRITTEN, ids=_named)
def test_paths_in_the_text_exist(page):
    """Paths of the project in code marks; what a run or a user writes is in other folders."""
    folders = r"src|tests|docs|envs|workflow|profiles|notebooks|results/reference"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []
