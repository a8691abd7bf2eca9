"""The sample in the layout of SEN12MS: overlapping triplets of square patches, and split files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.transform import Affine

from sentinel_forest import datasets
from sentinel_forest.io import tables
from sentinel_forest.simulate import scene, settings

CELL = 50
"""Side of a MODIS cell (500 m) in pixels."""
BROKEN = ("ROIs1868_summer", 146, 202)
"""Season, scene and patch whose Sentinel-1 image has NaN, in the published set and here."""
HOLD_OUT = {
    "ROIs1158_spring": (63, 146, 97, 124, 15),
    "ROIs1868_summer": (43, 131, 19, 104, 72),
    "ROIs1970_fall": (120, 39, 144, 35, 61),
    "ROIs2017_winter": (64, 146, 32, 107, 135),
}
"""Numbers of published hold-out scenes by season."""
_FIRST_TRAINING = {"ROIs1158_spring": 101, "ROIs1868_summer": 146, "ROIs1970_fall": 101, "ROIs2017_winter": 8}
"""One number occurs in two seasons, at two places."""
_DRYNESS = {"ROIs1158_spring": 0.4, "ROIs1868_summer": 0.05, "ROIs1970_fall": 0.6, "ROIs2017_winter": 0.9}

_COVERS: Mapping[int, Mapping[str, float]] = {
    1: {"conifer": 8, "grass": 1},
    2: {"broadleaf": 9, "wetland": 0.4},
    4: {"broadleaf": 7, "grass": 1.5},
    5: {"conifer": 4, "broadleaf": 4, "grass": 0.8},
    7: {"shrub": 3, "soil": 3, "sand": 1},
    8: {"broadleaf": 3, "grass": 3, "shrub": 2},
    9: {"grass": 5, "shrub": 2, "soil": 1},
    10: {"grass": 8, "soil": 1},
    11: {"wetland": 6, "water": 2, "grass": 1},
    12: {"crop": 4, "stubble": 4, "soil": 1.5},
    13: {"concrete": 3, "asphalt": 3, "tiles": 3, "bright roof": 1, "broadleaf": 1.5, "grass": 1},
    14: {"crop": 3, "grass": 2, "broadleaf": 2, "stubble": 1},
    15: {"snow": 8, "rock": 1},
    16: {"sand": 3, "rock": 4, "soil": 1},
    17: {"water": 1},
}
"""Materials of the IGBP classes that occur here, by class number."""
_CLIMATES: Mapping[str, tuple[int, ...]] = {
    "temperate": (4, 5, 12, 14, 13),
    "mediterranean": (9, 7, 12, 13, 10),
    "boreal": (1, 5, 11, 17),
    "cropland": (12, 14, 10, 13),
    "arid": (16, 7, 10),
    "savanna": (8, 9, 10, 7),
    "tropical": (2, 11, 12, 17),
    "urban": (13, 12, 17, 14),
    "alpine": (15, 16, 1, 10),
    "coast": (17, 13, 10, 11, 4),
}
"""IGBP classes that occur in a climate."""
_LCCS = {
    1: (11, 10, 10),
    2: (12, 10, 10),
    4: (14, 10, 10),
    5: (15, 10, 10),
    7: (43, 40, 40),
    8: (21, 20, 20),
    9: (22, 20, 20),
    10: (31, 30, 30),
    11: (31, 30, 50),
    12: (31, 36, 30),
    13: (1, 9, 1),
    14: (31, 35, 30),
    15: (2, 2, 2),
    16: (1, 1, 1),
    17: (3, 3, 3),
}
"""LCCS land cover, land use and surface hydrology of an IGBP class."""


@dataclass(frozen=True)
class Scene:
    """A scene: its season and number, the anchor it lies at, and whether it is held out."""

    season: str
    number: int
    anchor: int
    held_out: bool


def write(folder: Path, layout: Mapping[str, Any], sample: Mapping[str, Any]) -> None:
    """Write the sample.

    Parameters
    ----------
    folder : Path
        An empty folder.
    layout : mapping
        ``side``: rows and columns of a patch (256, as published).
    sample : mapping
        ``seed``; ``scenes``: scenes of a season, 2 to 100; ``patches``: patches of a scene, 2 to 36.
    """
    seed, count, patches = settings.integers(sample, {"seed": (0, None), "scenes": (2, 100), "patches": (2, 36)})
    dataset = datasets.load("sen12ms", dict(layout))
    files: Any = settings.module(dataset)
    lists: dict[bool, list[str]] = {True: [], False: []}
    every = scenes(seed, count)
    for about in every:
        settings.progress(f"sen12ms {about.season} {about.number}: {patches} patches")
        for patch, images in _patches(seed, about, patches, dataset.side):
            files.write_patch(folder, about.season, str(about.number), patch, **images)
            if (about.season, about.number, patch) != BROKEN:
                lists[about.held_out].append(f"{about.season}_s2_{about.number}_p{patch}.tif")
    held_out = [f"{about.season}/s1_{about.number}\n" for about in every if about.held_out]
    tables.write_text(folder / "splits" / "SEN12MS_holdOutScenes.txt", "".join(held_out))
    for name, chosen in {"train": False, "test": True}.items():
        lines = "".join(f"{line}\r\n" for line in sorted(lists[chosen]))
        tables.write_text(folder / "splits" / f"{name}_list.txt", lines)


def scenes(seed: int, count: int) -> list[Scene]:
    """Scenes, `count` a season, spread over the anchors; an eighth, at least one a season, is held out."""
    random = scene.generator(seed, "sen12ms", "scenes")
    order = random.permutation(len(scene.ANCHORS))
    held_out = min(max(1, round(count / 8)), 5)
    found: list[Scene] = []
    for season, official in HOLD_OUT.items():
        free = [int(n) for n in random.permutation(np.arange(1, 150)) if n not in (*official, _FIRST_TRAINING[season])]
        numbers = [*official[:held_out], _FIRST_TRAINING[season], *free][:count]
        for number in numbers:
            anchor = int(order[len(found) % len(order)])
            found.append(Scene(season, number, anchor, number in official[:held_out]))
    return found


def _patches(seed: int, about: Scene, count: int, side: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers of the patches of a scene and what `write_patch` takes; neighbours share half their ground."""
    random = scene.generator(seed, "sen12ms", "ground", about.season, about.number)
    columns = int(np.ceil(np.sqrt(count)))
    stride = side // 2
    longitude, latitude, climate, _ = scene.ANCHORS[about.anchor]
    epsg, x, y = scene.near(random, longitude, latitude, 1.5)
    s1, s2, lc = _ground(random, climate, _DRYNESS[about.season], stride * (columns + 1))
    for index in range(count):
        row, column = divmod(index, columns)
        down, right = stride * row, stride * column
        window = (slice(None), slice(down, down + side), slice(right, right + side))
        patch, radar = 30 + 40 * row + column, s1[window]
        if (about.season, about.number) == BROKEN[:2] and index == count - 1:
            patch, radar = BROKEN[2], _with_gap(radar)
        transform = Affine(10, 0, x + 10 * right, 0, -10, y - 10 * down)
        yield patch, {"s1": radar, "s2": s2[window], "lc": lc[window], "epsg": epsg, "transform": transform}


