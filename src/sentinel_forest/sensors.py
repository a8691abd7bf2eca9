"""Sentinel-1 and Sentinel-2: the bands of both, written once.

Datasets name the band that each of their layers holds; features, importance and pictures take unit, family
and wavelength from there. A dataset may declare bands of its own, see `Band`.

Sources: for Sentinel-2 ESA, *Sentinel-2 MSI User Guide*, table "Spectral bands for the Sentinel-2 sensors",
which follows from the spectral responses of COPE-GSEG-EOPG-TN-15-0007 (earlier issues of that document differ
by up to 4 nm for Sentinel-2A). For Sentinel-1 ESA, *Sentinel-1 SAR User Guide*: C band, 5.405 GHz; pixels of
ground range products in interferometric wide swath mode are 10 m wide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Band:
    """What a sensor, or a map that comes with it, gives for each pixel.

    Parameters
    ----------
    name : str
        The name in features and formulas, e.g. ``B8A``.
    family : str
        Bands of a family say much the same: importance takes them away together.
    unit : str
        Unit of its values in features; ``1`` is reflectance, or a ratio.
    kind : {"optical", "radar", "ancillary", "external"}
        A pixel that is 0 in all optical bands was not measured. Optical and radar bands make up the image by
        which near-duplicates are found; ancillary ones (angles, elevation, indices) do not, nor do external ones
        (columns of a table that another model has made).
    wavelength, wavelength_b : float, optional
        Central wavelength in nm, of Sentinel-2A (or of the only satellite) and of Sentinel-2B.
    bandwidth, bandwidth_b : float, optional
        Width of the band in nm, of the same.
    resolution : float, optional
        Side of a pixel as measured, in m.
    grey_levels : (float, float), optional
        Range that the grey levels of a texture span, for a unit that features do not know.
    """

    name: str
    family: str
    unit: str = "1"
    kind: Literal["optical", "radar", "ancillary", "external"] = "ancillary"
    wavelength: float | None = None
    wavelength_b: float | None = None
    bandwidth: float | None = None
    bandwidth_b: float | None = None
    resolution: float | None = None
    grey_levels: tuple[float, float] | None = None


ATMOSPHERE, VISIBLE, RED_EDGE = "aerosol, water vapour, cirrus", "visible", "red edge"
NEAR_INFRARED, SHORTWAVE_INFRARED = "near infrared", "shortwave infrared"
SAR = "SAR"
GEOMETRY = "acquisition geometry"

FINEST_M = 10.0
"""Side in m of the finest pixel of both, to which coarser bands are resampled: what ground is counted in."""

DECIBEL, AMPLITUDE, POWER = "dB", "linear amplitude", "linear power"

SENTINEL_2: Mapping[str, Band] = {
    name: Band(name, family, "1", "optical", *wavelengths, *widths, resolution)
    for name, family, wavelengths, widths, resolution in (
        # name, family, wavelength (nm) of 2A and 2B, bandwidth (nm) of 2A and 2B, resolution (m)
        ("B1", ATMOSPHERE, (442.7, 442.2), (21.0, 21.0), 60.0),
        ("B2", VISIBLE, (492.4, 492.1), (66.0, 66.0), 10.0),
        ("B3", VISIBLE, (559.8, 559.0), (36.0, 36.0), 10.0),
        ("B4", VISIBLE, (664.6, 664.9), (31.0, 31.0), 10.0),
        ("B5", RED_EDGE, (704.1, 703.8), (15.0, 16.0), 20.0),
        ("B6", RED_EDGE, (740.5, 739.1), (15.0, 15.0), 20.0),
        ("B7", RED_EDGE, (782.8, 779.7), (20.0, 20.0), 20.0),
        ("B8", NEAR_INFRARED, (832.8, 832.9), (106.0, 106.0), 10.0),
        ("B8A", NEAR_INFRARED, (864.7, 864.0), (21.0, 22.0), 20.0),
        ("B9", ATMOSPHERE, (945.1, 943.2), (20.0, 21.0), 60.0),
        ("B10", ATMOSPHERE, (1373.5, 1376.9), (31.0, 30.0), 60.0),
        ("B11", SHORTWAVE_INFRARED, (1613.7, 1610.4), (91.0, 94.0), 20.0),
        ("B12", SHORTWAVE_INFRARED, (2202.4, 2185.7), (175.0, 185.0), 20.0),
    )
}
"""Reflectance in the 13 bands, in the order of the wavelength."""

SENTINEL_1: Mapping[str, Band] = {
    name: Band(name, SAR, unit, "radar", resolution=10.0)
    for name, unit in (
        ("VV", DECIBEL),
        ("VH", DECIBEL),
        ("VH_re", AMPLITUDE),
        ("VH_im", AMPLITUDE),
        ("VV_re", AMPLITUDE),
        ("VV_im", AMPLITUDE),
        ("VH_intensity", POWER),
        ("VV_intensity", POWER),
        ("C_re", POWER),
        ("C_im", POWER),
    )
}
"""Backscatter. VV is sent and received vertically (co-polarised), VH received horizontally (cross-polarised).

``VV`` and ``VH`` are intensities in dB. Of complex data ``_re`` and ``_im`` are real and imaginary part,
``_intensity`` is the squared amplitude, and ``C`` the covariance of VH and VV."""

SUN_AZIMUTH = Band("sun_azimuth", GEOMETRY, "degree")
"""Direction towards the sun, clockwise from north: one value for a patch, a column of the catalog."""

BANDS: Mapping[str, Band] = {**SENTINEL_2, **SENTINEL_1, SUN_AZIMUTH.name: SUN_AZIMUTH}
"""All bands that every dataset may use."""
