"""A cluster for the tests, and a small run that was done without one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, missing

from project import TINY, Checkout, copy_project


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Two nodes on this machine."""
    lacking = missing()
    if lacking and os.environ.get("CI") == "true":
        pytest.fail(f"no {', '.join(lacking)}: install the packages of tests/system-packages.txt")
    if lacking:
        pytest.skip(f"no SLURM on this machine: {', '.join(lacking)} not found")
    if os.geteuid() != 0:
        pytest.skip("only root can start a SLURM cluster")
    # Not below the tests' own folder: munge wants a socket that everybody can reach.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    with Cluster(folder) as cluster:
        yield cluster
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def local(tmp_path_factory) -> Checkout:
    """The small run, finished without a cluster. Only read it."""
    checkout = copy_project(tmp_path_factory.mktemp("local") / "project")
    checkout.overlay("tiny.yaml", **TINY)
    checkout.snakemake("--cores", "2", "--configfile", "tiny.yaml")
    return checkout
