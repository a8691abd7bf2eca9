"""Trials of a finished version as arrays in Python, or as PyTorch datasets; see ``docs/loaders.md``."""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sentinel_forest.config.paths import CATALOG, MANIFEST, SPLIT, VERIFIED, VERSION, Places, place
from sentinel_forest.config.releases import OWN
from sentinel_forest.datasets.base import SPLITS, Block, Dataset, Reader, Task, true_classes, with_measured
from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import read_catalog, read_parquet
from sentinel_forest.splits.roles import roles_of
from sentinel_forest.versions.manifest import hold_files
from sentinel_forest.versions.opened import dataset_of, hold_data

LABEL = "label"


@dataclass(repr=False)
class Trial:
    """The patches of one role of a trial, in the order of the catalog.

    ``len(trial)`` is the number of patches. ``trial[i]`` gives a dictionary: each layer as an array (rows,
    columns), and ``label``. ``trial[a:b]`` gives the same with the patches as first axis. Where the format
    allows (CloudSEN12, So2Sat LCZ42), files are mapped into memory, and only what is asked for is read. What is read
    is held against the hashes of the catalog: other values than the verified ones stop with an `InputError`.

    Parameters
    ----------
    dataset : Dataset
        Set up for the layout of the release.
    folder : Path
        The folder of the release.
    patches : DataFrame
        Rows of the catalog, with the column `weight` of the split.
    task : Task
        What ``label`` is about: for a patch task, int64 index of the class, -1 if unknown; for a pixel
        task, uint8 (rows, columns), index of the class or `IGNORE` (255).
    layers : tuple of str
        Layers that are read.
    physical : bool
        Whether layers come in physical units (float32, NaN is missing) or as stored.
    """

    dataset: Dataset
    folder: Path
    patches: pd.DataFrame
    task: Task
    layers: tuple[str, ...]
    physical: bool = False
    _readers: dict[str, Reader] = field(default_factory=dict)

    def __repr__(self) -> str:
        few = f"{len(self.layers)} layers" if len(self.layers) > 4 else ", ".join(self.layers)
        return f"<Trial: {len(self)} patches of {self.dataset.name} in {self.folder}, {few}, task {self.task.name}>"

    def __len__(self) -> int:
        return len(self.patches)

    def __getitem__(self, index: int | slice) -> dict[str, Any]:
        if isinstance(index, slice):
            return self._read(self.patches.iloc[index])
        place = range(len(self))[index]  # raises IndexError, which ends a loop over the trial
        return {name: values[0] for name, values in self._read(self.patches.iloc[place : place + 1]).items()}

    def batches(self, size: int) -> Iterator[dict[str, Any]]:
        """Slices of `size` patches one after another; the last may be shorter.

        Raises
        ------
        InputError
            If the size is not positive.
        """
        if size < 1:
            raise InputError("A batch must hold a patch.", found=size, expected="1 or more")
        return (self[start : start + size] for start in range(0, len(self), size))

    def _read(self, patches: pd.DataFrame) -> dict[str, Any]:
        truth = self.dataset.label_layers(self.task.name) if self.task.unit == "pixel" else ()
        wanted = tuple(dict.fromkeys((*self.layers, *truth)))
        some = len(patches) and wanted
        stored = self.dataset.pick(self.folder, patches, wanted, self._readers) if some else {}
        layers = {layer: stored[layer] for layer in self.layers if layer in stored}
        if self.physical:
            layers = {layer: self.dataset.physical(layer, values) for layer, values in layers.items()}
        return layers | {LABEL: self._label(patches, stored)}

    def _label(self, patches: pd.DataFrame, stored: dict[str, np.ndarray]) -> np.ndarray:
        if self.task.unit == "patch":
            return self.dataset.patch_classes(self.task.name, patches["label"].to_numpy()).astype(np.int64)
        if not stored:
            return np.empty((0, 0, 0), np.uint8)
        block = with_measured(self.dataset, self.folder, Block(patches, stored))
        return true_classes(self.dataset, self.task.name, block)

    def as_torch(self) -> "TorchPatches":
        """Return a map-style PyTorch dataset, for ``torch.utils.data.DataLoader`` and the like.

        Returns
        -------
        TorchPatches
            Pairs of an image, float32 (layers, rows, columns), and a label, int64.

        Raises
        ------
        InputError
            If PyTorch is not installed.
        """
        if importlib.util.find_spec("torch") is None:
            raise InputError(
                "PyTorch is not installed.",
                expected="the package torch",
                remedy="pip install torch, or use the arrays of the trial as they are",
            )
        return TorchPatches(self)

    def __getstate__(self) -> dict[str, Any]:
        """For other processes, which open the files themselves."""
        return self.__dict__ | {"_readers": {}}


