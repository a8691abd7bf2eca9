"""The chain as a user runs it: once, again, elsewhere, with one core or two, after an edit."""

import re
import subprocess

import pytest

from project import FROM_FORESTS, copy_of, without_forests

pytestmark = pytest.mark.xdist_group("runs")
NOTHING = "Nothing to be done"


def changed(checkout):
    """Rules whose own code or parameters differ from those that made their outputs."""
    lines = checkout.snakemake("--configfile", "tiny.yaml", "--summary").splitlines()
    rows = [line.split("\t") for line in lines if line.count("\t") == 5]
    assert rows[0][2:5] == ["rule", "log-file(s)", "status"], lines
    return {row[2] for row in rows[1:] if row[4] in ("params changed", "code changed")}


def test_second_call_has_nothing_to_do(tiny):
    assert NOTHING in tiny.snakemake("--configfile", "tiny.yaml")


def test_draft_has_nothing_to_do_either(draft):
    assert NOTHING in draft.snakemake("--configfile", "tiny.yaml")


@pytest.mark.parametrize("version", ["tiny", "draft"])
def test_copy_on_another_machine_has_nothing_to_do(version, request, tmp_path):
    copy = copy_of(request.getfixturevalue(version), tmp_path / "elsewhere", whole=True)
    assert NOTHING in copy.snakemake("--configfile", "tiny.yaml")


def test_missing_forests_are_grown_and_nothing_else_is_done_again(tiny, tmp_path):
    copy = without_forests(tiny, tmp_path / "project")
    printed = copy.snakemake("--configfile", "tiny.yaml", "--dry-run", "--quiet", "rules")
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", printed, flags=re.MULTILINE)}
    here = dict.fromkeys(("reproduction", "headline", "seal", "crate", "index", "all"), 1)
    assert jobs == FROM_FORESTS | here | {"total": sum((FROM_FORESTS | here).values())}


def test_one_core_and_two_give_the_same_manifest(tiny, draft):
    assert tiny.manifest("tiny-v1") == draft.manifest("draft")


def test_near_duplicates_are_looked_for_where_they_are_asked_for(draft, tmp_path):
    copy = copy_of(draft, tmp_path / "copy")
    copy.overlay("near.yaml", near_duplicates={"distance": 0.001})
    ledger = copy.folder / "results" / "draft" / "cloudsen12-sample" / "ledger.tsv"
    before = ledger.read_text(encoding="utf-8").splitlines()
    copy.snakemake("splits", "--cores", "1", "--configfile", "tiny.yaml", "near.yaml")
    after = ledger.read_text(encoding="utf-8").splitlines()
    of_key = [[line.split("\t") for line in lines if "\tnear-duplicate\t" in line] for lines in (before, after)]
    assert [row[-1] for row in of_key[0]] == ["not computed"] * 6, "two schemes, three pairs of roles"
    assert [row[-1] for row in of_key[1]] == ["clean"] * 12, "and each role with itself"
    assert [line for line in before if "near-dup" not in line] == [line for line in after if "near-dup" not in line]


def test_manifest_passes_sha256sum(tiny):
    folder = tiny.folder / "results" / "tiny-v1"
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "manifest.sha256"], cwd=folder, check=True)


def test_manifest_names_every_result_but_the_report_and_what_names_an_environment(tiny):
    folder = tiny.folder / "results" / "tiny-v1"
    listed = {line[66:] for line in tiny.manifest("tiny-v1").splitlines()}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    others = {name for name in there - listed if not name.startswith("report/")}
    assert others == {"manifest.sha256", "environment.json", "report.html", "ro-crate-metadata.json", "Snakefile"}
    assert listed <= there


def test_no_result_holds_the_path_of_the_machine(tiny):
    for path in (tiny.folder / "results" / "tiny-v1").rglob("*"):
        if path.is_file():
            assert str(tiny.folder).encode() not in path.read_bytes(), path


