"""Verified bytes are used bytes: whoever reads a patch stops where its values are not the verified ones."""

import ast
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
import xxhash
from rasterio.transform import Affine

from project import ROOT
from sentinel_forest import datasets
from sentinel_forest.datasets import sen12ms, so2sat
from sentinel_forest.datasets.base import Dataset, File, array_hash
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import reference
from sentinel_forest.export import loaders
from sentinel_forest.features import shards, signature, table
from sentinel_forest.verify import catalog, inspect

CLOUD_LAYERS = ("L1C_B2", "L1C_B3", "S1_VV", "LABEL_manual_hq", "LABEL_fmask")


def write_zones(folder: Path, random: np.random.Generator) -> Dataset:
    for name in ("training", "testing"):
        with so2sat.create(folder, name, 3) as file:
            for key in ("sen1", "sen2"):
                file[key][...] = random.uniform(0.1, 1, file[key].shape)
            file["label"][...] = np.eye(17)[[0, 1, 2]]
    return datasets.load("so2sat")


def write_covers(folder: Path, random: np.random.Generator) -> Dataset:
    dataset = datasets.load("sen12ms", {"side": 16})
    for number in range(3):
        s1 = random.uniform(-20, -5, (2, 16, 16)).astype("float32")
        s2 = random.integers(200, 3000, (13, 16, 16)).astype("uint16")
        lc = np.stack([np.full((16, 16), code, "uint16") for code in (10, 1, 1, 1)])
        place = Affine(10, 0, 600_000 + 1000 * number, 0, -10, 5_000_000)
        sen12ms.write_patch(folder, "ROIs1158_spring", "1", number, s1=s1, s2=s2, lc=lc, epsg=32632, transform=place)
    return dataset


def write_clouds(folder: Path, random: np.random.Generator) -> Dataset:
    dataset = datasets.load("cloudsen12", {"side": 20})
    for split in ("train", "test"):
        for layer, array in dataset.create(folder, split, 3, CLOUD_LAYERS).items():
            low, top = (0, 4) if layer.startswith("LABEL") else (100, 3000)
            array[:, 1:18, 1:18] = random.integers(low, top, (3, 17, 17))
            array.flush()
    return dataset


WRITERS = {"so2sat": write_zones, "sen12ms": write_covers, "cloudsen12": write_clouds}
Release = SimpleNamespace


def make(name: str, folder: Path) -> Release:
    """A small release, verified: its dataset, folder, catalog and the table of hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = WRITERS[name](folder, np.random.default_rng(7))
    files = [File(path) for path in dataset.list_files(folder)]
    _, seen = inspect.read_all(dataset, folder, files, 2)
    seen.append(dataset.conclude({file.path: row for file, row in zip(files, seen, strict=True)}))
    hashes = inspect.HASHES.validate(inspect._hashes(seen))
    rows = catalog.schema(dataset).validate(catalog.make(dataset, folder, [file.path for file in files], hashes))
    return Release(dataset=dataset, folder=folder, rows=rows, hashes=hashes, files=[file.path for file in files])


@pytest.fixture(params=sorted(WRITERS))
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Release:
    return make(request.param, tmp_path / "release")


def stored(release: Release, array: str) -> np.ndarray:
    """What is stored of the first patch, read with other means than the dataset's reader."""
    row = release.rows.iloc[0]
    path = release.folder / release.dataset.file_of(row["file"], array)
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            values: np.ndarray = file[array][row["row"]]
            return values
    if path.suffix == ".tif":
        with rasterio.open(path) as tile:
            return np.moveaxis(tile.read(), 0, -1)
    dtype = "f4" if array.startswith("S1_") else "u1" if array.startswith("LABEL_") else "<i2"
    return np.fromfile(path, dtype).reshape(-1, 20, 20)[row["row"], 1:18, 1:18]


def arrays_of(release: Release) -> list[str]:
    return [name.removeprefix("hash_") for name in release.rows if name.startswith("hash_")]


def replace_one_value(release: Release, array: str) -> None:
    """Change one value of the first patch in its file, and nothing of the file's size and date."""
    path = release.folder / release.dataset.file_of(release.rows["file"].iloc[0], array)
    before, data = path.stat(), bytearray(path.read_bytes())
    values = np.ascontiguousarray(stored(release, array))
    row = values.reshape(-1, values.shape[-1])[0].tobytes() if values.ndim > 1 else values.tobytes()
    place = data.index(row)
    data[place] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_the_catalog_has_a_hash_of_each_stored_layer_of_each_patch(release: Release) -> None:
    expected = {"so2sat": {"sen1", "sen2", "label"}, "sen12ms": {"s1", "s2", "lc"}, "cloudsen12": {*CLOUD_LAYERS}}
    assert set(arrays_of(release)) == expected[release.dataset.name]
    for array in arrays_of(release):
        column = release.rows[f"hash_{array}"]
        assert column.str.fullmatch("[0-9a-f]{32}").all()
        little = stored(release, array)
        assert column.iloc[0] == xxhash.xxh3_128_hexdigest(little.tobytes(order="C"))


def test_a_hash_does_not_depend_on_how_memory_holds_the_values() -> None:
    values = np.arange(24, dtype="<i2").reshape(2, 3, 4)
    assert array_hash(values) == xxhash.xxh3_128_hexdigest(values.tobytes())
    assert array_hash(values.astype(">i2")) == array_hash(values)
    assert array_hash(np.asfortranarray(values)) == array_hash(values)
    assert array_hash(values.transpose()) != array_hash(values)


