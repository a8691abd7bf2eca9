"""The report of a finished run in a real browser: from disk, offline, on a screen, a phone and paper."""

import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

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
FEWER_ROWS = "document.querySelectorAll('tbody tr:nth-child(n + 12)').forEach((row) => row.remove())"
"""The rows of a table are alike; checking all of thousands takes minutes."""


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


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """A page of a desktop browser; at the end, nothing may have gone wrong or out to a network."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("requestfailed", lambda request: trouble.append(f"failed: {request.url}"))
    page.on("request", lambda request: trouble.append(request.url) if not local(request.url) else None)
    yield page
    context.close()
    assert not trouble


def local(address: str) -> bool:
    return address.startswith(("file:", "data:"))


def test_every_page_opens_whole(page, results):
    for address in addresses(results):
        page.goto(address)
        assert page.locator("h1").count() == 1
        page.evaluate("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
        page.wait_for_function("[...document.images].every((image) => image.complete)")
        assert page.evaluate("[...document.images].filter((image) => !image.naturalWidth).length") == 0
        assert "Sample data." in page.inner_text("body")


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


def test_pages_can_be_read_and_used_by_everybody(page, results):
    for address in addresses(results):
        page.goto(address)
        page.evaluate(FEWER_ROWS)
        found = Axe().run(page, options=CHECKS).response["violations"]
        assert [(each["id"], each["help"], each["nodes"][0]["html"]) for each in found] == [], address


def test_accessibility_checks_find_what_is_planted(page, results):
    page.goto(addresses(results)[0])
    page.evaluate(FEWER_ROWS)
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
    tables = ("headline", "integrity", "ledger", "metrics", "importance", "curves", "reliability", "reproduction")
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


def test_a_phone_scrolls_down_only(browser, results):
    context = browser.new_context(viewport=PHONE, offline=True)
    page = context.new_page()
    for address in addresses(results):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], address
    context.close()


def test_paper_shows_tables_whole_and_no_tools(page, results):
    page.goto(addresses(results)[0])
    page.emulate_media(media="print")
    assert not page.locator("header nav").is_visible()
    assert page.locator(".tools:visible").count() == 0
    assert set(
        page.locator(".scroll").evaluate_all("(all) => all.map((each) => getComputedStyle(each).maxHeight)")
    ) == {"none"}


def test_tables_fit_on_paper(browser, results):
    context = browser.new_context(viewport={"width": A4_LANDSCAPE, "height": 700}, offline=True)
    page = context.new_page()
    page.emulate_media(media="print")
    for address in addresses(results):
        page.goto(address)
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.documentElement.scrollWidth") == A4_LANDSCAPE, address
    context.close()


def test_without_scripts_the_tables_are_there(browser, results):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(addresses(results)[0])
    assert page.locator("tbody tr").count() > 5
    context.close()
