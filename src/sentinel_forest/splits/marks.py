"""The mark that a score carries: what links its patches with those that the forest was grown on.

A mark is ``clean``, or parts with ``;`` between them: a kind, a colon, and keys. ``linked: product (0.4 %)`` counts
the patches of the role that share a product with training, ``(at least 0.4 %)`` where the product of some is unknown;
``linked (validation-test): city (100 %)`` the test patches
that share a city with validation, on which settings may have been chosen.
"""

import re
from collections.abc import Sequence

import pandas as pd

from sentinel_forest.splits.ledger import AT_LEAST, LINKED, NOT_LOOKED_AT
from sentinel_forest.splits.links import IMPLIED, NOT_PUBLISHED

CLEAN = "clean"
NO_TRAINING = "unknown: no training patches"
"""The mark of scores of a split without training patches of its own."""
BETWEEN = "(validation-test)"
_KEY = re.compile(r"(?P<key>.+?)(?: \((?:at least )?(?P<sign>[<>]?)(?P<percent>[\d.]+) %\))?")


def mark(ledger: pd.DataFrame, scheme: str, trial: int, role: str, trained_here: bool = True) -> str:
    """The mark that every score of a role carries.

    Parameters
    ----------
    ledger : DataFrame
        See `sentinel_forest.splits.ledger.LEDGER`.
    scheme, trial, role
        Whose mark.
    trained_here : bool
        Whether forests were grown on the split's own training patches.

    Returns
    -------
    str
        ``clean``, or what links patches of the role with training, and test with validation, by keys that the gate
        marks or stops, each with the fraction of patches; then keys of which it is not known. `NO_TRAINING` where no
        training patch was looked at.
    """
    own = ledger[(ledger["scheme"] == scheme) & (ledger["trial"] == trial)]
    training = own[(own["role_a"] == role) & (own["role_b"] == "train")]
    between = own[(own["role_a"] == "test") & (own["role_b"] == "validation")]
    parts = _parts("linked", training[training["status"].isin(LINKED)])
    parts += _parts(f"linked {BETWEEN}", between[between["status"].isin(LINKED)])
    unknown = training[training["status"] == "unknown"]
    parts += _parts("unknown", unknown)
    also = between[(between["status"] == "unknown") & ~between["key"].isin(unknown["key"])]
    parts += _parts(f"unknown {BETWEEN}", also)
    looked = training[~training["status"].isin([IMPLIED, NOT_PUBLISHED, NOT_LOOKED_AT])]
    if trained_here and looked.empty:
        parts.append(NO_TRAINING)
    return "; ".join(parts) or CLEAN


def _parts(kind: str, rows: pd.DataFrame) -> list[str]:
    """A part of a mark with the keys of some rows of the ledger, or none."""
    keys = [
        key if pd.isna(fraction) else f"{key} ({'at least ' if status == AT_LEAST else ''}{percent(fraction)})"
        for key, fraction, status in zip(rows["key"], rows["fraction"], rows["status"], strict=True)
    ]
    return [f"{kind}: {', '.join(keys)}"] if keys else []


def percent(fraction: float) -> str:
    """A fraction for reading: never 0 % of something, never 100 % of less than all.

    Examples
    --------
    >>> [percent(fraction) for fraction in (0.0041, 0.0001, 0.9999, 1.0)]
    ['0.4 %', '<0.1 %', '>99.9 %', '100 %']
    """
    if 0 < fraction < 0.001:
        return "<0.1 %"
    if 0.999 < fraction < 1:
        return ">99.9 %"
    return f"{100 * fraction:.1f}".removesuffix(".0") + " %"


def combine(marks: Sequence[str]) -> str:
    """One mark for several trials: whatever links any of them, with the largest fraction, and what was accepted.

    Examples
    --------
    >>> combine(["linked: roi (3 %)", "clean", "linked: content (1 %), roi (12.5 %); unknown: product"])
    'linked: content (1 %), roi (12.5 %); unknown: product'
    """
    found: dict[str, dict[str, tuple[float, str]]] = {}
    for part in (part for mark in marks for part in mark.split("; ") if part != CLEAN):
        kind, keys = part.split(": ", 1)
        for text in keys.split(", "):
            match = _KEY.fullmatch(text)
            assert match is not None, text
            size = float(match["percent"] or 0) + {"<": -0.01, ">": 0.01}.get(match["sign"] or "", 0.0)
            known = found.setdefault(kind, {})
            known[match["key"]] = max(known.get(match["key"], (-1.0, "")), (size, text))
    return (
        "; ".join(
            f"{kind}: {', '.join(text for _, (_, text) in sorted(keys.items()))}"
            for kind, keys in sorted(found.items())
        )
        or CLEAN
    )


def note(ledger: pd.DataFrame) -> str:
    """What is to be said beside every mark: the keys that nobody can look at, or nothing."""
    keys = ledger.loc[ledger["status"] == NOT_PUBLISHED, "key"].unique()
    return f"{NOT_PUBLISHED}: {', '.join(keys)}" if len(keys) else ""
