"""Splits and ledger from the small metadata alone, before anything large is fetched."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from project import FACTS, NO_FACTS
from sentinel_forest import datasets
from sentinel_forest.config import releases
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.datasets import sen12ms, so2sat
from sentinel_forest.errors import InputError
from sentinel_forest.io import tables
from sentinel_forest.splits import balance, ledger, split
from sentinel_forest.steps import TrialFile
from sentinel_forest.verify import admit, catalog, inspect


@pytest.fixture(scope="session")
def facts() -> Path:
    """The folder with published lists; tests that need it are skipped where it is absent."""
    if not FACTS.is_dir():
        pytest.skip(NO_FACTS)
    return FACTS


def chain(
    source: Path, work: Path, dataset: str, schemes: dict[str, dict[str, object]], select: list[str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The commands from the folder to the ledger, as the workflow runs them: catalog and ledger."""
    data, made = work / "data" / "mine", work / "catalog.parquet"
    at = {name: work / name for name in ("files.tsv", "integrity.tsv", "hashes.parquet", "checksums.tsv")}
    data.parent.mkdir(parents=True)
    data.symlink_to(source)
    opened = datasets.load(dataset)
    paths = [path for path in opened.list_files(data) if releases.selected(path, select or ["*"])]
    tables.write_tsv(at["files.tsv"], releases.file_table(data, paths), releases.FILES)
    integrity, hashes, checksums = at["integrity.tsv"], at["hashes.parquet"], at["checksums.tsv"]
    inspect.inspect(
        release="mine",
        dataset=dataset,
        folder=data,
        files=at["files.tsv"],
        select=select or [],
        integrity=integrity,
        hashes=hashes,
        checksums=checksums,
    )
    admit.admit(release="mine", integrity=integrity, checksums=checksums, accept=[], output=work / "verified.json")
    catalog.catalog(dataset=dataset, folder=data, files=at["files.tsv"], hashes=hashes, output=made)
    splits = []
    for scheme, definition in schemes.items():
        out = {name: work / scheme / f"1.{name}" for name in ("parquet", "balance", "infeasible")}
        split.split(
            catalog=made,
            scheme=scheme,
            trial=1,
            definition=parse_scheme({"kind": scheme} | definition),
            classes=[],
            seed=1,
            output=out["parquet"],
            balance=out["balance"],
            infeasible=out["infeasible"],
        )
        splits.append(TrialFile(scheme, 1, out["parquet"]))
    ledger.ledger(catalog=made, splits=splits, keys=opened.ledger_keys(), signatures=[], output=work / "ledger.tsv")
    return tables.read_catalog(made), tables.read_tsv(work / "ledger.tsv", ledger.LEDGER)


