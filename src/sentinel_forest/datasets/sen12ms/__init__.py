"""SEN12MS and DFC2020: triplets of Sentinel-1, Sentinel-2 and MODIS land cover, 256 x 256 pixels all over the world.

- *Tasks*: land cover in ten simplified IGBP classes, of each pixel or of the patch as a whole. The labels of SEN12MS
  are those of MODIS, cells of about 500 m upsampled to 10 m, and right for a good half of the pixels only; DFC2020
  has land cover at 10 m for a few scenes.
- *Layers*: Sentinel-1 (VV, VH in dB), Sentinel-2 (13 bands, reflectance x 10,000), MODIS land cover (IGBP and three
  LCCS schemes), as small GeoTIFFs. A patch is a triplet of the sensors ``s1``, ``s2`` and ``lc``, named
  ``<season>/<sensor>_<scene>/<season>_<sensor>_<scene>_p<number>.tif``; DFC2020 adds ``dfc``.
- *Splits*: all scenes (180,662 patches in 252 scenes of four seasons) but the 26 that are held out for the test.
  Patches of a scene overlap by half their side. Scene numbers are not places: the same number in two seasons is two
  places, so that a scene is always named with its season.
- *Licence*: CC BY 4.0; the toolbox with its split lists may be used for research only.
- *Known faults*: one patch with NaN in ``s1`` (`layout.BROKEN`), split lists of before February 2020 with a wrong
  season, and tiles of DFC2020 that do not say where they lie.

Sources: doi:10.5194/isprs-annals-IV-2-W7-153-2019 (SEN12MS), doi:10.21227/rha7-m332 (DFC2020),
doi:10.5194/isprs-annals-V-2-2021-101-2021 (scene labels).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sentinel_forest.datasets.base import (
    GROUND,
    Arrays,
    Block,
    Category,
    Columns,
    Dataset,
    File,
    Finding,
    Implied,
    Inspection,
    Inspector,
    NewFile,
    NotPublished,
    Reference,
    Stored,
)
from sentinel_forest.datasets.sen12ms import layout
from sentinel_forest.datasets.sen12ms.lists import (
    list_findings,
    listed_name,
    named_keys,
    read_split_list,
    write_split_list,
)
from sentinel_forest.datasets.sen12ms.vocabulary import FEATURE_SETS, IGBP, LAYERS, TASKS, multi_label, single_label
from sentinel_forest.io.lazy import parts_of

if TYPE_CHECKING:
    import pandas as pd

    from sentinel_forest.datasets.sen12ms import catalog, checks, content, export, lines, reader
    from sentinel_forest.datasets.sen12ms.export import write_patch
else:
    catalog, checks, content, export, lines, reader = parts_of(
        __name__, "catalog", "checks", "content", "export", "lines", "reader"
    )

__all__ = ["DATASET", "Sen12MS", "multi_label", "read_split_list", "single_label", "write_patch", "write_split_list"]


class Sen12MS(Dataset):
    """SEN12MS and DFC2020.

    Parameters
    ----------
    side : int
        Rows and columns of a patch.
    labels : {"modis", "dfc"}
        Where labels come from: the MODIS land cover (``lc``), or the 10 m land cover of DFC2020
        (``dfc``); then MODIS is a reference that is held against it.
    pixels : bool
        Whether the catalog opens tiles. Without, it is made of names alone, within seconds: groups
        and published splits are known, places, labels and fractions are not.
    """

    name = "sen12ms"
    tasks = TASKS
    layer_table = LAYERS
    feature_sets = FEATURE_SETS
    group_keys = ("scene", "season", "continent")
    marking_keys: Mapping[str, Columns | Implied | NotPublished] = {
        "place": Columns(("scene",)),
        "acquisition": NotPublished(),
        "footprint": GROUND,
    }
    strata_keys = ("season", "continent")
    role_words = layout.ROLE_WORDS
    torchgeo = "SEN12MS"
    ground_columns = layout.GROUND_COLUMNS
    class_schemes: Mapping[str, tuple[Category, ...]] = {"igbp": IGBP}

    def __init__(self, side: int = 256, labels: Literal["modis", "dfc"] = "modis", pixels: bool = True) -> None:
        self.layout = layout.read_layout(side, labels, pixels)
        self.side = side
        modis = Reference("MODIS", "land-cover", "lc:igbp", TASKS["land-cover"].names, {})
        self.references = {"MODIS": modis} if labels == "dfc" else {}
        self.label_area = "500 m" if labels == "modis" else ""

    def list_files(self, folder: Path) -> list[str]:
        """Tiles, archives and split lists in a folder; one look at each folder, none at the files."""
        return layout.list_files(folder)

    def layers(self, paths: Iterable[str]) -> frozenset[str]:
        """Layers of the sensors that have a tile, or an archive of tiles."""
        return layout.layers_of(paths)

    def listed_name(self, name: str) -> tuple[str, str] | None:
        """Files and folders of scenes, as the toolbox lists them."""
        return listed_name(name)

    def named_keys(self, patch: str) -> dict[str, str]:
        """Scene and season."""
        return named_keys(patch)

    def published_roles(self, paths: Iterable[str]) -> frozenset[str] | None:
        """Those of DFC2020, which has none for training; of SEN12MS names do not tell."""
        return layout.published_roles(paths)

    def published_places(self, catalog: pd.DataFrame, role: str | None) -> pd.Series | None:
        """The lines of the publisher's list of the role that was read: files hold one patch each, and no rows."""
        return lines.published_places(catalog, role)

    def structure(self, folder: Path, files: Sequence[File]) -> list[Finding]:
        """Names, completeness of the triplets, archives, numbers of patches, split lists, and what is not read."""
        paths = [file.path for file in files]
        return [*checks.structure(folder, files), *list_findings(folder, paths), *layout.unused(folder)]

    def inspector(self, folder: Path, file: File) -> Inspector | None:
        """An inspector for a tile; what the tiles show together is said by `conclude`."""
        return content.inspector(self.layout, folder, file)

    def conclude(self, inspections: Mapping[str, Inspection]) -> Inspection:
        """What inspected files show together; see `checks.conclude`."""
        return checks.conclude(self.layout, inspections)

    def catalog(self, folder: Path, files: Sequence[str], hashes: pd.DataFrame) -> pd.DataFrame:
        """One row per complete patch; see `catalog.catalog` for order and columns."""
        return catalog.catalog(self.layout, folder, files, hashes)

    def array_of(self, layer: str) -> str:
        """``s1``, ``s2``, ``lc`` or ``dfc``: a tile holds all bands of a sensor."""
        return layer.split(":")[0]

    def file_of(self, file: str, array: str) -> str:
        """The tile of a sensor."""
        return layout.tile_path(file, array)

    def layer_from(self, layer: str, stored: Stored) -> np.ndarray:
        """One band of tiles."""
        return reader.layer_from(layer, stored)

    def read(
        self, folder: Path, patches: pd.DataFrame, arrays: Sequence[str], at_once: int
    ) -> Iterator[tuple[pd.DataFrame, Arrays]]:
        """Read tiles; of each patch only those of the sensors that are needed."""
        return reader.read(self.layout, folder, patches, arrays, at_once)

    def label_layers(self, task: str) -> tuple[str, ...]:
        """The layer of the labels."""
        return layout.label_layers(self.layout, task)

    def labels(self, task: str, block: Block) -> np.ndarray:
        """Simplified classes of pixels; fill, unknown codes and savanna where it is left out are `IGNORE`."""
        return reader.labels(self.layout, task, block)

    def reference(self, reference: str, block: Block) -> np.ndarray:
        """Simplified classes of the MODIS land cover."""
        return reader.simplified(block.layers[self.references[reference].layer])

    def draw_units(self, task: str, block: Block) -> np.ndarray:
        """Blocks of 500 m, about the cells of MODIS labels; see `reader.draw_units`."""
        return reader.draw_units(self.layout, block)

    def independent_labels(self, task: str, patches: pd.DataFrame, pixels: np.ndarray | None = None) -> int | None:
        """How many blocks of 500 m pixels lie in, where labels are MODIS cells."""
        return reader.independent_labels(self.layout, task, patches, pixels)

    def export(self, folder: Path, roles: Mapping[str, pd.DataFrame], layers: Sequence[str]) -> list[NewFile]:
        """``train_list.txt``, ``val_list.txt`` and ``test_list.txt`` as the SEN12MS toolbox reads them."""
        return export.export(roles, layers)

    def export_torchgeo(self, folder: Path, roles: Mapping[str, pd.DataFrame]) -> list[NewFile]:
        """The lists, and links to the folders of the seasons, so that the tiles are found without a copy."""
        return export.export_torchgeo(folder, roles)


DATASET = Sen12MS


def __getattr__(name: str) -> object:
    if name == "write_patch":
        return export.write_patch
    raise AttributeError(name)