def _with_gap(image: np.ndarray) -> np.ndarray:
    """A copy with a strip of NaN."""
    image = image.copy()
    image[:, :, -20:] = np.nan
    return image


def _ground(
    random: np.random.Generator, climate: str, dryness: float, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sentinel-1 (2, side, side) in dB, Sentinel-2 (13, side, side) and land cover (4, side, side)."""
    classes = np.array(_CLIMATES[climate])
    here = scene.place(random, dict.fromkeys(scene.MATERIALS, 1.0), shift=1.2)
    weights = random.dirichlet(np.full(len(classes), 2.0))
    covers = scene.choose(scene.smooth(random, len(classes), side, 2.2), weights, sharpness=2.0)
    materials = np.zeros((side, side), dtype=np.int64)
    for index, igbp in enumerate(classes):
        mixture = scene.fractions(_COVERS[int(igbp)]) * here.fractions**0.5
        materials = np.where(covers == index, scene.ground(random, mixture, side, 1.5), materials)
    boa = scene.surface(random, here, materials, scene.smooth(random, 2, side, 0.9), dryness)
    s2 = scene.stored(scene.at_native_pixels(scene.top_of_atmosphere(boa, here.haze)), "uint16")
    s1 = scene.decibel(scene.speckle(random, scene.backscatter(random, here, materials), 4.4)).astype("float32")
    return s1, s2, _land_cover(random, classes, covers)


def _land_cover(random: np.random.Generator, classes: np.ndarray, covers: np.ndarray) -> np.ndarray:
    """Four land-cover bands (uint16): the commonest class of each 500 m cell; one in eight is wrong."""
    fractions = np.stack([scene.coarse(covers == index, CELL) for index in range(len(classes))])
    side = covers.shape[0]
    cells = -(-side // CELL)
    wrong = random.random((cells, cells)) < 0.125
    other = np.where(wrong, random.integers(len(classes), size=(cells, cells)), -1)
    errors = other.repeat(CELL, axis=0).repeat(CELL, axis=1)[:side, :side]
    igbp = classes[np.where(errors >= 0, errors, fractions.argmax(axis=0))]
    table = np.zeros((4, 18), dtype="uint16")
    for number, codes in _LCCS.items():
        table[:, number] = number, *codes
    return table[:, igbp]
