"""TFDS folders and record files: known bytes, a second reader and writer, planted faults."""

import io
import json
import re
import struct
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sentinel_forest import cli, datasets
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.errors import InputError
from sentinel_forest.export import records, tfds, tfds_import
from sentinel_forest.io import tables
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.verify import catalog

COUNTS = {"training": 7, "validation": 3, "testing": 2}
ROLES = {"training": "train", "validation": "validation", "testing": "test"}


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A small release: folder, catalog, published split."""
    folder = tmp_path_factory.mktemp("release")
    random = np.random.default_rng(5)
    for name, count in COUNTS.items():
        with so2sat.create(folder, name, count) as file:
            file["sen1"][...] = random.normal(size=(count, 32, 32, 8))
            file["sen2"][...] = random.uniform(0, 0.4, size=(count, 32, 32, 10))
            file["label"][...] = np.eye(17)[random.integers(0, 17, count)]
    dataset = datasets.load("so2sat")
    patches = catalog.make(dataset, folder, dataset.list_files(folder), no_hashes())
    return folder, patches, split_of(patches, patches["published_split"])


@pytest.fixture(scope="module")
def exported(release, tmp_path_factory):
    """An export of the config ``all`` in shards of three patches. Only read it."""
    output = tmp_path_factory.mktemp("export") / "so2sat" / "all" / "2.1.0"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfds, "SHARD_BYTES", 3 * 32 * 32 * 72)
        tfds.export(*release, tfds.Target("so2sat", "all"), output)
    return output


@pytest.fixture
def copy(exported, tmp_path):
    """A copy of that export, to be damaged."""
    for path in exported.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def split_of(patches, roles) -> pd.DataFrame:
    return pd.DataFrame({"patch": patches["patch"], "role": np.asarray(roles, dtype=str), "weight": 1.0})


def stored(folder: Path, name: str) -> dict[str, np.ndarray]:
    with h5py.File(folder / f"{name}.h5") as file:
        return {key: file[key][...] for key in file}


def shards(folder: Path, split: str, form: str = "tfrecord") -> list[dict[str, records.Value]]:
    return [record for path in sorted(folder.glob(f"*-{split}.{form}-*")) for record in records.read(path, form)]


# Records


def test_an_example_has_the_known_bytes():
    # Written by hand after example.proto, feature.proto and the encoding of protocol buffers.
    some_bytes = b"\x0a\x0c\x0a\x01b\x12\x07\x0a\x05\x0a\x03\xff\x00\x01"
    a_float = b"\x0a\x0d\x0a\x01f\x12\x08\x12\x06\x0a\x04\x00\x00\xc0\x3f"
    integers = b"\x0a\x0c\x0a\x01n\x12\x07\x1a\x05\x0a\x03\xac\x02\x01"
    values = {"n": np.array([300, 1]), "f": np.array([1.5], np.float32), "b": b"\xff\x00\x01"}
    assert records.encode(values) == b"\x0a\x2b" + some_bytes + a_float + integers


def test_a_negative_number_takes_ten_bytes():
    record = records.encode({"n": np.array([-1])})
    assert record.endswith(b"\xff" * 9 + b"\x01")
    assert records.decode(record)["n"].tolist() == [-1]


@given(
    st.dictionaries(
        st.text(max_size=200),
        st.one_of(
            st.binary(max_size=300),
            st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=9).map(np.array),
            st.lists(st.floats(width=32), max_size=60).map(lambda values: np.array(values, np.float32)),
        ),
        max_size=5,
    )
)
def test_what_is_encoded_is_decoded(values):
    found = records.decode(records.encode(values))
    assert found.keys() == values.keys()
    for name, value in values.items():
        if isinstance(value, bytes):
            assert found[name] == value
        else:
            np.testing.assert_array_equal(found[name], value)
            assert found[name].dtype == value.dtype


@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(data):
    with suppress(ValueError, IndexError):
        records.decode(data)


def castagnoli(data: bytes) -> int:
    """CRC-32C bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@given(st.binary(max_size=40))
def test_the_checksum_is_that_of_tfrecord(data):
    crc = castagnoli(data)
    assert records.masked_crc(data) == ((crc >> 15 | crc << 17) % 2**32 + 0xA282EAD8) % 2**32


def test_the_checksum_has_the_published_value():
    # RFC 3720, B.4: CRC-32C of 32 bytes of zero is aa 36 91 8a (in file order).
    assert castagnoli(bytes(32)) == 0x8A9136AA


