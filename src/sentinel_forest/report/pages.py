"""The report of a version: a few pages that open from disk, without a network.

``report.html`` is the first page, the others and all that they show lie in the folder ``report`` beside
it. The same version gives the same bytes.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import jinja2

from sentinel_forest import kept
from sentinel_forest.config.paths import REPORT, SCRIPTS
from sentinel_forest.io.tables import write_text
from sentinel_forest.report import (
    baselines,
    charts,
    comparison,
    forests,
    galleries,
    importance,
    inputs,
    integrity,
    mistakes,
    overview,
    provenance,
    reproduction,
    splits,
)
from sentinel_forest.report import data as material
from sentinel_forest.report.inputs import VersionResults
from sentinel_forest.report.model import Explorer, Gallery, Item, Page, Plot, Table
from sentinel_forest.steps import Output

TEMPLATES = Path(__file__).with_name("templates")
ASSETS = ("style.css", "report.js")
FOLDER = "report"
MODULES = (
    *(overview, baselines, splits, mistakes, reproduction, comparison),
    *(material, galleries, importance, forests, integrity, provenance),
)


def pages(*, results: Path, work: Path, data: Path, output: Output) -> None:
    """Write the report of a version from its files.

    Parameters
    ----------
    results : Path
        Folder of the version.
    work, data : Path
        Folders with the working files and the files of each release; what is gone is not shown.
    output : Path
        The first page, ``report.html``.
    """
    version = inputs.read(results, work, data)
    write(version, filled(version), output, work / kept.STORE)


def filled(version: VersionResults) -> list[Page]:
    """All pages on which there is something, in the order of the navigation; the last is provenance."""
    made = []
    for module in MODULES:
        page = module.page(version)
        if not page.sections:
            continue
        print(f"page: {page.title}", file=sys.stderr)
        made.append(page)
    return made


def write(version: VersionResults, made: Sequence[Page], output: Path, store: Path) -> None:
    """Write the folder of the report, whole or not at all, and then its first page.

    `store` is the folder of kept results, see `sentinel_forest.kept`.
    """
    environment = _environment(version, made)
    sizes: dict[str, tuple[int, int]] = {}
    environment.globals["drawn"] = sizes
    with _replacing_folder(output.with_name(FOLDER)) as folder:
        for name in ASSETS:
            shutil.copyfile(TEMPLATES / name, folder / name)
        charts.write_scripts(folder / Path(SCRIPTS).name, store)
        for page in made:
            root = "" if page.name == "report" else "../"
            for section in page.sections:
                for item in section.items:
                    _write_files(folder, item, root, sizes, store)
        for page in made[1:]:
            write_text(folder / f"{page.name}.html", _html(environment, page, "../", ""))
    write_text(output, _html(environment, made[0], "", f"{FOLDER}/"))


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside `folder` to write to; it takes its place once the block ends well."""
    beside, before = (folder.with_name(f".{folder.name}.{os.getpid()}.{what}") for what in ("new", "old"))
    beside.mkdir(parents=True)
    try:
        yield beside
        if folder.exists():
            folder.rename(before)
        beside.rename(folder)
    finally:
        for left in (beside, before):
            shutil.rmtree(left, ignore_errors=True)


def _write_files(folder: Path, item: Item, root: str, sizes: dict[str, tuple[int, int]], store: Path) -> None:
    """Write what lies beside the page: drawings, their data, pictures, rows of long tables; `sizes` are of drawings."""
    if isinstance(item, Plot):
        text = json.dumps(item.chart.complete(item.is_sample), separators=(",", ":"))
        path = folder / "figures" / item.anchor
        sizes[item.anchor] = charts.size(charts.write_svg(_new(path.with_name(f"{path.name}.svg")), text, store))
        script = f"sentinel.charts[{json.dumps(item.anchor)}] = {text};\n"
        _write_bytes(path.with_name(f"{path.name}.js"), script.encode())
        _write_bytes(path.with_name(f"{path.name}.tsv"), item.chart.tsv().encode())
    elif isinstance(item, Gallery):
        for number, picture in enumerate(item.pictures, 1):
            _write_bytes(folder / "patches" / f"{item.anchor}-{number}.png", picture.content)
    elif isinstance(item, Table) and len(item.rows) > len(item.first):
        _write_bytes(folder / "tables" / f"{item.anchor}.js", item.script(root).encode())
    elif isinstance(item, Explorer):
        _write_bytes(folder / "figures" / f"{item.anchor}.js", item.script().encode())


def _write_bytes(path: Path, content: bytes) -> None:
    _new(path).write_bytes(content)


def _new(path: Path) -> Path:
    """A file in a folder that is there, itself not yet there."""
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        raise FileExistsError(f"two items of the report share the name {path.name}")
    return path


def _environment(version: VersionResults, made: Sequence[Page]) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {
        "version": version,
        "pages": list(made),
        "samples": [release.name for release in version.releases if release.is_sample],
        "kind_of": lambda item: type(item).__name__,
    }
    return environment


def _html(environment: jinja2.Environment, page: Page, root: str, assets: str) -> str:
    """A page as HTML; `root` leads from it to the version's folder, `assets` to the report's."""

    def address(other: Page) -> str:
        return f"{root}{REPORT}" if other.name == "report" else f"{assets}{other.name}.html"

    def link(path: str) -> str:
        return path if path.startswith("https://") else root + path

    html = environment.get_template("page.html").render(page=page, root=root, assets=assets, address=address, link=link)
    return "\n".join(line for line in html.splitlines() if line.strip()) + "\n"
