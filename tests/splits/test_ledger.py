"""The ledger: a brute-force count beside it, the real split of CloudSEN12, marks and the gate."""

import itertools
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from project import FACTS, NO_FACTS
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.errors import InputError
from sentinel_forest.io import checksums
from sentinel_forest.io.tables import read_tsv
from sentinel_forest.splits import gate, ledger, linking, links, marks, split
from sentinel_forest.steps import TrialFile

RADIUS_KM = 6371.0088

UNREAD = "unknown: content, footprint"
"""The mark of a release of which only the tables were read."""


@pytest.fixture(scope="module")
def membership() -> pd.DataFrame:
    """The catalog of all 10,000 images of CloudSEN12 high quality, from the published membership."""
    if not FACTS.is_dir():
        pytest.skip(NO_FACTS)
    listed = pd.read_csv(FACTS / "cloudsen12" / "cloudsen12_high_split_membership.csv")
    return pd.DataFrame(
        {
            "patch": [f"p{row}" for row in range(len(listed))],
            "published_split": listed["split"].replace({"val": "validation"}),
            "roi": listed["roi_id"],
            "product": listed["s2_id_gee"],
            "tile": listed["tile"],
            "cover": listed["class"],
        }
    )


def trial_of(catalog: pd.DataFrame, definition: dict[str, object], trial: int = 1) -> pd.DataFrame:
    seed = partial(checksums.seed, 1, "cloudsen12", definition["kind"])
    return split.make(catalog, parse_scheme(definition), trial, seed).split


def row_of(table: pd.DataFrame, key: str, role_a: str = "test", role_b: str = "train") -> pd.Series:
    found = table[(table["key"] == key) & (table["role_a"] == role_a) & (table["role_b"] == role_b)]
    assert len(found) == 1
    return found.iloc[0]


# ------------------------------------------------------------------------------------ real membership


def test_published_cloudsen12_is_disjoint_by_roi_but_not_by_product(membership: pd.DataFrame) -> None:
    splits = {("published", 1): trial_of(membership, {"kind": "published"})}
    found = ledger.build(membership, splits, {"roi": "mark", "product": "mark", "tile": "count"})
    between = found[found["role_a"] != found["role_b"]]
    assert between[between["key"] == "roi"]["linked"].tolist() == [0, 0, 0]
    shared = {
        (key, role): row_of(found, key, role)["shared_values"]
        for key in ("product", "tile")
        for role in ("test", "validation")
    }
    assert shared == {
        ("product", "test"): 4,
        ("product", "validation"): 2,
        ("tile", "test"): 6,
        ("tile", "validation"): 3,
    }
    assert marks.mark(found, "published", 1, "test") == f"linked: product (0.4 %); {UNREAD}"


def test_pooled_random_leaves_the_roi_in_train(membership: pd.DataFrame) -> None:
    definition: dict[str, object] = {"kind": "pooled-random"}
    splits = {("pooled-random", trial): trial_of(membership, definition, trial) for trial in range(1, 11)}
    found = ledger.build(membership, splits, {"roi": "mark", "product": "mark"})
    fractions = found[(found["key"] == "roi") & (found["role_b"] == "train") & (found["role_a"] != "train")]["fraction"]
    assert 0.998 < fractions.mean() <= 1
    said = marks.mark(found, "pooled-random", 4, "test")
    form = r"linked: roi \(\S+ %\), product \(\S+ %\); linked \(validation-test\): roi \(\S+ %\), product \(\S+ %\)"
    assert re.fullmatch(f"{form}; {UNREAD}", said)


def test_grouped_by_roi_and_product_is_clean_and_even(membership: pd.DataFrame) -> None:
    definition = {"kind": "grouped-stratified", "groups": ["roi", "product"], "strata": ["cover"]}
    drawn = trial_of(membership, definition)
    found = ledger.build(membership, {("grouped", 1): drawn}, {"roi": "mark", "product": "mark"})
    between = found[found["role_a"] != found["role_b"]]
    assert between[between["key"].isin(["roi", "product"])]["linked"].sum() == 0
    counts = pd.crosstab(membership["cover"], drawn["role"])
    target = np.outer(counts.sum(axis=1), [0.0975, 0.8490, 0.0535])
    assert np.abs(counts[["test", "train", "validation"]].to_numpy() - target).max() < 1


# ------------------------------------------------------------------------------------------ brute force


