"""What the site has beside the pages in docs/: texts and notebooks that lie elsewhere, and the report of the demo.

MkDocs calls these functions (`hooks` in mkdocs.yml). A page that lies elsewhere in the project keeps its links, which
are turned to those of the site; a link to a file that the site does not have stops the build.
"""

import json
import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "config/README.md": "configuration.md",
    **{f"notebooks/{path.name}": f"notebooks/{path.stem}.md" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))},
}
"""Pages that lie elsewhere in the project, and their place in the site."""
COVERAGE = ("tests/bench/coverage.py", "tests/bench/coverage.tsv")
ATTACHED = {
    path: f"attached/{PurePosixPath(path).name}"
    for path in ("results/reference/bench.tsv", *COVERAGE, "CITATION.cff", "LICENSE")
}
"""Other files that pages lead to."""
REPORT = ROOT / "results" / "sample-v1"
"""The version whose report is part of the site, if it is there."""
REPORT_PAGE, REPORT_MARK = "sample-report.md", "<!-- link to the report -->"
API = "reference/api.md"
LINK = re.compile(r"\]\(([^)#\s:]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"(^```.*?^```$)", re.M | re.S)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside of docs/."""
    for source, place in PAGES.items():
        files.append(File.generated(config, place, content=_text(ROOT / source)))
    for source, place in ATTACHED.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    for path in _report():
        place = f"report/{path.relative_to(REPORT).as_posix()}"
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn what docstrings have of reStructuredText: formulas, and numbers of references."""
    if page.file.src_uri != API:
        return html
    for old, new in ((r":math:\s*<code>", "<code>"), (r"\[(\d+)\]_", r"[\1]"), (r"\.\. (\[\d+\])", r"\1")):
        html = re.sub(old, new, html)
    return html


def _text(path: Path) -> str:
    """A page, or a notebook as one."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    parts = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    return "\n\n".join(parts) + "\n"


def _report() -> list[Path]:
    """Files of the report of the demo."""
    first, rest = REPORT / "report.html", REPORT / "report"
    return [first, *sorted(path for path in rest.rglob("*") if path.is_file())] if first.is_file() else []


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the project to links between pages of the site."""
    place = page.file.src_uri
    here = next((source for source, to in PAGES.items() if to == place), f"docs/{place}")
    if place == REPORT_PAGE:
        link = "[Open the report](report/report.html){ .md-button .md-button--primary }"
        without = "This site was built without it: run `make demo`, then `make docs`."
        markdown = markdown.replace(REPORT_MARK, link if _report() else without)

    def turned(match: re.Match[str]) -> str:
        target = normpath(str(PurePosixPath(here).parent / match[1]))
        if target.startswith("docs/"):
            to = target.removeprefix("docs/")
        elif match[1].startswith("report/"):
            return match[0]
        else:
            to = (PAGES | ATTACHED).get(target, "")
        if not to:
            raise PluginError(
                f"{here} leads to {target}, which the site does not have: see PAGES in docs/site_hooks.py"
            )
        return f"]({relpath(to, PurePosixPath(place).parent)}{match[2] or ''})"

    parts = FENCE.split(markdown)
    return "".join(part if part.startswith("```") else LINK.sub(turned, part) for part in parts)
