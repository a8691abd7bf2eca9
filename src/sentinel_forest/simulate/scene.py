"""A model of the ground as Sentinel-1 and Sentinel-2 see it, shared by the samples of all datasets.

Every place has its own materials, spectra and weather, so that patches of one place resemble each
other more than they resemble patches elsewhere. All arithmetic is float64 and free of linear
algebra libraries, so that one seed gives the same pixels on any number of cores.

The spectra are plausible round values, made up for this model after the shape of common spectral
libraries; they are not measurements.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import rasterio.warp

from sentinel_forest.io import checksums

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
"""Bands of Sentinel-2 Level-1C, the first axis of every image of this model."""
CELLS = np.array([6, 1, 1, 1, 2, 2, 2, 1, 2, 6, 6, 2, 2])
"""Native pixel of each band, in pixels of 10 m."""

_MATERIALS = {
    # surface reflectance in BANDS, x 1000                                     VV, VH (dB)
    "water": ((50, 50, 45, 30, 25, 20, 20, 18, 16, 12, 0, 8, 5), (-20.0, -27.5)),
    "conifer": ((20, 22, 35, 25, 55, 140, 170, 190, 200, 190, 0, 90, 40), (-9.5, -15.5)),
    "broadleaf": ((25, 30, 55, 35, 85, 240, 300, 320, 340, 330, 0, 170, 75), (-8.5, -14.0)),
    "grass": ((40, 50, 85, 75, 130, 230, 270, 290, 310, 300, 0, 250, 150), (-12.5, -19.5)),
    "crop": ((35, 45, 75, 50, 110, 300, 380, 410, 420, 410, 0, 210, 110), (-11.0, -17.5)),
    "stubble": ((70, 90, 125, 160, 190, 220, 240, 260, 280, 280, 0, 360, 280), (-12.0, -20.0)),
    "shrub": ((40, 50, 75, 85, 120, 170, 190, 210, 230, 230, 0, 250, 170), (-11.5, -18.0)),
    "wetland": ((30, 35, 55, 45, 80, 150, 175, 190, 200, 190, 0, 110, 55), (-10.5, -18.5)),
    "soil": ((70, 90, 120, 155, 175, 190, 205, 220, 235, 235, 0, 300, 260), (-13.0, -21.5)),
    "sand": ((140, 180, 250, 330, 360, 380, 395, 410, 425, 420, 0, 520, 490), (-17.5, -26.0)),
    "rock": ((100, 120, 145, 170, 180, 190, 195, 200, 210, 210, 0, 245, 230), (-10.5, -18.0)),
    "snow": ((820, 840, 830, 820, 820, 810, 800, 790, 770, 700, 20, 90, 70), (-13.5, -21.0)),
    "asphalt": ((80, 85, 90, 95, 100, 105, 110, 115, 120, 120, 0, 130, 120), (-11.0, -20.0)),
    "concrete": ((140, 160, 180, 200, 210, 220, 225, 235, 240, 240, 0, 260, 240), (-3.5, -12.5)),
    "tiles": ((70, 80, 110, 190, 220, 240, 250, 260, 270, 270, 0, 330, 300), (-5.0, -13.0)),
    "bright roof": ((360, 400, 430, 450, 460, 460, 470, 480, 480, 470, 0, 460, 420), (-2.0, -12.0)),
}
MATERIALS = tuple(_MATERIALS)
SPECTRA = np.array([spectrum for spectrum, _ in _MATERIALS.values()]) / 1000
"""Surface reflectance, shape (materials, bands)."""
BACKSCATTER = np.array([radar for _, radar in _MATERIALS.values()])
"""Mean backscatter sigma0 of VV and VH in dB, shape (materials, 2)."""

_SEASONAL = {"broadleaf": 0.7, "grass": 0.8, "crop": 1.0, "shrub": 0.3, "wetland": 0.5}
_PATH = np.array([110, 75, 40, 20, 15, 12, 10, 8, 6, 4, 1.5, 1, 0.5]) / 1000
_CLEARNESS = np.array([82, 87, 91, 94, 95, 96, 96, 96, 97, 40, 1, 97, 98]) / 100

ANCHORS = (
    # longitude, latitude, climate, continent
    (11.2, 48.3, "temperate", "Europe"),
    (-3.9, 40.6, "mediterranean", "Europe"),
    (25.4, 62.3, "boreal", "Europe"),
    (24.1, 45.6, "cropland", "Europe"),
    (-5.4, 32.1, "arid", "Africa"),
    (36.6, -1.4, "savanna", "Africa"),
    (18.9, -33.4, "mediterranean", "Africa"),
    (22.3, 0.6, "tropical", "Africa"),
    (72.9, 19.4, "urban", "Asia"),
    (86.2, 28.2, "alpine", "Asia"),
    (113.4, 23.3, "urban", "Asia"),
    (104.7, 61.2, "boreal", "Asia"),
    (55.4, 24.3, "arid", "Asia"),
    (139.5, 36.1, "coast", "Asia"),
    (-77.2, 39.1, "temperate", "North America"),
    (-96.8, 41.6, "cropland", "North America"),
    (-113.2, 34.6, "arid", "North America"),
    (-122.1, 47.7, "alpine", "North America"),
    (-61.3, -3.4, "tropical", "South America"),
    (-70.8, -33.6, "mediterranean", "South America"),
    (-47.6, -23.2, "urban", "South America"),
    (-68.2, -16.6, "alpine", "South America"),
    (150.7, -33.6, "coast", "Australia"),
    (133.6, -23.8, "savanna", "Australia"),
)
"""Places on land around which the samples lie."""

CLIMATES: Mapping[str, Mapping[str, float]] = {
    "temperate": {"broadleaf": 4, "conifer": 2, "grass": 4, "crop": 4, "stubble": 1, "water": 1, "tiles": 1},
    "mediterranean": {"shrub": 4, "soil": 2, "stubble": 3, "crop": 2, "tiles": 1, "bright roof": 0.6, "rock": 1},
    "boreal": {"conifer": 6, "wetland": 3, "water": 2, "grass": 1, "snow": 0.8},
    "cropland": {"crop": 6, "stubble": 5, "soil": 3, "grass": 1, "broadleaf": 1, "concrete": 0.3},
    "arid": {"sand": 5, "rock": 3, "soil": 3, "shrub": 1, "bright roof": 0.2},
    "savanna": {"shrub": 4, "grass": 3, "soil": 3, "broadleaf": 1, "water": 0.4, "sand": 0.5},
    "tropical": {"broadleaf": 8, "wetland": 2, "water": 2, "crop": 1, "soil": 0.6},
    "urban": {"concrete": 4, "asphalt": 3, "tiles": 3, "bright roof": 1.5, "broadleaf": 2, "grass": 1.5, "water": 1},
    "alpine": {"snow": 5, "rock": 4, "conifer": 2, "grass": 2, "soil": 1},
    "coast": {"water": 7, "sand": 1.5, "broadleaf": 2, "grass": 2, "tiles": 1, "concrete": 1, "wetland": 1},
}
"""Materials of a climate, with their relative fractions."""


@dataclass(frozen=True)
class Place:
    """A place on Earth with its own look.

    Parameters
    ----------
    spectra : ndarray of float64, shape (materials, bands)
        Surface reflectance of each material here.
    backscatter : ndarray of float64, shape (materials, 2)
        Sigma0 of VV and VH in dB here.
    fractions : ndarray of float64, shape (materials,)
        Relative fractions of the materials.
    haze : float
        Strength of the path radiance, 1 on average.
    """

    spectra: np.ndarray
    backscatter: np.ndarray
    fractions: np.ndarray
    haze: float


def generator(*names: object) -> np.random.Generator:
    """Random numbers that depend on names only, e.g. (seed, dataset, place)."""
    return np.random.Generator(np.random.PCG64(checksums.seed(*names)))


def smooth(random: np.random.Generator, count: int, side: int, slope: float) -> np.ndarray:
    """Periodic random fields by spectral synthesis: white noise whose amplitude falls as frequency^-slope.

    Returns
    -------
    ndarray of float64, shape (count, side, side)
        Each with zero mean and unit standard deviation; the larger `slope`, the smoother.
    """
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.standard_normal((count, side, side))) * frequency**-slope
    fields = np.fft.irfft2(spectrum, s=(side, side))
    return np.asarray(fields / fields.std(axis=(1, 2), keepdims=True))


def place(random: np.random.Generator, mixture: Mapping[str, float], shift: float = 1.0) -> Place:
    """Draw a place whose materials follow a mixture.

    Parameters
    ----------
    random : Generator
        Source of the draw.
    mixture : mapping
        Relative fractions of materials, varied by the draw.
    shift : float
        How far the place's spectra are from the common ones; 0 is not at all.
    """
    count = len(MATERIALS)
    brightness = 0.10 * random.standard_normal() + 0.12 * random.standard_normal((count, 1))
    bends = _bends(random.standard_normal((count, 3)) * (0.10, 0.08, 0.06))
    common = _bends(random.standard_normal((1, 3)) * (0.08, 0.06, 0.05))
    return Place(
        spectra=np.clip(SPECTRA * np.exp(shift * (brightness + bends + common)), 0, 1),
        backscatter=BACKSCATTER + shift * random.normal(0, 1.0, (count, 1)) + shift * random.normal(0, 0.5, (count, 2)),
        fractions=fractions(mixture) * np.exp(0.6 * random.standard_normal(count)),
        haze=float(np.exp(0.2 * shift * random.standard_normal())),
    )


def fractions(mixture: Mapping[str, float]) -> np.ndarray:
    """Fractions in the order of `MATERIALS`, summing to 1, of a mixture given by names."""
    weights = np.array([mixture.get(material, 0.0) for material in MATERIALS], dtype=np.float64)
    return np.asarray(weights / weights.sum())


def _bends(coefficients: np.ndarray) -> np.ndarray:
    """Smooth curves over the bands: tilt, bow and a short-wave infrared step, shape (..., bands)."""
    ramp = np.linspace(-1, 1, len(BANDS))
    curves = np.stack([ramp, 1 - 3 * ramp**2, (np.arange(len(BANDS)) > 10) - 0.2])
    return np.asarray((coefficients[..., None] * curves).sum(axis=-2))


def choose(fields: np.ndarray, weights: np.ndarray, sharpness: float = 1.4) -> np.ndarray:
    """Index of the strongest field at each pixel, fields favoured by the logarithm of their weight.

    Parameters
    ----------
    fields : ndarray, shape (count, rows, columns)
        As from `smooth`.
    weights : ndarray, shape (count,)
        Relative fractions; 0 is never chosen.
    sharpness : float
        Larger values let small weights come through more.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
    """
    with np.errstate(divide="ignore"):
        return np.asarray((sharpness * fields + np.log(weights)[:, None, None]).argmax(axis=0))


def ground(random: np.random.Generator, weights: np.ndarray, side: int, slope: float = 1.7) -> np.ndarray:
    """Map of materials (int64, side x side) with about these fractions; a small `slope` makes small fields."""
    present = np.flatnonzero(weights > 0.004 * weights.sum())
    return np.asarray(present[choose(smooth(random, len(present), side, slope), weights[present])])


def coarse(image: np.ndarray, cell: int) -> np.ndarray:
    """Means over cells of `cell` x `cell` pixels, repeated to the size of the image."""
    if cell == 1:
        return image
    rows, columns = image.shape
    padded = np.pad(image, ((0, -rows % cell), (0, -columns % cell)), mode="edge")
    means = padded.reshape(padded.shape[0] // cell, cell, -1, cell).mean(axis=(1, 3))
    return np.asarray(means.repeat(cell, axis=0).repeat(cell, axis=1)[:rows, :columns])


def at_native_pixels(image: np.ndarray) -> np.ndarray:
    """An image (13, rows, columns) with each band at its native pixel, resampled to 10 m."""
    return np.stack([coarse(band, int(cell)) for band, cell in zip(image, CELLS, strict=True)])


def surface(
    random: np.random.Generator, here: Place, materials: np.ndarray, texture: np.ndarray, dryness: float = 0.0
) -> np.ndarray:
    """Surface reflectance (13, rows, columns), float64.

    Parameters
    ----------
    random : Generator
        Source of the noise.
    here : Place
        Gives the spectra.
    materials : ndarray of int, shape (rows, columns)
        As from `ground`.
    texture : ndarray, shape (2, rows, columns)
        Brightness and vigour of the ground, as from `smooth`; the same at every date.
    dryness : float
        0 in the growing season, 1 when crops and leaves are gone.
    """
    spectra = here.spectra.copy()
    soil, stubble = here.spectra[MATERIALS.index("soil")], here.spectra[MATERIALS.index("stubble")]
    for material, part in _SEASONAL.items():
        index = MATERIALS.index(material)
        spectra[index] += part * dryness * (0.4 * soil + 0.4 * stubble - 0.8 * spectra[index])
    image = np.moveaxis(spectra[materials], -1, 0)
    image *= np.exp(0.10 * texture[0])
    infrared = slice(BANDS.index("B6"), BANDS.index("B10"))
    image[infrared] *= np.exp(0.10 * texture[1])
    image *= 1 + 0.05 * random.standard_normal(image.shape)
    return np.asarray(np.clip(image, 0.0, 1.2))


def top_of_atmosphere(boa: np.ndarray, haze: float) -> np.ndarray:
    """Reflectance at the top of the atmosphere: path radiance plus what is let through."""
    return np.asarray(_PATH[:, None, None] * haze + _transmission(haze)[:, None, None] * boa)


def bottom_of_atmosphere(toa: np.ndarray, haze: float) -> np.ndarray:
    """The inverse of `top_of_atmosphere`."""
    return np.asarray((toa - _PATH[:, None, None] * haze) / _transmission(haze)[:, None, None])


def _transmission(haze: float) -> np.ndarray:
    return _CLEARNESS ** (0.5 + 0.5 * haze)


def backscatter(random: np.random.Generator, here: Place, materials: np.ndarray, wetness: float = 0.0) -> np.ndarray:
    """Mean sigma0 (linear) of VV and VH without speckle, shape (2, rows, columns)."""
    decibel = np.moveaxis(here.backscatter[materials], -1, 0) + wetness
    return np.asarray(10 ** ((decibel + 0.8 * smooth(random, 2, materials.shape[0], 0.8)) / 10))


def speckle(random: np.random.Generator, sigma: np.ndarray, looks: float) -> np.ndarray:
    """Multiply by speckle, gamma distributed with unit mean and variance 1 / looks."""
    return sigma * random.gamma(looks, 1 / looks, sigma.shape)


def decibel(sigma: np.ndarray) -> np.ndarray:
    """Linear intensity in dB, in steps of 1/128 dB."""
    return np.asarray(np.round(128 * 10 * np.log10(np.maximum(sigma, 1e-5))) / 128)


def stored(reflectance: np.ndarray, dtype: str) -> np.ndarray:
    """Reflectance x 10,000 as whole numbers of at least 1."""
    return np.asarray(np.clip(np.rint(reflectance * 10_000), 1, np.iinfo(dtype).max).astype(dtype))


def near(random: np.random.Generator, longitude: float, latitude: float, reach: float) -> tuple[int, float, float]:
    """EPSG code, easting and northing (steps of 100 m) of a point within `reach` degrees of another."""
    longitude = longitude + random.uniform(-reach, reach)
    latitude = latitude + random.uniform(-reach, reach)
    epsg = (32600 if latitude >= 0 else 32700) + int((longitude + 180) // 6) + 1
    (x,), (y,) = rasterio.warp.transform("EPSG:4326", f"EPSG:{epsg}", [longitude], [latitude])
    return epsg, round(x, -2), round(y, -2)


def degrees(epsg: int, x: list[float], y: list[float]) -> tuple[list[float], list[float]]:
    """Longitudes and latitudes of projected points."""
    longitudes, latitudes = rasterio.warp.transform(f"EPSG:{epsg}", "EPSG:4326", x, y)
    return longitudes, latitudes
