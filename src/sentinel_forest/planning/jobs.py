"""How jobs are started: the shell they run in, and who runs them."""

import compileall
import importlib.util
import shlex
import shutil
import sys
from pathlib import Path

from sentinel_forest.errors import InputError
from sentinel_forest.planning import resources


def shell_prefix(snakefile: Path, deployed: bool) -> str:
    """What each command of a rule begins with, with its braces doubled, as Snakemake takes it.

    Strict mode, because a prefix replaces Snakemake's own. What depends on where the checkout lies goes here,
    because a prefix does not count as part of a rule: moving a checkout runs nothing again. Jobs keep no compiled
    modules (see `compile_modules`), unless those of the libraries are still to be made. Matrix products are computed
    on one thread, because the last digits of their sums depend on the number of threads.

    Parameters
    ----------
    snakefile : Path
        The main file of the workflow, of which the crate holds a copy.
    deployed : bool
        Whether an environment is made for the jobs; else the interpreter that runs Snakemake runs them, too.
    """
    path = "" if deployed else f"{shlex.quote(str(Path(sys.executable).parent))}:"
    keep = "" if _libraries_lack_compiled_modules() else "PYTHONDONTWRITEBYTECODE=1 "
    text = (
        f"set -euo pipefail; export PYTHONHASHSEED=0 OPENBLAS_NUM_THREADS=1 {keep}LC_ALL=C.UTF-8 "
        f"SNAKEFILE={shlex.quote(str(snakefile))} PATH={path}$PATH; "
    )
    return text.replace("{", "{{").replace("}", "}}")


def _libraries_lack_compiled_modules() -> bool:
    """Whether each job would compile the libraries again, as after ``uv pip install``, which leaves that to them."""
    found = importlib.util.find_spec("sklearn")
    place = found and found.origin
    return bool(place) and not Path(importlib.util.cache_from_source(str(place))).is_file()


ROOM = 64 << 20
"""Bytes on the disk below which no modules are compiled."""


def compile_modules() -> None:
    """Keep the modules of this package compiled, so that no job does it again.

    Not even once: a job that finds the disk full can leave half of a compiled module, which Python takes for a whole
    one from then on, also when there is room again.
    """
    package = Path(__file__).parents[1]
    if shutil.disk_usage(package).free > ROOM:
        compileall.compile_dir(package, quiet=2)


def check_executor(name: str) -> None:
    """See that jobs can be handed to who is to run them.

    Parameters
    ----------
    name : str
        Name of the executor in Snakemake.

    Raises
    ------
    InputError
        If they are meant for SLURM and there is none on this machine.
    """
    if name == "slurm" and not shutil.which("sbatch"):
        raise InputError(
            "There is no SLURM on this machine.",
            where="the profile, or --executor",
            found="no program `sbatch`",
            remedy="start the run on a login node of the cluster, or leave the profile out to compute here",
        )


def capped(is_local: bool, cores: int | None) -> str:
    """What is to be said where a cluster gives jobs fewer threads than they are worth, or nothing.

    Parameters
    ----------
    is_local : bool
        Whether jobs run on this machine.
    cores : int or None
        Snakemake's option of this name: no job has more threads. A profile may have set it.
    """
    if is_local or cores is None or cores >= resources.MOST_THREADS:
        return ""
    return (
        f"note: no job has more than {cores} threads, because `cores` is {cores}; large jobs can use up to "
        f"{resources.MOST_THREADS}. profiles/default sets `cores` to those of this machine: give the profile of the "
        "cluster with --workflow-profile, which replaces it, or add --cores 1000"
    )
