"""A map of a whole Sentinel-2 tile, 10,980 x 10,980 pixels, from a forest of 100 trees: python -m bench tile

The tile is put together from the simulated images that the forest was trained on, mirrored at their borders, in
JPEG 2000 without loss and with each band in its own resolution. Not part of `make bench` unless it is named.
"""

import json
import sys
from pathlib import Path

import numpy as np

import sentinel_forest
from bench.measure import Row, clock
from bench.own_script import Cost, cost
from finished import version_of
from scenes import seal, write_safe
from sentinel_forest import simulate
from sentinel_forest.config.forest import ForestSettings
from sentinel_forest.datasets.given import ShardOf
from sentinel_forest.features.table import feature_table
from sentinel_forest.models.candidate import TablesOf
from sentinel_forest.models.fit import fit
from sentinel_forest.sensors import SENTINEL_2

LINES = 10_980
PLACE = Path("mine", "baselines", "published", "1", "l1c")
LAYOUT = {"side": 363}
"""Stored side of the images; 360 of it are pixels, a multiple of what a pixel of 60 m covers."""


def rows(folder: Path) -> list[Row]:
    """Time on two cores against five minutes, memory against 2 GB."""
    version = forest(folder)
    scene = write_safe(folder / "scene", mosaic(folder / "data" / "mine"))
    words = ["--release", "mine", "--scheme", "published", "--trial", 1, "--set", "l1c", "--threads", 2]
    command = [
        Path(sys.executable).parent / "sentinel-forest", "map", "--version", version, *words,
        "--scene", scene, "--output", folder / "map.tif",
    ]  # fmt: skip
    used: list[Cost] = []
    wall = clock(lambda: used.append(cost(command, folder, Path(sentinel_forest.__file__).parents[1])))
    nodes = json.loads((version / PLACE / "fit.json").read_text())["trees"]["nodes"] // 100
    stored = sum(path.stat().st_size for path in scene.rglob("*.jp2")) / 1e6
    what = (
        f"map of 10,980 x 10,980 pixels, 13 bands ({stored:.0f} MB of JPEG 2000), 100 trees of {nodes} nodes, two cores"
    )
    return [
        Row(f"{what} ({used[0].processor:.0f} s of processor)", "five minutes", 1.0, wall, 300.0),
        Row(f"{what}: memory in GB", "2 GB", 1.0, used[0].memory, 2.0),
    ]


def forest(root: Path) -> Path:
    """A sealed version with a forest of 100 trees."""
    data = root / "data" / "mine"
    simulate.write("cloudsen12", LAYOUT, {"seed": 1, "rois": 20, "dates": 5}, data)
    version = version_of(root, "cloudsen12", LAYOUT, scheme="published", version="v1")
    catalog, split = root / "work" / "mine" / "catalog.parquet", version / "mine" / "splits" / "published" / "1.parquet"
    table = root / "work" / "table.parquet"
    about = {"dataset": "cloudsen12", "layout": LAYOUT, "catalog": catalog}
    shard = ShardOf(**about, folder=data, shard=1, shards=1)
    feature_table(of=shard, feature_set="l1c", draw={"pixels": 300_000}, seed=1, output=table)
    place = version / PLACE
    of = TablesOf(**about, scheme="published", trial=1, split=split, feature_set="l1c", features=[table])
    settings = ForestSettings(trees=100, minimum_leaf=3)
    fit(release="mine", of=of, forest=settings, seed=1, threads=2, model=place / "forest.skops", fit=place / "fit.json")
    return seal(version)


def mosaic(data: Path) -> dict[str, np.ndarray]:
    """Bands of a tile, each in its own resolution: uint16. Every other image is mirrored, so that borders meet."""
    side = LAYOUT["side"]
    bands = {}
    for band, about in SENTINEL_2.items():
        coarse = round((about.resolution or 10) / 10)
        paths = sorted(data.glob(f"*/L1C_{band}.dat"))
        images = np.concatenate([np.fromfile(path, np.int16).reshape(-1, side, side) for path in paths])
        images = images[:, 1:-2:coarse, 1:-2:coarse].astype(np.uint16)
        lines, across = LINES // coarse, images.shape[1]
        count = -(-lines // across)
        picture = [
            np.hstack([images[(row * count + column) % len(images)][:: 1 - 2 * (row % 2), :: 1 - 2 * (column % 2)]
                       for column in range(count)])
            for row in range(count)
        ]  # fmt: skip
        bands[band] = np.ascontiguousarray(np.vstack(picture)[:lines, :lines])
    return bands
