"""What a dataset gives to the workflow: its vocabulary, and functions that know its files.

A dataset is a package that defines a class `DATASET` (a subclass of `Dataset`). All other modules work with
the terms of this file and never with a file format. Whatever a dataset needs for itself can be imported from
here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.config.files import File
from sentinel_forest.datasets.findings import (
    Accept,
    Finding,
    Inspection,
    Inspector,
    hash_table,
    no_hashes,
    unmeasured_finding,
    valid_fraction,
)
from sentinel_forest.datasets.hashing import Arrays, Stored, array_hash, hash_columns, hold_arrays
from sentinel_forest.datasets.metric import Metric, PatchMetric
from sentinel_forest.datasets.pictures import SENTINEL, Channel, Composite, Pictures
from sentinel_forest.datasets.reading import Block, Reader, Reading, any_measured, is_measured
from sentinel_forest.datasets.regrouped import Regrouped
from sentinel_forest.datasets.terms import (
    GROUND,
    IGNORE,
    MARKING_KEYS,
    NO_ANSWER,
    OPTICAL,
    RADAR,
    SPLITS,
    TRAIN_ONLY,
    VALID_FRACTION,
    Category,
    Columns,
    External,
    FeatureSet,
    Implied,
    Layer,
    NotPublished,
    Question,
    Reference,
    Task,
)
from sentinel_forest.datasets.truth import kinds_of, true_classes, with_measured
from sentinel_forest.errors import InputError
from sentinel_forest.io.copying import NewFile
from sentinel_forest.sensors import Band

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "GROUND",
    "IGNORE",
    "MARKING_KEYS",
    "NO_ANSWER",
    "OPTICAL",
    "PUBLISHED_NAME",
    "RADAR",
    "SPLITS",
    "TRAIN_ONLY",
    "VALID_FRACTION",
    "Accept",
    "Arrays",
    "Band",
    "Block",
    "Category",
    "Channel",
    "Columns",
    "Composite",
    "Dataset",
    "External",
    "FeatureSet",
    "File",
    "Finding",
    "Implied",
    "Inspection",
    "Inspector",
    "Layer",
    "Metric",
    "NewFile",
    "NotPublished",
    "PatchMetric",
    "Pictures",
    "Question",
    "Reader",
    "Reference",
    "Stored",
    "Task",
    "any_measured",
    "array_hash",
    "hash_columns",
    "hash_table",
    "hold_arrays",
    "is_measured",
    "kinds_of",
    "no_hashes",
    "true_classes",
    "unmeasured_finding",
    "valid_fraction",
    "with_measured",
]


PUBLISHED_NAME = "published name"
"""What groups rest on where a file of the release names places."""


class Dataset(Reading, Regrouped):
    """A dataset's vocabulary and its files. Folders hold one release in the publisher's layout."""

    name: str
    tasks: Mapping[str, Task]
    references: Mapping[str, Reference]
    feature_sets: Mapping[str, FeatureSet]
    group_keys: tuple[str, ...]
    """Columns of the catalog (text, blank where unknown) by which patches may be kept together."""
    marking_keys: Mapping[str, Columns | Implied | NotPublished]
    """For each of `MARKING_KEYS` where it is to be seen; place and acquisition in `group_keys`, if at all."""
    joined_by: tuple[str, ...] = ()
    """Columns of the catalog that join patches to groups, beside the marking keys."""
    place_source: str = PUBLISHED_NAME
    """Where names of places come from, for the column `group_source` of the catalog."""
    places_from: str = ""
    """Another release that has the same rows, whose files of places may lie beside those of this one."""
    places_apart_km: float | None = None
    """Where places have coordinates and no names: patches nearer than this, directly or through others, are of one
    place. None: a place without a name is unknown."""
    side: int = 256
    """Rows, and columns, of a patch as stored; what a job is expected to take follows from it."""
    strata_keys: tuple[str, ...] = ()
    """Columns of the catalog (text) by which scores are reported too, beside those over all patches."""
    stratum_names: Mapping[str, Mapping[str, str]] = {}
    """For columns of `strata_keys` that hold codes: what each code stands for."""
    ground_columns: tuple[str, ...] = ()
    """Columns of the catalog that `independent_labels` looks at."""
    class_schemes: Mapping[str, tuple[Category, ...]] = {}
    """Class schemes besides those of the tasks, of which the catalog has fractions: ``<scheme>_<code>``."""
    read_seconds: float = 5.0
    """Processor time of reading a gigabyte with all checks, in seconds, for plans: 5 where pixels are compressed."""
    independent_patches: bool = False
    """Whether patches tell as much as independent draws would, so that McNemar's test holds."""
    label_area: str = ""
    """How large areas are that share one label, in words; blank where each pixel has a label of its own."""
    role_words: Mapping[str, str] = {role: role for role in SPLITS}
    """What the publisher calls roles: the folders, or the beginnings of the names of files, of an export."""
    torchgeo: str = ""
    """The class of torchgeo that reads what `export_torchgeo` writes; blank where it has none."""
    pictures: Pictures = SENTINEL
    """How patches are shown in the report."""

    name_columns: tuple[tuple[str, ...], ...] = ()
    """Columns of the publisher's tables (lower case) that name a patch together: with slashes between them they are
    its id, or what `listed_name` knows."""

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

    def listed_name(self, name: str) -> tuple[str, str] | None:
        """Column of the catalog and its value that a name in somebody's list of patches stands for; None if unknown."""
        return None

    def named_keys(self, patch: str) -> dict[str, str]:
        """What the id of a patch alone tells of its `group_keys`."""
        return {}

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

    def place_files(self, paths: Iterable[str]) -> dict[str, str]:
        """For image files the file beside each that says where its patches lie, where the dataset has such files."""
        return {}

    def published_roles(self, paths: Iterable[str]) -> frozenset[str] | None:
        """Roles of the published split that files belong to, by their names; None where names do not tell."""
        return None

    def published_places(self, catalog: pd.DataFrame, role: str | None) -> pd.Series | None:
        """Place of each patch in the publisher's file of a role (None: in all files, one after another), from 0.

        Returns
        -------
        Series or None
            Int64, missing for patches that the file does not hold; None where no such order is known.
        """
        held = catalog["published_split"].eq(role) if role is not None else catalog["patch"].notna()
        return (held.cumsum() - 1).where(held).astype("Int64")

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
    def labels(self, task: str, block: Block) -> np.ndarray:
        """True classes of a pixel task.

        Returns uint8 (patches, rows, columns): index into the task's categories, or `IGNORE`.
        """

    def label_layers(self, task: str) -> tuple[str, ...]:
        """Layers that `labels` needs for a pixel task."""
        return ()

    def draw_units(self, task: str, block: Block) -> np.ndarray | None:
        """Areas that share one label: the pixels of such an area are no independent samples.

        Returns
        -------
        ndarray or None
            int (patches, rows, columns), the number of the area; None where each pixel has a label of its own.
        """
        return None

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

    def export_torchgeo(self, folder: Path, roles: Mapping[str, pd.DataFrame]) -> list[NewFile]:
        """Files that the class `torchgeo` reads; nothing is written yet.

        Raises
        ------
        InputError
            If there is no such class, or the release lacks what it reads.
        """
        raise InputError(
            "torchgeo has no class for the files of this dataset.", found=self.name, remedy="export: {form: publisher}"
        )
