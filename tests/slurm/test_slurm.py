"""The workflow on a real SLURM: the same bytes as without one, whatever happens to jobs and to Snakemake."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster import Cluster, await_that

from project import FROM_FORESTS, TINY, Checkout, copy_project, without_forests

pytestmark = pytest.mark.xdist_group("slurm")

CALL = (
    "--workflow-profile",
    "profiles/slurm",
    "--configfile",
    "tiny.yaml",
    # This cluster has no accounting, one file system, and jobs of a few seconds.
    "--slurm-status-command",
    "squeue",
    "--slurm-init-seconds-before-status-checks",
    "7",
    "--latency-wait",
    "5",
)


def submitted(printed: str) -> list[str]:
    """Rules of the jobs that a call gave to SLURM."""
    return re.findall(r"has been submitted with SLURM jobid \d+ \(log: \S+/rule_(\w+)/", printed)


def test_the_same_manifest_as_without_a_cluster(cluster, local, tmp_path):
    """Forests and all that follows. Jobs that get too little memory at first are tried again with more."""
    checkout = without_forests(local, tmp_path / "project")
    memory = "score_all:mem_mb=100 * 20 ** (attempt - 1)"
    printed = checkout.snakemake(*CALL, "--set-resources", memory, **cluster.environment)
    assert Counter(submitted(printed)) == FROM_FORESTS | {"score_all": 2}
    assert checkout.manifest("tiny-v1") == local.manifest("tiny-v1")


@pytest.mark.long
def test_the_whole_run(cluster, local, tmp_path):
    """From the sample to the report, nothing was done before."""
    checkout = copy_project(tmp_path / "project")
    checkout.overlay("tiny.yaml", **TINY)
    printed = checkout.snakemake(*CALL, **cluster.environment)
    assert checkout.manifest("tiny-v1") == local.manifest("tiny-v1")
    assert submitted(printed).count("fit_all") == 1
    assert submitted(printed).count("inspect") == 1


@pytest.mark.long
def test_a_node_that_goes_down(cluster, local, tmp_path):
    """Its job starts anew on the other node; no other job does."""
    checkout = without_forests(local, tmp_path / "project")
    log = tmp_path / "log"
    with started(checkout, cluster, log) as run:
        job = wait_for_job(cluster, run, "fit")
        node = cluster.call("squeue", "-h", "-j", job, "-o", "%N")
        # Down, its jobs are lost to it; drained, it gets no others when it answers again.
        for state in ("drain", "down"):
            cluster.call("scontrol", "update", f"nodename={node}", f"state={state}", "reason=test")
        await_that(lambda: job in cluster.jobs("PD"), 60, f"job {job} to be queued again")
        # Jobs that are queued again wait two minutes, unless somebody who knows better lets them go.
        for waiting in cluster.jobs("PD"):
            cluster.call("scontrol", "update", f"jobid={waiting}", "starttime=now")
        assert run.wait(600) == 0, log.read_text()
    assert cluster.call("squeue", "-h", "-t", "all", "-j", job, "-o", "%N") not in ("", node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=resume")
    assert Counter(submitted(log.read_text())) == FROM_FORESTS
    assert checkout.manifest("tiny-v1") == local.manifest("tiny-v1")


@pytest.mark.long
def test_cancelled_job_and_killed_snakemake(cluster, local, tmp_path):
    """A job is cancelled from outside, then Snakemake is killed; one plain call ends the run."""
    checkout = without_forests(local, tmp_path / "project")
    log = tmp_path / "first.log"
    with started(checkout, cluster, log) as first:
        job = wait_for_job(cluster, first, "fit")
        cluster.call("scancel", job)
        # The profile tries again, so that the run goes on as far as its predictions.
        wait_for_job(cluster, first, "predict")
    before = log.read_text()
    # What was done without a cluster stands: only what follows the missing files is done.
    assert {"fit_all", "predict"} <= set(submitted(before)) <= {"fit_all", "predict", "importance"}
    assert submitted(before).count("fit_all") == 2
    again = checkout.snakemake(*CALL, **cluster.environment)
    assert "was killed; its lock is removed" in again
    # Jobs of the killed run go on: one that ends before the second call plans is not done again.
    assert {"score_all", "average", "pages"} <= set(submitted(again)) <= FROM_FORESTS.keys() - {"fit_all"}
    assert checkout.manifest("tiny-v1") == local.manifest("tiny-v1")


@contextmanager
def started(checkout: Checkout, cluster: Cluster, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A call of Snakemake that is killed at the end of the block, if it has not ended by then."""
    with log.open("w") as file:
        run = subprocess.Popen(
            [Path(sys.executable).parent / "snakemake", "--logger-sentinel-forest-everything", *CALL],
            cwd=checkout.folder,
            env=os.environ | cluster.environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def wait_for_job(cluster: Cluster, run: subprocess.Popen[bytes], rule: str) -> str:
    """Wait until a job of a rule runs; return its number."""
    found: list[str] = []

    def running() -> bool:
        assert run.poll() is None, "Snakemake ended too soon"
        found[:] = [number for number, comment in cluster.jobs("R").items() if f"rule_{rule}_" in comment]
        return bool(found)

    await_that(running, 150, f"a job of {rule}")
    return found[0]
