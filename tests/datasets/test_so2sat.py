"""So2Sat LCZ42: the published layout, what is found in broken files, and what is read from whole ones."""

import hashlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_forest import datasets
from sentinel_forest.config import releases
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import File, Finding, no_hashes
from sentinel_forest.errors import InputError
from sentinel_forest.features import bands_of, patch
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.verify.groups import groups

REGISTRY = RELEASE_FILES
DATASET = datasets.load("so2sat")
COUNT = 7


def values(seed: int = 0, count: int = COUNT) -> dict[str, np.ndarray]:
    """Random pixels in plausible ranges, and the label of row r is class r modulo 17."""
    generator = np.random.default_rng(seed)
    sen1 = generator.normal(0, 0.3, (count, 32, 32, 8))
    sen1[..., 4:6] = np.square(sen1[..., 4:6])
    return {
        "sen1": sen1,
        "sen2": generator.uniform(0.01, 0.5, (count, 32, 32, 10)),
        "label": np.eye(17)[np.arange(count) % 17],
    }


def write(folder: Path, name: str = "training", **changes: np.ndarray) -> Path:
    arrays = values() | changes
    with so2sat.create(folder, name, len(arrays["sen2"])) as file:
        for key, array in arrays.items():
            file[key][...] = array
    return folder / f"{name}.h5"


def write_geo(folder: Path, name: str = "training", gdal: bool = False, **changes: object) -> None:
    """Patches at Munich's Marienplatz, one every 100 m to the east."""
    left = 691_000.0 + 100 * np.arange(COUNT)
    zero, top, ten = np.zeros(COUNT), np.full(COUNT, 5_334_700.0), np.full(COUNT, 10.0)
    world = np.column_stack([ten, zero, zero, -ten, left, top])
    order = np.column_stack([left, ten, zero, top, zero, -ten])
    given = {"epsg": np.full(COUNT, 32632), "tfw": order if gdal else world, "city": ["munich"] * COUNT}
    so2sat.write_geo(folder, name, **(given | changes))


def inspect(folder: Path, file: File, piece: int | None = None) -> tuple[dict[str, Finding], pd.DataFrame]:
    inspector = DATASET.inspector(folder, file)
    assert inspector is not None
    data = (folder / file.path).read_bytes()
    step = piece or inspector.block_bytes
    buffer = bytearray(step)  # overwritten, as a reader does: nothing may keep a view of it
    for start in range(0, len(data), step):
        part = data[start : start + step]
        buffer[: len(part)] = part
        inspector.update(memoryview(buffer)[: len(part)])
    inspection = inspector.finish()
    return {finding.check: finding for finding in inspection.findings}, inspection.hashes


def structure(folder: Path, *files: File) -> dict[str, Finding]:
    return {finding.check: finding for finding in DATASET.structure(folder, files)}


def failed(findings: dict[str, Finding]) -> list[str]:
    return sorted(check for check, finding in findings.items() if finding.status == "failed")


# The writers


@pytest.mark.parametrize("count", [1, 2, 16, 31])
def test_size_is_the_published_formula(tmp_path: Path, count: int) -> None:
    path = write(tmp_path, **values(1, count))
    assert path.stat().st_size == count * 147_592 + 2_048
    with h5py.File(path) as file:
        assert {key: (file[key].dtype.str, file[key].chunks) for key in file} == dict.fromkeys(
            ("label", "sen1", "sen2"), ("<f8", None)
        )


def test_published_lengths_follow_from_the_published_counts() -> None:
    entry = releases.read_entry("so2sat-v2")
    lengths = {file["path"]: file["bytes"] for file in entry["files"]}
    assert lengths == {
        "training.h5": 352_366 * 147_592 + 2_048,
        "validation.h5": 24_119 * 147_592 + 2_048,
        "testing.h5": 24_188 * 147_592 + 2_048,
    }


def test_bytes_do_not_depend_on_the_order_of_writing(tmp_path: Path) -> None:
    arrays = values()
    for folder, keys in (("a", ["sen1", "sen2", "label"]), ("b", ["label", "sen2", "sen1"])):
        with so2sat.create(tmp_path / folder, "testing", COUNT) as file:
            for key in keys:
                for row in range(COUNT)[:: 1 if folder == "a" else -1]:
                    file[key][row] = arrays[key][row]
    assert (tmp_path / "a/testing.h5").read_bytes() == (tmp_path / "b/testing.h5").read_bytes()


