"""The sample in the layout of CloudSEN12-high: ROIs with one image of each cloudiness class."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import maximum_filter

from sentinel_forest import datasets
from sentinel_forest.simulate import clouds, scene, settings

PUBLISHED_FRACTIONS = {"val": 535 / 10_000, "test": 975 / 10_000}
TESTED = 12
"""ROIs of the test, where there are enough."""
COVERAGES = {
    "cloud-free": (0.0, 0.0),
    "almost-clear": (0.05, 0.24),
    "low-cloudy": (0.26, 0.44),
    "mid-cloudy": (0.46, 0.64),
    "cloudy": (0.67, 0.97),
}
"""Range of the fraction of cloud in the images of each published cloudiness class."""

_LC100 = (80, 111, 114, 30, 40, 40, 20, 90, 60, 60, 60, 70, 50, 50, 50, 50)
_LC10 = (80, 10, 10, 30, 40, 40, 20, 90, 60, 60, 60, 70, 50, 50, 50, 50)
_SCENE_CLASS = (6, 4, 4, 4, 4, 5, 4, 4, 5, 5, 5, 11, 5, 5, 5, 5)
_WATER, _SNOW = scene.MATERIALS.index("water"), scene.MATERIALS.index("snow")
_BANDS_2A = tuple(band for band in scene.BANDS if band != "B10")
_FIRST_DAY, _DAYS = date(2018, 1, 1), 3 * 365
LAYERS = (
    *(f"L1C_{band}" for band in scene.BANDS),
    *(f"L2A_{name}" for name in (*_BANDS_2A, "AOT", "WVP", "TCI_R", "TCI_G", "TCI_B")),
    *(f"EXTRA_{name}" for name in ("CDI", "Shwdirection", "elevation", "ocurrence", "lc100", "lc10")),
    *(f"S1_{name}" for name in ("VV", "VH", "angle")),
    *(
        f"LABEL_{name}"
        for name in (
            "fmask",
            "qa60",
            "s2cloudless",
            "sen2cor",
            "cd_fcnn_rgbi",
            "cd_fcnn_rgbi_swir",
            "kappamask_L1C",
            "kappamask_L2A",
            "manual_hq",
            "manual_sc",
        )
    ),
)
"""The 49 layers of a split."""


@dataclass(frozen=True)
class Roi:
    """A region of interest and the products its images come from; `days` count from 1 January 2018."""

    number: int
    anchor: int
    epsg: int
    x: float
    y: float
    days: tuple[int, ...]


def write(folder: Path, layout: Mapping[str, Any], sample: Mapping[str, Any]) -> None:
    """Write the sample.

    Parameters
    ----------
    folder : Path
        An empty folder.
    layout : mapping
        ``side``: rows and columns of an image, padding included (default 512).
    sample : mapping
        ``seed``; ``rois``: number of ROIs, at least 16; ``dates``: images of an ROI, 1 to 5.
    """
    seed, count, dates = settings.integers(sample, {"seed": (0, None), "rois": (16, None), "dates": (1, 5)})
    side = settings.integers({"side": 512, **layout}, {"side": (32, None)})[0]
    dataset: Any = datasets.load("cloudsen12", dict(layout))
    members = split_rois(seed, count)
    neighbours = shared_products(members)
    for split, numbers in members.items():
        settings.progress(f"cloudsen12 {split}: {len(numbers)} ROIs of {dates} images")
        layers = dataset.create(folder, split, len(numbers) * dates, LAYERS)
        rows = []
        for position, number in enumerate(numbers):
            roi = locate(seed, number, neighbours.get(number), dates)
            images, about = _roi(seed, roi, side - 3)
            for layer, stack in images.items():
                _store(layers[layer], position * dates, stack)
            rows += about
        dataset.write_metadata(folder, split, pd.DataFrame(rows))


def _store(layer: np.memmap, first: int, stack: np.ndarray) -> None:
    """Put images, with empty padding, into the file of a layer from row `first` on.

    The file is written and not mapped: touched pages of a map would count as memory of this process.
    """
    padded = np.zeros((len(stack), *layer.shape[1:]), dtype=layer.dtype)
    padded[:, 1:-2, 1:-2] = stack
    with open(str(layer.filename), "r+b") as file:
        file.seek(first * padded[0].nbytes)
        file.write(padded.tobytes())


def split_rois(seed: int, count: int) -> dict[str, list[int]]:
    """ROI numbers (from 1) of each split, in the published proportions, but at least 5 and, for the test, `TESTED` or
    a fourth of all (at least 6): with fewer groups its scores had no interval.
    """
    order = scene.generator(seed, "cloudsen12", "split").permutation(count) + 1
    validation = max(5, round(count * PUBLISHED_FRACTIONS["val"]))
    test = max(6, min(TESTED, count // 4), round(count * PUBLISHED_FRACTIONS["test"]))
    parts = np.split(order, [count - validation - test, count - test])
    return {
        split: sorted(int(roi) for roi in part) for split, part in zip(("train", "val", "test"), parts, strict=True)
    }


def shared_products(members: Mapping[str, list[int]]) -> dict[int, int]:
    """ROIs that lie beside another one and share its first product, as a few of the published ones do."""
    train, validation, test = members["train"], members["val"], members["test"]
    pairs = {test[0]: train[0], validation[0]: train[1], test[2]: test[1]}
    return pairs | {second: first for first, second in zip(train[2::12], train[3::12], strict=False)}


def locate(seed: int, number: int, neighbour: int | None, dates: int) -> Roi:
    """Where an ROI lies and when it was seen; one with a `neighbour` shares its tile and first product."""
    random = scene.generator(seed, "cloudsen12", "place", number)
    days = [int(day) for day in random.choice(_DAYS, dates, replace=False)]
    anchor = int(random.integers(len(scene.ANCHORS)))
    if neighbour is not None:
        beside = locate(seed, neighbour, None, dates)
        others = [day for day in days if day not in beside.days]
        spare = next(day for day in range(_DAYS) if day not in (*beside.days, *others))
        days = [beside.days[0], *[*others, spare][: dates - 1]]
        return Roi(number, beside.anchor, beside.epsg, beside.x + 8_000, beside.y - 4_000, tuple(days))
    longitude, latitude, _, _ = scene.ANCHORS[anchor]
    return Roi(number, anchor, *scene.near(random, longitude, latitude, 1.5), tuple(days))


def _roi(seed: int, roi: Roi, side: int) -> tuple[dict[str, np.ndarray], list[dict[str, object]]]:
    """All images of an ROI: layers of shape (dates, side, side), and their rows of the metadata."""
    random = scene.generator(seed, "cloudsen12", "images", roi.number)
    here = scene.place(random, scene.CLIMATES[scene.ANCHORS[roi.anchor][2]], shift=1.5)
    hand = clouds.Hand(
        edge=0.08 * random.standard_normal(), thick=float(np.clip(random.normal(0.55, 0.08), 0.35, 0.75))
    )
    materials = scene.ground(random, here.fractions, side)
    texture = scene.smooth(random, 2, side, 0.9)
    relief = 400 * random.random() + random.uniform(5, 90) * (3 + scene.smooth(random, 1, side, 2.2)[0])
    _, (latitude,) = scene.degrees(roi.epsg, [roi.x], [roi.y])
    coverage = random.permutation(list(COVERAGES))[: len(roi.days)]
    tile = mgrs_tile(roi.epsg, latitude, roi.x, roi.y)
    images, rows = [], []
    for day, kind in sorted(zip(roi.days, coverage, strict=True)):
        sun = sun_position(latitude, day)
        sky = clouds.draw(random, side, random.uniform(*COVERAGES[kind]), hand, *sun)
        images.append(
            _image(random, here, _winter(random, materials, latitude, day), texture, relief, sky, sun, day, latitude)
        )
        rows.append(_metadata(roi, day, sun, tile, materials, sky, side))
    if random.random() < 0.08:
        images[0] |= {
            layer: np.where(np.arange(side) < side // 6, -99, images[0][layer])
            for layer in images[0]
            if layer.startswith("S1_")
        }
    return {layer: np.stack([image[layer] for image in images]) for layer in images[0]}, rows


def dryness(latitude: float, day: int) -> float:
    """0 at the height of the growing season, 1 in the middle of the dormant one."""
    return float(0.5 - 0.45 * np.cos(2 * np.pi * (day - (200 if latitude >= 0 else 18)) / 365))


def _winter(random: np.random.Generator, materials: np.ndarray, latitude: float, day: int) -> np.ndarray:
    """The ground with patches of snow in a cold winter."""
    patches = scene.smooth(random, 1, materials.shape[0], 1.8)[0]
    if abs(latitude) < 45 or dryness(latitude, day) < 0.8:
        return materials
    bare = np.isin(materials, [scene.MATERIALS.index(name) for name in ("grass", "crop", "stubble", "soil", "wetland")])
    return np.where(bare & (patches > 0.2), _SNOW, materials)


def _image(
    random: np.random.Generator,
    here: scene.Place,
    materials: np.ndarray,
    texture: np.ndarray,
    relief: np.ndarray,
    sky: clouds.Clouds,
    sun: tuple[float, float],
    day: int,
    latitude: float,
) -> dict[str, np.ndarray]:
    """The 49 layers of one image, without padding."""
    boa = scene.surface(random, here, materials, texture, dryness(latitude, day))
    haze = here.haze * float(np.exp(0.15 * random.standard_normal()))
    clear = scene.top_of_atmosphere(boa, haze)
    toa = scene.at_native_pixels(clouds.over(clear, sky))
    toa *= 1 + 0.01 * random.standard_normal(toa.shape)
    corrected = scene.bottom_of_atmosphere(toa, haze * random.uniform(0.85, 1.15))
    layers = {f"L1C_{band}": scene.stored(toa[index], "int16") for index, band in enumerate(scene.BANDS)}
    level_2a = {band: scene.stored(corrected[scene.BANDS.index(band)], "int16") for band in _BANDS_2A}
    layers |= {f"L2A_{band}": image for band, image in level_2a.items()}
    layers |= {
        f"L2A_TCI_{colour}": np.clip(level_2a[band].astype(np.int64) * 255 // 3558, 1, 255)
        for colour, band in zip("RGB", ("B4", "B3", "B2"), strict=True)
    }
    shape = materials.shape
    layers["L2A_AOT"] = np.rint(120 * haze + 60 * sky.cirrus + random.normal(0, 2, shape))
    layers["L2A_WVP"] = np.rint(1500 + 900 * sky.hidden + random.normal(0, 30, shape))
    layers["EXTRA_CDI"] = np.rint(10_000 * np.clip(-0.25 - 0.6 * sky.hidden + random.normal(0, 0.08, shape), -1, 1))
    layers["EXTRA_Shwdirection"] = np.full(shape, np.rint(100 * (sun[0] if sun[0] <= 180 else sun[0] - 360)))
    layers["EXTRA_elevation"] = np.rint(relief)
    layers["EXTRA_ocurrence"] = np.where(
        materials == _WATER, random.integers(70, 101, shape), random.integers(0, 4, shape)
    )
    layers["EXTRA_lc100"] = np.array(_LC100)[materials]
    layers["EXTRA_lc10"] = np.array(_LC10)[materials]
    sigma = scene.speckle(random, scene.backscatter(random, here, materials, random.normal(0, 0.5)), 4.4)
    layers["S1_VV"], layers["S1_VH"] = scene.decibel(sigma)
    layers["S1_angle"] = np.round(random.uniform(31, 45) + np.linspace(0, 0.06, shape[1]) * np.ones(shape), 3)
    return layers | _labels(random, materials, boa, sky)


def _labels(
    random: np.random.Generator, materials: np.ndarray, boa: np.ndarray, sky: clouds.Clouds
) -> dict[str, np.ndarray]:
    """The map drawn by hand and what eight algorithms make of the image.

    Each algorithm sees evidence of cloud: what is hidden, bright ground that it takes for cloud, and
    errors of its own that stretch over some pixels.
    """
    side = materials.shape[0]
    errors = scene.smooth(random, 9, side, 1.0)
    glare = np.clip((boa[1:4].mean(axis=0) - 0.18) / 0.25, 0, 1)
    dark = np.clip((0.09 - boa[7]) / 0.09, 0, 1)

    def evidence(number: int, gain: float, fooled: float, noise: float) -> np.ndarray:
        return np.asarray(gain * sky.hidden + fooled * glare + noise * errors[number])

    def shadow(number: int, noise: float) -> np.ndarray:
        return np.asarray(sky.shadow + 0.35 * dark + noise * errors[number])

    def percent(score: np.ndarray) -> np.ndarray:
        return np.rint(100 / (1 + np.exp(-10 * (score - 0.4))))

    water, snow = materials == _WATER, materials == _SNOW
    fmask = np.select(
        [maximum_filter(evidence(0, 1.0, 0.42, 0.12), 5) > 0.42, shadow(7, 0.25) > 0.5, snow, water], [4, 2, 3, 1], 0
    )
    seen = evidence(1, 0.9, 0.45, 0.14)
    sen2cor = np.select(
        [seen > 0.7, seen > 0.48, sky.cirrus + 0.06 * errors[8] > 0.2, shadow(8, 0.3) > 0.75, seen > 0.42],
        [9, 8, 10, 3, 7],
        np.array(_SCENE_CLASS)[materials],
    )
    kappa = {
        level: np.select([score > 0.6, score > 0.24, shadow(number, 0.2) > 0.6], [4, 3, 2], 1)
        for number, (level, score) in enumerate(
            {"L1C": evidence(2, 1.0, 0.28, 0.10), "L2A": evidence(3, 0.95, 0.34, 0.12)}.items(), start=5
        )
    }
    lines = (np.abs(errors[4]) < 0.04) & (np.abs(errors[7]) < 1.2)
    return {
        "LABEL_fmask": fmask,
        "LABEL_qa60": np.zeros_like(fmask),
        "LABEL_s2cloudless": percent(evidence(4, 0.95, 0.34, 0.10)),
        "LABEL_sen2cor": sen2cor,
        "LABEL_cd_fcnn_rgbi": percent(evidence(5, 0.9, 0.45, 0.13)),
        "LABEL_cd_fcnn_rgbi_swir": percent(evidence(6, 0.9, 0.40, 0.12)),
        "LABEL_kappamask_L1C": kappa["L1C"],
        "LABEL_kappamask_L2A": kappa["L2A"],
        "LABEL_manual_hq": sky.label,
        "LABEL_manual_sc": np.where(lines, np.array([0, 1, 3, 5])[sky.label], 99),
    }


def sun_position(latitude: float, day: int) -> tuple[float, float]:
    """Azimuth and elevation (degrees) of the sun at 10:30 local solar time, elevation at least 15.

    Cooper's formula for the declination; `day` counts from a 1 January.
    """
    phi, delta = np.radians(latitude), np.radians(-23.44 * np.cos(2 * np.pi * (day % 365 + 10) / 365))
    height = np.arcsin(np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(np.radians(22.5)))
    cosine = (np.sin(delta) - np.sin(height) * np.sin(phi)) / (np.cos(height) * np.cos(phi))
    azimuth = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return round(float(azimuth), 4), round(max(15.0, float(np.degrees(height))), 4)


def mgrs_tile(epsg: int, latitude: float, x: float, y: float) -> str:
    """MGRS 100 km square of a UTM point, such as ``T32UPU`` (NGA.SIG.0012, annex on MGRS lettering)."""
    zone = epsg % 100
    band = "CDEFGHJKLMNPQRSTUVWX"[int((latitude + 80) // 8)]
    column = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")[zone % 3][int(x // 100_000) - 1]
    row = "ABCDEFGHJKLMNPQRSTUV"[(int(y // 100_000) + (0 if zone % 2 else 5)) % 20]
    return f"T{zone:02d}{band}{column}{row}"


def _metadata(
    roi: Roi, day: int, sun: tuple[float, float], tile: str, materials: np.ndarray, sky: clouds.Clouds, side: int
) -> dict[str, object]:
    """A row of metadata.csv; cloudiness and difficulty follow from the pixels."""
    when = _FIRST_DAY + timedelta(days=day)
    stamp = f"{when:%Y%m%d}"
    satellite, orbit = "AB"[day % 2], 1 + (int(roi.x // 100_000) * 31 + roi.epsg) % 143
    counts = np.bincount(sky.label.ravel(), minlength=4) / sky.label.size
    edge = 10 * side
    corners = ((0, 0), (edge, 0), (edge, -edge), (0, -edge), (0, 0), (edge / 2, -edge / 2))
    points = list(
        zip(*scene.degrees(roi.epsg, [roi.x + dx for dx, _ in corners], [roi.y + dy for _, dy in corners]), strict=True)
    )
    ring = ", ".join(f"{longitude:.6f} {latitude:.6f}" for longitude, latitude in points[:5])
    return {
        "roi_id": f"ROI_{roi.number:04d}",
        "s2_id_gee": f"{stamp}T103021_{stamp}T103515_{tile}",
        "s2_id": f"S2{satellite}_MSIL1C_{stamp}T103021_N0207_R{orbit:03d}_{tile}_{stamp}T124510",
        "s2_date": when.isoformat(),
        "s2_sen2cor_version": "2.8.0",
        "s2_view_off_nadir": 0,
        "s2_view_sun_azimuth": sun[0],
        "s2_view_sun_elevation": sun[1],
        "s1_id": f"S1A_IW_GRDH_1SDV_{stamp}T170112_{stamp}T170137_{roi.number:06d}_{day:06X}",
        "s1_date": when.isoformat(),
        "land_cover": int(np.bincount(np.array(_LC100)[materials].ravel()).argmax()),
        "label_type": "high",
        "cloud_coverage": cloudiness(counts[clouds.THICK] + counts[clouds.THIN]),
        "difficulty": 1
        + int(np.searchsorted((0.03, 0.10, 0.20, 0.40), counts[clouds.THIN] + counts[clouds.SHADOW] / 2)),
        "proj_epsg": roi.epsg,
        "proj_geometry": f"POLYGON (({ring}))",
        "proj_shape": side,
        "proj_centroid": f"POINT ({points[5][0]:.6f} {points[5][1]:.6f})",
        "proj_transform": f"[10.0, 0.0, {roi.x:.1f}, 0.0, -10.0, {roi.y:.1f}]",
    }


def cloudiness(fraction: float) -> str:
    """The published cloudiness class of an image with this fraction of thick and thin cloud."""
    return list(COVERAGES)[int(np.searchsorted((0.001, 0.25, 0.45, 0.65), fraction, side="right"))]
