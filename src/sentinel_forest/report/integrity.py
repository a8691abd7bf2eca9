"""The page on data integrity: what was checked on every file, and what was found."""

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Item, Note, Page, Section, table

LEAD = (
    "Every byte of a release was read once and compared with the published checksums (where none are published, with "
    "those of the first reading), the published structure and the range of possible values; bands, labels and tables "
    "were compared with each other. A failed check stops a run unless the user accepts it by name; every result then "
    "says so."
)


def page(version: VersionResults) -> Page:
    """Findings of all releases."""
    sections = [
        Section(
            release.title,
            _items(release, version.description.get("accepted", {}).get(release.name, [])),
            release.is_sample,
        )
        for release in version.releases
    ]
    return Page("integrity", "Integrity", LEAD, tuple(sections), prints_tables=True)


def _items(release: ReleaseResults, accepted: list[str]) -> tuple[Item, ...]:
    if release.integrity is None:
        return (Note("There is no table of findings for this release.", "warning"),)
    findings = release.integrity
    source = [release.from_file(paths.INTEGRITY, "publish_integrity")]
    items: list[Item] = []
    if accepted:
        items.append(Note(f"Failed checks that were accepted by the user: {', '.join(accepted)}.", "warning"))
    counts = pd.crosstab(findings["layer"], findings["status"]).reindex(columns=["ok", "note", "failed"], fill_value=0)
    counts = (
        counts.rename(columns={"note": "notes"})
        .reset_index()
        .assign(files=[findings.loc[findings["layer"] == layer, "file"].nunique() for layer in counts.index])
    )
    explained = (
        "Number of findings. Layers: bytes (size and checksum), structure (names, shapes, dtypes), content (values)."
    )
    items.append(
        table(f"Checks on {release.name} by layer", counts.astype(object), source, explained, release.is_sample)
    )
    rank = findings["status"].map({"failed": 0, "note": 1, "ok": 2})
    shown = findings.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank")
    columns = ["file", "layer", "check", "status", "found", "expected", "remedy"]
    items.append(
        table(
            f"Findings on {release.name}",
            shown[columns],
            source,
            "Failed checks come first, then notes. “first-sight”: no checksum is published; the one that was computed "
            "here is what later runs compare with.",
            release.is_sample,
        )
    )
    return tuple(items)
