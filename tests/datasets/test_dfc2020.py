"""Tiles as DFC2020 has them: other kinds of numbers, and no place. What is not known stays unknown."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from sentinel_forest.datasets import sen12ms
from sentinel_forest.datasets.base import IGNORE, Finding, no_hashes
from sentinel_forest.splits import linking
from sentinel_forest.verify import catalog, footprints

# Such tiles are written on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

SIDE = 16
WGS84, UTM = CRS.from_epsg(4326), CRS.from_epsg(32633)
HERE = Affine(10, 0, 500_000, 0, -10, 5_000_000)
PLACES = ["x", "y", "epsg", "side_m", "lon", "lat"]

Change = Callable[[str, np.ndarray], tuple[np.ndarray, dict]]


def write(folder: Path, change: Change, season: str = "ROIs0000_test", scene: str = "0") -> None:
    """Two patches in one scene; `change` gives pixels, CRS and transform of each sensor's tiles."""
    random = np.random.default_rng(1)
    for number in (0, 1):
        tiles = {
            "s1": random.normal(-12, 2, (2, SIDE, SIDE)),
            "s2": random.integers(1, 4000, (13, SIDE, SIDE)).astype("uint16"),
            "lc": np.broadcast_to(np.array([12, 31, 36, 30], "uint16")[:, None, None], (4, SIDE, SIDE)),
            "dfc": np.full((1, SIDE, SIDE), 6 + number, "int32"),
        }
        for sensor, pixels in tiles.items():
            pixels, how = change(sensor, pixels.copy())
            path = folder / season / f"{sensor}_{scene}" / f"{season}_{sensor}_{scene}_p{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            with rasterio.open(
                path, "w", driver="GTiff", count=len(pixels), height=SIDE, width=SIDE, dtype=pixels.dtype.name, **how
            ) as tile:
                tile.write(pixels)


def as_distributed(sensor: str, pixels: np.ndarray) -> tuple[np.ndarray, dict]:
    return pixels, {"crs": WGS84}


def verify(dataset: sen12ms.Sen12MS, folder: Path) -> list[Finding]:
    paths = dataset.list_files(folder)
    seen = {path: sen12ms.content.inspect_tile(path, (folder / path).read_bytes(), SIDE) for path in paths}
    inner = [finding for inspection in seen.values() for finding in inspection.findings]
    return [*inner, *dataset.conclude(seen).findings]


def cataloged(dataset: sen12ms.Sen12MS, folder: Path) -> pd.DataFrame:
    """The catalog, which must pass its schema."""
    made = catalog.make(dataset, folder, dataset.list_files(folder), no_hashes())
    return catalog.schema(dataset).validate(made)


@pytest.fixture
def dataset() -> sen12ms.Sen12MS:
    return sen12ms.Sen12MS(SIDE, labels="dfc")


