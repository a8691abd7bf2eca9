"""Patches whose group nobody knows: unused by grouped schemes, no invented interval."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.datasets import so2sat
from sentinel_forest.errors import InputError
from sentinel_forest.evaluation import held_out
from sentinel_forest.io import checksums
from sentinel_forest.models import fit, forest
from sentinel_forest.planning.checking import select
from sentinel_forest.planning.selection import Selection
from sentinel_forest.registry import RELEASES as RELEASE_FILES
from sentinel_forest.splits import split

GROUPED = ("grouped", "grouped-stratified", "kfold", "leave-one-group-out", "balanced", "learning-curve")


def cities(unknown: int, known: int = 60) -> pd.DataFrame:
    """Patches in cities of three, and some of which nobody knows the city, spread among them."""
    count = unknown + known
    group = pd.Series([f"city {at // 3:02d}" for at in range(known)] + [pd.NA] * unknown, dtype="str")
    table = pd.DataFrame(
        {
            "patch": [f"p{at:03d}" for at in range(count)],
            "group": group,
            "city": group.fillna(""),
            "label": np.arange(count) % 2,
            "published_split": "train",
            "lon": 10.0,
            "lat": 50.0,
        }
    )
    return table.sample(frac=1, random_state=1).reset_index(drop=True)


def drawn(table: pd.DataFrame, kind: str, **options: object) -> split.Result:
    return split.make(
        table, parse_scheme({"kind": kind, **options}), 1, lambda *names: checksums.seed(1, *names), "mine"
    )


@pytest.mark.parametrize("kind", GROUPED)
def test_they_are_unused_and_counted(kind: str) -> None:
    table = cities(unknown=7)
    result = drawn(table, kind)
    lost = table["group"].isna().to_numpy()
    assert set(result.split["role"][lost]) == {"unused"}
    assert (result.split["weight"][lost] == 1).all()
    sizes = result.balance[result.balance["quantity"] == "size"].set_index("role")
    unused = int((result.split["role"] == "unused").sum())
    assert sizes.loc["unused", "patches"] == unused
    assert sizes.loc["unused", "fraction"] == pytest.approx(unused / 67)
    (row,) = result.infeasible[result.infeasible["request"] == "a role for every patch"].to_dict("records")
    assert row["found"] == "7 of 67 are unused"
    with pytest.raises(InputError, match="7 of 67 are unused"):
        drawn(table, kind, strict=True)


@pytest.mark.parametrize("kind", ["grouped", "grouped-stratified", "kfold"])
def test_the_others_are_drawn_as_if_they_were_alone(kind: str) -> None:
    table = cities(unknown=7)
    known = table[table["group"].notna()].reset_index(drop=True)
    alone = drawn(known, kind).split.set_index("patch")["role"]
    among = drawn(table, kind).split.set_index("patch")["role"]
    assert among[alone.index].tolist() == alone.tolist()


@pytest.mark.parametrize("kind", ["published", "pooled-random"])
def test_schemes_without_groups_use_them(kind: str) -> None:
    assert "unused" not in set(drawn(cities(unknown=7), kind).split["role"])


@pytest.mark.parametrize("column", ["group", "city"])
def test_no_known_group_is_told(column: str) -> None:
    with pytest.raises(InputError, match=f"5 patches without a known {column}") as caught:
        drawn(cities(unknown=5, known=0), "grouped", groups=[column])
    assert "leave the scheme out" in str(caught.value)
    result = drawn(cities(unknown=60, known=0), "grouped", groups=["patch"])
    assert "unused" not in set(result.split["role"])


def test_an_unknown_column_of_a_scheme_without_groups_is_no_unknown_group() -> None:
    table = cities(unknown=5).assign(label_trust="")
    with pytest.raises(InputError, match=r"(?s)what this scheme needs.*65 patches without a known label_trust"):
        drawn(table, "filtered", leave_out={"label_trust": ["suspect"]})


# ------------------------------------------------------------------------------------------- planning


def plan(tmp_path: Path, **more: object) -> Selection:
    config = {
        "version": "v",
        "releases": ["mine"],
        "schemes": ["published", "grouped-stratified", "cities"],
        "own_schemes": {"cities": {"kind": "kfold", "groups": ["city"]}},
        "feature_sets": ["lcz-s2"],
        "own_releases": {"mine": {"dataset": "so2sat", "folder": str(tmp_path), "licence": "CC-BY-4.0"}},
    }
    return select(config | more, RELEASE_FILES)


def images(folder: Path) -> None:
    for name in ("training", "testing"):
        with so2sat.create(folder, name, 3) as file:
            file["label"][:, 3] = 1


def geo(folder: Path, cities: list[str]) -> None:
    tfw = np.tile([10.0, 0, 0, -10, 5e5, 5e6], (3, 1))
    so2sat.write_geo(folder, "training", np.full(3, 32632), tfw, cities)


def test_grouped_schemes_of_a_release_without_groups_are_skipped_with_the_reason(tmp_path: Path) -> None:
    images(tmp_path)
    chosen = plan(tmp_path)
    assert list(chosen.definitions("mine")) == ["published"]
    rows = {row.name: row.reason for row in chosen.skipped() if row.kind == "scheme"}
    assert set(rows) == {"grouped-stratified", "cities"}
    assert rows["cities"].startswith("no patch has a known city: it has no *_geo.h5 files")
    with pytest.raises(InputError, match="none of the schemes"):
        plan(tmp_path, schemes=["grouped-stratified"])


def test_one_file_of_cities_is_enough(tmp_path: Path) -> None:
    images(tmp_path)
    geo(tmp_path, ["Rome"] * 3)
    assert set(plan(tmp_path).definitions("mine")) == {"published", "grouped-stratified", "cities"}


def test_geo_files_without_cities_give_groups_by_distance(tmp_path: Path) -> None:
    import h5py

    images(tmp_path)
    geo(tmp_path, ["Rome"] * 3)
    with h5py.File(tmp_path / "training_geo.h5", "r+") as file:
        del file["city"]
    chosen = plan(tmp_path, schemes=["published", "grouped", "spatial-blocks"], own_schemes={})
    assert list(chosen.definitions("mine")) == ["published", "grouped", "spatial-blocks"]


def test_planned_from_the_registry_before_any_file_is_there() -> None:
    config = {
        "version": "v",
        "releases": ["so2sat-v2", "so2sat-v4", "cloudsen12-high", "so2sat-sample"],
        "schemes": ["published", "grouped-stratified"],
        "feature_sets": ["lcz-s2", "l1c"],
    }
    chosen = select(config, RELEASE_FILES)
    assert {name: len(chosen.definitions(name)) for name in config["releases"]} == {
        "so2sat-v2": 1,
        "so2sat-v4": 2,
        "cloudsen12-high": 2,
        "so2sat-sample": 2,
    }


def test_cloudsen12_without_metadata_or_rois(tmp_path: Path) -> None:
    dataset = datasets.load("cloudsen12")
    assert "roi" in dataset.unknown_columns(None, ["train/L1C_B2.dat"])
    assert dataset.unknown_columns(None, ["train/L1C_B2.dat", "train/metadata.csv"]) == {}
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "metadata.csv").write_text("s2_id,difficulty\np,1\n")
    assert set(dataset.unknown_columns(tmp_path, ["train/metadata.csv"])) == {
        "group",
        "roi",
        "label_trust",
        "label_quality",
    }
    (tmp_path / "train" / "metadata.csv").write_text("roi_id,s2_id\nr,p\n")
    assert set(dataset.unknown_columns(tmp_path, ["train/metadata.csv"])) == {"label_trust", "label_quality"}


# ------------------------------------------------------------------------------------ what rests on groups


def test_curves_have_values_and_no_interval(tmp_path: Path) -> None:
    rows = pd.DataFrame({"patch": list("abcd"), "label": [0, 1, 1, 0], "weight": 1.0, "B2_mean": [1.0, 2.0, 3.0, 4.0]})
    rows.to_parquet(tmp_path / "1.parquet")
    groups = pd.Series(["x", "y", pd.NA, pd.NA], dtype="str")
    patches = pd.DataFrame({"patch": list("abcd"), "group": groups, "weight": 1.0})
    held = held_out.held_out_rows([tmp_path / "1.parquet"], ["B2_mean"], patches, 50, 1)
    assert (held.groups, held.sample.draws.shape) == (2, (1, 3))
    assert "no known group" in held.sample.reservation
    hit = np.array([True, True, False, True])
    value, low, high, count, known, note = held_out.summary(held, held_out.overall_accuracy(held, hit))
    assert (value, count, known) == (0.75, 4, 2)
    assert np.isnan([low, high]).all()
    assert note == held.sample.reservation


def test_row_groups_and_tuning(tmp_path: Path) -> None:
    path = tmp_path / "catalog.parquet"
    patches = pd.DataFrame({"patch": list("abc"), "group": pd.Series(["y", pd.NA, "x"], dtype="str")})
    patches.to_parquet(path)
    assert forest.row_groups(path, np.array(list("aabc"))).tolist() == [1, 1, -1, 0]
    training = forest.Training(np.zeros((2, 1), np.float32), np.array([0, 1]), np.ones(2), np.array(["b", "b"]), None)
    with pytest.raises(InputError, match="no training patch has a known one"):
        fit._tuned(training, path, ForestSettings(tune={"depth": [1]}), 1, 1)
