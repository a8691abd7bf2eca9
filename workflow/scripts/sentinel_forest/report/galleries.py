"""The page of pictures: patches as the sensors saw them, their labels, and what classifiers say."""

import io
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from PIL import Image

from .. import forest, predict
from ..datasets.base import IGNORE, Block, Dataset, Reference, Task
from ..features import bands_of, pixel
from ..tables import read_parquet
from .data import catalog_source
from .inputs import ReleaseResults, VersionResults
from .model import Gallery, Item, Note, Page, Picture, Section, Source

LEAD = (
    "A few patches of the role test, side by side: Sentinel-2 in true and false colour, Sentinel-1, "
    "the labels, and what forests and reference algorithms say. Every patch is stretched alike, so "
    "that pictures can be compared."
)
PATCHES = 4
"""Patches of a release with labels of pixels."""
SIDE = 192
"""Least side of a picture in pixels; smaller patches are enlarged without smoothing."""
GAMMA, WHITE, LOW_DB, HIGH_DB = 1 / 1.8, 0.55, -25.0, 5.0
NOTHING = (255, 255, 255)
COMPOSITES = {"true colour (B4, B3, B2)": ("B4", "B3", "B2"), "false colour (B8, B4, B3)": ("B8", "B4", "B3")}
READING = (
    f"Sentinel-2: reflectance 0 is black and {WHITE} or more is white, brightened with gamma 1.8; in "
    f"false colour vegetation is red. Sentinel-1: {LOW_DB:.0f} dB is black, {HIGH_DB:.0f} dB white. "
)


def page(version: VersionResults) -> Page:
    """Pictures of all releases whose files are there."""
    sections = [
        Section(release.title, _items(version, release), release.is_sample) for release in version.releases
    ]
    return Page("galleries", "Patches", LEAD, tuple(sections))


def _items(version: VersionResults, release: ReleaseResults) -> tuple[Item, ...]:
    if release.catalog is None or not release.trials:
        return (
            Note(
                "The catalog of this release is not among the working files: there are no pictures.",
                "warning",
            ),
        )
    if not (release.data / release.name).is_dir():
        return (Note("The files of this release are not here: there are no pictures.", "warning"),)
    scheme, trial = release.primary
    split = read_parquet(release.path(f"splits/{scheme}/{trial}.parquet"), ["patch", "role"])
    test = release.catalog[(split["role"] == "test").to_numpy()]
    tasks = list(release.dataset.tasks.values())
    task = next((each for each in tasks if each.unit == "pixel"), tasks[0])
    chosen = _chosen(test, task)
    return tuple(_gallery(release, task, test.loc[[place]]) for place in chosen) or (
        Note("There is no test patch with a known class."),
    )


def _chosen(test: pd.DataFrame, task: Task) -> list[int]:
    """Patches to show: of pixel tasks for each class the one nearest to a half, else one a class."""
    if task.unit == "patch":
        known = test[test["label"] >= 0]
        return list(known.groupby("label", sort=True).head(1).sort_values("label", kind="stable").index)
    places: list[int] = []
    for name in task.names:
        shares = test.loc[~test.index.isin(places), f"fraction_{name}"]
        if (shares > 0).any():
            places.append(shares.index[int((shares - 0.5).abs().to_numpy().argmin())])
    return places[:PATCHES]


def _gallery(release: ReleaseResults, task: Task, row: pd.DataFrame) -> Gallery:
    dataset = release.dataset
    patch = str(row["patch"].iloc[0])
    bands = _bands(dataset, release.layers)
    references = [
        each
        for each in dataset.references.values()
        if task.unit == "pixel"
        and each.task == task.name
        and {each.layer, *dataset.label_layers(task.name)} <= release.layers
    ]
    sets = (
        [name for name in release.sets if dataset.feature_sets[name].task == task.name]
        if task.unit == "pixel"
        else []
    )
    layers = {
        *bands.values(),
        *(each.layer for each in references),
        *dataset.label_layers(task.name),
    } & release.layers
    layers |= {layer for name in sets for layer in dataset.feature_sets[name].layers.values()}
    block = next(iter(dataset.blocks(release.data / release.name, row, sorted(layers), 1)))
    pictures = _sensors(dataset, bands, block)
    if task.unit == "pixel":
        pictures += _maps(release, task, block, references, sets)
        words = _shares_in_words(row, task)
    else:
        words = f"Label: {task.names[int(row['label'].iloc[0])]}. {_answers(release, task, patch)}"
    scheme, trial = release.primary
    sources = [catalog_source(release), release.from_file(f"splits/{scheme}/{trial}.parquet", "split")]
    sources += [
        Source(f"{release.source}/baselines/{scheme}/{trial}/{name}/forest.skops", "fit") for name in sets
    ]
    legend = tuple((each.name, each.colour) for each in task.categories) if task.unit == "pixel" else ()
    return Gallery(
        f"Patch {patch} of {release.name}",
        tuple(pictures),
        words + " " + READING,
        legend,
        tuple(sources),
        release.is_sample,
    )


