"""What a call of Snakemake asks for, profiles included."""

from pathlib import Path

import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.planning import call


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile for a cluster, in a folder without a workflow."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "profile.yaml").write_text("executor: slurm\njobs: 2\n")
    return tmp_path / "cluster"


def test_a_cluster_that_is_not_there_is_named(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(profile))
    for words in (["--profile", str(profile)], ["--executor", "slurm", "-j", "2", "all"]):
        with pytest.raises(InputError, match="There is no SLURM on this machine"):
            call.check_executor(call.parse(words))
    for words in (["-c1"], ["-n", "--profile", str(profile)], ["--unlock", "--profile", str(profile)], ["--nonsense"]):
        call.check_executor(call.parse(words))


def test_a_cluster_that_is_there_is_used(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (profile / "sbatch").write_text("#!/bin/sh\n")
    (profile / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(profile))
    asked = call.parse(["check", "--profile", str(profile)])
    assert asked.executor == "slurm"
    assert asked.only_checks
    call.check_executor(asked)
