"""CloudSEN12, high quality: clouds and their shadows in Sentinel-2 images of 512 x 512 pixels.

- *Task*: each pixel is clear, thick cloud, thin cloud or cloud shadow, drawn by hand. Results of eight algorithms
  (Fmask, Sen2Cor, s2cloudless, ...) ship with the release and are scored beside forests.
- *Layers*: Sentinel-2 level 1C (13 bands) and 2A (12 bands), Sentinel-1 (VV, VH, angle), elevation and land-cover
  maps, labels: 49 raw arrays for each split, in C order, little-endian, without a header (``L1C_B2.dat``: N x 512 x
  512), and ``metadata.csv`` with a row for each patch.
- *Splits*: ``train`` (8,490 patches), ``val`` (535) and ``test`` (975). Regions of interest (ROIs) have five patches
  each, one for each class of cloudiness, and are never divided; Sentinel-2 products and tiles are, in a few cases.
- *Licence*: CC BY-NC 4.0 by the page of the data, CC BY-NC-SA 4.0 by the project's pages; no commercial use.
- *Known faults*: ``LABEL_qa60`` is 0 everywhere, so that its published scores cannot be computed again. An image
  has 509 x 509 pixels and is padded by one row and column before it and two behind it. The padding is cut off by its
  place, because 0 would be taken for clear sky. Other copies are padded elsewhere (CloudSEN12+: left and below); the
  key `padding` of the layout says so.
- *Label quality*: where ``metadata.csv`` has the columns ``TI`` and ``HI``, or the authors' table
  ``cloudsen12_indices.csv`` lies beside the splits, patches have trust and hardness. 698 of the 10,000 images have a
  trust below and a hardness above one half, 1,096 both below.

Source: Aybar et al. 2022, Scientific Data 9, 782, doi 10.1038/s41597-022-01878-2, and the authors' code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
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
)
from sentinel_forest.datasets.cloudsen12 import layout, metadata
from sentinel_forest.datasets.cloudsen12.vocabulary import FEATURE_SETS, LABEL, LAYERS, REFERENCES, TASK
from sentinel_forest.io.lazy import parts_of

if TYPE_CHECKING:
    import pandas as pd

    from sentinel_forest.datasets.cloudsen12 import catalog, checks, content, export, reader
else:
    catalog, checks, content, export, reader = parts_of(__name__, "catalog", "checks", "content", "export", "reader")


class CloudSEN12(Dataset):
    """CloudSEN12 in its layout of raw arrays.

    Parameters
    ----------
    side : int
        Rows and columns of a stored patch, padding included.
    padding : mapping, optional
        Rows and columns around the image that do not belong to it: ``top``, ``bottom``, ``left``, ``right``,
        0 where not given. Without, it is as published: the image lies in ``[1:side - 2, 1:side - 2]``.
    """

    name = "cloudsen12"
    tasks = {TASK.name: TASK}  # noqa: RUF012
    layer_table = LAYERS
    references = REFERENCES
    feature_sets = FEATURE_SETS
    group_keys = ("roi", "product", "tile")
    marking_keys: Mapping[str, Columns | Implied | NotPublished] = {
        "place": Columns(("roi",)),
        "acquisition": Columns(("product",)),
        "footprint": GROUND,
    }
    # ROIs of one tile were taken at the same dates and may lie side by side.
    joined_by = ("tile",)
    read_seconds = 1.1
    strata_keys = ("cloud_coverage", "land_cover", "label_trust", "label_quality")
    stratum_names: Mapping[str, Mapping[str, str]] = {"land_cover": metadata.LAND_COVER}
    name_columns = metadata.NAME_COLUMNS
    role_words = layout.ROLE_WORDS

    def __init__(self, *, side: int = 512, padding: Mapping[str, int] | None = None) -> None:
        self.layout = layout.read_layout(side, padding)
        self.side, self.image = side, self.layout.image

    def valid_window(self, stored: np.ndarray) -> np.ndarray:
        """Without the padding."""
        return stored[:, *self.layout.window]

    def listed_name(self, name: str) -> tuple[str, str] | None:
        """An image by its ROI and product, or an ROI."""
        return metadata.listed_name(name)

    def named_keys(self, patch: str) -> dict[str, str]:
        """ROI, product and tile."""
        return metadata.named_keys(patch)

    def list_files(self, folder: Path) -> list[str]:
        """Paths of layers and of ``metadata.csv`` in the folders of the splits."""
        return layout.list_files(folder)

    def layers(self, paths: Iterable[str]) -> frozenset[str]:
        """Layers that every split with data has."""
        return layout.common_layers(paths)

    def unknown_columns(self, folder: Path | None, paths: Iterable[str]) -> dict[str, str]:
        """All that the metadata tell, where there are none; the ROI, where they do not name it."""
        return metadata.unknown_columns(folder, paths)

    def structure(self, folder: Path, files: Sequence[File]) -> list[Finding]:
        """Names and sizes of layers, the number of patches, ``metadata.csv``, and files that are not read."""
        return [*checks.structure(self.layout, folder, files), *layout.unused(folder)]

    def inspector(self, folder: Path, file: File) -> Inspector | None:
        """Checks padding and values of a layer, and hashes its images."""
        return content.inspector(self.layout, folder, file)

    def conclude(self, inspections: Mapping[str, Inspection]) -> Inspection:
        """What the layers of a split say together: where its images lie, and which pixels are measured."""
        return checks.conclude(self.layout, inspections)

    def catalog(self, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
        """One row per patch in file order; see `catalog.catalog` for its further columns."""
        return catalog.catalog(self.layout, folder, files, hashes)

    def file_of(self, file: str, array: str) -> str:
        """The published path of a layer."""
        return f"{file}/{array}.dat"

    def sensor_layers(self, folder: Path, file: str, kind: str) -> tuple[str, ...]:
        """Bands of level 1C (without any, of level 2A), or of Sentinel-1, that the split has."""
        return reader.sensor_layers(self.layout, folder, file, kind)

    def read(
        self, folder: Path, patches: pd.DataFrame, arrays: Sequence[str], at_once: int
    ) -> Iterator[tuple[pd.DataFrame, Arrays]]:
        """Read windows of layers in the order of rows; rows that follow each other are read as one slice."""
        return reader.read(self.layout, folder, patches, arrays, at_once)

    def reader(self, folder: Path, file: str, arrays: Sequence[str]) -> Reader:
        """A function from rows of a split to their valid windows; the files are mapped into memory."""
        return reader.reader(self.layout, folder, file, arrays)

    def label_layers(self, task: str) -> tuple[str, ...]:
        """The labels drawn by hand."""
        return (LABEL,)

    def labels(self, task: str, block: Block) -> np.ndarray:
        """Classes of the labels drawn by hand."""
        return reader.labels(block)

    def reference(self, reference: str, block: Block) -> np.ndarray:
        """What an algorithm says by its layer."""
        return reader.reference(reference, block)

    def export(self, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
        """Layers and ``metadata.csv`` of each role, in ``train``, ``val`` and ``test``."""
        return export.export(self.layout, folder, roles, layers)

    def create(self, folder: Path, split: str, count: int, layers: Sequence[str]) -> dict[str, np.memmap]:
        """Make files of zeros in the published layout, to be filled by the caller; see `export.create`."""
        return export.create(self.layout, folder, split, count, layers)

    def write_metadata(self, folder: Path, split: str, table: pd.DataFrame) -> None:
        """Write ``metadata.csv`` of a split: one row per patch, in the order of the layers."""
        export.write_metadata(folder, split, table)


DATASET = CloudSEN12
