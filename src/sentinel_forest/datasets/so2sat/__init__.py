"""So2Sat LCZ42: local climate zones of patches of 32 x 32 pixels in 42 cities and 10 more, all four versions.

- *Task*: each patch has one of 17 local climate zones (LCZ): 1 to 10 are built, A to G natural. Experts agreed with
  85 % of the labels.
- *Layers*: Sentinel-1 (8 channels: complex VH and VV, Lee-filtered intensities, their covariance; linear units) and
  Sentinel-2 (10 bands, reflectance). Each split is one HDF5 file with ``sen1`` (N, 32, 32, 8), ``sen2`` (N, 32, 32,
  10) and ``label`` (N, 17, one-hot), all float64, contiguous and uncompressed. Version 4 adds ``<split>_geo.h5`` with
  ``epsg`` (N, 1), ``tfw`` (N, 6) and, since its later revisions, ``city`` (N, 1). Files may be packed (``.h5.gz``) and
  may lie one folder down (version 3: ``random/``, ``block/``, ``culture_10/``).
- *Splits* (version 2): ``training`` (352,366 patches of 42 cities), ``validation`` (24,119) and ``testing`` (24,188):
  the western and the eastern half of 10 other cities. Version 3 has three splits of its own, of which ``random`` and
  ``block`` have patches of one city on both sides.
- *Licence*: CC BY 4.0.
- *Known faults*: patches overlap and resemble each other, so that random splits flatter. Only version 4 names the
  city: without it a patch has no group, and nothing can be said about links by place. Geo files of before March 2026
  have wrong EPSG codes, and both orders of ``tfw`` are in circulation. Intensities have extreme outliers.

Source: Zhu et al. 2020, IEEE Geoscience and Remote Sensing Magazine 8(3), 76-89,
doi 10.1109/MGRS.2020.2964708.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from sentinel_forest.datasets.base import (
    GROUND,
    Arrays,
    Block,
    Columns,
    Dataset,
    File,
    Finding,
    Implied,
    Inspection,
    Inspector,
    NewFile,
    NotPublished,
    Reader,
    Reference,
    Stored,
)
from sentinel_forest.datasets.so2sat import geo, layout, vocabulary
from sentinel_forest.datasets.so2sat.vocabulary import FEATURE_SETS, LAYERS, TASKS
from sentinel_forest.io.lazy import parts_of

if TYPE_CHECKING:
    import pandas as pd

    from sentinel_forest.datasets.so2sat import catalog, checks, export, inspectors, reader
    from sentinel_forest.datasets.so2sat.export import create, write_geo
else:
    catalog, checks, export, inspectors, reader = parts_of(
        __name__, "catalog", "checks", "export", "inspectors", "reader"
    )

__all__ = ["DATASET", "So2Sat", "create", "write_geo"]


class So2Sat(Dataset):
    """The vocabulary and the files of So2Sat LCZ42.

    Parameters
    ----------
    dtype : {"float64", "float32"}
        Kind of numbers of the image files: as published, or as most private copies have it.
    geo : str
        The release whose geo files may lie beside the image files, because it has the same rows in the same order.

    Notes
    -----
    A patch's group is its city where a geo file names it; where a geo file has only coordinates, a cluster of
    patches; else it has none. Facts of a registered
    file that are held against it: `class_counts` (17), `label_order_sha256` (of the zero-based classes as
    bytes, in file order), `means` and `deviations` (18, ``sen1`` before ``sen2``, null unknown),
    `tolerance`, `labels` (false: the file has none), and for geo files `city_epsg` (city to code).
    """

    name = "so2sat"
    tasks = TASKS
    layer_table = LAYERS
    references: Mapping[str, Reference] = MappingProxyType({})
    feature_sets = FEATURE_SETS
    side = layout.SIDE
    group_keys = ("city",)
    marking_keys: Mapping[str, Columns | Implied | NotPublished] = {
        "place": Columns(("city",)),
        "acquisition": NotPublished(),
        "footprint": GROUND,
    }
    read_seconds = 1.0
    strata_keys = ("city",)
    places_apart_km = geo.PLACES_APART_KM  # two cities without names that lie nearer become one, which parts nothing
    role_words = {role: stem for stem, role in layout.PUBLISHED.items()}  # noqa: RUF012
    torchgeo = "So2Sat"

    def __init__(self, *, dtype: str = layout.DTYPES[0], geo: str = "") -> None:
        self.dtype = layout.read_dtype(dtype)
        if geo:
            self.places_from = geo
            self.place_source = f"names of {geo}, which has the same rows"

    def list_files(self, folder: Path) -> list[str]:
        """Paths of image and geo files, at most one folder down; a packed file only if it is not unpacked."""
        return layout.list_files(folder)

    def layers(self, paths: Iterable[str]) -> frozenset[str]:
        """All layers, if there is an image file."""
        return frozenset(LAYERS if layout.image_paths(paths) else ())

    def place_files(self, paths: Iterable[str]) -> dict[str, str]:
        """The geo file of each image file."""
        return {image: layout.geo_path(image) for image in layout.image_paths(paths)}

    def unknown_columns(self, folder: Path | None, paths: Iterable[str]) -> dict[str, str]:
        """Cities and places, without geo files; cities, where those that are there name none."""
        return geo.unknown_columns(folder, paths)

    def structure(self, folder: Path, files: Sequence[File]) -> list[Finding]:
        """Keys, shapes, dtypes and length of image files, geo files against them, and files that are not read."""
        return [*checks.structure(folder, files, self.dtype), *layout.unused(folder)]

    def inspector(self, folder: Path, file: File) -> Inspector | None:
        """Checks every value of an image file, and hashes its rows."""
        return inspectors.inspector(folder, file)

    def conclude(self, inspections: Mapping[str, Inspection]) -> Inspection:
        """What all image files show of their values."""
        return Inspection((), values=tuple(part for seen in inspections.values() for part in seen.values))

    def catalog(self, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
        """One row per patch. `side_m` is the side of its footprint."""
        return catalog.catalog(folder, files, hashes)

    def array_of(self, layer: str) -> str:
        """``sen1``, ``sen2`` or ``label``: a row holds all channels of a patch."""
        return layer if layer == "label" else vocabulary.channel_of(layer)[0]

    def layer_from(self, layer: str, stored: Stored) -> np.ndarray:
        """A view of one channel."""
        return np.asarray(stored)[..., vocabulary.channel_of(layer)[1]]

    def read(
        self, folder: Path, patches: pd.DataFrame, arrays: Sequence[str], at_once: int
    ) -> Iterator[tuple[pd.DataFrame, Arrays]]:
        """Read whole rows of ``sen1`` and ``sen2`` once a block."""
        return reader.read(folder, patches, arrays, at_once)

    def reader(self, folder: Path, file: str, arrays: Sequence[str]) -> Reader:
        """A function from rows of an image file to rows of its datasets; the file is mapped into memory."""
        return reader.reader(folder, file, arrays)

    def labels(self, task: str, block: Block) -> np.ndarray:
        """Not for this dataset: its only task is of whole patches, and the catalog has their labels."""
        raise NotImplementedError("So2Sat LCZ42 has no pixel labels")

    def export(self, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
        """``training.h5``, ``validation.h5`` and ``testing.h5``; geo files where all sources have one."""
        return export.export(folder, roles, layers)

    def export_torchgeo(self, folder: Path, roles: Mapping[str, pd.DataFrame]) -> list[NewFile]:
        """The same files with all their datasets: torchgeo opens them as version ``2``."""
        return export.export(folder, roles, tuple(layout.SHAPES))


DATASET = So2Sat


def __getattr__(name: str) -> object:
    if name in ("create", "write_geo"):
        return getattr(export, name)
    raise AttributeError(name)
