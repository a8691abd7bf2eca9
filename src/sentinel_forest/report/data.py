"""The page on the datasets: how classes are distributed, and where the patches lie."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.datasets.base import SPLITS, Category, Dataset, Task
from sentinel_forest.report import figures, maps
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Item, Note, Page, Plot, Section, Source, percent, table

LEAD = "What the releases hold: patches, groups, classes, and where on Earth they were taken."
MOST_GROUPS = 400
"""A release with more groups has no table of them."""


def page(version: VersionResults) -> Page:
    """Class distributions and maps of all releases."""
    sections = [Section(release.title, _items(release), release.is_sample) for release in version.releases]
    return Page("datasets", "Datasets", LEAD, tuple(sections))


def catalog_source(release: ReleaseResults) -> Source:
    """The catalog as a source."""
    path = os.path.relpath(release.work_path(paths.CATALOG), release.results)
    return Source(Path(path).as_posix(), "catalog")


def _items(release: ReleaseResults) -> tuple[Item, ...]:
    notes: list[Item] = [Note(text) for text in release.entry.get("notes", [])]
    catalog = release.catalog
    if catalog is None:
        return (
            *notes,
            Note(
                "The catalog of this release is not among the working files: classes and places are not shown.",
                "warning",
            ),
        )
    catalog = catalog.assign(split=catalog["published_split"].where(catalog["published_split"] != "", "no split"))
    items = [*notes, _sizes(release, catalog)]
    for distribution in distributions(release.dataset, catalog):
        items += _classes(release, catalog, distribution)
    return (*items, *maps.of_release(release, catalog, catalog_source(release)), *groups(release, catalog))


def _sizes(release: ReleaseResults, catalog: pd.DataFrame) -> Item:
    keys = [key for key in ("group", *release.dataset.group_keys) if key in catalog]
    rows = [
        {"published split": name, "patches": len(rows)}
        | {f"{key}s" if key != "city" else "cities": rows.loc[rows[key] != "", key].nunique() for key in keys}
        | {"mean labelled fraction": percent(rows["labelled_fraction"].mean())}
        for name, rows in [*_splits(catalog), ("all", catalog)]
    ]
    lost = int((catalog["group"].isna() | (catalog["group"] == "")).sum())
    explained = (
        f"Groups: patches that stay together in grouped schemes; {lost} patches have no known group. A key with 0 "
        "values is not known for this release. Labelled fraction: pixels that have a label of a known class."
    )
    return table(
        f"Patches of {release.name}", pd.DataFrame(rows), [catalog_source(release)], explained, release.is_sample
    )


def _splits(catalog: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    names = [*SPLITS, "no split"]
    return [(name, rows) for name in names if len(rows := catalog[catalog["split"] == name])]


@dataclass(frozen=True, eq=False)
class Distribution:
    """What each patch has of each class of a task or scheme.

    `amounts` has a row for each patch and a column for each class, by its name: 1 for the patch's label, or
    fractions of its valid pixels; `unit` says which.
    """

    name: str
    categories: tuple[Category, ...]
    unit: str
    amounts: pd.DataFrame

    def fractions(self, by: pd.Series) -> pd.DataFrame:
        """Fraction of each class (rows) in each part of the patches (columns, in the order of their patches)."""
        sums = self.amounts.groupby(by.to_numpy(), sort=False).sum().T
        return sums / sums.sum().replace(0, np.nan)


def distributions(dataset: Dataset, catalog: pd.DataFrame) -> Iterator[Distribution]:
    """Distributions of the classes of each task and scheme of which the catalog knows something.

    A task whose classes are some of those of a task before it is passed over.
    """
    found = [_of_task(catalog, task) for task in (dataset.published_tasks or dataset.tasks).values()]
    found += [_of_scheme(catalog, *scheme) for scheme in dataset.class_schemes.items()]
    drawn: list[tuple[str, set[str]]] = []
    for each in found:
        names = set(each.amounts.columns)
        again = any(unit == each.unit and names <= known for unit, known in drawn)
        if each.amounts.to_numpy().any() and not again:
            drawn.append((each.unit, names))
            yield each


PATCHES, PIXELS = "patches", "valid pixels (every patch counting alike)"


def _of_task(catalog: pd.DataFrame, task: Task) -> Distribution:
    if task.unit == "pixel":
        return _of_pixels(catalog, f"task {task.name}", task.categories, "fraction_{0.name}")
    labels = np.eye(len(task.names) + 1, dtype=np.float32)[catalog["label"], :-1]  # -1: unknown
    return Distribution(f"task {task.name}", task.categories, PATCHES, pd.DataFrame(labels, columns=list(task.names)))


def _of_scheme(catalog: pd.DataFrame, scheme: str, categories: tuple[Category, ...]) -> Distribution:
    return _of_pixels(catalog, f"scheme {scheme}", categories, scheme + "_{0.code}")


def _of_pixels(catalog: pd.DataFrame, name: str, categories: tuple[Category, ...], column: str) -> Distribution:
    columns = {column.format(category): category.name for category in categories}
    amounts = catalog.reindex(columns=list(columns)).rename(columns=columns).fillna(0)
    return Distribution(name, categories, PIXELS, amounts)


def _classes(release: ReleaseResults, catalog: pd.DataFrame, distribution: Distribution) -> list[Item]:
    """Figures by published split and, where the catalog knows it, by season; all their fractions as a table."""
    everywhere = distribution.fractions(pd.Series("all", catalog.index))
    by_split = distribution.fractions(catalog["split"])
    items: list[Item] = [_bars(release, distribution, "published split", everywhere.join(by_split))]
    every = by_split
    if "season" in catalog:
        by_season = distribution.fractions(catalog["season"])
        items.append(_bars(release, distribution, "season", by_season))
        every = every.join(by_season)
    frame = every.join(everywhere).map(percent).rename_axis(None).reset_index(names="class")
    return [
        *items,
        table(
            f"Class fractions of {release.name}, {distribution.name}",
            frame.assign(**{"class": frame["class"].astype(str)}),
            [catalog_source(release)],
            f"Fractions of {distribution.unit}.",
            release.is_sample,
        ),
    ]


def _bars(release: ReleaseResults, distribution: Distribution, by: str, fractions: pd.DataFrame) -> Item:
    return Plot(
        f"Classes of {release.name} by {by}, {distribution.name}",
        figures.class_fractions(
            fractions.rename(columns=lambda name: str(name).replace("_", " ")),
            {each.name: each.colour for each in distribution.categories},
        ),
        f"Fraction of each class by {by}. "
        + " ".join(f"In {name}: {_extremes(fractions[name])}." for name in fractions.columns),
        f"Bars give the fraction of each class among the {distribution.unit}, a panel for each {by}; colours "
        "are the published ones of the classes.",
        _SUSPICIOUS[by],
        (catalog_source(release),),
        release.is_sample,
    )


_SUSPICIOUS = {
    "published split": "A class that is trained but never tested, or tested but never trained. Fractions that differ "
    "between the splits: the forest is tested on another mixture of classes than it was trained on. A class that is "
    "empty everywhere while its neighbour in the list is large: the table of classes may be off by one.",
    "season": "A class that occurs in only one season: a model may learn the season instead of the class. Snow and ice "
    "in summer only; water and barren land added together.",
}


def _extremes(fractions: pd.Series) -> str:
    order = fractions.sort_values(kind="stable")
    return (
        f"most frequent {order.index[-1]} ({100 * order.iloc[-1]:.1f} %), "
        f"rarest {order.index[0]} ({100 * order.iloc[0]:.1f} %)"
    )


def groups(release: ReleaseResults, catalog: pd.DataFrame) -> list[Item]:
    """A row for each group: its size, place, and most frequent class."""
    known = catalog.groupby("group", sort=False)
    if not 1 < known.ngroups <= MOST_GROUPS:
        return []
    rows = pd.DataFrame(
        {
            "published split": known["split"].agg(lambda values: ", ".join(dict.fromkeys(values))),
            "patches": known.size(),
            "longitude": known["lon"].mean(),
            "latitude": known["lat"].mean(),
        }
    ).dropna(axis="columns", how="all")
    for distribution in distributions(release.dataset, catalog):
        fractions = distribution.fractions(catalog["group"]).T.fillna(0)
        rows[f"most frequent, {distribution.name}"] = fractions.idxmax(axis=1).where(fractions.max(axis=1) > 0, "")
        rows[f"fraction of it, {distribution.name}"] = fractions.max(axis=1).map(percent)
    explained = (
        "Groups in the order of the catalog; longitude and latitude in degrees, means of the centres of "
        "their patches. A group in two splits is named with both."
    )
    shown = rows.rename_axis("group").reset_index()
    return [table(f"Groups of {release.name}", shown, [catalog_source(release)], explained, release.is_sample)]
