"""The audit of split lists as one page of Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from sentinel_forest.splits.ledger import LINKED
from sentinel_forest.splits.marks import percent


def page(
    release: str,
    basis: str,
    lists: pd.DataFrame,
    links: pd.DataFrame,
    classes: pd.DataFrame,
    left: int | None,
    silent: Sequence[str],
) -> str:
    """Write the page.

    Parameters
    ----------
    release, basis : str
        What the lists were held against.
    lists, links, classes : DataFrame
        See `sentinel_forest.splits.audit`.
    left : int or None
        Patches of the catalog that no list names; None if only the lists tell which patches there are.
    silent : sequence of str
        Keys that nobody can look at.
    """
    patches = dict(zip(lists["list"], lists["patches"], strict=True))
    parts = [
        f"# Audit of split lists of {_cell(release)}",
        f"Held against {basis}."
        + ("" if left is None else f" {left} of its patches are in no list.")
        + (f" Not looked at: {', '.join(silent)} (not published, or implied by another key)." if silent else ""),
        "## What links the lists",
        "\n".join(_pair(rows, patches) for _, rows in links.groupby(["list_a", "list_b"], sort=False))
        or "There is only one list with patches: nothing to hold it against.",
        "## The lists",
        _markdown(lists.drop(columns="sha256")),
        "`unknown` entries name nothing of the release. `missing` patches have this role by the publisher and are not "
        "in the list; `moved` ones have another role by the publisher.",
    ]
    if len(classes):
        wide = classes.pivot_table(index="class", columns="list", values="fraction", sort=False).map(percent)
        parts += ["## Class balance", _markdown(wide.reset_index())]
    sums = "\n".join(f"    {checksum}  {name}" for name, checksum in _checksums(lists))
    parts += ["## Checksums (SHA-256)", sums, "All counts: `links.tsv`, `lists.tsv`, `classes.tsv` beside this page."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _checksums(lists: pd.DataFrame) -> Iterable[tuple[str, str]]:
    known = lists[lists["sha256"] != ""]
    return {
        label.rsplit(":", 1)[0]: checksum for label, checksum in zip(known["list"], known["sha256"], strict=True)
    }.items()


def _pair(rows: pd.DataFrame, patches: Mapping[str, int]) -> str:
    """What two lists share, in a sentence; `patches` of each list."""
    first = rows.iloc[0]
    a, b = f"**{_cell(first['list_a'])}**", f"**{_cell(first['list_b'])}**"
    shared = rows[rows["key"] == "patch"].iloc[0]
    if first["role_a"] == first["role_b"]:
        return f"- {a} and {b} (both {first['role_a']}): {_relation(shared, a, b, patches[first['list_b']])}"
    linked = rows[rows["status"].isin(LINKED)]
    cells = zip(linked["linked"], linked["total"], linked["key"], linked["fraction"].astype(float), strict=True)
    found = [f"{count} of {total} by {key} ({percent(fraction)})" for count, total, key, fraction in cells]
    unknown = rows.loc[rows["status"] == "unknown", "key"].tolist()
    words = ["linked: " + ", ".join(found)] if found else []
    words += [f"unknown: {', '.join(unknown)}"] if unknown else []
    return f"- {a} ({first['role_a']}) with {b} ({first['role_b']}): {'; '.join(words) or 'clean'}"


def _relation(shared: pd.Series, a: str, b: str, patches: int) -> str:
    """How two lists of the same role relate, from the row of the key ``patch``; b has so many patches."""
    linked, total = int(shared["linked"]), int(shared["total"])
    if not linked:
        return "no patch in common"
    if linked == total == patches:
        return f"the same {total} patches"
    return f"{linked} of the {total} patches of {a} are among the {patches} of {b}"


def _markdown(table: pd.DataFrame) -> str:
    """A table in Markdown, its cells escaped."""
    cells = [[_cell(value) for value in row] for row in table.itertuples(index=False, name=None)]
    lines = [[_cell(name) for name in table.columns], ["---"] * len(table.columns), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    """Text of a cell: nothing from a list becomes markup."""
    text = "" if pd.isna(value) else str(value)  # type: ignore[call-overload]
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", re.sub(r"\s+", " ", text))
