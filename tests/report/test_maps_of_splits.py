"""Maps of splits: blocks and their buffers, and the close-up of a place where a leak is seen."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sentinel_forest.config.schemes import parse_scheme
from sentinel_forest.report import blockmaps, charts, maps, splitmaps
from sentinel_forest.splits import kinds
from sentinel_forest.verify import spatial

OPTIONS = parse_scheme({"kind": "spatial-blocks", "block_km": 20.0, "buffer_km": 5.0})


@pytest.fixture(scope="module")
def catalog():
    """900 patches of 5 km beside each other, in roles by blocks of 20 km with a buffer of 5 km."""
    row, column = np.divmod(np.arange(900), 30)
    frame = pd.DataFrame({"patch": [f"p{number}" for number in range(900)]})
    frame["lon"], frame["lat"] = 10 + column * 0.045, 45 + row * 0.03
    frame["group"] = frame["patch"]
    draw = kinds._spatial_blocks(frame, OPTIONS, lambda trial: 7, 1)
    return frame.assign(role=np.array(kinds.ROLES)[draw.role])


def test_edges_are_those_of_the_blocks():
    random = np.random.default_rng(1)
    lon, lat = random.uniform(-180, 180, 500), random.uniform(-89, 89, 500)
    west, east, south, north = spatial.block_edges(lon, lat, 50).T
    assert ((west <= lon) & (lon < east) & (south <= lat) & (lat < north)).all()
    own = spatial.blocks(lon, lat, 50)
    for inner in (0.001, 0.999):
        same = spatial.blocks(west + inner * (east - west), south + inner * (north - south), 50)
        assert (same == own).all()
    assert (spatial.blocks(east + 1e-9, lat, 50) != own).all()
    assert (spatial.blocks(lon, south - 1e-9, 50) != own).all()
    assert np.allclose((north - south) * blockmaps.KM, 50, rtol=0.01)


def test_the_middle_is_a_test_patch_with_the_most_unused_patches_in_its_buffer(catalog):
    middle = blockmaps.middle_of(catalog, OPTIONS.buffer_km)
    assert middle["role"] == "test"
    points = spatial.on_sphere(catalog["lon"].to_numpy(), catalog["lat"].to_numpy())
    unused = points[(catalog["role"] == "unused").to_numpy()]

    def count(point):
        return (2 * spatial.RADIUS_KM * np.arcsin(np.linalg.norm(unused - point, axis=1) / 2) < 5).sum()

    counts = [count(point) for point in points[(catalog["role"] == "test").to_numpy()]]
    assert count(points[middle.name]) == max(counts) > 0
    assert blockmaps.middle_of(catalog[catalog["role"] != "test"], 5) is None


def test_patches_around_a_place_have_their_distance_from_it(catalog):
    middle = catalog.iloc[450]
    near = blockmaps.around(catalog, middle, 12).set_index("patch")
    assert near.loc[middle["patch"], ["east", "north"]].tolist() == [0, 0]
    assert near[["east", "north"]].abs().max().max() < 12
    right = near.loc[f"p{451}"]
    km = spatial.nearest_km(
        spatial.on_sphere(*middle[["lon", "lat"]].astype(float).to_numpy()[:, None]),
        spatial.on_sphere(np.array([right["lon"]]), np.array([right["lat"]])),
    )
    assert right["east"] == pytest.approx(km[0], rel=1e-3)


def test_blocks_and_buffers_are_drawn(catalog):
    middle = blockmaps.middle_of(catalog, 5)
    near = blockmaps.around(catalog, middle, 20)
    blocks = blockmaps.borders(near, middle, 20)
    assert 1 < len(blocks) <= 16
    assert all(block["north"] - block["south"] == pytest.approx(20, rel=0.01) for block in blocks)
    drawn = charts.svg(charts.Chart(blockmaps.spec(blocks, 20, 5), near).complete(is_sample=True))
    assert all(f">{role}<" in drawn for role in ("train", "validation", "test", "unused"))


def test_a_release_without_places_or_blocks_has_no_such_picture():
    assert blockmaps.items(SimpleNamespace(catalog=None)) == []
    schemes = {"random": parse_scheme({"kind": "pooled-random"})}
    release = SimpleNamespace(
        catalog=pd.DataFrame({"lon": [1.0], "lat": [1.0]}), schemes=schemes, trials=[("random", 1)]
    )
    assert blockmaps.items(release) == []


def footprints(count):
    """Patches of one place, side by side, 1 km wide."""
    frame = pd.DataFrame({"patch": [f"p{number}" for number in range(count)], "group": "g"})
    frame["x"], frame["y"] = 500_000 + 1000.0 * np.arange(count), 4_000_000.0
    frame["epsg"], frame["side_m"] = pd.array([32632] * count, "Int32"), 1000.0
    return frame


def test_the_close_up_is_where_training_and_test_lie_beside_each_other():
    catalog = pd.concat([footprints(4), footprints(8).assign(x=lambda rows: rows["x"] + 200_000)], ignore_index=True)
    clean = pd.Series(["test"] * 4 + ["train"] * 8)
    mixed = pd.Series(["test"] * 4 + ["train", "test"] * 4)
    assert splitmaps._middle(catalog, {"clean 1": clean}) is None
    assert splitmaps._middle(catalog, {"clean 1": clean, "mixed 1": mixed}) in {5, 7, 9, 11}


def test_a_square_is_the_footprint_and_those_of_one_place_lie_within_each_other():
    near = footprints(2)
    twice = pd.concat([near, near.head(1)], ignore_index=True)
    roles = pd.Series(["train", "validation", "test"])
    squares = splitmaps._squares(twice, near.iloc[0], "random 1", roles).set_index("role")
    assert squares.loc["train", ["west", "east", "south", "north"]].tolist() == [-0.5, 0.5, -0.5, 0.5]
    assert squares.loc["validation", ["west", "east"]].tolist() == [0.5, 1.5]
    assert 0 < squares.loc["test", "east"] < 0.5


@pytest.mark.parametrize("step", [0.5, 1.4])
def test_a_coarser_coast_is_the_same_coast(step):
    """Every point lies within half a step of one of the fine outline, and no land is lost that a pixel can show."""
    fine, coarse = maps.outlines(maps.LAND, 0.01), maps.outlines(maps.LAND, step)
    assert len(coarse) == len(fine)
    for exact, thin in zip(fine, coarse, strict=True):
        apart = np.abs(thin[:, None] - exact[None]).max(axis=2).min(axis=1)
        assert apart.max() <= step / 2 + 0.01
        extent = np.ptp(exact, axis=0)
        assert (np.abs(np.ptp(thin, axis=0) - extent) <= step + 0.01).all()
        assert len(thin) > 2 or extent.min() < 2 * step
        assert len(thin) <= len(exact)


def test_every_scheme_has_a_panel_before_any_has_two():
    trials = [(scheme, trial) for scheme in ("one", "two", "three", "four", "five") for trial in (1, 2, 3)]
    chosen = splitmaps._chosen(SimpleNamespace(trials=trials))
    assert len(chosen) == splitmaps.MOST_PANELS
    assert {scheme for scheme, _ in chosen} == {"one", "two", "three", "four", "five"}
    assert chosen == [pair for pair in trials if pair in chosen]