def test_layout_is_that_of_the_real_files(tmp_path: Path, real: Path) -> None:
    for name in ("training", "validation", "testing"):
        with h5py.File(real / f"so2sat/{name}.h5") as source, h5py.File(real / f"so2sat/{name}_geo.h5") as geo:
            path = write(tmp_path, name, **{key: source[key][...] for key in source})
            city = [name.decode() for name in geo["city"][:, 0]]
            so2sat.write_geo(tmp_path, name, geo["epsg"][:, 0], geo["tfw"][...], city)
            with h5py.File(path) as ours:
                assert {key: ours[key].id.get_offset() for key in ours} == {
                    key: source[key].id.get_offset() for key in source
                }
        for file in (f"{name}.h5", f"{name}_geo.h5"):
            assert (tmp_path / file).stat().st_size == (real / "so2sat" / file).stat().st_size


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), so2sat.create(tmp_path, "training", 3):
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


# Files and their names


def test_list_files_knows_the_names_of_all_versions(tmp_path: Path) -> None:
    for path in ("culture_10/training.h5", "culture_10/testing.h5.gz", "testing_geo.h5", "note.h5", "a/b/testing.h5"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert DATASET.list_files(tmp_path) == ["culture_10/testing.h5.gz", "culture_10/training.h5", "testing_geo.h5"]
    (tmp_path / "culture_10/testing.h5").touch()
    assert "culture_10/testing.h5.gz" not in DATASET.list_files(tmp_path)


def test_list_files_refuses_an_empty_folder_and_two_versions_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No file of So2Sat"):
        DATASET.list_files(tmp_path)
    (tmp_path / "dataset_info.json").touch()
    with pytest.raises(InputError, match=r"a folder of tensorflow_datasets(.|\n)*tfds-import"):
        DATASET.list_files(tmp_path)
    for folder in ("random", "block"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "training.h5").touch()
    with pytest.raises(InputError, match="more than one version"):
        DATASET.list_files(tmp_path)


def test_layers_are_known_from_names_alone() -> None:
    layers = DATASET.layers(["training.h5"])
    assert len(layers) == 19
    assert {"sen1:VH_re", "sen1:C_im", "sen2:B8A", "sen2:B12", "label"} <= layers
    assert DATASET.layers(["training_geo.h5"]) == frozenset()


# Structure


def test_a_whole_file_has_no_failure(tmp_path: Path) -> None:
    write(tmp_path)
    write_geo(tmp_path)
    findings = DATASET.structure(tmp_path, [File("training.h5"), File("training_geo.h5")])
    too_few = {finding.check for finding in findings if finding.found.startswith("not computed")}
    assert too_few == {"city-neighbours"}
    assert {finding.status for finding in findings if finding.check not in too_few} == {"ok"}


def test_a_truncated_file_fails_with_both_lengths(tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:500_000])
    findings = structure(tmp_path, File("training.h5"))
    assert failed(findings) == ["readable"]
    assert findings["readable"].found == "500000 B: it was cut short"
    assert findings["readable"].expected.startswith(f"{len(whole)} B")
    assert DATASET.inspector(tmp_path, File("training.h5")) is None
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        DATASET.catalog(tmp_path, ["training.h5"], no_hashes())


@pytest.mark.parametrize("content", [b"", b"<html>not here</html>", b"\x89HDF\r\n\x1a\n" + b"\xff" * 5000])
def test_what_is_no_hdf5_fails(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "training.h5").write_bytes(content)
    assert failed(structure(tmp_path, File("training.h5"))) == ["readable"]


@pytest.mark.parametrize("byte", range(40, 1400, 97))
def test_damaged_descriptions_are_no_traceback(tmp_path: Path, byte: int) -> None:
    path = write(tmp_path)
    data = bytearray(path.read_bytes())
    data[byte : byte + 4] = b"\xa5\x5a\xff\x81"
    path.write_bytes(data)
    DATASET.structure(tmp_path, [File("training.h5")])
    DATASET.inspector(tmp_path, File("training.h5"))
    with suppress(InputError):
        catalog = DATASET.catalog(tmp_path, ["training.h5"], no_hashes())
        next(DATASET.blocks(tmp_path, catalog, ["sen2:B2"], 2))