RULES_OF = {
    "models/forest": {"fit_all", "predict", "price", "importance", "seal", "pages"},
    "datasets/so2sat/__init__": set(),
}
"""Rules that use a module, of those that a run of CloudSEN12 has; tests/planning/test_code_of_rules.py has more.

`seal` is among them wherever a result may change: it names the code.
"""


@pytest.mark.parametrize("module", RULES_OF)
def test_edited_module_runs_exactly_the_rules_that_use_it(draft, tmp_path, module):
    copy = copy_of(draft, tmp_path / "edited")
    path = copy.folder / "src" / "sentinel_forest" / f"{module}.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    assert changed(copy) == RULES_OF[module]


def test_comment_in_a_module_runs_nothing(draft, tmp_path):
    copy = copy_of(draft, tmp_path / "edited")
    path = copy.folder / "src" / "sentinel_forest" / "models" / "forest.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")
    assert NOTHING in copy.snakemake("--configfile", "tiny.yaml", "--dry-run")


@pytest.mark.parametrize("change", ["code", "configuration", "data"])
def test_sealed_version_stops_and_nothing_is_touched(tiny, tmp_path, change):
    copy = copy_of(tiny, tmp_path / "sealed", whole=True)
    arguments = ["--configfile", "tiny.yaml"]
    if change == "code":
        path = copy.folder / "src" / "sentinel_forest" / "models" / "forest.py"
        path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    elif change == "configuration":
        arguments += ["--config", "seed=2"]
    else:
        path = copy.folder / "data" / "cloudsen12-sample" / "test" / "L1C_B2.dat"
        content = bytearray(path.read_bytes())
        content[1000] ^= 1
        path.write_bytes(content)
    before = copy.tree("results")
    output = copy.snakemake(*arguments, fails=True)
    told = {"code": "code: sealed with", "configuration": "seed: sealed with 1, now 2", "data": "data of cloudsen12"}
    for text in ("'tiny-v1' is finished and sealed", told[change], "--config version=NAME", "sentinel-forest check"):
        assert text in output
    assert "Traceback" not in output
    assert copy.tree("results") == before


def test_report_of_a_sealed_version_may_be_written_anew(tiny, tmp_path):
    copy = copy_of(tiny, tmp_path / "sealed")
    before = copy.tree("results")
    (copy.folder / "results" / "tiny-v1" / "report.html").unlink()
    copy.snakemake("--configfile", "tiny.yaml")
    assert copy.tree("results") == before


def test_check_computes_again_and_finds_the_same_bytes(tiny, tmp_path):
    """Also where a plain run would stop, because the code has changed."""
    copy = copy_of(tiny, tmp_path / "checked", whole=True)
    path = copy.folder / "src" / "sentinel_forest" / "models" / "forest.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    before = copy.tree("results")
    output = copy.snakemake("check", "--configfile", "tiny.yaml", "--cores", "2")
    assert "files are equal, byte for byte" in output
    assert "although it was code: sealed with" in output
    assert copy.tree("results") == before


def test_check_of_a_version_that_is_not_sealed_says_so(draft):
    """Before anything runs: a name that is mistyped is not computed and sealed."""
    for version in ("draft", "nope"):
        arguments = ("check", "--configfile", "tiny.yaml", "--config", f"version={version}")
        output = draft.snakemake(*arguments, fails=True)
        assert "not sealed" in output
        assert not (draft.folder / "results" / "nope").exists()


def test_a_lock_comes_off_whatever_has_changed(tiny, tmp_path):
    copy = copy_of(tiny, tmp_path / "locked", whole=True)
    locks = copy.folder / ".snakemake" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0.input.lock").write_text("")
    (locks / "0.output.lock").write_text("somewhere\n")
    copy.snakemake("--unlock", "--configfile", "tiny.yaml", "--config", "seed=2")
    assert not list(locks.glob("*"))
