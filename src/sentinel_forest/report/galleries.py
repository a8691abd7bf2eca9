"""The page of pictures: patches as the sensors saw them, their labels, and what classifiers say."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sentinel_forest.datasets.base import IGNORE, Block, Reference, Task, true_classes, with_measured
from sentinel_forest.features import bands_of, pixel
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.models import forest
from sentinel_forest.models.candidate import load_candidate
from sentinel_forest.report import classes, images
from sentinel_forest.report.data import catalog_source
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Gallery, Item, Note, Page, Picture, Section, Source

LEAD = (
    "Test patches as the sensors saw them: Sentinel-1, and Sentinel-2 in true and false colour. Where labels "
    "are of whole patches, some of each class with what the forests say; where they are of pixels, the "
    "labels beside the maps of forests and reference algorithms. Every patch is stretched alike, so that "
    "pictures can be compared."
)
PATCHES = 4
"""Patches of a release with labels of pixels."""
NOTHING = (255, 255, 255)


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
    split = read_parquet(release.path(f"splits/{scheme}/{trial}.parquet"), ["patch", "role"])
    test = release.catalog[(split["role"] == "test").to_numpy()]
    items: list[Item] = []
    for unit, shown in (("patch", classes.items), ("pixel", _galleries)):
        task = next((each for each in release.dataset.tasks.values() if each.unit == unit), None)
        if task is not None:
            items += shown(release, task, test)
    return tuple(items)


def _galleries(release: ReleaseResults, task: Task, test: pd.DataFrame) -> list[Item]:
    """For each class of a pixel task the patch where its share is nearest to a half."""
    places: list[int] = []
    for name in _published(release, task).names:
        shares = test.loc[~test.index.isin(places), f"fraction_{name}"]
        if (shares > 0).any():
            places.append(shares.index[int((shares - 0.5).abs().to_numpy().argmin())])
    if not places:
        return [Note("There is no test pixel with a known class.")]
    return [_gallery(release, task, test.loc[[place]]) for place in places[:PATCHES]]


def _gallery(release: ReleaseResults, task: Task, row: pd.DataFrame) -> Gallery:
    dataset = release.dataset
    patch = str(row["patch"].iloc[0])
    bands = images.bands(dataset, release.layers)
    references = [
        each
        for each in dataset.references.values()
        if each.task == task.name and {each.layer, *dataset.label_layers(task.name)} <= release.layers
    ]
    about = dataset.feature_sets
    sets = [name for name in release.sets if about[name].task == task.name and about[name].external is None]
    layers = {*bands.values(), *(each.layer for each in references), *dataset.label_layers(task.name)} & release.layers
    layers |= {layer for name in sets for layer in about[name].layers.values()}
    folder = release.data / release.name
    block = with_measured(dataset, folder, next(iter(dataset.blocks(folder, row, sorted(layers), 1))))
    pictures = [
        images.picture(name, f"Patch {patch}: {name}", pixels)
        for name, pixels in images.sensors(dataset, bands, block).items()
    ]
    pictures += _maps(release, task, block, references, sets)
    scheme, trial = release.primary
    sources = [catalog_source(release), release.from_file(f"splits/{scheme}/{trial}.parquet", "split")]
    sources += [Source(f"{release.source}/baselines/{scheme}/{trial}/{name}/forest.skops", "fit") for name in sets]
    return Gallery(
        f"Patch {patch} of {release.name}",
        tuple(pictures),
        f"{_shares_in_words(row, _published(release, task))} {dataset.pictures.reading} {dataset.pictures.suspicious}",
        tuple((each.name, each.colour) for each in task.categories),
        tuple(sources),
        release.is_sample,
    )


def _published(release: ReleaseResults, task: Task) -> Task:
    """A task with its published classes, of which the catalog has fractions."""
    return release.dataset.published_tasks.get(task.name, task)


def _shares_in_words(row: pd.DataFrame, task: Task) -> str:
    shares = {name: float(row[f"fraction_{name}"].iloc[0]) for name in task.names}
    return "Labels: " + ", ".join(f"{name} {100 * value:.0f} %" for name, value in shares.items() if value > 0) + "."


def _maps(
    release: ReleaseResults, task: Task, block: Block, references: Sequence[Reference], sets: Sequence[str]
) -> list[Picture]:
    """Labels, forests and reference algorithms of a pixel task, in the colours of its classes."""
    dataset = release.dataset
    colours = [each.colour for each in task.categories]
    truth = true_classes(dataset, task.name, block)[0]
    pictures = [images.picture("labels", "Map of the labels", _coloured(truth, colours))]
    for name in sets:
        answers = _predicted(release, name, block)
        pictures.append(
            images.picture(f"forest {name}", _agreement(f"forest {name}", answers, truth), _coloured(answers, colours))
        )
    for each in references:
        answers = dataset.reference(each.name, block)[0]
        own = [colours[_stand_in(task, each, number)] for number in range(len(each.predicted))]
        pictures.append(
            images.picture(each.name, f"Map of the reference algorithm {each.name}", _coloured(answers, own))
        )
    return pictures


def _predicted(release: ReleaseResults, feature_set: str, block: Block) -> np.ndarray:
    """Classes that a forest gives to all pixels of a patch; index into the task's classes."""
    scheme, trial = release.primary
    folder = release.results / release.source / "baselines" / scheme / str(trial) / feature_set
    candidate = load_candidate(
        release.dataset,
        scheme,
        trial,
        feature_set,
        release.results / release.name / "splits" / scheme / f"{trial}.parquet",
        folder / "forest.skops",
        folder / "fit.json",
    )
    about = release.dataset.feature_sets[feature_set]
    values = pixel.compute(about.features, bands_of(release.dataset, about, block), about.bands)[0]
    answers = candidate.codes[forest.predict(candidate.model, values.reshape(-1, values.shape[-1]), 1)]
    return answers.reshape(values.shape[:2]).astype(np.uint8)


def _agreement(name: str, answers: np.ndarray, truth: np.ndarray) -> str:
    agree = 100 * (answers == truth)[truth != IGNORE].mean()
    return f"Map of the {name}; {agree:.0f} % of the pixels agree with the labels"


def _stand_in(task: Task, reference: Reference, predicted: int) -> int:
    """Class in whose colour an answer is drawn: of the same name, or that counts alike in a question."""
    name = reference.predicted[predicted]
    if name in task.names:
        return task.names.index(name)
    for question in task.questions:
        if name in reference.answers.get(question.name, ()):
            return task.names.index(question.positive[0])
    positive = {each for question in task.questions for each in question.positive}
    return next(number for number, each in enumerate(task.names) if each not in positive)


def _coloured(classes: np.ndarray, colours: Sequence[str]) -> np.ndarray:
    """Classes in their colours, uint8 (rows, columns, 3); what takes no part is white."""
    table = np.full((256, 3), NOTHING, np.uint8)
    table[: len(colours)] = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours]
    return table[classes]