def test_bytes_behind_the_end_fail(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes() + b"\0")
    findings = structure(tmp_path, File("training.h5"))
    assert failed(findings) == ["size"]
    assert findings["size"].expected.startswith(f"{COUNT * 147_592 + 2_048} B")


def save(folder: Path, arrays: dict[str, np.ndarray], **options: object) -> None:
    with h5py.File(folder / "testing.h5", "w") as file:
        for key, array in arrays.items():
            file.create_dataset(key, data=array, **options)


def test_another_dtype_fails(tmp_path: Path) -> None:
    save(tmp_path, values() | {"sen2": np.zeros((COUNT, 32, 32, 10), np.uint8)})
    findings = structure(tmp_path, File("testing.h5"))
    assert failed(findings) == ["sen2:dtype", "size"]
    assert (findings["sen2:dtype"].found, findings["sen2:dtype"].expected) == ("uint8", "float64")
    assert findings["sen2:dtype"].accept == "kept"
    save(tmp_path, values() | {"sen2": np.zeros((COUNT, 32, 32, 10), np.complex64)})
    assert structure(tmp_path, File("testing.h5"))["sen2:dtype"].accept == ""
    assert DATASET.inspector(tmp_path, File("testing.h5")) is None


def test_numbers_of_the_other_byte_order_are_read_as_they_are(tmp_path: Path) -> None:
    save(tmp_path, {key: array.astype(array.dtype.newbyteorder(">")) for key, array in values().items()})
    assert failed(structure(tmp_path, File("testing.h5"))) == []
    catalog = DATASET.catalog(tmp_path, ["testing.h5"], no_hashes())
    block = next(DATASET.blocks(tmp_path, catalog, ["sen2:B2"], COUNT))
    np.testing.assert_array_equal(block.layers["sen2:B2"], values()["sen2"][..., 0])


def test_turned_axes_fail_and_say_so(tmp_path: Path) -> None:
    save(tmp_path, values() | {"sen1": np.moveaxis(values()["sen1"], -1, 1)})
    finding = structure(tmp_path, File("testing.h5"))["sen1:shape"]
    assert (finding.status, finding.found, finding.expected) == ("failed", "(7, 8, 32, 32)", "(N, 32, 32, 8)")
    assert "channels come last" in finding.remedy
    catalog = DATASET.catalog(tmp_path, ["testing.h5"], no_hashes())
    with pytest.raises(InputError, match="another shape"):
        next(DATASET.blocks(tmp_path, catalog, ["sen1:VH_re"], 2))


@pytest.mark.parametrize(
    "options",
    [{"compression": "gzip"}, {"chunks": (2, 8, 8, 3), "shuffle": True, "fletcher32": True}],
    ids=["compressed", "chunked"],
)
def test_repacked_files_are_noted_and_read_all_the_same(tmp_path: Path, options: dict[str, object]) -> None:
    arrays = values()
    arrays["sen2"][4, 31, 30, 8] = np.nan
    write(tmp_path, "testing", **arrays)
    expected, hashes = inspect(tmp_path, File("testing.h5"))
    label = {"compression": "gzip"}
    with h5py.File(tmp_path / "testing.h5", "w") as file:
        for key, array in arrays.items():
            file.create_dataset(key, data=array, **(label if key == "label" else options))
    findings = structure(tmp_path, File("testing.h5"))
    assert {check for check, finding in findings.items() if finding.status != "ok"} == {
        "sen1:layout",
        "sen2:layout",
        "label:layout",
    }
    assert {findings[f"{key}:layout"].status for key in arrays} == {"note"}
    found, again = inspect(tmp_path, File("testing.h5"))
    assert found.keys() == expected.keys()
    assert {check: finding.status for check, finding in found.items()} == {
        check: finding.status for check, finding in expected.items()
    }
    assert found["sen2:finite"] == expected["sen2:finite"]
    pd.testing.assert_frame_equal(again, hashes)
    catalog = DATASET.catalog(tmp_path, ["testing.h5"], again)
    (block,) = DATASET.blocks(tmp_path, catalog, ["sen1:VV_im"], 10)
    np.testing.assert_array_equal(block.layers["sen1:VV_im"], arrays["sen1"][..., 3])