def _shares_in_words(row: pd.DataFrame, task: Task) -> str:
    shares = {name: float(row[f"fraction_{name}"].iloc[0]) for name in task.names}
    return (
        "Labels: "
        + ", ".join(f"{name} {100 * value:.0f} %" for name, value in shares.items() if value > 0)
        + "."
    )


def _answers(release: ReleaseResults, task: Task, patch: str) -> str:
    """What forests say about a patch, from the confusion table."""
    scheme, trial = release.primary
    path = release.path(f"baselines/{scheme}/{trial}/confusion.parquet")
    if not path.is_file():
        return ""
    rows = read_parquet(path, ["task", "classifier", "features", "patch", "predicted"])
    rows = rows[(rows["patch"] == patch) & (rows["classifier"] == "forest") & (rows["task"] == task.name)]
    return " ".join(f"Forest {row.features}: {row.predicted}." for row in rows.itertuples())


def _bands(dataset: Dataset, there: frozenset[str]) -> dict[str, str]:
    """For each band that pictures need the first layer that holds it, among the layers that are there."""
    found = {}
    for band in ("B2", "B3", "B4", "B8", "VV"):
        for layer in dataset.layer_table:
            if layer in there and re.search(rf"(?:^|[_:]){band}(?:_intensity)?$", layer):
                found[band] = layer
                break
    return found


def _sensors(dataset: Dataset, bands: Mapping[str, str], block: Block) -> list[Picture]:
    """Sentinel-2 composites and Sentinel-1, as far as the bands are there."""
    values = {band: dataset.physical(layer, block.layers[layer])[0] for band, layer in bands.items()}
    pictures = [
        _picture(
            f"Sentinel-2, {name}",
            f"Sentinel-2 image in {name}",
            _composite([values[band] for band in wanted]),
        )
        for name, wanted in COMPOSITES.items()
        if set(wanted) <= set(values)
    ]
    if "VV" in values and np.isfinite(values["VV"]).any():
        decibel = values["VV"]
        if dataset.layer_table[bands["VV"]].unit != "dB":
            decibel = 10 * np.log10(np.maximum(decibel, 1e-6))
        scaled = (decibel - LOW_DB) / (HIGH_DB - LOW_DB)
        pictures.append(
            _picture(
                "Sentinel-1, VV",
                "Sentinel-1 backscatter, polarisation VV",
                _bytes(np.stack([scaled] * 3, axis=-1)),
            )
        )
    return pictures


def _composite(channels: Sequence[np.ndarray]) -> np.ndarray:
    return _bytes((np.clip(np.stack(channels, axis=-1), 0, None) / WHITE) ** GAMMA)


def _bytes(scaled: np.ndarray) -> np.ndarray:
    """0..1 as 0..255; missing values are white."""
    return (255 * np.clip(np.nan_to_num(scaled, nan=1.0), 0, 1)).round().astype(np.uint8)


def _maps(
    release: ReleaseResults, task: Task, block: Block, references: Sequence[Reference], sets: Sequence[str]
) -> list[Picture]:
    """Labels, forests and reference algorithms of a pixel task, in the colours of its classes."""
    dataset = release.dataset
    colours = [each.colour for each in task.categories]
    truth = dataset.labels(task.name, block)[0]
    pictures = [_picture("labels", "Map of the labels", _coloured(truth, colours))]
    for name in sets:
        answers = _predicted(release, name, block)
        pictures.append(
            _picture(
                f"forest {name}", _agreement(f"forest {name}", answers, truth), _coloured(answers, colours)
            )
        )
    for each in references:
        answers = dataset.reference(each.name, block)[0]
        own = [colours[_stand_in(task, each, number)] for number in range(len(each.predicted))]
        pictures.append(
            _picture(each.name, f"Map of the reference algorithm {each.name}", _coloured(answers, own))
        )
    return pictures


def _predicted(release: ReleaseResults, feature_set: str, block: Block) -> np.ndarray:
    """Classes that a forest gives to all pixels of a patch; index into the task's classes."""
    scheme, trial = release.primary
    candidate = predict.load_candidate(
        release.dataset,
        release.results / release.name / "splits",
        release.results / release.source / "baselines",
        scheme,
        trial,
        feature_set,
    )
    about = release.dataset.feature_sets[feature_set]
    values = pixel.compute(about.features, bands_of(release.dataset, about, block))[0]
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


def _picture(caption: str, alternative: str, pixels: np.ndarray) -> Picture:
    times = -(-SIDE // min(pixels.shape[:2]))
    image = Image.fromarray(pixels.repeat(times, axis=0).repeat(times, axis=1))
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return Picture(caption, alternative, stream.getvalue())
