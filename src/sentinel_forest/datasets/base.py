"""What a dataset gives to the workflow: its vocabulary, and functions that know its files.

A dataset module defines a class `DATASET` (a subclass of `Dataset`). All other modules work with
the terms of this file and never with a file format.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sentinel_forest.errors import InputError
from sentinel_forest.io.copying import NewFile

IGNORE = 255
"""Label of a pixel that takes no part (fill, unknown code)."""

NO_ANSWER = "no answer"
"""What a reference algorithm "predicts" of a pixel of known truth where it gives none of its answers."""

SPLITS = ("train", "validation", "test")

MARKING_KEYS = ("place", "acquisition", "footprint")
"""Ways to be linked that could make a score optimistic, beside the same patch and the same pixels. A dataset
declares for each of them where it is to be seen."""


@dataclass(frozen=True)
class Columns:
    """A marking key that the catalog has, in columns that are blank (or NaN) where it is unknown."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Implied:
    """A marking key that needs no look of its own: patches that share it share the key `by`, too."""

    by: str
    reason: str


@dataclass(frozen=True)
class NotPublished:
    """A marking key that no file of the publisher tells."""


GROUND = Columns(("x", "y", "epsg", "side_m"))
"""The footprint of a patch: a square around its centre."""

MOST_NAMES = 20
"""Empty patches that a finding names; the catalog has all (`unmeasured`)."""


@dataclass(frozen=True)
class Category:
    """A class of a task: its stored code, its published name and colour (``#rrggbb``)."""

    code: int
    name: str
    colour: str