@settings(max_examples=30, deadline=None)
@given(
    rows=some.lists(
        some.tuples(
            some.sampled_from(["train", "validation", "test", "unused"]),
            some.sampled_from(["", "a", "b", "c", "d"]),
            some.integers(0, 12),
            some.integers(0, 12),
            some.sampled_from([32632, 32633]),
            some.booleans(),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_counts_are_those_of_brute_force(rows: list[tuple[str, str, int, int, int, bool]]) -> None:
    catalog = pd.DataFrame(
        {
            "patch": [f"p{at}" for at in range(len(rows))],
            "content_hash": [row[1] for row in rows],
            "city": [row[1].replace("b", "a") for row in rows],
            "x": [row[2] * 40.0 if row[5] else np.nan for row in rows],
            "y": [row[3] * 40.0 for row in rows],
            "epsg": pd.array([row[4] for row in rows], dtype="Int32"),
            "lon": [row[2] * 7.0 if row[5] else np.nan for row in rows],
            "lat": [row[3] * 5.0 for row in rows],
        }
    )
    drawn = pd.DataFrame({"patch": catalog["patch"], "role": [row[0] for row in rows]})
    found = ledger.build(catalog, {("s", 1): drawn}, {"city": "mark"}, footprint=120.0)
    near_ground = {
        "footprint": lambda one, other: one["epsg"] == other["epsg"] and apart(one, other) < 120,
        "content": lambda one, other: one["content_hash"] == other["content_hash"] != "",
        "city": lambda one, other: one["city"] == other["city"] != "",
    }
    for role_a, role_b in ledger.PAIRS:
        mine = catalog[drawn["role"] == role_a].to_dict("records")
        yours = catalog[drawn["role"] == role_b].to_dict("records")
        for key, linked in near_ground.items():
            row = row_of(found, key, role_a, role_b)
            if not (mine and yours):
                assert (row["status"], row["linked"] is pd.NA) == ("not looked at", True), key
            elif row["status"] not in ("not computed", "unknown"):
                expected = sum(any(linked(one, other) for other in yours) for one in mine)
                assert (row["linked"], row["total"]) == (expected, len(mine)), key
        nearest = [min(known) for one in mine if (known := distances(one, yours))]
        for key, level in linking.DISTANCES.items():
            row = row_of(found, key, role_a, role_b)
            expected = np.quantile(nearest, level) if nearest else np.nan
            assert row["fraction"] == pytest.approx(expected, abs=1e-4, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(
    rows=some.lists(
        some.tuples(
            some.sampled_from(["train", "validation", "test", "unused"]),
            some.sampled_from(["", "a", "b", "c"]),
            some.sampled_from([0.0, 1.0, 1.1, 1.3, 7.0, np.nan]),
            some.sampled_from([-20.0, -19.0, 5.0, np.nan]),
        ),
        min_size=1,
        max_size=20,
    ),
    distance=some.sampled_from([1e-9, 0.05, 0.2, 1.0]),
)
def test_near_duplicates_are_those_of_brute_force(rows: list[tuple[str, str, float, float]], distance: float) -> None:
    names = [f"p{at}" for at in range(len(rows))]
    catalog = pd.DataFrame({"patch": names, "content_hash": [row[1] for row in rows]})
    drawn = pd.DataFrame({"patch": names, "role": [row[0] for row in rows]})
    numbers = np.array([row[2:] for row in rows])
    signatures = pd.DataFrame({"patch": names, "mean": numbers[:, 0], "deviation": numbers[:, 1]})
    found = ledger.build(catalog, {("s", 1): drawn}, signatures=signatures, distance=distance)
    scales = [np.std(column[np.isfinite(column)]) if np.isfinite(column).any() else 1 for column in numbers.T]

    def differ(one: float, other: float, scale: float) -> bool:
        if np.isnan(one) or np.isnan(other):
            return np.isnan(one) != np.isnan(other)
        return abs(one - other) > distance * scale * (1 + 1e-9) + 1e-12

    def near(one: np.ndarray, other: np.ndarray) -> bool:
        known = np.isfinite(one).any() and np.isfinite(other).any()
        return bool(known) and not any(map(differ, one, other, scales))

    for role_a, role_b in ledger.PAIRS:
        yours = [at for at, row in enumerate(rows) if row[0] == role_b]
        mine = [at for at, row in enumerate(rows) if row[0] == role_a]
        exact = {rows[at][1] for at in yours} - {""}
        linked = [
            at for at in mine if rows[at][1] not in exact and any(near(numbers[at], numbers[other]) for other in yours)
        ]
        row = row_of(found, "near-duplicate", role_a, role_b)
        seen = np.isfinite(numbers[mine + yours]).any(axis=1).all()
        if not (mine and yours):
            assert row["status"] == "not looked at"
        elif linked or seen:
            assert (row["linked"], row["total"]) == (len(linked), len(mine))
        else:
            assert row["status"] == "unknown"


def test_signatures_of_other_patches_are_refused() -> None:
    catalog = pd.DataFrame({"patch": ["a", "b"]})
    splits = {("s", 1): catalog.assign(role="train")}
    with pytest.raises(InputError, match="the signatures"):
        ledger.build(catalog, splits, signatures=pd.DataFrame({"patch": ["b", "a"], "mean": 0.0}))


@settings(max_examples=60, deadline=None)
@given(
    rows=some.lists(
        some.tuples(
            some.sampled_from(["train", "test", "unused"]),
            some.integers(0, 9),
            some.integers(0, 9),
            some.sampled_from([32632, 32733]),
            some.sampled_from([2, 4, 6]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_pixels_of_shared_ground_are_those_of_a_raster(rows: list[tuple[str, int, int, int, int]]) -> None:
    drawn = pd.DataFrame({"patch": [f"p{at}" for at in range(len(rows))], "role": [row[0] for row in rows]})
    catalog = drawn[["patch"]].assign(
        x=[row[1] * 10.0 for row in rows],
        y=[row[2] * 10.0 for row in rows],
        epsg=pd.array([row[3] for row in rows], dtype="Int32"),
        side_m=[row[4] * 10.0 for row in rows],
    )
    found = row_of(ledger.build(catalog, {("s", 1): drawn}), "footprint-pixels")

    def pixels(row: tuple[str, int, int, int, int]) -> set[tuple[int, int, int]]:
        _, x, y, epsg, side = row
        steps = range(-side // 2, side // 2)
        return {(epsg, x + across, y + along) for across in steps for along in steps}

    train = set().union(*(pixels(row) for row in rows if row[0] == "train"))
    test = [pixels(row) for row in rows if row[0] == "test"]
    if not (train and test):
        assert found["status"] == "not looked at"
        return
    assert found["linked"] == sum(len(mine & train) for mine in test)
    assert found["total"] == sum(len(mine) for mine in test)


def test_half_of_the_ground_of_sen12ms_neighbours_is_shared() -> None:
    # Patches of 256 pixels every 128: the middle one shares its left half and its right half.
    catalog = pd.DataFrame(
        {"patch": ["a", "b", "c"], "x": [0.0, 1280.0, 2560.0], "y": 0.0, "epsg": 32632, "side_m": 2560.0}
    )
    drawn = pd.DataFrame({"patch": catalog["patch"], "role": ["train", "test", "validation"]})
    found = ledger.build(catalog, {("s", 1): drawn})
    assert row_of(found, "footprint-pixels")[["linked", "total", "fraction"]].tolist() == [32768, 65536, 0.5]
    whole = drawn.assign(role=["train", "test", "train"])
    found = ledger.build(catalog, {("s", 1): whole}, gate={"footprint-pixels": "stop"})
    with pytest.raises(InputError, match="65536 of 65536 test pixels share their footprint-pixels with"):
        gate.check_gate(found)


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    """Largest difference of the coordinates, infinite where one is unknown."""
    values = abs(one["x"] - other["x"]), abs(one["y"] - other["y"])
    return np.inf if np.isnan(values).any() else max(values)


def distances(one: dict[str, float], others: list[dict[str, float]]) -> list[float]:
    """Great-circle distances in km by the spherical law of cosines in its stable (Vincenty) form."""
    result = []
    for other in others:
        east = np.radians(other["lon"] - one["lon"])
        here, there = np.radians(one["lat"]), np.radians(other["lat"])
        across = np.cos(there) * np.sin(east)
        along = np.cos(here) * np.sin(there) - np.sin(here) * np.cos(there) * np.cos(east)
        inner = np.sin(here) * np.sin(there) + np.cos(here) * np.cos(there) * np.cos(east)
        result.append(RADIUS_KM * np.arctan2(np.hypot(across, along), inner))
    return [distance for distance in result if not np.isnan(distance)]


def test_patches_that_only_touch_do_not_overlap() -> None:
    catalog = pd.DataFrame(
        {"patch": ["a", "b", "c"], "x": [0.0, 320.0, 639.9], "y": 0.0, "epsg": 32632, "side_m": 320.0}
    )
    drawn = pd.DataFrame({"patch": catalog["patch"], "role": ["validation", "train", "test"]})
    found = ledger.build(catalog, {("s", 1): drawn})
    assert row_of(found, "footprint", "validation", "train")["linked"] == 0
    assert row_of(found, "footprint", "test", "train")["linked"] == 1


# ----------------------------------------------------------------------------------------- gate and mark


SEASONS = {"scene": "mark", "season": "count", "footprint": "not published"}
"""Keys of a dataset that publishes no places."""


def small() -> tuple[pd.DataFrame, dict[tuple[str, int], pd.DataFrame]]:
    """Test shares its scene with train, and its season with validation."""
    catalog = pd.DataFrame(
        {
            "patch": ["a", "b", "c"],
            "scene": ["1", "2", "1"],
            "season": ["spring", "fall", "fall"],
            "content_hash": ["x", "y", "z"],
        }
    )
    drawn = pd.DataFrame({"patch": ["a", "b", "c"], "role": ["train", "validation", "test"]})
    return catalog, {("s", 1): drawn}


@pytest.mark.parametrize(
    ("gate", "mark"),
    [
        ({}, "linked: scene (100 %)"),
        ({"scene": "count"}, "clean"),
        ({"season": "mark"}, "linked: scene (100 %); linked (validation-test): season (100 %)"),
        ({"scene": "stop"}, "linked: scene (100 %)"),
        ({"roi": "stop"}, "linked: scene (100 %)"),
    ],
)
def test_marks(gate: dict[str, str], mark: str) -> None:
    catalog, splits = small()
    found = ledger.build(catalog, splits, SEASONS, gate)
    assert marks.mark(found, "s", 1, "test") == mark
    assert marks.mark(found, "other", 1, "test") == marks.NO_TRAINING


def test_every_pair_of_roles_has_every_key() -> None:
    catalog, splits = small()
    found = ledger.build(catalog, splits, SEASONS)
    keys = [*links.OWN_KEYS, "scene", "season", *linking.DISTANCES]
    seen = ["patch", "content", "scene", "season"]
    assert sorted(zip(found["key"], found["role_a"], found["role_b"], strict=True)) == sorted(
        [
            *((key, *pair) for key, pair in itertools.product(keys, ledger.PAIRS)),
            *((key, *pair) for key, pair in itertools.product(seen, ledger.WITHIN)),
        ]
    )


def test_command_writes_first_and_the_gate_stops_after(tmp_path: Path) -> None:
    catalog, splits = small()
    catalog.to_parquet(tmp_path / "catalog.parquet")
    splits["s", 1].to_parquet(tmp_path / "1.parquet")
    given = {"catalog": tmp_path / "catalog.parquet", "splits": [TrialFile("s", 1, tmp_path / "1.parquet")]}
    written = tmp_path / "ledger.tsv"
    ledger.ledger(**given, keys=SEASONS, signatures=[], output=written)
    gate.hold_links(ledger=written)
    ledger.ledger(**given, keys=SEASONS, gate={"scene": "stop"}, signatures=[], output=written)
    assert marks.mark(read_tsv(written, ledger.LEDGER), "s", 1, "test") == "linked: scene (100 %)"
    with pytest.raises(InputError, match="1 of 1 test patches share their scene with train"):
        gate.hold_links(ledger=written)


def test_faults() -> None:
    catalog, splits = small()
    with pytest.raises(InputError, match="no such column"):
        ledger.build(catalog, splits, {"city": "mark"})
    with pytest.raises(InputError, match="action"):
        ledger.build(catalog, splits, {"scene": "mark"}, {"scene": "halt"})
    with pytest.raises(InputError, match="same patches"):
        ledger.build(catalog.iloc[::-1].reset_index(drop=True), splits)


def test_what_cannot_be_seen_is_not_clean():
    """Test patches without a city: no link is found, and none can be ruled out; a stop stops."""
    catalog = pd.DataFrame(
        {"patch": list("abcd"), "content_hash": list("wxyz"), "city": ["Rome", "Oslo", "", "Bonn"]}
    ).astype("str")
    split = pd.DataFrame({"patch": list("abcd"), "role": ["train", "validation", "test", "test"]})
    keys = {"city": "mark", "footprint": "not published"}
    found = ledger.build(catalog, {("s", 1): split}, keys)
    rows = found[(found["key"] == "city") & (found["role_a"] != found["role_b"])].set_index(["role_a", "role_b"])
    assert rows["status"].to_dict() == {
        ("validation", "train"): "clean",
        ("test", "train"): "unknown",
        ("test", "validation"): "unknown",
    }
    assert rows["linked"].isna().to_list() == [False, True, True]
    assert marks.mark(found, "s", 1, "test") == "unknown: city"
    assert marks.mark(found, "s", 1, "validation") == "unknown (validation-test): city"
    gate.check_gate(found)
    stopped = ledger.build(catalog, {("s", 1): split}, keys, {"city": "stop"})
    with pytest.raises(InputError, match=r"\? of 2 test patches share their city"):
        gate.check_gate(stopped)
    catalog["city"] = ["Bonn", "Oslo", "", "Bonn"]
    linked = ledger.build(catalog, {("s", 1): split}, keys)
    assert marks.mark(linked, "s", 1, "test") == "linked: city (at least 50 %); unknown (validation-test): city"
