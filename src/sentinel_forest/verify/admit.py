"""Nothing downstream runs on a release that failed a check, unless the user takes it on their word."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import canonical, digest
from sentinel_forest.io.tables import read_tsv, write_text
from sentinel_forest.steps import Output
from sentinel_forest.verify.inspect import DIGESTS, INTEGRITY


def admit(*, release: str, integrity: Path, digests: Path, accept: list[str], output: Output) -> None:
    """Stop at a release that failed a check, unless that check is accepted by name.

    Parameters
    ----------
    release : str
        Its name.
    integrity, digests : Path
        What was found and read, `sentinel_forest.verify.inspect.INTEGRITY` and ``DIGESTS``.
    accept : list of str
        Names of checks.
    output : Path
        What is admitted: a file of JSON.
    """
    accepted = judge(read_tsv(integrity, INTEGRITY), accept, release, integrity)
    data = read_tsv(digests, DIGESTS)
    verified = {
        "release": release,
        "accepted": accepted,
        "data": digest(data[["path", "sha256"]].to_numpy().tolist()),
        "files": len(data),
        "bytes": int(data["bytes"].sum()),
    }
    write_text(output, canonical(verified) + "\n")


def judge(findings: pd.DataFrame, accept: Sequence[str], release: str, where: Path) -> list[str]:
    """Names of the failed checks that are accepted.

    Raises
    ------
    InputError
        If a check failed that is not accepted; with the first of its findings.
    """
    failed = findings[findings["status"] == "failed"]
    stopping = failed[~failed["check"].isin(accept)]
    if len(stopping):
        first = stopping.iloc[0]
        for row in stopping.head(20).itertuples():
            print(f"failed {row.layer} {row.check}: {row.file}: {row.found}", file=sys.stderr)
        raise InputError(
            f"Release {release} failed {len(stopping)} of its checks; all of them are in {where}.",
            where=f"{first['file']} (check {first['check']!r})",
            found=first["found"],
            expected=first["expected"] or None,
            remedy=f"{first['remedy'] or 'see the table'}; or, on your own word, accept: "
            f"{{{release}: [{', '.join(sorted(set(stopping['check'])))}]}} "
            "(what cannot be read stops the run later all the same)",
        )
    return sorted(set(failed["check"]))
