"""The stages that `snakemake` shows on the terminal."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import snakemake_logger_plugin_sentinel_forest as plugin
from project import ROOT
from snakemake_logger_plugin_sentinel_forest import shortened
from snakemake_logger_plugin_sentinel_forest.stages import STAGE_OF, STAGES, Run

TARGETS = {"all", "fetch", "verify", "catalogs", "splits", "features", "baselines", "report", "reproduce", "compare",
           "export", "tfds"}  # fmt: skip
"""Rules of the workflow that only collect files."""


def test_every_rule_belongs_to_one_stage() -> None:
    rules = {
        name
        for path in (ROOT / "workflow" / "rules").glob("*.smk")
        for name in re.findall(r'^(?:rule |for TRIALS in jobs\(SELECTION, ")(\w+)', path.read_text(), re.MULTILINE)
    }
    assert rules - TARGETS == set(STAGE_OF), "workflow/rules and STAGES name the same rules"
    assert sum(map(len, STAGES.values())) == len(STAGE_OF)


def test_time_left_rests_on_jobs_of_the_same_rule() -> None:
    run = Run({"fit": 10, "predict": 4, "all": 1})
    assert run.stages == ["forests", "predictions"]
    assert run.left(1.0) is None
    for _ in range(8):
        run.end("fit", 10.0)
    # Two at a time; 2 forests of 10 s, and 4 jobs of another rule, which count as the mean of all.
    assert run.left(40.0) == pytest.approx((2 * 10 + 4 * 10) / 2)
    run.end("predict", 40.0)
    assert run.left(60.0) == pytest.approx((2 * 10 + 3 * 40) / 2)
    assert run.count("forests") == (8, 10)


SNAKEFILE = """
rule all:
    input: "features.txt", "split.txt"

rule split:
    output: "split.txt"
    message: "Split the toy"
    shell: "touch {output}"

rule feature_table:
    input: "split.txt"
    output: "features.txt"
    log: "features.log"
    message: "Features of the toy"
    shell: "COMMAND"
"""


def run_toy(folder: Path, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run two rules under the logger, without a terminal."""
    (folder / "Snakefile").write_text(SNAKEFILE.replace("COMMAND", command))
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-m", "snakemake", "-c1", "--logger", "sentinel-forest", *options]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_a_run_prints_its_stages_and_its_end(tmp_path: Path) -> None:
    finished = run_toy(tmp_path, "touch {output}")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stderr.splitlines()
    assert "2 jobs in 2 stages: splits, features" in lines
    assert "stage 2 of 2: features, 1 job" in lines
    assert re.fullmatch(r"done: 2 of 2 jobs in .*", lines[-1])
    assert len(lines) < 8
    assert list((tmp_path / ".snakemake" / "log").iterdir()), "Snakemake's own log stays in its file"
    again = run_toy(tmp_path, "touch {output}")
    assert "Nothing to be done" in again.stderr


WAVES = """
rule all:
    input: expand("{name}.features", name=["a", "b"])

rule split:
    output: "{name}.split"
    shell: "touch {output}"

rule feature_table:
    input: "{name}.split"
    output: "{name}.features"
    priority: 9
    shell: "touch {output}"
"""


