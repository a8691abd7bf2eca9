"""What a call of Snakemake asks for: its targets, and whether it computes anything."""

import contextlib
import io
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from snakemake.cli import parse_args
from snakemake.exceptions import CliException

from sentinel_forest.errors import InputError

_CHECK = re.compile(r"(\w+_)?check")
"""The target `check`, also under the prefix of a workflow that uses this one as a module."""
_IDLE = (
    "unlock",
    "lint",
    "list_rules",
    "list_target_rules",
    "print_compilation",
    "cleanup_metadata",
    "cleanup_shadow",
    "conda_cleanup_envs",
    "conda_create_envs_only",
    "list_conda_envs",
    "container_cleanup_images",
)


@dataclass(frozen=True)
class Call:
    """What a call asks for.

    Parameters
    ----------
    checks : bool
        Whether a version is to be checked, perhaps with other targets.
    only_checks : bool
        Whether nothing else is asked for.
    is_report : bool
        Whether it shows what the rules wrote (``--report``) and runs none of them.
    is_idle : bool
        Whether it neither reads results nor computes any (``--unlock``, ``--lint``).
    executor : str
        Who runs the jobs (``slurm``); nothing where none is run, or here.
    """

    checks: bool = False
    only_checks: bool = False
    is_report: bool = False
    is_idle: bool = False
    executor: str = ""


def parse(words: Sequence[str]) -> Call:
    """Read the words of a command line after the program's name, as Snakemake itself reads them.

    While a workflow is read, Snakemake does not tell it the targets. Words alone do not do: ``check`` may be
    the name of a folder. Of a process that was started in another way nothing is known; it asks for nothing
    special.
    """
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            _, known = parse_args(list(words))
    except (SystemExit, CliException, OSError):
        return Call()
    checks = [bool(_CHECK.fullmatch(target)) for target in known.targets]
    return Call(
        checks=any(checks),
        only_checks=any(checks) and all(checks),
        is_report=bool(known.report) and not known.report_after_run,
        is_idle=any(getattr(known, name, None) for name in _IDLE),
        executor="" if known.dryrun else known.executor or "",
    )


def check_executor(call: Call) -> None:
    """See that jobs can be handed to who is to run them.

    Raises
    ------
    InputError
        If they are meant for SLURM and there is none on this machine.
    """
    if call.executor == "slurm" and not call.is_idle and not shutil.which("sbatch"):
        raise InputError(
            "There is no SLURM on this machine.",
            where="the profile, or --executor",
            found="no program `sbatch`",
            remedy="start the run on a login node of the cluster, or leave the profile out to compute here",
        )