def test_layers_are_those_of_the_files(release: Release) -> None:
    """Each layer of a block is the band that other software reads at its place."""
    layers = [layer for layer in release.dataset.layers(release.files) if layer != "label"]
    (block,) = release.dataset.blocks(release.folder, release.rows.iloc[:1], layers, 1)
    for layer in layers:
        values = stored(release, release.dataset.array_of(layer))
        if values.ndim == 3:
            bands = [name for name in release.dataset.layer_table if name.split(":")[0] == layer.split(":")[0]]
            values = values[..., bands.index(layer)]
        assert np.array_equal(block.layers[layer][0], values), layer


def read_features(release: Release, layers: list[str]) -> None:
    for about in release.dataset.feature_sets.values():
        if set(about.layers.values()) <= set(layers):
            table.feature_rows(release.dataset, about, release.folder, release.rows, 5, (1, "r"))
    for _ in shards.read_blocks("predicted", release.dataset, release.folder, release.rows, layers):
        pass


def read_trial(release: Release, layers: list[str]) -> None:
    task = next(iter(release.dataset.tasks.values()))
    trial = loaders.Trial(release.dataset, release.folder, release.rows, task, tuple(layers))
    trial[len(trial) - 1]  # another patch is not concerned
    trial[0]


READERS: Mapping[str, Callable[[Release, list[str]], object]] = {
    "features and predictions": read_features,
    "signatures": lambda release, layers: signature.signatures(release.dataset, release.folder, release.rows, layers),
    "pictures": lambda release, layers: next(release.dataset.blocks(release.folder, release.rows.iloc[:1], layers, 1)),
    "loaders": read_trial,
}


@pytest.mark.parametrize("reader", READERS)
def test_values_replaced_after_verification_stop_every_reader(release: Release, reader: str) -> None:
    images = [array for array in arrays_of(release) if array in release.dataset.layer_table or array[:1] == "s"]
    images = [array for array in images if array != "label"]
    layers = {
        array: [name for name in release.dataset.layers(release.files) if release.dataset.array_of(name) == array]
        for array in images
    }
    READERS[reader](release, [name for names in layers.values() for name in names])
    for array in images:
        folder = release.folder.with_name(f"changed-{array}")
        changed = make(release.dataset.name, folder)
        replace_one_value(changed, array)
        with pytest.raises(InputError, match="not the ones that were verified") as told:
            READERS[reader](changed, sorted(layers[array]))
        row = changed.rows.iloc[0]
        text = str(told.value)
        assert f"{release.dataset.file_of(row['file'], array)}, row {row['row']}, layer {array}" in text
        assert f"hash {array_hash(stored(changed, array))}" in text
        assert row[f"hash_{array}"] in text
        assert "snakemake --forcerun inspect" in text
        assert len(text.splitlines()) <= 5


@pytest.mark.parametrize(("name", "array"), [("so2sat", "label"), ("sen12ms", "lc"), ("cloudsen12", "LABEL_manual_hq")])
def test_labels_replaced_between_verification_and_catalog_stop_the_catalog(
    tmp_path: Path, name: str, array: str
) -> None:
    release = make(name, tmp_path / "release")
    replace_one_value(release, array)
    with pytest.raises(InputError, match=rf"(?s)not the ones that were verified.*layer {array}"):
        catalog.make(release.dataset, release.folder, release.files, release.hashes)


@pytest.mark.parametrize("array", ["LABEL_manual_hq", "LABEL_fmask"])
def test_labels_and_algorithms_replaced_during_a_run_stop_features_and_references(tmp_path: Path, array: str) -> None:
    release = make("cloudsen12", tmp_path / "release")
    replace_one_value(release, array)
    with pytest.raises(InputError, match=f"layer {array}"):
        reference.count_references(release.dataset, release.folder, release.rows, ["fmask"])


def test_a_whole_file_of_another_release_with_its_size_and_date_stops(tmp_path: Path) -> None:
    one, other = make("so2sat", tmp_path / "one"), tmp_path / "other"
    other.mkdir()
    write_zones(other, np.random.default_rng(8))
    before = (one.folder / "training.h5").stat()
    os.replace(other / "training.h5", one.folder / "training.h5")
    os.utime(one.folder / "training.h5", ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match=re.escape("training.h5, row 0, layer sen2")):
        signature.signatures(one.dataset, one.folder, one.rows, ["sen2:B2"])


def test_only_the_reading_interface_reads_what_is_stored() -> None:
    """`read` and `reader` give values that nothing was held against: no other code may call them."""
    package = ROOT / "src" / "sentinel_forest"
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name.startswith("datasets/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                assert not (node.func.attr in ("read", "reader") and "dataset" in owner), (name, owner)


def test_hashes_do_not_depend_on_threads(tmp_path: Path) -> None:
    release = make("cloudsen12", tmp_path / "release")
    files = [File(path) for path in release.files]
    tables = []
    for threads in (1, 3):
        _, seen = inspect.read_all(release.dataset, release.folder, files, threads)
        tables.append(inspect._hashes(seen))
    pd.testing.assert_frame_equal(*tables)
