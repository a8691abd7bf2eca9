"""One patch as a figure: what Sentinel-1 and Sentinel-2 saw, its label, and what classifiers say of it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sentinel_forest import datasets
from sentinel_forest.config import paths
from sentinel_forest.config.own_releases import named_entry
from sentinel_forest.datasets.base import Block, Task, true_classes, with_measured
from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import read_parquet, replacing
from sentinel_forest.report import class_maps, classes, images, inputs
from sentinel_forest.report.inputs import ReleaseResults
from sentinel_forest.report.panels import FORMS, Figure, Panel
from sentinel_forest.steps import Layout, Output
from sentinel_forest.versions.manifest import version_folder

HELD_OUT = ("test", "validation")


def show(
    *,
    release: str,
    patch: str,
    version: Path | None = None,
    scheme: str | None = None,
    trial: int | None = None,
    dataset: str | None = None,
    layout: Layout | None = None,
    data: Path = Path("data"),
    work: Path = Path("work"),
    output: Output,
) -> None:
    """Draw one patch: Sentinel-1, Sentinel-2, label, and what forests and reference algorithms predict.

    Parameters
    ----------
    release : str
        Name of the release. It must have been verified, because its pixels are compared with its catalog.
    patch : str
        The patch, as in the column `patch` of the catalog.
    version : Path, optional
        Folder of a finished version whose forests are shown, or its name below ``results``; without it, no forest is.
    scheme : str, optional
        Scheme of the forests. By default that of the first trial that tests the patch.
    trial : int, optional
        Trial of the forests. By default the first trial that tests the patch.
    dataset : str, optional
        Dataset of a release of your own that is not part of the version.
    layout : mapping, optional
        How such a release deviates from the published layout, e.g. ``--layout.side 128``.
    data : Path
        Folder with a folder of files for each release.
    work : Path
        Folder with the working files of each release.
    output : Path
        The figure: ``.png``, ``.pdf`` or ``.svg``.
    """
    if output.suffix not in FORMS:
        raise InputError("No figure has this form.", where=output, found=output.suffix, expected=" | ".join(FORMS))
    entry = named_entry(release, dataset, layout) if dataset else None
    results = open_release(release, version, data, work, entry)
    figure = show_patch(results, patch, _trial(results, patch, scheme, trial))
    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing(output) as beside:
        figure.write(beside, output.suffix)
    print(f"{output}: {figure.title}", file=sys.stderr)


def open_release(
    name: str, version: Path | None, data: Path, work: Path, entry: Mapping[str, Any] | None = None
) -> ReleaseResults:
    """A release, with the results of a version where one is named.

    Parameters
    ----------
    name : str
        The release.
    version : Path or None
        Folder of a finished version, or its name below ``results``; all of it is held against its manifest.
    data, work : Path
        Folders with a folder for each release.
    entry : mapping, optional
        ``dataset`` and ``layout`` of a release that is neither registered nor in the version.

    Raises
    ------
    InputError
        If the version lacks the release, nobody knows it, or it has no catalog or files yet.
    """
    if version is None:
        known = entry or named_entry(name)
        of = datasets.load(known["dataset"], known["layout"])
        release = ReleaseResults(name, of, known, Path(), work, data, {}, name, frozenset())
    else:
        release = _of_version(name, version_folder(version), data, work)
    if release.catalog is None or not release.layers:
        raise InputError(
            "A patch is shown from verified files, and this release has no catalog yet.",
            where=work / name,
            expected="catalog.parquet and files.tsv",
            remedy="snakemake catalogs; or name the folder of the working files: --work FOLDER",
        )
    return release


def _of_version(name: str, version: Path, data: Path, work: Path) -> ReleaseResults:
    releases = {each.name: each for each in inputs.read(version, work, data).releases}
    if name not in releases:
        raise InputError(
            "The version has no such release.", where=version, found=name, expected=" | ".join(sorted(releases))
        )
    return releases[name]


def show_patch(release: ReleaseResults, patch: str, trial: tuple[str, int] | None = None) -> Figure:
    """Draw a patch.

    Parameters
    ----------
    release : ReleaseResults
        See `open_release`.
    patch : str
        As in the catalog.
    trial : tuple of str and int, optional
        Scheme and number of the trial whose forests are asked; without it none is.

    Returns
    -------
    Figure
        Not shown yet. In a notebook it is the last line of a cell.

    Raises
    ------
    InputError
        If there is no such patch, or its pixels are not the verified ones.
    """
    row = _row(release, patch)
    tasks: dict[str, Task] = {}
    for task in release.dataset.tasks.values():
        tasks.setdefault(task.unit, task)
    pixel = tasks.get("pixel")
    block = _read(release, row, pixel, trial)
    layers = images.bands(release.dataset, release.layers)
    panels = [Panel(name, pixels) for name, pixels in images.sensors(release.dataset, layers, block).items()]
    if pixel is not None and set(release.dataset.label_layers(pixel.name)) <= release.layers:
        panels += _maps(release, pixel, block, trial)
    if not panels:
        raise InputError(
            "The release has no layer of which a picture could be made.",
            where=release.data / release.name,
            found=", ".join(sorted(release.layers)),
            expected=", ".join(
                dict.fromkeys(band for each in release.dataset.pictures.composites for band in each.bands)
            ),
        )
    legend = tuple((each.name, each.colour) for each in pixel.categories) if pixel is not None else ()
    return Figure("\n".join(_words(release, row, tasks.get("patch"), trial)), tuple(panels), legend)


def _row(release: ReleaseResults, patch: str) -> pd.DataFrame:
    """The row of a patch in the catalog."""
    assert release.catalog is not None
    names = release.catalog["patch"]
    row = release.catalog[names == patch]
    if row.empty:
        like = names[names.str.contains(patch, regex=False)]
        near = f"{len(like)} contain it" if len(like) else f"it has {len(names)}"
        raise InputError(
            "The release has no such patch.",
            where=release.work_path(paths.CATALOG),
            found=patch[:80],
            expected=f"a patch of the catalog; {near}, e.g. {(like if len(like) else names).iloc[0]}",
        )
    return row


def _trial(release: ReleaseResults, patch: str, scheme: str | None, trial: int | None) -> tuple[str, int] | None:
    """The trial that is asked for; by default the first that tests the patch, then that validates by it."""
    if not release.trials:
        if scheme is not None or trial is not None:
            raise InputError("No version is named whose forests could be asked.", remedy="name one: --version FOLDER")
        return None
    chosen = [each for each in release.trials if scheme in (None, each[0]) and trial in (None, each[1])]
    if not chosen:
        some = ", ".join(f"{name} {number}" for name, number in release.trials[:8])
        raise InputError("The version has no such trial.", found=f"{scheme or ''} {trial or ''}", expected=some)
    roles = {each: role_of(release, patch, each) for each in chosen}
    held_out = (each for role in HELD_OUT for each in chosen if roles[each] == role)
    return next(held_out, chosen[0])


def role_of(release: ReleaseResults, patch: str, trial: tuple[str, int]) -> str:
    """The role of a patch in a trial."""
    split = read_parquet(
        release.results / paths.place(paths.SPLIT, release=release.name, scheme=trial[0], trial=trial[1])
    )
    return str(next(iter(split.loc[split["patch"] == patch, "role"]), "unused"))


def _read(release: ReleaseResults, row: pd.DataFrame, task: Task | None, trial: tuple[str, int] | None) -> Block:
    """All layers that the panels are made of."""
    dataset, folder = release.dataset, release.data / release.name
    layers = set(images.bands(dataset, release.layers).values())
    if task is not None:
        layers |= {*dataset.label_layers(task.name), *(each.layer for each in class_maps.references(release, task))}
        sets = class_maps.sets_of(release, task) if trial else []
        layers |= {layer for name in sets for layer in dataset.feature_sets[name].layers.values()}
    return with_measured(dataset, folder, next(iter(dataset.blocks(folder, row, sorted(layers & release.layers), 1))))


def _maps(release: ReleaseResults, task: Task, block: Block, trial: tuple[str, int] | None) -> list[Panel]:
    """Label, forests and reference algorithms of a pixel task."""
    colours = [each.colour for each in task.categories]
    truth = true_classes(release.dataset, task.name, block)[0]
    panels = [Panel(f"label ({task.name})", class_maps.coloured(truth, colours))]
    sets = class_maps.sets_of(release, task)
    forests = {} if trial is None else {name: class_maps.predicted(release, trial, name, block) for name in sets}
    for name, answers in forests.items():
        words = f"forest {name}: {class_maps.agreement(answers, truth)}"
        panels.append(Panel(words, class_maps.coloured(answers, colours)))
    for each in class_maps.references(release, task):
        answers = release.dataset.reference(each.name, block)[0]
        panels.append(Panel(each.name, class_maps.coloured(answers, class_maps.reference_colours(task, each))))
    return panels


def _words(release: ReleaseResults, row: pd.DataFrame, task: Task | None, trial: tuple[str, int] | None) -> list[str]:
    """What stands above the figure: the patch, whose forests are asked, and the class of the whole patch."""
    patch = str(row["patch"].iloc[0])
    lines = [f"{release.title}: {patch}"]
    if trial is not None:
        role = role_of(release, patch, trial)
        seen = ": the forests have seen it" if role == "train" else ""
        lines.append(f"{release.results.resolve().name}, {trial[0]}, trial {trial[1]}: a {role} patch{seen}")
        if absent := class_maps.undrawn(release):
            lines.append(f"Not drawn: forest {', '.join(absent)}, whose vectors were made by another model.")
    label = -1 if task is None else int(release.dataset.patch_classes(task.name, row["label"].to_numpy())[0])
    if task is not None and label >= 0:
        told = classes.answers(release, task, row["patch"], trial) if trial else {}
        lines.append(classes.in_words(task.names[label], told.get(patch, {})))
    elif task is not None:
        lines.append(f"The class of the patch ({task.name}) is unknown.")
    return lines
