"""Trials written back in the publisher's layout: the same bytes, other splits."""

import errno
import itertools
import json
import os
import re
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_forest import datasets
from sentinel_forest.config import releases
from sentinel_forest.datasets import so2sat
from sentinel_forest.datasets.base import Dataset, no_hashes
from sentinel_forest.datasets.cloudsen12 import CloudSEN12
from sentinel_forest.datasets.sen12ms import Sen12MS, read_split_list
from sentinel_forest.errors import InputError
from sentinel_forest.export import trial
from sentinel_forest.io import copying, tables
from sentinel_forest.splits.roles import roles_of
from sentinel_forest.splits.split import SPLIT
from sentinel_forest.verify.catalog import make, schema

SIDE = 12
COUNTS = {"train": 9, "val": 4, "test": 5}
LAYERS = ["L1C_B2", "S1_VV", "LABEL_manual_hq"]
HEADER = 'roi_id,s2_id,"note, free",difficulty\n'


def cloudsen12(folder: Path) -> Path:
    """A release in which every pixel of a patch, and each of its layers, tells which patch it is."""
    dataset, generator = CloudSEN12(side=SIDE), np.random.default_rng(0)
    for split, count in COUNTS.items():
        for layer, stored in dataset.create(folder, split, count, LAYERS).items():
            top = 4 if layer.startswith("LABEL") else 10_000
            stored[:] = generator.integers(0, top, stored.shape)
            stored.flush()
        lines = [f'{split}{row}, P{row} ,"a ""b"", {row}",{"" if row % 2 else "1.0"}\n' for row in range(count)]
        (folder / split / "metadata.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
    return folder


def so2sat_release(folder: Path, cities: bool = True) -> Path:
    """A release with patches of distinct values, each in a city of its own, 30 km from the next."""
    generator, built = np.random.default_rng(1), 0
    for name, count in {"training": 7, "validation": 3, "testing": 4}.items():
        with so2sat.create(folder, name, count) as file:
            for key in ("sen1", "sen2"):
                file[key][:] = generator.random(file[key].shape)
            file["label"][:] = np.eye(17)[generator.integers(0, 17, count)]
        if cities:
            places = generator.random((count, 2)) * 100 + 4e5
            places[:, 0] += 3e4 * (built + np.arange(count))
            tfw = np.column_stack([np.full((count, 4), [10, 0, 0, -10]), places])
            built += count
            so2sat.write_geo(folder, name, np.full(count, 32632), tfw, [f"{name} {row}" for row in range(count)])
    return folder


def catalog_of(dataset: Dataset, folder: Path) -> pd.DataFrame:
    return make(dataset, folder, dataset.list_files(folder), no_hashes())


def split_of(catalog: pd.DataFrame, roles: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"patch": catalog["patch"], "role": roles, "weight": 1.0}).astype({"role": "str"})


