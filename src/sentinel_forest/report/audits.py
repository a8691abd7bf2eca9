"""Split lists that others made, for the page on splits."""

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Item, Source, column, percent, table
from sentinel_forest.splits.audit import LINKS, LISTS
from sentinel_forest.splits.ledger import LINKED

RULE = "audit_lists"


def items(release: ReleaseResults) -> list[Item]:
    """For each audit of a release its lists, and what links them; nothing where there is none."""
    found = (paths.fields(paths.AUDITED_LISTS, path) for path in sorted(release.files))
    names = [part["audit"] for part in found if part and part["release"] == release.name]
    return [item for name in names for item in (_lists(release, name), _links(release, name))]


def _read(release: ReleaseResults, pattern: str, name: str, schema: object) -> tuple[pd.DataFrame, list[Source]]:
    path = paths.place(pattern, release=release.name, audit=name)
    return read_tsv(release.results / path, schema), [Source(path, RULE)]  # type: ignore[arg-type]


def _lists(release: ReleaseResults, name: str) -> Item:
    rows, sources = _read(release, paths.AUDITED_LISTS, name, LISTS)
    return table(
        f"Split lists {name} compared with {release.name}",
        rows.drop(columns="sha256"),
        sources,
        "Unknown entries name no patch of the release. Missing patches have this role in the published split and are "
        "not in the list; moved patches have another role in the published split.",
        release.is_sample,
    )


def _links(release: ReleaseResults, name: str) -> Item:
    rows, sources = _read(release, paths.AUDITED_LINKS, name, LINKS)
    shown = rows[rows["status"].isin(LINKED)].drop(columns=["status"]).reset_index(drop=True)
    shown["fraction"] = column([percent(value) for value in shown["fraction"]])
    return table(
        f"What links the split lists {name} of {release.name}",
        shown,
        sources,
        "Patches of the first list that are linked with the second by a key that could make a score optimistic. No row:"
        " nothing was found.",
        release.is_sample,
    )
