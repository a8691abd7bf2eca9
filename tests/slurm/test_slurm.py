"""The workflow on a real SLURM: the same bytes as without one, whatever happens to jobs and to Snakemake."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import Cluster, await_that

from project import TINY, copy_of, copy_project

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.long]

CALL = (
    "--profile", "profiles/slurm", "--configfile", "tiny.yaml",
    # This cluster has no accounting, one file system, and jobs of a few seconds.
    "--slurm-no-account", "--slurm-status-command", "squeue",
    "--slurm-init-seconds-before-status-checks", "7", "--latency-wait", "5",
)  # fmt: skip


def submitted(printed: str) -> list[str]:
    """Rules of the jobs that a call gave to SLURM."""
    return re.findall(r"has been submitted with SLURM jobid \d+ \(log: \S+/rule_(\w+)/", printed)


def test_the_same_manifest_as_without_a_cluster(cluster, local, tmp_path):
    """One job gets too little memory at first, and is tried again with more."""
    checkout = copy_project(tmp_path / "project")
    checkout.overlay("tiny.yaml", **TINY)
    memory = "ledger:mem_mb=100 * 20 ** (attempt - 1)"
    printed = checkout.snakemake(*CALL, "--set-resources", memory, **cluster.environment)
    assert submitted(printed).count("ledger") == 2
    assert checkout.manifest("tiny-v1") == local.manifest("tiny-v1")
    assert submitted(printed).count("fit") == 2
    assert submitted(printed).count("inspect") == 1


def test_cancelled_job_and_killed_snakemake(cluster, local, tmp_path):
    """A job is cancelled from outside, then Snakemake is killed; one plain call ends the run."""
    checkout = copy_of(local, tmp_path / "project")
    results = checkout.folder / "results" / "tiny-v1"
    shutil.rmtree(results / "cloudsen12-sample" / "baselines")
    (results / "manifest.sha256").unlink()
    log = tmp_path / "first.log"
    with log.open("w") as file:
        first = subprocess.Popen(
            [Path(sys.executable).parent / "snakemake", *CALL], cwd=checkout.folder,
            env=os.environ | cluster.environment, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        job = wait_for_job(cluster, first, "fit")
        cluster.call("scancel", job)
        # The profile tries again, so that the run goes on as far as its predictions.
        wait_for_job(cluster, first, "predict")
    finally:
        first.kill()
        first.wait()
    before = log.read_text()
    # What was done without a cluster stands: only what follows the missing files is done.
    assert set(submitted(before)) == {"fit", "predict"}
    assert submitted(before).count("fit") == 3
    again = checkout.snakemake(*CALL, **cluster.environment)
    assert "was killed; its lock is removed" in again
    assert set(submitted(again)) == {"predict", "score", "pages"}
    assert checkout.manifest("tiny-v1") == local.manifest("tiny-v1")


def wait_for_job(cluster: Cluster, run: subprocess.Popen[bytes], rule: str) -> str:
    """Wait until a job of a rule runs; return its number."""
    found: list[str] = []

    def running() -> bool:
        assert run.poll() is None, "Snakemake ended too soon"
        found[:] = [number for number, comment in cluster.jobs("R").items() if f"rule_{rule}_" in comment]
        return bool(found)

    await_that(running, 150, f"a job of {rule}")
    return found[0]
