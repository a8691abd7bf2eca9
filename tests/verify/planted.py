"""Inputs that make each check fail, or note something: planted into small samples of each dataset.

`PLANTED` has for each dataset the checks of its files; `ELSEWHERE` those that do not look into files.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.transform import Affine

from sentinel_forest import datasets, simulate
from sentinel_forest.datasets import plausibility
from sentinel_forest.datasets.base import Dataset, File, Finding, hash_table
from sentinel_forest.datasets.findings import joined
from sentinel_forest.datasets.sen12ms import checks
from sentinel_forest.features.table import feature_rows
from sentinel_forest.verify import admit, catalog, inspect

LAYOUTS = {"cloudsen12": {"side": 32}, "sen12ms": {"side": 64}, "so2sat": {}}
SAMPLES = {
    "cloudsen12": {"seed": 1, "rois": 42, "dates": 5},
    "sen12ms": {"seed": 1, "scenes": 5, "patches": 2},
    "so2sat": {"seed": 1, "training": 204, "validation": 34, "testing": 34, "cities": 2},
}


def write_samples(folder: Path) -> dict[str, Path]:
    """Write a small sample of each dataset; that of CloudSEN12 has two of the three splits."""
    folders = {name: folder / name for name in SAMPLES}
    for name, place in folders.items():
        place.mkdir()
        simulate.write(name, LAYOUTS[name], SAMPLES[name], place)
    shutil.rmtree(folders["cloudsen12"] / "test")
    return folders


FEATURES = {"cloudsen12": ["l1c+indices"], "sen12ms": ["scene-s1+s2", "pixel-s1+s2"], "so2sat": ["lcz-s1+s2"]}
"""Feature sets that read both sensors, where a dataset has them."""


@dataclass(frozen=True)
class Verified:
    """What verifying a release has shown, as the step `inspect` hands it on."""

    dataset: Dataset
    folder: Path
    findings: list[Finding]
    hashes: pd.DataFrame

    def accept(self) -> pd.DataFrame:
        """Accept all that failed, make the catalog and the features of its first rows; returns the catalog.

        Raises
        ------
        InputError
            If something cannot be accepted, or a later step does not go on.
        """
        failed = sorted({row.check for row in self.findings if row.status == "failed"})
        table = inspect.table(joined(self.findings))
        assert admit.judge(table, failed, "mine", Path("integrity.tsv")) == failed
        paths = self.dataset.list_files(self.folder)
        patches = catalog.make(self.dataset, self.folder, paths, self.hashes)
        catalog.schema(self.dataset).validate(patches)
        for name in FEATURES[self.dataset.name]:
            chosen = self.dataset.feature_sets[name]
            if set(chosen.layers.values()) <= self.dataset.layers(paths):
                rows = feature_rows(self.dataset, chosen, self.folder, patches.iloc[:4], 2, ("seed",))
                assert not np.isinf(rows[list(chosen.features)].to_numpy()).any()
        return patches


def verify(name: str, folder: Path, files: Sequence[File] | None = None, **layout: object) -> Verified:
    """Verify the files of a release."""
    dataset = datasets.load(name, LAYOUTS[name] | layout)
    files = files or [File(path) for path in dataset.list_files(folder)]
    findings = list(dataset.structure(folder, files))
    _, inspections = inspect.read_all(dataset, folder, files, 1)
    inspections.append(dataset.conclude({file.path: seen for file, seen in zip(files, inspections, strict=True)}))
    findings += plausibility.findings(dataset.layer_table, inspections[-1].values)
    findings += [finding for seen in inspections for finding in seen.findings]
    return Verified(dataset, folder, findings, inspect._hashes(inspections))


def verified(name: str, folder: Path, files: Sequence[File] | None = None, **layout: object) -> list[Finding]:
    """All findings about the files of a release."""
    return verify(name, folder, files, **layout).findings


# ---------------------------------------------------------------------------------------- CloudSEN12


def layer(name: str, change: Callable[[np.ndarray], object], split: str = "train", kind: str = "") -> Callable:
    """Change a layer: the function gets the images without padding, in place, or returns another array of all."""

    def plant(folder: Path) -> None:
        path = folder / split / f"{name}.dat"
        stored = np.fromfile(
            path, kind or {"L1C": "<i2", "L2A": "<i2", "EXT": "<i2", "S1_": "<f4", "LAB": "u1"}[name[:3]]
        )
        stored = stored.reshape(-1, 32, 32)
        changed = change(stored[:, 1:30, 1:30])
        (changed if isinstance(changed, np.ndarray) else stored).tofile(path)

    return plant


def assign(where: object, value: object) -> Callable[[np.ndarray], None]:
    """Put a value into a part of an array."""
    return lambda images: images.__setitem__(where, value)


def by(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], None]:
    """Put into an array what a function makes of it."""
    return lambda images: np.copyto(images, function(images), casting="unsafe")


def column(name: str, change: Callable[[pd.Series], object], split: str = "train") -> Callable:
    """Change a column of metadata.csv."""

    def plant(folder: Path) -> None:
        path = folder / split / "metadata.csv"
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
        table[name] = change(table[name].copy())
        table.to_csv(path, index=False)

    return plant


def cell(value: str, row: int = 0) -> Callable[[pd.Series], pd.Series]:
    """One value of a column."""
    return lambda values: values.where(values.index != row, value)


def shuffled(values: pd.Series) -> pd.Series:
    """The same values in other rows."""
    return values.sample(frac=1, random_state=1).set_axis(values.index)


def remove(path: str) -> Callable[[Path], None]:
    """Remove a file."""
    return lambda folder: (folder / path).unlink()


def cut(path: str, count: int) -> Callable[[Path], object]:
    """Cut bytes off the end of a file."""
    return lambda folder: (folder / path).write_bytes((folder / path).read_bytes()[:-count])


def copy(source: str, target: str, move: bool = False) -> Callable[[Path], object]:
    """A file under another name."""

    def plant(folder: Path) -> None:
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (shutil.move if move else shutil.copy)(folder / source, folder / target)

    return plant


def all_bands(change: Callable[[np.ndarray], object]) -> Callable[[Path], None]:
    """Change all layers of level 1C in all splits."""

    def plant(folder: Path) -> None:
        for path in sorted(folder.glob("*/L1C_*.dat")):
            layer(path.stem, change, path.parent.name)(folder)

    return plant


def exchange(first: str, second: str) -> Callable[[Path], None]:
    """Exchange two layers in all splits."""

    def plant(folder: Path) -> None:
        for split in ("train", "val"):
            one, two = (folder / split / f"{name}.dat" for name in (first, second))
            held = one.read_bytes()
            one.write_bytes(two.read_bytes())
            two.write_bytes(held)

    return plant


def emptied(folder: Path) -> None:
    for path in (folder / "val").glob("*.dat"):
        path.write_bytes(b"")
    (folder / "val/metadata.csv").write_text("roi_id\n")


def shifted(images: np.ndarray) -> np.ndarray:
    """Images one row further down than the layout says."""
    stored = np.zeros((len(images), 32, 32), images.dtype)
    stored[:, 2:31, 1:30] = images
    return stored


CLOUDS = {
    "patches": emptied,
    "readable": lambda folder: (folder / "train/L1C_B4.dat").write_bytes(b"\x93NUMPY" + bytes(1000)),
    "roi_id:form": column("roi_id", lambda values: [f" {value}" for value in values]),
    "indices": lambda folder: (folder / "cloudsen12_indices.csv").write_text("ROI,TI\n1,2\n"),
    "metadata": lambda folder: (folder / "train/metadata.csv").write_bytes(b"\xff\xfe\x00"),
    "rows": lambda folder: (folder / "train/metadata.csv").write_text("roi_id,s2_id\nROI_1,a\n"),
    "columns": lambda folder: column("roi_id", lambda values: values)(folder) or _without(folder, "roi_id"),
    "twin": copy("train/L1C_B4.dat", "train/train_B04.dat"),
    "name": copy("train/L1C_B4.dat", "train/train_B04.dat", move=True),
    "layers": remove("val/L1C_B4.dat"),
    "folder": copy("val/L1C_B4.dat", "Val/L1C_B4.dat", move=True),
    "size": cut("train/L1C_B4.dat", 1),
    "dtype": layer("LABEL_manual_hq", lambda images: np.pad(images, ((0, 0), (1, 2), (1, 2))).astype("<i2")),
    "padding": all_bands(shifted),
    "measured": all_bands(assign(np.s_[0, :9], 0)),
    "measured-radar": lambda folder: [layer(name, assign(np.s_[0], 0))(folder) for name in ("S1_VV", "S1_VH")],
    "constant": layer("L1C_B4", assign(np.s_[:], 700)),
    "known-constant": lambda folder: None,  # the sample has it, as the publisher
    "range": layer("S1_angle", by(np.deg2rad)),
    "codes": layer("LABEL_manual_hq", assign(np.s_[0, 0, 0], 4)),
    "finite": layer("S1_VV", assign(np.s_[0, 0, 0], np.nan)),
    "numbers": column("s2_view_sun_azimuth", cell("inf")),
    "ids": column("roi_id", cell("nan")),
    "product": column("s2_date", shuffled),
    "dates": column("s2_date", cell("22/01/2018")),
    "epsg": column("proj_epsg", cell("99999")),
    "places": column("proj_centroid", shuffled),
    "sun": column("s2_view_sun_elevation", shuffled),
    "roi-place": lambda folder: [
        column(name, shuffled)(folder) for name in ("proj_centroid", "proj_geometry", "proj_transform", "proj_epsg")
    ],
    "cloud-coverage": column("cloud_coverage", shuffled),
    "difficulty": column("difficulty", shuffled),
    "radar-unit": layer("S1_VV", by(lambda images: 10 ** (images / 10))),
    "radar-order": exchange("S1_VV", "S1_VH"),
    "reflectance-scale": all_bands(by(lambda images: images // 100)),
    "offset": all_bands(by(lambda images: images + 1000)),
    "band-order": exchange("L1C_B2", "L1C_B12"),
    "same-bands": copy("train/L1C_B3.dat", "train/L1C_B4.dat"),
    "repeated": all_bands(by(lambda images: images[:1])),
    "alignment": layer("LABEL_manual_hq", by(lambda images: images[:, ::-1].copy())),
    "hole": layer("S1_VV", assign(np.s_[3, :9, :9], 0)),
    "scattered-light": exchange("L1C_B2", "L1C_B4"),
    "band-images": layer("L1C_B4", by(lambda images: np.roll(images, 1, axis=0))),
    "one-value": all_bands(by(lambda images: np.minimum(images, 1500))),
    "algorithms": layer("LABEL_kappamask_L1C", by(lambda images: np.roll(images, 1, axis=0))),
    "same-layers": copy("train/L2A_B4.dat", "train/L1C_B4.dat"),
    "labels-clear": layer("LABEL_manual_hq", assign(np.s_[:25], 0)),
    "level-2a": layer("L2A_B4", by(lambda images: np.roll(images, 5, axis=0))),
    "scribbles": layer("LABEL_manual_sc", by(lambda images: np.roll(images, 5, axis=0))),
    "tile-place": lambda folder: exchanged_axes(folder),
}


def exchanged_axes(folder: Path) -> None:
    """Latitude before longitude, in a table that has places in degrees alone."""
    path = folder / "train/metadata.csv"
    table = pd.read_csv(path, dtype="str").drop(columns=["proj_transform", "proj_epsg", "s2_view_sun_elevation"])
    for name in ("proj_centroid", "proj_geometry"):
        table[name] = table[name].str.replace(r"(-?\d+\.\d+) (-?\d+\.\d+)", r"\2 \1", regex=True)
    table.to_csv(path, index=False)


def _without(folder: Path, name: str) -> None:
    path = folder / "train/metadata.csv"
    pd.read_csv(path, dtype="str").drop(columns=name).to_csv(path, index=False)


# ------------------------------------------------------------------------------------------- SEN12MS


def tiles(
    sensor: str, change: Callable[[np.ndarray], np.ndarray | None], count: int = 1, **profile: object
) -> Callable:
    """Change the pixels (bands, rows, columns), or the header, of the first tiles of a sensor; -1 for all."""

    def plant(folder: Path) -> None:
        paths = sorted(folder.glob(f"ROIs*/{sensor}_*/*.tif"))
        for path in paths if count < 0 else paths[:count]:
            with rasterio.open(path) as tile:
                pixels, kept = tile.read(), tile.profile
            changed = change(pixels)
            pixels = pixels if changed is None else changed
            kept = {key: kept[key] for key in ("driver", "crs", "transform", "interleave")}
            shape = dict(zip(("count", "height", "width"), pixels.shape, strict=True))
            path.unlink()
            with rasterio.open(path, "w", **{**kept, **shape, "dtype": pixels.dtype.name, **profile}) as tile:
                tile.write(pixels)

    return plant


def first(folder: Path, sensor: str) -> str:
    """Path of the first tile of a sensor."""
    return sorted(folder.glob(f"ROIs*/{sensor}_*/*.tif"))[0].relative_to(folder).as_posix()


def scaled_by_tags(folder: Path) -> None:
    """The first tile of each sensor declares a scale, an offset, or what netCDF calls so."""
    for sensor, tags in (("s1", {"scale_factor": 0.01}), ("s2", {}), ("lc", {"add_offset": 1})):
        with rasterio.open(folder / first(folder, sensor), "r+") as tile:
            if sensor == "s2":
                tile.scales, tile.offsets = [1e-4] * 13, [-0.1] * 13
            tile.update_tags(1, **tags)


def moved_scene(folder: Path) -> None:
    """The first patch of a scene lies 3,000 km away from the second."""
    for sensor in ("s1", "s2", "lc"):
        tiles(sensor, lambda pixels: None, transform=Affine(10, 0, 500_000, 0, -10, 1_000_000))(folder)


def names_alone(scene: str, count: int) -> list[Finding]:
    """Findings about the names of so many patches."""
    season, number = scene.split("/")
    paths = (
        f"{season}/{sensor}_{number}/{season}_{sensor}_{number}_p{patch}.tif"
        for sensor in ("s1", "s2", "lc")
        for patch in range(count)
    )
    return datasets.load("sen12ms", {}).structure(Path(), [File(path) for path in paths])


def too_many(folder: Path) -> list[Finding]:
    """More patches than are published, were these 20."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "PATCHES", 20)
        assert not {row.status for row in names_alone("ROIs1868_summer/1", 20)} & {"failed"}
        return names_alone("ROIs1868_summer/1", 21)


