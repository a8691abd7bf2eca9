"""The documentation is in step with what it documents."""

import re
import runpy

import pytest
import yaml

from project import ROOT
from sentinel_forest import split
from sentinel_forest.configuration import complete, read_yaml

PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"])
SCHEMA = read_yaml(ROOT / "workflow" / "schemas" / "config.schema.yaml")


def _named(page):
    return str(page.relative_to(ROOT))


def test_table_of_metrics_is_in_step():
    page = ROOT / "docs" / "metrics.md"
    with_table = runpy.run_path(str(ROOT / "docs" / "metrics_table.py"))["with_table"]
    text = page.read_text(encoding="utf-8")
    assert with_table(text) == text, "run: python docs/metrics_table.py"


def test_glossary_has_every_kind_of_scheme():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    section = text.split("## Kinds of schemes")[1].split("## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([a-z-]+)`", " ".join(cells))) == set(split.DEFINITIONS)


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).is_file(), target


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_lines_are_short_outside_tables(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_configurations_have_known_keys(page):
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        values = yaml.safe_load(block)
        if "dataset" not in values:
            assert complete({"version": "v1", "releases": ["a"]} | values, SCHEMA, str(page))
