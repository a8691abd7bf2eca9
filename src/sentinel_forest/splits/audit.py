"""Audit of split lists that others made: what they share, leave out, repeat, and name that is not there.

Every list is held against the catalog of the release, or, without one, against what the names alone tell. Links are
those of the leakage ledger (`sentinel_forest.splits.ledger`), between every two lists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config.own_releases import named_entry
from sentinel_forest.datasets.base import SPLITS, Dataset, no_hashes
from sentinel_forest.errors import InputError
from sentinel_forest.io import schemas as pa
from sentinel_forest.io.tables import columns, conform, read_catalog, write_text, write_tsv
from sentinel_forest.splits import audit_page
from sentinel_forest.splits.entries import contradiction, rows_of
from sentinel_forest.splits.ledger import COUNTED, linkings, status_of
from sentinel_forest.splits.links import IMPLIED, NOT_PUBLISHED, complete_gate
from sentinel_forest.splits.lists import SplitList, read_lists
from sentinel_forest.splits.named import named_catalog
from sentinel_forest.splits.numbers import counts_from_1
from sentinel_forest.steps import Layout, Output
from sentinel_forest.verify import catalog as catalogs

LISTS = pa.DataFrameSchema(
    {
        **columns("str", "list", "role", "sha256"),
        **columns("int64", "entries", "patches", "repeated", "unknown"),
        **columns("Int64", "missing", "moved", nullable=True),
        "groups": pa.Column("Int64", nullable=True),
        **columns("str", "first_unknown", "note"),
    },
    strict=True,
    ordered=True,
)
"""The lists. `entries` are lines, cells or numbers, `patches` the different patches that they stand for; `repeated`
entries name nothing new; `unknown` ones name nothing of the release, `first_unknown` being the first (a blank one is
`BLANK`). `missing` patches
have this role by the publisher and are not in the list; `moved` ones have another role by the publisher; both are empty
where the catalog does not tell. `groups` are the groups of the patches.
"""

BLANK = "(blank)"

LINKS = pa.DataFrameSchema(
    {**columns("str", "list_a", "role_a", "list_b", "role_b", "key"), **COUNTED}, strict=True, ordered=True
)
"""As `sentinel_forest.splits.ledger.LEDGER`: `linked` of `total` patches of `list_a` are linked with `list_b` by `key`.
Links between lists of the same role are counted.
"""

CLASSES = pa.DataFrameSchema(
    {**columns("str", "list", "role", "class"), "patches": pa.Column("float64"), "fraction": pa.Column("float64")},
    strict=True,
    ordered=True,
)
"""Patches of each class in a list (sums of class fractions, where pixels have classes), and their fraction of all."""


@dataclass(frozen=True, eq=False)
class Held:
    """A list held against the catalog: `rows` (int64) of the catalog, each once, in order."""

    source: SplitList
    rows: np.ndarray
    repeated: int = 0
    unknown: tuple[str, ...] = ()
    note: str = ""


def hold(source: SplitList, dataset: Dataset, catalog: pd.DataFrame, numbers: str | None = None) -> Held:
    """Find the patches that a list names.

    Parameters
    ----------
    source : SplitList
        The list.
    dataset : Dataset
        Knows names.
    catalog : DataFrame
        The patches; `patch`, and for other names the columns that `Dataset.listed_name` speaks of.
    numbers : str, optional
        What row numbers count, see `sentinel_forest.splits.entries.rows_of`.

    Raises
    ------
    InputError
        If a list has row numbers, and nothing says what they count, or the release has nothing that they can
        count; if a mask is of other rows.
    """
    if source.unread:
        return Held(source, np.empty(0, dtype=np.int64), note=f"not read: {source.unread}")
    found = rows_of(source, dataset, catalog, numbers)
    flat = [row for rows in found for row in rows]
    rows = np.array(sorted(set(flat)), dtype=np.int64)
    unknown = tuple(name for name, some in zip(source.names, found, strict=True) if not some)
    note = "; ".join(filter(None, (_doubt(source, unknown, len(rows)), _contradicted(source, found, dataset, catalog))))
    return Held(source, rows, len(flat) - len(rows), unknown, note)


def _doubt(source: SplitList, unknown: Sequence[str], patches: int) -> str:
    """What unknown entries may mean."""
    if unknown and not patches:
        return "no entry is of this release: the list of another dataset?"
    if counts_from_1(source.names, unknown):
        return "the largest row number is one too large: are rows counted from 1? They are read as counted from 0"
    return ""


def _contradicted(source: SplitList, rows: list[list[int]], dataset: Dataset, catalog: pd.DataFrame) -> str:
    """What another column says that names other patches than those at some rows of the catalog."""
    other = contradiction(rows, source.also, dataset, catalog)
    if other is None:
        return ""
    return f"column {other.column} names other patches, such as {other.name[:40]} ({other.rows} of {len(rows)} rows)"


def rests(held: Sequence[Held], patches: int) -> Iterator[Held]:
    """What trains by a list of what is held out: all patches that it leaves out, as one more list."""
    for one in held:
        if one.source.rest_trains and len(one.rows):
            source = SplitList(f"rest of {one.source.file}", SPLITS[0], (), "")
            rest = np.setdiff1d(np.arange(patches), one.rows)
            yield Held(source, rest, note="all patches that the list leaves out")


def list_table(held: Sequence[Held], catalog: pd.DataFrame) -> pd.DataFrame:
    """See `LISTS`."""
    published = catalog["published_split"].to_numpy(dtype=object)
    is_told = bool((published != "").any())
    rows = []
    for one in held:
        role = one.source.role
        of_role = np.flatnonzero(published == role)
        moved = int(np.isin(published[one.rows], [name for name in SPLITS if name != role]).sum())
        group = catalog["group"].iloc[one.rows]
        rows.append(
            {
                "list": one.source.label,
                "role": role,
                "sha256": one.source.sha256,
                "entries": len(one.source.names) or (len(one.rows) if role else 0),
                "patches": len(one.rows),
                "repeated": one.repeated,
                "unknown": len(one.unknown),
                "missing": len(np.setdiff1d(of_role, one.rows)) if is_told and role else pd.NA,
                "moved": moved if is_told and role else pd.NA,
                "groups": int(group.nunique()) if len(group) and group.notna().all() else pd.NA,
                "first_unknown": one.unknown[0][:80] or BLANK if one.unknown else "",
                "note": one.note,
            }
        )
    return conform(pd.DataFrame(rows, columns=list(LISTS.columns)), LISTS)


def link_table(held: Sequence[Held], dataset: Dataset, catalog: pd.DataFrame) -> pd.DataFrame:
    """See `LINKS`: every two lists that name patches, training last."""
    keys = dataset.ledger_keys()
    actions = complete_gate({}, keys)
    ways = list(linkings(catalog, keys, None, None, 0.0))
    used = sorted((one for one in held if len(one.rows)), key=lambda one: SPLITS.index(one.source.role))
    rows = []
    for place, other in enumerate(used):
        for own in used[place + 1 :]:
            same = own.source.role == other.source.role
            names = own.source.label, own.source.role, other.source.label, other.source.role
            for row in (row for way in ways for row in way.between(own.rows, other.rows)):
                status = status_of(row, actions.get(row.key, "count"), same)
                rows.append((*names, row.key, row.linked, row.total, row.fraction, row.shared, status))
    return conform(pd.DataFrame(rows, columns=list(LINKS.columns)), LINKS)


def class_table(held: Sequence[Held], dataset: Dataset, catalog: pd.DataFrame) -> pd.DataFrame:
    """See `CLASSES`; no row where nothing is known of classes."""
    counts = _class_counts(dataset, catalog)
    rows = []
    for one in held:
        sums = counts.iloc[one.rows].sum()
        total = float(sums.sum())
        rows += [
            (one.source.label, one.source.role, name, float(value), float(value) / total)
            for name, value in sums.items()
            if total > 0
        ]
    return conform(pd.DataFrame(rows, columns=list(CLASSES.columns)), CLASSES)


def _class_counts(dataset: Dataset, catalog: pd.DataFrame) -> pd.DataFrame:
    """How much of each class a patch has: (patches, classes), 0 where nothing is known."""
    if (catalog["label"] >= 0).any():
        names = dict(enumerate(dataset.label_names))
        return pd.get_dummies(catalog["label"].map(names)).reindex(columns=list(names.values()), fill_value=0)
    fractions = catalog.filter(regex="^fraction_").fillna(0.0)
    if fractions.to_numpy().any():
        return fractions.rename(columns=lambda name: name.removeprefix("fraction_"))
    words = catalog["class"] if "class" in catalog else pd.Series("", index=catalog.index)
    return pd.get_dummies(words.where(words != "")).astype("float64")


def make_catalog(
    release: str, dataset: Dataset, lists: Sequence[SplitList], catalog: Path | None, metadata: Path | None
) -> tuple[pd.DataFrame, str]:
    """The catalog that lists are held against, and what it rests on in words."""
    if catalog is not None:
        return read_catalog(catalog), f"the catalog of {release}"
    if metadata is not None:
        return catalogs.make(
            dataset, metadata, dataset.list_files(metadata), no_hashes()
        ), "the metadata of the release"
    return named_catalog(dataset, lists), "the names in the lists alone: nothing is known of pixels and ground"


def held_against(
    place: Path,
    release: str,
    sources: Sequence[SplitList],
    dataset: Dataset,
    catalog: pd.DataFrame,
    numbers: str | None,
) -> list[Held]:
    """All lists of a `place` held against a catalog, with what trains by lists of hold-outs.

    Raises
    ------
    InputError
        If none names a patch.
    """
    held = [hold(source, dataset, catalog, numbers) for source in sources]
    if not any(len(one.rows) for one in held):
        raise InputError(
            "No list names a patch of the release.",
            where=place,
            found=", ".join(name for one in held for name in one.unknown[:1])[:80],
            expected=f"patches of {release}, such as {catalog['patch'].iloc[0]}",
            remedy="give the release that the lists are of",
        )
    return [*held, *rests(held, len(catalog))]


def audit(
    *,
    lists: Path,
    release: str,
    dataset: str | None = None,
    layout: Layout | None = None,
    catalog: Path | None = None,
    metadata: Path | None = None,
    numbers: str | None = None,
    output: Output,
) -> None:
    """Compare split lists that others made with a release: what they share, leave out or repeat, and unknown entries.

    Parameters
    ----------
    lists : Path
        Folder of the lists, or one file: text, CSV, Parquet, JSON, NumPy. The role stands in a column (role, split),
        in keys, or in the name of the file.
    release : str
        The release that the lists are of.
    dataset : str, optional
        Dataset of a release of your own, which is not in the registry.
    layout : mapping, optional
        How such a release deviates from the published layout, e.g. ``--layout.side 128``.
    catalog : Path, optional
        Its catalog, work/RELEASE/catalog.parquet.
    metadata : Path, optional
        In place of a catalog: a folder with the release's metadata in the publisher's layout. Without both, the names
        in the lists must do.
    numbers : str, optional
        What row numbers count: split (rows of the publisher's file of the role; lines of its list, where the dataset
        has lists), release (rows of all files), or the name of a file.
    output : Path
        Folder to write: lists.tsv, links.tsv, classes.tsv, audit.md.
    """
    entry = named_entry(release, dataset, layout, "; or audit lists in a run: key `audits` of the configuration")
    opened = datasets.load(entry["dataset"], entry["layout"])
    sources = read_lists(lists, opened)
    table, basis = make_catalog(release, opened, sources, catalog, metadata)
    held = held_against(lists, release, sources, opened, table, numbers)
    links = link_table(held, opened, table)
    tables = list_table(held, table), links, class_table(held, opened, table)
    for name, part, schema in zip(("lists", "links", "classes"), tables, (LISTS, LINKS, CLASSES), strict=True):
        write_tsv(output / f"{name}.tsv", part, schema)
    silent = sorted(set(links.loc[links["status"].isin([NOT_PUBLISHED, IMPLIED]), "key"]))
    named = len(np.unique(np.concatenate([one.rows for one in held])))
    left = None if catalog is None and metadata is None else len(table) - named
    write_text(output / "audit.md", audit_page.page(release, basis, *tables, left, silent))
