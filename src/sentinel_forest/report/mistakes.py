"""The page on where forests are wrong: the worst patches of each class, and what wrong patches have in common."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sentinel_forest.config import paths
from sentinel_forest.datasets.base import IGNORE, Block, Task, true_classes, with_measured
from sentinel_forest.evaluation.confusion import counted_units
from sentinel_forest.io.tables import read_parquet
from sentinel_forest.report import class_maps, figures, images
from sentinel_forest.report.data import catalog_source
from sentinel_forest.report.inputs import ReleaseResults, VersionResults
from sentinel_forest.report.model import Gallery, Item, Note, Page, Picture, Plot, Section, Source
from sentinel_forest.report.scores import FOREST
from sentinel_forest.verify.spatial import nearest_km, on_sphere

LEAD = (
    "Where the forest is wrong on test patches, in the published split if there is one: accuracy against what could "
    "explain it, and for each class the worst patch in pictures."
)
CLASSES = 6
"""Classes of a pixel task of which the worst patch is shown."""
STRIPS = 24
"""Wrong patches of a task whose labels are of whole patches."""
LEAST = 0.05
"""Fraction of a patch that a class must have for the patch to be the worst at it."""
RIGHT, WRONG = (225, 228, 232), (193, 39, 45)
FEWEST = 8
"""A panel with fewer different values says nothing."""


def page(version: VersionResults) -> Page:
    """Worst patches and what they have in common, of all releases."""
    sections = [Section(release.title, _items(release), release.is_sample) for release in version.releases]
    return Page("mistakes", "Mistakes", LEAD, tuple(sections))


def _items(release: ReleaseResults) -> tuple[Item, ...]:
    catalog = release.catalog
    if catalog is None or not release.trials:
        return (Note("The catalog of this release is not among the working files: nothing is shown.", "warning"),)
    items: list[Item] = []
    for task in release.dataset.tasks.values():
        sets = class_maps.sets_of(release, task)
        if sets:
            items += _of_task(release, task, _best(release, task, sets), catalog)
    return tuple(items) or (Note("No forest was scored on this release."),)


def _best(release: ReleaseResults, task: Task, sets: list[str]) -> str:
    """The feature set whose forest has the best overall accuracy in the trial that is shown."""
    scheme, trial = release.primary
    rows = release.metrics
    rows = rows[(rows["scheme"] == scheme) & (rows["trial"] == trial) & (rows["metric"] == "oa")]
    rows = rows[(rows["classifier"] == FOREST) & (rows["task"] == task.name) & (rows["role"] == "test")]
    rows = rows[rows["features"].isin(sets) & rows["value"].notna()].sort_values("value", kind="stable")
    return str(rows["features"].iloc[-1]) if len(rows) else sets[0]


def _of_task(release: ReleaseResults, task: Task, features: str, catalog: pd.DataFrame) -> list[Item]:
    counts = answers(release, task, features)
    if counts.empty:
        return [Note(f"No test patch of the task {task.name} was scored.")]
    items: list[Item] = _against(release, task, features, explained(release, task, counts, catalog))
    if not (release.data / release.name).is_dir():
        return [*items, Note("The files of this release are not here: there are no pictures.", "warning")]
    return items + (_maps if task.unit == "pixel" else _strips)(release, task, features, counts, catalog)


def answers(release: ReleaseResults, task: Task, features: str) -> pd.DataFrame:
    """What a forest says of the test patches: patch, true, predicted, count."""
    scheme, trial = release.primary
    path = release.path(paths.CONFUSION, scheme=scheme, trial=trial)
    keys = ["patch", "true", "predicted", "count"]
    if not path.is_file():
        return pd.DataFrame(columns=keys)
    rows = read_parquet(path, [*keys, "pixel_weight", "task", "classifier", "features", "role"])
    rows["count"] = counted_units(rows)
    rows = rows[(rows["task"] == task.name) & (rows["classifier"] == FOREST) & (rows["features"] == features)]
    return rows.loc[rows["role"] == "test", keys].astype({"true": "str", "predicted": "str", "patch": "str"})


def explained(release: ReleaseResults, task: Task, counts: pd.DataFrame, catalog: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of each test patch, and what could explain it.

    Returns
    -------
    DataFrame
        A row for each patch, or for each group where labels are of whole patches (a patch is then right or wrong):
        `accuracy` (0..1), and as far as they are known `distance` (km to the nearest training patch), `size` (patches
        of the group), `positive` (fraction of the classes of the first question, e.g. cloud).
    """
    right = counts["count"].where(counts["true"] == counts["predicted"], 0).groupby(counts["patch"]).sum()
    accuracy = right / counts.groupby("patch")["count"].sum()
    roles = _roles(release)
    rows = catalog.set_index("patch")
    test = rows.loc[rows.index.isin(accuracy.index)]
    frame = pd.DataFrame({"accuracy": accuracy[test.index], "group": test["group"]}, index=test.index)
    frame["size"] = test["group"].map(catalog["group"].value_counts())
    frame["distance"] = _distance(test, rows[(roles == "train").to_numpy()])
    if task.unit == "pixel" and task.questions:
        positive = counts["count"].where(counts["true"].isin(task.questions[0].positive), 0)
        fraction = positive.groupby(counts["patch"]).sum() / counts.groupby("patch")["count"].sum()
        frame["positive"] = fraction[test.index]
    if task.unit == "patch":
        return frame.groupby("group", sort=False).mean()
    return frame.drop(columns="group")


