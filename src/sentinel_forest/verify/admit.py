"""Nothing downstream runs on a release that failed a check, unless the user takes it on their word."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sentinel_forest.errors import InputError, run
from sentinel_forest.io.checksums import canonical, digest
from sentinel_forest.io.tables import read_tsv, write_text
from sentinel_forest.verify.inspect import DIGESTS, INTEGRITY


def main(argv: Sequence[str] | None = None) -> None:
    """Pass a release, or stop with what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", required=True)
    parser.add_argument("--integrity", type=Path, required=True)
    parser.add_argument("--digests", type=Path, required=True)
    parser.add_argument("--accept", type=json.loads, default=[], help="JSON list of names of checks")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args(argv)
    findings = read_tsv(arguments.integrity, INTEGRITY)
    accepted = judge(findings, arguments.accept, arguments.release, arguments.integrity)
    data = read_tsv(arguments.digests, DIGESTS)
    verified = {
        "release": arguments.release,
        "accepted": accepted,
        "data": digest(data[["path", "sha256"]].to_numpy().tolist()),
        "files": len(data),
        "bytes": int(data["bytes"].sum()),
    }
    write_text(arguments.output, canonical(verified) + "\n")


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


if __name__ == "__main__":
    run(main)
