"""Points on the Earth, taken for a sphere."""

import numpy as np

RADIUS_KM = 6371.0088
"""Mean radius of the Earth."""


def on_sphere(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Points of the unit sphere, float64 (points, 3), from degrees."""
    longitude, latitude = np.radians(lon), np.radians(lat)
    ring = np.cos(latitude)
    return np.column_stack([ring * np.cos(longitude), ring * np.sin(longitude), np.sin(latitude)])