def test_a_tfrecord_file_has_its_frame(tmp_path):
    file = records.writer(tmp_path / "file", "tfrecord")
    file.write(b"abc")
    file.close()
    length = struct.pack("<Q", 3)
    expected = length + struct.pack("<I", records.masked_crc(length)) + b"abc"
    assert (tmp_path / "file").read_bytes() == expected + struct.pack("<I", records.masked_crc(b"abc"))


@pytest.mark.parametrize("form", records.FORMATS)
def test_a_file_of_records_is_read_as_written(tmp_path, form):
    values = [{"n": np.array([number]), "b": bytes(number)} for number in range(150)]
    file = records.writer(tmp_path / "file", form)
    for value in values:
        file.write(records.encode(value))
    file.close()
    found = list(records.read(tmp_path / "file", form))
    assert [(int(value["n"][0]), value["b"]) for value in found] == [(n, bytes(n)) for n in range(150)]


@pytest.mark.parametrize("form", records.FORMATS)
@pytest.mark.parametrize("fault", ["cut", "turned bit", "other file"])
def test_a_damaged_file_of_records_is_refused(exported, tmp_path, form, fault):
    path = sorted(exported.glob(f"*-train.{form}-*"))[0]
    data = bytearray(path.read_bytes())
    damaged = tmp_path / path.name
    if fault == "turned bit":
        data[len(data) // 2] ^= 4
    damaged.write_bytes({"cut": data[:100_000], "other file": b"x" * 200_000}.get(fault, data))
    with pytest.raises(InputError, match="damaged") as caught:
        list(records.read(damaged, form))
    assert path.name in str(caught.value)


def test_a_length_that_is_no_length_takes_no_memory(tmp_path):
    length = struct.pack("<Q", 2**62)
    (tmp_path / "file").write_bytes(length + struct.pack("<I", records.masked_crc(length)) + b"abc")
    with pytest.raises(InputError, match="damaged"):
        list(records.read(tmp_path / "file", "tfrecord"))


# Images


def test_rgb_is_clipped_and_truncated():
    bands = np.array([[0.1, 0.2, 0.3], [-0.1, 0.0, 2.8]])
    assert tfds.rgb(bands, "2.1.0").tolist() == [[89, 178, 255], [0, 0, 255]]
    assert tfds.rgb(bands, "2.0.0").tolist() == [[9, 18, 27], [0, 0, 255]]


def test_rgb_is_computed_in_float64():
    bands = np.arange(1, 256)[:, None] / 892.5 * np.ones(3)
    below = np.nextafter(bands, 0)
    found = tfds.rgb(np.concatenate([bands, below]), "2.1.0")
    exact = [min(int(value * 892.5), 255) for value in np.concatenate([bands, below])[:, 0].tolist()]
    assert found[:, 0].tolist() == exact
    assert (found != tfds.rgb(np.concatenate([bands, below]).astype(np.float32), "2.1.0")).any()


# Export


@pytest.mark.parametrize("form", records.FORMATS)
def test_all_holds_the_rows_of_the_files(release, exported, form):
    for name, role in ROLES.items():
        rows, found = stored(release[0], name), shards(exported, role, form)
        for feature, key in (("sentinel1", "sen1"), ("sentinel2", "sen2")):
            values = np.stack([record[feature] for record in found]).reshape(rows[key].shape)
            np.testing.assert_array_equal(values, rows[key].astype(np.float32))
        assert [int(record["label"][0]) for record in found] == rows["label"].argmax(1).tolist()
        assert [int(record["sample_id"][0]) for record in found] == list(range(COUNTS[name]))


@pytest.mark.parametrize("version", tfds.FACTORS)
def test_rgb_holds_images_of_the_version(release, tmp_path, version):
    output = tmp_path / version
    tfds.export(*release, tfds.Target("so2sat", "rgb", version, ("tfrecord",)), output)
    for name, role in ROLES.items():
        bands = stored(release[0], name)["sen2"][..., [2, 1, 0]]
        found = [np.asarray(Image.open(io.BytesIO(record["image"]))) for record in shards(output, role)]
        np.testing.assert_array_equal(np.stack(found), tfds.rgb(bands, version))
    info = json.loads((output / "dataset_info.json").read_text())
    assert tfds.FACTORS[version][1] in info["configDescription"]
    assert "alternativeFileFormats" not in info
    assert not list(output.glob("*array_record*"))


def test_counts_and_sizes_are_those_of_the_files(exported):
    info = json.loads((exported / "dataset_info.json").read_text())
    assert [split["shardLengths"] for split in info["splits"]] == [["3", "3", "1"], ["3"], ["2"]]
    for split in info["splits"]:
        files = list(exported.glob(f"so2sat-{split['name']}.tfrecord-*"))
        count = sum(map(int, split["shardLengths"]))
        # A frame of TFRecord has 16 bytes.
        assert int(split["numBytes"]) == sum(path.stat().st_size for path in files) - 16 * count
        assert len(files) == len(split["shardLengths"])


def test_an_export_is_the_same_bytes_again(release, exported, tmp_path, monkeypatch):
    monkeypatch.setattr(tfds, "SHARD_BYTES", 3 * 32 * 32 * 72)
    tfds.export(*release, tfds.Target("so2sat", "all"), tmp_path / "again")
    names = sorted(path.name for path in exported.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    for name in names:
        assert (exported / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_resampled_split_counts_its_own_rows(release, tmp_path):
    folder, patches, _ = release
    roles = ["test", "unused", "train", "test", "train", "unused", "train", "test", "train", "test", "test", "train"]
    target = tfds.Target("so2sat_mine", "all", formats=("tfrecord",))
    tfds.export(folder, patches, split_of(patches, roles), target, tmp_path / "out")
    assert {path.name.split("-")[1].split(".")[0] for path in tmp_path.glob("out/*tfrecord*")} == {"train", "test"}
    for role in ("train", "test"):
        chosen = patches[np.array(roles) == role]
        found = shards(tmp_path / "out", role)
        assert [int(record["sample_id"][0]) for record in found] == list(range(len(chosen)))
        for record, patch in zip(found, chosen.itertuples(), strict=True):
            pixels = stored(folder, Path(patch.file).stem)["sen2"][patch.row]
            np.testing.assert_array_equal(record["sentinel2"].reshape(pixels.shape), pixels.astype(np.float32))


def test_an_earlier_export_is_replaced_and_nothing_else(release, tmp_path):
    target = tfds.Target("so2sat", "rgb", formats=("tfrecord",))
    tfds.export(*release, target, tmp_path / "out")
    (tmp_path / "out" / "so2sat-train.tfrecord-00007-of-00008").write_text("left over")
    tfds.export(*release, target, tmp_path / "out")
    assert not list(tmp_path.glob("out/*00008"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all my work")
    with pytest.raises(InputError, match="something else"):
        tfds.export(*release, target, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "all my work"


def test_a_failed_export_leaves_nothing(release, tmp_path):
    _, patches, split = release
    with pytest.raises(InputError):
        tfds.export(tmp_path, patches, split, tfds.Target("so2sat", "rgb"), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_split_of_another_catalog_is_refused(release, tmp_path):
    folder, patches, split = release
    with pytest.raises(InputError, match="not one of this catalog"):
        tfds.export(folder, patches, split.iloc[::-1], tfds.Target("so2sat", "rgb"), tmp_path / "out")


# Import


@pytest.mark.parametrize("form", records.FORMATS)
def test_a_folder_becomes_the_files_it_came_from(release, copy, tmp_path_factory, form):
    change(copy, "fileFormat", form)
    target = tmp_path_factory.mktemp("target")
    tfds_import.import_release(copy, target)
    with pytest.raises(InputError, match="There is a release already"):
        tfds_import.import_release(copy, target)
    for name in COUNTS:
        found, expected = stored(target, name), stored(release[0], name)
        np.testing.assert_array_equal(found["label"], expected["label"])
        for key in ("sen1", "sen2"):
            assert found[key].dtype == np.float64
            np.testing.assert_array_equal(found[key], expected[key].astype(np.float32))


def test_rows_come_back_in_order(release, copy, tmp_path_factory):
    """Shards of the others' making hold the rows in the order of a hash."""
    found = shards(copy, "train")
    order = np.random.default_rng(0).permutation(len(found))
    rewrite(copy, "train", [found[place] for place in order])
    target = tmp_path_factory.mktemp("target")
    tfds_import.import_release(copy, target)
    np.testing.assert_array_equal(
        stored(target, "training")["sen2"], stored(release[0], "training")["sen2"].astype(np.float32)
    )


def rewrite(folder: Path, split: str, examples: list[dict[str, records.Value]]) -> None:
    """Write records over the shards of a split, as many to each as it had."""
    examples = list(examples)
    for path in sorted(folder.glob(f"*-{split}.tfrecord-*")):
        count = len(list(records.read(path, "tfrecord")))
        file = records.writer(path, "tfrecord")
        for example in examples[:count]:
            file.write(records.encode(example))
        file.close()
        del examples[:count]


def change(folder: Path, key: str, value: object) -> None:
    path = folder / "dataset_info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))


def repeated(folder: Path) -> None:
    found = shards(folder, "train")
    rewrite(folder, "train", [found[0], *found[:-1]])


def without_pixels(folder: Path) -> None:
    found = shards(folder, "train")
    rewrite(folder, "train", [{"sample_id": record["sample_id"], "image": b"x"} for record in found])


def without_class(folder: Path) -> None:
    rewrite(folder, "train", [record | {"label": np.array([17])} for record in shards(folder, "train")])


def out_of_range(folder: Path) -> None:
    rewrite(folder, "train", [record | {"sample_id": np.array([7])} for record in shards(folder, "train")])


def too_long(folder: Path) -> None:
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"][0]["shardLengths"] = ["3", "4", "1"]
    change(folder, "splits", info["splits"])


def one_short(folder: Path) -> None:
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"][0]["shardLengths"] = ["3", "2", "1"]
    change(folder, "splits", info["splits"])


def other_classes(folder: Path) -> None:
    path = folder / "label.labels.txt"
    path.write_text("\n".join(sorted(path.read_text().split("\n"))))


def other_template(folder: Path) -> None:
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"][0]["filepathTemplate"] = "{CITY}"
    change(folder, "splits", info["splits"])


FAULTS = {
    "comes twice": repeated,
    "lacks 'sentinel1'": without_pixels,
    "no class of So2Sat": without_class,
    "found: 7": out_of_range,
    "another number of records": too_long,
    "range or comes twice|another number": one_short,
    "not those of So2Sat": other_classes,
    "not one of tensorflow_datasets": other_template,
    "is missing": lambda folder: sorted(folder.glob("*-train.tfrecord-*"))[1].unlink(),
    "found: FileNotFoundError": lambda folder: (folder / "dataset_info.json").unlink(),
    "found: JSONDecodeError": lambda folder: (folder / "dataset_info.json").write_text("{"),
    "found: KeyError": lambda folder: (folder / "dataset_info.json").write_text('{"name": "so2sat"}'),
    "found: riegeli": lambda folder: change(folder, "fileFormat", "riegeli"),
    "found: extra": lambda folder: change(folder, "splits", [{"name": "extra", "shardLengths": []}]),
    "found: none": lambda folder: change(folder, "splits", []),
}


@pytest.mark.parametrize("message", FAULTS)
def test_a_folder_with_a_fault_is_refused(copy, tmp_path_factory, message):
    FAULTS[message](copy)
    target = tmp_path_factory.mktemp("target")
    with pytest.raises(InputError) as caught:
        tfds_import.import_release(copy, target)
    assert re.search(message, str(caught.value))
    assert "what to do" in str(caught.value) or "expected" in str(caught.value)
    assert not list(target.iterdir())


# Commands


def test_the_commands_do_the_same(release, exported, tmp_path, monkeypatch, capsys):
    folder, patches, split = release
    tables.write_parquet(tmp_path / "catalog", patches, catalog.schema(datasets.load("so2sat")))
    tables.write_parquet(tmp_path / "split", split, SPLIT)
    monkeypatch.setattr(tfds, "SHARD_BYTES", 3 * 32 * 32 * 72)
    tfds.tfds_export(
        folder=folder,
        catalog=tmp_path / "catalog",
        split=tmp_path / "split",
        name="so2sat",
        config="all",
        version="2.1.0",
        about={"description": "d", "citation": "c", "licence": "l", "home": "https://example.org"},
        output=tmp_path / "out",
    )
    for path in exported.glob("*record*"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text())
    assert info["redistributionInfo"] == {"license": "l"}
    assert info["location"] == {"urls": ["https://example.org"]}
    cli.main(["tfds-import", "--source", str(tmp_path / "out"), "--folder", str(tmp_path / "back")])
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == [f"{name}.h5" for name in sorted(COUNTS)]
