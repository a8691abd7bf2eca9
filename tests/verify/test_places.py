"""Places without a name are told apart by their distance, and the catalog says what groups rest on."""

import numpy as np
import pandas as pd
import pytest

from sentinel_forest import datasets
from sentinel_forest.verify.groups import groups
from sentinel_forest.verify.places import with_places
from sentinel_forest.verify.spatial import clusters, on_sphere

KM = 1 / 111.195
"""A kilometre along a meridian, in degrees."""


def places(north_km: list[float], city: list[str], lon: float = 9.0) -> pd.DataFrame:
    """Patches of So2Sat at so many km north of the equator; NaN: unknown."""
    lat = np.array(north_km) * KM
    count = len(lat)
    return pd.DataFrame(
        {
            "patch": [f"p{row}" for row in range(count)],
            "city": pd.Series(city, dtype="str"),
            "lon": np.where(np.isnan(lat), np.nan, lon),
            "lat": lat,
            "x": np.nan,
            "y": np.nan,
            "epsg": pd.array([pd.NA] * count, "Int32"),
            "side_m": 320.0,
        }
    )


def test_a_chain_is_one_place_and_a_gap_parts_two() -> None:
    """Steps of 15 km link, a gap of 25 km does not: single linkage at 20 km."""
    found = clusters(np.full(6, 9.0), np.array([0, 15, 30, 45, 70, 85]) * KM, 20.0)
    assert pd.factorize(found)[0].tolist() == [0, 0, 0, 0, 1, 1]


def test_single_linkage_is_that_of_scipy() -> None:
    from scipy.cluster.hierarchy import fcluster, linkage

    random = np.random.default_rng(4)
    lon, lat = np.round(random.uniform(10, 12, 150), 2), np.round(random.uniform(-1, 1, 150), 2)
    points = on_sphere(lon, lat)
    by_scipy = fcluster(linkage(points, "single"), 2 * np.sin(15 / 6371.0088 / 2), "distance")
    own = clusters(lon, lat, 15.0)
    assert len(np.unique(own)) > 5
    assert len(set(zip(own, by_scipy, strict=True))) == len(np.unique(own)) == len(np.unique(by_scipy))


def test_nameless_places_become_groups_of_their_own_and_the_catalog_says_by_what_rule() -> None:
    dataset = datasets.load("so2sat")
    table = with_places(dataset, places([0, 10, 100, np.nan], [""] * 4))
    assert table["city"].tolist() == ["0.04N 9.00E", "0.04N 9.00E", "0.90N 9.00E", ""]
    rule = "published coordinates: patches nearer than 20 km, directly or through others"
    assert table["group_source"].fillna("unknown").tolist() == [rule] * 3 + ["unknown"]
    found = groups(dataset, table)
    assert found.isna().tolist() == [False, False, False, True]
    assert found.nunique() == 2


def test_a_nameless_patch_of_a_named_place_has_its_name() -> None:
    table = with_places(datasets.load("so2sat"), places([0, 5, 200], ["rome", "", ""]))
    assert table["city"].tolist() == ["rome", "rome", "1.80N 9.00E"]
    assert [source.split(":")[0] for source in table["group_source"]] == [
        "published name",
        "published coordinates",
        "published coordinates",
    ]


@pytest.mark.parametrize(("release", "source"), [("so2sat-v4", "published name"), ("so2sat-v2", "so2sat-v4")])
def test_other_versions_say_whose_names_they_take(release: str, source: str) -> None:
    from sentinel_forest.config.releases import read_entry

    entry = read_entry(release)
    table = with_places(datasets.load("so2sat", entry["layout"]), places([0.0], ["rome"]))
    assert source in table["group_source"][0]


def test_where_a_dataset_has_no_rule_the_unknown_stays_unknown() -> None:
    table = places([0.0, 5.0], ["a", ""]).rename(columns={"city": "scene"})
    found = with_places(datasets.load("sen12ms"), table)
    assert found["scene"].tolist() == ["a", ""]
    assert found["group_source"].isna().tolist() == [False, True]