def _roles(release: ReleaseResults) -> pd.Series:
    scheme, trial = release.primary
    return read_parquet(release.path(paths.SPLIT, scheme=scheme, trial=trial), ["role"])["role"]


def _distance(test: pd.DataFrame, train: pd.DataFrame) -> np.ndarray:
    """Distance in km from each test patch to the nearest training patch; NaN where a place is not known."""
    train = train[train["lon"].notna() & train["lat"].notna()]
    known = (test["lon"].notna() & test["lat"].notna()).to_numpy()
    found = np.full(len(test), np.nan)
    if len(train) and known.any():
        points = (on_sphere(part["lon"].to_numpy(), part["lat"].to_numpy()) for part in (test[known], train))
        found[known] = nearest_km(*points)
    return found


_SUSPICIOUS = {
    "distance": "A line that falls with distance: the forest depends on training patches nearby.",
    "size": "A line that rises with the size of the group: large groups dominate training.",
    "positive": "A line that falls towards one end: the forest has learnt one class at the cost of the other.",
}


def _against(release: ReleaseResults, task: Task, features: str, frame: pd.DataFrame) -> list[Item]:
    """Accuracy against each thing that could explain it, where it differs between patches."""
    question = task.questions[0].name if task.questions else ""
    words = {
        "distance": "km to the nearest training patch",
        "size": "patches of the group",
        "positive": f"fraction of {question} in the patch",
    }
    shown = [name for name in words if name in frame and frame[name].nunique() >= FEWEST]
    parts = [
        pd.DataFrame({"panel": words[name], "patch": frame.index, "x": frame[name], "y": frame["accuracy"]}).dropna()
        for name in shown
    ]
    if not parts:
        return [Note(f"Too few test patches differ in place or size to compare accuracy ({task.name}) with these.")]
    unit = "group of test patches" if task.unit == "patch" else "test patch"
    data = pd.concat(parts, ignore_index=True)
    trends = [f"{part['panel'].iloc[0]}: {part['x'].corr(part['y'], method='spearman'):+.2f}" for part in parts]
    scheme, trial = release.primary
    return [
        Plot(
            f"Accuracy against what could explain it: {task.name}, {release.name}",
            figures.scatter(data, None, "accuracy"),
            f"Rank correlation with accuracy of the forest on {features}: {'; '.join(trends)}.",
            f"A dot for each {unit}: the fraction of it that the forest on {features} gets right ({scheme} {trial}). "
            "The line is a local average of the dots (loess).",
            " ".join(_SUSPICIOUS[name] for name in shown),
            (catalog_source(release), release.from_file(paths.CONFUSION, "score", scheme=scheme, trial=trial)),
            release.is_sample,
        )
    ]


