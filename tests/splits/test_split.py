"""Schemes: known answers, properties that hold for any catalog, the real split of CloudSEN12, faults."""

import json
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sentinel_forest.config.schemes import (
    KINDS,
    Grouped,
    KFold,
    LearningCurve,
    LeaveOneGroupOut,
    Published,
    parse_scheme,
)
from sentinel_forest.errors import InputError
from sentinel_forest.io import checksums
from sentinel_forest.splits import draws, programme, solver, split, strata
from sentinel_forest.verify import spatial
from sentinel_forest.verify.units import units

SEED = partial(checksums.seed, 7, "release", "scheme")
EVEN = {"train": 0.5, "validation": 0.25, "test": 0.25}
KINDS_OF_GROUPS = ["grouped", "grouped-stratified", "kfold", "learning-curve", "balanced", "spatial-blocks"]


def catalog_of(groups: list[int], labels: list[int], **columns: object) -> pd.DataFrame:
    """A catalog with a patch for each group and label."""
    count = len(groups)
    return pd.DataFrame(
        {
            "patch": [f"p{row}" for row in range(count)],
            "published_split": (["train", "test", "validation"] * count)[:count],
            "group": [f"g{group}" for group in groups],
            "label": np.array(labels, dtype=np.int16),
            "lon": np.array(groups) * 3.0,
            "lat": 10.0,
            **columns,
        }
    )


def many(groups: int = 60, each: int = 5, classes: int = 3) -> pd.DataFrame:
    """A catalog with groups of mixed classes."""
    random = np.random.default_rng(5)
    return catalog_of(list(np.repeat(np.arange(groups), each)), list(random.integers(0, classes, groups * each)))


def drawn(catalog: pd.DataFrame, kind: str, trial: int = 1, **options: object) -> split.Result:
    return split.make(catalog, parse_scheme({"kind": kind, **options}), trial, SEED, "scheme")


def roles(catalog: pd.DataFrame, kind: str, trial: int = 1, **options: object) -> pd.Series:
    return drawn(catalog, kind, trial, **options).split["role"]


# ------------------------------------------------------------------------------------ known answers


def test_random_order_is_that_of_the_published_stream_of_pcg64() -> None:
    raw = np.random.PCG64(3).random_raw(5).tolist()
    assert draws.shuffled(5, 3).tolist() == sorted(range(5), key=lambda place: raw[place])


def test_published_shares_give_the_published_sizes() -> None:
    catalog = catalog_of(list(range(10_000)), [0] * 10_000)
    catalog["published_split"] = np.repeat(["train", "validation", "test"], [8490, 535, 975])
    counts = roles(catalog, "pooled-random").value_counts().to_dict()
    assert counts == {"train": 8490, "validation": 535, "test": 975}


@given(
    sizes=some.lists(some.integers(1, 30), min_size=1, max_size=25),
    parts=some.lists(some.integers(1, 50), min_size=2, max_size=3),
    seed=some.integers(0, 100),
)
def test_small_strata_are_drawn_in_their_shares(sizes, parts, seed) -> None:
    """However many strata have a single patch."""
    fractions = np.array(parts) * draws.SCALE // sum(parts)
    fractions[0] += draws.SCALE - fractions.sum()
    stratum = np.repeat(np.arange(len(sizes)), sizes)
    role = draws.by_patch(fractions, stratum, seed)
    counts = np.bincount(role, minlength=len(fractions))
    assert np.abs(counts - len(stratum) * fractions / draws.SCALE).max() <= 2
    for number, size in enumerate(sizes):
        inside = np.bincount(role[stratum == number], minlength=len(fractions))
        assert np.abs(inside - size * fractions / draws.SCALE).max() <= 3


def test_published_keeps_the_publishers_roles() -> None:
    catalog = catalog_of([1, 2, 3, 4], [0, 0, 0, 0])
    catalog["published_split"] = ["test", "train", "", "validation"]
    assert roles(catalog, "published").tolist() == ["test", "train", "unused", "validation"]


def test_units_are_connected_over_keys_and_empty_values_join_nothing() -> None:
    roi = pd.Series(["a", "a", "b", "", "", "c"])
    product = pd.Series(["1", "2", "2", "3", "", "3"])
    assert units([roi, product], 6).tolist() == [0, 0, 0, 1, 2, 1]


