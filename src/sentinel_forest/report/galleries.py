"""The page of pictures: patches as the sensors saw them, their labels, and what classifiers say."""

from collections.abc import Sequence

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.datasets.base import Block, Reference, Task, true_classes, with_measured
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.report import class_maps, classes, images
from sentinel_forest.report.data import catalog_source
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Gallery, Item, Note, Page, Picture, Section

LEAD = (
    "Test patches as pictures: Sentinel-1, and Sentinel-2 in true and false colour. If each patch has one "
    "label, some patches of each class are shown with the class that the forests predict. If pixels have labels, "
    "these are shown beside the maps of forests and reference algorithms. All pictures have the same stretch, so that "
    "they can be compared."
)
PATCHES = 4
"""Patches of a release with labels of pixels."""


def page(version: VersionResults) -> Page:
    """Pictures of all releases whose files are there."""
    sections = [Section(release.title, _items(version, release), release.is_sample) for release in version.releases]
    return Page("galleries", "Patches", LEAD, tuple(sections))


def _items(version: VersionResults, release: ReleaseResults) -> tuple[Item, ...]:
    if release.catalog is None or not release.trials:
        return (Note("The catalog of this release is not among the working files: there are no pictures.", "warning"),)
    if not (release.data / release.name).is_dir():
        return (Note("The files of this release are not here: there are no pictures.", "warning"),)
    scheme, trial = release.primary
    split = read_parquet(release.path(paths.SPLIT, scheme=scheme, trial=trial), ["patch", "role"])
    test = release.catalog[(split["role"] == "test").to_numpy()]
    items: list[Item] = []
    for unit, shown in (("patch", classes.items), ("pixel", _galleries)):
        task = next((each for each in release.dataset.tasks.values() if each.unit == unit), None)
        if task is not None:
            items += shown(release, task, test)
    return (Note(f"{release.dataset.pictures.reading} {release.dataset.pictures.suspicious}"), *items)


def _galleries(release: ReleaseResults, task: Task, test: pd.DataFrame) -> list[Item]:
    """For each class of a pixel task the patch where its fraction is nearest to a half."""
    places: list[int] = []
    for name in _published(release, task).names:
        fractions = test.loc[~test.index.isin(places), f"fraction_{name}"]
        if (fractions > 0).any():
            places.append(fractions.index[int((fractions - 0.5).abs().to_numpy().argmin())])
    if not places:
        return [Note("There is no test pixel with a known class.")]
    return [_gallery(release, task, test.loc[[place]]) for place in places[:PATCHES]]


def _gallery(release: ReleaseResults, task: Task, row: pd.DataFrame) -> Gallery:
    dataset = release.dataset
    patch = str(row["patch"].iloc[0])
    bands = images.bands(dataset, release.layers)
    references, sets = class_maps.references(release, task), class_maps.sets_of(release, task)
    layers = {*bands.values(), *(each.layer for each in references), *dataset.label_layers(task.name)} & release.layers
    layers |= {layer for name in sets for layer in dataset.feature_sets[name].layers.values()}
    folder = release.data / release.name
    block = with_measured(dataset, folder, next(iter(dataset.blocks(folder, row, sorted(layers), 1))))
    pictures = [
        images.picture(name, f"Patch {patch}: {name}", pixels)
        for name, pixels in images.sensors(dataset, bands, block).items()
    ]
    pictures += _maps(release, task, block, references, sets)
    scheme, trial = release.primary
    sources = [catalog_source(release), release.from_file(paths.SPLIT, "split", scheme=scheme, trial=trial)]
    sources += [release.forest(name) for name in sets]
    return Gallery(
        f"Patch {patch} of {release.name}",
        tuple(pictures),
        _fractions_in_words(row, _published(release, task)),
        tuple((each.name, each.colour) for each in task.categories),
        tuple(sources),
        release.is_sample,
    )


def _published(release: ReleaseResults, task: Task) -> Task:
    """A task with its published classes, of which the catalog has fractions."""
    return release.dataset.published_tasks.get(task.name, task)


def _fractions_in_words(row: pd.DataFrame, task: Task) -> str:
    fractions = {name: float(row[f"fraction_{name}"].iloc[0]) for name in task.names}
    return "Labels: " + ", ".join(f"{name} {100 * value:.0f} %" for name, value in fractions.items() if value > 0) + "."


def _maps(
    release: ReleaseResults, task: Task, block: Block, references: Sequence[Reference], sets: Sequence[str]
) -> list[Picture]:
    """Labels, forests and reference algorithms of a pixel task, in the colours of its classes."""
    colours = [each.colour for each in task.categories]
    truth = true_classes(release.dataset, task.name, block)[0]
    pictures = [images.picture("labels", "Map of the labels", class_maps.coloured(truth, colours))]
    for name in sets:
        answers = class_maps.predicted(release, release.primary, name, block)
        alternative = f"Map of the forest {name}; {class_maps.agreement(answers, truth)}"
        pictures.append(images.picture(f"forest {name}", alternative, class_maps.coloured(answers, colours)))
    for each in references:
        pixels = class_maps.coloured(
            release.dataset.reference(each.name, block)[0], class_maps.reference_colours(task, each)
        )
        pictures.append(images.picture(each.name, f"Map of the reference algorithm {each.name}", pixels))
    return pictures
