"""Features, forests and predictions of pixels, against scikit-learn and against reading the same bytes."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score

from bench.measure import Row, pair, processor
from sentinel_forest import datasets, simulate
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.base import IGNORE, Dataset, no_hashes
from sentinel_forest.features import bands_of, pixel, table
from sentinel_forest.models import forest
from sentinel_forest.models.forest import Training

ROWS, TREES, THREADS = 300_000, 10, 2
LIBRARY_TREES = 40
GROWN_ON = 30_000
"""Rows that the forest is grown on with which speeds of prediction are measured."""


def rows(folder: Path) -> Iterator[Row]:
    """Features, fit and predict on the images of a CloudSEN12 sample."""
    simulate.write("cloudsen12", {"side": 96}, {"seed": 1, "rois": 20, "dates": 5}, folder)
    dataset = datasets.load("cloudsen12", {"side": 96})
    catalog = dataset.catalog(folder, dataset.list_files(folder), no_hashes())
    yield from features(dataset, folder, catalog)
    X, y, group = pixels(dataset, folder, catalog)
    yield from fits(X, y, group)
    yield from library(X, y)
    yield from predictions(X, y)


def features(dataset: Dataset, folder: Path, catalog: pd.DataFrame) -> Iterator[Row]:
    """Feature tables against `numpy.fromfile` of the files that they are made from.

    The files are in memory by then: what is read is copied, at some gigabytes a second.
    """
    for name, goal in (("l1c", 0.05), ("l1c+context", 0.01)):
        about = dataset.feature_sets[name]
        layers = {*about.layers.values(), *dataset.label_layers(about.task)}
        paths = [path for layer in sorted(layers) for path in sorted(folder.glob(f"*/{layer}.dat"))]

        def ours(about=about) -> None:
            table.feature_rows(dataset, about, folder, catalog, 150, (1, "bench"))

        def read(paths=paths) -> None:
            for path in paths:
                np.fromfile(path, np.uint8)

        yield Row(f"features {name} of CloudSEN12, one core", "reading the same bytes", goal, *pair(ours, read))


def pixels(dataset: Dataset, folder: Path, catalog: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bands, class and ROI of all labelled pixels of all images, in file order."""
    about = dataset.feature_sets["l1c"]
    layers = [*about.layers.values(), *dataset.label_layers(about.task)]
    parts = []
    for block in dataset.blocks(folder, catalog, layers, 20):
        labels = dataset.labels(about.task, block)
        values = pixel.compute(about.features, bands_of(dataset, about, block))
        group = np.broadcast_to(block.patches["roi"].to_numpy()[:, None, None], labels.shape)
        known = labels != IGNORE
        parts.append((values[known], labels[known].astype(np.int64), group[known]))
    X, y, group = (np.concatenate(column) for column in zip(*parts, strict=True))
    return X, y, pd.factorize(group)[0]


def fits(X: np.ndarray, y: np.ndarray, group: np.ndarray) -> Iterator[Row]:
    """The fast engine against scikit-learn: both grow on the same rows, and are scored on other groups."""
    random = np.random.default_rng(1)
    kept = np.sort(random.permutation(np.flatnonzero(group % 4))[:ROWS])
    test = np.sort(random.permutation(np.flatnonzero(group % 4 == 0))[:100_000])
    training = Training(X[kept], y[kept], np.ones(len(kept)), np.repeat("", len(kept)))
    plain = RandomForestClassifier(TREES, random_state=1, n_jobs=THREADS, oob_score=True)
    settings = ForestSettings(engine="scikit-learn-intelex", trees=TREES, draw_weights=False)
    fast: list[RandomForestClassifier] = []
    times = pair(
        lambda: fast.append(forest.grow(training, settings, 1, THREADS).forest),
        lambda: plain.fit(training.X, y[kept]),
        repeats=1,
        measure=processor,
    )
    told = forest.predict(fast[0], X[test], THREADS), plain.predict(X[test])
    scores = [balanced_accuracy_score(y[test], each) for each in told]
    what = f"fit of the fast engine, {len(kept)} x {X.shape[1]}, {TREES} trees, with out-of-bag votes"
    said = f"(balanced accuracy {scores[0]:.4f}, scikit-learn {scores[1]:.4f})"
    yield Row(f"{what} {said}", "scikit-learn", 5.0, *times)


def library(X: np.ndarray, y: np.ndarray) -> Iterator[Row]:
    """The fast engine with weighted bootstraps, leaf fractions and out-of-bag votes, against its library without them.

    The library draws its rows itself and all alike. It takes neither weights with bootstraps nor binned features, so
    that each of our bootstraps, of four trees, is a call of its own that sorts its rows into bins again.
    """
    sklearnex = importlib.import_module("sklearnex.ensemble")
    some = np.sort(np.random.default_rng(3).permutation(len(X))[:ROWS])
    weight = np.random.default_rng(4).lognormal(size=len(some))
    training = Training(X[some], y[some], weight, np.repeat("", len(some)))
    settings = ForestSettings(engine="scikit-learn-intelex", trees=LIBRARY_TREES, minimum_leaf=20)
    plain = sklearnex.RandomForestClassifier(LIBRARY_TREES, min_samples_leaf=20, random_state=1, n_jobs=THREADS)
    times = pair(
        lambda: forest.grow(training, settings, 1, THREADS),
        lambda: plain.fit(training.X, y[some]),
        repeats=1,
        measure=processor,
    )
    what = f"fit of the fast engine, {len(some)} x {X.shape[1]}, {LIBRARY_TREES} trees, leaves of 20, weighted"
    yield Row(what, "scikit-learn-intelex without weights and votes", 0.77, *times)


def predictions(X: np.ndarray, y: np.ndarray) -> Iterator[Row]:
    """What the workflow predicts with, against `RandomForestClassifier.predict` of the same forest."""
    some = np.random.default_rng(2).permutation(len(X))
    plain = RandomForestClassifier(100, min_samples_leaf=2, random_state=1, n_jobs=THREADS)
    plain.fit(X[some[:GROWN_ON]], y[some[:GROWN_ON]])
    image = 512 * 512
    for what, chosen, goal in (
        (f"predict {ROWS} x {X.shape[1]}, 100 trees", X[some[:ROWS]], 2.0),
        ("predict every pixel of a 512 x 512 patch, 100 trees", X[:image], 1.2),
    ):
        times = pair(
            lambda chosen=chosen: forest.predict(plain, chosen, THREADS), lambda chosen=chosen: plain.predict(chosen)
        )
        yield Row(what, "scikit-learn, same forest", goal, *times)