def test_perfect_assignment_is_found_and_its_bound_is_zero() -> None:
    # A hundred groups of one patch of each class: 80/10/10 groups hit every fraction exactly.
    catalog = catalog_of(list(np.repeat(np.arange(100), 2)), [0, 1] * 100)
    result = drawn(catalog, "grouped-stratified", fractions={"train": 0.8, "validation": 0.1, "test": 0.1})
    balance = result.balance.set_index("quantity")["deviation"]
    assert balance["deviation reached"] == pytest.approx(0, abs=1e-9)
    assert balance["lower bound"] == 0
    assert result.infeasible.empty


def test_deviation_by_hand() -> None:
    # Two roles of a half each; the three patches of class 0 lie 3 : 0, the single one of class 1 lies 0 : 1,
    # sizes 3 : 1. Relative deviations: |3 - 1.5| / 1.5 = 1 twice, 1 twice, |3 - 2| / 2 = 0.5 twice.
    amounts = np.array([[3, 0, 3], [0, 1, 1]]) * draws.SCALE
    fractions = np.array([draws.SCALE // 2] * 2)
    added = solver.relative(amounts, fractions)
    assert programme.deviation(added, np.array([0, 1])) == pytest.approx(5 / 6)


def test_assignment_reaches_the_best_of_all_assignments() -> None:
    random = np.random.default_rng(0)
    amounts = random.integers(0, 9, (8, 3)) * draws.SCALE
    fractions = np.array([500_000, 200_000, 300_000])
    added = solver.relative(amounts, fractions)
    every = np.indices((3,) * 8).reshape(8, -1).T
    best = min(programme.deviation(added, role) for role in every if len(np.unique(role)) == 3)
    bound = programme.lower_bound(added, amounts, fractions)
    fit = solver.solve(solver.Problem(added, amounts.sum(axis=1), fractions, bound, np.ones(3, dtype=np.int64)), 1, 60)
    assert fit.deviation == pytest.approx(best, abs=1e-6)
    assert bound <= fit.bound <= best + 1e-6


def test_class_of_a_single_group_is_named_as_infeasible() -> None:
    catalog = many(12)
    catalog.loc[catalog["group"] == "g4", "label"] = 9
    found = drawn(catalog, "grouped-stratified", fractions=EVEN).infeasible
    assert any("label 9" in request for request in found["request"])
    with pytest.raises(InputError, match="label 9"):
        drawn(catalog, "grouped-stratified", fractions=EVEN, strict=True)


def test_a_struck_time_limit_is_told() -> None:
    found = drawn(many(), "grouped-stratified", time_limit=1e-6).infeasible
    assert found["found"].tolist()[0] == "ended early"


def test_comparison_names_every_method_and_milp_is_closest() -> None:
    balance = drawn(many(80, 5, 4), "grouped-stratified", fractions=EVEN).balance
    reached = balance.set_index("quantity")["deviation"]
    assert reached["method: milp"] < 0.5 * reached["method: stratified-group-kfold"]
    assert reached["method: milp"] < reached["method: greedy"]
    assert reached["lower bound"] <= reached["deviation reached"] == reached["method: milp"]


def test_fractions_of_pixels_are_shared_out() -> None:
    random = np.random.default_rng(2)
    parts = random.dirichlet([1, 1, 1], 400).astype(np.float32)
    catalog = many(80).assign(**{f"fraction_{name}": parts[:, at] for at, name in enumerate("abc")})
    result = drawn(catalog, "grouped-stratified", strata=["fraction_a", "fraction_b", "fraction_c"], fractions=EVEN)
    classes = result.balance[(result.balance["quantity"] == "class") & (result.balance["role"] != "unused")]
    assert classes["deviation"].abs().max() < 0.002
    whole = classes.set_index(["role", "class"])["whole_fraction"]["test", "b"]
    assert whole == pytest.approx(parts[:, 1].mean(), abs=1e-6)


def test_every_fold_is_test_once() -> None:
    catalog = many()
    tests = np.array([roles(catalog, "kfold", trial, folds=4) == "test" for trial in range(1, 5)])
    assert (tests.sum(axis=0) == 1).all()
    again = [roles(catalog, "kfold", trial, folds=4, repeats=2) == "test" for trial in (1, 5)]
    assert again[0].tolist() == tests[0].tolist() != again[1].tolist()


def test_leave_one_group_out() -> None:
    catalog = many(6).assign(season=["spring", "fall"] * 15)
    options = {"key": "season", "values": ["spring", "fall"], "groups": [], "validation": 0}
    for trial, season in enumerate(options["values"], 1):
        role = roles(catalog, "leave-one-group-out", trial, **options)
        assert ((role == "test") == (catalog["season"] == season)).all()
    # Each group has patches of both seasons: held together, none is left to train on.
    with pytest.raises(InputError):
        roles(catalog, "leave-one-group-out", 1, **{**options, "groups": ["group"]})


def test_blocks_are_as_high_and_at_least_as_wide_as_asked() -> None:
    lat = np.linspace(-80, 80, 2001)
    block = spatial.blocks(np.zeros(2001), lat, 100)
    heights = pd.Series(lat).groupby(block).agg(np.ptp).to_numpy()[1:-1] * np.pi / 180 * spatial.RADIUS_KM
    assert heights.max() < 101
    lon = np.linspace(-180, 179.9, 3600)
    widths = pd.Series(lon).groupby(spatial.blocks(lon, np.full(3600, 60.0), 100)).agg(np.ptp)
    assert np.median(widths) * np.pi / 180 * spatial.RADIUS_KM / 2 == pytest.approx(100, rel=0.1)


def test_distance_by_the_haversine_formula() -> None:
    lon, lat = np.radians([10.0, 12.5]), np.radians([48.0, 50.0])
    half = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat).prod() * np.sin(np.diff(lon) / 2) ** 2
    points = spatial.on_sphere(np.degrees(lon), np.degrees(lat))
    expected = 2 * spatial.RADIUS_KM * np.arcsin(np.sqrt(half))
    assert spatial.nearest_km(points[:1], points[1:]) == pytest.approx(expected, rel=1e-12)


# --------------------------------------------------------------------------------------- properties

catalogs = some.lists(
    some.tuples(some.integers(0, 14), some.integers(0, 3), some.integers(0, 6)), min_size=40, max_size=90
).map(
    lambda rows: catalog_of(
        [*range(15), *(row[0] for row in rows)],
        [*[0] * 15, *(row[1] for row in rows)],
        product=[*[""] * 15, *(f"s{row[0]}" if row[2] else "" for row in rows)],
    )
)


def options_of(kind: str) -> dict[str, object]:
    wanted: dict[str, object] = {"apart": ["product"]}
    if "fractions" in KINDS[kind].model_fields:
        wanted["fractions"] = EVEN
    if kind == "spatial-blocks":
        wanted["groups"] = ["group"]
    return wanted


@pytest.mark.parametrize("kind", KINDS_OF_GROUPS)
@settings(max_examples=4, deadline=None)
@given(catalog=catalogs, trial=some.integers(1, 4))
def test_no_group_in_two_roles(kind: str, catalog: pd.DataFrame, trial: int) -> None:
    role = roles(catalog, kind, trial, **options_of(kind))
    used = role != "unused"
    assert role[used].groupby(catalog["group"][used]).nunique().max() == 1
    named = used & (catalog["product"] != "")
    assert not named.any() or role[named].groupby(catalog["product"][named]).nunique().max() == 1


@pytest.mark.parametrize("kind", [*KINDS_OF_GROUPS, "pooled-random"])
@settings(max_examples=5, deadline=None)
@given(catalog=catalogs)
def test_same_seed_same_split(kind: str, catalog: pd.DataFrame) -> None:
    first, second = drawn(catalog, kind, 2), drawn(catalog, kind, 2)
    pd.testing.assert_frame_equal(first.split, second.split)
    pd.testing.assert_frame_equal(first.balance, second.balance)


@settings(max_examples=20, deadline=None)
@given(catalog=catalogs, trial=some.integers(1, 9))
def test_random_sizes_and_strata_are_within_one_patch(catalog: pd.DataFrame, trial: int) -> None:
    role = roles(catalog, "pooled-random", trial, stratified=True, fractions=EVEN, strata=["label"])
    for name, fraction in EVEN.items():
        assert abs((role == name).sum() - fraction * len(catalog)) <= 1
        for label in catalog["label"].unique():
            mine = catalog["label"] == label
            assert abs((role[mine] == name).sum() - fraction * mine.sum()) <= 2


@settings(max_examples=4, deadline=None)
@given(catalog=catalogs)
def test_balance_says_what_the_split_holds(catalog: pd.DataFrame) -> None:
    result = drawn(catalog, "grouped-stratified", fractions=EVEN, compare=False, strata=["label"])
    counts = pd.crosstab(result.split["role"], catalog["label"])
    amounts = [counts.loc[list(EVEN)].to_numpy(), result.split["role"].value_counts()]
    found = np.column_stack([amounts[0], amounts[1].loc[list(EVEN)]])
    target = np.array(list(EVEN.values()))[:, None] * found.sum(axis=0)
    reached = result.balance.set_index("quantity")["deviation"]["deviation reached"]
    assert reached == pytest.approx(np.mean(np.abs(found - target) / target), abs=1e-6)
    assert result.balance.set_index("quantity")["deviation"]["lower bound"] <= reached


@settings(max_examples=10, deadline=None)
@given(catalog=catalogs)
def test_nested_subsets_are_nested(catalog: pd.DataFrame) -> None:
    fractions = [0.2, 0.4, 0.9, 1.0]
    found = [roles(catalog, "learning-curve", trial, train_fractions=fractions) for trial in range(1, 5)]
    for small, large in pairwise(found):
        assert set(small[small == "train"].index) <= set(large[large == "train"].index)
        assert small[small == "test"].index.equals(large[large == "test"].index)
    assert (found[-1] != "unused").all()
    groups = catalog["group"][found[-1] == "train"].nunique()
    kept = catalog["group"][found[1] == "train"].nunique()
    assert kept == max(1, round(0.4 * groups))


@settings(max_examples=10, deadline=None)
@given(catalog=catalogs)
def test_balanced_weights_reproduce_the_totals(catalog: pd.DataFrame) -> None:
    result = drawn(catalog, "balanced", base="published", strata=["label"]).split
    for role in ("train", "test"):
        mine = result["role"] == role
        before = catalog["published_split"] == role
        counts = catalog["label"][mine].value_counts()
        assert counts.nunique() == 1
        weights = result["weight"][mine].groupby(catalog["label"][mine]).sum()
        pd.testing.assert_series_equal(
            weights, catalog["label"][before].value_counts().sort_index(), check_names=False, check_dtype=False
        )


@settings(max_examples=10, deadline=None)
@given(catalog=catalogs, seed=some.integers(0, 99))
def test_nothing_within_the_buffer(catalog: pd.DataFrame, seed: int) -> None:
    catalog["lon"] = np.random.default_rng(seed).uniform(0, 12, len(catalog))
    role = roles(catalog, "spatial-blocks", block_km=200, buffer_km=30, fractions=EVEN)
    points = spatial.on_sphere(catalog["lon"].to_numpy(), catalog["lat"].to_numpy())
    angle = np.arccos(np.clip(points @ points.T, -1, 1)) * spatial.RADIUS_KM
    for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
        assert angle[np.ix_(role == one, role == other)].min() >= 30 - 1e-3


def test_trials_differ() -> None:
    catalog = many()
    for kind in ("pooled-random", "grouped", "grouped-stratified", "spatial-blocks", "balanced"):
        found = {tuple(roles(catalog, kind, trial)) for trial in range(1, 5)}
        assert len(found) == 4, kind


# -------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({"kind": "groupd"}, "did you mean 'grouped'"),
        ({"kind": "grouped", "group": ["roi"]}, "did you mean 'groups'"),
        ({"kind": "grouped", "fractions": {"train": 0.5, "test": 0.4}}, "add up to 1"),
        ({"kind": "grouped", "fractions": {"train": 0.5, "val": 0.5}}, "train"),
        ({"kind": "grouped", "groups": ["grp"]}, "did you mean 'group'"),
        ({"kind": "grouped-stratified", "strata": ["fraction_cloud"]}, "no such column"),
        ({"kind": "kfold", "folds": 61}, "fewer groups"),
        ({"kind": "kfold", "folds": 3, "validation_folds": 2}, "validation_folds"),
        ({"kind": "kfold", "folds": True}, "whole number"),
        ({"kind": "leave-one-group-out", "values": ["nowhere"]}, "No patch has this value"),
        ({"kind": "leave-one-group-out", "key": "citty"}, "where: scheme scheme, trial 1, option key"),
        ({"kind": "grouped", "groups": ["grp"]}, "where: scheme scheme, trial 1, option groups"),
        ({"kind": "learning-curve", "train_fractions": [0.5, 0.2]}, "rising"),
        ({"kind": "spatial-blocks", "buffer_km": 30_000}, "role is empty"),
        ({"kind": "grouped", "groups": ["planet"]}, "fewer groups"),
        ({"kind": "grouped", "groups": ["planet"]}, "where: scheme scheme, trial 1\n"),
        ({"kind": "spatial-blocks", "buffer_km": 30_000}, "where: scheme scheme, trial 1\n"),
    ],
)
def test_bad_definition(definition: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        split.make(many().assign(planet="Earth"), parse_scheme(definition), 1, SEED, "scheme")


def test_minus_one_is_unknown_as_a_label_and_a_value_elsewhere() -> None:
    catalog = many().assign(label=[-1, 0, 1, 1] * (len(many()) // 4), orbit=[-1, 2, 2, 2] * (len(many()) // 4))
    assert strata.strata_of(catalog, ["label"]).names == ("label 0", "label 1")
    assert strata.strata_of(catalog, ["orbit"]).names == ("orbit -1", "orbit 2")


def test_missing_values_of_columns_are_no_values() -> None:
    catalog = many(20)
    orbit = pd.array([None if row % 9 == 0 else row % 4 for row in range(100)], dtype="Int32")
    catalog = catalog.assign(orbit=orbit, season=[None, "fall", "", "spring"] * 25)
    known = strata.strata_of(catalog, ["orbit"])
    assert known.names == ("orbit 0", "orbit 1", "orbit 2", "orbit 3")
    assert known.amounts.sum() == (~pd.isna(orbit)).sum() * draws.SCALE
    role = roles(catalog, "leave-one-group-out", 2, key="season", groups=[])
    assert set(catalog["season"][role == "test"]) == {"spring"}
    with pytest.raises(InputError, match="2 values"):
        roles(catalog, "leave-one-group-out", 3, key="season", groups=[])


def test_pixel_classes_are_not_asked_for_where_scene_classes_are_balanced() -> None:
    """Every patch has a scene class: no patch is drawn by its pixels, as in SEN12MS."""
    pixels = {"fraction_Forest": 0.75, "fraction_Water": 0.25}
    catalog = catalog_of(list(range(40)), [0, 1] * 20, **pixels)
    found = drawn(catalog, "balanced", base="pooled-random", per_class=1, strict=True)
    assert found.infeasible.empty
    assert found.split["role"].value_counts()[["train", "validation", "test"]].tolist() == [2, 2, 2]
    lacking = drawn(catalog, "balanced", base="pooled-random", per_class=100).infeasible["request"]
    assert set(lacking) == {f"100 patches of label {label} for {role}" for label in (0, 1) for role in EVEN}


def test_a_pixel_class_that_no_patch_has_most_of_cannot_be_balanced() -> None:
    catalog = catalog_of(list(range(40)), [-1] * 40, fraction_Forest=0.75, fraction_Water=0.25)
    found = drawn(catalog, "balanced", base="pooled-random", per_class=1).infeasible
    assert found["request"].tolist() == [f"1 patches of Water for {role}" for role in EVEN]


def test_nothing_to_balance_is_said() -> None:
    with pytest.raises(InputError, match="no classes to balance"):
        drawn(many().assign(label=np.int16(-1)), "balanced")


def test_missing_coordinates() -> None:
    catalog = many()
    catalog.loc[3, "lat"] = np.nan
    result = drawn(catalog, "spatial-blocks")
    assert result.split.loc[3, "role"] == "unused"
    assert ("1 of 300 are unused", "their lon, lat is not known") in zip(
        result.infeasible["found"], result.infeasible["reason"], strict=True
    )
    with pytest.raises(InputError, match="300 patches without a known lon, lat"):
        drawn(catalog.assign(lat=np.nan), "spatial-blocks")


def test_release_without_published_split() -> None:
    with pytest.raises(InputError, match="no published split"):
        drawn(many().assign(published_split=""), "published")


@pytest.mark.parametrize("kind", list(KINDS))
def test_defaults_are_possible_and_json(kind: str) -> None:
    needed = {"places": [[1.0, 11.0]]} if kind == "knndm" else {}
    completed = json.loads(json.dumps(parse_scheme({"kind": kind} | needed).model_dump()))
    assert parse_scheme(completed).model_dump() == completed


def test_numbers_of_trials() -> None:
    assert Published().trials(3) == 1
    assert Grouped().trials(3) == 3
    assert KFold(folds=4, repeats=2).trials(3) == 8
    assert LearningCurve(train_fractions=[0.5, 1]).trials(3) == 2
    assert LeaveOneGroupOut(values=["a", "b"]).trials(3) == 2


def test_command_writes_the_same_bytes_again(tmp_path: Path) -> None:
    many().to_parquet(tmp_path / "catalog.parquet")
    written = []
    for folder in ("one", "two"):
        outputs = {key: tmp_path / folder / key for key in ("output", "balance", "infeasible")}
        split.split(
            catalog=tmp_path / "catalog.parquet",
            scheme="s",
            trial=2,
            definition=parse_scheme({"kind": "grouped-stratified"}),
            classes=["water", "trees"],
            seed=1,
            **outputs,
        )
        written.append([(tmp_path / folder / key).read_bytes() for key in ("output", "balance", "infeasible")])
    assert written[0] == written[1]
    assert b"\twater\t" in written[0][1]
    assert written[0][2].startswith(b"request\tfound\treason\n")
