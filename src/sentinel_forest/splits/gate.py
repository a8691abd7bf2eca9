"""The gate: stops a run whose splits have links that the configuration does not tolerate."""

from pathlib import Path

import pandas as pd

from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.splits.ledger import LEDGER
from sentinel_forest.splits.links import FOOTPRINT_PIXELS


def check_gate(ledger: pd.DataFrame, where: object = None) -> None:
    """Raise if the gate stops the run.

    Raises
    ------
    InputError
        If a link has the status ``stops``.
    """
    stops = ledger[ledger["status"] == "stops"]
    if len(stops):
        numbers = stops["linked"].astype("object").fillna("?")
        lines = [
            f"{row.scheme} {row.trial}: {number} of {row.total} {row.role_a}"
            f" {'pixels' if row.key == FOOTPRINT_PIXELS else 'patches'} share their {row.key}"
            f" with {row.role_b}"
            for row, number in zip(stops.itertuples(), numbers, strict=True)
        ]
        raise InputError(
            "The gate stops the run: roles are linked, or it cannot be seen whether they are (?).",
            where=where,
            found="; ".join(lines),
            expected="no link by a key that the gate sets to stop",
            remedy="group the scheme by that key, or set the gate of the key to mark or count",
        )


def hold_links(*, ledger: Path) -> None:
    """Stop if the ledger has a link that the key `gate` of the configuration forbids.

    Parameters
    ----------
    ledger : Path
        The ledger of a release.
    """
    check_gate(read_tsv(ledger, LEDGER), ledger)
