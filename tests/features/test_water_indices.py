"""The automated water extraction index against the paper that it comes from."""

import numpy as np
import pytest

from sentinel_forest.features import pixel

GREEN, NEAR, SHORT_1, SHORT_2 = "B3", "B8", "B11", "B12"


def without_shadow(**reflectance: float) -> float:
    """AWEInsh of one pixel."""
    bands = {name: np.full((1, 1, 1), value, dtype=np.float32) for name, value in reflectance.items()}
    return float(pixel.compute(["AWEInsh"], bands)[0, 0, 0, 0])


@pytest.mark.parametrize(("band", "weight"), [(GREEN, 4.0), (NEAR, -0.25), (SHORT_1, -4.0), (SHORT_2, -2.75)])
def test_each_band_has_the_weight_of_the_paper(band, weight):
    """Feyisa et al. 2014: 4 (green - SWIR1) - (0.25 NIR + 2.75 SWIR2), doi 10.1016/j.rse.2013.08.029."""
    reflectance = dict.fromkeys((GREEN, NEAR, SHORT_1, SHORT_2), 0.0) | {band: 0.4}
    assert without_shadow(**reflectance) == pytest.approx(weight * 0.4)


def test_a_pixel_by_hand():
    # 4 (0.08 - 0.02) - (0.25 * 0.04 + 2.75 * 0.01) = 0.24 - 0.0375
    assert without_shadow(B3=0.08, B8=0.04, B11=0.02, B12=0.01) == pytest.approx(0.2025, abs=1e-6)


def test_water_is_above_zero_and_dry_soil_below():
    """The index is made to be positive for water alone; soil is bright in the shortwave infrared."""
    assert without_shadow(B3=0.06, B8=0.03, B11=0.01, B12=0.01) > 0
    assert without_shadow(B3=0.30, B8=0.35, B11=0.28, B12=0.40) < 0