def drawn(catalog: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """A split with all four roles in it."""
    roles = ["train", "validation", "test", "unused"]
    chosen = np.random.default_rng(seed).permutation(np.resize(roles, len(catalog)))
    return split_of(catalog, chosen.tolist())


def exported(
    dataset: Dataset,
    folder: Path,
    split: pd.DataFrame,
    target: Path,
    layers: list[str] | None = None,
    form: str = "publisher",
) -> dict[str, pd.DataFrame]:
    """Export in-process; rows of the catalog by role."""
    roles = roles_of(catalog_of(dataset, folder), split)
    trial.check_target(target, folder)
    trial.write(trial.plan(dataset, folder, roles, layers or [], form), target, {"trial": 1}, [])
    return roles


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cloudsen12(tmp_path_factory.mktemp("clouds") / "data")


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return so2sat_release(tmp_path_factory.mktemp("cities") / "data")


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


# ---------------------------------------------------------------------------------- the whole step


def command(release: Path, work: Path, **more: object) -> dict[str, Any]:
    """Arguments of the step for the release of clouds; its inputs are written first."""
    dataset = CloudSEN12(side=SIDE)
    catalog = catalog_of(dataset, release)
    tables.write_parquet(work / "catalog.parquet", catalog, schema(dataset))
    tables.write_parquet(work / "1.parquet", drawn(catalog), SPLIT)
    arguments = {
        "dataset": "cloudsen12",
        "layout": {"side": SIDE},
        "release": "mine",
        "folder": release,
        "catalog": work / "catalog.parquet",
        "split": work / "1.parquet",
        "scheme": "pooled-random",
        "trial": 1,
        "roles": [],
        "layers": [],
        "form": "publisher",
        "target": work / "out",
    }
    return arguments | more


def test_a_recombined_export_is_read_by_plain_memmap(clouds: Path, tmp_path: Path) -> None:
    trial.export_trial(**command(clouds, tmp_path))
    split = tables.read_parquet(tmp_path / "1.parquet")
    catalog = tables.read_parquet(tmp_path / "catalog.parquet")
    for folder, role in (("train", "train"), ("val", "validation"), ("test", "test")):
        rows = catalog[split["role"] == role]
        # What code written for the published split does.
        metadata = pd.read_csv(tmp_path / "out" / folder / "metadata.csv")
        shape = (len(metadata), SIDE, SIDE)
        for layer, dtype in (("L1C_B2", "int16"), ("S1_VV", "float32"), ("LABEL_manual_hq", "uint8")):
            array = np.memmap(tmp_path / "out" / folder / f"{layer}.dat", dtype=dtype, mode="r", shape=shape)
            source = {
                name: np.memmap(clouds / name / f"{layer}.dat", dtype=dtype, mode="r").reshape(-1, SIDE, SIDE)
                for name in COUNTS
            }
            expected = np.stack([source[row.file][row.row] for row in rows.itertuples()])
            np.testing.assert_array_equal(array, expected)
        assert metadata["roi_id"].tolist() == [f"{row.file}{row.row}" for row in rows.itertuples()]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["roles"] == {"train": 5, "val": 5, "test": 4}
    assert (manifest["release"], manifest["scheme"], manifest["trial"]) == ("mine", "pooled-random", 1)
    listed = tables.read_tsv(tmp_path / "out" / "exported.tsv", releases.FILES)
    assert len(listed) == 3 * 4 + 2, "layers and metadata of three roles, README.md and load.py"
    assert (listed["bytes"] == [(tmp_path / "out" / path).stat().st_size for path in listed["path"]]).all()


def test_text_of_metadata_is_not_touched(clouds: Path, tmp_path: Path) -> None:
    dataset = CloudSEN12(side=SIDE)
    catalog = catalog_of(dataset, clouds)
    exported(dataset, clouds, split_of(catalog, ["unused", *["train"] * 17]), tmp_path / "out")
    lines = (tmp_path / "out" / "train" / "metadata.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == HEADER.strip()
    assert lines[1] == 'train1, P1 ,"a ""b"", 1",'
    assert lines[-1] == 'test4, P4 ,"a ""b"", 4",1.0'
    assert not (tmp_path / "out" / "val").exists()


def test_the_published_split_comes_out_as_it_went_in(clouds: Path, tmp_path: Path) -> None:
    dataset = CloudSEN12(side=SIDE)
    catalog = catalog_of(dataset, clouds)
    exported(dataset, clouds, split_of(catalog, catalog["published_split"].tolist()), tmp_path / "out")
    assert content(clouds).items() <= content(tmp_path / "out").items()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(["train", "validation", "test", "unused"]), min_size=18, max_size=18))
