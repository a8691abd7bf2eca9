"""The audit of split lists as a step of a run: its tables become part of a version."""

from pathlib import Path

from sentinel_forest import datasets
from sentinel_forest.io.tables import read_catalog, write_tsv
from sentinel_forest.splits.audit import LINKS, LISTS, held_against, link_table, list_table
from sentinel_forest.splits.lists import read_lists
from sentinel_forest.steps import Layout, Output


def audit_lists(
    *,
    source: Path,
    release: str,
    dataset: str,
    layout: Layout | None = None,
    catalog: Path,
    numbers: str | None = None,
    lists: Output,
    links: Output,
) -> None:
    """Compare split lists that others made with the catalog of a release.

    Parameters
    ----------
    source : Path
        Folder of the lists, or one file.
    release : str
        Name of the release.
    dataset, layout
        Name of its dataset, and how it deviates from its published layout.
    catalog : Path
        Its catalog.
    numbers : str, optional
        What row numbers count, see `sentinel_forest.splits.audit.audit`.
    lists, links : Path
        Tables to write: `LISTS` and `LINKS`.

    Raises
    ------
    InputError
        If a list cannot be read, or none names a patch of the release.
    """
    opened, patches = datasets.load(dataset, layout), read_catalog(catalog)
    held = held_against(source, release, read_lists(source, opened), opened, patches, numbers)
    write_tsv(lists, list_table(held, patches), LISTS)
    write_tsv(links, link_table(held, opened, patches), LINKS)
