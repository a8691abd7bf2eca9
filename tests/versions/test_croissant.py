"""Croissant metadata of hand-made tables; tests/interop holds them against `mlcroissant`."""

import hashlib
import json

import pandas as pd
import pytest

from sentinel_forest.errors import InputError
from sentinel_forest.io.tables import write_parquet
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.steps import TrialFile
from sentinel_forest.versions import croissant

PLACES = {"patch": ["p1", "p2", "p3"], "epsg": [32632, 32633, None], "lon": [9.5, 12.25, None], "lat": [48, 41.5, None]}
"""A catalog: the place of the last patch is unknown."""
PATCHES = {"patch": ["p1", "p2", "p3"], "role": ["train", "test", "unused"], "weight": [1.0, 1.0, 2.0]}


def write_catalog(folder, **columns):
    table = pd.DataFrame(PLACES | columns).astype({"patch": "str", "epsg": "Int32"})
    table.to_parquet(folder / "catalog.parquet")
    return folder / "catalog.parquet"


def _write(folder, release, dataset, paths, columns=None, **more):
    """Write the metadata of a release with files of these paths and one split; give its path."""
    split = folder / "splits" / "published" / "1.parquet"
    write_parquet(split, pd.DataFrame(PATCHES).astype({"patch": "str", "role": "str"}), SPLIT)
    rows = [f"{path}\t5\t{hashlib.sha256(path.encode()).hexdigest()}\n" for path in paths]
    checksums = folder / "checksums.tsv"
    checksums.write_text("path\tbytes\tsha256\n" + "".join(rows))
    output = folder / "croissant.json"
    croissant.croissant(
        release=release,
        dataset=dataset,
        checksums=checksums,
        catalog=write_catalog(folder, **(columns or {})),
        place=f"../data/{release}",
        splits=[TrialFile("published", 1, split)],
        output=output,
        **more,
    )
    return output


def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _files(metadata):
    return {node["@id"]: node for node in metadata["distribution"]}


@pytest.fixture
def so2sat(tmp_path):
    """Metadata of So2Sat version 2 with a registered and an unregistered file."""
    return _write(tmp_path, "so2sat-v2", "so2sat", ["training.h5", "extra.h5"])


def test_release_is_described_as_registered(so2sat):
    metadata = _read(so2sat)
    assert metadata["license"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert metadata["url"] == "https://mediatum.ub.tum.de/1483140"
    assert metadata["version"] == "2"
    assert "Zhu" in metadata["citeAs"]
    assert "10.1109/MGRS.2020.2964708" in metadata["citeAs"]


def test_files_have_address_and_checksum(so2sat):
    files = _files(_read(so2sat))
    registered, other = files["training.h5"], files["extra.h5"]
    assert registered["contentUrl"].startswith("https://dataserv.ub.tum.de/")
    assert registered["contentUrl"].endswith("/training.h5")
    assert registered["sha256"] == hashlib.sha256(b"training.h5").hexdigest()
    assert other["contentUrl"] == "../data/so2sat-v2/extra.h5"


def test_split_is_a_record_set_of_the_table_beside(so2sat):
    metadata = _read(so2sat)
    table = _files(metadata)["splits/published/1.parquet"]
    path = so2sat.parent / table["contentUrl"]
    assert table["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    [records] = [entry for entry in metadata["recordSet"] if entry["name"] == "published-1"]
    columns = [field["source"]["extract"]["column"] for field in records["field"]]
    assert columns == list(SPLIT.columns)
    assert {field["source"]["fileObject"]["@id"] for field in records["field"]} == {table["@id"]}


def test_classes_are_a_record_set(so2sat):
    [classes] = [entry for entry in _read(so2sat)["recordSet"] if entry["name"] == "classes-lcz"]
    assert len(classes["data"]) == 17
    assert classes["data"][16]["classes-lcz/name"] == "Water"


def test_own_release(tmp_path):
    own = {"licence": "for use in this house"}
    metadata = _read(_write(tmp_path, "mine", "so2sat", ["training.h5"], own=own))
    assert metadata["license"] == "for use in this house"
    assert metadata["name"] == "mine"
    assert not {"citeAs", "url", "version"} & set(metadata)


def test_unknown_release(tmp_path):
    with pytest.raises(InputError):
        _write(tmp_path, "so2sat-v9", "so2sat", ["training.h5"])


def test_many_files_are_sets_by_format(tmp_path):
    paths = [f"ROIs1158_spring/s1_1/p{number}.tif" for number in range(croissant.MOST_FILES + 1)]
    files = _files(_read(_write(tmp_path, "sen12ms", "sen12ms", [*paths, "readme.txt"])))
    assert list(files) == ["files.tif", "files.txt", "splits/published/1.parquet"]
    assert files["files.tif"]["includes"] == "../data/sen12ms/**/*.tif"


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("https://example.org/{path}", "https://example.org/a/b.dat"),
        ("https://example.org/fixed.dat", "https://example.org/fixed.dat"),
        (
            "hf://datasets/csaybar/CloudSEN12-high@main/{path}",
            "https://huggingface.co/datasets/csaybar/CloudSEN12-high/resolve/main/a/b.dat",
        ),
    ],
)
def test_address_of_a_file(template, address):
    assert croissant.address_of(template, "a/b.dat") == address


def test_same_bytes_in_another_place(tmp_path):
    first, second = (
        _write(tmp_path / name, "so2sat-v2", "so2sat", ["training.h5"]).read_bytes() for name in ("a", "b")
    )
    assert first == second
    assert str(tmp_path).encode() not in first


def test_terms_of_geocroissant(so2sat, tmp_path):
    metadata = _read(so2sat)
    assert metadata["conformsTo"] == [croissant.VERSION, "http://mlcommons.org/croissant/geo/1.0"]
    assert metadata["geocr:coordinateReferenceSystem"] == "EPSG:32632, EPSG:32633"
    assert metadata["spatialCoverage"]["geo"]["box"] == "41.5000 9.5000 48.0000 12.2500"  # south, west, north, east
    bands = metadata["geocr:bandConfiguration"]
    assert bands["geocr:totalBands"] == len(bands["geocr:bandNameList"]) == 18
    spectral = {band["name"]: band for band in metadata["geocr:spectralBandMetadata"]}
    assert len(spectral) == 10  # those of Sentinel-1 have no wavelength in nm
    assert spectral["B8A"]["geocr:centerWavelength"] == {"@type": "QuantitativeValue", "value": 864.7, "unitText": "nm"}
    assert "temporalCoverage" not in metadata  # nobody published dates


def test_nothing_is_claimed_or_made_up_of_patches_without_a_place(tmp_path):
    unknown = dict.fromkeys(("epsg", "lon", "lat"), [None] * 3) | {"date": ["2019-04-01", "", "2018-12-31"]}
    metadata = _read(_write(tmp_path, "so2sat-v2", "so2sat", ["training.h5"], unknown))
    assert metadata["conformsTo"] == croissant.VERSION
    assert not {"geocr:coordinateReferenceSystem", "spatialCoverage"} & set(metadata)
    assert metadata["temporalCoverage"] == "2018-12-31/2019-04-01"
