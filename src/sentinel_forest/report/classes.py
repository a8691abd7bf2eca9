"""Galleries of classes, where labels are of whole patches: both sensors, the truth, what forests say."""

from collections.abc import Mapping

import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.datasets.base import Task
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.report import images
from sentinel_forest.report.data import catalog_source
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.model import Gallery, Item, Note, Source

PATCHES = 4
"""Patches of a class."""

Answers = Mapping[str, Mapping[str, str]]
"""For each patch what the forest of each feature set says."""


def items(release: ReleaseResults, task: Task, test: pd.DataFrame) -> list[Item]:
    """The first test patch with a known class, large, and a gallery of each class.

    Parameters
    ----------
    task : Task
        A task whose unit is the patch.
    test : DataFrame
        Rows of the catalog with the role test, in its order.
    """
    known = test.assign(label=release.dataset.patch_classes(task.name, test["label"].to_numpy()))
    known = known[known["label"] >= 0]
    layers = images.bands(release.dataset, release.layers)
    if known.empty or not images.composites(release.dataset, layers):
        return [Note("There is no test patch with a known class, or not all bands that a picture needs.")]
    told = answers(release, task, known["patch"])
    empty = [name for label, name in enumerate(task.names) if not (known["label"] == label).any()]
    galleries: list[Item] = [_pair(release, task, known.head(1), layers, told)]
    if empty:
        galleries.append(Note(f"Classes without a test patch: {', '.join(empty)}."))
    galleries += [
        _gallery(release, name, rows, layers, told)
        for label, name in enumerate(task.names)
        if len(rows := known[known["label"] == label])
    ]
    return galleries


def answers(release: ReleaseResults, task: Task, patches: pd.Series, of: tuple[str, int] | None = None) -> Answers:
    """What forests of a trial say about patches, from the confusion table; nothing where it is not there."""
    scheme, trial = of or release.primary
    path = release.path(paths.CONFUSION, scheme=scheme, trial=trial)
    if not path.is_file():
        return {}
    rows = read_parquet(path, ["task", "classifier", "features", "patch", "predicted"])
    rows = rows[(rows["task"] == task.name) & (rows["classifier"] == "forest") & rows["patch"].isin(set(patches))]
    told: dict[str, dict[str, str]] = {}
    for row in rows.itertuples():
        told.setdefault(str(row.patch), {})[str(row.features)] = str(row.predicted)
    return told


def in_words(truth: str, told: Mapping[str, str]) -> str:
    """Truth and answers, e.g. ``Truth: Water. Forest s1: Dense trees (wrong).``."""
    said = [
        f" Forest {features}: {name} ({'correct' if name == truth else 'wrong'})."
        for features, name in sorted(told.items())
    ]
    return f"Truth: {truth}." + "".join(said)


def _pair(release: ReleaseResults, task: Task, row: pd.DataFrame, layers: Mapping[str, str], told: Answers) -> Gallery:
    """Both sensors' images of one patch, large."""
    patch, truth = str(row["patch"].iloc[0]), task.names[int(row["label"].iloc[0])]
    (block,) = release.dataset.blocks(release.data / release.name, row, sorted(layers.values()), 1)
    plain = {each.name for each in images.composites(release.dataset, layers) if each.plain}
    pictures = {name: made for name, made in images.sensors(release.dataset, layers, block).items() if name in plain}
    words = in_words(truth, told.get(patch, {}))
    return Gallery(
        f"Both sensors on patch {patch} of {release.name}",
        tuple(images.picture(name, f"{name}; class {truth}", pixels) for name, pixels in pictures.items()),
        f"The first test patch with a known class. {words}",
        (),
        _sources(release),
        release.is_sample,
        "pair",
    )


def _gallery(
    release: ReleaseResults, truth: str, rows: pd.DataFrame, layers: Mapping[str, str], told: Answers
) -> Gallery:
    """The first patches of a class, a strip for each."""
    dataset, chosen = release.dataset, rows.head(PATCHES)
    shown = [each.name for each in images.composites(dataset, layers)]
    pictures = []
    for block in dataset.blocks(release.data / release.name, chosen, sorted(layers.values()), 1):
        patch = str(block.patches["patch"].iloc[0])
        made = images.sensors(dataset, layers, block)
        words = in_words(truth, told.get(patch, {}))
        alternative = f"Patch {patch}, class {truth}: {'; '.join(made)}"
        pictures.append(images.strip(f"{patch}. {words}", alternative, made.values()))
    return Gallery(
        f"Class {truth} in {release.name}",
        tuple(pictures),
        f"{len(chosen)} of {len(rows)} test patches, the first of the catalog. From left to right: "
        f"{'; '.join(shown)}. Patches larger than {images.THUMBNAIL} pixels are averaged. Suspicious would be a patch "
        "that looks like another class, or patches that are all alike.",
        (),
        _sources(release),
        release.is_sample,
        "strips",
    )


def _sources(release: ReleaseResults) -> tuple[Source, ...]:
    of: dict[str, object] = dict(zip(("scheme", "trial"), release.primary, strict=True))
    sources = catalog_source(release), release.from_file(paths.SPLIT, "split", **of)
    if not release.path(paths.CONFUSION, **of).is_file():
        return sources
    return (*sources, release.from_file(paths.CONFUSION, "score", **of))
