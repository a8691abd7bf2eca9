"""Points on the Earth, taken for a sphere."""

import numpy as np

RADIUS_KM = 6371.0088
"""Mean radius of the Earth."""


def on_sphere(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Points of the unit sphere, float64 (points, 3), from degrees."""
    return unit_vectors(np.radians(lon), np.radians(lat))


def unit_vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Points of the unit sphere, float64 (points, 3), from radians."""
    ring = np.cos(latitude)
    return np.column_stack([ring * np.cos(longitude), ring * np.sin(longitude), np.sin(latitude)])


def great_circle_km(chord: np.ndarray) -> np.ndarray:
    """Distance along the sphere between points of the unit sphere, from the straight one."""
    return np.asarray(2 * RADIUS_KM * np.arcsin(np.minimum(chord / 2, 1)))
