"""Groups of the catalog: real memberships, ground across map projections, places that nobody knows."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some
from rasterio.warp import transform

from project import FACTS, NO_FACTS
from sentinel_forest import datasets
from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.datasets.base import MARKING_KEYS, NotPublished
from sentinel_forest.errors import InputError
from sentinel_forest.io.checksums import seed
from sentinel_forest.io.schemas import DataFrameSchema
from sentinel_forest.splits import ledger, marks, split
from sentinel_forest.verify import catalog
from sentinel_forest.verify.footprints import footprints
from sentinel_forest.verify.groups import groups


def table(count: int, **columns: object) -> pd.DataFrame:
    """A catalog without images; what is not given is unknown."""
    unknown = {
        "patch": [f"p{number:05d}" for number in range(count)],
        "content_hash": "",
        "label": -1,
        "epsg": pd.array([pd.NA] * count, "Int32"),
        **dict.fromkeys(("x", "y", "lon", "lat", "side_m", "labelled_fraction"), np.nan),
    }
    return pd.DataFrame(unknown | columns)


def placed(count: int, x: object, y: object, epsg: object, side: float, **columns: object) -> pd.DataFrame:
    """A catalog with squares on the ground; degrees by PROJ."""
    made = table(count, x=x, y=y, side_m=side, **columns)
    made["epsg"] = pd.array(np.broadcast_to(epsg, count), "Int32")
    for zone in set(made["epsg"]):
        rows = (made["epsg"] == zone).to_numpy()
        found = transform(f"EPSG:{zone}", "EPSG:4326", made["x"][rows].tolist(), made["y"][rows].tolist())
        made.loc[rows, "lon"], made.loc[rows, "lat"] = found
    return made.replace({np.inf: np.nan})


# ------------------------------------------------------------------------------------ real membership


@pytest.fixture(scope="module")
def cloudsen12() -> pd.DataFrame:
    """All 10,000 images of CloudSEN12 high quality, from the published membership, with their groups."""
    path = FACTS / "cloudsen12" / "cloudsen12_high_split_membership.csv"
    if not path.is_file():
        pytest.skip(NO_FACTS)
    listed = pd.read_csv(path)
    made = table(
        len(listed),
        roi=listed["roi_id"],
        product=listed["s2_id_gee"],
        tile=listed["tile"],
        cloud_coverage=listed["class"],
        published_split=listed["split"].replace({"val": "validation"}),
    )
    return made.assign(group=groups(datasets.load("cloudsen12"), made))


def test_groups_of_cloudsen12_are_those_of_a_union_find(cloudsen12: pd.DataFrame) -> None:
    assert cloudsen12["group"].nunique() == 1825
    assert cloudsen12["group"].value_counts().max() == 25
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for row in cloudsen12[["roi", "product", "tile"]].itertuples(index=False):
        for other in row[1:]:
            parent[root(other)] = root(row[0])
    by_hand = cloudsen12["roi"].map(root)
    assert not cloudsen12.groupby(by_hand)["group"].nunique().gt(1).any()
    assert by_hand.nunique() == 1825
    named = cloudsen12.groupby("group")["roi"].min()
    assert named.tolist() == named.index.tolist()


def test_grouped_stratified_shares_no_product_between_roles(cloudsen12: pd.DataFrame) -> None:
    definition = {"kind": "grouped-stratified", "strata": ["cloud_coverage"], "compare": False}
    drawn = split.make(cloudsen12, parse_scheme(definition), 1, lambda *names: seed(1, *names)).split
    for key in ("roi", "product", "tile"):
        roles = drawn.groupby(cloudsen12[key])["role"].nunique()
        assert roles.max() == 1, key
    keys = datasets.load("cloudsen12").ledger_keys()
    found = ledger.build(cloudsen12.assign(content_hash=cloudsen12["patch"]), {("s", 1): drawn}, keys)
    unknown = "unknown: footprint"
    assert marks.mark(found, "s", 1, "test") == unknown


# ------------------------------------------------------------------------------------------- ground


def test_scenes_of_sen12ms_that_overlap_are_one_group() -> None:
    """Scenes a and b share half a patch; c touches b and no more; the place of d is unknown."""
    x = np.array([0, 1280, 2560, 5120, np.nan]) + 500_000.0
    made = placed(5, x, 5e6, 32633, 2560.0, scene=["a", "a", "b", "c", "d"])
    made = made.assign(season="", continent="")
    assert groups(datasets.load("sen12ms"), made).tolist() == ["a", "a", "a", "c", "d"]


@pytest.mark.parametrize("apart", [0.0, 1000.0, 2300.0, 2900.0, 8000.0])
def test_ground_is_shared_across_zones(apart: float) -> None:
    """Two squares on either side of the border of zones 32 and 33, `apart` m from north to south."""
    (x1, x2), (y1, y2) = zip(
        *(
            tuple(np.ravel(transform("EPSG:4326", f"EPSG:{zone}", [12.0], [48.0 + north / 111_190])))
            for zone, north in ((32632, 0.0), (32633, apart))
        ),
        strict=True,
    )
    made = placed(2, [x1, x2], [y1, y2], [32632, 32633], 2560.0, scene=["a", "b"], season="", continent="")
    drawn = pd.DataFrame({"patch": made["patch"], "role": ["train", "test"]})
    found = ledger.build(made, {("s", 1): drawn}).set_index(["key", "role_a", "role_b"])
    row, pixels = (found.loc[(key, "test", "train")] for key in ("footprint", "footprint-pixels"))
    assert row["linked"] == int(apart < 2560)
    assert pixels["fraction"] == pytest.approx(max(0, 1 - apart / 2560), abs=0.03)
    assert groups(datasets.load("sen12ms"), made).nunique() == 1 + (apart > 2560)


def test_ground_of_an_unknown_projection_is_not_seen_beside_others() -> None:
    made = table(3, x=[0.0, 0.0, 100.0], y=0.0, side_m=320.0)
    made["epsg"] = pd.array([32633, 65000, 65000], "Int32")
    ground = footprints(made)
    assert ground is not None
    assert ground.seen.tolist() == [True, False, False]
    drawn = pd.DataFrame({"patch": made["patch"], "role": ["validation", "train", "test"]})
    found = ledger.build(made, {("s", 1): drawn}).set_index(["key", "role_a", "role_b"])["status"]
    assert found["footprint", "test", "train"] == "marked, some unknown", "they are of one projection, known or not"
    assert found["footprint", "validation", "train"] == "unknown"


@given(
    rows=some.lists(
        some.tuples(
            some.sampled_from(["a", "b", "c", "d", ""]),
            some.integers(0, 30),
            some.integers(0, 3),
            some.sampled_from([True, True, True, False]),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_groups_by_ground_are_those_of_brute_force(rows: list[tuple[str, int, int, bool]]) -> None:
    count = len(rows)
    x = [500_000 + 100.0 * row[1] if row[3] else np.nan for row in rows]
    made = placed(count, x, [5e6 + 100.0 * row[2] for row in rows], 32633, 250.0)
    made = made.assign(city=[row[0] for row in rows])

    def linked(one: int, other: int) -> bool:
        ground = rows[one][3] and rows[other][3]
        near = max(abs(rows[one][at] - rows[other][at]) for at in (1, 2)) < 2.5
        return rows[one][0] == rows[other][0] or (ground and near)

    inside = [at for at in range(count) if rows[at][0]]
    expected = {at: {at} for at in inside}
    for one, other in itertools.combinations(inside, 2):
        if linked(one, other) and expected[one] is not expected[other]:
            expected[one] |= expected[other]
            for at in expected[one]:
                expected[at] = expected[one]
    found = groups(datasets.load("so2sat"), made)
    assert found.isna().tolist() == [not row[0] for row in rows]
    for at in inside:
        assert {other for other in inside if found[other] == found[at]} == expected[at]
        assert found[at] == min(rows[other][0] for other in expected[at])


# --------------------------------------------------------------------------------- declarations, schema


def test_every_dataset_declares_every_marking_key() -> None:
    for name in datasets.names():
        dataset = datasets.load(name)
        assert set(dataset.marking_keys) == set(MARKING_KEYS)
        told = {key for key, action in dataset.ledger_keys().items() if action in ("mark", "count")}
        assert told == {*dataset.group_keys, "footprint"}


def test_a_dataset_that_forgets_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(datasets.load("so2sat"))
    monkeypatch.setattr(kind, "marking_keys", {"place": NotPublished()})
    with pytest.raises(InputError, match="add acquisition, footprint"):
        datasets.load("so2sat")


def test_a_dataset_without_places_has_no_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = datasets.load("so2sat")
    monkeypatch.setattr(type(dataset), "marking_keys", dict.fromkeys(MARKING_KEYS, NotPublished()))
    assert groups(dataset, table(2, city="Rome")).isna().all()


def test_catalog_takes_a_missing_group_and_no_blank_one() -> None:
    schema = DataFrameSchema({"group": catalog.CATALOG.columns["group"]})
    whole = pd.DataFrame({"group": pd.Series(["Rome", pd.NA], dtype="str")})
    schema.validate(whole)
    with pytest.raises(Exception, match="not_equal_to"):
        schema.validate(whole.fillna(""))
