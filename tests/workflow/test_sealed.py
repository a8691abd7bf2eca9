"""A sealed version whose files have changed: nothing is made from it, and a check says so."""

import os
import re
import shutil

import pytest

from project import copy_of

pytestmark = pytest.mark.xdist_group("runs")
CALL = ("--configfile", "tiny.yaml", "--cores", "1")
METRICS = "cloudsen12-sample/baselines/published/1/metrics.tsv"
NOT_THOSE = "are not those that its manifest names"


@pytest.fixture
def sealed(tiny, tmp_path):
    """A copy of the small version in which a test may do damage, and its folder."""
    copy = copy_of(tiny, tmp_path / "sealed", whole=True)
    return copy, copy.folder / "results" / "tiny-v1"


def flip(path):
    """Change one bit in the middle of a file; its length and its date stay."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_finished_version_stays_finished_after_another_one_of_its_release(sealed):
    copy, folder = sealed
    (copy.folder / "other.yaml").write_text((copy.folder / "tiny.yaml").read_text().replace("tiny-v1", "other-v1"))
    copy.snakemake("--configfile", "other.yaml", "--cores", "1")
    assert (folder.parent / "other-v1" / "manifest.sha256").exists()
    assert "Nothing to be done" in copy.snakemake(*CALL)


@pytest.mark.parametrize(
    "call",
    [("report",), ("export",), ("check", "report"), ("--report", "seen.html"), ("--forcerun", "crate")],
    ids=" ".join,
)
def test_nothing_is_made_from_a_damaged_version(sealed, call):
    copy, folder = sealed
    flip(folder / METRICS)
    before = copy.tree(".")
    printed = copy.snakemake(*CALL, *call, fails=True)
    assert f"Files of version 'tiny-v1' {NOT_THOSE}" in printed
    assert f"{METRICS} has SHA-256" in printed
    assert "1 of " in printed
    assert "put them back from a copy" in printed
    assert "Traceback" not in printed
    assert "rule " not in printed
    assert {path for path in copy.tree(".") if ".snakemake" not in path} == {
        path for path in before if ".snakemake" not in path
    }
    assert copy.tree("results") == {path: sha for path, sha in before.items() if path.startswith("results/")}


def test_every_file_that_is_missing_or_another_is_named(sealed):
    copy, folder = sealed
    (folder / METRICS).unlink()
    (folder / "headline.tsv").write_bytes(b"")
    printed = copy.snakemake(*CALL, fails=True)
    assert f"{METRICS} is missing" in printed
    assert "headline.tsv has SHA-256" in printed
    assert "2 of " in printed
    assert not (folder / METRICS).exists()


def test_a_sealed_version_without_its_description_is_not_computed_over(sealed):
    copy, folder = sealed
    for damage in (lambda path: path.write_text("{}"), lambda path: path.unlink()):
        damage(folder / "version.json")
        before = copy.tree("results")
        printed = copy.snakemake(*CALL, fails=True)
        assert NOT_THOSE in printed
        assert "version.json" in printed
        assert "Traceback" not in printed
        assert copy.tree("results") == before


def test_a_version_that_is_damaged_is_not_compared_with(sealed):
    copy, folder = sealed
    other = folder.parent / "other"
    shutil.copytree(folder, other)
    flip(other / METRICS)
    arguments = ("compare", *CALL, "--config", "against=other")
    printed = copy.snakemake(*arguments, fails=True)
    assert f"Files of version 'other' {NOT_THOSE}" in printed
    assert not list((folder.parent / "tiny-v1").glob("compare_*"))


def test_locks_and_lint_ask_for_no_files(sealed):
    copy, folder = sealed
    flip(folder / METRICS)
    copy.snakemake("--unlock", *CALL[:2])
    # Its exit status is that of a lint which the project leaves out, see tests/lint_workflow.py.
    assert NOT_THOSE not in copy.snakemake("--lint", *CALL[:2], fails=True)


def test_a_deleted_report_is_made_anew_only_if_the_manifest_holds(sealed):
    copy, folder = sealed
    (folder / "report.html").unlink()
    copy.snakemake(*CALL)
    assert (folder / "report.html").is_file()
    (folder / "report.html").unlink()
    flip(folder / METRICS)
    assert NOT_THOSE in copy.snakemake(*CALL, fails=True)
    assert not (folder / "report.html").exists()


def test_a_sealed_version_is_not_computed_again_in_its_place(sealed):
    """Whatever asks for it: an option, or new dates without what Snakemake noted of the run."""
    copy, _ = sealed
    before = copy.tree("results")
    printed = copy.snakemake(*CALL, "--forcerun", "split_all", fails=True)
    assert "this call would write its files again" in printed
    assert copy.tree("results") == before
    shutil.rmtree(copy.folder / "work")
    assert "Nothing to be done" in copy.snakemake(*CALL)
    assert copy.tree("results") == before


def test_the_environment_is_no_part_of_what_is_sealed(sealed):
    copy, folder = sealed
    (folder / "environment.json").write_text('{"commit": null, "environment": {}}', encoding="utf-8")
    copy.snakemake(*CALL, "--dry-run")
    assert "environment.json" not in copy.manifest("tiny-v1")
    assert "  version.json\n" in copy.manifest("tiny-v1")


def test_a_folder_may_be_called_check(sealed):
    """The word is a target only where Snakemake takes it for one."""
    copy, _ = sealed
    place = copy.folder.parent / "check"
    copy.folder.rename(place)
    copy = type(copy)(place.parent)
    files = ("--snakefile", str(place / "Snakefile"), "--configfile", str(place / "tiny.yaml"))
    arguments = (*files, "--cores", "1", "--directory", "check")
    assert "Nothing to be done" in copy.snakemake(*arguments)
    flip(place / "results" / "tiny-v1" / METRICS)
    assert NOT_THOSE in copy.snakemake(*arguments, fails=True)


def test_check_looks_again_each_time(sealed):
    """At the files themselves, whatever was found before; and it computes everything anew."""
    copy, folder = sealed
    check = copy.folder / "work" / "check" / "tiny-v1"
    printed = copy.snakemake("check", *CALL[:2], "--cores", "2")
    assert "files are equal, byte for byte" in printed
    assert re.search(r"done: \d\d of \d\d jobs", printed), "the whole run, not the check alone"
    assert sorted(path.name for path in check.iterdir()) == ["differences.tsv"]
    assert "are always executed" in copy.snakemake("check", *CALL, "--dry-run"), "it is never taken for done"
    flip(folder / METRICS)
    printed = copy.snakemake("check", *CALL, fails=True)
    assert f"{METRICS} has SHA-256" in printed, "a version that was edited is named before anything is computed"
    assert "Traceback" not in printed
    flip(folder / METRICS)
    assert "Nothing to be done" in copy.snakemake(*CALL)
