"""The site: every page has its place, generated pages are up to date, and it builds without a warning."""

import os
import posixpath
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from project import ROOT
from sentinel_forest.config import groups

DOCS = ROOT / "docs"
MKDOCS = ROOT / ".venv-docs" / "bin" / "mkdocs"
GENERATED = runpy.run_path(str(DOCS / "reference_pages.py"))["PAGES"]
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
sys.path.insert(0, str(DOCS))
stages = runpy.run_path(str(DOCS / "stages.py"))
generated = runpy.run_path(str(DOCS / "generated.py"))


def places(entry) -> list[str]:
    """Pages of the navigation."""
    if isinstance(entry, str):
        return [entry]
    inner = entry.values() if isinstance(entry, dict) else entry
    return [page for each in inner for page in places(each)]


def navigation() -> list[str]:
    return places(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])


@pytest.mark.parametrize("path", list(GENERATED), ids=lambda path: path.stem)
def test_generated_pages_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path](), "run: python docs/reference_pages.py"


def test_picture_of_the_stages_is_up_to_date() -> None:
    path = DOCS / "images" / "stages.svg"
    assert path.read_text(encoding="utf-8") == generated["stages_picture"](), "run: python docs/generated.py"


def test_stages_follow_from_rules_and_leave_out_what_follows_from_others() -> None:
    pairs = [("sample", "inspect"), ("inspect", "admit"), ("inspect", "catalog"), ("sample", "catalog")]
    assert stages["arrows"](pairs) == [("fetch", "verify"), ("verify", "catalog")]
    with pytest.raises(ValueError, match=r"a stage in .*: new_rule"):
        stages["arrows"]([("sample", "new_rule")])


def test_boxes_of_the_stages_do_not_overlap() -> None:
    spots = [(stage.row, stage.column) for stage in stages["STAGES"]]
    assert all(a[0] != b[0] or abs(a[1] - b[1]) >= 1 for a in spots for b in spots if a is not b)


def test_every_page_has_one_place_in_the_site() -> None:
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    hooks = (DOCS / "site_hooks.py").read_text(encoding="utf-8")
    elsewhere = re.findall(r'^    "\S+\.md": "(\S+\.md)",$', hooks, re.M)
    notebooks = [f"notebooks/{path.stem}.md" for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert len(elsewhere) == 5
    assert sorted(navigation()) == sorted([*pages, *elsewhere, *notebooks]), "add the page to nav in mkdocs.yml"


def test_numbers_of_groups_on_the_page_on_intervals_are_those_of_the_code() -> None:
    text = (DOCS / "intervals.md").read_text(encoding="utf-8")
    few = f"fewer than {groups.LEAST_GROUPS} (fewer than {groups.LEAST_GROUPS_OF_CLASS} for the score of one class)"
    assert few in text
    assert f"up to {groups.MANY_GROUPS - 1} |" in text


def test_numbers_of_several_figures_are_told_with_their_figures() -> None:
    told = generated["_by_figure"]
    assert told("200", ["OA", "AA"]) == "200"
    assert told("216225/216225/20", ["OA", "AA", "BOA cloud"]) == "216,225 (OA, AA), 20 (BOA)"
    assert told("0.011/0.020", ["OA", "AA"]) == "0.011 (OA), 0.020 (AA)"


def test_pictures_are_small() -> None:
    assert [path.name for path in (DOCS / "images").iterdir() if path.stat().st_size >= 200_000] == []


def test_links_lead_to_pages_of_the_site() -> None:
    """What does not would stop `make docs`; it is found here without MkDocs."""
    hooks = (DOCS / "site_hooks.py").read_text(encoding="utf-8")
    attached = {*re.findall(r'"([\w./-]+)"', hooks), *(f"notebooks/{path.name}" for path in ROOT.glob("notebooks/*"))}
    pages = [
        *DOCS.rglob("*.md"),
        *(path for name in attached if name.endswith(".md") and (path := ROOT / name).is_file()),
    ]
    links = {
        posixpath.normpath(f"{page.parent.relative_to(ROOT).as_posix()}/{target}")
        for page in pages
        for target in re.findall(r"\]\(([^)#\s:]+)(?:#[^)\s]*)?\)", FENCE.sub("", page.read_text(encoding="utf-8")))
    }
    assert "docs/leakage.md" in links
    assert sorted(link for link in links - attached if not link.startswith("docs/")) == []


def test_no_cell_of_a_table_ends_in_braces() -> None:
    """MkDocs takes them for attributes of the cell, and shows nothing of them."""
    pages = [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "config" / "README.md"]
    lost = [
        (page.name, line)
        for page in pages
        for line in FENCE.sub("", page.read_text(encoding="utf-8")).splitlines()
        if line.startswith("|") and re.search(r"\{[^{}\n]+\} *\|", re.sub(r"`[^`]*`", "", line))
    ]
    assert lost == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    if not MKDOCS.is_file():
        pytest.skip("no .venv-docs: make docs makes it")
    folder = tmp_path_factory.mktemp("built") / "site"
    command = [MKDOCS, "build", "--strict", "--site-dir", folder]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_has_its_pages_and_asks_no_other_server(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="datasets/cloudsen12.html"' in home
    assert not re.search(r'<(?:script|link|img)[^>]*(?:src|href)="https?://(?!example)', home), "a request elsewhere"
    api = (site / "reference" / "api.html").read_text(encoding="utf-8")
    assert "Raises" in api
    assert all(f">{name}<" in api for name in ("open_trial", "leakage", "scores", "GroupStratifiedSplit"))


def test_pages_open_and_search_from_disk(site: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("no chromium on the PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page, trouble = browser.new_page(), []
        page.on("requestfailed", lambda request: trouble.append(request.url))
        page.on("console", lambda message: trouble.append(message.text))
        page.on("request", lambda request: trouble.append(request.url) if request.url.startswith("http") else None)
        for name in ("index.html", "datasets/so2sat.html"):
            page.goto((site / name).as_uri(), wait_until="load")
            page.click("input[name=query]")
            page.keyboard.type("leakage")
            page.locator(".md-search-result__item a", has_text="Leakage").first.wait_for()
        browser.close()
    assert trouble == []