def archives(folder: Path) -> None:
    (folder / "ROIs1158_spring_s2.tar.gz").write_bytes(b"")


def water_from_zero(pixels: np.ndarray) -> None:
    """Water everywhere, as IGBP counted from 0 has it."""
    pixels[0], pixels[1] = 16, 3


def scaled(pixels: np.ndarray) -> np.ndarray:
    return (pixels // 100).astype(pixels.dtype)


TILES = {
    "name": lambda folder: copy(first(folder, "s2"), first(folder, "s2").replace(".tif", "_copy.tif"))(folder),
    "folder": lambda folder: copy(first(folder, "s2"), first(folder, "s2").lower().replace("_p", "_p9"))(folder),
    "archives": archives,
    "split": lambda folder: names_alone("ROIs1158_spring/901", 3),
    "triplets": lambda folder: (folder / first(folder, "s1")).unlink(),
    "sensors": lambda folder: [path.unlink() for path in folder.glob("ROIs*/s1_*/*.tif")],
    "hold-out": lambda folder: names_alone("ROIs1868_summer/104", 206),
    "patches": too_many,
    "readable": lambda folder: (folder / first(folder, "s2")).write_bytes(b"II*\0"),
    "list": lambda folder: (folder / "splits/train_list.txt").write_text(""),
    "listed": lambda folder: (folder / "splits/train_list.txt").write_text("ROIs1158_spring_s2_101_p9999.tif\n"),
    "lists": lambda folder: [
        (folder / f"splits/{name}_list.txt").write_text(first(folder, "s2")) for name in ("train", "test")
    ],
    "shape": tiles("s2", lambda pixels: pixels[:, :32, :32]),
    "dtype": tiles("s2", lambda pixels: pixels.astype("float32")),
    "scale": scaled_by_tags,
    "nodata": tiles("s1", assign(np.s_[0, 0, 0], -32.0), nodata=-32.0),
    "usable": tiles("lc", lambda pixels: pixels[:, :32, :32], -1),
    "crs": tiles("s2", lambda pixels: None, crs="EPSG:4326"),
    "pixel-size": tiles("s2", lambda pixels: None, transform=Affine(10, 0, 5e5, 0, 10, 5e6)),  # the south up
    "same-crs": tiles("s2", lambda pixels: None, crs="EPSG:32601"),
    "same-transform": tiles("s2", lambda pixels: None, transform=Affine(10, 0, 5e5, 0, -10, 5e6)),
    "place": tiles("s2", lambda pixels: None, crs=None, transform=Affine.identity()),
    "scene-extent": moved_scene,
    "nan": tiles("s1", assign(np.s_[0, 0, 0], np.nan)),
    "known-broken": lambda folder: None,  # the sample has it, as the publisher
    "range": tiles("s1", assign(np.s_[0, 0, 0], -2000)),
    "classes": tiles("lc", assign(np.s_[0, 0, 0], 18)),
    "constant": tiles("s2", assign(np.s_[3], 700)),
    "measured": tiles("s2", assign(np.s_[:, :9], 0)),
    "igbp-lccs": tiles("lc", water_from_zero),
    "radar-unit": tiles("s1", lambda pixels: 10 ** (pixels / 10)),
    "radar-order": tiles("s1", lambda pixels: pixels[::-1], -1),
    "reflectance-scale": tiles("s2", scaled, -1),
    "offset": tiles("s2", lambda pixels: pixels + np.uint16(1000), -1),
    "band-order": tiles("s2", lambda pixels: pixels[[0, 12, *range(2, 12), 1]], -1),
    "same-bands": tiles("s2", lambda pixels: pixels[[0, 1, 2, 2, *range(4, 13)]], 12),
    "alignment": tiles("s1", lambda pixels: pixels[:, :, ::-1], -1),
    "hole": tiles("s1", assign(np.s_[0, :20, :20], 0)),
    "scattered-light": tiles("s2", lambda pixels: pixels[[0, 3, 2, 1, *range(4, 13)]], -1),
    "band-images": tiles("s2", lambda pixels: np.concatenate([pixels[:3], pixels[3:4, ::-1], pixels[4:]]), -1),
    "one-value": tiles("s1", lambda pixels: np.maximum(pixels, -19), -1),
    "repeated": tiles("s2", lambda pixels: np.arange(1000, 1000 + pixels.size).reshape(pixels.shape).astype("u2"), 12),
}


# ------------------------------------------------------------------------------------------- So2Sat


def rows(change: Callable[[h5py.File], object], name: str = "training.h5") -> Callable[[Path], None]:
    """Change a file of HDF5."""

    def plant(folder: Path) -> None:
        with h5py.File(folder / name, "r+") as handle:
            change(handle)

    return plant


def put(key: str, where: object, value: object) -> Callable[[h5py.File], None]:
    """Put a value into a part of a dataset."""
    return lambda handle: handle[key].__setitem__(where, value)


def again(key: str, change: Callable[[np.ndarray], np.ndarray], **how: object) -> Callable[[h5py.File], None]:
    """Write a dataset anew."""

    def plant(handle: h5py.File) -> None:
        values = handle[key][...]
        del handle[key]
        handle.create_dataset(key, data=change(values), **how)

    return plant


def everywhere(key: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Change a dataset of all three image files."""

    def plant(folder: Path) -> None:
        for name in ("training.h5", "validation.h5", "testing.h5"):
            rows(lambda handle: put(key, ..., change(handle[key][...]))(handle), name)(folder)

    return plant


def decibel(values: np.ndarray) -> np.ndarray:
    values[..., 4:6] = 10 * np.log10(np.maximum(values[..., 4:6], 1e-6))
    return values


GEO = "training_geo.h5"
"""City names of the sample are city01, ...; what a registry knows of them is made up by `known`."""


def known(plant: Callable[[Path], object], **facts: object) -> Callable[[Path], list[File]]:
    """Facts about the geo file of training, made from the file before something is planted."""

    def planted(folder: Path) -> list[File]:
        with h5py.File(folder / GEO) as handle:
            cities = [name.decode() for name in handle["city"][...].ravel()]
            zones = dict(zip(cities, handle["epsg"][...].ravel().tolist(), strict=True))
        plant(folder)
        paths = datasets.load("so2sat", {}).list_files(folder)
        facts.setdefault("city_epsg", zones)
        return [File(path, facts=facts if path == GEO else {}) for path in paths]

    return planted


def of_another_version(folder: Path) -> None:
    """The geo file of training is linked from a folder whose image file has its labels in another order."""
    other = folder.parent / "another"
    other.mkdir()
    shutil.copy(folder / "training.h5", other)
    rows(lambda handle: put("label", ..., handle["label"][...][::-1])(handle))(other)
    shutil.move(folder / GEO, other / GEO)
    (folder / GEO).symlink_to(other / GEO)


def first_of(key: str, value: object) -> Callable[[Path], None]:
    return rows(put(key, 0, value), GEO)


ZONES = {
    "readable": cut("training.h5", 100_000),
    "inside": rows(lambda handle: handle.__setitem__("sen3", h5py.ExternalLink("elsewhere.h5", "/sen2"))),
    "keys": rows(lambda handle: handle.__delitem__("sen1")),
    "labels": rows(lambda handle: handle.__delitem__("label")),
    "rows": rows(again("label", lambda values: values[:-1])),
    "size": rows(lambda handle: handle.create_dataset("more", data=np.zeros(99))),
    "sen2:shape": rows(again("sen2", lambda values: np.moveaxis(values, 3, 1))),
    "sen2:dtype": rows(again("sen2", lambda values: values.astype("i2"))),
    "sen2:scale": rows(lambda handle: handle["sen2"].attrs.update(scale_factor=1e-4, add_offset=-0.1)),
    "scale": rows(lambda handle: handle.attrs.update({"sen2#scale": "0.0001"})),
    "sen2:layout": rows(again("sen2", lambda values: values, chunks=(1, 32, 32, 10))),
    "sen2:finite": rows(put("sen2", (0, 0, 0, 0), np.nan)),
    "sen2:constant": rows(put("sen2", np.s_[0, :, :, 3], 0.2)),
    "sen1:constant": everywhere("sen1", lambda values: values * np.array([0, 1, 1, 1, 1, 1, 1, 1])),
    "sen2:measured": rows(put("sen2", 0, 0)),
    "sen2:range": rows(put("sen2", (0, 0, 0, 0), -0.1)),
    "sen2:B2:values": lambda folder: [File("training.h5", facts={"means": [0.5] * 18})],
    "one-hot": rows(put("label", 0, 0)),
    "class_counts": lambda folder: [File("training.h5", facts={"class_counts": [1] * 17})],
    "label_order_sha256": lambda folder: [File("training.h5", facts={"label_order_sha256": "0" * 64})],
    "neighbours": rows(again("label", lambda values: np.random.default_rng(1).permutation(values))),
    "dtype": rows(again("epsg", lambda values: values.astype("S5")), GEO),
    "city": rows(lambda handle: handle.__delitem__("city"), GEO),
    "tfw": first_of("tfw", [5, 5, 5, 5, 5, 5]),
    "epsg": first_of("epsg", 4326),
    "coordinates": first_of("tfw", [10, 0, 0, -10, 50_000, 5_000_000]),
    "pixel-size": first_of("tfw", [20, 0, 0, -10, 500_000, 5_000_000]),
    "north-up": first_of("tfw", [10, 0, 0, 10, 500_000, 5_000_000]),
    "grid": first_of("tfw", [10, 0, 0, -10, 500_033, 5_000_077]),
    "same-rows": of_another_version,
    "image": remove("testing.h5"),
    "folder": copy("testing_geo.h5", "Testing_Geo.h5", move=True),
    "city-neighbours": rows(again("city", lambda values: np.arange(len(values)).reshape(values.shape)), GEO),
    "city-extent": first_of("tfw", [10, 0, 0, -10, 500_000, 9_000_000]),
    "city-names": rows(
        again("city", lambda names: np.char.replace(names.astype("S9"), b"city", b"citi")), "testing_geo.h5"
    ),
    "city-epsg": known(first_of("epsg", 32701)),
    "city-name": known(first_of("city", b"nowhere")),
    "city-place": known(lambda folder: None, city_degrees={"city01": [0, 89.0], "city02": [0, 89.0]}),
    "radar-unit": everywhere("sen1", decibel),
    "radar-order": everywhere("sen1", lambda values: values[..., [2, 3, 0, 1, 5, 4, 6, 7]]),
    "reflectance-scale": everywhere("sen2", lambda values: values * 100),
    "offset": everywhere("sen2", lambda values: values + 0.1),
    "band-order": everywhere("sen2", lambda values: values[..., [9, *range(1, 9), 0]]),
    "same-bands": everywhere("sen2", lambda values: values[..., [0, 1, 1, *range(3, 10)]]),
    "repeated": everywhere("sen1", lambda values: values[:1]),
    "scattered-light": everywhere("sen2", lambda values: values / 4),
    "band-images": rows(lambda handle: put("sen2", np.s_[..., 2], np.roll(handle["sen2"][..., 2], 1, 0))(handle)),
    "one-value": everywhere("sen2", lambda values: np.minimum(values, 0.1)),
    "radar-parts": everywhere("sen1", lambda values: values ** np.array([1, 1, 1, 1, 0.5, 0.5, 1, 1])),
    "label:bands": rows(
        lambda handle: put("label", ..., np.random.default_rng(1).permutation(handle["label"]))(handle)
    ),
    "alignment": everywhere("sen1", lambda values: values.swapaxes(1, 2)),
    "sen1:range": rows(put("sen1", (0, 0, 0, 0), 1e9)),
}

PLANTED = {"cloudsen12": CLOUDS, "sen12ms": TILES, "so2sat": ZONES}

LEFT_OUT = {
    "name": 0,
    "folder": 0,
    "twin": 0,
    "triplets": 1,
    "readable": 1,
    "shape": 1,
    "nan": 1,
    "nodata": 1,
    "measured": 0,
}
"""Checks after which what is concerned is left out, in whatever dataset, and the patches that planting them costs;
after all others what was found is kept."""


def everywhere_of(sensor: str, **kinds: Callable) -> dict[str, tuple[str, Callable]]:
    """Faults of all tiles of a sensor."""
    return {f"{sensor} {kind}": ("sen12ms", plant) for kind, plant in kinds.items()}


def broken_tiles(sensor: str) -> Callable[[Path], object]:
    """Tiles of which nothing is left but their first bytes."""
    return lambda folder: [path.write_bytes(b"II*\0") for path in folder.glob(f"ROIs*/{sensor}_*/*.tif")]


NOTHING_LEFT = {
    **everywhere_of("lc", shape=TILES["usable"], readable=broken_tiles("lc")),
    **everywhere_of("s1", nan=tiles("s1", assign(np.s_[0, 0, 0], np.inf), -1), readable=broken_tiles("s1")),
    **everywhere_of("s2", measured=tiles("s2", assign(np.s_[:], 0), -1)),
}
"""Faults after which no patch is left, so that they cannot be accepted."""

ALL_KEPT = {
    **everywhere_of("s1", dtype=tiles("s1", lambda pixels: np.nan_to_num(pixels).astype("int32"), -1)),
    **everywhere_of("s2", dtype=tiles("s2", lambda pixels: pixels.astype("float64"), -1)),
    **everywhere_of("s2", range=tiles("s2", assign(np.s_[0, 0, 0], 40_000), -1)),
    **everywhere_of("lc", dtype=tiles("lc", lambda pixels: pixels.astype("float32"), -1)),
}
"""Faults of all tiles that can be accepted, and cost no patch."""

# ---------------------------------------------------------------------------------- no dataset at all


def first_sight(folder: Path) -> list[Finding]:
    state = inspect.State(1, 1, "1" * 64)
    return inspect._first_sight(File("a"), state, {"a": "2" * 64})


def registered(folder: Path) -> list[Finding]:
    count = 10_001
    hashes = hash_table(["train"] * count, range(count), ["L1C_B2"] * count, ["0" * 32] * count)
    return inspect.patch_counts("cloudsen12-high", [], hashes)


ELSEWHERE = {
    "present": lambda folder: inspect.presence([File("missing")], folder),
    "length": lambda folder: inspect.byte_findings(File("a", size=2), 1, {}),
    "md5": lambda folder: inspect.byte_findings(File("a", checksums={"md5": "0" * 32}), 1, {"md5": "1" * 32}),
    "sha256": lambda folder: inspect.byte_findings(File("a", checksums={"sha256": "0" * 64}), 1, {"sha256": "1" * 64}),
    "first-sight": first_sight,
    "registered": registered,
}