def links(table: pd.DataFrame, scheme: str, key: str, role: str, other: str = "train") -> pd.Series:
    """One row of a ledger."""
    chosen = table[
        (table["scheme"] == scheme) & (table["key"] == key) & (table["role_a"] == role) & (table["role_b"] == other)
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


def balance_of(work: Path, scheme: str) -> pd.DataFrame:
    return tables.read_tsv(work / scheme / "1.balance", balance.BALANCE)


def membership(facts: Path, folder: Path) -> pd.DataFrame:
    """CloudSEN12's metadata.csv files for all 10,000 images, written from the list of who is in what."""
    table = pd.read_csv(facts / "cloudsen12" / "cloudsen12_high_split_membership.csv", dtype="str")
    for name, rows in table.groupby("split", sort=False):
        place = folder / str(name)
        place.mkdir(parents=True)
        columns = {"class": "cloud_coverage"}
        rows.drop(columns=["split", "tile"]).rename(columns=columns).to_csv(place / "metadata.csv", index=False)
    return table


def test_cloudsen12_from_metadata_alone(facts: Path, tmp_path: Path) -> None:
    listed = membership(facts, tmp_path / "source")
    schemes: dict[str, dict[str, object]] = {
        "published": {},
        "pooled-random": {},
        "grouped": {},
        "grouped-stratified": {"strata": ["cloud_coverage"], "compare": False, "time_limit": 20},
    }
    table, found = chain(tmp_path / "source", tmp_path, "cloudsen12", schemes)
    counts = table["published_split"].value_counts().to_dict()
    assert counts == {"train": 8490, "validation": 535, "test": 975}
    assert table["roi"].nunique() == 2000
    in_order = pd.concat([listed[listed["split"] == name] for name in ("train", "val", "test")])
    assert table["tile"].tolist() == in_order["tile"].tolist()
    assert table.filter(regex="^fraction_").isna().all(axis=None)

    for role, other in (("test", "train"), ("validation", "train"), ("test", "validation")):
        assert links(found, "published", "roi", role, other)["status"] == "clean"
    assert links(found, "published", "product", "test")["shared_values"] == 4
    assert links(found, "published", "product", "validation")["shared_values"] == 2
    assert links(found, "published", "content", "test")["status"] == "unknown"

    assert links(found, "pooled-random", "roi", "test")["fraction"] > 0.99
    for scheme in ("grouped", "grouped-stratified"):
        assert links(found, scheme, "roi", "test")["linked"] == 0
    fractions = balance_of(tmp_path, "grouped-stratified")
    classes = fractions[(fractions["quantity"] == "class") & fractions["role"].isin(["train", "validation", "test"])]
    assert set(classes["class"].str.removeprefix("cloud_coverage ")) == set(listed["class"])
    assert classes["deviation"].abs().max() < 0.001


def test_cloudsen12_splits_by_size_where_no_classes_are_known(tmp_path: Path) -> None:
    for name, count in {"train": 180, "val": 60, "test": 60}.items():
        (tmp_path / "source" / name).mkdir(parents=True)
        rois = [f"{name}{row // 5}" for row in range(count)]
        rows = pd.DataFrame({"roi_id": rois, "s2_id": [f"P-{roi}-{row % 5}" for row, roi in enumerate(rois)]})
        rows.to_csv(tmp_path / "source" / name / "metadata.csv", index=False)
    schemes: dict[str, dict[str, object]] = {
        "grouped-stratified": {"fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}, "time_limit": 20}
    }
    _, found = chain(tmp_path / "source", tmp_path, "cloudsen12", schemes)
    sizes = balance_of(tmp_path, "grouped-stratified").query("quantity == 'size'").set_index("role")["patches"]
    assert sizes.to_dict() == {"train": 180, "validation": 60, "test": 60, "unused": 0}
    assert links(found, "grouped-stratified", "roi", "test")["linked"] == 0


def test_metadata_of_a_whole_folder_by_selection(tmp_path: Path) -> None:
    dataset = datasets.load("cloudsen12", {})
    for name, count in {"train": 6, "test": 4}.items():
        place = tmp_path / "source" / name
        place.mkdir(parents=True)
        pd.DataFrame({"roi_id": range(count), "s2_id": "P"}).to_csv(place / "metadata.csv", index=False)
        (place / "L1C_B2.dat").write_bytes(b"still being fetched")
    assert len(dataset.list_files(tmp_path / "source")) == 4
    table, _ = chain(tmp_path / "source", tmp_path, "cloudsen12", {"published": {}}, select=["*/metadata.csv"])
    assert len(table) == 10


def geo_files(folder: Path, counts: dict[str, int]) -> None:
    """Geo files of version 4: two cities a file, 50 km apart, those of validation and testing the same."""
    folder.mkdir()
    for name, count in counts.items():
        east = 4e5 + 320.0 * np.arange(count)
        where = "train" if name == "training" else "other"
        north = 5.3e6 + 5e4 * (np.arange(count) % 2) + 1e5 * (where == "other")
        tfw = np.column_stack([np.full((count, 4), [10.0, 0, 0, -10]), east, north])
        cities = [f"{where} {row % 2}" for row in range(count)]
        so2sat.write_geo(folder, name, np.full(count, 32632), tfw, cities)


def test_so2sat_from_geo_files_alone(tmp_path: Path) -> None:
    counts = {"training": 40, "validation": 10, "testing": 12}
    geo_files(tmp_path / "source", counts)
    schemes: dict[str, dict[str, object]] = {
        "published": {},
        "grouped": {"fractions": {"train": 0.7, "test": 0.3}},
        "grouped-stratified": {"fractions": {"train": 0.7, "test": 0.3}, "time_limit": 20},
    }
    table, found = chain(tmp_path / "source", tmp_path, "so2sat", schemes)
    assert table.groupby("file", sort=False).size().to_dict() == {f"{name}.h5": n for name, n in counts.items()}
    assert (table["label"] == -1).all()
    assert table["labelled_fraction"].isna().all()
    assert table["lon"].notna().all()
    assert links(found, "published", "city", "test")["linked"] == 0
    assert links(found, "published", "city", "test", "validation")["fraction"] == 1
    assert links(found, "grouped", "city", "test")["linked"] == 0


def test_so2sat_catalog_is_the_same_once_the_images_are_there(tmp_path: Path) -> None:
    geo_files(tmp_path / "source", {"training": 4, "testing": 2})
    before, _ = chain(tmp_path / "source", tmp_path / "before", "so2sat", {"published": {}})
    for name, count in {"training": 4, "testing": 2}.items():
        with so2sat.create(tmp_path / "source", name, count) as file:
            file["label"][:, 3] = 1
            for images in ("sen1", "sen2"):
                file[images][...] = np.linspace(0.1, 0.2, 32)[:, None]
    after, _ = chain(tmp_path / "source", tmp_path / "after", "so2sat", {"published": {}})
    learnt = ["label", "labelled_fraction", "content_hash", "valid_fraction_optical", "valid_fraction_radar"]
    hashes = ["hash_sen1", "hash_sen2", "hash_label"]
    pd.testing.assert_frame_equal(before.drop(columns=learnt), after.drop(columns=[*learnt, *hashes]))
    assert (after["label"] == 3).all()


def test_so2sat_packed_images_are_not_passed_over(tmp_path: Path) -> None:
    geo_files(tmp_path / "source", {"training": 4})
    (tmp_path / "source" / "training.h5.gz").write_bytes(b"")
    dataset = datasets.load("so2sat", {})
    with pytest.raises(InputError, match="unpack"):
        dataset.catalog(tmp_path / "source", dataset.list_files(tmp_path / "source"), inspect.no_hashes())


def test_a_broken_geo_file_is_named(tmp_path: Path) -> None:
    geo_files(tmp_path / "source", {"training": 4})
    with h5py.File(tmp_path / "source" / "training_geo.h5", "r+") as file:
        del file["epsg"]
    with pytest.raises(InputError, match="failed"):
        chain(tmp_path / "source", tmp_path, "so2sat", {"published": {}})


def test_sen12ms_from_lists_alone(facts: Path, tmp_path: Path) -> None:
    lists = tmp_path / "source" / "splits"
    lists.mkdir(parents=True)
    for name in ("test_list.txt", "val_list.txt", "SEN12MS_holdOutScenes.txt"):
        (lists / name).write_bytes((facts / "sen12ms" / name).read_bytes())
    schemes: dict[str, dict[str, object]] = {
        "published": {},
        "grouped": {"fractions": {"train": 0.8, "validation": 0.1, "test": 0.1}, "strict": False},
        "pooled-random": {},
    }
    table, found = chain(tmp_path / "source", tmp_path, "sen12ms", schemes)
    assert table["published_split"].value_counts().to_dict() == {"test": 18_106, "validation": 18_550}
    assert table["scene"].nunique() == 26 + 25
    counts = pd.read_csv(facts / "sen12ms" / "holdout_patches_per_scene.csv", dtype={"scene": "str"})
    scenes = table[table["published_split"] == "test"].groupby("scene").size()
    expected = dict(zip(counts["season"] + "_" + counts["scene"], counts["patches"], strict=True))
    assert scenes.to_dict() == expected
    assert links(found, "published", "scene", "test", "validation")["linked"] == 0
    assert links(found, "grouped", "scene", "test")["linked"] == 0
    assert links(found, "pooled-random", "scene", "test")["fraction"] > 0.99


def test_sen12ms_catalog_is_the_same_once_the_tiles_are_there(real: Path, tmp_path: Path) -> None:
    dataset = datasets.load("sen12ms", {"pixels": False})
    files = dataset.list_files(real / "sen12ms")
    after = dataset.catalog(real / "sen12ms", files, inspect.no_hashes())
    (tmp_path / "splits").mkdir()
    for name, role in (("train", "train"), ("test", "test")):
        chosen = after[after["published_split"] == role]
        sen12ms.write_split_list(tmp_path / "splits" / f"{name}_list.txt", chosen["patch"])
    before = dataset.catalog(tmp_path, dataset.list_files(tmp_path), inspect.no_hashes())
    lines = list(after.filter(like="_line"))  # the real tiles have no lists beside them
    pd.testing.assert_frame_equal(before.drop(columns=lines), after.drop(columns=lines))


def test_sen12ms_lists_of_scenes_are_not_enough(facts: Path, tmp_path: Path) -> None:
    (tmp_path / "source" / "splits").mkdir(parents=True)
    name = "SEN12MS_holdOutScenes.txt"
    (tmp_path / "source" / "splits" / name).write_bytes((facts / "sen12ms" / name).read_bytes())
    with pytest.raises(InputError, match="lists of files"):
        chain(tmp_path / "source", tmp_path, "sen12ms", {"published": {}})
