"""The report of a finished run in a real browser: from disk, offline, on a screen, a phone and paper."""

import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Request, sync_playwright

pytestmark = pytest.mark.xdist_group("runs")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PAGES = (
    *("integrity", "datasets", "galleries", "mistakes", "splits", "features", "baselines", "forests", "reproduction"),
    "provenance",
)
PHONE = {"width": 390, "height": 844}
A4_LANDSCAPE = 1032
"""Pixels between the margins of a page."""

CHECKS = {"resultTypes": ["violations"], "preload": False}
"""Options of axe-core; styles cannot be loaded once more from disk."""
FEWER = (
    "document.querySelectorAll('tbody tr:nth-child(n + 4), .gallery li:nth-child(n + 3), .gallery ~ .gallery')"
    ".forEach((each) => each.remove())"
)
"""Rows of a table, and pictures, are alike; checking all of them takes long."""
LARGEST, MOST_NODES = 300_000, 6_000
"""Bytes of a page, and its elements."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as the system has it."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium on the PATH: install the packages of tests/system-packages.txt")
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def results(tiny) -> Path:
    """The folder of a finished version."""
    return Path(tiny.folder) / "results" / "tiny-v1"


def addresses(results: Path) -> list[str]:
    """All pages of the report."""
    paths = [results / "report.html", *(results / "report" / f"{name}.html" for name in PAGES)]
    return [path.as_uri() for path in paths]


@contextmanager
def watched(page: Page) -> Iterator[Page]:
    """At the end, nothing may have gone wrong on a page or out to a network."""
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on(
        "requestfailed", lambda request: trouble.append(f"{request.url}: {request.failure}") if real(request) else None
    )
    page.on("request", lambda request: trouble.append(request.url) if not local(request.url) else None)
    yield page
    assert not trouble


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """A page of a desktop browser."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
    with watched(context.new_page()) as page:
        yield page
    context.close()


def real(request: Request) -> bool:
    """Whether a request failed by itself, and not because the next page was opened."""
    return request.failure != "net::ERR_ABORTED"


def local(address: str) -> bool:
    return address.startswith(("file:", "data:"))