def test_a_damaged_chunk_fails(tmp_path: Path) -> None:
    save(tmp_path, {key: array for key, array in values().items() if key != "label"}, fletcher32=True)
    data = bytearray((tmp_path / "testing.h5").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "testing.h5").write_bytes(data)
    findings, hashes = inspect(tmp_path, File("testing.h5"))
    assert failed(findings) == ["readable"]
    assert hashes.empty


@pytest.mark.parametrize("key", ["sen1", "sen2"])
def test_a_missing_dataset_fails(tmp_path: Path, key: str) -> None:
    save(tmp_path, {name: array for name, array in values().items() if name != key})
    findings = structure(tmp_path, File("testing.h5"))
    assert failed(findings) == ["keys"]
    assert key in findings["keys"].remedy


def test_labels_may_be_absent_only_where_the_release_says_so(tmp_path: Path) -> None:
    save(tmp_path, {key: values()[key] for key in ("sen1", "sen2")})
    findings = structure(tmp_path, File("testing.h5"))
    assert failed(findings) == ["labels"]
    assert "cannot be scored" in findings["labels"].remedy
    findings = structure(tmp_path, File("testing.h5", facts={"labels": False}))
    assert failed(findings) == []
    assert findings["labels"].status == "note"
    catalog = DATASET.catalog(tmp_path, ["testing.h5"], no_hashes())
    assert (catalog["label"] == -1).all()
    assert len(catalog) == COUNT


def test_datasets_of_different_length_fail(tmp_path: Path) -> None:
    save(tmp_path, values() | {"label": np.eye(17)[:5]})
    findings = structure(tmp_path, File("testing.h5"))
    assert findings["rows"].found == "label 5, sen1 7, sen2 7"
    assert "rows" in failed(findings)


def test_a_row_that_is_not_in_the_file_is_named(tmp_path: Path) -> None:
    save(tmp_path, values() | {"sen1": values()["sen1"][:5]})
    catalog = DATASET.catalog(tmp_path, ["testing.h5"], no_hashes())
    with pytest.raises(InputError) as caught:
        next(DATASET.blocks(tmp_path, catalog, ["sen1:VH_re"], 10))
    assert all(text in str(caught.value) for text in ("testing.h5, key 'sen1'", "row 6", "rows 0 to 4"))


def test_a_file_without_rows_fails(tmp_path: Path) -> None:
    save(tmp_path, {key: array[:0] for key, array in values().items()})
    assert failed(structure(tmp_path, File("testing.h5"))) == ["rows"]
    assert failed(inspect(tmp_path, File("testing.h5"))[0]) == []


# Geo files


def test_a_geo_file_of_another_length_fails(tmp_path: Path) -> None:
    write(tmp_path, **values(0, COUNT + 1))
    write_geo(tmp_path)
    findings = structure(tmp_path, File("training_geo.h5"))
    assert failed(findings) == ["rows"]
    assert (findings["rows"].found, findings["rows"].expected) == ("epsg 7, tfw 7, city 7", "8, as in the image file")
    with pytest.raises(InputError, match="rows"):
        DATASET.catalog(tmp_path, ["training.h5", "training_geo.h5"], no_hashes())


def test_wrong_codes_and_places_fail_with_their_row(tmp_path: Path) -> None:
    write(tmp_path)
    codes = np.full(COUNT, 32632)
    codes[3] = 4326
    write_geo(tmp_path, epsg=codes)
    findings = structure(tmp_path, File("training_geo.h5"))
    assert failed(findings) == ["epsg"]
    assert "row 3: 4326" in findings["epsg"].found
    codes[3] = 32633  # six degrees to the east
    write_geo(tmp_path, epsg=codes)
    findings = structure(tmp_path, File("training_geo.h5", facts={"city_epsg": {"munich": 32632}}))
    assert failed(findings) == ["city-epsg", "city-extent"]
    assert "row 3: munich EPSG:32633" in findings["city-extent"].found


