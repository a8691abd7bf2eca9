"""Small sealed versions with a forest, and Sentinel-2 scenes to map with it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

from finished import version_of
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets import load
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.datasets.so2sat import create
from sentinel_forest.features.table import feature_table
from sentinel_forest.io.tables import write_text
from sentinel_forest.models.candidate import TablesOf
from sentinel_forest.models.fit import fit
from sentinel_forest.sensors import SENTINEL_2
from sentinel_forest.versions.manifest import manifest

SIDE = 67
"""Stored side of the images of `clouds`; 64 of it are pixels."""

NOISE = ("scattered-light",)
"""Checks of a scene that noise fails."""

LEFT, TOP, EPSG = 600_000, 5_800_020, 32632


def noise(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Digital numbers, uint16, that vary from pixel to pixel."""
    random = np.random.default_rng(seed)
    coarse = random.integers(200, 5000, (*shape[:-2], -(-shape[-2] // 8), -(-shape[-1] // 8)))
    wide = coarse.repeat(8, axis=-2).repeat(8, axis=-1)[..., : shape[-2], : shape[-1]]
    return (wide + random.integers(0, 900, shape)).astype(np.uint16)


def clouds(root: Path, feature_set: str) -> Path:
    """A version of a release in the layout of CloudSEN12, with a forest; bright pixels are cloud."""
    dataset, data = CloudSEN12(side=SIDE), root / "data" / "mine"
    bands = list(SENTINEL_2)
    for number, (split, count) in enumerate({"train": 4, "val": 1, "test": 1}.items()):
        stored = dataset.create(data, split, count, [*(f"L1C_{band}" for band in bands), "LABEL_manual_hq"])
        values = noise(number, (13, count, 64, 64))
        for place, band in enumerate(bands):
            stored[f"L1C_{band}"][:, 1:65, 1:65] = values[place]
        stored["LABEL_manual_hq"][:, 1:65, 1:65] = (values[1] > 2500).astype(int) + (values[1] > 4200)
        for array in stored.values():
            array.flush()
    return _sealed(root, "cloudsen12", {"side": SIDE}, feature_set)


def zones(root: Path, feature_set: str = "lcz-bands") -> Path:
    """A version of a release in the layout of So2Sat LCZ42, with a forest; bright patches are of another class."""
    for number, (split, count) in enumerate({"training": 24, "validation": 4, "testing": 4}.items()):
        with create(root / "data" / "mine", split, count) as file:
            file["sen2"][:] = noise(number, (10, count, 32, 32)).transpose(1, 2, 3, 0) / 10_000
            file["sen1"][:] = np.random.default_rng(number).normal(size=(count, 32, 32, 8))
            brightness = file["sen2"][:].mean(axis=(1, 2, 3))
            file["label"][:] = np.eye(17)[np.argsort(np.argsort(brightness)) * 3 // count]
    return _sealed(root, "so2sat", {}, feature_set)


def _sealed(root: Path, dataset: str, layout: Mapping[str, object], feature_set: str) -> Path:
    folder = version_of(root, dataset, layout, scheme="published", version="v1")
    catalog, split = root / "work" / "mine" / "catalog.parquet", folder / "mine" / "splits" / "published" / "1.parquet"
    table = root / "work" / "table.parquet"
    about = {"dataset": dataset, "layout": layout, "catalog": catalog}
    shard = ShardOf(**about, folder=root / "data" / "mine", shard=1, shards=1)
    feature_table(of=shard, feature_set=feature_set, draw={"pixels": 4000}, seed=1, output=table)
    place = folder / "mine" / "baselines" / "published" / "1" / feature_set
    settings = ForestSettings(trees=9, engine="scikit-learn")
    of = TablesOf(**about, scheme="published", trial=1, split=split, feature_set=feature_set, features=[table])
    fit(release="mine", of=of, forest=settings, seed=1, model=place / "forest.skops", fit=place / "fit.json")
    return seal(folder)


def seal(folder: Path) -> Path:
    """Write the manifest of all files of a version."""
    files = sorted(each for each in folder.rglob("*") if each.is_file() and each.name != "manifest.sha256")
    write_text(folder / "manifest.sha256", manifest(folder, files))
    return folder


def write_band(path: Path, values: np.ndarray, pixel: float = 10.0, **profile: object) -> Path:
    """Write a band as a GeoTIFF, or whatever `driver` says, on the grid of the scenes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = Affine(pixel, 0, LEFT, 0, -pixel, TOP)
    about = {"driver": "GTiff", "dtype": values.dtype, "crs": f"EPSG:{EPSG}", "transform": transform, **profile}
    rows, columns = values.shape
    with rasterio.open(path, "w", height=rows, width=columns, count=1, **about) as file:
        file.write(values, 1)
    return path


def write_bands(folder: Path, bands: Iterable[str], values: np.ndarray, **profile: object) -> Path:
    """Write bands of 10 m as files B1.tif ...; `values` are (bands, rows, columns)."""
    for band, image in zip(bands, values, strict=True):
        write_band(folder / f"{band}.tif", image, **profile)
    return folder


METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-1C_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd">
  <n1:General_Info><Product_Info><PRODUCT_URI>{name}.SAFE</PRODUCT_URI>
    <PROCESSING_LEVEL>Level-{level}</PROCESSING_LEVEL><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE></Product_Info>
    <Product_Image_Characteristics>{offsets}
      <QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE></Product_Image_Characteristics>
  </n1:General_Info>
</n1:Level-1C_User_Product>
"""
NAME = "S2A_MSIL1C_20220105T102411_N0301_R065_T32UQD_20220105T122218"


def write_safe(
    root: Path,
    values: Mapping[str, np.ndarray],
    offset: int | str | None = None,
    baseline: str = "03.01",
    level: str = "1C",
) -> Path:
    """Write a SAFE folder with bands in their own resolutions (JPEG 2000 without loss); `offset` of all, or as XML."""
    folder = root / f"{NAME}.SAFE"
    name = {"1C": "RADIO_ADD_OFFSET", "2A": "BOA_ADD_OFFSET"}[level]
    offsets = offset if isinstance(offset, str) else offset_list(name, dict.fromkeys(range(13), offset))
    text = METADATA.format(name=NAME, level=level, baseline=baseline, offsets="" if offset is None else offsets)
    write_text(folder / f"MTD_MSIL{level}.xml", text)
    images = folder / "GRANULE" / f"L{level}_T32UQD_A034107_20220105T102406" / "IMG_DATA"
    for band, image in values.items():
        pixel = SENTINEL_2[band].resolution or 10.0
        own, size = (f"R{pixel:.0f}m", f"_{pixel:.0f}m") if level == "2A" else ("", "")
        place = images / own / f"T32UQD_20220105T102411_B{band[1:].zfill(2)}{size}.jp2"
        write_band(place, image, pixel, driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES")
    return folder


def offset_list(name: str, offsets: Mapping[object, object]) -> str:
    """Offsets by number of the band, as metadata hold them."""
    lines = [f'<{name} band_id="{number}">{offset}</{name}>' for number, offset in offsets.items()]
    return f"<{name}_LIST>{''.join(lines)}</{name}_LIST>"


def stored_patch(root: Path, dataset: str, layout: Mapping[str, object], row: int, layers: Iterable[str]) -> np.ndarray:
    """Layers of one patch of a release, as they are stored: (layers, rows, columns)."""
    from sentinel_forest.io.tables import read_catalog

    opened, names = load(dataset, layout), list(layers)
    catalog = read_catalog(root / "work" / "mine" / "catalog.parquet").iloc[row : row + 1]
    block = next(iter(opened.blocks(root / "data" / "mine", catalog, names, 1)))
    return np.stack([block.layers[name][0] for name in names])
