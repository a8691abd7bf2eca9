"""Clouds over a scene, their shadows, and what a person would draw."""

from dataclasses import dataclass

import numpy as np

from sentinel_forest.simulate import scene

CLEAR, THICK, THIN, SHADOW = range(4)

_WATER = np.array([660, 640, 620, 620, 620, 620, 610, 610, 600, 420, 6, 450, 320]) / 1000
_ICE = np.array([520, 500, 480, 480, 480, 480, 480, 480, 480, 390, 70, 260, 180]) / 1000
_DIRECT = np.array([45, 48, 54, 60, 62, 66, 67, 69, 70, 70, 70, 74, 76]) / 100
"""Fraction of the light that comes straight from the sun, by band."""


@dataclass(frozen=True)
class Hand:
    """How the person who maps an ROI draws.

    Parameters
    ----------
    edge : float
        Where cloud begins, in standard deviations of the cloud field: above 0 haze counts as cloud.
    thick : float
        Hidden fraction of the ground's light from which cloud is thick.
    """

    edge: float
    thick: float


@dataclass(frozen=True)
class Clouds:
    """Clouds of one image; every array is (rows, columns).

    Parameters
    ----------
    opacity, cirrus : ndarray of float64
        Fraction of the ground's light that low clouds, and high ice clouds, hide.
    shadow : ndarray of float64
        Fraction of the sun's direct light that is blocked.
    brightness : ndarray of float64
        Brightness of the clouds, about 1.
    label : ndarray of uint8
        0 clear, 1 thick cloud, 2 thin cloud, 3 cloud shadow, as a person would draw them.
    """

    opacity: np.ndarray
    cirrus: np.ndarray
    shadow: np.ndarray
    brightness: np.ndarray
    label: np.ndarray

    @property
    def hidden(self) -> np.ndarray:
        """Fraction of the ground's light that is hidden by all clouds."""
        return np.asarray(1 - (1 - self.opacity) * (1 - self.cirrus))


def none(side: int) -> Clouds:
    """A clear sky."""
    empty = np.zeros((side, side))
    return Clouds(empty, empty, empty, empty + 1, empty.astype(np.uint8))


def draw(
    random: np.random.Generator, side: int, fraction: float, hand: Hand, sun_azimuth: float, sun_elevation: float
) -> Clouds:
    """Draw clouds that cover a given fraction of an image, with soft edges and displaced shadows.

    The clouds are made on a canvas twice as wide, so that shadows fall in from outside.

    Parameters
    ----------
    random : Generator
        Source of the draw.
    side : int
        Rows and columns.
    fraction : float
        Fraction of the pixels that a person would call cloud, 0 to 1.
    hand : Hand
        Who maps them.
    sun_azimuth, sun_elevation : float
        Degrees, clockwise from north, and above the horizon.
    """
    if fraction == 0:
        return none(side)
    window = (slice(0, side), slice(0, side))
    canvas = 2 * side
    low, high = scene.smooth(random, 2, canvas, random.uniform(1.3, 2.0))
    brightness, slips = scene.smooth(random, 2, canvas, 1.2)
    high = high - random.uniform(-0.5, 1.2)
    slips = 0.08 * slips
    edge = np.quantile(np.maximum(low, high)[window] + slips[window], 1 - fraction)
    thickness = random.uniform(1.6, 4.0)
    opacity = 1 - np.exp(-_depth(low - edge - hand.edge, thickness))
    cirrus = 1 - np.exp(-np.minimum(_depth(high - edge - hand.edge, 0.8), 0.8))
    blocked = np.roll(opacity, shadow_offset(random.uniform(120, 650), sun_azimuth, sun_elevation), axis=(0, 1))
    hidden = 1 - (1 - opacity) * (1 - cirrus)
    cloud = np.maximum(low, high) + slips > edge
    label = np.where(cloud, np.where(hidden + slips > hand.thick, THICK, THIN), CLEAR)
    label[(label == CLEAR) & (blocked + slips > 0.45)] = SHADOW
    return Clouds(
        opacity[window], cirrus[window], blocked[window], 1 + 0.12 * brightness[window], label[window].astype(np.uint8)
    )


def _depth(height: np.ndarray, thickness: float, softness: float = 0.10) -> np.ndarray:
    """Optical depth that grows softly from the cloud's edge (height 0) inwards."""
    return thickness * softness * np.logaddexp(0, height / softness)


def shadow_offset(cloud_height: float, sun_azimuth: float, sun_elevation: float) -> tuple[int, int]:
    """Rows and columns (of 10 m) from a cloud to its shadow, away from the sun.

    Parameters
    ----------
    cloud_height : float
        Metres above ground.
    sun_azimuth, sun_elevation : float
        Degrees, clockwise from north, and above the horizon.
    """
    reach = cloud_height / np.tan(np.radians(sun_elevation)) / 10
    away = np.radians(sun_azimuth + 180)
    return int(np.rint(-reach * np.cos(away))), int(np.rint(reach * np.sin(away)))


def over(toa: np.ndarray, sky: Clouds) -> np.ndarray:
    """Reflectance at the top of the atmosphere (13, rows, columns) of a scene under clouds."""
    lit = toa * (1 - _DIRECT[:, None, None] * sky.shadow)
    low = lit * (1 - sky.opacity) + sky.opacity * sky.brightness * _WATER[:, None, None]
    return np.asarray(low * (1 - sky.cirrus) + sky.cirrus * sky.brightness * _ICE[:, None, None])