def test_geo_files_of_another_kind_fail(tmp_path: Path) -> None:
    write(tmp_path)
    for key, values_of in (("epsg", np.full((COUNT, 1), b"EPSG:32632")), ("tfw", np.ones((COUNT, 5)))):
        write_geo(tmp_path)
        with h5py.File(tmp_path / "training_geo.h5", "a") as file:
            del file[key]
            file[key] = values_of
        check = "dtype" if key == "epsg" else "tfw"
        assert failed(structure(tmp_path, File("training_geo.h5"))) == [check]
        with pytest.raises(InputError, match=check):
            DATASET.catalog(tmp_path, ["training.h5", "training_geo.h5"], no_hashes())


def test_coordinates_off_the_grid_are_noted(tmp_path: Path) -> None:
    write(tmp_path)
    left = 691_000.0 + 100 * np.arange(COUNT)
    left[2] += 30
    row = np.ones(COUNT)
    write_geo(tmp_path, tfw=np.column_stack([10 * row, 0 * row, 0 * row, -10 * row, left, 5_334_700 * row]))
    finding = structure(tmp_path, File("training_geo.h5"))["grid"]
    assert finding.status == "note"
    assert finding.found == "85.71 % of the patches"


def test_both_orders_of_tfw_give_the_same_places(tmp_path: Path) -> None:
    write(tmp_path)
    tables = []
    for gdal in (False, True):
        write_geo(tmp_path, gdal=gdal)
        assert structure(tmp_path, File("training_geo.h5"))["tfw"].found == ("GDAL" if gdal else "world file")
        tables.append(DATASET.catalog(tmp_path, ["training.h5", "training_geo.h5"], no_hashes()))
    pd.testing.assert_frame_equal(*tables)
    first = tables[0].iloc[0]
    assert (first["x"], first["y"], first["epsg"], first["city"]) == (691_160.0, 5_334_540.0, 32632, "munich")
    # Marienplatz: 48.1373 N, 11.5755 E
    assert first["lon"] == pytest.approx(11.5755, abs=0.01)
    assert first["lat"] == pytest.approx(48.1373, abs=0.01)


def test_utm_agrees_with_the_series_of_snyder(tmp_path: Path) -> None:
    """Longitude and latitude back to easting and northing (Snyder 1987, equations 8-9 to 8-15)."""
    write(tmp_path)
    write_geo(tmp_path)
    catalog = DATASET.catalog(tmp_path, ["training.h5", "training_geo.h5"], no_hashes())
    latitude, longitude = np.deg2rad(catalog["lat"]), np.deg2rad(catalog["lon"] - 9.0)
    a, e2 = 6_378_137.0, 0.00669437999014
    second = e2 / (1 - e2)
    N = a / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
    T, C, A = np.tan(latitude) ** 2, second * np.cos(latitude) ** 2, longitude * np.cos(latitude)
    easting = (
        0.9996 * N * (A + (1 - T + C) * A**3 / 6 + (5 - 18 * T + T**2 + 72 * C - 58 * second) * A**5 / 120) + 500_000
    )
    assert np.allclose(easting, catalog["x"], atol=0.2)


def test_early_geo_files_without_cities_are_used(tmp_path: Path) -> None:
    write(tmp_path)
    write_geo(tmp_path)
    with h5py.File(tmp_path / "training_geo.h5", "a") as file:
        del file["city"]
    assert structure(tmp_path, File("training_geo.h5"))["city"].status == "note"
    catalog = DATASET.catalog(tmp_path, ["training.h5", "training_geo.h5"], no_hashes())
    assert groups(DATASET, catalog).isna().all()
    assert catalog["lon"].notna().all()


def test_unknown_order_of_tfw_fails() -> None:
    assert so2sat.geo.tfw_order(np.array([[1.0, 2, 3, 4, 5, 6]])) is None
    assert so2sat.geo.tfw_order(np.full((2, 6), np.nan)) is None
    assert so2sat.geo.tfw_order(np.zeros(6)) is None


# Content


@settings(max_examples=12, deadline=None)
@given(piece=st.integers(1_000, 400_000).map(lambda number: number * 8), count=st.integers(1, 9))
def test_pieces_of_any_length_show_the_same(tmp_path_factory: pytest.TempPathFactory, piece: int, count: int) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    arrays = values(2, count)
    write(folder, **arrays)
    findings, hashes = inspect(folder, File("training.h5"), piece)
    assert failed(findings) == []
    expected = [
        xxhash.xxh3_128_hexdigest(arrays[key][row].tobytes())
        for key in ("sen1", "sen2", "label")
        for row in range(count)
    ]
    assert hashes["hash"].tolist() == expected
    assert hashes["row"].tolist() == [*range(count)] * 3
    band = arrays["sen2"][..., 7]
    text = f"min {band.min():.6g}, max {band.max():.6g}, mean {band.mean():.8g}, deviation {band.std():.8g}"
    assert findings["sen2:B8A:values"].found == text