def open_trial(
    version: Path | str,
    release: str,
    scheme: str,
    trial: int,
    role: str,
    *,
    data: Path | str | None = None,
    catalog: Path | str | None = None,
    task: str | None = None,
    layers: Sequence[str] | None = None,
    physical: bool = False,
) -> Trial:
    """Open the patches of one role of a trial.

    The pixels come from the publisher's files; a finished version of results says which patches. Its table of the
    trial is first held against the manifest of the version, and what was verified last against its data.

    Parameters
    ----------
    version : path
        Folder of the version, ``results/<version>``.
    release, scheme : str
        Names in this version.
    trial : int
        From 1.
    role : {"train", "validation", "test"}
        Which patches of the trial.
    data : path, optional
        Folder of the release's files. By default ``data/<release>`` in the folder in which the workflow ran,
        that is beside ``results``.
    catalog : path, optional
        The table of the release's patches. By default ``work/<release>/catalog.parquet`` beside ``results``.
    task : str, optional
        What the label is about. By default the first task of the dataset.
    layers : sequence of str, optional
        Layers to read, by their names in the dataset. By default all bands of the images that the release
        has, without labels.
    physical : bool, default=False
        Whether layers come in physical units (float32, NaN is missing) instead of as stored.

    Returns
    -------
    Trial
        A sequence of patches.

    Raises
    ------
    InputError
        If one of the names is not there (the message says which there are), or the split of a sealed version is not
        the one that its manifest names, or other data were verified since.

    Examples
    --------
    A finished version ``mine-v1`` of a release ``clouds`` in the layout of CloudSEN12, with images of 5 x 5
    pixels; trial 1 of the scheme ``grouped``:

    >>> from sentinel_forest import open_trial
    >>> trial = open_trial("results/mine-v1", "clouds", "grouped", 1, "train", physical=True)
    >>> len(trial), trial.layers
    (4, ('L1C_B2', 'L1C_B3'))
    >>> patch = trial[0]
    >>> patch["L1C_B3"].shape, patch["L1C_B3"].dtype, patch["label"].dtype
    ((5, 5), dtype('float32'), dtype('uint8'))
    >>> trial.task.names
    ('clear', 'thick cloud', 'thin cloud', 'cloud shadow')
    >>> [batch["label"].shape for batch in trial.batches(3)]
    [(3, 5, 5), (1, 5, 5)]
    """
    results = Path(version)
    root, usual = results.absolute().parent.parent, Places(results.name)
    if role not in SPLITS:
        raise InputError("Unknown role.", found=role, expected=" | ".join(SPLITS))
    finished = (results / MANIFEST).is_file()
    if finished:
        hold_files(results, [VERSION])
    _named(results, "version", "name the folder of a version, results/<version>")
    _existing(results / VERSION, "description of the version", "finish the run of this version")
    dataset = dataset_of(results, release, root / OWN)
    split = results / place(SPLIT, release=release, scheme=scheme, trial=trial)
    _named(split.parent, "scheme", "take one that the version has, or finish a run with this scheme")
    _named(split, "trial", "take one that the version has")
    if finished:
        hold_files(results, [split.relative_to(results).as_posix()])
    usual_catalog = root / usual.work / place(CATALOG, release=release)
    listed = _existing(Path(catalog) if catalog else usual_catalog, "catalog", "say where it is: catalog=PATH")
    patches, given = read_catalog(listed), read_parquet(split)
    if finished and set(patches["patch"]) == set(given["patch"]):  # else another version has read another part
        hold_data(results, release, listed.with_name(Path(VERIFIED).name))
    folder = _existing(
        Path(data) if data else root / usual.data / release, "folder of the release", "say where it is: data=FOLDER"
    )
    roles = roles_of(patches, given, split)
    if role not in roles:
        raise InputError("No patch has this role.", where=split, found=role, expected=" | ".join(roles))
    known = dataset.layers(dataset.list_files(folder))
    chosen = tuple(layers) if layers is not None else _bands(dataset, known)
    missing = [layer for layer in chosen if layer not in known]
    if missing:
        raise InputError(
            "The release has no such layer.", where=folder, found=missing[0], expected=", ".join(sorted(known))
        )
    asked = task or next(iter(dataset.tasks))
    if asked not in dataset.tasks:
        raise InputError("Unknown task.", found=asked, expected=" | ".join(dataset.tasks))
    # Metrics are functions, which need not travel to another process; a trial is read there, not scored.
    about = replace(dataset.tasks[asked], metrics=())
    return Trial(dataset, folder, roles[role], about, chosen, physical)


class TorchPatches:
    """A trial as pairs of tensors, see `Trial.as_torch`.

    The image is float32 (layers, rows, columns). The label is int64: without axes for a patch task,
    (rows, columns) for a pixel task, where `IGNORE` (255) marks pixels that take no part (pass it to the
    loss as ``ignore_index``). It can be sent to worker processes.
    """

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    def __len__(self) -> int:
        return len(self.trial)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        torch = importlib.import_module("torch")
        image, label = stacked(self.trial[index], self.trial.layers)
        return torch.from_numpy(image), torch.as_tensor(label)


def stacked(item: Mapping[str, Any], layers: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """An item of a trial as one float32 array (..., layers, rows, columns), and its label as int64."""
    image = np.stack([item[layer] for layer in layers], axis=-3).astype(np.float32, copy=False)
    return image, np.asarray(item[LABEL], dtype=np.int64)


def _bands(dataset: Dataset, known: frozenset[str]) -> tuple[str, ...]:
    """Layers that feature sets are made of, in the order of the dataset, as far as they are there."""
    used = {layer for feature_set in dataset.feature_sets.values() for layer in feature_set.layers.values()}
    return tuple(layer for layer in dataset.layer_table if layer in used & known)


def _existing(path: Path, what: str, remedy: str) -> Path:
    if path.exists():
        return path
    raise InputError(f"There is no {what}.", where=path, found="nothing there", remedy=remedy)


def _named(path: Path, what: str, remedy: str) -> None:
    """Stop if a part of a version has another name, or none; the message has the names that there are."""
    if path.exists():
        return
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    names = sorted({entry.name.split(".")[0] if what == "trial" else entry.name for entry in beside})
    there = ", ".join(names[:20]) or "nothing is there"
    raise InputError(f"There is no such {what}.", where=path, found=path.stem, expected=there, remedy=remedy)
