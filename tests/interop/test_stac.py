"""The footprints of a publication keep to the schemas of STAC, as pystac has them."""

import json

import pandas as pd
import pytest

from sentinel_forest.versions.publish import stac
from sentinel_forest.versions.publish.about import About, Creator

pytestmark = pytest.mark.xdist_group("interop")


def catalog() -> pd.DataFrame:
    """A patch with a date, one without, one across the antimeridian, and one of which no place is known."""
    return pd.DataFrame(
        {
            "patch": ["a", "b", "c", "d"],
            "published_split": ["train", "test", "", "train"],
            "group": pd.array(["g1", "g2", "g3", None], dtype="str"),
            "x": [500_000.0, 500_000.0, 833_900.0, None],
            "y": [0.0, 5_000_000.0, 0.0, None],
            "epsg": pd.array([32631, 32632, 32660, None], dtype="Int32"),
            "side_m": [320.0, 320.0, 2560.0, 320.0],
            "date": ["2019-04-01", "", "", ""],
        }
    )


def write(folder, damage=None):
    """The catalog, a collection and its items, as `publish` writes them."""
    about = About(
        "v1", "2026-01-30", (Creator("Doe, Jane", None),), {}, {"mine": {"title": "Mine", "licence": "CC-BY-4.0"}}
    )
    items = stac.items(about, "mine", catalog())
    collection = stac.collection(about, "mine", items)
    if damage is not None:
        damage(items[0])
    nodes = {
        "catalog.json": stac.root(about, ["mine"]),
        "mine/collection.json": collection,
        "mine/items.geojson": {"type": "FeatureCollection", "features": items},
    }
    for name, node in nodes.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(json.dumps(node), encoding="utf-8")
    return items


def test_catalog_collection_and_items_are_valid(call, tmp_path):
    items = write(tmp_path)
    assert [item["geometry"]["type"] for item in items] == ["Polygon", "Polygon", "MultiPolygon"]
    seen = json.loads(call("read_stac.py", tmp_path).splitlines()[-1])
    assert len(seen) == 2 + len(items)
    assert all(schemas for schemas in seen.values())


def test_an_item_without_a_time_is_refused(call, tmp_path):
    write(tmp_path, damage=lambda item: item["properties"].pop("start_datetime"))
    with pytest.raises(AssertionError, match="start_datetime"):
        call("read_stac.py", tmp_path)