def test_pieces_that_cut_a_number_in_two_are_joined(tmp_path: Path) -> None:
    write(tmp_path)
    assert inspect(tmp_path, File("training.h5"), 99_991)[0] == inspect(tmp_path, File("training.h5"))[0]


@pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf])
def test_a_gap_fails_with_its_row_and_channel(tmp_path: Path, gap: float) -> None:
    arrays = values()
    arrays["sen2"][4, 31, 30, 8] = gap
    arrays["sen1"][2, 0, 0, 6] = gap
    write(tmp_path, **arrays)
    findings, _ = inspect(tmp_path, File("training.h5"), 200_000)
    assert failed(findings) == ["sen1:finite", "sen2:finite"]
    assert "row 4 B11" in findings["sen2:finite"].found
    assert "row 2 C_re" in findings["sen1:finite"].found
    others = np.delete(arrays["sen2"], 4, axis=0)[..., 0]
    assert f"mean {others.mean():.8g}" in findings["sen2:B2:values"].found


def test_constant_patches_are_noted(tmp_path: Path) -> None:
    arrays = values()
    arrays["sen2"][5, :, :, 3] = 0.25
    arrays["sen2"][1, [0, 16, 31], [0, 16, 31], 0] = 0.1  # equal where it is looked first, but not constant
    write(tmp_path, **arrays)
    finding = inspect(tmp_path, File("training.h5"), 200_000)[0]["sen2:constant"]
    assert (finding.status, finding.found) == ("note", "1 patch channels: row 5 B5")


@pytest.mark.parametrize("row", [np.zeros(17), np.ones(17), np.full(17, 0.5), np.r_[1, 1, np.zeros(15)]])
def test_a_label_that_is_not_one_hot_fails(tmp_path: Path, row: np.ndarray) -> None:
    labels = values()["label"]
    labels[6] = row
    write(tmp_path, label=labels)
    findings, _ = inspect(tmp_path, File("training.h5"), 500)
    assert failed(findings) == ["one-hot"]
    assert findings["one-hot"].found.startswith("1 rows, the first: row 6: ")
    with pytest.raises(InputError, match="row 6"):
        DATASET.catalog(tmp_path, ["training.h5"], no_hashes())


def test_counts_and_order_are_held_against_the_registry(tmp_path: Path) -> None:
    write(tmp_path)
    counts = [1] * COUNT + [0] * (17 - COUNT)
    order = hashlib.sha256(bytes(range(COUNT))).hexdigest()
    file = File("training.h5", facts={"class_counts": counts, "label_order_sha256": order})
    assert failed(inspect(tmp_path, file)[0]) == []
    unpublished, _ = inspect(tmp_path, File("training.h5"))
    of_values = [check for check in unpublished if check.endswith(":values")]
    assert len(of_values) == 18
    assert {unpublished[check].status for check in ("class_counts", "label_order_sha256", *of_values)} == {"note"}
    write(tmp_path, label=values()["label"][::-1])
    assert failed(inspect(tmp_path, file)[0]) == ["label_order_sha256"]
    wrong = replace(file, facts={"class_counts": counts[::-1]})
    assert failed(inspect(tmp_path, wrong)[0]) == ["class_counts"]


def test_means_are_held_against_the_registry(tmp_path: Path) -> None:
    arrays = values()
    write(tmp_path, **arrays)
    both = np.concatenate([arrays["sen1"], arrays["sen2"]], axis=-1)
    means = both.mean((0, 1, 2)).tolist()
    facts = {"means": means, "deviations": both.std((0, 1, 2)).tolist()}
    findings, _ = inspect(tmp_path, File("training.h5", facts=facts))
    assert failed(findings) == []
    assert findings["sen1:VH_re:values"].expected == f"mean {means[0]:.8g}, deviation {facts['deviations'][0]:.8g}"
    shifted = [*means[:8], means[8] + 0.02 * float(arrays["sen2"][..., 0].std()), *means[9:]]
    assert failed(inspect(tmp_path, File("training.h5", facts={"means": shifted}))[0]) == ["sen2:B2:values"]
    wider = [*facts["deviations"][:17], 1.05 * facts["deviations"][17]]
    findings, _ = inspect(tmp_path, File("training.h5", facts=facts | {"deviations": wider}))
    assert findings["sen2:B12:values"].status == "note"
    assert failed(findings) == []
    only = {"means": [None] * 17 + [means[17] + 1]}
    assert failed(inspect(tmp_path, File("training.h5", facts=only))[0]) == ["sen2:B12:values"]


