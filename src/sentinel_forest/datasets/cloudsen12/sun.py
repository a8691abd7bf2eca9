"""The height of the sun against date and latitude: whether an image can be of its season and place.

Sentinel-2 crosses the equator southwards at 10:30 local solar time, so that date and latitude tell the height of the
sun to within about 6 degrees (the equation of time, the width of the swath, the drift of local time with latitude).
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sentinel_forest.datasets.findings import Finding

LOCAL_HOUR = 10.5
"""Mean local solar time of the crossing."""

MOST_APART = 15.0
"""Degrees by which the sun may stand off; half a year makes 40 and more at middle latitudes."""

MOST_FIT = 0.9
"""Fraction of rows that must fit before the column is taken for the height, or for the zenith angle."""


def height_of_sun(day_of_year: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Height of the sun (degrees) at `LOCAL_HOUR`, with Cooper's formula for its declination.

    Parameters
    ----------
    day_of_year : ndarray
        Float (n,), from 1.
    latitude : ndarray
        Float (n,), degrees.

    Returns
    -------
    ndarray
        float64 (n,), degrees; below 0 the sun is down.

    References
    ----------
    Cooper 1969, Solar Energy 12(3), 333-346, doi 10.1016/0038-092X(69)90047-4.

    Examples
    --------
    >>> height_of_sun(np.array([81.0, 172.0]), np.array([0.0, 23.45])).round(1)
    array([67.5, 69.4])
    """
    declination = np.deg2rad(23.45) * np.sin(2 * np.pi * (284 + day_of_year) / 365)
    hour, phi = np.deg2rad(15 * (LOCAL_HOUR - 12)), np.deg2rad(latitude)
    sine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour)
    return np.asarray(np.rad2deg(np.arcsin(np.clip(sine, -1, 1))))


def sun_findings(path: str, dates: pd.Series, latitude: np.ndarray, height: np.ndarray) -> Iterator[Finding]:
    """Finding ``sun``: rows whose sun is not that of their date and latitude.

    Parameters
    ----------
    path : str
        Of the table.
    dates : Series of str
        ISO dates, "" where unknown.
    latitude, height : ndarray
        float64 (n,): of the image, and ``s2_view_sun_elevation``; NaN where unknown.
    """
    days = pd.to_datetime(dates, format="%Y-%m-%d", errors="coerce").dt.day_of_year.to_numpy(np.float64)
    known = np.isfinite(days) & np.isfinite(latitude) & np.isfinite(height)
    expected = f"the sun within {MOST_APART:g} degrees of its height at the date and latitude of the image, 10:30"
    if not known.any():
        yield Finding(path, "content", "sun", "note", "not computed: the table does not tell", expected)
        return
    computed = height_of_sun(days, latitude)
    off, off_zenith = np.abs(height - computed), np.abs(90 - height - computed)
    is_zenith = _fits(off_zenith, known) >= MOST_FIT > _fits(off, known)
    apart = off_zenith if is_zenith else off
    wrong = np.flatnonzero(known & (apart > MOST_APART)).tolist()
    if wrong:
        faults = [f"row {row}: {height[row]:.0f}, computed {computed[row]:.0f} degrees" for row in wrong[:3]]
        found = f"{len(wrong)} of {int(known.sum())} rows, {'; '.join(faults)}"
        remedy = "dates or places belong to other rows (sorted apart?): fetch the table again"
        yield Finding(path, "content", "sun", "failed", found, expected, remedy, "kept")
    elif is_zenith:
        yield Finding(
            path, "content", "sun", "note", f"the column holds zenith angles, in {known.sum()} rows", expected
        )
    else:
        yield Finding(path, "content", "sun", "ok", f"{int(known.sum())} rows", expected)


def _fits(apart: np.ndarray, known: np.ndarray) -> float:
    """Fraction of the known rows that are near enough."""
    return float((apart[known] <= MOST_APART).mean())