def test_every_exported_row_equals_its_source(
    tmp_path_factory: pytest.TempPathFactory, clouds: Path, roles: list[str]
) -> None:
    if set(roles) == {"unused"}:
        roles = ["train", *roles[1:]]
    dataset, target = CloudSEN12(side=SIDE), tmp_path_factory.mktemp("export") / "out"
    catalog = catalog_of(dataset, clouds)
    exported(dataset, clouds, split_of(catalog, roles), target)
    again = catalog_of(dataset, target)
    used = catalog.assign(role=roles)[np.array(roles) != "unused"]
    used = pd.concat([used[used["role"] == role] for role in ("train", "validation", "test")])
    assert again["roi"].tolist() == used["roi"].tolist()
    assert again["published_split"].tolist() == used["role"].tolist()
    for layer in LAYERS:
        old = np.concatenate([block.layers[layer] for block in dataset.blocks(clouds, used, [layer], 4)])
        new = np.concatenate([block.layers[layer] for block in dataset.blocks(target, again, [layer], 4)])
        np.testing.assert_array_equal(new, old)
    shutil.rmtree(target.parent)


def test_chosen_layers_only(clouds: Path, tmp_path: Path) -> None:
    dataset = CloudSEN12(side=SIDE)
    exported(dataset, clouds, drawn(catalog_of(dataset, clouds)), tmp_path / "out", ["S1_VV"])
    assert sorted(path.name for path in (tmp_path / "out" / "val").iterdir()) == ["S1_VV.dat", "metadata.csv"]
    for layer, word in (("L1C_B4", "missing"), ("B4", "Unknown layer")):
        with pytest.raises(InputError, match=word):
            exported(dataset, clouds, drawn(catalog_of(dataset, clouds)), tmp_path / "no", [layer])
    assert not (tmp_path / "no").exists()


def test_splits_with_different_dtypes_are_not_joined(clouds: Path, tmp_path: Path) -> None:
    release = shutil.copytree(clouds, tmp_path / "data")
    label = release / "test" / "LABEL_manual_hq.dat"
    label.write_bytes(np.frombuffer(label.read_bytes(), np.uint8).astype("<i2").tobytes())
    dataset = CloudSEN12(side=SIDE)
    with pytest.raises(InputError, match="different dtypes"):
        exported(dataset, release, drawn(catalog_of(dataset, release)), tmp_path / "out")


# ------------------------------------------------------------------------------------------ So2Sat


def test_so2sat_export_equals_its_sources(cities: Path, tmp_path: Path) -> None:
    dataset = so2sat.So2Sat()
    roles = exported(dataset, cities, drawn(catalog_of(dataset, cities)), tmp_path / "out")
    for role, stem in (("train", "training"), ("validation", "validation"), ("test", "testing")):
        path = tmp_path / "out" / f"{stem}.h5"
        assert path.stat().st_size == len(roles[role]) * so2sat.layout.ROW_BYTES + so2sat.layout.OVERHEAD_BYTES
        with h5py.File(path) as new, h5py.File(tmp_path / "out" / f"{stem}_geo.h5") as geo:
            for key, dataset_ in new.items():
                assert dataset_.dtype == np.float64
                assert dataset_.chunks is None
                np.testing.assert_array_equal(dataset_[...], gathered(cities, roles[role], key))
            assert sorted(new) == ["label", "sen1", "sen2"]
            for key in ("epsg", "tfw", "city"):
                np.testing.assert_array_equal(geo[key][...], gathered(cities, roles[role], key, "_geo"))
    files = [releases.File(path) for path in dataset.list_files(tmp_path / "out")]
    found = dataset.structure(tmp_path / "out", files)
    told = [finding for finding in found if finding.status != "ok"]
    assert all(finding.status == "note" and finding.found.startswith("not computed") for finding in told), told


def gathered(folder: Path, rows: pd.DataFrame, key: str, kind: str = "") -> np.ndarray:
    """Rows of a dataset, read one by one."""
    values = []
    for row in rows.itertuples():
        with h5py.File(folder / str(row.file).replace(".h5", f"{kind}.h5")) as file:
            values.append(file[key][row.row])
    return np.array(values)