def test_digital_numbers_fail(tmp_path: Path) -> None:
    write(tmp_path, sen2=values()["sen2"] * 10_000)
    findings, _ = inspect(tmp_path, File("training.h5"))
    assert failed(findings) == ["sen2:range"]
    assert "10,000" in findings["sen2:range"].remedy


# Packed files


def test_a_catalog_of_packed_files_asks_to_unpack_them(tmp_path: Path) -> None:
    path = write(tmp_path, "validation", **values(3, 2))
    path.rename(tmp_path / "validation.h5.gz")
    with pytest.raises(InputError, match="unpack it"):
        DATASET.catalog(tmp_path, ["validation.h5.gz"], no_hashes())


# Catalog and blocks


def test_catalog_is_in_order_of_the_splits(tmp_path: Path) -> None:
    for seed, name in enumerate(("testing", "training", "validation")):
        write(tmp_path, name, **values(seed))
    files = DATASET.list_files(tmp_path)
    hashes = pd.concat([inspect(tmp_path, File(file))[1] for file in files], ignore_index=True)
    catalog = DATASET.catalog(tmp_path, files, hashes)
    assert catalog["published_split"].tolist() == ["train"] * 7 + ["validation"] * 7 + ["test"] * 7
    assert catalog["patch"].is_unique
    assert catalog["patch"].iloc[[0, 20]].tolist() == ["training/000000", "testing/000006"]
    assert catalog["label"].tolist() == list(range(7)) * 3
    assert groups(DATASET, catalog).isna().all()
    assert catalog["epsg"].isna().all()
    assert str(catalog["epsg"].dtype) == "Int32"
    assert catalog["content_hash"].is_unique
    assert (DATASET.catalog(tmp_path, files, no_hashes())["content_hash"] == "").all()


def test_exact_duplicates_have_one_content_hash(tmp_path: Path) -> None:
    arrays = values()
    for key in ("sen1", "sen2"):
        arrays[key][6] = arrays[key][1]
    arrays["sen2"][5] = arrays["sen2"][1]  # the same image, another SAR scene
    write(tmp_path, **arrays)
    hashes = inspect(tmp_path, File("training.h5"))[1]
    content = DATASET.catalog(tmp_path, ["training.h5"], hashes)["content_hash"]
    assert content[6] == content[1]
    assert content[5] != content[1]
    assert content.nunique() == 6


@pytest.mark.parametrize("patches", [1, 3, 100])
def test_blocks_are_the_stored_values_in_order(tmp_path: Path, patches: int) -> None:
    arrays = {name: values(seed) for seed, name in enumerate(("training", "testing"))}
    for name, array in arrays.items():
        write(tmp_path, name, **array)
    catalog = DATASET.catalog(tmp_path, DATASET.list_files(tmp_path), no_hashes())
    some = catalog.iloc[[0, 1, 3, 6, 7, 8, 13]]
    blocks = list(DATASET.blocks(tmp_path, some, ["sen2:B4", "sen1:VV_im"], patches))
    assert max(len(block.patches) for block in blocks) <= patches
    assert pd.concat([block.patches for block in blocks])["patch"].tolist() == some["patch"].tolist()
    for layer, key, channel in (("sen2:B4", "sen2", 2), ("sen1:VV_im", "sen1", 3)):
        expected = np.concatenate(
            [arrays["training"][key][[0, 1, 3, 6], ..., channel], arrays["testing"][key][[0, 1, 6], ..., channel]]
        )
        found = np.concatenate([block.layers[layer] for block in blocks])
        assert found.dtype == np.float64
        assert np.array_equal(found, expected)
    assert DATASET.physical("sen2:B4", found).dtype == np.float32


