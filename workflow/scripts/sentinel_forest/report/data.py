"""The page on the datasets: how classes are distributed, and where the patches lie."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from ..datasets.base import SPLITS, Task
from . import figures
from .inputs import ReleaseResults, VersionResults
from .model import Item, Note, Page, Plot, Section, Source, share, table

LEAD = "What the releases hold: patches, groups, classes, and where on Earth they were taken."


def page(version: VersionResults) -> Page:
    """Class distributions and maps of all releases."""
    sections = [Section(release.title, _items(release), release.is_sample) for release in version.releases]
    return Page("datasets", "Datasets", LEAD, tuple(sections))


def catalog_source(release: ReleaseResults) -> Source:
    """The catalog as a source."""
    path = os.path.relpath(release.work / release.name / "catalog.parquet", release.results)
    return Source(Path(path).as_posix(), "catalog")


def _items(release: ReleaseResults) -> tuple[Item, ...]:
    notes: list[Item] = [Note(text) for text in release.entry.get("notes", [])]
    catalog = release.catalog
    if catalog is None:
        return (
            *notes,
            Note(
                "The catalog of this release is not among the working files: classes and places are "
                "not shown.",
                "warning",
            ),
        )
    catalog = catalog.assign(
        split=catalog["published_split"].where(catalog["published_split"] != "", "no split")
    )
    items = [*notes, _sizes(release, catalog)]
    for task in release.dataset.tasks.values():
        shares = class_shares(catalog, task)
        if shares is not None:
            items += _classes(release, task, shares)
    return (*items, _map(release, catalog))


def _sizes(release: ReleaseResults, catalog: pd.DataFrame) -> Item:
    keys = [key for key in ("group", *release.dataset.group_keys) if key in catalog]
    rows = [
        {"published split": name, "patches": len(rows)}
        | {f"{key}s" if key != "city" else "cities": rows.loc[rows[key] != "", key].nunique() for key in keys}
        | {"mean valid share": share(rows["valid_share"].mean())}
        for name, rows in [*_splits(catalog), ("all", catalog)]
    ]
    explained = (
        "Groups are patches that stay together when groups are split. 0 stands for a key that is not "
        "known for this release. Valid share: pixels that are neither fill nor of an unknown code."
    )
    return table(
        f"Patches of {release.name}",
        pd.DataFrame(rows),
        [catalog_source(release)],
        explained,
        release.is_sample,
    )


def _splits(catalog: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    names = [*SPLITS, "no split"]
    return [(name, rows) for name in names if len(rows := catalog[catalog["split"] == name])]


def class_shares(catalog: pd.DataFrame, task: Task) -> pd.DataFrame | None:
    """Share of each class (rows) in each published split (columns); None if the catalog does not know."""
    columns = {}
    for name, rows in [*_splits(catalog), ("all", catalog)]:
        if task.unit == "patch":
            known = rows.loc[rows["label"] >= 0, "label"]
            counts = known.value_counts().reindex(range(len(task.names)), fill_value=0)
            amounts = pd.Series(counts.to_numpy(float), index=list(task.names))
        else:
            fractions = [f"fraction_{each}" for each in task.names]
            if not set(fractions) <= set(rows):
                return None
            amounts = pd.Series(rows[fractions].sum().to_numpy(float), index=list(task.names))
        if not amounts.sum():
            return None
        columns[name] = amounts / amounts.sum()
    return pd.DataFrame(columns)


def _classes(release: ReleaseResults, task: Task, shares: pd.DataFrame) -> list[Item]:
    unit = "patches" if task.unit == "patch" else "valid pixels (every patch counting alike)"
    rarest, commonest = (shares.index[place] for place in np.argsort(shares["all"].to_numpy())[[0, -1]])
    plot = Plot(
        f"Classes of {release.name}, task {task.name}",
        figures.class_shares(
            shares.drop(columns="all"), {each.name: each.colour for each in task.categories}
        ),
        f"Share of each class by published split. Most frequent is {commonest} "
        f"({100 * shares['all'][commonest]:.1f} % of all), rarest {rarest} "
        f"({100 * shares['all'][rarest]:.1f} %).",
        f"Bars give the share of each class among the {unit} of a published split, in the colours in "
        "which the class is drawn throughout.",
        "A class that trains but is never tested, or the other way round; shares that differ between "
        "splits by more than their sizes explain: scores of such splits are of another mixture than "
        "the one trained on.",
        (catalog_source(release),),
        release.is_sample,
    )
    frame = shares.map(share).reset_index(names="class")
    frame = frame.assign(**{"class": frame["class"].astype(str)})
    return [
        plot,
        table(
            f"Class shares of {release.name}, task {task.name}",
            frame,
            [catalog_source(release)],
            f"Shares of {unit}.",
            release.is_sample,
        ),
    ]


def _map(release: ReleaseResults, catalog: pd.DataFrame) -> Item:
    known = catalog[catalog["lon"].notna() & catalog["lat"].notna()]
    if known.empty:
        return Note(f"The files of {release.name} do not say where the patches were taken: there is no map.")
    centres = known.groupby(["split", "group"], sort=True, as_index=False)[["lon", "lat"]].mean()
    centres["series"] = centres["split"]
    centres = pd.concat([rows for _, rows in _splits(centres)])
    return Plot(
        f"Where {release.name} was taken",
        figures.world(centres),
        f"Map of {len(centres)} groups from {centres['lat'].min():.0f} to {centres['lat'].max():.0f} "
        f"degrees latitude and {centres['lon'].min():.0f} to {centres['lon'].max():.0f} degrees "
        "longitude.",
        "A mark for each group of patches at the mean of their centres, by published split. Meridians "
        "and parallels only: no coastline is drawn.",
        "Test groups right beside training groups; places in the open ocean, or all at 0°, 0° "
        "(coordinates that were not read as they should be); continents without a test group.",
        (catalog_source(release),),
        release.is_sample,
    )
