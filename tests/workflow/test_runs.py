"""The chain as a user runs it: once, again, elsewhere, with one core or two, after an edit."""

import re
import subprocess

import pytest
from workflow_helpers import TINY, copy_of

pytestmark = pytest.mark.xdist_group("runs")
NOTHING = "Nothing to be done"


def rules_to_run(output):
    """Rules that a dry run would run, without the target rules."""
    table = re.search(r"Job stats:\njob +count\n[- ]+\n(.*?)\n\n", output, re.S)
    assert table, output
    names = {line.split()[0] for line in table[1].splitlines()}
    return names - {"all", "total"}


def test_second_call_has_nothing_to_do(tiny):
    assert NOTHING in tiny.snakemake("--configfile", "tiny.yaml")


def test_draft_and_its_second_call(draft):
    assert NOTHING in draft.snakemake("--configfile", "tiny.yaml")


@pytest.mark.parametrize("version", ["tiny", "draft"])
def test_copy_on_another_machine_has_nothing_to_do(version, request, tmp_path):
    copy = copy_of(request.getfixturevalue(version), tmp_path / "elsewhere")
    assert NOTHING in copy.snakemake("--configfile", "tiny.yaml")


def test_one_core_and_two_give_the_same_manifest(tiny, draft):
    assert tiny.manifest("tiny-v1") == draft.manifest("draft")


def test_manifest_passes_sha256sum(tiny):
    folder = tiny.folder / "results" / "tiny-v1"
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "manifest.sha256"], cwd=folder, check=True)


def test_manifest_names_every_result_but_the_report_and_what_names_a_machine(tiny):
    folder = tiny.folder / "results" / "tiny-v1"
    listed = {line[66:] for line in tiny.manifest("tiny-v1").splitlines()}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    apart = {name for name in there if name.startswith("report/")}
    assert there - listed - apart == {"manifest.sha256", "version.json", "report.html"}
    assert listed <= there


def test_no_path_host_or_user_in_a_result(tiny):
    folder = tiny.folder / "results" / "tiny-v1"
    for path in folder.rglob("*"):
        if path.is_file():
            assert str(tiny.folder).encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("report/pages.py", {"pages"}),
        ("price.py", {"price"}),
        ("metrics.py", {"score", "price", "seal", "pages", "headline"}),
        ("gate.py", None),
    ],
)
def test_edited_module_runs_exactly_the_rules_that_use_it(draft, tmp_path, module, rules):
    copy = copy_of(draft, tmp_path / "edited")
    path = copy.folder / "workflow" / "scripts" / "sentinel_forest" / module
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    first = first_reasons(copy.snakemake("--configfile", "tiny.yaml", "--dry-run"))
    assert first == USERS[module]


def test_comment_in_a_module_runs_nothing(draft, tmp_path):
    copy = copy_of(draft, tmp_path / "edited")
    path = copy.folder / "workflow" / "scripts" / "sentinel_forest" / "forest.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")
    assert NOTHING in copy.snakemake("--configfile", "tiny.yaml", "--dry-run")
