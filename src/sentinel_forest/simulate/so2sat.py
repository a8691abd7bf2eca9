"""The sample in the layout of So2Sat LCZ42: patches of 32 x 32 pixels, cut from labelled polygons of cities.

Training and held-out cities differ; validation is the western and testing the eastern half of the
held-out cities, as in version 2.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter

from sentinel_forest import datasets
from sentinel_forest.simulate import scene, settings

SIDE = 32
POLYGON = 64
"""Side of the ground around a polygon, in pixels; its patches start on a grid of 100 m and overlap."""
PER_POLYGON = 6
COLUMNS = 24
"""Polygons of a city side by side, 800 m apart."""
HELD_OUT = 10
"""Cities of validation and testing."""
BANDS = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
_SELECTED = [scene.BANDS.index(band) for band in BANDS]
_PUBLISHED = (
    5068,
    24431,
    31693,
    8651,
    16493,
    35290,
    3269,
    39326,
    13584,
    11954,
    42902,
    9514,
    9165,
    41377,
    2392,
    7898,
    49359,
)
_FREQUENCY = np.array(_PUBLISHED) ** 0.6
"""Patches of each class in the published training.h5, evened out so that rare classes occur here."""


@dataclass(frozen=True)
class _Zone:
    """A local climate zone: its materials, how smooth its pattern is, extra backscatter in dB, its double."""

    mixture: Mapping[str, float]
    slope: float
    gain: float
    double: int
    """Index of the class it is most easily taken for."""


_ZONES = (
    _Zone({"concrete": 5, "asphalt": 3, "bright roof": 1, "tiles": 0.3, "broadleaf": 0.3}, 1.1, 4.0, 1),
    _Zone({"concrete": 3, "tiles": 3, "asphalt": 2.5, "broadleaf": 0.6, "bright roof": 0.5}, 0.9, 2.0, 2),
    _Zone({"tiles": 4, "asphalt": 2, "concrete": 2, "broadleaf": 0.6, "soil": 0.4}, 0.6, 0.5, 1),
    _Zone({"concrete": 2.5, "asphalt": 2, "broadleaf": 2, "grass": 2}, 1.3, 3.0, 4),
    _Zone({"concrete": 2, "tiles": 1.5, "asphalt": 1.5, "broadleaf": 2.2, "grass": 2}, 1.1, 1.0, 5),
    _Zone({"tiles": 2, "asphalt": 1.2, "broadleaf": 3, "grass": 2.5}, 0.7, -0.5, 8),
    _Zone({"bright roof": 2, "soil": 3, "tiles": 2, "asphalt": 0.5}, 0.5, 0.0, 2),
    _Zone({"bright roof": 3.5, "asphalt": 3.5, "concrete": 2, "grass": 0.5}, 1.7, 1.0, 9),
    _Zone({"grass": 3, "broadleaf": 3, "crop": 1.5, "tiles": 0.7, "asphalt": 0.5}, 1.2, 0.0, 11),
    _Zone({"concrete": 2.5, "asphalt": 3, "bright roof": 1.5, "soil": 1.5}, 1.6, 2.0, 7),
    _Zone({"broadleaf": 6, "conifer": 3}, 1.7, 0.0, 11),
    _Zone({"broadleaf": 3, "grass": 4, "crop": 1}, 1.1, 0.0, 13),
    _Zone({"shrub": 5, "grass": 1, "soil": 1}, 1.3, 0.0, 13),
    _Zone({"crop": 4, "grass": 3, "stubble": 2}, 2.0, 0.0, 12),
    _Zone({"rock": 3, "asphalt": 3, "concrete": 0.5}, 1.6, -1.0, 15),
    _Zone({"soil": 4, "sand": 3, "stubble": 0.5}, 1.8, 0.0, 14),
    _Zone({"water": 1}, 1.7, 0.0, 16),
)
"""Zones in the order of the published one-hot label."""


@dataclass(frozen=True)
class Polygon:
    """A labelled polygon: its city and class, its corner (100 m steps from the city's centre), its patches.

    `patches` are offsets (rows, columns) of patches in pixels, `number` counts the polygons of its city.
    """

    city: int
    number: int
    zone: int
    east: int
    north: int
    patches: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _City:
    place: scene.Place
    dryness: float
    epsg: int
    x: float
    y: float


def write(folder: Path, layout: Mapping[str, Any], sample: Mapping[str, Any]) -> None:
    """Write the sample.

    Parameters
    ----------
    folder : Path
        An empty folder.
    layout : mapping
        Has to suit the dataset; the layout is always the published one.
    sample : mapping
        ``seed``; ``training`` (at least 102), ``validation`` and ``testing`` (at least 17): number of
        patches; ``cities``: cities of training, at least 2; `HELD_OUT` more are held out.
    """
    limits: dict[str, tuple[int, int | None]] = {
        "seed": (0, None),
        "training": (17 * PER_POLYGON, None),
        "validation": (17, None),
        "testing": (17, None),
        "cities": (2, 99),
    }
    seed, *counts, cities = settings.integers(sample, limits)
    files = settings.module(datasets.load("so2sat", dict(layout)))
    held_out = range(cities, cities + HELD_OUT)
    members = {"training": range(cities), "validation": held_out, "testing": held_out}
    known = {number: _city(seed, number) for number in range(cities + HELD_OUT)}
    for (name, numbers), count in zip(members.items(), counts, strict=True):
        settings.progress(f"so2sat {name}: {count} patches in {len(numbers)} cities")
        rows = scene.generator(seed, "so2sat", "order", name).permutation(count)
        epsg, tfw, city = np.zeros(count, "int32"), np.zeros((count, 6)), np.full(count, "", dtype="U20")
        done = 0
        with files.create(folder, name, count) as file:
            for polygon in polygons(seed, name, count, list(numbers)):
                home = known[polygon.city]
                sen1, sen2 = _ground(seed, name, polygon, home)
                for row, (down, right) in zip(rows[done:], polygon.patches, strict=False):
                    window = (slice(down, down + SIDE), slice(right, right + SIDE))
                    file["sen1"][row], file["sen2"][row] = sen1[window], sen2[window]
                    file["label"][row] = np.arange(17) == polygon.zone
                    epsg[row], city[row] = home.epsg, f"city{polygon.city + 1:02d}"
                    tfw[row] = 10, 0, 0, -10, *_corner(home, polygon, down, right)
                done += len(polygon.patches)
        files.write_geo(folder, name, epsg, tfw, [str(text) for text in city])


def polygons(seed: int, name: str, count: int, cities: list[int]) -> Iterator[Polygon]:
    """Polygons of a file with `count` patches in all; the first 17 are one of each class.

    The first polygons of training hold their first patch twice: exact duplicates.
    """
    random = scene.generator(seed, "so2sat", "polygons", name)
    spots = np.array([(row, column) for row in range(0, SIDE, 10) for column in range(0, SIDE, 10)])
    number = 0
    per_polygon = min(PER_POLYGON, count // 17)
    while count > 0:
        zone = number if number < 17 else int(random.choice(17, p=_FREQUENCY / _FREQUENCY.sum()))
        patches = [(int(row), int(column)) for row, column in random.permutation(spots)[: min(per_polygon, count)]]
        if name == "training" and number < 8:
            patches[-1] = patches[0]
        rank, position = divmod(number, len(cities))
        north, side = divmod(rank, COLUMNS)
        east = {"training": 8 * (side - COLUMNS // 2), "validation": -8 * side - 8, "testing": 8 * side}[name]
        yield Polygon(cities[position], rank, zone, east, 8 * north, tuple(patches))
        count -= len(patches)
        number += 1


def _city(seed: int, number: int) -> _City:
    """A city with spectra and a season of its own."""
    random = scene.generator(seed, "so2sat", "city", number)
    longitude, latitude, _, _ = scene.ANCHORS[(number * 7 + seed) % len(scene.ANCHORS)]
    everything = dict.fromkeys(scene.MATERIALS, 1.0)
    return _City(
        scene.place(random, everything, shift=0.75),
        random.uniform(0, 0.9),
        *scene.near(random, longitude, latitude, 0.3),
    )


def _corner(home: _City, polygon: Polygon, down: int, right: int) -> tuple[float, float]:
    """Upper left corner of a patch, in metres."""
    return home.x + 100 * polygon.east + 10 * right, home.y + 100 * polygon.north - 10 * down


def _ground(seed: int, name: str, polygon: Polygon, home: _City) -> tuple[np.ndarray, np.ndarray]:
    """Sentinel-1 (64, 64, 8) and Sentinel-2 (64, 64, 10) around a polygon."""
    random = scene.generator(seed, "so2sat", "ground", name, polygon.city, polygon.number)
    zone = _ZONES[polygon.zone]
    blend = 0.5 * random.random() ** 1.5
    weights = (1 - blend) * scene.fractions(zone.mixture) + blend * scene.fractions(_ZONES[zone.double].mixture)
    weights = weights * home.place.fractions**0.5 * np.exp(0.3 * random.standard_normal(len(weights)))
    materials = scene.ground(random, weights, POLYGON, zone.slope)
    boa = scene.surface(random, home.place, materials, scene.smooth(random, 2, POLYGON, 0.9), home.dryness)
    toa = scene.at_native_pixels(scene.top_of_atmosphere(boa, home.place.haze))[_SELECTED]
    sigma = scene.backscatter(random, home.place, materials, zone.gain + random.normal(0, 0.7))
    sen2 = scene.stored(toa, "uint16") / 10_000
    return np.moveaxis(_radar(random, sigma), 0, -1), np.moveaxis(sen2, 0, -1)


def _radar(random: np.random.Generator, sigma: np.ndarray) -> np.ndarray:
    """The eight published channels (8, rows, columns) from mean intensities of VV and VH, in steps of 1e-7.

    VH and VV are circular complex Gaussian with a correlation of 0.2; a few pixels are point scatterers.
    """
    vv, vh = sigma * np.where(random.random(sigma.shape[1:]) < 0.001 * sigma[0] / sigma[0].mean(), 60, 1)
    real, imaginary = random.standard_normal((2, 2, *vv.shape)) * np.sqrt(0.5)
    wave_vv, common = real[0] + 1j * imaginary[0], real[1] + 1j * imaginary[1]
    wave_vh = np.sqrt(vh) * (0.2 * wave_vv + np.sqrt(1 - 0.2**2) * common)
    wave_vv = np.sqrt(vv) * wave_vv
    covariance = wave_vh * wave_vv.conj()
    channels = [
        wave_vh.real,
        wave_vh.imag,
        wave_vv.real,
        wave_vv.imag,
        lee_filter(wave_vh.real**2 + wave_vh.imag**2),
        lee_filter(wave_vv.real**2 + wave_vv.imag**2),
        uniform_filter(covariance.real, 5),
        uniform_filter(covariance.imag, 5),
    ]
    return np.round(np.stack(channels), 7)


def lee_filter(intensity: np.ndarray) -> np.ndarray:
    """Lee's filter for multiplicative speckle of one look, in windows of 5 x 5 pixels.

    Source: Lee 1980, IEEE Transactions on Pattern Analysis and Machine Intelligence 2(2), 165-168,
    doi 10.1109/TPAMI.1980.4766994.
    """
    mean = uniform_filter(intensity, 5)
    variance = np.maximum(uniform_filter(intensity**2, 5) - mean**2, 1e-12)
    scene_variance = np.maximum((variance - mean**2) / 2, 0)
    return np.asarray(mean + scene_variance / variance * (intensity - mean))
