"""The shell that jobs run in, and who runs them."""

import compileall
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.planning import jobs
from sentinel_forest.planning.jobs import capped, check_executor, shell_prefix


def test_without_slurm_nothing_is_handed_to_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    check_executor("local")
    with pytest.raises(InputError, match="There is no SLURM on this machine"):
        check_executor("slurm")
    (tmp_path / "sbatch").touch(mode=0o755)
    check_executor("slurm")


def test_a_cluster_whose_jobs_have_few_threads_is_told():
    assert capped(is_local=True, cores=2) == ""
    assert capped(is_local=False, cores=None) == capped(is_local=False, cores=1000) == ""
    assert "no job has more than 2 threads" in capped(is_local=False, cores=2)


def run(command: str, deployed: bool = False, snakefile: Path = Path("a folder/{x}/Snakefile")):
    prefix = shell_prefix(snakefile, deployed).format()  # Snakemake formats it
    return subprocess.run(["bash", "-c", prefix + command], capture_output=True, text=True, check=False)


def test_a_command_that_fails_is_not_hidden_by_the_one_after_it():
    assert run("false | cat").returncode
    assert run("echo $NO_SUCH_VARIABLE").returncode


def test_jobs_know_the_main_file_whatever_its_folder_is_called():
    assert run('echo "$SNAKEFILE"').stdout == "a folder/{x}/Snakefile\n"


def test_the_interpreter_that_runs_snakemake_runs_the_jobs_unless_they_have_an_environment():
    first = str(Path(sys.executable).parent)
    assert run('echo "${PATH%%:*}"').stdout.strip() == first
    assert f"PATH={first}" not in shell_prefix(Path("Snakefile"), deployed=True)


def test_jobs_write_no_compiled_modules(tmp_path):
    (tmp_path / "toy.py").write_text("VALUE = 1\n")
    assert run(f"cd {tmp_path}; python -c 'import toy'").returncode == 0
    assert not (tmp_path / "__pycache__").exists()


def test_jobs_compile_libraries_that_their_installation_has_not(monkeypatch, tmp_path):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    (tmp_path / "sklearn.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    assert run("echo ${PYTHONDONTWRITEBYTECODE-none}").stdout == "none\n"
    compileall.compile_file(tmp_path / "sklearn.py", quiet=2)
    assert run("echo ${PYTHONDONTWRITEBYTECODE-none}").stdout == "1\n"


def test_matrix_products_add_up_on_one_thread_on_every_machine(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    assert run("echo $OPENBLAS_NUM_THREADS").stdout == "1\n"


def test_modules_are_compiled_once_and_not_on_a_full_disk(monkeypatch, tmp_path):
    package = tmp_path / "sentinel_forest"
    (package / "planning").mkdir(parents=True)
    (package / "planning" / "jobs.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(jobs, "__file__", str(package / "planning" / "jobs.py"))
    monkeypatch.setattr(jobs.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    jobs.compile_modules()
    assert not list(package.rglob("*.pyc"))
    monkeypatch.undo()
    monkeypatch.setattr(jobs, "__file__", str(package / "planning" / "jobs.py"))
    jobs.compile_modules()
    assert len(list(package.rglob("*.pyc"))) == 1
