"""The catalog: its schema, the step, shards."""

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_forest import datasets
from sentinel_forest.acquire.history import Seen, state_of
from sentinel_forest.config import releases
from sentinel_forest.datasets.base import no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.errors import InputError
from sentinel_forest.io import tables
from sentinel_forest.verify import catalog
from sentinel_forest.verify.inspect import HASHES


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release of two splits with two patches each, labels only."""
    dataset = CloudSEN12(side=8)
    for split in ("train", "test"):
        labels = dataset.create(tmp_path / "data", split, 2, ["LABEL_manual_hq"])["LABEL_manual_hq"]
        labels[:, 1:6, 1:6] = 3
        labels.flush()
        table = pd.DataFrame({"roi_id": [split] * 2, "s2_id": ["p", "q"], "difficulty": ["3", ""]})
        dataset.write_metadata(tmp_path / "data", split, table)
    return tmp_path / "data"


def make_catalog(release: Path) -> None:
    """Call the step; its inputs are written first."""
    work = release.parent
    paths = datasets.load("cloudsen12", {"side": 8}).list_files(release)
    tables.write_tsv(work / "files.tsv", releases.file_table(release, paths), releases.FILES)
    tables.write_parquet(work / "hashes.parquet", no_hashes(), HASHES)
    catalog.catalog(
        dataset="cloudsen12",
        layout={"side": 8},
        folder=release,
        files=work / "files.tsv",
        hashes=work / "hashes.parquet",
        output=work / "catalog.parquet",
    )


def test_step_writes_what_read_gives_back(release: Path) -> None:
    make_catalog(release)
    output = release.parent / "catalog.parquet"
    table = tables.read_catalog(output)
    assert table["patch"].tolist() == ["train/p", "train/q", "test/p", "test/q"]
    assert str(table["epsg"].dtype) == "Int32"
    assert (table["fraction_cloud shadow"] == 1).all()
    np.testing.assert_array_equal(table["difficulty"], np.float32([3, np.nan, 3, np.nan]))
    before = output.read_bytes()
    make_catalog(release)
    assert output.read_bytes() == before


def test_fault_leaves_the_output_as_it_was(release: Path) -> None:
    make_catalog(release)
    output = release.parent / "catalog.parquet"
    before = output.read_bytes()
    (release / "train/LABEL_manual_hq.dat").write_bytes(b"123")
    with pytest.raises(InputError, match=r"LABEL_manual_hq\.dat"):
        make_catalog(release)
    assert output.read_bytes() == before


class Twice(CloudSEN12):
    """A dataset whose ids are not unique."""

    def catalog(self, *given: object) -> pd.DataFrame:
        return super().catalog(*given).assign(patch=["a", "b", "a", "c"])  # type: ignore[arg-type]


def test_a_file_that_changed_since_it_was_verified_stops_the_catalog(release: Path) -> None:
    seen, path = Seen(release.parent, release.name), release / "test" / "metadata.csv"
    seen.record({"test/metadata.csv": state_of(release, "test/metadata.csv")})
    path.touch()
    make_catalog(release)  # the same bytes
    output = release.parent / "catalog.parquet"
    before = output.read_bytes()
    path.write_text(path.read_text().replace("test", "train"))
    with pytest.raises(InputError, match="has changed since it was verified") as caught:
        make_catalog(release)
    assert str(path) in str(caught.value)
    assert output.read_bytes() == before


def test_ids_that_occur_twice_are_named(release: Path) -> None:
    dataset = Twice(side=8)
    with pytest.raises(InputError, match=r"a \(train, row 0\), a \(test, row 0\)"):
        catalog.make(dataset, release, dataset.list_files(release), no_hashes())


@pytest.mark.parametrize(
    ("column", "value"),
    [("published_split", "val"), ("lat", 91.0), ("fraction_clear", 1.5), ("group", ""), ("content_hash", "x")],
)
def test_schema_refuses(release: Path, column: str, value: object) -> None:
    dataset = CloudSEN12(side=8)
    table = catalog.make(dataset, release, dataset.list_files(release), no_hashes())
    catalog.schema(dataset).validate(table)
    table[column] = pd.Series([value] * len(table)).astype(table[column].dtype)
    with pytest.raises(pandera.errors.SchemaError):
        catalog.schema(dataset).validate(table)


def test_schema_wants_the_group_keys(release: Path) -> None:
    dataset = CloudSEN12(side=8)
    table = catalog.make(dataset, release, dataset.list_files(release), no_hashes())
    with pytest.raises(pandera.errors.SchemaError, match="tile"):
        catalog.schema(dataset).validate(table.drop(columns="tile"))


@given(rows=st.integers(0, 50), shards=st.integers(1, 12))
def test_shards_are_the_whole_in_order(rows: int, shards: int) -> None:
    table = pd.DataFrame({"row": range(rows)})
    parts = [tables.shard(table, number, shards) for number in range(1, shards + 1)]
    assert [row for part in parts for row in part["row"]] == list(range(rows))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("number", [0, 4])
def test_no_such_shard(number: int) -> None:
    with pytest.raises(InputError, match="no such shard"):
        tables.shard(pd.DataFrame({"row": range(9)}), number, 3)