def test_so2sat_without_labels_or_with_gdal_order(cities: Path, tmp_path: Path) -> None:
    release = shutil.copytree(cities, tmp_path / "data")
    with h5py.File(release / "testing_geo.h5", "r+") as geo:
        geo["tfw"][...] = geo["tfw"][...][:, [4, 0, 2, 5, 1, 3]]
    dataset = so2sat.So2Sat()
    catalog = catalog_of(dataset, release)
    roles = exported(dataset, release, split_of(catalog, ["test"] * 14), tmp_path / "out", ["sen2"])
    with h5py.File(tmp_path / "out" / "testing.h5") as new, h5py.File(tmp_path / "out" / "testing_geo.h5") as geo:
        assert list(new) == ["sen2"]
        np.testing.assert_array_equal(geo["tfw"][...], gathered(cities, roles["test"], "tfw", "_geo"))


def test_so2sat_written_anew_in_chunks_is_named(cities: Path, tmp_path: Path) -> None:
    release = shutil.copytree(cities, tmp_path / "data")
    with h5py.File(release / "training.h5") as old, h5py.File(tmp_path / "new.h5", "w") as new:
        for key, values in old.items():
            new.create_dataset(key, data=values, chunks=(1, *values.shape[1:]), compression="gzip")
    os.replace(tmp_path / "new.h5", release / "training.h5")
    dataset = so2sat.So2Sat()
    with pytest.raises(InputError, match="h5repack"):
        exported(dataset, release, drawn(catalog_of(dataset, release)), tmp_path / "out")


# ----------------------------------------------------------------------------------------- SEN12MS


def test_sen12ms_lists_are_read_back(real: Path, tmp_path: Path) -> None:
    dataset, folder = Sen12MS(), real / "sen12ms"
    catalog = catalog_of(dataset, folder)
    split = split_of(catalog, ["train", "test", "unused", "validation", "train", "test"])
    roles = exported(dataset, folder, split, tmp_path / "out", ["s2", "s1", "lc"])
    for name, role in (("train", "train"), ("val", "validation"), ("test", "test")):
        for suffix, sensor in (("", "s2"), ("_s1", "s1"), ("_lc", "lc")):
            path = tmp_path / "out" / f"{name}_list{suffix}.txt"
            assert read_split_list(path, catalog) == roles[role]["patch"].tolist()
            lines = path.read_text(encoding="utf-8").splitlines()
            assert all((folder / line.split(f"_{sensor}_")[0]).is_dir() for line in lines)
            assert all(len(list(folder.rglob(line))) == 1 for line in lines)
    with pytest.raises(InputError, match="Unknown sensor"):
        exported(dataset, folder, split, tmp_path / "no", ["s3"])


# ------------------------------------------------------------------------------------- index form


def test_index_form_leads_to_every_patch(clouds: Path, tmp_path: Path) -> None:
    dataset = CloudSEN12(side=SIDE)
    catalog = catalog_of(dataset, clouds)
    split = drawn(catalog)
    split["weight"] = np.arange(18) + 1.0
    roles = exported(dataset, clouds, split, tmp_path / "out", form="index")
    files = (tmp_path / "out" / "files.txt").read_text(encoding="utf-8").splitlines()
    for role, rows in roles.items():
        index = np.load(tmp_path / "out" / f"{role}.npy", allow_pickle=False)
        assert index.dtype == np.int64
        assert [(files[file], row) for file, row in index] == list(zip(rows["file"], rows["row"], strict=True))
        np.testing.assert_array_equal(np.load(tmp_path / "out" / f"{role}_weight.npy"), rows.index + 1.0)
        assert not (tmp_path / "out" / f"{role}_label.npy").exists()


