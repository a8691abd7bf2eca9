"""A pixel that a sensor did not measure takes no part in what reads this sensor, and does in what does not."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rasterio.transform import Affine

from sentinel_forest import datasets
from sentinel_forest.config.schemes import PooledRandom, Published
from sentinel_forest.datasets import sen12ms, so2sat
from sentinel_forest.datasets.base import Dataset, File
from sentinel_forest.features import shards, table
from sentinel_forest.io import checksums
from sentinel_forest.models.samples import patch_samples, pixel_samples
from sentinel_forest.splits import split
from sentinel_forest.verify import catalog, inspect


def verified(dataset: Dataset, folder: Path) -> SimpleNamespace:
    """Findings by file and check, and the catalog of a release."""
    files = [File(path) for path in dataset.list_files(folder)]
    _, seen = inspect.read_all(dataset, folder, files, 2)
    seen.append(dataset.conclude({file.path: row for file, row in zip(files, seen, strict=True)}))
    found = {(row.file, row.check): row for part in seen for row in part.findings}
    rows = catalog.make(dataset, folder, [file.path for file in files], inspect._hashes(seen))
    return SimpleNamespace(dataset=dataset, folder=folder, found=found, rows=catalog.schema(dataset).validate(rows))


@pytest.fixture
def covers(tmp_path: Path) -> SimpleNamespace:
    """Four triplets of 16 x 16; radar has no value in 64 pixels of the first, in all of the second."""
    dataset = datasets.load("sen12ms", {"side": 16})
    random = np.random.default_rng(4)
    for number in range(4):
        s1 = random.uniform(-20, -5, (2, 16, 16)).astype("float32")
        s1[:, : (4, 16, 0, 0)[number]] = 0
        s1[0, 5, 5] = 0  # one band alone says nothing
        s2 = random.integers(200, 3000, (13, 16, 16)).astype("uint16")
        s2[:, :2] = 0 if number == 3 else s2[:, :2]
        lc = np.stack([np.full((16, 16), code, "uint16") for code in (10, 1, 1, 1)])
        place = Affine(10, 0, 600_000 + 1000 * number, 0, -10, 5_000_000)
        sen12ms.write_patch(tmp_path, "ROIs1158_spring", "1", number, s1=s1, s2=s2, lc=lc, epsg=32632, transform=place)
    return verified(dataset, tmp_path)


def test_valid_fractions_are_those_of_each_sensor(covers: SimpleNamespace) -> None:
    assert covers.rows["valid_fraction_radar"].tolist() == [0.75, 0, 1, 1]
    assert covers.rows["valid_fraction_optical"].tolist() == [1, 1, 1, 0.875]
    assert covers.rows["labelled_fraction"].tolist() == [1, 1, 1, 0.875]
    radar = covers.found["(all tiles of s1)", "measured"]
    assert radar.found == "320 pixels in 2 of 4 patches; empty patches (1): ROIs1158_spring/1/p1"
    assert "radar" in radar.expected
    optical = covers.found["(all tiles of s2)", "measured"]
    assert optical.found.endswith("the most are in ROIs1158_spring/1/p3: 32 of 256")


@pytest.mark.parametrize(
    ("name", "counts"),
    [("pixel-s1", [192, 0, 256, 224]), ("pixel-s2", [256, 256, 256, 224]), ("pixel-s1+s2", [192, 0, 256, 224])],
)
def test_what_a_set_reads_decides_what_is_drawn_and_predicted(
    covers: SimpleNamespace, name: str, counts: list[int]
) -> None:
    dataset, about = covers.dataset, covers.dataset.feature_sets[name]
    drawn = table.feature_rows(dataset, about, covers.folder, covers.rows, 10_000, (1, "r"))
    assert drawn["patch"].value_counts().reindex(covers.rows["patch"], fill_value=0).tolist() == counts
    layers = (*about.layers.values(), *dataset.label_layers(about.task))
    kinds = ("optical", "radar")
    (block,) = shards.read_blocks("t", dataset, covers.folder, covers.rows, layers, kinds)
    samples = pixel_samples(dataset, name, block)
    assert np.bincount(samples.place, minlength=4).tolist() == counts
    assert np.isfinite(samples.X[:, : len(about.layers)]).all()


@pytest.fixture
def zones(tmp_path: Path) -> SimpleNamespace:
    """Six patches in each file; in training, radar lacks row 1, the optical image row 2."""
    for name in ("training", "validation", "testing"):
        random = np.random.default_rng(len(name))
        with so2sat.create(tmp_path, name, 6) as file:
            for key in ("sen1", "sen2"):
                values = random.uniform(0.1, 1, file[key].shape)
                if name == "training":
                    values[1 if key == "sen1" else 2] = 0
                file[key][...] = values
            file["label"][...] = np.eye(17)[[0, 1, 2, 0, 1, 2]]
    return verified(datasets.load("so2sat"), tmp_path)


@pytest.mark.parametrize(("name", "labels"), [("lcz-s1", [0, -1, -1, 0]), ("lcz-s2", [0, 1, -1, 0])])
def test_a_patch_that_a_sensor_did_not_see_has_no_label_for_sets_that_read_it(
    zones: SimpleNamespace, name: str, labels: list[int]
) -> None:
    about = zones.dataset.feature_sets[name]
    made = table.feature_rows(zones.dataset, about, zones.folder, zones.rows.iloc[:4], 1, (1, "r"))
    assert made["label"].tolist() == labels
    assert len(patch_samples(made, about.features).truth) == sum(label >= 0 for label in labels)


def roles(rows: pd.DataFrame, options: Published | PooledRandom) -> tuple[pd.Series, pd.DataFrame]:
    result = split.make(rows, options, 1, lambda *names: checksums.seed(1, *names))
    return result.split.set_index("patch")["role"], result.infeasible


@pytest.mark.parametrize(
    "options", [Published(kind="published"), PooledRandom(kind="pooled-random")], ids=lambda one: one.kind
)
def test_a_patch_without_optical_measurement_is_unused_and_named(
    zones: SimpleNamespace, options: Published | PooledRandom
) -> None:
    role, infeasible = roles(zones.rows, options)
    assert role[role == "unused"].index.tolist() == ["training/000002"]
    told = infeasible[infeasible["reason"].str.contains("no measurement")]
    assert told["found"].tolist() == ["1 of 18 are unused: training/000002"]
    whole, _ = roles(zones.rows.assign(valid_fraction_optical=np.float32(1)), options)
    assert (whole != "unused").all()