def test_as_distributed_nothing_fails(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    write(tmp_path, as_distributed)
    findings = verify(dataset, tmp_path)
    assert {finding.status for finding in findings} <= {"ok", "note"}
    by_check = {finding.check: finding for finding in findings}
    assert by_check["dtype"].found == "8 tiles; dfc int32, s1 float64"
    assert by_check["place"].found == "8 of 8 tiles do not say where they lie (s2: 2, s1: 2, lc: 2, dfc: 2)"
    for check in ("crs", "pixel-size", "same-crs", "same-transform"):
        assert by_check[check].status == "note"
        assert by_check[check].found.startswith("not computed")


NOWHERE = {
    "WGS 84 without a transform": {"crs": WGS84},
    "UTM without a transform": {"crs": UTM},
    "nothing": {},
    "a transform without a CRS": {"transform": HERE},
    "pixels with the north up": {"crs": WGS84, "transform": Affine(1, 0, 0, 0, -1, 0)},
    "pixels from the lower left": {"crs": WGS84, "transform": Affine(1, 0, 0, 0, -1, SIDE)},
}


@pytest.mark.parametrize("how", NOWHERE)
def test_a_tile_that_does_not_say_where_it_lies_lies_nowhere(
    dataset: sen12ms.Sen12MS, tmp_path: Path, how: str
) -> None:
    write(tmp_path, lambda sensor, pixels: (pixels, NOWHERE[how]))
    assert not [finding for finding in verify(dataset, tmp_path) if finding.status == "failed"]
    table = cataloged(dataset, tmp_path)
    assert table[PLACES].isna().all(axis=None)
    assert (table["continent"] == "").all()
    assert footprints.footprints(table) is None


def test_no_distance_is_measured(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    write(tmp_path, as_distributed)
    rows = linking.by_distance(cataloged(dataset, tmp_path)).between(np.array([0]), np.array([1]))
    assert {row[1] for row in rows} | {row[3] for row in rows} == {None}


def test_what_one_tile_of_a_patch_says_is_used(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    write(tmp_path, lambda sensor, pixels: (pixels, {"crs": UTM, "transform": HERE} if sensor == "s2" else {}))
    findings = {finding.check: finding for finding in verify(dataset, tmp_path)}
    assert findings["place"].found == "6 of 8 tiles do not say where they lie (s1: 2, lc: 2, dfc: 2)"
    assert (findings["crs"].status, findings["crs"].found) == ("ok", "2 tiles")
    assert cataloged(dataset, tmp_path)["epsg"].tolist() == [32633, 32633]


def test_an_accepted_place_in_degrees_gives_degrees_alone(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    degrees = Affine(0.0001, 0, 15, 0, -0.0001, 45)
    write(tmp_path, lambda sensor, pixels: (pixels, {"crs": WGS84, "transform": degrees}))
    failed = {finding.check for finding in verify(dataset, tmp_path) if finding.status == "failed"}
    assert failed == {"crs", "pixel-size"}
    table = cataloged(dataset, tmp_path)
    assert table["lon"].tolist() == pytest.approx([15.0008] * 2)
    assert table["lat"].tolist() == pytest.approx([44.9992] * 2)
    assert table[["x", "y", "epsg", "side_m"]].isna().all(axis=None)
    assert (table["continent"] == "Europe").all()


@pytest.mark.parametrize(
    "transform",
    [
        Affine(2, 0, 100, 0, 2, 300),  # as degrees: outside the globe
        Affine(0.0001, 0, 181, 0, -0.0001, 95),
    ],
    ids=str,
)
def test_accepted_degrees_that_are_none_are_no_place(
    dataset: sen12ms.Sen12MS, tmp_path: Path, transform: Affine
) -> None:
    write(tmp_path, lambda sensor, pixels: (pixels, {"crs": WGS84, "transform": transform}))
    assert "crs" in {finding.check for finding in verify(dataset, tmp_path) if finding.status == "failed"}
    assert cataloged(dataset, tmp_path)[PLACES].isna().all(axis=None)


def test_an_accepted_pixel_that_is_no_square_covers_an_unknown_area(dataset: sen12ms.Sen12MS, tmp_path: Path) -> None:
    write(tmp_path, lambda sensor, pixels: (pixels, {"crs": UTM, "transform": Affine(10, 0, 5e5, 0, -20, 5e6)}))
    table = cataloged(dataset, tmp_path)
    assert table["y"].tolist() == [5e6 - 20 * SIDE / 2] * 2
    assert table["side_m"].isna().all()


KINDS = [
    (sensor, kind)
    for sensor, kinds in {
        "s1": ("float32", "float64"),
        "lc": ("uint8", "uint16", "int32"),
        "dfc": ("uint8", "uint16", "int32"),
    }.items()
    for kind in kinds
]


@pytest.mark.parametrize(("sensor", "kind"), KINDS)
def test_the_kind_of_numbers_changes_no_value(dataset: sen12ms.Sen12MS, tmp_path: Path, sensor: str, kind: str) -> None:
    def change(name: str, pixels: np.ndarray) -> tuple[np.ndarray, dict]:
        pixels = pixels.astype("float32") if name == "s1" else pixels  # so that float64 has no more to say
        return pixels.astype(kind) if name == sensor else pixels, {"crs": WGS84}

    write(tmp_path / "usual", lambda name, pixels: change("", pixels))
    write(tmp_path / "changed", change)
    assert not [row for row in verify(dataset, tmp_path / "changed") if row.status == "failed"]
    tables = [cataloged(dataset, tmp_path / name) for name in ("usual", "changed")]
    pd.testing.assert_frame_equal(*(table.drop(columns="content_hash") for table in tables))
    layers = [name for name in dataset.layer_table if name.startswith(sensor)]
    usual, changed = (
        next(dataset.blocks(tmp_path / name, tables[0], layers, 2)).layers for name in ("usual", "changed")
    )
    for layer in layers:
        assert changed[layer].dtype == usual[layer].dtype
        if sensor == "s1":
            np.testing.assert_allclose(changed[layer], usual[layer], rtol=1e-6)
        else:
            np.testing.assert_array_equal(changed[layer], usual[layer])


@pytest.mark.parametrize("code", [-1, 11, 300, 70_000, 2_000_000_000])
def test_a_strange_code_of_int32_is_found_in_little_memory(dataset: sen12ms.Sen12MS, tmp_path: Path, code: int) -> None:
    def change(sensor: str, pixels: np.ndarray) -> tuple[np.ndarray, dict]:
        if sensor == "dfc":
            pixels[0, 3, 4] = code
        return pixels, {"crs": WGS84}

    write(tmp_path, change)
    tracemalloc.start()
    failed = [finding for finding in verify(dataset, tmp_path) if finding.status == "failed"]
    assert [(row.check, row.found) for row in failed] == [("classes", f"dfc: {code}")] * 2
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50e6
    table = cataloged(dataset, tmp_path)  # as after `accept`: such pixels count as fill
    assert table["labelled_fraction"].tolist() == pytest.approx([1 - 1 / SIDE**2] * 2)
    labels = dataset.labels("land-cover", next(dataset.blocks(tmp_path, table, ["dfc:label"], 2)))
    assert (labels == IGNORE).sum(axis=(1, 2)).tolist() == [1, 1]


@pytest.mark.parametrize("sensor", ["s1", "lc", "dfc"])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "int32", "complex64"])
def test_no_traceback_after_accepting_a_kind_of_numbers(
    dataset: sen12ms.Sen12MS, tmp_path: Path, sensor: str, kind: str
) -> None:
    write(tmp_path, lambda name, pixels: (np.abs(pixels).astype(kind) if name == sensor else pixels, {"crs": WGS84}))
    verify(dataset, tmp_path)
    table = cataloged(dataset, tmp_path)
    assert table["label"].tolist() == [5, 6]
    layers = [name for name in dataset.layer_table if name.startswith(sensor)]
    assert len(list(dataset.blocks(tmp_path, table, layers, 2))) == 1


@pytest.mark.parametrize(
    ("band", "code", "status"),
    [(0, 18, "failed"), (1, 17, "note"), (2, 17, "failed"), (3, 17, "note"), (1, 300, "failed"), (3, 256, "failed")],
)
def test_codes_that_a_guide_alone_lists_are_not_insisted_on(
    dataset: sen12ms.Sen12MS, tmp_path: Path, band: int, code: int, status: str
) -> None:
    def change(sensor: str, pixels: np.ndarray) -> tuple[np.ndarray, dict]:
        if sensor == "lc":
            pixels[band, 0, 0] = code
        return pixels, {"crs": WGS84}

    write(tmp_path, change)
    met = [row for row in verify(dataset, tmp_path) if row.check == "classes" and row.file != "(all tiles)"]
    assert {(row.status, row.found.split(": ")[1]) for row in met} == {(status, str(code))}


def test_independent_labels_of_patches_without_a_place_are_their_own() -> None:
    """A patch of 256 pixels has 36 blocks of 50; patches elsewhere are not said to share theirs."""
    modis = sen12ms.Sen12MS()
    nowhere = pd.DataFrame({"x": np.nan, "y": np.nan, "epsg": pd.array([pd.NA] * 3, "Int32")})
    assert modis.independent_labels("land-cover", nowhere) == 3 * 36
    rows = nowhere.set_axis(["a", "a", "b"])
    assert modis.independent_labels("land-cover", rows, np.array([0, 49, 0])) == 2
    somewhere = pd.DataFrame({"x": [501_280.0], "y": [4_998_720.0], "epsg": pd.array([32633], "Int32")})
    assert modis.independent_labels("land-cover", pd.concat([nowhere, somewhere], ignore_index=True)) == 4 * 36