def test_index_form_has_the_labels_of_patches(cities: Path, tmp_path: Path) -> None:
    dataset = so2sat.So2Sat()
    roles = exported(dataset, cities, drawn(catalog_of(dataset, cities)), tmp_path / "out", form="index")
    labels = np.load(tmp_path / "out" / "train_label.npy")
    np.testing.assert_array_equal(np.eye(17)[labels], gathered(cities, roles["train"], "label"))


# ------------------------------------------------------------------------- targets, space, crashes


def test_a_disk_that_is_too_small_stops_before_anything_is_written(
    clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    room = trial.RESERVE + 1000
    monkeypatch.setattr(trial.shutil, "disk_usage", lambda path: usage(room, 0, room))
    with pytest.raises(InputError, match="no room") as raised:
        trial.export_trial(**command(clouds, tmp_path))
    metadata = 3 * sum((clouds / name / "metadata.csv").stat().st_size for name in COUNTS)
    layers = 14 * SIDE * SIDE * (2 + 4 + 1)
    expected = re.search(r"expected: ([0-9.]+) kB", str(raised.value))
    assert expected
    beside = 3000  # README.md and load.py
    assert layers < 1000 * float(expected[1]) <= layers + metadata + beside
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.rglob("*.dat"))


def test_an_interrupted_export_is_never_half_and_goes_on(
    clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    trial.export_trial(**command(clouds, tmp_path, target=whole))
    written: list[str] = []
    original = copying.append

    def dies(stream, pieces) -> Iterator[int]:  # type: ignore[no-untyped-def]
        written.append(Path(stream.name).name)
        yield from original(stream, pieces)
        if len(written) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("sentinel_forest.datasets.cloudsen12.export.append", dies)
    with pytest.raises(KeyboardInterrupt):
        trial.export_trial(**command(clouds, tmp_path))
    assert not (tmp_path / "out").exists()
    stray = tmp_path / ".out.partial" / "train" / ".L1C_B2.dat.1"  # of a job that was killed
    stray.write_bytes(b"half")
    trial.export_trial(**command(clouds, tmp_path))
    assert len(written) == 4 + 6  # three of nine were there
    assert content(tmp_path / "out") == content(whole)
    assert not (tmp_path / ".out.partial").exists()


def test_files_written_at_a_time_make_no_difference(clouds: Path, tmp_path: Path) -> None:
    trial.export_trial(**command(clouds, tmp_path))
    trial.export_trial(**command(clouds, tmp_path, threads=3, target=tmp_path / "three"))
    assert content(tmp_path / "out") == content(tmp_path / "three")


def test_what_is_left_of_another_trial_is_thrown_away(
    clouds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = CloudSEN12(side=SIDE)
    catalog = catalog_of(dataset, clouds)

    def dies(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trial, "_finish", dies)
        with pytest.raises(KeyboardInterrupt):
            exported(dataset, clouds, drawn(catalog, 1), tmp_path / "out")
    roles = roles_of(catalog, drawn(catalog, 2))
    for target in (tmp_path / "out", tmp_path / "fresh"):
        trial.write(trial.plan(dataset, clouds, roles, [], "publisher"), target, {"trial": 2}, [])
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_an_earlier_export_is_replaced(clouds: Path, tmp_path: Path) -> None:
    dataset = CloudSEN12(side=SIDE)
    catalog = catalog_of(dataset, clouds)
    exported(dataset, clouds, drawn(catalog), tmp_path / "out", ["S1_VV"])
    (tmp_path / "out" / "manifest.json").unlink()  # as Snakemake does before it runs a job again
    exported(dataset, clouds, drawn(catalog), tmp_path / "out", ["L1C_B2"])
    assert not list((tmp_path / "out").rglob("S1_VV.dat"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize("name", ["notes.txt", "train/L1C_B3.dat"])
def test_other_content_in_the_target_is_refused(clouds: Path, tmp_path: Path, name: str) -> None:
    dataset = CloudSEN12(side=SIDE)
    exported(dataset, clouds, drawn(catalog_of(dataset, clouds)), tmp_path / "out")
    (tmp_path / "out" / name).write_text("mine", encoding="utf-8")
    before = content(tmp_path / "out")
    with pytest.raises(InputError, match="something else") as raised:
        trial.check_target(tmp_path / "out", clouds)
    assert name in str(raised.value)
    assert content(tmp_path / "out") == before


def test_the_release_itself_is_no_target(clouds: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(clouds)
    for target in (clouds, clouds / "export", clouds.parent, tmp_path / "link"):
        with pytest.raises(InputError, match="over the release"):
            trial.check_target(target, clouds)
    with pytest.raises(InputError, match="something else"):
        trial.check_target(shutil.copytree(clouds, tmp_path / "copy"), clouds)


def test_a_split_of_other_patches_is_refused(clouds: Path) -> None:
    catalog = catalog_of(CloudSEN12(side=SIDE), clouds)
    with pytest.raises(InputError, match="same patches"):
        roles_of(catalog, drawn(catalog)[1:])
    with pytest.raises(InputError, match="uses no patch"):
        roles_of(catalog, split_of(catalog, ["unused"] * 18))


# ----------------------------------------------------------------------------------------- copying


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6)), max_size=30))
def test_runs_cover_the_rows_in_their_order(places: list[tuple[str, int]]) -> None:
    rows = pd.DataFrame(places, columns=["file", "row"]).astype({"row": "int64"})
    found = copying.runs(rows)
    assert [(file, row) for file, first, count in found for row in range(first, first + count)] == places
    assert all(
        before[0] != after[0] or before[1] + before[2] != after[1] for before, after in itertools.pairwise(found)
    )


def not_offered(*given: object) -> int:
    raise OSError(errno.EXDEV, "other file system")


@pytest.mark.parametrize("kernel", ["copies", "refuses", "lacks it"])
@pytest.mark.parametrize("page", [1, 4096])
@settings(max_examples=15, deadline=None)
@given(places=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 40)), max_size=9))
def test_pieces_are_joined_by_the_kernel_or_without_it(
    tmp_path_factory: pytest.TempPathFactory, page: int, kernel: str, places: list[tuple[int, int]]
) -> None:
    folder, whole = tmp_path_factory.mktemp("pieces"), bytes(range(100))
    (folder / "source").write_bytes(whole)
    pieces = [copying.Piece(folder / "source", at, min(length, 100 - at)) for at, length in places]
    with pytest.MonkeyPatch.context() as patch, open(folder / "new", "w+b") as stream:
        patch.setattr(copying, "BUFFER", 5)
        patch.setattr(copying, "STEP", 7)
        patch.setattr(copying, "PAGE", page)
        if kernel == "refuses":
            patch.setattr(os, "copy_file_range", not_offered, raising=False)
            patch.setattr(os, "posix_fallocate", not_offered, raising=False)
        if kernel == "lacks it":
            patch.delattr(os, "copy_file_range", raising=False)
            patch.delattr(os, "posix_fallocate", raising=False)
        stream.write(b"head")
        done = list(copying.append(stream, pieces))
        stream.write(b"tail")
    joined = b"".join(whole[at : at + length] for at, length in places)
    assert (folder / "new").read_bytes() == b"head" + joined + b"tail"
    assert sum(done) == len(joined)


@pytest.mark.parametrize("page", [1, 4096])
def test_a_source_that_ends_early_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(copying, "PAGE", page)
    source = tmp_path / "source"
    source.write_bytes(bytes(100))
    with open(tmp_path / "new", "wb") as stream, pytest.raises(InputError, match="ends early") as raised:
        list(copying.append(stream, [copying.Piece(source, 95, 6)]))
    assert "at least 101 B" in str(raised.value)


def test_all_datasets_can_be_exported() -> None:
    for name in datasets.names():
        assert type(datasets.load(name)).export is not Dataset.export
