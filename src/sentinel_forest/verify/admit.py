"""Nothing downstream runs on a release that failed a check, unless the user takes it on their word."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import canonical, checksum_of
from sentinel_forest.io.tables import read_tsv, write_text
from sentinel_forest.steps import Output
from sentinel_forest.verify.inspect import CHECKSUMS, INTEGRITY


def admit(*, release: str, integrity: Path, checksums: Path, accept: list[str], output: Output) -> None:
    """Stop at a release that failed a check, unless that check is accepted by name.

    Parameters
    ----------
    release : str
        Its name.
    integrity, checksums : Path
        What was found and read, `sentinel_forest.verify.inspect.INTEGRITY` and ``CHECKSUMS``.
    accept : list of str
        Names of checks.
    output : Path
        What is admitted: a file of JSON.
    """
    findings = read_tsv(integrity, INTEGRITY)
    accepted = judge(findings, accept, release, integrity)
    if idle := _unknown(findings, accept):
        print(f"note: {idle}", file=sys.stderr)
    data = read_tsv(checksums, CHECKSUMS)
    verified = {
        "release": release,
        "accepted": accepted,
        "data": checksum_of(data[["path", "sha256"]].to_numpy().tolist()),
        "files": len(data),
        "bytes": int(data["bytes"].sum()),
    }
    write_text(output, canonical(verified) + "\n")


def judge(findings: pd.DataFrame, accept: Sequence[str], release: str, where: Path) -> list[str]:
    """Names of the failed checks that are accepted.

    Raises
    ------
    InputError
        If a check failed that is not accepted, or cannot be; with the first of its findings.
    """
    failed = findings[findings["status"] == "failed"]
    stopping = failed[~failed["check"].isin(accept) | (failed["accept"] == "")]
    if len(stopping):
        first = stopping.iloc[0]
        for row in stopping.head(20).itertuples():
            print(f"failed {row.layer} {row.check}: {row.file}: {row.found}", file=sys.stderr)
        remedy = f"{first['remedy'] or 'see the table'}{_offer(stopping, release)}"
        raise InputError(
            f"Release {release} failed {len(stopping)} of its checks; all of them are in {where}.",
            where=f"{first['file']} (check {first['check']!r})",
            found=first["found"],
            expected=first["expected"] or None,
            remedy="; ".join(filter(None, (remedy, _unknown(findings, accept)))),
        )
    return sorted(set(failed["check"]))


_FOLLOWS = {"kept": "what was found is taken as it is", "left out": "the patches or files concerned are left out"}


def _unknown(findings: pd.DataFrame, accept: Sequence[str]) -> str:
    """Names that are accepted although nothing was found under them, perhaps because they are misspelt."""
    known = set(findings["check"])
    names = sorted(set(accept) - known)
    near = [each for name in names for each in difflib.get_close_matches(name, known, n=1)]
    meant = f" (did you mean {' | '.join(near)}?)" if near else ""
    return f"nothing was found under {', '.join(names)}, which you accept{meant}" if names else ""


def _offer(stopping: pd.DataFrame, release: str) -> str:
    """How the checks that stop a release can be accepted, and what follows; or which of them cannot be."""
    final = sorted(set(stopping.loc[stopping["accept"] == "", "check"]))
    if final:
        return f" ({', '.join(final)} cannot be accepted: reading cannot go on)"
    by_outcome = {outcome: sorted(set(rows["check"])) for outcome, rows in stopping.groupby("accept")}
    texts = [f"{', '.join(checks)}: {_FOLLOWS[str(outcome)]}" for outcome, checks in by_outcome.items()]
    follows = "; ".join(texts) if len(texts) > 1 else texts[0].split(": ", 1)[1]
    return f"; or, on your own word, accept: {{{release}: [{', '.join(sorted(set(stopping['check'])))}]}} ({follows})"
