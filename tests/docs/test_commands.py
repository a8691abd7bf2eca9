"""Commands on the pages run as they stand there, or the page says why the tests do not run them.

Blocks marked `sh` run one after another in a copy of the project, page by page; a `yaml` block that begins with the
name of a file is written first. A line with the comment `stops` must fail. A block that is not run here stands below
`<!-- run by tests/...: ... -->` or `<!-- not run by the tests: ... -->`.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from project import ROOT, Checkout, copy_project

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "config" / "README.md"])
BLOCK = re.compile(r"(?:^<!-- (?P<mark>(?:not )?run by .*?) -->\n+)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
NAMED = re.compile(r"# ([\w/.-]+\.yaml)\n")
RUN_BY, NOT_RUN = re.compile(r"run by (tests/\S+?)(?::|$)"), re.compile(r"not run by the tests: \S")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and what stands above it."""

    kind: str
    text: str
    mark: str


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(each["kind"], each["text"], each["mark"] or "") for each in found]


def _named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


RUN = [page for page in PAGES if any(block.kind == "sh" and not block.mark for block in blocks(page))]


SMALL = """version: sample-v1
releases: [so2sat-sample]
schemes: [published]
trials: 1
feature_sets: [lcz-bands]
forest: {trees: 5}
bootstrap: {draws: 100}
price: {trials: 0}
"""
"""The default run of pages that compute it: its commands are the same, and done in a minute."""
COMPUTED = ("publishing.md", "exporting.md")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the project whose `.venv` is the environment of the tests."""
    checkout = copy_project(tmp_path_factory.mktemp("pages") / "project")
    (checkout.folder / ".venv").symlink_to(Path(sys.prefix))
    return checkout


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = kept | {"PATH": path, "PYTHONPATH": str(folder / "src")}
    command = ["bash", "-ec", line]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


@pytest.mark.long
@pytest.mark.xdist_group("pages")
@pytest.mark.parametrize("page", RUN, ids=_named)
def test_commands_of_the_page_run(page: Path, project: Checkout) -> None:
    default = SMALL if page.name in COMPUTED else (ROOT / "config" / "config.yaml").read_text(encoding="utf-8")
    (project.folder / "config" / "config.yaml").write_text(default, encoding="utf-8")
    for block in blocks(page):
        if block.kind == "yaml" and (named := NAMED.match(block.text)):
            path = project.folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if block.kind == "sh" and not block.mark:
            for line in block.text.replace("\\\n", " ").splitlines():
                done = run(line, project.folder)
                fails = re.search(r"# stops\b", line) is not None
                assert (done.returncode != 0) == fails, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_marks_of_blocks_have_a_reason_or_name_a_test_that_reads_the_page(page: Path) -> None:
    for block in blocks(page):
        if test := RUN_BY.match(block.mark):
            assert page.name in (ROOT / test[1]).read_text(encoding="utf-8"), block.mark
        elif block.mark:
            assert NOT_RUN.match(block.mark), block.mark


def test_blocks_are_told_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not run by the tests: why -->\n```sh\na\n```\ntext\n```sh\nb\n```\n", encoding="utf-8")
    assert blocks(page) == [Block("sh", "a\n", "not run by the tests: why"), Block("sh", "b\n", "")]


def test_no_command_hides_in_a_block_of_another_kind() -> None:
    """Blocks without a kind are output; no line of them begins as a command does."""
    hidden = [
        (page.name, line)
        for page in PAGES
        for block in blocks(page)
        if block.kind in ("", "text", "console", "bash", "shell")
        for line in block.text.splitlines()
        if re.match(r"(\$ |\.venv/bin/|snakemake |sentinel-forest |make )", line)
    ]
    assert hidden == []