@dataclass(frozen=True)
class Question:
    """A two-class question asked of a task: the names of the classes that count as positive."""

    name: str
    positive: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """What is to be predicted, for a patch as a whole or for each of its pixels."""

    name: str
    unit: Literal["patch", "pixel"]
    categories: tuple[Category, ...]
    questions: tuple[Question, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their index."""
        return tuple(category.name for category in self.categories)


@dataclass(frozen=True)
class Layer:
    """A stored layer (band, index, label): how it is stored and what it means.

    ``physical = stored * factor``; the value `missing` (as stored) is NaN. `wavelength` in nm.
    """

    name: str
    dtype: str
    factor: float = 1.0
    unit: str = "1"
    missing: float | None = None
    wavelength: float | None = None


@dataclass(frozen=True)
class Reference:
    """The result of an algorithm that ships with a release.

    Parameters
    ----------
    name : str
        The algorithm's name.
    task : str
        The task whose true classes it is held against.
    layer : str
        The layer it is stored in.
    predicted : tuple of str
        Names of what it can predict, in the order of the index that `Dataset.reference` returns.
    answers : mapping
        For each question it answers: which of `predicted` count as positive.
    """

    name: str
    task: str
    layer: str
    predicted: tuple[str, ...]
    answers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class FeatureSet:
    """A named list of features (see `sentinel_forest.features`) for one task.

    `layers` gives for each band that the features use (``"B8A"``, ``"VV"``) the layer that holds it.
    """

    name: str
    task: str
    features: tuple[str, ...]
    layers: Mapping[str, str]


@dataclass(frozen=True)
class File:
    """One file of a release, as registered or as found.

    `path` is relative to the release's folder, with ``/``; `size` in bytes (None: not published);
    `digests` maps an algorithm to a hex digest; `facts` are further published properties that the
    dataset checks (e.g. class counts); `role` is ``data``, ``metadata`` or ``archive``; `about` is an
    approximate length in bytes where the exact one is not published, `about_unpacked` what an archive
    becomes.
    """

    path: str
    size: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    role: str = "data"
    facts: Mapping[str, object] = field(default_factory=dict)
    about: int | None = None
    about_unpacked: int | None = None


@dataclass(frozen=True)
class Finding:
    """One row of ``integrity.tsv``.

    `layer` is ``bytes``, ``structure`` or ``content``; `status` is ``ok``, ``note`` (worth knowing,
    stops nothing), or ``failed``; `check` is a short fixed name that ``accept:`` can refer to.
    """

    file: str
    layer: Literal["bytes", "structure", "content"]
    check: str
    status: Literal["ok", "note", "failed"]
    found: str
    expected: str = ""
    remedy: str = ""


def hash_table(
    files: Sequence[str],
    rows: Sequence[int],
    layers: Sequence[str],
    hashes: Sequence[str],
    empty: Sequence[int] | np.ndarray | None = None,
) -> pd.DataFrame:
    """Hashes of patches: file (str), row (int64), layer (str), hash (str, 32 hex digits), empty (int64).

    `empty` counts the pixels of an optical layer that are 0 in all bands that the layer holds.
    """
    return pd.DataFrame(
        {
            "file": pd.Series(files, dtype="str"),
            "row": pd.Series(rows, dtype="int64"),
            "layer": pd.Series(layers, dtype="str"),
            "hash": pd.Series(hashes, dtype="str"),
            "empty": pd.Series(np.zeros(len(files)) if empty is None else empty, dtype="int64"),
        }
    )


def no_hashes() -> pd.DataFrame:
    """The empty table of patch hashes, see `hash_table`."""
    return hash_table([], [], [], [])


_NO_HASHES = no_hashes()


@dataclass(frozen=True)
class Inspection:
    """What the passing bytes of one file have shown.

    `hashes` has a row (xxh3_128) for each patch of an image layer, see `hash_table`.
    """

    findings: tuple[Finding, ...]
    hashes: pd.DataFrame = field(default_factory=lambda: _NO_HASHES)


class Inspector(ABC):
    """Checks the content of one file while its bytes pass by for the digest.

    `block_bytes` is the length of the pieces it wants (the last may be shorter); a file is never
    held whole unless it is small.
    """

    block_bytes: int

    @abstractmethod
    def update(self, block: memoryview) -> None:
        """Take the next bytes of the file, in order."""

    @abstractmethod
    def finish(self) -> Inspection:
        """Say what was seen."""


@dataclass(frozen=True)
class Block:
    """Some patches in file order, with their valid pixels.

    `patches` are rows of the catalog; `layers` maps a layer to an array of shape
    (patches, rows, columns) in the stored dtype, cut to the valid window; `measured`, bool of the
    same shape, says which pixels carry a measurement (None: all), see `Dataset.measured`.
    """

    patches: pd.DataFrame
    layers: dict[str, np.ndarray]
    measured: np.ndarray | None = None


class Dataset(ABC):
    """A dataset's vocabulary and its files. Folders hold one release in the publisher's layout."""

    name: str
    tasks: Mapping[str, Task]
    layer_table: Mapping[str, Layer]
    references: Mapping[str, Reference]
    feature_sets: Mapping[str, FeatureSet]
    group_keys: tuple[str, ...]
    """Columns of the catalog (text, blank where unknown) by which patches may be kept together."""
    marking_keys: Mapping[str, Columns | Implied | NotPublished]
    """For each of `MARKING_KEYS` where it is to be seen; place and acquisition in `group_keys`, if at all."""
    joined_by: tuple[str, ...] = ()
    """Columns of the catalog that join patches to groups, beside the marking keys."""
    side: int = 256
    """Rows, and columns, of a patch as stored; what a job is expected to take follows from it."""
    strata_keys: tuple[str, ...] = ()
    """Columns of the catalog (text) by which scores are reported too, beside those over all patches."""
    ground_columns: tuple[str, ...] = ()
    """Columns of the catalog that `independent_labels` looks at."""
    class_schemes: Mapping[str, tuple[Category, ...]] = {}
    """Class schemes besides those of the tasks, of which the catalog has shares: ``<scheme>_<code>``."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the classes of the catalog's `label`, by its value; none without a task for patches.

        Where a task for pixels has a class of the same name, the task of the label stands behind it:
        ``Water (scene)`` beside ``Water``.
        """
        labelled = next((task for task in self.tasks.values() if task.unit == "patch"), None)
        if labelled is None:
            return ()
        others = {name for task in self.tasks.values() if task.unit == "pixel" for name in task.names}
        return tuple(f"{name} ({labelled.name})" if name in others else name for name in labelled.names)

    @abstractmethod
    def list_files(self, folder: Path) -> list[str]:
        """Relative paths of the files in `folder` that belong to this dataset's layout, sorted.

        Raises
        ------
        InputError
            If there is none.
        """

    @abstractmethod
    def layers(self, paths: Iterable[str]) -> frozenset[str]:
        """Layers that a release with these files has (by their names alone; opens nothing)."""

    def unknown_columns(self, folder: Path | None, paths: Iterable[str]) -> dict[str, str]:
        """Columns of the catalog that all patches will lack, each with the reason.

        It is asked when a run is planned: `paths` are names alone where `folder` is None, and of files that
        are there nothing but a header may be read.
        """
        return {}

    def ledger_keys(self) -> dict[str, str]:
        """The dataset's keys in the ledger, and what a link by each of them does unless the gate says else.

        ``mark`` for columns of marking keys, ``count`` for the other `group_keys`; ``implied`` or
        ``not published`` for marking keys that are.
        """
        keys: dict[str, str] = {}
        for key, source in self.marking_keys.items():
            match source:
                case Columns(names):
                    keys |= dict.fromkeys((key,) if key == "footprint" else names, "mark")
                case Implied():
                    keys[key] = "implied"
                case NotPublished():
                    keys[key] = "not published"
        return keys | {key: "count" for key in self.group_keys if key not in keys}

    @abstractmethod
    def structure(self, folder: Path, files: Sequence[File]) -> list[Finding]:
        """Findings about names, sizes, shapes and dtypes, and about files that must agree."""

    @abstractmethod
    def inspector(self, folder: Path, file: File) -> Inspector | None:
        """Something that checks the content of a file, or None if there is nothing to check."""

    def conclude(self, inspections: Mapping[str, Inspection]) -> Inspection:
        """What the inspections of all files say together (by path); called once, after the last of them."""
        return Inspection(())

    @abstractmethod
    def catalog(self, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
        """One row per patch in file order (columns: see `sentinel_forest.verify.catalog`, which adds `group`)."""

    @abstractmethod
    def blocks(self, folder: Path, catalog: pd.DataFrame, layers: Sequence[str], patches: int) -> Iterator[Block]:
        """Read layers of consecutive catalog rows, at most `patches` at a time, in file order."""

    @abstractmethod
    def labels(self, task: str, block: Block) -> np.ndarray:
        """True classes of a pixel task.

        Returns uint8 (patches, rows, columns): index into the task's categories, or `IGNORE`.
        """

    def measured(self, folder: Path, patches: pd.DataFrame) -> np.ndarray:
        """Which pixels carry a measurement: those that are not 0 in all optical bands.

        Asked only of patches that have pixels without one, by the column `unmeasured` of the catalog.

        Returns
        -------
        ndarray
            bool (patches, rows, columns).
        """
        raise NotImplementedError

    def label_layers(self, task: str) -> tuple[str, ...]:
        """Layers that `labels` needs for a pixel task."""
        return ()

    def independent_labels(self, task: str, patches: pd.DataFrame, pixels: np.ndarray | None = None) -> int | None:
        """How many labels pixels have between them, where labels are of areas larger than a pixel.

        Parameters
        ----------
        task : str
            A task of the dataset.
        patches : DataFrame
            `ground_columns` of the catalog: a row for each pixel; without `pixels`, patches that count whole.
        pixels : ndarray, optional
            int (pixels,): flat index (row * columns + column) in the valid window.

        Returns
        -------
        int or None
            None where every pixel, or patch, has a label of its own.
        """
        return None

    def reference(self, reference: str, block: Block) -> np.ndarray:
        """What a reference algorithm predicts.

        Returns uint8 (patches, rows, columns): index into its `predicted`, or `IGNORE`.
        """
        raise NotImplementedError

    def export(self, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
        """Files that hold chosen patches in the publisher's own layout; nothing is written yet.

        Parameters
        ----------
        folder : Path
            The folder of the release.
        roles : mapping
            ``train``, ``validation`` or ``test`` to rows of the catalog, which keep their order; a role
            without rows has no files.
        layers : sequence of str
            What to write, in the publisher's words (none: all that is there).

        Raises
        ------
        InputError
            If a layer is unknown or missing, files cannot be joined, or the dataset has no such form.
        """
        raise InputError(
            "Patches of this dataset cannot be written in its publisher's layout.",
            found=self.name,
            remedy="export lists of them instead: export: {form: index}",
        )

    def physical(self, layer: str, stored: np.ndarray) -> np.ndarray:
        """Stored values in physical units, float32; missing values are NaN."""
        about = self.layer_table[layer]
        values = stored.astype(np.float32) * np.float32(about.factor)
        if about.missing is not None:
            values[stored == about.missing] = np.nan
        return values


def with_measured(dataset: Dataset, folder: Path, block: Block) -> Block:
    """A block that knows which pixels carry a measurement; optical bands are read only where needed."""
    if "unmeasured" not in block.patches:
        return block
    some = (block.patches["unmeasured"] > 0).to_numpy()
    if not some.any():
        return block
    parts = dataset.measured(folder, block.patches[some])
    measured = np.ones((len(some), *parts.shape[1:]), dtype=bool)
    measured[some] = parts
    return replace(block, measured=measured)


def true_classes(dataset: Dataset, task: str, block: Block) -> np.ndarray:
    """`Dataset.labels`, with `IGNORE` also for pixels that carry no measurement: they take no part."""
    labels = dataset.labels(task, block)
    if block.measured is None:
        return labels
    return np.where(block.measured, labels, np.uint8(IGNORE))


def unmeasured_text(pixels: Sequence[int] | np.ndarray, size: int, names: Sequence[str]) -> str:
    """Pixels without a measurement in words, and the patches that are nothing else; "" if there are none.

    Parameters
    ----------
    pixels : sequence of int
        Pixels without a measurement, by patch.
    size : int
        Pixels of a patch.
    names : sequence of str
        Names of the patches.
    """
    counts = np.asarray(pixels, dtype=np.int64)
    affected: list[int] = np.flatnonzero(counts).tolist()
    if not affected:
        return ""
    empty = [names[place] for place in affected if counts[place] == size]
    text = f"{counts.sum()} pixels in {len(affected)} of {len(counts)} patches"
    if empty:
        more = ", ..." if len(empty) > MOST_NAMES else ""
        return f"{text}; empty patches ({len(empty)}): {', '.join(empty[:MOST_NAMES])}{more}"
    most = int(counts.argmax())
    return f"{text}; no patch is empty, the most are in {names[most]}: {counts[most]} of {size}"


def unmeasured_finding(file: str, check: str, text: str, patches: int) -> Finding:
    """The finding for what `unmeasured_text` says about some patches."""
    expected = "not 0 in all optical bands"
    if not text:
        return Finding(file, "content", check, "ok", f"all pixels of {patches} patches", expected)
    return Finding(
        file,
        "content",
        check,
        "note",
        text,
        expected,
        "nothing: pixels without a measurement, and empty patches, are neither learnt from nor scored",
    )