def worst(counts: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """For each class the patch that is worst at it: class, patch, recall (0..1); the worst class first.

    A patch takes part where at least `LEAST` of it is of the class.
    """
    total = counts.groupby("patch")["count"].sum()
    of_class = counts.groupby(["true", "patch"])["count"].sum().rename("all").reset_index()
    hits = counts[counts["true"] == counts["predicted"]].groupby(["true", "patch"])["count"].sum()
    of_class = of_class[of_class["all"] >= LEAST * of_class["patch"].map(total)]
    pairs = pd.MultiIndex.from_frame(of_class[["true", "patch"]])
    of_class["recall"] = hits.reindex(pairs, fill_value=0).to_numpy() / of_class["all"]
    of_class = of_class[of_class["true"].isin(names)].sort_values(["recall", "patch"], kind="stable")
    return of_class.drop_duplicates("true").rename(columns={"true": "class"})[["class", "patch", "recall"]]


def _maps(
    release: ReleaseResults, task: Task, features: str, counts: pd.DataFrame, catalog: pd.DataFrame
) -> list[Item]:
    """Image, truth, answer, mistakes and confidence of the worst patch of each class."""
    chosen = worst(counts, task.names).head(CLASSES)
    legend = tuple((each.name, each.colour) for each in task.categories)
    galleries: list[Item] = []
    for name, patch, recall in chosen.itertuples(index=False, name=None):
        pictures = _pictures(release, task, features, catalog[catalog["patch"] == patch])
        galleries.append(
            Gallery(
                f"{name[0].upper()}{name[1:]}: the worst patch, {release.name}, {task.name}",
                tuple(pictures),
                f"Patch {patch}: the forest on {features} finds {100 * recall:.0f} % of its pixels of class {name}. "
                "Mistakes: red is wrong, grey is right, white has no label. Confidence: the probability of the "
                "predicted class, from dark (low) to white (1).",
                () if galleries else legend,
                _sources(release, features),
                release.is_sample,
                "row",
            )
        )
    return galleries


def _pictures(release: ReleaseResults, task: Task, features: str, row: pd.DataFrame) -> Iterator[Picture]:
    dataset, trial = release.dataset, release.primary
    bands = images.bands(dataset, release.layers)
    layers = {*bands.values(), *dataset.label_layers(task.name), *dataset.feature_sets[features].layers.values()}
    block = _block(release, row, layers & release.layers)
    for name, pixels in list(images.sensors(dataset, bands, block).items())[1:2]:
        yield images.picture(name, f"The patch in {name}", pixels)
    colours = [each.colour for each in task.categories]
    truth = true_classes(dataset, task.name, block)[0]
    found = class_maps.predicted(release, trial, features, block)
    yield images.picture("labels", "Map of the labels", class_maps.coloured(truth, colours))
    yield images.picture("forest", f"Map of the forest {features}", class_maps.coloured(found, colours))
    mistakes = np.where((found == truth)[..., None], RIGHT, WRONG).astype(np.uint8)
    mistakes[truth == IGNORE] = class_maps.NOTHING
    yield images.picture("mistakes", f"Where they differ; {class_maps.agreement(found, truth)}", mistakes)
    sure = class_maps.confidence(release, trial, features, block)
    chance = 1 / len(task.names)
    grey = (255 * np.clip((sure - chance) / (1 - chance), 0, 1)).round().astype(np.uint8)
    words = f"Probability of the answer, from {sure.min():.2f} to {sure.max():.2f}"
    yield images.picture("confidence", words, np.repeat(grey[..., None], 3, axis=-1))


def _block(release: ReleaseResults, row: pd.DataFrame, layers: set[str] | frozenset[str]) -> Block:
    folder = release.data / release.name
    return with_measured(release.dataset, folder, next(iter(release.dataset.blocks(folder, row, sorted(layers), 1))))


def _strips(
    release: ReleaseResults, task: Task, features: str, counts: pd.DataFrame, catalog: pd.DataFrame
) -> list[Item]:
    """Wrong patches as strips, every class in turn."""
    wrong = counts[counts["true"] != counts["predicted"]].sort_values(["true", "patch"], kind="stable")
    if wrong.empty:
        return [Note(f"The forest on {features} gets all test patches of the task {task.name} right.")]
    turn = wrong.groupby("true").cumcount()
    chosen = wrong.assign(turn=turn).sort_values(["turn", "true"], kind="stable").head(STRIPS)
    chosen = chosen.sort_values(["true", "turn"], kind="stable").set_index("patch")
    layers = images.bands(release.dataset, release.layers)
    if not images.composites(release.dataset, layers):
        return [Note("Not all bands that pictures need are there.")]
    pictures = []
    rows = catalog[catalog["patch"].isin(chosen.index)]
    for block in release.dataset.blocks(release.data / release.name, rows, sorted(layers.values()), 1):
        patch = str(block.patches["patch"].iloc[0])
        made = images.sensors(release.dataset, layers, block)
        truth, said = (str(chosen.loc[patch, name]) for name in ("true", "predicted"))
        words = f"{patch}. Truth: {truth}. Forest: {said}."
        pictures.append((truth, images.strip(words, f"Patch {patch}: {'; '.join(made)}", made.values())))
    ordered = tuple(picture for _, picture in sorted(pictures, key=lambda pair: pair[0]))
    shown = ", ".join(each.name for each in images.composites(release.dataset, layers))
    return [
        Gallery(
            f"Wrong patches: {release.name}, {task.name}",
            ordered,
            f"{len(ordered)} of the {len(wrong)} test patches that the forest on {features} gets wrong, from every "
            f"class. From left to right: {shown}. If a patch looks like the class that the forest predicts, its label "
            "may be wrong.",
            (),
            _sources(release, features),
            release.is_sample,
            "strips",
        )
    ]


def _sources(release: ReleaseResults, features: str) -> tuple[Source, ...]:
    scheme, trial = release.primary
    return (
        catalog_source(release),
        release.from_file(paths.CONFUSION, "score", scheme=scheme, trial=trial),
        release.forest(features),
    )
