"""What a call of Snakemake may do with a finished version: nothing is made of what is not its own any more."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentinel_forest.acquire.history import Seen
from sentinel_forest.planning.call import Call
from sentinel_forest.versions.manifest import hold_files
from sentinel_forest.versions.seal import data_digest, hold, is_sealed, not_sealed

WORK = Path("work")


def hold_call(
    call: Call,
    version: Path,
    now: Mapping[str, Any],
    seen: Mapping[str, Seen],
    selected: Mapping[str, Sequence[str]],
    work: Path = WORK,
) -> None:
    """Stop a call that would give a finished version other results, or use files that are not its own.

    A call that computes nothing may always go on: a lock must come off whatever has changed. One that only
    checks tells the differences itself.

    Parameters
    ----------
    call : Call
        What is asked for.
    version : Path
        Folder of the version.
    now : mapping
        `seal.identity` of this call.
    seen, selected : mapping
        What was read of each release before, and the paths of its files that are selected now.
    work : Path
        Folder of the working files.

    Raises
    ------
    InputError
        With what differs, or if a version is to be checked that has not finished.
    """
    if call.is_idle:
        return
    finished = is_sealed(version)
    computes = finished and not call.is_report
    if call.checks and not computes:
        raise not_sealed(version)
    if not finished or call.only_checks:
        return
    if computes:
        read = {name: data_digest(work / name / "digests.tsv", seen[name], selected[name]) for name in seen}
        hold(version, now, {name: data for name, data in read.items() if data})
    hold_files(version)
