"""Maps of a whole Sentinel-2 tile, 10,980 x 10,980 pixels, from a forest of 100 trees: python -m bench tile

The tile is put together from the simulated images that the forest was trained on, mirrored at their borders, each band
in its own resolution and without loss: as a product in JPEG 2000, and as Cloud-Optimized GeoTIFFs, whose decoding takes
a fifth of the time. Not part of `make bench` unless it is named.
"""

import json
import sys
from pathlib import Path

import numpy as np

import sentinel_forest
from bench.measure import Row, clock
from bench.own_script import Cost, cost
from finished import version_of
from scenes import seal, write_band, write_safe
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
    """Time on two cores against five minutes, memory against 2 GB, for each form of the tile."""
    version = forest(folder)
    nodes = json.loads((version / PLACE / "fit.json").read_text())["trees"]["nodes"] // 100
    tiles = forms(folder, folder / "data" / "mine")
    return [row for form, scene in tiles.items() for row in measured(version, scene, form, nodes)]


def forms(folder: Path, data: Path) -> dict[str, Path]:
    """The tile in both forms; its bands leave the memory here, which a process inherits that is started next."""
    bands = mosaic(data)
    return {"JPEG 2000": write_safe(folder / "safe", bands), "GeoTIFF": write_geotiffs(folder / "geotiff", bands)}


def measured(version: Path, scene: Path, form: str, nodes: int) -> list[Row]:
    """Map a tile once, with the command that a user would give."""
    words = ["--release", "mine", "--scheme", "published", "--trial", 1, "--set", "l1c", "--threads", 2]
    known = ["--level", "L1C", "--offset", 0] if form == "GeoTIFF" else []
    command = [
        Path(sys.executable).parent / "sentinel-forest", "map", "--version", version, *words, *known,
        "--scene", scene, "--output", scene.parent / f"{scene.name}-map.tif",
    ]  # fmt: skip
    used: list[Cost] = []
    wall = clock(lambda: used.append(cost(command, scene.parent, Path(sentinel_forest.__file__).parents[1])))
    stored = sum(path.stat().st_size for path in scene.rglob("*") if path.suffix in (".jp2", ".tif")) / 1e6
    what = f"map of 10,980 x 10,980 pixels, 13 bands ({stored:.0f} MB of {form}), 100 trees of {nodes} nodes, two cores"
    return [
        Row(f"{what} ({used[0].processor:.0f} s of processor)", "five minutes", 1.0, wall, 300.0),
        Row(f"{what}: memory in GB", "2 GB", 1.0, used[0].memory, 2.0),
    ]


def write_geotiffs(folder: Path, bands: dict[str, np.ndarray]) -> Path:
    """The bands as Cloud-Optimized GeoTIFFs."""
    for band, values in bands.items():
        pixel = 10.0 * LINES / len(values)
        write_band(folder / f"{band}.tif", values, pixel, driver="COG", compress="deflate", predictor="yes")
    return folder


def forest(root: Path) -> Path:
    """A sealed version with a forest of 100 trees, its leaves of 20 rows as in ``config/full.yaml``."""
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
    settings = ForestSettings(trees=100, minimum_leaf=20)
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