def test_stages_that_run_side_by_side_are_told_when_they_begin_and_end(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(WAVES)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-m", "snakemake", "-c1", "--logger", "sentinel-forest"]
    finished = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    stages = [line for line in finished.stderr.splitlines() if line.startswith("stage ")]
    assert stages == [
        "stage 1 of 2: splits, 2 jobs",
        "stage 2 of 2: features, 2 jobs",
        "stage 1 of 2: splits, 2 of 2 jobs done",
        "stage 2 of 2: features, 2 of 2 jobs done",
    ], "splits of b come after features of a, and no stage is told twice"


def test_a_failure_shows_the_message_of_the_step_and_the_log(tmp_path: Path) -> None:
    finished = run_toy(tmp_path, "echo working > {log}; echo 'error: no such band' >> {log}; exit 1")
    assert finished.returncode != 0
    shown = finished.stderr
    assert "failed: Features of the toy" in shown
    assert "  error: no such band" in shown
    assert "working" not in shown, "what comes before the error stays in the log"
    assert "log: features.log" in shown
    assert "Traceback" not in shown
    assert re.search(r"ended early: 1 of 2 jobs in .*; the same command goes on from here\n", shown)


def test_a_full_disk_is_told_where_a_log_says_nothing(monkeypatch, tmp_path: Path) -> None:
    said: list[str] = []
    handler = SimpleNamespace(_jobs={}, _failed={}, _tell=lambda *lines: said.extend(lines))
    record = SimpleNamespace(jobid=1, rule_name="catalog", rule_msg=None, log=[])
    for free in (1 << 30, 1 << 20):
        monkeypatch.setattr(plugin.shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        plugin.LogHandler._fail_job(handler, record)
    assert said[:2] == ["failed: catalog"] * 2
    assert "is full: 1024 KiB are free" in said[2]
    assert "make room" in said[3]


FROM_SLURM = """\
Building DAG of jobs...
slurmstepd-n1: error: *** JOB 40 ON n1 CANCELLED AT 2026-11-30T21:15:37 DUE TO TIME LIMIT ***
Error in rule fit_all:
        sentinel-forest fit --release toy
"""


def test_what_slurm_says_of_a_job_that_it_ended(tmp_path: Path) -> None:
    """Not the rest of its log, where Snakemake repeats the command; but all of it where nothing else explains."""
    own, slurm = tmp_path / "own.log", tmp_path / "40.log"
    own.write_text("")
    slurm.write_text(FROM_SLURM)
    said: list[str] = []
    handler = SimpleNamespace(_jobs={}, _failed={}, _tell=lambda *lines: said.extend(lines))
    message = "SLURM-job '40' failed, SLURM status is: 'TIMEOUT'. Detailed failure reason unavailable"
    record = SimpleNamespace(jobid=14, rule_name="fit_all", rule_msg=message, log=[own, slurm])
    plugin.LogHandler._fail_job(handler, record)
    assert said == [
        "failed: fit_all",
        "  Slurm: job 40 of rule fit_all ended as TIMEOUT (it took more time than it asked for)",
        f"  log: {own}",
        "  slurmstepd-n1: error: *** JOB 40 ON n1 CANCELLED AT 2026-11-30T21:15:37 DUE TO TIME LIMIT ***",
        f"  log: {slurm}",
    ]
    slurm.write_text("MissingInputException\n" + 4000 * "x")
    said.clear()
    plugin.LogHandler._fail_job(handler, record)
    assert said[3] == "  MissingInputException"
    assert len(said[4]) < 210
    own.write_text("100 of 200 rows\n")  # how far the step came explains nothing
    said.clear()
    plugin.LogHandler._fail_job(handler, record)
    assert "  MissingInputException" in said
    own.write_text("error: no such band\n")
    said.clear()
    plugin.LogHandler._fail_job(handler, record)
    assert said[2:] == ["  error: no such band", f"  log: {own}", f"  log: {slurm}"]


def test_a_job_that_is_tried_again_is_told(tmp_path: Path) -> None:
    ended = run_toy(tmp_path, "test -e once && touch {output} || (touch once; exit 1)", "--retries", "1")
    assert ended.returncode == 0
    assert "failed: Features of the toy" in ended.stderr
    assert "tried again: Features of the toy" in ended.stderr


def test_everything_is_shown_on_request(tmp_path: Path) -> None:
    plain = run_toy(tmp_path, "touch {output}", "--logger-sentinel-forest-everything")
    assert "Job stats:" in plain.stderr
    assert "Features of the toy" in plain.stderr


def test_a_dry_run_shows_reasons(tmp_path: Path) -> None:
    shown = run_toy(tmp_path, "touch {output}", "-n")
    assert "Reason: Missing output files" in shown.stderr + shown.stdout


def test_a_dry_run_names_few_files_and_no_times() -> None:
    reason = "Reason: Missing output files: a.tsv, b.tsv, c.tsv, d.tsv; Input files updated by another job: e, f"
    code = (
        "Reason: Params have changed since last execution: Union of exclusive params before and now across all output: "
    )
    checksums = "before: '" + 64 * "a" + "' now: '" + 64 * "b" + "' "
    assert shortened(f"{code}{checksums}") == "Reason: The code of this step has changed"
    assert shortened(f"[Sat Nov 28 20:06:48 2026]\nJob 2: Split the toy\n{reason}") == (
        "Job 2: Split the toy\n"
        "Reason: Missing output files: a.tsv, b.tsv and 2 more; Input files updated by another job: e, f"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--", "reprot"], "error: No rule to produce reprot\n  what to do: correct the name; "),
        (["--configfile", "nosuch.yaml"], "'nosuch.yaml'\n  what to do: correct the path; "),
        (["--configfile", "broken.yaml"], "error: Config file is not valid"),
    ],
)
def test_what_stops_snakemake_itself_is_said_without_a_traceback(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "broken.yaml").write_text("foo: [1, 2")
    ended = run_toy(tmp_path, "touch {output}", *words)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "what to do" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_failed_job_is_told_once(tmp_path: Path) -> None:
    ended = run_toy(tmp_path, "false")
    assert ended.returncode == 1
    assert ended.stderr.count("failed: Features of the toy") == 1
    assert "error: " not in ended.stderr


def test_a_job_that_the_system_kills_is_told(tmp_path: Path) -> None:
    ended = run_toy(tmp_path, "kill -9 $$")
    assert ended.returncode == 1
    assert ended.stderr.count("failed: Features of the toy") == 1
    assert "error: the system killed a job" in ended.stderr