def test_an_unknown_layer_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    catalog = DATASET.catalog(tmp_path, ["training.h5"], no_hashes())
    with pytest.raises(InputError, match="sen2:B10"):
        next(DATASET.blocks(tmp_path, catalog, ["sen2:B10"], 1))


# Vocabulary and registry


def test_classes_are_those_of_the_scheme() -> None:
    task = DATASET.tasks["lcz"]
    assert [category.code for category in task.categories] == list(range(17))
    assert task.names[0] == "Compact high-rise"
    assert task.names[16] == "Water"
    assert len({category.colour for category in task.categories}) == 17
    assert task.questions[0].positive == task.names[:10]


@pytest.mark.parametrize("name", ["lcz-s1", "lcz-s2", "lcz-s1+s2", "lcz-bands"])
def test_feature_sets_use_bands_that_they_name(name: str) -> None:
    feature_set = DATASET.feature_sets[name]
    assert len(set(feature_set.features)) == len(feature_set.features)
    assert set(patch.needed_bands(feature_set.features)) == set(feature_set.layers)
    assert set(feature_set.layers.values()) <= set(DATASET.layer_table)


@pytest.mark.parametrize("name", ["so2sat-v1", "so2sat-v2", "so2sat-v3-culture10", "so2sat-v4"])
def test_registered_facts_agree_with_each_other(name: str) -> None:
    entry = releases.read_entry(name)
    for file in entry["files"]:
        counts = file["facts"].get("class_counts")
        if counts:
            split = so2sat.layout.PUBLISHED[Path(file["path"]).stem]
            assert sum(counts) == entry["patches"][split]
            assert file["bytes"] == sum(counts) * so2sat.layout.ROW_BYTES + so2sat.layout.OVERHEAD_BYTES
        for values_of in ("means", "deviations"):
            assert len(file["facts"].get(values_of, [None] * 18)) == 18


def test_equal_files_have_equal_checksums_in_all_versions() -> None:
    training = {}
    for name in ("so2sat-v1", "so2sat-v2", "so2sat-v3-culture10", "so2sat-v4"):
        files = releases.read_entry(name)["files"]
        training[name] = next(file["checksums"] for file in files if file["path"].endswith("training.h5"))
    assert len({tuple(sorted(checksums.items())) for checksums in training.values()}) == 1


# Real pixels


def test_real_files_are_whole_and_understood(real: Path) -> None:
    folder = real / "so2sat"
    files = DATASET.list_files(folder)
    findings = DATASET.structure(folder, [File(file) for file in files])
    inspections = [inspect(folder, File(file)) for file in files if not file.endswith("_geo.h5")]
    findings += [finding for found, _ in inspections for finding in found.values()]
    assert [finding for finding in findings if finding.status == "failed"] == []
    catalog = DATASET.catalog(folder, files, pd.concat([hashes for _, hashes in inspections]))
    source = pd.read_csv(folder / "provenance.csv", dtype="str")
    assert len(catalog) == len(source) == 100
    assert catalog["file"].tolist() == (source["file"] + ".h5").tolist()
    codes = [*map(str, range(1, 11)), *"ABCDEFG"]
    assert [codes[label] for label in catalog["label"]] == source["lcz"].tolist()
    assert catalog["city"].tolist() == source["site"].tolist()
    # Sites and their places are given with the files: 282D at -48.11, -25.32 and 637U at 9.85, 57.23.
    for city, lon, lat in (("282D_485L_3_3", -48.11, -25.32), ("637U_59R_1_3", 9.85, 57.23)):
        here = catalog[catalog["city"] == city]
        assert np.allclose(here["lon"], lon, atol=0.03)
        assert np.allclose(here["lat"], lat, atol=0.03)


def test_features_of_real_patches_are_there(real: Path) -> None:
    folder = real / "so2sat"
    catalog = DATASET.catalog(folder, DATASET.list_files(folder), no_hashes()).iloc[60:66]
    for feature_set in DATASET.feature_sets.values():
        (block,) = DATASET.blocks(folder, catalog, sorted(set(feature_set.layers.values())), 10)
        features = patch.compute(feature_set.features, bands_of(DATASET, feature_set, block))
        assert features.shape == (6, len(feature_set.features))
        assert np.isfinite(features).all()
