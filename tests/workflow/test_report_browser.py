"""The report of a finished run in a real browser: from disk, offline, on a screen, a phone and paper."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, sync_playwright

pytestmark = pytest.mark.xdist_group("runs")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PAGES = ("integrity", "datasets", "galleries", "splits", "features", "baselines", "provenance")
PHONE = {"width": 390, "height": 844}

CONTRAST = """
() => {
  const parse = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = parse(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const colours = [parse(getComputedStyle(element).color), ground(element)];
    const pair = colours.map(light).sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) poor.add(`${element.tagName} ${element.className} ${ratio.toFixed(2)}`);
  }
  return [...poor];
}
"""
"""Elements whose text stands out too little from its ground (WCAG 2.2, 1.4.3: ratio of 4.5)."""

NAMELESS = """
() => [...document.querySelectorAll("a[href], button, input, summary, [role=region], nav")]
  .filter((element) => element.checkVisibility())
  .filter((element) => {
    const by = element.getAttribute("aria-labelledby");
    const label = element.labels?.length ? element.labels[0].textContent : "";
    const other = by && document.getElementById(by)?.textContent;
    const name = element.getAttribute("aria-label") || other || label || element.textContent;
    return !name.trim();
  })
  .map((element) => element.outerHTML.slice(0, 120))
"""
"""Things to use or to go to that have no name."""


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


def scores(page: Page) -> list[float]:
    """The score column of the headline table, as numbers."""
    table = page.locator("section").last.locator("table").last
    texts = table.locator("tbody tr:visible td.number:nth-of-type(7)").all_inner_texts()
    return [float(text.split()[0]) for text in texts if text]


def test_a_click_on_a_heading_sorts_by_number_and_back(page, results):
    page.goto(addresses(results)[0])
    heading = page.locator("section").last.locator("th", has_text="score").last
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
    section = page.locator("section").last
    total = section.locator("table").last.locator("tbody tr").count()
    section.get_by_label("Filter rows").last.fill("FOREST published")
    rows = section.locator("table").last.locator("tbody tr:visible").all_inner_texts()
    assert 0 < len(rows) < total
    assert all("forest" in row and "published" in row for row in rows)
    assert section.locator(".tools [role=status]").last.inner_text() == f"{len(rows)} of {total} rows"


def test_pages_can_be_read_and_used_by_everybody(page, results):
    for address in addresses(results):
        page.goto(address)
        assert page.evaluate(CONTRAST) == [], address
        assert page.evaluate(NAMELESS) == [], address
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"


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


def test_without_scripts_the_tables_are_there(browser, results):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(addresses(results)[0])
    assert page.locator("tbody tr").count() > 5
    context.close()