@dataclass(frozen=True)
class Visit:
    """What is seen on a page on a screen, a phone and paper; `broken` are pictures, `nodes` elements."""

    headings: int
    broken: int
    nodes: int
    text: str
    phone: int
    paper: int
    violations: list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def visits(browser, results) -> dict[str, Visit]:
    """Every page, loaded once."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
    with watched(context.new_page()) as page:
        found = {address: visit(page, address) for address in addresses(results)}
    context.close()
    return found


def visit(page: Page, address: str) -> Visit:
    page.goto(address)
    page.evaluate("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    broken = page.evaluate("[...document.images].filter((image) => !image.naturalWidth).length")
    nodes, text = page.evaluate("document.querySelectorAll('*').length"), page.inner_text("body")
    headings = page.locator("h1").count()
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    paper = width(page, A4_LANDSCAPE)
    page.emulate_media(media="screen")
    phone = width(page, PHONE["width"])
    page.set_viewport_size({"width": 1400, "height": 900})
    page.evaluate(FEWER)
    found = Axe().run(page, options=CHECKS).response["violations"]
    violations = [(each["id"], each["help"], each["nodes"][0]["html"]) for each in found]
    return Visit(headings, broken, nodes, text, phone, paper, violations)


def width(page: Page, screen: int) -> int:
    """How wide a page is on a screen."""
    page.set_viewport_size({"width": screen, "height": 844})
    return page.evaluate("document.documentElement.scrollWidth")


def test_every_page_opens_whole(visits):
    for address, seen in visits.items():
        assert (seen.headings, seen.broken) == (1, 0), address
        assert "Sample data." in seen.text, address


def test_no_page_is_too_large(visits, results):
    for address, seen in visits.items():
        assert seen.nodes < MOST_NODES, address
    for path in [results / "report.html", *(results / "report").glob("*.html")]:
        assert path.stat().st_size < LARGEST, path


def test_pages_can_be_read_and_used_by_everybody(visits):
    assert {address: seen.violations for address, seen in visits.items() if seen.violations} == {}


def test_a_phone_scrolls_down_only(visits):
    assert {seen.phone for seen in visits.values()} == {PHONE["width"]}


def test_tables_fit_on_paper(visits):
    assert {seen.paper for seen in visits.values()} == {A4_LANDSCAPE}


def test_the_navigation_leads_to_every_page(page, results):
    page.goto(addresses(results)[0])
    names = page.locator("header nav a").all_inner_texts()
    assert len(names) == 1 + len(PAGES)
    for name in names:
        page.locator("header nav").get_by_role("link", name=name, exact=True).click()
        assert page.locator("h1").inner_text() == name
        assert page.locator("header nav a[aria-current=page]").inner_text() == name


def headline(page: Page) -> Locator:
    """The section of the headline table; all of its rows are asked for."""
    section = page.locator("section", has=page.get_by_role("heading", name="All headline scores"))
    section.locator(".tools select").last.select_option("1000000")
    section.locator("[role=status]", has_text=re.compile("^[^–]*$")).wait_for()
    return section


def scores(page: Page) -> list[float]:
    """The score column of the headline table, as numbers."""
    texts = headline(page).locator("tbody tr:visible td.number:nth-of-type(5)").all_inner_texts()
    return [float(text.split()[0]) for text in texts if text]


def test_a_click_on_a_heading_sorts_by_number_and_back(page, results):
    page.goto(addresses(results)[0])
    heading = headline(page).locator("thead th", has_text="score")
    before = scores(page)
    assert len(before) > 5
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert scores(page) == sorted(before)
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert scores(page) == sorted(before, reverse=True)


def test_words_filter_the_rows(page, results):
    page.goto(addresses(results)[0])
    section = headline(page)
    total = section.locator("table").last.locator("tbody tr").count()
    section.get_by_label("Filter rows").last.fill("FOREST published")
    rows = section.locator("table").last.locator("tbody tr:visible").all_inner_texts()
    assert 0 < len(rows) < total
    assert all("forest" in row and "published" in row for row in rows)
    assert section.locator(".tools [role=status]").last.inner_text() == f"{len(rows)} of {total} rows"


def test_accessibility_checks_find_what_is_planted(page, results):
    page.goto(addresses(results)[0])
    page.evaluate(FEWER)
    page.evaluate("document.querySelector('img.plot').removeAttribute('alt')")
    page.evaluate("document.querySelector('.lead').style.color = '#bbbbbb'")
    page.evaluate("document.querySelector('.tools label').replaceWith(document.createElement('input'))")
    found = {each["id"] for each in Axe().run(page, options=CHECKS).response["violations"]}
    assert {"image-alt", "color-contrast", "label"} <= found


def test_the_keyboard_goes_everywhere(page, results):
    """First past the navigation; then to headings of tables, which sort on the key of a button."""
    page.goto(addresses(results)[0])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('thead button')"):
            break
    page.keyboard.press("Space")
    page.wait_for_function("document.activeElement.closest('th').getAttribute('aria-sort') === 'ascending'")


def test_folded_tables_open_on_a_click(page, results):
    page.goto((results / "report" / "forests.html").as_uri())
    first = page.locator("details.folded").first
    assert not first.locator("table").is_visible()
    first.locator("summary").click()
    assert first.locator("table").is_visible()


def test_a_headline_number_leads_to_its_file(page, results):
    """From the headline table to the table of scores of a trial, which holds the number."""
    page.goto(addresses(results)[0])
    row = headline(page).locator("tbody tr").filter(has_text="forest").filter(has_text="published").first
    score = row.locator("td.number").first.inner_text().split()[0]
    path = (results / str(row.get_by_role("link").first.get_attribute("href"))).resolve()
    metrics = pd.read_csv(path, sep="\t")
    forest = metrics[(metrics["classifier"] == "forest") & (metrics["role"] == "test")]
    assert score in [f"{value:.3f}" for value in forest["value"]]


def test_snakemake_report_holds_the_main_results(browser, tiny, tmp_path):
    """The report of Snakemake, offline, with categories, labels and captions, of a sealed version."""
    tiny.snakemake("--cores", "1", "--configfile", "tiny.yaml", "--report", str(tmp_path / "report.zip"))
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        archive.extractall(tmp_path)
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    tables = ("headline", "integrity", "ledger", "metrics", "importance", "curves", "calibration", "reproduction")
    assert {*(f"{name}.tsv" for name in tables), "manifest.sha256", "ro-crate-metadata.json"} <= names
    assert any(name.startswith("confusion-of-the-forest") for name in names)
    context = browser.new_context(offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    page.goto((tmp_path / "report" / "report.html").as_uri())
    assert "simulated" in page.inner_text("body")
    page.get_by_text("4 Baselines").first.click()
    assert "pooled-random" in page.inner_text("body")
    context.close()
    assert not errors


def test_paper_has_no_tools_and_says_where_tables_lie(page, results):
    page.goto(addresses(results)[0])
    page.emulate_media(media="print")
    assert not page.locator("header nav").is_visible()
    assert page.locator(".tools:visible").count() == 0
    assert page.locator("tbody tr:visible").count() > 5
    page.goto((results / "report" / "baselines.html").as_uri())
    assert page.locator("tbody tr:visible").count() == 0
    told = page.locator(".elsewhere:visible").all_inner_texts()
    assert len(told) == page.locator("table").count()
    assert any(text.endswith("averages.tsv") or "averages.tsv and" in text for text in told)


def test_without_scripts_the_tables_are_there(browser, results):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(addresses(results)[0])
    assert page.locator("tbody tr").count() > 5
    context.close()
